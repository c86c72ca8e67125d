//! The one way in which a draft becomes what drives the engine, for the console and the commands.

use super::check::{self, Findings};
use super::clock::Clock;
use super::ready::make_both_ready;
use super::setup::SetupError;
use super::steps::Steps;
use crate::mapping::toml;
use crate::model::ConfigVersion;
use crate::store::{Base, DraftError, Stale, StoreError, Workspace};

/// What somebody wants to be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The state of the draft that was looked at before: no other one is deployed.
    pub edit: u64,
    pub by: String,
    /// Takes the place of the draft's note.
    pub note: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    pub version: ConfigVersion,
    /// What was made in the systems for it.
    pub created: Vec<String>,
    pub warnings: Vec<String>,
}

/// Why nothing was deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error("the draft is not the one that was asked about any more")]
    Stale(Box<Stale>),
    #[error("the draft is not a configuration: {}", .0.first().map_or_else(String::new, ToString::to_string))]
    Unreadable(Vec<toml::ConfigError>),
    #[error("version {version} does not fit the two systems: {}", .errors.first().map_or("", String::as_str))]
    Unfit { version: ConfigVersion, errors: Vec<String> },
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl From<StoreError> for DeployError {
    fn from(error: StoreError) -> Self {
        Self::Setup(error.into())
    }
}

impl From<DraftError> for DeployError {
    fn from(error: DraftError) -> Self {
        match error {
            DraftError::Stale(stale) => Self::Stale(stale),
            DraftError::Store(error) => error.into(),
        }
    }
}

/// Checks the draft, makes both systems ready for it, and lets it drive the engine. A running one, wherever it runs, goes
/// on with it by itself.
///
/// # Errors
/// Then nothing is deployed; fields for keys may have been made.
pub async fn deploy(
    workspace: &Workspace,
    order: &Order,
    clock: Clock,
    steps: &Steps,
) -> Result<Deployed, DeployError> {
    let mut settings = workspace.settings()?;
    let draft = settings.draft()?;
    let Some(draft) = draft.filter(|draft| draft.info.edit == order.edit) else {
        return Err(gone(settings.draft()?.or(settings.deployed()?)));
    };
    let version = draft.info.version;
    let config = toml::read(&draft.body).map_err(DeployError::Unreadable)?;
    fitting(check::findings(&config, &settings)?, version)?;
    let told = make_both_ready(workspace, &config, &mut settings, clock, steps).await?;
    // The fields were read again by now, and may be others than those that the draft was made for.
    let Findings { mut warnings, .. } = fitting(check::findings(&config, &settings)?, version)?;
    warnings.extend(told.warnings);
    let version = settings.deploy_draft(Base::Edit(order.edit), &order.by, order.note.as_deref(), clock.now())?;
    tracing::info!(workspace = workspace.name(), version = version.0, "configuration deployed");
    Ok(Deployed { version, created: told.created, warnings })
}

fn gone(current: Option<crate::store::rows::ConfigRow>) -> DeployError {
    DeployError::Stale(Box::new(Stale { current }))
}

fn fitting(findings: Findings, version: ConfigVersion) -> Result<Findings, DeployError> {
    if findings.errors.is_empty() { Ok(findings) } else { Err(DeployError::Unfit { version, errors: findings.errors }) }
}
