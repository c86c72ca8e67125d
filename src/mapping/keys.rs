//! Match keys and stamps: by what a record finds its partner.

use super::MatchBy;
use super::normalise::{match_value, normalise_as, without_markup};
use super::references::{self, day_field, referring_key, refers_to};
use super::rules::ObjectRules;
use crate::model::{FieldKind, ObjectKind, Record, RecordId, System, Value};

/// The key of a match rule for one record, as `rule:value`. None under a rule that lacks one of its fields: what is still
/// known of the other one recognises nobody.
#[must_use]
pub fn match_key(rules: &ObjectRules, rule: usize, system: System, record: &Record) -> Option<String> {
    if rules.lacks.of_rule(rule).is_some() {
        return None;
    }
    let rule = rules.mapping.matching.get(rule)?;
    let held = record.value(rule.field(system).as_str());
    let has_markup = system == System::HubSpot && rules.is_rich_text(rule);
    let value = if has_markup { match_value(rule.by, &without_markup(held)) } else { match_value(rule.by, held) }?;
    let value: String = value.chars().take(LONGEST_KEY).collect();
    let day = match rule.by {
        MatchBy::CompanyText if rules.mapping.object.is_activity() => format!("@{}", day_of(rules, system, record)?),
        _ => String::new(),
    };
    Some(format!("{}~{}:{value}{day}", rule.hubspot, rule.connectwise))
}

/// Characters of a text that tell it from others.
const LONGEST_KEY: usize = 255;

/// The day on which an activity happens, in UTC; none where it tells none.
fn day_of(rules: &ObjectRules, system: System, record: &Record) -> Option<String> {
    let told = record.value(day_field(rules.mapping.object, system)?);
    match normalise_as(FieldKind::DateTime, told) {
        Value::DateTime(time) => match normalise_as(FieldKind::Date, &Value::text(time.to_rfc3339())) {
            Value::Date(day) => Some(day.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// All keys under which a record can be found: by its match rules, by the records it points to, and by the company
/// identifier of ConnectWise.
#[must_use]
pub fn all_keys(rules: &ObjectRules, system: System, record: &Record) -> Vec<String> {
    let mut keys: Vec<String> =
        (0..rules.mapping.matching.len()).filter_map(|rule| match_key(rules, rule, system, record)).collect();
    if system == System::ConnectWise
        && let Some(identifier) = match_value(MatchBy::Text, record.value(IDENTIFIER))
    {
        keys.push(identifier_key(&identifier));
    }
    for field in &rules.mapping.fields {
        let Some(parent) = refers_to(field.kind) else { continue };
        let parents = references::ids(record.value(field.field(system).as_str()));
        keys.extend(parents.into_iter().map(|id| referring_key(parent, id)));
    }
    keys.sort();
    keys.dedup();
    keys
}

/// The field that ConnectWise calls Company ID.
pub const IDENTIFIER: &str = "identifier";

/// The key under which a ConnectWise company identifier is found.
#[must_use]
pub fn identifier_key(identifier: &str) -> String {
    format!("{IDENTIFIER}:{}", identifier.to_lowercase())
}

/// The key under which a record is found that its system shows as merged into another, until that is followed.
#[must_use]
pub fn merged_key(into: RecordId) -> String {
    format!("merged into:{into}")
}

/// What a record's partner carries: `company:4021`.
#[must_use]
pub fn stamp_of(object: ObjectKind, id: RecordId) -> String {
    format!("{}:{id}", object.key())
}

/// The id in a stamp; none where the text is not one, or of another object.
#[must_use]
pub fn id_of_stamp(object: ObjectKind, stamp: &str) -> Option<RecordId> {
    stamp.trim().strip_prefix(object.key())?.strip_prefix(':')?.parse().ok()
}

/// Whether HubSpot sees to it that no two records of an object carry the same stamp. It has unique properties for these
/// objects only: of the others a copy made a moment ago can be missed by a look-up, and nothing refuses a second one.
#[must_use]
pub const fn stamps_are_unique(object: ObjectKind) -> bool {
    matches!(object, ObjectKind::Company | ObjectKind::Contact | ObjectKind::Deal | ObjectKind::Ticket)
}

/// A company identifier from a name: upper-case letters and digits, at most 25, the `number`th (from 0) for that name.
#[must_use]
pub fn identifier_from(name: &str, number: u32) -> String {
    let suffix = if number == 0 { String::new() } else { (number + 1).to_string() };
    let letters: String = name.chars().flat_map(char::to_uppercase).filter(char::is_ascii_alphanumeric).collect();
    let letters = if letters.is_empty() { "COMPANY".to_owned() } else { letters };
    let room = 25 - suffix.len();
    format!("{}{suffix}", letters.chars().take(room).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_short_upper_case_and_numbered() {
        assert_eq!(identifier_from("Acme Dental Group, Inc.", 0), "ACMEDENTALGROUPINC");
        assert_eq!(identifier_from("Acme Dental Group, Inc.", 1), "ACMEDENTALGROUPINC2");
        assert_eq!(identifier_from("The Extraordinarily Long Name Company", 10).len(), 25);
        assert_eq!(identifier_from("日本語", 0), "COMPANY");
    }

    #[test]
    fn a_stamp_names_object_and_id() {
        let stamp = stamp_of(ObjectKind::Company, RecordId(4021));
        assert_eq!(id_of_stamp(ObjectKind::Company, &stamp), Some(RecordId(4021)));
        assert_eq!(id_of_stamp(ObjectKind::Contact, &stamp), None);
        assert_eq!(id_of_stamp(ObjectKind::Company, "company:abc"), None);
    }
}
