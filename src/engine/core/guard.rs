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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

    use super::*;
    use crate::engine::core::plan::{PairDecision, PlannedWrite, scope};
    use crate::mapping::Ceiling;
    use crate::model::{BySystem, ObjectKind, RecordId, System};

    /// A plan that creates a copy of that HubSpot company.
    fn creates(id: u64) -> (RecordRef, PairPlan) {
        let write = PlannedWrite {
            object: ObjectKind::Company,
            system: System::ConnectWise,
            kind: IntentKind::Create,
            target: None,
            source: RecordId(id),
            fields: Vec::new(),
            stamp: Some(format!("company:{id}")),
        };
        let plan = PairPlan {
            object: ObjectKind::Company,
            hubspot: Some(RecordId(id)),
            connectwise: None,
            link: None,
            name: String::new(),
            decision: PairDecision::Write(vec![write]),
            fields: Vec::new(),
            scope: BySystem::from_fn(|_| scope::open()),
            issues: Vec::new(),
            trace: Vec::new(),
        };
        (RecordRef::new(ObjectKind::Company, System::HubSpot, RecordId(id)), plan)
    }

    fn tally(ids: &[u64]) -> Tally {
        let mut tally = Tally::default();
        for (anchor, plan) in ids.iter().map(|id| creates(*id)) {
            tally.add(anchor, &plan);
        }
        tally
    }

    #[test]
    fn i14_one_record_more_than_the_limit_holds_the_run() {
        let guards = Guards { creates: Ceiling { count: 3, percent: 10 }, ..Guards::default() };
        assert_eq!(tally(&[1, 2, 3]).exceeds(&guards, 0), None);
        assert!(tally(&[1, 2, 3, 4]).exceeds(&guards, 0).unwrap().contains("create 4 records; the limit is 3"));
        assert_eq!(tally(&[1, 2, 3, 4]).exceeds(&guards, 40), None, "a tenth of forty");
        assert_eq!(tally(&[1, 2, 3, 3, 3]).exceeds(&guards, 0), None, "a pair counts once");
    }

    #[test]
    fn i14_an_approval_is_for_one_set_of_writes_in_whatever_order() {
        assert_eq!(tally(&[1, 2, 3]).hash(), tally(&[3, 1, 2]).hash());
        assert_ne!(tally(&[1, 2, 3]).hash(), tally(&[1, 2, 4]).hash());
    }
}
