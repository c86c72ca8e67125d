//! Runs any number of seeds of the simulation, with progress, or tells the story of one seed or one tape. A failure is kept
//! below `target/simulation`: its tape, the smallest tape that fails alike, and the story of that.
//!
//! `cargo bench --bench simulate -- --seeds 1000000 [--from N]` · `cargo bench --bench simulate -- --seed N`
//! · `cargo bench --bench simulate -- --tape FILE`

#[path = "../tests/simulation/clocks.rs"]
mod clocks;
#[path = "../tests/simulation/counters.rs"]
mod counters;
#[path = "../tests/simulation/faults.rs"]
mod faults;
#[path = "../tests/simulation/fields.rs"]
mod fields;
#[path = "../tests/simulation/guarded.rs"]
mod guarded;
#[path = "../tests/simulation/hints.rs"]
mod hints;
#[path = "../tests/simulation/holds.rs"]
mod holds;
#[path = "../tests/simulation/keeper.rs"]
mod keeper;
#[path = "../tests/simulation/merging.rs"]
mod merging;
#[path = "../tests/simulation/oracle.rs"]
mod oracle;
#[path = "../tests/simulation/random.rs"]
mod random;
#[path = "../tests/simulation/scenario/mod.rs"]
mod scenario;
#[path = "../tests/simulation/server/mod.rs"]
mod server;
#[path = "../tests/simulation/shrink.rs"]
mod shrink;
#[path = "../tests/simulation/simulation/mod.rs"]
mod simulation;
#[path = "../tests/simulation/standing.rs"]
mod standing;
#[path = "../tests/simulation/store.rs"]
mod store;
#[path = "../tests/simulation/suite.rs"]
mod suite;
#[path = "../tests/simulation/tape.rs"]
mod tape;
#[path = "../tests/simulation/twin.rs"]
mod twin;
#[path = "../tests/simulation/verdict/mod.rs"]
mod verdict;
#[path = "../tests/simulation/watch.rs"]
mod watch;
#[path = "../tests/simulation/words.rs"]
mod words;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "simulate [--seeds N] [--from N] [--failures N] | --seed N | --tape FILE";

/// What the command line asks for.
struct Orders {
    seeds: u64,
    from: u64,
    failures: usize,
    seed: Option<u64>,
    tape: Option<PathBuf>,
}

fn orders() -> Option<Orders> {
    let mut orders = Orders { seeds: 10_000, from: 1, failures: 200, seed: None, tape: None };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next()?;
        if word == "--tape" {
            orders.tape = Some(value.into());
            continue;
        }
        let number = value.parse::<u64>().ok()?;
        match word.as_str() {
            "--seeds" => orders.seeds = number,
            "--from" => orders.from = number,
            "--failures" => orders.failures = usize::try_from(number).ok()?,
            "--seed" => orders.seed = Some(number),
            _ => return None,
        }
    }
    Some(orders)
}

/// Plays a tape: its story with the verdict, and whether every promise was kept.
fn replay(path: &Path) -> Result<(String, bool), String> {
    let tape = tape::Tape::read(path)?;
    let outcome = twin::play_beside_twin(&tape.scenario, &fields::schemas(), simulation::Trace::Lines);
    let passes = outcome.violations.is_empty();
    let verdict = if passes { "every promise was kept".to_owned() } else { tape::broken(&outcome) };
    Ok((format!("{}\n{}\n{verdict}", tape.about, outcome.log.join("\n")), passes))
}

fn main() -> ExitCode {
    let Some(orders) = orders() else {
        eprintln!("usage: {USAGE}");
        return ExitCode::from(2);
    };
    if let Some(path) = orders.tape {
        return match replay(&path) {
            Ok((story, passes)) => {
                println!("{story}");
                if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(why) => {
                eprintln!("{why}");
                ExitCode::from(2)
            }
        };
    }
    if let Some(seed) = orders.seed {
        println!("{}", suite::explain(seed));
        return ExitCode::SUCCESS;
    }
    #[expect(clippy::disallowed_methods, reason = "the pace is printed; nothing is judged by it")]
    let start = Instant::now();
    let extent = suite::Extent { from: orders.from, count: orders.seeds, until: None };
    let totals = suite::run_seeds(&extent, orders.failures, |seeds, failures| {
        if seeds % 256 < 16 {
            eprint!("\r{seeds} seeds, {failures} failures, {} a minute ", suite::pace(seeds, start));
            let _ = std::io::stderr().flush();
        }
    });
    eprintln!();
    println!(
        "{} seeds, {} failures, {} a minute",
        totals.seeds,
        totals.failures.len(),
        suite::pace(totals.seeds, start)
    );
    println!("{}", totals.counters);
    println!("never met: {}", totals.counters.unreached(totals.seeds).join(" · "));
    println!("{}", suite::summary(&totals));
    if let Some(first) = totals.failures.iter().min_by_key(|failure| failure.seed) {
        println!("{}", suite::explain(first.seed));
    }
    if totals.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
