//! A tab made for tests: what the frame promises to every tab, seen from a tab.

use std::cell::RefCell;
use std::rc::Rc;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::action::{Action, Actor, Info, Key, Reason, always};
use super::overlay::{Command, Confirm, Menu, Preview, Prompt};
use super::tab::{Input, Page, Tab};
use super::testing::{FakeSource, Person, running};
use super::widgets::Paint;
use super::*;
use crate::view::{Cell, Role};

/// Notes everything that happens to it.
#[derive(Default)]
struct Probe {
    notes: Rc<RefCell<Vec<String>>>,
    query: String,
    text: Option<String>,
}

impl Probe {
    fn note(&self, text: impl Into<String>) {
        self.notes.borrow_mut().push(text.into());
    }
}

impl Actor for Probe {
    type Message = String;
}

macro_rules! action {
    ($key:literal, $run:expr) => {
        Action {
            info: Info::new(concat!("probe.", $key), $key, KEYS[index($key)], "Probe"),
            enabled: always,
            run: $run,
        }
    };
}

const KEYS: [&[Key]; 7] = [
    &[Key::char('c')],
    &[Key::char('p')],
    &[Key::char('v')],
    &[Key::char('m')],
    &[Key::char('e')],
    &[Key::char('w')],
    &[Key::char('k')],
];

const fn index(key: &str) -> usize {
    match key.as_bytes()[0] {
        b'c' => 0,
        b'p' => 1,
        b'v' => 2,
        b'm' => 3,
        b'e' => 4,
        b'w' => 5,
        _ => 6,
    }
}

impl Page for Probe {
    const ID: TabId = TabId::Records;
    const ACTIONS: &'static [Action<Self>] = &[
        action!("c", |_, ctx| ctx
            .confirm(Confirm::new("Undo run 7", vec![vec![Cell::plain("41 writes")]], "undo"), "confirmed".into())),
        action!("p", |_, ctx| ctx.prompt(Prompt::new("Assign to", "dana", "A name"), |text| format!("name {text}"))),
        action!("v", |_, ctx| {
            let lines = (0..100).map(|at| vec![Cell::new(format!("line {at}"), Role::Left)]).collect();
            ctx.preview(Preview::new("Push", lines, "send"), Some("accepted".into()));
        }),
        action!("m", |_, ctx| {
            let command = |name: &str, not_now: Option<&str>| Command {
                name: name.into(),
                doc: String::new(),
                keys: String::new(),
                not_now: not_now.map(str::to_owned),
            };
            let commands = vec![command("first", None), command("second", None), command("third", Some("not yet"))];
            ctx.choose(Menu::new("Which", commands), |at| format!("chose {at}"));
        }),
        action!("e", |tab, _| tab.text = Some(String::new())),
        action!("w", |_, ctx| {
            ctx.fetch(|| "fetched".into(), |why| why);
            ctx.fetch(|| std::panic::panic_any("broken"), |_| "lost".into());
            ctx.edit("text".into(), ".toml", |text| format!("edited {text}"));
        }),
        Action {
            info: Info::new("probe.k", "k", KEYS[6], "Probe"),
            enabled: |_, _| Err(Reason::new("Never.")),
            run: |tab, _| tab.note("impossible"),
        },
    ];

    fn receive(&mut self, message: String, _: &mut Ctx<'_, String>) {
        self.note(message);
    }

    fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        paint.line(area, &[Cell::plain(format!("query `{}` text {:?}", self.query, self.text))]);
    }

    fn navigate(&mut self, step: Nav, _: &mut Ctx<'_, String>) {
        self.note(format!("{step:?}"));
    }

    fn editing(&self) -> bool {
        self.text.is_some()
    }

    fn edit(&mut self, input: &Input, _: &mut Ctx<'_, String>) -> Handled {
        let Some(text) = &mut self.text else { return Handled::No };
        match input {
            Input::Paste(pasted) => text.push_str(pasted),
            Input::Key(event) => match event.code {
                KeyCode::Char(c) if event.modifiers.is_empty() => text.push(c),
                KeyCode::Esc => self.text = None,
                _ => return Handled::No,
            },
        }
        Handled::Yes
    }

    fn query(&self) -> Option<&str> {
        Some(&self.query)
    }

    fn search(&mut self, query: &str, _: &mut Ctx<'_, String>) {
        self.query = query.into();
    }

    fn show(&mut self, target: Target, _: &mut Ctx<'_, String>) {
        self.note(format!("{target:?}"));
    }
}

fn probed() -> (Person, impl Fn() -> Vec<String>) {
    let probe = Probe::default();
    let notes = Rc::clone(&probe.notes);
    let tabs: Vec<Box<dyn Tab>> = vec![Box::new(probe), Box::new(tabs::activity::Activity::default())];
    let person = Person::at(running(), FakeSource::default(), Settings::default(), tabs);
    (person, move || std::mem::take(&mut *notes.borrow_mut()))
}

#[test]
fn a_question_is_answered_by_enter_or_y_and_refused_by_escape() {
    let (mut person, notes) = probed();
    person.types("c");
    person.expects("┌─ Undo run 7");
    person.expects("Enter undo");
    person.press(KeyCode::Esc);
    person.types("cn");
    assert_eq!(notes(), [""; 0]);
    person.types("cy");
    person.types("c");
    person.press(KeyCode::Enter);
    assert_eq!(notes(), ["confirmed", "confirmed"]);
    person.expects_not("Undo run 7");
}

#[test]
fn a_prompt_takes_typed_and_pasted_text_and_no_key_acts_meanwhile() {
    let (mut person, notes) = probed();
    person.types("p");
    person.expects("dana");
    person.press(KeyCode::Backspace);
    person.types("iel q");
    person.pastes("\u{1b}[31mx");
    person.press(KeyCode::Enter);
    assert_eq!(notes(), ["name daniel q\u{fffd}[31mx"]);
    assert!(!person.has_quit);
}

#[test]
fn the_end_of_a_long_text_stays_in_sight_while_writing_it() {
    let (mut person, _) = probed();
    person.types("p");
    person.pastes(&"日本語".repeat(60));
    person.types("END");
    person.expects("END");
}

#[test]
fn a_preview_scrolls_and_is_accepted_or_left() {
    let (mut person, notes) = probed();
    person.types("v");
    person.expects("line 0");
    person.press(KeyCode::End);
    person.expects("line 99");
    person.press(KeyCode::PageUp);
    person.expects_not("line 99");
    person.press(KeyCode::Esc);
    person.types("v");
    person.press(KeyCode::Enter);
    assert_eq!(notes(), ["accepted"]);
}

#[test]
fn a_menu_gives_what_was_chosen_even_when_filtered() {
    let (mut person, notes) = probed();
    person.types("msec");
    person.press(KeyCode::Enter);
    assert_eq!(notes(), ["chose 1"]);
    person.types("mthi");
    person.expects("not yet");
    person.press(KeyCode::Enter);
    person.expects("┌─ Which");
    person.press(KeyCode::Esc);
    assert_eq!(notes(), [""; 0]);
}

#[test]
fn while_a_tab_is_written_in_letters_are_letters() {
    let (mut person, _) = probed();
    person.types("eq5?:");
    person.pastes("a\nb");
    person.expects(r#"text Some("q5?:a\nb")"#);
    assert!(!person.has_quit);
    person.press(KeyCode::Esc);
    person.types("q");
    assert!(person.has_quit);
}

#[test]
fn search_is_live_and_escape_ends_it() {
    let (mut person, _) = probed();
    person.types("/ac");
    person.expects("query `ac`");
    person.pastes("me");
    person.expects("query `acme`");
    person.press(KeyCode::Enter);
    person.types("/");
    person.expects("/ acme");
    person.press(KeyCode::Enter);
    person.press(KeyCode::Esc);
    person.expects("query ``");
    person.types("/x");
    person.press(KeyCode::Esc);
    person.expects("query ``");
    person.press(KeyCode::Esc);
    person.types("q");
    assert!(person.has_quit);
}

#[test]
fn work_comes_back_also_when_it_panicked() {
    let (mut person, notes) = probed();
    person.editor = Box::new(|text| text + "!");
    person.types("w");
    assert_eq!(notes(), ["fetched", "lost", "edited text!"]);
}

#[test]
fn a_key_that_cannot_act_in_the_tab_falls_through_to_the_frame() {
    let (mut person, notes) = probed();
    person.types("kj");
    assert_eq!(notes(), ["Up", "Down"], "k is Up everywhere, where the tab can't use it");
}
