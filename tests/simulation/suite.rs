//! Many seeds on all cores, and the report of the first that fails.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use std::time::Instant;

use lockstep::model::{BySystem, Schema};

use crate::counters::Counters;
use crate::fields;
use crate::scenario::Scenario;
use crate::simulation::{Outcome, Simulation, Trace, Violation};
use crate::tape::keep_failure;

/// Of so many seeds one is run twice, to see that it is the same both times.
const TWICE: u64 = 100;

/// What many seeds came to.
#[derive(Default)]
pub struct Totals {
    pub seeds: u64,
    pub counters: Counters,
    pub failures: Vec<Failure>,
}

/// A seed that broke a promise.
pub struct Failure {
    pub seed: u64,
    pub violations: Vec<Violation>,
}

/// Plays a scenario; a panic of the engine is a violation like any other.
pub fn play(scenario: &Scenario, schemas: &[BySystem<Schema>], trace: Trace) -> Outcome {
    play_prepared(scenario, schemas, trace, |_| {}, |_| {})
}

/// The same, with something done to the world before anything happens in it, and a look at it as it stands in the end.
pub fn play_prepared(
    scenario: &Scenario,
    schemas: &[BySystem<Schema>],
    trace: Trace,
    prepare: impl FnOnce(&mut Simulation<'_>),
    look: impl FnOnce(&Simulation<'_>),
) -> Outcome {
    let mut simulation = Simulation::new(scenario, schemas, trace);
    prepare(&mut simulation);
    let ended = quietly(|| catch_unwind(AssertUnwindSafe(|| simulation.run())));
    if let Err(payload) = ended {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        simulation.violate("no_panic", text);
    } else {
        look(&simulation);
    }
    simulation.outcome
}

fn play_seed(seed: u64, schemas: &[BySystem<Schema>]) -> Outcome {
    let scenario = Scenario::draw(seed);
    if !seed.is_multiple_of(TWICE) {
        return play(&scenario, schemas, Trace::Off);
    }
    let mut first = play(&scenario, schemas, Trace::Hash);
    let second = play(&scenario, schemas, Trace::Hash);
    if first.hash != second.hash {
        let text = "the same seed took another course the second time".to_owned();
        first.violations.push(Violation { invariant: "i19_determinism", text });
    }
    first
}

/// How many seeds are run.
pub struct Extent {
    pub from: u64,
    pub count: u64,
    /// No seed is begun after that moment, once so many were.
    pub until: Option<(Instant, u64)>,
}

impl Extent {
    fn is_over(&self, seed: u64) -> bool {
        #[expect(
            clippy::disallowed_methods,
            reason = "how many seeds are run is limited by it; nothing is judged by it"
        )]
        let late = |until: Instant| Instant::now() >= until;
        seed >= self.end() || self.until.is_some_and(|(until, least)| seed >= self.from + least && late(until))
    }

    const fn end(&self) -> u64 {
        self.from.saturating_add(self.count)
    }
}

/// Runs those seeds on all cores; gives up after `most` failures.
pub fn run_seeds(extent: &Extent, most: usize, progress: impl Fn(u64, usize) + Sync) -> Totals {
    let next = AtomicU64::new(extent.from);
    let totals = Mutex::new(Totals::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| worker(&next, extent, most, &totals, &progress));
        }
    });
    totals.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn worker(
    next: &AtomicU64,
    extent: &Extent,
    most: usize,
    totals: &Mutex<Totals>,
    progress: &(impl Fn(u64, usize) + Sync),
) {
    const CHUNK: u64 = 16;
    let schemas = fields::schemas();
    loop {
        let start = next.fetch_add(CHUNK, Ordering::Relaxed);
        if extent.is_over(start) {
            return;
        }
        let mut counters = Counters::default();
        let mut failures = Vec::new();
        let stop = extent.end().min(start + CHUNK);
        for seed in start..stop {
            let outcome = play_seed(seed, &schemas);
            counters.add(&outcome.counters);
            if !outcome.violations.is_empty() {
                if let Some(first) = outcome.violations.first() {
                    eprintln!("seed {seed}: {}: {}", first.invariant, first.text);
                }
                failures.push(Failure { seed, violations: outcome.violations });
            }
        }
        let mut totals = totals.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        totals.seeds += stop - start;
        totals.counters.add(&counters);
        totals.failures.append(&mut failures);
        progress(totals.seeds, totals.failures.len());
        if totals.failures.len() >= most {
            next.store(extent.end(), Ordering::Relaxed);
        }
    }
}

thread_local! {
    /// Whether panics of this thread are told elsewhere.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs something whose panics are expected and told elsewhere. Those of other threads are told as ever.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    let result = work();
    QUIET.set(before);
    result
}

/// A failing seed for people and as files, with the smallest scenario and its story.
pub fn explain(seed: u64) -> String {
    let (scenario, schemas) = (Scenario::draw(seed), fields::schemas());
    let outcome = play(&scenario, &schemas, Trace::Off);
    if outcome.violations.is_empty() {
        let story = play(&scenario, &schemas, Trace::Lines).log.join("\n");
        return format!("{story}\nseed {seed} breaks nothing");
    }
    let text = keep_failure(&format!("seed-{seed}"), &scenario, &schemas, &outcome);
    format!("seed {seed}: cargo bench --bench simulate -- --seed {seed}\n{text}")
}

/// Failures grouped by invariant, most frequent first, each with its first seeds.
pub fn summary(totals: &Totals) -> String {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;
    let mut groups: BTreeMap<&str, Vec<&Failure>> = BTreeMap::new();
    for failure in &totals.failures {
        if let Some(first) = failure.violations.first() {
            groups.entry(first.invariant).or_default().push(failure);
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, failures)| std::cmp::Reverse(failures.len()));
    let mut text = String::new();
    for (invariant, mut failures) in groups {
        failures.sort_by_key(|failure| failure.seed);
        let _ = writeln!(text, "{:>7} {invariant}", failures.len());
        for failure in failures.iter().take(4) {
            let what = failure.violations.first().map_or("", |violation| violation.text.as_str());
            let _ = writeln!(text, "          seed {}: {what}", failure.seed);
        }
    }
    text
}

/// Seeds per minute so far.
pub fn pace(seeds: u64, since: Instant) -> u64 {
    (seeds as f64 / since.elapsed().as_secs_f64().max(0.001) * 60.0) as u64
}
