//! What a write of unknown fate did to its record makes that side no newer: a change that is just what was sent is ours,
//! though no answer said so.

use super::command::Row;
use super::state::{Intent, Link, Observation, OwnChange};
use super::step::{Engine, Step};
use super::view::ViewResult;
use crate::mapping::ObjectRules;
use crate::mapping::normalise::normalise;
use crate::model::{Record, RecordRef, Value};

impl Engine {
    /// Notes the time of a change that a read shows, if an update on its way, or of unknown fate, is all that it can be.
    pub(super) fn note_own_change(
        &self,
        step: &mut Step<'_>,
        of: RecordRef,
        known: Option<&Observation>,
        shown: &Record,
    ) -> ViewResult<()> {
        let Some(known) = known else { return Ok(()) };
        let intent = self.open.values().map(|open| &open.intent).find(|intent| intent.target_record() == Some(of));
        let (Some(intent), Some(rules)) = (intent, self.rules.object(of.object)) else { return Ok(()) };
        if let Some(mut link) = step.link_of(of)?
            && own_change(&mut link, rules, intent, known, shown)
        {
            step.row(Row::Link(link));
        }
        Ok(())
    }
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
