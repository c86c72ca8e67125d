//! Service tickets: what the board decides, closing by status, what the contact fills in.

use serde_json::Value;

use super::{default, reference, set, text};
use crate::sim::connectwise::entity::Entity;
use crate::sim::connectwise::fields::{Problem, Stored};
use crate::sim::connectwise::record::Record;
use crate::sim::connectwise::tables::{Table, id_of};
use crate::sim::connectwise::tenant::Tenant;
use crate::sim::world::Act;

const ENTITY: Entity = Entity::Ticket;
/// The board of the API member.
const HOME_BOARD: u32 = 1;

pub(super) fn derive(tenant: &Tenant, act: &Act<'_>, record: &mut Record, old: Option<&Record>) {
    let tables = &tenant.tables;
    if old.is_none() {
        default(ENTITY, record, "board", || Some(Stored::Ref(HOME_BOARD)));
        default(ENTITY, record, "priority", || tables.flagged(Table::Priority, "defaultFlag").map(Stored::Ref));
        default(ENTITY, record, "source", || tables.flagged(Table::Source, "defaultFlag").map(Stored::Ref));
        for (name, value) in [("severity", "Medium"), ("impact", "Medium"), ("recordType", "ServiceTicket")] {
            default(ENTITY, record, name, || Some(Stored::Text(value.into())));
        }
        let site = reference(ENTITY, record, "company").and_then(|company| super::primary_site(tenant, company));
        default(ENTITY, record, "site", || site.map(|site| Stored::Ref(site.id)));
        default(ENTITY, record, "siteName", || site.map(|site| Stored::Text(text(Entity::Site, site, "name").into())));
    }
    board(tenant, record, old);
    person(tenant, record, old);
    close(tenant, act, record, old);
}

/// A board brings its own status, location and department.
fn board(tenant: &Tenant, record: &mut Record, old: Option<&Record>) {
    let board = reference(ENTITY, record, "board");
    let moved = board != old.and_then(|old| reference(ENTITY, old, "board"));
    let same_status = reference(ENTITY, record, "status") == old.and_then(|old| reference(ENTITY, old, "status"));
    if !moved {
        return;
    }
    if same_status || reference(ENTITY, record, "status").is_none() {
        let first = tenant
            .tables
            .rows(Table::BoardStatus)
            .find(|row| of_board(row, board) && row.get("defaultFlag").and_then(Value::as_bool) == Some(true));
        set(ENTITY, record, "status", first.and_then(id_of).map(Stored::Ref));
    }
    let row = board.and_then(|board| tenant.tables.row(Table::Board, board));
    for name in ["location", "department"] {
        let id = row.and_then(|row| row.get(name)).and_then(id_of);
        set(ENTITY, record, name, id.map(Stored::Ref));
    }
}

/// Whether a status or type is one of the board.
fn of_board(row: &Value, board: Option<u32>) -> bool {
    board.is_some() && row.get("board").and_then(id_of) == board
}

/// A contact brings its name and how to reach it.
fn person(tenant: &Tenant, record: &mut Record, old: Option<&Record>) {
    let contact = reference(ENTITY, record, "contact");
    if contact == old.and_then(|old| reference(ENTITY, old, "contact")) {
        return;
    }
    let contact = contact.and_then(|id| tenant.find(Entity::Contact, id));
    let name = contact.map(|contact| tenant.name_of(Entity::Contact, contact).chars().take(62).collect::<String>());
    let reach = |way| contact.and_then(|c| super::default_item(&tenant.tables, c, way)).map(|item| item.value.clone());
    let short = |text: Box<str>, most: usize| text.chars().take(most).collect::<String>();
    let (phone, email) = (reach(super::Way::Phone), reach(super::Way::Email));
    set(ENTITY, record, "contactName", name.map(|name| Stored::Text(name.into())));
    set(ENTITY, record, "contactPhoneNumber", phone.map(|text| Stored::Text(short(text, 20).into())));
    set(ENTITY, record, "contactEmailAddress", email.map(|text| Stored::Text(short(text, 250).into())));
}

/// Whether the status of a ticket is one that closes it.
pub(crate) fn is_closed(tenant: &Tenant, record: &Record) -> bool {
    let status = reference(ENTITY, record, "status");
    status.is_some_and(|status| tenant.tables.flag(Table::BoardStatus, status, "closedStatus"))
}

fn close(tenant: &Tenant, act: &Act<'_>, record: &mut Record, old: Option<&Record>) {
    let (was, is) = (old.is_some_and(|old| is_closed(tenant, old)), is_closed(tenant, record));
    set(ENTITY, record, "closedFlag", Some(Stored::Flag(is)));
    if was != is {
        let (at, who) = (Stored::Time(act.now.div_euclid(1000)), Stored::Text(act.actor.name().into()));
        set(ENTITY, record, "closedDate", is.then_some(at));
        set(ENTITY, record, "closedBy", is.then_some(who));
    }
}

pub(super) fn check(tenant: &Tenant, record: &Record, problems: &mut Vec<Problem>) {
    let board = reference(ENTITY, record, "board");
    let shown = board.map_or_else(String::new, |board| board.to_string());
    for (name, table) in [("status", Table::BoardStatus), ("type", Table::BoardType)] {
        let Some(id) = reference(ENTITY, record, name) else { continue };
        if !tenant.tables.row(table, id).is_some_and(|row| of_board(row, board)) {
            let message = format!("{} {id} not found for Service Board {shown}", table.title());
            problems.push(Problem::new("NotFound", &format!("{name}/id"), message));
        }
    }
}

pub(super) fn derive_note(act: &Act<'_>, note: &mut Record, old: Option<&Record>) {
    if old.is_some() {
        return;
    }
    let entity = Entity::TicketNote;
    default(entity, note, "dateCreated", || Some(Stored::Time(act.now.div_euclid(1000))));
    default(entity, note, "createdBy", || Some(Stored::Text(act.actor.name().into())));
    let kinds = ["detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag"];
    if kinds.iter().all(|name| !entity.field(name).is_some_and(|(id, _)| note.flag(id))) {
        set(entity, note, "detailDescriptionFlag", Some(Stored::Flag(true)));
    }
}
