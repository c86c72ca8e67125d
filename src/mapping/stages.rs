//! Where a deal or a ticket stands, one stage in HubSpot and two members together in ConnectWise; and whether an activity is
//! done.
//!
//! What HubSpot says by the stage of a pipeline, ConnectWise says by two members of the record: a stage and a status of an
//! opportunity, a board and a status of a ticket. So the two are one field here, `stage/status` or `board/status`, whose
//! value is both ids with a slash between: `3/1`. How the values of the two systems belong together differs: see `deals`,
//! `tickets` and `done`.

mod deals;
mod done;
mod labels;
mod tickets;

use std::collections::BTreeMap;

use super::FieldMapping;
use crate::model::{BySystem, ChoiceOption, ObjectKind, Schema, StageOutcome, System};
use deals::Deals;
use done::Done;
use labels::Labels;
use tickets::Tickets;

/// An opportunity's stage and status as one field.
pub const STAGE_AND_STATUS: &str = "stage/status";
/// A service ticket's board and status as one field.
pub const BOARD_AND_STATUS: &str = "board/status";
/// More options than this are not listed: nobody would read them.
const MOST_OPTIONS: usize = 2000;
/// What stands between the names of the two.
const BETWEEN: &str = " · ";

/// The two members of a ConnectWise record that are one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Opportunity,
    Ticket,
}

impl Standing {
    /// Where records of that object stand, for those that stand somewhere.
    #[must_use]
    pub const fn of(object: ObjectKind) -> Option<Self> {
        match object {
            ObjectKind::Deal => Some(Self::Opportunity),
            ObjectKind::Ticket => Some(Self::Ticket),
            _ => None,
        }
    }

    /// The name of the two as one field.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Opportunity => STAGE_AND_STATUS,
            Self::Ticket => BOARD_AND_STATUS,
        }
    }

    /// The two, in the order in which a value names them.
    #[must_use]
    pub const fn members(self) -> [&'static str; 2] {
        match self {
            Self::Opportunity => ["stage", "status"],
            Self::Ticket => ["board", "status"],
        }
    }

    /// The property of HubSpot that holds the pipeline.
    const fn pipeline(self) -> &'static str {
        match self {
            Self::Opportunity => "pipeline",
            Self::Ticket => "hs_pipeline",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Opportunity => "Stage and status",
            Self::Ticket => "Board and status",
        }
    }

    /// The options of the two as one field, from those of each.
    #[must_use]
    pub fn options(self, places: &[ChoiceOption], statuses: &[ChoiceOption]) -> Vec<ChoiceOption> {
        match self {
            Self::Opportunity => deals::options(places, statuses),
            Self::Ticket => tickets::options(places, statuses),
        }
    }
}

/// The ids of a place (a stage or a board) and a status; a part that is not told is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    pub place: &'a str,
    pub status: &'a str,
}

impl<'a> Progress<'a> {
    /// Reads `3/1`. What has no slash names a place.
    #[must_use]
    pub fn of(key: &'a str) -> Self {
        let (place, status) = key.split_once('/').unwrap_or((key, ""));
        Self { place: place.trim(), status: status.trim() }
    }

    #[must_use]
    pub fn key(self) -> String {
        format!("{}/{}", self.place, self.status)
    }

    /// Whether all that `self` says is so in `other`.
    #[must_use]
    pub fn is_met_by(self, other: Self) -> bool {
        (self.place.is_empty() || self.place == other.place) && (self.status.is_empty() || self.status == other.status)
    }
}

/// Which stage of HubSpot stands for what in ConnectWise, and what people call each.
#[derive(Debug, Clone)]
pub struct Stages {
    meaning: Meaning,
    labels: Labels,
}

#[derive(Debug, Clone)]
enum Meaning {
    Deals(Deals),
    Tickets(Tickets),
    Done(Done),
}

impl Stages {
    /// The value map of a mapping to `stage/status` or `board/status`, or from what tells whether an activity is done; none
    /// for other mappings.
    #[must_use]
    pub fn of(mapping: &FieldMapping, schema: &BySystem<Schema>) -> Option<Self> {
        let values = mapping.values.as_ref()?;
        let options = |system: System, name: &str| schema[system].field(name).map_or(&[][..], |field| &field.options);
        let hubspot = options(System::HubSpot, mapping.hubspot.as_str());
        let activity_statuses = options(System::ConnectWise, mapping.connectwise.as_str());
        if let Some(done) = Done::of(mapping, values, hubspot, activity_statuses) {
            let labels = Labels::new((&[], hubspot), (activity_statuses, &[]));
            return Some(Self { meaning: Meaning::Done(done), labels });
        }
        let standing = [Standing::Opportunity, Standing::Ticket]
            .into_iter()
            .find(|standing| standing.field() == mapping.connectwise.as_str())?;
        let pipelines = options(System::HubSpot, standing.pipeline());
        let [places, statuses] = standing.members().map(|name| options(System::ConnectWise, name));
        let labels = Labels::new((pipelines, hubspot), (places, statuses));
        let meaning = match standing {
            Standing::Opportunity => Meaning::Deals(Deals::new(values, hubspot, places, statuses)),
            Standing::Ticket => {
                let homes = BySystem::from_fn(|system| mapping.default.of(system).unwrap_or_default().to_owned());
                Meaning::Tickets(Tickets::new(values, (pipelines, hubspot), (places, statuses), homes))
            }
        };
        Some(Self { meaning, labels })
    }

    /// What people call a value of `system`; its ids where they have no label.
    #[must_use]
    pub fn called(&self, system: System, key: &str) -> String {
        self.labels.of(system, key)
    }

    /// What to write to `to`, where the other side holds `raw` and `to` holds `current`: the same meaning with as little
    /// change as possible. None where nothing over there means the same.
    #[must_use]
    pub fn nearest(&self, to: System, raw: &str, current: &str) -> Option<String> {
        match &self.meaning {
            Meaning::Deals(deals) => deals.nearest(to, raw, current),
            Meaning::Tickets(tickets) => tickets.nearest(to, raw, current).map(str::to_owned),
            Meaning::Done(done) => done.nearest(to, raw, current).map(str::to_owned),
        }
    }

    /// What stands in `to` for a value of the other system, where nothing is known of the record over there: the first of
    /// several. A value of ConnectWise may name one of its two parts alone.
    #[must_use]
    pub fn counterpart(&self, to: System, raw: &str) -> Option<String> {
        match &self.meaning {
            Meaning::Deals(deals) => deals.counterpart(to, raw).map(str::to_owned),
            Meaning::Tickets(tickets) => tickets.counterpart(to, raw).map(str::to_owned),
            Meaning::Done(done) => done.nearest(to, raw, "").map(str::to_owned),
        }
    }
}

/// Values that stand for each other. Of several the first one counts where nothing else decides.
#[derive(Debug, Clone, Default)]
struct Pairs {
    toward: BySystem<BTreeMap<String, Vec<String>>>,
}

impl Pairs {
    fn add(&mut self, hubspot: &str, connectwise: &str) {
        self.lead(System::ConnectWise, hubspot, connectwise);
        self.lead(System::HubSpot, connectwise, hubspot);
    }

    /// One way: `key` of the other system leads to `value` of `to`.
    fn lead(&mut self, to: System, key: &str, value: &str) {
        let known = self.toward[to].entry(key.to_owned()).or_default();
        if !known.iter().any(|one| one == value) {
            known.push(value.to_owned());
        }
    }

    /// What in `to` may stand for a value of the other system.
    fn toward(&self, to: System, key: &str) -> Option<&[String]> {
        self.toward[to].get(key).map(Vec::as_slice)
    }
}

fn outcome(option: &ChoiceOption) -> StageOutcome {
    option.outcome.unwrap_or(StageOutcome::Open)
}

/// Whether `wanted`, written after `label:` in a value map, is the name of an option: all of it, or the part after the
/// dot where it joins two names.
#[must_use]
pub fn is_called(label: &str, wanted: &str) -> bool {
    let wanted = wanted.trim().to_lowercase();
    let label = label.trim().to_lowercase();
    label == wanted || label.rsplit_once(BETWEEN).is_some_and(|(_, status)| status == wanted)
}

/// A stage's name without what puts it in order: `3. Quote` is `quote`.
fn bare(label: &str) -> String {
    let ordered = label.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || ".)-".contains(c));
    let name = if ordered.is_empty() { label } else { ordered };
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
fn option(key: &str, label: &str, outcome: Option<StageOutcome>, parent: Option<&str>) -> ChoiceOption {
    ChoiceOption {
        key: key.into(),
        label: label.into(),
        outcome,
        parent: parent.map(str::to_owned),
        ..ChoiceOption::default()
    }
}
