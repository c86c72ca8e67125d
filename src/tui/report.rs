//! An error as a person meets it: what happened, why, what to do next.

use crate::engine::core::command::Reply;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What happened, to what, as a sentence.
    pub what: String,
    /// Why, in the words of whoever refused.
    pub cause: Option<String>,
    /// The next step.
    pub hint: String,
}

impl Report {
    #[must_use]
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), cause: None, hint: hint.into() }
    }

    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The refusal in a reply; none when the engine agreed.
    #[must_use]
    pub fn of_reply(reply: &Reply) -> Option<Self> {
        match reply {
            Reply::Accepted | Reply::Pushed(_) | Reply::Undone(_) => None,
            Reply::Refused { reason, hint } => Some(Self::new(reason.clone(), hint.clone())),
        }
    }
}
