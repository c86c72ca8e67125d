//! A configuration made ready for work: value maps resolved against the schemas, filters parsed and bound.

use super::Config;
use crate::model::{BySystem, ConfigVersion, Schema};

/// The deployed configuration as the engine uses it.
pub struct Rules {
    pub config: Config,
    pub version: ConfigVersion,
}

impl Rules {
    /// # Errors
    /// Says what in the configuration does not fit the schemas.
    pub fn compile(
        _config: Config,
        _version: ConfigVersion,
        _schemas: &[BySystem<Schema>],
    ) -> Result<Self, Vec<String>> {
        unimplemented!()
    }
}
