//! How ConnectWise is written to: paths, members that are the server's own, repeats, user-defined fields.

use lockstep::sim::ConnectWiseBehaviour;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, connectwise, ids, patched};

const COMPANIES: &str = "/company/companies";

fn company(id: u64) -> String {
    format!("{COMPANIES}/{id}")
}

fn set(path: &str, value: Value) -> Value {
    json!([{"op": "replace", "path": path, "value": value}])
}

#[tokio::test]
async fn a_path_of_a_patch_minds_its_case_and_not_its_first_slash() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    for path in ["city", "/city"] {
        let (status, body) = patched(&bench, &company(id), set(path, json!(path))).await;
        assert_eq!((status, &body["city"]), (200, &json!(path)));
    }
    let (status, body) = patched(&bench, &company(id), set("City", json!("Salem"))).await;
    assert_eq!((status, &body["code"]), (400, &json!("ConnectWiseApi")), "{body}");
    let (status, _) = patched(&bench, &company(id), json!([{"op": "move", "path": "city"}])).await;
    assert_eq!(status, 400, "add, replace and remove are all there is");
}

#[tokio::test]
async fn what_the_server_sets_by_itself_is_taken_and_left_as_it_is() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    for path in ["dateDeleted", "id"] {
        let (status, body) = patched(&bench, &company(id), set(path, json!("2026-01-01T00:00:00Z"))).await;
        assert_eq!((status, &body["id"], body.get("dateDeleted")), (200, &json!(id), None), "{path}");
    }
}

#[tokio::test]
async fn a_create_that_is_sent_twice_makes_two_records() {
    let bench = Bench::empty().await;
    let body = json!({"firstName": "Ann", "lastName": "Vale"});
    let make = async || {
        let request = bench.connectwise(Method::POST, "/company/contacts").header("idempotency-key", "one");
        request.json(&body).send().await.unwrap().json::<Value>().await.unwrap()["id"].to_string()
    };
    let (first, second) = (make().await, make().await);
    assert_ne!(first, second);
    assert_eq!(ids(&bench.cw_get("/company/contacts", &[]).await.1), [first, second]);
}

#[tokio::test]
async fn a_user_defined_field_takes_the_json_of_its_type_and_null_to_be_cleared() {
    let bench = Bench::empty().await;
    let loose = ConnectWiseBehaviour { custom_fields_whole: false, ..ConnectWiseBehaviour::quick() };
    bench.running.control.set_behaviour(connectwise(loose));
    let id = bench.new_connectwise("A").await;
    let send = async |items: Value| patched(&bench, &company(id), set("customFields", items)).await;
    // Currency, date, checkbox, number.
    let good = [(33, json!(12.5)), (34, json!("2026-01-01T00:00:00Z")), (35, json!(true)), (36, json!(7))];
    for (field, value) in &good {
        let (status, body) = send(json!([{"id": field, "value": value}])).await;
        let items = body["customFields"].as_array().unwrap();
        let stored = items.iter().find(|item| item["id"] == json!(field)).map(|item| item["value"].clone());
        assert_eq!((status, stored), (200, Some(value.clone())), "{field}");
    }
    for (field, value) in [(33, json!("12.5")), (35, json!("true")), (36, json!([7])), (31, json!(7))] {
        assert_eq!(send(json!([{"id": field, "value": value}])).await.0, 400, "{field} {value}");
    }
    let held = async || {
        let (_, seen) = bench.cw_get(&company(id), &[]).await;
        seen["customFields"].as_array().unwrap().iter().filter(|item| !item["value"].is_null()).count()
    };
    assert_eq!((send(json!([])).await.0, held().await), (200, 4), "an empty array clears nothing");
    assert_eq!((send(json!([{"id": 33, "value": null}])).await.0, held().await), (200, 3));
}

#[tokio::test]
async fn years_and_account_numbers_have_their_bounds() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let refused = async |path: &str, value: Value| {
        let (status, body) = patched(&bench, &company(id), set(path, value)).await;
        assert_eq!(status, 400, "{body}");
        ["code", "message"].map(|name| body["errors"][0][name].as_str().unwrap().to_owned())
    };
    for path in ["yearEstablished", "revenueYear"] {
        let expected = format!("The field {path} must be between 1900 and 9999.");
        assert_eq!(refused(path, json!(1899)).await, ["OutOfRange", &expected]);
    }
    for (path, most) in [
        ("accountNumber", 41),
        ("addressLine1", 50),
        ("zip", 12),
        ("phoneNumber", 30),
        ("leadSource", 50),
        ("website", 255),
    ] {
        let expected = format!("The field {path} must be a string with a maximum length of {most}.");
        assert_eq!(refused(path, json!("1".repeat(most + 1))).await, ["MaxLengthField", &expected]);
    }
}
