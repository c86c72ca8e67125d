//! One line in the log for each call, which leads back to the record and the run that caused it.
//!
//! Ids and counts only: never a body, never a query (it can hold names and addresses of people), never a credential.
//! Calls that went well are at `debug`, so that the ordinary log holds only trouble.

use std::fmt::Write as _;
use std::time::Duration;

use crate::engine::core::request::{Request, RequestBody};
use crate::model::text::printable;
use crate::model::{ObjectKind, RunId, System};

/// The task of a doctor, who provokes refusals: what they say is a finding.
pub(crate) const DOCTOR: &str = "doctor";

/// Records that one line names; of the others it tells the number.
const MOST_RECORDS: usize = 8;

/// What the calls of one request are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub system: System,
    /// What is done: `request`, or what else than one of the engine's.
    pub task: &'static str,
    /// None where it is about the connection as a whole.
    pub object: Option<ObjectKind>,
    pub run: Option<RunId>,
    /// Ids, or for creates the stamps, which name the sources.
    pub records: String,
}

impl Subject {
    pub fn of(request: &Request) -> Self {
        let records = match &request.body {
            RequestBody::Read { ids, .. }
            | RequestBody::Associations { ids, .. }
            | RequestBody::History { ids, .. } => some(ids.iter()),
            RequestBody::FindStamped { stamps, .. } => some(stamps.iter()),
            RequestBody::Create { items, .. } => some(items.iter().map(|item| &item.stamp)),
            RequestBody::Update { items, .. } => some(items.iter().map(|item| item.id)),
            RequestBody::Associate { items, .. } => some(items.iter().map(|item| item.from)),
            RequestBody::Identify
            | RequestBody::Changes { .. }
            | RequestBody::List { .. }
            | RequestBody::Count { .. }
            | RequestBody::Members { .. } => String::new(),
        };
        Self { system: request.system, task: "request", object: Some(request.object), run: request.run, records }
    }

    /// Calls that nothing of the engine asked for.
    pub const fn task(system: System, task: &'static str) -> Self {
        Self { system, task, object: None, run: None, records: String::new() }
    }
}

fn some(ids: impl ExactSizeIterator<Item = impl std::fmt::Display>) -> String {
    let more = ids.len().saturating_sub(MOST_RECORDS);
    let mut text = String::new();
    for id in ids.take(MOST_RECORDS) {
        let comma = if text.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{id}");
    }
    if more > 0 {
        let _ = write!(text, " +{more}");
    }
    printable(&text).into_owned()
}

/// The end of one call.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub host: &'a str,
    pub subject: Option<&'a Subject>,
    pub method: &'a str,
    /// Without its query, free of secrets.
    pub endpoint: &'a str,
    pub status: Option<u16>,
    pub took: Duration,
    /// Which call of its request it was, from 1 on. A connector repeats nothing by itself.
    pub attempt: u32,
    /// What went wrong where there is no status. Free of secrets.
    pub fault: Option<&'a str>,
}

impl Ended<'_> {
    /// No answer, a refused credential, a limit, or a system in distress. A refused value is an answer like any other.
    fn is_trouble(&self) -> bool {
        let provoked = match self.status {
            Some(403) => true,
            // A text in place of a record.
            Some(500) => self.method == "POST",
            _ => false,
        };
        if provoked && self.subject.is_some_and(|subject| subject.task == DOCTOR) {
            return false;
        }
        !matches!(self.status, Some(100..=400 | 402 | 404..=428 | 430..=499))
    }

    pub fn log(&self) {
        let system = self.subject.map_or("", |subject| subject.system.key());
        let object = self.subject.and_then(|subject| subject.object).map_or("", |object| object.key());
        let task = self.subject.map_or("", |subject| subject.task);
        let run = self.subject.and_then(|subject| subject.run).map(|run| run.0);
        let records = self.subject.map_or("", |subject| subject.records.as_str());
        let Self { host, method, status, attempt, .. } = self;
        let endpoint = &*printable(self.endpoint);
        let fault = self.fault.map(printable);
        let fault = fault.as_deref();
        let ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        // The level of an event is part of its place in the code: hence twice the same.
        if self.is_trouble() {
            tracing::info!(
                system,
                task,
                host,
                run,
                object,
                records,
                method,
                endpoint,
                status,
                ms,
                attempt,
                fault,
                "call in trouble"
            );
        } else {
            tracing::debug!(system, task, host, run, object, records, method, endpoint, status, ms, attempt, "call");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::core::request::Priority;
    use crate::model::RecordId;

    #[test]
    fn a_line_names_a_few_records_and_counts_the_others() {
        let ids: Vec<RecordId> = (1..=100).map(RecordId).collect();
        let request = Request {
            system: System::HubSpot,
            object: ObjectKind::Contact,
            priority: Priority::Bulk,
            run: Some(RunId(7)),
            body: RequestBody::Read { fields: Vec::new(), ids },
        };
        let subject = Subject::of(&request);
        assert_eq!((subject.records.as_str(), subject.run), ("1,2,3,4,5,6,7,8 +92", Some(RunId(7))));
    }

    #[test]
    fn only_trouble_is_worth_a_line_at_info() {
        let ended = |status| Ended {
            host: "h",
            subject: None,
            method: "GET",
            endpoint: "/",
            status,
            took: Duration::ZERO,
            attempt: 1,
            fault: None,
        };
        for fine in [200, 204, 207, 302, 400, 404, 409, 422] {
            assert!(!ended(Some(fine)).is_trouble(), "{fine}");
        }
        for trouble in [401, 403, 429, 500, 502, 503, 524] {
            assert!(ended(Some(trouble)).is_trouble(), "{trouble}");
        }
        assert!(ended(None).is_trouble());
    }
}
