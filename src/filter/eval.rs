//! A filter at work: does a record pass, and what did each clause see?
//! Pure and fast; values are read by their field's kind, as HubSpot speaks strings only.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::ast::{Compare, TextMatch};
use crate::mapping::normalise::{normalise_as, one_line};
use crate::model::{FieldKind, FieldName, Record, Timestamp, Value};

/// A filter that fits the fields of one object in one system.
#[derive(Debug, Clone)]
pub struct Filter {
    parts: Vec<Part>,
}

/// What a filter, or a part of one, says about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Pass,
    Fail,
    /// It asks for what is not there to be asked: neither of the two, until that is mended.
    Undecided,
}

impl Answer {
    /// Whether all of them pass. One that fails decides, whatever those without an answer would say.
    #[must_use]
    pub fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Pass;
        for answer in answers {
            match answer {
                Self::Fail => return Self::Fail,
                Self::Undecided => all = Self::Undecided,
                Self::Pass => {}
            }
        }
        all
    }

    /// Whether any of them passes. One that passes decides, whatever those without an answer would say.
    #[must_use]
    pub fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        Self::all(answers.into_iter().map(Self::not)).not()
    }

    #[must_use]
    pub const fn not(self) -> Self {
        match self {
            Self::Pass => Self::Fail,
            Self::Fail => Self::Pass,
            Self::Undecided => Self::Undecided,
        }
    }

    /// None where there is no answer.
    #[must_use]
    pub const fn known(self) -> Option<bool> {
        match self {
            Self::Pass => Some(true),
            Self::Fail => Some(false),
            Self::Undecided => None,
        }
    }
}

impl From<bool> for Answer {
    fn from(pass: bool) -> Self {
        if pass { Self::Pass } else { Self::Fail }
    }
}

/// What a filter says about a record, clause by clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub answer: Answer,
    /// One for each operand of the outermost `and`; a single one where there is no outer `and`; none for no filter.
    pub clauses: Vec<Clause>,
}

/// What one part of the filter says, with what it looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// In the canonical form, on one line.
    pub text: String,
    pub answer: Answer,
    /// The value of its field, by its label where it is an option; `field: value` for each where it has several. Where it
    /// has no answer, why not.
    pub value: String,
    /// Where it stands in the text, in bytes.
    pub span: Range<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Part {
    pub text: String,
    pub span: Range<usize>,
    pub node: Node,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Leaf(Box<Leaf>),
    Unfit(Box<Unfit>),
}

/// A test that does not fit the fields.
#[derive(Debug, Clone)]
pub(super) struct Unfit {
    /// As the schema calls it; as it is written where the schema has none.
    pub field: FieldName,
    /// Sentences.
    pub whys: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub field: FieldName,
    pub kind: FieldKind,
    /// Labels by key.
    pub options: BTreeMap<String, String>,
    pub check: Check,
}

/// Texts are lower-case.
#[derive(Debug, Clone)]
pub(super) enum Check {
    Empty { negated: bool },
    Is(Compare, Operand),
    In { negated: bool, operands: Vec<Operand> },
    Text(TextMatch, String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    Text(String),
    Number(Decimal),
    Bool(bool),
    Date(Date),
    DateTime(Timestamp),
    /// Any of them.
    Keys(Vec<String>),
}

/// The value can't be read as its field's kind.
struct Unreadable;

impl Filter {
    pub(super) const fn new(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// Whether every record passes.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.parts.is_empty()
    }

    /// The fields that it looks at, sorted, each once: what must be read besides the mapped ones.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldName> {
        let mut found = BTreeSet::new();
        for part in &self.parts {
            part.node.each_test(&mut |test| {
                found.insert(test.field().clone());
            });
        }
        found.into_iter().collect()
    }

    /// What in it does not fit the fields, as sentences.
    #[must_use]
    pub fn unfit(&self) -> Vec<&str> {
        self.parts.iter().flat_map(|part| part.node.unfit()).collect()
    }

    /// Whether it is known that the record passes.
    #[must_use]
    pub fn passes(&self, record: &Record) -> bool {
        Answer::all(self.parts.iter().map(|part| part.node.answer(record))) == Answer::Pass
    }

    /// Whether the record passes, with every clause's own answer.
    #[must_use]
    pub fn evaluate(&self, record: &Record) -> Verdict {
        let clauses: Vec<Clause> = self.parts.iter().map(|part| part.clause(record)).collect();
        Verdict { answer: Answer::all(clauses.iter().map(|clause| clause.answer)), clauses }
    }
}

impl Part {
    fn clause(&self, record: &Record) -> Clause {
        let answer = self.node.answer(record);
        if answer == Answer::Undecided {
            let value = self.node.unfit().join(" ");
            return Clause { text: self.text.clone(), answer, value, span: self.span.clone() };
        }
        let mut seen: Vec<(&FieldName, String)> = Vec::new();
        self.node.each_test(&mut |test| {
            let field = test.field();
            if seen.iter().all(|(known, _)| *known != field) {
                seen.push((field, test.show(record)));
            }
        });
        let value = match seen.as_slice() {
            [(_, only)] => only.clone(),
            several => several.iter().map(|(field, value)| format!("{field}: {value}")).collect::<Vec<_>>().join(", "),
        };
        Clause { text: self.text.clone(), answer, value, span: self.span.clone() }
    }
}

impl Node {
    fn answer(&self, record: &Record) -> Answer {
        match self {
            Self::All(nodes) => Answer::all(nodes.iter().map(|node| node.answer(record))),
            Self::Any(nodes) => Answer::any(nodes.iter().map(|node| node.answer(record))),
            Self::Not(node) => node.answer(record).not(),
            Self::Leaf(leaf) => leaf.passes(record).into(),
            Self::Unfit(_) => Answer::Undecided,
        }
    }

    fn each_test<'a>(&'a self, visit: &mut impl FnMut(Seen<'a>)) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.each_test(visit)),
            Self::Not(node) => node.each_test(visit),
            Self::Leaf(leaf) => visit(Seen::Leaf(leaf)),
            Self::Unfit(unfit) => visit(Seen::Unfit(unfit)),
        }
    }

    /// Why tests in it have no answer; each sentence once.
    fn unfit(&self) -> Vec<&str> {
        let mut whys: Vec<&str> = Vec::new();
        self.each_test(&mut |test| {
            if let Seen::Unfit(unfit) = test {
                for why in &unfit.whys {
                    if !whys.contains(&why.as_str()) {
                        whys.push(why);
                    }
                }
            }
        });
        whys
    }
}

/// One test of a filter, whether it fits or not.
enum Seen<'a> {
    Leaf(&'a Leaf),
    Unfit(&'a Unfit),
}

impl<'a> Seen<'a> {
    const fn field(&self) -> &'a FieldName {
        match self {
            Self::Leaf(leaf) => &leaf.field,
            Self::Unfit(unfit) => &unfit.field,
        }
    }

    fn show(&self, record: &Record) -> String {
        match self {
            Self::Leaf(leaf) => leaf.show(record),
            Self::Unfit(unfit) => unfit.whys.join(" "),
        }
    }
}

impl Leaf {
    fn passes(&self, record: &Record) -> bool {
        let value = record.value(self.field.as_str());
        let empty = is_empty(value);
        match &self.check {
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
        for operand in operands {
            if self.holds(Compare::Eq, operand, value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn holds(&self, compare: Compare, operand: &Operand, value: &Value) -> Result<bool, Unreadable> {
        let ordering = match operand {
            Operand::Text(text) => one_line(&value.to_plain()).to_lowercase().cmp(text),
            Operand::Number(number) => as_number(value)?.cmp(number),
            Operand::Bool(flag) => as_bool(value)?.cmp(flag),
            Operand::Date(date) => as_date(value)?.cmp(date),
            Operand::DateTime(time) => as_time(value)?.cmp(time),
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
    fn show(&self, record: &Record) -> String {
        let value = record.value(self.field.as_str());
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
            Check::Empty { .. } | Check::Text(..) => true,
            Check::Is(_, operand) => self.holds(Compare::Eq, operand, value).is_ok(),
            Check::In { operands, .. } => {
                operands.iter().all(|operand| self.holds(Compare::Eq, operand, value).is_ok())
            }
        }
    }
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
