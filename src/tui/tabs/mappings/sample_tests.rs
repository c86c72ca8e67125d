//! Types keys and reads the screen with the values of a record beside the mappings.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::{Arc, Mutex};

use crossterm::event::KeyCode;

use super::tests::book;
use crate::engine::core::state::{RecordState, Status};
use crate::mapping::suggest;
use crate::model::{BySystem, Fields, ObjectKind, Record, RecordId, System, Timestamp, Value};
use crate::tui::tabs::desk::{Desk, LastOpened};
use crate::tui::tabs::draft::source::Version;
use crate::tui::tabs::records::source::Opened;
use crate::tui::tabs::testing::{FakeConfig, FakeRecords, desk_of};
use crate::tui::testing::{FakeSource, NOW, Person, running};
use crate::tui::world::Settings;
use crate::view::relatives::Relatives;
use crate::view::testing::{acme, company, link, observation};

const ACME: u64 = 18_273_645;

/// Version 6 maps name and city, and reads them; the draft maps a motto as well.
fn config() -> Arc<FakeConfig> {
    let mut book = book();
    book.watched = BySystem::from_fn(|_| vec!["name".into(), "city".into()]);
    let schemas = book.schemas.clone().unwrap();
    let motto = |system: System| schemas[system].field("motto").cloned().unwrap();
    let mut draft = book.deployed.clone().unwrap();
    let object = &mut Arc::make_mut(&mut draft.config).objects[0];
    object.fields.push(suggest(&motto(System::HubSpot), &motto(System::ConnectWise)).unwrap());
    book.draft = Some(Version { edit: 700, ..draft });
    Arc::new(FakeConfig { book: book.into(), ..FakeConfig::default() })
}

fn records() -> Arc<FakeRecords> {
    let row = Status {
        object: ObjectKind::Company,
        hubspot: Some(RecordId(ACME)),
        connectwise: Some(RecordId(4021)),
        link: None,
        name: "Acme Dental Group".into(),
        state: RecordState::InSync,
        why: String::new(),
        since: NOW,
    };
    let seen = |system, id| Some(observation(company(system, id), 4, None));
    let opened = Opened {
        plan: acme(),
        link: Some(link()),
        observations: BySystem::new(seen(System::HubSpot, ACME), seen(System::ConnectWise, 4021)),
        schemas: None,
        relatives: Relatives::default(),
    };
    Arc::new(FakeRecords { rows: Mutex::new(vec![row]), opened: Mutex::new(Some(opened)), ..FakeRecords::default() })
}

fn at(last: Option<u64>) -> Person {
    let last_opened = LastOpened::default();
    if let Some(id) = last {
        last_opened.set(company(System::HubSpot, id));
    }
    let desk = Desk { records: records(), last_opened, ..desk_of(&config()) };
    let tabs = crate::tui::tabs::all(&desk);
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), tabs);
    let motto = Record::new(RecordId(ACME), Timestamp::EPOCH, Fields::from([("motto".into(), Value::text("Onward"))]));
    *person.engine.seen.lock().unwrap() = Ok(vec![motto]);
    person.types("2");
    person.press(KeyCode::Enter);
    person
}

#[test]
fn a_record_is_chosen_whose_values_stand_below_the_mappings_and_beside_them() {
    let mut person = at(None);
    person.expects_not("Acme Dental Group");
    person.types("i");
    person.expects("The values of which record?");
    person.types("acme");
    person.press(KeyCode::Enter);
    person.expects("Acme Dental Group: ");
    person.expects("same");
    person.press(KeyCode::Down);
    person.expects("→ Austin");
    person.size = (120, 36);
    person.expects("in HubSpot");
    person.expects("next");
    for size in [(60, 16), (80, 24), (120, 36), (200, 60)] {
        person.size = size;
        assert!(person.rows().iter().all(|row| row.chars().count() <= usize::from(size.0)));
    }
}

#[test]
fn the_record_opened_last_is_the_one_at_first_and_a_glance_tells_of_what_nobody_reads() {
    let mut person = at(Some(ACME));
    person.expects("Acme Dental Group: ");
    person.press(KeyCode::End);
    person.expects("Acme Dental Group: Onward | Onward   same");
    let glances = person.engine.glances.lock().unwrap().clone();
    assert_eq!(glances.len(), 2, "one record, one call for each system");
    assert!(glances.iter().all(|glance| glance.ids.len() == 1 && glance.object == ObjectKind::Company));
    person.types("d");
    assert_eq!(person.engine.glances.lock().unwrap().len(), 2, "what was seen is not asked for again");
}

#[test]
fn without_an_engine_the_values_that_nobody_reads_say_so() {
    let mut person = at(None);
    *person.engine.seen.lock().unwrap() = Err("No engine runs in this console.".to_owned());
    person.types("iacme");
    person.press(KeyCode::Enter);
    person.press(KeyCode::End);
    person.expects("Acme Dental Group: ? | ?   not read yet");
    person.expects("No engine runs in this console.");
}
