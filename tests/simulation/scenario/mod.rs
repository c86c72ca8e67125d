//! What happens in one seed, as plain data: drawn from the seed, and cut down when it fails.

mod later;
mod tidying;

use lockstep::mapping::{Ceiling, Guards, Timing};
use lockstep::model::{BySystem, ObjectKind, System};
use serde::{Deserialize, Serialize};

use crate::clocks::Clocks;
use crate::faults::{Fault, Faults};
use crate::fields::{COMPANY_COUNT, CONTACTS, COUNT, DEALS, PRODUCTS, SPECS, Shape, TICKETS, complete, place_of};
use crate::hints::Hints;
use crate::random::{Random, mix};
use crate::tape;

/// Everything that is decided before the engine starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub seed: u64,
    /// Bit n: the mapping has field n.
    #[serde(with = "tape::fields")]
    pub fields: u64,
    pub clockwork: Clockwork,
    pub guards: Guards,
    /// Polls during which users act and faults strike.
    pub rounds: u32,
    pub setup: Vec<Newborn>,
    pub ops: Vec<Op>,
    pub faults: Faults,
    pub crashes: Vec<Crash>,
    #[serde(default)]
    pub clocks: Clocks,
    #[serde(default)]
    pub hints: Hints,
    pub server: Temper,
}

/// The engine's clockwork, in seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clockwork {
    pub poll: u64,
    pub index_lag: u64,
    pub settled: u64,
    pub sweep: u64,
    pub flight: u64,
}

impl Clockwork {
    pub const fn timing(&self) -> Timing {
        Timing {
            poll: self.poll,
            index_lag: self.index_lag,
            settled: self.settled,
            sweep: self.sweep,
            flight: self.flight,
        }
    }
}

/// How the two servers behave in this seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Temper {
    /// Clocks ahead of (or behind) the engine's, in milliseconds.
    pub skew: BySystem<i64>,
    /// Rows on a page, whatever is asked for.
    pub page: usize,
    /// HubSpot: an archived record still owns its unique value.
    pub archived_keeps_key: bool,
    /// HubSpot: the search index trails.
    pub lag: bool,
    /// HubSpot: by so many milliseconds always, instead of by chance.
    pub steady_lag: Option<i64>,
    /// One bad item fails the whole batch.
    pub all_or_nothing: bool,
    /// ConnectWise: numbers are kept without what is behind the point.
    pub whole_numbers: bool,
    /// ConnectWise: a change shows with the time at which it began, at most so many milliseconds before it shows.
    #[serde(default)]
    pub belated: i64,
    /// While nobody knows what became of an update, somebody edits what it is to write one way.
    #[serde(default)]
    pub meddles: bool,
    /// Each gives a company that the engine makes there a text of its own, in a field that goes one way from it.
    #[serde(default)]
    pub fills: bool,
    /// Milliseconds a call takes, at most.
    pub slowness: i64,
    pub merges: Merges,
}

/// What becomes of records that people merge; much of it no documentation tells.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merges {
    /// HubSpot: both records give way to a new one. Deals do so always.
    pub make_new: bool,
    /// HubSpot: whose unique key the survivor carries.
    pub key: MergedKey,
    /// The children that move along show no new time of modification.
    pub are_quiet: bool,
    /// ConnectWise: the company that was merged away is gone, not marked as deleted.
    pub purge: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MergedKey {
    OfSurvivor,
    OfOther,
    Neither,
}

/// A record made by a user. Each chosen field gets the value number `value * 32 + field`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newborn {
    pub object: ObjectKind,
    pub side: System,
    /// The match key, if it has one.
    pub key: Option<u32>,
    /// Which of the companies there it belongs to.
    pub parent: Option<u32>,
    #[serde(with = "tape::fields")]
    pub fields: u64,
    pub value: u32,
}

/// One act of a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Op {
    pub when: When,
    pub what: What,
}

/// The moment of an act.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum When {
    /// Milliseconds after the start.
    At(i64),
    /// Just before that request arrives at its server: in the middle of what the engine does.
    Arrival(u32),
}

/// `pick` names a record of a side by its place among those that qualify.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum What {
    Create(Newborn),
    Edit {
        side: System,
        pick: u32,
        #[serde(with = "tape::field")]
        field: usize,
        value: u32,
    },
    Clear {
        side: System,
        pick: u32,
        #[serde(with = "tape::field")]
        field: usize,
    },
    /// The other system will refuse this value until somebody edits it again.
    Poison {
        side: System,
        pick: u32,
        #[serde(with = "tape::field")]
        field: usize,
        value: u32,
    },
    Delete {
        side: System,
        pick: u32,
    },
    /// Deleted for good, without a trace in any feed.
    Purge {
        side: System,
        pick: u32,
    },
    Restore {
        side: System,
        pick: u32,
    },
    /// An activity of ConnectWise becomes one of another kind.
    Retype {
        pick: u32,
        to: ObjectKind,
    },
    /// One record of an object goes up in another.
    Merge {
        side: System,
        pick: u32,
        other: u32,
    },
    /// One ticket of ConnectWise goes up in another, or in the one that was made last.
    MergeTickets {
        pick: u32,
        other: u32,
        into_newest: bool,
    },
    /// A person ends a conflict.
    Decide {
        pick: u32,
        winner: System,
    },
    /// A person asks for one record to be looked at again.
    Retry {
        side: System,
        pick: u32,
    },
    /// A person takes one side's values over.
    Push {
        side: System,
        pick: u32,
    },
}

/// The engine dies before its `at`-th command and comes back after `down` milliseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    pub at: u32,
    pub down: i64,
    /// The disk goes with it: the engine comes back to an empty workspace.
    pub takes_the_store: bool,
}

impl Scenario {
    /// The scenario of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut workload = Random::stream(seed, 1);
        let mut faults = Random::stream(seed, 2);
        let mut schedule = Random::stream(seed, 3);
        let mut latency = Random::stream(seed, 4);
        let companies = u64::from(workload.next() as u32 & ((1 << COMPANY_COUNT) - 1));
        let contacts = low(mix(seed, 6)) & CONTACTS;
        let fields = complete(
            companies
                | if mix(seed, 7) % 5 < 3 { contacts } else { 0 }
                | if mix(seed, 8).is_multiple_of(4) { PRODUCTS } else { 0 }
                | if mix(seed, 9).is_multiple_of(5) { DEALS & !low(mix(seed, 11)) } else { 0 }
                | if mix(seed, 10).is_multiple_of(5) { TICKETS & !low(mix(seed, 12)) } else { 0 },
        );
        let clockwork = Clockwork {
            poll: [60, 90, 120][workload.below(3) as usize],
            index_lag: 660,
            settled: [120, 300][workload.below(2) as usize],
            sweep: [600, 900][workload.below(2) as usize],
            flight: 180,
        };
        let rounds = 6 + workload.below(21) as u32;
        let poll = clockwork.poll.cast_signed() * 1000;
        let mut users = Users { next: 1, fields };
        let mut setup = users.setup(&mut workload);
        let mut ops = users.acts(&mut workload, i64::from(rounds) * poll);
        let fields = later::add(seed, &mut users, &mut setup, &mut ops, i64::from(rounds) * poll);
        tidying::add(seed, &mut users, &mut ops, i64::from(rounds) * poll);
        Self {
            seed,
            fields,
            clockwork,
            guards: guards(seed),
            rounds,
            setup,
            ops,
            faults: Faults::draw(&mut faults),
            crashes: crashes(&mut schedule),
            clocks: Clocks::draw(seed, i64::from(rounds) * poll),
            hints: Hints::draw(seed),
            server: Temper {
                skew: BySystem::from_fn(|_| if latency.chance(500) { 0 } else { latency.between(-300_000, 300_000) }),
                page: 3,
                archived_keeps_key: latency.chance(500),
                lag: latency.chance(800),
                steady_lag: None,
                all_or_nothing: latency.chance(300),
                whole_numbers: mix(seed, 5).is_multiple_of(3),
                belated: [0, 0, 20_000, 90_000][(mix(seed, 23) % 4) as usize],
                meddles: mix(seed, 31).is_multiple_of(3),
                fills: mix(seed, 37).is_multiple_of(3),
                slowness: [50, 400, 3000][latency.below(3) as usize],
                merges: Merges {
                    make_new: mix(seed, 16).is_multiple_of(3),
                    key: [MergedKey::OfSurvivor, MergedKey::OfOther, MergedKey::Neither][(mix(seed, 17) % 3) as usize],
                    are_quiet: mix(seed, 18).is_multiple_of(3),
                    purge: mix(seed, 19).is_multiple_of(2),
                },
            },
        }
    }

    /// Milliseconds from the start to the end of all trouble.
    pub fn agitation(&self) -> i64 {
        i64::from(self.rounds) * self.clockwork.poll.cast_signed() * 1000
    }

    /// Every single fault as an item of its own, so that each can be left out.
    pub fn with_faults(&self, listed: Vec<(u32, Fault)>) -> Self {
        Self { faults: self.faults.listed(listed), ..self.clone() }
    }
}

/// The fields that were drawn first were drawn by so much.
const fn low(word: u64) -> u64 {
    word & 0xFFFF_FFFF
}

/// Makes users' acts, each with values that nobody wrote before.
struct Users {
    next: u32,
    fields: u64,
}

impl Users {
    fn value(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn newborn(&mut self, random: &mut Random, side: System) -> Newborn {
        let key = random.chance(700).then(|| random.below(4) as u32);
        let object = if self.fields & DEALS != 0 && random.chance(300) {
            ObjectKind::Deal
        } else if self.fields & TICKETS != 0 && random.chance(300) {
            ObjectKind::Ticket
        } else if self.fields & CONTACTS != 0 && random.chance(450) {
            ObjectKind::Contact
        } else if self.fields & PRODUCTS != 0 && random.chance(400) {
            ObjectKind::Product
        } else {
            ObjectKind::Company
        };
        let parent = random.chance(900).then(|| random.below(64) as u32);
        Newborn { object, side, key, parent, fields: low(random.next()) & self.fields, value: self.value() }
    }

    fn setup(&mut self, random: &mut Random) -> Vec<Newborn> {
        let mut all = Vec::new();
        let most = match self.fields {
            fields if fields & (DEALS | TICKETS) != 0 => 14,
            fields if fields & CONTACTS != 0 => 11,
            _ => 7,
        };
        while all.len() < most && random.chance(820) {
            let side = side(random);
            let one = self.newborn(random, side);
            if one.key.is_some() && random.chance(500) {
                let value = self.value();
                all.push(Newborn {
                    side: side.other(),
                    value,
                    fields: low(random.next()) & self.fields,
                    ..one.clone()
                });
            }
            all.push(one);
        }
        // what belongs to a company and to contacts comes after them
        all.sort_by_key(|one| matches!(one.object, ObjectKind::Deal | ObjectKind::Ticket));
        all
    }

    fn acts(&mut self, random: &mut Random, length: i64) -> Vec<Op> {
        let mut ops = Vec::new();
        while ops.len() < 24 && random.chance(920) {
            let when = if random.chance(450) {
                When::Arrival(random.below(120) as u32)
            } else {
                When::At(random.between(0, length - 1))
            };
            self.act(random, when, &mut ops);
        }
        ops
    }

    fn act(&mut self, random: &mut Random, when: When, ops: &mut Vec<Op>) {
        let side = side(random);
        let pick = random.below(64) as u32;
        let mut push = |what| ops.push(Op { when, what });
        match random.below(100) {
            0..48 => push(self.edit(random, side, pick)),
            48..60 => {
                // both sides, the same place: mostly the same pair
                let field = self.field(random);
                push(What::Edit { side, pick, field, value: self.value() });
                push(What::Edit { side: side.other(), pick, field, value: self.value() });
            }
            60..67 => push(What::Clear { side, pick, field: self.field(random) }),
            67..75 => push(What::Create(self.newborn(random, side))),
            75..79 => {
                let one = self.newborn(random, side);
                let key = Some(random.below(4) as u32);
                push(What::Create(Newborn { key, ..one.clone() }));
                push(What::Create(Newborn { side: side.other(), key, value: self.value(), ..one }));
            }
            79..81 => push(What::Merge { side, pick, other: self.value() }),
            81..84 => push(What::Delete { side, pick }),
            84..88 => push(What::Restore { side, pick }),
            88..89 => push(What::Purge { side, pick }),
            89..92 => push(What::Poison { side, pick, field: self.field(random), value: self.value() }),
            92..95 => push(What::Decide { pick, winner: side }),
            95..97 => push(What::Retry { side, pick }),
            _ => push(What::Push { side, pick }),
        }
    }

    fn edit(&mut self, random: &mut Random, side: System, pick: u32) -> What {
        What::Edit { side, pick, field: self.field(random), value: self.value() }
    }

    /// One of the fields in play, seldom the key.
    fn field(&self, random: &mut Random) -> usize {
        let chosen: Vec<usize> = (0..COUNT).filter(|at| self.fields & (1 << at) != 0).collect();
        let at = chosen[random.below(chosen.len() as u64) as usize];
        let name = place_of(SPECS[at].object, Shape::Name).unwrap_or(0);
        if matches!(SPECS[at].shape, Shape::Key | Shape::Title) && !random.chance(300) { name } else { at }
    }
}

/// In one seed of four the limits are so low that they are met.
fn guards(seed: u64) -> Guards {
    if !mix(seed, 13).is_multiple_of(4) {
        return Guards::default();
    }
    let mut random = Random::stream(seed, 14);
    let mut ceiling = |most: u64| Ceiling { count: random.below(most), percent: 0 };
    Guards {
        creates: ceiling(5),
        updates: ceiling(6),
        clears: ceiling(2),
        references: ceiling(3),
        // values of the worlds are told apart by being different
        same_value: Guards::default().same_value,
        vanished: ceiling(3).count,
    }
}

fn side(random: &mut Random) -> System {
    System::BOTH[random.below(2) as usize]
}

/// Up to four crashes, often one right after another: a crash while recovering.
fn crashes(random: &mut Random) -> Vec<Crash> {
    let mut all = Vec::new();
    while all.len() < 4 && random.chance(550) {
        let at = random.below(420) as u32;
        all.push(Crash { at, down: random.between(0, 90_000), takes_the_store: false });
        if random.chance(400) {
            all.push(Crash {
                at: at + 1 + random.below(14) as u32,
                down: random.between(0, 20_000),
                takes_the_store: false,
            });
        }
    }
    all.sort_by_key(|crash| crash.at);
    all
}
