//! The configuration as data: exactly what the TOML file says, and what a deployed version stores.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::transform::Transforms;
use crate::model::{BySystem, FieldKind, FieldName, ObjectKind, System};

/// Everything a workspace syncs, and how. One version of it is deployed at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub guards: Guards,
    #[serde(default)]
    pub timing: Timing,
    #[serde(rename = "object")]
    pub objects: Vec<ObjectMapping>,
}

impl Config {
    #[must_use]
    pub fn object(&self, kind: ObjectKind) -> Option<&ObjectMapping> {
        self.objects.iter().find(|object| object.object == kind)
    }

    pub fn object_mut(&mut self, kind: ObjectKind) -> Option<&mut ObjectMapping> {
        self.objects.iter_mut().find(|object| object.object == kind)
    }
}

/// One HubSpot object paired with one ConnectWise object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectMapping {
    pub object: ObjectKind,
    /// Overrides the direction of every field without losing it.
    #[serde(default)]
    pub direction: Direction,
    #[serde(default)]
    pub create: CreatePolicy,
    /// What wins where a field does not say: used when both sides changed.
    #[serde(default)]
    pub conflict_tie: ConflictTie,
    /// The HubSpot property with unique values that carries the key of the ConnectWise record.
    pub hubspot_stamp: FieldName,
    /// The ConnectWise field that carries the key of the HubSpot record; written only when a record is created. None where
    /// none is made there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connectwise_stamp: Option<FieldName>,
    /// Ids of the ConnectWise activity types that are this kind of activity; the first is given to new records. Where no
    /// object of the configuration names any, every activity is a task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activity_types: Vec<u64>,
    /// The id of the ConnectWise activity status of new records to which no field mapping gives one: a note has none in
    /// HubSpot. Without it the tenant's default counts, which is an open one as a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_status: Option<u64>,
    #[serde(default)]
    pub filters: Filters,
    #[serde(default)]
    pub exclude: Exclusions,
    /// Tried in order when a record has no partner; the first with a candidate decides.
    #[serde(rename = "match", default)]
    pub matching: Vec<MatchRule>,
    #[serde(rename = "field", default)]
    pub fields: Vec<FieldMapping>,
}

impl ObjectMapping {
    /// The field of `system` that carries the key of the counterpart.
    #[must_use]
    pub const fn stamp(&self, system: System) -> Option<&FieldName> {
        match system {
            System::HubSpot => Some(&self.hubspot_stamp),
            System::ConnectWise => self.connectwise_stamp.as_ref(),
        }
    }

    /// Whether records are made in `system`.
    #[must_use]
    pub const fn creates_in(&self, system: System) -> bool {
        self.direction.writes(system) && self.create.allows(system)
    }
}

/// Which way values may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    #[default]
    Both,
    ToConnectwise,
    ToHubspot,
}

impl Direction {
    /// Whether values may be written to `system`.
    #[must_use]
    pub const fn writes(self, system: System) -> bool {
        matches!(
            (self, system),
            (Self::Both, _) | (Self::ToConnectwise, System::ConnectWise) | (Self::ToHubspot, System::HubSpot)
        )
    }

    /// The direction that is left when `self` is restricted by `other`; none when nothing is.
    #[must_use]
    pub const fn restricted_by(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Both, d) | (d, Self::Both) => Some(d),
            (Self::ToConnectwise, Self::ToConnectwise) | (Self::ToHubspot, Self::ToHubspot) => Some(self),
            _ => None,
        }
    }

    /// `↔`, `→` or `←`, HubSpot on the left.
    #[must_use]
    pub const fn arrow(self) -> &'static str {
        match self {
            Self::Both => "↔",
            Self::ToConnectwise => "→",
            Self::ToHubspot => "←",
        }
    }
}

/// In which systems missing records are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreatePolicy {
    pub hubspot: bool,
    pub connectwise: bool,
}

impl Default for CreatePolicy {
    fn default() -> Self {
        Self { hubspot: true, connectwise: true }
    }
}

impl CreatePolicy {
    #[must_use]
    pub const fn allows(self, system: System) -> bool {
        match system {
            System::HubSpot => self.hubspot,
            System::ConnectWise => self.connectwise,
        }
    }
}

/// Who wins when `latest` cannot tell because both changed within the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConflictTie {
    #[default]
    HubSpot,
    ConnectWise,
}

impl ConflictTie {
    #[must_use]
    pub const fn system(self) -> System {
        match self {
            Self::HubSpot => System::HubSpot,
            Self::ConnectWise => System::ConnectWise,
        }
    }
}

/// The person's own criteria, as text, one expression for each direction. Empty: everything passes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Which HubSpot records go to ConnectWise.
    #[serde(default)]
    pub to_connectwise: String,
    /// Which ConnectWise records go to HubSpot.
    #[serde(default)]
    pub to_hubspot: String,
    /// What the criteria can't say: JavaScript expressions that give `true` for what goes.
    #[serde(default, skip_serializing_if = "FilterScripts::is_empty")]
    pub script: FilterScripts,
}

/// A JavaScript predicate for each direction, as text. Empty: everything passes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterScripts {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to_connectwise: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to_hubspot: String,
}

impl FilterScripts {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to_connectwise.trim().is_empty() && self.to_hubspot.trim().is_empty()
    }

    /// The predicate for writes to `system`, of the record of the other one; none where everything passes.
    #[must_use]
    pub fn toward(&self, system: System) -> Option<&str> {
        let text = match system {
            System::HubSpot => &self.to_hubspot,
            System::ConnectWise => &self.to_connectwise,
        };
        (!text.trim().is_empty()).then_some(text)
    }
}

impl Filters {
    /// The criteria for writes to `system`; they look at the record of the other one.
    #[must_use]
    pub fn toward(&self, system: System) -> &str {
        match system {
            System::HubSpot => &self.to_hubspot,
            System::ConnectWise => &self.to_connectwise,
        }
    }
}

/// Records that never take part, such as the tenant's own company and the catch-all company.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusions {
    #[serde(default)]
    pub hubspot: Vec<u64>,
    #[serde(default)]
    pub connectwise: Vec<u64>,
}

/// How a record without a partner finds one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchRule {
    pub hubspot: FieldName,
    pub connectwise: FieldName,
    /// How both values are made comparable.
    #[serde(rename = "by", default)]
    pub by: MatchBy,
}

impl MatchRule {
    /// `domain = website`.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("{} = {}", self.hubspot, self.connectwise)
    }

    #[must_use]
    pub const fn field(&self, system: System) -> &FieldName {
        match system {
            System::HubSpot => &self.hubspot,
            System::ConnectWise => &self.connectwise,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchBy {
    /// Same text, apart from case and white space.
    #[default]
    Text,
    /// Same host of a web address, without `www.`.
    Host,
    /// Same digits.
    Digits,
    /// Same text of records that belong to the same company: `Renewal` is the name of many deals. Of line items those of
    /// the same deal, of activities those of the same day.
    CompanyText,
}

/// Names a field mapping by its two fields, as `phone~phoneNumber`. Stays the same over configuration versions.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldKey(std::sync::Arc<str>);

impl FieldKey {
    #[must_use]
    pub fn new(hubspot: &FieldName, connectwise: &FieldName) -> Self {
        Self(format!("{hubspot}~{connectwise}").into())
    }

    /// Reads a key as stored. Any text is a key; one that no mapping has simply finds nothing.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FieldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for FieldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One HubSpot property paired with one ConnectWise field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldMapping {
    pub hubspot: FieldName,
    pub connectwise: FieldName,
    /// As what the two are compared; a reference names its object: `record:company`.
    #[serde(with = "kind_word")]
    pub kind: FieldKind,
    #[serde(default)]
    pub direction: Direction,
    #[serde(default)]
    pub wins: SystemOfRecord,
    #[serde(default)]
    pub empty: ClearPolicy,
    #[serde(default)]
    pub overflow: Overflow,
    /// In characters, where the system limits it.
    #[serde(default, skip_serializing_if = "is_unlimited")]
    pub max_length: BySystem<Option<u32>>,
    /// Used for a create when the source has no value, or one without a partner that the value map skips; and for every value
    /// without a partner where the value map says so. As the target writes it.
    #[serde(default, skip_serializing_if = "Defaults::is_none")]
    pub default: Defaults,
    /// What becomes of a value before the value map and the limits of the system that it is written to.
    #[serde(default, skip_serializing_if = "Transforms::is_empty")]
    pub transform: Transforms,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<ValueMap>,
}

/// What stands before the object in the word of a reference.
pub const RECORD: &str = "record:";

/// A field's kind as one word.
mod kind_word {
    use serde::de::value::{Error as WordError, StrDeserializer};
    use serde::de::{Error as _, IntoDeserializer as _};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::RECORD;
    use crate::model::FieldKind;

    pub fn serialize<S: Serializer>(kind: &FieldKind, serializer: S) -> Result<S::Ok, S::Error> {
        match kind {
            FieldKind::Reference(object) => serializer.collect_str(&format_args!("{RECORD}{}", object.key())),
            word => word.serialize(serializer),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FieldKind, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Some(object) = text.strip_prefix(RECORD) {
            return object.parse().map(FieldKind::Reference).map_err(D::Error::custom);
        }
        let word: StrDeserializer<'_, WordError> = text.as_str().into_deserializer();
        FieldKind::deserialize(word).map_err(D::Error::custom)
    }
}

fn is_unlimited(limits: &BySystem<Option<u32>>) -> bool {
    limits.hubspot.is_none() && limits.connectwise.is_none()
}

impl FieldMapping {
    #[must_use]
    pub fn key(&self) -> FieldKey {
        FieldKey::new(&self.hubspot, &self.connectwise)
    }

    #[must_use]
    pub const fn field(&self, system: System) -> &FieldName {
        match system {
            System::HubSpot => &self.hubspot,
            System::ConnectWise => &self.connectwise,
        }
    }
}

/// Who wins where both sides hold a value and they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SystemOfRecord {
    HubSpot,
    ConnectWise,
    /// The most recently modified record.
    #[default]
    Latest,
    /// Hold for a person.
    Ask,
}

impl SystemOfRecord {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::HubSpot => "HubSpot",
            Self::ConnectWise => "ConnectWise",
            Self::Latest => "latest",
            Self::Ask => "ask",
        }
    }
}

/// What an empty value does to a full one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClearPolicy {
    /// It is filled from the other side.
    #[default]
    Fill,
    /// Emptiness is a value like any other, and crosses.
    Clear,
}

/// What happens to a text that the other side has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overflow {
    /// The field waits for a person; the rest of the record goes on.
    #[default]
    Hold,
    /// It is cut at the limit.
    Cut,
}

/// Values for a create when the source has none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hubspot: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connectwise: Option<String>,
}

impl Defaults {
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.hubspot.is_none() && self.connectwise.is_none()
    }

    #[must_use]
    pub fn of(&self, system: System) -> Option<&str> {
        match system {
            System::HubSpot => self.hubspot.as_deref(),
            System::ConnectWise => self.connectwise.as_deref(),
        }
    }
}

/// Which option of one system stands for which of the other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueMap {
    /// Pairs found by themselves, beside the listed ones, which come first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto: Option<AutoPairs>,
    #[serde(default)]
    pub unmapped: Unmapped,
    /// Where one system holds several options and the other a single one: the keys of the several in the order in which they
    /// count, the first one that a record has. Values go from the several to the one only. Empty where each side holds as many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub priority: Vec<String>,
    /// In order: where several have the same value on one side, the first is used for the way back.
    #[serde(rename = "pair", default)]
    pub pairs: Vec<ValuePair>,
}

/// How pairs are found from the options of both systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AutoPairs {
    /// Options with the same label, apart from case; a plain text on the other side stands for the label.
    Label,
    /// Owners and members with the same e-mail address.
    Email,
}

/// What happens to a value without a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unmapped {
    /// The field waits for a person.
    #[default]
    Hold,
    /// It is taken for the default of the mapping in the system that is written to; where that names none, the field waits.
    Default,
    /// The field is left alone on the other side.
    Skip,
}

impl Unmapped {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hold => "held",
            Self::Default => "default",
            Self::Skip => "skipped",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValuePair {
    /// HubSpot's internal value.
    pub hubspot: String,
    /// The id of the ConnectWise row, or `label:` and its name, which is looked up in the schema.
    pub connectwise: String,
}

/// What a run may do before a person must approve it. Each limit is the larger of the number and the share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    pub creates: Ceiling,
    pub updates: Ceiling,
    /// Fields emptied.
    pub clears: Ceiling,
    /// Records that would belong to another record than before.
    pub references: Ceiling,
    /// Records of which one and the same value would replace what they have in a field.
    pub same_value: Ceiling,
    /// Where more records than these are known, a list of all records that shows none is not believed.
    pub vanished: u64,
}

/// A number, and a share of the live links in percent; the larger counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    pub count: u64,
    pub percent: u64,
}

impl Ceiling {
    /// The highest number that passes where there are `live` links.
    #[must_use]
    pub const fn limit(self, live: u64) -> u64 {
        let share = live.saturating_mul(self.percent) / 100;
        if share > self.count { share } else { self.count }
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            creates: Ceiling { count: 500, percent: 30 },
            updates: Ceiling { count: 500, percent: 20 },
            clears: Ceiling { count: 50, percent: 2 },
            references: Ceiling { count: 50, percent: 5 },
            same_value: Ceiling { count: 100, percent: 5 },
            vanished: 20,
        }
    }
}

/// The engine's clockwork, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// Between the ends of two looks at both systems.
    pub poll: u64,
    /// How far the settled pass trails: more than the search index ever lags.
    pub index_lag: u64,
    /// Between two settled passes, of either system.
    ///
    /// In ConnectWise, too, though its list has no index that lags. A change may show there long after the time it bears, when
    /// what made it took its time; one that shows later than the hot feed looks back comes with the next of these passes, and
    /// forecast items that changed without a word are found by them within the time for which forecasts are remembered. A pass
    /// an hour with a look back of a day would save 264 calls a day and object where nothing happens, of the 1,728 that the
    /// feeds make and of the 1,000 a minute that ConnectWise takes. But it would read each change two dozen times instead of
    /// once, and a change that showed late would be late by an hour more.
    pub settled: u64,
    /// Between two readings of everything.
    pub sweep: u64,
    /// How long a request may live after it was sent, at most. Writes whose fate is unknown wait so long.
    pub flight: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self { poll: 60, index_lag: 1200, settled: 300, sweep: 86_400, flight: 180 }
    }
}
