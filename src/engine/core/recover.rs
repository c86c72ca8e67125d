//! Writes whose fate is open: looked up until it is certain what became of them. Never repeated on a guess.

use std::time::Duration;

use super::agreement::{delivered, note_shown, remember};
use super::command::Row;
use super::outcome::{finish, record_history};
use super::own_change::{own_change, own_making};
use super::plan::{Facts, PairDecision, plan_pair};
use super::pull::{dirty, doubt_told};
use super::request::{AnswerBody, Priority, Rejection, RequestBody, RequestId};
use super::state::{DirtyReason, Intent, IntentKind, IntentState, Issue, IssueClass, Link, LinkState, Observation};
use super::step::{Engine, Mode, Pending, Step, rules_of};
use super::view::{View, ViewResult};
use crate::mapping::ObjectRules;
use crate::mapping::keys::{id_of_stamp, stamps_are_unique};
use crate::model::{IntentId, ObjectKind, Record, RecordRef, System, Timestamp};

/// How long until it is looked once more whether a copy can be told from other records again.
pub(super) const UNTELLABLE: Duration = Duration::from_secs(30);

/// How far what is known of a system's clock may be off without anybody having set it.
const DRIFT: Duration = Duration::from_secs(60);

/// How long until a look-up that failed is tried once more.
pub(super) const SOON: Duration = Duration::from_secs(5);

/// A write that is on its way, or of which nobody knows what became.
#[derive(Debug)]
pub(super) struct Open {
    pub intent: Intent,
    /// Its answer is still awaited.
    pub on_its_way: bool,
    /// It is being looked up.
    pub looking: bool,
    /// When the last look-up was sent: its answer tells of no later moment, however late it is heard.
    asked: Timestamp,
    pub next_look_up: Timestamp,
    look_ups: u32,
    /// It was refused because a copy is there already; the look-up finds that copy, or this is the last word.
    pub duplicate: Option<Rejection>,
}

impl Open {
    pub fn is_due(&self, now: Timestamp) -> bool {
        !self.on_its_way && !self.looking && self.next_look_up <= now
    }
}

impl Engine {
    /// Takes over an intent that an earlier engine left open.
    pub(super) fn adopt(&mut self, intent: Intent) {
        self.busy.insert(intent.source_record());
        self.busy.extend(intent.target_record());
        let open = Open {
            intent,
            on_its_way: false,
            looking: false,
            asked: Timestamp::EPOCH,
            next_look_up: Timestamp::EPOCH,
            look_ups: 0,
            duplicate: None,
        };
        self.open.insert(open.intent.id, open);
    }

    pub(super) fn keep_open(&mut self, intent: Intent) {
        let open = Open {
            intent,
            on_its_way: true,
            looking: false,
            asked: Timestamp::EPOCH,
            next_look_up: Timestamp::EPOCH,
            look_ups: 0,
            duplicate: None,
        };
        self.open.insert(open.intent.id, open);
    }

    /// The fate of this write is known.
    pub(super) fn close(&mut self, id: IntentId) -> Option<Intent> {
        let intent = self.open.remove(&id)?.intent;
        self.busy.remove(&intent.source_record());
        if let Some(target) = intent.target_record() {
            self.busy.remove(&target);
        }
        Some(intent)
    }

    /// The answer does not tell what became of it: its records rest until a look-up does.
    pub(super) fn leave_open(&mut self, step: &mut Step<'_>, id: IntentId, why: &str) {
        let Some(open) = self.open.get_mut(&id) else { return };
        // it may have waited for its turn
        let server_now = self.sides[open.intent.system].server_now(step.now);
        open.intent.sent = open.intent.sent.max(server_now);
        open.intent.waits = false;
        open.on_its_way = false;
        open.next_look_up = step.now;
        open.intent.state = IntentState::Unknown;
        open.intent.touched = step.now;
        open.intent.outcome = Some(why.to_owned());
        step.row(Row::Intent(open.intent.clone()));
        self.busy.insert(open.intent.source_record());
        self.busy.extend(open.intent.target_record());
    }

    /// A record was read that bears the key of a create whose fate is open. Look-ups go on: they find all that bear it. But
    /// it may be deleted or merged away before the next one, and then it must not be made again.
    pub(super) fn note_copy(&mut self, step: &mut Step<'_>, observed: &Observation) {
        let RecordRef { object, system, id } = observed.of;
        let Some(stamp) = observed.record.stamp.as_deref() else { return };
        let Some(source) = id_of_stamp(object, stamp) else { return };
        if !self.busy.contains(&RecordRef::new(object, system.other(), source)) {
            return;
        }
        let made = |intent: &Intent| {
            (intent.object, intent.system, intent.kind, intent.source) == (object, system, IntentKind::Create, source)
        };
        let Some(open) = self.open.values_mut().find(|open| made(&open.intent)) else { return };
        if open.intent.seen_as != Some(id) {
            open.intent.seen_as = Some(id);
            step.row(Row::Intent(open.intent.clone()));
        }
    }

    /// Asks for everything that is due, in batches.
    pub(super) fn look_up_open(&mut self, step: &mut Step<'_>) -> ViewResult<()> {
        if !self.is_identified() {
            return Ok(());
        }
        for system in System::BOTH {
            for object in self.object_kinds() {
                for kind in [IntentKind::Create, IntentKind::Update] {
                    self.look_up_some(step, system, object, kind);
                }
            }
        }
        let waiting = self.open.values().filter(|open| !open.on_its_way && !open.looking);
        let due = waiting.map(|open| open.next_look_up.max(self.sides[open.intent.system].not_before));
        if let Some(at) = due.min() {
            step.wake_at(at);
        }
        Ok(())
    }

    fn look_up_some(&mut self, step: &mut Step<'_>, system: System, object: ObjectKind, kind: IntentKind) {
        const MOST: usize = 100;
        if self.sides[system].not_before > step.now {
            return;
        }
        let due: Vec<IntentId> = self
            .open
            .values()
            .filter(|open| open.is_due(step.now))
            .filter(|open| (open.intent.system, open.intent.object, open.intent.kind) == (system, object, kind))
            .map(|open| open.intent.id)
            .take(MOST)
            .collect();
        if due.is_empty() {
            return;
        }
        let Some(rules) = self.rules.object(object) else { return };
        // without the field that carries the key, nobody can tell whether there is a copy
        if kind == IntentKind::Create && rules.lacks.key.as_ref().is_some_and(|lack| lack.system == system) {
            for open in self.open.values_mut().filter(|open| due.contains(&open.intent.id)) {
                open.next_look_up = step.now + UNTELLABLE;
            }
            return;
        }
        let fields = rules.watched[system].clone();
        let intents = || due.iter().filter_map(|id| self.open.get(id)).map(|open| &open.intent);
        let body = match kind {
            IntentKind::Create => RequestBody::FindStamped {
                fields,
                stamps: intents().filter_map(|intent| intent.stamp.clone()).collect(),
            },
            IntentKind::Update => {
                RequestBody::Read { fields, ids: intents().filter_map(|intent| intent.target).collect() }
            }
        };
        for id in &due {
            if let Some(open) = self.open.get_mut(id) {
                open.looking = true;
                open.asked = step.now;
            }
        }
        self.send(step, system, object, Priority::Recovery, body, Pending::LookUp { system, intents: due });
    }

    pub(super) fn look_up_failed(&mut self, now: Timestamp, intents: &[IntentId], pause: Duration) {
        for id in intents {
            if let Some(open) = self.open.get_mut(id) {
                open.looking = false;
                open.next_look_up = now + pause;
            }
        }
    }

    pub(super) fn take_look_up(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        intents: &[IntentId],
        request: RequestId,
        body: AnswerBody,
        server_now: Timestamp,
    ) -> ViewResult<()> {
        for id in intents {
            if let Some(open) = self.open.get_mut(id) {
                open.looking = false;
                open.look_ups += 1;
                begin_to_wait(step, &mut open.intent, server_now);
            }
        }
        match body {
            AnswerBody::Stamped { found } => {
                for id in intents {
                    let stamp = self.open.get(id).and_then(|open| open.intent.stamp.clone());
                    match found.iter().find(|(asked, _)| Some(asked) == stamp.as_ref()) {
                        Some((_, copies)) => self.resolve_create(step, *id, copies.clone(), request, server_now)?,
                        // nothing was said of it: that is not the same as saying that there is no copy
                        None => self.look_again_later(step.now, *id, server_now),
                    }
                }
            }
            AnswerBody::Records { found } => {
                for id in intents {
                    let target = self.open.get(id).and_then(|open| open.intent.target);
                    match found.iter().find(|(asked, _)| Some(*asked) == target) {
                        Some((_, record)) => {
                            self.resolve_update(step, *id, record.clone(), request, server_now)?;
                        }
                        // nothing was said of it: that is not the same as saying that it is gone
                        None => self.look_again_later(step.now, *id, server_now),
                    }
                }
            }
            _ => {
                self.look_up_failed(step.now, intents, SOON);
                self.sides[system].failed(step.now, "a look-up was answered with something else");
            }
        }
        Ok(())
    }

    /// How long after it was sent a write can still show up: the life of a request, and the lag of the index where only
    /// that knows of a new record.
    fn time_to_show(&self, intent: &Intent) -> Duration {
        let timing = &self.rules.config.timing;
        let by_index = matches!((intent.kind, intent.system), (IntentKind::Create, System::HubSpot))
            && !stamps_are_unique(intent.object);
        Duration::from_secs(if by_index { timing.flight.saturating_add(timing.index_lag) } else { timing.flight })
    }

    /// How long until a request sent then would show if it had taken effect, and can take effect no more. Both clocks must
    /// say so: one that was set forward meanwhile ends no wait.
    fn left_to_show(&self, intent: &Intent, now: Timestamp, server_now: Timestamp) -> Duration {
        let shows = self.time_to_show(intent);
        (intent.sent + shows).since(server_now).max((intent.touched + shows).since(now))
    }

    fn has_landed(&self, intent: &Intent, now: Timestamp, server_now: Timestamp) -> bool {
        self.left_to_show(intent, now, server_now).is_zero()
    }

    fn look_again_later(&mut self, now: Timestamp, id: IntentId, server_now: Timestamp) {
        let Some(left) = self.open.get(&id).map(|open| self.left_to_show(&open.intent, now, server_now)) else {
            return;
        };
        if let Some(open) = self.open.get_mut(&id) {
            let pause = super::side::back_off(open.look_ups, Duration::from_secs(2), Duration::from_secs(30));
            // the decisive look comes right after the last moment at which it could still take effect; behind that moment
            // only an answer is awaited that tells
            let wait = match open.intent.kind {
                _ if left.is_zero() => pause,
                IntentKind::Create => pause.min(left),
                // nothing that is seen before that moment decides
                IntentKind::Update => left,
            };
            open.next_look_up = now + wait.max(Duration::from_secs(1));
        }
    }

    /// A create: found, linked with what was sent; not found, repeated only when it can no longer land by itself.
    fn resolve_create(
        &mut self,
        step: &mut Step<'_>,
        id: IntentId,
        mut copies: Vec<Record>,
        request: RequestId,
        server_now: Timestamp,
    ) -> ViewResult<()> {
        let Some(open) = self.open.get(&id) else { return Ok(()) };
        if copies.is_empty() {
            let seen = seen_copy(step.view, &open.intent)?;
            // this attempt was refused, and no earlier one can land any more: what holds the place is not ours
            if let Some(rejection) = open.duplicate.clone().filter(|_| seen.is_none()) {
                return self.refuse(step, id, rejection);
            }
            if !self.has_landed(&open.intent, open.asked.min(step.now), server_now) {
                self.look_again_later(step.now, id, server_now);
                return Ok(());
            }
            return match seen {
                Some(copy) => self.conclude_seen(step, id, &copy),
                None => self.repeat_or_abandon(step, id),
            };
        }
        copies.sort_by_key(|record| (record.archived, record.id));
        let Some(mut intent) = self.close(id) else { return Ok(()) };
        self.progressed();
        let mut copies = copies.into_iter();
        let Some(first) = copies.next() else { return Ok(()) };
        let copy = RecordRef::new(intent.object, intent.system, first.id);
        intent.target = Some(first.id);
        self.count_write(step, &intent)?;
        let state = if first.archived { LinkState::Tomb } else { LinkState::Active };
        // Somebody may have changed it since.
        let own = self.rules.object(intent.object).and_then(|rules| own_making(rules, &intent, &first));
        self.link_copy(step, &mut intent, copy, &first, state, own)?;
        self.take_copy(step, copy, first, request)?;
        // by its key a ticket is found that was merged into another since: by its id the other one answers
        if (copy.system, copy.object) == (System::ConnectWise, ObjectKind::Ticket) {
            doubt_told(step, copy);
        }
        for twin in copies.filter(|record| !record.archived) {
            let of = RecordRef::new(intent.object, intent.system, twin.id);
            self.take_copy(step, of, twin, request)?;
            step.row(Row::Issue(twin_issue(of, copy, step.now)));
            step.row(dirty(of, DirtyReason::Changed, step.now));
        }
        let outcome = if state == LinkState::Active { "found when looked up" } else { "made, and deleted since" };
        finish(step, intent, IntentState::Applied, outcome);
        Ok(())
    }

    /// A create took effect, and what it made lost its key, or went, before it was looked up: linked as if its answer had
    /// come. What follows from its going is decided once it was read anew, as for any other pair.
    fn conclude_seen(&mut self, step: &mut Step<'_>, id: IntentId, copy: &Observation) -> ViewResult<()> {
        let Some(mut intent) = self.close(id) else { return Ok(()) };
        self.progressed();
        intent.target = Some(copy.of.id);
        self.count_write(step, &intent)?;
        if !copy.gone {
            self.expect_unread(step, copy.of)?;
        }
        self.link_copy(step, &mut intent, copy.of, &copy.record, LinkState::Active, None)?;
        finish(step, intent, IntentState::Applied, "seen by a poll, and not found any more when looked up");
        Ok(())
    }

    fn take_copy(&mut self, step: &mut Step<'_>, of: RecordRef, record: Record, request: RequestId) -> ViewResult<()> {
        self.absorbed.insert(of, request.0);
        self.store_known(step, of, record)
    }

    /// The same payload once more, if there is still a reason for it.
    fn repeat_or_abandon(&mut self, step: &mut Step<'_>, id: IntentId) -> ViewResult<()> {
        let Some(intent) = self.open.get(&id).map(|open| open.intent.clone()) else { return Ok(()) };
        let side = &self.sides[intent.system];
        let is_paused = self.paused(intent.object, intent.system).is_some();
        if self.mode == Mode::Plan || is_paused || !side.takes_writes(step.now) {
            if let Some(open) = self.open.get_mut(&id) {
                open.next_look_up = step.now + Duration::from_secs(30);
            }
            return Ok(());
        }
        if self.is_still_wanted(step, &intent)? {
            self.open.remove(&id);
            self.send_intents(step, intent.system, Priority::Write, vec![intent]);
            return Ok(());
        }
        let Some(intent) = self.close(id) else { return Ok(()) };
        self.progressed();
        step.row(dirty(intent.source_record(), DirtyReason::Written, step.now));
        finish(step, intent, IntentState::Abandoned, "it never took effect, and there is no reason for it any more");
        Ok(())
    }

    /// Whether the source would be created over there if it were looked at now for the first time. One that is in doubt would
    /// be read before.
    fn is_still_wanted(&self, step: &Step<'_>, intent: &Intent) -> ViewResult<bool> {
        let Some(rules) = self.rules.object(intent.object) else { return Ok(false) };
        let facts = Facts::gather(step.view, rules, intent.source_record(), &[])?;
        if facts.in_doubt().is_some() {
            return Ok(false);
        }
        let plan = plan_pair(&facts, rules, step.now, None);
        Ok(facts.link.is_none() && matches!(plan.decision, PairDecision::Write(_) | PairDecision::Fail { .. }))
    }

    /// An update: compared with the record as it is, field by field.
    fn resolve_update(
        &mut self,
        step: &mut Step<'_>,
        id: IntentId,
        record: Option<Record>,
        request: RequestId,
        server_now: Timestamp,
    ) -> ViewResult<()> {
        let Some(open) = self.open.get(&id) else { return Ok(()) };
        let Some(handle) = self.object_rules(open.intent.object) else { return Ok(()) };
        let Some(rules) = rules_of(&handle) else { return Ok(()) };
        let target = open.intent.target;
        let survivor = record.as_ref().filter(|record| Some(record.id) != target).cloned();
        let Some(record) = record.filter(|record| Some(record.id) == target) else {
            let Some(intent) = self.close(id) else { return Ok(()) };
            self.progressed();
            if let Some(survivor) = survivor {
                agree_on_survivor(step, rules, &intent, &survivor)?;
            }
            if let Some(of) = intent.target_record() {
                self.expect_unread(step, of)?;
                step.row(dirty(of, DirtyReason::Retry, step.now));
            }
            finish(step, intent, IntentState::Abandoned, "the record is not there any more");
            return Ok(());
        };
        // Also where all of it is there already: a user may have entered the same, and ours may still land upon what
        // comes after it.
        if !self.has_landed(&open.intent, open.asked.min(step.now), server_now) {
            self.look_again_later(step.now, id, server_now);
            return Ok(());
        }
        let Some(intent) = self.close(id) else { return Ok(()) };
        self.progressed();
        self.conclude_update(step, rules, intent, record, request)
    }

    fn conclude_update(
        &mut self,
        step: &mut Step<'_>,
        rules: &ObjectRules,
        mut intent: Intent,
        record: Record,
        request: RequestId,
    ) -> ViewResult<()> {
        let of = RecordRef::new(intent.object, intent.system, record.id);
        let is_of_undo = self.is_of_undo(step, intent.run)?;
        let (mut landed, mut any_seen) = (Vec::new(), false);
        if let Some(mut link) = step.view.link_of(of)? {
            intent.link = Some(link.id);
            for write in &intent.writes {
                let Some(rule) = write.key.as_ref().and_then(|key| rules.field(key)) else { continue };
                let Some(held) = delivered(rule, intent.system, write, &record) else { continue };
                note_shown(&mut intent.shown, write, &held);
                any_seen |= held.seen;
                let mut agreed = held.agreed(intent.system, write, step.now);
                if agreed.supposed && !rules.may_write(rule, intent.system.other()) {
                    // what an undo puts back is not what the other side holds: nothing of it is sent again
                    agreed.supposed = !is_of_undo;
                    remember(&mut link, &rule.key, intent.system, write.after.clone(), step.now);
                }
                link.baseline.insert(rule.key.clone(), agreed);
                landed.push(write.field.clone());
            }
            if let Some(known) = step.view.observation(of)? {
                own_change(&mut link, rules, &intent, &known, &record);
            }
            step.row(dirty(link.record(System::HubSpot), DirtyReason::Written, step.now));
            step.row(Row::Link(link));
        }
        let stamped = intent.stamp.is_some() && intent.stamp == record.stamp;
        self.take_copy(step, of, record, request)?;
        if landed.is_empty() && !stamped {
            if !is_of_undo {
                self.rest(step, &intent, "it was lost on the way")?;
            }
            finish(step, intent, IntentState::NotApplied, "it did not take effect");
            return Ok(());
        }
        // where nobody knows whether it ever arrived, nothing is counted as written
        let is_found = any_seen || stamped;
        if is_found {
            self.count_write(step, &intent)?;
        }
        intent.writes.retain(|write| landed.contains(&write.field));
        record_history(step, &intent, of);
        let outcome = if is_found { "found when looked up" } else { "another value was there when it was looked up" };
        finish(step, intent, IntentState::Applied, outcome);
        Ok(())
    }
}

/// The target of an update was merged into another record: what that shows of the update took effect, and both sides agreed
/// on it. Without that, a newer value of the source would be one that never met the other.
fn agree_on_survivor(step: &mut Step<'_>, rules: &ObjectRules, intent: &Intent, survivor: &Record) -> ViewResult<()> {
    // the link may have gone along already
    let is_its = |link: &Link| [intent.target, Some(survivor.id)].contains(&Some(link.id_in(intent.system)));
    let Some(mut link) = step.link_of(intent.source_record())?.filter(is_its) else { return Ok(()) };
    for write in &intent.writes {
        let Some(rule) = write.key.as_ref().and_then(|key| rules.field(key)) else { continue };
        let Some(held) = delivered(rule, intent.system, write, survivor) else { continue };
        link.baseline.insert(rule.key.clone(), held.agreed(intent.system, write, step.now));
    }
    step.row(Row::Link(link));
    Ok(())
}

/// A wait begins with the first word of the system after the write was sent, and by what that says of the time. Our own
/// clock may have stood still while the machine slept, or be another one since the engine was started anew: by that the
/// wait could be too short. What was sent in the future was sent before a clock was set back: it counts from now, too.
fn begin_to_wait(step: &mut Step<'_>, intent: &mut Intent, server_now: Timestamp) {
    if !intent.waits || intent.sent > server_now + DRIFT || intent.touched > step.now {
        intent.waits = true;
        intent.sent = server_now;
        intent.touched = step.now;
        step.row(Row::Intent(intent.clone()));
    }
}

/// What a create made, where it was seen, though nothing that is looked up bears its key: the record itself, or the one
/// that it was merged into where that is nobody's partner.
fn seen_copy(view: &dyn View, intent: &Intent) -> ViewResult<Option<Observation>> {
    let Some(id) = intent.seen_as else { return Ok(None) };
    let of = RecordRef::new(intent.object, intent.system, id);
    let Some(copy) = view.observation(of)? else { return Ok(None) };
    let Some(into) = copy.merged_into.map(|id| RecordRef { id, ..of }) else { return Ok(Some(copy)) };
    let free = |heir: &Observation| heir.is_live() && heir.record.stamp.is_none();
    let heir = if view.link_of(into)?.is_none() { view.observation(into)?.filter(free) } else { None };
    Ok(Some(heir.unwrap_or(copy)))
}

fn twin_issue(of: RecordRef, copy: RecordRef, now: Timestamp) -> Issue {
    Issue {
        record: of,
        class: IssueClass::SuspectedDuplicate,
        field: None,
        link: None,
        message: format!("{of} is a second copy of the record that {copy} is a copy of."),
        hint: "Merge the two in their own system.".to_owned(),
        fingerprint: 0,
        attempts: 1,
        next_try: Timestamp::MAX,
        first: now,
        last: now,
    }
}
