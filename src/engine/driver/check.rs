//! Whether a configuration fits the two systems: what deploying it would say.

use super::doctor::connect_command;
use crate::mapping::{Config, Finding, Rules, Severity, lint};
use crate::model::{BySystem, ConfigVersion, ObjectKind, Schema, System};
use crate::store::error::StoreResult;
use crate::store::{Settings, StoreError};

/// What was found wrong, as whole sentences.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// It can't be deployed.
    pub errors: Vec<String>,
    /// It can, but somebody should know.
    pub warnings: Vec<String>,
}

/// Checks a configuration against the fields that both systems were last seen to have.
///
/// # Errors
/// When the workspace cannot be read.
pub fn findings(config: &Config, settings: &Settings) -> StoreResult<Findings> {
    let mut schemas = Vec::new();
    let mut findings = Findings::default();
    for object in &config.objects {
        match schemas_of(settings, object.object)? {
            Ok(pair) => schemas.push(pair),
            Err(missing) => findings.errors.push(format!(
                "the {} fields of {missing} are not known; connect it first with `{}`",
                object.object,
                connect_command(missing)
            )),
        }
    }
    for finding in lint::check_all(config, &schemas) {
        let list = match finding.severity {
            Severity::Error => &mut findings.errors,
            Severity::Warning => &mut findings.warnings,
        };
        list.push(sentence(&finding));
    }
    if findings.errors.is_empty() {
        // What the engine itself would refuse at its start must not be deployed either.
        let compiled = Rules::compile(config.clone(), ConfigVersion(0), &schemas);
        findings.errors.extend(compiled.err().into_iter().flatten().map(|error| format!("{error} {}", error.hint)));
    }
    Ok(findings)
}

fn sentence(finding: &Finding) -> String {
    let place = match (finding.object, &finding.field) {
        (Some(object), Some(field)) => format!("{object} {field}: "),
        (Some(object), None) => format!("{object}: "),
        (None, _) => String::new(),
    };
    format!("{place}{} {}", finding.message, finding.hint).trim_end().to_owned()
}

/// The fields of an object in both systems, or the system of which they were never read.
fn schemas_of(settings: &Settings, object: ObjectKind) -> StoreResult<Result<BySystem<Schema>, System>> {
    let read = |system| Ok::<_, StoreError>(settings.schema(system, object)?.map(|(schema, _)| schema));
    Ok(match (read(System::HubSpot)?, read(System::ConnectWise)?) {
        (Some(hubspot), Some(connectwise)) => Ok(BySystem::new(hubspot, connectwise)),
        (None, _) => Err(System::HubSpot),
        (_, None) => Err(System::ConnectWise),
    })
}
