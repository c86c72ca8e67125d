//! What can be made to happen in the simulated systems of a demo, as a person there would do it.

use serde_json::{Map, Value, json};

use crate::model::{ObjectKind, RecordId, RecordRef, System};
use crate::sim::{ControlError, ControlHandle, Object, Side};
use crate::tui::{BoxFuture, Demo, Played, Scene};

/// Records looked through for one to play with.
const LOOKED_AT: usize = 200;

struct Play {
    name: &'static str,
    doc: &'static str,
    run: fn(&ControlHandle) -> Result<Played, String>,
}

const PLAYS: [Play; 6] = [
    Play { name: "Move in HubSpot", doc: "Somebody in sales changes the city of a company.", run: move_in_hubspot },
    Play { name: "Call from ConnectWise", doc: "The service desk corrects a phone number.", run: phone_in_connectwise },
    Play { name: "New in HubSpot", doc: "Sales wins a customer new to ConnectWise.", run: new_in_hubspot },
    Play { name: "New in ConnectWise", doc: "The desk takes on a company new to HubSpot.", run: new_in_connectwise },
    Play { name: "Promotion in HubSpot", doc: "Sales learns that a contact has a new job.", run: promotion_in_hubspot },
    Play {
        name: "New team in ConnectWise",
        doc: "A new company comes with a contact: the contact waits for it.",
        run: team_in_connectwise,
    },
];

/// The scenes of one pair of simulators.
pub struct Scenes {
    control: ControlHandle,
}

impl Scenes {
    #[must_use]
    pub const fn new(control: ControlHandle) -> Self {
        Self { control }
    }
}

impl Demo for Scenes {
    fn scenes(&self) -> Vec<Scene> {
        PLAYS.iter().map(|play| Scene { name: play.name.to_owned(), doc: play.doc.to_owned() }).collect()
    }

    fn play(&self, scene: usize) -> BoxFuture<Result<Played, String>> {
        let played = PLAYS
            .get(scene)
            .ok_or_else(|| "There is no such scene.".to_owned())
            .and_then(|play| (play.run)(&self.control));
        Box::pin(async move { played })
    }
}

fn move_in_hubspot(control: &ControlHandle) -> Result<Played, String> {
    let company = some(control, Side::HubSpot, Object::Company, "city")?;
    let city = if company.value == "Lisbon" { "Porto" } else { "Lisbon" };
    change(control, Side::HubSpot, &company, "city", city)
}

fn phone_in_connectwise(control: &ControlHandle) -> Result<Played, String> {
    let company = some(control, Side::ConnectWise, Object::Company, "phoneNumber")?;
    let phone = if company.value.ends_with('1') { "+1 555 0102" } else { "+1 555 0101" };
    change(control, Side::ConnectWise, &company, "phoneNumber", phone)
}

fn new_in_hubspot(control: &ControlHandle) -> Result<Played, String> {
    let n = control.now_ms() % 1_000_000;
    let fields =
        json!({ "name": format!("Harbour Bakery {n}"), "domain": format!("harbour-{n}.example"), "city": "Lisbon" });
    create(control, Side::HubSpot, Object::Company, &fields).map(|id| born(Side::HubSpot, id))
}

fn new_in_connectwise(control: &ControlHandle) -> Result<Played, String> {
    let n = control.now_ms() % 1_000_000;
    let fields = json!({
        "identifier": format!("Quarry{n}"),
        "name": format!("Quarry Tools {n}"),
        "website": format!("quarry-{n}.example"),
    });
    create(control, Side::ConnectWise, Object::Company, &fields).map(|id| born(Side::ConnectWise, id))
}

fn promotion_in_hubspot(control: &ControlHandle) -> Result<Played, String> {
    let contact = some(control, Side::HubSpot, Object::Contact, "jobtitle")?;
    let title = if contact.value == "Head of IT" { "Operations Manager" } else { "Head of IT" };
    change(control, Side::HubSpot, &contact, "jobtitle", title)
}

fn team_in_connectwise(control: &ControlHandle) -> Result<Played, String> {
    let n = control.now_ms() % 1_000_000;
    let company = json!({
        "identifier": format!("Lighthouse{n}"),
        "name": format!("Lighthouse Press {n}"),
        "website": format!("lighthouse-{n}.example"),
    });
    let company = create(control, Side::ConnectWise, Object::Company, &company)?;
    let contact = json!({
        "firstName": "Wren",
        "lastName": format!("Castellan {n}"),
        "company": { "id": company },
        "communications/1": format!("wren@lighthouse-{n}.example"),
    });
    let contact = create(control, Side::ConnectWise, Object::Contact, &contact)?;
    let what = format!("In ConnectWise, company {company} is new, and contact {contact} of it.");
    Ok(Played { what, record: None })
}

/// The system that a simulator plays.
const fn system(side: Side) -> System {
    match side {
        Side::HubSpot => System::HubSpot,
        Side::ConnectWise => System::ConnectWise,
    }
}

/// A record to play with.
struct Chosen {
    object: Object,
    id: u64,
    name: String,
    value: String,
}

/// The last live record with a value in `field`, and with a company where it is a contact.
fn some(control: &ControlHandle, side: Side, object: Object, field: &str) -> Result<Chosen, String> {
    let text = |record: &Value, name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let fits = |record: &Value| {
        let live = record.get("deleted").and_then(Value::as_bool) != Some(true);
        let placed = object != Object::Contact || !text(record, "associatedcompanyid").is_empty();
        let value = text(record, field);
        let id = record.get("id").and_then(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok()))?;
        let name = match object {
            Object::Contact => format!("{} {}", text(record, "firstname"), text(record, "lastname")),
            _ => text(record, "name"),
        };
        (live && placed && !value.is_empty()).then_some(Chosen { object, id, name, value })
    };
    let records = control.records(side, object, 0, LOOKED_AT);
    records
        .iter()
        .rev()
        .find_map(fits)
        .ok_or_else(|| format!("No {} in {} has a {field}.", object.singular(), system(side)))
}

fn change(control: &ControlHandle, side: Side, chosen: &Chosen, field: &str, to: &str) -> Result<Played, String> {
    let mut fields = Map::new();
    fields.insert(field.to_owned(), json!(to));
    control.edit(side, chosen.object, chosen.id, &fields, None).map_err(|error: ControlError| error.to_string())?;
    let what = format!("In {}, {field} of {} is now {to}; it was {}.", system(side), chosen.name, chosen.value);
    let kind = if chosen.object == Object::Contact { ObjectKind::Contact } else { ObjectKind::Company };
    Ok(Played { what, record: Some(RecordRef::new(kind, system(side), RecordId(chosen.id))) })
}

fn create(control: &ControlHandle, side: Side, object: Object, fields: &Value) -> Result<u64, String> {
    let fields = fields.as_object().cloned().unwrap_or_default();
    control.create(side, object, &fields, None).map_err(|error| error.to_string())
}

fn born(side: Side, id: u64) -> Played {
    Played { what: format!("In {}, company {id} is new.", system(side)), record: None }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

    use super::*;
    use crate::sim::{Data, Options, Simulators};

    #[tokio::test]
    async fn every_scene_plays_and_names_the_record_that_it_changed() {
        let options = Options { data: Data::Story, ..Options::default() };
        let running = Simulators::start(options).await.unwrap();
        let scenes = Scenes::new(running.control.clone());
        let mut changed = Vec::new();
        for (at, scene) in scenes.scenes().iter().enumerate() {
            let before = running.control.ledger(0).len();
            let played = scenes.play(at).await.unwrap();
            assert!(running.control.ledger(0).len() > before, "{}: nothing happened", scene.name);
            changed.extend(played.record.map(|record| (record.object, record.system)));
        }
        let expected = [
            (ObjectKind::Company, System::HubSpot),
            (ObjectKind::Company, System::ConnectWise),
            (ObjectKind::Contact, System::HubSpot),
        ];
        assert_eq!(changed, expected);
        assert!(scenes.play(99).await.is_err());
    }
}
