//! Contacts, below their companies.

use super::{both_ways, connectwise_takes, pair, rule};
use crate::mapping::config::{FieldMapping, MatchBy, ObjectMapping, SystemOfRecord};
use crate::mapping::references::CONTACT_COMPANY;
use crate::model::{FieldKind, ObjectKind};

/// Contacts, both ways, created on both sides once their company has its partner.
///
/// Phones and e-mail addresses are communication items in ConnectWise, each of a type of the tenant's own. The ids here
/// are those of a tenant that never touched its types (1 e-mail, 2 direct, 4 cell): where they are others, the check of
/// the configuration says so.
///
/// Left out: the address, which ConnectWise takes from the company's site; `lifecyclestage`, which HubSpot only lets move
/// forward; `hubspot_owner_id`, since a ConnectWise contact has no owner; `company`, a text in HubSpot beside the
/// association.
#[must_use]
pub fn contact() -> ObjectMapping {
    let text = |hubspot, connectwise, limit| FieldMapping {
        max_length: connectwise_takes(limit),
        ..pair(hubspot, connectwise, FieldKind::Text)
    };
    let phone = |hubspot, connectwise| FieldMapping {
        // Two different numbers are two numbers that somebody dials: neither is thrown away without asking.
        wins: SystemOfRecord::Ask,
        max_length: connectwise_takes(250),
        ..pair(hubspot, connectwise, FieldKind::Phone)
    };
    let fields = vec![
        text("firstname", "firstName", 30),
        text("lastname", "lastName", 30),
        // HubSpot merges and mails by its address, and its people watch it.
        FieldMapping {
            wins: SystemOfRecord::HubSpot,
            max_length: connectwise_takes(250),
            ..pair("email", "communications/1", FieldKind::Email)
        },
        phone("phone", "communications/2"),
        phone("mobilephone", "communications/4"),
        text("jobtitle", "title", 100),
        // Tickets and invoices follow the company in ConnectWise.
        FieldMapping {
            wins: SystemOfRecord::ConnectWise,
            ..pair(CONTACT_COMPANY, "company", FieldKind::Reference(ObjectKind::Company))
        },
    ];
    // HubSpot gives an address to one contact only. ConnectWise lets several share one: those wait for a person.
    both_ways(ObjectKind::Contact, vec![rule("email", "communications/1", MatchBy::Text)], fields)
}
