//! Brakes: a run that would change more than it should stops before its first write and asks.
//!
//! What is counted is counted per object: a flood of contacts must not hide behind a quiet year of companies.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::{AddAssign, SubAssign};

use super::cover::{self, Known, covers, made_for, source_of};
use super::overwrites::Overwrites;
use super::plan::{PairPlan, PlannedWrite, fingerprint};
use super::state::{Cover, FieldWrite, IntentKind};
use super::view::{View, ViewResult};
use crate::mapping::references::holds_all;
use crate::mapping::{Guards, Rules};
use crate::model::{ConfigVersion, ObjectKind, RecordRef, System};

/// What a run would do in all. A write counts once, as it was last planned.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// By the record that names the pair, and the system written to.
    writes: BTreeMap<(RecordRef, System), Counted>,
    /// What is to be written once the records are made that it points to, by the record that its values come from.
    foreseen: BTreeMap<(RecordRef, System), Counted>,
    objects: BTreeMap<ObjectKind, Changes>,
    overwrites: Overwrites,
    /// What people let through already.
    cover: BTreeSet<u64>,
}

/// One write as it was counted.
#[derive(Debug, Clone)]
struct Counted {
    name: u64,
    changes: Changes,
    /// What it writes over what was there.
    overwrites: Vec<u64>,
    /// What an approval of it covers.
    marks: Vec<u64>,
    /// It was within the limits, or a person let it through.
    passed: bool,
}

/// What would change of one object.
#[derive(Debug, Clone, Copy, Default)]
struct Changes {
    creates: u64,
    updates: u64,
    clears: u64,
    references: u64,
}

impl Tally {
    /// A tally to which all that is new which `cover` does not let through.
    #[must_use]
    pub fn covered_by(self, cover: Cover) -> Self {
        Self { cover: cover.marks, ..self }
    }

    /// Adds a pair's writes, and those that follow once the records are made that it points to: `ahead` is the plan for then.
    /// One that was counted in another form, and not let go yet, counts as it is now.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn add(
        &mut self,
        anchor: RecordRef,
        plan: &PairPlan,
        ahead: Option<&PairPlan>,
        known: Known<'_>,
    ) -> ViewResult<()> {
        for write in plan.writes() {
            if !self.has(anchor, write, known)? {
                self.add_write(anchor, write, known.rules);
            }
        }
        for write in ahead.map(|ahead| ahead.later_than(plan)).unwrap_or_default() {
            if !covers(&self.cover, &write, known)? {
                self.foresee(&write, known.rules);
            }
        }
        Ok(())
    }

    /// Adds one write, in the same way.
    pub fn add_write(&mut self, anchor: RecordRef, write: &PlannedWrite, rules: &Rules) {
        if !self.is_counted(anchor, write) {
            let counted = self.count(name(write), write, rules);
            let before = self.writes.insert((anchor, write.system), counted);
            self.take_back(write.object, before);
        }
    }

    fn foresee(&mut self, write: &PlannedWrite, rules: &Rules) {
        let (at, name) = ((source_of(write), write.system), name_ahead(write, rules));
        if self.foreseen.get(&at).is_none_or(|counted| counted.name != name) {
            let counted = self.count(name, write, rules);
            let before = self.foreseen.insert(at, counted);
            self.take_back(write.object, before);
        }
    }

    fn count(&mut self, name: u64, write: &PlannedWrite, rules: &Rules) -> Counted {
        let changes = Changes::of(write, rules);
        *self.objects.entry(write.object).or_default() += changes;
        let overwrites = self.overwrites.add(write);
        Counted { name, changes, overwrites, marks: cover::marks(write, rules), passed: false }
    }

    /// Something else is planned instead. What was let go already may have been done by now.
    fn take_back(&mut self, object: ObjectKind, before: Option<Counted>) {
        if let Some(before) = before.filter(|before| !before.passed) {
            *self.objects.entry(object).or_default() -= before.changes;
            self.overwrites.take_back(&before.overwrites);
        }
    }

    /// All records are looked at anew: what was foreseen and not let go yet is foreseen once more, or does not come.
    pub fn begin_again(&mut self) {
        let (passed, others) = std::mem::take(&mut self.foreseen).into_iter().partition(|(_, counted)| counted.passed);
        self.foreseen = passed;
        let others: BTreeMap<(RecordRef, System), Counted> = others;
        for ((source, _), counted) in others {
            self.take_back(source.object, Some(counted));
        }
    }

    /// Whether exactly this write has been counted.
    fn is_counted(&self, anchor: RecordRef, write: &PlannedWrite) -> bool {
        self.writes.get(&(anchor, write.system)).is_some_and(|counted| counted.name == name(write))
    }

    /// Whether this write has been counted, be it before the records were made that it points to, or follows from what a
    /// person let through.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn has(&self, anchor: RecordRef, write: &PlannedWrite, known: Known<'_>) -> ViewResult<bool> {
        Ok(self.is_counted(anchor, write) || self.was_foreseen(write, known)? || covers(&self.cover, write, known)?)
    }

    fn was_foreseen(&self, write: &PlannedWrite, known: Known<'_>) -> ViewResult<bool> {
        let Some(counted) = self.foreseen.get(&(source_of(write), write.system)) else { return Ok(false) };
        if counted.name != name_ahead(write, known.rules) {
            return Ok(false);
        }
        for field in write.fields.iter().filter(|field| cover::reference(field, write, known.rules).is_some()) {
            let is_as_foreseen = counted.marks.contains(&cover::mark(write, field, known.rules))
                || made_for(write, field, known)?.is_some();
            if !is_as_foreseen {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn all(&self) -> impl Iterator<Item = &Counted> {
        self.writes.values().chain(self.foreseen.values())
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Counted> {
        self.writes.values_mut().chain(self.foreseen.values_mut())
    }

    /// All that is counted so far is within the limits. It goes on being counted.
    pub fn pass(&mut self) {
        self.all_mut().for_each(|counted| counted.passed = true);
    }

    /// A person let through all that is counted so far and was not let go yet: from now on that is covered, with what
    /// follows from it. What comes beside it is counted by itself. Returns what is covered, to be kept.
    pub fn let_through(&mut self, config: ConfigVersion) -> Cover {
        let approved: Vec<u64> =
            self.all().filter(|counted| !counted.passed).flat_map(|counted| counted.marks.clone()).collect();
        self.cover.extend(approved);
        self.pass();
        self.all_mut().for_each(|counted| counted.changes = Changes::default());
        self.objects.clear();
        self.overwrites = Overwrites::default();
        Cover { config, marks: self.cover.clone() }
    }

    /// Whether there is something that people let through.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        !self.cover.is_empty()
    }

    /// Names what is to be passed: the same writes have the same name, in whatever order they were planned. An approval is
    /// for exactly these.
    #[must_use]
    pub fn hash(&self) -> String {
        let waiting = self.all().filter(|counted| !counted.passed);
        let sum = waiting.fold(0_u64, |sum, counted| sum.wrapping_add(counted.name));
        format!("{sum:016x}")
    }

    /// The first ceiling that is exceeded, in words.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn exceeds(&self, guards: &Guards, view: &dyn View) -> ViewResult<Option<String>> {
        for (object, changes) in &self.objects {
            let live = view.live_links(*object)?;
            let reason = changes.exceed(guards, *object, live);
            if let Some(reason) = reason.or_else(|| self.overwrites.exceed(guards.same_value, *object, live)) {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }
}

impl Changes {
    /// A write of nothing but the partner's key is no change of the customer's data.
    fn of(write: &PlannedWrite, rules: &Rules) -> Self {
        let count =
            |is_so: &dyn Fn(&FieldWrite) -> bool| write.fields.iter().filter(|field| is_so(field)).count() as u64;
        Self {
            creates: u64::from(write.kind == IntentKind::Create),
            updates: u64::from(write.kind == IntentKind::Update && !write.fields.is_empty()),
            clears: count(&|field| field.after.is_empty()),
            references: count(&|field| re_points(field, write, rules)),
        }
    }

    fn exceed(&self, guards: &Guards, object: ObjectKind, live_links: u64) -> Option<String> {
        let records = object.plural().to_lowercase();
        let checks = [
            ("create", records.clone(), self.creates, guards.creates),
            ("update", records.clone(), self.updates, guards.updates),
            ("empty", format!("fields of {records}"), self.clears, guards.clears),
            ("move", format!("{records} to other records"), self.references, guards.references),
        ];
        let exceeded = checks.into_iter().find(|(_, _, n, ceiling)| *n > ceiling.limit(live_links));
        exceeded.map(|(verb, what, n, ceiling)| {
            format!("it would {verb} {n} {what}; the limit is {}", ceiling.limit(live_links))
        })
    }
}

impl AddAssign for Changes {
    fn add_assign(&mut self, other: Self) {
        self.creates += other.creates;
        self.updates += other.updates;
        self.clears += other.clears;
        self.references += other.references;
    }
}

impl SubAssign for Changes {
    fn sub_assign(&mut self, other: Self) {
        self.creates -= other.creates;
        self.updates -= other.updates;
        self.clears -= other.clears;
        self.references -= other.references;
    }
}

/// Names a write by what it writes, and by what its references stand for: before the records are made that they point to
/// it has the same name as after that.
fn name_ahead(write: &PlannedWrite, rules: &Rules) -> u64 {
    let mut hasher = DefaultHasher::new();
    (source_of(write), write.system, write.kind).hash(&mut hasher);
    for field in &write.fields {
        let value = if cover::reference(field, write, rules).is_some() { &field.source } else { &field.after };
        (&field.field, value, field.before.is_empty()).hash(&mut hasher);
    }
    hasher.finish()
}

/// Names a write as it counts: by what it writes, and where that stands over something. What was to fill an empty place and
/// would now replace what somebody put there is another write.
fn name(write: &PlannedWrite) -> u64 {
    let mut hasher = DefaultHasher::new();
    fingerprint(write).hash(&mut hasher);
    for field in &write.fields {
        field.before.is_empty().hash(&mut hasher);
    }
    hasher.finish()
}

/// Whether a record that belonged to one would belong to another. An association beside others takes nothing away.
fn re_points(field: &FieldWrite, write: &PlannedWrite, rules: &Rules) -> bool {
    cover::reference(field, write, rules).is_some()
        && !field.before.is_empty()
        && !field.after.is_empty()
        && !holds_all(field.field.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::core::plan::{PairDecision, scope};
    use crate::mapping::references::refers_to;
    use crate::mapping::{Ceiling, Direction, FieldMapping, ObjectMapping, defaults};
    use crate::model::{BySystem, ConfigVersion, FieldDef, FieldKind, FieldName, RecordId, Schema, Value};

    fn write(id: u64, kind: IntentKind, fields: Vec<FieldWrite>) -> (RecordRef, PairPlan) {
        let write = PlannedWrite {
            object: ObjectKind::Contact,
            system: System::ConnectWise,
            kind,
            target: (kind == IntentKind::Update).then_some(RecordId(id + 1000)),
            source: RecordId(id),
            fields,
            stamp: Some(format!("contact:{id}")),
        };
        let plan = PairPlan {
            object: ObjectKind::Contact,
            hubspot: Some(RecordId(id)),
            connectwise: None,
            link: None,
            name: String::new(),
            decision: PairDecision::Write(vec![write]),
            fields: Vec::new(),
            scope: BySystem::from_fn(|_| scope::open()),
            issues: Vec::new(),
            trace: Vec::new(),
        };
        (RecordRef::new(ObjectKind::Contact, System::HubSpot, RecordId(id)), plan)
    }

    /// A plan that creates a copy of that HubSpot contact.
    fn creates(id: u64) -> (RecordRef, PairPlan) {
        write(id, IntentKind::Create, Vec::new())
    }

    /// A plan that writes one field of the contact.
    fn updates(id: u64, field: &FieldMapping, before: &str, after: &str) -> (RecordRef, PairPlan) {
        let field = FieldWrite {
            key: Some(field.key()),
            field: field.connectwise.clone(),
            before: Value::text(before),
            after: Value::text(after),
            source: Value::text(after),
            beside: BySystem::default(),
            loser: None,
            why: String::new(),
        };
        write(id, IntentKind::Update, vec![field])
    }

    fn add(tally: &mut Tally, anchor: RecordRef, plan: &PairPlan) {
        plan.writes().iter().for_each(|write| tally.add_write(anchor, write, &rules()));
    }

    fn tally(plans: impl IntoIterator<Item = (RecordRef, PairPlan)>) -> Tally {
        let mut tally = Tally::default();
        for (anchor, plan) in plans {
            add(&mut tally, anchor, &plan);
        }
        tally
    }

    /// Contacts alone, with their company and a text.
    fn rules() -> Rules {
        let mapping = mapping();
        let schema = |system| Schema {
            system,
            object: ObjectKind::Contact,
            fields: mapping.fields.iter().map(|field| definition(field.field(system))).collect(),
        };
        let schemas = [BySystem::from_fn(schema)];
        let config = crate::mapping::Config { objects: vec![mapping], ..defaults::config() };
        match Rules::compile(config, ConfigVersion(1), &schemas) {
            Ok(rules) => rules,
            Err(reasons) => panic!("{reasons:?}"),
        }
    }

    fn mapping() -> ObjectMapping {
        let mut mapping = defaults::contact();
        mapping.fields.retain(|field| refers_to(field.kind).is_some() || field.hubspot.as_str() == "jobtitle");
        mapping.direction = Direction::Both;
        mapping
    }

    fn definition(name: &FieldName) -> FieldDef {
        FieldDef {
            name: name.clone(),
            label: name.to_string(),
            kind: FieldKind::Text,
            read_only: false,
            required: false,
            unique: false,
            max_length: None,
            custom: false,
            options: Vec::new(),
        }
    }

    fn field(is_it: impl Fn(&FieldMapping) -> bool) -> FieldMapping {
        mapping().fields.into_iter().find(is_it).unwrap_or_else(|| panic!("the usual mapping has such a field"))
    }

    fn exceeds(tally: &Tally, guards: &Guards, live: u64) -> Option<String> {
        tally.objects.iter().find_map(|(object, changes)| changes.exceed(guards, *object, live))
    }

    fn ids(of: impl IntoIterator<Item = u64>) -> Tally {
        tally(of.into_iter().map(creates))
    }

    #[test]
    fn i14_one_record_more_than_the_limit_holds_the_run() {
        let guards = Guards { creates: Ceiling { count: 3, percent: 10 }, ..Guards::default() };
        assert_eq!(exceeds(&ids([1, 2, 3]), &guards, 0), None);
        let reason = exceeds(&ids([1, 2, 3, 4]), &guards, 0);
        assert_eq!(reason.as_deref(), Some("it would create 4 contacts; the limit is 3"));
        assert_eq!(exceeds(&ids([1, 2, 3, 4]), &guards, 40), None, "a tenth of forty");
        assert_eq!(exceeds(&ids([1, 2, 3, 3, 3]), &guards, 0), None, "a write counts once");
    }

    #[test]
    fn i14_each_object_has_limits_of_its_own() {
        let guards = Guards { creates: Ceiling { count: 3, percent: 0 }, ..Guards::default() };
        let companies = (1..=3).map(|id| {
            let (anchor, mut plan) = creates(id);
            if let PairDecision::Write(writes) = &mut plan.decision {
                writes[0].object = ObjectKind::Company;
            }
            (RecordRef { object: ObjectKind::Company, ..anchor }, plan)
        });
        let both = tally(companies.chain((1..=3).map(creates)));
        assert_eq!(exceeds(&both, &guards, 0), None);
    }

    #[test]
    fn i14_an_approval_is_for_one_set_of_writes_in_whatever_order() {
        assert_eq!(ids([1, 2, 3]).hash(), ids([3, 1, 2]).hash());
        assert_ne!(ids([1, 2, 3]).hash(), ids([1, 2, 4]).hash());
    }

    #[test]
    fn i14_what_a_person_let_through_leaves_the_limits_to_what_comes_after_it() {
        let guards = Guards { creates: Ceiling { count: 3, percent: 0 }, ..Guards::default() };
        let mut tally = ids(1..=9);
        tally.let_through(ConfigVersion(1));
        assert_eq!(exceeds(&tally, &guards, 0), None);
        for id in 7..=12 {
            let (anchor, plan) = creates(id);
            add(&mut tally, anchor, &plan);
        }
        assert_eq!(exceeds(&tally, &guards, 0), None, "three are new");
        let (anchor, plan) = creates(13);
        add(&mut tally, anchor, &plan);
        assert!(exceeds(&tally, &guards, 0).is_some_and(|reason| reason.contains("create 4 ")));
        assert_eq!(tally.hash(), ids(10..=13).hash());
    }

    #[test]
    fn i14_what_was_to_fill_an_empty_place_is_counted_anew_once_it_would_replace_something() {
        let guards = Guards { references: Ceiling { count: 0, percent: 0 }, ..Guards::default() };
        let company = field(|field| refers_to(field.kind).is_some());
        let mut tally = tally([updates(1, &company, "", "7")]);
        assert_eq!(exceeds(&tally, &guards, 0), None);
        let filled = tally.hash();
        let (anchor, moves) = updates(1, &company, "5", "7");
        assert!(!tally.is_counted(anchor, &moves.writes()[0]));
        add(&mut tally, anchor, &moves);
        assert!(exceeds(&tally, &guards, 0).is_some_and(|reason| reason.contains("move 1 contacts")));
        assert_ne!(tally.hash(), filled, "who let the one through was not asked about the other");
    }

    #[test]
    fn i14_a_write_that_changed_its_mind_counts_as_it_is_now() {
        let guards = Guards { clears: Ceiling { count: 0, percent: 0 }, ..Guards::default() };
        let title = field(|field| field.hubspot.as_str() == "jobtitle");
        let harmless = updates(1, &title, "Owner", "Boss");
        let (anchor, clears) = updates(1, &title, "Owner", "");
        let mut tally = tally([harmless]);
        assert!(tally.is_counted(anchor, &updates(1, &title, "Owner", "Boss").1.writes()[0]));
        assert!(!tally.is_counted(anchor, &clears.writes()[0]));
        assert_eq!(exceeds(&tally, &guards, 0), None);
        add(&mut tally, anchor, &clears);
        assert!(exceeds(&tally, &guards, 0).is_some_and(|reason| reason.contains("empty 1 fields of contacts")));
        let updates_of = tally.objects.values().map(|changes| changes.updates).collect::<Vec<_>>();
        assert_eq!(updates_of, [1]);
    }

    #[test]
    fn i14_one_value_over_many_others_has_a_limit() {
        let ceiling = Ceiling { count: 2, percent: 10 };
        let title = field(|field| field.hubspot.as_str() == "jobtitle");
        let same = |tally: &Tally, live| tally.overwrites.exceed(ceiling, ObjectKind::Contact, live);
        let retitled = |ids: std::ops::RangeInclusive<u64>| tally(ids.map(|id| updates(id, &title, "Owner", "Boss")));
        assert_eq!(same(&retitled(1..=2), 0), None);
        let reason = same(&retitled(1..=3), 0);
        let text =
            "it would put one value, \"Boss\", over what 3 contacts have in title of ConnectWise; the limit is 2";
        assert_eq!(reason.as_deref(), Some(text));
        assert_eq!(same(&retitled(1..=3), 30), None, "a tenth of thirty");
        let others = tally((1..=9).map(|id| updates(id, &title, "Owner", &format!("Boss {id}"))));
        assert_eq!(same(&others, 0), None, "values of their own");
        let filled = tally((1..=9).map(|id| updates(id, &title, "", "Boss")));
        assert_eq!(same(&filled, 0), None, "nothing is lost where nothing was");
        let mut wavering = retitled(1..=3);
        let (anchor, plan) = updates(3, &title, "Owner", "Chief");
        add(&mut wavering, anchor, &plan);
        assert_eq!(same(&wavering, 0), None, "one changed its mind");
        let mut approved = retitled(1..=3);
        approved.let_through(ConfigVersion(1));
        assert_eq!(same(&approved, 0), None);
    }

    #[test]
    fn i14_records_that_go_to_another_company_have_a_limit() {
        let guards = Guards { references: Ceiling { count: 1, percent: 0 }, ..Guards::default() };
        let company = field(|field| refers_to(field.kind).is_some());
        let moved = |ids: &[u64]| tally(ids.iter().map(|id| updates(*id, &company, "7", "8")));
        assert_eq!(exceeds(&moved(&[1]), &guards, 0), None);
        let reason = exceeds(&moved(&[1, 2]), &guards, 0);
        assert_eq!(reason.as_deref(), Some("it would move 2 contacts to other records; the limit is 1"));
        let filled = tally([1, 2].map(|id| updates(id, &company, "", "8")));
        assert_eq!(exceeds(&filled, &guards, 0), None, "one that belonged to none is not taken from any");
    }
}
