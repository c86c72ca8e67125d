//! Names as conditions, orders and `fields` write them, resolved once and read from records or from plain JSON.

use std::borrow::Cow;

use serde_json::Value;

use super::conditions::{Operand, Row};
use super::entity::Entity;
use super::fields::{self, FieldId, Kind, Stored, Target};
use super::record::Record;
use super::rules;
use super::tables::Table;
use super::tenant::Tenant;

/// Where a value of a record is found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Path {
    Id,
    Updated,
    UpdatedBy,
    Entered,
    EnteredBy,
    Field(FieldId),
    /// A member of what a reference leads to.
    Member(FieldId, Target, Member),
    /// A member of a value that is kept as it was sent.
    Inside(FieldId, String),
    /// The site whose address is the company's.
    PrimarySite(Member),
    /// What the default telephone item of a contact says: its number or its extension.
    DefaultPhone(Part),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Type,
    Number,
    Extension,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Member {
    Id,
    Identifier,
    Name,
    /// Of a table's row, in the row's own words.
    Other(String),
}

impl Path {
    /// The place of a name, whatever its case; none when the kind knows no such name.
    pub fn find(tenant: &Tenant, entity: Entity, name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "id" => return Some(Self::Id),
            "lastupdated" | "_info/lastupdated" => return Some(Self::Updated),
            "updatedby" | "_info/updatedby" => return Some(Self::UpdatedBy),
            "dateentered" | "_info/dateentered" => return Some(Self::Entered),
            "_info/enteredby" => return Some(Self::EnteredBy),
            "enteredby" if entity.field("enteredBy").is_none() => return Some(Self::EnteredBy),
            "defaultphonetype" if entity == Entity::Contact => return Some(Self::DefaultPhone(Part::Type)),
            "defaultphonenbr" if entity == Entity::Contact => return Some(Self::DefaultPhone(Part::Number)),
            "defaultphoneextension" if entity == Entity::Contact => return Some(Self::DefaultPhone(Part::Extension)),
            _ => {}
        }
        let (head, member) = lower.split_once('/').map_or((lower.as_str(), None), |(h, m)| (h, Some(m)));
        if entity == Entity::Company && head == "site" {
            return Some(Self::PrimarySite(member_of(tenant, Target::Record(Entity::Site), member?)?));
        }
        let (id, field) = fields::find_any_case(entity.fields(), head)?;
        match (field.kind, member) {
            (Kind::Apart, _) => None,
            (Kind::Ref(target), Some(member)) => Some(Self::Member(id, target, member_of(tenant, target, member)?)),
            (Kind::Opaque, Some(member)) => Some(Self::Inside(id, member.to_owned())),
            (_, Some(_)) => None,
            (_, None) => Some(Self::Field(id)),
        }
    }
}

fn member_of(tenant: &Tenant, target: Target, member: &str) -> Option<Member> {
    match (member, target) {
        ("id", _) => Some(Member::Id),
        ("name", _) => Some(Member::Name),
        ("identifier", Target::Record(entity)) => entity.field("identifier").map(|_| Member::Identifier),
        ("summary", Target::Record(Entity::Ticket)) => Some(Member::Name),
        (other, Target::Table(table)) => {
            let row = tenant.tables.rows(table).next()?.as_object()?;
            let known = row.keys().find(|key| key.eq_ignore_ascii_case(other)).cloned();
            // Conditions on the identifier of a row that has none find nothing rather than fail.
            known.or_else(|| (other == "identifier").then(|| "identifier".to_owned())).map(Member::Other)
        }
        _ => None,
    }
}

/// A record as conditions see it.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub tenant: &'a Tenant,
    pub entity: Entity,
    pub record: &'a Record,
}

impl Row<Path> for Seen<'_> {
    fn operand(&self, path: &Path) -> Operand<'_> {
        let stamps = &self.record.stamps;
        match path {
            Path::Id => Operand::Number(f64::from(self.record.id)),
            Path::Updated => Operand::Time(stamps.updated),
            Path::UpdatedBy => text(&stamps.updated_by),
            Path::Entered => Operand::Time(stamps.entered),
            Path::EnteredBy => text(&stamps.entered_by),
            Path::Field(id) => self.field(*id),
            Path::Member(id, target, member) => match self.record.reference(*id) {
                Some(row) => self.member(*target, row, member),
                None => Operand::Null,
            },
            Path::Inside(id, member) => match self.record.get(*id) {
                Some(Stored::Opaque(json)) => any_case(json, member).map_or(Operand::Null, json_operand),
                _ => Operand::Null,
            },
            Path::PrimarySite(member) => match rules::primary_site(self.tenant, self.record.id) {
                Some(site) => self.member(Target::Record(Entity::Site), site.id, member),
                None => Operand::Null,
            },
            Path::DefaultPhone(part) => self.default_phone(*part),
        }
    }
}

impl<'a> Seen<'a> {
    fn field(&self, id: FieldId) -> Operand<'a> {
        let record: &'a Record = self.record;
        match (record.get(id), self.entity.field_by_id(id).map(|f| f.kind)) {
            (None, Some(Kind::Flag)) => Operand::Flag(false),
            (None, _) => Operand::Null,
            // A reference by itself only says whether there is one.
            (Some(Stored::Ref(_)), Some(Kind::Ref(_))) => Operand::Flag(true),
            (Some(value), _) => stored(value),
        }
    }

    fn default_phone(&self, part: Part) -> Operand<'a> {
        let record: &'a Record = self.record;
        let Some(item) = rules::default_item(&self.tenant.tables, record, rules::Way::Phone) else {
            return Operand::Null;
        };
        match part {
            Part::Number => text(&item.value),
            Part::Extension => item.extension.as_deref().map_or(Operand::Null, text),
            Part::Type => Operand::Text(self.tenant.tables.name(Table::CommunicationType, item.type_id).into()),
        }
    }

    fn member(&self, target: Target, row: u32, member: &Member) -> Operand<'a> {
        let tenant: &'a Tenant = self.tenant;
        match (target, member) {
            (_, Member::Id) => Operand::Number(f64::from(row)),
            (Target::Table(table), Member::Name) => Operand::Text(tenant.tables.name(table, row).into()),
            (Target::Table(table), Member::Other(name)) => {
                let found = tenant.tables.row(table, row).and_then(|row| row.get(name));
                found.map_or(Operand::Null, json_operand)
            }
            (Target::Table(_), Member::Identifier) | (Target::Record(_), Member::Other(_)) => Operand::Null,
            (Target::Record(entity), Member::Identifier) => {
                let field = entity.field("identifier").map(|(id, _)| id);
                let record = tenant.find(entity, row);
                field.zip(record).map_or(Operand::Null, |(field, record)| text(record.text(field)))
            }
            (Target::Record(entity), Member::Name) => {
                let record = tenant.find(entity, row);
                record.map_or(Operand::Null, |record| Operand::Text(tenant.name_of(entity, record).into()))
            }
        }
    }
}

const fn text(text: &str) -> Operand<'_> {
    Operand::Text(Cow::Borrowed(text))
}

#[expect(clippy::cast_precision_loss, reason = "whole numbers of records stay far below 2^53")]
fn stored(value: &Stored) -> Operand<'_> {
    match value {
        Stored::Text(value) => text(value),
        Stored::Whole(n) => Operand::Number(*n as f64),
        Stored::Decimal(n) => Operand::Number(*n),
        Stored::Flag(flag) => Operand::Flag(*flag),
        Stored::Time(seconds) => Operand::Time(*seconds),
        Stored::Ref(id) => Operand::Number(f64::from(*id)),
        Stored::Opaque(json) => json_operand(json),
    }
}

pub(crate) fn json_operand(value: &Value) -> Operand<'_> {
    match value {
        Value::String(value) => text(value),
        Value::Number(n) => n.as_f64().map_or(Operand::Null, Operand::Number),
        Value::Bool(flag) => Operand::Flag(*flag),
        Value::Null => Operand::Null,
        Value::Object(_) | Value::Array(_) => Operand::Flag(true),
    }
}

/// Plain JSON as conditions see it, by the names of its members.
pub(crate) struct JsonRow<'a>(pub &'a Value);

impl Row<String> for JsonRow<'_> {
    fn operand(&self, name: &String) -> Operand<'_> {
        inside(self.0, name).map_or(Operand::Null, json_operand)
    }
}

/// The value under a path of members, whatever their case.
pub(crate) fn inside<'a>(json: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/').try_fold(json, any_case)
}

fn any_case<'a>(json: &'a Value, member: &str) -> Option<&'a Value> {
    json.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(member)).map(|(_, value)| value)
}
