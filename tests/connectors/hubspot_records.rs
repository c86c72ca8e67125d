//! HubSpot as a whole: every object, and what its batches, stages and duplicates come to.

use std::collections::BTreeMap;

use lockstep::engine::core::request::{Rejection, RejectionKind};
use lockstep::model::{Record, RecordId};
use lockstep::sim::{Fault, FaultRule, Object, Side};
use serde_json::{Value as Json, json};

use super::forged::{Forged, Seen};
use super::*;

pub fn all_stamps() -> BTreeMap<ObjectKind, FieldName> {
    ObjectKind::ALL.into_iter().map(|object| (object, "lockstep_key".into())).collect()
}

pub fn hub_at(url: &str, token: &str) -> HubSpot {
    HubSpot::new(hubspot::Credentials::Token(token.to_owned().into()), all_stamps(), &options(url)).unwrap()
}

/// A portal in which these objects can carry their stamps.
pub async fn portal(objects: &[ObjectKind]) -> (Running, HubSpot) {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let hub = hub_at(&running.hubspot_url, &running.credentials.hubspot_token);
    for object in objects {
        hub.prepare(*object, true).await.unwrap();
    }
    (running, hub)
}

pub async fn tell(hub: &HubSpot, object: ObjectKind, body: RequestBody) -> AnswerBody {
    let request = Request { system: System::HubSpot, object, priority: Priority::Write, run: None, body };
    hub.perform(RequestId(1), &request).await.answer.body
}

pub fn names(names: &[&str]) -> Vec<FieldName> {
    names.iter().map(|name| FieldName::from(*name)).collect()
}

pub fn values(pairs: &[(&str, &str)]) -> Vec<(FieldName, Value)> {
    pairs.iter().map(|(name, value)| (FieldName::from(*name), Value::text(*value))).collect()
}

pub fn create(object: ObjectKind, intent: u64, pairs: &[(&str, &str)]) -> CreateItem {
    let stamp = format!("{object}:{intent}");
    CreateItem { intent: IntentId(intent), values: values(pairs), stamp }
}

pub fn change(intent: u64, id: RecordId, pairs: &[(&str, &str)]) -> UpdateItem {
    UpdateItem { intent: IntentId(intent), id, values: values(pairs), stamp: None }
}

/// The outcomes of a write by intent.
pub async fn outcomes(hub: &HubSpot, object: ObjectKind, body: RequestBody) -> BTreeMap<u64, ItemOutcome> {
    match tell(hub, object, body).await {
        AnswerBody::Written { items } => items.into_iter().map(|(intent, outcome)| (intent.0, outcome)).collect(),
        other => panic!("{other:?}"),
    }
}

pub fn applied(outcome: &ItemOutcome) -> &Record {
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

/// Makes one record.
pub async fn made(hub: &HubSpot, object: ObjectKind, intent: u64, pairs: &[(&str, &str)]) -> Record {
    let fields = pairs.iter().map(|(name, _)| FieldName::from(*name)).collect();
    let body = RequestBody::Create { fields, items: vec![create(object, intent, pairs)] };
    applied(&outcomes(hub, object, body).await[&intent]).clone()
}

pub fn calls_to(running: &Running, part: &str) -> u64 {
    let calls = running.control.calls();
    calls.iter().filter(|(call, _)| call.contains(part)).flat_map(|(_, by_status)| by_status.values()).sum()
}

/// Ours and the simulator's word for an object, what it takes to make one, and a text of it that can be changed.
pub type Sample = (ObjectKind, Object, Vec<(&'static str, &'static str)>, &'static str);

pub fn samples() -> [Sample; 10] {
    let at = ("hs_timestamp", "2026-11-20T09:00:00Z");
    [
        (ObjectKind::Company, Object::Company, vec![("name", "Acme"), ("city", "Ulm")], "city"),
        (ObjectKind::Contact, Object::Contact, vec![("email", "a@acme.example.com"), ("city", "Ulm")], "city"),
        (
            ObjectKind::Deal,
            Object::Deal,
            vec![("dealname", "D"), ("dealstage", "qualifiedtobuy"), ("description", "x")],
            "description",
        ),
        (
            ObjectKind::Ticket,
            Object::Ticket,
            vec![("subject", "T"), ("hs_pipeline_stage", "1"), ("content", "x")],
            "content",
        ),
        (ObjectKind::Product, Object::Product, vec![("name", "P"), ("description", "x")], "description"),
        (
            ObjectKind::LineItem,
            Object::LineItem,
            vec![("name", "L"), ("quantity", "2"), ("description", "x")],
            "description",
        ),
        (ObjectKind::Note, Object::Note, vec![at, ("hs_note_body", "x")], "hs_note_body"),
        (ObjectKind::Task, Object::Task, vec![at, ("hs_task_subject", "x")], "hs_task_subject"),
        (ObjectKind::Call, Object::Call, vec![at, ("hs_call_title", "x")], "hs_call_title"),
        (ObjectKind::Meeting, Object::Meeting, vec![at, ("hs_meeting_title", "x")], "hs_meeting_title"),
    ]
}

#[tokio::test]
async fn every_object_is_made_found_changed_listed_and_read() {
    let (running, hub) = portal(&ObjectKind::ALL).await;
    for (object, theirs, pairs, text) in samples() {
        let fields = names(&[text]);
        let body = RequestBody::Create { fields: fields.clone(), items: vec![create(object, 42, &pairs)] };
        let record = applied(&outcomes(&hub, object, body).await[&42]).clone();
        assert_eq!(record.stamp.as_deref(), Some(format!("{object}:42").as_str()), "{object}");

        let stamps = vec![format!("{object}:42"), format!("{object}:1")];
        let AnswerBody::Stamped { found } =
            tell(&hub, object, RequestBody::FindStamped { fields: fields.clone(), stamps }).await
        else {
            panic!("{object}: not found")
        };
        assert_eq!((found[0].1.len(), found[0].1[0].id, found[1].1.len()), (1, record.id, 0), "{object}");

        let body =
            RequestBody::Update { fields: fields.clone(), items: vec![change(7, record.id, &[(text, "changed")])] };
        assert_eq!(applied(&outcomes(&hub, object, body).await[&7]).value(text), &Value::text("changed"), "{object}");
        let body = RequestBody::Update { fields: fields.clone(), items: vec![change(8, record.id, &[(text, "")])] };
        assert_eq!(applied(&outcomes(&hub, object, body).await[&8]).value(text), &Value::Empty, "{object}");

        let window = RequestBody::Changes {
            fields: fields.clone(),
            from: Timestamp::EPOCH,
            until: Timestamp::MAX,
            after: None,
            limit: 200,
        };
        for body in [window, RequestBody::List { fields: fields.clone(), after: None, archived: false, limit: 100 }] {
            let AnswerBody::Page { records, more, .. } = tell(&hub, object, body.clone()).await else {
                panic!("{object}: {body:?}")
            };
            assert!(records.iter().any(|one| one.id == record.id) && !more, "{object}: {body:?}");
        }
        running.control.delete(Side::HubSpot, theirs, record.id.0).unwrap();
        let archived = RequestBody::List { fields: fields.clone(), after: None, archived: true, limit: 100 };
        let AnswerBody::Page { records, .. } = tell(&hub, object, archived).await else { panic!("{object}") };
        assert!(records.iter().any(|one| one.id == record.id && one.archived), "{object}");
        let AnswerBody::Records { found } =
            tell(&hub, object, RequestBody::Read { fields, ids: vec![record.id, RecordId(999)] }).await
        else {
            panic!("{object}")
        };
        assert!(found[0].1.as_ref().unwrap().archived && found[1].1.is_none(), "{object}");
    }
}

#[tokio::test]
async fn every_object_tells_its_schema_and_stages_know_their_pipeline() {
    let (_running, hub) = portal(&ObjectKind::ALL).await;
    for object in ObjectKind::ALL {
        let live = hub.schema(object).await.unwrap();
        let stamp = live.schema.field("lockstep_key").unwrap();
        let takes = matches!(object, ObjectKind::Company | ObjectKind::Contact | ObjectKind::Deal | ObjectKind::Ticket);
        assert_eq!((stamp.unique, stamp.custom), (takes, true), "{object}");
        assert_eq!(live.warnings, Vec::new(), "{object}");
        assert!(hub.prepare(object, false).await.unwrap().created.is_empty(), "{object}");
    }
    let deals = hub.schema(ObjectKind::Deal).await.unwrap().schema;
    let stages = &deals.field("dealstage").unwrap().options;
    let won = stages.iter().find(|one| one.key == "closedwon").unwrap();
    assert_eq!((won.parent.as_deref(), won.outcome), (Some("default"), Some(lockstep::model::StageOutcome::Won)));
    assert!(deals.field("pipeline").unwrap().options.iter().any(|one| one.key == "default"));
    let contacts = hub.schema(ObjectKind::Contact).await.unwrap().schema;
    let company = contacts.field("associatedcompanyid").unwrap();
    assert_eq!((company.kind, company.read_only), (lockstep::model::FieldKind::Reference(ObjectKind::Company), false));
    assert!(!contacts.field("hubspot_owner_id").unwrap().options.is_empty());
}

#[tokio::test]
async fn a_stage_alone_goes_out_with_its_pipeline() {
    let (running, hub) = portal(&[ObjectKind::Ticket, ObjectKind::Deal]).await;
    let ticket = made(&hub, ObjectKind::Ticket, 1, &[("subject", "T"), ("hs_pipeline_stage", "2")]).await;
    let shown = running.control.record(Side::HubSpot, Object::Ticket, ticket.id.0).unwrap();
    assert_eq!((&shown["hs_pipeline"], &shown["hs_pipeline_stage"]), (&json!("0"), &json!("2")));
    running.control.clear_calls();
    let items = vec![change(2, ticket.id, &[("hs_pipeline_stage", "4")])];
    let body = RequestBody::Update { fields: names(&["hs_pipeline_stage"]), items };
    assert_eq!(
        applied(&outcomes(&hub, ObjectKind::Ticket, body).await[&2]).value("hs_pipeline_stage"),
        &Value::text("4")
    );
    assert_eq!(calls_to(&running, "pipelines"), 0, "they are remembered");
}

#[tokio::test]
async fn what_hubspot_is_sure_to_refuse_costs_no_call() {
    let (running, hub) = portal(&[]).await;
    running.control.clear_calls();
    for (object, pairs, field) in [
        (ObjectKind::Company, vec![("city", "Ulm")], Some("name")),
        (ObjectKind::Deal, vec![("dealname", "D")], Some("dealstage")),
        (ObjectKind::Ticket, vec![("hs_pipeline", "0")], Some("subject")),
        (ObjectKind::Note, vec![("hs_note_body", "x")], Some("hs_timestamp")),
    ] {
        let body = RequestBody::Create { fields: Vec::new(), items: vec![create(object, 1, &pairs)] };
        let told = outcomes(&hub, object, body).await;
        assert_eq!(rejected(&told[&1]).fields.first().map(String::as_str), field, "{object}");
    }
    assert_eq!(running.control.calls().len(), 0);
}

#[tokio::test]
async fn an_address_that_is_taken_names_its_holder_in_either_wording() {
    for race in [0, 60_000] {
        let (running, hub) = portal(&[ObjectKind::Contact]).await;
        let mut behaviour = running.control.behaviour();
        behaviour.hubspot.race_window_ms = race;
        running.control.set_behaviour(behaviour);
        let holder = made(&hub, ObjectKind::Contact, 1, &[("email", "a@x.example.com")]).await;
        let items = vec![
            create(ObjectKind::Contact, 2, &[("email", "A@x.example.com")]),
            create(ObjectKind::Contact, 3, &[("email", "b@x.example.com")]),
        ];
        let told = outcomes(&hub, ObjectKind::Contact, RequestBody::Create { fields: names(&["email"]), items }).await;
        assert_eq!(
            rejected(&told[&2]).kind,
            RejectionKind::Duplicate { existing: Some(holder.id) },
            "{race}: {told:?}"
        );
        let other = applied(&told[&3]).id;
        let items = vec![change(4, other, &[("email", "a@x.example.com")])];
        let told = outcomes(&hub, ObjectKind::Contact, RequestBody::Update { fields: names(&["email"]), items }).await;
        assert_eq!(
            rejected(&told[&4]).kind,
            RejectionKind::Duplicate { existing: Some(holder.id) },
            "{race}: {told:?}"
        );
    }
}

#[tokio::test]
async fn an_item_that_the_answer_leaves_out_is_unknown_and_a_dropped_update_is_looked_up() {
    let (running, hub) = portal(&[ObjectKind::Contact]).await;
    let two = |at: u64| {
        (at..at + 2).map(|n| create(ObjectKind::Contact, n, &[("email", &format!("c{n}@x.example.com"))])).collect()
    };
    let drop_one = |path: &str| {
        let fault = Fault::DropItem { pointer: "/results".to_owned(), index: Some(0) };
        running.control.inject(FaultRule::once(fault).on(Side::HubSpot).path(path));
    };
    drop_one("batch/create");
    let told =
        outcomes(&hub, ObjectKind::Contact, RequestBody::Create { fields: names(&["email"]), items: two(1) }).await;
    let unknown = told.values().filter(|one| matches!(one, ItemOutcome::Unknown(_))).count();
    assert_eq!((unknown, told.len()), (1, 2), "{told:?}");

    let told =
        outcomes(&hub, ObjectKind::Contact, RequestBody::Create { fields: names(&["email"]), items: two(11) }).await;
    let (one, other) = (applied(&told[&11]).id, applied(&told[&12]).id);
    drop_one("batch/update");
    let items = vec![change(21, one, &[("city", "Ulm")]), change(22, other, &[("city", "Ulm")])];
    let told = outcomes(&hub, ObjectKind::Contact, RequestBody::Update { fields: names(&["city"]), items }).await;
    assert!(
        told.values().all(|one| applied(one).value("city") == &Value::text("Ulm")),
        "it was written, and is shown so: {told:?}"
    );

    let survivor = running.control.merge(Side::HubSpot, Object::Contact, one.0, other.0, None).unwrap();
    let items = vec![change(31, other, &[("city", "Bonn")])];
    let told = outcomes(&hub, ObjectKind::Contact, RequestBody::Update { fields: names(&["city"]), items }).await;
    let refused = rejected(&told[&31]);
    assert_eq!(refused.kind, RejectionKind::NotFound, "{told:?}");
    let shown = running.control.record(Side::HubSpot, Object::Contact, survivor).unwrap();
    assert_eq!(shown["city"], json!("Ulm"), "nothing was written to the survivor");
}

/// A system that refuses any batch as a whole in which `bad` says so, and names nobody.
fn picky(request: &Seen, bad: impl Fn(&Json) -> bool, error: &Json) -> (u16, Vec<u8>) {
    let inputs = request.body["inputs"].as_array().cloned().unwrap_or_default();
    if inputs.iter().any(bad) {
        return (400, error.to_string().into_bytes());
    }
    let result = |input: &Json| {
        json!({"id": input["objectWriteTraceId"], "objectWriteTraceId": input["objectWriteTraceId"],
            "updatedAt": "2026-01-01T00:00:00Z", "properties": input["properties"]})
    };
    // In another order than they came.
    let results: Vec<Json> = inputs.iter().rev().map(result).collect();
    (201, json!({"results": results}).to_string().into_bytes())
}

#[tokio::test]
async fn a_batch_refused_as_a_whole_is_taken_apart_and_the_rest_goes_through() {
    let error = json!({"status": "error", "message": "Something is wrong.", "category": "VALIDATION_ERROR"});
    for (bad, most) in [(vec![37], 15), (vec![1, 100], 28), ((1..=100).collect::<Vec<u64>>(), 199)] {
        let (culprits, error) = (bad.clone(), error.clone());
        let forged = Forged::start(move |request: &Seen| {
            picky(
                request,
                |input| culprits.iter().any(|n| input["properties"]["city"] == json!(format!("c{n}"))),
                &error,
            )
        })
        .await;
        let hub = hub_at(&forged.url, "pat-na1-any");
        let items =
            (1..=100).map(|n| create(ObjectKind::Company, n, &[("name", "A"), ("city", &format!("c{n}"))])).collect();
        let told = outcomes(&hub, ObjectKind::Company, RequestBody::Create { fields: names(&["city"]), items }).await;
        for (intent, outcome) in &told {
            let refused = matches!(outcome, ItemOutcome::Rejected(_));
            assert_eq!(refused, bad.contains(intent), "{intent}: {outcome:?}");
            if !refused {
                assert_eq!(
                    applied(outcome).value("city"),
                    &Value::text(format!("c{intent}")),
                    "results are matched, not counted"
                );
            }
        }
        let calls = forged.seen().len();
        assert!(told.len() == 100 && calls <= most, "{} bad: {calls} calls", bad.len());
    }
}

#[tokio::test]
async fn a_property_that_no_value_can_save_takes_two_calls() {
    let error = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid",
        "errors": [{"message": "Property \"ghost\" does not exist", "code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["ghost"]}}]});
    let forged =
        Forged::start(move |request: &Seen| picky(request, |input| input["properties"].get("ghost").is_some(), &error))
            .await;
    let hub = hub_at(&forged.url, "pat-na1-any");
    let item = |n: u64| {
        let pairs: &[(&str, &str)] =
            if n.is_multiple_of(2) { &[("name", "A"), ("ghost", "x")] } else { &[("name", "A")] };
        create(ObjectKind::Company, n, pairs)
    };
    let body = RequestBody::Create { fields: names(&["name"]), items: (1..=40).map(item).collect() };
    let told = outcomes(&hub, ObjectKind::Company, body).await;
    assert_eq!(told.values().filter(|one| matches!(one, ItemOutcome::Applied(_))).count(), 20);
    assert_eq!(rejected(&told[&2]).fields, ["ghost"]);
    assert_eq!(forged.seen().len(), 2);
}
