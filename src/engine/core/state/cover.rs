//! What a person let through a guard, as long as it is being carried out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::ConfigVersion;

/// The writes of approved plans that are not all done yet: a run that is cut off does not make anybody approve them again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cover {
    /// The plans were made by that configuration; under another one nothing of them is let through any more.
    pub config: ConfigVersion,
    /// Numbers that stand for each write, each value and each reference of the plans.
    pub marks: BTreeSet<u64>,
}
