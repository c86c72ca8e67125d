//! A value map as a table: both systems' values side by side, what leads where, and how many records hold each.

use super::cell::{Align, Cell, Line, Role};
use super::format;
use super::table::Column;
use crate::mapping::coverage::{Standing, Why};
use crate::mapping::pairing::{End, Row, Suggestion};
use crate::mapping::{AutoPairs, Unmapped, ValueMap};
use crate::model::{StageOutcome, System};

pub const COLUMNS: [Column; 6] = [
    Column::flexible("HubSpot", 18, 1).at_most(40),
    Column::fixed("records", 7).right(),
    Column::fixed("", 2),
    Column::flexible("ConnectWise", 18, 1).at_most(40),
    Column::fixed("records", 7).right(),
    Column::flexible("from", 14, 0),
];

/// The cells of a row, in the order of [`COLUMNS`].
#[must_use]
pub fn cells(row: &Row) -> Vec<Cell> {
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
    vec![
        label(System::HubSpot),
        records(System::HubSpot),
        Cell::plain(arrow),
        label(System::ConnectWise),
        records(System::ConnectWise),
        from(row),
    ]
}

/// `Old partner (inactive)`, `Closed won (won)`.
fn named(end: &End) -> String {
    let outcome = match end.outcome {
        Some(StageOutcome::Won) => Some("won"),
        Some(StageOutcome::Lost) => Some("lost"),
        _ => None,
    };
    let word = match end.standing {
        Standing::Inactive => Some("inactive"),
        Standing::Unknown if end.outcome.is_none() => Some("no option"),
        _ => outcome.filter(|word| !end.label.to_lowercase().contains(word)),
    };
    word.map_or_else(|| end.label.clone(), |word| format!("{} ({word})", end.label))
}

fn from(row: &Row) -> Cell {
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
pub fn policy(map: Option<&ValueMap>) -> String {
    let Some(map) = map else { return "no value map: each value stands for itself".to_owned() };
    let auto = match map.auto {
        None => "none by themselves",
        Some(AutoPairs::Label) => "by label",
        Some(AutoPairs::Email) => "by e-mail",
    };
    let rest = match map.unmapped {
        Unmapped::Hold => "held",
        Unmapped::Skip => "skipped",
    };
    format!("pairs {auto}   without a partner: {rest}")
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
    match &row.ends[to] {
        None => lines.push(format!("{from}'s {} leads nowhere. Enter chooses its partner.", key(end))),
        Some(there) => {
            lines.push(format!("{from}'s {} leads to {}.", key(end), key(there)));
            if !row.leads[from] {
                let first = "the first of several pairs counts, [ and ] move this one";
                lines.push(format!("The way back from {} leads elsewhere: {first}.", there.label));
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
