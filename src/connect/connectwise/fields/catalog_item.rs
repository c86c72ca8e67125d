//! The built-in fields of a catalog item. No row of the field facts describes it: these are the names that public
//! clients generated from ConnectWise's specification carry.

use super::{BuiltIn, choice, of, read_only, record, required, text, typed, words};
use crate::model::{FieldKind, ObjectKind};

const CLASSES: &[&str] = &["NonInventory", "Inventory", "Bundle", "Service", "Agreement"];

pub(crate) const CATALOG_ITEM: &[BuiltIn] = &[
    read_only(of("id", "Record id", FieldKind::Integer)),
    required(text("identifier", "Product ID", 60)),
    required(text("description", "Description", 60)),
    required(typed(text("customerDescription", "Customer description", 6000), FieldKind::LongText)),
    of("inactiveFlag", "Inactive", FieldKind::Bool),
    choice("category", "Category", "/procurement/categories"),
    required(choice("subcategory", "Subcategory", "/procurement/subcategories")),
    required(choice("type", "Type", "/procurement/types")),
    words("productClass", "Product class", CLASSES),
    choice("unitOfMeasure", "Unit of measure", "/procurement/unitOfMeasures"),
    of("price", "Price", FieldKind::Number),
    of("cost", "Cost", FieldKind::Number),
    of("taxableFlag", "Taxable", FieldKind::Bool),
    of("recurringFlag", "Recurring", FieldKind::Bool),
    of("recurringRevenue", "Recurring revenue", FieldKind::Number),
    of("recurringCost", "Recurring cost", FieldKind::Number),
    choice("manufacturer", "Manufacturer", "/procurement/manufacturers"),
    text("manufacturerPartNumber", "Manufacturer part number", 50),
    record("vendor", "Vendor", ObjectKind::Company),
    text("vendorSku", "Vendor SKU", 50),
    typed(text("notes", "Notes", 0), FieldKind::LongText),
    text("integrationXRef", "Integration reference", 50),
    read_only(of("dateEntered", "Date entered", FieldKind::DateTime)),
];
