//! Types keys and reads the screen of the test of a draft.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::KeyCode;

use crate::engine::core::trial::report::{Measure, Number, ObjectTrial, Picks, TrialReport};
use crate::model::{ConfigVersion, ObjectKind, RecordId, RecordRef, System};
use crate::tui::tabs::desk::Desk;
use crate::tui::tabs::draft::trials::{Outcome, TrialSource};
use crate::tui::tabs::mappings::tests::book;
use crate::tui::tabs::testing::{FakeConfig, FakeTrials, desk_of};
use crate::tui::testing::{FakeSource, NOW, Person, running};
use crate::tui::world::Settings;
use crate::view::trial::Versions;

fn at_test(trials: &Arc<FakeTrials>, keys: &str) -> Person {
    let desk = Desk {
        trials: Arc::clone(trials) as Arc<dyn TrialSource>,
        ..desk_of(&Arc::new(FakeConfig { book: book().into(), ..FakeConfig::default() }))
    };
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), crate::tui::tabs::all(&desk));
    person.types("2");
    person.press(KeyCode::Enter);
    person.types(keys);
    person
}

#[test]
fn there_is_nothing_to_test_without_a_draft() {
    let trials = Arc::new(FakeTrials::default());
    let person = at_test(&trials, "T");
    person.expects("There is no draft to test: change something first.");
    assert!(trials.asked.lock().unwrap().is_empty());
}

#[test]
fn a_test_that_fails_says_why_and_how_to_go_on() {
    let trials = Arc::new(FakeTrials::default());
    let mut person = at_test(&trials, "dT");
    person.expects("Test of the draft");
    person.expects("The workspace could not be read.");
    person.expects("T tests it again.");
    person.types("T");
    assert_eq!(*trials.asked.lock().unwrap(), [true, true]);
    person.press(KeyCode::Enter);
    person.expects("There is no number under the cursor.");
    person.press(KeyCode::Esc);
    person.expects("▶ ~ name");
}

#[test]
fn a_test_shows_the_guard_first_and_every_number_with_its_difference() {
    let record = |id| RecordRef::new(ObjectKind::Company, System::HubSpot, RecordId(id));
    let picks = |total: u64| Picks { total, records: (1..=total).map(record).collect() };
    let number = |draft, more, less| Number {
        draft: picks(draft),
        more: picks(more),
        less: picks(less),
        otherwise: Picks::default(),
    };
    let companies = ObjectTrial {
        looked_at: 3_012,
        numbers: BTreeMap::from([
            (Measure::Update(System::ConnectWise), number(40, 38, 2)),
            (Measure::Hold, number(3, 0, 0)),
        ]),
        fields: BTreeMap::new(),
    };
    let report = TrialReport {
        objects: BTreeMap::from([(ObjectKind::Company, companies)]),
        guard: Some("it would update 40 companies; the limit is 20".into()),
        ..TrialReport::default()
    };
    let versions = Versions { draft: ConfigVersion(7), deployed: Some(ConfigVersion(6)) };
    let found = Outcome { report, versions, edit: 1, at: NOW };
    let trials = Arc::new(FakeTrials { finds: Some(Arc::new(found)), ..FakeTrials::default() });
    let mut person = at_test(&trials, "dT");
    person.expects("The first run would be held: it would update 40 companies; the limit is 20.");
    person.expects("Companies  3,012 records looked at");
    person.expects("▶   are updated in ConnectWise");
    person.expects("Companies that are updated in ConnectWise only with the draft: 38");
    person.press(KeyCode::Right);
    person.expects("Companies that are no longer updated in ConnectWise with the draft: 2");
    person.size = (60, 16);
    person.expects("no longer");
    person.expects_not("otherwise");
    person.press(KeyCode::Right);
    person.expects("otherwise");
    person.size = (80, 24);
    person.press(KeyCode::Enter);
    person.expects("There is no such record: ← → choose another number.");
    person.press(KeyCode::Down);
    for _ in 0..3 {
        person.press(KeyCode::Left);
    }
    person.expects("Companies that are held for a person with the draft: 3");
}
