//! The fields of catalog items (`/procurement/catalog`): not among the published rows, taken from public clients' models.

use super::{Field, Kind, record, table};
use crate::sim::connectwise::entity::Entity;
use crate::sim::connectwise::tables::Table;

const CLASSES: &[&str] = &["Agreement", "Bundle", "Inventory", "NonInventory", "Service"];

pub(crate) static CATALOG: &[Field] = &[
    Field::new("identifier", Kind::Text(60)).required(),
    Field::new("description", Kind::Text(60)).required(),
    Field::new("inactiveFlag", Kind::Flag),
    Field::new("subcategory", table(Table::Subcategory)).required(),
    Field::new("type", table(Table::ProductType)).required(),
    Field::new("productClass", Kind::Choice(CLASSES)),
    Field::new("serializedFlag", Kind::Flag),
    Field::new("serializedCostFlag", Kind::Flag),
    Field::new("phaseProductFlag", Kind::Flag),
    Field::new("unitOfMeasure", table(Table::UnitOfMeasure)),
    Field::new("minStockLevel", Kind::Whole),
    Field::new("price", Kind::Decimal),
    Field::new("cost", Kind::Decimal),
    Field::new("priceAttribute", Kind::Text(0)),
    Field::new("taxableFlag", Kind::Flag),
    Field::new("dropShipFlag", Kind::Flag),
    Field::new("specialOrderFlag", Kind::Flag),
    Field::new("customerDescription", Kind::Prose(6000)).required(),
    Field::new("manufacturer", table(Table::Manufacturer)),
    Field::new("manufacturerPartNumber", Kind::Text(50)),
    Field::new("vendor", record(Entity::Company)),
    Field::new("vendorSku", Kind::Text(50)),
    Field::new("notes", Kind::Prose(0)),
    Field::new("integrationXRef", Kind::Text(50)),
    Field::new("sla", Kind::Opaque),
    Field::new("entityType", Kind::Opaque),
    Field::new("recurringFlag", Kind::Flag),
    Field::new("recurringRevenue", Kind::Decimal),
    Field::new("recurringCost", Kind::Decimal),
    Field::new("recurringOneTimeFlag", Kind::Flag),
    Field::new("recurringBillCycle", Kind::Opaque),
    Field::new("recurringCycleType", Kind::Text(0)),
    Field::new("calculatedPriceFlag", Kind::Flag),
    Field::new("calculatedCostFlag", Kind::Flag),
    Field::new("category", table(Table::Category)),
    Field::new("customFields", Kind::Apart),
];
