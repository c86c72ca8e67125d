//! Reading ConnectWise: changes and lists by key, records by id and by stamp.

use serde_json::Value as Json;

use super::record::{self, custom_id};
use super::{ConnectWise, path, refused};
use crate::connect::address::query_value;
use crate::connect::error::Fault;
use crate::connect::http::{Call, Session};
use crate::engine::core::request::{AnswerBody, Request, RequestBody};
use crate::model::{FieldName, ObjectKind, Record, RecordId, Timestamp};

const PAGE: u32 = 1000;
const IDS: usize = 150;
/// What the guide allows for a whole address, less the host and code base.
const PATH_CHARS: usize = 1745;

impl ConnectWise {
    pub(super) async fn answer(&self, request: &Request, session: &mut Session) -> Result<AnswerBody, Fault> {
        let object = request.object;
        match &request.body {
            RequestBody::Identify => self.identify(session).await,
            RequestBody::Changes { fields, from, until, after, limit } => {
                self.page(object, fields, Some(&changed(*from, *until)), *after, *limit, session).await
            }
            RequestBody::List { fields, after, archived, limit } => {
                let conditions = archived.then_some("deletedFlag=True");
                self.page(object, fields, conditions, *after, *limit, session).await
            }
            RequestBody::Read { fields, ids } => {
                let records = self.by_ids(object, fields, ids, session).await?;
                let find = |id: &RecordId| records.iter().find(|record| record.id == *id).cloned();
                Ok(AnswerBody::Records { found: ids.iter().map(|id| (*id, find(id))).collect() })
            }
            RequestBody::FindStamped { fields, stamps } => self.find_stamped(object, fields, stamps, session).await,
            RequestBody::Associations { .. }
            | RequestBody::Associate { .. }
            | RequestBody::History { .. }
            | RequestBody::Members { .. } => {
                Err(refused("ConnectWise has no associations, no history of fields and no lists."))
            }
            RequestBody::Create { .. } | RequestBody::Update { .. } => Err(refused("A write was taken for a read.")),
        }
    }

    async fn identify(&self, session: &mut Session) -> Result<AnswerBody, Fault> {
        let info = self.call(&Call::get("/system/info"), session).await?;
        let version = info.get("version").and_then(Json::as_str).unwrap_or("version unknown");
        let label = crate::connect::redact::clip_message(&format!("{} ({version})", self.company));
        Ok(AnswerBody::Identity { tenant: self.company.clone(), label })
    }

    /// Forward-only paging: by id, so that nothing edited meanwhile is skipped.
    async fn page(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        conditions: Option<&str>,
        after: Option<RecordId>,
        limit: u32,
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let limit = limit.clamp(1, PAGE);
        let mut path = format!("{}?pageSize={limit}&fields={}", path(object)?, self.asked(object, fields));
        if let Some(conditions) = conditions {
            path.push_str(&format!("&conditions={}", query_value(conditions)));
        }
        if let Some(after) = after {
            path.push_str(&format!("&pageId={after}"));
        }
        let mut call = Call::get(path);
        call.forward_only = true;
        let mut records = self.records(object, fields, &call, session).await?;
        if records.iter().any(|record| after.is_some_and(|after| record.id <= after)) {
            return Err(Fault::unknown("ConnectWise answered with records that were not asked for."));
        }
        records.sort_by_key(|record| record.id);
        let last = records.last().map(|record| record.id);
        let more = records.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(AnswerBody::Page { records, last, more })
    }

    pub(super) async fn by_ids(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<Vec<Record>, Fault> {
        let values: Vec<String> = ids.iter().map(RecordId::to_string).collect();
        self.matching(object, fields, "id", &values, session).await
    }

    async fn find_stamped(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        stamps: &[String],
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let Some(field) = self.stamps.get(&object) else {
            return Err(refused("No ConnectWise field is named for the stamp."));
        };
        let plain = |stamp: &String| stamp.chars().all(|c| c.is_ascii_alphanumeric() || ":_-".contains(c));
        if !stamps.iter().all(plain) {
            return Err(refused("A stamp has characters that no stamp has."));
        }
        let values: Vec<String> = stamps.iter().map(|stamp| format!("\"{stamp}\"")).collect();
        let records = self.matching(object, fields, field.as_str(), &values, session).await?;
        let carried =
            |stamp: &String| records.iter().filter(|one| one.stamp.as_ref() == Some(stamp)).cloned().collect();
        Ok(AnswerBody::Stamped { found: stamps.iter().map(|stamp| (stamp.clone(), carried(stamp))).collect() })
    }

    /// All records whose field holds one of the values, in calls that keep the address short.
    async fn matching(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        field: &str,
        values: &[String],
        session: &mut Session,
    ) -> Result<Vec<Record>, Fault> {
        let head = format!("{}?pageSize={PAGE}&fields={}&conditions=", path(object)?, self.asked(object, fields));
        let mut records = Vec::new();
        let mut rest = values;
        while !rest.is_empty() {
            let mut take = rest.len().min(IDS);
            while take > 1 && head.len() + one_of(field, &rest[..take]).len() > PATH_CHARS {
                take -= 1;
            }
            let call = Call::get(format!("{head}{}", one_of(field, &rest[..take])));
            records.extend(self.records(object, fields, &call, session).await?);
            rest = &rest[take..];
        }
        Ok(records)
    }

    async fn records(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        call: &Call,
        session: &mut Session,
    ) -> Result<Vec<Record>, Fault> {
        let body = self.call(call, session).await?;
        let list = body.as_array().ok_or_else(|| odd("there is no list of records"))?;
        let stamp = self.stamps.get(&object);
        list.iter().map(|one| record::record(one, fields, stamp).map_err(|why| odd(&why))).collect()
    }

    fn asked(&self, object: ObjectKind, fields: &[FieldName]) -> String {
        let name =
            |field: &FieldName| if custom_id(field).is_some() { "customFields".into() } else { field.to_string() };
        let mut names: Vec<String> = fields.iter().chain(self.stamps.get(&object)).map(name).collect();
        names.extend(["id", "deletedFlag", "_info/lastUpdated", "_info/updatedBy"].map(str::to_owned));
        names.sort();
        names.dedup();
        query_value(&names.join(","))
    }
}

fn one_of(field: &str, values: &[String]) -> String {
    match values {
        [one] => query_value(&format!("{field} = {one}")),
        many => query_value(&format!("{field} in ({})", many.join(","))),
    }
}

/// Whole seconds, because ConnectWise stores no more; never a filter beside it, because the edit that leaves the
/// filter would be invisible.
fn changed(from: Timestamp, until: Timestamp) -> String {
    let lower = format!("lastUpdated >= [{}]", from.floor_to_second());
    if until == Timestamp::MAX { lower } else { format!("{lower} and lastUpdated <= [{}]", until.floor_to_second()) }
}

pub(super) fn odd(what: &str) -> Fault {
    Fault::unknown(format!("ConnectWise's answer makes no sense: {what}."))
}
