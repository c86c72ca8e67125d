//! Where the list of versions comes from, and what rolls back to one of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::source::NotSaved;
use super::stored::{failed, not_saved};
use crate::engine::driver::setup;
use crate::mapping::diff::in_labels;
use crate::mapping::{Change, Config, diff, toml};
use crate::model::{ConfigVersion, Timestamp};
use crate::store::rows::{ConfigInfo, ConfigState, EditInfo};
use crate::store::{Base, Saved, Settings, StoreError, Workspace};
use crate::tui::world::SourceError;
use crate::view::versions::{Standing, VersionRow};

/// What one version changes against another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Which against which.
    pub title: String,
    /// None where there is no other version.
    pub changes: Option<Vec<Change>>,
}

/// The versions of the configuration. Called off the UI thread; may block.
pub trait VersionSource: Send + Sync {
    /// All versions and the drafts that are worth a look, newest first.
    ///
    /// # Errors
    /// When the workspace cannot be read or written, or holds something that is not a configuration; so for all.
    fn list(&self) -> Result<Vec<VersionRow>, SourceError>;
    /// What a version changes against the deployed one; of that, what it changed against the one before.
    fn compare(&self, row: &VersionRow) -> Result<Comparison, SourceError>;
    /// Makes the text of a version the draft, in place of what `base` says that the person has seen.
    ///
    /// # Errors
    /// Also when something else is there by now; nothing is changed then.
    fn roll_back(&self, row: &VersionRow, base: Base, now: Timestamp) -> Result<Saved, NotSaved>;
}

/// A [`VersionSource`] over one workspace.
pub struct StoredVersions {
    settings: Mutex<Settings>,
    author: String,
}

impl StoredVersions {
    /// # Errors
    /// When the workspace cannot be opened.
    pub fn new(workspace: &Workspace, author: &str) -> Result<Self, StoreError> {
        Ok(Self { settings: Mutex::new(workspace.settings()?), author: author.to_owned() })
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        // every change is one transaction: a panic leaves nothing half-done in there
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VersionSource for StoredVersions {
    fn list(&self) -> Result<Vec<VersionRow>, SourceError> {
        let settings = self.settings();
        let mut rows: Vec<VersionRow> = settings.history().map_err(failed)?.into_iter().map(of_version).collect();
        let edits = settings.edits().map_err(failed)?;
        rows.extend(edits.into_iter().filter(EditInfo::is_worth_a_look).map(of_edit));
        rows.sort_by_key(|row| std::cmp::Reverse((row.version, row.edit)));
        Ok(rows)
    }

    fn compare(&self, row: &VersionRow) -> Result<Comparison, SourceError> {
        let settings = self.settings();
        let this = text(&settings, row.edit)?;
        let deployed = settings.deployed().map_err(failed)?;
        let Some(deployed) = deployed.filter(|deployed| deployed.info.edit != row.edit) else {
            return before(&settings, row, &this);
        };
        let against = read(&deployed.body, deployed.info.version)?;
        let title = format!("{} against version {}, which is deployed", row.name(), deployed.info.version);
        Ok(Comparison { title, changes: Some(changes(&settings, &against, &this)?) })
    }

    fn roll_back(&self, row: &VersionRow, base: Base, now: Timestamp) -> Result<Saved, NotSaved> {
        let mut settings = self.settings();
        let Some((version, body)) = settings.edit(row.edit).map_err(failed)? else { return Err(gone(row.edit).into()) };
        read(&body, version)?;
        let note = format!("rolled back to {}", row.name());
        settings.save_draft(&body, &self.author, &note, base, now).map_err(not_saved)
    }
}

/// What differs, values by their labels.
fn changes(settings: &Settings, before: &Config, after: &Config) -> Result<Vec<Change>, SourceError> {
    let schemas = setup::schemas(settings).map_err(|error| SourceError(error.to_string()))?;
    Ok(in_labels(diff(before, after), &schemas.iter().collect::<Vec<_>>()))
}

/// What the deployed version, or the first draft, changed against the version before it.
fn before(settings: &Settings, row: &VersionRow, this: &Config) -> Result<Comparison, SourceError> {
    let history = settings.history().map_err(failed)?;
    let earlier = history.iter().find(|info| info.version < row.version && info.state == ConfigState::Retired);
    let Some(earlier) = earlier else {
        return Ok(Comparison { title: format!("{} is the first one", row.name()), changes: None });
    };
    let changes = Some(changes(settings, &text(settings, earlier.edit)?, this)?);
    Ok(Comparison { title: format!("{} against version {} before it", row.name(), earlier.version), changes })
}

fn text(settings: &Settings, edit: u64) -> Result<Config, SourceError> {
    let (version, body) = settings.edit(edit).map_err(failed)?.ok_or_else(|| gone(edit))?;
    read(&body, version)
}

fn read(body: &str, version: ConfigVersion) -> Result<Config, SourceError> {
    toml::read(body).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        SourceError(format!("Version {version} of the configuration cannot be read: {first}"))
    })
}

fn gone(edit: u64) -> SourceError {
    SourceError(format!("The draft with the number {edit} is not kept any more."))
}

fn of_version(info: ConfigInfo) -> VersionRow {
    let standing = match info.state {
        ConfigState::Draft | ConfigState::Tested => Standing::Draft,
        ConfigState::Deployed => Standing::Deployed,
        ConfigState::Retired => Standing::Retired,
    };
    VersionRow {
        version: info.version,
        edit: info.edit,
        standing,
        author: info.author,
        saved: info.created,
        deployed: info.deployed.map(|deployed| (deployed.at, deployed.by)),
        ended_by: None,
        note: info.note,
    }
}

fn of_edit(edit: EditInfo) -> VersionRow {
    VersionRow {
        version: edit.version,
        edit: edit.edit,
        standing: Standing::Ended(edit.ended.word()),
        author: edit.author,
        saved: edit.created,
        deployed: None,
        ended_by: Some(edit.ended_by),
        note: edit.note,
    }
}
