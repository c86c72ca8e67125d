//! I20: while people pause an object, a direction or everything, nothing of it is sent, whatever else happens; what changed
//! meanwhile is pending and says why; and once it is resumed, all of it crosses as if nobody had paused.
//!
//! Judged on the servers' ledgers: a write that lands within a pause was in the journal before the pause began.

use std::collections::BTreeMap;

use lockstep::engine::core::command::{Ask, Reply};
use lockstep::engine::core::state::{IntentKind, IntentState, LinkState, RecordState, RunKind};
use lockstep::engine::core::undo::Undo;
use lockstep::mapping::Guards;
use lockstep::model::{
    BySystem, FieldName, IntentId, ObjectKind, Pause, PauseScope, RecordRef, Schema, System, Timestamp,
};

use crate::fields::{self, SPECS, Shape};
use crate::random::Random;
use crate::scenario::{Crash, Scenario};
use crate::server::{By, EPOCH};
use crate::simulation::{Simulation, Trace};

/// Worlds when nobody says how many; each has several pauses.
const WORLDS: u64 = 300;
/// Of so many seeds of the long test, one is a world here.
const SHARE: u64 = 20;
/// Worlds of bugs that are mended: one whose marks rested, set before somebody set the clock back, and that was shown as
/// paused when nothing was any more.
const FOUND: [u64; 1] = [1636];

/// A pause under way, and the attempts that the journal knew when it began.
struct Watched {
    scope: PauseScope,
    began: i64,
    /// The ledger's length then.
    from: usize,
    known: BTreeMap<IntentId, u32>,
}

#[derive(Default)]
struct Played {
    pauses: u32,
    waited: u32,
    landed_late: u32,
    refused: u32,
    killed: u32,
}

struct World<'a> {
    sim: Simulation<'a>,
    random: Random,
    under_way: Vec<Watched>,
    played: Played,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, schemas: &'a [BySystem<Schema>]) -> Self {
        let sim = Simulation::new(scenario, schemas, Trace::Lines);
        let random = Random::stream(scenario.seed, 20);
        Self { sim, random, under_way: Vec::new(), played: Played::default() }
    }

    fn fail(&self, what: &str) -> ! {
        panic!("seed {}: {what}\n{:?}\n{}", self.sim.scenario.seed, self.sim.scenario, self.sim.outcome.log.join("\n"))
    }

    fn any_scope(&mut self) -> PauseScope {
        let objects: Vec<ObjectKind> = self.sim.servers.hubspot.records.values().map(|entry| entry.object).collect();
        let object = objects.get(self.random.below(objects.len().max(1) as u64) as usize).copied();
        let to = System::BOTH[self.random.below(2) as usize];
        match self.random.below(6) {
            0 => PauseScope::EVERYTHING,
            1 => PauseScope::new(None, Some(to)),
            2 | 3 => PauseScope::new(object, None),
            _ => PauseScope::new(object, Some(to)),
        }
    }

    /// Somebody pauses that: at the console, or with a command of another process, which also works while no engine runs.
    fn pause(&mut self, scope: PauseScope) {
        let known = self.sim.store.intents.values().map(|intent| (intent.id, intent.attempt)).collect();
        let watched = Watched { scope, began: self.sim.now, from: self.sim.ledger.len(), known };
        if self.sim.engine.is_some() && self.random.chance(500) {
            self.sim.ask(Ask::Pause { scope, by: "ann".into(), note: None });
        } else {
            let since = Timestamp(EPOCH + self.sim.now);
            self.sim.note(|| format!("a command pauses {scope}"));
            self.sim.store.pauses.add(Pause { scope, by: "ann".into(), since, note: None });
        }
        // an engine that died on the way to its commit has paused nothing
        if self.sim.store.pauses.covers(scope).is_some() {
            self.played.pauses += 1;
            self.under_way.push(watched);
        }
    }

    fn resume(&mut self, scope: PauseScope) {
        self.expect_nothing_sent();
        self.note_what_waits();
        if self.sim.engine.is_some() && self.random.chance(500) {
            self.sim.ask(Ask::Resume { scope });
        } else {
            self.sim.note(|| format!("a command resumes {scope}"));
            self.sim.store.pauses.lift(scope);
        }
        let pauses = &self.sim.store.pauses;
        self.under_way.retain(|watched| pauses.covers(watched.scope).is_some());
    }

    /// Every write that landed within a pause was journaled before it.
    fn expect_nothing_sent(&mut self) {
        for watched in &self.under_way {
            for mutation in &self.sim.ledger[watched.from..] {
                let By::Engine { intent, attempt } = mutation.by else { continue };
                if !watched.scope.contains(PauseScope::new(Some(mutation.object), Some(mutation.system))) {
                    continue;
                }
                if watched.known.get(&intent).is_none_or(|known| attempt > *known) {
                    self.fail(&format!(
                        "{} is paused since {} ms, and attempt {attempt} of i{intent} landed in {} {}",
                        watched.scope, watched.began, mutation.system, mutation.record
                    ));
                }
                self.played.landed_late += 1;
            }
        }
    }

    /// What is shown of what waits: pending, with who and since when.
    fn note_what_waits(&mut self) {
        let shown = self.sim.store.statuses.values().filter(|status| status.why.starts_with("paused by ann since "));
        let mut waiting = 0;
        for status in shown {
            waiting += 1;
            if status.state != RecordState::Pending {
                self.fail(&format!("{status:?} is paused and not pending"));
            }
        }
        self.played.waited += waiting;
    }

    /// Somebody wants a record pushed that is paused: it is refused with what to do.
    fn push_some(&mut self) {
        let Some(scope) = self.under_way.first().map(|watched| watched.scope) else { return };
        let to = scope.to.unwrap_or(System::HubSpot);
        let links = self.sim.store.links.values().filter(|link| link.state == LinkState::Active);
        let paused = links
            .map(|link| link.record(to))
            .find(|record| scope.contains(PauseScope::new(Some(record.object), Some(to))));
        let (Some(record), true) = (paused, self.sim.engine.is_some()) else { return };
        let ticket = self.sim.ask(Ask::Push { record, to, dry_run: false });
        match self.sim.replies.get(&ticket) {
            Some(Reply::Refused { reason, hint }) => {
                assert!(reason.contains("paused by ann since ") && hint.contains("lockstep resume"), "{reason} {hint}");
                self.played.refused += 1;
            }
            Some(other) => self.fail(&format!("a push of what is paused was answered {other:?}")),
            // the engine died on the way to its answer
            None => {}
        }
    }

    /// People pause and resume while users edit, faults strike and the engine dies.
    fn agitate(&mut self) {
        let end = self.sim.scenario.agitation();
        let step = (end / 14).max(1);
        while self.sim.now + step < end {
            let crashes = self.sim.outcome.counters.crashes;
            let was_paused = !self.under_way.is_empty();
            let until = self.sim.now + self.random.between(1, step * 2).min(end - self.sim.now);
            self.sim.run_until(until);
            self.expect_nothing_sent();
            if was_paused {
                self.played.killed += self.sim.outcome.counters.crashes - crashes;
            }
            match self.random.below(10) {
                0..5 => {
                    let scope = self.any_scope();
                    self.pause(scope);
                }
                5 => self.push_some(),
                6 => self.resume(PauseScope::EVERYTHING),
                _ => {
                    let scope = match self.under_way.first() {
                        Some(watched) => watched.scope,
                        None => continue,
                    };
                    self.resume(scope);
                }
            }
        }
        self.sim.run_until(end);
        self.resume(PauseScope::EVERYTHING);
        if !self.sim.store.pauses.is_empty() {
            // the engine died before it took that in, or stood still: it was never answered, and is asked for once more
            self.sim.note(|| "a command resumes what is still paused".into());
            self.sim.store.pauses.lift(PauseScope::EVERYTHING);
        }
    }
}

fn play(scenario: &Scenario, schemas: &[BySystem<Schema>]) -> Played {
    let mut world = World::new(scenario, schemas);
    world.agitate();
    // from here on everything must come to rest as in any other world
    world.sim.run();
    if world.sim.broken() {
        world.fail(&format!("{:?}", world.sim.outcome.violations));
    }
    if let Some(status) = world.sim.store.statuses.values().find(|status| status.why.starts_with("paused")) {
        world.fail(&format!("{status:?} is shown as paused, and nothing is"));
    }
    world.played
}

#[test]
fn i20_nothing_is_sent_of_what_is_paused_and_all_of_it_crosses_afterwards() {
    let schemas = fields::schemas();
    let asked = std::env::var("LOCKSTEP_SEEDS").ok().and_then(|text| text.parse::<u64>().ok());
    let worlds = asked.map_or(WORLDS, |seeds| WORLDS.max(seeds / SHARE));
    let mut all = Played::default();
    for seed in (1..=worlds).chain(FOUND) {
        let played = play(&Scenario::draw(seed), &schemas);
        all.pauses += played.pauses;
        all.waited += played.waited;
        all.landed_late += played.landed_late;
        all.refused += played.refused;
        all.killed += played.killed;
    }
    let Played { pauses, waited, landed_late, refused, killed } = all;
    println!(
        "{worlds} worlds: {pauses} pauses, {waited} times a record waited, {landed_late} looks at writes that were on \
         their way, {refused} pushes refused, {killed} kills while paused"
    );
    let worlds = worlds as u32;
    assert!(
        pauses > worlds && waited > worlds && refused * 10 > worlds && killed * 10 > worlds,
        "the worlds are too tame"
    );
}

#[test]
fn i20_a_kill_at_any_point_of_a_paused_world_sends_nothing() {
    let schemas = fields::schemas();
    for seed in 1..=3 {
        let calm = Scenario { crashes: Vec::new(), ..Scenario::draw(seed) };
        for at in (5..200).step_by(7) {
            let kill = Crash { at, down: 30_000, takes_the_store: false };
            let again = Crash { at: at + 6, down: 1_000, takes_the_store: false };
            play(&Scenario { crashes: vec![kill, again], ..calm.clone() }, &schemas);
        }
    }
}

/// A world without trouble, and some polls of it behind it.
fn calm(seed: u64) -> Scenario {
    let drawn = Scenario::draw(seed);
    let quiet = Scenario { ops: Vec::new(), crashes: Vec::new(), rounds: 10_000, guards: Guards::default(), ..drawn };
    quiet.with_faults(Vec::new())
}

/// A text field of an active pair that HubSpot's users may edit and that crosses, with HubSpot's record.
fn crossing(sim: &Simulation<'_>) -> Option<(RecordRef, usize)> {
    let mut links = sim.store.links.values().filter(|link| link.state == LinkState::Active);
    links.find_map(|link| {
        let plain = |at: &usize| SPECS[*at].shape == Shape::Text && SPECS[*at].writes(System::ConnectWise);
        let place = fields::places(link.object, sim.scenario.fields).find(plain)?;
        sim.live(System::HubSpot, link.hubspot).then(|| (link.record(System::HubSpot), place))
    })
}

fn edit(sim: &mut Simulation<'_>, record: RecordRef, place: usize, number: u32) {
    let spec = &SPECS[place];
    let values = [(FieldName::new(spec.name(record.system)), spec.value(record.system, number))];
    let (now, by) = (sim.now, By::User { settled: true });
    sim.servers[record.system].set(now, record.id, by, &values, None, &mut sim.ledger);
}

#[test]
fn i20_while_all_is_paused_changes_are_still_read_and_an_undo_is_refused() {
    let schemas = fields::schemas();
    let mut seen = 0;
    for seed in 1..=60 {
        let scenario = calm(seed);
        let mut world = World::new(&scenario, &schemas);
        let poll = scenario.clockwork.poll.cast_signed() * 1000;
        world.sim.run_until(14 * poll);
        let Some((record, place)) = crossing(&world.sim) else { continue };
        edit(&mut world.sim, record, place, 7_001);
        world.sim.run_until(world.sim.now + 14 * poll);
        let of_run = |sim: &Simulation<'_>, from: usize| {
            let written = sim.ledger[from..].iter().find_map(|mutation| match mutation.by {
                By::Engine { intent, .. } if mutation.system == System::ConnectWise => Some(intent),
                _ => None,
            });
            written.and_then(|intent| sim.store.intents.get(&intent)).cloned()
        };
        let from = world.sim.ledger.iter().rposition(|mutation| mutation.record == record.id).unwrap_or(0);
        let Some(write) = of_run(&world.sim, from).filter(|write| write.kind == IntentKind::Update) else { continue };
        if write.state != IntentState::Applied {
            continue;
        }
        world.pause(PauseScope::EVERYTHING);
        let ticket = world.sim.ask(Ask::Undo { what: Undo::Run(write.run), dry_run: false });
        world.sim.run_until(world.sim.now + poll);
        edit(&mut world.sim, record, place, 7_002);
        world.sim.run_until(world.sim.now + 14 * poll);
        world.expect_nothing_sent();
        match world.sim.replies.get(&ticket) {
            Some(Reply::Refused { reason, hint }) => {
                assert!(reason.starts_with("Everything: paused by ann since "), "{reason}");
                assert!(hint.contains("`lockstep resume` lets writes go on"), "{hint}");
            }
            other => world.fail(&format!("an undo of what is paused was answered {other:?}")),
        }
        let undos = world.sim.store.runs_by_id.values().filter(|run| matches!(run.kind, RunKind::Undo { .. })).count();
        assert_eq!(undos, 0, "seed {seed}: a refused undo is no run");
        let spec = &SPECS[place];
        let read = world.sim.store.observations.get(&record).map(|seen| seen.record.value(spec.hubspot).clone());
        assert_eq!(read, Some(spec.value(System::HubSpot, 7_002)), "seed {seed}: reading goes on");
        let status = world.sim.store.statuses.get(&record).cloned();
        assert!(status.is_some_and(|shown| shown.state == RecordState::Pending), "seed {seed}");
        world.resume(PauseScope::EVERYTHING);
        world.sim.run_until(world.sim.now + 3 * poll);
        let partner = world.sim.store.link_at(record).map(|link| link.record(System::ConnectWise));
        let Some(partner) = partner else { world.fail("the link is gone") };
        let held =
            world.sim.servers.connectwise.records.get(&partner.id).map(|entry| entry.value(spec.connectwise).clone());
        assert_eq!(
            held.map(|held| spec.canon(System::ConnectWise, &held)),
            Some(spec.canon(System::HubSpot, &spec.value(System::HubSpot, 7_002))),
            "seed {seed}: what was kept crosses"
        );
        seen += 1;
    }
    assert!(seen > 10, "only {seen} worlds had a write to take back");
}
