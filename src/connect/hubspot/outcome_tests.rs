//! Every error body that HubSpot is known to send, and what it must be taken for.

#![expect(clippy::unwrap_used, reason = "a body that classifies otherwise is a failing test")]

use super::*;

fn reply(status: u16, body: &str) -> Reply {
    Reply { status, retry_after: None, next: false, body: Ok(body.as_bytes().to_vec()) }
}

fn failure(status: u16, body: &str) -> Failure {
    classify(&reply(status, body)).unwrap_err().failure
}

fn refusal(status: u16, body: &str) -> Rejection {
    match failure(status, body) {
        Failure::Rejected(rejection) => rejection,
        other => panic!("{status} {body}: {other:?}"),
    }
}

#[test]
fn the_token_is_refused() {
    for body in [
        r#"{"status":"error","message":"Authentication credentials not found. This API supports OAuth 2.0","correlationId":"x","category":"INVALID_AUTHENTICATION"}"#,
        r#"{"status":"error","message":"The OAuth token used to make this call expired 0 second(s) ago.","category":"EXPIRED_AUTHENTICATION"}"#,
        "",
    ] {
        assert!(matches!(failure(401, body), Failure::Denied { .. }), "{body}");
    }
    let garbage = r#"{"message":"The OAuth token used to make this call expired 19884 day(s) ago.","category":"EXPIRED_AUTHENTICATION"}"#;
    let Failure::Denied { message, .. } = failure(401, garbage) else { panic!("not denied") };
    assert!(message.contains("does not know this token"), "{message}");
}

#[test]
fn what_is_not_json_is_no_word_about_the_token_or_its_scopes() {
    let table = [
        ("<html>Sign in</html>", "A web page answers in place of HubSpot"),
        (" <!DOCTYPE html><p>Sign in", "A web page answers in place of HubSpot"),
        ("\u{feff}<HTML>Sign in", "A web page answers in place of HubSpot"),
        ("Sign in", "Something other than HubSpot answers"),
    ];
    for status in [401, 403] {
        for (body, who) in table {
            let fault = classify(&reply(status, body)).unwrap_err();
            assert!(fault.kind == ConnectErrorKind::Unexpected && fault.hint.contains("proxy"), "{fault:?}");
            let (Failure::Unknown(message) | Failure::Denied { message, .. }) = fault.failure else {
                panic!("{status} {body}")
            };
            assert!(message.starts_with(&format!("{who} ({status}): ")) && message.ends_with("Sign in"), "{message}");
        }
        assert_ne!(classify(&reply(status, "")).unwrap_err().kind, ConnectErrorKind::Unexpected, "{status}");
    }
}

#[test]
fn a_401_that_is_not_about_the_token_is_not_blamed_on_it() {
    for body in [
        r#"{"status":"error","message":"Unable to infer object type from: companies","category":"VALIDATION_ERROR"}"#,
        r#"{"message":"This user may not see companies."}"#,
    ] {
        let fault = classify(&reply(401, body)).unwrap_err();
        assert_eq!(fault.kind, ConnectErrorKind::Permission, "{body}");
        let Failure::Forbidden { message, hint } = fault.failure else { panic!("{body}") };
        assert!(message.starts_with("HubSpot refused access (401): ") && message.contains("companies"), "{message}");
        assert!(!hint.contains("again") && hint.contains("scopes"), "{hint}");
    }
    let nameless = r#"{"message":"The access token is expired! expiration time: 2026"}"#;
    assert_eq!(classify(&reply(401, nameless)).unwrap_err().kind, ConnectErrorKind::Credentials);
}

#[test]
fn a_page_in_place_of_a_refusal_says_nothing_of_the_record() {
    for status in [400, 404, 409, 422] {
        for body in ["<!doctype html><title>Blocked</title>", "Blocked", "{"] {
            let fault = classify(&reply(status, body)).unwrap_err();
            assert!(matches!(fault.failure, Failure::Unknown(_)) && fault.hint.contains("proxy"), "{status} {body}");
        }
    }
}

#[test]
fn missing_scopes_are_named() {
    let body = r#"{"status":"error","message":"This app hasn't been granted all required scopes to make this call.","errors":[{"message":"One or more of the following scopes are required.","context":{"requiredGranularScopes":["crm.schemas.deals.read","crm.objects.deals.read"]}}],"category":"MISSING_SCOPES"}"#;
    let Failure::Forbidden { message, hint } = failure(403, body) else { panic!("not forbidden") };
    assert!(message.contains("crm.schemas.deals.read or crm.objects.deals.read"), "{message}");
    assert!(hint.contains("crm.objects.deals.read"), "{hint}");
    let older = r#"{"context":{"requiredScopes":["contacts"]}}"#;
    let Failure::Forbidden { hint, .. } = failure(403, older) else { panic!("not forbidden") };
    assert!(hint.contains("contacts"), "{hint}");
}

#[test]
fn limits_say_how_long_to_wait() {
    let table = [
        (
            429,
            r#"{"message":"You have reached your ten_secondly_rolling limit.","policyName":"TEN_SECONDLY_ROLLING"}"#,
            10,
        ),
        (429, r#"{"message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT"}"#, 10),
        (429, r#"{"message":"You have reached your secondly limit.","policyName":"SECONDLY"}"#, 1),
        (429, r#"{"message":"You have reached your secondly limit."}"#, 1),
        (429, r#"{"message":"You have reached your daily limit.","policyName":"DAILY"}"#, 900),
        (429, "", 10),
        (423, r#"{"message":"locked"}"#, 2),
        (477, "", 60),
    ];
    for (status, body, seconds) in table {
        match failure(status, body) {
            Failure::Throttled { retry_after, .. } => assert_eq!(retry_after.as_secs(), seconds, "{status} {body}"),
            other => panic!("{status} {body}: {other:?}"),
        }
    }
    let told = Reply { retry_after: Some(Duration::from_secs(7)), ..reply(429, "") };
    let Failure::Throttled { retry_after, .. } = classify(&told).unwrap_err().failure else { panic!("not throttled") };
    assert_eq!(retry_after.as_secs(), 7);
    let locked = Reply { retry_after: Some(Duration::from_millis(100)), ..reply(423, "") };
    let Failure::Throttled { retry_after, .. } = classify(&locked).unwrap_err().failure else {
        panic!("not throttled")
    };
    assert_eq!(retry_after.as_secs(), 2);
}

#[test]
fn duplicates_name_the_record_that_is_in_the_way() {
    let exists =
        r#"{"status":"error","message":"Contact already exists. Existing ID: 37765128953","category":"CONFLICT"}"#;
    assert_eq!(refusal(409, exists).kind, RejectionKind::Duplicate { existing: Some(RecordId(37_765_128_953)) });
    assert_eq!(refusal(409, exists).fields, ["email"]);
    let clash = r#"{"status":"error","message":"Cannot set PropertyValueCoordinates{portalId=44956899, objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, propertyName=email, value=x@y.com} on 552148386511. 552239500007 already has that value.","category":"VALIDATION_ERROR"}"#;
    let rejection = refusal(400, clash);
    assert_eq!(rejection.kind, RejectionKind::Duplicate { existing: Some(RecordId(552_239_500_007)) });
    assert_eq!(rejection.fields, ["email"]);
    let nameless = r#"{"message":"A property named 'x' already exists.","category":"OBJECT_ALREADY_EXISTS"}"#;
    assert_eq!(refusal(409, nameless).kind, RejectionKind::Duplicate { existing: None });
}

#[test]
fn refused_values_name_their_property() {
    let body = r#"{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"testproperty\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"testproperty\"}]","errors":[{"message":"Property \"testproperty\" does not exist","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["testproperty"]}}],"category":"VALIDATION_ERROR"}"#;
    let rejection = refusal(400, body);
    assert_eq!(rejection.kind, RejectionKind::Invalid);
    assert_eq!(rejection.message, r#"Property "testproperty" does not exist"#);
    assert_eq!(rejection.fields, ["testproperty"]);
    let only_text = r#"{"message":"Property values were not valid: [{\"message\":\"no\",\"name\":\"n\"}]"}"#;
    assert_eq!(refusal(400, only_text).fields, ["n"]);
    assert_eq!(refusal(400, "{}").kind, RejectionKind::Invalid);
    assert!(refusal(422, "{}").message.contains("422"));
}

#[test]
fn what_is_not_there_is_a_record_or_a_route() {
    let record = r#"{"status":"error","message":"resource not found","correlationId":"x"}"#;
    let odd_id = r#"{"message":"Object not found.  objectId are usually numeric.","category":"OBJECT_NOT_FOUND"}"#;
    for body in [record, odd_id] {
        assert_eq!(refusal(404, body).kind, RejectionKind::NotFound);
        assert!(!is_missing_route(&reply(404, body)), "{body}");
    }
    for body in ["", "<html>404</html>", "{}", "[]"] {
        assert!(is_missing_route(&reply(404, body)), "{body}");
    }
    assert!(!is_missing_route(&reply(400, "")));
}

#[test]
fn everything_else_leaves_open_what_happened() {
    for status in [300, 302, 408, 418, 500, 502, 503, 504, 521, 523, 524] {
        assert!(matches!(failure(status, "<html>bad gateway</html>"), Failure::Unknown(_)), "{status}");
    }
    assert!(matches!(failure(200, r#"{"results":[{"id":"1","#), Failure::Unknown(_)));
    assert!(matches!(failure(204, ""), Failure::Unknown(_)));
    let broken = Reply { body: Err("the answer broke off (reset)".to_owned()), ..reply(201, "") };
    assert!(
        matches!(classify(&broken).unwrap_err().failure, Failure::Unknown(message) if message.contains("broke off"))
    );
}

#[test]
fn one_bad_item_is_told_from_trouble_of_the_server() {
    let invalid = serde_json::json!({"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid: [{\"message\":\"bad\",\"name\":\"x\"}]"});
    assert_eq!(item_rejection(&invalid).unwrap().kind, RejectionKind::Invalid);
    let gone = serde_json::json!({"category": "OBJECT_NOT_FOUND", "message": "gone"});
    assert_eq!(item_rejection(&gone).unwrap().kind, RejectionKind::NotFound);
    for category in ["RATE_LIMITS", "INTERNAL_ERROR", "TIMEOUT"] {
        assert_eq!(item_rejection(&serde_json::json!({"category": category})), None);
    }
}

#[test]
fn every_property_that_a_refusal_names_is_told_once() {
    let body = r#"{"status":"error","message":"Property values were not valid: [{\"message\":\"No city.\",\"name\":\"city\"},{\"message\":\"No zip.\",\"name\":\"zip\"}]","errors":[{"message":"No city.","context":{"propertyName":["city"]}},{"message":"No zip.","context":{"propertyName":["zip","city"]}},7],"category":"VALIDATION_ERROR"}"#;
    let rejection = refusal(400, body);
    assert_eq!(
        (rejection.message.as_str(), rejection.fields),
        ("No city.; No zip.", vec!["city".to_owned(), "zip".to_owned()])
    );
    let many: Vec<_> = (0..500).map(|n| serde_json::json!({"context": {"propertyName": [format!("p{n}")]}})).collect();
    let body = serde_json::json!({"message": "no", "errors": many}).to_string();
    assert_eq!(refusal(400, &body).fields.len(), MOST_FIELDS);
}

#[test]
fn several_errors_about_one_record_of_a_batch_are_one_refusal_of_it() {
    let error = |name: &str, said: &str| serde_json::json!({"message": said, "context": {"propertyName": [name], "objectWriteTraceId": ["5"]}});
    let body = serde_json::json!({"message": "no", "errors": [error("city", "No city."), error("zip", "No zip.")]});
    let blame = blame(&reply(400, &body.to_string()));
    let [(name, rejection)] = blame.named.as_slice() else { panic!("{blame:?}") };
    assert_eq!((name.as_str(), rejection.message.as_str()), ("5", "No city.; No zip."));
    assert_eq!(rejection.fields, ["city", "zip"]);
}
