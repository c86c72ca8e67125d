//! The arrows between the rooms: who may use whom. Read from the source, so that a wrong `use` fails a test.

#![expect(clippy::unwrap_used, reason = "a source file that cannot be read must stop the test")]

#[path = "architecture/facts.rs"]
mod facts;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A room, and the rooms it may use beside itself. Prefixes of module paths under `src`; the longest that fits counts.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("script", &["model"]),
    ("mapping", &["model", "filter", "script"]),
    ("filter", &["model", "mapping"]),
    ("engine::core", &["model", "mapping", "filter"]),
    ("store", &["model", "mapping", "filter", "engine::core"]),
    ("connect", &["model", "mapping", "engine::core"]),
    ("sim", &["model::text"]),
    ("engine::driver", &["model", "mapping", "filter", "engine::core", "store", "connect"]),
    ("uat", &["model", "mapping", "filter", "engine::core", "engine::driver", "store"]),
    ("view", &["model", "mapping", "filter", "engine::core", "engine::driver::snapshot"]),
    ("workbook", &["model", "mapping", "filter"]),
    ("error", &["model"]),
    ("telemetry", &[]),
    ("tui", &["model", "mapping", "filter", "engine", "store", "view", "error", "telemetry", "connect::registry"]),
    (
        "cli",
        &[
            "model",
            "mapping",
            "filter",
            "engine",
            "store",
            "connect",
            "sim",
            "view",
            "tui",
            "uat",
            "workbook",
            "error",
            "telemetry",
        ],
    ),
];

/// A library that only some rooms may know.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("rquickjs", &["script"]),
    ("rusqlite", &["store"]),
    ("rusqlite_migration", &["store"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("tui_textarea", &["tui"]),
    ("axum", &["sim", "engine::driver::receiver"]),
    ("reqwest", &["connect", "sim"]),
    ("rust_xlsxwriter", &["workbook"]),
    ("calamine", &["workbook"]),
    ("zip", &["workbook"]),
    ("toml_edit", &["mapping"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("rpassword", &["cli"]),
    ("tokio", &["connect", "engine::driver", "store", "sim", "tui", "cli"]),
    ("tracing_subscriber", &["telemetry"]),
    ("tracing_appender", &["telemetry"]),
];

/// One source file: its module path, and its code without comments, texts and tests.
struct Source {
    module: String,
    path: PathBuf,
    code: String,
}

#[test]
fn a_room_uses_only_rooms_below_it() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some((room, allowed)) = room_of(&source.module) else { continue };
        for used in crate_paths(&source.code) {
            let fine = within(&used, room) || allowed.iter().any(|below| within(&used, below)) || only_names(&used);
            if !fine {
                wrong.push(format!("{}: `{room}` must not use `crate::{used}`", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows in the wrong direction:\n{}", wrong.join("\n"));
}

#[test]
fn a_library_is_known_only_behind_its_door() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (library, rooms) in LIBRARIES {
            let known = rooms.iter().any(|room| within(&source.module, room));
            if !known && mentions(&source.code, library) {
                wrong.push(format!("{}: `{library}` is known only in {rooms:?}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "libraries outside their doors:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_has_its_place_in_the_list() {
    let unknown: Vec<_> =
        sources().into_iter().filter(|s| !is_top(&s.module) && room_of(&s.module).is_none()).map(|s| s.path).collect();
    assert!(unknown.is_empty(), "rooms without rules: {unknown:?}");
}

/// SQL is text, so that the library check alone would not see it.
#[test]
fn sql_is_written_only_in_the_store() {
    let words = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE "];
    for path in files(Path::new("src")) {
        let module = module_of(&path);
        if !within(&module, "store") {
            let text = fs::read_to_string(&path).unwrap();
            let found = words.iter().find(|word| text.contains(**word));
            assert_eq!(found, None, "{} speaks SQL", path.display());
        }
    }
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    for path in files(Path::new("src")) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
    }
}

#[test]
fn paths_are_found_in_every_way_they_can_be_written() {
    let code = "use crate::model::{Value, id::{LinkId}};\nuse crate::{mapping::Config, filter};\nlet x = crate::store::open();\n\
        use\n    crate::view;";
    let mut found = crate_paths(&strip(code));
    found.sort();
    assert_eq!(found, ["filter", "mapping::Config", "model::Value", "model::id::LinkId", "store::open", "view"]);
}

#[test]
fn comments_texts_and_tests_do_not_count() {
    let code = "// use crate::tui;\n/// [`crate::cli`]\nlet a = \"crate::sim\";\nlet c = '\"';\nlet r = r#\"crate::tui\"#;\n\
        #[cfg(test)]\nmod tests {\n use crate::store;\n}\nuse crate::model;";
    assert_eq!(crate_paths(&strip(code)), ["model"]);
}

/// Macros and the crate's root hold nothing but names of rooms.
fn only_names(path: &str) -> bool {
    path.is_empty()
}

fn is_top(module: &str) -> bool {
    module.is_empty() || module == "main" || module == "engine"
}

fn room_of(module: &str) -> Option<(&'static str, &'static [&'static str])> {
    let fitting = ROOMS.iter().filter(|(room, _)| within(module, room));
    fitting.max_by_key(|(room, _)| room.len()).map(|(room, allowed)| (*room, *allowed))
}

/// Whether a path is the room itself or something in it.
fn within(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn sources() -> Vec<Source> {
    let all: Vec<_> = files(Path::new("src"))
        .into_iter()
        .map(|path| Source { module: module_of(&path), code: strip(&fs::read_to_string(&path).unwrap()), path })
        .collect();
    assert!(all.len() > 20, "the test runs in the package's directory");
    all.into_iter().filter(|source| !is_test_file(&source.path)).collect()
}

/// `tests.rs`, `…_tests.rs` and `testing.rs` are compiled for tests alone.
fn is_test_file(path: &Path) -> bool {
    let stem = path.file_stem().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    stem == "tests"
        || stem == "testing"
        || stem.ends_with("_tests")
        || path.components().any(|part| part.as_os_str() == "tests")
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// `src/engine/core/mod.rs` is `engine::core`.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix("src").unwrap().with_extension("");
    let mut parts: Vec<_> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts.join("::")
}

fn mentions(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + library.len()..];
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') && after.starts_with("::")
    })
}

/// Every path that begins with `crate::`, groups unfolded.
fn crate_paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            unfold("", &code[at + "crate::".len()..], &mut found);
        }
    }
    found
}

/// Follows one path, and every branch of its groups; gives what is left behind it.
fn unfold<'a>(prefix: &str, rest: &'a str, found: &mut Vec<String>) -> &'a str {
    let rest = rest.trim_start();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            inside = unfold(prefix, inside, found).trim_start();
            inside = match inside.chars().next() {
                Some(',') => &inside[1..],
                Some('}') => return &inside[1..],
                _ => return inside,
            };
            if let Some(after) = inside.trim_start().strip_prefix('}') {
                return after;
            }
        }
    }
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") };
    match after.strip_prefix("::") {
        Some(deeper) if deeper.trim_start().starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '{') => {
            unfold(&path, deeper, found)
        }
        _ => {
            let path = path.strip_suffix("::self").unwrap_or(&path).to_owned();
            found.push(path);
            skip_rename(after)
        }
    }
}

fn skip_rename(after: &str) -> &str {
    let Some(name) = after.trim_start().strip_prefix("as ") else { return after };
    let name = name.trim_start();
    &name[name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len())..]
}

/// The code without comments, without the content of texts, and without `#[cfg(test)]` items.
fn strip(text: &str) -> String {
    without_tests(&without_comments(text))
}

fn without_comments(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let next = chars.get(at + 1).copied();
        match chars[at] {
            '/' if next == Some('/') => at = line_end(&chars, at),
            '/' if next == Some('*') => at = find(&chars, at + 2, &['*', '/']),
            'r' if matches!(next, Some('"' | '#')) && !continues_word(&out) && raw_hashes(&chars, at).is_some() => {
                let hashes = raw_hashes(&chars, at).unwrap();
                let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                at = find(&chars, at + 2 + hashes, &end);
            }
            '"' => at = text_end(&chars, at),
            '\'' if next == Some('\\') => at = find(&chars, at + 3, &['\'']),
            '\'' if chars.get(at + 2) == Some(&'\'') => at += 3,
            c => {
                out.push(c);
                at += 1;
            }
        }
    }
    out
}

fn continues_word(out: &str) -> bool {
    out.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn raw_hashes(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(at + 1 + hashes) == Some(&'"')).then_some(hashes)
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |n| at + n)
}

fn text_end(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Behind the next place where `what` stands.
fn find(chars: &[char], from: usize, what: &[char]) -> usize {
    let from = from.min(chars.len());
    chars[from..].windows(what.len()).position(|w| w == what).map_or(chars.len(), |n| from + n + what.len())
}

fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        rest = behind_item(&rest[at + "#[cfg(test)]".len()..]);
    }
    out.push_str(rest);
    out
}

/// Behind one item: its block, or its semicolon.
fn behind_item(code: &str) -> &str {
    let mut depth = 0_i32;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return &code[at + 1..],
            '}' => depth -= 1,
            ';' if depth == 0 => return &code[at + 1..],
            _ => {}
        }
    }
    ""
}

/// The rooms in the order of the list: none may be above one that uses it.
#[test]
fn the_arrows_have_no_way_round() {
    let place: BTreeMap<_, _> = ROOMS.iter().enumerate().map(|(at, (room, _))| (*room, at)).collect();
    let pairs = [("mapping", "filter")];
    for (room, allowed) in ROOMS {
        for below in *allowed {
            let same_floor = pairs.iter().any(|(a, b)| (a, b) == (room, below) || (b, a) == (room, below));
            if let Some(there) = place.get(below) {
                assert!(*there < place[room] || same_floor, "`{room}` may use `{below}`, which stands above it");
            }
        }
    }
}
