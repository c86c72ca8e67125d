//! Every kind of call to HubSpot under every kind of fault: it ends in time, as a word that the engine knows, after no
//! more calls than it needs, and neither the log nor the answer tells a secret.

use std::time::Duration;

use lockstep::connect::ConnectError;
use lockstep::connect::hubspot::oauth::Tokens;
use lockstep::engine::core::request::AssociateItem;
use lockstep::model::{Record, RecordId};
use lockstep::sim::{Fault, FaultRule, RetryAfter, Side};
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};

use super::hubspot_access::{app, browser, by_oauth, signed_in};
use super::hubspot_records::{all_stamps, calls_to, change, create, made, names, portal, tell};
use super::*;

/// A call has so long where the fault is that it takes too long, and otherwise far more than it can need.
const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Identify,
    /// The index, and the values of what it names.
    ChangesIndex,
    ChangesValues,
    List,
    Read,
    FindStamped,
    FindStampedNotes,
    Create,
    Update,
    Associations,
    Associate,
    History,
    Members,
    Lists,
    Schema,
    Token,
}

impl Call {
    /// What the path contains that meets the fault.
    const fn path(self) -> &'static str {
        match self {
            Self::Identify => "/account-info/",
            Self::ChangesIndex => "/contacts/search",
            Self::ChangesValues | Self::Read | Self::History | Self::FindStamped => "/contacts/batch/read",
            Self::List => "/contacts",
            Self::FindStampedNotes => "/notes/search",
            Self::Create => "/contacts/batch/create",
            Self::Update => "/contacts/batch/update",
            Self::Associations | Self::Associate => "/associations/",
            Self::Members => "/memberships",
            Self::Lists => "/lists/",
            Self::Schema => "/properties/",
            Self::Token => "/token",
        }
    }

    const ALL: [Self; 16] = [
        Self::Identify,
        Self::ChangesIndex,
        Self::ChangesValues,
        Self::List,
        Self::Read,
        Self::FindStamped,
        Self::FindStampedNotes,
        Self::Create,
        Self::Update,
        Self::Associations,
        Self::Associate,
        Self::History,
        Self::Members,
        Self::Lists,
        Self::Schema,
        Self::Token,
    ];
}

/// A portal with two contacts, one of them at a company, a note and a list.
struct Bench {
    running: Running,
    contacts: [RecordId; 2],
    company: RecordId,
    list: String,
    tokens: Tokens,
    next: u64,
}

impl Bench {
    async fn new() -> Self {
        let (running, hub) = portal(&ObjectKind::ALL).await;
        let mut behaviour = running.control.behaviour();
        behaviour.hubspot.shuffles_batches = false;
        running.control.set_behaviour(behaviour);
        let mut contacts = [RecordId(0); 2];
        for (number, id) in (1..).zip(&mut contacts) {
            *id = made(&hub, ObjectKind::Contact, number, &[("email", &format!("a{number}@x.example.com"))]).await.id;
        }
        let company = made(&hub, ObjectKind::Company, 1, &[("name", "Acme")]).await.id;
        let pair = |(intent, from)| AssociateItem { intent: IntentId(intent), from, to: company, primary: false };
        let items = (1..).zip(contacts).map(pair).collect();
        tell(&hub, ObjectKind::Contact, RequestBody::Associate { to: ObjectKind::Company, items }).await;
        made(&hub, ObjectKind::Note, 1, &[("hs_timestamp", "2026-11-20T09:00:00Z")]).await;
        let members = contacts.map(|id| id.0);
        let body = json!({"object": "contacts", "name": "Sync me", "processing": "MANUAL", "members": members});
        let url = format!("{}/_sim/hubspot/lists", running.hubspot_url);
        let made = browser().put(url).json(&body).send().await.unwrap().json::<Json>().await.unwrap();
        let list = made["id"].as_u64().unwrap().to_string();
        let mut tokens = signed_in(&running).await;
        tokens.expires = Timestamp::EPOCH;
        Self { running, contacts, company, list, tokens, next: 100 }
    }

    fn hub(&self, call: Call, timeout: Duration) -> HubSpot {
        let options = Options { timeout, ..options(&self.running.hubspot_url) };
        if call == Call::Token {
            return by_oauth(app(&self.running), self.tokens.clone(), &options).0;
        }
        let token = self.running.credentials.hubspot_token.clone();
        HubSpot::new(hubspot::Credentials::Token(token.into()), all_stamps(), &options).unwrap()
    }

    /// What a refusal of a call quotes.
    fn secret(&self, call: Call) -> String {
        match call {
            Call::Token => self.tokens.refresh.expose_secret().to_owned(),
            _ => self.running.credentials.hubspot_token.clone(),
        }
    }

    fn secrets(&self) -> [String; 4] {
        let client = self.running.control.behaviour().hubspot.oauth_client_secret;
        let Tokens { access, refresh, .. } = &self.tokens;
        let token = self.running.credentials.hubspot_token.clone();
        [token, access.expose_secret().to_owned(), refresh.expose_secret().to_owned(), client]
    }

    /// How a call ended, in a word, and everything that was said of it.
    async fn end(&mut self, call: Call, hub: &HubSpot) -> (String, String) {
        self.next += 1;
        let (fields, ids) = (|| names(&["email", "city"]), self.contacts.to_vec());
        let (object, body) = match call {
            Call::Lists => return told(hub.lists(ObjectKind::Contact, "sync").await, |lists| lists.len() == 1),
            Call::Schema => {
                return told(hub.schema(ObjectKind::Product).await, |live| live.schema.field("lockstep_key").is_some());
            }
            Call::Identify | Call::Token => (ObjectKind::Contact, RequestBody::Identify),
            Call::ChangesIndex | Call::ChangesValues => {
                let (from, until) = (Timestamp::EPOCH, Timestamp::MAX);
                (ObjectKind::Contact, RequestBody::Changes { fields: fields(), from, until, after: None, limit: 200 })
            }
            Call::List => {
                (ObjectKind::Contact, RequestBody::List { fields: fields(), after: None, archived: false, limit: 100 })
            }
            Call::Read => (ObjectKind::Contact, RequestBody::Read { fields: fields(), ids }),
            Call::FindStamped => {
                let stamps = vec!["contact:1".into(), "contact:2".into()];
                (ObjectKind::Contact, RequestBody::FindStamped { fields: fields(), stamps })
            }
            Call::FindStampedNotes => {
                let fields = names(&["hs_note_body"]);
                (ObjectKind::Note, RequestBody::FindStamped { fields, stamps: vec!["note:1".into()] })
            }
            Call::Create => {
                let items = vec![self.fresh(1), self.fresh(2)];
                (ObjectKind::Contact, RequestBody::Create { fields: names(&["email"]), items })
            }
            Call::Update => {
                let city = format!("City {}", self.next);
                let items = (1..).zip(&ids).map(|(intent, id)| change(intent, *id, &[("city", &city)])).collect();
                (ObjectKind::Contact, RequestBody::Update { fields: names(&["city"]), items })
            }
            Call::Associations => (ObjectKind::Contact, RequestBody::Associations { to: ObjectKind::Company, ids }),
            Call::Associate => {
                let pair =
                    |(intent, from)| AssociateItem { intent: IntentId(intent), from, to: self.company, primary: false };
                let items = (1..).zip(ids).map(pair).collect();
                (ObjectKind::Contact, RequestBody::Associate { to: ObjectKind::Company, items })
            }
            Call::History => (ObjectKind::Contact, RequestBody::History { fields: fields(), ids }),
            Call::Members => {
                (ObjectKind::Contact, RequestBody::Members { list: self.list.clone(), after: None, limit: 250 })
            }
        };
        let answer = tell(hub, object, body).await;
        (self.word(&answer), format!("{answer:?}"))
    }

    fn fresh(&self, of: u64) -> CreateItem {
        let number = self.next * 10 + of;
        create(ObjectKind::Contact, number, &[("email", &format!("a{number}@x.example.com"))])
    }

    /// The end of a request in a word: of two records that were written, or one for both where they share it.
    fn word(&self, answer: &AnswerBody) -> String {
        let both = |mut words: Vec<&str>| {
            words.dedup();
            words.join(" and ")
        };
        let all = |done: bool| if done { "done" } else { "less" }.to_owned();
        let ids = |records: &[Record]| records.iter().map(|record| record.id).collect::<Vec<_>>();
        match answer {
            AnswerBody::Failed(Failure::Throttled { .. }) => "throttled".into(),
            AnswerBody::Failed(Failure::NotSent(_)) => "not sent".into(),
            AnswerBody::Failed(Failure::Denied { .. }) => "denied".into(),
            AnswerBody::Failed(Failure::Forbidden { .. }) => "forbidden".into(),
            AnswerBody::Failed(Failure::Rejected(_)) => "rejected".into(),
            AnswerBody::Failed(Failure::Unknown(_)) => "unknown".into(),
            AnswerBody::Withheld(_) => panic!("a connector pauses nothing: {answer:?}"),
            AnswerBody::Written { items } => {
                let end = |outcome: &ItemOutcome| match outcome {
                    ItemOutcome::Applied(_) => "done",
                    ItemOutcome::Rejected(_) => "rejected",
                    ItemOutcome::Unknown(_) => "unknown",
                };
                both(items.iter().map(|(_, outcome)| end(outcome)).collect())
            }
            // A pair that is left out may or may not be there.
            AnswerBody::Joined { items } if items.is_empty() => "unknown".into(),
            AnswerBody::Joined { items } => all(items.len() == 2 && items.iter().all(|(_, end)| end.is_ok())),
            AnswerBody::Page { records, .. } => all(self.contacts.iter().all(|id| ids(records).contains(id))),
            AnswerBody::Stamped { found } if found.is_empty() => "unknown".into(),
            AnswerBody::Stamped { found } => {
                let asked = if found[0].0.starts_with("contact") { 2 } else { 1 };
                all(found.len() == asked && found.iter().all(|(_, holders)| holders.len() == 1))
            }
            AnswerBody::Records { found } => all(found.iter().all(|(_, record)| record.is_some())),
            AnswerBody::Members { ids, .. } => all(*ids == self.contacts),
            AnswerBody::Associated { found } => all(found.len() == 2 && found.iter().all(|(_, ties)| ties.len() == 1)),
            AnswerBody::Changed { found } => all(found.len() == 2 && found.iter().all(|(_, all)| !all.is_empty())),
            AnswerBody::Identity { .. } | AnswerBody::Counted { .. } => "done".into(),
        }
    }
}

fn told<T: std::fmt::Debug>(end: Result<T, ConnectError>, is_all: impl Fn(&T) -> bool) -> (String, String) {
    let word = match &end {
        Ok(done) => if is_all(done) { "done" } else { "less" }.to_owned(),
        Err(error) => match error.kind {
            ConnectErrorKind::Limited => "throttled".into(),
            ConnectErrorKind::Credentials => "denied".into(),
            ConnectErrorKind::Unexpected | ConnectErrorKind::Unreachable => "unknown".into(),
            kind => format!("{kind:?}"),
        },
    };
    (word, format!("{end:?}"))
}

/// A fault, the word for every call under it, and those calls that end in another word or are sent another number of
/// times than once.
type Row = (Fault, &'static str, Vec<(Call, &'static str, u64)>);

/// `secret` is what a refusal quotes.
fn table(secret: &str) -> Vec<Row> {
    use Call::*;
    let status = |code, body: Option<&str>| Fault::Status { code, body: body.map(str::to_owned), retry_after: None };
    let mangle = |pointer: &str, value: Option<Json>| Fault::Mangle { pointer: pointer.to_owned(), value };
    let header = |name: &str, value: &str| Fault::Header { name: name.to_owned(), value: Some(value.to_owned()) };
    let results = || "/results".to_owned();
    let quoting = json!({"message": format!("{secret} is bad")}).to_string();
    // Without a token nothing else is sent.
    let unsent = || vec![(Token, "not sent", 1)];
    // Whose answer has no results, and those of whose answer only a part goes to the caller.
    let apart = [(Identify, "done", 1), (Token, "done", 1), (Lists, "done", 1)];
    let with = |more: &[(Call, &'static str, u64)]| [&apart[..], more].concat();
    // Found by their stamps, contacts are looked for in the recycle bin, too.
    let twice = (FindStamped, "done", 2);
    vec![
        (Fault::DropBefore, "unknown", unsent()),
        (Fault::DropAfterCommit, "unknown", unsent()),
        (status(500, None), "unknown", unsent()),
        (status(500, Some(&quoting)), "unknown", unsent()),
        (status(503, Some("")), "unknown", unsent()),
        (Fault::StatusAfterCommit { code: 504, body: None }, "unknown", unsent()),
        (
            // Once for all, and then for each half.
            status(400, Some(&quoting)),
            "rejected",
            vec![
                (Create, "done", 3),
                (Update, "done", 3),
                (Associate, "done", 3),
                (Lists, "unknown", 1),
                (Schema, "unknown", 1),
                (Token, "not sent", 1),
            ],
        ),
        (Fault::Limited { retry_after: Some(RetryAfter::Seconds(1)) }, "throttled", vec![]),
        (Fault::Limited { retry_after: Some(RetryAfter::Milliseconds(1500)) }, "throttled", vec![]),
        (Fault::Limited { retry_after: Some(RetryAfter::DateInSeconds(1)) }, "throttled", vec![]),
        (Fault::Limited { retry_after: None }, "throttled", vec![]),
        (Fault::Expired, "denied", unsent()),
        (Fault::Html { commits: false }, "unknown", unsent()),
        (Fault::Html { commits: true }, "unknown", unsent()),
        (Fault::Delay { ms: 400 }, "unknown", unsent()),
        (Fault::LateLanding { ms: 400 }, "unknown", unsent()),
        (Fault::Drip { bytes: 7, every_ms: 20 }, "unknown", unsent()),
        (Fault::Truncate, "unknown", unsent()),
        (Fault::HalfBody, "unknown", unsent()),
        (Fault::Oversized { megabytes: 33 }, "unknown", unsent()),
        (mangle("/results", None), "unknown", with(&[(Update, "done", 1)])),
        (mangle("/results", Some(json!({"id": 7}))), "unknown", with(&[(Update, "done", 1)])),
        (
            mangle("/results/0/id", Some(json!([]))),
            "unknown",
            with(&[
                // One that cannot be read is left out; what was asked for by id is asked for again, by itself.
                (ChangesIndex, "less", 1),
                (ChangesValues, "less", 1),
                (List, "less", 1),
                (Read, "done", 2),
                (FindStamped, "less", 2),
                (History, "less", 2),
                (Create, "unknown and done", 1),
                (Update, "done", 1),
                (Associations, "done", 1),
                (Associate, "done", 1),
                (Members, "done", 1),
                (Schema, "done", 1),
            ]),
        ),
        (Fault::Reorder { pointer: results() }, "done", vec![twice, (Members, "unknown", 1)]),
        (
            Fault::DropItem { pointer: results(), index: Some(0) },
            "less",
            with(&[
                // What was asked for by id is asked for again, in the recycle bin and then by itself.
                (Read, "done", 2),
                (FindStamped, "less", 2),
                // A search counts what it does not show.
                (FindStampedNotes, "unknown", 1),
                (History, "less", 2),
                // Of whom an answer says nothing is asked for once more.
                (Associations, "done", 2),
                (Create, "unknown and done", 1),
                (Update, "done", 1),
                (Schema, "done", 1),
            ]),
        ),
        (header("date", "yesterday"), "done", vec![twice]),
        (header("retry-after", "soon"), "done", vec![twice]),
        (Fault::Skew { ms: 7_200_000 }, "done", vec![twice]),
    ]
}

#[tokio::test]
async fn every_call_under_every_fault_ends_in_time_in_a_word_and_without_a_secret() {
    let (lines, _guard) = log::listen(tracing::Level::TRACE);
    let mut bench = Bench::new().await;
    for call in Call::ALL {
        let hub = bench.hub(call, LONG);
        assert_eq!(bench.end(call, &hub).await.0, "done", "{call:?} under no fault");
    }
    let mut wrong = Vec::new();
    for at in 0..table("").len() {
        for call in Call::ALL {
            let (fault, usual, others) = table(&bench.secret(call)).swap_remove(at);
            let other = others.into_iter().find(|(other, ..)| *other == call).map(|(_, word, sent)| (word, sent));
            let expected = other.unwrap_or((usual, 1));
            let slow = matches!(fault, Fault::Delay { .. } | Fault::LateLanding { .. } | Fault::Drip { .. });
            let hub = bench.hub(call, if slow { SHORT } else { LONG });
            bench.running.control.inject(FaultRule::once(fault.clone()).on(Side::HubSpot).path(call.path()));
            bench.running.control.clear_calls();
            let what = format!("{call:?} under {fault:?}");
            let end = tokio::time::timeout(if slow { 10 * SHORT } else { LONG }, bench.end(call, &hub)).await;
            let (word, said) = end.unwrap_or_else(|_| panic!("{what} does not end"));
            assert_eq!(bench.running.control.faults(), [], "{what}: it did not strike");
            // What has not landed yet is not counted yet.
            let sent =
                if matches!(fault, Fault::LateLanding { .. }) { 1 } else { calls_to(&bench.running, call.path()) };
            if (word.as_str(), sent) != expected {
                wrong.push(format!("{what}: {word}, sent {sent} times, not {expected:?}"));
            }
            for secret in bench.secrets() {
                assert!(!said.contains(&secret), "{what}: {said}");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let log = lines.text();
    assert!(log.lines().count() > table("").len() * Call::ALL.len(), "each call has its line");
    for secret in bench.secrets() {
        assert_eq!(log.lines().find(|line| line.contains(&secret)), None);
    }
}
