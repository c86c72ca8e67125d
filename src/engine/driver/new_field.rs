//! Makes a property in HubSpot that a person asked for, and reads the fields anew, so that it can be mapped.

use std::sync::Arc;

use super::clock::Clock;
use super::setup::{Connection, SetupError, keep_renewals, refresh_schema, working_config};
use crate::connect::Connector;
pub use crate::connect::{FieldPlan, FieldStanding, HttpPreview, MadeField};
use crate::mapping::new_field::NewField;
use crate::model::System;
use crate::store::{Settings, Workspace};

/// What making it would take: the exact requests. Changes nothing.
///
/// # Errors
/// When HubSpot is not connected, or does not answer.
pub async fn plan(workspace: &Workspace, field: &NewField, clock: Clock) -> Result<FieldPlan, SetupError> {
    Ok(hubspot(workspace, &workspace.settings()?, clock)?.plan_field(field).await?)
}

/// Makes it, then reads the fields of its object.
///
/// # Errors
/// When it was not made; or it was, and the fields could not be read.
pub async fn make(workspace: &Workspace, field: &NewField, clock: Clock) -> Result<MadeField, SetupError> {
    let mut settings = workspace.settings()?;
    let connector = hubspot(workspace, &settings, clock)?;
    let made = connector.make_field(field).await?;
    refresh_schema(&mut settings, connector.as_ref(), field.object, clock).await?;
    Ok(made)
}

fn hubspot(workspace: &Workspace, settings: &Settings, clock: Clock) -> Result<Arc<dyn Connector>, SetupError> {
    let connection = Connection::load(settings, System::HubSpot)?;
    Ok(connection.connector(&working_config(settings)?, clock, keep_renewals(workspace, &connection)?)?)
}
