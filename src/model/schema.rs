//! What a system says its fields are.

use serde::{Deserialize, Serialize};

use super::{FieldName, ObjectKind, System};

/// What a field can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One line.
    Text,
    /// Several lines.
    LongText,
    /// Several lines with markup in HubSpot, which are plain text in ConnectWise.
    RichText,
    Phone,
    /// The address of a page.
    Url,
    /// A host name; a web address stands for its host.
    Domain,
    /// An e-mail address; case does not matter.
    Email,
    Number,
    Integer,
    Bool,
    Date,
    DateTime,
    /// One of the field's options, or a reference to a row of another table.
    Choice,
    /// Several of the field's options.
    MultiChoice,
    /// A person: a HubSpot owner or a ConnectWise member.
    Person,
    /// A record of another object that is synced itself, by its id: the company of a contact. It has no options.
    Reference(ObjectKind),
}

impl FieldKind {
    /// Every kind of value; references are none, their ids are never compared.
    pub const VALUES: [Self; 15] = [
        Self::Text,
        Self::LongText,
        Self::RichText,
        Self::Phone,
        Self::Url,
        Self::Domain,
        Self::Email,
        Self::Number,
        Self::Integer,
        Self::Bool,
        Self::Date,
        Self::DateTime,
        Self::Choice,
        Self::MultiChoice,
        Self::Person,
    ];

    /// A word of at most ten letters for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LongText => "long text",
            Self::RichText => "rich text",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Domain => "domain",
            Self::Email => "e-mail",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Bool => "yes/no",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Choice => "choice",
            Self::MultiChoice => "choices",
            Self::Person => "person",
            Self::Reference(_) => "record",
        }
    }

    /// Whether values are keys of options.
    #[must_use]
    pub const fn has_options(self) -> bool {
        matches!(self, Self::Choice | Self::MultiChoice | Self::Person)
    }
}

/// What it means for a deal, an opportunity or a ticket to stand at a stage or to have a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageOutcome {
    Open,
    Won,
    Lost,
    /// Ended, neither won nor lost.
    Closed,
}

/// One option of a choice; for a person, the e-mail address is the match key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChoiceOption {
    /// HubSpot's internal value or owner id; the row id in ConnectWise.
    pub key: String,
    pub label: String,
    /// Hidden in HubSpot, inactive in ConnectWise: can be read, should not be written.
    pub inactive: bool,
    /// The address of an owner or member, lower-case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The short name by which a member of ConnectWise logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The key of the option it belongs to in another field: a stage's pipeline, a ticket status's board. It can be
    /// chosen only beside that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// For stages and statuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<StageOutcome>,
}

/// One field of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDef {
    pub name: FieldName,
    pub label: String,
    pub kind: FieldKind,
    pub read_only: bool,
    /// A create without it is refused.
    pub required: bool,
    pub unique: bool,
    /// In characters.
    pub max_length: Option<u32>,
    /// Added by the customer, not part of the product.
    pub custom: bool,
    #[serde(default)]
    pub options: Vec<ChoiceOption>,
}

impl FieldDef {
    /// The label of an option, where the field has it.
    #[must_use]
    pub fn option_label(&self, key: &str) -> Option<&str> {
        self.options.iter().find(|option| option.key == key).map(|option| option.label.as_str())
    }
}

/// All fields of one object in one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    pub system: System,
    pub object: ObjectKind,
    /// Sorted by name.
    pub fields: Vec<FieldDef>,
}

/// That a system has no such field, in the words in which every part of Lockstep says it.
#[must_use]
pub fn no_such_field(system: System, object: ObjectKind, name: &str) -> String {
    format!("{system} has no {object} field `{name}`.")
}

impl Schema {
    /// Whether it is known that there is no field of that name. A schema without fields was never read: of it nothing is
    /// known.
    #[must_use]
    pub fn lacks(&self, name: &str) -> bool {
        !self.fields.is_empty() && self.field(name).is_none()
    }

    /// That it has no such field, as a sentence.
    #[must_use]
    pub fn lack(&self, name: &str) -> String {
        no_such_field(self.system, self.object, name)
    }

    /// The field of that exact name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&FieldDef> {
        self.fields.binary_search_by(|field| field.name.as_str().cmp(name)).ok().map(|at| &self.fields[at])
    }
}
