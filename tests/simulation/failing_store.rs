//! A store that fails at its n-th call, once or from then on, for one n after another until a world passes untouched. The
//! engine stops and says why; started again on a store that works, it loses nothing and invents nothing.
//!
//! In memory every call is tried. On disk `failing_disk.c` lets the system calls of the real SQLite fail: a full disk, an I/O
//! error, a write of which half is kept, a lock that is not to be had. `LOCKSTEP_DISK_FAULTS=100000 cargo test --release --test
//! simulation failing_store -- --nocapture` tries more of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::disk::Disk;
use crate::fields;
use crate::flaky::{Calls, Flaky};
use crate::scenario::Scenario;
use crate::simulation::{Outcome, Simulation, Trace};
use crate::spread::number;
use crate::suite;
use crate::tape::keep_failure;

/// Worlds whose store fails in memory.
const IN_MEMORY: u64 = 120;
/// System calls that fail when nobody says how many.
const USUAL: u64 = 80;

/// The n to try next: all of the first, then fewer and fewer.
fn next(n: u64, seed: u64) -> u64 {
    n + 1 + crate::random::mix(seed, n) % (1 + n / 4)
}

#[test]
fn a_store_in_memory_that_fails_at_any_call_stops_the_engine_and_loses_nothing() {
    let schemas = fields::schemas();
    let (mut runs, mut seed, mut untouched) = (0, 0, 0);
    while runs < IN_MEMORY {
        seed += 1;
        for always in [false, true] {
            let (scenario, mut n) = (Scenario::draw(seed), 1 + seed % 7);
            loop {
                let calls = Calls::new(n, always);
                let keeper = Flaky(calls.clone());
                let prepare = |world: &mut Simulation<'_>| world.keeper = Some(Box::new(keeper));
                let outcome = suite::play_prepared(&scenario, &schemas, Trace::Off, prepare, |_| {});
                runs += 1;
                let what = format!("seed {seed}, call {n}{}", if always { " and all after it" } else { "" });
                assert!(outcome.violations.is_empty(), "{what}\n{:?}\n{scenario:?}", outcome.violations);
                assert_eq!(outcome.stops.is_empty(), calls.failed.get() == 0, "{what}: {:?}", outcome.stops);
                if calls.failed.get() == 0 {
                    untouched += 1;
                    break;
                }
                n = next(n, seed);
            }
        }
    }
    assert!(untouched > 1, "no world was ever left alone");
    println!("failing store in memory: {runs} worlds");
}

/// The kinds of failures, each once and from then on.
const KINDS: [&str; 5] = ["full", "io", "short", "busy", "read"];

/// One world on a disk of which one call fails. The outcome, with what was counted and what failed.
fn play(scenario: &Scenario, line: &str) -> Result<(Outcome, u64, u64), String> {
    let disk = Disk::new(Some(line.to_owned()))?;
    let dir = disk.dir().to_owned();
    let mut report = Err("the world did not come to its end".to_owned());
    let prepare = |world: &mut Simulation<'_>| world.keeper = Some(Box::new(disk));
    let schemas = fields::schemas();
    let outcome = suite::play_prepared(scenario, &schemas, Trace::Off, prepare, |_| report = Disk::report(&dir));
    if !outcome.violations.is_empty() {
        return Ok((outcome, 0, 0));
    }
    let (counted, failed) = report?;
    Ok((outcome, counted, failed))
}

/// Runs in a process of its own, with the failing disk loaded before everything else.
#[test]
#[ignore = "started by the test below, with the failing disk"]
fn child() {
    let (wanted, share, shares) =
        (number("LOCKSTEP_DISK_FAULTS", USUAL), number("LOCKSTEP_SHARE", 0), number("LOCKSTEP_SHARES", 1));
    let (mut runs, mut stops, mut passed_by, mut untouched, mut job) = (0_u64, 0, 0, 0, share);
    while runs < wanted.div_ceil(shares) {
        let kind = KINDS[job as usize % KINDS.len()];
        let mode = ["once", "always"][(job / KINDS.len() as u64 % 2) as usize];
        let (seed, mut n) = (1 + job, 1 + job % 4);
        let scenario = Scenario::draw(seed);
        loop {
            let line = format!("{kind} {n} {mode}");
            let (outcome, counted, failed) = play(&scenario, &line).unwrap();
            if !outcome.violations.is_empty() {
                let name = format!("disk-{seed}-{kind}-{n}-{mode}");
                panic!("seed {seed}, {line}\n{}", keep_failure(&name, &scenario, &fields::schemas(), &outcome));
            }
            assert!(outcome.stops.is_empty() || failed > 0, "{line}: {:?}", outcome.stops);
            assert!(counted > 0, "the failing disk is not there");
            runs += 1;
            stops += outcome.stops.len();
            // SQLite gets over a lock that is not to be had once, and over a log that cannot be emptied
            passed_by += u64::from(failed > 0 && outcome.stops.is_empty());
            if failed == 0 {
                untouched += 1;
                break;
            }
            n = next(n, seed) + n / 3;
        }
        job += shares;
    }
    println!("RESULT {runs} {stops} {passed_by} {untouched}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fails_at_any_call_stops_the_engine_and_loses_nothing() {
    let library = build_failing_disk();
    let shares = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    #[expect(clippy::disallowed_methods, reason = "the pace is printed; nothing is judged by it")]
    let start = Instant::now();
    let children: Vec<_> = (0..shares)
        .map(|share| {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["failing_store::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
            child.env("LD_PRELOAD", &library).env("LOCKSTEP_SHARE", share.to_string());
            child.env("LOCKSTEP_SHARES", shares.to_string());
            child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            child.spawn().unwrap()
        })
        .collect();
    let mut totals = [0; 4];
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        let result = said.lines().find_map(|line| line.split_once("RESULT ")).unwrap().1;
        for (total, number) in totals.iter_mut().zip(result.split(' ')) {
            *total += number.parse::<u64>().unwrap();
        }
    }
    let [runs, stops, passed_by, untouched] = totals;
    println!(
        "failing disk: {runs} worlds, the engine stopped {stops} times, {passed_by} failures that SQLite got over, \
         {untouched} worlds left alone, {} worlds a minute",
        suite::pace(runs, start)
    );
    assert!(stops > runs / 3 && untouched > 0, "the failing disk hardly failed");
}

/// Compiles `failing_disk.c`; the C compiler is there, SQLite was built by it.
fn build_failing_disk() -> std::path::PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulation/failing_disk.c");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("failing_disk-{}.so", std::process::id()));
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl").output();
    let compiled = compiled.unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    library
}
