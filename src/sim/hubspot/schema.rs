//! The properties of one object: what they are called, and how the properties API shows them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::kinds::KindRef;
use crate::sim::clock::iso_millis;

/// Index of a property in its schema.
pub(crate) type PropertyId = u16;

const STANDARD: &str = include_str!("../../../fixtures/hubspot-properties.tsv");
/// When the portal was made: standard properties were created then, or never later than the run itself.
const LONG_AGO: i64 = 1_577_836_800_000;

/// Who may write a property, and what its values are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    /// No source says whether a client may write it.
    Doubtful,
    /// Set by the system only.
    Read,
    Calculated,
    /// Takes the id of an owner.
    Owner,
    Pipeline,
    Stage,
    /// Takes a currency of the account.
    Currency,
}

#[derive(Debug, Clone)]
pub(crate) struct Property {
    pub name: String,
    pub label: String,
    pub kind: String,
    pub field_type: String,
    pub access: Access,
    pub options: Vec<Choice>,
    /// An enumeration whose options nobody lists: any value fits.
    pub open: bool,
    pub unique: bool,
    pub group: String,
    pub description: String,
    pub display_order: i64,
    pub hidden: bool,
    pub form_field: bool,
    pub standard: bool,
    pub archived_at: Option<i64>,
    pub created: i64,
    pub updated: i64,
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub value: String,
    pub label: String,
    pub description: String,
    pub order: i64,
    pub hidden: bool,
}

/// A validation rule that an administrator set on a property, such as `MAX_LENGTH` with `["20"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub kind: String,
    pub arguments: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub name: String,
    pub label: String,
    pub order: i64,
    pub archived: bool,
}

#[derive(Debug)]
pub(crate) struct Schema {
    pub properties: Vec<Property>,
    by_name: HashMap<String, PropertyId>,
    /// Property ids in the order of their names: the order of properties in answers.
    alphabetical: Vec<PropertyId>,
    pub groups: Vec<Group>,
}

impl Schema {
    pub fn standard(kind: KindRef, now: i64) -> Self {
        let (name, label) = kind.group;
        let group = Group { name: name.to_owned(), label: label.to_owned(), order: 0, archived: false };
        let mut schema =
            Self { properties: Vec::new(), by_name: HashMap::new(), alphabetical: Vec::new(), groups: vec![group] };
        for line in STANDARD.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let mut next = || columns.next().unwrap_or_default();
            if next() != kind.plural() {
                continue;
            }
            let (name, label, kind_of_value, field_type, access, options) =
                (next(), next(), next(), next(), next(), next());
            let mut property = Property::text(name, label, false, now.min(LONG_AGO), kind);
            property.kind = kind_of_value.to_owned();
            property.field_type = field_type.to_owned();
            property.access = access_named(access);
            property.open = options == "*";
            let listed = options.split(';').filter(|v| !v.is_empty() && *v != "*").enumerate();
            property.options = listed.map(|(order, value)| Choice::titled(value, order)).collect();
            property.standard = true;
            schema.add(property);
        }
        schema
    }

    pub fn add(&mut self, property: Property) -> PropertyId {
        let id = PropertyId::try_from(self.properties.len()).unwrap_or(PropertyId::MAX);
        let at = self.alphabetical.partition_point(|other| self.name(*other) < property.name.as_str());
        self.alphabetical.insert(at, id);
        self.by_name.insert(property.name.clone(), id);
        self.properties.push(property);
        id
    }

    /// The property of that name, archived ones left out.
    pub fn id(&self, name: &str) -> Option<PropertyId> {
        let id = *self.by_name.get(name)?;
        self.get(id).filter(|p| p.archived_at.is_none()).map(|_| id)
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

    /// All living properties, by name.
    pub fn alphabetical(&self) -> impl Iterator<Item = PropertyId> {
        self.alphabetical.iter().copied().filter(|id| self.get(*id).is_some_and(|p| p.archived_at.is_none()))
    }
}

fn access_named(word: &str) -> Access {
    match word {
        "write?" => Access::Doubtful,
        "read" => Access::Read,
        "calculated" => Access::Calculated,
        "owner" => Access::Owner,
        "pipeline" => Access::Pipeline,
        "stage" => Access::Stage,
        "currency" => Access::Currency,
        _ => Access::Write,
    }
}

impl Choice {
    /// `COMPUTER_SOFTWARE` is shown as `Computer Software`.
    fn titled(value: &str, order: usize) -> Self {
        let words = value.split('_').map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters.map(|c| c.to_ascii_lowercase())).collect::<String>()
        });
        let label = words.collect::<Vec<_>>().join(" ");
        let order = i64::try_from(order).unwrap_or(-1);
        Self { value: value.to_owned(), label, description: String::new(), order, hidden: false }
    }
}

impl Property {
    /// A text property as an app would define it.
    pub fn text(name: &str, label: &str, unique: bool, now: i64, kind: KindRef) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind: "string".to_owned(),
            field_type: "text".to_owned(),
            access: Access::Write,
            options: Vec::new(),
            open: false,
            unique,
            group: kind.group.0.to_owned(),
            description: String::new(),
            display_order: -1,
            hidden: false,
            form_field: false,
            standard: false,
            archived_at: None,
            created: now,
            updated: now,
            rules: Vec::new(),
        }
    }

    pub fn is_multiple(&self) -> bool {
        self.field_type == "checkbox"
    }

    /// Its values are ids of owners, pipelines or stages, which the definition does not list.
    pub const fn is_external(&self) -> bool {
        matches!(self.access, Access::Owner | Access::Pipeline | Access::Stage)
    }

    pub const fn is_read_only(&self, doubtful_is: bool) -> bool {
        match self.access {
            Access::Read | Access::Calculated => true,
            Access::Doubtful => doubtful_is,
            _ => false,
        }
    }

    /// The definition as the properties API shows it.
    pub fn definition(&self, doubtful_is_read_only: bool, currencies: &[String]) -> Value {
        let read_only = self.is_read_only(doubtful_is_read_only);
        let options: Vec<Value> = match self.access {
            Access::Currency => currencies.iter().enumerate().map(|(i, code)| option(code, code, i, "")).collect(),
            _ => self.options.iter().map(Choice::show).collect(),
        };
        let mut definition = json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field_type,
            "groupName": self.group, "description": self.description, "options": options,
            "displayOrder": self.display_order, "hasUniqueValue": self.unique, "hidden": self.hidden,
            "formField": self.form_field, "calculated": self.access == Access::Calculated,
            "externalOptions": self.is_external(), "archived": self.archived_at.is_some(),
            "hubspotDefined": self.standard, "dataSensitivity": "non_sensitive",
            "createdAt": iso_millis(self.created), "updatedAt": iso_millis(self.updated),
            "modificationMetadata": {
                "archivable": !self.standard, "readOnlyDefinition": self.standard,
                "readOnlyOptions": self.has_fixed_options(), "readOnlyValue": read_only,
            },
        });
        let Some(map) = definition.as_object_mut() else { return definition };
        if self.access == Access::Owner {
            map.insert("referencedObjectType".to_owned(), json!("OWNER"));
        }
        if let Some(at) = self.archived_at {
            map.insert("archivedAt".to_owned(), json!(iso_millis(at)));
        }
        definition
    }

    /// Whether clients cannot change the list of options.
    pub fn has_fixed_options(&self) -> bool {
        let editable = ["industry", "lifecyclestage", "hs_lead_status", "type", "dealtype", "hs_ticket_category"];
        self.standard && !editable.contains(&self.name.as_str())
    }
}

impl Choice {
    pub fn show(&self) -> Value {
        json!({
            "label": self.label, "value": self.value, "displayOrder": self.order, "hidden": self.hidden,
            "description": self.description,
        })
    }
}

fn option(value: &str, label: &str, order: usize, description: &str) -> Value {
    json!({"label": label, "value": value, "displayOrder": order, "hidden": false, "description": description})
}
