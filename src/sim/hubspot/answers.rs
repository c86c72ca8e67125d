//! What the portal says when something is wrong, in its own words and shapes.

use serde_json::{Value, json};

use super::limits::Exceeded;
use super::portal::{PORTAL_ID, WriteError};
use super::schema::Refusal;
use crate::sim::random::Random;
use crate::sim::wire::Reply;

const NO_CREDENTIALS: &str = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
const NO_SCOPE: &str = "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.";

#[derive(Debug)]
pub(crate) enum Failure {
    NoCredentials,
    Expired,
    MissingScopes(Vec<String>),
    Limited(Exceeded),
    UriTooLong,
    /// No such endpoint.
    NoRoute,
    /// An id of digits, or a unique value, that nobody has.
    NotFound,
    /// An id that cannot be one.
    NotNumeric(String),
    PropertyNotFound(String),
    PropertyExists(String),
    BadRequest {
        message: String,
        category: &'static str,
    },
    Write(WriteError),
}

impl Failure {
    pub const fn invalid(message: String) -> Self {
        Self::BadRequest { message, category: "VALIDATION_ERROR" }
    }

    pub fn reply(self, correlation: &str) -> Reply {
        let (status, mut body) = self.describe();
        if let Some(map) = body.as_object_mut() {
            map.insert("status".to_owned(), json!("error"));
            map.insert("correlationId".to_owned(), json!(correlation));
        }
        let reply = Reply::json(status, &body);
        if status == 401 { reply.with("x-hubspot-auth-failure", "401 Unauthorized") } else { reply }
    }

    fn describe(self) -> (u16, Value) {
        match self {
            Self::NoCredentials => (401, json!({"message": NO_CREDENTIALS, "category": "INVALID_AUTHENTICATION"})),
            // A token that means nothing reads as one that expired when time began.
            Self::Expired => (
                401,
                json!({
                    "message": "The OAuth token used to make this call expired 20780 day(s) ago.",
                    "category": "EXPIRED_AUTHENTICATION", "context": {"expire time": ["1970-01-01T00:00:00Z"]},
                }),
            ),
            Self::MissingScopes(scopes) => (
                403,
                json!({
                    "message": NO_SCOPE, "category": "MISSING_SCOPES",
                    "errors": [{
                        "message": "One or more of the following scopes are required.",
                        "context": {"requiredGranularScopes": scopes},
                    }],
                    "links": {"scopes": "https://developers.hubspot.com/scopes"},
                }),
            ),
            Self::Limited(which) => (429, limited(which)),
            Self::UriTooLong => (414, json!({"message": "URI too long"})),
            Self::NoRoute | Self::NotFound => (404, json!({"message": "resource not found"})),
            Self::NotNumeric(id) => (
                404,
                json!({
                    "message": "Object not found.  objectId are usually numeric.",
                    "context": {"id": [id]}, "category": "OBJECT_NOT_FOUND",
                }),
            ),
            Self::PropertyNotFound(name) => (
                404,
                json!({
                    "message": format!("Property with name '{name}' does not exist."),
                    "category": "OBJECT_NOT_FOUND", "subCategory": "Properties.PROPERTY_NOT_FOUND",
                }),
            ),
            Self::PropertyExists(name) => (
                409,
                json!({
                    "message": format!("A property named '{name}' already exists."),
                    "category": "OBJECT_ALREADY_EXISTS", "subCategory": "Properties.PROPERTY_WITH_NAME_EXISTS",
                }),
            ),
            Self::BadRequest { message, category } => (400, json!({"message": message, "category": category})),
            Self::Write(WriteError::NotFound) => (404, json!({"message": "resource not found"})),
            Self::Write(error) => {
                let (message, errors) = refused(&error);
                let mut body = json!({"message": message, "category": "VALIDATION_ERROR"});
                if let (Some(map), Some(errors)) = (body.as_object_mut(), errors) {
                    map.insert("errors".to_owned(), errors);
                }
                (400, body)
            }
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

/// The message of a refused write, and its parts when values were at fault.
pub(crate) fn refused(error: &WriteError) -> (String, Option<Value>) {
    match error {
        WriteError::NotFound => ("resource not found".to_owned(), None),
        WriteError::Taken { property, value, tried, holder } => (
            format!(
                "Cannot set PropertyValueCoordinates{{portalId={PORTAL_ID}, objectTypeId=ObjectTypeId{{legacyObjectType=COMPANY}}, propertyName={property}, value={value}}} on {tried}. {holder} already has that value."
            ),
            None,
        ),
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

fn limited(which: Exceeded) -> Value {
    match which {
        Exceeded::TenSecondly => json!({
            "message": "You have reached your ten_secondly_rolling limit.", "errorType": "RATE_LIMIT",
            "policyName": "TEN_SECONDLY_ROLLING", "groupName": "publicapi:private-apps-api-calls-1047301",
            "requestId": "5f2a9c0e",
        }),
        Exceeded::Secondly => json!({
            "message": "You have reached your secondly limit.", "errorType": "RATE_LIMIT", "policyName": "SECONDLY",
        }),
        Exceeded::Daily => json!({
            "message": "You have reached your daily limit.", "errorType": "RATE_LIMIT", "policyName": "DAILY",
        }),
    }
}

/// What HubSpot typically answers with this status.
pub(crate) fn typical_error(random: &mut Random, now: i64, code: u16) -> Reply {
    let correlation = random.uuid_v7(now);
    match code {
        401 => Failure::NoCredentials.reply(&correlation),
        403 => Failure::MissingScopes(vec!["crm.objects.companies.write".to_owned()]).reply(&correlation),
        404 => Failure::NotFound.reply(&correlation),
        429 => Failure::Limited(Exceeded::TenSecondly).reply(&correlation),
        423 => Reply::json(
            423,
            &json!({"status": "error", "message": "The resource is locked. Try again later.", "correlationId": correlation}),
        ),
        477 => Reply::json(
            477,
            &json!({"status": "error", "message": "This account is being migrated.", "correlationId": correlation}),
        )
        .with("retry-after", "3600"),
        502 | 504 | 520..=526 => {
            let mut page = Reply::text(code, &format!("<html><head><title>{code}</title></head><body></body></html>"));
            page.content_type = "text/html";
            page
        }
        _ => Reply::json(code, &json!({"status": "error", "message": "internal error", "correlationId": correlation})),
    }
}
