//! What the sign-in sends and what it makes of answers, without a network.
#![expect(clippy::unwrap_used, reason = "a failing parse is a failing test")]

use super::*;
use serde_json::json;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn options() -> Options {
    Options::new(std::sync::Arc::new(|| NOW))
}

fn app() -> App {
    App { client_id: "id/1".into(), client_secret: "very-secret".into() }
}

fn attempt() -> Authorization {
    Authorization::begin(&app(), "http://localhost:4711/oauth/callback", &["oauth", "tickets"], &["x"], &options())
        .unwrap()
}

fn reply(status: u16, body: &str) -> Reply {
    Reply { status, retry_after: None, next: false, body: Ok(body.as_bytes().to_vec()) }
}

#[test]
fn the_page_carries_the_challenge_and_never_the_verifier() {
    // The example of RFC 7636, appendix B.
    assert_eq!(challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let (one, two) = (attempt(), attempt());
    assert!(one.url.starts_with("https://app.hubspot.com/oauth/authorize?client_id=id%2F1&redirect_uri=http%3A%2F%2Flocalhost%3A4711%2Foauth%2Fcallback&scope=oauth%20tickets&state="));
    assert!(one.url.contains(&challenge(one.verifier.expose_secret())) && one.url.ends_with("&optional_scope=x"));
    assert!(!one.url.contains(one.verifier.expose_secret()) && !one.url.contains("very-secret"));
    assert_ne!(one.state.expose_secret(), two.state.expose_secret());
    let shown = format!("{one:?} {:?}", app());
    assert!(!shown.contains(one.verifier.expose_secret()) && !shown.contains("very-secret"), "{shown}");
}

#[test]
fn a_person_pastes_the_code_or_the_whole_address() {
    let attempt = attempt();
    let state = attempt.state.expose_secret();
    let good = [
        "abc-DEF_1".to_owned(),
        " 'abc-DEF_1' ".to_owned(),
        format!("http://localhost:4711/oauth/callback?code=abc-DEF_1&state={state}"),
        format!("https://x.example/?state={state}&code=abc%2DDEF_1#top"),
    ];
    for text in good {
        assert_eq!(attempt.pasted(&text).unwrap().expose_secret(), "abc-DEF_1", "{text}");
    }
    let bad = [
        String::new(),
        "two words".to_owned(),
        "http://localhost:4711/oauth/callback".to_owned(),
        "x\u{1b}[2J".to_owned(),
        "http://localhost/?code=abc".to_owned(),
        "http://localhost/?code=abc&state=other".to_owned(),
        format!("http://localhost/?state={state}"),
        format!("http://localhost/?state={state}&code="),
        format!("http://localhost/?state={state}&code=%f"),
        format!("http://localhost/?state={state}&error=access_denied&code=abc"),
    ];
    for text in bad {
        let error = attempt.pasted(&text).unwrap_err();
        assert_eq!(error.kind, ConnectErrorKind::Credentials, "{text}");
        assert!(!error.hint.is_empty(), "{text}");
    }
}

#[test]
fn each_word_that_ends_a_grant_names_its_own_next_step() {
    let table = [
        (400, "status", "BAD_CLIENT_SECRET", "Auth page"),
        (400, "status", "BAD_CLIENT_ID", "Auth page"),
        (401, "error", "invalid_client", "Auth page"),
        (400, "error", "unauthorized_client", "Auth page"),
        (400, "status", "BAD_REDIRECT_URI", "letter by letter"),
        (400, "status", "MISMATCH_REDIRECT_URI_AUTH_CODE", "letter by letter"),
        (400, "status", "BAD_AUTH_CODE", "quicker than a minute"),
        (403, "status", "EXPIRED_AUTH_CODE", "quicker than a minute"),
        (400, "status", "BAD_REFRESH_TOKEN", "lockstep connect hubspot --oauth"),
        (400, "category", "BAD_REFRESH_TOKEN", "lockstep connect hubspot --oauth"),
        (400, "error", "invalid_grant", "lockstep connect hubspot --oauth"),
        (401, "category", "INVALID_AUTHENTICATION", "lockstep connect hubspot --oauth"),
    ];
    for (status, member, word, words) in table {
        for (said, expected) in [("message", "gone"), ("error_description", "gone"), ("x", word)] {
            let mut body = json!({"status": "error", "category": "VALIDATION_ERROR"});
            body[member] = json!(word);
            body[said] = json!("gone");
            let Failure::Denied { message, hint } = refused(&reply(status, &body.to_string())).failure else {
                panic!("{body}")
            };
            assert!(message.ends_with(&format!(" ({word}): {expected}.")), "{message}");
            assert!(hint.contains(words), "{hint}");
        }
    }
}

#[test]
fn an_answer_without_such_a_word_is_trouble_that_may_pass() {
    let table = [
        (400, "{}"),
        (400, "[]"),
        (400, "not JSON: BAD_REFRESH_TOKEN"),
        (400, r#"{"status":"BAD_WEATHER","message":"no"}"#),
        (400, r#"{"status":"error","category":"VALIDATION_ERROR","message":"missing grant_type"}"#),
        (400, r#"{"error":"invalid_request"}"#),
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (400, r#"{"error":{"code":"invalid_grant"}}"#),
        (400, r#"{"message":"invalid_grant"}"#),
        (400, r#"{"status":"error","category":"INVALID_AUTHENTICATION"}"#),
        (401, "{}"),
        (401, r#"{"error":"Proxy authentication required"}"#),
        (403, r#"{"error":"blocked by policy"}"#),
        (403, r#"{"status":"error","category":"MISSING_SCOPES","message":"no"}"#),
        (403, "<html>Cloudflare"),
        (404, "x"),
        (302, ""),
        (500, r#"{"status":"BAD_REFRESH_TOKEN"}"#),
        (502, "<html>"),
    ];
    for (status, body) in table {
        let fault = refused(&reply(status, body));
        let Failure::Unknown(message) = fault.failure else { panic!("{status} {body}: {fault:?}") };
        assert!(!message.is_empty() && !fault.hint.is_empty(), "{status} {body}");
    }
    assert!(matches!(refused(&reply(429, "{}")).failure, Failure::Throttled { .. }));
}

#[test]
fn tokens_follow_what_the_answer_says_and_keep_what_it_leaves_out() {
    let long = "T".repeat(600);
    let full = json!({"access_token": long, "refresh_token": "r1", "expires_in": 1800, "hub_id": 7, "scopes": ["b", "a", "b"]});
    let held = tokens(&full, NOW, None).unwrap();
    assert_eq!(
        (held.access.expose_secret(), held.expires, held.portal),
        (long.as_str(), Timestamp(NOW.0 + 1_800_000), Some(7))
    );
    assert_eq!(held.scopes, ["a", "b"]);
    let short = tokens(&json!({"access_token": "n", "expires_in": "60", "scope": "c a"}), NOW, Some(&held)).unwrap();
    assert_eq!(
        (short.refresh.expose_secret(), short.portal, short.expires),
        ("r1", Some(7), Timestamp(NOW.0 + 60_000))
    );
    assert_eq!(short.scopes, ["a", "c"]);
    let rotated = tokens(&json!({"access_token": "n", "refresh_token": "r2"}), NOW, Some(&held)).unwrap();
    assert_eq!((rotated.refresh.expose_secret(), rotated.expires), ("r2", Timestamp::MAX));
    for odd in [
        json!({}),
        json!({"access_token": ""}),
        json!({"access_token": "a b", "refresh_token": "r"}),
        json!({"access_token": 7}),
        json!({"access_token": "a"}),
        json!({"access_token": "x".repeat(TOKEN_BYTES + 1), "refresh_token": "r"}),
        json!([]),
    ] {
        assert!(matches!(tokens(&odd, NOW, None).unwrap_err().failure, Failure::Unknown(_)), "{odd}");
    }
}

#[test]
fn what_goes_into_a_form_is_escaped() {
    assert_eq!(form(&[("a", "x y&z=%é"), ("b", "")]), "a=x%20y%26z%3D%25%C3%A9&b=");
    assert_eq!(unescape("a+b%20c%c3%a9").as_deref(), Some("a b cé"));
    for bad in ["%", "%2", "%zz", "%ff"] {
        assert_eq!(unescape(bad), None, "{bad}");
    }
}
