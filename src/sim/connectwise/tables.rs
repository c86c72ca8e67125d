//! The tenant's reference data: statuses, types, countries, members … and the definitions of user-defined fields.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use super::entity::Entity;

/// Tables of companies, countries, members and user-defined fields.
const FIRST: &str = include_str!("../../../fixtures/connectwise-tables.json");
/// Those of contacts, sales, service and procurement.
const SECOND: &str = include_str!("tables.json");

/// A table that records refer to. Its rows are read over the API and never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Status,
    Type,
    Country,
    State,
    Location,
    Department,
    Market,
    Ownership,
    Member,
    Currency,
    NoteType,
    CommunicationType,
    ContactType,
    ContactDepartment,
    Relationship,
    OpportunityStatus,
    Stage,
    OpportunityType,
    Rating,
    Probability,
    OpportunityPriority,
    SalesRole,
    Campaign,
    ActivityType,
    ActivityStatus,
    Board,
    BoardStatus,
    BoardType,
    BoardSubtype,
    Team,
    Priority,
    Source,
    Impact,
    Severity,
    EmailConnector,
    SecurityRole,
    TeamRole,
    Category,
    Subcategory,
    ProductType,
    Manufacturer,
    UnitOfMeasure,
}

/// How a table is called: in the data, in messages, in paths, in links; and the member that names its rows.
struct About {
    table: Table,
    data: &'static str,
    title: &'static str,
    /// Under `apis/3.0`; empty for tables that have no list.
    path: &'static str,
    href: &'static str,
    name: &'static str,
}

const fn about(
    table: Table,
    data: &'static str,
    title: &'static str,
    path: &'static str,
    href: &'static str,
    name: &'static str,
) -> About {
    About { table, data, title, path, href, name }
}

#[rustfmt::skip]
static TABLES: [About; 42] = [
    about(Table::Status, "statuses", "Company Status", "company/companies/statuses", "status_href", "name"),
    about(Table::Type, "types", "Company Type", "company/companies/types", "type_href", "name"),
    about(Table::Country, "countries", "Country", "company/countries", "country_href", "name"),
    about(Table::State, "states", "State", "company/states", "state_href", "name"),
    about(Table::Location, "locations", "Location", "system/locations", "location_href", "name"),
    about(Table::Department, "departments", "Department", "system/departments", "department_href", "name"),
    about(Table::Market, "markets", "Market Description", "company/marketDescriptions", "market_href", "name"),
    about(Table::Ownership, "ownershipTypes", "Ownership Type", "company/ownershipTypes", "ownership_href", "name"),
    about(Table::Member, "members", "Member", "system/members", "member_href", "name"),
    about(Table::Currency, "currencies", "Currency", "finance/currencies", "currency_href", "name"),
    about(Table::NoteType, "noteTypes", "Note Type", "company/noteTypes", "type_href", "name"),
    about(Table::CommunicationType, "communicationTypes", "Communication Type", "company/communicationTypes", "type_href", "description"),
    about(Table::ContactType, "contactTypes", "Contact Type", "company/contacts/types", "type_href", "description"),
    about(Table::ContactDepartment, "contactDepartments", "Department", "company/contacts/departments", "department_href", "name"),
    about(Table::Relationship, "relationships", "Relationship", "company/contacts/relationships", "relationship_href", "name"),
    about(Table::OpportunityStatus, "opportunityStatuses", "Opportunity Status", "sales/opportunities/statuses", "status_href", "name"),
    about(Table::Stage, "stages", "Opportunity Stage", "sales/stages", "stage_href", "name"),
    about(Table::OpportunityType, "opportunityTypes", "Opportunity Type", "sales/opportunities/types", "type_href", "description"),
    about(Table::Rating, "ratings", "Opportunity Rating", "sales/opportunities/ratings", "rating_href", "name"),
    about(Table::Probability, "probabilities", "Sales Probability", "sales/probabilities", "probability_href", "probability"),
    about(Table::OpportunityPriority, "opportunityPriorities", "Opportunity Priority", "", "priority_href", "name"),
    about(Table::SalesRole, "salesRoles", "Sales Role", "sales/roles", "role_href", "name"),
    about(Table::Campaign, "campaigns", "Campaign", "marketing/campaigns", "campaign_href", "name"),
    about(Table::ActivityType, "activityTypes", "Activity Type", "sales/activities/types", "type_href", "name"),
    about(Table::ActivityStatus, "activityStatuses", "Activity Status", "sales/activities/statuses", "status_href", "name"),
    about(Table::Board, "boards", "Service Board", "service/boards", "board_href", "name"),
    about(Table::BoardStatus, "boardStatuses", "Service Status", "", "status_href", "name"),
    about(Table::BoardType, "boardTypes", "Service Type", "", "type_href", "name"),
    about(Table::BoardSubtype, "boardSubtypes", "Service Subtype", "", "subType_href", "name"),
    about(Table::Team, "teams", "Service Team", "service/teams", "team_href", "name"),
    about(Table::Priority, "priorities", "Priority", "service/priorities", "priority_href", "name"),
    about(Table::Source, "sources", "Service Source", "service/sources", "source_href", "name"),
    about(Table::Impact, "impacts", "Impact", "service/impacts", "impact_href", "name"),
    about(Table::Severity, "severities", "Severity", "service/severities", "severity_href", "name"),
    about(Table::EmailConnector, "emailConnectors", "Email Connector", "system/emailConnectors", "emailConnector_href", "emailNotifyFrom"),
    about(Table::SecurityRole, "securityRoles", "Security Role", "system/securityroles", "securityRole_href", "name"),
    about(Table::TeamRole, "teamRoles", "Team Role", "company/teamRoles", "teamRole_href", "name"),
    about(Table::Category, "categories", "Product Category", "procurement/categories", "category_href", "name"),
    about(Table::Subcategory, "subcategories", "Product Subcategory", "procurement/subcategories", "subcategory_href", "name"),
    about(Table::ProductType, "productTypes", "Product Type", "procurement/types", "type_href", "name"),
    about(Table::Manufacturer, "manufacturers", "Manufacturer", "procurement/manufacturers", "manufacturer_href", "name"),
    about(Table::UnitOfMeasure, "unitsOfMeasure", "Unit Of Measure", "procurement/unitOfMeasures", "uom_href", "name"),
];

impl Table {
    fn about(self) -> &'static About {
        // Every table is in the list, which a test holds; the first one stands in rather than a panic.
        TABLES.iter().find(|about| about.table == self).unwrap_or(&TABLES[0])
    }

    /// Those whose rows can be listed.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLES.iter().filter(|about| !about.path.is_empty()).map(|about| about.table)
    }

    /// How error messages call a row of the table.
    pub fn title(self) -> &'static str {
        self.about().title
    }

    /// The path under `apis/3.0` of the table's rows; empty for those without a list.
    pub fn path(self) -> &'static str {
        self.about().path
    }

    /// Prefix of the `…_href` member of a reference.
    pub fn href(self) -> &'static str {
        self.about().href
    }

    /// The table whose rows are listed under that path, and what follows it.
    pub fn at<'a, 'b>(parts: &'b [&'a str]) -> Option<(Self, &'b [&'a str])> {
        let fits = |about: &&About| {
            let mut path = about.path.split('/').filter(|p| !p.is_empty()).peekable();
            path.peek().is_some() && path.enumerate().all(|(at, part)| parts.get(at) == Some(&part))
        };
        let found = TABLES.iter().filter(fits).max_by_key(|about| about.path.len())?;
        let rest = parts.get(found.path.split('/').count()..)?;
        (rest.len() <= 1).then_some((found.table, rest))
    }
}

/// Rows of every table by id, as the API shows them.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    rows: BTreeMap<Table, BTreeMap<u32, Value>>,
    /// Definitions of the user-defined fields of all screens, by id.
    pub custom: BTreeMap<u32, Value>,
    /// `/system/myCompany/crm`.
    pub crm: Value,
}

impl Tables {
    /// The built-in tables; an error when the files they come from are not JSON.
    pub fn standard() -> io::Result<Self> {
        let (first, second): (Value, Value) = (serde_json::from_str(FIRST)?, serde_json::from_str(SECOND)?);
        let read = |name: &str| {
            let lists = [&first, &second].into_iter().filter_map(|all| all.get(name).and_then(Value::as_array));
            let rows = lists.flatten().cloned().filter_map(|row| Some((id_of(&row)?, row)));
            rows.collect::<BTreeMap<_, _>>()
        };
        Ok(Self {
            rows: TABLES.iter().map(|about| (about.table, read(about.data))).collect(),
            custom: read("userDefinedFields"),
            crm: second.get("crm").cloned().unwrap_or_else(|| json!({})),
        })
    }

    pub fn rows(&self, table: Table) -> impl Iterator<Item = &Value> {
        self.rows.get(&table).into_iter().flat_map(BTreeMap::values)
    }

    pub fn row(&self, table: Table, id: u32) -> Option<&Value> {
        self.rows.get(&table)?.get(&id)
    }

    /// How references name the row, whatever the row itself calls it.
    pub fn name(&self, table: Table, id: u32) -> String {
        match self.row(table, id).and_then(|row| row.get(table.about().name)) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    }

    pub fn flag(&self, table: Table, id: u32, flag: &str) -> bool {
        self.row(table, id).and_then(|r| r.get(flag)).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The first row with that name or identifier, whatever its case.
    pub fn named(&self, table: Table, name: &str) -> Option<u32> {
        let is = |row: &&Value| {
            ["identifier", table.about().name]
                .iter()
                .any(|m| row.get(m).and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case(name)))
        };
        self.rows(table).find(is).and_then(id_of)
    }

    /// The id of the first row with `flag` set.
    pub fn flagged(&self, table: Table, flag: &str) -> Option<u32> {
        self.rows(table).find(|r| r.get(flag).and_then(Value::as_bool) == Some(true)).and_then(id_of)
    }

    /// The user-defined fields that a kind of record shows.
    pub fn defined(&self, entity: Entity) -> impl Iterator<Item = (u32, &Value)> {
        let screen = entity.about().screen;
        let here = move |row: &Value| screen.is_some() && row.get("screenId").and_then(Value::as_str) == screen;
        self.custom.iter().filter(move |(_, row)| here(row)).map(|(id, row)| (*id, row))
    }

    /// A user-defined field of that kind by id or, for people, by caption.
    pub fn custom_id(&self, entity: Entity, key: &str) -> Option<u32> {
        if let Ok(id) = key.parse::<u32>() {
            return self.defined(entity).any(|(known, _)| known == id).then_some(id);
        }
        let is = |row: &Value| row.get("caption").and_then(Value::as_str).is_some_and(|c| c.eq_ignore_ascii_case(key));
        self.defined(entity).find(|(_, row)| is(row)).map(|(id, _)| id)
    }

    /// Why a user-defined field refuses a value.
    pub fn custom_misfit(&self, id: u32, value: &Value) -> Option<String> {
        let row = self.custom.get(&id)?;
        let text = |member: &str| row.get(member).and_then(Value::as_str).unwrap_or_default();
        let caption = text("caption");
        if value.is_null() {
            return None;
        }
        let fits = match text("fieldTypeIdentifier") {
            "Number" | "Currency" | "Percent" => value.is_number(),
            "Checkbox" => value.is_boolean(),
            _ => value.is_string(),
        };
        if !fits {
            return Some(format!("The value of {caption} is not valid for its type."));
        }
        let options = row.get("options").and_then(Value::as_array).filter(|o| !o.is_empty())?;
        let known = options.iter().any(|o| o.get("optionValue") == Some(value));
        (!known).then(|| format!("{value} is not an option of {caption}."))
    }
}

pub(crate) fn id_of(row: &Value) -> Option<u32> {
    row.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "the built-in tables are read by every test")]
    use super::*;

    #[test]
    fn every_table_has_rows_and_one_entry_of_its_own() {
        let tables = Tables::standard().unwrap();
        for about in &TABLES {
            assert_eq!(TABLES.iter().filter(|a| a.table == about.table).count(), 1, "{:?}", about.table);
            assert!(tables.rows(about.table).count() > 1, "{:?}", about.table);
            assert!(tables.rows(about.table).all(|row| row.get(about.name).is_some()), "{:?}", about.table);
        }
    }

    #[test]
    fn a_path_leads_to_the_table_with_the_longest_name() {
        assert_eq!(Table::at(&["company", "companies", "statuses", "1"]), Some((Table::Status, ["1"].as_slice())));
        assert_eq!(Table::at(&["company", "companies", "1"]), None);
        assert_eq!(Table::at(&["service", "boards", "1", "statuses"]), None);
    }
}
