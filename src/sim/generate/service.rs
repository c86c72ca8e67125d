//! Generated tickets and activities (notes, tasks, calls and meetings of HubSpot).

use serde_json::json;

use super::text::{self, THINGS, TROUBLES};
use super::{Maker, Profile, Sides, reference};
use crate::sim::object::Object;

/// HubSpot's stage of a ticket, and the status of the help desk's board that comes nearest.
const STATUSES: [(&str, u32); 4] = [("1", 16), ("2", 18), ("3", 17), ("4", 19)];
const PRIORITIES: [(&str, u32); 3] = [("HIGH", 2), ("MEDIUM", 3), ("LOW", 4)];
/// The kinds of activity: HubSpot's object, and the names of ConnectWise's types.
const KINDS: [(Object, &str); 4] =
    [(Object::Note, "Note"), (Object::Task, "Task"), (Object::Call, "Call"), (Object::Meeting, "Meeting")];

impl Maker<'_> {
    pub(super) fn ticket(&mut self, index: usize, sides: Sides) -> Profile {
        let (company, contact) = (self.any(Object::Company, sides), self.any(Object::Contact, sides));
        let (stage, status) = STATUSES.get(self.random.below(STATUSES.len())).copied().unwrap_or(STATUSES[0]);
        let (priority, cw_priority) = PRIORITIES.get(self.random.below(3)).copied().unwrap_or(PRIORITIES[0]);
        let subject = format!("{} ({})", self.random.pick(&TROUBLES), index + 1);
        let mut profile = Profile::default();
        profile.hubspot("subject", text::messy(&mut self.random, &subject));
        profile.hubspot("content", format!("{subject}, since Tuesday."));
        profile.hubspot("hs_pipeline", "0");
        profile.hubspot("hs_pipeline_stage", stage);
        profile.hubspot("hs_ticket_priority", priority);
        profile.connectwise("summary", json!(subject));
        profile.connectwise("board", json!({"id": 1}));
        profile.connectwise("status", json!({ "id": status }));
        profile.connectwise("priority", json!({ "id": cw_priority }));
        profile.connectwise("severity", json!("Medium"));
        profile.connectwise("impact", json!("Medium"));
        if self.percent(30) {
            profile.connectwise("source", json!("Email Connector"));
        }
        if let Some(company) = company {
            profile.links.extend(company.hubspot.map(|id| (Object::Company, id)));
            profile.connectwise("company", company.connectwise.map(reference).unwrap_or_default());
        }
        if let Some(contact) = contact.filter(|_| !index.is_multiple_of(9)) {
            profile.links.extend(contact.hubspot.map(|id| (Object::Contact, id)));
            profile.connectwise("contact", contact.connectwise.map(reference).unwrap_or_default());
        }
        profile
    }

    pub(super) fn activity(&mut self, index: usize, sides: Sides) -> Profile {
        let (company, contact) = (self.any(Object::Company, sides), self.any(Object::Contact, sides));
        let (kind, name) = KINDS.get(index % KINDS.len()).copied().unwrap_or(KINDS[0]);
        let what = format!("{} about {} ({})", name, self.random.pick(&THINGS), index + 1);
        let (at, (owner, member)) = (self.moment(200, 20), self.staff());
        let mut profile = Profile { kind: Some(kind), ..Profile::default() };
        profile.hubspot("hs_timestamp", at.clone());
        profile.hubspot("hubspot_owner_id", owner);
        let words = format!("<p>{what}</p>");
        match kind {
            Object::Task => {
                profile.hubspot("hs_task_subject", what.clone());
                profile.hubspot("hs_task_body", words);
                profile.hubspot("hs_task_status", if self.percent(50) { "COMPLETED" } else { "NOT_STARTED" });
            }
            Object::Call => {
                profile.hubspot("hs_call_title", what.clone());
                profile.hubspot("hs_call_body", words);
                profile.hubspot("hs_call_duration", (self.random.below(3_600_000)).to_string());
            }
            Object::Meeting => {
                profile.hubspot("hs_meeting_title", what.clone());
                profile.hubspot("hs_meeting_body", words);
                profile.hubspot("hs_meeting_start_time", at.clone());
                profile.hubspot("hs_meeting_end_time", at.clone());
            }
            _ => profile.hubspot("hs_note_body", words),
        }
        profile.connectwise("name", json!(what));
        profile.connectwise("notes", json!(what));
        profile.connectwise("type", json!(name));
        profile.connectwise("status", json!(if self.percent(50) { "Open" } else { "Closed" }));
        profile.connectwise("assignTo", json!(member));
        profile.connectwise("dateStart", json!(at.split('.').next().map(|t| format!("{}Z", t.trim_end_matches('Z')))));
        for (object, place) in [(Object::Company, company), (Object::Contact, contact)] {
            let Some(place) = place else { continue };
            profile.links.extend(place.hubspot.map(|id| (object, id)));
            let member = if object == Object::Company { "company" } else { "contact" };
            profile.connectwise(member, place.connectwise.map(reference).unwrap_or_default());
        }
        profile
    }
}
