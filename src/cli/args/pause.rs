//! `lockstep pause` and `lockstep resume`: what is not written for a while.

use clap::Args;

use super::{Side, object_parser};
use crate::model::{ObjectKind, PauseScope};

/// Characters of a note: it stands in every list.
const LONGEST_NOTE: usize = 200;

#[derive(Debug, Args)]
pub struct PauseArgs {
    #[command(flatten)]
    pub what: PauseWhat,
    /// Why, for everybody who wonders
    #[arg(long, value_name = "TEXT", value_parser = note)]
    pub note: Option<String>,
    /// Show what is paused, and change nothing
    #[arg(long, conflicts_with_all = ["object", "to", "note"])]
    pub list: bool,
}

#[derive(Debug, Args)]
pub struct Resume {
    #[command(flatten)]
    pub what: PauseWhat,
}

/// What a pause is about; without anything, all that Lockstep writes.
#[derive(Debug, Args)]
pub struct PauseWhat {
    /// Only this kind of record
    #[arg(value_name = "OBJECT", value_parser = object_parser())]
    pub object: Option<ObjectKind>,
    /// Only what is written to this system
    #[arg(long, value_name = "SYSTEM")]
    pub to: Option<Side>,
}

impl PauseWhat {
    #[must_use]
    pub fn scope(&self) -> PauseScope {
        PauseScope::new(self.object, self.to.map(Into::into))
    }
}

fn note(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("a note says something; leave it out otherwise".to_owned()),
        _ if text.chars().any(char::is_control) => Err("a note is one line of plain text".to_owned()),
        length if length > LONGEST_NOTE => Err(format!("a note has {LONGEST_NOTE} characters at most")),
        _ => Ok(text.to_owned()),
    }
}
