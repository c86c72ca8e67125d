//! What became of writes: journal, links, agreements, history and cache in one commit, whatever the answer says.

use std::collections::BTreeMap;
use std::time::Duration;

use super::command::Row;
use super::plan::field_fingerprint;
use super::plan::gather::MOST_IDENTIFIERS;
use super::pull::{dirty, observation};
use super::request::{AnswerBody, Failure, ItemOutcome, Rejection, RejectionKind};
use super::rights::{Need, Way};
use super::side::back_off;
use super::state::{
    Agreed, DirtyReason, FieldWrite, HistoryEntry, Intent, IntentKind, IntentState, Issue, IssueClass, Link,
    LinkOrigin, LinkState, OwnChange, RecentWrite,
};
use super::step::{Engine, Step, rules_of};
use super::view::ViewResult;
use crate::mapping::convert::{holds, is_rewriting};
use crate::mapping::needs::{awaited, needs};
use crate::mapping::normalise::normalise;
use crate::mapping::{FieldKey, FieldRule, ObjectRules};
use crate::model::{FieldName, IntentId, ObjectKind, Record, RecordRef, System, Timestamp, Value};

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
        let observed = observation(rules, of, record, step.now);
        Self::wake_counterparts(step, rules, step.view.observation(of)?.as_ref(), &observed)?;
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

    fn rejected(&mut self, step: &mut Step<'_>, id: IntentId, rejection: Rejection) -> ViewResult<()> {
        let of_create = self.open.get(&id).map(|open| &open.intent).filter(|intent| intent.kind == IntentKind::Create);
        let is_duplicate = matches!(rejection.kind, RejectionKind::Duplicate { .. });
        if is_duplicate && of_create.is_some_and(|intent| !is_taken_identifier(intent, &rejection)) {
            // a copy that carries our key is there already: find it rather than believe it lost
            let why = format!("refused as a duplicate: {}", rejection.message);
            self.job_outcome(id, Err(why.clone()));
            self.leave_open(step, id, &why);
            if let Some(open) = self.open.get_mut(&id) {
                open.duplicate = Some(rejection);
            }
            return Ok(());
        }
        self.refuse(step, id, rejection)
    }

    /// The system's last word on a write: it waits for a change of the record or the mapping, or for the next free
    /// identifier.
    pub(super) fn refuse(&mut self, step: &mut Step<'_>, id: IntentId, rejection: Rejection) -> ViewResult<()> {
        let Some(intent) = self.close(id) else { return Ok(()) };
        self.progressed();
        match refused_alone(&intent, &rejection) {
            refused if refused.is_empty() => self.job_outcome(id, Err(in_words(&intent, &rejection))),
            refused => self.job_refused(id, &refused, &in_words(&intent, &rejection)),
        }
        let anchor = anchor_of(step, &intent)?;
        step.row(dirty(anchor, DirtyReason::Retry, step.now));
        if self.is_of_undo(step, intent.run)? {
            // whoever asked for it is told, and nobody tries it again
            if let (RejectionKind::NotFound, Some(target)) = (&rejection.kind, intent.target_record()) {
                self.expect_unread(step, target)?;
            }
            finish(step, intent, IntentState::Rejected, &rejection.message);
            return Ok(());
        }
        let refused = refused_alone(&intent, &rejection);
        if !refused.is_empty() {
            self.hold_fields(step, anchor, &intent, &refused, &rejection)?;
            finish(step, intent, IntentState::Rejected, &rejection.message);
            return Ok(());
        }
        let taken = if is_taken_identifier(&intent, &rejection) {
            let hint = "Nothing to do: the next free one is tried.";
            let message = format!("The company identifier is taken in {}.", intent.system);
            self.raise(step, anchor, IssueClass::IdentifierTaken, &intent, message, hint, step.now)?
        } else {
            0
        };
        if !(1..MOST_IDENTIFIERS).contains(&taken) {
            if let (RejectionKind::NotFound, Some(target)) = (&rejection.kind, intent.target_record()) {
                // it may be gone, or merged away: that is for a read to tell. Where the read shows it all the same, the
                // system contradicts itself, and the write rests like any other that was refused
                self.expect_unread(step, target)?;
            }
            let hint = way_out(&intent, &rejection);
            let said = in_words(&intent, &rejection);
            let message = format!("{} refused the write: {said}", intent.system);
            let next_try = step.now + self.slow_probe(step, anchor)?;
            self.raise(step, anchor, IssueClass::Rejected, &intent, message, &hint, next_try)?;
        }
        finish(step, intent, IntentState::Rejected, &rejection.message);
        Ok(())
    }

    /// The fields that the system named rest, and keep no other from crossing: the pair is looked at again at once, and
    /// what else there is to write is sent without them.
    fn hold_fields(
        &self,
        step: &mut Step<'_>,
        anchor: RecordRef,
        intent: &Intent,
        refused: &[&FieldWrite],
        rejection: &Rejection,
    ) -> ViewResult<()> {
        let mut issues = step.view.issues_of(intent.source_record())?;
        if let Some(target) = intent.target_record() {
            issues.extend(step.view.issues_of(target)?);
        }
        let said = in_words(intent, rejection);
        // its words are about all of them
        let named: Vec<&str> = refused.iter().map(|write| write.field.as_str()).collect();
        for write in refused {
            let of_field = |issue: &&Issue| issue.class == IssueClass::Rejected && issue.field == write.key;
            let known = issues.iter().find(of_field);
            let fingerprint = field_fingerprint(intent.system, &write.field, &write.after);
            let before = known.filter(|issue| issue.fingerprint == fingerprint).map_or(0, |issue| issue.attempts);
            step.row(Row::Issue(Issue {
                record: known.map_or(anchor, |issue| issue.record),
                class: IssueClass::Rejected,
                field: write.key.clone(),
                link: intent.link,
                message: format!("{} refused {}: {said}", intent.system, named.join(", ")),
                hint: match way_past(intent, rejection) {
                    Some(way) => format!("{way} The other fields go on crossing."),
                    None => format!(
                        "Correct the value, or the mapping of {}; it is tried again when either changes. The other \
                         fields go on crossing.",
                        write.field
                    ),
                },
                fingerprint,
                attempts: before + 1,
                next_try: step.now + rest_after(before),
                first: known.map_or(step.now, |issue| issue.first),
                last: step.now,
            }));
        }
        Ok(())
    }

    /// How long a refused write rests when nothing about it changes.
    fn slow_probe(&self, step: &Step<'_>, record: RecordRef) -> ViewResult<Duration> {
        let issues = step.view.issues_of(record)?;
        let of_record = |issue: &&Issue| issue.class == IssueClass::Rejected && issue.field.is_none();
        Ok(rest_after(issues.iter().find(of_record).map_or(0, |issue| issue.attempts)))
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

/// How long a write rests that was refused so often before: an hour, six hours, a day.
const fn rest_after(attempts: u32) -> Duration {
    let hours = match attempts {
        0 => 1,
        1 => 6,
        _ => 24,
    };
    Duration::from_secs(hours * 3600)
}

/// The fields of a write that its refusal is about, where the rest can be written without them. Of a create that is so
/// unless the system takes none without them; nor is one made again, without the value, that is said to be there already.
fn refused_alone<'a>(intent: &'a Intent, rejection: &Rejection) -> Vec<&'a FieldWrite> {
    let may_go_on = match intent.kind {
        IntentKind::Update => rejection.kind != RejectionKind::NotFound,
        IntentKind::Create => rejection.kind == RejectionKind::Invalid,
    };
    let mut refused: Vec<&FieldWrite> = Vec::new();
    for write in rejection.fields.iter().flat_map(|named| sent_as(intent, named)) {
        if !refused.iter().any(|one| one.field == write.field) {
            refused.push(write);
        }
    }
    let is_mapped = refused.iter().all(|write| write.key.is_some());
    let is_insisted_on = || {
        let left = intent.writes.iter().filter(|write| !refused.iter().any(|one| one.field == write.field));
        insists(intent.object, intent.system, left, &refused)
    };
    let is_needed = intent.kind == IntentKind::Create && is_insisted_on();
    if may_go_on && is_mapped && !is_needed { refused } else { Vec::new() }
}

/// Whether a system takes no new record with just the fields that are left.
fn insists<'a>(
    object: ObjectKind,
    system: System,
    left: impl Iterator<Item = &'a FieldWrite> + Clone,
    dropped: &[&FieldWrite],
) -> bool {
    let has = |name: &&str| left.clone().any(|write| write.field.as_str() == *name && !write.after.is_empty());
    let lacks = needs(object, system).iter().any(|need| !need.any_of.iter().any(has));
    lacks || dropped.iter().any(|write| awaited(object, system).contains(&write.field.as_str()))
}

/// The writes of a field that a system names in its own spelling: the very one, else all that are part of it.
fn sent_as<'a>(intent: &'a Intent, named: &str) -> Vec<&'a FieldWrite> {
    let exact: Vec<_> = intent.writes.iter().filter(|write| write.field.as_str().eq_ignore_ascii_case(named)).collect();
    if !exact.is_empty() {
        return exact;
    }
    // ConnectWise names `company/id` where we say `company`, and one half of what is a status on a board
    let member = named.split('/').next().unwrap_or(named);
    let is_part = |write: &&FieldWrite| write.field.as_str().split('/').any(|part| part.eq_ignore_ascii_case(member));
    intent.writes.iter().filter(is_part).collect()
}

/// Why a write was refused: in our words where another record is in the way, with those of the system as a detail.
fn in_words(intent: &Intent, rejection: &Rejection) -> String {
    let raw = rejection.message.trim();
    match holder(intent, rejection) {
        Some(holder) => format!("{holder} has {} already ({}: \"{raw}\")", taken(rejection), intent.system),
        None if raw.is_empty() => "it gave no reason".to_owned(),
        None => raw.to_owned(),
    }
}

/// The record that has a value which no two may have.
fn holder(intent: &Intent, rejection: &Rejection) -> Option<RecordRef> {
    match rejection.kind {
        RejectionKind::Duplicate { existing: Some(id) } => Some(RecordRef::new(intent.object, intent.system, id)),
        _ => None,
    }
}

/// `this email`.
fn taken(rejection: &Rejection) -> String {
    if rejection.fields.is_empty() {
        "this value".to_owned()
    } else {
        format!("this {}", rejection.fields.join(" and "))
    }
}

/// What a person does about a record that is in the way.
fn way_past(intent: &Intent, rejection: &Rejection) -> Option<String> {
    let holder = holder(intent, rejection)?;
    let (object, system, value) = (intent.object, intent.system, taken(rejection).replacen("this ", "the ", 1));
    Some(format!(
        "Look for {holder} in {system}, also among what is deleted. If it is the same {object}, restore it, or make that the \
         value it goes by, and the two are linked; if not, change {value} of one of the two. It is tried again then."
    ))
}

/// What a person does about a refused write.
fn way_out(intent: &Intent, rejection: &Rejection) -> String {
    if let Some(way) = way_past(intent, rejection) {
        return way;
    }
    let fields = rejection.fields.as_slice();
    if fields.is_empty() {
        return "Correct the record, or the mapping; it is tried again when either changes.".to_owned();
    }
    let unsent: Vec<&str> =
        fields.iter().filter(|field| sent_as(intent, field).is_empty()).map(String::as_str).collect();
    if intent.kind == IntentKind::Create && !unsent.is_empty() {
        // ConnectWise names the id of a reference; the configuration, the reference
        let named: Vec<&str> = unsent.iter().map(|field| field.strip_suffix("/id").unwrap_or(field)).collect();
        let (it, they) = if named.len() == 1 { ("it", "it") } else { ("them", "each") };
        return format!(
            "{} wants {} for a new {}, which the configuration does not fill: map {it}, or give {they} a default. It is \
             tried again then.",
            intent.system,
            named.join(" and "),
            intent.object
        );
    }
    let its = if fields.len() == 1 { "its" } else { "their" };
    format!("Correct {}, or {its} mapping; it is tried again when either changes.", fields.join(" and "))
}

/// Whether a create was refused because another company has its identifier.
fn is_taken_identifier(intent: &Intent, rejection: &Rejection) -> bool {
    intent.kind == IntentKind::Create
        && matches!(rejection.kind, RejectionKind::Duplicate { .. })
        && rejection.names("identifier")
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

/// What a field holds since it was written.
pub(super) struct Delivered {
    pub value: Value,
    /// Whether the system was seen to hold it.
    pub seen: bool,
}

impl Delivered {
    /// The agreement after an update.
    pub(super) fn agreed(self, system: System, write: &FieldWrite, now: Timestamp) -> Agreed {
        Agreed { supposed: !self.seen, ..Agreed::seen_from(system, self.value, write.source.clone(), now) }
    }
}

/// What a field of `system` holds since it was written, by a record read after the write. None: what it held before, so the write
/// had no effect on it.
///
/// What is neither our value nor a rewriting of it came from somebody else, just after (or instead of) ours: ours counts
/// as delivered, so that the newer value crosses like any other change. Where it crosses to no side, because the field goes
/// one way, delivery is only supposed until it is confirmed: the comparison has it sent once more.
pub(super) fn delivered(rule: &FieldRule, system: System, write: &FieldWrite, record: &Record) -> Option<Delivered> {
    let returned = record.value(write.field.as_str());
    let seen = normalise(&rule.mapping, system, returned);
    let sent = normalise(&rule.mapping, system, &write.after);
    let held = holds(rule, system, &seen, &sent);
    if seen == normalise(&rule.mapping, system, &write.before) && !held {
        return None;
    }
    let seen = held || is_rewriting(&sent, &seen);
    Some(Delivered { value: if seen { returned.clone() } else { write.after.clone() }, seen })
}

/// Keeps what a system made of a value, where that is not what it was sent.
pub(super) fn note_shown(shown: &mut BTreeMap<FieldName, Value>, write: &FieldWrite, held: &Delivered) {
    if held.seen && held.value != write.after {
        shown.insert(write.field.clone(), held.value.clone());
    }
}

/// Takes what a create sent as the first agreement of the pair it made. A field that the copy does not show was never
/// agreed on: it is compared like any other field of two records that met.
pub(super) fn agree_on_payload(link: &mut Link, rules: &ObjectRules, made: &Intent, copy: &Record, now: Timestamp) {
    for write in &made.writes {
        let Some(rule) = write.key.as_ref().and_then(|key| rules.field(key)) else { continue };
        if let Some(held) = delivered(rule, made.system, write, copy) {
            // The copy is ours, so all of it was delivered, whatever became of it since.
            let agreed = Agreed::seen_from(made.system, held.value, write.source.clone(), now);
            link.baseline.insert(rule.key.clone(), agreed);
        }
    }
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

/// Keeps the last eight writes of a field for the oscillation breaker.
pub(super) fn remember(link: &mut Link, key: &FieldKey, to: System, value: Value, at: Timestamp) {
    let recent = link.recent.entry(key.clone()).or_default();
    recent.push(RecentWrite { to, value, at });
    if recent.len() > 8 {
        recent.remove(0);
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
