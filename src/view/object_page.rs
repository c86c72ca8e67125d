//! The page of one object mapping: what holds for all of its fields and records, a setting a row.

use super::cell::{Cell, Role};
use super::object_list::in_connectwise;
use super::table::Column;
use crate::mapping::{ConflictTie, Direction, MatchBy, ObjectMapping};
use crate::model::{Pauses, System};

/// The columns of the page.
pub const COLUMNS: [Column; 4] = [
    Column::fixed("", 1),
    Column::fixed("setting", 23),
    Column::flexible("is", 24, 1).at_most(48),
    Column::flexible("what it does", 20, 3),
];

/// One thing that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    Direction,
    Create(System),
    Tie,
    /// The field that carries the key of the counterpart.
    Key(System),
    /// The match rule at that place.
    Match(usize),
    /// There is no match rule.
    NoMatch,
    /// A record that never takes part.
    Excluded(System, u64),
    /// No record is left out.
    NoneExcluded,
    Paused(System),
}

/// All settings of an object, in the order of the page.
#[must_use]
pub fn settings(mapping: &ObjectMapping) -> Vec<Setting> {
    let mut all = vec![Setting::Direction];
    all.extend(System::BOTH.map(Setting::Create));
    all.push(Setting::Tie);
    all.extend((0..mapping.matching.len()).map(Setting::Match));
    all.extend(mapping.matching.is_empty().then_some(Setting::NoMatch));
    let excluded = System::BOTH.into_iter().flat_map(|system| {
        let ids = match system {
            System::HubSpot => &mapping.exclude.hubspot,
            System::ConnectWise => &mapping.exclude.connectwise,
        };
        ids.iter().map(move |id| Setting::Excluded(system, *id))
    });
    all.extend(excluded);
    if mapping.exclude.hubspot.is_empty() && mapping.exclude.connectwise.is_empty() {
        all.push(Setting::NoneExcluded);
    }
    all.extend(System::BOTH.map(Setting::Key));
    all.extend(System::BOTH.map(Setting::Paused));
    all
}

impl Setting {
    /// Whether it is other than `deployed` has it; pauses are no part of a configuration.
    #[must_use]
    pub fn differs(self, mapping: &ObjectMapping, deployed: Option<&ObjectMapping>) -> bool {
        let Some(deployed) = deployed else { return !matches!(self, Self::Paused(_)) };
        match self {
            Self::Direction => mapping.direction != deployed.direction,
            Self::Create(system) => mapping.create.allows(system) != deployed.create.allows(system),
            Self::Tie => mapping.conflict_tie != deployed.conflict_tie,
            Self::Key(system) => mapping.stamp(system) != deployed.stamp(system),
            Self::Match(place) => mapping.matching.get(place) != deployed.matching.get(place),
            Self::NoMatch => mapping.matching != deployed.matching,
            Self::Excluded(..) | Self::NoneExcluded => match self {
                Self::Excluded(System::HubSpot, id) => !deployed.exclude.hubspot.contains(&id),
                Self::Excluded(System::ConnectWise, id) => !deployed.exclude.connectwise.contains(&id),
                _ => mapping.exclude != deployed.exclude,
            },
            Self::Paused(_) => false,
        }
    }

    /// The cells, in the order of [`COLUMNS`].
    #[must_use]
    pub fn cells(self, mapping: &ObjectMapping, deployed: Option<&ObjectMapping>, pauses: &Pauses) -> Vec<Cell> {
        let mark = if self.differs(mapping, deployed) { "~" } else { "" };
        let (value, role) = self.value(mapping, pauses);
        vec![
            Cell::new(mark, Role::Wait),
            Cell::plain(self.name()),
            Cell::new(value, role),
            Cell::muted(self.meaning(mapping)),
        ]
    }

    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Direction => "direction".to_owned(),
            Self::Create(system) => format!("made in {system}"),
            Self::Tie => "tie".to_owned(),
            Self::Key(system) => format!("key in {system}"),
            Self::Match(0) | Self::NoMatch => "matched by".to_owned(),
            Self::Match(_) => "  then by".to_owned(),
            Self::Excluded(system, _) => format!("left out in {system}"),
            Self::NoneExcluded => "left out".to_owned(),
            Self::Paused(system) => format!("paused to {system}"),
        }
    }

    fn value(self, mapping: &ObjectMapping, pauses: &Pauses) -> (String, Role) {
        match self {
            Self::Direction => (format!("HubSpot {} ConnectWise", mapping.direction.arrow()), Role::Strong),
            Self::Create(system) if mapping.creates_in(system) => ("yes".to_owned(), Role::Ok),
            Self::Create(system) if !mapping.direction.writes(system) => {
                ("no: nothing goes there".to_owned(), Role::Muted)
            }
            Self::Create(_) => ("no, only linked".to_owned(), Role::Warn),
            Self::Tie => (format!("{} wins", mapping.conflict_tie.system()), Role::of(mapping.conflict_tie.system())),
            Self::Key(system) => match mapping.stamp(system) {
                Some(name) => (name.to_string(), Role::of(system)),
                None => ("none: nothing is made there".to_owned(), Role::Muted),
            },
            Self::Match(place) => {
                (mapping.matching.get(place).map_or_else(String::new, |rule| rule.in_words()), Role::Text)
            }
            Self::NoMatch => ("nothing".to_owned(), Role::Warn),
            Self::Excluded(system, id) => (id.to_string(), Role::of(system)),
            Self::NoneExcluded => ("no record".to_owned(), Role::Muted),
            Self::Paused(system) => match pauses.stops(mapping.object, system) {
                Some(pause) => (format!("yes, by {}", pause.by), Role::Warn),
                None => ("no".to_owned(), Role::Muted),
            },
        }
    }

    /// What it does, in a few words.
    #[must_use]
    pub fn meaning(self, mapping: &ObjectMapping) -> String {
        match self {
            Self::Direction => match (mapping.direction, stopped(mapping)) {
                (Direction::Both, _) => "fields go their own way".to_owned(),
                (_, 0) => "above the fields' own".to_owned(),
                (_, count) => format!("stops {count} of {} fields", mapping.fields.len()),
            },
            Self::Create(system) => match system {
                System::HubSpot => "what only ConnectWise has".to_owned(),
                System::ConnectWise => "what only HubSpot has".to_owned(),
            },
            Self::Tie => "where `latest` can't tell".to_owned(),
            Self::Key(_) => "finds the partner again".to_owned(),
            Self::Match(place) => match mapping.matching.get(place).map(|rule| rule.by) {
                Some(by) => how(by).to_owned(),
                None => String::new(),
            },
            Self::NoMatch => "records are only made".to_owned(),
            Self::Excluded(..) => "never takes part".to_owned(),
            Self::NoneExcluded => "such as your own company".to_owned(),
            Self::Paused(_) => "beside the configuration".to_owned(),
        }
    }

    /// The same at length, and which key changes it.
    #[must_use]
    pub fn lesson(self, mapping: &ObjectMapping) -> String {
        let objects = mapping.object.plural().to_lowercase();
        match self {
            Self::Direction => format!(
                "Overrides the direction of every field without losing it: {objects} can run one way for a while. Enter turns it."
            ),
            Self::Create(system) => {
                let there = match system {
                    System::HubSpot => objects,
                    System::ConnectWise => in_connectwise(mapping.object).to_lowercase(),
                };
                format!(
                    "Whether {there} that have no partner are made in {system}, or only linked to one that is there. Enter turns it."
                )
            }
            Self::Tie => {
                "Who wins a field of “latest” where both systems changed within the same moment. Enter turns it."
                    .to_owned()
            }
            Self::Key(_) => "Written when a record is made, and looked for after a crash, so that none is made twice. \
                             It is set in the file: `lockstep config export`, then import."
                .to_owned(),
            Self::Match(_) | Self::NoMatch => {
                "Tried in order when a record has no partner; the first rule with a candidate decides, and several \
                 candidates wait for a person. Enter turns how values are compared, a adds, - removes, [ and ] move."
                    .to_owned()
            }
            Self::Excluded(..) | Self::NoneExcluded => {
                "Records that never take part, whatever the filters say. a adds one by its name or id, - removes it."
                    .to_owned()
            }
            Self::Paused(system) => format!(
                "Nothing of {objects} is written to {system} until somebody resumes it; changes are kept. Takes effect at once. Enter turns it."
            ),
        }
    }
}

/// How a match rule makes values comparable.
#[must_use]
pub const fn how(by: MatchBy) -> &'static str {
    match by {
        MatchBy::Text => "same text",
        MatchBy::Host => "same host of a web address",
        MatchBy::Digits => "same digits",
        MatchBy::CompanyText => "same text in the same company",
    }
}

/// The next way to compare.
#[must_use]
pub const fn next_by(by: MatchBy) -> MatchBy {
    match by {
        MatchBy::Text => MatchBy::Host,
        MatchBy::Host => MatchBy::Digits,
        MatchBy::Digits => MatchBy::CompanyText,
        MatchBy::CompanyText => MatchBy::Text,
    }
}

/// The next direction of an object.
#[must_use]
pub const fn next_direction(direction: Direction) -> Direction {
    match direction {
        Direction::Both => Direction::ToConnectwise,
        Direction::ToConnectwise => Direction::ToHubspot,
        Direction::ToHubspot => Direction::Both,
    }
}

/// The other one who can win a tie.
#[must_use]
pub const fn next_tie(tie: ConflictTie) -> ConflictTie {
    match tie {
        ConflictTie::HubSpot => ConflictTie::ConnectWise,
        ConflictTie::ConnectWise => ConflictTie::HubSpot,
    }
}

/// Fields of which nothing is left under the direction of the object.
fn stopped(mapping: &ObjectMapping) -> usize {
    mapping.fields.iter().filter(|field| field.direction.restricted_by(mapping.direction).is_none()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::defaults;
    use crate::view::cell::line_text;
    use crate::view::table::Table;

    fn shown(mapping: &ObjectMapping, deployed: &ObjectMapping) -> Vec<String> {
        let table = Table::new(&COLUMNS, 78);
        let row = |setting: Setting| {
            line_text(&table.row(&setting.cells(mapping, Some(deployed), &Pauses::default()))).trim().to_owned()
        };
        settings(mapping).into_iter().map(row).collect()
    }

    #[test]
    fn the_page_says_what_is_set_and_what_the_draft_changes() {
        let deployed = defaults::company();
        let mut draft = deployed.clone();
        draft.direction = Direction::ToHubspot;
        draft.exclude.connectwise.push(2);
        draft.matching.swap(0, 1);
        let rows = shown(&draft, &deployed).join("\n");
        for part in [
            "~ direction               HubSpot ← ConnectWise    stops",
            "made in HubSpot         yes",
            "~ made in ConnectWise",
            "tie                     HubSpot wins",
            "~ matched by              name = name              same text",
            "~   then by               domain = website",
            "~ left out in ConnectWise 2",
            "key in ConnectWise      userDefinedField10",
            "paused to HubSpot       no",
        ] {
            let part = if part.contains("made in ConnectWise") {
                "made in ConnectWise     no: nothing goes there"
            } else {
                part
            };
            assert!(rows.contains(part), "`{part}` is missing:\n{rows}");
        }
        assert!(!rows.contains("left out                no record"), "{rows}");
        assert!(shown(&deployed, &deployed).iter().all(|row| !row.starts_with('~')));
    }

    #[test]
    fn a_direction_says_how_many_fields_it_stops() {
        let mut company = defaults::company();
        company.direction = Direction::ToHubspot;
        let one_way = company.fields.iter().filter(|field| field.direction == Direction::ToConnectwise).count();
        assert_eq!(Setting::Direction.meaning(&company), format!("stops {one_way} of {} fields", company.fields.len()));
    }
}
