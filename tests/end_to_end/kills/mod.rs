//! The real binary, killed again and again while people edit both systems. Whatever moment it is: nothing is lost,
//! nothing is invented, nothing is there twice, and the next start goes on by itself. Every world has companies, contacts
//! and deals; every other one notes, tasks, calls and meetings with them, the others products and line items.
//!
//! `LOCKSTEP_KILLS` says how many kills (default 24), `LOCKSTEP_KILL_SEED` where to begin. A failure names its seed;
//! the people and the points of a seed are always the same, the milliseconds of the machine are not.

mod approved;
mod kinds;
mod people;
mod verdict;
mod world;

use std::collections::BTreeMap;
use std::fmt;

use super::deals::Customer;
use super::*;
use world::World;

/// Kills of one world: enough for a kill during the recovery of the one before.
const KILLS_PER_WORLD: usize = 8;
/// Worlds at a time: most of their time they wait.
const AT_ONCE: usize = 3;

/// What the binary was doing when it was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Point {
    /// Whatever it was, so many milliseconds after its start.
    Moment,
    /// A request was read by the system and nothing of it done yet; it lands after the kill.
    BeforeLanding(Target),
    /// A request had taken effect and was not answered.
    Unanswered(Target),
    /// The answer to a write had just been sent.
    Answered,
}

/// Which request is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Create(System),
    /// Of a new record that HubSpot gives no unique key: of a product, a line item or an activity.
    CreateWithoutKey,
    Update(System),
    /// A read or a search, of a page, a pass or a look-up.
    Read(System),
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moment => f.write_str("at any moment"),
            Self::BeforeLanding(target) => write!(f, "before {target} landed"),
            Self::Unanswered(target) => write!(f, "{target} landed, not answered"),
            Self::Answered => f.write_str("just after a write was answered"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(system) => write!(f, "a create in {system}"),
            Self::CreateWithoutKey => f.write_str("a create in HubSpot without a unique key"),
            Self::Update(system) => write!(f, "an update in {system}"),
            Self::Read(system) => write!(f, "a read of {system}"),
        }
    }
}

/// What a world saw.
#[derive(Debug, Default)]
struct Seen {
    kills: BTreeMap<Point, usize>,
    /// Values of people that a write replaced which did not know them yet: made between read and write.
    blind: usize,
    /// Values that lost a conflict and are kept in the history.
    losers: usize,
}

impl Seen {
    fn kills(&self) -> usize {
        self.kills.values().sum()
    }
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name)
        .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_nothing_is_lost_invented_or_doubled() {
    let (wanted, first) = (number("LOCKSTEP_KILLS", 24), number("LOCKSTEP_KILL_SEED", 0));
    let mut total = Seen::default();
    let (mut seeds, mut at_work) = (first.., tokio::task::JoinSet::new());
    loop {
        // A world whose runs were over before their points has fewer kills than others: one more makes up for it.
        while at_work.len() < AT_ONCE
            && total.kills() + at_work.len() * KILLS_PER_WORLD < wanted
            && let Some(seed) = seeds.next()
        {
            at_work.spawn(async move { (seed, World::run(seed as u64, KILLS_PER_WORLD).await) });
        }
        let Some(done) = at_work.join_next().await else { break };
        let (seed, outcome) = done.unwrap();
        let seen = outcome.unwrap_or_else(|wrong| {
            panic!("seed {seed}:\n{}\nagain: LOCKSTEP_KILL_SEED={seed} LOCKSTEP_KILLS=8", wrong.join("\n"))
        });
        total.blind += seen.blind;
        total.losers += seen.losers;
        for (point, times) in seen.kills {
            *total.kills.entry(point).or_default() += times;
        }
    }
    for (point, times) in &total.kills {
        println!("{times:>6}  {point}");
    }
    let (kills, losers, blind) = (total.kills(), total.losers, total.blind);
    println!("{kills:>6}  kills; {losers} values lost a conflict and are kept, {blind} blind overwrites");
}
