//! The objects as people see them: how their records are told apart, what is entered, and to whom they belong.

use super::*;

/// How a value is typed.
#[derive(Debug, Clone, Copy)]
pub enum Entry {
    Text,
    /// With markup in HubSpot, without in ConnectWise.
    Markup,
    /// A moment of one day: what happens on another day is another activity.
    Time,
    Number,
}

/// One kind of record.
#[derive(Debug)]
pub struct Kind {
    pub known_as: ObjectKind,
    /// What it is in HubSpot and in ConnectWise.
    pub objects: [Object; 2],
    /// Its ConnectWise type, where several kinds share a table.
    pub of_type: Option<u64>,
    /// Entered when a record is made and never edited: the same in both systems, and no two in one.
    pub name: [&'static str; 2],
    /// Edited in either system, by any rule but "ask".
    pub fields: &'static [([&'static str; 2], Entry)],
    /// The record that it belongs to, and the fields that say so.
    pub parent: Option<(ObjectKind, [&'static str; 2])>,
    /// From ConnectWise to HubSpot alone: what HubSpot changes stays there until ConnectWise changes it.
    pub is_copy: bool,
}

impl Kind {
    const fn new(known_as: ObjectKind, object: Object, name: [&'static str; 2]) -> Self {
        Self { known_as, objects: [object; 2], of_type: None, name, fields: &[], parent: None, is_copy: false }
    }

    const fn activity(known_as: ObjectKind, object: Object, of_type: u64, name: [&'static str; 2]) -> Self {
        Self {
            objects: [object, Object::Activity],
            of_type: Some(of_type),
            parent: Some((ObjectKind::Company, ["associations/companies", "company"])),
            ..Self::new(known_as, object, name)
        }
    }

    pub const fn object(&self, side: Side) -> Object {
        self.objects[place(side)]
    }

    pub fn name_of(&self, side: Side, record: &Json) -> String {
        plain(&record[self.name[place(side)]])
    }

    /// Whether a create in HubSpot carries a key that HubSpot keeps unique.
    pub const fn is_keyed(&self) -> bool {
        matches!(self.known_as, ObjectKind::Company | ObjectKind::Contact | ObjectKind::Deal)
    }

    /// A change of a record of this object, whichever kind it is that shares its table.
    pub fn has(&self, change: &Mutation) -> bool {
        change.object == self.object(change.side)
    }

    /// The records that are there.
    pub fn records(&self, bench: &Bench, side: Side) -> Vec<Json> {
        let mut all = bench.running.control.records(side, self.object(side), 0, 10_000);
        let is_mine = |record: &Json| side == HUBSPOT || self.of_type.is_none_or(|id| record["type"]["id"] == id);
        all.retain(|record| record["deleted"] != true && is_mine(record));
        all
    }
}

pub const COMPANY: Kind = Kind {
    fields: &[
        (["address", "addressLine1"], Entry::Text),
        (["city", "city"], Entry::Text),
        (["zip", "zip"], Entry::Text),
    ],
    ..Kind::new(ObjectKind::Company, Object::Company, ["name", "name"])
};

pub const CONTACT: Kind = Kind {
    fields: &[(["jobtitle", "title"], Entry::Text), (["lastname", "lastName"], Entry::Text)],
    parent: Some((ObjectKind::Company, ["associatedcompanyid", "company"])),
    ..Kind::new(ObjectKind::Contact, Object::Contact, ["email", "communications/1"])
};

pub const DEAL: Kind = Kind {
    fields: &[(["description", "notes"], Entry::Text)],
    ..Kind::new(ObjectKind::Deal, Object::Deal, ["dealname", "name"])
};

pub const TASK: Kind = Kind {
    fields: &[(["hs_task_body", "notes"], Entry::Markup), (["hs_timestamp", "dateStart"], Entry::Time)],
    ..Kind::activity(ObjectKind::Task, Object::Task, 1, ["hs_task_subject", "name"])
};

pub const CALL: Kind = Kind {
    fields: &[(["hs_call_body", "notes"], Entry::Markup), (["hs_timestamp", "dateStart"], Entry::Time)],
    ..Kind::activity(ObjectKind::Call, Object::Call, 2, ["hs_call_title", "name"])
};

pub const MEETING: Kind = Kind {
    fields: &[(["hs_meeting_body", "notes"], Entry::Markup), (["hs_meeting_start_time", "dateStart"], Entry::Time)],
    ..Kind::activity(ObjectKind::Meeting, Object::Meeting, 3, ["hs_meeting_title", "name"])
};

/// A note has no title in HubSpot: its moment, which no other one has, tells which it is.
pub const NOTE: Kind = Kind {
    fields: &[(["hs_note_body", "notes"], Entry::Markup)],
    ..Kind::activity(ObjectKind::Note, Object::Note, 4, ["hs_timestamp", "dateStart"])
};

pub const PRODUCT: Kind = Kind {
    fields: &[
        (["name", "description"], Entry::Text),
        (["description", "customerDescription"], Entry::Text),
        (["price", "price"], Entry::Number),
    ],
    is_copy: true,
    ..Kind::new(ObjectKind::Product, Object::Product, ["hs_sku", "identifier"])
};

/// Of one unit each: then the sum of a forecast item is the price of its line item.
pub const LINE_ITEM: Kind = Kind {
    fields: &[(["price", "revenue"], Entry::Number), (["hs_cost_of_goods_sold", "cost"], Entry::Number)],
    parent: Some((ObjectKind::Deal, ["associations/deals", "opportunity"])),
    is_copy: true,
    ..Kind::new(ObjectKind::LineItem, Object::LineItem, ["name", "forecastDescription"])
};

pub const ACTIVITIES: [&Kind; 4] = [&TASK, &CALL, &MEETING, &NOTE];
pub const ITEMS: [&Kind; 2] = [&PRODUCT, &LINE_ITEM];

pub const fn place(side: Side) -> usize {
    match side {
        Side::HubSpot => 0,
        Side::ConnectWise => 1,
    }
}

pub const fn system(side: Side) -> System {
    match side {
        Side::HubSpot => System::HubSpot,
        Side::ConnectWise => System::ConnectWise,
    }
}

/// A value as either system says it: words without their markup, moments to the second, numbers by what they are.
pub fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => words(text),
        Json::Null => String::new(),
        other => other.as_f64().map_or_else(|| other.to_string(), |number| number.to_string()),
    }
}

/// As `plain`, of a text.
pub fn words(text: &str) -> String {
    let mut inside = false;
    let shown = text.chars().filter(|letter| {
        let is_mark = inside || *letter == '<';
        inside = is_mark && *letter != '>';
        !is_mark
    });
    let shown: String = shown.collect();
    let is_moment = shown.starts_with("20") && shown.as_bytes().get(10) == Some(&b'T');
    if is_moment { shown.chars().take(19).collect() } else { shown }
}
