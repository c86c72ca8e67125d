//! A right that is missing for one object: that object stops, and nothing else; it goes on when the right is back.

use lockstep::engine::core::state::Issue;
use lockstep::sim::{Level, Role};

use super::contacts::contact;
use super::*;

/// What one system does not let Lockstep do, how it is taken away, and the words that tell of it.
struct Lack {
    system: System,
    scope: &'static str,
    row: &'static str,
    permit: Permit,
    named: &'static str,
}

const NO_READING: Permit = Permit { inquire: Level::None, ..Permit::WORK };
const NO_EDITING: Permit = Permit { edit: Level::None, ..Permit::WORK };

impl Lack {
    const fn hubspot(scope: &'static str) -> Self {
        Self { system: System::HubSpot, scope, row: "", permit: Permit::ALL, named: scope }
    }

    const fn connectwise(row: &'static str, permit: Permit, named: &'static str) -> Self {
        Self { system: System::ConnectWise, scope: "", row, permit, named }
    }
}

const CONTACTS_READ: [Lack; 2] = [
    Lack::hubspot("crm.objects.contacts.read"),
    Lack::connectwise("Companies/Contacts", NO_READING, "Companies / Contacts / Inquire"),
];
const CONTACTS_EDIT: [Lack; 2] = [
    Lack::hubspot("crm.objects.contacts.write"),
    Lack::connectwise("Companies/Contacts", NO_EDITING, "Companies / Contacts / Edit"),
];
const COMPANIES_READ: [Lack; 2] = [
    Lack::hubspot("crm.objects.companies.read"),
    Lack::connectwise("Companies/Company Maintenance", NO_READING, "Companies / Company Maintenance / Inquire"),
];

impl Bench {
    fn take(&self, lack: &Lack) {
        let mut less = self.running.control.behaviour();
        less.hubspot.scopes.retain(|granted| granted != lack.scope);
        if !lack.row.is_empty() {
            less.connectwise.role = Role::all().with(lack.row, lack.permit);
        }
        self.running.control.set_behaviour(less);
    }

    /// Two companies that are on both sides, with a contact each.
    async fn with_contacts(poll: u64) -> (Self, [People; 2]) {
        let bench = Self::with(Data::Empty, |config| config.timing.poll = poll).await;
        let mut all = Vec::new();
        for name in ["Acme", "Blue"] {
            let company = bench.create(HUBSPOT, name);
            let here = bench.hubspot_contact(&format!("pat@{name}.example.com"), Some(company));
            all.push((company, here));
        }
        bench.settle().await;
        let people = all.into_iter().map(|(company, here)| {
            let there = bench.partner(contact(System::HubSpot, here)).unwrap().0;
            let company_there =
                bench.workspace.reader().unwrap().link_of(at(System::HubSpot, company)).unwrap().unwrap();
            People { company: [company, company_there.connectwise.0], contact: [here, there] }
        });
        let people: Vec<People> = people.collect();
        (bench, people.try_into().unwrap())
    }

    fn entitle(&self, side: Side, id: u64, title: &str) {
        let field = if side == HUBSPOT { "jobtitle" } else { "title" };
        self.running.control.edit(side, Object::Contact, id, &map(&[(field, json!(title))]), None).unwrap();
    }

    fn title(&self, side: Side, id: u64) -> Json {
        let field = if side == HUBSPOT { "jobtitle" } else { "title" };
        self.running.control.record(side, Object::Contact, id).unwrap()[field].clone()
    }

    fn permission(&self, record: RecordRef) -> Option<Issue> {
        let issues = self.workspace.reader().unwrap().issues_of(record).unwrap();
        issues.into_iter().find(|issue| issue.class == IssueClass::Permission)
    }

    /// Held, with an issue that says who does not allow what, and what to do.
    fn assert_held(&self, record: RecordRef, lack: &Lack, objects: &str) {
        let issue = self.permission(record).unwrap_or_else(|| panic!("{record}: {:?}", self.status(record)));
        for word in [lack.system.name(), objects, lack.named, "lockstep doctor", "by itself"] {
            assert!(format!("{} {}", issue.message, issue.hint).contains(word), "{word}: {issue:?}");
        }
        let status = self.status(record);
        assert_eq!((status.state, &status.why), (RecordState::Held, &issue.message), "{record}");
    }

    fn calls(&self) -> u64 {
        self.running.control.calls().values().flat_map(|by_status| by_status.values()).sum()
    }

    fn written(&self, since: u64, object: Object) -> Vec<Mutation> {
        self.writes_since(since).into_iter().filter(|mutation| mutation.object == object).collect()
    }
}

/// By side: HubSpot, then ConnectWise.
#[derive(Debug)]
struct People {
    company: [u64; 2],
    contact: [u64; 2],
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_that_may_not_be_read_stop_and_companies_go_on_until_they_may() {
    for lack in &CONTACTS_READ {
        let (bench, [acme, blue]) = Bench::with_contacts(60).await;
        let whole = bench.running.control.behaviour();
        bench.take(lack);
        bench.edit(HUBSPOT, acme.company[0], "city", "Bonn");
        bench.entitle(HUBSPOT, acme.contact[0], "Boss");
        bench.entitle(CONNECTWISE, acme.contact[1], "Chief");
        let new = [
            contact(System::HubSpot, bench.hubspot_contact("new@acme.example.com", Some(acme.company[0]))),
            contact(System::ConnectWise, bench.connectwise_contact("neu@acme.example.com", acme.company[1])),
        ];
        let before = bench.now();
        let run = bench.run().await.run;
        assert_eq!(run.verdict, Verdict::Done);
        assert_eq!(bench.value(CONNECTWISE, acme.company[1], "city"), "Bonn");
        assert_eq!(bench.written(before, Object::Contact), []);
        for pair in [&acme, &blue] {
            bench.assert_held(contact(System::HubSpot, pair.contact[0]), lack, "contacts");
        }
        for record in new.iter().filter(|record| record.system != lack.system) {
            bench.assert_held(*record, lack, "contacts");
        }
        assert_eq!(bench.status(at(System::HubSpot, acme.company[0])).state, RecordState::InSync);
        let (code, out) = bench.exit_code("--json sync --once").await;
        assert_eq!(code, 5, "{out}");
        let (_, told) = bench.exit_code(&format!("explain contact --hubspot {}", blue.contact[0])).await;
        assert!(told.contains("contacts be read") && told.contains("held"), "{told}");
        assert_eq!(bench.written(before, Object::Contact), []);

        bench.running.control.set_behaviour(whole);
        bench.settle().await;
        for record in [acme.contact[0], blue.contact[0]].map(|id| contact(System::HubSpot, id)).into_iter().chain(new) {
            let anchor = contact(
                System::HubSpot,
                match record.system {
                    System::HubSpot => record.id.0,
                    System::ConnectWise => bench.partner(record).unwrap().0,
                },
            );
            assert_eq!((bench.status(anchor).state, bench.permission(record)), (RecordState::InSync, None), "{record}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_that_may_not_be_changed_in_one_system_still_cross_to_the_other() {
    for lack in &CONTACTS_EDIT {
        let (bench, [acme, blue]) = Bench::with_contacts(60).await;
        let whole = bench.running.control.behaviour();
        bench.take(lack);
        let (denied, open) = match lack.system {
            System::HubSpot => ((HUBSPOT, 0), (CONNECTWISE, 1)),
            System::ConnectWise => ((CONNECTWISE, 1), (HUBSPOT, 0)),
        };
        bench.entitle(open.0, acme.contact[open.1], "Boss");
        bench.entitle(denied.0, blue.contact[denied.1], "Chief");
        bench.edit(open.0, acme.company[open.1], "city", "Bonn");
        let before = bench.now();
        assert_eq!(bench.run().await.run.verdict, Verdict::Done);
        bench.assert_held(contact(System::HubSpot, acme.contact[0]), lack, "contacts");
        assert_eq!(bench.title(open.0, blue.contact[open.1]), "Chief", "the other direction goes on");
        assert_eq!(bench.value(denied.0, acme.company[denied.1], "city"), "Bonn", "and so do the companies");
        let written = bench.written(before, Object::Contact);
        assert!(written.iter().all(|mutation| mutation.side == open.0), "{written:?}");
        assert_eq!(bench.status(contact(System::HubSpot, blue.contact[0])).state, RecordState::InSync);

        bench.running.control.set_behaviour(whole);
        bench.settle().await;
        assert_eq!(bench.title(denied.0, acme.contact[denied.1]), "Boss");
        let pair = contact(System::HubSpot, acme.contact[0]);
        assert_eq!((bench.status(pair).state, bench.permission(pair)), (RecordState::InSync, None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_of_what_may_not_be_read_say_so_and_the_linked_ones_go_on() {
    for lack in &COMPANIES_READ {
        let (bench, [acme, _]) = Bench::with_contacts(60).await;
        let whole = bench.running.control.behaviour();
        let other = match lack.system {
            System::HubSpot => CONNECTWISE,
            System::ConnectWise => HUBSPOT,
        };
        bench.take(lack);
        let company = bench.create(other, "Newcomer");
        let child = match other {
            Side::HubSpot => contact(System::HubSpot, bench.hubspot_contact("sam@newcomer.example.com", Some(company))),
            Side::ConnectWise => {
                contact(System::ConnectWise, bench.connectwise_contact("sam@newcomer.example.com", company))
            }
        };
        bench.entitle(other, acme.contact[usize::from(other == CONNECTWISE)], "Boss");
        let before = bench.now();
        assert_eq!(bench.run().await.run.verdict, Verdict::Done);
        bench.assert_held(at(child.system, company), lack, "companies");
        assert_eq!(bench.written(before, Object::Company), []);
        match lack.system {
            // there, what a contact belongs to takes the right to read either
            System::HubSpot => bench.assert_held(child, lack, "contacts"),
            System::ConnectWise => {
                let status = bench.status(child);
                assert_eq!(status.state, RecordState::Waiting);
                assert!(status.why.contains("Newcomer") && status.why.contains("ConnectWise"), "{}", status.why);
                for (side, id) in [(HUBSPOT, acme.contact[0]), (CONNECTWISE, acme.contact[1])] {
                    assert_eq!(bench.title(side, id), "Boss", "its company is linked already");
                }
            }
        }
        bench.running.control.set_behaviour(whole);
        bench.settle().await;
        bench.assert_pairs(&["Newcomer".to_owned()]);
        assert!(bench.partner(child).is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_watches_goes_on_by_itself_when_the_right_is_back() {
    for lack in CONTACTS_READ.iter().chain(&CONTACTS_EDIT) {
        let (bench, [acme, _]) = Bench::with_contacts(1).await;
        let whole = bench.running.control.behaviour();
        let engine = bench.engine(Mode::Watch).await;
        bench.take(lack);
        let (from, here, to, there) = match lack.system {
            System::HubSpot => (CONNECTWISE, acme.contact[1], HUBSPOT, acme.contact[0]),
            System::ConnectWise => (HUBSPOT, acme.contact[0], CONNECTWISE, acme.contact[1]),
        };
        bench.entitle(from, here, "Boss");
        let pair = contact(System::HubSpot, acme.contact[0]);
        until("it is held", || bench.permission(pair).is_some()).await;
        let journaled = || bench.workspace.reader().unwrap().high_water().unwrap().intent;
        let (tries, calls) = (journaled(), bench.calls());
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(journaled() <= tries + 2, "{} tries in three seconds", journaled() - tries);
        assert!(bench.calls() < calls + 150, "{} calls in three seconds", bench.calls() - calls);
        let health = engine.snapshot().borrow().sides[lack.system].health.clone();
        assert_eq!(health, Health::Ok, "the connection itself works");
        bench.running.control.set_behaviour(whole);
        until("the title crosses", || bench.title(to, there) == "Boss").await;
        until("nothing is held any more", || bench.permission(pair).is_none()).await;
        engine.stop().await;
    }
}
