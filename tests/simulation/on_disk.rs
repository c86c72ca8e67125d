//! The same worlds with the real store: an encrypted SQLite file, closed by every crash and opened again. Each takes the very
//! course that it takes in memory, to the last command, and in the end the file holds, row by row, what was committed.
//!
//! `LOCKSTEP_DISK_SEEDS=5000 cargo test --release --test simulation on_disk -- --nocapture` plays more seeds.

use std::time::Instant;

use crate::disk::Disk;
use crate::fields;
use crate::scenario::Scenario;
use crate::simulation::{Simulation, Trace};
use crate::spread::{number, spread};
use crate::suite;
use crate::tape::keep_failure;

/// Seeds when nobody says how many.
const USUAL: u64 = 40;

#[test]
fn i19_a_world_on_disk_takes_the_course_it_takes_in_memory() {
    let seeds: Vec<u64> = (1..=number("LOCKSTEP_DISK_SEEDS", USUAL)).collect();
    #[expect(clippy::disallowed_methods, reason = "the pace is printed; nothing is judged by it")]
    let start = Instant::now();
    let schemas = fields::schemas();
    let (mut played, mut crashes, mut failure) = (0, 0, None);
    spread(
        &seeds,
        |seed| {
            let scenario = Scenario::draw(*seed);
            let in_memory = suite::play(&scenario, &schemas, Trace::Hash);
            let prepare = |world: &mut Simulation<'_>| match Disk::new(None) {
                Ok(disk) => world.keeper = Some(Box::new(disk)),
                Err(why) => world.violate("no_workspace", why),
            };
            let on_disk = suite::play_prepared(&scenario, &schemas, Trace::Hash, prepare, |_| {});
            (scenario, in_memory, on_disk)
        },
        |seed, (scenario, in_memory, on_disk)| {
            played += 1;
            crashes += on_disk.counters.crashes;
            if !on_disk.violations.is_empty() {
                failure = Some(keep_failure(&format!("disk-{seed}"), &scenario, &schemas, &on_disk));
            } else if in_memory.hash != on_disk.hash {
                failure = Some(format!("seed {seed} takes another course on disk than in memory"));
            }
            failure.is_none()
        },
    );
    if let Some(text) = failure {
        panic!("{text}");
    }
    println!("on disk: {played} seeds, {crashes} crashes, {} seeds a minute", suite::pace(played, start));
    assert!(played < USUAL || crashes > 0, "nothing ever crashed");
}
