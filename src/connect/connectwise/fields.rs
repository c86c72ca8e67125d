//! The fields of a ConnectWise company: ConnectWise has no endpoint that would tell.

use crate::model::FieldKind;

/// One built-in field.
pub(super) struct BuiltIn {
    pub name: &'static str,
    pub label: &'static str,
    pub kind: FieldKind,
    pub max_length: Option<u32>,
    pub required: bool,
    pub read_only: bool,
    /// Where the rows of a reference are listed.
    pub options: Option<&'static str>,
}

const fn text(name: &'static str, label: &'static str, max: u32) -> BuiltIn {
    let max_length = if max == 0 { None } else { Some(max) };
    BuiltIn { name, label, kind: FieldKind::Text, max_length, required: false, read_only: false, options: None }
}

const fn of(name: &'static str, label: &'static str, kind: FieldKind) -> BuiltIn {
    BuiltIn { name, label, kind, max_length: None, required: false, read_only: false, options: None }
}

const fn reference(name: &'static str, label: &'static str, options: &'static str) -> BuiltIn {
    BuiltIn { options: Some(options), ..of(name, label, FieldKind::Choice) }
}

const fn required(field: BuiltIn) -> BuiltIn {
    BuiltIn { required: true, ..field }
}

const fn read_only(field: BuiltIn) -> BuiltIn {
    BuiltIn { read_only: true, ..field }
}

pub(super) const MEMBERS: &str = "/system/members";

/// Lengths as of 2026; older servers take 25 or 30 characters for the identifier and 50 for the name.
pub(super) const COMPANY: &[BuiltIn] = &[
    read_only(of("id", "Record id", FieldKind::Integer)),
    required(text("identifier", "Company ID", 25)),
    required(text("name", "Company name", 50)),
    reference("status", "Status", "/company/companies/statuses"),
    BuiltIn { options: Some("/company/companies/types"), ..of("types", "Types", FieldKind::MultiChoice) },
    text("addressLine1", "Address line 1", 50),
    text("addressLine2", "Address line 2", 50),
    text("city", "City", 50),
    text("state", "State", 50),
    text("zip", "Zip", 12),
    reference("country", "Country", "/company/countries"),
    BuiltIn { kind: FieldKind::Phone, ..text("phoneNumber", "Phone", 30) },
    BuiltIn { kind: FieldKind::Phone, ..text("faxNumber", "Fax", 30) },
    BuiltIn { kind: FieldKind::Url, ..text("website", "Website", 255) },
    reference("territory", "Territory", "/system/locations"),
    reference("market", "Market", "/company/marketDescriptions"),
    text("accountNumber", "Account number", 41),
    of("dateAcquired", "Date acquired", FieldKind::Date),
    of("annualRevenue", "Annual revenue", FieldKind::Number),
    of("numberOfEmployees", "Number of employees", FieldKind::Integer),
    of("yearEstablished", "Year established", FieldKind::Integer),
    of("revenueYear", "Revenue year", FieldKind::Integer),
    reference("ownershipType", "Ownership type", "/company/ownershipTypes"),
    text("leadSource", "Lead source", 50),
    of("leadFlag", "Lead", FieldKind::Bool),
    of("unsubscribeFlag", "Unsubscribed", FieldKind::Bool),
    text("vendorIdentifier", "Vendor identifier", 0),
    text("taxIdentifier", "Tax identifier", 0),
    BuiltIn { kind: FieldKind::Url, ..text("facebookUrl", "Facebook", 0) },
    BuiltIn { kind: FieldKind::Url, ..text("twitterUrl", "Twitter", 0) },
    BuiltIn { kind: FieldKind::Url, ..text("linkedInUrl", "LinkedIn", 0) },
    BuiltIn { options: Some(MEMBERS), ..of("territoryManager", "Territory manager", FieldKind::Person) },
    read_only(of("deletedFlag", "Deleted", FieldKind::Bool)),
    text("userDefinedField1", "User-defined field 1", 50),
    text("userDefinedField2", "User-defined field 2", 50),
    text("userDefinedField3", "User-defined field 3", 50),
    text("userDefinedField4", "User-defined field 4", 50),
    text("userDefinedField5", "User-defined field 5", 50),
    text("userDefinedField6", "User-defined field 6", 50),
    text("userDefinedField7", "User-defined field 7", 50),
    text("userDefinedField8", "User-defined field 8", 50),
    text("userDefinedField9", "User-defined field 9", 50),
    text("userDefinedField10", "User-defined field 10", 50),
];

/// The kind of a built-in field; none for what the table does not know.
pub(super) fn kind(name: &str) -> Option<FieldKind> {
    COMPANY.iter().find(|field| field.name == name).map(|field| field.kind)
}
