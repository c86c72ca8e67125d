//! A desk of memory for the tests of the tabs that work on one: a fake for each trait.

mod adder;
mod config;
mod fields;
mod filters;
mod maker;
mod records;
mod simulated;
mod trials;
mod values;
mod versions;

use std::sync::Arc;

use super::desk::{Desk, LastOpened};
use super::draft::source::ConfigSource;
pub use adder::FakeAdder;
pub use config::{FakeConfig, FakeDeployer, version};
pub use fields::FakeFields;
pub use filters::FakeFilters;
pub use maker::FakeMaker;
pub use records::FakeRecords;
pub use simulated::FakeSimulated;
pub use trials::FakeTrials;
pub use values::FakeValues;
pub use versions::FakeVersions;

/// A desk with nothing on it.
#[must_use]
pub fn desk() -> Desk {
    desk_of(&Arc::default())
}

/// A desk with that configuration and nothing else.
#[must_use]
pub fn desk_of(config: &Arc<FakeConfig>) -> Desk {
    Desk {
        records: Arc::new(FakeRecords::default()),
        config: Arc::clone(config) as Arc<dyn ConfigSource>,
        deployer: Arc::new(FakeDeployer(Arc::clone(config))),
        adder: Arc::new(FakeAdder::default()),
        maker: Arc::new(FakeMaker::of(config)),
        versions: Arc::new(FakeVersions::default()),
        trials: Arc::new(FakeTrials::default()),
        filters: Arc::new(FakeFilters(Arc::clone(config))),
        fields: Arc::new(FakeFields::default()),
        values: Arc::new(FakeValues::default()),
        simulated: None,
        last_opened: LastOpened::default(),
    }
}
