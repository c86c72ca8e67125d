//! What a run would do now: the answer of `lockstep plan`, as text and as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cell::{Cell, Line, Role, line_width, wrapped};
use super::record_list::state_role;
use super::run::{CountsReport, count_lines, hanging, object_line};
use super::{format, why};
use crate::engine::core::plan::{FieldNext, PairDecision, PairPlan, PlannedWrite};
use crate::engine::core::state::{Counts, IntentKind, RecordState};
use crate::model::{ObjectKind, System};

/// Plans added up, with the first ones kept in full.
#[derive(Debug, Clone)]
pub struct PlanSummary {
    total: Tally,
    /// By object, in the order of parents and children.
    objects: BTreeMap<ObjectKind, Tally>,
    /// Those with something to tell, as far as there was room.
    listed: Vec<PlannedPair>,
    room: usize,
    /// Pairs with something to tell for which there was no room.
    pub omitted: u64,
}

/// What there is of one object in a plan, or of all of them.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    counts: Counts,
    /// Pairs that were looked at.
    pairs: u64,
}

/// One pair with something to tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedPair {
    pub object: &'static str,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hubspot: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connectwise: Option<u64>,
    pub state: RecordState,
    /// What happens to the pair, in a sentence.
    pub decision: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<PlannedWriteReport>,
    /// Fields that wait for a person, each with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<String>,
}

/// One remote write as data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedWriteReport {
    pub system: System,
    pub kind: IntentKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<u64>,
    pub fields: Vec<PlannedFieldReport>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedFieldReport {
    pub field: String,
    pub before: String,
    pub after: String,
    pub why: String,
}

/// The whole plan as `lockstep plan --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanReport<'a> {
    #[serde(flatten)]
    pub counts: CountsReport,
    pub looked_at: u64,
    /// The same numbers for each object by its word.
    pub objects: BTreeMap<&'static str, ObjectReport>,
    pub pairs: &'a [PlannedPair],
    pub omitted: u64,
}

/// What there is of one object in a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectReport {
    #[serde(flatten)]
    pub counts: CountsReport,
    pub looked_at: u64,
}

impl PlanSummary {
    /// Keeps at most `room` pairs in full; all are counted.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self { total: Tally::default(), objects: BTreeMap::new(), listed: Vec::new(), room, omitted: 0 }
    }

    pub fn add(&mut self, plan: &PairPlan) {
        self.total.count(plan);
        self.objects.entry(plan.object).or_default().count(plan);
        if !tells(plan) {
            return;
        }
        if self.listed.len() < self.room {
            self.listed.push(PlannedPair::from(plan));
        } else {
            self.omitted += 1;
        }
    }

    #[must_use]
    pub fn report(&self) -> PlanReport<'_> {
        let Tally { counts, pairs } = self.total;
        let of = |tally: &Tally| ObjectReport { counts: tally.counts.into(), looked_at: tally.pairs };
        let objects = self.objects.iter().map(|(object, tally)| (object.key(), of(tally))).collect();
        PlanReport { counts: counts.into(), looked_at: pairs, objects, pairs: &self.listed, omitted: self.omitted }
    }

    /// For a shell: the numbers first, then each pair with its writes.
    #[must_use]
    pub fn lines(&self, width: usize) -> Vec<Line> {
        let looked = format::counted(self.total.pairs, "pair", "pairs");
        let mut lines = vec![vec![Cell::strong(format!("Plan for {looked}; nothing was written."))]];
        lines.extend(count_lines(&self.total.counts).into_iter().flat_map(|line| hanging(line, width)));
        if self.objects.len() > 1 {
            let of = |(object, tally): (&ObjectKind, &Tally)| object_line(*object, tally.pairs, &tally.counts);
            lines.extend(self.objects.iter().map(of).flat_map(|line| hanging(line, width)));
        }
        for pair in &self.listed {
            lines.push(Line::new());
            lines.extend(pair.lines(width));
        }
        if self.omitted > 0 {
            lines.push(Line::new());
            lines.push(vec![Cell::muted(format!("and {} more", format::counted(self.omitted, "pair", "pairs")))]);
        }
        lines
    }
}

impl Tally {
    fn count(&mut self, plan: &PairPlan) {
        self.pairs += 1;
        for write in plan.writes() {
            self.count_write(write);
        }
        let counts = &mut self.counts;
        match plan.state() {
            RecordState::Conflict | RecordState::Held => counts.held += 1,
            RecordState::Failing => counts.failed += 1,
            RecordState::Waiting => counts.waiting += 1,
            RecordState::Excluded => counts.excluded += 1,
            RecordState::InSync => counts.unchanged += 1,
            RecordState::Pending | RecordState::Gone => {}
        }
        if matches!(plan.decision, PairDecision::Link { .. }) {
            counts.linked += 1;
        }
    }

    fn count_write(&mut self, write: &PlannedWrite) {
        let side = &mut self.counts.sides[write.system];
        match write.kind {
            IntentKind::Create => side.created += 1,
            IntentKind::Update if write.fields.is_empty() => side.stamped += 1,
            IntentKind::Update => side.updated += 1,
        }
        let cleared = write.fields.iter().filter(|field| field.after.is_empty() && !field.before.is_empty()).count();
        side.cleared += cleared as u64;
    }
}

/// Whether a plan is worth a paragraph: something is written, linked, or needs a person.
fn tells(plan: &PairPlan) -> bool {
    let asks = |next: &FieldNext| matches!(next, FieldNext::Decide | FieldNext::Stuck);
    match plan.decision {
        PairDecision::Write(_)
        | PairDecision::Link { .. }
        | PairDecision::Hold { .. }
        | PairDecision::Fail { .. }
        | PairDecision::Paused { .. }
        | PairDecision::Wait { .. } => true,
        PairDecision::InStep | PairDecision::Agree => plan.fields.iter().any(|field| asks(&field.next)),
        PairDecision::Exclude { .. } | PairDecision::Gone { .. } => false,
    }
}

impl From<&PairPlan> for PlannedPair {
    fn from(plan: &PairPlan) -> Self {
        Self {
            object: plan.object.key(),
            name: plan.name.clone(),
            hubspot: plan.hubspot.map(|id| id.0),
            connectwise: plan.connectwise.map(|id| id.0),
            state: plan.state(),
            decision: why::verdict(plan),
            writes: plan.writes().iter().map(PlannedWriteReport::from).collect(),
            issues: plan.issues.iter().map(|issue| issue.message.clone()).collect(),
        }
    }
}

impl From<&PlannedWrite> for PlannedWriteReport {
    fn from(write: &PlannedWrite) -> Self {
        let fields = write.fields.iter().map(|field| PlannedFieldReport {
            field: field.field.to_string(),
            before: field.before.to_plain(),
            after: field.after.to_plain(),
            why: field.why.clone(),
        });
        Self { system: write.system, kind: write.kind, target: write.target.map(|id| id.0), fields: fields.collect() }
    }
}

impl PlannedPair {
    fn lines(&self, width: usize) -> Vec<Line> {
        let id = |id: Option<u64>| id.map_or_else(|| format::NONE.to_owned(), |id| id.to_string());
        let ids = format!("{}  HubSpot {}  ConnectWise {}", self.object, id(self.hubspot), id(self.connectwise));
        let mut first = vec![
            Cell::new(format::fit(self.state.word(), 10), state_role(self.state)),
            Cell::new(format::truncate(&self.name, width.saturating_sub(10).max(20)), Role::Strong),
        ];
        let indented = |text: &str, role| {
            let lines = wrapped(text, width.saturating_sub(10).max(20)).into_iter();
            lines.map(move |text| vec![Cell::plain(" ".repeat(10)), Cell::new(text, role)])
        };
        let mut lines = Vec::new();
        if line_width(&first) + 2 + ids.len() > width {
            lines.push(first);
            lines.extend(indented(&ids, Role::Muted));
        } else {
            first.push(Cell::muted(format!("  {ids}")));
            lines.push(first);
        }
        lines.extend(indented(&self.decision, Role::Text));
        for write in &self.writes {
            for field in &write.fields {
                let shown = |plain: &str| if plain.is_empty() { format::NONE.to_owned() } else { plain.to_owned() };
                let (before, after) = (shown(&field.before), shown(&field.after));
                let text = format!("{} {}: {before} → {after}  ({})", write.system, field.field, field.why);
                lines.extend(indented(&text, Role::of(write.system)));
            }
        }
        for issue in &self.issues {
            lines.extend(indented(issue, Role::Warn));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]
    use super::*;
    use crate::engine::core::state::FieldWrite;
    use crate::model::{RecordId, Value};
    use crate::view::cell::plain_text;
    use crate::view::testing::acme;

    fn writing() -> PairPlan {
        let city = FieldWrite {
            key: None,
            field: "city".into(),
            before: Value::text("Dallas"),
            after: Value::Empty,
            source: Value::Empty,
            beside: crate::model::BySystem::default(),
            loser: None,
            why: "emptied in HubSpot".into(),
        };
        let write = PlannedWrite {
            object: crate::model::ObjectKind::Company,
            system: System::ConnectWise,
            kind: IntentKind::Update,
            target: Some(RecordId(4021)),
            source: RecordId(18_273_645),
            fields: vec![city],
            stamp: None,
        };
        PairPlan { decision: PairDecision::Write(vec![write]), issues: Vec::new(), ..acme() }
    }

    #[test]
    fn no_line_is_wider_than_the_window() {
        let mut summary = PlanSummary::new(9);
        summary.add(&writing());
        summary.add(&PairPlan { name: "A company of a very long name ".repeat(5), ..writing() });
        for width in [50, 60, 80, 100, 200] {
            for line in summary.lines(width) {
                assert!(line_width(&line) <= width, "{width}: {}", plain_text(&[line]));
            }
        }
    }

    fn decided(decision: PairDecision) -> PairPlan {
        PairPlan { decision, issues: Vec::new(), fields: Vec::new(), ..acme() }
    }

    #[test]
    fn every_pair_is_counted_and_those_that_tell_something_are_listed() {
        let mut summary = PlanSummary::new(2);
        summary.add(&writing());
        summary.add(&acme());
        summary.add(&decided(PairDecision::InStep));
        summary.add(&decided(PairDecision::Exclude { reason: "own company".into() }));
        summary.add(&decided(PairDecision::Wait { reason: "an earlier write".into() }));
        let report = serde_json::to_value(summary.report()).unwrap();
        assert_eq!(report["connectwise"]["updated"], 1);
        assert_eq!(report["connectwise"]["cleared"], 1);
        let numbers = ["held", "unchanged", "excluded", "waiting", "looked_at", "omitted"]
            .map(|key| report[key].as_u64().unwrap());
        assert_eq!(numbers, [1, 1, 1, 1, 5, 1]);
        assert_eq!(report["pairs"][0]["writes"][0]["fields"][0]["before"], "Dallas");
        assert_eq!(report["pairs"][1]["issues"][0], "Both sides changed Phone.");
    }

    #[test]
    fn each_object_has_numbers_of_its_own_where_there_are_several() {
        let mut summary = PlanSummary::new(9);
        summary.add(&writing());
        assert_eq!(summary.report().objects.len(), 1);
        assert!(!plain_text(&summary.lines(80)).contains("Companies"), "one object is the whole");
        summary.add(&PairPlan { object: ObjectKind::Contact, ..decided(PairDecision::InStep) });
        summary.add(&PairPlan { object: ObjectKind::Contact, ..decided(PairDecision::InStep) });
        let report = serde_json::to_value(summary.report()).unwrap();
        let number = |path: &str| report.pointer(path).and_then(serde_json::Value::as_u64).unwrap();
        let paths = ["/looked_at", "/objects/company/looked_at", "/objects/contact/looked_at"];
        assert_eq!(paths.map(number), [3, 1, 2]);
        let paths = ["/objects/company/connectwise/updated", "/objects/contact/connectwise/updated"];
        assert_eq!(paths.map(number), [1, 0]);
        assert_eq!(number("/objects/contact/unchanged"), 2);
        let text = plain_text(&summary.lines(80));
        assert!(text.contains("Companies   1 pair: ConnectWise ~1\n"), "{text}");
        assert!(text.contains("Contacts    2 pairs: nothing to write; 2 same\n"), "{text}");
    }

    #[test]
    fn a_plan_reads_as_numbers_and_then_pairs() {
        let mut summary = PlanSummary::new(9);
        summary.add(&writing());
        assert_eq!(
            plain_text(&summary.lines(80)),
            "Plan for 1 pair; nothing was written.\n\
             HubSpot     0 created, 0 updated, 0 given a key, 0 fields emptied\n\
             ConnectWise 0 created, 1 updated, 0 given a key, 1 field emptied\n\
             \n\
             pending   Acme Dental Group  company  HubSpot 18273645  ConnectWise 4021\n          \
             1 field is to be written to ConnectWise.\n          \
             ConnectWise city: Dallas → – (emptied in HubSpot)\n"
        );
    }
}
