//! What a write must fulfil before anything is stored: every value for itself, and the values of a record together.

use serde_json::Value;

use super::Behaviour;
use super::accept::{Known, Refusal};
use super::collection::Record;
use super::kinds::KindRef;
use super::portal::{Checked, Portal, WriteError};
use super::schema::PropertyId;
use crate::sim::object::Object;

/// By which rules a write is judged: they depend on the version of the API.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner<'a> {
    pub behaviour: &'a Behaviour,
    /// From 2026-09 on: rules of administrators hold, and seconds are not taken for milliseconds.
    pub is_strict: bool,
    /// A person types: what no source allows a client is not forbidden to them.
    pub by_person: bool,
}

impl<'a> Manner<'a> {
    /// What a person types is held against the administrators' rules by the user interface, not here.
    pub const fn of_people(behaviour: &'a Behaviour) -> Self {
        Self { behaviour, is_strict: false, by_person: true }
    }
}

impl Portal {
    /// Names and values for a new record → what would be stored.
    pub fn check_new(
        &self,
        manner: Manner<'_>,
        kind: KindRef,
        values: &[(String, String)],
    ) -> Result<Checked, WriteError> {
        let mut checked = self.check_values(manner, kind, values)?;
        self.copy_product(kind, &mut checked);
        self.require(manner, kind, &checked)?;
        if let Some((pipeline, stage)) = kind.pipeline {
            self.fill_pipeline(kind, pipeline, stage, &mut checked);
        }
        self.check_stage(kind, None, &checked)?;
        self.check_conditions(manner, kind, None, &checked)?;
        Ok(checked)
    }

    /// Names and values for a record that is there → what would be stored.
    pub fn check_change(
        &self,
        manner: Manner<'_>,
        kind: KindRef,
        id: u64,
        values: &[(String, String)],
    ) -> Result<Checked, WriteError> {
        let checked = self.check_values(manner, kind, values)?;
        let record = self.of(kind).records.get(&id);
        self.check_stage(kind, record, &checked)?;
        self.check_conditions(manner, kind, record, &checked)?;
        Ok(checked)
    }

    /// All refusals at once: one bad value and nothing is written.
    fn check_values(
        &self,
        manner: Manner<'_>,
        kind: KindRef,
        values: &[(String, String)],
    ) -> Result<Checked, WriteError> {
        let known = Known {
            kind,
            owners: &self.owners,
            currencies: &self.currencies,
            pipelines: &self.pipelines,
            doubtful_is_read_only: manner.behaviour.doubtful_is_read_only && !manner.by_person,
            refuses_seconds: manner.is_strict && manner.behaviour.refuses_seconds,
            bad_number_is_long: manner.behaviour.bad_number_is_long,
        };
        let schema = &self.of(kind).schema;
        let (mut accepted, mut refusals) = (Checked::with_capacity(values.len()), Vec::new());
        for (name, value) in values {
            let value = rewritten(manner.behaviour, name, value);
            let found = schema.id(name).and_then(|id| schema.get(id).map(|p| (id, p)));
            let outcome = match found {
                None => {
                    let message = format!("Property \"{name}\" does not exist");
                    Err(Refusal::new(name, "PROPERTY_DOESNT_EXIST", message))
                }
                Some((id, property)) => property.accept(&value, &known).map(|value| (id, value)),
            };
            match outcome {
                Ok((id, value)) if id == self.of(kind).known.email && self.forgotten.contains(&value) => {
                    refusals.push(Refusal::new(name, "INVALID_EMAIL", format!("Email address {value} is invalid")));
                }
                Ok(pair) => accepted.push(pair),
                Err(refusal) => refusals.push(refusal),
            }
        }
        if refusals.is_empty() { Ok(accepted) } else { Err(WriteError::Invalid(refusals)) }
    }

    fn given<'a>(&self, kind: KindRef, values: &'a Checked, name: &str) -> Option<&'a str> {
        let id: PropertyId = self.of(kind).schema.any_id(name)?;
        values.iter().rev().find(|(p, _)| *p == id).map(|(_, v)| v.as_str()).filter(|v| !v.trim().is_empty())
    }

    fn require(&self, manner: Manner<'_>, kind: KindRef, values: &Checked) -> Result<(), WriteError> {
        let lacks = |name: &&str| self.given(kind, values, name).is_none();
        let all =
            |names: &[&'static str]| -> Vec<&'static str> { names.iter().copied().filter(|n| lacks(n)).collect() };
        let any = |names: &[&'static str]| if names.iter().all(lacks) { names.to_vec() } else { Vec::new() };
        let pipelines = self.pipelines.ids(kind).len();
        let missing = match kind.object {
            Object::Company => any(&["name", "domain"]),
            Object::Contact => any(&["email", "firstname", "lastname"]),
            Object::Deal if pipelines > 1 && self.given(kind, values, "dealstage").is_none() => {
                all(&["dealname", "dealstage", "pipeline"])
            }
            Object::Deal => all(&["dealname", "dealstage"]),
            Object::Ticket if manner.behaviour.tickets_need_pipeline => {
                all(&["subject", "hs_pipeline", "hs_pipeline_stage"])
            }
            Object::Ticket => all(&["subject", "hs_pipeline_stage"]),
            Object::Product => all(&["name"]),
            Object::Note | Object::Task | Object::Call | Object::Meeting => all(&["hs_timestamp"]),
            Object::LineItem | Object::Activity => Vec::new(),
        };
        if !missing.is_empty() {
            let names = missing.into_iter().map(str::to_owned).collect();
            return Err(WriteError::Required { kind, names });
        }
        self.require_by_rule(manner, kind, values)
    }

    /// Properties that an administrator asks for when a record is created: `deals.amount`.
    fn require_by_rule(&self, manner: Manner<'_>, kind: KindRef, values: &Checked) -> Result<(), WriteError> {
        if !manner.is_strict {
            return Ok(());
        }
        let names = manner.behaviour.admin_required.iter().filter_map(|rule| rule.split_once('.'));
        let names = names.filter(|(object, _)| *object == kind.plural()).map(|(_, name)| name);
        let refusals: Vec<Refusal> = names
            .filter(|name| self.given(kind, values, name).is_none())
            .map(|name| {
                let message = format!("Property \"{name}\" is required to create a record");
                Refusal::new(name, "MISSING_REQUIRED_PROPERTY", message)
            })
            .collect();
        if refusals.is_empty() { Ok(()) } else { Err(WriteError::Invalid(refusals)) }
    }

    /// Properties that an administrator asks for when another has a value: `tickets.hs_pipeline_stage=4.hs_resolution`.
    fn check_conditions(
        &self,
        manner: Manner<'_>,
        kind: KindRef,
        record: Option<&Record>,
        values: &Checked,
    ) -> Result<(), WriteError> {
        if !manner.is_strict {
            return Ok(());
        }
        let mut refusals = Vec::new();
        for rule in &manner.behaviour.admin_conditional {
            let mut parts = rule.splitn(3, '.');
            let (Some(object), Some(when), Some(needed)) = (parts.next(), parts.next(), parts.next()) else { continue };
            let Some((name, value)) = when.split_once('=').filter(|_| object == kind.plural()) else { continue };
            let stored = record.and_then(|r| self.of(kind).text(r, needed)).is_some_and(|v| !v.is_empty());
            if self.given(kind, values, name) == Some(value) && self.given(kind, values, needed).is_none() && !stored {
                let message = format!("Property \"{needed}\" is required when \"{name}\" is \"{value}\"");
                refusals.push(Refusal::new(needed, "MISSING_CONDITIONAL_REQUIRED_PROPERTY", message));
            }
        }
        if refusals.is_empty() { Ok(()) } else { Err(WriteError::Invalid(refusals)) }
    }

    /// A record that names no pipeline goes to the default one.
    fn fill_pipeline(&self, kind: KindRef, pipeline: &str, stage: &str, values: &mut Checked) {
        let named = self.given(kind, values, pipeline).is_some();
        let default = self.pipelines.default_id(kind).filter(|_| !named && self.given(kind, values, stage).is_some());
        if let (Some(default), Some(id)) = (default, self.of(kind).schema.any_id(pipeline)) {
            values.push((id, default.to_owned()));
        }
    }

    /// Pipeline and stage move together: a stage of another pipeline alone is refused.
    fn check_stage(&self, kind: KindRef, record: Option<&Record>, values: &Checked) -> Result<(), WriteError> {
        let Some((pipeline, stage)) = kind.pipeline else { return Ok(()) };
        let stored = |name: &str| record.and_then(|r| self.of(kind).text(r, name));
        let (new_pipeline, new_stage) = (self.given(kind, values, pipeline), self.given(kind, values, stage));
        if new_pipeline.is_none() && new_stage.is_none() {
            return Ok(());
        }
        let in_pipeline = new_pipeline.or_else(|| stored(pipeline)).unwrap_or_default();
        let Some(at_stage) = new_stage.or_else(|| stored(stage)) else { return Ok(()) };
        let fits = self.pipelines.stage(kind, at_stage).is_some_and(|(of, _)| of == in_pipeline);
        if fits {
            return Ok(());
        }
        let mut allowed = Vec::new();
        if let Some(found) = self.pipelines.get(kind, in_pipeline) {
            allowed.extend(found.stages.iter().filter(|s| !s.archived).map(|s| s.id.as_str()));
        }
        let message = format!("{at_stage} was not one of the allowed options: [{}]", allowed.join(", "));
        Err(WriteError::Invalid(vec![Refusal::new(stage, "INVALID_OPTION", message)]))
    }

    /// A line item of a product takes over what it does not say itself.
    fn copy_product(&self, kind: KindRef, values: &mut Checked) {
        let (Some(products), Object::LineItem) = (super::kinds::Kind::of(Object::Product), kind.object) else { return };
        let id = self.given(kind, values, "hs_product_id").and_then(|text| text.parse::<u64>().ok());
        let Some(product) = id.and_then(|id| self.of(products).living(id)) else { return };
        let copied = ["name", "description", "price", "hs_sku", "hs_cost_of_goods_sold", "recurringbillingfrequency"];
        for name in copied {
            let own = self.of(kind).schema.any_id(name).filter(|id| !values.iter().any(|(p, _)| p == id));
            if let (Some(id), Some(value)) = (own, self.of(products).text(product, name)) {
                values.push((id, value.to_owned()));
            }
        }
    }
}

/// What the server does to a value on its way in, where it is told to.
fn rewritten(behaviour: &Behaviour, name: &str, value: &str) -> String {
    let is_phone = matches!(name, "phone" | "mobilephone" | "fax");
    if behaviour.formats_phones && is_phone && !value.trim().is_empty() {
        return super::derive::formatted_phone(value);
    }
    if behaviour.trims_values { value.trim().to_owned() } else { value.to_owned() }
}

/// The values of a JSON object of properties, as text. Numbers and booleans are taken as their text, null clears.
pub(crate) fn property_values(from: Option<&Value>) -> Result<Vec<(String, String)>, super::Failure> {
    let Some(Value::Object(map)) = from else {
        return Err(super::Failure::invalid("Invalid input JSON: properties must be an object".to_owned()));
    };
    map.iter()
        .map(|(name, value)| match value {
            Value::Null => Ok((name.clone(), String::new())),
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Bool(_) | Value::Number(_) => Ok((name.clone(), value.to_string())),
            Value::Array(_) | Value::Object(_) => Err(super::Failure::invalid(format!(
                "Invalid input JSON on line 1, column 1: Cannot deserialize value of type `java.lang.String` ({name})"
            ))),
        })
        .collect()
}
