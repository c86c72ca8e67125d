//! What the tenant says when something is wrong, in its own words and shapes.

use serde_json::{Value, json};

use super::fields::Problem;
use super::tenant::WriteError;
use crate::sim::wire::Reply;

#[derive(Debug)]
pub(crate) enum Failure {
    /// Neither a code base nor a company: plain text, and not what the cause is.
    CannotRoute,
    NoRoute,
    Unauthorized,
    /// The clientId header is missing or unknown; the status to answer with.
    NoClientId(u16),
    Forbidden,
    /// Seconds until the next request is welcome.
    Limited(i64),
    UriTooLong,
    NotFound {
        what: &'static str,
        id: String,
    },
    /// A 400 with a code of its own and no inner errors.
    Plain {
        code: &'static str,
        message: String,
    },
    /// A 400 "… object is invalid" with inner errors.
    Invalid(Vec<Problem>),
    /// A value of the wrong JSON type: a client error that wears a 500.
    Conversion(String),
    UnknownMember(String),
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NotFound(id) => Self::NotFound { what: "Company", id: id.to_string() },
            WriteError::Invalid(problems) => Self::Invalid(problems),
            WriteError::Conversion(text) => Self::Conversion(text),
            WriteError::UnknownMember(name) => Self::UnknownMember(name),
        }
    }
}

impl Failure {
    pub fn one(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(code, field, message)])
    }

    pub fn reply(self) -> Reply {
        let coded = |status, code: &str, message: &str| Reply::json(status, &json!({"code": code, "message": message}));
        match self {
            Self::CannotRoute => Reply::text(400, "Cannot route. Codebase/company is invalid"),
            Self::NoRoute => coded(404, "ConnectWiseApi", "The endpoint does not exist."),
            Self::Unauthorized => coded(401, "Unauthorized", "Unauthorized"),
            Self::NoClientId(status) => coded(status, "ConnectWiseApi", "The clientId header is missing or invalid."),
            Self::Forbidden => coded(403, "Security", "You do not have security permission to perform this action."),
            // The key is `error` here, not `code`.
            Self::Limited(seconds) => Reply::json(
                429,
                &json!({
                    "error": "ConnectWiseAPI",
                    "message": format!("Too many requests. Please try again in {seconds} seconds."),
                }),
            )
            .with("retry-after", seconds.to_string()),
            Self::UriTooLong => Reply::text(414, "URI Too Long"),
            Self::NotFound { what, id } => coded(404, "NotFound", &format!("{what} {id} not found")),
            Self::Plain { code, message } => coded(400, code, &message),
            Self::Conversion(message) => coded(500, "ConnectWiseApi", &message),
            Self::UnknownMember(name) => coded(
                400,
                "ConnectWiseApi",
                &format!(
                    "Could not find member '{name}' on object of type 'Company'. Path '{name}', line 1, position 1.Check your accept header to make sure you are using the correct version."
                ),
            ),
            Self::Invalid(problems) => {
                let errors: Vec<Value> = problems
                    .iter()
                    .map(|p| json!({"code": p.code, "message": p.message, "resource": "company", "field": p.field}))
                    .collect();
                Reply::json(
                    400,
                    &json!({"code": "InvalidObject", "message": "company object is invalid", "errors": errors}),
                )
            }
        }
    }
}

/// What ConnectWise typically answers with this status.
pub(crate) fn typical_error(code: u16) -> Reply {
    match code {
        401 => Failure::Unauthorized.reply(),
        403 => Failure::Forbidden.reply(),
        404 => Failure::NoRoute.reply(),
        409 => Reply::json(409, &json!({"code": "Conflict", "message": "The record is in use."})),
        429 => Failure::Limited(30).reply(),
        500 => {
            Reply::json(500, &json!({"code": "ConnectWiseApi", "message": "A timeout has occured. Please try again."}))
        }
        _ => {
            let mut page = Reply::text(code, &format!("<html><head><title>{code}</title></head><body></body></html>"));
            page.content_type = "text/html";
            page
        }
    }
}
