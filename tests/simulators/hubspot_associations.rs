//! HubSpot's associations: types and directions, primary companies, labels, pages, batches, and what they do to records.

use std::time::Duration;

use lockstep::sim::HubSpotBehaviour;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, hubspot};

const START: i64 = 1_780_000_000_000;

impl Bench {
    async fn contact(&self, name: &str) -> String {
        let body = json!({"properties": {"email": format!("{name}@tin.example.com")}});
        self.hs(Method::POST, "/crm/v3/objects/contacts", body).await.1["id"].as_str().unwrap().to_owned()
    }

    async fn tie(&self, path: &str) -> (u16, Value) {
        answer_of(self, Method::PUT, &format!("/crm/v4/objects/{path}"), json!(null)).await
    }

    /// The type ids of each record that `from` is associated with.
    async fn ties(&self, from: &str, to: &str) -> Vec<(String, Vec<u64>)> {
        let (status, body) = self.hs_get(&format!("/crm/v4/objects/{from}/associations/{to}")).await;
        assert_eq!(status, 200, "{body}");
        let types = |row: &Value| {
            row["associationTypes"].as_array().unwrap().iter().map(|t| t["typeId"].as_u64().unwrap()).collect()
        };
        body["results"].as_array().unwrap().iter().map(|row| (row["toObjectId"].to_string(), types(row))).collect()
    }
}

async fn answer_of(bench: &Bench, method: Method, path: &str, body: Value) -> (u16, Value) {
    bench.hs(method, path, body).await
}

fn types(id: u64) -> Value {
    json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id}])
}

#[tokio::test]
async fn the_first_company_becomes_primary_and_primary_moves() {
    let bench = Bench::empty().await;
    let contact = bench.contact("ada").await;
    let (a, b) = (bench.new_hubspot(json!({"name": "A"})).await, bench.new_hubspot(json!({"name": "B"})).await);
    let (status, body) = bench.tie(&format!("contact/{contact}/associations/default/company/{a}")).await;
    assert_eq!((status, body["results"].as_array().unwrap().len()), (200, 2), "{body}");
    let specs: Vec<&Value> =
        body["results"].as_array().unwrap().iter().map(|r| &r["associationSpec"]["associationTypeId"]).collect();
    assert_eq!(specs, [&json!(279), &json!(280)]);
    bench.tie(&format!("contacts/{contact}/associations/default/companies/{b}")).await;
    let from = format!("contacts/{contact}");
    assert_eq!(bench.ties(&from, "companies").await, [(a.clone(), vec![1, 279]), (b.clone(), vec![279])]);
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{b}");
    let (status, body) = bench.hs(Method::PUT, &path, types(1)).await;
    assert_eq!((status, &body["labels"], &body["fromObjectTypeId"]), (201, &json!(["Primary"]), &json!("0-1")));
    assert_eq!(bench.ties(&from, "companies").await, [(a.clone(), vec![279]), (b.clone(), vec![1, 279])]);
    assert_eq!(bench.ties(&format!("companies/{b}"), "contacts").await, [(contact.clone(), vec![2, 280])]);
    let (_, mirror) = bench.hs_get(&format!("/crm/v3/objects/contacts/{contact}?properties=associatedcompanyid")).await;
    assert_eq!(mirror["properties"]["associatedcompanyid"], json!(b));
}

#[tokio::test]
async fn the_type_must_fit_the_direction_and_both_ends_must_exist() {
    let bench = Bench::empty().await;
    let contact = bench.contact("ada").await;
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{company}");
    let (status, body) = bench.hs(Method::PUT, &path, types(280)).await;
    assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")));
    assert_eq!(body["message"], "invalid from object type 0-1 for associations to be created. expected: 0-2");
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/99");
    let (status, body) = bench.hs(Method::PUT, &path, types(279)).await;
    assert_eq!((status, &body["message"]), (400, &json!("One or more associations are invalid")));
    assert!(body["context"]["INVALID_OBJECT_IDS"].is_array());
    assert!(bench.ties(&format!("contacts/{contact}"), "companies").await.is_empty());
}

#[tokio::test]
async fn labels_are_replaced_and_the_plain_type_stays() {
    let bench = Bench::empty().await;
    let contact = bench.contact("ada").await;
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{company}");
    bench.hs(Method::PUT, &path, types(931)).await;
    let from = format!("contacts/{contact}");
    assert_eq!(bench.ties(&from, "companies").await, [(company.clone(), vec![1, 279, 931])]);
    let define = json!({"label": "Reseller", "name": "reseller", "inverseLabel": "Resold by"});
    let (status, made) = bench.hs(Method::POST, "/crm/v4/associations/contacts/companies/labels", define).await;
    assert_eq!(status, 201, "{made}");
    let own = made["results"][0]["typeId"].as_u64().unwrap();
    let spec = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": own}]);
    assert_eq!(bench.hs(Method::PUT, &path, spec).await.0, 201);
    assert_eq!(bench.ties(&from, "companies").await, [(company.clone(), vec![1, 279, own])]);
    let (_, labels) = bench.hs_get("/crm/associations/2026-09/0-1/0-2/labels").await;
    let known: Vec<u64> = labels["results"].as_array().unwrap().iter().map(|t| t["typeId"].as_u64().unwrap()).collect();
    assert_eq!(known, [1, 279, 931, own]);
    assert_eq!(bench.hs(Method::DELETE, &path, json!(null)).await.0, 204);
    assert!(bench.ties(&from, "companies").await.is_empty());
}

#[tokio::test]
async fn a_label_of_the_portal_is_renamed_and_deleted_and_one_of_hubspot_is_not() {
    const LABELS: &str = "/crm/v4/associations/contacts/companies/labels";
    let bench = Bench::empty().await;
    let contact = bench.contact("ada").await;
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let (_, made) = bench.hs(Method::POST, LABELS, json!({"label": "Reseller", "name": "reseller"})).await;
    let (own, back) = (made["results"][0]["typeId"].clone(), made["results"][1]["typeId"].as_u64().unwrap());
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{company}");
    let labelled = async || {
        let spec = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": own}]);
        bench.hs(Method::PUT, &path, spec).await
    };
    let rename = async |id: &Value, label: &str| {
        bench.hs(Method::PUT, LABELS, json!({"associationTypeId": id, "label": label})).await.0
    };
    let texts = async |of: &str| {
        let (_, all) = bench.hs_get(&format!("/crm/v4/associations/{of}/labels")).await;
        let all = all["results"].as_array().unwrap().iter().filter_map(|t| t["label"].as_str().map(str::to_owned));
        all.collect::<Vec<String>>()
    };
    assert_eq!(rename(&own, "Partner").await, 204);
    assert_eq!(labelled().await.1["labels"], json!(["Partner"]));
    assert!(texts("companies/contacts").await.contains(&"Partner".to_owned()), "one text in both directions");
    let primary = texts("contacts/companies").await[0].clone();
    assert_eq!((rename(&own, &primary).await, rename(&own, " ").await), (400, 400));
    assert_eq!((rename(&json!(1), "Mine").await, rename(&json!(9999), "Mine").await), (400, 404));
    assert_eq!(rename(&json!(back), "Mine").await, 404, "that one is of the other direction");

    let delete = async |id: &str| bench.hs(Method::DELETE, &format!("{LABELS}/{id}"), json!(null)).await.0;
    assert_eq!((delete("1").await, delete("9999").await, delete("x").await), (400, 404, 404));
    assert_eq!(delete(&own.to_string()).await, 204);
    assert!(!texts("contacts/companies").await.contains(&"Partner".to_owned()));
    assert!(!texts("companies/contacts").await.contains(&"Partner".to_owned()));
    assert_eq!(bench.ties(&format!("contacts/{contact}"), "companies").await, [(company.clone(), vec![1, 279])]);
    assert_eq!(labelled().await.0, 400, "nobody knows it any more");
}

#[tokio::test]
async fn status_codes_of_batches_differ_between_versions() {
    let bench = Bench::empty().await;
    let deal = json!({"properties": {"dealname": "D", "dealstage": "qualifiedtobuy"}});
    let deal = bench.hs(Method::POST, "/crm/v3/objects/deals", deal).await.1["id"].as_str().unwrap().to_owned();
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let create = json!({"inputs": [{"from": {"id": deal}, "to": {"id": company}, "types": types(341)}]});
    let archive = json!({"inputs": [{"from": {"id": deal}, "to": [{"id": company}]}]});
    for (family, created, archived) in [
        ("/crm/v4/associations/deals/companies", 201, 204),
        ("/crm/associations/2026-03/deals/companies", 201, 200),
        ("/crm/associations/2026-09/0-3/0-2", 200, 200),
    ] {
        let (status, body) = bench.hs(Method::POST, &format!("{family}/batch/create"), create.clone()).await;
        assert_eq!((status, &body["status"]), (created, &json!("COMPLETE")), "{family}");
        let (_, mirror) =
            bench.hs_get(&format!("/crm/v3/objects/deals/{deal}?properties=hs_primary_associated_company")).await;
        assert_eq!(mirror["properties"]["hs_primary_associated_company"], json!(company), "{family}");
        let (status, body) = bench.hs(Method::POST, &format!("{family}/batch/archive"), archive.clone()).await;
        assert_eq!((status, body["status"].is_string()), (archived, archived == 200), "{family}");
        assert!(bench.ties(&format!("deals/{deal}"), "companies").await.is_empty());
    }
}

#[tokio::test]
async fn reading_the_associations_of_nobody_is_a_207() {
    let bench = Bench::empty().await;
    let (a, b) = (bench.contact("a").await, bench.contact("b").await);
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let inputs = json!({"inputs": [{"from": {"id": a}, "to": {"id": company}}]});
    let (status, body) =
        bench.hs(Method::POST, "/crm/v4/associations/contacts/companies/batch/associate/default", inputs).await;
    assert_eq!(status, 200, "{body}");
    let read = json!({"inputs": [{"id": a}, {"id": b}]});
    let (status, body) = bench.hs(Method::POST, "/crm/v4/associations/contacts/companies/batch/read", read).await;
    assert_eq!((status, &body["numErrors"]), (207, &json!(1)));
    assert_eq!(body["errors"][0]["subCategory"], "crm.associations.NO_ASSOCIATIONS_FOUND");
    assert_eq!(body["results"][0]["from"]["id"], json!(a));
    assert_eq!(body["results"][0]["to"][0]["toObjectId"].to_string(), company);
    let many: Vec<Value> = (0..1_001).map(|n| json!({"id": n.to_string()})).collect();
    let path = "/crm/v4/associations/contacts/companies/batch/read";
    assert_eq!(bench.hs(Method::POST, path, json!({ "inputs": many })).await.0, 400);
}

#[tokio::test]
async fn associations_are_read_in_pages() {
    let bench = Bench::empty().await;
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let mut contacts = Vec::new();
    for n in 0..5 {
        let contact = bench.contact(&format!("c{n}")).await;
        bench.tie(&format!("contacts/{contact}/associations/default/companies/{company}")).await;
        contacts.push(contact);
    }
    let path = format!("/crm/objects/2026-09/companies/{company}/associations/contacts?limit=3");
    let (_, first) = bench.hs_get(&path).await;
    let after = first["paging"]["next"]["after"].as_str().unwrap();
    assert_eq!((first["results"].as_array().unwrap().len(), after), (3, contacts[3].as_str()));
    let (_, rest) = bench.hs_get(&format!("{path}&after={after}")).await;
    assert_eq!((rest["results"].as_array().unwrap().len(), rest.get("paging")), (2, None));
    let (_, count) =
        bench.hs_get(&format!("/crm/v3/objects/companies/{company}?properties=num_associated_contacts")).await;
    assert_eq!(count["properties"]["num_associated_contacts"], "5");
    assert_eq!(
        bench.hs_get(&format!("/crm/v4/objects/companies/{company}/associations/contacts?limit=501")).await.0,
        400
    );
}

#[tokio::test]
async fn a_read_with_associations_tells_a_pair_once_per_type() {
    let bench = Bench::empty().await;
    let contact = bench.contact("ada").await;
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    bench.tie(&format!("contacts/{contact}/associations/default/companies/{company}")).await;
    let (_, body) = bench.hs_get(&format!("/crm/v3/objects/contacts/{contact}?associations=companies,deals")).await;
    assert_eq!(
        body["associations"],
        json!({"companies": {"results": [
            {"id": company, "type": "contact_to_company"}, {"id": company, "type": "contact_to_company_unlabeled"},
        ]}})
    );
}

#[tokio::test]
async fn a_new_record_brings_its_associations_and_a_change_cannot() {
    let bench = Bench::empty().await;
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let contact = bench.contact("ada").await;
    let note = json!({"properties": {"hs_timestamp": "2026-05-01T10:00:00Z", "hs_note_body": "x"}, "associations": [
        {"to": {"id": company}, "types": types(190)}, {"to": {"id": contact}, "types": types(202)},
    ]});
    let (status, body) = bench.hs(Method::POST, "/crm/objects/2026-09/notes", note).await;
    assert_eq!(status, 201, "{body}");
    let id = body["id"].as_str().unwrap();
    assert_eq!(bench.ties(&format!("notes/{id}"), "companies").await, [(company.clone(), vec![190])]);
    assert_eq!(bench.ties(&format!("contacts/{contact}"), "notes").await, [(id.to_owned(), vec![201])]);
    let wrong = json!({"properties": {"hs_timestamp": "1780000000000"}, "associations": [{"to": {"id": company}, "types": types(189)}]});
    assert_eq!(bench.hs(Method::POST, "/crm/objects/2026-09/notes", wrong).await.0, 400, "189 is the other direction");
    let (_, list) = bench.hs_get("/crm/objects/2026-09/notes").await;
    assert_eq!(list["results"].as_array().unwrap().len(), 1, "nothing was made of the refused one");
    let change = json!({"properties": {}, "associations": [{"to": {"id": contact}, "types": types(202)}]});
    assert_eq!(bench.hs(Method::PATCH, &format!("/crm/objects/2026-09/notes/{id}"), change).await.0, 400);
}

#[tokio::test]
async fn an_association_moves_the_last_change_of_both_and_a_label_alone_does_not() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), START).await;
    let contact = bench.contact("ada").await;
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let changed = async |path: &str| bench.hs_get(&format!("/crm/v3/objects/{path}")).await.1["updatedAt"].clone();
    let (c, o) = (format!("contacts/{contact}"), format!("companies/{company}"));
    bench.running.control.advance(Duration::from_secs(1));
    bench.tie(&format!("contacts/{contact}/associations/default/companies/{company}")).await;
    assert_eq!((changed(&c).await, changed(&o).await), (json!("2026-05-28T20:26:41Z"), json!("2026-05-28T20:26:41Z")));
    bench.running.control.advance(Duration::from_secs(1));
    bench.hs(Method::PUT, &format!("/crm/v4/objects/{c}/associations/{o}"), types(931)).await;
    assert_eq!(changed(&c).await, "2026-05-28T20:26:41Z");
}

#[tokio::test]
async fn a_merge_joins_associations_and_the_survivor_has_one_primary_company() {
    let bench = Bench::empty().await;
    let (ada, bob) = (bench.contact("ada").await, bench.contact("bob").await);
    let (a, b) = (bench.new_hubspot(json!({"name": "A"})).await, bench.new_hubspot(json!({"name": "B"})).await);
    bench.tie(&format!("contacts/{ada}/associations/default/companies/{a}")).await;
    bench.tie(&format!("contacts/{bob}/associations/default/companies/{b}")).await;
    let merge = json!({"primaryObjectId": ada, "objectIdToMerge": bob});
    let (_, merged) = bench.hs(Method::POST, "/crm/v3/objects/contacts/merge", merge).await;
    let survivor = merged["id"].as_str().unwrap();
    assert_eq!(bench.ties(&format!("contacts/{survivor}"), "companies").await, [(a, vec![1, 279]), (b, vec![279])]);
}

#[tokio::test]
async fn parents_children_and_line_items_are_counted() {
    let bench = Bench::empty().await;
    let (a, b) = (bench.new_hubspot(json!({"name": "A"})).await, bench.new_hubspot(json!({"name": "B"})).await);
    let path = format!("/crm/v4/objects/companies/{a}/associations/companies/{b}");
    assert_eq!(bench.hs(Method::PUT, &path, types(13)).await.0, 201);
    let read = async |id: &str| {
        bench
            .hs_get(&format!("/crm/v3/objects/companies/{id}?properties=hs_parent_company_id,hs_num_child_companies"))
            .await
            .1
    };
    assert_eq!(read(&a).await["properties"]["hs_num_child_companies"], "1");
    assert_eq!(read(&b).await["properties"]["hs_parent_company_id"], json!(a));
    let deal = json!({"properties": {"dealname": "D", "dealstage": "qualifiedtobuy"}});
    let deal = bench.hs(Method::POST, "/crm/v3/objects/deals", deal).await.1["id"].as_str().unwrap().to_owned();
    let item =
        json!({"properties": {"name": "I", "price": "1"}, "associations": [{"to": {"id": deal}, "types": types(20)}]});
    assert_eq!(bench.hs(Method::POST, "/crm/v3/objects/line_items", item).await.0, 201);
    let (_, body) =
        bench.hs_get(&format!("/crm/v3/objects/deals/{deal}?properties=hs_num_of_associated_line_items")).await;
    assert_eq!(body["properties"]["hs_num_of_associated_line_items"], "1");
}

#[tokio::test]
async fn an_administrator_caps_associations() {
    let switches = HubSpotBehaviour { association_cap: Some(1), ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let (a, b) = (bench.contact("a").await, bench.contact("b").await);
    assert_eq!(bench.tie(&format!("contacts/{a}/associations/default/companies/{company}")).await.0, 200);
    assert_eq!(bench.tie(&format!("contacts/{b}/associations/default/companies/{company}")).await.0, 400);
    assert_eq!(
        bench.tie(&format!("contacts/{a}/associations/default/companies/{company}")).await.0,
        200,
        "again is no more"
    );
}

#[tokio::test]
async fn an_association_needs_the_scopes_of_both_sides() {
    let bench = Bench::empty().await;
    let contact = bench.contact("ada").await;
    let mut behaviour = bench.running.control.behaviour();
    behaviour.hubspot.scopes.retain(|scope| scope != "crm.objects.companies.read");
    bench.running.control.set_behaviour(behaviour);
    let (status, body) = bench.hs_get(&format!("/crm/v4/objects/contacts/{contact}/associations/companies")).await;
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
}
