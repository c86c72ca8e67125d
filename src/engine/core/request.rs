//! What the engine asks of a system, and what it is told: one vocabulary for both, free of HTTP.
//!
//! A connector turns a [`Request`] into calls and every possible end of them into an [`Answer`].
//! It never retries and never decides; it only paces itself by its budget.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{FieldName, IntentId, ObjectKind, Record, RecordId, RunId, System, Timestamp, Value};

/// Which write or read of the engine an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Who goes first when the budget is short. Declared in order: earlier ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// A person waits for it.
    Interactive,
    /// Finding out what became of an earlier write.
    Recovery,
    /// Reading what changed.
    Pull,
    /// Writes of the regular sync and the reads just before them.
    Write,
    /// Settled, archived and association reads.
    Settled,
    /// Back-fill and sweeps.
    Bulk,
}

/// One thing to do in one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub system: System,
    pub object: ObjectKind,
    pub priority: Priority,
    /// The run that asks, so that a call in the log leads back to it; none outside of runs.
    pub run: Option<RunId>,
    pub body: RequestBody,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestBody {
    /// Who are we talking to? Answered by [`AnswerBody::Identity`]. The cheapest authenticated call.
    Identify,
    /// Records modified in `from..=until`, with `id > after`, ascending by id. From the change index.
    /// Archived HubSpot records are not in it; deleted ConnectWise companies are.
    Changes { fields: Vec<FieldName>, from: Timestamp, until: Timestamp, after: Option<RecordId>, limit: u32 },
    /// All records with `id > after`, ascending by id, from the primary store.
    List { fields: Vec<FieldName>, after: Option<RecordId>, archived: bool, limit: u32 },
    /// How many records `Changes` or `List` have in all: those modified at `since` or later, or all that are not archived.
    Count { since: Option<Timestamp> },
    /// These records, archived ones included. At most 100.
    Read { fields: Vec<FieldName>, ids: Vec<RecordId> },
    /// Records that carry one of these stamps. At most 100. Archived ones are included and a record just made is found,
    /// where [`stamps_are_unique`](crate::mapping::keys::stamps_are_unique) or the system is ConnectWise; elsewhere it is asked of the change index, which trails
    /// and knows no archive.
    FindStamped { fields: Vec<FieldName>, stamps: Vec<String> },
    /// Creates. HubSpot takes up to 100 at once, ConnectWise one.
    Create { fields: Vec<FieldName>, items: Vec<CreateItem> },
    /// Changes of some fields. HubSpot takes up to 100 at once, ConnectWise one.
    Update { fields: Vec<FieldName>, items: Vec<UpdateItem> },
    /// Which records of `to` these are associated with. At most 1,000. HubSpot only: in ConnectWise a reference is a
    /// field like any other.
    Associations { to: ObjectKind, ids: Vec<RecordId> },
    /// Adds associations with records of `to`; one that is there already stays. At most 100. HubSpot only.
    Associate { to: ObjectKind, items: Vec<AssociateItem> },
    /// Who gave these fields which values, newest first. At most 50. HubSpot only.
    History { fields: Vec<FieldName>, ids: Vec<RecordId> },
    /// The members of a HubSpot list (segment), by its id, with `id > after`, ascending by id. HubSpot only.
    Members { list: String, after: Option<RecordId>, limit: u32 },
}

impl RequestBody {
    #[must_use]
    pub const fn is_write(&self) -> bool {
        matches!(self, Self::Create { .. } | Self::Update { .. } | Self::Associate { .. })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateItem {
    pub intent: IntentId,
    /// Values in the target's own representation, normalised; never `Empty`.
    pub values: Vec<(FieldName, Value)>,
    /// The key of the source, to be carried by the new record from its first moment.
    pub stamp: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateItem {
    pub intent: IntentId,
    pub id: RecordId,
    /// Only what changes. `Empty` clears the field.
    pub values: Vec<(FieldName, Value)>,
    /// The key of the partner, where the record does not carry it yet. HubSpot only.
    pub stamp: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociateItem {
    pub intent: IntentId,
    pub from: RecordId,
    pub to: RecordId,
    /// Makes it the primary one, in place of the one that was. Only with companies.
    pub primary: bool,
}

/// One record associated with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    pub to: RecordId,
    pub primary: bool,
    /// Labels people gave it, such as `Decision maker`.
    pub labels: Vec<String>,
}

/// One entry of a field's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub field: FieldName,
    pub value: Value,
    pub at: Timestamp,
    /// What made the change, in the system's own word: `CRM_UI`, `INTEGRATION`, `IMPORT`.
    pub source: String,
    /// Which one of its kind: an app id, `userId:123`.
    pub source_id: Option<String>,
}

/// How a request ended. Every request gets exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub request: RequestId,
    /// The system's clock as of this answer (`Date` header), where it told.
    pub server_time: Option<Timestamp>,
    /// HTTP calls it took.
    pub calls: u32,
    pub body: AnswerBody,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerBody {
    /// The portal id, or the login company and its host (`acme@na.myconnectwise.net`): what must stay the same for the
    /// life of a workspace.
    Identity { tenant: String, label: String },
    /// A page of `Changes` or `List`. `last` is the highest id covered; `more` says whether to go on after it. Those that
    /// are `unread` belong on the page too, but nothing can be made of what it shows of them. Where a system lists an object
    /// [below](crate::mapping::references::listed_below) records of another, `after` and `last` are ids of those, and
    /// `parents` are those of them whose children are all on the page; elsewhere there are none.
    /// `others` are records of the page that are of another object now: activities whose type is another kind's. `merged`
    /// are those that went up in another one and are listed all the same, each with that one: tickets of ConnectWise.
    Page {
        records: Vec<Record>,
        last: Option<RecordId>,
        more: bool,
        unread: Vec<RecordId>,
        others: Vec<RecordId>,
        merged: Vec<(RecordId, RecordId)>,
        parents: Vec<RecordId>,
    },
    /// Answer to `Count`; none where the system cannot count what its pages bring.
    Counted { records: Option<u64> },
    /// Answer to `Read`: per id asked the record found, if any. A merged record answers with the survivor, whose id differs.
    /// Of an id that is missing here nothing is known.
    Records { found: Vec<(RecordId, Option<Record>)> },
    /// Answer to `FindStamped`: per stamp all records that carry it. Of a stamp that is missing here it is not known whether
    /// any does.
    Stamped { found: Vec<(String, Vec<Record>)> },
    /// Answer to `Create` and `Update`: one outcome per item, in any order.
    /// An item that is missing here counts as [`ItemOutcome::Unknown`].
    Written { items: Vec<(IntentId, ItemOutcome)> },
    /// Answer to `Associations`: per id asked what it is associated with. Of an id that is missing here it is not known.
    Associated { found: Vec<(RecordId, Vec<Association>)> },
    /// Answer to `Associate`: per item its end, `Ok` once it is there. An item that is missing may or may not have taken
    /// effect; repeating it does no harm.
    Joined { items: Vec<(IntentId, Result<(), Rejection>)> },
    /// Answer to `History`: per id asked the changes of the fields asked, newest first. Of an id that is missing here they
    /// are not known.
    Changed { found: Vec<(RecordId, Vec<FieldChange>)> },
    /// Answer to `Members`. `more` says whether to go on after the last one. So many as `unread` could not be made out:
    /// where there are any, a record that is not among the ids may be a member all the same.
    Members { ids: Vec<RecordId>, unread: usize, more: bool },
    /// The whole request failed; nothing more is known about any item than this.
    Failed(Failure),
    /// A person paused the write since it was decided: it was never handed to the system. Why.
    Withheld(String),
}

/// What became of one item of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Confirmed, with the record as the system now holds it.
    Applied(Box<Record>),
    /// Refused; nothing was written.
    Rejected(Rejection),
    /// No word about this item: it may or may not have taken effect.
    Unknown(String),
}

/// Why a system refused a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub kind: RejectionKind,
    /// The system's own words, without secrets, at most a few hundred characters.
    pub message: String,
    /// The fields it complains about, in its own spelling.
    pub fields: Vec<String>,
}

impl Rejection {
    /// Whether it complains about a field of that name.
    #[must_use]
    pub fn names(&self, field: &str) -> bool {
        self.fields.iter().any(|named| named.eq_ignore_ascii_case(field))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectionKind {
    /// A value or the record as a whole is not acceptable.
    Invalid,
    /// A unique value is taken, by that record where the system tells.
    Duplicate { existing: Option<RecordId> },
    /// The record is not there (any more).
    NotFound,
    /// Anything else that a repeat would not change.
    Other,
}

/// Why a whole request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Not a byte was sent: name, connection or TLS failed first. Repeating is free.
    NotSent(String),
    /// 429 or alike: nothing was done; not again before `retry_after`.
    Throttled { retry_after: Duration, message: String },
    /// The connection as a whole is refused: nothing was done, and nothing will be until a person acts.
    Denied { message: String, hint: String },
    /// A right is missing for just this: nothing was done. Other objects, and other things to do with this one, may be
    /// allowed.
    Forbidden { message: String, hint: String },
    /// The request as a whole was refused (400, 404, 409, 415, 422): nothing was done.
    Rejected(Rejection),
    /// Sent, and then no answer that tells what happened: time-out, reset, 5xx, unreadable body.
    Unknown(String),
}
