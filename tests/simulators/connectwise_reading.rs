//! How ConnectWise is asked: names, conditions beside the record's own, pages.

use lockstep::sim::{Object, Side};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, answer, fields, ids};

const COMPANIES: &str = "/company/companies";
const CONTACTS: &str = "/company/contacts";

/// The status and, of a refusal, its words.
async fn asked(bench: &Bench, path: &str, parameter: &str, conditions: &str) -> (u16, String) {
    let (status, body) = bench.cw_get(path, &[(parameter, conditions)]).await;
    (status, body["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn names_in_a_question_mind_no_case_and_members_stand_behind_a_slash() {
    let bench = Bench::empty().await;
    let (a, b) = (bench.new_connectwise("A").await, bench.new_connectwise("B").await);
    let query = [("CONDITIONS", "Status/Name = \"active\" AND ID > 0"), ("pagesize", "1"), ("OrderBy", "NAME desc")];
    assert_eq!(ids(&bench.cw_get(COMPANIES, &query).await.1), [b.to_string()]);
    let keys = [("orderBy", "status/name desc, identifier asc"), ("fields", "ID,Status/ID")];
    let (_, both) = bench.cw_get(COMPANIES, &keys).await;
    assert_eq!(both, json!([{"id": a, "status": {"id": 1}}, {"id": b, "status": {"id": 1}}]));
    let dotted = asked(&bench, COMPANIES, "conditions", "status.name = \"Active\"").await;
    assert_eq!(dotted, (400, "status.name is not a recognized name.".to_owned()));
}

#[tokio::test]
async fn a_page_holds_twenty_five_rows_unless_another_number_is_asked_for() {
    let bench = Bench::empty().await;
    for n in 0..27 {
        let values = fields(json!({"firstName": format!("Ann{n}")}));
        bench.running.control.create(Side::ConnectWise, Object::Contact, &values, None).unwrap();
    }
    let rows = async |query: &[(&str, &str)]| ids(&bench.cw_get(CONTACTS, query).await.1).len();
    assert_eq!(rows(&[]).await, 25);
    assert_eq!((rows(&[("pageSize", "1000")]).await, rows(&[("pageSize", "3")]).await), (27, 3));
    for size in ["0", "1001", "many"] {
        assert_eq!(bench.cw_get(CONTACTS, &[("pageSize", size)]).await.0, 400, "{size}");
    }
}

#[tokio::test]
async fn a_forward_only_list_is_ordered_by_id_and_takes_no_other_order() {
    let bench = Bench::empty().await;
    let made = [bench.new_connectwise("B").await.to_string(), bench.new_connectwise("A").await.to_string()];
    let forward = |query: &str| {
        let request = bench.connectwise(Method::GET, &format!("{COMPANIES}?{query}"));
        answer(request.header("pagination-type", "forward-only"))
    };
    assert_eq!(ids(&forward("page=7&pageSize=5").await.1), made, "the number of a page means nothing here");
    let (status, body) = forward("orderBy=name").await;
    assert_eq!((status, &body["code"]), (400, &json!("ApiFindCondition")));
}

#[tokio::test]
async fn every_kind_of_record_is_found_by_its_last_change() {
    let bench = Bench::story().await;
    let (_, companies) = bench.cw_get(COMPANIES, &[("pageSize", "1")]).await;
    let sites = format!("{COMPANIES}/{}/sites", companies[0]["id"]);
    let (_, deals) = bench.cw_get("/sales/opportunities", &[("pageSize", "1")]).await;
    let forecast_notes = format!("/sales/opportunities/{}/notes", deals[0]["id"]);
    for path in [
        COMPANIES,
        CONTACTS,
        "/sales/opportunities",
        "/sales/activities",
        "/service/tickets",
        "/procurement/catalog",
        "/system/callbacks",
        &sites,
        &forecast_notes,
    ] {
        for name in ["lastUpdated", "_info/lastUpdated"] {
            let count = async |op: &str| {
                let conditions = format!("{name} {op} [2020-01-01T00:00:00Z]");
                let (status, body) = bench.cw_get(&format!("{path}/count"), &[("conditions", &conditions)]).await;
                assert_eq!(status, 200, "{path} {name}: {body}");
                body["count"].as_u64().unwrap()
            };
            let all = bench.cw_get(&format!("{path}/count"), &[]).await.1["count"].as_u64().unwrap();
            assert_eq!((count(">").await, count("<=").await), (all, 0), "{path} {name}");
        }
    }
}

/// Only the endpoint of contacts is publicly shown to search its lists; that others do is not to be counted on.
#[tokio::test]
async fn conditions_on_children_are_for_the_lists_of_contacts_alone() {
    let bench = Bench::empty().await;
    let company = bench.new_connectwise("A").await;
    let items = json!([{"type": {"id": 1}, "value": "ann@t.example"}]);
    let body = json!({"firstName": "Ann", "typeIds": [1], "communicationItems": items});
    let (_, ann) = bench.cw(Method::POST, CONTACTS, body).await;
    for conditions in
        ["types/id = 1", "communicationItems/domain = \"@t.example\"", "CommunicationItems/Value = \"ann@t.example\""]
    {
        let (_, found) = bench.cw_get(CONTACTS, &[("childConditions", conditions)]).await;
        assert_eq!(ids(&found), [ann["id"].to_string()], "{conditions}");
    }
    let unknown = asked(&bench, CONTACTS, "childConditions", "communicationItems/telex = \"1\"").await;
    assert_eq!(unknown, (400, "communicationItems/telex is not a recognized name.".to_owned()));
    let own = asked(&bench, CONTACTS, "childConditions", "firstName = \"Ann\"").await;
    assert_eq!(own.0, 400, "a field of the contact itself is no child");
    let sites = format!("{COMPANIES}/{company}/sites");
    for path in [COMPANIES, &format!("{COMPANIES}/count"), &sites, "/service/tickets", "/sales/stages"] {
        let refused = asked(&bench, path, "childConditions", "types/id = 1").await;
        assert_eq!(refused, (400, "childConditions is not supported here.".to_owned()), "{path}");
    }
    let search = json!({"childconditions": "types/id = 1"});
    assert_eq!(bench.cw(Method::POST, "/service/tickets/search", search).await.0, 400);
}

#[tokio::test]
async fn conditions_on_user_defined_fields_know_the_members_of_a_value_and_no_list() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let set = json!([{"id": 32, "value": "Gold"}]);
    let (_, seen) = bench.cw_get(&format!("{COMPANIES}/{id}"), &[]).await;
    let mut whole = seen["customFields"].clone();
    for item in whole.as_array_mut().unwrap().iter_mut().filter(|item| item["id"] == set[0]["id"]) {
        item["value"] = set[0]["value"].clone();
    }
    answer(bench.patch_one(id, "replace", "customFields", whole)).await;
    let found = async |conditions: &str| {
        let (status, found) = bench.cw_get(COMPANIES, &[("customFieldConditions", conditions)]).await;
        (status, if status == 200 { ids(&found).len() } else { 0 })
    };
    assert_eq!(found("caption = \"Support Tier\" AND value != null").await, (200, 1));
    assert_eq!(found("caption = \"Support Tier\" AND value = \"Tin\"").await, (200, 0));
    assert_eq!(found("name = \"A\"").await, (400, 0));
    assert_eq!(found("caption = \"VIP\" or value in (\"Gold\")").await, (400, 0), "nor inside of an or");
    for path in ["/company/statuses", "/system/members", "/system/callbacks"] {
        let (status, body) = bench.cw_get(path, &[("customFieldConditions", "caption = \"A\"")]).await;
        assert_ne!(status, 200, "{path}: {body}");
    }
}

#[tokio::test]
async fn an_answer_to_a_create_can_be_partial_too() {
    let bench = Bench::empty().await;
    let body = json!({"identifier": "A", "name": "A", "site": {"name": "Main"}});
    let (status, made) = bench.cw(Method::POST, &format!("{COMPANIES}?fields=identifier,status/name"), body).await;
    let expected: Value = json!({"identifier": "A", "status": {"name": "Active"}});
    assert_eq!((status, made), (201, expected));
}
