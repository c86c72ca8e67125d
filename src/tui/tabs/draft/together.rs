//! Somebody else changed the configuration while this console did: both in one draft, and how that is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::source::{ConfigSource, Current, Version};
use crate::mapping::merge::{Clash, Merged, Side, three_way};
use crate::mapping::{Change, Config, diff};
use crate::model::Timestamp;
use crate::tui::overlay::Command;
use crate::tui::world::SourceError;
use crate::view::format;

/// Changed settings that are named.
const NAMED: usize = 2;

/// What this console had seen, and what it made of that.
#[derive(Debug, Clone)]
pub struct Ours {
    /// The state of the configuration that was changed, with its number; none where there was none.
    pub base: Option<(u64, Arc<Config>)>,
    pub mine: Arc<Config>,
}

/// Both changes in one.
#[derive(Debug)]
pub struct Together {
    pub ours: Ours,
    pub current: Current,
    /// Where both changed the same, theirs is in there.
    pub merged: Merged,
    /// One sentence for the person.
    pub told: String,
}

/// Merges. Where both changed the same, ours is kept in the history first. Blocks.
///
/// # Errors
/// When the history cannot be written, or by a mistake of the merge; then nothing is to be changed.
pub fn together(
    source: &dyn ConfigSource,
    ours: Ours,
    current: Current,
    now: Timestamp,
) -> Result<Together, SourceError> {
    let Some(theirs) = &current.version else {
        // nothing is there any more: ours is the first again
        let merged = Merged { config: Config::clone(&ours.mine), clashes: Vec::new() };
        let told = "The draft was thrown away meanwhile; yours is a new one.".to_owned();
        return Ok(Together { ours, current, merged, told });
    };
    let seen = ours.base.as_ref().map_or(0, |(edit, _)| *edit);
    let thrown_away = !current.is_draft && theirs.edit < seen;
    // nobody wants what is deployed in place of ours, where it is only what was left
    let side = if thrown_away { Side::Mine } else { Side::Theirs };
    let mut merged = merge(&ours, &theirs.config, |_| side)?;
    if thrown_away {
        merged.clashes.clear();
    }
    if !merged.clashes.is_empty() {
        source.set_aside(&ours.mine, now)?;
    }
    let told = told(&ours, theirs, current.is_draft, merged.clashes.len());
    Ok(Together { ours, current, merged, told })
}

/// # Errors
/// By a mistake of the merge.
pub fn merge(ours: &Ours, theirs: &Config, choose: impl Fn(&str) -> Side) -> Result<Merged, SourceError> {
    let nothing = Config { objects: Vec::new(), ..ours.mine.as_ref().clone() };
    let base = ours.base.as_ref().map_or(&nothing, |(_, base)| base);
    three_way(base, &ours.mine, theirs, choose).map_err(|error| SourceError(error.to_string()))
}

fn told(ours: &Ours, theirs: &Version, is_draft: bool, clashes: usize) -> String {
    let (seen, changes) =
        ours.base.as_ref().map_or((0, Vec::new()), |(edit, base)| (*edit, diff(base, &theirs.config)));
    let (who, what) = (&theirs.author, in_words(&changes));
    if clashes > 0 {
        return format!("{who} changed {what} as well: theirs is in the draft.");
    }
    match (is_draft, changes.is_empty()) {
        (true, true) => format!("{who} saved the draft meanwhile; yours is in there as well."),
        (true, false) => format!("{who} changed {what} meanwhile; both are in the draft."),
        (false, true) => "The draft was deployed meanwhile; yours is a new one.".to_owned(),
        (false, false) if theirs.edit > seen => {
            format!("{who} changed {what} and deployed it; yours is in a new draft.")
        }
        (false, false) => "The draft was thrown away meanwhile; yours is a new one.".to_owned(),
    }
}

/// `city, zip and 3 more`.
#[must_use]
pub fn in_words(changes: &[Change]) -> String {
    let mut seen = BTreeSet::new();
    let named: Vec<String> =
        changes.iter().map(|change| name(&change.path)).filter(|one| seen.insert(one.clone())).collect();
    let more = named.len().saturating_sub(NAMED);
    let first = named.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}

/// A field mapping by its HubSpot field, everything else by its path.
fn name(path: &str) -> String {
    let field = path.split_once('.').and_then(|(_, rest)| rest.split_once('~')).map(|(hubspot, _)| hubspot);
    field.unwrap_or(path).to_owned()
}

/// The choices where both changed the same.
#[must_use]
pub fn choices(clashes: &[Clash], who: &str) -> Vec<Command> {
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| format::NONE.to_owned());
    let choice = |clash: &Clash| Command {
        name: format!("take mine: {}", shown(&clash.mine)),
        doc: format!("{}, {who}'s is {}", clash.path, shown(&clash.theirs)),
        keys: String::new(),
        not_now: None,
    };
    clashes.iter().map(choice).collect()
}
