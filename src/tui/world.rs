//! What all of the console can see: the engine, where rows come from, the settings, the time.
//!
//! The traits here are all that the console knows of the rest of the program.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;

use super::widgets::Edge;
use crate::engine::core::command::{Ask, Reply};
use crate::engine::core::state::{Intent, Run};
use crate::engine::driver::glance::Glance;
use crate::engine::driver::snapshot::Snapshot;
use crate::model::{BySystem, CallbackTrouble, Checked, Hearing, IntentId, Record, RecordRef, RunId, Timestamp};
use crate::view::activity::IssueGroup;
use crate::view::objects::Objects;
use crate::view::schema::Reading;

pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The running engine, as far as a person can talk to it.
pub trait Engine: Send + Sync {
    /// Asks, and waits for what came of it. Must not block the caller's thread.
    fn ask(&self, ask: Ask) -> BoxFuture<Reply>;
    /// Looks at fields that nobody reads yet, where an engine runs here; otherwise tells why not, as a sentence. Must not
    /// block the caller's thread.
    fn glance(&self, glance: Glance) -> BoxFuture<Result<Vec<Record>, String>>;
    /// The newest snapshot, and word of the next one.
    fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>>;
    /// The engine's time.
    fn now(&self) -> Timestamp;
}

/// Rows for the tabs Connections and Activity. Called off the UI thread; may block.
///
/// Every list is bounded by `limit`, and handed over in its order whatever the edge it is read from.
pub trait Source: Send + Sync {
    /// What is set up to reach each system.
    ///
    /// # Errors
    /// When the workspace cannot be read; so for all methods.
    fn connections(&self) -> Result<BySystem<Option<Connected>>, SourceError>;
    /// What changed in the fields of both systems since the configuration was made, newest first.
    ///
    /// # Errors
    /// See above.
    fn drift(&self) -> Result<Vec<Reading>, SourceError>;
    /// The mapped objects, and how far each is known; with them, what the doctor saw when it looked last.
    ///
    /// # Errors
    /// See above.
    fn objects(&self) -> Result<Objects, SourceError>;
    /// Lets the doctor look at both systems. Must not block the caller's thread.
    fn examine(&self) -> BoxFuture<Result<Vec<Checked>, SourceError>>;
    /// Runs, newest first, from that edge.
    ///
    /// # Errors
    /// See above; so for all methods below.
    fn runs(&self, from: &Edge<RunId>, limit: usize) -> Result<Vec<Run>, SourceError>;
    /// Writes, newest first, from that edge; of one run, or of all.
    ///
    /// # Errors
    /// See above.
    fn writes(&self, of: Option<RunId>, from: &Edge<IntentId>, limit: usize) -> Result<Vec<Intent>, SourceError>;
    /// What is known of being told of changes.
    ///
    /// # Errors
    /// See above.
    fn hearing(&self) -> Result<Hearing, SourceError>;
    /// Open issues grouped by cause, in the order of [`crate::view::activity::group`].
    ///
    /// # Errors
    /// See above.
    fn issues(&self) -> Result<Vec<IssueGroup>, SourceError>;
}

/// The workspace could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// A connection as it was set up, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// When the oldest of its schemas was read.
    pub schema_read: Option<Timestamp>,
    /// The login company, where the connection names it.
    pub tenant: Option<String>,
    /// The base address, such as `https://api.hubapi.com`.
    pub address: String,
    /// With which kind of credentials, such as `private-app token`, or the company login and public key.
    pub account: String,
    /// When the access at hand ends and is renewed; none where it does not end.
    pub expires: Option<Timestamp>,
    /// What the configuration needs and was not granted, as far as it is known without asking.
    pub missing_scopes: Vec<String>,
    /// What keeps it from telling Lockstep of changes, where it should.
    pub silent: Option<CallbackTrouble>,
}

/// Things to make happen in the simulated systems of a demo.
pub trait Demo: Send + Sync {
    /// What can be played: a name and a sentence each.
    fn scenes(&self) -> Vec<Scene>;
    /// Plays the scene of that index; tells what happened, or why it could not.
    fn play(&self, scene: usize) -> BoxFuture<Result<Played, String>>;
}

/// What came of a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// What happened, as a sentence.
    pub what: String,
    /// The record it happened to, where it is one that Lockstep has read already.
    pub record: Option<RecordRef>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    pub name: String,
    pub doc: String,
}

/// What the person chose on the command line and in the environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `dark`, `light`, `high-contrast`, or the name of a file in the theme folder.
    pub theme: Option<String>,
    /// Where themes of the person's own are, as `NAME.toml`.
    pub theme_folder: Option<std::path::PathBuf>,
    /// Only ASCII on the screen.
    pub ascii: bool,
    /// Attributes instead of colours; also set by `NO_COLOR`.
    pub no_color: bool,
    /// Nothing that changes anything can be asked for.
    pub read_only: bool,
    /// Who sits here, as pauses name them.
    pub person: String,
    /// Where this console listens for webhooks and call-backs, if its engine runs.
    pub listens: Option<String>,
    /// The tab in front at the start, by its place.
    pub front: usize,
}

/// All that a tab may look at while it updates or draws.
pub struct World {
    pub workspace: String,
    pub settings: Settings,
    pub snapshot: Arc<Snapshot>,
    /// The time on screen, in the engine's time. It moves when rows or snapshots come, while an age is on the screen
    /// (every ten seconds, later ever more rarely), and with a key when it is ten seconds old; so most steps of a
    /// cursor change no age. What works with it may be told a time that is up to ten seconds old.
    pub now: Timestamp,
    pub engine: Arc<dyn Engine>,
    pub source: Arc<dyn Source>,
    pub demo: Option<Arc<dyn Demo>>,
}
