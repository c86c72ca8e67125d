//! Records by their stamp: what keeps a create whose answer was lost from being made a second time.
//!
//! Objects whose stamp is unique are asked by it, in the primary store and in the recycle bin: read-your-writes. HubSpot has
//! no unique properties for products, line items and activities. Those are searched for in the index, which trails by
//! seconds to minutes and knows no recycle bin, and then read afresh: a copy made a moment ago may not be found yet. Whoever
//! repeats a create must have waited longer than the index trails.
//!
//! A stamp is said to have no copy only where every record that may carry it was read and told its own stamp. One that
//! was named and not shown, or that cannot be read, puts its stamp in doubt, and nothing is said of that one; where it is not
//! told which it carries, of none that is not found elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::read::{ID, SEARCH_PAGE, search_call};
use super::record::{self, Reader};
use super::told::{Told, odd, results};
use super::{BATCH, HubSpot};
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::engine::core::request::AnswerBody;
use crate::mapping::keys::stamps_are_unique;
use crate::model::{FieldName, ObjectKind, Record, RecordId};

/// The body of a search has 3,000 characters at most.
const STAMPS_A_SEARCH: usize = 50;
/// Pages of one search: a stamp has one copy, or a few.
const MOST_PAGES: usize = 20;

/// Who carries the stamps that are looked for.
#[derive(Default)]
struct Holders {
    records: BTreeMap<RecordId, Record>,
    /// May be carried by a record that was not told.
    doubted: BTreeSet<String>,
}

impl Holders {
    /// A record that is there and cannot be read carries this stamp, or any of those asked for.
    fn doubt(&mut self, stamp: Option<&str>, asked: &[String]) {
        match stamp.filter(|stamp| asked.iter().any(|one| one == stamp)) {
            Some(stamp) => drop(self.doubted.insert(stamp.to_owned())),
            None => self.doubted.extend(asked.iter().cloned()),
        }
    }

    fn add(&mut self, records: Vec<Record>) {
        for record in records {
            self.records.entry(record.id).or_insert(record);
        }
    }

    /// Those that carry a stamp; none where that is not known. A deleted copy does not outweigh one that may live.
    fn of(&self, stamp: &String) -> Option<Vec<Record>> {
        let holders: Vec<Record> =
            self.records.values().filter(|one| one.stamp.as_ref() == Some(stamp)).cloned().collect();
        (holders.iter().any(|one| !one.archived) || !self.doubted.contains(stamp)).then_some(holders)
    }
}

/// A page of what the index finds: ids, and the stamps under which it knows them.
struct Found {
    rows: Vec<(Option<RecordId>, Option<String>)>,
    more: bool,
}

impl HubSpot {
    pub(super) async fn find_stamped(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        stamps: &[String],
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let reader = self.reader(object, fields);
        let Some(property) = reader.stamp else {
            return Err(super::local_rejection(&format!("No HubSpot property is named for the stamp of {object}.")));
        };
        let holders = if stamps_are_unique(object) {
            self.unique_holders(&reader, property, stamps, session).await?
        } else {
            self.indexed_holders(&reader, property, stamps, session).await?
        };
        let found = stamps.iter().filter_map(|stamp| Some((stamp.clone(), holders.of(stamp)?)));
        Ok(AnswerBody::Stamped { found: found.collect() })
    }

    async fn unique_holders(
        &self,
        reader: &Reader<'_>,
        property: &FieldName,
        stamps: &[String],
        session: &mut Session,
    ) -> Result<Holders, Fault> {
        let mut holders = Holders::default();
        for archived in [false, true] {
            for asked in stamps.chunks(BATCH) {
                let inputs: Vec<Json> = asked.iter().map(|stamp| json!({ "id": stamp })).collect();
                let mut body = json!({ "properties": reader.properties(), "inputs": inputs });
                body["idProperty"] = json!(property.as_str());
                let told = self.batch_call(reader, &body, archived, session).await?;
                for one in &told.left_out {
                    holders.doubt(one.stamp.as_deref(), asked);
                }
                if !told.unstamped.is_empty() {
                    holders.doubt(None, asked);
                }
                holders.add(told.records);
            }
        }
        Ok(holders)
    }

    /// Stamps are lower-case, as a search for one of several texts wants them.
    async fn indexed_holders(
        &self,
        reader: &Reader<'_>,
        property: &FieldName,
        stamps: &[String],
        session: &mut Session,
    ) -> Result<Holders, Fault> {
        let mut holders = Holders::default();
        for asked in stamps.chunks(STAMPS_A_SEARCH) {
            let mut named = BTreeMap::new();
            for (id, stamp) in self.search(reader.object, property, asked, session).await? {
                match id {
                    Some(id) => drop(named.insert(id, stamp)),
                    None => holders.doubt(stamp.as_deref(), asked),
                }
            }
            let ids: Vec<RecordId> = named.keys().copied().collect();
            for chunk in ids.chunks(BATCH) {
                let Told { mut records, unstamped, .. } = self.batch_read(reader, chunk, false, session).await?;
                records.retain(|record| !unstamped.contains(&record.id));
                for record in &records {
                    named.remove(&record.id);
                }
                holders.add(records);
            }
            // What the index names and no read shows may be a copy that is just being made.
            for stamp in named.into_values() {
                holders.doubt(stamp.as_deref(), asked);
            }
        }
        Ok(holders)
    }

    /// All that the index has under these stamps.
    async fn search(
        &self,
        object: ObjectKind,
        property: &FieldName,
        stamps: &[String],
        session: &mut Session,
    ) -> Result<Vec<(Option<RecordId>, Option<String>)>, Fault> {
        let (mut all, mut after) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let body = stamp_search(property, stamps, after);
            let page = self.search_page(object, property, body, after, session).await?;
            after = page.rows.iter().filter_map(|(id, _)| *id).max().or(after);
            all.extend(page.rows);
            if !page.more {
                return Ok(all);
            }
        }
        Err(odd(format!("its search for {} stamps has no end: it found {} records", stamps.len(), all.len())))
    }

    async fn search_page(
        &self,
        object: ObjectKind,
        property: &FieldName,
        body: Json,
        after: Option<RecordId>,
        session: &mut Session,
    ) -> Result<Found, Fault> {
        let body = self.call(&search_call(object, body), session).await?;
        let stamp = |row: &Json| row.get("properties")?.get(property.as_str()).and_then(record::plain);
        let rows: Vec<_> = results(&body)?.iter().map(|row| (row.get("id").and_then(record::id), stamp(row))).collect();
        let told = rows.len() as u64;
        let more = body.get("total").and_then(record::number).map_or(told >= u64::from(SEARCH_PAGE), |all| all > told);
        let mut ids = rows.iter().filter_map(|(id, _)| *id).peekable();
        if more && ids.peek().is_none() {
            return Err(odd("it counts records that it does not tell of".to_owned()));
        }
        if ids.any(|id| after.is_some_and(|after| id <= after)) {
            return Err(odd("it tells of records that were not asked for".to_owned()));
        }
        Ok(Found { rows, more })
    }
}

fn stamp_search(property: &FieldName, stamps: &[String], after: Option<RecordId>) -> Json {
    let mut filters = vec![json!({ "propertyName": property.as_str(), "operator": "IN", "values": stamps })];
    if let Some(after) = after {
        filters.push(json!({ "propertyName": ID, "operator": "GT", "value": after.to_string() }));
    }
    json!({
        "filterGroups": [{ "filters": filters }],
        "sorts": [{ "propertyName": ID, "direction": "ASCENDING" }],
        "properties": [ID, property.as_str()],
        "limit": SEARCH_PAGE,
    })
}
