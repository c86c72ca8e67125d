//! `lockstep config`: show, exchange, check, test and deploy the configuration.

mod deploy;
mod diff;
mod export;
mod history;
mod import;
mod lint;
mod rollback;
mod samples;
mod show;
mod test;
mod text;

use std::path::Path;

use super::args::ConfigCommand;
use super::session::Session;
use crate::error::{Outcome, Report};
use crate::mapping::defaults::add::Named;
use crate::mapping::{Config, toml};
use crate::store::Settings;
use crate::store::rows::ConfigRow;
use crate::workbook;

const HOW_TO_GET_ONE: &str = "`lockstep config export FILE.toml` writes one that is";

/// # Errors
/// As the command says.
pub fn run(session: &Session, command: &ConfigCommand) -> Outcome {
    let workspace = session.workspace()?;
    let mut settings = workspace.settings()?;
    match command {
        ConfigCommand::Show { deployed } => show::show(session, &version(&settings, *deployed)?),
        ConfigCommand::Export { file, deployed, force, samples, unmasked } => {
            let row = version(&settings, *deployed)?;
            if !is_workbook(file)? {
                if *samples > 0 {
                    return Err(Report::usage("only a workbook has samples").hint("name a file that ends in .xlsx"));
                }
                return export::export(session, &row, file, *force);
            }
            let samples = samples::of(&workspace, &row, usize::from(*samples), !unmasked)?;
            export::workbook(session, &settings, &row, &samples, file, *force)
        }
        ConfigCommand::Import { file, dry_run, strict, replace } => {
            let how = import::How { dry_run: *dry_run, strict: *strict, replace: *replace };
            import::import(session, &mut settings, file, how)
        }
        ConfigCommand::Add { object, key_field, board, activity_type, assign_to } => {
            let named = Named {
                key_field: key_field.clone(),
                board: board.clone(),
                activity_types: activity_type.clone(),
                assign_to: assign_to.clone(),
            };
            super::config_add::run(session, &workspace, &mut settings, *object, &named)
        }
        ConfigCommand::Lint => lint::lint(session, &settings),
        ConfigCommand::Diff { from, to, exit_code } => diff::diff(session, &settings, *from, *to, *exit_code),
        ConfigCommand::History { all } => history::history(session, &settings, *all),
        ConfigCommand::Rollback { version, note, deploy, untested } => {
            let deploys = match (deploy, untested) {
                (false, _) => rollback::Deploys::No,
                (true, false) => rollback::Deploys::Tested,
                (true, true) => rollback::Deploys::AtOnce,
            };
            rollback::rollback(session, &workspace, &mut settings, *version, note.as_deref(), deploys)
        }
        ConfigCommand::Test { object, fail_on } => test::test(session, &workspace, &settings, *object, fail_on),
        ConfigCommand::Deploy { note, untested } => deploy::deploy(session, &workspace, &settings, note, *untested),
    }
}

/// Whether the file is a workbook, by its name.
///
/// # Errors
/// Where it is one of a kind that is not taken.
fn is_workbook(file: &Path) -> Outcome<bool> {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        workbook::EXTENSION => Ok(true),
        "xls" | "xlsm" | "xlsb" | "ods" | "csv" => {
            Err(Report::usage(format!("files that end in .{ending} are not taken")).hint("use .xlsx, or .toml"))
        }
        _ => Ok(false),
    }
}

/// Reads the text of a configuration.
///
/// # Errors
/// Says which line of `place` does not fit.
pub fn parse(text: &str, place: &str) -> Outcome<Config> {
    toml::read(text).map_err(|mistakes| {
        let lines = mistakes.iter().map(|mistake| format!("{mistake} {}", mistake.hint).trim_end().to_owned());
        Report::refused(format!("{place} is not a configuration; nothing was changed"))
            .because(lines.collect::<Vec<_>>().join("\n"))
            .hint(HOW_TO_GET_ONE)
    })
}

/// The draft, or what is deployed where there is none or it is asked for.
fn version(settings: &Settings, deployed: bool) -> Outcome<ConfigRow> {
    if !deployed {
        return newest(settings);
    }
    deployed_version(settings)
}

/// The draft, or what is deployed where there is none.
///
/// # Errors
/// When there is neither.
pub fn newest(settings: &Settings) -> Outcome<ConfigRow> {
    match settings.draft()? {
        Some(row) => Ok(row),
        None => deployed_version(settings),
    }
}

fn deployed_version(settings: &Settings) -> Outcome<ConfigRow> {
    settings.deployed()?.ok_or_else(|| {
        Report::refused("no configuration is deployed yet").hint("deploy the draft with `lockstep config deploy`")
    })
}
