//! Pages and totals for the console and the commands, all by key.

use std::collections::BTreeMap;

use rusqlite::types::Value as Sql;
use rusqlite::{Row, params, params_from_iter};

use super::apply;
use super::code::{Code, body_at, code_at, int, record_int, time_at, u64_at};
use super::error::StoreResult;
use super::reader::{Reader, limit};
use super::rows::{DirtyTotal, HistoryRow, IssueGroup, IssueKey, IssueQuery, WriteRow};
use super::view::issue_at;
use crate::engine::core::state::{
    Cursor, DirtyReason, Exchange, Intent, Issue, IssueClass, LinkState, Observation, Run, UNREADABLE_FOR_GOOD,
};
use crate::model::{BySystem, IntentId, ObjectKind, RecordId, RecordRef, RunId, System};

/// The key before which everything lies.
const END: i64 = i64::MAX;

/// # Errors
/// When the store cannot be read; so for all methods.
impl Reader {
    /// Newest first, older than `before`.
    pub fn runs_page(&self, before: Option<RunId>, most: usize) -> StoreResult<Vec<Run>> {
        let sql = "SELECT body FROM run WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
        self.all(sql, params![before.map_or(END, |run| int(run.0)), limit(most)], |row| body_at(row, 0))
    }

    pub fn run(&self, id: RunId) -> StoreResult<Option<Run>> {
        self.first("SELECT body FROM run WHERE id = ?1", [int(id.0)], |row| body_at(row, 0))
    }

    /// Runs whose plan a guard held, newest first.
    pub fn held_runs(&self, most: usize) -> StoreResult<Vec<Run>> {
        let sql = "SELECT body FROM run WHERE held ORDER BY id DESC LIMIT ?1";
        self.all(sql, [limit(most)], |row| body_at(row, 0))
    }

    /// What a run wrote, in order, after `after`.
    pub fn history_of_run(&self, run: RunId, after: Option<u64>, most: usize) -> StoreResult<Vec<HistoryRow>> {
        let sql = "SELECT id, body FROM history WHERE run = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        self.all(sql, params![int(run.0), after.map_or(0, int), limit(most)], history_at)
    }

    /// What was written to a record, newest first, older than `before`.
    pub fn history_of(&self, record: RecordRef, before: Option<u64>, most: usize) -> StoreResult<Vec<HistoryRow>> {
        let sql = "SELECT id, body FROM history WHERE object = ?1 AND system = ?2 AND record = ?3 AND id < ?4
            ORDER BY id DESC LIMIT ?5";
        let (object, system, id) = (record.object.code(), record.system.code(), int(record.id.0));
        self.all(sql, params![object, system, id, before.map_or(END, int), limit(most)], history_at)
    }

    /// What was written to either system, newest first, older than `before`.
    pub fn recent_writes(&self, before: Option<u64>, most: usize) -> StoreResult<Vec<WriteRow>> {
        let sql = "SELECT h.id, h.body, i.body FROM history h LEFT JOIN intent i ON i.id = h.intent
            WHERE h.id < ?1 ORDER BY h.id DESC LIMIT ?2";
        self.all(sql, params![before.map_or(END, int), limit(most)], write_at)
    }

    pub fn intent(&self, id: IntentId) -> StoreResult<Option<Intent>> {
        self.first("SELECT body FROM intent WHERE id = ?1", [int(id.0)], |row| body_at(row, 0))
    }

    /// Writes from or to a record, newest first, older than `before`.
    pub fn intents_of(&self, record: RecordRef, before: Option<IntentId>, most: usize) -> StoreResult<Vec<Intent>> {
        let sql = "SELECT body FROM intent WHERE id IN (
            SELECT id FROM intent WHERE object = ?1 AND system = ?2 AND target = ?4
            UNION SELECT id FROM intent WHERE object = ?1 AND system = ?3 AND source = ?4)
            AND id < ?5 ORDER BY id DESC LIMIT ?6";
        let (here, there) = (record.system.code(), record.system.other().code());
        let before = before.map_or(END, |intent| int(intent.0));
        let params = params![record.object.code(), here, there, int(record.id.0), before, limit(most)];
        self.all(sql, params, |row| body_at(row, 0))
    }

    /// Writes to a record, newest first, older than `before`.
    pub fn intents_to(&self, record: RecordRef, before: Option<IntentId>, most: usize) -> StoreResult<Vec<Intent>> {
        let sql = "SELECT body FROM intent WHERE object = ?1 AND system = ?2 AND target = ?3 AND id < ?4
            ORDER BY id DESC LIMIT ?5";
        let (object, system, id) = (record.object.code(), record.system.code(), int(record.id.0));
        let before = before.map_or(END, |intent| int(intent.0));
        self.all(sql, params![object, system, id, before, limit(most)], |row| body_at(row, 0))
    }

    /// Writes of a run, in order, after `after`.
    pub fn intents_of_run(&self, run: RunId, after: Option<IntentId>, most: usize) -> StoreResult<Vec<Intent>> {
        let sql = "SELECT body FROM intent WHERE run = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        let after = after.map_or(0, |intent| int(intent.0));
        self.all(sql, params![int(run.0), after, limit(most)], |row| body_at(row, 0))
    }

    /// Open issues, latest first seen first, beyond `after`.
    pub fn issues_page(&self, query: &IssueQuery, after: Option<&IssueKey>, most: usize) -> StoreResult<Vec<Issue>> {
        let mut filter = "(first, object, system, record, class, field) < (?, ?, ?, ?, ?, ?)".to_owned();
        let mut values = after.map_or_else(IssueKey::end, IssueKey::values);
        if let Some(class) = query.class {
            filter.push_str(" AND class = ?");
            values.push(Sql::Integer(class.code()));
        }
        if let Some(template) = &query.template {
            filter.push_str(" AND template = ?");
            values.push(Sql::Text(template.clone()));
        }
        values.push(Sql::Integer(limit(most)));
        let sql = format!(
            "SELECT body, first FROM issue WHERE {filter}
            ORDER BY first DESC, object DESC, system DESC, record DESC, class DESC, field DESC LIMIT ?"
        );
        self.all(&sql, params_from_iter(values), issue_at)
    }

    /// Open issues by cause, most frequent first.
    pub fn issue_groups(&self) -> StoreResult<Vec<IssueGroup>> {
        let sql = "SELECT class, template, count(*), min(first), max(last) FROM issue GROUP BY class, template
            ORDER BY count(*) DESC, class, template";
        self.all(sql, [], group_at)
    }

    /// Open issues of all causes, those that end by themselves included.
    pub fn issue_count(&self) -> StoreResult<u64> {
        self.exactly("SELECT count(*) FROM issue", [], |row| u64_at(row, 0))
    }

    /// Open issues that a person has to end: as [`Issue::needs_person`](crate::engine::core::state::Issue::needs_person).
    pub fn issues_for_people(&self) -> StoreResult<u64> {
        let groups = "SELECT class, count(*) FROM issue GROUP BY class";
        let counts: Vec<(IssueClass, u64)> = self.all(groups, [], |row| Ok((code_at(row, 0)?, u64_at(row, 1)?)))?;
        let of_people = counts.into_iter().filter(|(class, _)| class.needs_person()).map(|(_, count)| count);
        let for_good = i64::try_from(UNREADABLE_FOR_GOOD.as_millis()).unwrap_or(i64::MAX);
        let lasting = "SELECT count(*) FROM issue WHERE class = ? AND last - first >= ?";
        let class = IssueClass::Unreadable.code();
        Ok(of_people.sum::<u64>() + self.exactly(lasting, (class, for_good), |row| u64_at(row, 0))?)
    }

    /// The records that are still to be looked at, by object; not those that wait for another day.
    pub fn dirty_totals(&self) -> StoreResult<BTreeMap<ObjectKind, BySystem<DirtyTotal>>> {
        let sql = "SELECT object, system, count(*), min(since) FROM dirty WHERE reason != ?1
            GROUP BY object, system";
        let rows: Vec<(ObjectKind, System, DirtyTotal)> = self.all(sql, [DirtyReason::Day.code()], |row| {
            let total = DirtyTotal { count: u64_at(row, 2)?, oldest: Some(time_at(row, 3)?) };
            Ok((code_at(row, 0)?, code_at(row, 1)?, total))
        })?;
        let mut totals: BTreeMap<ObjectKind, BySystem<DirtyTotal>> = BTreeMap::new();
        for (object, system, total) in rows {
            totals.entry(object).or_default()[system] = total;
        }
        Ok(totals)
    }

    /// The cache of one system, lowest id first, after `after`; gone and archived records included.
    pub fn observations_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        most: usize,
    ) -> StoreResult<Vec<Observation>> {
        let sql = "SELECT body FROM observation WHERE object = ?1 AND system = ?2 AND id > ?3 ORDER BY id LIMIT ?4";
        let after = record_int(after).unwrap_or(i64::MIN);
        self.all(sql, params![object.code(), system.code(), after, limit(most)], |row| body_at(row, 0))
    }

    /// Records in the cache of one system, gone and archived ones included.
    pub fn observation_count(&self, object: ObjectKind, system: System) -> StoreResult<u64> {
        let dead = apply::tally(self.db(), 2, object, system.code())?;
        Ok(dead + self.live_count(object, system)?)
    }

    /// Records in the cache of one system that can take part in a sync.
    pub fn live_count(&self, object: ObjectKind, system: System) -> StoreResult<u64> {
        Ok(apply::tally(self.db(), 3, object, system.code())?)
    }

    pub fn link_count(&self, object: ObjectKind, state: LinkState) -> StoreResult<u64> {
        Ok(apply::tally(self.db(), 1, object, state.code())?)
    }

    /// The last request about a record, and its answer.
    pub fn exchange(&self, record: RecordRef) -> StoreResult<Option<Exchange>> {
        let sql = "SELECT body FROM exchange WHERE object = ?1 AND system = ?2 AND record = ?3";
        self.first(sql, [record.object.code(), record.system.code(), int(record.id.0)], |row| body_at(row, 0))
    }

    pub fn cursors(&self) -> StoreResult<Vec<Cursor>> {
        self.all("SELECT body FROM cursor ORDER BY system, object, feed", [], |row| body_at(row, 0))
    }
}

impl IssueKey {
    /// The place of an issue on its list. Depends on nothing that changes while it is open.
    #[must_use]
    pub fn of(issue: &Issue) -> Self {
        Self {
            first: issue.first,
            record: issue.record,
            class: issue.class,
            field: apply::field_text(issue.field.as_ref()).to_owned(),
        }
    }

    fn values(&self) -> Vec<Sql> {
        let record = self.record;
        let class = self.class.code();
        let numbers = [self.first.0, record.object.code(), record.system.code(), int(record.id.0), class];
        numbers.into_iter().map(Sql::Integer).chain([Sql::Text(self.field.clone())]).collect()
    }

    /// Beyond the newest issue.
    fn end() -> Vec<Sql> {
        [END; 5].into_iter().map(Sql::Integer).chain([Sql::Text(String::new())]).collect()
    }
}

fn history_at(row: &Row<'_>) -> rusqlite::Result<HistoryRow> {
    Ok(HistoryRow { id: u64_at(row, 0)?, entry: body_at(row, 1)? })
}

fn write_at(row: &Row<'_>) -> rusqlite::Result<WriteRow> {
    let has_intent = row.get_ref(2)? != rusqlite::types::ValueRef::Null;
    let intent = if has_intent { Some(body_at(row, 2)?) } else { None };
    Ok(WriteRow { id: u64_at(row, 0)?, entry: body_at(row, 1)?, intent })
}

fn group_at(row: &Row<'_>) -> rusqlite::Result<IssueGroup> {
    Ok(IssueGroup {
        class: code_at(row, 0)?,
        template: row.get(1)?,
        count: u64_at(row, 2)?,
        first: time_at(row, 3)?,
        last: time_at(row, 4)?,
    })
}
