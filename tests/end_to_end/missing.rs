//! Fields that somebody removes from a system while the engine counts on them: in a filter, in a match rule, as the key.

use lockstep::mapping::{MatchBy, MatchRule};
use reqwest::Method;

use super::*;

const SEGMENT: &str = "cw_segment";

/// A portal with a property `cw_segment` of its companies, which the filter towards ConnectWise asks for.
async fn filtered() -> Bench {
    with_segment(|config| config.objects[0].filters.to_connectwise = format!("{SEGMENT} = 'A'")).await
}

async fn with_segment(change: impl Fn(&mut Config)) -> Bench {
    let bench = Bench::new(Data::Empty).await;
    assert!(bench.running.control.define_property(Object::Company, SEGMENT, "Segment", false).unwrap());
    bench.examine().await;
    bench.deploy(|config| {
        config.timing.poll = 1;
        change(config);
    });
    bench
}

impl Bench {
    pub(super) fn deploy(&self, change: impl Fn(&mut Config)) {
        let mut settings = self.workspace.settings().unwrap();
        let mut config = toml::read(&settings.deployed().unwrap().unwrap().body).unwrap();
        change(&mut config);
        settings.save_draft(&toml::write(&config), "test", "", Base::Any, Clock::start().now()).unwrap();
        settings.deploy_draft(Base::Any, "test", None, Clock::start().now()).unwrap();
    }

    /// An engine that watches, and reads the schemas again all the time.
    async fn watching(&self) -> EngineHandle {
        let mut parts = setup::parts(&self.workspace, Mode::Watch, Clock::start(), &Steps::default()).await.unwrap();
        parts.reread = Duration::from_millis(300);
        driver::start(&self.workspace, parts).unwrap()
    }

    async fn properties(&self, method: Method, rest: &str, body: Option<Json>) -> u16 {
        self.hubspot_call(method, &format!("/crm/v3/properties/companies{rest}"), body).await.status().as_u16()
    }

    /// What no control does: a call to the portal as an administrator makes it.
    pub(super) async fn hubspot_call(&self, method: Method, path: &str, body: Option<Json>) -> reqwest::Response {
        // whoever comes first installs it; the others find it there
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}{path}", self.running.hubspot_url);
        let call = client.request(method, url).bearer_auth(&self.running.credentials.hubspot_token);
        let call = match body {
            Some(body) => call.json(&body),
            None => call,
        };
        call.send().await.unwrap()
    }

    /// An administrator archives a property of companies; HubSpot keeps its values.
    async fn remove_property(&self, name: &str) {
        assert_eq!(self.properties(Method::DELETE, &format!("/{name}"), None).await, 204);
    }

    async fn restore_property(&self, name: &str) {
        let body = json!({"name": name, "label": name, "type": "string", "fieldType": "text",
            "groupName": "companyinformation"});
        assert_eq!(self.properties(Method::POST, "", Some(body)).await, 201);
    }

    async fn retype_property(&self, name: &str, kind: &str, field: &str) {
        let body = json!({"type": kind, "fieldType": field});
        assert_eq!(self.properties(Method::PATCH, &format!("/{name}"), Some(body)).await, 200);
    }

    fn company(&self, side: Side, name: &str, more: &[(&str, &str)]) -> u64 {
        let id = self.create(side, name);
        for (field, value) in more {
            self.edit(side, id, field, value);
        }
        id
    }

    fn state(&self, record: RecordRef) -> Option<RecordState> {
        self.workspace.reader().unwrap().status(record).unwrap().map(|status| status.state)
    }

    async fn until_state(&self, record: RecordRef, state: RecordState) {
        until(&format!("{record} is {state}, not {:?}", self.state(record)), || self.state(record) == Some(state))
            .await;
    }

    /// What is said of a record that counts on a field that is not there.
    fn told(&self, record: RecordRef) -> String {
        let issues = self.workspace.reader().unwrap().issues_of(record).unwrap();
        let about = issues.iter().filter(|issue| issue.class == IssueClass::MissingField);
        about.map(|issue| format!("{} {}", issue.message, issue.hint)).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_of_a_filter_that_is_removed_holds_what_it_guards_until_it_is_back() {
    let bench = filtered().await;
    let engine = bench.watching().await;
    let linked = bench.company(HUBSPOT, "Linked", &[(SEGMENT, "A")]);
    let other = bench.company(HUBSPOT, "Other", &[(SEGMENT, "B")]);
    until("it crosses", || bench.named(CONNECTWISE, "Linked").len() == 1).await;
    bench.until_state(at(System::HubSpot, linked), RecordState::InSync).await;
    bench.until_state(at(System::HubSpot, other), RecordState::Excluded).await;
    let there = bench.only(CONNECTWISE, "Linked");

    bench.remove_property(SEGMENT).await;
    let before = bench.now();
    let new = bench.create(HUBSPOT, "New");
    bench.edit(HUBSPOT, linked, "city", "Bonn");
    for id in [new, linked, other] {
        bench.until_state(at(System::HubSpot, id), RecordState::Held).await;
        let told = bench.told(at(System::HubSpot, id));
        for word in ["filter of what goes to ConnectWise", "HubSpot has no company field `cw_segment`.", "deploy"] {
            assert!(told.contains(word), "{told}");
        }
    }
    // the other direction goes on
    bench.edit(CONNECTWISE, there, "zip", "89073");
    until("the zip crosses", || bench.value(HUBSPOT, linked, "zip") == "89073").await;
    let written = bench.writes_since(before);
    assert!(written.iter().all(|mutation| mutation.side == HUBSPOT), "{written:?}");
    assert_eq!(bench.value(CONNECTWISE, there, "city"), "Ulm");
    bench.assert_pairs(&["Linked".to_owned()]);

    bench.restore_property(SEGMENT).await;
    bench.edit(HUBSPOT, new, SEGMENT, "A");
    until("the city crosses", || bench.value(CONNECTWISE, there, "city") == "Bonn").await;
    until("the new one crosses", || bench.named(CONNECTWISE, "New").len() == 1).await;
    bench.until_state(at(System::HubSpot, other), RecordState::Excluded).await;
    for id in [new, linked] {
        bench.until_state(at(System::HubSpot, id), RecordState::InSync).await;
    }
    for id in [new, linked, other] {
        assert_eq!(bench.told(at(System::HubSpot, id)), "");
    }
    assert_eq!(bench.named(CONNECTWISE, "Other"), Vec::<u64>::new());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_that_names_no_removed_field_any_more_goes_on_and_an_engine_starts_with_one_that_does() {
    let bench = filtered().await;
    bench.remove_property(SEGMENT).await;
    let new = bench.create(HUBSPOT, "New");
    // the doctor reads the schema; the engine finds it read already
    let items = bench.examine().await;
    let about: Vec<&Item> = problems(&items);
    assert_eq!(about.len(), 1, "{about:#?}");
    let told = format!("{} {}", about[0].what, about[0].remedy);
    for word in ["company filter of what goes to ConnectWise", "HubSpot has no company field `cw_segment`", "held"] {
        assert!(told.contains(word), "{told}");
    }
    bench.run().await;
    assert_eq!(bench.state(at(System::HubSpot, new)), Some(RecordState::Held));
    assert_eq!(bench.named(CONNECTWISE, "New"), Vec::<u64>::new());
    bench.deploy(|config| config.objects[0].filters.to_connectwise = "name = 'New'".to_owned());
    bench.settle().await;
    bench.assert_pairs(&["New".to_owned()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_goes_on_with_what_the_doctor_has_read_of_a_schema() {
    let bench = filtered().await;
    let mut parts = setup::parts(&bench.workspace, Mode::Watch, Clock::start(), &Steps::default()).await.unwrap();
    parts.reread = Duration::from_secs(2);
    let engine = driver::start(&bench.workspace, parts).unwrap();
    bench.remove_property(SEGMENT).await;
    bench.examine().await;
    let new = bench.create(HUBSPOT, "New");
    bench.until_state(at(System::HubSpot, new), RecordState::Held).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_of_a_filter_that_is_given_another_type_holds_and_excludes_nobody() {
    let bench = filtered().await;
    let engine = bench.watching().await;
    let first = bench.company(HUBSPOT, "First", &[(SEGMENT, "A")]);
    bench.until_state(at(System::HubSpot, first), RecordState::InSync).await;
    bench.retype_property(SEGMENT, "number", "number").await;
    let before = bench.now();
    let new = bench.create(HUBSPOT, "New");
    bench.until_state(at(System::HubSpot, new), RecordState::Held).await;
    let told = bench.told(at(System::HubSpot, new));
    assert!(told.contains("`cw_segment` is a number field"), "{told}");
    assert_eq!(bench.state(at(System::HubSpot, first)), Some(RecordState::InSync), "nothing of it would cross");
    assert_eq!(bench.writes_since(before), []);
    bench.retype_property(SEGMENT, "string", "text").await;
    bench.until_state(at(System::HubSpot, new), RecordState::Excluded).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_match_rule_whose_field_is_removed_makes_nothing_and_the_others_go_on() {
    let bench = with_segment(|config| {
        let rule = MatchRule { hubspot: SEGMENT.into(), connectwise: "website".into(), by: MatchBy::Host };
        config.objects[0].matching =
            vec![rule, MatchRule { by: MatchBy::Text, ..config.objects[0].matching[1].clone() }];
    })
    .await;
    let engine = bench.watching().await;
    let linked = bench.create(HUBSPOT, "Linked");
    bench.until_state(at(System::HubSpot, linked), RecordState::InSync).await;
    let there = bench.only(CONNECTWISE, "Linked");

    bench.remove_property(SEGMENT).await;
    let new = bench.create(HUBSPOT, "New");
    bench.until_state(at(System::HubSpot, new), RecordState::Held).await;
    let told = bench.told(at(System::HubSpot, new));
    assert!(told.contains("the match rule cw_segment = website cannot tell whether it is there already"), "{told}");
    assert!(told.contains("HubSpot has no company field `cw_segment`."), "{told}");
    let before = bench.now();
    bench.edit(HUBSPOT, linked, "city", "Bonn");
    until("a pair goes on", || bench.value(CONNECTWISE, there, "city") == "Bonn").await;
    // two that have the same name are recognised, and linked
    let (here, known) = (bench.create(HUBSPOT, "Twin"), bench.create(CONNECTWISE, "Twin"));
    bench.until_state(at(System::HubSpot, here), RecordState::InSync).await;
    bench.assert_pairs(&["Linked".to_owned(), "Twin".to_owned()]);
    assert_eq!(bench.only(CONNECTWISE, "Twin"), known);
    let made = bench.writes_since(before).into_iter().filter(|mutation| mutation.verb == Verb::Create).count();
    assert_eq!((made, bench.state(at(System::HubSpot, new))), (0, Some(RecordState::Held)));

    bench.restore_property(SEGMENT).await;
    bench.until_state(at(System::HubSpot, new), RecordState::InSync).await;
    bench.assert_pairs(&["New".to_owned()]);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_property_of_the_key_nothing_is_made_and_pairs_go_on() {
    let bench = Bench::with(Data::Empty, |config| config.timing.poll = 1).await;
    let key = defaults::company().hubspot_stamp;
    let engine = bench.watching().await;
    let linked = bench.create(HUBSPOT, "Linked");
    bench.until_state(at(System::HubSpot, linked), RecordState::InSync).await;
    let there = bench.only(CONNECTWISE, "Linked");

    bench.remove_property(key.as_str()).await;
    let before = bench.now();
    let news = [
        at(System::HubSpot, bench.create(HUBSPOT, "Here")),
        at(System::ConnectWise, bench.create(CONNECTWISE, "There")),
    ];
    bench.edit(HUBSPOT, linked, "city", "Bonn");
    bench.edit(CONNECTWISE, there, "zip", "89073");
    for new in news {
        bench.until_state(new, RecordState::Held).await;
        let told = bench.told(new);
        assert!(told.starts_with("Nothing is created in") && told.contains("Connect HubSpot again"), "{told}");
        assert!(told.contains(&format!("HubSpot has no company field `{key}`.")), "{told}");
    }
    until("the city crosses", || bench.value(CONNECTWISE, there, "city") == "Bonn").await;
    until("the zip crosses", || bench.value(HUBSPOT, linked, "zip") == "89073").await;
    bench.until_state(at(System::HubSpot, linked), RecordState::InSync).await;
    let written = bench.writes_since(before);
    assert!(written.iter().all(|mutation| mutation.verb != Verb::Create), "{written:?}");

    bench.restore_property(key.as_str()).await;
    until("both cross", || bench.named(CONNECTWISE, "Here").len() == 1 && bench.named(HUBSPOT, "There").len() == 1)
        .await;
    engine.stop().await;
    bench.settle().await;
    bench.assert_pairs(&["Linked", "Here", "There"].map(str::to_owned));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_whose_answer_was_lost_waits_for_the_property_by_which_its_copy_is_found() {
    let bench = Bench::with(Data::Empty, |config| config.timing.poll = 1).await;
    let key = defaults::company().hubspot_stamp;
    bench.running.control.inject(on_create(HUBSPOT, Fault::DropAfterCommit));
    // the look-ups find nothing out for as long as the property is not there
    let silent = Fault::Status { code: 503, body: None, retry_after: None };
    bench.running.control.inject(FaultRule { count: None, ..FaultRule::once(silent).on(HUBSPOT).path("batch/read") });
    let engine = bench.watching().await;
    bench.create(CONNECTWISE, "Acme");
    until("it is made", || bench.named(HUBSPOT, "Acme").len() == 1).await;
    bench.remove_property(key.as_str()).await;
    bench.running.control.clear_faults();
    let other = bench.create(HUBSPOT, "Other");
    bench.until_state(at(System::HubSpot, other), RecordState::Held).await;
    // longer than a lost request lives here
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(bench.named(HUBSPOT, "Acme").len(), 1);
    let open = bench.workspace.reader().unwrap().open_intents().unwrap();
    assert_eq!(open.len(), 1, "nobody can tell what became of it: {open:?}");
    bench.restore_property(key.as_str()).await;
    until("it is found", || bench.workspace.reader().unwrap().open_intents().unwrap().is_empty()).await;
    engine.stop().await;
    bench.settle().await;
    bench.assert_pairs(&["Acme".to_owned(), "Other".to_owned()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_is_not_made_while_connectwise_has_no_field_for_its_key() {
    let bench = deals::bench().await;
    let of = bench.customer("Acme").await;
    // every user-defined field is on a screen of companies now
    let moved = Fault::Mangle { pointer: "/*/podDescription".to_owned(), value: Some(json!("Company Overview")) };
    let rule = FaultRule { count: None, ..FaultRule::once(moved).on(CONNECTWISE).path("userDefinedFields") };
    bench.running.control.inject(rule);
    bench.examine().await;
    let here = bench.hubspot_deal(&of, "Forty seats", &[]);
    bench.run().await;
    let deal = RecordRef::new(ObjectKind::Deal, System::HubSpot, RecordId(here));
    assert_eq!(bench.state(deal), Some(RecordState::Held));
    let told = bench.told(deal);
    let field = lockstep::sim::DEAL_KEY_FIELD;
    assert!(told.contains(&format!("ConnectWise has no deal field `{field}`.")), "{told}");
    bench.running.control.clear_faults();
    bench.examine().await;
    bench.settle().await;
    assert!(bench.workspace.reader().unwrap().link_of(deal).unwrap().is_some());
}

/// Nothing tells beforehand which fields a tenant made mandatory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mandatory_field_that_nothing_fills_is_named_with_what_to_do() {
    let bench = Bench::new(Data::Empty).await;
    let mut behaviour = bench.running.control.behaviour();
    behaviour.connectwise.mandatory = vec!["company/market".to_owned()];
    bench.running.control.set_behaviour(behaviour);
    bench.create(HUBSPOT, "Acme");
    bench.settle().await;
    let (exit, told) = bench.exit_code("--json issues").await;
    let told: Json = serde_json::from_str(&told).unwrap();
    let record = &told["causes"][0]["records"][0];
    assert_eq!((exit, &told["need_person"], &record["name"]), (5, &json!(1), &json!("Acme")), "{told}");
    let hint = record["hint"].as_str().unwrap();
    assert!(hint.starts_with("ConnectWise wants market for a new company"), "{hint}");
    assert!(hint.contains("map it, or give it a default"), "{hint}");
    let items = bench.examine().await;
    let item = items.iter().find(|item| item.what.starts_with("One record waits: ConnectWise refused the write"));
    let item = item.unwrap_or_else(|| panic!("{items:?}"));
    assert!(item.severity == Severity::Warning && item.remedy.contains("market"), "{item:?}");
    assert!(items.iter().any(|item| item.what.starts_with("Cannot be seen: which fields the tenant made mandatory")));
}
