//! A value map as a table: both systems' values side by side, what leads where, and how many records hold each.

use super::cell::{Align, Cell, Line, Role};
use super::format;
use super::table::Column;
use crate::mapping::called::Called;
use crate::mapping::coverage::{Standing, Why};
use crate::mapping::pairing::{End, Row, Suggestion, outcome_word};
use crate::mapping::{AutoPairs, FieldMapping, Unmapped};
use crate::model::{BySystem, Schema, StageOutcome, System};

pub const COLUMNS: [Column; 6] = [
    Column::flexible("HubSpot", 18, 1).at_most(40),
    Column::fixed("records", 7).right(),
    Column::fixed("", 2),
    Column::flexible("ConnectWise", 18, 1).at_most(40),
    Column::fixed("records", 7).right(),
    Column::flexible("from", 14, 0),
];

/// The columns where values tell how a record ends.
pub const WITH_OUTCOME: [Column; 7] = [
    Column::flexible("HubSpot", 16, 1).at_most(40),
    Column::fixed("records", 7).right(),
    Column::fixed("", 2),
    Column::flexible("ConnectWise", 16, 1).at_most(40),
    Column::fixed("records", 7).right(),
    Column::fixed("ends", 11),
    Column::flexible("from", 10, 0),
];

/// Whether any value tells how a record ends.
#[must_use]
pub fn tells_outcome<'a>(mut rows: impl Iterator<Item = &'a Row>) -> bool {
    rows.any(|row| {
        System::BOTH.into_iter().any(|system| row.ends[system].as_ref().is_some_and(|end| end.outcome.is_some()))
    })
}

/// `won`, or `open/closed` where the two sides of a pair differ.
fn ends(row: &Row) -> Cell {
    let told = |system: System| row.ends[system].as_ref().and_then(|end| end.outcome);
    match (told(System::HubSpot), told(System::ConnectWise)) {
        (Some(one), Some(other)) if one != other && row.has_partner() => {
            Cell::new(format!("{}/{}", outcome_word(one), outcome_word(other)), Role::Warn)
        }
        (Some(one), _) | (None, Some(one)) => {
            Cell::new(outcome_word(one), if one == StageOutcome::Open { Role::Muted } else { Role::Text })
        }
        (None, None) => Cell::plain(""),
    }
}

/// The cells of a row, in the order of [`COLUMNS`], or of [`WITH_OUTCOME`].
#[must_use]
pub fn cells(row: &Row, with_outcome: bool) -> Vec<Cell> {
    let label = |system: System| match &row.ends[system] {
        Some(end) => Cell::new(named(end), Role::of(system)),
        None => Cell::muted(format::NONE),
    };
    let records = |system: System| {
        let records = row.ends[system].as_ref().and_then(|end| end.records);
        let waits = !row.has_partner() && records.unwrap_or(0) > 0;
        let text = records
            .map_or_else(String::new, |records| if records == 0 { String::new() } else { format::grouped(records) });
        Cell::new(text, if waits { Role::Warn } else { Role::Text })
    };
    let arrow = match (row.leads.connectwise, row.leads.hubspot) {
        (true, true) => "↔",
        (true, false) => "→",
        (false, true) => "←",
        (false, false) => "",
    };
    let mut cells = vec![
        label(System::HubSpot),
        records(System::HubSpot),
        Cell::plain(arrow),
        label(System::ConnectWise),
        records(System::ConnectWise),
    ];
    cells.extend(with_outcome.then(|| ends(row)));
    cells.push(from(row));
    cells
}

/// `Old partner (inactive)`.
fn named(end: &End) -> String {
    let word = match end.standing {
        Standing::Inactive => Some("inactive"),
        Standing::Unknown if end.outcome.is_none() => Some("no option"),
        _ => None,
    };
    word.map_or_else(|| end.label.clone(), |word| format!("{} ({word})", end.label))
}

/// `1. by label` where the values of one side have an order.
fn from(row: &Row) -> Cell {
    let cell = found(row);
    match row.rank {
        Some(rank) => Cell::new(format!("{}. {}", rank + 1, cell.text()), Role::Text),
        None => cell,
    }
}

fn found(row: &Row) -> Cell {
    match (row.why, row.place) {
        (_, Some(place)) if row.is_dead() => Cell::new(format!("pair {}: dead", place + 1), Role::Warn),
        (Some(Why::Listed), Some(place)) => Cell::plain(format!("pair {}", place + 1)),
        (Some(why), _) => Cell::muted(why.words()),
        (None, _) if row.end().is_some_and(|end| end.records.unwrap_or(0) > 0) => Cell::new("no partner", Role::Warn),
        (None, _) => Cell::muted("no partner"),
    }
}

/// Suggested pairs, HubSpot's value on the left, with the way that each leads; the header first.
#[must_use]
pub fn suggestions(found: &[Suggestion]) -> (Line, Vec<Line>) {
    let widest = |system: System| {
        let labels = found.iter().map(|one| Cell::plain(one.label(system)).width());
        labels.chain([system.name().len()]).max().unwrap_or(0).min(MOST_LABEL)
    };
    let (left, right) = (widest(System::HubSpot), widest(System::ConnectWise));
    let header = vec![
        Cell::muted(format::fit(System::HubSpot.name(), left + 3)),
        Cell::muted(format::fit(System::ConnectWise.name(), right + 2)),
    ];
    let line = |one: &Suggestion| {
        let arrow = match (one.both, one.from) {
            (true, _) => " ↔ ",
            (false, System::HubSpot) => " → ",
            (false, System::ConnectWise) => " ← ",
        };
        let records = one.end.records.filter(|records| *records > 0);
        let records =
            records.map_or_else(String::new, |records| format!(", {}", format::counted(records, "record", "records")));
        vec![
            Cell::new(one.label(System::HubSpot), Role::Left).fitted(left, Align::Left),
            Cell::plain(arrow),
            Cell::new(one.label(System::ConnectWise), Role::Right).fitted(right, Align::Left),
            Cell::muted(format!("  {}{records}", one.likeness.words())),
        ]
    };
    (header, found.iter().map(line).collect())
}

/// Columns that a label takes at most beside another one.
const MOST_LABEL: usize = 26;

/// What the whole map does: how pairs are found, and what becomes of the rest.
#[must_use]
pub fn policy(field: Option<&FieldMapping>, schemas: Option<&BySystem<Schema>>) -> String {
    let Some((field, map)) = field.and_then(|field| Some((field, field.values.as_ref()?))) else {
        return "no value map: each value stands for itself".to_owned();
    };
    let auto = match map.auto {
        None => "none by themselves",
        Some(AutoPairs::Label) => "by label",
        Some(AutoPairs::Email) => "by e-mail",
    };
    let rest = match map.unmapped {
        Unmapped::Default => {
            let written = System::BOTH.into_iter().filter(|to| field.direction.writes(*to));
            let told = written.map(|to| match (field.default.of(to), schemas) {
                (None, _) => format!("held for {to}"),
                (Some(key), None) => format!("{key} in {to}"),
                (Some(key), Some(schemas)) => {
                    let names = Called::of_field(schemas[to].field(field.field(to).as_str()));
                    format!("{} in {to}", names.name(key))
                }
            });
            told.collect::<Vec<_>>().join(", ")
        }
        other => other.word().to_owned(),
    };
    let order = if map.priority.is_empty() { "" } else { "   of several: the first in order" };
    format!("pairs {auto}   without a partner: {rest}{order}")
}

/// What a row means, in sentences.
#[must_use]
pub fn meaning(row: &Row) -> Vec<String> {
    let Some(end) = row.end() else { return Vec::new() };
    if row.is_dead() {
        let lacks = |system: &System| row.ends[*system].as_ref().is_some_and(|end| end.standing == Standing::Unknown);
        let systems: Vec<_> = System::BOTH.into_iter().filter(lacks).map(System::name).collect();
        let label = |system: System| row.ends[system].as_ref().map_or("", |end| &end.label);
        let (here, there) = (label(System::HubSpot), label(System::ConnectWise));
        let lacking = systems.join(" and ");
        return vec![format!("{here} and {there} never meet: {lacking} has no such option. - removes the pair.")];
    }
    let key =
        |end: &End| if end.key == end.label { end.label.clone() } else { format!("{} (`{}`)", end.label, end.key) };
    let (from, to) = (row.from(), row.from().other());
    let mut lines = Vec::new();
    if let Some(rank) = row.rank {
        lines.push(format!("Number {} in the order: it crosses where a record has none of those before it.", rank + 1));
    }
    match &row.ends[to] {
        None => lines.push(format!("{from}'s {} leads nowhere. Enter chooses its partner.", key(end))),
        Some(there) => {
            lines.push(format!("{from}'s {} leads to {}.", key(end), key(there)));
            if !row.leads[from] {
                let first = "the first of several pairs counts, [ and ] move this one";
                lines.push(format!("The way back from {} leads elsewhere: {first}.", there.label));
            }
            if let (Some(one), Some(other)) = (end.outcome, there.outcome)
                && one != other
            {
                let (one, other) = (outcome_word(one), outcome_word(other));
                lines.push(format!("What is {one} in {from} becomes {other} in {to}."));
            }
            if there.standing == Standing::Inactive {
                lines.push(format!("{} is inactive: it can be read, and should not be written.", there.label));
            }
            if there.standing == Standing::Unknown {
                lines.push(format!("{} is not an option of {to} now.", there.label));
            }
        }
    }
    lines
}
