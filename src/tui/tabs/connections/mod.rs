//! Connections: how both systems are doing, side by side, and how to connect the one that is missing; the doctor, and
//! what changed in the schemas.

mod panel;
#[cfg(test)]
mod tests;

use ratatui::layout::Rect;

use crate::engine::core::command::Ask;
use crate::engine::driver::doctor::connect_command;
use crate::engine::driver::snapshot::{Health, Role as EngineRole, Side};
use crate::mapping::Harm;
use crate::model::{BySystem, System, Timestamp};
use crate::tui::action::{Action, Actor, Enabled, Info, Key, Reason, always};
use crate::tui::ctx::Ctx;
use crate::tui::frame::health_cell;
use crate::tui::report::Report;
use crate::tui::shell::engine_listens;
use crate::tui::tab::{Handled, Nav, Page, TabId};
use crate::tui::widgets::Paint;
use crate::tui::world::{Connected, SourceError, World};
use crate::view::cell::{Align, wrapped};
use crate::view::checkup::{self, Checked};
use crate::view::schema::{Reading, drift_brief};
use crate::view::{Cell, Line, Role, format};
use panel::Panel;

/// The tab.
#[derive(Debug, Default)]
pub struct Connections {
    /// The system that keys are about.
    selected: Option<System>,
    /// What is set up; none until read.
    connected: Option<BySystem<Option<Connected>>>,
    /// What changed in the schemas since the configuration was made.
    drift: Vec<Reading>,
    /// When the engine had read the schemas again, and whether it was starting, when all this was fetched.
    seen: (Option<Timestamp>, bool),
    /// Whether the doctor is at work.
    examining: bool,
    /// In place of the columns.
    panel: Option<Panel>,
}

/// What comes back.
#[derive(Debug)]
pub enum Message {
    Connected(Result<Box<BySystem<Option<Connected>>>, SourceError>),
    Drift(Result<Vec<Reading>, SourceError>),
    Examined(Result<Vec<Checked>, SourceError>),
}

impl Actor for Connections {
    type Message = Message;
}

impl Connections {
    fn system(&self) -> System {
        self.selected.unwrap_or(System::HubSpot)
    }

    fn is_missing(&self, system: System) -> bool {
        self.connected.as_ref().is_some_and(|connected| connected[system].is_none())
    }
}

fn pause(tab: &mut Connections, ctx: &mut Ctx<'_, Message>) {
    let system = tab.system();
    let paused = !ctx.world.snapshot.sides[system].paused;
    let done = if paused { "Writes are paused: changes are kept and cross later." } else { "Writes go on." };
    ctx.ask_plainly(Ask::Pause { system, paused }, done);
}

fn copy(tab: &mut Connections, ctx: &mut Ctx<'_, Message>) {
    match &tab.panel {
        Some(panel) => ctx.copy(panel.text()),
        None => ctx.copy(connect_command(tab.system())),
    }
}

fn examine(tab: &mut Connections, ctx: &mut Ctx<'_, Message>) {
    tab.examining = true;
    ctx.say("The doctor looks at both systems; its findings come in a moment.");
    let findings = ctx.world.source.examine();
    ctx.spawn(async move { Message::Examined(findings.await) });
}

fn may_examine(tab: &Connections, _: &World) -> Enabled {
    if tab.examining { Err(Reason::new("The doctor is at work already.")) } else { Ok(()) }
}

fn show_drift(tab: &mut Connections, _: &mut Ctx<'_, Message>) {
    tab.panel = Some(Panel::drift(tab.drift.clone()));
}

fn test_now(_: &Connections, world: &World) -> Enabled {
    engine_listens(&(), world)
}

impl Page for Connections {
    const ID: TabId = TabId::Connections;
    const ACTIONS: &'static [Action<Self>] = &[
        Action {
            info: Info::new(
                "connections.test",
                "test now",
                &[Key::char('t')],
                "Look at both systems now: tests the connections too",
            ),
            enabled: test_now,
            run: |_, ctx| ctx.ask_plainly(Ask::SyncNow, "The engine looks at both systems now."),
        },
        Action {
            info: Info::new(
                "connections.doctor",
                "doctor",
                &[Key::char('d')],
                "Look whether both systems let the configuration do all it wants, and what to do where they don't",
            ),
            enabled: may_examine,
            run: examine,
        },
        Action {
            info: Info::new(
                "connections.schema",
                "schema changes",
                &[Key::char('c')],
                "Show what changed in the fields of both systems, and what it hurts",
            ),
            enabled: always,
            run: show_drift,
        },
        Action {
            info: Info::new(
                "connections.pause",
                "pause/resume writes",
                &[Key::char('p')],
                "Stop sending writes to the selected system, or go on; nothing is lost",
            )
            .changes(),
            enabled: test_now,
            run: pause,
        },
        Action {
            info: Info::new(
                "connections.copy",
                "copy",
                &[Key::char('y')],
                "Copy what is open, or the command that connects the selected system",
            ),
            enabled: always,
            run: copy,
        },
    ];

    fn receive(&mut self, message: Message, ctx: &mut Ctx<'_, Message>) {
        match message {
            Message::Connected(Ok(connected)) => self.connected = Some(*connected),
            Message::Drift(Ok(drift)) => self.drift = drift,
            Message::Connected(Err(error)) | Message::Drift(Err(error)) => ctx.report(
                Report::new("The connections could not be read.", "Go to another tab and back to try again.")
                    .because(error.0),
            ),
            Message::Examined(findings) => {
                self.examining = false;
                match findings {
                    Ok(items) => {
                        ctx.say(format!("The doctor is done: {}.", checkup::summary(&items)));
                        self.panel = Some(Panel::doctor(items, ctx.world.now));
                    }
                    Err(error) => ctx.report(
                        Report::new("The doctor could not look at the workspace.", "Press d to try again.")
                            .because(error.0),
                    ),
                }
                // What it read of the schemas may differ from what was known.
                self.shown(ctx);
            }
        }
    }

    fn shown(&mut self, ctx: &mut Ctx<'_, Message>) {
        let source = std::sync::Arc::clone(&ctx.world.source);
        ctx.fetch(
            move || Message::Connected(source.connections().map(Box::new)),
            |why| Message::Connected(Err(SourceError(why))),
        );
        let source = std::sync::Arc::clone(&ctx.world.source);
        ctx.fetch(move || Message::Drift(source.drift()), |why| Message::Drift(Err(SourceError(why))));
    }

    fn world_changed(&mut self, ctx: &mut Ctx<'_, Message>) {
        let seen = (ctx.world.snapshot.schemas_read, matches!(ctx.world.snapshot.role, EngineRole::Starting { .. }));
        if seen != self.seen {
            self.seen = seen;
            self.shown(ctx);
        }
    }

    fn back(&mut self, _: &mut Ctx<'_, Message>) -> Handled {
        if self.panel.take().is_some() { Handled::Yes } else { Handled::No }
    }

    fn navigate(&mut self, step: Nav, _: &mut Ctx<'_, Message>) {
        if let Some(panel) = &self.panel {
            panel.scroll(step);
            return;
        }
        self.selected = Some(match step {
            Nav::Up | Nav::Left | Nav::Home | Nav::PageUp => System::HubSpot,
            Nav::Down | Nav::Right | Nav::End | Nav::PageDown => System::ConnectWise,
        });
    }

    fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        if let Some(panel) = &self.panel {
            panel.draw(area, paint);
            return;
        }
        let label = 13;
        let width = usize::from(area.width).saturating_sub(label + 2) / 2;
        let mut lines = vec![self.heading(label, width), Line::new()];
        let [left, right] = System::BOTH.map(|system| self.facts(system, paint));
        let rows: Vec<_> = left.into_iter().zip(right).map(|((name, left), (_, right))| (name, left, right)).collect();
        for (name, left, right) in &fitting(rows, usize::from(area.height).saturating_sub(lines.len())) {
            lines.push(vec![
                Cell::plain("  "),
                Cell::muted(*name).fitted(label, Align::Left),
                left.fitted(width.saturating_sub(1), Align::Left),
                Cell::plain(" "),
                right.fitted(width.saturating_sub(1), Align::Left),
            ]);
        }
        paint.lines(area, &lines);
    }

    fn detail(&self, width: usize, world: &World) -> Vec<Line> {
        if let Some(panel) = &self.panel {
            let key = |key: &'static str, doc| [Cell::new(key, Role::Key), Cell::muted(doc)];
            let mut line = [key("Esc", " back to the connections   "), key("y", " copies all of it   ")].concat();
            line.extend(panel.is_doctor().then(|| key("d", " looks again")).into_iter().flatten());
            return vec![line];
        }
        let system = self.system();
        let side = &world.snapshot.sides[system];
        let mut texts: Vec<(String, Role)> = Vec::new();
        if self.is_missing(system) {
            texts.push((format!("{system} is not connected. Leave the console and run:"), Role::Warn));
            texts.push((format!("  {}", connect_command(system)), Role::Key));
        } else if let Health::Broken { message, hint, .. } = &side.health {
            texts.push((format!("{system} can't be used now: {message}"), Role::Error));
            texts.push((hint.clone(), Role::Text));
            texts.push(("Its work waits and goes on by itself; nothing is lost.".to_owned(), Role::Muted));
        } else if side.paused {
            texts.push((format!("Writes to {system} are paused. Changes are kept; p lets them cross."), Role::Warn));
        } else if let Some(harm) = self.hurt(system) {
            texts.push((format!("A change in {system} hurts the {}: {}", harm.part, harm.what), Role::Warn));
            texts.push((format!("{} c shows all changes.", harm.remedy), Role::Text));
        } else if let Some((at, error)) = &side.last_error {
            texts.push((format!("Last error of {system}, {}:", format::moment_near(*at, world.now)), Role::Muted));
            texts.push((error.clone(), Role::Text));
        } else if side.health == Health::Ok {
            texts.push((format!("{system} answers. Nothing went wrong so far."), Role::Muted));
        } else {
            texts.push((untried(system, world), Role::Muted));
        }
        let lines = |(text, role): (String, Role)| {
            wrapped_indented(&text, width).into_iter().map(move |line| vec![Cell::new(line, role)])
        };
        texts.into_iter().flat_map(lines).collect()
    }
}

/// The rows for which there is room. Where it is short, those go first that say nothing of either system, then those that
/// people need least while something is wrong.
fn fitting(mut rows: Vec<(&'static str, Cell, Cell)>, room: usize) -> Vec<(&'static str, Cell, Cell)> {
    const LEAST_NEEDED: [&str; 8] = ["waiting", "pace", "account", "access", "address", "today", "writes", "schema"];
    if rows.len() > room {
        rows.retain(|(_, left, right)| left.text() != format::NONE || right.text() != format::NONE);
    }
    for name in LEAST_NEEDED {
        if rows.len() > room {
            rows.retain(|row| row.0 != name);
        }
    }
    rows
}

/// What can be done about a system that was not tried: with an engine, and without one.
fn untried(system: System, world: &World) -> String {
    match &world.snapshot.role {
        EngineRole::Starting { what } => format!("The engine is starting. {what}").trim_end().to_owned(),
        EngineRole::Holder => format!("{system} was not tried yet. t tests both connections now."),
        EngineRole::Idle => format!("{system} was not tried: no engine runs. d lets the doctor look at both systems."),
        EngineRole::Viewer { holder } => {
            format!("The engine runs in {holder} and knows how {system} is. d lets the doctor look from here.")
        }
        EngineRole::Stopped { reason, hint } => {
            format!(
                "{system} was not tried: the engine is off. {reason} {hint} d lets the doctor look at both systems."
            )
        }
    }
}

/// Broken at words, with the indentation of a command kept.
fn wrapped_indented(text: &str, width: usize) -> Vec<String> {
    let indent = text.len() - text.trim_start().len();
    let lines = wrapped(text, width.saturating_sub(indent)).into_iter();
    lines.map(|line| format!("{}{line}", " ".repeat(indent))).collect()
}

impl Connections {
    fn heading(&self, label: usize, width: usize) -> Line {
        let mut line = vec![Cell::plain(" ".repeat(label + 2))];
        for system in System::BOTH {
            let is_selected = self.system() == system;
            let marker = if is_selected { Cell::new("▶ ", Role::Key) } else { Cell::plain("  ") };
            let name = Cell::new(system.name(), if is_selected { Role::Focus } else { Role::of(system) });
            let gap = width.saturating_sub(2 + name.width());
            // The marker stands before the column, so that names and values begin at the same place.
            line.push(marker);
            line.push(name);
            line.push(Cell::plain(" ".repeat(gap)));
        }
        if let Some(first) = line.first_mut() {
            *first = Cell::plain(" ".repeat(label));
        }
        line
    }

    /// What changed; else how old the knowledge is that nothing did.
    fn schema(&self, system: System, read: Option<Timestamp>, paint: &mut Paint<'_>) -> Cell {
        match (drift_brief(self.drift.iter().filter(|reading| reading.system == system)), read) {
            (Some((text, hurts)), _) => Cell::new(text, if hurts { Role::Warn } else { Role::Text }),
            (None, Some(at)) => {
                paint.ages(at);
                Cell::muted(format!("no changes, read {} ago", format::age_at(at, paint.world.now)))
            }
            (None, None) => Cell::muted("no changes"),
        }
    }

    /// The first part of the configuration that a change in this system hurts.
    fn hurt(&self, system: System) -> Option<&Harm> {
        let readings = self.drift.iter().filter(|reading| reading.system == system);
        readings.flat_map(|reading| &reading.changes).find_map(|(_, harms)| harms.first())
    }

    /// Name and value, in the order of the screen; the same names for both systems.
    fn facts(&self, system: System, paint: &mut Paint<'_>) -> Vec<(&'static str, Cell)> {
        let side = &paint.world.snapshot.sides[system];
        let none = || Cell::muted(format::NONE);
        let connected = self.connected.as_ref().and_then(|connected| connected[system].as_ref());
        let text = |text: Option<&str>| text.map_or_else(none, Cell::plain);
        let retry = match &side.health {
            Health::Broken { retry_at: Some(at), .. } => Some(*at),
            _ => None,
        };
        let mut facts = vec![
            ("state", if self.is_missing(system) { Cell::new("not connected", Role::Warn) } else { health_cell(side) }),
            ("address", text(connected.map(|connected| connected.address.as_str()))),
            ("tenant", text(side.tenant.as_deref().or_else(|| connected?.tenant.as_deref()))),
            ("account", text(connected.map(|connected| connected.account.as_str()))),
            ("access", access(connected, paint)),
            ("schema", self.schema(system, connected.and_then(|connected| connected.schema_read), paint)),
            ("writes", if side.paused { Cell::new("paused", Role::Warn) } else { Cell::plain("sent") }),
            ("next try", none()),
            ("pace", pace(side)),
            ("today", day_budget(side)),
            ("waiting", Cell::plain(format::counted(side.budget.waiting, "request", "requests"))),
            ("calls", Cell::plain(format::grouped(side.calls))),
            ("last error", none()),
        ];
        if let Some(at) = retry {
            facts[7].1 = Cell::new(format::age_at(at, paint.world.now), Role::Wait);
            paint.ages(at);
        }
        if let Some((at, _)) = side.last_error.as_ref().filter(|(at, _)| *at != Timestamp::EPOCH) {
            facts[12].1 = Cell::plain(format!("{} ago", format::age_at(*at, paint.world.now)));
            paint.ages(*at);
        }
        facts
    }
}

/// How long the credentials live, and what they lack.
fn access(connected: Option<&Connected>, paint: &mut Paint<'_>) -> Cell {
    let Some(connected) = connected else { return Cell::muted(format::NONE) };
    match (connected.missing_scopes.as_slice(), connected.expires) {
        ([one], _) => Cell::new(format!("lacks {one}"), Role::Warn),
        ([one, rest @ ..], _) => Cell::new(format!("lacks {one} and {} more", rest.len()), Role::Warn),
        ([], Some(at)) if at > paint.world.now => {
            paint.ages(at);
            Cell::plain(format!("renewed in {}", format::age(at.since(paint.world.now))))
        }
        ([], Some(_)) => Cell::plain("renewed with the next call"),
        ([], None) => Cell::plain("does not end"),
    }
}

fn pace(side: &Side) -> Cell {
    match side.budget.rate_milli {
        0 => Cell::muted(format::NONE),
        u64::MAX => Cell::muted("not limited"),
        rate => Cell::plain(format!("{}.{} calls/s", rate / 1000, rate % 1000 / 100)),
    }
}

fn day_budget(side: &Side) -> Cell {
    let Some((used, all)) = side.budget.daily else { return Cell::muted(format::NONE) };
    let share = used.saturating_mul(100).checked_div(all).unwrap_or(100);
    let role = if share >= 90 { Role::Warn } else { Role::Text };
    Cell::new(format!("{} of {} ({share} %)", format::grouped(used), format::grouped(all)), role)
}
