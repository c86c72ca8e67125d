//! Generated companies and contacts.

use serde_json::json;

use super::text::{self, CITIES, FAMILY, FIRST, GIVEN, INDUSTRIES, LIFE_STAGES, SECOND, TITLES};
use super::{Maker, Profile, Sides, reference};
use crate::sim::object::Object;
use crate::sim::options::CATCHALL_COMPANY;

impl Maker<'_> {
    pub(super) fn company(&mut self, index: usize, sides: Sides) -> Profile {
        let (first, second, number) = (self.random.pick(&FIRST), self.random.pick(&SECOND), index + 1);
        let (city, state, zip) =
            CITIES.get(self.random.below(CITIES.len())).copied().unwrap_or(("Salem", "MA", "01970"));
        let rich = self.sizes.is_rich();
        let name = format!("{first} {second} {number}");
        let shown = if rich { text::messy(&mut self.random, &name) } else { name.clone() };
        let domain = format!("{}-{}-{number}.example.com", first.to_lowercase(), second.to_lowercase());
        let phone = format!("+1 555 {:03} {:04}", self.random.below(1000), self.random.below(10_000));
        let street = format!("{} {first} Street", self.random.below(900) + 1);
        let employees = self.random.below(500) + 1;
        let mut profile = Profile::default();
        profile.hubspot("name", shown);
        profile.connectwise("name", json!(name));
        profile.both("domain", "website", &domain);
        profile.hubspot("website", domain);
        profile.hubspot("phone", phone.clone());
        // A fifth of the twins differ in their phone number.
        let differs = sides.hubspot && sides.connectwise && self.percent(20);
        profile.connectwise("phoneNumber", json!(if differs { "555-0100".to_owned() } else { phone }));
        profile.both("address", "addressLine1", &street);
        profile.both("city", "city", city);
        profile.both("state", "state", state);
        profile.both("zip", "zip", zip);
        profile.hubspot("country", "United States");
        profile.hubspot("numberofemployees", employees.to_string());
        profile.hubspot("industry", self.random.pick(&INDUSTRIES));
        profile.hubspot("lifecyclestage", self.random.pick(&LIFE_STAGES));
        profile.connectwise("identifier", json!(format!("GEN{number:07}")));
        profile.connectwise("country", json!({"id": 1}));
        profile.connectwise("status", json!({"id": self.random.below(3) + 1}));
        profile.connectwise("territory", json!({"id": self.random.below(6) + 2}));
        profile.connectwise("market", json!({"id": self.random.below(12) + 1}));
        profile.connectwise("numberOfEmployees", json!(employees));
        profile.connectwise("site", json!({"name": "Main"}));
        if rich {
            let (owner, member) = self.staff();
            profile.hubspot("hubspot_owner_id", owner);
            profile.connectwise("territoryManager", json!(member));
            let types = if self.percent(15) { json!([{"id": 1}, {"id": 2}, {"id": 3}]) } else { json!([{"id": 1}]) };
            profile.connectwise("types", types);
        }
        profile
    }

    pub(super) fn contact(&mut self, index: usize, sides: Sides) -> Profile {
        let (given, family) = (self.random.pick(&GIVEN), self.random.pick(&FAMILY));
        let company = if self.percent(8) { None } else { self.any(Object::Company, sides) };
        let mut profile = Profile::default();
        profile.hubspot("firstname", text::messy(&mut self.random, given));
        profile.connectwise("firstName", json!(text::messy(&mut self.random, given)));
        profile.hubspot("lastname", text::messy(&mut self.random, family));
        profile.connectwise("lastName", json!(family));
        profile.both("jobtitle", "title", self.random.pick(&TITLES));
        profile.hubspot("lifecyclestage", self.random.pick(&LIFE_STAGES));
        if self.percent(70) {
            profile.hubspot("phone", text::phone(&mut self.random, index + 1_000_000));
            profile.connectwise("communications/2", json!(text::phone(&mut self.random, index + 1_000_000)));
        }
        if self.percent(40) {
            profile.hubspot("mobilephone", text::phone(&mut self.random, index + 5_000_000));
            profile.connectwise("communications/4", json!(text::phone(&mut self.random, index + 5_000_000)));
        }
        let (owner, _) = self.staff();
        profile.hubspot("hubspot_owner_id", owner);
        profile.connectwise("inactiveFlag", json!(self.percent(4)));
        self.addresses(&mut profile, (given, family), index, sides);
        // HubSpot's record may well be associated where ConnectWise's has no company, and the other way round.
        if let Some(company) = company {
            profile.links.extend(company.hubspot.map(|id| (Object::Company, id)));
            profile.connectwise("company", company.connectwise.map(reference).unwrap_or_default());
        }
        if sides.connectwise && !sides.hubspot && self.percent(5) {
            profile.connectwise("company", reference(CATCHALL_COMPANY));
        }
        profile
    }

    /// E-mail addresses: some have none, and in ConnectWise some share one.
    fn addresses(&mut self, profile: &mut Profile, (given, family): (&str, &str), index: usize, sides: Sides) {
        if self.percent(12) {
            return;
        }
        let address = format!("{}@example.com", text::mailbox(given, family, index + 1));
        profile.hubspot("email", address.clone());
        let shared = sides.connectwise && !sides.hubspot && self.percent(6) && !self.taken.is_empty();
        let address = if shared {
            let at = self.random.below(self.taken.len());
            self.taken.get(at).cloned().unwrap_or(address)
        } else {
            address
        };
        if self.taken.len() < 1000 {
            self.taken.push(address.clone());
        }
        let written = if self.percent(5) { address.to_uppercase() } else { address };
        profile.connectwise("communications/1", json!(written));
    }
}
