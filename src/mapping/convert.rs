//! Carrying a value over: from what one side holds to what is written to the other.

use rust_decimal::Decimal;

use super::compat::is_text;
use super::normalise::{host, normalise, normalise_as, one_line, without_markup};
use super::references::{self, NOTES, NOTES_OR_NAME, Partner, Partners};
use super::rich_text::html_of;
use super::rules::FieldRule;
use super::{Overflow, Unmapped};
use crate::model::{BySystem, FieldKind, Record, RecordId, RecordRef, System, Value};

/// Why a value cannot cross.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// No partner in the value map; the field waits for a person. The value as people call it.
    Unmapped {
        value: String,
    },
    /// Several, of which the order of the value map names none.
    Unordered {
        values: String,
    },
    /// No partner in the value map; the field is left alone.
    Skipped {
        value: String,
    },
    TooLong {
        length: usize,
        limit: u32,
    },
    /// Not what the field's kind says, such as letters where a number is due.
    NotA {
        what: &'static str,
        value: String,
    },
    /// It points to a record that has no partner over there; `awaited` when it may get one.
    NoPartner {
        reason: String,
        awaited: bool,
    },
    /// It points to several records, and the other system holds one.
    Several {
        count: usize,
    },
    /// A step of the transform made nothing of it; from 1, with its name, and why as a clause.
    Transform {
        step: usize,
        name: String,
        why: String,
    },
}

/// What one side holds in a field.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    pub raw: &'a Value,
    /// The record that holds it, for transforms that look at other fields; none where only the value is known.
    pub record: Option<&'a Record>,
}

impl<'a> Said<'a> {
    #[must_use]
    pub const fn of(raw: &'a Value, record: &'a Record) -> Self {
        Self { raw, record: Some(record) }
    }

    /// The value alone.
    #[must_use]
    pub const fn alone(raw: &'a Value) -> Self {
        Self { raw, record: None }
    }
}

/// What to write to the other system for what `from` holds, where `there` is held now. `Empty` stays empty, unless a transform
/// makes something of it.
///
/// # Errors
/// When the value has no counterpart there.
pub fn convert(
    field: &FieldRule,
    from: System,
    said: Said<'_>,
    there: &Value,
    partners: &Partners,
) -> Result<Value, Misfit> {
    if field.transform(from.other()).is_empty() {
        let value = normalise(&field.mapping, from, said.raw);
        return if value.is_empty() { Ok(value) } else { carry(field, from, said.raw, value, there, partners) };
    }
    let made = transformed(field, from, said)?;
    let value = match field.mapping.kind {
        // what comes out of a transform holds no markup any more
        FieldKind::RichText => normalise_as(FieldKind::RichText, &made),
        _ => normalise(&field.mapping, from, &made),
    };
    if value.is_empty() { Ok(Value::Empty) } else { carry(field, from, &made, value, there, partners) }
}

/// What the transform gets of what `from` holds: a text as it was typed, without markup, and any other value as what it is.
#[must_use]
pub fn given(field: &FieldRule, from: System, raw: &Value) -> Value {
    match (field.mapping.kind, from) {
        (FieldKind::RichText, System::HubSpot) => without_markup(raw),
        (kind, _) if is_text(kind) && !raw.is_empty() => Value::text(raw.to_plain()),
        _ => normalise(&field.mapping, from, raw),
    }
}

fn transformed(field: &FieldRule, from: System, said: Said<'_>) -> Result<Value, Misfit> {
    let to = from.other();
    field.transform(to).apply(given(field, from, said.raw), said.record).map_err(|error| Misfit::Transform {
        step: error.step + 1,
        name: field.mapping.transform.toward(to).get(error.step).map(ToString::to_string).unwrap_or_default(),
        why: error.message,
    })
}

/// A value that is not empty, with what it was made of.
fn carry(
    field: &FieldRule,
    from: System,
    raw: &Value,
    value: Value,
    there: &Value,
    partners: &Partners,
) -> Result<Value, Misfit> {
    let kind = field.mapping.kind;
    let to = from.other();
    let typed = |value: Value, what: &'static str, fits: fn(&Value) -> bool| {
        // a transform may have made a text of it, for a field that takes one
        if !fits(&value) && !field.transform(to).is_empty() && field.takes_text(to) {
            return fit(field, to, one_line(&value.to_plain()));
        }
        typed(value, what, fits)
    };
    match kind {
        FieldKind::Text | FieldKind::LongText | FieldKind::Phone | FieldKind::Url | FieldKind::Email => {
            fit(field, to, carried_text(kind, to, raw))
        }
        FieldKind::RichText => fit(field, to, carried_rich_text(field, to, raw)),
        FieldKind::Domain => fit(field, to, carried_domain(to, raw)),
        FieldKind::Number => typed(value, "number", |v| matches!(v, Value::Number(_))),
        FieldKind::Integer => typed(value, "whole number", |v| matches!(v, Value::Number(n) if n.fract().is_zero())),
        FieldKind::Bool => typed(value, "yes or no", |v| matches!(v, Value::Bool(_))),
        FieldKind::Date => typed(value, "date", |v| matches!(v, Value::Date(_))),
        FieldKind::DateTime => typed(value, "date and time", |v| matches!(v, Value::DateTime(_))),
        FieldKind::Choice | FieldKind::Person => {
            let raw = value.to_plain();
            if matches!(value, Value::Choices(_)) {
                return without_partner(field, from, &raw, || Misfit::Unordered { values: field.called(from, &raw) })
                    .map(Value::Choice);
            }
            let partner = match &field.stages {
                Some(stages) => stages.nearest(from.other(), &raw, there.to_plain().trim()),
                None => field.partner(from, &raw).map(str::to_owned),
            };
            partner.map_or_else(|| unmapped(field, from, &raw), Ok).map(Value::Choice)
        }
        FieldKind::MultiChoice => options(field, from, &value),
        FieldKind::Reference(object) => referred(RecordRef::new(object, from, RecordId(0)), raw, partners),
    }
}

/// Whether what both sides hold means the same: the one written over there would be what is there already.
#[must_use]
pub fn same(field: &FieldRule, said: BySystem<Said<'_>>, partners: &Partners) -> bool {
    let has_come = |from: System| arrives(field, from, said[from], said[from.other()].raw, partners);
    // that nothing comes of nothing says no more than that: the other way a transform may make something of it
    let nothing = |system: System| normalise(&field.mapping, system, said[system].raw).is_empty();
    if System::BOTH.into_iter().all(nothing) {
        return System::BOTH.into_iter().all(has_come);
    }
    System::BOTH.into_iter().any(has_come)
}

/// Whether what `from` holds would be written as what is `there` already.
#[must_use]
pub fn arrives(field: &FieldRule, from: System, said: Said<'_>, there: &Value, partners: &Partners) -> bool {
    let mapping = &field.mapping;
    let there = normalise(mapping, from.other(), there);
    if field.transform(from.other()).is_empty() {
        let here = normalise(mapping, from, said.raw);
        if here.is_empty() || there.is_empty() {
            return here.is_empty() && there.is_empty();
        }
    }
    convert(field, from, said, &there, partners)
        .is_ok_and(|written| holds(field, from.other(), &there, &normalise(mapping, from.other(), &written)))
}

/// Whether `held`, in `system`, is the value or has it among others. Both as comparisons see them.
#[must_use]
pub fn holds(field: &FieldRule, system: System, held: &Value, value: &Value) -> bool {
    held == value
        || (references::holds_all(field.name(system).as_str())
            && references::ids(value).iter().all(|id| references::ids(held).contains(id))
            && !value.is_empty())
}

/// Whether a system may have made `got` out of `sent`: other case, spacing or signs, cut short, or rounded.
#[must_use]
pub fn is_rewriting(sent: &Value, got: &Value) -> bool {
    match (sent, got) {
        (Value::Number(sent), Value::Number(got)) => (sent - got).abs() <= Decimal::new(5, 1),
        (Value::Text(sent), Value::Text(got)) => {
            let bare = |text: &str| -> String {
                text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
            };
            let got = bare(got);
            !got.is_empty() && bare(sent).starts_with(&got)
        }
        _ => sent == got,
    }
}

fn typed(value: Value, what: &'static str, fits: impl Fn(&Value) -> bool) -> Result<Value, Misfit> {
    if fits(&value) { Ok(value) } else { Err(Misfit::NotA { what, value: value.to_plain() }) }
}

/// The partner of the record that a reference points to: the id of one system means nothing in the other.
fn referred(of: RecordRef, raw: &Value, partners: &Partners) -> Result<Value, Misfit> {
    let of = match references::ids(raw).as_slice() {
        [] => return Err(Misfit::NotA { what: "record id", value: raw.to_plain() }),
        [id] => RecordRef { id: *id, ..of },
        several => partners.of_several(of, several)?,
    };
    match partners.of(of) {
        Some(Partner::Linked(id)) => Ok(Value::Choice(id.to_string())),
        Some(Partner::Coming(name)) => Ok(Value::Choice(format!("new: {name}"))),
        Some(Partner::Awaited(reason)) => Err(Misfit::NoPartner { reason: reason.clone(), awaited: true }),
        Some(Partner::Kept(reason)) => Err(Misfit::NoPartner { reason: reason.clone(), awaited: false }),
        None => Err(Misfit::NoPartner { reason: format!("{of} is not known yet"), awaited: true }),
    }
}

/// Text crosses as it was typed, apart from what the far side cannot hold.
fn carried_text(kind: FieldKind, to: System, raw: &Value) -> String {
    let text = raw.to_plain();
    match (kind, to) {
        (FieldKind::LongText, System::HubSpot) => text.trim().to_owned(),
        _ => one_line(&text),
    }
}

/// ConnectWise takes the words, HubSpot the words as markup.
/// The notes of an activity keep their lines; what else takes its words, such as its name, is one line.
fn carried_rich_text(field: &FieldRule, to: System, raw: &Value) -> String {
    match to {
        System::HubSpot => html_of(&raw.to_plain()),
        System::ConnectWise => {
            let is_made = !field.transform(to).is_empty();
            let text = if is_made { raw.to_plain() } else { without_markup(raw).to_plain() };
            let keeps_lines = matches!(field.mapping.connectwise.as_str(), NOTES | NOTES_OR_NAME);
            if keeps_lines { text } else { one_line(&text) }
        }
    }
}

/// HubSpot's domain takes a bare host; ConnectWise's website takes any address.
fn carried_domain(to: System, raw: &Value) -> String {
    let text = raw.to_plain();
    match to {
        System::HubSpot => host(&text),
        System::ConnectWise => one_line(&text),
    }
}

/// What any text of HubSpot holds, its markup included (facts: texts of at most 65,536 characters).
const HUBSPOT_TEXT: u32 = 65_536;

fn fit(field: &FieldRule, to: System, text: String) -> Result<Value, Misfit> {
    let wanted = field.mapping.max_length[to];
    let Some(limit) = wanted.or((to == System::HubSpot).then_some(HUBSPOT_TEXT)) else { return Ok(Value::text(text)) };
    let length = text.chars().count();
    if length <= limit as usize {
        return Ok(Value::text(text));
    }
    if wanted.is_none() {
        // nobody asked for that limit, so nobody said that what is beyond it may go
        return Err(Misfit::TooLong { length, limit });
    }
    match field.mapping.overflow {
        Overflow::Hold => Err(Misfit::TooLong { length, limit }),
        Overflow::Cut => {
            let cut = Value::text(text.chars().take(limit as usize).collect::<String>());
            // what is left of an address may be no address any more
            let means_nothing = normalise(&field.mapping, to, &cut).is_empty();
            if means_nothing { Err(Misfit::TooLong { length, limit }) } else { Ok(cut) }
        }
    }
}

fn option(field: &FieldRule, from: System, key: &str) -> Result<String, Misfit> {
    field.partner(from, key).map_or_else(|| unmapped(field, from, key), |partner| Ok(partner.to_owned()))
}

fn unmapped(field: &FieldRule, from: System, key: &str) -> Result<String, Misfit> {
    without_partner(field, from, key, || Misfit::Unmapped { value: field.called(from, key) })
}

/// What the policy makes of a value that leads nowhere.
fn without_partner(
    field: &FieldRule,
    from: System,
    key: &str,
    held: impl FnOnce() -> Misfit,
) -> Result<String, Misfit> {
    match field.unmapped(from.other()) {
        Unmapped::Hold => Err(held()),
        Unmapped::Skip => Err(Misfit::Skipped { value: field.called(from, key) }),
        Unmapped::Default => field.fallback(from.other()).map(str::to_owned).ok_or_else(held),
    }
}

/// How it came to the value that is written, where the value map had to decide: which of several counts, and what the default
/// stands for.
#[must_use]
pub fn decided(field: &FieldRule, from: System, said: Said<'_>) -> Option<String> {
    let values = field.mapping.values.as_ref().filter(|_| field.stages.is_none())?;
    let given = if field.transform(from.other()).is_empty() { None } else { transformed(field, from, said).ok() };
    let raw = given.as_ref().unwrap_or(said.raw);
    let value = normalise(&field.mapping, from, raw);
    let several = normalise_as(FieldKind::MultiChoice, raw);
    let is_one_of = !values.priority.is_empty();
    let mut told = Vec::new();
    if let (Value::Choices(all), Value::Choice(first)) = (&several, &value)
        && is_one_of
        && all.len() > 1
    {
        told.push(format!("of {} \"{}\" comes first", field.called(from, &all.join(";")), field.called(from, first)));
    }
    let keys: Vec<&str> = match &value {
        Value::Choices(_) if is_one_of => Vec::new(),
        Value::Choices(keys) => keys.iter().map(String::as_str).collect(),
        Value::Choice(key) => vec![key.as_str()],
        _ => Vec::new(),
    };
    let to = from.other();
    if field.unmapped(to) == Unmapped::Default
        && let Some(fallback) = field.fallback(to)
    {
        let is_unordered = is_one_of && matches!(value, Value::Choices(_));
        let lone = keys.iter().find(|key| field.partner(from, key).is_none()).map(|key| field.called(from, key));
        let lone = lone.or_else(|| is_unordered.then(|| field.called(from, &value.to_plain())));
        told.extend(lone.map(|lone| {
            format!("\"{lone}\" has no partner: the default \"{}\" stands for it", field.called(to, fallback))
        }));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

fn options(field: &FieldRule, from: System, value: &Value) -> Result<Value, Misfit> {
    let Value::Choices(keys) = value else { return option(field, from, &value.to_plain()).map(Value::Choice) };
    let mut there = keys.iter().map(|key| option(field, from, key)).collect::<Result<Vec<_>, _>>()?;
    there.sort();
    there.dedup();
    Ok(Value::Choices(there))
}
