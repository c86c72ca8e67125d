//! What a workbook makes of a configuration. Rows change what they are of; nothing goes because a row, a column or a sheet
//! is missing.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::columns::{
    CONNECTWISE_FIELD, CONNECTWISE_VALUE, FIELDS, FILTER, HUBSPOT_FIELD, HUBSPOT_VALUE, Holds, KEY, OBJECT, OTHERS,
    REMOVE, TO,
};
use super::read::{Row, Sheet, Workbook};
use super::{CellError, cells::of_sheet, write};
use crate::mapping::config::{FieldMapping, ObjectMapping, ValuePair};
use crate::mapping::{Config, toml};
use crate::model::{ObjectKind, System};

impl Workbook {
    /// `base` with what the workbook says. `base` is what it was written of.
    ///
    /// # Errors
    /// Everything that is wrong with it, by its cell.
    pub fn onto(&self, base: &Config) -> Result<Config, Vec<CellError>> {
        let (mut config, mut mistakes) = (base.clone(), Vec::new());
        for (object, sheet) in &self.fields {
            match config.object_mut(*object) {
                Some(mapping) => fields(mapping, sheet, &mut mistakes),
                None => mistakes.push(unmapped(*object, sheet)),
            }
        }
        for (object, sheet) in &self.pairs {
            let was = base.object(*object);
            match config.object_mut(*object) {
                Some(mapping) => pairs(mapping, was, sheet, &mut mistakes),
                None => mistakes.push(unmapped(*object, sheet)),
            }
        }
        if let Some(sheet) = &self.filters {
            filters(&mut config, sheet, &mut mistakes);
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        // rows and what has none come to more than either, and no file may say what cannot be read
        match toml::read(&toml::write(&config)) {
            Ok(read) if read == config => Ok(config),
            Ok(_) => Err(vec![CellError::of_file("The workbook comes to what no configuration can say.", "")]),
            Err(errors) => {
                let of_file = |error: &toml::ConfigError| {
                    CellError::of_file(format!("{}: {}", error.path, error.message), error.hint.clone())
                };
                Err(errors.iter().map(of_file).collect())
            }
        }
    }
}

fn unmapped(object: ObjectKind, sheet: &Sheet) -> CellError {
    let message = format!("The configuration has no {}.", object.plural().to_lowercase());
    of_sheet(&sheet.name, message, format!("`lockstep config add {}` adds them.", object.key()))
}

/// One thing of a list: as it was, and the row that says what becomes of it.
struct Element<'s, T> {
    was: Option<T>,
    row: Option<&'s Row>,
    is_removed: bool,
}

/// The rows beside what is there: each finds what it is of, or stands after what the row before it is of.
fn matched<'s, T: Clone>(
    sheet: &Sheet,
    rows: impl Iterator<Item = &'s Row>,
    was: &[T],
    name: impl Fn(&T) -> String,
    named: impl Fn(&Row) -> String,
    mistakes: &mut Vec<CellError>,
) -> Vec<Element<'s, T>> {
    let mut elements: Vec<Element<'s, T>> =
        was.iter().map(|one| Element { was: Some(one.clone()), row: None, is_removed: false }).collect();
    let mut after = 0;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for row in rows {
        let (key, now) = (sheet.word(row, KEY), named(row));
        let is_of = |wanted: &str| {
            let at = elements.iter().position(|element| element.was.as_ref().is_some_and(|was| name(was) == wanted));
            at.filter(|_| !wanted.is_empty())
        };
        let found = is_of(key).or_else(|| is_of(&now));
        let is_removed = !sheet.word(row, REMOVE).is_empty();
        if let Some(earlier) = (!is_removed).then(|| seen.insert(now.clone(), row.at)).flatten() {
            let message = format!("`{now}` is in row {} already.", u64::from(earlier) + 1);
            mistakes.push(sheet.wrong(row, HUBSPOT_FIELD, message, "Keep one of the two."));
            continue;
        }
        match found {
            Some(at) => {
                let element = &mut elements[at];
                if let Some(earlier) = element.row {
                    let message = format!("Row {} has the same key.", u64::from(earlier.at) + 1);
                    mistakes.push(sheet.wrong(row, KEY, message, "Empty the key of the row that is new."));
                    continue;
                }
                (element.row, element.is_removed) = (Some(row), is_removed);
                after = at + 1;
            }
            None if is_removed => {}
            None => {
                elements.insert(after, Element { was: None, row: Some(row), is_removed: false });
                after += 1;
            }
        }
    }
    elements
}

fn fields(mapping: &mut ObjectMapping, sheet: &Sheet, mistakes: &mut Vec<CellError>) {
    let named = |row: &Row| pair_name(sheet.word(row, HUBSPOT_FIELD), sheet.word(row, CONNECTWISE_FIELD), "~");
    let name = |field: &FieldMapping| field.key().to_string();
    let mut elements = matched(sheet, sheet.rows.iter(), &mapping.fields, name, named, mistakes);
    elements.retain(|element| !element.is_removed);
    let mut lines = Lines::of_object(mapping.object);
    for element in &elements {
        if let Some(row) = element.row {
            lines.field(sheet, row, element.was.as_ref(), mistakes);
        }
    }
    let read = match toml::read(&lines.text) {
        Ok(config) => config.objects.into_iter().next().map(|object| object.fields).unwrap_or_default(),
        Err(errors) => return mistakes.extend(errors.into_iter().map(|error| lines.of_cell(sheet, error))),
    };
    let mut read = read.into_iter();
    let now = elements.into_iter().filter_map(|element| {
        if element.row.is_none() {
            return element.was;
        }
        let mut field = read.next()?;
        // pairs stand on a sheet of their own
        if let Some(pairs) =
            element.was.and_then(|was| was.values).map(|values| values.pairs).filter(|pairs| !pairs.is_empty())
        {
            field.values.get_or_insert_default().pairs = pairs;
        }
        Some(field)
    });
    mapping.fields = now.collect();
}

fn pair_name(hubspot: &str, connectwise: &str, between: &str) -> String {
    if hubspot.is_empty() && connectwise.is_empty() {
        String::new()
    } else {
        format!("{hubspot}{between}{connectwise}")
    }
}

/// What a pair is called in the column of keys.
pub fn pair_key(pair: &ValuePair) -> String {
    pair_name(&pair.hubspot, &pair.connectwise, " = ")
}

fn pairs(mapping: &mut ObjectMapping, was: Option<&ObjectMapping>, sheet: &Sheet, mistakes: &mut Vec<CellError>) {
    let mut of_fields: BTreeMap<usize, Vec<&Row>> = BTreeMap::new();
    let old_place = |key: &str| was.and_then(|was| was.fields.iter().position(|field| field.key().as_str() == key));
    for row in &sheet.rows {
        let key = pair_name(sheet.word(row, HUBSPOT_FIELD), sheet.word(row, CONNECTWISE_FIELD), "~");
        let here = mapping.fields.iter().position(|field| field.key().as_str() == key);
        match here {
            Some(at) => of_fields.entry(at).or_default().push(row),
            // of a mapping that is removed, its pairs go as well
            None if old_place(&key).is_some() || !sheet.word(row, REMOVE).is_empty() => {}
            None => {
                let message = format!("There is no field mapping `{key}`.");
                let hint = format!("Add it on the sheet {}, or remove the pair.", mapping.object.plural());
                mistakes.push(sheet.wrong(row, HUBSPOT_FIELD, message, hint));
            }
        }
    }
    for (at, rows) in of_fields {
        let old = mapping.fields[at].values.as_ref().map(|values| values.pairs.clone()).unwrap_or_default();
        let named = |row: &Row| pair_name(sheet.text(row, HUBSPOT_VALUE), sheet.text(row, CONNECTWISE_VALUE), " = ");
        let mut now = Vec::new();
        for element in matched(sheet, rows.into_iter(), &old, pair_key, named, mistakes) {
            match (element.row, element.was) {
                _ if element.is_removed => {}
                (Some(row), _) => now.extend(pair(sheet, row, mistakes)),
                (None, was) => now.extend(was),
            }
        }
        if !now.is_empty() || !old.is_empty() {
            mapping.fields[at].values.get_or_insert_default().pairs = now;
        }
    }
}

fn pair(sheet: &Sheet, row: &Row, mistakes: &mut Vec<CellError>) -> Option<ValuePair> {
    let mut value = |title: &str| {
        let text = sheet.text(row, title);
        if text.is_empty() {
            let hint = "A pair has a value on both sides; mark the row in the column `remove` to remove it.";
            mistakes.push(sheet.wrong(row, title, format!("The {title} is missing."), hint));
        }
        text.to_owned()
    };
    let (hubspot, connectwise) = (value(HUBSPOT_VALUE), value(CONNECTWISE_VALUE));
    (!hubspot.is_empty() && !connectwise.is_empty()).then_some(ValuePair { hubspot, connectwise })
}

fn filters(config: &mut Config, sheet: &Sheet, mistakes: &mut Vec<CellError>) {
    let mut seen: BTreeMap<(ObjectKind, System), u32> = BTreeMap::new();
    for row in &sheet.rows {
        let word = sheet.word(row, OBJECT);
        let is_it =
            |object: &ObjectKind| object.plural().eq_ignore_ascii_case(word) || object.key().eq_ignore_ascii_case(word);
        let Some(object) = ObjectKind::ALL.into_iter().find(is_it) else {
            mistakes.push(sheet.wrong(
                row,
                OBJECT,
                format!("There is no object `{word}`."),
                "Write Companies, for example.",
            ));
            continue;
        };
        let Some(mapping) = config.object_mut(object) else {
            mistakes.push(CellError { place: Some((row.at, 0)), ..unmapped(object, sheet) });
            continue;
        };
        let to = sheet.word(row, TO);
        let Some(system) = System::BOTH.into_iter().find(|system| system.name().eq_ignore_ascii_case(to)) else {
            mistakes.push(sheet.wrong(row, TO, format!("There is no system `{to}`."), "Write ConnectWise or HubSpot."));
            continue;
        };
        if let Some(earlier) = seen.insert((object, system), row.at) {
            let message = format!("Row {} has this filter already.", u64::from(earlier) + 1);
            mistakes.push(sheet.wrong(row, FILTER, message, "Keep one of the two."));
            continue;
        }
        let text = sheet.text(row, FILTER).replace("\r\n", "\n");
        match system {
            System::HubSpot => mapping.filters.to_hubspot = text,
            System::ConnectWise => mapping.filters.to_connectwise = text,
        }
    }
}

/// The lines of a configuration file, and the cell that each was made of.
struct Lines {
    text: String,
    cells: Vec<(Option<u32>, &'static str)>,
}

impl Lines {
    fn of_object(object: ObjectKind) -> Self {
        let mut lines = Self { text: String::new(), cells: Vec::new() };
        for line in ["[[object]]", &format!("object = {}", quoted(object.key())), "hubspot_stamp = \"key\""] {
            lines.push(line, None, "");
        }
        lines
    }

    fn push(&mut self, line: &str, row: Option<u32>, title: &'static str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.cells.extend(line.split('\n').map(|_| (row, title)));
    }

    fn field(&mut self, sheet: &Sheet, row: &Row, was: Option<&FieldMapping>, mistakes: &mut Vec<CellError>) {
        let at = Some(row.at);
        self.push("[[object.field]]", at, HUBSPOT_FIELD);
        let before = was.map_or(Json::Null, write::tree);
        for column in &FIELDS {
            match column.holds {
                Holds::Text(path) | Holds::Number(path) => {
                    let old = || write::plain(&before, path);
                    let text = if sheet.has(column.title) {
                        // a default may have blanks; in a name or a word they mean nothing
                        let is_free = path.starts_with("default.");
                        if is_free { sheet.text(row, column.title) } else { sheet.word(row, column.title) }.to_owned()
                    } else {
                        old()
                    };
                    if text.is_empty() {
                        continue;
                    }
                    let is_number =
                        matches!(column.holds, Holds::Number(_)) && text.bytes().all(|c| c.is_ascii_digit());
                    let plain = text.trim_start_matches('0');
                    let number = if plain.is_empty() { "0" } else { plain };
                    let value = if is_number { number.to_owned() } else { quoted(&text) };
                    self.push(&format!("{path} = {value}"), at, column.title);
                }
                Holds::Others if sheet.has(OTHERS) => self.others(sheet, row, mistakes),
                Holds::Others => {
                    if let Some(was) = was {
                        write::others(was).lines().for_each(|line| self.push(line, at, OTHERS));
                    }
                }
                Holds::Key | Holds::Remove | Holds::Shown => {}
            }
        }
    }

    /// Settings that have no column, as they would stand in a configuration file.
    fn others(&mut self, sheet: &Sheet, row: &Row, mistakes: &mut Vec<CellError>) {
        let text = sheet.text(row, OTHERS).replace("\r\n", "\n");
        match write::settings(&text) {
            Ok(lines) => lines.iter().for_each(|line| self.push(line, Some(row.at), OTHERS)),
            Err(why) => {
                let hint = "Write them as in a configuration file, a line each: name = value.";
                mistakes.push(sheet.wrong(row, OTHERS, why, hint));
            }
        }
    }

    fn of_cell(&self, sheet: &Sheet, error: toml::ConfigError) -> CellError {
        let (row, title) = self.cells.get(error.line.saturating_sub(1)).copied().unwrap_or((None, ""));
        let found = row.and_then(|at| sheet.rows.iter().find(|row| row.at == at));
        match found {
            Some(row) => sheet.wrong(row, title, error.message, error.hint),
            None => of_sheet(&sheet.name, error.message, error.hint),
        }
    }
}

/// A text on one line of a configuration file.
pub fn quoted(text: &str) -> String {
    // JSON escapes as TOML does, but for this one
    let json = serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned());
    json.replace('\u{7f}', "\\u007f")
}
