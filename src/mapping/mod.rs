//! The configuration of a sync: which objects and fields belong together, and how values cross.
//!
//! Pure: knows the schemas of both systems, never the systems.

pub mod called;
pub mod compat;
pub mod config;
pub mod convert;
pub mod coverage;
pub mod defaults;
pub mod diff;
pub mod harm;
pub mod keys;
pub mod lacks;
pub mod lint;
#[cfg(test)]
mod lint_tests;
pub mod merge;
pub mod needs;
pub mod new_field;
pub mod normalise;
pub mod pairing;
pub mod references;
pub mod rich_text;
pub mod rules;
pub mod stability;
pub mod stages;
pub mod suggest;
pub mod toml;
pub mod transform;

pub use config::{AutoPairs, Ceiling, MatchBy};
pub use config::{
    ClearPolicy, Config, ConflictTie, CreatePolicy, Defaults, Direction, Exclusions, FieldKey, FieldMapping,
    FilterScripts, Filters, Guards, MatchRule, ObjectMapping, Overflow, SystemOfRecord, Timing, Unmapped, ValueMap,
    ValuePair,
};
pub use diff::{Change, diff};
pub use harm::{Harm, harm};
pub use lacks::{Lack, Lacks};
pub use lint::{Finding, Severity};
pub use rules::{Absent, FieldRule, ObjectRules, Rules, RulesError};
pub use suggest::{Incompatible, complete, suggest};
pub use transform::{Step, Transforms};
