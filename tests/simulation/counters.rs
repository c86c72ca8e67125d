//! How often each rare situation was reached: a proof that never met its cases proves nothing.

use std::collections::BTreeMap;
use std::fmt;

use lockstep::engine::core::state::IssueClass;
use lockstep::model::{ObjectKind, System};

use crate::faults::{Fault, Kind};
use crate::fields::{ACTIVITIES, OBJECTS, is_one_way};
use crate::holds::ENDED_BY_ANOTHER;
use crate::merging::{KEY_OF_THE_OTHER, LINK_OF_A_TICKET, can_be_merged};

/// What one seed saw; added up over all of them.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    pub crashes: u32,
    pub late_landings: u32,
    pub moves: u32,
    pub guard_held: u32,
    pub blind: u32,
    pub writes: u64,
    pub steps: u64,
    pub requests: u64,
    /// Things that a seed saw at least once.
    pub seen: BTreeMap<String, u32>,
}

impl Counters {
    /// Notes that this seed saw it.
    pub fn saw(&mut self, what: impl Into<String>) {
        self.seen.insert(what.into(), 1);
    }

    /// Notes that a fault struck a request about an object of a system.
    pub fn saw_fault(&mut self, fault: Fault, object: ObjectKind, system: System) {
        self.saw(format!("fault: {fault:?}"));
        self.saw(cell(fault, object, system));
    }

    /// What some of so many seeds must see, and none did.
    pub fn unreached(&self, seeds: u64) -> Vec<String> {
        let cells = if seeds < ENOUGH_FOR_CELLS { Vec::new() } else { cells() };
        expected().into_iter().chain(cells).filter(|what| !self.seen.contains_key(what)).collect()
    }

    pub fn add(&mut self, other: &Self) {
        self.crashes += other.crashes;
        self.late_landings += other.late_landings;
        self.moves += other.moves;
        self.guard_held += other.guard_held;
        self.blind += other.blind;
        self.writes += other.writes;
        self.steps += other.steps;
        self.requests += other.requests;
        for (what, seeds) in &other.seen {
            *self.seen.entry(what.clone()).or_default() += seeds;
        }
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} engine writes, {} of them over a user's newest value; {} requests, {} steps, {} crashes, {} late landings",
            self.writes, self.blind, self.requests, self.steps, self.crashes, self.late_landings
        )?;
        writeln!(f, "seeds that saw:")?;
        for (what, seeds) in &self.seen {
            writeln!(f, "  {seeds:>8}  {what}")?;
        }
        Ok(())
    }
}

/// So many seeds meet every fault with every object on either side.
const ENOUGH_FOR_CELLS: u64 = 20_000;

fn cell(fault: Fault, object: ObjectKind, system: System) -> String {
    format!("fault: {fault:?} with a {object} of {system}")
}

/// What is rare, and every fault with every object on either side, where it can be met.
fn cells() -> Vec<String> {
    let mut all = vec![format!("link: {} Active \"matched\"", ObjectKind::Note)];
    for system in System::BOTH {
        for kind in ["create", "update"] {
            all.push(format!("recovery: {kind} in {system} of unknown fate, in the end Some(Abandoned)"));
        }
    }
    for fault in Fault::ALL {
        for object in OBJECTS {
            for system in System::BOTH {
                if why_never(fault, object, system).is_none() {
                    all.push(cell(fault, object, system));
                }
            }
        }
    }
    all
}

/// Why no world can meet that fault with that object on that side; none where some must.
fn why_never(fault: Fault, object: ObjectKind, system: System) -> Option<&'static str> {
    let strikes_writes_alone = !fault.can_strike(Kind::Other) && !fault.can_strike(Kind::List);
    match (fault, object, system) {
        (Fault::FalseSuccess, _, System::HubSpot) => Some("HubSpot does what it says"),
        (_, ObjectKind::Product | ObjectKind::LineItem, System::ConnectWise) if strikes_writes_alone => {
            Some("products and line items go one way: none is ever written to ConnectWise")
        }
        _ => None,
    }
}

/// Every fault, every row of the recovery, every kind of hold, of guard and of end that the worlds can bring about.
fn expected() -> Vec<String> {
    let mut all: Vec<String> = Fault::ALL.iter().map(|fault| format!("fault: {fault:?}")).collect();
    for system in System::BOTH {
        for kind in ["Create", "Update"] {
            for end in ["Applied", "NotApplied", "Rejected", "Abandoned"] {
                all.push(format!("journal: {kind} in {system} {end}"));
            }
            let kind = kind.to_lowercase();
            for end in ["Applied", "NotApplied"] {
                all.push(format!("recovery: {kind} in {system} of unknown fate, in the end Some({end})"));
            }
        }
        all.push(format!("journal: Create in {system} Applied, repeated"));
        all.push(format!("merge in {system}"));
        all.extend(
            OBJECTS
                .into_iter()
                .filter(|object| can_be_merged(system, *object))
                .map(|object| format!("merge of a {object} in {system}")),
        );
        all.extend(["back", "forward"].map(|way| format!("the clock of {system} set {way}")));
        for object in OBJECTS.into_iter().filter(|object| !is_one_way(*object) || system == System::HubSpot) {
            all.push(format!("link: {object} Active \"created in {system}\""));
        }
    }
    let often = OBJECTS.into_iter().filter(|object| *object != ObjectKind::Note);
    all.extend(often.map(|object| format!("link: {object} Active \"matched\"")));
    all.extend([ObjectKind::Company, ObjectKind::Contact].map(|object| format!("link: {object} Tomb \"matched\"")));
    all.extend(["a hint", "a hint that began a run"].map(str::to_owned));
    all.extend(ACTIVITIES.map(|object| format!("a {object} that waits")));
    let seen = [
        "a line item written",
        "a line_item that waits",
        "an activity that became another kind",
        "crash",
        "crash, more than one",
        "late landing",
        "overwritten unseen",
        "restore",
        KEY_OF_THE_OTHER,
        LINK_OF_A_TICKET,
        ENDED_BY_ANOTHER,
        "the engine's clock set back",
        "the engine's clock set forward",
        "the engine stood still",
        "guard: create",
        "guard: update",
        "guard: empty",
        "guard: move",
        "guard: an empty list",
        "guard: a plan was let through",
    ];
    all.extend(seen.map(str::to_owned));
    let holds = [
        IssueClass::Conflict,
        IssueClass::AmbiguousMatch,
        IssueClass::AmbiguousReference,
        IssueClass::SuspectedDuplicate,
        IssueClass::UnmappedValue,
        IssueClass::MissingRequired,
        IssueClass::Rejected,
        IssueClass::FalseSuccess,
        IssueClass::Merged,
        IssueClass::Transient,
    ];
    all.extend(holds.map(|class| format!("issue: {class}")));
    let states = ["conflict", "excluded", "failing", "gone", "held", "in sync", "waiting"];
    all.extend(states.map(|state| format!("status: {state}")));
    all
}
