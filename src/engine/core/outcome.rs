//! What became of writes: journal, links, agreements, history and cache in one commit, whatever the answer says.

use std::collections::BTreeMap;
use std::time::Duration;

use super::agreement::{agree_on_payload, delivered, note_shown, remember};
use super::command::Row;
use super::pull::{dirty, observation, with_merged};
use super::request::{AnswerBody, Failure, ItemOutcome};
use super::rights::{Need, Way};
use super::side::back_off;
use super::state::{
    DirtyReason, HistoryEntry, Intent, IntentKind, IntentState, Issue, IssueClass, Link, LinkOrigin, LinkState,
    OwnChange,
};
use super::step::{Engine, Step, rules_of};
use super::view::ViewResult;
use crate::model::{IntentId, Record, RecordRef, System, Timestamp};

impl Engine {
    pub(super) fn take_written(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        intents: &[IntentId],
        records: &[RecordRef],
        body: AnswerBody,
    ) -> ViewResult<()> {
        self.release(records);
        match body {
            AnswerBody::Written { items } => {
                self.sides[system].succeeded();
                let mut outcomes: BTreeMap<IntentId, ItemOutcome> = items.into_iter().collect();
                let told = |outcome: &ItemOutcome| !matches!(outcome, ItemOutcome::Unknown(_));
                if outcomes.values().any(told)
                    && let Some(need) = self.need_of(intents)
                {
                    self.allow(need);
                }
                for id in intents {
                    let silent = || ItemOutcome::Unknown("the answer does not mention it".to_owned());
                    let outcome = outcomes.remove(id).unwrap_or_else(silent);
                    self.take_outcome(step, *id, outcome)?;
                }
                Ok(())
            }
            AnswerBody::Withheld(why) => {
                self.none_applied(step, intents, &format!("not sent: {why}"));
                Ok(())
            }
            AnswerBody::Failed(failure) => self.take_failed_write(step, system, intents, failure),
            _ => self.all_unknown(step, intents, "the answer to a write was something else"),
        }
    }

    fn take_failed_write(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        intents: &[IntentId],
        failure: Failure,
    ) -> ViewResult<()> {
        match failure {
            Failure::NotSent(message) => {
                let patience_ends = self.sides[system].failed(step.now, &message);
                self.none_applied(step, intents, &format!("not sent: {message}"));
                step.wake_at(self.sides[system].not_before);
                if patience_ends {
                    let message = format!("{system} cannot be reached: {message}");
                    self.sides[system].failures = 0;
                    return self.stop(step, message);
                }
                Ok(())
            }
            Failure::Throttled { retry_after, message } => {
                self.none_applied(step, intents, &format!("put off by {system}: {message}"));
                self.put_off(step, system, retry_after, &message)
            }
            Failure::Denied { message, hint } => {
                self.none_applied(step, intents, &message);
                self.sides[system].denied(step.now, message.clone(), hint);
                self.stop(step, message)
            }
            Failure::Forbidden { message, hint } => {
                let need = self.need_of(intents);
                self.none_applied(step, intents, &message);
                if let Some(need) = need {
                    self.forbid(step, need, &message, &hint);
                }
                Ok(())
            }
            Failure::Rejected(rejection) => match intents {
                [one] => self.take_outcome(step, *one, ItemOutcome::Rejected(rejection)),
                several => {
                    self.halve(several);
                    self.none_applied(step, several, &format!("refused together with others: {}", rejection.message));
                    Ok(())
                }
            },
            Failure::Unknown(message) => {
                self.sides[system].failed(step.now, &message);
                step.wake_at(self.sides[system].not_before);
                self.all_unknown(step, intents, &message)
            }
        }
    }

    /// The right that these writes take.
    fn need_of(&self, intents: &[IntentId]) -> Option<Need> {
        let intent = &intents.iter().find_map(|id| self.open.get(id))?.intent;
        Some((intent.system, intent.object, Way::of(intent.kind)))
    }

    /// One bad item spoils a batch: its items are tried again in halves, until the bad one stands alone.
    fn halve(&mut self, intents: &[IntentId]) {
        let half = intents.len().div_ceil(2).max(1);
        for id in intents {
            if let Some(open) = self.open.get(id) {
                let source = open.intent.source_record();
                let anchor = match (source.system, open.intent.target_record()) {
                    (System::ConnectWise, Some(target)) => target,
                    _ => source,
                };
                self.batch_limit.insert(anchor, half);
            }
        }
    }

    fn none_applied(&mut self, step: &mut Step<'_>, intents: &[IntentId], why: &str) {
        for id in intents {
            let Some(intent) = self.close(*id) else { continue };
            self.job_outcome(*id, Err(why.to_owned()));
            finish(step, intent, IntentState::NotApplied, why);
        }
        self.progressed();
    }

    fn all_unknown(&mut self, step: &mut Step<'_>, intents: &[IntentId], why: &str) -> ViewResult<()> {
        for id in intents {
            self.take_outcome(step, *id, ItemOutcome::Unknown(why.to_owned()))?;
        }
        Ok(())
    }

    fn take_outcome(&mut self, step: &mut Step<'_>, id: IntentId, outcome: ItemOutcome) -> ViewResult<()> {
        match outcome {
            ItemOutcome::Unknown(why) => {
                self.job_outcome(id, Err(format!("no confirmation: {why}. It is looked up again by itself.")));
                self.leave_open(step, id, &why);
                Ok(())
            }
            ItemOutcome::Applied(record) => {
                let Some(open) = self.open.get(&id) else { return Ok(()) };
                if let Some(why) = is_another(step, &open.intent, &record)? {
                    return self.take_outcome(step, id, ItemOutcome::Unknown(why));
                }
                let Some(intent) = self.close(id) else { return Ok(()) };
                self.progressed();
                self.job_outcome(id, Ok(()));
                self.batch_limit.remove(&intent.source_record());
                if let Some(target) = intent.target_record() {
                    self.batch_limit.remove(&target);
                }
                match intent.kind {
                    IntentKind::Create => self.created(step, intent, *record),
                    IntentKind::Update => self.updated(step, intent, *record),
                }
            }
            ItemOutcome::Rejected(rejection) => self.rejected(step, id, rejection),
        }
    }

    /// A create that the system confirmed.
    fn created(&mut self, step: &mut Step<'_>, mut intent: Intent, record: Record) -> ViewResult<()> {
        let copy = RecordRef::new(intent.object, intent.system, record.id);
        intent.target = Some(record.id);
        self.count_write(step, &intent)?;
        let own = OwnChange { modified: record.modified, before: Timestamp::EPOCH };
        self.link_copy(step, &mut intent, copy, &record, LinkState::Active, Some(own))?;
        self.store_written(step, copy, record)?;
        finish(step, intent, IntentState::Applied, "confirmed");
        Ok(())
    }

    /// Links a source with the copy that was made of it; what was sent is their first agreement, as far as the copy
    /// shows it.
    pub(super) fn link_copy(
        &mut self,
        step: &mut Step<'_>,
        intent: &mut Intent,
        copy: RecordRef,
        shown: &Record,
        state: LinkState,
        own: Option<OwnChange>,
    ) -> ViewResult<()> {
        let source = intent.source_record();
        step.row(dirty(source, DirtyReason::Written, step.now));
        record_history(step, intent, copy);
        if step.view.link_of(source)?.is_some() || step.view.link_of(copy)?.is_some() {
            // somebody linked one of them meanwhile: the copy is a twin, which recognition will hold
            step.row(dirty(copy, DirtyReason::Written, step.now));
            return Ok(());
        }
        let (h, c) = match intent.system {
            System::HubSpot => (copy.id, source.id),
            System::ConnectWise => (source.id, copy.id),
        };
        let mut link = self.new_link(intent.object, h, c, LinkOrigin::Created(intent.system), step.now);
        link.state = state;
        link.own[intent.system] = own;
        if let Some(rules) = self.rules.object(intent.object) {
            agree_on_payload(&mut link, rules, intent, shown, step.now);
        }
        intent.link = Some(link.id);
        if let Some(run) = &mut self.run {
            run.touched.insert(link.id);
        }
        step.row(dirty(link.record(System::HubSpot), DirtyReason::Written, step.now));
        step.row(Row::ClearStatus(link.record(System::ConnectWise)));
        for class in [IssueClass::IdentifierTaken, IssueClass::Rejected, IssueClass::Transient, IssueClass::Permission]
        {
            step.row(Row::ClearIssue { record: source, class, field: None });
        }
        if let Some(rules) = self.rules.object(link.object) {
            Self::wake_rivals(step, rules, &link)?;
        }
        self.wake_children(step, &link);
        step.row(Row::Link(link));
        Ok(())
    }

    /// An update that the system confirmed: believed field by field, as far as the answer shows it.
    fn updated(&mut self, step: &mut Step<'_>, mut intent: Intent, record: Record) -> ViewResult<()> {
        let target = RecordRef::new(intent.object, intent.system, intent.target.unwrap_or(record.id));
        if record.id != target.id {
            // a merged record answers as its survivor: what we know of both is out of date
            self.mark_gone(step, target, super::request::RequestId(self.numbers.request))?;
            finish(step, intent, IntentState::Applied, "answered by another record: it was merged");
            return Ok(());
        }
        let Some(handle) = self.object_rules(intent.object) else { return Ok(()) };
        let Some(rules) = rules_of(&handle) else { return Ok(()) };
        let Some(mut link) = step.view.link_of(target)? else {
            self.store_written(step, target, record)?;
            finish(step, intent, IntentState::Applied, "confirmed");
            return Ok(());
        };
        intent.link = Some(link.id);
        let mut ineffective = Vec::new();
        for write in &intent.writes {
            let Some(rule) = write.key.as_ref().and_then(|key| rules.field(key)) else { continue };
            let Some(held) = delivered(rule, intent.system, write, &record) else {
                ineffective.push(write.field.to_string());
                continue;
            };
            let value = held.value.clone();
            note_shown(&mut intent.shown, write, &held);
            let mut agreed = held.agreed(intent.system, write, step.now);
            // it was confirmed: what is there instead came upon it, and stays as any change of that side
            agreed.supposed &= rules.may_write(rule, intent.system.other());
            link.baseline.insert(rule.key.clone(), agreed);
            remember(&mut link, &rule.key, intent.system, value, step.now);
        }
        if let Some(known) = step.view.observation(target)? {
            let before = link.changed_by_others(intent.system, known.record.modified);
            link.own[intent.system] = Some(OwnChange { modified: record.modified, before });
        }
        if intent.stamp.is_some() && intent.stamp != record.stamp {
            ineffective.push("its partner's key".to_owned());
        }
        self.count_write(step, &intent)?;
        if let Some(run) = &mut self.run {
            run.touched.insert(link.id);
        }
        let anchor = link.record(System::HubSpot);
        if !ineffective.is_empty() && !self.is_of_undo(step, intent.run)? {
            let message =
                format!("{} accepted the change of {} and did not make it.", intent.system, ineffective.join(", "));
            let hint = "Look at the field's rules in that system, or map another field.";
            self.raise(step, anchor, IssueClass::FalseSuccess, &intent, message, hint, Timestamp::MAX)?;
        }
        intent.writes.retain(|write| !ineffective.contains(&write.field.to_string()));
        record_history(step, &intent, target);
        step.row(Row::Link(link));
        self.store_written(step, target, record)?;
        step.row(dirty(anchor, DirtyReason::Written, step.now));
        finish(step, intent, IntentState::Applied, "confirmed");
        Ok(())
    }

    /// The cache takes the answer of a write at once; reads that were sent before it are old news from now on.
    pub(super) fn store_written(&mut self, step: &mut Step<'_>, of: RecordRef, record: Record) -> ViewResult<()> {
        self.absorbed.insert(of, self.numbers.request);
        self.store_known(step, of, record)
    }

    /// What is known of a record from now on.
    pub(super) fn store_known(&self, step: &mut Step<'_>, of: RecordRef, record: Record) -> ViewResult<()> {
        let Some(rules) = self.rules.object(of.object) else { return Ok(()) };
        let known = step.view.observation(of)?;
        let observed = observation(rules, of, with_merged(known.as_ref(), of, record), step.now);
        Self::wake_counterparts(step, rules, known.as_ref(), &observed)?;
        self.wake_children_of_returned(step, known.as_ref(), &observed)?;
        self.wake_onlookers(step, known.as_ref(), &observed);
        step.row(Row::Observation(observed));
        Ok(())
    }

    /// The writes of an undo are counted in its own run.
    pub(super) fn count_write(&mut self, step: &Step<'_>, intent: &Intent) -> ViewResult<()> {
        if !self.is_of_undo(step, intent.run)? {
            let (system, kind) = (intent.system, intent.kind);
            self.count(intent.object, |counts| counts.sides[system].add(kind, &intent.writes));
        }
        Ok(())
    }

    /// What the cache holds of this record is in doubt: it is read before anything else happens to it.
    pub(super) fn expect_unread(&self, step: &mut Step<'_>, of: RecordRef) -> ViewResult<()> {
        if let Some(mut known) = step.view.observation(of)? {
            known.seen = Timestamp::EPOCH;
            step.row(Row::Observation(known));
        }
        Ok(())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "an issue has as many parts; a struct for one caller would only rename them"
    )]
    pub(super) fn raise(
        &self,
        step: &mut Step<'_>,
        record: RecordRef,
        class: IssueClass,
        intent: &Intent,
        message: String,
        hint: &str,
        next_try: Timestamp,
    ) -> ViewResult<u32> {
        let known =
            step.view.issues_of(record)?.into_iter().find(|issue| issue.class == class && issue.field.is_none());
        let attempts = known.as_ref().map_or(0, |issue| issue.attempts) + 1;
        step.row(Row::Issue(Issue {
            record,
            class,
            field: None,
            link: intent.link,
            message,
            hint: hint.to_owned(),
            fingerprint: fingerprint_of(intent),
            attempts,
            next_try,
            first: known.map_or(step.now, |issue| issue.first),
            last: step.now,
        }));
        Ok(attempts)
    }

    /// A write that failed in a way that may pass rests for a while, longer each time.
    pub(super) fn rest(&self, step: &mut Step<'_>, intent: &Intent, why: &str) -> ViewResult<()> {
        let anchor = anchor_of(step, intent)?;
        let known = step.view.issues_of(anchor)?.into_iter().find(|issue| issue.class == IssueClass::Transient);
        let attempts = known.map_or(0, |issue| issue.attempts) + 1;
        let pause = back_off(attempts, Duration::from_secs(5), Duration::from_secs(900));
        let message = format!("A write to {} did not take effect: {why}.", intent.system);
        self.raise(
            step,
            anchor,
            IssueClass::Transient,
            intent,
            message,
            "Nothing to do: it is tried again.",
            step.now + pause,
        )?;
        step.row(dirty(anchor, DirtyReason::Retry, step.now));
        Ok(())
    }
}

/// Why the record that the answer to a create names cannot be the one it made. The copy is then looked for by its stamp.
fn is_another(step: &Step<'_>, intent: &Intent, named: &Record) -> ViewResult<Option<String>> {
    if intent.kind != IntentKind::Create {
        return Ok(None);
    }
    let copy = RecordRef::new(intent.object, intent.system, named.id);
    let says = |what: &str| Some(format!("the answer names {copy}, {what}"));
    if named.stamp.is_some() && named.stamp != intent.stamp {
        return Ok(says("which carries the key of another record"));
    }
    let is_partner_of_another = |link: &Link| {
        link.record(intent.system) == copy && link.record(intent.system.other()) != intent.source_record()
    };
    if step.links().any(is_partner_of_another) || step.view.link_of(copy)?.as_ref().is_some_and(is_partner_of_another) {
        return Ok(says("which is the partner of another record"));
    }
    for other in copy.siblings() {
        if step.links().any(|link| link.record(intent.system) == other) || step.view.link_of(other)?.is_some() {
            return Ok(says(&format!("which is linked as the {} of that id", other.object)));
        }
    }
    let known = step.view.observation(copy)?;
    if known.is_some_and(|known| known.is_older_than(intent.touched, step.now) && known.record.stamp != intent.stamp) {
        return Ok(says("which was there before"));
    }
    Ok(None)
}

/// The record that names the pair an intent belongs to.
pub(super) fn anchor_of(step: &Step<'_>, intent: &Intent) -> ViewResult<RecordRef> {
    let source = intent.source_record();
    Ok(step.view.link_of(source)?.map_or(source, |link| link.record(System::HubSpot)))
}

/// The journal's last word on an intent.
pub(super) fn finish(step: &mut Step<'_>, mut intent: Intent, state: IntentState, outcome: &str) {
    intent.state = state;
    intent.touched = step.now;
    intent.outcome = Some(outcome.to_owned());
    step.row(Row::Intent(intent));
}

pub(super) fn record_history(step: &mut Step<'_>, intent: &Intent, target: RecordRef) {
    for write in &intent.writes {
        step.row(Row::History(HistoryEntry {
            run: intent.run,
            intent: intent.id,
            link: intent.link,
            record: target,
            system: intent.system,
            field: write.field.clone(),
            before: write.before.clone(),
            after: write.after.clone(),
            loser: write.loser.clone(),
            why: write.why.clone(),
            at: step.now,
        }));
    }
}

fn fingerprint_of(intent: &Intent) -> u64 {
    super::plan::fingerprint(&super::plan::PlannedWrite {
        object: intent.object,
        system: intent.system,
        kind: intent.kind,
        target: intent.target,
        source: intent.source,
        fields: intent.writes.clone(),
        stamp: intent.stamp.clone(),
    })
}
