//! The filters that always apply, before anybody's own, and that are shown like them.
//! They look at one record alone; what depends on other records is the engine's.

use crate::mapping::Exclusions;
use crate::model::{ObjectKind, Record, System};

/// What a standard filter says: its text, whether the record passes, the value it looked at.
pub type StandardClause = (String, bool, String);

/// The fields that the standard filters look at: they must be read whether mapped or not.
#[must_use]
pub const fn fields(object: ObjectKind, system: System) -> &'static [&'static str] {
    match (object, system) {
        (ObjectKind::Company, System::HubSpot) => &["name", "domain"],
        (ObjectKind::Company, System::ConnectWise) => &["name", "website"],
        _ => &[],
    }
}

/// Every standard filter of the object, each with its answer, in a fixed order.
#[must_use]
pub fn clauses(object: ObjectKind, system: System, record: &Record, exclude: &Exclusions) -> Vec<StandardClause> {
    match object {
        ObjectKind::Company => company(system, record, exclude).into(),
        _ => vec![not_deleted(system, record), not_excluded(system, record, exclude)],
    }
}

/// The three filters of companies.
#[must_use]
pub fn company(system: System, record: &Record, exclude: &Exclusions) -> [StandardClause; 3] {
    [not_deleted(system, record), not_excluded(system, record, exclude), has_match_key(system, record)]
}

/// Both systems keep deleted companies for a while, in HubSpot's recycle bin or under ConnectWise's `deletedFlag`.
fn not_deleted(system: System, record: &Record) -> StandardClause {
    let value = if record.archived { format!("deleted in {system}") } else { format!("present in {system}") };
    ("not deleted".to_owned(), !record.archived, value)
}

/// The tenant's own company, and the catch-all that e-mail connectors put unknown senders on, are no customers.
/// Neither system marks them, so they are listed by id.
fn not_excluded(system: System, record: &Record, exclude: &Exclusions) -> StandardClause {
    let ids = match system {
        System::HubSpot => &exclude.hubspot,
        System::ConnectWise => &exclude.connectwise,
    };
    ("not on the exclusion list".to_owned(), !ids.contains(&record.id.0), format!("id {}", record.id))
}

/// Without a name and a web address nothing could ever find its partner, and every create would be blind.
fn has_match_key(system: System, record: &Record) -> StandardClause {
    let found = fields(ObjectKind::Company, system)
        .iter()
        .map(|field| record.value(field).to_plain().trim().to_owned())
        .find(|text| text.chars().any(char::is_alphanumeric));
    let address = match system {
        System::HubSpot => "domain",
        System::ConnectWise => "website",
    };
    (format!("has a name or a {address}"), found.is_some(), found.unwrap_or_else(|| "empty".to_owned()))
}
