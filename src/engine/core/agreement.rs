//! What a field holds since it was written: the next agreement of its pair.

use std::collections::BTreeMap;

use super::state::{Agreed, FieldWrite, Intent, Link, RecentWrite};
use crate::mapping::convert::{holds, is_rewriting};
use crate::mapping::normalise::normalise;
use crate::mapping::{FieldKey, FieldRule, ObjectRules};
use crate::model::{FieldName, Record, System, Timestamp, Value};

/// What a field holds since it was written.
pub(super) struct Delivered {
    pub value: Value,
    /// Whether the system was seen to hold it.
    pub seen: bool,
}

impl Delivered {
    /// The agreement after an update.
    pub(super) fn agreed(self, system: System, write: &FieldWrite, now: Timestamp) -> Agreed {
        let (supposed, beside) = (!self.seen, write.beside.clone());
        Agreed { supposed, beside, ..Agreed::seen_from(system, self.value, write.source.clone(), now) }
    }
}

/// What a field of `system` holds since it was written, by a record read after the write. None: what it held before, so the write
/// had no effect on it.
///
/// What is neither our value nor a rewriting of it came from somebody else, just after (or instead of) ours: ours counts
/// as delivered, so that the newer value crosses like any other change. Where it crosses to no side, because the field goes
/// one way, delivery is only supposed until it is confirmed: the comparison has it sent once more.
pub(super) fn delivered(rule: &FieldRule, system: System, write: &FieldWrite, record: &Record) -> Option<Delivered> {
    let returned = record.value(write.field.as_str());
    let seen = normalise(&rule.mapping, system, returned);
    let sent = normalise(&rule.mapping, system, &write.after);
    let held = holds(rule, system, &seen, &sent);
    if seen == normalise(&rule.mapping, system, &write.before) && !held {
        return None;
    }
    let seen = held || is_rewriting(&sent, &seen);
    Some(Delivered { value: if seen { returned.clone() } else { write.after.clone() }, seen })
}

/// Keeps what a system made of a value, where that is not what it was sent.
pub(super) fn note_shown(shown: &mut BTreeMap<FieldName, Value>, write: &FieldWrite, held: &Delivered) {
    if held.seen && held.value != write.after {
        shown.insert(write.field.clone(), held.value.clone());
    }
}

/// Takes what a create sent as the first agreement of the pair it made. A field that the copy does not show was never
/// agreed on: it is compared like any other field of two records that met.
pub(super) fn agree_on_payload(link: &mut Link, rules: &ObjectRules, made: &Intent, copy: &Record, now: Timestamp) {
    for write in &made.writes {
        let Some(rule) = write.key.as_ref().and_then(|key| rules.field(key)) else { continue };
        if let Some(held) = delivered(rule, made.system, write, copy) {
            // The copy is ours, so all of it was delivered, whatever became of it since.
            let beside = write.beside.clone();
            let agreed = Agreed { beside, ..Agreed::seen_from(made.system, held.value, write.source.clone(), now) };
            link.baseline.insert(rule.key.clone(), agreed);
        }
    }
}

/// Keeps the last eight writes of a field for the oscillation breaker.
pub(super) fn remember(link: &mut Link, key: &FieldKey, to: System, value: Value, at: Timestamp) {
    let recent = link.recent.entry(key.clone()).or_default();
    recent.push(RecentWrite { to, value, at });
    if recent.len() > 8 {
        recent.remove(0);
    }
}
