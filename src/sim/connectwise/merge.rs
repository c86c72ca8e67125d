//! `POST /company/companies/{id}/merge`: one company goes into another, with the values and children that are chosen.

use serde_json::{Value, json};

use super::behaviour::MergedCompany;
use super::entity::Entity;
use super::fields::{FieldId, Stored};
use super::permits::{self, Verb};
use super::resource::{self, Place};
use super::tenant::{Tenant, WriteError, references};
use super::{Call, Failure, fields};
use crate::sim::ledger;
use crate::sim::wire::Reply;
use crate::sim::world::Act;

/// Members of the body that name more than the field of the same name.
const CHOICES: [(&str, &[&str]); 9] = [
    ("phone", &["phoneNumber"]),
    ("fax", &["faxNumber"]),
    ("revenue", &["annualRevenue"]),
    ("timeZone", &["timeZoneSetup"]),
    ("sourceList", &["leadSource"]),
    ("primaryContact", &["defaultContact"]),
    ("primaryAddress", &["addressLine1", "addressLine2", "city", "state", "zip", "country"]),
    ("billingAddress", &["billingSite"]),
    ("type", &[]),
];

/// What goes along or is thrown away, by the member that says so; projects and documents are not simulated.
const CHILDREN: [(&str, Entity); 6] = [
    ("notes", Entity::CompanyNote),
    ("sites", Entity::Site),
    ("activities", Entity::Activity),
    ("opportunities", Entity::Opportunity),
    ("services", Entity::Ticket),
    ("contacts", Entity::Contact),
];

pub(crate) fn serve(call: &mut Call<'_>, from: u32) -> Result<Reply, Failure> {
    call.permit_verb(permits::COMPANY_MAINTENANCE, Verb::Edit)?;
    let (entity, body) = (Entity::Company, call.body()?);
    let body = resource::object(entity, &body)?;
    let to = body.get("toCompanyId").and_then(super::assign::as_id);
    let missing = || Failure::one(entity, "MissingRequiredField", "toCompanyId", "The toCompanyId field is required.");
    let to = to.ok_or_else(missing)?;
    resource::find(call, Place::all(entity), from)?;
    resource::find(call, Place::all(entity), to)?;
    if from == to {
        return Err(Failure::one(entity, "InvalidField", "toCompanyId", "A company cannot be merged into itself."));
    }
    let says = |name: &str, word: &str| body.get(name).and_then(Value::as_str) == Some(word);
    let named = |name: &String| {
        let more = CHOICES.iter().find(|(choice, _)| choice == name);
        more.map_or_else(|| vec![name.clone()], |(_, fields)| fields.iter().map(|f| (*f).to_owned()).collect())
    };
    let chosen: Vec<FieldId> = body
        .keys()
        .filter(|name| says(name, "From"))
        .flat_map(named)
        .filter_map(|name| fields::find(entity.fields(), &name).map(|(id, _)| id))
        .collect();
    let children: Vec<(Entity, bool)> = CHILDREN.iter().map(|(name, kind)| (*kind, !says(name, "Discard"))).collect();
    let types = says("type", "From");
    let (tenant, mut act) = call.act();
    tenant.merge(&mut act, (from, to), &Merge { chosen, children, types })?;
    Ok(Reply::json(200, &json!({"success": true, "message": null})))
}

/// What is taken from the company that goes.
#[derive(Debug)]
pub(crate) struct Merge {
    pub chosen: Vec<FieldId>,
    /// Kinds, and whether their records go along; otherwise they are deleted.
    pub children: Vec<(Entity, bool)>,
    /// Its types in place of the other's.
    pub types: bool,
}

impl Merge {
    /// Nothing of its own, all of its children: what a person does who only tidies up.
    pub fn tidy() -> Self {
        Self { chosen: Vec::new(), children: CHILDREN.iter().map(|(_, kind)| (*kind, true)).collect(), types: false }
    }
}

impl Tenant {
    /// Merges company `from` into company `to`. No call-back tells of it: there are updates and one deletion.
    pub fn merge(&mut self, act: &mut Act<'_>, (from, to): (u32, u32), merge: &Merge) -> Result<(), WriteError> {
        let entity = Entity::Company;
        let source = self.find(entity, from).ok_or(WriteError::NotFound(entity, from))?.clone();
        let mut target = self.find(entity, to).ok_or(WriteError::NotFound(entity, to))?.clone();
        let identifier = entity.key();
        for field in merge.chosen.iter().filter(|f| Some(**f) != identifier) {
            target.set(*field, source.get(*field).cloned());
        }
        if merge.types {
            target.types.clear();
            for (_, type_id) in &source.types {
                self.add_type(&mut target, *type_id);
            }
        }
        self.replace(act, entity, target, ledger::Verb::Merge)?;
        for (kind, along) in &merge.children {
            let ids: Vec<u32> = self.shelf(*kind).of(from).collect();
            for id in ids {
                if *along { self.move_to(act, *kind, id, to) } else { self.discard(act, *kind, id) }
            }
        }
        self.transfer(act, entity, from, to);
        if act.behaviour.connectwise.merged_company == MergedCompany::Gone {
            self.merged_away.insert(from);
        }
        self.bin(act, from, true)
    }

    /// Gives a child of a company a new parent, whatever its other values are worth by today's rules.
    fn move_to(&mut self, act: &mut Act<'_>, kind: Entity, id: u32, to: u32) {
        let Some((owner, _)) = kind.owner() else { return };
        let Some(mut child) = self.find(kind, id).cloned() else { return };
        child.set(owner, Some(Stored::Ref(to)));
        if kind == Entity::Site {
            // The company that stays keeps its own primary site.
            for flag in ["primaryAddressFlag", "defaultShippingFlag", "defaultBillingFlag", "defaultMailingFlag"] {
                if let Some((field, _)) = kind.field(flag) {
                    child.set(field, Some(Stored::Flag(false)));
                }
            }
        }
        self.put_changed(act, kind, child);
    }

    fn discard(&mut self, act: &mut Act<'_>, kind: Entity, id: u32) {
        super::rules::before_gone(self, kind, id);
        if let Some(gone) = self.shelf_mut(kind).take(id) {
            self.note_gone(act, kind, &gone);
        }
    }

    /// Lets every reference to one record lead to another.
    pub fn transfer(&mut self, act: &mut Act<'_>, entity: Entity, from: u32, to: u32) {
        let target = fields::Target::Record(entity);
        for kind in Entity::ALL {
            let leads = |record: &&super::record::Record| {
                references(kind, record).any(|(_, leads_to, id)| leads_to == target && id == from)
            };
            let changed: Vec<_> = self.shelf(kind).after(0).filter(leads).cloned().collect();
            for mut record in changed {
                let fields: Vec<FieldId> = references(kind, &record)
                    .filter(|(_, leads_to, id)| *leads_to == target && *id == from)
                    .map(|(field, _, _)| field)
                    .collect();
                fields.into_iter().for_each(|field| record.set(field, Some(Stored::Ref(to))));
                self.put_changed(act, kind, record);
            }
        }
    }
}
