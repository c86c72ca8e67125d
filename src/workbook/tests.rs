//! Workbooks as people, their programs and hostile ones send them back.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook as Xlsx};
use zip::write::SimpleFileOptions;

use super::cells::Grid;
use super::*;
use crate::mapping::config::{Direction, ObjectMapping, SystemOfRecord, ValueMap, ValuePair};
use crate::mapping::toml::tests::object;
use crate::mapping::{Config, Defaults, Step, defaults};
use crate::model::BySystem;

fn written(config: &Config) -> Vec<u8> {
    write(config, "7.12", &[], &Samples::default()).unwrap()
}

fn all(_: &str) -> bool {
    true
}

/// The workbook of a configuration after somebody worked on it.
fn edited(config: &Config, edit: impl FnOnce(&mut Vec<Grid>)) -> Vec<u8> {
    let (mut grids, _) = cells::grids(&written(config), all).unwrap();
    edit(&mut grids);
    saved(&grids)
}

fn saved(grids: &[Grid]) -> Vec<u8> {
    let mut book = Xlsx::new();
    for grid in grids {
        let sheet = book.add_worksheet();
        sheet.set_name(&grid.name).unwrap();
        for (row, cells) in &grid.rows {
            for (column, text) in cells {
                sheet.write_string(*row, u16::try_from(*column).unwrap(), text).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

fn grid<'g>(grids: &'g mut [Grid], name: &str) -> &'g mut Grid {
    grids.iter_mut().find(|grid| grid.name == name).unwrap()
}

fn column(grid: &Grid, title: &str) -> u32 {
    *grid.rows[&0].iter().find(|(_, text)| *text == title).unwrap().0
}

/// The row of a field mapping, by its HubSpot field.
fn row_of(grid: &Grid, hubspot: &str) -> u32 {
    let at = column(grid, "HubSpot field");
    *grid.rows.iter().find(|(_, cells)| cells.get(&at).is_some_and(|text| text == hubspot)).unwrap().0
}

fn put(grid: &mut Grid, row: u32, title: &str, text: &str) {
    let at = column(grid, title);
    let cells = grid.rows.entry(row).or_default();
    if text.is_empty() {
        cells.remove(&at)
    } else {
        cells.insert(at, text.to_owned())
    };
}

/// What the companies come to.
fn onto(config: &Config, edit: impl FnOnce(&mut Vec<Grid>)) -> Result<ObjectMapping, Vec<String>> {
    let told = |errors: Vec<CellError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    let book = read(&edited(config, edit)).map_err(told)?;
    assert_eq!(book.made_of, Some(12));
    Ok(book.onto(config).map_err(told)?.objects.remove(0))
}

fn companies(edit: impl FnOnce(&mut Grid)) -> Result<ObjectMapping, Vec<String>> {
    onto(&defaults::config(), |grids| edit(grid(grids, "Companies")))
}

fn field<'o>(object: &'o ObjectMapping, hubspot: &str) -> Option<&'o crate::mapping::FieldMapping> {
    object.fields.iter().find(|field| field.hubspot.as_str() == hubspot)
}

#[test]
fn the_usual_configuration_comes_back_as_it_is() {
    let config = defaults::config();
    assert_eq!(read(&written(&config)).unwrap().onto(&config), Ok(config));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_the_same(object in object()) {
        // cells are read without the blanks around them, and no system has a field whose name ends in one
        let is_bare = |name: &str| name.trim() == name;
        prop_assume!(object.fields.iter().all(|field| is_bare(field.hubspot.as_str()) && is_bare(field.connectwise.as_str())));
        let config = Config { objects: vec![object], ..defaults::config() };
        let book = read(&written(&config)).unwrap();
        prop_assert_eq!(book.onto(&config), Ok(config));
    }

    #[test]
    fn no_file_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0usize..4_000, flip in 0usize..4_000) {
        drop(read(&bytes));
        let mut good = written(&Config { objects: vec![defaults::config().objects.remove(0)], ..defaults::config() });
        let (at, to) = (flip % good.len(), good.len().saturating_sub(cut));
        good[at] ^= 0x55;
        drop(read(&good[..to]));
    }
}

#[test]
fn what_people_change_in_cells_is_changed_and_nothing_else() {
    let usual = defaults::config().objects.remove(0);
    let changed = companies(|grid| {
        let row = row_of(grid, "city");
        put(grid, row, "wins", "ask");
        put(grid, row, "direction", "to_hubspot");
        put(grid, row, "length in ConnectWise", "0040");
        let last = *grid.rows.keys().last().unwrap();
        put(grid, last + 3, "HubSpot field", "motto");
        put(grid, last + 3, "ConnectWise field", "customFields/9");
        put(grid, last + 3, "compared as", "text");
        let name = row_of(grid, "name");
        put(grid, name, "remove", "x");
    })
    .unwrap();
    let city = field(&changed, "city").unwrap();
    assert_eq!(
        (city.wins, city.direction, city.max_length.connectwise),
        (SystemOfRecord::Ask, Direction::ToHubspot, Some(40))
    );
    assert_eq!(field(&changed, "name"), None);
    assert_eq!(changed.fields.last().unwrap().connectwise.as_str(), "customFields/9");
    assert_eq!(changed.fields.len(), usual.fields.len());
    for same in usual.fields.iter().filter(|field| !["name", "city"].contains(&field.hubspot.as_str())) {
        assert_eq!(field(&changed, same.hubspot.as_str()), Some(same));
    }
}

#[test]
fn a_row_with_a_key_is_that_mapping_whatever_its_fields_are_called_now() {
    let config = defaults::config();
    let usual = field(&config.objects[0], "city").unwrap().clone();
    let changed = companies(|grid| {
        let row = row_of(grid, "city");
        put(grid, row, "HubSpot field", "town");
    })
    .unwrap();
    assert_eq!(field(&changed, "city"), None);
    let town = field(&changed, "town").unwrap();
    assert_eq!((town.wins, &town.connectwise), (usual.wins, &usual.connectwise));
    assert_eq!(changed.fields.len(), config.objects[0].fields.len());
}

#[test]
fn nothing_goes_because_a_row_a_column_or_a_sheet_is_missing() {
    let mut config = defaults::config();
    let city = config.objects[0].fields.iter_mut().find(|field| field.hubspot.as_str() == "city").unwrap();
    city.wins = SystemOfRecord::Ask;
    city.transform.to_connectwise = vec![Step::Trim];
    let whole = config.objects[0].clone();
    let of = |edit: &dyn Fn(&mut Vec<Grid>)| onto(&config, |grids| edit(grids)).unwrap();
    assert_eq!(of(&|grids| drop(grid(grids, "Companies").rows.remove(&2))), whole);
    assert_eq!(of(&|grids| grids.retain(|grid| grid.name == "Read me" || grid.name == "Filters")), whole);
    assert_eq!(of(&|grids| grids.retain(|grid| !grid.name.contains("values"))), whole);
    let without_columns = of(&|grids| {
        let grid = grid(grids, "Companies");
        for title in ["wins", "other settings", "value without partner", "pairs found by", "key"] {
            let at = column(grid, title);
            grid.rows.values_mut().for_each(|cells| drop(cells.remove(&at)));
        }
    });
    assert_eq!(without_columns, whole);
    let sorted = of(&|grids| {
        let grid = grid(grids, "Companies");
        let cells: Vec<_> = grid.rows.values().skip(1).cloned().collect();
        (1..).zip(cells.into_iter().rev()).for_each(|(at, cells)| drop(grid.rows.insert(at, cells)));
    });
    assert_eq!(sorted, whole, "the order of rows means nothing");
}

#[test]
fn values_that_stand_for_each_other_are_changed_on_a_sheet_of_their_own() {
    let mut config = defaults::config();
    let country = config.objects[0].fields.iter_mut().find(|field| field.hubspot.as_str() == "country").unwrap();
    let pair =
        |hubspot: &str, connectwise: &str| ValuePair { hubspot: hubspot.into(), connectwise: connectwise.into() };
    let key = country.connectwise.to_string();
    country.values =
        Some(ValueMap { pairs: vec![pair("A", "1"), pair("B", " 2"), pair("C", "3")], ..ValueMap::default() });
    let changed = onto(&config, |grids| {
        let grid = grid(grids, "Companies values");
        let at = column(grid, "HubSpot value");
        let row = |grid: &Grid, value: &str| {
            *grid.rows.iter().find(|(_, cells)| cells.get(&at).is_some_and(|text| text == value)).unwrap().0
        };
        let (a, c) = (row(grid, "A"), row(grid, "C"));
        put(grid, a, "ConnectWise value", "10");
        put(grid, c, "remove", "yes");
        for (title, text) in [
            ("HubSpot field", "country"),
            ("ConnectWise field", &key),
            ("HubSpot value", "=D"),
            ("ConnectWise value", "4"),
        ] {
            put(grid, 90, title, text);
        }
    })
    .unwrap();
    let pairs = &field(&changed, "country").unwrap().values.as_ref().unwrap().pairs;
    assert!([pair("A", "10"), pair("B", " 2"), pair("=D", "4")].iter().all(|pair| pairs.contains(pair)), "{pairs:?}");
    assert_eq!(pairs.len(), 3);
    let wrong = onto(&config, |grids| {
        let grid = grid(grids, "Companies values");
        put(grid, 50, "HubSpot field", "no_such");
        put(grid, 50, "ConnectWise field", "no_such");
        put(grid, 50, "HubSpot value", "x");
        let at = column(grid, "HubSpot value");
        let b = *grid.rows.iter().find(|(_, cells)| cells.get(&at).is_some_and(|text| text == "B")).unwrap().0;
        put(grid, b, "HubSpot value", "");
    })
    .unwrap_err();
    assert!(
        wrong.iter().any(|text| text.starts_with("Companies values, B51 (HubSpot field): There is no field mapping")),
        "{wrong:?}"
    );
    assert!(wrong.iter().any(|text| text.contains("(HubSpot value): The HubSpot value is missing.")), "{wrong:?}");
}

#[test]
fn filters_are_text_that_can_be_changed_and_words_that_are_not_read() {
    let mut config = defaults::config();
    config.objects[0].filters.to_connectwise = "city = \"Ulm\"".into();
    let schema = BySystem::from_fn(|system| crate::model::Schema {
        system,
        object: ObjectKind::Company,
        fields: vec![crate::model::FieldDef { label: "Town".into(), ..crate::view::testing::text_field("city") }],
    });
    let bytes = write(&config, "7.12", &[schema], &Samples::default()).unwrap();
    let (mut grids, _) = cells::grids(&bytes, all).unwrap();
    let words = column(grid(&mut grids, "Filters"), "in words");
    assert_eq!(grids.last().unwrap().rows[&1][&words], "Town = \"Ulm\"");
    let changed = onto(&config, |grids| {
        let grid = grid(grids, "Filters");
        put(grid, 1, "filter", "city = \"Bonn\"\nand name is not empty");
        put(grid, 1, "in words", "nonsense");
        put(grid, 2, "to", "hubspot");
    })
    .unwrap();
    assert_eq!(changed.filters.to_connectwise, "city = \"Bonn\"\nand name is not empty");
    let wrong = onto(&config, |grids| {
        let grid = grid(grids, "Filters");
        put(grid, 1, "to", "Salesforce");
        put(grid, 2, "object", "Companys");
    })
    .unwrap_err();
    assert_eq!(
        wrong,
        ["Filters, B2 (to): There is no system `Salesforce`.", "Filters, A3 (object): There is no object `Companys`."]
    );
}

#[test]
fn what_is_wrong_is_told_by_sheet_row_and_column() {
    let wrong = companies(|grid| {
        let city = row_of(grid, "city");
        put(grid, city, "wins", "me");
        put(grid, city, "length in HubSpot", "much");
        put(grid, city, "other settings", "colour = 3");
        let name = row_of(grid, "name");
        put(grid, name, "other settings", "[[object]]");
        let zip = row_of(grid, "zip");
        put(grid, zip, "other settings", "no setting");
    })
    .unwrap_err();
    assert!(wrong.iter().any(|text| text.ends_with("(other settings): There is no setting `object`.")), "{wrong:?}");
    assert!(wrong.iter().any(|text| text.contains("(other settings): This is no setting: ")), "{wrong:?}");
    let wrong = companies(|grid| {
        let city = row_of(grid, "city");
        put(grid, city, "wins", "me");
        put(grid, city, "length in HubSpot", "much");
        put(grid, city, "other settings", "colour = 3");
        let name = row_of(grid, "name");
        put(grid, name, "compared as", "");
    })
    .unwrap_err();
    for part in [
        "(wins): `me` is not a value of this setting.",
        "(length in HubSpot): This must be a whole number",
        "(other settings): There is no setting `colour`.",
        "(HubSpot field): `kind` is missing.",
    ] {
        assert!(wrong.iter().any(|text| text.contains(part) && text.starts_with("Companies, ")), "{part}: {wrong:?}");
    }
    let twice = companies(|grid| {
        let city = row_of(grid, "city");
        let copy = grid.rows[&city].clone();
        grid.rows.insert(200, copy);
    })
    .unwrap_err();
    assert!(twice[0].starts_with("Companies, C201 (HubSpot field): `city~city` is in row "), "{twice:?}");
    let columns = companies(|grid| {
        let at = column(grid, "wins");
        grid.rows.get_mut(&0).unwrap().insert(at, "winner".to_owned());
        let at = column(grid, "ConnectWise field");
        grid.rows.get_mut(&0).unwrap().remove(&at);
    })
    .unwrap_err();
    assert_eq!(
        columns,
        ["Companies, J1: There is no column `winner`.", "Companies: The column `ConnectWise field` is missing."]
    );
}

#[test]
fn what_looks_like_a_formula_is_text_and_a_formula_is_refused_by_its_cell() {
    let mut config = defaults::config();
    for (field, text) in
        config.objects[0].fields.iter_mut().zip(["=1+1", "+4912", "-5", "@SUM(A1)", "007", "1-2", "TRUE"])
    {
        field.default = Defaults { connectwise: Some(text.to_owned()), hubspot: None };
    }
    assert_eq!(read(&written(&config)).unwrap().onto(&config), Ok(config));
    let mut book = Xlsx::new();
    let sheet = book.add_worksheet().set_name("Companies").unwrap();
    for (at, title) in (0u16..).zip(["HubSpot field", "ConnectWise field", "compared as", "wins"]) {
        sheet.write_string(0, at, title).unwrap();
    }
    sheet.write_formula(1, 0, Formula::new("=\"name\"").set_result("name")).unwrap();
    sheet.write_string(1, 1, "name").unwrap();
    let day = ExcelDateTime::from_ymd(2026, 5, 1).unwrap();
    sheet.write_datetime_with_format(2, 3, day, &Format::new().set_num_format("yyyy-mm-dd")).unwrap();
    let wrong = read(&book.save_to_buffer().unwrap()).unwrap_err();
    let told: Vec<_> = wrong.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["Companies, A2: This is a formula.", "Companies, D3: This is a date or a time."]);
}

#[test]
fn a_number_that_a_program_made_of_a_text_is_that_text() {
    let mut book = Xlsx::new();
    let sheet = book.add_worksheet().set_name("companies ").unwrap();
    for (at, title) in (0u16..).zip([
        "hubspot FIELD",
        "ConnectWise field",
        "compared as",
        "default in ConnectWise",
        "length in HubSpot",
    ]) {
        sheet.write_string(0, at, title).unwrap();
    }
    sheet.write_string(1, 0, "x").unwrap();
    sheet.write_string(1, 1, "y").unwrap();
    sheet.write_string(1, 2, "text").unwrap();
    sheet.write_number(1, 3, 42).unwrap();
    sheet.write_number(1, 4, 50).unwrap();
    let config = read(&book.save_to_buffer().unwrap()).unwrap().onto(&defaults::config()).unwrap();
    let new = field(&config.objects[0], "x").unwrap();
    assert_eq!((new.default.connectwise.as_deref(), new.max_length.hubspot), (Some("42"), Some(50)));
}

fn refused(bytes: &[u8]) -> String {
    read(bytes).unwrap_err()[0].to_string()
}

/// The parts of a file, as a hostile program packs them.
fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive
            .start_file(*name, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated))
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_file_that_would_take_all_room_is_refused_before_it_does() {
    assert!(refused(b"no workbook").starts_with("This is no workbook: "));
    assert!(refused(&vec![0; MAX_BYTES + 1]).contains("are read at most"));
    let zeros = vec![0; 1024 * 1024];
    let parts: Vec<(String, &[u8])> = (0..201).map(|n| (format!("xl/{n}.xml"), zeros.as_slice())).collect();
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    assert!(refused(&packed(&parts)).contains("larger than 200 MiB, unpacked"));
    let claim = b"<sst xmlns='x' count='1' uniqueCount='99999999999999'></sst>";
    assert!(refused(&packed(&[("xl/sharedStrings.xml", claim)])).contains("claims more texts than it can hold"));
    let many: Vec<(String, &[u8])> = (0..1_001).map(|n| (format!("{n}"), &b""[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    assert!(refused(&packed(&many)).contains("packed of 1001 parts"));
    let mut far = Xlsx::new();
    far.add_worksheet().set_name("Companies").unwrap().write_string(MAX_ROWS, 0, "x").unwrap();
    assert_eq!(refused(&far.save_to_buffer().unwrap()), "Companies, A100001: A sheet has at most 100000 rows.");
    let mut wide = Xlsx::new();
    wide.add_worksheet().set_name("Companies").unwrap().write_string(0, 64, "x").unwrap();
    assert_eq!(refused(&wide.save_to_buffer().unwrap()), "Companies, BM1: A sheet has at most 64 columns.");
    let long = "x".repeat(32_000);
    let mut repeated = Xlsx::new();
    let sheet = repeated.add_worksheet().set_name("Companies").unwrap();
    for row in 0..2_200 {
        sheet.write_string(row, 0, &long).unwrap();
    }
    assert!(refused(&repeated.save_to_buffer().unwrap()).contains("too long in all"));
    let mut other = Xlsx::new();
    other.add_worksheet().set_name("Budget").unwrap();
    assert_eq!(refused(&other.save_to_buffer().unwrap()), "The workbook has no sheet of a configuration.");
}

#[test]
fn samples_are_masked_unless_they_are_asked_for() {
    let config = defaults::config();
    let of = crate::view::testing::company(crate::model::System::HubSpot, 7);
    let mut record = crate::view::testing::observation(of, 0, None).record;
    record.fields.insert("name".into(), crate::model::Value::text("Acme 24 GmbH"));
    let samples = |is_masked| Samples {
        records: [(ObjectKind::Company, vec![BySystem::new(Some(record.clone()), None)])].into(),
        is_masked,
    };
    for (is_masked, shown) in [(true, "Xxxx 00 XxxX"), (false, "Acme 24 GmbH")] {
        let bytes = write(&config, "7.12", &[], &samples(is_masked)).unwrap();
        let (mut grids, _) = cells::grids(&bytes, all).unwrap();
        let grid = grid(&mut grids, "Companies");
        let (row, at) = (row_of(grid, "name"), column(grid, "sample 1 HubSpot"));
        assert_eq!(grid.rows[&row][&at], shown);
        assert_eq!(read(&bytes).unwrap().onto(&config), Ok(config.clone()), "samples are not read");
    }
    let many = Samples { records: [(ObjectKind::Company, vec![BySystem::default(); 30])].into(), is_masked: true };
    assert!(matches!(write(&config, "7.12", &[], &many), Err(NotWritten::TooManySamples(30))));
}

#[test]
fn columns_are_called_as_programs_call_them() {
    assert_eq!([0, 25, 26, 701, 702].map(letters), ["A", "Z", "AA", "ZZ", "AAA"]);
}
