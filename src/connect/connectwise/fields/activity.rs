//! The built-in fields of a sales activity: a note, a task, a call or a meeting, whatever its type says.

use super::{BuiltIn, choice, member, of, read_only, record, text, typed, unlisted};
use crate::mapping::references::{NOTES_OR_NAME, START_OR_ENTERED};
use crate::model::{FieldKind, ObjectKind};

pub(crate) const ACTIVITY: &[BuiltIn] = &[
    read_only(of("id", "Record id", FieldKind::Integer)),
    text("name", "Name", 100),
    choice("type", "Type", "/sales/activities/types"),
    choice("status", "Status", "/sales/activities/statuses"),
    record("company", "Company", ObjectKind::Company),
    record("contact", "Contact", ObjectKind::Contact),
    record("opportunity", "Opportunity", ObjectKind::Deal),
    record("ticket", "Ticket", ObjectKind::Ticket),
    typed(text("phoneNumber", "Phone", 30), FieldKind::Phone),
    text("phoneExtension", "Phone extension", 30),
    text("email", "E-mail", 250),
    typed(text("notes", "Notes", 0), FieldKind::LongText),
    typed(text(NOTES_OR_NAME, "Notes, or else the name", 0), FieldKind::LongText),
    of("dateStart", "Start", FieldKind::DateTime),
    of(START_OR_ENTERED, "Start, or else when it was entered", FieldKind::DateTime),
    of("dateEnd", "End", FieldKind::DateTime),
    member("assignTo", "Assigned to"),
    member("assignedBy", "Assigned by"),
    unlisted("campaign", "Campaign"),
    of("notifyFlag", "Notify", FieldKind::Bool),
    of("closeFlag", "Closed", FieldKind::Bool),
    read_only(of("dateClosedUtc", "Date closed", FieldKind::DateTime)),
];
