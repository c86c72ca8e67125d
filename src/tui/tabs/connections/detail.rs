//! What Connections says below its columns: why the selected connection is as it is, and what to do.

use super::Connections;
use super::columns::next_try;
use super::panel::Panel;
use crate::engine::driver::doctor::connect_command;
use crate::engine::driver::snapshot::{Health, Role as EngineRole, Side};
use crate::model::{Grade, ObjectKind, Pause, PauseScope, System};
use crate::tui::tabs::steady;
use crate::tui::world::World;
use crate::view::cell::wrapped;
use crate::view::checkup::grade_role;
use crate::view::objects::ObjectRow;
use crate::view::{Cell, Line, Role, format};

pub fn lines(tab: &Connections, width: usize, world: &World) -> Vec<Line> {
    match &tab.panel {
        Some(panel) => vec![of_panel(panel)],
        None => {
            let system = tab.system();
            let texts = match tab.object.and_then(|object| tab.objects.row(object)) {
                Some(row) => of_object(tab, row, system, world),
                None => of_connection(tab, system, world),
            };
            steady(spread_out(texts, width), LINES)
        }
    }
}

/// What most things need to say how they are.
const LINES: usize = 3;

fn spread_out(texts: Vec<(String, Role)>, width: usize) -> Vec<Line> {
    let lines = |(text, role): (String, Role)| {
        wrapped_indented(&text, width).into_iter().map(move |line| vec![Cell::new(line, role)])
    };
    texts.into_iter().flat_map(lines).collect()
}

fn of_panel(panel: &Panel) -> Line {
    let key = |key: &'static str, doc| [Cell::new(key, Role::Key), Cell::muted(doc)];
    let mut line = [key("Esc", " back to the connections   "), key("y", " copies all of it   ")].concat();
    line.extend(panel.is_doctor().then(|| key("d", " looks again")).into_iter().flatten());
    line
}

/// The gravest thing that there is to say.
fn of_connection(tab: &Connections, system: System, world: &World) -> Vec<(String, Role)> {
    let side = &world.snapshot.sides[system];
    if tab.is_missing(system) {
        return vec![
            (format!("{system} is not connected. Leave the console and run:"), Role::Warn),
            (format!("  {}", connect_command(system)), Role::Key),
        ];
    }
    if let Health::Broken { message, hint } = &side.health {
        return vec![
            (format!("{system} can't be used now: {message}"), Role::Error),
            (hint.clone(), Role::Text),
            (goes_on(side, world), Role::Muted),
        ];
    }
    if let (Some(_), Some((_, error))) = (side.wait, &side.last_error) {
        return vec![(error.clone(), Role::Warn), (goes_on(side, world), Role::Muted)];
    }
    let paused = pauses_of(system, None, world);
    if !paused.is_empty() {
        return paused;
    }
    if !side.missing_rights.is_empty() {
        return side.missing_rights.iter().map(|right| (right.clone(), Role::Warn)).collect();
    }
    let connected = tab.connected.as_ref().and_then(|connected| connected[system].as_ref());
    if let Some(trouble) = connected.and_then(|connected| connected.silent.as_ref()) {
        return vec![
            (format!("{system} does not call back for all: {}", trouble.what), Role::Warn),
            (trouble.remedy.clone(), Role::Text),
            ("Those changes are found by polling, and cross a little later.".to_owned(), Role::Muted),
        ];
    }
    if let Some(harm) = tab.hurt(system) {
        return vec![
            (format!("A change in {system} hurts the {}: {}", harm.part, harm.what), Role::Warn),
            (format!("{} c shows all changes.", harm.remedy), Role::Text),
        ];
    }
    match &side.last_error {
        Some((at, error)) => vec![
            (format!("Last error of {system}, {}:", format::moment_near(*at, world.now)), Role::Muted),
            (error.clone(), Role::Text),
        ],
        None if side.health == Health::Ok => {
            vec![(format!("{system} answers. Nothing went wrong so far."), Role::Muted)]
        }
        None => vec![(untried(system, world), Role::Muted)],
    }
}

/// How far the records are known; then what the doctor found, and when.
fn of_object(tab: &Connections, row: &ObjectRow, system: System, world: &World) -> Vec<(String, Role)> {
    let (object, side) = (row.object, &row.sides[system]);
    let (one, many) = (object.to_string(), object.plural().to_lowercase());
    let read = match side.read {
        Some(at) => format!("changes were last read {} ago", format::age_at(at, world.now)),
        None => "changes were not read to the end yet".to_owned(),
    };
    let mut texts =
        vec![(format!("{} of {system} known; {read}.", format::counted(side.known, &one, &many)), Role::Text)];
    texts.extend(pauses_of(system, Some(object), world));
    let (problems, warnings): (Vec<_>, Vec<_>) =
        tab.objects.findings(object, system).partition(|finding| finding.grade == Grade::Problem);
    if let Some(gravest) = problems.first() {
        texts.push((gravest.what.clone(), grade_role(gravest.grade)));
        texts.push((gravest.remedy.clone(), Role::Text));
    }
    let looked = match tab.objects.checkup.as_ref().map(|checkup| format::age_at(checkup.at, world.now)) {
        Some(age) => format!(
            "The doctor looked {age} ago and found {}, {}; d looks again.",
            format::counted(problems.len() as u64, "problem", "problems"),
            format::counted(warnings.len() as u64, "warning", "warnings")
        ),
        None => "What may be read and written is not known yet: d lets the doctor look.".to_owned(),
    };
    texts.push((looked, Role::Muted));
    texts
}

/// What is paused of that system, or of one of its objects, and how it goes on.
fn pauses_of(system: System, object: Option<ObjectKind>, world: &World) -> Vec<(String, Role)> {
    let pauses = &world.snapshot.pauses;
    let concerns = |pause: &&Pause| {
        let here = PauseScope::new(object.or(pause.scope.object), Some(system));
        pause.scope.contains(here)
    };
    let mut texts: Vec<(String, Role)> =
        pauses.iter().filter(concerns).map(|pause| (format!("{}.", pause.sentence()), Role::Warn)).collect();
    if !texts.is_empty() {
        texts.truncate(LINES - 1);
        let key = match pauses.covers(PauseScope::new(object, Some(system))).map(|pause| pause.scope) {
            Some(PauseScope::EVERYTHING) => "; Ctrl-P lets all of it go on",
            Some(scope) if scope == PauseScope::new(object, Some(system)) => "; p lets it go on",
            _ => "",
        };
        texts.push((format!("Changes are kept, and cross after it is resumed{key}."), Role::Text));
    }
    texts
}

/// That nothing is lost, and when it goes on.
fn goes_on(side: &Side, world: &World) -> String {
    let when = next_try(side, world).map(|at| format!(" {}", format::age_at(at, world.now))).unwrap_or_default();
    format!("Its work waits and goes on by itself{when}; nothing is lost. t tries now.")
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
