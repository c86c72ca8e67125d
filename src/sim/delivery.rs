//! What a system tells the listeners of its webhooks or callbacks. Knows nothing of either system's payloads.
//!
//! After every change of a record its half is asked what to say to whom: HubSpot's answer comes from
//! `hubspot/webhooks.rs`, ConnectWise's from `connectwise/callbacks.rs`. `post.rs` sends it.
//!
//! Decided where the facts are silent: the ten retries of HubSpot double their distance, so that the last comes after
//! 24 hours; a "bad day" of ConnectWise is one of its calendar days (UTC) on which at least one delivery failed for good,
//! whatever else succeeded; HubSpot repeats some events by default, and loses none.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Side;
use super::ledger::Mutation;
use super::random::Random;

/// Events in one request of HubSpot, at most.
pub(crate) const BATCH: usize = 100;
/// How many attempts of both systems are kept.
const KEPT: usize = 2_000;
const DAY: i64 = 86_400_000;
/// Bad days in a row after which ConnectWise disables a callback.
const BAD_DAYS: u32 = 3;

/// Where HubSpot's app listens. A private app sets this in the user interface only: there is no API for it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// On the loopback; others are refused when it is set.
    pub url: String,
    /// The app's client secret, which signs.
    pub secret: String,
    /// Event types such as `contact.propertyChange`, or `object.propertyChange` as project apps have them; none for all of
    /// the first kind.
    #[serde(default)]
    pub events: Vec<String>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url).field("events", &self.events).finish_non_exhaustive()
    }
}

/// One request of ConnectWise to a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// The id of the callback entry it is for.
    pub callback: u64,
    /// The entry's address with record id and action behind it.
    pub url: String,
    /// The signature and the content type.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// What HubSpot says: `impl Events for Portal` in `hubspot/webhooks.rs`.
pub(crate) trait Events {
    /// The events of one change, each with every member but `attemptNumber`, which the delivery adds.
    fn events(&self, webhook: &Webhook, change: &Mutation) -> Vec<Value>;

    /// The event that the user interface's test of a subscription sends; none when there is no such event.
    fn sample(&self, event: &str, at_ms: i64) -> Option<Value>;
}

/// What ConnectWise says: `impl Notices for Tenant` in `connectwise/callbacks.rs`.
pub(crate) trait Notices {
    /// One request per active callback entry that this change concerns. `site` is this simulator's address without a
    /// slash at its end, for `FromUrl` and `Metadata.key_url`.
    fn notices(&self, change: &Mutation, site: &str, now_ms: i64) -> Vec<Notice>;

    /// Sets `inactiveFlag` of a callback entry that failed on three days in a row.
    fn disable(&mut self, callback: u64);
}

/// How webhooks and callbacks are delivered. All times are real milliseconds, also when the simulators' clock stands still.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// How long HubSpot gathers events before it sends them.
    pub gather_ms: u64,
    /// How long either system waits for an answer.
    pub timeout_ms: u64,
    /// Before HubSpot's first retry; each next one waits twice as long.
    pub webhook_retry_ms: u64,
    /// Before ConnectWise's first retry; the second and last waits twice as long.
    pub callback_retry_ms: u64,
    /// The events of HubSpot come in another order than they happened.
    pub shuffles: bool,
    /// 0 to 1: how likely HubSpot delivers an event twice.
    pub duplicates: f64,
    /// 0 to 1: how likely HubSpot never delivers an event.
    pub losses: f64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            gather_ms: 500,
            timeout_ms: 5_000,
            webhook_retry_ms: 84_457,
            callback_retry_ms: 2_000,
            shuffles: true,
            duplicates: 0.02,
            losses: 0.0,
        }
    }
}

impl Behaviour {
    /// For tests: hardly any waiting, and nothing twice.
    #[must_use]
    pub fn quick() -> Self {
        Self { gather_ms: 10, webhook_retry_ms: 5, callback_retry_ms: 5, duplicates: 0.0, ..Self::default() }
    }

    /// What HubSpot makes of its events on their way: batches, some events twice, some nowhere, in disorder.
    pub(crate) fn batches(&self, events: Vec<Value>, random: &mut Random) -> Vec<Vec<Value>> {
        let mut sent = Vec::with_capacity(events.len());
        for event in events {
            if random.happens(self.losses) {
                continue;
            }
            if random.happens(self.duplicates) {
                sent.push(event.clone());
            }
            sent.push(event);
        }
        if self.shuffles {
            for at in (1..sent.len()).rev() {
                sent.swap(at, random.below(at + 1));
            }
        }
        sent.chunks(BATCH).map(<[Value]>::to_vec).collect()
    }
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryEntry {
    /// Counts from 1 over both systems.
    pub sequence: u64,
    /// When it ended, on the simulators' clock, in milliseconds since 1970.
    pub at_ms: i64,
    pub side: Side,
    /// The listener, without a query.
    pub url: String,
    /// Events in the request; one for a callback.
    pub events: usize,
    /// 0 for the first.
    pub attempt: u32,
    /// 0: no answer in time.
    pub status: u16,
}

/// What is to be delivered to whom, and how it went so far.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    pub webhook: Option<Webhook>,
    /// Tests of subscriptions that a person asked for.
    pub samples: Vec<Value>,
    /// The last change that was looked at.
    pub seen: u64,
    /// Moves when everything begins anew: what was on its way then is not sent any more.
    pub epoch: u64,
    entries: VecDeque<DeliveryEntry>,
    last: u64,
    /// Per callback: the last bad day, and how many in a row.
    bad: BTreeMap<u64, (i64, u32)>,
}

impl Deliveries {
    /// Adds an attempt; its sequence number is given here.
    pub fn add(&mut self, mut entry: DeliveryEntry) {
        self.last += 1;
        entry.sequence = self.last;
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The kept attempts after the one with that sequence number, oldest first.
    pub fn since(&self, sequence: u64) -> Vec<DeliveryEntry> {
        let first = self.entries.partition_point(|entry| entry.sequence <= sequence);
        self.entries.iter().skip(first).cloned().collect()
    }

    /// Notes that a delivery failed for good; whether the callback is now to be disabled.
    pub fn failed(&mut self, callback: u64, now_ms: i64) -> bool {
        let today = now_ms.div_euclid(DAY);
        let (day, run) = self.bad.get(&callback).copied().unwrap_or((today, 0));
        let run = match (today - day, run) {
            (_, 0) => 1,
            (0, run) => run,
            (1, run) => run + 1,
            _ => 1,
        };
        self.bad.insert(callback, (today, run));
        if run < BAD_DAYS {
            return false;
        }
        // One that is armed again has three days anew.
        self.bad.remove(&callback);
        true
    }
}

/// Whether an address is one that the simulators may speak to: plain HTTP on this machine.
pub(crate) fn is_local(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    url.scheme() == "http" && local
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_plain_http_on_this_machine_is_spoken_to() {
        let table = [
            ("http://127.0.0.1:9/hook?x=1", true),
            ("http://localhost/hook", true),
            ("http://[::1]:80/", true),
            ("https://127.0.0.1/", false),
            ("http://127.0.0.1.example.com/", false),
            ("http://10.0.0.1/", false),
            ("http://localhost@example.com/", false),
            ("nonsense", false),
        ];
        for (url, expected) in table {
            assert_eq!(is_local(url), expected, "{url}");
        }
    }

    #[test]
    fn three_bad_days_in_a_row_disable_a_callback() {
        let table: [(&[i64], bool); 5] = [
            (&[1, 2, 3], true),
            (&[1, 1, 1, 2], false),
            (&[1, 2, 4, 5], false),
            (&[1, 2, 4, 5, 6], true),
            (&[7], false),
        ];
        for (days, disabled) in table {
            let mut deliveries = Deliveries::default();
            let said: Vec<bool> = days.iter().map(|day| deliveries.failed(1, day * DAY + 5)).collect();
            assert_eq!(said.last(), Some(&disabled), "{days:?}");
            assert!(!deliveries.failed(2, 0), "each callback has days of its own");
        }
    }

    #[test]
    fn events_are_lost_repeated_and_disordered_as_the_switches_say() {
        let events: Vec<Value> = (0..250).map(|n| json!({ "eventId": n })).collect();
        let sent = |behaviour: Behaviour| behaviour.batches(events.clone(), &mut Random::new(3));
        let plain = Behaviour { shuffles: false, ..Behaviour::quick() };
        let sizes: Vec<usize> = sent(plain.clone()).iter().map(Vec::len).collect();
        assert_eq!((sizes, sent(plain.clone()).concat()), (vec![100, 100, 50], events.clone()));
        let shuffled = sent(Behaviour::quick()).concat();
        assert!(shuffled != events && shuffled.len() == 250);
        assert_eq!(sent(Behaviour { duplicates: 1.0, ..plain.clone() }).concat().len(), 500);
        assert!(sent(Behaviour { losses: 1.0, ..plain }).is_empty());
    }
}
