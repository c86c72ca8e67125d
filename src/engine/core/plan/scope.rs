//! Whether a record takes part: standard filters, then the person's own criteria, towards one system.

use super::fields::Trouble;
use super::{Scope, ScopeClause};
use crate::engine::core::state::{IssueClass, Observation};
use crate::filter::{Answer, Company, Subject, day_of, start_of};
use crate::mapping::ObjectRules;
use crate::model::{System, Timestamp, Value, no_such_field};

/// The verdict on writing `source`'s values to the other system, clause by clause.
#[must_use]
pub fn judge(rules: &ObjectRules, source: &Observation, company: Company<'_>, linked: bool, now: Timestamp) -> Scope {
    let mut clauses = standard_clauses(rules, source, linked);
    let mut turns = None;
    if let Some(filter) = &rules.filters[source.of.system.other()] {
        let subject = Subject { record: &source.record, today: day_of(now), company };
        turns = filter.turns(&subject).map(start_of);
        clauses.extend(filter.evaluate(&subject).clauses.into_iter().map(|clause| ScopeClause {
            standard: false,
            text: clause.text,
            answer: clause.answer,
            value: clause.value,
        }));
    }
    clauses.extend(scripted(rules, source));
    Scope { answer: Answer::all(clauses.iter().map(|clause| clause.answer)), clauses, turns }
}

/// The name under which the JavaScript predicate stands among the clauses.
const SCRIPT: &str = "the script";

/// What the JavaScript predicate says; none where there is none. One that fails, or gives anything but yes or no, has not
/// answered.
fn scripted(rules: &ObjectRules, source: &Observation) -> Option<ScopeClause> {
    let from = source.of.system;
    let script = rules.scripts[from.other()].as_ref()?;
    let clause = |answer, value| ScopeClause { standard: false, text: SCRIPT.to_owned(), answer, value };
    let gone = script.fields().iter().find(|name| rules.lacks.fields[from].contains(name.as_str()));
    if let Some(name) = gone {
        return Some(clause(Answer::Undecided, no_such_field(from, source.of.object, name)));
    }
    let fields = script.fields().iter().map(|name| (name.as_str(), source.record.value(name)));
    Some(match script.call(&Value::Empty, fields) {
        Ok(Value::Bool(true)) => clause(Answer::Pass, "true".to_owned()),
        Ok(Value::Bool(false)) => clause(Answer::Fail, "false".to_owned()),
        Ok(other) => clause(Answer::Undecided, format!("it gives \"{other}\" in place of true or false")),
        Err(error) => clause(Answer::Undecided, error.to_string()),
    })
}

/// Nothing to judge: there is no record on that side.
#[must_use]
pub const fn open() -> Scope {
    Scope { answer: Answer::Pass, clauses: Vec::new(), turns: None }
}

/// The first clause that the record does not meet, in words.
#[must_use]
pub fn reason(scope: &Scope, to: System) -> String {
    scope.clauses.iter().find(|clause| clause.answer == Answer::Fail).map_or_else(
        || format!("a filter keeps it from {to}"),
        |clause| {
            let found = if clause.value.is_empty() { "empty".to_owned() } else { clause.value.clone() };
            format!("kept from {to} by the rule \"{}\" ({found})", clause.text)
        },
    )
}

/// What keeps the filters towards a system from being decided; none where nothing does.
#[must_use]
pub fn undecided(scope: &Scope, to: System) -> Option<Trouble> {
    let clause = scope.clauses.iter().find(|clause| clause.answer == Answer::Undecided)?;
    if clause.text == SCRIPT && !clause.standard {
        return Some(Trouble {
            class: IssueClass::Transform,
            message: format!("The script of the filter of what goes to {to} cannot decide: {}", clause.value),
            hint: format!(
                "Put the record right in {}, or mend the script and deploy; it goes on by itself then.",
                to.other()
            ),
        });
    }
    let (filter, mend) = if clause.standard {
        ("What always applies to", "name another field in the mapping")
    } else {
        ("The filter of", "mend the filter in the Filters tab")
    };
    Some(Trouble {
        class: IssueClass::MissingField,
        message: format!("{filter} what goes to {to} cannot be decided, at \"{}\": {}", clause.text, clause.value),
        hint: format!("Put the field right in {}, or {mend} and deploy; it goes on by itself then.", to.other()),
    })
}

fn standard_clauses(rules: &ObjectRules, source: &Observation, linked: bool) -> Vec<ScopeClause> {
    let standard = rules.standard[source.of.system].iter().filter(|standard| !(linked && standard.unless_linked));
    standard
        .map(|standard| standard.judge(&source.record))
        .map(|(text, answer, value)| ScopeClause { standard: true, text, answer, value })
        .collect()
}
