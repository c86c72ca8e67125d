//! Transforms over whole worlds: what is written is what the steps make of the record, a change of any field that they look at
//! is a change of the value, nothing is written twice for it, and what was agreed on before stays as it is.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use lockstep::engine::core::plan::plan_record;
use lockstep::engine::core::state::{Link, LinkState, RecordState};
use lockstep::mapping::convert::{Said, arrives};
use lockstep::mapping::references::Partners;
use lockstep::mapping::transform::{Case, Join, Step};
use lockstep::mapping::{Config, Rules};
use lockstep::model::{BySystem, ConfigVersion, FieldName, ObjectKind, Record, RecordRef, Schema, System, Value};

use crate::fields::{self, complete};
use crate::scenario::{Op, Scenario, What};
use crate::server::By;
use crate::simulation::{Simulation, Trace};
use crate::trial::{settled, tame};

const SEEDS: u64 = 40;
/// `t_hubspot` and `t_out`, and `t_in`.
const FIELDS: u64 = 1 << 2 | 1 << 6 | 1 << 7;
/// The field that is looked at beside the mapped one.
const BESIDE: &str = "t_hubspot";
const TARGET: &str = "tOut";

type Make = fn() -> Vec<Step>;

/// The same in two ways.
const WAYS: [(&str, Make); 2] = [
    ("joined", || vec![Step::Join(Join { with: "~".into(), fields: vec!["t_out".into(), BESIDE.into()] })]),
    ("scripted", || {
        vec![Step::Script("[record.t_out, record.t_hubspot].filter(x => x !== null).join('~') || null".into())]
    }),
];

fn with_steps(config: &mut Config, steps: Vec<Step>) {
    for field in &mut config.objects[0].fields {
        match field.hubspot.as_str() {
            "t_out" => field.transform.to_connectwise.clone_from(&steps),
            "t_in" => field.transform.to_hubspot = vec![Step::Case(Case::Upper)],
            _ => {}
        }
    }
}

fn scenario(seed: u64) -> Scenario {
    let drawn = tame(seed);
    // a survivor of a merge has values of its own, which stay as any change of that side
    let plain = |op: &&Op| matches!(op.what, What::Create(_) | What::Edit { .. } | What::Clear { .. });
    let ops = drawn.ops.iter().filter(plain).cloned().collect();
    Scenario { fields: complete(drawn.fields | FIELDS), ops, ..drawn }
}

fn rules(scenario: &Scenario, schemas: &[BySystem<Schema>], version: u32, alter: impl FnOnce(&mut Config)) -> Rules {
    let mut config = fields::config(scenario.fields, &scenario.clockwork, &scenario.guards);
    alter(&mut config);
    Rules::compile(config, ConfigVersion(version), schemas).unwrap()
}

/// The linked companies that are in step.
fn pairs(world: &Simulation<'_>) -> Vec<Link> {
    let in_step = |link: &&Link| {
        link.object == ObjectKind::Company
            && link.state == LinkState::Active
            && System::BOTH.into_iter().all(|system| world.is_live(link.record(system)))
            && world.store.statuses.values().any(|status| {
                status.object == link.object && status.link == Some(link.id) && status.state == RecordState::InSync
            })
    };
    world.store.links.values().filter(in_step).cloned().collect()
}

fn held(world: &Simulation<'_>, of: RecordRef) -> Record {
    let entry = &world.servers[of.system].records[&of.id];
    Record::new(of.id, entry.modified, entry.fields.clone())
}

/// Whether a user ever wrote the target: what is changed there stays until the source changes.
fn is_touched(world: &Simulation<'_>, link: &Link) -> bool {
    world.ledger.iter().any(|mutation| {
        let is_target = mutation.system == System::ConnectWise && mutation.record == link.connectwise;
        let by_user = matches!(mutation.by, By::User { .. });
        is_target && by_user && mutation.fields.iter().any(|(name, ..)| name.as_str() == TARGET)
    })
}

/// Every target is what the steps make of its source.
fn judge(world: &Simulation<'_>, rules: &Rules, what: &str) -> usize {
    let object = rules.object(ObjectKind::Company).unwrap();
    let rule = object.fields.iter().find(|rule| rule.mapping.connectwise.as_str() == TARGET).unwrap();
    let mut judged = 0;
    for link in pairs(world) {
        if is_touched(world, &link) {
            continue;
        }
        let (h, c) = (held(world, link.record(System::HubSpot)), held(world, link.record(System::ConnectWise)));
        let said = Said::of(h.value("t_out"), &h);
        let has_come = arrives(rule, System::HubSpot, said, c.value(TARGET), &Partners::default());
        // an empty value does not erase
        let is_empty = h.value("t_out").is_empty() && h.value(BESIDE).is_empty();
        let why = || {
            let plan = plan_record(&world.store, rules, link.record(System::HubSpot), world.time()).unwrap().unwrap();
            let field = plan.fields.iter().find(|field| field.key == rule.key).cloned();
            format!("{:?}, {:?}, {:?}", plan.decision, field, link.own)
        };
        let held = [said.raw, h.value(BESIDE), c.value(TARGET)];
        assert!(has_come || is_empty, "{what}: source, beside, target are {held:?}: {}", why());
        judged += usize::from(!is_empty);
    }
    judged
}

fn polls(scenario: &Scenario, polls: i64) -> i64 {
    polls * scenario.clockwork.poll.cast_signed() * 1000
}

#[test]
fn a_change_of_a_field_that_a_transform_looks_at_crosses_alone_and_once() {
    let (mut judged, mut changed) = (0, 0);
    for seed in 1..=SEEDS {
        for (what, steps) in WAYS {
            let (scenario, schemas) = (scenario(seed), fields::schemas());
            let rules = rules(&scenario, &schemas, 2, |config| with_steps(config, steps()));
            let mut world = settled(&scenario, &schemas, rules.clone());
            let (now, before) = (world.now, world.ledger.len());
            for (at, link) in pairs(&world).into_iter().enumerate() {
                let edit = [(FieldName::new(BESIDE), Value::text(format!("news {seed} {at}")))];
                let by = By::User { settled: true };
                world.servers.hubspot.set(now, link.hubspot, by, &edit, None, &mut world.ledger);
                changed += 1;
            }
            world.run_until(now + polls(&scenario, 30));
            judged += judge(&world, &rules, &format!("seed {seed}, {what}"));
            let (after, end) = (world.ledger.len(), world.now);
            assert!(after >= before);
            world.run_until(end + polls(&scenario, 12));
            assert_eq!(world.ledger.len(), after, "seed {seed}, {what}: written again with no change");
        }
    }
    assert!(judged > 50 && changed > 50, "{judged} {changed}");
}

#[test]
fn i18_a_new_transform_rewrites_nothing_of_what_was_agreed_on() {
    let mut quiet = 0;
    for seed in 1..=SEEDS {
        let (scenario, schemas) = (scenario(seed), fields::schemas());
        let mut world = Simulation::new(&scenario, &schemas, Trace::Off);
        world.run();
        assert!(!world.broken(), "{:?}", world.outcome.violations);
        if !world.store.issues.is_empty() {
            // what was refused before is tried once more
            continue;
        }
        let agreed: Vec<Link> = pairs(&world);
        let upper = || vec![Step::Case(Case::Upper)];
        let rules = rules(&scenario, &schemas, 2, |config| with_steps(config, upper()));
        let (before, now) = (world.ledger.len(), world.now);
        world.engine.as_mut().unwrap().change_rules(rules);
        world.run_until(now + polls(&scenario, 6));
        assert_eq!(world.ledger.len(), before, "seed {seed}");
        quiet += agreed.len();
    }
    assert!(quiet > 20, "{quiet}");
}
