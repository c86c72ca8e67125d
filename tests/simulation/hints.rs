//! Webhooks and call-backs of the simulated systems: of some changes the engine is told at once, of some late, twice or in
//! another order, and sometimes of what never happened. Nothing but time may depend on them.

use lockstep::model::{RecordId, RecordRef};
use serde::{Deserialize, Serialize};

use crate::random::{Random, mix};
use crate::server::Mutation;

/// From here on ids are nobody's.
pub const NOBODY: u64 = 9_000_000;

/// How one seed tells of changes; not at all where it is not said.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hints {
    /// Of a thousand changes so many are told.
    pub told: u64,
    /// Of a thousand changes so many are told once more.
    pub twice: u64,
    /// With a thousand changes so many others are told that never were.
    pub invented: u64,
    /// Milliseconds that a hint is on its way, at most: longer than between two changes is another order.
    pub late: i64,
}

impl Hints {
    /// In every second seed there are any.
    pub fn draw(seed: u64) -> Self {
        let mut random = Random::stream(seed, 21);
        if random.chance(500) {
            return Self::default();
        }
        Self {
            told: [1000, 700, 300][random.below(3) as usize],
            twice: [0, 200, 1000][random.below(3) as usize],
            invented: [0, 100][random.below(2) as usize],
            late: [500, 30_000, 400_000][random.below(3) as usize],
        }
    }

    /// What is told of the change with that number, and after how many milliseconds.
    pub fn of(&self, seed: u64, number: usize, ledger: &[Mutation]) -> Vec<(i64, RecordRef)> {
        let change = &ledger[number];
        let mut random = Random::stream(mix(seed, 22), number as u64);
        let record = RecordRef::new(change.object, change.system, change.record);
        let mut all = Vec::new();
        for share in [self.told, self.twice] {
            if random.chance(share) {
                all.push((random.between(0, self.late), record));
            }
        }
        if random.chance(self.invented) {
            // one of its kind to which nothing happened now, or nobody
            let kin: Vec<RecordId> =
                ledger.iter().filter(|other| is_kin(other, change)).map(|one| one.record).collect();
            let nobody = RecordId(NOBODY + random.below(4));
            let id = kin.get(random.below(2 * kin.len() as u64) as usize).copied().unwrap_or(nobody);
            all.push((random.between(0, self.late), RecordRef { id, ..record }));
        }
        all
    }
}

fn is_kin(one: &Mutation, other: &Mutation) -> bool {
    (one.system, one.object) == (other.system, other.object)
}
