//! One pair's plan as text and as JSON: what `explain`, `push` and `plan` print.

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::engine::core::plan::{FieldNext, FieldPlan, PairDecision, PairPlan, PlannedWrite, PushReport, Scope};
use crate::engine::core::state::IntentKind;
use crate::model::text::printable;
use crate::model::{System, Value};

/// The verdict in one sentence.
#[must_use]
pub fn verdict(plan: &PairPlan) -> String {
    match &plan.decision {
        PairDecision::InStep => "Nothing to do: both sides agree, or differ only where they may.".to_owned(),
        PairDecision::Agree => "Both sides came to the same values; only the agreement is renewed.".to_owned(),
        PairDecision::Link { hubspot, connectwise, .. } => {
            format!("HubSpot {hubspot} and ConnectWise {connectwise} are the same; they are linked, then compared.")
        }
        PairDecision::Write(writes) => writes.iter().map(write_line).collect::<Vec<_>>().join(" "),
        PairDecision::Hold { reason } => format!("Held until a person acts or a value changes: {reason}"),
        PairDecision::Exclude { reason } => format!("Kept out: {reason}"),
        PairDecision::Wait { reason } => format!("Waits by itself: {reason}"),
        PairDecision::Gone { reason } => format!("Gone: {reason}"),
    }
}

fn write_line(write: &PlannedWrite) -> String {
    let fields = write.fields.len();
    match (write.kind, write.target) {
        (IntentKind::Create, _) => format!("A new record in {} with {fields} fields.", write.system),
        (IntentKind::Update, Some(id)) => format!("{fields} fields of {} {id} change.", write.system),
        (IntentKind::Update, None) => format!("{fields} fields change in {}.", write.system),
    }
}

/// Everything about the pair: heading, trace, fields, filters, issues.
#[must_use]
pub fn text(plan: &PairPlan) -> String {
    let mut lines = vec![heading(plan), format!("  {}", printable(&verdict(plan)))];
    section(&mut lines, "How it was decided", plan.trace.iter().map(|line| format!("{:<9} {}", line.stage, line.text)));
    section(&mut lines, "Fields that differ", plan.fields.iter().filter(|field| differs(field)).map(field_line));
    section(&mut lines, "Would be written", plan.writes().iter().flat_map(write_lines));
    for system in System::BOTH {
        section(&mut lines, &format!("Filters for writes to {system}"), clauses(&plan.scope[system]));
    }
    section(
        &mut lines,
        "What needs attention",
        plan.issues.iter().map(|issue| format!("{}: {} Next: {}", issue.class, issue.message, issue.hint)),
    );
    lines.join("\n")
}

/// What a push did, or would do.
#[must_use]
pub fn push_text(report: &PushReport) -> String {
    let mut lines = vec![heading(&report.plan), format!("  {}", printable(&verdict(&report.plan)))];
    section(&mut lines, "Written", report.plan.writes().iter().flat_map(write_lines));
    section(
        &mut lines,
        "Answers",
        report.outcomes.iter().map(|(system, outcome)| match outcome {
            Ok(()) => format!("{system}: done"),
            Err(message) => format!("{system}: {message}"),
        }),
    );
    if !report.sent {
        lines.push("  Nothing was sent.".to_owned());
    }
    lines.join("\n")
}

/// One line for a list of plans.
#[must_use]
pub fn row(plan: &PairPlan) -> String {
    format!("{:<9}  {}  {}", plan.state().word(), printable(&plan.name), printable(&verdict(plan)))
}

fn heading(plan: &PairPlan) -> String {
    let id = |id: Option<_>| id.map_or_else(|| "–".to_owned(), |id: crate::model::RecordId| id.to_string());
    format!(
        "{}  [{}]  HubSpot {}  ConnectWise {}",
        printable(&plan.name),
        plan.state(),
        id(plan.hubspot),
        id(plan.connectwise)
    )
}

fn section(lines: &mut Vec<String>, title: &str, rows: impl Iterator<Item = String>) {
    let mut rows = rows.peekable();
    if rows.peek().is_some() {
        lines.push(format!("  {title}"));
        lines.extend(rows.map(|row| format!("    {}", printable(&row))));
    }
}

fn differs(field: &FieldPlan) -> bool {
    !matches!(field.next, FieldNext::Same)
}

fn field_line(field: &FieldPlan) -> String {
    format!(
        "{}: HubSpot {} | agreed {} | ConnectWise {} | {} ({})",
        field.key,
        shown(&field.values.hubspot),
        field.agreed.as_ref().map_or_else(|| "never".to_owned(), |agreed| shown(agreed.of(System::HubSpot))),
        shown(&field.values.connectwise),
        next_word(&field.next),
        field.rule
    )
}

fn write_lines(write: &PlannedWrite) -> Vec<String> {
    let target = write.target.map_or_else(|| "new record".to_owned(), |id| id.to_string());
    write
        .fields
        .iter()
        .map(|f| format!("{} {target}  {}: {} → {}", write.system, f.field, shown(&f.before), shown(&f.after)))
        .collect()
}

fn clauses(scope: &Scope) -> impl Iterator<Item = String> {
    scope.clauses.iter().map(|clause| {
        let verdict = if clause.pass { "pass" } else { "FAIL" };
        let standard = if clause.standard { " (always)" } else { "" };
        format!("{verdict}  {}{standard}  {}", clause.text, clause.value)
    })
}

fn shown(value: &Value) -> String {
    if value.is_empty() { "(empty)".to_owned() } else { value.to_plain() }
}

/// A word for what happens to a field next; part of the JSON answers.
const fn next_word(next: &FieldNext) -> &'static str {
    match next {
        FieldNext::Same => "same",
        FieldNext::Agree => "agree",
        FieldNext::Write { to: System::HubSpot, .. } => "write to HubSpot",
        FieldNext::Write { to: System::ConnectWise, .. } => "write to ConnectWise",
        FieldNext::Tolerate => "left as it is",
        FieldNext::Decide => "a person decides",
        FieldNext::Stuck => "stuck",
        FieldNext::Frozen => "frozen by a filter",
    }
}

/// The pair for scripts.
#[must_use]
pub fn json(plan: &PairPlan) -> Json {
    json!({
        "object": plan.object,
        "hubspot": plan.hubspot,
        "connectwise": plan.connectwise,
        "link": plan.link,
        "name": plan.name,
        "state": plan.state().word(),
        "decision": decision_word(&plan.decision),
        "verdict": verdict(plan),
        "writes": plan.writes().iter().map(write_json).collect::<Vec<_>>(),
        "fields": plan.fields.iter().map(field_json).collect::<Vec<_>>(),
        "filters": { "to_hubspot": scope_json(&plan.scope.hubspot), "to_connectwise": scope_json(&plan.scope.connectwise) },
        "issues": plan.issues.iter().map(IssueJson::from).collect::<Vec<_>>(),
        "trace": plan.trace.iter().map(|line| json!({ "stage": line.stage, "text": line.text })).collect::<Vec<_>>(),
    })
}

/// A push for scripts.
#[must_use]
pub fn push_json(report: &PushReport) -> Json {
    let outcomes = report
        .outcomes
        .iter()
        .map(|(system, outcome)| json!({ "system": system, "ok": outcome.is_ok(), "message": outcome.as_ref().err() }));
    json!({ "sent": report.sent, "outcomes": outcomes.collect::<Vec<_>>(), "pair": json(&report.plan) })
}

const fn decision_word(decision: &PairDecision) -> &'static str {
    match decision {
        PairDecision::InStep => "in_step",
        PairDecision::Agree => "agree",
        PairDecision::Link { .. } => "link",
        PairDecision::Write(_) => "write",
        PairDecision::Hold { .. } => "hold",
        PairDecision::Exclude { .. } => "exclude",
        PairDecision::Wait { .. } => "wait",
        PairDecision::Gone { .. } => "gone",
    }
}

fn write_json(write: &PlannedWrite) -> Json {
    let fields = write
        .fields
        .iter()
        .map(|f| json!({ "field": f.field, "before": f.before.to_plain(), "after": f.after.to_plain(), "why": f.why }));
    json!({
        "system": write.system,
        "kind": write.kind,
        "target": write.target,
        "source": write.source,
        "fields": fields.collect::<Vec<_>>(),
    })
}

fn field_json(field: &FieldPlan) -> Json {
    json!({
        "field": field.key,
        "hubspot": field.values.hubspot.to_plain(),
        "agreed": field.agreed.as_ref().map(|agreed| agreed.of(System::HubSpot).to_plain()),
        "connectwise": field.values.connectwise.to_plain(),
        "next": next_word(&field.next),
        "rule": field.rule,
    })
}

fn scope_json(scope: &Scope) -> Json {
    let clauses = scope.clauses.iter().map(|clause| {
        json!({ "text": clause.text, "pass": clause.pass, "value": clause.value, "standard": clause.standard })
    });
    json!({ "pass": scope.pass, "clauses": clauses.collect::<Vec<_>>() })
}

#[derive(Serialize)]
struct IssueJson<'a> {
    class: &'static str,
    field: Option<&'a str>,
    message: &'a str,
    hint: &'a str,
}

impl<'a> From<&'a crate::engine::core::state::Issue> for IssueJson<'a> {
    fn from(issue: &'a crate::engine::core::state::Issue) -> Self {
        Self {
            class: issue.class.key(),
            field: issue.field.as_ref().map(crate::mapping::FieldKey::as_str),
            message: &issue.message,
            hint: &issue.hint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::core::plan::{ScopeClause, TraceLine};
    use crate::engine::core::state::FieldWrite;
    use crate::mapping::FieldKey;
    use crate::model::{BySystem, FieldName, LinkId, ObjectKind, RecordId, RecordRef};

    fn pass() -> Scope {
        let clause = ScopeClause { standard: true, text: "not deleted".into(), pass: true, value: "live".into() };
        Scope { pass: true, clauses: vec![clause] }
    }

    fn plan() -> PairPlan {
        let city = FieldName::new("city");
        let after = Value::text("Austin");
        let write = FieldWrite {
            key: Some(FieldKey::new(&city, &city)),
            field: city.clone(),
            before: Value::text("Dallas"),
            after: after.clone(),
            source: after.clone(),
            loser: None,
            why: "only HubSpot changed".into(),
        };
        PairPlan {
            object: ObjectKind::Company,
            hubspot: Some(RecordId(18)),
            connectwise: Some(RecordId(40)),
            link: Some(LinkId(1)),
            name: "Acme\u{1b}[2J".into(),
            decision: PairDecision::Write(vec![PlannedWrite {
                system: System::ConnectWise,
                kind: IntentKind::Update,
                target: Some(RecordId(40)),
                source: RecordId(18),
                fields: vec![write],
                stamp: None,
            }]),
            fields: vec![FieldPlan {
                key: FieldKey::new(&city, &city),
                names: BySystem::new(city.clone(), city),
                values: BySystem::new(after.clone(), Value::text("Dallas")),
                agreed: None,
                changed: BySystem::new(true, false),
                next: FieldNext::Write { to: System::ConnectWise, value: after, loser: None },
                rule: "only HubSpot changed".into(),
            }],
            scope: BySystem::new(pass(), pass()),
            issues: Vec::new(),
            trace: vec![TraceLine { stage: "identity", text: "linked 1".into() }],
        }
    }

    #[test]
    fn the_text_tells_the_write_the_rule_and_the_way_there() {
        let text = text(&plan());
        for part in
            ["1 fields of ConnectWise 40 change", "Dallas → Austin", "identity  linked 1", "pass  not deleted (always)"]
        {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
    }

    #[test]
    fn no_control_character_of_a_record_reaches_the_terminal() {
        assert!(!text(&plan()).contains('\u{1b}'));
        assert!(!row(&plan()).contains('\u{1b}'));
    }

    #[test]
    fn json_names_the_decision_and_every_value_before_and_after() {
        let json = json(&plan());
        assert_eq!((json["decision"].as_str(), json["state"].as_str()), (Some("write"), Some("pending")));
        assert_eq!(json["writes"][0]["fields"][0]["before"], "Dallas");
        assert_eq!(json["writes"][0]["fields"][0]["after"], "Austin");
    }

    #[test]
    fn a_preview_says_that_nothing_was_sent() {
        let record = RecordRef::new(ObjectKind::Company, System::HubSpot, RecordId(18));
        let preview = PushReport { record, plan: plan(), sent: false, outcomes: Vec::new() };
        assert!(push_text(&preview).ends_with("Nothing was sent."));
        assert_eq!(push_json(&preview)["sent"], false);
    }
}
