//! What the tenant says when something is wrong, in its own words and shapes.

use serde_json::{Value, json};

use super::entity::Entity;
use super::fields::Problem;
use super::tenant::WriteError;
use crate::sim::wire::{Reply, Request};

#[derive(Debug)]
pub(crate) enum Failure {
    /// Neither a code base nor a company: plain text, and not what the cause is.
    CannotRoute,
    NoRoute,
    /// The path is there, the method is not.
    NoVerb,
    Unauthorized,
    /// As `Unauthorized`, in the words of installations on premises.
    NotAuthenticated,
    /// The clientId header is missing or unknown; the status to answer with.
    NoClientId(u16),
    /// The host is not the one for programs.
    SslRequired,
    Forbidden,
    /// Seconds until the next request is welcome.
    Limited(i64),
    UriTooLong,
    /// The server gave up on the database.
    TimedOut,
    NotFound {
        what: &'static str,
        id: String,
    },
    /// The record is used elsewhere and stays.
    InUse {
        what: &'static str,
        id: u32,
    },
    /// A 400 with a code of its own and no inner errors.
    Plain {
        code: &'static str,
        message: String,
    },
    /// A 400 "… object is invalid" with inner errors.
    Invalid(Entity, Vec<Problem>),
    /// A value of the wrong JSON type: a client error that wears a 500.
    Conversion(String),
    /// A member that the model of the pinned version does not know.
    UnknownMember {
        model: &'static str,
        name: String,
    },
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NotFound(entity, id) => Self::missing(entity, id),
            WriteError::Invalid(entity, problems) => Self::Invalid(entity, problems),
            WriteError::Conversion(text) => Self::Conversion(text),
            WriteError::UnknownMember(entity, name) => Self::UnknownMember { model: entity.about().model, name },
            WriteError::InUse(entity, id) => Self::InUse { what: entity.title(), id },
        }
    }
}

impl Failure {
    pub fn one(entity: Entity, code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(entity, vec![Problem::new(code, field, message)])
    }

    pub fn missing(entity: Entity, id: u32) -> Self {
        Self::NotFound { what: entity.title(), id: id.to_string() }
    }

    /// The reply, which for an unknown member names the place in the request's body.
    pub fn reply_to(self, request: &Request) -> Reply {
        let Self::UnknownMember { model, name } = &self else { return self.reply() };
        let text = String::from_utf8_lossy(&request.body);
        let quoted = format!("\"{name}\"");
        // Behind the member's colon, which is where the reader gave up.
        let position =
            text.find(&quoted).map_or(1, |at| text.get(..at).map_or(0, |t| t.chars().count()) + quoted.len() + 1);
        unknown_member(model, name, position)
    }

    pub fn reply(self) -> Reply {
        let coded = |status, code: &str, message: &str| Reply::json(status, &json!({"code": code, "message": message}));
        match self {
            Self::CannotRoute => Reply::text(400, "Cannot route. Codebase/company is invalid"),
            Self::NoRoute => coded(404, "ConnectWiseApi", "The endpoint does not exist."),
            Self::NoVerb => coded(405, "ConnectWiseApi", "The requested resource does not support this method."),
            Self::Unauthorized => coded(401, "Unauthorized", "Unauthorized"),
            Self::NotAuthenticated => coded(401, "ConnectWiseApi", "UserNotAuthenticated"),
            Self::NoClientId(status) => coded(status, "ConnectWiseApi", "The clientId header is missing or invalid."),
            Self::SslRequired => {
                Reply::json(403, &json!({"code": "Security", "message": "SSL is required.", "errors": null}))
            }
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
            Self::TimedOut => coded(500, "ConnectWiseApi", "A timeout has occured. Please try again."),
            Self::NotFound { what, id } => coded(404, "NotFound", &format!("{what} {id} not found")),
            Self::InUse { what, id } => {
                coded(409, "Conflict", &format!("{what} {id} is in use and cannot be deleted."))
            }
            Self::Plain { code, message } => coded(400, code, &message),
            Self::Conversion(message) => coded(500, "ConnectWiseApi", &message),
            Self::UnknownMember { model, name } => unknown_member(model, &name, 1),
            Self::Invalid(entity, problems) => {
                let resource = entity.about().resource;
                let shown =
                    |p: &Problem| json!({"code": p.code, "message": p.message, "resource": resource, "field": p.field});
                let errors: Vec<Value> = problems.iter().map(shown).collect();
                let message = format!("{resource} object is invalid");
                Reply::json(400, &json!({"code": "InvalidObject", "message": message, "errors": errors}))
            }
        }
    }
}

fn unknown_member(model: &str, name: &str, position: usize) -> Reply {
    let message = format!(
        "Could not find member '{name}' on object of type '{model}'. Path '{name}', line 1, position {position}.Check your accept header to make sure you are using the correct version."
    );
    Reply::json(400, &json!({"code": "ConnectWiseApi", "message": message}))
}

/// What ConnectWise typically answers with this status.
pub(crate) fn typical_error(code: u16) -> Reply {
    match code {
        401 => Failure::Unauthorized.reply(),
        403 => Failure::Forbidden.reply(),
        404 => Failure::NoRoute.reply(),
        405 => Failure::NoVerb.reply(),
        409 => Reply::json(409, &json!({"code": "Conflict", "message": "The record is in use."})),
        429 => Failure::Limited(30).reply(),
        500 => Failure::TimedOut.reply(),
        _ => {
            let mut page = Reply::text(code, &format!("<html><head><title>{code}</title></head><body></body></html>"));
            page.content_type = "text/html";
            page
        }
    }
}
