//! Where answers go: results on stdout, everything said on the way on stderr.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

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
    taken(writeln!(io::stdout().lock(), "{}", text.trim_end_matches('\n')))
}

/// Whether stdout took what was written to it.
///
/// # Errors
/// As [`print`].
pub fn taken(written: io::Result<()>) -> Outcome<()> {
    match written.and_then(|()| io::stdout().lock().flush()) {
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

/// The columns that text for people may take: what `COLUMNS` says, else the terminal's, or 100 where there is none.
#[must_use]
pub fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let seen = || if io::stdout().is_terminal() { crate::tui::columns() } else { None };
    width_of(told, seen)
}

/// Text for people wants 40 columns at least; a number below that was not meant for it.
fn width_of(told: Option<usize>, seen: impl FnOnce() -> Option<usize>) -> usize {
    let usable = |columns: &usize| *columns >= 40;
    told.filter(usable).or_else(|| seen().filter(usable)).unwrap_or(100)
}

/// One line of text broken at words, further lines indented. A word that is too long stays whole: somebody may copy it.
#[must_use]
pub fn paragraph(text: &str, width: usize) -> String {
    const INDENT: &str = "  ";
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        let begins = line.trim_start().is_empty();
        if !begins && line.width() + 1 + word.width() > width {
            lines.push(std::mem::replace(&mut line, INDENT.to_owned()));
        } else if !begins {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
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
    fn the_width_is_what_is_told_else_what_is_seen_else_a_hundred() {
        let table = [
            (Some(60), Some(200), 60),
            (None, Some(200), 200),
            (None, None, 100),
            (Some(3), Some(80), 80),
            (Some(0), None, 100),
            (None, Some(0), 100),
        ];
        for (told, seen, expected) in table {
            assert_eq!(width_of(told, || seen), expected, "{told:?} {seen:?}");
        }
    }

    #[test]
    fn a_paragraph_breaks_at_words_and_cuts_none() {
        assert_eq!(paragraph("warning: one two three", 16), "warning: one two\n  three");
        assert_eq!(
            paragraph("see https://example.com/a/long/way now", 10),
            "see\n  https://example.com/a/long/way\n  now"
        );
        assert_eq!(paragraph("", 10), "");
        assert_eq!(paragraph("日本 日本 日本", 9), "日本 日本\n  日本", "wide letters take two columns");
    }

    #[test]
    fn numbers_and_nouns_agree() {
        assert_eq!([count(1, "record", "records"), count(0, "record", "records")], ["1 record", "0 records"]);
    }
}
