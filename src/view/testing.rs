//! Small worlds for the tests of this room.

use std::collections::BTreeMap;

use crate::engine::core::plan::{FieldNext, FieldPlan, PairDecision, PairPlan, Scope, ScopeClause};
use crate::engine::core::state::{Agreed, Issue, IssueClass, Link, LinkOrigin, LinkState, Observation};
use crate::filter::Answer;
use crate::mapping::FieldKey;
use crate::model::{
    BySystem, ChoiceOption, FieldDef, FieldKind, FieldName, LinkId, ObjectKind, Record, RecordId, RecordRef, Schema,
    System, Timestamp, Value,
};

pub const NOW: Timestamp = Timestamp(1_795_170_000_000);

pub fn text_field(name: &str) -> FieldDef {
    FieldDef {
        name: name.into(),
        label: name.into(),
        kind: FieldKind::Text,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: Vec::new(),
    }
}

pub fn choice_field(name: &str, options: &[(&str, &str)]) -> FieldDef {
    let options = options.iter().map(|(key, label)| ChoiceOption {
        key: (*key).into(),
        label: (*label).into(),
        inactive: false,
        ..ChoiceOption::default()
    });
    FieldDef { kind: FieldKind::Choice, options: options.collect(), ..text_field(name) }
}

pub fn schemas() -> BySystem<Schema> {
    let labelled = |name: &str, label: &str| FieldDef { label: label.into(), ..text_field(name) };
    let make = |system, mut fields: Vec<FieldDef>| {
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        Schema { system, object: ObjectKind::Company, fields }
    };
    BySystem::new(
        make(
            System::HubSpot,
            vec![
                labelled("city", "City"),
                labelled("name", "Name"),
                labelled("phone", "Phone"),
                choice_field("type", &[("CUSTOMER", "Customer")]),
                labelled("zip", "Zip"),
            ],
        ),
        make(
            System::ConnectWise,
            vec![
                labelled("city", "City"),
                labelled("name", "Name"),
                labelled("phoneNumber", "Phone"),
                choice_field("type", &[("1", "Client")]),
                labelled("zip", "Zip"),
            ],
        ),
    )
}

/// A field plan; `agreed` none: never agreed.
pub fn field(
    names: (&str, &str),
    hubspot: Value,
    agreed: Option<(Value, Value)>,
    connectwise: Value,
    next: FieldNext,
) -> FieldPlan {
    let (left, right) = (FieldName::new(names.0), FieldName::new(names.1));
    let changed = agreed.as_ref().map_or(BySystem::new(true, true), |(agreed_left, agreed_right)| {
        BySystem::new(*agreed_left != hubspot, *agreed_right != connectwise)
    });
    FieldPlan {
        key: FieldKey::new(&left, &right),
        names: BySystem::new(left, right),
        values: BySystem::new(hubspot, connectwise),
        agreed: agreed.map(|(hubspot, connectwise)| Agreed {
            hubspot,
            connectwise,
            at: NOW_AGREED,
            supposed: false,
            beside: BySystem::default(),
        }),
        changed,
        next,
        rule: "Rule: ask".into(),
    }
}

/// 2026-11-20 09:14 UTC.
pub const NOW_AGREED: Timestamp = Timestamp(1_795_166_040_000);

fn text(value: &str) -> Value {
    Value::text(value)
}

fn both(value: &str) -> Option<(Value, Value)> {
    Some((text(value), text(value)))
}

/// The company of the sketch: phone in conflict, city to be written, zip to be written back, type mapped.
pub fn acme() -> PairPlan {
    let write = |to, value: &str| FieldNext::Write { to, value: text(value), loser: None };
    PairPlan {
        object: ObjectKind::Company,
        hubspot: Some(RecordId(18_273_645)),
        connectwise: Some(RecordId(4021)),
        link: Some(LinkId(9)),
        name: "Acme Dental Group".into(),
        decision: PairDecision::InStep,
        fields: vec![
            field(
                ("name", "name"),
                text("Acme Dental Group"),
                both("Acme Dental Group"),
                text("Acme Dental Group"),
                FieldNext::Same,
            ),
            field(
                ("phone", "phoneNumber"),
                text("+1 555 0100"),
                both("+1 555 0000"),
                text("+1 555 0199"),
                FieldNext::Decide,
            ),
            field(
                ("city", "city"),
                text("Austin"),
                both("Dallas"),
                text("Dallas"),
                write(System::ConnectWise, "Austin"),
            ),
            field(("zip", "zip"), text("75001"), both("75001"), text("73301"), write(System::HubSpot, "73301")),
            field(
                ("type", "type"),
                Value::Choice("CUSTOMER".into()),
                Some((Value::Choice("CUSTOMER".into()), Value::Choice("1".into()))),
                Value::Choice("1".into()),
                FieldNext::Same,
            ),
        ],
        scope: BySystem::from_fn(|_| Scope {
            answer: Answer::Pass,
            clauses: vec![
                ScopeClause { standard: true, text: "not deleted".into(), answer: Answer::Pass, value: "no".into() },
                ScopeClause { standard: false, text: "type in (1)".into(), answer: Answer::Pass, value: "1".into() },
            ],
            turns: None,
        }),
        issues: vec![conflict()],
        trace: Vec::new(),
    }
}

pub fn company(system: System, id: u64) -> RecordRef {
    RecordRef::new(ObjectKind::Company, system, RecordId(id))
}

pub fn conflict() -> Issue {
    Issue {
        record: company(System::HubSpot, 18_273_645),
        class: IssueClass::Conflict,
        field: Some(FieldKey::from_stored("phone~phoneNumber")),
        link: Some(LinkId(9)),
        message: "Both sides changed Phone.".into(),
        hint: "Take one of the two values.".into(),
        fingerprint: 1,
        attempts: 0,
        next_try: Timestamp::MAX,
        first: NOW_AGREED,
        last: NOW_AGREED,
    }
}

pub fn link() -> Link {
    Link {
        id: LinkId(9),
        object: ObjectKind::Company,
        hubspot: RecordId(18_273_645),
        connectwise: RecordId(4021),
        state: LinkState::Active,
        origin: LinkOrigin::Match("domain = website".into()),
        created: Timestamp(1_772_445_600_000),
        baseline: BTreeMap::new(),
        recent: BTreeMap::new(),
        own: BySystem::default(),
    }
}

pub fn observation(of: RecordRef, seconds_ago: i64, by: Option<&str>) -> Observation {
    Observation {
        of,
        record: Record {
            id: of.id,
            modified: Timestamp(NOW.0 - 600_000),
            archived: false,
            fields: BTreeMap::new(),
            stamp: None,
            merged: Vec::new(),
            modified_by: by.map(str::to_owned),
            untouched: false,
        },
        seen: Timestamp(NOW.0 - seconds_ago * 1000),
        keys: Vec::new(),
        gone: false,
        merged_into: None,
    }
}
