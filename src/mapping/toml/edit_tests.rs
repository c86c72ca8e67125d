//! A changed configuration in a text with comments.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use proptest::prelude::*;

use super::*;
use crate::mapping::config::{Direction, ObjectMapping, SystemOfRecord, ValuePair};
use crate::mapping::toml::tests::object;
use crate::mapping::{Filters, defaults};

const TEXT: &str = r#"# Acme, agreed with Mia on 12 May
[timing] # seconds
poll = 30 # they are impatient

# Who buys.
[[object]]
object = "company"
hubspot_stamp = "cw_key"
connectwise_stamp = "customFields/5"
direction = "both"

[object.exclude]
connectwise = [
    2,   # the catch-all
    250, # our own
]

# the name is theirs
[[object.field]]
hubspot = "name"
connectwise = "name"
kind = "text" # never longer than 50
wins = "connectwise"

# drop-downs
[[object.field]]
hubspot = "country"
connectwise = "country"
kind = "choice"
[object.field.values]
auto = "label"
pair = [
    { hubspot = "Deutschland", connectwise = "label:Germany" }, # old records
    # since 2024
    { hubspot = "Schweiz", connectwise = "label:Switzerland" },
]
# the end
"#;

fn changed(edit: impl FnOnce(&mut Config)) -> String {
    let mut config = read(TEXT).unwrap();
    edit(&mut config);
    let text = update(TEXT, &config);
    assert_eq!(read(&text).unwrap(), config, "{text}");
    text
}

fn company(config: &mut Config) -> &mut ObjectMapping {
    &mut config.objects[0]
}

/// The lines that differ, `-` for what was and `+` for what is.
fn difference(text: &str) -> Vec<String> {
    let (mut was, mut is): (Vec<&str>, Vec<&str>) = (TEXT.lines().collect(), text.lines().collect());
    while !was.is_empty() && was.first() == is.first() {
        was.remove(0);
        is.remove(0);
    }
    while !was.is_empty() && was.last() == is.last() {
        was.pop();
        is.pop();
    }
    was.iter().map(|line| format!("-{line}")).chain(is.iter().map(|line| format!("+{line}"))).collect()
}

#[test]
fn a_setting_is_changed_where_it_stands() {
    let text = changed(|config| config.timing.poll = 90);
    assert_eq!(difference(&text), ["-poll = 30 # they are impatient", "+poll = 90 # they are impatient"]);
    let text = changed(|config| company(config).fields[0].wins = SystemOfRecord::Ask);
    assert_eq!(difference(&text), ["-wins = \"connectwise\"", "+wins = \"ask\""]);
    let text = changed(|config| company(config).direction = Direction::ToHubspot);
    assert_eq!(difference(&text), ["-direction = \"both\"", "+direction = \"to_hubspot\""]);
    let text = changed(|config| company(config).fields[1].values.as_mut().unwrap().pairs[0].connectwise = "7".into());
    assert_eq!(
        difference(&text),
        [
            "-    { hubspot = \"Deutschland\", connectwise = \"label:Germany\" }, # old records",
            "+    { hubspot = \"Deutschland\", connectwise = \"7\" }, # old records"
        ]
    );
}

#[test]
fn what_is_new_stands_where_it_belongs_and_moves_no_comment() {
    let text = changed(|config| {
        let mut field = company(config).fields[0].clone();
        (field.hubspot, field.connectwise) = ("city".into(), "city".into());
        company(config).fields.insert(1, field);
        company(config).filters = Filters { to_connectwise: "city = \"Ulm\"".into(), ..Filters::default() };
    });
    for comment in
        ["# Acme, agreed", "# they are", "# Who buys.", "# the catch-all", "# the name is", "# drop-downs", "# the end"]
    {
        assert_eq!(text.matches(comment).count(), 1, "{comment}\n{text}");
    }
    assert!(text.find("hubspot = \"city\"") < text.find("# drop-downs"), "{text}");
    assert!(text.find("[object.filters]") < text.find("[[object.field]]"), "{text}");
    let text = changed(|config| company(config).exclude.connectwise.insert(1, 77));
    assert_eq!(difference(&text), ["+    77,"]);
    let text = changed(|config| {
        let pairs = &mut company(config).fields[1].values.as_mut().unwrap().pairs;
        pairs.insert(1, ValuePair { hubspot: "Italia".into(), connectwise: "label:Italy".into() });
    });
    assert!(text.contains("# old records\n    { hubspot = \"Italia\""), "{text}");
}

#[test]
fn what_goes_takes_its_own_comment_and_no_other() {
    let text = changed(|config| drop(company(config).fields.remove(0)));
    assert!(!text.contains("# the name is theirs") && text.contains("# drop-downs"), "{text}");
    let text = changed(|config| company(config).exclude.connectwise.retain(|id| *id != 2));
    assert_eq!(difference(&text), ["-    2,   # the catch-all"]);
    let text = changed(|config| company(config).exclude.connectwise.clear());
    assert!(!text.contains("250"), "{text}");
    let text = changed(|config| company(config).fields.reverse());
    assert!(text.find("# drop-downs") < text.find("# the name is theirs"), "{text}");
}

#[test]
fn a_file_of_windows_keeps_its_line_ends_and_one_that_is_no_configuration_nothing() {
    let windows = TEXT.replace('\n', "\r\n");
    let mut config = read(&windows).unwrap();
    assert_eq!(update(&windows, &config), windows);
    config.timing.poll = 90;
    let text = update(&windows, &config);
    assert_eq!(text, windows.replace("poll = 30", "poll = 90"));
    assert_eq!(update("no = [", &config), write(&config));
}

/// Comments before and behind lines.
fn with_comments(text: &str, places: &[usize]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        if places.iter().any(|place| place % lines.len() == at) {
            out.push_str("# why\n");
        }
        out.push_str(line);
        out.push_str(if places.iter().any(|place| (place / 7) % lines.len() == at) { " # note\n" } else { "\n" });
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_text_says_what_it_is_updated_to_and_nothing_changes_where_nothing_differs(
        before in prop::option::of(object()),
        after in prop::option::of(object()),
        keeps in any::<bool>(),
        places in prop::collection::vec(0usize..1_000, 0..6),
        usual in any::<bool>(),
    ) {
        let mut was = Config { objects: before.into_iter().collect(), ..defaults::config() };
        if usual {
            was.objects = defaults::config().objects;
        }
        let mut now = Config { objects: after.into_iter().collect(), ..defaults::config() };
        if keeps {
            // the same with something of the other: most is to stay
            let other = std::mem::replace(&mut now.objects, was.objects.clone());
            if let (Some(mine), Some(other)) = (now.objects.first_mut(), other.into_iter().next()) {
                let known: Vec<_> = mine.fields.iter().map(crate::mapping::FieldMapping::key).collect();
                mine.filters = other.filters;
                mine.exclude = other.exclude;
                mine.fields.extend(other.fields.into_iter().filter(|field| !known.contains(&field.key())));
                let turns = usize::from(mine.fields.len() > 2);
                mine.fields.rotate_left(turns);
            }
        }
        let text = with_comments(&write(&was), &places);
        // a comment in the midst of a text is no comment
        if let Ok(said) = read(&text) {
            prop_assert_eq!(&update(&text, &said), &text);
            let updated = update(&text, &now);
            prop_assert_eq!(read(&updated), Ok(now.clone()), "{}", updated);
            prop_assert_eq!(&update(&updated, &now), &updated);
        }
    }
}
