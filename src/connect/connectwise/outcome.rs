//! What a ConnectWise answer means for a request. Pure: status and body in, outcome out.
//!
//! Bodies may be plain text, name their code `error`, or lack `errors`; one kind of 500 is the caller's fault.

use std::time::Duration;

use serde_json::Value as Json;

use crate::connect::error::{ConnectErrorKind, Fault};
use crate::connect::http::Reply;
use crate::connect::redact::{clip_message, is_page};
use crate::engine::core::request::{Failure, Rejection, RejectionKind};

/// The cool-down that was seen in practice.
const COOL_DOWN: Duration = Duration::from_secs(30);
const KEYS: &str =
    "Check the login company, the public and private key and the clientId (`lockstep connect connectwise`).";
/// What it says where it knows no such path.
pub(super) const NO_ENDPOINT: &str = "endpoint does not exist";
const ROLE: &str = "Look at the API member's security role (`lockstep doctor` names the rows it needs).";

/// The body of a successful answer, or what went wrong.
pub(super) fn classify(reply: &Reply) -> Result<Json, Fault> {
    if reply.status == 204 {
        return Ok(Json::Null);
    }
    if (200..=299).contains(&reply.status) {
        return reply
            .json()
            .map_err(|why| Fault::unknown(format!("ConnectWise answered {}, but {why}.", reply.status)));
    }
    let words = words(reply);
    match reply.status {
        _ if is_missing_route(reply) && reply.status == 400 => {
            let message = format!("ConnectWise does not route the call: {words}");
            Err(denied(ConnectErrorKind::Credentials, &message, KEYS))
        }
        400 if words.to_lowercase().contains("clientid") => {
            let message = format!("ConnectWise refused the clientId: {words}");
            Err(denied(ConnectErrorKind::Credentials, &message, KEYS))
        }
        401 if is_page(&reply.text()) && speaks_of_credentials(&words) => {
            let message = format!("The site refused the credentials, with a web page: {words}");
            Err(denied(ConnectErrorKind::Credentials, &message, KEYS))
        }
        // Not ConnectWise's word about anybody's rights, nor about a record: of a write, what became of it is not known.
        400 | 401 | 403 | 404 | 409 | 422 if is_page(&reply.text()) => {
            let message =
                format!("Something answered {} with a web page in place of ConnectWise: {words}", reply.status);
            let kind = if reply.status == 401 { ConnectErrorKind::Credentials } else { ConnectErrorKind::Unexpected };
            Err(Fault::new(
                kind,
                Failure::Unknown(clip_message(&message)),
                "It may be a proxy or a log-in page: check the site, and this machine's proxy.",
            ))
        }
        401 if speaks_of_rights(reply, &words) || !is_about_the_keys(reply, &words) => Err(permission(&words)),
        401 => {
            Err(denied(ConnectErrorKind::Credentials, &format!("ConnectWise refused the credentials: {words}"), KEYS))
        }
        403 if words.contains("SSL is required") => {
            let hint = "Use the API host of the cloud site, such as api-na.myconnectwise.net, over https.";
            Err(denied(ConnectErrorKind::Tls, &format!("ConnectWise refused the connection: {words}"), hint))
        }
        403 => Err(permission(&words)),
        423 | 429 => {
            let retry_after = reply.retry_after.or_else(|| spoken_wait(&words)).unwrap_or(COOL_DOWN);
            let message = format!("ConnectWise asks for a pause ({}): {words}", reply.status);
            Err(Fault::new(ConnectErrorKind::Limited, Failure::Throttled { retry_after, message }, ""))
        }
        404 if !says_gone(reply) && !words.contains(NO_ENDPOINT) => {
            Err(Fault::unknown(format!("ConnectWise answered 404, and not that the record is gone: {words}")))
        }
        400 | 404 | 405 | 409 | 413 | 414 | 415 | 422 => Err(rejected(reply)),
        // The request has a wrong type, or something stored cannot be read: neither goes away by waiting.
        500 if is_poison(&words) => Err(rejected(reply)),
        status => Err(Fault::unknown(format!("ConnectWise answered {status}: {words}"))),
    }
}

/// What the web server before an installation on premises says to wrong keys, as against a log-in page or a block by a
/// proxy: "401 - Unauthorized: Access is denied due to invalid credentials."
fn speaks_of_credentials(words: &str) -> bool {
    let words = words.to_lowercase();
    ["unauthorized", "unauthorised", "invalid credentials", "not authenticated", "notauthenticated"]
        .into_iter()
        .any(|said| words.contains(said))
}

/// A 401 without a word of ConnectWise's own is about the keys, and so is one that says so. "Member is not licensed for
/// this module" is not: no other key would help.
fn is_about_the_keys(reply: &Reply, words: &str) -> bool {
    let Some(body) = reply.json().ok().filter(Json::is_object) else { return true };
    let said = words.to_lowercase();
    let speaks =
        ["unauthori", "authenticat", "credential", "clientid", "client id", "key", "password", "token", "login"];
    message(&body).is_none()
        || word(&body, "code").as_deref() == Some("Unauthorized")
        || speaks.iter().any(|word| said.contains(word))
}

fn speaks_of_rights(reply: &Reply, words: &str) -> bool {
    let code = reply.json().ok().as_ref().and_then(|body| word(body, "code"));
    code.as_deref() == Some("Security") || words.to_lowercase().contains("security permission")
}

fn permission(words: &str) -> Fault {
    let message = clip_message(&format!("ConnectWise refused access: {words}"));
    Fault::new(ConnectErrorKind::Permission, Failure::Forbidden { message, hint: ROLE.to_owned() }, ROLE)
}

/// The words of an answer that one stored value has spoiled, where it is one: "String was not recognized as a valid
/// Boolean." takes the whole page of a list with it.
pub(super) fn poisoned(reply: &Reply) -> Option<String> {
    let words = words(reply);
    (reply.status == 500 && is_poison(&words)).then_some(words)
}

/// Whether the words are those of a value that does not fit its type, be it stored or asked for.
pub(super) fn is_poison(words: &str) -> bool {
    is_unreadable(words) || words.contains("Error converting value")
}

/// Whether the answer to a create may stand for one that took effect: what could not be read is the record as it is
/// now. A change is checked against the whole stored record first, so that there it is a refusal.
pub(super) fn may_have_landed(reply: &Reply) -> bool {
    reply.status == 500 && is_unreadable(&words(reply))
}

fn is_unreadable(words: &str) -> bool {
    words.contains("was not recognized as a valid")
}

/// Whether the call met no endpoint at all, as happens when the code base has moved.
pub(super) fn is_missing_route(reply: &Reply) -> bool {
    match reply.status {
        404 => {
            let said = reply.json().ok().as_ref().and_then(message).unwrap_or_default();
            said.contains(NO_ENDPOINT) || said.is_empty()
        }
        400 => reply.text().contains("Cannot route"),
        _ => false,
    }
}

/// Whether it is ConnectWise's own word that a record is not there.
fn says_gone(reply: &Reply) -> bool {
    let code = reply.json().ok().as_ref().and_then(|body| word(body, "code"));
    reply.status == 404 && code.as_deref() == Some("NotFound")
}

fn rejected(reply: &Reply) -> Fault {
    let body = reply.json().unwrap_or(Json::Null);
    let inner = body.get("errors").and_then(|errors| errors.get(0));
    let code = inner.or(Some(&body)).and_then(|error| word(error, "code")).unwrap_or_default();
    let said = all_messages(&body).or_else(|| message(&body)).unwrap_or_else(|| words(reply));
    let kind = match (reply.status, code.as_str()) {
        (409, _) | (_, "ObjectExists") => RejectionKind::Duplicate { existing: None },
        (404, _) if says_gone(reply) => RejectionKind::NotFound,
        (400 | 415 | 422 | 500, _) => RejectionKind::Invalid,
        _ => RejectionKind::Other,
    };
    let rejection = Rejection { kind, message: clip_message(&said), fields: named_fields(&body) };
    Fault::new(ConnectErrorKind::Unexpected, Failure::Rejected(rejection), "")
}

/// The fields that the errors inside are about, each once.
fn named_fields(body: &Json) -> Vec<String> {
    let errors = body.get("errors").and_then(Json::as_array).into_iter().flatten();
    let mut fields: Vec<String> = Vec::new();
    for field in errors.filter_map(|error| word(error, "field")).take(MOST_FIELDS) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}

/// What each of the errors inside says.
fn all_messages(body: &Json) -> Option<String> {
    let errors = body.get("errors")?.as_array()?;
    let said: Vec<String> = errors.iter().filter_map(message).take(5).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

fn denied(kind: ConnectErrorKind, message: &str, hint: &str) -> Fault {
    Fault::new(kind, Failure::Denied { message: clip_message(message), hint: hint.to_owned() }, hint)
}

/// No more errors are looked at: nobody maps so many fields, and an answer may say anything.
const MOST_FIELDS: usize = 100;

/// No pause is longer than a day, in seconds, whatever an answer says.
const LONGEST_WAIT: u64 = 24 * 3600;

/// "Please try again in 30 seconds."
fn spoken_wait(words: &str) -> Option<Duration> {
    let (_, rest) = words.split_once("try again in ")?;
    let seconds: u64 = rest.split(' ').next()?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

pub(super) fn words(reply: &Reply) -> String {
    match &reply.body {
        Err(why) => why.clone(),
        Ok(_) => {
            let said = reply.json().ok().and_then(|body| message(&body)).unwrap_or_else(|| reply.text());
            let line = clip_message(&said);
            if line.is_empty() { "no text".to_owned() } else { line }
        }
    }
}

fn message(body: &Json) -> Option<String> {
    word(body, "message")
}

fn word(json: &Json, name: &str) -> Option<String> {
    json.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a body that classifies otherwise is a failing test")]
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, retry_after: None, next: false, body: Ok(body.as_bytes().to_vec()) }
    }

    fn failure(status: u16, body: &str) -> Failure {
        classify(&reply(status, body)).unwrap_err().failure
    }

    #[test]
    fn refusals_name_their_field() {
        let table = [
            (
                400,
                r#"{"code":"InvalidObject","message":"contact object is invalid","errors":[{"code":"MissingRequiredField","message":"The firstName field is required.","resource":"contact","field":"firstName"}]}"#,
                RejectionKind::Invalid,
                Some("firstName"),
            ),
            (
                400,
                r#"{"code":"InvalidObject","message":"x","errors":[{"code":"ObjectExists","message":"exists","field":"identifier"}]}"#,
                RejectionKind::Duplicate { existing: None },
                Some("identifier"),
            ),
            (
                400,
                r#"{"code":"ApiFindCondition","message":"resources/identifier is not a recognized name."}"#,
                RejectionKind::Invalid,
                None,
            ),
            (404, r#"{"code":"NotFound","message":"Company 57919 not found"}"#, RejectionKind::NotFound, None),
            (404, r#"{"message":"The endpoint does not exist."}"#, RejectionKind::Other, None),
            (409, "", RejectionKind::Duplicate { existing: None }, None),
            (414, "<html>", RejectionKind::Other, None),
            (
                500,
                r#"{"message":"Error converting value \"{}\" to type 'x'. Path '', line 1, position 1."}"#,
                RejectionKind::Invalid,
                None,
            ),
            (500, r#"{"message":"String was not recognized as a valid DateTime."}"#, RejectionKind::Invalid, None),
        ];
        for (status, body, kind, field) in table {
            match failure(status, body) {
                Failure::Rejected(rejection) => {
                    assert_eq!(rejection.kind, kind, "{status} {body}");
                    assert_eq!(rejection.fields.first().map(String::as_str), field, "{status} {body}");
                }
                other => panic!("{status} {body}: {other:?}"),
            }
        }
    }

    #[test]
    fn credentials_and_rights_are_told_apart_from_refusals() {
        for (status, body) in [
            (401, "Unauthorized"),
            (401, r#"{"code":"ConnectWiseApi","message":"UserNotAuthenticated"}"#),
            (400, "Cannot route. Codebase/company is invalid"),
            (400, r#"{"message":"clientId is missing"}"#),
        ] {
            assert!(matches!(failure(status, body), Failure::Denied { .. }), "{status} {body}");
        }
        assert!(is_missing_route(&reply(404, r#"{"code":"ConnectWiseApi","message":"The endpoint does not exist."}"#)));
        assert!(!is_missing_route(&reply(404, r#"{"code":"NotFound","message":"Company 1 not found"}"#)));
    }

    #[test]
    fn a_401_about_rights_is_not_about_the_keys() {
        let rights = r#"{"code":"Security","message":"You do not have security permission to perform this action."}"#;
        for status in [401, 403] {
            let fault = classify(&reply(status, rights)).unwrap_err();
            assert_eq!(fault.kind, ConnectErrorKind::Permission, "{status}");
            assert!(matches!(fault.failure, Failure::Forbidden { .. }), "{fault:?}");
            assert!(fault.hint.contains("security role"), "{}", fault.hint);
        }
        let license = r#"{"code":"x","message":"Member is not licensed for this module"}"#;
        let fault = classify(&reply(401, license)).unwrap_err();
        let Failure::Forbidden { message, hint } = &fault.failure else { panic!("{fault:?}") };
        assert!(message.ends_with("Member is not licensed for this module") && !hint.contains("key"), "{fault:?}");
        for keys in [
            r#"{"code":"ConnectWiseApi","message":"UserNotAuthenticated"}"#,
            r#"{"code":"Unauthorized","message":"The clientId is invalid"}"#,
            r#"{"message":"Cannot authenticate the API member."}"#,
            "Unauthorized",
            "{}",
            "",
        ] {
            assert_eq!(classify(&reply(401, keys)).unwrap_err().kind, ConnectErrorKind::Credentials, "{keys}");
        }
    }

    #[test]
    fn a_limit_is_obeyed_and_trouble_is_left_open() {
        let body = r#"{"error":"ConnectWiseAPI","message":"Too many requests. Please try again in 12 seconds."}"#;
        assert!(matches!(failure(429, body), Failure::Throttled { retry_after, .. } if retry_after.as_secs() == 12));
        assert!(matches!(failure(429, ""), Failure::Throttled { retry_after, .. } if retry_after.as_secs() == 30));
        for (status, body) in
            [(500, r#"{"message":"A timeout has occured. Please try again."}"#), (502, "<html>"), (408, ""), (302, "")]
        {
            assert!(matches!(failure(status, body), Failure::Unknown(_)), "{status}");
        }
        assert!(matches!(failure(200, "{\"id\":"), Failure::Unknown(_)));
        assert_eq!(classify(&reply(204, "")).unwrap(), Json::Null);
    }

    #[test]
    fn every_error_inside_is_told() {
        let body = r#"{"message":"contact object is invalid","errors":[{"message":"One.","field":"a"},{"message":"Two.","field":"b"},{"message":"Three.","field":"a"},7,{"field":["c"]}]}"#;
        let Failure::Rejected(rejection) = failure(400, body) else { panic!("not a refusal") };
        assert_eq!(
            (rejection.message.as_str(), rejection.fields),
            ("One. Two. Three.", vec!["a".to_owned(), "b".to_owned()])
        );
    }

    #[test]
    fn a_page_that_one_value_spoils_is_known_by_its_words() {
        let spoiled = r#"{"code":"ConnectWiseApi","message":"String was not recognized as a valid Boolean."}"#;
        assert!(poisoned(&reply(500, spoiled)).is_some());
        assert_eq!(poisoned(&reply(500, r#"{"message":"A timeout has occured. Please try again."}"#)), None);
        assert_eq!(poisoned(&reply(400, spoiled)), None);
    }

    #[test]
    fn a_page_is_no_word_about_keys_rights_or_records() {
        for status in [400, 401, 403, 404, 409, 422] {
            for page in
                ["<!DOCTYPE html><html>Sign in</html>", "<html>", " \n<HTML><body>Blocked by policy</body></html>"]
            {
                let fault = classify(&reply(status, page)).unwrap_err();
                assert!(matches!(fault.failure, Failure::Unknown(_)), "{status} {page}: {fault:?}");
                assert!(fault.hint.contains("proxy") && fault.kind != ConnectErrorKind::Permission, "{fault:?}");
            }
        }
        let Failure::Denied { hint, .. } = failure(401, "Unauthorized") else { panic!("not denied") };
        assert!(hint.contains("private key"), "{hint}");
        let Failure::Forbidden { hint, .. } = failure(403, r#"{"code":"Security","message":"No."}"#) else {
            panic!("not forbidden")
        };
        assert!(hint.contains("security role"), "{hint}");
    }

    #[test]
    fn a_page_that_speaks_of_credentials_is_about_the_keys() {
        for page in [
            "<!DOCTYPE html><html><head><title>401 - Unauthorized: Access is denied due to invalid credentials.</title></head></html>",
            "<html><body><h1>UserNotAuthenticated</h1></body></html>",
        ] {
            let fault = classify(&reply(401, page)).unwrap_err();
            let Failure::Denied { message, hint } = &fault.failure else { panic!("{fault:?}") };
            assert!(fault.kind == ConnectErrorKind::Credentials && hint.contains("private key"), "{fault:?}");
            assert!(message.contains("web page") && !message.contains('<'), "{message}");
            for status in [403, 404] {
                let fault = classify(&reply(status, page)).unwrap_err();
                assert!(matches!(fault.failure, Failure::Unknown(_)), "{status}: {fault:?}");
            }
        }
    }

    #[test]
    fn only_the_word_not_found_ends_a_record() {
        for body in
            ["", "not here", "{}", r#"{"code":"Security","message":"x"}"#, r#"{"message":"Company 7 not found"}"#, "[]"]
        {
            assert!(matches!(failure(404, body), Failure::Unknown(_)), "{body}");
        }
    }
}
