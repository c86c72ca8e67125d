//! The rows of a ConnectWise security role: which one each endpoint needs, in the words of the role's own screen.

use reqwest::Method;

use crate::connect::error::Fault;
use crate::connect::http::Call;
use crate::connect::{Cause, Root};
use crate::engine::core::request::Failure;
use crate::model::ObjectKind;

/// A row of the role. All levels that Lockstep needs are All: below it, Inquire hides records without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub module: &'static str,
    pub permission: &'static str,
    /// For Table Setup: the entry under its Customise.
    pub table: Option<&'static str>,
}

/// A column of the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Add,
    Edit,
    Delete,
    Inquire,
}

impl Column {
    pub const fn of(method: &Method) -> Self {
        match *method {
            Method::POST => Self::Add,
            Method::PATCH | Method::PUT => Self::Edit,
            Method::DELETE => Self::Delete,
            _ => Self::Inquire,
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Edit => "Edit",
            Self::Delete => "Delete",
            Self::Inquire => "Inquire",
        }
    }
}

impl Row {
    const fn new(module: &'static str, permission: &'static str) -> Self {
        Self { module, permission, table: None }
    }

    const fn table(table: &'static str) -> Self {
        Self { module: "System", permission: "Table Setup", table: Some(table) }
    }

    /// What to do, as a sentence.
    pub fn remedy(&self, column: Column) -> String {
        let table = self.table.map(|table| format!(" (customise: allow {table})")).unwrap_or_default();
        format!(
            "In the API member's security role, set {} / {} / {} to All{table}.",
            self.module,
            self.permission,
            column.word()
        )
    }

    /// What comes of lacking it.
    pub fn root(&self, column: Column, hurts: String) -> Root {
        let name = format!("{} / {} / {}", self.module, self.permission, column.word());
        Root { cause: Cause::Right { name, part: self.table }, hurts }
    }

    /// `Companies / Contacts / Edit`.
    pub fn name(&self, column: Column) -> String {
        let table = self.table.map(|table| format!(" ({table})")).unwrap_or_default();
        format!("{} / {}{table} / {}", self.module, self.permission, column.word())
    }
}

/// Endpoints and their rows; the longest beginning that fits counts. Associations, communications and sites belong to
/// the record above them.
const ROWS: &[(&str, Row)] = &[
    ("/company/companies", Row::new("Companies", "Company Maintenance")),
    ("/company/companies/statuses", Row::table("Companies / Company Status")),
    ("/company/companies/types", Row::table("Companies / Company Type")),
    ("/company/contacts", Row::new("Companies", "Contacts")),
    ("/company/contacts/types", Row::table("Contacts / Contact Type")),
    ("/company/contacts/relationships", Row::table("Contacts / Relationship")),
    ("/company/contacts/departments", Row::table("Contacts / Department")),
    ("/company/communicationTypes", Row::table("Contacts / Communication Type")),
    ("/company/countries", Row::table("Companies / Country")),
    ("/company/states", Row::table("Companies / State")),
    ("/company/marketDescriptions", Row::table("Companies / Market")),
    ("/company/ownershipTypes", Row::table("Companies / Ownership Type")),
    ("/finance/currencies", Row::table("Companies / Currency")),
    ("/sales/opportunities", Row::new("Sales", "Opportunity")),
    ("/sales/opportunities/statuses", Row::table("Opportunities / Opportunity Status")),
    ("/sales/opportunities/types", Row::table("Opportunities / Opportunity Type")),
    ("/sales/opportunities/ratings", Row::table("Opportunities / Opportunity Rating")),
    ("/sales/probabilities", Row::table("Opportunities / Sales Probability")),
    ("/sales/stages", Row::table("Opportunities / Sales Stage")),
    ("/sales/activities", Row::new("Companies", "CRM/Sales Activities")),
    ("/sales/activities/types", Row::table("Opportunities / Activity Type")),
    ("/sales/activities/statuses", Row::table("Opportunities / Activity Status")),
    ("/service/tickets", Row::new("Service Desk", "Service Tickets")),
    ("/service/boards", Row::table("Service / Service Board")),
    ("/service/priorities", Row::table("Service / Priority")),
    ("/service/sources", Row::table("Service / Source")),
    ("/procurement/catalog", Row::new("Procurement", "Product Catalog")),
    ("/procurement/categories", Row::table("Products / Product Category")),
    ("/procurement/subcategories", Row::table("Products / Product Subcategory")),
    ("/procurement/types", Row::table("Products / Product Type")),
    ("/procurement/unitOfMeasures", Row::table("Products / Unit of Measure")),
    ("/procurement/manufacturers", Row::table("Products / Manufacturer")),
    ("/system/members", Row::new("System", "Member Maintenance")),
    ("/system/myCompany", Row::new("System", "My Company")),
    ("/system/locations", Row::new("System", "My Company")),
    ("/system/departments", Row::new("System", "My Company")),
    ("/system/userDefinedFields", Row::table("General / Custom Fields")),
    ("/system/callbacks", Row::new("System", "Manage Hosted API")),
];

const FINANCE: Row = Row::new("Sales", "Opportunity Finance");

/// The row that an endpoint needs. None for what everybody may ask.
pub(super) fn row(path: &str) -> Option<Row> {
    let path = path.split('?').next().unwrap_or(path);
    if path.starts_with("/sales/opportunities/") && path.contains("/forecast") {
        return Some(FINANCE);
    }
    let begins = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ROWS.iter().filter(|(prefix, _)| begins(prefix)).max_by_key(|(prefix, _)| prefix.len()).map(|(_, row)| *row)
}

/// The row beside an object's own that its closed records need; it cannot be probed without writing.
pub(super) const fn closed(object: ObjectKind) -> Option<Row> {
    match object {
        ObjectKind::Deal => Some(Row::new("Sales", "Closed Opportunity")),
        ObjectKind::Ticket => Some(Row::new("Service Desk", "Close Service Tickets")),
        _ => None,
    }
}

/// Names the row where a call was refused for lack of rights.
pub(super) fn explain(fault: Fault, call: &Call) -> Fault {
    match fault {
        Fault { failure: Failure::Forbidden { message, .. }, kind, hint } => {
            let column = Column::of(&call.method);
            let hint = row(&call.path).map_or(hint, |row| row.remedy(column));
            Fault { failure: Failure::Forbidden { message, hint: hint.clone() }, kind, hint }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_needs_the_row_of_the_longest_beginning() {
        let table = [
            ("/company/companies?pageSize=1", Some("Companies / Company Maintenance / Inquire")),
            ("/company/companies/7", Some("Companies / Company Maintenance / Inquire")),
            ("/company/companies/7/typeAssociations", Some("Companies / Company Maintenance / Inquire")),
            ("/company/companies/statuses?page=1", Some("System / Table Setup (Companies / Company Status) / Inquire")),
            ("/company/contacts/7/communications/3", Some("Companies / Contacts / Inquire")),
            ("/sales/opportunities/7/forecast/3", Some("Sales / Opportunity Finance / Inquire")),
            ("/service/boards/1/statuses", Some("System / Table Setup (Service / Service Board) / Inquire")),
            ("/system/myCompany/crm", Some("System / My Company / Inquire")),
            ("/system/info", None),
            ("/company/companiesx", None),
        ];
        for (path, expected) in table {
            assert_eq!(row(path).map(|row| row.name(Column::Inquire)).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn a_remedy_names_module_permission_column_and_level() {
        let told = row("/company/contacts").map(|row| row.remedy(Column::of(&Method::PATCH)));
        assert_eq!(told.as_deref(), Some("In the API member's security role, set Companies / Contacts / Edit to All."));
        let told = row("/sales/stages").map(|row| row.remedy(Column::Inquire));
        assert_eq!(
            told.as_deref(),
            Some(
                "In the API member's security role, set System / Table Setup / Inquire to All (customise: allow Opportunities / Sales Stage)."
            )
        );
    }
}
