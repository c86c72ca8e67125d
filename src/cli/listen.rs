//! The part of the console and of `lockstep sync --watch` that listens for webhooks and call-backs: what it takes, and what a person is told.

use std::net::SocketAddr;

use super::session::Session;
use crate::engine::driver::receiver::{PublicUrl, Receiver};
use crate::engine::driver::setup;
use crate::error::Outcome;
use crate::model::text::printable;
use crate::model::{Callbacks, System};
use crate::store::Workspace;

/// The port, where one is asked for: taken before anything else begins.
///
/// # Errors
/// When it cannot be had, or the public address is none.
pub async fn bind(listen: Option<SocketAddr>, public_url: Option<&str>) -> Outcome<Option<Receiver>> {
    let Some(address) = listen else { return Ok(None) };
    let public = public_url.map(PublicUrl::parse).transpose()?;
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

/// What was said last of ConnectWise's call-backs: nothing is said twice in a row.
#[derive(Default)]
pub struct Said(String);

impl Said {
    /// Says how they stand, where that is news.
    pub fn tell(&mut self, session: &Session, callbacks: &Callbacks) {
        let text = in_words(callbacks);
        if text != self.0 && !text.is_empty() {
            session.output.note(&printable(&text));
            self.0 = text;
        }
    }
}

fn in_words(callbacks: &Callbacks) -> String {
    let mut said = Vec::new();
    if !callbacks.armed.is_empty() {
        said.push(format!("ConnectWise calls back for: {}.", callbacks.armed.join(", ")));
    }
    if let Some(trouble) = &callbacks.trouble {
        let missing = callbacks.missing.join(", ");
        let lead = if missing.is_empty() { String::new() } else { format!("It does not for: {missing}. ") };
        said.push(format!("{lead}{} {} Those changes are found by polling.", trouble.what, trouble.remedy));
    }
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CallbackTrouble, Timestamp};

    #[test]
    fn what_calls_back_is_told_and_what_does_not_with_the_next_step() {
        let mut callbacks = Callbacks::default();
        assert_eq!(in_words(&callbacks), "", "nothing is known yet");
        callbacks.armed = vec!["company".into(), "contact".into()];
        assert_eq!(in_words(&callbacks), "ConnectWise calls back for: company, contact.");
        callbacks.missing = vec!["ticket".into()];
        callbacks.trouble =
            Some(CallbackTrouble { since: Timestamp(0), what: "Refused.".into(), remedy: "Ask for it.".into() });
        assert_eq!(
            in_words(&callbacks),
            "ConnectWise calls back for: company, contact. It does not for: ticket. Refused. Ask for it. Those changes \
             are found by polling."
        );
    }
}
