//! The test of a draft: every pair and single record of the cache is planned twice, with the deployed rules and with the
//! draft's, and what differs is counted. Nothing is written, and nothing is asked of any system.

pub mod report;
pub mod unread;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use super::guard::Tally;
use super::overlay::{Keys, Overlay, gives_same_keys};
use super::plan::identity::Identity;
use super::plan::{Facts, PairDecision, PairPlan, plan_known};
use super::state::{Intent, IntentKind, RecordState};
use super::view::{View, ViewResult};
use crate::filter::Answer;
use crate::mapping::references::Partner;
use crate::mapping::{ObjectRules, Rules};
use crate::model::{BySystem, ObjectKind, RecordRef, System, Timestamp};
use report::{Measure, Number, ObjectTrial, TrialReport, Unread};
use unread::missing;
use verdict::{Missing, Verdict};

/// A test under way, and what it found so far.
#[derive(Debug)]
pub struct Trial {
    now: Timestamp,
    deployed: Option<Side>,
    draft: Side,
    unread: Vec<Unread>,
    open: Vec<Intent>,
    objects: BTreeMap<ObjectKind, ObjectTrial>,
    tally: Tally,
}

/// One configuration, and what it was found to do to the records that were looked at so far.
#[derive(Debug)]
struct Side {
    rules: Rules,
    keys: Keys,
    missing: BTreeMap<ObjectKind, Missing>,
    /// What children of records without a link would find in their place.
    foreseen: BTreeMap<RecordRef, Partner>,
    /// Records of ConnectWise that were told of with the HubSpot record they are recognised as.
    linked: BTreeSet<RecordRef>,
}

/// What both configurations mean for one pair or single record.
#[derive(Debug)]
pub struct Looked {
    asked: RecordRef,
    anchor: RecordRef,
    /// Records that pass a filter with the one configuration and not with the other.
    crossed: Vec<(Measure, RecordRef)>,
    deployed: Option<Meant>,
    draft: Option<Meant>,
}

/// What one configuration means for it, without the values: a test keeps many of these.
#[derive(Debug)]
struct Meant {
    verdict: Verdict,
    links: Option<RecordRef>,
    foreseen: Vec<(RecordRef, Partner)>,
    /// Where something is written: what the guards count.
    plan: Option<PairPlan>,
}

/// Both plans for one pair or single record.
struct Plans {
    anchor: RecordRef,
    /// The records of the pair that are there.
    live: BySystem<Option<RecordRef>>,
    deployed: Option<Planned>,
    draft: Option<Planned>,
}

/// What one configuration would do to it.
struct Planned {
    plan: PairPlan,
    /// The record of ConnectWise, where the two are recognised as one first.
    links: Option<RecordRef>,
    /// It has no link yet.
    is_single: bool,
}

/// The two plans for one record, to be compared field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub deployed: Option<PairPlan>,
    pub draft: Option<PairPlan>,
}

impl Trial {
    /// `draft` is compiled [as far as it is read](unread::as_read), and `unread` says what is not.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn new(
        view: &dyn View,
        deployed: Option<Rules>,
        draft: Rules,
        unread: Vec<Unread>,
        now: Timestamp,
    ) -> ViewResult<Self> {
        let side = |rules: Rules, missing| Side {
            rules,
            keys: Keys::default(),
            missing,
            foreseen: BTreeMap::new(),
            linked: BTreeSet::new(),
        };
        let missing = draft.objects().map(|(object, _)| (object, missing(&unread, object))).collect();
        Ok(Self {
            now,
            deployed: deployed.map(|rules| side(rules, BTreeMap::new())),
            draft: side(draft, missing),
            unread,
            open: view.open_intents()?,
            objects: BTreeMap::new(),
            tally: Tally::default(),
        })
    }

    /// The objects of both configurations, parents before children.
    #[must_use]
    pub fn objects(&self) -> Vec<ObjectKind> {
        let of = |side: &Side| side.rules.objects().map(|(object, _)| object).collect::<Vec<_>>();
        let all: BTreeSet<ObjectKind> = self.deployed.iter().chain([&self.draft]).flat_map(of).collect();
        all.into_iter().collect()
    }

    /// Makes the match keys of an object that the draft matches in another way. Before its records are looked at.
    /// `goes_on` is asked now and then; none where it no longer does.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn prepare(
        &mut self,
        view: &dyn View,
        object: ObjectKind,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> ViewResult<Option<()>> {
        let Some(wanted) = self.draft.rules.object(object) else { return Ok(Some(())) };
        let stored = self.deployed.as_ref().and_then(|side| side.rules.object(object));
        if stored.is_some_and(|stored| gives_same_keys(stored, wanted)) {
            return Ok(Some(()));
        }
        for system in System::BOTH {
            if self.draft.keys.add(view, wanted, system, goes_on)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// Plans one pair or single record twice. Records of one object may be looked at in any order, and at the same time.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn look(&self, view: &dyn View, asked: RecordRef) -> ViewResult<Looked> {
        let plans = self.plans(view, asked)?;
        let crossed = self.crossed(asked.object, &plans);
        let Plans { anchor, deployed, draft, .. } = plans;
        let deployed = self.deployed.as_ref().and_then(|side| Some(side.meant(asked, deployed?)));
        let draft = draft.map(|planned| self.draft.meant(asked, planned));
        Ok(Looked { asked, anchor, crossed, deployed, draft })
    }

    fn plans(&self, view: &dyn View, asked: RecordRef) -> ViewResult<Plans> {
        let mut facts = Facts::known(view, asked, &self.open)?;
        let live = BySystem::from_fn(|system| {
            facts.records[system].as_ref().filter(|observed| observed.is_live()).map(|observed| observed.of)
        });
        let anchor = facts.anchor();
        let deployed = match &self.deployed {
            Some(side) => side.plan(view, &mut facts, &self.open, self.now)?,
            None => None,
        };
        let draft = self.draft.plan(view, &mut facts, &self.open, self.now)?;
        Ok(Plans { anchor, live, deployed, draft })
    }

    /// Counts it. In the order of the cache: what is taken first is foreseen for what comes after it.
    pub fn take(&mut self, looked: Looked) {
        let Looked { asked, anchor, crossed, deployed, draft } = looked;
        let deployed = self.deployed.as_mut().and_then(|side| side.take(asked, deployed));
        let draft = self.draft.take(asked, draft);
        if let Some(plan) = draft.as_ref().and_then(|meant| meant.plan.as_ref()) {
            plan.writes().iter().for_each(|write| self.tally.add_write(anchor, write, &self.draft.rules));
        }
        let draft = draft.map(|meant| meant.verdict).unwrap_or_default();
        let before = deployed.map(|meant| meant.verdict).unwrap_or_default();
        let counted = self.objects.entry(asked.object).or_default();
        counted.looked_at += 1;
        let is_first = self.deployed.is_none();
        count(&mut counted.numbers, anchor, is_first, draft.numbers, before.numbers);
        count(&mut counted.fields, anchor, is_first, draft.fields, before.fields);
        for (measure, source) in crossed {
            counted.numbers.entry(measure).or_default().add_more(source);
        }
    }

    /// Which of the records pass filters that they do not pass now, and the other way round. Filters towards a system that
    /// nothing is written to keep nobody.
    fn crossed(&self, object: ObjectKind, plans: &Plans) -> Vec<(Measure, RecordRef)> {
        let (Some(before), Some(deployed), Some(draft)) = (&self.deployed, &plans.deployed, &plans.draft) else {
            return Vec::new();
        };
        let crossing = |to: System| {
            let writes = |side: &Side| side.rules.object(object).is_some_and(|o| o.mapping.direction.writes(to));
            let source = plans.live[to.other()].filter(|_| writes(before) || writes(&self.draft))?;
            match (deployed.plan.scope[to].answer, draft.plan.scope[to].answer) {
                (Answer::Pass, Answer::Fail) => Some((Measure::Leave(to), source)),
                (Answer::Fail | Answer::Undecided, Answer::Pass) => Some((Measure::Enter(to), source)),
                _ => None,
            }
        };
        System::BOTH.into_iter().filter_map(crossing).collect()
    }

    /// What was found so far.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn report(&self, view: &dyn View) -> ViewResult<TrialReport> {
        let mut live = 0;
        for (object, _) in self.draft.rules.objects() {
            live += view.live_links(object)?;
        }
        let unlimited = live == 0 || !view.is_filled()?;
        let guard = if unlimited { None } else { self.tally.exceeds(&self.draft.rules.config.guards, view)? };
        Ok(TrialReport {
            objects: self.objects.clone(),
            guard,
            unlimited,
            unread: self.unread.clone(),
            paused: !view.pauses()?.is_empty(),
        })
    }

    /// Leaves the numbers of one object alone. Limits are still those of all that was looked at.
    pub fn keep_only(&mut self, object: ObjectKind) {
        self.objects.retain(|known, _| *known == object);
        self.unread.retain(|unread| unread.object == object);
    }

    /// Both plans for the pair of one record, with all that was foreseen.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn difference(&self, view: &dyn View, record: RecordRef) -> ViewResult<Difference> {
        let Plans { deployed, draft, .. } = self.plans(view, record)?;
        let plan = |planned: Option<Planned>| planned.map(|planned| planned.plan);
        Ok(Difference { deployed: plan(deployed), draft: plan(draft) })
    }
}

impl Side {
    fn plan(&self, view: &dyn View, facts: &mut Facts, open: &[Intent], now: Timestamp) -> ViewResult<Option<Planned>> {
        let Some(rules) = self.rules.object(facts.asked.object) else { return Ok(None) };
        let view = &Overlay { view, keys: &self.keys };
        let asked = facts.asked;
        let planned = self.plan_facts(view, rules, facts, now)?;
        // a record that stays out by itself is linked all the same where its partner recognises it
        if let (Some(partner), PairDecision::Exclude { .. }) = (planned.1, &planned.0.plan.decision) {
            let mut known = Facts::known(view, partner, open)?;
            let (seen, _) = self.plan_facts(view, rules, &mut known, now)?;
            if seen.links.is_some_and(|there| there == partner || there == asked) {
                return Ok(Some(seen));
            }
        }
        Ok(Some(planned.0))
    }

    /// With the record that it was recognised as, where it was.
    fn plan_facts(
        &self,
        view: &dyn View,
        rules: &ObjectRules,
        facts: &mut Facts,
        now: Timestamp,
    ) -> ViewResult<(Planned, Option<RecordRef>)> {
        facts.see_as(view, rules)?;
        facts.partners.foresee(&self.foreseen);
        let plan = plan_known(facts, rules, now);
        let is_single = facts.link.is_none();
        let partner = match facts.identity {
            Identity::Partner { id, .. } => Some(RecordRef { system: facts.asked.system.other(), id, ..facts.asked }),
            _ => None,
        };
        let PairDecision::Link { connectwise, .. } = &plan.decision else {
            return Ok((Planned { plan, links: None, is_single }, partner));
        };
        let links = Some(RecordRef::new(plan.object, System::ConnectWise, *connectwise));
        let Some(mut linked) = facts.as_if_linked(view, rules, &plan.decision, now)? else {
            return Ok((Planned { plan, links, is_single }, partner));
        };
        linked.partners.foresee(&self.foreseen);
        let plan = plan_known(&linked, rules, now);
        Ok((Planned { plan, links, is_single }, partner))
    }

    fn meant(&self, asked: RecordRef, planned: Planned) -> Meant {
        let nothing = Missing::default();
        let missing = self.missing.get(&asked.object).unwrap_or(&nothing);
        let verdict = Verdict::of(&planned.plan, planned.links.is_some(), missing);
        let has_children = !self.rules.children(asked.object).is_empty();
        let foreseen = if planned.is_single && has_children { foreseen(asked, &planned) } else { Vec::new() };
        let Planned { plan, links, .. } = planned;
        let plan = if plan.writes().is_empty() {
            None
        } else {
            Some(PairPlan { fields: Vec::new(), issues: Vec::new(), trace: Vec::new(), ..plan })
        };
        Meant { verdict, links, foreseen, plan }
    }

    /// None where it was counted with its partner already.
    fn take(&mut self, asked: RecordRef, meant: Option<Meant>) -> Option<Meant> {
        if self.linked.contains(&asked) {
            return None;
        }
        let mut meant = meant?;
        self.linked.extend(meant.links);
        self.foreseen.extend(meant.foreseen.drain(..));
        Some(meant)
    }
}

/// What children of records without a link find in their place.
fn foreseen(asked: RecordRef, planned: &Planned) -> Vec<(RecordRef, Partner)> {
    let plan = &planned.plan;
    if let (Some(_), Some(hubspot), Some(connectwise)) = (planned.links, plan.hubspot, plan.connectwise) {
        let record = |system, id| RecordRef::new(asked.object, system, id);
        return vec![
            (record(System::HubSpot, hubspot), Partner::Linked(connectwise)),
            (record(System::ConnectWise, connectwise), Partner::Linked(hubspot)),
        ];
    }
    let called = || format!("{} \"{}\"", asked.object, plan.name);
    let is_made = plan.writes().iter().any(|write| write.kind == IntentKind::Create);
    let partner = match plan.state() {
        _ if is_made => Partner::Coming(plan.name.clone()),
        RecordState::Excluded => Partner::Kept(format!("its {} is excluded: {}", called(), plan.why())),
        RecordState::Gone => Partner::Kept(format!("its {} is gone: {}", called(), plan.why())),
        _ => Partner::Awaited(format!("waits for its {}", called())),
    };
    vec![(asked, partner)]
}

/// `is_first`: there is no deployed version to compare with.
fn count<K: Ord>(
    numbers: &mut BTreeMap<K, Number>,
    record: RecordRef,
    is_first: bool,
    draft: BTreeMap<K, u64>,
    mut deployed: BTreeMap<K, u64>,
) {
    for (measure, new) in draft {
        let old = deployed.remove(&measure);
        let number = numbers.entry(measure).or_default();
        number.draft.add(record);
        match old {
            _ if is_first => {}
            None => number.more.add(record),
            Some(old) if old != new => number.otherwise.add(record),
            Some(_) => {}
        }
    }
    for measure in deployed.into_keys() {
        numbers.entry(measure).or_default().less.add(record);
    }
}

impl Number {
    /// A number that there is only in comparison.
    fn add_more(&mut self, record: RecordRef) {
        self.draft.add(record);
        self.more.add(record);
    }
}
