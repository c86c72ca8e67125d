//! Runs: a row for the list, and the JSON object that scripts read.

use serde::Serialize;

use super::cell::{Cell, Line, Role};
use super::format;
use super::table::Column;
use crate::engine::core::state::{Run, RunCounts, RunKind, SideCounts, Verdict};
use crate::model::{BySystem, ObjectKind, System, Timestamp};

/// What a run did, as `lockstep sync --once --json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunReport {
    pub run: u64,
    pub kind: RunKind,
    pub verdict: &'static str,
    /// Why it stopped or was held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The plan that waits for approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    #[serde(flatten)]
    pub counts: CountsReport,
    /// None while it is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
}

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

impl From<RunCounts> for CountsReport {
    fn from(counts: RunCounts) -> Self {
        let RunCounts { sides, pulled, linked, unchanged, excluded, waiting, held, failed } = counts;
        let (hubspot, connectwise) = (sides.hubspot.into(), sides.connectwise.into());
        Self { hubspot, connectwise, pulled, linked, unchanged, excluded, waiting, held, failed }
    }
}

impl From<&Run> for RunReport {
    fn from(run: &Run) -> Self {
        let (reason, plan) = match &run.verdict {
            Verdict::Running | Verdict::Done => (None, None),
            Verdict::Stopped(reason) => (Some(reason.clone()), None),
            Verdict::Held { reason, plan } => (Some(reason.clone()), Some(plan.clone())),
        };
        Self {
            run: run.id.0,
            kind: run.kind,
            verdict: verdict_word(&run.verdict),
            reason,
            plan,
            counts: run.counts.into(),
            took_ms: run.ended.map(|end| u64::try_from(end.since(run.started).as_millis()).unwrap_or(u64::MAX)),
        }
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

const fn kind_word(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Poll => "poll",
        RunKind::Push => "push",
        RunKind::Plan => "plan",
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
    vec![
        Cell::plain(run.id.to_string()),
        Cell::muted(format::age_at(run.started, now)),
        Cell::muted(kind_word(run.kind)),
        Cell::new(verdict_word(&run.verdict), verdict),
        Cell::new(side(&run.counts.sides, System::HubSpot), Role::Left),
        Cell::new(side(&run.counts.sides, System::ConnectWise), Role::Right),
        Cell::plain(records(&run.counts)),
    ]
}

/// `+2 ~14`: created and changed; `–` where nothing was written.
fn side(sides: &BySystem<SideCounts>, system: System) -> String {
    let SideCounts { created, updated, stamped, .. } = sides[system];
    let parts = [("+", created), ("~", updated), ("key ", stamped)];
    let text: Vec<_> =
        parts.iter().filter(|(_, n)| *n > 0).map(|(mark, n)| format!("{mark}{}", format::grouped(*n))).collect();
    if text.is_empty() { format::NONE.to_owned() } else { text.join(" ") }
}

/// `3,981 same, 2 linked, 1 held`: what is not zero.
fn records(counts: &RunCounts) -> String {
    let parts = [
        (counts.unchanged, "same"),
        (counts.linked, "linked"),
        (counts.held, "held"),
        (counts.failed, "failed"),
        (counts.waiting, "waiting"),
        (counts.excluded, "excluded"),
    ];
    let text: Vec<_> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", format::grouped(*n))).collect();
    if text.is_empty() { "nothing changed".to_owned() } else { text.join(", ") }
}

/// The run as a few lines for a shell.
#[must_use]
pub fn lines(run: &Run) -> Vec<Line> {
    let took = run.ended.map_or_else(String::new, |end| format!(" in {}", format::age(end.since(run.started))));
    let mut lines = vec![vec![Cell::strong(format!("Run {} {}{took}", run.id, verdict_word(&run.verdict)))]];
    if let Verdict::Stopped(reason) | Verdict::Held { reason, .. } = &run.verdict {
        lines.push(vec![Cell::new(reason, Role::Warn)]);
    }
    if let Verdict::Held { plan, .. } = &run.verdict {
        lines.push(vec![Cell::plain(format!("It goes on once the plan {plan} is approved."))]);
    }
    lines.extend(count_lines(&run.counts));
    lines
}

/// The numbers of a run or a plan, one line per system and one for the records.
#[must_use]
pub fn count_lines(counts: &RunCounts) -> Vec<Line> {
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
    vec![
        side(System::HubSpot),
        side(System::ConnectWise),
        vec![Cell::muted(format::fit("Records", 12)), Cell::plain(records(counts))],
    ]
}

/// The numbers of one object in a plan: `Contacts    55 pairs: HubSpot +3, ConnectWise ~4; 2 held`.
#[must_use]
pub fn object_line(object: ObjectKind, pairs: u64, counts: &RunCounts) -> Line {
    let written = |system: System| {
        let text = side(&counts.sides, system);
        (text != format::NONE).then(|| format!("{system} {text}"))
    };
    let written: Vec<String> = System::BOTH.into_iter().filter_map(written).collect();
    let written = if written.is_empty() { "nothing to write".to_owned() } else { written.join(", ") };
    let pairs = format::counted(pairs, "pair", "pairs");
    vec![Cell::muted(format::fit(object.plural(), 12)), Cell::plain(format!("{pairs}: {written}; {}", records(counts)))]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]
    use super::*;
    use crate::model::{ConfigVersion, RunId};
    use crate::view::cell::{line_text, plain_text};
    use crate::view::table::Table;

    fn run(verdict: Verdict) -> Run {
        let counts = RunCounts {
            sides: BySystem::new(
                SideCounts { created: 2, updated: 14, stamped: 1, cleared: 0, calls: 9 },
                SideCounts::default(),
            ),
            pulled: 3,
            linked: 5,
            unchanged: 3981,
            held: 1,
            ..RunCounts::default()
        };
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
    fn a_run_is_one_json_object_with_both_sides() {
        let json = serde_json::to_value(RunReport::from(&run(Verdict::Done))).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "run": 812, "kind": "poll", "verdict": "done", "took_ms": 2100,
                "hubspot": {"created": 2, "updated": 14, "stamped": 1, "cleared": 0, "calls": 9},
                "connectwise": {"created": 0, "updated": 0, "stamped": 0, "cleared": 0, "calls": 0},
                "pulled": 3, "linked": 5, "unchanged": 3981, "excluded": 0, "waiting": 0, "held": 1, "failed": 0,
            })
        );
    }

    #[test]
    fn a_held_run_tells_its_reason_and_its_plan() {
        let held = run(Verdict::Held { reason: "It would create 900 companies.".into(), plan: "ab12".into() });
        let json = serde_json::to_value(RunReport::from(&held)).unwrap();
        assert_eq!((&json["reason"], &json["plan"]), (&"It would create 900 companies.".into(), &"ab12".into()));
        let text = plain_text(&lines(&held));
        assert!(text.starts_with("Run 812 held in 2 s\nIt would create 900 companies.\nIt goes on once the plan ab12"));
    }

    #[test]
    fn a_row_shows_only_numbers_that_are_not_zero() {
        let table = Table::new(&COLUMNS, 90);
        let row = row(&run(Verdict::Done), Timestamp::from_secs(1060));
        assert_eq!(
            line_text(&table.row(&row)).split_whitespace().collect::<Vec<_>>().join(" "),
            "812 60 s poll done +2 ~14 key 1 – 3,981 same, 5 linked, 1 held"
        );
    }
}
