//! The simulated ConnectWise PSA: discovery, authentication, routes. Written from the API facts alone.
//!
//! Every kind of record ([`entity`]) has a field table ([`fields`]) and one code for reading ([`listing`]), writing
//! ([`resource`], [`assign`], [`patch`]) and showing ([`show`]); what a kind does by itself is in [`rules`]. What no public
//! source settles is a switch ([`Behaviour`]) whose default is the choice that is harder on a client.
//!
//! Fact by fact, `docs/facts/connectwise.md` says how each is met, which test sees it, what was decided where nothing is
//! known, and what is left out for which reason.

mod answers;
mod apart;
mod assign;
mod associations;
mod behaviour;
mod bundles;
mod callbacks;
mod communications;
mod conditions;
mod entity;
mod fields;
mod forecast;
mod listing;
mod merge;
mod patch;
mod paths;
mod people;
mod permits;
mod record;
mod resource;
mod routes;
mod rules;
mod shelf;
mod show;
mod slips;
mod tables;
mod tenant;

pub use self::behaviour::{
    Behaviour, ClosedDate, EmptyReference, Level, MergedCompany, NullReference, Permit, Role, SelfSuppression,
};

pub(crate) use self::answers::{Failure, typical_error};
pub(crate) use self::tenant::Tenant;

use base64::Engine;
use serde_json::{Value, json};

use self::permits::{Level as Reach, Verb};
use self::show::Eyes;
use super::ledger::Actor;
use super::options::CONNECTWISE_API_MEMBER;
use super::wire::{Reply, Request};
use super::world::{Act, World};

/// Works whatever the code base is called: it leads to the current one.
const ROUTER: &str = "v4_6_release";
const BUILD: &str = "118472";

/// The reply to one request.
pub(crate) fn answer(world: &mut World, request: &Request, now: i64) -> Reply {
    let reply = match serve(world, request, now) {
        Ok(reply) => reply,
        Err(failure) => failure.reply_to(request),
    };
    let release = world.behaviour.connectwise.release.clone();
    reply.with("api-current-version", release)
}

fn serve(world: &mut World, request: &Request, now: i64) -> Result<Reply, Failure> {
    let parts = request.parts();
    if let ["login", "companyinfo", company] = parts.as_slice() {
        return Ok(discovery(world, request, company));
    }
    if let [_, "system", "callbackkey", "index.rails"] = parts.as_slice() {
        let company = &world.options.credentials.connectwise_company;
        let key = callbacks::signing_key(company, request.param("companyName"), request.param("id"));
        return key.map(|key| Reply::json(200, &key)).ok_or(Failure::NoRoute);
    }
    let rest = codebase_route(world, &parts)?;
    if world.behaviour.connectwise.wrong_host {
        return Err(Failure::SslRequired);
    }
    authorize(world, request)?;
    limit(world, now)?;
    if request.uri_length > world.behaviour.connectwise.uri_limit {
        return Err(Failure::UriTooLong);
    }
    let verb = Verb::of(&request.method);
    if world.behaviour.connectwise.denied.iter().any(|denied| denied == verb.word()) {
        return Err(Failure::Forbidden);
    }
    // What call-backs go by, which are made up without a request.
    world.connectwise.self_suppression = world.behaviour.connectwise.self_suppression;
    world.connectwise.login_company.clone_from(&world.options.credentials.connectwise_company);
    let base = format!("http://{}/{ROUTER}/apis/3.0/", request.host());
    let served = world.behaviour.connectwise.release_number();
    let model = pinned(request).map_or(served, |pin| pin.min(served));
    routes::route(&mut Call { world, request, now, base, model }, rest)
}

/// The release that `Accept: application/vnd.connectwise.com+json; version=2020.1` asks for.
fn pinned(request: &Request) -> Option<u32> {
    let accept = request.header("accept")?;
    let mut parts = accept.split(';').map(str::trim);
    parts.find_map(|part| part.strip_prefix("version=")).and_then(behaviour::release_number)
}

/// One authorised request on its way to its handler.
pub(crate) struct Call<'a> {
    pub world: &'a mut World,
    pub request: &'a Request,
    pub now: i64,
    /// Up to `apis/3.0/`: with the path of a record, links have the doubled slash that live ones have.
    pub base: String,
    /// The release whose model the client is answered in.
    pub model: u32,
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

    pub fn switches(&self) -> &Behaviour {
        &self.world.behaviour.connectwise
    }

    pub fn eyes(&self) -> Eyes<'_> {
        Eyes { tenant: self.tenant(), behaviour: self.switches(), model: self.model, base: &self.base, api: true }
    }

    pub fn body(&self) -> Result<Value, Failure> {
        self.request.json().map_err(|e| Failure::Plain {
            code: "InvalidObject",
            message: format!("The request body is not valid JSON: {e}"),
        })
    }

    /// Whether the role lets this request's verb through that row.
    pub fn permit(&self, row: &str) -> Result<(), Failure> {
        self.permit_verb(row, Verb::of(&self.request.method))
    }

    /// The same for a table of the Table Setup, which a role can be customised to leave out.
    pub fn permit_table(&self, table: &str) -> Result<(), Failure> {
        self.permit(permits::TABLE_SETUP)?;
        if self.switches().role.closes(table) { Err(Failure::Forbidden) } else { Ok(()) }
    }

    pub fn permit_verb(&self, row: &str, verb: Verb) -> Result<(), Failure> {
        if self.switches().role.level(row, verb) == Reach::None { Err(Failure::Forbidden) } else { Ok(()) }
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
            "VersionNumber": version_text(world), "CompanyID": company, "SiteUrl": request.host(),
            "IsCloud": if world.behaviour.connectwise.on_premise { "False" } else { "True" },
        }),
    )
}

/// `v2025.1.118472`.
fn version_text(world: &World) -> String {
    format!("v{}.{BUILD}", world.behaviour.connectwise.release)
}

/// What follows `{codebase}apis/3.0`. A code base that was left behind answers 404, nonsense 400 in plain text.
fn codebase_route<'a, 'b>(world: &World, parts: &'b [&'a str]) -> Result<&'b [&'a str], Failure> {
    match parts {
        // No path begins twice.
        [_, "apis", "3.0", _, "apis", ..] => Err(Failure::CannotRoute),
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
        let on_premise = world.behaviour.connectwise.on_premise;
        return Err(if on_premise { Failure::NotAuthenticated } else { Failure::Unauthorized });
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
