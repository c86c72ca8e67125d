//! Companies, what they may be called, and their sites: a company shows the address of its primary site as its own.

use super::{default, reference, set, text};
use crate::sim::connectwise::behaviour::Behaviour;
use crate::sim::connectwise::entity::Entity;
use crate::sim::connectwise::fields::{Problem, Stored};
use crate::sim::connectwise::record::Record;
use crate::sim::connectwise::tables::Table;
use crate::sim::connectwise::tenant::Tenant;
use crate::sim::world::Act;

const IDENTIFIER: &str = "identifier";
/// Fields that a company shares with its primary site under the same name; state is apart, a text here, a row there.
const MIRRORED: [&str; 5] = ["addressLine1", "addressLine2", "city", "zip", "country"];

pub(super) fn derive(tenant: &Tenant, act: &Act<'_>, company: &mut Record, old: Option<&Record>) {
    let entity = Entity::Company;
    let behaviour = &act.behaviour.connectwise;
    if old.is_none() && behaviour.status_lands_elsewhere {
        set(entity, company, "status", None);
    }
    if old.is_none() && behaviour.identifiers_generated {
        let made = generated(tenant, behaviour, company);
        set(entity, company, IDENTIFIER, Some(Stored::Text(made.into())));
    }
    default(entity, company, "status", || tenant.tables.flagged(Table::Status, "defaultFlag").map(Stored::Ref));
}

/// A free identifier from the company's name.
fn generated(tenant: &Tenant, behaviour: &Behaviour, company: &Record) -> String {
    let entity = Entity::Company;
    let keeps = |c: &char| is_plain(*c) && !(behaviour.identifiers_without_spaces && *c == ' ');
    let letters: String = text(entity, company, "name").chars().filter(keeps).collect();
    let most = entity.field(IDENTIFIER).map_or(0, |(_, field)| field.longest(behaviour.release_number()));
    let numbered = |number: u32| {
        let suffix = if number == 1 { String::new() } else { number.to_string() };
        let room = most.saturating_sub(suffix.len());
        format!("{}{suffix}", letters.chars().take(room).collect::<String>())
    };
    let is_free = |identifier: &String| tenant.shelf(entity).by_key(identifier).next().is_none();
    (1..=u32::MAX).map(numbered).find(is_free).unwrap_or_default()
}

const fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ' '
}

pub(super) fn check(
    (tenant, behaviour): (&Tenant, &Behaviour),
    company: &Record,
    old: Option<&Record>,
    problems: &mut Vec<Problem>,
) {
    let identifier = text(Entity::Company, company, IDENTIFIER);
    let is_new = old.is_none_or(|old| text(Entity::Company, old, IDENTIFIER) != identifier);
    if is_new && behaviour.identifiers_plain && !identifier.chars().all(is_plain) {
        let message = "The field identifier must consist of letters, digits and spaces.";
        problems.push(Problem::new("InvalidField", IDENTIFIER, message));
    }
    if is_new && behaviour.identifiers_without_spaces && identifier.contains(' ') {
        problems.push(Problem::new("InvalidField", IDENTIFIER, "The field identifier must not contain spaces."));
    }
    let Some(status) = reference(Entity::Company, company, "status") else { return };
    if tenant.tables.flag(Table::Status, status, "disallowSavingFlag") {
        let name = tenant.tables.name(Table::Status, status);
        problems.push(Problem::new("InvalidField", "status", format!("Companies with status {name} cannot be saved.")));
    }
}

/// The site whose address the company shows as its own.
pub(crate) fn primary_site(tenant: &Tenant, company: u32) -> Option<&Record> {
    let primary = Entity::Site.field("primaryAddressFlag")?.0;
    tenant.of(Entity::Site, company).find(|site| site.flag(primary))
}

pub(super) fn is_primary(tenant: &Tenant, site: u32) -> bool {
    let company = tenant.find(Entity::Site, site).and_then(|s| reference(Entity::Site, s, "company"));
    company.and_then(|company| primary_site(tenant, company)).is_some_and(|primary| primary.id == site)
}

/// Gives a company its first site, with the company's own address.
pub(crate) fn add_site(tenant: &mut Tenant, company: u32, name: &str) {
    let Some(owner) = tenant.find(Entity::Company, company) else { return };
    let mut site = Record::blank(tenant.shelf(Entity::Site).next_id(), 0, "");
    site.stamps = owner.stamps.clone();
    set(Entity::Site, &mut site, "name", Some(Stored::Text(name.into())));
    set(Entity::Site, &mut site, "company", Some(Stored::Ref(company)));
    for flag in ["primaryAddressFlag", "defaultShippingFlag", "defaultBillingFlag", "defaultMailingFlag"] {
        set(Entity::Site, &mut site, flag, Some(Stored::Flag(true)));
    }
    to_site(tenant, owner, &mut site);
    tenant.insert(Entity::Site, site);
}

fn to_site(tenant: &Tenant, company: &Record, site: &mut Record) {
    for name in MIRRORED {
        let value = Entity::Company.field(name).and_then(|(id, _)| company.get(id)).cloned();
        set(Entity::Site, site, name, value);
    }
    // A state that the table does not know has no place in a site.
    let state = tenant.tables.named(Table::State, text(Entity::Company, company, "state"));
    set(Entity::Site, site, "stateReference", state.map(Stored::Ref));
}

fn to_company(tenant: &Tenant, site: &Record, company: &mut Record) {
    for name in MIRRORED {
        let value = Entity::Site.field(name).and_then(|(id, _)| site.get(id)).cloned();
        set(Entity::Company, company, name, value);
    }
    let state = reference(Entity::Site, site, "stateReference");
    let row = state.and_then(|id| tenant.tables.row(Table::State, id));
    let identifier = row.and_then(|row| row.get("identifier")).and_then(serde_json::Value::as_str);
    if let Some(identifier) = identifier {
        set(Entity::Company, company, "state", Some(Stored::Text(identifier.into())));
    }
}

fn address_differs(a: &Record, b: &Record) -> bool {
    MIRRORED.iter().chain(&["state"]).any(|name| {
        let value = |record: &Record| Entity::Company.field(name).and_then(|(id, _)| record.get(id).cloned());
        value(a) != value(b)
    })
}

/// The primary site takes over a changed address.
pub(super) fn follow(tenant: &mut Tenant, id: u32, old: Option<&Record>) {
    let Some(company) = tenant.find(Entity::Company, id) else { return };
    if !old.is_some_and(|old| address_differs(old, company)) {
        return;
    }
    if let Some(mut site) = primary_site(tenant, id).cloned() {
        to_site(tenant, company, &mut site);
        tenant.insert(Entity::Site, site);
    }
}

pub(super) fn derive_site(tenant: &Tenant, site: &mut Record, old: Option<&Record>) {
    let company = reference(Entity::Site, site, "company");
    let first = old.is_none() && company.is_some_and(|company| primary_site(tenant, company).is_none());
    if first {
        set(Entity::Site, site, "primaryAddressFlag", Some(Stored::Flag(true)));
    }
}

/// One primary site at a time, and the company shows its address.
pub(super) fn follow_site(tenant: &mut Tenant, act: &Act<'_>, id: u32) {
    let Some((primary, _)) = Entity::Site.field("primaryAddressFlag") else { return };
    let Some(site) = tenant.find(Entity::Site, id).filter(|site| site.flag(primary)).cloned() else { return };
    let Some(company) = reference(Entity::Site, &site, "company") else { return };
    let demoted: Vec<Record> =
        tenant.of(Entity::Site, company).filter(|other| other.id != id && other.flag(primary)).cloned().collect();
    for mut other in demoted {
        other.set(primary, Some(Stored::Flag(false)));
        tenant.insert(Entity::Site, other);
    }
    if let Some(old) = tenant.find(Entity::Company, company).cloned() {
        let mut mirrored = old.clone();
        to_company(tenant, &site, &mut mirrored);
        if mirrored != old {
            // The company's own field changed, so this much of a child's change the company's stamp shows.
            mirrored.stamps.updated = act.now.div_euclid(1000);
            mirrored.stamps.updated_by = act.actor.name().into();
            tenant.insert(Entity::Company, mirrored);
        }
    }
}
