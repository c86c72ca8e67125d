//! Whether the transforms of a two-way field come to rest: a value that went there and back, and there and back again, is what
//! it was after the first time (law N3). What grows or flips would be written to and fro for ever.

use std::collections::BTreeMap;

use super::FieldRule;
use super::convert::{Misfit, Said, convert};
use super::normalise::normalise;
use super::references::Partners;
use crate::model::{FieldKind, FieldName, Record, RecordId, System, Timestamp, Value};

/// A value on its way, as each side holds it in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Who held the first of them.
    pub from: System,
    /// Five where it never comes to rest, three where something of it is lost.
    pub values: Vec<Value>,
}

/// Values of one direction after so many of which made nothing of it are not tried further.
const MOST_FAILURES: usize = 5;

/// Options of a field that are tried.
const MOST_OPTIONS: usize = 200;

/// What a field of that kind may hold.
const fn samples(kind: FieldKind) -> &'static [&'static str] {
    match kind {
        FieldKind::Phone => &["+1 (555) 010-0199 x4", "555-0100", "0049 89 1234"],
        FieldKind::Email => &["Ada@Acme.example", "ada.lovelace+x@acme.example"],
        FieldKind::Url | FieldKind::Domain => &["https://www.Acme.example/a/", "acme.example"],
        FieldKind::Number | FieldKind::Integer => &["12", "-1.005", "1000000.5", "0"],
        FieldKind::Bool => &["true", "false"],
        FieldKind::Date | FieldKind::DateTime => &["2026-12-31", "2026-12-31T09:30:00Z", "31.12.2026", "1/6/2026"],
        _ => &TEXTS,
    }
}

/// Texts of many shapes.
const TEXTS: [&str; 16] = [
    "Ada Lovelace",
    "ada",
    " two  words ",
    "A-B, C; D",
    "ÉCOLE ß",
    "12",
    "-1.005",
    "1000000.5",
    "2026-12-31",
    "2026-12-31T09:30:00Z",
    "31.12.2026",
    "+1 (555) 010-0199 x4",
    "Ada@Acme.example",
    "https://www.acme.example/a/",
    "true",
    "<b>bold</b> & {value}",
];

impl Way {
    /// `HubSpot "a" → ConnectWise "a!" → …`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let hop = |(at, value): (usize, &Value)| {
            let system = if at.is_multiple_of(2) { self.from } else { self.from.other() };
            format!("{system} \"{value}\"")
        };
        self.values.iter().enumerate().map(hop).collect::<Vec<_>>().join(" → ")
    }
}

/// A value that never comes to rest, among those given, the options of both fields, and what fields of the kind may hold. None: no such
/// value is known.
#[must_use]
pub fn restless(rule: &FieldRule, options: &[(System, String)], held: &[(System, Value)]) -> Option<Way> {
    find(rule, options, held, |rule, way| {
        let same = |one: usize, other: usize| is_same(rule, way.from, &way.values[one], &way.values[other]);
        way.values.len() == 5 && !same(2, 4)
    })
}

/// A value of which something is lost when the other side gives it back.
#[must_use]
pub fn lossy(rule: &FieldRule, options: &[(System, String)], held: &[(System, Value)]) -> Option<Way> {
    let way = find(rule, options, held, |rule, way| {
        way.values.len() > 2 && !is_same(rule, way.from, &way.values[0], &way.values[2])
    })?;
    Some(Way { values: way.values.into_iter().take(3).collect(), ..way })
}

/// Of a system, as comparisons see it.
fn is_same(rule: &FieldRule, system: System, one: &Value, other: &Value) -> bool {
    normalise(&rule.mapping, system, one) == normalise(&rule.mapping, system, other)
}

fn find(
    rule: &FieldRule,
    options: &[(System, String)],
    held: &[(System, Value)],
    is_it: impl Fn(&FieldRule, &Way) -> bool,
) -> Option<Way> {
    let texts = samples(rule.mapping.kind).iter().map(|text| Value::text(*text));
    for from in System::BOTH {
        let options = options.iter().filter(|(system, _)| *system == from).take(MOST_OPTIONS);
        let options = options.map(|(_, key)| Value::Choice(key.clone()));
        let held = held.iter().filter(|(system, _)| *system == from).map(|(_, value)| value.clone());
        let values: Vec<Value> = held.chain(options).chain(texts.clone()).collect();
        for others in ["Lovelace", ""] {
            let mut failures = 0;
            for start in &values {
                let way = walk(rule, from, start, others);
                if is_it(rule, &way) {
                    return Some(way);
                }
                failures += usize::from(way.values.len() == 1);
                if failures > MOST_FAILURES {
                    break;
                }
            }
        }
    }
    None
}

/// The value there and back, twice, as far as it crosses. All other fields hold the same text.
fn walk(rule: &FieldRule, from: System, start: &Value, others: &str) -> Way {
    let mut way = Way { from, values: vec![start.clone()] };
    let mut side = from;
    while way.values.len() < 5 {
        let Some(value) = way.values.last() else { break };
        let record = record(rule, side, value, others);
        let crossed: Result<Value, Misfit> =
            convert(rule, side, Said::of(value, &record), &Value::Empty, &Partners::default());
        let Ok(crossed) = crossed else { break };
        way.values.push(crossed);
        side = side.other();
    }
    way
}

fn record(rule: &FieldRule, system: System, value: &Value, others: &str) -> Record {
    let reads = rule.transform(system.other()).reads().iter();
    let mut fields: BTreeMap<FieldName, Value> = reads.map(|name| (name.clone(), Value::text(others))).collect();
    fields.insert(rule.name(system).clone(), value.clone());
    Record::new(RecordId(0), Timestamp(0), fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::transform::{Case, Join, Split, Step};
    use crate::mapping::{Direction, FieldMapping, defaults};
    use crate::model::{BySystem, FieldKind, ObjectKind, Schema};

    fn rule(to_connectwise: Vec<Step>, to_hubspot: Vec<Step>) -> FieldRule {
        let mut mapping = FieldMapping { direction: Direction::Both, ..defaults::company().fields[3].clone() };
        (mapping.hubspot, mapping.connectwise, mapping.kind) = ("first".into(), "whole".into(), FieldKind::Text);
        (mapping.values, mapping.max_length) = (None, BySystem::default());
        mapping.transform.to_connectwise = to_connectwise;
        mapping.transform.to_hubspot = to_hubspot;
        let schema = |system| Schema { system, object: ObjectKind::Contact, fields: Vec::new() };
        FieldRule::new(&mapping, &BySystem::from_fn(schema))
    }

    fn join() -> Step {
        Step::Join(Join { with: " ".into(), fields: vec!["first".into(), "last".into()] })
    }

    fn part(part: i32) -> Step {
        Step::Split(Split { at: " ".into(), part })
    }

    #[test]
    fn what_never_comes_to_rest_is_found_with_the_values_it_goes_through() {
        let grows = rule(vec![Step::Template("{value}!".into())], vec![]);
        let way = restless(&grows, &[], &[]).map(|way| way.in_words());
        assert_eq!(
            way.as_deref(),
            Some(
                "HubSpot \"Ada Lovelace\" → ConnectWise \"Ada Lovelace!\" → HubSpot \"Ada Lovelace!\" → ConnectWise \"Ada Lovelace!!\" → HubSpot \"Ada Lovelace!!\""
            )
        );
        assert!(restless(&rule(vec![join()], vec![]), &[], &[]).is_some(), "the last name is added each time");
        assert!(restless(&rule(vec![], vec![Step::Template("{value}!".into())]), &[], &[]).is_some());
    }

    #[test]
    fn what_comes_to_rest_is_let_through() {
        for (there, back) in [
            (vec![], vec![]),
            (vec![Step::Case(Case::Upper)], vec![]),
            (vec![Step::Case(Case::Upper)], vec![Step::Case(Case::Lower)]),
            (vec![join()], vec![part(1)]),
            (vec![Step::Default("n/a".into())], vec![]),
            (vec![Step::Phone], vec![Step::Phone]),
        ] {
            let found = restless(&rule(there.clone(), back.clone()), &[], &[]);
            assert_eq!(found, None, "{there:?} {back:?}");
        }
    }

    #[test]
    fn what_is_lost_on_the_way_back_is_found_and_given_values_are_tried_first() {
        assert_eq!(lossy(&rule(vec![Step::Trim], vec![]), &[], &[]), None);
        let first = rule(vec![part(1)], vec![]);
        let held = [(System::HubSpot, Value::text("Grace Hopper"))];
        let way = lossy(&first, &[], &held).map(|way| way.in_words());
        assert_eq!(way.as_deref(), Some("HubSpot \"Grace Hopper\" → ConnectWise \"Grace\" → HubSpot \"Grace\""));
    }
}
