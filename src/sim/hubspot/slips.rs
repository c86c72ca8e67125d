//! What the switches of the simulated HubSpot may name: scopes, objects and properties that are there.

use super::behaviour::{Behaviour, SCOPES};
use super::kinds::{ALL, FOREIGN, KindRef};
use super::portal::Portal;
use crate::sim::control_behaviour::{at_least_one, known, share};

/// Scopes of HubSpot that a token of the simulators may have beside those that it has by default.
const FURTHER: [&str; 8] = [
    "crm.lists.write",
    "crm.objects.custom.read",
    "crm.objects.custom.write",
    "crm.objects.users.read",
    "crm.objects.users.write",
    "crm.pipelines.orders.read",
    "crm.pipelines.orders.write",
    "automation",
];

impl Behaviour {
    pub(crate) fn check(&self, portal: &Portal) -> Result<(), String> {
        for scope in &self.scopes {
            known("scopes", scope, scopes())?;
        }
        for rule in &self.admin_required {
            let (object, property) = rule.split_once('.').ok_or_else(|| unclear("admin_required", rule))?;
            known_property("admin_required", portal, object, property)?;
        }
        for rule in &self.admin_conditional {
            let mut parts = rule.splitn(3, '.');
            let (Some(object), Some(when), Some(needed)) = (parts.next(), parts.next(), parts.next()) else {
                return Err(unclear("admin_conditional", rule));
            };
            let (given, _) = when.split_once('=').ok_or_else(|| unclear("admin_conditional", rule))?;
            known_property("admin_conditional", portal, object, given)?;
            known_property("admin_conditional", portal, object, needed)?;
        }
        for workflow in &self.workflows {
            known_property("workflows", portal, &workflow.object, &workflow.property)?;
        }
        share("batch_item_failures", self.batch_item_failures)?;
        let rates = [
            ("burst", self.burst),
            ("oauth_burst", self.oauth_burst),
            ("associations_burst", self.associations_burst),
            ("search_per_second", self.search_per_second),
            ("daily", self.daily),
        ];
        for (name, rate) in rates {
            at_least_one(name, usize::try_from(rate).unwrap_or(usize::MAX))?;
        }
        at_least_one("owners_page_most", self.owners_page_most)
    }
}

fn scopes() -> impl Iterator<Item = &'static str> {
    let asked = ALL.iter().flat_map(|kind| [kind.read, kind.write, kind.read_schema, kind.write_schema]).flatten();
    let foreign = FOREIGN.iter().map(|(_, scope)| *scope);
    SCOPES.into_iter().chain(FURTHER).chain(asked.copied()).chain(foreign)
}

fn unclear(switch: &str, rule: &str) -> String {
    let example = if switch == "admin_required" { "deals.amount" } else { "tickets.hs_pipeline_stage=4.hs_resolution" };
    format!("A rule of {switch:?} is written like {example:?}; this one is {rule:?}")
}

fn known_property(switch: &str, portal: &Portal, object: &str, property: &str) -> Result<(), String> {
    let plural = |kind: KindRef| kind.plural();
    known(switch, object, ALL.iter().map(plural))?;
    let Some(kind) = ALL.iter().find(|kind| kind.plural() == object) else { return Ok(()) };
    known(switch, property, portal.of(kind).schema.properties.iter().map(|one| one.name.as_str()))
}
