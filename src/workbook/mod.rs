//! The configuration as a workbook (.xlsx), for the meeting with the customer: written, edited by people in whatever program
//! they have, and read back with every problem named by its cell.
//!
//! A cell becomes a line of a configuration file, and what is wrong with the line is wrong with the cell: so a workbook takes
//! exactly what [`toml`](crate::mapping::toml) takes. Knows no workspace and no version beyond the text it is given.

mod cells;
mod columns;
mod onto;
mod read;
#[cfg(test)]
mod tests;
mod words;
mod write;

use std::fmt;

pub use cells::{MAX_BYTES, MAX_COLUMNS, MAX_INFLATED, MAX_ROWS};
pub use read::{Workbook, read};
pub use write::{NotWritten, Sample, Samples, write};

use crate::model::ObjectKind;

/// How a file of this kind ends.
pub const EXTENSION: &str = "xlsx";

const READ_ME: &str = "Read me";
const FILTERS: &str = "Filters";
/// Before the state of the configuration that a workbook was made of.
const MADE_OF: &str = "made of";

/// The sheet with the pairs of an object's value maps.
fn values_sheet(object: ObjectKind) -> String {
    format!("{} values", object.plural())
}

/// One thing that is wrong with a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellError {
    /// Empty for the file as a whole.
    pub sheet: String,
    /// From 0, as the column; none for the sheet as a whole.
    pub place: Option<(u32, u32)>,
    /// The title of the column. May be empty.
    pub column: String,
    pub message: String,
    /// What to write instead. May be empty.
    pub hint: String,
}

impl CellError {
    fn of_file(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { sheet: String::new(), place: None, column: String::new(), message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sheet)?;
        if let Some((row, column)) = self.place {
            write!(f, ", {}{}", letters(column), u64::from(row) + 1)?;
        }
        if !self.column.is_empty() {
            write!(f, " ({})", self.column)?;
        }
        let gap = if self.sheet.is_empty() { "" } else { ": " };
        write!(f, "{gap}{}", self.message)
    }
}

/// `A`, `Z`, `AA`: how programs call a column.
fn letters(column: u32) -> String {
    let mut left = u64::from(column) + 1;
    let mut letters = Vec::new();
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or_default();
        letters.push(char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    letters.iter().rev().collect()
}
