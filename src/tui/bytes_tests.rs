//! What a key costs on the line, at 80×24 in sixteen colours: budgets, and the screens that are to keep them.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use crossterm::event::KeyCode;

use super::screen::Screen;
use super::tabs::Desk;
use super::tabs::draft::source::Book;
use super::tabs::mappings::tests::fields_of;
use super::tabs::testing::{FakeConfig, FakeRecords, desk_of, version};
use super::testing::{FakeSource, NOW, Person, running};
use super::theme::{Depth, Theme};
use super::world::Settings;
use crate::engine::core::state::{RecordState, Status};
use crate::mapping::defaults;
use crate::model::{LinkId, ObjectKind, RecordId};

/// Bytes for a step of the cursor, a window moved by one row, by a page, and all of a screen.
const STEP: usize = 260;
const SCROLL: usize = 1600;
const PAGE: usize = 1800;
const SCREEN: usize = 4600;

/// Counts what goes over the line.
struct Line(Rc<Cell<usize>>);

impl std::io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A person far away.
struct Remote {
    person: Person,
    screen: Screen<Line>,
    bytes: Rc<Cell<usize>>,
}

impl Remote {
    fn new() -> Self {
        let mut person = Person::at(running(), FakeSource::default(), Settings::default(), super::tabs::all(&desk()));
        person.app.theme = Theme::load(&Settings::default(), "dark", Depth::Sixteen, false).unwrap();
        let bytes = Rc::new(Cell::new(0));
        let screen = Screen::new(Line(Rc::clone(&bytes)), 80, 24);
        Self { person, screen, bytes }
    }

    /// What is shown now, from what was shown before.
    fn draw(&mut self) -> usize {
        let before = self.bytes.get();
        self.screen.draw(&self.person.app).unwrap();
        self.bytes.get() - before
    }

    fn costs(&mut self, key: KeyCode) -> usize {
        self.person.press(key);
        self.draw()
    }

    #[track_caller]
    fn within(&mut self, budget: usize, keys: &[KeyCode]) {
        for (at, key) in keys.iter().enumerate() {
            let cost = self.costs(*key);
            let screen = self.person.screen();
            assert!(cost <= budget, "key {at} ({key}) takes {cost} bytes, {budget} are allowed:\n{screen}");
        }
    }
}

fn status(at: u64, state: RecordState, why: &str) -> Status {
    Status {
        object: ObjectKind::Company,
        hubspot: Some(RecordId(18_273_600 + at)),
        connectwise: Some(RecordId(4000 + at)),
        link: Some(LinkId(at)),
        name: format!("{} Company {at}", ["Acme", "Borealis Dental", "Copper Key Realty"][at as usize % 3]),
        state,
        why: why.into(),
        since: NOW - std::time::Duration::from_secs(10 * at),
    }
}

/// Records with all there is to say about them, and the default mappings.
fn desk() -> Desk {
    let states = [
        (RecordState::InSync, ""),
        (RecordState::Conflict, "phone"),
        (RecordState::InSync, ""),
        (RecordState::Held, "ConnectWise takes no company without a name, and this record gives none."),
        (RecordState::Excluded, "kept from HubSpot by the rule \"not on the exclusion list\" (id 19301)"),
        (RecordState::Pending, "→ city, zip"),
    ];
    let rows =
        (0..60).map(|at| (at, states[at as usize % states.len()])).map(|(at, (state, why))| status(at, state, why));
    let config = defaults::config();
    let book =
        Book { schemas: Some(Arc::new(fields_of(&config))), deployed: Some(version(6, &config)), ..Book::default() };
    Desk {
        records: Arc::new(FakeRecords { rows: Mutex::new(rows.collect()), ..FakeRecords::default() }),
        ..desk_of(&Arc::new(FakeConfig { book: Mutex::new(book), ..FakeConfig::default() }))
    }
}

#[test]
fn a_step_of_the_cursor_costs_the_same_whatever_the_rows_have_to_say() {
    // The seventh mapping from the top has more to say than fits.
    for (tab, rows) in [("4", 9), ("2", 6)] {
        let mut remote = Remote::new();
        remote.person.types(tab);
        if tab == "2" {
            remote.person.press(KeyCode::Enter);
        }
        remote.draw();
        remote.within(STEP, &vec![KeyCode::Down; rows]);
        remote.within(STEP, &vec![KeyCode::Up; rows]);
    }
}

#[test]
fn a_row_and_a_page_of_records_come_within_their_budgets() {
    let mut remote = Remote::new();
    remote.person.types("4");
    remote.draw();
    for _ in 0..14 {
        remote.costs(KeyCode::Down);
    }
    remote.within(SCROLL, &[KeyCode::Down; 9]);
    remote.within(PAGE, &[KeyCode::PageDown, KeyCode::PageUp, KeyCode::End, KeyCode::Home]);
}

#[test]
fn every_tab_comes_within_the_budget_of_a_screen() {
    let mut remote = Remote::new();
    assert!(remote.draw() <= SCREEN);
    remote.within(SCREEN, &['1', '2', '3', '4', '5', '4', '3', '2', '1', '?'].map(KeyCode::Char));
}
