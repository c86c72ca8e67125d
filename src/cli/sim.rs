//! `lockstep sim`: both simulated systems, until interrupted.

use serde_json::json;

use super::args::Sim;
use super::runtime;
use super::session::Session;
use crate::error::{Exit, Outcome, Report};
use crate::sim::{Data, Options, Running, Simulators};

/// # Errors
/// When a port is taken.
pub fn run(session: &Session, args: &Sim) -> Outcome {
    runtime::start()?.block_on(serve(session, args))
}

async fn serve(session: &Session, args: &Sim) -> Outcome {
    let running = Simulators::start(options(args)).await.map_err(|error| {
        Report::failed("the simulators cannot start")
            .because(error)
            .hint("another process may hold the port: choose others, or 0 for a free one")
    })?;
    announce(session, &running)?;
    runtime::interrupted().await?;
    session.output.note("The simulators stop.");
    Ok(Exit::Done)
}

fn options(args: &Sim) -> Options {
    let data = match args.companies {
        Some(companies) => {
            Data::Generated { companies_hubspot: companies, companies_connectwise: companies, overlap: companies / 2 }
        }
        None => Data::Story,
    };
    Options {
        seed: args.seed,
        hubspot_port: args.hubspot_port,
        connectwise_port: args.connectwise_port,
        data,
        ..Options::default()
    }
}

/// Simulated credentials protect nothing, so they may be shown.
fn announce(session: &Session, running: &Running) -> Outcome<()> {
    let credentials = &running.credentials;
    let answer = json!({
        "hubspot": { "url": running.hubspot_url, "token": credentials.hubspot_token },
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
    let credentials = &running.credentials;
    format!(
        "HubSpot      {hubspot}\n  token        {token}\n\n\
         ConnectWise  {connectwise}\n  company      {company}\n  public key   {public}\n  private key  {private}\n  \
         client id    {client}\n\n\
         To connect a workspace:\n  \
         echo {token} | lockstep connect hubspot --base-url {hubspot} --token-stdin\n  \
         echo {private} | lockstep connect connectwise --site {connectwise} --company {company} \\\n    \
         --public-key {public} --client-id {client} --private-key-stdin\n\n\
         Ctrl-C stops both.",
        hubspot = running.hubspot_url,
        connectwise = running.connectwise_url,
        token = credentials.hubspot_token,
        company = credentials.connectwise_company,
        public = credentials.connectwise_public_key,
        private = credentials.connectwise_private_key,
        client = credentials.connectwise_client_id,
    )
}
