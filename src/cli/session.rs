//! What every command starts from: where things lie, how to answer, and the workspace it works on.

use super::args::Global;
use super::home::{Home, WorkspaceName};
use super::key;
use super::output::Output;
use crate::error::Outcome;
use crate::model::text::printable;
use crate::store::Workspace;

/// One command line's surroundings.
#[derive(Debug)]
pub struct Session {
    pub global: Global,
    pub home: Home,
    pub output: Output,
}

impl Session {
    /// # Errors
    /// When there is no place for workspaces.
    pub fn new(global: Global) -> Outcome<Self> {
        let home = Home::resolve(global.home.as_deref())?;
        let output = Output { json: global.json };
        Ok(Self { global, home, output })
    }

    /// The workspace that is meant, by name.
    ///
    /// # Errors
    /// A usage report when it is not there, or has to be named.
    pub fn chosen(&self) -> Outcome<WorkspaceName> {
        self.home.choose(self.global.workspace.as_deref())
    }

    /// The workspace that is meant, opened with its key.
    ///
    /// # Errors
    /// As [`Session::chosen`], and when the key does not open it.
    pub fn workspace(&self) -> Outcome<Workspace> {
        let name = self.chosen()?;
        let key = key::find(&self.global, &self.home, &name)?;
        Ok(Workspace::open(&self.home.workspaces_dir(), name.as_str(), &key)?)
    }

    /// Who does this, for the history of the configuration and for pauses: as they say, else the account that runs it.
    #[must_use]
    pub fn author(&self) -> String {
        let account = || ["SUDO_USER", "USER", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let named = self.global.author.clone().or_else(account).map(|name| printable(name.trim()).into_owned());
        named.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
    }
}
