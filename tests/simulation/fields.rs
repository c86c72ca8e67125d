//! The mapping under test: one field for each kind of rule, with the schemas of both sides.
//! Few fields and few keys, so that everything collides.

use lockstep::mapping::needs::retired;
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
    /// The company that a contact belongs to.
    Reference,
}

/// One field mapping.
#[derive(Debug)]
pub struct Spec {
    pub object: ObjectKind,
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
    Spec { object: ObjectKind::Company, hubspot: names.0, connectwise: names.1, shape, direction, wins, empty }
}

const fn of_product(spec: Spec) -> Spec {
    Spec { object: ObjectKind::Product, ..spec }
}

const fn of_contact(spec: Spec) -> Spec {
    Spec { object: ObjectKind::Contact, ..spec }
}

use ClearPolicy::{Clear, Fill};
use Direction::{Both, ToConnectwise, ToHubspot};
use SystemOfRecord::{Ask, ConnectWise, HubSpot, Latest};

/// Every field mapping, those of companies first; names are unique over both objects.
pub const SPECS: [Spec; 19] = [
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
    of_contact(spec(("firstname", "firstName"), Shape::Name, Both, Latest, Fill)),
    of_contact(spec(("email", "communications/1"), Shape::Key, Both, HubSpot, Fill)),
    of_contact(spec(("associatedcompanyid", "company"), Shape::Reference, Both, Latest, Fill)),
    of_contact(spec(("jobtitle", "title"), Shape::Text, Both, Latest, Fill)),
    of_contact(spec(("c_ask", "cAsk"), Shape::Text, Both, Ask, Clear)),
    of_product(spec(("p_name", "description"), Shape::Name, ToHubspot, ConnectWise, Fill)),
    of_product(spec(("hs_sku", "pIdentifier"), Shape::Key, ToHubspot, ConnectWise, Fill)),
    of_product(spec(("price", "pPrice"), Shape::Number, ToHubspot, ConnectWise, Fill)),
];

/// The objects in play, parents first.
pub const OBJECTS: [ObjectKind; 3] = [ObjectKind::Company, ObjectKind::Contact, ObjectKind::Product];

/// How many fields there are.
pub const COUNT: usize = SPECS.len();
/// How many of them companies have.
pub const COMPANY_COUNT: usize = 11;
/// The fields of companies that every scenario has.
pub const ALWAYS: u32 = 0b11;
/// The fields of contacts.
pub const CONTACTS: u32 = 0b11111 << COMPANY_COUNT;
/// The fields of products.
pub const PRODUCTS: u32 = 0b111 << (COMPANY_COUNT + 5);
/// Those that every scenario with contacts has.
const ALWAYS_OF_CONTACTS: u32 = 0b111 << COMPANY_COUNT;

/// The mask with all that belongs to it.
pub const fn complete(mask: u32) -> u32 {
    let contacts = if mask & CONTACTS == 0 { 0 } else { ALWAYS_OF_CONTACTS };
    let products = if mask & PRODUCTS == 0 { 0 } else { PRODUCTS };
    mask | ALWAYS | contacts | products
}

/// The places of an object's fields in a mask.
pub fn places(object: ObjectKind, mask: u32) -> impl Iterator<Item = usize> {
    (0..COUNT).filter(move |at| SPECS[*at].object == object && complete(mask) & (1 << at) != 0)
}

/// The name, the match key and the company among an object's fields.
pub fn place_of(object: ObjectKind, shape: Shape) -> Option<usize> {
    SPECS.iter().position(|spec| spec.object == object && spec.shape == shape)
}

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
        !matches!(self.shape, Shape::Key | Shape::Reference)
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
            (Shape::Reference, System::HubSpot) => Value::Text(n.to_string()),
            (Shape::Reference, System::ConnectWise) => Value::Choice(n.to_string()),
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
            Shape::Reference => FieldKind::Reference(ObjectKind::Company),
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

fn schema(object: ObjectKind, system: System) -> Schema {
    let specs = SPECS.iter().filter(|spec| spec.object == object);
    let mut fields: Vec<FieldDef> = specs.map(|spec| spec.definition(system)).collect();
    match system {
        System::HubSpot => {
            let stamp = FieldDef { unique: true, custom: true, ..plain_field("connectwise_key", FieldKind::Text) };
            fields.push(stamp);
        }
        System::ConnectWise if object != ObjectKind::Company => {
            fields.push(FieldDef { custom: true, ..plain_field("customFields/1", FieldKind::Text) });
            fields.extend(retired(object, system).map(|name| plain_field(name, FieldKind::Bool)));
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
    Schema { system, object, fields }
}

/// The schemas of both systems.
pub fn schemas() -> Vec<BySystem<Schema>> {
    OBJECTS.map(|object| BySystem::from_fn(|system| schema(object, system))).into()
}

/// The configuration with the fields of the mask and that clockwork.
pub fn config(mask: u32, clockwork: &Clockwork) -> Config {
    let objects = OBJECTS.into_iter().filter(|object| places(*object, mask).next().is_some());
    Config {
        guards: lockstep::mapping::Guards::default(),
        timing: clockwork.timing(),
        objects: objects.map(|object| object_mapping(object, mask)).collect(),
    }
}

fn object_mapping(object: ObjectKind, mask: u32) -> ObjectMapping {
    let rule = |shape, by| {
        let spec = place_of(object, shape).map(|at| &SPECS[at]);
        spec.map(|spec| MatchRule { hubspot: spec.hubspot.into(), connectwise: spec.connectwise.into(), by })
    };
    // no two names of users are the same: a company without a key is recognised by nothing, and takes part all the same
    let matching = match object {
        ObjectKind::Company => [rule(Shape::Key, MatchBy::Host), rule(Shape::Name, MatchBy::Text)],
        _ => [rule(Shape::Key, MatchBy::Text), None],
    };
    ObjectMapping {
        object,
        direction: if object == ObjectKind::Product { ToHubspot } else { Both },
        create: CreatePolicy::default(),
        conflict_tie: ConflictTie::HubSpot,
        hubspot_stamp: "connectwise_key".into(),
        connectwise_stamp: Some("customFields/1".into()),
        activity_types: Vec::new(),
        filters: Filters::default(),
        exclude: Exclusions::default(),
        matching: matching.into_iter().flatten().collect(),
        fields: places(object, mask).map(|at| SPECS[at].mapping()).collect(),
    }
}

/// The rules of a scenario, compiled through the public door.
///
/// # Panics
/// When the configuration does not compile: then nothing can be tested.
pub fn rules(mask: u32, clockwork: &Clockwork, schemas: &[BySystem<Schema>]) -> Rules {
    match Rules::compile(config(mask, clockwork), ConfigVersion(1), schemas) {
        Ok(rules) => rules,
        Err(reasons) => panic!("the configuration of the simulation does not compile: {reasons:?}"),
    }
}
