//! The tab Connections as a person uses it.

use std::time::Duration;

use crossterm::event::KeyCode;

use crate::engine::driver::snapshot::{Health, Role, Snapshot, Wait};
use crate::mapping::Harm;
use crate::model::{
    Access, BySystem, CallbackTrouble, Changed, Checkup, ObjectAccess, ObjectKind, Right, SchemaChange, System,
    Timestamp, Verb,
};
use crate::model::{Checked, Grade};
use crate::tui::testing::{FakeSource, NOW, Person, running};
use crate::tui::world::Connected;
use crate::view::objects::{ObjectRow, ObjectSide, Objects};
use crate::view::schema::Reading;

fn connected(expires: Option<Timestamp>, missing: &[&str]) -> Connected {
    Connected {
        tenant: None,
        schema_read: None,
        address: "https://api.hubapi.com".into(),
        account: "OAuth app 0123-abcd".into(),
        expires,
        missing_scopes: missing.iter().map(|scope| (*scope).to_owned()).collect(),
        silent: None,
    }
}

fn finding(grade: Grade, at: usize) -> Checked {
    Checked {
        grade,
        system: Some(System::HubSpot),
        object: Some(ObjectKind::Contact),
        what: format!("Finding {at} is about creating contacts, which is not allowed."),
        hurts: Vec::new(),
        remedy: "Add the scope crm.objects.contacts.write to the app.".into(),
    }
}

fn source() -> FakeSource {
    let removed = Changed::OptionRemoved { option: "Healthcare".into(), key: "12".into() };
    let change = SchemaChange { field: "market".into(), label: "Market".into(), what: removed };
    let harm =
        Harm { part: "company mapping industry~market".into(), what: "It is gone.".into(), remedy: "Map it.".into() };
    let reading = Reading {
        at: NOW,
        system: System::ConnectWise,
        object: ObjectKind::Company,
        changes: vec![(change, vec![harm])],
    };
    FakeSource {
        connected: BySystem::new(Some(connected(Some(NOW + Duration::from_secs(720)), &[])), None),
        drift: vec![reading],
        findings: (0..20).map(|at| finding(if at < 2 { Grade::Problem } else { Grade::Fine }, at)).collect(),
        ..FakeSource::default()
    }
}

fn person(source: FakeSource) -> Person {
    Person::with(running(), source)
}

#[test]
fn the_columns_tell_of_access_that_ends_and_of_schemas_that_changed() {
    let mut person = person(source());
    person.expects("renewed in 12 min");
    person.expects("! 1 change since 2");
    person.expects("no changes");
    person.expects("not connected");
    assert!(person.screen().contains("last error"), "every row has its place at 80×24:\n{}", person.screen());
    person.press(KeyCode::Right);
    person.expects("  lockstep connect connectwise --site URL");
    person.expects("--client-id GUID");
}

#[test]
fn a_change_that_hurts_is_told_without_being_asked_for() {
    let both = BySystem::new(Some(connected(None, &[])), Some(connected(None, &[])));
    let mut person = person(FakeSource { connected: both, ..source() });
    person.expects_not("hurts");
    person.press(KeyCode::Right);
    person.expects("A change in ConnectWise hurts the company mapping industry~market: It is gone.");
    person.expects("c shows all changes");
}

#[test]
fn a_system_that_does_not_call_back_is_told_with_the_next_step() {
    let trouble = CallbackTrouble { since: NOW, what: "It may not.".into(), remedy: "Set the row to All.".into() };
    let silent = Connected { silent: Some(trouble), ..connected(None, &[]) };
    let mut person = person(FakeSource { connected: BySystem::new(None, Some(silent)), ..source() });
    person.press(KeyCode::Right);
    person.expects("ConnectWise does not call back for all: It may not.");
    person.expects("Set the row to All.");
    person.expects("found by polling");
}

#[test]
fn where_room_is_short_the_last_error_still_has_its_place() {
    let mut snapshot = running();
    snapshot.sides.connectwise.last_error = Some((NOW, "It broke off.".into()));
    let both = BySystem::new(Some(connected(None, &[])), Some(connected(None, &[])));
    let mut person = Person::with(snapshot, FakeSource { connected: both, ..source() });
    person.size = (80, 21);
    person.press(KeyCode::Right);
    person.expects("hurts the company mapping");
    person.expects("last error");
    person.expects_not("next try");
}

#[test]
fn scopes_that_are_missing_are_named_before_anything_fails() {
    let lacking = connected(None, &["crm.lists.read", "tickets"]);
    let person = person(FakeSource { connected: BySystem::new(Some(lacking), None), ..FakeSource::default() });
    person.expects("lacks crm.lists.read and 1 more");
}

#[test]
fn the_doctor_says_how_bad_before_what_and_what_to_do_after() {
    let mut person = person(source());
    person.press(KeyCode::Char('d'));
    person.expects("2 problems, 0 warnings, 18 fine");
    let screen = person.screen();
    let place = |text: &str| screen.find(text).unwrap_or_else(|| panic!("{text}:\n{screen}"));
    assert!(place("problem  HubSpot, contact: Finding 0") < place("next: Add the scope crm.objects.contacts.write"));
    person.expects("more lines");
    person.press(KeyCode::End);
    person.expects("Finding 19");
    person.expects_not("Finding 0 ");
    person.press(KeyCode::Char('y'));
    assert!(person.copied[0].contains("Finding 0") && person.copied[0].contains("Finding 19"), "all of it is copied");
    person.press(KeyCode::Esc);
    person.expects("not connected");
}

#[test]
fn a_doctor_that_cannot_read_the_workspace_says_so_and_can_be_asked_again() {
    let mut person = person(FakeSource { broken: true, ..source() });
    person.press(KeyCode::Char('d'));
    person.press(KeyCode::Char('!'));
    person.expects("The doctor could not look at the workspace.");
    person.press(KeyCode::Esc);
    person.press(KeyCode::Char('d'));
    person.expects_not("at work already");
}

#[test]
fn schema_changes_name_the_mapping_they_hurt() {
    let mut person = person(source());
    person.press(KeyCode::Char('c'));
    person.expects("Schema changes");
    person.expects("option removed");
    person.expects("hurts company mapping industry~market: It is gone. Map it.");
    person.press(KeyCode::Esc);
    person.expects_not("option removed");
}

#[test]
fn without_changes_the_panel_says_that_there_are_none() {
    let mut person = person(FakeSource::default());
    person.press(KeyCode::Char('c'));
    person.expects("Nothing changed in the fields of either system");
}

#[test]
fn a_broken_connection_says_why_and_what_helps() {
    let mut snapshot = running();
    snapshot.sides.hubspot.health =
        Health::Broken { message: "HubSpot does not accept the token.".into(), hint: "Enter it again.".into() };
    snapshot.next_poll = Some(NOW + Duration::from_secs(50));
    let person = Person::with(snapshot, source());
    person.expects("HubSpot can't be used now: HubSpot does not accept the token.");
    person.expects("Enter it again.");
    person.expects("broken, next try in 50 s");
    person.expects("goes on by itself in 50 s");
}

#[test]
fn a_pause_that_the_system_asks_for_is_told_with_its_end() {
    let mut snapshot = running();
    let hubspot = &mut snapshot.sides.hubspot;
    hubspot.last_error = Some((NOW, "HubSpot asks for a pause (429): you have reached your limit.".into()));
    hubspot.wait = Some(Wait { until: NOW + Duration::from_secs(30), asked: true });
    let both = BySystem::new(Some(connected(None, &[])), Some(connected(None, &[])));
    let mut person = Person::with(snapshot.clone(), FakeSource { connected: both, drift: Vec::new(), ..source() });
    person.expects("HubSpot limited");
    person.expects("limited, goes on in 30 s");
    person.expects("HubSpot asks for a pause (429): you have reached your limit.");
    snapshot.sides.hubspot.wait = Some(Wait { until: NOW + Duration::from_secs(4), asked: false });
    person.sees(snapshot);
    person.expects("HubSpot failing");
    person.expects("failing, next try in 4 s");
}

/// Companies and contacts, of which HubSpot lets nobody write contacts.
fn objects() -> Objects {
    let side = |known| ObjectSide { known, read: Some(NOW - Duration::from_secs(40)), wants: Verb::ALL.to_vec() };
    let row = |object, left, right| ObjectRow { object, sides: BySystem::new(side(left), side(right)) };
    let all = Access { read: Some(Right::Allowed), create: Some(Right::Allowed), update: Some(Right::Allowed) };
    let none = Access { create: Some(Right::Denied), update: Some(Right::Denied), ..all };
    let access = |system, object, access| ObjectAccess { system, object, access };
    let access = vec![
        access(System::HubSpot, ObjectKind::Company, all),
        access(System::HubSpot, ObjectKind::Contact, none),
        access(System::ConnectWise, ObjectKind::Company, all),
    ];
    let rows = vec![row(ObjectKind::Company, 46, 3012), row(ObjectKind::Contact, 65, 2_400_000)];
    let findings = vec![finding(Grade::Problem, 7), finding(Grade::Warning, 8)];
    Objects { rows, checkup: Some(Checkup { at: NOW - Duration::from_secs(120), findings, access }) }
}

#[test]
fn every_object_tells_what_is_known_of_it_and_what_may_be_done() {
    let both = BySystem::new(Some(connected(None, &[])), Some(connected(None, &[])));
    let source = FakeSource { connected: both, objects: objects(), drift: Vec::new(), ..source() };
    let mut snapshot = running();
    let scope = crate::model::PauseScope::new(None, Some(System::ConnectWise));
    snapshot.pauses.add(crate::model::Pause { scope, by: "ann".into(), since: NOW, note: None });
    let mut person = Person::with(snapshot, source);
    let row = |person: &Person, name: &str| {
        let rows = person.rows();
        rows.iter().find(|row| row.trim_start().starts_with(name)).cloned().unwrap_or_default()
    };
    let words = |row: String| row.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
    assert_eq!(words(row(&person, "Companies")), "Companies 46 40 s read, write 3,012 40 s read, paused");
    assert_eq!(words(row(&person, "Contacts")), "Contacts 65 40 s no write 2.4 M 40 s paused");
    person.press(KeyCode::Down);
    person.expects("46 companies of HubSpot known; changes were last read 40 s ago.");
    person.press(KeyCode::Down);
    assert!(row(&person, "Contacts").is_empty(), "the marker stands before it");
    person.expects("▶ Contacts");
    person.expects("Finding 7 is about creating contacts, which is not allowed.");
    person.expects("Add the scope crm.objects.contacts.write to the app.");
    person.expects("The doctor looked 2 min ago and found 1 problem, 1 warning; d looks again.");
    person.press(KeyCode::Right);
    person.expects("2,400,000 contacts of ConnectWise known");
    person.expects_not("Finding 7");
    person.press(KeyCode::Enter);
    person.expects("[4 Records]");
    person.types("1");
    person.press(KeyCode::Home);
    person.press(KeyCode::Enter);
    person.expects("records: Select an object first");
}

#[test]
fn where_objects_are_many_the_selected_one_and_the_state_are_seen() {
    let side = ObjectSide { known: 1, read: None, wants: vec![Verb::Read] };
    let rows = ObjectKind::ALL.map(|object| ObjectRow { object, sides: BySystem::new(side.clone(), side.clone()) });
    let both = BySystem::new(Some(connected(None, &[])), Some(connected(None, &[])));
    let objects = Objects { rows: rows.into(), checkup: None };
    let mut person = Person::with(running(), FakeSource { connected: both, objects, ..FakeSource::default() });
    for (size, visible) in [((80, 24), 10), ((80, 16), 3)] {
        person.size = size;
        person.press(KeyCode::End);
        person.expects("▶ Meetings");
        person.expects("state");
        let shown = ObjectKind::ALL.iter().filter(|object| person.screen().contains(object.plural())).count();
        assert!(shown >= visible, "{shown} of 10:\n{}", person.screen());
        person.press(KeyCode::Home);
        person.expects("Companies");
    }
}

#[test]
fn whoever_comes_because_of_trouble_sees_it_first_and_keys_stay_where_they_are() {
    let mut snapshot = running();
    let broken = Health::Broken { message: "ConnectWise refused the keys.".into(), hint: "Enter them again.".into() };
    snapshot.sides.connectwise.health = broken.clone();
    let both = || BySystem::new(Some(connected(None, &[])), Some(connected(None, &[])));
    let person = Person::with(snapshot.clone(), FakeSource { connected: both(), ..FakeSource::default() });
    person.expects("ConnectWise can't be used now: ConnectWise refused the keys.");
    let mut there = Person::with(running(), FakeSource { connected: both(), ..FakeSource::default() });
    there.sees(snapshot);
    there.expects_not("can't be used now");
}

#[test]
fn pastes_and_tiny_windows_do_no_harm() {
    for size in [(1, 1), (5, 3), (20, 6), (39, 10), (200, 60)] {
        for key in ['d', 'c'] {
            let mut person = person(source());
            person.size = size;
            person.press(KeyCode::Char(key));
            person.pastes("q\u{1b}[2Jdddd\nxyz");
            person.press(KeyCode::PageDown);
            person.press(KeyCode::End);
            assert_eq!(person.rows().len(), usize::from(size.1));
            assert!(!person.has_quit, "a paste is no key");
        }
    }
}

#[test]
fn a_long_word_about_trouble_leaves_room_for_the_calls_and_the_last_error() {
    let mut snapshot = running();
    let long =
        "ConnectWise answered with a page that is not for programs, and it says a great deal about it. ".repeat(6);
    snapshot.sides.hubspot.health = Health::Broken { message: long.clone(), hint: "Look at the proxy.".into() };
    snapshot.sides.hubspot.last_error = Some((NOW, long));
    snapshot.sides.hubspot.calls = 4711;
    let both = BySystem::new(Some(connected(None, &[])), Some(connected(None, &[])));
    let mut person = Person::with(snapshot, FakeSource { connected: both, ..source() });
    for size in [(80, 24), (80, 21), (60, 16)] {
        person.size = size;
        let screen = person.screen();
        assert!(screen.contains("state"), "{size:?}:\n{screen}");
        assert!(size.1 < 21 || screen.contains("4,711") && screen.contains("last error"), "{size:?}:\n{screen}");
    }
}

#[test]
fn a_first_answer_that_makes_no_sense_is_not_called_untried() {
    let mut snapshot = running();
    snapshot.sides.hubspot.last_error = Some((NOW, "HubSpot's answer cannot be read.".into()));
    let both = BySystem::new(Some(connected(None, &[])), Some(connected(None, &[])));
    let person = Person::with(snapshot, FakeSource { connected: both, drift: Vec::new(), ..source() });
    person.expects("HubSpot failing");
    person.expects("HubSpot's answer cannot be read.");
}

#[test]
fn a_right_that_is_missing_is_told_while_the_connection_works() {
    let mut snapshot = running();
    snapshot.sides.connectwise.missing_rights = vec!["ConnectWise does not let its contacts be read.".into()];
    let both = BySystem::new(Some(connected(None, &[])), Some(connected(None, &[])));
    let mut person = Person::with(snapshot, FakeSource { connected: both, drift: Vec::new(), ..source() });
    person.press(KeyCode::Right);
    person.expects("ConnectWise does not let its contacts be read.");
}

#[test]
fn without_an_engine_no_key_of_its_is_promised() {
    let both = || BySystem::new(Some(connected(None, &[])), Some(connected(None, &[])));
    let shown = |role| {
        let snapshot = Snapshot { role, ..Snapshot::default() };
        Person::with(snapshot, FakeSource { connected: both(), drift: Vec::new(), ..source() }).screen()
    };
    let off = shown(Role::Stopped { reason: "Nothing is deployed.".into(), hint: "Deploy.".into() });
    assert!(off.contains("Nothing is deployed. Deploy.") && !off.contains("t tests"), "{off}");
    let viewer = shown(Role::Viewer { holder: "web1".into() });
    assert!(viewer.contains("runs in web1") && !viewer.contains("t tests"), "{viewer}");
    let starting = shown(Role::Starting { what: "HubSpot: the company fields".into() });
    assert!(starting.contains("The engine is starting. HubSpot: the company fields"), "{starting}");
    assert!(shown(Role::Holder).contains("t tests both"));
}

#[test]
fn the_age_of_the_schemas_is_told_and_a_new_reading_is_fetched() {
    let read = Connected { schema_read: Some(NOW - Duration::from_secs(300)), ..connected(None, &[]) };
    let both = BySystem::new(Some(read), Some(connected(None, &[])));
    let source = FakeSource { connected: both, drift: Vec::new(), ..source() };
    let looks = std::sync::Arc::clone(&source.looks);
    let mut person = Person::with(running(), source);
    person.expects("no changes, read 5 min ago");
    let looks = || looks.load(std::sync::atomic::Ordering::Relaxed);
    let before = looks();
    person.sees(Snapshot { schemas_read: Some(NOW), ..running() });
    assert_eq!(looks(), before + 1);
    person.sees(Snapshot { schemas_read: Some(NOW), revision: 9, ..running() });
    assert_eq!(looks(), before + 1, "nothing new was read");
}
