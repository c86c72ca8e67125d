//! What may not be done for now with the records of one object: everything else goes on.
//!
//! A person's pause stops writes; it is in the workspace, and looked up anew at every step. The rest is about rights that a
//! system does not give. Without reading, nothing can be decided about the object at all, in neither direction: its partners over there are
//! unknown. Without creating or changing, its records are held that would be written there. The marks of what is held
//! stay, so that it goes on as soon as the right is back: reading is tried with every run, writing by one record after a
//! growing pause. Nothing of that is remembered beyond the process: the next engine finds out by trying.

use std::time::Duration;

use super::command::Row;
use super::plan::{Facts, PairDecision, PairPlan, PlannedWrite, without_paused};
use super::side::back_off;
use super::state::{IntentKind, Issue, IssueClass, RecordState};
use super::step::{Engine, Stage, Step};
use super::view::ViewResult;
use crate::model::{ObjectKind, Pause, RecordRef, System, Timestamp};

/// The longest pause between two tries of a write that is not allowed.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What is done with the records of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Read,
    Create,
    Update,
}

impl Way {
    pub const fn of(kind: IntentKind) -> Self {
        match kind {
            IntentKind::Create => Self::Create,
            IntentKind::Update => Self::Update,
        }
    }
}

/// A right is needed there, for that object, to do that.
pub(super) type Need = (System, ObjectKind, Way);

/// What a system said instead of doing it.
#[derive(Debug)]
pub(super) struct Denial {
    message: String,
    hint: String,
    attempts: u32,
    /// A write is tried once more from then on.
    again: Timestamp,
    /// Where nothing can be read: all known records are marked, to be shown as held.
    marked: bool,
}

impl Engine {
    /// What that system does not allow, as far as this engine met it, each with the next step.
    #[must_use]
    pub fn missing_rights(&self, system: System) -> Vec<String> {
        let of = self.denials.iter().filter(|((denied_by, ..), _)| *denied_by == system);
        of.map(|(_, denial)| format!("{} {}", denial.message, denial.hint)).collect()
    }

    /// Takes in that a right is missing.
    pub(super) fn forbid(&mut self, step: &Step<'_>, need: Need, message: &str, hint: &str) {
        let (system, object, way) = need;
        let known = self.denials.remove(&need);
        let attempts = known.as_ref().map_or(0, |known| known.attempts) + 1;
        let shortest = Duration::from_secs(self.rules.config.timing.poll.max(1));
        let objects = object.plural().to_lowercase();
        let what = match way {
            Way::Read => format!("{system} does not let its {objects} be read"),
            Way::Create => format!("{system} does not let {objects} be created"),
            Way::Update => format!("{system} does not let its {objects} be changed"),
        };
        let denial = Denial {
            message: format!("{what}: {message}"),
            hint: format!("{hint} `lockstep doctor` names every right that is missing. It goes on by itself then."),
            attempts,
            again: step.now + back_off(attempts, shortest, LONGEST),
            marked: known.is_some_and(|known| known.marked),
        };
        self.sides[system].last_error = Some((step.now, denial.message.clone()));
        self.denials.insert(need, denial);
    }

    /// A list or a read was refused for lack of a right: what is left to read of the object there is left for the next run.
    pub(super) fn forbid_reading(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        object: ObjectKind,
        (message, hint): (&str, &str),
    ) {
        self.forbid(step, (system, object, Way::Read), message, hint);
        self.drop_feeds(system, object);
        step.wake_at(step.now);
    }

    /// It was just done.
    pub(super) fn allow(&mut self, need: Need) {
        self.denials.remove(&need);
    }

    /// What a system said when that was not allowed last.
    pub(super) fn denied(&self, need: Need) -> Option<&str> {
        self.denials.get(&need).map(|denial| denial.message.as_str())
    }

    /// Why nothing can be decided about an object, if nothing can.
    pub(super) fn unreadable(&self, object: ObjectKind) -> Option<&Denial> {
        System::BOTH.into_iter().find_map(|system| self.denials.get(&(system, object, Way::Read)))
    }

    /// Objects that cannot be read, and whose records are not marked yet; from now on they are.
    pub(super) fn newly_unreadable(&mut self) -> Vec<ObjectKind> {
        let denials = self.denials.iter_mut().filter(|((_, _, way), denial)| *way == Way::Read && !denial.marked);
        let mut objects: Vec<ObjectKind> = denials
            .map(|((_, object, _), denial)| {
                denial.marked = true;
                *object
            })
            .collect();
        objects.dedup();
        objects
    }

    /// Whether the write would be the one by which a missing right is tried.
    pub(super) fn is_on_trial(&self, write: &PlannedWrite) -> bool {
        self.denials.contains_key(&(write.system, write.object, Way::of(write.kind)))
    }

    /// Whether a write like that is on its way.
    pub(super) fn is_being_tried(&self, write: &PlannedWrite) -> bool {
        let like = |intent: &super::state::Intent| {
            (intent.system, intent.object, intent.kind) == (write.system, write.object, write.kind)
        };
        self.open.values().any(|open| open.on_its_way && like(&open.intent))
    }

    /// The plan without what is paused or not allowed. Says whether nothing is left of it.
    pub(super) fn restrict(&self, facts: &Facts, mut plan: PairPlan, now: Timestamp) -> (PairPlan, bool) {
        if matches!(plan.decision, PairDecision::Exclude { .. } | PairDecision::Gone { .. }) {
            return (plan, false);
        }
        if let Some(denial) = self.unreadable(plan.object) {
            plan.issues.push(denial.issue(facts, now));
            plan.decision = PairDecision::Hold { reason: denial.message.clone() };
            return (plan, true);
        }
        let mut plan = self.without_paused(plan);
        let is_paused = matches!(plan.decision, PairDecision::Paused { .. });
        let PairDecision::Write(writes) = &mut plan.decision else { return (plan, is_paused) };
        let denial_of = |write: &PlannedWrite| {
            let denial = self.denials.get(&(write.system, write.object, Way::of(write.kind)))?;
            (denial.again > now).then_some(denial)
        };
        let Some(denial) = writes.iter().find_map(denial_of) else { return (plan, false) };
        writes.retain(|write| denial_of(write).is_none());
        let nothing_left = writes.is_empty();
        plan.issues.push(denial.issue(facts, now));
        if nothing_left {
            plan.decision = PairDecision::Hold { reason: denial.message.clone() };
        }
        (plan, nothing_left)
    }

    /// The plan without what people paused.
    pub(super) fn without_paused(&self, plan: PairPlan) -> PairPlan {
        without_paused(plan, &self.pauses)
    }

    /// The pause by which nothing of that object is written to that system, if there is one.
    pub(super) fn paused(&self, object: ObjectKind, to: System) -> Option<&Pause> {
        self.pauses.stops(object, to)
    }

    /// Whether a record is shown as held for that already.
    pub(super) fn is_shown_held(&self, step: &Step<'_>, of: RecordRef) -> ViewResult<bool> {
        let Some(denial) = self.unreadable(of.object) else { return Ok(false) };
        let anchor = step.view.link_of(of)?.map_or(of, |link| link.record(System::HubSpot));
        let status = step.view.status(anchor)?;
        Ok(status.is_some_and(|status| status.state == RecordState::Held && status.why == denial.message))
    }

    /// Shows what is held by a pause, or for lack of a right. Its marks stay.
    pub(super) fn settle_held(&self, step: &mut Step<'_>, facts: &Facts, plan: &PairPlan) -> ViewResult<()> {
        let before = step.view.status(facts.anchor())?;
        let is_shown = before.is_some_and(|before| before.state == plan.state() && before.why == plan.why());
        if is_shown && plan.issues.iter().all(|issue| facts.issue(issue.class).is_some()) {
            return Ok(());
        }
        self.settle_issues(step, facts, plan);
        self.show(step, plan)?;
        if matches!(plan.decision, PairDecision::Paused { .. }) {
            goes_on_with_the_end(step, facts)?;
        }
        if facts.link.is_none() {
            self.wake_children_of(step, facts.asked);
        }
        Ok(())
    }

    /// Records that wait for one of which nothing is known say why nothing is.
    pub(super) fn tell_unreadable(&self, step: &Step<'_>, facts: &mut Facts) -> ViewResult<()> {
        for of in facts.partners.awaited() {
            if let Some(denial) = self.denials.get(&(of.system, of.object, Way::Read))
                && step.view.status(of)?.is_none()
            {
                facts.partners.await_for(of, format!("waits for {of}, which is not known here: {}", denial.message));
            }
        }
        Ok(())
    }

    fn drop_feeds(&mut self, system: System, object: ObjectKind) {
        if let Stage::Pull(feeds) = &mut self.stage {
            feeds[system].drop_all(object);
        }
    }
}

/// What is shown as paused goes on as soon as it is paused no more. Its marks may rest longer: they were looked at early,
/// because somebody set this machine's clock back.
fn goes_on_with_the_end(step: &mut Step<'_>, facts: &Facts) -> ViewResult<()> {
    let ids = facts.ids();
    for of in [ids.hubspot, ids.connectwise].into_iter().flatten() {
        if let Some(mark) = step.view.dirty(of)?.filter(|mark| mark.not_before > step.now) {
            let now = step.now;
            step.row(Row::Dirty(mark.put_off(now, now)));
        }
    }
    Ok(())
}

impl Denial {
    fn issue(&self, facts: &Facts, now: Timestamp) -> Issue {
        Issue {
            record: facts.anchor(),
            class: IssueClass::Permission,
            field: None,
            link: facts.link.as_ref().map(|link| link.id),
            message: self.message.clone(),
            hint: self.hint.clone(),
            fingerprint: 0,
            attempts: self.attempts,
            next_try: Timestamp::MAX,
            first: facts.issue(IssueClass::Permission).map_or(now, |known| known.first),
            last: now,
        }
    }
}
