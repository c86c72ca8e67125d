//! One pair's plan for scripts: what `explain --json` and `push --json` print.

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::engine::core::plan::{FieldNext, FieldPlan, PairDecision, PairPlan, PlannedWrite, PushReport, Scope};
use crate::model::System;
use crate::view::why;

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
        FieldNext::Wait => "waits for a record",
        FieldNext::Frozen => "frozen by a filter",
        FieldNext::Undecided { .. } => "held: a filter cannot be decided",
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
        "verdict": why::verdict(plan),
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
        PairDecision::Fail { .. } => "fail",
        PairDecision::Exclude { .. } => "exclude",
        PairDecision::Wait { .. } => "wait",
        PairDecision::Paused { .. } => "paused",
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
        json!({ "text": clause.text, "pass": clause.answer.known(), "value": clause.value, "standard": clause.standard })
    });
    json!({ "pass": scope.answer.known(), "clauses": clauses.collect::<Vec<_>>() })
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
    use crate::engine::core::state::{FieldWrite, IntentKind};
    use crate::filter::Answer;
    use crate::mapping::FieldKey;
    use crate::model::{BySystem, FieldName, LinkId, ObjectKind, RecordId, RecordRef, Value};

    fn pass() -> Scope {
        let clause =
            ScopeClause { standard: true, text: "not deleted".into(), answer: Answer::Pass, value: "live".into() };
        Scope { answer: Answer::Pass, clauses: vec![clause], turns: None }
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
            beside: BySystem::default(),
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
                object: crate::model::ObjectKind::Company,
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
        assert_eq!(push_json(&preview)["sent"], false);
    }
}
