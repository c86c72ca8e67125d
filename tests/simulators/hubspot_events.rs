//! What single events of HubSpot's webhooks say: erasure, merges, generic subscriptions, the user interface's test.

use lockstep::sim::{Object, Side};
use reqwest::Method;
use serde_json::{Value, json};

use super::delivery::{Listener, until};
use super::{Bench, answer, fields};

const NEW: &str = "/crm/objects/2026-09";

/// Everything that was told so far, once something of each type came.
async fn told(listener: &Listener, types: &[&str]) -> Vec<Value> {
    let events = || -> Vec<Value> {
        listener.heard().iter().flat_map(|heard| heard.json().as_array().unwrap().clone()).collect()
    };
    until(|| types.iter().all(|name| events().iter().any(|event| event["subscriptionType"] == *name))).await;
    events()
}

async fn contact(bench: &Bench, name: &str) -> u64 {
    let body = json!({"properties": {"email": format!("{name}@tin.example.com"), "firstname": name}});
    let (_, made) = bench.hs(Method::POST, &format!("{NEW}/contacts"), body).await;
    made["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_erased_contact_is_told_as_privacy_deletion_and_an_archived_one_as_deletion() {
    let bench = Bench::empty().await;
    let (ada, bob) = (contact(&bench, "ada").await, contact(&bench, "bob").await);
    let (listener, url) = Listener::start(&[]).await;
    bench.listen(&url, &["contact.privacyDeletion", "contact.deletion"]);
    let erase = json!({"objectId": ada.to_string()});
    assert_eq!(bench.hs(Method::POST, &format!("{NEW}/contacts/gdpr-delete"), erase).await.0, 204);
    assert_eq!(bench.hs(Method::DELETE, &format!("{NEW}/contacts/{bob}"), json!({})).await.0, 204);
    let events = told(&listener, &["contact.privacyDeletion", "contact.deletion"]).await;
    let mut seen: Vec<(&str, u64)> = events
        .iter()
        .map(|event| (event["subscriptionType"].as_str().unwrap(), event["objectId"].as_u64().unwrap()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [("contact.deletion", bob), ("contact.privacyDeletion", ada)]);
}

#[tokio::test]
async fn a_merge_tells_who_took_in_whom_under_which_new_id_and_how_many_values_moved() {
    for keeps in [false, true] {
        let bench = Bench::empty().await;
        let mut behaviour = bench.running.control.behaviour();
        behaviour.hubspot.merge_keeps_id = keeps;
        bench.running.control.set_behaviour(behaviour);
        let (ada, bob) = (contact(&bench, "ada").await, contact(&bench, "bob").await);
        let (listener, url) = Listener::start(&[]).await;
        bench.listen(&url, &["contact.merge"]);
        let merge = json!({"primaryObjectId": ada.to_string(), "objectIdToMerge": bob.to_string()});
        let (_, survivor) = bench.hs(Method::POST, &format!("{NEW}/contacts/merge"), merge).await;
        let survivor: u64 = survivor["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(survivor == ada, keeps);
        let events = told(&listener, &["contact.merge"]).await;
        let event = &events[0];
        let ids = (&event["primaryObjectId"], &event["newObjectId"], &event["objectId"]);
        assert_eq!(ids, (&json!(ada), &json!(survivor), &json!(ada)), "{event}");
        let gone = if keeps { json!([bob]) } else { json!([ada, bob]) };
        assert_eq!(event["mergedObjectIds"], gone, "{event}");
        assert!(event["numberOfPropertiesMoved"].as_u64().unwrap() > 0, "{event}");
    }
}

#[tokio::test]
async fn generic_subscriptions_name_the_object_by_its_type_and_know_notes() {
    let bench = Bench::empty().await;
    let (listener, url) = Listener::start(&[]).await;
    bench.listen(&url, &["object.creation", "contact.creation"]);
    let ada = contact(&bench, "ada").await;
    let note = json!({"properties": {"hs_timestamp": "2026-05-01T10:00:00Z", "hs_note_body": "x"}});
    let (_, note) = bench.hs(Method::POST, &format!("{NEW}/notes"), note).await;
    let note: u64 = note["id"].as_str().unwrap().parse().unwrap();
    let is_told = |events: &[Value], id: u64| events.iter().any(|event| event["objectId"] == id);
    let mut events = told(&listener, &["object.creation", "contact.creation"]).await;
    until(|| {
        events = listener.heard().iter().flat_map(|heard| heard.json().as_array().unwrap().clone()).collect();
        is_told(&events, note)
    })
    .await;
    let mut seen: Vec<(&str, u64, &Value, &Value)> = events
        .iter()
        .map(|event| {
            let name = event["subscriptionType"].as_str().unwrap();
            (name, event["objectId"].as_u64().unwrap(), &event["objectTypeId"], &event["isSensitive"])
        })
        .collect();
    seen.sort_unstable_by_key(|(name, id, _, _)| (*name, *id));
    let (contacts, notes, no) = (json!("0-1"), json!("0-46"), json!(false));
    let expected = [
        ("contact.creation", ada, &Value::Null, &Value::Null),
        ("object.creation", ada, &contacts, &no),
        ("object.creation", note, &notes, &no),
    ];
    assert_eq!(seen, expected, "notes have no subscription of their own");
}

#[tokio::test]
async fn the_test_of_a_subscription_is_about_a_record_that_is_not_there() {
    let bench = Bench::empty().await;
    let (listener, url) = Listener::start(&[]).await;
    let path = format!("{}/_sim/webhooks/hubspot/test", bench.running.hubspot_url);
    let test = async |event: &str| answer(bench.client.post(&path).json(&json!({ "event": event }))).await;
    assert_eq!(test("contact.creation").await.0, 400, "nobody listens");
    bench.listen(&url, &["contact.propertyChange", "contact.creation"]);
    assert_eq!(test("contact.nonsense").await.0, 400);
    for event in ["contact.propertyChange", "contact.creation"] {
        assert_eq!(test(event).await, (200, json!({})));
    }
    let events = told(&listener, &["contact.propertyChange", "contact.creation"]).await;
    for event in &events {
        assert_eq!((&event["objectId"], &event["changeSource"]), (&json!(123), &json!("CRM")), "{event}");
        let is_change = event["subscriptionType"] == "contact.propertyChange";
        assert_eq!(event["propertyValue"] == "sample-value", is_change, "{event}");
        assert_eq!(event["changeFlag"] == "NEW", !is_change, "{event}");
    }
    assert_eq!(bench.hs_get(&format!("{NEW}/contacts/123")).await.0, 404);
}

/// What a person or a workflow does has another source than what an app does.
#[tokio::test]
async fn events_tell_our_own_writes_by_the_id_of_the_app() {
    let bench = Bench::empty().await;
    let (listener, url) = Listener::start(&[]).await;
    bench.listen(&url, &["company.creation"]);
    let ours: u64 = bench.new_hubspot(json!({"name": "A"})).await.parse().unwrap();
    let name = fields(json!({"name": "B"}));
    let theirs = bench.running.control.create(Side::HubSpot, Object::Company, &name, Some("42")).unwrap();
    let count = || listener.heard().iter().map(|heard| heard.json().as_array().unwrap().len()).sum::<usize>();
    until(|| count() == 2).await;
    let source = |id: u64| {
        let heard = listener.heard();
        let events = heard.iter().flat_map(|heard| heard.json().as_array().unwrap().clone());
        let event = events.into_iter().find(|event| event["objectId"] == id).unwrap();
        (event["changeSource"].clone(), event["sourceId"].clone())
    };
    assert_eq!(source(ours), (json!("INTEGRATION"), json!(lockstep::sim::HUBSPOT_APP_ID)));
    assert_eq!(source(theirs), (json!("CRM_UI"), json!("userId:42")));
}
