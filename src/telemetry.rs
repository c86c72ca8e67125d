//! The log: a file in the home that is replaced every day, without secrets or personal data.
//!
//! Rooms log ids, counts and outcomes; never values of records, never credentials.

use std::path::Path;

use tracing::Level;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Files kept, one a day.
const DAYS_KEPT: usize = 14;

/// Keeps the log being written; what is buffered reaches the disk when it is dropped.
#[must_use = "dropping it ends the log"]
pub struct Telemetry {
    _guard: WorkerGuard,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("the log in {dir} cannot be opened: {cause}")]
    Open { dir: String, cause: String },
    #[error("`{0}` is not a log level: it is one of error, warn, info, debug, trace")]
    Level(String),
    #[error("a log is being written already")]
    Twice,
}

/// Starts the log in `dir`, which must exist. `level` is a word such as `debug`; without one, `info`.
///
/// # Errors
/// When the file cannot be opened or the level is none.
pub fn start(dir: &Path, level: Option<&str>) -> Result<Telemetry, TelemetryError> {
    let level = parse_level(level)?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("lockstep")
        .filename_suffix("log")
        .max_log_files(DAYS_KEPT)
        .build(dir)
        .map_err(|error| TelemetryError::Open { dir: dir.display().to_string(), cause: error.to_string() })?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false).json().flatten_event(true);
    tracing_subscriber::registry().with(targets(level)).with(lines).try_init().map_err(|_| TelemetryError::Twice)?;
    Ok(Telemetry { _guard: guard })
}

fn parse_level(word: Option<&str>) -> Result<Level, TelemetryError> {
    let Some(word) = word.map(str::trim).filter(|word| !word.is_empty()) else {
        return Ok(Level::INFO);
    };
    word.parse().map_err(|_| TelemetryError::Level(word.to_owned()))
}

/// Only our own rooms can be made talkative: HTTP libraries print headers and bodies at their finer levels.
fn targets(own: Level) -> Targets {
    Targets::new().with_default(Level::WARN).with_target("lockstep", own)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests of what must be there")]

    use super::*;

    #[test]
    fn libraries_stay_quiet_however_talkative_we_are() {
        let targets = targets(Level::TRACE);
        assert!(targets.would_enable("lockstep::engine", &Level::TRACE));
        for library in ["reqwest::connect", "hyper_util::client", "rustls::conn", "axum::serve"] {
            assert!(!targets.would_enable(library, &Level::INFO), "{library}");
            assert!(targets.would_enable(library, &Level::WARN), "{library}");
        }
    }

    #[test]
    fn levels_are_words_and_info_by_default() {
        assert_eq!(parse_level(None).unwrap(), Level::INFO);
        assert_eq!(parse_level(Some(" debug ")).unwrap(), Level::DEBUG);
        assert!(parse_level(Some("loud")).is_err());
    }
}
