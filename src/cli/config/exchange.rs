//! `lockstep config export` and `import`: the configuration as a file.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use serde_json::json;

use super::{HOW_TO_GET_ONE, parse, show};
use crate::cli::check;
use crate::cli::session::{Session, author};
use crate::engine::driver::Clock;
use crate::error::{Exit, Outcome, Report};
use crate::store::Settings;
use crate::store::rows::ConfigRow;

/// A larger file is no configuration. In bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

pub fn export(session: &Session, row: &ConfigRow, file: &Path, force: bool) -> Outcome {
    if file == Path::new("-") {
        return show::show(session, row);
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

pub fn import(session: &Session, settings: &mut Settings, file: &Path) -> Outcome {
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
