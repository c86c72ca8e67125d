//! What a HubSpot answer means for a request. Pure: status and body in, outcome out.
//!
//! Every field of an error body is optional, and some answers are HTML pages of a proxy.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value as Json;

use crate::connect::error::{ConnectErrorKind, Fault};
use crate::connect::http::Reply;
use crate::connect::redact::{clip_message, is_page};
use crate::engine::core::request::{Failure, Rejection, RejectionKind};
use crate::model::RecordId;

/// HubSpot locks an area for two seconds when too many writes meet there.
const LOCK: Duration = Duration::from_secs(2);
/// No more properties are named: nobody maps so many, and an answer may say anything.
const MOST_FIELDS: usize = 100;
/// The next step where HubSpot does not say which scope is missing.
pub(super) const SCOPES: &str = "Look at the scopes of the service key or private app in HubSpot.";
const MISSING_TOKEN: &str = "Enter the service key or private-app token again (`lockstep connect hubspot`).";

/// The body of a successful answer, or what went wrong.
pub(super) fn classify(reply: &Reply) -> Result<Json, Fault> {
    match reply.status {
        200..=299 => {
            reply.json().map_err(|why| Fault::unknown(format!("HubSpot answered {}, but {why}.", reply.status)))
        }
        // of what a proxy refused, what became of it is not known
        400 | 401 | 403 | 404 | 409 | 422 if is_foreign(reply) => Err(foreign(reply)),
        401 if is_about_the_token(reply) => Err(credentials(reply)),
        401 => Err(permission(reply)),
        403 => Err(permission(reply)),
        423 => Err(throttled(reply, reply.retry_after.unwrap_or(LOCK).max(LOCK))),
        429 => Err(throttled(reply, reply.retry_after.unwrap_or_else(|| policy_wait(reply)))),
        477 => Err(throttled(reply, reply.retry_after.unwrap_or(Duration::from_secs(60)))),
        400 | 404 | 405 | 409 | 413 | 414 | 415 | 422 => Err(rejected(reply)),
        status => Err(Fault::unknown(format!("HubSpot answered {status}: {}", say(reply)))),
    }
}

/// Whether an answer says that there is no such endpoint, rather than no such record.
pub(super) fn is_missing_route(reply: &Reply) -> bool {
    reply.status == 404 && reply.json().map_or(true, |body| text(&body, "category").is_none() && !names_a_record(&body))
}

fn names_a_record(body: &Json) -> bool {
    // "resource not found" is how HubSpot speaks of a record it does not have.
    text(body, "message").is_some_and(|message| message.to_ascii_lowercase().contains("not found"))
}

/// The refusal of one item of a batch, from its own entry among the errors.
/// `None` where the entry tells of trouble that is not the item's fault.
pub(super) fn item_rejection(error: &Json) -> Option<Rejection> {
    let category = text(error, "category").unwrap_or_default().to_ascii_uppercase();
    let status = error.get("status").and_then(Json::as_u64);
    let troubled = ["RATE", "TIMEOUT", "INTERNAL", "UNAVAILABLE"].iter().any(|word| category.contains(word));
    if troubled || status.is_some_and(|status| status >= 500) {
        return None;
    }
    Some(rejection(400, error))
}

/// Whether an error names one of these records.
pub(super) fn context_names(error: &Json, ids: &[RecordId]) -> bool {
    let lists = error.get("context").and_then(Json::as_object).into_iter().flat_map(|context| context.values());
    let named = lists.filter_map(Json::as_array).flatten().filter_map(super::record::id);
    named.into_iter().any(|id| ids.contains(&id))
}

/// Whom the refusal of a whole batch blames, where it does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Blame {
    /// Trace ids and record ids that it names, each with the refusal meant for it.
    pub named: Vec<(String, Rejection)>,
    /// Properties that cannot be written with any value: whoever carries one is refused all the same.
    pub hopeless: Vec<(String, Rejection)>,
}

/// Every bad property of a request is listed, and nothing of the request was written.
pub(super) fn blame(reply: &Reply) -> Blame {
    const ANY_VALUE: [&str; 2] = ["PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"];
    let body = reply.json().unwrap_or(Json::Null);
    let mut blame = Blame::default();
    for error in body.get("errors").and_then(Json::as_array).into_iter().flatten() {
        let Some(rejection) = item_rejection(error) else { continue };
        let strings = |key: &str| {
            let list = error.get("context").and_then(|context| context.get(key)).and_then(Json::as_array);
            list.into_iter().flatten().filter_map(super::record::plain).collect::<Vec<_>>()
        };
        for key in ["objectWriteTraceId", "ids", "id"] {
            strings(key).into_iter().for_each(|name| add(&mut blame.named, name, &rejection));
        }
        if text(error, "code").is_some_and(|code| ANY_VALUE.contains(&code.as_str())) {
            blame.hopeless.extend(strings("propertyName").into_iter().map(|name| (name, rejection.clone())));
        }
    }
    blame
}

/// Several errors about one record are one refusal of it.
fn add(named: &mut Vec<(String, Rejection)>, name: String, rejection: &Rejection) {
    let Some((_, known)) = named.iter_mut().find(|(known, _)| *known == name) else {
        named.push((name, rejection.clone()));
        return;
    };
    known.fields.extend(rejection.fields.iter().filter(|field| !known.names(field)).cloned().collect::<Vec<_>>());
    if !known.message.contains(&rejection.message) {
        known.message = clip_message(&format!("{}; {}", known.message, rejection.message));
    }
}

fn rejected(reply: &Reply) -> Fault {
    let body = reply.json().unwrap_or(Json::Null);
    let mut rejection = rejection(reply.status, &body);
    if rejection.message.is_empty() {
        rejection.message = format!("HubSpot answered {}: {}", reply.status, say(reply));
    }
    Fault::new(ConnectErrorKind::Unexpected, Failure::Rejected(rejection), "")
}

fn rejection(status: u16, body: &Json) -> Rejection {
    let raw = text(body, "message").unwrap_or_default();
    let (message, fields) = complaints(body, &raw);
    let category = text(body, "category").unwrap_or_default();
    let existing = existing(&raw);
    let duplicate = existing.is_some() || status == 409 || category == "CONFLICT" || raw.contains("already exists");
    let kind = if duplicate {
        RejectionKind::Duplicate { existing }
    } else if status == 404 || category == "OBJECT_NOT_FOUND" {
        RejectionKind::NotFound
    } else if status == 400 || status == 422 {
        RejectionKind::Invalid
    } else {
        RejectionKind::Other
    };
    Rejection { kind, message: clip_message(&message), fields }
}

/// HubSpot's words and the properties they are about, each once. Property errors come as JSON inside the text of the
/// message, and mostly beside it as well.
fn complaints(body: &Json, message: &str) -> (String, Vec<String>) {
    let named = |error: &Json| -> Vec<String> {
        let names = error.pointer("/context/propertyName").and_then(Json::as_array).into_iter().flatten();
        names.filter_map(Json::as_str).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let details = body.get("errors").and_then(Json::as_array).into_iter().flatten();
    let mut fields: Vec<String> = details.flat_map(named).collect();
    if fields.is_empty() {
        fields = named(body);
    }
    let mut words = message.to_owned();
    if let Some(inner) = message.strip_prefix("Property values were not valid: ")
        && let Ok(Json::Array(list)) = serde_json::from_str::<Json>(inner)
    {
        let said = list.iter().filter_map(|one| text(one, "message")).collect::<Vec<_>>().join("; ");
        fields.extend(list.iter().filter_map(|one| text(one, "name")));
        if !said.is_empty() {
            words = said;
        }
    }
    if fields.is_empty() {
        let taken = between(message, "propertyName=", ",").filter(|_| message.contains("already has that value"));
        // of a contact it is the address
        let taken = taken.or_else(|| message.starts_with("Contact already exists").then_some("email"));
        fields.extend(taken.map(str::to_owned));
    }
    let mut seen = BTreeSet::new();
    fields.retain(|name| seen.len() < MOST_FIELDS && seen.insert(name.clone()));
    (words, fields)
}

/// The record that holds a unique value already: HubSpot tells it in the text only.
fn existing(message: &str) -> Option<RecordId> {
    if let Some((_, rest)) = message.split_once("Existing ID:") {
        return leading_id(rest.trim_start());
    }
    let (before, _) = message.split_once(" already has that value")?;
    leading_id(before.rsplit(' ').next()?)
}

fn leading_id(text: &str) -> Option<RecordId> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(middle, _)| middle)
}

fn credentials(reply: &Reply) -> Fault {
    let body = reply.json().unwrap_or(Json::Null);
    let message = match (text(&body, "message"), expiry(&body)) {
        // A token that HubSpot half understands "expired" in 1970.
        (Some(message), Some(Expiry::Nonsense)) => format!("HubSpot does not know this token ({message})"),
        (Some(message), _) => format!("HubSpot refused the token: {message}"),
        (None, _) => "HubSpot refused the token.".to_owned(),
    };
    denied(ConnectErrorKind::Credentials, &message, MISSING_TOKEN)
}

/// A 401 without a word is about the token, and so is one that says so. HubSpot also answers it to an object that the
/// token may not name: "Unable to infer object type from: companies".
fn is_about_the_token(reply: &Reply) -> bool {
    let Ok(body) = reply.json() else { return true };
    match (text(&body, "category").as_deref(), text(&body, "message")) {
        (Some("INVALID_AUTHENTICATION" | "EXPIRED_AUTHENTICATION"), _) | (None, None) => true,
        (_, message) => {
            let words = message.unwrap_or_default().to_lowercase();
            ["authenticat", "credential", "token", "api key", "expired"].iter().any(|word| words.contains(word))
        }
    }
}

/// HubSpot refuses in JSON: a page or a bare text comes from somewhere before it, and says nothing of the token, of rights or
/// of a record.
fn is_foreign(reply: &Reply) -> bool {
    !reply.text().trim().is_empty() && !reply.json().is_ok_and(|body| body.is_object())
}

fn foreign(reply: &Reply) -> Fault {
    let who = if is_page(&reply.text()) {
        "A web page answers in place of HubSpot"
    } else {
        "Something other than HubSpot answers"
    };
    let message = format!("{who} ({}): {}", reply.status, say(reply));
    let hint = "Look at the network's proxy and HubSpot's status page.";
    match reply.status {
        // Whoever refused it, it was refused, and so is what follows.
        403 => denied(ConnectErrorKind::Unexpected, &message, hint),
        _ => Fault { hint: hint.to_owned(), ..Fault::unknown(message) },
    }
}

/// Whether a token that lives for a while has just ended, so that a new one helps. A 401 alone does not say so.
pub(super) fn is_expired(reply: &Reply) -> bool {
    reply.status == 401 && reply.json().is_ok_and(|body| expiry(&body) == Some(Expiry::Recent))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expiry {
    /// Less than a day ago.
    Recent,
    /// So long ago that it never was a token of ours: no renewal helps.
    Nonsense,
}

/// What HubSpot says of the end of a token: `expired 0 second(s) ago`.
fn expiry(body: &Json) -> Option<Expiry> {
    if text(body, "category").as_deref() != Some("EXPIRED_AUTHENTICATION") {
        return None;
    }
    let message = text(body, "message").unwrap_or_default();
    let mut words = message.split_once(" expired ").map(|(_, rest)| rest.split_whitespace()).into_iter().flatten();
    let amount = words.next().and_then(|word| word.parse::<u64>().ok());
    let seconds = match words.next().unwrap_or_default() {
        unit if unit.starts_with("second") => Some(1),
        unit if unit.starts_with("minute") => Some(60),
        unit if unit.starts_with("hour") => Some(3600),
        _ => None,
    };
    let age = amount.zip(seconds).map(|(amount, seconds)| amount.saturating_mul(seconds));
    Some(if age.is_some_and(|age| age <= 24 * 3600) { Expiry::Recent } else { Expiry::Nonsense })
}

fn permission(reply: &Reply) -> Fault {
    let body = reply.json().unwrap_or(Json::Null);
    let scopes = scopes(&body);
    let message = text(&body, "message").unwrap_or_else(|| "no reason given".to_owned());
    if scopes.is_empty() {
        return forbidden(&format!("HubSpot refused access ({}): {message}", reply.status), SCOPES);
    }
    let list = scopes.join(" or ");
    let message = format!("HubSpot refused access: the token lacks the scope {list}.");
    forbidden(&message, &format!("Add the scope {list} to the service key or private app."))
}

fn forbidden(message: &str, hint: &str) -> Fault {
    let message = clip_message(message);
    Fault::new(ConnectErrorKind::Permission, Failure::Forbidden { message, hint: hint.to_owned() }, hint)
}

fn denied(kind: ConnectErrorKind, message: &str, hint: &str) -> Fault {
    let message = clip_message(message);
    Fault::new(kind, Failure::Denied { message, hint: hint.to_owned() }, hint)
}

/// Any one of these would do.
fn scopes(body: &Json) -> Vec<String> {
    let mut found = Vec::new();
    let contexts = body.get("errors").and_then(Json::as_array).into_iter().flatten().chain(std::iter::once(body));
    for context in contexts.filter_map(|error| error.get("context")) {
        for key in ["requiredGranularScopes", "requiredScopes"] {
            let names = context.get(key).and_then(Json::as_array).into_iter().flatten();
            found.extend(names.filter_map(Json::as_str).map(clip_message));
        }
    }
    found
}

fn throttled(reply: &Reply, retry_after: Duration) -> Fault {
    if is_about_the_day(reply) {
        let message = format!("HubSpot's allowance of calls for today is used up ({}): {}", reply.status, say(reply));
        let hint = "It is given anew at midnight in the portal's time zone. Look in HubSpot which app uses the calls.";
        return Fault::new(ConnectErrorKind::Limited, Failure::Throttled { retry_after, message }, hint);
    }
    let message = format!("HubSpot asks for a pause ({}): {}", reply.status, say(reply));
    Fault::new(ConnectErrorKind::Limited, Failure::Throttled { retry_after, message }, "")
}

/// How long to wait where HubSpot does not say: by the limit that was hit.
fn policy_wait(reply: &Reply) -> Duration {
    let (policy, message) = limit(reply);
    if policy == "SECONDLY" || message.contains("secondly limit") && !message.contains("ten_secondly") {
        Duration::from_secs(1)
    } else if is_about_the_day(reply) {
        Duration::from_secs(15 * 60)
    } else {
        Duration::from_secs(10)
    }
}

fn is_about_the_day(reply: &Reply) -> bool {
    let (policy, message) = limit(reply);
    reply.status == 429 && (policy == "DAILY" || message.contains("daily limit"))
}

/// The name of the limit that was hit, and HubSpot's words about it.
fn limit(reply: &Reply) -> (String, String) {
    let body = reply.json().unwrap_or(Json::Null);
    (text(&body, "policyName").unwrap_or_default(), text(&body, "message").unwrap_or_default())
}

fn say(reply: &Reply) -> String {
    let message = reply.json().ok().and_then(|body| text(&body, "message"));
    let words = clip_message(&message.unwrap_or_else(|| reply.text()));
    match &reply.body {
        Err(why) => why.clone(),
        Ok(_) if words.is_empty() => "no text".to_owned(),
        Ok(_) => words,
    }
}

/// A member that is text (the value itself for an empty name), where it is there and not empty.
fn text(json: &Json, name: &str) -> Option<String> {
    let value = if name.is_empty() { json } else { json.get(name)? };
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
