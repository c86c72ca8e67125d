//! `lockstep config`: show, exchange, check and deploy the configuration.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use serde_json::json;

use super::args::ConfigCommand;
use super::config_add::Named;
use super::connect::{Told, make_ready};
use super::output::count;
use super::progress::attend;
use super::session::{Session, author};
use super::{check, runtime};
use crate::engine::driver::Clock;
use crate::engine::driver::setup::{Connection, keep_renewals};
use crate::engine::driver::steps::Steps;
use crate::error::{Exit, Outcome, Report};
use crate::mapping::{Change, Config, diff as compare, toml};
use crate::model::System;
use crate::store::rows::{ConfigInfo, ConfigRow};
use crate::store::{Settings, Workspace};

/// A larger file is no configuration. In bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

const HOW_TO_GET_ONE: &str = "`lockstep config export FILE.toml` writes one that is";

/// # Errors
/// As the command says.
pub fn run(session: &Session, command: &ConfigCommand) -> Outcome {
    let workspace = session.workspace()?;
    let mut settings = workspace.settings()?;
    match command {
        ConfigCommand::Show { deployed } => show(session, &version(&settings, *deployed)?),
        ConfigCommand::Export { file, deployed, force } => {
            export(session, &version(&settings, *deployed)?, file, *force)
        }
        ConfigCommand::Import { file } => import(session, &mut settings, file),
        ConfigCommand::Add { object, key_field, board, activity_type, assign_to } => {
            let named = Named {
                key_field: key_field.as_deref(),
                board: board.as_deref(),
                activity_types: activity_type,
                assign_to: assign_to.as_deref(),
            };
            super::config_add::run(session, &workspace, &mut settings, *object, named)
        }
        ConfigCommand::Lint => lint(session, &settings),
        ConfigCommand::Diff => diff(session, &settings),
        ConfigCommand::History => history(session, &settings),
        ConfigCommand::Deploy { note } => deploy(session, &workspace, &mut settings, note),
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

fn show(session: &Session, row: &ConfigRow) -> Outcome {
    let config = parse(&row.body, &format!("version {}", row.info.version))?;
    let answer = json!({ "version": row.info.version, "state": row.info.state.word(), "config": config });
    session.output.note(&format!("# version {}, {}", row.info.version, row.info.state.word()));
    session.output.result(&answer, |_| row.body.clone())?;
    Ok(Exit::Done)
}

fn export(session: &Session, row: &ConfigRow, file: &Path, force: bool) -> Outcome {
    if file == Path::new("-") {
        return show(session, row);
    }
    let failed = |error: io::Error| {
        let report = Report::failed(format!("{} cannot be written", file.display()))
            .because(&error)
            .hint("choose another file, or `-` for stdout");
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Report::refused(format!("{} is there already; nothing was written", file.display()))
                .hint("choose another name, or replace it with --force");
        }
        report
    };
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if !force {
        options.create_new(true);
    }
    options.open(file).and_then(|mut f| f.write_all(row.body.as_bytes())).map_err(failed)?;
    let answer = json!({ "version": row.info.version, "state": row.info.state.word(), "file": file });
    session.output.result(&answer, |_| {
        format!("Version {} ({}) is written to {}.", row.info.version, row.info.state.word(), file.display())
    })?;
    Ok(Exit::Done)
}

fn import(session: &Session, settings: &mut Settings, file: &Path) -> Outcome {
    let text = read(file)?;
    let place = if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() };
    let config = parse(&text, &place)?;
    let findings = check::findings(&config, settings)?;
    let version = settings.save_draft(&text, &author(), &format!("imported from {place}"), Clock::start().now())?;
    let answer = json!({ "version": version, "errors": findings.errors, "warnings": findings.warnings });
    session.output.result(&answer, |_| {
        format!("{place} is the draft now, as version {version}.\n{}", findings.text("Next: lockstep config deploy"))
    })?;
    Ok(Exit::Done)
}

fn read(file: &Path) -> Outcome<String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => {
            Report::refused(format!("{} is not a configuration; nothing was changed", file.display()))
                .because("it is not UTF-8 text")
                .hint(HOW_TO_GET_ONE)
        }
        _ => Report::failed(format!("{} cannot be read", file.display()))
            .because(error)
            .hint("name a TOML file that you can read, or `-` for stdin"),
    };
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(MAX_FILE + 1).read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|f| f.take(MAX_FILE + 1).read_to_string(&mut text))
    };
    if read.map_err(failed)? as u64 > MAX_FILE {
        return Err(Report::refused(format!("{} is not a configuration; nothing was changed", file.display()))
            .because(format!("it is larger than {} MiB", MAX_FILE / (1024 * 1024)))
            .hint(HOW_TO_GET_ONE));
    }
    Ok(text)
}

fn lint(session: &Session, settings: &Settings) -> Outcome {
    let row = version(settings, false)?;
    let config = parse(&row.body, &format!("version {}", row.info.version))?;
    let findings = check::findings(&config, settings)?;
    if !findings.errors.is_empty() {
        return Err(findings.refusal(row.info.version));
    }
    let answer = json!({ "version": row.info.version, "errors": [], "warnings": findings.warnings });
    session.output.result(&answer, |_| findings.text("It can be deployed."))?;
    Ok(Exit::Done)
}

fn diff(session: &Session, settings: &Settings) -> Outcome {
    let draft = settings.draft()?.ok_or(crate::store::StoreError::NoDraft)?;
    let after = parse(&draft.body, "the draft")?;
    let Some(row) = settings.deployed()? else {
        return Err(Report::refused("nothing is deployed yet, so there is nothing to compare the draft with")
            .hint("see all of it with `lockstep config show`"));
    };
    let changes = compare(&parse(&row.body, "the deployed version")?, &after);
    let rows = changes.iter().map(|c| json!({ "path": c.path, "before": c.before, "after": c.after }));
    let answer =
        json!({ "draft": draft.info.version, "deployed": row.info.version, "changes": rows.collect::<Vec<_>>() });
    session.output.result(&answer, |_| match changes.len() {
        0 => "The draft is what is deployed.".to_owned(),
        _ => changes.iter().map(change_line).collect::<Vec<_>>().join("\n"),
    })?;
    Ok(Exit::Done)
}

fn change_line(change: &Change) -> String {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("~ {}: {before} → {after}", change.path),
        (None, Some(after)) => format!("+ {}: {after}", change.path),
        (Some(before), None) => format!("- {}: {before}", change.path),
        (None, None) => change.path.clone(),
    }
}

fn history(session: &Session, settings: &Settings) -> Outcome {
    let history = settings.history()?;
    let rows: Vec<_> = history
        .iter()
        .map(|info| {
            let ConfigInfo { version, state, note, author, created } = info;
            json!({ "version": version, "state": state.word(), "note": note, "author": author, "created": created.to_rfc3339() })
        })
        .collect();
    session
        .output
        .result(&json!({ "versions": rows }), |_| history.iter().map(history_line).collect::<Vec<_>>().join("\n"))?;
    Ok(Exit::Done)
}

fn history_line(info: &ConfigInfo) -> String {
    let ConfigInfo { version, state, note, author, created } = info;
    format!("{version:>4}  {:<9} {created}  {author}  {note}", state.word())
}

fn deploy(session: &Session, workspace: &Workspace, settings: &mut Settings, note: &str) -> Outcome {
    let draft = settings.draft()?.ok_or(crate::store::StoreError::NoDraft)?;
    let config = parse(&draft.body, "the draft")?;
    let mut findings = check::findings(&config, settings)?;
    if !findings.errors.is_empty() {
        return Err(findings.refusal(draft.info.version));
    }
    let steps = Steps::default();
    let work = make_both_ready(workspace, &config, settings, &steps);
    let told = runtime::start()?.block_on(attend(&steps, "nothing was deployed; run it again", work))?;
    findings.warnings.extend(told.warnings);
    if !note.is_empty() {
        settings.save_draft(&draft.body, &author(), note, Clock::start().now())?;
    }
    let version = settings.deploy_draft()?;
    tracing::info!(workspace = workspace.name(), version = version.0, "configuration deployed");
    let answer =
        json!({ "version": version, "state": "deployed", "created": told.created, "warnings": findings.warnings });
    session.output.result(&answer, |_| {
        let warnings = count(findings.warnings.len() as u64, "warning", "warnings");
        format!("Version {version} is deployed ({warnings}).\n{}", findings.text("Next: lockstep plan"))
    })?;
    Ok(Exit::Done)
}

/// Makes both systems ready: a draft may name other fields for the keys than the one before it, or more objects.
///
/// # Errors
/// When a system refuses or does not answer.
pub async fn make_both_ready(
    workspace: &Workspace,
    config: &Config,
    settings: &mut Settings,
    steps: &Steps,
) -> Outcome<Told> {
    let (mut told, clock) = (Told::default(), Clock::start());
    for system in System::BOTH {
        let connection = Connection::load(settings, system)?;
        let connector = connection.connector(config, clock, keep_renewals(workspace, &connection)?)?;
        let work = make_ready(&connector, config, settings, clock, &mut told, steps);
        steps.within(&connector, async { Ok(work.await) }).await??;
    }
    Ok(told.complete())
}
