//! The two columns of Connections: what each connection is, and how it is doing. As many rows as there is room for.

use super::Connections;
use crate::engine::driver::snapshot::{Health, Side};
use crate::model::{System, Timestamp};
use crate::tui::frame::{health_cell, is_paused};
use crate::tui::widgets::Paint;
use crate::tui::world::{Connected, World};
use crate::view::cell::Align;
use crate::view::schema::drift_brief;
use crate::view::{Cell, Line, Role, format};

/// Columns of the names of the rows, the blanks before them included.
pub const LABEL: usize = 15;

/// A row: its name, and what it says of each system.
type Fact = (&'static str, Cell, Cell);

/// At most `room` lines, headings included.
pub fn lines(tab: &Connections, width: usize, room: usize, paint: &mut Paint<'_>) -> Vec<Line> {
    let column = width.saturating_sub(LABEL) / 2;
    let mut lines = vec![heading(tab, column)];
    let [left, right] = System::BOTH.map(|system| facts(tab, system, paint));
    let rows: Vec<Fact> = left.into_iter().zip(right).map(|((name, left), (_, right))| (name, left, right)).collect();
    let rows = fitting(rows, room.saturating_sub(lines.len()));
    if rows.len() + lines.len() < room {
        lines.push(Line::new());
    }
    for (name, left, right) in &rows {
        lines.push(vec![
            Cell::plain("  "),
            Cell::muted(*name).fitted(LABEL - 2, Align::Left),
            left.fitted(column.saturating_sub(1), Align::Left),
            Cell::plain(" "),
            right.fitted(column.saturating_sub(1), Align::Left),
        ]);
    }
    lines
}

fn heading(tab: &Connections, column: usize) -> Line {
    // The marker stands before the column, so that names and values begin at the same place.
    let mut line = vec![Cell::plain(" ".repeat(LABEL - 2))];
    for system in System::BOTH {
        let is_selected = tab.object.is_none() && tab.system() == system;
        let marker = if is_selected { Cell::new("▶ ", Role::Key) } else { Cell::plain("  ") };
        let name = Cell::new(system.name(), if is_selected { Role::Focus } else { Role::of(system) });
        let gap = column.saturating_sub(2 + name.width());
        line.extend([marker, name, Cell::plain(" ".repeat(gap))]);
    }
    line
}

/// Name and value, in the order of the screen; the same names for both systems.
fn facts(tab: &Connections, system: System, paint: &mut Paint<'_>) -> Vec<(&'static str, Cell)> {
    let side = &paint.world.snapshot.sides[system];
    let connected = tab.connected.as_ref().and_then(|connected| connected[system].as_ref());
    let text = |text: Option<&str>| text.map_or_else(|| Cell::muted(format::NONE), Cell::plain);
    let schema_read = connected.and_then(|connected| connected.schema_read);
    vec![
        (
            "state",
            if tab.is_missing(system) {
                Cell::new("not connected", Role::Warn)
            } else {
                state(side, is_paused(&paint.world.snapshot, system), paint)
            },
        ),
        ("address", text(connected.map(|connected| connected.address.as_str()))),
        ("tenant", text(side.tenant.as_deref().or_else(|| connected?.tenant.as_deref()))),
        ("account", text(connected.map(|connected| connected.account.as_str()))),
        ("access", access(connected, paint)),
        ("schema", schema(tab, system, schema_read, paint)),
        ("today", day_budget(side)),
        ("calls", calls(side)),
        ("last error", last_error(side, paint)),
    ]
}

/// The rows for which there is room. Where it is short, those go first that say nothing of either system, then those that
/// people need least while something is wrong.
fn fitting(mut rows: Vec<Fact>, room: usize) -> Vec<Fact> {
    const LEAST_NEEDED: [&str; 7] = ["account", "access", "today", "tenant", "address", "schema", "calls"];
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

/// How it is, and when that may change.
fn state(side: &Side, is_paused: bool, paint: &mut Paint<'_>) -> Cell {
    let health = health_cell(side, is_paused);
    let then = match next_try(side, paint.world) {
        Some(at) => {
            paint.ages(at);
            let what = if side.wait.is_some_and(|wait| wait.asked) { "goes on" } else { "next try" };
            format!(", {what} {}", format::age_at(at, paint.world.now))
        }
        None => String::new(),
    };
    let writes = if is_paused && health.text() != "paused" { ", writes paused" } else { "" };
    Cell::new(format!("{}{then}{writes}", health.text()), health.role)
}

/// When a connection that cannot be used is tried again.
pub fn next_try(side: &Side, world: &World) -> Option<Timestamp> {
    let broken = matches!(side.health, Health::Broken { .. });
    let wait = side.wait.map(|wait| wait.until);
    let poll = world.snapshot.next_poll.filter(|_| broken);
    wait.into_iter().chain(poll).filter(|at| *at > world.now).max()
}

/// What changed; else how old the knowledge is that nothing did.
fn schema(tab: &Connections, system: System, read: Option<Timestamp>, paint: &mut Paint<'_>) -> Cell {
    match (drift_brief(tab.drift.iter().filter(|reading| reading.system == system)), read) {
        (Some((text, hurts)), _) => Cell::new(text, if hurts { Role::Warn } else { Role::Text }),
        (None, Some(at)) => {
            paint.ages(at);
            Cell::muted(format!("no changes, read {} ago", format::age_at(at, paint.world.now)))
        }
        (None, None) => Cell::muted("no changes"),
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
        ([], None) => Cell::plain("never expires"),
    }
}

fn day_budget(side: &Side) -> Cell {
    let Some((used, all)) = side.budget.daily else { return Cell::muted(format::NONE) };
    let share = used.saturating_mul(100).checked_div(all).unwrap_or(100);
    let role = if share >= 90 { Role::Warn } else { Role::Text };
    Cell::new(format!("{} of {} ({share} %)", format::grouped(used), format::grouped(all)), role)
}

/// `312, at most 9.5/s, 3 waiting`.
fn calls(side: &Side) -> Cell {
    let mut text = format::grouped(side.calls);
    match side.budget.rate_milli {
        0 | u64::MAX => {}
        rate => text.push_str(&format!(", at most {}.{}/s", rate / 1000, rate % 1000 / 100)),
    }
    if side.budget.waiting > 0 {
        text.push_str(&format!(", {} waiting", format::grouped(side.budget.waiting)));
    }
    Cell::plain(text)
}

fn last_error(side: &Side, paint: &mut Paint<'_>) -> Cell {
    match &side.last_error {
        Some((at, _)) if *at != Timestamp::EPOCH => {
            paint.ages(*at);
            Cell::plain(format!("{} ago", format::age_at(*at, paint.world.now)))
        }
        _ => Cell::muted(format::NONE),
    }
}
