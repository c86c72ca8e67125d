//! The simulated HubSpot: both path families of the CRM API, for every object that has a counterpart in ConnectWise.
//!
//! Everything is written from the API facts. `docs/facts/hubspot.md` lists them one by one: how each is met, which tests see
//! it, and what is left out for which reason. What they leave open is a switch of [`Behaviour`].

mod accept;
mod account;
mod answers;
mod association_batches;
mod associations;
mod batch;
mod batch_write;
mod behaviour;
mod collection;
mod derive;
mod jobs;
mod kinds;
mod labels;
mod lag;
mod life;
mod limits;
mod links;
mod list_store;
mod lists;
mod oauth;
mod objects;
mod owners;
mod people;
mod pipeline_store;
mod pipelines;
mod portal;
mod properties;
mod property_groups;
mod route;
mod rules;
mod schema;
mod search;
mod search_filters;
mod search_query;
mod show;
mod slips;
mod ties;
mod tokens;
mod upkeep;
mod values;
mod webhooks;

pub use self::behaviour::{Behaviour, LimitWord, WebhookSignature};
pub(crate) use self::webhooks::{event_names, sign};

pub(crate) use self::answers::{Failure, expired_reply, refused, typical_error};
pub(crate) use self::portal::{Portal, WriteError};

use serde_json::{Value, json};

use self::kinds::KindRef;
use self::route::{Area, Route, Version};
use self::rules::Manner;
use self::tokens::Bearer;
use super::ledger::Actor;
use super::options::HUBSPOT_APP_ID;
use super::wire::{Reply, Request};
use super::world::{Act, World};

/// Longest path and query that is answered, in bytes.
const URI_LIMIT: usize = 16_000;

/// The reply to one request.
pub(crate) fn answer(world: &mut World, request: &Request, now: i64) -> Reply {
    world.hubspot.run_due(now, &world.behaviour, &mut world.ledger);
    let correlation = world.random.uuid_v7(now);
    let parts = request.parts();
    let route = route::parse(&parts);
    let lane = route.as_ref().map_or(limits::Lane::Burst, Route::lane);
    let mut bearer = None;
    let reply = match serve(world, request, now, route, &mut bearer) {
        Ok(reply) => reply,
        Err(failure) => failure.reply(&correlation, &world.behaviour.hubspot),
    };
    let headers = match bearer {
        Some(bearer) if lane != limits::Lane::Search => world.hubspot.buckets.headers(&world.behaviour.hubspot, bearer),
        _ => Vec::new(),
    };
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
    known: &mut Option<Bearer>,
) -> Result<Reply, Failure> {
    if let Some(seconds) = world.behaviour.hubspot.moving_for_s {
        return Err(Failure::Moving(seconds));
    }
    if let Some(Route { area: Area::OAuth | Area::Meta, .. }) = &route {
        return open_to_all(world, request, now, route);
    }
    let bearer = world.hubspot.tokens.bearer(request, &world.options.credentials, now)?;
    *known = Some(bearer.clone());
    let lane = route.as_ref().map_or(limits::Lane::Burst, Route::lane);
    let limited = world.hubspot.buckets.take(now, lane, &world.behaviour, &bearer);
    limited.map_err(|exceeded| Failure::Limited(exceeded, world.behaviour.hubspot.retry_after))?;
    if request.uri_length > URI_LIMIT {
        return Err(Failure::UriTooLong);
    }
    let route = route.ok_or(Failure::NoRoute)?;
    if route.version.is_numbered() && world.behaviour.hubspot.numbered_versions_are_off {
        return Err(Failure::NoRoute);
    }
    let call = Call { world, request, now, version: route.version, bearer };
    call.dispatch(&route)
}

/// Calls that carry their credentials in the body, or need none.
fn open_to_all(world: &mut World, request: &Request, now: i64, route: Option<Route<'_>>) -> Result<Reply, Failure> {
    match route {
        Some(Route { area: Area::OAuth, rest, .. }) => oauth::serve(world, request, now, &rest),
        Some(Route { area: Area::Meta, .. }) => Ok(account::network_origins()),
        _ => Err(Failure::NoRoute),
    }
}

/// One authorised request on its way to its handler.
pub(crate) struct Call<'a> {
    pub world: &'a mut World,
    pub request: &'a Request,
    pub now: i64,
    pub version: Version,
    pub bearer: Bearer,
}

impl Call<'_> {
    /// Scopes are asked for before anything else is looked at.
    fn dispatch(self, route: &Route<'_>) -> Result<Reply, Failure> {
        let rest = route.rest.as_slice();
        match route.area {
            Area::Objects => objects::serve(self, rest),
            Area::Associations => association_batches::serve(self, rest),
            Area::Properties => properties::serve(self, rest),
            Area::Validations => properties::validations(self, rest),
            Area::Pipelines => pipelines::serve(self, rest),
            Area::Owners => owners::serve(&self, rest),
            Area::Lists => lists::serve(self, rest),
            Area::Limits => account::limits(&self, rest),
            Area::Account => account::serve(&self, rest),
            Area::OAuth | Area::Meta => Err(Failure::NoRoute),
        }
    }

    /// The portal, and an act of the API client in it.
    pub fn act(&mut self) -> (&mut Portal, Act<'_>) {
        let world = &mut *self.world;
        let switches = &world.behaviour.hubspot;
        let by_key = !self.bearer.is_oauth() && switches.token_is_service_key;
        let app = if by_key { switches.service_key_source_id.as_str() } else { HUBSPOT_APP_ID };
        let actor = Actor::Api(app.to_owned());
        let act = Act { now: self.now, actor, behaviour: &world.behaviour, ledger: &mut world.ledger };
        (&mut world.hubspot, act)
    }

    pub fn manner(&self) -> Manner<'_> {
        let is_strict = self.version == Version::Y2026M09;
        Manner { behaviour: &self.world.behaviour.hubspot, is_strict, by_person: false }
    }

    pub const fn portal(&self) -> &Portal {
        &self.world.hubspot
    }

    pub const fn switches(&self) -> &Behaviour {
        &self.world.behaviour.hubspot
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

    /// The `limit` of the query.
    pub fn asked_limit(&self) -> Option<i64> {
        self.request.param("limit").map(|text| text.parse().unwrap_or(-1))
    }

    /// A flag of the query, false where it is left out.
    pub fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.request.param(name) {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(Failure::invalid(format!("Invalid boolean for {name}: {text}"))),
        }
    }

    /// Any one of the scopes will do.
    pub fn require(&self, scopes: &[&str]) -> Result<(), Failure> {
        let granted = |scope: &&str| {
            self.switches().scopes.iter().any(|s| s == scope)
                && self.bearer.scopes().is_none_or(|own| own.iter().any(|s| s == scope))
        };
        if scopes.iter().any(granted) {
            Ok(())
        } else {
            Err(Failure::MissingScopes(scopes.iter().map(|s| (*s).to_owned()).collect()))
        }
    }

    /// The object that a path names, if the token may read (or write) it.
    pub fn kind(&self, name: &str, writes: bool) -> Result<KindRef, Failure> {
        let Some(kind) = kinds::Kind::named(name) else { return Err(self.foreign(name)) };
        self.require(if writes { kind.write } else { kind.read })?;
        Ok(kind)
    }

    /// As `kind`, for definitions of properties and pipelines.
    pub fn schema_kind(&self, name: &str, writes: bool) -> Result<KindRef, Failure> {
        let Some(kind) = kinds::Kind::named(name) else { return Err(self.foreign(name)) };
        self.require(if writes { kind.write_schema } else { kind.read_schema })?;
        Ok(kind)
    }

    fn foreign(&self, name: &str) -> Failure {
        match kinds::FOREIGN.iter().find(|(known, _)| *known == name) {
            Some((_, scope)) => Failure::MissingScopes(vec![(*scope).to_owned()]),
            None => Failure::invalid(format!("Unable to infer object type from: {name}")),
        }
    }
}

/// A cursor for the next page, with the link that HubSpot adds.
fn next_page(after: &str, request: &Request) -> Value {
    let link = format!("http://{}{}?after={after}", request.host(), request.path);
    json!({"next": {"after": after, "link": link}})
}
