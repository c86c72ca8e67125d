//! One encrypted SQLite file per workspace. All SQL lives here.
//!
//! It keeps the engine's rows and finds them again; it knows no system, no rule and no clock.

mod apply;
mod cells;
mod code;
mod connect;
pub mod inbox;
mod lists;
mod migrations;
mod rest;
mod status;
mod view;

pub mod error;
pub mod key;
pub mod lease;
pub mod reader;
pub mod rows;
pub mod settings;
pub mod versions;
pub mod workspace;
pub mod writer;

pub use error::{LeaseError, StoreError};
pub use inbox::{Inbox, Told};
pub use key::Key;
pub use lease::Lease;
pub use reader::Reader;
pub use rows::ConnectionRow;
pub use settings::Settings;
pub use versions::{Base, DraftError, DraftResult, Saved, Stale};
pub use workspace::Workspace;
pub use writer::{CommitInfo, Writer};
