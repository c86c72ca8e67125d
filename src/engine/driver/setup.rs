//! From what a workspace stores to what an engine is made of: connections, schemas, rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use crate::connect::{ConnectError, ConnectWise, Connector, HubSpot, Options, connectwise, hubspot};
use crate::mapping::{self, Config, Rules, RulesError, defaults};
use crate::model::{BySystem, FieldName, ObjectKind, Schema, System};
use crate::store::{ConnectionRow, Settings, StoreError, Workspace};

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

/// How HubSpot is reached, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HubSpotConnection {
    /// None: HubSpot's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
}

/// How ConnectWise is reached, as stored; the private key is stored apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectWiseConnection {
    pub site: String,
    pub company: String,
    pub public_key: String,
    pub client_id: String,
}

/// One connection with its secret.
#[derive(Debug, Clone)]
pub enum Connection {
    HubSpot(HubSpotConnection, SecretString),
    ConnectWise(ConnectWiseConnection, SecretString),
}

impl Connection {
    #[must_use]
    pub const fn system(&self) -> System {
        match self {
            Self::HubSpot(..) => System::HubSpot,
            Self::ConnectWise(..) => System::ConnectWise,
        }
    }

    /// Keeps it in the workspace, in place of the one there was.
    ///
    /// # Errors
    /// When the workspace cannot be written.
    pub fn save(&self, settings: &mut Settings) -> Result<(), SetupError> {
        let (text, secret) = match self {
            Self::HubSpot(connection, secret) => (serde_json::to_string(connection), secret),
            Self::ConnectWise(connection, secret) => (serde_json::to_string(connection), secret),
        };
        let text = text.map_err(|error| SetupError::Unreadable(error.to_string()))?;
        settings.put_connection(&ConnectionRow { system: self.system(), settings: text, secret: secret.clone() })?;
        Ok(())
    }

    /// The stored connection of a system.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn load(settings: &Settings, system: System) -> Result<Self, SetupError> {
        let row = settings.connection(system)?.ok_or(SetupError::NotConnected(system))?;
        let unreadable =
            |error: serde_json::Error| SetupError::Unreadable(format!("the connection to {system}: {error}"));
        Ok(match system {
            System::HubSpot => Self::HubSpot(serde_json::from_str(&row.settings).map_err(unreadable)?, row.secret),
            System::ConnectWise => {
                Self::ConnectWise(serde_json::from_str(&row.settings).map_err(unreadable)?, row.secret)
            }
        })
    }

    /// Where it leads, for people.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::HubSpot(connection, _) => {
                connection.base_url.clone().unwrap_or_else(|| "https://api.hubapi.com".to_owned())
            }
            Self::ConnectWise(connection, _) => format!("{} ({})", connection.site, connection.company),
        }
    }

    /// A connector that writes its stamps where `config` says.
    ///
    /// # Errors
    /// When address or credentials cannot be used.
    pub fn connector(&self, config: &Config, clock: Clock) -> Result<Arc<dyn Connector>, ConnectError> {
        let stamps = stamps(config, self.system());
        let mut options = Options::new(Arc::new(move || clock.now()));
        Ok(match self {
            Self::HubSpot(connection, token) => {
                options.unlimited = connection.base_url.as_deref().is_some_and(is_loopback);
                options.base = connection.base_url.clone();
                let credentials = hubspot::Credentials::Token(copy(token));
                Arc::new(HubSpot::new(credentials, stamps, &options)?)
            }
            Self::ConnectWise(connection, private_key) => {
                options.unlimited = is_loopback(&connection.site);
                // A simulator is its own sign-in host and API host, and speaks plain HTTP.
                options.base = options.unlimited.then(|| connection.site.clone());
                let credentials = connectwise::Credentials {
                    site: connection.site.clone(),
                    company: connection.company.clone(),
                    public_key: SecretString::from(connection.public_key.clone()),
                    private_key: copy(private_key),
                    client_id: connection.client_id.clone(),
                };
                Arc::new(ConnectWise::new(&credentials, stamps, &options)?)
            }
        })
    }
}

fn copy(secret: &SecretString) -> SecretString {
    SecretString::from(secret.expose_secret().to_owned())
}

/// Simulators on this machine set their own limits.
fn is_loopback(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}

fn stamps(config: &Config, system: System) -> BTreeMap<ObjectKind, FieldName> {
    let stamp = |object: &mapping::ObjectMapping| match system {
        System::HubSpot => object.hubspot_stamp.clone(),
        System::ConnectWise => object.connectwise_stamp.clone(),
    };
    config.objects.iter().map(|object| (object.object, stamp(object))).collect()
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
pub fn connectors(settings: &Settings, clock: Clock) -> Result<BySystem<Arc<dyn Connector>>, SetupError> {
    let config = working_config(settings)?;
    let one = |system| -> Result<Arc<dyn Connector>, SetupError> {
        Ok(Connection::load(settings, system)?.connector(&config, clock)?)
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
) -> Result<Vec<String>, SetupError> {
    let mut warnings = Vec::new();
    for object in objects {
        for system in System::BOTH {
            let fresh = settings
                .schema(system, *object)?
                .is_some_and(|(_, read)| clock.now().since(read) < SCHEMA_AGE && read <= clock.now());
            if !fresh {
                let live = connectors[system].schema(*object).await?;
                warnings.extend(live.warnings);
                settings.put_schema(&live.schema, clock.now())?;
            }
        }
    }
    Ok(warnings)
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

/// Everything an engine needs, from a workspace that is connected and deployed. Reads schemas where they are old.
///
/// # Errors
/// What is missing, or does not answer.
pub async fn parts(
    workspace: &Workspace,
    mode: crate::engine::core::Mode,
    clock: Clock,
) -> Result<super::Parts, SetupError> {
    let mut settings = workspace.settings()?;
    let deployed = settings.deployed()?.ok_or(SetupError::NotDeployed)?;
    let config = read_config(&deployed.body)?;
    let connectors = connectors(&settings, clock)?;
    let objects: Vec<ObjectKind> = config.objects.iter().map(|object| object.object).collect();
    for warning in refresh_schemas(&mut settings, &connectors, &objects, clock).await? {
        tracing::warn!(warning, "a part of a schema could not be read");
    }
    Ok(super::Parts { rules: rules(&settings)?, connectors, mode, clock })
}
