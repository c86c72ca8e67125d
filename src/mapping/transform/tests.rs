//! What each step makes of a value, as a table, and what holds for all of them.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use proptest::prelude::*;

use super::*;
use crate::model::{Record, RecordId, Timestamp, Value};

fn record() -> Record {
    let fields = [("firstname", " Ada "), ("lastname", "Lovelace")];
    Record::new(
        RecordId(1),
        Timestamp(0),
        fields.iter().map(|(name, text)| (FieldName::new(name), Value::text(*text))).collect(),
    )
}

fn made(steps: &[Step], value: &str) -> Result<String, String> {
    let made = Transform::new(steps).apply(Value::text(value), Some(&record()));
    made.map(|value| value.to_plain()).map_err(|error| error.message)
}

fn split(at: &str, part: i32) -> Step {
    Step::Split(Split { at: at.into(), part })
}

fn join(with: &str, fields: &[&str]) -> Step {
    Step::Join(Join { with: with.into(), fields: fields.iter().map(|name| FieldName::new(name)).collect() })
}

#[test]
fn each_step_does_what_its_name_says() {
    use Case::{Lower, Title, Upper};
    let date = |form: &str| Step::Date(form.into());
    let template = |text: &str| Step::Template(text.into());
    let cases = [
        (vec![Step::Trim], "  a \t b \n c ", "a b\nc"),
        (vec![Step::Case(Upper)], "straße", "STRASSE"),
        (vec![Step::Case(Lower)], "ÉCOLE", "école"),
        (vec![Step::Case(Title)], "JEAN-LUC o'NEIL d’arcy it's", "Jean-Luc O'Neil D’Arcy It's"),
        (vec![Step::Case(Title)], "acme (north)/south", "Acme (North)/South"),
        (vec![Step::Phone], "+1 (555) 010-0199 ext. 4", "+15550100199x4"),
        (vec![date("DD.MM.YYYY")], "31.12.2026", "2026-12-31"),
        (vec![date("M/D/YYYY")], "1/6/2026", "2026-01-06"),
        (vec![date("DD.MM.YYYY"), date("YYYY/M/D")], "06.01.2026", "2026/1/6"),
        (vec![Step::Number(2)], "1.005", "1.01"),
        (vec![Step::Number(0)], "-2.5", "-3"),
        (vec![split(" ", 1)], "Ada  King Lovelace", "Ada"),
        (vec![split(" ", -1)], "Ada  King Lovelace ", "Lovelace"),
        (vec![split(";", 2)], "a;;c", ""),
        (vec![split(",", 4)], "a, b, c", ""),
        (vec![split(",", -4)], "a, b, c", ""),
        (vec![split(",", 2), Step::Case(Upper)], "a, b, c", "B"),
        (vec![join(" ", &["firstname", "middle", "lastname"])], "", "Ada Lovelace"),
        (vec![Step::Case(Upper), join("/", &["value", "lastname"])], "x", "X/Lovelace"),
        (vec![template("{lastname}, {firstname} {{{value}}}")], "x", "Lovelace,  Ada  {x}"),
        (vec![template("Mr {middle}")], "x", ""),
        (vec![Step::Default("n/a".into())], "", "n/a"),
        (vec![Step::Default("n/a".into())], "x", "x"),
        (vec![Step::Trim, Step::Case(Upper)], "", ""),
    ];
    for (steps, value, expected) in cases {
        assert_eq!(made(&steps, value), Ok(expected.to_owned()), "{steps:?} of {value:?}");
        assert!(steps.iter().all(|step| step.check().is_ok()), "{steps:?}");
    }
}

#[test]
fn a_step_that_cannot_go_on_says_what_of_and_the_trace_ends_there() {
    let steps = [Step::Trim, Step::Number(2), Step::Phone];
    assert_eq!(made(&steps, "1,5"), Err("\"1,5\" is not a number".to_owned()));
    let trace = Transform::new(&steps).trace(Value::text(" 1,5 "), None);
    assert_eq!(trace.len(), 2);
    assert_eq!(trace[0], Ok(Value::text("1,5")));
    assert_eq!(trace[1].as_ref().map_err(|error| error.step), Err(1));
    for text in ["32.01.2026", "1.1.2026", "01.01.26", "01.01.2026 ", "01-01-2026", "01.01.2026x", "٠١.01.2026"] {
        let found = made(&[Step::Date("DD.MM.YYYY".into())], text);
        assert_eq!(found.is_ok(), text == "01.01.2026 ", "{text}: {found:?}");
    }
}

#[test]
fn what_is_no_step_is_told_and_lets_nothing_cross() {
    let wrong = [
        (split("", 1), "where to split"),
        (split(",", 0), "no part 0"),
        (join(",", &[]), "no fields"),
        (Step::Number(16), "at most 15"),
        (Step::Default(" ".into()), "empty default"),
        (Step::Date("YYYY-MM".into()), "each once"),
        (Step::Date("DD.MM.YY".into()), "no form"),
        (Step::Date("DDD.MM.YYYY".into()), "no form"),
        (Step::Template("plain".into()), "names no field"),
        (Step::Template("{}".into()), "names no field"),
        (Step::Template("{a".into()), "not closed"),
        (Step::Template("a}".into()), "closes nothing"),
        (Step::Template("{a}".repeat(2_000)), "4096 are allowed"),
    ];
    for (step, words) in wrong {
        let why = step.check().unwrap_err();
        assert!(why.contains(words), "{step:?}: {why}");
        assert!(made(std::slice::from_ref(&step), "x").is_err(), "{step:?}");
    }
}

#[test]
fn a_transform_names_the_fields_it_looks_at_once_and_never_its_own_value() {
    let steps = [join("", &["b", "value", "a"]), Step::Template("{a}{value}{c}".into()), Step::Trim];
    let names: Vec<String> = Transform::new(&steps).reads().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

proptest! {
    /// What a step of one text made stays as it is when it is made once more: a value that goes there and back does not grow.
    #[test]
    fn a_step_of_its_own_value_is_idempotent(text in "\\PC{0,24}|[ '’a-zß-\u{301}İ]{0,12}|[0-9 .,+x-]{0,12}") {
        let steps = [
            Step::Trim, Step::Phone, Step::Case(Case::Upper), Step::Case(Case::Lower), Step::Case(Case::Title),
            Step::Number(2), Step::Default("x".into()), split(",", 1), split(" ", -1),
        ];
        for step in steps {
            let step = [step];
            if let Ok(once) = made(&step, &text) {
                prop_assert_eq!(made(&step, &once), Ok(once.clone()), "{:?}", step);
            }
        }
    }

    #[test]
    fn a_date_that_was_written_in_a_form_is_read_from_it(year in 1..9999_i16, month in 1..=12_i8, day in 1..=28_i8) {
        let date = jiff::civil::date(year, month, day);
        for form in ["DD.MM.YYYY", "M/D/YYYY", "YYYYMMDD", "(D) MM, YYYY"] {
            let form = DateForm::read(form).unwrap();
            prop_assert_eq!(form.parse(&form.write(date)), Some(date));
        }
    }

    #[test]
    fn no_template_or_form_makes_the_reader_panic(text in "[{}a]{0,12}|[DMY. é]{0,12}|\\PC{0,16}") {
        drop(Template::read(&text).map(|template| template.fill(|name| name.to_owned())));
        drop(DateForm::read(&text).map(|form| form.parse(&text)));
    }
}
