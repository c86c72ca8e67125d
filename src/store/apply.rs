//! How each row of a batch is written: what it replaces, and what it keeps of what was there.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::code::{Code, encode, fold, int, record_int};
use crate::engine::core::command::Row;
use crate::engine::core::state::{
    Cover, Cursor, Decision, Dirty, DirtyReason, Exchange, HistoryEntry, Intent, Issue, IssueClass, Link, Observation,
    Run, Status, Verdict,
};
use crate::mapping::FieldKey;
use crate::mapping::references::referring_key;
use crate::model::{LinkId, ObjectKind, Pause, PauseScope, RecordRef, RunId, System, Timestamp};

pub(super) fn apply(db: &Connection, row: &Row) -> Result<()> {
    match row {
        Row::Observation(observation) => put_observation(db, observation),
        Row::Link(link) => put_link(db, link),
        Row::Intent(intent) => put_intent(db, intent),
        Row::History(entry) => add_history(db, entry),
        Row::Issue(issue) => put_issue(db, issue),
        Row::ClearIssue { record, class, field } => clear_issue(db, *record, *class, field.as_ref()),
        Row::Dirty(dirty) => put_dirty(db, dirty),
        Row::DirtyChildren { object, parent, since } => put_dirty_children(db, *object, *parent, *since),
        Row::ClearDirty(record) => {
            clear(db, "DELETE FROM dirty WHERE object = ?1 AND system = ?2 AND record = ?3", *record)
        }
        Row::Cursor(cursor) => put_cursor(db, cursor),
        Row::Run(run) => put_run(db, run),
        Row::Status(status) => put_status(db, status),
        Row::ClearStatus(anchor) => {
            clear(db, "DELETE FROM status WHERE object = ?1 AND system = ?2 AND anchor = ?3", *anchor)
        }
        Row::Decision(decision) => put_decision(db, decision),
        Row::ClearDecision { link, field } => clear_decision(db, *link, field),
        Row::Tenant { system, tenant } => put_tenant(db, *system, tenant),
        Row::Exchange(exchange) => put_exchange(db, exchange),
        Row::Approval { plan, used_by } => put_approval(db, plan, *used_by),
        Row::Cover(cover) => put_cover(db, cover.as_ref()),
        Row::Pause(pause) => put_pause(db, pause),
        Row::ClearPauses(scope) => clear_pauses(db, *scope),
        Row::Heard(record) => super::inbox::heard(db, *record),
    }
}

fn clear(db: &Connection, sql: &str, record: RecordRef) -> Result<()> {
    db.prepare_cached(sql)?.execute(params![record.object.code(), record.system.code(), int(record.id.0)])?;
    Ok(())
}

fn put_observation(db: &Connection, observation: &Observation) -> Result<()> {
    let of = observation.of;
    let sql = "INSERT INTO observation(object, system, id, live, gone, seen, stamp, body)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET live = excluded.live,
        gone = excluded.gone, seen = excluded.seen, stamp = excluded.stamp, body = excluded.body";
    db.prepare_cached(sql)?.execute(params![
        of.object.code(),
        of.system.code(),
        int(of.id.0),
        observation.is_live(),
        observation.gone,
        observation.seen.0,
        observation.record.stamp,
        encode(observation)?,
    ])?;
    let keys = if observation.is_live() { observation.keys.as_slice() } else { &[] };
    put_match_keys(db, of, keys)
}

/// Brings the side table to exactly these keys, touching only what differs.
fn put_match_keys(db: &Connection, of: RecordRef, keys: &[String]) -> Result<()> {
    let known = match_keys(db, of)?;
    for key in known.iter().filter(|key| !keys.contains(key)) {
        let sql = "DELETE FROM match_key WHERE object = ?1 AND system = ?2 AND key = ?3 AND id = ?4";
        db.prepare_cached(sql)?.execute(params![of.object.code(), of.system.code(), key, int(of.id.0)])?;
    }
    for key in keys.iter().filter(|key| !known.contains(key)) {
        let sql = "INSERT OR IGNORE INTO match_key(object, system, key, id) VALUES(?1, ?2, ?3, ?4)";
        db.prepare_cached(sql)?.execute(params![of.object.code(), of.system.code(), key, int(of.id.0)])?;
    }
    Ok(())
}

fn match_keys(db: &Connection, of: RecordRef) -> Result<Vec<String>> {
    let sql = "SELECT key FROM match_key WHERE object = ?1 AND system = ?2 AND id = ?3";
    let mut statement = db.prepare_cached(sql)?;
    statement.query_map(params![of.object.code(), of.system.code(), int(of.id.0)], |row| row.get(0))?.collect()
}

fn put_link(db: &Connection, link: &Link) -> Result<()> {
    // Not `INSERT OR REPLACE`: that would silently remove the link that holds one of the records already.
    let sql = "INSERT INTO link(id, object, hubspot, connectwise, state, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT(id) DO UPDATE SET object = excluded.object, hubspot = excluded.hubspot,
        connectwise = excluded.connectwise, state = excluded.state, body = excluded.body";
    db.prepare_cached(sql)?.execute(params![
        int(link.id.0),
        link.object.code(),
        int(link.hubspot.0),
        int(link.connectwise.0),
        link.state.code(),
        encode(link)?,
    ])?;
    Ok(())
}

fn put_intent(db: &Connection, intent: &Intent) -> Result<()> {
    let sql = "INSERT INTO intent(id, run, object, system, kind, state, source, target, body)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(id) DO UPDATE SET run = excluded.run,
        object = excluded.object, system = excluded.system, kind = excluded.kind, state = excluded.state,
        source = excluded.source, target = excluded.target, body = excluded.body";
    db.prepare_cached(sql)?.execute(params![
        int(intent.id.0),
        int(intent.run.0),
        intent.object.code(),
        intent.system.code(),
        intent.kind.code(),
        intent.state.code(),
        int(intent.source.0),
        record_int(intent.target),
        encode(intent)?,
    ])?;
    Ok(())
}

/// Only ever added to: history has no key but its order.
fn add_history(db: &Connection, entry: &HistoryEntry) -> Result<()> {
    let sql = "INSERT INTO history(run, intent, object, system, record, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
    let of = entry.record;
    db.prepare_cached(sql)?.execute(params![
        int(entry.run.0),
        int(entry.intent.0),
        of.object.code(),
        of.system.code(),
        int(of.id.0),
        encode(entry)?,
    ])?;
    Ok(())
}

fn put_issue(db: &Connection, issue: &Issue) -> Result<()> {
    // The body keeps the `first` of the newest report; the column keeps the true one and wins when read.
    let sql = "INSERT INTO issue(object, system, record, class, field, template, first, last, body)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET template = excluded.template,
        last = excluded.last, body = excluded.body";
    let of = issue.record;
    db.prepare_cached(sql)?.execute(params![
        of.object.code(),
        of.system.code(),
        int(of.id.0),
        issue.class.code(),
        field_text(issue.field.as_ref()),
        template(&issue.message),
        issue.first.0,
        issue.last.0,
        encode(issue)?,
    ])?;
    Ok(())
}

fn clear_issue(db: &Connection, record: RecordRef, class: IssueClass, field: Option<&FieldKey>) -> Result<()> {
    let sql = "DELETE FROM issue WHERE object = ?1 AND system = ?2 AND record = ?3 AND class = ?4 AND field = ?5";
    db.prepare_cached(sql)?.execute(params![
        record.object.code(),
        record.system.code(),
        int(record.id.0),
        class.code(),
        field_text(field),
    ])?;
    Ok(())
}

/// A key column cannot be null; no field key is empty.
pub(super) fn field_text(field: Option<&FieldKey>) -> &str {
    field.map_or("", FieldKey::as_str)
}

/// The message with quoted values and numbers left out: what issues of one cause have in common.
pub(super) fn template(message: &str) -> String {
    let mut template = String::with_capacity(message.len());
    let mut rest = message.chars().peekable();
    while let Some(c) = rest.next() {
        let closing = match c {
            '`' | '"' => Some(c),
            '“' => Some('”'),
            '‘' => Some('’'),
            _ => None,
        };
        if let Some(closing) = closing {
            template.push(c);
            template.push('…');
            rest.by_ref().find(|c| *c == closing);
            template.push(closing);
        } else if c.is_ascii_digit() {
            template.push('…');
            while rest.next_if(|c| c.is_ascii_digit() || *c == '.').is_some() {}
        } else {
            template.push(c);
        }
    }
    template
}

/// The mark keeps its age, unless it only waited for a day; reason and the moment of the next look are always the newest, so that a person's retry
/// can shorten a wait.
fn put_dirty(db: &Connection, dirty: &Dirty) -> Result<()> {
    let sql = "INSERT INTO dirty(object, system, record, reason, since, not_before) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT DO UPDATE SET reason = excluded.reason, not_before = excluded.not_before,
        since = CASE WHEN reason = ?7 THEN excluded.since ELSE min(since, excluded.since) END";
    let of = dirty.record;
    db.prepare_cached(sql)?.execute(params![
        of.object.code(),
        of.system.code(),
        int(of.id.0),
        dirty.reason.code(),
        dirty.since.0,
        dirty.not_before.0,
        DirtyReason::Day.code(),
    ])?;
    Ok(())
}

/// In one statement: a company may have thousands of contacts.
fn put_dirty_children(db: &Connection, object: ObjectKind, parent: RecordRef, since: Timestamp) -> Result<()> {
    let sql = "INSERT INTO dirty(object, system, record, reason, since, not_before)
        SELECT object, system, id, ?4, ?5, ?5 FROM match_key WHERE object = ?1 AND system = ?2 AND key = ?3
        ON CONFLICT DO UPDATE SET reason = excluded.reason, not_before = excluded.not_before,
        since = CASE WHEN reason = ?6 THEN excluded.since ELSE min(since, excluded.since) END";
    db.prepare_cached(sql)?.execute(params![
        object.code(),
        parent.system.code(),
        referring_key(parent.object, parent.id),
        DirtyReason::Parent.code(),
        since.0,
        DirtyReason::Day.code(),
    ])?;
    Ok(())
}

fn put_cursor(db: &Connection, cursor: &Cursor) -> Result<()> {
    let key = cursor.key;
    db.prepare_cached("INSERT OR REPLACE INTO cursor(system, object, feed, body) VALUES(?1, ?2, ?3, ?4)")?
        .execute(params![key.system.code(), key.object.code(), key.feed.code(), encode(cursor)?])?;
    Ok(())
}

fn put_run(db: &Connection, run: &Run) -> Result<()> {
    let held = matches!(run.verdict, Verdict::Held { .. });
    db.prepare_cached("INSERT OR REPLACE INTO run(id, held, body) VALUES(?1, ?2, ?3)")?.execute(params![
        int(run.id.0),
        held,
        encode(run)?
    ])?;
    Ok(())
}

fn put_status(db: &Connection, status: &Status) -> Result<()> {
    let anchor = status.anchor();
    let sql = "INSERT INTO status(object, system, anchor, hubspot, connectwise, link, name, fold, state, why, since,
        search) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT(object, system, anchor) DO UPDATE SET hubspot = excluded.hubspot,
        connectwise = excluded.connectwise, link = excluded.link, name = excluded.name, fold = excluded.fold,
        since = CASE WHEN state = excluded.state AND why = excluded.why THEN since ELSE excluded.since END,
        state = excluded.state, why = excluded.why, search = excluded.search";
    db.prepare_cached(sql)?.execute(params![
        status.object.code(),
        anchor.system.code(),
        int(anchor.id.0),
        record_int(status.hubspot),
        record_int(status.connectwise),
        status.link.map(|link| int(link.0)),
        status.name,
        fold(&status.name),
        status.state.code(),
        status.why,
        status.since.0,
        search_text(db, status)?,
    ])?;
    Ok(())
}

/// Name, ids and match keys of both records, a line each: what people type to find a record.
fn search_text(db: &Connection, status: &Status) -> Result<String> {
    let mut lines = vec![fold(&status.name)];
    for (system, id) in [(System::HubSpot, status.hubspot), (System::ConnectWise, status.connectwise)] {
        let Some(id) = id else { continue };
        lines.push(id.to_string());
        for key in match_keys(db, RecordRef::new(status.object, system, id))? {
            let value = key.split_once(':').map_or(key.as_str(), |(_, value)| value);
            lines.push(fold(value));
        }
    }
    lines.dedup();
    Ok(lines.join("\n"))
}

fn put_decision(db: &Connection, decision: &Decision) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO decision(link, field, body) VALUES(?1, ?2, ?3)")?.execute(params![
        int(decision.link.0),
        decision.field.as_str(),
        encode(decision)?
    ])?;
    Ok(())
}

fn clear_decision(db: &Connection, link: LinkId, field: &FieldKey) -> Result<()> {
    db.prepare_cached("DELETE FROM decision WHERE link = ?1 AND field = ?2")?
        .execute(params![int(link.0), field.as_str()])?;
    Ok(())
}

fn put_tenant(db: &Connection, system: System, tenant: &str) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO tenant(system, tenant) VALUES(?1, ?2)")?
        .execute(params![system.code(), tenant])?;
    Ok(())
}

fn put_exchange(db: &Connection, exchange: &Exchange) -> Result<()> {
    let of = exchange.record;
    db.prepare_cached("INSERT OR REPLACE INTO exchange(object, system, record, body) VALUES(?1, ?2, ?3, ?4)")?
        .execute(params![of.object.code(), of.system.code(), int(of.id.0), encode(exchange)?])?;
    Ok(())
}

fn put_approval(db: &Connection, plan: &str, used_by: Option<RunId>) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO approval(plan, used_by) VALUES(?1, ?2)")?
        .execute(params![plan, used_by.map(|run| int(run.0))])?;
    Ok(())
}

fn put_cover(db: &Connection, cover: Option<&Cover>) -> Result<()> {
    match cover {
        Some(cover) => db
            .prepare_cached("INSERT OR REPLACE INTO cover(one, body) VALUES(1, ?1)")?
            .execute(params![encode(cover)?])?,
        None => db.prepare_cached("DELETE FROM cover")?.execute([])?,
    };
    Ok(())
}

/// The first word stays: who paused it, and since when.
fn put_pause(db: &Connection, pause: &Pause) -> Result<()> {
    let Pause { scope, by, since, note } = pause;
    let sql = "INSERT OR IGNORE INTO pause(object, system, person, since, note) VALUES(?1, ?2, ?3, ?4, ?5)";
    let (object, system) = scope_codes(*scope);
    db.prepare_cached(sql)?.execute(params![object.unwrap_or(ANY), system.unwrap_or(ANY), by, since.0, note])?;
    Ok(())
}

fn clear_pauses(db: &Connection, scope: PauseScope) -> Result<()> {
    let sql = "DELETE FROM pause WHERE (?1 IS NULL OR object = ?1) AND (?2 IS NULL OR system = ?2)";
    let (object, system) = scope_codes(scope);
    db.prepare_cached(sql)?.execute(params![object, system])?;
    Ok(())
}

/// In the columns of a pause: every object, both systems. A key column cannot be null.
pub(super) const ANY: i64 = -1;

fn scope_codes(scope: PauseScope) -> (Option<i64>, Option<i64>) {
    (scope.object.map(|object| object.code()), scope.to.map(|system| system.code()))
}

/// Adds one to the number that tells readers that rows changed.
pub(super) fn next_revision(db: &Connection) -> Result<u64> {
    let sql = "UPDATE meta SET value = value + 1 WHERE key = 'revision' RETURNING value";
    db.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}

pub(super) fn tally(db: &Connection, what: i64, object: ObjectKind, part: i64) -> Result<u64> {
    let sql = "SELECT n FROM tally WHERE what = ?1 AND object = ?2 AND part = ?3";
    let n: Option<i64> =
        db.prepare_cached(sql)?.query_row(params![what, object.code(), part], |row| row.get(0)).optional()?;
    Ok(n.map_or(0, i64::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::template;

    #[test]
    fn messages_of_one_cause_have_one_template() {
        assert_eq!(template("`Gold` has no partner in `type`"), "`…` has no partner in `…`");
        assert_eq!(template("Company 12 is 3.5 too long: “x”"), "Company … is … too long: “…”");
        assert_eq!(template("an `open quote"), "an `…`");
    }
}
