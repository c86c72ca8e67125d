//! The whole engine against two mean servers, in virtual time, from one seed: the proof of its promises.
//!
//! `LOCKSTEP_SEEDS=100000 cargo test --release --test simulation` runs more seeds, with `LOCKSTEP_SEED_SECONDS=600` no longer
//! than that, but 20,000 at least;
//! `cargo bench --bench simulate -- --seed N` tells the story of one.
//! `crash_points`, `on_disk`, `failing_store` and `planner` are proofs of their own, each with its own size.

mod approval;
mod clocks;
mod corpus;
mod counters;
mod crash_points;
mod days;
mod directed;
mod disk;
mod endless;
mod failing_store;
mod faults;
mod fields;
mod flaky;
mod guarded;
mod hints;
mod holds;
mod keeper;
mod merging;
mod on_disk;
mod onlookers;
mod oracle;
mod pauses;
mod planner;
mod random;
mod redeploy;
mod scenario;
mod server;
mod shrink;
mod simulation;
mod single;
mod situations;
mod spread;
mod standing;
mod store;
mod suite;
mod tape;
mod tapes;
mod transforms;
mod trial;
mod twin;
mod undo;
mod vanished;
mod verdict;
mod watch;
mod words;

use std::time::{Duration, Instant};

/// Seeds when nobody says how many: under forty seconds in a debug build. So many must reach every rare situation.
const USUAL: u64 = 3_000;

/// So many are run however slow the machine is.
const AT_LEAST: u64 = 20_000;

#[test]
fn i1_to_i19_hold_over_many_seeds() {
    let count = spread::number("LOCKSTEP_SEEDS", USUAL);
    #[expect(clippy::disallowed_methods, reason = "the pace is printed; nothing is judged by it")]
    let start = Instant::now();
    let until = match spread::number("LOCKSTEP_SEED_SECONDS", u64::MAX) {
        u64::MAX => None,
        seconds => Some((start + Duration::from_secs(seconds), AT_LEAST)),
    };
    let totals = suite::run_seeds(&suite::Extent { from: 1, count, until }, 1, |_, _| {});
    let (pace, seconds) = (suite::pace(totals.seeds, start), start.elapsed().as_secs());
    println!("{} of {count} seeds in {seconds} s, {pace} a minute", totals.seeds);
    println!("{}", totals.counters);
    if let Some(failure) = totals.failures.iter().min_by_key(|failure| failure.seed) {
        panic!("{}\n{}", suite::summary(&totals), suite::explain(failure.seed));
    }
    let (blind, writes) = (u64::from(totals.counters.blind), totals.counters.writes);
    // Some four of a thousand, however soon after its read a write is sent.
    assert!(
        blind * 1000 <= writes * 6,
        "{blind} of {writes} writes replaced what somebody had entered since it was read"
    );
    let unreached = totals.counters.unreached(totals.seeds);
    assert!(
        totals.seeds < USUAL || unreached.is_empty(),
        "{} seeds never met: {}",
        totals.seeds,
        unreached.join(" · ")
    );
}
