//! What webhooks and call-backs told: each event once, until the engine has looked at the record, and a day longer.
//!
//! An aid and no truth: what has no room here is found by polling.

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use super::code::{Code, int, ref_at};
use super::error::StoreResult;
use crate::model::{RecordRef, Timestamp};

/// HubSpot repeats a delivery for 24 hours.
const KEPT: Duration = Duration::from_secs(25 * 3600);
/// Rows at most: a flood must not fill the disk.
const MOST: u64 = 100_000;
/// Records handed over at a start; the polls find the rest.
const HANDED: i64 = 10_000;

/// One event, and a record that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Names the event among all of its system: a hash.
    pub event: [u8; 32],
    pub record: RecordRef,
}

/// Takes in events, on a connection of its own: whatever the engine commits meanwhile.
#[derive(Debug)]
pub struct Inbox {
    db: Connection,
    rows: u64,
}

/// # Errors
/// When the store cannot be read or written; so for all methods.
impl Inbox {
    pub(super) fn new(db: Connection) -> StoreResult<Self> {
        // Nobody repeats what was lost with the power; the polls find it.
        db.pragma_update(None, "synchronous", "NORMAL")?;
        let rows = db.query_row("SELECT count(*) FROM inbox", [], |row| row.get::<_, i64>(0))?;
        Ok(Self { db, rows: rows.cast_unsigned() })
    }

    /// Keeps what is new of it, and that something was told; gives its records, sorted, each once. Beyond the limit no
    /// event is kept.
    pub fn put(&mut self, told: &[Told], now: Timestamp) -> StoreResult<Vec<RecordRef>> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (mut new, mut added) = (Vec::new(), 0);
        for Told { event, record } in told {
            if self.rows + added >= MOST {
                break;
            }
            let sql = "INSERT OR IGNORE INTO inbox(system, event, object, record, at, heard)
                VALUES(?1, ?2, ?3, ?4, ?5, 0)";
            let (system, object) = (record.system.code(), record.object.code());
            let values = params![system, event.as_slice(), object, int(record.id.0), now.0];
            if transaction.prepare_cached(sql)?.execute(values)? > 0 {
                added += 1;
                new.push(*record);
            }
        }
        let systems: BTreeSet<i64> = told.iter().map(|told| told.record.system.code()).collect();
        for system in systems {
            let sql = "INSERT OR REPLACE INTO told(system, at) VALUES(?1, ?2)";
            transaction.prepare_cached(sql)?.execute(params![system, now.0])?;
        }
        transaction.commit()?;
        self.rows += added;
        new.sort_unstable();
        new.dedup();
        Ok(new)
    }

    /// The records that nobody looked at yet, those told last first, as many as are worth handing over.
    pub fn waiting(&self) -> StoreResult<Vec<RecordRef>> {
        let sql = "SELECT object, system, record FROM inbox WHERE heard = 0
            GROUP BY object, system, record ORDER BY max(at) DESC LIMIT ?1";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map([HANDED], |row| ref_at(row, 0))?.collect::<rusqlite::Result<_>>()?)
    }

    /// Forgets what is old. What was told in the future was told before somebody set this machine's clock back.
    pub fn prune(&mut self, now: Timestamp) -> StoreResult<()> {
        let (before, after) = (now - KEPT, now + KEPT);
        self.db.execute("DELETE FROM inbox WHERE at < ?1 OR at > ?2", [before.0, after.0])?;
        let rows = self.db.query_row("SELECT count(*) FROM inbox", [], |row| row.get::<_, i64>(0))?;
        self.rows = rows.cast_unsigned();
        Ok(())
    }
}

/// The engine has looked at that record.
pub(super) fn heard(db: &Connection, record: RecordRef) -> rusqlite::Result<()> {
    let sql = "UPDATE inbox SET heard = 1 WHERE object = ?1 AND system = ?2 AND record = ?3 AND heard = 0";
    db.prepare_cached(sql)?.execute(params![record.object.code(), record.system.code(), int(record.id.0)])?;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::model::{ObjectKind, RecordId, System};
    use crate::store::connect::in_memory;
    use crate::store::migrations;

    fn inbox() -> Inbox {
        let mut db = in_memory().unwrap();
        migrations::apply(&mut db).unwrap();
        Inbox::new(db).unwrap()
    }

    const fn at(system: System, id: u64) -> RecordRef {
        RecordRef::new(ObjectKind::Company, system, RecordId(id))
    }

    const fn told(event: u8, record: RecordRef) -> Told {
        Told { event: [event; 32], record }
    }

    #[test]
    fn an_event_is_taken_in_once_and_its_record_waits_until_it_was_looked_at() {
        let (mut inbox, now) = (inbox(), Timestamp(1_000_000_000_000));
        let (one, two) = (at(System::HubSpot, 1), at(System::HubSpot, 2));
        let all = [told(1, two), told(1, one), told(2, one)];
        assert_eq!(inbox.put(&all, now).unwrap(), [one, two]);
        assert_eq!(inbox.put(&all, now).unwrap(), [], "it was delivered twice");
        assert_eq!(inbox.put(&[told(1, at(System::ConnectWise, 1))], now).unwrap(), [at(System::ConnectWise, 1)]);
        heard(&inbox.db, one).unwrap();
        assert_eq!(inbox.waiting().unwrap().len(), 2);
        assert_eq!(inbox.put(&all, now).unwrap(), [], "what was looked at is known all the same");
        assert_eq!(inbox.put(&[told(3, one)], now).unwrap(), [one]);
        assert!(inbox.waiting().unwrap().contains(&one));
    }

    #[test]
    fn what_is_older_than_hubspot_repeats_is_forgotten_and_what_is_from_the_future() {
        let (mut inbox, now) = (inbox(), Timestamp(1_000_000_000_000));
        for (event, hours) in [(1, 0), (2, 24), (3, 26)] {
            let at_that_time = now - Duration::from_secs(hours * 3600);
            inbox.put(&[told(event, at(System::HubSpot, 1))], at_that_time).unwrap();
        }
        inbox.put(&[told(4, at(System::HubSpot, 1))], now + Duration::from_secs(26 * 3600)).unwrap();
        inbox.prune(now).unwrap();
        assert_eq!((inbox.waiting().unwrap().len(), inbox.rows), (1, 2));
    }

    #[test]
    fn a_flood_does_not_fill_the_disk() {
        let (mut inbox, now) = (inbox(), Timestamp(1_000_000_000_000));
        inbox.rows = MOST - 1;
        let all = [told(1, at(System::HubSpot, 1)), told(2, at(System::HubSpot, 2))];
        assert_eq!(inbox.put(&all, now).unwrap(), [at(System::HubSpot, 1)]);
        assert_eq!(inbox.put(&[told(3, at(System::HubSpot, 3))], now).unwrap(), []);
    }
}
