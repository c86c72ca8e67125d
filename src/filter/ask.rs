//! One field and what is asked of it: whether a value answers, and how it is shown.
//! Values are read by their field's kind, as HubSpot speaks strings only. Knows no records.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::ast::{Compare, TextMatch};
use super::relative::Relative;
use crate::mapping::normalise::{normalise_as, one_line};
use crate::model::{FieldKind, FieldName, Timestamp, Value};

/// A test that fits its field. Two that are equal have the same answer for every value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Ask {
    /// As the filter calls it.
    pub field: FieldName,
    /// Where it is one of the record's company: as that calls it.
    pub company: Option<FieldName>,
    pub kind: FieldKind,
    /// Labels by key.
    pub options: Arc<BTreeMap<String, String>>,
    pub check: Check,
    /// Whether it depends on the day: [`Ask::on`] makes one of it that does not.
    pub is_dated: bool,
}

/// Texts are lower-case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Check {
    Empty {
        negated: bool,
    },
    Is(Compare, Operand),
    In {
        negated: bool,
        operands: Vec<Operand>,
    },
    Text(TextMatch, String),
    /// Of a standard filter: it holds anything at all.
    Filled,
    /// Of a standard filter: it holds something that records can be told apart by.
    Telling,
    /// Of a standard filter: it does not say yes.
    NotTrue,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Operand {
    Text(String),
    Number(Decimal),
    Bool(bool),
    Date(Date),
    DateTime(Timestamp),
    /// The days from the first to the last one.
    Days(Date, Date),
    /// Days that the day has to tell first.
    Relative(Relative),
    /// Any of them.
    Keys(Vec<String>),
}

/// The value can't be read as its field's kind.
struct Unreadable;

impl Ask {
    /// The same as it stands on that day.
    pub fn on(&self, today: Date) -> Cow<'_, Self> {
        if !self.is_dated {
            return Cow::Borrowed(self);
        }
        let on = |operand: &Operand| match operand {
            Operand::Relative(relative) => {
                let (first, last) = relative.days(today);
                Operand::Days(first, last)
            }
            other => other.clone(),
        };
        let check = match &self.check {
            Check::Is(compare, operand) => Check::Is(*compare, on(operand)),
            Check::In { negated, operands } => {
                Check::In { negated: *negated, operands: operands.iter().map(on).collect() }
            }
            other => other.clone(),
        };
        Cow::Owned(Self { check, is_dated: false, ..self.clone() })
    }

    fn operands(&self) -> &[Operand] {
        match &self.check {
            Check::Is(_, operand) => std::slice::from_ref(operand),
            Check::In { operands, .. } => operands,
            _ => &[],
        }
    }

    fn relatives(&self) -> impl Iterator<Item = Relative> {
        self.operands().iter().filter_map(|operand| match operand {
            Operand::Relative(relative) => Some(*relative),
            _ => None,
        })
    }

    /// The first day after `today` on which it has another answer for the value; none where it never has.
    pub fn turns(&self, value: &Value, today: Date) -> Option<Date> {
        if !self.is_dated || is_empty(value) {
            return None;
        }
        let held = as_date(value).ok()?;
        let mut days: Vec<Date> = self.relatives().flat_map(|relative| relative.turns(held, today)).collect();
        days.sort_unstable();
        let now = self.on(today).passes(value);
        days.into_iter().find(|day| self.on(*day).passes(value) != now)
    }

    /// `today - 30 days is 2026-10-29`, for each that depends on the day.
    pub fn days_in_words(&self, today: Date) -> Vec<String> {
        let words = |relative: Relative| match relative.days(today) {
            (first, last) if first == last => format!("{relative} is {first}"),
            (first, last) => format!("{relative} is {first} to {last}"),
        };
        self.relatives().map(words).collect()
    }

    pub fn passes(&self, value: &Value) -> bool {
        let empty = is_empty(value);
        match &self.check {
            Check::Filled => !value.is_empty(),
            Check::Telling => value.to_plain().chars().any(char::is_alphanumeric),
            Check::NotTrue => *value != Value::Bool(true),
            Check::Empty { negated } => empty != *negated,
            Check::Is(compare, _) if empty => *compare == Compare::Ne,
            Check::In { negated, .. } if empty => *negated,
            Check::Text(..) if empty => false,
            Check::Is(compare, operand) => self.holds(*compare, operand, value).unwrap_or(false),
            Check::In { negated, operands } => self.is_among(operands, value).is_ok_and(|among| among != *negated),
            Check::Text(wanted, needle) => self.matches(*wanted, needle, value),
        }
    }

    fn is_among(&self, operands: &[Operand], value: &Value) -> Result<bool, Unreadable> {
        if let [Operand::Text(_), ..] = operands {
            // a long list must not read the value anew for each of its texts
            let held = Operand::Text(folded(value));
            return Ok(operands.contains(&held));
        }
        for operand in operands {
            if self.holds(Compare::Eq, operand, value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn holds(&self, compare: Compare, operand: &Operand, value: &Value) -> Result<bool, Unreadable> {
        let ordering = match operand {
            Operand::Text(text) => folded(value).as_str().cmp(text),
            Operand::Number(number) => as_number(value)?.cmp(number),
            Operand::Bool(flag) => as_bool(value)?.cmp(flag),
            Operand::Date(date) => as_date(value)?.cmp(date),
            Operand::DateTime(time) => as_time(value)?.cmp(time),
            Operand::Days(first, last) => match as_date(value)? {
                day if day < *first => Ordering::Less,
                day if day > *last => Ordering::Greater,
                _ => Ordering::Equal,
            },
            // which days are meant is not known yet
            Operand::Relative(_) => return Err(Unreadable),
            Operand::Keys(keys) => {
                let found = keys_of(value).iter().any(|held| keys.iter().any(|key| key.eq_ignore_ascii_case(held)));
                if found { Ordering::Equal } else { Ordering::Less }
            }
        };
        Ok(compare.holds(ordering))
    }

    /// Options match by label or key.
    fn matches(&self, wanted: TextMatch, needle: &str, value: &Value) -> bool {
        let matches = |text: &str| {
            let text = one_line(text).to_lowercase();
            match wanted {
                TextMatch::Contains => text.contains(needle),
                TextMatch::StartsWith => text.starts_with(needle),
                TextMatch::EndsWith => text.ends_with(needle),
            }
        };
        if !self.kind.has_options() {
            return matches(&value.to_plain());
        }
        keys_of(value).into_iter().any(|key| matches(key) || self.options.get(key).is_some_and(|label| matches(label)))
    }

    /// The value for people; what can't be read says so.
    pub fn show(&self, value: &Value) -> String {
        if is_empty(value) {
            return "empty".to_owned();
        }
        if self.kind.has_options() {
            let labels = keys_of(value).into_iter().map(|key| self.options.get(key).map_or(key, String::as_str));
            return labels.collect::<Vec<_>>().join(", ");
        }
        let plain = value.to_plain();
        if self.is_readable(value) { plain } else { format!("\"{plain}\" can't be read as {}", self.kind.word()) }
    }

    fn is_readable(&self, value: &Value) -> bool {
        match &self.check {
            Check::Empty { .. } | Check::Text(..) | Check::Filled | Check::Telling | Check::NotTrue => true,
            Check::Is(_, operand) => self.holds(Compare::Eq, operand, value).is_ok(),
            Check::In { operands, .. } => {
                operands.iter().all(|operand| self.holds(Compare::Eq, operand, value).is_ok())
            }
        }
    }
}

/// As texts are compared.
fn folded(value: &Value) -> String {
    one_line(&value.to_plain()).to_lowercase()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Empty => true,
        Value::Text(text) | Value::Choice(text) => text.trim().is_empty(),
        Value::Choices(keys) => keys.is_empty(),
        _ => false,
    }
}

/// HubSpot writes several options as `A;B`.
fn keys_of(value: &Value) -> Vec<&str> {
    match value {
        Value::Text(text) => text.split(';').map(str::trim).filter(|key| !key.is_empty()).collect(),
        Value::Choice(key) => vec![key],
        Value::Choices(keys) => keys.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn as_number(value: &Value) -> Result<Decimal, Unreadable> {
    match normalise_as(FieldKind::Number, value) {
        Value::Number(number) => Ok(number),
        _ => Err(Unreadable),
    }
}

fn as_bool(value: &Value) -> Result<bool, Unreadable> {
    match normalise_as(FieldKind::Bool, value) {
        Value::Bool(flag) => Ok(flag),
        _ => Err(Unreadable),
    }
}

/// An instant counts by its calendar day in UTC, which is also how ConnectWise writes a bare date.
fn as_date(value: &Value) -> Result<Date, Unreadable> {
    match normalise_as(FieldKind::Date, value) {
        Value::Date(date) => Ok(date),
        _ => Err(Unreadable),
    }
}

fn as_time(value: &Value) -> Result<Timestamp, Unreadable> {
    match normalise_as(FieldKind::DateTime, value) {
        Value::DateTime(time) => Ok(time),
        _ => Err(Unreadable),
    }
}
