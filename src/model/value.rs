//! What a field holds.

use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The value of one field in one system.
///
/// As observed, HubSpot values are always `Text` or `Empty` (its API speaks strings only) and ConnectWise values are
/// `Text`, `Number`, `Bool`, `Choice` (a reference, by its id) or `Empty`. Normalising by the field mapping's kind
/// (`mapping::normalise`) turns them into the typed value that comparisons use.
/// A missing member, JSON null, `""` and white space alone are all `Empty`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    #[default]
    Empty,
    Text(String),
    Number(Decimal),
    Bool(bool),
    /// A calendar date; no time zone ever shifts it.
    Date(Date),
    DateTime(Timestamp),
    /// An option, by its internal value (HubSpot) or the id of the referenced row (ConnectWise).
    Choice(String),
    /// Several options, sorted and without repeats.
    Choices(Vec<String>),
}

impl Value {
    /// Text, or `Empty` where nothing but white space is left.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.trim().is_empty() { Self::Empty } else { Self::Text(text) }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// The value as plain text, for hashing keys, scripts and files. `Empty` gives `""`.
    #[must_use]
    pub fn to_plain(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Choice(text) => text.clone(),
            Self::Number(number) => number.normalize().to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Date(date) => date.to_string(),
            Self::DateTime(time) => time.to_rfc3339(),
            Self::Choices(keys) => keys.join(";"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_plain())
    }
}
