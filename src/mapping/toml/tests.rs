//! The file as tables: what reads back, and what is wrong and where.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use proptest::prelude::*;

use super::*;
use crate::mapping::config::*;
use crate::mapping::defaults;
use crate::mapping::transform::{Case, Join, MAX_DECIMALS, Split, Step, Transforms};
use crate::model::{BySystem, FieldKind, FieldName, ObjectKind};

#[test]
fn the_default_configuration_reads_back_the_same_by_our_reader_and_by_serde() {
    let config = defaults::config();
    let text = write(&config);
    assert_eq!(read(&text), Ok(config.clone()));
    assert_eq!(toml::from_str::<Config>(&text).unwrap(), config);
}

#[test]
fn a_field_says_only_what_does_not_go_without_saying() {
    let text = write(&defaults::config());
    assert!(
        text.contains("\n[[object.field]]\nhubspot = \"city\"\nconnectwise = \"city\"\nkind = \"text\"\nmax_length")
    );
    assert!(text.contains(
        "\n[[object.field]]\nhubspot = \"annualrevenue\"\nconnectwise = \"annualRevenue\"\nkind = \"number\"\n\n"
    ));
}

const GOOD: &str = r#"
[[object]]
object = "company"
hubspot_stamp = "lockstep_cw_key"
connectwise_stamp = "userDefinedField10"

[[object.field]]
hubspot = "name"
connectwise = "name"
kind = "text"
"#;

#[test]
fn a_short_file_gets_the_usual_values() {
    let config = read(GOOD).unwrap();
    assert_eq!((config.guards, config.timing), (Guards::default(), Timing::default()));
    assert_eq!(config.objects[0].direction, Direction::Both);
    assert_eq!(config.objects[0].fields[0].wins, SystemOfRecord::Latest);
}

#[test]
fn every_mistake_is_named_with_its_place() {
    // what is added to the good file, the line in the addition, the path, a word of message or hint
    let cases = [
        (
            "[[object.field]]\nhubspot = 'a'\nconnectwise = 'b'\nkind = 'record:firm'",
            4,
            "object[1].field[2].kind",
            "`firm` is not",
        ),
        (
            "[[object.field]]\nhubspot = 'a'\nconnectwise = 'b'\nkind = 'reference'",
            4,
            "object[1].field[2].kind",
            "of which",
        ),
        ("kinds = 'text'", 1, "object[1].field[1].kinds", "`kind`"),
        ("wins = 'hubspt'", 1, "object[1].field[1].wins", "`hubspot`"),
        ("max_length = 50", 1, "object[1].field[1].max_length", "a table"),
        ("max_length = { hubspot = -1 }", 1, "object[1].field[1].max_length.hubspot", "out of range"),
        ("max_length = { hubspot = '1' }", 1, "object[1].field[1].max_length.hubspot", "whole number"),
        ("direction = 1", 1, "object[1].field[1].direction", "text in quotes"),
        ("direction = 'left'", 1, "object[1].field[1].direction", "`to_hubspot`"),
        ("kind = 'text'", 1, "", "uplicate"),
        ("[[object.field]]\nhubspot = 'name'\nconnectwise = 'name'\nkind = 'text'", 1, "object[1].field[2]", "twice"),
        ("[[object.field]]\nhubspot = 'zip'\nkind = 'text'", 1, "object[1].field[2]", "`connectwise` is missing"),
        ("[object.create]\nhubspot = 'yes'\nconnectwise = true", 2, "object[1].create.hubspot", "true or false"),
        ("[object.exclude]\nhubspot = [1, 'x']", 2, "object[1].exclude.hubspot[2]", "whole number"),
        ("[guards.creates]\ncount = 1\npercent = 101", 3, "guards.creates.percent", "100"),
        ("[object.filters]\nto_conectwise = ''", 2, "object[1].filters.to_conectwise", "`to_connectwise`"),
        ("[time]\npoll = 1", 1, "time", "`timing`"),
        ("[object.field.values]\npair = [{ hubspot = 'a' }]", 2, "object[1].field[1].values.pair[1]", "missing"),
        ("default = { hubspot = ", 1, "", ""),
    ];
    let lines = GOOD.matches('\n').count();
    for (addition, line, path, word) in cases {
        let errors = read(&format!("{GOOD}{addition}\n")).unwrap_err();
        let found = errors.iter().find(|error| error.path == path && error.line == lines + line);
        let found = found.unwrap_or_else(|| panic!("{addition}: {errors:#?}"));
        assert!(format!("{} {}", found.message, found.hint).contains(word), "{addition}: {found:?}");
    }
}

#[test]
fn all_mistakes_are_named_at_once_in_the_order_of_the_file() {
    let text = "[guards]\ncreate = 1\n\n[timing]\npoll = 'x'\n\n[[object]]\nobject = 'firm'\nhubspot_stamp = ''\n";
    let errors = read(text).unwrap_err();
    let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [2, 5, 8, 9], "{errors:#?}");
    assert!(read("").unwrap_err()[0].message.contains("`object` is missing"));
}

#[test]
fn an_activity_status_belongs_to_activities() {
    let with =
        |object: &str| read(&format!("[[object]]\nobject = '{object}'\nhubspot_stamp = 'a'\nactivity_status = 2\n"));
    assert_eq!(with("note").unwrap().objects[0].activity_status, Some(2));
    let errors = with("deal").unwrap_err();
    assert!(errors[0].message.contains("no activity status"), "{errors:?}");
}

#[test]
fn activity_types_belong_to_activities() {
    let with = |object: &str, types: &str| {
        let stamps = "hubspot_stamp = 'a'\nconnectwise_stamp = 'b'";
        read(&format!("[[object]]\nobject = '{object}'\n{stamps}\nactivity_types = {types}\n"))
    };
    assert_eq!(with("call", "[3, 9]").unwrap().objects[0].activity_types, [3, 9]);
    for (object, types, place, words) in [
        ("company", "[3]", "object[1].activity_types", "no activity types"),
        ("call", "3", "object[1].activity_types", "must be a list"),
        ("call", "[3, 'Call']", "object[1].activity_types[2]", "whole number"),
        ("call", "[-1]", "object[1].activity_types[1]", "out of range"),
    ] {
        let errors = with(object, types).unwrap_err();
        assert_eq!((errors.len(), errors[0].path.as_str(), errors[0].line), (1, place, 5), "{errors:?}");
        assert!(errors[0].message.contains(words), "{errors:?}");
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9_/ ]{1,12}", any::<String>()]
}

fn field_name() -> impl Strategy<Value = FieldName> {
    prop_oneof!["[a-zA-Z][a-zA-Z0-9_/]{0,9}", "\\PC{0,5}x\\PC{0,5}"].prop_map(FieldName::from)
}

fn step() -> impl Strategy<Value = Step> {
    let case = prop::sample::select(vec![Case::Upper, Case::Lower, Case::Title]);
    prop_oneof![
        Just(Step::Trim),
        Just(Step::Phone),
        case.prop_map(Step::Case),
        prop::sample::select(vec!["DD.MM.YYYY", "M/D/YYYY", "YYYY\\MM\"DD"]).prop_map(|form| Step::Date(form.into())),
        (0..=MAX_DECIMALS).prop_map(Step::Number),
        (text(), 1..9, any::<bool>())
            .prop_filter("somewhere", |(at, ..): &(String, i32, bool)| !at.is_empty())
            .prop_map(|(at, part, back)| Step::Split(Split { at, part: if back { -part } else { part } })),
        (text(), prop::collection::vec(field_name(), 1..4))
            .prop_map(|(with, fields)| Step::Join(Join { with, fields })),
        text().prop_map(|text| Step::Template(format!("{}{{value}}", text.replace(['{', '}'], "{{")))),
        text().prop_filter("something", |text: &String| !text.trim().is_empty()).prop_map(Step::Default),
        "[a-z+ \n]{0,12}".prop_map(|text| Step::Script(format!("value // {}", text.replace('\n', "\n// \"\"\" ")))),
    ]
}

fn values() -> impl Strategy<Value = ValueMap> {
    let auto = prop::option::of(prop::sample::select(vec![AutoPairs::Label, AutoPairs::Email]));
    let unmapped = prop::sample::select(vec![Unmapped::Hold, Unmapped::Default, Unmapped::Skip]);
    let pairs = prop::collection::btree_set((text(), text()), 0..4)
        .prop_map(|pairs| pairs.into_iter().map(|(hubspot, connectwise)| ValuePair { hubspot, connectwise }).collect());
    let priority = prop::collection::vec(text(), 0..3);
    (auto, unmapped, pairs, priority).prop_map(|(auto, unmapped, pairs, priority)| ValueMap {
        auto,
        unmapped,
        pairs,
        priority,
    })
}

prop_compose! {
    fn field()(
        hubspot in field_name(),
        connectwise in field_name(),
        kind in prop::sample::select(vec![FieldKind::Text, FieldKind::LongText, FieldKind::DateTime, FieldKind::MultiChoice, FieldKind::Reference(ObjectKind::Company)]),
        direction in prop::sample::select(vec![Direction::Both, Direction::ToHubspot, Direction::ToConnectwise]),
        wins in prop::sample::select(vec![SystemOfRecord::HubSpot, SystemOfRecord::ConnectWise, SystemOfRecord::Latest, SystemOfRecord::Ask]),
        (empty, overflow) in prop::sample::select(vec![(ClearPolicy::Fill, Overflow::Cut), (ClearPolicy::Clear, Overflow::Hold)]),
        limits in (prop::option::of(any::<u32>()), prop::option::of(any::<u32>())),
        default in (prop::option::of(text()), prop::option::of(text())),
        transform in (prop::collection::vec(step(), 0..3), prop::collection::vec(step(), 0..3)),
        values in prop::option::of(values()),
    ) -> FieldMapping {
        FieldMapping {
            hubspot, connectwise, kind, direction, wins, empty, overflow, values,
            max_length: BySystem::new(limits.0, limits.1),
            default: Defaults { hubspot: default.0, connectwise: default.1 },
            transform: Transforms { to_connectwise: transform.0, to_hubspot: transform.1 },
        }
    }
}

prop_compose! {
    pub fn object()(
        direction in prop::sample::select(vec![Direction::Both, Direction::ToHubspot, Direction::ToConnectwise]),
        create in (any::<bool>(), any::<bool>()),
        tie in prop::sample::select(vec![ConflictTie::HubSpot, ConflictTie::ConnectWise]),
        stamps in (field_name(), prop::option::of(field_name())),
        types in prop::collection::vec(0..u64::MAX / 2, 0..3),
        filters in (any::<String>(), "[a-z =\n\r\"\\\\#']{0,40}"),
        script in (any::<String>(), "[a-z =\n\r\"\\\\#']{0,40}"),
        exclude in (prop::collection::vec(0..u64::MAX / 2, 0..3), prop::collection::vec(0u64..9, 0..3)),
        matching in prop::collection::vec((field_name(), field_name(), prop::sample::select(vec![MatchBy::Text, MatchBy::Host, MatchBy::Digits, MatchBy::CompanyText])), 0..3),
        fields in prop::collection::vec(field(), 0..5),
    ) -> ObjectMapping {
        let mut seen = std::collections::BTreeSet::new();
        ObjectMapping {
            object: if types.is_empty() { ObjectKind::Company } else { ObjectKind::Call },
            direction,
            create: CreatePolicy { hubspot: create.0, connectwise: create.1 },
            conflict_tie: tie,
            hubspot_stamp: stamps.0,
            connectwise_stamp: stamps.1,
            activity_status: types.first().copied(),
            activity_types: types,
            filters: Filters {
                to_connectwise: filters.0,
                to_hubspot: filters.1,
                script: FilterScripts { to_connectwise: script.0, to_hubspot: script.1 },
            },
            exclude: Exclusions { hubspot: exclude.0, connectwise: exclude.1 },
            matching: matching.into_iter().map(|(hubspot, connectwise, by)| MatchRule { hubspot, connectwise, by }).collect(),
            fields: fields.into_iter().filter(|field| seen.insert(field.key())).collect(),
        }
    }
}

proptest! {
    #[test]
    fn read_gives_back_what_write_wrote(object in prop::option::of(object()), poll in 0u64..1_000_000, percent in 0u64..101, vanished in 0u64..100) {
        let mut config = Config { guards: Guards::default(), timing: Timing { poll, ..Timing::default() }, objects: object.into_iter().collect() };
        config.guards.clears.percent = percent;
        config.guards.references.percent = 100 - percent;
        config.guards.same_value.count = vanished + 1;
        config.guards.vanished = vanished;
        let text = write(&config);
        prop_assert_eq!(read(&text), Ok(config), "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), cut in 0usize..400) {
        drop(read(&text));
        let good = write(&defaults::config());
        drop(read(good.get(..cut * 8).unwrap_or(GOOD)));
    }
}

#[test]
fn an_object_with_more_than_anybody_maps_is_refused_at_the_first_that_is_too_much() {
    let head = "[[object]]\nobject = \"company\"\nhubspot_stamp = \"key\"\n";
    let field = |n: usize| format!("[[object.field]]\nhubspot = \"f{n}\"\nconnectwise = \"f{n}\"\nkind = \"text\"\n");
    let text = |fields: usize| format!("{head}{}", (0..fields).map(field).collect::<String>());
    assert_eq!(read(&text(MAX_FIELDS)).map(|config| config.objects[0].fields.len()), Ok(MAX_FIELDS));
    let refused = read(&text(MAX_FIELDS + 1)).unwrap_err();
    let told = format!("{}", refused[0]);
    let line = 3 + MAX_FIELDS * 4 + 1;
    assert_eq!(
        told,
        format!(
            "line {line}, column 1: object[1].field[{}]: The object has 2001 field mappings; 2000 are read at most.",
            MAX_FIELDS + 1
        )
    );
    assert_eq!(refused.len(), 1, "one mistake, not one for each field");
}

#[test]
fn pairs_are_limited_over_all_value_maps_of_an_object() {
    let head = "[[object]]\nobject = \"company\"\nhubspot_stamp = \"key\"\n";
    let field = |n: usize, pairs: usize| {
        let pair = |p: usize| format!("{{ hubspot = \"{p}\", connectwise = \"{p}\" }},");
        let pairs: String = (0..pairs).map(pair).collect();
        format!(
            "[[object.field]]\nhubspot = \"f{n}\"\nconnectwise = \"f{n}\"\nkind = \"choice\"\nvalues.pair = [{pairs}]\n"
        )
    };
    let half = MAX_PAIRS / 2;
    assert!(read(&format!("{head}{}{}", field(0, half), field(1, half))).is_ok());
    let refused = read(&format!("{head}{}{}{}", field(0, half), field(1, half), field(2, 1))).unwrap_err();
    let told = format!("{}", refused[0]);
    assert!(
        told.starts_with("line 18, column 15: object[1].field[3].values.pair: The value maps of the object"),
        "{told}"
    );
}
