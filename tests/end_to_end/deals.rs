//! Deals below their companies and contacts: where they stand, what they are worth, and whose they are.

use super::contacts::contact;
use super::*;

const fn deal(system: System, id: u64) -> RecordRef {
    RecordRef::new(ObjectKind::Deal, system, RecordId(id))
}

/// A company and a contact of it, in HubSpot.
pub(super) struct Customer {
    pub company: u64,
    pub contact: u64,
}

pub(super) async fn bench() -> Bench {
    Bench::with(Data::Empty, |config| config.objects.push(defaults::deal(lockstep::sim::DEAL_KEY_FIELD.into()))).await
}

impl Bench {
    pub(super) async fn customer(&self, name: &str) -> Customer {
        let company = self.create(HUBSPOT, name);
        let contact = self.hubspot_contact(&format!("pat@{}.example.com", name.to_lowercase()), Some(company));
        self.settle().await;
        Customer { company, contact }
    }

    fn join(&self, deal: u64, to: (Object, u64)) {
        self.running.control.associate(HUBSPOT, (Object::Deal, deal), to, to.0 == Object::Company, None).unwrap();
    }

    /// A person makes a deal of that customer in HubSpot.
    pub(super) fn hubspot_deal(&self, of: &Customer, name: &str, more: &[(&str, Json)]) -> u64 {
        let mut fields = map(&[
            ("dealname", json!(name)),
            ("dealstage", json!("qualifiedtobuy")),
            ("pipeline", json!("default")),
            ("closedate", json!("2027-03-31T16:20:00Z")),
            ("hubspot_owner_id", json!("70100011")),
        ]);
        fields.extend(map(more));
        let id = self.running.control.create(HUBSPOT, Object::Deal, &fields, None).unwrap();
        self.join(id, (Object::Company, of.company));
        self.join(id, (Object::Contact, of.contact));
        id
    }

    pub(super) fn opportunity(&self, name: &str, company: &Json, contact: u64) -> u64 {
        let fields = map(&[
            ("name", json!(name)),
            ("company", json!({"id": company})),
            ("contact", json!({"id": contact})),
            ("primarySalesRep", json!("mvance")),
            ("expectedCloseDate", json!("2027-03-31T00:00:00Z")),
        ]);
        self.running.control.create(CONNECTWISE, Object::Deal, &fields, None).unwrap()
    }

    fn deal_value(&self, side: Side, id: u64, field: &str) -> Json {
        self.running.control.record(side, Object::Deal, id).unwrap()[field].clone()
    }

    fn edit_deal(&self, side: Side, id: u64, fields: &[(&str, Json)]) {
        self.running.control.edit(side, Object::Deal, id, &map(fields), None).unwrap();
    }

    /// Stage and status of an opportunity, by id.
    fn progress(&self, id: u64) -> (u64, u64) {
        let part = |name| self.deal_value(CONNECTWISE, id, name)["id"].as_u64().unwrap();
        (part("stage"), part("status"))
    }

    fn linked(&self, hubspot: u64) -> u64 {
        let (there, state) = self.partner(deal(System::HubSpot, hubspot)).unwrap();
        assert_eq!(state, LinkState::Active);
        there
    }

    /// The partner of a HubSpot contact.
    fn contact_there(&self, hubspot: u64) -> u64 {
        self.partner(contact(System::HubSpot, hubspot)).unwrap().0
    }

    fn contact_of(&self, opportunity: u64) -> u64 {
        self.deal_value(CONNECTWISE, opportunity, "contact")["id"].as_u64().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_crosses_with_its_company_contact_stage_amount_and_sales_rep_and_comes_to_rest() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    let person = bench.hubspot_contact("pat@acme.example.com", Some(company));
    let of = Customer { company, contact: person };
    let here = bench.hubspot_deal(&of, "Forty seats", &[("amount", json!("21500.75"))]);
    assert_eq!(bench.run().await.run.verdict, Verdict::Done);
    let there = bench.linked(here);
    assert_eq!(bench.contact_of(there), bench.contact_there(person), "all three in one run");
    assert_eq!(bench.deal_value(CONNECTWISE, there, "company")["id"], bench.only(CONNECTWISE, "Acme"));
    assert_eq!(bench.progress(there), (2, 1));
    assert_eq!(bench.deal_value(CONNECTWISE, there, "primarySalesRep")["identifier"], "mvance");
    let date = bench.deal_value(CONNECTWISE, there, "expectedCloseDate");
    assert!(date.as_str().unwrap().starts_with("2027-03-31"), "{date}");
    assert_eq!(bench.deal_value(CONNECTWISE, there, "amount").to_string(), "21500.75");
    let custom = bench.deal_value(CONNECTWISE, there, "customFields");
    let key = custom.as_array().unwrap().iter().find(|field| field["id"] == 51).unwrap()["value"].clone();
    assert_eq!(key, format!("deal:{here}"), "a repeat of the create would be recognised");
    bench.settle().await;
    let before = bench.now();
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
    assert_eq!(bench.deal_value(HUBSPOT, here, "closedate"), "2027-03-31T16:20:00Z", "the time of day stays");
    bench.edit_deal(CONNECTWISE, there, &[("expectedCloseDate", json!("2027-04-15T00:00:00Z"))]);
    bench.settle().await;
    let date = bench.deal_value(HUBSPOT, here, "closedate");
    assert_eq!(date, "2027-04-15T12:00:00Z", "the same day in America, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn won_lost_and_reopened_cross_both_ways_and_the_stage_stays() {
    let bench = bench().await;
    let of = bench.customer("Acme").await;
    let here = bench.hubspot_deal(&of, "Forty seats", &[]);
    bench.settle().await;
    let there = bench.linked(here);
    bench.edit_deal(HUBSPOT, here, &[("dealstage", json!("closedwon"))]);
    bench.settle().await;
    assert_eq!(bench.progress(there), (2, 2), "won, at the stage where it was");
    bench.edit_deal(CONNECTWISE, there, &[("status", json!({"id": 1})), ("stage", json!({"id": 4}))]);
    bench.settle().await;
    assert_eq!(bench.deal_value(HUBSPOT, here, "dealstage"), "decisionmakerboughtin", "reopened");
    bench.edit_deal(CONNECTWISE, there, &[("status", json!({"id": 5}))]);
    bench.edit_deal(HUBSPOT, here, &[("dealstage", json!("contractsent"))]);
    bench.settle().await;
    assert_eq!(bench.progress(there), (5, 5), "an open status of the tenant's own stays");
    bench.edit_deal(CONNECTWISE, there, &[("status", json!({"id": 4}))]);
    bench.settle().await;
    assert_eq!(bench.deal_value(HUBSPOT, here, "dealstage"), "closedlost", "closed without being won");
    let before = bench.now();
    bench.settle().await;
    assert_eq!((bench.progress(there), bench.writes_since(before)), ((5, 4), vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_contacts_the_oldest_of_the_company_counts_and_nobody_is_taken_away() {
    let bench = bench().await;
    let other = bench.customer("Other").await;
    let of = bench.customer("Acme").await;
    let second = bench.hubspot_contact("sam@acme.example.com", Some(of.company));
    bench.settle().await;
    let here = bench.hubspot_deal(&of, "Forty seats", &[]);
    bench.join(here, (Object::Contact, second));
    // The oldest of all belongs to another company.
    bench.join(here, (Object::Contact, other.contact));
    bench.settle().await;
    let there = bench.linked(here);
    assert_eq!(bench.contact_of(there), bench.contact_there(of.contact));
    // Somebody over there takes the other one, who is on the deal as well: nothing to write.
    let before = bench.now();
    bench.edit_deal(CONNECTWISE, there, &[("contact", json!({"id": bench.contact_there(second)}))]);
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
    // And one who is not on it yet.
    let third = bench.hubspot_contact("kim@acme.example.com", Some(of.company));
    bench.settle().await;
    bench.edit_deal(CONNECTWISE, there, &[("contact", json!({"id": bench.contact_there(third)}))]);
    bench.settle().await;
    assert_eq!(bench.contact_of(there), bench.contact_there(third), "it is not changed back");
    let body = bench.running.control.record(HUBSPOT, Object::Deal, here).unwrap();
    assert_eq!(body["num_associated_contacts"], "4", "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_contacts_none_of_the_company_wait_for_a_person() {
    let bench = bench().await;
    let one = bench.customer("One").await;
    let two = bench.customer("Two").await;
    let of = bench.customer("Acme").await;
    let here = bench.hubspot_deal(&Customer { contact: one.contact, ..of }, "Forty seats", &[]);
    bench.join(here, (Object::Contact, two.contact));
    bench.settle().await;
    let status = bench.status(deal(System::HubSpot, here));
    assert_eq!(status.state, RecordState::Held, "{}", status.why);
    assert!(status.why.contains("contact"), "{}", status.why);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_is_recognised_by_its_name_within_its_company_alone() {
    let bench = bench().await;
    let (one, two) = (bench.customer("One").await, bench.customer("Two").await);
    let opportunity = |name: &str, of: &Customer| {
        let company = json!(bench.partner(at(System::HubSpot, of.company)).unwrap().0);
        bench.opportunity(name, &company, bench.contact_there(of.contact))
    };
    let there = opportunity("Renewal", &one);
    let (mine, other) = (bench.hubspot_deal(&one, "Renewal", &[]), bench.hubspot_deal(&two, "renewal ", &[]));
    bench.settle().await;
    assert_eq!(bench.linked(mine), there);
    assert_ne!(bench.linked(other), there);
    assert_eq!(bench.running.control.records(CONNECTWISE, Object::Deal, 0, 100).len(), 2);
    assert_eq!(bench.running.control.records(HUBSPOT, Object::Deal, 0, 100).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_without_sales_rep_or_with_an_unpaired_stage_waits_for_a_person_and_goes_on_by_itself() {
    let bench = bench().await;
    let of = bench.customer("Acme").await;
    let here = bench.hubspot_deal(&of, "Forty seats", &[("hubspot_owner_id", json!(""))]);
    bench.settle().await;
    let status = bench.status(deal(System::HubSpot, here));
    assert_eq!(status.state, RecordState::Held);
    assert!(status.why.contains("sales rep"), "{}", status.why);
    bench.edit_deal(HUBSPOT, here, &[("hubspot_owner_id", json!("70100012"))]);
    bench.settle().await;
    let there = bench.linked(here);
    // A status alone, without a stage, is no word about an open deal.
    assert_eq!(bench.progress(there), (2, 1));
    assert_eq!(bench.status(deal(System::HubSpot, here)).state, RecordState::InSync);
}

/// Customers renew: that a deal of the same name is linked or won says nothing about the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deals_of_one_name_in_one_company_are_each_made_once() {
    let bench = bench().await;
    let of = bench.customer("Acme").await;
    let mut made: Vec<u64> = (0..2).map(|_| bench.hubspot_deal(&of, "Renewal", &[])).collect();
    bench.settle().await;
    bench.edit_deal(HUBSPOT, made[0], &[("dealstage", json!("closedwon"))]);
    made.push(bench.hubspot_deal(&of, "Renewal", &[]));
    bench.settle().await;
    let mut there: Vec<u64> = made.iter().map(|here| bench.linked(*here)).collect();
    there.sort_unstable();
    there.dedup();
    assert_eq!(there.len(), 3);
    assert_eq!(bench.running.control.records(CONNECTWISE, Object::Deal, 0, 100).len(), 3);
    assert_eq!(bench.running.control.records(HUBSPOT, Object::Deal, 0, 100).len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_was_deleted_is_nothing_that_its_deal_waits_for() {
    let bench = bench().await;
    let of = bench.customer("Acme").await;
    let here = bench.hubspot_deal(&of, "Forty seats", &[]);
    bench.settle().await;
    bench.running.control.delete(HUBSPOT, Object::Contact, of.contact).unwrap();
    bench.settle().await;
    let status = bench.status(deal(System::HubSpot, here));
    assert_eq!(status.state, RecordState::InSync, "{}", status.why);
    bench.edit_deal(HUBSPOT, here, &[("dealname", json!("Fifty seats"))]);
    bench.settle().await;
    assert_eq!(bench.deal_value(CONNECTWISE, bench.linked(here), "name"), "Fifty seats");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deals_under_faults_are_made_once_each_with_one_amount() {
    let bench = bench().await;
    let of = bench.customer("Acme").await;
    let made: Vec<u64> =
        (0..12).map(|n| bench.hubspot_deal(&of, &format!("Deal {n}"), &[("amount", json!("100"))])).collect();
    let lost = |path: &str| {
        let rule = FaultRule::once(Fault::DropAfterCommit).on(CONNECTWISE).method("POST").path(path);
        FaultRule { count: Some(5), ..rule.with_probability(0.4) }
    };
    bench.running.control.inject(lost("sales/opportunities"));
    bench.running.control.inject(lost("/forecast"));
    bench.settle().await;
    assert_eq!(bench.running.control.records(CONNECTWISE, Object::Deal, 0, 1000).len(), made.len());
    for here in made {
        let there = bench.linked(here);
        assert_eq!(bench.deal_value(CONNECTWISE, there, "amount").as_f64(), Some(100.0), "{here}");
    }
}
