//! Decisions in words, for traces and reasons.

use super::{FieldNext, FieldPlan, PairDecision, PairPlan, PlannedWrite};
use crate::engine::core::state::{IntentKind, LinkOrigin};
use crate::model::{System, Timestamp};

/// How a link came about, in words.
#[must_use]
pub fn origin_in_words(origin: &LinkOrigin) -> String {
    match origin {
        LinkOrigin::Created(system) => format!("creation in {system}"),
        LinkOrigin::Stamp => "the key that Lockstep wrote".to_owned(),
        LinkOrigin::Match(rule) => rule.clone(),
        LinkOrigin::Person => "a person".to_owned(),
    }
}

pub(super) fn field_in_words(plan: &FieldPlan) -> String {
    let what = match &plan.next {
        FieldNext::Same => "same".to_owned(),
        FieldNext::Agree => "agree".to_owned(),
        FieldNext::Write { to, value, .. } => format!("write \"{value}\" to {to}"),
        FieldNext::Tolerate => "left as it is".to_owned(),
        FieldNext::Decide => "a person decides".to_owned(),
        FieldNext::Stuck => "cannot cross".to_owned(),
        FieldNext::Wait => "waits".to_owned(),
        FieldNext::Frozen => "frozen".to_owned(),
        FieldNext::Undecided { .. } => "held".to_owned(),
    };
    let agreed = plan.agreed.as_ref().map_or_else(
        || "never agreed".to_owned(),
        |agreed| format!("agreed \"{}\" = \"{}\" at {}", agreed.hubspot, agreed.connectwise, agreed.at),
    );
    format!(
        "{}: HubSpot \"{}\", ConnectWise \"{}\", {agreed} — {what}: {}",
        plan.key, plan.values.hubspot, plan.values.connectwise, plan.rule
    )
}

pub(super) fn write_in_words(write: &PlannedWrite) -> String {
    let fields: Vec<String> =
        write.fields.iter().map(|f| format!("{} \"{}\" → \"{}\"", f.field, f.before, f.after)).collect();
    let what = match (write.kind, write.target) {
        (IntentKind::Create, _) => format!("create in {}", write.system),
        (IntentKind::Update, Some(id)) => format!("update {} {id}", write.system),
        (IntentKind::Update, None) => format!("update in {}", write.system),
    };
    let stamp = write.stamp.as_ref().map(|stamp| format!("; key {stamp}")).unwrap_or_default();
    format!("{what}: {}{stamp}", fields.join(", "))
}

pub(super) fn sentence(decision: &PairDecision, undecided: usize) -> String {
    match decision {
        PairDecision::InStep | PairDecision::Agree if undecided == 1 => {
            "nothing to write: 1 field waits for a person".to_owned()
        }
        PairDecision::InStep | PairDecision::Agree if undecided > 1 => {
            format!("nothing to write: {undecided} fields wait for a person")
        }
        PairDecision::InStep => "nothing to do: both sides are in step".to_owned(),
        PairDecision::Agree => "nothing to write: the agreement is renewed".to_owned(),
        PairDecision::Link { hubspot, connectwise, .. } => {
            format!("link HubSpot {hubspot} with ConnectWise {connectwise}")
        }
        PairDecision::Write(writes) => {
            let n: usize = writes.iter().map(|write| write.fields.len()).sum();
            format!(
                "{} in {} write(s)",
                if n == 1 { "1 field".to_owned() } else { format!("{n} fields") },
                writes.len()
            )
        }
        PairDecision::Hold { reason } => format!("held: {reason}"),
        PairDecision::Fail { reason, next_try } => {
            let reason = reason.trim_end().trim_end_matches('.');
            if *next_try == Timestamp::MAX {
                format!(
                    "failing: {reason}. Tried again when the record or the mapping changes, or when somebody pushes it."
                )
            } else {
                format!("failing: {reason}. Tried again at {next_try}.")
            }
        }
        PairDecision::Exclude { reason } => format!("excluded: {reason}"),
        PairDecision::Wait { reason } => format!("waits: {reason}"),
        PairDecision::Paused { reason } => reason.clone(),
        PairDecision::Gone { reason } => format!("gone: {reason}"),
    }
}

/// A few words for the list: which field, which reason.
pub(super) fn why(plan: &PairPlan) -> String {
    let named = |next: &dyn Fn(&FieldNext) -> bool| {
        let names: Vec<&str> = plan.fields.iter().filter(|f| next(&f.next)).map(|f| f.names.hubspot.as_str()).collect();
        names.join(", ")
    };
    match &plan.decision {
        PairDecision::Write(writes) => match writes.first() {
            Some(write) if write.kind == IntentKind::Create => format!("new in {}", write.system),
            Some(write) if write.fields.is_empty() => format!("key to {}", write.system),
            _ => {
                let arrows = writes.iter().map(|write| if write.system == System::HubSpot { "←" } else { "→" });
                format!("{} {}", arrows.collect::<String>(), named(&|next| matches!(next, FieldNext::Write { .. })))
            }
        },
        PairDecision::Hold { reason }
        | PairDecision::Fail { reason, .. }
        | PairDecision::Exclude { reason }
        | PairDecision::Wait { reason }
        | PairDecision::Paused { reason }
        | PairDecision::Gone { reason } => reason.clone(),
        PairDecision::Link { .. } => "linking".to_owned(),
        PairDecision::InStep | PairDecision::Agree => {
            if let Some(field) = plan.fields.iter().find(|field| field.next == FieldNext::Wait) {
                return format!("{}: {}", field.names.hubspot, field.rule);
            }
            if let Some(field) = plan.fields.iter().find(|field| matches!(field.next, FieldNext::Undecided { .. })) {
                return format!("{}: {}", field.names.hubspot, field.rule);
            }
            named(&|next| matches!(next, FieldNext::Decide | FieldNext::Stuck | FieldNext::Frozen))
        }
    }
}
