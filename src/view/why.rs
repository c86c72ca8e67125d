//! The why-panel: the reason behind the selected field, the filters, and what would move it on.

use super::cell::{Cell, Line, Role, clipped, line_width};
use super::diff::{RecordPanel, any_changed, next_word};
use super::format;
use crate::engine::core::plan::{FieldNext, FieldPlan, PairDecision, PairPlan, Scope};
use crate::engine::core::state::{IntentKind, Issue, RecordState};
use crate::filter::Answer;
use crate::model::{System, Timestamp};

/// The reason behind one field, in at most `width` columns: what happened, both sides, what is wrong, filters and time.
#[must_use]
pub fn field_lines(panel: &RecordPanel<'_>, field: &FieldPlan, width: usize) -> Vec<Line> {
    let issue = issue_of(panel, field);
    // an issue says more than the rule does
    let rule = if issue.is_some() { "" } else { &field.rule };
    let mut lines = headline(panel, field, rule, width);
    lines.extend(sides(panel, field, width));
    if let Some(issue) = issue {
        lines.extend(issue_lines(issue, width));
    }
    lines.push(footing(panel, Some(field)));
    lines
}

/// The reason behind the record as a whole, where no field is selected.
#[must_use]
pub fn record_lines(panel: &RecordPanel<'_>, width: usize) -> Vec<Line> {
    let mut lines: Vec<Line> =
        super::cell::wrapped(&verdict(panel.plan), width).into_iter().map(|text| vec![Cell::strong(text)]).collect();
    for issue in panel.plan.issues.iter().filter(|issue| issue.field.is_none()) {
        lines.extend(issue_lines(issue, width));
    }
    lines.push(footing(panel, None));
    lines
}

/// Where the pair stands, as a short sentence.
#[must_use]
pub fn verdict(plan: &PairPlan) -> String {
    let settled = matches!(plan.decision, PairDecision::InStep | PairDecision::Agree);
    match plan.state() {
        RecordState::Conflict if settled => "A person decides what both sides changed.".to_owned(),
        RecordState::Held if settled => {
            let undecided = plan.fields.iter().any(|field| matches!(field.next, FieldNext::Undecided { .. }));
            let what =
                if undecided { "A filter that cannot be decided holds it." } else { "A field cannot cross as it is." };
            what.to_owned()
        }
        RecordState::Waiting if settled => "A field waits for the record it points to.".to_owned(),
        RecordState::Excluded if settled => "A filter keeps changes from crossing.".to_owned(),
        _ if settled && plan.fields.iter().any(|field| field.next == FieldNext::Tolerate) => {
            "Both sides agree, or differ where they may.".to_owned()
        }
        _ => decision(&plan.decision),
    }
}

/// What is decided about the pair as a whole, as a short sentence.
#[must_use]
pub fn decision(decision: &PairDecision) -> String {
    match decision {
        PairDecision::InStep => "Both sides agree.".to_owned(),
        PairDecision::Agree => "Both sides agree; the agreement is noted.".to_owned(),
        PairDecision::Link { hubspot, connectwise, .. } => {
            format!("HubSpot {hubspot} and ConnectWise {connectwise} are linked next.")
        }
        PairDecision::Write(writes) => {
            let fields: usize = writes.iter().map(|write| write.fields.len()).sum();
            if let (0, [only]) = (fields, writes.as_slice())
                && only.kind == IntentKind::Update
            {
                return format!("The record in {} is given the key of its counterpart.", only.system);
            }
            let systems: Vec<_> = writes.iter().map(|write| write.system.name()).collect();
            format!(
                "{} to be written to {}.",
                format::counted(fields as u64, "field is", "fields are"),
                systems.join(" and ")
            )
        }
        PairDecision::Hold { reason } => format!("Held: {reason}"),
        PairDecision::Fail { reason, .. } => format!("Failing: {reason}"),
        PairDecision::Exclude { reason } => format!("Excluded: {reason}"),
        PairDecision::Wait { reason } => format!("Waits: {reason}"),
        PairDecision::Paused { reason } => format!("Pending: {reason}"),
        PairDecision::Gone { reason } => format!("Gone: {reason}"),
    }
}

fn headline(panel: &RecordPanel<'_>, field: &FieldPlan, rule: &str, width: usize) -> Vec<Line> {
    let label = Cell::strong(panel.label(field));
    let mut text = match panel.plan.link {
        Some(_) => format!("{}.", what_changed(field)),
        None => "not linked to a record of the other system.".to_owned(),
    };
    if !rule.is_empty() && any_changed(field) {
        text.push_str(&format!(" {}", sentence(rule)));
    }
    let room = width.saturating_sub(label.width() + 2).max(20);
    let mut lines: Vec<Line> =
        super::cell::wrapped(&text, room).into_iter().map(|text| vec![Cell::plain(text)]).collect();
    if let Some(first) = lines.first_mut() {
        first.splice(0..0, [label, Cell::plain("  ")]);
    }
    lines
}

/// A rule as the engine words it, as a sentence.
fn sentence(rule: &str) -> String {
    let mut letters = rule.chars();
    let stop = if rule.ends_with(['.', '!', '?']) { "" } else { "." };
    letters.next().map_or_else(String::new, |first| format!("{}{}{stop}", first.to_uppercase(), letters.as_str()))
}

/// What happened since the two sides agreed.
fn what_changed(field: &FieldPlan) -> String {
    let Some(agreed) = &field.agreed else { return "the two sides never agreed on it".to_owned() };
    let at = format::moment(agreed.at);
    match (field.changed.hubspot, field.changed.connectwise) {
        (false, false) => format!("unchanged since {at}"),
        (true, false) => format!("HubSpot changed since {at}"),
        (false, true) => format!("ConnectWise changed since {at}"),
        (true, true) => format!("both changed since {at}"),
    }
}

/// Both values in full, each with the moment and the person of the record's last change; a line each where one is too
/// short for both. A value that is longer than a line gives way to when and who.
fn sides(panel: &RecordPanel<'_>, field: &FieldPlan, width: usize) -> Vec<Line> {
    let [left, right] = System::BOTH.map(|system| side(panel, field, system));
    if line_width(&left) + line_width(&right) + 3 <= width {
        return vec![[left, vec![Cell::plain("   ")], right].concat()];
    }
    [left, right].map(|line| shortened(line, width)).into()
}

/// The value gives way, never when and who.
fn shortened(mut line: Line, width: usize) -> Line {
    let when = line.split_off(line.len().min(2));
    let mut line = clipped(&line, width.saturating_sub(line_width(&when)));
    line.extend(when);
    line
}

fn side(panel: &RecordPanel<'_>, field: &FieldPlan, system: System) -> Line {
    let mut line = vec![Cell::muted(format!("{system} ")), Cell::new(panel.value(field, system), Role::of(system))];
    if let Some(observation) = panel.observations[system] {
        let by = observation.record.modified_by.as_ref().map_or_else(String::new, |who| format!(" by {who}"));
        line.push(Cell::muted(format!(" {}{by}", format::moment_near(observation.record.modified, panel.now))));
    }
    line
}

/// The issue of the field, or of the record as a whole.
fn issue_of<'a>(panel: &RecordPanel<'a>, field: &FieldPlan) -> Option<&'a Issue> {
    let issues = &panel.plan.issues;
    let own = issues.iter().find(|issue| issue.field.as_ref() == Some(&field.key));
    own.or_else(|| issues.iter().find(|issue| issue.field.is_none()))
}

fn issue_lines(issue: &Issue, width: usize) -> Vec<Line> {
    let role = if issue.needs_person() { Role::Warn } else { Role::Wait };
    let message = super::cell::wrapped(&issue.message, width).into_iter().map(|text| vec![Cell::new(text, role)]);
    let hint = super::cell::wrapped(&issue.hint, width).into_iter().map(|text| vec![Cell::plain(text)]);
    message.chain(hint).collect()
}

/// Filters and the next attempt.
fn footing(panel: &RecordPanel<'_>, field: Option<&FieldPlan>) -> Line {
    let mut line = filters(panel);
    line.push(Cell::plain("   "));
    line.push(Cell::muted(next_attempt(panel, field)));
    line
}

/// `filters pass (4 standard, 2 own)`, or how many stop it, for each direction that is stopped.
fn filters(panel: &RecordPanel<'_>) -> Line {
    let passes = |to: &System| panel.plan.scope[*to].answer == Answer::Pass;
    let stopped: Vec<System> = System::BOTH.into_iter().filter(|to| !passes(to)).collect();
    if stopped.is_empty() {
        let scope = &panel.plan.scope[System::ConnectWise];
        let (standard, own) = clause_counts(scope);
        return vec![Cell::new("filters pass", Role::Ok), Cell::muted(format!(" ({standard} standard, {own} own)"))];
    }
    let mut line = Line::new();
    for to in stopped {
        let scope = &panel.plan.scope[to];
        let stopping: Vec<_> = scope.clauses.iter().filter(|clause| clause.answer == scope.answer).collect();
        let which = stopping.first().map_or_else(String::new, |clause| format!(": {}", clause.text));
        let gap = if line.is_empty() { "" } else { "   " };
        let what = if scope.answer == Answer::Fail { "clauses fail" } else { "clauses cannot be decided" };
        line.push(Cell::new(
            format!("{gap}to {to}: {} of {} {what}{which}", stopping.len(), scope.clauses.len()),
            Role::Warn,
        ));
    }
    line
}

fn clause_counts(scope: &Scope) -> (usize, usize) {
    let standard = scope.clauses.iter().filter(|clause| clause.standard).count();
    (standard, scope.clauses.len() - standard)
}

fn next_attempt(panel: &RecordPanel<'_>, field: Option<&FieldPlan>) -> String {
    let issue = match field {
        Some(field) => issue_of(panel, field),
        None => panel.plan.issues.iter().min_by_key(|issue| issue.next_try),
    };
    if let PairDecision::Fail { next_try, .. } = &panel.plan.decision {
        return when(*next_try, panel.now);
    }
    match (field.map(|field| &field.next), issue) {
        (Some(FieldNext::Decide), _) => "next attempt when decided".to_owned(),
        (Some(FieldNext::Undecided { .. }), _) => "next attempt when the filter can be decided".to_owned(),
        (_, Some(issue)) => when(issue.next_try, panel.now),
        (Some(next @ FieldNext::Write { .. }), None)
            if field.is_some_and(|field| panel.next(field).0 == next_word(next)) =>
        {
            "next attempt with the next run".to_owned()
        }
        (Some(FieldNext::Wait), None) => "crosses when that record has its partner".to_owned(),
        (Some(FieldNext::Frozen), None) => "next attempt when the filter lets it pass".to_owned(),
        _ => "nothing to do".to_owned(),
    }
}

fn when(next_try: Timestamp, now: Timestamp) -> String {
    if next_try == Timestamp::MAX {
        "next attempt after a change or by a person".to_owned()
    } else if next_try <= now {
        "next attempt now".to_owned()
    } else {
        format!("next attempt {}", format::age_at(next_try, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::core::plan::PairPlan;
    use crate::engine::core::plan::PlannedWrite;
    use crate::engine::core::state::IssueClass;
    use crate::model::BySystem;
    use crate::view::cell::{line_text, plain_text};
    use crate::view::testing::{NOW, acme, company, observation, schemas};

    fn why(plan: &PairPlan, field: usize) -> String {
        let schemas = schemas();
        let left = observation(company(System::HubSpot, 1), 4, Some("Dana Poe"));
        let right = observation(company(System::ConnectWise, 2), 4, Some("jsmith"));
        let observations = BySystem::new(Some(&left), Some(&right));
        let panel = RecordPanel { plan, link: None, observations, schemas: Some(&schemas), relatives: None, now: NOW };
        plain_text(&field_lines(&panel, &plan.fields[field], 78))
    }

    #[test]
    fn a_conflict_says_who_changed_what_and_what_to_do() {
        assert_eq!(
            why(&acme(), 1),
            "Phone  both changed since 2026-11-20 09:14.\n\
             HubSpot +1 555 0100 10:10:00 by Dana Poe\n\
             ConnectWise +1 555 0199 10:10:00 by jsmith\n\
             Both sides changed Phone.\n\
             Take one of the two values.\n\
             filters pass (1 standard, 1 own)   next attempt when decided\n"
        );
    }

    #[test]
    fn a_planned_write_goes_with_the_next_run_and_a_failed_one_when_its_time_comes() {
        let mut plan = acme();
        assert!(why(&plan, 2).ends_with("next attempt with the next run\n"), "{}", why(&plan, 2));
        plan.issues[0].field = Some(plan.fields[2].key.clone());
        plan.issues[0].class = IssueClass::Transient;
        plan.issues[0].next_try = Timestamp(NOW.0 + 240_000);
        assert!(why(&plan, 2).ends_with("next attempt in 4 min\n"), "{}", why(&plan, 2));
    }

    #[test]
    fn a_filter_that_stops_a_direction_is_named() {
        let mut plan = acme();
        plan.scope.connectwise.answer = Answer::Fail;
        plan.scope.connectwise.clauses[1].answer = Answer::Fail;
        let text = why(&plan, 2);
        assert!(text.contains("to ConnectWise: 1 of 2 clauses fail: type in (1)"), "{text}");
    }

    #[test]
    fn a_field_that_waits_for_its_parent_says_so() {
        let mut plan = acme();
        for field in &mut plan.fields {
            field.next = FieldNext::Same;
        }
        plan.fields[2].next = FieldNext::Wait;
        plan.issues.clear();
        assert!(why(&plan, 2).ends_with("crosses when that record has its partner\n"), "{}", why(&plan, 2));
        plan.decision = PairDecision::InStep;
        assert_eq!(verdict(&plan), "A field waits for the record it points to.");
    }

    #[test]
    fn every_verdict_is_a_sentence() {
        let mut plan = acme();
        let key_only = PlannedWrite {
            object: plan.object,
            system: System::HubSpot,
            kind: IntentKind::Update,
            target: plan.hubspot,
            source: crate::model::RecordId(4021),
            fields: Vec::new(),
            stamp: Some("4021".into()),
        };
        let cases = [
            (PairDecision::InStep, "A person decides what both sides changed."),
            (PairDecision::Hold { reason: "two twins".into() }, "Held: two twins"),
            (PairDecision::Write(vec![key_only]), "The record in HubSpot is given the key of its counterpart."),
        ];
        for (decision, expected) in cases {
            plan.decision = decision;
            let panel = RecordPanel {
                plan: &plan,
                link: None,
                observations: BySystem::default(),
                schemas: None,
                relatives: None,
                now: NOW,
            };
            assert_eq!(line_text(&record_lines(&panel, 78)[0]), expected);
        }
    }
}
