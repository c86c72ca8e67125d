//! The pipelines of deals and tickets and their stages, as the portal keeps them. Knows nothing of HTTP.

use serde_json::{Map, Value, json};

use super::kinds::KindRef;
use crate::sim::clock::iso_millis;

/// Ids of pipelines and stages that people add; all ids of stages are unique in the account.
const FIRST_ID: u64 = 98_745_101;

const DEAL_STAGES: [(&str, &str, &str); 7] = [
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
];
const TICKET_STAGES: [(&str, &str, &str); 4] = [
    ("1", "New", "OPEN"),
    ("2", "Waiting on contact", "OPEN"),
    ("3", "Waiting on us", "OPEN"),
    ("4", "Closed", "CLOSED"),
];

#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub id: String,
    pub label: String,
    pub order: i64,
    /// Of deals, `0.0` to `1.0` in steps of a tenth.
    pub probability: Option<String>,
    pub is_closed: bool,
    pub archived: bool,
    pub created: i64,
    pub updated: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub id: String,
    pub label: String,
    pub order: i64,
    pub stages: Vec<Stage>,
    pub archived: bool,
    pub created: i64,
    pub updated: i64,
    pub audit: Vec<Value>,
}

#[derive(Debug)]
pub(crate) struct Pipelines {
    deals: Vec<Pipeline>,
    tickets: Vec<Pipeline>,
    next: u64,
}

impl Pipelines {
    pub fn standard() -> Self {
        let stage = |order: usize, (id, label): (&str, &str), probability: Option<&str>, is_closed: bool| Stage {
            id: id.to_owned(),
            label: label.to_owned(),
            order: i64::try_from(order).unwrap_or(0),
            probability: probability.map(str::to_owned),
            is_closed,
            archived: false,
            // What HubSpot itself made was made when time began.
            created: 0,
            updated: 0,
        };
        let deals = DEAL_STAGES.iter().enumerate();
        let deals = deals.map(|(i, (id, label, p))| stage(i, (id, label), Some(p), id.starts_with("closed"))).collect();
        let tickets = TICKET_STAGES.iter().enumerate();
        let tickets = tickets.map(|(i, (id, label, state))| stage(i, (id, label), None, *state == "CLOSED")).collect();
        Self {
            deals: vec![Pipeline::standard("default", "Sales Pipeline", deals)],
            tickets: vec![Pipeline::standard("0", "Support Pipeline", tickets)],
            next: FIRST_ID,
        }
    }

    pub fn take_id(&mut self) -> String {
        self.next += 7;
        self.next.to_string()
    }

    /// Empty for objects without pipelines.
    pub fn of(&self, kind: KindRef) -> &[Pipeline] {
        match kind.plural() {
            "deals" => &self.deals,
            "tickets" => &self.tickets,
            _ => &[],
        }
    }

    pub fn of_mut(&mut self, kind: KindRef) -> Option<&mut Vec<Pipeline>> {
        match kind.plural() {
            "deals" => Some(&mut self.deals),
            "tickets" => Some(&mut self.tickets),
            _ => None,
        }
    }

    pub fn get(&self, kind: KindRef, id: &str) -> Option<&Pipeline> {
        self.of(kind).iter().find(|p| p.id == id && !p.archived)
    }

    pub fn get_mut(&mut self, kind: KindRef, id: &str) -> Option<&mut Pipeline> {
        self.of_mut(kind)?.iter_mut().find(|p| p.id == id && !p.archived)
    }

    pub fn has(&self, kind: KindRef, id: &str) -> bool {
        self.get(kind, id).is_some()
    }

    pub fn ids(&self, kind: KindRef) -> Vec<String> {
        self.of(kind).iter().filter(|p| !p.archived).map(|p| p.id.clone()).collect()
    }

    /// The pipeline that a record without one goes to.
    pub fn default_id(&self, kind: KindRef) -> Option<&str> {
        let mut living: Vec<&Pipeline> = self.of(kind).iter().filter(|p| !p.archived).collect();
        living.sort_by_key(|p| p.order);
        living.first().map(|p| p.id.as_str())
    }

    /// A stage and the id of its pipeline.
    pub fn stage(&self, kind: KindRef, id: &str) -> Option<(&str, &Stage)> {
        let living = self.of(kind).iter().filter(|p| !p.archived);
        living.flat_map(|p| p.stages.iter().map(move |s| (p.id.as_str(), s))).find(|(_, s)| s.id == id && !s.archived)
    }

    pub fn stage_ids(&self, kind: KindRef) -> Vec<String> {
        let living = self.of(kind).iter().filter(|p| !p.archived);
        living.flat_map(|p| &p.stages).filter(|s| !s.archived).map(|s| s.id.clone()).collect()
    }
}

impl Pipeline {
    fn standard(id: &str, label: &str, stages: Vec<Stage>) -> Self {
        let (id, label) = (id.to_owned(), label.to_owned());
        Self { id, label, order: 0, stages, archived: false, created: 0, updated: 0, audit: Vec::new() }
    }

    pub fn show(&self) -> Value {
        let mut stages: Vec<&Stage> = self.stages.iter().filter(|s| !s.archived).collect();
        stages.sort_by_key(|s| s.order);
        json!({
            "id": self.id, "label": self.label, "displayOrder": self.order, "archived": self.archived,
            "createdAt": iso_millis(self.created), "updatedAt": iso_millis(self.updated),
            "stages": stages.into_iter().map(Stage::show).collect::<Vec<_>>(),
        })
    }
}

impl Stage {
    pub fn show(&self) -> Value {
        let mut metadata = Map::new();
        metadata.insert("isClosed".to_owned(), json!(self.is_closed.to_string()));
        match &self.probability {
            Some(probability) => metadata.insert("probability".to_owned(), json!(probability)),
            None => metadata.insert("ticketState".to_owned(), json!(if self.is_closed { "CLOSED" } else { "OPEN" })),
        };
        json!({
            "id": self.id, "label": self.label, "displayOrder": self.order, "archived": self.archived,
            "createdAt": iso_millis(self.created), "updatedAt": iso_millis(self.updated), "metadata": metadata,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        })
    }
}
