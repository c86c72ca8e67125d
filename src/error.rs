//! What people and scripts are told when something does not work: one report, with its exit code.
//!
//! Rooms below have typed errors of their own; only the two ways in (console and command line) make reports of them.

use std::fmt;

use serde::Serialize;

use crate::model::text::printable;

/// The end of a command, as a script sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All that was asked for is done.
    Done,
    /// The command itself went through, and some records wait for a person.
    NeedsPerson,
    /// The answer is on stdout, and says that something is in the way.
    Failed(Kind),
}

impl Exit {
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NeedsPerson => 5,
            Self::Failed(kind) => kind.exit_code(),
        }
    }
}

/// Why a command did not do what was asked. Each kind has one exit code, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something broke on the way.
    Failed,
    /// The command line asks for something that does not exist or does not fit together.
    Usage,
    /// A guard refused; nothing was written.
    Refused,
    /// A system cannot be reached, or does not accept the credentials.
    Connection,
}

impl Kind {
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Connection => 4,
        }
    }
}

/// One failure, told in full: what happened, why, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub kind: Kind,
    /// What happened, to which thing: one sentence without a full stop.
    pub what: String,
    /// Why, in the words of whoever noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The next command or key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The plan that a guard holds, where that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// The result of a command.
pub type Outcome<T = Exit> = Result<T, Report>;

impl Report {
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), cause: None, hint: None, plan: None }
    }

    #[must_use]
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Kind::Failed, what)
    }

    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    #[must_use]
    pub fn refused(what: impl Into<String>) -> Self {
        Self::new(Kind::Refused, what)
    }

    #[must_use]
    pub fn connection(what: impl Into<String>) -> Self {
        Self::new(Kind::Connection, what)
    }

    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn with_plan(mut self, hash: impl Into<String>) -> Self {
        self.plan = Some(hash.into());
        self
    }

    /// The object that `--json` puts on stdout in place of a result.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "error": self, "exit": self.kind.exit_code() })
    }
}

/// As a person reads it, free of control characters.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", lines(&self.what))?;
        if let Some(cause) = &self.cause {
            write!(f, "\n  why:  {}", lines(cause))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  next: {}", lines(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

/// Keeps line breaks, takes the sting out of everything else; causes may quote a remote system.
fn lines(text: &str) -> String {
    text.trim().lines().map(printable).collect::<Vec<_>>().join("\n        ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_keeps_its_exit_code() {
        let table = [(Kind::Failed, 1), (Kind::Usage, 2), (Kind::Refused, 3), (Kind::Connection, 4)];
        for (kind, code) in table {
            assert_eq!(kind.exit_code(), code, "{kind:?}");
        }
        assert_eq!((Exit::Done.code(), Exit::NeedsPerson.code()), (0, 5));
    }

    #[test]
    fn a_report_says_what_why_and_what_next() {
        let report = Report::failed("the workspace `acme` cannot be opened").because("no such file").hint("init it");
        assert_eq!(
            report.to_string(),
            "error: the workspace `acme` cannot be opened\n  why:  no such file\n  next: init it"
        );
    }

    #[test]
    fn a_remote_text_in_a_cause_cannot_reach_the_terminal_as_a_command() {
        let text = Report::failed("x").because("a\u{1b}[2Jb\nc").to_string();
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.contains("[2Jb\n        c"), "{text:?}");
    }

    #[test]
    fn json_carries_kind_exit_code_and_plan() {
        let json = Report::refused("held").with_plan("abc").to_json();
        assert_eq!(json["error"]["kind"], "refused");
        assert_eq!(json["error"]["plan"], "abc");
        assert_eq!(json["exit"], 3);
        assert!(json["error"].get("hint").is_none());
    }
}
