//! Companies made from a seed: as many as wanted, some of them in both systems.

use serde_json::json;

use super::connectwise::Tenant;
use super::hubspot::Portal;
use super::object::Object;
use super::random::Random;

const DAY: i64 = 86_400_000;
const FIRST: [&str; 24] = [
    "Amber", "Birch", "Copper", "Dune", "Ember", "Fjord", "Granite", "Harbor", "Indigo", "Juniper", "Kestrel", "Lumen",
    "Maple", "North", "Onyx", "Prairie", "Quarry", "Ridge", "Saffron", "Tundra", "Umber", "Violet", "Willow", "Zephyr",
];
const SECOND: [&str; 20] = [
    "Foods",
    "Dental",
    "Logistics",
    "Law",
    "Systems",
    "Builders",
    "Clinic",
    "Motors",
    "Textiles",
    "Energy",
    "Capital",
    "Design",
    "Farms",
    "Hotels",
    "Media",
    "Optics",
    "Plastics",
    "Robotics",
    "Supply",
    "Travel",
];
const CITIES: [(&str, &str, &str); 8] = [
    ("Portland", "OR", "97201"),
    ("Austin", "TX", "73301"),
    ("Tampa", "FL", "33602"),
    ("Boise", "ID", "83702"),
    ("Albany", "NY", "12207"),
    ("Dayton", "OH", "45402"),
    ("Fresno", "CA", "93650"),
    ("Salem", "MA", "01970"),
];
const INDUSTRIES: [&str; 6] =
    ["COMPUTER_SOFTWARE", "CONSTRUCTION", "HOSPITAL_HEALTH_CARE", "LAW_PRACTICE", "RETAIL", "FARMING"];
const STAGES: [&str; 4] = ["lead", "opportunity", "customer", "subscriber"];

/// How many companies each system gets, and how many of them are the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub companies_hubspot: usize,
    pub companies_connectwise: usize,
    pub overlap: usize,
}

/// What both systems could know of one company.
struct Profile {
    name: String,
    domain: String,
    phone: String,
    street: String,
    city: (&'static str, &'static str, &'static str),
    employees: usize,
    created: i64,
    modified: i64,
}

/// Fills both systems; the same seed, sizes and time give the same companies.
pub(crate) fn load(portal: &mut Portal, tenant: &mut Tenant, now: i64, seed: u64, size: Size) {
    let mut random = Random::new(seed);
    let overlap = size.overlap.min(size.companies_hubspot).min(size.companies_connectwise);
    let all = size.companies_hubspot + size.companies_connectwise - overlap;
    for index in 0..all {
        let profile = profile(&mut random, index, now);
        let in_hubspot = index < size.companies_hubspot;
        let in_connectwise = index < overlap || !in_hubspot;
        if in_hubspot {
            add_to_hubspot(portal, &mut random, &profile);
        }
        if in_connectwise {
            // A fifth of the twins differ in their phone number.
            let differs = in_hubspot && random.below(5) == 0;
            add_to_connectwise(tenant, &mut random, &profile, index, differs);
        }
    }
}

fn profile(random: &mut Random, index: usize, now: i64) -> Profile {
    let (first, second) = (random.pick(&FIRST), random.pick(&SECOND));
    let number = index + 1;
    let city = CITIES.get(random.below(CITIES.len())).copied().unwrap_or(("Salem", "MA", "01970"));
    let age = i64::try_from(random.below(2000)).unwrap_or(0) + 2;
    let modified =
        now - i64::try_from(random.below(usize::try_from(age * DAY - DAY).unwrap_or(1))).unwrap_or(0) - 90_000_000;
    Profile {
        name: format!("{first} {second} {number}"),
        domain: format!("{}-{}-{number}.example.com", first.to_lowercase(), second.to_lowercase()),
        phone: format!("+1 555 {:03} {:04}", random.below(1000), random.below(10_000)),
        street: format!("{} {first} Street", random.below(900) + 1),
        city,
        employees: random.below(500) + 1,
        created: now - age * DAY - 100_000_000,
        modified,
    }
}

fn add_to_hubspot(portal: &mut Portal, random: &mut Random, profile: &Profile) {
    let employees = profile.employees.to_string();
    let (city, state, zip) = profile.city;
    let values = [
        ("name", profile.name.as_str()),
        ("domain", &profile.domain),
        ("website", &profile.domain),
        ("phone", &profile.phone),
        ("address", &profile.street),
        ("city", city),
        ("state", state),
        ("zip", zip),
        ("country", "United States"),
        ("numberofemployees", &employees),
        ("industry", random.pick(&INDUSTRIES)),
        ("lifecyclestage", random.pick(&STAGES)),
    ];
    portal.seed(Object::Company, profile.created, profile.modified, &values);
}

fn add_to_connectwise(tenant: &mut Tenant, random: &mut Random, profile: &Profile, index: usize, differs: bool) {
    let phone = if differs { "555-0100".to_owned() } else { profile.phone.clone() };
    let (city, state, zip) = profile.city;
    let values = [
        ("identifier", json!(format!("GEN{:07}", index + 1))),
        ("name", json!(profile.name)),
        ("website", json!(profile.domain)),
        ("phoneNumber", json!(phone)),
        ("addressLine1", json!(profile.street)),
        ("city", json!(city)),
        ("state", json!(state)),
        ("zip", json!(zip)),
        ("country", json!({"id": 1})),
        ("status", json!({"id": random.below(3) + 1})),
        ("territory", json!({"id": random.below(6) + 2})),
        ("market", json!({"id": random.below(12) + 1})),
        ("numberOfEmployees", json!(profile.employees)),
        ("site", json!({"name": "Main"})),
    ];
    let fields = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    // The values above fit by construction; the tests of generated data would see a gap.
    let _fits = tenant.seed(Object::Company, (profile.created, profile.modified), &fields);
}
