//! The journal read backwards: which fields of which records were written, and what each write replaced.

use std::collections::{BTreeMap, BTreeSet};

use super::Kept;
use crate::engine::core::state::{Intent, IntentKind, IntentState};
use crate::mapping::FieldKey;
use crate::model::{FieldName, IntentId, RecordId, RecordRef, Value};

/// One record that was written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub target: RecordRef,
    /// The record that the values came from.
    pub source: RecordId,
    pub chains: Vec<Chain>,
    /// The newest of the writes.
    pub newest: IntentId,
}

impl Unit {
    const fn of(write: &Intent, target: RecordRef) -> Self {
        Self { target, source: write.source, chains: Vec::new(), newest: write.id }
    }

    fn add(&mut self, write: &Intent) {
        self.newest = write.id;
        for field in &write.writes {
            let written = Written {
                write: write.id,
                before: field.before.clone(),
                after: field.after.clone(),
                shown: write.shown.get(&field.field).cloned(),
            };
            match self.chains.iter_mut().find(|chain| chain.field == field.field) {
                Some(chain) => chain.older.insert(0, std::mem::replace(&mut chain.newest, written)),
                None => self.chains.push(Chain {
                    key: field.key.clone(),
                    field: field.field.clone(),
                    newest: written,
                    older: Vec::new(),
                }),
            }
        }
    }
}

/// All that was written to one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub key: Option<FieldKey>,
    pub field: FieldName,
    pub newest: Written,
    /// What was written before that, newest first.
    pub older: Vec<Written>,
}

impl Chain {
    /// Every write, newest first.
    pub fn writes(&self) -> impl Iterator<Item = &Written> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    /// What the field held before the first of them.
    #[must_use]
    pub fn origin(&self) -> &Value {
        &self.older.last().unwrap_or(&self.newest).before
    }
}

/// One write to one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub write: IntentId,
    pub before: Value,
    pub after: Value,
    /// What the system made of it, where it showed something else right after.
    pub shown: Option<Value>,
}

/// What writes come to, to be taken back: children before their parents, newer writes before older ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    pub units: Vec<Unit>,
    pub made: Vec<Kept>,
    /// Every record that was written to, be it only the key of its partner.
    pub touched: BTreeSet<RecordRef>,
    /// What was written by writes of which nobody knows yet what became of them.
    pub open: Vec<Unit>,
}

/// Collects writes, oldest first.
#[derive(Debug, Default)]
pub struct Collector {
    units: BTreeMap<RecordRef, Unit>,
    found: Found,
}

impl Collector {
    /// Takes in one write. What was refused, lost or only the key of a partner is nothing to take back.
    pub fn add(&mut self, write: &Intent) {
        let Some(target) = write.target_record() else {
            if write.state.is_open() {
                self.found.made.push(perhaps_made(write));
            }
            return;
        };
        match (write.state, write.kind) {
            (IntentState::Applied, IntentKind::Create) => self.found.made.push(made(write, target)),
            (IntentState::Applied, IntentKind::Update) => {
                self.found.touched.insert(target);
                if !write.writes.is_empty() {
                    self.units.entry(target).or_insert_with(|| Unit::of(write, target)).add(write);
                }
            }
            (IntentState::Sent | IntentState::Unknown, _) if !write.writes.is_empty() => {
                let mut unit = Unit::of(write, target);
                unit.add(write);
                self.found.open.push(unit);
            }
            _ => {}
        }
    }

    #[must_use]
    pub fn finish(self) -> Found {
        let mut found = self.found;
        found.units = self.units.into_values().collect();
        found.units.sort_by(|a, b| b.target.object.cmp(&a.target.object).then(b.newest.cmp(&a.newest)));
        found
    }
}

fn made(write: &Intent, target: RecordRef) -> Kept {
    let partner = write.source_record();
    Kept {
        record: target,
        partner,
        reason: format!("{target} was made from {partner}, and Lockstep deletes nothing."),
        hint: format!(
            "Where it is not wanted, delete {} {} in {} by hand: its link with {} {} then rests, and it is not made again.",
            target.object, target.id, target.system, partner.system, partner.id
        ),
    }
}

fn perhaps_made(write: &Intent) -> Kept {
    let partner = write.source_record();
    Kept {
        record: partner,
        partner,
        reason: format!("A copy of {partner} was being made in {}, and whether it was is not known yet.", write.system),
        hint: "It is looked up by itself; undo it again in a few minutes.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::core::undo::plan::tests::{company, intent, write};
    use crate::model::{ObjectKind, System};

    fn collect(writes: &[Intent]) -> Found {
        let mut collector = Collector::default();
        writes.iter().for_each(|write| collector.add(write));
        collector.finish()
    }

    #[test]
    fn a_field_that_was_written_twice_is_one_chain_with_the_newest_first() {
        let twice = [intent(1, vec![write("city", "Ulm", "Bonn")]), intent(2, vec![write("city", "Bonn", "Kiel")])];
        let found = collect(&twice);
        let [unit] = found.units.as_slice() else { panic!("{found:?}") };
        let befores: Vec<String> = unit.chains[0].writes().map(|write| write.before.to_plain()).collect();
        assert_eq!((befores, unit.newest), (vec!["Bonn".to_owned(), "Ulm".to_owned()], IntentId(2)));
    }

    #[test]
    fn children_come_before_their_parents_and_newer_writes_before_older_ones() {
        let of = |id, object, target| Intent {
            object,
            target: Some(RecordId(target)),
            ..intent(id, vec![write("city", "Ulm", "Bonn")])
        };
        let found = collect(&[
            of(1, ObjectKind::Contact, 5),
            of(2, ObjectKind::Company, 7),
            of(3, ObjectKind::Company, 8),
            of(4, ObjectKind::Deal, 9),
        ]);
        let order: Vec<u64> = found.units.iter().map(|unit| unit.target.id.0).collect();
        assert_eq!(order, [9, 5, 8, 7]);
    }

    #[test]
    fn what_was_refused_or_gave_nothing_but_a_key_is_nothing_to_take_back() {
        let refused = Intent { state: IntentState::Rejected, ..intent(1, vec![write("city", "Ulm", "Bonn")]) };
        let key = Intent { stamp: Some("company:7".into()), ..intent(2, Vec::new()) };
        let open = Intent { state: IntentState::Unknown, ..intent(3, vec![write("city", "Ulm", "Bonn")]) };
        let found = collect(&[refused, key, open]);
        assert_eq!((found.units.len(), found.made.len()), (0, 0));
        assert_eq!(found.touched, [company(System::ConnectWise)].into());
        let open: Vec<IntentId> = found.open.iter().map(|unit| unit.newest).collect();
        assert_eq!(open, [IntentId(3)], "whether it took effect is not known yet");
    }

    #[test]
    fn a_record_that_was_made_stays_and_both_ids_are_told() {
        let create = Intent { kind: IntentKind::Create, ..intent(1, vec![write("city", "", "Bonn")]) };
        let found = collect(&[create]);
        assert!(found.units.is_empty());
        let [made] = found.made.as_slice() else { panic!("{found:?}") };
        assert_eq!((made.record, made.partner), (company(System::ConnectWise), company(System::HubSpot)));
        assert!(made.hint.contains("ConnectWise") && made.hint.contains("HubSpot"), "{}", made.hint);
    }
}
