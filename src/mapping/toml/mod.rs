//! The configuration as a TOML file, for version control and for people's editors.
//! What is written reads back the same; what can't be read is named in full, and nothing of it is taken.

mod edit;
mod read;
mod table;
#[cfg(test)]
pub mod tests;
mod write;

pub use edit::update;
pub use read::{MAX_BYTES, MAX_FIELDS, MAX_PAIRS, read};
pub use write::write;

/// One thing that is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {path}{}{message}", if path.is_empty() { "" } else { ": " })]
pub struct ConfigError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// Where in the configuration: `object[1].field[3].kind`, counted from 1. Empty for the file as a whole.
    pub path: String,
    pub message: String,
    /// What to write instead. May be empty.
    pub hint: String,
}
