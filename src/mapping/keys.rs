//! Match keys and stamps: by what a record finds its partner.

use super::normalise::match_value;
use super::references::{self, referring_key, refers_to};
use super::rules::ObjectRules;
use crate::model::{ObjectKind, Record, RecordId, System};

/// The key of a match rule for one record, as `rule:value`. None under a rule that lacks one of its fields: what is still
/// known of the other one recognises nobody.
#[must_use]
pub fn match_key(rules: &ObjectRules, rule: usize, system: System, record: &Record) -> Option<String> {
    if rules.lacks.of_rule(rule).is_some() {
        return None;
    }
    let rule = rules.mapping.matching.get(rule)?;
    let value = match_value(rule.by, record.value(rule.field(system).as_str()))?;
    Some(format!("{}~{}:{value}", rule.hubspot, rule.connectwise))
}

/// All keys under which a record can be found: by its match rules, by the records it points to, and by the company
/// identifier of ConnectWise.
#[must_use]
pub fn all_keys(rules: &ObjectRules, system: System, record: &Record) -> Vec<String> {
    let mut keys: Vec<String> =
        (0..rules.mapping.matching.len()).filter_map(|rule| match_key(rules, rule, system, record)).collect();
    if system == System::ConnectWise
        && let Some(identifier) = match_value(super::MatchBy::Text, record.value(IDENTIFIER))
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
