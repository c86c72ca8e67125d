//! Issues: record states that need a person, or time.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::mapping::FieldKey;
use crate::model::{LinkId, RecordRef, Timestamp};

/// Something that keeps a record, or one field of it, from being in sync.
/// At most one per record, class and field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    pub record: RecordRef,
    pub class: IssueClass,
    /// The field mapping concerned; none when it is the whole record.
    pub field: Option<FieldKey>,
    pub link: Option<LinkId>,
    /// What is wrong, with the values, in one plain sentence.
    pub message: String,
    /// What to do next.
    pub hint: String,
    /// A hash of what was tried: while it stays the same, trying again is pointless.
    pub fingerprint: u64,
    pub attempts: u32,
    /// When the engine tries again by itself; `MAX` when only a change or a person helps.
    pub next_try: Timestamp,
    pub first: Timestamp,
    pub last: Timestamp,
}

impl Issue {
    /// Whether it is too early for another try. One that was noted in the future is from before this machine's clock was
    /// set back: its time says nothing.
    #[must_use]
    pub fn rests(&self, now: Timestamp) -> bool {
        self.next_try == Timestamp::MAX || (self.next_try > now && self.last <= now)
    }
}

/// What kind of cause an issue has; the grouping of the Activity tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueClass {
    /// Both sides changed a field and the rule is to ask.
    Conflict,
    /// Several records on the other side could be the same thing.
    AmbiguousMatch,
    /// A record that looks like this one exists but is linked elsewhere, or differs in a stronger key.
    SuspectedDuplicate,
    /// A value has no partner in the value map.
    UnmappedValue,
    /// A value cannot be written as the other system's field: too long, not a number.
    UnfitValue,
    /// A transform makes nothing of a value.
    Transform,
    /// A record belongs to several others, and which one counts is not clear.
    AmbiguousReference,
    /// A create lacks what the other system requires.
    MissingRequired,
    /// The system refused the write.
    Rejected,
    /// The system said yes and did nothing.
    FalseSuccess,
    /// A field keeps flipping between two values.
    Oscillation,
    /// The two sides were merged or re-linked in a way that needs a choice.
    Merged,
    /// A failure that may pass by itself.
    Transient,
    /// The generated company identifier is taken; another is tried.
    IdentifierTaken,
    /// A mapping, match rule, filter or key counts on a field that is not there any more, or has another type.
    MissingField,
    /// A system does not let Lockstep read, create or change records of this object.
    Permission,
    /// The system does not show the record in a form that can be read; it is read again by itself.
    Unreadable,
}

/// A record that stays unreadable for so long does not become readable by itself: somebody has to put right what its system
/// shows of it.
pub const UNREADABLE_FOR_GOOD: Duration = Duration::from_secs(3600);

impl Issue {
    /// Whether a person has to end it, as far as anybody can tell by now.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        let is_for_good = self.last.since(self.first) >= UNREADABLE_FOR_GOOD;
        self.class.needs_person() || (self.class == IssueClass::Unreadable && is_for_good)
    }
}

impl IssueClass {
    /// Whether only a person can end it, from its first moment.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        !matches!(self, Self::Transient | Self::IdentifierTaken | Self::Unreadable)
    }

    /// A word for tables and the database.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::AmbiguousMatch => "ambiguous",
            Self::AmbiguousReference => "several parents",
            Self::SuspectedDuplicate => "duplicate",
            Self::UnmappedValue => "option",
            Self::UnfitValue => "value",
            Self::Transform => "transform",
            Self::MissingRequired => "required",
            Self::Rejected => "rejected",
            Self::FalseSuccess => "no effect",
            Self::Oscillation => "oscillation",
            Self::Merged => "merged",
            Self::Transient => "retrying",
            Self::IdentifierTaken => "identifier",
            Self::MissingField => "field",
            Self::Permission => "permission",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for IssueClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}
