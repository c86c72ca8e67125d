//! `lockstep callbacks`: Lockstep's call-backs in ConnectWise, seen and removed. Made they are by an engine that listens.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::args::{CallbacksAt, CallbacksCommand, CallbacksRemove};
use super::output::width;
use super::progress::attend;
use super::session::Session;
use super::{input, runtime};
use crate::connect::Connector;
use crate::connect::connectwise::Callback;
use crate::engine::core::is_same_tenant;
use crate::engine::core::view::View;
use crate::engine::driver::Clock;
use crate::engine::driver::receiver::PublicUrl;
use crate::engine::driver::setup::{Connection, keep_renewals, working_config};
use crate::engine::driver::steps::Steps;
use crate::error::{Exit, Outcome, Report};
use crate::model::text::printable;
use crate::model::{Hearing, System};
use crate::store::{LeaseError, Workspace};
use crate::view::{callbacks as view, format, plain_text};

/// # Errors
/// When ConnectWise cannot be asked or refuses, and when nobody agreed to a removal.
pub fn run(session: &Session, command: &CallbacksCommand) -> Outcome {
    let workspace = session.workspace()?;
    match command {
        CallbacksCommand::List(at) => list(session, &workspace, at),
        CallbacksCommand::Remove(args) => remove(session, &workspace, args),
    }
}

fn list(session: &Session, workspace: &Workspace, at: &CallbacksAt) -> Outcome {
    let (hearing, places) = (workspace.settings()?.hearing()?, places(workspace, at)?);
    let found = if places.is_empty() { Vec::new() } else { work(found(connector(workspace)?, places))? };
    let now = Clock::start().now();
    session.output.result(&json(&hearing, &found), |_| {
        let stand = plain_text(&view::lines(&hearing, now, width()));
        [stand.trim_end().to_owned()].into_iter().chain(found.iter().map(one)).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Exit::Done)
}

fn remove(session: &Session, workspace: &Workspace, args: &CallbacksRemove) -> Outcome {
    let places = places(workspace, &args.at)?;
    // Held until the end: an engine that begins meanwhile would make them again.
    let _lease = workspace.lease(Clock::start().now()).map_err(|error| match error {
        LeaseError::Held { .. } => Report::refused("the call-backs are not removed")
            .because(error.to_string())
            .hint("end that engine first: while it listens, it makes them again"),
        error => error.into(),
    })?;
    let mut removed = Vec::new();
    if !places.is_empty() {
        let connector = connector(workspace)?;
        work(is_the_tenant(workspace, &connector))?;
        let found = work(found(Arc::clone(&connector), places.clone()))?;
        if !found.is_empty() && !args.yes {
            session.output.note(&found.iter().map(one).collect::<Vec<_>>().join("\n"));
            let what = format::counted(found.len() as u64, "call-back", "call-backs");
            if !input::agrees(&format!("Remove {what} from ConnectWise?"), "--yes")? {
                return Err(Report::refused("nothing was removed").hint("answer y, or give --yes"));
            }
        }
        work(async move {
            let psa = connector.calls_back().ok_or_else(without)?;
            for place in places {
                psa.drop_callbacks(&place).await?;
            }
            Ok(())
        })?;
        removed = found;
    }
    workspace.settings()?.forget_callbacks()?;
    session.output.result(&json!({ "removed": removed.iter().map(row).collect::<Vec<_>>() }), |_| {
        match removed.len() {
            0 => "There are no call-backs of Lockstep's.".to_owned(),
            n => format!("{} removed from ConnectWise.", format::counted(n as u64, "call-back", "call-backs")),
        }
    })?;
    Ok(Exit::Done)
}

/// Every address of this workspace's to which call-backs may lead.
fn places(workspace: &Workspace, at: &CallbacksAt) -> Outcome<Vec<String>> {
    let known = workspace.settings()?.callbacks()?;
    let mut places = known.map(|callbacks| callbacks.addresses()).unwrap_or_default();
    if let Some(url) = &at.public_url {
        places.push(PublicUrl::parse(url)?.of(System::ConnectWise));
    }
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

fn connector(workspace: &Workspace) -> Outcome<Arc<dyn Connector>> {
    let settings = workspace.settings()?;
    let connection = Connection::load(&settings, System::ConnectWise)?;
    let renewed = keep_renewals(workspace, &connection)?;
    Ok(connection.connector(&working_config(&settings)?, Clock::start(), renewed)?)
}

fn work<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    runtime::start()?.block_on(attend(&Steps::default(), "run it again: what is removed stays removed", work))
}

async fn found(connector: Arc<dyn Connector>, places: Vec<String>) -> Outcome<Vec<Callback>> {
    let psa = connector.calls_back().ok_or_else(without)?;
    let mut found = Vec::new();
    for place in places {
        found.extend(psa.callbacks(&place).await?);
    }
    Ok(found)
}

/// Refuses where the connection leads to another tenant than the workspace's: what is there is not this workspace's.
async fn is_the_tenant(workspace: &Workspace, connector: &Arc<dyn Connector>) -> Outcome<()> {
    let tenant = connector.check().await?.tenant;
    match workspace.reader()?.tenant(System::ConnectWise)? {
        Some(known) if !is_same_tenant(&known, &tenant) => Err(Report::refused("the call-backs are not removed")
            .because(format!("ConnectWise answers as tenant {tenant}, but this workspace belongs to {known}"))
            .hint("check the address and credentials of the connection")),
        _ => Ok(()),
    }
}

fn without() -> Report {
    Report::failed("this connection has no call-backs")
}

fn one(callback: &Callback) -> String {
    let state = if callback.inactive { "off" } else { "on" };
    format!("{state:<4} {:<16} {}", printable(&callback.kind), printable(&callback.url))
}

fn row(callback: &Callback) -> Json {
    json!({ "id": callback.id, "type": callback.kind, "url": callback.url, "inactive": callback.inactive })
}

fn json(hearing: &Hearing, found: &[Callback]) -> Json {
    let stand = hearing.callbacks.as_ref();
    json!({
        "address": stand.map(|stand| &stand.address),
        "armed": stand.map_or(&[][..], |stand| &stand.armed),
        "missing": stand.map_or(&[][..], |stand| &stand.missing),
        "looked": stand.and_then(|stand| stand.looked).map(|at| at.to_rfc3339()),
        "trouble": stand.and_then(|stand| stand.trouble.as_ref()).map(|trouble| json!({
            "since": trouble.since.to_rfc3339(), "what": trouble.what, "remedy": trouble.remedy,
        })),
        "last_told": {
            "hubspot": hearing.last.hubspot.map(|at| at.to_rfc3339()),
            "connectwise": hearing.last.connectwise.map(|at| at.to_rfc3339()),
        },
        "callbacks": found.iter().map(row).collect::<Vec<_>>(),
    })
}
