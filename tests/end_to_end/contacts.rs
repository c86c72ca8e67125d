//! Contacts below their companies: waiting for them, following them, and what becomes of those that vanish.

use lockstep::engine::core::state::Status;
use lockstep::sim::ControlError;

use super::*;

pub(super) const fn contact(system: System, id: u64) -> RecordRef {
    RecordRef::new(ObjectKind::Contact, system, RecordId(id))
}

impl Bench {
    /// A person makes a contact in HubSpot, of that company.
    pub(super) fn hubspot_contact(&self, email: &str, company: Option<u64>) -> u64 {
        let fields = map(&[("email", json!(email)), ("firstname", json!("Pat")), ("lastname", json!("Poe"))]);
        let id = self.running.control.create(HUBSPOT, Object::Contact, &fields, None).unwrap();
        if let Some(company) = company {
            self.move_to(id, company).unwrap();
        }
        id
    }

    fn move_to(&self, contact: u64, company: u64) -> Result<(), ControlError> {
        let (from, to) = ((Object::Contact, contact), (Object::Company, company));
        self.running.control.associate(HUBSPOT, from, to, true, None)
    }

    pub(super) fn connectwise_contact(&self, email: &str, company: u64) -> u64 {
        let fields =
            map(&[("firstName", json!("Pat")), ("company", json!(company)), ("communications/1", json!(email))]);
        self.running.control.create(CONNECTWISE, Object::Contact, &fields, None).unwrap()
    }

    fn contact_value(&self, side: Side, id: u64, field: &str) -> Json {
        self.running.control.record(side, Object::Contact, id).unwrap()[field].clone()
    }

    /// The company of a ConnectWise contact.
    fn company_of(&self, contact: u64) -> u64 {
        self.contact_value(CONNECTWISE, contact, "company")["id"].as_u64().unwrap()
    }

    /// The partner of a contact, and whether the link takes part.
    pub(super) fn partner(&self, of: RecordRef) -> Option<(u64, LinkState)> {
        let link = self.workspace.reader().unwrap().link_of(of).unwrap()?;
        Some((link.id_in(of.system.other()).0, link.state))
    }

    pub(super) fn status(&self, anchor: RecordRef) -> Status {
        self.workspace.reader().unwrap().status(anchor).unwrap().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_follows_its_company_in_the_same_run_and_points_to_the_copy() {
    let bench = Bench::new(Data::Empty).await;
    let company = bench.create(HUBSPOT, "Acme");
    let here = bench.hubspot_contact("pat@acme.example.com", Some(company));
    assert_eq!(bench.run().await.run.verdict, Verdict::Done);
    let copy = bench.only(CONNECTWISE, "Acme");
    let (there, state) = bench.partner(contact(System::HubSpot, here)).unwrap();
    assert_eq!(state, LinkState::Active);
    assert_eq!(bench.company_of(there), copy);
    assert_eq!(bench.contact_value(CONNECTWISE, there, "communications/1"), "pat@acme.example.com");
    // And the other way, below a company that is linked already.
    let second = bench.connectwise_contact("sam@acme.example.com", copy);
    bench.settle().await;
    let (mirrored, _) = bench.partner(contact(System::ConnectWise, second)).unwrap();
    assert_eq!(bench.contact_value(HUBSPOT, mirrored, "associatedcompanyid"), company.to_string());
    let before = bench.now();
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_waits_while_its_company_is_held_and_goes_on_by_itself() {
    let bench = Bench::new(Data::Empty).await;
    let fields = map(&[("domain", json!("mystery.example.com"))]);
    let company = bench.running.control.create(HUBSPOT, Object::Company, &fields, None).unwrap();
    let here = bench.hubspot_contact("pat@mystery.example.com", Some(company));
    bench.settle().await;
    let status = bench.status(contact(System::HubSpot, here));
    assert_eq!(status.state, RecordState::Waiting);
    assert!(status.why.contains("mystery.example.com") && status.why.contains("held"), "{}", status.why);
    bench.edit(HUBSPOT, company, "name", "Mystery Ltd");
    bench.settle().await;
    assert_eq!(bench.status(contact(System::HubSpot, here)).state, RecordState::InSync);
    let (there, _) = bench.partner(contact(System::HubSpot, here)).unwrap();
    assert_eq!(bench.company_of(there), bench.only(CONNECTWISE, "Mystery Ltd"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_changes_its_company_changes_it_on_the_other_side() {
    let bench = Bench::new(Data::Empty).await;
    let (one, one_there) = bench.pair("One").await;
    let (two, two_there) = bench.pair("Two").await;
    let here = bench.hubspot_contact("pat@one.example.com", Some(one));
    bench.settle().await;
    let (there, _) = bench.partner(contact(System::HubSpot, here)).unwrap();
    assert_eq!(bench.company_of(there), one_there);
    bench.move_to(here, two).unwrap();
    bench.settle().await;
    assert_eq!(bench.company_of(there), two_there);
    let fields = map(&[("company", json!(one_there))]);
    bench.running.control.edit(CONNECTWISE, Object::Contact, there, &fields, None).unwrap();
    bench.settle().await;
    assert_eq!(bench.contact_value(HUBSPOT, here, "associatedcompanyid"), one.to_string());
    // Somebody moves it to a company that has no partner: it waits there, and nothing is emptied.
    let fields = map(&[("domain", json!("mystery.example.com"))]);
    let lonely = bench.running.control.create(HUBSPOT, Object::Company, &fields, None).unwrap();
    bench.move_to(here, lonely).unwrap();
    bench.settle().await;
    let status = bench.status(contact(System::HubSpot, here));
    assert_eq!(status.state, RecordState::Waiting, "{}", status.why);
    assert_eq!(bench.company_of(there), one_there);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_vanished_from_connectwise_is_noticed_and_never_made_again() {
    let bench = Bench::with(Data::Empty, |config| config.timing.sweep = 0).await;
    let (company, _) = bench.pair("Acme").await;
    let here = bench.hubspot_contact("pat@acme.example.com", Some(company));
    bench.settle().await;
    let (there, _) = bench.partner(contact(System::HubSpot, here)).unwrap();
    bench.running.control.delete(CONNECTWISE, Object::Contact, there).unwrap();
    let before = bench.now();
    bench.settle().await;
    assert_eq!(bench.partner(contact(System::HubSpot, here)), Some((there, LinkState::Tomb)));
    assert_eq!(bench.status(contact(System::HubSpot, here)).state, RecordState::Gone);
    let fields = map(&[("jobtitle", json!("Nobody"))]);
    bench.running.control.edit(HUBSPOT, Object::Contact, here, &fields, None).unwrap();
    bench.settle().await;
    assert_eq!(bench.writes_since(before), [], "what somebody deleted is not made again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_under_faults_are_made_once_each() {
    let bench = Bench::new(Data::Empty).await;
    let company = bench.create(HUBSPOT, "Acme");
    let made: Vec<u64> =
        (0..15).map(|n| bench.hubspot_contact(&format!("p{n}@acme.example.com"), Some(company))).collect();
    let lost = FaultRule::once(Fault::DropAfterCommit).on(CONNECTWISE).method("POST").path("company/contacts");
    bench.running.control.inject(FaultRule { count: Some(6), ..lost.with_probability(0.4) });
    bench.settle().await;
    let copy = bench.only(CONNECTWISE, "Acme");
    let all = bench.running.control.records(CONNECTWISE, Object::Contact, 0, 1000);
    assert_eq!(all.iter().filter(|record| record["company"]["id"] == copy).count(), 15);
    for here in made {
        let (there, state) = bench.partner(contact(System::HubSpot, here)).unwrap();
        assert_eq!(state, LinkState::Active);
        let address = bench.contact_value(HUBSPOT, here, "email");
        assert_eq!(bench.contact_value(CONNECTWISE, there, "communications/1"), address);
    }
}

/// HubSpot refuses a new contact for one in its recycle bin, and names that one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_an_archived_contact_still_holds_is_told_and_not_tried_for_ever() {
    let bench = Bench::new(Data::Empty).await;
    let (_, company) = bench.pair("Acme").await;
    let gone = bench.hubspot_contact("pat@acme.example.com", None);
    bench.running.control.delete(HUBSPOT, Object::Contact, gone).unwrap();
    let here = bench.connectwise_contact("pat@acme.example.com", company);
    bench.settle().await;
    let issues = || bench.workspace.reader().unwrap().issues_of(contact(System::ConnectWise, here)).unwrap();
    assert!(issues().iter().any(|issue| issue.class == IssueClass::Rejected), "{:?}", issues());
    assert_eq!(bench.partner(contact(System::ConnectWise, here)), None, "nobody is linked with what is archived");
    let refusals = || {
        let requests = bench.running.control.requests(0);
        requests.iter().filter(|one| one.method == "POST" && one.path.ends_with("/contacts/batch/create")).count()
    };
    let before = refusals();
    assert!((1..=4).contains(&before), "{before}");
    bench.run().await;
    assert_eq!(refusals(), before, "it rests until something changes");
    let other = map(&[("communications/1", json!("poe@acme.example.com"))]);
    bench.running.control.edit(CONNECTWISE, Object::Contact, here, &other, None).unwrap();
    bench.settle().await;
    assert!(bench.partner(contact(System::ConnectWise, here)).is_some_and(|(partner, _)| partner != gone));
    assert!(issues().is_empty(), "{:?}", issues());
}
