//! The event log in words that fit on a line.

use lockstep::engine::core::command::{Reply, Row};
use lockstep::engine::core::request::{AnswerBody, ItemOutcome, Request, RequestBody};
use lockstep::model::{FieldName, Record, RecordId, Value};

use crate::faults::Fault;

pub fn values(values: &[(FieldName, Value)]) -> String {
    values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

fn ids(ids: impl Iterator<Item = RecordId>) -> String {
    ids.map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
}

pub fn fault(fault: Option<Fault>) -> String {
    fault.map_or_else(String::new, |fault| format!("   << {fault:?}"))
}

pub fn request(request: &Request) -> String {
    let body = match &request.body {
        RequestBody::Identify => "identify".to_owned(),
        RequestBody::Changes { from, until, after, .. } => {
            format!("changes {from} to {until} after {after:?}")
        }
        RequestBody::List { after, archived, .. } => format!("list after {after:?} archived {archived}"),
        RequestBody::Count { since, .. } => format!("count since {since:?}"),
        RequestBody::Read { ids: asked, .. } => format!("read {}", ids(asked.iter().copied())),
        RequestBody::FindStamped { stamps, .. } => format!("find {}", stamps.join(" ")),
        RequestBody::Create { items, .. } => items
            .iter()
            .map(|item| format!("create i{} [{}] {}", item.intent, item.stamp, values(&item.values)))
            .collect::<Vec<_>>()
            .join(" | "),
        RequestBody::Update { items, .. } => items
            .iter()
            .map(|item| format!("update i{} {} {} {:?}", item.intent, item.id, values(&item.values), item.stamp))
            .collect::<Vec<_>>()
            .join(" | "),
        other @ (RequestBody::Associations { .. }
        | RequestBody::Associate { .. }
        | RequestBody::History { .. }
        | RequestBody::Members { .. }) => format!("{other:?}"),
    };
    format!("{} {body}", request.system)
}

fn record(record: &Record) -> String {
    let fields: Vec<String> = record.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let archived = if record.archived { " archived" } else { "" };
    format!("{}@{}{archived}({}) {:?}", record.id, record.modified, fields.join(" "), record.stamp)
}

pub fn answer(body: &AnswerBody) -> String {
    match body {
        AnswerBody::Identity { tenant, .. } => format!("identity {tenant}"),
        AnswerBody::Page { records, more, .. } => {
            let rows: Vec<String> = records.iter().map(record).collect();
            format!("page {}{}", rows.join(" "), if *more { " …" } else { "" })
        }
        AnswerBody::Counted { records } => format!("counted {records:?}"),
        AnswerBody::Records { found } => found
            .iter()
            .map(|(id, found)| found.as_ref().map_or_else(|| format!("{id} none"), record))
            .collect::<Vec<_>>()
            .join(" "),
        AnswerBody::Stamped { found } => {
            let rows = found.iter().map(|(stamp, rows)| format!("[{stamp}] {}", ids(rows.iter().map(|row| row.id))));
            format!("stamped {}", rows.collect::<Vec<_>>().join(" "))
        }
        AnswerBody::Written { items } => {
            let rows = items.iter().map(|(intent, outcome)| match outcome {
                ItemOutcome::Applied(row) => format!("i{intent} applied {}", record(row)),
                ItemOutcome::Rejected(why) => format!("i{intent} rejected: {}", why.message),
                ItemOutcome::Unknown(why) => format!("i{intent} unknown: {why}"),
            });
            rows.collect::<Vec<_>>().join(" | ")
        }
        AnswerBody::Failed(failure) => format!("failed {failure:?}"),
        other @ (AnswerBody::Associated { .. }
        | AnswerBody::Joined { .. }
        | AnswerBody::Changed { .. }
        | AnswerBody::Members { .. }
        | AnswerBody::Withheld(_)) => format!("{other:?}"),
    }
}

pub fn row(row: &Row) -> String {
    match row {
        Row::Observation(seen) => {
            format!("obs {} {}{}", seen.of, record(&seen.record), if seen.gone { " gone" } else { "" })
        }
        Row::Link(link) => {
            let agreed =
                link.baseline.iter().map(|(key, agreed)| format!("{key}:{}|{}", agreed.hubspot, agreed.connectwise));
            format!(
                "link {} {}~{} {:?} {:?} base {{{}}}",
                link.id,
                link.hubspot,
                link.connectwise,
                link.state,
                link.origin,
                agreed.collect::<Vec<_>>().join(" ")
            )
        }
        Row::Intent(intent) => format!(
            "intent i{} {:?} {} {:?} attempt {} source {} target {:?} {}",
            intent.id,
            intent.kind,
            intent.system,
            intent.state,
            intent.attempt,
            intent.source,
            intent.target.map(|id| id.0),
            intent.outcome.as_deref().unwrap_or_default()
        ),
        Row::History(entry) => format!(
            "history i{} {} {} → {} loser {:?}",
            entry.intent, entry.field, entry.before, entry.after, entry.loser
        ),
        Row::Issue(issue) => format!("issue {} {} {:?}: {}", issue.record, issue.class, issue.field, issue.message),
        Row::ClearIssue { record, class, field } => format!("clear issue {record} {class} {field:?}"),
        Row::Dirty(mark) => format!("dirty {} {:?} not before {}", mark.record, mark.reason, mark.not_before),
        Row::ClearDirty(record) => format!("clear dirty {record}"),
        Row::Cursor(cursor) => {
            format!("cursor {:?} {:?} from {} pass {:?}", cursor.key.system, cursor.key.feed, cursor.from, cursor.pass)
        }
        Row::Run(run) => format!("run {} {:?}", run.id, run.verdict),
        Row::Status(status) => format!("status {} {}: {}", status.anchor(), status.state, status.why),
        other => format!("{other:?}"),
    }
}

pub fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Accepted => "accepted".to_owned(),
        Reply::Pushed(report) => format!("pushed: sent {} outcomes {:?}", report.sent, report.outcomes),
        Reply::Undone(report) => format!("undone: {report:?}"),
        Reply::Refused { reason, hint } => format!("refused: {reason}; {hint}"),
    }
}
