//! Tapes: what is written down and read again.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use crate::fields;
use crate::scenario::Scenario;
use crate::simulation::Trace;
use crate::suite::play;
use crate::tape::Tape;

/// What is written down is the whole of it: read again, it takes the very same course.
#[test]
fn i19_a_tape_takes_the_course_of_the_seed_it_was_made_of() {
    let schemas = fields::schemas();
    for seed in 1..=20 {
        let drawn = Scenario::draw(seed);
        let first = play(&drawn, &schemas, Trace::Hash);
        let tape = Tape { about: String::new(), scenario: drawn.with_faults(first.struck) };
        let read: Tape = serde_json::from_str(&serde_json::to_string(&tape).unwrap()).unwrap();
        assert_eq!(play(&read.scenario, &schemas, Trace::Hash).hash, first.hash, "seed {seed}");
    }
}

#[test]
fn a_tape_that_names_nothing_known_is_refused_and_says_so() {
    let tape = Tape { about: String::new(), scenario: Scenario::draw(1) };
    let text = serde_json::to_string(&tape).unwrap();
    for (from, to, word) in [
        ("company.name", "company.nmae", "no field `company.nmae`"),
        ("\"rounds\"", "\"round\"", "unknown field `round`"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bad.json");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        let error = Tape::read(&path).unwrap_err();
        assert!(error.contains("bad.json") && error.contains(word), "{error}");
    }
}
