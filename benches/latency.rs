//! How long an edit takes to be visible on the other side, and what the looking costs: an engine that watches, with its
//! default timing, on simulators with their limits and their index lag, in real time.
//!
//! `cargo bench --bench latency -- [--minutes N] [--every SECONDS] [--records N]`
//!
//! `--every 0` edits nothing: then only the calls of quiet looks are counted.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

#[path = "parts/customers.rs"]
mod customers;
mod parts;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use customers::{Customers, Made};
use lockstep::engine::core::Mode;
use lockstep::engine::core::view::View;
use lockstep::engine::driver::steps::Steps;
use lockstep::engine::driver::{self, Clock, EngineHandle, setup};
use lockstep::mapping::Timing;
use lockstep::model::{BySystem, ObjectKind, RecordId, RecordRef, System};
use lockstep::sim::{Data, Object, Options, Running, Side, Simulators};
use lockstep::store::{Reader, Workspace};

use serde_json::json;

const USAGE: &str = "latency [--minutes N] [--every SECONDS] [--records N]";

/// How often it is looked whether an edit has arrived.
const GLANCE: Duration = Duration::from_millis(100);

/// After this an edit counts as lost.
const LOST: Duration = Duration::from_secs(900);

struct Orders {
    minutes: u64,
    /// Seconds between two edits; none: no edits.
    every: Option<f64>,
    /// Companies, and as many contacts and deals.
    records: usize,
}

fn orders() -> Option<Orders> {
    let mut orders = Orders { minutes: 15, every: Some(3.0), records: 200 };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--minutes" => orders.minutes = value.parse().ok().filter(|n| *n > 0)?,
            "--every" => orders.every = Some(value.parse().ok().filter(|s| *s >= 0.0)?).filter(|s| *s > 0.0),
            "--records" => orders.records = value.parse().ok().filter(|n| *n > 0)?,
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
    let options = Options { data: Data::Empty, ..Options::default() };
    let simulators = Simulators::start(options).await.unwrap();
    let workspace = parts::workspace(folder.path(), &simulators, &customers::config()).await;
    let n = orders.records;
    let customers = Customers { companies: n, contacts: n, deals: n };
    let made = customers.enter(&simulators.control, Side::ConnectWise);
    parts::run(&workspace, &simulators).await.print("setting up", customers.all());
    assert_eq!(parts::run(&workspace, &simulators).await.writes(), 0);
    let pairs = pairs(&workspace.reader().unwrap(), &made);
    println!("{} linked pairs of three objects; polls {} s apart", pairs.len(), Timing::default().poll);

    let mut engine = watch(&workspace).await;
    let finished = engine.finished().await;
    finished.unwrap();
    simulators.control.clear_calls();
    let runs = last_run(&workspace);
    let edits = Edits::new(&simulators, pairs).go(orders).await;
    let runs = last_run(&workspace) - runs;
    let (calls, bound) = (calls(&simulators), least_calls(runs, &edits));
    engine.stop().await;
    report(&edits, runs, &calls, bound);
    edits.lost == 0
}

async fn watch(workspace: &Workspace) -> EngineHandle {
    let parts = setup::parts(workspace, Mode::Watch, Clock::start(), &Steps::default()).await.unwrap();
    driver::start(workspace, parts).unwrap()
}

fn last_run(workspace: &Workspace) -> u64 {
    workspace.reader().unwrap().latest_runs(1).unwrap().first().map_or(0, |run| run.id.0)
}

/// One pair of records, and the text field of it that is edited.
#[derive(Debug, Clone, Copy)]
struct Pair {
    object: Object,
    ids: BySystem<u64>,
    fields: BySystem<&'static str>,
}

fn pairs(reader: &Reader, made: &Made) -> Vec<Pair> {
    let of = |kind, object, ids: &[u64], fields: BySystem<&'static str>| {
        let linked = ids.iter().map(|id| {
            let link = reader.link_of(RecordRef::new(kind, System::ConnectWise, RecordId(*id))).unwrap().unwrap();
            Pair { object, ids: BySystem::new(link.hubspot.0, link.connectwise.0), fields }
        });
        linked.collect::<Vec<_>>()
    };
    let companies = of(ObjectKind::Company, Object::Company, &made.companies, BySystem::new("city", "city"));
    let contacts = of(ObjectKind::Contact, Object::Contact, &made.contacts, BySystem::new("jobtitle", "title"));
    let deals = of(ObjectKind::Deal, Object::Deal, &made.deals, BySystem::new("dealname", "name"));
    companies.into_iter().zip(contacts).zip(deals).flat_map(|((a, b), c)| [a, b, c]).collect()
}

/// An edit that is not seen on the other side yet.
struct Edit {
    pair: Pair,
    to: System,
    value: String,
    at: Instant,
}

struct Edits<'a> {
    simulators: &'a Running,
    pairs: Vec<Pair>,
    made: BySystem<u64>,
    open: Vec<Edit>,
    /// Seconds of those that arrived, by where they went.
    took: BySystem<Vec<f64>>,
    lost: usize,
}

impl<'a> Edits<'a> {
    fn new(simulators: &'a Running, pairs: Vec<Pair>) -> Self {
        let (made, took) = (BySystem::default(), BySystem::default());
        Self { simulators, pairs, made, open: Vec::new(), took, lost: 0 }
    }

    /// Edits for so many minutes, and waits for the last ones.
    async fn go(mut self, orders: &Orders) -> Self {
        let start = Instant::now();
        let end = start + Duration::from_secs(60 * orders.minutes);
        let mut next = orders.every.map(|_| start);
        while Instant::now() < end || !self.open.is_empty() {
            if let (Some(at), Some(every)) = (next, orders.every)
                && at < end
                && Instant::now() >= at
            {
                self.edit();
                // a step that has no common measure with the poll spreads the edits over all its moments
                next = Some(at + Duration::from_secs_f64(every * 1.018_034));
            }
            self.glance();
            tokio::time::sleep(GLANCE).await;
        }
        self
    }

    fn edit(&mut self) {
        let number = self.made.hubspot + self.made.connectwise;
        let pair = self.pairs[usize::try_from(number).unwrap() % self.pairs.len()];
        let from = if number.is_multiple_of(2) { System::HubSpot } else { System::ConnectWise };
        let value = format!("Edit {number}");
        let fields = json!({ pair.fields[from]: value });
        self.simulators
            .control
            .edit(side(from), pair.object, pair.ids[from], fields.as_object().unwrap(), None)
            .unwrap();
        self.made[from] += 1;
        self.open.push(Edit { pair, to: from.other(), value, at: Instant::now() });
    }

    fn glance(&mut self) {
        let (control, took) = (&self.simulators.control, &mut self.took);
        let lost = &mut self.lost;
        self.open.retain(|edit| {
            let (id, field) = (edit.pair.ids[edit.to], edit.pair.fields[edit.to]);
            let shown = control.record(side(edit.to), edit.pair.object, id).unwrap();
            if shown[field] == edit.value.as_str() {
                took[edit.to].push(edit.at.elapsed().as_secs_f64());
                return false;
            }
            let is_lost = edit.at.elapsed() > LOST;
            *lost += usize::from(is_lost);
            !is_lost
        });
    }
}

const fn side(system: System) -> Side {
    match system {
        System::HubSpot => Side::HubSpot,
        System::ConnectWise => Side::ConnectWise,
    }
}

fn calls(simulators: &Running) -> Vec<(String, u64)> {
    let calls = simulators.control.calls();
    let all = calls.iter().flat_map(|(endpoint, by_status)| {
        by_status.iter().map(move |(status, n)| (format!("{endpoint} {status}"), *n))
    });
    all.collect()
}

/// The calls without which it cannot be done: each look asks each system once per object; an edit of HubSpot is read from
/// the record, not from the index, and written alone in ConnectWise; one of ConnectWise comes with the list and shares a
/// batch with the others of its object and look. (How many batches those are is not known: the fewest possible.)
fn least_calls(runs: u64, edits: &Edits<'_>) -> u64 {
    let batches = |edits: u64| edits.min(runs);
    runs * 6 + batches(edits.made.hubspot) + edits.made.hubspot + batches(edits.made.connectwise)
}

fn report(edits: &Edits<'_>, runs: u64, calls: &[(String, u64)], bound: u64) {
    for to in System::BOTH {
        let mut took = edits.took[to].clone();
        took.sort_by(f64::total_cmp);
        if let (Some(median), Some(late), Some(max)) = (at(&took, 50), at(&took, 99), took.last()) {
            println!("to {to}: {} edits, p50 {median:.1} s, p99 {late:.1} s, max {max:.1} s", took.len());
        }
    }
    println!("{} edits lost", edits.lost);
    let all = calls.iter().map(|(_, n)| n).sum::<u64>();
    println!("{runs} looks, {all} calls, {:.2} a look; ÷ bound: {all} ÷ {bound}", all as f64 / runs as f64);
    for (call, n) in calls {
        println!("  {n:>6} × {call}");
    }
}

/// The value below which so many in a hundred lie.
fn at(sorted: &[f64], percent: usize) -> Option<f64> {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied()
}
