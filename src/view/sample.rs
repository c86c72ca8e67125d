//! What one record holds in the two fields of a mapping, and what would become of it.

use super::cell::{Cell, Line, Role, clipped, wrapped};
use super::format;
use super::table::Column;
use crate::engine::core::plan::{FieldNext, FieldPlan, PairPlan};
use crate::mapping::convert::{Misfit, Said, convert, same};
use crate::mapping::references::{Partners, refers_to};
use crate::mapping::{Direction, FieldMapping, FieldRule, SystemOfRecord};
use crate::model::{BySystem, FieldDef, FieldName, Record, Schema, System, Value};

/// The columns that a wide table of mappings has beside its own.
pub const COLUMNS: [Column; 3] = [
    Column::flexible("in HubSpot", 13, 2).at_most(28),
    Column::flexible("ConnectWise", 13, 2).at_most(28),
    Column::flexible("next", 12, 2).at_most(28),
];

/// One record, as far as anybody read it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    pub name: String,
    /// What the draft would do with it.
    pub plan: Option<PairPlan>,
    /// As they are cached, with the fields that are read.
    pub cached: BySystem<Option<Record>>,
    pub watched: BySystem<Vec<FieldName>>,
    /// As a glance saw them, with the other fields.
    pub glanced: BySystem<Option<Record>>,
    /// Why the fields that nobody reads are not known.
    pub unseen: Option<String>,
}

/// What a system holds in a field.
#[derive(Debug, Clone, PartialEq)]
enum Held {
    /// There is no such record on that side.
    NoRecord,
    NotRead,
    Value(Value),
}

/// What becomes of a field of the record.
#[derive(Debug, Clone, PartialEq)]
struct Next {
    text: String,
    role: Role,
}

impl Sample {
    /// The cells, in the order of [`COLUMNS`].
    #[must_use]
    pub fn cells(&self, mapping: &FieldMapping, schemas: Option<&BySystem<Schema>>) -> Vec<Cell> {
        let held = self.held(mapping);
        let next = self.next(mapping, &held, schemas);
        let cell = |system: System| shown(&held[system], definition(mapping, schemas, system), system);
        vec![cell(System::HubSpot), cell(System::ConnectWise), Cell::new(next.text, next.role)]
    }

    /// The same in sentences.
    #[must_use]
    pub fn lines(&self, mapping: &FieldMapping, schemas: Option<&BySystem<Schema>>, width: usize) -> Vec<Line> {
        let held = self.held(mapping);
        let next = self.next(mapping, &held, schemas);
        let cell = |system: System| shown(&held[system], definition(mapping, schemas, system), system);
        let mut line = vec![
            Cell::strong(&self.name),
            Cell::plain(": "),
            cell(System::HubSpot),
            Cell::muted(" | "),
            cell(System::ConnectWise),
            Cell::plain("   "),
            Cell::new(next.text, next.role),
        ];
        if refers_to(mapping.kind).is_some() {
            line.truncate(5);
        }
        let mut lines = vec![clipped(&line, width)];
        if held.hubspot == Held::NotRead || held.connectwise == Held::NotRead {
            lines.extend(self.unseen.iter().flat_map(|why| wrapped(why, width)).map(|text| vec![Cell::muted(text)]));
        }
        lines
    }

    fn planned(&self, mapping: &FieldMapping) -> Option<&FieldPlan> {
        let key = mapping.key();
        self.plan.as_ref()?.fields.iter().find(|field| field.key == key)
    }

    fn held(&self, mapping: &FieldMapping) -> BySystem<Held> {
        BySystem::from_fn(|system| {
            let name = mapping.field(system);
            if self.watched[system].contains(name) {
                return self.cached[system]
                    .as_ref()
                    .map_or(Held::NoRecord, |record| Held::Value(record.value(name.as_str()).clone()));
            }
            match (&self.glanced[system], &self.cached[system]) {
                (Some(record), _) => Held::Value(record.value(name.as_str()).clone()),
                (None, None) => Held::NoRecord,
                (None, Some(_)) => Held::NotRead,
            }
        })
    }

    fn next(&self, mapping: &FieldMapping, held: &BySystem<Held>, schemas: Option<&BySystem<Schema>>) -> Next {
        let is_read = System::BOTH.into_iter().all(|system| self.watched[system].contains(mapping.field(system)));
        match (self.planned(mapping), schemas) {
            (Some(plan), _) if is_read => planned(plan, mapping, schemas),
            (_, Some(schemas)) => self.foreseen(mapping, held, schemas),
            (_, None) => Next { text: String::new(), role: Role::Muted },
        }
    }

    /// What the first look at the field would come to, where nobody reads it yet.
    fn foreseen(&self, mapping: &FieldMapping, held: &BySystem<Held>, schemas: &BySystem<Schema>) -> Next {
        let muted = |text: &str| Next { text: text.to_owned(), role: Role::Muted };
        let (Held::Value(here), Held::Value(there)) = (&held.hubspot, &held.connectwise) else {
            return muted(if [&held.hubspot, &held.connectwise].contains(&&Held::NotRead) {
                "not read yet"
            } else {
                ""
            });
        };
        if refers_to(mapping.kind).is_some() {
            return muted("crosses as a link");
        }
        let (rule, partners) = (FieldRule::new(mapping, schemas), Partners::default());
        let record = |system: System| match self.glanced[system].as_ref() {
            Some(record) => Some(record),
            None => self.cached[system].as_ref(),
        };
        let said = BySystem::new(
            Said { raw: here, record: record(System::HubSpot) },
            Said { raw: there, record: record(System::ConnectWise) },
        );
        if same(&rule, said, &partners) {
            return muted("same");
        }
        let Some(from) = source(mapping, here.is_empty(), there.is_empty()) else {
            let decides = mapping.direction == Direction::Both;
            return Next {
                text: if decides { "decide" } else { "stays" }.to_owned(),
                role: if decides { Role::Warn } else { Role::Muted },
            };
        };
        match convert(&rule, from, said[from], said[from.other()].raw, &partners) {
            Ok(value) => written(from.other(), &value, definition(mapping, Some(schemas), from.other())),
            Err(misfit) => Next { text: misfits(&misfit).to_owned(), role: Role::Warn },
        }
    }
}

/// Why a value does not cross, in a few words.
const fn misfits(misfit: &Misfit) -> &'static str {
    match misfit {
        Misfit::Unmapped { .. } => "held: no value for it",
        Misfit::Skipped { .. } => "skipped: no value for it",
        Misfit::TooLong { .. } => "held: too long",
        Misfit::NotA { .. } => "held: of another kind",
        Misfit::NoPartner { .. } => "waits",
        Misfit::Several { .. } | Misfit::Unordered { .. } => "held: several",
        Misfit::Transform { .. } => "held: a step fails",
    }
}

/// Whose value crosses where the field is looked at for the first time; none where nothing does, or a person is asked.
fn source(mapping: &FieldMapping, hubspot_is_empty: bool, connectwise_is_empty: bool) -> Option<System> {
    let by_direction = match (mapping.direction, hubspot_is_empty, connectwise_is_empty) {
        (Direction::ToConnectwise, false, _) | (Direction::Both, false, true) => return Some(System::HubSpot),
        (Direction::ToHubspot, _, false) | (Direction::Both, true, false) => return Some(System::ConnectWise),
        (Direction::Both, false, false) => mapping.wins,
        _ => return None,
    };
    match by_direction {
        SystemOfRecord::HubSpot => Some(System::HubSpot),
        SystemOfRecord::ConnectWise => Some(System::ConnectWise),
        // which one is the latest is known once both are read
        SystemOfRecord::Latest | SystemOfRecord::Ask => None,
    }
}

fn definition<'a>(
    mapping: &FieldMapping,
    schemas: Option<&'a BySystem<Schema>>,
    system: System,
) -> Option<&'a FieldDef> {
    schemas?[system].field(mapping.field(system).as_str())
}

fn shown(held: &Held, def: Option<&FieldDef>, system: System) -> Cell {
    match held {
        Held::NoRecord => Cell::muted("no record"),
        Held::NotRead => Cell::muted("?"),
        Held::Value(Value::Empty) => Cell::muted(format::NONE),
        Held::Value(value) => Cell::new(format::value(value, def), Role::of(system)),
    }
}

fn written(to: System, value: &Value, def: Option<&FieldDef>) -> Next {
    let arrow = if to == System::ConnectWise { "→" } else { "←" };
    Next { text: format!("{arrow} {}", format::value(value, def)), role: Role::Wait }
}

fn planned(plan: &FieldPlan, mapping: &FieldMapping, schemas: Option<&BySystem<Schema>>) -> Next {
    let (text, role) = match &plan.next {
        FieldNext::Write { to, value, .. } => return written(*to, value, definition(mapping, schemas, *to)),
        FieldNext::Same | FieldNext::Agree => ("same", Role::Muted),
        FieldNext::Tolerate => ("stays", Role::Muted),
        FieldNext::Decide => ("decide", Role::Warn),
        FieldNext::Stuck => ("held: no value for it", Role::Warn),
        FieldNext::Wait => ("waits", Role::Wait),
        FieldNext::Frozen => ("frozen by the filter", Role::Muted),
        FieldNext::Undecided { .. } => ("filter undecided", Role::Warn),
    };
    Next { text: text.to_owned(), role }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::suggest;
    use crate::model::{Fields, RecordId, Timestamp};
    use crate::view::cell::line_text;
    use crate::view::testing::schemas;

    fn record(fields: &[(&str, Value)]) -> Record {
        Record::new(
            RecordId(1),
            Timestamp::EPOCH,
            fields.iter().map(|(name, value)| ((*name).into(), value.clone())).collect::<Fields>(),
        )
    }

    fn mapping(name: &str, other: &str) -> FieldMapping {
        let schemas = schemas();
        let find = |system: System, name: &str| schemas[system].field(name).cloned();
        let fields = find(System::HubSpot, name).zip(find(System::ConnectWise, other));
        let fitting = fields.and_then(|(here, there)| suggest(&here, &there).ok());
        assert!(fitting.is_some(), "{name} does not go with {other}");
        fitting.unwrap_or_else(|| unreachable!("checked above"))
    }

    fn sample(here: &[(&str, Value)], there: &[(&str, Value)]) -> Sample {
        Sample {
            name: "Acme".into(),
            cached: BySystem::new(Some(record(&[])), Some(record(&[]))),
            glanced: BySystem::new(Some(record(here)), Some(record(there))),
            ..Sample::default()
        }
    }

    fn told(sample: &Sample, mapping: &FieldMapping) -> String {
        line_text(&sample.lines(mapping, Some(&schemas()), 78)[0])
    }

    #[test]
    fn a_field_that_nobody_reads_yet_tells_what_its_first_look_would_come_to() {
        let zip = mapping("zip", "zip");
        let text = |text: &str| Value::text(text);
        let filled = sample(&[("zip", text("75001"))], &[]);
        assert_eq!(told(&filled, &zip), "Acme: 75001 | –   → 75001");
        let both = sample(&[("zip", text("75001"))], &[("zip", text("73301"))]);
        assert_eq!(told(&both, &zip), "Acme: 75001 | 73301   decide");
        let one_way = FieldMapping { direction: Direction::ToHubspot, ..zip.clone() };
        assert_eq!(told(&both, &one_way), "Acme: 75001 | 73301   ← 73301");
        assert_eq!(told(&filled, &one_way), "Acme: 75001 | –   stays");
        let same = sample(&[("zip", text("75001"))], &[("zip", text(" 75001"))]);
        assert!(told(&same, &zip).ends_with("same"), "{}", told(&same, &zip));
    }

    #[test]
    fn options_are_shown_by_their_labels_and_one_without_a_partner_is_held() {
        let kind = mapping("type", "type");
        let one = sample(&[("type", Value::Choice("CUSTOMER".into()))], &[]);
        assert_eq!(told(&one, &kind), "Acme: Customer | –   held: no value for it");
    }

    #[test]
    fn what_nobody_saw_is_not_called_empty() {
        let zip = mapping("zip", "zip");
        let mut sample = sample(&[], &[]);
        sample.glanced = BySystem::new(None, None);
        sample.unseen = Some("No engine runs in this console.".into());
        let lines: Vec<String> = sample.lines(&zip, Some(&schemas()), 78).iter().map(|line| line_text(line)).collect();
        assert_eq!(lines, ["Acme: ? | ?   not read yet", "No engine runs in this console."]);
        sample.cached.connectwise = None;
        assert_eq!(told(&sample, &zip), "Acme: ? | no record   not read yet");
        sample.watched = BySystem::new(vec!["zip".into()], vec!["zip".into()]);
        sample.cached.hubspot = Some(record(&[("zip", Value::text("75001"))]));
        assert_eq!(told(&sample, &zip), "Acme: 75001 | no record");
    }
}
