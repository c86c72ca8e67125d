//! What a write of unknown fate did to its record makes that side no newer: a change that is just what was sent is ours,
//! though no answer said so. And the other way round: what shows the time of a change of ours, and is not what was seen
//! then, was changed by somebody within that second.

use super::agreement::delivered;
use super::command::Row;
use super::state::{FieldWrite, Intent, Link, Observation, OwnChange};
use super::step::{Engine, Step};
use super::view::ViewResult;
use crate::mapping::ObjectRules;
use crate::mapping::normalise::normalise;
use crate::model::{FieldName, Record, RecordRef, Timestamp, Value};

impl Engine {
    /// Notes the time of a change that a read shows, if an update on its way, or of unknown fate, is all that it can be; and
    /// that a time which was noted before is no longer ours alone.
    pub(super) fn note_own_change(
        &self,
        step: &mut Step<'_>,
        of: RecordRef,
        known: Option<&Observation>,
        shown: &Record,
    ) -> ViewResult<()> {
        let (Some(known), Some(rules)) = (known, self.rules.object(of.object)) else { return Ok(()) };
        let intent = self.open.values().map(|open| &open.intent).find(|intent| intent.target_record() == Some(of));
        let is_same_moment = known.record.modified == shown.modified;
        if is_same_moment {
            let differs = |name: &&FieldName| known.record.value(name.as_str()) != shown.value(name.as_str());
            let is_news = rules.watched[of.system].iter().any(|name| differs(&name));
            if !is_news || intent.is_some_and(|intent| is_what_was_sent(rules, intent, &known.record, shown)) {
                return Ok(());
            }
        } else if intent.is_none() {
            return Ok(());
        }
        let Some(mut link) = step.link_of(of)? else { return Ok(()) };
        let is_noted = match intent {
            _ if is_same_moment => link.own[of.system].take_if(|own| own.modified == shown.modified).is_some(),
            Some(intent) => own_change(&mut link, rules, intent, known, shown),
            None => false,
        };
        if is_noted {
            step.row(Row::Link(link));
        }
        Ok(())
    }
}

/// The making of a copy whose answer was lost, as a change of the engine's own: nobody has changed it since, as far as its
/// system tells, and nothing that was sent shows as something else.
pub(super) fn own_making(rules: &ObjectRules, made: &Intent, copy: &Record) -> Option<OwnChange> {
    let shows_another = |write: &FieldWrite| {
        let rule = write.key.as_ref().and_then(|key| rules.field(key));
        rule.and_then(|rule| delivered(rule, made.system, write, copy)).is_some_and(|held| !held.seen)
    };
    let is_ours = copy.untouched && !made.writes.iter().any(shows_another);
    is_ours.then_some(OwnChange { modified: copy.modified, before: Timestamp::EPOCH })
}

/// Keeps in the link whose change it was that turned what is known of a record into what is shown now, if it was the
/// intent's and nobody else's. Returns whether it was.
pub(super) fn own_change(
    link: &mut Link,
    rules: &ObjectRules,
    intent: &Intent,
    known: &Observation,
    shown: &Record,
) -> bool {
    let is_ours = known.record.modified != shown.modified && is_what_was_sent(rules, intent, &known.record, shown);
    if is_ours {
        let before = link.changed_by_others(intent.system, known.record.modified);
        link.own[intent.system] = Some(OwnChange { modified: shown.modified, before });
    }
    is_ours
}

/// Whether something of the intent is there that was not, and nothing else changed.
fn is_what_was_sent(rules: &ObjectRules, intent: &Intent, known: &Record, shown: &Record) -> bool {
    let mut any = intent.stamp.is_some() && intent.stamp == shown.stamp && known.stamp != shown.stamp;
    for name in &rules.watched[intent.system] {
        let (before, now) = (known.value(name.as_str()), shown.value(name.as_str()));
        if before == now {
            continue;
        }
        let Some(write) = intent.writes.iter().find(|write| write.field == *name) else { return false };
        let rule = write.key.as_ref().and_then(|key| rules.field(key));
        let same = |value: &Value| match rule {
            Some(rule) => {
                normalise(&rule.mapping, intent.system, value) == normalise(&rule.mapping, intent.system, &write.after)
            }
            None => *value == write.after,
        };
        if !same(now) {
            return false;
        }
        any = true;
    }
    any
}
