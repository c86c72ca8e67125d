//! What one whole run costs: every company new on one side, both simulated systems over real HTTP, a real workspace.
//!
//! `cargo bench --bench sync -- [--companies N] [--direction to-hubspot|to-connectwise]`

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod parts;

use std::process::ExitCode;

use lockstep::mapping::defaults;
use lockstep::sim::{Data, Options, Simulators, Sizes};
use parts::Measured;

const USAGE: &str = "sync [--companies N] [--direction to-hubspot|to-connectwise]";

/// Calls beyond the lower bound that a run may make, in hundredths of the bound.
const MOST_CALLS: u64 = 110;

/// Calls of a run that do not grow with the number of companies: who both systems are (three), the recycle bin, and the
/// empty page after a last one that was full.
const FIXED_CALLS: u64 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToHubSpot,
    ToConnectWise,
}

struct Orders {
    companies: usize,
    direction: Direction,
}

fn orders() -> Option<Orders> {
    let mut orders = Orders { companies: 10_000, direction: Direction::ToHubSpot };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next()?;
        match (word.as_str(), value.as_str()) {
            ("--companies", number) => orders.companies = number.parse().ok().filter(|n| *n > 0)?,
            ("--direction", "to-hubspot") => orders.direction = Direction::ToHubSpot,
            ("--direction", "to-connectwise") => orders.direction = Direction::ToConnectWise,
            _ => return None,
        }
    }
    Some(orders)
}

fn main() -> ExitCode {
    let Some(orders) = orders() else {
        eprintln!("usage: {USAGE}");
        return ExitCode::from(2);
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("sim").enable_all().build().unwrap();
    if runtime.block_on(bench(&orders)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn bench(orders: &Orders) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let simulators = Simulators::start(Options::quick(data(orders))).await.unwrap();
    let workspace = parts::workspace(folder.path(), &simulators, &defaults::config()).await;
    println!("{} companies, {:?}", orders.companies, orders.direction);

    let first = parts::run(&workspace, &simulators).await;
    let bound = bound(orders);
    let calls = first.calls.values().sum::<u64>();
    first.print("first run", orders.companies as u64);
    let few = calls <= bound + FIXED_CALLS || calls * 100 <= bound * MOST_CALLS;
    println!("  calls ÷ bound   {calls} ÷ {bound} = {:.3}", ratio(calls, bound));

    let second = parts::run(&workspace, &simulators).await;
    second.print("second run", orders.companies as u64);
    let all = created(&first, orders.direction) == orders.companies as u64;
    let quiet = second.writes() == 0;
    for (holds, what) in [
        (all, "the first run created every company"),
        (quiet, "the second run wrote nothing"),
        (few, "the first run made hardly more calls than the bound"),
    ] {
        println!("{} {what}", if holds { "yes" } else { "NO " });
    }
    all && quiet && few
}

fn data(orders: &Orders) -> Data {
    let (companies_hubspot, companies_connectwise) = match orders.direction {
        Direction::ToHubSpot => (0, orders.companies),
        Direction::ToConnectWise => (orders.companies, 0),
    };
    Data::Generated(Sizes::companies(companies_hubspot, companies_connectwise, 0))
}

/// The calls without which it cannot be done: reading both systems to their ends in the largest pages, and writing in
/// the largest batches.
fn bound(orders: &Orders) -> u64 {
    let n = orders.companies as u64;
    match orders.direction {
        // creates; pages of ConnectWise; one empty page of HubSpot
        Direction::ToHubSpot => n.div_ceil(100) + n.div_ceil(1000) + 1,
        // creates; pages of HubSpot; the keys that go back to HubSpot; one empty page of ConnectWise
        Direction::ToConnectWise => n + n.div_ceil(100) + n.div_ceil(100) + 1,
    }
}

fn created(measured: &Measured, direction: Direction) -> u64 {
    let sides = measured.row.counts.total().sides;
    match direction {
        Direction::ToHubSpot => sides.hubspot.created,
        Direction::ToConnectWise => sides.connectwise.created,
    }
}

fn ratio(calls: u64, bound: u64) -> f64 {
    calls as f64 / bound as f64
}
