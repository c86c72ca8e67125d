//! What a test of a draft comes to, as plain data: numbers, and the records behind each of them.

use std::collections::BTreeMap;

use crate::mapping::FieldKey;
use crate::model::{FieldName, ObjectKind, RecordRef, System};

/// Records that one number counts: all of them counted, the first ones kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picks {
    pub total: u64,
    /// [`Picks::MOST`] at most, in the order of the cache.
    pub records: Vec<RecordRef>,
}

impl Picks {
    pub const MOST: usize = 1_000;

    pub(super) fn add(&mut self, record: RecordRef) {
        self.total += 1;
        if self.records.len() < Self::MOST {
            self.records.push(record);
        }
    }
}

/// One number: what the draft would do, and how that differs from what the deployed version would do anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Number {
    pub draft: Picks,
    /// Only with the draft.
    pub more: Picks,
    /// Only with the deployed version.
    pub less: Picks,
    /// With both, but not the same: another value is written.
    pub otherwise: Picks,
}

impl Number {
    /// What the deployed version would do.
    #[must_use]
    pub const fn deployed(&self) -> u64 {
        self.draft.total + self.less.total - self.more.total
    }

    #[must_use]
    pub const fn differs(&self) -> bool {
        self.more.total + self.less.total + self.otherwise.total > 0
    }
}

/// What of an object's records is counted; a record counts once for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// A copy is made in that system.
    Create(System),
    /// Values are written to it.
    Update(System),
    /// It is recognised as the same thing as a record of the other system.
    Link,
    /// Values in it are emptied.
    Blank(System),
    /// It is held: a person has to act.
    Hold,
    /// A filter or the mapping keeps it out.
    Exclude,
    /// It passes the filters towards that system, and does not with the deployed version. Only ever `more`.
    Enter(System),
    /// The other way round.
    Leave(System),
    /// It hinges on fields that are not read yet.
    Unknown,
}

/// What of one field mapping is counted, in pairs that are there already: a new record has all its fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldMeasure {
    pub field: FieldKey,
    pub what: FieldWhat,
}

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldWhat {
    /// It is written to that system.
    Write(System),
    /// Of those, it is emptied.
    Blank(System),
    /// It holds the record: a person has to act.
    Hold,
}

/// The numbers of one object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectTrial {
    /// Pairs and single records that were looked at.
    pub looked_at: u64,
    /// Only what is not 0.
    pub numbers: BTreeMap<Measure, Number>,
    pub fields: BTreeMap<FieldMeasure, Number>,
}

/// Something that the draft looks at and the cache does not hold: what hinges on it is not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub object: ObjectKind,
    pub system: System,
    pub what: UnreadWhat,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnreadWhat {
    /// These fields are read once the draft is deployed.
    Fields(Vec<FieldName>),
    /// No record was read yet.
    Everything,
    /// The records are being read, or are to be read again, for the deployed version.
    UnderWay,
}

/// All numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrialReport {
    /// In the order of parents and children.
    pub objects: BTreeMap<ObjectKind, ObjectTrial>,
    /// The limit by which the first run after the deploy would be held, in words.
    pub guard: Option<String>,
    /// The workspace is being filled: limits do not apply yet.
    pub unlimited: bool,
    pub unread: Vec<Unread>,
    /// A person paused something: what it stops is counted as if it went on.
    pub paused: bool,
}

impl TrialReport {
    #[must_use]
    pub fn looked_at(&self) -> u64 {
        self.objects.values().map(|object| object.looked_at).sum()
    }

    /// Whether anything is another number, or another value, than with the deployed version.
    #[must_use]
    pub fn differs(&self) -> bool {
        let of = |object: &ObjectTrial| {
            object.numbers.values().any(Number::differs) || object.fields.values().any(Number::differs)
        };
        self.objects.values().any(of)
    }

    /// What the draft would do in all, of every measure that `counts`.
    #[must_use]
    pub fn total(&self, counts: impl Fn(Measure) -> bool) -> u64 {
        let numbers = self.objects.values().flat_map(|object| &object.numbers);
        numbers.filter(|(measure, _)| counts(**measure)).map(|(_, number)| number.draft.total).sum()
    }
}
