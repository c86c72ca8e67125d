//! The transform of a field for people: its steps, and what they make of the records that are looked at.

use super::cell::{Cell, Line, Role};
use super::table::Column;
use crate::mapping::convert::{Misfit, Said, convert, given};
use crate::mapping::references::Partners;
use crate::mapping::stability::{Way, lossy, restless};
use crate::mapping::transform::Step;
use crate::mapping::{Direction, FieldMapping, FieldRule};
use crate::model::{Record, System, Value};

pub const COLUMNS: [Column; 3] =
    [Column::fixed("", 2).right(), Column::flexible("step", 26, 2), Column::flexible("makes", 20, 2)];

pub const SAMPLE_COLUMNS: [Column; 3] = [
    Column::flexible("record", 16, 1).at_most(28),
    Column::flexible("holds", 18, 2),
    Column::flexible("is written", 20, 2),
];

/// What the steps make of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub name: String,
    pub holds: String,
    /// After each step, as far as they go.
    pub steps: Vec<Result<String, String>>,
    /// What would be written, or why nothing can be.
    pub written: Result<String, String>,
}

/// What is known of a transform.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    pub records: Vec<Made>,
    /// What never comes to rest between the two systems.
    pub restless: Option<String>,
    /// What is lost on the way back.
    pub lossy: Option<String>,
}

/// Tries the transform of what goes to `to` on records of the other system.
#[must_use]
pub fn try_on<'r>(rule: &FieldRule, to: System, records: impl Iterator<Item = (&'r str, &'r Record)>) -> Outcome {
    let from = to.other();
    let mut outcome = Outcome::default();
    let mut held = Vec::new();
    for (name, record) in records {
        let raw = record.value(rule.name(from).as_str());
        held.push((from, raw.clone()));
        let trace = rule.transform(to).trace(given(rule, from, raw), Some(record));
        let steps = trace.into_iter().map(|made| made.map(|value| value.to_plain()).map_err(|error| error.message));
        let written = convert(rule, from, Said::of(raw, record), &Value::Empty, &Partners::default());
        outcome.records.push(Made {
            name: name.to_owned(),
            holds: raw.to_plain(),
            steps: steps.collect(),
            written: written.map(|value| value.to_plain()).map_err(|misfit| in_words(&misfit)),
        });
    }
    if rule.mapping.direction == Direction::Both && !rule.mapping.transform.is_empty() {
        let words = |way: Way| way.in_words();
        outcome.restless = restless(rule, &[], &held).map(words);
        outcome.lossy = lossy(rule, &[], &held).map(words);
    }
    outcome
}

fn in_words(misfit: &Misfit) -> String {
    match misfit {
        Misfit::Unmapped { value } => format!("\"{value}\" has no partner in the value map"),
        Misfit::Skipped { value } => format!("\"{value}\" has no partner and is skipped"),
        Misfit::Unordered { values } => format!("of \"{values}\" none is listed in the order of the value map"),
        Misfit::TooLong { length, limit } => format!("{length} characters, {limit} fit"),
        Misfit::NotA { what, value } => format!("\"{value}\" is not a {what}"),
        Misfit::NoPartner { reason, .. } => reason.clone(),
        Misfit::Several { count } => format!("{count} records"),
        Misfit::Transform { step, why, .. } => format!("step {step}: {why}"),
    }
}

/// The cells of a step, in the order of [`COLUMNS`]; `made` is of the first record.
#[must_use]
pub fn step_cells(at: usize, step: &Step, made: Option<&Made>) -> Vec<Cell> {
    let made = match made.and_then(|made| made.steps.get(at)) {
        None => Cell::plain(""),
        Some(made) => result(made),
    };
    vec![Cell::muted((at + 1).to_string()), Cell::plain(step.to_string()), made]
}

/// The cells of a record, in the order of [`SAMPLE_COLUMNS`].
#[must_use]
pub fn sample_cells(made: &Made, from: System) -> Vec<Cell> {
    let holds = if made.holds.is_empty() { Cell::muted("empty") } else { Cell::new(&made.holds, Role::of(from)) };
    vec![Cell::plain(&made.name), holds, result(&made.written)]
}

fn result(made: &Result<String, String>) -> Cell {
    match made {
        Ok(text) if text.is_empty() => Cell::muted("empty"),
        Ok(text) => Cell::plain(text),
        Err(why) => Cell::new(why, Role::Error),
    }
}

/// Both directions in a few words; empty where values cross as they are.
#[must_use]
pub fn summary(mapping: &FieldMapping) -> String {
    let side = |to: System| {
        let steps: Vec<String> = mapping.transform.toward(to).iter().map(ToString::to_string).collect();
        (!steps.is_empty()).then(|| format!("to {to}: {}", steps.join(", then ")))
    };
    let sides: Vec<String> = [System::ConnectWise, System::HubSpot].into_iter().filter_map(side).collect();
    sides.join("; ")
}

/// What the whole says, worst first.
#[must_use]
pub fn verdict(outcome: &Outcome) -> Line {
    let failing = outcome.records.iter().filter(|made| made.written.is_err()).count();
    if let Some(way) = &outcome.restless {
        return vec![Cell::new("Never comes to rest: ", Role::Error), Cell::plain(way)];
    }
    if failing > 0 {
        let text = format!("{failing} of {} records would hold this field. ", outcome.records.len());
        return vec![Cell::new(text, Role::Warn)];
    }
    if let Some(way) = &outcome.lossy {
        return vec![Cell::new("What comes back is not what went: ", Role::Warn), Cell::plain(way)];
    }
    Line::new()
}
