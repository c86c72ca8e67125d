//! How often each rare situation was reached: a proof that never met its cases proves nothing.

use std::collections::BTreeMap;
use std::fmt;

use crate::faults::Fault;

/// What one seed saw; added up over all of them.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    pub crashes: u32,
    pub late_landings: u32,
    pub moves: u32,
    pub guard_held: u32,
    pub blind: u32,
    pub writes: u64,
    pub steps: u64,
    pub requests: u64,
    /// Things that a seed saw at least once.
    pub seen: BTreeMap<String, u32>,
}

impl Counters {
    /// Notes that this seed saw it.
    pub fn saw(&mut self, what: impl Into<String>) {
        self.seen.insert(what.into(), 1);
    }

    pub fn saw_fault(&mut self, fault: Fault) {
        self.saw(format!("fault: {fault:?}"));
    }

    pub fn add(&mut self, other: &Self) {
        self.crashes += other.crashes;
        self.late_landings += other.late_landings;
        self.moves += other.moves;
        self.guard_held += other.guard_held;
        self.blind += other.blind;
        self.writes += other.writes;
        self.steps += other.steps;
        self.requests += other.requests;
        for (what, seeds) in &other.seen {
            *self.seen.entry(what.clone()).or_default() += seeds;
        }
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} engine writes, {} of them over a user's newest value; {} requests, {} steps, {} crashes, {} late landings",
            self.writes, self.blind, self.requests, self.steps, self.crashes, self.late_landings
        )?;
        writeln!(f, "seeds that saw:")?;
        for (what, seeds) in &self.seen {
            writeln!(f, "  {seeds:>8}  {what}")?;
        }
        Ok(())
    }
}
