//! Records as the API shows them, with what makes live answers awkward: absent nulls, blank references, odd links.

use serde_json::{Map, Value, json};

use super::behaviour::{Behaviour, EmptyReference};
use super::entity::Entity;
use super::fields::{Field, FieldId, Kind, Release, Stored, Target, release};
use super::permits::{self, Level, Verb};
use super::record::{Item, Record};
use super::rules;
use super::tables::Table;
use super::tenant::Tenant;
use crate::sim::clock::iso_seconds;

/// From this release on the items of `customFields` have four more members.
const LONG_CUSTOM_FIELDS: Release = release(2025, 2);

/// Through whose eyes a record is seen.
#[derive(Clone, Copy)]
pub(crate) struct Eyes<'a> {
    pub tenant: &'a Tenant,
    pub behaviour: &'a Behaviour,
    pub model: Release,
    /// The address up to `apis/3.0/`.
    pub base: &'a str,
    /// Whether the security role counts; people at the screen see everything here.
    pub api: bool,
}

impl Eyes<'_> {
    /// The record as the API shows it.
    pub fn show(self, entity: Entity, record: &Record) -> Value {
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(record.id));
        for (index, field) in entity.fields().iter().enumerate() {
            let Ok(id) = FieldId::try_from(index) else { continue };
            if field.since <= self.model
                && let Some(value) = self.value(field, record.get(id))
            {
                map.insert(field.name.to_owned(), value);
            }
        }
        self.apart(entity, record, &mut map);
        if entity.about().screen.is_some() {
            map.insert("customFields".to_owned(), self.custom(entity, record));
        }
        map.insert("_info".to_owned(), self.info(entity, record));
        let mut shown = Value::Object(map);
        if self.behaviour.ids_as_text {
            ids_to_text(&mut shown);
        }
        shown
    }

    fn value(self, field: &Field, value: Option<&Stored>) -> Option<Value> {
        let Some(value) = value else {
            return match field.kind {
                Kind::Apart => None,
                Kind::Flag => Some(json!(false)),
                Kind::Ref(_) => self.no_reference(),
                _ => self.behaviour.explicit_nulls.then_some(Value::Null),
            };
        };
        match (field.kind, value) {
            (Kind::Ref(target), Stored::Ref(id)) if self.blank(target, *id) => Some(json!({})),
            (Kind::Ref(target), Stored::Ref(id)) => Some(self.reference(target, *id)),
            (Kind::Text(_), Stored::Text(text)) if self.behaviour.nul_in_text => Some(json!(format!("{text}\0"))),
            _ => Some(value.plain()),
        }
    }

    fn no_reference(self) -> Option<Value> {
        match self.behaviour.empty_reference {
            EmptyReference::Absent => self.behaviour.explicit_nulls.then_some(Value::Null),
            EmptyReference::Braces => Some(json!({})),
            EmptyReference::InfoOnly => Some(json!({"_info": {}})),
        }
    }

    /// Whether the role hides what a reference leads to.
    fn blank(self, target: Target, id: u32) -> bool {
        let Target::Record(entity) = target else { return false };
        self.api && self.tenant.find(entity, id).is_some_and(|record| !self.may_see(entity, record))
    }

    /// Whether the API member's role shows it this record.
    pub fn may_see(self, entity: Entity, record: &Record) -> bool {
        match self.behaviour.role.level(permits::row_of(entity), Verb::Inquire) {
            Level::All => true,
            Level::None => false,
            Level::Mine | Level::My => is_own(self.tenant, entity, record),
        }
    }

    pub fn reference(self, target: Target, id: u32) -> Value {
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(id));
        match target {
            Target::Table(table) => {
                let row = self.tenant.tables.row(table, id);
                if let Some(identifier) = row.and_then(|r| r.get("identifier")) {
                    map.insert("identifier".to_owned(), identifier.clone());
                }
                map.insert("name".to_owned(), json!(self.tenant.tables.name(table, id)));
                let href = format!("{}/{}/{id}", self.base, table.path());
                map.insert("_info".to_owned(), json!({ table.href(): href }));
            }
            Target::Record(entity) => {
                if let Some(record) = self.tenant.find(entity, id) {
                    if let Some((field, _)) = entity.field("identifier") {
                        map.insert("identifier".to_owned(), json!(record.text(field)));
                    }
                    let member = if entity == Entity::Ticket { "summary" } else { "name" };
                    map.insert(member.to_owned(), json!(self.tenant.name_of(entity, record)));
                }
                let about = entity.about();
                let href = format!("{}/{}/{id}", self.base, about.path);
                map.insert("_info".to_owned(), json!({ about.href: href }));
            }
        }
        Value::Object(map)
    }

    /// What is not a plain value of the record.
    fn apart(self, entity: Entity, record: &Record, map: &mut Map<String, Value>) {
        let types = |table| -> Value {
            let shown = record.types.iter().map(|(_, id)| self.reference(Target::Table(table), *id));
            Value::Array(shown.collect())
        };
        match entity {
            Entity::Company => {
                map.insert("types".to_owned(), types(Table::Type));
                let site = rules::primary_site(self.tenant, record.id);
                let shown = site.map(|site| self.reference(Target::Record(Entity::Site), site.id));
                if let Some(site) = shown.or_else(|| self.no_reference()) {
                    map.insert("site".to_owned(), site);
                }
            }
            Entity::Contact => {
                map.insert("types".to_owned(), types(Table::ContactType));
                let items = record.items.iter().map(|item| self.item(item)).collect();
                map.insert("communicationItems".to_owned(), Value::Array(items));
                self.default_phone(record, map);
            }
            Entity::Ticket => {
                let merged = self.tenant.merged_tickets.contains(&record.id);
                map.insert("hasMergedChildTicketFlag".to_owned(), json!(merged));
            }
            _ => {}
        }
    }

    fn default_phone(self, contact: &Record, map: &mut Map<String, Value>) {
        let Some(item) = rules::default_item(&self.tenant.tables, contact, rules::Way::Phone) else { return };
        let kind = self.tenant.tables.name(Table::CommunicationType, item.type_id);
        map.insert("defaultPhoneType".to_owned(), json!(kind));
        map.insert("defaultPhoneNbr".to_owned(), json!(item.value));
        if let Some(extension) = &item.extension {
            map.insert("defaultPhoneExtension".to_owned(), json!(extension));
        }
    }

    pub fn item(self, item: &Item) -> Value {
        let way = rules::way_of(&self.tenant.tables, item.type_id);
        let mut map = Map::from_iter([
            ("id".to_owned(), json!(item.id)),
            ("type".to_owned(), self.reference(Target::Table(Table::CommunicationType), item.type_id)),
            ("value".to_owned(), json!(item.value)),
            ("defaultFlag".to_owned(), json!(item.default)),
            ("communicationType".to_owned(), json!(way.name())),
        ]);
        if let Some(extension) = &item.extension {
            map.insert("extension".to_owned(), json!(extension));
        }
        if way == rules::Way::Email
            && let Some((_, domain)) = item.value.rsplit_once('@')
        {
            map.insert("domain".to_owned(), json!(format!("@{domain}")));
        }
        Value::Object(map)
    }

    /// The `customFields` of a record: every one of its screen and location, null ones too.
    pub fn custom(self, entity: Entity, record: &Record) -> Value {
        let shown =
            self.tenant.tables.defined(entity).filter(|(id, _)| self.tenant.custom_at_home(entity, record, *id));
        let text = |row: &Value, member: &str| row.get(member).cloned().unwrap_or(Value::Null);
        let item = |(id, row): (u32, &Value)| {
            let mut item = json!({
                "id": id, "caption": text(row, "caption"), "type": text(row, "fieldTypeIdentifier"),
                "entryMethod": text(row, "entryTypeIdentifier"), "numberOfDecimals": text(row, "numberDecimals"),
                "value": record.custom.get(&id).cloned().unwrap_or(Value::Null),
            });
            if let (true, Some(map)) = (self.model >= LONG_CUSTOM_FIELDS, item.as_object_mut()) {
                map.insert("connectWiseId".to_owned(), text(row, "connectWiseID"));
                map.insert("rowNum".to_owned(), json!(0));
                map.insert("userDefinedFieldRecId".to_owned(), json!(id));
                map.insert("podId".to_owned(), json!(format!("pod_{}", text(row, "podId"))));
            }
            item
        };
        Value::Array(shown.map(item).collect())
    }

    fn info(self, entity: Entity, record: &Record) -> Value {
        let (id, stamps) = (record.id, &record.stamps);
        let mut info = json!({
            "lastUpdated": iso_seconds(stamps.updated), "updatedBy": stamps.updated_by,
            "dateEntered": iso_seconds(stamps.entered), "enteredBy": stamps.entered_by,
        });
        let (base, links): (_, &[(&str, &str)]) = (self.base, links(entity));
        if let Some(map) = info.as_object_mut() {
            for (name, path) in links {
                map.insert((*name).to_owned(), json!(format!("{base}/{}", path.replace("{id}", &id.to_string()))));
            }
        }
        info
    }
}

const fn links(entity: Entity) -> &'static [(&'static str, &'static str)] {
    match entity {
        Entity::Company => &[
            ("contacts_href", "company/contacts?conditions=company/id={id}"),
            ("sites_href", "company/companies/{id}/sites"),
            ("notes_href", "company/companies/{id}/notes"),
        ],
        Entity::Contact => &[
            ("communications_href", "company/contacts/{id}/communications"),
            ("notes_href", "company/contacts/{id}/notes"),
        ],
        Entity::Opportunity => &[
            ("notes_href", "sales/opportunities/{id}/notes"),
            ("contacts_href", "sales/opportunities/{id}/contacts"),
            ("forecast_href", "sales/opportunities/{id}/forecast"),
        ],
        Entity::Ticket => &[("notes_href", "service/tickets/{id}/notes")],
        _ => &[],
    }
}

/// Whether a record is the API member's own: it is its representative, owner or assignee, or entered it.
pub(crate) fn is_own(tenant: &Tenant, entity: Entity, record: &Record) -> bool {
    let name = crate::sim::options::CONNECTWISE_API_MEMBER;
    let field = permits::own_field(entity).and_then(|field| entity.field(field));
    let holder = field.and_then(|(id, _)| record.reference(id));
    let member = tenant.tables.named(Table::Member, name);
    (holder.is_some() && holder == member) || &*record.stamps.entered_by == name
}

fn ids_to_text(json: &mut Value) {
    match json {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                if name == "id" && value.is_number() {
                    *value = json!(value.to_string());
                } else {
                    ids_to_text(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(ids_to_text),
        _ => {}
    }
}
