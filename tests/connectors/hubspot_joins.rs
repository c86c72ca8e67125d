//! Associations, history and lists of HubSpot.

use lockstep::engine::core::request::{AssociateItem, Association};
use lockstep::mapping::references::{ALL_CONTACTS, DEAL_COMPANY};
use lockstep::model::RecordId;
use lockstep::sim::{Fault, FaultRule, Object, Side};
use serde_json::{Value as Json, json};

use super::forged::{Forged, Seen};
use super::hubspot_records::{change, hub_at, made, names, outcomes, portal, tell};
use super::*;

async fn associations(
    hub: &HubSpot,
    from: ObjectKind,
    to: ObjectKind,
    ids: &[RecordId],
) -> Vec<(RecordId, Vec<Association>)> {
    match tell(hub, from, RequestBody::Associations { to, ids: ids.to_vec() }).await {
        AnswerBody::Associated { found } => found,
        other => panic!("{other:?}"),
    }
}

fn tie(to: RecordId, primary: bool, labels: &[&str]) -> Association {
    Association { to, primary, labels: labels.iter().map(|label| (*label).to_owned()).collect() }
}

fn join(intent: u64, from: RecordId, to: RecordId, primary: bool) -> AssociateItem {
    AssociateItem { intent: IntentId(intent), from, to, primary }
}

#[tokio::test]
async fn a_record_is_made_together_with_its_associations_and_its_company_is_the_primary_one() {
    let (_running, hub) = portal(&[ObjectKind::Company, ObjectKind::Contact, ObjectKind::Deal]).await;
    let company = made(&hub, ObjectKind::Company, 1, &[("name", "One")]).await.id;
    let contact = made(&hub, ObjectKind::Contact, 2, &[("email", "a@x.example.com")]).await.id;
    let (of_contact, of_company) = (contact.to_string(), company.to_string());
    let values = [
        ("dealname", "D"),
        ("dealstage", "qualifiedtobuy"),
        (ALL_CONTACTS, of_contact.as_str()),
        (DEAL_COMPANY, of_company.as_str()),
    ];
    let deal = made(&hub, ObjectKind::Deal, 3, &values).await.id;
    assert_eq!(
        associations(&hub, ObjectKind::Deal, ObjectKind::Company, &[deal]).await,
        [(deal, vec![tie(company, true, &[])])]
    );
    assert_eq!(
        associations(&hub, ObjectKind::Deal, ObjectKind::Contact, &[deal]).await,
        [(deal, vec![tie(contact, false, &[])])]
    );
    // A record without any, and one that is not there, have none.
    let none = associations(&hub, ObjectKind::Contact, ObjectKind::Company, &[contact, RecordId(5)]).await;
    assert_eq!(none, [(contact, vec![]), (RecordId(5), vec![])]);
}

#[tokio::test]
async fn associating_twice_is_associating_once_and_a_new_primary_keeps_the_labels_people_gave() {
    let (running, hub) = portal(&[ObjectKind::Company, ObjectKind::Contact]).await;
    let one = made(&hub, ObjectKind::Company, 1, &[("name", "One")]).await.id;
    let two = made(&hub, ObjectKind::Company, 2, &[("name", "Two")]).await.id;
    let contact = made(&hub, ObjectKind::Contact, 3, &[("email", "a@x.example.com")]).await.id;
    let associate = |items| RequestBody::Associate { to: ObjectKind::Company, items };
    for round in 0..2 {
        let items = vec![join(1, contact, one, true), join(2, contact, two, false)];
        let AnswerBody::Joined { items } = tell(&hub, ObjectKind::Contact, associate(items)).await else {
            panic!("{round}")
        };
        assert_eq!(items, [(IntentId(1), Ok(())), (IntentId(2), Ok(()))], "{round}");
        let told = associations(&hub, ObjectKind::Contact, ObjectKind::Company, &[contact]).await;
        assert_eq!(told[0].1, [tie(one, true, &[]), tie(two, false, &[])], "{round}");
    }
    // A person says that the second one is billed.
    let url = format!("{}/crm/v4/objects/0-1/{contact}/associations/0-2/{two}", running.hubspot_url);
    let label = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 931}]);
    let client = super::hubspot_access::browser();
    let put = client.put(url).bearer_auth(&running.credentials.hubspot_token).body(label.to_string());
    let answer = put.header("content-type", "application/json").send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    let AnswerBody::Joined { items } =
        tell(&hub, ObjectKind::Contact, associate(vec![join(3, contact, two, true)])).await
    else {
        panic!("not joined")
    };
    assert_eq!(items, [(IntentId(3), Ok(()))]);
    let told = associations(&hub, ObjectKind::Contact, ObjectKind::Company, &[contact]).await;
    assert_eq!(told[0].1, [tie(one, false, &[]), tie(two, true, &["Billing contact"])]);
}

#[tokio::test]
async fn an_association_with_nobody_is_refused_alone() {
    let (_running, hub) = portal(&[ObjectKind::Company, ObjectKind::Contact]).await;
    let company = made(&hub, ObjectKind::Company, 1, &[("name", "One")]).await.id;
    let contact = made(&hub, ObjectKind::Contact, 2, &[("email", "a@x.example.com")]).await.id;
    let items = vec![join(1, contact, company, false), join(2, contact, RecordId(999), false)];
    let AnswerBody::Joined { items } =
        tell(&hub, ObjectKind::Contact, RequestBody::Associate { to: ObjectKind::Company, items }).await
    else {
        panic!("not joined")
    };
    assert_eq!(items.len(), 2, "{items:?}");
    assert!(items[0].1.is_ok() && items[1].1.is_err(), "{items:?}");
}

/// Pages inside one result: three records of which one has three pages.
#[tokio::test]
async fn pages_inside_a_result_are_followed_and_pages_that_repeat_are_not() {
    for ends in [true, false] {
        let forged = Forged::start(move |request: &Seen| {
            let inputs = request.body["inputs"].as_array().cloned().unwrap_or_default();
            let result = |input: &Json| {
                let page: u64 = input["after"].as_str().map_or(0, |after| after.parse().unwrap());
                let to = json!([{"toObjectId": 100 + page, "associationTypes": []}]);
                let mut result = json!({"from": {"id": input["id"]}, "to": to});
                if input["id"] == "2" && (page < 2 || !ends) {
                    let next = if ends { page + 1 } else { 1 };
                    result["paging"] = json!({"next": {"after": next.to_string()}});
                }
                result
            };
            (207, json!({"results": inputs.iter().map(result).collect::<Vec<_>>()}).to_string().into_bytes())
        })
        .await;
        let hub = hub_at(&forged.url, "pat-na1-any");
        let ids = [1, 2, 3].map(RecordId);
        let answer =
            tell(&hub, ObjectKind::Company, RequestBody::Associations { to: ObjectKind::Contact, ids: ids.to_vec() })
                .await;
        let AnswerBody::Associated { found } = answer else { panic!("{answer:?}") };
        let told: Vec<_> = found.iter().map(|(id, ties)| (id.0, ties.len())).collect();
        if ends {
            assert_eq!(told, [(1, 1), (2, 3), (3, 1)]);
            assert_eq!(forged.seen().len(), 3, "only what has more is asked again");
        } else {
            assert_eq!(told, [(1, 1), (3, 1)], "what the second is associated with is not known");
            assert!(forged.seen().len() <= 3);
        }
    }
}

#[tokio::test]
async fn history_tells_who_gave_a_field_which_value() {
    let (running, hub) = portal(&[ObjectKind::Contact]).await;
    let contact = made(&hub, ObjectKind::Contact, 1, &[("email", "a@x.example.com"), ("city", "Ulm")]).await.id;
    let fields = serde_json::Map::from_iter([("city".to_owned(), json!("Bonn"))]);
    running.control.edit(Side::HubSpot, Object::Contact, contact.0, &fields, None).unwrap();
    let items = vec![change(2, contact, &[("city", "Linz")])];
    outcomes(&hub, ObjectKind::Contact, RequestBody::Update { fields: names(&["city"]), items }).await;
    let body = RequestBody::History { fields: names(&["city", "zip"]), ids: vec![contact, RecordId(999)] };
    let AnswerBody::Changed { found } = tell(&hub, ObjectKind::Contact, body).await else { panic!("no history") };
    let told: Vec<_> = found[0].1.iter().map(|one| (one.value.to_plain(), one.source.as_str())).collect();
    assert_eq!(
        told,
        [("Linz".to_owned(), "INTEGRATION"), ("Bonn".to_owned(), "CRM_UI"), ("Ulm".to_owned(), "INTEGRATION")]
    );
    assert!(found[0].1.windows(2).all(|two| two[0].at >= two[1].at) && found[1].1.is_empty());
    let many = RequestBody::History { fields: names(&["city"]), ids: (1..=51).map(RecordId).collect() };
    assert!(matches!(tell(&hub, ObjectKind::Contact, many).await, AnswerBody::Failed(Failure::Rejected(_))));
}

/// A list of 600 members in HubSpot's own words for places.
fn list(request: &Seen) -> (u16, Vec<u8>) {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let get = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let from: u64 = get("after").map_or(0, |place| place.trim_start_matches("place-").parse().unwrap());
    let limit: u64 = get("limit").unwrap().parse().unwrap();
    let to = (from + limit).min(600);
    let members: Vec<Json> = (from + 1..=to)
        .map(|id| json!({"recordId": id.to_string(), "membershipTimestamp": "2026-01-01T00:00:00Z"}))
        .collect();
    let mut body = json!({"results": members});
    if to < 600 {
        body["paging"] = json!({"next": {"after": format!("place-{to}")}});
    }
    (200, body.to_string().into_bytes())
}

#[tokio::test]
async fn the_members_of_a_list_come_in_pages_and_the_place_is_found_again_after_a_restart() {
    let forged = Forged::start(list).await;
    let page = |after: Option<u64>| RequestBody::Members { list: "7".into(), after: after.map(RecordId), limit: 1000 };
    let hub = hub_at(&forged.url, "pat-na1-any");
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let AnswerBody::Members { ids, more, .. } = tell(&hub, ObjectKind::Company, page(after)).await else {
            panic!("no members")
        };
        all.extend(ids.iter().map(|id| id.0));
        after = ids.last().map(|id| id.0);
        if !more {
            break;
        }
    }
    assert_eq!(all, (1..=600).collect::<Vec<_>>());
    assert_eq!(forged.seen().len(), 3);
    let restarted = hub_at(&forged.url, "pat-na1-any");
    let AnswerBody::Members { ids, more, .. } = tell(&restarted, ObjectKind::Company, page(Some(310))).await else {
        panic!("no members")
    };
    assert_eq!((ids.first(), ids.last(), more), (Some(&RecordId(311)), Some(&RecordId(500)), true));
    assert_eq!(forged.seen().len(), 2, "what is known already is skipped");
}

#[tokio::test]
async fn a_list_in_disorder_or_without_end_is_not_believed() {
    let bodies = [
        json!({"results": [{"recordId": "5"}, {"recordId": "4"}]}),
        json!({"results": [], "paging": {"next": {"after": "x"}}}),
        json!({"results": [{"recordId": {}}, 7]}),
        json!({"results": [{"recordId": "1"}], "paging": {"next": {"after": "x"}}}),
    ];
    for body in bodies {
        let text = body.to_string();
        let forged = Forged::start(move |_: &Seen| (200, text.clone().into_bytes())).await;
        let hub = hub_at(&forged.url, "pat-na1-any");
        let answer = tell(
            &hub,
            ObjectKind::Company,
            RequestBody::Members { list: "7".into(), after: Some(RecordId(3)), limit: 250 },
        )
        .await;
        assert!(matches!(answer, AnswerBody::Failed(Failure::Unknown(_))), "{body}: {answer:?}");
        assert!(forged.seen().len() <= 3, "{body}");
    }
}

/// What is known of reads and associations under faults of the transport.
#[tokio::test]
async fn reads_under_faults_end_in_a_word_and_never_in_a_guess() {
    let (running, hub) = portal(&[ObjectKind::Company, ObjectKind::Contact]).await;
    let contact = made(&hub, ObjectKind::Contact, 1, &[("email", "a@x.example.com")]).await.id;
    let reads = [
        ("associations", RequestBody::Associations { to: ObjectKind::Company, ids: vec![contact] }),
        ("batch/read", RequestBody::History { fields: names(&["city"]), ids: vec![contact] }),
        (
            "search",
            RequestBody::Changes {
                fields: names(&["city"]),
                from: Timestamp::EPOCH,
                until: Timestamp::MAX,
                after: None,
                limit: 10,
            },
        ),
    ];
    let faults = [
        Fault::Html { commits: false },
        Fault::HalfBody,
        Fault::DropBefore,
        Fault::Truncate,
        Fault::Status { code: 503, body: None, retry_after: None },
    ];
    for (path, body) in reads {
        for fault in &faults {
            running.control.inject(FaultRule::once(fault.clone()).on(Side::HubSpot).path(path));
            let answer = tell(&hub, ObjectKind::Contact, body.clone()).await;
            let empty = matches!(fault, Fault::HalfBody);
            let word = matches!(answer, AnswerBody::Failed(Failure::Unknown(_)));
            assert!(word || empty && matches!(answer, AnswerBody::Failed(_)), "{path} {fault:?}: {answer:?}");
            running.control.clear_faults();
        }
    }
}
