//! The built-in fields of a forecast item of an opportunity.

use super::{BuiltIn, choice, of, read_only, record, required, text, words};
use crate::model::{FieldKind, ObjectKind};

const TYPES: &[&str] = &["Product", "Service", "Agreement", "Other1", "Other2"];

pub(crate) const FORECAST_ITEM: &[BuiltIn] = &[
    read_only(of("id", "Record id", FieldKind::Integer)),
    text("forecastDescription", "Description", 50),
    required(record("opportunity", "Opportunity", ObjectKind::Deal)),
    required(choice("status", "Status", "/sales/opportunities/statuses")),
    required(words("forecastType", "Type", TYPES)),
    of("quantity", "Quantity", FieldKind::Number),
    of("revenue", "Revenue", FieldKind::Number),
    of("cost", "Cost", FieldKind::Number),
    // Not of ConnectWise: an item tells what all its units come to.
    read_only(of("revenue/quantity", "Revenue per unit", FieldKind::Number)),
    read_only(of("cost/quantity", "Cost per unit", FieldKind::Number)),
    read_only(of("margin", "Margin", FieldKind::Number)),
    read_only(of("percentage", "Percentage", FieldKind::Integer)),
    of("includeFlag", "Included", FieldKind::Bool),
    record("catalogItem", "Catalog item", ObjectKind::Product),
    text("productDescription", "Product description", 0),
    read_only(text("productClass", "Product class", 0)),
    of("recurringFlag", "Recurring", FieldKind::Bool),
    of("recurringRevenue", "Recurring revenue", FieldKind::Number),
    of("recurringCost", "Recurring cost", FieldKind::Number),
    of("recurringDateStart", "Recurring from", FieldKind::Date),
    of("recurringDateEnd", "Recurring until", FieldKind::Date),
    of("taxableFlag", "Taxable", FieldKind::Bool),
    read_only(of("sequenceNumber", "Sequence number", FieldKind::Number)),
];
