//! The configuration of a workspace file, for the tabs that change it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::source::{Book, ConfigSource, Current, NotSaved, Version};
use super::together::in_words;
use crate::mapping::{Config, Rules, diff, toml};
use crate::model::{BySystem, FieldName, ObjectKind, Schema, System, Timestamp};
use crate::store::rows::{ConfigInfo, ConfigRow, ConfigState};
use crate::store::{Base, DraftError, Saved, Settings, StoreError, Workspace};
use crate::tui::world::SourceError;

const NOTE: &str = "changed in the console";

/// A [`ConfigSource`] over one workspace.
pub struct StoredConfig {
    settings: Mutex<Settings>,
    author: String,
}

impl StoredConfig {
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

impl ConfigSource for StoredConfig {
    fn book(&self, object: ObjectKind) -> Result<Book, SourceError> {
        let settings = self.settings();
        let draft = version(settings.draft().map_err(failed)?)?;
        let deployed = version(settings.deployed().map_err(failed)?)?;
        let schemas = schemas(&settings, object)?;
        let watched = watched(deployed.as_ref(), schemas.as_ref(), object);
        let mut elsewhere = Vec::new();
        for other in ObjectKind::ALL.into_iter().filter(|other| *other != object) {
            elsewhere.extend(self::schemas(&settings, other)?.map(Arc::new));
        }
        Ok(Book { draft, deployed, schemas: schemas.map(Arc::new), elsewhere, watched })
    }

    fn save(&self, config: &Config, base: Base, now: Timestamp) -> Result<Saved, NotSaved> {
        let mut settings = self.settings();
        let note = note(&settings, config)?;
        let text = updated(&settings, config)?;
        settings.save_draft(&text, &self.author, &note, base, now).map_err(not_saved)
    }

    fn set_aside(&self, config: &Config, now: Timestamp) -> Result<(), SourceError> {
        let mut settings = self.settings();
        let note = note(&settings, config)?;
        let text = updated(&settings, config)?;
        settings.set_aside(&text, &self.author, &note, now).map(drop).map_err(failed)
    }

    fn revert(&self, edit: u64) -> Result<(), NotSaved> {
        self.settings().discard_draft(Base::Edit(edit), &self.author).map(drop).map_err(not_saved)
    }
}

/// The text of the draft, or of what is deployed, with what differs: comments in it stay.
fn updated(settings: &Settings, config: &Config) -> Result<String, SourceError> {
    let newest = match settings.draft().map_err(failed)? {
        Some(row) => Some(row),
        None => settings.deployed().map_err(failed)?,
    };
    Ok(newest.map_or_else(|| toml::write(config), |row| toml::update(&row.body, config)))
}

/// What a list of versions says of a draft: what it changes.
fn note(settings: &Settings, config: &Config) -> Result<String, SourceError> {
    let deployed = settings.deployed().map_err(failed)?.and_then(|row| toml::read(&row.body).ok());
    let changes = deployed.map_or_else(Vec::new, |deployed| diff(&deployed, config));
    if changes.is_empty() {
        return Ok(NOTE.to_owned());
    }
    Ok(format!("changed {}", in_words(&changes)))
}

fn version(row: Option<ConfigRow>) -> Result<Option<Version>, SourceError> {
    let Some(row) = row else { return Ok(None) };
    let unfit = |errors: Vec<toml::ConfigError>| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        SourceError(format!("Version {} of the configuration cannot be read: {first}", row.info.version))
    };
    let config = Arc::new(toml::read(&row.body).map_err(unfit)?);
    let ConfigInfo { version, edit, author, state, tested, .. } = row.info;
    Ok(Some(Version { version, edit, author, is_tested: state == ConfigState::Tested, tested, config }))
}

fn schemas(settings: &Settings, object: ObjectKind) -> Result<Option<BySystem<Schema>>, SourceError> {
    let read = |system| Ok(settings.schema(system, object).map_err(failed)?.map(|(schema, _)| schema));
    let (hubspot, connectwise) = (read(System::HubSpot)?, read(System::ConnectWise)?);
    Ok(hubspot.zip(connectwise).map(|(hubspot, connectwise)| BySystem::new(hubspot, connectwise)))
}

fn watched(
    deployed: Option<&Version>,
    schemas: Option<&BySystem<Schema>>,
    object: ObjectKind,
) -> BySystem<Vec<FieldName>> {
    let (Some(deployed), Some(schemas)) = (deployed, schemas) else { return BySystem::default() };
    let mut config = Config::clone(&deployed.config);
    config.objects.retain(|mapping| mapping.object == object);
    // a version that cannot be read at all reads nothing: the Mappings tab says why
    let rules = Rules::compile(config, deployed.version, std::slice::from_ref(schemas)).ok();
    rules.and_then(|rules| rules.object(object).map(|object| object.watched.clone())).unwrap_or_default()
}

pub(super) fn not_saved(error: DraftError) -> NotSaved {
    let current = match error {
        DraftError::Store(error) => return NotSaved::Failed(failed(error)),
        DraftError::Stale(stale) => stale.current,
    };
    let is_draft =
        current.as_ref().is_some_and(|row| matches!(row.info.state, ConfigState::Draft | ConfigState::Tested));
    match version(current) {
        Ok(version) => NotSaved::Stale(Box::new(Current { version, is_draft })),
        Err(error) => NotSaved::Failed(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
pub(in crate::tui::tabs) fn failed(error: StoreError) -> SourceError {
    SourceError(format!("{error}. {}", error.hint()))
}
