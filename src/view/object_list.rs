//! The entry of the Mappings tab: the object mappings of the draft, how their records stand, and what is wrong with them.

use super::cell::{Cell, Line, Role, wrapped};
use super::format::{self, counted, grouped};
use super::mapping_table::{self, Change};
use super::record_list::state_role;
use super::table::Column;
use crate::engine::core::state::RecordState;
use crate::mapping::{Direction, Finding, ObjectMapping, Severity};
use crate::model::{BySystem, ObjectKind, Pauses, System};

/// The columns of the list.
pub const COLUMNS: [Column; 9] = [
    Column::fixed("", 1),
    Column::fixed("HubSpot", 10),
    Column::fixed("dir", 3),
    Column::fixed("ConnectWise", 15),
    Column::fixed("in sync", 8).right(),
    Column::fixed("pending", 8).right(),
    Column::fixed("issues", 7).right(),
    Column::fixed("out", 8).right().from_width(92),
    Column::flexible(" health", 12, 1),
];

/// What ConnectWise calls the records of an object.
#[must_use]
pub const fn in_connectwise(object: ObjectKind) -> &'static str {
    match object {
        ObjectKind::Company => "Companies",
        ObjectKind::Contact => "Contacts",
        ObjectKind::Deal => "Opportunities",
        ObjectKind::Ticket => "Service tickets",
        ObjectKind::Product => "Catalog items",
        ObjectKind::LineItem => "Forecast items",
        ObjectKind::Note | ObjectKind::Task | ObjectKind::Call | ObjectKind::Meeting => "Activities",
    }
}

/// One object mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectLine<'a> {
    pub change: Change,
    /// As the draft has it; as deployed where it was removed.
    pub mapping: &'a ObjectMapping,
    pub deployed: Option<&'a ObjectMapping>,
    /// Records by state; none while they were not counted.
    pub counts: Option<&'a [(RecordState, u64)]>,
    /// What the check says of it; none while it was not checked, for want of fields too.
    pub findings: Option<Vec<&'a Finding>>,
    /// What may be done with it, where the doctor looked.
    pub rights: BySystem<Cell>,
}

/// The object mappings of the draft in its order, then what was removed from it.
#[must_use]
pub fn changes<'a>(
    draft: &'a [ObjectMapping],
    deployed: &'a [ObjectMapping],
) -> Vec<(Change, &'a ObjectMapping, Option<&'a ObjectMapping>)> {
    let of = |all: &'a [ObjectMapping], object| all.iter().find(|one| one.object == object);
    let there = draft.iter().map(|mapping| {
        let old = of(deployed, mapping.object);
        let change = match old {
            None => Change::Added,
            Some(old) if old == mapping => Change::Same,
            Some(_) => Change::Changed,
        };
        (change, mapping, old)
    });
    let gone = deployed.iter().filter(|old| of(draft, old.object).is_none());
    there.chain(gone.map(|old| (Change::Removed, old, Some(old)))).collect()
}

impl ObjectLine<'_> {
    fn object(&self) -> ObjectKind {
        self.mapping.object
    }

    /// The cells, in the order of [`COLUMNS`].
    #[must_use]
    pub fn cells(&self, pauses: &Pauses) -> Vec<Cell> {
        use RecordState::{Conflict, Excluded, Failing, Gone, Held, InSync, Pending, Waiting};
        let removed = self.change == Change::Removed;
        let name = |text, role| Cell::new(text, if removed { Role::Muted } else { role });
        vec![
            Cell::new(self.change.mark(), self.change.role()),
            name(self.object().plural(), Role::Left),
            Cell::plain(format!(" {}", self.mapping.direction.arrow())),
            name(in_connectwise(self.object()), Role::Right),
            self.count(&[InSync], Role::Ok),
            self.count(&[Pending, Waiting], Role::Wait),
            self.count(&[Conflict, Held, Failing], Role::Warn),
            self.count(&[Excluded, Gone], Role::Muted),
            self.health(pauses),
        ]
    }

    fn count(&self, states: &[RecordState], role: Role) -> Cell {
        let Some(counts) = self.counts else { return Cell::muted(format::NONE) };
        match counts.iter().filter(|(state, _)| states.contains(state)).map(|(_, count)| count).sum() {
            0 => Cell::muted("0"),
            count => Cell::new(grouped(count), role),
        }
    }

    fn found(&self, severity: Severity) -> usize {
        self.findings.iter().flatten().filter(|finding| finding.severity == severity).count()
    }

    /// The gravest thing that there is to say, in a word or two.
    fn health(&self, pauses: &Pauses) -> Cell {
        let (errors, warnings) = (self.found(Severity::Error) as u64, self.found(Severity::Warning) as u64);
        let refused = System::BOTH.into_iter().find(|system| self.rights[*system].role == Role::Error);
        let (text, role) = if self.change == Change::Removed {
            ("removed".to_owned(), Role::Error)
        } else if errors > 0 {
            (counted(errors, "error", "errors"), Role::Error)
        } else if let Some(system) = refused {
            (format!("{} in {system}", self.rights[system].text()), Role::Error)
        } else if let Some(paused) = paused(pauses, self.object()) {
            (paused, Role::Warn)
        } else if warnings > 0 {
            (counted(warnings, "warning", "warnings"), Role::Warn)
        } else if self.findings.is_none() {
            ("not checked".to_owned(), Role::Muted)
        } else {
            ("fine".to_owned(), Role::Ok)
        };
        Cell::new(format!(" {text}"), role)
    }

    /// What the object mapping means, how its records stand, and what is wrong with it.
    #[must_use]
    pub fn detail(&self, pauses: &Pauses, width: usize) -> Vec<Line> {
        if self.change == Change::Removed {
            let text =
                "Removed in the draft: once it is deployed, nothing of them is read or written. u brings it back.";
            return wrapped(text, width).into_iter().map(|text| vec![Cell::new(text, Role::Error)]).collect();
        }
        let mut lines = vec![self.meaning(), self.records()];
        lines.extend(self.worst(width));
        for pause in System::BOTH.into_iter().filter_map(|to| pauses.stops(self.object(), to)) {
            let line = vec![Cell::new(pause.sentence(), Role::Warn)];
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines
    }

    /// The gravest finding, and how many more there are: each stands at its field.
    fn worst(&self, width: usize) -> Vec<Line> {
        let Some(found) = &self.findings else { return Vec::new() };
        let Some(worst) = found.iter().min_by_key(|finding| finding.severity) else { return Vec::new() };
        let role = if worst.severity == Severity::Error { Role::Error } else { Role::Warn };
        let mut lines: Vec<Line> =
            wrapped(&worst.message, width).into_iter().map(|text| vec![Cell::new(text, role)]).collect();
        match found.len() - 1 {
            0 if worst.hint.is_empty() => {}
            0 => lines.extend(wrapped(&worst.hint, width).into_iter().map(|text| vec![Cell::muted(text)])),
            more => lines.push(vec![Cell::muted(format!("and {more} more, each at its field"))]),
        }
        lines
    }

    /// `17 fields, 2 changed in the draft · made in both · matched by domain = website, then name = name`.
    fn meaning(&self) -> Line {
        let fields = counted(self.mapping.fields.len() as u64, "field", "fields");
        let changed = mapping_table::changes(&mapping_table::rows(self.mapping, self.deployed));
        let changed = match self.change {
            Change::Same => String::new(),
            Change::Added => ", new in the draft".to_owned(),
            _ if changed == 0 => ", other settings changed in the draft".to_owned(),
            _ => format!(", {changed} changed in the draft"),
        };
        vec![
            Cell::strong(fields),
            Cell::new(changed, self.change.role()),
            Cell::plain(format!(" · {} · {}", created(self.mapping), matched(self.mapping))),
        ]
    }

    /// `3,012 records: 12 pending, 2,940 in sync`.
    fn records(&self) -> Line {
        let Some(counts) = self.counts else { return vec![Cell::muted("The records are being counted …")] };
        let all: u64 = counts.iter().map(|(_, count)| count).sum();
        if all == 0 {
            return vec![Cell::muted("No record of it was decided on yet.")];
        }
        let mut line = vec![Cell::plain(counted(all, "record", "records"))];
        for (place, (state, count)) in counts.iter().filter(|(_, count)| *count > 0).enumerate() {
            line.push(Cell::plain(if place == 0 { ": " } else { ", " }));
            line.push(Cell::new(format!("{} {}", grouped(*count), state.word()), state_role(*state)));
        }
        line
    }
}

/// `paused`, or to which system.
#[must_use]
pub fn paused(pauses: &Pauses, object: ObjectKind) -> Option<String> {
    let stopped: Vec<&str> =
        System::BOTH.into_iter().filter(|to| pauses.stops(object, *to).is_some()).map(System::name).collect();
    match stopped.as_slice() {
        [] => None,
        [to] => Some(format!("paused to {to}")),
        _ => Some("paused".to_owned()),
    }
}

/// Where missing records are made.
#[must_use]
pub fn created(mapping: &ObjectMapping) -> String {
    let systems: Vec<&str> =
        System::BOTH.into_iter().filter(|system| mapping.creates_in(*system)).map(System::name).collect();
    match systems.as_slice() {
        [] => "made nowhere, only linked".to_owned(),
        [one] => format!("made in {one} only"),
        _ => "made in both".to_owned(),
    }
}

fn matched(mapping: &ObjectMapping) -> String {
    let rules: Vec<String> = mapping.matching.iter().map(crate::mapping::MatchRule::in_words).collect();
    if rules.is_empty() { "matched by nothing".to_owned() } else { format!("matched by {}", rules.join(", then ")) }
}

/// `HubSpot Deals ↔ ConnectWise Opportunities`, for questions.
#[must_use]
pub fn pair(object: ObjectKind, direction: Direction) -> Line {
    vec![
        Cell::new(object.plural(), Role::Left),
        Cell::plain(format!(" {} ", direction.arrow())),
        Cell::new(in_connectwise(object), Role::Right),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::defaults;
    use crate::model::{Pause, PauseScope, Timestamp};
    use crate::view::cell::{line_text, plain_text};
    use crate::view::table::Table;

    const COUNTS: [(RecordState, u64); 4] =
        [(RecordState::Held, 3), (RecordState::Pending, 12), (RecordState::InSync, 2940), (RecordState::Excluded, 57)];

    fn line<'a>(mapping: &'a ObjectMapping, findings: Option<Vec<&'a Finding>>) -> ObjectLine<'a> {
        let rights = BySystem::new(Cell::empty(), Cell::empty());
        ObjectLine { change: Change::Same, mapping, deployed: Some(mapping), counts: Some(&COUNTS), findings, rights }
    }

    fn finding(severity: Severity) -> Finding {
        Finding {
            severity,
            object: Some(ObjectKind::Company),
            field: None,
            message: "Something is wrong.".into(),
            hint: "Put it right.".into(),
            missing: None,
        }
    }

    fn health(line: &ObjectLine<'_>, pauses: &Pauses) -> (String, Role) {
        let cell = line.health(pauses);
        (cell.text().trim().to_owned(), cell.role)
    }

    #[test]
    fn a_row_counts_what_is_fine_what_moves_and_what_needs_a_person() {
        let company = defaults::company();
        let line = line(&company, Some(Vec::new()));
        let table = Table::new(&COLUMNS, 100);
        assert_eq!(
            line_text(&table.row(&line.cells(&Pauses::default()))),
            "  Companies   ↔  Companies          2,940       12       3       57  fine"
        );
        let text = plain_text(&line.detail(&Pauses::default(), 78));
        assert!(text.contains("made in both · matched by domain = website, then name = name"), "{text}");
        assert!(text.contains("3,012 records: 3 held, 12 pending, 2,940 in sync, 57 excluded"), "{text}");
    }

    #[test]
    fn the_gravest_thing_is_what_a_row_says_of_its_health() {
        let company = defaults::company();
        let (error, warning) = (finding(Severity::Error), finding(Severity::Warning));
        let scope = PauseScope::new(Some(ObjectKind::Company), Some(System::HubSpot));
        let paused = Pauses::new(vec![Pause { scope, by: "ann".into(), since: Timestamp(0), note: None }]);
        let none = Pauses::default();
        assert_eq!(health(&line(&company, None), &none), ("not checked".to_owned(), Role::Muted));
        assert_eq!(health(&line(&company, Some(vec![&warning])), &none), ("1 warning".to_owned(), Role::Warn));
        assert_eq!(
            health(&line(&company, Some(vec![&warning])), &paused),
            ("paused to HubSpot".to_owned(), Role::Warn)
        );
        let mut refused = line(&company, Some(vec![&warning]));
        refused.rights.connectwise = Cell::new("no create", Role::Error);
        assert_eq!(health(&refused, &paused), ("no create in ConnectWise".to_owned(), Role::Error));
        refused.findings = Some(vec![&warning, &error]);
        assert_eq!(health(&refused, &paused), ("1 error".to_owned(), Role::Error));
        refused.change = Change::Removed;
        assert_eq!(health(&refused, &paused).0, "removed");
    }

    #[test]
    fn objects_that_were_added_and_removed_are_marked() {
        let draft = [defaults::company(), defaults::product()];
        let deployed = [defaults::contact(), defaults::company()];
        let marks: Vec<_> =
            changes(&draft, &deployed).into_iter().map(|(change, of, _)| (change.mark(), of.object)).collect();
        assert_eq!(marks, [("", ObjectKind::Company), ("+", ObjectKind::Product), ("-", ObjectKind::Contact)]);
    }
}
