//! The way of a request to its server and back, and what goes wrong on it.

use std::time::Duration;

use lockstep::engine::core::request::{Answer, AnswerBody, Failure, ItemOutcome, Request, RequestBody, RequestId};
use lockstep::mapping::Direction;
use lockstep::model::{IntentId, RecordRef, System};

use super::{Happening, Simulation};
use crate::faults::{Fault, Kind};
use crate::fields::{SPECS, Shape, index_of};
use crate::random::mix;
use crate::server::Arrival;

/// After so long without an answer the client gives up.
const TIMEOUT: i64 = 60_000;
/// How long a request lives at most, in the servers' world: the engine's bound less what its clocks may err.
const LANDING: i64 = 158_000;

/// A request on its way.
pub(super) struct Flight {
    life: u32,
    id: RequestId,
    number: u32,
    request: Request,
    attempts: Vec<(IntentId, u32)>,
    fault: Option<Fault>,
    entropy: u64,
    /// The answer has been given already: only the effect is left.
    answered: bool,
}

impl Simulation<'_> {
    pub(super) fn send(&mut self, id: RequestId, request: Request) {
        self.sent += 1;
        self.last_request = id;
        let number = self.sent;
        let is_write = request.body.is_write();
        let (fault, entropy) = if self.troubled {
            self.scenario.faults.of(number, Kind::of(&request.body))
        } else {
            (None, mix(self.scenario.seed, number.into()))
        };
        let fault = fault.filter(|fault| *fault != Fault::FalseSuccess || is_false_success_possible(&request));
        let fault = fault.filter(|fault| *fault != Fault::Forbidden || request.body != RequestBody::Identify);
        if let Some(fault) = fault {
            self.outcome.struck.push((number, fault));
            self.struck.insert((fault, request.object, request.system));
        }
        self.note(|| format!("send #{number} {}{}", crate::words::request(&request), crate::words::fault(fault)));
        crate::oracle::asks_for_its_own(self, &request);
        self.guarded.sent(id, &request);
        let attempts = self.attempts(&request);
        if is_write {
            crate::oracle::before_send(self, &request, &attempts);
        }
        self.in_flight += 1;
        self.meddle_soon(&request, fault, number, entropy);
        self.launch(Flight { life: self.life, id, number, request, attempts, fault, entropy, answered: false });
    }

    /// Which attempt of which intent the items are, as the journal says.
    fn attempts(&self, request: &Request) -> Vec<(IntentId, u32)> {
        let attempt = |id: IntentId| (id, self.store.intents.get(&id).map_or(0, |intent| intent.attempt));
        match &request.body {
            RequestBody::Create { items, .. } => items.iter().map(|item| attempt(item.intent)).collect(),
            RequestBody::Update { items, .. } => items.iter().map(|item| attempt(item.intent)).collect(),
            _ => Vec::new(),
        }
    }

    /// What becomes of this update nobody will know for a while; until then somebody edits what it is to write one way.
    fn meddle_soon(&mut self, request: &Request, fault: Option<Fault>, number: u32, entropy: u64) {
        let is_unknown = matches!(fault, Some(Fault::Dropped | Fault::ErrorBefore | Fault::AnswerLost | Fault::Late));
        let RequestBody::Update { items, .. } = &request.body else { return };
        if !self.scenario.server.meddles || !is_unknown {
            return;
        }
        for (place, item) in items.iter().enumerate() {
            for (name, _) in &item.values {
                let at = index_of(request.object, request.system, name.as_str());
                let is_one_way = |at: &usize| {
                    let spec = &SPECS[*at];
                    spec.direction != Direction::Both && matches!(spec.shape, Shape::Text | Shape::Number)
                };
                let Some(at) = at.filter(is_one_way) else { continue };
                let record = RecordRef::new(request.object, request.system, item.id);
                // as no other user counts; most of the time the write can take effect no more by then
                let value = 100_000 + number * 100 + place as u32;
                let after = 1_000 + (mix(entropy, 9 + place as u64) % LANDING.unsigned_abs()).cast_signed();
                self.enqueue(self.now + after, Happening::Meddle(record, at, value));
            }
        }
    }

    /// Decides when a request arrives, and what is answered if it never does.
    fn launch(&mut self, mut flight: Flight) {
        let slowness = self.scenario.server.slowness;
        let way = 1 + (mix(flight.entropy, 1) % slowness.unsigned_abs()).cast_signed();
        let failure = match flight.fault {
            Some(Fault::NotSent) => (way, Failure::NotSent("no connection".into())),
            Some(Fault::Throttled) => {
                let retry_after = Duration::from_secs(1 + mix(flight.entropy, 2) % 20);
                (way, Failure::Throttled { retry_after, message: "too many requests".into() })
            }
            Some(Fault::Denied) => {
                (way, Failure::Denied { message: "not authorized".into(), hint: "look at the key".into() })
            }
            Some(Fault::Forbidden) => {
                (way, Failure::Forbidden { message: "not for this".into(), hint: "look at the role".into() })
            }
            Some(Fault::ErrorBefore) => (way, Failure::Unknown("500 server error".into())),
            Some(Fault::Dropped) => (TIMEOUT, Failure::Unknown("timed out".into())),
            Some(Fault::Late) => {
                let gives_up = [way, 5_000, TIMEOUT][(mix(flight.entropy, 3) % 3) as usize];
                let lands = gives_up + (mix(flight.entropy, 4) % (LANDING - gives_up).unsigned_abs()).cast_signed();
                self.answer(&flight, gives_up, AnswerBody::Failed(Failure::Unknown("connection reset".into())));
                flight.answered = true;
                return self.enqueue(self.now + lands, Happening::Arrive(Box::new(flight)));
            }
            Some(Fault::Slow) => {
                let way = (way * 20).min(20_000);
                return self.enqueue(self.now + way, Happening::Arrive(Box::new(flight)));
            }
            _ => return self.enqueue(self.now + way, Happening::Arrive(Box::new(flight))),
        };
        self.answer(&flight, failure.0, AnswerBody::Failed(failure.1));
    }

    fn answer(&mut self, flight: &Flight, after: i64, body: AnswerBody) {
        let tells_time = !matches!(body, AnswerBody::Failed(Failure::NotSent(_) | Failure::Unknown(_)));
        let server_time = tells_time.then(|| self.servers[flight.request.system].clock(self.now).floor_to_second());
        let answer = Box::new(Answer { request: flight.id, server_time, calls: 1, body });
        self.enqueue(self.now + after, Happening::Deliver { life: flight.life, answer, request: flight.number });
    }

    /// A request reaches its server.
    pub(super) fn arrive(&mut self, flight: Flight) {
        self.arrived += 1;
        if self.troubled
            && let Some(ops) = self.by_arrival.remove(&self.arrived)
        {
            for op in ops {
                self.act(op);
            }
        }
        let items = flight.attempts.len();
        let arrival = Arrival {
            now: self.now,
            request: &flight.request,
            attempts: &flight.attempts,
            pretend: flight.fault == Some(Fault::FalseSuccess),
            denies: flight.fault == Some(Fault::Missing),
            stop_after: match flight.fault {
                Some(Fault::ErrorAfter) if items > 1 => 1 + (mix(flight.entropy, 5) % items as u64) as usize,
                // what is missing in the answer was done, or was not
                Some(Fault::ItemsMissing) => (mix(flight.entropy, 5) % (items as u64 + 1)) as usize,
                _ => usize::MAX,
            },
        };
        let known = self.ledger.len();
        let mut body = self.servers[flight.request.system].handle(&arrival, &mut self.ledger);
        self.landed(known);
        if flight.answered {
            self.outcome.counters.late_landings += u32::from(self.ledger.len() > known);
            return;
        }
        let back = 1 + (mix(flight.entropy, 6) % self.scenario.server.slowness.unsigned_abs()).cast_signed();
        let back = match flight.fault {
            Some(Fault::AnswerLost) => {
                body = AnswerBody::Failed(Failure::Unknown("connection reset".into()));
                if mix(flight.entropy, 8).is_multiple_of(2) { back } else { TIMEOUT }
            }
            Some(Fault::ErrorAfter) => {
                body = AnswerBody::Failed(Failure::Unknown("500 server error".into()));
                back
            }
            Some(fault) => {
                if fault == Fault::Emptied {
                    self.guarded.list_lies(flight.request.system, flight.request.object);
                }
                spoil(&mut body, fault, flight.entropy);
                back
            }
            None => back,
        };
        self.answer(&flight, back, body);
    }

    /// Looks at what the engine's writes just did.
    fn landed(&mut self, from: usize) {
        for at in from..self.ledger.len() {
            crate::oracle::at_landing(self, at);
        }
    }
}

/// What a fault does to an answer on its way back.
fn spoil(body: &mut AnswerBody, fault: Fault, entropy: u64) {
    if fault == Fault::Untold {
        let mut at = 0;
        let mut is_told = || {
            at += 1;
            mix(entropy, at).is_multiple_of(3)
        };
        match &mut *body {
            AnswerBody::Records { found } => found.retain(|_| is_told()),
            AnswerBody::Stamped { found } => found.retain(|_| is_told()),
            AnswerBody::Page { records, unread, .. } => {
                let (told, untold): (Vec<_>, Vec<_>) = std::mem::take(records).into_iter().partition(|_| is_told());
                *records = told;
                unread.extend(untold.into_iter().map(|record| record.id));
            }
            _ => {}
        }
    }
    if fault == Fault::Emptied
        && let AnswerBody::Page { records, last, more, unread, others, merged, parents } = &mut *body
    {
        records.clear();
        others.clear();
        merged.clear();
        parents.clear();
        unread.clear();
        (*last, *more) = (None, false);
    }
    let AnswerBody::Written { items } = body else { return };
    match fault {
        Fault::ItemsMissing => {
            let mut at = 0;
            items.retain(|_| {
                at += 1;
                mix(entropy, at).is_multiple_of(3)
            });
        }
        Fault::ItemsUnknown => {
            for (at, (_, outcome)) in items.iter_mut().enumerate() {
                if mix(entropy, at as u64).is_multiple_of(2) {
                    *outcome = ItemOutcome::Unknown("no word about this item".into());
                }
            }
        }
        Fault::Reordered => items.reverse(),
        _ => {}
    }
}

/// ConnectWise documents it for changes; HubSpot does not do it.
fn is_false_success_possible(request: &Request) -> bool {
    request.system == System::ConnectWise && matches!(request.body, RequestBody::Update { .. })
}
