//! The tenant's reference data: statuses, types, countries, locations, markets, ownership types, members, custom fields.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use super::fields::Table;

const REFERENCE: &str = include_str!("../../../fixtures/connectwise-tables.json");

/// Rows of every table by id, as the API shows them.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    rows: BTreeMap<Table, BTreeMap<u32, Value>>,
    /// Definitions of the custom fields of companies, by id.
    pub custom: BTreeMap<u32, Value>,
}

impl Tables {
    /// The built-in tables; an error when the file they come from is not JSON.
    pub fn standard() -> io::Result<Self> {
        let all: Value = serde_json::from_str(REFERENCE)?;
        let read = |name: &str| {
            let list = all.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            list.into_iter().filter_map(|row| Some((id_of(&row)?, row))).collect::<BTreeMap<_, _>>()
        };
        let tables = [
            (Table::Status, "statuses"),
            (Table::Type, "types"),
            (Table::Country, "countries"),
            (Table::Territory, "locations"),
            (Table::Market, "markets"),
            (Table::Ownership, "ownershipTypes"),
            (Table::Member, "members"),
        ];
        Ok(Self {
            rows: tables.into_iter().map(|(table, name)| (table, read(name))).collect(),
            custom: read("userDefinedFields"),
        })
    }

    pub fn rows(&self, table: Table) -> impl Iterator<Item = &Value> {
        self.rows.get(&table).into_iter().flat_map(BTreeMap::values)
    }

    pub fn row(&self, table: Table, id: u32) -> Option<&Value> {
        self.rows.get(&table)?.get(&id)
    }

    pub fn name(&self, table: Table, id: u32) -> &str {
        let row = self.row(table, id);
        row.and_then(|r| r.get("name")).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn flag(&self, table: Table, id: u32, flag: &str) -> bool {
        self.row(table, id).and_then(|r| r.get(flag)).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The first row with that name or identifier, whatever its case.
    pub fn named(&self, table: Table, name: &str) -> Option<u32> {
        let is = |row: &&Value| {
            ["identifier", "name"]
                .iter()
                .any(|m| row.get(m).and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case(name)))
        };
        self.rows(table).find(is).and_then(id_of)
    }

    /// The id of the row with `flag` set.
    pub fn flagged(&self, table: Table, flag: &str) -> Option<u32> {
        self.rows(table).find(|r| r.get(flag).and_then(Value::as_bool) == Some(true)).and_then(id_of)
    }

    /// The `customFields` of a record: every defined one, null ones too.
    pub fn custom_values(&self, values: &BTreeMap<u32, Value>) -> Value {
        let text = |row: &Value, member: &str| row.get(member).cloned().unwrap_or(Value::Null);
        let item = |(id, row): (&u32, &Value)| {
            json!({
                "id": id, "caption": text(row, "caption"), "type": text(row, "fieldTypeIdentifier"),
                "entryMethod": text(row, "entryTypeIdentifier"), "numberOfDecimals": text(row, "numberDecimals"),
                "value": values.get(id).cloned().unwrap_or(Value::Null), "connectWiseId": text(row, "connectWiseID"),
                "rowNum": 0, "userDefinedFieldRecId": id, "podId": "company_overview",
            })
        };
        Value::Array(self.custom.iter().map(item).collect())
    }

    /// Custom field by id or, for people, by caption.
    pub fn custom_id(&self, key: &str) -> Option<u32> {
        if let Ok(id) = key.parse() {
            return self.custom.contains_key(&id).then_some(id);
        }
        let is = |row: &Value| row.get("caption").and_then(Value::as_str).is_some_and(|c| c.eq_ignore_ascii_case(key));
        self.custom.iter().find(|(_, row)| is(row)).map(|(id, _)| *id)
    }

    /// Why a custom field refuses a value.
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

fn id_of(row: &Value) -> Option<u32> {
    row.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok())
}
