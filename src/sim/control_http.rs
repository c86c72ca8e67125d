//! The control API over HTTP: the methods of the handle as routes under `/_sim/`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Side;
use super::clock::{Clock, MOST_SKEW_MS, iso_millis, parse_instant};
use super::control::{ControlError, ControlHandle};
use super::delivery::Webhook;
use super::described;
use super::faults::FaultRule;
use super::nearest::nearest;
use super::object::Object;
use super::options::{CONNECTWISE_API_MEMBER, HUBSPOT_APP_ID};
use super::wire::{Reply, Request};

/// 9999-12-30T00:00:00Z.
const LAST_MS: i64 = 253_402_128_000_000;

/// What a route answers: JSON, or why not.
type Answer = Result<Value, ControlError>;

/// To a body of more than so many bytes, which nobody has read.
pub(crate) fn too_long(limit: usize) -> Reply {
    let most = limit / (1024 * 1024);
    Reply::json(413, &json!({"error": format!("The body is longer than {most} MB: send it in parts")}))
}

pub(crate) fn answer(control: &ControlHandle, request: &Request) -> Reply {
    let parts = request.parts();
    let rest = parts.get(1..).unwrap_or_default();
    let answer = match known_parameters(request, rest) {
        Err(error) => Some(Err(error)),
        Ok(()) => match rest {
            ["records", side, object, rest @ ..] => match place(control, side, object) {
                Ok(of) => records(control, request, of, rest),
                Err(error) => Some(Err(error)),
            },
            _ => world(control, request, rest),
        },
    };
    match answer {
        Some(Ok(value)) => Reply::json(200, &value),
        Some(Err(error)) => {
            let status = if matches!(error, ControlError::Refused(_)) { 400 } else { 404 };
            Reply::json(status, &json!({"error": error.to_string()}))
        }
        None => unknown(request),
    }
}

fn unknown(request: &Request) -> Reply {
    let Request { method, path, .. } = request;
    Reply::json(404, &json!({"error": format!("The control API has no such call: {method} {path}")}))
}

/// The system and the object that a path names, if the one has the other.
fn place(control: &ControlHandle, side: &str, object: &str) -> Result<(Side, Object), ControlError> {
    let sides = [Side::HubSpot, Side::ConnectWise];
    let side = sides.into_iter().find(|known| known.name() == side).ok_or_else(|| {
        let nearest = nearest(side, sides.map(Side::name));
        ControlError::Nothing(format!("There is no system {side:?}; the nearest is {nearest:?}"))
    })?;
    let object = Object::from_word(object).ok_or_else(|| {
        let nearest = nearest(object, Object::ALL.map(Object::word));
        ControlError::Nothing(format!("There is no object {object:?}; the nearest is {nearest:?}"))
    })?;
    control.must_hold(side, object)?;
    Ok((side, object))
}

/// A misspelt parameter would be no parameter, and its call would answer something else in silence.
fn known_parameters(request: &Request, rest: &[&str]) -> Result<(), ControlError> {
    let known: &[&str] = match (request.method.as_str(), rest) {
        ("GET", ["records", _, _]) => &["after", "limit"],
        ("GET", ["ledger" | "deliveries" | "requests"]) => &["since"],
        _ => &[],
    };
    let slip = request.query.iter().map(|(name, _)| name).find(|name| !known.contains(&name.as_str()));
    let Some(slip) = slip else { return Ok(()) };
    Err(ControlError::Refused(match known {
        [] => format!("This call takes no parameters; it was given {slip:?}"),
        _ => format!("This call has no parameter {slip:?}; the nearest is {:?}", nearest(slip, known.iter().copied())),
    }))
}

fn body(request: &Request) -> Result<Value, ControlError> {
    if request.body.is_empty() {
        return Ok(json!({}));
    }
    let body = request.json().map_err(|e| ControlError::Refused(format!("The body is not JSON: {e}")))?;
    // A list would fill the members of what a call takes in their order.
    if body.is_object() { Ok(body) } else { Err(ControlError::Refused("The body must be an object".to_owned())) }
}

/// A number of the query; as a default where it is not given.
fn number(request: &Request, name: &str, default: u64) -> Result<u64, ControlError> {
    let Some(text) = request.param(name) else { return Ok(default) };
    text.parse().map_err(|_| ControlError::Refused(format!("\"{name}\" must be a whole number; it is {text:?}")))
}

/// The body as what the call takes. Members that it does not know are refused: a slip would do something else in silence.
fn told<T: DeserializeOwned>(request: &Request) -> Result<T, ControlError> {
    serde_json::from_value(body(request)?)
        .map_err(|e| ControlError::Refused(format!("The body is not what this call takes: {e}")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    fields: Map<String, Value>,
    user: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    other: u64,
    user: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Associate {
    to: String,
    id: u64,
    #[serde(default)]
    primary: bool,
    user: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Property {
    object: Option<String>,
    name: String,
    label: Option<String>,
    #[serde(default)]
    unique: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    visible_at_ms: i64,
}

/// At one moment, or as the machine's clock runs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    at: Option<String>,
    at_ms: Option<i64>,
    run: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(default)]
    ms: Value,
}

fn records(control: &ControlHandle, request: &Request, of: (Side, Object), rest: &[&str]) -> Option<Answer> {
    match (request.method.as_str(), rest) {
        ("GET", []) => Some(page(control, request, of)),
        ("POST", []) => Some(told(request).and_then(|Fields { fields, user }| {
            control.must_know(of.0, user.as_deref())?;
            let made = control.create(of.0, of.1, &fields, user.as_deref());
            made.map(|id| json!({ "id": id }))
        })),
        (_, [text, rest @ ..]) => match text.parse() {
            Ok(id) => record(control, request, of, id, rest),
            Err(_) => Some(Err(ControlError::Refused(format!("The id of a record is a whole number; it is {text:?}")))),
        },
        _ => None,
    }
}

fn page(control: &ControlHandle, request: &Request, (side, object): (Side, Object)) -> Answer {
    let limit = usize::try_from(number(request, "limit", 100)?).unwrap_or(usize::MAX);
    Ok(Value::Array(control.records(side, object, number(request, "after", 0)?, limit)))
}

fn record(
    control: &ControlHandle,
    request: &Request,
    (side, object): (Side, Object),
    id: u64,
    rest: &[&str],
) -> Option<Answer> {
    let shown = || control.record(side, object, id);
    let one = |()| shown().unwrap_or(Value::Null);
    Some(match (request.method.as_str(), rest) {
        ("GET", []) => shown().ok_or(ControlError::NotFound { side: side.title(), object, id }),
        ("PATCH", []) => told(request).and_then(|Fields { fields, user }| {
            control.must_know(side, user.as_deref())?;
            control.edit(side, object, id, &fields, user.as_deref()).map(one)
        }),
        ("DELETE", []) => control.delete(side, object, id).map(one),
        ("POST", ["restore"]) => control.restore(side, object, id).map(one),
        ("POST", ["merge"]) => told(request).and_then(|Merge { other, user }| {
            control.must_know(side, user.as_deref())?;
            control.merge(side, object, id, other, user.as_deref()).map(|id| json!({ "id": id }))
        }),
        ("POST", ["associate"]) => told(request).and_then(|Associate { to, id: other, primary, user }| {
            let unknown =
                || ControlError::Refused(format!("\"to\" must name an object, such as companies; it is {to:?}"));
            let to = Object::from_word(&to).ok_or_else(unknown)?;
            control.must_know(side, user.as_deref())?;
            control.associate(side, (object, id), (to, other), primary, user.as_deref()).map(one)
        }),
        ("POST", ["index"]) if side == Side::HubSpot => told(request).and_then(|Index { visible_at_ms }| {
            control.show_in_search_from(object, id, within_time("visible_at_ms", visible_at_ms)?).map(one)
        }),
        _ => return None,
    })
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
        ("GET", ["faults", "kinds"]) => Ok(described::faults()),
        ("POST", ["faults"]) => body(request).and_then(|body| {
            let rule: FaultRule =
                serde_json::from_value(body).map_err(|e| ControlError::Refused(format!("This is not a fault: {e}")))?;
            rule.check().map_err(ControlError::Refused)?;
            control.inject(rule);
            Ok(json!(control.faults()))
        }),
        ("DELETE", ["faults"]) => {
            control.clear_faults();
            Ok(json!([]))
        }
        ("GET", ["ledger"]) => number(request, "since", 0).map(|since| json!(control.ledger(since))),
        ("DELETE", ["ledger"]) => {
            control.clear_ledger();
            Ok(json!([]))
        }
        (_, ["webhooks", "hubspot"]) => return webhook(control, request),
        ("POST", ["webhooks", "hubspot", "test"]) => {
            told(request).and_then(|Test { event }| control.test_webhook(&event)).map(|()| json!({}))
        }
        (method, ["hubspot", rest @ ..]) => match body(request) {
            Ok(body) => return control.upkeep_hubspot(method, rest, &body),
            Err(error) => Err(error),
        },
        ("GET", ["deliveries"]) => number(request, "since", 0).map(|since| json!(control.deliveries(since))),
        ("GET", ["requests"]) => number(request, "since", 0).map(|since| json!(control.requests(since))),
        ("GET", ["calls"]) => Ok(json!(control.calls())),
        ("DELETE", ["calls"]) => {
            control.clear_calls();
            Ok(json!({}))
        }
        ("GET", ["behaviour"]) => Ok(json!(control.behaviour())),
        ("PATCH", ["behaviour"]) => body(request).and_then(|changes| Ok(json!(control.change_behaviour(changes)?))),
        ("GET", ["behaviour", "switches"]) => Ok(described::switches(&control.behaviour())),
        ("POST", ["properties"]) => told(request).and_then(|property| define(control, property)),
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

/// Adds a HubSpot property of text.
fn define(control: &ControlHandle, Property { object, name, label, unique }: Property) -> Answer {
    let word = object.as_deref().unwrap_or("companies");
    let object = Object::from_word(word).ok_or_else(|| {
        ControlError::Refused(format!("\"object\" must name an object, such as companies; it is {word:?}"))
    })?;
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        let why = "must be lower-case letters, digits and underscores, a letter first";
        return Err(ControlError::Refused(format!("\"name\" {why}; it is {name:?}")));
    }
    let label = label.filter(|label| !label.is_empty()).unwrap_or_else(|| name.clone());
    control.define_property(object, &name, &label, unique).map(|added| json!({ "added": added }))
}

/// Forward only, and not beyond the years that both systems can write.
fn advance(control: &ControlHandle, request: &Request) -> Answer {
    let Advance { ms } = told(request)?;
    let most = LAST_MS.saturating_sub(control.now_ms()).max(0);
    let by = ms.as_u64().filter(|by| i64::try_from(*by).is_ok_and(|by| by <= most));
    let by = by.ok_or_else(|| {
        ControlError::Refused(format!("\"ms\" must be a whole number of milliseconds from 0 to {most}; it is {ms}"))
    })?;
    control.advance(Duration::from_millis(by));
    Ok(clock(control))
}

/// A moment that both systems can write.
fn within_time(name: &str, at_ms: i64) -> Result<i64, ControlError> {
    if (0..=LAST_MS).contains(&at_ms) {
        return Ok(at_ms);
    }
    Err(ControlError::Refused(format!(
        "\"{name}\" must be from 0 to {LAST_MS}, the years 1970 to 9999 in milliseconds; it is {at_ms}"
    )))
}

fn set_skew(control: &ControlHandle, request: &Request) -> Answer {
    let Skew { side, ms } = told(request)?;
    if !(-MOST_SKEW_MS..=MOST_SKEW_MS).contains(&ms) {
        return Err(ControlError::Refused(format!(
            "\"ms\" must be from -{MOST_SKEW_MS} to {MOST_SKEW_MS}, a year back or ahead; it is {ms}"
        )));
    }
    control.set_skew(side, ms);
    Ok(clock(control))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skew {
    side: Side,
    ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    event: String,
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
    let new = match told(request)? {
        SetClock { at: Some(text), at_ms: None, run: None } => {
            let refused = || {
                ControlError::Refused(format!("\"at\" must be a moment such as 2026-05-28T20:00:00Z; it is {text:?}"))
            };
            let at_ms = within_time("at", parse_instant(&text).ok_or_else(refused)?)?;
            Clock::Standing { at_ms }
        }
        SetClock { at: None, at_ms: Some(at_ms), run: None } => Clock::Standing { at_ms: within_time("at_ms", at_ms)? },
        SetClock { at: None, at_ms: None, run: Some(true) } => Clock::Running { shift_ms: 0 },
        _ => {
            let why = "The body needs \"at\", \"at_ms\" or \"run\": true, and one of them alone";
            return Err(ControlError::Refused(why.to_owned()));
        }
    };
    control.set_clock(new);
    Ok(clock(control))
}
