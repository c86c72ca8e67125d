//! What can be done in the Records tab, when, and what becomes of it.

use std::sync::Arc;

use super::family;
use super::open::Found;
use super::source::Opened;
use super::{Context, Message, Records};
use crate::engine::core::command::{Ask, Reply};
use crate::engine::core::plan::{FieldNext, FieldPlan, PairDecision, PushReport};
use crate::mapping::FieldKey;
use crate::model::{BySystem, RecordRef, System};
use crate::tui::action::{Action, Enabled, Info, Key, Reason};
use crate::tui::overlay::{Command, Menu, Preview, Prompt};
use crate::tui::report::Report;
use crate::tui::shell::engine_listens;
use crate::tui::tabs::objects;
use crate::tui::world::{SourceError, World};
use crate::view::diff::Shown;
use crate::view::table::Table;
use crate::view::{Cell, Line, Role, activity, cell, explain, format, push, trial};

/// Columns that texts in dialogs may take at 80 columns.
const DIALOG: usize = 74;
/// Values in the history of a record that are shown.
const HISTORY: usize = 200;

pub const ACTIONS: &[Action<Records>] = &[
    Action {
        info: Info::new(
            "records.open",
            "open",
            &[Key::ENTER],
            "Open the record: both sides, field by field; in one, the record that the field points to",
        ),
        enabled: |tab, _| match &tab.open {
            None => reason(tab.list.selected().is_some(), "There is no record to open."),
            Some(_) => reason(family::pointed(tab).is_some(), "This field points to no record that is known."),
        },
        run: |tab, ctx| match (&tab.open, family::pointed(tab)) {
            (Some(_), Some(record)) => tab.follow(record, ctx),
            (Some(_), None) => {}
            (None, _) => {
                if let Some(record) = tab.list.selected().map(|row| row.anchor()) {
                    tab.show_record(record, ctx);
                }
            }
        },
    },
    Action {
        info: Info::new("records.object", "object", &[Key::char('o')], "List another object that is mapped"),
        enabled: |tab, _| {
            reason(tab.open.is_none(), "Go back to the list first, with Esc.")?;
            objects::can_turn(tab.wanted.object, &tab.objects())
        },
        run: |tab, ctx| {
            if let Some(object) = objects::turn(tab.wanted.object, &tab.objects(), ctx, Message::Turn) {
                tab.turn_to(object, ctx);
            }
        },
    },
    Action {
        info: Info::new(
            "records.related",
            "related",
            &[Key::char('b')],
            "Open what the record belongs to, or one that belongs to it; Esc comes back",
        ),
        enabled: family::can_visit,
        run: family::visit,
    },
    Action {
        info: Info::new(
            "records.take_hubspot",
            "take HubSpot",
            &[Key::char('h')],
            "End the conflict of this field: HubSpot's value goes to ConnectWise",
        )
        .changes(),
        enabled: can_decide,
        run: |tab, ctx| decide(tab, System::HubSpot, ctx),
    },
    Action {
        info: Info::new(
            "records.take_connectwise",
            "take ConnectWise",
            &[Key::char('c')],
            "End the conflict of this field: ConnectWise's value goes to HubSpot",
        )
        .changes(),
        enabled: can_decide,
        run: |tab, ctx| decide(tab, System::ConnectWise, ctx),
    },
    Action {
        info: Info::new(
            "records.push_connectwise",
            "push →",
            &[Key::char('p')],
            "Show what a push to ConnectWise would send, then send it",
        )
        .changes()
        .keeps_place(),
        enabled: |tab, world| can_push(tab, world, System::ConnectWise),
        run: |tab, ctx| preview(tab, System::ConnectWise, ctx),
    },
    Action {
        info: Info::new(
            "records.push_hubspot",
            "push ←",
            &[Key::char('P')],
            "Show what a push to HubSpot would send, then send it",
        )
        .changes()
        .keeps_place(),
        enabled: |tab, world| can_push(tab, world, System::HubSpot),
        run: |tab, ctx| preview(tab, System::HubSpot, ctx),
    },
    Action {
        info: Info::new("records.explain", "explain", &[Key::char('x')], "Show every step of the decision"),
        enabled: needs_open,
        run: show_trace,
    },
    Action {
        info: Info::new("records.all_fields", "all fields", &[Key::char('a')], "Show or hide the fields that agree"),
        enabled: needs_open,
        run: |tab, ctx| {
            if let Some(open) = &mut tab.open {
                open.shown = if open.shown == Shown::All { Shown::Differing } else { Shown::All };
                open.list_fields(ctx);
            }
        },
    },
    Action {
        info: Info::new(
            "records.history",
            "history",
            &[Key::char('t')],
            "Show what was written to the record, and why",
        ),
        enabled: needs_open,
        run: |tab, ctx| {
            let (source, records) = (Arc::clone(&tab.source), tab.both());
            ctx.fetch(
                move || Message::History(source.history(&records, HISTORY)),
                |why| Message::History(Err(SourceError(why))),
            );
        },
    },
    Action {
        info: Info::new(
            "records.test",
            "draft",
            &[Key::char('T')],
            "Show what the draft would do with the record, beside what is deployed",
        ),
        enabled: |tab, _| reason(tab.current().is_some(), "There is no record to look at."),
        run: |tab, ctx| {
            let Some(record) = tab.current() else { return };
            let trials = Arc::clone(&tab.trials);
            ctx.fetch(
                move || Message::Compared(trials.compare(record).map(|found| found.map(Box::new))),
                |why| Message::Compared(Err(SourceError(why))),
            );
        },
    },
    Action {
        info: Info::new("records.edit", "edit", &[Key::char('e')], "Change this field in one of the simulated systems")
            .changes(),
        enabled: can_edit,
        run: choose_side,
    },
    Action {
        info: Info::new("records.retry", "retry", &[Key::char('r')], "Look at the record again now").changes(),
        enabled: |tab, world| {
            reason(tab.current().is_some(), "There is no record to look at.")?;
            engine_listens(tab, world)
        },
        run: |tab, ctx| {
            if let Some(record) = tab.current() {
                ctx.ask_plainly(Ask::Retry { record }, "The record is looked at again now.");
            }
        },
    },
    Action {
        info: Info::new(
            "records.exchange",
            "last request",
            &[Key::char('l')],
            "Show the last request about the record, and its answer",
        ),
        enabled: needs_open,
        run: |tab, ctx| {
            let (source, records) = (Arc::clone(&tab.source), tab.both());
            ctx.fetch(
                move || Message::Exchanges(source.exchanges(&records)),
                |why| Message::Exchanges(Err(SourceError(why))),
            );
        },
    },
    Action {
        info: Info::new("records.copy", "copy ids", &[Key::char('y')], "Copy both ids to the clipboard")
            .not_in_footer(),
        enabled: |tab, _| reason(tab.current().is_some(), "There is no record to copy."),
        run: |tab, ctx| {
            let ids: Vec<_> = tab.both().iter().map(|record| format!("{} {}", record.system, record.id)).collect();
            ctx.copy(ids.join("  "));
            ctx.say(format!("Copied: {}", ids.join("  ")));
        },
    },
];

fn reason(fine: bool, otherwise: &'static str) -> Enabled {
    if fine { Ok(()) } else { Err(Reason::new(otherwise)) }
}

fn needs_open(tab: &Records, _: &World) -> Enabled {
    reason(tab.opened().is_some(), "Open a record first, with Enter.")
}

fn can_decide(tab: &Records, world: &World) -> Enabled {
    needs_open(tab, world)?;
    let field = tab.open.as_ref().and_then(|open| open.field());
    let conflict = field.is_some_and(|field| field.next == FieldNext::Decide);
    reason(conflict, "This field is not in conflict: nothing is to be decided.")?;
    reason(tab.opened().is_some_and(|opened| opened.plan.link.is_some()), "The two records are not linked yet.")?;
    engine_listens(tab, world)
}

fn can_push(tab: &Records, world: &World, to: System) -> Enabled {
    reason(tab.current().is_some(), "There is no record to push.")?;
    let sides = tab.ids();
    if sides[to.other()].is_none() {
        return Err(Reason::new(format!("{} has no such record: there is nothing to push to {to}.", to.other())));
    }
    engine_listens(tab, world)
}

fn can_edit(tab: &Records, world: &World) -> Enabled {
    reason(tab.simulated.is_some(), "Only the simulated systems of the demo can be edited here.")?;
    needs_open(tab, world)?;
    reason(tab.open.as_ref().is_some_and(|open| open.field().is_some()), "Select a field first.")
}

impl Records {
    pub(super) fn opened(&self) -> Option<&Opened> {
        self.open.as_ref().and_then(|open| open.here())
    }

    /// The record that actions are about: the open one, or the one under the cursor.
    pub(super) fn current(&self) -> Option<RecordRef> {
        match &self.open {
            Some(open) => matches!(open.found, Found::Here(_)).then(|| open.anchor()),
            None => self.list.selected().map(crate::engine::core::state::Status::anchor),
        }
    }

    /// The ids of the current record on both sides.
    fn ids(&self) -> BySystem<Option<RecordRef>> {
        let (object, hubspot, connectwise) = match (self.opened(), self.list.selected()) {
            (Some(opened), _) => (opened.plan.object, opened.plan.hubspot, opened.plan.connectwise),
            (None, Some(row)) if self.open.is_none() => (row.object, row.hubspot, row.connectwise),
            _ => return BySystem::default(),
        };
        BySystem::new(hubspot, connectwise).map(|system, id| id.map(|id| RecordRef::new(object, system, id)))
    }

    fn both(&self) -> Vec<RecordRef> {
        let ids = self.ids();
        [ids.hubspot, ids.connectwise].into_iter().flatten().collect()
    }

    fn field(&self, key: &FieldKey) -> Option<&FieldPlan> {
        self.opened()?.plan.fields.iter().find(|field| field.key == *key)
    }
}

fn decide(tab: &mut Records, winner: System, ctx: &mut Context<'_>) {
    let field = tab.open.as_ref().and_then(|open| open.field()).map(|field| field.key.clone());
    let link = tab.opened().and_then(|opened| opened.plan.link);
    if let (Some(field), Some(link)) = (field, link) {
        let done = match winner {
            System::HubSpot => "Decided: HubSpot's value goes to ConnectWise.",
            System::ConnectWise => "Decided: ConnectWise's value goes to HubSpot.",
        };
        ctx.ask_plainly(Ask::Decide { link, field: Some(field), winner }, done);
    }
}

/// Asks the engine what it would send; the answer opens the preview.
fn preview(tab: &mut Records, to: System, ctx: &mut Context<'_>) {
    // a push takes the values of the other side: that record names it
    let Some(record) = tab.ids()[to.other()] else { return };
    ctx.say(format!("Reading both sides to see what would be sent to {to} …"));
    ctx.ask(Ask::Push { record, to, dry_run: true }, move |reply| Message::Previewed(record, to, reply));
}

fn show_trace(tab: &mut Records, ctx: &mut Context<'_>) {
    if let Some(opened) = tab.opened() {
        let lines = explain::lines(&opened.panel(ctx.world.now), DIALOG);
        ctx.preview(Preview::new("Why it is as it is", lines, ""), None);
    }
}

fn choose_side(tab: &mut Records, ctx: &mut Context<'_>) {
    let Some(field) = tab.open.as_ref().and_then(|open| open.field()) else { return };
    let ids = tab.ids();
    let command = |system: System| Command {
        name: system.name().to_owned(),
        doc: format!("{} of {}", field.names[system], ids[system].map_or(String::new(), |of| of.id.to_string())),
        keys: String::new(),
        not_now: ids[system].is_none().then(|| format!("{system} has no such record.")),
    };
    let key = field.key.clone();
    let menu = Menu::new("In which system?", System::BOTH.map(command).into());
    ctx.choose(menu, move |index| Message::EditIn(key, System::BOTH[index.min(1)]));
}

/// What became of an action.
pub fn receive(tab: &mut Records, message: Message, ctx: &mut Context<'_>) {
    match message {
        Message::Previewed(record, to, reply) => show_preview(tab, record, to, reply, ctx),
        Message::Send(record, to) => {
            ctx.say(format!("Sending to {to} …"));
            ctx.ask(Ask::Push { record, to, dry_run: false }, Message::Sent);
        }
        Message::Sent(reply) => {
            sent(reply, ctx);
            tab.refresh(ctx);
        }
        Message::History(rows) => show_history(tab, rows, ctx),
        Message::Exchanges(found) => show_exchanges(found, ctx),
        Message::Compared(Ok(None)) => {
            ctx.say("There is no draft: the Mappings tab (2) makes one with the first change.")
        }
        Message::Compared(Ok(Some(found))) => {
            let schemas = tab.opened().and_then(|opened| opened.schemas.clone());
            let lines = trial::difference(found.versions, &found.difference, schemas.as_deref(), DIALOG);
            ctx.preview(Preview::new(format!("What draft {} changes", found.versions.draft), lines, ""), None);
        }
        Message::Compared(Err(error)) => super::failed(error, ctx),
        Message::EditIn(key, system) => ask_value(tab, &key, system, ctx),
        Message::Edit(record, field, value) => {
            if let Some(simulated) = &tab.simulated {
                let edit = simulated.edit(record, field, value);
                ctx.spawn(async move { Message::Edited(edit.await) });
            }
        }
        Message::Turn(object) => tab.turn_to(object, ctx),
        Message::Visit(record) => {
            if let Some(record) = record {
                tab.follow(record, ctx);
            }
        }
        Message::Edited(Ok(what)) => ctx.say(what),
        Message::Edited(Err(why)) => {
            ctx.report(Report::new("The field could not be changed.", "Try another value.").because(why));
        }
        // the tab itself takes these
        Message::Page(..) | Message::Totals(_) | Message::Opened(..) => {}
    }
}

fn show_preview(tab: &Records, record: RecordRef, to: System, reply: Reply, ctx: &mut Context<'_>) {
    let report = match reply {
        Reply::Pushed(report) => report,
        Reply::Accepted | Reply::Undone(_) => return ctx.say("There is nothing to send."),
        refused @ Reply::Refused { .. } => return refusal(&refused, ctx),
    };
    let plan = report.plan;
    let requests = tab.source.requests(&plan);
    let does_something = !plan.writes().is_empty() || matches!(plan.decision, PairDecision::Link { .. });
    let schemas = tab.opened().and_then(|opened| opened.schemas.clone());
    let relatives = tab.opened().map(|opened| opened.relatives.clone()).unwrap_or_default();
    let shown = Opened { plan, link: None, observations: BySystem::default(), schemas, relatives };
    let lines = push::preview(&shown.panel(ctx.world.now), &requests, DIALOG);
    let accept = does_something.then_some(Message::Send(record, to));
    ctx.preview(Preview::new(format!("Push to {to}"), lines, "send"), accept);
}

fn sent(reply: Reply, ctx: &mut Context<'_>) {
    match reply {
        Reply::Pushed(report) => tell_outcome(&report, ctx),
        Reply::Accepted | Reply::Undone(_) => ctx.say("Sent."),
        refused @ Reply::Refused { .. } => refusal(&refused, ctx),
    }
}

fn tell_outcome(report: &PushReport, ctx: &mut Context<'_>) {
    for (system, outcome) in &report.outcomes {
        if let Err(why) = outcome {
            let what = format!("{system} refused the push of {}.", report.plan.name);
            ctx.report(
                Report::new(what, "The record's issue says what to do; l shows request and answer.").because(why),
            );
            return;
        }
    }
    let lines = push::outcome(report);
    ctx.say(lines.iter().map(|line| cell::line_text(line)).collect::<Vec<_>>().join(" "));
}

fn refusal(reply: &Reply, ctx: &mut Context<'_>) {
    if let Some(report) = Report::of_reply(reply) {
        ctx.report(report);
    }
}

fn show_history(
    tab: &Records,
    rows: Result<Vec<crate::engine::core::state::HistoryEntry>, SourceError>,
    ctx: &mut Context<'_>,
) {
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => return super::failed(error, ctx),
    };
    let schemas = tab.opened().and_then(|opened| opened.schemas.clone());
    let table = Table::new(&activity::HISTORY_COLUMNS, DIALOG);
    let mut lines: Vec<Line> = vec![table.header()];
    for entry in &rows {
        let schema = schemas.as_deref().map(|schemas| &schemas[entry.system]);
        let definition = schema.and_then(|schema| schema.field(entry.field.as_str()));
        let cells = activity::history_row(entry, definition);
        lines.push(table.row(&cells));
        let why = cells.last().map(Cell::text).unwrap_or_default();
        lines.extend(
            cell::wrapped(why, DIALOG - 17)
                .into_iter()
                .map(|text| vec![Cell::plain(" ".repeat(17)), Cell::muted(text)]),
        );
    }
    if rows.is_empty() {
        lines = vec![vec![Cell::muted("Lockstep has written nothing to this record.")]];
    }
    ctx.preview(Preview::new("History", lines, ""), None);
}

fn show_exchanges(found: Result<Vec<crate::engine::core::state::Exchange>, SourceError>, ctx: &mut Context<'_>) {
    let found = match found {
        Ok(found) => found,
        Err(error) => return super::failed(error, ctx),
    };
    let mut lines = Vec::new();
    for exchange in &found {
        lines.extend(exchange_lines(exchange, ctx));
    }
    if lines.is_empty() {
        lines.push(vec![Cell::muted("Nothing was sent about this record yet.")]);
    }
    ctx.preview(Preview::new("Last request and answer", lines, ""), None);
}

fn exchange_lines(exchange: &crate::engine::core::state::Exchange, ctx: &Context<'_>) -> Vec<Line> {
    let (status, role) = match exchange.status {
        Some(status @ 200..300) => (status.to_string(), Role::Ok),
        Some(status) => (status.to_string(), Role::Error),
        None => ("no answer".to_owned(), Role::Error),
    };
    let system = exchange.record.system;
    let mut lines = vec![
        vec![
            Cell::new(system.name(), Role::of(system)),
            Cell::muted(format!("  {}  ", format::moment_near(exchange.at, ctx.world.now))),
            Cell::new(status, role),
            Cell::muted(format!("  {} ms", format::grouped(exchange.took_ms))),
        ],
        cell::clipped(&[Cell::strong(&exchange.method), Cell::plain(" "), Cell::plain(&exchange.path)], DIALOG),
    ];
    for (label, text) in [("sent", &exchange.request), ("answer", &exchange.response)] {
        lines.push(vec![Cell::muted(label)]);
        lines.extend(broken(text));
    }
    lines.push(Line::new());
    lines
}

/// A text as it is, cut into lines that fit.
fn broken(text: &str) -> Vec<Line> {
    let room = DIALOG - 2;
    let mut lines = Vec::new();
    for line in text.lines() {
        let characters: Vec<char> = line.chars().collect();
        for part in characters.chunks(room) {
            lines.push(vec![Cell::plain("  "), Cell::plain(part.iter().collect::<String>())]);
        }
    }
    lines
}

/// Asks for the new value of a field in one simulated system.
fn ask_value(tab: &Records, key: &FieldKey, system: System, ctx: &mut Context<'_>) {
    let (Some(field), Some(record)) = (tab.field(key), tab.ids()[system]) else { return };
    let name = field.names[system].clone();
    let held = tab.opened().and_then(|opened| opened.observations[system].as_ref());
    let text = held.map(|observation| observation.record.value(name.as_str()).to_plain()).unwrap_or_default();
    let prompt = Prompt::new(format!("{system}: {name}"), &text, "As somebody working in that system would write it.");
    ctx.prompt(prompt, move |value| Message::Edit(record, name, value));
}
