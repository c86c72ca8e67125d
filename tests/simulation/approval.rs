//! I14: who lets a plan through is asked once. What follows from it goes on; what does not is held again; and what was
//! approved stays approved through deaths of the engine, and no longer than it is carried out.

use std::collections::BTreeSet;

use lockstep::engine::core::command::Ask;
use lockstep::engine::core::state::{Intent, IntentState, LinkOrigin, LinkState, RunKind, Verdict};
use lockstep::mapping::{Ceiling, Direction, Guards};
use lockstep::model::{BySystem, ObjectKind, Schema, System};

use crate::directed::calm;
use crate::fields::{self, CONTACTS, DEALS, SPECS, Shape, complete, place_of};
use crate::scenario::{Crash, Newborn, Op, Scenario, What, When};
use crate::server::{By, Change};
use crate::simulation::{Simulation, Trace};

/// When the flood comes, and when everybody has seen it: in milliseconds.
const FLOOD: i64 = 200_000;
const SEEN: i64 = 330_000;
/// Companies of the flood on each side.
const COMPANIES: u32 = 5;
/// Contacts of the flood: each has one of the five addresses, and the first three are made in HubSpot.
const ADDRESSES: u32 = 5;

fn fields() -> u64 {
    complete(((1 << fields::COMPANY_COUNT) - 1) | CONTACTS)
}

/// A user makes a company that is like no other.
fn company(side: System, value: u32) -> What {
    let object = ObjectKind::Company;
    What::Create(Newborn { object, side, key: None, parent: None, fields: fields(), value })
}

/// A company of each side that finds the other, and then more new companies with contacts, on both sides, than the limits
/// allow: three creates, three updates.
fn flood() -> Scenario {
    let limit = |count| Ceiling { count, percent: 0 };
    let mut ops = Vec::new();
    for (side, first) in [(System::HubSpot, 1000), (System::ConnectWise, 1500)] {
        ops.extend((0..COMPANIES).map(|n| Op { when: When::At(FLOOD), what: company(side, first + n) }));
    }
    for n in 0..ADDRESSES {
        let side = if n < 3 { System::HubSpot } else { System::ConnectWise };
        let (key, parent) = (Some(n), Some(1 + n));
        let one = Newborn { object: ObjectKind::Contact, side, key, parent, fields: fields(), value: 2000 + n };
        ops.push(Op { when: When::At(FLOOD + 1), what: What::Create(one) });
    }
    let newborn = |side| Newborn {
        object: ObjectKind::Company,
        side,
        key: Some(1),
        parent: None,
        fields: fields(),
        value: if side == System::HubSpot { 1 } else { 2 },
    };
    Scenario {
        fields: fields(),
        rounds: 16,
        guards: Guards { creates: limit(3), updates: limit(3), ..Guards::default() },
        setup: System::BOTH.map(newborn).to_vec(),
        ops,
        ..calm()
    }
}

struct World<'a> {
    sim: Simulation<'a>,
}

impl<'a> World<'a> {
    /// The world with the flood in it, which a guard has held.
    fn held(scenario: &'a Scenario, schemas: &'a [BySystem<Schema>]) -> Self {
        let mut sim = Simulation::new(scenario, schemas, Trace::Lines);
        sim.by_hand = true;
        sim.run_until(SEEN);
        let world = Self { sim };
        world.expects(world.written_since(FLOOD) == 0, "nothing is written before anybody was asked");
        world
    }

    fn expects(&self, is_so: bool, what: &str) {
        let (violations, log) = (&self.sim.outcome.violations, &self.sim.outcome.log);
        assert!(is_so && violations.is_empty(), "{what}\n{violations:?}\n{}", log.join("\n"));
    }

    /// The plan that waits for a person, if one does.
    fn waiting(&self) -> Option<String> {
        let last = self.sim.store.runs_by_id.values().rev().find(|run| run.kind == RunKind::Poll)?;
        match &last.verdict {
            Verdict::Held { plan, .. } => Some(plan.clone()),
            _ => None,
        }
    }

    fn approves(&mut self) -> String {
        let Some(plan) = self.waiting() else { panic!("nothing is held\n{}", self.sim.outcome.log.join("\n")) };
        self.sim.guarded.person_approves(&plan);
        self.sim.ask(Ask::Approve { plan: plan.clone() });
        plan
    }

    /// Every plan that was ever held.
    fn plans_held(&self) -> BTreeSet<String> {
        let held = self.sim.store.runs_by_id.values().filter_map(|run| match &run.verdict {
            Verdict::Held { plan, .. } => Some(plan.clone()),
            _ => None,
        });
        held.collect()
    }

    fn written_since(&self, moment: i64) -> usize {
        let by_us = self.sim.ledger.iter().filter(|change| change.at > moment);
        by_us.filter(|change| matches!(change.by, By::Engine { .. })).count()
    }

    fn created_since(&self, moment: i64) -> usize {
        let made = self.sim.ledger.iter().filter(|change| change.at > moment && change.what == Change::Created);
        made.filter(|change| matches!(change.by, By::Engine { .. })).count()
    }

    fn pairs_made(&self) -> u32 {
        let links = self.sim.store.links.values();
        let made =
            links.filter(|link| link.state == LinkState::Active && matches!(link.origin, LinkOrigin::Created(_)));
        u32::try_from(made.count()).unwrap_or(u32::MAX)
    }

    /// To the verdict: every promise was kept, and nobody was asked more than that.
    fn ends_having_asked_for(&mut self, plans: &BTreeSet<String>) {
        let held = self.plans_held();
        self.expects(held == *plans, &format!("asked for {held:?}"));
        self.sim.by_hand = false;
        self.sim.run();
        self.expects(true, "every promise is kept");
        self.expects(self.sim.store.cover.is_none(), "what was approved is done, and covers nothing more");
    }
}

/// All that the flood comes to.
const ALL: u32 = 2 * COMPANIES + ADDRESSES;

#[test]
fn i14_a_first_load_with_contacts_in_both_directions_is_approved_once() {
    let (scenario, schemas) = (flood(), fields::schemas());
    let mut world = World::held(&scenario, &schemas);
    let plan = world.approves();
    world.sim.run_until(SEEN + 59_000);
    world.expects(world.pairs_made() == ALL, &format!("{} pairs", world.pairs_made()));
    world.ends_having_asked_for(&BTreeSet::from([plan]));
}

#[test]
fn i14_what_changes_while_an_approved_plan_is_carried_out_is_held_and_what_was_approved_goes_on() {
    let (mut scenario, schemas) = (flood(), fields::schemas());
    // four people change what is in step, or was just made, while the creates are on their way
    let text = place_of(ObjectKind::Company, Shape::Text).unwrap_or(0);
    let edit = |pick| What::Edit { side: System::HubSpot, pick, field: text, value: 7000 + pick };
    scenario.ops.extend((0..4).map(|pick| Op { when: When::At(SEEN + 500), what: edit(pick) }));
    let mut world = World::held(&scenario, &schemas);
    let first = world.approves();
    world.sim.run_until(SEEN + 90_000);
    let Some(second) = world.waiting() else { panic!("held\n{}", world.sim.outcome.log.join("\n")) };
    world.expects(second != first, "it is another plan");
    world.expects(world.created_since(SEEN) > 0, "what was approved was begun");
    let third = world.approves();
    world.sim.run_until(SEEN + 180_000);
    world.expects(world.pairs_made() == ALL, &format!("{} pairs", world.pairs_made()));
    world.ends_having_asked_for(&BTreeSet::from([first, third]));
}

#[test]
fn i14_a_plan_that_changed_before_it_was_carried_out_is_not_what_was_approved() {
    let (mut scenario, schemas) = (flood(), fields::schemas());
    scenario.ops.push(Op { when: When::At(SEEN - 5_000), what: company(System::HubSpot, 2999) });
    let mut world = World::held(&scenario, &schemas);
    let Some(stale) = world.waiting() else { panic!("held") };
    world.sim.run_until(SEEN + 1);
    world.approves();
    world.sim.run_until(SEEN + 59_000);
    world.expects(world.written_since(FLOOD) == 0, "a company more is another plan");
    let other = world.approves();
    world.sim.run_until(SEEN + 118_000);
    world.expects(world.pairs_made() == ALL + 1, &format!("{} pairs", world.pairs_made()));
    world.ends_having_asked_for(&BTreeSet::from([stale, other]));
}

#[test]
fn i14_an_approval_does_not_stretch_to_what_others_add_to_its_records() {
    let (mut scenario, schemas) = (flood(), fields::schemas());
    // as soon as the first copies are there, somebody changes four of them, and makes four more companies
    let inward = SPECS.iter().position(|spec| spec.connectwise == "tIn").unwrap_or(0);
    let at = SEEN + 25_000;
    scenario.ops.extend((0..4).map(|pick| Op {
        when: When::At(at),
        what: What::Edit { side: System::ConnectWise, pick: 7 + pick, field: inward, value: 8000 + pick },
    }));
    let more = |n: u32| Op { when: When::At(at), what: company(System::HubSpot, 2990 + n) };
    scenario.ops.extend((0..4_u32).map(more));
    let mut world = World::held(&scenario, &schemas);
    let first = world.approves();
    world.sim.run_until(SEEN + 119_000);
    world.expects(world.waiting().is_some(), "what others did is theirs, whoever's record it is");
    world.expects(world.pairs_made() == ALL, &format!("{} pairs", world.pairs_made()));
    let second = world.approves();
    world.sim.run_until(SEEN + 230_000);
    world.expects(world.pairs_made() == ALL + 4, &format!("{} pairs", world.pairs_made()));
    world.ends_having_asked_for(&BTreeSet::from([first, second]));
}

/// A flood whose copies give something back: each system puts a text of its own into what is made there.
fn flood_that_comes_back() -> Scenario {
    let mut scenario = flood();
    scenario.server.fills = true;
    let owned = |place: &usize| SPECS[*place].shape == Shape::Text && SPECS[*place].direction != Direction::Both;
    let one_way: u64 = fields::places(ObjectKind::Company, !0).filter(owned).map(|place| 1 << place).sum();
    for op in &mut scenario.ops {
        if let What::Create(one) = &mut op.what {
            one.fields &= !one_way;
        }
    }
    scenario
}

#[test]
fn i14_an_approved_plan_is_carried_out_to_its_end_whenever_the_engine_dies_and_once() {
    is_carried_out_whenever_the_engine_dies(&flood());
}

#[test]
fn i14_what_the_systems_put_into_new_records_is_covered_whenever_the_engine_dies() {
    is_carried_out_whenever_the_engine_dies(&flood_that_comes_back());
}

/// Somebody changes a copy within the second in which it was made, while its answer dies: that is not what was approved.
#[test]
fn i14_what_somebody_enters_in_the_second_of_a_create_whose_answer_died_is_not_covered() {
    let schemas = fields::schemas();
    let text = place_of(ObjectKind::Company, Shape::Text).unwrap_or(0);
    let edit = |pick| What::Edit { side: System::ConnectWise, pick, field: text, value: 8000 + pick };
    let (begin, made) = {
        let calm = flood_that_comes_back();
        let mut world = World::held(&calm, &schemas);
        let begin = world.sim.commands;
        world.approves();
        world.sim.run_until(SEEN + 59_000);
        let copies = world.sim.ledger.iter().filter(|change| {
            (change.system, change.object, change.what) == (System::ConnectWise, ObjectKind::Company, Change::Created)
                && matches!(change.by, By::Engine { .. })
                && change.at > SEEN
        });
        (begin, copies.map(|change| change.at).max().unwrap_or(0))
    };
    let mut died = 0;
    for at in begin + 2..begin + 120 {
        let crashes = vec![Crash { at, down: 20_000, takes_the_store: false }];
        let mut scenario = Scenario { crashes, rounds: 24, ..flood_that_comes_back() };
        scenario.ops.extend((0..4).map(|n| Op { when: When::At(made + 1), what: edit(6 + n) }));
        let mut world = World::held(&scenario, &schemas);
        let first = world.approves();
        world.sim.run_until(made + 2);
        let edited = world.sim.ledger.iter().filter(|change| change.at == made + 1).map(|change| change.record);
        let edited: BTreeSet<_> = edited.collect();
        let of_edited = |intent: &&Intent| intent.system == System::ConnectWise && intent.state == IntentState::Sent;
        let open = world.sim.store.intents.values().filter(of_edited).count();
        if edited.len() < 4 || world.sim.engine.is_some() || open < 4 {
            continue;
        }
        died += 1;
        world.sim.run_until(SEEN + 620_000);
        world.expects(world.waiting().is_some(), "what they entered is asked for");
        let second = world.approves();
        world.sim.run_until(SEEN + 740_000);
        world.expects(world.pairs_made() == ALL, &format!("{} pairs after a death at {at}", world.pairs_made()));
        world.ends_having_asked_for(&BTreeSet::from([first, second]));
    }
    assert!(died > 2, "{died} deaths came while the creates were on their way");
}

fn is_carried_out_whenever_the_engine_dies(calm: &Scenario) {
    let schemas = fields::schemas();
    let (begin, end) = {
        let mut world = World::held(calm, &schemas);
        let begin = world.sim.commands;
        world.approves();
        world.sim.run_until(SEEN + 59_000);
        (begin, world.sim.commands)
    };
    let mut cut_short = 0;
    // the first command keeps the approval
    for at in begin + 2..=end {
        let crashes = vec![Crash { at, down: 20_000, takes_the_store: false }];
        let scenario = Scenario { crashes, rounds: 24, ..calm.clone() };
        let mut world = World::held(&scenario, &schemas);
        let plan = world.approves();
        world.sim.run_until(SEEN + 10_000);
        cut_short += u32::from(world.pairs_made() > 0 && world.pairs_made() < ALL);
        // what was on its way is looked up for as long as it may still take effect
        world.sim.run_until(SEEN + 620_000);
        world.expects(world.pairs_made() == ALL, &format!("{} pairs after a death at {at}", world.pairs_made()));
        let repeated = world.sim.store.intents.values().filter(|intent| intent.state == IntentState::Applied);
        let creates = repeated.filter(|intent| intent.kind == lockstep::engine::core::state::IntentKind::Create);
        world.expects(creates.count() as u32 == ALL, "each is made once");
        world.ends_having_asked_for(&BTreeSet::from([plan]));
    }
    assert!(cut_short > 5, "{cut_short} of {} deaths came in the middle", end - begin);
}

#[test]
fn i14_deals_are_foreseen_with_the_contacts_and_companies_that_they_wait_for() {
    let (mut scenario, schemas) = (flood(), fields::schemas());
    scenario.fields = complete(scenario.fields | DEALS);
    let fields = scenario.fields;
    for op in &mut scenario.ops {
        if let What::Create(one) = &mut op.what {
            one.fields = fields;
        }
    }
    scenario.ops.extend((0..4).map(|n| Op {
        when: When::At(FLOOD + 2),
        what: What::Create(Newborn {
            object: ObjectKind::Deal,
            side: System::HubSpot,
            key: Some(300 + n),
            parent: Some(1 + n),
            fields,
            value: 3001 + 8 * n,
        }),
    }));
    let mut world = World::held(&scenario, &schemas);
    let plan = world.approves();
    world.sim.run_until(SEEN + 59_000);
    let deals = world.sim.store.links.values().filter(|link| link.object == ObjectKind::Deal).count();
    world.expects(deals > 1, &format!("{deals} deals"));
    world.ends_having_asked_for(&BTreeSet::from([plan]));
}
