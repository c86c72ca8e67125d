//! The mapping under test: one field for each kind of rule, with the schemas of both sides.
//! Few fields and few keys, so that everything collides.

use lockstep::mapping::needs::retired;
use lockstep::mapping::references::{ALL_CONTACTS, DEAL_COMPANY, TICKET_COMPANY};
use lockstep::mapping::stages::{BOARD_AND_STATUS, STAGE_AND_STATUS};
use lockstep::mapping::{
    AutoPairs, ClearPolicy, Config, ConflictTie, CreatePolicy, Defaults, Direction, Exclusions, FieldKey, FieldMapping,
    Filters, Guards, MatchBy, MatchRule, ObjectMapping, Overflow, Rules, SystemOfRecord, Unmapped, ValueMap, ValuePair,
};
use lockstep::model::{
    BySystem, ChoiceOption, ConfigVersion, FieldDef, FieldKind, FieldName, ObjectKind, Schema, System, Value,
};
use rust_decimal::Decimal;

use crate::scenario::Clockwork;
use crate::standing;

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
    /// The company that a record belongs to.
    Reference,
    /// What a deal or a ticket is called, and recognised by within its company: few values, never emptied.
    Title,
    /// Where a deal or a ticket stands: never emptied.
    Stage,
    Day,
    /// The contacts of a deal or a ticket: all of them in HubSpot, one in ConnectWise.
    Contacts,
    /// A text that ConnectWise takes with a new record, and shows nowhere.
    Once,
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

const fn of_deal(spec: Spec) -> Spec {
    Spec { object: ObjectKind::Deal, ..spec }
}

const fn of_ticket(spec: Spec) -> Spec {
    Spec { object: ObjectKind::Ticket, ..spec }
}

use ClearPolicy::{Clear, Fill};
use Direction::{Both, ToConnectwise, ToHubspot};
use SystemOfRecord::{Ask, ConnectWise, HubSpot, Latest};

/// Every field mapping, those of companies first.
pub const SPECS: [Spec; 32] = [
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
    of_deal(spec(("dealname", "name"), Shape::Title, Both, Latest, Fill)),
    of_deal(spec(("dealstage", STAGE_AND_STATUS), Shape::Stage, Both, HubSpot, Fill)),
    of_deal(spec(("hubspot_owner_id", "primarySalesRep"), Shape::Choice, Both, HubSpot, Fill)),
    of_deal(spec(("closedate", "expectedCloseDate"), Shape::Day, Both, Latest, Fill)),
    of_deal(spec((DEAL_COMPANY, "company"), Shape::Reference, Both, ConnectWise, Fill)),
    of_deal(spec((ALL_CONTACTS, "contact"), Shape::Contacts, Both, ConnectWise, Fill)),
    of_deal(spec(("amount", "amount"), Shape::Number, Both, HubSpot, Fill)),
    of_ticket(spec(("subject", "summary"), Shape::Title, Both, Latest, Fill)),
    of_ticket(spec(("hs_pipeline_stage", BOARD_AND_STATUS), Shape::Stage, Both, ConnectWise, Fill)),
    of_ticket(spec((TICKET_COMPANY, "company"), Shape::Reference, Both, ConnectWise, Fill)),
    of_ticket(spec((ALL_CONTACTS, "contact"), Shape::Contacts, Both, ConnectWise, Fill)),
    of_ticket(spec(("content", "initialDescription"), Shape::Once, ToConnectwise, HubSpot, Fill)),
    of_ticket(spec(("t_text", "tText"), Shape::Text, Both, Latest, Fill)),
];

/// The objects in play, parents first.
pub const OBJECTS: [ObjectKind; 5] =
    [ObjectKind::Company, ObjectKind::Contact, ObjectKind::Deal, ObjectKind::Ticket, ObjectKind::Product];

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
/// The fields of deals.
pub const DEALS: u32 = 0b111_1111 << (COMPANY_COUNT + 8);
/// The fields of tickets.
pub const TICKETS: u32 = 0b11_1111 << (COMPANY_COUNT + 15);
/// Those that every scenario with contacts has.
const ALWAYS_OF_CONTACTS: u32 = 0b111 << COMPANY_COUNT;
/// Those that every scenario with deals has: ConnectWise takes no deal without them.
const ALWAYS_OF_DEALS: u32 = 0b11_1111 << (COMPANY_COUNT + 8);
/// Those that every scenario with tickets has.
const ALWAYS_OF_TICKETS: u32 = 0b111 << (COMPANY_COUNT + 15);

/// The contacts of tickets: they are in play where contacts are.
const CONTACTS_OF_TICKETS: u32 = 1 << (COMPANY_COUNT + 18);

/// The mask with all that belongs to it.
pub const fn complete(mask: u32) -> u32 {
    // a deal points to contacts, and a ticket to those that there are
    let deals = if mask & DEALS == 0 { 0 } else { ALWAYS_OF_DEALS | ALWAYS_OF_CONTACTS };
    let tickets = if mask & TICKETS == 0 { 0 } else { ALWAYS_OF_TICKETS };
    let contacts = if mask & CONTACTS == 0 { 0 } else { ALWAYS_OF_CONTACTS };
    let products = if mask & PRODUCTS == 0 { 0 } else { PRODUCTS };
    let to_contacts = if mask & (CONTACTS | DEALS) == 0 { CONTACTS_OF_TICKETS } else { 0 };
    (mask | ALWAYS | deals | tickets | contacts | products) & !to_contacts
}

/// The places of an object's fields in a mask.
pub fn places(object: ObjectKind, mask: u32) -> impl Iterator<Item = usize> {
    (0..COUNT).filter(move |at| SPECS[*at].object == object && complete(mask) & (1 << at) != 0)
}

/// The one field of that shape among an object's fields, such as the name, the match key or the company.
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
        matches!(self.shape, Shape::Name | Shape::Text | Shape::Number | Shape::Choice | Shape::Day)
    }

    /// The object that it points to.
    pub const fn parent(&self) -> Option<ObjectKind> {
        match self.shape {
            Shape::Reference => Some(ObjectKind::Company),
            Shape::Contacts => Some(ObjectKind::Contact),
            _ => None,
        }
    }

    /// Whether users of that system may empty it.
    pub fn may_be_emptied(&self, system: System) -> bool {
        match (self.object, system) {
            (ObjectKind::Deal, System::ConnectWise) => self.shape == Shape::Number,
            (ObjectKind::Ticket, System::ConnectWise) if self.shape == Shape::Reference => false,
            _ => !matches!(self.shape, Shape::Name | Shape::Title | Shape::Stage),
        }
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
            (Shape::Title, _) => Value::Text(format!("Renewal {}", n % 4)),
            (Shape::Stage, _) => standing::value(self.object, system, n),
            (Shape::Day, System::HubSpot) => Value::Text(day(n).to_string()),
            (Shape::Day, System::ConnectWise) => Value::Date(day(n)),
            (Shape::Text, System::HubSpot) if n.is_multiple_of(7) => Value::Text(format!(" v{n} x ")),
            (Shape::Text | Shape::Once, _) => Value::Text(format!("v{n}")),
            (Shape::Number, System::HubSpot) if n.is_multiple_of(2) => Value::Text(format!("{n}.50")),
            (Shape::Number, System::HubSpot) => Value::Text(n.to_string()),
            (Shape::Number, System::ConnectWise) => Value::Number(Decimal::from(n)),
            (Shape::Reference | Shape::Contacts, System::HubSpot) => Value::Text(n.to_string()),
            (Shape::Reference | Shape::Contacts, System::ConnectWise) => Value::Choice(n.to_string()),
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
            (Shape::Stage, _) => standing::meaning(self.object, system, &plain),
            _ => plain.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }

    const fn kind(&self) -> FieldKind {
        match self.shape {
            Shape::Name | Shape::Key | Shape::Text | Shape::Title | Shape::Once => FieldKind::Text,
            Shape::Number => FieldKind::Number,
            Shape::Choice | Shape::Stage => FieldKind::Choice,
            Shape::Day => FieldKind::Date,
            Shape::Reference => FieldKind::Reference(ObjectKind::Company),
            Shape::Contacts => FieldKind::Reference(ObjectKind::Contact),
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
            default: self.default(),
            values: match self.shape {
                Shape::Choice => Some(options_map()),
                Shape::Stage => {
                    Some(ValueMap { auto: Some(AutoPairs::Label), unmapped: Unmapped::Hold, pairs: Vec::new() })
                }
                _ => None,
            },
        }
    }

    /// New tickets begin on the first board.
    fn default(&self) -> Defaults {
        let home = (self.object, self.shape) == (ObjectKind::Ticket, Shape::Stage);
        Defaults { hubspot: None, connectwise: home.then(|| "1/".to_owned()) }
    }

    fn definition(&self, system: System) -> FieldDef {
        let mut field = plain_field(self.name(system), self.kind());
        field.required = self.shape == Shape::Name && system == System::ConnectWise;
        if self.shape == Shape::Choice {
            field.options = (0..OPTIONS).map(|n| option(system, n)).collect();
        }
        if self.shape == Shape::Stage && system == System::HubSpot {
            field.options = standing::stage_options(self.object);
        }
        field
    }
}

/// The index of an object's field by its name in a system.
pub fn index_of(object: ObjectKind, system: System, name: &str) -> Option<usize> {
    SPECS.iter().position(|spec| spec.object == object && spec.name(system) == name)
}

/// The `n`-th day of this century.
fn day(n: u32) -> jiff::civil::Date {
    jiff::civil::date(2000, 1, 1).saturating_add(jiff::Span::new().days(n))
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
    for (name, options) in standing::fields(object, system) {
        fields.push(FieldDef { options, ..plain_field(name, FieldKind::Choice) });
    }
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

/// The configuration with the fields of the mask, that clockwork and those guards.
pub fn config(mask: u32, clockwork: &Clockwork, guards: &Guards) -> Config {
    let objects = OBJECTS.into_iter().filter(|object| places(*object, mask).next().is_some());
    Config {
        guards: guards.clone(),
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
        ObjectKind::Deal | ObjectKind::Ticket => [rule(Shape::Title, MatchBy::CompanyText), None],
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
        activity_status: None,
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
pub fn rules(mask: u32, clockwork: &Clockwork, guards: &Guards, schemas: &[BySystem<Schema>]) -> Rules {
    match Rules::compile(config(mask, clockwork, guards), ConfigVersion(1), schemas) {
        Ok(rules) => rules,
        Err(reasons) => panic!("the configuration of the simulation does not compile: {reasons:?}"),
    }
}
