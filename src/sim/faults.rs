//! Faults on demand: which requests go wrong, how, and how often.

use serde::{Deserialize, Serialize};

use super::Side;
use super::random::Random;
use super::wire::Request;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection breaks before anything happens.
    DropBefore,
    /// The request takes effect, then the connection breaks without an answer.
    DropAfterCommit,
    /// This answer instead of the effect. Without a body, one in the manner of the system.
    Status { code: u16, body: Option<String>, retry_after: Option<u32> },
    /// The request takes effect, then this answer is sent instead of the true one.
    StatusAfterCommit { code: u16, body: Option<String> },
    /// The request takes effect and is answered that much later, in real milliseconds.
    Delay { ms: u64 },
    /// The request waits that long (real milliseconds) and takes effect only then, whether or not the client still waits.
    LateLanding { ms: u64 },
    /// The request takes effect; the answer ends in the middle.
    Truncate,
}

/// A fault and when it strikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    pub fault: Fault,
    /// Only this system; none for both.
    #[serde(default)]
    pub side: Option<Side>,
    /// Only this HTTP method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only paths that contain this text.
    #[serde(default)]
    pub path: Option<String>,
    /// How many times at most; none for no end.
    #[serde(default)]
    pub count: Option<u32>,
    /// How many matching requests pass before the first fault.
    #[serde(default)]
    pub skip: u32,
    /// 0 to 1, for each matching request.
    #[serde(default = "always")]
    pub probability: f64,
}

const fn always() -> f64 {
    1.0
}

impl FaultRule {
    /// Strikes the next matching request of either system, once.
    #[must_use]
    pub const fn once(fault: Fault) -> Self {
        Self { fault, side: None, method: None, path: None, count: Some(1), skip: 0, probability: 1.0 }
    }

    #[must_use]
    pub const fn on(mut self, side: Side) -> Self {
        self.side = Some(side);
        self
    }

    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    #[must_use]
    pub const fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    #[must_use]
    pub const fn with_probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self.count = None;
        self
    }

    fn matches(&self, side: Side, request: &Request) -> bool {
        self.side.is_none_or(|s| s == side)
            && self.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(request.method.as_str()))
            && self.path.as_ref().is_none_or(|p| request.path.contains(p.as_str()))
    }
}

/// The rules in force, in order; the first that strikes decides.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<FaultRule>,
    struck: u64,
}

impl Faults {
    pub fn add(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    pub fn clear(&mut self) {
        self.rules.clear();
    }

    pub fn rules(&self) -> &[FaultRule] {
        &self.rules
    }

    pub const fn struck(&self) -> u64 {
        self.struck
    }

    pub fn strike(&mut self, side: Side, request: &Request, random: &mut Random) -> Option<Fault> {
        for index in 0..self.rules.len() {
            let Some(rule) = self.rules.get_mut(index) else { break };
            if !rule.matches(side, request) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.probability < 1.0 && !random.happens(rule.probability) {
                continue;
            }
            let fault = rule.fault.clone();
            if let Some(left) = &mut rule.count {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.rules.remove(index);
                }
            }
            self.struck += 1;
            return Some(fault);
        }
        None
    }
}
