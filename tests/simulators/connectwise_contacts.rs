//! ConnectWise's contacts: what they need, how they are reached, how they move and go.

use lockstep::sim::{ConnectWiseBehaviour, Object, Side};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, answer, connectwise, fields, ids, patched};

const CONTACTS: &str = "/company/contacts";

async fn contact(bench: &Bench, body: Value) -> Value {
    let (status, made) = bench.cw(Method::POST, CONTACTS, body).await;
    assert_eq!(status, 201, "{made}");
    made
}

fn one(made: &Value) -> String {
    format!("{CONTACTS}/{}", made["id"])
}

/// Value and default flag of every item.
fn items(contact: &Value) -> Vec<(String, bool)> {
    let items = contact["communicationItems"].as_array().unwrap();
    items.iter().map(|i| (i["value"].as_str().unwrap().to_owned(), i["defaultFlag"] == json!(true))).collect()
}

#[tokio::test]
async fn a_contact_needs_a_first_name_and_nothing_else() {
    let bench = Bench::empty().await;
    let (status, body) = bench.cw(Method::POST, CONTACTS, json!({"lastName": "Vale"})).await;
    assert_eq!((status, &body["message"]), (400, &json!("contact object is invalid")));
    let error = &body["errors"][0];
    assert_eq!(
        (&error["code"], &error["message"], &error["resource"], &error["field"]),
        (
            &json!("MissingRequiredField"),
            &json!("The firstName field is required."),
            &json!("contact"),
            &json!("firstName")
        )
    );
    let made = contact(&bench, json!({"firstName": "Ann"})).await;
    assert!(made.get("company").is_none() && made.get("lastName").is_none(), "{made}");
    assert_eq!((&made["communicationItems"], &made["inactiveFlag"]), (&json!([]), &json!(false)));
    let (status, body) = bench.cw_get(&format!("{CONTACTS}/57919000"), &[]).await;
    assert_eq!((status, &body["message"]), (404, &json!("Contact 57919000 not found")));
}

#[tokio::test]
async fn items_derive_domain_kind_and_default_phone() {
    let bench = Bench::empty().await;
    let made = contact(
        &bench,
        json!({"firstName": "Ann", "communicationItems": [
            {"type": {"id": "1"}, "value": "ann@test.example"},
            {"type": {"name": "Cell"}, "value": "5550101"},
            {"communicationType": "Phone", "value": "5550102", "extension": "7", "defaultFlag": true},
        ]}),
    )
    .await;
    let (mail, phone) = (&made["communicationItems"][0], &made["communicationItems"][2]);
    assert_eq!((&mail["domain"], &mail["communicationType"]), (&json!("@test.example"), &json!("Email")));
    assert_eq!((&phone["type"]["name"], &phone["extension"]), (&json!("Direct"), &json!("7")));
    assert_eq!(items(&made).iter().map(|i| i.1).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(
        (&made["defaultPhoneType"], &made["defaultPhoneNbr"], &made["defaultPhoneExtension"]),
        (&json!("Direct"), &json!("5550102"), &json!("7"))
    );
}

#[tokio::test]
async fn a_new_default_demotes_the_former_one_of_its_kind_alone() {
    let bench = Bench::empty().await;
    let made = contact(
        &bench,
        json!({"firstName": "Ann", "communicationItems": [
            {"type": {"id": 1}, "value": "a@test.example", "defaultFlag": true},
            {"type": {"id": 2}, "value": "5550101", "defaultFlag": true},
        ]}),
    )
    .await;
    let add = json!([{"op": "add", "path": "/communicationItems/2",
        "value": {"type": {"id": 7}, "value": "b@test.example", "defaultFlag": true}}]);
    let (status, body) = patched(&bench, &one(&made), add).await;
    assert_eq!(status, 200, "{body}");
    let expected = [("a@test.example", false), ("5550101", true), ("b@test.example", true)];
    assert_eq!(items(&body), expected.map(|(v, d)| (v.to_owned(), d)));
}

#[tokio::test]
async fn an_item_added_at_the_front_goes_to_the_end_and_loses_its_default_flag() {
    let bench = Bench::empty().await;
    let made = contact(
        &bench,
        json!({"firstName": "Ann", "communicationItems": [{"type": {"id": 1}, "value": "a@t.example"}]}),
    )
    .await;
    let add = json!([{"op": "add", "path": "communicationItems/0",
        "value": {"type": {"id": 7}, "value": "b@t.example", "defaultFlag": true}}]);
    let (_, body) = patched(&bench, &one(&made), add).await;
    assert_eq!(items(&body), [("a@t.example".to_owned(), true), ("b@t.example".to_owned(), false)]);
}

#[tokio::test]
async fn items_removed_from_the_front_shift_the_ones_behind_them() {
    let bench = Bench::empty().await;
    let item = |value: &str| json!({"type": {"id": 4}, "value": value});
    let list = json!([item("5550101"), item("5550102"), item("5550103")]);
    let made = contact(&bench, json!({"firstName": "Ann", "communicationItems": list})).await;
    let remove = |places: [u32; 2]| {
        let all = places.map(|at| json!({"op": "remove", "path": format!("/communicationItems/{at}")}));
        json!(all)
    };
    let (status, _) = patched(&bench, &one(&made), remove([1, 2])).await;
    assert_eq!(status, 400, "after the first removal there is no third item");
    assert_eq!(items(&bench.cw_get(&one(&made), &[]).await.1).len(), 3, "and nothing was removed");
    let (status, body) = patched(&bench, &one(&made), remove([2, 1])).await;
    assert_eq!((status, items(&body)), (200, vec![("5550101".to_owned(), true)]));
    let (_, body) = patched(
        &bench,
        &one(&made),
        json!([{"op": "replace", "path": "/communicationItems/0/value", "value": "5550199"}]),
    )
    .await;
    assert_eq!(body["defaultPhoneNbr"], "5550199");
    let two = json!([item("5550101"), item("5550102")]);
    let made = contact(&bench, json!({"firstName": "Ben", "communicationItems": two})).await;
    let (_, body) = patched(&bench, &one(&made), json!([{"op": "remove", "path": "/communicationItems/0"}])).await;
    assert_eq!(items(&body), [("5550102".to_owned(), true)], "the next one is the default");
}

#[tokio::test]
async fn items_have_a_sub_resource_of_their_own_ids() {
    let bench = Bench::empty().await;
    let made = contact(&bench, json!({"firstName": "Ann"})).await;
    let path = format!("{}/communications", one(&made));
    let (status, body) = bench.cw(Method::POST, &path, json!({"value": "5550101"})).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("type/id")));
    let (status, item) = bench.cw(Method::POST, &path, json!({"type": {"id": 2}, "value": "5550101"})).await;
    assert_eq!((status, &item["contactId"], &item["defaultFlag"]), (201, &made["id"], &json!(true)));
    let this = format!("{path}/{}", item["id"]);
    let (status, body) = patched(&bench, &this, json!([{"op": "replace", "path": "value", "value": "5550102"}])).await;
    assert_eq!((status, &body["value"], &body["id"]), (200, &json!("5550102"), &item["id"]));
    let (status, body) = bench.cw(Method::PUT, &this, json!({"type": {"id": 4}, "value": "5550103"})).await;
    assert_eq!((status, &body["type"]["name"]), (200, &json!("Cell")));
    let long = json!([{"op": "replace", "path": "extension", "value": "1234567890123456"}]);
    assert_eq!(patched(&bench, &this, long).await.1["errors"][0]["code"], "MaxLengthField");
    let wide = json!([{"op": "replace", "path": "value", "value": "x".repeat(251)}]);
    assert_eq!(patched(&bench, &this, wide).await.1["errors"][0]["field"], "value");
    assert_eq!(bench.cw_get(&format!("{path}/count"), &[]).await.1["count"], 1);
    assert_eq!(bench.cw(Method::DELETE, &this, json!({})).await.0, 204);
    assert_eq!(bench.cw_get(&this, &[]).await.0, 404);
}

#[tokio::test]
async fn communication_types_have_descriptions_and_refuse_an_old_pin() {
    let bench = Bench::empty().await;
    let path = "/company/communicationTypes";
    let (_, types) = bench.cw_get(path, &[("conditions", "emailFlag = true and defaultFlag = true")]).await;
    assert_eq!((&types[0]["description"], types[0].get("name")), (&json!("Email"), None));
    for (version, status) in [("2019.5", 400), ("2020.4", 200), ("2025.1", 200)] {
        let accept = format!("application/vnd.connectwise.com+json; version={version}");
        let pinned = bench.connectwise(Method::GET, path).header("accept", accept);
        assert_eq!(answer(pinned).await.0, status, "{version}");
    }
}

#[tokio::test]
async fn types_are_given_at_birth_and_later_by_association() {
    let bench = Bench::empty().await;
    let made = contact(&bench, json!({"firstName": "Ann", "typeIds": [1, 2]})).await;
    assert_eq!(
        (ids(&made["types"]), &made["types"][0]["name"]),
        (vec!["1".to_owned(), "2".to_owned()], &json!("Decision Maker"))
    );
    let (status, body) = bench.cw(Method::PUT, &one(&made), json!({"firstName": "Ann", "typeIds": [3]})).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("typeIds")));
    let path = format!("{}/typeAssociations", one(&made));
    let (status, added) = bench.cw(Method::POST, &path, json!({"type": {"id": 3}})).await;
    assert_eq!((status, &added["contact"]["id"]), (201, &made["id"]));
    let (status, _) = bench
        .cw(Method::POST, "/company/contactTypeAssociations", json!({"type": {"id": 4}, "contact": {"id": made["id"]}}))
        .await;
    assert_eq!(status, 201);
    assert_eq!(bench.cw_get("/company/contactTypeAssociations/count", &[]).await.1["count"], 4);
    assert_eq!(bench.cw(Method::DELETE, &format!("{path}/{}", added["id"]), json!({})).await.0, 204);
    assert_eq!(ids(&bench.cw_get(&one(&made), &[]).await.1["types"]), ["1", "2", "4"]);
}

#[tokio::test]
async fn a_put_of_a_contact_fails_on_items_and_does_not_clear_user_defined_fields() {
    let bench = Bench::empty().await;
    let made = contact(
        &bench,
        json!({"firstName": "Ann", "title": "CEO", "customFields": [{"id": 41, "value": 77}],
            "communicationItems": [{"type": {"id": 1}, "value": "a@t.example"}]}),
    )
    .await;
    let (status, body) = bench.cw(Method::PUT, &one(&made), made.clone()).await;
    assert_eq!(status, 400, "sending back what was read fails: {body}");
    let cleared = json!({"firstName": "Ann", "customFields": [{"id": 41, "value": null}]});
    let (status, body) = bench.cw(Method::PUT, &one(&made), cleared).await;
    assert_eq!((status, body.get("title"), &body["customFields"][0]["value"]), (200, None, &json!(77)));
}

#[tokio::test]
async fn a_contact_takes_its_companys_site_and_leaves_it_when_it_moves() {
    let bench = Bench::empty().await;
    let (a, b) = (bench.new_connectwise("A").await, bench.new_connectwise("B").await);
    let made = contact(&bench, json!({"firstName": "Ann", "company": {"id": a}})).await;
    let site = made["site"]["id"].clone();
    let operations = json!([{"op": "replace", "path": "company", "value": {"identifier": "B"}}]);
    let (status, moved) = patched(&bench, &one(&made), operations).await;
    assert_eq!((status, &moved["company"]["id"]), (200, &json!(b)));
    assert_ne!(moved["site"]["id"], site);
    let wrong = json!([{"op": "replace", "path": "site", "value": {"id": site}}]);
    assert_eq!(patched(&bench, &one(&made), wrong).await.1["errors"][0]["field"], "site/id");
    let (_, found) = bench.cw_get(CONTACTS, &[("conditions", &format!("company/id = {b}"))]).await;
    assert_eq!(ids(&found), [made["id"].to_string()]);
    let (_, found) = bench.cw_get(CONTACTS, &[("conditions", &format!("company/id = {a}"))]).await;
    assert_eq!(found, json!([]));
    let away = json!([{"op": "remove", "path": "company"}]);
    let (_, body) = patched(&bench, &one(&made), away).await;
    assert!(body.get("company").is_none() && body.get("site").is_none(), "{body}");
}

#[tokio::test]
async fn the_same_address_may_be_on_many_contacts_and_finds_them_all() {
    let bench = Bench::empty().await;
    let mail = json!([{"type": {"id": 1}, "value": "Shared@Test.example"}]);
    for name in ["Ann", "Ben"] {
        contact(&bench, json!({"firstName": name, "communicationItems": mail})).await;
    }
    contact(
        &bench,
        json!({"firstName": "Cid", "communicationItems": [{"type": {"id": 2}, "value": "shared@test.example"}]}),
    )
    .await;
    let conditions =
        "communicationItems/value like \"shared@test.example\" AND communicationItems/communicationType=\"Email\"";
    let (status, found) = bench.cw_get(CONTACTS, &[("childconditions", conditions)]).await;
    assert_eq!((status, found.as_array().unwrap().len()), (200, 2));
    let (status, _) = bench.cw_get(CONTACTS, &[("childConditions", "communicationItems/value in (\"a\")")]).await;
    assert_eq!(status, 400, "childConditions have no in");
}

#[tokio::test]
async fn a_deleted_contact_is_gone_and_one_in_use_goes_only_with_a_successor() {
    let bench = Bench::empty().await;
    let company = bench.new_connectwise("A").await;
    let (ann, ben) =
        (contact(&bench, json!({"firstName": "Ann"})).await, contact(&bench, json!({"firstName": "Ben"})).await);
    let ticket = json!({"summary": "Broken", "company": {"id": company}, "contact": {"id": ann["id"]}});
    let (_, ticket) = bench.cw(Method::POST, "/service/tickets", ticket).await;
    assert_eq!(bench.cw(Method::DELETE, &one(&ann), json!({})).await.0, 409);
    let (_, usages) = bench.cw_get(&format!("{}/usages/list", one(&ann)), &[]).await;
    assert_eq!((&usages[0]["type"], &usages[0]["id"]), (&json!("Ticket"), &ticket["id"]));
    let successor = format!("{}?transferContactId={}", one(&ann), ben["id"]);
    assert_eq!(bench.cw(Method::DELETE, &successor, json!({})).await.0, 204);
    assert_eq!(bench.cw_get(&one(&ann), &[]).await.0, 404);
    assert_eq!(ids(&bench.cw_get(CONTACTS, &[]).await.1), [ben["id"].to_string()], "not even in lists");
    let (_, ticket) = bench.cw_get(&format!("/service/tickets/{}", ticket["id"]), &[]).await;
    assert_eq!(ticket["contact"]["id"], ben["id"]);
}

#[tokio::test]
async fn names_are_as_short_as_in_2021_unless_it_is_switched_off() {
    let bench = Bench::empty().await;
    let long = json!({"firstName": "x".repeat(31)});
    let (status, body) = bench.cw(Method::POST, CONTACTS, long.clone()).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("MaxLengthField")));
    let loose = ConnectWiseBehaviour { contact_lengths: false, ..ConnectWiseBehaviour::quick() };
    bench.running.control.set_behaviour(connectwise(loose));
    assert_eq!(bench.cw(Method::POST, CONTACTS, long).await.0, 201);
}

#[tokio::test]
async fn contacts_have_notes() {
    let bench = Bench::empty().await;
    let made = contact(&bench, json!({"firstName": "Ann"})).await;
    let path = format!("{}/notes", one(&made));
    assert_eq!(bench.cw(Method::POST, &path, json!({})).await.1["errors"][0]["field"], "text");
    let (status, note) = bench.cw(Method::POST, &path, json!({"text": "Two\nlines"})).await;
    assert_eq!(
        (status, &note["text"], &note["contactId"], &note["enteredBy"], &note["type"]["name"]),
        (201, &json!("Two\nlines"), &made["id"], &json!("Lockstep"), &json!("Comments"))
    );
    assert_eq!(bench.cw(Method::DELETE, &format!("{path}/{}", note["id"]), json!({})).await.0, 204);
    assert_eq!(bench.cw_get(&path, &[]).await.1, json!([]));
}

#[tokio::test]
async fn a_person_sets_items_by_type_and_merges_contacts() {
    let bench = Bench::empty().await;
    let control = &bench.running.control;
    let add = |name: &str, phone: &str| {
        let values = fields(
            json!({"firstName": name, "communications/1": format!("{name}@t.example"), "communications/2": phone}),
        );
        control.create(Side::ConnectWise, Object::Contact, &values, None).unwrap()
    };
    let (ann, ben) = (add("Ann", "5550101"), add("Ben", "5550102"));
    control
        .edit(
            Side::ConnectWise,
            Object::Contact,
            ann,
            &fields(json!({"communications/2": "5550109", "communications/2/extension": "4"})),
            None,
        )
        .unwrap();
    let seen = control.record(Side::ConnectWise, Object::Contact, ann).unwrap();
    assert_eq!((&seen["communications/2"], &seen["defaultPhoneExtension"]), (&json!("5550109"), &json!("4")));
    control.merge(Side::ConnectWise, Object::Contact, ann, ben, None).unwrap();
    assert_eq!(control.record(Side::ConnectWise, Object::Contact, ben), None);
    let (_, body) = bench.cw_get(&format!("{CONTACTS}/{ann}"), &[]).await;
    assert_eq!(items(&body).len(), 4);
}
