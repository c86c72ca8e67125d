//! The versions of the configuration as a list, and what one changes against another.

use super::cell::{Cell, Line, Role, wrapped};
use super::format;
use super::table::Column;
use crate::mapping::Change;
use crate::model::{ConfigVersion, Timestamp};

/// Where a version, or a draft that ended, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Draft,
    Deployed,
    Retired,
    /// A draft that something else took the place of, and how.
    Ended(&'static str),
}

impl Standing {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Deployed => "deployed",
            Self::Retired => "retired",
            Self::Ended(how) => how,
        }
    }

    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Draft => Role::Wait,
            Self::Deployed => Role::Ok,
            Self::Retired => Role::Text,
            Self::Ended(_) => Role::Muted,
        }
    }
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    pub version: ConfigVersion,
    /// Names its text.
    pub edit: u64,
    pub standing: Standing,
    pub author: String,
    pub saved: Timestamp,
    /// When and by whom it was deployed, or else ended.
    pub deployed: Option<(Timestamp, String)>,
    pub ended_by: Option<String>,
    pub note: String,
}

/// The columns of the list.
pub const COLUMNS: [Column; 7] = [
    Column::fixed("version", 8),
    Column::fixed("state", 11),
    Column::fixed("saved", 7).right(),
    Column::flexible("by", 8, 1).at_most(20),
    Column::fixed("deployed", 8).right().from_width(64),
    Column::flexible("by", 8, 1).at_most(20).from_width(96),
    Column::flexible("note", 12, 4),
];

impl VersionRow {
    /// `7`, or `7.12` for a state of a draft.
    #[must_use]
    pub fn label(&self) -> String {
        match self.standing {
            Standing::Deployed | Standing::Retired => self.version.to_string(),
            Standing::Draft | Standing::Ended(_) => format!("{}.{}", self.version, self.edit),
        }
    }

    /// `version 7`, `the draft 7.12`.
    #[must_use]
    pub fn name(&self) -> String {
        let what = match self.standing {
            Standing::Deployed | Standing::Retired => "version",
            Standing::Draft | Standing::Ended(_) => "the draft",
        };
        format!("{what} {}", self.label())
    }

    /// The cells, in the order of [`COLUMNS`].
    #[must_use]
    pub fn cells(&self, now: Timestamp) -> Vec<Cell> {
        let deployed = self.deployed.as_ref();
        vec![
            Cell::strong(self.label()),
            Cell::new(self.standing.word(), self.standing.role()),
            Cell::muted(format::age_at(self.saved, now)),
            Cell::plain(&self.author),
            Cell::muted(deployed.map_or_else(|| format::NONE.to_owned(), |(at, _)| format::age_at(*at, now))),
            Cell::plain(deployed.map_or("", |(_, by)| by)),
            Cell::plain(&self.note),
        ]
    }

    /// Who did what when, in full.
    #[must_use]
    pub fn detail(&self, width: usize) -> Vec<Line> {
        let mut line = vec![Cell::strong(format::capitalised(&self.name()))];
        if self.standing != Standing::Draft {
            line.push(Cell::plain("  "));
            line.push(Cell::new(self.standing.word(), self.standing.role()));
        }
        if let Some(by) = &self.ended_by {
            line.push(Cell::plain(format!(" by {by}")));
        }
        line.push(Cell::muted(format!("   saved {} by ", format::moment(self.saved))));
        line.push(Cell::plain(&self.author));
        let mut lines = vec![line];
        if let Some((at, by)) = &self.deployed {
            let at = format::moment(*at);
            lines.push(vec![Cell::muted(format!("deployed {at} by ")), Cell::plain(by)]);
        }
        lines.extend(wrapped(&self.note, width).into_iter().map(|text| vec![Cell::plain(text)]));
        lines
    }
}

/// Changes to read, each whole.
#[must_use]
pub fn change_lines(changes: &[Change], width: usize) -> Vec<Line> {
    changes.iter().flat_map(|change| change_line(change, width)).collect()
}

/// One change as one line, of whatever length.
#[must_use]
pub fn change_cells(change: &Change) -> Line {
    let (mark, role, text) = change_parts(change);
    vec![Cell::new(mark, role), Cell::plain(text)]
}

fn change_line(change: &Change, width: usize) -> Vec<Line> {
    let (mark, role, text) = change_parts(change);
    let texts = wrapped(&text, width.saturating_sub(2)).into_iter().enumerate();
    texts.map(|(at, text)| vec![Cell::new(if at == 0 { mark } else { "  " }, role), Cell::plain(text)]).collect()
}

fn change_parts(change: &Change) -> (&'static str, Role, String) {
    let (mark, role) = match (&change.before, &change.after) {
        (None, _) => ("+ ", Role::Ok),
        (_, None) => ("- ", Role::Error),
        (Some(_), Some(_)) => ("~ ", Role::Wait),
    };
    let value = |text: &str| text.replace('\n', " ");
    let text = match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{}: {} → {}", change.path, value(before), value(after)),
        (Some(one), None) | (None, Some(one)) => format!("{}: {}", change.path, value(one)),
        (None, None) => change.path.clone(),
    };
    (mark, role, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::cell::line_text;

    fn row(standing: Standing) -> VersionRow {
        VersionRow {
            version: ConfigVersion(7),
            edit: 12,
            standing,
            author: "dana".into(),
            saved: Timestamp(1_795_170_000_000),
            deployed: None,
            ended_by: None,
            note: "as agreed\u{1b}[2J".into(),
        }
    }

    #[test]
    fn a_version_is_named_by_its_number_and_a_draft_by_its_state_as_well() {
        assert_eq!(row(Standing::Retired).name(), "version 7");
        assert_eq!(row(Standing::Draft).name(), "the draft 7.12");
        let ended = VersionRow { ended_by: Some("mia".into()), ..row(Standing::Ended("thrown away")) };
        let told = line_text(&ended.detail(80)[0]);
        assert!(told.starts_with("The draft 7.12  thrown away by mia   saved 20"), "{told}");
        assert!(!line_text(&ended.detail(80)[1]).contains('\u{1b}'));
    }

    #[test]
    fn a_long_change_is_broken_at_words_and_marked_once() {
        let change = |before: Option<&str>, after: Option<&str>| Change {
            path: "company.filters.to_hubspot".into(),
            before: before.map(Into::into),
            after: after.map(Into::into),
        };
        let long = "city = \"Ulm\"\nand not inactiveFlag and territory = \"South\"";
        let lines: Vec<_> = change_lines(&[change(None, Some(long))], 40).iter().map(|line| line_text(line)).collect();
        assert!(lines[0].starts_with("+ company.filters.to_hubspot: "), "{lines:?}");
        assert!(lines.len() > 1 && lines[1].starts_with("  "), "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 40), "{lines:?}");
        assert!(line_text(&change_lines(&[change(Some("a"), None)], 40)[0]).starts_with("- "));
    }
}
