//! A store in memory that fails: its n-th call, whether a look-up or a commit, or every call from the n-th on.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use lockstep::engine::core::command::Batch;
use lockstep::engine::core::state::{
    Cover, Cursor, CursorKey, Decision, Dirty, Intent, Issue, Link, Observation, RecordState, Run, Status,
};
use lockstep::engine::core::view::{HighWater, View, ViewError, ViewResult};
use lockstep::model::{IntentId, LinkId, ObjectKind, Pauses, RecordId, RecordRef, RunId, System, Timestamp};

use crate::keeper::{Keeper, Look};
use crate::store::MemoryStore;

/// What the failing calls say.
pub const WORDS: &str = "the disk is full; nothing of this change was kept";

/// The calls of a store, and which of them fail.
#[derive(Debug)]
pub struct Calls {
    pub counted: Cell<u64>,
    pub failed: Cell<u64>,
    /// From 1; nothing fails at 0.
    at: u64,
    always: bool,
    healed: Cell<bool>,
}

impl Calls {
    pub fn new(at: u64, always: bool) -> Rc<Self> {
        Rc::new(Self { counted: Cell::new(0), failed: Cell::new(0), at, always, healed: Cell::new(false) })
    }

    fn call(&self) -> Result<(), String> {
        if self.healed.get() {
            return Ok(());
        }
        self.counted.set(self.counted.get() + 1);
        let now = self.counted.get();
        if self.at > 0 && (now == self.at || self.always && now > self.at) {
            self.failed.set(self.failed.get() + 1);
            return Err(WORDS.to_owned());
        }
        Ok(())
    }
}

/// The store.
pub struct Flaky(pub Rc<Calls>);

impl Keeper for Flaky {
    fn open(&mut self, _: &mut MemoryStore) -> Result<(), String> {
        self.0.call()
    }

    fn look(&mut self, mirror: &MemoryStore, read: Look<'_>) -> Result<(), String> {
        read(&Through { calls: &self.0, store: mirror }).map_err(|error| error.to_string())
    }

    fn commit(&mut self, _: &Batch) -> Result<(), String> {
        self.0.call()
    }

    fn close(&mut self) {}

    fn heal(&mut self) {
        self.0.healed.set(true);
    }

    fn is_expected(&self, error: &str) -> bool {
        error.contains(WORDS)
    }
}

/// The committed rows, as far as they can be read.
struct Through<'a> {
    calls: &'a Calls,
    store: &'a MemoryStore,
}

/// Every look-up, if its turn has not come to fail.
macro_rules! look_ups {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl View for Through<'_> {
            $(fn $name(&self, $($argument: $type),*) -> ViewResult<$answer> {
                self.calls.call().map_err(ViewError)?;
                self.store.$name($($argument),*)
            })*
        }
    };
}

look_ups! {
    observation(record: RecordRef) -> Option<Observation>;
    link_of(record: RecordRef) -> Option<Link>;
    link(id: LinkId) -> Option<Link>;
    by_key(object: ObjectKind, system: System, key: &str, limit: usize) -> Vec<RecordRef>;
    by_stamp(object: ObjectKind, system: System, stamp: &str) -> Vec<RecordRef>;
    dirty_page(object: ObjectKind, now: Timestamp, after: Option<RecordRef>, limit: usize) -> Vec<Dirty>;
    dirty(record: RecordRef) -> Option<Dirty>;
    next_dirty(now: Timestamp) -> Option<Timestamp>;
    write(id: IntentId) -> Option<Intent>;
    writes_of_run(run: RunId, after: Option<IntentId>, limit: usize) -> Vec<Intent>;
    writes_to(record: RecordRef, before: Option<IntentId>, limit: usize) -> Vec<Intent>;
    run(id: RunId) -> Option<Run>;
    latest_runs(limit: usize) -> Vec<Run>;
    open_intents() -> Vec<Intent>;
    creates_from(source: RecordRef) -> Vec<Intent>;
    issues_of(record: RecordRef) -> Vec<Issue>;
    decisions_of(link: LinkId) -> Vec<Decision>;
    cursor(key: CursorKey) -> Option<Cursor>;
    status(anchor: RecordRef) -> Option<Status>;
    tenant(system: System) -> Option<String>;
    pauses() -> Pauses;
    is_approved(plan: &str) -> bool;
    cover() -> Option<Cover>;
    records_after(object: ObjectKind, system: System, after: Option<RecordId>, limit: usize) -> Vec<RecordRef>;
    anchors_after(object: ObjectKind, system: System, after: Option<RecordId>, limit: usize) -> (Vec<RecordRef>, Option<RecordId>);
    live_records(object: ObjectKind, system: System) -> u64;
    state_counts(object: ObjectKind) -> BTreeMap<RecordState, u64>;
    live_links(object: ObjectKind) -> u64;
    is_filled() -> bool;
    high_water() -> HighWater;
}
