//! The simulated ConnectWise PSA: discovery, authentication, and the routes for companies and what they need.

mod answers;
mod behaviour;
mod companies;
mod conditions;
mod fields;
mod listing;
mod patch;
mod people;
mod tables;
mod tenant;

pub use self::behaviour::Behaviour;

pub(crate) use self::answers::{Failure, typical_error};
pub(crate) use self::patch::{mark_deleted, set_by_person, set_types};
pub(crate) use self::tenant::Tenant;

use axum::http::Method;
use base64::Engine;
use serde_json::{Value, json};

use self::fields::Table;
use super::ledger::Actor;
use super::options::CONNECTWISE_API_MEMBER;
use super::wire::{Reply, Request};
use super::world::{Act, World};

/// Works whatever the code base is called: it leads to the current one.
const ROUTER: &str = "v4_6_release";
const VERSION: &str = "v2025.1.118472";
/// Longest path and query that is answered, in bytes.
const URI_LIMIT: usize = 10_000;

/// The reply to one request.
pub(crate) fn answer(world: &mut World, request: &Request, now: i64) -> Reply {
    let reply = match serve(world, request, now) {
        Ok(reply) => reply,
        Err(failure) => failure.reply(),
    };
    reply.with("api-current-version", "2025.1")
}

fn serve(world: &mut World, request: &Request, now: i64) -> Result<Reply, Failure> {
    let parts = request.parts();
    if let ["login", "companyinfo", company] = parts.as_slice() {
        return Ok(discovery(world, request, company));
    }
    let rest = codebase_route(world, &parts)?;
    authorize(world, request)?;
    limit(world, now)?;
    if request.uri_length > URI_LIMIT {
        return Err(Failure::UriTooLong);
    }
    permit(world, &request.method)?;
    let base = format!("http://{}/{ROUTER}/apis/3.0/", request.host());
    route(Call { world, request, now, base }, rest)
}

/// One authorised request on its way to its handler.
pub(crate) struct Call<'a> {
    pub world: &'a mut World,
    pub request: &'a Request,
    pub now: i64,
    /// Up to `apis/3.0/`: with the path of a record, links have the doubled slash that live ones have.
    pub base: String,
}

impl Call<'_> {
    /// The tenant, and an act of the API member in it.
    pub fn act(&mut self) -> (&mut Tenant, Act<'_>) {
        let actor = Actor::Api(CONNECTWISE_API_MEMBER.to_owned());
        let world = &mut *self.world;
        let act = Act { now: self.now, actor, behaviour: &world.behaviour, ledger: &mut world.ledger };
        (&mut world.connectwise, act)
    }

    pub fn tenant(&self) -> &Tenant {
        &self.world.connectwise
    }

    pub fn body(&self) -> Result<Value, Failure> {
        self.request.json().map_err(|e| Failure::Plain {
            code: "InvalidObject",
            message: format!("The request body is not valid JSON: {e}"),
        })
    }
}

fn discovery(world: &World, request: &Request, company: &str) -> Reply {
    if company != world.options.credentials.connectwise_company {
        return Reply::json(200, &Value::Null);
    }
    let code_base = &world.behaviour.connectwise.code_base;
    let version = code_base.trim_end_matches('/').replace('_', ".");
    Reply::json(
        200,
        &json!({
            "CompanyName": "Brightwater IT Services", "Codebase": code_base, "VersionCode": version,
            "VersionNumber": VERSION, "CompanyID": company, "IsCloud": "True", "SiteUrl": request.host(),
        }),
    )
}

/// What follows `{codebase}apis/3.0`. A code base that was left behind answers 404, nonsense 400 in plain text.
fn codebase_route<'a, 'b>(world: &World, parts: &'b [&'a str]) -> Result<&'b [&'a str], Failure> {
    match parts {
        [code_base, "apis", "3.0", rest @ ..] => {
            let current = world.behaviour.connectwise.code_base.trim_end_matches('/');
            if *code_base == current || *code_base == ROUTER {
                Ok(rest)
            } else if code_base.starts_with('v') && code_base.contains('_') {
                Err(Failure::NoRoute)
            } else {
                Err(Failure::CannotRoute)
            }
        }
        _ => Err(Failure::CannotRoute),
    }
}

fn authorize(world: &World, request: &Request) -> Result<(), Failure> {
    let credentials = &world.options.credentials;
    let expected = format!(
        "{}+{}:{}",
        credentials.connectwise_company, credentials.connectwise_public_key, credentials.connectwise_private_key
    );
    let given = request
        .header("authorization")
        .and_then(|v| v.strip_prefix("Basic "))
        .and_then(|v| base64::engine::general_purpose::STANDARD.decode(v.trim()).ok());
    if given.as_deref() != Some(expected.as_bytes()) {
        return Err(Failure::Unauthorized);
    }
    match request.header("clientid") {
        Some(id) if id == credentials.connectwise_client_id => Ok(()),
        _ => Err(Failure::NoClientId(world.behaviour.connectwise.missing_client_id)),
    }
}

/// More than so many requests in a minute are refused for the rest of it.
fn limit(world: &mut World, now: i64) -> Result<(), Failure> {
    let (most, limits) = (world.behaviour.connectwise.per_minute, world.behaviour.limits);
    let (from, used) = &mut world.connectwise.minute;
    if now - *from >= 60_000 || now < *from {
        (*from, *used) = (now, 0);
    }
    *used = used.saturating_add(1);
    if limits && *used > most {
        let seconds = (*from + 60_000 - now + 999) / 1000;
        return Err(Failure::Limited(seconds.max(1)));
    }
    Ok(())
}

fn permit(world: &World, method: &Method) -> Result<(), Failure> {
    let level = match *method {
        Method::GET => "inquire",
        Method::POST => "add",
        Method::DELETE => "delete",
        _ => "edit",
    };
    if world.behaviour.connectwise.denied.iter().any(|d| d == level) { Err(Failure::Forbidden) } else { Ok(()) }
}

fn route(mut call: Call<'_>, parts: &[&str]) -> Result<Reply, Failure> {
    let method = call.request.method.clone();
    match (method.as_str(), parts) {
        ("GET", ["system", "info"]) => Ok(Reply::json(
            200,
            &json!({
                "version": VERSION, "isCloud": true, "serverTimeZone": "Eastern Standard Time", "licenseBits": [],
                "cloudRegion": "NA", "maxWorkFlowRecordsAllowed": 500,
            }),
        )),
        ("GET", ["system", "members", rest @ ..]) => listing::table(&call, Table::Member, rest),
        ("GET", ["system", "locations", rest @ ..]) => listing::table(&call, Table::Territory, rest),
        ("GET", ["system", "userDefinedFields", rest @ ..]) => listing::definitions(&call, rest),
        ("GET", ["company", "countries", rest @ ..]) => listing::table(&call, Table::Country, rest),
        ("GET", ["company", "marketDescriptions", rest @ ..]) => listing::table(&call, Table::Market, rest),
        ("GET", ["company", "ownershipTypes", rest @ ..]) => listing::table(&call, Table::Ownership, rest),
        ("GET", ["company", "companies", "statuses", rest @ ..]) => listing::table(&call, Table::Status, rest),
        ("GET", ["company", "companies", "types", rest @ ..]) => listing::table(&call, Table::Type, rest),
        (_, ["company", "companyTypeAssociations", rest @ ..]) => companies::associations(&mut call, None, rest),
        (_, ["company", "companies", rest @ ..]) => companies::serve(&mut call, rest),
        _ => Err(Failure::NoRoute),
    }
}
