//! HubSpot's lists: found by a part of their name, their members read page by page, and what may go wrong with both.

use std::collections::BTreeSet;

use lockstep::connect::hubspot::ListInfo;
use lockstep::model::RecordId;
use lockstep::sim::{Fault, FaultRule, Object, Side};
use serde_json::{Value as Json, json};

use super::hubspot_access::browser;
use super::hubspot_records::{calls_to, hub_at, made, portal, tell};
use super::*;

/// Sets a list and its members; gives its id.
async fn set(running: &Running, object: &str, name: &str, processing: &str, members: &[RecordId]) -> String {
    let members: Vec<u64> = members.iter().map(|id| id.0).collect();
    let body = json!({"object": object, "name": name, "processing": processing, "members": members});
    let url = format!("{}/_sim/hubspot/lists", running.hubspot_url);
    let answer: Json = browser().put(url).json(&body).send().await.unwrap().json().await.unwrap();
    answer["id"].as_u64().unwrap().to_string()
}

fn page(list: &str, after: Option<RecordId>, limit: u32) -> RequestBody {
    RequestBody::Members { list: list.to_owned(), after, limit }
}

async fn members(hub: &HubSpot, list: &str, after: Option<RecordId>, limit: u32) -> (Vec<RecordId>, bool) {
    match tell(hub, ObjectKind::Company, page(list, after, limit)).await {
        AnswerBody::Members { ids, unread: 0, more } => (ids, more),
        other => panic!("{other:?}"),
    }
}

async fn companies(hub: &HubSpot, number: u64) -> Vec<RecordId> {
    let mut ids = Vec::new();
    for n in 0..number {
        ids.push(made(hub, ObjectKind::Company, n, &[("name", &format!("C{n}"))]).await.id);
    }
    ids
}

#[tokio::test]
async fn a_list_is_found_by_a_part_of_its_name_among_those_of_its_object() {
    let (running, hub) = portal(&[ObjectKind::Company]).await;
    let ids = companies(&hub, 2).await;
    let mine = set(&running, "companies", "Sync me", "DYNAMIC", &ids).await;
    let other = set(&running, "companies", "Never sync", "MANUAL", &[]).await;
    set(&running, "contacts", "Sync people", "MANUAL", &[]).await;
    let info = |id: &str, name: &str, processing: &str, size| ListInfo {
        id: id.to_owned(),
        name: name.to_owned(),
        processing: processing.to_owned(),
        size: Some(size),
    };
    let (mine, other) = (info(&mine, "Sync me", "DYNAMIC", 2), info(&other, "Never sync", "MANUAL", 0));
    let table: [(&str, Vec<ListInfo>); 4] = [
        ("sync", vec![mine.clone(), other.clone()]),
        ("SYNC M", vec![mine.clone()]),
        ("", vec![mine, other]),
        ("people", vec![]),
    ];
    for (name, expected) in table {
        let mut found = hub.lists(ObjectKind::Company, name).await.unwrap();
        found.sort_by(|one, two| one.id.cmp(&two.id));
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn members_come_page_by_page_and_a_new_connection_finds_its_place_again() {
    let (running, hub) = portal(&[ObjectKind::Company]).await;
    let ids = companies(&hub, 7).await;
    let list = set(&running, "companies", "Sync me", "MANUAL", &ids).await;
    let (mut read, mut after) = (Vec::new(), None);
    running.control.clear_calls();
    loop {
        let (page, more) = members(&hub, &list, after, 3).await;
        after = page.last().copied();
        read.extend(page);
        if !more {
            break;
        }
    }
    assert_eq!((read, calls_to(&running, "memberships")), (ids.clone(), 3), "one call for each page");

    // As after a restart: the place is looked for from the beginning.
    let fresh = hub_at(&running.hubspot_url, &running.credentials.hubspot_token);
    running.control.clear_calls();
    assert_eq!(members(&fresh, &list, Some(ids[5]), 3).await, (vec![ids[6]], false));
    assert_eq!(calls_to(&running, "memberships"), 3);

    // Whoever left meanwhile is no place any more, and nobody behind is lost.
    let (page, more) = members(&hub, &list, None, 3).await;
    assert_eq!((page.len(), more), (3, true));
    running.control.delete(Side::HubSpot, Object::Company, ids[2].0).unwrap();
    running.control.delete(Side::HubSpot, Object::Company, ids[4].0).unwrap();
    let (mut rest, mut after) = (BTreeSet::new(), Some(ids[2]));
    loop {
        let (page, more) = members(&hub, &list, after, 3).await;
        after = page.last().copied();
        rest.extend(page);
        if !more {
            break;
        }
    }
    assert_eq!(rest, BTreeSet::from([ids[3], ids[5], ids[6]]));
    assert_eq!(members(&hub, &list, None, 250).await, (vec![ids[0], ids[1], ids[3], ids[5], ids[6]], false));
}

#[tokio::test]
async fn a_list_that_is_gone_is_refused_and_a_missing_scope_is_named() {
    let (running, hub) = portal(&[ObjectKind::Company]).await;
    let list = set(&running, "companies", "Sync me", "MANUAL", &[]).await;
    assert_eq!(members(&hub, &list, None, 250).await, (vec![], false));
    let gone = tell(&hub, ObjectKind::Company, page("77", None, 250)).await;
    assert!(matches!(gone, AnswerBody::Failed(Failure::Rejected(_))), "{gone:?}");
    let mut behaviour = running.control.behaviour();
    behaviour.hubspot.scopes.retain(|scope| scope != "crm.lists.read");
    running.control.set_behaviour(behaviour);
    let denied = tell(&hub, ObjectKind::Company, page(&list, None, 250)).await;
    let AnswerBody::Failed(Failure::Forbidden { hint, .. }) = denied else { panic!("{denied:?}") };
    assert!(hint.contains("crm.lists.read"), "{hint}");
    let error = hub.lists(ObjectKind::Company, "sync").await.unwrap_err();
    assert!(error.kind == ConnectErrorKind::Permission && error.hint.contains("crm.lists.read"), "{error:?}");
}

/// A page that cannot be had is never the end of the list: whoever is behind it would count as no member.
#[tokio::test]
async fn a_fault_on_a_later_page_is_not_the_end_of_the_list() {
    let (running, hub) = portal(&[ObjectKind::Company]).await;
    let ids = companies(&hub, 5).await;
    let list = set(&running, "companies", "Sync me", "MANUAL", &ids).await;
    let mangled = |pointer: &str, value| Fault::Mangle { pointer: pointer.to_owned(), value };
    let first = json!(ids[0].to_string());
    let table = [
        Fault::DropBefore,
        Fault::HalfBody,
        Fault::Status { code: 502, body: None, retry_after: None },
        mangled("/results", None),
        // The first page again.
        mangled("/results/0/recordId", Some(first)),
    ];
    for fault in table {
        assert_eq!(members(&hub, &list, None, 2).await, (ids[..2].to_vec(), true));
        running.control.inject(FaultRule::once(fault.clone()).on(Side::HubSpot).path("memberships"));
        let answer = tell(&hub, ObjectKind::Company, page(&list, Some(ids[1]), 2)).await;
        assert!(matches!(answer, AnswerBody::Failed(Failure::Unknown(_))), "{fault:?}: {answer:?}");
        assert_eq!(members(&hub, &list, Some(ids[1]), 2).await, (ids[2..4].to_vec(), true), "{fault:?}");
    }
    // A member without a usable id is left out, and those behind it are not lost; that it is somebody is told.
    running.control.inject(FaultRule::once(mangled("/results/0/recordId", Some(json!("-1")))).on(Side::HubSpot));
    let answer = tell(&hub, ObjectKind::Company, page(&list, Some(ids[1]), 2)).await;
    assert_eq!(answer, AnswerBody::Members { ids: vec![ids[3]], unread: 1, more: true });
    assert_eq!(members(&hub, &list, Some(ids[3]), 2).await, (vec![ids[4]], false));
    let table = [
        Fault::DropBefore,
        mangled("/lists", None),
        mangled("/lists", Some(json!({"0": 7}))),
        Fault::Html { commits: false },
    ];
    for fault in table {
        running.control.inject(FaultRule::once(fault.clone()).on(Side::HubSpot).path("/lists/"));
        let error = hub.lists(ObjectKind::Company, "sync").await.unwrap_err();
        let kinds = [ConnectErrorKind::Unexpected, ConnectErrorKind::Unreachable];
        assert!(kinds.contains(&error.kind), "{fault:?}: {error:?}");
    }
    running.control.inject(FaultRule::once(mangled("/lists/0/listId", None)).on(Side::HubSpot).path("/lists/"));
    assert_eq!(hub.lists(ObjectKind::Company, "sync").await.unwrap(), [], "one without an id cannot be chosen");
}
