//! Types keys and reads the screen while fields are chosen.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::Arc;

use crossterm::event::KeyCode;

use super::source::FieldSource;
use crate::engine::driver::snapshot::Snapshot;
use crate::mapping::Config;
use crate::model::{BySystem, FieldName, Fields, Record, RecordId, System, Timestamp, Value};
use crate::tui::tabs::desk::Desk;
use crate::tui::tabs::mappings::tests::book;
use crate::tui::tabs::testing::{FakeConfig, FakeFields, desk_of};
use crate::tui::testing::{FakeSource, Person, running};
use crate::tui::world::Settings;

fn record(id: u64, fields: &[(&str, &str)]) -> Record {
    Record::new(
        RecordId(id),
        Timestamp::EPOCH,
        fields.iter().map(|(name, text)| (FieldName::new(name), Value::text(*text))).collect::<Fields>(),
    )
}

/// Version 6 reads the names alone; of four companies three have one.
fn config() -> Arc<FakeConfig> {
    let mut book = book();
    book.watched = BySystem::new(vec!["name".into()], vec!["name".into()]);
    Arc::new(FakeConfig { book: book.into(), ..FakeConfig::default() })
}

fn at(config: &Arc<FakeConfig>) -> Person {
    let names = [Some("Acme"), None, Some("Bolt"), Some("Cobalt")];
    let one =
        |(id, name): (u64, Option<&str>)| record(id, &name.map(|name| ("name", name)).into_iter().collect::<Vec<_>>());
    let records: Vec<Record> = (1..).zip(names).map(one).collect();
    let fields = Arc::new(FakeFields { records: BySystem::new(records.clone(), records), broken: false });
    let desk = Desk { fields: fields as Arc<dyn FieldSource>, ..desk_of(config) };
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), crate::tui::tabs::all(&desk));
    person.types("2");
    person.press(KeyCode::Enter);
    person
}

fn saved(config: &FakeConfig) -> Config {
    config.saved.lock().unwrap().last().unwrap().clone()
}

#[test]
fn two_fields_are_chosen_by_a_few_letters_and_what_does_not_fit_says_why() {
    let config = config();
    let mut person = at(&config);
    person.types("a");
    person.expects("Companies › add: the HubSpot field");
    person.types("founded");
    person.expects("/ founded");
    person.expects("2 of 21");
    person.press(KeyCode::Enter);
    person.expects("founded and the ConnectWise field");
    person.types("heads");
    person.expects("It can't be chosen: a date is not a number");
    person.press(KeyCode::Enter);
    person.expects("It does not go with it");
    assert!(config.saved.lock().unwrap().is_empty(), "a date was mapped to a number");
    person.press(KeyCode::Esc);
    person.types("founded");
    person.press(KeyCode::Enter);
    person.expects("▶ + founded");
    assert_eq!(saved(&config).objects[0].fields.last().unwrap().key().as_str(), "founded~founded");
}

#[test]
fn esc_goes_back_step_by_step() {
    let mut person = at(&config());
    person.types("amotto");
    person.press(KeyCode::Enter);
    person.expects("motto and the ConnectWise field");
    person.types("x");
    person.press(KeyCode::Esc);
    person.expects("motto and the ConnectWise field");
    person.press(KeyCode::Esc);
    person.expects("add: the HubSpot field");
    person.expects("▶ Motto");
    person.press(KeyCode::Esc);
    person.expects("Esc objects");
}

#[test]
fn what_is_read_tells_how_much_is_filled_and_a_glance_tells_of_the_rest() {
    let mut person = at(&config());
    *person.engine.seen.lock().unwrap() = Ok(vec![record(1, &[("motto", "Onward")]), record(2, &[])]);
    person.types("aname");
    person.expects("75 %");
    person.expects("mapped to name");
    person.expects("Filled in 3 of 4 records that are read; for one: Acme");
    for _ in 0..4 {
        person.press(KeyCode::Backspace);
    }
    person.types("motto");
    person.expects("50 % Onward");
    person.expects("Filled in 1 of 2 records looked at just now; for one: Onward");
    let glances = person.engine.glances.lock().unwrap().clone();
    assert_eq!(glances.len(), 2, "one call for each system");
    let here = glances.iter().find(|glance| glance.system == System::HubSpot).unwrap();
    assert_eq!(here.ids, [1, 2, 3, 4].map(RecordId));
    assert!(here.fields.iter().all(|name| name.as_str() != "name"), "what is read anyway is not looked at");
    person.press(KeyCode::Esc);
    person.press(KeyCode::Esc);
    person.types("a");
    assert_eq!(person.engine.glances.lock().unwrap().len(), 2, "what was seen once is remembered");
}

#[test]
fn without_an_engine_the_picker_says_that_nobody_can_look() {
    let mut person = at(&config());
    person.types("amotto");
    person.expects("nobody reads it yet");
    person.expects("No engine runs in this console.");
}

#[test]
fn fields_that_change_meanwhile_are_told_and_nothing_that_is_gone_is_added() {
    let config = config();
    let mut person = at(&config);
    person.types("amotto");
    person.press(KeyCode::Enter);
    person.expects("motto and the ConnectWise field");
    let change = |name: &str| {
        let mut book = config.book.lock().unwrap();
        let mut schemas = BySystem::clone(book.schemas.as_deref().unwrap());
        schemas.hubspot.fields.retain(|field| field.name.as_str() != name);
        book.schemas = Some(Arc::new(schemas));
    };
    change("motto");
    person.sees(Snapshot { revision: 9, ..running() });
    person.expects("`motto` is gone: the fields were read again. Choose another one.");
    person.expects("add: the HubSpot field");
    change("founded");
    person.sees(Snapshot { revision: 10, ..running() });
    person.expects("The fields were read again: 0 new, 1 gone.");
    assert!(config.saved.lock().unwrap().is_empty());
}

#[test]
fn letters_and_pastes_are_letters_and_every_size_has_room() {
    let mut person = at(&config());
    person.types("a2q?D");
    person.expects("/ 2q?D");
    person.expects("Nothing has that in its label, name or type.");
    person.press_ctrl('u');
    person.pastes("mot\nto");
    person.expects("/ mot to");
    person.press_ctrl('u');
    for size in [(60, 16), (80, 24), (200, 60)] {
        person.size = size;
        person.expects("HubSpot field");
        assert!(person.rows().iter().all(|row| row.chars().count() <= usize::from(size.0)));
    }
}
