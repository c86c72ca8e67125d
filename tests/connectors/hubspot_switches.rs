//! Portals that differ in what no source is sure of: the connector must do in each of them.

use std::time::Duration;

use lockstep::engine::core::request::RejectionKind;
use lockstep::sim::{Behaviour, HubSpotBehaviour, LimitWord, Object, Side};

use super::hubspot_records::{applied, change, create, hub_at, made, names, outcomes, portal, samples, tell};
use super::*;

fn switch(running: &Running, change: impl FnOnce(&mut HubSpotBehaviour)) {
    let mut behaviour = running.control.behaviour();
    change(&mut behaviour.hubspot);
    running.control.set_behaviour(behaviour);
}

#[tokio::test]
async fn the_wait_of_a_429_is_the_portals_or_that_of_its_limit() {
    let table = [
        (None, LimitWord::ErrorType, 10),
        (None, LimitWord::Category, 10),
        (None, LimitWord::Both, 10),
        (Some(7), LimitWord::Category, 7),
    ];
    for (told, word, expected) in table {
        let hubspot = HubSpotBehaviour { burst: 1, retry_after: told, limit_word: word, ..HubSpotBehaviour::quick() };
        let behaviour = Behaviour { limits: true, hubspot, ..Behaviour::quick() };
        let running = Simulators::start(sim::Options { behaviour, ..sim::Options::quick(Data::Empty) }).await.unwrap();
        let token = &running.credentials.hubspot_token;
        assert!(matches!(
            ask(&hub_at(&running.hubspot_url, token), RequestBody::Identify).await,
            AnswerBody::Identity { .. }
        ));
        let answer = ask(&hub_at(&running.hubspot_url, token), RequestBody::Identify).await;
        let AnswerBody::Failed(Failure::Throttled { retry_after, .. }) = answer else { panic!("{answer:?}") };
        assert_eq!(retry_after, Duration::from_secs(expected));
    }
}

/// The key of a record in the recycle bin: where HubSpot holds it, a new record with it is refused as a duplicate.
#[tokio::test]
async fn an_archived_holder_of_a_stamp_is_found_whether_or_not_it_still_blocks() {
    for holds in [false, true] {
        let (running, hub) = portal(&[ObjectKind::Company]).await;
        switch(&running, |switches| switches.archived_holds_unique = holds);
        let first = made(&hub, ObjectKind::Company, 1, &[("name", "Acme")]).await;
        running.control.delete(Side::HubSpot, Object::Company, first.id.0).unwrap();
        let stamps = vec!["company:1".to_owned()];
        let body = RequestBody::FindStamped { fields: names(&["name"]), stamps };
        let AnswerBody::Stamped { found } = tell(&hub, ObjectKind::Company, body).await else { panic!("not found") };
        let holders: Vec<_> = found[0].1.iter().map(|record| (record.id, record.archived)).collect();
        assert_eq!(holders, [(first.id, true)], "{holds}");
        let items = vec![create(ObjectKind::Company, 1, &[("name", "Acme again")])];
        let body = RequestBody::Create { fields: names(&["name"]), items };
        let told = outcomes(&hub, ObjectKind::Company, body).await;
        match &told[&1] {
            ItemOutcome::Applied(record) => assert!(!holds && record.id != first.id),
            ItemOutcome::Rejected(rejection) => {
                assert!(holds && matches!(rejection.kind, RejectionKind::Duplicate { .. }), "{rejection:?}");
            }
            ItemOutcome::Unknown(why) => panic!("{why}"),
        }
    }
}

#[tokio::test]
async fn what_was_cleared_is_empty_however_it_reads() {
    for empty in [false, true] {
        let (running, hub) = portal(&[ObjectKind::Contact]).await;
        switch(&running, |switches| switches.cleared_reads_as_empty = empty);
        let stage = "lifecyclestage";
        let contact =
            made(&hub, ObjectKind::Contact, 1, &[("email", "a@x.example.com"), ("city", "Ulm"), (stage, "customer")])
                .await;
        let fields = || names(&["city", stage]);
        let body = RequestBody::Update { fields: fields(), items: vec![change(2, contact.id, &[("city", "")])] };
        let told = outcomes(&hub, ObjectKind::Contact, body).await;
        assert_eq!(applied(&told[&2]).value("city"), &Value::Empty, "{empty}");
        let body = RequestBody::Read { fields: fields(), ids: vec![contact.id] };
        let AnswerBody::Records { found } = tell(&hub, ObjectKind::Contact, body).await else { panic!("not read") };
        assert_eq!(found[0].1.as_ref().unwrap().value("city"), &Value::Empty, "{empty}");
        // The stage is cleared on its way back, and that reads either way, too.
        let body = RequestBody::Update { fields: fields(), items: vec![change(3, contact.id, &[(stage, "lead")])] };
        let told = outcomes(&hub, ObjectKind::Contact, body).await;
        assert_eq!(applied(&told[&3]).value(stage), &Value::text("lead"), "{empty}");
    }
}

/// The search for stamps stays below the longest body, however many there are to look for.
#[tokio::test]
async fn many_stamps_are_looked_for_in_searches_that_are_not_too_long() {
    let (running, hub) = portal(&[ObjectKind::LineItem]).await;
    let count = 130;
    let first = 1_000_000_000_000;
    for from in [0, 65] {
        let new = |n: u64| create(ObjectKind::LineItem, first + n, &[("name", "L"), ("quantity", "1")]);
        let items = (from..from + 65).map(new).collect();
        let told = outcomes(&hub, ObjectKind::LineItem, RequestBody::Create { fields: names(&["name"]), items }).await;
        assert!(told.values().all(|one| matches!(one, ItemOutcome::Applied(_))));
    }
    let stamps: Vec<String> = (0..count).map(|n| format!("{}:{}", ObjectKind::LineItem, first + n)).collect();
    for limit in [Some(3_000), None] {
        switch(&running, |switches| switches.search_body_limit = limit);
        let body = RequestBody::FindStamped { fields: names(&["name"]), stamps: stamps.clone() };
        let answer = tell(&hub, ObjectKind::LineItem, body).await;
        let AnswerBody::Stamped { found } = answer else { panic!("{limit:?}: {answer:?}") };
        assert!(found.iter().all(|(_, holders)| holders.len() == 1), "{limit:?}");
    }
}

#[tokio::test]
async fn what_the_portal_sets_by_itself_on_a_new_contact_is_told_as_it_is() {
    for (default, expected) in [(Some("subscriber"), Value::text("subscriber")), (None, Value::Empty)] {
        let (running, hub) = portal(&[ObjectKind::Contact]).await;
        switch(&running, |switches| switches.contact_lifecycle_default = default.map(str::to_owned));
        let fields = names(&["email", "lifecyclestage"]);
        let items = vec![create(ObjectKind::Contact, 1, &[("email", "a@x.example.com")])];
        let told = outcomes(&hub, ObjectKind::Contact, RequestBody::Create { fields, items }).await;
        assert_eq!(applied(&told[&1]).value("lifecyclestage"), &expected);
    }
}

/// The table in the connector's own words.
#[tokio::test]
async fn a_stamp_is_found_at_once_or_when_the_index_has_it_as_each_object_allows() {
    let (running, hub) = portal(&ObjectKind::ALL).await;
    running.control.set_clock(lockstep::sim::Clock::Standing { at_ms: 1_790_000_000_000 });
    switch(&running, |switches| switches.create_lag_ms = 60_000);
    for (object, theirs, pairs, _) in samples() {
        let unique =
            matches!(object, ObjectKind::Company | ObjectKind::Contact | ObjectKind::Deal | ObjectKind::Ticket);
        let record = made(&hub, object, 7, &pairs).await;
        let found = async || {
            let body = RequestBody::FindStamped { fields: Vec::new(), stamps: vec![format!("{object}:7")] };
            let AnswerBody::Stamped { found } = tell(&hub, object, body).await else { panic!("{object}") };
            found[0].1.iter().any(|holder| holder.id == record.id)
        };
        assert_eq!(found().await, unique, "{object}, just made");
        running.control.advance(Duration::from_secs(61));
        assert!(found().await, "{object}, when the index has it");
        running.control.delete(Side::HubSpot, theirs, record.id.0).unwrap();
        assert_eq!(found().await, unique, "{object}, archived");
    }
}
