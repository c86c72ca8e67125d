//! The numbers.

use super::Which;

/// What a filter does to the records that were looked at so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    pub looked: u64,
    pub pass: u64,
    pub fail: u64,
    /// Neither: it asks for what is not there to be asked.
    pub undecided: u64,
    /// How that stands to what is deployed; none where nothing is.
    pub against: Option<Against>,
    /// For each clause, standard filters first.
    pub clauses: Vec<ClauseTally>,
}

/// Records that take another way than with what is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Against {
    pub enter: u64,
    /// They leave and are linked.
    pub freeze: u64,
    /// They leave and are not linked.
    pub stay_out: u64,
    /// They passed, and now nothing decides about them.
    pub unsettled: u64,
}

/// What one clause does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClauseTally {
    /// Records that it does not let through.
    pub removes: u64,
    /// Those of them that all others let through.
    pub alone: u64,
}

impl Tally {
    /// The number of such records.
    #[must_use]
    pub fn of(&self, which: Which) -> u64 {
        let against = self.against.unwrap_or_default();
        let clause = |place: usize| self.clauses.get(place).copied().unwrap_or_default();
        match which {
            Which::Pass => self.pass,
            Which::Fail => self.fail,
            Which::Undecided => self.undecided,
            Which::Enter => against.enter,
            Which::Freeze => against.freeze,
            Which::StayOut => against.stay_out,
            Which::Unsettled => against.unsettled,
            Which::RemovedBy(place) => clause(place).removes,
            Which::RemovedOnlyBy(place) => clause(place).alone,
        }
    }
}
