//! The planner and the normaliser alone, over many small worlds: no engine, no time, no requests.
//!
//! A world is a few records and pairs, each field drawn once for what was agreed and perturbed on either side. It is planned,
//! level by level, and every plan is pretended to have come true, in any order within its level, until nothing is left to do.
//!
//! `LOCKSTEP_PLANS=50000000 cargo test --release --test simulation planner -- --nocapture` tries more cases.

mod laws;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::spread::{number, spread};
use crate::suite;
use world::{Drawn, World, mappings, one};

/// Cases when nobody says how many: some seconds in a debug build.
const USUAL: u64 = 3_000;
/// Plans and pretences until nothing is left: one for each level of objects, one more for what a level lets loose, one to see
/// that all is quiet.
const MOST_ROUNDS: usize = 5;

/// As many cases as were asked for, on all cores; the smallest that fails is told.
fn hold<S: Strategy>(cases: u64, strategy: impl Fn() -> S + Sync, law: impl Fn(S::Value) -> Result<(), String> + Sync)
where
    S::Value: std::fmt::Debug,
{
    let jobs: Vec<u8> = (0..8).collect();
    let config = |cases: u64| Config {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let mut failure = None;
    spread(
        &jobs,
        |job| {
            let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[*job; 32]);
            let mut runner = TestRunner::new_with_rng(config(cases.div_ceil(8)), rng);
            let outcome = runner.run(&strategy(), |value| law(value).map_err(TestCaseError::fail));
            outcome.err().map(|error| error.to_string())
        },
        |_, failed| {
            failure = failed;
            failure.is_none()
        },
    );
    if let Some(text) = failure {
        panic!("{text}");
    }
}

#[test]
fn i1_i3_i7_i20_i21_every_small_world_comes_to_rest_the_same_way_in_any_order() {
    let cases = number("LOCKSTEP_PLANS", USUAL);
    #[expect(clippy::disallowed_methods, reason = "the pace is printed; nothing is judged by it")]
    let start = Instant::now();
    let (mappings, at_rest) = (mappings(), [0, 0].map(AtomicU64::new));
    let strategy = || (0..mappings.len(), proptest::collection::vec(one(), 1..7), any::<u64>());
    hold(cases, strategy, |(mapping, drawn, order): (usize, Vec<Drawn>, u64)| {
        let mapping = &mappings[mapping];
        let mut ends = Vec::new();
        for order in [order, order ^ 0x55] {
            let mut world = World::new(mapping, &drawn);
            let rounds = world.settle(order, MOST_ROUNDS + 5)?;
            if rounds > MOST_ROUNDS {
                return Err(format!("i21_termination: {rounds} rounds until nothing was left to do"));
            }
            world.judge()?;
            let (all, activities) = world.judge_rest()?;
            at_rest[0].fetch_add(all, Ordering::Relaxed);
            at_rest[1].fetch_add(activities, Ordering::Relaxed);
            ends.push(world.visible());
        }
        if ends[0] != ends[1] {
            return Err(format!("i20_batch_order: {:#?} or {:#?}, as the order was", ends[0], ends[1]));
        }
        Ok(())
    });
    println!("planner: {cases} worlds, each in two orders, {} a minute", suite::pace(cases, start));
    let [all, activities] = at_rest.map(AtomicU64::into_inner);
    println!("pairs that came to rest, each looked at under two mappings: {all}, {activities} of them activities");
    assert!(all > cases && activities > cases / 10, "hardly any pair came to rest: {all}, {activities} activities");
}

#[test]
fn n1_to_n4_hold_for_every_kind_of_field() {
    let cases = number("LOCKSTEP_PLANS", USUAL);
    #[expect(clippy::disallowed_methods, reason = "the pace is printed; nothing is judged by it")]
    let start = Instant::now();
    let fields = laws::fields();
    hold(cases, || (0..fields.len(), laws::raw()), |(field, raw)| laws::hold(&fields[field], &raw));
    println!("normaliser: {cases} values, {} a minute", suite::pace(cases, start));
}
