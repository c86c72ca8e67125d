//! A field with a value map, simulated: people edit both sides in any order, what is planned comes true, and after each edit
//! everything comes to rest with what the value map says.

use proptest::prelude::*;

use super::super::FieldNext;
use super::{Comparison, Trouble, compare};
use crate::engine::core::plan::FieldPlan;
use crate::engine::core::state::{Agreed, IssueClass};
use crate::filter::Answer;
use crate::mapping::references::Partners;
use crate::mapping::{
    ClearPolicy, ConflictTie, Defaults, Direction, FieldMapping, FieldRule, Overflow, SystemOfRecord, Transforms,
    Unmapped, ValueMap, ValuePair,
};
use crate::model::{
    BySystem, ChoiceOption, FieldDef, FieldKind, Fields, ObjectKind, Record, RecordId, Schema, System, Timestamp, Value,
};

const NOW: Timestamp = Timestamp(1_000_000_000);
/// `A` and `B` have partners; `X` and `Y`, of either system, have none.
const HERE: [&str; 4] = ["A", "B", "X", "Y"];
const THERE: [&str; 4] = ["1", "2", "8", "9"];

fn schema(several: bool) -> BySystem<Schema> {
    let field = |name: &str, keys: &[&str], kind| FieldDef {
        name: name.into(),
        label: name.to_owned(),
        kind,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: keys.iter().map(|key| option(key)).collect(),
    };
    let kind = if several { FieldKind::MultiChoice } else { FieldKind::Choice };
    let of = |system, field| Schema { system, object: ObjectKind::Company, fields: vec![field] };
    BySystem::new(
        of(System::HubSpot, field("market", &HERE, FieldKind::Choice)),
        of(System::ConnectWise, field("types", &THERE, kind)),
    )
}

fn option(key: &str) -> ChoiceOption {
    ChoiceOption { key: key.into(), label: format!("Label {key}"), ..ChoiceOption::default() }
}

fn mapping(values: ValueMap, direction: Direction, default: Defaults) -> FieldMapping {
    FieldMapping {
        hubspot: "market".into(),
        connectwise: "types".into(),
        kind: FieldKind::Choice,
        direction,
        wins: SystemOfRecord::ConnectWise,
        empty: ClearPolicy::Fill,
        overflow: Overflow::Hold,
        max_length: BySystem::default(),
        default,
        transform: Transforms::default(),
        values: Some(values),
    }
}

fn pairs() -> Vec<ValuePair> {
    [("A", "1"), ("B", "2")].map(|(here, there)| ValuePair { hubspot: here.into(), connectwise: there.into() }).into()
}

/// One pair of records with that field, as the engine and the people leave it.
struct Pair {
    rule: FieldRule,
    held: BySystem<Value>,
    agreed: Option<Agreed>,
}

impl Pair {
    fn plan(&self) -> (FieldPlan, Option<Trouble>) {
        let record = |system: System| {
            Record::new(RecordId(1), NOW, Fields::from([(self.rule.name(system).clone(), self.held[system].clone())]))
        };
        let records = BySystem::from_fn(record);
        compare(&Comparison {
            object: ObjectKind::Company,
            rule: &self.rule,
            partners: &Partners::default(),
            raw: BySystem::new(&self.held.hubspot, &self.held.connectwise),
            records: BySystem::new(&records.hubspot, &records.connectwise),
            agreed: self.agreed.as_ref(),
            modified: BySystem::new(NOW, NOW),
            decision: None,
            recent: &[],
            object_direction: Direction::Both,
            tie: ConflictTie::HubSpot,
            in_scope: BySystem::new(Answer::Pass, Answer::Pass),
            push_to: None,
            now: NOW,
        })
    }

    /// Lets plans come true until nothing is left to do; the last plan, and how often something was written.
    fn rest(&mut self) -> Result<(FieldPlan, Option<Trouble>, usize), TestCaseError> {
        let mut writes = 0;
        for _ in 0..4 {
            let (plan, trouble) = self.plan();
            match &plan.next {
                FieldNext::Write { to, value, .. } => {
                    writes += 1;
                    let source = self.held[to.other()].clone();
                    self.held[*to] = value.clone();
                    self.agreed = Some(Agreed::seen_from(*to, value.clone(), source, NOW));
                }
                FieldNext::Agree => {
                    let (hubspot, connectwise) = (self.held.hubspot.clone(), self.held.connectwise.clone());
                    self.agreed = Some(Agreed::seen_from(System::HubSpot, hubspot, connectwise, NOW));
                }
                _ => return Ok((plan, trouble, writes)),
            }
        }
        Err(TestCaseError::fail(format!("it never rests: {:?}", self.held)))
    }
}

proptest! {
    /// Whoever edits is heard: a value with a partner arrives as that, every other one as the default.
    #[test]
    fn a_default_stands_for_every_value_without_a_partner_and_nothing_waits_or_cycles(
        here in 0..4usize,
        there in 0..4usize,
        edits in prop::collection::vec((any::<bool>(), 0..4usize), 1..8),
    ) {
        let values = ValueMap { unmapped: Unmapped::Default, pairs: pairs(), ..ValueMap::default() };
        let default = Defaults { hubspot: Some("Y".into()), connectwise: Some("9".into()) };
        let rule = FieldRule::new(&mapping(values, Direction::Both, default), &schema(false));
        let held = BySystem::new(Value::text(HERE[here]), Value::text(THERE[there]));
        let mut pair = Pair { rule, held, agreed: None };
        pair.rest()?;
        for (in_hubspot, to) in edits {
            let (by, value) = if in_hubspot { (System::HubSpot, HERE[to]) } else { (System::ConnectWise, THERE[to]) };
            let before = pair.held.clone();
            pair.held[by] = Value::text(value);
            let (_, trouble, writes) = pair.rest()?;
            prop_assert!(trouble.is_none());
            prop_assert!(writes <= 1, "{before:?} then {value}");
            prop_assert_eq!(pair.held[by].to_plain(), value, "what a person wrote stays");
            let expected = match (by, to) {
                (System::HubSpot, 0 | 1) => THERE[to],
                (System::HubSpot, _) => "9",
                (System::ConnectWise, 0 | 1) => HERE[to],
                (System::ConnectWise, _) => "Y",
            };
            let other = pair.held[by.other()].to_plain();
            // an edit that says what is there already changes nothing: the default stands for several
            let stays = before[by].to_plain() == value || before[by.other()].to_plain() == other;
            prop_assert!(other == expected || stays, "{value} of {by} gives {other}");
        }
    }

    /// Of several options the first one in the order crosses, and only that is news.
    #[test]
    fn of_several_options_the_first_in_the_order_crosses(
        order in Just(THERE.map(str::to_owned).to_vec()).prop_shuffle(),
        listed in 1..5usize,
        policy in prop::sample::select(vec![Unmapped::Hold, Unmapped::Default, Unmapped::Skip]),
        sets in prop::collection::vec(prop::collection::btree_set(0..4usize, 1..4), 1..6),
    ) {
        let order: Vec<String> = order.into_iter().take(listed).collect();
        let values = ValueMap { unmapped: policy, pairs: pairs(), priority: order.clone(), ..ValueMap::default() };
        let default = Defaults { hubspot: Some("Y".into()), connectwise: None };
        let rule = FieldRule::new(&mapping(values, Direction::ToHubspot, default), &schema(true));
        let mut pair = Pair { rule, held: BySystem::new(Value::Empty, Value::Empty), agreed: None };
        let mut counted: Option<String> = None;
        for set in sets {
            let keys: Vec<&str> = set.iter().map(|at| THERE[*at]).collect();
            let before = pair.held.hubspot.to_plain();
            pair.held.connectwise = Value::text(keys.join(";"));
            let (plan, trouble, writes) = pair.rest()?;
            let first = match keys.as_slice() {
                [only] => Some((*only).to_owned()),
                several => order.iter().find(|key| several.contains(&key.as_str())).cloned(),
            };
            let partner = match first.as_deref() {
                Some("1") => Some("A"),
                Some("2") => Some("B"),
                _ => None,
            };
            let now = pair.held.hubspot.to_plain();
            match (partner, policy) {
                (Some(partner), _) => prop_assert_eq!(now, partner),
                (None, Unmapped::Default) => prop_assert_eq!(now, "Y"),
                (None, Unmapped::Hold) => {
                    prop_assert_eq!(trouble.map(|trouble| trouble.class), Some(IssueClass::UnmappedValue));
                    prop_assert_eq!(now, before);
                }
                (None, Unmapped::Skip) => prop_assert_eq!(now, before, "{:?}", plan.rule),
            }
            if first.is_some() && first == counted {
                prop_assert_eq!(writes, 0, "what comes behind the first is no news: {:?}", keys);
            }
            counted = first;
        }
    }
}

#[test]
fn the_plan_says_which_of_several_counts_and_what_the_default_stands_for() {
    let values = ValueMap {
        unmapped: Unmapped::Default,
        pairs: pairs(),
        priority: vec!["2".to_owned(), "1".to_owned()],
        ..ValueMap::default()
    };
    let default = Defaults { hubspot: Some("Y".into()), connectwise: None };
    let rule = FieldRule::new(&mapping(values, Direction::ToHubspot, default), &schema(true));
    let said = |held: &str| {
        let held = BySystem::new(Value::Empty, Value::text(held));
        Pair { rule: rule.clone(), held, agreed: None }.plan().0.rule
    };
    let one_way = "one way from ConnectWise; ";
    assert_eq!(said("1;2;8"), format!("{one_way}of Label 1, Label 2, Label 8 \"Label 2\" comes first"));
    assert_eq!(said("8"), format!("{one_way}\"Label 8\" has no partner: the default \"Label Y\" stands for it"));
    assert_eq!(
        said("8;9"),
        format!("{one_way}\"Label 8, Label 9\" has no partner: the default \"Label Y\" stands for it")
    );
}
