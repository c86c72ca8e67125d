//! What can come next while somebody types a filter: fields, operators, options.
//! Works on unfinished text; never fails.

use std::ops::Range;

use super::fields::{Askable, COMPANY};
use super::lex::{Token, is_word_part, lex_leniently};
use super::parse::is_reserved;
use super::print;
use crate::model::{FieldDef, FieldKind, FieldName};

/// One proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The text to put in place of `replace`.
    pub insert: String,
    /// What it is for people.
    pub label: String,
    /// The kind of a field, the internal value of an option; may be empty.
    pub detail: String,
    /// A field that takes part in the mapping.
    pub is_mapped: bool,
    /// What was typed of it so far, in bytes.
    pub replace: Range<usize>,
}

/// More options than anybody reads are cut off: typing narrows them.
const MOST: usize = 50;

/// Proposals for the place of the cursor (in bytes; moved back to the nearest character boundary), the best first: fields
/// that are `mapped` before others, then what begins with what was typed, what has it within, what has its letters in that
/// order.
#[must_use]
pub fn complete<'a>(
    text: &str,
    cursor: usize,
    fields: impl Into<Askable<'a>>,
    mapped: &[&FieldName],
) -> Vec<Completion> {
    let fields = fields.into();
    let mut cursor = cursor.min(text.len());
    while !text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let Some((before, start)) = split_typed(&text[..cursor]) else { return Vec::new() };
    let typed = text[start..cursor].trim_start_matches(['"', '\'', '`']).to_lowercase();
    let (tokens, error) = lex_leniently(before);
    if error.is_some() {
        return Vec::new();
    }
    let mut place = Place::Field;
    for placed in &tokens {
        place = place.after(&placed.token, &fields);
    }
    let proposals = place.proposals(&fields, mapped);
    let mut found: Vec<(Rank, Proposal)> =
        proposals.into_iter().filter_map(|proposal| Some((proposal.rank(&typed)?, proposal))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.truncate(MOST);
    // behind the quote or the bracket of what stands before, a word begins with a space
    let glued = start == cursor && before.ends_with(['"', '\'', '`', ')']);
    let spaced = |insert: String| {
        if glued && insert.starts_with(char::is_alphabetic) { format!(" {insert}") } else { insert }
    };
    found
        .into_iter()
        .map(|(_, proposal)| Completion {
            insert: spaced(proposal.insert),
            label: proposal.label,
            detail: proposal.detail,
            is_mapped: proposal.mapped.is_some(),
            replace: start..cursor,
        })
        .collect()
}

/// Days that move along, as far as somebody has to be told that there are any.
const DAYS: [&str; 8] = [
    "today",
    "today - 30 days",
    "today + 2 weeks",
    "this week",
    "this month",
    "last month",
    "this quarter",
    "this year",
];

/// What the end of an unfinished text stands in.
enum Ending {
    Plain,
    /// Of a text or name that begins there.
    Quote(usize),
    Comment,
}

/// What stands before the word, name or text that is being typed, and where that begins; none in a comment.
fn split_typed(text: &str) -> Option<(&str, usize)> {
    let line = text.rfind('\n').map_or(0, |at| at + 1);
    let start = match ending(&text[line..]) {
        Ending::Comment => return None,
        Ending::Quote(open) => line + open,
        Ending::Plain => {
            let typed = text.char_indices().rev().take_while(|(_, c)| is_word_part(*c)).last();
            typed.map_or(text.len(), |(at, _)| at)
        }
    };
    Some((&text[..start], start))
}

fn ending(line: &str) -> Ending {
    let mut open: Option<(usize, char)> = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match open {
            Some(_) if c == '\\' => drop(chars.next()),
            Some((_, quote)) if c == quote => open = None,
            None if c == '#' => return Ending::Comment,
            None if matches!(c, '"' | '\'' | '`') => open = Some((at, c)),
            _ => {}
        }
    }
    open.map_or(Ending::Plain, |(at, _)| Ending::Quote(at))
}

/// What the grammar expects.
#[derive(Clone)]
enum Place<'a> {
    Field,
    /// An operator for that field; none when the field is unknown.
    Operator(Option<&'a FieldDef>),
    /// The rest of `is`, `not`, `starts` …
    Rest(&'static [&'static str], Option<&'a FieldDef>),
    Value {
        field: Option<&'a FieldDef>,
        listed: bool,
    },
    /// A comma or the end of a list.
    Listed(Option<&'a FieldDef>),
    Connective,
}

impl<'a> Place<'a> {
    fn after(self, token: &Token, fields: &Askable<'a>) -> Self {
        let word = match token {
            Token::Word(word) => word.to_lowercase(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::Name(_) | Token::Literal(_) => String::new(),
            Token::End => return self,
        };
        match self {
            Self::Field => match token {
                Token::Word(name) if !is_reserved(name) => Self::Operator(fields.find(name).map(|found| found.def)),
                Token::Name(name) => Self::Operator(fields.find(name).map(|found| found.def)),
                _ => Self::Field,
            },
            Self::Operator(field) => match word.as_str() {
                "and" | "or" => Self::Field,
                ")" => Self::Connective,
                "is" => Self::Rest(&["empty", "not empty"], field),
                "not" => Self::Rest(&["in ("], field),
                "starts" | "ends" => Self::Rest(&["with"], field),
                "in" => Self::Value { field, listed: true },
                _ => Self::Value { field, listed: false },
            },
            Self::Rest(_, field) => match word.as_str() {
                "empty" => Self::Connective,
                "not" => Self::Rest(&["empty"], field),
                "in" => Self::Value { field, listed: true },
                _ => Self::Value { field, listed: false },
            },
            Self::Value { field, listed: true } if word == "(" => Self::Value { field, listed: true },
            Self::Value { field, listed: true } => Self::Listed(field),
            Self::Value { listed: false, .. } => Self::Connective,
            Self::Listed(field) if word == "," => Self::Value { field, listed: true },
            Self::Listed(_) if word == ")" => Self::Connective,
            Self::Listed(field) => Self::Listed(field),
            Self::Connective => match word.as_str() {
                "and" | "or" => Self::Field,
                _ => Self::Connective,
            },
        }
    }

    fn proposals(&self, fields: &Askable<'a>, mapped: &[&FieldName]) -> Vec<Proposal> {
        match self {
            Self::Field => {
                let own = fields.own.fields.iter().map(|field| Proposal::field(field, mapped));
                let company = fields.company.iter().flat_map(|company| &company.fields).map(Proposal::of_company);
                own.chain(Proposal::words(&["not", "("])).chain(company).collect()
            }
            Self::Operator(field) => {
                let alone = field.is_some_and(|field| field.kind == FieldKind::Bool);
                let mut found = Proposal::words(operators(*field));
                if alone {
                    found.extend(Proposal::words(&["and", "or"]));
                }
                found
            }
            Self::Rest(words, _) => Proposal::words(words),
            Self::Value { field: Some(field), .. } if field.kind == FieldKind::Bool => {
                Proposal::words(&["true", "false"])
            }
            Self::Value { field: Some(field), .. } if matches!(field.kind, FieldKind::Date | FieldKind::DateTime) => {
                Proposal::words(&DAYS)
            }
            Self::Value { field: Some(field), .. } => field.options.iter().map(Proposal::option).collect(),
            Self::Value { field: None, .. } => Vec::new(),
            Self::Listed(_) => Proposal::words(&[",", ")"]),
            Self::Connective => Proposal::words(&["and", "or"]),
        }
    }
}

const fn operators(field: Option<&FieldDef>) -> &'static [&'static str] {
    let Some(field) = field else { return &["=", "!=", "in (", "is empty", "is not empty"] };
    match field.kind {
        FieldKind::Number | FieldKind::Integer | FieldKind::Date | FieldKind::DateTime => {
            &["=", "!=", "<", "<=", ">", ">=", "in (", "not in (", "is empty", "is not empty"]
        }
        FieldKind::Bool => &["=", "!=", "is empty", "is not empty"],
        _ => &["=", "!=", "in (", "not in (", "contains", "starts with", "ends with", "is empty", "is not empty"],
    }
}

/// How well a proposal fits what was typed; the least is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    fit: Fit,
    /// The place of a mapped field among the mapped ones; others come after them.
    mapped: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// A field of the mapping that begins so, by its label or its name.
    Mapped,
    Label,
    Name,
    /// A word of the label begins so.
    Word,
    Within,
    /// The letters are there, in that order.
    Letters,
}

struct Proposal {
    insert: String,
    label: String,
    detail: String,
    /// Of a field: its place among the mapped ones.
    mapped: Option<usize>,
}

impl Proposal {
    fn field(field: &FieldDef, mapped: &[&FieldName]) -> Self {
        Self {
            insert: print::name(field.name.as_str()),
            label: field.label.clone(),
            detail: field.kind.word().to_owned(),
            mapped: mapped.iter().position(|name| **name == field.name),
        }
    }

    fn of_company(field: &FieldDef) -> Self {
        Self {
            insert: print::name(&format!("{COMPANY}{}", field.name)),
            label: field.label.clone(),
            detail: format!("{}, of its company", field.kind.word()),
            mapped: None,
        }
    }

    fn words(words: &[&str]) -> Vec<Self> {
        let word = |word: &&str| {
            let word = (*word).to_owned();
            Self { insert: word.clone(), label: word, detail: String::new(), mapped: None }
        };
        words.iter().map(word).collect()
    }

    /// By its label where that is one for people; two options of one label can't be told apart otherwise than by key.
    fn option(option: &crate::model::ChoiceOption) -> Self {
        let text = if option.label.trim().is_empty() { &option.key } else { &option.label };
        Self { insert: print::quoted(text, '"'), label: text.clone(), detail: option.key.clone(), mapped: None }
    }

    /// None where it does not fit at all.
    fn rank(&self, typed: &str) -> Option<Rank> {
        let name = self.insert.trim_start_matches(['"', '`']).to_lowercase();
        let label = self.label.to_lowercase();
        let fit = if label.starts_with(typed) {
            if self.mapped.is_some() { Fit::Mapped } else { Fit::Label }
        } else if name.starts_with(typed) {
            if self.mapped.is_some() { Fit::Mapped } else { Fit::Name }
        } else if label.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with(typed)) {
            Fit::Word
        } else if name.contains(typed) || label.contains(typed) || self.detail.to_lowercase().starts_with(typed) {
            Fit::Within
        } else if typed.chars().count() > 1 && (has_letters(&name, typed) || has_letters(&label, typed)) {
            Fit::Letters
        } else {
            return None;
        };
        Some(Rank { fit, mapped: self.mapped.unwrap_or(usize::MAX) })
    }
}

/// Whether the letters of `typed` stand in the text in that order, the first one at its start.
fn has_letters(text: &str, typed: &str) -> bool {
    let mut rest = text.chars();
    text.chars().next() == typed.chars().next() && typed.chars().all(|wanted| rest.any(|c| c == wanted))
}
