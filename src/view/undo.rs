//! What an undo did, or would do: field by field, and what stays as it is with what a person can do.

use serde_json::{Value as Json, json};

use super::cell::{Cell, Line, Role, clipped, wrapped};
use super::format;
use super::run::hanging;
use crate::engine::core::undo::{Kept, UndoEnd, UndoField, UndoReport};
use crate::model::RecordRef;

/// A word for the end of a field; part of the JSON answers.
const fn end_word(end: &UndoEnd) -> &'static str {
    match end {
        UndoEnd::Restore => "restore",
        UndoEnd::Restored => "restored",
        UndoEnd::AsBefore => "as before",
        UndoEnd::Changed { .. } => "changed since",
        UndoEnd::Kept { .. } => "cannot be undone",
        UndoEnd::Refused(_) => "refused",
        UndoEnd::Unconfirmed(_) => "unconfirmed",
        UndoEnd::NotDone(_) => "not done",
    }
}

/// Why, and what to do; nothing where the word says it all.
fn why(end: &UndoEnd) -> (Option<&str>, Option<&str>) {
    match end {
        UndoEnd::Restore | UndoEnd::Restored | UndoEnd::AsBefore => (None, None),
        UndoEnd::Changed { by } => (Some(by), None),
        UndoEnd::Kept { reason, hint } => (Some(reason), Some(hint)),
        UndoEnd::Refused(why) | UndoEnd::NotDone(why) => (Some(why), None),
        UndoEnd::Unconfirmed(why) => (Some(why), Some("It is looked up at the next start; undo it again then.")),
    }
}

/// The undo for scripts.
#[must_use]
pub fn json(report: &UndoReport, dry_run: bool) -> Json {
    let guard = report.held.as_ref().map(|(reason, plan)| json!({ "reason": reason, "plan": plan }));
    json!({
        "undo_of": report.of,
        "run": report.run,
        "dry_run": dry_run,
        "restored": count(report, |end| *end == UndoEnd::Restored),
        "left": count(report, UndoEnd::needs_person),
        "fields": report.fields.iter().map(field_json).collect::<Vec<_>>(),
        "kept": report.kept.iter().map(kept_json).collect::<Vec<_>>(),
        "guard": guard,
        "stopped": report.stopped,
    })
}

fn field_json(field: &UndoField) -> Json {
    let (reason, hint) = why(&field.end);
    json!({
        "object": field.record.object,
        "system": field.record.system,
        "record": field.record.id,
        "name": field.name,
        "write": field.write,
        "field": field.field,
        "written": field.written.to_plain(),
        "now": field.now.to_plain(),
        "before": field.before.to_plain(),
        "end": end_word(&field.end),
        "why": reason,
        "hint": hint,
    })
}

fn kept_json(kept: &Kept) -> Json {
    let record = |of: RecordRef| json!({ "object": of.object, "system": of.system, "record": of.id });
    json!({ "record": record(kept.record), "partner": record(kept.partner), "why": kept.reason, "hint": kept.hint })
}

fn count(report: &UndoReport, is: impl Fn(&UndoEnd) -> bool) -> u64 {
    report.fields.iter().filter(|field| is(&field.end)).count() as u64
}

/// The undo as lines for a shell.
#[must_use]
pub fn lines(report: &UndoReport, dry_run: bool, width: usize) -> Vec<Line> {
    let mut lines = vec![vec![Cell::strong(heading(report, dry_run))]];
    if let Some(why) = &report.stopped {
        lines.extend(told(&format!("It ended early: {why}. Undo it again for the rest."), Role::Warn, 0, width));
    }
    let mut record = None;
    for field in &report.fields {
        if record != Some(field.record) {
            record = Some(field.record);
            let head = vec![Cell::new(field.record.to_string(), Role::of(field.record.system))];
            let name = vec![Cell::plain("  "), Cell::plain(&field.name)];
            lines.push(clipped(&[head, name].concat(), width));
        }
        lines.extend(field_lines(field, width));
    }
    for kept in &report.kept {
        lines.extend(told(&kept.reason, Role::Warn, 0, width));
        lines.extend(told(&kept.hint, Role::Muted, 2, width));
    }
    if let Some((reason, plan)) = &report.held {
        lines.extend(told(
            &format!("A guard would hold it: {reason}. It goes on once the plan {plan} is approved."),
            Role::Warn,
            0,
            width,
        ));
    }
    lines
}

fn heading(report: &UndoReport, dry_run: bool) -> String {
    let Some(of) = report.of else {
        return "Lockstep never wrote to this record: there is nothing to undo.".to_owned();
    };
    let number = |is: fn(&UndoEnd) -> bool| format::counted(count(report, is), "field", "fields");
    let left = count(report, UndoEnd::needs_person) + report.kept.len() as u64;
    let rest = if left == 0 { String::new() } else { format!("; {left} left as they are") };
    if dry_run {
        return format!(
            "Undo of run {of}: {} would be put back{rest}. Nothing was sent.",
            number(|end| *end == UndoEnd::Restore)
        );
    }
    match report.run {
        Some(run) => {
            format!("Run {run}, undo of run {of}: {} put back{rest}.", number(|end| *end == UndoEnd::Restored))
        }
        None if left == 0 && report.fields.is_empty() => format!("Run {of} changed nothing: there is nothing to undo."),
        None if left == 0 => format!("Undo of run {of}: everything holds what it held before. Nothing was sent."),
        None => format!("Undo of run {of}: nothing can be put back{rest}. Nothing was sent."),
    }
}

fn field_lines(field: &UndoField, width: usize) -> Vec<Line> {
    let shown = |value: &crate::model::Value| format::value(value, None);
    let (role, change) = match &field.end {
        UndoEnd::Restore | UndoEnd::Restored => (Role::Ok, format!("{} → {}", shown(&field.now), shown(&field.before))),
        UndoEnd::AsBefore => (Role::Muted, shown(&field.now)),
        _ => (Role::Warn, format!("{}, was {}", shown(&field.now), shown(&field.before))),
    };
    let head = vec![Cell::plain("  "), Cell::plain(format::fit(field.field.as_str(), 20)), Cell::plain(" ")];
    let (reason, hint) = why(&field.end);
    let reason = reason.map(|why| format!(": {why}")).unwrap_or_default();
    let mut line = head;
    line.push(Cell::new(format!("{change} ({}{reason})", end_word(&field.end)), role));
    let mut lines = hanging(line, width);
    if let Some(hint) = hint {
        lines.extend(told(hint, Role::Muted, 4, width));
    }
    lines
}

/// A text broken at words, each line set in by so much.
fn told(text: &str, role: Role, indent: usize, width: usize) -> Vec<Line> {
    let texts = wrapped(text, width.saturating_sub(indent).max(20));
    texts.into_iter().map(|text| vec![Cell::plain(" ".repeat(indent)), Cell::new(text, role)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IntentId, ObjectKind, RecordId, RunId, System, Value};
    use crate::view::cell::plain_text;

    fn field(name: &str, end: UndoEnd) -> UndoField {
        UndoField {
            record: RecordRef::new(ObjectKind::Company, System::ConnectWise, RecordId(4021)),
            name: "Acme\u{1b}[2J".into(),
            write: IntentId(9),
            field: name.into(),
            written: Value::text("Bonn"),
            now: Value::text("Bonn"),
            before: Value::text("Ulm"),
            end,
        }
    }

    fn report(fields: Vec<UndoField>) -> UndoReport {
        UndoReport { of: Some(RunId(7)), run: Some(RunId(8)), fields, kept: vec![], held: None, stopped: None }
    }

    #[test]
    fn what_is_put_back_and_what_is_not_is_told_record_by_record_with_the_reason() {
        let changed = UndoEnd::Changed { by: "by run 9".into() };
        let text =
            plain_text(&lines(&report(vec![field("city", UndoEnd::Restored), field("zip", changed)]), false, 80));
        assert!(text.starts_with("Run 8, undo of run 7: 1 field put back; 1 left as they are.\n"), "{text}");
        assert_eq!(text.matches("ConnectWise company 4021").count(), 1, "{text}");
        assert!(text.contains("Bonn → Ulm (restored)"), "{text}");
        assert!(text.contains("(changed since: by run 9)"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn a_preview_and_an_undo_of_nothing_say_that_nothing_was_sent() {
        let preview = UndoReport { run: None, ..report(vec![field("city", UndoEnd::Restore)]) };
        let text = plain_text(&lines(&preview, true, 80));
        assert!(text.starts_with("Undo of run 7: 1 field would be put back. Nothing was sent."), "{text}");
        let done = UndoReport { run: None, ..report(vec![field("city", UndoEnd::AsBefore)]) };
        assert!(plain_text(&lines(&done, false, 80)).contains("everything holds what it held before"));
        let empty = UndoReport { run: None, ..report(vec![]) };
        assert!(plain_text(&lines(&empty, false, 80)).contains("there is nothing to undo"));
    }

    #[test]
    fn scripts_get_every_value_the_end_in_a_word_and_the_numbers() {
        let refused = UndoEnd::Refused("too long".into());
        let json = json(&report(vec![field("city", UndoEnd::Restored), field("zip", refused)]), false);
        assert_eq!(
            (&json["undo_of"], &json["run"], &json["restored"], &json["left"]),
            (&7.into(), &8.into(), &1.into(), &1.into())
        );
        let zip = &json["fields"][1];
        assert_eq!((&zip["end"], &zip["why"], &zip["before"]), (&"refused".into(), &"too long".into(), &"Ulm".into()));
    }
}
