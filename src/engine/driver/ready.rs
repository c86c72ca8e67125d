//! Makes the systems ready for a configuration: the fields that carry keys, and what is known of all their fields.

use std::sync::Arc;

use super::causes::{Findings, sentences};
use super::clock::Clock;
use super::setup::{Connection, SetupError, keep_renewals, refresh_schema};
use super::steps::Steps;
use crate::connect::{Connector, Finding};
use crate::mapping::Config;
use crate::model::System;
use crate::store::{Settings, Workspace};

/// What a system had to tell.
#[derive(Debug, Default)]
pub struct Told {
    /// The portal id, or the login company and its host.
    pub tenant: Option<String>,
    pub label: Option<String>,
    /// What was added to the system.
    pub created: Vec<String>,
    pub warnings: Vec<String>,
    /// What could not be read, before it is put in words.
    found: Findings,
}

impl Told {
    /// Takes note of what could not be read.
    pub fn of(&mut self, system: System, findings: Vec<Finding>) {
        self.found.of(system, findings);
    }

    /// Puts in words what could not be read, each cause once.
    #[must_use]
    pub fn complete(mut self) -> Self {
        self.warnings.extend(sentences(&std::mem::take(&mut self.found).told()));
        self
    }
}

/// Makes one system ready.
///
/// # Errors
/// When the system refuses or does not answer.
pub async fn make_ready(
    connector: &Arc<dyn Connector>,
    config: &Config,
    settings: &mut Settings,
    clock: Clock,
    told: &mut Told,
    steps: &Steps,
) -> Result<(), SetupError> {
    for object in &config.objects {
        steps.begin(connector, format!("the {} fields", object.object));
        if object.stamp(connector.system()).is_some() {
            let prepared = connector.prepare(object.object, true).await?;
            told.created.extend(prepared.created);
            told.warnings.extend(prepared.warnings);
        }
        let live = refresh_schema(settings, connector.as_ref(), object.object, clock).await?;
        told.of(connector.system(), live.warnings);
    }
    Ok(())
}

/// Makes both systems ready: a draft may name other fields for the keys than the one before it, or more objects.
///
/// # Errors
/// When a system refuses or does not answer.
pub async fn make_both_ready(
    workspace: &Workspace,
    config: &Config,
    settings: &mut Settings,
    clock: Clock,
    steps: &Steps,
) -> Result<Told, SetupError> {
    let mut told = Told::default();
    for system in System::BOTH {
        let connection = Connection::load(settings, system)?;
        let connector = connection.connector(config, clock, keep_renewals(workspace, &connection)?)?;
        let work = make_ready(&connector, config, settings, clock, &mut told, steps);
        steps.within(&connector, work).await?;
    }
    Ok(told.complete())
}
