//! Which of many pairs are at rest: told from the stored rows, of which only what must be compared is read, by all cores.

use rusqlite::types::Type;
use rusqlite::{Error, Result, Row, params};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::cells::{ByName, Slim};
use super::code::{Code, id_at, int};
use super::error::StoreResult;
use super::reader::Reader;
use crate::engine::core::rest::Rest;
use crate::engine::core::state::{LinkState, RecordState};
use crate::mapping::keys::stamp_of;
use crate::mapping::needs::name_from;
use crate::model::{ObjectKind, RecordId, RecordRef, System, Timestamp, Value};

/// Pairs that look as if they were at rest, as far as columns tell.
const CALM: &str = "SELECT here.id, here.body, there.body, link.body, link.connectwise, here.stamp, status.name
    FROM observation AS here
    CROSS JOIN link ON link.object = here.object AND link.hubspot = here.id
    CROSS JOIN observation AS there ON there.object = here.object AND there.system = 1 AND there.id = link.connectwise
    CROSS JOIN status ON status.object = here.object AND status.system = 0 AND status.anchor = here.id
    WHERE here.object = ?1 AND here.system = 0 AND here.id BETWEEN ?2 AND ?3
        AND here.live AND there.live AND here.seen <> ?4 AND there.seen <> ?4
        AND link.state = ?5 AND status.state = ?6 AND status.why = '' AND status.link = link.id
        AND status.hubspot = here.id AND status.connectwise = link.connectwise
        AND NOT EXISTS(SELECT 1 FROM issue WHERE object = ?1 AND system = 0 AND record = here.id)
        AND NOT EXISTS(SELECT 1 FROM issue WHERE object = ?1 AND system = 1 AND record = there.id)
        AND NOT EXISTS(SELECT 1 FROM decision WHERE decision.link = link.id)
    ORDER BY here.id";

/// Records of ConnectWise whose partner is in the cache: that one names the pair.
const NAMED_ELSEWHERE: &str = "SELECT id FROM observation
    WHERE object = ?1 AND system = 1 AND id BETWEEN ?2 AND ?3
        AND EXISTS(SELECT 1 FROM link INDEXED BY link_partners CROSS JOIN observation AS partner
            ON partner.object = link.object AND partner.system = 0 AND partner.id = link.hubspot
            WHERE link.object = ?1 AND link.connectwise = observation.id)
    ORDER BY id";

/// A value that a record does not have.
const EMPTY: &str = "\"empty\"";

impl Reader {
    /// Leaves out whose pair is at rest, and who does not name a pair. The page is of one object and system, lowest id first.
    pub(super) fn restless(&self, mut page: Vec<RecordRef>, rest: &Rest) -> StoreResult<Vec<RecordRef>> {
        let left_out = self.shared(&page, |reader, share| match share {
            [first, .., last] => reader.left_out(*first, *last, rest),
            [only] => reader.left_out(*only, *only, rest),
            [] => Ok(Vec::new()),
        })?;
        let mut left_out = left_out.into_iter().peekable();
        page.retain(|record| left_out.next_if_eq(&record.id).is_none());
        Ok(page)
    }

    fn left_out(&self, first: RecordRef, last: RecordRef, rest: &Rest) -> StoreResult<Vec<RecordId>> {
        let object = first.object;
        let range = (object.code(), int(first.id.0), int(last.id.0));
        if first.system == System::ConnectWise {
            return self.all(NAMED_ELSEWHERE, params![range.0, range.1, range.2], |row| id_at(row, 0));
        }
        let (active, in_sync) = (LinkState::Active.code(), RecordState::InSync.code());
        let params = params![range.0, range.1, range.2, Timestamp::EPOCH.0, active, in_sync];
        let at_rest = |row: &Row<'_>| Ok(if is_at_rest(row, object, rest)? { Some(id_at(row, 0)?) } else { None });
        Ok(self.all(CALM, params, at_rest)?.into_iter().flatten().collect())
    }
}

/// The stored form of a link, as far as it is looked at.
#[derive(Deserialize)]
struct Agreement<'a> {
    #[serde(borrow)]
    baseline: ByName<'a, Halves<'a>>,
}

#[derive(Deserialize)]
struct Halves<'a> {
    #[serde(borrow)]
    hubspot: &'a RawValue,
    #[serde(borrow)]
    connectwise: &'a RawValue,
    #[serde(default)]
    supposed: bool,
    #[serde(default, borrow)]
    beside: Option<&'a RawValue>,
}

/// Values that are stored alike are alike. What is stored otherwise may be alike too: that is for the planner to say.
fn is_at_rest(row: &Row<'_>, object: ObjectKind, rest: &Rest) -> Result<bool> {
    let Some(stamp) = row.get_ref(5)?.as_str_or_null()? else { return Ok(false) };
    if stamp != stamp_of(object, id_at(row, 4)?) {
        return Ok(false);
    }
    let (here, there): (Slim<'_>, Slim<'_>) = (read(row, 1)?, read(row, 2)?);
    let agreed: Agreement<'_> = read(row, 3)?;
    let (here, there) = (&here.record.fields, &there.record.fields);
    let holds = |fields: &ByName<'_, &RawValue>, name: &str, value: &RawValue| {
        fields.get(name).map_or(EMPTY, |held| held.get()) == value.get()
    };
    let is_agreed = rest.fields.iter().all(|field| {
        agreed.baseline.get(field.key.as_str()).is_some_and(|agreed| {
            !agreed.supposed
                && agreed.beside.is_none()
                && holds(here, field.names.hubspot.as_str(), agreed.hubspot)
                && holds(there, field.names.connectwise.as_str(), agreed.connectwise)
        })
    });
    if !is_agreed {
        return Ok(false);
    }
    let plain = |field: &str| {
        let value = here.get(field).map(|raw| serde_json::from_str::<Value>(raw.get()));
        value.and_then(std::result::Result::ok).map_or_else(String::new, |value| value.to_plain())
    };
    let name = name_from(object, System::HubSpot, plain);
    Ok(name.is_some() && name.as_deref() == row.get_ref(6)?.as_str_or_null()?)
}

fn read<'a, T: Deserialize<'a>>(row: &'a Row<'_>, at: usize) -> Result<T> {
    let broken =
        |error: Box<dyn std::error::Error + Send + Sync>| Error::FromSqlConversionFailure(at, Type::Blob, error);
    let bytes = row.get_ref(at)?.as_blob().map_err(|error| broken(error.into()))?;
    serde_json::from_slice(bytes).map_err(|error| broken(error.into()))
}
