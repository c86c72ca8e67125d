//! Answers that are right and still easy to take wrongly: partial success, merges, duplicates, a code base that moved.

use std::collections::BTreeMap;

use lockstep::connect::Performed;
use lockstep::engine::core::request::{Rejection, RejectionKind};
use lockstep::model::{Record, RecordId};
use lockstep::sim::{Fault, FaultRule, Object, Side};
use serde_json::json;

use super::*;

fn fields() -> Vec<FieldName> {
    ["name", "city", "numberofemployees"].map(FieldName::from).to_vec()
}

fn item(intent: u64, values: &[(&str, &str)]) -> CreateItem {
    let values = values.iter().map(|(name, value)| (FieldName::from(*name), Value::Text((*value).into()))).collect();
    CreateItem { intent: IntentId(intent), values, stamp: format!("company:{intent}") }
}

async fn written(connector: &dyn Connector, body: RequestBody) -> BTreeMap<u64, ItemOutcome> {
    match ask(connector, body).await {
        AnswerBody::Written { items } => items.into_iter().map(|(intent, outcome)| (intent.0, outcome)).collect(),
        other => panic!("{other:?}"),
    }
}

fn applied(outcome: &ItemOutcome) -> &Record {
    match outcome {
        ItemOutcome::Applied(record) => record,
        other => panic!("{other:?}"),
    }
}

fn rejected(outcome: &ItemOutcome) -> &Rejection {
    match outcome {
        ItemOutcome::Rejected(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}

async fn portal() -> (Running, HubSpot) {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let hub = hub(&running.hubspot_url, &running.credentials.hubspot_token);
    hub.prepare(ObjectKind::Company, true).await.unwrap();
    (running, hub)
}

async fn tenant() -> (Running, ConnectWise) {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let psa = psa(&running, &running.credentials.connectwise_company);
    psa.prepare(ObjectKind::Company, true).await.unwrap();
    (running, psa)
}

#[tokio::test]
async fn each_item_of_a_partly_failed_batch_has_its_own_word() {
    let (_running, hub) = portal().await;
    let items = vec![
        item(1, &[("name", "One"), ("city", "Ulm")]),
        item(2, &[("name", "Two"), ("numberofemployees", "many")]),
        item(3, &[("name", "Three"), ("city", "Bonn")]),
    ];
    let made = written(&hub, RequestBody::Create { fields: fields(), items }).await;
    assert_eq!(applied(&made[&1]).value("name"), &Value::Text("One".into()));
    assert_eq!(applied(&made[&3]).value("name"), &Value::Text("Three".into()));
    let refused = rejected(&made[&2]);
    assert_eq!(refused.kind, RejectionKind::Invalid);
    assert_eq!(refused.fields, ["numberofemployees"], "{refused:?}");

    let change = |intent, id, name: &str, value: &str| UpdateItem {
        intent: IntentId(intent),
        id,
        values: vec![(name.into(), Value::Text(value.into()))],
        stamp: None,
    };
    let (one, three) = (applied(&made[&1]).id, applied(&made[&3]).id);
    let items = vec![
        change(11, one, "city", "Linz"),
        change(12, RecordId(999_999_999), "city", "Graz"),
        change(13, three, "numberofemployees", "few"),
    ];
    let changed = written(&hub, RequestBody::Update { fields: fields(), items }).await;
    assert_eq!(applied(&changed[&11]).value("city"), &Value::Text("Linz".into()));
    assert_eq!(rejected(&changed[&12]).kind, RejectionKind::NotFound);
    assert_eq!(rejected(&changed[&13]).kind, RejectionKind::Invalid);
}

#[tokio::test]
async fn a_merged_record_answers_with_its_survivor_and_takes_no_writes() {
    for keeps in [false, true] {
        let (running, hub) = portal().await;
        let mut behaviour = running.control.behaviour();
        behaviour.hubspot.merge_keeps_id = keeps;
        running.control.set_behaviour(behaviour);
        let items = vec![item(1, &[("name", "Stays")]), item(2, &[("name", "Goes")])];
        let made = written(&hub, RequestBody::Create { fields: fields(), items }).await;
        let (stays, goes) = (applied(&made[&1]).id, applied(&made[&2]).id);
        let survivor = running.control.merge(Side::HubSpot, Object::Company, stays.0, goes.0, None).unwrap();
        assert_eq!(survivor == stays.0, keeps);
        let ids = vec![goes, stays, RecordId(survivor)];
        let AnswerBody::Records { found } = ask(&hub, RequestBody::Read { fields: fields(), ids }).await else {
            panic!("no records")
        };
        for (asked, record) in found {
            let record = record.unwrap();
            assert_eq!(record.id, RecordId(survivor), "asked for {asked}");
            assert!(record.merged.contains(&goes), "{record:?}");
            assert!(!record.archived);
        }
        let values = vec![("city".into(), Value::Text("Ulm".into()))];
        let items = vec![UpdateItem { intent: IntentId(9), id: goes, values, stamp: None }];
        let written = written(&hub, RequestBody::Update { fields: fields(), items }).await;
        assert!(!matches!(written[&9], ItemOutcome::Applied(_)), "{written:?}");
    }
}

#[tokio::test]
async fn a_stamp_that_is_taken_is_a_duplicate_and_names_its_holder() {
    let (_running, hub) = portal().await;
    let body = || RequestBody::Create { fields: fields(), items: vec![item(1, &[("name", "One")])] };
    let first = written(&hub, body()).await;
    let again = written(&hub, body()).await;
    let existing = Some(applied(&first[&1]).id);
    assert_eq!(rejected(&again[&1]).kind, RejectionKind::Duplicate { existing });
}

#[tokio::test]
async fn connectwise_says_duplicate_in_two_ways() {
    let (running, psa) = tenant().await;
    let body = |intent| RequestBody::Create {
        fields: vec!["name".into()],
        items: vec![item(intent, &[("name", "One"), ("identifier", "ONE")])],
    };
    applied(&written(&psa, body(1)).await[&1]);
    let taken = written(&psa, body(2)).await;
    let taken = rejected(&taken[&2]);
    assert_eq!(taken.kind, RejectionKind::Duplicate { existing: None });
    assert_eq!(taken.fields, ["identifier"]);
    for body_text in [None, Some(String::new()), Some(r#"{"code":"Conflict","message":"In use."}"#.to_owned())] {
        let fault = Fault::Status { code: 409, body: body_text, retry_after: None };
        running.control.inject(FaultRule::once(fault).on(Side::ConnectWise).method("POST"));
        let refused = written(&psa, body(3)).await;
        assert_eq!(rejected(&refused[&3]).kind, RejectionKind::Duplicate { existing: None });
    }
    // Of an update it says that the record is in use: nobody looks for a copy then.
    let fault = Fault::Status { code: 409, body: None, retry_after: None };
    running.control.inject(FaultRule::once(fault).on(Side::ConnectWise).method("PATCH"));
    let values = vec![("city".into(), Value::Text("Ulm".into()))];
    let items = vec![UpdateItem { intent: IntentId(4), id: RecordId(2), values, stamp: None }];
    let refused = written(&psa, RequestBody::Update { fields: vec!["city".into()], items }).await;
    assert_eq!(rejected(&refused[&4]).kind, RejectionKind::Other);
}

fn discoveries(running: &Running) -> u64 {
    let calls = running.control.calls();
    calls.iter().filter(|(call, _)| call.contains("companyinfo")).flat_map(|(_, by_status)| by_status.values()).sum()
}

#[tokio::test]
async fn a_code_base_that_moved_is_looked_up_once() {
    let (running, psa) = tenant().await;
    running.control.clear_calls();
    let mut behaviour = running.control.behaviour();
    behaviour.connectwise.code_base = "v2026_3/".into();
    running.control.set_behaviour(behaviour);
    let body = RequestBody::Create {
        fields: vec!["name".into()],
        items: vec![item(1, &[("name", "One"), ("identifier", "ONE")])],
    };
    applied(&written(&psa, body).await[&1]);
    assert_eq!(discoveries(&running), 1);
    let list = RequestBody::List { fields: vec!["name".into()], after: None, archived: false, limit: 10 };
    let AnswerBody::Page { records, .. } = ask(&psa, list.clone()).await else { panic!("no page") };
    assert_eq!((records.len(), discoveries(&running)), (1, 1), "one record, and no more looking");

    let gone = Fault::Status { code: 404, body: None, retry_after: None };
    running.control.inject(FaultRule::once(gone).on(Side::ConnectWise).path("apis/3.0").times(50));
    running.control.clear_calls();
    let answer = ask(&psa, list).await;
    assert!(matches!(answer, AnswerBody::Failed(Failure::Rejected(_))), "{answer:?}");
    assert_eq!(discoveries(&running), 1, "an endpoint that is not there is not looked for for ever");
}

/// Values are data: what would move a cursor, end a string or start a tag arrives as it was sent.
#[tokio::test]
async fn escape_sequences_survive_as_data() {
    let hostile = [
        "\u{1b}[2J\u{1b}]0;owned\u{7}x",
        "a\"b\\c'd; -- <b>&amp;</b> %0d%0a {{x}} ${y}",
        "\u{202e}gpj.exe\u{2066} \u{200b}zero \u{85}",
        "tab\tstop \u{feff}mark",
        "🦊株式会社\u{301}",
    ];
    let (_hub_running, hub) = portal().await;
    let (_psa_running, psa) = tenant().await;
    for (at, text) in (1..).zip(hostile) {
        for connector in [&hub as &dyn Connector, &psa] {
            let identifier = format!("ID{at}");
            let mut values = vec![("name", "One"), ("city", text)];
            if connector.system() == System::ConnectWise {
                values.push(("identifier", &identifier));
            }
            let fields: Vec<FieldName> = vec!["name".into(), "city".into()];
            let items = vec![item(at, &values)];
            let made = written(connector, RequestBody::Create { fields: fields.clone(), items }).await;
            let id = applied(&made[&at]).id;
            let read = ask(connector, RequestBody::Read { fields, ids: vec![id] }).await;
            let AnswerBody::Records { found } = read else { panic!("{read:?}") };
            let record = found[0].1.as_ref().unwrap();
            assert_eq!(record.value("city"), &Value::Text(text.into()), "{}", connector.system());
        }
    }
}

/// The exchange kept for people holds no credentials, whatever the system echoes.
#[tokio::test]
async fn a_token_that_the_system_echoes_is_not_kept() {
    let (running, hub) = portal().await;
    let token = running.credentials.hubspot_token.clone();
    let echo = json!({"status": "error", "category": "VALIDATION_ERROR", "message": format!("bad: {token}")});
    let fault = Fault::Status { code: 400, body: Some(echo.to_string()), retry_after: None };
    running.control.inject(FaultRule::once(fault).on(Side::HubSpot).path("batch/create"));
    let request = Request {
        system: System::HubSpot,
        object: ObjectKind::Company,
        priority: Priority::Write,
        run: None,
        body: RequestBody::Create { fields: fields(), items: vec![item(1, &[("name", "One")])] },
    };
    let Performed { answer, exchanges } = hub.perform(RequestId(1), &request).await;
    assert!(!exchanges.is_empty());
    let everything = format!("{answer:?} {exchanges:?} {hub:?}");
    assert!(everything.contains("bad: "), "{everything}");
    assert!(!everything.contains(&token), "{everything}");
}
