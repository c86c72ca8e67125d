//! The mapping under test: one field for each kind of rule, with the schemas of both sides.
//! Few fields and few keys, so that everything collides.

use lockstep::mapping::{
    ClearPolicy, Config, ConflictTie, CreatePolicy, Defaults, Direction, Exclusions, FieldKey, FieldMapping, Filters,
    MatchBy, MatchRule, ObjectMapping, Overflow, Rules, SystemOfRecord, Unmapped, ValueMap, ValuePair,
};
use lockstep::model::{
    BySystem, ChoiceOption, ConfigVersion, FieldDef, FieldKind, FieldName, ObjectKind, Schema, System, Value,
};
use rust_decimal::Decimal;

use crate::scenario::Clockwork;

/// How users fill a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The company's name: never emptied.
    Name,
    /// The match key: few values, shared on purpose.
    Key,
    Text,
    Number,
    Choice,
}

/// One field mapping.
#[derive(Debug)]
pub struct Spec {
    pub hubspot: &'static str,
    pub connectwise: &'static str,
    pub shape: Shape,
    pub direction: Direction,
    pub wins: SystemOfRecord,
    pub empty: ClearPolicy,
}

const fn spec(
    names: (&'static str, &'static str),
    shape: Shape,
    direction: Direction,
    wins: SystemOfRecord,
    empty: ClearPolicy,
) -> Spec {
    Spec { hubspot: names.0, connectwise: names.1, shape, direction, wins, empty }
}

use ClearPolicy::{Clear, Fill};
use Direction::{Both, ToConnectwise, ToHubspot};
use SystemOfRecord::{Ask, ConnectWise, HubSpot, Latest};

/// Every field mapping; the first two are part of every scenario.
pub const SPECS: [Spec; 11] = [
    spec(("name", "name"), Shape::Name, Both, Latest, Fill),
    spec(("domain", "website"), Shape::Key, Both, HubSpot, Fill),
    spec(("t_hubspot", "tHubspot"), Shape::Text, Both, HubSpot, Fill),
    spec(("t_connectwise", "tConnectwise"), Shape::Text, Both, ConnectWise, Fill),
    spec(("t_latest", "tLatest"), Shape::Text, Both, Latest, Fill),
    spec(("t_ask", "tAsk"), Shape::Text, Both, Ask, Fill),
    spec(("t_out", "tOut"), Shape::Text, ToConnectwise, HubSpot, Fill),
    spec(("t_in", "tIn"), Shape::Text, ToHubspot, ConnectWise, Fill),
    spec(("number", "number"), Shape::Number, Both, Latest, Fill),
    spec(("t_clear", "tClear"), Shape::Text, Both, Latest, Clear),
    spec(("choice", "choice"), Shape::Choice, Both, ConnectWise, Fill),
];

/// How many fields there are.
pub const COUNT: usize = SPECS.len();
/// The fields that every scenario has.
pub const ALWAYS: u16 = 0b11;
const OPTIONS: u32 = 24;

impl Spec {
    pub const fn name(&self, system: System) -> &'static str {
        match system {
            System::HubSpot => self.hubspot,
            System::ConnectWise => self.connectwise,
        }
    }

    /// Whether the engine may write the field there.
    pub const fn writes(&self, system: System) -> bool {
        self.direction.writes(system)
    }

    /// Whether every value that users write is unlike all others, so that it tells its own story.
    pub const fn is_traceable(&self) -> bool {
        !matches!(self.shape, Shape::Key)
    }

    pub fn key(&self) -> FieldKey {
        FieldKey::new(&self.hubspot.into(), &self.connectwise.into())
    }

    /// The value number `n` as a user of that system writes it.
    pub fn value(&self, system: System, n: u32) -> Value {
        match (self.shape, system) {
            (Shape::Name, _) if n.is_multiple_of(5) => Value::Text(format!("A company with a long name {n}")),
            (Shape::Name, _) => Value::Text(format!("Company {n}")),
            (Shape::Key, _) => Value::Text(format!("k{}.test", n % 5)),
            (Shape::Text, System::HubSpot) if n.is_multiple_of(7) => Value::Text(format!(" v{n} x ")),
            (Shape::Text, _) => Value::Text(format!("v{n}")),
            (Shape::Number, System::HubSpot) if n.is_multiple_of(2) => Value::Text(format!("{n}.50")),
            (Shape::Number, System::HubSpot) => Value::Text(n.to_string()),
            (Shape::Number, System::ConnectWise) => Value::Number(Decimal::from(n)),
            (Shape::Choice, System::HubSpot) => Value::Text(format!("option_{}", n % OPTIONS)),
            (Shape::Choice, System::ConnectWise) => Value::Choice((n % OPTIONS + 1).to_string()),
        }
    }

    /// What a value of that system means, in words that are the same for both.
    pub fn canon(&self, system: System, value: &Value) -> String {
        let plain = value.to_plain();
        match (self.shape, system) {
            // no two values of users are the same without what is behind the point
            (Shape::Number, _) => plain.trim().parse::<Decimal>().map_or(plain, |n| n.trunc().to_string()),
            (Shape::Choice, System::HubSpot) => plain.trim_start_matches("option_").to_owned(),
            (Shape::Choice, System::ConnectWise) => {
                plain.parse::<u32>().map_or(plain, |id| id.wrapping_sub(1).to_string())
            }
            _ => plain.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }

    const fn kind(&self) -> FieldKind {
        match self.shape {
            Shape::Name | Shape::Key | Shape::Text => FieldKind::Text,
            Shape::Number => FieldKind::Number,
            Shape::Choice => FieldKind::Choice,
        }
    }

    fn mapping(&self) -> FieldMapping {
        FieldMapping {
            hubspot: self.hubspot.into(),
            connectwise: self.connectwise.into(),
            kind: self.kind(),
            direction: self.direction,
            wins: self.wins,
            empty: self.empty,
            overflow: Overflow::Hold,
            max_length: BySystem::default(),
            default: Defaults::default(),
            values: (self.shape == Shape::Choice).then(options_map),
        }
    }

    fn definition(&self, system: System) -> FieldDef {
        let mut field = plain_field(self.name(system), self.kind());
        field.required = self.shape == Shape::Name && system == System::ConnectWise;
        if self.shape == Shape::Choice {
            field.options = (0..OPTIONS).map(|n| option(system, n)).collect();
        }
        field
    }
}

/// The index of a field by its name in a system.
pub fn index_of(system: System, name: &str) -> Option<usize> {
    SPECS.iter().position(|spec| spec.name(system) == name)
}

/// The ConnectWise field that carries the generated company identifier.
pub const IDENTIFIER: &str = "identifier";

fn option(system: System, n: u32) -> ChoiceOption {
    let key = match system {
        System::HubSpot => format!("option_{n}"),
        System::ConnectWise => (n + 1).to_string(),
    };
    ChoiceOption { key, label: format!("Option {n}"), inactive: false, ..ChoiceOption::default() }
}

fn options_map() -> ValueMap {
    let pair = |n: u32| ValuePair { hubspot: format!("option_{n}"), connectwise: (n + 1).to_string() };
    ValueMap { auto: None, unmapped: Unmapped::Hold, pairs: (0..OPTIONS).map(pair).collect() }
}

fn plain_field(name: &str, kind: FieldKind) -> FieldDef {
    FieldDef {
        name: FieldName::new(name),
        label: name.to_owned(),
        kind,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: Vec::new(),
    }
}

fn schema(system: System) -> Schema {
    let mut fields: Vec<FieldDef> = SPECS.iter().map(|spec| spec.definition(system)).collect();
    match system {
        System::HubSpot => {
            let stamp = FieldDef { unique: true, custom: true, ..plain_field("connectwise_key", FieldKind::Text) };
            fields.push(stamp);
        }
        System::ConnectWise => {
            let mut identifier = plain_field(IDENTIFIER, FieldKind::Text);
            identifier.required = true;
            identifier.unique = true;
            identifier.max_length = Some(25);
            fields.push(identifier);
            fields.push(FieldDef { custom: true, ..plain_field("customFields/1", FieldKind::Text) });
        }
    }
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    Schema { system, object: ObjectKind::Company, fields }
}

/// The schemas of both systems.
pub fn schemas() -> BySystem<Schema> {
    BySystem::from_fn(schema)
}

/// The configuration with the fields of the mask and that clockwork.
pub fn config(mask: u16, clockwork: &Clockwork) -> Config {
    let chosen = SPECS.iter().enumerate().filter(|(at, _)| (mask | ALWAYS) & (1 << at) != 0);
    let companies = ObjectMapping {
        object: ObjectKind::Company,
        direction: Direction::Both,
        create: CreatePolicy::default(),
        conflict_tie: ConflictTie::HubSpot,
        hubspot_stamp: "connectwise_key".into(),
        connectwise_stamp: "customFields/1".into(),
        activity_types: Vec::new(),
        filters: Filters::default(),
        exclude: Exclusions::default(),
        matching: vec![MatchRule { hubspot: "domain".into(), connectwise: "website".into(), by: MatchBy::Host }],
        fields: chosen.map(|(_, spec)| spec.mapping()).collect(),
    };
    Config { guards: lockstep::mapping::Guards::default(), timing: clockwork.timing(), objects: vec![companies] }
}

/// The rules of a scenario, compiled through the public door.
///
/// # Panics
/// When the configuration does not compile: then nothing can be tested.
pub fn rules(mask: u16, clockwork: &Clockwork, schemas: &BySystem<Schema>) -> Rules {
    match Rules::compile(config(mask, clockwork), ConfigVersion(1), std::slice::from_ref(schemas)) {
        Ok(rules) => rules,
        Err(reasons) => panic!("the configuration of the simulation does not compile: {reasons:?}"),
    }
}
