//! The properties of companies: what they are called, what they take, and the rules by which a value is refused.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::sim::clock::{iso_millis, parse_instant};

/// Index of a property in its schema.
pub(crate) type PropertyId = u16;

const STANDARD: &str = include_str!("../../../fixtures/hubspot-company-properties.tsv");

/// Longest text value, in characters.
const TEXT_LIMIT: usize = 65_536;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    /// Set by the system only.
    Read,
    Calculated,
    /// Takes the id of an owner.
    Owner,
}

#[derive(Debug, Clone)]
pub(crate) struct Property {
    pub name: String,
    pub label: String,
    pub kind: String,
    pub field_type: String,
    pub access: Access,
    pub options: Vec<Choice>,
    pub unique: bool,
    pub group: String,
    pub description: String,
    pub standard: bool,
    pub archived: bool,
    pub created: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub value: String,
    pub label: String,
    pub hidden: bool,
}

/// Why a value, or a whole property, was refused.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub name: String,
    pub code: &'static str,
    pub message: String,
}

#[derive(Debug)]
pub(crate) struct Schema {
    pub properties: Vec<Property>,
    by_name: HashMap<String, PropertyId>,
    pub groups: Vec<(String, String)>,
}

impl Schema {
    pub fn standard(now: i64) -> Self {
        let mut schema = Self {
            properties: Vec::new(),
            by_name: HashMap::new(),
            groups: vec![("companyinformation".to_owned(), "Company information".to_owned())],
        };
        for line in STANDARD.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let mut next = || columns.next().unwrap_or_default();
            let (name, label, kind, field_type, access, options) = (next(), next(), next(), next(), next(), next());
            schema.add(Property {
                name: name.to_owned(),
                label: label.to_owned(),
                kind: kind.to_owned(),
                field_type: field_type.to_owned(),
                access: match access {
                    "read" => Access::Read,
                    "calculated" => Access::Calculated,
                    "owner" => Access::Owner,
                    _ => Access::Write,
                },
                options: options.split(';').filter(|v| !v.is_empty()).map(Choice::titled).collect(),
                unique: false,
                group: "companyinformation".to_owned(),
                description: String::new(),
                standard: true,
                archived: false,
                created: now.min(1_577_836_800_000),
            });
        }
        schema
    }

    pub fn add(&mut self, property: Property) -> PropertyId {
        let id = PropertyId::try_from(self.properties.len()).unwrap_or(PropertyId::MAX);
        self.by_name.insert(property.name.clone(), id);
        self.properties.push(property);
        id
    }

    /// The property of that name, archived ones left out.
    pub fn id(&self, name: &str) -> Option<PropertyId> {
        let id = *self.by_name.get(name)?;
        self.get(id).filter(|p| !p.archived).map(|_| id)
    }

    pub fn any_id(&self, name: &str) -> Option<PropertyId> {
        self.by_name.get(name).copied()
    }

    pub fn get(&self, id: PropertyId) -> Option<&Property> {
        self.properties.get(usize::from(id))
    }

    pub fn get_mut(&mut self, id: PropertyId) -> Option<&mut Property> {
        self.properties.get_mut(usize::from(id))
    }

    pub fn name(&self, id: PropertyId) -> &str {
        self.get(id).map_or("", |p| p.name.as_str())
    }
}

impl Choice {
    /// `COMPUTER_SOFTWARE` is shown as `Computer Software`.
    fn titled(value: &str) -> Self {
        let words = value.split('_').map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters.map(|c| c.to_ascii_lowercase())).collect::<String>()
        });
        Self { value: value.to_owned(), label: words.collect::<Vec<_>>().join(" "), hidden: false }
    }
}

impl Property {
    /// A text property as an app would define it.
    pub fn text(name: &str, label: &str, unique: bool, now: i64) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind: "string".to_owned(),
            field_type: "text".to_owned(),
            access: Access::Write,
            options: Vec::new(),
            unique,
            group: "companyinformation".to_owned(),
            description: String::new(),
            standard: false,
            archived: false,
            created: now,
        }
    }

    pub fn is_multiple(&self) -> bool {
        self.field_type == "checkbox"
    }

    /// The stored form of `value`, or why HubSpot refuses it. Empty is nothing, and always fits.
    pub fn accept(&self, value: &str, owner_exists: impl Fn(&str) -> bool) -> Result<String, Refusal> {
        if value.is_empty() {
            return Ok(String::new());
        }
        match self.kind.as_str() {
            "number" => {
                let trimmed = value.trim();
                let is_decimal = trimmed.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
                let fits = is_decimal && trimmed.parse::<f64>().is_ok();
                if fits { Ok(trimmed.to_owned()) } else { Err(self.not_long(value)) }
            }
            "bool" => match value {
                "true" | "false" => Ok(value.to_owned()),
                _ => {
                    Err(self
                        .refuse("INVALID_OPTION", format!("{value} was not one of the allowed options: [true, false]")))
                }
            },
            "date" => self.accept_date(value),
            "datetime" => {
                let ms = value.parse::<i64>().ok().or_else(|| parse_instant(value));
                ms.map(iso_millis).ok_or_else(|| self.not_long(value))
            }
            "enumeration" if self.access == Access::Owner => {
                if owner_exists(value) {
                    Ok(value.to_owned())
                } else {
                    Err(self.not_an_option(value))
                }
            }
            "enumeration" => self.accept_options(value),
            _ if value.chars().count() > TEXT_LIMIT => Err(self
                .refuse("INVALID_LENGTH", format!("{} is too long: the limit is {TEXT_LIMIT} characters", self.name))),
            _ => Ok(value.to_owned()),
        }
    }

    fn accept_date(&self, value: &str) -> Result<String, Refusal> {
        let ms = value.parse::<i64>().ok().or_else(|| parse_instant(value)).ok_or_else(|| self.not_long(value))?;
        if ms.rem_euclid(86_400_000) != 0 {
            return Err(self.refuse("INVALID_DATE", format!("{value} is not midnight UTC and was not a valid date.")));
        }
        Ok(iso_millis(ms).chars().take(10).collect())
    }

    fn accept_options(&self, value: &str) -> Result<String, Refusal> {
        if self.options.is_empty() {
            return Ok(value.to_owned());
        }
        let fits = |v: &str| self.options.iter().any(|o| o.value == v);
        let parts: Vec<&str> = if self.is_multiple() { value.split(';').collect() } else { vec![value] };
        match parts.iter().find(|part| !part.is_empty() && !fits(part)) {
            Some(bad) => Err(self.not_an_option(bad)),
            None => Ok(value.to_owned()),
        }
    }

    fn not_long(&self, value: &str) -> Refusal {
        self.refuse("INVALID_LONG", format!("{value} was not a valid long."))
    }

    fn not_an_option(&self, value: &str) -> Refusal {
        let options: Vec<String> = self
            .options
            .iter()
            .enumerate()
            .map(|(i, o)| {
                let (label, value, hidden) = (&o.label, &o.value, o.hidden);
                format!(
                    "label: \"{label}\"\nvalue: \"{value}\"\ndisplay_order: {i}\nhidden: {hidden}\nread_only: false\n"
                )
            })
            .collect();
        self.refuse("INVALID_OPTION", format!("{value} was not one of the allowed options: [{}]", options.join(", ")))
    }

    fn refuse(&self, code: &'static str, message: String) -> Refusal {
        Refusal { name: self.name.clone(), code, message }
    }

    /// The definition as the properties API shows it.
    pub fn definition(&self) -> Value {
        let external = self.access == Access::Owner;
        let read_only = matches!(self.access, Access::Read | Access::Calculated);
        let options: Vec<Value> = self
            .options
            .iter()
            .enumerate()
            .map(|(i, o)| json!({"label": o.label, "value": o.value, "displayOrder": i, "hidden": o.hidden, "description": ""}))
            .collect();
        let mut definition = json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field_type,
            "groupName": self.group, "description": self.description, "options": options, "displayOrder": -1,
            "hasUniqueValue": self.unique, "hidden": false, "formField": !read_only,
            "calculated": self.access == Access::Calculated, "externalOptions": external, "archived": self.archived,
            "hubspotDefined": self.standard, "dataSensitivity": "non_sensitive",
            "createdAt": iso_millis(self.created), "updatedAt": iso_millis(self.created),
            "modificationMetadata": {
                "archivable": !self.standard, "readOnlyDefinition": self.standard,
                "readOnlyOptions": self.standard && self.name != "industry", "readOnlyValue": read_only,
            },
        });
        if external && let Some(map) = definition.as_object_mut() {
            map.insert("referencedObjectType".to_owned(), json!("OWNER"));
        }
        definition
    }
}
