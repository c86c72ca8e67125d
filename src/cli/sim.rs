//! `lockstep sim`: both simulated systems, until interrupted.

use serde_json::json;

use super::args::{Sim, SimData, SimNumbers};
use super::runtime;
use super::session::Session;
use crate::error::{Exit, Outcome, Report};
use crate::sim::{Data, Options, Running, Simulators, Size, Sizes};

/// Companies in each system where none are asked for, at least.
const FEWEST: usize = 100;

/// How the control API is used. The README has the same lines, and a test runs them.
pub const HELP: &str = r#"Examples:
  lockstep sim --hubspot-port 8701 --connectwise-port 8702
  lockstep sim --contacts 100000 --seed 7

The control API, on both ports under /_sim/, JSON in and out, no credentials:

# Look at records in id order, a page at a time, and at one of them
curl -s 'localhost:7421/_sim/records/hubspot/contacts?after=0&limit=5'
curl -s localhost:7421/_sim/records/connectwise/companies/19303

# A person creates, edits, deletes, restores and merges; in HubSpot, gives a
# contact its primary company
curl -s localhost:7421/_sim/records/hubspot/contacts \
  -d '{"fields": {"email": "pat@kestreldental.example.com",
                  "firstname": "Pat"}}'
curl -s -X PATCH localhost:7421/_sim/records/connectwise/companies/19303 \
  -d '{"fields": {"phoneNumber": "555-0199"}, "user": "jlind"}'
curl -s -X DELETE localhost:7421/_sim/records/connectwise/companies/19304
curl -s -X POST localhost:7421/_sim/records/connectwise/companies/19304/restore
curl -s localhost:7421/_sim/records/connectwise/companies/19305/merge \
  -d '{"other": 19306}'
curl -s localhost:7421/_sim/records/hubspot/contacts/18230000229/associate \
  -d '{"to": "companies", "id": 18230000019, "primary": true}'

# Things go wrong: two answers are lost after their effect, the token expires
# ten requests from now; and all is well again
curl -s localhost:7421/_sim/faults \
  -d '{"fault": "drop_after_commit", "side": "connectwise",
       "method": "PATCH", "count": 2}'
curl -s localhost:7421/_sim/faults \
  -d '{"fault": "expired", "side": "hubspot", "skip": 10}'
curl -s -X DELETE localhost:7421/_sim/faults

# Time: an hour later; one system's clock five minutes ahead; HubSpot's search
# knows of every change at once
curl -s localhost:7421/_sim/clock/advance -d '{"ms": 3600000}'
curl -s -X PUT localhost:7421/_sim/clock/skew \
  -d '{"side": "connectwise", "ms": 300000}'
curl -s -X PATCH localhost:7421/_sim/behaviour \
  -d '{"hubspot": {"create_lag_ms": 0, "update_lag_ms": 0}}'

# Every kind of fault and every switch of the behaviour, with what it does; a
# scope is taken from the token and given back, a right from a row of the
# security role, and the row is as it was
curl -s localhost:7421/_sim/faults/kinds
curl -s localhost:7421/_sim/behaviour/switches
curl -s -X PATCH localhost:7421/_sim/behaviour \
  -d '{"hubspot": {"scopes": {"remove": ["crm.objects.deals.write"]}}}'
curl -s -X PATCH localhost:7421/_sim/behaviour \
  -d '{"hubspot": {"scopes": {"add": ["crm.objects.deals.write"]}}}'
curl -s -X PATCH localhost:7421/_sim/behaviour \
  -d '{"connectwise": {"role": {"rows":
        {"Sales/Opportunity": {"edit": "NONE"}}}}}'
curl -s -X PATCH localhost:7421/_sim/behaviour \
  -d '{"connectwise": {"role": {"rows": {"Sales/Opportunity": null}}}}'

# Where HubSpot's app listens to webhooks (ConnectWise's callbacks are made over
# its own API)
curl -s -X PUT localhost:7421/_sim/webhooks/hubspot \
  -d '{"url": "http://127.0.0.1:9000/hook", "secret": "not-so-secret"}'

# What happened: who changed what, the last requests, the deliveries of webhooks
# and callbacks
curl -s 'localhost:7421/_sim/ledger?since=0'
curl -s 'localhost:7421/_sim/requests?since=0'
curl -s 'localhost:7421/_sim/deliveries?since=0'

# Everything as at the start
curl -s -X POST localhost:7421/_sim/reset"#;

/// # Errors
/// When a port is taken.
pub fn run(session: &Session, args: &Sim) -> Outcome {
    refuse_numbers_of_other_data(args)?;
    runtime::start()?.block_on(serve(session, args))
}

async fn serve(session: &Session, args: &Sim) -> Outcome {
    let running = Simulators::start(options(args)).await.map_err(|error| {
        Report::failed("the simulators cannot start").because(error).hint(
            "end the process that holds it, or choose another port with --hubspot-port or --connectwise-port; 0 \
                 takes a free one",
        )
    })?;
    announce(session, &running)?;
    runtime::interrupted().await?;
    session.output.note("The simulators stop.");
    Ok(Exit::Done)
}

fn options(args: &Sim) -> Options {
    Options {
        seed: args.seed,
        hubspot_port: args.hubspot_port,
        connectwise_port: args.connectwise_port,
        data: data(args),
        ..Options::default()
    }
}

/// Numbers are for generated records: the story has its own, and nothing is nothing.
fn refuse_numbers_of_other_data(args: &Sim) -> Outcome<()> {
    let word = match args.data {
        Some(SimData::Empty) => "empty",
        Some(SimData::Story) => "story",
        Some(SimData::Generated) | None => return Ok(()),
    };
    if !asks_for_numbers(args.numbers) {
        return Ok(());
    }
    Err(Report::usage(format!("`--data {word}` does not go with a number of records"))
        .because("only generated records can be counted out")
        .hint("leave the number out, or ask for `--data generated`"))
}

const fn asks_for_numbers(of: SimNumbers) -> bool {
    let SimNumbers { companies, contacts, deals, tickets, products, line_items, activities } = of;
    companies.is_some()
        || contacts.is_some()
        || deals.is_some()
        || tickets.is_some()
        || products.is_some()
        || line_items.is_some()
        || activities.is_some()
}

fn data(args: &Sim) -> Data {
    match args.data {
        Some(SimData::Empty) => Data::Empty,
        Some(SimData::Story) => Data::Story,
        None if !asks_for_numbers(args.numbers) => Data::Story,
        Some(SimData::Generated) | None => Data::Generated(sizes(args.numbers)),
    }
}

/// What is not asked for by number is there in proportion: what hangs on companies needs companies.
fn sizes(args: SimNumbers) -> Sizes {
    let asked = |n: Option<usize>| n.unwrap_or(0);
    let contacts =
        asked(args.contacts).max(asked(args.deals)).max(asked(args.tickets)).max(asked(args.activities)) / 10;
    let companies = args.companies.unwrap_or_else(|| contacts.max(FEWEST));
    // ConnectWise wants a company and a contact for an opportunity, and an opportunity for a forecast item.
    let hangs =
        args.deals.is_some() || args.line_items.is_some() || args.tickets.is_some() || args.activities.is_some();
    let contacts = args.contacts.unwrap_or(if hangs { companies } else { 0 });
    let deals = args.deals.unwrap_or(if args.line_items.is_some() { companies } else { 0 });
    Sizes {
        companies: Size::of(companies),
        contacts: Size::of(contacts),
        deals: Size::of(deals),
        tickets: Size::of(asked(args.tickets)),
        products: Size::of(asked(args.products)),
        line_items: Size::of(asked(args.line_items)),
        activities: Size::of(asked(args.activities)),
    }
}

/// Simulated credentials protect nothing, so they may be shown.
fn announce(session: &Session, running: &Running) -> Outcome<()> {
    let credentials = &running.credentials;
    let hubspot = running.control.behaviour().hubspot;
    let answer = json!({
        "hubspot": { "url": running.hubspot_url, "token": credentials.hubspot_token,
            "oauth_client_id": hubspot.oauth_client_id, "oauth_client_secret": hubspot.oauth_client_secret },
        "connectwise": {
            "url": running.connectwise_url,
            "company": credentials.connectwise_company,
            "public_key": credentials.connectwise_public_key,
            "private_key": credentials.connectwise_private_key,
            "client_id": credentials.connectwise_client_id,
        },
    });
    session.output.result(&answer, |_| text(running))
}

fn text(running: &Running) -> String {
    let switches = running.control.behaviour().hubspot;
    let credentials = &running.credentials;
    format!(
        "HubSpot      {hubspot}\n  token        {token}\n  app id       {app}\n  app secret   {secret}\n\n\
         ConnectWise  {connectwise}\n  company      {company}\n  public key   {public}\n  private key  {private}\n  \
         client id    {client}\n\n\
         To connect a workspace:\n  \
         echo {token} | lockstep connect hubspot --base-url {hubspot} --token-stdin\n  \
         echo {secret} | lockstep connect hubspot --base-url {hubspot} --oauth \\\n    \
         --client-id {app} --client-secret-stdin\n  \
         echo {private} | lockstep connect connectwise --site {connectwise} --company {company} \\\n    \
         --public-key {public} --client-id {client} --private-key-stdin\n\n\
         Ctrl-C stops both.",
        hubspot = running.hubspot_url,
        connectwise = running.connectwise_url,
        token = credentials.hubspot_token,
        app = switches.oauth_client_id,
        secret = switches.oauth_client_secret,
        company = credentials.connectwise_company,
        public = credentials.connectwise_public_key,
        private = credentials.connectwise_private_key,
        client = credentials.connectwise_client_id,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_the_same_calls_as_the_help() {
        let readme = include_str!("../../README.md");
        let calls = HELP.split_once("# Look").map(|(_, calls)| calls);
        assert!(calls.is_some_and(|calls| readme.contains(calls)), "the README shows other calls than `sim --help`");
    }
}
