//! What is read of the systems before another object can be mapped, for the console and the commands.

use super::clock::Clock;
use super::setup::{Connection, SetupError, keep_renewals, keep_schema};
use super::steps::Steps;
use crate::mapping::Config;
use crate::mapping::defaults::add::asks;
use crate::model::{ChoiceOption, ObjectKind, Schema, System};
use crate::store::{Settings, Workspace};

/// What a mapping is told by, beside what a person names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// ConnectWise's fields of the object; empty where its mapping names nothing of the tenant's own.
    pub connectwise: Schema,
    /// HubSpot's owners, as far as the workspace knows them.
    pub owners: Vec<ChoiceOption>,
}

/// Reads ConnectWise's fields of the object, where its mapping needs them, into the workspace.
///
/// # Errors
/// When ConnectWise does not answer, or the workspace cannot be used.
pub async fn look(
    workspace: &Workspace,
    settings: &mut Settings,
    config: &Config,
    object: ObjectKind,
    clock: Clock,
    steps: &Steps,
) -> Result<Seen, SetupError> {
    let owners = owners(settings)?;
    if !asks(object) {
        let connectwise = Schema { system: System::ConnectWise, object, fields: Vec::new() };
        return Ok(Seen { connectwise, owners });
    }
    let connection = Connection::load(settings, System::ConnectWise)?;
    let connector = connection.connector(config, clock, keep_renewals(workspace, &connection)?)?;
    steps.begin(&connector, format!("the {object} fields"));
    let live = steps.patiently(&connector, async || connector.schema(object).await).await?;
    let connectwise = keep_schema(settings, object, live, clock)?.schema;
    Ok(Seen { connectwise, owners })
}

fn owners(settings: &Settings) -> Result<Vec<ChoiceOption>, SetupError> {
    for object in ObjectKind::ALL {
        let known = settings.schema(System::HubSpot, object)?;
        if let Some(field) = known.as_ref().and_then(|(schema, _)| schema.field("hubspot_owner_id")) {
            return Ok(field.options.clone());
        }
    }
    Ok(Vec::new())
}
