//! Whether a record takes part: standard filters, then the person's own criteria, towards one system.

use super::{Scope, ScopeClause};
use crate::engine::core::state::Observation;
use crate::filter::standard;
use crate::mapping::ObjectRules;
use crate::model::System;

/// The verdict on writing `source`'s values to the other system, clause by clause.
#[must_use]
pub fn judge(rules: &ObjectRules, source: &Observation, linked: bool) -> Scope {
    let mut clauses = standard_clauses(rules, source, linked);
    if let Some(filter) = &rules.filters[source.of.system.other()] {
        let verdict = filter.evaluate(&source.record);
        clauses.extend(verdict.clauses.into_iter().map(|clause| ScopeClause {
            standard: false,
            text: clause.text,
            pass: clause.pass,
            value: clause.value,
        }));
        let standard_pass = clauses.iter().filter(|clause| clause.standard).all(|clause| clause.pass);
        return Scope { pass: standard_pass && verdict.pass, clauses };
    }
    Scope { pass: clauses.iter().all(|clause| clause.pass), clauses }
}

/// Nothing to judge: there is no record on that side.
#[must_use]
pub const fn open() -> Scope {
    Scope { pass: true, clauses: Vec::new() }
}

/// The first clause that the record does not meet, in words.
#[must_use]
pub fn reason(scope: &Scope, to: System) -> String {
    scope.clauses.iter().find(|clause| !clause.pass).map_or_else(
        || format!("a filter keeps it from {to}"),
        |clause| {
            let found = if clause.value.is_empty() { "empty".to_owned() } else { clause.value.clone() };
            format!("kept from {to} by the rule \"{}\" ({found})", clause.text)
        },
    )
}

fn standard_clauses(rules: &ObjectRules, source: &Observation, linked: bool) -> Vec<ScopeClause> {
    let apply = if linked { standard::of_linked } else { standard::clauses };
    apply(&rules.mapping, source.of.system, &source.record)
        .into_iter()
        .map(|(text, pass, value)| ScopeClause { standard: true, text, pass, value })
        .collect()
}
