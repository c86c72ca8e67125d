//! Rows and panels: what the engine knows, as text with a role. Feeds the console, plain output and tests.
//!
//! Pure: knows no terminal, no database and no clock; the time is passed in.

pub mod activity;
pub mod callbacks;
pub mod cell;
pub mod checkup;
pub mod coverage;
pub mod diff;
pub mod explain;
pub mod filter_panel;
pub mod filter_record;
pub mod format;
pub mod issues;
pub mod mapping_table;
pub mod object_list;
pub mod object_page;
pub mod objects;
pub mod picker;
pub mod plan_summary;
pub mod push;
pub mod record_list;
pub mod relatives;
pub mod run;
pub mod sample;
pub mod schema;
pub mod table;
pub mod transform;
pub mod trial;
pub mod undo;
pub mod unusual;
pub mod value_map;
pub mod versions;
pub mod why;

#[cfg(test)]
pub(crate) mod testing;

pub use cell::{Cell, Line, Role, plain_text};
pub use table::{Column, Table};
