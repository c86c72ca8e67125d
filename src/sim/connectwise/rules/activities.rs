//! Sales activities: their default type and status, and when they count as closed.

use super::{default, reference, set};
use crate::sim::connectwise::entity::Entity;
use crate::sim::connectwise::fields::Stored;
use crate::sim::connectwise::record::Record;
use crate::sim::connectwise::tables::Table;
use crate::sim::connectwise::tenant::Tenant;
use crate::sim::world::Act;

const ENTITY: Entity = Entity::Activity;

pub(super) fn derive(tenant: &Tenant, act: &Act<'_>, record: &mut Record, old: Option<&Record>) {
    let flagged = |table| tenant.tables.flagged(table, "defaultFlag").map(Stored::Ref);
    default(ENTITY, record, "type", || flagged(Table::ActivityType));
    default(ENTITY, record, "status", || flagged(Table::ActivityStatus));
    if old.is_none() {
        let member = tenant.tables.named(Table::Member, act.actor.name());
        default(ENTITY, record, "assignedBy", || member.map(Stored::Ref));
    }
    let closed = |record: &Record| {
        let status = reference(ENTITY, record, "status");
        status.is_some_and(|status| tenant.tables.flag(Table::ActivityStatus, status, "closedFlag"))
    };
    let is = closed(record);
    if is != old.is_some_and(closed) {
        set(ENTITY, record, "dateClosedUtc", is.then(|| Stored::Time(act.now.div_euclid(1000))));
    }
    set(ENTITY, record, "closeFlag", Some(Stored::Flag(is)));
}
