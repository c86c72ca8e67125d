//! Whether a configuration fits the two systems: what deploying it would say.

use super::output::{paragraph, width};
use crate::engine::driver::doctor::connect_command;
use crate::error::{Outcome, Report};
use crate::mapping::{Config, Finding, Rules, Severity, lint};
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
        let width = width();
        lines.iter().map(|line| paragraph(line, width)).collect::<Vec<_>>().join("\n")
    }

    /// The answer to whoever wants to deploy it all the same.
    #[must_use]
    pub fn refusal(&self, version: ConfigVersion) -> Report {
        Report::refused(format!("version {version} does not fit the two systems; nothing was changed"))
            .because(self.errors.join("\n"))
            .hint("put that right, then run it again; a changed file is taken by `lockstep config import`")
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
                "the {} fields of {missing} are not known; connect it first with `{}`",
                object.object,
                connect_command(missing)
            )),
        }
    }
    for finding in schemas.iter().flat_map(|pair| lint::check(config, pair)) {
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
    let place = match &finding.field {
        Some(field) => format!("{} {field}", finding.object),
        None => finding.object.to_string(),
    };
    format!("{place}: {} {}", finding.message, finding.hint).trim_end().to_owned()
}

/// The fields of an object in both systems, or the system of which they were never read.
fn schemas_of(settings: &Settings, object: ObjectKind) -> Outcome<Result<BySystem<Schema>, System>> {
    let read = |system| Ok::<_, Report>(settings.schema(system, object)?.map(|(schema, _)| schema));
    Ok(match (read(System::HubSpot)?, read(System::ConnectWise)?) {
        (Some(hubspot), Some(connectwise)) => Ok(BySystem::new(hubspot, connectwise)),
        (None, _) => Err(System::HubSpot),
        (_, None) => Err(System::ConnectWise),
    })
}
