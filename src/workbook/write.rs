//! From a configuration to a workbook that people like to read. Every value is a text: nothing in it is ever computed.

use std::collections::BTreeMap;

use rust_xlsxwriter::{DataValidation, Format, FormatAlign, Workbook as Xlsx, Worksheet, XlsxError as WriteError};
use serde_json::Value as Json;

use super::columns::{
    CONNECTWISE_FIELD, CONNECTWISE_LABEL, CONNECTWISE_TYPE, CONNECTWISE_VALUE, Column, FIELDS, FILTER, FILTER_COLUMNS,
    HUBSPOT_FIELD, HUBSPOT_LABEL, HUBSPOT_TYPE, HUBSPOT_VALUE, Holds, IN_WORDS, OBJECT, PAIRS, SAMPLE, TO,
};
use super::onto::{pair_key, quoted};
use super::words::in_words;
use super::{FILTERS, MADE_OF, READ_ME, values_sheet};
use crate::mapping::config::FieldMapping;
use crate::mapping::{Config, ObjectMapping, ValuePair, toml};
use crate::model::{BySystem, FieldDef, FieldKind, ObjectKind, Record, Schema, System, Value};

/// Two records that are the same thing, or one that has no partner.
pub type Sample = BySystem<Option<Record>>;

/// Records of which each field shows what it holds.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    pub records: BTreeMap<ObjectKind, Vec<Sample>>,
    /// Letters and digits of people's data are hidden.
    pub is_masked: bool,
}

/// Why no workbook was made.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    #[error("{0}")]
    Failed(#[from] WriteError),
    #[error("{0} samples are more than a sheet has columns for")]
    TooManySamples(usize),
}

/// Characters that a cell may have.
const LONGEST: usize = 32_000;
/// Columns that are left for samples.
const MOST_SAMPLES: usize = (super::MAX_COLUMNS as usize - FIELDS.len()) / 2;

/// The workbook. `made_of` names the state of the configuration, as `7.12`; `schemas` give labels, where they are known.
///
/// # Errors
/// When it can't be made.
pub fn write(
    config: &Config,
    made_of: &str,
    schemas: &[BySystem<Schema>],
    samples: &Samples,
) -> Result<Vec<u8>, NotWritten> {
    let most = samples.records.values().map(Vec::len).max().unwrap_or(0);
    if most > MOST_SAMPLES {
        return Err(NotWritten::TooManySamples(most));
    }
    let mut book = Xlsx::new();
    read_me(book.add_worksheet(), made_of, samples)?;
    for mapping in &config.objects {
        let schema = schemas.iter().find(|pair| pair.hubspot.object == mapping.object);
        let records = samples.records.get(&mapping.object).map_or(&[][..], Vec::as_slice);
        fields(book.add_worksheet(), mapping, schema, records, samples.is_masked)?;
        if mapping.fields.iter().any(|field| field.values.is_some()) {
            pairs(book.add_worksheet(), mapping, schema)?;
        }
    }
    filters(book.add_worksheet(), config, schemas)?;
    Ok(book.save_to_buffer()?)
}

/// A sheet with the titles of its columns.
fn titled(sheet: &mut Worksheet, name: &str, columns: &[Column]) -> Result<(), WriteError> {
    sheet.set_name(name)?;
    let title = Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top).set_background_color("#D9E2EC");
    for (at, column) in (0u16..).zip(columns) {
        sheet.set_column_width(at, f64::from(column.width))?;
        sheet.set_column_format(at, &cell(column))?;
        sheet.write_string_with_format(0, at, column.title, &title)?;
        if !column.choices.is_empty() {
            let list = DataValidation::new().allow_list_strings(column.choices)?;
            sheet.add_data_validation(1, at, super::MAX_ROWS - 1, at, &list)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

/// Text, so that no program takes `007` for a number or `1-2` for a day; grey where it is not read.
fn cell(column: &Column) -> Format {
    let text = Format::new().set_num_format("@").set_align(FormatAlign::Top);
    match column.holds {
        Holds::Shown | Holds::Key => text.set_font_color("#7B8794"),
        _ => text,
    }
}

struct Writing<'s> {
    sheet: &'s mut Worksheet,
    columns: &'s [Column],
    row: u32,
}

impl Writing<'_> {
    fn put(&mut self, title: &str, text: &str) -> Result<(), WriteError> {
        let Some((at, column)) = (0u16..).zip(self.columns).find(|(_, column)| column.title == title) else {
            return Ok(());
        };
        text_cell(self.sheet, self.row, at, text, cell(column))
    }
}

/// What looks like a formula is marked as text for programs that would compute it once somebody edits the cell.
fn text_cell(sheet: &mut Worksheet, row: u32, column: u16, text: &str, format: Format) -> Result<(), WriteError> {
    if text.is_empty() {
        return Ok(());
    }
    let format = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format.set_quote_prefix() } else { format };
    let format = if text.contains('\n') { format.set_text_wrap() } else { format };
    sheet.write_string_with_format(row, column, text, &format).map(drop)
}

/// Whether a cell can hold it, so that it comes back the same.
fn fits(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() || c == '\n' || c == '\t';
    text.chars().count() <= LONGEST
        && text.chars().all(is_plain)
        && !text.contains(['\u{fffe}', '\u{ffff}'])
        && !has_escape(text)
}

/// `_x000D_` is how workbooks write a character that they cannot hold.
fn has_escape(text: &str) -> bool {
    let is_escape = |at: usize| {
        let code = text.as_bytes().get(at + 2..at + 7).unwrap_or_default();
        code.len() == 5 && code[..4].iter().all(u8::is_ascii_hexdigit) && code[4] == b'_'
    };
    text.match_indices("_x").any(|(at, _)| is_escape(at))
}

fn read_me(sheet: &mut Worksheet, made_of: &str, samples: &Samples) -> Result<(), WriteError> {
    sheet.set_name(READ_ME)?;
    sheet.set_column_width(0, 18)?;
    sheet.set_column_width(1, 100)?;
    let strong = Format::new().set_bold();
    sheet.write_string_with_format(0, 0, "Lockstep configuration", &strong)?;
    sheet.write_string(1, 0, MADE_OF)?;
    sheet.write_string(1, 1, made_of)?;
    let mut lines = vec![
        "Every sheet named after an object has its field mappings, one a row; the sheet beside it the values that stand for each other.",
        "Change what is black. Grey columns are for reading: what is written there is not taken over.",
        "A new row has no key. A row goes only with a mark in its column `remove`: rows, columns and sheets that are missing leave things as they are.",
        "The order of the rows means nothing; rows may be sorted and hidden. Formulas are not taken: write the values themselves.",
        "`lockstep config import FILE.xlsx --dry-run` says what would change; what others changed since is kept.",
    ];
    if !samples.records.is_empty() && samples.is_masked {
        lines.push("Letters and digits of the samples are hidden: `config export --unmasked` shows them.");
    } else if !samples.records.is_empty() {
        lines.push("The samples are data of people: treat this file like the systems they come from.");
    }
    for (row, line) in (3u32..).zip(lines) {
        sheet.write_string(row, 1, line)?;
    }
    Ok(())
}

fn fields(
    sheet: &mut Worksheet,
    mapping: &ObjectMapping,
    schema: Option<&BySystem<Schema>>,
    records: &[Sample],
    is_masked: bool,
) -> Result<(), WriteError> {
    titled(sheet, mapping.object.plural(), &FIELDS)?;
    let title = Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top).set_background_color("#EEF2F6");
    let mut at = u16::try_from(FIELDS.len()).unwrap_or(u16::MAX);
    for number in 1..=records.len() {
        for system in System::BOTH {
            sheet.set_column_width(at, 22)?;
            sheet.write_string_with_format(0, at, format!("{SAMPLE} {number} {system}"), &title)?;
            at += 1;
        }
    }
    let mut row = 0;
    for field in &mapping.fields {
        let (tree, others) = (tree(field), others(field));
        let key = field.key();
        let texts = FIELDS.iter().filter_map(|column| Some((column.title, plain(&tree, column.holds.path()?))));
        let texts: Vec<(&str, String)> = texts.collect();
        // what no cell can hold is not listed, and stays as it is
        if !fits(&others) || !texts.iter().all(|(_, text)| fits(text) && text.trim() == text) {
            continue;
        }
        row += 1;
        let mut line = Writing { sheet: &mut *sheet, columns: &FIELDS, row };
        line.put(super::columns::KEY, key.as_str())?;
        for (title, text) in &texts {
            line.put(title, text)?;
        }
        line.put(super::columns::OTHERS, &others)?;
        for (system, label, kind) in
            [(System::HubSpot, HUBSPOT_LABEL, HUBSPOT_TYPE), (System::ConnectWise, CONNECTWISE_LABEL, CONNECTWISE_TYPE)]
        {
            let known = schema.and_then(|schema| schema[system].field(field.field(system).as_str()));
            line.put(label, &shown(known.map_or("", |known| &known.label)))?;
            line.put(kind, known.map_or("not known", |known| known.kind.word()))?;
        }
        let mut at = u16::try_from(FIELDS.len()).unwrap_or(u16::MAX);
        for record in records {
            for system in System::BOTH {
                let known = schema.and_then(|schema| schema[system].field(field.field(system).as_str()));
                let value =
                    record[system].as_ref().map_or(&Value::Empty, |record| record.value(field.field(system).as_str()));
                let text = sample(value, known, is_masked);
                text_cell(sheet, row, at, &text, Format::new().set_num_format("@").set_font_color("#7B8794"))?;
                at += 1;
            }
        }
    }
    sheet.autofilter(0, 0, row.max(1), at.saturating_sub(1))?;
    Ok(())
}

fn pairs(sheet: &mut Worksheet, mapping: &ObjectMapping, schema: Option<&BySystem<Schema>>) -> Result<(), WriteError> {
    titled(sheet, &values_sheet(mapping.object), &PAIRS)?;
    let mut row = 0;
    for field in &mapping.fields {
        for pair in field.values.iter().flat_map(|values| &values.pairs) {
            let ValuePair { hubspot, connectwise } = pair;
            let texts = [hubspot.as_str(), connectwise, field.hubspot.as_str(), field.connectwise.as_str()];
            if !texts.iter().all(|text| fits(text) && !text.trim().is_empty()) {
                continue;
            }
            row += 1;
            let mut line = Writing { sheet: &mut *sheet, columns: &PAIRS, row };
            line.put(super::columns::KEY, &pair_key(pair))?;
            line.put(HUBSPOT_FIELD, field.hubspot.as_str())?;
            line.put(CONNECTWISE_FIELD, field.connectwise.as_str())?;
            line.put(HUBSPOT_VALUE, hubspot)?;
            line.put(CONNECTWISE_VALUE, connectwise)?;
            for (system, label, value) in
                [(System::HubSpot, HUBSPOT_LABEL, hubspot), (System::ConnectWise, CONNECTWISE_LABEL, connectwise)]
            {
                let known = schema.and_then(|schema| schema[system].field(field.field(system).as_str()));
                line.put(label, &shown(known.and_then(|known| known.option_label(value)).unwrap_or_default()))?;
            }
        }
    }
    sheet.autofilter(0, 0, row.max(1), u16::try_from(PAIRS.len()).unwrap_or(1) - 1)?;
    Ok(())
}

fn filters(sheet: &mut Worksheet, config: &Config, schemas: &[BySystem<Schema>]) -> Result<(), WriteError> {
    titled(sheet, FILTERS, &FILTER_COLUMNS)?;
    let mut row = 0;
    for mapping in &config.objects {
        let schema = schemas.iter().find(|pair| pair.hubspot.object == mapping.object);
        for to in [System::ConnectWise, System::HubSpot] {
            let text = mapping.filters.toward(to);
            if !fits(text) || (!text.is_empty() && text.trim().is_empty()) {
                continue;
            }
            row += 1;
            let mut line = Writing { sheet: &mut *sheet, columns: &FILTER_COLUMNS, row };
            line.put(OBJECT, mapping.object.plural())?;
            line.put(TO, to.name())?;
            line.put(FILTER, text)?;
            line.put(IN_WORDS, &shown(&in_words(text, schema.map(|schema| &schema[to.other()]))))?;
        }
    }
    Ok(())
}

/// A text that is only shown, cut to what a cell holds.
fn shown(text: &str) -> String {
    crate::model::text::printable(&text.replace('\n', " ⏎ ")).chars().take(1_000).collect()
}

/// What a record holds, cut short; letters and digits hidden where it is masked. Options are no data of people.
fn sample(value: &Value, field: Option<&FieldDef>, is_masked: bool) -> String {
    let is_person = field.is_some_and(|field| matches!(field.kind, FieldKind::Person | FieldKind::Reference(_)));
    let label = |key: &str| field.and_then(|field| field.option_label(key)).map(ToOwned::to_owned);
    let (text, is_option) = match value {
        Value::Bool(_) => (value.to_plain(), true),
        Value::Choice(key) => (label(key).unwrap_or_else(|| key.clone()), label(key).is_some() && !is_person),
        Value::Choices(keys) => {
            let all = keys.iter().map(|key| label(key).unwrap_or_else(|| key.clone())).collect::<Vec<_>>();
            (all.join(", "), keys.iter().all(|key| label(key).is_some()) && !is_person)
        }
        value => (value.to_plain(), false),
    };
    let text: String = shown(&text).chars().take(60).collect();
    if is_masked && !is_option { masked(&text) } else { text }
}

/// `Acme 24 GmbH` is `Xxxx 00 Xxxx`.
pub(super) fn masked(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_numeric() => '0',
            c if c.is_uppercase() => 'X',
            c if c.is_alphabetic() => 'x',
            c if c.is_ascii() => c,
            _ => 'x',
        })
        .collect()
}

/// A mapping by the paths of its settings.
pub fn tree(field: &FieldMapping) -> Json {
    // it has string keys and plain values only, which JSON always takes
    serde_json::to_value(field).unwrap_or(Json::Null)
}

/// One of its settings as a text; empty where it has none.
pub fn plain(tree: &Json, path: &str) -> String {
    let found = path.split('.').try_fold(tree, |tree, key| tree.get(key));
    match found {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The settings that have no column, as lines of a configuration file.
pub fn others(field: &FieldMapping) -> String {
    let mut object = crate::mapping::defaults::config().objects.into_iter().next();
    let Some(object) = &mut object else { return String::new() };
    object.fields = vec![field.clone()];
    let text = toml::write(&Config { objects: vec![object.clone()], ..crate::mapping::defaults::config() });
    let Ok(file) = text.parse::<::toml::Table>() else { return String::new() };
    let written = file.get("object").and_then(|objects| objects.get(0)).and_then(|object| object.get("field")?.get(0));
    let Some(::toml::Value::Table(written)) = written else { return String::new() };
    let mut lines = Vec::new();
    lines_of("", written, &mut |path, value| {
        let has_column = FIELDS.iter().any(|column| column.holds.path() == Some(path));
        // an empty text is no empty cell
        let is_said = has_column && value.as_str() != Some("");
        (!is_said && path != "values.pair").then(|| lines.push(format!("{path} = {}", on_one_line(value))));
    });
    lines.join("\n")
}

/// Settings that a person wrote, a line each.
pub fn settings(text: &str) -> Result<Vec<String>, String> {
    let table: ::toml::Table =
        text.parse().map_err(|error: ::toml::de::Error| format!("This is no setting: {}.", error.message()))?;
    let mut lines = Vec::new();
    lines_of("", &table, &mut |path, value| lines.push(format!("{path} = {}", on_one_line(value))));
    Ok(lines)
}

/// Tables of which some settings have columns are taken apart; every other setting is whole.
fn lines_of(path: &str, table: &::toml::Table, each: &mut dyn FnMut(&str, &::toml::Value)) {
    for (key, value) in table {
        let is_bare = !key.is_empty() && key.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-');
        let key = if is_bare { key.clone() } else { quoted(key) };
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        let below = format!("{path}.");
        let has_columns = FIELDS.iter().any(|column| column.holds.path().is_some_and(|of| of.starts_with(&below)));
        match value {
            ::toml::Value::Table(table) if has_columns || !path.contains('.') => lines_of(&path, table, each),
            value => each(&path, value),
        }
    }
}

/// As it stands in a configuration file, on one line.
fn on_one_line(value: &::toml::Value) -> String {
    match value {
        ::toml::Value::String(text) => quoted(text),
        ::toml::Value::Array(all) => format!("[{}]", all.iter().map(on_one_line).collect::<Vec<_>>().join(", ")),
        ::toml::Value::Table(table) => {
            let one = |(key, value): (&String, &::toml::Value)| format!("{} = {}", quoted(key), on_one_line(value));
            format!("{{ {} }}", table.iter().map(one).collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}
