//! What the portal says when something is wrong, in its own words and shapes.

use serde_json::{Value, json};

use super::accept::Refusal;
use super::behaviour::{Behaviour, LimitWord};
use super::limits::Exceeded;
use super::portal::{PORTAL_ID, WriteError};
use crate::sim::clock::iso_millis;
use crate::sim::random::Random;
use crate::sim::wire::Reply;

const NO_CREDENTIALS: &str = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
const NO_SCOPE: &str = "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.";
const DAY_S: i64 = 86_400;

#[derive(Debug)]
pub(crate) enum Failure {
    NoCredentials,
    /// The token's time was over at the first moment (milliseconds); it is now the second.
    Expired {
        at: i64,
        now: i64,
    },
    MissingScopes(Vec<String>),
    /// With the seconds of a `Retry-After`, where one is sent.
    Limited(Exceeded, Option<u32>),
    UriTooLong,
    /// A contact that absorbed too many others.
    TooManyIdentities,
    /// Too many writes to the same object.
    Locked,
    /// The account moves; seconds until it is back.
    Moving(u32),
    /// No such endpoint.
    NoRoute,
    /// An id of digits, or a unique value, that nobody has.
    NotFound,
    /// An id that cannot be one.
    NotNumeric(String),
    PropertyNotFound(String),
    PropertyExists(String),
    PropertyInUse(String),
    /// Something that is not there, where HubSpot says so with a category.
    Absent {
        message: String,
        sub: &'static str,
    },
    BadRequest {
        message: String,
        category: &'static str,
    },
    Write(WriteError),
    /// The token endpoint's own shape.
    OAuth {
        status: &'static str,
        message: &'static str,
    },
}

impl Failure {
    pub const fn invalid(message: String) -> Self {
        Self::BadRequest { message, category: "VALIDATION_ERROR" }
    }

    pub fn reply(self, correlation: &str, switches: &Behaviour) -> Reply {
        let retry_after = match &self {
            Self::Limited(_, seconds) => *seconds,
            Self::Moving(seconds) => Some(*seconds),
            _ => None,
        };
        let is_oauth = matches!(self, Self::OAuth { .. });
        let is_limit = matches!(self, Self::Limited(..));
        let (status, mut body) = self.describe();
        if is_oauth && switches.oauth_errors_are_rfc {
            body = json!({"error": "invalid_grant", "error_description": body.get("message")});
        } else if let (false, Some(map)) = (is_oauth, body.as_object_mut()) {
            map.insert("status".to_owned(), json!("error"));
            map.insert("correlationId".to_owned(), json!(correlation));
        }
        if is_limit {
            say_limit(&mut body, switches.limit_word);
        }
        if switches.errors_lack_members {
            strip(&mut body);
        }
        let mut reply = Reply::json(status, &body);
        if let Some(seconds) = retry_after {
            reply = reply.with("retry-after", seconds.to_string());
        }
        if status == 401 { reply.with("x-hubspot-auth-failure", "401 Unauthorized") } else { reply }
    }

    fn describe(self) -> (u16, Value) {
        match self {
            Self::NoCredentials => (401, json!({"message": NO_CREDENTIALS, "category": "INVALID_AUTHENTICATION"})),
            Self::Expired { at, now } => (401, expired(at, now)),
            Self::MissingScopes(scopes) => (403, missing_scopes(&scopes)),
            Self::Limited(which, _) => (429, limited(which)),
            Self::UriTooLong => (414, json!({"message": "URI too long"})),
            Self::TooManyIdentities => (
                414,
                json!({"message": "Cannot have more than 250 identities on a profile", "category": "VALIDATION_ERROR"}),
            ),
            Self::Locked => (423, json!({"message": "The resource is locked. Try again later."})),
            Self::Moving(_) => (477, json!({"message": "This account is being migrated."})),
            Self::NoRoute | Self::NotFound | Self::Write(WriteError::NotFound) => {
                (404, json!({"message": "resource not found"}))
            }
            Self::NotNumeric(id) => (
                404,
                json!({
                    "message": "Object not found.  objectId are usually numeric.",
                    "context": {"id": [id]}, "category": "OBJECT_NOT_FOUND",
                }),
            ),
            Self::PropertyNotFound(_) | Self::PropertyExists(_) | Self::PropertyInUse(_) => self.about_property(),
            Self::Absent { message, sub } => {
                (404, json!({"message": message, "category": "OBJECT_NOT_FOUND", "subCategory": sub}))
            }
            Self::BadRequest { message, category } => (400, json!({"message": message, "category": category})),
            Self::OAuth { status, message } => (400, json!({"status": status, "message": message})),
            Self::Write(WriteError::Exists(id)) => {
                (409, json!({"message": format!("Contact already exists. Existing ID: {id}"), "category": "CONFLICT"}))
            }
            Self::Write(error) => (400, unwritten(&error)),
        }
    }

    fn about_property(self) -> (u16, Value) {
        let (status, message, category, sub) = match self {
            Self::PropertyExists(name) => (
                409,
                format!("A property named '{name}' already exists."),
                "OBJECT_ALREADY_EXISTS",
                "Properties.PROPERTY_WITH_NAME_EXISTS",
            ),
            Self::PropertyInUse(name) => (
                400,
                format!("Property '{name}' cannot be deleted: it is in use."),
                "VALIDATION_ERROR",
                "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE",
            ),
            Self::PropertyNotFound(name) => (
                404,
                format!("Property with name '{name}' does not exist."),
                "OBJECT_NOT_FOUND",
                "Properties.PROPERTY_NOT_FOUND",
            ),
            _ => (404, "resource not found".to_owned(), "OBJECT_NOT_FOUND", ""),
        };
        (status, json!({"message": message, "category": category, "subCategory": sub}))
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused(text) if text.starts_with("Cannot have more than 250") => Self::TooManyIdentities,
            other => Self::Write(other),
        }
    }
}

/// Everything that clients of old accounts do not get.
fn strip(body: &mut Value) {
    if let Some(map) = body.as_object_mut() {
        for name in ["category", "correlationId", "subCategory", "errorType", "policyName", "groupName", "context"] {
            map.remove(name);
        }
        map.remove("errors");
    }
}

/// A token that means nothing reads as one that expired when time began.
fn expired(at: i64, now: i64) -> Value {
    let age = (now - at).max(0) / 1_000;
    let age = if age >= DAY_S { format!("{} day(s)", age / DAY_S) } else { format!("{age} second(s)") };
    json!({
        "message": format!("The OAuth token used to make this call expired {age} ago."),
        "category": "EXPIRED_AUTHENTICATION", "context": {"expire time": [iso_millis(at)]},
    })
}

fn missing_scopes(scopes: &[String]) -> Value {
    json!({
        "message": NO_SCOPE, "category": "MISSING_SCOPES",
        "errors": [{
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": scopes},
        }],
        "links": {"scopes": "https://developers.hubspot.com/scopes"},
    })
}

fn unwritten(error: &WriteError) -> Value {
    let (message, errors) = refused(error);
    let mut body = json!({"message": message, "category": "VALIDATION_ERROR"});
    let Some(map) = body.as_object_mut() else { return body };
    if let Some(errors) = errors {
        map.insert("errors".to_owned(), errors);
    }
    match error {
        WriteError::Required { names, .. } => {
            map.insert("context".to_owned(), json!({"properties": names}));
        }
        WriteError::Association { context, .. } => {
            map.insert("context".to_owned(), context.clone());
        }
        _ => {}
    }
    body
}

/// The message of a refused write, and its parts when values were at fault.
pub(crate) fn refused(error: &WriteError) -> (String, Option<Value>) {
    match error {
        WriteError::NotFound => ("resource not found".to_owned(), None),
        WriteError::Exists(id) => (format!("Contact already exists. Existing ID: {id}"), None),
        WriteError::Taken { kind, property, value, tried, holder } => (
            format!(
                "Cannot set PropertyValueCoordinates{{portalId={PORTAL_ID}, objectTypeId=ObjectTypeId{{legacyObjectType={}}}, propertyName={property}, value={value}}} on {tried}. {holder} already has that value.",
                kind.legacy
            ),
            None,
        ),
        WriteError::Required { kind, names } => {
            let any = matches!(kind.legacy, "COMPANY" | "CONTACT");
            let listed = if any { format!(": {}.", names.join(" or ")) } else { ".".to_owned() };
            (format!("Error creating {}. Some required properties were not set{listed}", kind.legacy), None)
        }
        WriteError::Association { message, code, context } => {
            (message.clone(), Some(json!([{"message": message, "code": code, "context": context}])))
        }
        WriteError::Refused(message) => (message.clone(), None),
        WriteError::Invalid(refusals) => {
            let listed: Vec<Value> = refusals.iter().map(in_message).collect();
            let message = format!("Property values were not valid: {}", Value::Array(listed));
            let errors = refusals
                .iter()
                .map(|r| json!({"message": r.message, "code": r.code, "context": {"propertyName": [r.name]}}))
                .collect();
            (message, Some(errors))
        }
    }
}

fn in_message(refusal: &Refusal) -> Value {
    json!({
        "isValid": false, "message": refusal.message, "error": refusal.code, "name": refusal.name,
        "localizedErrorMessage": refusal.message, "portalId": PORTAL_ID,
    })
}

fn say_limit(body: &mut Value, word: LimitWord) {
    let Some(map) = body.as_object_mut() else { return };
    if word != LimitWord::Category {
        map.insert("errorType".to_owned(), json!("RATE_LIMIT"));
    }
    if word != LimitWord::ErrorType {
        map.insert("category".to_owned(), json!("RATE_LIMITS"));
    }
}

fn limited(which: Exceeded) -> Value {
    match which {
        Exceeded::TenSecondly => json!({
            "message": "You have reached your ten_secondly_rolling limit.", "policyName": "TEN_SECONDLY_ROLLING", "groupName": "publicapi:private-apps-api-calls-1047301",
            "requestId": "5f2a9c0e",
        }),
        Exceeded::Secondly => json!({
            "message": "You have reached your secondly limit.", "policyName": "SECONDLY",
        }),
        Exceeded::Daily => json!({
            "message": "You have reached your daily limit.", "policyName": "DAILY",
        }),
    }
}

/// What HubSpot answers to a token whose time is just over.
pub(crate) fn expired_reply(random: &mut Random, now: i64) -> Reply {
    let correlation = random.uuid_v7(now);
    Failure::Expired { at: now, now }.reply(&correlation, &Behaviour::default())
}

/// What HubSpot typically answers with this status.
pub(crate) fn typical_error(random: &mut Random, now: i64, code: u16) -> Reply {
    let correlation = random.uuid_v7(now);
    let failure = match code {
        401 => Failure::NoCredentials,
        403 => Failure::MissingScopes(vec!["crm.objects.companies.write".to_owned()]),
        404 => Failure::NotFound,
        414 => Failure::UriTooLong,
        423 => Failure::Locked,
        429 => Failure::Limited(Exceeded::TenSecondly, None),
        477 => Failure::Moving(3_600),
        502 | 504 | 520..=526 => {
            let mut page = Reply::text(code, &format!("<html><head><title>{code}</title></head><body></body></html>"));
            page.content_type = "text/html";
            return page;
        }
        _ => {
            let body = json!({"status": "error", "message": "internal error", "correlationId": correlation});
            return Reply::json(code, &body);
        }
    };
    failure.reply(&correlation, &Behaviour::default())
}
