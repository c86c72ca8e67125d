//! The vocabulary: plain data that every room shares.
//!
//! Nothing here knows a protocol, a database, a terminal or a clock.

pub mod callbacks;
pub mod checkup;
pub mod drift;
pub mod field;
pub mod id;
pub mod object;
pub mod pause;
pub mod record;
pub mod schema;
pub mod system;
pub mod text;
pub mod time;
pub mod value;

pub use callbacks::{CallbackTrouble, Callbacks, Hearing};
pub use checkup::{Access, Checked, Checkup, Grade, ObjectAccess, Right, Verb};
pub use drift::{Changed, SchemaChange};
pub use field::FieldName;
pub use id::{ConfigVersion, IntentId, LinkId, RecordId, RecordRef, RunId};
pub use object::ObjectKind;
pub use pause::{Pause, PauseScope, Pauses};
pub use record::{Fields, Record};
pub use schema::{ChoiceOption, FieldDef, FieldKind, Schema, StageOutcome, no_such_field};
pub use system::{BySystem, System};
pub use time::Timestamp;
pub use value::Value;
