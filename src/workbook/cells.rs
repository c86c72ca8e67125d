//! The cells of a file that anybody may have made: every limit is held before something is kept of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read as _};

use calamine::{DataRef, Reader as _, Xlsx, open_workbook_from_rs};
use zip::ZipArchive;

use super::CellError;

/// The largest file that is read.
pub const MAX_BYTES: usize = 20 * 1024 * 1024;
/// What it may come to, unpacked, in bytes.
pub const MAX_INFLATED: u64 = 200 * 1024 * 1024;
/// Rows of a sheet, the first included.
pub const MAX_ROWS: u32 = 100_000;
pub const MAX_COLUMNS: u32 = 64;
/// Parts that it is packed of, and sheets.
const MAX_PARTS: usize = 1_000;
const MAX_SHEETS: usize = 100;
/// Texts of all cells, in bytes: many cells may name one long text.
const MAX_TEXT: usize = 64 * 1024 * 1024;
/// Texts that a file may say it has.
const MAX_TEXTS: u64 = 5_000_000;
/// Mistakes that are told of one file.
const MOST_MISTAKES: usize = 200;

const SPLIT: &str = "Keep what belongs to the configuration, and put the rest into a file of its own.";

/// One sheet: texts by row and column, both from 0. An empty cell is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grid {
    pub name: String,
    pub rows: BTreeMap<u32, BTreeMap<u32, String>>,
}

/// The sheets that `is_wanted` by their names, and the names of the others.
///
/// # Errors
/// What is no workbook, is too large, or holds what is no plain value.
pub fn grids(bytes: &[u8], is_wanted: impl Fn(&str) -> bool) -> Result<(Vec<Grid>, Vec<String>), Vec<CellError>> {
    let no_workbook =
        |why: String| vec![CellError::of_file(format!("This is no workbook: {why}."), "Save it as .xlsx.")];
    if bytes.len() > MAX_BYTES {
        let message = format!("The file has {} bytes; {MAX_BYTES} are read at most.", bytes.len());
        return Err(vec![CellError::of_file(message, SPLIT)]);
    }
    unpack(bytes)?;
    let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(bytes))
        .map_err(|error: calamine::XlsxError| no_workbook(error.to_string()))?;
    let names = book.sheet_names();
    if names.len() > MAX_SHEETS {
        let message = format!("The workbook has {} sheets; {MAX_SHEETS} are read at most.", names.len());
        return Err(vec![CellError::of_file(message, SPLIT)]);
    }
    let (wanted, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| is_wanted(name));
    let (mut found, mut mistakes, mut left) = (Vec::new(), Vec::new(), MAX_TEXT);
    for name in wanted {
        match grid(&mut book, &name, &mut left, &mut mistakes) {
            Ok(Some(grid)) => found.push(grid),
            Ok(None) => break,
            Err(error) => mistakes.push(of_sheet(&name, format!("The sheet cannot be read: {error}."), "")),
        }
    }
    if mistakes.is_empty() { Ok((found, others)) } else { Err(mistakes) }
}

/// Unpacks everything once, and keeps nothing: what a file says of its size is no promise.
fn unpack(bytes: &[u8]) -> Result<(), Vec<CellError>> {
    let broken = |error: &dyn std::fmt::Display| {
        vec![CellError::of_file(format!("This is no workbook: {error}."), "Save it as .xlsx.")]
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    if archive.len() > MAX_PARTS {
        let message = format!("The workbook is packed of {} parts; {MAX_PARTS} are read at most.", archive.len());
        return Err(vec![CellError::of_file(message, SPLIT)]);
    }
    let (mut left, mut names) = (MAX_INFLATED, BTreeSet::new());
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|error| broken(&error))?;
        let name = part.name().map_err(|error| broken(&error))?.to_lowercase();
        // only of these the reader makes room before it has seen them
        let mut claims = name.ends_with("sharedstrings.xml").then(Claims::default);
        if !names.insert(name) {
            return Err(broken(&"it has a part twice"));
        }
        let mut part = part.take(left + 1);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = part.read(&mut buffer).map_err(|error| broken(&error))?;
            if read == 0 {
                break;
            }
            left = match left.checked_sub(read as u64) {
                Some(left) => left,
                None => {
                    let message = format!("The workbook is larger than {} MiB, unpacked.", MAX_INFLATED / 1024 / 1024);
                    return Err(vec![CellError::of_file(message, SPLIT)]);
                }
            };
            if claims.as_mut().is_some_and(|claims| claims.are_too_much(&buffer[..read])) {
                return Err(broken(&"it claims more texts than it can hold"));
            }
        }
    }
    Ok(())
}

/// What a part says of the number of its texts, for which room would be made at once.
#[derive(Default)]
struct Claims {
    /// The end of what was looked at, which a claim may begin in.
    before: Vec<u8>,
}

impl Claims {
    const WORD: &[u8] = b"uniqueCount";

    fn are_too_much(&mut self, bytes: &[u8]) -> bool {
        self.before.extend_from_slice(bytes);
        let text = std::mem::take(&mut self.before);
        let found = text.windows(Self::WORD.len()).enumerate().filter(|(_, window)| *window == Self::WORD);
        let too_much = found.into_iter().any(|(at, _)| {
            let behind = text[at + Self::WORD.len()..].iter().take(64);
            let digits: String = behind
                .skip_while(|byte| !byte.is_ascii_digit())
                .take_while(|byte| byte.is_ascii_digit())
                .map(|byte| char::from(*byte))
                .collect();
            !digits.is_empty() && digits.parse::<u64>().map_or(true, |number| number > MAX_TEXTS)
        });
        let keep = text.len().saturating_sub(Self::WORD.len() + 64);
        self.before = text[keep..].to_vec();
        too_much
    }
}

type Book<'b> = Xlsx<Cursor<&'b [u8]>>;

/// None where enough is wrong already.
fn grid(
    book: &mut Book<'_>,
    name: &str,
    left: &mut usize,
    mistakes: &mut Vec<CellError>,
) -> Result<Option<Grid>, calamine::XlsxError> {
    let mut grid = Grid { name: name.to_owned(), ..Grid::default() };
    let mut cells = book.worksheet_cells_reader(name)?;
    while let Some(cell) = cells.next_cell_with_formula_metadata()? {
        let (row, column) = cell.pos;
        let mut wrong = |message: String, hint: &str| {
            mistakes.push(CellError { place: Some((row, column)), ..of_sheet(name, message, hint) });
        };
        let text = match &cell.value {
            DataRef::Empty if cell.formula.is_none() => continue,
            _ if row >= MAX_ROWS => {
                wrong(format!("A sheet has at most {MAX_ROWS} rows."), SPLIT);
                return Ok(None);
            }
            _ if column >= MAX_COLUMNS => {
                wrong(format!("A sheet has at most {MAX_COLUMNS} columns."), SPLIT);
                return Ok(None);
            }
            _ if cell.formula.is_some() => {
                wrong("This is a formula.".to_owned(), "Write the value itself.");
                String::new()
            }
            DataRef::String(text) => text.clone(),
            DataRef::SharedString(text) => (*text).to_owned(),
            DataRef::Int(number) => number.to_string(),
            DataRef::Float(number) => number.to_string(),
            DataRef::Bool(is_true) => is_true.to_string(),
            DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => {
                wrong("This is a date or a time.".to_owned(), "Format the cell as text, and write what is meant.");
                String::new()
            }
            DataRef::Error(error) => {
                wrong(format!("This is an error of the program that made it: {error}."), "Write the value itself.");
                String::new()
            }
            DataRef::Empty => String::new(),
        };
        if text.contains('\0') {
            wrong("This text holds a character that is none.".to_owned(), "Write it anew.");
        }
        let Some(rest) = left.checked_sub(text.len()) else {
            wrong("The texts of the workbook are too long in all.".to_owned(), SPLIT);
            return Ok(None);
        };
        *left = rest;
        if mistakes.len() > MOST_MISTAKES {
            return Ok(None);
        }
        if !text.is_empty() {
            grid.rows.entry(row).or_default().insert(column, text);
        }
    }
    Ok(Some(grid))
}

pub fn of_sheet(sheet: &str, message: impl Into<String>, hint: impl Into<String>) -> CellError {
    CellError { sheet: sheet.to_owned(), ..CellError::of_file(message, hint) }
}
