//! What keeps records from being in sync, by cause, with the records: the answer of `lockstep issues`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::activity::{IssueGroup, group};
use super::cell::{Cell, Line, Role, wrapped};
use super::format;
use crate::engine::core::state::{Issue, IssueClass, Run, Status, Verdict};
use crate::model::{ObjectKind, System};

/// The columns of the word before a cause.
const WORD: usize = 16;

/// All open issues. The names are a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssueReport {
    pub issues: u64,
    pub need_person: u64,
    /// The run that a guard holds, if one does: nothing crosses until a person lets it through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_run: Option<HeldRun>,
    pub causes: Vec<Cause>,
    /// Issues for which there was no room.
    pub omitted: u64,
}

/// A run that a guard holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldRun {
    pub run: u64,
    pub reason: String,
    pub plan: String,
    /// Records that were written before, as approved.
    pub written: u64,
    /// The command that lets exactly this plan through.
    pub approve: String,
}

/// How many records a run wrote, in both systems.
#[must_use]
pub fn written_by(run: &Run) -> u64 {
    let sides = run.counts.total().sides;
    System::BOTH.map(|system| sides[system].created + sides[system].updated + sides[system].stamped).iter().sum()
}

impl HeldRun {
    /// What a run is held for, if it is.
    #[must_use]
    pub fn of(run: &Run) -> Option<Self> {
        let Verdict::Held { reason, plan } = &run.verdict else { return None };
        let approve = format!("lockstep sync --once --approve {plan}");
        let (reason, plan) = (reason.clone(), plan.clone());
        Some(Self { run: run.id.0, reason, plan, written: written_by(run), approve })
    }

    /// `nothing was written`, `8 records were written before it, as approved`.
    #[must_use]
    pub fn before(&self) -> String {
        match self.written {
            0 => "nothing was written".to_owned(),
            n => format!("{} before it, as approved", format::counted(n, "record was written", "records were written")),
        }
    }

    fn lines(&self, width: usize) -> Vec<Line> {
        let room = width.saturating_sub(2).max(20);
        let about = Cell::muted(format!("run {}; {}", self.run, self.before()));
        let mut lines = vec![vec![Cell::new(format::fit("guard", WORD), Role::Warn), about]];
        let next = format!("next: look at it with `lockstep plan`, then let it through with `{}`", self.approve);
        for (text, role) in [(format!("A guard holds the run: {}.", self.reason), Role::Text), (next, Role::Strong)] {
            lines.extend(wrapped(&text, room).into_iter().map(|text| vec![Cell::plain("  "), Cell::new(text, role)]));
        }
        lines
    }
}

/// Issues of one object with the same cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    pub class: &'static str,
    pub object: &'static str,
    pub needs_person: bool,
    pub count: u64,
    pub since: String,
    pub records: Vec<Affected>,
}

/// One issue of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Affected {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hubspot: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connectwise: Option<u64>,
    /// The field mapping concerned, where it is about one field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub message: String,
    pub hint: String,
}

impl IssueReport {
    /// `issues` are the first of `all`, each with the row that people see of its record, if there is one.
    #[must_use]
    pub fn new(issues: &[(Issue, Option<Status>)], all: u64, need_person: u64, held_run: Option<HeldRun>) -> Self {
        let mut records: BTreeMap<(IssueClass, ObjectKind), Vec<Affected>> = BTreeMap::new();
        for (issue, status) in issues {
            records.entry((issue.class, issue.record.object)).or_default().push(affected(issue, status.as_ref()));
        }
        let groups = group(issues.iter().map(|(issue, _)| issue));
        let cause = |IssueGroup { class, object, count, since, needs_person, .. }: IssueGroup| Cause {
            class: class.key(),
            object: object.key(),
            needs_person,
            count,
            since: since.to_rfc3339(),
            records: records.remove(&(class, object)).unwrap_or_default(),
        };
        let causes = groups.into_iter().map(cause).collect();
        Self { issues: all, need_person, held_run, causes, omitted: all.saturating_sub(issues.len() as u64) }
    }

    /// For a shell: each cause with its records, what is wrong with them and what to do.
    #[must_use]
    pub fn lines(&self, width: usize) -> Vec<Line> {
        let held = self.held_run.as_ref().map(|held| held.lines(width));
        if self.issues == 0 {
            if let Some(held) = held {
                return held;
            }
            return vec![vec![Cell::plain("No issues: nothing waits for a person or for time.")]];
        }
        let all = format::counted(self.issues, "issue", "issues");
        let for_people = format::counted(self.need_person, "needs a person", "need a person");
        let mut lines = vec![vec![Cell::strong(format!("{all}; {for_people}."))]];
        if let Some(held) = held {
            lines.push(Line::new());
            lines.extend(held);
        }
        for cause in &self.causes {
            lines.push(Line::new());
            lines.extend(cause.lines(width));
        }
        if self.omitted > 0 {
            lines.push(Line::new());
            lines
                .push(vec![Cell::muted(format!("and {}", format::counted(self.omitted, "more issue", "more issues")))]);
        }
        lines
    }
}

impl Cause {
    fn lines(&self, width: usize) -> Vec<Line> {
        let role = if self.needs_person { Role::Warn } else { Role::Wait };
        let count = format::counted(self.count, "record", "records");
        let about = format!("{}: {count}, since {}", self.object, self.since);
        let mut lines = vec![vec![Cell::new(format::fit(self.class, WORD), role), Cell::muted(about)]];
        let room = width.saturating_sub(2).max(20);
        let indented = |text: &str, role| {
            let texts = wrapped(text, room).into_iter();
            texts.map(move |text| vec![Cell::plain("  "), Cell::new(text, role)]).collect::<Vec<Line>>()
        };
        let mut told: Option<(&str, &str)> = None;
        for record in &self.records {
            let said = (record.message.as_str(), record.hint.as_str());
            if told != Some(said) {
                lines.extend(indented(&record.message, Role::Text));
                lines.extend(indented(&format!("next: {}", record.hint), Role::Strong));
                told = Some(said);
            }
            let id = |id: Option<u64>| id.map_or_else(|| format::NONE.to_owned(), |id| id.to_string());
            let ids = format!("HubSpot {}  ConnectWise {}", id(record.hubspot), id(record.connectwise));
            lines.extend(indented(&format!("· {}  {ids}", record.name), Role::Muted));
        }
        lines
    }
}

fn affected(issue: &Issue, status: Option<&Status>) -> Affected {
    let of = issue.record;
    let [hubspot, connectwise] = System::BOTH.map(|system| (of.system == system).then_some(of.id.0));
    Affected {
        name: status.map_or_else(|| of.to_string(), |status| status.name.clone()),
        hubspot: status.map_or(hubspot, |status| status.hubspot.map(|id| id.0)),
        connectwise: status.map_or(connectwise, |status| status.connectwise.map(|id| id.0)),
        field: issue.field.as_ref().map(ToString::to_string),
        message: issue.message.clone(),
        hint: issue.hint.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a report that cannot be told is a failing test")]
    use super::*;
    use crate::engine::core::state::RecordState;
    use crate::model::RecordId;
    use crate::view::cell::plain_text;
    use crate::view::testing::{NOW, NOW_AGREED, conflict};

    fn status(name: &str) -> Status {
        Status {
            object: ObjectKind::Company,
            hubspot: Some(RecordId(18_273_645)),
            connectwise: Some(RecordId(4021)),
            link: None,
            name: name.into(),
            state: RecordState::Conflict,
            why: String::new(),
            since: NOW,
        }
    }

    fn report() -> IssueReport {
        let unreadable = Issue { class: IssueClass::Unreadable, message: "No sense.".into(), ..conflict() };
        let issues = [(unreadable, None), (conflict(), Some(status("Acme"))), (conflict(), Some(status("Bolt")))];
        IssueReport::new(&issues, 5, 2, None)
    }

    #[test]
    fn each_cause_is_told_once_with_its_records_those_for_people_first() {
        let text = plain_text(&report().lines(80));
        let since = NOW_AGREED.to_rfc3339();
        let expected = format!(
            "5 issues; 2 need a person.\n\n\
             conflict        company: 2 records, since {since}\n  \
             Both sides changed Phone.\n  next: Take one of the two values.\n  \
             · Acme HubSpot 18273645 ConnectWise 4021\n  \
             · Bolt HubSpot 18273645 ConnectWise 4021\n\n\
             unreadable      company: 1 record, since {since}\n  \
             No sense.\n  next: Take one of the two values.\n  \
             · HubSpot company 18273645 HubSpot 18273645 ConnectWise –\n\n\
             and 2 more issues\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn what_cannot_be_read_for_an_hour_is_told_as_for_people() {
        let hour = std::time::Duration::from_secs(3600);
        let lasting = Issue { class: IssueClass::Unreadable, last: NOW_AGREED + hour, ..conflict() };
        let report = IssueReport::new(&[(lasting, None)], 1, 1, None);
        let json = serde_json::to_value(report).unwrap();
        assert_eq!(json["causes"][0]["needs_person"], true);
    }

    #[test]
    fn nothing_open_is_said_so() {
        assert!(plain_text(&IssueReport::new(&[], 0, 0, None).lines(80)).starts_with("No issues"));
    }

    #[test]
    fn the_object_for_scripts_has_the_promised_names() {
        let json = serde_json::to_value(report()).unwrap();
        let cause = &json["causes"][0];
        assert_eq!((&json["issues"], &json["need_person"], &json["omitted"]), (&5.into(), &2.into(), &2.into()));
        assert_eq!(
            (&cause["class"], &cause["object"], &cause["count"]),
            (&"conflict".into(), &"company".into(), &2.into())
        );
        assert_eq!(cause["needs_person"], true);
        let record = &cause["records"][0];
        assert_eq!((&record["name"], &record["connectwise"]), (&"Acme".into(), &4021.into()));
        assert_eq!(record["field"].as_str(), conflict().field.map(|field| field.to_string()).as_deref());
        assert_eq!(
            (&record["message"], &record["hint"]),
            (&"Both sides changed Phone.".into(), &"Take one of the two values.".into())
        );
    }
}
