//! Signing in to HubSpot by OAuth from the command line: shows the page, takes what comes back.
//! Opens no browser: over SSH it would open on the wrong machine.

use std::sync::Arc;
use std::time::Duration;

use super::args::ConnectHubspot;
use super::connect::other_base;
use super::session::Session;
use super::{input, output, runtime};
use crate::connect::hubspot::oauth::{App, Authorization, Loopback, Tokens};
use crate::connect::rights::{LISTS, scopes};
use crate::connect::{ConnectError, Options};
use crate::engine::driver::Clock;
use crate::engine::driver::doctor::needs;
use crate::engine::driver::setup::Connection;
use crate::error::Outcome;
use crate::mapping::Config;
use crate::model::System;

/// How long somebody has to sign in and accept.
const PATIENCE: Duration = Duration::from_secs(600);

/// # Errors
/// Nobody came back, HubSpot did not grant access, or a secret is missing. Nothing is stored then.
pub fn sign_in(session: &Session, args: &ConnectHubspot, config: &Config, clock: Clock) -> Outcome<Connection> {
    let client_id = args.client_id.clone().unwrap_or_default();
    let client_secret = input::token("client secret", "--client-secret-stdin", args.client_secret_stdin)?;
    let app = App { client_id, client_secret };
    let base = other_base(args);
    let options = Options { base: base.clone(), ..Options::new(Arc::new(move || clock.now())) };
    let wanted = scopes(&needs(config, System::HubSpot));
    let runtime = runtime::start()?;
    let tokens = if args.paste {
        // The port is never opened: the address the browser ends at holds the code, whether or not a page is there.
        let redirect = format!("http://localhost:{}/oauth/callback", args.port);
        let attempt = Authorization::begin(&app, &redirect, &wanted, &[LISTS], &options)?;
        show(session, &attempt, &redirect, "then paste the address at which the browser ends; it need not show a page");
        let code = input::pasted("address or code")?;
        let code = attempt.pasted(secrecy::ExposeSecret::expose_secret(&code))?;
        runtime.block_on(attempt.finish(&app, &code, &options))?
    } else {
        runtime.block_on(wait(session, args.port, &app, &wanted, &options))?
    };
    Ok(Connection::by_oauth(base, &app, &tokens)?)
}

async fn wait(
    session: &Session,
    port: u16,
    app: &App,
    wanted: &[&str],
    options: &Options,
) -> Result<Tokens, ConnectError> {
    let back = Loopback::bind(port).await?;
    let redirect = back.redirect();
    let attempt = Authorization::begin(app, &redirect, wanted, &[LISTS], options)?;
    show(session, &attempt, &redirect, "and accept; this command waits for ten minutes (Ctrl-C ends it)");
    let code = back.wait(&attempt, PATIENCE).await?;
    attempt.finish(app, &code, options).await
}

/// On stderr and with `--json`, too: without the page nobody can go on.
fn show(session: &Session, attempt: &Authorization, redirect: &str, then: &str) {
    session.output.note(&format!("The app must have the redirect address {redirect}"));
    output::say(&format!("Open this page in a browser, {then}:\n\n  {}\n", attempt.url));
}
