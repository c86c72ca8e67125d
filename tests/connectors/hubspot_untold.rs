//! What a HubSpot answer does not tell is unknown: never empty, never gone; and one odd record does not stop the others.

use std::time::Duration;

use lockstep::model::RecordId;
use serde_json::{Value as Json, json};

use super::forged::{Forged, Seen};
use super::hubspot_records::{hub_at, made, names, portal, tell};
use super::*;

const DAY: &str = "2026-01-01T00:00:00Z";

fn sound(id: u64) -> Json {
    json!({"id": id.to_string(), "updatedAt": DAY, "properties": {"name": "A", "city": null, "lockstep_key": null}})
}

/// Records that cannot be read, in place of number 7.
fn odd_ones() -> Vec<Json> {
    vec![
        json!({"id": "7", "updatedAt": DAY, "properties": null}),
        json!({"id": "7", "updatedAt": DAY, "properties": {}}),
        json!({"id": "7", "properties": {"name": "A", "city": null}}),
        json!({"id": "7", "updatedAt": DAY, "properties": {"name": "A"}}),
        json!({"id": null, "updatedAt": DAY, "properties": {"name": "A", "city": "Ulm"}}),
        json!(7),
    ]
    .into_iter()
    .chain(nonsense())
    .collect()
}

/// Records that tell of everything, and of something what it cannot be.
fn nonsense() -> Vec<Json> {
    let showing = |name: &str, told: Json| {
        let mut record = sound(7);
        record["properties"][name] = told;
        record
    };
    let archived = |told: Json| {
        let mut record = sound(7);
        record["archived"] = told;
        record
    };
    vec![
        showing("name", json!(["a"])),
        showing("name", json!([])),
        showing("name", json!({"value": "A"})),
        showing("city", json!({})),
        showing("lockstep_key", json!(["company:1"])),
        showing("hs_merged_object_ids", json!(["5"])),
        archived(json!("no")),
        archived(json!({})),
    ]
}

/// Answers every read with these records, as far as they are asked for by id, and with `alone` when asked for one.
async fn showing(records: Vec<Json>, alone: (u16, Json)) -> Forged {
    Forged::start(move |request: &Seen| {
        let (status, body) = match &request.path {
            path if path.contains("archived=true") => (200, json!({"results": []})),
            path if path.contains("/companies?") || path.contains("batch/read") || path.contains("/search") => {
                (200, json!({"results": records, "total": records.len()}))
            }
            _ => alone.clone(),
        };
        (status, body.to_string().into_bytes())
    })
    .await
}

fn fields() -> Vec<FieldName> {
    names(&["name", "city"])
}

fn list() -> RequestBody {
    RequestBody::List { fields: fields(), after: None, archived: false, limit: 100 }
}

fn changes() -> RequestBody {
    RequestBody::Changes { fields: fields(), from: Timestamp::EPOCH, until: Timestamp::MAX, after: None, limit: 200 }
}

fn read(ids: &[u64]) -> RequestBody {
    RequestBody::Read { fields: fields(), ids: ids.iter().copied().map(RecordId).collect() }
}

fn told_ids(answer: &AnswerBody) -> Vec<u64> {
    match answer {
        AnswerBody::Page { records, .. } => records.iter().map(|one| one.id.0).collect(),
        AnswerBody::Records { found } => found.iter().filter_map(|(id, one)| one.as_ref().map(|_| id.0)).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_property_that_was_deleted_stops_the_reading_and_empties_nothing() {
    let (running, hub) = portal(&[ObjectKind::Company]).await;
    let url = format!("{}/crm/properties/2026-09/companies", running.hubspot_url);
    let client = super::hubspot_access::browser();
    let token = &running.credentials.hubspot_token;
    let property = json!({"name": "tier", "label": "Tier", "type": "string", "fieldType": "text", "groupName": "companyinformation"});
    let answer = client.post(&url).bearer_auth(token).json(&property).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    let id = made(&hub, ObjectKind::Company, 1, &[("name", "A"), ("tier", "gold")]).await.id;
    let fields = || names(&["name", "tier", "city"]);
    let reads = || {
        let (from, until) = (Timestamp::EPOCH, Timestamp::MAX);
        [
            RequestBody::Read { fields: fields(), ids: vec![id] },
            RequestBody::List { fields: fields(), after: None, archived: false, limit: 100 },
            RequestBody::Changes { fields: fields(), from, until, after: None, limit: 200 },
            RequestBody::FindStamped { fields: fields(), stamps: vec!["company:1".into()] },
        ]
    };
    running.control.advance(Duration::from_secs(120));
    for body in reads() {
        let answer = tell(&hub, ObjectKind::Company, body.clone()).await;
        let record = match answer {
            AnswerBody::Records { found } => found[0].1.clone().unwrap(),
            AnswerBody::Page { records, .. } => records[0].clone(),
            AnswerBody::Stamped { found } => found[0].1[0].clone(),
            other => panic!("{body:?}: {other:?}"),
        };
        assert_eq!((record.value("tier"), record.value("city")), (&Value::text("gold"), &Value::Empty), "{body:?}");
    }
    let answer = client.delete(format!("{url}/tier")).bearer_auth(token).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    for body in reads() {
        let answer = tell(&hub, ObjectKind::Company, body.clone()).await;
        let AnswerBody::Failed(Failure::Denied { message, hint }) = answer else { panic!("{body:?}: {answer:?}") };
        assert!(message.contains("\"tier\"") && message.contains("company"), "{message}");
        assert!(hint.contains("lockstep doctor"), "{hint}");
    }
}

#[tokio::test]
async fn one_odd_record_is_left_out_and_the_page_goes_on_behind_it() {
    for odd in odd_ones() {
        let forged = showing(vec![sound(5), odd.clone()], (200, odd.clone())).await;
        let hub = hub_at(&forged.url, "pat-na1-any");
        let has_id = odd.get("id").is_some_and(|id| !id.is_null());
        for body in [list(), changes()] {
            let answer = tell(&hub, ObjectKind::Company, body.clone()).await;
            assert_eq!(told_ids(&answer), [5], "{odd}: {body:?}");
            let AnswerBody::Page { last, more, unread, .. } = answer else { panic!("no page") };
            assert_eq!((last, more), (Some(RecordId(if has_id { 7 } else { 5 })), false), "{odd}: {body:?}");
            assert_eq!(unread, if has_id { vec![RecordId(7)] } else { Vec::new() }, "{odd}: {body:?}");
        }
    }
}

#[tokio::test]
async fn odd_records_alone_on_a_page_are_named_and_many_are_not_believed() {
    for odd in odd_ones().into_iter().filter(|odd| odd["properties"].get("name").is_none() || nonsense().contains(odd))
    {
        let forged = showing(vec![odd.clone()], (200, odd.clone())).await;
        let hub = hub_at(&forged.url, "pat-na1-any");
        for body in [list(), changes(), read(&[7])] {
            let answer = tell(&hub, ObjectKind::Company, body.clone()).await;
            assert_eq!(told_ids(&answer), [] as [u64; 0], "{odd}: {body:?}");
        }
        if !odd.is_object() {
            continue;
        }
        for (number, is_believed) in [(10, true), (11, false)] {
            let ids: Vec<u64> = (7..7 + number).collect();
            let named = |id: &u64| {
                let mut one = odd.clone();
                one["id"] = json!(id.to_string());
                one
            };
            let forged = showing(ids.iter().map(named).collect(), (200, odd.clone())).await;
            let hub = hub_at(&forged.url, "pat-na1-any");
            for body in [list(), changes()] {
                match tell(&hub, ObjectKind::Company, body.clone()).await {
                    AnswerBody::Page { records, last, unread, .. } if is_believed => {
                        assert_eq!((records.len(), last), (0, ids.last().copied().map(RecordId)), "{odd}: {body:?}");
                        assert_eq!(unread.iter().map(|id| id.0).collect::<Vec<_>>(), ids, "{odd}: {body:?}");
                    }
                    AnswerBody::Failed(Failure::Unknown(_)) if !is_believed => {}
                    other => panic!("{odd}: {body:?}: {other:?}"),
                }
            }
            // asked for by their ids, they stop nobody who asks
            let AnswerBody::Records { found } = tell(&hub, ObjectKind::Company, read(&ids)).await else {
                panic!("{odd}")
            };
            assert_eq!(found, [], "{odd}");
        }
    }
}

/// One record is no evidence against a property: the portal is asked whether it has it.
#[tokio::test]
async fn a_property_that_the_only_record_does_not_tell_stops_the_reading_only_where_the_portal_has_it_no_more() {
    let odd = json!({"id": "7", "updatedAt": DAY, "properties": {"name": "A", "lockstep_key": null}});
    let gone =
        json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "The property \"city\" was not found"});
    let there = json!({"name": "city", "type": "string"});
    let archived = json!({"name": "city", "type": "string", "archived": true});
    for (property, stops) in [((200, there), false), ((404, gone), true), ((200, archived), true)] {
        for body in [list(), changes(), read(&[7])] {
            let (odd, property) = (odd.clone(), property.clone());
            let said = property.clone();
            let forged = Forged::start(move |request: &Seen| {
                let (status, body) = match &request.path {
                    path if path.contains("/properties/") => property.clone(),
                    path if path.contains("archived=true") => (200, json!({"results": []})),
                    _ => (200, json!({"results": [odd.clone()], "total": 1})),
                };
                (status, body.to_string().into_bytes())
            })
            .await;
            let answer = tell(&hub_at(&forged.url, "pat-na1-any"), ObjectKind::Company, body.clone()).await;
            let asked = forged.seen().into_iter().filter(|seen| seen.path.ends_with("/companies/city")).count();
            assert_eq!(asked, 1, "{said:?}: {body:?}");
            match answer {
                AnswerBody::Failed(Failure::Denied { message, .. }) if stops => {
                    assert!(message.contains("\"city\""), "{message}");
                }
                answer if !stops => assert_eq!(told_ids(&answer), [] as [u64; 0], "{said:?}: {body:?}"),
                other => panic!("{said:?}: {body:?}: {other:?}"),
            }
        }
    }
}

/// The odd one is neither found nor gone, whatever else is said of it; an id of which nothing at all is there is gone.
#[tokio::test]
async fn an_odd_record_is_neither_found_nor_gone() {
    let gone = json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "resource not found"});
    for odd in odd_ones() {
        for alone in [(200, odd.clone()), (404, gone.clone())] {
            let forged = showing(vec![sound(5), odd.clone()], alone).await;
            let hub = hub_at(&forged.url, "pat-na1-any");
            let answer = tell(&hub, ObjectKind::Company, read(&[5, 7])).await;
            let AnswerBody::Records { found } = &answer else { panic!("{odd}: {answer:?}") };
            assert_eq!(found.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [5], "{odd}: {found:?}");
        }
    }
    let forged = showing(vec![sound(5)], (404, gone)).await;
    let hub = hub_at(&forged.url, "pat-na1-any");
    let AnswerBody::Records { found } = tell(&hub, ObjectKind::Company, read(&[5, 7])).await else {
        panic!("no records")
    };
    assert!(found[0].1.is_some() && found[1] == (RecordId(7), None), "{found:?}");
}

/// Per stamp of which anything is known the number of its copies.
fn copies(answer: &AnswerBody) -> Vec<(&str, usize)> {
    let AnswerBody::Stamped { found } = answer else { panic!("{answer:?}") };
    found.iter().map(|(stamp, holders)| (stamp.as_str(), holders.len())).collect()
}

fn carrying(id: u64, stamp: Json) -> Json {
    json!({"id": id.to_string(), "updatedAt": DAY, "properties": {"name": "A", "city": null, "lockstep_key": stamp}})
}

/// Looks up three stamps of an object where searches show the first rows and reads the second.
async fn three_stamps(object: ObjectKind, searched: Vec<Json>, read: Vec<Json>) -> AnswerBody {
    let forged = Forged::start(move |request: &Seen| {
        let body = match &request.path {
            path if path.contains("archived=true") => json!({"results": []}),
            path if path.contains("/search") => json!({"results": searched, "total": searched.len()}),
            _ => json!({"results": read}),
        };
        (200, body.to_string().into_bytes())
    })
    .await;
    let stamps = (1..=3).map(|nth| format!("{object}:{nth}")).collect();
    tell(&hub_at(&forged.url, "pat-na1-any"), object, RequestBody::FindStamped { fields: fields(), stamps }).await
}

/// A record that may carry the stamp would be made once more.
#[tokio::test]
async fn a_look_up_by_stamp_says_nothing_of_a_stamp_that_an_odd_record_may_carry() {
    for object in [ObjectKind::Company, ObjectKind::Note] {
        for odd in odd_ones() {
            let forged = showing(vec![sound(5), odd.clone()], (200, odd.clone())).await;
            let hub = hub_at(&forged.url, "pat-na1-any");
            let body = RequestBody::FindStamped { fields: fields(), stamps: vec!["company:1".into()] };
            let answer = tell(&hub, object, body).await;
            assert_eq!(copies(&answer), [], "{object} {odd}");
        }
    }
}

#[tokio::test]
async fn a_record_that_the_index_names_and_no_read_shows_may_be_the_copy() {
    let searched = || vec![carrying(7, json!("note:1")), carrying(8, json!("note:2"))];
    for read in [vec![carrying(8, json!("note:2"))], vec![json!(7), carrying(8, json!("note:2"))]] {
        let answer = three_stamps(ObjectKind::Note, searched(), read.clone()).await;
        assert_eq!(copies(&answer), [("note:2", 1), ("note:3", 0)], "{read:?}");
    }
    // Where the index does not say which stamp it carries, it may be any.
    let searched = vec![json!({"id": "7", "properties": {}}), carrying(8, json!("note:2"))];
    let answer = three_stamps(ObjectKind::Note, searched, vec![carrying(8, json!("note:2"))]).await;
    assert_eq!(copies(&answer), [("note:2", 1)]);
    let nameless = json!({"id": null, "properties": {"lockstep_key": "note:1"}});
    let searched = vec![nameless, carrying(8, json!("note:2"))];
    let answer = three_stamps(ObjectKind::Note, searched, vec![carrying(8, json!("note:2"))]).await;
    assert_eq!(copies(&answer), [("note:2", 1), ("note:3", 0)]);
    // The primary store knows better which stamp it carries by now.
    let answer =
        three_stamps(ObjectKind::Note, vec![carrying(7, json!("note:1"))], vec![carrying(7, json!("note:3"))]).await;
    assert_eq!(copies(&answer), [("note:1", 0), ("note:2", 0), ("note:3", 1)]);
}

#[tokio::test]
async fn an_odd_record_puts_only_its_own_stamp_in_doubt() {
    for object in [ObjectKind::Company, ObjectKind::Note] {
        let stamp = |nth: u64| format!("{object}:{nth}");
        let odd = json!({"id": "7", "updatedAt": DAY, "properties": {"name": "A", "lockstep_key": stamp(1)}});
        let rows = vec![odd, carrying(8, json!(stamp(2)))];
        let answer = three_stamps(object, rows.clone(), rows).await;
        assert_eq!(copies(&answer), [(stamp(2).as_str(), 1), (stamp(3).as_str(), 0)], "{object}");
        // One that does not say which is its own puts all in doubt that nobody else carries.
        let rows = vec![json!({"id": "7", "updatedAt": DAY, "properties": null}), carrying(8, json!(stamp(2)))];
        let answer = three_stamps(object, rows.clone(), rows).await;
        assert_eq!(copies(&answer), [(stamp(2).as_str(), 1)], "{object}");
    }
}

#[tokio::test]
async fn a_search_by_stamp_whose_ids_grow_for_ever_is_given_up() {
    let forged = Forged::start(|request: &Seen| {
        let behind =
            request.body["filterGroups"][0]["filters"][1]["value"].as_str().map_or(0, |id| id.parse().unwrap());
        let body = json!({"results": [carrying(behind + 1, json!("note:1"))], "total": 2});
        (200, body.to_string().into_bytes())
    })
    .await;
    let body = RequestBody::FindStamped { fields: fields(), stamps: vec!["note:1".into()] };
    let answer = tell(&hub_at(&forged.url, "pat-na1-any"), ObjectKind::Note, body).await;
    assert!(matches!(&answer, AnswerBody::Failed(Failure::Unknown(why)) if why.contains("no end")), "{answer:?}");
    assert!(forged.seen().len() < 100);
}

/// An association row that cannot be read: of record 7, or of nobody.
fn odd_rows() -> Vec<Json> {
    vec![
        json!({"from": {"id": "7"}, "to": null}),
        json!({"from": {"id": "7"}, "to": [{"toObjectId": "x", "associationTypes": []}]}),
        json!({"from": {"id": "7"}, "to": [{"toObjectId": 81}]}),
        json!({"from": {}, "to": []}),
        json!(7),
    ]
}

/// A contact whose company cannot be read is no contact without a company: nothing is said of it, and it is not gone.
#[tokio::test]
async fn a_record_whose_company_cannot_be_read_is_left_out_and_the_log_says_so_once() {
    const COMPANY: &str = "associatedcompanyid";
    for odd in odd_rows() {
        let contact = |id: u64, stamp: &str| json!({"id": id.to_string(), "updatedAt": DAY, "properties": {"email": "a@b.example", "lockstep_key": stamp}});
        let row = odd.clone();
        let forged = Forged::start(move |request: &Seen| {
            let contacts = json!([contact(5, "contact:5"), contact(7, "contact:7")]);
            let company = json!([{"toObjectId": 80, "associationTypes": [{"typeId": 1}, {"typeId": 279}]}]);
            let body = match &request.path {
                path if path.contains("archived=true") => json!({"results": []}),
                path if path.contains("0-2/batch/read") => {
                    json!({"results": [{"from": {"id": "5"}, "to": company}, row]})
                }
                _ => json!({"results": contacts}),
            };
            (200, body.to_string().into_bytes())
        })
        .await;
        let hub = hub_at(&forged.url, "pat-na1-any");
        let fields = || names(&["email", COMPANY]);
        let ids = || vec![RecordId(5), RecordId(7)];
        let (from, until) = (Timestamp::EPOCH, Timestamp::MAX);
        for body in [
            RequestBody::List { fields: fields(), after: None, archived: false, limit: 100 },
            RequestBody::Changes { fields: fields(), from, until, after: None, limit: 200 },
            RequestBody::Read { fields: fields(), ids: ids() },
        ] {
            let (lines, guard) = super::log::listen(tracing::Level::WARN);
            let answer = tell(&hub, ObjectKind::Contact, body.clone()).await;
            drop(guard);
            assert_eq!(told_ids(&answer), [5], "{odd}: {body:?}");
            let record = match &answer {
                AnswerBody::Page { records, last, unread, .. } => {
                    assert_eq!(*last, Some(RecordId(7)), "it goes on behind the one left out");
                    assert_eq!(*unread, [RecordId(7)], "{odd}: {body:?}");
                    &records[0]
                }
                AnswerBody::Records { found } => found[0].1.as_ref().unwrap(),
                other => panic!("{other:?}"),
            };
            assert_eq!(record.value(COMPANY).to_plain(), "80", "{odd}: {body:?}");
            let text = lines.text();
            assert_eq!(text.matches("associations that cannot be read").count(), 1, "{text}");
            if let AnswerBody::Records { found } = answer {
                assert_eq!(found.len(), 1, "neither found nor gone");
            }
        }
        let stamps = vec!["contact:5".into(), "contact:7".into(), "contact:9".into()];
        let body = RequestBody::FindStamped { fields: fields(), stamps };
        let AnswerBody::Stamped { found } = tell(&hub, ObjectKind::Contact, body).await else { panic!("{odd}") };
        let told: Vec<_> = found.iter().map(|(stamp, records)| (stamp.as_str(), records.len())).collect();
        assert_eq!(told, [("contact:5", 1), ("contact:9", 0)], "{odd}");
        let body = RequestBody::Associations { to: ObjectKind::Company, ids: ids() };
        let AnswerBody::Associated { found } = tell(&hub, ObjectKind::Contact, body).await else { panic!("{odd}") };
        assert_eq!(found.iter().map(|(id, ties)| (id.0, ties.len())).collect::<Vec<_>>(), [(5, 1)], "{odd}");
    }
}

/// The labels that people gave would be taken from the pair, were they unknown when the new one is set.
#[tokio::test]
async fn no_primary_company_is_set_where_the_labels_of_the_pair_cannot_be_read() {
    let forged = Forged::start(|request: &Seen| {
        let end = |id: &str| json!({"id": id});
        let body = match &request.path {
            path if path.contains("associate/default") => {
                json!({"results": [{"from": end("5"), "to": end("80")}, {"from": end("7"), "to": end("80")}]})
            }
            path if path.contains("batch/read") => json!({"results": [
                {"from": {"id": "5"}, "to": [{"toObjectId": 80, "associationTypes": [{"typeId": 279}]}]},
                {"from": {"id": "7"}, "to": [{"toObjectId": 80, "associationTypes": [{"typeId": null}]}]}]}),
            _ => json!({"results": [{"fromObjectId": 5, "toObjectId": 80}, {"fromObjectId": 7, "toObjectId": 80}]}),
        };
        (200, body.to_string().into_bytes())
    })
    .await;
    let hub = hub_at(&forged.url, "pat-na1-any");
    let join = |intent, from| lockstep::engine::core::request::AssociateItem {
        intent: IntentId(intent),
        from: RecordId(from),
        to: RecordId(80),
        primary: true,
    };
    let body = RequestBody::Associate { to: ObjectKind::Company, items: vec![join(1, 5), join(2, 7)] };
    let answer = tell(&hub, ObjectKind::Contact, body).await;
    assert_eq!(answer, AnswerBody::Joined { items: vec![(IntentId(1), Ok(()))] });
    let labelled = forged.seen().into_iter().find(|seen| seen.path.contains("batch/create")).unwrap();
    assert_eq!(labelled.body["inputs"].as_array().map(Vec::len), Some(1), "{labelled:?}");
}

/// What a look-up by stamp is told by a system that shows these records and counts so many.
async fn looked_up(object: ObjectKind, rows: Vec<Json>, total: usize) -> AnswerBody {
    let forged = Forged::start(move |request: &Seen| {
        let filters = request.body["filterGroups"][0]["filters"].as_array().map_or(0, Vec::len);
        let (rows, total) = match &request.path {
            path if path.contains("archived=true") => (vec![], 0),
            // Behind the first page there is nothing to see.
            _ if filters > 1 => (vec![], total - rows.len()),
            _ => (rows.clone(), total),
        };
        (200, json!({"results": rows, "total": total}).to_string().into_bytes())
    })
    .await;
    let body = RequestBody::FindStamped { fields: fields(), stamps: vec!["company:1".into()] };
    tell(&hub_at(&forged.url, "pat-na1-any"), object, body).await
}

/// Neither a record that hides its stamp nor one that is only counted may be taken for no copy.
#[tokio::test]
async fn a_look_up_by_stamp_does_not_take_for_no_copy_what_it_is_not_told() {
    let carrying = |stamp: Json| carrying(7, stamp);
    let sound = carrying(json!("company:1"));
    let hiding = json!({"id": "7", "updatedAt": DAY, "properties": {"name": "A", "city": null}});
    for object in [ObjectKind::Company, ObjectKind::Product, ObjectKind::LineItem, ObjectKind::Note] {
        for (rows, copies) in [(vec![sound.clone()], 1), (vec![carrying(Json::Null)], 0), (vec![], 0)] {
            let answer = looked_up(object, rows.clone(), rows.len()).await;
            let AnswerBody::Stamped { found } = answer else { panic!("{object} {rows:?}: {answer:?}") };
            assert_eq!(found[0].1.len(), copies, "{object} {rows:?}");
        }
        for odd in [hiding.clone(), carrying(json!({"value": "company:1"}))] {
            let answer = looked_up(object, vec![odd.clone()], 1).await;
            assert_eq!(copies(&answer), [], "{object} {odd}");
        }
    }
    for (rows, total) in [(vec![], 1), (vec![sound], 2)] {
        let answer = looked_up(ObjectKind::Product, rows.clone(), total).await;
        assert!(matches!(answer, AnswerBody::Failed(Failure::Unknown(_))), "{rows:?} of {total}: {answer:?}");
    }
}

#[tokio::test]
async fn nothing_is_said_of_a_copy_where_the_portal_has_no_property_to_find_it_by() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let hub = hub(&running.hubspot_url, &running.credentials.hubspot_token);
    let asked = || RequestBody::FindStamped { fields: names(&["name"]), stamps: vec!["company:1".into()] };
    let answer = ask(&hub, asked()).await;
    let AnswerBody::Failed(Failure::Denied { message, .. }) = &answer else { panic!("{answer:?}") };
    assert!(message.contains("lockstep_key"), "{message}");
    hub.prepare(ObjectKind::Company, true).await.unwrap();
    let answer = ask(&hub, asked()).await;
    assert!(matches!(&answer, AnswerBody::Stamped { found } if found[0].1.is_empty()), "{answer:?}");
}

#[tokio::test]
async fn an_answer_to_a_write_that_makes_no_sense_is_no_word_about_the_record() {
    for odd in nonsense() {
        let forged = Forged::start(move |request: &Seen| {
            let mut shown = odd.clone();
            if let Some(trace) = request.body["inputs"][0].get("objectWriteTraceId") {
                shown["objectWriteTraceId"] = trace.clone();
            }
            (200, json!({"results": [shown]}).to_string().into_bytes())
        })
        .await;
        let hub = hub_at(&forged.url, "pat-na1-any");
        let values = || vec![("name".into(), Value::Text("A".into())), ("city".into(), Value::Text("Ulm".into()))];
        let update = UpdateItem { intent: IntentId(8), id: RecordId(7), values: values(), stamp: None };
        let create = CreateItem { intent: IntentId(8), values: values(), stamp: "company:1".into() };
        for body in [
            RequestBody::Update { fields: fields(), items: vec![update] },
            RequestBody::Create { fields: fields(), items: vec![create] },
        ] {
            let answer = tell(&hub, ObjectKind::Company, body.clone()).await;
            let AnswerBody::Written { items } = &answer else { panic!("{body:?}: {answer:?}") };
            assert!(matches!(items[0].1, ItemOutcome::Unknown(_)), "{body:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_definition_of_a_property_that_tells_nothing_is_no_verdict_about_the_property() {
    for told in [
        json!({}),
        json!([]),
        json!({"name": "other_key", "type": "string", "hasUniqueValue": true}),
        json!({"name": "lockstep_key"}),
        json!({"name": "lockstep_key", "type": ["string"], "hasUniqueValue": true}),
        json!({"name": "lockstep_key", "type": "string", "hasUniqueValue": "perhaps"}),
        json!({"name": "lockstep_key", "type": "string", "hasUniqueValue": true, "archived": {}}),
    ] {
        let shown = told.to_string();
        let forged = Forged::start(move |_: &Seen| (200, told.to_string().into_bytes())).await;
        let error = hub_at(&forged.url, "pat-na1-any").prepare(ObjectKind::Company, true).await.unwrap_err();
        assert!(error.message.contains("makes no sense"), "{shown}: {error:?}");
        assert!(!error.hint.contains("cannot be changed"), "{shown}: {error:?}");
        assert!(forged.seen().iter().all(|seen| seen.method == "GET"), "{shown}: nothing is made on such a word");
    }
    let wrong = json!({"name": "lockstep_key", "type": "string", "hasUniqueValue": false});
    let forged = Forged::start(move |_: &Seen| (200, wrong.to_string().into_bytes())).await;
    let error = hub_at(&forged.url, "pat-na1-any").prepare(ObjectKind::Company, true).await.unwrap_err();
    assert!(error.message.contains("cannot carry the stamp"), "{error:?}");
}

#[tokio::test]
async fn an_answer_to_a_create_that_contradicts_itself_about_the_id_is_none() {
    for (told, believed) in
        [(json!("7"), true), (json!(7), true), (json!(null), true), (json!("8"), false), (json!("x"), false)]
    {
        let shown = json!({"results": [{"id": "7", "updatedAt": DAY, "objectWriteTraceId": "1",
            "properties": {"name": "A", "lockstep_key": "company:1", "hs_object_id": told}}]});
        let forged = Forged::start(move |_| (201, shown.to_string().into_bytes())).await;
        let body = RequestBody::Create {
            fields: names(&["name"]),
            items: vec![super::hubspot_records::create(ObjectKind::Company, 1, &[("name", "A")])],
        };
        let answer = tell(&hub_at(&forged.url, "pat-na1-any"), ObjectKind::Company, body).await;
        let AnswerBody::Written { items } = &answer else { panic!("{answer:?}") };
        assert_eq!(matches!(items[0].1, ItemOutcome::Applied(_)), believed, "{told}: {answer:?}");
        assert_eq!(matches!(items[0].1, ItemOutcome::Unknown(_)), !believed, "{told}: {answer:?}");
    }
}
