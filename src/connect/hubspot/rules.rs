//! What HubSpot is sure to refuse is refused here, with the name of the field, before a call. What only a portal's own
//! rules forbid (conditional properties, validation) is left to HubSpot.

use serde_json::Value as Json;

use super::write::{Item, Verb};
use crate::engine::core::request::{Rejection, RejectionKind};
use crate::mapping::needs::{AskedBy, Need, needs};
use crate::model::{ObjectKind, System};

/// Why an item cannot succeed, where that is certain.
pub(super) fn refusal(object: ObjectKind, verb: Verb, item: &Item<'_>) -> Option<Rejection> {
    if verb == Verb::Update {
        return None;
    }
    let set = |name: &str| {
        let value = item.input.get("properties").and_then(|properties| properties.get(name)).and_then(Json::as_str);
        value.is_some_and(|value| !value.trim().is_empty())
    };
    let insists = |need: &&Need| need.asked_by == AskedBy::System;
    let lacks = |need: &&Need| !need.any_of.iter().any(|name| set(name));
    let missing = needs(object, System::HubSpot).iter().filter(insists).find(lacks)?;
    let (name, others) = missing.any_of.split_first()?;
    let message = match others {
        [other, ..] => format!("HubSpot makes no {object} without {name} or {other}."),
        [] => format!("HubSpot makes no {object} without {name}."),
    };
    Some(Rejection { kind: RejectionKind::Invalid, message, fields: vec![(*name).to_owned()] })
}
