//! Carrying a value over: from what one side holds to what is written to the other.

use rust_decimal::Decimal;

use super::normalise::{host, normalise, one_line, without_markup};
use super::references::{self, NOTES, NOTES_OR_NAME, Partner, Partners};
use super::rich_text::html_of;
use super::rules::FieldRule;
use super::{Overflow, Unmapped};
use crate::model::{FieldKind, RecordId, RecordRef, System, Value};

/// Why a value cannot cross.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// No partner in the value map; the field waits for a person. The value as people call it.
    Unmapped {
        value: String,
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
}

/// What to write to the other system for `raw`, as `from` holds it, where `there` is held now. `Empty` stays empty.
///
/// # Errors
/// When the value has no counterpart there.
pub fn convert(
    field: &FieldRule,
    from: System,
    raw: &Value,
    there: &Value,
    partners: &Partners,
) -> Result<Value, Misfit> {
    let kind = field.mapping.kind;
    let value = normalise(&field.mapping, from, raw);
    if value.is_empty() {
        return Ok(Value::Empty);
    }
    match kind {
        FieldKind::Text | FieldKind::LongText | FieldKind::Phone | FieldKind::Url | FieldKind::Email => {
            fit(field, from.other(), carried_text(kind, from.other(), raw))
        }
        FieldKind::RichText => fit(field, from.other(), carried_rich_text(field, from.other(), raw)),
        FieldKind::Domain => fit(field, from.other(), carried_domain(from.other(), raw)),
        FieldKind::Number => typed(value, "number", |v| matches!(v, Value::Number(_))),
        FieldKind::Integer => typed(value, "whole number", |v| matches!(v, Value::Number(n) if n.fract().is_zero())),
        FieldKind::Bool => typed(value, "yes or no", |v| matches!(v, Value::Bool(_))),
        FieldKind::Date => typed(value, "date", |v| matches!(v, Value::Date(_))),
        FieldKind::DateTime => typed(value, "date and time", |v| matches!(v, Value::DateTime(_))),
        FieldKind::Choice | FieldKind::Person => {
            let raw = value.to_plain();
            let partner = match &field.stages {
                Some(stages) => stages.nearest(from.other(), &raw, there.to_plain().trim()),
                None => field.partner(from, &raw).map(str::to_owned),
            };
            partner.map(Value::Choice).ok_or_else(|| unmapped(field, from, &raw))
        }
        FieldKind::MultiChoice => options(field, from, &value),
        FieldKind::Reference(object) => referred(RecordRef::new(object, from, RecordId(0)), raw, partners),
    }
}

/// Whether what both sides hold means the same: the one written over there would be what is there already.
#[must_use]
pub fn same(field: &FieldRule, hubspot: &Value, connectwise: &Value, partners: &Partners) -> bool {
    arrives(field, System::HubSpot, hubspot, connectwise, partners)
        || arrives(field, System::ConnectWise, connectwise, hubspot, partners)
}

/// Whether `raw`, as `from` holds it, would be written as what is `there` already.
#[must_use]
pub fn arrives(field: &FieldRule, from: System, raw: &Value, there: &Value, partners: &Partners) -> bool {
    let mapping = &field.mapping;
    let (here, there) = (normalise(mapping, from, raw), normalise(mapping, from.other(), there));
    if here.is_empty() || there.is_empty() {
        return here.is_empty() && there.is_empty();
    }
    convert(field, from, raw, &there, partners)
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
            let text = without_markup(raw).to_plain();
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
    field.partner(from, key).map(str::to_owned).ok_or_else(|| unmapped(field, from, key))
}

fn unmapped(field: &FieldRule, from: System, key: &str) -> Misfit {
    let value = field.called(from, key);
    match field.unmapped() {
        Unmapped::Hold => Misfit::Unmapped { value },
        Unmapped::Skip => Misfit::Skipped { value },
    }
}

fn options(field: &FieldRule, from: System, value: &Value) -> Result<Value, Misfit> {
    let Value::Choices(keys) = value else { return option(field, from, &value.to_plain()).map(Value::Choice) };
    let mut there = keys.iter().map(|key| option(field, from, key)).collect::<Result<Vec<_>, _>>()?;
    there.sort();
    there.dedup();
    Ok(Value::Choices(there))
}
