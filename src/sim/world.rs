//! Both systems, their clock, their faults and their ledger: everything a request can see or change.

use std::io;
use std::time::Duration;

use super::clock::{Clock, Skews};
use super::connectwise::{self, Tenant};
use super::delivery::Deliveries;
use super::faults::Faults;
use super::hubspot::{self, Portal};
use super::ledger::{Actor, Calls, Ledger, Verb};
use super::object::Object;
use super::options::{Behaviour, Data, Options};
use super::people::People;
use super::random::Random;
use super::requests::{RequestEntry, Requests};
use super::wire::{Reply, Request};
use super::{Side, generate, story};

/// The whole state, behind one lock.
#[derive(Debug)]
pub(crate) struct World {
    pub options: Options,
    pub behaviour: Behaviour,
    pub clock: Clock,
    pub random: Random,
    pub faults: Faults,
    pub ledger: Ledger,
    pub calls: Calls,
    pub requests: Requests,
    pub deliveries: Deliveries,
    skews: Skews,
    pub hubspot: Portal,
    pub connectwise: Tenant,
}

impl World {
    pub fn new(options: Options) -> io::Result<Self> {
        let clock = match options.standing_at_ms {
            Some(at_ms) => Clock::Standing { at_ms },
            None => Clock::Running { shift_ms: 0 },
        };
        let now = clock.now();
        let (mut hubspot, mut connectwise) = (Portal::new(now)?, Tenant::new()?);
        match options.data {
            Data::Empty => {}
            Data::Story => story::load(&mut hubspot, &mut connectwise, now)?,
            Data::Generated(sizes) => generate::load(&mut hubspot, &mut connectwise, now, options.seed, sizes)?,
        }
        Ok(Self {
            behaviour: options.behaviour.clone(),
            random: Random::new(options.seed ^ 0x51AB),
            options,
            clock,
            faults: Faults::default(),
            ledger: Ledger::default(),
            calls: Calls::default(),
            requests: Requests::default(),
            deliveries: Deliveries::default(),
            skews: Skews::default(),
            hubspot,
            connectwise,
        })
    }

    /// Everything as at the start; what was about to be delivered is forgotten.
    pub fn reset(&mut self) -> io::Result<()> {
        let mut new = Self::new(self.options.clone())?;
        new.ledger = Ledger::ringing(self.ledger.bell());
        new.deliveries.epoch = self.deliveries.epoch + 1;
        *self = new;
        Ok(())
    }

    /// What time it is for one system, in milliseconds since 1970.
    pub fn now(&self, side: Side) -> i64 {
        self.clock.now().saturating_add(self.skewed(side))
    }

    /// How far a system's clock is ahead of the world's, in milliseconds.
    pub const fn skewed(&self, side: Side) -> i64 {
        self.skews.of(side)
    }

    /// Sets a system's clock against the world's, whatever faults made of it.
    pub const fn set_skew(&mut self, side: Side, ms: i64) {
        self.skews.set(side, ms);
    }

    /// Lets a system's clock jump, until the faults are cleared.
    pub fn jump(&mut self, side: Side, by_ms: i64) {
        self.skews.jump(side, by_ms);
    }

    /// No fault strikes any more, and what faults did to the clocks is undone.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
        self.skews.forget_jumps();
    }

    /// Notes a request that was answered; status 0: its connection broke.
    pub fn log_request(&mut self, side: Side, method: &str, path: String, status: u16, took: Duration) {
        let (at_ms, ms) = (self.clock.now(), took.as_secs_f64() * 1000.0);
        self.requests.add(RequestEntry { sequence: 0, at_ms, side, method: method.to_owned(), path, status, ms });
    }

    /// The reply to one request, and the time at which it was made.
    pub fn answer(&mut self, side: Side, request: &Request) -> (Reply, i64) {
        let now = self.now(side);
        let reply = match side {
            Side::HubSpot => hubspot::answer(self, request, now),
            Side::ConnectWise => connectwise::answer(self, request, now),
        };
        self.calls.count(side, request.method.as_str(), &request.segments, reply.status);
        (reply, now)
    }

    /// A system as its users see it, and an act of one of them.
    pub fn half(&mut self, side: Side, user: &str) -> (&mut dyn People, Act<'_>) {
        let now = self.now(side);
        let Self { behaviour, ledger, hubspot, connectwise, .. } = self;
        let act = Act { now, actor: Actor::Human(user.to_owned()), behaviour, ledger };
        match side {
            Side::HubSpot => (hubspot, act),
            Side::ConnectWise => (connectwise, act),
        }
    }

    /// A system as its users see it.
    pub fn seen(&self, side: Side) -> &dyn People {
        match side {
            Side::HubSpot => &self.hubspot,
            Side::ConnectWise => &self.connectwise,
        }
    }

    /// What the system says with that status when a fault is asked for without a body.
    pub fn typical_error(&mut self, side: Side, code: u16) -> Reply {
        let now = self.now(side);
        match side {
            Side::HubSpot => hubspot::typical_error(&mut self.random, now, code),
            Side::ConnectWise => connectwise::typical_error(code),
        }
    }

    /// What the system says to credentials that it knew once.
    pub fn expired(&mut self, side: Side) -> Reply {
        let now = self.now(side);
        match side {
            Side::HubSpot => hubspot::expired_reply(&mut self.random, now),
            Side::ConnectWise => connectwise::Failure::Unauthorized.reply(),
        }
    }
}

/// The moment and the author of a change, and the ledger that it goes into.
pub(crate) struct Act<'a> {
    pub now: i64,
    pub actor: Actor,
    pub behaviour: &'a Behaviour,
    pub ledger: &'a mut Ledger,
}

impl Act<'_> {
    /// Notes a change of a record.
    pub fn record(&mut self, side: Side, object: Object, verb: Verb, id: u64, fields: Changes) {
        self.ledger.record(self.now, (side, object, id), &self.actor, verb, fields);
    }
}

/// Per field: before and after.
pub(crate) type Changes = super::packed::Fields;
