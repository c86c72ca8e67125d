//! Pages, records by id and by stamp.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn changes(from: i64, until: Timestamp) -> RequestBody {
    RequestBody::Changes { fields: names(&["name"]), from: Timestamp(from), until, after: Some(RecordId(5)), limit: 50 }
}

#[tokio::test]
async fn a_page_asks_forward_by_key_for_what_it_needs_and_never_filters_changes() {
    let table = [
        (
            ObjectKind::Company,
            "/company/companies",
            "_info/dateEntered,_info/enteredBy,_info/lastUpdated,_info/updatedBy,deletedFlag,id,name,userDefinedField10",
        ),
        (
            ObjectKind::Contact,
            "/company/contacts",
            "_info/dateEntered,_info/enteredBy,_info/lastUpdated,_info/updatedBy,id,name,userDefinedField10",
        ),
        (
            ObjectKind::Deal,
            "/sales/opportunities",
            "_info/dateEntered,_info/enteredBy,_info/lastUpdated,_info/updatedBy,customFields,id,name",
        ),
        (
            ObjectKind::Ticket,
            "/service/tickets",
            "_info/dateEntered,_info/enteredBy,_info/lastUpdated,_info/updatedBy,customFields,id,mergedParentTicket,name,recordType",
        ),
        (
            ObjectKind::Product,
            "/procurement/catalog",
            "_info/dateEntered,_info/enteredBy,_info/lastUpdated,_info/updatedBy,customFields,id,name",
        ),
        (
            ObjectKind::Task,
            "/sales/activities",
            "_info/dateEntered,_info/enteredBy,_info/lastUpdated,_info/updatedBy,customFields,id,name,type",
        ),
    ];
    let tenant = Tenant::new(|_| (200, json!([]))).await;
    for (object, path, fields) in table {
        let answer = tenant.ask(object, changes(1_767_225_600_999, Timestamp(1_767_225_660_001))).await;
        assert_eq!(page(answer), (Vec::new(), None, false));
        let calls = tenant.calls();
        assert_eq!(calls.len(), 1, "{object}");
        assert_eq!((calls[0].path.as_str(), calls[0].parameter("fields")), (path, fields), "{object}");
        let condition =
            "(id > 5) and (lastUpdated >= [2026-01-01T00:00:00Z] and lastUpdated <= [2026-01-01T00:01:00Z])";
        assert_eq!(calls[0].parameter("conditions"), condition, "{object}");
        assert_eq!((calls[0].parameter("orderBy"), calls[0].parameter("pageSize")), ("id asc", "50"), "{object}");
    }
}

#[tokio::test]
async fn only_companies_have_a_recycle_bin() {
    let tenant = Tenant::new(|_| (200, json!([]))).await;
    for object in ObjectKind::ALL {
        let body = RequestBody::List { fields: Vec::new(), after: None, archived: true, limit: 50 };
        assert_eq!(page(tenant.ask(object, body).await), (Vec::new(), None, false), "{object}");
        let conditions: Vec<String> =
            tenant.calls().iter().map(|call| call.parameter("conditions").to_owned()).collect();
        let expected: &[&str] = if object == ObjectKind::Company { &["deletedFlag = True"] } else { &[] };
        assert_eq!(conditions, expected, "{object}");
    }
}

#[tokio::test]
async fn a_page_that_repeats_or_goes_back_is_an_error_and_no_loop() {
    for bad in [[6, 6], [5, 6], [4, 9]] {
        let tenant = Tenant::new(move |_| (200, bad.map(|id| stamped(json!({"id": id}))).into())).await;
        let answer = tenant.ask(ObjectKind::Contact, list(&[], Some(5), 2)).await;
        assert!(matches!(answer, AnswerBody::Failed(Failure::Unknown(_))), "{bad:?}: {answer:?}");
        assert_eq!(tenant.calls().len(), 1, "{bad:?}");
    }
}

/// Contacts 1 to 20, of which `bad` cannot be read; `hides_ids` says whether that spoils a list of ids as well.
async fn spoiled(bad: &'static [u64], hides_ids: bool) -> Tenant {
    let poison =
        || (500, json!({"code": "ConnectWiseApi", "message": "String was not recognized as a valid Boolean."}));
    Tenant::new(move |asked| {
        let number = |name: &str| asked.parameter(name).parse::<u64>().unwrap_or(0);
        if asked.path.ends_with("/count") {
            let bounds: Vec<u64> =
                asked.parameter("conditions").split(' ').filter_map(|word| word.parse().ok()).collect();
            let count = (1..=20).filter(|id| *id > bounds[0] && *id <= bounds[1]).count();
            return (200, json!({"count": count}));
        }
        if asked.path.starts_with("/company/contacts/") {
            return not_found();
        }
        let wanted = asked.named();
        let found = (asked.after() + 1..=20).filter(|id| wanted.is_empty() || wanted.contains(id));
        let found: Vec<u64> = found.take(usize::try_from(number("pageSize")).unwrap()).collect();
        let only_ids = asked.parameter("fields") == "id";
        if found.iter().any(|id| bad.contains(id)) && (hides_ids || !only_ids) {
            return poison();
        }
        (200, found.into_iter().map(|id| stamped(json!({"id": id, "firstName": "A"}))).collect())
    })
    .await
}

#[tokio::test]
async fn one_bad_record_does_not_hide_its_page_and_is_told() {
    for bad in
        [&[7][..], &[1], &[20], &[3, 4, 15], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]]
    {
        for hides_ids in [false, true] {
            let bad: &'static [u64] = bad;
            let tenant = spoiled(bad, hides_ids).await;
            let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
            loop {
                let (records, last, more) =
                    page(tenant.ask(ObjectKind::Contact, list(&["firstName"], after, 16)).await);
                found.extend(ids(&records));
                pages += 1;
                assert!(pages < 20, "{bad:?}: no end");
                after = last.map(|last| last.0).or(after);
                if !more {
                    break;
                }
            }
            let expected: Vec<u64> = (1..=20).filter(|id| !bad.contains(id)).collect();
            assert_eq!(found, expected, "{bad:?} {hides_ids}");
        }
    }
}

#[tokio::test]
async fn a_bad_record_among_others_is_left_out_of_a_read_and_alone_it_is_an_error_that_names_it() {
    let tenant = spoiled(&[7], false).await;
    let answer = tenant.ask(ObjectKind::Contact, read(&["firstName"], &[5, 6, 7, 8, 99])).await;
    assert_eq!(told(answer), [(5, true), (6, true), (8, true), (99, false)], "of 7 nothing is known, 99 is not there");
    let answer = tenant.ask(ObjectKind::Contact, read(&["firstName"], &[7])).await;
    assert_eq!(told(answer), [], "neither found nor gone");
}

#[tokio::test]
async fn a_record_without_a_date_of_change_does_not_hide_the_others() {
    let tenant = Tenant::new(|_| (200, json!([{"id": 1}, stamped(json!({"id": 2, "firstName": "B"}))]))).await;
    let (records, last, _) = page(tenant.ask(ObjectKind::Contact, list(&["firstName"], None, 50)).await);
    assert_eq!((ids(&records), last), (vec![2], Some(RecordId(2))));
}

#[tokio::test]
async fn ids_are_read_in_addresses_that_fit() {
    let tenant = Tenant::new(|_| (200, json!([]))).await;
    let many: Vec<u64> = (0..400).map(|n| 1_000_000_000_000_000 + n).collect();
    tenant.ask(ObjectKind::Company, read(&["name", "city"], &many)).await;
    let seen = tenant.forged.seen();
    let calls: Vec<&Seen> = seen.iter().filter(|seen| !seen.path.contains("companyinfo")).collect();
    assert!(calls.len() > 3, "{}", calls.len());
    for call in &calls {
        let below = call.path.split_once("apis/3.0").unwrap().1;
        assert!(below.len() <= 1745, "{} characters", below.len());
    }
    let asked: usize =
        calls.iter().map(|call| Asked::of(call).parameter("conditions").matches("10000000000").count()).sum();
    assert_eq!(asked, 400);
}

fn activity(id: u64, kind: Option<u64>) -> Json {
    stamped(json!({"id": id, "name": "A", "type": kind.map(|id| json!({"id": id}))}))
}

#[tokio::test]
async fn activities_are_told_apart_by_type_here_and_the_page_covers_all_of_them() {
    let tenant = Tenant::new(|_| {
        (200, json!([activity(1, Some(3)), activity(2, Some(4)), activity(3, None), activity(4, Some(9))]))
    })
    .await;
    let (records, last, more) = page(tenant.ask(ObjectKind::Task, list(&["name"], None, 4)).await);
    assert_eq!((ids(&records), last, more), (vec![1, 2, 3, 4], Some(RecordId(4)), true), "without types all are tasks");
    let (records, last, _) = page(tenant.ask(ObjectKind::Call, list(&["name"], None, 4)).await);
    assert_eq!((ids(&records), last), (vec![], Some(RecordId(4))));

    let types =
        BTreeMap::from([(ObjectKind::Call, vec![RecordId(3), RecordId(9)]), (ObjectKind::Meeting, vec![RecordId(4)])]);
    let psa =
        every_object(&tenant.forged.url, &sim::Credentials::default()).with_activity_types(ActivityTypes::new(types));
    for (kind, expected) in [(ObjectKind::Call, vec![1, 4]), (ObjectKind::Meeting, vec![2]), (ObjectKind::Task, vec![])]
    {
        let (records, last, _) = page(ask_of(&psa, kind, list(&["name"], None, 4)).await);
        assert_eq!((ids(&records), last), (expected, Some(RecordId(4))), "{kind}");
    }
    tenant.calls();
    let conditions = tenant.calls().iter().any(|call| call.parameter("conditions").contains("type"));
    assert!(!conditions, "an activity that changes its type must not vanish from the poll");
}

#[tokio::test]
async fn project_tickets_are_no_tickets() {
    let ticket = |id, kind: Json| stamped(json!({"id": id, "summary": "S", "recordType": kind}));
    let tenant = Tenant::new(move |_| {
        (200, json!([ticket(1, json!("ServiceTicket")), ticket(2, json!("ProjectTicket")), ticket(3, Json::Null)]))
    })
    .await;
    let (records, last, _) = page(tenant.ask(ObjectKind::Ticket, list(&["summary"], None, 50)).await);
    assert_eq!((ids(&records), last), (vec![1, 3], Some(RecordId(3))));
}

/// Tickets by number, each with what it shows besides; asked for by ids, only those are shown.
fn tickets(rows: &'static [(u64, &'static str)]) -> impl Fn(&Asked) -> (u16, Json) {
    move |asked| {
        let shown = |id: u64, more: &str| {
            let mut row: Json = serde_json::from_str(more).unwrap();
            row["id"] = json!(id);
            stamped(row)
        };
        let wanted =
            asked.parameter("conditions").strip_prefix("id in (").map(|ids| ids.trim_end_matches(')').to_owned());
        let is_wanted = |id: u64| wanted.as_ref().is_none_or(|ids| ids.split(',').any(|one| one == id.to_string()));
        if let Some(alone) = asked.path.strip_prefix("/service/tickets/") {
            let found = rows.iter().find(|(id, _)| id.to_string() == alone);
            return found.map_or_else(not_found, |(id, more)| (200, shown(*id, more)));
        }
        (200, rows.iter().filter(|(id, _)| is_wanted(*id)).map(|(id, more)| shown(*id, more)).collect())
    }
}

/// ConnectWise goes on listing a ticket that was merged: it says into which. One of a bundle is a ticket like any other.
#[tokio::test]
async fn a_ticket_that_was_merged_is_told_with_the_one_it_went_up_in_and_a_child_of_a_bundle_is_not() {
    let tenant = Tenant::new(tickets(&[
        (1, r#"{"mergedParentTicket": {"id": 3, "summary": "S"}, "closedFlag": true}"#),
        (2, r#"{"parentTicketId": 3, "closedFlag": true, "mergedParentTicket": null}"#),
        (3, r#"{"hasChildTicket": true, "hasMergedChildTicketFlag": true}"#),
        (4, r#"{"mergedParentTicket": {}}"#),
        (5, r#"{"mergedParentTicket": {"id": "3", "_info": {"ticket_href": "x"}}}"#),
        (6, r#"{"mergedParentTicket": {"id": 0}}"#),
        (7, r#"{"mergedParentTicket": {"id": 7}}"#),
        (8, r#"{"mergedParentTicket": {"id": 3}, "recordType": "ProjectTicket"}"#),
        (9, r#"{"mergedParentTicket": "3"}"#),
    ]))
    .await;
    let answer = tenant.ask(ObjectKind::Ticket, list(&[], None, 50)).await;
    let AnswerBody::Page { records, last, unread, others, merged, .. } = answer else { panic!("{answer:?}") };
    assert_eq!((ids(&records), last), (vec![2, 3, 4, 6, 7], Some(RecordId(9))));
    assert_eq!(merged, [(RecordId(1), RecordId(3)), (RecordId(5), RecordId(3))]);
    assert_eq!((others, unread), (vec![RecordId(8)], vec![RecordId(9)]), "of what makes no sense nothing is known");
    // No other object has a member of that name that says it.
    let answer = tenant.ask(ObjectKind::Deal, list(&[], None, 50)).await;
    let AnswerBody::Page { records, merged, .. } = answer else { panic!("{answer:?}") };
    assert_eq!((records.len(), merged), (9, Vec::new()));
}

#[tokio::test]
async fn a_ticket_that_was_merged_is_answered_by_the_one_that_it_went_up_in_at_last() {
    let tenant = Tenant::new(tickets(&[
        (1, r#"{"mergedParentTicket": {"id": 2}}"#),
        (2, r#"{"mergedParentTicket": {"id": 3}}"#),
        (3, "{}"),
        (4, r#"{"mergedParentTicket": {"id": 5}}"#),
        (6, r#"{"mergedParentTicket": {"id": 7}}"#),
        (7, r#"{"mergedParentTicket": {"id": 6}}"#),
        (8, r#"{"mergedParentTicket": {"id": 9}}"#),
        (9, r#"{"recordType": "ProjectTicket"}"#),
        (10, r#"{"mergedParentTicket": {"id": 11}}"#),
        (11, r#"{"recordType": 5}"#),
    ]))
    .await;
    let answering = |answer: AnswerBody| match answer {
        AnswerBody::Records { found } => found
            .into_iter()
            .map(|(id, record)| (id.0, record.map(|record| record.id.0)))
            .collect::<Vec<(u64, Option<u64>)>>(),
        other => panic!("{other:?}"),
    };
    let of = async |ids: &[u64]| answering(tenant.ask(ObjectKind::Ticket, read(&[], ids)).await);
    assert_eq!(of(&[1]).await, [(1, Some(3))]);
    assert_eq!(tenant.calls().len(), 3, "one more for each merge");
    assert_eq!(of(&[1, 2, 3]).await, [(1, Some(3)), (2, Some(3)), (3, Some(3))]);
    // One that went up in what is not there, or is no service ticket, is gone.
    assert_eq!(of(&[4, 8]).await, [(4, None), (8, None)]);
    // Where two name each other, or the other one cannot be read, nothing is known of either.
    assert_eq!(of(&[6, 7, 10, 3]).await, [(3, Some(3))]);
}

#[tokio::test]
async fn a_ticket_is_found_by_its_stamp_also_as_what_it_was_turned_into() {
    let tenant = Tenant::new(|asked| match asked.path.as_str() {
        "/system/userDefinedFields/90" => (200, json!({"id": 90, "caption": "Key"})),
        _ => {
            let custom = json!([{"id": 90, "value": "ticket:42"}]);
            (200, json!([stamped(json!({"id": 5, "recordType": "ProjectTicket", "customFields": custom}))]))
        }
    })
    .await;
    let body = RequestBody::FindStamped { fields: Vec::new(), stamps: vec!["ticket:42".into()] };
    let AnswerBody::Stamped { found } = tenant.ask(ObjectKind::Ticket, body).await else { panic!("not looked up") };
    assert_eq!(ids(&found[0].1), [5]);
}

/// Opportunities 7 and 8; 7 has a foreign item and the one that Lockstep owns, 8 is deleted between the calls.
fn pipeline(asked: &Asked) -> (u16, Json) {
    let item = |id: u64, what: &str, revenue: u64| json!({"id": id, "forecastType": "Product", "forecastDescription": what, "revenue": revenue});
    match asked.path.as_str() {
        "/sales/opportunities" => {
            (200, json!([stamped(json!({"id": 7, "name": "A"})), stamped(json!({"id": 8, "name": "B"}))]))
        }
        "/sales/opportunities/7/forecast" => {
            (200, json!({"id": 7, "forecastItems": [item(70, "Server", 10), item(71, "Lockstep", 500)]}))
        }
        _ => not_found(),
    }
}

#[tokio::test]
async fn an_amount_costs_a_call_for_each_opportunity_and_only_when_it_is_asked_for() {
    let tenant = Tenant::new(pipeline).await;
    page(tenant.ask(ObjectKind::Deal, list(&["name"], None, 50)).await);
    assert_eq!(tenant.lines(), ["GET /sales/opportunities"]);
    let (records, last, _) = page(tenant.ask(ObjectKind::Deal, list(&["name", "amount"], None, 50)).await);
    assert_eq!(records[0].value("amount"), &Value::Number(500.into()), "only the owned item counts");
    assert_eq!((ids(&records), last), (vec![7], Some(RecordId(8))), "the amount of one that went is not told as empty");
    let expected =
        ["GET /sales/opportunities", "GET /sales/opportunities/7/forecast", "GET /sales/opportunities/8/forecast"];
    assert_eq!(tenant.lines(), expected);
}

#[tokio::test]
async fn a_tenant_without_forecasts_is_trouble_and_no_empty_amount() {
    let tenant = Tenant::new(|asked| match asked.path.as_str() {
        "/sales/opportunities" => (200, json!([stamped(json!({"id": 7, "name": "A"}))])),
        _ => (404, json!({"code": "ConnectWiseApi", "message": "The endpoint does not exist."})),
    })
    .await;
    let answer = tenant.ask(ObjectKind::Deal, list(&["name", "amount"], None, 50)).await;
    assert!(matches!(answer, AnswerBody::Failed(Failure::Unknown(_))), "{answer:?}");
}

#[tokio::test]
async fn line_items_are_read_through_their_opportunities_and_the_owned_one_is_none() {
    let tenant = Tenant::new(pipeline).await;
    let (records, last, more) =
        page(tenant.ask(ObjectKind::LineItem, list(&["revenue", "opportunity"], None, 50)).await);
    assert_eq!((ids(&records), last, more), (vec![70], Some(RecordId(8)), false), "the page is one of opportunities");
    assert_eq!(records[0].value("opportunity"), &Value::Choice("7".into()));
    tenant.calls();
    let AnswerBody::Records { found } = tenant.ask(ObjectKind::LineItem, read(&["revenue"], &[70])).await else {
        panic!("no records")
    };
    assert_eq!(found[0].1.as_ref().unwrap().value("revenue"), &Value::Number(10.into()));
    assert_eq!(tenant.calls().len(), 2, "where it was seen is remembered");
}

#[tokio::test]
async fn a_page_of_line_items_tells_whose_items_it_shows_all_of() {
    let tenant = Tenant::new(pipeline).await;
    let answer = tenant.ask(ObjectKind::LineItem, list(&["revenue"], None, 50)).await;
    let AnswerBody::Page { parents, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(parents, [RecordId(7)], "8 went meanwhile: of its items nothing is known");
}

#[tokio::test]
async fn an_item_that_makes_no_sense_is_told_by_its_id_and_the_others_go_on() {
    let tenant = Tenant::new(|asked| match asked.path.as_str() {
        "/sales/opportunities" => (200, json!([stamped(json!({"id": 7, "name": "A"}))])),
        _ => {
            let item = |id: u64, quantity: Json| json!({"id": id, "forecastType": "Product", "revenue": 9, "quantity": quantity});
            (200, json!({"id": 7, "forecastItems": [item(70, json!("some")), item(71, json!(2))]}))
        }
    })
    .await;
    let fields = ["revenue/quantity"];
    let answer = tenant.ask(ObjectKind::LineItem, list(&fields, None, 50)).await;
    let AnswerBody::Page { records, unread, parents, .. } = answer else { panic!("{answer:?}") };
    assert_eq!((ids(&records), unread, parents), (vec![71], vec![RecordId(70)], vec![RecordId(7)]));
    assert_eq!(told(tenant.ask(ObjectKind::LineItem, read(&fields, &[70, 71])).await), [(71, true)]);
}

/// So many opportunities; 1 has item 10, the last but one has item 20. Item 10 goes when `gone` is set, and opportunity 3
/// cannot be read while `spoilt` is.
async fn long_pipeline(many: u64, gone: Arc<AtomicBool>, spoilt: Arc<AtomicBool>) -> Tenant {
    Tenant::new(move |asked| {
        let unreadable = spoilt.load(Ordering::Relaxed);
        let item = |id: u64| json!({"id": id, "forecastType": "Product", "forecastDescription": "Server"});
        if asked.path == "/sales/opportunities" {
            let (after, named) = (asked.after(), asked.named());
            let size: usize = asked.parameter("pageSize").parse().unwrap();
            let wanted = |id: &u64| *id > after && (named.is_empty() || named.contains(id));
            let found: Vec<u64> = (1..=many).filter(wanted).take(size).collect();
            if unreadable && found.contains(&3) && !asked.parameter("fields").eq("id") {
                return (
                    500,
                    json!({"code": "ConnectWiseApi", "message": "String was not recognized as a valid Boolean."}),
                );
            }
            return (200, found.into_iter().map(|id| stamped(json!({"id": id, "name": "A"}))).collect());
        }
        let opportunity: u64 = asked.path.split('/').nth(3).unwrap().parse().unwrap();
        let items = match opportunity {
            1 if !gone.load(Ordering::Relaxed) => vec![item(10)],
            last if last == many - 1 => vec![item(20)],
            _ => Vec::new(),
        };
        (200, json!({"id": opportunity, "forecastItems": items}))
    })
    .await
}

fn told(answer: AnswerBody) -> Vec<(u64, bool)> {
    let AnswerBody::Records { found } = answer else { panic!("{answer:?}") };
    found.into_iter().map(|(id, record)| (id.0, record.is_some())).collect()
}

#[tokio::test]
async fn an_item_that_went_from_its_opportunity_is_gone_without_a_search() {
    let gone = Arc::new(AtomicBool::new(false));
    let tenant = long_pipeline(400, gone.clone(), Arc::default()).await;
    let line = || tenant.ask(ObjectKind::LineItem, read(&["revenue"], &[10]));
    assert_eq!(told(line().await), [(10, true)]);
    gone.store(true, Ordering::Relaxed);
    tenant.calls();
    assert_eq!(told(line().await), [(10, false)]);
    assert_eq!(tenant.lines(), ["GET /sales/opportunities", "GET /sales/opportunities/1/forecast"]);
}

#[tokio::test]
async fn a_search_for_an_item_is_bounded_and_goes_on_with_the_next_request() {
    let tenant = long_pipeline(450, Arc::default(), Arc::default()).await;
    let ask = |ids: &'static [u64]| tenant.ask(ObjectKind::LineItem, read(&["revenue"], ids));
    assert_eq!(told(ask(&[10, 20, 30]).await), [(10, true)], "of 20 and 30 nothing is known yet");
    assert_eq!(tenant.calls().len(), 4 + 200);
    let answer = ask(&[20, 30]).await;
    let AnswerBody::Failed(Failure::Unknown(words)) = &answer else { panic!("{answer:?}") };
    assert!(words.contains("not found yet") && words.contains("next request"), "{words}");
    assert_eq!(tenant.calls().len(), 4 + 200);
    assert_eq!(told(ask(&[20, 30]).await), [(20, true), (30, false)]);
    assert_eq!(tenant.calls().len(), 2 + 50, "the rest, and one look behind the last full page");
    let answer = tenant.ask(ObjectKind::LineItem, update(&[("revenue", Value::Number(5.into()))])).await;
    assert!(matches!(answer, AnswerBody::Failed(Failure::NotSent(_))), "its place is not known yet: {answer:?}");
}

#[tokio::test]
async fn an_item_is_not_called_gone_while_an_opportunity_cannot_be_read() {
    let spoilt = Arc::new(AtomicBool::new(false));
    let tenant = long_pipeline(5, Arc::default(), spoilt.clone()).await;
    spoilt.store(true, Ordering::Relaxed);
    let ask = |ids: &'static [u64]| tenant.ask(ObjectKind::LineItem, read(&["revenue"], ids));
    assert_eq!(told(ask(&[10, 20, 30]).await), [(10, true), (20, true)], "30 may lie in 3");
    tenant.calls();
    assert!(matches!(ask(&[30]).await, AnswerBody::Failed(Failure::Unknown(_))));
    assert_eq!(tenant.lines(), ["GET /sales/opportunities"], "only what is new is looked into");
}

#[tokio::test]
async fn a_stamp_in_a_user_defined_field_is_found_by_caption_and_believed_by_id() {
    let tenant = Tenant::new(|asked| match asked.path.as_str() {
        "/system/userDefinedFields/90" => (200, json!({"id": 90, "caption": "Sync [key]"})),
        // Another field has the same caption.
        _ => (
            200,
            json!([
                stamped(json!({"id": 5, "customFields": [{"id": 31, "value": "deal:1"}, {"id": 90, "value": null}]})),
                stamped(json!({"id": 6, "customFields": [{"id": 90, "caption": "Sync [key]", "value": "deal:1"}]})),
            ]),
        ),
    })
    .await;
    let body = RequestBody::FindStamped { fields: Vec::new(), stamps: vec!["deal:1".into(), "deal:2".into()] };
    let AnswerBody::Stamped { found } = tenant.ask(ObjectKind::Deal, body).await else { panic!("not looked up") };
    let told: Vec<_> = found.iter().map(|(stamp, records)| (stamp.as_str(), ids(records))).collect();
    assert_eq!(told, [("deal:1", vec![6]), ("deal:2", vec![])]);
    let conditions: Vec<_> =
        tenant.calls().iter().map(|call| call.parameter("customFieldConditions").to_owned()).collect();
    assert_eq!(
        conditions,
        ["", r#"caption = "Sync [[]key]" and value = "deal:1""#, r#"caption = "Sync [[]key]" and value = "deal:2""#]
    );
}

#[tokio::test]
async fn a_caption_that_no_condition_can_hold_is_refused_with_the_reason() {
    let tenant = Tenant::new(|_| (200, json!({"id": 90, "caption": "12\" key", "fieldTypeIdentifier": "Text", "podDescription": "Opportunity Overview"}))).await;
    let body = RequestBody::FindStamped { fields: Vec::new(), stamps: vec!["deal:1".into()] };
    let answer = tenant.ask(ObjectKind::Deal, body).await;
    let AnswerBody::Failed(Failure::Rejected(why)) = &answer else { panic!("{answer:?}") };
    assert!(why.message.contains("double quotes") && why.message.contains("Rename"), "{}", why.message);
    assert_eq!(tenant.calls().len(), 1);
    let refused = tenant.psa.prepare(ObjectKind::Deal, false).await.unwrap_err();
    assert!(refused.message.contains("double quotes"), "{refused}");
}
