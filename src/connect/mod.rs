//! The two systems over HTTPS. All URLs of real systems live here.
//!
//! A connector turns what the engine asks into calls and every end of them into an answer. It paces itself; it never
//! repeats a write and never decides.

mod address;
mod bucket;
mod budget;
mod clean;
pub mod connectwise;
mod doctor;
mod error;
mod flag;
mod http;
pub mod hubspot;
mod link;
mod reach;
mod redact;
pub mod rights;
mod server_clock;
mod session;
mod trace;

use std::future::Future;
use std::pin::Pin;

pub use budget::BudgetSnapshot;
pub use connectwise::ConnectWise;
pub use doctor::{Amount, Cause, Examination, Finding, Need, Root, Severity};
pub use error::{ConnectError, ConnectErrorKind};
pub use http::{Clock, Options};
pub use hubspot::HubSpot;
pub use server_clock::ServerClock;

use crate::engine::core::request::{Answer, AnswerBody, Failure, Priority, Rejection, Request, RequestBody, RequestId};
use crate::engine::core::state::Exchange;
use crate::mapping::new_field::{BY_HAND, NewField};
use crate::model::drift::Unread;
use crate::model::{FieldName, ObjectKind, RecordId, RecordRef, Schema, System};
use http::{Session, Transport, Wire};
use redact::Redactor;

/// A page that shows more records than this, and none in a form that can be read, is not believed.
const MOST_UNREAD: usize = 10;

/// A future that borrows its connector.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One system, as the rest of Lockstep uses it.
pub trait Connector: Send + Sync {
    fn system(&self) -> System;

    /// Does what the engine asks, once. Waits for its turn, then answers in any case.
    fn perform<'a>(&'a self, id: RequestId, request: &'a Request) -> Boxed<'a, Performed>;

    /// The fields of an object as the system has them now.
    ///
    /// # Errors
    /// When they cannot be read. A list of options that cannot be read is a warning instead.
    fn schema(&self, object: ObjectKind) -> Boxed<'_, Result<LiveSchema, ConnectError>> {
        self.schema_at(object, Priority::Interactive)
    }

    /// The same for somebody who can wait, or not.
    fn schema_at(&self, object: ObjectKind, priority: Priority) -> Boxed<'_, Result<LiveSchema, ConnectError>>;

    /// Takes over where records were seen before, for those that a system shows below others only.
    fn learn_places(&self, _places: Places) {}

    /// The calls that a write would make, in order, without credentials. Empty for reads.
    fn describe(&self, request: &Request) -> Vec<HttpPreview>;

    /// Makes sure that records can carry their stamp; with `create`, adds what is missing where the system allows it.
    ///
    /// # Errors
    /// When they cannot, with what to do about it.
    fn prepare(&self, object: ObjectKind, create: bool) -> Boxed<'_, Result<Prepared, ConnectError>>;

    /// What making a field would take, as the system is now. Changes nothing.
    ///
    /// # Errors
    /// When the system cannot be asked, or lets nobody make fields.
    fn plan_field<'a>(&'a self, _field: &'a NewField) -> Boxed<'a, Result<FieldPlan, ConnectError>> {
        Box::pin(async { Err(made_by_hand()) })
    }

    /// Makes a field, once. Where the answer is lost, what became of it is looked up.
    ///
    /// # Errors
    /// When it was not made, with what to do about it.
    fn make_field<'a>(&'a self, _field: &'a NewField) -> Boxed<'a, Result<MadeField, ConnectError>> {
        Box::pin(async { Err(made_by_hand()) })
    }

    /// Whether the connection works, and what for.
    ///
    /// # Errors
    /// When it cannot be used at all.
    fn check(&self) -> Boxed<'_, Result<Check, ConnectError>>;

    /// Probes everything that `needs` ask for, writing nothing, and what else of the system can hinder the work.
    ///
    /// # Errors
    /// When the connection cannot be used at all.
    fn examine<'a>(&'a self, needs: &'a [Need]) -> Boxed<'a, Result<Examination, ConnectError>>;

    fn budget(&self) -> BudgetSnapshot;

    /// The call whose answer is waited for, without its query: `GET /company/companies`. None between calls.
    fn asking(&self) -> Option<String>;

    /// The side of it that makes call-backs and tells what they say; none where a system has none.
    fn calls_back(&self) -> Option<&ConnectWise> {
        None
    }

    /// How far the system's clock is from ours; none before its first answer.
    fn clock(&self) -> Option<ServerClock>;
}

/// Below which record the workspace saw one last: the opportunity of a forecast item.
pub type Places = Box<dyn Fn(RecordId) -> Option<RecordId> + Send + Sync>;

/// The end of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    pub answer: Answer,
    /// For writes: the last call about each record and its answer, redacted and bounded.
    pub exchanges: Vec<Exchange>,
}

/// A schema and what could not be read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSchema {
    pub schema: Schema,
    /// What must be kept from the reading before.
    pub unread: Vec<Unread>,
    /// What is missing, for people.
    pub warnings: Vec<Finding>,
}

/// A call as it would be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPreview {
    pub method: String,
    /// Path and query, without host.
    pub path: String,
    /// Indented JSON; empty where there is no body.
    pub body: String,
}

/// What [`Connector::prepare`] found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The field that carries the stamp.
    pub stamp: FieldName,
    /// What was added to the system just now, as whole sentences.
    pub created: Vec<String>,
    pub warnings: Vec<String>,
}

/// What making a field would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPlan {
    pub standing: FieldStanding,
    /// Exactly what would be sent, in order; empty where it is there.
    pub calls: Vec<HttpPreview>,
}

/// What there is of that name already. Types are in the system's own words: `enumeration (select)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldStanding {
    New,
    /// It was there, and making it brings it back as it was.
    Archived(String),
    There(String),
}

/// What became of a field that was to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MadeField {
    Created,
    /// One of that name was archived and came back as it was, which is of another type.
    Restored(String),
    /// Somebody made one before.
    There(String),
}

fn made_by_hand() -> ConnectError {
    ConnectError::new(ConnectErrorKind::Setup, BY_HAND, "")
}

/// Who answered, and what it cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The portal id or the login company.
    pub tenant: String,
    pub label: String,
    /// What some part of the work will miss.
    pub warnings: Vec<Finding>,
}

/// Puts the end of a request together.
fn performed(id: RequestId, session: &Session, body: AnswerBody, exchanges: Vec<Exchange>) -> Performed {
    let answer = Answer { request: id, server_time: session.server_time, calls: session.calls, body };
    Performed { answer, exchanges }
}

/// A read that failed says what was read, and at which endpoint: the words of an answer alone seldom do.
fn located(failure: Failure, request: &Request, session: &Session, redactor: &Redactor) -> Failure {
    let Some(wire) = &session.last else { return failure };
    let path = redactor.clean(wire.path.split(['?', '#']).next().unwrap_or_default());
    let what = match request.body {
        RequestBody::Identify => "asking who it is".to_owned(),
        _ => format!("reading {}", request.object.plural().to_lowercase()),
    };
    let tell = |message: String| {
        let method = &wire.method;
        format!("{} (while {what}: {method} {path}).", message.trim_end_matches('.'))
    };
    match failure {
        Failure::Unknown(message) => Failure::Unknown(tell(message)),
        Failure::NotSent(message) if wire.status.is_some() => Failure::NotSent(tell(message)),
        Failure::Rejected(rejection) => Failure::Rejected(Rejection { message: tell(rejection.message), ..rejection }),
        other => other,
    }
}

/// Why a record has no usable date of change, of what is told as one.
fn undated(id: RecordId, told: Option<&serde_json::Value>) -> String {
    match told.filter(|told| !told.is_null()) {
        None => format!("record {id} has no date of change"),
        Some(told) => {
            let told = redact::clip_message(&told.to_string());
            format!("record {id} was changed at {told}, which is no date or out of range")
        }
    }
}

/// The exchange of one record of a write.
fn exchange(transport: &Transport, wire: &Wire, record: RecordRef, request: &str, response: Option<&str>) -> Exchange {
    Exchange {
        record,
        at: wire.at,
        method: wire.method.clone(),
        path: transport.redactor.exchange(&wire.path),
        request: transport.redactor.exchange(request),
        status: wire.status,
        response: transport.redactor.exchange(response.unwrap_or(&wire.response)),
        took_ms: u64::try_from(wire.took.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The record that a stamp such as `company:42` names: one of `system`.
fn stamped_record(object: ObjectKind, system: System, stamp: &str) -> Option<RecordRef> {
    let (kind, id) = stamp.split_once(':')?;
    let id = id.parse().ok().map(RecordId)?;
    (kind == object.key()).then_some(RecordRef::new(object, system, id))
}
