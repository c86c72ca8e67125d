//! The one thread that commits the engine's rows: batches that wait together share a transaction.

use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::apply;
use super::error::{StoreError, StoreResult};
use super::lease;
use crate::engine::core::command::{Batch, Durability};

/// Batches that share a transaction at most; also how many may wait before committers do.
const GROUP: usize = 256;

/// What a commit leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitInfo {
    /// Grows with every transaction of the workspace, over all processes.
    pub revision: u64,
}

/// The way to the writing thread; cheap to clone. The thread ends, and the file is closed, with the last clone.
#[derive(Debug, Clone)]
pub struct Writer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // None only while being dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

struct Job {
    batch: Batch,
    reply: oneshot::Sender<StoreResult<CommitInfo>>,
}

impl Writer {
    /// `holder`: commits only while the lease's row names it.
    pub(super) fn start(connection: Connection, holder: Option<String>) -> StoreResult<Self> {
        let (jobs, queue) = mpsc::channel(GROUP);
        let mut session = Session { connection, holder, durability: Durability::Power };
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || session.run(queue))
            .map_err(|error| StoreError::Io { what: "starting the writer".to_owned(), detail: error.to_string() })?;
        Ok(Self(Arc::new(Inner { jobs: Some(jobs), thread: Some(thread) })))
    }

    /// Commits all rows of the batch, or none. Done means: visible to every reader, and as durable as was asked.
    ///
    /// # Errors
    /// When the rows could not be committed; none of them is kept then.
    pub async fn commit(&self, batch: Batch) -> StoreResult<CommitInfo> {
        let (reply, answer) = oneshot::channel();
        self.jobs()?.send(Job { batch, reply }).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// [`Writer::commit`] for threads without a runtime.
    ///
    /// # Errors
    /// As for [`Writer::commit`].
    ///
    /// # Panics
    /// When called from a thread that runs asynchronous tasks.
    pub fn commit_blocking(&self, batch: Batch) -> StoreResult<CommitInfo> {
        let (reply, answer) = oneshot::channel();
        self.jobs()?.blocking_send(Job { batch, reply }).map_err(|_| StoreError::Closed)?;
        answer.blocking_recv().map_err(|_| StoreError::Closed)?
    }

    fn jobs(&self) -> StoreResult<&mpsc::Sender<Job>> {
        self.0.jobs.as_ref().ok_or(StoreError::Closed)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported there; all who waited got `Closed`.
            drop(thread.join());
        }
    }
}

/// The state of the writing thread.
struct Session {
    connection: Connection,
    holder: Option<String>,
    durability: Durability,
}

impl Session {
    fn run(&mut self, mut queue: mpsc::Receiver<Job>) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.blocking_recv_many(&mut group, GROUP) > 0 {
            self.commit_group(&mut group);
        }
    }

    /// One transaction for all; when it fails, one for each, so that a bad batch harms nobody else.
    fn commit_group(&mut self, group: &mut Vec<Job>) {
        let batches: Vec<&Batch> = group.iter().map(|job| &job.batch).collect();
        let together = self.transact(&batches);
        let alone = group.len() == 1;
        for job in group.drain(..) {
            let result = if together.is_ok() || alone { together.clone() } else { self.transact(&[&job.batch]) };
            // Nobody has to wait for the answer.
            drop(job.reply.send(result));
        }
    }

    fn transact(&mut self, batches: &[&Batch]) -> StoreResult<CommitInfo> {
        self.set_durability(batches.iter().map(|batch| batch.durability).max().unwrap_or_default())?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(holder) = &self.holder {
            // The lock says the same, unless somebody removed its file, or the disk knows no locks.
            match lease::holder(&transaction)? {
                Some(now) if now == *holder => {}
                now => return Err(StoreError::TakenOver { by: now }),
            }
        }
        for row in batches.iter().flat_map(|batch| &batch.rows) {
            apply::apply(&transaction, row)?;
        }
        let revision = apply::next_revision(&transaction)?;
        transaction.commit()?;
        Ok(CommitInfo { revision })
    }

    fn set_durability(&mut self, wanted: Durability) -> StoreResult<()> {
        if wanted != self.durability {
            let level = match wanted {
                Durability::Power => "FULL",
                Durability::Process => "NORMAL",
            };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durability = wanted;
        }
        Ok(())
    }
}
