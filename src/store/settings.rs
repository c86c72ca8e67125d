//! What people set up: configuration versions, connections with their secrets, and the schemas read from both systems.
//!
//! Rare, small changes with a connection of their own, so that they work whether or not an engine is running.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use secrecy::{ExposeSecret, SecretString};

use super::code::{Code, body_at, code_at, encode, time_at};
use super::error::{StoreError, StoreResult};
use super::rows::{ConfigInfo, ConfigRow, ConfigState, ConnectionRow, DriftRow};
use crate::model::{Checkup, ConfigVersion, ObjectKind, Schema, SchemaChange, System, Timestamp, drift};

/// Reads and changes the settings of one workspace.
#[derive(Debug)]
pub struct Settings {
    db: Connection,
}

impl Code for ConfigState {
    fn code(&self) -> i64 {
        match self {
            Self::Draft => 0,
            Self::Tested => 1,
            Self::Deployed => 2,
            Self::Retired => 3,
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        [Self::Draft, Self::Tested, Self::Deployed, Self::Retired].into_iter().find(|state| state.code() == code)
    }
}

/// Readings with changes that are remembered.
const DRIFT_KEPT: i64 = 1000;

const INFO: &str = "version, state, note, author, created";

/// # Errors
/// When the store cannot be read or written; so for all methods.
impl Settings {
    pub(super) const fn new(db: Connection) -> Self {
        Self { db }
    }

    /// Keeps `text` as the draft: in place of the draft there is, else as a new version. A tested draft that is
    /// changed has to be tested again.
    pub fn save_draft(&mut self, text: &str, author: &str, note: &str, now: Timestamp) -> StoreResult<ConfigVersion> {
        self.change(|db| {
            let draft: Option<u32> =
                db.query_row("SELECT version FROM config WHERE state IN (0, 1)", [], |row| row.get(0)).optional()?;
            let next = "SELECT coalesce(max(version), 0) + 1 FROM config";
            let version = draft.map_or_else(|| db.query_row(next, [], |row| row.get(0)), Ok)?;
            db.execute(
                "INSERT OR REPLACE INTO config(version, state, body, note, author, created)
                VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                params![version, ConfigState::Draft.code(), text, note, author, now.0],
            )?;
            Ok(ConfigVersion(version))
        })
    }

    /// Marks the draft as tested.
    ///
    /// # Errors
    /// `NoDraft` when there is none.
    pub fn mark_tested(&mut self) -> StoreResult<()> {
        self.change(|db| match db.execute("UPDATE config SET state = 1 WHERE state IN (0, 1)", [])? {
            0 => Err(StoreError::NoDraft),
            _ => Ok(()),
        })
    }

    /// Makes the draft the version that drives the engine; the one before it retires.
    ///
    /// # Errors
    /// `NoDraft` when there is none.
    pub fn deploy_draft(&mut self) -> StoreResult<ConfigVersion> {
        self.change(|db| {
            db.execute("UPDATE config SET state = 3 WHERE state = 2", [])?;
            let sql = "UPDATE config SET state = 2 WHERE state IN (0, 1) RETURNING version";
            let version: Option<u32> = db.query_row(sql, [], |row| row.get(0)).optional()?;
            version.map(ConfigVersion).ok_or(StoreError::NoDraft)
        })
    }

    /// Throws the draft away; whether there was one.
    pub fn discard_draft(&mut self) -> StoreResult<bool> {
        self.change(|db| Ok(db.execute("DELETE FROM config WHERE state IN (0, 1)", [])? > 0))
    }

    /// The draft, tested or not.
    pub fn draft(&self) -> StoreResult<Option<ConfigRow>> {
        self.config("state IN (0, 1)", [])
    }

    /// The version that drives the engine.
    pub fn deployed(&self) -> StoreResult<Option<ConfigRow>> {
        self.config("state = 2", [])
    }

    pub fn version(&self, version: ConfigVersion) -> StoreResult<Option<ConfigRow>> {
        self.config("version = ?1", [version.0])
    }

    /// All versions, newest first.
    pub fn history(&self) -> StoreResult<Vec<ConfigInfo>> {
        let mut statement = self.db.prepare_cached(&format!("SELECT {INFO} FROM config ORDER BY version DESC"))?;
        Ok(statement.query_map([], info_at)?.collect::<rusqlite::Result<_>>()?)
    }

    pub fn put_connection(&mut self, connection: &ConnectionRow) -> StoreResult<()> {
        let ConnectionRow { system, settings, secret } = connection;
        self.change(|db| {
            db.execute(
                "INSERT OR REPLACE INTO connection(system, settings, secret) VALUES(?1, ?2, ?3)",
                params![system.code(), settings, secret.expose_secret()],
            )?;
            Ok(())
        })
    }

    pub fn connection(&self, system: System) -> StoreResult<Option<ConnectionRow>> {
        let sql = "SELECT settings, secret FROM connection WHERE system = ?1";
        let read = |row: &Row<'_>| {
            let secret = SecretString::from(row.get::<_, String>(1)?);
            Ok(ConnectionRow { system, settings: row.get(0)?, secret })
        };
        Ok(self.db.prepare_cached(sql)?.query_row([system.code()], read).optional()?)
    }

    /// Forgets address and secret of a system; whether there were any.
    pub fn remove_connection(&mut self, system: System) -> StoreResult<bool> {
        self.change(|db| Ok(db.execute("DELETE FROM connection WHERE system = ?1", [system.code()])? > 0))
    }

    /// Keeps the secret by which a system signs its webhooks, in place of the one there was.
    pub fn put_webhook_secret(&mut self, system: System, secret: &SecretString) -> StoreResult<()> {
        self.change(|db| {
            let sql = "INSERT OR REPLACE INTO webhook(system, secret) VALUES(?1, ?2)";
            db.execute(sql, params![system.code(), secret.expose_secret()])?;
            Ok(())
        })
    }

    /// The secret by which a system signs its webhooks.
    pub fn webhook_secret(&self, system: System) -> StoreResult<Option<SecretString>> {
        let sql = "SELECT secret FROM webhook WHERE system = ?1";
        let read = |row: &Row<'_>| Ok(SecretString::from(row.get::<_, String>(0)?));
        Ok(self.db.prepare_cached(sql)?.query_row([system.code()], read).optional()?)
    }

    /// Keeps what a system said its fields are, and in the log what changed since it last said so. Returns the changes;
    /// none on the first reading.
    pub fn put_schema(&mut self, schema: &Schema, read_at: Timestamp) -> StoreResult<Vec<SchemaChange>> {
        let known = self.schema(schema.system, schema.object)?;
        let changes = known.map_or_else(Vec::new, |(known, _)| drift::compare(&known, schema));
        let (system, object) = (schema.system.code(), schema.object.code());
        self.change(|db| {
            db.execute(
                "INSERT OR REPLACE INTO schema_cache(system, object, read_at, body) VALUES(?1, ?2, ?3, ?4)",
                params![system, object, read_at.0, encode(schema)?],
            )?;
            if !changes.is_empty() {
                let sql = "INSERT INTO drift(system, object, at, body) VALUES(?1, ?2, ?3, ?4)";
                db.execute(sql, params![system, object, read_at.0, encode(&changes)?])?;
                db.execute(
                    "DELETE FROM drift WHERE id <= (SELECT id FROM drift ORDER BY id DESC LIMIT 1 OFFSET ?1)",
                    [DRIFT_KEPT],
                )?;
            }
            Ok(())
        })?;
        Ok(changes)
    }

    /// What changed in the schemas after that moment, newest reading first.
    pub fn drift(&self, after: Timestamp) -> StoreResult<Vec<DriftRow>> {
        let sql = "SELECT system, object, at, body FROM drift WHERE at > ?1 ORDER BY id DESC";
        let read = |row: &Row<'_>| {
            Ok(DriftRow {
                system: code_at(row, 0)?,
                object: code_at(row, 1)?,
                at: time_at(row, 2)?,
                changes: body_at(row, 3)?,
            })
        };
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map([after.0], read)?.collect::<rusqlite::Result<_>>()?)
    }

    /// The fields of an object as last read, and when that was.
    pub fn schema(&self, system: System, object: ObjectKind) -> StoreResult<Option<(Schema, Timestamp)>> {
        let sql = "SELECT body, read_at FROM schema_cache WHERE system = ?1 AND object = ?2";
        let read = |row: &Row<'_>| Ok((body_at(row, 0)?, time_at(row, 1)?));
        Ok(self.db.prepare_cached(sql)?.query_row([system.code(), object.code()], read).optional()?)
    }

    /// Keeps what the doctor saw, in place of what it saw before.
    pub fn put_checkup(&mut self, checkup: &Checkup) -> StoreResult<()> {
        self.change(|db| {
            db.execute("INSERT OR REPLACE INTO checkup(one, body) VALUES(1, ?1)", params![encode(checkup)?])?;
            Ok(())
        })
    }

    /// What the doctor saw when it looked last.
    pub fn checkup(&self) -> StoreResult<Option<Checkup>> {
        let sql = "SELECT body FROM checkup";
        Ok(self.db.prepare_cached(sql)?.query_row([], |row| body_at(row, 0)).optional()?)
    }

    /// Forgets who a system is, so that the next answer decides: for a workspace that moves to another tenant.
    pub fn forget_tenant(&mut self, system: System) -> StoreResult<bool> {
        self.change(|db| Ok(db.execute("DELETE FROM tenant WHERE system = ?1", [system.code()])? > 0))
    }

    fn config(&self, condition: &str, params: impl rusqlite::Params) -> StoreResult<Option<ConfigRow>> {
        let sql = format!("SELECT {INFO}, body FROM config WHERE {condition}");
        let read = |row: &Row<'_>| Ok(ConfigRow { info: info_at(row)?, body: row.get(5)? });
        Ok(self.db.prepare_cached(&sql)?.query_row(params, read).optional()?)
    }

    /// All or nothing, and readers are told that something changed.
    fn change<T>(&mut self, work: impl FnOnce(&Connection) -> StoreResult<T>) -> StoreResult<T> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        super::apply::next_revision(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

fn info_at(row: &Row<'_>) -> rusqlite::Result<ConfigInfo> {
    Ok(ConfigInfo {
        version: ConfigVersion(row.get(0)?),
        state: code_at(row, 1)?,
        note: row.get(2)?,
        author: row.get(3)?,
        created: time_at(row, 4)?,
    })
}
