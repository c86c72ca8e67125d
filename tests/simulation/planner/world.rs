//! A small world for the planner: rows as the engine would have them, and plans pretended to have come true.

use std::collections::BTreeMap;

use lockstep::engine::core::command::{Batch, Durability, Row};
use lockstep::engine::core::plan::{Facts, FieldNext, PairDecision, PairPlan, PlannedWrite, plan_pair};
use lockstep::engine::core::rest::Rest;
use lockstep::engine::core::state::{Agreed, IntentKind, Link, LinkOrigin, LinkState, Observation, Status};
use lockstep::engine::core::view::View;
use lockstep::mapping::keys::{all_keys, stamp_of};
use lockstep::mapping::references::{NOTES, NOTES_OR_NAME};
use lockstep::mapping::{ClearPolicy, Config, Direction, Guards, Rules, SystemOfRecord};
use lockstep::model::{
    BySystem, ConfigVersion, FieldName, LinkId, ObjectKind, Record, RecordId, RecordRef, System, Timestamp, Value,
};
use proptest::prelude::*;

use crate::fields::{self, COUNT, OBJECTS, SPECS, Shape, Spec, complete, places};
use crate::random::mix;
use crate::scenario::Clockwork;
use crate::server::{everyone, required};

const NOW: Timestamp = Timestamp(1_767_225_600_000);

/// How the records of a draw stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Linked, and all fields agreed on.
    Agreed,
    /// Linked, and nothing agreed on yet.
    Linked,
    /// Both there, and not known as one.
    Strangers,
    Only(System),
}

/// One record or pair: what was agreed, and what each side made of it. A value of 0 is none.
#[derive(Debug, Clone)]
pub struct Drawn {
    object: usize,
    presence: Presence,
    /// Which company or contact it belongs to.
    parent: u8,
    base: Vec<u8>,
    changes: BySystem<Vec<(usize, u8)>>,
    modified: BySystem<u8>,
}

pub fn one() -> impl Strategy<Value = Drawn> {
    let presence = prop_oneof![
        4 => Just(Presence::Agreed),
        1 => Just(Presence::Linked),
        2 => Just(Presence::Strangers),
        1 => Just(Presence::Only(System::HubSpot)),
        1 => Just(Presence::Only(System::ConnectWise)),
    ];
    let changes = || proptest::collection::vec((0..COUNT, 0..9_u8), 0..5);
    (
        // companies, contacts, deals, tickets, products; notes, tasks, calls, meetings
        prop_oneof![5 => 0..5_usize, 4 => 6..OBJECTS.len()],
        presence,
        0..6_u8,
        proptest::collection::vec(0..9_u8, COUNT),
        (changes(), changes()),
        (0..3_u8, 0..3_u8),
    )
        .prop_map(|(object, presence, parent, base, changes, modified)| Drawn {
            object,
            presence,
            parent,
            base,
            changes: BySystem::new(changes.0, changes.1),
            modified: BySystem::new(modified.0, modified.1),
        })
}

/// A mapping, and another one of the same fields.
pub struct Mapping {
    mask: u64,
    rules: Rules,
    otherwise: Rules,
}

/// Mappings of many shapes, compiled once: a third without activities, none with line items.
pub fn mappings() -> Vec<Mapping> {
    let schemas = fields::schemas();
    let clockwork = Clockwork { poll: 60, index_lag: 660, settled: 120, sweep: 600, flight: 180 };
    let first = (1 << fields::FIRST_COUNT) - 1;
    let masks = (0..48_u64).map(|n| {
        let drawn = if n % 4 == 0 { !0 } else { mix(n, 1) & first | mix(n, 2) & !first };
        complete(drawn & if n % 3 == 0 { first } else { !fields::LINES })
    });
    let mapping = |mask: u64| {
        let config = fields::config(mask, &clockwork, &Guards::default());
        let otherwise = Rules::compile(otherwise(config, mask), ConfigVersion(2), &schemas);
        Mapping {
            mask,
            rules: fields::rules(mask, &clockwork, &Guards::default(), &schemas),
            otherwise: otherwise.unwrap_or_else(|reasons| panic!("{reasons:?}")),
        }
    };
    masks.map(mapping).collect()
}

/// Other directions, other winners, other words for emptiness, and a filter.
fn otherwise(mut config: Config, seed: u64) -> Config {
    for (at, object) in (0..).zip(&mut config.objects) {
        object.filters.to_connectwise = if at == 0 { "name contains \"1\"".to_owned() } else { String::new() };
        for (place, field) in (0..).zip(&mut object.fields) {
            let word = mix(seed, at * 100 + place);
            field.direction = [Direction::Both, Direction::ToConnectwise, Direction::ToHubspot][(word % 3) as usize];
            field.wins =
                [SystemOfRecord::HubSpot, SystemOfRecord::Latest, SystemOfRecord::Ask][(word / 3 % 3) as usize];
            field.empty = [ClearPolicy::Fill, ClearPolicy::Clear][(word / 9 % 2) as usize];
        }
    }
    config
}

/// A value that one side alone changed, which must be on both sides in the end.
struct Expected {
    of: RecordRef,
    place: usize,
    canon: String,
}

pub struct World<'a> {
    rules: &'a Rules,
    otherwise: &'a Rules,
    mask: u64,
    store: crate::store::MemoryStore,
    next: u64,
    expected: Vec<Expected>,
}

impl<'a> World<'a> {
    pub fn new(Mapping { mask, rules, otherwise }: &'a Mapping, drawn: &[Drawn]) -> Self {
        let store = crate::store::MemoryStore::default();
        let mut world = Self { rules, otherwise, mask: *mask, store, next: 100, expected: Vec::new() };
        // parents come first: others point to them
        let mut drawn: Vec<&Drawn> = drawn.iter().collect();
        drawn.sort_by_key(|one| one.object);
        for one in drawn {
            if rules.object(OBJECTS[one.object]).is_some() {
                world.add(one);
            }
        }
        world
    }

    fn id(&mut self) -> RecordId {
        self.next += 1;
        RecordId(self.next)
    }

    fn add(&mut self, one: &Drawn) {
        let object = OBJECTS[one.object];
        let there = BySystem::from_fn(|system| one.presence != Presence::Only(system.other()));
        let ids = BySystem::new(self.id(), self.id());
        let mut records: BySystem<BTreeMap<FieldName, Value>> = BySystem::default();
        for at in places(object, self.mask) {
            // agreed on nothing only where both may have nothing
            let both = System::BOTH.into_iter().all(|system| SPECS[at].may_be_emptied(system));
            let n = if both { one.base[at] } else { one.base[at].max(1) };
            for system in System::BOTH.into_iter().filter(|system| is_its_own(at, *system)) {
                let value = self.value(at, system, n, one.parent);
                records[system].insert(SPECS[at].name(system).into(), value);
            }
        }
        let linked = matches!(one.presence, Presence::Agreed | Presence::Linked);
        let before = records.clone();
        for system in System::BOTH {
            for (at, n) in &one.changes[system] {
                if self.has(object, *at) && is_its_own(*at, system) {
                    let value = self.value(*at, system, *n, n.wrapping_add(one.parent));
                    records[system].insert(SPECS[*at].name(system).into(), value);
                }
            }
        }
        // what ConnectWise insists on, it has
        for name in required(object, System::ConnectWise) {
            if records.connectwise.get(&FieldName::new(name)).is_none_or(Value::is_empty) {
                return;
            }
        }
        let link = LinkId(ids.hubspot.0);
        if one.presence == Presence::Agreed {
            self.expect(object, ids, &before, &records);
        }
        for system in System::BOTH.into_iter().filter(|system| there[*system]) {
            let modified = Timestamp(NOW.0 - 100_000 + i64::from(one.modified[system]) * 1000);
            let stamp = (linked && system == System::HubSpot).then(|| stamp_of(object, ids.connectwise));
            self.put(RecordRef::new(object, system, ids[system]), records[system].clone(), modified, stamp);
        }
        if linked {
            let agreed = |at: usize| Agreed {
                hubspot: before.hubspot[&FieldName::new(SPECS[at].hubspot)].clone(),
                connectwise: before.connectwise[&FieldName::new(SPECS[at].connectwise)].clone(),
                at: Timestamp(NOW.0 - 200_000),
                supposed: false,
                beside: BySystem::default(),
            };
            let known = places(object, self.mask).filter(|_| one.presence == Presence::Agreed);
            let baseline = known.map(|at| (SPECS[at].key(), agreed(at))).collect();
            let origin = LinkOrigin::Created(System::HubSpot);
            self.put_link(Link { baseline, ..new_link(link, object, ids, origin) });
        }
    }

    fn has(&self, object: ObjectKind, at: usize) -> bool {
        places(object, self.mask).any(|place| place == at)
    }

    /// Of a two-way field that one side alone changed, and not to nothing, both sides will have that side's value.
    fn expect(
        &mut self,
        object: ObjectKind,
        ids: BySystem<RecordId>,
        before: &BySystem<BTreeMap<FieldName, Value>>,
        after: &BySystem<BTreeMap<FieldName, Value>>,
    ) {
        for at in places(object, self.mask) {
            let spec = &SPECS[at];
            if !spec.is_traceable() || spec.direction != Direction::Both {
                continue;
            }
            let value = |of: &BySystem<BTreeMap<FieldName, Value>>, system: System| {
                spec.canon(system, &of[system][&FieldName::new(spec.name(system))])
            };
            let changed = System::BOTH.map(|system| value(before, system) != value(after, system));
            let by = match changed {
                [true, false] => System::HubSpot,
                [false, true] => System::ConnectWise,
                _ => continue,
            };
            let canon = value(after, by);
            if !canon.is_empty() {
                self.expected.push(Expected { of: RecordRef::new(object, by, ids[by]), place: at, canon });
            }
        }
    }

    /// The value number `n` of a field; 0 is none where there may be none. References go to records of the same side.
    fn value(&self, at: usize, system: System, n: u8, parent: u8) -> Value {
        let spec = &SPECS[at];
        if n == 0 && spec.may_be_emptied(system) || spec.shape == Shape::Once && system == System::ConnectWise {
            return Value::Empty;
        }
        // the seventh is not the same text on both sides
        let Some(of) = spec.parent() else { return spec.value(system, if n == 7 { 9 } else { n.into() }) };
        let candidates: Vec<RecordId> = self
            .store
            .observations
            .keys()
            .filter(|seen| seen.object == of && seen.system == system)
            .map(|of| of.id)
            .collect();
        let Some(chosen) = candidates.get(usize::from(parent) % candidates.len().max(1)) else { return Value::Empty };
        match (spec.shape, system) {
            (Shape::Contacts, System::HubSpot) => everyone(std::iter::once(*chosen)),
            (Shape::Contacts, System::ConnectWise) => Value::Choice(chosen.to_string()),
            _ => spec.value(system, chosen.0 as u32),
        }
    }

    fn put(&mut self, of: RecordRef, fields: BTreeMap<FieldName, Value>, modified: Timestamp, stamp: Option<String>) {
        let Some(rules) = self.rules.object(of.object) else { return };
        let mut record = Record { stamp, ..Record::new(of.id, modified, fields.into_iter().collect()) };
        if let Some(text) = record.fields.get(NOTES_OR_NAME).cloned() {
            record.fields.insert(NOTES.into(), text);
        }
        record.fields.retain(|_, value| !value.is_empty());
        let keys = all_keys(rules, of.system, &record);
        self.commit(Row::Observation(Observation { of, record, seen: NOW, keys, gone: false, merged_into: None }));
    }

    fn put_link(&mut self, link: Link) {
        self.commit(Row::ClearStatus(link.record(System::ConnectWise)));
        self.commit(Row::Link(link));
    }

    fn commit(&mut self, row: Row) {
        self.store.apply(Batch { durability: Durability::Process, rows: vec![row] });
    }

    /// Plans and pretends until nothing is left to do. Returns the rounds that took, the last one idle.
    pub fn settle(&mut self, order: u64, most: usize) -> Result<usize, String> {
        for round in 1..=most {
            let mut idle = true;
            for (level, (object, _)) in self.rules.objects().enumerate() {
                let mut plans = self.plans(object)?;
                shuffle(&mut plans, mix(order, (round * 16 + level) as u64));
                for (facts, plan) in plans {
                    idle &= !self.come_true(&facts, &plan)?;
                }
            }
            if idle {
                return Ok(round);
            }
        }
        Err(format!("i21_termination: something was left to do after {most} rounds"))
    }

    fn plans(&self, object: ObjectKind) -> Result<Vec<(Facts, PairPlan)>, String> {
        let Some(rules) = self.rules.object(object) else { return Ok(Vec::new()) };
        let mut plans = Vec::new();
        for system in System::BOTH {
            let (anchors, _) = self.store.anchors_after(object, system, None, 1000).map_err(|e| e.to_string())?;
            for anchor in anchors {
                let facts = Facts::gather(&self.store, rules, anchor, &[]).map_err(|e| e.to_string())?;
                let plan = plan_pair(&facts, rules, NOW, None);
                plans.push((facts, plan));
            }
        }
        Ok(plans)
    }

    /// Pretends that a plan came true. Says whether it was to do anything.
    fn come_true(&mut self, facts: &Facts, plan: &PairPlan) -> Result<bool, String> {
        self.commit(Row::Status(plan.status(NOW)));
        match &plan.decision {
            PairDecision::Link { hubspot, connectwise, origin } => {
                let ids = BySystem::new(*hubspot, *connectwise);
                let known = |system| self.store.link_at(RecordRef::new(plan.object, system, ids[system])).is_some();
                // both of the two plan the same
                if !System::BOTH.into_iter().any(known) {
                    let id = LinkId(self.id().0);
                    self.put_link(new_link(id, plan.object, ids, origin.clone()));
                }
                Ok(true)
            }
            PairDecision::Write(writes) => {
                for write in writes {
                    self.check(write)?;
                    self.pretend(write);
                }
                Ok(true)
            }
            PairDecision::InStep | PairDecision::Agree => {
                self.agree(facts, plan);
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// I3 and I7: a write goes where its mapping lets it, and brings what its source holds.
    fn check(&self, write: &PlannedWrite) -> Result<(), String> {
        let from = RecordRef::new(write.object, write.system.other(), write.source);
        let Some(source) = self.store.observations.get(&from) else {
            return Err(format!("i3_no_invention: {from}, the source, is not there"));
        };
        for field in &write.fields {
            let Some(key) = &field.key else { continue };
            let Some(spec) = SPECS.iter().find(|spec| spec.object == write.object && spec.key() == *key) else {
                return Err(format!("i3_no_invention: {key} is not mapped"));
            };
            if !spec.direction.writes(write.system) {
                return Err(format!("i7_direction: {key} is written to {}", write.system));
            }
            let held = source.record.value(spec.name(from.system));
            let is_default = write.kind == IntentKind::Create && held.is_empty();
            let same = spec.canon(from.system, held) == spec.canon(write.system, &field.after);
            if spec.is_traceable() && !is_default && !same {
                return Err(format!("i3_no_invention: {key}: {held:?} crosses as {:?}", field.after));
            }
            let erases = field.after.is_empty() && !field.before.is_empty();
            if erases && spec.empty != ClearPolicy::Clear {
                return Err(format!("i3_no_invention: {key} is emptied, against its rule"));
            }
        }
        Ok(())
    }

    fn pretend(&mut self, write: &PlannedWrite) {
        let from = RecordRef::new(write.object, write.system.other(), write.source);
        let of = RecordRef::new(write.object, write.system, write.target.unwrap_or_else(|| self.next_id()));
        let known = self.store.observations.get(&of).map(|seen| seen.record.clone());
        let mut fields: BTreeMap<FieldName, Value> = known
            .iter()
            .flat_map(|record| record.fields.iter())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        fields.extend(write.fields.iter().map(|field| (field.field.clone(), field.after.clone())));
        let stamp = write.stamp.clone().or_else(|| known.and_then(|record| record.stamp));
        self.put(of, fields, NOW, stamp);
        let mut link = match self.store.link_at(from) {
            Some(link) => link.clone(),
            None => {
                let ids = BySystem::from_fn(|system| if system == of.system { of.id } else { from.id });
                let id = LinkId(self.id().0);
                new_link(id, write.object, ids, LinkOrigin::Created(write.system))
            }
        };
        for field in &write.fields {
            if let Some(key) = &field.key {
                let agreed = Agreed {
                    beside: field.beside.clone(),
                    ..Agreed::seen_from(write.system, field.after.clone(), field.source.clone(), NOW)
                };
                link.baseline.insert(key.clone(), agreed);
            }
        }
        self.put_link(link);
    }

    fn next_id(&mut self) -> RecordId {
        self.id()
    }

    /// What both sides came to by themselves is agreed on.
    fn agree(&mut self, facts: &Facts, plan: &PairPlan) {
        let Some(mut link) = facts.link.clone() else { return };
        let (Some(h), Some(c)) = (&facts.records.hubspot, &facts.records.connectwise) else { return };
        for field in plan.fields.iter().filter(|field| field.next == FieldNext::Agree) {
            let agreed = Agreed {
                hubspot: h.record.value(field.names.hubspot.as_str()).clone(),
                connectwise: c.record.value(field.names.connectwise.as_str()).clone(),
                at: NOW,
                supposed: false,
                beside: BySystem::default(),
            };
            link.baseline.insert(field.key.clone(), agreed);
        }
        self.commit(Row::Link(link));
    }

    /// Of a pair that is at rest no mapping makes anything else than what people see. Says how many are, and how
    /// many of them are activities.
    pub fn judge_rest(&self) -> Result<(u64, u64), String> {
        let (mut at_rest, mut activities) = (0, 0);
        for (rules, link) in [self.rules, self.otherwise]
            .into_iter()
            .flat_map(|rules| self.store.links.values().map(move |link| (rules, link)))
        {
            let (rules, anchor) = (rules.object(link.object).ok_or("no rules")?, link.record(System::HubSpot));
            let rest = Rest::of(rules).ok_or("a field is missing")?;
            if !rest.is_at_rest(&self.store, anchor).map_err(|e| e.to_string())? {
                continue;
            }
            at_rest += 1;
            activities += u64::from(link.object.is_activity());
            let facts = Facts::gather(&self.store, rules, anchor, &[]).map_err(|e| e.to_string())?;
            let plan = plan_pair(&facts, rules, NOW, None);
            let shown = self.store.statuses.get(&anchor).cloned();
            let same = shown.is_some_and(|shown| Status { since: shown.since, ..plan.status(NOW) } == shown);
            if plan.decision != PairDecision::InStep || !plan.issues.is_empty() || !same {
                return Err(format!("i18_rest: link {} is at rest, and {:?} is to be done", link.id, plan.decision));
            }
        }
        Ok((at_rest, activities))
    }

    /// I1 and I2: where nothing is in the way, both sides say the same, and what one side alone changed is on both.
    pub fn judge(&self) -> Result<(), String> {
        if let Some(text) = self.store.refused.first() {
            return Err(format!("store_constraint: {text}"));
        }
        for link in self.store.links.values() {
            let rules = self.rules.object(link.object).ok_or("no rules")?;
            let facts =
                Facts::gather(&self.store, rules, link.record(System::HubSpot), &[]).map_err(|e| e.to_string())?;
            let plan = plan_pair(&facts, rules, NOW, None);
            for field in plan.fields.iter().filter(|field| field.next == FieldNext::Same) {
                let Some(at) = SPECS.iter().position(|spec| spec.object == link.object && spec.key() == field.key)
                else {
                    continue;
                };
                let values = System::BOTH.map(|system| self.canon(at, link.record(system)));
                let spec = &SPECS[at];
                if spec.is_traceable() && spec.direction == Direction::Both && values[0] != values[1] {
                    return Err(format!("i1_convergence: link {}: {} is {values:?}", link.id, spec.hubspot));
                }
                let lost = self.expected.iter().find(|expected| {
                    expected.place == at
                        && expected.of == link.record(expected.of.system)
                        && values[0] != expected.canon
                });
                if let Some(lost) = lost {
                    return Err(format!("i2_no_lost_update: {} is {values:?}, {:?} is gone", spec.hubspot, lost.canon));
                }
            }
        }
        Ok(())
    }

    fn canon(&self, at: usize, of: RecordRef) -> String {
        let spec: &Spec = &SPECS[at];
        let seen = self.store.observations.get(&of);
        seen.map_or_else(String::new, |seen| spec.canon(of.system, seen.record.value(spec.name(of.system))))
    }

    /// Every record by its values; what it points to by its values, since the ids of copies depend on the order.
    pub fn visible(&self) -> Vec<String> {
        let mut all: Vec<String> = self.store.observations.keys().map(|of| self.described(*of, true)).collect();
        all.sort();
        all
    }

    fn described(&self, of: RecordRef, far: bool) -> String {
        let own = places(of.object, self.mask).map(|at| {
            let Some(parent) = SPECS[at].parent() else { return self.canon(at, of) };
            if !far {
                return String::new();
            }
            let ids = self
                .store
                .observations
                .get(&of)
                .map(|seen| crate::server::ids(seen.record.value(SPECS[at].name(of.system))));
            let mut names: Vec<String> = ids
                .into_iter()
                .flatten()
                .map(|id| self.described(RecordRef::new(parent, of.system, id), false))
                .collect();
            names.sort();
            names.join("&")
        });
        format!("{} {}: {}", of.system, of.object, own.collect::<Vec<_>>().join("|"))
    }
}

/// The name that a new note of ConnectWise gets is the text of the note in HubSpot, which another field tells.
fn is_its_own(at: usize, system: System) -> bool {
    SPECS[at].shape != Shape::Called || system == System::ConnectWise
}

fn new_link(id: LinkId, object: ObjectKind, ids: BySystem<RecordId>, origin: LinkOrigin) -> Link {
    Link {
        id,
        object,
        hubspot: ids.hubspot,
        connectwise: ids.connectwise,
        state: LinkState::Active,
        origin,
        created: NOW,
        baseline: BTreeMap::new(),
        recent: BTreeMap::new(),
        own: BySystem::default(),
    }
}

fn shuffle<T>(all: &mut [T], order: u64) {
    for at in (1..all.len()).rev() {
        all.swap(at, (mix(order, at as u64) % (at as u64 + 1)) as usize);
    }
}
