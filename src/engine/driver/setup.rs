//! From what a workspace stores to what an engine is made of: schemas and rules; connections are in `connection.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::causes::{Findings, sentences};
use super::clock::Clock;
pub use super::connection::{
    ConnectWiseConnection, Connection, HubSpotConnection, OAuthGrant, keep_renewals, webhook_secret,
};
use super::steps::Steps;
use crate::connect::{ConnectError, Connector, Finding, LiveSchema, Places};
use crate::engine::core::view::View;
use crate::mapping::references;
use crate::mapping::{self, Config, Rules, RulesError, defaults};
use crate::model::{BySystem, FieldName, ObjectKind, RecordRef, Schema, SchemaChange, System, drift};
use crate::store::{Settings, StoreError, Workspace};

/// Schemas older than this are read again before an engine starts: options and people come and go.
const SCHEMA_AGE: Duration = Duration::from_secs(3600);

/// Why a workspace is not ready for an engine.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{0} is not connected yet")]
    NotConnected(System),
    #[error("no configuration is deployed yet")]
    NotDeployed,
    #[error("the deployed configuration cannot be read: {0}")]
    Unreadable(String),
    #[error("the configuration does not fit the systems: {}", .0.first().map_or_else(String::new, ToString::to_string))]
    Misfit(Vec<RulesError>),
    #[error(transparent)]
    Connect(Box<ConnectError>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ConnectError> for SetupError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Box::new(error))
    }
}

pub(super) fn stamps(config: &Config, system: System) -> BTreeMap<ObjectKind, FieldName> {
    let stamp = |object: &mapping::ObjectMapping| Some((object.object, object.stamp(system)?.clone()));
    config.objects.iter().filter_map(stamp).collect()
}

/// A configuration as stored, read.
///
/// # Errors
/// When the text is not one.
pub fn read_config(text: &str) -> Result<Config, SetupError> {
    mapping::toml::read(text).map_err(|errors| {
        SetupError::Unreadable(errors.first().map_or_else(|| "empty".to_owned(), ToString::to_string))
    })
}

/// The configuration that names the stamp fields before one is deployed: deployed, draft, or the default.
///
/// # Errors
/// When the workspace or what it holds cannot be read.
pub fn working_config(settings: &Settings) -> Result<Config, SetupError> {
    match settings.deployed()?.or(settings.draft()?) {
        Some(row) => read_config(&row.body),
        None => Ok(defaults::config()),
    }
}

/// Both connectors of a workspace.
///
/// # Errors
/// When one is missing or cannot be used.
pub fn connectors(workspace: &Workspace, clock: Clock) -> Result<BySystem<Arc<dyn Connector>>, SetupError> {
    let settings = workspace.settings()?;
    let config = working_config(&settings)?;
    let one = |system| -> Result<Arc<dyn Connector>, SetupError> {
        let connection = Connection::load(&settings, system)?;
        connection.connector(&config, clock, keep_renewals(workspace, &connection)?).map_err(SetupError::from)
    };
    Ok(BySystem::new(one(System::HubSpot)?, one(System::ConnectWise)?))
}

/// Reads the schemas that are missing or old from both systems into the workspace. Returns what could not be read of them.
///
/// # Errors
/// When a system does not answer, or the workspace cannot be written.
pub async fn refresh_schemas(
    settings: &mut Settings,
    connectors: &BySystem<Arc<dyn Connector>>,
    objects: &[ObjectKind],
    clock: Clock,
    steps: &Steps,
) -> Result<Vec<String>, SetupError> {
    let mut findings = Findings::default();
    for system in System::BOTH {
        let work = refresh_old(settings, &connectors[system], objects, clock, steps);
        findings.of(system, steps.within(&connectors[system], work).await?);
    }
    Ok(sentences(&findings.told()))
}

/// Reads the schemas of one system that are missing or old.
async fn refresh_old(
    settings: &mut Settings,
    connector: &Arc<dyn Connector>,
    objects: &[ObjectKind],
    clock: Clock,
    steps: &Steps,
) -> Result<Vec<Finding>, SetupError> {
    let mut findings = Vec::new();
    for object in objects {
        let known = settings.schema(connector.system(), *object)?;
        let fresh = known.is_some_and(|(_, read)| clock.now().since(read) < SCHEMA_AGE && read <= clock.now());
        if !fresh {
            steps.begin(connector, format!("the {object} fields"));
            findings.extend(refresh_schema(settings, connector.as_ref(), *object, clock).await?.warnings);
        }
    }
    Ok(findings)
}

/// One schema as it was read just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    pub schema: Schema,
    /// Against the reading before; logged already.
    pub changes: Vec<SchemaChange>,
    /// What could not be read of it.
    pub warnings: Vec<Finding>,
}

/// Reads one schema into the workspace, and logs what changed in it.
///
/// # Errors
/// When the system does not answer, or the workspace cannot be written.
pub async fn refresh_schema(
    settings: &mut Settings,
    connector: &dyn Connector,
    object: ObjectKind,
    clock: Clock,
) -> Result<Refreshed, SetupError> {
    let live = connector.schema(object).await?;
    keep_schema(settings, object, live, clock)
}

/// Keeps what was read of a schema, and logs what changed in it.
///
/// # Errors
/// When the workspace cannot be written.
pub fn keep_schema(
    settings: &mut Settings,
    object: ObjectKind,
    live: LiveSchema,
    clock: Clock,
) -> Result<Refreshed, SetupError> {
    let LiveSchema { mut schema, unread, warnings } = live;
    if let Some((known, _)) = settings.schema(schema.system, object)?.filter(|_| !unread.is_empty()) {
        drift::keep_unread(&known, &mut schema, &unread);
    }
    let changes = settings.put_schema(&schema, clock.now())?;
    for change in &changes {
        let (system, field, change) = (schema.system.key(), change.field.as_str(), change.what.word());
        tracing::info!(system, object = object.key(), field, change, "a schema changed");
    }
    Ok(Refreshed { schema, changes, warnings })
}

/// The stored schemas of both systems, for every object of which both are known.
///
/// # Errors
/// When the workspace cannot be read.
pub fn schemas(settings: &Settings) -> Result<Vec<BySystem<Schema>>, SetupError> {
    let mut known = Vec::new();
    for object in ObjectKind::ALL {
        let hubspot = settings.schema(System::HubSpot, object)?;
        let connectwise = settings.schema(System::ConnectWise, object)?;
        if let (Some((hubspot, _)), Some((connectwise, _))) = (hubspot, connectwise) {
            known.push(BySystem::new(hubspot, connectwise));
        }
    }
    Ok(known)
}

/// The deployed configuration, ready for work with the stored schemas.
///
/// # Errors
/// When none is deployed, or it does not fit.
pub fn rules(settings: &Settings) -> Result<Rules, SetupError> {
    let deployed = settings.deployed()?.ok_or(SetupError::NotDeployed)?;
    let config = read_config(&deployed.body)?;
    Rules::compile(config, deployed.info.version, &schemas(settings)?).map_err(SetupError::Misfit)
}

/// In which opportunity the workspace saw a forecast item last. Without that, each start would search for those that wait.
fn places(workspace: &Workspace) -> Result<Places, SetupError> {
    let reader = Mutex::new(workspace.reader()?);
    Ok(Box::new(move |line| {
        let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        let of = RecordRef::new(ObjectKind::LineItem, System::ConnectWise, line);
        // What cannot be looked up is searched for, like what was never seen.
        let seen = reader.observation(of).ok().flatten()?;
        references::ids(seen.record.value(references::OPPORTUNITY_OF_LINE)).first().copied()
    }))
}

/// Everything an engine needs, from a workspace that is connected and deployed. Reads schemas where they are old.
///
/// # Errors
/// What is missing, or does not answer.
pub async fn parts(
    workspace: &Workspace,
    mode: crate::engine::core::Mode,
    clock: Clock,
    steps: &Steps,
) -> Result<super::Parts, SetupError> {
    let mut settings = workspace.settings()?;
    let deployed = settings.deployed()?.ok_or(SetupError::NotDeployed)?;
    let config = read_config(&deployed.body)?;
    let connectors = connectors(workspace, clock)?;
    if config.object(ObjectKind::LineItem).is_some() {
        connectors.connectwise.learn_places(places(workspace)?);
    }
    let objects: Vec<ObjectKind> = config.objects.iter().map(|object| object.object).collect();
    for warning in refresh_schemas(&mut settings, &connectors, &objects, clock, steps).await? {
        tracing::warn!(warning, "a part of a schema could not be read");
    }
    Ok(super::Parts { rules: rules(&settings)?, connectors, mode, clock, reread: SCHEMA_AGE, poll: None })
}
