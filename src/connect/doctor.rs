//! What the doctor asks of a connector, and what it is told: one vocabulary for both systems.

use crate::model::ObjectKind;

/// What the deployed configuration does with one object in one system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    pub object: ObjectKind,
    pub reads: bool,
    pub creates: bool,
    pub updates: bool,
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
}
