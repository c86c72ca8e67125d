//! Pages of the Records tab: by name, optionally of one state, optionally found by text.

use rusqlite::types::Value as Sql;
use rusqlite::{Row, params_from_iter};

use super::apply;
use super::code::{Code, code_at, fold, int, time_at};
use super::error::StoreResult;
use super::reader::{Reader, limit};
use super::rows::{Direction, StatusKey, StatusQuery};
use crate::engine::core::state::{RecordState, Status};
use crate::model::{LinkId, ObjectKind, RecordId};

const COLUMNS: &str = "object, hubspot, connectwise, link, name, state, why, since";

pub(super) fn status_at(row: &Row<'_>) -> rusqlite::Result<Status> {
    let id = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(i64::cast_unsigned));
    Ok(Status {
        object: code_at(row, 0)?,
        hubspot: id(1)?.map(RecordId),
        connectwise: id(2)?.map(RecordId),
        link: id(3)?.map(LinkId),
        name: row.get(4)?,
        state: code_at(row, 5)?,
        why: row.get(6)?,
        since: time_at(row, 7)?,
    })
}

impl StatusKey {
    /// The place of a row on its list. Depends on name and anchor alone: a row that only changes its state stays.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        Self { name: fold(&status.name), anchor: status.anchor() }
    }
}

impl Reader {
    /// Rows next to `from` in the order of their names (case and ties by id aside), always lowest name first.
    /// Without `from`, the first rows of the list, or its last ones when reading backward.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn status_page(
        &self,
        query: &StatusQuery,
        from: Option<&StatusKey>,
        direction: Direction,
        most: usize,
    ) -> StoreResult<Vec<Status>> {
        let (sql, values) = page_query(query, from, direction, most);
        let mut page = self.all(&sql, params_from_iter(values), status_at)?;
        if direction == Direction::Backward {
            page.reverse();
        }
        Ok(page)
    }

    /// How many rows a list has. Free without a search text; with one, every row of the list is looked at.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn status_count(&self, query: &StatusQuery) -> StoreResult<u64> {
        if query.needle().is_none() {
            let states = query.state.map_or_else(|| RecordState::ALL.to_vec(), |state| vec![state]);
            return states.into_iter().map(|state| self.state_count(query.object, state)).sum();
        }
        let (filter, values) = condition(query);
        let sql = format!("SELECT count(*) FROM status WHERE {filter}");
        self.exactly(&sql, params_from_iter(values), |row| super::code::u64_at(row, 0))
    }

    /// How many pairs and single records are in one state.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn state_count(&self, object: ObjectKind, state: RecordState) -> StoreResult<u64> {
        Ok(apply::tally(self.db(), 0, object, state.code())?)
    }
}

/// The SQL of a page, with its values.
fn page_query(query: &StatusQuery, from: Option<&StatusKey>, direction: Direction, most: usize) -> (String, Vec<Sql>) {
    let (mut filter, mut values) = condition(query);
    let (comparison, order) = match direction {
        Direction::Forward => (">", "ASC"),
        Direction::Backward => ("<", "DESC"),
    };
    if let Some(key) = from {
        filter.push_str(&format!(" AND (fold, system, anchor) {comparison} (?, ?, ?)"));
        values.push(Sql::Text(key.name.clone()));
        values.push(Sql::Integer(key.anchor.system.code()));
        values.push(Sql::Integer(int(key.anchor.id.0)));
    }
    values.push(Sql::Integer(limit(most)));
    let sql = format!(
        "SELECT {COLUMNS} FROM status WHERE {filter}
        ORDER BY fold {order}, system {order}, anchor {order} LIMIT ?"
    );
    (sql, values)
}

/// The `WHERE` of a list, with its values.
fn condition(query: &StatusQuery) -> (String, Vec<Sql>) {
    let mut filter = "object = ?".to_owned();
    let mut values = vec![Sql::Integer(query.object.code())];
    if let Some(state) = query.state {
        filter.push_str(" AND state = ?");
        values.push(Sql::Integer(state.code()));
    }
    if let Some(needle) = query.needle() {
        filter.push_str(" AND instr(search, ?) > 0");
        values.push(Sql::Text(needle));
    }
    (filter, values)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::model::{RecordRef, System};
    use crate::store::connect::in_memory;
    use crate::store::migrations;

    /// A page must cost what it shows: walked along an index from its key, never sorted, never scanned.
    #[test]
    fn every_page_is_walked_along_an_index() {
        let mut connection = in_memory().unwrap();
        migrations::apply(&mut connection).unwrap();
        let anchor = RecordRef::new(ObjectKind::Company, System::HubSpot, RecordId(1));
        let key = StatusKey { name: "a".to_owned(), anchor };
        for state in [None, Some(RecordState::Held)] {
            for search in [None, Some("x".to_owned())] {
                for from in [None, Some(&key)] {
                    for direction in [Direction::Forward, Direction::Backward] {
                        let query = StatusQuery { object: ObjectKind::Company, state, search: search.clone() };
                        let (sql, values) = page_query(&query, from, direction, 50);
                        let plan = plan(&connection, &sql, values);
                        let index = if state.is_some() { "INDEX status_state" } else { "INDEX status_name" };
                        assert!(plan.starts_with("SEARCH") && plan.contains(index), "{query:?}: {plan}");
                        assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
                        let bound = from.is_none() || plan.contains("(fold,system,anchor)");
                        assert!(bound, "{query:?}: {plan}");
                    }
                }
            }
        }
    }

    fn plan(connection: &rusqlite::Connection, sql: &str, values: Vec<Sql>) -> String {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }
}
