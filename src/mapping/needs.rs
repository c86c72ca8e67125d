//! What a system insists on when a record is made, and by which fields people know a record.

use crate::model::{ObjectKind, Record, System};

/// One thing a new record must have: a value in at least one of these fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    pub any_of: &'static [&'static str],
    /// What it is, in words: `a name or a domain`.
    pub what: &'static str,
}

const fn need(any_of: &'static [&'static str], what: &'static str) -> Need {
    Need { any_of, what }
}

/// The reference of a HubSpot contact to its primary company.
pub const CONTACT_COMPANY: &str = "associatedcompanyid";

/// What `system` takes no new record without. HubSpot itself takes almost anything; a record that nobody could recognise
/// is not made there either, nor a child without its parent.
#[must_use]
pub const fn needs(object: ObjectKind, system: System) -> &'static [Need] {
    match (object, system) {
        (ObjectKind::Company, System::HubSpot) => const { &[need(&["name", "domain"], "a name or a domain")] },
        (ObjectKind::Company, System::ConnectWise) => const { &[need(&["name"], "a name")] },
        (ObjectKind::Contact, System::HubSpot) => {
            const {
                &[
                    need(&["email", "firstname", "lastname"], "an e-mail address or a name"),
                    need(&[CONTACT_COMPANY], "a company"),
                ]
            }
        }
        (ObjectKind::Contact, System::ConnectWise) => {
            const { &[need(&["firstName"], "a first name"), need(&["company"], "a company")] }
        }
        _ => &[],
    }
}

/// The fields by which people call a record: together, or the first that has a value.
struct Naming {
    together: &'static [&'static str],
    otherwise: &'static [&'static str],
}

const fn naming(object: ObjectKind, system: System) -> Naming {
    const fn of(together: &'static [&'static str], otherwise: &'static [&'static str]) -> Naming {
        Naming { together, otherwise }
    }
    match (object, system) {
        (ObjectKind::Company, System::HubSpot) => of(&["name"], &["domain"]),
        (ObjectKind::Contact, System::HubSpot) => of(&["firstname", "lastname"], &["email"]),
        (ObjectKind::Contact, System::ConnectWise) => of(&["firstName", "lastName"], &[]),
        (ObjectKind::Deal, System::HubSpot) => of(&["dealname"], &[]),
        (ObjectKind::Ticket, System::HubSpot) => of(&["subject"], &[]),
        (ObjectKind::Ticket, System::ConnectWise) => of(&["summary"], &[]),
        (ObjectKind::Note, System::HubSpot) => of(&["hs_note_body"], &[]),
        (ObjectKind::Task, System::HubSpot) => of(&["hs_task_subject"], &[]),
        (ObjectKind::Call, System::HubSpot) => of(&["hs_call_title"], &[]),
        (ObjectKind::Meeting, System::HubSpot) => of(&["hs_meeting_title"], &[]),
        (ObjectKind::LineItem, System::ConnectWise) => of(&["forecastDescription"], &[]),
        (ObjectKind::Product, System::ConnectWise) => of(&["description"], &["identifier"]),
        _ => of(&["name"], &[]),
    }
}

/// The fields that name a record: they are read whether mapped or not.
pub fn name_fields(object: ObjectKind, system: System) -> impl Iterator<Item = &'static str> {
    let naming = naming(object, system);
    naming.together.iter().chain(naming.otherwise).copied()
}

/// What people call a record; none where its fields say nothing.
#[must_use]
pub fn name_of(object: ObjectKind, system: System, record: &Record) -> Option<String> {
    let naming = naming(object, system);
    let value = |field: &&str| Some(record.value(field).to_plain()).filter(|text| !text.trim().is_empty());
    let together: Vec<String> = naming.together.iter().filter_map(value).collect();
    if together.is_empty() { naming.otherwise.iter().find_map(value) } else { Some(together.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fields, RecordId, Timestamp, Value};

    fn record(fields: &[(&str, &str)]) -> Record {
        let fields: Fields = fields.iter().map(|(name, text)| ((*name).into(), Value::text(*text))).collect();
        Record {
            id: RecordId(1),
            modified: Timestamp::EPOCH,
            archived: false,
            fields,
            stamp: None,
            merged: Vec::new(),
            modified_by: None,
        }
    }

    #[test]
    fn a_person_is_called_by_both_names_or_else_by_the_address() {
        let name = |fields: &[(&str, &str)]| name_of(ObjectKind::Contact, System::HubSpot, &record(fields));
        assert_eq!(name(&[("firstname", "Dana"), ("lastname", "Poe")]).as_deref(), Some("Dana Poe"));
        assert_eq!(name(&[("lastname", "Poe"), ("email", "d@poe.test")]).as_deref(), Some("Poe"));
        assert_eq!(name(&[("email", "d@poe.test"), ("firstname", " ")]).as_deref(), Some("d@poe.test"));
        assert_eq!(name(&[]), None);
    }
}
