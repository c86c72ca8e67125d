//! The account itself: details, daily usage, what is left of its limits, and the addresses that HubSpot calls from.

use axum::http::Method;
use serde_json::{Value, json};

use super::kinds::{ALL, KindRef};
use super::limits::ZONE;
use super::portal::{HOME_CURRENCY, PORTAL_ID};
use super::{Call, Failure};
use crate::sim::clock::{iso_millis, midnight_and_offset};
use crate::sim::wire::Reply;

/// Records of one object that the account may hold.
const MOST_RECORDS: usize = 15_000_000;
/// Properties per object that clients and people may define.
pub(crate) const MOST_CUSTOM: usize = 1_000;
/// Pipelines per object.
pub(crate) const MOST_PIPELINES: usize = 100;

pub(crate) fn serve(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    if call.request.method != Method::GET {
        return Err(Failure::NoRoute);
    }
    let (midnight, offset) = midnight_and_offset(call.now, ZONE);
    let body = match rest {
        ["details"] => {
            let more = call.portal().currencies.get(1..).unwrap_or_default();
            json!({
                "portalId": PORTAL_ID, "accountType": "STANDARD", "timeZone": "US/Eastern",
                "companyCurrency": HOME_CURRENCY, "additionalCurrencies": more, "utcOffset": offset_text(offset),
                "utcOffsetMilliseconds": i64::from(offset) * 1000, "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            })
        }
        ["api-usage", "daily", "private-apps"] => json!({"results": [{
            "name": "private-apps-api-calls-daily", "usageLimit": call.switches().daily,
            "currentUsage": call.portal().buckets.today, "collectedAt": iso_millis(call.now),
            "fetchStatus": "SUCCESS", "resetsAt": iso_millis(midnight),
        }]}),
        _ => return Err(Failure::NoRoute),
    };
    Ok(Reply::json(200, &body))
}

fn offset_text(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

pub(crate) fn limits(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    if call.request.method != Method::GET {
        return Err(Failure::NoRoute);
    }
    let portal = call.portal();
    let body = match rest {
        ["records"] => {
            let rows: Vec<Value> =
                ALL.iter().map(|kind| row(kind, portal.of(kind).records.len(), MOST_RECORDS)).collect();
            json!({
                "hubspotDefinedObjectTypes": rows,
                "customObjectTypes": {"byObjectType": [], "overallLimit": 0, "overallUsage": 0, "overallPercentage": 0},
            })
        }
        ["custom-properties"] => {
            let used = |kind: KindRef| {
                let all = portal.of(kind).schema.properties.iter();
                all.filter(|p| !p.standard && p.archived_at.is_none()).count()
            };
            overall(ALL.iter().map(|kind| (kind, used(kind))), MOST_CUSTOM)
        }
        ["pipelines"] => {
            let kinds = ALL.iter().filter(|kind| kind.pipeline.is_some());
            let rows: Vec<Value> =
                kinds.map(|kind| row(kind, portal.pipelines.ids(kind).len(), MOST_PIPELINES)).collect();
            json!({"hubspotDefinedObjectTypes": rows, "customObjectTypes": {"byObjectType": [], "overallLimit": 0}})
        }
        ["associations", "records", ..] => json!({ "results": [] }),
        _ => return Err(Failure::NoRoute),
    };
    Ok(Reply::json(200, &body))
}

fn row(kind: KindRef, usage: usize, limit: usize) -> Value {
    json!({
        "objectTypeId": kind.type_id, "singularLabel": kind.singular(), "pluralLabel": kind.plural(),
        "limit": limit, "usage": usage, "percentage": usage * 100 / limit.max(1),
    })
}

fn overall(rows: impl Iterator<Item = (KindRef, usize)>, limit: usize) -> Value {
    let rows: Vec<(KindRef, usize)> = rows.collect();
    let (all, most) = (rows.iter().map(|(_, n)| n).sum::<usize>(), limit * rows.len());
    let shown: Vec<Value> = rows.iter().map(|(kind, usage)| row(kind, *usage, limit)).collect();
    json!({
        "byObjectType": shown, "overallLimit": most, "overallUsage": all, "overallPercentage": all * 100 / most.max(1),
    })
}

/// Addresses of the documentation's own block: nobody has them.
pub(crate) fn network_origins() -> Reply {
    let body = json!({"results": [{"cidr": "192.0.2.0/24", "direction": "EGRESS", "service": "WEBHOOKS"}]});
    Reply::json(200, &body)
}
