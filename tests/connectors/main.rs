//! Both connectors against the simulators, over HTTP.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

mod connectwise_contract;
mod faults;
mod forged;
mod hubspot_access;
mod hubspot_defences;
mod hubspot_faults;
mod hubspot_joins;
mod hubspot_lists;
mod hubspot_properties;
mod hubspot_records;
mod hubspot_references;
mod hubspot_stages;
mod hubspot_switches;
mod hubspot_untold;
mod hubspot_webhooks;
mod log;
mod odd;
mod peculiar;

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep::connect::{ConnectErrorKind, ConnectWise, Connector, HubSpot, Options, connectwise, hubspot};
use lockstep::engine::core::request::{
    AnswerBody, CreateItem, Failure, ItemOutcome, Priority, Request, RequestBody, RequestId, UpdateItem,
};
use lockstep::model::{FieldName, IntentId, ObjectKind, System, Timestamp, Value};
use lockstep::sim::{self, Data, Running, Simulators};

fn options(base: &str) -> Options {
    Options { base: Some(base.to_owned()), unlimited: true, ..Options::new(Arc::new(|| Timestamp::EPOCH)) }
}

fn stamps(field: &str) -> BTreeMap<ObjectKind, FieldName> {
    BTreeMap::from([(ObjectKind::Company, field.into())])
}

fn hub(base: &str, token: &str) -> HubSpot {
    hub_with(token, &options(base))
}

fn hub_with(token: &str, options: &Options) -> HubSpot {
    let credentials = hubspot::Credentials::Token(token.to_owned().into());
    HubSpot::new(credentials, stamps("lockstep_key"), options).unwrap()
}

fn psa(running: &Running, company: &str) -> ConnectWise {
    psa_with(&running.credentials, company, &options(&running.connectwise_url))
}

fn psa_with(c: &sim::Credentials, company: &str, options: &Options) -> ConnectWise {
    let credentials = connectwise::Credentials {
        site: "na.myconnectwise.net".into(),
        company: company.to_owned(),
        public_key: c.connectwise_public_key.clone().into(),
        private_key: c.connectwise_private_key.clone().into(),
        client_id: c.connectwise_client_id.clone(),
    };
    ConnectWise::new(&credentials, stamps("userDefinedField10"), options).unwrap()
}

async fn ask(connector: &dyn Connector, body: RequestBody) -> AnswerBody {
    let request = Request {
        system: connector.system(),
        object: ObjectKind::Company,
        priority: Priority::Interactive,
        run: None,
        body,
    };
    connector.perform(RequestId(1), &request).await.answer.body
}

async fn round_trip(connector: &dyn Connector, city: &str, extra: Option<(&str, &str)>) {
    let fields: Vec<FieldName> = vec!["name".into(), city.into()];
    let mut values: Vec<(FieldName, Value)> =
        vec![("name".into(), Value::Text("Acme".into())), (city.into(), Value::Text("Ulm".into()))];
    values.extend(extra.map(|(name, value)| (name.into(), Value::Text(value.into()))));
    let item = CreateItem { intent: IntentId(7), values, stamp: "company:42".into() };
    let created = ask(connector, RequestBody::Create { fields: fields.clone(), items: vec![item] }).await;
    let AnswerBody::Written { items } = created else { panic!("{created:?}") };
    let ItemOutcome::Applied(record) = &items[0].1 else { panic!("{items:?}") };
    assert_eq!(record.stamp.as_deref(), Some("company:42"));

    let stamped =
        RequestBody::FindStamped { fields: fields.clone(), stamps: vec!["company:42".into(), "company:1".into()] };
    let AnswerBody::Stamped { found } = ask(connector, stamped).await else { panic!("not found by stamp") };
    assert_eq!(found[0].1[0].id, record.id);
    assert!(found[1].1.is_empty());

    let item =
        UpdateItem { intent: IntentId(8), id: record.id, values: vec![(city.into(), Value::Empty)], stamp: None };
    let updated = ask(connector, RequestBody::Update { fields: fields.clone(), items: vec![item] }).await;
    let AnswerBody::Written { items } = updated else { panic!("{updated:?}") };
    let ItemOutcome::Applied(after) = &items[0].1 else { panic!("{items:?}") };
    assert_eq!((after.value("name"), after.value(city)), (&Value::Text("Acme".into()), &Value::Empty));

    let list = RequestBody::List { fields: fields.clone(), after: None, archived: false, limit: 100 };
    let AnswerBody::Page { records, more, .. } = ask(connector, list).await else { panic!("no page") };
    assert!(records.iter().any(|one| one.id == record.id) && !more);

    let read = RequestBody::Read { fields, ids: vec![record.id, lockstep::model::RecordId(999_999_999)] };
    let AnswerBody::Records { found } = ask(connector, read).await else { panic!("no records") };
    assert!(found[0].1.is_some() && found[1].1.is_none());
}

#[tokio::test]
async fn hubspot_creates_finds_updates_lists_and_reads() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let connector = hub(&running.hubspot_url, &running.credentials.hubspot_token);
    connector.prepare(ObjectKind::Company, true).await.unwrap();
    assert!(connector.prepare(ObjectKind::Company, false).await.unwrap().created.is_empty());
    connector.check().await.unwrap();
    assert!(connector.schema(ObjectKind::Company).await.unwrap().schema.field("lockstep_key").unwrap().unique);
    round_trip(&connector, "city", None).await;
}

#[tokio::test]
async fn connectwise_creates_finds_updates_lists_and_reads() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let connector = psa(&running, &running.credentials.connectwise_company);
    connector.prepare(ObjectKind::Company, true).await.unwrap();
    connector.check().await.unwrap();
    let live = connector.schema(ObjectKind::Company).await.unwrap();
    assert!(!live.schema.field("status").unwrap().options.is_empty(), "{:?}", live.warnings);
    round_trip(&connector, "city", Some(("identifier", "ACME"))).await;
}

#[tokio::test]
async fn changes_come_from_both_systems() {
    let running = Simulators::start(sim::Options::quick(Data::Story)).await.unwrap();
    let hub = hub(&running.hubspot_url, &running.credentials.hubspot_token);
    let psa = psa(&running, &running.credentials.connectwise_company);
    for connector in [&hub as &dyn Connector, &psa] {
        let changes = RequestBody::Changes {
            fields: vec!["name".into()],
            from: Timestamp::EPOCH,
            until: Timestamp::MAX,
            after: None,
            limit: 200,
        };
        let answer = ask(connector, changes).await;
        let AnswerBody::Page { records, last, .. } = answer else { panic!("{}: {answer:?}", connector.system()) };
        assert_eq!(records.last().map(|record| record.id), last);
        assert!(!records.is_empty(), "{}", connector.system());
    }
}

#[tokio::test]
async fn both_systems_count_what_their_pages_bring_where_they_can() {
    let running = Simulators::start(sim::Options::quick(Data::Story)).await.unwrap();
    let hub = hub(&running.hubspot_url, &running.credentials.hubspot_token);
    let psa = psa(&running, &running.credentials.connectwise_company);
    for connector in [&hub as &dyn Connector, &psa] {
        let system = connector.system();
        let everything = RequestBody::Changes {
            fields: Vec::new(),
            from: Timestamp::EPOCH,
            until: Timestamp::MAX,
            after: None,
            limit: 200,
        };
        let AnswerBody::Page { records, more: false, .. } = ask(connector, everything).await else {
            panic!("{system}")
        };
        let mut moments: Vec<Timestamp> = records.iter().map(|record| record.modified).collect();
        moments.sort();
        let middle = moments[moments.len() / 2];
        let later = moments.iter().filter(|moment| **moment >= middle).count() as u64;
        assert!((2..records.len() as u64).contains(&later), "{system}: {moments:?}");
        let counted = ask(connector, RequestBody::Count { since: Some(middle) }).await;
        assert_eq!(counted, AnswerBody::Counted { records: Some(later) }, "{system}");
        let all = (system == System::ConnectWise).then_some(records.len() as u64);
        let counted = ask(connector, RequestBody::Count { since: None }).await;
        assert_eq!(counted, AnswerBody::Counted { records: all }, "{system}");
    }
    let lines = Request {
        system: System::ConnectWise,
        object: ObjectKind::LineItem,
        priority: Priority::Interactive,
        run: None,
        body: RequestBody::Count { since: None },
    };
    let counted = psa.perform(RequestId(1), &lines).await.answer;
    assert_eq!((counted.body, counted.calls), (AnswerBody::Counted { records: None }, 0));
}

#[tokio::test]
async fn wrong_credentials_are_denied_and_a_closed_port_was_sent_nothing() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let wrong = hub(&running.hubspot_url, "pat-na1-wrong");
    assert!(matches!(ask(&wrong, RequestBody::Identify).await, AnswerBody::Failed(Failure::Denied { .. })));
    let nobody = psa(&running, "nobody");
    assert_eq!(nobody.check().await.unwrap_err().kind, ConnectErrorKind::Credentials);
    let closed = hub("http://127.0.0.1:1", "pat-na1-any");
    assert!(matches!(ask(&closed, RequestBody::Identify).await, AnswerBody::Failed(Failure::NotSent(_))));
    assert_eq!(closed.system(), System::HubSpot);
}
