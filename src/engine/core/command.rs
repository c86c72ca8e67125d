//! What goes into the engine's step and what comes out of it.

use serde::{Deserialize, Serialize};

use super::request::{Answer, Request, RequestId};
use super::state::{
    Cover, Cursor, Decision, Dirty, Exchange, HistoryEntry, Intent, Issue, IssueClass, Link, Observation, Run, Status,
};
use super::undo::{Undo, UndoReport};
use crate::mapping::FieldKey;
use crate::model::{LinkId, ObjectKind, Pause, PauseScope, RecordRef, RunId, System, Timestamp};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A request ended.
    Answer(Answer),
    /// A person asks for something.
    Person { ticket: Ticket, ask: Ask },
    /// Something says that these records changed. It may be wrong, late, or said before.
    Hinted(Vec<RecordRef>),
    /// The time asked for by [`Command::WakeAt`] has come, or simply some time has passed.
    Tick,
}

/// Names one ask of a person, so that its result finds the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a person can ask of a running engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Look at both systems now, whatever the interval says.
    SyncNow,
    /// Take the values of the other system over to `to`, for this one record, as far as directions allow.
    /// `dry_run` reads and plans, and sends nothing.
    Push { record: RecordRef, to: System, dry_run: bool },
    /// End a conflict of one field (or of all fields in conflict): that side's value wins.
    Decide { link: LinkId, field: Option<FieldKey>, winner: System },
    /// Look at one record again at once, forgetting back-off.
    Retry { record: RecordRef },
    /// Let the plan with this hash through its guard, once.
    Approve { plan: String },
    /// Take back what was written, where nobody changed it since. `dry_run` reads and plans, and sends nothing.
    Undo { what: Undo, dry_run: bool },
    /// Write nothing of that until somebody resumes it. `by`: who says so; `note`: why.
    Pause { scope: PauseScope, by: String, note: Option<String> },
    /// Lift every pause within that.
    Resume { scope: PauseScope },
}

/// Something to do. Commands are performed in order; a commit is durable before the next command begins, and the
/// engine is stepped again only after all commits of the step before are visible to its view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Commit(Batch),
    Send(RequestId, Request),
    /// Step again with [`Event::Tick`] at this moment, or earlier. Zero or the past: at once.
    WakeAt(crate::model::Timestamp),
    /// Tell whoever listens.
    Notify(Notice),
}

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A run ended, with its final row.
    RunEnded(Box<Run>),
    /// The answer to a person's ask.
    Answered { ticket: Ticket, reply: Reply },
}

/// What came of a person's ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Accepted,
    /// The push, or its preview: what was (would be) sent and why; empty when both sides agree already.
    Pushed(Box<super::plan::PushReport>),
    /// The undo, or its preview.
    Undone(Box<UndoReport>),
    Refused {
        reason: String,
        hint: String,
    },
}

/// Rows to commit in one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    pub durability: Durability,
    pub rows: Vec<Row>,
}

/// How safe a commit must be before the engine goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Durability {
    /// Survives the death of the process: for what can be read again.
    #[default]
    Process,
    /// Survives the loss of power: for intents and outcomes.
    Power,
}

/// One row to write. Each replaces the row with the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Row {
    Observation(Observation),
    /// Keyed by id. Record ids are unique over the links of an object, dead ones included.
    Link(Link),
    Intent(Intent),
    History(HistoryEntry),
    /// Keyed by record, class and field.
    Issue(Issue),
    ClearIssue {
        record: RecordRef,
        class: IssueClass,
        field: Option<FieldKey>,
    },
    /// Keyed by record. Keeps the older `since` of a mark that is there already.
    Dirty(Dirty),
    /// Marks every record of `object` that points to `parent`, as [`Row::Dirty`] would.
    DirtyChildren {
        object: ObjectKind,
        parent: RecordRef,
        since: Timestamp,
    },
    ClearDirty(RecordRef),
    Cursor(Cursor),
    Run(Run),
    /// Keyed by anchor. Keeps `since` when state and reason are unchanged.
    Status(Status),
    ClearStatus(RecordRef),
    /// Keyed by link and field.
    Decision(Decision),
    ClearDecision {
        link: LinkId,
        field: FieldKey,
    },
    /// Who the system is: the portal id or login company.
    Tenant {
        system: System,
        tenant: String,
    },
    /// Keyed by record: only the last one is kept. Made by the driver, not by the core.
    Exchange(Exchange),
    /// A plan that a person approved, by its hash.
    Approval {
        plan: String,
        used_by: Option<RunId>,
    },
    /// What approved plans cover that are being carried out; none once they are.
    Cover(Option<Cover>),
    /// Keyed by scope. One that is there already stays as it is.
    Pause(Pause),
    /// Ends every pause within that scope.
    ClearPauses(PauseScope),
    /// What was hinted at of that record so far is done with.
    Heard(RecordRef),
}
