//! Texts of the configuration by their names, and the line by which an exported file says what it was made of.

use super::super::args::ConfigText;
use super::newest;
use crate::error::{Outcome, Report};
use crate::store::Settings;
use crate::store::rows::{ConfigInfo, ConfigRow, ConfigState};

/// How the first line of an exported file begins.
const HEAD: &str = "# Lockstep configuration ";

/// A text with its name.
pub struct Text {
    /// `version 5`, `the draft`, `the draft 7.12`.
    pub name: String,
    pub body: String,
}

/// How people name a version; of a draft also which state of it.
#[must_use]
pub fn label(info: &ConfigInfo) -> String {
    match info.state {
        ConfigState::Draft | ConfigState::Tested => format!("{}.{}", info.version, info.edit),
        ConfigState::Deployed | ConfigState::Retired => info.version.to_string(),
    }
}

/// The same in a sentence: `version 7`, `the draft 7.12`.
#[must_use]
pub fn name(info: &ConfigInfo) -> String {
    match info.state {
        ConfigState::Draft | ConfigState::Tested => format!("the draft {}", label(info)),
        ConfigState::Deployed | ConfigState::Retired => format!("version {}", label(info)),
    }
}

/// The text of a version as a file.
#[must_use]
pub fn with_head(row: &ConfigRow) -> String {
    format!("{HEAD}{}.{}\n{}", row.info.version, row.info.edit, row.body)
}

/// What a file says that it was made of, and the file without that.
#[must_use]
pub fn head(text: &str) -> (Option<u64>, &str) {
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(rest) = bare.strip_prefix(HEAD) else { return (None, text) };
    let (line, rest) = rest.split_once('\n').unwrap_or((rest, ""));
    (line.trim().split_once('.').and_then(|(_, edit)| edit.parse().ok()), rest)
}

/// # Errors
/// When there is none of that name.
pub fn find(settings: &Settings, which: ConfigText) -> Outcome<Text> {
    let lacks = |what: String| Report::usage(what).hint("see them with `lockstep config history`");
    match which {
        ConfigText::Draft => {
            let row = settings.draft()?.ok_or(crate::store::StoreError::NoDraft)?;
            Ok(Text { name: "the draft".to_owned(), body: row.body })
        }
        ConfigText::Deployed => {
            let row = settings.deployed()?.ok_or_else(|| Report::refused("nothing is deployed yet"))?;
            Ok(Text { name: format!("version {}", row.info.version), body: row.body })
        }
        ConfigText::Version(version) => {
            let row = settings.version(version)?.ok_or_else(|| lacks(format!("there is no version {version}")))?;
            Ok(Text { name: format!("version {version}"), body: row.body })
        }
        ConfigText::Edit(version, edit) => {
            let found = settings.edit(edit)?.filter(|(of, _)| *of == version);
            let (_, body) = found.ok_or_else(|| lacks(format!("there is no draft {version}.{edit} any more")))?;
            Ok(Text { name: format!("the draft {version}.{edit}"), body })
        }
    }
}

/// The draft, or what is deployed where there is none.
///
/// # Errors
/// When there is neither.
pub fn current(settings: &Settings) -> Outcome<Text> {
    let row = newest(settings)?;
    let is_draft = matches!(row.info.state, ConfigState::Draft | ConfigState::Tested);
    let name = if is_draft { "the draft".to_owned() } else { format!("version {}", row.info.version) };
    Ok(Text { name, body: row.body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_was_made_of_and_any_other_first_line_is_left_alone() {
        assert_eq!(head("# Lockstep configuration 7.12\na = 1\n"), (Some(12), "a = 1\n"));
        assert_eq!(head("\u{feff}# Lockstep configuration 7.12\r\na = 1\n"), (Some(12), "a = 1\n"));
        assert_eq!(head("# Lockstep configuration of acme\na = 1\n"), (None, "a = 1\n"));
        assert_eq!(head("# ours\na = 1\n"), (None, "# ours\na = 1\n"));
        assert_eq!(head("# Lockstep configuration 7.12"), (Some(12), ""));
    }
}
