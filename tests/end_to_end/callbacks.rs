//! ConnectWise's call-backs as Lockstep makes and keeps them, with the real binary over real HTTP: only ours, only in the
//! workspace's own tenant, and whatever becomes of them, the polls go on.

use lockstep::engine::driver::receiver::{PublicUrl, Receiver};
use lockstep::sim::{Level, Role};

use super::hints::{POLL, Watch, free_port};
use super::*;

const LIST: &str = "/system/callbacks";
const ROW: &str = "System/Manage Hosted API";
const NO_ADDING: Permit = Permit { add: Level::None, ..Permit::ALL };

impl Bench {
    async fn connectwise(&self, method: reqwest::Method, path: &str, body: &Json) -> Json {
        let c = &self.running.credentials;
        let url = format!("{}/v4_6_release/apis/3.0{path}", self.running.connectwise_url);
        let user = format!("{}+{}", c.connectwise_company, c.connectwise_public_key);
        let request = reqwest::Client::builder().no_proxy().build().unwrap().request(method, url);
        let request =
            request.basic_auth(user, Some(&c.connectwise_private_key)).header("clientid", &c.connectwise_client_id);
        let answer = request.body(body.to_string()).header("content-type", "application/json").send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default()
    }

    /// All that ConnectWise has, whoever made them.
    async fn callbacks(&self) -> Vec<Json> {
        self.connectwise(reqwest::Method::GET, LIST, &json!({})).await.as_array().unwrap().clone()
    }

    /// Those that lead there: type, and whether they are on; sorted.
    async fn leading_to(&self, url: &str) -> Vec<(String, bool)> {
        let all = self.callbacks().await.into_iter();
        let there = all.filter(|one| one["url"].as_str().unwrap().starts_with(&format!("{url}/connectwise?")));
        let mut there: Vec<_> =
            there.map(|one| (one["type"].as_str().unwrap().to_owned(), one["inactiveFlag"] == false)).collect();
        there.sort();
        there
    }

    async fn until_leading_to(&self, url: &str, expected: &[(&str, bool)]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let there = self.leading_to(url).await;
            if there.iter().map(|(kind, on)| (kind.as_str(), *on)).eq(expected.iter().copied()) {
                return;
            }
            assert!(Instant::now() < deadline, "{there:?} are not {expected:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn make_callback(&self, url: &str, description: &str) -> Json {
        let body = json!({"url": url, "type": "company", "level": "owner", "objectId": 1, "description": description,
            "inactiveFlag": true});
        self.connectwise(reqwest::Method::POST, LIST, &body).await
    }

    async fn switch_off(&self) {
        for one in self.callbacks().await {
            let body = json!([{"op": "replace", "path": "inactiveFlag", "value": true}]);
            self.connectwise(reqwest::Method::PATCH, &format!("{LIST}/{}", one["id"]), &body).await;
        }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.home.path().join("said")).unwrap()
    }

    /// Calls to that part of ConnectWise.
    fn asked(&self, part: &str) -> usize {
        self.running.control.requests(0).iter().filter(|request| request.path.contains(part)).count()
    }

    async fn calling_back(&self, port: u16, more: &str) -> Watch<'_> {
        Watch::with(self, port, &format!("--public-url http://127.0.0.1:{port} {more}")).await
    }
}

const BOTH_ON: [(&str, bool); 2] = [("company", true), ("contact", true)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn call_backs_are_made_armed_again_and_removed_and_those_of_others_are_left_alone() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let others = [
        bench.make_callback("http://127.0.0.1:9/portal?recordId=", "Help desk").await,
        bench.make_callback("http://127.0.0.1:9/connectwise?recordId=", "Lockstep").await,
        bench.make_callback(&format!("{url}/connectwise/portal?recordId="), "Lockstep").await,
    ];
    let watch = bench.calling_back(port, &format!("--interval {POLL}")).await;
    bench.until_leading_to(&url, &BOTH_ON).await;
    bench.edit(CONNECTWISE, connectwise, "city", "Bonn");
    until("it crosses long before the next poll", || bench.value(HUBSPOT, hubspot, "city") == "Bonn").await;
    until("it is said", || bench.said().contains("ConnectWise calls back for: company, contact.")).await;
    let hearing = bench.workspace.settings().unwrap().hearing().unwrap();
    assert!(hearing.last.connectwise.is_some() && hearing.callbacks.unwrap().looked.is_some());
    let (code, _) = bench.exit_code("callbacks remove --yes").await;
    assert_eq!(code, 3, "the engine would make them again");
    drop(watch);

    bench.switch_off().await;
    let watch = bench.calling_back(port, &format!("--interval {POLL}")).await;
    bench.until_leading_to(&url, &BOTH_ON).await;
    drop(watch);
    let (code, list) = bench.exit_code("callbacks list --json").await;
    let list: Json = serde_json::from_str(&list).unwrap();
    assert_eq!((code, list["callbacks"].as_array().unwrap().len()), (0, 2), "{list}");
    assert_eq!((&list["armed"], &list["trouble"]), (&json!(["company", "contact"]), &Json::Null));

    let (code, said) = bench.exit_code("callbacks remove").await;
    assert_eq!(code, 2, "nobody can be asked: {said}");
    bench.until_leading_to(&url, &BOTH_ON).await;
    let (code, said) = bench.exit_code("callbacks remove --yes --json").await;
    let said: Json = serde_json::from_str(&said).unwrap();
    assert_eq!((code, said["removed"].as_array().unwrap().len()), (0, 2), "{said}");
    let left: Vec<Json> = bench.callbacks().await.iter().map(|one| one["id"].clone()).collect();
    assert_eq!(left, others.map(|one| one["id"].clone()));
    assert!(bench.callbacks().await.iter().all(|one| one["inactiveFlag"] == true), "nobody switched them on");
    assert_eq!(bench.exit_code("callbacks remove --yes").await.0, 0, "there are none, and that is fine");
}

/// Where the proxy moves to another address, what led to the old one goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_address_takes_the_place_of_the_one_before() {
    let bench = Bench::new(Data::Empty).await;
    let ports = [free_port(), free_port()];
    for port in ports {
        let watch = bench.calling_back(port, &format!("--interval {POLL}")).await;
        bench.until_leading_to(&watch.url, &BOTH_ON).await;
    }
    assert_eq!(bench.callbacks().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_configuration_has_its_call_backs_at_once() {
    let bench = Bench::with(Data::Empty, |config| config.objects.retain(|one| one.object == ObjectKind::Company)).await;
    let watch = bench.calling_back(free_port(), &format!("--interval {POLL}")).await;
    bench.until_leading_to(&watch.url, &[("company", true)]).await;
    let config = defaults::config();
    let mut settings = bench.workspace.settings().unwrap();
    for connection in connections(&bench.running) {
        let connector = connection.connector(&config, Clock::start(), std::sync::Arc::new(|_: &_| ())).unwrap();
        connector.prepare(ObjectKind::Contact, true).await.unwrap();
        let live = connector.schema(ObjectKind::Contact).await.unwrap();
        settings.put_schema(&live.schema, Clock::start().now()).unwrap();
    }
    settings.save_draft(&toml::write(&config), "test", "", Base::Any, Clock::start().now()).unwrap();
    settings.deploy_draft(Base::Any, "test", None, Clock::start().now()).unwrap();
    bench.until_leading_to(&watch.url, &BOTH_ON).await;
}

/// The workspace belongs to another tenant: nothing is made in this one, nor looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_wrong_tenant_nothing_is_made_and_nothing_removed() {
    let bench = Bench::new(Data::Empty).await;
    bench.run().await;
    let port = free_port();
    let ours = bench.make_callback(&format!("http://127.0.0.1:{port}/connectwise?recordId="), "Lockstep").await;
    let other = Row::Tenant { system: System::ConnectWise, tenant: "somebody@else.example".to_owned() };
    let batch = Batch { rows: vec![other], ..Batch::default() };
    bench.workspace.writer().unwrap().commit(batch).await.unwrap();
    let asked = bench.asked(LIST);
    let watch = bench.calling_back(port, "--interval 1").await;
    let before = bench.last_run();
    until("it tried again", || bench.last_run() > before + 1).await;
    drop(watch);
    assert_eq!(bench.asked(LIST), asked, "{}", bench.said());
    let (code, said) = bench.exit_code(&format!("callbacks remove --yes --public-url http://127.0.0.1:{port}")).await;
    assert_eq!(code, 3, "{said}");
    assert_eq!(bench.callbacks().await.iter().map(|one| one["id"].clone()).collect::<Vec<_>>(), [ours["id"].clone()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_told_once_with_the_next_step_and_the_polls_go_on() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let mut less = bench.running.control.behaviour();
    less.connectwise.role = Role::all().with(ROW, NO_ADDING);
    bench.running.control.set_behaviour(less);
    let watch = bench.calling_back(free_port(), "--interval 1").await;
    until("it is said", || bench.said().contains("Manage Hosted API / Add to All")).await;
    bench.edit(CONNECTWISE, connectwise, "city", "Bonn");
    until("it crosses", || bench.value(HUBSPOT, hubspot, "city") == "Bonn").await;
    let before = bench.last_run();
    until("it polls on", || bench.last_run() > before + 2).await;
    assert_eq!(bench.said().matches("Manage Hosted API").count(), 1, "{}", bench.said());
    let stand = bench.workspace.settings().unwrap().callbacks().unwrap().unwrap();
    assert_eq!((stand.armed.len(), stand.missing), (0, vec!["company".to_owned(), "contact".to_owned()]));
    assert!(stand.trouble.unwrap().remedy.contains("Manage Hosted API / Add to All"));
    drop(watch);
}

/// What cannot even be listed stops nobody, and is tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_fails_and_a_create_whose_answer_is_lost_come_right_by_themselves() {
    let bench = Bench::new(Data::Empty).await;
    let failing =
        FaultRule { count: Some(2), ..FaultRule::once(Fault::Status { code: 500, body: None, retry_after: None }) };
    bench.running.control.inject(failing.on(CONNECTWISE).method("GET").path("system/callbacks"));
    let lost = FaultRule { count: Some(2), ..FaultRule::once(Fault::DropAfterCommit) };
    bench.running.control.inject(lost.on(CONNECTWISE).method("POST").path("system/callbacks"));
    let engine = bench.engine(Mode::Watch).await;
    let kept = keep(&bench, engine.clone()).await;
    let mut standing = kept.1.callbacks();
    let whole = standing.wait_for(|standing| standing.armed.len() == 2 && standing.trouble.is_none());
    tokio::time::timeout(PATIENCE, whole).await.unwrap().unwrap();
    bench.until_leading_to(&kept.0, &BOTH_ON).await;
    assert_eq!(bench.callbacks().await.len(), 2, "none is there twice");
    engine.stop().await;
}

/// In this process, looking far more often than every hour.
async fn keep(bench: &Bench, engine: EngineHandle) -> (String, lockstep::engine::driver::receiver::Listening) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let public = PublicUrl::parse(&url).unwrap();
    let receiver = Receiver::bind(format!("127.0.0.1:{port}").parse().unwrap(), Some(public)).await.unwrap();
    let receiver = receiver.looking_every(Duration::from_millis(200));
    let connectors = setup::connectors(&bench.workspace, Clock::start()).unwrap();
    let config = setup::rules(&bench.workspace.settings().unwrap()).unwrap().config;
    let listening = receiver.serve(&bench.workspace, connectors, engine, &config, Clock::start()).unwrap();
    (url, listening)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_connectwise_switches_off_is_armed_at_the_next_look_and_a_pause_is_obeyed() {
    let bench = Bench::new(Data::Empty).await;
    let engine = bench.engine(Mode::Watch).await;
    let (url, listening) = keep(&bench, engine.clone()).await;
    bench.until_leading_to(&url, &BOTH_ON).await;
    bench.switch_off().await;
    bench.until_leading_to(&url, &BOTH_ON).await;
    assert_eq!(bench.exit_code("pause --note quiet").await.0, 0);
    let mut snapshot = engine.snapshot();
    tokio::time::timeout(PATIENCE, async {
        while snapshot.borrow_and_update().pauses.is_empty() {
            let _ = engine.ask(Ask::SyncNow).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    bench.switch_off().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.until_leading_to(&url, &[("company", false), ("contact", false)]).await;
    assert_eq!(bench.exit_code("resume").await.0, 0);
    let _ = engine.ask(Ask::SyncNow).await;
    bench.until_leading_to(&url, &BOTH_ON).await;
    drop(listening);
    engine.stop().await;
}

/// Whoever floods us with forged deliveries does not make us flood ConnectWise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_forged_deliveries_has_few_keys_asked_for() {
    let bench = Bench::new(Data::Empty).await;
    let watch = Watch::with(&bench, free_port(), &format!("--interval {POLL}")).await;
    let place = format!("{}/v4_6_release/system/callbackkey/index.rails", bench.running.connectwise_url);
    let company = &bench.running.credentials.connectwise_company;
    let signature = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for n in 0..100 {
        let key = format!("{place}?companyName={company}&id={n}");
        let message = json!({"CompanyId": company, "ID": 1, "Type": "company", "Action": "updated",
            "Metadata": {"key_url": key}});
        let status = watch.post("/connectwise", &[("x-content-signature", signature)], &message.to_string()).await;
        assert!([401, 429].contains(&status), "{status}");
    }
    let asked = bench.asked("callbackkey");
    assert!((1..=8).contains(&asked), "{asked} keys were asked for");
}
