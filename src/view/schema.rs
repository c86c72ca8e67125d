//! An object's fields, and what changed in them since when, as text.

use super::cell::{Align, Cell, Line, Role, wrapped};
use super::format;
use crate::mapping::Harm;
use crate::model::{Changed, FieldDef, ObjectKind, Schema, SchemaChange, System, Timestamp};

/// What one reading of an object's fields found changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub at: Timestamp,
    pub system: System,
    pub object: ObjectKind,
    /// With what each one breaks in the configuration.
    pub changes: Vec<(SchemaChange, Vec<Harm>)>,
}

/// `3 changes since 2026-11-20 09:14, 1 breaks a mapping`; none where nothing changed.
#[must_use]
pub fn drift_summary<'a>(readings: impl Iterator<Item = &'a Reading>) -> Option<String> {
    let (mut changes, mut harms, mut first) = (0, 0, None::<Timestamp>);
    for reading in readings {
        changes += reading.changes.len() as u64;
        harms += reading.changes.iter().filter(|(_, harms)| !harms.is_empty()).count();
        first = Some(first.map_or(reading.at, |at| at.min(reading.at)));
    }
    let since = format::moment(first?);
    let hurt = match harms {
        0 => String::new(),
        1 => ", 1 hurts".to_owned(),
        _ => format!(", {harms} hurt"),
    };
    Some(format!("{} since {since}{hurt}", format::counted(changes, "change", "changes")))
}

/// `3 changes since 2026-11-20`, with a `!` before it where one of them hurts: for a narrow column.
#[must_use]
pub fn drift_brief<'a>(readings: impl Iterator<Item = &'a Reading>) -> Option<(String, bool)> {
    let readings: Vec<&Reading> = readings.collect();
    let since = readings.iter().map(|reading| reading.at).min()?;
    let changes = || readings.iter().flat_map(|reading| &reading.changes);
    let hurts = changes().any(|(_, harms)| !harms.is_empty());
    let count = format::counted(changes().count() as u64, "change", "changes");
    Some((format!("{}{count} since {}", if hurts { "! " } else { "" }, format::day(since)), hurts))
}

/// All changes, newest reading first as given.
#[must_use]
pub fn drift_lines(readings: &[Reading], width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for reading in readings {
        if !lines.is_empty() {
            lines.push(Line::new());
        }
        lines.push(vec![
            Cell::strong(format::moment(reading.at)),
            Cell::plain("  "),
            Cell::new(reading.system.name(), Role::of(reading.system)),
            Cell::plain(format!(" {}", reading.object)),
        ]);
        for (change, harms) in &reading.changes {
            lines.push(change_line(change, width));
            for harm in harms {
                let text = format!("hurts {}: {} {}", harm.part, harm.what, harm.remedy);
                let texts = wrapped(&text, width.saturating_sub(4).max(20)).into_iter();
                lines.extend(texts.map(|text| vec![Cell::plain("    "), Cell::new(text, Role::Warn)]));
            }
        }
    }
    lines
}

fn change_line(change: &SchemaChange, width: usize) -> Line {
    const WORD: usize = 15;
    let name = (width / 3).clamp(10, 28);
    let rest = width.saturating_sub(2 + WORD + name + 1);
    let details = match &change.what {
        Changed::Renamed { from } => format!("{from} → {}", change.label),
        what => Some(what.details()).filter(|details| !details.is_empty()).unwrap_or_else(|| change.label.clone()),
    };
    vec![
        Cell::plain("  "),
        Cell::plain(change.what.word()).fitted(WORD, Align::Left),
        Cell::plain(change.field.as_str()).fitted(name, Align::Left),
        Cell::plain(" "),
        Cell::muted(details).fitted(rest, Align::Left),
    ]
}

/// The fields of one object in one system.
#[must_use]
pub fn field_lines(schema: &Schema, read: Timestamp, width: usize) -> Vec<Line> {
    let mut lines = vec![vec![
        Cell::new(schema.system.name(), Role::of(schema.system)),
        Cell::plain(format!(" {}", schema.object)),
        Cell::muted(format!(
            "  {}, read {}",
            format::counted(schema.fields.len() as u64, "field", "fields"),
            format::moment(read)
        )),
    ]];
    let name =
        schema.fields.iter().map(|field| field.name.as_str().chars().count()).max().unwrap_or(0).clamp(8, width / 3);
    for field in &schema.fields {
        let rest = width.saturating_sub(2 + name + 2 + 11);
        lines.push(vec![
            Cell::plain("  "),
            Cell::plain(field.name.as_str()).fitted(name, Align::Left),
            Cell::plain("  "),
            Cell::plain(field.kind.word()).fitted(11, Align::Left),
            Cell::muted(traits(field)).fitted(rest, Align::Left),
        ]);
    }
    lines
}

fn traits(field: &FieldDef) -> String {
    let mut words = vec![field.label.clone()];
    let flags = [
        (field.required, "required"),
        (field.read_only, "read-only"),
        (field.unique, "unique"),
        (field.custom, "custom"),
    ];
    words.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, word)| word.to_owned()));
    words.extend(field.max_length.map(|length| format!("≤ {length}")));
    if field.kind.has_options() {
        words.push(format::counted(field.options.len() as u64, "option", "options"));
    }
    words.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::plain_text;

    #[test]
    fn drift_says_when_where_what_and_whom_it_hurts() {
        let change = |field: &str, what| SchemaChange { field: field.into(), label: "Market".into(), what };
        let harm = Harm {
            part: "company mapping industry~market".into(),
            what: "It is gone.".into(),
            remedy: "Map it.".into(),
        };
        let removed = Changed::OptionRemoved { option: "Healthcare".into(), key: "12".into() };
        let reading = Reading {
            at: Timestamp::from_secs(1_795_000_000),
            system: System::ConnectWise,
            object: ObjectKind::Company,
            changes: vec![
                (change("market", removed), vec![harm]),
                (change("size", Changed::Removed), vec![]),
                (change("segment", Changed::Renamed { from: "Segment".into() }), vec![]),
            ],
        };
        let summary = drift_summary([&reading].into_iter());
        assert_eq!(summary.as_deref(), Some("3 changes since 2026-11-18 11:06, 1 hurts"));
        assert_eq!(drift_summary([].into_iter()), None);
        let text = plain_text(&drift_lines(&[reading], 80));
        let rows: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(rows[0], "2026-11-18 11:06  ConnectWise company");
        assert!(rows[1].starts_with("option removed market") && rows[1].ends_with("Healthcare (12)"), "{text}");
        assert_eq!(rows[2], "hurts company mapping industry~market: It is gone. Map it.");
        assert!(rows[3].starts_with("removed        size"), "{text}");
        assert!(rows[4].starts_with("renamed        segment") && rows[4].ends_with("Segment → Market"), "{text}");
    }
}
