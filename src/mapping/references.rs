//! References: fields that point to another record, such as the company of a contact. They cross as links, never as ids.

use std::collections::{BTreeMap, BTreeSet};

use super::convert::Misfit;
use crate::model::{FieldKind, ObjectKind, RecordId, RecordRef, System, Value};

/// The HubSpot properties that stand for the primary company of a record. What HubSpot itself says under these names
/// trails the association and cannot be written; here they are the association.
pub const CONTACT_COMPANY: &str = "associatedcompanyid";
pub const DEAL_COMPANY: &str = "hs_primary_associated_company";
pub const TICKET_COMPANY: &str = "hs_primary_company_id";

/// What stands for the companies of a note, task, call or meeting, none of which is the primary one.
pub const ACTIVITY_COMPANIES: &str = "associations/companies";

/// The property that stands for the primary company of a HubSpot record, for the objects that have one.
#[must_use]
pub const fn primary_company(object: ObjectKind) -> Option<&'static str> {
    match object {
        ObjectKind::Contact => Some(CONTACT_COMPANY),
        ObjectKind::Deal => Some(DEAL_COMPANY),
        ObjectKind::Ticket => Some(TICKET_COMPANY),
        _ => None,
    }
}

/// The field that tells which company a record belongs to.
#[must_use]
pub const fn company_field(object: ObjectKind, system: System) -> Option<&'static str> {
    match system {
        System::HubSpot if object.is_activity() => Some(ACTIVITY_COMPANIES),
        System::HubSpot => primary_company(object),
        System::ConnectWise => match object {
            ObjectKind::Company | ObjectKind::Product | ObjectKind::LineItem => None,
            _ => Some("company"),
        },
    }
}

/// What stands for the deal of a line item, and for the deals of an activity.
pub const DEAL_OF_LINE: &str = "associations/deals";
/// What stands for the tickets of an activity.
pub const ALL_TICKETS: &str = "associations/tickets";
/// What stands for the opportunity of a forecast item.
pub const OPPORTUNITY_OF_LINE: &str = "opportunity";

/// The field that tells to which record of which object the names of an object are confined: the same name within one is
/// the same record. A company; of line items their deal.
#[must_use]
pub const fn home(object: ObjectKind, system: System) -> Option<(&'static str, ObjectKind)> {
    match (object, system) {
        (ObjectKind::LineItem, System::HubSpot) => Some((DEAL_OF_LINE, ObjectKind::Deal)),
        (ObjectKind::LineItem, System::ConnectWise) => Some((OPPORTUNITY_OF_LINE, ObjectKind::Deal)),
        _ => match company_field(object, system) {
            Some(name) => Some((name, ObjectKind::Company)),
            None => None,
        },
    }
}

/// The field that tells when an activity happens: the same name on another day is another activity.
#[must_use]
pub const fn day_field(object: ObjectKind, system: System) -> Option<&'static str> {
    match (object, system) {
        (ObjectKind::Meeting, System::HubSpot) => Some(MEETING_START),
        (ObjectKind::Meeting, System::ConnectWise) => Some("dateStart"),
        (ObjectKind::Note | ObjectKind::Task | ObjectKind::Call, System::HubSpot) => Some("hs_timestamp"),
        (ObjectKind::Note | ObjectKind::Task | ObjectKind::Call, System::ConnectWise) => Some(START_OR_ENTERED),
        _ => None,
    }
}

/// When a HubSpot meeting begins.
pub const MEETING_START: &str = "hs_meeting_start_time";
/// When a ConnectWise activity starts, or where that is not told when it was entered.
pub const START_OR_ENTERED: &str = "dateStart/dateEntered";
/// The notes of a ConnectWise activity, or where there are none its name.
pub const NOTES_OR_NAME: &str = "notes/name";
/// The text of an activity alone.
pub const NOTES: &str = "notes";

/// The object below whose records a system lists another one, which it lists nowhere else.
#[must_use]
pub const fn listed_below(object: ObjectKind, system: System) -> Option<ObjectKind> {
    match (object, system) {
        (ObjectKind::LineItem, System::ConnectWise) => Some(ObjectKind::Deal),
        _ => None,
    }
}

/// Who stands on the other side for a record that a reference points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partner {
    /// Its partner.
    Linked(RecordId),
    /// It will have been made by the time it is needed: a plan and a guard look ahead so far, no write does. Its name.
    Coming(String),
    /// It has none yet and may get one; what it waits for, in words.
    Awaited(String),
    /// It has none and gets none as things are; why, in words.
    Kept(String),
}

/// What is known of the records that the references of one pair point to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Partners {
    known: BTreeMap<RecordRef, Partner>,
    /// Those that belong to the same company as the record that points to them.
    kin: BTreeSet<RecordRef>,
}

impl Partners {
    pub fn insert(&mut self, record: RecordRef, partner: Partner) {
        self.known.insert(record, partner);
    }

    /// Those whose partner is still to come.
    #[must_use]
    pub fn awaited(&self) -> Vec<RecordRef> {
        let awaited = self.known.iter().filter(|(_, partner)| matches!(partner, Partner::Awaited(_)));
        awaited.map(|(record, _)| *record).collect()
    }

    /// Says in other words what is waited for.
    pub fn await_for(&mut self, record: RecordRef, why: String) {
        self.known.insert(record, Partner::Awaited(why));
    }

    pub fn add_kin(&mut self, record: RecordRef) {
        self.kin.insert(record);
    }

    /// Which of several records counts, where the other system holds one: of those that belong to the company of the
    /// record that points to them, and can have a partner, the oldest one. Of the companies of an activity the one that
    /// what it is about belongs to.
    ///
    /// # Errors
    /// None of them does; while one of them may still get a partner, that is waited for.
    pub fn of_several(&self, of: RecordRef, ids: &[RecordId]) -> Result<RecordRef, Misfit> {
        let several = ids.iter().map(|id| RecordRef { id: *id, ..of });
        let kept = |one: &RecordRef| matches!(self.known.get(one), Some(Partner::Kept(_)));
        if let Some(oldest) = several.clone().filter(|one| self.kin.contains(one) && !kept(one)).min() {
            return Ok(oldest);
        }
        // Which company counts is for a person to say, however many of them get their partners.
        let awaited =
            several.filter(|one| one.object != ObjectKind::Company).find_map(|one| match self.known.get(&one) {
                Some(Partner::Awaited(reason)) => Some(reason.clone()),
                _ => None,
            });
        Err(match awaited {
            Some(reason) => Misfit::NoPartner { reason, awaited: true },
            None => Misfit::Several { count: ids.len() },
        })
    }

    /// Whether one that has no partner yet is among those.
    #[must_use]
    pub fn knows_any(&self, foreseen: &BTreeMap<RecordRef, Partner>) -> bool {
        let is_without = |partner: &Partner| !matches!(partner, Partner::Linked(_));
        self.known.iter().any(|(record, partner)| is_without(partner) && foreseen.contains_key(record))
    }

    /// Looks ahead: what `foreseen` knows of the records that have no partner yet.
    pub fn foresee(&mut self, foreseen: &BTreeMap<RecordRef, Partner>) {
        for (record, partner) in &mut self.known {
            if let Some(coming) = foreseen.get(record).filter(|_| !matches!(partner, Partner::Linked(_))) {
                partner.clone_from(coming);
            }
        }
    }

    #[must_use]
    pub fn of(&self, record: RecordRef) -> Option<&Partner> {
        self.known.get(&record)
    }
}

/// How the name of a HubSpot field begins that stands for all associated records of one object: `associations/contacts`.
const ASSOCIATED: &str = "associations/";

/// All contacts of a HubSpot deal or ticket.
pub const ALL_CONTACTS: &str = "associations/contacts";

/// Whether a field holds every associated record instead of the one that counts.
#[must_use]
pub fn holds_all(name: &str) -> bool {
    name.starts_with(ASSOCIATED)
}

/// The object that a field of this kind points to.
#[must_use]
pub const fn refers_to(kind: FieldKind) -> Option<ObjectKind> {
    match kind {
        FieldKind::Reference(object) => Some(object),
        _ => None,
    }
}

/// The ids in a reference's value; what is no id is left out.
#[must_use]
pub fn ids(value: &Value) -> Vec<RecordId> {
    match value {
        Value::Choices(keys) => keys.iter().filter_map(|key| key.trim().parse().ok()).collect(),
        other => other.to_plain().split(';').filter_map(|key| key.trim().parse().ok()).collect(),
    }
}

/// The key under which the records are found that point to this one.
#[must_use]
pub fn referring_key(object: ObjectKind, id: RecordId) -> String {
    format!("of {}:{id}", object.key())
}
