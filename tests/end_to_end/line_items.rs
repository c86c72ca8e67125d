//! Line items: forecast items of an opportunity that go to its deal in HubSpot, and never back.

use super::deals::Customer;
use super::*;

const fn line(system: System, id: u64) -> RecordRef {
    RecordRef::new(ObjectKind::LineItem, system, RecordId(id))
}

async fn bench() -> Bench {
    with(|_| {}).await
}

async fn with(change: impl FnOnce(&mut Config)) -> Bench {
    let add = |config: &mut Config| {
        let deal = defaults::deal(lockstep::sim::DEAL_KEY_FIELD.into());
        config.objects.extend([deal, defaults::product(), defaults::line_item()]);
        change(config);
    };
    Bench::with(Data::Empty, add).await
}

/// Everything is read anew in every run: ConnectWise does not tell that a forecast changed.
fn sweep_each_run(config: &mut Config) {
    config.timing.sweep = 0;
}

impl Bench {
    /// A forecast item of that opportunity.
    pub(super) fn forecast_item(&self, opportunity: u64, description: &str, more: &[(&str, Json)]) -> u64 {
        let mut fields = map(&[
            ("opportunity", json!({ "id": opportunity })),
            ("status", json!({"id": 1})),
            ("forecastType", json!("Product")),
            ("forecastDescription", json!(description)),
            ("quantity", json!(4)),
            ("revenue", json!(50)),
            ("cost", json!(32)),
        ]);
        fields.extend(map(more));
        self.running.control.create(CONNECTWISE, Object::LineItem, &fields, None).unwrap()
    }

    fn edit_item(&self, side: Side, id: u64, fields: &[(&str, Json)]) {
        self.running.control.edit(side, Object::LineItem, id, &map(fields), None).unwrap();
    }

    fn remove_item(&self, id: u64) {
        self.running.control.delete(CONNECTWISE, Object::LineItem, id).unwrap();
    }

    /// Somebody does something to an opportunity: whatever its forecast says is looked at.
    fn touch(&self, opportunity: u64) {
        let order = format!("PO {}", self.now());
        self.running
            .control
            .edit(CONNECTWISE, Object::Deal, opportunity, &map(&[("customerPO", json!(order))]), None)
            .unwrap();
    }

    fn line_of(&self, item: u64) -> u64 {
        let (there, state) = self.partner(line(System::ConnectWise, item)).unwrap();
        assert_eq!(state, LinkState::Active);
        there
    }

    fn line_value(&self, id: u64, field: &str) -> Json {
        self.running.control.record(HUBSPOT, Object::LineItem, id).unwrap()[field].clone()
    }

    fn line_items(&self) -> usize {
        self.running.control.records(HUBSPOT, Object::LineItem, 0, 1000).len()
    }

    /// The deals that HubSpot shows a line item in.
    async fn deals_of(&self, id: u64) -> Vec<String> {
        let path = format!("/crm/v4/objects/line_items/{id}/associations/deals");
        let answer: Json = self.hubspot_call(reqwest::Method::GET, &path, None).await.json().await.unwrap();
        let results = answer["results"].as_array().unwrap();
        results.iter().map(|one| one["toObjectId"].to_string().trim_matches('"').to_owned()).collect()
    }

    pub(super) fn hubspot_line(&self, deal: u64, fields: &[(&str, Json)]) -> u64 {
        let id = self.running.control.create(HUBSPOT, Object::LineItem, &map(fields), None).unwrap();
        self.running.control.associate(HUBSPOT, (Object::LineItem, id), (Object::Deal, deal), false, None).unwrap();
        id
    }

    /// A deal in step with its opportunity.
    async fn sale(&self) -> (Customer, u64, u64) {
        let customer = self.customer("Acme").await;
        let deal = self.hubspot_deal(&customer, "Network", &[("amount", json!("1000"))]);
        self.settle().await;
        let of = RecordRef::new(ObjectKind::Deal, System::HubSpot, RecordId(deal));
        let opportunity = self.partner(of).unwrap().0;
        (customer, deal, opportunity)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forecast_item_becomes_a_line_item_of_its_deal_with_product_and_unit_price_and_comes_to_rest() {
    let bench = bench().await;
    let (_, deal, opportunity) = bench.sale().await;
    let product = bench.catalog_item("NG-FW40", &[]);
    let item =
        bench.forecast_item(opportunity, "Firewall for the branch", &[("catalogItem", json!({ "id": product }))]);
    let before = bench.now();
    bench.touch(opportunity);
    bench.settle().await;
    let here = bench.line_of(item);
    let value = |field| bench.line_value(here, field);
    assert_eq!((value("name"), value("quantity")), (json!("Firewall for the branch"), json!("4")));
    assert_eq!((value("price"), value("hs_cost_of_goods_sold")), (json!("12.5"), json!("8")), "of one unit");
    assert_eq!((value("amount"), value("hs_product_id")), (json!("50"), json!(bench.product_of(product).to_string())));
    assert_eq!(value("lockstep_cw_key"), json!(format!("line_item:{item}")));
    assert_eq!(bench.deals_of(here).await, [deal.to_string()]);
    let writes = bench.writes_since(before);
    let of_lines: Vec<_> = writes.iter().filter(|write| write.object == Object::LineItem).collect();
    let verbs: Vec<_> = of_lines.iter().map(|write| write.verb).collect();
    assert_eq!(verbs, [Verb::Create, Verb::Associate], "{of_lines:?}");
    assert_eq!(of_lines[0].at_ms, of_lines[1].at_ms, "made with its deal and product in one call");
    assert_eq!(bench.line_items(), 1, "the amount's own item is none");
    bench.edit_item(CONNECTWISE, item, &[("revenue", json!(60)), ("quantity", json!(5))]);
    bench.touch(opportunity);
    bench.settle().await;
    assert_eq!((bench.line_value(here, "price"), bench.line_value(here, "quantity")), (json!("12"), json!("5")));
    let amount = bench.running.control.record(HUBSPOT, Object::Deal, deal).unwrap()["amount"].clone();
    assert_eq!(amount, "1000", "line items leave the deal's amount as it is");
    let before = bench.now();
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_item_waits_for_its_deal_and_its_product_and_goes_on_by_itself() {
    let bench = bench().await;
    let (customer, ..) = bench.sale().await;
    let company = bench.partner(at(System::HubSpot, customer.company)).unwrap().0;
    let contact = bench.partner(super::contacts::contact(System::HubSpot, customer.contact)).unwrap().0;
    // ConnectWise's status "on hold" stands for no stage: the deal is held.
    let opportunity = bench.opportunity("Phones", &json!(company), contact);
    let product = bench.catalog_item("NG-PH1", &[("description", json!("Phone"))]);
    let item = bench.forecast_item(opportunity, "Phones", &[("catalogItem", json!({ "id": product }))]);
    let fault = Fault::Status { code: 400, body: None, retry_after: None };
    let refuse = |path: &str| FaultRule { count: None, ..FaultRule::once(fault.clone()).on(HUBSPOT).path(path) };
    bench.running.control.inject(refuse("deals/batch/create"));
    bench.running.control.inject(refuse("products/batch/create"));
    bench.settle().await;
    let waiting = bench.status(line(System::ConnectWise, item));
    assert_eq!(waiting.state, RecordState::Waiting, "{}", waiting.why);
    assert!(waiting.why.contains("waits for its deal \"Phones\""), "{}", waiting.why);
    bench.running.control.clear_faults();
    bench.running.control.inject(refuse("products/batch/create"));
    bench.touch(opportunity);
    bench
        .running
        .control
        .edit(CONNECTWISE, Object::Deal, opportunity, &map(&[("name", json!("Phones 2"))]), None)
        .unwrap();
    bench.settle().await;
    let waiting = bench.status(line(System::ConnectWise, item));
    assert_eq!(waiting.state, RecordState::Waiting, "{}", waiting.why);
    assert!(waiting.why.contains("waits for its product \"Phone\""), "{}", waiting.why);
    bench.running.control.clear_faults();
    bench.edit_product(CONNECTWISE, product, &[("price", json!(99))]);
    bench.settle().await;
    let here = bench.line_of(item);
    assert_eq!(bench.line_value(here, "hs_product_id"), bench.product_of(product).to_string());
    assert_eq!(bench.line_items(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_item_of_an_inactive_product_stays_out_and_one_without_a_product_goes() {
    let bench = bench().await;
    let (_, _, opportunity) = bench.sale().await;
    let old = bench.catalog_item("OLD-FAX", &[("inactiveFlag", json!(true))]);
    let out = bench.forecast_item(opportunity, "Fax", &[("catalogItem", json!({ "id": old }))]);
    let plain = bench.forecast_item(opportunity, "Odds and ends", &[("quantity", json!(1))]);
    bench.touch(opportunity);
    bench.settle().await;
    let status = bench.status(line(System::ConnectWise, out));
    assert_eq!(status.state, RecordState::Excluded);
    assert!(status.why.contains("its product") && status.why.contains("is active"), "{}", status.why);
    let here = bench.line_of(plain);
    assert_eq!((bench.line_value(here, "price"), bench.line_items()), (json!("50"), 1));
    bench.edit_product(CONNECTWISE, old, &[("inactiveFlag", json!(false))]);
    bench.settle().await;
    bench.line_of(out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forecast_item_that_was_removed_leaves_its_line_item_and_says_what_to_do() {
    for by_sweep in [false, true] {
        let bench = with(|config| {
            if by_sweep {
                sweep_each_run(config)
            }
        })
        .await;
        let (_, _, opportunity) = bench.sale().await;
        let [kept, removed] = ["Switches", "Cables"].map(|name| bench.forecast_item(opportunity, name, &[]));
        bench.touch(opportunity);
        bench.settle().await;
        let here = bench.line_of(removed);
        bench.remove_item(removed);
        if !by_sweep {
            bench.touch(opportunity);
        }
        let before = bench.now();
        bench.settle().await;
        assert_eq!(bench.writes_since(before), []);
        let gone = bench.status(line(System::HubSpot, here));
        assert_eq!(gone.state, RecordState::Gone);
        assert!(gone.why.contains("delete it in HubSpot if nobody wants it any more"), "{}", gone.why);
        assert_eq!(bench.line_items(), 2, "Lockstep deletes nothing");
        let other = bench.line_of(kept);
        assert_eq!(bench.status(line(System::HubSpot, other)).state, RecordState::InSync);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_items_of_an_opportunity_that_was_deleted_go_with_it() {
    let bench = with(sweep_each_run).await;
    let (_, _, opportunity) = bench.sale().await;
    let item = bench.forecast_item(opportunity, "Switches", &[]);
    bench.settle().await;
    let here = bench.line_of(item);
    bench.running.control.delete(CONNECTWISE, Object::Deal, opportunity).unwrap();
    // the first look misses the opportunity, the next one its items
    bench.settle().await;
    bench.settle().await;
    assert_eq!(bench.status(line(System::HubSpot, here)).state, RecordState::Gone);
    assert_eq!(bench.line_items(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hubspot_changes_of_a_line_item_stays_there_and_its_own_ones_are_left_alone() {
    let bench = bench().await;
    let (_, deal, opportunity) = bench.sale().await;
    let item = bench.forecast_item(opportunity, "Switches", &[]);
    bench.touch(opportunity);
    bench.settle().await;
    let here = bench.line_of(item);
    let before = bench.now();
    bench.edit_item(HUBSPOT, here, &[("price", json!("9")), ("quantity", json!("1"))]);
    let own = bench.hubspot_line(deal, &[("name", json!("Training")), ("price", json!("500"))]);
    bench.settle().await;
    assert_eq!(bench.writes_since(before), [], "nothing goes to the forecast, and nothing is forced back");
    assert_eq!(bench.status(line(System::HubSpot, here)).state, RecordState::InSync);
    let alone = bench.status(line(System::HubSpot, own));
    assert_eq!(alone.state, RecordState::Excluded);
    assert!(alone.why.contains("creates no records in ConnectWise"), "{}", alone.why);
    bench.edit_item(CONNECTWISE, item, &[("revenue", json!(80))]);
    bench.touch(opportunity);
    bench.settle().await;
    assert_eq!((bench.line_value(here, "price"), bench.line_value(here, "quantity")), (json!("20"), json!("1")));
}

/// One that somebody typed in both systems is recognised within its deal, however many deals have one of that name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_item_that_is_there_is_recognised_by_its_name_within_the_deal() {
    let bench = bench().await;
    let (customer, deal, opportunity) = bench.sale().await;
    let mut others = Vec::new();
    for n in 0..12 {
        let other = bench.hubspot_deal(&customer, &format!("Other {n}"), &[]);
        others.push(bench.hubspot_line(other, &[("name", json!("Switches"))]));
    }
    let mine = bench.hubspot_line(deal, &[("name", json!("switches")), ("price", json!("1"))]);
    let item = bench.forecast_item(opportunity, "Switches", &[]);
    bench.touch(opportunity);
    bench.settle().await;
    assert_eq!(bench.line_of(item), mine);
    assert_eq!(bench.line_value(mine, "price"), "12.5", "the forecast decides");
    assert_eq!(bench.line_items(), 13);
    for other in others {
        assert_eq!(bench.status(line(System::HubSpot, other)).state, RecordState::Excluded);
    }
}

/// Whoever makes a quote or copies a deal copies its line items, with all their properties.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_that_hubspot_makes_for_quotes_and_other_deals_are_left_alone_and_twins_are_told() {
    let bench = bench().await;
    let (customer, deal, opportunity) = bench.sale().await;
    let item = bench.forecast_item(opportunity, "Switches", &[]);
    bench.touch(opportunity);
    bench.settle().await;
    let copied = [("name", json!("Switches")), ("lockstep_cw_key", json!(format!("line_item:{item}")))];
    let quoted = bench.running.control.create(HUBSPOT, Object::LineItem, &map(&copied), None).unwrap();
    let other = bench.hubspot_deal(&customer, "Network again", &[]);
    let cloned = bench.hubspot_line(other, &copied);
    let twin = bench.hubspot_line(deal, &copied);
    bench.settle().await;
    for copy in [quoted, cloned] {
        let status = bench.status(line(System::HubSpot, copy));
        assert_eq!(status.state, RecordState::Excluded, "{}", status.why);
        assert!(status.why.contains("somebody copied"), "{}", status.why);
    }
    let issues = bench.workspace.reader().unwrap().issues_of(line(System::HubSpot, twin)).unwrap();
    assert!(issues.iter().any(|issue| issue.class == IssueClass::SuspectedDuplicate), "{issues:?}");
}

/// What was seen by a process before this one is not searched for through all opportunities.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_process_knows_where_a_forecast_item_lies() {
    let bench = bench().await;
    let (customer, _, opportunity) = bench.sale().await;
    for n in 0..4 {
        bench.hubspot_deal(&customer, &format!("Other {n}"), &[]);
    }
    let item = bench.forecast_item(opportunity, "Switches", &[]);
    bench.touch(opportunity);
    bench.settle().await;
    bench.edit_item(CONNECTWISE, item, &[("revenue", json!(80))]);
    bench.running.control.clear_calls();
    let pushed = bench.push(line(System::ConnectWise, item), System::HubSpot, false).await;
    assert!(pushed.sent, "{pushed:?}");
    assert_eq!(bench.line_value(bench.line_of(item), "price"), "20");
    let calls = bench.running.control.calls();
    let forecasts = calls.iter().filter(|(call, _)| call.contains("/forecast"));
    let number: u64 = forecasts.flat_map(|(_, by_status)| by_status.values()).sum();
    assert!((1..=3).contains(&number), "{calls:?}");
}

/// Line items cost a call for each opportunity that changed, and none while nothing does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_a_quiet_tenant_reads_no_forecast() {
    let bench = bench().await;
    let (_, _, opportunity) = bench.sale().await;
    bench.forecast_item(opportunity, "Switches", &[]);
    bench.touch(opportunity);
    bench.settle().await;
    bench.running.control.advance(Duration::from_secs(600));
    bench.settle().await;
    bench.running.control.clear_calls();
    bench.run().await;
    let calls = bench.running.control.calls();
    assert!(!calls.is_empty() && !calls.keys().any(|call| call.contains("/forecast")), "{calls:?}");
}
