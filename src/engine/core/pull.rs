//! Reading what changed: which feeds are due, page by page, each page committed together with its cursor.

use std::collections::VecDeque;
use std::time::Duration;

use super::command::Row;
use super::endless::Length;
use super::plan::gather::MOST_MERGES;
use super::request::{AnswerBody, RequestBody, RequestId};
use super::rights::Way;
use super::state::cursor::Pass;
use super::state::{
    Cursor, CursorKey, Dirty, DirtyReason, Feed, IssueClass, Link, LinkState, Observation, RecordState, Status,
};
use super::step::{Engine, Mode, Pending, Stage, Step};
use super::view::{View, ViewResult};
use crate::mapping::ObjectRules;
use crate::mapping::keys::{all_keys, id_of_stamp, merged_key};
use crate::mapping::needs::name_of;
use crate::mapping::references::listed_below;
use crate::model::{BySystem, ObjectKind, Record, RecordId, RecordRef, System, Timestamp};

/// The feeds of one system that this run still reads, in order.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    queue: VecDeque<(ObjectKind, Feed)>,
    pub reading: bool,
    /// Of the first one in the queue.
    pub length: Length,
}

impl Feeds {
    /// What is left of an object is not read in this run.
    pub fn drop_all(&mut self, object: ObjectKind) {
        if self.queue.front().is_some_and(|(first, _)| *first == object) {
            self.length = Length::default();
        }
        self.queue.retain(|(of, _)| *of != object);
    }
}

/// A portal so small that reading all of it costs no more than asking what changed: a single run then misses nothing
/// that the search index has not seen yet.
const SMALL: u64 = 1_000;

/// How far a change feed looks back behind its cursor: times of change have limits of precision and order.
const fn overlap(system: System) -> Duration {
    match system {
        System::HubSpot => Duration::from_secs(90),
        System::ConnectWise => Duration::from_secs(120),
    }
}

impl Engine {
    pub(super) fn begin_pull(&self, step: &Step<'_>) -> ViewResult<Stage> {
        let mut feeds = BySystem::<Feeds>::default();
        for system in System::BOTH {
            for object in self.object_kinds() {
                for feed in self.due_feeds(step, system, object)? {
                    feeds[system].queue.push_back((object, feed));
                }
            }
        }
        Ok(Stage::Pull(feeds))
    }

    fn due_feeds(&self, step: &Step<'_>, system: System, object: ObjectKind) -> ViewResult<Vec<Feed>> {
        let timing = &self.rules.config.timing;
        let cursor = |feed| step.view.cursor(CursorKey { system, object, feed });
        let due = |cursor: Option<Cursor>, every: u64| {
            cursor
                .and_then(|c| c.completed)
                .is_none_or(|at| at > step.now || step.now.since(at) >= Duration::from_secs(every))
        };
        let once = matches!(self.mode, Mode::Once | Mode::Plan);
        let shape = self.rules.object(object).map_or(0, |rules| rules.shape);
        let backfill = cursor(Feed::Backfill)?;
        let mut feeds = Vec::new();
        if backfill.as_ref().is_none_or(|c| c.completed.is_none() || c.shape != shape) {
            feeds.push(Feed::Backfill);
        } else {
            // a sweep counts from the backfill until the first one is through
            let swept = cursor(Feed::Sweep)?.filter(|c| c.completed.is_some()).or(backfill);
            let small = once && system == System::HubSpot && step.view.live_records(object, system)? <= SMALL;
            // the system's clock was set back: what changes there from now on is behind the cursor
            let server_now = self.sides[system].server_now(step.now);
            let is_ahead = cursor(Feed::Hot)?.is_some_and(|hot| hot.from > server_now + overlap(system));
            if small || is_ahead || due(swept, timing.sweep) {
                feeds.push(Feed::Sweep);
            } else {
                feeds.push(Feed::Hot);
                if once || due(cursor(Feed::Settled)?, timing.settled) {
                    feeds.push(Feed::Settled);
                }
            }
        }
        if system == System::HubSpot && (once || due(cursor(Feed::Archived)?, timing.settled)) {
            feeds.push(Feed::Archived);
        }
        Ok(feeds)
    }

    pub(super) fn advance_pull(&mut self, step: &mut Step<'_>) -> ViewResult<bool> {
        let mut finished = true;
        for system in System::BOTH {
            let Stage::Pull(feeds) = &mut self.stage else { return Ok(false) };
            if feeds[system].queue.is_empty() && !feeds[system].reading {
                continue;
            }
            finished = false;
            if feeds[system].reading {
                continue;
            }
            let Some(&(object, feed)) = feeds[system].queue.front() else { continue };
            if self.sides[system].not_before > step.now {
                step.wake_at(self.sides[system].not_before);
                continue;
            }
            self.read_page(step, CursorKey { system, object, feed })?;
        }
        if finished {
            self.stage = self.after_pull(step)?;
        }
        Ok(finished)
    }

    fn read_page(&mut self, step: &mut Step<'_>, key: CursorKey) -> ViewResult<()> {
        let Some(rules) = self.rules.object(key.object) else { return Ok(()) };
        let fields = rules.watched[key.system].clone();
        let pass = self.pass(step, key)?;
        let Some(pass) = pass else {
            self.feed_done(key.system);
            step.wake_at(step.now);
            return Ok(());
        };
        if self.asks_length(step, key, pass) {
            return Ok(());
        }
        let limit = match (key.system, key.feed) {
            (System::ConnectWise, _) => 1000,
            (System::HubSpot, Feed::Hot | Feed::Settled) => 200,
            (System::HubSpot, _) => 100,
        };
        let after = pass.after;
        let body = match key.feed {
            Feed::Hot | Feed::Settled => {
                RequestBody::Changes { fields, from: pass.from, until: pass.until, after, limit }
            }
            Feed::Backfill | Feed::Sweep => RequestBody::List { fields, after, archived: false, limit },
            Feed::Archived => RequestBody::List { fields, after, archived: true, limit },
        };
        if let Stage::Pull(feeds) = &mut self.stage {
            feeds[key.system].reading = true;
        }
        self.send(step, key.system, key.object, key.feed.priority(), body, Pending::Page { key, pass });
        Ok(())
    }

    /// The pass under way, or a new one. None when there is nothing to read yet.
    fn pass(&self, step: &Step<'_>, key: CursorKey) -> ViewResult<Option<Pass>> {
        let cursor = step.view.cursor(key)?;
        if let Some(pass) = cursor.as_ref().and_then(|cursor| cursor.pass)
            && pass.after.is_some()
            && self.same_shape(cursor.as_ref(), key)
        {
            return Ok(Some(pass));
        }
        let server_now = self.sides[key.system].server_now(step.now);
        let from = cursor.map_or(Timestamp::EPOCH, |cursor| cursor.from);
        let until = self.surely_read_up_to(key.feed, server_now);
        let window = match key.feed {
            Feed::Hot => Some((from - overlap(key.system), until)),
            Feed::Settled => (until > from).then(|| (from - overlap(key.system), until)),
            Feed::Backfill | Feed::Sweep | Feed::Archived => Some((Timestamp::EPOCH, until)),
        };
        Ok(window.map(|(from, until)| Pass { from, until, after: None, started: step.now }))
    }

    /// Up to where a feed shows everything that had happened when its system's clock said `server_time`.
    fn surely_read_up_to(&self, feed: Feed, server_time: Timestamp) -> Timestamp {
        match feed {
            Feed::Settled => server_time - Duration::from_secs(self.rules.config.timing.index_lag),
            Feed::Hot | Feed::Backfill | Feed::Sweep | Feed::Archived => server_time,
        }
    }

    fn same_shape(&self, cursor: Option<&Cursor>, key: CursorKey) -> bool {
        let shape = self.rules.object(key.object).map_or(0, |rules| rules.shape);
        key.feed != Feed::Backfill || cursor.is_some_and(|cursor| cursor.shape == shape)
    }

    pub(super) fn page_failed(&mut self, key: CursorKey) {
        if let Stage::Pull(feeds) = &mut self.stage {
            feeds[key.system].reading = false;
        }
    }

    fn feed_done(&mut self, system: System) {
        if let Stage::Pull(feeds) = &mut self.stage {
            feeds[system].reading = false;
            feeds[system].length = Length::default();
            feeds[system].queue.pop_front();
        }
    }

    pub(super) fn take_page(
        &mut self,
        step: &mut Step<'_>,
        key: CursorKey,
        mut pass: Pass,
        request: RequestId,
        body: AnswerBody,
        server_time: Option<Timestamp>,
    ) -> ViewResult<()> {
        if !matches!(self.stage, Stage::Pull(_)) {
            return Ok(());
        }
        self.page_failed(key);
        let AnswerBody::Page { records, last, more, unread, others, merged, parents } = body else {
            return self.stop(step, format!("{} answered a list with something else", key.system));
        };
        self.allow((key.system, key.object, Way::Read));
        // the window was made from what was known of its clock before: somebody may have set it since
        if let Some(time) = server_time {
            pass.until = pass.until.min(self.surely_read_up_to(key.feed, time));
        }
        if more && last.is_none_or(|last| pass.after.is_some_and(|after| last <= after)) {
            return self.stop(step, format!("{} repeats the same page of its list over and over", key.system));
        }
        if records.is_empty()
            && unread.is_empty()
            && merged.is_empty()
            && !more
            && self.holds_vanished(step, key, pass)?
        {
            return Ok(());
        }
        for id in &unread {
            self.take_unread(step, RecordRef::new(key.object, key.system, *id), key.feed, request)?;
        }
        for id in others {
            self.doubt_other(step, RecordRef::new(key.object, key.system, id))?;
        }
        let force = key.feed == Feed::Backfill;
        let read = records.iter().map(|record| record.id).chain(unread.iter().copied());
        let shown = read.chain(merged.iter().map(|(id, _)| *id)).collect();
        if let Some(parent) = listed_below(key.object, key.system) {
            self.doubt_absent_children(step, key, (parent, &parents), pass, &shown, request)?;
        } else if matches!(key.feed, Feed::Backfill | Feed::Sweep) {
            self.doubt_absent(step, key, pass, last.filter(|_| more), &shown, request)?;
        }
        let brought = (records.len() + unread.len() + merged.len()) as u64;
        for (id, _) in &merged {
            let into = went_up_in(step.view, key, *id, &merged)?;
            self.take_merged(step, RecordRef::new(key.object, key.system, *id), into, request)?;
        }
        for record in records {
            let of = RecordRef::new(key.object, key.system, record.id);
            // what was thrown away before Lockstep ever saw it is nobody's business, unless it is a copy of ours
            if record.archived && record.stamp.is_none() && step.view.observation(of)?.is_none() {
                continue;
            }
            if self.absorb(step, of, record, request, force)? {
                self.count(key.object, |counts| counts.pulled += 1);
            }
        }
        if more && self.is_endless(step, key, brought)? {
            return Ok(());
        }
        pass.after = last.or(pass.after);
        self.move_cursor(step, key, pass, more)
    }

    /// A record that was of this object and is of another one now: by its id it is no longer found here, and its link rests.
    fn doubt_other(&self, step: &mut Step<'_>, of: RecordRef) -> ViewResult<()> {
        if step.view.observation(of)?.is_some_and(|known| known.is_live() && !known.is_in_doubt()) {
            self.expect_unread(step, of)?;
            step.row(dirty(of, DirtyReason::Changed, step.now));
        }
        Ok(())
    }

    /// A record that its system lists as one that was merged into another: it is read at once by its id, the answer takes its
    /// link along. Until then the other one is not decided on.
    fn take_merged(&self, step: &mut Step<'_>, of: RecordRef, into: RecordId, request: RequestId) -> ViewResult<()> {
        // what was merged away before Lockstep ever saw it is nobody's business; of what was read since, more is known
        let Some(mut known) = step.view.observation(of)?.filter(|known| known.merged_into.is_none()) else {
            return Ok(());
        };
        if self.absorbed.get(&of).is_some_and(|newer| *newer > request.0) {
            return Ok(());
        }
        known.seen = Timestamp::EPOCH;
        known.merged_into = Some(into);
        known.keys.push(merged_key(into));
        step.row(Row::Observation(known));
        step.row(dirty(of, DirtyReason::Changed, step.now));
        Ok(())
    }

    fn move_cursor(&mut self, step: &mut Step<'_>, key: CursorKey, pass: Pass, more: bool) -> ViewResult<()> {
        let shape = self.rules.object(key.object).map_or(0, |rules| rules.shape);
        let known = step.view.cursor(key)?;
        let is_reshaped = known.as_ref().is_some_and(|cursor| cursor.shape != shape);
        let mut cursor = Cursor { pass: Some(pass), shape, ..known.unwrap_or(Cursor::unread(key)) };
        if !more {
            cursor.pass = None;
            cursor.completed = Some(step.now);
            if key.feed == Feed::Backfill {
                cursor.config = self.rules.version;
            }
            if matches!(key.feed, Feed::Hot | Feed::Settled) {
                cursor.from = cursor.from.max(pass.until);
            }
            if matches!(key.feed, Feed::Backfill | Feed::Sweep) {
                self.start_feeds_at(step, key, pass.until)?;
            }
            if matches!(key.feed, Feed::Hot | Feed::Backfill | Feed::Sweep) {
                self.sides[key.system].pulled = Some(pass.started);
            }
            self.feed_done(key.system);
        } else if key.feed == Feed::Backfill && is_reshaped {
            cursor.completed = None;
        }
        step.row(Row::Cursor(cursor));
        Ok(())
    }

    /// Everything modified before `at` was just read from the primary store: the change feeds begin there.
    fn start_feeds_at(&self, step: &mut Step<'_>, key: CursorKey, at: Timestamp) -> ViewResult<()> {
        for feed in [Feed::Hot, Feed::Settled] {
            let key = CursorKey { feed, ..key };
            let mut cursor = step.view.cursor(key)?.unwrap_or(Cursor::unread(key));
            // also where that is behind it: then the system's clock was set back
            cursor.from = at;
            cursor.pass = None;
            step.row(Row::Cursor(cursor));
        }
        Ok(())
    }

    pub(super) const fn begin_evaluate() -> Stage {
        Stage::Evaluate { object: 0, after: None, again: false }
    }

    /// Takes a record as read by `request` into the cache. Says whether it was news.
    pub(super) fn absorb(
        &mut self,
        step: &mut Step<'_>,
        of: RecordRef,
        record: Record,
        request: RequestId,
        force: bool,
    ) -> ViewResult<bool> {
        let Some(rules) = self.rules.object(of.object) else { return Ok(false) };
        let known = step.view.observation(of)?;
        let record = with_merged(known.as_ref(), of, record);
        if self.absorbed.get(&of).is_some_and(|newer| *newer > request.0) {
            // the cache holds something from a later request: which of the two is newer only a fresh read can tell
            if let Some(mut known) = known {
                known.seen = Timestamp::EPOCH;
                step.row(Row::Observation(known));
                step.row(dirty(of, DirtyReason::Changed, step.now));
            }
            return Ok(false);
        }
        self.absorbed.insert(of, request.0);
        let news = known.as_ref().is_none_or(|known| is_news(known, &record));
        let unread = known.as_ref().is_some_and(Observation::is_in_doubt);
        let touched = known.as_ref().is_some_and(|known| known.record.modified != record.modified);
        if !(news || unread || touched || force) {
            return Ok(false);
        }
        self.note_own_change(step, of, known.as_ref(), &record)?;
        let observed = observation(rules, of, record, step.now);
        if news {
            look_at_merged(step, &observed)?;
            self.wake_children_of_returned(step, known.as_ref(), &observed)?;
            self.wake_onlookers(step, known.as_ref(), &observed);
            // all of a first reading is looked at anyway
            if !force {
                Self::wake_counterparts(step, rules, known.as_ref(), &observed)?;
            }
        }
        if news || force || unread {
            step.row(dirty(of, DirtyReason::Changed, step.now));
        }
        if news || force {
            show_pending(step, &observed)?;
        }
        self.note_copy(step, &observed);
        step.row(Row::Observation(observed));
        Ok(news)
    }

    /// Takes the answer to a read of single records into the cache, refreshed even where nothing changed.
    pub(super) fn absorb_read(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        object: ObjectKind,
        request: RequestId,
        body: AnswerBody,
    ) -> ViewResult<()> {
        let AnswerBody::Records { found } = body else { return Ok(()) };
        for (asked, record) in found {
            let of = RecordRef::new(object, system, asked);
            match record {
                Some(record) if record.id == asked => self.refresh(step, of, record, request)?,
                Some(survivor) => self.follow_merge(step, of, survivor, request)?,
                None => self.mark_gone(step, of, request)?,
            }
        }
        Ok(())
    }

    fn refresh(&mut self, step: &mut Step<'_>, of: RecordRef, record: Record, request: RequestId) -> ViewResult<()> {
        let Some(rules) = self.rules.object(of.object) else { return Ok(()) };
        if self.absorbed.get(&of).is_some_and(|newer| *newer > request.0) {
            self.absorb(step, of, record, request, false)?;
            return Ok(());
        }
        self.absorbed.insert(of, request.0);
        let known = step.view.observation(of)?;
        let record = with_merged(known.as_ref(), of, record);
        self.note_own_change(step, of, known.as_ref(), &record)?;
        let observed = observation(rules, of, record, step.now);
        if known.as_ref().is_none_or(|known| is_news(known, &observed.record)) {
            step.row(dirty(of, DirtyReason::Changed, step.now));
            look_at_merged(step, &observed)?;
            self.wake_children_of_returned(step, known.as_ref(), &observed)?;
            self.wake_onlookers(step, known.as_ref(), &observed);
            Self::wake_counterparts(step, rules, known.as_ref(), &observed)?;
        }
        self.note_copy(step, &observed);
        step.row(Row::Observation(observed));
        Ok(())
    }

    /// A record is there again before its link was laid to rest, as when a write kept the pair from being looked at: what its
    /// children lost with it is looked at once more. A link that rests wakes them when it is revived.
    pub(super) fn wake_children_of_returned(
        &self,
        step: &mut Step<'_>,
        known: Option<&Observation>,
        observed: &Observation,
    ) -> ViewResult<()> {
        if known.is_some_and(|known| !known.is_live())
            && observed.is_live()
            && let Some(link) = step.view.link_of(observed.of)?
            && link.state == LinkState::Active
        {
            self.wake_children(step, &link);
        }
        Ok(())
    }

    /// A record that is not there any more.
    pub(super) fn mark_gone(&mut self, step: &mut Step<'_>, of: RecordRef, request: RequestId) -> ViewResult<()> {
        self.mark_gone_into(step, of, None, request)
    }

    fn mark_gone_into(
        &mut self,
        step: &mut Step<'_>,
        of: RecordRef,
        merged_into: Option<RecordId>,
        request: RequestId,
    ) -> ViewResult<()> {
        self.absorbed.insert(of, request.0);
        if let Some(known) = step.view.observation(of)? {
            // where nothing answers in its place, what its system said of it stands
            let told = known.merged_into.filter(|_| !known.gone);
            if let (None, Some(into)) = (merged_into, told) {
                Self::doubt_survivor(step, RecordRef { id: into, ..of })?;
            }
            let merged_into = merged_into.or(told);
            let gone = Observation { gone: true, merged_into, seen: step.now, ..known.clone() };
            if let Some(rules) = self.rules.object(of.object) {
                Self::wake_counterparts(step, rules, Some(&known), &gone)?;
            }
            step.row(Row::Observation(gone));
            step.row(dirty(of, DirtyReason::Changed, step.now));
            self.doubt_children(step, of)?;
        } else {
            // nothing could ever be made of it, and now there is nothing to be made
            step.row(Row::ClearDirty(of));
            step.row(Row::ClearStatus(of));
            step.row(Row::ClearIssue { record: of, class: IssueClass::Unreadable, field: None });
        }
        Ok(())
    }

    /// A record that was merged into another: its link goes with it where the survivor has none. Of several that went up in
    /// the same one, the link goes along whose partner the survivor names, or else the first one's.
    pub(super) fn follow_merge(
        &mut self,
        step: &mut Step<'_>,
        of: RecordRef,
        survivor: Record,
        request: RequestId,
    ) -> ViewResult<()> {
        let to = RecordRef { id: survivor.id, ..of };
        let survivor = took_in(step, of, survivor)?;
        self.mark_gone_into(step, of, Some(survivor.id), request)?;
        // Two linked records merged into a third are answered together: the first one's link goes along, once.
        let given = |row: &Row| matches!(row, Row::Link(link) if link.record(of.system) == to);
        if let Some(mut link) = step.link_of(of)?
            && step.view.link_of(to)?.is_none()
            && !step.rows.iter().any(given)
            && !names_another(step.view, &link, to, &survivor)?
        {
            match of.system {
                System::HubSpot => link.hubspot = to.id,
                System::ConnectWise => link.connectwise = to.id,
            }
            step.row(Row::ClearStatus(of));
            // what the survivor was shown as by itself
            step.row(Row::ClearStatus(link.record(System::ConnectWise)));
            self.wake_children(step, &link);
            if let Some(rules) = self.rules.object(of.object) {
                Self::wake_rivals(step, rules, &link)?;
            }
            step.row(Row::Link(link));
            self.progressed();
            // now it can be told of the others who is left over
            for other in survivor.merged.iter().map(|id| RecordRef { id: *id, ..of }) {
                if other != of && step.view.link_of(other)?.is_some() {
                    step.row(dirty(other, DirtyReason::Changed, step.now));
                }
            }
        }
        self.refresh(step, to, survivor, request)?;
        step.row(dirty(to, DirtyReason::Changed, step.now));
        Ok(())
    }
}

/// The row that makes the engine look at a record.
pub(super) const fn dirty(record: RecordRef, reason: DirtyReason, now: Timestamp) -> Row {
    Row::Dirty(Dirty { record, reason, since: now, not_before: now })
}

/// What this step tells of a record is believed no more until it was read by its id.
pub(super) fn doubt_told(step: &mut Step<'_>, of: RecordRef) {
    let told = step.rows.iter_mut().rev().find_map(|row| match row {
        Row::Observation(told) if told.of == of => Some(told),
        _ => None,
    });
    if let Some(told) = told {
        told.seen = Timestamp::EPOCH;
    }
}

/// The cache's row for a record as just read.
pub(super) fn observation(rules: &ObjectRules, of: RecordRef, record: Record, now: Timestamp) -> Observation {
    let keys = all_keys(rules, of.system, &record);
    Observation { of, record, seen: now, keys, gone: false, merged_into: None }
}

/// What a record took in, as far as that is known: ConnectWise tells it of the one that went alone, not of the other.
pub(super) fn with_merged(known: Option<&Observation>, of: RecordRef, mut record: Record) -> Record {
    if let Some(known) = known.filter(|_| of.system == System::ConnectWise) {
        for id in &known.record.merged {
            if !record.merged.contains(id) {
                record.merged.push(*id);
            }
        }
    }
    record
}

/// The survivor of a merge, with the one that went up in it and what had gone up in that one before.
fn took_in(step: &Step<'_>, of: RecordRef, mut survivor: Record) -> ViewResult<Record> {
    if of.system == System::ConnectWise {
        let before = step.view.observation(of)?.map(|known| known.record.merged).unwrap_or_default();
        for id in before.into_iter().chain([of.id]) {
            if !survivor.merged.contains(&id) {
                survivor.merged.push(id);
            }
        }
    }
    Ok(survivor)
}

/// The record that one of a page went up in at last, which may have gone up in another before anybody saw it.
fn went_up_in(view: &dyn View, key: CursorKey, id: RecordId, merged: &[(RecordId, RecordId)]) -> ViewResult<RecordId> {
    let mut at = id;
    for _ in 0..MOST_MERGES {
        let told = merged.iter().find(|(from, _)| *from == at).map(|(_, into)| *into);
        let next = match told {
            Some(into) => Some(into),
            None => view.observation(RecordRef::new(key.object, key.system, at))?.and_then(|known| known.merged_into),
        };
        match next {
            Some(into) => at = into,
            None => break,
        }
    }
    Ok(at)
}

/// Whether the survivor of a merge carries the key of the partner that another record had which went up in it. Where that
/// partner is known to be gone, its key says nothing any more.
fn names_another(view: &dyn View, link: &Link, to: RecordRef, survivor: &Record) -> ViewResult<bool> {
    let there = to.system.other();
    let named = survivor.stamp.as_deref().and_then(|stamp| id_of_stamp(to.object, stamp));
    let Some(named) = named.filter(|id| *id != link.id_in(there)).map(|id| RecordRef::new(to.object, there, id)) else {
        return Ok(false);
    };
    if view.observation(named)?.is_none_or(|known| !known.is_live()) {
        return Ok(false);
    }
    let other = view.link_of(named)?.filter(|other| other.state != LinkState::Unlinked);
    Ok(other.is_some_and(|other| survivor.merged.contains(&other.id_in(to.system))))
}

/// Records that a survivor says were merged into it are read again at once: the answer takes their links along.
fn look_at_merged(step: &mut Step<'_>, survivor: &Observation) -> ViewResult<()> {
    for id in survivor.record.merged.iter().filter(|id| **id != survivor.of.id) {
        let merged = RecordRef { id: *id, ..survivor.of };
        // the same answer may have told of that one already
        let is_followed = |row: &Row| matches!(row, Row::Observation(told) if told.of == merged && told.gone);
        if step.rows.iter().any(is_followed) {
            continue;
        }
        let Some(mut known) = step.view.observation(merged)? else { continue };
        // one that went before anybody knew what into still has its link
        let is_unfollowed = known.merged_into.is_none() && step.view.link_of(merged)?.is_some();
        if known.is_live() || is_unfollowed {
            known.seen = Timestamp::EPOCH;
            step.row(Row::Observation(known));
            step.row(dirty(merged, DirtyReason::Changed, step.now));
        }
    }
    Ok(())
}

fn is_news(known: &Observation, record: &Record) -> bool {
    let old = &known.record;
    known.gone
        || old.fields != record.fields
        || old.archived != record.archived
        || old.stamp != record.stamp
        || old.merged != record.merged
}

/// A changed record is shown as pending from the moment it is known.
fn show_pending(step: &mut Step<'_>, observed: &Observation) -> ViewResult<()> {
    let of = observed.of;
    let status = shown(step, of, Some(observed), RecordState::Pending, format!("changed in {}", of.system))?;
    step.row(Row::Status(status));
    Ok(())
}

/// The row people see of a record, or of its pair, before it is planned.
pub(super) fn shown(
    step: &Step<'_>,
    of: RecordRef,
    known: Option<&Observation>,
    state: RecordState,
    why: String,
) -> ViewResult<Status> {
    let link = step.view.link_of(of)?;
    let id_in = |system: System| match &link {
        Some(link) => Some(link.id_in(system)),
        None => (system == of.system).then_some(of.id),
    };
    let name = known.and_then(|known| name_of(of.object, of.system, &known.record));
    Ok(Status {
        object: of.object,
        hubspot: id_in(System::HubSpot),
        connectwise: id_in(System::ConnectWise),
        link: link.as_ref().map(|link| link.id),
        name: name.unwrap_or_else(|| of.to_string()),
        state,
        why,
        since: step.now,
    })
}

/// Whether a record has to be read before it can be decided on.
pub(super) fn is_unread(known: Option<&Observation>) -> bool {
    known.is_none_or(Observation::is_in_doubt)
}
