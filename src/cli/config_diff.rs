//! What two configurations differ in, setting by setting, however their files are written.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Outcome, Report};
use crate::mapping::Config;

/// One setting that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Such as `object.company.field.phone~phoneNumber.direction`.
    pub setting: String,
    /// None where it is new.
    pub before: Option<String>,
    /// None where it is gone.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "~ {}: {before} → {after}", self.setting),
            (None, Some(after)) => write!(f, "+ {}: {after}", self.setting),
            (Some(before), None) => write!(f, "- {}: {before}", self.setting),
            (None, None) => write!(f, "  {}", self.setting),
        }
    }
}

/// All settings that differ, in the order of their names. Without a `before`, everything is new.
///
/// # Errors
/// When a configuration cannot be taken apart, which none that was read from a file refuses.
pub fn differences(before: Option<&Config>, after: &Config) -> Outcome<Vec<Change>> {
    let before = before.map(settings).transpose()?.unwrap_or_default();
    let after = settings(after)?;
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let change = |name: &String| {
        let (before, after) = (before.get(name).cloned(), after.get(name).cloned());
        (before != after).then(|| Change { setting: name.clone(), before, after })
    };
    Ok(names.into_iter().filter_map(change).collect())
}

fn settings(config: &Config) -> Outcome<BTreeMap<String, String>> {
    let tree = serde_json::to_value(config)
        .map_err(|error| Report::failed("the configuration cannot be compared").because(error))?;
    let mut found = BTreeMap::new();
    flatten("", &tree, &mut found);
    Ok(found)
}

fn flatten(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| flatten(&below(name), member, found)),
        Value::Array(items) if items.iter().all(Value::is_object) && !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                flatten(&below(&name_of(item).unwrap_or_else(|| (at + 1).to_string())), item, found);
            }
        }
        Value::Null => {}
        Value::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        other => {
            found.insert(path.to_owned(), other.to_string());
        }
    }
}

/// What an item of a list is called: its object, or its two fields. Its place in the list says nothing.
fn name_of(item: &Value) -> Option<String> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    if let Some(object) = text("object") {
        return Some(object.to_owned());
    }
    Some(format!("{}~{}", text("hubspot")?, text("connectwise")?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests of what must be there")]

    use super::*;
    use crate::mapping::{Direction, defaults};

    #[test]
    fn a_configuration_does_not_differ_from_itself() {
        let config = defaults::config();
        assert_eq!(differences(Some(&config), &config).unwrap(), []);
    }

    #[test]
    fn a_changed_direction_is_one_change_with_a_name() {
        let before = defaults::config();
        let mut after = before.clone();
        let field = &mut after.objects[0].fields[0];
        field.direction = match field.direction {
            Direction::Both => Direction::ToHubspot,
            _ => Direction::Both,
        };
        let key = field.key();
        let changes = differences(Some(&before), &after).unwrap();
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(changes[0].setting, format!("object.company.field.{key}.direction"));
    }

    #[test]
    fn a_field_in_another_place_of_the_file_is_no_change() {
        let before = defaults::config();
        let mut after = before.clone();
        after.objects[0].fields.reverse();
        assert_eq!(differences(Some(&before), &after).unwrap(), []);
    }

    #[test]
    fn a_removed_field_is_gone_with_all_its_settings() {
        let before = defaults::config();
        let mut after = before.clone();
        let removed = after.objects[0].fields.remove(0).key();
        let changes = differences(Some(&before), &after).unwrap();
        assert!(!changes.is_empty());
        assert!(changes.iter().all(|c| c.after.is_none() && c.setting.contains(removed.as_str())), "{changes:?}");
    }
}
