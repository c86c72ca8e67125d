//! Deals, which ConnectWise calls opportunities, below their companies and contacts.

use super::{both_ways, by_label, connectwise_takes, pair, rule};
use crate::mapping::config::{
    AutoPairs, FieldMapping, MatchBy, ObjectMapping, SystemOfRecord, Unmapped, ValueMap, ValuePair,
};
use crate::mapping::references::{ALL_CONTACTS, DEAL_COMPANY};
use crate::mapping::stages::STAGE_AND_STATUS;
use crate::model::{FieldKind, FieldName, ObjectKind};

/// HubSpot's stages of a portal that never touched its pipeline, in order, beside ConnectWise's usual columns. A name
/// that a tenant does not have simply finds nothing: its deals wait until somebody pairs the stage.
const STAGES: [(&str, &str); 5] = [
    ("appointmentscheduled", "1.Prospect"),
    ("qualifiedtobuy", "2.Qualified"),
    ("presentationscheduled", "3.Quote"),
    ("decisionmakerboughtin", "4.Negotiation"),
    ("contractsent", "5.Verbal"),
];

/// Deals, both ways, created on both sides once their company and their contact have their partners.
///
/// `stamp` is the ConnectWise field that carries the key of the HubSpot record. Opportunities have no numbered fields like
/// companies have: it is a user-defined field of the tenant's own, such as `customFields/41`, so that there is no default.
///
/// Left out: `dealtype` ↔ `type`, whose rows every tenant names in its own way; `hs_priority` and `rating`, which mean
/// different things; the probability, which both systems take from the stage.
#[must_use]
pub fn deal(stamp: FieldName) -> ObjectMapping {
    let fields = vec![
        FieldMapping { max_length: connectwise_takes(100), ..pair("dealname", "name", FieldKind::Text) },
        // Won and lost are told by the status alone in ConnectWise, by the stage in HubSpot.
        FieldMapping { values: Some(stages()), ..pair("dealstage", STAGE_AND_STATUS, FieldKind::Choice) },
        // The revenue of one forecast item that Lockstep owns. Quotes write others, which are none of its business.
        FieldMapping { wins: SystemOfRecord::HubSpot, ..pair("amount", "amount", FieldKind::Number) },
        // Shown as a day by both, kept as a time by HubSpot.
        pair("closedate", "expectedCloseDate", FieldKind::Date),
        pair("description", "notes", FieldKind::LongText),
        // ConnectWise takes no opportunity without a sales rep: a deal whose owner has no partner waits for a person.
        FieldMapping {
            values: Some(ValueMap {
                auto: Some(AutoPairs::Email),
                unmapped: Unmapped::Skip,
                pairs: Vec::new(),
                priority: Vec::new(),
            }),
            ..pair("hubspot_owner_id", "primarySalesRep", FieldKind::Person)
        },
        FieldMapping {
            wins: SystemOfRecord::ConnectWise,
            ..pair(DEAL_COMPANY, "company", FieldKind::Reference(ObjectKind::Company))
        },
        // Of several contacts the oldest one that belongs to the deal's company.
        FieldMapping {
            wins: SystemOfRecord::ConnectWise,
            ..pair(ALL_CONTACTS, "contact", FieldKind::Reference(ObjectKind::Contact))
        },
    ];
    let matching = vec![rule("dealname", "name", MatchBy::CompanyText)];
    ObjectMapping { connectwise_stamp: Some(stamp), ..both_ways(ObjectKind::Deal, matching, fields) }
}

/// A stage that nobody paired waits for a person: a deal in the wrong column would be reported as something it is not.
fn stages() -> ValueMap {
    let pairs: Vec<ValuePair> = by_label(&STAGES).pairs;
    ValueMap { auto: Some(AutoPairs::Label), unmapped: Unmapped::Hold, pairs, priority: Vec::new() }
}
