//! Decisions in words, for traces and reasons.

use super::{FieldNext, FieldPlan, PairDecision, PairPlan, PlannedWrite};
use crate::engine::core::state::{IntentKind, Link, LinkOrigin, LinkState};
use crate::model::{ObjectKind, RecordRef, System, Timestamp};

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

/// Since when two records are linked and by what, or that they are no longer.
pub(super) fn link_in_words(link: &Link) -> String {
    let (since, by) = (link.created, origin_in_words(&link.origin));
    match link.state {
        LinkState::Active => format!("linked since {since} by {by}"),
        LinkState::Tomb => format!("the link, of {since} by {by}, ended when one side was gone"),
        LinkState::Unlinked => format!("the link, of {since} by {by}, was ended by a person"),
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

/// What happens next, and what it waits for. `fields` are those of the pair.
pub(super) fn sentence(decision: &PairDecision, fields: &[FieldPlan]) -> String {
    match decision {
        PairDecision::InStep | PairDecision::Agree => settled(decision, fields),
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
        PairDecision::Hold { reason } => format!("held: {}. It goes on once that is put right.", bare(reason)),
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
        PairDecision::Exclude { reason } => format!(
            "excluded: {}; nothing crosses until it changes, or what it belongs to, or the configuration",
            bare(reason)
        ),
        PairDecision::Wait { reason } if reason.starts_with("waits for") => {
            format!("{}; it goes on by itself as soon as that has its partner", bare(reason))
        }
        PairDecision::Wait { reason } => format!("waits: {}; it goes on by itself after that", bare(reason)),
        PairDecision::Paused { reason } => format!("{}; it crosses when that ends", bare(reason)),
        PairDecision::Gone { reason } => format!("gone: {}; nothing crosses unless it is restored", bare(reason)),
    }
}

/// The same where nothing can be written now: what of it waits, and for what.
fn settled(decision: &PairDecision, fields: &[FieldPlan]) -> String {
    let count = |is_so: &dyn Fn(&FieldNext) -> bool| fields.iter().filter(|field| is_so(&field.next)).count();
    let first = |is_so: &dyn Fn(&FieldNext) -> bool| fields.iter().find(|field| is_so(&field.next));
    let several =
        |n: usize, one: &str, more: &str| if n == 1 { format!("1 field {one}") } else { format!("{n} fields {more}") };
    let by_person = count(&|next| matches!(next, FieldNext::Decide | FieldNext::Stuck));
    if by_person > 0 {
        return format!("nothing to write: {}", several(by_person, "waits for a person", "wait for a person"));
    }
    if let Some(field) = first(&|next| matches!(next, FieldNext::Undecided { .. })) {
        let what = format!("{}: {}", field.names.hubspot, bare(&field.rule));
        return format!("nothing to write now: {what}. It crosses by itself once the filter can be decided.");
    }
    if let Some(field) = first(&|next| *next == FieldNext::Wait) {
        let what = format!("{} {}", field.names.hubspot, bare(&field.rule));
        return format!("nothing to write now: {what}; it crosses by itself as soon as that has its partner");
    }
    let frozen = count(&|next| *next == FieldNext::Frozen);
    if frozen > 0 {
        let what = several(frozen, "is kept back by a filter", "are kept back by a filter");
        let it = if frozen == 1 { "it crosses" } else { "they cross" };
        return format!(
            "nothing to write now: {what}; {it} when the record passes it again, or another filter is deployed"
        );
    }
    match decision {
        PairDecision::Agree => "nothing to write: the agreement is renewed".to_owned(),
        _ => "nothing to do: both sides are in step".to_owned(),
    }
}

/// A reason without its stop.
fn bare(reason: &str) -> &str {
    reason.trim_end().trim_end_matches('.')
}

/// What a person does about a record whose counterpart was merged into one that has a partner of its own, by what its
/// system can do.
pub(super) fn after_merge(left: RecordRef, linked_with: RecordRef) -> String {
    const MEANWHILE: &str = "Nothing of it crosses meanwhile.";
    let system = left.system;
    let can_merge = match system {
        System::HubSpot => {
            matches!(left.object, ObjectKind::Company | ObjectKind::Contact | ObjectKind::Deal | ObjectKind::Ticket)
        }
        System::ConnectWise => matches!(left.object, ObjectKind::Company | ObjectKind::Ticket),
    };
    if can_merge {
        return format!("Merge {left} into {linked_with} in {system}, or delete it there. {MEANWHILE}");
    }
    let why = match (system, left.object) {
        (System::ConnectWise, ObjectKind::Deal) => "ConnectWise cannot merge opportunities.".to_owned(),
        (_, object) => format!("{system} cannot merge {}.", object.plural().to_lowercase()),
    };
    format!(
        "Carry what is worth keeping of {left} over to {linked_with} in {system}, then delete {left} there. {why} {MEANWHILE}"
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::FieldKey;
    use crate::model::{BySystem, FieldName, LinkId, RecordId, Value};
    use std::collections::BTreeMap;

    fn field(next: FieldNext, rule: &str) -> FieldPlan {
        let name = FieldName::new("city");
        FieldPlan {
            key: FieldKey::new(&name, &name),
            names: BySystem::from_fn(|_| name.clone()),
            values: BySystem::from_fn(|_| Value::Empty),
            agreed: None,
            changed: BySystem::from_fn(|_| false),
            next,
            rule: rule.to_owned(),
        }
    }

    #[test]
    fn what_happens_next_is_told_with_what_it_waits_for() {
        let in_step = PairDecision::InStep;
        let cases = [
            (vec![field(FieldNext::Same, "")], "nothing to do: both sides are in step"),
            (vec![field(FieldNext::Decide, "")], "nothing to write: 1 field waits for a person"),
            (
                vec![field(FieldNext::Wait, "waits for its company \"Acme\"")],
                "nothing to write now: city waits for its company \"Acme\"; it crosses by itself as soon as that has its partner",
            ),
            (
                vec![field(FieldNext::Frozen, ""), field(FieldNext::Frozen, "")],
                "nothing to write now: 2 fields are kept back by a filter; they cross when the record passes it again, or \
                 another filter is deployed",
            ),
        ];
        for (fields, expected) in cases {
            assert_eq!(sentence(&in_step, &fields), expected);
        }
        let waits = PairDecision::Wait { reason: "waits for its company \"Acme\"".into() };
        assert_eq!(
            sentence(&waits, &[]),
            "waits for its company \"Acme\"; it goes on by itself as soon as that has its partner"
        );
        let open = PairDecision::Wait { reason: "one side has not been read yet".into() };
        assert_eq!(sentence(&open, &[]), "waits: one side has not been read yet; it goes on by itself after that");
    }

    #[test]
    fn a_link_that_ended_is_not_told_as_one() {
        let link = |state| Link {
            id: LinkId(1),
            object: ObjectKind::Company,
            hubspot: RecordId(7),
            connectwise: RecordId(8),
            state,
            origin: LinkOrigin::Created(System::HubSpot),
            created: Timestamp::EPOCH,
            baseline: BTreeMap::new(),
            recent: BTreeMap::new(),
            own: BySystem::default(),
        };
        assert_eq!(link_in_words(&link(LinkState::Active)), "linked since 1970-01-01T00:00:00Z by creation in HubSpot");
        for ended in [LinkState::Tomb, LinkState::Unlinked] {
            let text = link_in_words(&link(ended));
            assert!(text.contains("ended") && !text.contains("linked since"), "{text}");
        }
    }

    #[test]
    fn what_a_system_cannot_merge_nobody_is_told_to_merge_there() {
        let way = |system, object| {
            let of = |id| RecordRef::new(object, system, RecordId(id));
            after_merge(of(7), of(8))
        };
        for object in [ObjectKind::Company, ObjectKind::Contact, ObjectKind::Deal, ObjectKind::Ticket] {
            assert!(way(System::HubSpot, object).starts_with("Merge HubSpot "), "{object}");
        }
        assert!(way(System::HubSpot, ObjectKind::Task).contains("HubSpot cannot merge tasks."));
        assert!(way(System::ConnectWise, ObjectKind::Company).starts_with("Merge ConnectWise company 7 into "));
        assert!(way(System::ConnectWise, ObjectKind::Ticket).starts_with("Merge ConnectWise ticket 7 into "));
        let deal = way(System::ConnectWise, ObjectKind::Deal);
        assert!(deal.contains("then delete ") && deal.contains("ConnectWise cannot merge opportunities."), "{deal}");
        assert!(way(System::ConnectWise, ObjectKind::Contact).contains("ConnectWise cannot merge contacts."));
    }
}
