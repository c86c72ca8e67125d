//! Going through all records that may have something to do: what is only local is settled at once, what must be
//! written is counted, guarded and queued.

use std::collections::BTreeSet;

use super::agreement::agree_on_payload;
use super::command::Row;
use super::own_change::own_making;
use super::plan::{Facts, FieldNext, PairDecision, PairPlan, awaited, plan_pair, until_read};
use super::pull::{dirty, is_unread};
use super::state::{
    Agreed, Dirty, DirtyReason, Issue, IssueClass, Link, LinkOrigin, LinkState, Observation, RecordState, Verdict,
};
use super::step::{ActiveRun, Engine, Mode, Stage, Step, rules_of};
use super::view::ViewResult;
use crate::mapping::ObjectRules;
use crate::model::{BySystem, Fields, LinkId, ObjectKind, RecordRef, System, Timestamp};

/// How many marks one step looks at.
pub(super) const PAGE: usize = 200;

/// How many pairs a plan keeps in full; the counts go on.
const MOST_PLANS: usize = 10_000;

/// The records that one step decided on.
#[derive(Debug, Default)]
struct Decided {
    settled: BTreeSet<RecordRef>,
    /// They are looked at again after their write.
    to_write: BTreeSet<RecordRef>,
    /// They are decided on once they are read.
    to_read: BTreeSet<RecordRef>,
}

impl Decided {
    fn any(&self, records: &[RecordRef]) -> bool {
        records.iter().any(|record| self.settled.contains(record)) || self.will_be_written(records)
    }

    fn will_be_written(&self, records: &[RecordRef]) -> bool {
        records.iter().any(|record| self.to_write.contains(record))
    }
}

impl Engine {
    pub(super) fn advance_evaluate(&mut self, step: &mut Step<'_>) -> ViewResult<bool> {
        let Stage::Evaluate { object, after, again } = self.stage else { return Ok(false) };
        let Some(kind) = self.object_kinds().get(object).copied() else {
            return self.finish_evaluate(step, again);
        };
        if object == 0 && after.is_none() {
            self.forget_foreseen();
        }
        // a plan also tells of what rests until later
        let due = if self.mode == Mode::Plan { Timestamp::MAX } else { step.now };
        let page = step.view.dirty_page(kind, due, after, PAGE)?;
        let mut linked = again;
        // a record that was decided on in this step is not decided on again before that is committed
        let mut decided = Decided::default();
        for mark in &page {
            linked |= self.evaluate(step, kind, mark, &mut decided)?;
        }
        self.stage = match page.last() {
            Some(last) if page.len() == PAGE => Stage::Evaluate { object, after: Some(last.record), again: linked },
            _ => Stage::Evaluate { object: object + 1, after: None, again: linked },
        };
        Ok(true)
    }

    /// Looks at one mark. Says whether everything must be looked at once more.
    fn evaluate(
        &mut self,
        step: &mut Step<'_>,
        kind: ObjectKind,
        mark: &Dirty,
        decided: &mut Decided,
    ) -> ViewResult<bool> {
        let Some(handle) = self.object_rules(kind) else { return Ok(false) };
        let Some(rules) = rules_of(&handle) else { return Ok(false) };
        // of what rests until another day a plan has nothing to tell
        if mark.reason == DirtyReason::Day && !mark.is_due(step.now) {
            return Ok(false);
        }
        // what a link of this step woke is decided on once that link is known
        if self.busy.contains(&mark.record) || decided.any(&[mark.record]) || step.wakes(mark.record) {
            return Ok(false);
        }
        if self.is_shown_held(step, mark.record)? || self.is_planned(mark.record) {
            return Ok(false);
        }
        let mut facts = Facts::gather(step.view, rules, mark.record, &[])?;
        if let Some(run) = &self.run {
            facts.partners.foresee(&run.linked);
        }
        let ids = facts.ids();
        let members: Vec<RecordRef> = [ids.hubspot, ids.connectwise].into_iter().flatten().collect();
        if members.iter().any(|record| self.busy.contains(record)) || decided.any(&members) {
            return Ok(false);
        }
        let is_readable = self.unreadable(kind).is_none();
        if is_readable && facts.in_doubt().is_some() {
            if decided.to_read.insert(facts.anchor()) {
                self.read_before_deciding(step, rules, &facts);
            }
            return Ok(false);
        }
        self.tell_unreadable(step, &mut facts)?;
        let (plan, is_held) = self.restrict(&facts, plan_pair(&facts, rules, step.now, None), step.now);
        if is_held {
            decided.settled.extend(members);
            self.settle_held(step, &facts, &plan)?;
            self.keep_plan(plan);
            return Ok(false);
        }
        if facts.in_doubt().is_some() {
            // it cannot be read now: what is decided without it is shown, and its mark stays until it was read
            decided.settled.extend(members);
            self.show(step, &plan)?;
            self.keep_plan(plan);
            return Ok(false);
        }
        if let PairDecision::Link { hubspot, connectwise, .. } = &plan.decision {
            // several records of one step may want the same partner: the first is linked, the others look again
            let partners = [
                RecordRef::new(kind, System::HubSpot, *hubspot),
                RecordRef::new(kind, System::ConnectWise, *connectwise),
            ];
            // a partner that is busy or about to be written comes back by itself
            if partners.iter().any(|record| self.busy.contains(record)) || decided.will_be_written(&partners) {
                return Ok(false);
            }
            // one that is in doubt is read first: its own mark brings both back
            for partner in partners {
                if is_unread(step.view.observation(partner)?.as_ref()) {
                    self.keep_plan(PairPlan { decision: PairDecision::Wait { reason: awaited(partner) }, ..plan });
                    return Ok(false);
                }
            }
            if decided.any(&partners) {
                return Ok(true);
            }
            decided.settled.extend(partners);
        }
        let ahead = self.look_ahead(&facts, rules, &plan, step.now);
        match plan.decision {
            PairDecision::Write(_) => decided.to_write.extend(members.iter().copied()),
            _ if ahead.is_none() => decided.settled.extend(members.iter().copied()),
            // a record that only waits may still be found to be another one's partner
            _ if facts.link.is_none() && self.mode != Mode::Plan => {}
            _ => decided.to_write.extend(members.iter().copied()),
        }
        self.dispose(step, rules, &facts, plan, ahead)
    }

    /// A plan reads no single records: it says what it does not know.
    fn read_before_deciding(&mut self, step: &Step<'_>, rules: &ObjectRules, facts: &Facts) {
        if self.mode == Mode::Plan {
            self.keep_plan(until_read(facts, plan_pair(facts, rules, step.now, None)));
        } else {
            self.work[facts.anchor().system].push_back(facts.anchor());
        }
    }

    fn dispose(
        &mut self,
        step: &mut Step<'_>,
        rules: &ObjectRules,
        facts: &Facts,
        plan: PairPlan,
        ahead: Option<PairPlan>,
    ) -> ViewResult<bool> {
        self.revive(step, facts, &plan);
        if let PairDecision::Link { hubspot, connectwise, origin } = &plan.decision {
            if self.mode == Mode::Plan {
                self.plan_link(step, rules, facts, plan)?;
                return Ok(false);
            }
            self.make_link(step, facts, *hubspot, *connectwise, origin.clone())?;
            return Ok(true);
        }
        if ahead.is_some() || !plan.writes().is_empty() {
            self.count_planned(step, facts.anchor(), &plan, ahead.as_ref())?;
        }
        if let PairDecision::Write(writes) = &plan.decision {
            self.show(step, &plan)?;
            self.settle_issues(step, facts, &plan);
            if self.mode != Mode::Plan {
                let first = writes.first().map_or(facts.anchor().system, |write| write.system);
                self.work[first].push_back(facts.anchor());
            }
        } else if ahead.is_some() {
            // its marks stay: it is looked at again with the records that it waits for
            self.settle_rows(step, rules, facts, &plan)?;
        } else {
            self.settle(step, rules, facts, &plan)?;
        }
        let is_settled = matches!(plan.decision, PairDecision::InStep | PairDecision::Agree) && ahead.is_none();
        if !is_settled || plan.issues.iter().any(Issue::needs_person) {
            let ids = facts.ids();
            self.note_planned([ids.hubspot, ids.connectwise].into_iter().flatten());
            let plan = ahead.unwrap_or(plan);
            self.tally_plan(&plan);
            self.keep_plan(plan);
        }
        Ok(false)
    }

    /// A plan that writes nothing shows what would be written once the two are linked.
    fn plan_link(&mut self, step: &mut Step<'_>, rules: &ObjectRules, facts: &Facts, link: PairPlan) -> ViewResult<()> {
        self.count(link.object, |counts| counts.linked += 1);
        self.foresee_link(&link);
        if let PairDecision::Link { hubspot, connectwise, .. } = &link.decision {
            let both = [(System::HubSpot, *hubspot), (System::ConnectWise, *connectwise)];
            self.note_planned(both.into_iter().map(|(system, id)| RecordRef::new(link.object, system, id)));
        }
        let anchor = facts.anchor();
        let plan = match facts.as_if_linked(step.view, rules, &link.decision, step.now)? {
            None => link,
            Some(mut linked) => {
                if let Some(run) = &self.run {
                    linked.partners.foresee(&run.linked);
                }
                let now = self.without_paused(plan_pair(&linked, rules, step.now, None));
                let ahead = self.look_ahead(&linked, rules, &now, step.now);
                self.count_planned(step, anchor, &now, ahead.as_ref())?;
                let after = ahead.unwrap_or(now);
                let unwritten = after.writes().is_empty();
                if unwritten { PairPlan { fields: after.fields, issues: after.issues, ..link } } else { after }
            }
        };
        self.tally_plan(&plan);
        self.keep_plan(plan);
        Ok(())
    }

    /// Whether a plan that writes nothing has this record already: with its partner, or in an earlier pass.
    fn is_planned(&self, record: RecordRef) -> bool {
        self.run.as_ref().is_some_and(|run| run.planned.contains(&record))
    }

    fn note_planned(&mut self, records: impl Iterator<Item = RecordRef>) {
        if self.mode == Mode::Plan
            && let Some(run) = &mut self.run
        {
            run.planned.extend(records);
        }
    }

    /// Both records of a link are there again: it takes part, whatever keeps its own values waiting.
    fn revive(&self, step: &mut Step<'_>, facts: &Facts, plan: &PairPlan) {
        let Some(link) = facts.link.as_ref().filter(|link| link.state == LinkState::Tomb) else { return };
        let is_live = |record: &Option<Observation>| record.as_ref().is_some_and(Observation::is_live);
        let is_settled = matches!(plan.decision, PairDecision::InStep | PairDecision::Agree);
        if !is_settled && is_live(&facts.records.hubspot) && is_live(&facts.records.connectwise) {
            let revived = Link { state: LinkState::Active, ..link.clone() };
            self.wake_children(step, &revived);
            step.row(Row::Link(revived));
        }
    }

    fn keep_plan(&mut self, plan: PairPlan) {
        if self.mode == Mode::Plan
            && let Some(run) = &mut self.run
            && run.plans.len() < MOST_PLANS
        {
            run.plans.push(plan);
        }
    }

    /// A plan counts what would be done as a run counts what was done.
    fn tally_plan(&mut self, plan: &PairPlan) {
        if self.mode != Mode::Plan {
            return;
        }
        for write in plan.writes() {
            let (kind, fields, system) = (write.kind, &write.fields, write.system);
            self.count(write.object, |counts| counts.sides[system].add(kind, fields));
        }
    }

    fn finish_evaluate(&mut self, step: &mut Step<'_>, again: bool) -> ViewResult<bool> {
        if again {
            self.work = crate::model::BySystem::default();
            self.stage = Self::begin_evaluate();
            return Ok(true);
        }
        if self.mode == Mode::Plan {
            let verdict = self.verdict_of_plan(step)?;
            self.end_run(step, verdict)?;
            return Ok(false);
        }
        if self.work.hubspot.is_empty() && self.work.connectwise.is_empty() {
            self.held = None;
            self.end_run(step, Verdict::Done)?;
            return Ok(false);
        }
        if let Some(reason) = self.guard(step)? {
            if self.spend_hints() {
                let reason = format!("{reason}. The next regular look decides on it");
                self.end_run(step, Verdict::Stopped(reason))?;
                return Ok(false);
            }
            let hash = self.run.as_ref().map_or_else(String::new, |run| run.tally.hash());
            self.held = Some((reason.clone(), hash.clone()));
            self.end_run(step, Verdict::Held { reason, plan: hash })?;
            return Ok(false);
        }
        self.held = None;
        self.stage = Stage::Apply { since: step.now };
        Ok(true)
    }

    /// Held where a guard would hold a run that writes this. An approval is looked at and kept for that run.
    fn verdict_of_plan(&self, step: &Step<'_>) -> ViewResult<Verdict> {
        let Some(run) = &self.run else { return Ok(Verdict::Done) };
        let Some(reason) = self.exceeded(step, run)? else { return Ok(Verdict::Done) };
        let plan = run.tally.hash();
        Ok(if step.view.is_approved(&plan)? { Verdict::Done } else { Verdict::Held { reason, plan } })
    }

    /// The limit that the run exceeds so far. The first run of a workspace has none.
    fn exceeded(&self, step: &Step<'_>, run: &ActiveRun) -> ViewResult<Option<String>> {
        if run.free { Ok(None) } else { run.tally.exceeds(&self.rules.config.guards, step.view) }
    }

    /// Why the run may not go on without a person, if it may not.
    fn guard(&mut self, step: &mut Step<'_>) -> ViewResult<Option<String>> {
        let Some(run) = &self.run else { return Ok(None) };
        let reason = self.exceeded(step, run)?;
        let Some(run) = &mut self.run else { return Ok(None) };
        let Some(reason) = reason else {
            run.tally.pass();
            return Ok(None);
        };
        let hash = run.tally.hash();
        if step.view.is_approved(&hash)? {
            let cover = run.tally.let_through(self.rules.version);
            step.row(Row::Approval { plan: hash, used_by: Some(run.row.id) });
            step.row(Row::Cover(Some(cover)));
            return Ok(None);
        }
        Ok(Some(reason))
    }

    /// Makes a link by recognition. What the copy's maker journaled, if one made the other, is its first agreement.
    pub(super) fn make_link(
        &mut self,
        step: &mut Step<'_>,
        facts: &Facts,
        hubspot: crate::model::RecordId,
        connectwise: crate::model::RecordId,
        origin: LinkOrigin,
    ) -> ViewResult<()> {
        let object = facts.asked.object;
        let mut link = self.new_link(object, hubspot, connectwise, origin, step.now);
        if let super::plan::identity::Identity::Partner { made_by: Some(intent), .. } = &facts.identity {
            for source in [link.record(System::HubSpot), link.record(System::ConnectWise)] {
                for made in step.view.creates_from(source)? {
                    let copy = step.view.observation(link.record(made.system))?;
                    if made.id == *intent
                        && let (Some(copy), Some(rules)) = (copy, self.rules.object(object))
                    {
                        agree_on_payload(&mut link, rules, &made, &copy.record, step.now);
                        link.own[made.system] = own_making(rules, &made, &copy.record);
                    }
                }
            }
        }
        for issue in &facts.issues {
            step.row(Row::ClearIssue { record: issue.record, class: issue.class, field: issue.field.clone() });
        }
        let anchor = link.record(System::HubSpot);
        step.row(Row::ClearStatus(link.record(System::ConnectWise)));
        step.row(dirty(anchor, DirtyReason::Changed, step.now));
        let id = link.id;
        self.wake_children(step, &link);
        if let Some(rules) = self.rules.object(object) {
            Self::wake_rivals(step, rules, &link)?;
        }
        self.count(link.object, |counts| counts.linked += 1);
        step.row(Row::Link(link));
        if let Some(run) = &mut self.run {
            run.touched.insert(id);
        }
        Ok(())
    }

    pub(super) fn new_link(
        &mut self,
        object: ObjectKind,
        hubspot: crate::model::RecordId,
        connectwise: crate::model::RecordId,
        origin: LinkOrigin,
        now: Timestamp,
    ) -> Link {
        self.numbers.link += 1;
        Link {
            id: LinkId(self.numbers.link),
            object,
            hubspot,
            connectwise,
            state: LinkState::Active,
            origin,
            created: now,
            baseline: std::collections::BTreeMap::new(),
            recent: std::collections::BTreeMap::new(),
            own: crate::model::BySystem::default(),
        }
    }

    /// Commits everything a plan without writes means: agreements, issues, state, and the end of its marks.
    pub(super) fn settle(
        &mut self,
        step: &mut Step<'_>,
        rules: &ObjectRules,
        facts: &Facts,
        plan: &PairPlan,
    ) -> ViewResult<()> {
        self.settle_rows(step, rules, facts, plan)?;
        let later = match &plan.decision {
            PairDecision::Fail { next_try, .. } => Some(*next_try),
            // an open write keeps its marks: they are looked at again when it is resolved
            PairDecision::Wait { .. } if facts.open.is_some() => return Ok(()),
            _ => None,
        };
        // a field that was refused is tried again by itself, whatever else there is to do
        let probed = plan.issues.iter().filter(|issue| issue.class == IssueClass::Rejected).map(|issue| issue.next_try);
        let later = later.into_iter().chain(probed).min();
        // a filter that depends on the day looks at it again on the day on which it turns
        let turns = plan.turns();
        let later = later.map(|at| turns.map_or(at, |turns| at.min(turns)));
        let ids = facts.ids();
        for record in [ids.hubspot, ids.connectwise].into_iter().flatten() {
            match later {
                Some(at) if at < Timestamp::MAX => {
                    let Some(mark) = step.view.dirty(record)? else { continue };
                    step.row(Row::Dirty(mark.put_off(at, step.now)));
                    step.wake_at(at);
                }
                _ => step.row(Row::ClearDirty(record)),
            }
        }
        if let Some(at) = turns.filter(|_| later.is_none_or(|later| later == Timestamp::MAX)) {
            let record = facts.anchor();
            step.row(Row::Dirty(Dirty { record, reason: DirtyReason::Day, since: step.now, not_before: at }));
        }
        Ok(())
    }

    /// The same without the end of its marks.
    fn settle_rows(&self, step: &mut Step<'_>, rules: &ObjectRules, facts: &Facts, plan: &PairPlan) -> ViewResult<()> {
        self.settle_link(step, rules, facts, plan);
        self.settle_issues(step, facts, plan);
        self.wake_if_kept_otherwise(step, facts, plan)?;
        self.show(step, plan)
    }

    /// Records that point to one of a pair are looked at again: what they waited for may have come, or gone.
    pub(super) fn wake_children(&self, step: &mut Step<'_>, link: &Link) {
        for system in System::BOTH {
            self.wake_children_of(step, link.record(system));
        }
    }

    pub(super) fn wake_children_of(&self, step: &mut Step<'_>, parent: RecordRef) {
        for object in self.rules.children(parent.object) {
            step.row(Row::DirtyChildren { object: *object, parent, since: step.now });
        }
    }

    /// The children of a record without a partner say why they stay behind: when that reason turns, so must they.
    fn wake_if_kept_otherwise(&self, step: &mut Step<'_>, facts: &Facts, plan: &PairPlan) -> ViewResult<()> {
        if facts.link.is_some() || self.rules.children(facts.asked.object).is_empty() {
            return Ok(());
        }
        let kept = |state: RecordState| matches!(state, RecordState::Excluded | RecordState::Gone);
        let before = step.view.status(facts.asked)?.map(|status| status.state);
        if before.is_none_or(|before| kept(before) != kept(plan.state())) {
            self.wake_children_of(step, facts.asked);
        }
        Ok(())
    }

    pub(super) fn settle_link(&self, step: &mut Step<'_>, rules: &ObjectRules, facts: &Facts, plan: &PairPlan) {
        let Some(link) = &facts.link else { return };
        let state = match plan.decision {
            PairDecision::Gone { .. } => LinkState::Tomb,
            PairDecision::Hold { .. } if facts.merged.is_some() => LinkState::Tomb,
            PairDecision::InStep | PairDecision::Agree => LinkState::Active,
            _ => return,
        };
        let mut agreements = Vec::new();
        if let (Some(h), Some(c)) = (&facts.records.hubspot, &facts.records.connectwise) {
            for field in &plan.fields {
                let Some(rule) = rules.field(&field.key) else { continue };
                let beside = rule.beside(BySystem::new(Some(&h.record), Some(&c.record)));
                if field.next == FieldNext::Agree {
                    let agreed = Agreed {
                        hubspot: h.record.value(rule.mapping.hubspot.as_str()).clone(),
                        connectwise: c.record.value(rule.mapping.connectwise.as_str()).clone(),
                        at: step.now,
                        supposed: false,
                        beside,
                    };
                    agreements.push((field.key.clone(), agreed));
                } else if let Some(agreed) = link.baseline.get(&field.key) {
                    agreements.extend(noting(agreed, beside).map(|agreed| (field.key.clone(), agreed)));
                }
            }
        }
        for decision in &facts.decisions {
            let open = plan
                .fields
                .iter()
                .any(|f| f.key == decision.field && f.next != FieldNext::Agree && f.next != FieldNext::Same);
            if !open {
                step.row(Row::ClearDecision { link: link.id, field: decision.field.clone() });
            }
        }
        if state == link.state && agreements.is_empty() {
            return;
        }
        let mut renewed = Link { state, ..link.clone() };
        renewed.baseline.extend(agreements);
        if renewed.state != link.state {
            self.wake_children(step, &renewed);
        }
        if renewed != *link {
            step.row(Row::Link(renewed));
        }
    }

    /// What the plan complains about stands; what it complained about before and no longer does is over.
    pub(super) fn settle_issues(&self, step: &mut Step<'_>, facts: &Facts, plan: &PairPlan) {
        let in_step = matches!(plan.decision, PairDecision::InStep | PairDecision::Agree | PairDecision::Gone { .. })
            || facts.merged.is_some();
        for issue in &facts.issues {
            let stands = plan
                .issues
                .iter()
                .any(|new| new.record == issue.record && new.class == issue.class && new.field == issue.field);
            let of_a_write = matches!(
                issue.class,
                IssueClass::Rejected | IssueClass::FalseSuccess | IssueClass::Transient | IssueClass::IdentifierTaken
            );
            let of_a_right = issue.class == IssueClass::Permission && matches!(plan.decision, PairDecision::Write(_));
            if !stands && (in_step || !of_a_write) && !of_a_right {
                step.row(Row::ClearIssue { record: issue.record, class: issue.class, field: issue.field.clone() });
            }
        }
        for issue in &plan.issues {
            step.row(Row::Issue(issue.clone()));
        }
    }

    /// The row people see.
    pub(super) fn show(&self, step: &mut Step<'_>, plan: &PairPlan) -> ViewResult<()> {
        step.row(Row::Status(plan.status(step.now)));
        Ok(())
    }
}

/// The agreement with what transforms look at as of now where that was not noted before, and without what none looks at any
/// more. A transform that is new makes no change of what was agreed on.
fn noting(agreed: &Agreed, now: BySystem<Fields>) -> Option<Agreed> {
    let beside = now.map(|system, now| {
        let known = &agreed.beside[system];
        now.into_iter()
            .map(|(name, value)| known.get(&name).cloned().map_or((name.clone(), value), |was| (name, was)))
            .collect()
    });
    (beside != agreed.beside).then(|| Agreed { beside, ..agreed.clone() })
}
