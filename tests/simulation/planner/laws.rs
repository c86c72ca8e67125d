//! What must hold of comparing and carrying values: N1 to N4, for each kind of field.

use lockstep::mapping::convert::{Said, arrives, convert};
use lockstep::mapping::normalise::normalise_as;
use lockstep::mapping::references::Partners;
use lockstep::mapping::transform::{Case, Step};
use lockstep::mapping::{
    ClearPolicy, Defaults, Direction, FieldMapping, FieldRule, Overflow, SystemOfRecord, Transforms,
};
use lockstep::model::{BySystem, FieldDef, FieldKind, FieldName, ObjectKind, Schema, System, Timestamp, Value};
use proptest::prelude::*;

/// A field of each kind, with and without a limit to its length.
pub fn fields() -> Vec<FieldRule> {
    let limits = [BySystem::default(), BySystem::new(None, Some(12)), BySystem::new(Some(8), Some(20))];
    let each = |kind| {
        limits
            .iter()
            .flat_map(move |limit| [Overflow::Hold, Overflow::Cut].map(|overflow| field(kind, overflow, *limit)))
    };
    FieldKind::VALUES.into_iter().flat_map(each).chain(transformed()).collect()
}

/// Fields whose values are changed on their way to ConnectWise, by steps that a two-way field may have.
fn transformed() -> impl Iterator<Item = FieldRule> {
    let texts = [FieldKind::Text, FieldKind::LongText, FieldKind::Phone, FieldKind::Url, FieldKind::Email];
    let script = || Step::Script("typeof value === 'string' ? value.trim().toLowerCase() : value".to_owned());
    let of_texts = [
        vec![Step::Trim],
        vec![Step::Case(Case::Upper)],
        vec![Step::Trim, Step::Case(Case::Title)],
        vec![Step::Phone],
        vec![script()],
    ];
    let of_texts = texts.into_iter().flat_map(move |kind| of_texts.clone().map(|steps| (kind, steps)));
    let of_numbers = [vec![Step::Number(2)], vec![Step::Number(0), script()]].map(|steps| (FieldKind::Number, steps));
    of_texts.chain(of_numbers).map(|(kind, steps)| {
        let transform = Transforms { to_connectwise: steps, ..Transforms::default() };
        made(FieldMapping { transform, ..mapping(kind, Overflow::Hold, BySystem::default()) })
    })
}

fn field(kind: FieldKind, overflow: Overflow, max_length: BySystem<Option<u32>>) -> FieldRule {
    made(mapping(kind, overflow, max_length))
}

fn mapping(kind: FieldKind, overflow: Overflow, max_length: BySystem<Option<u32>>) -> FieldMapping {
    FieldMapping {
        hubspot: "h".into(),
        connectwise: "c".into(),
        kind,
        direction: Direction::Both,
        wins: SystemOfRecord::Latest,
        empty: ClearPolicy::Fill,
        overflow,
        max_length,
        default: Defaults::default(),
        transform: Transforms::default(),
        values: None,
    }
}

fn made(mapping: FieldMapping) -> FieldRule {
    let kind = mapping.kind;
    let schema = |system, name: &str| Schema {
        system,
        object: ObjectKind::Company,
        fields: vec![FieldDef {
            name: FieldName::new(name),
            label: name.to_owned(),
            kind,
            read_only: false,
            required: false,
            unique: false,
            max_length: None,
            custom: false,
            options: Vec::new(),
        }],
    };
    FieldRule::new(&mapping, &BySystem::new(schema(System::HubSpot, "h"), schema(System::ConnectWise, "c")))
}

/// What an API may answer with, and some of what it should not.
pub fn raw() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "\\PC{0,24}",
        "[ \t\r\n]{0,3}",
        "[0-9 .;+x()-]{0,16}",
        "[a-zA-Z0-9.@:/?#_ -]{0,24}",
        "(https?://)?(www\\.)?[a-z]{1,6}\\.(com|example)(:[0-9]{2})?(/[a-zA-Z]{0,4}){0,3}/?",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?Z)?",
        "(true|FALSE|Yes|no|1|0)",
        "([a-c]{1,2}; ?){0,4}",
        "[aeou\u{301}\u{308}\u{e9}ß\u{130}İ]{0,6}",
    ];
    prop_oneof![
        1 => Just(Value::Empty),
        12 => text.prop_map(Value::Text),
        2 => (any::<i32>(), 0..4_u32).prop_map(|(n, scale)| Value::Number(rust_decimal::Decimal::new(i64::from(n), scale))),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => (0..4_000_000_000_000_i64).prop_map(|ms| Value::DateTime(Timestamp(ms))),
        1 => "[a-z0-9]{0,4}".prop_map(Value::Choice),
    ]
}

/// The value as it arrives over there: none where it does not fit.
fn carried(rule: &FieldRule, from: System, raw: &Value) -> Option<Value> {
    convert(rule, from, Said::alone(raw), &Value::Empty, &Partners::default()).ok()
}

pub fn hold(rule: &FieldRule, raw: &Value) -> Result<(), String> {
    let kind = rule.mapping.kind;
    let normal = |value: &Value| normalise_as(kind, value);
    let once = normal(raw);
    let law = |name: &str, holds: bool, text: String| {
        if holds { Ok(()) } else { Err(format!("{name} {kind:?} {:?}: {text}", rule.mapping.max_length)) }
    };
    law("n1_idempotent", normal(&once) == once, format!("{once:?} becomes {:?}", normal(&once)))?;
    let is_nothing = raw.to_plain().trim().is_empty();
    law("n4_emptiness", !is_nothing || once == Value::Empty, format!("{raw:?} is {once:?}"))?;
    law("n4_emptiness", !once.is_empty() || once == Value::Empty, format!("{raw:?} is {once:?}, and not Empty"))?;
    for from in System::BOTH {
        // no system holds more than it takes
        let too_long =
            |limit: u32| once.to_plain().chars().count().max(raw.to_plain().chars().count()) > limit as usize;
        if rule.mapping.max_length[from].is_some_and(too_long) {
            continue;
        }
        let Some(there) = carried(rule, from, raw) else { continue };
        law("n4_emptiness", once.is_empty() == there.is_empty(), format!("{raw:?} of {from} crosses as {there:?}"))?;
        // what was written and is read back is not a change
        let stable = arrives(rule, from, Said::alone(raw), &there, &Partners::default());
        law("n2_stable_read", stable, format!("{raw:?} of {from} arrives as {there:?} and differs from itself"))?;
        let there_normal = normal(&there);
        let again = carried(rule, from, raw).map(|value| normal(&value));
        law("n2_stable_read", again.as_ref() == Some(&there_normal), format!("{there_normal:?}, then {again:?}"))?;
        // there, back and there again: nothing moves any more
        let Some(back) = carried(rule, from.other(), &there) else { continue };
        let Some(third) = carried(rule, from, &back) else {
            return Err(format!(
                "n3_no_cycle {kind:?}: {raw:?} of {from} crossed once as {there:?}, and {back:?} cannot"
            ));
        };
        // what a transform made of a value on its way back, it makes no more of
        let turned = !rule.mapping.transform.is_empty();
        let Some(fourth) = carried(rule, from.other(), &third) else { continue };
        let stays = if turned { normal(&fourth) == normal(&back) } else { normal(&third) == there_normal };
        law("n3_no_cycle", stays, format!("{raw:?} of {from}: {there:?}, back {back:?}, then {third:?}"))?;
    }
    Ok(())
}
