//! What finds out what another object needs, and makes both systems ready for it. Takes a while: it asks the systems.

use std::sync::Arc;

use crate::engine::driver::addition::Seen;
use crate::engine::driver::setup::SetupError;
use crate::mapping::{Config, ObjectMapping};
use crate::model::ObjectKind;
use crate::tui::world::BoxFuture;

/// Must not block the caller's thread.
pub trait Adder: Send + Sync {
    /// Reads what ConnectWise has for an object that `config` lacks.
    fn look(&self, config: Arc<Config>, object: ObjectKind) -> BoxFuture<Result<Seen, SetupError>>;
    /// Reads the fields of both systems, and makes the one that carries the key where it is missing; tells what it made.
    fn prepare(&self, config: Arc<Config>, mapping: ObjectMapping) -> BoxFuture<Result<Vec<String>, SetupError>>;
}
