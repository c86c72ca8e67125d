//! What happens in the middle of a run, at every moment of it: a version is deployed, a clock is set, the machine sleeps.

use lockstep::engine::core::state::LinkState;
use lockstep::mapping::{Config, Guards, Rules};
use lockstep::model::{BySystem, ConfigVersion, Schema, System};

use crate::clocks::{Clocks, Nap, Step};
use crate::directed::{calm, copies_in, play, with_edits};
use crate::faults::Fault;
use crate::fields;
use crate::scenario::{Clockwork, Op, Scenario, What, When};
use crate::server::{By, EPOCH};
use crate::simulation::{Simulation, Trace};
use crate::twin::visible;

/// Moments of the first run of the calm world, and of the second.
fn moments() -> impl Iterator<Item = i64> {
    (0..2_400).step_by(60).chain((60_000..62_400).step_by(120))
}

fn version(scenario: &Scenario, schemas: &[BySystem<Schema>], change: impl FnOnce(&mut Config)) -> Rules {
    let mut config = fields::config(scenario.fields, &scenario.clockwork, &Guards::default());
    change(&mut config);
    match Rules::compile(config, ConfigVersion(2), schemas) {
        Ok(rules) => rules,
        Err(reasons) => panic!("{reasons:?}"),
    }
}

/// Plays a scenario, with those rules deployed at that moment.
fn deployed_at<'a>(
    scenario: &'a Scenario,
    schemas: &'a [BySystem<Schema>],
    moment: i64,
    change: impl FnOnce(&mut Config),
) -> Simulation<'a> {
    let mut world = Simulation::new(scenario, schemas, Trace::Lines);
    world.run_until(moment);
    if let Some(engine) = &mut world.engine {
        engine.change_rules(version(scenario, schemas, change));
    }
    world.run();
    world
}

#[test]
fn i18_the_same_rules_deployed_at_any_moment_change_nothing() {
    let (scenario, schemas) = (calm(), fields::schemas());
    let undisturbed = visible(&play(&scenario, &schemas));
    for moment in moments() {
        let world = deployed_at(&scenario, &schemas, moment, |_| {});
        assert!(!world.broken(), "{moment} ms: {:?}\n{}", world.outcome.violations, world.outcome.log.join("\n"));
        assert_eq!(visible(&world), undisturbed, "deployed after {moment} ms");
        assert_eq!(copies_in(&world, System::HubSpot) + copies_in(&world, System::ConnectWise), 2, "{moment} ms");
    }
}

#[test]
fn i8_a_filter_that_keeps_everything_out_ends_all_writes_with_the_run_under_way() {
    let (scenario, schemas) = (with_edits(), fields::schemas());
    let nobody = |config: &mut Config| {
        config.objects[0].filters.to_connectwise = "name = \"nobody\"".to_owned();
        config.objects[0].filters.to_hubspot = "name = \"nobody\"".to_owned();
    };
    for moment in moments() {
        let mut world = Simulation::new(&scenario, &schemas, Trace::Lines);
        world.run_until(moment);
        let under_way = world.runs_ended;
        if let Some(engine) = &mut world.engine {
            engine.change_rules(version(&scenario, &schemas, nobody));
        }
        // the run under way goes on by the rules that it began with
        while world.runs_ended == under_way && world.now < scenario.agitation() {
            world.run_until(world.now + 50);
        }
        let written = world.ledger.len();
        world.run_until(scenario.agitation() + 2_000_000);
        let ours = world.ledger[written..].iter().filter(|mutation| matches!(mutation.by, By::Engine { .. }));
        assert_eq!(ours.count(), 0, "{moment} ms: {}", world.outcome.log.join("\n"));
        assert!(!world.broken(), "{moment} ms: {:?}", world.outcome.violations);
        assert!(world.store.links.values().all(|link| link.state == LinkState::Active), "{moment} ms: links go on");
    }
}

/// Each clock, each way, at every moment of the first two runs, with a write of unknown fate among them.
fn set_at_every_moment(whose: Option<System>, by: i64) {
    let schemas = fields::schemas();
    for fault in [None, Some((9, Fault::Late))] {
        let faulty = with_edits().with_faults(fault.into_iter().collect());
        for at in (0..150_000).step_by(9_700) {
            let clocks = Clocks { steps: vec![Step { at, whose, by }], naps: Vec::new() };
            let scenario = Scenario { clocks, ..faulty.clone() };
            // which of two edits wins may be another: that is up to when they are read, and to the systems' clocks
            play(&scenario, &schemas);
        }
    }
}

#[test]
fn the_engines_own_clock_may_be_set_back_and_forth() {
    for by in [-3_600_000, -70_000, 70_000, 3_600_000] {
        set_at_every_moment(None, by);
    }
}

#[test]
fn a_systems_clock_may_be_set_forward() {
    for system in System::BOTH {
        for by in [70_000, 3_600_000] {
            set_at_every_moment(Some(system), by);
        }
    }
}

#[test]
fn a_systems_clock_may_be_set_back() {
    for system in System::BOTH {
        for by in [-3_600_000, -70_000] {
            set_at_every_moment(Some(system), by);
        }
    }
}

/// What changes after a system's clock was set back lies behind the cursor of its feed: nobody waits a day for the sweep.
#[test]
fn a_systems_clock_that_was_set_back_hides_nothing_until_the_sweep() {
    let schemas = fields::schemas();
    let clockwork = Clockwork { sweep: 86_400, ..calm().clockwork };
    for system in System::BOTH {
        // nothing happens on the other side, which would have this one read
        let edit = Op { when: When::At(130_000), what: What::Edit { side: system, pick: 0, field: 4, value: 13 } };
        let rested = |clocks: Clocks| {
            let (ops, clockwork) = (vec![edit.clone()], clockwork.clone());
            let scenario = Scenario { clocks, clockwork, ops, ..calm() };
            let mut world = Simulation::new(&scenario, &schemas, Trace::Lines);
            // a poll comes every minute
            world.run_until(130_000 + 4 * 60_000);
            visible(&world)
        };
        let back = Step { at: 100_000, whose: Some(system), by: -3_600_000 };
        assert_eq!(rested(Clocks { steps: vec![back], naps: Vec::new() }), rested(Clocks::default()), "{system}");
    }
}

#[test]
fn the_machine_may_sleep_at_any_moment() {
    let schemas = fields::schemas();
    for at in (0..150_000).step_by(6_100) {
        for (length, is_counted) in [(70_000, false), (70_000, true), (250_000, false), (250_000, true)] {
            let clocks = Clocks { steps: Vec::new(), naps: vec![Nap { at, length, is_counted }] };
            let scenario = Scenario { clocks, ..with_edits() };
            play(&scenario, &schemas);
        }
    }
}

/// A machine whose clock was years ahead, and is set right: nothing waits for the time that it told.
#[test]
fn a_clock_that_was_years_ahead_leaves_nothing_waiting() {
    let (year, schemas) = (365 * 86_400_000, fields::schemas());
    let undisturbed = visible(&play(&with_edits(), &schemas));
    for at in (20_000..200_000).step_by(20_000) {
        let steps = vec![Step { at: 5_000, whose: None, by: 3 * year }, Step { at, whose: None, by: -3 * year }];
        let scenario = Scenario { clocks: Clocks { steps, naps: Vec::new() }, ..with_edits() };
        let world = play(&scenario, &schemas);
        assert_eq!(visible(&world), undisturbed, "set right after {at} ms");
        let ahead = world.store.dirty.values().filter(|mark| mark.since.0 > EPOCH + year).count();
        assert_eq!(ahead, 0, "set right after {at} ms");
    }
}
