//! Runs: a row for the list, and what they did as lines.

use serde::Serialize;

use super::cell::{Cell, Line, Role, line_width, wrapped};
use super::format;
use super::table::Column;
use crate::engine::core::state::{Counts, Run, RunCounts, RunKind, SideCounts, Verdict};
use crate::model::{BySystem, ObjectKind, System, Timestamp};

/// The numbers of a run, or of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CountsReport {
    pub hubspot: SideReport,
    pub connectwise: SideReport,
    pub pulled: u64,
    pub linked: u64,
    pub unchanged: u64,
    pub excluded: u64,
    pub waiting: u64,
    pub held: u64,
    pub failed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SideReport {
    pub created: u64,
    pub updated: u64,
    pub stamped: u64,
    pub cleared: u64,
    pub calls: u64,
}

impl From<SideCounts> for SideReport {
    fn from(side: SideCounts) -> Self {
        let SideCounts { created, updated, stamped, cleared, calls } = side;
        Self { created, updated, stamped, cleared, calls }
    }
}

impl From<Counts> for CountsReport {
    fn from(counts: Counts) -> Self {
        let Counts { sides, pulled, linked, unchanged, excluded, waiting, held, failed } = counts;
        let (hubspot, connectwise) = (sides.hubspot.into(), sides.connectwise.into());
        Self { hubspot, connectwise, pulled, linked, unchanged, excluded, waiting, held, failed }
    }
}

/// How the run ended, in a word.
#[must_use]
pub const fn verdict_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Running => "running",
        Verdict::Done => "done",
        Verdict::Stopped(_) => "stopped",
        Verdict::Held { .. } => "held",
    }
}

/// What kind of run it was, in a word.
#[must_use]
pub const fn kind_word(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Poll => "poll",
        RunKind::Push => "push",
        RunKind::Plan => "plan",
        RunKind::Undo { .. } => "undo",
    }
}

/// What a run is that is not one of those that write, in a few words.
#[must_use]
pub const fn note(kind: RunKind) -> Option<&'static str> {
    match kind {
        RunKind::Plan => Some("plan, nothing written"),
        RunKind::Poll | RunKind::Push | RunKind::Undo { .. } => None,
    }
}

/// The same behind the number of a run: `, undo of run 7`.
#[must_use]
pub fn what(kind: RunKind) -> String {
    match kind {
        RunKind::Undo { of } => format!(", undo of run {of}"),
        RunKind::Plan => ", a plan that wrote nothing".to_owned(),
        RunKind::Poll | RunKind::Push => String::new(),
    }
}

/// The columns of the list of runs.
pub const COLUMNS: [Column; 7] = [
    Column::fixed("run", 6).right(),
    Column::fixed("when", 8),
    Column::fixed("kind", 4),
    Column::fixed("verdict", 7),
    Column::flexible("HubSpot", 11, 1),
    Column::flexible("ConnectWise", 11, 1),
    Column::flexible("records", 18, 3),
];

/// One row of the list of runs, in the order of [`COLUMNS`].
#[must_use]
pub fn row(run: &Run, now: Timestamp) -> Vec<Cell> {
    let verdict = match run.verdict {
        Verdict::Running => Role::Wait,
        Verdict::Done => Role::Ok,
        Verdict::Stopped(_) => Role::Error,
        Verdict::Held { .. } => Role::Warn,
    };
    let total = run.counts.total();
    // a plan has written nothing, whatever it counted
    let sides = if run.kind == RunKind::Plan { BySystem::default() } else { total.sides };
    vec![
        Cell::plain(run.id.to_string()),
        Cell::muted(format::age_at(run.started, now)),
        Cell::muted(kind_word(run.kind)),
        Cell::new(verdict_word(&run.verdict), verdict),
        Cell::new(side(&sides, System::HubSpot), Role::Left),
        Cell::new(side(&sides, System::ConnectWise), Role::Right),
        Cell::plain(records_of(run, &total)),
    ]
}

/// What became of the records; of an undo, what it took back; of a plan, what it would write.
fn records_of(run: &Run, total: &Counts) -> String {
    if let Some(note) = note(run.kind) {
        let text = written(total);
        return if text.is_empty() { note.to_owned() } else { format!("{note}; would be {text}") };
    }
    let RunKind::Undo { of } = run.kind else {
        let text = records(total);
        return if !text.is_empty() {
            text
        } else if written(total).is_empty() {
            idle(run).to_owned()
        } else {
            format::NONE.to_owned()
        };
    };
    let failed = counted([(total.failed, "failed")]);
    let rest = if failed.is_empty() { failed } else { format!(", {failed}") };
    format!("undo of run {of}{rest}")
}

/// `+2 ~14`: created and changed; `–` where nothing was written.
fn side(sides: &BySystem<SideCounts>, system: System) -> String {
    let SideCounts { created, updated, stamped, .. } = sides[system];
    let parts = [("+", created), ("~", updated), ("key ", stamped)];
    let text: Vec<_> =
        parts.iter().filter(|(_, n)| *n > 0).map(|(mark, n)| format!("{mark}{}", format::grouped(*n))).collect();
    if text.is_empty() { format::NONE.to_owned() } else { text.join(" ") }
}

/// Where nothing was written and no record is told of.
const fn idle(run: &Run) -> &'static str {
    match run.verdict {
        Verdict::Running => "nothing so far",
        Verdict::Done | Verdict::Stopped(_) | Verdict::Held { .. } => "nothing changed",
    }
}

/// `3,981 same, 2 linked, 1 held`: what is not zero.
fn records(counts: &Counts) -> String {
    counted([
        (counts.unchanged, "same"),
        (counts.linked, "linked"),
        (counts.held, "held"),
        (counts.failed, "failed"),
        (counts.waiting, "waiting"),
        (counts.excluded, "excluded"),
    ])
}

/// Numbers with their words, without those that are zero.
fn counted<const N: usize>(parts: [(u64, &str); N]) -> String {
    let told = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", format::grouped(n)));
    told.collect::<Vec<_>>().join(", ")
}

/// `12 created, 1 updated in HubSpot; 3 created in ConnectWise`; empty where nothing was written.
#[must_use]
pub fn written(counts: &Counts) -> String {
    let of = |system: System| {
        let SideCounts { created, updated, stamped, cleared, .. } = counts.sides[system];
        let emptied = if cleared == 1 { "field emptied" } else { "fields emptied" };
        let text = counted([(created, "created"), (updated, "updated"), (stamped, "given a key"), (cleared, emptied)]);
        (!text.is_empty()).then(|| format!("{text} in {system}"))
    };
    System::BOTH.into_iter().filter_map(of).collect::<Vec<_>>().join("; ")
}

/// What a run did up to now, in one line: what was written, else what was seen.
#[must_use]
pub fn so_far(counts: &RunCounts) -> String {
    let total = counts.total();
    let told = [written(&total), records(&total)].into_iter().find(|text| !text.is_empty());
    told.unwrap_or_else(|| "nothing changed".to_owned())
}

/// What a run did with each object, one line each, broken at words: `Contacts  12 created in HubSpot; 65 same, 3 held`.
/// Of a run from before objects were told apart, what it did in all.
#[must_use]
pub fn object_lines(run: &Run, width: usize) -> Vec<Line> {
    let counts = &run.counts;
    let written = |counts: &Counts| match written(counts) {
        text if run.kind == RunKind::Plan && !text.is_empty() => format!("would be {text}"),
        text => text,
    };
    let line = |name: &str, counts: &Counts| {
        let text = [written(counts), records(counts)].into_iter().filter(|text| !text.is_empty());
        let text = match text.collect::<Vec<_>>().join("; ") {
            text if text.is_empty() => idle(run).to_owned(),
            text => text,
        };
        hanging(vec![Cell::muted(format::fit(name, 12)), Cell::plain(text)], width)
    };
    if counts.objects.is_empty() {
        return line("Records", &counts.rest);
    }
    counts.objects.iter().flat_map(|(object, counts)| line(object.plural(), counts)).collect()
}

/// A line whose last cell is broken at words where there is no room for it.
#[must_use]
pub fn hanging(mut line: Line, width: usize) -> Vec<Line> {
    let Some(last) = line.pop() else { return Vec::new() };
    let indent = line_width(&line);
    let texts = wrapped(last.text(), width.saturating_sub(indent).max(20));
    let lead = |at| if at == 0 { line.clone() } else { vec![Cell::plain(" ".repeat(indent))] };
    texts.into_iter().enumerate().map(|(at, text)| [lead(at), vec![Cell::new(text, last.role)]].concat()).collect()
}

/// The run as a few lines for a shell.
#[must_use]
pub fn lines(run: &Run, width: usize) -> Vec<Line> {
    let took = run.ended.map_or_else(String::new, |end| format!(" in {}", format::age(end.since(run.started))));
    let what = match what(run.kind) {
        what if what.is_empty() => what,
        what => format!("{what},"),
    };
    let head = format!("Run {}{what} {}{took}", run.id, verdict_word(&run.verdict));
    let mut lines = vec![vec![Cell::strong(head)]];
    if let Verdict::Stopped(reason) | Verdict::Held { reason, .. } = &run.verdict {
        lines.push(vec![Cell::new(reason, Role::Warn)]);
    }
    if let Verdict::Held { plan, .. } = &run.verdict {
        lines.push(vec![Cell::plain(format!("It goes on once the plan {plan} is approved."))]);
    }
    lines.extend(object_lines(run, width));
    lines
}

/// The numbers of a plan, one line per system and one for the records.
#[must_use]
pub fn count_lines(counts: &Counts) -> Vec<Line> {
    let side = |system: System| {
        let SideCounts { created, updated, stamped, cleared, .. } = counts.sides[system];
        let text = format!(
            "{} created, {} updated, {} given a key, {} emptied",
            format::grouped(created),
            format::grouped(updated),
            format::grouped(stamped),
            format::counted(cleared, "field", "fields"),
        );
        vec![Cell::new(format::fit(system.name(), 12), Role::of(system)), Cell::plain(text)]
    };
    let mut lines = vec![side(System::HubSpot), side(System::ConnectWise)];
    let text = match records(counts) {
        text if text.is_empty() && written(counts).is_empty() => "nothing to write".to_owned(),
        text => text,
    };
    if !text.is_empty() {
        lines.push(vec![Cell::muted(format::fit("Records", 12)), Cell::plain(text)]);
    }
    lines
}

/// The numbers of one object in a plan: `Contacts    55 pairs: HubSpot +3, ConnectWise ~4; 2 held`.
#[must_use]
pub fn object_line(object: ObjectKind, pairs: u64, counts: &Counts) -> Line {
    let written = |system: System| {
        let text = side(&counts.sides, system);
        (text != format::NONE).then(|| format!("{system} {text}"))
    };
    let written: Vec<String> = System::BOTH.into_iter().filter_map(written).collect();
    let written = if written.is_empty() { "nothing to write".to_owned() } else { written.join(", ") };
    let pairs = format::counted(pairs, "pair", "pairs");
    let text = [written, records(counts)].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
    vec![Cell::muted(format::fit(object.plural(), 12)), Cell::plain(format!("{pairs}: {text}"))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConfigVersion, RunId};
    use crate::view::cell::{line_text, plain_text};
    use crate::view::table::Table;

    fn run(verdict: Verdict) -> Run {
        let mut counts = RunCounts::default();
        let hubspot = SideCounts { created: 2, updated: 14, stamped: 1, cleared: 0, calls: 0 };
        *counts.of(ObjectKind::Company) = Counts {
            sides: BySystem::new(hubspot, SideCounts::default()),
            pulled: 3,
            linked: 5,
            unchanged: 3981,
            ..Counts::default()
        };
        let connectwise = SideCounts { created: 12, cleared: 1, ..SideCounts::default() };
        *counts.of(ObjectKind::Contact) =
            Counts { sides: BySystem::new(SideCounts::default(), connectwise), held: 3, ..Counts::default() };
        Run {
            id: RunId(812),
            kind: RunKind::Poll,
            started: Timestamp::from_secs(1000),
            ended: Some(Timestamp(1_002_100)),
            config: ConfigVersion(6),
            counts,
            verdict,
        }
    }

    #[test]
    fn a_run_tells_what_it_did_with_each_object_and_where() {
        let text = plain_text(&lines(&run(Verdict::Done), 60));
        let expected = "\
Run 812 done in 2 s
Companies   2 created, 14 updated, 1 given a key in HubSpot;
            3,981 same, 5 linked
Contacts    12 created, 1 field emptied in ConnectWise; 3
            held";
        let trimmed: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(trimmed.join("\n"), expected);
    }

    #[test]
    fn a_run_from_before_objects_were_told_apart_tells_what_it_did_in_all() {
        let mut old = run(Verdict::Done);
        old.counts = RunCounts { rest: old.counts.total(), ..RunCounts::default() };
        let text = plain_text(&lines(&old, 200));
        assert!(text.contains("Records     2 created, 14 updated, 1 given a key in HubSpot; 12 created"), "{text}");
    }

    #[test]
    fn an_undo_says_which_run_it_took_back() {
        let undo = Run { kind: RunKind::Undo { of: RunId(800) }, ..run(Verdict::Done) };
        assert!(plain_text(&lines(&undo, 60)).starts_with("Run 812, undo of run 800, done in 2 s\n"));
        let row = Table::new(&COLUMNS, 90).row(&row(&undo, Timestamp::from_secs(1060)));
        assert!(line_text(&row).contains("undo done") && line_text(&row).contains("undo of run 800"), "{row:?}");
    }

    #[test]
    fn a_plan_says_that_it_wrote_nothing() {
        let plan = Run { kind: RunKind::Plan, ..run(Verdict::Done) };
        let text = plain_text(&lines(&plan, 90));
        assert!(
            text.starts_with("Run 812, a plan that wrote nothing, done in 2 s\nCompanies   would be 2 created"),
            "{text}"
        );
        let row = line_text(&Table::new(&COLUMNS, 120).row(&row(&plan, Timestamp::from_secs(1060))));
        assert!(row.contains("plan, nothing written; would be 2 created") && !row.contains('+'), "{row}");
    }

    #[test]
    fn a_held_run_tells_its_reason_and_its_plan() {
        let held = run(Verdict::Held { reason: "It would create 900 companies.".into(), plan: "ab12".into() });
        let text = plain_text(&lines(&held, 100));
        assert!(text.starts_with("Run 812 held in 2 s\nIt would create 900 companies.\nIt goes on once the plan ab12"));
    }

    #[test]
    fn what_wrote_something_changed_something() {
        let mut wrote = run(Verdict::Done);
        let side = SideCounts { updated: 2, ..SideCounts::default() };
        wrote.counts = RunCounts::default();
        wrote.counts.of(ObjectKind::Company).sides.hubspot = side;
        wrote.counts.of(ObjectKind::Deal);
        let cells = row(&wrote, Timestamp::from_secs(1060));
        assert_eq!(cells.last().map(Cell::text), Some("–"));
        let text = plain_text(&lines(&wrote, 100));
        assert!(text.contains("Companies   2 updated in HubSpot\nDeals       nothing changed"), "{text}");
        let company = wrote.counts.of(ObjectKind::Company);
        assert_eq!(line_text(&object_line(ObjectKind::Company, 1, company)), "Companies   1 pair: HubSpot ~2");
        assert!(!plain_text(&count_lines(company)).contains("Records"));
        assert!(plain_text(&count_lines(&Counts::default())).ends_with("Records     nothing to write\n"));
        let mut begun = run(Verdict::Running);
        begun.counts = RunCounts::default();
        assert_eq!(row(&begun, Timestamp::from_secs(1060)).last().map(Cell::text), Some("nothing so far"));
    }

    #[test]
    fn a_row_shows_only_numbers_that_are_not_zero() {
        let table = Table::new(&COLUMNS, 90);
        let row = row(&run(Verdict::Done), Timestamp::from_secs(1060));
        assert_eq!(
            line_text(&table.row(&row)).split_whitespace().collect::<Vec<_>>().join(" "),
            "812 60 s poll done +2 ~14 key 1 +12 3,981 same, 5 linked, 3 held"
        );
    }
}
