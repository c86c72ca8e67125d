//! The whole trace of one pair: every stage's decision with the values behind it, for `lockstep explain` and `x`.

use super::cell::{Cell, Line, Role, wrapped};
use super::diff::RecordPanel;
use super::why::verdict;
use crate::filter::Answer;
use crate::model::System;

/// Columns that the names of the stages take.
const STAGE: usize = 10;

/// Everything that led to the verdict, at most `width` columns wide.
#[must_use]
pub fn lines(panel: &RecordPanel<'_>, width: usize) -> Vec<Line> {
    let mut out: Vec<Line> = panel.header(width).into();
    out.push(Line::new());
    let mut last = "";
    for line in &panel.plan.trace {
        let stage = if line.stage == last { "" } else { line.stage };
        last = line.stage;
        out.extend(staged(stage, &line.text, Role::Text, width));
    }
    // a trace that tells of filters and fields has said all this
    let told = |stage: &str| panel.plan.trace.iter().any(|line| line.stage == stage);
    if !told("filter") {
        out.extend(filters(panel, width));
    }
    if !told("field") {
        out.extend(fields(panel, width));
    }
    for issue in &panel.plan.issues {
        out.extend(staged("issue", &issue.message, Role::Warn, width));
        out.extend(staged("", &issue.hint, Role::Muted, width));
    }
    out.extend(staged("verdict", &verdict(panel.plan), Role::Strong, width));
    out
}

/// Every clause of both directions with the value it looked at.
fn filters(panel: &RecordPanel<'_>, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    for to in System::BOTH {
        for clause in &panel.plan.scope[to].clauses {
            let (word, role) = match clause.answer {
                Answer::Pass => ("pass", Role::Muted),
                Answer::Fail => ("FAIL", Role::Warn),
                Answer::Undecided => ("HELD", Role::Error),
            };
            let kind = if clause.standard { "standard" } else { "own" };
            let text = format!("to {to}: {word}  {} ({kind}; looked at: {})", clause.text, clause.value);
            out.extend(staged(if out.is_empty() { "filters" } else { "" }, &text, role, width));
        }
    }
    out
}

/// Every mapped field, the same ones too.
fn fields(panel: &RecordPanel<'_>, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    for field in &panel.plan.fields {
        let (next, role) = panel.next(field);
        let text = format!(
            "{}: {} | {} | {}  {}  {}",
            panel.label(field),
            panel.value(field, System::HubSpot),
            panel.agreed(field, System::HubSpot).unwrap_or_else(|| "never agreed".to_owned()),
            panel.value(field, System::ConnectWise),
            if next.is_empty() { "same" } else { next },
            field.rule
        );
        out.extend(staged(if out.is_empty() { "fields" } else { "" }, &text, role, width));
    }
    out
}

/// A text under the name of its stage, broken at words.
fn staged(stage: &str, text: &str, role: Role, width: usize) -> Vec<Line> {
    let room = width.saturating_sub(STAGE).max(20);
    let texts = wrapped(text, room);
    texts
        .into_iter()
        .enumerate()
        .map(|(at, text)| {
            let stage = if at == 0 { stage } else { "" };
            vec![Cell::muted(super::format::fit(stage, STAGE)), Cell::new(text, role)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::core::plan::{FieldNext, PairDecision, TraceLine};
    use crate::model::BySystem;
    use crate::view::cell::plain_text;
    use crate::view::diff::Shown;
    use crate::view::testing::{NOW, acme, schemas};

    #[test]
    fn what_is_held_or_gone_as_a_whole_is_not_called_the_same() {
        let schemas = schemas();
        let held = PairDecision::Hold { reason: "its partner was merged".into() };
        let gone = PairDecision::Gone { reason: "HubSpot company 7 was deleted".into() };
        for (decision, word, verdict) in
            [(held, "held", "Held: its partner was merged"), (gone, "gone", "Gone: HubSpot company 7 was deleted")]
        {
            let mut plan = acme();
            plan.decision = decision;
            plan.issues.clear();
            for field in &mut plan.fields {
                (field.next, field.rule) = (FieldNext::Same, String::new());
            }
            let panel = RecordPanel {
                plan: &plan,
                link: None,
                observations: BySystem::default(),
                schemas: Some(&schemas),
                relatives: None,
                now: NOW,
            };
            let text = plain_text(&lines(&panel, 100));
            assert!(!text.contains("same") && text.contains(&format!("| Acme Dental Group {word}")), "{text}");
            assert!(text.contains(verdict), "{text}");
            let diff = plain_text(&panel.lines(Shown::Differing, 100));
            assert!(diff.contains(&format!("not compared while it is {word} · all 5 shown")), "{diff}");
        }
    }

    #[test]
    fn a_trace_names_every_stage_once_and_every_field() {
        let mut plan = acme();
        plan.trace = vec![
            TraceLine { stage: "read", text: "HubSpot 18273645 read 4 s ago".into() },
            TraceLine { stage: "read", text: "ConnectWise 4021 read 2 s ago".into() },
            TraceLine { stage: "identity", text: "linked".into() },
        ];
        let schemas = schemas();
        let panel = RecordPanel {
            plan: &plan,
            link: None,
            observations: BySystem::default(),
            schemas: Some(&schemas),
            relatives: None,
            now: NOW,
        };
        let text = plain_text(&lines(&panel, 100));
        for expected in [
            "\nread      HubSpot 18273645 read 4 s ago\n          ConnectWise 4021 read 2 s ago\nidentity  linked\n",
            "\nfilters   to HubSpot: pass not deleted (standard; looked at: no)\n",
            "\nfields    Name: Acme Dental Group | Acme Dental Group | Acme Dental Group same Rule: ask\n",
            "\n          type: Customer | Customer | Client same Rule: ask\n",
            "\nissue     Both sides changed Phone.\n          Take one of the two values.\n",
            "\nverdict   A person decides what both sides changed.\n",
        ] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }
}
