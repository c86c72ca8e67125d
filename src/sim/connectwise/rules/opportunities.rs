//! Opportunities: defaults, the pipeline's dates, closing by status, a probability that may follow the stage.

use serde_json::Value;

use super::{default, number, reference, set};
use crate::sim::connectwise::behaviour::ClosedDate;
use crate::sim::connectwise::entity::Entity;
use crate::sim::connectwise::fields::Stored;
use crate::sim::connectwise::record::Record;
use crate::sim::connectwise::tables::{Table, id_of};
use crate::sim::connectwise::tenant::Tenant;
use crate::sim::world::Act;

const ENTITY: Entity = Entity::Opportunity;
/// Where the API member is at home.
const HOME_LOCATION: u32 = 2;
const HOME_DEPARTMENT: u32 = 10;
const DAY: i64 = 86_400;

pub(super) fn derive(tenant: &Tenant, act: &Act<'_>, record: &mut Record, old: Option<&Record>) {
    let tables = &tenant.tables;
    let now = act.now.div_euclid(1000);
    default(ENTITY, record, "status", || tables.flagged(Table::OpportunityStatus, "defaultFlag").map(Stored::Ref));
    default(ENTITY, record, "stage", || tables.rows(Table::Stage).next().and_then(id_of).map(Stored::Ref));
    if old.is_none() {
        default(ENTITY, record, "locationId", || Some(Stored::Ref(HOME_LOCATION)));
        default(ENTITY, record, "businessUnitId", || Some(Stored::Ref(HOME_DEPARTMENT)));
        default(ENTITY, record, "expectedCloseDate", || Some(Stored::Time(now.div_euclid(DAY) * DAY)));
        default(ENTITY, record, "currency", || tables.rows(Table::Currency).next().and_then(id_of).map(Stored::Ref));
        default(ENTITY, record, "dateBecameLead", || Some(Stored::Time(now)));
        let site = reference(ENTITY, record, "company").and_then(|company| super::primary_site(tenant, company));
        default(ENTITY, record, "site", || site.map(|site| Stored::Ref(site.id)));
    }
    let stage = reference(ENTITY, record, "stage");
    if old.is_none_or(|old| reference(ENTITY, old, "stage") != stage) {
        set(ENTITY, record, "pipelineChangeDate", Some(Stored::Time(now)));
    }
    let row = stage.and_then(|stage| tables.row(Table::Stage, stage));
    let of_stage = row.and_then(|row| row.get("probability")).and_then(id_of).map(Stored::Ref);
    if act.behaviour.connectwise.lock_probability {
        set(ENTITY, record, "probability", of_stage);
    } else if old.is_none() {
        default(ENTITY, record, "probability", || of_stage);
    }
    close(tenant, act, record, old);
}

/// Whether the status of an opportunity is one that closes it.
pub(crate) fn is_closed(tenant: &Tenant, record: &Record) -> bool {
    let status = reference(ENTITY, record, "status");
    status.is_some_and(|status| tenant.tables.flag(Table::OpportunityStatus, status, "closedFlag"))
}

fn close(tenant: &Tenant, act: &Act<'_>, record: &mut Record, old: Option<&Record>) {
    let (was, is) = (old.is_some_and(|old| is_closed(tenant, old)), is_closed(tenant, record));
    let rule = act.behaviour.connectwise.closed_date;
    if was == is || rule == ClosedDate::Never {
        return;
    }
    if is {
        set(ENTITY, record, "closedDate", Some(Stored::Time(act.now.div_euclid(1000))));
        let member = tenant.tables.named(Table::Member, act.actor.name());
        set(ENTITY, record, "closedBy", member.map(Stored::Ref));
    } else if rule == ClosedDate::SetAndCleared {
        set(ENTITY, record, "closedDate", None);
        set(ENTITY, record, "closedBy", None);
    }
}

/// What a forecast item works out from its own numbers.
pub(super) fn derive_item(item: &mut Record, old: Option<&Record>) {
    let entity = Entity::ForecastItem;
    if old.is_none() {
        default(entity, item, "includeFlag", || Some(Stored::Flag(true)));
        default(entity, item, "quantity", || Some(Stored::Decimal(1.0)));
        default(entity, item, "revenue", || Some(Stored::Decimal(0.0)));
        default(entity, item, "cost", || Some(Stored::Decimal(0.0)));
        default(entity, item, "percentage", || Some(Stored::Whole(100)));
    }
    let margin = number(entity, item, "revenue") - number(entity, item, "cost");
    set(entity, item, "margin", Some(Stored::Decimal(margin)));
}

/// The probability of an opportunity in percent.
pub(crate) fn probability(tenant: &Tenant, record: &Record) -> Option<i64> {
    let row = tenant.tables.row(Table::Probability, reference(ENTITY, record, "probability")?)?;
    row.get("probability").and_then(Value::as_i64)
}
