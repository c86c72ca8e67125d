//! What hangs on other records, against the simulated tenant: forecast items of an opportunity, sites of a company.

use lockstep::sim::{Object, Side};

use super::*;

/// The simulated tenant with its story, and people in it.
pub struct Office {
    pub running: Running,
    pub psa: ConnectWise,
}

impl Office {
    pub async fn new(data: Data) -> Self {
        Self::with(sim::Options::quick(data)).await
    }

    pub async fn with(options: sim::Options) -> Self {
        let running = Simulators::start(options).await.unwrap();
        let psa = every_object(&running.connectwise_url, &running.credentials);
        Self { running, psa }
    }

    pub fn create(&self, object: Object, fields: &Json) -> u64 {
        self.running.control.create(Side::ConnectWise, object, fields.as_object().unwrap(), Some("jlind")).unwrap()
    }

    pub fn edit(&self, object: Object, id: u64, fields: &Json) {
        let control = &self.running.control;
        control.edit(Side::ConnectWise, object, id, fields.as_object().unwrap(), Some("jlind")).unwrap();
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.running.control.now_ms())
    }

    pub async fn changed(&self, object: ObjectKind, fields: &[&str], from: Timestamp) -> Vec<Record> {
        let fields = names(fields);
        let body = RequestBody::Changes { fields, from, until: Timestamp::MAX, after: None, limit: 1000 };
        page(ask_of(&self.psa, object, body).await).0
    }

    pub async fn update(&self, object: ObjectKind, id: u64, written: &[(&str, Value)]) -> Record {
        let fields = written.iter().map(|(name, _)| FieldName::new(name)).collect();
        let item = UpdateItem { intent: IntentId(8), id: RecordId(id), values: values(written), stamp: None };
        applied(ask_of(&self.psa, object, RequestBody::Update { fields, items: vec![item] }).await)
    }

    /// A call as an integration of the customer's would make it.
    async fn call(&self, method: reqwest::Method, path: &str, body: Json) -> Json {
        let c = &self.running.credentials;
        let user = format!("{}+{}", c.connectwise_company, c.connectwise_public_key);
        let request = reqwest::Client::new()
            .request(method, format!("{}/v2025_1/apis/3.0{path}", self.running.connectwise_url))
            .basic_auth(user, Some(&c.connectwise_private_key))
            .header("clientId", &c.connectwise_client_id)
            .header("content-type", "application/json")
            .body(if body.is_null() { Vec::new() } else { body.to_string().into_bytes() });
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn sites(&self, company: u64) -> Vec<Json> {
        let all = self.call(reqwest::Method::GET, &format!("/company/companies/{company}/sites"), Json::Null).await;
        all.as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_forecast_item_is_read_listed_found_among_the_changes_and_changed() {
    let office = Office::new(Data::Story).await;
    let (deals, ..) = page(ask_of(&office.psa, ObjectKind::Deal, list(&["name"], None, 1)).await);
    let deal = deals[0].id;
    let fields = ["forecastDescription", "opportunity", "quantity", "revenue", "cost"];
    let item = json!({"opportunity": {"id": deal.0}, "status": {"id": 1}, "forecastType": "Product", "forecastDescription": "Switches",
        "quantity": 4, "revenue": 1200, "cost": 800});
    let id = office.create(Object::LineItem, &item);
    let told = |record: &Record| fields.map(|name| record.value(name).to_plain());
    let expected = ["Switches".to_owned(), deal.to_string(), "4".into(), "1200".into(), "800".into()];

    let AnswerBody::Records { found } =
        ask_of(&office.psa, ObjectKind::LineItem, read(&fields, &[id, 999_999_999])).await
    else {
        panic!("not read")
    };
    assert_eq!(told(found[0].1.as_ref().unwrap()), expected);
    assert_eq!(found[1], (RecordId(999_999_999), None));
    let (listed, last, _) = page(ask_of(&office.psa, ObjectKind::LineItem, list(&fields, Some(deal.0 - 1), 1)).await);
    assert_eq!(listed.iter().find(|one| one.id.0 == id).map(told), Some(expected.clone()));
    assert_eq!(last, Some(deal), "the list goes by opportunities");

    let after = office.update(ObjectKind::LineItem, id, &[("quantity", Value::Number(5.into()))]).await;
    assert_eq!((after.id.0, after.value("quantity").to_plain()), (id, "5".to_owned()));
    // A change of an item need not move its opportunity; one of the opportunity brings its items along.
    office.running.control.advance(std::time::Duration::from_secs(5));
    let from = office.now();
    office.edit(Object::Deal, deal.0, &json!({"name": "Renamed"}));
    let changed = office.changed(ObjectKind::LineItem, &fields, from).await;
    let quantity = changed.iter().find(|one| one.id.0 == id).map(|one| one.value("quantity").to_plain());
    assert_eq!(quantity.as_deref(), Some("5"));
    let others = changed.iter().filter(|one| one.value("opportunity").to_plain() != deal.to_string());
    assert_eq!(others.count(), 0);
}

/// The address of a company is that of its primary site, whichever of the two is written; other sites are left alone.
#[tokio::test]
async fn an_address_reaches_the_primary_site_and_comes_from_it_and_no_other_site_matters() {
    let office = Office::new(Data::Empty).await;
    let company = office.create(Object::Company, &json!({"name": "Acme", "identifier": "ACME", "city": "Ulm"}));
    let sites = format!("/company/companies/{company}/sites");
    let branch = json!({"name": "Branch", "city": "Kiel", "zip": "24103"});
    let branch = office.call(reqwest::Method::POST, &sites, branch).await["id"].as_u64().unwrap();

    let fields = ["addressLine1", "city", "zip"];
    let written = [("addressLine1", text("1 Main Street")), ("city", text("Bonn")), ("zip", text("53111"))];
    office.update(ObjectKind::Company, company, &written).await;
    let held = office.sites(company).await;
    let address = |site: &Json| fields.map(|name| site[name].as_str().unwrap_or_default().to_owned());
    let primary = held.iter().find(|site| site["primaryAddressFlag"] == true).unwrap();
    assert_eq!(address(primary), ["1 Main Street", "Bonn", "53111"]);
    let other = held.iter().find(|site| site["id"] == branch).unwrap();
    assert_eq!(address(other), ["", "Kiel", "24103"], "another site is nobody's address");

    office.running.control.advance(std::time::Duration::from_secs(5));
    let from = office.now();
    let set = |city: &str| json!([{"op": "replace", "path": "city", "value": city}]);
    office.call(reqwest::Method::PATCH, &format!("{sites}/{branch}"), set("Hamburg")).await;
    assert_eq!(ids(&office.changed(ObjectKind::Company, &fields, from).await), Vec::<u64>::new());
    office.call(reqwest::Method::PATCH, &format!("{sites}/{}", primary["id"]), set("Mainz")).await;
    let changed = office.changed(ObjectKind::Company, &fields, from).await;
    assert_eq!(changed.iter().map(|one| one.value("city").to_plain()).collect::<Vec<_>>(), ["Mainz"]);
    // Another site becomes the primary one: the company moves there.
    let flag = json!([{"op": "replace", "path": "primaryAddressFlag", "value": true}]);
    office.call(reqwest::Method::PATCH, &format!("{sites}/{branch}"), flag).await;
    let changed = office.changed(ObjectKind::Company, &fields, from).await;
    assert_eq!(fields.map(|name| changed[0].value(name).to_plain()), ["", "Hamburg", "24103"]);
}
