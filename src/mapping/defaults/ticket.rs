//! Tickets, which ConnectWise calls service tickets, below their companies.

use super::{both_ways, by_label, connectwise_takes, pair, rule};
use crate::mapping::config::{
    AutoPairs, Defaults, Direction, FieldMapping, MatchBy, ObjectMapping, SystemOfRecord, Unmapped, ValueMap,
};
use crate::mapping::references::{ALL_CONTACTS, TICKET_COMPANY};
use crate::mapping::stages::{BOARD_AND_STATUS, Progress};
use crate::model::{FieldKind, FieldName, ObjectKind};

/// HubSpot's stages of a portal that never touched its pipeline, beside the names that boards usually give such a status.
/// New and closed are paired by themselves. A name that a board does not have simply finds nothing.
const STAGES: [(&str, &str); 2] = [("2", "Waiting Customer"), ("3", "In Progress")];

/// HubSpot's priorities beside those of a tenant that never renamed ConnectWise's.
const PRIORITIES: [(&str, &str); 4] = [
    ("URGENT", "Priority 1 - Critical"),
    ("HIGH", "Priority 2 - High"),
    ("MEDIUM", "Priority 3 - Medium"),
    ("LOW", "Priority 4 - Low"),
];

/// Tickets, both ways, created on both sides once their company has its partner.
///
/// `stamp` is the ConnectWise field that carries the key of the HubSpot record, a user-defined field of the tenant's own,
/// such as `customFields/61`. `board` is the id of the service board on which new tickets are made; without it the default
/// board of the API member would decide.
///
/// Left out: `hs_ticket_category` and `source_type`, whose rows every tenant names in its own way; `closed_date`, which
/// both systems set by themselves; `hs_resolution` and the notes of a ticket, which are records of their own in ConnectWise.
#[must_use]
pub fn ticket(stamp: FieldName, board: &str) -> ObjectMapping {
    let home = Progress { place: board, status: "" }.key();
    let fields = vec![
        FieldMapping { max_length: connectwise_takes(100), ..pair("subject", "summary", FieldKind::Text) },
        FieldMapping {
            values: Some(stages()),
            default: Defaults { hubspot: None, connectwise: Some(home) },
            ..pair("hs_pipeline_stage", BOARD_AND_STATUS, FieldKind::Choice)
        },
        // ConnectWise makes the first note of it, and shows it nowhere in the ticket: it goes with a new ticket alone.
        FieldMapping {
            direction: Direction::ToConnectwise,
            wins: SystemOfRecord::HubSpot,
            ..pair("content", "initialDescription", FieldKind::LongText)
        },
        FieldMapping {
            values: Some(by_label(&PRIORITIES)),
            ..pair("hs_ticket_priority", "priority", FieldKind::Choice)
        },
        FieldMapping {
            values: Some(ValueMap {
                auto: Some(AutoPairs::Email),
                unmapped: Unmapped::Skip,
                pairs: Vec::new(),
                priority: Vec::new(),
            }),
            ..pair("hubspot_owner_id", "owner", FieldKind::Person)
        },
        FieldMapping {
            wins: SystemOfRecord::ConnectWise,
            ..pair(TICKET_COMPANY, "company", FieldKind::Reference(ObjectKind::Company))
        },
        // Of several contacts the oldest one that belongs to the ticket's company. ConnectWise takes a ticket without one.
        FieldMapping {
            wins: SystemOfRecord::ConnectWise,
            ..pair(ALL_CONTACTS, "contact", FieldKind::Reference(ObjectKind::Contact))
        },
    ];
    let matching = vec![rule("subject", "summary", MatchBy::CompanyText)];
    ObjectMapping { connectwise_stamp: Some(stamp), ..both_ways(ObjectKind::Ticket, matching, fields) }
}

/// What nobody paired waits for a person, unless it is an open status of the tenant's own.
fn stages() -> ValueMap {
    ValueMap { unmapped: Unmapped::Hold, ..by_label(&STAGES) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::needs::needs;
    use crate::model::System;

    #[test]
    fn what_a_system_insists_on_is_mapped_towards_it() {
        let mapping = ticket("customFields/61".into(), "1");
        for system in System::BOTH {
            for need in needs(ObjectKind::Ticket, system) {
                let gives = |field: &FieldMapping| {
                    need.any_of.contains(&field.field(system).as_str()) && field.direction.writes(system)
                };
                assert!(mapping.fields.iter().any(gives), "{system}: {}", need.what);
            }
        }
    }
}
