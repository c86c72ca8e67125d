//! `lockstep config export`: the configuration as a file, which says what it was made of.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::{is_workbook, parse, show, text};
use crate::cli::session::Session;
use crate::engine::driver::setup;
use crate::error::{Exit, Outcome, Report};
use crate::store::Settings;
use crate::store::rows::ConfigRow;
use crate::workbook::{self, Samples};

pub fn export(session: &Session, row: &ConfigRow, file: &Path, force: bool) -> Outcome {
    if file == Path::new("-") {
        return show::written(session, row, &text::with_head(row));
    }
    put(file, text::with_head(row).as_bytes(), force)?;
    told(session, row, file)
}

/// The configuration as a workbook.
pub fn workbook(
    session: &Session,
    settings: &Settings,
    row: &ConfigRow,
    samples: &Samples,
    file: &Path,
    force: bool,
) -> Outcome {
    let config = parse(&row.body, &format!("version {}", row.info.version))?;
    let made_of = format!("{}.{}", row.info.version, row.info.edit);
    let bytes = workbook::write(&config, &made_of, &setup::schemas(settings)?, samples)
        .map_err(|error| Report::failed("the workbook cannot be made").because(error).hint("export a .toml file"))?;
    put(file, &bytes, force)?;
    told(session, row, file)
}

fn told(session: &Session, row: &ConfigRow, file: &Path) -> Outcome {
    let answer = json!({ "version": row.info.version, "state": row.info.state.word(), "file": file });
    session.output.result(&answer, |_| {
        format!("Version {} ({}) is written to {}.", row.info.version, row.info.state.word(), file.display())
    })?;
    Ok(Exit::Done)
}

/// Writes a file of which nobody else may read what people's data it has.
fn put(file: &Path, bytes: &[u8], force: bool) -> Outcome<()> {
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
    #[cfg(unix)]
    if is_workbook(file)? {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(file).and_then(|mut f| f.write_all(bytes)).map_err(failed)
}
