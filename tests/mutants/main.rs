//! How good the proof is: the engine broken on purpose, in one place at a time, and what notices.
//!
//! `cargo test --test mutants -- --ignored --nocapture` copies the sources below `target/mutants`, breaks the copy as
//! `list.toml` says, one mutant after another, and runs the simulation against each: first random seeds, then the directed
//! tests and the corpus, then the unit tests of the engine, then the tests of the store. It prints the table, and fails where
//! a mutant gets through. `LOCKSTEP_MUTANTS=guard` takes those alone whose name contains the word; `LOCKSTEP_SEEDS` says how
//! many seeds each of them must get past (default 3,000). An hour on two cores. What is shipped knows nothing of this.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutant: Vec<Mutant>,
}

/// One breakage: a text that stands once in a file, and what is put in its place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    /// The engine's core where it is not given.
    dir: Option<String>,
    file: String,
    find: String,
    with: String,
}

impl Mutant {
    fn place(&self) -> PathBuf {
        Path::new(self.dir.as_deref().unwrap_or("src/engine/core")).join(&self.file)
    }

    /// The file with the breakage in it.
    fn broken(&self, root: &Path) -> Result<String, String> {
        let text =
            fs::read_to_string(root.join(self.place())).map_err(|e| format!("{}: {e}", self.place().display()))?;
        match text.matches(&self.find).count() {
            1 if self.find != self.with => Ok(text.replacen(&self.find, &self.with, 1)),
            1 => Err("it changes nothing".to_owned()),
            n => Err(format!("its text stands {n} times in {}", self.place().display())),
        }
    }
}

/// What noticed a mutant.
enum Caught {
    Seed {
        seed: String,
        invariant: String,
    },
    Test(String),
    /// It does not compile: that is a mistake of the list.
    Unbuilt(String),
    Nothing,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn mutants() -> Vec<Mutant> {
    let text = fs::read_to_string(root().join("tests/mutants/list.toml")).unwrap();
    toml::from_str::<List>(&text).unwrap().mutant
}

#[test]
fn every_mutant_finds_its_place() {
    let all = mutants();
    assert!(all.len() >= 20, "{}", all.len());
    let lost: Vec<String> =
        all.iter().filter_map(|mutant| Some(format!("{}: {}", mutant.name, mutant.broken(root()).err()?))).collect();
    assert!(lost.is_empty(), "the engine has changed, the list has not:\n{}", lost.join("\n"));
    assert!(all.iter().any(|mutant| mutant.name.starts_with("canary")));
}

#[test]
#[ignore = "builds the engine once per mutant: an hour"]
fn every_mutant_is_caught() {
    let only = std::env::var("LOCKSTEP_MUTANTS").unwrap_or_default();
    let (tree, build) = (root().join("target/mutants/tree"), root().join("target/mutants/build"));
    copy_sources(&tree);
    let mut survivors = Vec::new();
    println!("{:<66} {:>7}  caught by", "mutant", "seed");
    for mutant in mutants().into_iter().filter(|mutant| mutant.name.contains(&only)) {
        let place = tree.join(mutant.place());
        let whole = fs::read_to_string(&place).unwrap();
        fs::write(&place, mutant.broken(&tree).unwrap()).unwrap();
        let caught = hunt(&tree, &build);
        fs::write(&place, whole).unwrap();
        match &caught {
            Caught::Seed { seed, invariant } => println!("{:<66} {seed:>7}  {invariant}", mutant.name),
            Caught::Test(test) => println!("{:<66} {:>7}  {test}", mutant.name, "–"),
            Caught::Unbuilt(why) => println!("{:<66} {:>7}  does not build: {why}", mutant.name, "–"),
            Caught::Nothing => println!("{:<66} {:>7}  nothing", mutant.name, "–"),
        }
        if matches!(caught, Caught::Nothing | Caught::Unbuilt(_)) {
            survivors.push(mutant.name);
        }
    }
    assert!(survivors.is_empty(), "not caught: {survivors:?}");
}

/// What the tests need to be built; what is there already and the same stays untouched, so that little is built anew.
fn copy_sources(to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    for name in ["src", "tests", "benches", "fixtures", "themes"] {
        copy(&root().join(name), &to.join(name));
    }
    for name in ["Cargo.toml", "Cargo.lock", "clippy.toml", "README.md"] {
        fs::copy(root().join(name), to.join(name)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// Random seeds until the first that fails, then the tests of single situations, then those of single functions, then those of
/// the store.
fn hunt(tree: &Path, build: &Path) -> Caught {
    let tests = |target: &[&str], args: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command.current_dir(tree).env("CARGO_TARGET_DIR", build).env("RUST_BACKTRACE", "0");
        command.args(["test", "--locked"]).args(target).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let simulation = |args: &[&str]| tests(&["--test", "simulation"], args);
    let built = simulation(&["--no-run"]).output().unwrap();
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr);
        let first = said.lines().find(|line| line.starts_with("error")).unwrap_or("no word why");
        return Caught::Unbuilt(first.to_owned());
    }
    let mut seeds = simulation(&["--", "i1_to_i19", "--nocapture"]).spawn().unwrap();
    let said = BufReader::new(seeds.stderr.take().unwrap());
    // The story of the failure, which takes its time, is not awaited.
    let failure = said.lines().map_while(Result::ok).find_map(|line| {
        let (seed, rest) = line.strip_prefix("seed ")?.split_once(": ")?;
        let (invariant, _) = rest.split_once(": ")?;
        Some(Caught::Seed { seed: seed.to_owned(), invariant: invariant.to_owned() })
    });
    if failure.is_some() {
        // It may have ended already.
        let _ = seeds.kill();
    }
    let held = seeds.wait().unwrap().success();
    failure
        .or_else(|| (!held).then(|| Caught::Test("i1_to_i19_hold_over_many_seeds".to_owned())))
        .or_else(|| first_failed(simulation(&["--", "--skip", "i1_to_i19"])))
        .or_else(|| first_failed(tests(&["--lib"], &["engine::core"])))
        .or_else(|| first_failed(tests(&["--test", "store"], &[])))
        .unwrap_or(Caught::Nothing)
}

fn first_failed(mut tests: Command) -> Option<Caught> {
    let output = tests.stdout(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = said.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    match failed {
        Some(test) => Some(Caught::Test(test.to_owned())),
        None if output.status.success() => None,
        None => Some(Caught::Test(format!("the tests ended with {}", output.status))),
    }
}
