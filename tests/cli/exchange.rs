//! Files that come back from people and programs: comments that stay, workbooks, and everything that is no configuration.

use std::fs;

use rust_xlsxwriter::{Workbook, Worksheet};
use serde_json::{Value, json};

use super::{Home, Sim};

fn home() -> Home {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    home
}

fn exported(home: &Home) -> String {
    home.run("config export -").out
}

fn show(home: &Home) -> Value {
    home.run("--json config show").json()
}

#[test]
fn comments_of_a_file_stay_through_later_changes_by_others_and_by_commands() {
    let home = home();
    let text = exported(&home).replace("poll = 60", "# agreed with Mia\npoll = 60 # a minute");
    fs::write(home.path().join("acme.toml"), &text).unwrap();
    assert_eq!(home.run("--author dana config import acme.toml").code, 0);
    let text = exported(&home);
    assert!(text.contains("# agreed with Mia\npoll = 60 # a minute"), "{text}");
    // somebody else changes another setting by a file without comments, made of the same
    let bare =
        text.replace("# agreed with Mia\n", "").replace(" # a minute", "").replace("vanished = 20", "vanished = 30");
    fs::write(home.path().join("mia.toml"), bare).unwrap();
    let dana = text.replace("sweep = 86400", "sweep = 43200");
    fs::write(home.path().join("dana.toml"), dana).unwrap();
    assert_eq!(home.run("--author mia config import mia.toml").code, 0);
    let merged = home.run("--author dana config import dana.toml");
    assert_eq!(merged.code, 0, "{}", merged.err);
    let text = exported(&home);
    for part in ["# agreed with Mia\npoll = 60 # a minute", "vanished = 30", "sweep = 43200"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

/// What a file of that content comes to: refused with these words, or taken.
fn is_refused(home: &Home, name: &str, content: &[u8], words: &[&str]) {
    let before = show(home);
    fs::write(home.path().join(name), content).unwrap();
    let refused = home.run(&format!("config import {name}"));
    assert_eq!(refused.code, 3, "{words:?}: {} {}", refused.out, refused.err);
    for part in words {
        assert!(refused.err.contains(part), "{part:?} is not in {}", refused.err);
    }
    assert!(refused.err.len() < 200_000, "{} bytes of mistakes", refused.err.len());
    assert_eq!(show(home), before, "{words:?}");
}

#[test]
fn a_text_that_is_no_configuration_is_refused_with_line_and_column() {
    let home = home();
    let good = exported(&home);
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1).into_bytes()
    };
    let field = "\n[[object.field]]\nhubspot = \"a\"\nconnectwise = \"b\"\nkind = \"text\"\n";
    let many: String = (0..100_000).map(|n| field.replace("\"a\"", &format!("\"a{n}\""))).collect();
    let deep = format!("x = {}{}", "[".repeat(20_000), "]".repeat(20_000));
    let tables = format!("x = {}{}", "{a=".repeat(20_000), "}".repeat(20_000));
    let dotted = format!("{} = 1", vec!["a"; 50_000].join("."));
    let cases: Vec<(Vec<u8>, &[&str])> = vec![
        (with("poll = 60", "pole = 60"), &["There is no setting `pole`", "Did you mean `poll`?", "line "]),
        (with("poll = 60", "poll = \"60\""), &["timing.poll: This must be a whole number"]),
        (with("poll = 60", "poll = 60.0"), &["timing.poll: This must be a whole number"]),
        (with("poll = 60", "poll = 60\npoll = 61"), &["uplicate"]),
        (format!("{good}{field}{field}").into_bytes(), &["`a~b` is given twice"]),
        (with("kind = \"text\"", "kind = \"txt\""), &["`txt` is not a value of this setting"]),
        ([good.as_bytes(), b"\nx = \"\xff\xfe\"\n"].concat(), &["it is not UTF-8 text"]),
        (
            [&[0xff, 0xfe][..], &good.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat(),
            &["it is not UTF-8 text"],
        ),
        (with("poll = 60", "poll = 60\0"), &["line "]),
        ([good.as_bytes(), &b" ".repeat(4 * 1024 * 1024)].concat(), &["it is larger than 4 MiB"]),
        (format!("{good}{many}").as_bytes()[..4_000_000].to_vec(), &["2000 are read at most", "line "]),
        (deep.into_bytes(), &["line 1"]),
        (tables.into_bytes(), &["line 1"]),
        (dotted.into_bytes(), &["line 1"]),
        (b"PK\x03\x04".to_vec(), &["line 1"]),
        (Vec::new(), &["`object` is missing"]),
    ];
    for (content, words) in cases {
        is_refused(&home, "bad.toml", &content, words);
    }
    // what editors do to a file is none of its content
    for same in
        [format!("\u{feff}{good}"), good.replace('\n', "\r\n"), format!("\u{feff}{}", good.replace('\n', "\r\n"))]
    {
        fs::write(home.path().join("same.toml"), &same).unwrap();
        let before = show(&home)["config"].clone();
        let taken = home.run("config import same.toml");
        assert_eq!(taken.code, 0, "{}", taken.err);
        assert_eq!(show(&home)["config"], before);
    }
}

/// A workbook with one sheet of companies, below their titles.
fn companies(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Companies").unwrap();
    for (at, title) in (0u16..).zip(["HubSpot field", "ConnectWise field", "compared as", "wins", "other settings"]) {
        sheet.write_string(0, at, title).unwrap();
    }
    fill(sheet);
    book.save_to_buffer().unwrap()
}

fn row(sheet: &mut Worksheet, row: u32, texts: &[&str]) {
    for (at, text) in (0u16..).zip(texts) {
        sheet.write_string(row, at, *text).unwrap();
    }
}

#[test]
fn a_workbook_that_is_no_configuration_is_refused_with_sheet_row_and_column() {
    let home = home();
    let deep = format!("x = {}{}", "[".repeat(9_000), "]".repeat(9_000));
    let good = companies(|sheet| row(sheet, 1, &["motto", "motto", "text"]));
    let cases: Vec<(Vec<u8>, &[&str])> = vec![
        (
            companies(|sheet| row(sheet, 0, &["HubSpot feld"])),
            &["Companies, A1", "There is no column `HubSpot feld`", "Did you mean"],
        ),
        (
            companies(|sheet| (1..3).for_each(|n| row(sheet, n, &["a", "b", "text"]))),
            &["Companies, A3 (HubSpot field): `a~b` is in row 2 already"],
        ),
        (companies(|sheet| row(sheet, 1, &["a", "b", "txt"])), &["Companies, C2 (compared as): `txt` is not a value"]),
        (
            companies(|sheet| row(sheet, 1, &["a", "b", "text", "latest", "pole = 60"])),
            &["Companies, E2 (other settings): There is no setting `pole`"],
        ),
        (companies(|sheet| row(sheet, 1, &["a", "b", "text", "latest", &deep])), &["Companies, E2 (other settings)"]),
        (
            companies(|sheet| row(sheet, 1, &["", "b", "text"])),
            &["Companies, A2 (HubSpot field): `hubspot` is missing"],
        ),
        (
            companies(|sheet| (1..100_002).for_each(|n| row(sheet, n, &["a"]))),
            &["Companies, A100001", "at most 100000 rows"],
        ),
        (
            companies(|sheet| (1..2_100).for_each(|n| row(sheet, n, &[&format!("a{n}"), "b", "text"]))),
            &["2000 are read at most"],
        ),
        (
            companies(|sheet| {
                sheet.write_boolean(1, 0, true).unwrap().write_formula(1, 1, "=1+1").unwrap();
            }),
            &["Companies, B2", "This is a formula"],
        ),
        (good[..good.len() / 2].to_vec(), &["This is no workbook"]),
        (b"# Lockstep configuration 1.1\n".to_vec(), &["This is no workbook"]),
        (vec![0; 20 * 1024 * 1024 + 1], &["are read at most"]),
        (Vec::new(), &["This is no workbook"]),
    ];
    for (content, words) in cases {
        is_refused(&home, "bad.xlsx", &content, words);
    }
    for ending in ["xls", "ods", "csv", "xlsm"] {
        let refused = home.run(&format!("config import acme.{ending}"));
        assert_eq!(refused.code, 2, "{}", refused.err);
    }
}

#[test]
fn a_workbook_goes_to_the_customer_and_comes_back_with_what_others_changed_meanwhile() {
    let home = home();
    let told = home.run("config export acme.xlsx");
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(home.run("config export acme.xlsx").code, 3, "a file that is there is not replaced");
    assert_eq!(home.run("config export acme.toml --samples 3").code, 2);
    let before = show(&home)["config"].clone();
    let same = home.run("--json config import acme.xlsx --dry-run").json();
    assert_eq!((&same["changes"], &same["ignored"]), (&json!([]), &json!([])), "{same}");

    // the customer sends two sheets back; their own notes beside them
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Companies").unwrap();
    row(sheet, 0, &["key", "HubSpot field", "ConnectWise field", "compared as", "wins"]);
    row(sheet, 1, &["city~city", "city", "city", "text", "ask"]);
    let sheet = book.add_worksheet().set_name("Read me").unwrap();
    row(sheet, 1, &["made of", "1.1"]);
    book.add_worksheet().set_name("Our notes").unwrap();
    book.save(home.path().join("back.xlsx")).unwrap();
    let text = exported(&home).replace("poll = 60", "poll = 61 # slower");
    fs::write(home.path().join("mia.toml"), text).unwrap();
    assert_eq!(home.run("--author mia config import mia.toml").code, 0);

    let dry = home.run("config import back.xlsx --dry-run");
    assert!(dry.out.contains("~ company.city~city.wins: latest → ask"), "{} {}", dry.out, dry.err);
    assert!(
        dry.out.contains("Our notes") && dry.out.contains("Changed meanwhile, and kept: timing.poll."),
        "{}",
        dry.out
    );
    let taken = home.run("--json config import back.xlsx");
    assert_eq!(taken.code, 0, "{}", taken.err);
    let text = exported(&home);
    assert!(text.contains("poll = 61 # slower"), "comments stay: {text}");
    let after = show(&home)["config"].clone();
    let differing =
        before["object"][0]["field"].as_array().unwrap().iter().zip(after["object"][0]["field"].as_array().unwrap());
    assert_eq!(differing.filter(|(was, is)| was != is).count(), 1, "{after}");
    // the same file once more takes nothing back
    let again = home.run("--json config import back.xlsx").json();
    assert_eq!(again["taken"], false, "{again}");
}

#[test]
fn samples_are_masked_and_their_file_is_nobody_elses() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    assert_eq!(home.run("sync --once").code, 5);
    let told = home.run("config export acme.xlsx --samples 2");
    assert_eq!(told.code, 0, "{}", told.err);
    let same = home.run("--json config import acme.xlsx --dry-run");
    assert_eq!((same.code, &same.json()["changes"]), (0, &json!([])), "{} {}", same.out, same.err);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(home.path().join("acme.xlsx")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
    assert_eq!(home.run("config export acme.xlsx --unmasked").code, 2);
}
