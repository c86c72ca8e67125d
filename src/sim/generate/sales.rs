//! Generated products, deals (opportunities) and line items (forecast items).

use serde_json::json;

use super::text::{self, THINGS};
use super::{Maker, Profile, Sides, reference};
use crate::sim::object::Object;

/// HubSpot's stages with what comes nearest in ConnectWise: its stage, and its status (1 open, 2 won, 3 lost).
const STAGES: [(&str, u32, u32); 7] = [
    ("appointmentscheduled", 1, 1),
    ("qualifiedtobuy", 2, 1),
    ("presentationscheduled", 3, 1),
    ("decisionmakerboughtin", 4, 1),
    ("contractsent", 5, 1),
    ("closedwon", 5, 2),
    ("closedlost", 2, 3),
];
/// The status of an opportunity that is on hold: HubSpot has no such stage.
const ON_HOLD: u32 = 5;

impl Maker<'_> {
    pub(super) fn product(&mut self, index: usize) -> Profile {
        let (name, price) = (format!("{} {}", self.random.pick(&THINGS), index + 1), self.price());
        let mut profile = Profile::default();
        profile.both("name", "description", &name);
        profile.hubspot("hs_sku", format!("GEN-{:06}", index + 1));
        profile.hubspot("price", price.to_string());
        profile.connectwise("identifier", json!(format!("GEN-{:06}", index + 1)));
        profile.connectwise("customerDescription", json!(name));
        profile.connectwise("price", json!(price));
        profile.connectwise("cost", json!(price / 2.0));
        profile.connectwise("productClass", json!("Service"));
        profile.connectwise("subcategory", json!({"id": self.random.below(4) + 1}));
        profile.connectwise("type", json!({"id": self.random.below(3) + 1}));
        profile.connectwise("inactiveFlag", json!(self.percent(5)));
        profile
    }

    pub(super) fn deal(&mut self, index: usize, sides: Sides) -> Profile {
        let (company, contact) = (self.any(Object::Company, sides), self.any(Object::Contact, sides));
        let (stage, cw_stage, status) = STAGES.get(self.random.below(STAGES.len())).copied().unwrap_or(STAGES[0]);
        let thing = self.random.pick(&THINGS);
        let name = format!("{}: {thing} {}", text::FIRST[index % text::FIRST.len()], index + 1);
        let (amount, close, (owner, member)) = (self.price() * 10.0, self.day(300, 120), self.staff());
        let mut profile = Profile::default();
        profile.hubspot("dealname", text::messy(&mut self.random, &name));
        profile.hubspot("pipeline", "default");
        profile.hubspot("dealstage", stage);
        profile.both("closedate", "expectedCloseDate", &close);
        if self.percent(90) {
            profile.hubspot("amount", amount.to_string());
            profile.connectwise("amount", json!(amount));
        }
        if self.percent(90) {
            profile.hubspot("hubspot_owner_id", owner);
        }
        profile.connectwise("name", json!(name));
        profile.connectwise("stage", json!({ "id": cw_stage }));
        let held = status == 1 && self.percent(5);
        profile.connectwise("status", json!({"id": if held { ON_HOLD } else { status }}));
        profile.connectwise("primarySalesRep", json!(member));
        profile.connectwise("locationId", json!(2));
        profile.connectwise("businessUnitId", json!(10));
        for (object, place) in [(Object::Company, company), (Object::Contact, contact)] {
            let Some(place) = place else { continue };
            profile.links.extend(place.hubspot.map(|id| (object, id)));
            let member = if object == Object::Company { "company" } else { "contact" };
            profile.connectwise(member, place.connectwise.map(reference).unwrap_or_default());
        }
        profile
    }

    pub(super) fn line_item(&mut self, index: usize, sides: Sides) -> Profile {
        let (deal, product) = (self.any(Object::Deal, sides), self.any(Object::Product, sides));
        let (quantity, price) = (self.random.below(20) + 1, self.price());
        let name = format!("{} {}", self.random.pick(&THINGS), index + 1);
        let mut profile = Profile::default();
        profile.both("name", "forecastDescription", &name);
        profile.hubspot("quantity", quantity.to_string());
        profile.hubspot("price", price.to_string());
        profile.connectwise("quantity", json!(quantity));
        // ConnectWise tells what all units come to.
        let all = price * f64::from(u32::try_from(quantity).unwrap_or(0));
        profile.connectwise("revenue", json!(all));
        profile.connectwise("cost", json!(all / 2.0));
        profile.connectwise("status", json!({"id": 1}));
        profile.connectwise("forecastType", json!("Product"));
        profile.connectwise("includeFlag", json!(true));
        if let Some(deal) = deal {
            profile.links.extend(deal.hubspot.map(|id| (Object::Deal, id)));
            profile.connectwise("opportunity", deal.connectwise.map(reference).unwrap_or_default());
        }
        if let Some(id) = product.and_then(|product| product.connectwise) {
            profile.connectwise("catalogItem", reference(id));
        }
        profile
    }

    /// With cents, and exact in a double.
    fn price(&mut self) -> f64 {
        f64::from(u32::try_from(self.random.below(40_000)).unwrap_or(0) + 4) / 4.0
    }
}
