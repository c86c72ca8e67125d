//! The Mappings tab: the field mappings of the draft, each compared with the deployed version.

use std::collections::{HashMap, HashSet};

use super::cell::{Cell, Line, Role, wrapped};
use super::sample;
use super::table::Column;
use crate::mapping::compat::is_text;
use crate::mapping::coverage::Coverage;
use crate::mapping::references::refers_to;
use crate::mapping::{AutoPairs, ClearPolicy, Direction, FieldKey, FieldMapping, ObjectMapping, Overflow, ValueMap};
use crate::model::{BySystem, FieldDef, Schema, System};

/// How a field mapping of the draft stands to the deployed version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Same,
    Added,
    Changed,
    /// Deployed, and no longer in the draft.
    Removed,
}

impl Change {
    /// `+`, `~`, `-`, or nothing.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Same => "",
            Self::Added => "+",
            Self::Changed => "~",
            Self::Removed => "-",
        }
    }

    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Same => Role::Text,
            Self::Added => Role::Ok,
            Self::Changed => Role::Wait,
            Self::Removed => Role::Error,
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappingRow<'a> {
    pub change: Change,
    /// As the draft has it; as deployed where it was removed.
    pub mapping: &'a FieldMapping,
    /// As deployed, where it is.
    pub deployed: Option<&'a FieldMapping>,
    /// Which way the object as a whole goes.
    pub object: Direction,
}

/// The columns of the table.
pub const COLUMNS: [Column; 9] = [
    Column::fixed("", 1),
    Column::flexible("HubSpot", 12, 3).at_most(34),
    Column::fixed("", 9),
    Column::fixed("dir", 3),
    // A communication item is told from the others by its last character: `communications/7`.
    Column::flexible("ConnectWise", 16, 3).at_most(34),
    Column::fixed("", 9),
    Column::fixed("wins", 11),
    Column::flexible("values", 9, 1).at_most(16),
    Column::flexible("also", 12, 1).from_width(92),
];

/// The columns of the table beside the values of one record, where there is room for them.
pub const SAMPLED: [Column; 11] = [
    COLUMNS[0],
    COLUMNS[1],
    COLUMNS[2],
    COLUMNS[3],
    COLUMNS[4],
    COLUMNS[5],
    COLUMNS[6],
    COLUMNS[7],
    sample::COLUMNS[0].from_width(WITH_SAMPLE),
    sample::COLUMNS[1].from_width(WITH_SAMPLE),
    sample::COLUMNS[2].from_width(WITH_SAMPLE),
];

/// From so many columns on the values of a record have room beside the mappings; elsewhere they stand below.
const WITH_SAMPLE: usize = 116;

/// The cells of a row in the order of [`SAMPLED`].
#[must_use]
pub fn sampled(mut cells: Vec<Cell>, more: Vec<Cell>) -> Vec<Cell> {
    cells.truncate(SAMPLED.len() - sample::COLUMNS.len());
    cells.extend(more);
    cells
}

/// The rows: those of the draft in its order, then what was removed from it.
#[must_use]
pub fn rows<'a>(draft: &'a ObjectMapping, deployed: Option<&'a ObjectMapping>) -> Vec<MappingRow<'a>> {
    let old = deployed.map_or(&[][..], |object| &object.fields);
    let by_key: HashMap<FieldKey, &FieldMapping> = old.iter().map(|field| (field.key(), field)).collect();
    let mut still = HashSet::new();
    let mut rows: Vec<_> = draft
        .fields
        .iter()
        .map(|mapping| {
            let key = mapping.key();
            let deployed = by_key.get(&key).copied();
            still.insert(key);
            let change = match deployed {
                None => Change::Added,
                Some(old) if old == mapping => Change::Same,
                Some(_) => Change::Changed,
            };
            MappingRow { change, mapping, deployed, object: draft.direction }
        })
        .collect();
    rows.extend(old.iter().filter(|old| !still.contains(&old.key())).map(|mapping| MappingRow {
        change: Change::Removed,
        mapping,
        deployed: Some(mapping),
        object: draft.direction,
    }));
    rows
}

/// How many field mappings differ from the deployed version.
#[must_use]
pub fn changes(rows: &[MappingRow<'_>]) -> usize {
    rows.iter().filter(|row| row.change != Change::Same).count()
}

impl<'a> MappingRow<'a> {
    /// The cells, in the order of [`COLUMNS`].
    #[must_use]
    pub fn cells(&self, schemas: Option<&BySystem<Schema>>, coverage: Option<&Coverage>) -> Vec<Cell> {
        let mapping = self.mapping;
        vec![
            Cell::new(self.change.mark(), self.change.role()),
            Cell::new(mapping.hubspot.as_str(), self.name_role(System::HubSpot)),
            kind(mapping, schemas, System::HubSpot),
            Cell::plain(format!(" {}", mapping.direction.arrow())),
            Cell::new(mapping.connectwise.as_str(), self.name_role(System::ConnectWise)),
            kind(mapping, schemas, System::ConnectWise),
            wins(mapping),
            self.values(coverage),
            Cell::muted(also(mapping)),
        ]
    }

    /// How far the value map reaches; where that is not known, how it pairs.
    fn values(&self, coverage: Option<&Coverage>) -> Cell {
        let reach = coverage.filter(|_| self.change != Change::Removed).and_then(super::coverage::cell);
        reach.unwrap_or_else(|| Cell::plain(self.mapping.values.as_ref().map_or_else(String::new, values)))
    }

    fn name_role(&self, system: System) -> Role {
        if self.change == Change::Removed { Role::Muted } else { Role::of(system) }
    }

    /// What the mapping means, in sentences, and what it was before.
    #[must_use]
    pub fn detail(&self, schemas: Option<&BySystem<Schema>>, coverage: Option<&Coverage>, width: usize) -> Vec<Line> {
        let mapping = self.mapping;
        let label = |system| definition(mapping, schemas, system).map_or("not in the schema", |def| &def.label);
        let mut lines = vec![vec![
            Cell::new(label(System::HubSpot), Role::Left),
            Cell::plain(format!(" {} ", mapping.direction.arrow())),
            Cell::new(label(System::ConnectWise), Role::Right),
            Cell::muted(match refers_to(mapping.kind) {
                Some(object) => format!("  the link of a {object}"),
                None => format!("  compared as {}{}", mapping.kind.word(), paired(mapping)),
            }),
        ]];
        if let Some(coverage) = coverage.filter(|_| self.change != Change::Removed) {
            lines.extend(super::coverage::lines(mapping, coverage, width));
        }
        let transform = super::transform::summary(mapping);
        if !transform.is_empty() {
            lines.extend(
                wrapped(&format!("Transformed {transform}."), width).into_iter().map(|text| vec![Cell::plain(text)]),
            );
        }
        lines.extend(wrapped(&meaning(mapping), width).into_iter().map(|text| vec![Cell::plain(text)]));
        lines.extend(self.restriction().map(|text| vec![Cell::new(text, Role::Warn)]));
        if let Some(line) = self.before() {
            lines.push(line);
        }
        lines
    }

    /// What the direction of the object leaves of this one's.
    fn restriction(&self) -> Option<String> {
        let left = self.mapping.direction.restricted_by(self.object);
        let object = format!("The object goes HubSpot {} ConnectWise only", self.object.arrow());
        match left {
            Some(left) if left == self.mapping.direction => None,
            Some(_) => Some(format!("{object}, and so does this field.")),
            None => Some(format!("{object}: nothing of this field crosses.")),
        }
    }

    /// How the deployed version differs.
    fn before(&self) -> Option<Line> {
        let text = match (self.change, self.deployed) {
            (Change::Same, _) => return None,
            (Change::Added, _) | (Change::Changed, None) => "New in the draft.".to_owned(),
            (Change::Removed, _) => {
                "Removed in the draft: its values stay where they are, and stop crossing.".to_owned()
            }
            (Change::Changed, Some(old)) => format!("Deployed: {}", differences(old, self.mapping).join(", ")),
        };
        Some(vec![Cell::new(text, self.change.role())])
    }
}

fn definition<'a>(
    mapping: &FieldMapping,
    schemas: Option<&'a BySystem<Schema>>,
    system: System,
) -> Option<&'a FieldDef> {
    schemas?[system].field(mapping.field(system).as_str())
}

/// The kind as the schema says; `missing` where the schema has no such field.
fn kind(mapping: &FieldMapping, schemas: Option<&BySystem<Schema>>, system: System) -> Cell {
    match (schemas, definition(mapping, schemas, system)) {
        (None, _) => Cell::muted(mapping.kind.word()),
        (Some(_), Some(def)) => Cell::muted(def.kind.word()),
        (Some(_), None) => Cell::new("missing", Role::Error),
    }
}

/// Who wins; nothing to win where only one side is written.
fn wins(mapping: &FieldMapping) -> Cell {
    if mapping.direction == Direction::Both {
        Cell::plain(mapping.wins.word())
    } else {
        Cell::muted(super::format::NONE)
    }
}

/// `by label`, `by e-mail`, `3 pairs`, `label +3`.
fn values(map: &ValueMap) -> String {
    let auto = map.auto.map(|auto| match auto {
        AutoPairs::Label => "label",
        AutoPairs::Email => "e-mail",
    });
    match (auto, map.pairs.len()) {
        (Some(auto), 0) => format!("by {auto}"),
        (Some(auto), pairs) => format!("{auto} +{pairs}"),
        (None, pairs) => super::format::counted(pairs as u64, "pair", "pairs"),
    }
}

/// How values find their partners, behind the kind.
fn paired(mapping: &FieldMapping) -> String {
    mapping.values.as_ref().map_or_else(String::new, |map| format!(", values {}", values(map)))
}

/// The policies that are not the usual ones.
fn also(mapping: &FieldMapping) -> String {
    let mut words = Vec::new();
    if mapping.empty == ClearPolicy::Clear {
        words.push("clears");
    }
    if mapping.overflow == Overflow::Cut {
        words.push("cuts");
    }
    if !mapping.default.is_none() {
        words.push("default");
    }
    if !mapping.transform.is_empty() {
        words.push("transform");
    }
    words.join(" ")
}

fn meaning(mapping: &FieldMapping) -> String {
    let way = match mapping.direction {
        Direction::Both => match mapping.wins {
            crate::mapping::SystemOfRecord::HubSpot => "Both ways; HubSpot wins where both changed.",
            crate::mapping::SystemOfRecord::ConnectWise => "Both ways; ConnectWise wins where both changed.",
            crate::mapping::SystemOfRecord::Latest => "Both ways; the latest change wins where both changed.",
            crate::mapping::SystemOfRecord::Ask => "Both ways; a person decides where both changed.",
        },
        Direction::ToConnectwise => "HubSpot to ConnectWise only.",
        Direction::ToHubspot => "ConnectWise to HubSpot only.",
    };
    if let Some(object) = refers_to(mapping.kind) {
        return format!("{way} The partner of the {object} crosses, never its id; until it has one, the record waits.");
    }
    let empty = match mapping.empty {
        ClearPolicy::Fill => "An empty value is filled.",
        ClearPolicy::Clear => "Emptiness crosses.",
    };
    let default = |system: System| {
        let value = mapping.default.of(system).filter(|_| mapping.direction.writes(system));
        value.map_or_else(String::new, |value| format!(" A new record in {system} has {value}."))
    };
    format!("{way} {empty}{}{}{}", long(mapping), default(System::HubSpot), default(System::ConnectWise))
}

/// What becomes of a text that is too long, where one can be.
fn long(mapping: &FieldMapping) -> String {
    if !is_text(mapping.kind) {
        return String::new();
    }
    let written = System::BOTH.into_iter().filter(|system| mapping.direction.writes(*system));
    let limits: Vec<String> =
        written.filter_map(|system| Some(super::format::grouped(mapping.max_length[system]?.into()))).collect();
    let over = if limits.is_empty() { "Too long".to_owned() } else { format!("Too long ({})", limits.join(", ")) };
    match mapping.overflow {
        Overflow::Hold => format!(" {over}: waits."),
        Overflow::Cut => format!(" {over}: cut."),
    }
}

/// What `old` says where it differs from `new`, in words.
#[must_use]
pub fn differences(old: &FieldMapping, new: &FieldMapping) -> Vec<String> {
    let mut words = Vec::new();
    if old.direction != new.direction {
        words.push(format!("direction {}", old.direction.arrow()));
    }
    if old.wins != new.wins {
        words.push(format!("{} wins", old.wins.word()));
    }
    if old.empty != new.empty {
        words.push(if old.empty == ClearPolicy::Clear { "clears" } else { "fills" }.to_owned());
    }
    if old.kind != new.kind {
        words.push(format!("compared as {}", old.kind.word()));
    }
    if old.overflow != new.overflow {
        words.push(if old.overflow == Overflow::Cut { "cuts" } else { "holds what is too long" }.to_owned());
    }
    if old.transform != new.transform {
        let was = super::transform::summary(old);
        words.push(if was.is_empty() { "as it is".to_owned() } else { format!("transformed {was}") });
    }
    if old.values != new.values {
        let told = |map: &Option<ValueMap>| map.as_ref().map_or_else(|| "none".to_owned(), values);
        let (was, now) = (told(&old.values), told(&new.values));
        words.push(if was == now { format!("other values ({was})") } else { format!("values {was}, now {now}") });
    }
    for system in System::BOTH {
        if old.default.of(system) != new.default.of(system) {
            words.push(match old.default.of(system) {
                Some(value) => format!("{value} in a new record in {system}"),
                None => format!("no default in {system}"),
            });
        }
        if old.max_length[system] != new.max_length[system] {
            words.push(match old.max_length[system] {
                Some(limit) => format!("{limit} characters in {system}"),
                None => format!("no limit in {system}"),
            });
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::SystemOfRecord;
    use crate::model::{FieldKind, ObjectKind};
    use crate::view::cell::{line_text, plain_text};
    use crate::view::table::Table;
    use crate::view::testing::schemas;

    fn mapping(hubspot: &str, connectwise: &str) -> FieldMapping {
        FieldMapping {
            hubspot: hubspot.into(),
            connectwise: connectwise.into(),
            kind: FieldKind::Text,
            direction: Direction::Both,
            wins: SystemOfRecord::Latest,
            empty: ClearPolicy::Fill,
            overflow: Overflow::Hold,
            max_length: BySystem::default(),
            default: crate::mapping::Defaults::default(),
            transform: crate::mapping::Transforms::default(),
            values: None,
        }
    }

    fn object(fields: Vec<FieldMapping>) -> ObjectMapping {
        ObjectMapping {
            object: ObjectKind::Company,
            direction: Direction::Both,
            create: crate::mapping::CreatePolicy::default(),
            conflict_tie: crate::mapping::ConflictTie::default(),
            hubspot_stamp: "cw_key".into(),
            connectwise_stamp: Some("hs_key".into()),
            activity_types: Vec::new(),
            activity_status: None,
            filters: crate::mapping::Filters::default(),
            exclude: crate::mapping::Exclusions::default(),
            matching: Vec::new(),
            fields,
        }
    }

    fn worlds() -> (ObjectMapping, ObjectMapping) {
        let deployed = object(vec![mapping("name", "name"), mapping("phone", "phoneNumber"), mapping("zip", "zip")]);
        let phone = FieldMapping {
            wins: SystemOfRecord::Ask,
            direction: Direction::ToHubspot,
            ..mapping("phone", "phoneNumber")
        };
        let kind = FieldMapping {
            values: Some(ValueMap { auto: Some(AutoPairs::Label), ..ValueMap::default() }),
            empty: ClearPolicy::Clear,
            ..mapping("type", "no_such")
        };
        (object(vec![mapping("name", "name"), phone, kind]), deployed)
    }

    #[test]
    fn the_draft_is_marked_against_what_is_deployed() {
        let (draft, deployed) = worlds();
        let rows = rows(&draft, Some(&deployed));
        let marks: Vec<_> = rows.iter().map(|row| (row.change.mark(), row.mapping.hubspot.as_str())).collect();
        assert_eq!(marks, [("", "name"), ("~", "phone"), ("+", "type"), ("-", "zip")]);
        assert_eq!(changes(&rows), 3);
        assert_eq!(changes(&super::rows(&draft, None)), 3, "with nothing deployed, all is new");
    }

    #[test]
    fn a_row_shows_both_fields_the_way_between_and_who_wins() {
        let (draft, deployed) = worlds();
        let (schemas, table) = (schemas(), Table::new(&COLUMNS, 110));
        let lines: Vec<_> = rows(&draft, Some(&deployed))
            .iter()
            .map(|row| {
                line_text(&table.row(&row.cells(Some(&schemas), None))).split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect();
        assert_eq!(
            lines,
            [
                "name text ↔ name text latest",
                "~ phone text ← phoneNumber text –",
                "+ type choice ↔ no_such missing latest by label clears",
                "- zip text ↔ zip text latest",
            ]
        );
    }

    #[test]
    fn the_detail_says_what_it_means_and_what_it_was() {
        let (draft, deployed) = worlds();
        let rows = rows(&draft, Some(&deployed));
        assert_eq!(
            plain_text(&rows[1].detail(Some(&schemas()), None, 78)),
            "Phone ← Phone  compared as text\n\
             ConnectWise to HubSpot only. An empty value is filled. Too long: waits.\n\
             Deployed: direction ↔, latest wins\n"
        );
        assert_eq!(rows[0].detail(None, None, 120).len(), 2);
    }

    #[test]
    fn what_the_direction_of_the_object_leaves_of_a_field_is_told() {
        let one_way = |direction| FieldMapping { direction, ..mapping("name", "name") };
        let fields = vec![
            one_way(Direction::ToHubspot),
            one_way(Direction::Both),
            FieldMapping { hubspot: "zip".into(), ..one_way(Direction::ToConnectwise) },
        ];
        let object = ObjectMapping { direction: Direction::ToHubspot, ..object(fields) };
        let told: Vec<String> = rows(&object, None).iter().map(|row| plain_text(&row.detail(None, None, 80))).collect();
        assert!(!told[0].contains("The object goes"), "{}", told[0]);
        assert!(told[1].contains("The object goes HubSpot ← ConnectWise only, and so does this field."), "{}", told[1]);
        assert!(told[2].contains("only: nothing of this field crosses."), "{}", told[2]);
    }
}
