//! The simulated HubSpot: both path families of the CRM API, for companies and what companies need.

mod account;
mod answers;
mod batch;
mod behaviour;
mod limits;
mod objects;
mod people;
mod portal;
mod properties;
mod schema;
mod search;

pub use self::behaviour::Behaviour;

pub(crate) use self::answers::{Failure, refused, typical_error};
pub(crate) use self::objects::all_values;
pub(crate) use self::portal::Portal;

use axum::http::Method;
use serde_json::{Value, json};

use super::ledger::Actor;
use super::options::HUBSPOT_APP_ID;
use super::wire::{Reply, Request};
use super::world::{Act, World};

/// Longest path and query that is answered, in bytes.
const URI_LIMIT: usize = 16_000;
const DATED: [&str; 2] = ["2026-03", "2026-09"];
const KNOWN_OBJECTS: [&str; 12] =
    ["contacts", "contact", "0-1", "deals", "deal", "0-3", "tickets", "ticket", "0-5", "products", "0-7", "line_items"];

/// The reply to one request.
pub(crate) fn answer(world: &mut World, request: &Request, now: i64) -> Reply {
    let correlation = world.random.uuid_v7(now);
    let route = route(&request.parts());
    let is_search = matches!(&route, Some(Route { area: Area::Objects, rest, .. }) if rest.last() == Some(&"search"));
    let reply = match serve(world, request, now, route, is_search) {
        Ok(reply) => reply,
        Err(failure) => failure.reply(&correlation),
    };
    let limited = reply.status == 401 || is_search;
    let headers = if limited { Vec::new() } else { world.hubspot.buckets.headers(&world.behaviour).to_vec() };
    headers
        .into_iter()
        .fold(reply, |reply, (name, value)| reply.with(name, value))
        .with("x-hubspot-correlation-id", correlation)
}

fn serve(
    world: &mut World,
    request: &Request,
    now: i64,
    route: Option<Route<'_>>,
    is_search: bool,
) -> Result<Reply, Failure> {
    authorize(world, request)?;
    world.hubspot.buckets.take(now, is_search, &world.behaviour).map_err(Failure::Limited)?;
    if request.uri_length > URI_LIMIT {
        return Err(Failure::UriTooLong);
    }
    let Route { area, object, rest } = route.ok_or(Failure::NoRoute)?;
    if let Some(object) = object {
        check_object(world, object, area, request)?;
    }
    let call = Call { world, request, now };
    match area {
        Area::Objects => objects::serve(call, &rest),
        Area::Properties => properties::serve(call, &rest),
        Area::Owners => account::owners(&call, &rest),
        Area::Account => account::details(&call, &rest),
    }
}

/// One authorised request on its way to its handler.
pub(crate) struct Call<'a> {
    pub world: &'a mut World,
    pub request: &'a Request,
    pub now: i64,
}

impl Call<'_> {
    /// The portal, and an act of the API client in it.
    pub fn act(&mut self) -> (&mut Portal, Act<'_>) {
        let actor = Actor::Api(HUBSPOT_APP_ID.to_owned());
        let world = &mut *self.world;
        let act = Act { now: self.now, actor, behaviour: &world.behaviour, ledger: &mut world.ledger };
        (&mut world.hubspot, act)
    }

    pub fn body(&self) -> Result<Value, Failure> {
        self.request.json().map_err(|e| {
            Failure::invalid(format!("Invalid input JSON on line {}, column {}: {e}", e.line(), e.column()))
        })
    }

    pub fn page_limit(&self, asked: Option<i64>, default: usize, most: usize) -> Result<usize, Failure> {
        let limit = match asked {
            None => default,
            Some(n) => match usize::try_from(n) {
                Ok(n) if (1..=most).contains(&n) => n,
                _ => return Err(Failure::invalid(format!("limit must be between 1 and {most}, but was {n}"))),
            },
        };
        Ok(self.world.behaviour.page_cap.map_or(limit, |cap| limit.min(cap.max(1))))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    Objects,
    Properties,
    Owners,
    Account,
}

struct Route<'a> {
    area: Area,
    object: Option<&'a str>,
    rest: Vec<&'a str>,
}

/// Understands `/crm/objects/2026-09/companies/…` and `/crm/v3/objects/companies/…`.
fn route<'a>(parts: &[&'a str]) -> Option<Route<'a>> {
    let (area, rest) = match parts {
        ["crm", "v3", area, rest @ ..] => (*area, rest),
        ["crm", area, version, rest @ ..] if DATED.contains(version) => (*area, rest),
        ["account-info", version, rest @ ..] if *version == "v3" || DATED.contains(version) => {
            return Some(Route { area: Area::Account, object: None, rest: rest.to_vec() });
        }
        _ => return None,
    };
    let area = match area {
        "objects" => Area::Objects,
        "properties" => Area::Properties,
        "owners" => return Some(Route { area: Area::Owners, object: None, rest: rest.to_vec() }),
        _ => return None,
    };
    let (object, rest) = rest.split_first()?;
    Some(Route { area, object: Some(object), rest: rest.to_vec() })
}

fn authorize(world: &World, request: &Request) -> Result<(), Failure> {
    let given = request.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
    match given {
        None => Err(Failure::NoCredentials),
        Some(token) if token == world.options.credentials.hubspot_token => Ok(()),
        Some(_) => Err(Failure::Expired),
    }
}

fn check_object(world: &World, object: &str, area: Area, request: &Request) -> Result<(), Failure> {
    let is_company = ["companies", "company", "0-2"].contains(&object);
    if !is_company && !KNOWN_OBJECTS.contains(&object) {
        return Err(Failure::BadRequest {
            message: format!("Unable to infer object type from: {object}"),
            category: "VALIDATION_ERROR",
        });
    }
    let last = request.segments.last().map_or("", String::as_str);
    let reads = request.method == Method::GET
        || last == "search"
        || request.segments.iter().rev().nth(1).is_some_and(|s| s == "batch") && last == "read";
    let verb = if reads { "read" } else { "write" };
    let plural = if is_company { "companies" } else { object };
    let needed = match (area, reads) {
        (Area::Properties, true) => vec![format!("crm.schemas.{plural}.read"), format!("crm.objects.{plural}.read")],
        (Area::Properties, false) => vec![format!("crm.schemas.{plural}.write")],
        _ => vec![format!("crm.objects.{plural}.{verb}")],
    };
    require(world, needed)?;
    if is_company { Ok(()) } else { Err(Failure::NoRoute) }
}

/// Any one of the scopes will do.
fn require(world: &World, scopes: Vec<String>) -> Result<(), Failure> {
    if scopes.iter().any(|s| world.behaviour.hubspot.scopes.contains(s)) {
        Ok(())
    } else {
        Err(Failure::MissingScopes(scopes))
    }
}

/// The values of a JSON object of properties, as text. Numbers and booleans are taken as their text, null clears.
fn property_values(from: Option<&Value>) -> Result<Vec<(String, String)>, Failure> {
    let Some(Value::Object(map)) = from else {
        return Err(Failure::invalid("Invalid input JSON: properties must be an object".to_owned()));
    };
    map.iter()
        .map(|(name, value)| match value {
            Value::Null => Ok((name.clone(), String::new())),
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Bool(_) | Value::Number(_) => Ok((name.clone(), value.to_string())),
            Value::Array(_) | Value::Object(_) => Err(Failure::invalid(format!(
                "Invalid input JSON on line 1, column 1: Cannot deserialize value of type `java.lang.String` ({name})"
            ))),
        })
        .collect()
}

fn next_page(after: &str, request: &Request) -> Value {
    let link = format!("http://{}{}?after={after}", request.host(), request.path);
    json!({"next": {"after": after, "link": link}})
}
