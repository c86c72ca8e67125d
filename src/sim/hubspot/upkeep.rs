//! What the control API can do in HubSpot beside single records: noise, lists and their members, associations.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::derive::Sheet;
use super::kinds::{Kind, KindRef};
use super::list_store::Processing;
use super::people::two_records;
use super::portal::{Portal, Provenance};
use super::{lag, refused};
use crate::sim::control::ControlError;
use crate::sim::object::Object;
use crate::sim::world::Act;

fn kind(object: Object) -> Result<KindRef, ControlError> {
    Kind::of(object).ok_or(ControlError::NoObject { side: "HubSpot", object })
}

impl Portal {
    /// A job of the night: every living record of the object gets the same new time of its last change, and no property
    /// that anybody maps changes. Answers how many.
    pub fn storm(&mut self, act: &Act<'_>, object: Object) -> Result<usize, ControlError> {
        let kind = kind(object)?;
        let ids: Vec<u64> = self.of(kind).records.values().filter(|r| r.is_living()).map(|r| r.id).collect();
        let by = self.by(&Provenance::system("CALCULATED"));
        for id in &ids {
            let shown_from = act.now + lag::of_update(&mut self.random, &act.behaviour.hubspot);
            self.of_mut(kind).touch(*id, act.now, shown_from);
            let mut sheet = Sheet::of(self.of(kind));
            sheet.set("num_contacted_notes", (act.now % 1_000).to_string());
            let values = sheet.done();
            self.assign(kind, *id, &values, act.now, by);
        }
        Ok(ids.len())
    }

    /// Makes a list, or finds it, and makes exactly these records its members; who stays keeps its time. Answers the id.
    pub fn set_list(
        &mut self,
        object: Object,
        name: &str,
        processing: &str,
        members: &[u64],
        now: i64,
    ) -> Result<u64, ControlError> {
        let kind = kind(object)?;
        let processing = Processing::named(processing)
            .ok_or_else(|| ControlError::Refused(format!("{processing} is not MANUAL, DYNAMIC or SNAPSHOT")))?;
        if let Some(id) = members.iter().find(|id| self.of(kind).living(**id).is_none()) {
            let what = object.singular();
            return Err(ControlError::Refused(format!(
                "HubSpot has no {what} {id}: it cannot be in the list {name:?}"
            )));
        }
        let known = self.lists.by_name(kind, name).map(|list| list.id);
        let id = known.or_else(|| self.lists.define(name, kind, processing, Value::Null, now));
        let id = id.ok_or_else(|| ControlError::Refused(format!("The list {name} cannot be made")))?;
        let list = self.lists.get_mut(id).ok_or_else(|| ControlError::Refused(format!("There is no list {id}")))?;
        list.members.retain(|record, _| members.contains(record));
        for record in members {
            list.members.entry(*record).or_insert(now);
        }
        list.updated = now;
        Ok(id)
    }

    /// A person associates two records, or parts them. Without types: the plain association.
    pub fn tie(
        &mut self,
        act: &mut Act<'_>,
        from: (Object, u64),
        to: (Object, u64),
        types: &[u64],
        remove: bool,
    ) -> Result<(), ControlError> {
        let (from, to) = ((kind(from.0)?, self.resolve(from.1)), (kind(to.0)?, self.resolve(to.1)));
        let asked: Vec<(String, u64)> = types.iter().map(|id| (String::new(), *id)).collect();
        let told = |error: super::WriteError| ControlError::Refused(refused(&error).0);
        let types = self.check_types(from.0, to.0, &asked).map_err(told)?;
        let (from, to) = (self.check_end(from).map_err(told)?, self.check_end(to).map_err(told)?);
        two_records(from, to)?;
        if remove {
            self.dissociate(act, from, to, (!types.is_empty()).then_some(types.as_slice()));
            return Ok(());
        }
        self.associate(act, from, to, &types, false).map_err(told)
    }

    /// The control API's calls under `/_sim/hubspot/`; none when there is no such call.
    pub fn upkeep(
        &mut self,
        act: &mut Act<'_>,
        (method, rest): (&str, &[&str]),
        body: &Value,
    ) -> Option<Result<Value, ControlError>> {
        Some(match (method, rest) {
            ("POST", ["storm"]) => {
                told(body).and_then(|Storm { object }| self.storm(act, object)).map(|count| json!({"records": count}))
            }
            ("PUT", ["lists"]) => told(body).and_then(|SetList { object, name, processing, members }| {
                let processing = processing.as_deref().unwrap_or("MANUAL");
                self.set_list(object, &name, processing, &members, act.now).map(|id| json!({ "id": id }))
            }),
            ("POST", ["associations"]) => told(body).and_then(|Tie { from, to, types, remove }| {
                self.tie(act, (from.object, from.id), (to.object, to.id), &types, remove).map(|()| json!({}))
            }),
            _ => return None,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Storm {
    object: Object,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetList {
    object: Object,
    name: String,
    processing: Option<String>,
    #[serde(default)]
    members: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tie {
    from: TieEnd,
    to: TieEnd,
    #[serde(default)]
    types: Vec<u64>,
    #[serde(default)]
    remove: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TieEnd {
    object: Object,
    id: u64,
}

fn told<T: DeserializeOwned>(body: &Value) -> Result<T, ControlError> {
    T::deserialize(body).map_err(|e| ControlError::Refused(format!("The body is not what this call takes: {e}")))
}
