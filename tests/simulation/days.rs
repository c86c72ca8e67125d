//! Filters that depend on the day: when a day turns, what enters and leaves them does so by itself, also where nothing else
//! happens, after a crash, and where the filter was deployed when all was at rest.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

use lockstep::engine::core::command::{Command, Event};
use lockstep::engine::core::request::Answer;
use lockstep::engine::core::state::{DirtyReason, RecordState};
use lockstep::engine::core::{Engine, Mode};
use lockstep::mapping::{Guards, Rules};
use lockstep::model::{
    BySystem, ConfigVersion, FieldDef, FieldKind, ObjectKind, RecordRef, Schema, System, Timestamp, Value,
};

use crate::fields::{self, SPECS, Shape};
use crate::scenario::Clockwork;
use crate::server::{By, EPOCH, Mutation};
use crate::single::Single;

pub const CLOCKWORK: Clockwork = Clockwork { poll: 60, index_lag: 600, settled: 120, sweep: 600, flight: 180 };
const COMPANY: ObjectKind = ObjectKind::Company;
pub const MINUTE: i64 = 60_000;
/// The day is the first of January of 2026.
const MIDNIGHT: i64 = 24 * 60 * MINUTE;
/// The date that filters ask for.
const RENEWAL: &str = "renewal";

/// Two systems, and an engine that looks at them every minute.
pub struct World {
    pub single: Single,
    pub engine: Engine,
    schemas: Vec<BySystem<Schema>>,
    wake: i64,
    answers: Vec<Event>,
    pub written: Vec<Mutation>,
}

fn schemas() -> Vec<BySystem<Schema>> {
    let mut schemas = fields::schemas().to_vec();
    let company = schemas.iter_mut().find(|pair| pair.hubspot.object == COMPANY).unwrap();
    let like = company.hubspot.fields[0].clone();
    let renewal =
        FieldDef { name: RENEWAL.into(), label: "Renewal".into(), kind: FieldKind::Date, options: vec![], ..like };
    company.hubspot.fields.push(renewal);
    company.hubspot.fields.sort_by(|a, b| a.name.cmp(&b.name));
    schemas
}

fn rules(filter: &str, version: u32, schemas: &[BySystem<Schema>]) -> Rules {
    let mut config = fields::config(0b11, &CLOCKWORK, &Guards::default());
    config.objects[0].filters.to_connectwise = filter.to_owned();
    Rules::compile(config, ConfigVersion(version), schemas).unwrap()
}

impl World {
    /// An hour before midnight.
    fn new(filter: &str) -> Self {
        let schemas = schemas();
        let mut world = Self::with(rules(filter, 1, &schemas), schemas);
        world.single.now = MIDNIGHT - 60 * MINUTE;
        world
    }

    /// At the beginning of the first day.
    pub fn with(rules: Rules, schemas: Vec<BySystem<Schema>>) -> Self {
        let single = Single::new();
        let engine = Engine::new(rules, Mode::Watch, &single.store).unwrap();
        Self { single, engine, schemas, wake: 0, answers: Vec::new(), written: Vec::new() }
    }

    /// A company of HubSpot that is to be renewed on that day.
    fn company(&mut self, n: u32, renewal: &str) -> RecordRef {
        let name = SPECS.iter().find(|spec| spec.object == COMPANY && spec.shape == Shape::Name).unwrap();
        let values = [
            (name.hubspot.into(), name.value(System::HubSpot, n)),
            (RENEWAL.into(), if renewal.is_empty() { Value::Empty } else { Value::text(renewal) }),
        ];
        let (now, by) = (self.single.now, By::User { settled: true });
        let id = self.single.servers.hubspot.insert(now, by, COMPANY, &values, None, &mut self.written);
        RecordRef::new(COMPANY, System::HubSpot, id)
    }

    fn rename(&mut self, of: RecordRef, n: u32) {
        let name = SPECS.iter().find(|spec| spec.object == COMPANY && spec.shape == Shape::Name).unwrap();
        let values = [(name.hubspot.into(), name.value(System::HubSpot, n))];
        let (now, by) = (self.single.now, By::User { settled: true });
        self.single.servers.hubspot.set(now, of.id, by, &values, None, &mut self.written);
    }

    /// Lets the engine go on until that moment.
    pub fn until(&mut self, end: i64) {
        loop {
            if self.answers.is_empty() {
                if self.wake > end {
                    self.single.now = end;
                    return;
                }
                self.single.now = self.single.now.max(self.wake);
                self.answers.push(Event::Tick);
            }
            self.single.now += 1;
            self.wake = i64::MAX;
            let now = Timestamp(EPOCH + self.single.now);
            let commands = self.engine.step(now, &self.single.store, std::mem::take(&mut self.answers)).unwrap();
            for command in commands {
                match command {
                    Command::Commit(batch) => self.single.store.apply(batch),
                    Command::Send(request, body) => {
                        let body = self.single.serve(&body, &mut self.written);
                        self.answers.push(Event::Answer(Answer { request, server_time: None, calls: 1, body }));
                    }
                    Command::WakeAt(at) => self.wake = self.wake.min(at.0 - EPOCH),
                    Command::Notify(_) => {}
                }
            }
        }
    }

    /// The engine dies, and another one starts.
    fn crash(&mut self, filter: &str, version: u32) {
        self.answers.clear();
        self.wake = 0;
        let rules = rules(filter, version, &self.schemas);
        self.engine = Engine::new(rules, Mode::Watch, &self.single.store).unwrap();
    }

    pub fn state(&self, of: RecordRef) -> RecordState {
        self.single.store.statuses[&of].state
    }

    /// What the engine wrote to ConnectWise.
    fn copies(&self) -> usize {
        self.written
            .iter()
            .filter(|one| one.system == System::ConnectWise && matches!(one.by, By::Engine { .. }))
            .count()
    }

    /// When its filter turns.
    fn rests_until(&self, of: RecordRef) -> Option<i64> {
        let mark = self.single.store.dirty.get(&of)?;
        assert_eq!(mark.reason, DirtyReason::Day, "{mark:?}");
        Some(mark.not_before.0 - EPOCH)
    }
}

#[test]
fn i7_a_record_enters_and_leaves_a_filter_by_itself_at_midnight() {
    for crashes in [false, true] {
        let mut world = World::new("renewal = today");
        let today = world.company(1, "2026-01-01");
        let tomorrow = world.company(2, "2026-01-02");
        let never = world.company(3, "");
        let past = world.company(4, "2025-12-31");
        world.until(MIDNIGHT - 5 * MINUTE);
        let of = [today, tomorrow, never, past];
        use RecordState::{Excluded, InSync};
        assert_eq!(of.map(|of| world.state(of)), [InSync, Excluded, Excluded, Excluded]);
        assert_eq!(of.map(|of| world.rests_until(of)), [Some(MIDNIGHT), Some(MIDNIGHT), None, None]);
        let copies = world.copies();
        if crashes {
            world.crash("renewal = today", 1);
        }
        world.until(MIDNIGHT - 1);
        assert_eq!(world.copies(), copies, "not before the day");
        world.until(MIDNIGHT + 2 * MINUTE);
        assert_eq!(of.map(|of| world.state(of)), [InSync, InSync, Excluded, Excluded], "the first has its partner");
        assert_eq!(of.map(|of| world.rests_until(of)), [None, Some(2 * MIDNIGHT), None, None]);
        // who left is frozen, whatever becomes of it; who came crosses
        world.rename(today, 5);
        world.rename(tomorrow, 6);
        let copies = world.copies();
        world.until(MIDNIGHT + 20 * MINUTE);
        assert_eq!(of.map(|of| world.state(of)), [Excluded, InSync, Excluded, Excluded]);
        assert_eq!(world.copies(), copies + 1, "the one that left was written");
    }
}

#[test]
fn i18_a_filter_that_depends_on_the_day_is_looked_at_at_midnight_also_where_it_came_to_a_world_at_rest() {
    let mut world = World::new("");
    let (short, long) = (world.company(1, "2026-01-01"), world.company(2, "2026-02-01"));
    world.until(MIDNIGHT - 30 * MINUTE);
    world.rename(short, 3);
    assert_eq!([short, long].map(|of| world.rests_until(of)), [None, None]);
    let rules = rules("renewal >= today", 2, &world.schemas);
    world.engine.change_rules(rules);
    world.until(MIDNIGHT - 20 * MINUTE);
    let after_long = 32 * MIDNIGHT;
    assert_eq!([short, long].map(|of| world.rests_until(of)), [Some(MIDNIGHT), Some(after_long)]);
    // a mark that rests for weeks is looked at when it is due, and not every day
    world.until(MIDNIGHT - 1);
    let seen = world.single.store.dirty[&long].since;
    world.until(MIDNIGHT + 10 * MINUTE);
    assert_eq!(world.single.store.dirty[&long].since, seen);
    world.rename(short, 4);
    world.rename(long, 5);
    let copies = world.copies();
    world.until(MIDNIGHT + 30 * MINUTE);
    assert_eq!(world.copies(), copies + 1);
    assert_eq!([short, long].map(|of| world.state(of)), [RecordState::Excluded, RecordState::InSync]);
    assert_eq!(world.rests_until(long), Some(after_long), "a change in between takes nothing from it");
    // without such a filter the mark goes with its day
    world.crash("", 3);
    world.until(MIDNIGHT + 60 * MINUTE);
    assert!(world.single.store.dirty.values().all(|mark| mark.reason == DirtyReason::Day));
}
