//! What the check says of a draft, and how it differs from what is deployed. Of a large configuration this takes a while,
//! so it is made once for each change, beside the UI.

use super::source::Book;
use crate::mapping::lint::{self, Finding};
use crate::mapping::{Change, diff};
use crate::model::ObjectKind;
use crate::view::mapping_table;

/// Of the draft as seen from one of its objects.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// What stands against deploying, or is worth a look, in this object.
    pub findings: Vec<Finding>,
    /// The same in all others, and of the configuration as a whole.
    pub elsewhere: Vec<Finding>,
    /// Which of both are new with the draft; all others stand against the deployed version as well.
    pub fresh: Vec<Finding>,
    /// Everything that differs from what is deployed.
    pub all: Vec<Change>,
    /// What differs besides the field mappings of this object: filters, guards, times, other objects.
    pub other: Vec<Change>,
    /// Field mappings of this object that differ, and all other settings that do.
    pub changes: usize,
}

impl Judged {
    #[must_use]
    pub fn of(book: &Book, object: ObjectKind) -> Self {
        let Some(config) = book.current() else { return Self::default() };
        let findings = lint::check_all(config, book.all_schemas());
        let fresh = fresh(book, &findings);
        let (findings, elsewhere) = findings.into_iter().partition(|finding| finding.object == Some(object));
        let deployed = book.deployed.as_ref().and_then(|deployed| deployed.config.object(object));
        let rows = config.object(object).map(|current| mapping_table::rows(current, deployed));
        let all = match (&book.draft, &book.deployed) {
            (Some(draft), Some(deployed)) => diff(&deployed.config, &draft.config),
            _ => Vec::new(),
        };
        let other = other_changes(&all, object);
        let changes = rows.map_or(0, |rows| mapping_table::changes(&rows)) + other.len();
        Self { findings, elsewhere, fresh, all, other, changes }
    }
}

/// What the check does not say of the deployed version.
fn fresh(book: &Book, findings: &[Finding]) -> Vec<Finding> {
    let deployed = book.deployed.as_ref().filter(|_| book.draft.is_some());
    let known = deployed.map_or_else(Vec::new, |deployed| lint::check_all(&deployed.config, book.all_schemas()));
    findings.iter().filter(|finding| !known.contains(finding)).cloned().collect()
}

fn other_changes(all: &[Change], object: ObjectKind) -> Vec<Change> {
    // changes of this object's field mappings have a `~` in their path, and are counted as mappings
    let here = format!("{}.", object.key());
    let listed = |path: &str| path.starts_with(&here) && path.contains('~');
    all.iter().filter(|change| !listed(&change.path)).cloned().collect()
}
