//! OAuth: the page where a person grants access, and the endpoints for tokens, in all their versions. Credentials are in
//! the bodies; no bearer is asked for.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::Failure;
use super::portal::PORTAL_ID;
use super::tokens::{Access, Grant};
use crate::sim::options::HUBSPOT_APP_ID;
use crate::sim::wire::{Reply, Request, encode, parse_query};
use crate::sim::world::World;

const USER: &str = "marta.vance@brightwater.example.com";
const USER_ID: u64 = 51_446_676;
const DOMAIN: &str = "brightwater.hubspot.example.com";
/// Characters of a token: real ones have no fixed length, and may have more than three hundred.
const TOKEN_PARTS: usize = 20;

pub(crate) fn serve(world: &mut World, request: &Request, now: i64, rest: &[&str]) -> Result<Reply, Failure> {
    match (request.method.clone(), rest) {
        (Method::GET, ["authorize"] | [_, "authorize"]) => authorize(world, request, now),
        (Method::POST, ["v1" | "v3" | "2026-03" | "2026-09", "token"]) => token(world, request, now, rest),
        (Method::POST, ["v3" | "2026-03" | "2026-09", "token", "introspect"]) => introspect(world, request, now),
        (Method::POST, ["v3" | "2026-03" | "2026-09", "token", "revoke"]) => revoke(world, request),
        (Method::GET, ["v1", "access-tokens", token]) => old_access(world, token, now),
        (Method::GET, ["v1", "refresh-tokens", token]) => old_refresh(world, token),
        (Method::DELETE, ["v1", "refresh-tokens", token]) => {
            world.hubspot.tokens.revoke_refresh(token);
            Ok(Reply::empty(204))
        }
        (Method::POST, ["v2", "private-apps", "get", "access-token-info"]) => private_app(world, request),
        _ => Err(Failure::NoRoute),
    }
}

fn page(status: u16, text: &str) -> Reply {
    let mut page = Reply::text(status, &format!("<!doctype html><title>Connect an app</title><body>{text}</body>"));
    page.content_type = "text/html; charset=utf-8";
    page
}

/// A page with two links; with `approve=true` (or `false`) in the query, the redirect that the link leads to.
fn authorize(world: &mut World, request: &Request, now: i64) -> Result<Reply, Failure> {
    let param = |name: &str| request.param(name).unwrap_or_default();
    let redirect = param("redirect_uri");
    if param("client_id") != world.behaviour.hubspot.oauth_client_id {
        return Ok(page(400, "<p>The client id is not known.</p>"));
    }
    if !may_redirect(redirect) {
        return Ok(page(400, "<p>The redirect URL is neither https nor on this machine.</p>"));
    }
    let wanted: Vec<String> = param("scope").split_whitespace().map(str::to_owned).collect();
    let app = &world.behaviour.hubspot.scopes;
    if wanted.is_empty() || wanted.iter().any(|scope| !app.contains(scope)) {
        return Ok(page(400, "<p>The scopes do not match those of the app.</p>"));
    }
    let method = param("code_challenge_method");
    if !method.is_empty() && method != "S256" {
        return Ok(page(400, "<p>Only S256 is supported as code challenge method.</p>"));
    }
    match request.param("approve") {
        Some("true") => {
            let optional = param("optional_scope").split_whitespace().filter(|s| app.iter().any(|a| a == s));
            let scopes = wanted.into_iter().chain(optional.map(str::to_owned)).collect();
            let challenge = request.param("code_challenge").filter(|c| !c.is_empty()).map(str::to_owned);
            let code = world.random.uuid_v7(now);
            let grant = Grant { scopes, redirect: redirect.to_owned(), challenge, issued: now };
            world.hubspot.tokens.grant(code.clone(), grant);
            Ok(redirected(redirect, &[("code", &code), ("state", param("state"))]))
        }
        Some(_) => {
            let why = "The user denied access";
            Ok(redirected(
                redirect,
                &[("error", "access_denied"), ("error_description", why), ("state", param("state"))],
            ))
        }
        None => Ok(page(200, &choice(request))),
    }
}

/// Codes travel over TLS, or not at all.
fn may_redirect(uri: &str) -> bool {
    let host = uri.strip_prefix("http://").map(|rest| rest.split(['/', ':', '?']).next().unwrap_or_default());
    uri.starts_with("https://") || matches!(host, Some("localhost" | "127.0.0.1"))
}

fn redirected(to: &str, query: &[(&str, &str)]) -> Reply {
    let pairs: Vec<String> = query
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let sign = if to.contains('?') { '&' } else { '?' };
    Reply::empty(302).with("location", format!("{to}{sign}{}", pairs.join("&")))
}

fn choice(request: &Request) -> String {
    let pairs: Vec<String> = request.query.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
    let link = |answer: bool| format!("{}?{}&amp;approve={answer}", request.path, pairs.join("&amp;"));
    format!(
        "<p>An app asks for access to portal {PORTAL_ID}.</p><p><a href=\"{}\">Connect app</a> <a href=\"{}\">Cancel</a></p>",
        link(true),
        link(false)
    )
}

/// The members of a form in the body; of v1 also those of the query.
fn form(request: &Request, with_query: bool) -> Vec<(String, String)> {
    let mut form = parse_query(&String::from_utf8_lossy(&request.body));
    if with_query {
        form.extend(request.query.iter().cloned());
    }
    form
}

fn member<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
}

fn check_client(world: &World, form: &[(String, String)]) -> Result<(), Failure> {
    let switches = &world.behaviour.hubspot;
    if member(form, "client_id") != switches.oauth_client_id {
        return Err(Failure::OAuth { status: "BAD_CLIENT_ID", message: "missing or invalid client id" });
    }
    if member(form, "client_secret") != switches.oauth_client_secret {
        return Err(Failure::OAuth { status: "BAD_CLIENT_SECRET", message: "missing or invalid client secret" });
    }
    Ok(())
}

fn token(world: &mut World, request: &Request, now: i64, rest: &[&str]) -> Result<Reply, Failure> {
    let form = form(request, rest.first() == Some(&"v1"));
    check_client(world, &form)?;
    let (scopes, refresh) = match member(&form, "grant_type") {
        "authorization_code" => (by_code(world, &form, now)?, new_token(world, now)),
        "refresh_token" => by_refresh(world, &form, now)?,
        _ => return Err(Failure::OAuth { status: "BAD_GRANT_TYPE", message: "missing or unknown grant type" }),
    };
    let token = new_token(world, now);
    let lifetime = world.behaviour.hubspot.token_lifetime_s;
    let expires = now.saturating_add(lifetime.saturating_mul(1_000));
    let access = Access { scopes: scopes.clone(), expires, refresh: refresh.clone() };
    world.hubspot.tokens.issue(token.clone(), access);
    let body = json!({
        "access_token": token, "refresh_token": refresh, "expires_in": lifetime, "token_type": "bearer",
        "token_use": "access_token", "hub_id": PORTAL_ID, "user_id": USER_ID, "scopes": scopes,
    });
    Ok(Reply::json(200, &body).with("cache-control", "no-store"))
}

fn new_token(world: &mut World, now: i64) -> String {
    let parts: Vec<String> = (0..TOKEN_PARTS).map(|_| world.random.uuid_v7(now).replace('-', "")).collect();
    format!("CN{}", parts.join("").get(..320).unwrap_or_default())
}

fn by_code(world: &mut World, form: &[(String, String)], now: i64) -> Result<Vec<String>, Failure> {
    let bad = Failure::OAuth { status: "BAD_AUTH_CODE", message: "missing or unknown auth code" };
    let Some(grant) = world.hubspot.tokens.take_code(member(form, "code")) else { return Err(bad) };
    if now - grant.issued > world.behaviour.hubspot.code_lifetime_ms {
        return Err(Failure::OAuth { status: "EXPIRED_AUTH_CODE", message: "auth code is expired" });
    }
    if grant.redirect != member(form, "redirect_uri") {
        return Err(Failure::OAuth { status: "MISMATCH_REDIRECT_URI_AUTH_CODE", message: "redirect uri mismatch" });
    }
    match &grant.challenge {
        Some(challenge) if challenge_of(member(form, "code_verifier")) != *challenge => Err(bad),
        _ => Ok(grant.scopes),
    }
}

fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

fn by_refresh(world: &mut World, form: &[(String, String)], now: i64) -> Result<(Vec<String>, String), Failure> {
    let old = member(form, "refresh_token");
    let Some(scopes) = world.hubspot.tokens.refreshable(old).cloned() else {
        return Err(Failure::OAuth { status: "BAD_REFRESH_TOKEN", message: "missing or invalid refresh token" });
    };
    if world.behaviour.hubspot.rotates_refresh_tokens {
        world.hubspot.tokens.revoke_refresh(old);
        return Ok((scopes, new_token(world, now)));
    }
    Ok((scopes, old.to_owned()))
}

fn about(scopes: &[String]) -> Value {
    json!({
        "hub_id": PORTAL_ID, "hub_domain": DOMAIN, "app_id": HUBSPOT_APP_ID.parse::<u64>().unwrap_or(0),
        "user_id": USER_ID, "user": USER, "scopes": scopes,
    })
}

fn joined(mut one: Value, other: Value) -> Value {
    if let (Some(map), Value::Object(more)) = (one.as_object_mut(), other) {
        map.extend(more);
    }
    one
}

fn introspect(world: &World, request: &Request, now: i64) -> Result<Reply, Failure> {
    let form = form(request, false);
    check_client(world, &form)?;
    let token = member(&form, "token");
    let tokens = &world.hubspot.tokens;
    let body = match (tokens.access(token), tokens.refreshable(token)) {
        (Some(access), _) if access.expires > now => joined(
            about(&access.scopes),
            json!({"active": true, "token_use": "access_token", "expires_in": (access.expires - now) / 1_000}),
        ),
        (None, Some(scopes)) => joined(about(scopes), json!({"active": true, "token_use": "refresh_token"})),
        _ => json!({"active": false}),
    };
    Ok(Reply::json(200, &body))
}

fn revoke(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let form = form(request, false);
    check_client(world, &form)?;
    let token = member(&form, "token");
    // Revoking what is not there is as good as done.
    let _known = world.hubspot.tokens.revoke_refresh(token) || world.hubspot.tokens.revoke_access(token);
    Ok(Reply::empty(204))
}

fn old_access(world: &World, token: &str, now: i64) -> Result<Reply, Failure> {
    match world.hubspot.tokens.access(token) {
        Some(access) if access.expires > now => {
            let more = json!({"token": token, "expires_in": (access.expires - now) / 1_000, "token_type": "access"});
            Ok(Reply::json(200, &joined(about(&access.scopes), more)))
        }
        _ => Err(Failure::NotFound),
    }
}

fn old_refresh(world: &World, token: &str) -> Result<Reply, Failure> {
    let scopes = world.hubspot.tokens.refreshable(token).ok_or(Failure::NotFound)?;
    let more = json!({"token": token, "client_id": world.behaviour.hubspot.oauth_client_id, "token_type": "refresh"});
    Ok(Reply::json(200, &joined(about(scopes), more)))
}

/// What a private app's token may do. A service key cannot be asked.
fn private_app(world: &World, request: &Request) -> Result<Reply, Failure> {
    let body = request.json().map_err(|e| Failure::invalid(format!("Invalid input JSON: {e}")))?;
    let token = body.get("tokenKey").and_then(Value::as_str).unwrap_or_default();
    if world.behaviour.hubspot.token_is_service_key || token != world.options.credentials.hubspot_token {
        return Err(Failure::NotFound);
    }
    let app = HUBSPOT_APP_ID.parse::<u64>().unwrap_or(0);
    let scopes = &world.behaviour.hubspot.scopes;
    let body = json!({"userId": USER_ID, "hubId": PORTAL_ID, "appId": app, "scopes": scopes});
    Ok(Reply::json(200, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge_of(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn codes_go_only_where_nobody_listens() {
        for good in ["https://example.com/cb", "http://localhost:8123/cb", "http://127.0.0.1:1/"] {
            assert!(may_redirect(good), "{good}");
        }
        for bad in ["http://example.com/cb", "http://localhost.example.com/", "ftp://localhost/", ""] {
            assert!(!may_redirect(bad), "{bad}");
        }
    }
}
