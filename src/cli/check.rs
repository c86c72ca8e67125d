//! What is wrong with a configuration, as a command tells it.

use super::output::{paragraph, width};
pub use crate::engine::driver::check::{Findings, findings};
use crate::error::Report;
use crate::model::ConfigVersion;

/// All of them as lines, errors first; `otherwise` where there are no errors.
#[must_use]
pub fn text(findings: &Findings, otherwise: &str) -> String {
    let mut lines: Vec<String> = findings.errors.iter().map(|text| format!("error: {text}")).collect();
    lines.extend(findings.warnings.iter().map(|text| format!("warning: {text}")));
    if findings.errors.is_empty() {
        lines.push(otherwise.to_owned());
    }
    let width = width();
    lines.iter().map(|line| paragraph(line, width)).collect::<Vec<_>>().join("\n")
}

/// The answer to whoever wants to deploy it all the same.
#[must_use]
pub fn refusal(errors: &[String], version: ConfigVersion) -> Report {
    Report::refused(format!("version {version} does not fit the two systems; nothing was changed"))
        .because(errors.join("\n"))
        .hint("put that right, then run it again; a changed file is taken by `lockstep config import`")
}
