//! The corpus: the smallest tapes of bugs that are mended, and of bugs made on purpose. Each must pass now and for ever.
//!
//! A new one: `cp target/simulation/NAME/smallest.json tests/simulation/corpus/WHAT_IT_IS.json`, and say in `about` what broke.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::path::{Path, PathBuf};

use crate::fields;
use crate::simulation::Trace;
use crate::tape::{Tape, keep_failure};
use crate::twin::play_beside_twin;

fn tapes() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulation/corpus");
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn every_tape_of_the_corpus_passes() {
    let schemas = fields::schemas();
    let all = tapes();
    assert!(!all.is_empty(), "the corpus is lost");
    for path in all {
        let tape = Tape::read(&path).unwrap();
        let outcome = play_beside_twin(&tape.scenario, &schemas, Trace::Off);
        if !outcome.violations.is_empty() {
            let name = format!("corpus-{}", path.file_stem().unwrap_or_default().to_string_lossy());
            panic!("{}\n{}", tape.about, keep_failure(&name, &tape.scenario, &schemas, &outcome));
        }
    }
}
