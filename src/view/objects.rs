//! The mapped objects on Connections: how far each system's records are known, and what may be done with them.

use super::format;
use super::{Cell, Role};
use crate::model::{BySystem, Checked, Checkup, Grade, ObjectKind, Right, System, Timestamp, Verb};

/// Every mapped object, and what the doctor saw when it looked last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Objects {
    pub rows: Vec<ObjectRow>,
    pub checkup: Option<Checkup>,
}

/// One mapped object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    pub object: ObjectKind,
    pub sides: BySystem<ObjectSide>,
}

/// One mapped object in one system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectSide {
    /// Records that were read and are there still.
    pub known: u64,
    /// When its changes were last read to their end, in the engine's time; none while that never happened.
    pub read: Option<Timestamp>,
    /// What the configuration does with its records.
    pub wants: Vec<Verb>,
}

impl Objects {
    #[must_use]
    pub fn row(&self, object: ObjectKind) -> Option<&ObjectRow> {
        self.rows.iter().find(|row| row.object == object)
    }

    /// What may be done with an object, in a word or two: what is missing, else what is allowed.
    #[must_use]
    pub fn rights(&self, object: ObjectKind, system: System, paused: bool) -> Cell {
        let Some(row) = self.row(object) else { return Cell::muted(format::NONE) };
        let wants = &row.sides[system].wants;
        let access = self.checkup.as_ref().and_then(|checkup| checkup.access(system, object)).unwrap_or_default();
        let known: Vec<(Verb, Option<Right>)> = wants.iter().map(|verb| (*verb, access.of(*verb))).collect();
        if known.iter().all(|(_, right)| right.is_none()) {
            return if paused { Cell::new("paused", Role::Warn) } else { Cell::muted("not checked") };
        }
        if let Some(denied) = denied(&known) {
            return Cell::new(denied, Role::Error);
        }
        let problems = self.findings(object, system).filter(|finding| finding.grade == Grade::Problem).count();
        if problems > 0 {
            return Cell::new(format::counted(problems as u64, "problem", "problems"), Role::Error);
        }
        allowed(&known, paused)
    }

    /// What the doctor found about an object in one system, gravest first; nothing that is fine.
    pub fn findings(&self, object: ObjectKind, system: System) -> impl Iterator<Item = &Checked> {
        let all = self.checkup.iter().flat_map(|checkup| &checkup.findings);
        let about =
            move |finding: &&Checked| finding.object == Some(object) && finding.system.is_none_or(|of| of == system);
        let mut found: Vec<&Checked> = all.filter(about).filter(|finding| finding.grade != Grade::Fine).collect();
        found.sort_by_key(|finding| finding.grade);
        found.into_iter()
    }
}

/// What is not allowed, where something is not.
fn denied(known: &[(Verb, Option<Right>)]) -> Option<&'static str> {
    let wanted = |verb| known.iter().any(|(of, _)| *of == verb);
    let refused = |verb| known.contains(&(verb, Some(Right::Denied)));
    let writes = [Verb::Create, Verb::Update];
    let no_write = writes.into_iter().any(wanted) && writes.into_iter().all(|verb| !wanted(verb) || refused(verb));
    match (refused(Verb::Read), no_write) {
        (true, true) => Some("no access"),
        (true, false) => Some("no read"),
        (false, true) => Some("no write"),
        (false, false) if refused(Verb::Create) => Some("no create"),
        (false, false) if refused(Verb::Update) => Some("no update"),
        (false, false) => None,
    }
}

/// `read, write`; with a question mark where it is not certain.
fn allowed(known: &[(Verb, Option<Right>)], paused: bool) -> Cell {
    let certain = |of: &[Verb]| {
        let rights = known.iter().filter(|(verb, _)| of.contains(verb)).map(|(_, right)| *right);
        rights.fold(None, |all, right| Some(all.unwrap_or(true) && right == Some(Right::Allowed)))
    };
    let (reads, writes) = (certain(&[Verb::Read]), certain(&[Verb::Create, Verb::Update]));
    let words = [(reads, "read"), (writes, if paused { "paused" } else { "write" })].into_iter();
    let words = words.filter_map(|(certain, word)| Some(format!("{word}{}", if certain? { "" } else { "?" })));
    let role = if paused || reads == Some(false) || writes == Some(false) { Role::Warn } else { Role::Ok };
    Cell::new(words.collect::<Vec<_>>().join(", "), role)
}

/// `9,214` or `1.2 M`: at most seven columns.
#[must_use]
pub fn amount(number: u64) -> String {
    if number < 1_000_000 {
        format::grouped(number)
    } else {
        format!("{}.{} M", number / 1_000_000, number / 100_000 % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Access, ObjectAccess};

    const CONTACT: ObjectKind = ObjectKind::Contact;

    fn objects(wants: &[Verb], access: Option<Access>, findings: Vec<Checked>) -> Objects {
        let side = ObjectSide { wants: wants.to_vec(), ..ObjectSide::default() };
        let rows = vec![ObjectRow { object: CONTACT, sides: BySystem::new(side.clone(), side) }];
        let access = access.map(|access| ObjectAccess { system: System::HubSpot, object: CONTACT, access });
        Objects { rows, checkup: Some(Checkup { at: Timestamp(0), findings, access: access.into_iter().collect() }) }
    }

    fn access(read: Right, create: Right, update: Right) -> Option<Access> {
        Some(Access { read: Some(read), create: Some(create), update: Some(update) })
    }

    #[test]
    fn what_is_missing_is_told_before_what_is_allowed() {
        use Right::{Allowed as A, Denied as D, Unclear as U};
        let table = [
            (access(A, A, A), "read, write", Role::Ok),
            (access(D, A, A), "no read", Role::Error),
            (access(D, D, D), "no access", Role::Error),
            (access(A, D, D), "no write", Role::Error),
            (access(A, D, A), "no create", Role::Error),
            (access(A, A, D), "no update", Role::Error),
            (access(A, A, U), "read, write?", Role::Warn),
            (access(U, U, U), "read?, write?", Role::Warn),
            (None, "not checked", Role::Muted),
        ];
        for (access, text, role) in table {
            let cell = objects(&Verb::ALL, access, Vec::new()).rights(CONTACT, System::HubSpot, false);
            assert_eq!((cell.text(), cell.role), (text, role), "{access:?}");
        }
        let paused = objects(&Verb::ALL, access(A, A, A), Vec::new()).rights(CONTACT, System::HubSpot, true);
        assert_eq!((paused.text(), paused.role), ("read, paused", Role::Warn));
    }

    #[test]
    fn only_what_the_configuration_does_counts() {
        use Right::{Allowed as A, Denied as D};
        let one_way = objects(&[Verb::Read], access(A, D, D), Vec::new());
        assert_eq!(one_way.rights(CONTACT, System::HubSpot, false).text(), "read");
        let updates = objects(&[Verb::Read, Verb::Update], access(A, A, D), Vec::new());
        assert_eq!(updates.rights(CONTACT, System::HubSpot, false).text(), "no write");
        let wider = Some(Access { read: Some(A), ..Access::default() });
        let wider = objects(&Verb::ALL, wider, Vec::new());
        assert_eq!(
            wider.rights(CONTACT, System::HubSpot, false).text(),
            "read, write?",
            "it writes since the last look"
        );
        assert_eq!(one_way.rights(CONTACT, System::ConnectWise, false).text(), "not checked");
    }

    #[test]
    fn a_problem_that_is_no_right_is_counted_with_those_of_its_system_alone() {
        let finding = |grade, system, object| Checked {
            grade,
            system,
            object,
            what: "The property is missing.".into(),
            hurts: Vec::new(),
            remedy: String::new(),
        };
        let found = vec![
            finding(Grade::Warning, Some(System::HubSpot), Some(CONTACT)),
            finding(Grade::Problem, Some(System::HubSpot), Some(CONTACT)),
            finding(Grade::Problem, None, Some(CONTACT)),
            finding(Grade::Problem, Some(System::ConnectWise), Some(CONTACT)),
            finding(Grade::Problem, Some(System::HubSpot), Some(ObjectKind::Company)),
            finding(Grade::Fine, Some(System::HubSpot), Some(CONTACT)),
        ];
        let all = access(Right::Allowed, Right::Allowed, Right::Allowed);
        let objects = objects(&Verb::ALL, all, found);
        assert_eq!(objects.rights(CONTACT, System::HubSpot, false).text(), "2 problems");
        let grades: Vec<Grade> = objects.findings(CONTACT, System::HubSpot).map(|finding| finding.grade).collect();
        assert_eq!(grades, [Grade::Problem, Grade::Problem, Grade::Warning]);
    }

    #[test]
    fn amounts_fit_into_their_column() {
        let table = [(0, "0"), (999_999, "999,999"), (1_000_000, "1.0 M"), (12_345_678, "12.3 M")];
        for (number, text) in table {
            assert_eq!(amount(number), text);
        }
    }
}
