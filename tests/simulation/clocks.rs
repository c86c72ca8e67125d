//! Clocks that are set forward or back, and a machine that sleeps.

use lockstep::model::System;
use serde::{Deserialize, Serialize};

use crate::random::Random;

/// What becomes of time in one seed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    pub steps: Vec<Step>,
    pub naps: Vec<Nap>,
}

/// Somebody sets a clock.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Milliseconds after the start.
    pub at: i64,
    /// Whose clock; none for the engine's own machine. That one counts from the engine's next start on, which comes at
    /// once: a running engine looks at the wall clock no more.
    pub whose: Option<System>,
    /// Milliseconds forward, or back.
    pub by: i64,
}

/// The engine's process stands still: stopped, or with its machine.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nap {
    pub at: i64,
    pub length: i64,
    /// Whether the engine's clock goes on meanwhile. It does for a stopped process, not for a laptop whose lid is shut.
    pub is_counted: bool,
}

/// How far clocks are set, in milliseconds.
const SIZES: [i64; 7] = [1_000, 30_000, 89_000, 150_000, 300_000, 1_200_000, 3_600_000];

impl Clocks {
    /// In one seed of three somebody sets clocks; in one of eight the machine sleeps.
    pub fn draw(seed: u64, length: i64) -> Self {
        let mut random = Random::stream(seed, 20);
        let mut clocks = Self::default();
        if random.chance(330) {
            // Two clocks that are set forward while one write is awaited look like time itself: nothing tells them from it.
            let may_go_forward = whose(&mut random);
            while clocks.steps.len() < 4 && random.chance(700) {
                let whose = if random.chance(600) { may_go_forward } else { whose(&mut random) };
                let size = SIZES[random.below(SIZES.len() as u64) as usize];
                let forward = whose == may_go_forward && random.chance(500);
                let by = if forward { size } else { -size };
                clocks.steps.push(Step { at: random.between(0, length - 1), whose, by });
            }
        }
        while clocks.naps.len() < 2 && random.chance(120) {
            let length = [5_000, 70_000, 200_000, 1_000_000][random.below(4) as usize];
            clocks.naps.push(Nap { at: random.between(0, length - 1), length, is_counted: random.chance(500) });
        }
        clocks
    }

    /// How far the clock of a system is from where it began.
    pub fn set_by(&self, system: System, now: i64) -> i64 {
        let done = self.steps.iter().filter(|step| step.whose == Some(system) && step.at <= now);
        done.map(|step| step.by).sum()
    }

    /// Whether a moment of a system's clock, told without its skew, is one of the last of so many milliseconds before the
    /// clock was set forward: its index may still lack what changed then, while the clock says that it had time enough.
    pub fn was_cut_short(&self, system: System, moment: i64, now: i64, lag: i64) -> bool {
        let forward = self.steps.iter().filter(|step| step.whose == Some(system) && step.at <= now && step.by > 0);
        let mut ends = forward.map(|step| step.at + self.set_by(system, step.at - 1));
        ends.any(|end| (end - lag..=end).contains(&moment))
    }

    /// Whether the clock of a system was set back by more than what change feeds look back: what it writes into records
    /// since says nothing of their order.
    pub fn went_back(&self, system: System, now: i64) -> bool {
        let back = self.steps.iter().filter(|step| step.whose == Some(system) && step.at <= now && step.by < 0);
        back.map(|step| -step.by).sum::<i64>() > 89_000
    }
}

fn whose(random: &mut Random) -> Option<System> {
    [None, Some(System::HubSpot), Some(System::ConnectWise)][random.below(3) as usize]
}
