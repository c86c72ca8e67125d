//! The configuration of a sync: which objects and fields belong together, and how values cross.
//!
//! Pure: knows the schemas of both systems, never the systems.

pub mod config;
pub mod defaults;
pub mod rules;

pub use config::{AutoPairs, Ceiling, MatchBy};
pub use config::{
    ClearPolicy, Config, ConflictTie, CreatePolicy, Defaults, Direction, Exclusions, FieldKey, FieldMapping, Filters,
    Guards, MatchRule, ObjectMapping, Overflow, SystemOfRecord, Timing, Unmapped, ValueMap, ValuePair,
};
pub use rules::Rules;
