//! Makes a failing scenario small: first without crashes, then faults, users' acts, records and fields.
//! A cut is kept when the same invariant still breaks.

use lockstep::model::{BySystem, Schema};

use crate::fields::COUNT;
use crate::hints::Hints;
use crate::scenario::Scenario;
use crate::simulation::{Outcome, Trace};
use crate::suite::play;
use crate::twin::{self, play_beside_twin};

/// Runs that shrinking may cost.
const BUDGET: u32 = 5_000;

/// The smallest scenario found that still breaks the invariant that the given one broke first.
pub fn shrink(scenario: &Scenario, schemas: &[BySystem<Schema>], outcome: &Outcome) -> Scenario {
    let Some(first) = outcome.violations.first() else { return scenario.clone() };
    let mut search = Search { schemas, invariant: first.invariant, left: BUDGET };
    let mut best = scenario.clone();
    let listed = scenario.with_faults(outcome.struck.clone());
    if search.breaks(&listed) {
        best = listed;
    }
    loop {
        let before = size(&best);
        search.items(&mut best, |s| s.crashes.len(), |s, at| _ = s.crashes.remove(at));
        search.items(&mut best, |s| s.clocks.steps.len(), |s, at| _ = s.clocks.steps.remove(at));
        search.items(&mut best, |s| s.clocks.naps.len(), |s, at| _ = s.clocks.naps.remove(at));
        search.attempt(&mut best, |s| s.hints = Hints::default());
        search.faults(&mut best);
        search.items(&mut best, |s| s.ops.len(), |s, at| _ = s.ops.remove(at));
        search.items(&mut best, |s| s.setup.len(), |s, at| _ = s.setup.remove(at));
        search.fields(&mut best);
        search.temper(&mut best);
        if size(&best) == before || search.left == 0 {
            return best;
        }
    }
}

fn size(scenario: &Scenario) -> usize {
    let faults = scenario.faults.list().map_or(0, <[_]>::len);
    let clocks = scenario.clocks.steps.len() + scenario.clocks.naps.len();
    scenario.crashes.len()
        + clocks
        + usize::from(scenario.hints.told > 0)
        + faults
        + scenario.ops.len()
        + scenario.setup.len()
        + scenario.fields.count_ones() as usize
}

struct Search<'a> {
    schemas: &'a [BySystem<Schema>],
    invariant: &'static str,
    left: u32,
}

impl Search<'_> {
    fn breaks(&mut self, scenario: &Scenario) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let outcome = if self.invariant == twin::INVARIANT {
            play_beside_twin(scenario, self.schemas, Trace::Off)
        } else {
            play(scenario, self.schemas, Trace::Off)
        };
        outcome.violations.iter().any(|violation| violation.invariant == self.invariant)
    }

    fn attempt(&mut self, best: &mut Scenario, cut: impl FnOnce(&mut Scenario)) -> bool {
        let mut smaller = best.clone();
        cut(&mut smaller);
        let breaks = self.breaks(&smaller);
        if breaks {
            *best = smaller;
        }
        breaks
    }

    /// Leaves out one after another, from the back.
    fn items(&mut self, best: &mut Scenario, count: impl Fn(&Scenario) -> usize, cut: impl Fn(&mut Scenario, usize)) {
        for at in (0..count(best)).rev() {
            self.attempt(best, |scenario| cut(scenario, at));
        }
    }

    fn faults(&mut self, best: &mut Scenario) {
        let Some(listed) = best.faults.list().map(<[_]>::to_vec) else { return };
        for (_, kind) in &listed {
            let without =
                |list: &[(u32, crate::faults::Fault)]| list.iter().filter(|(_, k)| k != kind).copied().collect();
            self.attempt(best, |s| s.faults = s.faults.listed(without(s.faults.list().unwrap_or_default())));
        }
        let count = best.faults.list().map_or(0, <[_]>::len);
        for at in (0..count).rev() {
            self.attempt(best, |scenario| {
                let mut list = scenario.faults.list().unwrap_or_default().to_vec();
                if at < list.len() {
                    list.remove(at);
                }
                scenario.faults = scenario.faults.listed(list);
            });
        }
    }

    fn fields(&mut self, best: &mut Scenario) {
        for bit in 2..COUNT {
            if best.fields & (1 << bit) != 0 {
                self.attempt(best, |scenario| scenario.fields &= !(1 << bit));
            }
        }
    }

    fn temper(&mut self, best: &mut Scenario) {
        self.attempt(best, |scenario| scenario.server.skew = BySystem::default());
        self.attempt(best, |scenario| scenario.server.lag = false);
        self.attempt(best, |scenario| scenario.server.all_or_nothing = false);
        self.attempt(best, |scenario| scenario.server.belated = 0);
        self.attempt(best, |scenario| scenario.server.meddles = false);
        self.attempt(best, |scenario| scenario.server.fills = false);
        self.attempt(best, |scenario| scenario.server.slowness = 50);
        for rounds in [1, 2, 4] {
            if best.rounds > rounds {
                self.attempt(best, |scenario| scenario.rounds = rounds);
            }
        }
    }
}
