//! What the answers to a write are worth.
//!
//! A 200 is no proof: answers are compared with what was sent. Where nothing of it is there and the record is as it was,
//! that is a refusal; every other difference is for the engine, which knows the values from before. As it was means: as
//! read just before, where the write had to read, else not changed for a minute by the system's own clock.

use std::time::Duration;

use reqwest::Method;

use super::super::address::Address;
use super::super::refused;
use super::super::values::{self, Values};
use super::{Course, Write};
use crate::connect::error::Fault;
use crate::connect::http::Call;
use crate::engine::core::request::{AnswerBody, Failure, ItemOutcome, Rejection, RejectionKind};
use crate::model::{ObjectKind, Record, Timestamp};

/// An answer to a write that shows a change older than this was not changed by it.
const STALE: Duration = Duration::from_secs(60);

/// A deletion of what is gone and an addition of what is there have had their effect.
pub(super) fn is_done(call: &Call, refusal: &Rejection) -> bool {
    match refusal.kind {
        RejectionKind::NotFound => call.method == Method::DELETE,
        RejectionKind::Duplicate { .. } => call.method == Method::POST && call.path.ends_with("/typeAssociations"),
        _ => false,
    }
}

pub(super) fn wants_custom_fields(refusal: &Rejection) -> bool {
    let said = format!("{} {}", refusal.message, refusal.fields.join(" ")).to_lowercase();
    refusal.kind == RejectionKind::Invalid && (said.contains("customfield") || said.contains("custom field"))
}

/// ConnectWise validates the whole stored record with every change.
pub(super) fn explain_stored(refusal: &mut Rejection, wanted: &Values) {
    let member = |field: &str| field.split('/').next().unwrap_or(field).to_ascii_lowercase();
    let is_sent = |field: &&String| wanted.iter().any(|(name, _)| member(name.as_str()) == member(field));
    let stored: Vec<&str> = refusal.fields.iter().filter(|field| !is_sent(field)).map(String::as_str).collect();
    if refusal.kind == RejectionKind::Invalid && !stored.is_empty() {
        refusal.message = format!(
            "{} ConnectWise checks the whole record with every change: correct {} there, which this change does not touch.",
            refusal.message,
            stored.join(" and ")
        );
    }
}

/// What an answer is worth.
pub(super) fn judged(
    object: ObjectKind,
    wanted: &Values,
    before: Option<&Record>,
    record: Record,
    server_time: Option<Timestamp>,
) -> ItemOutcome {
    let missed = values::missed(object, wanted, &record);
    let as_it_was = match before {
        Some(before) => missed.iter().all(|name| {
            // The amount is not part of the record that was read before.
            !matches!(Address::of(object, name.as_str()), Address::Amount)
                && values::same(object, name, before.value(name.as_str()), record.value(name.as_str()))
        }),
        None => server_time.is_some_and(|now| record.modified + STALE < now),
    };
    if missed.is_empty() || missed.len() < wanted.len() || !as_it_was {
        return applied(record);
    }
    let names: Vec<&str> = missed.iter().map(|name| name.as_str()).collect();
    ItemOutcome::Rejected(Rejection {
        kind: RejectionKind::Other,
        message: format!(
            "ConnectWise accepted the change of {} and ignored it: the record is as it was.",
            names.join(", ")
        ),
        // which one of several it could not take, it does not say
        fields: if missed.len() == 1 { vec![names.concat()] } else { Vec::new() },
    })
}

pub(super) fn applied(record: Record) -> ItemOutcome {
    ItemOutcome::Applied(Box::new(record))
}

pub(super) fn reject(rejection: Rejection) -> Fault {
    Fault { failure: Failure::Rejected(rejection), ..refused("") }
}

/// A refusal of the only record is a word about that record; other failures are about the call. Once something took
/// effect, neither is true any more.
pub(super) fn settle(item: &Write<'_>, course: &Course, result: Result<ItemOutcome, Fault>) -> AnswerBody {
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(fault) if course.landed > 0 => {
            let message = crate::connect::ConnectError::from(fault).message;
            ItemOutcome::Unknown(format!("Part of the write took effect, then: {message}"))
        }
        Err(Fault { failure: Failure::Rejected(mut rejection), .. }) => {
            let update = matches!(item, Write::Update(_));
            // A conflict is about something unique that is taken; of an update nobody looks for the other holder.
            if update && matches!(rejection.kind, RejectionKind::Duplicate { .. }) {
                rejection = Rejection { kind: RejectionKind::Other, ..rejection };
            }
            ItemOutcome::Rejected(rejection)
        }
        Err(fault) => return AnswerBody::Failed(fault.failure),
    };
    AnswerBody::Written { items: vec![(item.intent(), outcome)] }
}
