//! The built-in fields of an opportunity, and its amount, which lives in a forecast item.

use super::{BuiltIn, choice, member, of, read_only, record, row_number, text, typed, unlisted};
use crate::model::{FieldKind, ObjectKind};

/// Winning, losing and closing is a matter of `status` alone; `stage` is the column of the pipeline, independent of it.
pub(crate) const OPPORTUNITY: &[BuiltIn] = &[
    read_only(of("id", "Record id", FieldKind::Integer)),
    text("name", "Name", 100),
    of("expectedCloseDate", "Expected close date", FieldKind::Date),
    of("amount", "Amount", FieldKind::Number),
    choice("type", "Type", "/sales/opportunities/types"),
    choice("stage", "Stage", "/sales/stages"),
    choice("status", "Status", "/sales/opportunities/statuses"),
    unlisted("priority", "Priority"),
    typed(text("notes", "Notes", 0), FieldKind::LongText),
    choice("probability", "Probability", "/sales/probabilities"),
    text("source", "Source", 50),
    choice("rating", "Rating", "/sales/opportunities/ratings"),
    unlisted("campaign", "Campaign"),
    member("primarySalesRep", "Primary sales rep"),
    member("secondarySalesRep", "Secondary sales rep"),
    row_number("locationId", "Location", "/system/locations"),
    row_number("businessUnitId", "Business unit", "/system/departments"),
    record("company", "Company", ObjectKind::Company),
    record("contact", "Contact", ObjectKind::Contact),
    unlisted("site", "Site"),
    text("customerPO", "Customer PO", 25),
    choice("currency", "Currency", "/finance/currencies"),
    record("shipToCompany", "Ship-to company", ObjectKind::Company),
    record("shipToContact", "Ship-to contact", ObjectKind::Contact),
    record("billToCompany", "Bill-to company", ObjectKind::Company),
    record("billToContact", "Bill-to contact", ObjectKind::Contact),
    record("technicalContact", "Technical contact", ObjectKind::Contact),
    read_only(of("pipelineChangeDate", "Pipeline change date", FieldKind::DateTime)),
    read_only(of("dateBecameLead", "Date became lead", FieldKind::DateTime)),
    read_only(of("closedDate", "Closed date", FieldKind::Date)),
    read_only(member("closedBy", "Closed by")),
    read_only(of("totalSalesTax", "Total sales tax", FieldKind::Number)),
];
