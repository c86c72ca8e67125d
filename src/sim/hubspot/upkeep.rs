//! What the control API can do in HubSpot beside single records: noise, lists and their members, associations.

use serde_json::{Value, json};

use super::derive::Sheet;
use super::kinds::{Kind, KindRef};
use super::list_store::Processing;
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
        let object = |of: &Value| {
            let word = of.get("object").and_then(Value::as_str).unwrap_or_default();
            Object::from_word(word).ok_or_else(|| ControlError::Refused(format!("\"{word}\" is not an object")))
        };
        let numbers = |name: &str| -> Vec<u64> {
            body.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64).collect()
        };
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        Some(match (method, rest) {
            ("POST", ["storm"]) => {
                object(body).and_then(|object| self.storm(act, object)).map(|count| json!({"records": count}))
            }
            ("PUT", ["lists"]) => object(body).and_then(|object| {
                let name = text("name").ok_or_else(|| ControlError::Refused("The list needs a name".to_owned()))?;
                let processing = text("processing").unwrap_or("MANUAL");
                self.set_list(object, name, processing, &numbers("members"), act.now).map(|id| json!({ "id": id }))
            }),
            ("POST", ["associations"]) => {
                let end = |name: &str| -> Result<(Object, u64), ControlError> {
                    let of = body.get(name).unwrap_or(&Value::Null);
                    Ok((object(of)?, of.get("id").and_then(Value::as_u64).unwrap_or(0)))
                };
                let remove = body.get("remove").and_then(Value::as_bool).unwrap_or(false);
                let ends = end("from").and_then(|from| Ok((from, end("to")?)));
                ends.and_then(|(from, to)| self.tie(act, from, to, &numbers("types"), remove)).map(|()| json!({}))
            }
            _ => return None,
        })
    }
}
