//! What makes a property in HubSpot. Takes a while: it asks HubSpot.

use crate::engine::driver::new_field::{FieldPlan, MadeField};
use crate::engine::driver::setup::SetupError;
use crate::mapping::new_field::NewField;
use crate::tui::world::BoxFuture;

/// Must not block the caller's thread.
pub trait FieldMaker: Send + Sync {
    /// What making it would take, as the portal is now.
    fn plan(&self, field: NewField) -> BoxFuture<Result<FieldPlan, SetupError>>;
    /// Makes it, and reads the fields anew.
    fn make(&self, field: NewField) -> BoxFuture<Result<MadeField, SetupError>>;
}
