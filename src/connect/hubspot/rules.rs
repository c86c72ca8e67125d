//! What HubSpot is sure to refuse is refused here, with the name of the field, before a call. What only a portal's own
//! rules forbid (conditional properties, validation) is left to HubSpot.

use serde_json::Value as Json;

use super::joins;
use super::write::{Item, Verb};
use crate::engine::core::request::{Rejection, RejectionKind};
use crate::model::ObjectKind;

/// Each entry is satisfied by any one of its properties; the first one is named where all are missing.
pub(super) const fn required(object: ObjectKind) -> &'static [&'static [&'static str]] {
    match object {
        ObjectKind::Company => &[&["name", "domain"]],
        ObjectKind::Deal => &[&["dealname"], &["dealstage"]],
        ObjectKind::Ticket => &[&["subject"], &["hs_pipeline"], &["hs_pipeline_stage"]],
        ObjectKind::Note | ObjectKind::Task => &[&["hs_timestamp"]],
        // The guides disagree on contacts, and say nothing of the rest.
        ObjectKind::Contact | ObjectKind::Product | ObjectKind::LineItem | ObjectKind::Call | ObjectKind::Meeting => {
            &[]
        }
    }
}

/// Why an item cannot succeed, where that is certain.
pub(super) fn refusal(object: ObjectKind, verb: Verb, item: &Item<'_>) -> Option<Rejection> {
    if verb == Verb::Update {
        return None;
    }
    if let Some(parent) = item.stranger {
        let message = format!("HubSpot has no association from a {object} to a {parent}.");
        return Some(Rejection { kind: RejectionKind::Other, message, field: None });
    }
    let set = |name: &&&str| {
        let value = item.input.get("properties").and_then(|properties| properties.get(**name)).and_then(Json::as_str);
        value.is_some_and(|value| !value.trim().is_empty())
    };
    let missing = required(object).iter().find(|names| !names.iter().any(|name| set(&name)))?;
    let name = *missing.first()?;
    let message = match *missing {
        [_, other, ..] => format!("HubSpot makes no {object} without {name} or {other}."),
        _ => format!("HubSpot makes no {object} without {name}."),
    };
    Some(Rejection { kind: RejectionKind::Invalid, message, field: Some(name.to_owned()) })
}

/// The kind of parent that HubSpot has no association for, if there is one.
pub(super) fn stranger(object: ObjectKind, parents: &[(ObjectKind, crate::model::RecordId)]) -> Option<ObjectKind> {
    parents.iter().map(|(kind, _)| *kind).find(|kind| joins::plain(object, *kind).is_none())
}
