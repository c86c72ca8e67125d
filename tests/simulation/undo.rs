//! I16: an undo puts back every field that nobody touched since, bit for bit, leaves alone and tells what somebody did
//! touch, and causes no writes afterwards until somebody edits again; under faults, and with a kill at any point.

use std::collections::BTreeSet;

use lockstep::engine::core::command::{Ask, Reply};
use lockstep::engine::core::state::{IntentKind, IntentState, LinkState, RecordState, RunKind};
use lockstep::engine::core::undo::{Undo, UndoEnd, UndoReport};
use lockstep::mapping::Guards;
use lockstep::model::{BySystem, FieldName, IntentId, RecordRef, RunId, Schema, System, Value};

use crate::clocks::Clocks;
use crate::faults::Fault;
use crate::fields::{self, SPECS, Shape, Spec, index_of};
use crate::random::Random;
use crate::scenario::{Crash, Scenario, Temper};
use crate::server::{By, Change};
use crate::simulation::{Simulation, Trace};

/// Worlds of the random test when nobody says how many; most have something to take back.
const WORLDS: u64 = 200;
/// Of so many seeds of the long test, one is a world here: each is played twice and through many more hours.
const SHARE: u64 = 50;
/// Worlds of bugs that are mended: one that trusted a read which was on its way when the undo was asked for, and did not see
/// what a person had entered meanwhile.
const FOUND: [u64; 1] = [491];
/// A person asks again so often at most.
const MOST_ASKS: u32 = 25;
/// Values that no setup uses.
const FIRST_VALUE: u32 = 5_000;

/// One field of one record that the run wrote, as the ledger of its server tells the story.
struct Written {
    record: RecordRef,
    place: usize,
    /// What it held before the run, as far back as nobody else came between.
    before: Value,
    /// Somebody changed it, or its source, after the run had written it.
    touched: bool,
}

impl Written {
    const fn spec(&self) -> &'static Spec {
        &SPECS[self.place]
    }

    fn name(&self) -> FieldName {
        self.spec().name(self.record.system).into()
    }
}

/// Whether what users enter is something new every time.
const fn has_own_values(spec: &Spec) -> bool {
    matches!(spec.shape, Shape::Name | Shape::Text | Shape::Number | Shape::Choice | Shape::Day)
}

struct World<'a> {
    sim: Simulation<'a>,
    random: Random,
    value: u32,
    poll: i64,
}

/// What one world came to.
struct Played {
    /// Commands performed when the undo was first asked for, and when it was over.
    commands: (u32, u32),
    /// Requests sent, at the same moments.
    requests: (u32, u32),
    restored: usize,
    touched: usize,
    asks: u32,
    crashes: u32,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, schemas: &'a [BySystem<Schema>]) -> Self {
        let sim = Simulation::new(scenario, schemas, Trace::Lines);
        let poll = scenario.clockwork.poll.cast_signed() * 1000;
        Self { sim, random: Random::stream(scenario.seed, 16), value: FIRST_VALUE, poll }
    }

    fn wait(&mut self, polls: i64) {
        let until = self.sim.now + polls * self.poll;
        self.sim.run_until(until);
    }

    fn fail(&self, what: &str) -> ! {
        panic!("seed {}: {what}\n{:?}\n{}", self.sim.scenario.seed, self.sim.scenario, self.sim.outcome.log.join("\n"))
    }

    fn holds(&self, record: RecordRef, name: &FieldName) -> Value {
        let entry = self.sim.servers[record.system].records.get(&record.id);
        entry.map_or(Value::Empty, |entry| entry.value(name.as_str()).clone())
    }

    /// A user enters a value that nobody entered before.
    fn edit(&mut self, record: RecordRef, place: usize) {
        let spec = &SPECS[place];
        self.value += 1;
        let number = if spec.shape == Shape::Choice { self.value } else { self.value * 32 + place as u32 };
        let values = [(FieldName::new(spec.name(record.system)), spec.value(record.system, number))];
        self.sim.note(|| format!("user sets {record} {values:?}"));
        let (now, by) = (self.sim.now, By::User { settled: true });
        self.sim.servers[record.system].set(now, record.id, by, &values, None, &mut self.sim.ledger);
    }

    /// Fields of linked records that users may edit and that cross from that side, with that side's record.
    fn editable(&self) -> Vec<(RecordRef, usize)> {
        let active = self.sim.store.links.values().filter(|link| link.state == LinkState::Active);
        let mut all = Vec::new();
        for link in active {
            for place in fields::places(link.object, self.sim.scenario.fields) {
                for side in System::BOTH {
                    let spec = &SPECS[place];
                    // of which two edits never enter the same
                    let plain = has_own_values(spec);
                    if plain && spec.writes(side.other()) && self.sim.live(side, link.id_in(side)) {
                        all.push((link.record(side), place));
                    }
                }
            }
        }
        all
    }

    fn edit_some(&mut self, among: &[(RecordRef, usize)], most: u64) {
        for _ in 0..self.random.between(1, most.cast_signed()) {
            if !among.is_empty() {
                let (record, place) = among[self.random.below(among.len() as u64) as usize];
                self.edit(record, place);
            }
        }
    }

    /// A run that changed fields of records that were there.
    fn some_run(&mut self) -> Option<RunId> {
        let updates = self.sim.store.intents.values().filter(|intent| {
            intent.kind == IntentKind::Update && intent.state == IntentState::Applied && !intent.writes.is_empty()
        });
        let runs: BTreeSet<RunId> = updates.map(|intent| intent.run).collect();
        let runs: Vec<RunId> = runs.into_iter().collect();
        // mostly the last one
        let any = self.random.below(runs.len() as u64) as usize;
        if self.random.chance(600) { runs.last().copied() } else { runs.get(any).copied() }
    }

    fn is_of(&self, intent: IntentId, is: impl Fn(RunId, RunKind) -> bool) -> bool {
        let run = self.sim.store.intents.get(&intent).map(|intent| intent.run);
        run.and_then(|run| self.sim.store.runs_by_id.get(&run)).is_some_and(|run| is(run.id, run.kind))
    }

    /// The fields that a run wrote, from outside: by what its writes did to the servers.
    fn written_by(&self, run: RunId) -> Vec<Written> {
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for (at, mutation) in self.sim.ledger.iter().enumerate().rev() {
            let By::Engine { intent, .. } = mutation.by else { continue };
            if mutation.what != Change::Updated || !self.is_of(intent, |id, _| id == run) {
                continue;
            }
            let record = self.sim.servers[mutation.system].named(mutation.record);
            for (name, ..) in &mutation.fields {
                let Some(place) = index_of(mutation.object, mutation.system, name.as_str()) else { continue };
                if seen.insert((record, place)) {
                    all.push(self.written(run, record, place, at));
                }
            }
        }
        all
    }

    /// The story of one field whose last write by the run is the one at `last` of the ledger.
    fn written(&self, run: RunId, record: RecordRef, place: usize, last: usize) -> Written {
        let spec = &SPECS[place];
        let link = self.sim.store.link_at(record);
        let source = link.map(|link| link.record(record.system.other()));
        let changes = |of: RecordRef, at: usize| {
            let mutation = &self.sim.ledger[at];
            let concerns = mutation.system == of.system && mutation.record == of.id;
            // who enters what is there already touches nothing
            let is_it = |(name, before, after): &(FieldName, Value, Value)| {
                name.as_str() == spec.name(of.system) && before != after
            };
            concerns && mutation.fields.iter().any(is_it)
        };
        let by_others = |at: usize| match self.sim.ledger[at].by {
            By::User { .. } => true,
            By::Engine { intent, .. } => !self.is_of(intent, |id, _| id == run),
        };
        let mut before = Value::Empty;
        for at in (0..=last).rev().filter(|at| changes(record, *at)) {
            if by_others(at) {
                break;
            }
            let change = self.sim.ledger[at].fields.iter().find(|(name, ..)| name.as_str() == spec.name(record.system));
            before = change.map(|(_, before, _)| before.clone()).unwrap_or_default();
        }
        let end = self.sim.ledger.len();
        let touched = (last + 1..end)
            .any(|at| by_others(at) && (changes(record, at) || source.is_some_and(|source| changes(source, at))));
        // what a user entered at the source while the write was on its way
        let crossed = self.sim.store.intents.values().rev().find(|intent| {
            intent.run == run
                && intent.target_record() == Some(record)
                && intent.writes.iter().any(|write| write.field.as_str() == spec.name(record.system))
        });
        let newer = crossed.zip(source).is_some_and(|(intent, source)| {
            let write = intent.writes.iter().find(|write| write.field.as_str() == spec.name(record.system));
            write.is_some_and(|write| write.source != self.holds(source, &spec.name(source.system).into()))
        });
        Written { record, place, before, touched: touched || newer }
    }

    /// Asks until all of it is done or told; a kill or a fault may need it to be asked for again.
    fn undo(&mut self, run: RunId) -> (UndoReport, u32) {
        for asks in 1..=MOST_ASKS {
            if asks == 8 {
                self.sim.calm_down();
            }
            let ticket = self.sim.ask(Ask::Undo { what: Undo::Run(run), dry_run: false });
            self.wait(5);
            if let Some(Reply::Undone(report)) = self.sim.replies.get(&ticket) {
                let open =
                    |end: &UndoEnd| matches!(end, UndoEnd::Unconfirmed(_) | UndoEnd::NotDone(_) | UndoEnd::Refused(_));
                if report.stopped.is_none() && !report.fields.iter().any(|field| open(&field.end)) {
                    return (report.as_ref().clone(), asks);
                }
            }
        }
        self.fail("the undo does not come to its end");
    }

    fn expect_restored(&self, written: &[Written], what: &str) {
        for one in written.iter().filter(|one| !one.touched) {
            let now = self.holds(one.record, &one.name());
            if now != one.before {
                self.fail(&format!("{what}: {} of {} is {now:?}, not {:?}", one.name(), one.record, one.before));
            }
        }
    }

    /// Nothing of what was put back, and of its sources, is written from now on. A user's edit that a fault held up may
    /// still cross, be it an hour later.
    fn expect_rest(&mut self, written: &[Written], what: &str) {
        self.wait(10);
        let from = self.sim.ledger.len();
        let sweep = self.sim.scenario.clockwork.sweep.cast_signed() * 1000;
        self.wait(6.max(sweep / self.poll + 1));
        for mutation in &self.sim.ledger[from..] {
            let of = |one: &&Written| {
                let link = self.sim.store.link_at(one.record);
                let is_it = link.is_some_and(|link| link.id_in(mutation.system) == mutation.record);
                let name = one.spec().name(mutation.system);
                !one.touched && is_it && mutation.fields.iter().any(|(field, ..)| field.as_str() == name)
            };
            if let Some(one) = written.iter().find(of) {
                self.fail(&format!("{what}: {} of {} was written again", one.name(), one.record));
            }
        }
    }
}

/// A world without moves and merges: records are filled, edited, crossed, edited again, and one run is taken back.
fn play(scenario: &Scenario, schemas: &[BySystem<Schema>]) -> Option<Played> {
    let mut world = World::new(scenario, schemas);
    world.wait(8);
    let editable = world.editable();
    world.edit_some(&editable, 6);
    world.wait(4);
    let run = world.some_run()?;
    // some of it is touched: on its own side or at its source, long before or just now
    let mine: Vec<_> = world.written_by(run).iter().map(|one| (one.record, one.place)).collect();
    let editable = world.editable();
    let near = |of: &(RecordRef, usize)| {
        mine.iter().any(|(record, place)| {
            *place == of.1 && world.sim.store.link_at(*record).is_some_and(|link| link.record(of.0.system) == of.0)
        })
    };
    let near: Vec<_> = editable.into_iter().filter(near).collect();
    if world.random.chance(400) {
        world.edit_some(&near, 2);
        let pause = world.random.below(3).cast_signed();
        world.wait(pause);
    }
    if world.random.chance(300) {
        world.edit_some(&near, 2);
    }
    let written = world.written_by(run);
    let mutations = world.sim.ledger.len();
    let before = (world.sim.commands, world.sim.sent);
    let (report, asks) = world.undo(run);
    let after = (world.sim.commands, world.sim.sent);
    let crashes = world.sim.outcome.counters.crashes;
    world.sim.calm_down();
    let told =
        |one: &Written| report.fields.iter().find(|field| field.record == one.record && field.field == one.name());
    for one in &written {
        let Some(field) = told(one) else { world.fail(&format!("{} of {} is not told", one.name(), one.record)) };
        let fine = match &field.end {
            UndoEnd::Restored | UndoEnd::AsBefore => true,
            UndoEnd::Changed { .. } => one.touched,
            // nobody is taken away from their company
            UndoEnd::Kept { .. } => one.spec().parent().is_some() && one.record.system == System::HubSpot,
            _ => false,
        };
        if !fine {
            world.fail(&format!("{} of {}: {:?}, touched {}", one.name(), one.record, field.end, one.touched));
        }
    }
    let kept = |one: &Written| told(one).is_some_and(|field| matches!(field.end, UndoEnd::Kept { .. }));
    let written: Vec<Written> = written.into_iter().filter(|one| !kept(one)).collect();
    world.expect_restored(&written, "after the undo");
    // what was touched is not written by any undo, save with the very value it had before
    for mutation in &world.sim.ledger[mutations..] {
        let By::Engine { intent, .. } = mutation.by else { continue };
        if !world.is_of(intent, |_, kind| matches!(kind, RunKind::Undo { .. })) {
            continue;
        }
        for one in written.iter().filter(|one| one.touched && one.record.id == mutation.record) {
            if one.record.system == mutation.system && mutation.fields.iter().any(|(name, ..)| *name == one.name()) {
                world.fail(&format!("{} of {} was touched, and taken back", one.name(), one.record));
            }
        }
    }
    world.expect_rest(&written, "after the undo");
    world.expect_restored(&written, "some cycles later");
    check_redo(&mut world, run, &written);
    check_new_edit(&mut world, &written);
    let violations = &world.sim.outcome.violations;
    if !violations.is_empty() {
        world.fail(&format!("{violations:?}"));
    }
    Some(Played {
        commands: (before.0, after.0),
        requests: (before.1, after.1),
        restored: written.iter().filter(|one| !one.touched).count(),
        touched: written.iter().filter(|one| one.touched).count(),
        asks,
        crashes,
    })
}

/// Taking back the undo brings back what the run had written; taking back that is the undo once more.
fn check_redo(world: &mut World<'_>, run: RunId, written: &[Written]) {
    let undo_of = |of: RunId, world: &World<'_>| {
        let runs = world.sim.store.runs_by_id.values();
        runs.filter(|row| row.kind == RunKind::Undo { of } && row.counts.total() != Default::default())
            .map(|row| row.id)
            .collect::<Vec<_>>()
    };
    let undos = undo_of(run, world);
    let [undo] = undos.as_slice() else { return };
    let back = world.written_by(*undo);
    world.undo(*undo);
    world.expect_restored(&back, "after the redo");
    world.expect_rest(&back, "after the redo");
    let redos = undo_of(*undo, world);
    let [redo] = redos.as_slice() else { return };
    world.undo(*redo);
    world.expect_restored(written, "after the second undo");
    world.expect_rest(written, "after the second undo");
}

/// A new edit of the source crosses.
fn check_new_edit(world: &mut World<'_>, written: &[Written]) {
    let Some(one) = written.iter().find(|one| !one.touched && has_own_values(one.spec())) else {
        return;
    };
    let Some(link) = world.sim.store.link_at(one.record) else { return };
    let (source, anchor) = (link.record(one.record.system.other()), link.record(System::HubSpot));
    world.edit(source, one.place);
    world.wait(14);
    let shown = world.sim.store.statuses.get(&anchor);
    let rests = |state| matches!(state, RecordState::Excluded | RecordState::Failing);
    if shown.is_some_and(|status| rests(status.state)) {
        // the undo took its company away, and without one nothing of a contact crosses; or another field was refused
        return;
    }
    let canon = |record: RecordRef| {
        let spec = one.spec();
        spec.canon(record.system, &world.holds(record, &spec.name(record.system).into()))
    };
    if canon(source) != canon(one.record) {
        world.fail(&format!("a new edit of {} of {source} did not cross", one.name()));
    }
}

/// The scenario of a seed, less what its users would do by themselves.
fn quiet(seed: u64) -> Scenario {
    let drawn = Scenario::draw(seed);
    // undos that a guard holds have tests of their own
    Scenario {
        ops: Vec::new(),
        crashes: Vec::new(),
        clocks: Clocks::default(),
        hints: crate::hints::Hints::default(),
        rounds: 10_000,
        guards: Guards::default(),
        // what a late write displaces of a user's, nobody but that user ever saw: no undo brings it back
        server: Temper { meddles: false, ..drawn.server },
        ..drawn
    }
}

fn crash(at: u32, down: i64) -> Crash {
    Crash { at, down, takes_the_store: false }
}

#[test]
fn i16_what_nobody_touched_is_put_back_bit_for_bit_and_nothing_else() {
    let schemas = fields::schemas();
    let asked = std::env::var("LOCKSTEP_SEEDS").ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = asked.map_or(WORLDS, |seeds| WORLDS.max(seeds / SHARE));
    let (mut worlds, mut restored, mut touched, mut repeated, mut crashes) = (0, 0, 0, 0, 0u64);
    for seed in (1..=seeds).chain(FOUND) {
        let scenario = quiet(seed);
        let Some(played) = play(&scenario, &schemas) else { continue };
        worlds += 1;
        restored += played.restored as u64;
        touched += played.touched as u64;
        repeated += u64::from(played.asks > 1);
        // the same world, and the engine dies somewhere on the way
        let mut random = Random::stream(seed, 17);
        let (first, last) = played.commands;
        let at = first + 1 + random.below(u64::from((last - first).min(60))) as u32;
        let scenario = Scenario { crashes: vec![crash(at, random.between(0, 60_000))], ..scenario };
        crashes += play(&scenario, &schemas).map_or(0, |played| u64::from(played.crashes));
    }
    println!(
        "{worlds} worlds: {restored} fields put back, {touched} left alone, {repeated} asked for again, {crashes} kills"
    );
    assert!(worlds * 2 > seeds && restored > worlds && touched * 5 > worlds, "the worlds are too tame");
    assert!(repeated * 20 > worlds && crashes * 3 > worlds, "the worlds are too kind");
}

#[test]
fn i16_a_kill_at_any_point_of_an_undo_loses_and_doubles_nothing() {
    let schemas = fields::schemas();
    let scenario = (1..).map(quiet).map(|scenario| scenario.with_faults(Vec::new()));
    let mut found = 0;
    for scenario in scenario.take(60) {
        let Some(played) = play(&scenario, &schemas).filter(|played| played.restored > 1) else { continue };
        let (first, last) = played.commands;
        for at in first + 1..=last.min(first + 40) {
            play(&Scenario { crashes: vec![crash(at, 500)], ..scenario.clone() }, &schemas);
        }
        found += 1;
        if found == 3 {
            return;
        }
    }
    panic!("no world has an undo of more than one field");
}

#[test]
fn i16_every_fault_at_every_request_of_an_undo_is_survived() {
    let schemas = fields::schemas();
    let calm = (1..60).map(quiet).map(|scenario| scenario.with_faults(Vec::new()));
    let mut played = calm.filter_map(|scenario| Some((play(&scenario, &schemas)?, scenario)));
    let Some((played, scenario)) = played.find(|(played, _)| played.restored > 1) else {
        panic!("no world has an undo of more than one field")
    };
    let (first, last) = played.requests;
    for fault in Fault::ALL {
        for number in first + 1..=last.min(first + 30) {
            play(&scenario.with_faults(vec![(number, fault)]), &schemas);
        }
    }
}

/// A read that leaves a record out does not say that the cache knows it.
#[test]
fn i16_what_a_read_says_nothing_of_is_not_decided_on_what_was_known_before() {
    let schemas = fields::schemas();
    let calm = (1..120).map(quiet).map(|scenario| scenario.with_faults(Vec::new()));
    let mut worlds = 0;
    for scenario in calm {
        let Some(played) = play(&scenario, &schemas).filter(|played| played.touched > 0) else { continue };
        let (first, last) = played.requests;
        for number in first + 1..=last.min(first + 12) {
            play(&scenario.with_faults(vec![(number, Fault::Untold)]), &schemas);
        }
        worlds += 1;
    }
    assert!(worlds > 10, "{worlds} worlds in which somebody touched what is undone");
}
