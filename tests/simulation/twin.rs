//! The same seed without its crashes: where nobody is at work and nothing else goes wrong, both must end alike (I11).

use lockstep::model::{BySystem, RecordId, Schema, System};

use crate::fields::{SPECS, Spec};
use crate::scenario::Scenario;
use crate::server::ids;
use crate::simulation::{Outcome, Simulation, Trace, Violation};
use crate::suite::{play, play_prepared};

/// The name of the promise.
pub const INVARIANT: &str = "i11_crash_equivalence";

/// Plays a scenario as ever; one that rests but for its crashes is held against its twin too.
pub fn play_beside_twin(scenario: &Scenario, schemas: &[BySystem<Schema>], trace: Trace) -> Outcome {
    if scenario.crashes.is_empty() || !rests(scenario) {
        return play(scenario, schemas, trace);
    }
    let mut undisturbed = None;
    let without = Scenario { crashes: Vec::new(), ..scenario.clone() };
    play_prepared(&without, schemas, Trace::Off, |_| {}, |simulation| undisturbed = Some(visible(simulation)));
    held_against(scenario, undisturbed.as_deref(), schemas, trace)
}

/// Whether only the engine does anything, and nothing fails but the engine.
fn rests(scenario: &Scenario) -> bool {
    let clocks = &scenario.clocks;
    let all_goes_well = scenario.faults.list().is_some_and(<[_]>::is_empty);
    let keeps_the_store = scenario.crashes.iter().all(|crash| !crash.takes_the_store);
    scenario.ops.is_empty() && all_goes_well && clocks.steps.is_empty() && clocks.naps.is_empty() && keeps_the_store
}

/// Runs one scenario, and holds its end against the undisturbed one where that is given.
pub fn held_against(
    scenario: &Scenario,
    undisturbed: Option<&[String]>,
    schemas: &[BySystem<Schema>],
    trace: Trace,
) -> Outcome {
    let mut end = None;
    let mut outcome = play_prepared(scenario, schemas, trace, |_| {}, |simulation| end = Some(visible(simulation)));
    if let (Some(end), Some(undisturbed), true) = (end, undisturbed, outcome.violations.is_empty())
        && end != undisturbed
    {
        let only = |these: &[String], others: &[String]| {
            these.iter().filter(|one| !others.contains(one)).cloned().collect::<Vec<_>>().join("\n  ")
        };
        let text = format!(
            "another end than without a crash:\n  {}\ninstead of\n  {}",
            only(&end, undisturbed),
            only(undisturbed, &end)
        );
        outcome.violations.push(Violation { invariant: INVARIANT, text });
    }
    outcome
}

/// What people see in the end: the values of every living record, without ids and times.
pub fn visible(simulation: &Simulation<'_>) -> Vec<String> {
    let of = |system: System| {
        let living = simulation.servers[system].records.values().filter(|entry| !entry.archived);
        living.map(move |entry| {
            let specs = SPECS.iter().filter(|spec| spec.object == entry.object);
            let values = specs.map(|spec| match spec.parent() {
                Some(_) => referred_to(simulation, system, spec, &ids(entry.value(spec.name(system)))),
                None => spec.canon(system, entry.value(spec.name(system))),
            });
            format!("{system} {}: {}", entry.object, values.collect::<Vec<_>>().join("|"))
        })
    };
    let mut all: Vec<String> = System::BOTH.into_iter().flat_map(of).collect();
    all.sort();
    all
}

/// Records by the values of their own fields: the ids of what the engine made depend on its order.
fn referred_to(simulation: &Simulation<'_>, system: System, spec: &Spec, ids: &[RecordId]) -> String {
    let name = |id: &RecordId| {
        let entry = simulation.servers[system].records.get(id).filter(|entry| Some(entry.object) == spec.parent());
        let own = SPECS.iter().filter(|own| Some(own.object) == spec.parent() && own.parent().is_none());
        entry.map_or_else(
            || "nothing".to_owned(),
            |entry| own.map(|own| own.canon(system, entry.value(own.name(system)))).collect::<Vec<_>>().join("+"),
        )
    };
    let mut names: Vec<String> = ids.iter().map(name).collect();
    names.sort();
    names.join("&")
}
