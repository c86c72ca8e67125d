//! How each system is reached, as a workspace stores it, and the connectors made of that.
//!
//! What is secret is in the column of secrets; for HubSpot's OAuth that is a JSON object of three.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::setup::{SetupError, stamps};
use crate::connect::connectwise::ActivityTypes;
use crate::connect::hubspot::oauth::{App, OAuth, Renewal, Renewed, Tokens};
use crate::connect::{ConnectError, ConnectWise, Connector, HubSpot, Options, connectwise, hubspot};
use crate::mapping::{Config, ObjectMapping};
use crate::model::{RecordId, System, Timestamp};
use crate::store::{ConnectionRow, Settings, Workspace};

/// How HubSpot is reached, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HubSpotConnection {
    /// None: HubSpot's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// None: the secret is a service key or a private app's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OAuthGrant>,
}

/// What an app was granted by OAuth, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthGrant {
    pub client_id: String,
    /// When the access token at hand ends; it is renewed before.
    pub expires: Timestamp,
    /// What was granted, sorted.
    pub scopes: Vec<String>,
    #[serde(default)]
    pub portal: Option<u64>,
}

/// The secret part of [`OAuthGrant`], as stored.
#[derive(Serialize, Deserialize)]
struct OAuthSecrets {
    client_secret: String,
    access: String,
    refresh: String,
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
    /// HubSpot by OAuth.
    ///
    /// # Errors
    /// Tokens that cannot be written as JSON.
    pub fn by_oauth(base_url: Option<String>, app: &App, tokens: &Tokens) -> Result<Self, SetupError> {
        let Tokens { access, refresh, expires, scopes, portal } = tokens;
        let secrets = OAuthSecrets {
            client_secret: app.client_secret.expose_secret().to_owned(),
            access: access.expose_secret().to_owned(),
            refresh: refresh.expose_secret().to_owned(),
        };
        let secret = serde_json::to_string(&secrets).map_err(|error| SetupError::Unreadable(error.to_string()))?;
        let client_id = app.client_id.clone();
        let grant = OAuthGrant { client_id, expires: *expires, scopes: scopes.clone(), portal: *portal };
        Ok(Self::HubSpot(HubSpotConnection { base_url, oauth: Some(grant) }, SecretString::from(secret)))
    }

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

    /// A connector that writes its stamps where `config` says. `renewed` is told of new tokens, where the connection has
    /// ones that end.
    ///
    /// # Errors
    /// When address or credentials cannot be used.
    pub fn connector(
        &self,
        config: &Config,
        clock: Clock,
        renewed: Renewed,
    ) -> Result<Arc<dyn Connector>, ConnectError> {
        let stamps = stamps(config, self.system());
        let mut options = Options::new(Arc::new(move || clock.now()));
        Ok(match self {
            Self::HubSpot(connection, token) => {
                options.unlimited = connection.base_url.as_deref().is_some_and(is_loopback);
                options.base = connection.base_url.clone();
                let credentials = match &connection.oauth {
                    None => hubspot::Credentials::Token(copy(token)),
                    Some(grant) => hubspot::Credentials::OAuth(Box::new(access(grant, token, renewed)?)),
                };
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
                Arc::new(ConnectWise::new(&credentials, stamps, &options)?.with_activity_types(activity_types(config)))
            }
        })
    }
}

/// Which ConnectWise activity types are which kind of activity, and the status of new ones.
fn activity_types(config: &Config) -> ActivityTypes {
    let ids = |mapping: &ObjectMapping| mapping.activity_types.iter().copied().map(RecordId).collect();
    let statuses =
        config.objects.iter().filter_map(|mapping| Some((mapping.object, RecordId(mapping.activity_status?))));
    ActivityTypes::new(config.objects.iter().map(|mapping| (mapping.object, ids(mapping))).collect())
        .with_statuses(statuses.collect())
}

fn copy(secret: &SecretString) -> SecretString {
    SecretString::from(secret.expose_secret().to_owned())
}

/// Simulators on this machine set their own limits.
fn is_loopback(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}

fn access(grant: &OAuthGrant, secret: &SecretString, renewed: Renewed) -> Result<OAuth, ConnectError> {
    // What does not read is not told: it is a secret.
    let secrets: OAuthSecrets = serde_json::from_str(secret.expose_secret()).map_err(|_| {
        ConnectError::new(
            crate::connect::ConnectErrorKind::Credentials,
            "The stored access to HubSpot cannot be read.",
            "Connect HubSpot again: `lockstep connect hubspot --oauth`.",
        )
    })?;
    let app = App { client_id: grant.client_id.clone(), client_secret: secrets.client_secret.into() };
    let tokens = Tokens {
        access: secrets.access.into(),
        refresh: secrets.refresh.into(),
        expires: grant.expires,
        scopes: grant.scopes.clone(),
        portal: grant.portal,
    };
    Ok(OAuth { app, tokens, renewed })
}

/// The secret by which HubSpot signs its webhooks: the one that a person gave, else that of the app signed in with.
///
/// # Errors
/// When the workspace cannot be read.
pub fn webhook_secret(settings: &Settings) -> Result<Option<SecretString>, SetupError> {
    if let Some(secret) = settings.webhook_secret(System::HubSpot)? {
        return Ok(Some(secret));
    }
    match Connection::load(settings, System::HubSpot)? {
        Connection::HubSpot(HubSpotConnection { oauth: Some(grant), .. }, secret) => {
            let granted = access(&grant, &secret, Arc::new(|_: &Renewal| ()))?;
            Ok(Some(granted.app.client_secret))
        }
        _ => Ok(None),
    }
}

/// Stores every renewal of a connection in its workspace, so that the next process begins with tokens that live.
///
/// # Errors
/// When the workspace cannot be opened.
pub fn keep_renewals(workspace: &Workspace, connection: &Connection) -> Result<Renewed, SetupError> {
    let Connection::HubSpot(HubSpotConnection { base_url, oauth: Some(grant) }, secret) = connection else {
        return Ok(Arc::new(|_: &Renewal| ()));
    };
    let app = access(grant, secret, Arc::new(|_: &Renewal| ()))?.app;
    let (base_url, settings) = (base_url.clone(), Mutex::new(workspace.settings()?));
    Ok(Arc::new(move |renewal: &Renewal| {
        let mut settings = settings.lock().unwrap_or_else(PoisonError::into_inner);
        let renewed = Connection::by_oauth(base_url.clone(), &app, &renewal.tokens);
        // Whoever connected anew meanwhile, with another app or another kind of credential, is not overwritten.
        let ours = matches!(Connection::load(&settings, System::HubSpot),
            Ok(Connection::HubSpot(HubSpotConnection { oauth: Some(kept), .. }, _)) if kept.client_id == app.client_id);
        if ours && let Err(error) = renewed.and_then(|connection| connection.save(&mut settings)) {
            tracing::error!(%error, "renewed access to HubSpot could not be stored");
        }
        if !renewal.lost_scopes.is_empty() {
            tracing::warn!(scopes = ?renewal.lost_scopes, "HubSpot took scopes away");
        }
    }))
}
