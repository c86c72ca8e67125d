//! The security role of the API member: which rows of it guard which endpoint, and what is left when one is missing.
//!
//! Rows and levels are those that vendors publish for such a sync. A verb whose row is NONE is refused before the body
//! is looked at; Inquire below ALL hides records without a word, and blanks references to them.

use std::collections::BTreeMap;

use axum::http::Method;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::entity::Entity;
use super::tables::Table;
use crate::sim::nearest::{folded, nearest};

/// How far one verb of a row reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    None,
    /// Records that are the member's own.
    Mine,
    /// As `Mine`, in the words of some modules.
    My,
    All,
}

/// One row of a security role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    pub add: Level,
    pub edit: Level,
    pub delete: Level,
    pub inquire: Level,
}

impl Permit {
    pub const ALL: Self = Self { add: Level::All, edit: Level::All, delete: Level::All, inquire: Level::All };
    pub const NONE: Self = Self { add: Level::None, edit: Level::None, delete: Level::None, inquire: Level::None };
    /// Add, edit and inquire, as the sync is given.
    pub const WORK: Self = Self { add: Level::All, edit: Level::All, delete: Level::None, inquire: Level::All };
    pub const READ: Self = Self { add: Level::None, edit: Level::None, delete: Level::None, inquire: Level::All };

    const fn level(self, verb: Verb) -> Level {
        match verb {
            Verb::Add => self.add,
            Verb::Edit => self.edit,
            Verb::Delete => self.delete,
            Verb::Inquire => self.inquire,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Edit,
    Delete,
    Inquire,
}

impl Verb {
    pub fn of(method: &Method) -> Self {
        match *method {
            Method::GET => Self::Inquire,
            Method::POST => Self::Add,
            Method::DELETE => Self::Delete,
            _ => Self::Edit,
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Inquire => "inquire",
        }
    }
}

/// A security role: rows by `Module/Permission`, in the JSON also as `Module / Permission` and in any case; a row that is
/// not named has `other`. Tables of the setup that are not
/// named under `System/Table Setup` by their path are open when the row is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Role {
    #[serde(deserialize_with = "known_rows")]
    pub rows: BTreeMap<String, Permit>,
    pub other: Permit,
    /// Tables left out of the customised Table Setup, by path such as `sales/stages` or `system/userDefinedFields`.
    #[serde(deserialize_with = "known_tables")]
    pub closed_tables: Vec<String>,
}

impl Default for Role {
    fn default() -> Self {
        Self::all()
    }
}

impl Role {
    /// May do everything.
    #[must_use]
    pub const fn all() -> Self {
        Self { rows: BTreeMap::new(), other: Permit::ALL, closed_tables: Vec::new() }
    }

    /// What the published requirement of such a sync lists, and nothing else.
    #[must_use]
    pub fn published() -> Self {
        let rows = PUBLISHED.iter().map(|(row, permit)| ((*row).to_owned(), *permit)).collect();
        Self { rows, other: Permit::NONE, closed_tables: Vec::new() }
    }

    /// The same role with one row changed.
    #[must_use]
    pub fn with(mut self, row: &str, permit: Permit) -> Self {
        self.rows.insert(row.to_owned(), permit);
        self
    }

    /// The row that is meant by a name.
    ///
    /// # Errors
    /// There is none; says which comes nearest.
    pub(crate) fn row_named(name: &str) -> Result<&'static str, String> {
        let rows = || PUBLISHED.iter().map(|(row, _)| *row);
        let wanted = folded(name);
        if let Some(row) = rows().find(|row| folded(row) == wanted) {
            return Ok(row);
        }
        let nearest = nearest(name, rows());
        Err(format!("The security role has no row {name:?}; the nearest is {nearest:?}"))
    }

    /// The rows that guard what is simulated; a role may have more of them, to no effect.
    #[must_use]
    pub const fn rows_in_use() -> &'static [&'static str] {
        &[
            COMPANY_MAINTENANCE,
            GROUP_MAINTENANCE,
            CONTACTS,
            ACTIVITIES,
            NOTES,
            TEAM_MEMBERS,
            CAMPAIGN,
            CATALOG,
            OPPORTUNITY,
            CLOSED_OPPORTUNITY,
            FINANCE,
            TICKETS,
            CLOSE_TICKETS,
            MEMBERS,
            MY_COMPANY,
            TABLE_SETUP,
            HOSTED_API,
        ]
    }

    /// Whether the customised Table Setup leaves this table out.
    pub(crate) fn closes(&self, table: &str) -> bool {
        self.closed_tables.iter().any(|closed| closed == table)
    }

    pub(crate) fn level(&self, row: &str, verb: Verb) -> Level {
        self.rows.get(row).copied().unwrap_or(self.other).level(verb)
    }
}

fn known_rows<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Permit>, D::Error> {
    let named = BTreeMap::<String, Permit>::deserialize(from)?;
    let mut rows = BTreeMap::new();
    for (name, permit) in named {
        let row = Role::row_named(&name).map_err(D::Error::custom)?;
        if rows.insert(row.to_owned(), permit).is_some() {
            return Err(D::Error::custom(format!("The security role names the row {row:?} twice")));
        }
    }
    Ok(rows)
}

fn known_tables<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let named = Vec::<String>::deserialize(from)?;
    let tables = || Table::all().filter(|table| row_of_table(*table) == TABLE_SETUP).map(Table::path);
    let closable = || tables().chain([CUSTOM_FIELDS]);
    for name in &named {
        if !closable().any(|path| path == name) {
            let nearest = nearest(name, closable());
            return Err(D::Error::custom(format!("The Table Setup has no table {name:?}; the nearest is {nearest:?}")));
        }
    }
    Ok(named)
}

const PUBLISHED: [(&str, Permit); 23] = [
    (COMPANY_MAINTENANCE, Permit::WORK),
    (GROUP_MAINTENANCE, Permit::WORK),
    (CONTACTS, Permit::WORK),
    (ACTIVITIES, Permit::WORK),
    (NOTES, Permit::WORK),
    ("Companies/Reports", Permit::WORK),
    (TEAM_MEMBERS, Permit::WORK),
    (CAMPAIGN, Permit::READ),
    ("Marketing/Marketing Reports", Permit::READ),
    ("Procurement/Product Billable Option", Permit::READ),
    (CATALOG, Permit::READ),
    ("Procurement/Products", Permit::READ),
    (OPPORTUNITY, Permit::WORK),
    (CLOSED_OPPORTUNITY, Permit::WORK),
    (FINANCE, Permit::WORK),
    ("Sales/Reports", Permit::WORK),
    (TICKETS, Permit::WORK),
    (CLOSE_TICKETS, Permit { add: Level::None, edit: Level::All, delete: Level::None, inquire: Level::All }),
    (MEMBERS, Permit::READ),
    ("System/Member Maintenance - Finance", Permit::READ),
    (MY_COMPANY, Permit::READ),
    (TABLE_SETUP, Permit::READ),
    // One vendor's list has it; no public source says what creating a call-back needs.
    (HOSTED_API, Permit::ALL),
];

pub(crate) const COMPANY_MAINTENANCE: &str = "Companies/Company Maintenance";
pub(crate) const GROUP_MAINTENANCE: &str = "Companies/Company/Contact Group Maintenance";
pub(crate) const CONTACTS: &str = "Companies/Contacts";
pub(crate) const ACTIVITIES: &str = "Companies/CRM/Sales Activities";
pub(crate) const NOTES: &str = "Companies/Notes";
pub(crate) const TEAM_MEMBERS: &str = "Companies/Team Members";
pub(crate) const CAMPAIGN: &str = "Marketing/ConnectWise Campaign";
pub(crate) const CATALOG: &str = "Procurement/Product Catalog";
pub(crate) const OPPORTUNITY: &str = "Sales/Opportunity";
pub(crate) const CLOSED_OPPORTUNITY: &str = "Sales/Closed Opportunity";
pub(crate) const FINANCE: &str = "Sales/Opportunity Finance";
pub(crate) const TICKETS: &str = "Service Desk/Service Tickets";
pub(crate) const CLOSE_TICKETS: &str = "Service Desk/Close Service Tickets";
pub(crate) const MEMBERS: &str = "System/Member Maintenance";
pub(crate) const MY_COMPANY: &str = "System/My Company";
pub(crate) const TABLE_SETUP: &str = "System/Table Setup";
pub(crate) const HOSTED_API: &str = "System/Manage Hosted API";

/// The definitions of user-defined fields: General / Custom Fields among the tables of the Table Setup.
pub(crate) const CUSTOM_FIELDS: &str = "system/userDefinedFields";

/// The row that guards records of a kind.
pub(crate) const fn row_of(entity: Entity) -> &'static str {
    match entity {
        Entity::Company | Entity::Site => COMPANY_MAINTENANCE,
        Entity::Contact => CONTACTS,
        Entity::CompanyNote | Entity::ContactNote => NOTES,
        Entity::Opportunity | Entity::OpportunityNote | Entity::OpportunityContact => OPPORTUNITY,
        Entity::TeamMember => TEAM_MEMBERS,
        Entity::ForecastItem => FINANCE,
        Entity::Ticket | Entity::TicketNote => TICKETS,
        Entity::Activity => ACTIVITIES,
        Entity::Catalog => CATALOG,
        Entity::Callback => HOSTED_API,
    }
}

/// The row that guards a table.
pub(crate) const fn row_of_table(table: Table) -> &'static str {
    match table {
        Table::Member => MEMBERS,
        Table::Location | Table::Department => MY_COMPANY,
        Table::Campaign => CAMPAIGN,
        _ => TABLE_SETUP,
    }
}

/// The field that says whose a record is, for rows that reach no further than the member's own.
pub(crate) const fn own_field(entity: Entity) -> Option<&'static str> {
    match entity {
        Entity::Company => Some("territoryManager"),
        Entity::Opportunity => Some("primarySalesRep"),
        Entity::Ticket => Some("owner"),
        Entity::Activity => Some("assignTo"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_in_any_case_and_a_slip_is_told_the_nearest() {
        for name in ["Companies/Contacts", "Companies / Contacts", " companies/ contacts"] {
            assert_eq!(Role::row_named(name), Ok(CONTACTS), "{name}");
        }
        for (name, nearest) in
            [("Companies/Contact", CONTACTS), ("Service/Service Ticket", TICKETS), ("Contacts", CONTACTS)]
        {
            let refused = Role::row_named(name);
            assert!(refused.as_ref().is_err_and(|why| why.contains(name) && why.contains(nearest)), "{refused:?}");
        }
    }
}
