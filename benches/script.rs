//! How many values a second transforms make: a join, a template, and scripts; and how long what never ends is let run.
//!
//! `cargo bench --bench script -- [--calls N]`

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

use std::process::ExitCode;
use std::time::Instant;

use lockstep::mapping::transform::{Join, Step, Transform};
use lockstep::model::{FieldName, Record, RecordId, Timestamp, Value};
use lockstep::script::Script;

const USAGE: &str = "script [--calls N]";
/// What a script that never ends may take of the machine, in milliseconds.
const LONGEST: u128 = 50;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let calls = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 100_000,
        ["--calls", number] if number.parse::<u64>().is_ok_and(|n| n > 0) => number.parse().unwrap(),
        _ => {
            eprintln!("usage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    let names = ["firstname", "lastname"].map(FieldName::new);
    let join = Step::Join(Join { with: " ".into(), fields: names.to_vec() });
    let template = Step::Template("{lastname}, {firstname}".into());
    let script = |source: &str| Step::Script(source.into());
    let record = record();
    for (what, steps) in [
        ("join", vec![join]),
        ("template", vec![template]),
        ("script of the value", vec![script("value.trim().toUpperCase()")]),
        ("script of two fields", vec![script("record.lastname + ', ' + record.firstname.toUpperCase()")]),
        (
            "script with a loop of 1,000",
            vec![script("(() => { let s = 0; for (let i = 0; i < 1000; i++) s += i; return s })()")],
        ),
    ] {
        let transform = Transform::new(&steps);
        let start = Instant::now();
        for _ in 0..calls {
            transform.apply(Value::text(" Ada "), Some(&record)).unwrap();
        }
        println!("{:>9.0} a second  {what}", calls as f64 / start.elapsed().as_secs_f64());
    }
    let slowest = [
        "(() => { for (;;) {} })()",
        "/(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')",
        "(() => { let s = 0; for (let i = 0;; i++) s += Math.sin(i) + 'x'.length })()",
    ];
    let mut kept = true;
    for source in slowest {
        let script = Script::compile(source).unwrap();
        let start = Instant::now();
        let answer = script.call(&Value::Empty, std::iter::empty());
        let took = start.elapsed().as_millis();
        println!("{took:>6} ms stopped   {source}");
        kept &= answer.is_err() && took <= LONGEST;
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn record() -> Record {
    let fields = [("firstname", "Ada"), ("lastname", "Lovelace")];
    Record::new(
        RecordId(1),
        Timestamp(0),
        fields.iter().map(|(name, text)| (FieldName::new(name), Value::text(*text))).collect(),
    )
}
