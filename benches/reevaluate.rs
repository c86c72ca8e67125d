//! What a changed configuration costs: every linked pair is decided on anew from the cache, without a call.
//!
//! `cargo bench --bench reevaluate -- [--pairs N] [--news none|all]`

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

#[path = "parts/pairs.rs"]
mod pairs;
mod parts;

use std::process::ExitCode;
use std::time::Instant;

use lockstep::engine::driver::setup;
use lockstep::mapping::{Config, Direction, defaults};
use lockstep::sim::{Data, Options, Simulators};
use pairs::{News, fill, forget_peak, peak};

const USAGE: &str = "reevaluate [--pairs N] [--news none|all]";

struct Orders {
    pairs: u64,
    news: News,
}

fn orders() -> Option<Orders> {
    let mut orders = Orders { pairs: 100_000, news: News::None };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next()?;
        match (word.as_str(), value.as_str()) {
            ("--pairs", number) => orders.pairs = number.parse().ok().filter(|n| *n > 0)?,
            ("--news", "none") => orders.news = News::None,
            ("--news", "all") => orders.news = News::All,
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
    let simulators = Simulators::start(Options::quick(Data::Empty)).await.unwrap();
    let mut config = Config { objects: vec![defaults::company()], ..defaults::config() };
    let workspace = parts::workspace(folder.path(), &simulators, &config).await;
    parts::run(&workspace, &simulators).await;

    let rules = setup::rules(&workspace.settings().unwrap()).unwrap();
    let start = Instant::now();
    fill(&workspace, &rules, orders.pairs, orders.news).await;
    println!("{} linked pairs, made in {:.1} s", orders.pairs, start.elapsed().as_secs_f64());

    let before = parts::run(&workspace, &simulators).await;
    before.print("a run without a change", orders.pairs);

    change(&mut config);
    parts::deploy(&workspace, &config);
    forget_peak();
    let worked = cpu();
    let after = parts::run(&workspace, &simulators).await;
    after.print("the first run after the change", orders.pairs);
    println!("  all cores       {:.2} s of work, simulators included", cpu() - worked);
    println!("  peak memory     {:.0} MB, simulators included", peak());

    let all = after.row.counts.total().unchanged == orders.pairs;
    let (quiet, local) = (after.writes() == 0, calls(&after) == calls(&before));
    for (holds, what) in
        [(all, "every pair is in sync"), (quiet, "nothing was written"), (local, "no call was made for it")]
    {
        println!("{} {what}", if holds { "yes" } else { "NO " });
    }
    all && quiet && local
}

fn calls(measured: &parts::Measured) -> u64 {
    measured.calls.values().sum()
}

/// One field goes one way from now on.
fn change(config: &mut Config) {
    let field = config.objects[0].fields.iter_mut().find(|field| field.hubspot.as_str() == "city").unwrap();
    field.direction = Direction::ToHubspot;
}

/// The seconds that all threads of this process worked, other programs' share of the machine left out.
fn cpu() -> f64 {
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS
}
