//! The fields of every kind of record: names, kinds, lengths, rules. The stored form of their values.

mod company;
mod contact;
mod procurement;
mod sales;
mod service;
mod system;

pub(crate) use self::company::{COMPANY, COMPANY_NOTE, SITE};
pub(crate) use self::contact::{CONTACT, CONTACT_NOTE};
pub(crate) use self::procurement::CATALOG;
pub(crate) use self::sales::{
    ACTIVITY, FORECAST_ITEM, OPPORTUNITY, OPPORTUNITY_CONTACT, OPPORTUNITY_NOTE, TEAM_MEMBER,
};
pub(crate) use self::service::{TICKET, TICKET_NOTE};
pub(crate) use self::system::CALLBACK;

use serde_json::{Value, json};

use super::entity::Entity;
use super::tables::Table;
use crate::sim::clock::{iso_seconds, parse_instant};

/// Index of a field in its kind's list.
pub(crate) type FieldId = u16;
/// A release as year and number, so that later ones are greater.
pub(crate) type Release = u32;
/// From which release on a text may be how long.
pub(crate) type Lengths = &'static [(Release, u16)];

/// The release that is called `{year}.{number}`.
pub(crate) const fn release(year: u32, number: u32) -> Release {
    year * 100 + number
}

/// What a reference leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Table(Table),
    Record(Entity),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text of one line, of at most so many characters; 0 for no limit.
    Text(u16),
    /// As text, but line breaks stay.
    Prose(u16),
    Whole,
    /// A year from 1900 to 9999.
    Year,
    Decimal,
    Flag,
    Time,
    /// A day, carried as its midnight.
    Day,
    Choice(&'static [&'static str]),
    Ref(Target),
    /// A reference that is written and shown as a bare number.
    Id(Target),
    /// A reference into a table that is not simulated: kept as it is sent.
    Opaque,
    /// Known by name, but not a value of the record: read and written by rules of its own.
    Apart,
}

pub(crate) const fn table(table: Table) -> Kind {
    Kind::Ref(Target::Table(table))
}

pub(crate) const fn record(entity: Entity) -> Kind {
    Kind::Ref(Target::Record(entity))
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// A PUT must carry it.
    pub on_update: bool,
    pub read_only: bool,
    /// The first release whose model has it; 0 for all.
    pub since: Release,
    lengths: Lengths,
}

/// Rows that several kinds of record have, in a place of their own each: an address, with its state as a text.
const ADDRESS: &[Field] = &[
    Field::new("addressLine1", Kind::Text(50)),
    Field::new("addressLine2", Kind::Text(50)),
    Field::new("city", Kind::Text(50)),
    Field::new("state", Kind::Text(50)),
    Field::new("zip", Kind::Text(12)),
    Field::new("country", table(Table::Country)),
];

/// Pages in social networks.
const SOCIAL: &[Field] = &[
    Field::new("facebookUrl", Kind::Text(0)),
    Field::new("twitterUrl", Kind::Text(0)),
    Field::new("linkedInUrl", Kind::Text(0)),
];

/// The user-defined fields from before there were custom ones.
const NUMBERED: &[Field] = &[
    Field::new("userDefinedField1", Kind::Text(50)),
    Field::new("userDefinedField2", Kind::Text(50)),
    Field::new("userDefinedField3", Kind::Text(50)),
    Field::new("userDefinedField4", Kind::Text(50)),
    Field::new("userDefinedField5", Kind::Text(50)),
    Field::new("userDefinedField6", Kind::Text(50)),
    Field::new("userDefinedField7", Kind::Text(50)),
    Field::new("userDefinedField8", Kind::Text(50)),
    Field::new("userDefinedField9", Kind::Text(50)),
    Field::new("userDefinedField10", Kind::Text(50)),
];

/// What a note of a company or a contact says.
const NOTE: &[Field] = &[
    Field::new("text", Kind::Prose(0)).required(),
    Field::new("type", table(Table::NoteType)),
    Field::new("flagged", Kind::Flag),
    Field::new("enteredBy", Kind::Text(0)),
];

/// How many fields some runs have together.
const fn total(runs: &[&[Field]]) -> usize {
    let (mut run, mut sum) = (0, 0);
    while run < runs.len() {
        sum += runs[run].len();
        run += 1;
    }
    sum
}

/// Runs of fields one after the other; `N` is their [`total`].
const fn joined<const N: usize>(runs: &[&[Field]]) -> [Field; N] {
    let mut fields = [Field::new("", Kind::Opaque); N];
    let (mut run, mut at) = (0, 0);
    while run < runs.len() {
        let mut index = 0;
        while index < runs[run].len() {
            fields[at] = runs[run][index];
            index += 1;
            at += 1;
        }
        run += 1;
    }
    fields
}

impl Field {
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false, on_update: false, read_only: false, since: 0, lengths: &[] }
    }

    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub const fn on_update(mut self) -> Self {
        self.on_update = true;
        self
    }

    pub const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    pub const fn since(mut self, release: Release) -> Self {
        self.since = release;
        self
    }

    pub const fn lengths(mut self, lengths: Lengths) -> Self {
        self.lengths = lengths;
        self
    }

    /// How long its text may be in that release; 0 for no limit.
    pub fn longest(&self, at: Release) -> usize {
        let (Kind::Text(most) | Kind::Prose(most)) = self.kind else { return 0 };
        let then = self.lengths.iter().rev().find(|(from, _)| *from <= at).or_else(|| self.lengths.first());
        usize::from(then.map_or(most, |(_, length)| *length))
    }

    /// As messages name a missing one: `assignTo/id`.
    pub fn asked_as(&self) -> String {
        if matches!(self.kind, Kind::Ref(_)) { format!("{}/id", self.name) } else { self.name.to_owned() }
    }
}

pub(crate) fn find(fields: &'static [Field], name: &str) -> Option<(FieldId, &'static Field)> {
    let at = fields.iter().position(|f| f.name == name)?;
    Some((FieldId::try_from(at).ok()?, fields.get(at)?))
}

/// As `find`, ignoring case, as conditions do.
pub(crate) fn find_any_case(fields: &'static [Field], name: &str) -> Option<(FieldId, &'static Field)> {
    let at = fields.iter().position(|f| f.name.eq_ignore_ascii_case(name))?;
    Some((FieldId::try_from(at).ok()?, fields.get(at)?))
}

/// A stored value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stored {
    Text(Box<str>),
    Whole(i64),
    Decimal(f64),
    Flag(bool),
    /// Seconds since 1970.
    Time(i64),
    /// The id of a row or record of the field's target.
    Ref(u32),
    Opaque(Box<Value>),
}

impl Stored {
    /// For the ledger: the bare value.
    pub fn plain(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Whole(n) => json!(n),
            Self::Decimal(n) => json!(n),
            Self::Flag(flag) => json!(flag),
            Self::Time(seconds) => json!(iso_seconds(*seconds)),
            Self::Ref(id) => json!(id),
            Self::Opaque(value) => (**value).clone(),
        }
    }
}

/// One entry of `errors` in the body of a 400.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub code: &'static str,
    pub message: String,
    pub field: String,
}

impl Problem {
    pub fn new(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: field.to_owned() }
    }

    /// `The firstName field is required.`
    pub fn missing(field: &str) -> Self {
        Self::new("MissingRequiredField", field, format!("The {field} field is required."))
    }
}

/// Why a value of the wrong kind could not be read; ConnectWise answers 500 to most of these.
#[derive(Debug, Clone)]
pub(crate) enum Misfit {
    Problem(Problem),
    /// "Error converting value": a client error that wears a 500.
    Conversion(String),
}

/// How the server rewrites what it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rewriting {
    pub trims: bool,
    pub empty_text_clears: bool,
}

/// The stored form of a scalar as sent; none is nothing.
///
/// Line breaks become spaces where the field is of one line. Numbers are also taken as text.
pub(crate) fn scalar(field: &Field, value: &Value, rewriting: Rewriting) -> Result<Option<Stored>, Misfit> {
    let empty = value.as_str().is_some_and(str::is_empty);
    if value.is_null() || (empty && rewriting.empty_text_clears) {
        return Ok(None);
    }
    let wrong = || {
        Misfit::Conversion(format!(
            "Error converting value {value} to type 'System.{}'. Path '{}', line 1, position 1.",
            type_name(field.kind),
            field.name
        ))
    };
    let stored = match field.kind {
        Kind::Text(_) | Kind::Prose(_) => text(field, value, rewriting).ok_or_else(wrong)?,
        Kind::Whole | Kind::Year => match value {
            Value::Number(n) => Stored::Whole(n.as_i64().ok_or_else(wrong)?),
            Value::String(text) => Stored::Whole(text.trim().parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        },
        Kind::Decimal => Stored::Decimal(decimal(value).ok_or_else(wrong)?),
        Kind::Flag => match value {
            Value::Bool(flag) => Stored::Flag(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Stored::Flag(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Stored::Flag(false),
            _ => return Err(wrong()),
        },
        Kind::Time => Stored::Time(time(field, value.as_str().ok_or_else(wrong)?)?),
        Kind::Day => Stored::Time(time(field, value.as_str().ok_or_else(wrong)?)?.div_euclid(86_400) * 86_400),
        Kind::Choice(options) => {
            let sent = value.as_str().ok_or_else(wrong)?;
            let known = options.iter().find(|option| option.eq_ignore_ascii_case(sent)).ok_or_else(wrong)?;
            Stored::Text((*known).into())
        }
        Kind::Opaque => Stored::Opaque(Box::new(value.clone())),
        Kind::Ref(_) | Kind::Id(_) | Kind::Apart => return Err(wrong()),
    };
    Ok(Some(stored))
}

fn text(field: &Field, value: &Value, rewriting: Rewriting) -> Option<Stored> {
    let text = match value {
        Value::String(text) if matches!(field.kind, Kind::Prose(_)) => text.clone(),
        Value::String(text) => flat(text),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    let kept = if rewriting.trims { text.trim_matches(' ') } else { &text };
    Some(Stored::Text(kept.into()))
}

fn decimal(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|n: &f64| n.is_finite())
}

/// `yyyy-MM-ddTHH:mm:ssZ` and nothing else.
fn time(field: &Field, text: &str) -> Result<i64, Misfit> {
    let exact = text.len() == 20 && text.ends_with('Z');
    match parse_instant(text).filter(|_| exact) {
        Some(ms) => Ok(ms.div_euclid(1000)),
        None => Err(Misfit::Problem(Problem::new(
            "UnsupportedFormat",
            field.name,
            format!("Unsupported format applied to {}", field.name),
        ))),
    }
}

const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Whole | Kind::Year | Kind::Id(_) => "Int32",
        Kind::Decimal => "Double",
        Kind::Flag => "Boolean",
        Kind::Time | Kind::Day => "DateTime",
        Kind::Choice(_) => "Enum",
        Kind::Text(_) | Kind::Prose(_) | Kind::Ref(_) | Kind::Opaque | Kind::Apart => "String",
    }
}

/// Ordinary text keeps no line breaks: each becomes a space.
pub(crate) fn flat(text: &str) -> String {
    text.replace("\r\n", " ").replace(['\n', '\r', '\u{8}', '\u{c}'], " ")
}

/// What is wrong with a stored value by the rules of that release, if anything.
pub(crate) fn complaint(field: &Field, value: &Stored, release: Release) -> Option<Problem> {
    let name = field.name;
    match (field.kind, value) {
        (Kind::Text(_) | Kind::Prose(_), Stored::Text(text)) => {
            let most = field.longest(release);
            (most > 0 && text.chars().count() > most).then(|| {
                let message = format!("The field {name} must be a string with a maximum length of {most}.");
                Problem::new("MaxLengthField", name, message)
            })
        }
        (Kind::Year, Stored::Whole(year)) if !(1900..=9999).contains(year) => {
            Some(Problem::new("OutOfRange", name, format!("The field {name} must be between 1900 and 9999.")))
        }
        (Kind::Whole, Stored::Whole(n)) if i32::try_from(*n).is_err() => {
            Some(Problem::new("OutOfRange", name, format!("The field {name} must be between 0 and {}.", i32::MAX)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The published 2026.4 model. Of contacts it states no lengths, so that these are those of 2021; the length of an
    /// account number and the need of a first name are told by live answers, `typeIds` of a company by an error.
    const PUBLISHED: &str = include_str!("../../../../fixtures/connectwise-fields.tsv");

    #[test]
    fn every_field_of_the_published_model_is_there_with_its_length_and_its_duties() {
        let at = release(2026, 4);
        let told: BTreeSet<String> = PUBLISHED.lines().skip(1).map(str::to_owned).collect();
        let models: BTreeSet<&str> = told.iter().filter_map(|line| line.split('\t').next()).collect();
        let word = |is: bool| if is { "yes" } else { "" };
        let row = |model: &str, field: &Field| {
            let length = Some(field.longest(at)).filter(|most| *most > 0).map(|most| most.to_string());
            let (required, on_put) = (word(field.required), word(field.on_update));
            format!("{model}\t{}\t{}\t{required}\t{on_put}", field.name, length.unwrap_or_default())
        };
        let published = Entity::ALL.iter().map(|entity| entity.about()).filter(|about| models.contains(about.model));
        let known: BTreeSet<String> =
            published.flat_map(|about| about.fields.iter().map(|field| row(about.model, field))).collect();
        let differences: Vec<&String> = told.symmetric_difference(&known).collect();
        assert!(models.len() > 10 && differences.is_empty(), "{differences:#?}");
    }

    #[test]
    fn an_identifier_is_as_long_as_its_release_allows() {
        let longest = |release| COMPANY.first().map(|field| field.longest(release));
        for (release, expected) in [
            (release(2019, 5), 25),
            (release(2021, 1), 25),
            (release(2025, 1), 30),
            (release(2026, 4), 156),
            (release(2026, 11), 156),
        ] {
            assert_eq!(longest(release), Some(expected), "{release}");
        }
    }

    #[test]
    fn no_kind_of_record_names_a_field_twice() {
        for entity in Entity::ALL {
            for field in entity.fields() {
                assert_eq!(
                    entity.fields().iter().filter(|f| f.name == field.name).count(),
                    1,
                    "{entity:?} {}",
                    field.name
                );
            }
        }
    }
}
