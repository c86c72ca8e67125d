//! What it takes to test a draft over the whole cache: every pair is planned twice, without a call and without a row. And for
//! comparison, what the first run after the deploy takes.
//!
//! `cargo bench --bench trial -- [--pairs N] [--news none|all] [--below no|contacts]`

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

#[path = "parts/pairs.rs"]
mod pairs;
mod parts;

use std::process::ExitCode;
use std::time::Instant;

use lockstep::engine::core::trial::report::Measure;
use lockstep::engine::driver::trial::{Extent, Progress, test};
use lockstep::engine::driver::{Clock, setup};
use lockstep::mapping::{Config, Direction, ObjectMapping, SystemOfRecord, defaults, toml};
use lockstep::model::System;
use lockstep::sim::{Data, Options, Simulators};
use lockstep::store::Base;
use pairs::{COMPANY, News, fill, forget_peak, peak};

const USAGE: &str = "trial [--pairs N] [--news none|all] [--below no|contacts]";

#[derive(Debug, Clone)]
struct Orders {
    /// Of each object.
    pairs: u64,
    news: News,
    objects: Vec<ObjectMapping>,
}

fn orders() -> Option<Orders> {
    let mut orders = Orders { pairs: 100_000, news: News::None, objects: vec![defaults::company()] };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next()?;
        match (word.as_str(), value.as_str()) {
            ("--pairs", number) => orders.pairs = number.parse().ok().filter(|n| *n > 0)?,
            ("--news", "none") => orders.news = News::None,
            ("--news", "all") => orders.news = News::All,
            ("--below", "no") => orders.objects.truncate(1),
            ("--below", "contacts") => orders.objects.push(defaults::contact()),
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
    if runtime.block_on(bench(orders)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn bench(orders: Orders) -> bool {
    let Orders { pairs, news, objects } = orders;
    let all = pairs * objects.len() as u64;
    let folder = tempfile::tempdir().unwrap();
    let simulators = Simulators::start(Options::quick(Data::Empty)).await.unwrap();
    let mut config = Config { objects, ..defaults::config() };
    let workspace = parts::workspace(folder.path(), &simulators, &config).await;
    parts::run(&workspace, &simulators).await;
    let rules = setup::rules(&workspace.settings().unwrap()).unwrap();
    let start = Instant::now();
    fill(&workspace, &rules, pairs, news).await;
    println!("{all} linked pairs, made in {:.1} s", start.elapsed().as_secs_f64());

    let field = config.objects[0].fields.iter_mut().find(|field| field.hubspot.as_str() == "city").unwrap();
    (field.direction, field.wins) = (Direction::ToHubspot, SystemOfRecord::ConnectWise);
    let mut settings = workspace.settings().unwrap();
    settings.save_draft(&toml::write(&config), "bench", "", Base::Any, Clock::start().now()).unwrap();
    forget_peak();
    let (progress, start) = (Progress::default(), Instant::now());
    let extent = Extent { only: None, marks: Some("bench") };
    let tested = tokio::task::block_in_place(|| test(&workspace, extent, Clock::start(), &progress)).unwrap().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let each = seconds * 1e6 / all as f64;
    println!("a test of the draft took {seconds:.2} s, {each:.1} µs a pair");
    println!("  peak memory     {:.0} MB", peak());

    settings.deploy_draft(Base::Any, "bench", None, Clock::start().now()).unwrap();
    let run = parts::run(&workspace, &simulators).await;
    run.print("the first run after the deploy", all);

    let looked = tested.report.looked_at() == all && run.row.counts.total().unchanged == all;
    let is_update = |measure| matches!(measure, Measure::Update(System::HubSpot | System::ConnectWise));
    let quiet = tested.report.objects.contains_key(&COMPANY) && tested.report.total(is_update) == 0;
    for (holds, what) in [
        (looked, "every pair was looked at"),
        (quiet && run.writes() == 0, "none is written, as the test said"),
        (tested.is_marked, "the draft is tested"),
    ] {
        println!("{} {what}", if holds { "yes" } else { "NO " });
    }
    looked && quiet && tested.is_marked
}
