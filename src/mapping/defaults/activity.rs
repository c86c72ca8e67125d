//! Notes, tasks, calls and meetings, which are activities of different types in ConnectWise, below companies and contacts.

use super::{both_ways, connectwise_takes, pair, rule};
use crate::mapping::config::{
    AutoPairs, Defaults, Direction, FieldMapping, MatchBy, ObjectMapping, Overflow, SystemOfRecord, Unmapped, ValueMap,
};
use crate::mapping::references::{
    ACTIVITY_COMPANIES, ALL_CONTACTS, ALL_TICKETS, DEAL_OF_LINE, MEETING_START, NOTES_OR_NAME, START_OR_ENTERED,
};
use crate::model::{FieldKind, FieldName, ObjectKind};

/// What a mapping of activities names of the tenant's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivitySetup {
    /// The ConnectWise field that carries the key of the HubSpot record, such as `customFields/71`. All kinds of activity
    /// share it, as they share their table.
    pub stamp: FieldName,
    /// Ids of the activity types that are of this kind; new records get the first.
    pub types: Vec<u64>,
    /// Id of the status of new records to which no field gives one.
    pub status: Option<u64>,
    /// Id of the member to whom an activity is assigned whose owner has no partner. Without it such an activity waits.
    pub assign_to: Option<u64>,
    /// The other objects of the configuration: an activity takes along its contact, deal and ticket as far as those are
    /// in step.
    pub beside: Vec<ObjectKind>,
}

impl ActivitySetup {
    /// Nothing but the key is named.
    #[must_use]
    pub const fn new(stamp: FieldName) -> Self {
        Self { stamp, types: Vec::new(), status: None, assign_to: None, beside: Vec::new() }
    }
}

/// Notes, tasks, calls or meetings, both ways, created on both sides once their company has its partner. `object` is one of
/// the four.
///
/// Left out: the priority, type and reminders of tasks, the duration, numbers and outcome of calls, and the place and
/// attendees of meetings, for which an activity has no field; the phone number and e-mail address of an activity, which
/// ConnectWise takes from its contact.
#[must_use]
pub fn activity(object: ObjectKind, setup: &ActivitySetup) -> ObjectMapping {
    let (mut fields, matching) = match object {
        ObjectKind::Note => (note(), rule("hs_note_body", NOTES_OR_NAME, MatchBy::CompanyText)),
        ObjectKind::Call => (call(), rule("hs_call_title", "name", MatchBy::CompanyText)),
        ObjectKind::Meeting => (meeting(), rule("hs_meeting_title", "name", MatchBy::CompanyText)),
        _ => (task(), rule("hs_task_subject", "name", MatchBy::CompanyText)),
    };
    // ConnectWise takes no activity that nobody is to do.
    fields.push(FieldMapping {
        values: Some(ValueMap {
            auto: Some(AutoPairs::Email),
            unmapped: Unmapped::Skip,
            pairs: Vec::new(),
            priority: Vec::new(),
        }),
        default: Defaults { hubspot: None, connectwise: setup.assign_to.map(|id| id.to_string()) },
        ..pair("hubspot_owner_id", "assignTo", FieldKind::Person)
    });
    let about = [
        (ACTIVITY_COMPANIES, "company", ObjectKind::Company),
        (ALL_CONTACTS, "contact", ObjectKind::Contact),
        (DEAL_OF_LINE, "opportunity", ObjectKind::Deal),
        (ALL_TICKETS, "ticket", ObjectKind::Ticket),
    ];
    let is_there = |of: ObjectKind| of == ObjectKind::Company || setup.beside.contains(&of);
    fields.extend(about.into_iter().filter(|(.., of)| is_there(*of)).map(|(hubspot, connectwise, of)| FieldMapping {
        wins: SystemOfRecord::ConnectWise,
        ..pair(hubspot, connectwise, FieldKind::Reference(of))
    }));
    ObjectMapping {
        connectwise_stamp: Some(setup.stamp.clone()),
        activity_types: setup.types.clone(),
        activity_status: setup.status,
        ..both_ways(object, vec![matching], fields)
    }
}

/// A note has no title in HubSpot: its activity is named by how it begins.
fn note() -> Vec<FieldMapping> {
    vec![
        FieldMapping {
            direction: Direction::ToConnectwise,
            wins: SystemOfRecord::HubSpot,
            overflow: Overflow::Cut,
            max_length: connectwise_takes(100),
            ..pair("hs_note_body", "name", FieldKind::RichText)
        },
        pair("hs_note_body", NOTES_OR_NAME, FieldKind::RichText),
        when(),
    ]
}

fn task() -> Vec<FieldMapping> {
    vec![title("hs_task_subject"), pair("hs_task_body", "notes", FieldKind::RichText), state("hs_task_status"), when()]
}

fn call() -> Vec<FieldMapping> {
    vec![
        untitled("hs_call_title", "Call"),
        pair("hs_call_body", "notes", FieldKind::RichText),
        state("hs_call_status"),
        when(),
    ]
}

fn meeting() -> Vec<FieldMapping> {
    vec![
        untitled("hs_meeting_title", "Meeting"),
        pair("hs_meeting_body", "notes", FieldKind::RichText),
        state("hs_meeting_outcome"),
        pair(MEETING_START, "dateStart", FieldKind::DateTime),
        pair("hs_meeting_end_time", "dateEnd", FieldKind::DateTime),
        // Where HubSpot shows it on the time line of its contact and company: at its start.
        FieldMapping {
            direction: Direction::ToHubspot,
            wins: SystemOfRecord::ConnectWise,
            ..pair("hs_timestamp", "dateStart", FieldKind::DateTime)
        },
    ]
}

fn title(hubspot: &str) -> FieldMapping {
    FieldMapping { max_length: connectwise_takes(100), ..pair(hubspot, "name", FieldKind::Text) }
}

/// People log calls and meetings without a title; ConnectWise takes no activity without a name.
fn untitled(hubspot: &str, name: &str) -> FieldMapping {
    FieldMapping { default: Defaults { hubspot: None, connectwise: Some(name.to_owned()) }, ..title(hubspot) }
}

/// When a task is due, or when something happened. HubSpot takes none without it: where ConnectWise has no start, the moment
/// counts at which the activity was entered.
fn when() -> FieldMapping {
    pair("hs_timestamp", START_OR_ENTERED, FieldKind::DateTime)
}

/// Open or done. What a portal added of its own waits until somebody pairs it.
fn state(hubspot: &str) -> FieldMapping {
    FieldMapping {
        values: Some(ValueMap {
            auto: Some(AutoPairs::Label),
            unmapped: Unmapped::Hold,
            pairs: Vec::new(),
            priority: Vec::new(),
        }),
        ..pair(hubspot, "status", FieldKind::Choice)
    }
}
