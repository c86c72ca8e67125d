//! What a system insists on when a record is made, and by which fields people know a record.

use super::references::{
    ACTIVITY_COMPANIES, ALL_CONTACTS, CONTACT_COMPANY, DEAL_COMPANY, DEAL_OF_LINE, MEETING_START, NOTES_OR_NAME,
    TICKET_COMPANY,
};
use super::rich_text::text_of;
use super::stages::BOARD_AND_STATUS;
use crate::model::{ObjectKind, Record, System};

/// One thing a new record must have: a value in at least one of these fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    pub any_of: &'static [&'static str],
    /// What it is, in words: `a name or a domain`.
    pub what: &'static str,
    pub asked_by: AskedBy,
}

/// Who takes no record without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedBy {
    /// The system: it refuses the record.
    System,
    /// Lockstep alone: the system would take the record, but nobody could recognise or place it.
    Lockstep,
}

const fn refused(any_of: &'static [&'static str], what: &'static str) -> Need {
    Need { any_of, what, asked_by: AskedBy::System }
}

const fn unwanted(any_of: &'static [&'static str], what: &'static str) -> Need {
    Need { any_of, what, asked_by: AskedBy::Lockstep }
}

/// What no new record of `system` is made without: what the system itself insists on, and what Lockstep does, because a
/// record that nobody could recognise, a child without its parent, or a record in a place that no mapping chose is not
/// made.
#[must_use]
pub const fn needs(object: ObjectKind, system: System) -> &'static [Need] {
    match system {
        System::HubSpot => hubspot(object),
        System::ConnectWise => connectwise(object),
    }
}

/// What a person does about a new record that gives nothing of it.
#[must_use]
pub fn remedy(need: &Need) -> &'static str {
    match need.any_of {
        ["assignTo"] => {
            "Give it an owner who has a partner, or name a member for what has none: `default = { connectwise = \"ID\" }` of \
             hubspot_owner_id~assignTo."
        }
        _ => "Fill it in, or map a field that holds it.",
    }
}

/// Why nothing of an object is ever written to a system; none where it is.
#[must_use]
pub const fn only_read(object: ObjectKind, system: System) -> Option<&'static str> {
    match (object, system) {
        (ObjectKind::Product, System::ConnectWise) => {
            Some("purchasing, agreements and invoices are made of its catalog, which belongs to those who keep it")
        }
        (ObjectKind::LineItem, System::ConnectWise) => {
            Some("quotes, orders and forecasts are made of them, which belong to those who make these")
        }
        _ => None,
    }
}

/// References that a new record is not made without where its counterpart has them, though the system would take it:
/// what came later would not be made up for.
#[must_use]
pub const fn awaited(object: ObjectKind, system: System) -> &'static [&'static str] {
    match (object, system) {
        // HubSpot takes over from the product what a line item does not say itself, and only when it is made.
        (ObjectKind::LineItem, System::HubSpot) => &["hs_product_id"],
        // Whoever opens the company looks for what was done with it.
        (ObjectKind::Note | ObjectKind::Task | ObjectKind::Call | ObjectKind::Meeting, system) => match system {
            System::HubSpot => &[ACTIVITY_COMPANIES],
            System::ConnectWise => &["company"],
        },
        _ => &[],
    }
}

/// Whether a record says that it is in use no more, where that keeps it out: the field that tells.
#[must_use]
pub const fn retired(object: ObjectKind, system: System) -> Option<&'static str> {
    match (object, system) {
        (ObjectKind::Product, System::ConnectWise) => Some("inactiveFlag"),
        _ => None,
    }
}

/// What an activity is about.
const OF_WHOM: Need = unwanted(&[ACTIVITY_COMPANIES, ALL_CONTACTS], "a company or a contact");
const WHEN: Need = refused(&["hs_timestamp"], "a time");

/// HubSpot's guides disagree on contacts, and say nothing of products and line items. The time of a meeting is its start.
const fn hubspot(object: ObjectKind) -> &'static [Need] {
    match object {
        ObjectKind::Company => const { &[refused(&["name", "domain"], "a name or a domain")] },
        ObjectKind::Contact => {
            const {
                &[
                    unwanted(&["email", "firstname", "lastname"], "an e-mail address or a name"),
                    unwanted(&[CONTACT_COMPANY], "a company"),
                ]
            }
        }
        ObjectKind::Deal => {
            const {
                &[
                    refused(&["dealname"], "a name"),
                    refused(&["dealstage"], "a stage"),
                    unwanted(&[DEAL_COMPANY], "a company"),
                ]
            }
        }
        ObjectKind::Ticket => {
            const {
                &[
                    refused(&["subject"], "a subject"),
                    // It insists on the pipeline, too, which the connection writes beside the stage.
                    refused(&["hs_pipeline_stage"], "a stage"),
                    unwanted(&[TICKET_COMPANY], "a company"),
                ]
            }
        }
        ObjectKind::Note => const { &[WHEN, unwanted(&["hs_note_body"], "a text"), OF_WHOM] },
        ObjectKind::Task => const { &[WHEN, unwanted(&["hs_task_subject"], "a title"), OF_WHOM] },
        ObjectKind::Call => const { &[WHEN, OF_WHOM] },
        ObjectKind::Meeting => const { &[unwanted(&[MEETING_START], "a start"), OF_WHOM] },
        ObjectKind::Product => const { &[unwanted(&["name", "hs_sku"], "a name or an SKU")] },
        ObjectKind::LineItem => {
            const { &[unwanted(&[DEAL_OF_LINE], "a deal"), unwanted(&["name", "hs_product_id"], "a name or a product")] }
        }
    }
}

/// Products and line items are only read in ConnectWise.
const fn connectwise(object: ObjectKind) -> &'static [Need] {
    match object {
        ObjectKind::Company => const { &[refused(&["name"], "a name")] },
        ObjectKind::Contact => {
            const { &[refused(&["firstName"], "a first name"), unwanted(&["company"], "a company")] }
        }
        ObjectKind::Deal => {
            const {
                &[
                    refused(&["name"], "a name"),
                    refused(&["primarySalesRep"], "a sales rep"),
                    refused(&["company"], "a company"),
                    refused(&["contact"], "a contact"),
                    // Only named as required for updates; what a create without it becomes is told nowhere.
                    unwanted(&["expectedCloseDate"], "an expected close date"),
                ]
            }
        }
        ObjectKind::Ticket => {
            const {
                &[
                    refused(&["summary"], "a summary"),
                    refused(&["company"], "a company"),
                    // Without them a ticket lands wherever the defaults of the API member say.
                    unwanted(&[BOARD_AND_STATUS], "a board and a status"),
                ]
            }
        }
        ObjectKind::Note | ObjectKind::Task | ObjectKind::Call | ObjectKind::Meeting => {
            const {
                &[
                    refused(&["name"], "a name"),
                    refused(&["assignTo"], "a member whom it is assigned to"),
                    unwanted(&["company", "contact"], "a company or a contact"),
                ]
            }
        }
        ObjectKind::Product | ObjectKind::LineItem => &[],
    }
}

/// Whether `system` refuses every new record that lacks this very field.
#[must_use]
pub fn is_required(object: ObjectKind, system: System, field: &str) -> bool {
    needs(object, system).iter().any(|need| need.asked_by == AskedBy::System && need.any_of == [field])
}

/// Why a value of this field is given to a new record of `system` alone; none where it is compared like others.
///
/// ConnectWise makes notes of the texts that a ticket starts with. A note has no title in HubSpot.
#[must_use]
pub fn given_once(object: ObjectKind, system: System, field: &str) -> Option<&'static str> {
    match (object, system, field) {
        (
            ObjectKind::Ticket,
            System::ConnectWise,
            "initialDescription" | "initialInternalAnalysis" | "initialResolution",
        ) => Some("ConnectWise takes it with a new ticket alone, and shows it nowhere"),
        (ObjectKind::Note, System::ConnectWise, "name") => {
            Some("a new activity is named by how its note begins, and keeps its name")
        }
        _ => None,
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
        (ObjectKind::Note, System::HubSpot) => of(&[NOTE_BODY], &[]),
        (ObjectKind::Note, System::ConnectWise) => of(&[NOTES_OR_NAME], &[]),
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
    name_from(object, system, |field| record.value(field).to_plain())
}

/// The same of what a record holds in plain text, field by field.
#[must_use]
pub fn name_from(object: ObjectKind, system: System, plain: impl Fn(&str) -> String) -> Option<String> {
    let naming = naming(object, system);
    let value = |field: &&str| {
        let text = plain(field);
        let text = if *field == NOTE_BODY { text_of(&text) } else { text };
        Some(begins(object, text)).filter(|text| !text.trim().is_empty())
    };
    let together: Vec<String> = naming.together.iter().filter_map(value).collect();
    if together.is_empty() { naming.otherwise.iter().find_map(value) } else { Some(together.join(" ")) }
}

/// The text of a HubSpot note, with markup.
const NOTE_BODY: &str = "hs_note_body";

/// A note is called by how it begins.
fn begins(object: ObjectKind, text: String) -> String {
    const LENGTH: usize = 60;
    let line = text.trim().lines().next().unwrap_or_default();
    match object {
        ObjectKind::Note if line.chars().count() > LENGTH => line.chars().take(LENGTH - 1).chain(['…']).collect(),
        ObjectKind::Note => line.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fields, RecordId, Timestamp, Value};

    fn record(fields: &[(&str, &str)]) -> Record {
        let fields: Fields = fields.iter().map(|(name, text)| ((*name).into(), Value::text(*text))).collect();
        Record::new(RecordId(1), Timestamp::EPOCH, fields)
    }

    #[test]
    fn a_field_is_required_where_nothing_else_can_take_its_place_and_the_system_insists() {
        let table = [
            (ObjectKind::Company, System::HubSpot, "name", false),
            (ObjectKind::Company, System::ConnectWise, "name", true),
            (ObjectKind::Contact, System::HubSpot, CONTACT_COMPANY, false),
            (ObjectKind::Contact, System::ConnectWise, "company", false),
            (ObjectKind::Deal, System::HubSpot, "dealstage", true),
            (ObjectKind::Deal, System::ConnectWise, "contact", true),
            (ObjectKind::Deal, System::ConnectWise, "expectedCloseDate", false),
            (ObjectKind::Ticket, System::HubSpot, "hs_pipeline_stage", true),
            (ObjectKind::Ticket, System::ConnectWise, BOARD_AND_STATUS, false),
            (ObjectKind::Task, System::HubSpot, "hs_timestamp", true),
            (ObjectKind::Task, System::HubSpot, "hs_task_subject", false),
            (ObjectKind::Meeting, System::ConnectWise, "assignTo", true),
        ];
        for (object, system, field, expected) in table {
            assert_eq!(is_required(object, system, field), expected, "{object} {system} {field}");
        }
    }

    #[test]
    fn a_child_of_a_company_is_made_in_hubspot_with_its_company_alone() {
        for object in ObjectKind::ALL {
            let asks = |name| needs(object, System::HubSpot).iter().any(|need| need.any_of == [name]);
            assert!(crate::mapping::references::primary_company(object).is_none_or(asks), "{object}");
        }
    }

    #[test]
    fn a_note_is_called_by_how_it_begins() {
        let name = |body: &str| name_of(ObjectKind::Note, System::HubSpot, &record(&[("hs_note_body", body)]));
        assert_eq!(name("<p>Ask for <b>Ida</b>.</p><p>Not for Bo.</p>").as_deref(), Some("Ask for Ida."));
        let long = name(&"word ".repeat(40)).unwrap_or_default();
        assert!(long.chars().count() == 60 && long.ends_with('…'), "{long}");
        assert_eq!(name("<p> </p>"), None);
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
