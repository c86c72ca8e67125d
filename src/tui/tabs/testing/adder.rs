//! A ConnectWise in memory, as far as another object needs to know it.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::{Arc, Mutex};

use crate::engine::driver::addition::Seen;
use crate::engine::driver::setup::SetupError;
use crate::mapping::{Config, ObjectMapping};
use crate::model::{FieldDef, ObjectKind, Schema, System};
use crate::tui::tabs::mappings::objects::adder::Adder;
use crate::tui::world::BoxFuture;

/// Answers at once.
#[derive(Default)]
pub struct FakeAdder {
    /// ConnectWise's fields of whatever is added.
    pub fields: Vec<FieldDef>,
    pub is_connected: bool,
    /// What the systems were made ready for.
    pub prepared: Mutex<Vec<ObjectMapping>>,
}

impl Adder for FakeAdder {
    fn look(&self, _config: Arc<Config>, object: ObjectKind) -> BoxFuture<Result<Seen, SetupError>> {
        let mut fields = self.fields.clone();
        fields.sort_by(|one, other| one.name.cmp(&other.name));
        let connectwise = Schema { system: System::ConnectWise, object, fields };
        let seen = Seen { connectwise, owners: Vec::new() };
        let told = if self.is_connected { Ok(seen) } else { Err(SetupError::NotConnected(System::ConnectWise)) };
        Box::pin(async move { told })
    }

    fn prepare(&self, _config: Arc<Config>, mapping: ObjectMapping) -> BoxFuture<Result<Vec<String>, SetupError>> {
        self.prepared.lock().unwrap().push(mapping);
        Box::pin(async move { Ok(vec!["the property Key".to_owned()]) })
    }
}
