//! Contacts: one default communication item per way, a site of the contact's own company.

use super::{reference, set};
use crate::sim::connectwise::entity::Entity;
use crate::sim::connectwise::fields::{Problem, Stored};
use crate::sim::connectwise::record::{Item, Record};
use crate::sim::connectwise::tables::{Table, Tables};
use crate::sim::connectwise::tenant::Tenant;

/// How a communication item reaches a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Email,
    Phone,
    Fax,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Email, Self::Phone, Self::Fax];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::Phone => "Phone",
            Self::Fax => "Fax",
        }
    }
}

/// The way of a communication type, by its one flag that is set.
pub(crate) fn way_of(tables: &Tables, type_id: u32) -> Way {
    if tables.flag(Table::CommunicationType, type_id, "emailFlag") {
        Way::Email
    } else if tables.flag(Table::CommunicationType, type_id, "faxFlag") {
        Way::Fax
    } else {
        Way::Phone
    }
}

pub(crate) fn default_item<'a>(tables: &Tables, contact: &'a Record, way: Way) -> Option<&'a Item> {
    contact.items.iter().find(|item| item.default && way_of(tables, item.type_id) == way)
}

/// At most one default per way: the item that became one last, which is the one that `old` did not know as such.
fn derived_items(tables: &Tables, contact: &mut Record, old: Option<&Record>) {
    let was_default = |id: u32| old.is_some_and(|old| old.items.iter().any(|item| item.id == id && item.default));
    for way in Way::ALL {
        let of_way = |item: &&mut Item| way_of(tables, item.type_id) == way;
        let defaults: Vec<u32> = contact.items.iter_mut().filter(of_way).filter(|i| i.default).map(|i| i.id).collect();
        let fresh = defaults.iter().rev().find(|id| !was_default(**id)).or_else(|| defaults.last()).copied();
        for item in contact.items.iter_mut().filter(of_way) {
            item.default = Some(item.id) == fresh;
        }
        if fresh.is_none()
            && let Some(first) = contact.items.iter_mut().find(of_way)
        {
            first.default = true;
        }
    }
}

pub(super) fn derive(tenant: &Tenant, contact: &mut Record, old: Option<&Record>) {
    let entity = Entity::Contact;
    let (company, site) = (reference(entity, contact, "company"), reference(entity, contact, "site"));
    let moved = company != old.and_then(|old| reference(entity, old, "company"));
    let same_site = site == old.and_then(|old| reference(entity, old, "site"));
    // The site of the old company does not go along; one that was named is checked instead.
    if moved && same_site {
        let new = company.and_then(|company| super::primary_site(tenant, company)).map(|site| Stored::Ref(site.id));
        set(entity, contact, "site", new);
    }
    derived_items(&tenant.tables, contact, old);
}

pub(super) fn check(tenant: &Tenant, contact: &Record, problems: &mut Vec<Problem>) {
    let entity = Entity::Contact;
    let site = reference(entity, contact, "site");
    let home =
        site.and_then(|site| tenant.find(Entity::Site, site)).and_then(|s| reference(Entity::Site, s, "company"));
    if let (Some(site), true) = (site, home.is_some() && home != reference(entity, contact, "company")) {
        problems.push(Problem::new("NotFound", "site/id", format!("Site {site} not found for the company")));
    }
    for item in &contact.items {
        for (what, value, most) in [("value", Some(&item.value), 250), ("extension", item.extension.as_ref(), 15)] {
            if value.is_some_and(|value| value.chars().count() > most) {
                let message = format!("The field {what} must be a string with a maximum length of {most}.");
                problems.push(Problem::new("MaxLengthField", what, message));
            }
        }
    }
}
