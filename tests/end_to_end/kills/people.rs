//! What the people of both systems do meanwhile. Every value they enter is there once, so that it tells who entered it.

use super::*;

/// Splitmix64.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let at = self.below(from.len().max(1) as u64);
        from.get(usize::try_from(at).unwrap()).cloned()
    }
}

/// An object as people see it: how its records are told apart, and what is edited.
pub struct Kind {
    pub object: Object,
    pub known_as: ObjectKind,
    /// Entered when a record is made and never edited: the same in both systems, and no two in one.
    pub name: [&'static str; 2],
    /// Edited in either system, by any rule but "ask".
    pub fields: &'static [[&'static str; 2]],
    /// The record that it belongs to, and the fields that say so.
    pub parent: Option<[&'static str; 2]>,
}

impl Kind {
    pub fn name_of(&self, side: Side, record: &Json) -> String {
        record[self.name[place(side)]].as_str().unwrap_or_default().to_owned()
    }
}

pub const KINDS: [Kind; 3] = [
    Kind {
        object: Object::Company,
        known_as: ObjectKind::Company,
        name: ["name", "name"],
        fields: &[["address", "addressLine1"], ["city", "city"], ["zip", "zip"]],
        parent: None,
    },
    Kind {
        object: Object::Contact,
        known_as: ObjectKind::Contact,
        name: ["email", "communications/1"],
        fields: &[["jobtitle", "title"], ["lastname", "lastName"]],
        parent: Some(["associatedcompanyid", "company"]),
    },
    Kind {
        object: Object::Deal,
        known_as: ObjectKind::Deal,
        name: ["dealname", "name"],
        fields: &[["description", "notes"]],
        parent: None,
    },
];

pub const fn place(side: Side) -> usize {
    match side {
        Side::HubSpot => 0,
        Side::ConnectWise => 1,
    }
}

pub struct People {
    pub random: Random,
    serial: u32,
}

impl People {
    pub const fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), serial: 0 }
    }

    fn new_word(&mut self, start: &str) -> String {
        self.serial += 1;
        format!("{start} {}", self.serial)
    }

    fn side(&mut self) -> Side {
        if self.random.below(2) == 0 { HUBSPOT } else { CONNECTWISE }
    }

    /// Before anything runs.
    pub fn begin(&mut self, bench: &Bench) {
        for _ in 0..4 {
            self.new_company(bench);
        }
        for _ in 0..4 {
            self.new_contact(bench);
        }
        self.new_deal(bench);
    }

    /// One thing that somebody does.
    pub fn act(&mut self, bench: &Bench) {
        match self.random.below(20) {
            0 => self.new_company(bench),
            1 | 2 => self.new_contact(bench),
            3 => self.new_deal(bench),
            4 => self.delete(bench),
            _ => self.edit(bench),
        }
    }

    fn new_company(&mut self, bench: &Bench) {
        let name = self.new_word("Company");
        let twins = self.random.below(4) == 0;
        let one = self.side();
        for side in [HUBSPOT, CONNECTWISE].into_iter().filter(|side| twins || *side == one) {
            let city = self.new_word("v");
            let mut fields = map(&[("name", json!(name)), ("city", json!(city))]);
            if side == CONNECTWISE {
                fields.insert("identifier".to_owned(), json!(name.replace(' ', "")));
            }
            bench.running.control.create(side, Object::Company, &fields, None).unwrap();
        }
    }

    fn new_contact(&mut self, bench: &Bench) {
        let email = format!("{}@people.example.com", self.new_word("pat").replace(' ', "-"));
        let side = self.side();
        let Some(company) = self.random.pick(&live(bench, side, Object::Company)) else { return };
        match side {
            HUBSPOT => bench.hubspot_contact(&email, Some(company)),
            CONNECTWISE => bench.connectwise_contact(&email, company),
        };
    }

    fn new_deal(&mut self, bench: &Bench) {
        let name = self.new_word("Deal");
        match self.side() {
            HUBSPOT => {
                let Some(contact) = self.kept(bench, HUBSPOT) else { return };
                let of = bench.running.control.record(HUBSPOT, Object::Contact, contact).unwrap();
                let Ok(company) = of["associatedcompanyid"].as_str().unwrap_or_default().parse() else { return };
                bench.hubspot_deal(&Customer { company, contact }, &name, &[]);
            }
            CONNECTWISE => {
                let Some(contact) = self.kept(bench, CONNECTWISE) else { return };
                let company =
                    bench.running.control.record(CONNECTWISE, Object::Contact, contact).unwrap()["company"].clone();
                bench.opportunity(&name, &company["id"], contact);
            }
        }
    }

    /// A contact that nobody will delete: deals are made of these alone.
    fn kept(&mut self, bench: &Bench, side: Side) -> Option<u64> {
        let kind = &KINDS[1];
        let mut all = records(bench, side, kind.object);
        all.retain(|record| !is_deleted_some_day(&kind.name_of(side, record)));
        let ids: Vec<u64> = all.iter().filter_map(|record| record["id"].as_u64()).collect();
        self.random.pick(&ids)
    }

    fn delete(&mut self, bench: &Bench) {
        let (side, kind) = (self.side(), &KINDS[1]);
        let mut all = records(bench, side, kind.object);
        all.retain(|record| is_deleted_some_day(&kind.name_of(side, record)));
        let ids: Vec<u64> = all.iter().filter_map(|record| record["id"].as_u64()).collect();
        if let Some(id) = self.random.pick(&ids) {
            bench.running.control.delete(side, kind.object, id).unwrap();
        }
    }

    fn edit(&mut self, bench: &Bench) {
        let (side, kind) = (self.side(), self.random.pick(&[0, 0, 1, 1, 2]).unwrap());
        if let Some(id) = self.random.pick(&live(bench, side, KINDS[kind].object)) {
            self.enter(bench, side, &KINDS[kind], id);
        }
    }

    fn enter(&mut self, bench: &Bench, side: Side, kind: &Kind, id: u64) {
        let field = self.random.pick(kind.fields).unwrap()[place(side)];
        let value = self.new_word("v");
        bench.running.control.edit(side, kind.object, id, &map(&[(field, json!(value))]), None).unwrap();
    }
}

fn is_deleted_some_day(email: &str) -> bool {
    email.contains("3@") || email.contains("7@")
}

/// The records of an object that are there.
pub fn records(bench: &Bench, side: Side, object: Object) -> Vec<Json> {
    let mut all = bench.running.control.records(side, object, 0, 10_000);
    all.retain(|record| record["deleted"] != true);
    all
}

fn live(bench: &Bench, side: Side, object: Object) -> Vec<u64> {
    records(bench, side, object).iter().filter_map(|record| record["id"].as_u64()).collect()
}
