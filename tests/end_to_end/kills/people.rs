//! What the people of both systems do meanwhile. Every value they enter is there once, so that it tells who entered it.

use super::kinds::{COMPANY, CONTACT, DEAL, Entry, Kind, PRODUCT, place};
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

/// Marta Vance, who is a HubSpot owner and a ConnectWise member.
const OWNER: &str = "70100011";
const MEMBER: &str = "mvance";

pub struct People {
    pub random: Random,
    serial: u32,
    /// What they work with beside companies, contacts and deals.
    others: Vec<&'static Kind>,
}

impl People {
    pub const fn new(seed: u64, others: Vec<&'static Kind>) -> Self {
        Self { random: Random::new(seed), serial: 0, others }
    }

    fn new_word(&mut self, start: &str) -> String {
        self.serial += 1;
        format!("{start} {}", self.serial)
    }

    /// What nobody has entered before.
    fn new_value(&mut self, entry: Entry, side: Side) -> Json {
        let word = self.new_word("v");
        let serial = self.serial;
        match (entry, side) {
            (Entry::Text, _) | (Entry::Markup, CONNECTWISE) => json!(word),
            (Entry::Markup, HUBSPOT) => json!(format!("<p>v <b>{serial}</b></p>")),
            (Entry::Time, _) => json!(self.new_moment()),
            (Entry::Number, HUBSPOT) => json!(serial.to_string()),
            (Entry::Number, CONNECTWISE) => json!(serial),
        }
    }

    /// A second of one morning.
    fn new_moment(&mut self) -> String {
        self.serial += 1;
        let (minute, second) = (self.serial / 60, self.serial % 60);
        format!("2026-01-06T{:02}:{:02}:{second:02}Z", 8 + minute / 60, minute % 60)
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
        for kind in self.others.clone() {
            self.new_other(bench, kind);
        }
    }

    /// One thing that somebody does.
    pub fn act(&mut self, bench: &Bench) {
        match self.random.below(25) {
            0 => self.new_company(bench),
            1 | 2 => self.new_contact(bench),
            3 => self.new_deal(bench),
            4 | 5 => self.delete(bench),
            6..10 => {
                let kind = self.random.pick(&self.others.clone()).unwrap();
                self.new_other(bench, kind);
            }
            _ => self.edit(bench),
        }
    }

    /// Something in ConnectWise that HubSpot gets without a unique key; what it is there, if it could be made.
    pub fn new_without_key(&mut self, bench: &Bench) -> Option<Object> {
        let kind = self.random.pick(&self.others.clone())?;
        let is_made = match kind.of_type {
            Some(of_type) => self.new_activity(bench, kind, of_type, CONNECTWISE).is_some(),
            None => self.new_item(bench, kind).is_some(),
        };
        is_made.then_some(kind.object(HUBSPOT))
    }

    fn new_other(&mut self, bench: &Bench, kind: &Kind) {
        let side = self.side();
        match kind.of_type {
            Some(of_type) => self.new_activity(bench, kind, of_type, side),
            None => self.new_item(bench, kind),
        };
    }

    fn new_activity(&mut self, bench: &Bench, kind: &Kind, of_type: u64, side: Side) -> Option<()> {
        let company = self.random.pick(&live(bench, side, &COMPANY))?;
        let name = self.new_word("Activity");
        // Typed in both systems, it is known again by its name, company and day; a note by its text, which is edited.
        let is_titled = kind.fields.len() > 1;
        let twin = (is_titled && self.random.below(4) == 0).then(|| partner(bench, side, &COMPANY, company)).flatten();
        let other = if side == HUBSPOT { CONNECTWISE } else { HUBSPOT };
        for (side, company) in [(side, Some(company)), (other, twin)] {
            let Some(company) = company else { continue };
            let (body, moment) = (self.new_value(Entry::Markup, side), self.new_moment());
            let body = (kind.fields[0].0[place(side)], body);
            match side {
                HUBSPOT => {
                    let mut fields = map(&[body, ("hubspot_owner_id", json!(OWNER)), ("hs_timestamp", json!(moment))]);
                    if is_titled {
                        fields.insert(kind.name[0].to_owned(), json!(name));
                        fields.insert(kind.fields[1].0[0].to_owned(), json!(moment));
                    }
                    let id = bench.running.control.create(HUBSPOT, kind.object(HUBSPOT), &fields, None).unwrap();
                    let (from, to) = ((kind.object(HUBSPOT), id), (Object::Company, company));
                    bench.running.control.associate(HUBSPOT, from, to, false, None).unwrap();
                }
                CONNECTWISE => {
                    let fields = map(&[
                        body,
                        ("name", json!(name)),
                        ("type", json!({ "id": of_type })),
                        ("company", json!({ "id": company })),
                        ("assignTo", json!({ "identifier": MEMBER })),
                        ("dateStart", json!(moment)),
                    ]);
                    bench.running.control.create(CONNECTWISE, Object::Activity, &fields, None).unwrap();
                }
            }
        }
        Some(())
    }

    /// A catalog item or a forecast item: HubSpot makes none for ConnectWise, but may have had it before.
    fn new_item(&mut self, bench: &Bench, kind: &Kind) -> Option<()> {
        let name = self.new_word("Item");
        let entered = |people: &mut Self, side| {
            let one =
                |(names, entry): &([&'static str; 2], Entry)| (names[place(side)], people.new_value(*entry, side));
            kind.fields.iter().map(one).collect::<Vec<_>>()
        };
        let there = entered(self, CONNECTWISE);
        let is_twin = self.random.below(4) == 0;
        if kind.known_as == ObjectKind::Product {
            if is_twin {
                let mut here = map(&entered(self, HUBSPOT));
                here.insert("hs_sku".to_owned(), json!(name));
                bench.running.control.create(HUBSPOT, Object::Product, &here, None).unwrap();
            }
            bench.catalog_item(&name, &there);
            return Some(());
        }
        let opportunity = self.random.pick(&live(bench, CONNECTWISE, &DEAL))?;
        if let Some(deal) = is_twin.then(|| partner(bench, CONNECTWISE, &DEAL, opportunity)).flatten() {
            let mut here = entered(self, HUBSPOT);
            here.push(("name", json!(name)));
            bench.hubspot_line(deal, &here);
        }
        let mut fields = there;
        fields.push(("quantity", json!(1)));
        let product = self.random.pick(&live(bench, CONNECTWISE, &PRODUCT));
        if let Some(product) = product.filter(|_| self.random.below(2) == 0) {
            fields.push(("catalogItem", json!({ "id": product })));
        }
        bench.forecast_item(opportunity, &name, &fields);
        Some(())
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
        let Some(company) = self.random.pick(&live(bench, side, &COMPANY)) else { return };
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
        let mut all = CONTACT.records(bench, side);
        all.retain(|record| !is_deleted_some_day(&CONTACT.name_of(side, record)));
        self.random.pick(&ids(&all))
    }

    fn delete(&mut self, bench: &Bench) {
        let mut kinds = self.others.clone();
        // A product stands in line items.
        kinds.retain(|kind| kind.known_as != ObjectKind::Product);
        kinds.push(&CONTACT);
        let kind = self.random.pick(&kinds).unwrap();
        let side = if kind.is_copy { CONNECTWISE } else { self.side() };
        let mut all = kind.records(bench, side);
        all.retain(|record| is_deleted_some_day(&kind.name_of(side, record)));
        if let Some(id) = self.random.pick(&ids(&all)) {
            bench.running.control.delete(side, kind.object(side), id).unwrap();
        }
    }

    fn edit(&mut self, bench: &Bench) {
        let mut kinds = vec![&COMPANY, &COMPANY, &CONTACT, &CONTACT, &DEAL];
        for _ in 0..8 / self.others.len() {
            kinds.extend(&self.others);
        }
        let kind = self.random.pick(&kinds).unwrap();
        // What HubSpot changes of a copy goes nowhere: most of it is done in ConnectWise.
        let side = if kind.is_copy && self.random.below(2) == 0 { CONNECTWISE } else { self.side() };
        if let Some(id) = self.random.pick(&live(bench, side, kind)) {
            self.enter(bench, side, kind, id);
        }
    }

    fn enter(&mut self, bench: &Bench, side: Side, kind: &Kind, id: u64) {
        let (names, entry) = self.random.pick(kind.fields).unwrap();
        let fields = map(&[(names[place(side)], self.new_value(entry, side))]);
        bench.running.control.edit(side, kind.object(side), id, &fields, None).unwrap();
    }
}

/// One in five.
fn is_deleted_some_day(name: &str) -> bool {
    let name = name.split('@').next().unwrap_or_default();
    name.ends_with(['3', '7'])
}

fn live(bench: &Bench, side: Side, kind: &Kind) -> Vec<u64> {
    ids(&kind.records(bench, side))
}

fn ids(records: &[Json]) -> Vec<u64> {
    records.iter().filter_map(|record| record["id"].as_u64()).collect()
}

/// The record that is linked with this one.
fn partner(bench: &Bench, side: Side, kind: &Kind, id: u64) -> Option<u64> {
    let of = RecordRef::new(kind.known_as, kinds::system(side), RecordId(id));
    bench.partner(of).filter(|(_, state)| *state == LinkState::Active).map(|(partner, _)| partner)
}
