//! Types keys and reads the screen of the list of objects.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::{Arc, Mutex};

use crossterm::event::KeyCode;

use super::adder::Adder;
use crate::engine::core::state::{RecordState, Status};
use crate::mapping::{Config, defaults};
use crate::model::{ChoiceOption, FieldDef, FieldKind, ObjectKind, Pause, PauseScope, Pauses, RecordId};
use crate::tui::tabs::desk::Desk;
use crate::tui::tabs::draft::source::Book;
use crate::tui::tabs::mappings::tests::book;
use crate::tui::tabs::testing::{FakeAdder, FakeConfig, FakeRecords, desk_of};
use crate::tui::testing::{FakeSource, NOW, Person, running};
use crate::tui::world::Settings;
use crate::view::testing::text_field;

fn config(book: Book) -> Arc<FakeConfig> {
    Arc::new(FakeConfig { book: book.into(), ..FakeConfig::default() })
}

fn records() -> Arc<FakeRecords> {
    let states = [RecordState::InSync, RecordState::InSync, RecordState::Held, RecordState::Pending];
    let row = |(id, state): (u64, RecordState)| Status {
        object: ObjectKind::Company,
        hubspot: Some(RecordId(id)),
        connectwise: None,
        link: None,
        name: format!("Acme {id}"),
        state,
        why: String::new(),
        since: NOW,
    };
    Arc::new(FakeRecords { rows: Mutex::new((1..).zip(states).map(row).collect()), ..FakeRecords::default() })
}

fn at(config: &Arc<FakeConfig>, adder: &Arc<FakeAdder>) -> Person {
    let adder = Arc::clone(adder) as Arc<dyn Adder>;
    let desk = Desk { adder, records: records(), ..desk_of(config) };
    let tabs = crate::tui::tabs::all(&desk);
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), tabs);
    person.types("2");
    person
}

/// A ConnectWise with those fields.
fn adder(fields: Vec<FieldDef>) -> Arc<FakeAdder> {
    Arc::new(FakeAdder { fields, is_connected: true, ..FakeAdder::default() })
}

fn options(name: &str, options: &[(&str, &str)]) -> FieldDef {
    let option = |(key, label): &(&str, &str)| ChoiceOption {
        key: (*key).into(),
        label: (*label).into(),
        ..ChoiceOption::default()
    };
    FieldDef { kind: FieldKind::Choice, options: options.iter().map(option).collect(), ..text_field(name) }
}

fn key_field() -> FieldDef {
    FieldDef { custom: true, label: "HubSpot key".into(), ..text_field("customFields/7") }
}

fn saved(config: &FakeConfig) -> Config {
    config.saved.lock().unwrap().last().unwrap().clone()
}

#[test]
fn the_tab_begins_with_the_objects_how_their_records_stand_and_what_is_wrong() {
    let mut broken = book();
    let mut draft = broken.deployed.clone().unwrap();
    let contacts = Arc::make_mut(&mut draft.config).object_mut(ObjectKind::Contact).unwrap();
    contacts.fields.retain(|field| field.connectwise.as_str() != "company");
    broken.draft = Some(draft);
    let mut person = at(&config(broken), &Arc::default());
    person.expects("▶   Companies   ↔  Companies              2        1       1");
    person.expects("  ~ Contacts    ↔  Contacts               0        0       0  2 errors");
    person.expects("4 records: 1 held, 1 pending, 2 in sync");
    person.expects("Contacts: No contact is created in HubSpot without");
    person.press(KeyCode::Down);
    person.expects("No record of it was decided on yet.");
    person.press(KeyCode::Enter);
    person.expects("Contacts  HubSpot ↔ ConnectWise");
    person.press(KeyCode::Esc);
    person.expects("▶ ~ Contacts");
    person.press(KeyCode::Up);
    person.types("L");
    person.expects("Acme 1");
}

#[test]
fn what_works_on_a_field_says_in_the_list_how_to_get_there() {
    let mut person = at(&config(book()), &Arc::default());
    for key in ["d", "w", "e", "v"] {
        person.types(key);
        person.expects("Enter opens the fields of an object first.");
    }
}

#[test]
fn a_paused_object_says_so_and_p_asks_about_the_one_under_the_cursor() {
    let mut person = at(&config(book()), &Arc::default());
    person.press(KeyCode::Down);
    person.types("p");
    person.expects("Pause: Contacts");
    person.press(KeyCode::Esc);
    let scope = PauseScope::new(Some(ObjectKind::Contact), None);
    let pauses = Pauses::new(vec![Pause { scope, by: "ann".into(), since: NOW, note: None }]);
    person.sees(crate::engine::driver::snapshot::Snapshot { pauses, ..running() });
    person.expects("0        0       0  paused");
}

#[test]
fn an_object_that_needs_nothing_is_added_after_a_question() {
    let (config, adder) = (config(book()), adder(Vec::new()));
    let mut person = at(&config, &adder);
    person.types("a");
    person.expects("Add: which records");
    person.types("product");
    person.press(KeyCode::Enter);
    person.expects("Add products to the draft");
    person.expects("No record is touched before the draft is deployed.");
    assert!(config.saved.lock().unwrap().is_empty(), "without a yes");
    person.press(KeyCode::Enter);
    person.expects("Products are in the draft. Made there: the property Key.");
    person.expects("▶ + Products    ←  Catalog items");
    let objects: Vec<_> = saved(&config).objects.iter().map(|mapping| mapping.object).collect();
    assert_eq!(objects, [ObjectKind::Company, ObjectKind::Contact, ObjectKind::Product]);
    assert_eq!(*adder.prepared.lock().unwrap(), [defaults::product()]);
}

#[test]
fn what_a_ticket_and_a_call_need_is_asked_for_one_after_the_other() {
    let boards = options("board", &[("1", "Desk"), ("2", "Alerts")]);
    let config = config(book());
    let mut person = at(&config, &adder(vec![key_field(), boards]));
    person.types("aticket");
    person.press(KeyCode::Enter);
    person.expects("On which board are new tickets?");
    person.types("alerts");
    person.press(KeyCode::Enter);
    person.expects("`customFields/7` “HubSpot key” carries the key");
    person.press(KeyCode::Enter);
    assert!(saved(&config).object(ObjectKind::Ticket).is_some());

    let types = options("type", &[("4", "Ring")]);
    let members = options("assignTo", &[("150", "Mia Vance")]);
    let mut person = at(&config, &adder(vec![key_field(), types, members]));
    person.types("acall");
    person.press(KeyCode::Enter);
    person.expects("Which activity type is theirs?");
    person.press(KeyCode::Enter);
    person.expects("Who gets calls of nobody?");
    person.types("mia");
    person.press(KeyCode::Enter);
    person.press(KeyCode::Enter);
    let call = saved(&config).object(ObjectKind::Call).cloned().unwrap();
    assert_eq!(call.activity_types, [4]);
    assert!(call.fields.iter().any(|field| field.default.connectwise.as_deref() == Some("150")));
}

#[test]
fn what_cannot_be_added_says_what_to_do_first() {
    let mut person = at(&config(book()), &adder(Vec::new()));
    person.types("aline");
    person.expects("need deals: add those first");
    person.press(KeyCode::Enter);
    person.expects("Add: which records");
    person.press(KeyCode::Esc);
    person.types("adeals");
    person.press(KeyCode::Enter);
    person.expects("Deals can't be added");
    person.press(KeyCode::Esc);
    let mut person = at(&config(book()), &Arc::default());
    person.types("adeals");
    person.press(KeyCode::Enter);
    person.expects("Nothing was added: a system was asked in vain.");
}

#[test]
fn an_object_leaves_the_draft_after_a_question_and_comes_back() {
    let config = config(book());
    let mut person = at(&config, &Arc::default());
    person.press(KeyCode::Down);
    person.types("-");
    person.expects("Contacts and all their field mappings leave the draft.");
    person.press(KeyCode::Enter);
    assert_eq!(saved(&config).objects.len(), 1);
    person.expects("▶ - Contacts");
    person.expects("removed");
    person.press(KeyCode::Enter);
    person.expects("This object is removed in the draft; u brings it back.");
    person.types("u");
    assert_eq!(saved(&config).objects, book().deployed.unwrap().config.objects);
}

#[test]
fn a_workspace_without_a_configuration_says_what_comes_first() {
    let config = Arc::new(FakeConfig::default());
    let mut person = at(&config, &Arc::default());
    person.expects("There is no configuration yet.");
    person.types("a");
    person.expects("There is no configuration yet: n proposes one.");
    person.types("n");
    person.expects("+ Companies");
    person.expects("+ Contacts");
}

#[test]
fn the_list_fits_every_size() {
    let mut person = at(&config(book()), &Arc::default());
    for size in [(60, 16), (80, 24), (200, 60)] {
        person.size = size;
        person.expects("Companies");
        assert!(person.rows().iter().all(|row| row.chars().count() <= usize::from(size.0)));
    }
}
