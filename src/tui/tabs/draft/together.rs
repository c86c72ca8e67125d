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

/// The choices where both changed the same: theirs stays, or of one setting mine.
#[must_use]
pub fn choices(clashes: &[Clash], who: &str) -> Vec<Command> {
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| format::NONE.to_owned());
    let row = |name: String, doc: String| Command { name, doc, keys: String::new(), not_now: None };
    let mine = |clash: &Clash| {
        let doc = format!("{} in place of {who}'s {}", shown(&clash.mine), shown(&clash.theirs));
        row(format!("mine: {}", setting(&clash.path)), doc)
    };
    let theirs = row(format!("keep {who}'s"), "yours is in the history, which V lists".to_owned());
    std::iter::once(theirs).chain(clashes.iter().map(mine)).collect()
}

/// `city direction` of a field mapping, everything else by its path.
fn setting(path: &str) -> String {
    let field = path.split_once('~').and_then(|(_, rest)| rest.split_once('.')).map(|(_, setting)| setting);
    field.map_or_else(|| name(path), |setting| format!("{} {setting}", name(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_named_as_people_know_them() {
        assert_eq!(setting("company.city~city.direction"), "city direction");
        assert_eq!(setting("company.city~city"), "city");
        assert_eq!(setting("timing.poll"), "timing.poll");
        let change = |path: &str| Change { path: path.into(), before: None, after: None };
        let paths = [
            "company.city~city.wins",
            "company.city~city.direction",
            "company.zip~zip",
            "timing.poll",
            "guards.vanished",
        ];
        let changes: Vec<Change> = paths.map(change).into();
        assert_eq!(in_words(&changes), "city, zip and 2 more");
        assert_eq!(in_words(&changes[..2]), "city");
    }
}
