//! Types keys and reads the screen of the page of an object, of the rarer settings of a field, and of what is unusual.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::{Arc, Mutex};

use crossterm::event::KeyCode;

use super::tests::book;
use crate::engine::core::state::{RecordState, Status};
use crate::mapping::{Config, Direction, MatchBy, ObjectMapping, Overflow, defaults};
use crate::model::{FieldKind, ObjectKind, RecordId, System};
use crate::tui::tabs::desk::Desk;
use crate::tui::tabs::testing::{FakeConfig, FakeRecords, desk_of};
use crate::tui::testing::{FakeSource, NOW, Person, running};
use crate::tui::world::Settings;

fn config() -> Arc<FakeConfig> {
    Arc::new(FakeConfig { book: book().into(), ..FakeConfig::default() })
}

fn at(config: &Arc<FakeConfig>, keys: &str) -> Person {
    let row = |id: u64, name: &str| Status {
        object: ObjectKind::Company,
        hubspot: Some(RecordId(id)),
        connectwise: Some(RecordId(id + 1000)),
        link: None,
        name: name.into(),
        state: RecordState::InSync,
        why: String::new(),
        since: NOW,
    };
    let rows = Mutex::new(vec![row(7, "Acme"), row(8, "Acme Roofing"), row(9, "Catchall")]);
    let desk = Desk { records: Arc::new(FakeRecords { rows, ..FakeRecords::default() }), ..desk_of(config) };
    let tabs = crate::tui::tabs::all(&desk);
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), tabs);
    person.types("2");
    person.press(KeyCode::Enter);
    person.types(keys);
    person
}

fn saved(config: &FakeConfig) -> ObjectMapping {
    let config: Config = config.saved.lock().unwrap().last().unwrap().clone();
    config.objects[0].clone()
}

fn down(person: &mut Person, rows: usize) {
    for _ in 0..rows {
        person.press(KeyCode::Down);
    }
}

#[test]
fn the_direction_of_the_object_stands_above_the_fields_and_they_keep_their_own() {
    let config = config();
    let mut person = at(&config, "O");
    person.expects("Companies › the object");
    person.expects("▶   direction               HubSpot ↔ ConnectWise");
    person.press(KeyCode::Enter);
    person.expects("▶ ~ direction               HubSpot → ConnectWise");
    let now = saved(&config);
    assert_eq!(now.direction, Direction::ToConnectwise);
    assert_eq!(now.fields, book().deployed.unwrap().config.objects[0].fields);
    person.expects("made in HubSpot         no: nothing goes there");
    person.press(KeyCode::Esc);
    person.expects("Companies  HubSpot → ConnectWise");
}

#[test]
fn what_is_made_where_and_who_wins_a_tie_are_turned() {
    let config = config();
    let mut person = at(&config, "O");
    down(&mut person, 1);
    person.press(KeyCode::Enter);
    assert!(!saved(&config).create.hubspot);
    person.expects("~ made in HubSpot         no, only linked");
    down(&mut person, 2);
    person.press(KeyCode::Enter);
    person.expects("~ tie                     ConnectWise wins");
    for key in ["d", "w", "v"] {
        person.types(key);
        person.expects("Go back to the mappings first, with Esc.");
    }
}

#[test]
fn match_rules_are_added_moved_turned_and_removed() {
    let config = config();
    let mut person = at(&config, "O");
    down(&mut person, 4);
    person.expects("▶   matched by              domain = website");
    person.types("]");
    let rules: Vec<_> = saved(&config).matching.iter().map(|rule| rule.in_words()).collect();
    assert_eq!(rules, ["name = name", "domain = website"]);
    person.expects("▶ ~   then by               domain = website");
    person.types("]");
    person.expects("It is at the end of the match rules already.");
    person.press(KeyCode::Enter);
    assert_eq!(saved(&config).matching[1].by, MatchBy::Digits);
    person.types("-");
    assert_eq!(saved(&config).matching.len(), 1);
    person.press(KeyCode::Home);
    down(&mut person, 4);
    person.types("a");
    person.expects("Match by: the HubSpot field");
    person.types("founded");
    person.expects("a date can't be matched by");
    person.press(KeyCode::Esc);
    person.types("amotto");
    person.press(KeyCode::Enter);
    person.expects("Match by motto: the ConnectWise field");
    person.types("motto");
    person.press(KeyCode::Enter);
    person.expects("Added as the last match rule, by the same text.");
    assert_eq!(saved(&config).matching[1].in_words(), "motto = motto");
}

#[test]
fn a_record_is_left_out_by_its_name_and_let_in_again() {
    let config = config();
    let mut person = at(&config, "O");
    down(&mut person, 6);
    person.expects("▶   left out                no record");
    person.types("a");
    person.types("connectwise");
    person.press(KeyCode::Enter);
    person.expects("Leave out which ConnectWise record?");
    person.types("acme");
    person.press(KeyCode::Enter);
    person.expects("Which record?");
    person.types("roofing");
    person.press(KeyCode::Enter);
    assert_eq!(saved(&config).exclude.connectwise, [1008]);
    person.expects("▶ ~ left out in ConnectWise 1008");
    person.types("a");
    person.types("catch");
    person.press(KeyCode::Enter);
    assert_eq!(saved(&config).exclude.connectwise, [1008, 1009]);
    person.types("-");
    assert_eq!(saved(&config).exclude.connectwise, [1008]);
}

#[test]
fn each_direction_is_paused_by_itself_after_a_question() {
    let mut person = at(&config(), "O");
    person.press(KeyCode::End);
    person.press(KeyCode::Enter);
    person.expects("Pause: Companies to ConnectWise");
    person.press(KeyCode::Enter);
    let asked = person.engine.asked();
    assert!(format!("{asked:?}").contains("ConnectWise"), "{asked:?}");
}

#[test]
fn the_rarer_settings_of_a_field_have_keys() {
    let config = config();
    let mut person = at(&config, "f");
    assert_eq!(saved(&config).fields[0].overflow, Overflow::Cut);
    person.expects("long (50): cut.");
    person.types("x");
    person.expects("The default of which side?");
    person.types("connect");
    person.press(KeyCode::Enter);
    person.expects("name of a new record in ConnectWise");
    person.types("Unnamed");
    person.press(KeyCode::Enter);
    assert_eq!(saved(&config).fields[0].default.of(System::ConnectWise), Some("Unnamed"));
    person.expects("A new record in ConnectWise has Unnamed.");
    person.types("K");
    person.expects("Compare name and name as");
    person.types("phone");
    person.press(KeyCode::Enter);
    assert_eq!(saved(&config).fields[0].kind, FieldKind::Phone);
    person.types("l");
    person.types("connect");
    person.press(KeyCode::Enter);
    person.expects("The longest name in ConnectWise");
    person.types("0");
    person.press(KeyCode::Enter);
    person.expects("The system takes 50 characters at most");
    person.types("u");
    assert_eq!(saved(&config).fields[0], book().deployed.unwrap().config.objects[0].fields[0]);
}

#[test]
fn what_is_not_as_usual_is_shown_and_restored_one_by_one_or_whole() {
    let config = config();
    let usual = defaults::company().fields.len();
    let mut person = at(&config, "z");
    person.expects("Companies › not as usual");
    person.expects("▶ - domain");
    person.expects("usual, and not mapped here");
    person.press(KeyCode::Enter);
    assert_eq!(saved(&config).fields[1].hubspot.as_str(), "domain");
    person.types("a");
    person.expects("become usual again.");
    person.press(KeyCode::Enter);
    assert_eq!(saved(&config).fields.len(), usual);
    person.expects("All field mappings are the usual ones.");
    person.press(KeyCode::Esc);
    person.expects("Companies  HubSpot ↔ ConnectWise");
}
