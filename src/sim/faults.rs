//! Faults on demand: which requests go wrong, how, and how often. How a fault is played is in `perform.rs`.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Side;
use super::clock::MOST_SKEW_MS;
use super::control_behaviour::{at_least_one, known, share};
use super::random::Random;
use super::wire::Request;

/// What goes wrong. In JSON a kind without members is its name, `"drop_before"`; others are `{"delay": {"ms": 900}}`.
/// Times to wait are real ones, also when the simulators' clock stands still.
///
/// A pointer is a JSON pointer into the answer's body, such as `/results/0/id`; the part `*` stands for every item of an
/// array. One that leads nowhere changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The connection breaks before anything happens.
    DropBefore,
    /// The request takes effect, then the connection breaks without an answer.
    DropAfterCommit,
    /// This answer instead of the effect. Without a body, one in the manner of the system: JSON, or a page of HTML for 502.
    Status { code: u16, body: Option<String>, retry_after: Option<u32> },
    /// The request takes effect, then this answer is sent instead of the true one.
    StatusAfterCommit { code: u16, body: Option<String> },
    /// A 429 instead of the effect, with this `Retry-After` or with none.
    Limited { retry_after: Option<RetryAfter> },
    /// The credentials are refused as expired or revoked, with the system's own 401.
    Expired,
    /// A page of HTML with status 200, as a proxy or a login page sends it, instead of the answer.
    Html {
        /// Whether the request takes effect first.
        #[serde(default)]
        commits: bool,
    },
    /// The request takes effect and is answered that much later, in real milliseconds.
    Delay { ms: u64 },
    /// The request waits that long (real milliseconds) and takes effect only then, whether or not the client still waits.
    LateLanding { ms: u64 },
    /// The request takes effect; the answer comes so many bytes at a time, and never ends.
    Drip { bytes: usize, every_ms: u64 },
    /// The request takes effect; the connection is reset in the middle of the answer.
    Truncate,
    /// The request takes effect; the answer is half of the true one and complete as far as HTTP can tell.
    HalfBody,
    /// The request takes effect; the answer is the true one, followed by so many megabytes of blanks.
    Oversized { megabytes: u32 },
    /// The request takes effect; what the pointer leads to is replaced by `value`, or removed where there is no `value`.
    Mangle {
        pointer: String,
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        value: Option<Value>,
    },
    /// The request takes effect; a header of the answer is replaced by `value`, or removed where there is no `value`.
    /// `link`, `retry-after`, `date` and `location` can also be added; `date` cannot be removed.
    Header { name: String, value: Option<String> },
    /// The request takes effect; the items of the array at the pointer come in another order.
    Reorder { pointer: String },
    /// The request takes effect; one item of the array at the pointer is left out: the one at `index`, or the last.
    DropItem { pointer: String, index: Option<usize> },
    /// The system's clock jumps by so many milliseconds, back when negative, and stays there until the faults are cleared,
    /// never more than a year away; then the request is served.
    Skew { ms: i64 },
}

/// How long to wait after a 429, in one of the ways in which it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RetryAfter {
    Seconds(u32),
    /// A bare number like seconds, as HubSpot was seen to send it.
    Milliseconds(u32),
    /// An HTTP date so many seconds after the system's now.
    DateInSeconds(u32),
}

/// A member that is there is a value, null too.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// The methods that either system knows.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

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

    /// Whether the rule can strike, and does then what it says.
    pub(crate) fn check(&self) -> Result<(), String> {
        share("probability", self.probability)?;
        if let Some(count) = self.count {
            at_least_one("count", usize::try_from(count).unwrap_or(usize::MAX))?;
        }
        if let Some(method) = &self.method {
            known("method", &method.to_ascii_uppercase(), METHODS)?;
        }
        match &self.fault {
            Fault::Status { code, .. } | Fault::StatusAfterCommit { code, .. } if !(200..=599).contains(code) => {
                Err(format!("\"code\" must be from 200 to 599; it is {code}"))
            }
            Fault::Mangle { pointer, .. } | Fault::Reorder { pointer } | Fault::DropItem { pointer, .. }
                if !pointer.is_empty() && !pointer.starts_with('/') =>
            {
                let (slip, right) = (pointer, format!("/{pointer}"));
                Err(format!("\"pointer\" must be empty or begin with a slash, such as {right:?}; it is {slip:?}"))
            }
            Fault::Drip { bytes, .. } => at_least_one("bytes", *bytes),
            Fault::Skew { ms } if !(-MOST_SKEW_MS..=MOST_SKEW_MS).contains(ms) => {
                Err(format!("\"ms\" must be from -{MOST_SKEW_MS} to {MOST_SKEW_MS}, a year back or ahead; it is {ms}"))
            }
            _ => Ok(()),
        }
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
