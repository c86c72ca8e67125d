//! Types keys and reads the screen of the Records tab.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::{Arc, Mutex};

use crossterm::event::KeyCode;

use super::source::Opened;
use crate::engine::core::command::{Ask, Reply};
use crate::engine::core::plan::{FieldNext, PairDecision, PlannedWrite, PushReport};
use crate::engine::core::state::{Exchange, FieldWrite, HistoryEntry, IntentKind, Issue, RecordState, Status};
use crate::engine::driver::snapshot::{Role, Snapshot};
use crate::model::{
    BySystem, FieldDef, FieldKind, IntentId, LinkId, ObjectKind, RecordId, RecordRef, RunId, System, Timestamp, Value,
};
use crate::tui::tab::{Picked, TabId, Target};
use crate::tui::tabs::desk::Desk;
use crate::tui::tabs::testing::{FakeRecords, FakeSimulated};
use crate::tui::testing::{FakeSource, NOW, Person, running};
use crate::tui::world::Settings;
use crate::view::push::HttpPreview;
use crate::view::relatives::{Relative, Relatives};
use crate::view::testing::{acme, company, conflict, field, link, observation, schemas, text_field};

fn row(name: &str, state: RecordState, hubspot: u64, connectwise: Option<u64>, why: &str) -> Status {
    Status {
        object: ObjectKind::Company,
        hubspot: Some(RecordId(hubspot)),
        connectwise: connectwise.map(RecordId),
        link: connectwise.map(LinkId),
        name: name.into(),
        state,
        why: why.into(),
        since: Timestamp(NOW.0 - 120_000),
    }
}

fn opened() -> Opened {
    let (left, right) = (company(System::HubSpot, 18_273_645), company(System::ConnectWise, 4021));
    let mut hubspot = observation(left, 4, Some("Dana Poe"));
    hubspot.record.fields.insert("phone".into(), Value::text("+1 555 0100"));
    Opened {
        plan: acme(),
        link: Some(link()),
        observations: BySystem::new(Some(hubspot), Some(observation(right, 2, None))),
        schemas: Some(Arc::new(schemas())),
        relatives: Relatives::default(),
    }
}

fn write() -> PlannedWrite {
    PlannedWrite {
        object: ObjectKind::Company,
        system: System::ConnectWise,
        kind: IntentKind::Update,
        target: Some(RecordId(4021)),
        source: RecordId(18_273_645),
        fields: vec![FieldWrite {
            key: None,
            field: "city".into(),
            before: Value::text("Dallas"),
            after: Value::text("Austin"),
            source: Value::text("Austin"),
            beside: BySystem::default(),
            loser: None,
            why: "changed in HubSpot".into(),
        }],
        stamp: None,
    }
}

fn records() -> FakeRecords {
    FakeRecords {
        rows: Mutex::new(vec![
            row("Acme Dental Group", RecordState::Conflict, 18_273_645, Some(4021), "phone"),
            row("Acme Supply", RecordState::Pending, 18_273_700, Some(4022), "→ city"),
            row("Borealis", RecordState::InSync, 18_280_200, Some(3977), ""),
        ]),
        opened: Mutex::new(Some(opened())),
        history: vec![HistoryEntry {
            run: RunId(3),
            intent: IntentId(1),
            link: None,
            record: company(System::HubSpot, 18_273_645),
            system: System::HubSpot,
            field: "zip".into(),
            before: Value::Empty,
            after: Value::text("75001"),
            loser: None,
            why: "filled".into(),
            at: NOW,
        }],
        exchanges: vec![Exchange {
            record: company(System::ConnectWise, 4021),
            at: NOW,
            method: "PATCH".into(),
            path: "company/companies/4021".into(),
            request: "[{\"op\":\"replace\"}]".into(),
            status: Some(400),
            response: "zip is too long".into(),
            took_ms: 120,
        }],
        requests: vec![HttpPreview {
            system: System::ConnectWise,
            method: "PATCH".into(),
            path: "company/companies/4021".into(),
            body: "[{\"op\":\"replace\",\"path\":\"city\",\"value\":\"Austin\"}]".into(),
        }],
        broken: false,
        asked: Mutex::default(),
    }
}

fn console(records: &Arc<FakeRecords>, snapshot: Snapshot, simulated: Option<Arc<FakeSimulated>>) -> Person {
    let simulated = simulated.map(|simulated| simulated as Arc<dyn super::source::Simulated>);
    let records = Arc::clone(records) as Arc<dyn super::source::RecordSource>;
    let desk = Desk { records, simulated, ..crate::tui::tabs::testing::desk() };
    let tabs = crate::tui::tabs::all(&desk);
    let mut person = Person::at(snapshot, FakeSource::default(), Settings::default(), tabs);
    person.types("4");
    person
}

fn person() -> Person {
    console(&Arc::new(records()), running(), None)
}

/// In the record of Acme Dental Group.
fn in_record() -> Person {
    let mut person = person();
    person.press(KeyCode::Enter);
    person
}

#[test]
fn the_list_shows_states_with_numbers_and_rows_with_reasons() {
    let person = person();
    person.expects("Companies [all 3] conflict 1  pending 1  in sync 1");
    person.expects("3 of 3");
    person.expects("▶ conflict  Acme Dental Group");
    person.expects("18273700     4022          2 min → city");
    person.expects("Acme Dental Group  conflict for 2 min");
}

#[test]
fn left_and_right_go_through_the_states_and_esc_shows_all() {
    let mut person = person();
    person.press(KeyCode::Right);
    person.expects("[conflict 1]");
    person.expects_not("Acme Supply");
    person.press(KeyCode::Right);
    person.expects("[pending 1]");
    person.expects("▶ pending   Acme Supply");
    person.press(KeyCode::Esc);
    person.expects("[all 3]");
    person.expects("Borealis");
}

#[test]
fn a_search_finds_by_name_or_id_and_says_when_there_is_nothing() {
    let mut person = person();
    person.types("/3977");
    person.press(KeyCode::Enter);
    person.expects("▶ in sync   Borealis");
    person.expects("1 of 3");
    person.types("/");
    person.types("x");
    person.expects("Nothing is called “3977x”");
    person.press(KeyCode::Enter);
    person.press(KeyCode::Esc);
    person.expects("Acme Supply");
}

#[test]
fn an_opened_record_shows_what_differs_and_why() {
    let mut person = in_record();
    person.expects("Companies › Acme Dental Group");
    person.expects("read 4 s ago");
    person.expects("linked 2026-03-02 by domain = website");
    person.expects("▶ Phone");
    person.expects("City           > Austin");
    person.expects("3 differ · 2 same hidden");
    person.expects("both changed since 2026-11-20 09:14");
    person.expects("next attempt when decided");
    person.types("j");
    person.expects("next attempt with the next run");
    person.types("a");
    person.expects("= mapped");
    person.expects("3 differ · 2 same");
    person.press(KeyCode::Esc);
    person.expects("▶ conflict  Acme Dental Group");
}

#[test]
fn a_conflict_is_ended_by_taking_one_side_and_only_a_conflict() {
    let mut person = in_record();
    person.types("c");
    let Some(Ask::Decide { link, field, winner }) = person.engine.asked().pop() else { panic!("nothing was decided") };
    assert_eq!((link, winner), (LinkId(9), System::ConnectWise));
    assert_eq!(field.unwrap().as_str(), "phone~phoneNumber");
    person.expects("ConnectWise's value goes to HubSpot");
    person.types("jh");
    assert_eq!(person.engine.asked().len(), 1, "a field that is not in conflict was decided");
    person.expects("This field is not in conflict");
}

#[test]
fn a_push_is_shown_before_it_is_sent() {
    let mut person = in_record();
    let plan = crate::engine::core::plan::PairPlan { decision: PairDecision::Write(vec![write()]), ..acme() };
    let record = company(System::HubSpot, 18_273_645);
    let report = |sent, outcomes| Reply::Pushed(Box::new(PushReport { record, plan: plan.clone(), sent, outcomes }));
    *person.engine.reply.lock().unwrap() = report(false, vec![]);
    person.types("p");
    assert_eq!(person.engine.asked(), [Ask::Push { record, to: System::ConnectWise, dry_run: true }]);
    person.expects("Push to ConnectWise");
    person.expects("PATCH company/companies/4021");
    person.expects("\"value\":\"Austin\"");
    person.expects("Enter send");
    *person.engine.reply.lock().unwrap() = report(true, vec![(System::ConnectWise, Ok(()))]);
    person.press(KeyCode::Enter);
    assert_eq!(person.engine.asked().last(), Some(&Ask::Push { record, to: System::ConnectWise, dry_run: false }));
    person.expects("ConnectWise took it.");
}

#[test]
fn esc_in_the_preview_sends_nothing_and_a_refusal_says_what_to_do() {
    let mut person = in_record();
    let plan = crate::engine::core::plan::PairPlan { decision: PairDecision::Write(vec![write()]), ..acme() };
    let record = company(System::HubSpot, 18_273_645);
    *person.engine.reply.lock().unwrap() =
        Reply::Pushed(Box::new(PushReport { record, plan, sent: false, outcomes: vec![] }));
    person.types("p");
    person.press(KeyCode::Esc);
    assert_eq!(person.engine.asked().len(), 1, "something was sent");
    *person.engine.reply.lock().unwrap() =
        Reply::Refused { reason: "ConnectWise is not connected.".into(), hint: "Connect it in tab 1.".into() };
    person.types("p");
    person.expects("ConnectWise is not connected. Connect it in tab 1.");
}

#[test]
fn trace_history_and_last_request_can_be_read() {
    let mut person = in_record();
    person.types("x");
    person.expects("Why it is as it is");
    person.expects("to HubSpot: pass not deleted");
    person.press(KeyCode::Esc);
    person.types("t");
    person.expects("History");
    person.expects("75001");
    person.press(KeyCode::Esc);
    person.types("l");
    person.expects("PATCH company/companies/4021");
    person.expects("zip is too long");
    person.expects("400");
}

#[test]
fn in_the_demo_a_field_of_either_side_can_be_edited() {
    let simulated = Arc::new(FakeSimulated::default());
    let mut person = console(&Arc::new(records()), running(), Some(Arc::clone(&simulated)));
    person.press(KeyCode::Enter);
    person.types("e");
    person.expects("In which system?");
    person.press(KeyCode::Enter);
    person.expects("HubSpot: phone");
    person.expects("+1 555 0100");
    person.types("9");
    person.press(KeyCode::Enter);
    let edits = simulated.edits.lock().unwrap().clone();
    assert_eq!(edits, [(company(System::HubSpot, 18_273_645), "phone".into(), "+1 555 01009".to_owned())]);
    person.expects("HubSpot phone is now +1 555 01009.");
}

#[test]
fn the_record_on_the_screen_follows_the_engine() {
    let records = Arc::new(records());
    let mut person = console(&records, running(), None);
    person.press(KeyCode::Enter);
    let mut changed = opened();
    changed.plan.name = "Acme Dental Holding".into();
    *records.opened.lock().unwrap() = Some(changed);
    person.sees(Snapshot { queue: 1, ..running() });
    person.expects_not("Acme Dental Holding");
    person.sees(Snapshot { revision: 2, ..running() });
    person.expects("Companies › Acme Dental Holding");
    *records.opened.lock().unwrap() = None;
    person.sees(Snapshot { revision: 3, ..running() });
    person.expects("Nothing is known of HubSpot company 18273645.");
}

#[test]
fn without_an_engine_one_can_look_but_not_decide() {
    let viewer = Snapshot { role: Role::Viewer { holder: "host:7".into() }, ..Snapshot::default() };
    let mut person = console(&Arc::new(records()), viewer, None);
    person.press(KeyCode::Enter);
    person.types("h");
    person.expects("The engine runs in host:7");
    assert_eq!(person.engine.asked(), []);
}

#[test]
fn what_cannot_be_read_is_said_once_and_empty_lists_teach() {
    let broken = FakeRecords { broken: true, ..records() };
    let person = console(&Arc::new(broken), running(), None);
    person.expects("The records could not be read.");
    let person = console(&Arc::new(FakeRecords::default()), running(), None);
    person.expects("No companies are known yet.");
    person.expects("s looks at both now");
}

#[test]
fn every_size_and_hostile_names_are_drawn() {
    let records = records();
    records.rows.lock().unwrap()[0].name = "Ac\u{1b}[2Jme \u{202e}日本語👩‍🚀".into();
    let mut person = console(&Arc::new(records), running(), None);
    for (open, columns, rows) in [(false, 60, 16), (false, 200, 60), (true, 60, 16), (true, 83, 25), (true, 200, 60)] {
        if open {
            person.press(KeyCode::Enter);
        }
        person.size = (columns, rows);
        let screen = person.screen();
        assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'), "{screen}");
        assert!(screen.contains(if open { "Phone" } else { "conflict" }), "{screen}");
    }
}

/// The console on companies and one contact of the first of them.
fn with_a_contact() -> Person {
    let records = records();
    let contact =
        Status { object: ObjectKind::Contact, ..row("Amy Lin", RecordState::Waiting, 77, None, "waits for it") };
    records.rows.lock().unwrap().push(contact);
    console(&Arc::new(records), running(), None)
}

#[test]
fn o_lists_the_other_object_and_comes_back() {
    let mut person = with_a_contact();
    person.expects("Companies [all 3]");
    person.expects("o Contacts 1");
    person.types("o");
    person.expects("Contacts [all 1] waiting 1");
    person.expects("▶ waiting   Amy Lin");
    person.expects("o Companies 3");
    person.types("o");
    person.expects("▶ conflict  Acme Dental Group");
    let mut alone = self::person();
    alone.types("o");
    alone.expects("Only companies are mapped.");
}

#[test]
fn what_is_searched_for_stays_when_the_object_changes_and_the_state_does_not() {
    let mut person = with_a_contact();
    person.types("/amy");
    person.press(KeyCode::Enter);
    person.expects("0 of 3");
    person.types("o");
    person.expects("1 of 1");
    person.expects("▶ waiting   Amy Lin");
}

#[test]
fn a_related_record_is_opened_and_esc_comes_back() {
    let relatives = |names: &[&str]| {
        let relative = |(id, name): (u64, &&str)| Relative {
            anchor: RecordRef::new(ObjectKind::Contact, System::HubSpot, RecordId(id)),
            name: (*name).to_owned(),
            state: RecordState::Waiting,
        };
        let mut relatives = Relatives::default();
        relatives.below = (70..).zip(names).map(relative).collect();
        relatives
    };
    let records = Arc::new(records());
    let mut person = console(&records, running(), None);
    records.opened.lock().unwrap().as_mut().unwrap().relatives = relatives(&["Amy Lin", "Raj Patel"]);
    person.press(KeyCode::Enter);
    person.expects("Acme Dental Group with 2 contacts");
    person.types("b");
    person.expects("Related records");
    person.expects("contact · waiting · belongs to it");
    records.opened.lock().unwrap().as_mut().unwrap().plan.name = "Amy Lin".into();
    person.press(KeyCode::Enter);
    person.expects("Companies › Amy Lin");
    assert_eq!(records.asked.lock().unwrap().last().unwrap().id, RecordId(70));
    person.press(KeyCode::Esc);
    assert_eq!(records.asked.lock().unwrap().last().unwrap().id, RecordId(18_273_645));
    person.press(KeyCode::Esc);
    person.expects("[all 3]");
}

#[test]
fn enter_on_a_reference_opens_the_record_it_points_to() {
    let mut opened = opened();
    let parent = company(System::HubSpot, 5);
    let mut schemas = schemas();
    let kind = FieldKind::Reference(ObjectKind::Company);
    schemas.hubspot.fields.push(FieldDef { kind, ..text_field("zzparent") });
    opened.schemas = Some(Arc::new(schemas));
    let points = field(("zzparent", "company"), Value::text("5"), None, Value::Empty, FieldNext::Decide);
    opened.plan.fields = vec![points];
    opened.relatives = Relatives::default().with_above(parent, "Kestrel Dental", RecordState::Conflict);
    let records = Arc::new(FakeRecords { opened: Mutex::new(Some(opened)), ..records() });
    let mut person = console(&records, running(), None);
    person.press(KeyCode::Enter);
    person.expects("Acme Dental Group of Kestrel Dental");
    person.press(KeyCode::Enter);
    assert_eq!(*records.asked.lock().unwrap().last().unwrap(), parent);
}

#[test]
fn an_issue_leads_to_the_records_of_its_object_and_a_lag_names_the_objects() {
    let records = records();
    let contact = Status { object: ObjectKind::Contact, ..row("Amy Lin", RecordState::Conflict, 77, None, "phone") };
    records.rows.lock().unwrap().push(contact);
    let record = RecordRef::new(ObjectKind::Contact, System::HubSpot, RecordId(77));
    let issues = crate::view::activity::group(&[Issue { record, ..conflict() }]);
    let then = Timestamp(NOW.0 - 42_000);
    let oldest = BySystem::new(Some(then), None);
    let snapshot = Snapshot {
        oldest_change: oldest,
        oldest_by_object: [(ObjectKind::Company, BySystem::default()), (ObjectKind::Contact, oldest)].into(),
        ..running()
    };
    let desk = Desk { records: Arc::new(records), ..crate::tui::tabs::testing::desk() };
    let source = FakeSource { issues, ..FakeSource::default() };
    let mut person = Person::at(snapshot, source, Settings::default(), crate::tui::tabs::all(&desk));
    person.types("5");
    person.expects("42 s   contacts 42 s");
    person.expects("conflict    contact");
    person.expects("1 contact, needs a person");
    person.press(KeyCode::Enter);
    person.expects("Contacts  all 1 [conflict 1]");
    person.expects("▶ conflict  Amy Lin");
}

#[test]
fn the_records_behind_a_number_are_listed_until_esc_goes_back_to_it() {
    let records = Arc::new(records());
    let mut person = console(&records, running(), None);
    let picked: Vec<_> = records.rows.lock().unwrap().iter().skip(1).map(Status::anchor).collect();
    assert_eq!(picked.len(), 2);
    let title = "companies that leave the filter".to_owned();
    person.types("1");
    let picked = Picked { object: ObjectKind::Company, title, records: picked, total: 31_902 };
    person.is_sent(TabId::Records, Target::These(Arc::new(picked), TabId::Connections));
    person.expects("companies that leave the filter   Esc back to Connections");
    person.expects("2 of 31,902");
    person.expects_not("Acme Dental Group");
    person.press(KeyCode::Esc);
    person.expects("[1 Connections]");
    person.types("4");
    person.expects("Acme Dental Group");
    person.expects("3 of 3");
}
