//! What becomes of a value on its way from one system to the other: steps, one after the other, before the value map and the
//! limits of the other system.
//!
//! Pure, and the same on every machine. Other fields of the same record may be looked at: a change of theirs is a change of
//! the value.

mod apply;
mod date;
pub mod setting;
mod template;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use apply::Transform;
pub use date::DateForm;
pub use template::Template;

use crate::model::{FieldName, System};
use crate::script::{self, Script};

/// The steps of a field mapping, by the system written to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transforms {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to_connectwise: Vec<Step>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to_hubspot: Vec<Step>,
}

impl Transforms {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.to_connectwise.is_empty() && self.to_hubspot.is_empty()
    }

    /// The steps of what is written to `system`.
    #[must_use]
    pub fn toward(&self, system: System) -> &[Step] {
        match system {
            System::HubSpot => &self.to_hubspot,
            System::ConnectWise => &self.to_connectwise,
        }
    }

    pub const fn toward_mut(&mut self, system: System) -> &mut Vec<Step> {
        match system {
            System::HubSpot => &mut self.to_hubspot,
            System::ConnectWise => &mut self.to_connectwise,
        }
    }

    /// The fields of `system`'s record that the steps of what is taken from it look at, beside the mapped one.
    pub fn reads(&self, system: System) -> impl Iterator<Item = FieldName> {
        self.toward(system.other()).iter().flat_map(Step::reads)
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// No white space at the ends, and single spaces between words.
    Trim,
    Case(Case),
    /// The digits, a leading `+`, and an extension behind `x`.
    Phone,
    /// A text in this form becomes a date, and a date becomes a text in it: `DD.MM.YYYY`.
    Date(String),
    /// A number with at most so many decimals, half of the last one rounded up.
    Number(u32),
    Split(Split),
    Join(Join),
    /// A text with the fields of the record in braces, and `{value}`; empty where all of them are.
    Template(String),
    /// What stands where there is no value.
    Default(String),
    /// A JavaScript expression of `value` and of the fields of `record`.
    Script(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    Upper,
    Lower,
    /// The first letter of each word, and of each part of a name with a hyphen.
    Title,
}

/// One part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// What stands between two parts.
    pub at: String,
    /// From 1; from the end where it is negative: -1 is the last one. There is no part 0.
    pub part: i32,
}

/// Several fields of the record in one text, without the empty ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// What is put between two of them.
    #[serde(default)]
    pub with: String,
    /// In order; `value` is what came of the steps before.
    pub fields: Vec<FieldName>,
}

/// In joins and templates: what came of the steps before.
pub const VALUE: &str = "value";

/// The most decimals of a number.
pub const MAX_DECIMALS: u32 = 15;

/// The most steps of one direction.
pub const MAX_STEPS: usize = 20;

/// The longest text of a step, in bytes.
pub const MAX_TEXT: usize = 4_096;

impl Step {
    /// The fields of the record that it looks at, beside the mapped one.
    #[must_use]
    pub fn reads(&self) -> Vec<FieldName> {
        match self {
            Self::Join(join) => join.fields.iter().filter(|name| name.as_str() != VALUE).cloned().collect(),
            Self::Template(text) => Template::read(text).map(|template| template.fields()).unwrap_or_default(),
            Self::Script(source) => script::fields(source).map(FieldName::from).collect(),
            _ => Vec::new(),
        }
    }

    /// What keeps the step from being one, in a sentence.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        let short = |text: &str| match text.len() <= MAX_TEXT {
            true => Ok(()),
            false => Err(format!("Its text has {} bytes; {MAX_TEXT} are allowed.", text.len())),
        };
        match self {
            Self::Trim | Self::Case(_) | Self::Phone => Ok(()),
            Self::Number(decimals) if *decimals > MAX_DECIMALS => {
                Err(format!("A number has at most {MAX_DECIMALS} decimals."))
            }
            Self::Number(_) => Ok(()),
            Self::Date(form) => short(form).and_then(|()| DateForm::read(form).map(drop)),
            Self::Split(Split { at, .. }) if at.is_empty() => Err("It does not say where to split.".to_owned()),
            Self::Split(Split { part: 0, .. }) => {
                Err("Parts are counted from 1, or from -1 at the end; there is no part 0.".to_owned())
            }
            Self::Split(split) => short(&split.at),
            Self::Join(join) if join.fields.is_empty() => Err("It names no fields to join.".to_owned()),
            Self::Join(join) => short(&join.with),
            Self::Template(text) => short(text).and_then(|()| Template::read(text).map(drop)),
            Self::Default(text) if text.trim().is_empty() => Err("An empty default changes nothing.".to_owned()),
            Self::Default(text) => short(text),
            Self::Script(source) => {
                Script::compile(source).map(drop).map_err(|error| format!("It can't be read: {error}."))
            }
        }
    }

    /// Its word in a configuration file.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Trim => "trim",
            Self::Case(_) => "case",
            Self::Phone => "phone",
            Self::Date(_) => "date",
            Self::Number(_) => "number",
            Self::Split(_) => "split",
            Self::Join(_) => "join",
            Self::Template(_) => "template",
            Self::Default(_) => "default",
            Self::Script(_) => "script",
        }
    }
}

impl Case {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Upper => "upper",
            Self::Lower => "lower",
            Self::Title => "title",
        }
    }
}

/// The beginning of a script.
fn on_one_line(source: &str) -> String {
    const MOST: usize = 60;
    let words: Vec<&str> = source.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= MOST { line } else { line.chars().take(MOST - 2).chain(" …".chars()).collect() }
}

/// For people, on one line.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trim | Self::Phone => f.write_str(self.word()),
            Self::Case(case) => write!(f, "{} case", case.word()),
            Self::Date(form) => write!(f, "date {form}"),
            Self::Number(0) => f.write_str("whole number"),
            Self::Number(decimals) => write!(f, "{decimals} decimals"),
            Self::Split(Split { at, part }) => write!(f, "part {part} at \"{at}\""),
            Self::Join(Join { with, fields }) => {
                let names: Vec<&str> = fields.iter().map(FieldName::as_str).collect();
                write!(f, "join {} with \"{with}\"", names.join(", "))
            }
            Self::Template(text) => write!(f, "template \"{text}\""),
            Self::Default(text) => write!(f, "default \"{text}\""),
            Self::Script(source) => write!(f, "script {}", on_one_line(source)),
        }
    }
}
