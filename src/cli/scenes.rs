//! What can be made to happen in the simulated systems of a demo, as a person there would do it.

use serde_json::{Map, Value, json};

use crate::model::{ObjectKind, RecordId, RecordRef, System};
use crate::sim::{ControlError, ControlHandle, Object, Side};
use crate::tui::{BoxFuture, Demo, Played, Scene};

/// Companies looked through for one to play with.
const LOOKED_AT: usize = 200;

struct Play {
    name: &'static str,
    doc: &'static str,
    run: fn(&ControlHandle) -> Result<Played, String>,
}

const PLAYS: [Play; 4] = [
    Play { name: "Move in HubSpot", doc: "Somebody in sales changes the city of a company.", run: move_in_hubspot },
    Play { name: "Call from ConnectWise", doc: "The service desk corrects a phone number.", run: phone_in_connectwise },
    Play { name: "New in HubSpot", doc: "Sales wins a customer new to ConnectWise.", run: new_in_hubspot },
    Play { name: "New in ConnectWise", doc: "The desk takes on a company new to HubSpot.", run: new_in_connectwise },
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
    let company = some_company(control, Side::HubSpot, "city")?;
    let city = if company.value == "Lisbon" { "Porto" } else { "Lisbon" };
    change(control, Side::HubSpot, &company, "city", city)
}

fn phone_in_connectwise(control: &ControlHandle) -> Result<Played, String> {
    let company = some_company(control, Side::ConnectWise, "phoneNumber")?;
    let phone = if company.value.ends_with('1') { "+1 555 0102" } else { "+1 555 0101" };
    change(control, Side::ConnectWise, &company, "phoneNumber", phone)
}

fn new_in_hubspot(control: &ControlHandle) -> Result<Played, String> {
    let n = control.now_ms() % 1_000_000;
    let fields =
        json!({ "name": format!("Harbour Bakery {n}"), "domain": format!("harbour-{n}.example"), "city": "Lisbon" });
    create(control, Side::HubSpot, &fields)
}

fn new_in_connectwise(control: &ControlHandle) -> Result<Played, String> {
    let n = control.now_ms() % 1_000_000;
    let fields = json!({
        "identifier": format!("Quarry{n}"),
        "name": format!("Quarry Tools {n}"),
        "website": format!("quarry-{n}.example"),
    });
    create(control, Side::ConnectWise, &fields)
}

/// The system that a simulator plays.
const fn system(side: Side) -> System {
    match side {
        Side::HubSpot => System::HubSpot,
        Side::ConnectWise => System::ConnectWise,
    }
}

struct Company {
    id: u64,
    name: String,
    value: String,
}

/// The first live company with a value in `field`.
fn some_company(control: &ControlHandle, side: Side, field: &str) -> Result<Company, String> {
    let text = |record: &Value, name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let fits = |record: &Value| {
        let live = record.get("deleted").and_then(Value::as_bool) != Some(true);
        let value = text(record, field);
        let id = record.get("id").and_then(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok()))?;
        (live && !value.is_empty()).then(|| Company { id, name: text(record, "name"), value })
    };
    let records = control.records(side, Object::Company, 0, LOOKED_AT);
    records.iter().rev().find_map(fits).ok_or_else(|| format!("No company in {} has a {field}.", system(side)))
}

fn change(control: &ControlHandle, side: Side, company: &Company, field: &str, to: &str) -> Result<Played, String> {
    let mut fields = Map::new();
    fields.insert(field.to_owned(), json!(to));
    control.edit(side, Object::Company, company.id, &fields, None).map_err(|error: ControlError| error.to_string())?;
    let what = format!("In {}, {field} of {} is now {to}; it was {}.", system(side), company.name, company.value);
    let record = RecordRef::new(ObjectKind::Company, system(side), RecordId(company.id));
    Ok(Played { what, record: Some(record) })
}

fn create(control: &ControlHandle, side: Side, fields: &Value) -> Result<Played, String> {
    let fields = fields.as_object().cloned().unwrap_or_default();
    let id = control.create(side, Object::Company, &fields, None).map_err(|error| error.to_string())?;
    Ok(Played { what: format!("In {}, company {id} is new.", system(side)), record: None })
}
