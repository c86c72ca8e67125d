//! The columns of the sheets: their titles, and the settings that they hold.

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub title: &'static str,
    pub holds: Holds,
    /// In letters.
    pub width: u8,
    /// What to write; shown as a list where a program can.
    pub choices: &'static [&'static str],
}

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// What the row was when it was written. Empty in a new row.
    Key,
    /// A setting by its path, as in a configuration file; a text.
    Text(&'static str),
    /// The same; a whole number.
    Number(&'static str),
    /// All settings that have no column, as lines of a configuration file.
    Others,
    /// A mark by which the row is removed.
    Remove,
    /// For people; it is not read.
    Shown,
}

impl Holds {
    pub const fn path(self) -> Option<&'static str> {
        match self {
            Self::Text(path) | Self::Number(path) => Some(path),
            Self::Key | Self::Others | Self::Remove | Self::Shown => None,
        }
    }
}

const fn column(title: &'static str, holds: Holds, width: u8) -> Column {
    Column { title, holds, width, choices: &[] }
}

const fn choice(title: &'static str, holds: Holds, width: u8, choices: &'static [&'static str]) -> Column {
    Column { title, holds, width, choices }
}

pub const KEY: &str = "key";
pub const HUBSPOT_FIELD: &str = "HubSpot field";
pub const CONNECTWISE_FIELD: &str = "ConnectWise field";
pub const HUBSPOT_LABEL: &str = "HubSpot label";
pub const CONNECTWISE_LABEL: &str = "ConnectWise label";
pub const HUBSPOT_TYPE: &str = "HubSpot type";
pub const CONNECTWISE_TYPE: &str = "ConnectWise type";
pub const HUBSPOT_VALUE: &str = "HubSpot value";
pub const CONNECTWISE_VALUE: &str = "ConnectWise value";
pub const OTHERS: &str = "other settings";
pub const REMOVE: &str = "remove";
pub const OBJECT: &str = "object";
pub const TO: &str = "to";
pub const FILTER: &str = "filter";
pub const IN_WORDS: &str = "in words";
/// How the titles of columns with samples begin.
pub const SAMPLE: &str = "sample";

/// Of the field mappings of an object.
pub const FIELDS: [Column; 20] = [
    column(KEY, Holds::Key, 10),
    column(HUBSPOT_LABEL, Holds::Shown, 24),
    column(HUBSPOT_FIELD, Holds::Text("hubspot"), 24),
    column(HUBSPOT_TYPE, Holds::Shown, 12),
    choice("direction", Holds::Text("direction"), 15, &["both", "to_connectwise", "to_hubspot"]),
    column(CONNECTWISE_LABEL, Holds::Shown, 24),
    column(CONNECTWISE_FIELD, Holds::Text("connectwise"), 24),
    column(CONNECTWISE_TYPE, Holds::Shown, 12),
    column("compared as", Holds::Text("kind"), 13),
    choice("wins", Holds::Text("wins"), 13, &["latest", "hubspot", "connectwise", "ask"]),
    choice("empty value", Holds::Text("empty"), 12, &["fill", "clear"]),
    choice("too long", Holds::Text("overflow"), 10, &["hold", "cut"]),
    column("length in HubSpot", Holds::Number("max_length.hubspot"), 10),
    column("length in ConnectWise", Holds::Number("max_length.connectwise"), 10),
    column("default in HubSpot", Holds::Text("default.hubspot"), 18),
    column("default in ConnectWise", Holds::Text("default.connectwise"), 18),
    choice("pairs found by", Holds::Text("values.auto"), 14, &["label", "email"]),
    column("value without partner", Holds::Text("values.unmapped"), 14),
    column(OTHERS, Holds::Others, 30),
    column(REMOVE, Holds::Remove, 8),
];

/// Of the pairs of an object's value maps.
pub const PAIRS: [Column; 8] = [
    column(KEY, Holds::Key, 10),
    column(HUBSPOT_FIELD, Holds::Text(HUBSPOT_FIELD), 24),
    column(CONNECTWISE_FIELD, Holds::Text(CONNECTWISE_FIELD), 24),
    column(HUBSPOT_LABEL, Holds::Shown, 30),
    column(HUBSPOT_VALUE, Holds::Text("hubspot"), 30),
    column(CONNECTWISE_LABEL, Holds::Shown, 30),
    column(CONNECTWISE_VALUE, Holds::Text("connectwise"), 30),
    column(REMOVE, Holds::Remove, 8),
];

/// Of all filters.
pub const FILTER_COLUMNS: [Column; 4] = [
    column(OBJECT, Holds::Text(OBJECT), 14),
    choice(TO, Holds::Text(TO), 14, &["ConnectWise", "HubSpot"]),
    column(FILTER, Holds::Text(FILTER), 60),
    column(IN_WORDS, Holds::Shown, 60),
];
