//! Records that vanished: what the list of all records leaves out is read by its id before it is believed gone.
//!
//! Neither system tells of every deletion: a contact of ConnectWise is deleted without a trace, and HubSpot empties its
//! recycle bin. Pages are ascending by id, so each page shows what is missing between its beginning and its end.

use std::collections::BTreeSet;

use super::pull::dirty;
use super::request::RequestId;
use super::state::DirtyReason;
use super::state::cursor::{CursorKey, Pass};
use super::step::{Engine, Step};
use super::view::ViewResult;
use crate::model::{RecordId, Timestamp};

/// How many known records one look-up takes.
const PAGE: usize = 1000;

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
                let newer = self.absorbed.get(of).is_some_and(|newer| *newer > request.0);
                let Some(mut record) = step.view.observation(*of)?.filter(|known| known.is_live() && !newer) else {
                    continue;
                };
                // what was read since the pass began may have been made behind its back
                if record.seen < pass.started {
                    record.seen = Timestamp::EPOCH;
                    step.row(super::command::Row::Observation(record));
                    step.row(dirty(*of, DirtyReason::Changed, step.now));
                }
            }
            let last = known.last().map(|of| of.id);
            if known.len() < PAGE || upto.is_some_and(|upto| last.is_some_and(|last| last >= upto)) {
                return Ok(());
            }
            after = last;
        }
    }
}
