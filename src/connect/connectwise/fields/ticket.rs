//! The built-in fields of a service ticket.

use super::{
    BOARDS, BuiltIn, choice, member, of, per_board, read_only, record, required, text, typed, unlisted, words,
};
use crate::model::{FieldKind, ObjectKind};

const LEVELS: &[&str] = &["Low", "Medium", "High"];

/// `initialDescription` and its like are taken by a create and never answered.
pub(crate) const TICKET: &[BuiltIn] = &[
    read_only(of("id", "Record id", FieldKind::Integer)),
    required(text("summary", "Summary", 100)),
    read_only(words("recordType", "Record type", &["ServiceTicket", "ProjectTicket", "ProjectIssue"])),
    choice("board", "Board", BOARDS),
    per_board("status", "Status", "statuses"),
    per_board("type", "Type", "types"),
    unlisted("subType", "Subtype"),
    unlisted("item", "Item"),
    unlisted("team", "Team"),
    required(record("company", "Company", ObjectKind::Company)),
    unlisted("site", "Site"),
    text("siteName", "Site name", 156),
    text("addressLine1", "Address line 1", 50),
    text("addressLine2", "Address line 2", 50),
    text("city", "City", 50),
    text("stateIdentifier", "State", 50),
    text("zip", "Zip", 12),
    choice("country", "Country", "/company/countries"),
    record("contact", "Contact", ObjectKind::Contact),
    text("contactName", "Contact name", 62),
    typed(text("contactPhoneNumber", "Contact phone", 20), FieldKind::Phone),
    text("contactPhoneExtension", "Contact phone extension", 15),
    text("contactEmailAddress", "Contact e-mail", 250),
    member("owner", "Owner"),
    choice("priority", "Priority", "/service/priorities"),
    choice("source", "Source", "/service/sources"),
    words("severity", "Severity", LEVELS),
    words("impact", "Impact", LEVELS),
    of("requiredDate", "Required date", FieldKind::DateTime),
    of("budgetHours", "Budget hours", FieldKind::Number),
    record("opportunity", "Opportunity", ObjectKind::Deal),
    text("externalXRef", "External reference", 100),
    text("poNumber", "PO number", 50),
    choice("location", "Location", "/system/locations"),
    choice("department", "Department", "/system/departments"),
    typed(text("initialDescription", "Initial description", 0), FieldKind::LongText),
    typed(text("initialInternalAnalysis", "Initial internal analysis", 0), FieldKind::LongText),
    typed(text("initialResolution", "Initial resolution", 0), FieldKind::LongText),
    read_only(of("closedFlag", "Closed", FieldKind::Bool)),
    read_only(of("closedDate", "Closed date", FieldKind::DateTime)),
    read_only(text("closedBy", "Closed by", 0)),
    read_only(of("dateResolved", "Date resolved", FieldKind::DateTime)),
    read_only(of("actualHours", "Actual hours", FieldKind::Number)),
    read_only(text("resources", "Resources", 0)),
    read_only(text("slaStatus", "SLA status", 0)),
    read_only(of("parentTicketId", "Parent ticket id", FieldKind::Integer)),
    read_only(record("mergedParentTicket", "Merged into", ObjectKind::Ticket)),
];
