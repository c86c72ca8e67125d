//! What a seed reached.

use lockstep::engine::core::state::{LinkState, RecordState};
use lockstep::model::System;

use crate::server::Change;
use crate::simulation::{Simulation, direction};
use crate::watch::Subject;

/// What this seed reached.
pub fn count(sim: &mut Simulation<'_>) {
    let mut counters = std::mem::take(&mut sim.outcome.counters);
    for (fault, object, system) in &sim.struck {
        counters.saw_fault(*fault, *object, *system);
    }
    for step in &sim.scenario.clocks.steps {
        if let Some(system) = step.whose {
            counters.saw(format!("the clock of {system} set {}", direction(step.by)));
        }
    }
    for intent in sim.store.intents.values() {
        let repeated = if intent.attempt > 1 { ", repeated" } else { "" };
        counters.saw(format!("journal: {:?} in {} {:?}{repeated}", intent.kind, intent.system, intent.state));
    }
    for shot in sim.watch.shots.iter().flat_map(|(subject, shots)| shots.iter().map(move |shot| (subject, shot))) {
        if !shot.1.settled {
            let what = match shot.0 {
                Subject::Target(system, _) => format!("recovery: update in {system} of unknown fate"),
                Subject::CopyOf(system, _) => format!("recovery: create in {system} of unknown fate"),
            };
            let state = sim.store.intents.get(&shot.1.intent).map(|intent| intent.state);
            counters.saw(format!("{what}, in the end {state:?}"));
        }
    }
    for issue in sim.store.issues.values() {
        counters.saw(format!("issue: {}", issue.class));
    }
    for link in sim.store.links.values() {
        counters.saw(format!("link: {} {:?} {:?}", link.object, link.state, origin(&link.origin)));
    }
    for status in sim.store.statuses.values() {
        counters.saw(format!("status: {}", status.state));
    }
    for link in sim.store.links.values().filter(|link| link.state == LinkState::Active) {
        for system in System::BOTH {
            match sim.servers[system].records.get(&link.id_in(system)) {
                None => counters.saw(format!("a record of {system} wiped out, and its link still active")),
                Some(entry) if entry.archived || entry.object != link.object => {
                    counters.saw(format!("a deletion in {system} not noticed"))
                }
                Some(_) => {}
            }
        }
    }
    if sim.store.statuses.values().any(|status| status.state == RecordState::Pending) {
        counters.saw("a record still pending at the end");
    }
    if counters.crashes > 0 {
        counters.saw("crash");
    }
    if counters.crashes > 1 {
        counters.saw("crash, more than one");
    }
    if counters.late_landings > 0 {
        counters.saw("late landing");
    }
    if !sim.watch.blind.is_empty() {
        counters.saw("overwritten unseen");
    }
    if sim.ledger.iter().any(|mutation| mutation.what == Change::Restored) {
        counters.saw("restore");
    }
    for system in System::BOTH {
        for loser in sim.servers[system].merged.keys() {
            counters.saw(format!("merge in {system}"));
            counters.saw(format!("merge of a {} in {system}", sim.servers[system].named(*loser).object));
        }
    }
    sim.outcome.counters = counters;
    sim.count_work();
}

fn origin(origin: &lockstep::engine::core::state::LinkOrigin) -> &'static str {
    use lockstep::engine::core::state::LinkOrigin;
    match origin {
        LinkOrigin::Created(System::HubSpot) => "created in HubSpot",
        LinkOrigin::Created(System::ConnectWise) => "created in ConnectWise",
        LinkOrigin::Stamp => "found by stamp",
        LinkOrigin::Match(_) => "matched",
        LinkOrigin::Person => "by a person",
    }
}
