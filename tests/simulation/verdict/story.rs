//! What users did to one field of one pair, and where its values may have come from.

use std::collections::BTreeSet;

use lockstep::model::{ObjectKind, RecordId, System};

use super::Pair;
use crate::fields::{Shape, Spec};
use crate::server::{By, Change, Mutation};
use crate::simulation::Simulation;

/// What users did to one field of one pair.
pub(super) struct Story {
    pub edits: Vec<Edit>,
    /// Some value was written twice: lineage by value would lie.
    pub ambiguous: bool,
    /// Records whose values may have come here.
    pub kin: BTreeSet<(System, RecordId)>,
    /// Those of the pair itself, and what was merged into them.
    pub own: BTreeSet<(System, RecordId)>,
    /// Values that a user's merge left behind.
    pub dropped: BTreeSet<String>,
    /// What stood in for a value that there was not.
    pub also: BTreeSet<String>,
    /// Merges, and changes of an activity's kind.
    pub merges: usize,
}

pub(super) struct Edit {
    pub at: i64,
    pub system: System,
    pub record: RecordId,
    pub before: String,
    pub after: String,
    pub settled: bool,
    pub change: Change,
}

impl Story {
    pub fn of(sim: &Simulation<'_>, pair: &Pair, spec: &Spec) -> Self {
        let own = BTreeSet::from([(System::HubSpot, pair.hubspot.id), (System::ConnectWise, pair.connectwise.id)]);
        let own = closure(sim, own, Some(pair.object()));
        let kin = closure(sim, own.clone(), None);
        let (mut edits, mut dropped, mut also, mut merges) = (Vec::new(), BTreeSet::new(), BTreeSet::new(), 0);
        for raw in &sim.ledger {
            if !kin.contains(&(raw.system, raw.record)) {
                continue;
            }
            also.extend(stand_ins(spec, raw));
            let By::User { settled } = raw.by else { continue };
            merges += usize::from(raw.what == Change::Retyped);
            let Some((_, before, after)) =
                raw.fields.iter().find(|(name, ..)| spec.is_about(raw.object, raw.system, name.as_str()))
            else {
                continue;
            };
            let (before, after) = (spec.canon(raw.system, before), spec.canon(raw.system, after));
            if raw.what == Change::Merged {
                dropped.insert(before);
                merges += 1;
                continue;
            }
            let (at, system, record, change) = (raw.at, raw.system, raw.record, raw.what);
            edits.push(Edit { at, system, record, before, after, settled, change });
        }
        let values: Vec<&String> = edits.iter().map(|edit| &edit.after).filter(|value| !value.is_empty()).collect();
        let ambiguous = values.iter().collect::<BTreeSet<_>>().len() < values.len();
        Self { edits, ambiguous, kin, own, dropped, also, merges }
    }

    /// What users did to the pair itself.
    pub fn own_edits(&self) -> impl Iterator<Item = &Edit> {
        self.edits.iter().filter(|edit| self.own.contains(&(edit.system, edit.record)))
    }

    /// Whether a user emptied the field on the side of an edit, then or later: the fill policy may bring back anything.
    pub fn emptied_since(&self, edit: &Edit) -> bool {
        self.edits.iter().any(|later| later.system == edit.system && later.at >= edit.at && later.after.is_empty())
    }
}

/// The name of an activity stands in for its notes, and when it was entered for its start.
fn stand_ins(spec: &Spec, raw: &Mutation) -> Option<String> {
    let stand_in = match spec.shape {
        Shape::Words => "name",
        Shape::Moment => "dateEntered",
        _ => return None,
    };
    let of = raw.fields.iter().find(|(name, ..)| raw.system == System::ConnectWise && name.as_str() == stand_in);
    of.map(|(_, _, value)| spec.canon(raw.system, value))
}

/// All that was ever linked with these records, as that object, or merged into them. Without an object: as whatever, and
/// what was linked with that, and so on.
fn closure(
    sim: &Simulation<'_>,
    mut known: BTreeSet<(System, RecordId)>,
    within: Option<ObjectKind>,
) -> BTreeSet<(System, RecordId)> {
    let far = within.is_none();
    loop {
        let before = known.len();
        let pairs = sim.store.pairs_ever.iter();
        for (_, hubspot, connectwise) in pairs.filter(|(object, ..)| within.is_none_or(|within| within == *object)) {
            let (here, there) = ((System::HubSpot, *hubspot), (System::ConnectWise, *connectwise));
            if known.contains(&here) || known.contains(&there) {
                known.extend([here, there]);
            }
        }
        // what the engine made of a record and a person merged before it was linked took its values along
        for ((system, source), copies) in sim.watch.copies.iter().filter(|_| far) {
            for copy in copies {
                let (here, there) = ((*system, *copy), (system.other(), source.id));
                if known.contains(&here) || known.contains(&there) {
                    known.extend([here, there]);
                }
            }
        }
        for system in System::BOTH {
            for (loser, survivor) in &sim.servers[system].merged {
                // ConnectWise can bring one back, which is a record like any other then, also when it is deleted once more
                let is_told = |raw: &&Mutation| (raw.system, raw.record) == (system, *loser);
                let moves = |raw: &&Mutation| matches!(raw.what, Change::Merged | Change::Restored);
                let last = sim.ledger.iter().rev().filter(is_told).find(moves);
                let is_back = last.is_some_and(|raw| raw.what == Change::Restored);
                if known.contains(&(system, *survivor)) && (far || !is_back) {
                    known.insert((system, *loser));
                }
            }
        }
        if !far || known.len() == before {
            break;
        }
    }
    known
}
