//! From a file to its rows: which sheet is what, which column holds what. What the rows mean for a configuration is for
//! `onto`.

use std::collections::BTreeMap;

use super::cells::{Grid, grids, of_sheet};
use super::columns::{Column, FIELDS, FILTER_COLUMNS, Holds, PAIRS, SAMPLE};
use super::{CellError, FILTERS, MADE_OF, READ_ME, values_sheet};
use crate::filter::nearest::did_you_mean;
use crate::model::ObjectKind;

/// What a workbook says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workbook {
    /// The state of the configuration that it was written of; none where it does not say.
    pub made_of: Option<u64>,
    /// Sheets that are nothing of the configuration.
    pub ignored: Vec<String>,
    pub(super) fields: Vec<(ObjectKind, Sheet)>,
    pub(super) pairs: Vec<(ObjectKind, Sheet)>,
    pub(super) filters: Option<Sheet>,
}

/// The rows of a sheet that say something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    pub name: String,
    /// The columns that are there, by their titles.
    columns: BTreeMap<&'static str, u32>,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// From 0.
    pub at: u32,
    cells: BTreeMap<u32, String>,
}

impl Sheet {
    pub fn has(&self, title: &str) -> bool {
        self.columns.contains_key(title)
    }

    /// What stands there; an empty cell says nothing.
    pub fn text<'r>(&self, row: &'r Row, title: &str) -> &'r str {
        self.columns.get(title).and_then(|column| row.cells.get(column)).map_or("", String::as_str)
    }

    /// The same for a word or a name, in which blanks around it mean nothing.
    pub fn word<'r>(&self, row: &'r Row, title: &str) -> &'r str {
        self.text(row, title).trim()
    }

    pub fn wrong(&self, row: &Row, title: &str, message: impl Into<String>, hint: impl Into<String>) -> CellError {
        let column = self.columns.get(title).copied().unwrap_or_default();
        let title = if self.has(title) { title.to_owned() } else { String::new() };
        CellError { place: Some((row.at, column)), column: title, ..of_sheet(&self.name, message, hint) }
    }
}

/// Reads a workbook.
///
/// # Errors
/// Everything that is no plain value, and every sheet that can't be told apart, by its cell.
pub fn read(bytes: &[u8]) -> Result<Workbook, Vec<CellError>> {
    let (grids, ignored) = grids(bytes, |name| what_is(name).is_some())?;
    let mut book = Workbook { made_of: None, ignored, fields: Vec::new(), pairs: Vec::new(), filters: None };
    let mut mistakes = Vec::new();
    for grid in grids {
        match what_is(&grid.name) {
            Some(What::ReadMe) => book.made_of = made_of(&grid),
            Some(What::Fields(object)) => {
                book.fields.extend(sheet(grid, &FIELDS, &mut mistakes).map(|sheet| (object, sheet)));
            }
            Some(What::Pairs(object)) => {
                book.pairs.extend(sheet(grid, &PAIRS, &mut mistakes).map(|sheet| (object, sheet)));
            }
            Some(What::Filters) => book.filters = sheet(grid, &FILTER_COLUMNS, &mut mistakes),
            None => {}
        }
    }
    if book.fields.is_empty() && book.pairs.is_empty() && book.filters.is_none() && mistakes.is_empty() {
        let hint = "Keep the names of its sheets: Companies, Companies values, Filters and so on.";
        mistakes.push(CellError::of_file("The workbook has no sheet of a configuration.", hint));
    }
    if mistakes.is_empty() { Ok(book) } else { Err(mistakes) }
}

enum What {
    ReadMe,
    Fields(ObjectKind),
    Pairs(ObjectKind),
    Filters,
}

fn what_is(name: &str) -> Option<What> {
    let is = |other: &str| name.trim().eq_ignore_ascii_case(other);
    if is(READ_ME) {
        return Some(What::ReadMe);
    }
    if is(FILTERS) {
        return Some(What::Filters);
    }
    ObjectKind::ALL.into_iter().find_map(|object| {
        let fields = is(object.plural()).then_some(What::Fields(object));
        fields.or_else(|| is(&values_sheet(object)).then_some(What::Pairs(object)))
    })
}

/// `7.12` beside its title.
fn made_of(grid: &Grid) -> Option<u64> {
    let row = grid.rows.values().find(|row| row.get(&0).is_some_and(|text| text.trim() == MADE_OF))?;
    row.get(&1)?.trim().split_once('.')?.1.parse().ok()
}

fn sheet(grid: Grid, known: &[Column], mistakes: &mut Vec<CellError>) -> Option<Sheet> {
    let mut rows = grid.rows.into_iter();
    let (at, titles) = rows.next().filter(|(at, _)| *at == 0).unwrap_or_default();
    let mut sheet = Sheet { name: grid.name, columns: BTreeMap::new(), rows: Vec::new() };
    let before = mistakes.len();
    for (column, title) in &titles {
        let title = title.trim();
        let wrong = |message: String, hint: String| CellError {
            place: Some((at, *column)),
            ..of_sheet(&sheet.name, message, hint)
        };
        if title.to_lowercase().starts_with(SAMPLE) {
            continue;
        }
        match known.iter().find(|column| column.title.eq_ignore_ascii_case(title)) {
            None => {
                let hint = did_you_mean(title, known.iter().map(|column| column.title), "Remove the column.");
                mistakes.push(wrong(format!("There is no column `{title}`."), hint));
            }
            Some(Column { title, .. }) if sheet.columns.contains_key(title) => {
                mistakes.push(wrong(format!("The column `{title}` is there twice."), "Remove one of them.".to_owned()));
            }
            Some(Column { title, .. }) => drop(sheet.columns.insert(title, *column)),
        }
    }
    for column in known.iter().filter(|column| is_needed(column) && !sheet.has(column.title)) {
        let message = format!("The column `{}` is missing.", column.title);
        mistakes.push(of_sheet(&sheet.name, message, "Its title stands in the first row."));
    }
    if mistakes.len() > before {
        return None;
    }
    let read: Vec<u32> = known
        .iter()
        .filter(|column| !matches!(column.holds, Holds::Shown))
        .filter_map(|column| sheet.columns.get(column.title).copied())
        .collect();
    for (at, mut cells) in rows {
        cells.retain(|column, text| read.contains(column) && !text.trim().is_empty());
        if !cells.is_empty() {
            sheet.rows.push(Row { at, cells });
        }
    }
    Some(sheet)
}

/// Without these a row says nothing; what other columns hold stays as it is where they are missing.
fn is_needed(column: &Column) -> bool {
    use super::columns::{CONNECTWISE_FIELD, CONNECTWISE_VALUE, FILTER, HUBSPOT_FIELD, HUBSPOT_VALUE, OBJECT, TO};
    [HUBSPOT_FIELD, CONNECTWISE_FIELD, HUBSPOT_VALUE, CONNECTWISE_VALUE, OBJECT, TO, FILTER].contains(&column.title)
}
