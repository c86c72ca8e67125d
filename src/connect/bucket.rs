//! One lane of a connection: its tokens, its rate, and who waits. Knows no clock but the moment it is given.
//!
//! Strict for a person and for recovery; below, three groups share by weight and the last one is shared again by its two
//! members. Settled reads and bulk together never get less than a tenth, and while writes wait a seventh at most.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::budget::Pace;
use crate::engine::core::request::Priority;

const FLOOR: f64 = 0.5;
/// Answers it takes to grow from nothing to the ceiling.
const RECOVERY_ANSWERS: f64 = 200.0;
/// One burst of refusals is one event, however many calls were under way.
pub(super) const ONE_EVENT: Duration = Duration::from_secs(1);

/// Strictly before everything else, in this order.
const STRICT: [Priority; 2] = [Priority::Interactive, Priority::Recovery];

/// A priority that shares, the group it shares in, and its weight there.
const SHARED: [(Priority, usize, f64); 4] = [
    (Priority::Pull, 0, 1.0),
    (Priority::Write, 1, 1.0),
    (Priority::Settled, BACKGROUND, 2.0),
    (Priority::Bulk, BACKGROUND, 1.0),
];
const BACKGROUND: usize = 2;
/// The weights of the groups: writes get four times what pulls get, and the background two of seventeen at least.
const GROUPS: [f64; 3] = [3.0, 12.0, 2.0];

/// Which priorities may have turns now.
pub(super) type Allowed<'a> = &'a dyn Fn(Priority) -> bool;

#[derive(Debug)]
pub(super) struct Bucket {
    pace: Pace,
    pub rate: f64,
    tokens: f64,
    filled: Instant,
    pub blocked_until: Option<Instant>,
    halved: Option<Instant>,
    strict: [VecDeque<oneshot::Sender<()>>; 2],
    shared: [Class; 4],
    /// How much each group has had, in units of its weight.
    groups: [f64; 3],
}

/// One priority that shares by weight. `pass` is how much it has had, in units of its weight.
#[derive(Debug, Default)]
struct Class {
    queue: VecDeque<oneshot::Sender<()>>,
    pass: f64,
}

impl Bucket {
    pub fn new(pace: Pace, now: Instant) -> Self {
        Self {
            pace,
            rate: pace.start,
            tokens: pace.burst,
            filled: now,
            blocked_until: None,
            halved: None,
            strict: Default::default(),
            shared: Default::default(),
            groups: [0.0; 3],
        }
    }

    pub fn enqueue(&mut self, priority: Priority, waiter: oneshot::Sender<()>) {
        if let Some(at) = STRICT.iter().position(|strict| *strict == priority) {
            self.strict[at].push_back(waiter);
        } else if let Some(at) = SHARED.iter().position(|(shared, ..)| *shared == priority) {
            self.forgive(at);
            self.shared[at].queue.push_back(waiter);
        }
    }

    /// Having been idle is no claim on the future: whoever comes back begins where the busy ones are.
    fn forgive(&mut self, at: usize) {
        let busy = |class: usize| !self.shared[class].queue.is_empty();
        if busy(at) {
            return;
        }
        let group = SHARED[at].1;
        let mates = (0..SHARED.len()).filter(|other| SHARED[*other].1 == group && busy(*other));
        let level = mates.map(|other| self.shared[other].pass).fold(f64::INFINITY, f64::min);
        let groups = (0..SHARED.len()).filter(|other| busy(*other)).map(|other| SHARED[other].1);
        let among = groups.map(|other| self.groups[other]).fold(f64::INFINITY, f64::min);
        if level.is_finite() {
            self.shared[at].pass = self.shared[at].pass.max(level);
        } else if among.is_finite() {
            self.groups[group] = self.groups[group].max(among);
        }
    }

    pub fn grant(&mut self, now: Instant, unlimited: bool, allowed: Allowed<'_>) {
        self.refill(now);
        if self.blocked_until.is_some_and(|until| until > now) {
            return;
        }
        self.blocked_until = None;
        while (unlimited || self.tokens >= 1.0) && self.grant_one(allowed) {
            if !unlimited {
                self.tokens -= 1.0;
            }
        }
    }

    /// Wakes the next waiter that still waits; false when there is none.
    fn grant_one(&mut self, allowed: Allowed<'_>) -> bool {
        for queue in &mut self.strict {
            while let Some(waiter) = queue.pop_front() {
                if waiter.send(()).is_ok() {
                    return true;
                }
            }
        }
        while let Some(at) = self.next_class(allowed) {
            if self.shared[at].queue.pop_front().is_some_and(|waiter| waiter.send(()).is_ok()) {
                let (_, group, weight) = SHARED[at];
                self.shared[at].pass += 1.0 / weight;
                self.groups[group] += 1.0 / GROUPS[group];
                return true;
            }
        }
        false
    }

    fn next_class(&self, allowed: Allowed<'_>) -> Option<usize> {
        let busy = (0..SHARED.len()).filter(|at| !self.shared[*at].queue.is_empty() && allowed(SHARED[*at].0));
        busy.min_by(|a, b| {
            let (group_a, group_b) = (SHARED[*a].1, SHARED[*b].1);
            let groups = self.groups[group_a].total_cmp(&self.groups[group_b]).then(group_a.cmp(&group_b));
            groups.then(self.shared[*a].pass.total_cmp(&self.shared[*b].pass))
        })
    }

    /// Lets one call of `priority` through out of turn: it asks whether the day has turned.
    pub fn grant_probe(&mut self, now: Instant, priority: Priority) -> bool {
        self.refill(now);
        if self.blocked_until.is_some_and(|until| until > now) {
            return false;
        }
        let Some(at) = SHARED.iter().position(|(shared, ..)| *shared == priority) else { return false };
        while let Some(waiter) = self.shared[at].queue.pop_front() {
            if waiter.send(()).is_ok() {
                self.tokens -= 1.0;
                return true;
            }
        }
        false
    }

    fn refill(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + gained).min(self.pace.burst.max(1.0));
        // After a pause was asked for, this lies in the future: what was not sent meanwhile is not made up for.
        self.filled = self.filled.max(now);
    }

    /// When it makes sense to look again.
    pub fn next_chance(&mut self, now: Instant, unlimited: bool) -> Instant {
        self.refill(now);
        let blocked = self.blocked_until.unwrap_or(now).max(now);
        if unlimited {
            return blocked;
        }
        let missing = (1.0 - self.tokens).max(0.0) / self.rate.max(FLOOR);
        // A millisecond more, so that rounding does not wake us just too early.
        blocked.max(self.filled + Duration::from_secs_f64(missing) + Duration::from_millis(1))
    }

    pub fn throttled(&mut self, now: Instant, wait: Duration, unlimited: bool) {
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

    pub fn answered(&mut self) {
        self.rate = (self.rate + self.pace.ceiling / RECOVERY_ANSWERS).min(self.pace.ceiling);
    }

    /// The system says that so many calls are left of the present window, ours and those of other apps together.
    pub fn only(&mut self, now: Instant, left: u64) {
        self.refill(now);
        #[expect(clippy::cast_precision_loss, reason = "a limit is a small number")]
        let left = left as f64;
        self.tokens = self.tokens.min(left);
        if left < 1.0 {
            let until = now + ONE_EVENT;
            self.blocked_until = Some(self.blocked_until.map_or(until, |earlier| earlier.max(until)));
        }
    }

    pub fn set_ceiling(&mut self, ceiling: f64, burst: f64) {
        self.pace.ceiling = ceiling;
        self.pace.burst = burst;
        self.rate = self.rate.min(ceiling);
    }

    pub fn waiting(&mut self) -> u64 {
        let queues = self.strict.iter_mut().chain(self.shared.iter_mut().map(|class| &mut class.queue));
        queues
            .map(|queue| {
                queue.retain(|waiter| !waiter.is_closed());
                queue.len() as u64
            })
            .sum()
    }
}
