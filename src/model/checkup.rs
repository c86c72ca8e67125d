//! What the doctor saw when it looked last: findings, and what each system lets Lockstep do.

use serde::{Deserialize, Serialize};

use super::{ObjectKind, System, Timestamp};

/// How much a finding matters. Declared from grave to harmless, the order on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    Problem,
    Warning,
    Fine,
}

impl Grade {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
            Self::Fine => "fine",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    pub grade: Grade,
    /// None: about the configuration or this machine.
    pub system: Option<System>,
    /// None: about the connection as a whole.
    pub object: Option<ObjectKind>,
    pub what: String,
    /// What comes of it, where that is more than `what` says.
    #[serde(default)]
    pub hurts: Vec<String>,
    /// Empty where there is nothing to do.
    #[serde(default)]
    pub remedy: String,
}

/// What is done with records of one system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    Read,
    Create,
    Update,
}

impl Verb {
    pub const ALL: [Self; 3] = [Self::Read, Self::Create, Self::Update];
}

/// Whether a system allows it. Declared from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    Allowed,
    /// The answer said nothing about it.
    Unclear,
    Denied,
}

/// What one system lets Lockstep do with one object. None: it was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Access {
    #[serde(default)]
    pub read: Option<Right>,
    #[serde(default)]
    pub create: Option<Right>,
    #[serde(default)]
    pub update: Option<Right>,
}

impl Access {
    #[must_use]
    pub const fn of(&self, verb: Verb) -> Option<Right> {
        match verb {
            Verb::Read => self.read,
            Verb::Create => self.create,
            Verb::Update => self.update,
        }
    }

    /// Takes in what one try showed: of several, the worst counts.
    pub fn note(&mut self, verb: Verb, right: Right) {
        let known = match verb {
            Verb::Read => &mut self.read,
            Verb::Create => &mut self.create,
            Verb::Update => &mut self.update,
        };
        *known = (*known).max(Some(right));
    }
}

/// [`Access`] with what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectAccess {
    pub system: System,
    pub object: ObjectKind,
    pub access: Access,
}

/// All that was seen at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkup {
    pub at: Timestamp,
    pub findings: Vec<Checked>,
    /// Of a system that could not be spoken to there is none.
    #[serde(default)]
    pub access: Vec<ObjectAccess>,
}

impl Checkup {
    #[must_use]
    pub fn access(&self, system: System, object: ObjectKind) -> Option<Access> {
        self.access.iter().find(|of| (of.system, of.object) == (system, object)).map(|of| of.access)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_tries_the_worst_counts() {
        let mut access = Access::default();
        assert_eq!(access.of(Verb::Read), None);
        access.note(Verb::Read, Right::Allowed);
        access.note(Verb::Read, Right::Denied);
        access.note(Verb::Read, Right::Unclear);
        access.note(Verb::Update, Right::Allowed);
        assert_eq!(Verb::ALL.map(|verb| access.of(verb)), [Some(Right::Denied), None, Some(Right::Allowed)]);
    }
}
