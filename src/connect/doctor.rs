//! What the doctor asks of a connector, and what it is told: one vocabulary for both systems.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::{ConnectError, Fault};
use crate::engine::core::request::Failure;
use crate::model::{Access, FieldName, ObjectKind, Right, Verb};

/// What the deployed configuration does with one object in one system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    pub object: ObjectKind,
    pub reads: bool,
    pub creates: bool,
    pub updates: bool,
    pub amount: Amount,
}

/// What is done with the amount of deals, which ConnectWise keeps beside them and under a right of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    Unmapped,
    Read,
    Written,
}

/// What a connector found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Examination {
    pub findings: Vec<Finding>,
    /// What was tried of each object, and whether it is allowed.
    pub access: BTreeMap<ObjectKind, Access>,
    /// Why the rest was not looked at; none where everything was.
    pub ended: Option<ConnectError>,
}

/// A pause that the doctor waits out; for a longer one it ends, and says so.
const SHORT_PAUSE: Duration = Duration::from_secs(10);

/// Whether a call was put off for so short that it is worth making again.
pub(super) fn is_worth_a_wait<T>(result: &Result<T, Fault>) -> bool {
    matches!(result, Err(Fault { failure: Failure::Throttled { retry_after, .. }, .. }) if *retry_after <= SHORT_PAUSE)
}

impl Examination {
    pub(super) fn note(&mut self, object: ObjectKind, verb: Verb, right: Right) {
        self.access.entry(object).or_default().note(verb, right);
    }
}

/// How much a finding matters. Declared from harmless to grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Looked at, and as it should be.
    Fine,
    /// Works, and may surprise somebody.
    Warning,
    /// Something that the configuration needs does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// What it is about; none for the connection as a whole.
    pub object: Option<ObjectKind>,
    /// What was found, as a whole sentence.
    pub what: String,
    /// What to do about it: names the scope, or the row and column of the security role. Empty where nothing is wrong.
    pub remedy: String,
    /// What it comes of, where other findings may come of the same.
    pub root: Option<Root>,
}

/// What a finding comes of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    pub cause: Cause,
    /// What does not work for it: `reading owners`.
    pub hurts: String,
}

/// The cause of a finding. What comes of one cause is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A right is missing.
    Right {
        /// `The scope tickets`, or row and column of a security role: `System / Table Setup / Inquire`.
        name: String,
        /// What the right must let in one by one: `Companies / Market`. The remedy names it in these words.
        part: Option<&'static str>,
    },
    /// A field of the finding's system and object is missing.
    Field(FieldName),
}
