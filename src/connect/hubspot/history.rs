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
use crate::model::{FieldName, ObjectKind, RecordId, Value};

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
        let mut told = Told::default();
        for archived in [false, true] {
            let missing: BTreeSet<RecordId> = ids.iter().copied().filter(|id| !told.knows_of(*id)).collect();
            if missing.is_empty() {
                break;
            }
            let body = self.history_batch(object, fields, &missing, archived, session).await?;
            told.take(results(&body)?, fields, &missing)?;
        }
        if let Some(why) = &told.why {
            tracing::warn!(%object, why, "HubSpot shows a history that cannot be read; it is left out");
        }
        Ok(AnswerBody::Changed { found: ids.iter().filter_map(|id| Some((*id, told.of(*id)?))).collect() })
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

/// What is known of the history of the records that were asked for.
#[derive(Debug, Default)]
struct Told {
    known: BTreeMap<RecordId, Vec<FieldChange>>,
    unknown: BTreeSet<RecordId>,
    /// Some row tells about nobody who was asked for: it may be about any of those of whom nothing else is said.
    nameless: bool,
    /// What is wrong with the last row that cannot be read.
    why: Option<&'static str>,
}

impl Told {
    fn knows_of(&self, id: RecordId) -> bool {
        self.known.contains_key(&id) || self.unknown.contains(&id)
    }

    /// The changes of a record; nothing where they are not known. A record that is not there has none.
    fn of(&self, id: RecordId) -> Option<Vec<FieldChange>> {
        let known = self.known.get(&id).cloned();
        known.or_else(|| (!self.nameless && !self.unknown.contains(&id)).then(Vec::new))
    }

    /// # Errors
    /// None of several rows can be read.
    fn take(&mut self, rows: &[Json], fields: &[FieldName], asked: &BTreeSet<RecordId>) -> Result<(), Fault> {
        let mut odd_ones = 0;
        for row in rows {
            // A record that was merged away may answer with the survivor, whose history is another one.
            let id = row.get("id").and_then(record::id).filter(|id| asked.contains(id));
            let read =
                id.ok_or("a row is about no record that was asked for").and_then(|id| Ok((id, changes(row, fields)?)));
            match read {
                Ok((id, changes)) => drop(self.known.insert(id, changes)),
                Err(why) => {
                    odd_ones += 1;
                    self.why = Some(why);
                    self.nameless |= id.is_none();
                    self.unknown.extend(id);
                }
            }
        }
        match self.why {
            Some(why) if odd_ones == rows.len() && rows.len() > 1 => Err(odd(why.to_owned())),
            _ => Ok(()),
        }
    }
}

/// Newest first over all fields. An entry without a time tells nothing and is left out; a property that never had a value
/// has no history.
fn changes(result: &Json, fields: &[FieldName]) -> Result<Vec<FieldChange>, &'static str> {
    let all = result.get("propertiesWithHistory").and_then(Json::as_object).ok_or("a record has no histories")?;
    let mut changes = Vec::new();
    for field in fields {
        let entries = match all.get(field.as_str()) {
            None | Some(Json::Null) => continue,
            Some(history) => history.as_array().ok_or("the history of a property is no list")?,
        };
        for entry in entries {
            let Some(at) = entry.get("timestamp").and_then(record::time) else { continue };
            let word = |name: &str| entry.get(name).and_then(record::plain);
            changes.push(FieldChange {
                field: field.clone(),
                value: entry
                    .get("value")
                    .map_or(Some(Value::Empty), record::value)
                    .ok_or("a value in the history of a property makes no sense")?,
                at,
                source: clip_message(&word("sourceType").unwrap_or_else(|| "unknown".to_owned())),
                source_id: word("sourceId").or_else(|| word("updatedByUserId")).map(|id| clip_message(&id)),
            });
        }
    }
    changes.sort_by_key(|one| std::cmp::Reverse(one.at));
    Ok(changes)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing parse is a failing test")]
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn changes_of_several_fields_come_newest_first() {
        let result = json!({"id": "1", "propertiesWithHistory": {
            "city": [{"value": "Ulm", "timestamp": "2026-01-03T00:00:00Z", "sourceType": "CRM_UI", "sourceId": "userId:5"},
                {"value": null, "timestamp": "2026-01-01T00:00:00Z", "sourceType": "INTEGRATION", "sourceId": 77}],
            "name": [{"value": "A", "timestamp": "2026-01-02T00:00:00Z"}, {"value": "no time"}, 7],
            "phone": null, "not_asked": [{"value": "x", "timestamp": "2026-01-09T00:00:00Z"}]}});
        let fields: Vec<FieldName> = vec!["city".into(), "name".into(), "phone".into(), "absent".into()];
        let told = changes(&result, &fields).unwrap();
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
    #[test]
    fn a_history_that_cannot_be_read_is_unknown_and_never_empty() {
        let fields: Vec<FieldName> = vec!["city".into()];
        let asked = BTreeSet::from([1, 2, 3].map(RecordId));
        let sound = json!({"id": "1", "propertiesWithHistory":
            {"city": [{"value": "Ulm", "timestamp": "2026-01-03T00:00:00Z"}]}});
        let take = |rows: &[Json]| {
            let mut told = Told::default();
            told.take(rows, &fields, &asked).map(|()| [1, 2, 3].map(|id| told.of(RecordId(id)).map(|one| one.len())))
        };
        let own = [
            json!({"id": "2"}),
            json!({"id": "2", "propertiesWithHistory": []}),
            json!({"id": "2", "propertiesWithHistory": {"city": {}}}),
        ];
        for bad in own {
            assert_eq!(take(&[sound.clone(), bad.clone()]).unwrap(), [Some(1), None, Some(0)], "{bad}");
        }
        for bad in [json!(7), json!({}), json!({"id": "9", "propertiesWithHistory": {}})] {
            assert_eq!(take(&[sound.clone(), bad.clone()]).unwrap(), [Some(1), None, None], "{bad}");
            assert_eq!(take(std::slice::from_ref(&bad)).unwrap(), [None, None, None], "{bad}");
            assert!(take(&[bad.clone(), bad.clone()]).is_err(), "{bad}");
        }
    }
}
