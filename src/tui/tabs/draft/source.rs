//! Where the tabs Mappings and Filters get the configuration from, and where their changes go.

use std::sync::Arc;

use crate::mapping::Config;
use crate::model::{BySystem, ConfigVersion, FieldName, ObjectKind, Schema, Timestamp};
use crate::store::rows::Tested;
use crate::store::{Base, Saved};
use crate::tui::world::SourceError;

/// One version of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub version: ConfigVersion,
    /// Which state of it; 0 for one that is on this screen alone.
    pub edit: u64,
    /// Who saved it last.
    pub author: String,
    /// A draft of which a test told what it does.
    pub is_tested: bool,
    /// Who had it tested last, and when; none also where an older Lockstep did it.
    pub tested: Option<Tested>,
    pub config: Arc<Config>,
}

/// The configuration as it is now, where it is not what somebody had seen who wanted to change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// The draft, or what is deployed where there is none.
    pub version: Option<Version>,
    pub is_draft: bool,
}

/// Why the draft was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSaved {
    /// Somebody else was first.
    Stale(Box<Current>),
    Failed(SourceError),
}

impl From<SourceError> for NotSaved {
    fn from(error: SourceError) -> Self {
        Self::Failed(error)
    }
}

/// The configuration of a workspace as it stands.
#[derive(Debug, Clone, Default)]
pub struct Book {
    pub draft: Option<Version>,
    pub deployed: Option<Version>,
    /// The fields of both systems; none before both were read.
    pub schemas: Option<Arc<BySystem<Schema>>>,
    /// The fields of all other objects that both systems were asked for.
    pub elsewhere: Vec<Arc<BySystem<Schema>>>,
    /// What the deployed version reads of each system: only these fields are in the cache.
    pub watched: BySystem<Vec<FieldName>>,
}

impl Book {
    /// What a change is made to: the draft, or what is deployed where there is none.
    #[must_use]
    pub fn current(&self) -> Option<&Config> {
        self.newest().map(|version| &*version.config)
    }

    /// The draft, or what is deployed where there is none.
    #[must_use]
    pub fn newest(&self) -> Option<&Version> {
        self.draft.as_ref().or(self.deployed.as_ref())
    }

    /// The objects that can be worked on, in the order of the configuration.
    #[must_use]
    pub fn objects(&self) -> Vec<ObjectKind> {
        self.current().map(|config| config.objects.iter().map(|mapping| mapping.object).collect()).unwrap_or_default()
    }

    /// The fields of every object that is known, this one's first.
    pub fn all_schemas(&self) -> impl Iterator<Item = &BySystem<Schema>> {
        self.schemas.iter().chain(&self.elsewhere).map(Arc::as_ref)
    }

    /// `draft 7, tested (deployed 6)`.
    #[must_use]
    pub fn versions(&self) -> String {
        let tested = if self.draft.as_ref().is_some_and(|draft| draft.is_tested) { ", tested" } else { "" };
        match (&self.draft, &self.deployed) {
            (Some(draft), Some(deployed)) => format!("draft {}{tested} (deployed {})", draft.version, deployed.version),
            (Some(draft), None) => format!("draft {}{tested} (nothing deployed)", draft.version),
            (None, Some(deployed)) => format!("deployed {}", deployed.version),
            (None, None) => "no configuration".to_owned(),
        }
    }
}

/// The configuration in the workspace. Called off the UI thread; may block.
pub trait ConfigSource: Send + Sync {
    /// # Errors
    /// When the workspace cannot be read or written, or holds something that is not a configuration; so for all.
    fn book(&self, object: ObjectKind) -> Result<Book, SourceError>;
    /// Keeps it as the draft, in place of what `base` says that the person has seen.
    ///
    /// # Errors
    /// Also when something else is there by now; nothing is changed then.
    fn save(&self, config: &Config, base: Base, now: Timestamp) -> Result<Saved, NotSaved>;
    /// Keeps it in the history without making it the draft.
    fn set_aside(&self, config: &Config, now: Timestamp) -> Result<(), SourceError>;
    /// Throws that state of the draft away.
    ///
    /// # Errors
    /// As [`ConfigSource::save`].
    fn revert(&self, edit: u64) -> Result<(), NotSaved>;
}
