//! What people set up: connections with their secrets, and the schemas read from both systems. Versions of the
//! configuration are in `versions.rs`.
//!
//! Rare, small changes with a connection of their own, so that they work whether or not an engine is running.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use secrecy::{ExposeSecret, SecretString};

use super::code::{Code, body_at, code_at, encode, time_at};
use super::error::{StoreError, StoreResult};
use super::rows::{ConnectionRow, DriftRow};
use crate::model::{BySystem, Callbacks, Checkup, Hearing, ObjectKind, Schema, SchemaChange, System, Timestamp, drift};

/// Reads and changes the settings of one workspace.
#[derive(Debug)]
pub struct Settings {
    pub(super) db: Connection,
}

/// Readings with changes that are remembered.
const DRIFT_KEPT: i64 = 1000;

/// # Errors
/// When the store cannot be read or written; so for all methods.
impl Settings {
    pub(super) const fn new(db: Connection) -> Self {
        Self { db }
    }

    #[cfg(test)]
    pub(super) fn into_connection(self) -> Connection {
        self.db
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
            Ok::<_, StoreError>(())
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

    /// Keeps how ConnectWise's call-backs stand.
    pub fn put_callbacks(&mut self, callbacks: &Callbacks) -> StoreResult<()> {
        self.change(|db| {
            db.execute("INSERT OR REPLACE INTO callbacks(one, body) VALUES(1, ?1)", params![encode(callbacks)?])?;
            Ok(())
        })
    }

    /// How they stood when they were last looked at; none where none were ever made.
    pub fn callbacks(&self) -> StoreResult<Option<Callbacks>> {
        let sql = "SELECT body FROM callbacks";
        Ok(self.db.prepare_cached(sql)?.query_row([], |row| body_at(row, 0)).optional()?)
    }

    /// There are none any more.
    pub fn forget_callbacks(&mut self) -> StoreResult<()> {
        self.change(|db| {
            db.execute("DELETE FROM callbacks", [])?;
            Ok(())
        })
    }

    /// What is known of being told of changes.
    pub fn hearing(&self) -> StoreResult<Hearing> {
        let last = |system: System| {
            let sql = "SELECT at FROM told WHERE system = ?1";
            self.db.prepare_cached(sql)?.query_row([system.code()], |row| time_at(row, 0)).optional()
        };
        let last = BySystem::new(last(System::HubSpot)?, last(System::ConnectWise)?);
        Ok(Hearing { callbacks: self.callbacks()?, last })
    }

    /// Forgets who a system is, so that the next answer decides: for a workspace that moves to another tenant.
    pub fn forget_tenant(&mut self, system: System) -> StoreResult<bool> {
        self.change(|db| Ok(db.execute("DELETE FROM tenant WHERE system = ?1", [system.code()])? > 0))
    }

    /// All or nothing, and readers are told that something changed.
    pub(super) fn change<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let begin = |error: rusqlite::Error| E::from(StoreError::from(error));
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(begin)?;
        let result = work(&transaction)?;
        super::apply::next_revision(&transaction).map_err(|error| E::from(error.into()))?;
        transaction.commit().map_err(|error| E::from(StoreError::from(error)))?;
        Ok(result)
    }
}
