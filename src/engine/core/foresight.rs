//! Looking ahead: what will be written once the records are made that others point to. A guard decides on all that a run
//! would come to, and a person who lets it through has seen the children of new records, too. What is foreseen is never
//! written as it is: it is planned anew when its time has come.

use super::command::Row;
use super::cover::Known;
use super::evaluate::PAGE;
use super::plan::{Facts, PairDecision, PairPlan, explain_pair, plan_pair};
use super::state::{IntentKind, IssueClass};
use super::step::{Engine, Mode, Step};
use super::view::ViewResult;
use crate::mapping::ObjectRules;
use crate::mapping::references::Partner;
use crate::model::{RecordRef, System, Timestamp};

impl Engine {
    /// All records are looked at anew. A plan that writes nothing keeps what it knows: it looks at no pair twice.
    pub(super) fn forget_foreseen(&mut self) {
        if self.mode != Mode::Plan
            && let Some(run) = &mut self.run
        {
            run.coming.clear();
            run.tally.begin_again();
        }
    }

    /// The plan for when the records are made that the pair waits for, where that adds something to be written.
    pub(super) fn look_ahead(
        &self,
        facts: &Facts,
        rules: &ObjectRules,
        plan: &PairPlan,
        now: Timestamp,
    ) -> Option<PairPlan> {
        let run = self.run.as_ref().filter(|run| self.mode == Mode::Plan || !run.free)?;
        let may_come = matches!(
            plan.decision,
            PairDecision::Wait { .. } | PairDecision::InStep | PairDecision::Agree | PairDecision::Write(_)
        );
        if !may_come || !facts.partners.knows_any(&run.coming) {
            return None;
        }
        let mut ahead = facts.clone();
        ahead.partners.foresee(&run.coming);
        let (ahead, _) = self.restrict(&ahead, plan_pair(&ahead, rules, now, None), now);
        (!ahead.later_than(plan).is_empty()).then_some(ahead)
    }

    /// Counts what is to be written now and later, and tells those that point to the pair.
    pub(super) fn count_planned(
        &mut self,
        step: &mut Step<'_>,
        anchor: RecordRef,
        plan: &PairPlan,
        ahead: Option<&PairPlan>,
    ) -> ViewResult<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let known = Known { view: step.view, rules: &self.rules };
        run.tally.add(anchor, plan, ahead, known)?;
        let writes = plan.writes().iter().chain(ahead.into_iter().flat_map(PairPlan::writes));
        let sources: Vec<RecordRef> = writes
            .filter(|write| write.kind == IntentKind::Create)
            .map(|write| RecordRef::new(write.object, write.system.other(), write.source))
            .collect();
        for source in &sources {
            run.coming.insert(*source, Partner::Coming(plan.name.clone()));
        }
        let is_asked = !run.free;
        if is_asked && let Some(source) = sources.first() {
            self.wake_with_news(step, anchor, *source, plan)?;
        }
        Ok(())
    }

    /// What points to a record that is to be made now, or later, and was not before: it is foreseen with it.
    fn wake_with_news(
        &self,
        step: &mut Step<'_>,
        anchor: RecordRef,
        source: RecordRef,
        plan: &PairPlan,
    ) -> ViewResult<()> {
        let before = step.view.status(anchor)?;
        if before.is_none_or(|before| before.state != plan.state() || before.why != plan.why()) {
            self.wake_children_of(step, source);
        }
        Ok(())
    }

    /// The two would be linked by then: a run that writes links them before it comes to their children.
    pub(super) fn foresee_link(&mut self, plan: &PairPlan) {
        if let (Some(run), PairDecision::Link { hubspot, connectwise, .. }) = (&mut self.run, &plan.decision) {
            let record = |system, id| RecordRef::new(plan.object, system, id);
            run.linked.insert(record(System::HubSpot, *hubspot), Partner::Linked(*connectwise));
            run.linked.insert(record(System::ConnectWise, *connectwise), Partner::Linked(*hubspot));
        }
    }

    /// What a push comes to of a record that is recognised as another one's partner: the two are linked, and then compared
    /// like any pair. The plan names both, and has no link yet.
    pub(super) fn shown_linked(
        &self,
        step: &Step<'_>,
        rules: &ObjectRules,
        facts: &Facts,
        plan: PairPlan,
    ) -> ViewResult<PairPlan> {
        let Some(linked) = facts.as_if_linked(step.view, rules, &plan.decision, step.now)? else { return Ok(plan) };
        let after = explain_pair(&linked, rules, step.now, None);
        let trace = plan.trace.iter().filter(|line| line.stage != "next").chain(&after.trace).cloned().collect();
        let decision = if after.writes().is_empty() { plan.decision } else { after.decision };
        Ok(PairPlan { link: None, decision, trace, ..after })
    }

    /// The end of what approved plans cover: a run came to its end, no write of them is of unknown fate, and none that was
    /// lost waits to be tried again.
    pub(super) fn end_cover(&self, step: &mut Step<'_>, is_done: bool, is_covered: bool) -> ViewResult<()> {
        let is_over = is_done && is_covered && self.mode != Mode::Plan && self.open.is_empty();
        if is_over && !self.is_any_tried_again(step)? {
            step.row(Row::Cover(None));
        }
        Ok(())
    }

    /// Whether a write that failed in a way that may pass rests until it is tried again.
    fn is_any_tried_again(&self, step: &Step<'_>) -> ViewResult<bool> {
        for object in self.object_kinds() {
            let mut after = None;
            loop {
                let page = step.view.dirty_page(object, Timestamp::MAX, after, PAGE)?;
                for mark in &page {
                    let mut issues = step.view.issues_of(mark.record)?.into_iter();
                    if issues.any(|issue| issue.class == IssueClass::Transient) {
                        return Ok(true);
                    }
                }
                after = page.last().map(|mark| mark.record);
                if page.len() < PAGE {
                    break;
                }
            }
        }
        Ok(false)
    }
}
