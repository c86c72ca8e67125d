//! Records that vanished: what the list of all records leaves out is read by its id before it is believed gone.
//!
//! Neither system tells of every deletion: a contact of ConnectWise is deleted without a trace, and HubSpot empties its
//! recycle bin. Pages are ascending by id, so each page shows what is missing between its beginning and its end. What is
//! listed below records of another object is missing where its parent shows it no more, on whichever page.

use std::collections::BTreeSet;

use super::command::Row;
use super::pull::dirty;
use super::request::RequestId;
use super::state::cursor::{CursorKey, Pass};
use super::state::{DirtyReason, Observation};
use super::step::{Engine, Step};
use super::view::ViewResult;
use crate::mapping::references::{listed_below, referring_key};
use crate::model::{ObjectKind, RecordId, RecordRef, Timestamp};

/// How many known records one look-up takes.
const PAGE: usize = 1000;

/// How many children of one record are known: more than a system lists in one answer.
const MOST_CHILDREN: usize = 1000;

impl Engine {
    /// Doubts every known record that a page of the list should have shown and did not. `upto` is the last id that the
    /// page covers; none for the last page.
    pub(super) fn doubt_absent(
        &self,
        step: &mut Step<'_>,
        key: CursorKey,
        pass: Pass,
        upto: Option<RecordId>,
        shown: &BTreeSet<RecordId>,
        request: RequestId,
    ) -> ViewResult<()> {
        let mut after = pass.after;
        loop {
            let known = step.view.records_after(key.object, key.system, after, PAGE)?;
            for of in known.iter().filter(|of| upto.is_none_or(|upto| of.id <= upto) && !shown.contains(&of.id)) {
                self.doubt(step, *of, pass, request)?;
            }
            let last = known.last().map(|of| of.id);
            if known.len() < PAGE || upto.is_some_and(|upto| last.is_some_and(|last| last >= upto)) {
                return Ok(());
            }
            after = last;
        }
    }

    /// The same for records that the system lists below others: of each of these parents the page shows all children.
    pub(super) fn doubt_absent_children(
        &self,
        step: &mut Step<'_>,
        key: CursorKey,
        (parent, parents): (ObjectKind, &[RecordId]),
        pass: Pass,
        shown: &BTreeSet<RecordId>,
        request: RequestId,
    ) -> ViewResult<()> {
        for id in parents {
            let known = step.view.by_key(key.object, key.system, &referring_key(parent, *id), MOST_CHILDREN)?;
            for of in known.iter().filter(|of| !shown.contains(&of.id)) {
                self.doubt(step, *of, pass, request)?;
            }
        }
        Ok(())
    }

    fn doubt(&self, step: &mut Step<'_>, of: RecordRef, pass: Pass, request: RequestId) -> ViewResult<()> {
        let newer = self.absorbed.get(&of).is_some_and(|newer| *newer > request.0);
        let Some(record) = step.view.observation(of)?.filter(|known| known.is_live() && !newer) else { return Ok(()) };
        // what was read since the pass began may have been made behind its back
        if record.is_older_than(pass.started, step.now) {
            read_again(step, record);
        }
        Ok(())
    }

    /// A record went, and with it, it may be, what its system lists below it and nowhere else.
    pub(super) fn doubt_children(&self, step: &mut Step<'_>, parent: RecordRef) -> ViewResult<()> {
        let below = |object: &ObjectKind| listed_below(*object, parent.system) == Some(parent.object);
        for object in self.rules.children(parent.object).iter().copied().filter(below) {
            let key = referring_key(parent.object, parent.id);
            for of in step.view.by_key(object, parent.system, &key, MOST_CHILDREN)? {
                if let Some(record) = step.view.observation(of)?.filter(Observation::is_live) {
                    read_again(step, record);
                }
            }
        }
        Ok(())
    }

    /// A record that was merged into another does not answer by its id, and neither does the other one in its place: that
    /// went, too, it may be, before a list told of it.
    pub(super) fn doubt_survivor(step: &mut Step<'_>, survivor: RecordRef) -> ViewResult<()> {
        // the same answer may have told of it already
        let is_told = |row: &Row| matches!(row, Row::Observation(told) if told.of == survivor);
        if !step.rows.iter().any(is_told)
            && let Some(record) = step.view.observation(survivor)?.filter(Observation::is_live)
        {
            read_again(step, record);
        }
        Ok(())
    }
}

/// What is known of a record is believed no more until it was read by its id.
fn read_again(step: &mut Step<'_>, mut record: Observation) {
    let of = record.of;
    record.seen = Timestamp::EPOCH;
    step.row(Row::Observation(record));
    step.row(dirty(of, DirtyReason::Changed, step.now));
}
