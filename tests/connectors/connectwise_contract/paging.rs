//! Where a list ends: at a page that names no next one, however many rows were asked for, and not later.

use lockstep::sim::Side;

use super::*;

/// A server's address that nobody may call.
const ELSEWHERE: &str = "link: <http://127.0.0.1:1/elsewhere?page=2>; rel=\"next\"";

/// All records of an object, by pages of `limit`.
async fn all(psa: &ConnectWise, object: ObjectKind, limit: u32) -> Vec<Record> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (records, last, more) = page(ask_of(psa, object, list(&["name", "firstName"], after, limit)).await);
        found.extend(records);
        if !more {
            return found;
        }
        assert!(last.map(|last| last.0) > after, "{object}: {last:?} after {after:?}");
        after = last.map(|last| last.0);
    }
}

fn calls(running: &Running) -> u64 {
    running.control.calls().values().flat_map(BTreeMap::values).sum()
}

#[tokio::test]
async fn a_server_that_gives_three_rows_at_a_time_hides_none() {
    let running = Simulators::start(sim::Options::quick(Data::Story)).await.unwrap();
    let psa = every_object(&running.connectwise_url, &running.credentials);
    let kinds = [ObjectKind::Company, ObjectKind::Contact, ObjectKind::Deal, ObjectKind::Ticket, ObjectKind::Product];
    assert!(matches!(ask(&psa, RequestBody::Identify).await, AnswerBody::Identity { .. }));
    let mut whole = BTreeMap::new();
    for object in kinds {
        running.control.clear_calls();
        let found = all(&psa, object, 1000).await;
        assert_eq!((found.len() > 3, calls(&running)), (true, 1), "{object}: one call is enough for {}", found.len());
        let known: Vec<u64> = ids(&found);
        running.control.clear_calls();
        let read = ask_of(&psa, object, read(&["name"], &known)).await;
        assert_eq!(calls(&running), 1, "{object}");
        whole.insert(object, (found, read, psa.schema(object).await.unwrap()));
    }

    let behaviour = sim::Behaviour { page_cap: Some(3), ..running.control.behaviour() };
    running.control.set_behaviour(behaviour);
    for (object, (found, read_before, schema)) in whole {
        for limit in [1000, 7, 3, 2] {
            assert_eq!(all(&psa, object, limit).await, found, "{object} by {limit}");
        }
        let read = ask_of(&psa, object, read(&["name"], &ids(&found))).await;
        assert_eq!(read, read_before, "{object}");
        let live = psa.schema(object).await.unwrap();
        assert_eq!((live.schema, live.warnings), (schema.schema, schema.warnings), "{object}");
    }
}

#[tokio::test]
async fn all_that_carry_a_stamp_are_found_where_pages_are_short() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let psa = every_object(&running.connectwise_url, &running.credentials);
    let mut made = Vec::new();
    for n in 0..5 {
        let company = json!({"name": "Acme", "identifier": format!("ACME{n}"), "userDefinedField10": "company:42"});
        let company = company.as_object().unwrap();
        made.push(running.control.create(Side::ConnectWise, sim::Object::Company, company, None).unwrap());
    }
    running.control.set_behaviour(sim::Behaviour { page_cap: Some(2), ..running.control.behaviour() });
    let stamped = RequestBody::FindStamped { fields: names(&["name"]), stamps: vec!["company:42".into()] };
    let AnswerBody::Stamped { found } = ask(&psa, stamped).await else { panic!("not looked up") };
    assert_eq!(ids(&found[0].1), made);
}

/// A table of one row a page, each of which names a next one: `/procurement/types`, with ids up to `last`.
async fn drop_by_drop(last: u64) -> Tenant {
    let row = move |after: u64| match after < last {
        true => json!([{"id": after + 1, "name": format!("Type {}", after + 1)}]),
        false => json!([]),
    };
    Tenant::with_header(ELSEWHERE, move |asked| match asked.path.as_str() {
        "/system/info" => (200, json!({"version": "v2025.1"})),
        "/procurement/types" => (200, row(asked.parameter("pageId").parse().unwrap_or(0))),
        _ => (200, json!([])),
    })
    .await
}

#[tokio::test]
async fn a_table_ends_at_an_empty_page_and_its_links_are_not_followed() {
    let tenant = drop_by_drop(40).await;
    let live = tenant.psa.schema(ObjectKind::Product).await.unwrap();
    assert_eq!(live.warnings, []);
    assert_eq!(live.schema.field("type").unwrap().options.len(), 40);
    assert!(tenant.calls().iter().all(|call| !call.path.contains("elsewhere")));
}

#[tokio::test]
async fn a_table_whose_ids_grow_for_ever_is_given_up_with_its_name() {
    let tenant = drop_by_drop(u64::MAX).await;
    let live = tenant.psa.schema(ObjectKind::Product).await.unwrap();
    let warnings: Vec<&str> = live.warnings.iter().map(|warning| warning.what.as_str()).collect();
    assert!(matches!(warnings[..], [one] if one.contains("/procurement/types has no end")), "{warnings:?}");
    assert!(tenant.calls().len() < 600, "{} calls", tenant.calls().len());
}

#[tokio::test]
async fn a_list_whose_ids_grow_for_ever_is_handed_over_page_by_page() {
    let tenant = Tenant::with_header(ELSEWHERE, |asked| {
        (200, json!([stamped(json!({"id": asked.after() + 1, "firstName": "A"}))]))
    })
    .await;
    let (records, last, more) = page(tenant.ask(ObjectKind::Contact, list(&["firstName"], None, 1000)).await);
    assert_eq!((records.last().map(|one| one.id), more), (last, true));
    assert!((50..200).contains(&tenant.calls().len()), "a page costs a bounded number of calls");
}

/// A byte now and then keeps every call alive until its time is out.
#[tokio::test]
async fn a_tenant_that_drips_is_given_up_after_two_calls_and_not_asked_for_every_table() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let timeout = std::time::Duration::from_millis(400);
    let options = lockstep::connect::Options { timeout, ..options(&running.connectwise_url) };
    let psa = psa_with(&running.credentials, &running.credentials.connectwise_company, &options);
    assert!(matches!(ask(&psa, RequestBody::Identify).await, AnswerBody::Identity { .. }));
    let drip = sim::FaultRule::once(sim::Fault::Drip { bytes: 1, every_ms: 20 }).on(Side::ConnectWise);
    running.control.inject(sim::FaultRule { count: None, skip: 1, ..drip });
    let live = psa.schema(ObjectKind::Company).await.unwrap();
    assert_eq!(running.control.faults_struck(), 2);
    assert!(live.warnings.len() > 5, "{:?}", live.warnings);
    let told = |words: &str| live.warnings.iter().filter(|warning| format!("{warning:?}").contains(words)).count();
    assert_eq!((told("did not end in time"), told("over 3 calls of one request")), (2, live.warnings.len() - 2));

    let read = ask(&psa, read(&["name"], &[1, 2, 3])).await;
    assert!(matches!(&read, AnswerBody::Failed(Failure::Unknown(why)) if why.contains("in time")), "{read:?}");
}
