//! The pace of one connection: who may call next, and when. Knows priorities and time, nothing of HTTP.
//!
//! A token bucket per lane whose rate halves when the system says "too many" and grows back with every answer; and one
//! allowance for the day, from which the less urgent work is taken first.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::bucket::{Bucket, ONE_EVENT};
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
    /// The most urgent work that waits for the next day because the day's allowance runs out; what is less urgent waits
    /// too.
    pub held_from: Option<Priority>,
}

/// A call whose turn did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Late {
    /// When another try makes sense.
    pub again: Duration,
    /// The day's allowance is what is short.
    pub spent: bool,
}

/// The pacing of one connection.
#[derive(Debug)]
pub(crate) struct Budget {
    state: Mutex<State>,
    /// The day's allowance changed: who waits looks again.
    turned: Notify,
}

#[derive(Debug)]
struct State {
    general: Bucket,
    search: Bucket,
    daily: Option<(u64, u64)>,
    /// When the next call may ask whether the day has turned.
    probe: Instant,
    /// When the day turns, where that is known: one call may ask at once then.
    turn: Option<Instant>,
    unlimited: bool,
    /// A system without limits refused a search: it has one for them, and the pace counts.
    paced_search: bool,
}

/// What is kept of a day's allowance: from this share on, in percent, work of that priority waits for the next day. A
/// person's calls and the look-ups after a crash keep the last part for themselves.
const DAY: [(Priority, u64); 4] =
    [(Priority::Bulk, 70), (Priority::Settled, 85), (Priority::Write, 95), (Priority::Pull, 95)];

/// While work waits for the next day, one call so often asks whether it has come: the time of its turn may not be known, and
/// an allowance may be raised at any hour.
const PROBE: Duration = Duration::from_secs(600);

impl Budget {
    pub fn new(general: Pace, search: Pace, unlimited: bool) -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                general: Bucket::new(general, now),
                search: Bucket::new(search, now),
                daily: None,
                probe: now,
                turn: None,
                unlimited,
                paced_search: false,
            }),
            turned: Notify::new(),
        }
    }

    /// Waits for the turn of one call, at most until `latest`. Dropping the future gives the turn up.
    ///
    /// # Errors
    /// The turn does not come by then: nothing may be sent. Told at once where it is certain from the beginning.
    pub async fn turn(&self, lane: Lane, priority: Priority, latest: Option<Instant>) -> Result<(), Late> {
        self.refuse_hopeless(lane, priority, latest)?;
        let is_late = || latest.is_some_and(|latest| latest < Instant::now());
        let mut granted = {
            let mut state = self.lock();
            let (sender, receiver) = oneshot::channel();
            state.bucket(lane).enqueue(priority, sender);
            state.grant(lane, Instant::now());
            receiver
        };
        loop {
            // Listened for before looking, so that no turn of the day falls in between.
            let turned = self.turned.notified();
            let next = self.lock().next_chance(lane, priority, Instant::now());
            tokio::select! {
                biased;
                // The sender lives in the bucket until the turn is granted.
                // A turn that comes at once may still come too late: what went before took its time.
                _ = &mut granted => return if is_late() { Err(self.late(lane, priority)) } else { Ok(()) },
                () = sleep_until(latest) => return Err(self.late(lane, priority)),
                () = tokio::time::sleep_until(next) => self.lock().grant(lane, Instant::now()),
                () = turned => self.lock().grant(lane, Instant::now()),
            }
        }
    }

    /// While the system wants quiet beyond `latest`, or the day's allowance is spent, there is nothing to wait for.
    fn refuse_hopeless(&self, lane: Lane, priority: Priority, latest: Option<Instant>) -> Result<(), Late> {
        let Some(latest) = latest else { return Ok(()) };
        let hopeless = {
            let mut state = self.lock();
            let blocked = state.bucket(lane).blocked_until.is_some_and(|until| until > latest);
            blocked || state.holds(priority) && state.next_probe() > latest
        };
        if hopeless { Err(self.late(lane, priority)) } else { Ok(()) }
    }

    fn late(&self, lane: Lane, priority: Priority) -> Late {
        let mut state = self.lock();
        let spent = state.holds(priority);
        let until = if spent { Some(state.next_probe()) } else { state.bucket(lane).blocked_until };
        let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        Late { again: left.max(ONE_EVENT), spent }
    }

    /// The system refused a call for coming too soon: no more of them before `wait` has passed.
    pub fn throttled(&self, lane: Lane, wait: Duration) {
        let mut state = self.lock();
        let unlimited = state.is_unlimited(lane);
        state.bucket(lane).throttled(Instant::now(), wait, unlimited);
        state.paced_search |= lane == Lane::Search;
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

    /// The system said how many calls are left of its present window, whoever made the others.
    pub fn only(&self, left: u64) {
        let mut state = self.lock();
        if !state.unlimited {
            state.general.only(Instant::now(), left);
        }
    }

    /// The system said how much of the day's allowance is used up, whoever used it.
    pub fn daily(&self, used: u64, of: u64) {
        let mut state = self.lock();
        let before = state.held_from();
        state.daily = Some((used, of));
        if state.held_from() != before {
            self.turned.notify_waiters();
        }
    }

    /// The day's allowance is given anew in `left`.
    pub fn day_ends(&self, left: Duration) {
        let mut state = self.lock();
        let now = Instant::now();
        if state.turn.is_some_and(|turn| turn <= now) {
            // Nobody has asked since: whoever comes first still may.
            state.probe = state.probe.min(now);
        }
        state.turn = Some(now + left);
        drop(state);
        self.turned.notify_waiters();
    }

    pub fn snapshot(&self) -> BudgetSnapshot {
        let mut state = self.lock();
        let now = Instant::now();
        let waiting = state.general.waiting() + state.search.waiting();
        let blocked = state.general.blocked_until.map(|until| until.saturating_duration_since(now));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are small and positive")]
        let rate_milli = if state.unlimited { u64::MAX } else { (state.general.rate * 1000.0) as u64 };
        let blocked = blocked.filter(|left| !left.is_zero());
        BudgetSnapshot { rate_milli, daily: state.daily, waiting, blocked, held_from: state.held_from() }
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

    const fn is_unlimited(&self, lane: Lane) -> bool {
        self.unlimited && !(self.paced_search && matches!(lane, Lane::Search))
    }

    /// Whether work of this priority waits for the next day.
    fn holds(&self, priority: Priority) -> bool {
        !self.unlimited && held(self.daily, priority)
    }

    fn held_from(&self) -> Option<Priority> {
        DAY.iter().map(|(priority, _)| *priority).filter(|priority| self.holds(*priority)).min()
    }

    fn grant(&mut self, lane: Lane, now: Instant) {
        let (daily, unlimited) = (self.daily, self.is_unlimited(lane));
        let all = self.unlimited;
        let allowed = |priority| all || !held(daily, priority);
        let bucket = self.bucket(lane);
        bucket.grant(now, unlimited, &allowed);
        if self.next_probe() <= now {
            let mut held = DAY.iter().rev().map(|(priority, _)| *priority).filter(|priority| !allowed(*priority));
            if held.any(|priority| self.bucket(lane).grant_probe(now, priority)) {
                self.probe = now + PROBE;
                self.turn = self.turn.filter(|turn| *turn > now);
            }
        }
    }

    fn next_probe(&self) -> Instant {
        self.turn.map_or(self.probe, |turn| self.probe.min(turn))
    }

    /// When it makes sense to look again.
    fn next_chance(&mut self, lane: Lane, priority: Priority, now: Instant) -> Instant {
        let (unlimited, probe, holds) = (self.is_unlimited(lane), self.next_probe(), self.holds(priority));
        let next = self.bucket(lane).next_chance(now, unlimited);
        if holds { next.max(probe) } else { next }
    }
}

fn held(daily: Option<(u64, u64)>, priority: Priority) -> bool {
    let (Some((used, of)), Some((_, share))) = (daily, DAY.iter().find(|(kept, _)| *kept == priority)) else {
        return false;
    };
    of > 0 && u128::from(used) * 100 >= u128::from(of) * u128::from(*share)
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
