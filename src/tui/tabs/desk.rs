//! What the tabs Records, Mappings and Filters work on: where their rows come from and where their changes go.

use std::sync::{Arc, Mutex, PoisonError};

use super::draft::deployer::Deployer;
use super::draft::source::ConfigSource;
use super::draft::stored::StoredConfig;
use super::draft::trials::{StoredTrials, TrialSource};
use super::draft::versions::{StoredVersions, VersionSource};
use super::filters::source::FilterSource;
use super::filters::stored::StoredFilters;
use super::mappings::making::maker::FieldMaker;
use super::mappings::objects::adder::Adder;
use super::mappings::picker::source::FieldSource;
use super::mappings::picker::stored::StoredFields;
use super::mappings::values::source::ValueSource;
use super::mappings::values::stored::StoredValues;
use super::records::source::{RecordSource, Simulated};
use super::records::stored::{Preview, StoredRecords};
use crate::model::RecordRef;
use crate::store::{StoreError, Workspace};

/// Shared by the three tabs.
#[derive(Clone)]
pub struct Desk {
    pub records: Arc<dyn RecordSource>,
    pub config: Arc<dyn ConfigSource>,
    pub deployer: Arc<dyn Deployer>,
    /// What asks the systems about another object.
    pub adder: Arc<dyn Adder>,
    /// What makes properties in HubSpot.
    pub maker: Arc<dyn FieldMaker>,
    pub versions: Arc<dyn VersionSource>,
    pub trials: Arc<dyn TrialSource>,
    pub filters: Arc<dyn FilterSource>,
    /// What stands in which field.
    pub fields: Arc<dyn FieldSource>,
    /// What the cached records hold.
    pub values: Arc<dyn ValueSource>,
    /// Only where the systems are simulated ones.
    pub simulated: Option<Arc<dyn Simulated>>,
    pub last_opened: LastOpened,
}

/// The record that was opened last in the Records tab, for the others.
#[derive(Debug, Clone, Default)]
pub struct LastOpened(Arc<Mutex<Option<RecordRef>>>);

impl LastOpened {
    #[must_use]
    pub fn get(&self) -> Option<RecordRef> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, record: RecordRef) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(record);
    }
}

impl Desk {
    /// Over one workspace. `author` signs changes of the configuration; `preview` makes the requests of a planned
    /// write; `deployer` lets a draft drive the engine, `adder` finds out what another object needs, `maker` makes
    /// properties in HubSpot.
    ///
    /// # Errors
    /// When the workspace cannot be opened.
    pub fn of(
        workspace: &Workspace,
        author: &str,
        preview: Preview,
        deployer: Arc<dyn Deployer>,
        adder: Arc<dyn Adder>,
        maker: Arc<dyn FieldMaker>,
        simulated: Option<Arc<dyn Simulated>>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            records: Arc::new(StoredRecords::new(workspace, preview)?),
            config: Arc::new(StoredConfig::new(workspace, author)?),
            deployer,
            adder,
            maker,
            versions: Arc::new(StoredVersions::new(workspace, author)?),
            trials: Arc::new(StoredTrials::new(workspace, author)),
            filters: Arc::new(StoredFilters::new(workspace)?),
            fields: Arc::new(StoredFields::new(workspace)?),
            values: Arc::new(StoredValues::new(workspace)?),
            simulated,
            last_opened: LastOpened::default(),
        })
    }
}
