//! Brakes: a run that would change more than it should stops before its first write and asks.

use std::collections::BTreeSet;

use super::plan::{PairPlan, fingerprint};
use super::state::IntentKind;
use crate::mapping::Guards;
use crate::model::RecordRef;

/// What a run would do in all, counted once per pair.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    counted: BTreeSet<RecordRef>,
    creates: u64,
    updates: u64,
    clears: u64,
    /// Of all writes counted; the same plan has the same sum, in whatever order it was made.
    sum: u64,
}

impl Tally {
    /// Adds a pair's writes. A write of nothing but the partner's key is no change of the customer's data.
    pub fn add(&mut self, anchor: RecordRef, plan: &PairPlan) {
        if !self.counted.insert(anchor) {
            return;
        }
        for write in plan.writes() {
            self.sum = self.sum.wrapping_add(fingerprint(write));
            match write.kind {
                IntentKind::Create => self.creates += 1,
                IntentKind::Update if write.fields.is_empty() => {}
                IntentKind::Update => self.updates += 1,
            }
            self.clears += write.fields.iter().filter(|field| field.after.is_empty()).count() as u64;
        }
    }

    /// Names this plan: an approval is for exactly this one.
    #[must_use]
    pub fn hash(&self) -> String {
        format!("{:016x}", self.sum)
    }

    /// The first ceiling that is exceeded, in words.
    #[must_use]
    pub fn exceeds(&self, guards: &Guards, live_links: u64) -> Option<String> {
        let checks = [
            ("create", "records", self.creates, guards.creates.limit(live_links)),
            ("update", "records", self.updates, guards.updates.limit(live_links)),
            ("empty", "fields", self.clears, guards.clears.limit(live_links)),
        ];
        checks
            .into_iter()
            .find(|(_, _, n, limit)| n > limit)
            .map(|(verb, what, n, limit)| format!("it would {verb} {n} {what}; the limit is {limit}"))
    }
}
