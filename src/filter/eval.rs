//! A filter at work: does a record pass, and what did each clause see?
//! Pure and fast.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::civil::Date;

use super::ask::Ask;
use super::fields::of_company;
use crate::model::{FieldName, Record, RecordId, RecordRef, Value};

/// A filter that fits the fields of one object in one system.
#[derive(Debug, Clone)]
pub struct Filter {
    parts: Vec<Part>,
}

/// What a filter judges.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub record: &'a Record,
    /// The day, in UTC.
    pub today: Date,
    pub company: Company<'a>,
}

/// What the record belongs to.
#[derive(Debug, Clone, Copy)]
pub enum Company<'a> {
    /// None: its fields are empty.
    None,
    /// One that was not read: its fields are not known.
    Unread(RecordRef),
    Known(&'a Record),
}

const EMPTY: &Value = &Value::Empty;

impl<'a> Subject<'a> {
    /// For criteria that do not depend on the day, or no longer do: [`Filter::on`].
    #[must_use]
    pub const fn undated(record: &'a Record) -> Self {
        Self { record, today: Date::MIN, company: Company::None }
    }

    /// What is asked for; where it is not known why not.
    fn value(&self, ask: &Ask) -> Result<&'a Value, String> {
        match (&ask.company, self.company) {
            (None, _) => Ok(self.record.value(ask.field.as_str())),
            (Some(field), Company::Known(company)) => Ok(company.value(field.as_str())),
            (Some(_), Company::None) => Ok(EMPTY),
            (Some(_), Company::Unread(of)) => Err(format!("Nothing is known of {of}, to which it belongs.")),
        }
    }
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
    /// In the canonical form, on one line; of a part that joins others, how it joins them.
    pub text: String,
    pub answer: Answer,
    /// The value of its field, by its label where it is an option; `field: value` for each where it has several. Where it
    /// has no answer, why not. Empty for a part within a clause that joins others: they tell their own.
    pub value: String,
    /// Where it stands in the text, in bytes.
    pub span: Range<usize>,
    /// The parts that it joins, in the order of the text; none for a single test.
    pub parts: Vec<Clause>,
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
    /// Of a standard filter: the record is not deleted.
    Present,
    /// Of a standard filter: the record is none of these.
    NoneOf(Vec<RecordId>),
}

/// A test that does not fit the fields, or whose field was not read.
#[derive(Debug, Clone)]
pub(super) struct Unfit {
    /// In the canonical form.
    pub text: String,
    /// Where it stands in the text, in bytes.
    pub span: Range<usize>,
    /// As the schema calls it; as it is written where the schema has none.
    pub field: FieldName,
    /// Sentences.
    pub whys: Vec<String>,
}

/// A test that fits its field.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    /// In the canonical form.
    pub text: String,
    /// Where it stands in the text, in bytes.
    pub span: Range<usize>,
    pub ask: Ask,
    /// The days it was fixed to: `today is 2026-11-28`.
    pub days: Vec<String>,
}

impl Filter {
    pub(super) const fn new(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    pub(super) fn into_parts(self) -> Vec<Part> {
        self.parts
    }

    /// Whether every record passes.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.parts.is_empty()
    }

    /// The record's own fields that it looks at, sorted, each once: what must be read besides the mapped ones.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldName> {
        self.collect(|test| match test {
            Seen::Leaf(leaf) if leaf.ask.company.is_some() => None,
            Seen::Unfit(unfit) if of_company(unfit.field.as_str()).is_some() => None,
            test => Some(test.field()),
        })
    }

    /// The fields of the record's company that it looks at, as that calls them, sorted, each once.
    #[must_use]
    pub fn company_fields(&self) -> Vec<FieldName> {
        self.collect(|test| match test {
            Seen::Leaf(leaf) => leaf.ask.company.as_ref(),
            Seen::Unfit(_) => None,
        })
    }

    #[must_use]
    pub fn looks_at_company(&self) -> bool {
        let mut looks = false;
        for part in &self.parts {
            part.node.each_test(&mut |test| looks |= matches!(test, Seen::Leaf(leaf) if leaf.ask.company.is_some()));
        }
        looks
    }

    fn collect<'a>(&'a self, field: impl Fn(Seen<'a>) -> Option<&'a FieldName>) -> Vec<FieldName> {
        let mut found = BTreeSet::new();
        self.parts.iter().for_each(|part| part.node.each_test(&mut |test| found.extend(field(test))));
        found.into_iter().cloned().collect()
    }

    /// What in it does not fit the fields, as sentences.
    #[must_use]
    pub fn unfit(&self) -> Vec<&str> {
        self.parts.iter().flat_map(|part| part.node.unfit()).collect()
    }

    /// The same filter where fields are not read: their tests have no answer, and say why. `why` gives none for a field that
    /// is read.
    #[must_use]
    pub fn without(mut self, why: &impl Fn(&FieldName) -> Option<String>) -> Self {
        self.parts.iter_mut().for_each(|part| part.node.leave_out(why));
        self
    }

    /// The same as it stands on that day: a verdict of it does not turn by itself.
    #[must_use]
    pub fn on(mut self, today: Date) -> Self {
        self.parts.iter_mut().for_each(|part| part.node.fix(today));
        self
    }

    /// The first day after today on which the verdict may be another without any change of what is judged.
    #[must_use]
    pub fn turns(&self, subject: &Subject<'_>) -> Option<Date> {
        let mut first: Option<Date> = None;
        for part in &self.parts {
            part.node.each_test(&mut |test| {
                if let Seen::Leaf(leaf) = test
                    && let Some(day) = leaf.ask.turns(subject.value(&leaf.ask).unwrap_or(EMPTY), subject.today)
                {
                    first = Some(first.map_or(day, |known| known.min(day)));
                }
            });
        }
        first
    }

    /// Whether a clause depends on the day.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        let mut found = false;
        for part in &self.parts {
            part.node.each_test(&mut |test| found |= matches!(test, Seen::Leaf(leaf) if leaf.ask.is_dated));
        }
        found
    }

    /// What it says of the record.
    #[must_use]
    pub fn answer(&self, subject: &Subject<'_>) -> Answer {
        Answer::all(self.parts.iter().map(|part| part.node.answer(subject)))
    }

    /// Whether it is known that the record passes.
    #[must_use]
    pub fn passes(&self, subject: &Subject<'_>) -> bool {
        self.answer(subject) == Answer::Pass
    }

    /// Whether the record passes, with every clause's own answer.
    #[must_use]
    pub fn evaluate(&self, subject: &Subject<'_>) -> Verdict {
        let clauses: Vec<Clause> = self.parts.iter().map(|part| part.clause(subject)).collect();
        Verdict { answer: Answer::all(clauses.iter().map(|clause| clause.answer)), clauses }
    }
}

impl Part {
    fn clause(&self, subject: &Subject<'_>) -> Clause {
        self.node.whole_clause(&self.text, &self.span, subject)
    }
}

impl Node {
    pub fn answer(&self, subject: &Subject<'_>) -> Answer {
        match self {
            Self::All(nodes) => Answer::all(nodes.iter().map(|node| node.answer(subject))),
            Self::Any(nodes) => Answer::any(nodes.iter().map(|node| node.answer(subject))),
            Self::Not(node) => node.answer(subject).not(),
            Self::Leaf(leaf) => match subject.value(&leaf.ask) {
                Ok(value) => leaf.ask.on(subject.today).passes(value).into(),
                Err(_) => Answer::Undecided,
            },
            Self::Unfit(_) => Answer::Undecided,
            Self::Present => (!subject.record.archived).into(),
            Self::NoneOf(ids) => (!ids.contains(&subject.record.id)).into(),
        }
    }

    /// As one of the clauses of a filter, under the text of the whole of it.
    pub fn whole_clause(&self, text: &str, span: &Range<usize>, subject: &Subject<'_>) -> Clause {
        let answer = self.answer(subject);
        let value = if answer == Answer::Undecided { self.whys(subject).join(" ") } else { self.shown(subject) };
        let parts = self.operands().iter().map(|node| node.clause(subject)).collect();
        Clause { text: text.to_owned(), answer, value, span: span.clone(), parts }
    }

    fn operands(&self) -> &[Self] {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes,
            Self::Not(node) => std::slice::from_ref(node),
            Self::Leaf(_) | Self::Unfit(_) | Self::Present | Self::NoneOf(_) => &[],
        }
    }

    fn clause(&self, subject: &Subject<'_>) -> Clause {
        let answer = self.answer(subject);
        let parts: Vec<Clause> = self.operands().iter().map(|node| node.clause(subject)).collect();
        let (text, value, span) = match self {
            Self::Leaf(leaf) => (leaf.text.clone(), self.shown(subject), leaf.span.clone()),
            Self::Unfit(unfit) => (unfit.text.clone(), unfit.whys.join(" "), unfit.span.clone()),
            Self::Any(_) => ("any of".to_owned(), String::new(), whole(&parts)),
            Self::Not(_) => ("not".to_owned(), String::new(), whole(&parts)),
            Self::All(_) | Self::Present | Self::NoneOf(_) => ("all of".to_owned(), String::new(), whole(&parts)),
        };
        Clause { text, answer, value, span, parts }
    }

    /// The values it looks at.
    fn shown(&self, subject: &Subject<'_>) -> String {
        let mut seen: Vec<(&FieldName, String)> = Vec::new();
        self.each_test(&mut |test| {
            let field = test.field();
            if seen.iter().all(|(known, _)| *known != field) {
                seen.push((field, test.show(subject)));
            }
        });
        match seen.as_slice() {
            [(_, only)] => only.clone(),
            several => several.iter().map(|(field, value)| format!("{field}: {value}")).collect::<Vec<_>>().join(", "),
        }
    }

    pub fn each_test<'a>(&'a self, visit: &mut impl FnMut(Seen<'a>)) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.each_test(visit)),
            Self::Not(node) => node.each_test(visit),
            Self::Leaf(leaf) => visit(Seen::Leaf(leaf)),
            Self::Unfit(unfit) => visit(Seen::Unfit(unfit)),
            Self::Present | Self::NoneOf(_) => {}
        }
    }

    fn fix(&mut self, today: Date) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter_mut().for_each(|node| node.fix(today)),
            Self::Not(node) => node.fix(today),
            Self::Leaf(leaf) if leaf.ask.is_dated => {
                leaf.days = leaf.ask.days_in_words(today);
                leaf.ask = leaf.ask.on(today).into_owned();
            }
            Self::Leaf(_) | Self::Unfit(_) | Self::Present | Self::NoneOf(_) => {}
        }
    }

    pub fn leave_out(&mut self, why: &impl Fn(&FieldName) -> Option<String>) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter_mut().for_each(|node| node.leave_out(why)),
            Self::Not(node) => node.leave_out(why),
            Self::Leaf(leaf) => {
                if let Some(why) = why(&leaf.ask.field) {
                    let Leaf { text, span, ask, .. } = (**leaf).clone();
                    *self = Self::Unfit(Box::new(Unfit { text, span, field: ask.field, whys: vec![why] }));
                }
            }
            Self::Unfit(_) | Self::Present | Self::NoneOf(_) => {}
        }
    }

    /// Why it has no answer for a record; each sentence once.
    fn whys(&self, subject: &Subject<'_>) -> Vec<String> {
        let mut whys: Vec<String> = self.unfit().into_iter().map(str::to_owned).collect();
        self.each_test(&mut |test| {
            if let Seen::Leaf(leaf) = test
                && let Err(why) = subject.value(&leaf.ask)
                && !whys.contains(&why)
            {
                whys.push(why);
            }
        });
        whys
    }

    /// Why tests in it have no answer for any record; each sentence once.
    pub fn unfit(&self) -> Vec<&str> {
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

/// From the start of the first to the end of the last.
fn whole(parts: &[Clause]) -> Range<usize> {
    match (parts.first(), parts.last()) {
        (Some(first), Some(last)) => first.span.start..last.span.end,
        _ => 0..0,
    }
}

/// One test of a filter, whether it fits or not.
pub(super) enum Seen<'a> {
    Leaf(&'a Leaf),
    Unfit(&'a Unfit),
}

impl<'a> Seen<'a> {
    pub const fn field(&self) -> &'a FieldName {
        match self {
            Self::Leaf(leaf) => &leaf.ask.field,
            Self::Unfit(unfit) => &unfit.field,
        }
    }

    fn show(&self, subject: &Subject<'_>) -> String {
        match self {
            Self::Leaf(leaf) => {
                let shown = match subject.value(&leaf.ask) {
                    Ok(value) => leaf.ask.on(subject.today).show(value),
                    Err(why) => return why,
                };
                let days = leaf.ask.days_in_words(subject.today);
                std::iter::once(shown).chain(leaf.days.iter().cloned()).chain(days).collect::<Vec<_>>().join("; ")
            }
            Self::Unfit(unfit) => unfit.whys.join(" "),
        }
    }
}
