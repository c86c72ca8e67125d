//! The tables, and every step that led to them. Forward only; a released step is never edited.

use std::sync::LazyLock;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::error::{StoreError, StoreResult};

/// Marks a file as ours, in SQLite's header: "LOCK".
pub(super) const APPLICATION_ID: i32 = 0x4c4f_434b;

const STEPS: &[&str] = &[FIRST, DRIFT, CHECKUP, PAUSE, INBOX, EDITS, CALLBACKS, PAIRS, COVER, TESTED, PARTNERS];

static MIGRATIONS: LazyLock<Migrations<'static>> =
    LazyLock::new(|| Migrations::new(STEPS.iter().map(|step| M::up(step)).collect()));

/// The format that this program writes.
pub(super) fn latest() -> i64 {
    STEPS.len() as i64
}

/// The format of an opened file.
pub(super) fn current(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings the tables up to date.
///
/// # Errors
/// `Newer` when a later program made them.
pub(super) fn apply(connection: &mut Connection) -> StoreResult<()> {
    let found = current(connection)?;
    if found > latest() {
        return Err(StoreError::Newer { found, known: latest() });
    }
    if found < latest() {
        MIGRATIONS.to_latest(connection)?;
    }
    Ok(())
}

/// Columns hold what is looked up, filtered or sorted by; `body` is the whole row (see `code`).
/// Tables with large bodies have row numbers: without them each body would be part of every inner page of its tree.
/// `tally` is kept by triggers: counting a million encrypted rows takes a second, reading a tally nothing.
const FIRST: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('revision', 0);

CREATE TABLE tally(what INTEGER NOT NULL, object INTEGER NOT NULL, part INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY(what, object, part)) WITHOUT ROWID;

CREATE TABLE observation(object INTEGER NOT NULL, system INTEGER NOT NULL, id INTEGER NOT NULL,
    live INTEGER NOT NULL, gone INTEGER NOT NULL, seen INTEGER NOT NULL, stamp TEXT, body BLOB NOT NULL,
    PRIMARY KEY(object, system, id));
CREATE INDEX observation_stamp ON observation(object, system, stamp, id) WHERE stamp IS NOT NULL AND gone = 0;
CREATE TRIGGER observation_added AFTER INSERT ON observation BEGIN
    INSERT INTO tally VALUES(2 + new.live, new.object, new.system, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER observation_moved AFTER UPDATE OF live ON observation WHEN old.live <> new.live BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 2 + old.live AND object = old.object AND part = old.system;
    INSERT INTO tally VALUES(2 + new.live, new.object, new.system, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TABLE match_key(object INTEGER NOT NULL, system INTEGER NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY(object, system, key, id)) WITHOUT ROWID;
CREATE INDEX match_key_record ON match_key(object, system, id);

CREATE TABLE link(id INTEGER PRIMARY KEY, object INTEGER NOT NULL, hubspot INTEGER NOT NULL,
    connectwise INTEGER NOT NULL, state INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE(object, hubspot), UNIQUE(object, connectwise));
CREATE TRIGGER link_added AFTER INSERT ON link BEGIN
    INSERT INTO tally VALUES(1, new.object, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER link_moved AFTER UPDATE OF object, state ON link
WHEN old.object <> new.object OR old.state <> new.state BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 1 AND object = old.object AND part = old.state;
    INSERT INTO tally VALUES(1, new.object, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TABLE intent(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, object INTEGER NOT NULL, system INTEGER NOT NULL,
    kind INTEGER NOT NULL, state INTEGER NOT NULL, source INTEGER NOT NULL, target INTEGER, body BLOB NOT NULL);
CREATE INDEX intent_open ON intent(id) WHERE state IN (0, 1);
CREATE INDEX intent_source ON intent(object, system, source, kind, id);
CREATE INDEX intent_target ON intent(object, system, target, id) WHERE target IS NOT NULL;
CREATE INDEX intent_run ON intent(run, id);

CREATE TABLE history(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, intent INTEGER NOT NULL, object INTEGER NOT NULL,
    system INTEGER NOT NULL, record INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX history_run ON history(run, id);
CREATE INDEX history_record ON history(object, system, record, id);

CREATE TABLE issue(object INTEGER NOT NULL, system INTEGER NOT NULL, record INTEGER NOT NULL, class INTEGER NOT NULL,
    field TEXT NOT NULL, template TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY(object, system, record, class, field)) WITHOUT ROWID;
CREATE INDEX issue_first ON issue(first, object, system, record, class, field);
CREATE INDEX issue_group ON issue(class, template, first, object, system, record, field, last);

CREATE TABLE dirty(object INTEGER NOT NULL, system INTEGER NOT NULL, record INTEGER NOT NULL,
    reason INTEGER NOT NULL, since INTEGER NOT NULL, not_before INTEGER NOT NULL,
    PRIMARY KEY(object, system, record)) WITHOUT ROWID;
CREATE INDEX dirty_due ON dirty(not_before);
CREATE INDEX dirty_since ON dirty(system, since);

CREATE TABLE cursor(system INTEGER NOT NULL, object INTEGER NOT NULL, feed INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY(system, object, feed)) WITHOUT ROWID;

CREATE TABLE run(id INTEGER PRIMARY KEY, held INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX run_held ON run(id) WHERE held;

CREATE TABLE status(row INTEGER PRIMARY KEY, object INTEGER NOT NULL, system INTEGER NOT NULL,
    anchor INTEGER NOT NULL, hubspot INTEGER, connectwise INTEGER, link INTEGER, name TEXT NOT NULL,
    fold TEXT NOT NULL, state INTEGER NOT NULL, why TEXT NOT NULL, since INTEGER NOT NULL, search TEXT NOT NULL,
    UNIQUE(object, system, anchor));
CREATE INDEX status_name ON status(object, fold, system, anchor, search);
CREATE INDEX status_state ON status(object, state, fold, system, anchor, search);
CREATE TRIGGER status_added AFTER INSERT ON status BEGIN
    INSERT INTO tally VALUES(0, new.object, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER status_moved AFTER UPDATE OF state ON status WHEN old.state <> new.state BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 0 AND object = old.object AND part = old.state;
    INSERT INTO tally VALUES(0, new.object, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER status_removed AFTER DELETE ON status BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 0 AND object = old.object AND part = old.state;
END;

CREATE TABLE decision(link INTEGER NOT NULL, field TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY(link, field)) WITHOUT ROWID;
CREATE TABLE tenant(system INTEGER PRIMARY KEY, tenant TEXT NOT NULL);
CREATE TABLE exchange(object INTEGER NOT NULL, system INTEGER NOT NULL, record INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY(object, system, record));
CREATE TABLE approval(plan TEXT PRIMARY KEY, used_by INTEGER) WITHOUT ROWID;

CREATE TABLE config(version INTEGER PRIMARY KEY, state INTEGER NOT NULL, body TEXT NOT NULL, note TEXT NOT NULL,
    author TEXT NOT NULL, created INTEGER NOT NULL);
CREATE UNIQUE INDEX config_one_draft ON config((1)) WHERE state IN (0, 1);
CREATE UNIQUE INDEX config_one_deployed ON config((1)) WHERE state = 2;
CREATE TABLE connection(system INTEGER PRIMARY KEY, settings TEXT NOT NULL, secret TEXT NOT NULL);
CREATE TABLE schema_cache(system INTEGER NOT NULL, object INTEGER NOT NULL, read_at INTEGER NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY(system, object));
CREATE TABLE lease(one INTEGER PRIMARY KEY CHECK(one = 1), holder TEXT NOT NULL, started INTEGER NOT NULL);
";

/// What changed in the systems' schemas, reading by reading.
const DRIFT: &str = "
CREATE TABLE drift(id INTEGER PRIMARY KEY, system INTEGER NOT NULL, object INTEGER NOT NULL, at INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX drift_at ON drift(at);
";

/// What the doctor saw when it looked last.
const CHECKUP: &str = "
CREATE TABLE checkup(one INTEGER PRIMARY KEY CHECK(one = 1), body BLOB NOT NULL);
";

/// What people paused; -1 stands for every object, and for both systems.
const PAUSE: &str = "
CREATE TABLE pause(object INTEGER NOT NULL, system INTEGER NOT NULL, person TEXT NOT NULL, since INTEGER NOT NULL,
    note TEXT, PRIMARY KEY(object, system)) WITHOUT ROWID;
";

/// What webhooks and call-backs told, each event once, and the secrets that sign HubSpot's.
const INBOX: &str = "
CREATE TABLE inbox(system INTEGER NOT NULL, event BLOB NOT NULL, object INTEGER NOT NULL, record INTEGER NOT NULL,
    at INTEGER NOT NULL, heard INTEGER NOT NULL, PRIMARY KEY(system, event, object, record)) WITHOUT ROWID;
CREATE INDEX inbox_at ON inbox(at);
CREATE INDEX inbox_waiting ON inbox(object, system, record) WHERE heard = 0;
CREATE TABLE webhook(system INTEGER PRIMARY KEY, secret TEXT NOT NULL);
";

/// Which state of a draft somebody has seen, who deployed a version and when, and the drafts that others took the place of.
const EDITS: &str = "
ALTER TABLE config ADD COLUMN edit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE config ADD COLUMN deployed_at INTEGER;
ALTER TABLE config ADD COLUMN deployed_by TEXT;
UPDATE config SET edit = version;
INSERT INTO meta SELECT 'edit', coalesce(max(version), 0) FROM config;
CREATE TABLE config_edit(edit INTEGER PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL, note TEXT NOT NULL,
    author TEXT NOT NULL, created INTEGER NOT NULL, ended INTEGER NOT NULL, ended_by TEXT NOT NULL, made_of INTEGER);
";

/// How ConnectWise's call-backs stand, and when each system last told of something.
const CALLBACKS: &str = "
CREATE TABLE callbacks(one INTEGER PRIMARY KEY CHECK(one = 1), body BLOB NOT NULL);
CREATE TABLE told(system INTEGER PRIMARY KEY, at INTEGER NOT NULL);
";

/// Which records have a partner, without reading the links themselves, whose bodies are large.
const PAIRS: &str = "
CREATE INDEX link_pairs ON link(object, hubspot, connectwise) WHERE state = 0;
";

/// What approved plans cover that are being carried out.
const COVER: &str = "
CREATE TABLE cover(one INTEGER PRIMARY KEY CHECK(one = 1), body BLOB NOT NULL);
";

/// Who had a draft tested last, and when.
const TESTED: &str = "
ALTER TABLE config ADD COLUMN tested_at INTEGER;
ALTER TABLE config ADD COLUMN tested_by TEXT;
";

/// The partner of a ConnectWise record, without reading the link itself.
const PARTNERS: &str = "
CREATE INDEX link_partners ON link(object, connectwise, hubspot);
";

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::engine::core::state::{Intent, Run};
    use crate::model::{RunId, Timestamp};
    use crate::store::Base;
    use crate::store::code::body_at;
    use crate::store::connect::{in_memory, ready_cipher};

    /// A run as it was stored before its numbers were told apart by object.
    const OLD_RUN: &str = r#"{"id":7,"kind":"poll","started":1,"ended":2,"config":1,"counts":{"sides":{"hubspot":
        {"created":12,"updated":0,"stamped":0,"cleared":0,"calls":9},"connectwise":{"created":0,"updated":0,"stamped":0,
        "cleared":0,"calls":9}},"pulled":0,"linked":0,"unchanged":0,"excluded":0,"waiting":0,"held":3,"failed":0},
        "verdict":"done"}"#;

    /// A write as it was stored before it told what its system made of the values.
    const OLD_WRITE: &str = r#"{"id":9,"run":7,"object":"company","system":"connectwise","kind":"update","source":1,
        "target":2,"link":3,"writes":[{"key":"city~city","field":"city","before":{"text":"Ulm"},"after":{"text":"Bonn"},
        "source":{"text":"Bonn"},"loser":null,"why":"changed"}],"stamp":null,"state":"applied","attempt":1,"sent":1,
        "touched":1,"outcome":"confirmed"}"#;

    #[test]
    fn the_steps_are_valid_sql_from_the_first_to_the_last() {
        ready_cipher().unwrap();
        MIGRATIONS.validate().unwrap();
    }

    #[test]
    fn applying_twice_changes_nothing() {
        let mut connection = in_memory().unwrap();
        apply(&mut connection).unwrap();
        apply(&mut connection).unwrap();
        assert_eq!(current(&connection).unwrap(), latest());
    }

    #[test]
    fn a_newer_file_is_refused() {
        let mut connection = in_memory().unwrap();
        connection.pragma_update(None, "user_version", latest() + 1).unwrap();
        let error = apply(&mut connection).unwrap_err();
        assert_eq!(error, StoreError::Newer { found: latest() + 1, known: latest() });
    }

    #[test]
    fn a_file_of_every_older_format_is_brought_up_to_date_with_what_it_holds() {
        for format in 1..STEPS.len() {
            let mut connection = in_memory().unwrap();
            MIGRATIONS.to_version(&mut connection, format).unwrap();
            connection.execute("INSERT INTO tenant VALUES(0, 'portal')", []).unwrap();
            connection.execute("INSERT INTO run VALUES(7, 0, ?1)", [OLD_RUN.as_bytes()]).unwrap();
            let config = "INSERT INTO config(version, state, body, note, author, created)
                VALUES(1, 3, 'a = 1', 'first', 'ann', 5), (2, 2, 'a = 2', '', 'bob', 6), (3, 0, 'a = 3', '', 'ann', 7)";
            connection.execute(config, []).unwrap();
            if STEPS.iter().take(format).any(|step| *step == EDITS) {
                // whoever writes that format numbers the states of a draft
                let numbered = "UPDATE config SET edit = version; UPDATE meta SET value = 3 WHERE key = 'edit'";
                connection.execute_batch(numbered).unwrap();
            }
            let write = "INSERT INTO intent VALUES(9, 7, 0, 1, 1, 2, 1, 2, ?1)";
            connection.execute(write, [OLD_WRITE.as_bytes()]).unwrap();
            apply(&mut connection).unwrap();
            assert_eq!(current(&connection).unwrap(), latest(), "from {format}");
            let write: Intent = connection.query_row("SELECT body FROM intent", [], |row| body_at(row, 0)).unwrap();
            assert_eq!((write.writes[0].before.to_plain(), write.shown.len()), ("Ulm".to_owned(), 0), "from {format}");
            let tenant: String = connection.query_row("SELECT tenant FROM tenant", [], |row| row.get(0)).unwrap();
            assert_eq!(tenant, "portal");
            let run: Run = connection.query_row("SELECT body FROM run", [], |row| body_at(row, 0)).unwrap();
            assert_eq!((run.id, run.counts.total().sides.hubspot.created), (RunId(7), 12), "from {format}");
            let settings = crate::store::Settings::new(connection);
            let history = settings.history().unwrap();
            let known: Vec<_> = history.iter().map(|info| (info.version.0, info.edit, info.author.as_str())).collect();
            assert_eq!(known, [(3, 3, "ann"), (2, 2, "bob"), (1, 1, "ann")], "from {format}");
            assert!(history.iter().all(|info| info.deployed.is_none()), "nobody kept who deployed it");
            let mut settings = settings;
            let saved = settings.save_draft("a = 4", "eve", "", Base::Edit(3), Timestamp(8)).unwrap();
            assert_eq!((saved.version.0, saved.edit), (3, 4), "from {format}");
            let connection = settings.into_connection();
            let drift: i64 = connection.query_row("SELECT count(*) FROM drift", [], |row| row.get(0)).unwrap();
            assert_eq!(drift, 0);
        }
    }
}
