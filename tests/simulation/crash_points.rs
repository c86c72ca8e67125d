//! A crash at every point of a seed's journal: before each commit and before each send, so also after a request has left and
//! before its answer is kept. Each point is a run of its own, with the usual verdict in the end.
//!
//! Each seed is played in two ways: as it was drawn, with its users and faults, and at rest, with nothing but the engine and
//! the records it finds. At rest all the runs must end alike, crash or none (I11).
//!
//! `LOCKSTEP_CRASH_SEEDS=5000 cargo test --release --test simulation crash_points -- --nocapture` tries more seeds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use lockstep::model::{BySystem, Schema};

use crate::clocks::Clocks;
use crate::fields;
use crate::random::mix;
use crate::scenario::{Crash, Scenario};
use crate::simulation::{Simulation, Trace};
use crate::spread::{number, spread};
use crate::suite;
use crate::tape::keep_failure;
use crate::twin::{held_against, visible};

/// Seeds when nobody says how many: some twenty seconds in a debug build.
const USUAL: u64 = 2;
/// Of so many points one has a second crash too, a few commands into the recovery.
const TWICE: u64 = 8;

/// One seed, in one of the two ways.
struct World {
    scenario: Scenario,
    /// The commands before which the engine is to die.
    points: Vec<u32>,
    /// What people see in the end when nothing crashes, where every run must end so.
    undisturbed: Option<Vec<String>>,
}

impl World {
    fn new(scenario: Scenario, must_end_alike: bool, schemas: &[BySystem<Schema>]) -> Self {
        let scenario = Scenario { crashes: Vec::new(), ..scenario };
        let mut simulation = Simulation::new(&scenario, schemas, Trace::Off);
        simulation.run();
        assert!(!simulation.broken(), "without a crash: {:?}", simulation.outcome.violations);
        let undisturbed = must_end_alike.then(|| visible(&simulation));
        let points = std::mem::take(&mut simulation.points);
        drop(simulation);
        Self { scenario, points, undisturbed }
    }

    /// The runs of this world: one for each point, some with a second crash.
    fn runs(&self) -> impl Iterator<Item = Scenario> {
        self.points
            .iter()
            .flat_map(|at| {
                let entropy = mix(self.scenario.seed, u64::from(*at));
                let crash = |at, longest: u64, word: u64| {
                    // as often as not it comes back at once
                    let down = if word.is_multiple_of(2) { 0 } else { (word / 2 % longest).cast_signed() };
                    Crash { at, down, takes_the_store: false }
                };
                let once = vec![crash(*at, 90_000, mix(entropy, 1))];
                let twice = entropy.is_multiple_of(TWICE).then(|| {
                    let later = at + 1 + (mix(entropy, 2) % 14) as u32;
                    vec![once[0], crash(later, 20_000, mix(entropy, 3))]
                });
                [Some(once), twice].into_iter().flatten()
            })
            .map(|crashes| Scenario { crashes, ..self.scenario.clone() })
    }
}

/// The seed with nobody at work and nothing going wrong: only the engine and what it finds.
fn at_rest(seed: u64) -> Scenario {
    Scenario { ops: Vec::new(), clocks: Clocks::default(), ..Scenario::draw(seed).with_faults(Vec::new()) }
}

#[test]
fn i11_crash_points_one_by_one_break_no_promise_and_end_alike() {
    let seeds = number("LOCKSTEP_CRASH_SEEDS", USUAL);
    #[expect(clippy::disallowed_methods, reason = "the pace is printed; nothing is judged by it")]
    let start = Instant::now();
    let ways: Vec<(u64, bool)> = (1..=seeds).flat_map(|seed| [(seed, false), (seed, true)]).collect();
    let (mut points, mut runs, mut double, mut crashed) = (0, 0, 0, 0);
    let mut failures = Vec::new();
    // a thousand worlds at a time: their points would not all fit into memory
    for part in ways.chunks(1000) {
        let schemas = fields::schemas();
        let mut worlds = Vec::new();
        let make = |(seed, rests): &(u64, bool)| {
            let scenario = if *rests { at_rest(*seed) } else { Scenario::draw(*seed) };
            World::new(scenario, *rests, &schemas)
        };
        spread(part, make, |_, world| {
            worlds.push(world);
            true
        });
        points += worlds.iter().map(|world| world.points.len() as u64).sum::<u64>();
        let done = AtomicU64::new(0);
        spread(
            &worlds,
            |world| {
                let mut tally = (0, 0, 0);
                for scenario in world.runs() {
                    let outcome = held_against(&scenario, world.undisturbed.as_deref(), &schemas, Trace::Off);
                    tally.0 += 1;
                    tally.1 += u64::from(scenario.crashes.len() > 1);
                    tally.2 += u64::from(outcome.counters.crashes > 0);
                    if !outcome.violations.is_empty() {
                        return (tally, Some((scenario, outcome)));
                    }
                }
                (tally, None)
            },
            |_, (tally, failure)| {
                (runs, double, crashed) = (runs + tally.0, double + tally.1, crashed + tally.2);
                let worlds_done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if worlds_done.is_multiple_of(50) {
                    eprintln!("{worlds_done} worlds, {runs} runs, {} a minute", suite::pace(runs, start));
                }
                failures.extend(failure);
                failures.is_empty()
            },
        );
        if let Some((scenario, outcome)) = failures.first() {
            let name = format!("crash-{}-{}", scenario.seed, scenario.crashes.first().map_or(0, |crash| crash.at));
            panic!("{}", keep_failure(&name, scenario, &schemas, outcome));
        }
    }
    println!(
        "crash points: {seeds} seeds, {points} points, {runs} runs ({double} with a second crash), {} a minute",
        suite::pace(runs, start)
    );
    assert!(points > 100 * seeds && crashed == runs, "{crashed} of {runs} runs crashed, at {points} points");
}
