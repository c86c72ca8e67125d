//! What goes wrong between the engine and a server, drawn for each request from its number alone.

use lockstep::engine::core::request::RequestBody;

use serde::{Deserialize, Serialize};

use crate::random::{Random, mix};

/// One way for a request to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// Not a byte leaves.
    NotSent,
    /// It never arrives; nobody says so.
    Dropped,
    /// It takes effect; the answer is lost.
    AnswerLost,
    /// The client gives up; it takes effect later, within the flight time.
    Late,
    Throttled,
    Denied,
    /// A right is missing for just that; whoever asks who it is has all of them.
    Forbidden,
    /// 500, and nothing was done.
    ErrorBefore,
    /// 500, though it was done, or a part of it.
    ErrorAfter,
    /// Some items of the answer are missing.
    ItemsMissing,
    /// Some items are reported as of unknown fate.
    ItemsUnknown,
    /// The items come in another order.
    Reordered,
    /// ConnectWise says yes and does nothing.
    FalseSuccess,
    /// The answer takes its time, and others overtake it.
    Slow,
    /// An answer to a read says nothing of some of the records; one of a page says that they cannot be read.
    Untold,
    /// Every change is refused as if the records were not there.
    Missing,
    /// A list shows no records at all.
    Emptied,
}

impl Fault {
    pub const ALL: [Self; 17] = [
        Self::NotSent,
        Self::Dropped,
        Self::AnswerLost,
        Self::Late,
        Self::Throttled,
        Self::Denied,
        Self::Forbidden,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::ItemsMissing,
        Self::ItemsUnknown,
        Self::Reordered,
        Self::FalseSuccess,
        Self::Slow,
        Self::Untold,
        Self::Missing,
        Self::Emptied,
    ];

    /// Whether a request of that kind can meet it.
    pub const fn can_strike(self, kind: Kind) -> bool {
        match self {
            Self::Late
            | Self::ErrorAfter
            | Self::ItemsMissing
            | Self::ItemsUnknown
            | Self::Reordered
            | Self::FalseSuccess
            | Self::Missing => matches!(kind, Kind::Write),
            Self::Emptied => matches!(kind, Kind::List),
            _ => true,
        }
    }
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Write,
    /// All records of an object, page by page.
    List,
    Other,
}

impl Kind {
    pub const fn of(body: &RequestBody) -> Self {
        match body {
            RequestBody::Create { .. } | RequestBody::Update { .. } => Self::Write,
            RequestBody::List { archived: false, .. } => Self::List,
            _ => Self::Other,
        }
    }
}

/// The faults of a seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Faults {
    seed: u64,
    how: How,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum How {
    /// Of a thousand requests, so many meet each fault; writes three times as many.
    Drawn([u16; Fault::ALL.len()]),
    /// Exactly these requests do.
    Listed(Vec<(u32, Fault)>),
}

impl Faults {
    /// A swarm: some kinds are chosen, then weighted; one seed in five has none at all.
    pub fn draw(random: &mut Random) -> Self {
        let mut weights = [0; Fault::ALL.len()];
        if !random.chance(200) {
            let presence = 150 + random.below(600);
            for weight in &mut weights {
                if random.chance(presence) {
                    *weight = [4, 12, 40, 90][random.below(4) as usize];
                }
            }
        }
        Self { seed: random.next(), how: How::Drawn(weights) }
    }

    /// The same entropy, but only these faults.
    pub fn listed(&self, listed: Vec<(u32, Fault)>) -> Self {
        Self { seed: self.seed, how: How::Listed(listed) }
    }

    /// The listed faults, if every one is listed.
    pub fn list(&self) -> Option<&[(u32, Fault)]> {
        match &self.how {
            How::Drawn(_) => None,
            How::Listed(listed) => Some(listed),
        }
    }

    /// What happens to the request of that number, with a word of randomness for the details.
    pub fn of(&self, number: u32, kind: Kind) -> (Option<Fault>, u64) {
        let entropy = mix(self.seed, u64::from(number));
        (self.fault(number, kind, entropy), mix(entropy, 7))
    }

    fn fault(&self, number: u32, kind: Kind, entropy: u64) -> Option<Fault> {
        match &self.how {
            How::Listed(listed) => listed.iter().find(|(at, _)| *at == number).map(|(_, fault)| *fault),
            How::Drawn(weights) => {
                let mut left = entropy % 1000;
                let share = if kind == Kind::Write { 3 } else { 1 };
                for (fault, weight) in Fault::ALL.into_iter().zip(weights) {
                    if !fault.can_strike(kind) {
                        continue;
                    }
                    let weight = u64::from(*weight) * share / 2;
                    if left < weight {
                        return Some(fault);
                    }
                    left -= weight;
                }
                None
            }
        }
    }
}
