//! The filters that always apply, before anybody's own, and that are shown like them.
//! They look at one record alone; what depends on other records is the engine's.

use std::collections::BTreeSet;

use super::eval::Answer;
use crate::mapping::ObjectMapping;
use crate::mapping::needs::retired;
use crate::mapping::references::refers_to;
use crate::model::{FieldName, ObjectKind, Record, System, Value, no_such_field};

/// What a standard filter says: its text, whether the record passes, the value it looked at or why it could not.
pub type StandardClause = (String, Answer, String);

/// The fields of a system that are not there any more: what is not there is not empty.
pub type Gone = BTreeSet<FieldName>;

/// The standard filters of a record that has no partner yet, each with its answer, in a fixed order.
#[must_use]
pub fn clauses(mapping: &ObjectMapping, system: System, record: &Record, gone: &Gone) -> Vec<StandardClause> {
    let mut clauses = of_linked(mapping, system, record, gone);
    clauses.extend(has_match_key(mapping, system, record, gone));
    clauses
}

/// The standard filters of a record that has its partner: whom it belongs to is settled, whatever becomes of its keys.
#[must_use]
pub fn of_linked(mapping: &ObjectMapping, system: System, record: &Record, gone: &Gone) -> Vec<StandardClause> {
    let mut clauses = vec![not_deleted(system, record), not_excluded(mapping, system, record)];
    clauses.extend(has_company(mapping, system, record, gone));
    clauses.extend(in_use(mapping, system, record, gone));
    clauses
}

/// Whether a record can be the partner of another at all. One that belongs to no company may be: its partner tells which.
#[must_use]
pub fn may_be_recognised(mapping: &ObjectMapping, system: System, record: &Record) -> bool {
    Answer::all([not_deleted(system, record).1, not_excluded(mapping, system, record).1]) == Answer::Pass
}

/// Both systems keep deleted companies for a while, in HubSpot's recycle bin or under ConnectWise's `deletedFlag`.
fn not_deleted(system: System, record: &Record) -> StandardClause {
    let value = if record.archived { format!("deleted in {system}") } else { format!("present in {system}") };
    ("not deleted".to_owned(), (!record.archived).into(), value)
}

/// The tenant's own company, and the catch-all that e-mail connectors put unknown senders on, are no customers.
/// Neither system marks them, so they are listed by id.
fn not_excluded(mapping: &ObjectMapping, system: System, record: &Record) -> StandardClause {
    let ids = match system {
        System::HubSpot => &mapping.exclude.hubspot,
        System::ConnectWise => &mapping.exclude.connectwise,
    };
    ("not on the exclusion list".to_owned(), (!ids.contains(&record.id.0)).into(), format!("id {}", record.id))
}

/// What was done with nobody that is known has no place in the other system. A call with a person who belongs to no company
/// is a call all the same.
fn is_about_somebody(mapping: &ObjectMapping, system: System, record: &Record, gone: &Gone) -> Option<StandardClause> {
    let about = |kind| matches!(refers_to(kind), Some(ObjectKind::Company | ObjectKind::Contact));
    let names: Vec<&FieldName> =
        mapping.fields.iter().filter(|field| about(field.kind)).map(|field| field.field(system)).collect();
    let text = "has a company or a contact".to_owned();
    let told = names.iter().map(|name| record.value(name.as_str())).find(|value| !value.is_empty());
    let unknown = names.iter().find(|name| gone.contains(**name));
    Some(match (told, unknown) {
        _ if names.is_empty() => return None,
        (Some(value), _) => (text, Answer::Pass, value.to_plain()),
        (None, Some(name)) => (text, Answer::Undecided, no_such_field(system, mapping.object, name.as_str())),
        (None, None) => (text, Answer::Fail, "none".to_owned()),
    })
}

/// What belongs to a company has no place in the other system without one.
fn has_company(mapping: &ObjectMapping, system: System, record: &Record, gone: &Gone) -> Option<StandardClause> {
    if mapping.object.is_activity() {
        return is_about_somebody(mapping, system, record, gone);
    }
    let company = mapping.fields.iter().find(|field| refers_to(field.kind) == Some(ObjectKind::Company))?;
    let text = "has a company".to_owned();
    let name = company.field(system);
    if gone.contains(name) {
        return Some((text, Answer::Undecided, no_such_field(system, mapping.object, name.as_str())));
    }
    let value = record.value(name.as_str());
    let shown = if value.is_empty() { "none".to_owned() } else { value.to_plain() };
    Some((text, (!value.is_empty()).into(), shown))
}

/// What is sold no more is not offered anew; what was linked before rests as it is.
fn in_use(mapping: &ObjectMapping, system: System, record: &Record, gone: &Gone) -> Option<StandardClause> {
    let name = FieldName::new(retired(mapping.object, system)?);
    let text = "is active".to_owned();
    if gone.contains(&name) {
        return Some((text, Answer::Undecided, no_such_field(system, mapping.object, name.as_str())));
    }
    let retired = *record.value(name.as_str()) == Value::Bool(true);
    Some((text, (!retired).into(), format!("{name}: {}", if retired { "yes" } else { "no" })))
}

/// Without a value to be recognised by, nothing could ever find its partner, and every create would be blind. A line item
/// may go by its product alone, and a call needs no title.
fn has_match_key(mapping: &ObjectMapping, system: System, record: &Record, gone: &Gone) -> Option<StandardClause> {
    let keys: Vec<&FieldName> = mapping.matching.iter().map(|rule| rule.field(system)).collect();
    if keys.is_empty() || mapping.object == ObjectKind::LineItem || mapping.object.is_activity() {
        return None;
    }
    let found = keys
        .iter()
        .filter(|field| !gone.contains(**field))
        .map(|field| record.value(field.as_str()).to_plain().trim().to_owned())
        .find(|text| text.chars().any(char::is_alphanumeric));
    let names = keys.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(" or ");
    let text = format!("has a value to match by: {names}");
    let unknown = keys.iter().find(|field| gone.contains(**field));
    Some(match (found, unknown) {
        (Some(value), _) => (text, Answer::Pass, value),
        (None, Some(name)) => (text, Answer::Undecided, no_such_field(system, mapping.object, name.as_str())),
        (None, None) => (text, Answer::Fail, "empty".to_owned()),
    })
}
