//! The pace of one connection: who may call next, and when. Knows priorities and time, nothing of HTTP.
//!
//! A token bucket per lane whose rate halves when the system says "too many" and grows back with every answer.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::engine::core::request::Priority;

/// Which allowance a call uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    General,
    /// HubSpot's search has a limit of its own for the whole account.
    Search,
}

/// How fast one lane may go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    /// Calls per second to begin with.
    pub start: f64,
    /// Calls per second that good answers may lead to.
    pub ceiling: f64,
    /// Calls that may be made at once after a quiet time.
    pub burst: f64,
}

/// What is left of a connection's allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetSnapshot {
    /// Calls per second that the pacing allows now, in thousandths; `u64::MAX` when unlimited.
    pub rate_milli: u64,
    /// Calls used of the day's allowance, where the system tells.
    pub daily: Option<(u64, u64)>,
    /// Requests waiting for their turn.
    pub waiting: u64,
    /// How long the connection must still keep quiet after "too many requests".
    pub blocked: Option<Duration>,
}

/// A call whose turn did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Late {
    /// When another try makes sense.
    pub again: Duration,
}

/// The pacing of one connection.
#[derive(Debug)]
pub(crate) struct Budget {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    general: Bucket,
    search: Bucket,
    daily: Option<(u64, u64)>,
    unlimited: bool,
}

const FLOOR: f64 = 0.5;
/// Answers it takes to grow from nothing to the ceiling.
const RECOVERY_ANSWERS: f64 = 200.0;
/// One burst of refusals is one event, however many calls were under way.
const ONE_EVENT: Duration = Duration::from_secs(1);

/// Strictly before everything else, in this order.
const STRICT: [Priority; 2] = [Priority::Interactive, Priority::Recovery];
/// The rest shares by weight: nobody starves, writes get four times what pulls get.
const SHARED: [(Priority, f64); 4] =
    [(Priority::Pull, 3.0), (Priority::Write, 12.0), (Priority::Settled, 2.0), (Priority::Bulk, 1.0)];

#[derive(Debug)]
struct Bucket {
    pace: Pace,
    rate: f64,
    tokens: f64,
    filled: Instant,
    blocked_until: Option<Instant>,
    halved: Option<Instant>,
    strict: [VecDeque<oneshot::Sender<()>>; 2],
    shared: [Class; 4],
}

/// One priority that shares by weight. `pass` is how much it has had, in units of its weight.
#[derive(Debug, Default)]
struct Class {
    queue: VecDeque<oneshot::Sender<()>>,
    pass: f64,
}

impl Budget {
    pub fn new(general: Pace, search: Pace, unlimited: bool) -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                general: Bucket::new(general, now),
                search: Bucket::new(search, now),
                daily: None,
                unlimited,
            }),
        }
    }

    /// Waits for the turn of one call, at most until `latest`. Dropping the future gives the turn up.
    ///
    /// # Errors
    /// The turn does not come by then: nothing may be sent. Told at once where it is certain from the beginning.
    pub async fn turn(&self, lane: Lane, priority: Priority, latest: Option<Instant>) -> Result<(), Late> {
        self.refuse_hopeless(lane, latest)?;
        let mut granted = {
            let mut state = self.lock();
            let unlimited = state.unlimited;
            let (sender, receiver) = oneshot::channel();
            let bucket = state.bucket(lane);
            bucket.enqueue(priority, sender);
            bucket.grant(Instant::now(), unlimited);
            receiver
        };
        loop {
            let next = {
                let mut state = self.lock();
                let unlimited = state.unlimited;
                state.bucket(lane).next_chance(Instant::now(), unlimited)
            };
            tokio::select! {
                biased;
                // The sender lives in the bucket until the turn is granted.
                _ = &mut granted => return Ok(()),
                () = sleep_until(latest) => return Err(self.late(lane)),
                () = tokio::time::sleep_until(next) => {
                    let mut state = self.lock();
                    let unlimited = state.unlimited;
                    state.bucket(lane).grant(Instant::now(), unlimited);
                }
            }
        }
    }

    /// While the system wants quiet beyond `latest`, there is nothing to wait for.
    fn refuse_hopeless(&self, lane: Lane, latest: Option<Instant>) -> Result<(), Late> {
        let Some(latest) = latest else { return Ok(()) };
        let blocked = self.lock().bucket(lane).blocked_until;
        if blocked.is_some_and(|until| until > latest) { Err(self.late(lane)) } else { Ok(()) }
    }

    fn late(&self, lane: Lane) -> Late {
        let blocked = self.lock().bucket(lane).blocked_until;
        let left = blocked.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        Late { again: left.max(ONE_EVENT) }
    }

    /// The system refused a call for coming too soon: no more of them before `wait` has passed.
    pub fn throttled(&self, lane: Lane, wait: Duration) {
        let mut state = self.lock();
        let unlimited = state.unlimited;
        state.bucket(lane).throttled(Instant::now(), wait, unlimited);
    }

    /// The system answered a call: the pace may grow a little.
    pub fn answered(&self, lane: Lane) {
        self.lock().bucket(lane).answered();
    }

    /// The system said how many calls it takes in how long.
    pub fn window(&self, calls: u64, per: Duration) {
        let seconds = per.as_secs_f64();
        if calls < 10 || !(1.0..=600.0).contains(&seconds) {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a limit is a small number")]
        let calls = calls as f64;
        // 94 % as the steady rate; the rest is what may be called at once.
        let ceiling = calls / seconds * 0.94;
        self.lock().general.set_ceiling(ceiling, (calls * 0.06).max(1.0));
    }

    pub fn daily(&self, used: u64, of: u64) {
        self.lock().daily = Some((used, of));
    }

    pub fn snapshot(&self) -> BudgetSnapshot {
        let mut state = self.lock();
        let now = Instant::now();
        let waiting = state.general.waiting() + state.search.waiting();
        let blocked = state.general.blocked_until.map(|until| until.saturating_duration_since(now));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are small and positive")]
        let rate_milli = if state.unlimited { u64::MAX } else { (state.general.rate * 1000.0) as u64 };
        BudgetSnapshot { rate_milli, daily: state.daily, waiting, blocked: blocked.filter(|left| !left.is_zero()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave the numbers half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn bucket(&mut self, lane: Lane) -> &mut Bucket {
        match lane {
            Lane::General => &mut self.general,
            Lane::Search => &mut self.search,
        }
    }
}

impl Bucket {
    fn new(pace: Pace, now: Instant) -> Self {
        Self {
            pace,
            rate: pace.start,
            tokens: pace.burst,
            filled: now,
            blocked_until: None,
            halved: None,
            strict: Default::default(),
            shared: Default::default(),
        }
    }

    fn enqueue(&mut self, priority: Priority, waiter: oneshot::Sender<()>) {
        if let Some(at) = STRICT.iter().position(|strict| *strict == priority) {
            self.strict[at].push_back(waiter);
            return;
        }
        let busy = self.shared.iter().filter(|class| !class.queue.is_empty()).map(|class| class.pass);
        let level = busy.fold(f64::INFINITY, f64::min);
        if let Some(at) = SHARED.iter().position(|(shared, _)| *shared == priority) {
            let class = &mut self.shared[at];
            // Having been idle is no claim on the future.
            if class.queue.is_empty() && level.is_finite() {
                class.pass = class.pass.max(level);
            }
            class.queue.push_back(waiter);
        }
    }

    fn grant(&mut self, now: Instant, unlimited: bool) {
        self.refill(now);
        if self.blocked_until.is_some_and(|until| until > now) {
            return;
        }
        self.blocked_until = None;
        while (unlimited || self.tokens >= 1.0) && self.grant_one() {
            if !unlimited {
                self.tokens -= 1.0;
            }
        }
    }

    /// Wakes the next waiter that still waits; false when there is none.
    fn grant_one(&mut self) -> bool {
        for queue in &mut self.strict {
            while let Some(waiter) = queue.pop_front() {
                if waiter.send(()).is_ok() {
                    return true;
                }
            }
        }
        while let Some(at) = self.next_class() {
            let class = &mut self.shared[at];
            if let Some(waiter) = class.queue.pop_front()
                && waiter.send(()).is_ok()
            {
                class.pass += 1.0 / SHARED[at].1;
                return true;
            }
        }
        false
    }

    fn next_class(&self) -> Option<usize> {
        let busy = self.shared.iter().enumerate().filter(|(_, class)| !class.queue.is_empty());
        busy.min_by(|a, b| a.1.pass.total_cmp(&b.1.pass)).map(|(at, _)| at)
    }

    fn refill(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + gained).min(self.pace.burst.max(1.0));
        // After a pause was asked for, this lies in the future: what was not sent meanwhile is not made up for.
        self.filled = self.filled.max(now);
    }

    /// When it makes sense to look again.
    fn next_chance(&mut self, now: Instant, unlimited: bool) -> Instant {
        self.refill(now);
        let blocked = self.blocked_until.unwrap_or(now).max(now);
        if unlimited {
            return blocked;
        }
        let missing = (1.0 - self.tokens).max(0.0) / self.rate.max(FLOOR);
        // A millisecond more, so that rounding does not wake us just too early.
        blocked.max(self.filled + Duration::from_secs_f64(missing) + Duration::from_millis(1))
    }

    fn throttled(&mut self, now: Instant, wait: Duration, unlimited: bool) {
        let until = now + wait;
        self.blocked_until = Some(self.blocked_until.map_or(until, |earlier| earlier.max(until)));
        self.refill(now);
        self.tokens = 0.0;
        // Nothing grows while nothing may be sent.
        self.filled = until;
        let same_event = self.halved.is_some_and(|halved| now.saturating_duration_since(halved) < ONE_EVENT);
        if !same_event && !unlimited {
            self.rate = (self.rate / 2.0).max(FLOOR);
            self.halved = Some(now);
        }
    }

    fn answered(&mut self) {
        self.rate = (self.rate + self.pace.ceiling / RECOVERY_ANSWERS).min(self.pace.ceiling);
    }

    fn set_ceiling(&mut self, ceiling: f64, burst: f64) {
        self.pace.ceiling = ceiling;
        self.pace.burst = burst;
        self.rate = self.rate.min(ceiling);
    }

    fn waiting(&mut self) -> u64 {
        let queues = self.strict.iter_mut().chain(self.shared.iter_mut().map(|class| &mut class.queue));
        queues
            .map(|queue| {
                queue.retain(|waiter| !waiter.is_closed());
                queue.len() as u64
            })
            .sum()
    }
}

/// Waits for that moment; forever where there is none.
async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
