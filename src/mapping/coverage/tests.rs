//! What the numbers say is what records hold, counted one by one.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::mapping::{ClearPolicy, Defaults, MatchRule, Overflow, SystemOfRecord, ValuePair, defaults};
use crate::model::{FieldDef, ObjectKind, RecordId, Timestamp};

const HUBSPOT: [&str; 6] = ["A", "B", "C", "d", "E", "F"];
const CONNECTWISE: [&str; 5] = ["1", "2", "3", "4", "5"];

fn def(name: &str, kind: FieldKind, options: Vec<ChoiceOption>) -> FieldDef {
    FieldDef {
        name: name.into(),
        label: name.into(),
        kind,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options,
    }
}

fn option(key: &str, label: &str) -> ChoiceOption {
    ChoiceOption { key: key.into(), label: label.into(), ..ChoiceOption::default() }
}

fn schema(kind: FieldKind) -> BySystem<Schema> {
    let here = HUBSPOT.iter().map(|key| option(key, &format!("Label {key}"))).collect();
    // `Label A` and `Label B` have a namesake over there
    let labels = ["label a", "Label B ", "Other", "Another", "More"];
    let there = CONNECTWISE.iter().zip(labels).map(|(key, label)| option(key, label)).collect();
    let make = |system, field| Schema { system, object: ObjectKind::Company, fields: vec![field] };
    BySystem::new(
        make(System::HubSpot, def("market", kind, here)),
        make(System::ConnectWise, def("market", FieldKind::Choice, there)),
    )
}

fn object(kind: FieldKind, values: ValueMap) -> ObjectMapping {
    ObjectMapping {
        fields: vec![FieldMapping {
            hubspot: "market".into(),
            connectwise: "market".into(),
            kind,
            direction: Direction::Both,
            wins: SystemOfRecord::Latest,
            empty: ClearPolicy::Fill,
            overflow: Overflow::Hold,
            max_length: BySystem::default(),
            default: Defaults::default(),
            transform: crate::mapping::Transforms::default(),
            values: Some(values),
        }],
        matching: Vec::<MatchRule>::new(),
        ..defaults::company()
    }
}

fn record(id: u64, value: &str) -> Record {
    Record::new(
        RecordId(id),
        Timestamp::EPOCH,
        [("market".into(), Value::text(value))].into_iter().filter(|(_, value)| !value.is_empty()).collect(),
    )
}

fn cached() -> BySystem<Vec<FieldName>> {
    BySystem::from_fn(|_| vec!["market".into()])
}

fn held(object: &ObjectMapping, schema: &BySystem<Schema>, records: &[Record]) -> Held {
    let mut tally = Tally::new(object, schema, &cached(), jiff::civil::Date::MIN);
    records.iter().for_each(|record| tally.count(System::HubSpot, record));
    tally.into_held()
}

fn coverage(object: &ObjectMapping, schema: &BySystem<Schema>, records: &[Record]) -> Coverage {
    let held = held(object, schema, records);
    let field = &object.fields[0];
    Coverage::of(field, object.direction, schema, &held.used[&field.key()]).unwrap()
}

fn pair(hubspot: &str, connectwise: &str) -> ValuePair {
    ValuePair { hubspot: hubspot.into(), connectwise: connectwise.into() }
}

#[test]
fn the_largest_gap_comes_first_and_a_partner_says_why_it_is_one() {
    let values =
        ValueMap { auto: Some(AutoPairs::Label), pairs: vec![pair("C", "label:Other")], ..ValueMap::default() };
    let schema = schema(FieldKind::Choice);
    let holds = [("A", 5), ("C", 9), ("E", 2), ("F", 3), ("gone", 1), ("", 4)];
    let records: Vec<Record> =
        holds.iter().flat_map(|(value, times)| (0..*times).map(|id| record(id, value))).collect();
    let found = coverage(&object(FieldKind::Choice, values), &schema, &records);
    let side = found.sides.hubspot.as_ref().unwrap();
    let told: Vec<_> = side
        .values
        .iter()
        .map(|value| {
            let partner = value.partner.as_ref().map(|one| format!("{} {}", one.label, one.why.words()));
            format!("{} {} {:?} {}", value.label, value.records, value.standing, partner.unwrap_or_default())
        })
        .collect();
    assert_eq!(
        told,
        [
            "Label F 3 Active ",
            "Label E 2 Active ",
            "gone 1 Unknown ",
            "Label C 9 Active Other listed",
            "Label A 5 Active label a by label"
        ]
    );
    assert_eq!((side.records, side.filled, side.without, side.mapped()), (24, 20, 6, 2));
    assert_eq!(found.worst(), Some(side));
}

#[test]
fn what_the_filter_keeps_out_or_no_direction_lets_cross_is_no_gap() {
    let schema = schema(FieldKind::Choice);
    let mut object = object(FieldKind::Choice, ValueMap::default());
    let records = [record(1, "E"), record(2, "E"), record(3, "F")];
    let without = |object: &ObjectMapping| {
        let side = coverage(object, &schema, &records).sides.hubspot.unwrap();
        (side.records, side.without, side.has_gap())
    };
    assert_eq!(without(&object), (3, 3, true));
    object.exclude.hubspot = vec![2];
    assert_eq!(without(&object), (2, 2, true), "an excluded record waits for nothing");
    object.filters.to_connectwise = "market = \"Label F\"".into();
    assert_eq!(without(&object), (1, 1, true));
    object.fields[0].direction = Direction::ToHubspot;
    assert_eq!(without(&object), (1, 1, false), "nothing of it crosses");
    let counted = Counted::of(&object);
    object.fields[0].values.as_mut().unwrap().pairs.push(pair("E", "1"));
    assert_eq!(Counted::of(&object), counted, "a pair changes nothing of what records hold");
    object.filters.to_connectwise.clear();
    assert_ne!(Counted::of(&object), counted);
}

#[test]
fn a_field_that_is_not_in_the_cache_is_not_taken_for_empty() {
    let (object, schema) = (object(FieldKind::Choice, ValueMap::default()), schema(FieldKind::Choice));
    let mut tally =
        Tally::new(&object, &schema, &BySystem::new(vec!["market".into()], Vec::new()), jiff::civil::Date::MIN);
    tally.count(System::HubSpot, &record(1, "A"));
    tally.count(System::ConnectWise, &record(1, "1"));
    let held = tally.into_held();
    let field = &object.fields[0];
    let found = Coverage::of(field, object.direction, &schema, &held.used[&field.key()]).unwrap();
    assert!(found.sides.hubspot.is_some() && found.sides.connectwise.is_none());
    let filled = &held.filled.hubspot[&FieldName::new("market")];
    assert_eq!((filled.records, filled.sample.clone()), (1, Some(Value::text("A"))));
    assert!(held.filled.connectwise.is_empty());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it is the time that is tested")]
fn a_hundred_thousand_values_are_covered_quickly() {
    let object = object(FieldKind::Choice, ValueMap { auto: Some(AutoPairs::Label), ..ValueMap::default() });
    let mut schema = schema(FieldKind::Choice);
    schema.hubspot.fields[0].options = (0..100_000).map(|at| option(&format!("k{at}"), &format!("L{at}"))).collect();
    schema.connectwise.fields[0].options = (0..50_000).map(|at| option(&at.to_string(), &format!("l{at}"))).collect();
    let records: Vec<Record> = (0..100_000).map(|at| record(at, &format!("k{at}"))).collect();
    let begun = Instant::now();
    let side = coverage(&object, &schema, &records).sides.hubspot.unwrap();
    assert_eq!((side.mapped(), side.without), (50_000, 50_000));
    // some 0.3 s optimised; what would grow with the square takes minutes
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

prop_compose! {
    fn value_map()(
        auto in prop::option::of(Just(AutoPairs::Label)),
        pairs in prop::collection::vec((0..HUBSPOT.len(), 0..CONNECTWISE.len()), 0..6),
    ) -> ValueMap {
        let pairs = pairs.into_iter().map(|(here, there)| pair(HUBSPOT[here], CONNECTWISE[there])).collect();
        ValueMap { auto, unmapped: Unmapped::Hold, pairs, priority: Vec::new() }
    }
}

proptest! {
    #[test]
    fn coverage_is_what_a_count_of_one_record_after_the_other_finds(
        values in value_map(),
        several in any::<bool>(),
        held in prop::collection::vec(prop::collection::vec(0..HUBSPOT.len(), 0..3), 0..40),
    ) {
        let kind = if several { FieldKind::MultiChoice } else { FieldKind::Choice };
        let (object, schema) = (object(kind, values), schema(kind));
        let records: Vec<Record> = held.iter().zip(1..).map(|(keys, id)| {
            let keys: Vec<_> = keys.iter().take(if several { 3 } else { 1 }).map(|at| HUBSPOT[*at]).collect();
            record(id, &keys.join(";"))
        }).collect();
        let field = &object.fields[0];
        let rule = FieldRule::new(field, &schema);
        let keys_of = |record: &Record| -> Vec<String> {
            let mut keys: Vec<String> = record.value("market").to_plain().split(';').filter(|k| !k.is_empty()).map(str::to_owned).collect();
            keys.sort();
            keys.dedup();
            keys
        };
        let lacks = |key: &String| rule.partner(System::HubSpot, key).is_none();
        let side = coverage(&object, &schema, &records).sides.hubspot.unwrap();
        prop_assert_eq!(side.records, records.len() as u64);
        prop_assert_eq!(side.filled, records.iter().filter(|one| !keys_of(one).is_empty()).count() as u64);
        prop_assert_eq!(side.without, records.iter().filter(|one| keys_of(one).iter().any(lacks)).count() as u64);
        let tally = Tally::new(&object, &schema, &cached(), jiff::civil::Date::MIN);
        for value in &side.values {
            let holders = records.iter().filter(|one| keys_of(one).contains(&value.key)).count() as u64;
            prop_assert_eq!(value.records, holders);
            prop_assert_eq!(value.partner.as_ref().map(|one| one.key.as_str()), rule.partner(System::HubSpot, &value.key));
            let found = records.iter().filter(|one| tally.holds(field, System::HubSpot, &value.key, one)).count() as u64;
            prop_assert_eq!(found, holders, "from a count to its records");
        }
        let gaps: Vec<_> = side.values.iter().map(|one| (one.partner.is_some(), std::cmp::Reverse(one.records))).collect();
        prop_assert!(gaps.is_sorted());
        let used: std::collections::BTreeSet<_> = records.iter().flat_map(keys_of).collect();
        prop_assert_eq!(side.values.len(), used.len());
    }
}
