//! `lockstep init`: a workspace, its key, and the default configuration as its draft.

use serde::Serialize;

use super::args::Init;
use super::home::{WorkspaceName, make_private_dir};
use super::key::{self, KeyPlace};
use super::session::Session;
use crate::engine::driver::Clock;
use crate::error::{Exit, Outcome};
use crate::mapping::{defaults, toml};
use crate::store::{Base, Workspace};

#[derive(Serialize)]
struct Made {
    workspace: String,
    file: String,
    /// None where a passphrase opens it.
    key_file: Option<String>,
    key_made: bool,
    draft: u32,
}

const NOTE: &str = "the default configuration";

/// # Errors
/// When the workspace exists, or it or its key cannot be made.
pub fn run(session: &Session, args: &Init) -> Outcome {
    let name = WorkspaceName::parse(&args.name)?;
    make_private_dir(session.home.root())?;
    refuse_existing(session, &name)?;
    let (key, place) = key::make(&session.global, &session.home, &name)?;
    let workspace = Workspace::create(&session.home.workspaces_dir(), name.as_str(), &key)?;
    let text = toml::write(&defaults::config());
    let draft =
        workspace.settings()?.save_draft(&text, &session.author(), NOTE, Base::Nothing, Clock::start().now())?.version;
    let (key_file, key_made) = match &place {
        KeyPlace::Made(file) => (Some(file.display().to_string()), true),
        KeyPlace::Given(file) => (Some(file.display().to_string()), false),
        KeyPlace::Passphrase => (None, false),
    };
    let file = workspace.file().display().to_string();
    let made = Made { workspace: args.name.clone(), file, key_file, key_made, draft: draft.0 };
    session.output.result(&made, text_of)?;
    Ok(Exit::Done)
}

/// Before a key is made: a key without a workspace would only lie about.
fn refuse_existing(session: &Session, name: &WorkspaceName) -> Outcome<()> {
    if session.home.workspaces()?.contains(name) {
        return Err(crate::store::StoreError::Exists(name.to_string()).into());
    }
    Ok(())
}

fn text_of(made: &Made) -> String {
    let key = match (&made.key_file, made.key_made) {
        (Some(file), true) => format!(
            "Its key      {file}\n             Keep a copy elsewhere: without it nobody can read the workspace."
        ),
        (Some(file), false) => format!("Its key      {file} (used as it was)"),
        (None, _) => "Its key      the passphrase; nobody can restore it".to_owned(),
    };
    format!(
        "Workspace `{}` is made.\n\nIts file     {}\n{key}\nIts draft    version {}, the default configuration\n\n\
         Next: lockstep connect hubspot --token-stdin",
        made.workspace, made.file, made.draft
    )
}
