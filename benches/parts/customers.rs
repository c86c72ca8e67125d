//! Customers as people enter them: companies, five contacts or so of each, and a deal with an amount. Clean on purpose, so
//! that the calls they need can be counted beforehand.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use lockstep::mapping::{Config, defaults};
use lockstep::sim::{ControlHandle, DEAL_KEY_FIELD, Object, Side};
use serde_json::{Value as Json, json};

/// How many records of each object are made in one system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Customers {
    pub companies: usize,
    pub contacts: usize,
    pub deals: usize,
}

/// The ids of what was made, in order.
#[derive(Debug, Clone, Default)]
pub struct Made {
    pub companies: Vec<u64>,
    pub contacts: Vec<u64>,
    pub deals: Vec<u64>,
}

/// Companies, contacts and deals, as a new workspace would map them.
pub fn config() -> Config {
    let mut config = defaults::config();
    config.objects.push(defaults::deal(DEAL_KEY_FIELD.into()));
    config
}

impl Customers {
    pub const fn all(self) -> u64 {
        (self.companies + self.contacts + self.deals) as u64
    }

    /// Somebody enters them all in one system.
    pub fn enter(self, control: &ControlHandle, side: Side) -> Made {
        let create = |object, fields: Json| control.create(side, object, fields.as_object().unwrap(), None).unwrap();
        let join = |from, to| {
            if side == Side::HubSpot {
                control.associate(side, from, to, to.0 == Object::Company, None).unwrap();
            }
        };
        let mut made = Made::default();
        for n in 0..self.companies {
            let fields = match side {
                Side::HubSpot => json!({"name": format!("Company {n}"), "domain": format!("company{n}.example.com")}),
                Side::ConnectWise => json!({
                    "name": format!("Company {n}"), "website": format!("company{n}.example.com"),
                    "identifier": format!("COMPANY{n}"),
                }),
            };
            made.companies.push(create(Object::Company, fields));
        }
        for n in 0..self.contacts {
            let (company, email) = (made.companies[n % self.companies], format!("pat{n}@company.example.com"));
            let (first, last) = ("Pat", format!("Poe {n}"));
            let fields = match side {
                Side::HubSpot => json!({"email": email, "firstname": first, "lastname": last}),
                Side::ConnectWise => json!({
                    "firstName": first, "lastName": last, "company": company, "communications/1": email,
                }),
            };
            let contact = create(Object::Contact, fields);
            join((Object::Contact, contact), (Object::Company, company));
            made.contacts.push(contact);
        }
        for n in 0..self.deals {
            let (company, contact) = (made.companies[n % self.companies], made.contacts[n % self.companies]);
            let (name, amount) = (format!("Deal {n}"), 1000 + n);
            let fields = match side {
                Side::HubSpot => json!({
                    "dealname": name, "dealstage": "qualifiedtobuy", "pipeline": "default",
                    "closedate": "2027-03-31T12:00:00Z", "hubspot_owner_id": "70100011", "amount": amount.to_string(),
                }),
                Side::ConnectWise => json!({
                    "name": name, "company": {"id": company}, "contact": {"id": contact}, "primarySalesRep": "mvance",
                    "expectedCloseDate": "2027-03-31T00:00:00Z", "amount": amount,
                }),
            };
            let deal = create(Object::Deal, fields);
            join((Object::Deal, deal), (Object::Company, company));
            join((Object::Deal, deal), (Object::Contact, contact));
            made.deals.push(deal);
        }
        made
    }
}
