//! `lockstep config export`: the configuration as a file, which says what it was made of.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::{show, text};
use crate::cli::session::Session;
use crate::error::{Exit, Outcome, Report};
use crate::store::rows::ConfigRow;

pub fn export(session: &Session, row: &ConfigRow, file: &Path, force: bool) -> Outcome {
    if file == Path::new("-") {
        return show::written(session, row, &text::with_head(row));
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
    options.open(file).and_then(|mut f| f.write_all(text::with_head(row).as_bytes())).map_err(failed)?;
    let answer = json!({ "version": row.info.version, "state": row.info.state.word(), "file": file });
    session.output.result(&answer, |_| {
        format!("Version {} ({}) is written to {}.", row.info.version, row.info.state.word(), file.display())
    })?;
    Ok(Exit::Done)
}
