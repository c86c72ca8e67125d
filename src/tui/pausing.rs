//! Pausing and resuming from any place of the console: when it can be done, what it means, and the question before it.

use super::action::{Enabled, Reason};
use super::ctx::{Ctx, Effect, Owner};
use super::overlay::{Confirm, Overlay};
use super::shell::{ShellMessage, engine_listens};
use super::world::World;
use crate::engine::core::command::Ask;
use crate::model::{Pause, PauseScope, Pauses};
use crate::view::cell::wrapped;
use crate::view::{Cell, Line, Role};

/// Columns that the question may take at 80 columns.
const DIALOG: usize = 74;
/// Pauses that a question lists one by one.
const MOST_LISTED: usize = 6;

/// Whether that can be paused, or resumed where it is paused by itself.
///
/// # Errors
/// With the reason: no engine listens, or a wider pause covers it.
pub fn can_toggle(scope: PauseScope, world: &World) -> Enabled {
    engine_listens(&(), world)?;
    match world.snapshot.pauses.covers(scope) {
        Some(wider) if wider.scope != scope => {
            let what =
                if wider.scope == PauseScope::EVERYTHING { "Ctrl-P resumes" } else { "resume that, on Connections" };
            Err(Reason::new(format!("{}: {what} first.", wider.sentence())))
        }
        _ => Ok(()),
    }
}

/// Asks whether that is to be paused, or to go on where it is paused.
pub fn toggle<M: Send + 'static>(ctx: &mut Ctx<'_, M>, scope: PauseScope) {
    let pauses = &ctx.world.snapshot.pauses;
    let (question, ask, done) = match pauses.covers(scope) {
        Some(_) => (resume_question(scope, pauses), Ask::Resume { scope }, "Resumed: what was kept crosses now."),
        None => (
            pause_question(scope),
            Ask::Pause { scope, by: ctx.world.settings.person.clone(), note: None },
            "Paused: changes are kept, and cross after it is resumed.",
        ),
    };
    let yes = Effect::Deliver(Owner::Shell, Box::new(ShellMessage::Asked(ask, done)));
    ctx.open(Overlay::Confirm(question.then(yes)));
}

fn pause_question(scope: PauseScope) -> Confirm {
    let to = scope.to.map_or("either system", |system| system.name());
    let what = scope.object.map_or_else(
        || format!("Nothing is written to {to} until somebody resumes it."),
        |object| format!("No {} are written to {to} until somebody resumes it.", object.plural().to_lowercase()),
    );
    let mut lines = vec![vec![Cell::strong(what)]];
    lines.extend(text(
        "Both systems are read on: changes are kept as pending, and cross afterwards. What is on its way to a \
                       system is not called back. It outlives the console.",
    ));
    Confirm::new(format!("Pause: {scope}"), lines, "pause")
}

fn resume_question(scope: PauseScope, pauses: &Pauses) -> Confirm {
    let within: Vec<&Pause> = pauses.within(scope).collect();
    let mut lines: Vec<Line> = within.iter().take(MOST_LISTED).flat_map(|pause| text(&pause.sentence())).collect();
    if within.len() > MOST_LISTED {
        lines.push(vec![Cell::muted(format!("and {} more", within.len() - MOST_LISTED))]);
    }
    lines.extend(text("What was kept crosses with the next run; guards hold what is too much."));
    Confirm::new(format!("Resume: {scope}"), lines, "resume")
}

fn text(text: &str) -> Vec<Line> {
    wrapped(text, DIALOG).into_iter().map(|line| vec![Cell::plain(line)]).collect()
}

/// What the status line says of pauses, as much as fits into `room`.
pub fn banner(pauses: &Pauses, room: usize) -> Option<Cell> {
    let widest = pauses.iter().next()?.scope;
    let words = match (pauses.len(), widest.object, widest.to) {
        _ if widest == PauseScope::EVERYTHING => vec!["ALL PAUSED".to_owned()],
        (1, None, Some(to)) => vec![format!("PAUSED to {to}")],
        (1, Some(object), to) => {
            let object = object.plural().to_lowercase();
            let full = to.map(|to| format!("PAUSED {object} to {to}"));
            full.into_iter().chain([format!("PAUSED {object}")]).collect()
        }
        (several, ..) => vec![format!("{several} PAUSED")],
    };
    let fitting = words.into_iter().map(|text| Cell::new(text, Role::Warn)).find(|cell| cell.width() <= room);
    Some(fitting.unwrap_or_else(|| Cell::new("PAUSED", Role::Warn)))
}
