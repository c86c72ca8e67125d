//! `lockstep connect`: tries a connection, makes the system ready, and stores it.

use std::sync::Arc;

use serde_json::json;

use super::args::{Connect, ConnectConnectwise, ConnectHubspot};
use super::output::{paragraph, width};
use super::progress::attend;
use super::session::Session;
use super::{input, oauth, runtime};
use crate::connect::Connector;
use crate::engine::driver::Clock;
use crate::engine::driver::doctor::connect_command;
use crate::engine::driver::ready::{Told, make_ready};
use crate::engine::driver::setup::{
    ConnectWiseConnection, Connection, HubSpotConnection, keep_renewals, working_config,
};
use crate::engine::driver::steps::Steps;
use crate::error::{Exit, Outcome};
use crate::mapping::Config;
use crate::model::System;
use crate::store::Settings;

/// HubSpot's own address, which need not be stored.
const HUBSPOT: &str = "https://api.hubapi.com";

/// # Errors
/// When the system does not accept the connection; nothing is stored then.
pub fn run(session: &Session, command: &Connect) -> Outcome {
    let workspace = session.workspace()?;
    let mut settings = workspace.settings()?;
    if let Connect::Hubspot(ConnectHubspot { webhook_secret_stdin: true, .. }) = command {
        return webhook_secret(session, &mut settings);
    }
    let (config, clock) = (working_config(&settings)?, Clock::start());
    let (connection, offline) = match command {
        Connect::Hubspot(args) if args.oauth => (oauth::sign_in(session, args, &config, clock)?, false),
        Connect::Hubspot(args) => (hubspot(args)?, args.offline),
        Connect::Connectwise(args) => (connectwise(args)?, args.offline),
    };
    let connector = connection.connector(&config, clock, keep_renewals(&workspace, &connection)?)?;
    let mut told = Told::default();
    if !offline {
        let steps = Steps::default();
        let work = async {
            let work = try_out(&connector, &config, &mut settings, clock, &steps);
            steps.within(&connector, async { Ok(work.await) }).await?
        };
        told = runtime::start()?.block_on(attend(&steps, "the connection was not stored; connect again", work))?;
    }
    connection.save(&mut settings)?;
    answer(session, &connection, offline, &told)
}

/// Keeps the secret that signs HubSpot's webhooks. Nobody can try it: only a delivery tells.
fn webhook_secret(session: &Session, settings: &mut Settings) -> Outcome {
    Connection::load(settings, System::HubSpot)?;
    let secret = input::token("client secret", "--webhook-secret-stdin", true)?;
    settings.put_webhook_secret(System::HubSpot, &secret)?;
    let answer = json!({ "system": System::HubSpot, "webhook_secret": "stored" });
    session.output.result(&answer, |_| "The secret that signs HubSpot's webhooks is stored.".to_owned())?;
    Ok(Exit::Done)
}

fn hubspot(args: &ConnectHubspot) -> Outcome<Connection> {
    let token = input::token("token", "--token-stdin", args.token_stdin)?;
    Ok(Connection::HubSpot(HubSpotConnection { base_url: other_base(args), oauth: None }, token))
}

/// The address to store: none for HubSpot's own.
pub(super) fn other_base(args: &ConnectHubspot) -> Option<String> {
    (args.base_url.trim_end_matches('/') != HUBSPOT).then(|| args.base_url.clone())
}

fn connectwise(args: &ConnectConnectwise) -> Outcome<Connection> {
    let private_key = input::token("private key", "--private-key-stdin", args.private_key_stdin)?;
    let ConnectConnectwise { site, company, public_key, client_id, .. } = args;
    let connection = ConnectWiseConnection {
        site: site.clone(),
        company: company.clone(),
        public_key: public_key.clone(),
        client_id: client_id.clone(),
    };
    Ok(Connection::ConnectWise(connection, private_key))
}

/// Whether it works; then makes sure that records can carry their key, and reads the fields.
async fn try_out(
    connector: &Arc<dyn Connector>,
    config: &Config,
    settings: &mut Settings,
    clock: Clock,
    steps: &Steps,
) -> Outcome<Told> {
    steps.begin(connector, "whether it lets us in");
    let check = connector.check().await?;
    let mut told = Told::default();
    (told.tenant, told.label) = (Some(check.tenant), Some(check.label));
    told.of(connector.system(), check.warnings);
    make_ready(connector, config, settings, clock, &mut told, steps).await?;
    Ok(told.complete())
}

fn answer(session: &Session, connection: &Connection, offline: bool, told: &Told) -> Outcome {
    let system = connection.system();
    let answer = json!({
        "system": system,
        "address": connection.address(),
        "tried": !offline,
        "tenant": told.tenant,
        "label": told.label,
        "created": told.created,
        "warnings": told.warnings,
    });
    session.output.result(&answer, |_| text(connection, offline, told))?;
    Ok(Exit::Done)
}

fn text(connection: &Connection, offline: bool, told: &Told) -> String {
    let system = connection.system();
    let mut lines = vec![format!("{system} is connected: {}", connection.address())];
    if let (Some(tenant), Some(label)) = (&told.tenant, &told.label) {
        let known = label.contains(tenant.as_str()) || connection.address().contains(tenant.as_str());
        let tenant = if known { String::new() } else { format!(" ({tenant})") };
        lines.push(format!("It is {label}{tenant}."));
    }
    if offline {
        lines.push("It was not tried.".to_owned());
    }
    lines.extend(told.created.iter().map(|text| format!("made there: {text}")));
    lines.extend(told.warnings.iter().map(|text| format!("warning: {text}")));
    lines.push(match system {
        System::HubSpot => format!("Next: {}, where it is not connected yet", connect_command(System::ConnectWise)),
        System::ConnectWise => "Next: lockstep config lint, then lockstep config deploy".to_owned(),
    });
    let width = width();
    lines.iter().map(|line| paragraph(&crate::model::text::printable(line), width)).collect::<Vec<_>>().join("\n")
}
