//! The configuration that a new workspace starts with: fields that belong together by meaning.
//! A proposal to review, not knowledge of any tenant: options and custom fields come from the live schemas.

mod activity;
pub mod add;
mod contact;
mod deal;
mod line_item;
mod product;
mod ticket;
pub mod usual;

pub use activity::{ActivitySetup, activity};
pub use contact::contact;
pub use deal::deal;
pub use line_item::line_item;
pub use product::product;
pub use ticket::ticket;

use super::config::{
    AutoPairs, Config, ConflictTie, CreatePolicy, Defaults, Direction, Exclusions, FieldMapping, Filters, Guards,
    MatchBy, MatchRule, ObjectMapping, Overflow, SystemOfRecord, Timing, Unmapped, ValueMap, ValuePair,
};
use crate::model::{BySystem, FieldKind, FieldName, ObjectKind};

/// The HubSpot property that carries the key of the ConnectWise record. It is created with unique values.
pub const HUBSPOT_STAMP: &str = "lockstep_cw_key";
/// The ConnectWise field that carries the key of the HubSpot record: the last of the ten user-defined ones, which
/// tenants fill from the first.
pub const CONNECTWISE_STAMP: &str = "userDefinedField10";

/// Companies and their contacts, and the guards and times that suit most tenants.
#[must_use]
pub fn config() -> Config {
    Config { guards: Guards::default(), timing: Timing::default(), objects: vec![company(), contact()] }
}

/// Companies, both ways, created on both sides.
#[must_use]
pub fn company() -> ObjectMapping {
    // The host of the web address is rarely shared by two companies; names are written in more than one way, but serve
    // the many companies that have no web address on one side.
    let matching = vec![rule("domain", "website", MatchBy::Host), rule("name", "name", MatchBy::Text)];
    both_ways(ObjectKind::Company, matching, company_fields())
}

/// An object in step both ways, created on both sides, without filters.
fn both_ways(object: ObjectKind, matching: Vec<MatchRule>, fields: Vec<FieldMapping>) -> ObjectMapping {
    ObjectMapping {
        object,
        direction: Direction::Both,
        create: CreatePolicy::default(),
        conflict_tie: ConflictTie::default(),
        hubspot_stamp: HUBSPOT_STAMP.into(),
        connectwise_stamp: Some(CONNECTWISE_STAMP.into()),
        activity_types: Vec::new(),
        activity_status: None,
        filters: Filters::default(),
        exclude: Exclusions::default(),
        matching,
        fields,
    }
}

/// An object that ConnectWise alone tells of: nothing of it is written or made there, so that no field carries a key.
fn one_way(object: ObjectKind, matching: Vec<MatchRule>, fields: Vec<FieldMapping>) -> ObjectMapping {
    let to_hubspot =
        |field| FieldMapping { direction: Direction::ToHubspot, wins: SystemOfRecord::ConnectWise, ..field };
    ObjectMapping {
        direction: Direction::ToHubspot,
        connectwise_stamp: None,
        ..both_ways(object, matching, fields.into_iter().map(to_hubspot).collect())
    }
}

fn company_fields() -> Vec<FieldMapping> {
    let mut fields = identity_fields();
    fields.extend(address_fields());
    fields.extend(figure_fields());
    fields.extend(choice_fields());
    fields.extend(page_fields());
    fields
}

/// What people call the company and how they reach it.
///
/// `description` has no partner: the ConnectWise company has no text of that kind, only notes.
/// ConnectWise's `faxNumber` has none in HubSpot's default properties.
fn identity_fields() -> Vec<FieldMapping> {
    vec![
        // ConnectWise prints the name on invoices and agreements: sales may propose it, the books decide.
        // 50 characters is what every ConnectWise release since 2021 takes; newer ones allow 156.
        FieldMapping {
            wins: SystemOfRecord::ConnectWise,
            max_length: connectwise_takes(50),
            ..pair("name", "name", FieldKind::Text)
        },
        // A bare host on the left, an address on the right: compared by host. HubSpot merges and enriches by its
        // domain, so a wrong one does most harm there, and its people watch it.
        FieldMapping {
            wins: SystemOfRecord::HubSpot,
            max_length: connectwise_takes(255),
            ..pair("domain", "website", FieldKind::Domain)
        },
        // Two different numbers are two numbers that somebody dials: neither is thrown away without asking.
        FieldMapping {
            wins: SystemOfRecord::Ask,
            max_length: connectwise_takes(30),
            ..pair("phone", "phoneNumber", FieldKind::Phone)
        },
    ]
}

/// The primary address. ConnectWise sends technicians and invoices there; still, whoever touched it last knows best.
fn address_fields() -> Vec<FieldMapping> {
    let line = |hubspot, connectwise, limit| FieldMapping {
        max_length: connectwise_takes(limit),
        ..pair(hubspot, connectwise, FieldKind::Text)
    };
    vec![
        line("address", "addressLine1", 50),
        line("address2", "addressLine2", 50),
        line("city", "city", 50),
        line("state", "state", 50),
        line("zip", "zip", 12),
        // A plain text in HubSpot, a row of a table in ConnectWise: the text stands for the label. What ConnectWise
        // does not know stays as it is, since HubSpot's users type countries in many ways.
        FieldMapping { values: Some(by_label(&[])), ..pair("country", "country", FieldKind::Choice) },
    ]
}

fn figure_fields() -> Vec<FieldMapping> {
    vec![
        pair("numberofemployees", "numberOfEmployees", FieldKind::Integer),
        pair("annualrevenue", "annualRevenue", FieldKind::Number),
        // A text in HubSpot, often empty or prose. ConnectWise refuses years before 1900 and then refuses every
        // later change of that record, too, so HubSpot's text is not trusted into it.
        FieldMapping {
            direction: Direction::ToHubspot,
            wins: SystemOfRecord::ConnectWise,
            ..pair("founded_year", "yearEstablished", FieldKind::Integer)
        },
    ]
}

/// Choices, whose options each tenant names in its own way.
///
/// `hs_analytics_source` ↔ `leadSource` is left out: HubSpot computes the one, sales people type the other.
/// `type` ↔ `types` is left out: ConnectWise takes a company's types on creation only, later changes go through a
/// table of their own, and HubSpot's five types (prospect, partner, reseller, vendor, other) describe the sales view
/// while a ConnectWise company can have several. `lifecyclestage` is left out because HubSpot only lets it move
/// forward, so an integration that sets it back is refused or ignored.
fn choice_fields() -> Vec<FieldMapping> {
    vec![
        FieldMapping { values: Some(by_label(&INDUSTRIES)), ..pair("industry", "market", FieldKind::Choice) },
        // Owners and members are the same people with the same address; who left has no partner, and then the
        // other side keeps whom it has.
        FieldMapping {
            values: Some(ValueMap {
                auto: Some(AutoPairs::Email),
                unmapped: Unmapped::Skip,
                pairs: Vec::new(),
                priority: Vec::new(),
            }),
            ..pair("hubspot_owner_id", "territoryManager", FieldKind::Person)
        },
        // Whether a company is served, on hold or lost is decided in ConnectWise; HubSpot's lead status shows it.
        FieldMapping {
            direction: Direction::ToHubspot,
            wins: SystemOfRecord::ConnectWise,
            values: Some(by_label(&STATUSES)),
            ..pair("hs_lead_status", "status", FieldKind::Choice)
        },
    ]
}

/// Addresses of pages. HubSpot finds them by itself, so its side leads.
///
/// `twitterhandle` ↔ `twitterUrl` is left out: a handle is no address.
fn page_fields() -> Vec<FieldMapping> {
    let page = |hubspot, connectwise| FieldMapping {
        direction: Direction::ToConnectwise,
        wins: SystemOfRecord::HubSpot,
        ..pair(hubspot, connectwise, FieldKind::Url)
    };
    vec![page("linkedin_company_page", "linkedInUrl"), page("facebook_company_page", "facebookUrl")]
}

/// HubSpot's industries beside the names that ConnectWise tenants give their markets. A name that a tenant does not
/// have simply finds nothing; the first pair of a market is used for the way back.
const INDUSTRIES: [(&str, &str); 12] = [
    ("HOSPITAL_HEALTH_CARE", "Healthcare"),
    ("MEDICAL_PRACTICE", "Healthcare"),
    ("HEALTH_WELLNESS_AND_FITNESS", "Healthcare"),
    ("FINANCIAL_SERVICES", "Finance"),
    ("BANKING", "Finance"),
    ("LAW_PRACTICE", "Legal"),
    ("LEGAL_SERVICES", "Legal"),
    ("NON_PROFIT_ORGANIZATION_MANAGEMENT", "Non-Profit"),
    ("HIGHER_EDUCATION", "Education"),
    ("PRIMARY_SECONDARY_EDUCATION", "Education"),
    ("GOVERNMENT_ADMINISTRATION", "Government"),
    ("INFORMATION_TECHNOLOGY_AND_SERVICES", "Technology"),
];

/// HubSpot's default lead statuses beside ConnectWise's default company statuses.
const STATUSES: [(&str, &str); 3] =
    [("CONNECTED", "Active"), ("UNQUALIFIED", "Inactive"), ("BAD_TIMING", "Not-Approved")];

/// A field mapping both ways, the latest change wins.
fn pair(hubspot: &str, connectwise: &str, kind: FieldKind) -> FieldMapping {
    FieldMapping {
        hubspot: FieldName::new(hubspot),
        connectwise: FieldName::new(connectwise),
        kind,
        direction: Direction::Both,
        wins: SystemOfRecord::Latest,
        empty: super::config::ClearPolicy::Fill,
        overflow: Overflow::Hold,
        max_length: BySystem::default(),
        default: Defaults::default(),
        transform: crate::mapping::Transforms::default(),
        values: None,
    }
}

const fn connectwise_takes(characters: u32) -> BySystem<Option<u32>> {
    BySystem::new(None, Some(characters))
}

fn rule(hubspot: &str, connectwise: &str, by: MatchBy) -> MatchRule {
    MatchRule { hubspot: hubspot.into(), connectwise: connectwise.into(), by }
}

/// Same label, beside the listed pairs; what has no partner is left alone.
fn by_label(pairs: &[(&str, &str)]) -> ValueMap {
    let pairs = pairs
        .iter()
        .map(|(hubspot, connectwise)| ValuePair {
            hubspot: (*hubspot).to_owned(),
            connectwise: format!("label:{connectwise}"),
        })
        .collect();
    ValueMap { auto: Some(AutoPairs::Label), unmapped: Unmapped::Skip, pairs, priority: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::System;

    fn all_objects() -> Vec<ObjectMapping> {
        let mut objects = config().objects;
        objects.extend([product(), line_item()]);
        let setup = ActivitySetup {
            beside: vec![ObjectKind::Contact, ObjectKind::Deal, ObjectKind::Ticket],
            ..ActivitySetup::new("customFields/71".into())
        };
        let kinds = ObjectKind::ALL.into_iter().filter(|object| object.is_activity());
        objects.extend(kinds.map(|kind| activity(kind, &setup)));
        objects
    }

    fn all_fields() -> Vec<FieldMapping> {
        all_objects().into_iter().flat_map(|object| object.fields).collect()
    }

    #[test]
    fn every_field_is_mapped_once_on_each_side_and_never_carries_a_stamp() {
        for object in all_objects() {
            for system in System::BOTH {
                // what goes one way may be a copy beside the mapping of the same value
                let copies = object.object.is_activity();
                let compared = || object.fields.iter().filter(|field| !copies || field.direction == Direction::Both);
                let names: BTreeSet<&FieldName> = compared().map(|field| field.field(system)).collect();
                assert_eq!(names.len(), compared().count(), "{} {system}", object.object);
                assert!(object.stamp(system).is_none_or(|stamp| !names.contains(stamp)));
            }
        }
        assert!(company().fields.len() >= 15, "{}", company().fields.len());
    }

    #[test]
    fn a_choice_or_person_has_a_value_map_and_nothing_else_has() {
        for field in all_fields() {
            assert_eq!(field.kind.has_options(), field.values.is_some(), "{}", field.key());
        }
    }

    #[test]
    fn a_one_way_field_is_won_by_its_source() {
        for field in all_fields() {
            let expected = match field.direction {
                Direction::Both => continue,
                Direction::ToConnectwise => SystemOfRecord::HubSpot,
                Direction::ToHubspot => SystemOfRecord::ConnectWise,
            };
            assert_eq!(field.wins, expected, "{}", field.key());
        }
    }

    #[test]
    fn what_a_system_insists_on_is_mapped_towards_it() {
        for object in all_objects() {
            for system in System::BOTH.into_iter().filter(|system| object.creates_in(*system)) {
                for need in crate::mapping::needs::needs(object.object, system) {
                    let mapped = |name: &&str| {
                        object
                            .fields
                            .iter()
                            .any(|field| field.field(system).as_str() == *name && field.direction.writes(system))
                    };
                    assert!(need.any_of.iter().any(mapped), "{} {system}: {}", object.object, need.what);
                }
            }
        }
    }
}
