//! A desk of memory for the tests of the tabs that work on one: a fake for each trait.

mod config;
mod records;
mod simulated;

use std::sync::Arc;

use super::desk::Desk;
pub use config::FakeConfig;
pub use records::FakeRecords;
pub use simulated::FakeSimulated;

/// A desk with nothing on it.
#[must_use]
pub fn desk() -> Desk {
    Desk { records: Arc::new(FakeRecords::default()), config: Arc::new(FakeConfig::default()), simulated: None }
}
