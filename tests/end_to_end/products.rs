//! Products: catalog items that go to HubSpot, and never back.

use lockstep::engine::core::state::Issue;

use super::*;

const fn product(system: System, id: u64) -> RecordRef {
    RecordRef::new(ObjectKind::Product, system, RecordId(id))
}

pub(super) async fn bench() -> Bench {
    Bench::with(Data::Empty, |config| config.objects.push(defaults::product())).await
}

impl Bench {
    pub(super) fn catalog_item(&self, identifier: &str, more: &[(&str, Json)]) -> u64 {
        let mut fields = map(&[
            ("identifier", json!(identifier)),
            ("description", json!(format!("The {identifier}"))),
            ("customerDescription", json!(format!("What {identifier} is for"))),
            ("subcategory", json!({"id": 1})),
            ("type", json!({"id": 1})),
            ("price", json!(12.5)),
            ("cost", json!(8)),
            ("productClass", json!("Inventory")),
        ]);
        fields.extend(map(more));
        self.running.control.create(CONNECTWISE, Object::Product, &fields, None).unwrap()
    }

    fn product_value(&self, side: Side, id: u64, field: &str) -> Json {
        self.running.control.record(side, Object::Product, id).unwrap()[field].clone()
    }

    pub(super) fn edit_product(&self, side: Side, id: u64, fields: &[(&str, Json)]) {
        self.running.control.edit(side, Object::Product, id, &map(fields), None).unwrap();
    }

    fn hubspot_product(&self, fields: &[(&str, Json)]) -> u64 {
        self.running.control.create(HUBSPOT, Object::Product, &map(fields), None).unwrap()
    }

    fn products(&self, side: Side) -> usize {
        self.running.control.records(side, Object::Product, 0, 1000).len()
    }

    pub(super) fn product_of(&self, item: u64) -> u64 {
        let (there, state) = self.partner(product(System::ConnectWise, item)).unwrap();
        assert_eq!(state, LinkState::Active);
        there
    }

    fn issues_of_item(&self, item: u64) -> Vec<Issue> {
        self.workspace.reader().unwrap().issues_of(product(System::ConnectWise, item)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalog_item_becomes_a_product_with_its_price_and_cost_and_comes_to_rest() {
    let bench = bench().await;
    let item = bench.catalog_item("NG-FW40", &[]);
    assert_eq!(bench.run().await.run.verdict, Verdict::Done);
    let here = bench.product_of(item);
    let value = |field| bench.product_value(HUBSPOT, here, field);
    assert_eq!((value("name"), value("hs_sku")), (json!("The NG-FW40"), json!("NG-FW40")));
    assert_eq!((value("price"), value("hs_cost_of_goods_sold")), (json!("12.5"), json!("8")));
    assert_eq!((value("hs_product_type"), value("description")), (json!("inventory"), json!("What NG-FW40 is for")));
    assert_eq!(value("lockstep_cw_key"), json!(format!("product:{item}")), "a repeat of the create is recognised");
    bench.edit_product(CONNECTWISE, item, &[("price", json!(13.25))]);
    bench.settle().await;
    assert_eq!(bench.product_value(HUBSPOT, here, "price"), "13.25");
    let before = bench.now();
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
    assert_eq!((bench.products(HUBSPOT), bench.products(CONNECTWISE)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hubspot_changes_stays_there_until_connectwise_changes_it() {
    let bench = bench().await;
    let item = bench.catalog_item("NG-FW40", &[]);
    bench.settle().await;
    let here = bench.product_of(item);
    let before = bench.now();
    bench.edit_product(HUBSPOT, here, &[("price", json!("99")), ("name", json!("Firewall"))]);
    let own = bench.hubspot_product(&[("name", json!("Sold by us alone")), ("hs_sku", json!("OWN-1"))]);
    bench.settle().await;
    assert_eq!(bench.writes_since(before), [], "nothing goes to the catalog, and nothing is forced back");
    let status = bench.status(product(System::HubSpot, here));
    assert_eq!(status.state, RecordState::InSync);
    let alone = bench.status(product(System::HubSpot, own));
    assert_eq!(alone.state, RecordState::Excluded);
    assert!(alone.why.contains("creates no records in ConnectWise"), "{}", alone.why);
    let refused = bench.push(product(System::HubSpot, here), System::ConnectWise, false).await;
    assert!(!refused.sent, "{refused:?}");
    bench.edit_product(CONNECTWISE, item, &[("price", json!(14))]);
    bench.settle().await;
    assert_eq!(bench.product_value(HUBSPOT, here, "price"), "14");
    assert_eq!(bench.product_value(HUBSPOT, here, "name"), "Firewall", "the catalog did not change it");
    let pushed = bench.push(product(System::ConnectWise, item), System::HubSpot, false).await;
    assert!(pushed.sent);
    assert_eq!(bench.product_value(HUBSPOT, here, "name"), "The NG-FW40");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_that_is_there_is_recognised_by_its_sku() {
    let bench = bench().await;
    let here = bench.hubspot_product(&[("name", json!("Firewall 40")), ("hs_sku", json!("ng-fw40"))]);
    let item = bench.catalog_item("NG-FW40", &[]);
    bench.settle().await;
    assert_eq!(bench.product_of(item), here);
    assert_eq!(bench.product_value(HUBSPOT, here, "name"), "The NG-FW40", "the catalog decides");
    assert_eq!(bench.product_value(HUBSPOT, here, "lockstep_cw_key"), format!("product:{item}"));
    assert_eq!(bench.products(HUBSPOT), 1);
    for _ in 0..2 {
        bench.hubspot_product(&[("name", json!("Laptop")), ("hs_sku", json!("NG-LAP14"))]);
    }
    let twice = bench.catalog_item("NG-LAP14", &[]);
    bench.settle().await;
    let issues = bench.issues_of_item(twice);
    assert!(issues.iter().any(|issue| issue.class == IssueClass::AmbiguousMatch), "{issues:?}");
    assert_eq!(bench.products(HUBSPOT), 3, "nobody guesses which of the two is meant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inactive_item_makes_no_product_and_freezes_the_one_it_has() {
    let bench = bench().await;
    let old = bench.catalog_item("OLD-FAX", &[("inactiveFlag", json!(true))]);
    let item = bench.catalog_item("NG-FW40", &[]);
    bench.settle().await;
    let excluded = bench.status(product(System::ConnectWise, old));
    assert_eq!(excluded.state, RecordState::Excluded);
    assert!(excluded.why.contains("is active") && excluded.why.contains("inactiveFlag"), "{}", excluded.why);
    let here = bench.product_of(item);
    bench.edit_product(CONNECTWISE, item, &[("inactiveFlag", json!(true)), ("price", json!(1))]);
    let before = bench.now();
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
    assert_eq!(bench.product_of(item), here, "the link stays");
    assert_eq!(bench.status(product(System::HubSpot, here)).state, RecordState::Excluded);
    bench.edit_product(CONNECTWISE, item, &[("inactiveFlag", json!(false))]);
    bench.edit_product(CONNECTWISE, old, &[("inactiveFlag", json!(false))]);
    bench.settle().await;
    assert_eq!(bench.product_value(HUBSPOT, here, "price"), "1");
    assert_eq!(bench.product_value(HUBSPOT, bench.product_of(old), "hs_sku"), "OLD-FAX");
}

/// HubSpot has no unique properties for products: a copy whose answer was lost is only found when the index has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_a_create_makes_no_second_product() {
    let short = |config: &mut Config| {
        config.timing.index_lag = 1;
        config.objects.push(defaults::product());
    };
    let bench = Bench::with(Data::Empty, short).await;
    for (n, fault) in [Fault::DropAfterCommit, Fault::DropBefore, Fault::Truncate].into_iter().enumerate() {
        let item = bench.catalog_item(&format!("LOST-{n}"), &[]);
        bench.running.control.inject(FaultRule::once(fault).on(HUBSPOT).path("batch/create"));
        bench.settle().await;
        assert_eq!(bench.running.control.faults(), [], "{n}: it did not strike");
        bench.product_of(item);
    }
    assert_eq!(bench.products(HUBSPOT), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_that_somebody_deleted_is_not_made_again() {
    let bench = bench().await;
    let item = bench.catalog_item("NG-FW40", &[]);
    bench.settle().await;
    let here = bench.product_of(item);
    bench.running.control.delete(HUBSPOT, Object::Product, here).unwrap();
    let before = bench.now();
    bench.edit_product(CONNECTWISE, item, &[("price", json!(1))]);
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
    assert_eq!(bench.status(product(System::HubSpot, here)).state, RecordState::Gone);
}

/// Whether a lost price ever got there nobody can tell once somebody entered another one: the catalog has the say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_that_was_lost_on_the_way_is_sent_again_whatever_somebody_entered_meanwhile() {
    let bench = bench().await;
    let item = bench.catalog_item("NG-FW40", &[]);
    bench.settle().await;
    let here = bench.product_of(item);
    for (fault, price) in [(Fault::DropBefore, 13), (Fault::DropAfterCommit, 14)] {
        bench.edit_product(CONNECTWISE, item, &[("price", json!(price))]);
        bench.running.control.inject(FaultRule::once(fault.clone()).on(HUBSPOT).path("products/batch/update"));
        let somebody = async {
            while !bench.running.control.faults().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            // before the look-up, which waits until the write can land no more
            bench.edit_product(HUBSPOT, here, &[("price", json!("99"))]);
        };
        tokio::join!(bench.run(), somebody);
        bench.settle().await;
        assert_eq!(bench.product_value(HUBSPOT, here, "price"), price.to_string(), "{fault:?}");
        let told = bench.workspace.reader().unwrap().history_of(product(System::HubSpot, here), None, 100).unwrap();
        assert!(
            told.iter().any(|row| row.entry.loser.as_ref().is_some_and(|value| value.to_plain() == "99")),
            "{told:?}"
        );
    }
    let before = bench.now();
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
}
