//! The live diff: both sides of a pair and what they last agreed on, field by field, and what happens next.

use super::cell::{Cell, Line, Role, clipped, line_width, spread};
use super::format;
use super::record_list::state_role;
use super::relatives::Relatives;
use super::table::{Column, Table};
use crate::engine::core::plan::{FieldNext, FieldPlan, PairDecision, PairPlan};
use crate::engine::core::state::{Link, LinkOrigin, LinkState, Observation};
use crate::model::text::printable;
use crate::model::{BySystem, FieldDef, RecordRef, Schema, System, Timestamp, Value};

/// Everything the record screen shows, borrowed from whoever looked it up.
#[derive(Clone, Copy)]
pub struct RecordPanel<'a> {
    pub plan: &'a PairPlan,
    pub link: Option<&'a Link>,
    /// The two records as last read.
    pub observations: BySystem<Option<&'a Observation>>,
    /// For labels; names and keys are shown where there are none.
    pub schemas: Option<&'a BySystem<Schema>>,
    /// For references; ids are shown where there are none.
    pub relatives: Option<&'a Relatives>,
    pub now: Timestamp,
}

/// Which fields are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// Those that differ, or all where none does.
    #[default]
    Differing,
    All,
}

/// The columns of the diff; the narrow ones hold the marks.
pub const COLUMNS: [Column; 7] = [
    Column::flexible("field", 14, 2).at_most(28),
    Column::fixed("", 1),
    Column::flexible("HubSpot", 10, 3),
    Column::flexible("agreed", 10, 2),
    Column::fixed("", 1),
    Column::flexible("ConnectWise", 10, 3),
    Column::fixed("next", 9).right(),
];

impl<'a> RecordPanel<'a> {
    /// What the schema says about one side of a field mapping.
    #[must_use]
    pub fn definition(&self, field: &FieldPlan, system: System) -> Option<&'a FieldDef> {
        self.schemas?[system].field(field.names[system].as_str())
    }

    /// What people call the field: its label in HubSpot, its name where there is none.
    #[must_use]
    pub fn label(&self, field: &'a FieldPlan) -> &'a str {
        self.definition(field, System::HubSpot).map_or(field.names.hubspot.as_str(), |def| &def.label)
    }

    /// The value of one side, as people read it there: as the system told it, where that is known; of a reference, the
    /// name of the record. Two records of the same name are told apart by their ids.
    #[must_use]
    pub fn value(&self, field: &FieldPlan, system: System) -> String {
        let shown = |system: System| {
            let told = self.observations[system].and_then(|seen| seen.record.fields.get(&field.names[system]));
            (self.text(self.definition(field, system), system, told.unwrap_or(&field.values[system])), told)
        };
        let (text, told) = shown(system);
        let settled = matches!(field.next, FieldNext::Same | FieldNext::Agree);
        let raw = format::value(told.unwrap_or(&field.values[system]), self.definition(field, system));
        if settled || text == raw || text != shown(system.other()).0 { text } else { format!("{text} ({raw})") }
    }

    /// A value that `system` holds, as people read it; of a reference, the name of the record.
    #[must_use]
    pub fn text(&self, definition: Option<&FieldDef>, system: System, value: &Value) -> String {
        let named = self.relatives.and_then(|relatives| relatives.named(definition, system, value));
        named.map_or_else(|| format::value(value, definition), |name| printable(&name).into_owned())
    }

    /// The value both sides last agreed on, as `system` holds it.
    #[must_use]
    pub fn agreed(&self, field: &FieldPlan, system: System) -> Option<String> {
        field.agreed.as_ref().map(|agreed| self.text(self.definition(field, system), system, agreed.of(system)))
    }

    /// The fields to list, in the order of the mapping.
    #[must_use]
    pub fn fields(&self, shown: Shown) -> Vec<&'a FieldPlan> {
        let all = self.plan.fields.iter();
        match shown {
            Shown::Differing if self.differing() > 0 => all.filter(|field| differs(field)).collect(),
            Shown::Differing | Shown::All => all.collect(),
        }
    }

    /// How many fields are not simply the same.
    #[must_use]
    pub fn differing(&self) -> usize {
        self.plan.fields.iter().filter(|field| differs(field)).count()
    }

    /// `3 differ · 11 same hidden`.
    #[must_use]
    pub fn footer(&self, shown: Shown) -> String {
        let (differ, total) = (self.differing(), self.plan.fields.len());
        let same = total - differ;
        match (shown, differ) {
            (_, 0) if total == 0 => "No fields are mapped".to_owned(),
            (_, 0) if self.plan.hubspot.is_none() || self.plan.connectwise.is_none() => {
                format!("no partner · all {total} shown")
            }
            (_, 0) if self.plan.fields.iter().any(|field| !self.is_compared(field)) => {
                format!("not compared while it is {} · all {total} shown", self.plan.state().word())
            }
            (_, 0) => format!("0 differ · all {total} shown"),
            (Shown::Differing, _) if same > 0 => format!("{differ} differ · {same} same hidden"),
            _ => format!("{differ} differ · {same} same"),
        }
    }

    /// Two lines: what it is and how fresh, and where it lives on both sides.
    #[must_use]
    pub fn header(&self, width: usize) -> [Line; 2] {
        let plan = self.plan;
        let state = plan.state();
        let mut title = vec![Cell::muted(plan.object.plural()), Cell::muted(" › "), Cell::strong(&plan.name)];
        title.extend(self.relatives.into_iter().flat_map(family));
        let fresh = [
            Cell::new(state.word(), state_role(state)),
            Cell::plain("   "),
            Cell::muted(read_age(self.observations, self.now)),
        ];
        let ids = [
            Cell::new(side_id(plan, System::HubSpot), Role::Left),
            Cell::plain("    "),
            Cell::new(side_id(plan, System::ConnectWise), Role::Right),
        ];
        // the ids are read and typed elsewhere: how they were linked gives way
        let linked = clipped(&[Cell::muted(self.linked())], width.saturating_sub(line_width(&ids) + 1));
        [spread(&title, &fresh, width), spread(&ids, &linked, width)]
    }

    /// When and how the two became one.
    #[must_use]
    pub fn linked(&self) -> String {
        let Some(link) = self.link else { return "not linked".to_owned() };
        let how = match &link.origin {
            LinkOrigin::Created(system) => format!("created in {system}"),
            LinkOrigin::Stamp => "by the key one carries of the other".to_owned(),
            LinkOrigin::Match(rule) => format!("by {rule}"),
            LinkOrigin::Person => "by a person".to_owned(),
        };
        let word = match link.state {
            LinkState::Active => "linked",
            LinkState::Tomb => "link ended, one side is gone; linked",
            LinkState::Unlinked => "unlinked by a person; linked",
        };
        format!("{word} {} {how}", format::day(link.created))
    }

    /// One row, in the order of [`COLUMNS`].
    #[must_use]
    pub fn row(&self, field: &'a FieldPlan) -> Vec<Cell> {
        let [left, right] = marks(field);
        let (next, role) = self.next(field);
        let (hubspot, connectwise) = (self.value(field, System::HubSpot), self.value(field, System::ConnectWise));
        let settled = matches!(field.next, FieldNext::Same | FieldNext::Agree) && self.is_compared(field);
        // a record without a partner has nothing to be the same as
        let is_pair = self.plan.hubspot.is_some() && self.plan.connectwise.is_some();
        let same = settled && is_pair && hubspot == connectwise;
        let mapped = settled && is_pair && !same;
        let agreed = self.agreed(field, System::HubSpot).unwrap_or_else(|| format::NONE.to_owned());
        // what both hold unchanged is what they agreed on, however it was written then
        let as_agreed = same && (agreed == hubspot || (field.agreed.is_some() && !any_changed(field)));
        vec![
            Cell::new(self.label(field), if settled { Role::Muted } else { Role::Text }),
            Cell::new(left, role),
            Cell::new(&hubspot, side_role(field, System::HubSpot)),
            Cell::muted(if as_agreed { "=" } else { &agreed }),
            Cell::new(right, role),
            Cell::new(if same { "=" } else { &connectwise }, side_role(field, System::ConnectWise)),
            Cell::new(if mapped && field.next == FieldNext::Same { "= mapped" } else { next }, role),
        ]
    }

    /// What happens to the field next, in a word: a write of a pair that is held back is none, and what is not compared
    /// shares the pair's state.
    #[must_use]
    pub fn next(&self, field: &FieldPlan) -> (&'static str, Role) {
        let is_held_back = matches!(field.next, FieldNext::Write { .. }) && !self.goes();
        if is_held_back || !self.is_compared(field) {
            let state = self.plan.state();
            return (state.word(), state_role(state));
        }
        (next_word(&field.next), next_role(&field.next))
    }

    /// Whether the pair as a whole lets its fields cross.
    const fn goes(&self) -> bool {
        matches!(
            self.plan.decision,
            PairDecision::Write(_) | PairDecision::Link { .. } | PairDecision::InStep | PairDecision::Agree
        )
    }

    /// Whether anybody looked if the two sides of a linked pair agree on a field: of one that is held or gone as a whole,
    /// nobody does.
    fn is_compared(&self, field: &FieldPlan) -> bool {
        self.goes() || self.plan.link.is_none() || field.next != FieldNext::Same || !field.rule.is_empty()
    }

    /// The diff as lines: heading, rows and the count of what is hidden.
    #[must_use]
    pub fn lines(&self, shown: Shown, width: usize) -> Vec<Line> {
        let table = Table::new(&COLUMNS, width);
        let rows: Vec<_> = self.fields(shown).into_iter().map(|field| self.row(field)).collect();
        let mut lines = table.lines(rows.iter().map(Vec::as_slice));
        lines.push(vec![Cell::muted(self.footer(shown))]);
        lines
    }
}

/// ` of Kestrel Dental (in sync)`, ` with 3 contacts`.
fn family(relatives: &Relatives) -> Line {
    let mut line = Line::new();
    for above in relatives.above() {
        line.extend([Cell::muted(" of "), Cell::plain(&above.name)]);
        // one cell, so that a cut inside it is marked
        line.push(Cell::new(format!(" ({})", above.state.word()), state_role(above.state)));
    }
    let counts = relatives.counts();
    if !counts.is_empty() {
        line.push(Cell::muted(format!(" with {}", counts.join(", "))));
    }
    line
}

/// Whether the field is worth a look: something happens to it, or should.
#[must_use]
pub const fn differs(field: &FieldPlan) -> bool {
    !matches!(field.next, FieldNext::Same)
}

/// Whether either side changed the field since they agreed on it.
#[must_use]
pub const fn any_changed(field: &FieldPlan) -> bool {
    field.changed.hubspot || field.changed.connectwise
}

/// What happens next, in a word.
#[must_use]
pub const fn next_word(next: &FieldNext) -> &'static str {
    match next {
        FieldNext::Same => "",
        FieldNext::Agree => "agrees",
        FieldNext::Write { to: System::ConnectWise, .. } => "→ write",
        FieldNext::Write { to: System::HubSpot, .. } => "← write",
        FieldNext::Tolerate => "tolerated",
        FieldNext::Decide => "decide",
        FieldNext::Stuck => "stuck",
        FieldNext::Wait => "waits",
        FieldNext::Frozen => "frozen",
        FieldNext::Undecided { .. } => "held",
    }
}

/// The role of what happens next.
#[must_use]
pub const fn next_role(next: &FieldNext) -> Role {
    match next {
        FieldNext::Same | FieldNext::Tolerate | FieldNext::Frozen => Role::Muted,
        FieldNext::Agree => Role::Ok,
        FieldNext::Write { .. } | FieldNext::Wait => Role::Wait,
        FieldNext::Decide | FieldNext::Undecided { .. } => Role::Warn,
        FieldNext::Stuck => Role::Error,
    }
}

/// The marks before the two values: `!` needs a person, `>` and `<` are taken across, `=` came to the same.
fn marks(field: &FieldPlan) -> [&'static str; 2] {
    let at_changed = |mark| {
        let none = !any_changed(field);
        [System::HubSpot, System::ConnectWise].map(|system| if none || field.changed[system] { mark } else { "" })
    };
    match &field.next {
        FieldNext::Decide | FieldNext::Stuck | FieldNext::Undecided { .. } => at_changed("!"),
        FieldNext::Write { to: System::ConnectWise, .. } => [">", ""],
        FieldNext::Write { to: System::HubSpot, .. } => ["", "<"],
        FieldNext::Agree => ["=", "="],
        FieldNext::Same | FieldNext::Tolerate | FieldNext::Wait | FieldNext::Frozen => ["", ""],
    }
}

fn side_role(field: &FieldPlan, system: System) -> Role {
    if field.next == FieldNext::Same || field.values[system].is_empty() { Role::Muted } else { Role::of(system) }
}

fn side_id(plan: &PairPlan, system: System) -> String {
    let id = match system {
        System::HubSpot => plan.hubspot,
        System::ConnectWise => plan.connectwise,
    };
    id.map_or_else(|| format!("{system} –"), |id| format!("{system} {id}"))
}

/// `read 4 s ago`, by the older of the two readings; says which side was never read.
fn read_age(observations: BySystem<Option<&Observation>>, now: Timestamp) -> String {
    let both = || [observations.hubspot, observations.connectwise].into_iter().flatten();
    if let Some(doubtful) = both().find(|observation| observation.is_in_doubt()) {
        return format!("to be read again in {}", doubtful.of.system);
    }
    let seen = both().map(|observation| observation.seen).min();
    seen.map_or_else(|| "not read yet".to_owned(), |at| format!("read {} ago", format::age(now.since(at))))
}

/// The record that a pair is asked about: the HubSpot one where there is one.
#[must_use]
pub fn anchor(plan: &PairPlan) -> Option<RecordRef> {
    let left = plan.hubspot.map(|id| RecordRef::new(plan.object, System::HubSpot, id));
    left.or_else(|| plan.connectwise.map(|id| RecordRef::new(plan.object, System::ConnectWise, id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RecordId, Value};
    use crate::view::cell::line_text;
    use crate::view::testing::{NOW, acme, company, field, link, observation, schemas};

    fn panel<'a>(plan: &'a PairPlan, schemas: &'a BySystem<Schema>) -> RecordPanel<'a> {
        RecordPanel {
            plan,
            link: None,
            observations: BySystem::default(),
            schemas: Some(schemas),
            relatives: None,
            now: NOW,
        }
    }

    fn text(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| line_text(line)).collect()
    }

    #[test]
    fn only_what_differs_is_listed_until_all_is_asked_for() {
        let (plan, schemas) = (acme(), schemas());
        let panel = panel(&plan, &schemas);
        assert_eq!(
            text(&panel.lines(Shown::Differing, 78)),
            [
                "field            HubSpot            agreed         ConnectWise            next",
                "Phone          ! +1 555 0100        +1 555 0000  ! +1 555 0199          decide",
                "City           > Austin             Dallas         Dallas              → write",
                "Zip              75001              75001        < 73301               ← write",
                "3 differ · 2 same hidden",
            ]
        );
        let all = text(&panel.lines(Shown::All, 78));
        assert_eq!(all.len(), 7);
        assert_eq!(all[1], "Name             Acme Dental Group  =              =");
        assert_eq!(all[5], "type             Customer           Customer       Client             = mapped");
        assert_eq!(all[6], "3 differ · 2 same");
    }

    #[test]
    fn values_are_shown_as_the_systems_told_them() {
        let (mut plan, schemas) = (acme(), schemas());
        plan.fields[1].next = FieldNext::Same;
        plan.fields[1].values = BySystem::new(Value::text("5550100"), Value::text("5550100"));
        plan.fields[1].changed = BySystem::new(false, false);
        let mut left = observation(company(System::HubSpot, 1), 4, None);
        left.record.fields.insert("phone".into(), Value::text("(555) 0100"));
        let mut right = observation(company(System::ConnectWise, 2), 4, None);
        let before = right.clone();
        right.record.fields.insert("phoneNumber".into(), Value::text("(555) 0100"));
        let seen =
            |right| RecordPanel { observations: BySystem::new(Some(&left), Some(right)), ..panel(&plan, &schemas) };
        let cells = |row: Vec<Cell>| [2, 3, 5, 6].map(|at: usize| row[at].text().to_owned());
        assert_eq!(cells(seen(&before).row(&plan.fields[1])), ["(555) 0100", "+1 555 0000", "5550100", "= mapped"]);
        assert_eq!(cells(seen(&right).row(&plan.fields[1])), ["(555) 0100", "=", "=", ""]);
    }

    #[test]
    fn a_pair_that_is_held_back_promises_no_writes() {
        let schemas = schemas();
        let cases = [
            (PairDecision::InStep, "→ write"),
            (PairDecision::Hold { reason: "no name".into() }, "held"),
            (PairDecision::Wait { reason: "an earlier write".into() }, "waiting"),
            (PairDecision::Exclude { reason: "own company".into() }, "excluded"),
        ];
        for (decision, expected) in cases {
            let plan = PairPlan { decision, ..acme() };
            assert_eq!(panel(&plan, &schemas).next(&plan.fields[2]).0, expected);
        }
    }

    #[test]
    fn where_nothing_differs_all_fields_are_shown() {
        let mut plan = acme();
        plan.fields.retain(|field| field.next == FieldNext::Same);
        let schemas = schemas();
        let panel = panel(&plan, &schemas);
        assert_eq!(panel.fields(Shown::Differing).len(), 2);
        assert_eq!(panel.footer(Shown::Differing), "0 differ · all 2 shown");
    }

    #[test]
    fn every_next_step_has_a_word_and_its_marks() {
        let (a, b) = (Value::text("a"), Value::text("b"));
        let agreed = || Some((Value::text("a"), Value::text("a")));
        let to = |to| FieldNext::Write { to, value: Value::text("b"), loser: None };
        let cases = [
            (FieldNext::Same, "", ["", ""]),
            (FieldNext::Agree, "agrees", ["=", "="]),
            (to(System::ConnectWise), "→ write", [">", ""]),
            (to(System::HubSpot), "← write", ["", "<"]),
            (FieldNext::Tolerate, "tolerated", ["", ""]),
            (FieldNext::Decide, "decide", ["", "!"]),
            (FieldNext::Stuck, "stuck", ["", "!"]),
            (FieldNext::Frozen, "frozen", ["", ""]),
            (FieldNext::Undecided { to: System::ConnectWise }, "held", ["", "!"]),
        ];
        for (next, word, expected) in cases {
            let field = field(("x", "y"), a.clone(), agreed(), b.clone(), next);
            assert_eq!(next_word(&field.next), word);
            assert_eq!(marks(&field), expected, "{word}");
        }
        let never = field(("x", "y"), a, None, b, FieldNext::Decide);
        assert_eq!(marks(&never), ["!", "!"]);
    }

    #[test]
    fn the_header_says_what_where_how_linked_and_how_fresh() {
        let (mut plan, schemas, link) = (acme(), schemas(), link());
        let left = observation(company(System::HubSpot, 18_273_645), 4, None);
        let right = observation(company(System::ConnectWise, 4021), 2, None);
        let full = RecordPanel {
            link: Some(&link),
            observations: BySystem::new(Some(&left), Some(&right)),
            ..panel(&plan, &schemas)
        };
        assert_eq!(
            squeezed(&full.header(79)),
            [
                "Companies › Acme Dental Group conflict read 4 s ago",
                "HubSpot 18273645 ConnectWise 4021 linked 2026-03-02 by domain = website",
            ]
        );
        let narrow = line_text(&full.header(60)[1]);
        assert_eq!(narrow, "HubSpot 18273645    ConnectWise 4021 linked 2026-03-02 by d…");
        plan.connectwise = None;
        plan.hubspot = Some(RecordId(5));
        assert_eq!(squeezed(&panel(&plan, &schemas).header(60))[1], "HubSpot 5 ConnectWise – not linked");
    }

    #[test]
    fn a_reference_shows_the_name_of_the_record_and_tells_namesakes_apart() {
        let kind = crate::model::FieldKind::Reference(crate::model::ObjectKind::Company);
        let mut schemas = schemas();
        for (system, name) in [(System::HubSpot, "parent"), (System::ConnectWise, "company")] {
            schemas[system].fields.push(FieldDef { kind, ..crate::view::testing::text_field(name) });
            schemas[system].fields.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let state = crate::engine::core::state::RecordState::InSync;
        let relatives = Relatives::default()
            .with_above(company(System::HubSpot, 5), "Kestrel Dental", state)
            .with_above(company(System::ConnectWise, 6), "Kestrel Dental", state);
        let shown = |hubspot: &str, connectwise: &str, next| {
            let names = ("parent", "company");
            let (hubspot, connectwise) = (Value::text(hubspot), Value::text(connectwise));
            let plan = PairPlan { fields: vec![field(names, hubspot, None, connectwise, next)], ..acme() };
            let panel = RecordPanel { relatives: Some(&relatives), ..panel(&plan, &schemas) };
            System::BOTH.map(|system| panel.value(&plan.fields[0], system))
        };
        assert_eq!(shown("5", "6", FieldNext::Same), ["Kestrel Dental", "Kestrel Dental"]);
        assert_eq!(shown("5", "6", FieldNext::Decide), ["Kestrel Dental (5)", "Kestrel Dental (6)"]);
        assert_eq!(shown("5", "99", FieldNext::Decide), ["Kestrel Dental", "99"], "what is not known keeps its id");
        assert_eq!(shown("", "6", FieldNext::Wait), ["–", "Kestrel Dental"]);
        let plan = acme();
        let panel = RecordPanel { relatives: Some(&relatives), ..panel(&plan, &schemas) };
        let heads = [100, 74].map(|width| squeezed(&panel.header(width))[0].clone());
        assert!(heads[0].starts_with("Companies › Acme Dental Group of Kestrel Dental (in sync) "), "{heads:?}");
        assert!(heads[1].contains("of Kestrel Dental (… conflict"), "a cut is marked: {heads:?}");
    }

    /// The lines with runs of blanks made one; each must fill its width.
    fn squeezed(lines: &[Line]) -> Vec<String> {
        text(lines).iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}
