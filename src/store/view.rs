//! What the engine looks up, by key.

use std::collections::BTreeMap;

use rusqlite::{Row, params};

use super::apply::ANY;
use super::code::{Code, body_at, code_at, id_at, int, ref_at, time_at};
use super::reader::{Reader, limit};
use super::status::status_at;
use crate::engine::core::rest::Rest;
use crate::engine::core::state::dirty::LONGEST_REST;
use crate::engine::core::state::{
    Cover, Cursor, CursorKey, Decision, Dirty, DirtyReason, Intent, Issue, Link, LinkState, Observation, RecordState,
    Run, RunKind, Status, Verdict,
};
use crate::engine::core::view::{HighWater, View, ViewResult};
use crate::model::{
    IntentId, LinkId, ObjectKind, Pause, PauseScope, Pauses, RecordId, RecordRef, RunId, System, Timestamp,
};

/// Records with one stamp that are worth telling apart.
const STAMPED: usize = 10;

impl View for Reader {
    fn observation(&self, record: RecordRef) -> ViewResult<Option<Observation>> {
        let sql = "SELECT body FROM observation WHERE object = ?1 AND system = ?2 AND id = ?3";
        Ok(self.first(sql, by_record(record), |row| body_at(row, 0))?)
    }

    fn link_of(&self, record: RecordRef) -> ViewResult<Option<Link>> {
        let sql = match record.system {
            System::HubSpot => "SELECT body FROM link WHERE object = ?1 AND hubspot = ?2",
            System::ConnectWise => "SELECT body FROM link WHERE object = ?1 AND connectwise = ?2",
        };
        Ok(self.first(sql, params![record.object.code(), int(record.id.0)], |row| body_at(row, 0))?)
    }

    fn link(&self, id: LinkId) -> ViewResult<Option<Link>> {
        Ok(self.first("SELECT body FROM link WHERE id = ?1", [int(id.0)], |row| body_at(row, 0))?)
    }

    fn counterpart(&self, record: RecordRef) -> ViewResult<Option<(RecordRef, LinkState)>> {
        let sql = match record.system {
            System::HubSpot => "SELECT connectwise, state FROM link WHERE object = ?1 AND hubspot = ?2",
            System::ConnectWise => "SELECT hubspot, state FROM link WHERE object = ?1 AND connectwise = ?2",
        };
        let there = |id| RecordRef { system: record.system.other(), id, ..record };
        let read = |row: &Row<'_>| Ok((there(id_at(row, 0)?), code_at(row, 1)?));
        Ok(self.first(sql, params![record.object.code(), int(record.id.0)], read)?)
    }

    fn is_live(&self, record: RecordRef) -> ViewResult<Option<bool>> {
        let sql = "SELECT live FROM observation WHERE object = ?1 AND system = ?2 AND id = ?3";
        Ok(self.first(sql, by_record(record), |row| row.get(0))?)
    }

    fn by_key(&self, object: ObjectKind, system: System, key: &str, most: usize) -> ViewResult<Vec<RecordRef>> {
        let sql = "SELECT id FROM match_key WHERE object = ?1 AND system = ?2 AND key = ?3 ORDER BY id LIMIT ?4";
        let params = params![object.code(), system.code(), key, limit(most)];
        Ok(self.all(sql, params, |row| Ok(RecordRef::new(object, system, id_at(row, 0)?)))?)
    }

    fn by_stamp(&self, object: ObjectKind, system: System, stamp: &str) -> ViewResult<Vec<RecordRef>> {
        let sql = "SELECT id FROM observation WHERE object = ?1 AND system = ?2 AND stamp = ?3 AND gone = 0
            ORDER BY id LIMIT ?4";
        let params = params![object.code(), system.code(), stamp, limit(STAMPED)];
        Ok(self.all(sql, params, |row| Ok(RecordRef::new(object, system, id_at(row, 0)?)))?)
    }

    fn dirty_page(
        &self,
        object: ObjectKind,
        now: Timestamp,
        after: Option<RecordRef>,
        most: usize,
    ) -> ViewResult<Vec<Dirty>> {
        let sql = "SELECT object, system, record, reason, since, not_before FROM dirty
            WHERE object = ?1 AND (system, record) > (?2, ?3)
                AND (not_before <= ?4 OR since > ?4 OR (not_before > ?6 AND reason != ?7))
            ORDER BY system, record LIMIT ?5";
        let (system, id) = after.map_or((-1, 0), |after| (after.system.code(), int(after.id.0)));
        Ok(self.all(
            sql,
            params![object.code(), system, id, now.0, limit(most), (now + LONGEST_REST).0, DirtyReason::Day.code()],
            dirty_at,
        )?)
    }

    fn dirty(&self, record: RecordRef) -> ViewResult<Option<Dirty>> {
        let sql = "SELECT object, system, record, reason, since, not_before FROM dirty
            WHERE object = ?1 AND system = ?2 AND record = ?3";
        Ok(self.first(sql, by_record(record), dirty_at)?)
    }

    fn next_dirty(&self, now: Timestamp) -> ViewResult<Option<Timestamp>> {
        let sql = "SELECT not_before FROM dirty WHERE not_before > ?1 ORDER BY not_before LIMIT 1";
        Ok(self.first(sql, [now.0], |row| time_at(row, 0))?)
    }

    fn write(&self, id: IntentId) -> ViewResult<Option<Intent>> {
        Ok(self.intent(id)?)
    }

    fn writes_of_run(&self, run: RunId, after: Option<IntentId>, most: usize) -> ViewResult<Vec<Intent>> {
        Ok(self.intents_of_run(run, after, most)?)
    }

    fn writes_to(&self, record: RecordRef, before: Option<IntentId>, most: usize) -> ViewResult<Vec<Intent>> {
        Ok(self.intents_to(record, before, most)?)
    }

    fn run(&self, id: RunId) -> ViewResult<Option<Run>> {
        Ok(Self::run(self, id)?)
    }

    fn latest_runs(&self, most: usize) -> ViewResult<Vec<Run>> {
        Ok(self.runs_page(None, most)?)
    }

    fn open_intents(&self) -> ViewResult<Vec<Intent>> {
        let sql = "SELECT body FROM intent WHERE state IN (0, 1) ORDER BY id";
        Ok(self.all(sql, [], |row| body_at(row, 0))?)
    }

    fn creates_from(&self, source: RecordRef) -> ViewResult<Vec<Intent>> {
        let sql = "SELECT body FROM intent WHERE object = ?1 AND system = ?2 AND source = ?3 AND kind = 0 ORDER BY id";
        let params = params![source.object.code(), source.system.other().code(), int(source.id.0)];
        Ok(self.all(sql, params, |row| body_at(row, 0))?)
    }

    fn issues_of(&self, record: RecordRef) -> ViewResult<Vec<Issue>> {
        let sql = "SELECT body, first FROM issue WHERE object = ?1 AND system = ?2 AND record = ?3
            ORDER BY class, field";
        Ok(self.all(sql, by_record(record), issue_at)?)
    }

    fn decisions_of(&self, link: LinkId) -> ViewResult<Vec<Decision>> {
        let sql = "SELECT body FROM decision WHERE link = ?1 ORDER BY field";
        Ok(self.all(sql, [int(link.0)], |row| body_at(row, 0))?)
    }

    fn cursor(&self, key: CursorKey) -> ViewResult<Option<Cursor>> {
        let sql = "SELECT body FROM cursor WHERE system = ?1 AND object = ?2 AND feed = ?3";
        let params = params![key.system.code(), key.object.code(), key.feed.code()];
        Ok(self.first(sql, params, |row| body_at(row, 0))?)
    }

    fn status(&self, anchor: RecordRef) -> ViewResult<Option<Status>> {
        let sql = "SELECT object, hubspot, connectwise, link, name, state, why, since FROM status
            WHERE object = ?1 AND system = ?2 AND anchor = ?3";
        Ok(self.first(sql, by_record(anchor), status_at)?)
    }

    fn tenant(&self, system: System) -> ViewResult<Option<String>> {
        Ok(self.first("SELECT tenant FROM tenant WHERE system = ?1", [system.code()], |row| row.get(0))?)
    }

    fn pauses(&self) -> ViewResult<Pauses> {
        Ok(Pauses::new(self.all("SELECT object, system, person, since, note FROM pause", [], pause_at)?))
    }

    fn is_approved(&self, plan: &str) -> ViewResult<bool> {
        let sql = "SELECT EXISTS(SELECT 1 FROM approval WHERE plan = ?1 AND used_by IS NULL)";
        Ok(self.exactly(sql, [plan], |row| row.get(0))?)
    }

    fn cover(&self) -> ViewResult<Option<Cover>> {
        Ok(self.first("SELECT body FROM cover", [], |row| body_at(row, 0))?)
    }

    fn records_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        most: usize,
    ) -> ViewResult<Vec<RecordRef>> {
        let sql = "SELECT id FROM observation WHERE object = ?1 AND system = ?2 AND id > ?3 ORDER BY id LIMIT ?4";
        let after = after.map_or(i64::MIN, |id| int(id.0));
        let params = params![object.code(), system.code(), after, limit(most)];
        Ok(self.all(sql, params, |row| Ok(RecordRef::new(object, system, id_at(row, 0)?)))?)
    }

    fn anchors_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        most: usize,
    ) -> ViewResult<(Vec<RecordRef>, Option<RecordId>)> {
        let sql = match system {
            System::HubSpot => {
                "SELECT id, 1 FROM observation WHERE object = ?1 AND system = ?2 AND id > ?3 ORDER BY id LIMIT ?4"
            }
            System::ConnectWise => {
                "SELECT id, NOT EXISTS(SELECT 1 FROM link INDEXED BY link_partners CROSS JOIN observation AS partner
                    ON partner.object = link.object AND partner.system = 0 AND partner.id = link.hubspot
                    WHERE link.object = observation.object AND link.connectwise = observation.id)
                FROM observation WHERE object = ?1 AND system = ?2 AND id > ?3 ORDER BY id LIMIT ?4"
            }
        };
        let after = after.map_or(i64::MIN, |id| int(id.0));
        let params = params![object.code(), system.code(), after, limit(most)];
        let page: Vec<(RecordId, bool)> = self.all(sql, params, |row| Ok((id_at(row, 0)?, row.get(1)?)))?;
        let last = page.last().map(|(id, _)| *id).filter(|_| page.len() == most);
        let anchors = page.into_iter().filter(|(_, anchors)| *anchors);
        Ok((anchors.map(|(id, _)| RecordRef::new(object, system, id)).collect(), last))
    }

    fn restless_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        most: usize,
        rest: &Rest,
    ) -> ViewResult<(Vec<RecordRef>, Option<RecordId>)> {
        let page = self.records_after(object, system, after, most)?;
        let last = page.last().map(|record| record.id).filter(|_| page.len() == most);
        Ok((self.restless(page, rest)?, last))
    }

    fn live_records(&self, object: ObjectKind, system: System) -> ViewResult<u64> {
        Ok(self.live_count(object, system)?)
    }

    fn state_counts(&self, object: ObjectKind) -> ViewResult<BTreeMap<RecordState, u64>> {
        RecordState::ALL.into_iter().map(|state| Ok((state, self.state_count(object, state)?))).collect()
    }

    fn live_links(&self, object: ObjectKind) -> ViewResult<u64> {
        Ok(self.link_count(object, LinkState::Active)?)
    }

    fn is_filled(&self) -> ViewResult<bool> {
        // The latest runs first: nearly always the very first row answers.
        let ended = |row: &Row<'_>| {
            let run: Run = body_at(row, 0)?;
            Ok(run.kind == RunKind::Poll && run.verdict == Verdict::Done)
        };
        Ok(self.any("SELECT body FROM run WHERE NOT held ORDER BY id DESC", ended)?)
    }

    fn high_water(&self) -> ViewResult<HighWater> {
        let sql = "SELECT (SELECT max(id) FROM link), (SELECT max(id) FROM intent), (SELECT max(id) FROM run)";
        let read = |row: &Row<'_>| {
            Ok(HighWater { link: highest_at(row, 0)?, intent: highest_at(row, 1)?, run: highest_at(row, 2)? })
        };
        Ok(self.exactly(sql, [], read)?)
    }
}

fn by_record(record: RecordRef) -> [i64; 3] {
    [record.object.code(), record.system.code(), int(record.id.0)]
}

fn dirty_at(row: &Row<'_>) -> rusqlite::Result<Dirty> {
    Ok(Dirty {
        record: ref_at(row, 0)?,
        reason: code_at(row, 3)?,
        since: time_at(row, 4)?,
        not_before: time_at(row, 5)?,
    })
}

fn pause_at(row: &Row<'_>) -> rusqlite::Result<Pause> {
    let is_any = |at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)? == ANY);
    let object = if is_any(0)? { None } else { Some(code_at(row, 0)?) };
    let to = if is_any(1)? { None } else { Some(code_at(row, 1)?) };
    Ok(Pause { scope: PauseScope::new(object, to), by: row.get(2)?, since: time_at(row, 3)?, note: row.get(4)? })
}

fn highest_at(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, Option<i64>>(at)?.map_or(0, i64::cast_unsigned))
}

/// The issue with the time it was first seen, from body and column.
pub(super) fn issue_at(row: &Row<'_>) -> rusqlite::Result<Issue> {
    let mut issue: Issue = body_at(row, 0)?;
    issue.first = time_at(row, 1)?;
    Ok(issue)
}
