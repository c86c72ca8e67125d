//! The actions that work everywhere, and the state of the frame around the tabs.

use crossterm::event::KeyCode;

use super::action::{Action, Actor, Enabled, Info, Key, Reason, always};
use super::ctx::{Ctx, Effect, TerminalEffect};
use super::overlay::{Command, Errors, Menu, Overlay, Search};
use super::pausing;
use super::report::Report;
use super::tab::{Nav, TabId, Target};
use super::world::{Played, World};
use crate::engine::core::command::{Ask, Reply};
use crate::engine::driver::snapshot::Role as EngineRole;
use crate::model::PauseScope;

/// What the frame remembers.
#[derive(Debug, Default)]
pub struct Shell {
    /// Oldest first.
    pub reports: Vec<Report>,
    /// One line that stands in place of the hints until the next key.
    pub said: Option<String>,
    /// What the tab in front is searched for; none when it can't be searched.
    pub query: Option<String>,
}

/// The reply to an ask of which only agreement matters.
#[derive(Debug)]
pub struct Answered {
    pub reply: Reply,
    pub done: &'static str,
}

/// What comes back to the shell.
#[derive(Debug)]
pub enum ShellMessage {
    Played(Result<Played, String>),
    Picked(usize),
    /// A person said yes to it; what is said when the engine agreed.
    Asked(Ask, &'static str),
}

impl Actor for Shell {
    type Message = ShellMessage;
}

impl Shell {
    pub fn receive(&mut self, message: ShellMessage, ctx: &mut Ctx<'_, ShellMessage>) {
        match message {
            ShellMessage::Asked(ask, done) => ctx.ask_plainly(ask, done),
            ShellMessage::Picked(scene) => {
                if let Some(demo) = &ctx.world.demo {
                    let playing = demo.play(scene);
                    ctx.spawn(async move { ShellMessage::Played(playing.await) });
                }
            }
            ShellMessage::Played(Ok(played)) => {
                // the record is where the change can be seen to arrive and to cross
                if let Some(record) = played.record {
                    ctx.goto(TabId::Records, Some(Target::Record(record)));
                }
                ctx.say(played.what);
            }
            ShellMessage::Played(Err(why)) => ctx.report(
                Report::new("The scene could not be played.", "Try again when the simulators answer.").because(why),
            ),
        }
    }
}

macro_rules! tab_action {
    ($id:expr, $tab:expr, $digit:literal, $doc:literal) => {
        Action {
            info: Info::new($id, $tab.title(), &[Key::char($digit)], $doc).not_in_footer(),
            enabled: always,
            run: |_, ctx| ctx.goto($tab, None),
        }
    };
}

macro_rules! step_action {
    ($id:literal, $name:literal, $keys:expr, $doc:literal, $nav:expr) => {
        Action {
            info: Info::new($id, $name, $keys, $doc).not_in_footer(),
            enabled: always,
            run: |_, ctx| ctx.effect(Effect::Navigate($nav)),
        }
    };
}

const fn code(code: KeyCode) -> Key {
    Key::code(code)
}

/// The name of the action that ends the console.
pub const QUIT: &str = "quit";

/// In the order of help and footer. A key of the tab in front goes before the same key here.
pub const ACTIONS: &[Action<Shell>] = &[
    Action {
        info: Info::new("search", "search", &[Key::char('/')], "Search in this tab"),
        enabled: searchable,
        run: search,
    },
    Action {
        info: Info::new("sync", "sync now", &[Key::char('s')], "Look at both systems now").not_in_footer(),
        enabled: engine_listens,
        run: |_, ctx| ctx.ask_plainly(Ask::SyncNow, "The engine looks at both systems now."),
    },
    Action {
        info: Info::new(
            "pause",
            "pause/resume everything",
            &[Key::ctrl('p')],
            "Write nothing anywhere, or let all that is paused go on",
        )
        .changes()
        .not_in_footer(),
        enabled: |_, world| pausing::can_toggle(PauseScope::EVERYTHING, world),
        run: |_, ctx| pausing::toggle(ctx, PauseScope::EVERYTHING),
    },
    Action {
        info: Info::new("palette", "commands", &[Key::char(':')], "Find a command by a few letters").not_in_footer(),
        enabled: always,
        run: |_, ctx| ctx.effect(Effect::OpenPalette),
    },
    Action {
        info: Info::new("errors", "errors", &[Key::char('!')], "List the errors so far").not_in_footer(),
        enabled: has_errors,
        run: |_, ctx| ctx.open(Overlay::Errors(Errors::default())),
    },
    Action {
        info: Info::new("demo", "demo", &[Key::char('*')], "Make something happen in the simulated systems"),
        enabled: is_demo,
        run: open_demo,
    },
    tab_action!("tab.connections", TabId::Connections, '1', "Go to Connections"),
    tab_action!("tab.mappings", TabId::Mappings, '2', "Go to Mappings"),
    tab_action!("tab.filters", TabId::Filters, '3', "Go to Filters"),
    tab_action!("tab.records", TabId::Records, '4', "Go to Records"),
    tab_action!("tab.activity", TabId::Activity, '5', "Go to Activity"),
    Action {
        info: Info::new("tab.next", "next tab", &[Key::TAB], "Go to the next tab").not_in_footer(),
        enabled: always,
        run: |_, ctx| ctx.effect(Effect::NextTab { back: false }),
    },
    Action {
        info: Info::new("tab.previous", "previous tab", &[Key::BACK_TAB], "Go to the previous tab").not_in_footer(),
        enabled: always,
        run: |_, ctx| ctx.effect(Effect::NextTab { back: true }),
    },
    step_action!("move.up", "up", &[code(KeyCode::Up), Key::char('k')], "Move up", Nav::Up),
    step_action!("move.down", "down", &[code(KeyCode::Down), Key::char('j')], "Move down", Nav::Down),
    step_action!("move.page_up", "page up", &[code(KeyCode::PageUp), Key::ctrl('b')], "Move up by a page", Nav::PageUp),
    step_action!(
        "move.page_down",
        "page down",
        &[code(KeyCode::PageDown), Key::ctrl('f')],
        "Move down by a page",
        Nav::PageDown
    ),
    step_action!("move.home", "first", &[code(KeyCode::Home), Key::char('g')], "Go to the first row", Nav::Home),
    step_action!("move.end", "last", &[code(KeyCode::End), Key::char('G')], "Go to the last row", Nav::End),
    step_action!("move.left", "left", &[code(KeyCode::Left)], "Go to the pane at the left", Nav::Left),
    step_action!("move.right", "right", &[code(KeyCode::Right)], "Go to the pane at the right", Nav::Right),
    Action {
        info: Info::new("back", "back", &[Key::ESC], "Leave what is open, end the search").not_in_footer(),
        enabled: always,
        run: |_, ctx| ctx.effect(Effect::Back),
    },
    Action {
        info: Info::new("redraw", "redraw", &[Key::ctrl('l')], "Draw the whole screen again").not_in_footer(),
        enabled: always,
        run: |_, ctx| ctx.effect(Effect::Terminal(TerminalEffect::Redraw)),
    },
    Action {
        info: Info::new("suspend", "suspend", &[Key::ctrl('z')], "Go back to the shell until `fg`").not_in_footer(),
        enabled: always,
        run: |_, ctx| ctx.effect(Effect::Terminal(TerminalEffect::Suspend)),
    },
    Action {
        info: Info::new("help", "help", &[Key::char('?')], "Show all keys"),
        enabled: always,
        run: |_, ctx| ctx.effect(Effect::OpenHelp),
    },
    Action {
        info: Info::new(
            QUIT,
            "quit",
            &[Key::char('q'), Key::ctrl('c')],
            "Quit; nothing is lost, a run goes on at the next start",
        ),
        enabled: always,
        run: |_, ctx| ctx.effect(Effect::Terminal(TerminalEffect::Quit)),
    },
];

fn searchable(shell: &Shell, _: &World) -> Enabled {
    match shell.query {
        Some(_) => Ok(()),
        None => Err(Reason::new("There is nothing to search in this tab.")),
    }
}

fn search(shell: &mut Shell, ctx: &mut Ctx<'_, ShellMessage>) {
    if let Some(query) = &shell.query {
        ctx.open(Overlay::Search(Search::new(query)));
    }
}

fn has_errors(shell: &Shell, _: &World) -> Enabled {
    if shell.reports.is_empty() { Err(Reason::new("There were no errors so far.")) } else { Ok(()) }
}

/// Whether an engine is there to take an ask; what its place taken, or stopped, means in words.
///
/// # Errors
/// With the reason.
pub fn engine_listens<T>(_: &T, world: &World) -> Enabled {
    match &world.snapshot.role {
        EngineRole::Holder => Ok(()),
        EngineRole::Starting { .. } => Err(Reason::new("The engine is starting.")),
        EngineRole::Idle => Err(Reason::new("No engine is running in this workspace.")),
        EngineRole::Viewer { holder } => {
            Err(Reason::new(format!("The engine runs in {holder}; this console only looks.")))
        }
        EngineRole::Stopped { reason, .. } => Err(Reason::new(format!("The engine stopped: {reason}"))),
    }
}

fn is_demo(_: &Shell, world: &World) -> Enabled {
    match world.demo {
        Some(_) => Ok(()),
        None => Err(Reason::new("Only `lockstep demo` has simulated systems to change.")),
    }
}

fn open_demo(_: &mut Shell, ctx: &mut Ctx<'_, ShellMessage>) {
    let Some(demo) = &ctx.world.demo else { return };
    let scene =
        |scene: super::world::Scene| Command { name: scene.name, doc: scene.doc, keys: String::new(), not_now: None };
    let commands = demo.scenes().into_iter().map(scene).collect();
    ctx.choose(Menu::new("Make something happen", commands), ShellMessage::Picked);
}
