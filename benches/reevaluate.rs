//! What a changed configuration costs: every linked pair is decided on anew from the cache, without a call.
//!
//! `cargo bench --bench reevaluate -- [--pairs N] [--news none|all]`

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

mod parts;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use lockstep::engine::core::command::{Batch, Durability, Row};
use lockstep::engine::core::state::{Agreed, Link, LinkOrigin, LinkState, Observation, RecordState, Status};
use lockstep::engine::driver::{Clock, setup};
use lockstep::mapping::{Config, Direction, ObjectRules, Rules, defaults};
use lockstep::model::{BySystem, FieldKind, LinkId, ObjectKind, Record, RecordId, RecordRef, System, Timestamp, Value};
use lockstep::sim::{Data, Options, Simulators};
use lockstep::store::Workspace;

const USAGE: &str = "reevaluate [--pairs N] [--news none|all]";
const COMPANY: ObjectKind = ObjectKind::Company;
/// Pairs that are committed together while the workspace is filled.
const GROUP: u64 = 1000;
/// The field that pairs may not have agreed on yet.
const NEWS: &str = "zip";

/// What the changed configuration means for the pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// Every pair is looked at, and nothing comes of it.
    None,
    /// Every pair has a field on which both sides are found to agree for the first time: a row each.
    All,
}

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
    fill(&workspace, &rules, orders).await;
    println!("{} linked pairs, made in {:.1} s", orders.pairs, start.elapsed().as_secs_f64());

    let before = parts::run(&workspace, &simulators).await;
    before.print("a run without a change", orders.pairs);

    change(&mut config);
    parts::deploy(&workspace, &config);
    forget_peak();
    let after = parts::run(&workspace, &simulators).await;
    after.print("the first run after the change", orders.pairs);
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

/// Pairs in step, as a workspace keeps them once both systems are read.
async fn fill(workspace: &Workspace, rules: &Rules, orders: &Orders) {
    let writer = workspace.writer().unwrap();
    let now = Clock::start().now();
    let company = rules.object(COMPANY).unwrap();
    for first in (0..orders.pairs).step_by(usize::try_from(GROUP).unwrap()) {
        let rows = (first..orders.pairs.min(first + GROUP)).flat_map(|n| pair(company, orders.news, n, now)).collect();
        writer.commit(Batch { durability: Durability::Process, rows }).await.unwrap();
    }
}

fn pair(rules: &ObjectRules, news: News, n: u64, now: Timestamp) -> Vec<Row> {
    let ids = BySystem::new(RecordId(18_000_000_000 + n), RecordId(1 + n));
    let name = format!("Company {n}");
    let mut records = BySystem::from_fn(|system| Record {
        id: ids[system],
        modified: now,
        archived: false,
        fields: BTreeMap::new(),
        stamp: (system == System::HubSpot).then(|| format!("company:{}", ids.connectwise)),
        merged: Vec::new(),
        modified_by: None,
    });
    let mut baseline = BTreeMap::new();
    for rule in rules.fields.iter().filter(|rule| rule.stages.is_none()) {
        let values = values(rule.mapping.kind, rule.mapping.hubspot.as_str(), n);
        if news == News::All && rule.mapping.hubspot.as_str() == NEWS {
            continue;
        }
        for system in System::BOTH {
            if !values[system].is_empty() {
                records[system].fields.insert(rule.name(system).clone(), values[system].clone());
            }
        }
        let BySystem { hubspot, connectwise } = values;
        baseline.insert(rule.key.clone(), Agreed { hubspot, connectwise, at: now, supposed: false });
    }
    let link = Link {
        id: LinkId(1 + n),
        object: COMPANY,
        hubspot: ids.hubspot,
        connectwise: ids.connectwise,
        state: LinkState::Active,
        origin: LinkOrigin::Stamp,
        created: now,
        baseline,
        recent: BTreeMap::new(),
        own: BySystem::default(),
    };
    let status = Status {
        object: COMPANY,
        hubspot: Some(ids.hubspot),
        connectwise: Some(ids.connectwise),
        link: Some(link.id),
        name,
        state: RecordState::InSync,
        why: String::new(),
        since: now,
    };
    let observed = System::BOTH.map(|system| {
        Row::Observation(Observation {
            of: RecordRef::new(COMPANY, system, ids[system]),
            record: records[system].clone(),
            seen: now,
            keys: vec![format!("domain:company{n}.example")],
            gone: false,
            merged_into: None,
        })
    });
    observed.into_iter().chain([Row::Link(link), Row::Status(status)]).collect()
}

/// What both sides hold in a field of the default configuration, the same thing in each one's own form.
fn values(kind: FieldKind, field: &str, n: u64) -> BySystem<Value> {
    let same = |text: String| BySystem::new(Value::text(text.clone()), Value::text(text));
    match (kind, field) {
        (FieldKind::Text, "name") => same(format!("Company {n}")),
        (FieldKind::Text, _) => same(format!("{field} of {n}")),
        (FieldKind::Phone, _) => same(format!("+1 512 555 {:04}", n % 10_000)),
        (FieldKind::Domain, _) => same(format!("company{n}.example")),
        _ => BySystem::default(),
    }
}

/// The most memory that this process ever had, in megabytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}

/// From now on the peak counts anew.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}
