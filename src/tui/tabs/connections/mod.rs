//! Connections: how both systems are doing, side by side, and how to connect the one that is missing; how far each object
//! is known and what may be done with it; the doctor, and what changed in the schemas.

mod columns;
mod detail;
mod objects;
mod panel;
#[cfg(test)]
mod tests;

use ratatui::layout::Rect;

use crate::engine::core::command::Ask;
use crate::engine::driver::doctor::connect_command;
use crate::engine::driver::snapshot::{Health, Role as EngineRole, Side, Wait};
use crate::mapping::Harm;
use crate::model::{BySystem, Checked, ObjectKind, PauseScope, System, Timestamp};
use crate::tui::action::{Action, Actor, Enabled, Info, Key, Reason, always};
use crate::tui::ctx::Ctx;
use crate::tui::pausing;
use crate::tui::report::Report;
use crate::tui::shell::engine_listens;
use crate::tui::tab::{Handled, Nav, Page, TabId, Target};
use crate::tui::widgets::Paint;
use crate::tui::world::{Connected, SourceError, World};
use crate::view::Line;
use crate::view::checkup;
use crate::view::objects::Objects;
use crate::view::schema::Reading;
use panel::Panel;

/// The tab.
#[derive(Debug, Default)]
pub struct Connections {
    /// The system that keys are about; HubSpot until one is chosen.
    selected: Option<System>,
    /// The object that keys are about; none: the connection as a whole.
    object: Option<ObjectKind>,
    objects: Objects,
    /// The revision that the objects were fetched for.
    revision: Option<u64>,
    reading_objects: super::Reading,
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
    Objects(Result<Box<Objects>, SourceError>),
    Examined(Result<Vec<Checked>, SourceError>),
}

impl Actor for Connections {
    type Message = Message;
}

impl Connections {
    fn system(&self) -> System {
        self.selected.unwrap_or(System::HubSpot)
    }

    fn fetch_objects(&mut self, ctx: &mut Ctx<'_, Message>) {
        if !self.reading_objects.begins() {
            return;
        }
        let source = std::sync::Arc::clone(&ctx.world.source);
        ctx.fetch(
            move || Message::Objects(source.objects().map(Box::new)),
            |why| Message::Objects(Err(SourceError(why))),
        );
    }

    /// The rows that the cursor goes through: the connection, then each object.
    fn step(&mut self, step: Nav) {
        let rows: Vec<Option<ObjectKind>> =
            std::iter::once(None).chain(self.objects.rows.iter().map(|row| Some(row.object))).collect();
        let at = rows.iter().position(|row| *row == self.object).unwrap_or(0);
        let to = match step {
            Nav::Up => at.saturating_sub(1),
            Nav::Down => at + 1,
            Nav::Home | Nav::PageUp => 0,
            Nav::End | Nav::PageDown => rows.len(),
            Nav::Left | Nav::Right => at,
        };
        self.object = rows[to.min(rows.len() - 1)];
    }

    fn is_missing(&self, system: System) -> bool {
        self.connected.as_ref().is_some_and(|connected| connected[system].is_none())
    }
}

/// How badly a connection is off.
const fn trouble(side: &Side) -> u8 {
    match (&side.health, side.wait) {
        (Health::Broken { .. }, _) => 3,
        (_, Some(Wait { asked: false, .. })) => 2,
        (_, Some(_)) => 1,
        _ => 0,
    }
}

/// What `p` is about: all that is written to the selected system, or only the selected object.
fn pause_scope(tab: &Connections) -> PauseScope {
    PauseScope::new(tab.object, Some(tab.system()))
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

fn failed(error: SourceError, ctx: &mut Ctx<'_, Message>) {
    let report = Report::new("The connections could not be read.", "Go to another tab and back to try again.");
    ctx.report(report.because(error.0));
}

fn test_now(_: &Connections, world: &World) -> Enabled {
    engine_listens(&(), world)
}

impl Page for Connections {
    const ID: TabId = TabId::Connections;
    const ACTIONS: &'static [Action<Self>] = &[
        Action {
            info: Info::new("connections.records", "records", &[Key::ENTER], "List the records of the selected object"),
            enabled: |tab, _| tab.object.map(drop).ok_or(Reason::new("Select an object first, with ↓.")),
            run: |tab, ctx| {
                if let Some(object) = tab.object {
                    ctx.goto(TabId::Records, Some(Target::Object(object)));
                }
            },
        },
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
                "Stop writing to the selected system, or only the selected object, or go on; nothing is lost",
            )
            .changes(),
            enabled: |tab, world| pausing::can_toggle(pause_scope(tab), world),
            run: |tab, ctx| pausing::toggle(ctx, pause_scope(tab)),
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
            Message::Objects(answer) => {
                let again = self.reading_objects.ends();
                match answer {
                    Ok(objects) => self.objects = *objects,
                    Err(error) => return failed(error, ctx),
                }
                if again {
                    self.fetch_objects(ctx);
                }
            }
            Message::Connected(Err(error)) | Message::Drift(Err(error)) => failed(error, ctx),
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
        // Whoever comes because of trouble sees it first. Later the selection stays where it is: keys act on it.
        let sides = &ctx.world.snapshot.sides;
        if self.selected.is_none() && trouble(&sides.connectwise) > trouble(&sides.hubspot) {
            self.selected = Some(System::ConnectWise);
        }
        let source = std::sync::Arc::clone(&ctx.world.source);
        ctx.fetch(
            move || Message::Connected(source.connections().map(Box::new)),
            |why| Message::Connected(Err(SourceError(why))),
        );
        let source = std::sync::Arc::clone(&ctx.world.source);
        ctx.fetch(move || Message::Drift(source.drift()), |why| Message::Drift(Err(SourceError(why))));
        self.fetch_objects(ctx);
    }

    fn world_changed(&mut self, ctx: &mut Ctx<'_, Message>) {
        let seen = (ctx.world.snapshot.schemas_read, matches!(ctx.world.snapshot.role, EngineRole::Starting { .. }));
        if seen != self.seen {
            self.seen = seen;
            self.shown(ctx);
        } else if self.revision != Some(ctx.world.snapshot.revision) {
            self.fetch_objects(ctx);
        }
        self.revision = Some(ctx.world.snapshot.revision);
    }

    fn back(&mut self, _: &mut Ctx<'_, Message>) -> Handled {
        if self.panel.take().is_some() { Handled::Yes } else { Handled::No }
    }

    fn navigate(&mut self, step: Nav, _: &mut Ctx<'_, Message>) {
        if let Some(panel) = &self.panel {
            panel.scroll(step);
            return;
        }
        match step {
            Nav::Left => self.selected = Some(System::HubSpot),
            Nav::Right => self.selected = Some(System::ConnectWise),
            step => self.step(step),
        }
    }

    fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        if let Some(panel) = &self.panel {
            panel.draw(area, paint);
            return;
        }
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        let facts = columns::lines(self, width, height.saturating_sub(objects::height(self)), paint);
        let below = height.saturating_sub(facts.len());
        let table = objects::lines(self, width, below, paint);
        paint.lines(area, &[facts, table].concat());
    }

    fn detail(&self, width: usize, world: &World) -> Vec<Line> {
        detail::lines(self, width, world)
    }
}

impl Connections {
    /// The first part of the configuration that a change in this system hurts.
    fn hurt(&self, system: System) -> Option<&Harm> {
        let readings = self.drift.iter().filter(|reading| reading.system == system);
        readings.flat_map(|reading| &reading.changes).find_map(|(_, harms)| harms.first())
    }
}
