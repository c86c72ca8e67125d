//! What deploys a draft for the console. Takes a while: it asks both systems.

use crate::engine::driver::deploy::{DeployError, Deployed};
use crate::tui::world::BoxFuture;

/// Lets a draft drive the engine.
pub trait Deployer: Send + Sync {
    /// Deploys exactly that state of the draft. Must not block the caller's thread.
    fn deploy(&self, edit: u64) -> BoxFuture<Result<Deployed, DeployError>>;
    /// What the deploy under way is at, for people.
    fn step(&self) -> Option<String>;
}
