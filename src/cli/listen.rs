//! The part of `lockstep sync --watch` that listens for webhooks and call-backs: what it takes, and what a person is told.

use super::args::Sync;
use super::session::Session;
use crate::engine::driver::receiver::{PublicUrl, Receiver};
use crate::engine::driver::setup;
use crate::error::Outcome;
use crate::model::System;
use crate::store::Workspace;

/// The port, where one is asked for: taken before anything else begins.
///
/// # Errors
/// When it cannot be had, or the public address is none.
pub async fn bind(args: &Sync) -> Outcome<Option<Receiver>> {
    let Some(address) = args.listen else { return Ok(None) };
    let public = args.public_url.as_deref().map(PublicUrl::parse).transpose()?;
    Ok(Some(Receiver::bind(address, public).await?))
}

/// Says where it listens, and what is missing for it.
///
/// # Errors
/// When the workspace cannot be read.
pub fn tell(session: &Session, workspace: &Workspace, receiver: &Receiver) -> Outcome<()> {
    session.output.note(&format!("Listening on {}.", receiver.address()));
    if let Some(public) = receiver.public() {
        session.output.note(&format!("HubSpot's app delivers to {}.", public.of(System::HubSpot)));
    }
    if setup::webhook_secret(&workspace.settings()?)?.is_none() {
        session.output.note(
            "HubSpot's webhooks are refused: the client secret of its app is not known. Give it with \
             `lockstep connect hubspot --webhook-secret-stdin`.",
        );
    }
    Ok(())
}
