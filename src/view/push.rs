//! What a push would send, before it is sent: the exact requests and the fields they change; and what came of it.

use super::cell::{Cell, Line, Role, clipped, wrapped};
use super::diff::RecordPanel;
use super::format;
use super::table::{Column, Table};
use crate::engine::core::plan::{FieldNext, PlannedWrite, PushReport};
use crate::engine::core::state::{FieldWrite, IntentKind};
use crate::model::System;

/// One HTTP request as it would be sent; free of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPreview {
    pub system: System,
    pub method: String,
    /// Path and query, without host.
    pub path: String,
    pub body: String,
}

const FIELDS: [Column; 4] = [
    Column::flexible("field", 10, 2).at_most(28),
    Column::flexible("before", 10, 3),
    Column::fixed("", 1),
    Column::flexible("after", 10, 3),
];

/// The preview of a push: per write its fields, then what it leaves behind, then the exact requests.
#[must_use]
pub fn preview(panel: &RecordPanel<'_>, requests: &[HttpPreview], width: usize) -> Vec<Line> {
    let writes = panel.plan.writes();
    let mut lines = link_lines(panel, width);
    if writes.is_empty() && lines.is_empty() {
        return nothing(panel, width);
    }
    for write in writes {
        lines.push(heading(write));
        lines.extend(field_lines(panel, write, width));
    }
    lines.push(vec![Cell::muted(afterwards(panel))]);
    for request in requests {
        lines.push(Line::new());
        lines.extend(request_lines(request, width));
    }
    lines
}

/// Two records that are found to be the same: they are linked, and that is one thing, whatever is written to either.
fn link_lines(panel: &RecordPanel<'_>, width: usize) -> Vec<Line> {
    let plan = panel.plan;
    let (None, Some(hubspot), Some(connectwise)) = (plan.link, plan.hubspot, plan.connectwise) else {
        return Vec::new();
    };
    let rest = if plan.writes().is_empty() { "No field is to be written." } else { "Then, to bring them in step:" };
    let text = format!("Link HubSpot {hubspot} with ConnectWise {connectwise}: they are one {}. {rest}", plan.object);
    wrapped(&text, width).into_iter().map(|text| vec![Cell::strong(text)]).collect()
}

/// `Change ConnectWise company 4021: 2 fields`.
fn heading(write: &PlannedWrite) -> Line {
    let fields = format::counted(write.fields.len() as u64, "field", "fields");
    let what = match (write.kind, write.target) {
        (IntentKind::Create, _) => format!("Create in {}: {fields}", write.system),
        (IntentKind::Update, Some(id)) => format!("Change {} {id}: {fields}", write.system),
        (IntentKind::Update, None) => format!("Change {}: {fields}", write.system),
    };
    let mut line = vec![Cell::new(what, Role::of(write.system))];
    if let Some(stamp) = &write.stamp {
        line.push(Cell::muted(format!("  and the key of its partner ({stamp})")));
    }
    line
}

/// Method, path and body of one request.
#[must_use]
pub fn request_lines(request: &HttpPreview, width: usize) -> Vec<Line> {
    let head = vec![Cell::strong(&request.method), Cell::plain(" "), Cell::plain(&request.path)];
    let mut lines = vec![clipped(&head, width)];
    lines.extend(request.body.lines().map(|text| clipped(&[Cell::plain("  "), Cell::muted(text)], width)));
    lines
}

/// Field, value before, value after.
#[must_use]
pub fn field_lines(panel: &RecordPanel<'_>, write: &PlannedWrite, width: usize) -> Vec<Line> {
    let table = Table::new(&FIELDS, width.saturating_sub(2));
    let mut lines = Vec::new();
    for field in &write.fields {
        let mut line = vec![Cell::plain("  ")];
        line.extend(table.row(&field_row(panel, field, write.system)));
        lines.push(line);
    }
    lines
}

fn field_row(panel: &RecordPanel<'_>, field: &FieldWrite, system: System) -> Vec<Cell> {
    let definition = panel.schemas.and_then(|schemas| schemas[system].field(field.field.as_str()));
    let label = definition.map_or(field.field.as_str(), |def| &def.label);
    vec![
        Cell::plain(label),
        Cell::muted(panel.text(definition, system, &field.before)),
        Cell::muted("→"),
        Cell::new(panel.text(definition, system, &field.after), Role::of(system)),
    ]
}

/// On how many fields both sides agree once the writes are through.
fn afterwards(panel: &RecordPanel<'_>) -> String {
    let fields = &panel.plan.fields;
    let agree = fields
        .iter()
        .filter(|field| matches!(field.next, FieldNext::Same | FieldNext::Agree | FieldNext::Write { .. }))
        .count();
    format!("After it: both sides agree on {agree} of {}.", format::counted(fields.len() as u64, "field", "fields"))
}

/// Why there is nothing to send.
fn nothing(panel: &RecordPanel<'_>, width: usize) -> Vec<Line> {
    let verdict = super::why::verdict(panel.plan);
    let mut lines = vec![vec![Cell::strong("Nothing to send.")]];
    lines.extend(wrapped(&super::why::verdict(panel.plan), width).into_iter().map(|text| vec![Cell::plain(text)]));
    for issue in &panel.plan.issues {
        let told = verdict.contains(&issue.message);
        let message = if told { "" } else { &issue.message };
        lines.extend(
            wrapped(message, width)
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(|text| vec![Cell::new(text, Role::Warn)]),
        );
        lines.extend(wrapped(&issue.hint, width).into_iter().map(|text| vec![Cell::muted(text)]));
    }
    lines
}

/// What came of a push that was sent, in one line per write.
#[must_use]
pub fn outcome(report: &PushReport) -> Vec<Line> {
    if report.outcomes.is_empty() {
        let text = if report.sent { "Sent; no answer yet." } else { "Both sides agree already; nothing was sent." };
        return vec![vec![Cell::plain(text)]];
    }
    let lines = report.outcomes.iter().map(|(system, outcome)| match outcome {
        Ok(()) => vec![Cell::new(format!("{system} took it."), Role::Ok)],
        Err(why) => vec![Cell::new(format!("{system} refused it: {why}"), Role::Error)],
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::core::plan::{PairDecision, PairPlan};
    use crate::model::{BySystem, RecordId, Value};
    use crate::view::cell::plain_text;
    use crate::view::testing::{NOW, acme, company, schemas};

    fn write() -> PlannedWrite {
        let field = |name: &str, before: Value, after: Value| FieldWrite {
            key: None,
            field: name.into(),
            before,
            after: after.clone(),
            source: after,
            beside: BySystem::default(),
            loser: None,
            why: "changed".into(),
        };
        PlannedWrite {
            object: crate::model::ObjectKind::Company,
            system: System::ConnectWise,
            kind: IntentKind::Update,
            target: Some(RecordId(4021)),
            source: RecordId(18_273_645),
            fields: vec![
                field("city", Value::text("Dallas"), Value::text("Austin")),
                field("type", Value::Empty, Value::Choice("1".into())),
            ],
            stamp: None,
        }
    }

    fn shown(plan: &PairPlan, requests: &[HttpPreview]) -> String {
        let schemas = schemas();
        let panel = RecordPanel {
            plan,
            link: None,
            observations: BySystem::default(),
            schemas: Some(&schemas),
            relatives: None,
            now: NOW,
        };
        plain_text(&preview(&panel, requests, 60))
    }

    #[test]
    fn a_preview_shows_the_exact_request_and_each_field_before_and_after() {
        let mut plan = acme();
        plan.decision = PairDecision::Write(vec![write()]);
        let request = HttpPreview {
            system: System::ConnectWise,
            method: "PATCH".into(),
            path: "company/companies/4021".into(),
            body: "[{\"op\":\"replace\"}]".into(),
        };
        let text = shown(&plan, &[request]);
        assert_eq!(
            text.replace("  ", " ").split_whitespace().collect::<Vec<_>>().join(" "),
            "Change ConnectWise 4021: 2 fields City Dallas → Austin type – → Client \
             After it: both sides agree on 4 of 5 fields. PATCH company/companies/4021 [{\"op\":\"replace\"}]",
            "{text}"
        );
    }

    #[test]
    fn two_records_that_are_found_to_be_one_are_shown_as_one_link() {
        let mut plan = acme();
        plan.link = None;
        plan.decision = PairDecision::Write(vec![write()]);
        let text = shown(&plan, &[]).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.starts_with(
                "Link HubSpot 18273645 with ConnectWise 4021: they are one company. Then, to bring them in step: \
                 Change ConnectWise 4021: 2 fields"
            ),
            "{text}"
        );
    }

    #[test]
    fn where_nothing_would_be_sent_the_reason_is_shown() {
        let text = shown(&acme(), &[]);
        assert!(
            text.starts_with(
                "Nothing to send.\nA person decides what both sides changed.\nBoth sides changed Phone.\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn the_outcome_names_the_system_and_its_answer() {
        let report = |sent, outcomes| PushReport { record: company(System::HubSpot, 1), plan: acme(), sent, outcomes };
        let cases = [
            (report(false, vec![]), "Both sides agree already; nothing was sent.\n"),
            (report(true, vec![(System::ConnectWise, Ok(()))]), "ConnectWise took it.\n"),
            (
                report(true, vec![(System::HubSpot, Err("phone is too long".into()))]),
                "HubSpot refused it: phone is too long\n",
            ),
        ];
        for (report, expected) in cases {
            assert_eq!(plain_text(&outcome(&report)), expected);
        }
    }
}
