//! Where answers go: results on stdout, everything said on the way on stderr.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::error::{Exit, Outcome, Report};

/// How this command answers.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// The result: as one JSON object, or as text made from it.
    ///
    /// # Errors
    /// When stdout cannot be written to. A reader that went away is not an error: it has what it wanted.
    pub fn result<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> Outcome<()> {
        if !self.json {
            return print(&text(value));
        }
        let json = serde_json::to_string(value)
            .map_err(|error| Report::failed("the answer cannot be written as JSON").because(error))?;
        print(&json)
    }

    /// Something said on the way, for people only.
    pub fn note(self, text: &str) {
        if !self.json {
            say(text);
        }
    }

    /// Ends the command: tells what went wrong, in both ways where a script listens, and gives the exit code.
    #[must_use]
    pub fn finish(self, outcome: Outcome) -> u8 {
        match outcome {
            Ok(exit) => exit.code(),
            Err(report) => {
                say(&report.to_string());
                if self.json && print(&report.to_json().to_string()).is_err() {
                    tracing::debug!("nobody takes the report on stdout");
                }
                report.kind.exit_code()
            }
        }
    }
}

/// Writes a line to stdout.
///
/// # Errors
/// When it cannot be written to and the reader is still there.
pub fn print(text: &str) -> Outcome<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Report::failed("the answer cannot be written to stdout").because(error))
        }
        _ => Ok(()),
    }
}

/// Writes a line to stderr. There is nobody to tell when that fails, so the log is told.
pub fn say(text: &str) {
    if let Err(error) = writeln!(io::stderr().lock(), "{text}") {
        tracing::debug!(%error, "stderr is gone");
    }
}

/// Whether a person looks at stderr and progress may be drawn there.
#[must_use]
pub fn stderr_is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether the console has the terminal it needs.
#[must_use]
pub fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// `1 record`, `2 records`.
#[must_use]
pub fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// The exit of a command after which so many records wait for a person.
#[must_use]
pub const fn exit_for(needing_person: u64) -> Exit {
    if needing_person == 0 { Exit::Done } else { Exit::NeedsPerson }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_wait_for_a_person_show_in_the_exit_code() {
        assert_eq!(exit_for(0).code(), 0);
        assert_eq!(exit_for(1).code(), 5);
    }

    #[test]
    fn numbers_and_nouns_agree() {
        assert_eq!([count(1, "record", "records"), count(0, "record", "records")], ["1 record", "0 records"]);
    }
}
