//! The setting of a step as text, for whoever writes one: a template, a script, or the keys of a table.

use serde::de::DeserializeOwned;

use super::{Case, Step, VALUE};
use crate::model::FieldName;

/// A step that can be chosen, with a setting to begin from.
pub struct Offered {
    pub step: Step,
    pub doc: &'static str,
}

/// Every kind of step; `own` is the mapped field, `other` another one of the record.
#[must_use]
pub fn offered(own: &FieldName, other: &FieldName) -> Vec<Offered> {
    use super::{Join, Split};
    let offer = |step, doc| Offered { step, doc };
    vec![
        offer(Step::Trim, "No white space at the ends, single spaces between words"),
        offer(Step::Case(Case::Upper), "Large letters, small ones, or the first of each word large"),
        offer(Step::Phone, "The digits, a leading + and an extension"),
        offer(Step::Date("DD.MM.YYYY".to_owned()), "A text in a form becomes a date, a date a text in it"),
        offer(Step::Number(2), "A number with so many decimals"),
        offer(Step::Split(Split { at: " ".to_owned(), part: 1 }), "One part of a text"),
        offer(
            Step::Join(Join { with: " ".to_owned(), fields: vec![own.clone(), other.clone()] }),
            "Several fields of the record in one text",
        ),
        offer(Step::Template(format!("{{{VALUE}}}")), "A text with fields of the record in braces"),
        offer(Step::Default("unknown".to_owned()), "What stands where there is no value"),
        offer(Step::Script(VALUE.to_owned()), "A JavaScript expression of value and record"),
    ]
}

impl Step {
    /// Its setting as a person writes it; none where it has none.
    #[must_use]
    pub fn setting(&self) -> Option<String> {
        match self {
            Self::Trim | Self::Phone => None,
            Self::Case(case) => Some(case.word().to_owned()),
            Self::Number(decimals) => Some(decimals.to_string()),
            Self::Split(split) => toml::to_string(split).ok(),
            Self::Join(join) => toml::to_string(join).ok(),
            Self::Date(text) | Self::Template(text) | Self::Default(text) | Self::Script(text) => Some(text.clone()),
        }
    }

    /// The same step with that setting.
    ///
    /// # Errors
    /// Why that is none, as a sentence.
    pub fn with_setting(&self, text: &str) -> Result<Self, String> {
        let step = match self {
            Self::Trim | Self::Phone => self.clone(),
            Self::Case(_) => Self::Case(match text.trim() {
                "upper" => Case::Upper,
                "lower" => Case::Lower,
                "title" => Case::Title,
                _ => return Err("Write upper, lower or title.".to_owned()),
            }),
            Self::Number(_) => {
                Self::Number(text.trim().parse().map_err(|_| "Write how many decimals, from 0.".to_owned())?)
            }
            Self::Split(_) => Self::Split(table(text)?),
            Self::Join(_) => Self::Join(table(text)?),
            Self::Date(_) => Self::Date(text.trim().to_owned()),
            Self::Template(_) => Self::Template(text.to_owned()),
            Self::Default(_) => Self::Default(text.to_owned()),
            Self::Script(_) => Self::Script(text.to_owned()),
        };
        step.check().map(|()| step)
    }

    /// What a setting of this step looks like, for who writes it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Trim | Self::Phone => "",
            Self::Case(_) => "upper, lower or title",
            Self::Number(_) => "how many decimals",
            Self::Split(_) => "at: what stands between parts; part: 1 is the first, -1 the last",
            Self::Join(_) => "with: what is put between; fields: their names, and \"value\"",
            Self::Date(_) => "D or DD, M or MM, YYYY, and signs between them",
            Self::Template(_) => "fields of the record in braces; {value} is what the steps before made",
            Self::Default(_) => "stands where the value is empty",
            Self::Script(_) => "an expression of value and record.FIELD, or (value, record) => { … }",
        }
    }
}

fn table<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
        format!("Line {line}: {}.", error.message().lines().next().unwrap_or_default())
    })
}
