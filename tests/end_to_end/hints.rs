//! Webhooks and call-backs over real HTTP, to the real binary: what they hint at crosses within seconds though the next poll
//! is minutes away, and nothing else follows from them.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Child;

use lockstep::sim::Webhook;
use secrecy::SecretString;

use super::*;

const SECRET: &str = "webhook-client-secret";
/// Far longer than any of these tests waits.
pub const POLL: u64 = 3_600;

/// The binary, watching and listening; it dies with this.
pub struct Watch<'a> {
    pub bench: &'a Bench,
    pub child: Child,
    pub url: String,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl<'a> Watch<'a> {
    async fn start(bench: &'a Bench) -> Self {
        bench.workspace.settings().unwrap().put_webhook_secret(System::HubSpot, &SecretString::from(SECRET)).unwrap();
        Self::at(bench, free_port()).await
    }

    /// No call-backs are made: nobody is told of an address.
    async fn at(bench: &'a Bench, port: u16) -> Self {
        Self::with(bench, port, &format!("--interval {POLL}")).await
    }

    /// What it says is in the home, as `said`.
    pub async fn with(bench: &'a Bench, port: u16, more: &str) -> Self {
        let url = format!("http://127.0.0.1:{port}");
        let before = bench.last_run();
        let args = format!("sync --watch --listen 127.0.0.1:{port} {more}");
        let said = std::fs::File::create(bench.home.path().join("said")).unwrap();
        let child = bench.binary(&args).stdout(Stdio::null()).stderr(said).spawn().unwrap();
        let watch = Self { bench, child, url };
        until("the first run ends", || bench.last_run() > before && bench.last_has_ended()).await;
        watch
    }

    /// HubSpot's app and ConnectWise's call-backs lead to it.
    async fn listens(&self) {
        let webhook = Webhook { url: format!("{}/hubspot", self.url), secret: SECRET.to_owned(), events: Vec::new() };
        self.bench.running.control.set_webhook(Some(webhook)).unwrap();
        let [_, connectwise] = connections(&self.bench.running);
        let connector =
            connectwise.connector(&defaults::config(), Clock::start(), std::sync::Arc::new(|_: &_| ())).unwrap();
        let psa = connector.calls_back().unwrap();
        psa.keep_callbacks(&format!("{}/connectwise", self.url), &[ObjectKind::Company]).await.unwrap();
    }

    /// The statuses of the deliveries so far.
    fn delivered(&self) -> Vec<u16> {
        self.bench.running.control.deliveries(0).iter().map(|entry| entry.status).collect()
    }

    /// As HubSpot signs for private apps.
    async fn post_signed(&self, body: &str) -> u16 {
        let hash = ring::digest::digest(&ring::digest::SHA256, format!("{SECRET}{body}").as_bytes());
        let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let headers = [("x-hubspot-signature", hex.as_str()), ("x-hubspot-signature-version", "v1")];
        self.post("/hubspot", &headers, body).await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let request = reqwest::Client::builder().no_proxy().build().unwrap().post(format!("{}{path}", self.url));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(body.to_owned()).send().await.unwrap().status().as_u16()
    }
}

impl Bench {
    pub fn last_run(&self) -> u64 {
        self.workspace.reader().unwrap().high_water().unwrap().run
    }

    fn last_has_ended(&self) -> bool {
        let runs = self.workspace.reader().unwrap().latest_runs(1).unwrap();
        runs.first().is_some_and(|run| run.ended.is_some())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_on_either_side_crosses_within_seconds_though_the_next_poll_is_an_hour_away() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let watch = Watch::start(&bench).await;
    watch.listens().await;
    let mut behaviour = bench.running.control.behaviour();
    behaviour.delivery.duplicates = 1.0;
    bench.running.control.set_behaviour(behaviour);
    let before = bench.now();
    let began = Instant::now();
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    until("it crosses to ConnectWise", || bench.value(CONNECTWISE, connectwise, "city") == "Bonn").await;
    bench.edit(CONNECTWISE, connectwise, "zip", "89073");
    until("it crosses to HubSpot", || bench.value(HUBSPOT, hubspot, "zip") == "89073").await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
    // what is told of our own writes leads to nothing
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bench.writes_since(before).len(), 2, "{:?}", bench.writes_since(before));
    assert!(watch.delivered().iter().all(|status| *status == 204), "{:?}", watch.delivered());
    let told = watch.delivered().len();
    assert!(told >= 2, "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_record_is_looked_for_on_the_other_side_before_a_copy_is_made() {
    let bench = Bench::new(Data::Empty).await;
    bench.pair("Acme").await;
    let watch = Watch::start(&bench).await;
    // nobody tells of the one in ConnectWise
    bench.create(CONNECTWISE, "Birch");
    watch.listens().await;
    bench.create(HUBSPOT, "Birch");
    let hubspot = bench.only(HUBSPOT, "Birch");
    let reader = bench.workspace.reader().unwrap();
    until("they are linked", || reader.link_of(at(System::HubSpot, hubspot)).unwrap().is_some()).await;
    bench.assert_pairs(&["Birch".to_owned()]);
    drop(watch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_is_refused_and_nothing_is_read_for_it() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let watch = Watch::start(&bench).await;
    let calls = bench.running.control.calls();
    let event =
        json!([{"eventId": 1, "portalId": 1, "subscriptionType": "company.propertyChange", "objectId": hubspot}]);
    let message = json!({"CompanyId": "x", "ID": connectwise, "Type": "company", "Action": "updated"});
    assert_eq!(watch.post("/hubspot", &[], &event.to_string()).await, 401);
    let signed = [("x-hubspot-signature", "00"), ("x-hubspot-signature-version", "v1")];
    assert_eq!(watch.post("/hubspot", &signed, &event.to_string()).await, 401);
    assert_eq!(watch.post("/connectwise", &[], &message.to_string()).await, 401);
    let signed = [("x-content-signature", "AAAA")];
    assert_eq!(watch.post("/connectwise?recordId=1", &signed, &message.to_string()).await, 401);
    assert_eq!(watch.post("/elsewhere", &[], "").await, 404);
    assert_eq!(watch.post("/hubspot", &[], &" ".repeat(3 * 1024 * 1024)).await, 413);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.running.control.calls(), calls, "nobody was asked anything");
    assert_eq!(bench.workspace.inbox().unwrap().waiting().unwrap(), []);
}

/// Signed by the app's secret, and of another portal that the app is installed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_another_portal_is_refused() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, _) = bench.pair("Acme").await;
    let watch = Watch::start(&bench).await;
    let event = |portal: u64| {
        json!([{"eventId": 1, "portalId": portal, "subscriptionType": "company.deletion", "objectId": hubspot}])
            .to_string()
    };
    let ours: u64 = bench.workspace.reader().unwrap().tenant(System::HubSpot).unwrap().unwrap().parse().unwrap();
    for (portal, expected) in [(ours + 1, 401), (ours, 204)] {
        let body = event(portal);
        assert_eq!(watch.post_signed(&body).await, expected, "{portal}");
    }
}

/// Whoever writes the file may take his time: HubSpot waits for nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_are_answered_within_a_second_while_the_file_is_locked() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, _) = bench.pair("Acme").await;
    let watch = Watch::start(&bench).await;
    let portal: u64 = bench.workspace.reader().unwrap().tenant(System::HubSpot).unwrap().unwrap().parse().unwrap();
    let key = std::fs::read_to_string(bench.home.path().join("keys/acme.key")).unwrap();
    let file = rusqlite::Connection::open(bench.workspace.file()).unwrap();
    file.pragma_update(None, "key", format!("x'{}'", key.trim())).unwrap();
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    for id in 1..=4 {
        let event =
            json!({"eventId": id, "portalId": portal, "subscriptionType": "company.creation", "objectId": hubspot});
        let began = Instant::now();
        assert_eq!(watch.post_signed(&json!([event]).to_string()).await, 204);
        let took = began.elapsed();
        assert!(took < Duration::from_millis(1500), "number {id} took {took:?}");
    }
    file.execute_batch("ROLLBACK").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_and_not_read_before_the_process_died_is_read_by_the_next_one() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let mut watch = Watch::start(&bench).await;
    watch.listens().await;
    let slow = FaultRule { count: None, ..FaultRule::once(Fault::Delay { ms: 5_000 }).on(HUBSPOT).path("batch/read") };
    bench.running.control.inject(slow);
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    until("it is delivered", || watch.delivered().contains(&204)).await;
    // On unix: SIGKILL.
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();
    drop(watch);
    bench.running.control.clear_faults();
    bench.running.control.set_webhook(None).unwrap();
    let inbox = bench.workspace.inbox().unwrap();
    assert_eq!(inbox.waiting().unwrap(), [at(System::HubSpot, hubspot)]);
    let _again = Watch::at(&bench, free_port()).await;
    until("it was looked at", || inbox.waiting().unwrap().is_empty()).await;
    until("it crosses", || bench.value(CONNECTWISE, connectwise, "city") == "Bonn").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_told_before_anything_begins() {
    let bench = Bench::new(Data::Empty).await;
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let mut command = bench.binary(&format!("sync --watch --listen {address}"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("cannot listen on {address}")) && said.contains("choose another port"), "{said}");
    assert_eq!(bench.last_run(), 0);
}
