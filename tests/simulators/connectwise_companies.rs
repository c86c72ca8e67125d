//! ConnectWise's companies beside what every record has: sites, notes, identifiers, merge, user-defined fields.

use std::time::Duration;

use lockstep::sim::{CATCHALL_COMPANY, Data, MergedCompany, OWN_COMPANY, Object, Options, Side};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, behave, fields, ids, patched};

fn company(id: u64) -> String {
    format!("/company/companies/{id}")
}

fn set(path: &str, value: Value) -> Value {
    json!([{"op": "replace", "path": path, "value": value}])
}

#[tokio::test]
async fn the_address_of_a_company_is_that_of_its_primary_site() {
    let bench = Bench::empty().await;
    let body = json!({"identifier": "A", "name": "A", "site": {"name": "Harbor"}, "city": "Salem", "state": "MA", "addressLine1": "1 Pier"});
    let (_, made) = bench.cw(Method::POST, "/company/companies", body).await;
    let id = made["id"].as_u64().unwrap();
    let sites = format!("{}/sites", company(id));
    assert_eq!(made["site"]["name"], "Harbor");
    let (_, list) = bench.cw_get(&sites, &[]).await;
    assert_eq!(
        (ids(&list).len(), &list[0]["city"], &list[0]["primaryAddressFlag"]),
        (1, &json!("Salem"), &json!(true))
    );
    assert_eq!(
        (&list[0]["stateReference"]["identifier"], list[0].get("state")),
        (&json!("MA"), None),
        "a text there, a row here"
    );
    patched(&bench, &company(id), set("city", json!("Dayton"))).await;
    assert_eq!(bench.cw_get(&sites, &[]).await.1[0]["city"], "Dayton");
    let first = format!("{sites}/{}", list[0]["id"]);
    patched(&bench, &first, json!([{"op": "replace", "path": "city", "value": "Albany"}, {"op": "replace", "path": "stateReference", "value": {"identifier": "NY"}}])).await;
    let (_, seen) = bench.cw_get(&company(id), &[]).await;
    assert_eq!(
        (&seen["city"], &seen["state"], &seen["addressLine1"]),
        (&json!("Albany"), &json!("NY"), &json!("1 Pier"))
    );
    let (status, body) = bench.cw(Method::POST, &sites, json!({"city": "Boise"})).await;
    assert_eq!(
        (status, &body["errors"][0]["field"], &body["message"]),
        (400, &json!("name"), &json!("companySite object is invalid"))
    );
    let (_, second) = bench.cw(Method::POST, &sites, json!({"name": "Branch", "city": "Boise"})).await;
    assert_eq!(second["primaryAddressFlag"], false);
    patched(&bench, &format!("{sites}/{}", second["id"]), set("primaryAddressFlag", json!(true))).await;
    let (_, seen) = bench.cw_get(&company(id), &[]).await;
    assert_eq!((&seen["city"], &seen["site"]["id"]), (&json!("Boise"), &second["id"]));
    assert_eq!(bench.cw_get(&first, &[]).await.1["primaryAddressFlag"], false, "one primary site at a time");
    assert_eq!(bench.cw(Method::DELETE, &format!("{sites}/{}", second["id"]), json!({})).await.0, 409);
    assert_eq!(bench.cw(Method::DELETE, &first, json!({})).await.0, 204);
}

#[tokio::test]
async fn identifiers_and_names_are_as_long_as_the_release_allows() {
    let bench = Bench::empty().await;
    for (release, identifier, name) in [("2021.1", 25, 50), ("2025.1", 30, 50), ("2026.4", 156, 156)] {
        bench.running.control.set_behaviour(behave(|b| b.release = release.to_owned()));
        let create = async |identifier: usize, name: usize| {
            let body =
                json!({"identifier": "x".repeat(identifier), "name": "n".repeat(name), "site": {"name": "Main"}});
            let (status, body) = bench.cw(Method::POST, "/company/companies", body).await;
            (status, body["errors"][0]["field"].clone())
        };
        assert_eq!(create(identifier + 1, name).await, (400, json!("identifier")), "{release}");
        assert_eq!(create(identifier, name + 1).await, (400, json!("name")), "{release}");
        assert_eq!(create(identifier, name).await.0, 201, "{release}");
    }
}

#[tokio::test]
async fn a_status_can_forbid_saving_and_a_create_can_land_on_another() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let (_, statuses) =
        bench.cw_get("/company/companies/statuses", &[("conditions", "disallowSavingFlag = true")]).await;
    let (status, body) = patched(&bench, &company(id), set("status", json!({"id": statuses[0]["id"]}))).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("status")));
    bench.running.control.set_behaviour(behave(|b| b.status_lands_elsewhere = true));
    let body = json!({"identifier": "B", "name": "B", "site": {"name": "Main"}, "status": {"name": "Prospect"}});
    assert_eq!(bench.cw(Method::POST, "/company/companies", body).await.1["status"]["name"], "Active");
}

#[tokio::test]
async fn an_identifier_is_free_again_where_the_recycle_bin_does_not_hold_it() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    bench.cw(Method::DELETE, &company(id), json!({})).await;
    bench.running.control.set_behaviour(behave(|b| b.binned_identifier_taken = false));
    bench.new_connectwise("a").await;
}

#[tokio::test]
async fn a_company_in_use_refuses_to_be_deleted_and_says_by_whom() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let usages = format!("{}/usages", company(id));
    assert_eq!(bench.cw_get(&usages, &[]).await.1, json!([]));
    for name in ["Ann", "Ben"] {
        bench.cw(Method::POST, "/company/contacts", json!({"firstName": name, "company": {"id": id}})).await;
    }
    let (_, counts) = bench.cw_get(&usages, &[]).await;
    assert_eq!((&counts[0]["type"], &counts[0]["count"]), (&json!("Contact"), &json!(2)));
    assert_eq!(ids(&bench.cw_get(&format!("{usages}/list"), &[]).await.1).len(), 2);
    assert_eq!(bench.cw(Method::DELETE, &company(id), json!({})).await.0, 409);
    bench.running.control.set_behaviour(behave(|b| b.delete_refuses_used = false));
    assert_eq!(bench.cw(Method::DELETE, &company(id), json!({})).await.0, 204);
}

#[tokio::test]
async fn a_merge_moves_the_children_and_leaves_the_source_as_switched() {
    for (rule, status) in [(MergedCompany::Binned, 200), (MergedCompany::Gone, 404)] {
        let bench = Bench::empty().await;
        bench.running.control.set_behaviour(behave(|b| b.merged_company = rule));
        let (from, to) = (bench.new_connectwise("FROM").await, bench.new_connectwise("TO").await);
        let (_, ann) =
            bench.cw(Method::POST, "/company/contacts", json!({"firstName": "Ann", "company": {"id": from}})).await;
        bench.cw(Method::POST, &format!("{}/notes", company(from)), json!({"text": "Old"})).await;
        let (_, ticket) =
            bench.cw(Method::POST, "/service/tickets", json!({"summary": "T", "company": {"id": from}})).await;
        let body = json!({"toCompanyId": to, "phone": "From", "identifier": "From", "contacts": "Merge", "notes": "Discard", "sites": "Merge"});
        let (done, _) = bench.cw(Method::POST, &format!("{}/merge", company(from)), body).await;
        assert_eq!(done, 200);
        assert_eq!(bench.cw_get(&company(from), &[]).await.0, status, "{rule:?}");
        assert_eq!(ids(&bench.cw_get("/company/companies", &[]).await.1).len(), if status == 200 { 2 } else { 1 });
        let path = format!("/company/contacts/{}", ann["id"]);
        assert_eq!(bench.cw_get(&path, &[]).await.1["company"]["id"], to);
        assert_eq!(bench.cw_get(&format!("/service/tickets/{}", ticket["id"]), &[]).await.1["company"]["id"], to);
        assert_eq!(bench.cw_get(&format!("{}/notes", company(to)), &[]).await.1, json!([]));
        let (_, sites) =
            bench.cw_get(&format!("{}/sites", company(to)), &[("conditions", "primaryAddressFlag = true")]).await;
        assert_eq!(ids(&sites).len(), 1);
        assert_eq!(bench.cw_get(&company(to), &[]).await.1["identifier"], "TO", "the identifier is never taken over");
    }
}

#[tokio::test]
async fn a_put_of_what_a_get_showed_goes_through_where_the_tenant_is_kinder_than_was_seen() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let contact = json!({"firstName": "Ann", "company": {"id": id}, "typeIds": [1, 2],
        "communicationItems": [{"type": {"id": 1}, "value": "ann@example.com", "defaultFlag": true}]});
    let (_, contact) = bench.cw(Method::POST, "/company/contacts", contact).await;
    for (path, change, field) in [
        (company(id), json!("https://a.example"), "website"),
        (format!("/company/contacts/{}", contact["id"]), json!("Owner"), "title"),
    ] {
        let (_, mut whole) = bench.cw_get(&path, &[]).await;
        let put = async |body: Value| bench.cw(Method::PUT, &path, body).await;
        assert_eq!(put(whole.clone()).await.0, 400, "{path}: as was seen");
        bench.running.control.set_behaviour(crate::behave(|b| b.put_takes_what_get_shows = true));
        whole[field] = change;
        let (status, mut shown) = put(whole.clone()).await;
        assert_eq!(status, 200, "{path}: {shown}");
        for one in [&mut shown, &mut whole] {
            one.as_object_mut().unwrap().remove("_info");
        }
        assert_eq!(shown, whole, "{path}");
        whole["types"] = json!([{"id": 3}]);
        let (status, body) = put(whole).await;
        let said = body["errors"][0]["message"].as_str().unwrap();
        assert!(status == 400 && said.starts_with("typeIds can only be used when creating"), "{path}: {body}");
        bench.running.control.set_behaviour(crate::behave(|_| {}));
    }
}

#[tokio::test]
async fn a_put_without_a_field_clears_it_and_with_types_fails() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    patched(&bench, &company(id), json!([{"op": "replace", "path": "website", "value": "a.example"}, {"op": "replace", "path": "leadFlag", "value": true}])).await;
    let (_, mut whole) = bench.cw_get(&company(id), &[]).await;
    let (status, body) = bench.cw(Method::PUT, &company(id), whole.clone()).await;
    assert_eq!(
        (status, &body["errors"][0]["message"]),
        (400, &json!("typeIds can only be used when creating a new company."))
    );
    let map = whole.as_object_mut().unwrap();
    for name in ["types", "website", "leadFlag"] {
        map.remove(name);
    }
    let (status, body) = bench.cw(Method::PUT, &company(id), whole).await;
    assert_eq!(
        (status, body.get("website"), &body["leadFlag"], ids(&body["types"]).len()),
        (200, None, &json!(false), 1)
    );
}

#[tokio::test]
async fn captions_of_legacy_fields_and_id_generation_are_settings_of_the_tenant() {
    let bench = Bench::empty().await;
    let (_, crm) = bench.cw_get("/system/myCompany/crm", &[]).await;
    assert_eq!(
        (&crm["field1Caption"], &crm["companyIdGenerationFlag"], &crm["excludeSpacesFlag"]),
        (&json!("Account Code"), &json!(false), &json!(false))
    );
    let id = bench.new_connectwise("A").await;
    let (status, body) = patched(&bench, &company(id), set("userDefinedField1", json!("x".repeat(51)))).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("MaxLengthField")));
}

#[tokio::test]
async fn the_default_company_catches_what_belongs_to_nobody() {
    let bench = Bench::story().await;
    let (_, found) = bench.cw_get("/company/companies/default", &[]).await;
    assert_eq!(found["id"], CATCHALL_COMPANY);
    assert_eq!(bench.cw_get(&company(OWN_COMPANY), &[]).await.1["identifier"], "YourCompany");
    assert_eq!(Bench::empty().await.cw_get("/company/companies/default", &[]).await.0, 404);
}

#[tokio::test]
async fn definitions_of_user_defined_fields_name_their_screen_and_are_named_otherwise_than_values() {
    let bench = Bench::empty().await;
    let (_, rows) = bench
        .cw_get("/system/userDefinedFields", &[("pageSize", "1000"), ("conditions", "screenId = \"ct300\"")])
        .await;
    assert_eq!(ids(&rows), ["41", "42", "43", "44"]);
    assert_eq!(
        (&rows[0]["podDescription"], &rows[0]["fieldTypeIdentifier"], rows[0]["podId"].is_u64()),
        (&json!("Contact Overview"), &json!("Number"), true)
    );
    let id = bench.new_connectwise("A").await;
    let (_, seen) = bench.cw_get(&company(id), &[]).await;
    assert_eq!(ids(&seen["customFields"]).len(), 6, "all of the screen, null ones too");
    assert_eq!((&seen["customFields"][0]["type"], &seen["customFields"][0]["value"]), (&json!("Text"), &Value::Null));
    let (_, all) = bench.cw_get("/system/userDefinedFields", &[("pageSize", "1000")]).await;
    let vip = all.as_array().unwrap().iter().filter(|row| row["caption"] == "VIP").count();
    assert_eq!(vip, 2, "a caption is no key");
}

#[tokio::test]
async fn user_defined_fields_can_be_wanted_whole_always_or_at_birth() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let partial = set("customFields", json!([{"id": 31, "value": "7"}]));
    assert_eq!(patched(&bench, &company(id), partial.clone()).await.0, 400);
    let (_, seen) = bench.cw_get(&company(id), &[]).await;
    assert_eq!(patched(&bench, &company(id), set("customFields", seen["customFields"].clone())).await.0, 200);
    bench.running.control.set_behaviour(behave(|b| (b.custom_fields_whole, b.custom_fields_always) = (false, true)));
    let (status, body) = patched(&bench, &company(id), set("city", json!("Salem"))).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("customFields")));
    assert_eq!(patched(&bench, &company(id), partial).await.0, 200);
    bench.running.control.set_behaviour(behave(|b| b.required_custom_fields = vec![32]));
    let body = json!({"identifier": "B", "name": "B", "site": {"name": "Main"}});
    let (status, refused) = bench.cw(Method::POST, "/company/companies", body).await;
    assert_eq!((status, &refused["errors"][0]["message"]), (400, &json!("The Support Tier field is required.")));
    assert_eq!(bench.cw_get("/system/userDefinedFields/32", &[]).await.1["requiredFlag"], true);
    let body = json!({"identifier": "B", "name": "B", "site": {"name": "Main"}, "customFields": [{"id": 32, "value": "Gold"}]});
    assert_eq!(bench.cw(Method::POST, "/company/companies", body).await.0, 201);
}

#[tokio::test]
async fn a_part_that_changes_moves_its_company_only_where_it_is_switched_on() {
    let bench = Bench::with(Options { standing_at_ms: Some(1_780_000_000_000), ..Options::quick(Data::Empty) }).await;
    let id = bench.new_connectwise("A").await;
    let stamp = async || bench.cw_get(&company(id), &[]).await.1["_info"]["lastUpdated"].clone();
    let before = stamp().await;
    bench.running.control.advance(Duration::from_secs(60));
    bench.cw(Method::POST, &format!("{}/notes", company(id)), json!({"text": "A"})).await;
    assert_eq!(stamp().await, before);
    bench.running.control.set_behaviour(behave(|b| b.child_touches_parent = true));
    bench.cw(Method::POST, &format!("{}/notes", company(id)), json!({"text": "B"})).await;
    assert_ne!(stamp().await, before);
    let told = bench.running.control.ledger(0);
    let note = told.iter().rev().find(|m| m.fields.keys().any(|k| k.starts_with("notes/"))).unwrap();
    assert_eq!(
        (note.side, note.object, note.id),
        (Side::ConnectWise, Object::Company, id),
        "the ledger tells it as the company's"
    );
}

#[tokio::test]
async fn an_old_record_that_breaks_todays_rules_fails_every_patch() {
    let bench = Bench::story().await;
    let (_, list) = bench.cw_get("/company/companies", &[("conditions", "yearEstablished = 0")]).await;
    let id = list[0]["id"].as_u64().unwrap();
    let (status, body) = patched(&bench, &company(id), set("city", json!("Salem"))).await;
    assert_eq!(
        (status, &body["errors"][0]["message"]),
        (400, &json!("The field yearEstablished must be between 1900 and 9999."))
    );
    let refused =
        bench.running.control.edit(Side::ConnectWise, Object::Company, id, &fields(json!({"city": "Salem"})), None);
    assert!(refused.is_err(), "for people as well");
    let (_, mut whole) = bench.cw_get(&company(id), &[]).await;
    let map = whole.as_object_mut().unwrap();
    map.remove("types");
    map.remove("yearEstablished");
    map.insert("city".to_owned(), json!("Salem"));
    assert_eq!(bench.cw(Method::PUT, &company(id), whole).await.0, 200, "a cleaned copy goes through");
}

#[tokio::test]
async fn an_identifier_is_of_plain_characters_and_minds_its_case_as_switched() {
    let bench = Bench::empty().await;
    let create = async |identifier: &str| {
        let body = json!({"identifier": identifier, "name": "A", "site": {"name": "Main"}});
        let (status, body) = bench.cw(Method::POST, "/company/companies", body).await;
        (status, body["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
    };
    let made = (201, String::new());
    assert_eq!(create("Acme 24").await, made);
    for odd in ["Acme-24", "Müller", "A&B", "A/B"] {
        assert_eq!(create(odd).await, (400, "InvalidField".to_owned()), "{odd}");
    }
    assert_eq!(create("ACME 24").await, (400, "ObjectExists".to_owned()));
    bench.running.control.set_behaviour(behave(|b| (b.identifiers_plain, b.identifiers_fold_case) = (false, false)));
    assert_eq!(create("Acme-24").await, made);
    assert_eq!(create("ACME 24").await, made);
    assert_eq!(create("Acme 24").await, (400, "ObjectExists".to_owned()), "the very same one is taken");
    let (_, found) = bench.cw_get("/company/companies", &[("conditions", "identifier = \"acme 24\"")]).await;
    assert_eq!(ids(&found).len(), 2, "conditions mind no case");
}

#[tokio::test]
async fn a_tenant_can_make_its_identifiers_itself_and_without_spaces() {
    let bench = Bench::empty().await;
    let create = async |identifier: &str| {
        let body = json!({"identifier": identifier, "name": "Acme & Sons", "site": {"name": "Main"}});
        bench.cw(Method::POST, "/company/companies", body).await
    };
    bench.running.control.set_behaviour(behave(|b| b.identifiers_generated = true));
    let (_, crm) = bench.cw_get("/system/myCompany/crm", &[]).await;
    assert_eq!((&crm["companyIdGenerationFlag"], &crm["excludeSpacesFlag"]), (&json!(true), &json!(false)));
    assert_eq!(create("MINE").await.1["identifier"], "Acme  Sons");
    assert_eq!(create("MINE").await.1["identifier"], "Acme  Sons2");
    bench
        .running
        .control
        .set_behaviour(behave(|b| (b.identifiers_generated, b.identifiers_without_spaces) = (true, true)));
    assert_eq!(create("MINE").await.1["identifier"], "AcmeSons");
    bench.running.control.set_behaviour(behave(|b| b.identifiers_without_spaces = true));
    let (status, body) = create("MY OWN").await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("identifier")));
    assert_eq!(create("MYOWN").await.0, 201);
}
