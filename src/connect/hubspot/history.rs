//! Who gave a property which value, as far back as HubSpot keeps it (about 20 values each).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::paths::{self, Route};
use super::read::refuse_partial_trouble;
use super::told::{odd, results};
use super::{HubCall, HubSpot, local_rejection, record};
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::connect::redact::clip_message;
use crate::engine::core::request::{AnswerBody, Failure, FieldChange, RejectionKind};
use crate::model::{FieldName, ObjectKind, RecordId};

/// What one batch takes with history, half of the usual.
const HISTORY_BATCH: usize = 50;

impl HubSpot {
    pub(super) async fn history(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        if ids.len() > HISTORY_BATCH {
            return Err(local_rejection("HubSpot tells the history of at most 50 records at once."));
        }
        let mut told: BTreeMap<RecordId, Vec<FieldChange>> = BTreeMap::new();
        for archived in [false, true] {
            let missing: BTreeSet<RecordId> = ids.iter().copied().filter(|id| !told.contains_key(id)).collect();
            if missing.is_empty() {
                break;
            }
            let body = self.history_batch(object, fields, &missing, archived, session).await?;
            for result in results(&body)? {
                let id = result.get("id").and_then(record::id);
                let id = id.ok_or_else(|| odd("a record has no usable id".to_owned()))?;
                // A record that was merged away may answer with the survivor, whose history is another one.
                if missing.contains(&id) {
                    told.insert(id, changes(result, fields));
                }
            }
        }
        let found = ids.iter().map(|id| (*id, told.get(id).cloned().unwrap_or_default()));
        Ok(AnswerBody::Changed { found: found.collect() })
    }

    async fn history_batch(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        ids: &BTreeSet<RecordId>,
        archived: bool,
        session: &mut Session,
    ) -> Result<Json, Fault> {
        let names: Vec<&str> = fields.iter().map(FieldName::as_str).collect();
        let inputs: Vec<Json> = ids.iter().map(|id| json!({ "id": id.to_string() })).collect();
        let body = json!({ "properties": [paths::modified(object)], "propertiesWithHistory": names, "inputs": inputs });
        let rest = format!("/{}/batch/read?archived={archived}", paths::object(object));
        match self.call(&HubCall::post(Route::Objects, rest, body), session).await {
            Err(Fault { failure: Failure::Rejected(rejection), .. }) if rejection.kind == RejectionKind::NotFound => {
                Ok(json!({ "results": [] }))
            }
            Ok(body) => refuse_partial_trouble(&body).map(|()| body),
            Err(fault) => Err(fault),
        }
    }
}

/// Newest first over all fields. An entry without a time tells nothing and is left out.
fn changes(result: &Json, fields: &[FieldName]) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for field in fields {
        let path = result.get("propertiesWithHistory").and_then(|all| all.get(field.as_str()));
        for entry in path.and_then(Json::as_array).into_iter().flatten() {
            let Some(at) = entry.get("timestamp").and_then(record::time) else { continue };
            let word = |name: &str| entry.get(name).and_then(record::plain);
            changes.push(FieldChange {
                field: field.clone(),
                value: entry.get("value").map(record::value).unwrap_or_default(),
                at,
                source: clip_message(&word("sourceType").unwrap_or_else(|| "unknown".to_owned())),
                source_id: word("sourceId").or_else(|| word("updatedByUserId")).map(|id| clip_message(&id)),
            });
        }
    }
    changes.sort_by_key(|one| std::cmp::Reverse(one.at));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Timestamp, Value};

    #[test]
    fn changes_of_several_fields_come_newest_first() {
        let result = json!({"id": "1", "propertiesWithHistory": {
            "city": [{"value": "Ulm", "timestamp": "2026-01-03T00:00:00Z", "sourceType": "CRM_UI", "sourceId": "userId:5"},
                {"value": null, "timestamp": "2026-01-01T00:00:00Z", "sourceType": "INTEGRATION", "sourceId": 77}],
            "name": [{"value": "A", "timestamp": "2026-01-02T00:00:00Z"}, {"value": "no time"}, 7],
            "phone": {}, "not_asked": [{"value": "x", "timestamp": "2026-01-09T00:00:00Z"}]}});
        let fields: Vec<FieldName> = vec!["city".into(), "name".into(), "phone".into(), "absent".into()];
        let told = changes(&result, &fields);
        let short: Vec<_> = told
            .iter()
            .map(|one| (one.field.as_str(), one.value.to_plain(), one.source.as_str(), one.source_id.as_deref()))
            .collect();
        assert_eq!(
            short,
            [
                ("city", "Ulm".to_owned(), "CRM_UI", Some("userId:5")),
                ("name", "A".to_owned(), "unknown", None),
                ("city", String::new(), "INTEGRATION", Some("77"))
            ]
        );
        assert_eq!((told[2].value.clone(), told[2].at), (Value::Empty, Timestamp(1_767_225_600_000)));
    }
}
