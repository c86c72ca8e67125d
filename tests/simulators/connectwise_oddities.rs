//! What makes ConnectWise's answers awkward: absent nulls, blank references, order, time-outs, rewriting.

use std::collections::BTreeMap;

use lockstep::sim::{EmptyReference, NullReference, Object, Side};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, answer, behave, ids, patched};

const COMPANIES: &str = "/company/companies";

fn company(id: u64) -> String {
    format!("{COMPANIES}/{id}")
}

fn set(path: &str, value: Value) -> Value {
    json!([{"op": "replace", "path": path, "value": value}])
}

#[tokio::test]
async fn what_has_no_value_is_left_out_null_or_blank() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let seen = async || bench.cw_get(&company(id), &[]).await.1;
    let plain = seen().await;
    assert!(plain.get("website").is_none() && plain.get("territory").is_none());
    bench.running.control.set_behaviour(behave(|b| b.explicit_nulls = true));
    let nulls = seen().await;
    assert_eq!((nulls.get("website"), nulls.get("territory")), (Some(&Value::Null), Some(&Value::Null)));
    bench.running.control.set_behaviour(behave(|b| b.empty_reference = EmptyReference::Braces));
    assert_eq!(seen().await["territory"], json!({}));
    bench.running.control.set_behaviour(behave(|b| b.empty_reference = EmptyReference::InfoOnly));
    assert_eq!(seen().await["territory"], json!({"_info": {}}));
}

#[tokio::test]
async fn texts_may_hold_nul_and_ids_may_be_texts() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    bench.running.control.set_behaviour(behave(|b| (b.nul_in_text, b.ids_as_text) = (true, true)));
    let (_, seen) = bench.cw_get(&company(id), &[]).await;
    assert_eq!((&seen["name"], &seen["id"]), (&json!("A\0"), &json!(id.to_string())));
    assert!(seen["status"]["id"].is_string());
}

#[tokio::test]
async fn an_address_may_be_as_long_as_is_switched() {
    let bench = Bench::empty().await;
    let path = format!("{COMPANIES}?fields={}", "x".repeat(300));
    assert_eq!(bench.cw_get(&path, &[]).await.0, 200);
    bench.running.control.set_behaviour(behave(|b| b.uri_limit = 300));
    assert_eq!(bench.cw_get(&path, &[]).await.0, 414);
    assert_eq!(bench.cw_get(COMPANIES, &[]).await.0, 200);
}

#[tokio::test]
async fn links_have_a_doubled_slash() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let (_, seen) = bench.cw_get(&company(id), &[]).await;
    let link = seen["status"]["_info"]["status_href"].as_str().unwrap();
    assert!(link.contains("/v4_6_release/apis/3.0//company/companies/statuses/"), "{link}");
}

#[tokio::test]
async fn null_for_a_reference_is_refused_ignored_or_clears() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    for (rule, status, left) in
        [(NullReference::Refused, 400, true), (NullReference::Ignored, 200, true), (NullReference::Clears, 200, false)]
    {
        bench.running.control.set_behaviour(behave(|b| b.null_reference = rule));
        patched(&bench, &company(id), set("territory", json!({"id": 3}))).await;
        assert_eq!(patched(&bench, &company(id), set("territory", Value::Null)).await.0, status, "{rule:?}");
        let (_, seen) = bench.cw_get(&company(id), &[]).await;
        assert_eq!(seen.get("territory").is_some(), left, "{rule:?}");
    }
    patched(&bench, &company(id), set("territory", json!({"id": 3}))).await;
    bench.running.control.set_behaviour(behave(|_| {}));
    let removed = json!([{"op": "remove", "path": "/territory"}]);
    assert_eq!(patched(&bench, &company(id), removed).await.1.get("territory"), None, "remove always clears");
}

#[tokio::test]
async fn an_empty_text_clears_unless_it_is_taken_at_its_word() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let both = json!([{"op": "replace", "path": "city", "value": "Salem"}, {"op": "replace", "path": "numberOfEmployees", "value": "12"}]);
    let (_, seen) = patched(&bench, &company(id), both.clone()).await;
    assert_eq!(seen["numberOfEmployees"], 12, "numbers are taken as text");
    let (_, seen) = patched(&bench, &company(id), json!([{"op": "replace", "path": "city", "value": ""}, {"op": "replace", "path": "numberOfEmployees", "value": ""}])).await;
    assert!(seen.get("city").is_none() && seen.get("numberOfEmployees").is_none());
    bench.running.control.set_behaviour(behave(|b| b.empty_text_clears = false));
    patched(&bench, &company(id), both).await;
    assert_eq!(patched(&bench, &company(id), set("city", json!(""))).await.1["city"], "");
    let (status, body) = patched(&bench, &company(id), set("numberOfEmployees", json!(""))).await;
    assert_eq!(status, 500, "{body}");
    assert!(body["message"].as_str().unwrap().starts_with("Error converting value"), "{body}");
}

#[tokio::test]
async fn the_server_trims_and_of_numbers_keeps_the_digits_alone() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let (_, seen) = patched(&bench, &company(id), set("city", json!("  New\r\nSalem "))).await;
    assert_eq!(seen["city"], "New Salem");
    let (_, seen) = patched(&bench, &company(id), set("phoneNumber", json!("(555) 010-0199"))).await;
    assert_eq!(seen["phoneNumber"], "5550100199");
    bench.running.control.set_behaviour(behave(|b| (b.trims, b.phone_digits) = (false, false)));
    let (_, seen) = patched(&bench, &company(id), set("phoneNumber", json!("(555) 010-0199"))).await;
    assert_eq!(seen["phoneNumber"], "(555) 010-0199");
    assert_eq!(patched(&bench, &company(id), set("city", json!(" Salem"))).await.1["city"], " Salem");
}

#[tokio::test]
async fn a_later_change_may_bear_an_earlier_stamp() {
    let bench = Bench::behaving(behave(|b| b.commit_skew = true), 1_780_000_000_000).await;
    let (first, second) = (bench.new_connectwise("A").await, bench.new_connectwise("B").await);
    let stamp =
        async |id: u64| bench.cw_get(&company(id), &[]).await.1["_info"]["lastUpdated"].as_str().unwrap().to_owned();
    assert_eq!((first % 2, second % 2), (1, 0));
    assert!(stamp(second).await < stamp(first).await, "made later, stamped earlier");
}

#[tokio::test]
async fn one_bad_value_spoils_its_whole_page() {
    let bench = Bench::empty().await;
    let made = [bench.new_connectwise("A").await, bench.new_connectwise("B").await, bench.new_connectwise("C").await];
    let bad = u32::try_from(made[1]).unwrap();
    bench
        .running
        .control
        .set_behaviour(behave(|b| b.poisoned = BTreeMap::from([("company/companies".to_owned(), vec![bad])])));
    let page = async |number: &str| bench.cw_get(COMPANIES, &[("pageSize", "1"), ("page", number)]).await;
    assert_eq!(bench.cw_get(COMPANIES, &[]).await.0, 500);
    assert_eq!((page("1").await.0, page("2").await.0, page("3").await.0), (200, 500, 200));
    assert_eq!(page("2").await.1["message"], "String was not recognized as a valid Boolean.");
    assert_eq!(bench.cw_get(&company(made[1]), &[]).await.0, 500);
}

#[tokio::test]
async fn pages_skip_records_when_one_before_them_goes() {
    let bench = Bench::empty().await;
    let mut made = Vec::new();
    for name in ["Ann", "Ben", "Cid", "Dee"] {
        made.push(
            bench.cw(Method::POST, "/company/contacts", json!({"firstName": name})).await.1["id"].as_u64().unwrap(),
        );
    }
    let page =
        async |number: &str| ids(&bench.cw_get("/company/contacts", &[("pageSize", "2"), ("page", number)]).await.1);
    assert_eq!(page("1").await, [made[0].to_string(), made[1].to_string()]);
    bench.running.control.delete(Side::ConnectWise, Object::Contact, made[0]).unwrap();
    assert_eq!(page("2").await, [made[3].to_string()], "the third was never shown");
    let keyset = [("conditions", format!("id > {}", made[1])), ("orderBy", "id asc".to_owned())];
    let keyset: Vec<(&str, &str)> = keyset.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(ids(&bench.cw_get("/company/contacts", &keyset).await.1), [made[2].to_string(), made[3].to_string()]);
}

#[tokio::test]
async fn a_long_list_of_ids_makes_the_address_too_long() {
    let bench = Bench::empty().await;
    let list = |count: u32| (1..=count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let found = async |count: u32| {
        let conditions = format!("id in ({})", list(count));
        bench.cw_get(COMPANIES, &[("conditions", &conditions)]).await.0
    };
    assert_eq!((found(200).await, found(3000).await), (200, 414));
}

#[tokio::test]
async fn an_offset_in_a_condition_is_misread() {
    let bench = Bench::behaving(behave(|_| {}), 1_780_000_000_000).await;
    let id = bench.new_connectwise("A").await;
    let found = async || {
        // The same moment as 20:26:40Z, if the offset counted.
        let conditions = "lastUpdated >= [2026-05-28T22:26:40+02:00]";
        ids(&bench.cw_get(COMPANIES, &[("conditions", conditions)]).await.1)
    };
    assert!(found().await.is_empty(), "the change is not found");
    bench.running.control.set_behaviour(behave(|b| b.offset_misread = false));
    assert_eq!(found().await, [id.to_string()]);
}

#[tokio::test]
async fn members_that_were_deleted_leave_dangling_references() {
    let bench = Bench::empty().await;
    let activity = json!({"name": "Call", "assignTo": {"id": 153}});
    let (_, made) = bench.cw(Method::POST, "/sales/activities", activity).await;
    bench.running.control.set_behaviour(behave(|b| b.deleted_members = vec![153]));
    assert_eq!(bench.cw_get("/system/members/153", &[]).await.0, 404);
    let (_, seen) = bench.cw_get(&format!("/sales/activities/{}", made["id"]), &[]).await;
    assert_eq!(seen["assignTo"]["id"], 153);
    let (_, inactive) = bench.cw_get("/system/members", &[("conditions", "inactiveFlag = true")]).await;
    assert_eq!(ids(&inactive), ["155"]);
}

#[tokio::test]
async fn methods_that_a_path_does_not_have_are_405_and_paths_that_are_not_404() {
    let bench = Bench::empty().await;
    assert_eq!(bench.cw(Method::DELETE, COMPANIES, json!({})).await.0, 405);
    assert_eq!(bench.cw(Method::POST, "/sales/stages", json!({})).await.0, 405);
    let (status, body) = bench.cw_get("/company/nonsense", &[]).await;
    assert_eq!((status, &body["message"]), (404, &json!("The endpoint does not exist.")));
    assert_eq!(bench.cw_get("/company/companies/abc", &[]).await.0, 404);
}

#[tokio::test]
async fn several_reads_go_in_one_bundle() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let requests = json!({"requests": [
        {"sequenceNumber": 2, "resourceType": "contact", "apiRequest": {"id": 12345}},
        {"sequenceNumber": 1, "resourceType": "company", "version": "2025.1",
            "apiRequest": {"filters": {"conditions": "identifier = \"A\""}, "page": {"page": 1, "pageSize": 5}, "fields": "id,name"}},
        {"sequenceNumber": 3, "resourceType": "companySite", "apiRequest": {"parentId": id}},
        {"sequenceNumber": 4, "resourceType": "nonsense", "apiRequest": {}},
    ]});
    let (status, body) = bench.cw(Method::POST, "/system/bundles", requests).await;
    let results = body["results"].as_array().unwrap();
    assert_eq!((status, results.len(), &results[0]["entities"]), (200, 4, &json!([{"id": id, "name": "A"}])));
    assert_eq!((&results[1]["success"], &results[1]["statusCode"]), (&json!(false), &json!(404)));
    assert_eq!(results[1]["error"]["message"], "Contact 12345 not found");
    assert_eq!((&results[2]["count"], &results[3]["statusCode"]), (&json!(1), &json!(404)));
}

#[tokio::test]
async fn fields_reach_into_references_and_lists() {
    let bench = Bench::empty().await;
    let items = json!([{"type": {"id": 1}, "value": "a@t.example"}, {"type": {"id": 2}, "value": "5550101"}]);
    bench.cw(Method::POST, "/company/contacts", json!({"firstName": "Ann", "communicationItems": items})).await;
    let (_, rows) = bench
        .cw_get("/company/contacts", &[("fields", "firstName,communicationItems/value,communicationItems/type/id")])
        .await;
    assert_eq!(
        rows[0],
        json!({"firstName": "Ann", "communicationItems": [{"value": "a@t.example", "type": {"id": 1}}, {"value": "5550101", "type": {"id": 2}}]})
    );
    let (status, body) = bench.cw_get("/company/contacts", &[("orderBy", "nonsense")]).await;
    assert_eq!((status, &body["code"]), (400, &json!("ApiFindCondition")));
}

#[tokio::test]
async fn hostile_bodies_and_conditions_are_answered_and_break_nothing() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let deep = format!("{}1", "[".repeat(100_000));
    for body in
        ["", "null", "[]", "7", "{\"name\":", "[null,7,{\"op\":1}]", deep.as_str(), "{\"communicationItems\":7}"]
    {
        for path in
            [COMPANIES.to_owned(), company(id), "/company/contacts".to_owned(), "/service/tickets/search".to_owned()]
        {
            for method in [Method::POST, Method::PATCH, Method::PUT] {
                let request = bench
                    .connectwise(method.clone(), &path)
                    .header("content-type", "application/json")
                    .body(body.to_owned());
                assert!(answer(request).await.0 >= 200, "{method} {path}");
            }
        }
    }
    let nested = format!("{}id = 1", "not ".repeat(1_500));
    assert_eq!(bench.cw_get(COMPANIES, &[("conditions", &nested)]).await.0, 400);
    assert_eq!(bench.cw_get(COMPANIES, &[("page", "18446744073709551615"), ("pageSize", "1000")]).await.1, json!([]));
    assert_eq!(bench.cw_get(COMPANIES, &[]).await.0, 200);
}
