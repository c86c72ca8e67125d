//! The frame as a person meets it.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::app::Message;
use super::screen::Screen;
use super::tab::Input;
use super::testing::{FakeSource, NOW, Person, running};
use super::world::{Connected, Settings};
use super::*;
use crate::engine::core::command::{Ask, Reply};
use crate::engine::core::state::{
    Counts, FieldWrite, Intent, IntentKind, IntentState, IssueClass, Run, RunCounts, RunKind, Verdict,
};
use crate::engine::driver::snapshot::{Budget, Health, HeldPlan, Phase, Role, Side, Snapshot, Wait};
use crate::model::{
    BySystem, ConfigVersion, IntentId, ObjectKind, Pause, PauseScope, Pauses, RecordId, RunId, System, Value,
};
use crate::view::activity::IssueGroup;

const HOSTILE: &str = "Acme\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{202e}evil\r\n\tx\u{200b}";

fn run(id: u64) -> Run {
    Run {
        id: RunId(id),
        kind: RunKind::Poll,
        started: NOW - Duration::from_secs(3600 + id),
        ended: Some(NOW - Duration::from_secs(3590)),
        config: ConfigVersion(6),
        counts: RunCounts { rest: Counts { unchanged: 3981, held: 1, ..Counts::default() }, ..RunCounts::default() },
        verdict: Verdict::Done,
    }
}

fn write(id: u64, of: u64) -> Intent {
    Intent {
        id: IntentId(id),
        run: RunId(of),
        object: ObjectKind::Company,
        system: System::ConnectWise,
        kind: IntentKind::Update,
        source: RecordId(18),
        target: Some(RecordId(4021)),
        link: None,
        writes: vec![FieldWrite {
            key: None,
            field: "city".into(),
            before: Value::text("Dallas"),
            after: Value::text(HOSTILE),
            source: Value::text("Austin"),
            beside: BySystem::default(),
            loser: None,
            why: "HubSpot changed".into(),
        }],
        stamp: None,
        state: IntentState::Applied,
        attempt: 1,
        sent: NOW,
        touched: NOW - Duration::from_secs(30),
        waits: false,
        seen_as: None,
        outcome: None,
        shown: std::collections::BTreeMap::new(),
    }
}

fn trouble() -> crate::model::CallbackTrouble {
    crate::model::CallbackTrouble { since: NOW, what: HOSTILE.into(), remedy: HOSTILE.into() }
}

fn source() -> FakeSource {
    FakeSource {
        looks: Arc::default(),
        connected: BySystem::from_fn(|system| {
            Some(Connected {
                tenant: None,
                schema_read: None,
                address: format!("https://{}.example", system.key()),
                account: HOSTILE.into(),
                expires: None,
                missing_scopes: vec![HOSTILE.into()],
                silent: Some(trouble()),
            })
        }),
        runs: (1..=1000).rev().map(run).collect(),
        writes: (1..=500).rev().map(|id| write(id, 991 + id % 10)).collect(),
        issues: vec![IssueGroup {
            class: IssueClass::UnmappedValue,
            object: crate::model::ObjectKind::Contact,
            count: 41,
            example: format!("\"Managed IT\" is not an option of Industry {HOSTILE}"),
            hint: "Map it".into(),
            since: NOW - Duration::from_secs(7200),
            needs_person: true,
        }],
        drift: vec![crate::view::schema::Reading {
            at: NOW,
            system: crate::model::System::HubSpot,
            object: crate::model::ObjectKind::Company,
            changes: vec![(
                crate::model::SchemaChange {
                    field: HOSTILE.into(),
                    label: HOSTILE.into(),
                    what: crate::model::Changed::Renamed { from: HOSTILE.into() },
                },
                Vec::new(),
            )],
        }],
        findings: vec![crate::model::Checked {
            hurts: Vec::new(),
            grade: crate::model::Grade::Problem,
            system: None,
            object: None,
            what: HOSTILE.into(),
            remedy: HOSTILE.into(),
        }],
        objects: crate::view::objects::Objects::default(),
        hearing: crate::model::Hearing {
            callbacks: Some(crate::model::Callbacks {
                address: HOSTILE.into(),
                armed: vec![HOSTILE.into()],
                trouble: Some(trouble()),
                ..Default::default()
            }),
            ..Default::default()
        },
        broken: false,
    }
}

fn snapshot() -> Snapshot {
    let broken = Side {
        health: Health::Broken { message: format!("401 {HOSTILE}"), hint: "Make a new key.".into() },
        tenant: Some(HOSTILE.into()),
        budget: Budget { rate_milli: 9500, daily: Some((1204, 250_000)), waiting: 3 },
        last_error: Some((NOW - Duration::from_secs(5), HOSTILE.into())),
        missing_rights: vec![HOSTILE.into()],
        calls: 312,
        latency: Some(Duration::from_millis(82)),
        wait: Some(Wait { until: NOW + Duration::from_secs(40), asked: false }),
    };
    Snapshot {
        revision: 7,
        phase: Phase::Writing,
        run: Some(run(1001)),
        next_poll: Some(NOW + Duration::from_secs(50)),
        sides: BySystem::new(Side { health: Health::Ok, ..Side::default() }, broken),
        queue: 1204,
        oldest_change: BySystem::new(Some(NOW - Duration::from_secs(42)), None),
        pauses: Pauses::new(vec![Pause {
            scope: PauseScope::new(None, Some(System::ConnectWise)),
            by: HOSTILE.into(),
            since: NOW,
            note: Some(HOSTILE.into()),
        }]),
        held: Some(HeldPlan { reason: format!("612 creates; 500 are allowed {HOSTILE}"), hash: "abc".into() }),
        ..running()
    }
}

fn person() -> Person {
    Person::with(snapshot(), source())
}

#[test]
fn the_frame_tells_the_state_of_the_world_and_what_can_be_done() {
    let mut person = person();
    let rows = person.rows();
    assert!(rows[0].starts_with(" acme-msp  HubSpot ok  ConnectWise broken"), "{}", rows[0]);
    assert!(rows[0].ends_with("lag 42 s   writing"), "{}", rows[0]);
    assert!(rows[1].starts_with(" [1 Connections]"), "{}", rows[1]);
    assert!(rows[23].contains("t test now"), "{}", rows[23]);
    assert!(rows[23].trim_end().ends_with("? help"), "{}", rows[23]);
    person.press(KeyCode::Char('5'));
    person.expects("[5 Activity]");
    person.expects("\"Managed IT\" is not an option");
}

#[test]
fn the_activity_tells_where_this_console_listens_and_when_the_last_hint_came() {
    let last = BySystem::new(Some(NOW - Duration::from_secs(180)), None);
    let source = || FakeSource { hearing: crate::model::Hearing { callbacks: None, last }, ..FakeSource::default() };
    let settings = crate::tui::Settings { listens: Some("127.0.0.1:8711".into()), ..Default::default() };
    let tabs = || crate::tui::tabs::all(&crate::tui::tabs::testing::desk());
    let mut person = Person::at(crate::tui::testing::running(), source(), settings.clone(), tabs());
    person.press(KeyCode::Char('5'));
    person.expects(" hints listens on 127.0.0.1:8711   last 3 min ago");
    let viewer = Snapshot { role: Role::Viewer { holder: "process 7 on ada".into() }, ..Snapshot::default() };
    let mut person = Person::at(viewer, source(), settings, tabs());
    person.press(KeyCode::Char('5'));
    person.expects_not("listens on");
}

#[test]
fn a_key_that_cannot_act_says_why() {
    let mut person = Person::with(Snapshot::default(), FakeSource::default());
    person.press(KeyCode::Char('p'));
    person.expects("No engine is running in this workspace.");
    assert!(person.engine.asked().is_empty());
    person.press(KeyCode::Char('k'));
    person.expects_not("No engine is running");
}

#[test]
fn writes_of_the_selected_system_are_paused_and_resumed() {
    let mut person = person();
    person.press(KeyCode::Left);
    person.press(KeyCode::Char('p'));
    person.expects("Nothing is written to HubSpot until somebody resumes it.");
    assert!(person.engine.asked().is_empty(), "it asks before it does");
    person.press(KeyCode::Enter);
    let scope = PauseScope::new(None, Some(System::HubSpot));
    assert_eq!(person.engine.asked(), [Ask::Pause { scope, by: String::new(), note: None }]);
    person.expects("Paused: changes are kept");
    person.press(KeyCode::Right);
    person.press(KeyCode::Char('p'));
    person.expects("Resume: Everything to ConnectWise");
    person.press(KeyCode::Enter);
    assert_eq!(person.engine.asked()[1], Ask::Resume { scope: PauseScope::new(None, Some(System::ConnectWise)) });
}

#[test]
fn everything_is_paused_from_every_tab_and_a_wider_pause_is_named_where_it_stands_in_the_way() {
    let mut person = Person::with(running(), source());
    for tab in ['1', '2', '3', '4', '5'] {
        person.press(KeyCode::Char(tab));
        person.press_ctrl('p');
        person.expects("Nothing is written to either system until somebody resumes it.");
        person.press(KeyCode::Esc);
    }
    assert!(person.engine.asked().is_empty());
    let pause = |scope| Pause { scope, by: "ann".into(), since: NOW, note: Some("month-end".into()) };
    let pauses = Pauses::new(vec![pause(PauseScope::EVERYTHING)]);
    person.sees(Snapshot { pauses, ..running() });
    let rows = person.rows();
    assert!(rows[0].contains("HubSpot paused  ConnectWise paused"), "{}", rows[0]);
    assert!(rows[0].contains("ALL PAUSED   lag"), "{}", rows[0]);
    person.press(KeyCode::Char('1'));
    person.press(KeyCode::Char('p'));
    person.expects("Everything: paused by ann");
    assert!(person.engine.asked().is_empty());
    let contacts = PauseScope::new(Some(ObjectKind::Contact), Some(System::HubSpot));
    let ok = Side { health: Health::Ok, ..Side::default() };
    let sides = BySystem::new(ok.clone(), ok);
    person.sees(Snapshot { pauses: Pauses::new(vec![pause(contacts)]), sides, ..running() });
    assert!(person.rows()[0].contains("ConnectWise ok  "), "a direction is no system: {}", person.rows()[0]);
    assert!(person.rows()[0].contains("PAUSED contacts   lag"), "{}", person.rows()[0]);
    person.press(KeyCode::Char('1'));
    person.expects("Contacts to HubSpot: paused by ann");
}

#[test]
fn a_read_only_console_asks_for_nothing_that_changes_anything() {
    let settings = Settings { read_only: true, ..Settings::default() };
    let mut person = Person::at(snapshot(), source(), settings, tabs::all(&tabs::testing::desk()));
    person.press(KeyCode::Char('p'));
    person.expects("read-only");
    person.press(KeyCode::Char('5'));
    person.press(KeyCode::Char('a'));
    assert!(person.engine.asked().is_empty());
    person.press(KeyCode::Char('s'));
    assert_eq!(person.engine.asked(), [Ask::SyncNow]);
}

#[test]
fn a_refusal_stays_in_the_list_of_errors_until_dismissed() {
    let mut person = person();
    *person.engine.reply.lock().unwrap() =
        Reply::Refused { reason: "The engine is stopping.".into(), hint: "Start it again.".into() };
    person.press(KeyCode::Char('s'));
    person.press(KeyCode::Char('s'));
    person.expects("The engine is stopping. Start it again.");
    person.press(KeyCode::Up);
    assert!(person.rows()[23].trim_end().ends_with("1!"), "the same error counts once: {}", person.rows()[23]);
    person.press(KeyCode::Char('!'));
    person.expects("┌─ Errors");
    person.expects("Start it again.");
    person.press(KeyCode::Char('x'));
    person.expects_not("1!");
    person.press(KeyCode::Char('!'));
    person.expects("There were no errors so far.");
}

#[test]
fn a_missing_connection_teaches_how_to_connect() {
    let mut person = Person::with(running(), FakeSource::default());
    person.expects("HubSpot is not connected. Leave the console and run:");
    person.expects("lockstep connect hubspot");
    person.press(KeyCode::Right);
    person.press(KeyCode::Char('y'));
    assert!(person.copied[0].starts_with("lockstep connect connectwise --site URL"), "{:?}", person.copied);
}

#[test]
fn a_held_plan_is_approved_only_after_a_question() {
    let mut person = person();
    person.press(KeyCode::Char('5'));
    person.expects("612 creates; 500 are allowed");
    person.press(KeyCode::Char('a'));
    person.expects("Approving lets exactly this plan through, once.");
    person.press(KeyCode::Esc);
    assert!(person.engine.asked().is_empty());
    person.press(KeyCode::Char('a'));
    person.press(KeyCode::Enter);
    assert_eq!(person.engine.asked(), [Ask::Approve { plan: "abc".into() }]);
}

#[test]
fn a_run_opens_its_writes_and_escape_leads_back() {
    let mut person = person();
    person.types("5r");
    person.expects("▶   1000");
    person.press(KeyCode::Down);
    person.press(KeyCode::Enter);
    person.expects("[Writes of run 999]");
    person.expects("city: Dallas → Acme");
    person.press(KeyCode::Esc);
    person.expects("[Runs]");
    person.expects("▶    999");
}

#[test]
fn a_long_list_is_walked_to_both_ends() {
    let mut person = person();
    person.types("5rG");
    person.expects("▶      1");
    person.press(KeyCode::Up);
    person.expects("▶      2");
    person.press(KeyCode::Char('g'));
    person.expects("▶   1000");
    for _ in 0..300 {
        person.press(KeyCode::Down);
    }
    person.expects("▶    700");
}

#[test]
fn the_palette_finds_an_action_by_a_few_letters() {
    let mut person = person();
    person.types(":aprv");
    person.press(KeyCode::Enter);
    person.expects_not("┌─ Commands");
    person.types(":goact");
    person.press(KeyCode::Enter);
    person.expects("[5 Activity]");
    person.types(":zzzz");
    person.expects("Nothing fits.");
    person.press(KeyCode::Esc);
    person.expects_not("Nothing fits.");
}

#[test]
fn help_lists_every_key_and_says_why_some_cannot_act() {
    let mut person = Person::with(Snapshot::default(), FakeSource::default());
    person.size = (80, 60);
    person.press(KeyCode::Char('?'));
    let here = |group: &str| ["Connections", "Everywhere"].contains(&group);
    for (_, info) in app::all_infos().into_iter().filter(|(group, _)| here(group)) {
        let start: String = info.doc.chars().take(40).collect();
        person.expects(&start);
    }
    person.expects("not now: No engine is running");
    person.press(KeyCode::Esc);
    person.expects_not("┌─ Keys");
}

#[test]
fn pasted_text_never_acts_as_keys() {
    let mut person = person();
    person.pastes("pppq\nq");
    assert!(person.engine.asked().is_empty());
    assert!(!person.has_quit);
    person.expects("Pasted text goes where text is written");
}

#[test]
fn q_and_control_c_quit() {
    let mut with_q = person();
    with_q.press(KeyCode::Char('q'));
    assert!(with_q.has_quit);
    let mut with_control_c = person();
    with_control_c.press_ctrl('c');
    assert!(with_control_c.has_quit);
}

#[test]
fn broken_reading_is_told_and_tried_again() {
    let mut person = Person::with(running(), FakeSource { broken: true, ..source() });
    person.press(KeyCode::Char('5'));
    person.expects("The activity could not be read.");
    person.press(KeyCode::Char('!'));
    person.expects("disk I/O error");
}

#[test]
fn no_screen_panics_at_any_size_and_none_lets_a_control_character_through() {
    let scripts = ["", "5", "5r", "5w", "?", ":", ":a", "5a", "!", "s", "1p"];
    let mut people = scripts.map(|script| {
        let mut person = person();
        person.app.update(Message::Report(Report::new(HOSTILE, HOSTILE).because(HOSTILE)));
        person.types(script);
        person
    });
    let sizes = (1..=200_u16).flat_map(|width| (1..=60_u16).map(move |height| (width, height)));
    // A quarter of all sizes, so that every width meets every kind of height; the screens take turns.
    let sizes = sizes.filter(|(width, height)| (width * 7 + height * 3) % 4 == 0);
    for (turn, size) in sizes.enumerate() {
        let person = &mut people[turn % scripts.len()];
        person.size = size;
        assert_clean(&person.buffer());
    }
}

fn assert_clean(buffer: &Buffer) {
    for cell in &buffer.content {
        let symbol = cell.symbol();
        assert!(!symbol.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{symbol:?}");
    }
}

#[test]
fn all_tabs_are_named_in_the_narrowest_window() {
    let mut person = person();
    person.size = frame::SMALLEST;
    for id in TabId::ALL {
        person.press(KeyCode::Char(id.digit()));
        let line = person.rows().remove(1);
        assert!(line.contains(&format!("[{} {}]", id.digit(), id.title())), "{line}");
        assert!(TabId::ALL.iter().all(|other| line.contains(other.digit())), "{line}");
    }
}

#[test]
fn too_small_a_window_asks_for_room() {
    let mut person = person();
    person.size = (59, 16);
    assert_eq!(person.screen().trim_end(), "Lockstep needs 60×16; this is 59×16.");
}

#[test]
fn ascii_means_ascii() {
    let settings = Settings { ascii: true, ..Settings::default() };
    let mut person = Person::at(snapshot(), source(), settings, tabs::all(&tabs::testing::desk()));
    for script in ["", "5", "rw", "?"] {
        person.types(script);
        assert!(person.screen().is_ascii(), "{}", person.screen());
    }
}

/// A writer that counts.
#[derive(Default)]
struct Wire {
    writes: Vec<Vec<u8>>,
}

impl std::io::Write for &mut Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writes.push(bytes.to_vec());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_frame_is_one_write_and_an_unchanged_one_is_none() {
    let mut wire = Wire::default();
    let mut person = person();
    let mut screen = Screen::new(&mut wire, 80, 24);
    screen.draw(&person.app).unwrap();
    screen.draw(&person.app).unwrap();
    person.app.update(Message::Tick);
    screen.draw(&person.app).unwrap();
    drop(screen);
    assert_eq!(wire.writes.len(), 1, "one write for three draws");
    assert!(wire.writes[0].len() < 4600, "a full frame takes {} bytes", wire.writes[0].len());
}

#[test]
fn a_step_of_the_cursor_is_cheap() {
    let mut wire = Wire::default();
    let mut person = person();
    person.types("5r");
    let mut screen = Screen::new(&mut wire, 80, 24);
    screen.draw(&person.app).unwrap();
    person.press(KeyCode::Down);
    screen.draw(&person.app).unwrap();
    drop(screen);
    assert_eq!(wire.writes.len(), 2);
    assert!(wire.writes[1].len() <= 400, "a step takes {} bytes", wire.writes[1].len());
}

#[test]
fn what_the_terminal_shows_is_what_was_drawn() {
    let mut wire = Wire::default();
    // The terminal of this test leaves out the character that stands for unsafe ones.
    let mut person = Person::with(running(), FakeSource { runs: source().runs, ..FakeSource::default() });
    let mut screen = Screen::new(&mut wire, 80, 24);
    for key in "5rjjw?".chars() {
        screen.draw(&person.app).unwrap();
        person.press(KeyCode::Char(key));
    }
    person.press(KeyCode::Esc);
    screen.draw(&person.app).unwrap();
    drop(screen);
    let mut terminal = vt100::Parser::new(24, 80, 0);
    wire.writes.iter().for_each(|bytes| terminal.process(bytes));
    let shown: Vec<String> = terminal.screen().rows(0, 80).map(|row| row.trim_end().to_owned()).collect();
    assert_eq!(shown, person.rows());
}

#[test]
fn time_on_screen_moves_with_events_and_with_keys_only_when_it_is_old() {
    let mut person = person();
    *person.engine.now.lock().unwrap() = NOW + Duration::from_secs(9);
    person.press(KeyCode::Down);
    person.expects("lag 42 s");
    person.tell(Message::Tick);
    person.expects("lag 51 s");
    *person.engine.now.lock().unwrap() = NOW + Duration::from_secs(600);
    person.press(KeyCode::Down);
    person.expects("lag 11 min");
}

#[test]
fn only_a_screen_with_an_age_on_it_asks_for_a_timer() {
    let draw = |person: &Person| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        person.app.draw(&mut buffer).ages
    };
    assert_eq!(draw(&person()), Some(Duration::from_secs(10)));
    let mut quiet = Person::with(running(), FakeSource::default());
    assert_eq!(draw(&quiet), None);
    let then = NOW - Duration::from_secs(7200);
    quiet.sees(Snapshot { oldest_change: BySystem::new(Some(then), None), ..running() });
    assert_eq!(draw(&quiet), Some(Duration::from_secs(3600)));
}

#[test]
fn no_two_actions_of_one_place_share_a_key_and_all_have_one() {
    let infos = app::all_infos();
    for (at, (group, info)) in infos.iter().enumerate() {
        assert!(!info.keys.is_empty(), "{} has no key", info.id);
        assert!(!info.doc.ends_with('.'), "{}", info.id);
        for (other_group, other) in &infos[at + 1..] {
            assert_ne!(info.id, other.id);
            let shared = group == other_group && info.keys.iter().any(|key| other.keys.contains(key));
            assert!(!shared, "{} and {} share a key", info.id, other.id);
        }
    }
}

#[test]
fn the_key_table_of_the_readme_is_the_one_of_the_code() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, after) = readme.split_once("<!-- keys: begin").unwrap();
    let (table, _) = after.split_once("<!-- keys: end -->").unwrap();
    let table = table.split_once("-->\n").unwrap().1;
    assert!(table == key_table(), "paste this into README.md:\n{}", key_table());
}

#[test]
fn releases_of_keys_do_nothing() {
    let mut person = person();
    let release =
        KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, crossterm::event::KeyEventKind::Release);
    person.tell(Message::Input(Input::Key(release)));
    assert!(!person.has_quit);
}

#[test]
fn the_engine_of_another_process_is_named() {
    let mut person = Person::with(
        Snapshot { role: Role::Viewer { holder: "web1 (4711)".into() }, ..Snapshot::default() },
        FakeSource::default(),
    );
    person.press(KeyCode::Char('s'));
    person.expects("The engine runs in web1 (4711)");
}

/// The console on a real terminal, for looking at: `cargo test --lib tui::tests::by_hand -- --ignored --nocapture`.
#[test]
#[ignore = "started by another test, in a terminal; or by hand, to look at"]
fn by_hand() {
    let engine = super::testing::FakeEngine::new(snapshot());
    let context = Context {
        workspace: "acme-msp".into(),
        settings: Settings::default(),
        engine,
        source: std::sync::Arc::new(source()),
        demo: None,
        desk: tabs::testing::desk(),
    };
    super::run(context).unwrap();
}
