//! The mapping under test: one field for each kind of rule, with the schemas of both sides.
//! Few fields and few keys, so that everything collides.

use lockstep::mapping::needs::retired;
use lockstep::mapping::references::{
    ACTIVITY_COMPANIES, ALL_CONTACTS, ALL_TICKETS, DEAL_COMPANY, DEAL_OF_LINE, MEETING_START, NOTES_OR_NAME,
    OPPORTUNITY_OF_LINE, START_OR_ENTERED, TICKET_COMPANY,
};
use lockstep::mapping::stages::{BOARD_AND_STATUS, STAGE_AND_STATUS};
use lockstep::mapping::{
    AutoPairs, ClearPolicy, Config, ConflictTie, CreatePolicy, Defaults, Direction, Exclusions, FieldKey, FieldMapping,
    Filters, Guards, MatchBy, MatchRule, ObjectMapping, Overflow, Rules, SystemOfRecord, Transforms, Unmapped,
    ValueMap, ValuePair,
};
use lockstep::model::{
    BySystem, ChoiceOption, ConfigVersion, FieldDef, FieldKind, FieldName, ObjectKind, Schema, System, Timestamp, Value,
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
    /// The name that ConnectWise gives a new note; a note of HubSpot has none.
    Called,
    /// A text with markup in HubSpot and without in ConnectWise.
    Words,
    /// When an activity happens. Never emptied.
    Moment,
    /// The deals that an activity is about: all of them in HubSpot, one in ConnectWise.
    Deals,
    Tickets,
    /// The deal of a line item.
    Deal,
    /// The product of a line item.
    Product,
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

const fn of_line(spec: Spec) -> Spec {
    Spec { object: ObjectKind::LineItem, ..spec }
}

const fn of(object: ObjectKind, spec: Spec) -> Spec {
    Spec { object, ..spec }
}

use ClearPolicy::{Clear, Fill};
use Direction::{Both, ToConnectwise, ToHubspot};
use ObjectKind::{Call, Meeting, Note, Task};
use SystemOfRecord::{Ask, ConnectWise, HubSpot, Latest};

/// Every field mapping, those of companies first.
pub const SPECS: [Spec; 61] = [
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
    of_line(spec(("name", "forecastDescription"), Shape::Title, ToHubspot, ConnectWise, Fill)),
    of_line(spec((DEAL_OF_LINE, OPPORTUNITY_OF_LINE), Shape::Deal, ToHubspot, ConnectWise, Fill)),
    of_line(spec(("hs_product_id", "catalogItem"), Shape::Product, ToHubspot, ConnectWise, Fill)),
    of_line(spec(("description", "productDescription"), Shape::Text, ToHubspot, ConnectWise, Fill)),
    of_line(spec(("price", "revenue/quantity"), Shape::Number, ToHubspot, ConnectWise, Fill)),
    of(Task, spec(("hs_task_subject", "name"), Shape::Title, Both, Latest, Fill)),
    of(Task, spec(("hs_timestamp", START_OR_ENTERED), Shape::Moment, Both, Latest, Fill)),
    of(Task, spec(("hubspot_owner_id", "assignTo"), Shape::Choice, Both, Latest, Fill)),
    of(Task, spec((ACTIVITY_COMPANIES, "company"), Shape::Reference, Both, ConnectWise, Fill)),
    of(Task, spec((ALL_CONTACTS, "contact"), Shape::Contacts, Both, ConnectWise, Fill)),
    of(Task, spec((DEAL_OF_LINE, "opportunity"), Shape::Deals, Both, ConnectWise, Fill)),
    of(Task, spec((ALL_TICKETS, "ticket"), Shape::Tickets, Both, ConnectWise, Fill)),
    of(Task, spec(("hs_task_body", "notes"), Shape::Words, Both, Latest, Fill)),
    of(Task, spec(("hs_task_status", "status"), Shape::Stage, Both, Latest, Fill)),
    of(Call, spec(("hs_call_title", "name"), Shape::Title, Both, Latest, Fill)),
    of(Call, spec(("hs_timestamp", START_OR_ENTERED), Shape::Moment, Both, Latest, Fill)),
    of(Call, spec(("hubspot_owner_id", "assignTo"), Shape::Choice, Both, Latest, Fill)),
    of(Call, spec((ACTIVITY_COMPANIES, "company"), Shape::Reference, Both, ConnectWise, Fill)),
    of(Call, spec((ALL_CONTACTS, "contact"), Shape::Contacts, Both, ConnectWise, Fill)),
    of(Call, spec(("hs_call_body", "notes"), Shape::Words, Both, ConnectWise, Clear)),
    of(Meeting, spec(("hs_meeting_title", "name"), Shape::Title, Both, Latest, Fill)),
    of(Meeting, spec((MEETING_START, "dateStart"), Shape::Moment, Both, HubSpot, Fill)),
    of(Meeting, spec(("hubspot_owner_id", "assignTo"), Shape::Choice, Both, Latest, Fill)),
    of(Meeting, spec((ACTIVITY_COMPANIES, "company"), Shape::Reference, Both, ConnectWise, Fill)),
    of(Note, spec(("hs_note_body", NOTES_OR_NAME), Shape::Words, Both, Latest, Fill)),
    of(Note, spec(("hs_timestamp", START_OR_ENTERED), Shape::Moment, Both, Latest, Fill)),
    of(Note, spec(("hubspot_owner_id", "assignTo"), Shape::Choice, Both, Latest, Fill)),
    of(Note, spec((ACTIVITY_COMPANIES, "company"), Shape::Reference, Both, ConnectWise, Fill)),
    of(Note, spec(("hs_note_body", "name"), Shape::Called, ToConnectwise, HubSpot, Fill)),
];

/// The objects in play, parents first.
pub const OBJECTS: [ObjectKind; 10] = ObjectKind::ALL;

/// The kinds of activity.
pub const ACTIVITIES: [ObjectKind; 4] = [Note, Task, Call, Meeting];

/// How many fields there are.
pub const COUNT: usize = SPECS.len();
/// How many of them companies have.
pub const COMPANY_COUNT: usize = 11;
/// So many fields and objects were there before line items and activities: what was drawn then is drawn as it was.
pub const FIRST_COUNT: usize = 32;
/// The fields of companies that every scenario has.
pub const ALWAYS: u64 = 0b11;
/// The fields of contacts.
pub const CONTACTS: u64 = fields_of(ObjectKind::Contact);
/// The fields of products.
pub const PRODUCTS: u64 = fields_of(ObjectKind::Product);
/// The fields of deals.
pub const DEALS: u64 = fields_of(ObjectKind::Deal);
/// The fields of tickets.
pub const TICKETS: u64 = fields_of(ObjectKind::Ticket);
/// The fields of line items.
pub const LINES: u64 = fields_of(ObjectKind::LineItem);

/// The fields of an object.
pub const fn fields_of(object: ObjectKind) -> u64 {
    let (mut mask, mut at) = (0, 0);
    while at < COUNT {
        if SPECS[at].object as u8 == object as u8 {
            mask |= 1 << at;
        }
        at += 1;
    }
    mask
}

/// Those that every scenario with contacts has.
const ALWAYS_OF_CONTACTS: u64 = 0b111 << COMPANY_COUNT;
/// Those that every scenario with deals has: ConnectWise takes no deal without them.
const ALWAYS_OF_DEALS: u64 = 0b11_1111 << (COMPANY_COUNT + 8);
/// Those that every scenario with tickets has.
const ALWAYS_OF_TICKETS: u64 = 0b111 << (COMPANY_COUNT + 15);

/// The contacts of tickets: they are in play where contacts are.
const CONTACTS_OF_TICKETS: u64 = 1 << (COMPANY_COUNT + 18);

/// The mask with all that belongs to it.
pub const fn complete(mask: u64) -> u64 {
    // a line item belongs to a deal
    let mask = if mask & LINES == 0 { mask } else { mask | ALWAYS_OF_DEALS };
    // a deal points to contacts, and a ticket to those that there are
    let deals = if mask & DEALS == 0 { 0 } else { ALWAYS_OF_DEALS | ALWAYS_OF_CONTACTS };
    let tickets = if mask & TICKETS == 0 { 0 } else { ALWAYS_OF_TICKETS };
    let contacts = if mask & CONTACTS == 0 { 0 } else { ALWAYS_OF_CONTACTS };
    let products = if mask & PRODUCTS == 0 { 0 } else { PRODUCTS };
    let to_contacts = if mask & (CONTACTS | DEALS) == 0 { CONTACTS_OF_TICKETS } else { 0 };
    let mask = (mask | ALWAYS | deals | tickets | contacts | products) & !to_contacts;
    with_needs(mask)
}

/// Of line items and activities what they cannot be without is in play, and what points to nothing is not.
const fn with_needs(mut mask: u64) -> u64 {
    let mut at = FIRST_COUNT;
    while at < COUNT {
        let spec = &SPECS[at];
        if mask & fields_of(spec.object) != 0 {
            match spec.shape {
                Shape::Text | Shape::Number | Shape::Words if spec.object as u8 != Note as u8 => {}
                Shape::Contacts if mask & CONTACTS == 0 => mask &= !(1 << at),
                Shape::Deals if mask & DEALS == 0 => mask &= !(1 << at),
                Shape::Tickets if mask & TICKETS == 0 => mask &= !(1 << at),
                Shape::Product if mask & PRODUCTS == 0 => mask &= !(1 << at),
                Shape::Contacts | Shape::Deals | Shape::Tickets | Shape::Product => {}
                _ => mask |= 1 << at,
            }
        }
        at += 1;
    }
    mask
}

/// The places of an object's fields in a mask.
pub fn places(object: ObjectKind, mask: u64) -> impl Iterator<Item = usize> {
    let mask = complete(mask);
    (0..COUNT).filter(move |at| SPECS[*at].object == object && mask & (1 << at) != 0)
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
        matches!(
            self.shape,
            Shape::Name | Shape::Text | Shape::Number | Shape::Choice | Shape::Day | Shape::Words | Shape::Moment
        )
    }

    /// Whether a new record of ConnectWise takes it, and nobody compares it afterwards.
    pub const fn is_given_once(&self) -> bool {
        matches!(self.shape, Shape::Once | Shape::Called)
    }

    /// Whether a system knows several records under that name, none of which counts before the others.
    pub const fn holds_several(&self, system: System) -> bool {
        matches!(system, System::HubSpot)
            && match self.shape {
                Shape::Contacts | Shape::Deals | Shape::Tickets | Shape::Deal => true,
                Shape::Reference => self.object.is_activity(),
                _ => false,
            }
    }

    /// Whether a field of an object is what this one is about: an activity keeps its fields when it becomes another kind.
    pub fn is_about(&self, object: ObjectKind, system: System, name: &str) -> bool {
        if object == self.object {
            return name == self.name(system);
        }
        if !(object.is_activity() && self.object.is_activity()) {
            return false;
        }
        let named = SPECS.iter().filter(|spec| spec.object == object && spec.name(system) == name);
        named.into_iter().any(|spec| kept_as(spec.connectwise) == kept_as(self.connectwise))
    }

    /// The object that it points to.
    pub const fn parent(&self) -> Option<ObjectKind> {
        match self.shape {
            Shape::Reference => Some(ObjectKind::Company),
            Shape::Contacts => Some(ObjectKind::Contact),
            Shape::Deals | Shape::Deal => Some(ObjectKind::Deal),
            Shape::Tickets => Some(ObjectKind::Ticket),
            Shape::Product => Some(ObjectKind::Product),
            _ => None,
        }
    }

    /// Whether users of that system may empty it.
    pub fn may_be_emptied(&self, system: System) -> bool {
        match (self.object, system) {
            (ObjectKind::Deal, System::ConnectWise) => self.shape == Shape::Number,
            (ObjectKind::Ticket, System::ConnectWise) if self.shape == Shape::Reference => false,
            (ObjectKind::LineItem, System::ConnectWise) if self.shape == Shape::Deal => false,
            // ConnectWise takes no activity that nobody is to do; the name of one stands in for the text of a note
            (object, System::ConnectWise) if object.is_activity() && self.shape == Shape::Choice => false,
            (Note, _) if self.shape == Shape::Words => false,
            _ => !matches!(self.shape, Shape::Name | Shape::Title | Shape::Stage | Shape::Moment | Shape::Called),
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
            (Shape::Words, System::HubSpot) if n.is_multiple_of(3) => Value::Text(format!("<p>w{n} <b>x</b></p>")),
            (Shape::Words, _) => Value::Text(format!("w{n} x")),
            (Shape::Moment, System::HubSpot) if n.is_multiple_of(4) => Value::Text(rfc3339(n).replace('Z', ".500Z")),
            (Shape::Moment, System::HubSpot) => Value::Text(rfc3339(n)),
            (Shape::Moment, System::ConnectWise) => Value::DateTime(moment(n)),
            (Shape::Text | Shape::Once | Shape::Called, _) => Value::Text(format!("v{n}")),
            (Shape::Number, System::HubSpot) if n.is_multiple_of(2) => Value::Text(format!("{n}.50")),
            (Shape::Number, System::HubSpot) => Value::Text(n.to_string()),
            (Shape::Number, System::ConnectWise) => Value::Number(Decimal::from(n)),
            (
                Shape::Reference | Shape::Contacts | Shape::Deals | Shape::Tickets | Shape::Deal | Shape::Product,
                system,
            ) => match system {
                System::HubSpot => Value::Text(n.to_string()),
                System::ConnectWise => Value::Choice(n.to_string()),
            },
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
            // the name of a note, which is another kind of activity now, was a text with markup
            (Shape::Words | Shape::Called | Shape::Title, _) if self.object.is_activity() => {
                let mut is_markup = false;
                let words: String = plain
                    .chars()
                    .filter(|c| {
                        let was = is_markup;
                        is_markup = (was || *c == '<') && *c != '>';
                        !(was || is_markup)
                    })
                    .collect();
                words.split_whitespace().collect::<Vec<_>>().join(" ")
            }
            (Shape::Moment, _) => match value {
                Value::DateTime(time) => time.floor_to_second().to_rfc3339(),
                _ => plain
                    .parse::<jiff::Timestamp>()
                    .map_or(plain, |time| Timestamp(time.as_millisecond()).floor_to_second().to_rfc3339()),
            },
            _ => plain.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }

    const fn kind(&self) -> FieldKind {
        match self.shape {
            Shape::Name | Shape::Key | Shape::Text | Shape::Title | Shape::Once => FieldKind::Text,
            Shape::Words | Shape::Called => FieldKind::RichText,
            Shape::Moment => FieldKind::DateTime,
            Shape::Number => FieldKind::Number,
            Shape::Choice | Shape::Stage => FieldKind::Choice,
            Shape::Day => FieldKind::Date,
            Shape::Reference => FieldKind::Reference(ObjectKind::Company),
            Shape::Contacts => FieldKind::Reference(ObjectKind::Contact),
            Shape::Deals | Shape::Deal => FieldKind::Reference(ObjectKind::Deal),
            Shape::Tickets => FieldKind::Reference(ObjectKind::Ticket),
            Shape::Product => FieldKind::Reference(ObjectKind::Product),
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
            overflow: if self.shape == Shape::Called { Overflow::Cut } else { Overflow::Hold },
            max_length: BySystem::new(None, (self.shape == Shape::Called).then_some(100)),
            default: self.default(),
            transform: Transforms::default(),
            values: match self.shape {
                Shape::Choice => Some(options_map()),
                Shape::Stage => Some(ValueMap {
                    auto: Some(AutoPairs::Label),
                    unmapped: Unmapped::Hold,
                    pairs: Vec::new(),
                    priority: Vec::new(),
                }),
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
        if self.shape == Shape::Stage && system == System::ConnectWise && self.object == Task {
            field.options = standing::status_options(self.object);
        }
        field
    }
}

/// The index of an object's field by its name in a system.
pub fn index_of(object: ObjectKind, system: System, name: &str) -> Option<usize> {
    SPECS.iter().position(|spec| spec.object == object && spec.name(system) == name)
}

/// Where ConnectWise keeps what a field tells that has another one stand in for it.
pub fn kept_as(connectwise: &str) -> &str {
    connectwise
        .split('/')
        .next()
        .filter(|_| matches!(connectwise, NOTES_OR_NAME | START_OR_ENTERED))
        .unwrap_or(connectwise)
}

/// What stands in for it.
pub fn stands_in(connectwise: &str) -> Option<&str> {
    connectwise
        .split_once('/')
        .filter(|_| matches!(connectwise, NOTES_OR_NAME | START_OR_ENTERED))
        .map(|(_, other)| other)
}

/// On one of three days, so that some happen on the same one.
const fn moment(n: u32) -> Timestamp {
    Timestamp(1_767_225_600_000 + (n % 3) as i64 * 86_400_000 + (n % 86_400) as i64 * 1000)
}

fn rfc3339(n: u32) -> String {
    moment(n).to_rfc3339()
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
    ValueMap { auto: None, unmapped: Unmapped::Hold, pairs: (0..OPTIONS).map(pair).collect(), priority: Vec::new() }
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
    let mut known: Vec<FieldName> = Vec::new();
    fields.retain(|field| {
        let is_new = !known.contains(&field.name);
        known.push(field.name.clone());
        is_new
    });
    if object == Note && system == System::ConnectWise {
        fields.push(plain_field("notes", FieldKind::LongText));
    }
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
pub fn config(mask: u64, clockwork: &Clockwork, guards: &Guards) -> Config {
    let objects = OBJECTS.into_iter().filter(|object| places(*object, mask).next().is_some());
    Config {
        guards: guards.clone(),
        timing: clockwork.timing(),
        objects: objects.map(|object| object_mapping(object, mask)).collect(),
    }
}

/// Of which nothing is written to ConnectWise.
pub const fn is_one_way(object: ObjectKind) -> bool {
    matches!(object, ObjectKind::Product | ObjectKind::LineItem)
}

fn object_mapping(object: ObjectKind, mask: u64) -> ObjectMapping {
    let rule = |shape, by| {
        let spec = place_of(object, shape).map(|at| &SPECS[at]);
        spec.map(|spec| MatchRule { hubspot: spec.hubspot.into(), connectwise: spec.connectwise.into(), by })
    };
    // no two names of users are the same: a company without a key is recognised by nothing, and takes part all the same
    let matching = match object {
        ObjectKind::Company => [rule(Shape::Key, MatchBy::Host), rule(Shape::Name, MatchBy::Text)],
        Note => [rule(Shape::Words, MatchBy::CompanyText), None],
        ObjectKind::Deal | ObjectKind::Ticket | ObjectKind::LineItem | Task | Call | Meeting => {
            [rule(Shape::Title, MatchBy::CompanyText), None]
        }
        _ => [rule(Shape::Key, MatchBy::Text), None],
    };
    ObjectMapping {
        object,
        direction: if is_one_way(object) { ToHubspot } else { Both },
        create: CreatePolicy::default(),
        conflict_tie: ConflictTie::HubSpot,
        hubspot_stamp: "connectwise_key".into(),
        connectwise_stamp: (object != ObjectKind::LineItem).then(|| "customFields/1".into()),
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
pub fn rules(mask: u64, clockwork: &Clockwork, guards: &Guards, schemas: &[BySystem<Schema>]) -> Rules {
    match Rules::compile(config(mask, clockwork, guards), ConfigVersion(1), schemas) {
        Ok(rules) => rules,
        Err(reasons) => panic!("the configuration of the simulation does not compile: {reasons:?}"),
    }
}
