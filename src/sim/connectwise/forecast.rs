//! The forecast of an opportunity: its items one by one, all of them at once, and the totals that they come to.
//!
//! The whole forecast is changed under a path with a slash at its end, a single item under its id.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::entity::Entity;
use super::permits;
use super::record::Record;
use super::resource::{self, Place};
use super::tables::Table;
use super::{Call, Failure};
use crate::sim::wire::Reply;

const ITEM: Entity = Entity::ForecastItem;

/// The forecast types and the totals that they go into.
const TYPES: [(&str, &str); 5] = [
    ("Product", "productRevenue"),
    ("Service", "serviceRevenue"),
    ("Agreement", "agreementRevenue"),
    ("Other1", "otherRevenue1"),
    ("Other2", "otherRevenue2"),
];

pub(crate) fn serve(call: &mut Call<'_>, opportunity: u32, rest: &[&str]) -> Result<Reply, Failure> {
    call.permit(permits::FINANCE)?;
    resource::find(call, Place::all(Entity::Opportunity), opportunity)?;
    let place = Place::of(ITEM, opportunity);
    let slash = call.request.path.ends_with('/');
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => Ok(whole(call, 200, opportunity)),
        (Method::POST, []) => {
            let body = call.body()?;
            add_all(call, place, &body)?;
            Ok(whole(call, 201, opportunity))
        }
        (Method::PUT | Method::PATCH | Method::DELETE, []) if !slash => Err(Failure::NoVerb),
        (Method::DELETE, []) => {
            remove_all(call, opportunity)?;
            Ok(Reply::empty(204))
        }
        (Method::PUT | Method::PATCH, []) => {
            let body = replacement(&call.body()?)?;
            remove_all(call, opportunity)?;
            add_all(call, place, &body)?;
            Ok(whole(call, 200, opportunity))
        }
        // The specification has an id here, though the item that it makes has none yet.
        (Method::POST, [id]) if id.parse::<u32>().is_ok() => resource::create(call, place),
        (Method::POST, ["copy", id]) => copy(call, place, id.parse().map_err(|_| Failure::NoRoute)?),
        (_, [id]) if id.parse::<u32>().is_ok() => resource::serve(call, place, rest),
        _ => Err(Failure::NoRoute),
    }
}

fn items_of(body: &Value) -> Vec<Value> {
    body.get("forecastItems").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The whole forecast that a PUT, or a PATCH of `forecastItems`, asks for.
fn replacement(body: &Value) -> Result<Value, Failure> {
    let Some(operations) = body.as_array() else { return Ok(body.clone()) };
    let replaces = |operation: &&Value| {
        let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
        text("op") == "replace" && text("path").trim_matches('/') == "forecastItems"
    };
    let found = operations.iter().find(replaces).and_then(|operation| operation.get("value"));
    let items = found.ok_or_else(|| {
        Failure::one(ITEM, "InvalidField", "forecastItems", "Only forecastItems can be replaced in a whole forecast.")
    })?;
    Ok(json!({ "forecastItems": items }))
}

/// All or none: the first that is refused takes the others with it.
fn add_all(call: &mut Call<'_>, place: Place, body: &Value) -> Result<(), Failure> {
    let mut made = Vec::new();
    for item in items_of(body) {
        let done = resource::object(ITEM, &item).and_then(|item| resource::make(call, place, item));
        match done {
            Ok(id) => made.push(id),
            Err(failure) => {
                let (tenant, _) = call.act();
                for id in made {
                    tenant.shelf_mut(ITEM).take(id);
                }
                return Err(failure);
            }
        }
    }
    Ok(())
}

fn remove_all(call: &mut Call<'_>, opportunity: u32) -> Result<(), Failure> {
    let ids: Vec<u32> = call.tenant().shelf(ITEM).of(opportunity).collect();
    let (tenant, mut act) = call.act();
    ids.into_iter().try_for_each(|id| tenant.delete(&mut act, ITEM, id))?;
    Ok(())
}

fn copy(call: &mut Call<'_>, place: Place, id: u32) -> Result<Reply, Failure> {
    let item = resource::find(call, place, id)?.clone();
    let (tenant, mut act) = call.act();
    let mut twin = tenant.blank(ITEM, act.now, act.actor.name());
    for (field, value) in item.values() {
        twin.set(field, Some(value.clone()));
    }
    let id = tenant.create(&mut act, ITEM, twin)?;
    resource::shown(call, 201, ITEM, id)
}

/// The forecast as one object, or as an array of one, as its specification says.
fn whole(call: &Call<'_>, status: u16, opportunity: u32) -> Reply {
    let forecast = forecast(call, opportunity);
    let array = call.switches().forecast_is_array && call.request.method == Method::GET;
    Reply::json(status, &if array { json!([forecast]) } else { forecast })
}

/// Revenue and cost, added up.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    revenue: f64,
    cost: f64,
}

impl Sum {
    fn of<'a>(items: impl Iterator<Item = &'a Record>) -> Self {
        items.fold(Self::default(), |sum, item| Self {
            revenue: sum.revenue + number(item, "revenue"),
            cost: sum.cost + number(item, "cost"),
        })
    }

    fn json(self, id: u32) -> Value {
        let margin = self.revenue - self.cost;
        let percentage = if self.revenue == 0.0 { 0.0 } else { margin / self.revenue * 100.0 };
        json!({"id": id, "revenue": self.revenue, "cost": self.cost, "margin": margin, "percentage": percentage.round()})
    }
}

fn number(item: &Record, name: &str) -> f64 {
    ITEM.field(name).map_or(0.0, |(id, _)| item.number(id))
}

fn flag(item: &Record, name: &str) -> bool {
    ITEM.field(name).is_some_and(|(id, _)| item.flag(id))
}

fn forecast(call: &Call<'_>, opportunity: u32) -> Value {
    let (tenant, eyes) = (call.tenant(), call.eyes());
    let items: Vec<&Record> = tenant.of(ITEM, opportunity).collect();
    let text = |item: &Record, name: &str| ITEM.field(name).map(|(id, _)| item.text(id).to_owned()).unwrap_or_default();
    let included = |item: &&&Record| flag(item, "includeFlag");
    let sum = |keep: &dyn Fn(&Record) -> bool| Sum::of(items.iter().filter(included).filter(|i| keep(i)).copied());
    let status = |item: &Record| ITEM.field("status").and_then(|(id, _)| item.reference(id));
    let has = |item: &Record, flag: &str| {
        status(item).is_some_and(|status| tenant.tables.flag(Table::OpportunityStatus, status, flag))
    };
    let mut map = Map::new();
    map.insert("id".to_owned(), json!(opportunity));
    map.insert("forecastItems".to_owned(), items.iter().map(|item| eyes.show(ITEM, item)).collect());
    for (kind, total) in TYPES {
        map.insert(total.to_owned(), sum(&|item| text(item, "forecastType") == kind).json(opportunity));
    }
    let totals: [(&str, Sum); 5] = [
        ("forecastRevenueTotals", sum(&|_| true)),
        ("inclusiveRevenueTotals", Sum::of(items.iter().copied())),
        ("wonRevenue", sum(&|item| has(item, "wonFlag"))),
        ("lostRevenue", sum(&|item| has(item, "lostFlag"))),
        ("openRevenue", sum(&|item| !has(item, "closedFlag"))),
    ];
    for (name, total) in totals {
        map.insert(name.to_owned(), total.json(opportunity));
    }
    let recurring: f64 = items.iter().filter(|i| flag(i, "recurringFlag")).map(|i| number(i, "recurringRevenue")).sum();
    map.insert("recurringTotal".to_owned(), json!(recurring));
    map.insert("salesTaxRevenue".to_owned(), json!(0.0));
    map.insert("forecastTotalWithTaxes".to_owned(), json!(sum(&|_| true).revenue));
    let record = tenant.find(Entity::Opportunity, opportunity);
    let probability = record.and_then(|record| super::rules::probability(tenant, record)).unwrap_or(0);
    map.insert("expectedProbability".to_owned(), json!(probability));
    map.insert("_info".to_owned(), json!({}));
    Value::Object(map)
}
