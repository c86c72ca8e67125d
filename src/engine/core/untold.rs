//! Records that are there and of which an answer says nothing that can be used: nothing is written through what was known
//! of them, they are shown as waiting, and they are read again by their ids until something can be made of them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::apply::Unread;
use super::command::Row;
use super::pull::{is_unread, shown};
use super::request::{AnswerBody, RequestId};
use super::state::{Dirty, DirtyReason, Feed, Issue, IssueClass, RecordState};
use super::step::{Engine, Step};
use super::view::ViewResult;
use crate::model::{Record, RecordId, RecordRef, System, Timestamp};

/// The pauses between two reads grow up to this: each is a quarter of the time that it has been so, and as long as between
/// two looks at both systems at first.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What a person reads of such a record.
pub(super) fn makes_no_sense(system: System) -> String {
    format!("{system}'s answer for this record makes no sense: what is needed of it is missing, or is no value.")
}

/// What comes next for it.
fn read_again(of: RecordRef) -> String {
    format!(
        "It is read again by itself. Where it stays so, open {of} there, enter the value that is not shown or is wrong \
         once more, and save; the log names it where {} does.",
        of.system
    )
}

impl Engine {
    /// Takes in a record of a page of which nothing can be made.
    pub(super) fn take_unread(
        &self,
        step: &mut Step<'_>,
        of: RecordRef,
        feed: Feed,
        request: RequestId,
    ) -> ViewResult<()> {
        let known = step.view.observation(of)?;
        // what was thrown away before Lockstep ever saw it is nobody's business
        let never_seen = known.is_none() && feed == Feed::Archived;
        if never_seen || self.absorbed.get(&of).is_some_and(|newer| *newer > request.0) {
            return Ok(());
        }
        let waits = is_unread(known.as_ref()) && step.view.dirty(of)?.is_some_and(|mark| !mark.is_due(step.now));
        if waits {
            return Ok(());
        }
        self.expect_unread(step, of)?;
        let not_before = self.show_untold(step, of)?;
        step.row(Row::Dirty(Dirty { record: of, reason: DirtyReason::Retry, since: step.now, not_before }));
        Ok(())
    }

    /// The pairs of a read before writes go on; one of which the answer says nothing rests for a while.
    pub(super) fn take_fresh(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        queue: System,
        pairs: Vec<Unread>,
        body: &AnswerBody,
    ) -> ViewResult<()> {
        let (mut told, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
        if let AnswerBody::Records { found } = body {
            told.extend(found.iter().map(|(id, _)| *id));
            let is_it = |(id, record): &&(RecordId, Option<_>)| is_record(record.as_ref(), *id);
            elsewhere.extend(found.iter().filter(|one| !is_it(one)).map(|(id, _)| *id));
        }
        for pair in pairs.into_iter().rev() {
            self.release(&pair.members);
            let asked = pair.stale.iter().filter(|record| record.system == system);
            let (mut untold, mut nobody) = (None, false);
            for record in asked {
                if !told.contains(&record.id) {
                    untold = Some(*record);
                }
                // what was never seen and is not there is nobody's work
                nobody |= elsewhere.contains(&record.id) && step.view.observation(*record)?.is_none();
            }
            let Some(untold) = untold else {
                if !nobody {
                    self.work[queue].push_front(pair.anchor);
                }
                continue;
            };
            let later = self.show_untold(step, untold)?;
            for record in pair.members {
                if let Some(mark) = step.view.dirty(record)? {
                    step.row(Row::Dirty(mark.put_off(later, step.now)));
                }
            }
            step.wake_at(later);
        }
        Ok(())
    }

    /// Shows that nothing can be made of a record now. Returns when it is read again.
    fn show_untold(&self, step: &mut Step<'_>, of: RecordRef) -> ViewResult<Timestamp> {
        let why = format!("{} It is read again by itself.", makes_no_sense(of.system));
        let known = step.view.observation(of)?;
        let status = shown(step, of, known.as_ref(), RecordState::Waiting, why)?;
        let before = step.view.status(status.anchor())?;
        let so_before = before.filter(|before| before.state == status.state && before.why == status.why);
        let age = so_before.map_or(Duration::ZERO, |before| step.now.since(before.since));
        let shortest = Duration::from_secs(self.rules.config.timing.poll);
        let again = step.now + (age / 4).max(shortest).min(LONGEST);
        let anchor = status.anchor();
        let known = step.view.issues_of(anchor)?.into_iter().find(|issue| issue.class == IssueClass::Unreadable);
        step.row(Row::Issue(Issue {
            record: anchor,
            class: IssueClass::Unreadable,
            field: None,
            link: status.link,
            message: makes_no_sense(of.system),
            hint: read_again(of),
            fingerprint: 0,
            attempts: known.as_ref().map_or(0, |issue| issue.attempts) + 1,
            next_try: again,
            first: known.map_or(step.now, |issue| issue.first),
            last: step.now,
        }));
        step.row(Row::Status(status));
        Ok(again)
    }
}

/// Whether an answer shows the record that was asked for, not that it is gone or merged into another.
fn is_record(record: Option<&Record>, asked: RecordId) -> bool {
    record.is_some_and(|record| record.id == asked)
}
