//! What a running engine shows of itself: small, complete, replaced as a whole.

use std::collections::BTreeMap;
use std::time::Duration;

pub use crate::engine::core::phase::Phase;
use crate::engine::core::state::Run;
use crate::model::{BySystem, ConfigVersion, ObjectKind, Pauses, Timestamp};

/// The state of the engine at one moment. The console draws from it and pages the rest from the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Grows with every commit: rows on screen may be out of date when it moved.
    pub revision: u64,
    pub role: Role,
    /// The version of the configuration that runs go by; none where no engine runs here.
    pub config: Option<ConfigVersion>,
    /// A version that was deployed and can't be used, and why.
    pub unused: Option<(ConfigVersion, String)>,
    pub phase: Phase,
    /// The run under way, with its counts so far.
    pub run: Option<Run>,
    /// When the next look at both systems begins, in the engine's time.
    pub next_poll: Option<Timestamp>,
    pub sides: BySystem<Side>,
    /// Records whose change is not across yet.
    pub queue: u64,
    /// The age of the oldest change seen in that system that is not across yet, as of the last commit.
    pub oldest_change: BySystem<Option<Timestamp>>,
    /// The same for each object that has one.
    pub oldest_by_object: BTreeMap<ObjectKind, BySystem<Option<Timestamp>>>,
    /// When the running engine read the schemas again; none while the start's reading is the newest.
    pub schemas_read: Option<Timestamp>,
    /// What people paused.
    pub pauses: Pauses,
    /// A plan that a guard holds back.
    pub held: Option<HeldPlan>,
}

/// Who drives the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Role {
    /// No engine is running.
    #[default]
    Idle,
    /// This process is about to; what it is at.
    Starting { what: String },
    /// This process.
    Holder,
    /// Another process, named by host and process id; this one only looks.
    Viewer { holder: String },
    /// The engine stopped and won't go on by itself.
    Stopped { reason: String, hint: String },
}

/// One connection as the engine sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Side {
    pub health: Health,
    /// Portal id or login company, once known.
    pub tenant: Option<String>,
    pub budget: Budget,
    /// The last thing that went wrong, with its time.
    pub last_error: Option<(Timestamp, String)>,
    /// Rights that are missing for some of the work, with the next step.
    pub missing_rights: Vec<String>,
    /// HTTP calls since the engine started.
    pub calls: u64,
    /// Median time from request to answer over the last calls.
    pub latency: Option<Duration>,
    /// It is not spoken to for a while.
    pub wait: Option<Wait>,
}

/// A pause between two tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Nothing is sent before, in the engine's time.
    pub until: Timestamp,
    /// The system asked for it, because there were too many calls; otherwise something went wrong.
    pub asked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// Not tried yet.
    #[default]
    Unknown,
    Ok,
    /// Not usable now; work for it waits.
    Broken {
        message: String,
        hint: String,
    },
}

/// What is left of a connection's allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// Calls per second that the pacing allows now, in thousandths.
    pub rate_milli: u64,
    /// Calls used of the day's allowance, where the system tells.
    pub daily: Option<(u64, u64)>,
    /// Requests waiting for their turn.
    pub waiting: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPlan {
    pub reason: String,
    /// What `Ask::Approve` takes.
    pub hash: String,
}
