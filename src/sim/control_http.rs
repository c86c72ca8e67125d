//! The control API over HTTP: the methods of the handle as routes under `/_sim/`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Role;
use super::Side;
use super::clock::{Clock, iso_millis, parse_instant};
use super::control::{ControlError, ControlHandle};
use super::delivery::Webhook;
use super::faults::FaultRule;
use super::object::Object;
use super::options::{Behaviour, CONNECTWISE_API_MEMBER, HUBSPOT_APP_ID};
use super::wire::{Reply, Request};

/// 9999-12-30T00:00:00Z.
const LAST_MS: i64 = 253_402_128_000_000;

/// What a route answers: JSON, or why not.
type Answer = Result<Value, ControlError>;

pub(crate) fn answer(control: &ControlHandle, request: &Request) -> Reply {
    let parts = request.parts();
    let rest = parts.get(1..).unwrap_or_default();
    let answer = match rest {
        ["records", side, object, rest @ ..] => match (side_named(side), Object::from_word(object)) {
            (Some(side), Some(object)) => records(control, request, (side, object), rest),
            _ => return unknown(),
        },
        _ => world(control, request, rest),
    };
    match answer {
        Some(Ok(value)) => Reply::json(200, &value),
        Some(Err(error)) => {
            let status = if matches!(error, ControlError::Refused(_)) { 400 } else { 404 };
            Reply::json(status, &json!({"error": error.to_string()}))
        }
        None => unknown(),
    }
}

fn unknown() -> Reply {
    Reply::json(404, &json!({"error": "The control API has no such call"}))
}

fn side_named(name: &str) -> Option<Side> {
    match name {
        "hubspot" => Some(Side::HubSpot),
        "connectwise" => Some(Side::ConnectWise),
        _ => None,
    }
}

fn body(request: &Request) -> Result<Value, ControlError> {
    if request.body.is_empty() {
        return Ok(json!({}));
    }
    request.json().map_err(|e| ControlError::Refused(format!("The body is not JSON: {e}")))
}

fn number(request: &Request, name: &str, default: u64) -> u64 {
    request.param(name).and_then(|t| t.parse().ok()).unwrap_or(default)
}

fn records(
    control: &ControlHandle,
    request: &Request,
    (side, object): (Side, Object),
    rest: &[&str],
) -> Option<Answer> {
    let id = |text: &str| text.parse::<u64>().unwrap_or(0);
    let one = |id: u64| control.record(side, object, id).unwrap_or(Value::Null);
    Some(match (request.method.as_str(), rest) {
        ("GET", []) => {
            let limit = usize::try_from(number(request, "limit", 100)).unwrap_or(usize::MAX);
            Ok(Value::Array(control.records(side, object, number(request, "after", 0), limit)))
        }
        ("POST", []) => with_fields(request, |fields, user| {
            control.create(side, object, fields, user).map(|id| json!({ "id": id }))
        }),
        ("GET", [text]) => match control.record(side, object, id(text)) {
            Some(record) => Ok(record),
            None => Err(ControlError::NotFound { side: side.title(), object, id: id(text) }),
        },
        ("PATCH", [text]) => with_fields(request, |fields, user| {
            control.edit(side, object, id(text), fields, user).map(|()| one(id(text)))
        }),
        ("DELETE", [text]) => control.delete(side, object, id(text)).map(|()| one(id(text))),
        ("POST", [text, "restore"]) => control.restore(side, object, id(text)).map(|()| one(id(text))),
        ("POST", [text, "merge"]) => body(request).and_then(|body| {
            let other = body.get("other").and_then(Value::as_u64).unwrap_or(0);
            let user = body.get("user").and_then(Value::as_str);
            control.merge(side, object, id(text), other, user).map(|id| json!({ "id": id }))
        }),
        ("POST", [text, "associate"]) => body(request).and_then(|body| {
            let to = body.get("to").and_then(Value::as_str).unwrap_or_default();
            let unknown =
                || ControlError::Refused(format!("\"to\" must name an object, such as companies; it is {to:?}"));
            let to = Object::from_word(to).ok_or_else(unknown)?;
            let other = body.get("id").and_then(Value::as_u64).unwrap_or(0);
            let primary = body.get("primary").and_then(Value::as_bool).unwrap_or(false);
            let user = body.get("user").and_then(Value::as_str);
            control.associate(side, (object, id(text)), (to, other), primary, user).map(|()| one(id(text)))
        }),
        ("POST", [text, "index"]) if side == Side::HubSpot => body(request).and_then(|body| {
            let at = body.get("visible_at_ms").and_then(Value::as_i64).unwrap_or(0);
            control.show_in_search_from(object, id(text), at).map(|()| one(id(text)))
        }),
        _ => return None,
    })
}

fn with_fields(request: &Request, act: impl FnOnce(&Map<String, Value>, Option<&str>) -> Answer) -> Answer {
    let body = body(request)?;
    let fields = body.get("fields").and_then(Value::as_object);
    let fields = fields.ok_or_else(|| ControlError::Refused("The body needs an object \"fields\"".to_owned()))?;
    act(fields, body.get("user").and_then(Value::as_str))
}

fn world(control: &ControlHandle, request: &Request, rest: &[&str]) -> Option<Answer> {
    Some(match (request.method.as_str(), rest) {
        ("GET", ["info"]) => Ok(json!({
            "credentials": control.credentials(), "hubspot_app_id": HUBSPOT_APP_ID,
            "connectwise_api_member": CONNECTWISE_API_MEMBER,
        })),
        ("GET", ["clock"]) => Ok(clock(control)),
        ("PUT", ["clock", "skew"]) => set_skew(control, request),
        ("PUT", ["clock"]) => set_clock(control, request),
        ("POST", ["clock", "advance"]) => advance(control, request),
        ("GET", ["faults"]) => Ok(json!(control.faults())),
        ("POST", ["faults"]) => body(request).and_then(|body| {
            let rule: FaultRule =
                serde_json::from_value(body).map_err(|e| ControlError::Refused(format!("This is not a fault: {e}")))?;
            control.inject(rule);
            Ok(json!(control.faults()))
        }),
        ("DELETE", ["faults"]) => {
            control.clear_faults();
            Ok(json!([]))
        }
        ("GET", ["ledger"]) => Ok(json!(control.ledger(number(request, "since", 0)))),
        ("DELETE", ["ledger"]) => {
            control.clear_ledger();
            Ok(json!([]))
        }
        (_, ["webhooks", "hubspot"]) => return webhook(control, request),
        (method, ["hubspot", rest @ ..]) => match body(request) {
            Ok(body) => return control.upkeep_hubspot(method, rest, &body),
            Err(error) => Err(error),
        },
        ("GET", ["deliveries"]) => Ok(json!(control.deliveries(number(request, "since", 0)))),
        ("GET", ["requests"]) => Ok(json!(control.requests(number(request, "since", 0)))),
        ("GET", ["calls"]) => Ok(json!(control.calls())),
        ("DELETE", ["calls"]) => {
            control.clear_calls();
            Ok(json!({}))
        }
        ("GET", ["behaviour"]) => Ok(json!(control.behaviour())),
        ("PATCH", ["behaviour"]) => change_behaviour(control, request),
        ("POST", ["properties"]) => body(request).and_then(|body| {
            let object = match body.get("object").map(|word| word.as_str().and_then(Object::from_word)) {
                None => Object::Company,
                Some(Some(object)) => object,
                Some(None) => return Err(ControlError::Refused("There is no such object".to_owned())),
            };
            let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
            let label = if text("label").is_empty() { text("name") } else { text("label") };
            let unique = body.get("unique").and_then(Value::as_bool).unwrap_or(false);
            control.define_property(object, text("name"), label, unique).map(|added| json!({ "added": added }))
        }),
        ("POST", ["reset"]) => match control.reset() {
            Ok(()) => Ok(json!({})),
            Err(error) => Err(ControlError::Refused(error.to_string())),
        },
        _ => return None,
    })
}

fn clock(control: &ControlHandle) -> Value {
    let now = control.now_ms();
    let standing = matches!(control.clock(), Clock::Standing { .. });
    let skew_ms = json!({"hubspot": control.skew(Side::HubSpot), "connectwise": control.skew(Side::ConnectWise)});
    json!({"now_ms": now, "now": iso_millis(now), "standing": standing, "skew_ms": skew_ms})
}

/// Forward only, and not beyond the years that both systems can write.
fn advance(control: &ControlHandle, request: &Request) -> Answer {
    let most = LAST_MS.saturating_sub(control.now_ms()).max(0);
    let ms = body(request)?.get("ms").cloned().unwrap_or_default();
    let by = ms.as_u64().filter(|by| i64::try_from(*by).is_ok_and(|by| by <= most));
    let by = by.ok_or_else(|| {
        ControlError::Refused(format!("\"ms\" must be a whole number of milliseconds from 0 to {most}; it is {ms}"))
    })?;
    control.advance(Duration::from_millis(by));
    Ok(clock(control))
}

fn set_skew(control: &ControlHandle, request: &Request) -> Answer {
    let skew: Skew = serde_json::from_value(body(request)?)
        .map_err(|e| ControlError::Refused(format!("The body needs \"side\" and \"ms\": {e}")))?;
    control.set_skew(skew.side, skew.ms);
    Ok(clock(control))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skew {
    side: Side,
    ms: i64,
}

/// The secret goes in and never comes out.
fn webhook(control: &ControlHandle, request: &Request) -> Option<Answer> {
    let set = match request.method.as_str() {
        "GET" => Ok(()),
        "DELETE" => control.set_webhook(None),
        "PUT" => body(request).and_then(|body| {
            let webhook = serde_json::from_value(body)
                .map_err(|e| ControlError::Refused(format!("This is not a webhook: {e}")))?;
            control.set_webhook(Some(webhook))
        }),
        _ => return None,
    };
    let shown = |webhook: Webhook| json!({"url": webhook.url, "events": webhook.events});
    Some(set.map(|()| control.webhook().map_or(Value::Null, shown)))
}

fn set_clock(control: &ControlHandle, request: &Request) -> Answer {
    let body = body(request)?;
    let at = body.get("at").and_then(Value::as_str).and_then(parse_instant);
    let at = body.get("at_ms").and_then(Value::as_i64).or(at);
    let new = match (at, body.get("run").and_then(Value::as_bool)) {
        (Some(at_ms), _) => Clock::Standing { at_ms },
        (None, Some(true)) => Clock::Running { shift_ms: 0 },
        (None, _) => return Err(ControlError::Refused("The body needs \"at\", \"at_ms\" or \"run\": true".to_owned())),
    };
    control.set_clock(new);
    Ok(clock(control))
}

fn change_behaviour(control: &ControlHandle, request: &Request) -> Answer {
    let mut whole = json!(control.behaviour());
    let mut changes = body(request)?;
    if !changes.is_object() {
        return Err(ControlError::Refused("The body must be an object".to_owned()));
    }
    if let Some(Value::Object(rows)) = changes.pointer_mut("/connectwise/role/rows") {
        // By their own names, so that they take the places of those that are there.
        for (name, permit) in std::mem::take(rows) {
            rows.insert(Role::row_named(&name).map_err(ControlError::Refused)?.to_owned(), permit);
        }
    }
    merge(&mut whole, changes);
    let behaviour: Behaviour =
        serde_json::from_value(whole).map_err(|e| ControlError::Refused(format!("This is not a behaviour: {e}")))?;
    control.set_behaviour(behaviour);
    Ok(json!(control.behaviour()))
}

/// Lays `changes` over `whole`: objects member by member, everything else as a whole.
fn merge(whole: &mut Value, changes: Value) {
    match (whole, changes) {
        (Value::Object(whole), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(whole.entry(name).or_insert(Value::Null), change);
            }
        }
        (whole, changes) => *whole = changes,
    }
}
