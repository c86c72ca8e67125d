//! Where a ConnectWise tenant lives: discovery, code bases, paths that lead nowhere, what the system says of itself.

use lockstep::sim::ConnectWiseBehaviour;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, answer, connectwise};

async fn discovered(bench: &Bench) -> Value {
    answer(bench.client.get(format!("{}/login/companyinfo/brightwater", bench.running.connectwise_url))).await.1
}

#[tokio::test]
async fn discovery_tells_code_base_version_and_place_in_texts() {
    let bench = Bench::empty().await;
    let mut told = discovered(&bench).await;
    let site = told.as_object_mut().unwrap().remove("SiteUrl").unwrap();
    assert!(bench.running.connectwise_url.ends_with(site.as_str().unwrap()), "{site}");
    let expected = json!({
        "CompanyName": "Brightwater IT Services", "Codebase": "v2025_1/", "VersionCode": "v2025.1",
        "VersionNumber": "v2025.1.118472", "CompanyID": "brightwater", "IsCloud": "True",
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_installation_on_premises_has_the_one_code_base() {
    let bench = Bench::empty().await;
    let at_home = ConnectWiseBehaviour {
        code_base: "v4_6_release/".to_owned(),
        on_premise: true,
        ..ConnectWiseBehaviour::quick()
    };
    bench.running.control.set_behaviour(connectwise(at_home));
    let told = discovered(&bench).await;
    assert_eq!((&told["Codebase"], &told["IsCloud"]), (&json!("v4_6_release/"), &json!("False")));
    let c = &bench.running.credentials;
    let user = format!("{}+{}", c.connectwise_company, c.connectwise_public_key);
    let url = format!("{}/v4_6_release/apis/3.0/system/info", bench.running.connectwise_url);
    let request = bench.client.get(url).basic_auth(user, Some(&c.connectwise_private_key));
    let (status, info) = answer(request.header("clientId", &c.connectwise_client_id)).await;
    assert_eq!((status, &info["isCloud"]), (200, &json!(false)));
    assert_eq!(bench.cw_get("/system/info", &[]).await.0, 404, "a code base of the cloud is not there");
}

#[tokio::test]
async fn a_path_that_begins_twice_or_nowhere_is_answered_in_plain_text() {
    let bench = Bench::empty().await;
    let site = &bench.running.connectwise_url;
    for path in [
        "v2025_1/apis/3.0/v2025_1/apis/3.0/system/info",
        "v2025_1/v2025_1/apis/3.0/system/info",
        "apis/3.0/system/info",
    ] {
        let (status, body) = answer(bench.client.get(format!("{site}/{path}"))).await;
        assert_eq!((status, body), (400, json!("Cannot route. Codebase/company is invalid")), "{path}");
    }
}

#[tokio::test]
async fn the_system_tells_release_time_zone_and_region() {
    let bench = Bench::empty().await;
    let (status, info) = bench.cw_get("/system/info", &[]).await;
    let expected = json!({
        "version": "v2025.1.118472", "isCloud": true, "serverTimeZone": "Eastern Standard Time", "licenseBits": [],
        "cloudRegion": "NA", "maxWorkFlowRecordsAllowed": 500,
    });
    assert_eq!((status, info), (200, expected));
    assert_eq!(bench.cw(Method::POST, "/system/info", json!({})).await.0, 405);
}
