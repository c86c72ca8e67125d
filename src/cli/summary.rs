//! What a run did, as one line for people and one object for scripts; and which exit code it ends with.

use std::collections::BTreeMap;

use serde::Serialize;

use super::output::{count, exit_for};
use crate::engine::core::state::{Counts, Run, SideCounts, Verdict};
use crate::error::{Outcome, Report};
use crate::view::issues::{HeldRun, written_by};
use crate::view::run::written;

/// The answer of `sync --once --json`. The names are a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub run: u64,
    #[serde(flatten)]
    pub all: Done,
    /// The same numbers for each object by its word; none of a run from before objects were told apart.
    pub objects: BTreeMap<&'static str, Done>,
    /// Why a guard holds it, and what lets it through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_run: Option<HeldRun>,
    /// Why it ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// What was done with each, for people.
    #[serde(skip)]
    told: Vec<String>,
}

/// What a run did, with the records of one object or with all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    pub hubspot: Written,
    pub connectwise: Written,
    pub linked: u64,
    pub unchanged: u64,
    pub excluded: u64,
    pub waiting: u64,
    pub held: u64,
    pub failed: u64,
}

impl From<&Counts> for Done {
    fn from(counts: &Counts) -> Self {
        let Counts { sides, pulled: _, linked, unchanged, excluded, waiting, held, failed } = *counts;
        let (hubspot, connectwise) = (sides.hubspot.into(), sides.connectwise.into());
        Self { hubspot, connectwise, linked, unchanged, excluded, waiting, held, failed }
    }
}

impl From<SideCounts> for Written {
    fn from(side: SideCounts) -> Self {
        Self { created: side.created, updated: side.updated }
    }
}

/// Records written in one system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Written {
    pub created: u64,
    pub updated: u64,
}

impl From<&Run> for Summary {
    fn from(run: &Run) -> Self {
        let objects = run.counts.objects.iter();
        let told = objects.clone().filter_map(|(object, counts)| {
            let written = written(counts);
            (!written.is_empty()).then(|| format!("{} {written}", object.plural().to_lowercase()))
        });
        Self {
            run: run.id.0,
            all: Done::from(&run.counts.total()),
            told: told.collect(),
            objects: objects.map(|(object, counts)| (object.key(), counts.into())).collect(),
            held_run: HeldRun::of(run),
            stopped: match &run.verdict {
                Verdict::Stopped(reason) => Some(reason.clone()),
                _ => None,
            },
        }
    }
}

impl Summary {
    /// Remote writes that people would call one: records created and records changed.
    #[must_use]
    pub const fn writes(&self) -> u64 {
        let Done { hubspot, connectwise, .. } = &self.all;
        hubspot.created + hubspot.updated + connectwise.created + connectwise.updated
    }

    /// The run in one line: what was written of each object, then the records as they stand; what is zero is left out.
    #[must_use]
    pub fn line(&self) -> String {
        if let Some(held) = &self.held_run {
            return format!("run {} · held by a guard, {}: {}", self.run, held.before(), held.reason);
        }
        let mut parts = vec![format!("run {}", self.run)];
        parts.extend(self.told.iter().cloned());
        if self.told.is_empty() {
            parts.push("nothing to write".to_owned());
        }
        let others = [
            (self.all.linked, "linked"),
            (self.all.unchanged, "unchanged"),
            (self.all.excluded, "excluded"),
            (self.all.waiting, "waiting"),
            (self.all.held, "need a person"),
            (self.all.failed, "failed"),
        ];
        parts.extend(others.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")));
        parts.join(" · ")
    }
}

/// How a command ends that ran the engine once. `open_issues` counts what needs a person, from earlier runs too: a record
/// that failed and is tried again by itself is none of them.
///
/// # Errors
/// A refusal when a guard held the plan, a failure when the run stopped early.
pub fn exit_of(run: &Run, open_issues: u64) -> Outcome {
    match &run.verdict {
        Verdict::Held { reason, plan } => Err(held(run, reason, plan)),
        Verdict::Stopped(reason) => Err(Report::failed(format!("run {} stopped early", run.id))
            .because(reason)
            .hint("nothing is lost: run it again when the cause is gone")),
        Verdict::Running => Err(Report::failed(format!("run {} did not come to its end", run.id))
            .hint("nothing is lost: run it again, it goes on where it stopped")),
        // a refused write is an issue like any other: the run did its work, and the record waits for somebody
        Verdict::Done => Ok(exit_for(open_issues.max(run.counts.total().held))),
    }
}

/// A guard stopped a run: before its first write, or where what follows from an approved plan is more than was approved.
#[must_use]
pub fn held(run: &Run, reason: &str, plan: &str) -> Report {
    let report = match written_by(run) {
        0 => Report::refused("a guard holds this run; nothing was written"),
        n => Report::refused(format!(
            "a guard holds the rest of this run; {} before it, as approved",
            count(n, "record was written", "records were written")
        )),
    };
    report
        .because(reason)
        .hint(format!(
            "look at it with `lockstep plan`, then let it through with `lockstep sync --once --approve {plan}`"
        ))
        .with_plan(plan)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests of what must be there")]

    use super::*;
    use crate::engine::core::state::{RunCounts, RunKind};
    use crate::error::{Exit, Kind};
    use crate::model::{BySystem, ConfigVersion, ObjectKind, RunId, Timestamp};

    fn run(verdict: Verdict, counts: RunCounts) -> Run {
        Run {
            id: RunId(7),
            kind: RunKind::Poll,
            started: Timestamp(0),
            ended: Some(Timestamp(1)),
            config: ConfigVersion(1),
            counts,
            verdict,
        }
    }

    fn counts() -> RunCounts {
        let side = |created, updated| SideCounts { created, updated, stamped: 0, cleared: 0, calls: 99 };
        let mut counts = RunCounts::default();
        *counts.of(ObjectKind::Company) = Counts {
            sides: BySystem::new(side(1, 2), side(0, 4)),
            pulled: 50,
            linked: 5,
            unchanged: 6,
            excluded: 7,
            waiting: 8,
            held: 2,
            failed: 0,
        };
        *counts.of(ObjectKind::Contact) =
            Counts { sides: BySystem::new(side(0, 0), side(3, 0)), held: 7, ..Counts::default() };
        counts
    }

    #[test]
    fn the_object_for_scripts_has_exactly_the_promised_names() {
        let json = serde_json::to_string(&Summary::from(&run(Verdict::Done, counts()))).unwrap();
        let expected = concat!(
            r#"{"run":7,"hubspot":{"created":1,"updated":2},"connectwise":{"created":3,"updated":4},"linked":5,"#,
            r#""unchanged":6,"excluded":7,"waiting":8,"held":9,"failed":0,"objects":{"company":"#,
            r#"{"hubspot":{"created":1,"updated":2},"connectwise":{"created":0,"updated":4},"linked":5,"#,
            r#""unchanged":6,"excluded":7,"waiting":8,"held":2,"failed":0},"contact":"#,
            r#"{"hubspot":{"created":0,"updated":0},"connectwise":{"created":3,"updated":0},"linked":0,"#,
            r#""unchanged":0,"excluded":0,"waiting":0,"held":7,"failed":0}}}"#
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn the_text_for_people_leaves_out_what_did_not_happen() {
        let rest = Counts { unchanged: 6, ..Counts::default() };
        let line = Summary::from(&run(Verdict::Done, RunCounts { rest, ..RunCounts::default() })).line();
        assert_eq!(line, "run 7 · nothing to write · 6 unchanged");
        let line = Summary::from(&run(Verdict::Done, counts())).line();
        let expected = "run 7 · companies 1 created, 2 updated in HubSpot; 4 updated in ConnectWise · contacts 3 created \
                        in ConnectWise · 5 linked · 6 unchanged · 7 excluded · 8 waiting · 9 need a person";
        assert_eq!(line, expected);
    }

    #[test]
    fn the_verdict_decides_the_exit_code() {
        let none = RunCounts::default;
        assert_eq!(exit_of(&run(Verdict::Done, none()), 0), Ok(Exit::Done));
        assert_eq!(exit_of(&run(Verdict::Done, none()), 2), Ok(Exit::NeedsPerson));
        assert_eq!(exit_of(&run(Verdict::Done, counts()), 0), Ok(Exit::NeedsPerson), "held in this very run");
        let mut failed = none();
        failed.of(ObjectKind::Contact).failed = 1;
        assert_eq!(exit_of(&run(Verdict::Done, failed.clone()), 0), Ok(Exit::Done), "it is tried again by itself");
        assert_eq!(exit_of(&run(Verdict::Done, failed), 1), Ok(Exit::NeedsPerson), "it was refused");
        assert_eq!(exit_of(&run(Verdict::Stopped("x".into()), none()), 0).unwrap_err().kind, Kind::Failed);
        assert_eq!(exit_of(&run(Verdict::Running, none()), 0).unwrap_err().kind, Kind::Failed);
    }

    #[test]
    fn a_held_plan_is_refused_and_names_the_hash_that_lets_it_through() {
        let verdict = Verdict::Held { reason: "600 creates, the limit is 500".into(), plan: "3f9c".into() };
        let report = exit_of(&run(verdict, RunCounts::default()), 0).unwrap_err();
        assert_eq!((report.kind, report.plan.as_deref()), (Kind::Refused, Some("3f9c")));
        assert!(report.hint.unwrap().contains("--approve 3f9c"));
        assert!(report.what.contains("nothing was written"));
    }

    #[test]
    fn what_follows_from_an_approved_plan_and_is_held_does_not_hide_what_was_written() {
        let verdict = Verdict::Held { reason: "600 updates, the limit is 500".into(), plan: "3f9c".into() };
        let held = run(verdict, counts());
        let report = exit_of(&held, 0).unwrap_err();
        assert_eq!(HeldRun::of(&held).unwrap().before(), "10 records were written before it, as approved");
        assert_eq!(report.what, "a guard holds the rest of this run; 10 records were written before it, as approved");
    }
}
