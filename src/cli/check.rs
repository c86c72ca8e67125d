//! Whether a configuration fits the two systems: what deploying it would say.

use crate::error::{Outcome, Report};
use crate::mapping::{Config, Rules};
use crate::model::{BySystem, ConfigVersion, ObjectKind, Schema, System};
use crate::store::Settings;

/// What was found wrong, as whole sentences.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// It can't be deployed.
    pub errors: Vec<String>,
    /// It can, but somebody should know.
    pub warnings: Vec<String>,
}

impl Findings {
    /// All of them as lines, errors first; `otherwise` where there are no errors.
    #[must_use]
    pub fn text(&self, otherwise: &str) -> String {
        let mut lines: Vec<String> = self.errors.iter().map(|text| format!("error: {text}")).collect();
        lines.extend(self.warnings.iter().map(|text| format!("warning: {text}")));
        if self.errors.is_empty() {
            lines.push(otherwise.to_owned());
        }
        lines.join("\n")
    }

    /// The answer to whoever wants to deploy it all the same.
    #[must_use]
    pub fn refusal(&self, version: ConfigVersion) -> Report {
        Report::refused(format!("version {version} does not fit the two systems; nothing was changed"))
            .because(self.errors.join("\n"))
            .hint("mend the file and `lockstep config import` it again")
    }
}

/// Checks a configuration against the fields that both systems were last seen to have.
///
/// # Errors
/// When the workspace cannot be read.
pub fn findings(config: &Config, settings: &Settings) -> Outcome<Findings> {
    let mut schemas = Vec::new();
    let mut findings = Findings::default();
    for object in &config.objects {
        match schemas_of(settings, object.object)? {
            Ok(pair) => schemas.push(pair),
            Err(missing) => findings.errors.push(format!(
                "the {} fields of {missing} are not known; connect it first with `lockstep connect {}`",
                object.object,
                missing.key()
            )),
        }
    }
    if findings.errors.is_empty() {
        if let Err(errors) = Rules::compile(config.clone(), ConfigVersion(0), &schemas) {
            findings.errors = errors;
        }
    }
    Ok(findings)
}

/// The fields of an object in both systems, or the system of which they were never read.
fn schemas_of(settings: &Settings, object: ObjectKind) -> Outcome<Result<BySystem<Schema>, System>> {
    let mut read = |system| Ok::<_, Report>(settings.schema(system, object)?.map(|(schema, _)| schema));
    Ok(match (read(System::HubSpot)?, read(System::ConnectWise)?) {
        (Some(hubspot), Some(connectwise)) => Ok(BySystem::new(hubspot, connectwise)),
        (None, _) => Err(System::HubSpot),
        (_, None) => Err(System::ConnectWise),
    })
}
