//! What other processes do to the workspace while an engine runs: what they deploy drives its next run, and what they
//! change is shown.

use std::time::Duration;

use tokio::time::Instant;

use super::setup::{self, SetupError};
use crate::mapping::Rules;
use crate::model::ConfigVersion;
use crate::store::error::StoreResult;
use crate::store::{Reader, Settings, Workspace};

/// How often an engine looks. Two queries of one row each.
const LOOK: Duration = Duration::from_secs(1);

/// Looks between two tries of a version that could not be used: another reading of the fields may help it.
const PATIENCE: u32 = 60;

/// What the engine knows of the workspace beside its own work.
pub(super) struct Follow {
    settings: Settings,
    reader: Reader,
    version: Option<ConfigVersion>,
    /// Why the newest version drives nothing, and for how many looks it is left alone.
    refused: Option<(ConfigVersion, String)>,
    rest: u32,
    due: Instant,
}

impl Follow {
    /// # Errors
    /// When the workspace cannot be read.
    pub fn new(workspace: &Workspace, version: ConfigVersion) -> StoreResult<Self> {
        let (settings, reader) = (workspace.settings()?, workspace.reader()?);
        Ok(Self { settings, reader, version: Some(version), refused: None, rest: 0, due: Instant::now() + LOOK })
    }

    /// When to look next.
    pub const fn due(&self) -> Instant {
        self.due
    }

    pub fn looked(&mut self) {
        self.due = Instant::now() + LOOK;
    }

    /// The engine was given another version by hand.
    pub fn takes(&mut self, version: ConfigVersion) {
        self.version = Some(version);
        self.refused = None;
    }

    /// What is deployed now, where that is not what the engine was given last.
    ///
    /// # Errors
    /// Why it cannot be used; the engine goes on with what it has.
    pub fn newer(&mut self) -> Result<Option<Rules>, SetupError> {
        let version = self.settings.deployed_version()?;
        if version == self.version || version.is_none() {
            self.refused = None;
            return Ok(None);
        }
        let is_refused = self.refused.as_ref().is_some_and(|(refused, _)| Some(*refused) == version);
        if is_refused && self.rest > 0 {
            self.rest -= 1;
            return Ok(None);
        }
        match setup::rules(&self.settings) {
            Ok(rules) => {
                self.takes(rules.version);
                Ok(Some(rules))
            }
            Err(error) => {
                self.rest = PATIENCE;
                let first = self.refused.as_ref().is_none_or(|(_, why)| *why != error.to_string());
                self.refused = version.map(|version| (version, error.to_string()));
                if first { Err(error) } else { Ok(None) }
            }
        }
    }

    /// The version that is deployed and drives nothing, with the reason.
    pub const fn refused(&self) -> Option<&(ConfigVersion, String)> {
        self.refused.as_ref()
    }

    /// The newest commit, whoever made it.
    ///
    /// # Errors
    /// When the workspace cannot be read.
    pub fn revision(&self) -> StoreResult<u64> {
        self.reader.revision()
    }
}
