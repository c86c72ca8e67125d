//! The lists of facts in `docs/facts`: every row names tests that exist, or says why the fact is left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::files;

const HEAD: &str = "| fact | how it is met | seen by |";
const LEFT_OUT: &str = "left out: ";

#[test]
fn every_fact_is_seen_by_a_test_or_left_out_with_the_reason() {
    let tests = tests_of(&["src", "tests"]);
    let mut wrong = Vec::new();
    for list in lists() {
        let text = fs::read_to_string(&list).unwrap();
        wrong.extend(wrong_rows(&text, &tests).into_iter().map(|slip| format!("{}:{slip}", list.display())));
    }
    assert!(wrong.is_empty(), "facts that nothing stands for:\n{}", wrong.join("\n"));
}

#[test]
fn a_row_without_a_test_or_a_reason_is_found() {
    let tests = BTreeSet::from(["it_works".to_owned(), "it_holds".to_owned()]);
    let table = [
        ("| a fact | so | `it_works` |", None),
        ("| a \\| b | so | `it_works`, `it_holds` |", None),
        ("| a fact | not at all | left out: nobody asks for it |", None),
        ("| a fact | so | `it_wroks` |", Some("no test is called `it_wroks`")),
        ("| a fact | so | `it_works`, `it_wroks` |", Some("no test is called `it_wroks`")),
        ("| a fact | so | it_works |", Some("neither")),
        ("| a fact | so | by hand |", Some("neither")),
        ("| a fact | so | |", Some("neither")),
        ("| a fact | so | left out: |", Some("neither")),
        ("| a fact | | `it_works` |", Some("empty cell")),
        ("| a fact | `it_works` |", Some("three cells")),
        ("| a | fact | so | `it_works` |", Some("three cells")),
    ];
    for (row, expected) in table {
        let found = wrong_rows(&format!("# Facts\n\n{HEAD}\n|---|---|---|\n{row}\n"), &tests);
        match expected {
            None => assert!(found.is_empty(), "{row}: {found:?}"),
            Some(words) => assert!(found.len() == 1 && found[0].contains(words), "{row}: {found:?}"),
        }
    }
    let other = wrong_rows("| fact | test |\n|---|---|\n| a fact | `it_works` |\n", &tests);
    assert!(other[0].contains("begins with"), "{other:?}");
    assert!(wrong_rows("# Facts\n", &tests)[0].contains("no rows"));
}

#[test]
fn a_test_is_a_function_under_an_attribute_that_says_so() {
    let code = "#[test]\nfn plain() {}\n#[tokio::test(start_paused = true)]\n#[expect(\n    x,\n)]\nasync fn patient() {}\n\
        #[test_only]\nfn other() {}\nfn bare() {}\n// #[test]\nfn spoken_of() {}\n#[test]\nconst X: u8 = 1;\nfn behind() {}";
    assert_eq!(tests_in(code), ["plain", "patient"]);
}

fn lists() -> Vec<PathBuf> {
    let mut lists: Vec<_> = fs::read_dir("docs/facts").unwrap().map(|entry| entry.unwrap().path()).collect();
    lists.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    lists.sort();
    assert!(!lists.is_empty(), "docs/facts holds no list");
    lists
}

fn tests_of(dirs: &[&str]) -> BTreeSet<String> {
    let all = dirs.iter().flat_map(|dir| files(Path::new(dir)));
    all.flat_map(|path| tests_in(&fs::read_to_string(path).unwrap())).collect()
}

/// The names of the functions that stand under `#[test]`, `#[tokio::test]` and the like.
fn tests_in(code: &str) -> Vec<String> {
    let (mut found, mut under) = (Vec::new(), false);
    for line in code.lines().map(str::trim) {
        if is_test_attribute(line) {
            under = true;
        } else if let Some(name) = function(line) {
            if std::mem::take(&mut under) {
                found.push(name.to_owned());
            }
        } else if ends_an_item(line) {
            under = false;
        }
    }
    found
}

fn is_test_attribute(line: &str) -> bool {
    let Some(inside) = line.strip_prefix("#[") else { return false };
    let path = inside.split(['(', ']']).next().unwrap_or_default();
    path.rsplit("::").next() == Some("test")
}

fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    rest.split(['(', '<']).next().map(str::trim)
}

fn ends_an_item(line: &str) -> bool {
    (line.ends_with(';') || line.ends_with('}')) && !line.starts_with("//")
}

/// What is wrong with a list, by line.
fn wrong_rows(text: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let (mut wrong, mut rows, mut inside) = (Vec::new(), 0, false);
    for (number, line) in (1..).zip(text.lines()) {
        let was_inside = std::mem::replace(&mut inside, line.starts_with('|'));
        let slip = match line {
            _ if !inside => None,
            _ if !was_inside => (line != HEAD).then(|| format!("a table begins with {HEAD:?}")),
            "|---|---|---|" => None,
            row => {
                rows += 1;
                wrong_row(row, tests)
            }
        };
        wrong.extend(slip.map(|slip| format!("{number}: {slip}")));
    }
    if rows == 0 {
        wrong.push("1: the list has no rows".to_owned());
    }
    wrong
}

fn wrong_row(row: &str, tests: &BTreeSet<String>) -> Option<String> {
    let cells = cells(row);
    let [_, how, seen_by] = cells.as_slice() else { return Some("a row has three cells".to_owned()) };
    if cells.iter().any(String::is_empty) && !seen_by.is_empty() {
        return Some("a row has an empty cell".to_owned());
    }
    if seen_by.strip_prefix(LEFT_OUT).is_some_and(|reason| !reason.trim().is_empty()) {
        return None;
    }
    let names: Option<Vec<&str>> = seen_by.split(", ").map(quoted).collect();
    let Some(names) = names else {
        return Some(format!("{how:?} has neither names of tests in backticks nor {LEFT_OUT:?} and a reason"));
    };
    let unknown = names.into_iter().find(|name| !tests.contains(*name))?;
    Some(format!("no test is called `{unknown}`"))
}

fn quoted(name: &str) -> Option<&str> {
    name.strip_prefix('`')?.strip_suffix('`').filter(|name| !name.contains('`'))
}

/// The cells of a row; `\|` is a bar inside one.
fn cells(row: &str) -> Vec<String> {
    let hidden = row.trim().replace("\\|", "\u{0}");
    let inside = hidden.strip_prefix('|').unwrap_or(&hidden);
    let inside = inside.strip_suffix('|').unwrap_or(inside);
    inside.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}
