//! Types keys and reads how far the value maps reach.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;

use super::source::ValueSource;
use crate::engine::driver::snapshot::Snapshot;
use crate::mapping::{AutoPairs, Config, Direction, ValueMap, ValuePair};
use crate::model::{BySystem, FieldDef, FieldKind, Fields, Record, RecordId, Timestamp, Value};
use crate::tui::tabs::desk::Desk;
use crate::tui::tabs::draft::source::Book;
use crate::tui::tabs::mappings::tests::book;
use crate::tui::tabs::testing::{FakeConfig, FakeValues, desk_of, version};
use crate::tui::testing::{FakeSource, NOW, Person, running};
use crate::tui::world::Settings;
use crate::view::testing::choice_field;

/// The company's kind, mapped both ways by label: `Customer` is `Client` over there.
pub fn mapped() -> Book {
    let mut book = book();
    let mut config = Config::clone(&book.deployed.as_ref().unwrap().config);
    let name = config.objects[0].fields[0].clone();
    let values = Some(ValueMap { auto: Some(AutoPairs::Label), ..ValueMap::default() });
    config.objects[0].fields.insert(
        0,
        crate::mapping::FieldMapping {
            hubspot: "kind".into(),
            connectwise: "types".into(),
            kind: FieldKind::Choice,
            direction: Direction::Both,
            max_length: BySystem::default(),
            values,
            ..name
        },
    );
    let mut schemas = book.schemas.as_deref().unwrap().clone();
    let mut there =
        choice_field("types", &[("1", "Client"), ("2", "Supplier"), ("3", "Partner"), ("4", "Old partner")]);
    there.options[3].inactive = true;
    let here = [("CUSTOMER", "Customer"), ("SUPPLY", "Supplier"), ("PARTNER", "Partner Inc"), ("OTHER", "Other")];
    add(&mut schemas.hubspot.fields, FieldDef { label: "Kind".into(), ..choice_field("kind", &here) });
    add(&mut schemas.connectwise.fields, FieldDef { label: "Company type".into(), ..there });
    book.schemas = Some(Arc::new(schemas));
    book.watched = BySystem::new(vec!["kind".into(), "name".into()], vec!["name".into(), "types".into()]);
    book.deployed = Some(version(6, &config));
    book
}

fn add(fields: &mut Vec<FieldDef>, field: FieldDef) {
    fields.push(field);
    fields.sort_by(|a, b| a.name.cmp(&b.name));
}

pub fn record(id: u64, field: &str, value: &str) -> Record {
    Record::new(RecordId(id), Timestamp::EPOCH, Fields::from([(field.into(), Value::text(value))]))
}

pub fn values() -> Arc<FakeValues> {
    let holds = [("CUSTOMER", 7), ("SUPPLY", 3), ("OTHER", 2)];
    let here = holds.iter().flat_map(|(key, times)| std::iter::repeat_n(*key, *times)).zip(1..);
    let here = here.map(|(key, id)| record(id, "kind", key)).collect();
    let there = [("2", 11), ("1", 12)].map(|(key, id)| record(id, "types", key)).into();
    let held_back = [(crate::mapping::FieldKey::new(&"kind".into(), &"types".into()), 4)];
    Arc::new(FakeValues {
        records: BySystem::new(here, there).into(),
        held_back: std::sync::Mutex::new(held_back.into()),
        ..FakeValues::default()
    })
}

pub fn at(config: &Arc<FakeConfig>, values: &Arc<FakeValues>) -> Person {
    let desk = Desk { values: Arc::clone(values) as Arc<dyn ValueSource>, ..desk_of(config) };
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), crate::tui::tabs::all(&desk));
    person.types("2");
    person.press(KeyCode::Enter);
    person
}

pub fn config(book: Book) -> Arc<FakeConfig> {
    Arc::new(FakeConfig { book: book.into(), ..FakeConfig::default() })
}

#[test]
fn a_value_map_shows_how_many_values_have_a_partner_and_what_waits() {
    let values = values();
    let mut person = at(&config(mapped()), &values);
    person.expects("1/3!");
    person.expects("HubSpot: 2 of 3 values have no partner: 9 records hold one.");
    person.expects("ConnectWise: 1 of 2 values has no partner: 1 record holds one.");
    // of those that hold one, most are in step: what the planner would hold is told beside
    person.expects("4 records would be held back for it.");
    // what is not a matter of values reads nothing again
    let reads = *values.reads.lock().unwrap();
    person.types("d");
    person.expects("HubSpot: 2 of 3 values have no partner");
    person.expects_not("ConnectWise: 1 of 2");
    assert_eq!(*values.reads.lock().unwrap(), reads);
}

#[test]
fn values_are_read_again_when_the_cache_changed_but_not_all_the_time() {
    let values = values();
    let mut person = at(&config(mapped()), &values);
    person.expects("1/3!");
    let reads = || *values.reads.lock().unwrap();
    let first = reads();
    let planned = *values.plans.lock().unwrap();
    assert!(planned > 0);
    values.records.lock().unwrap().hubspot.retain(|record| record.value("kind") == &Value::text("SUPPLY"));
    person.sees(Snapshot { revision: 1, ..running() });
    assert_eq!(reads(), first, "a moment ago");
    // what would wait is not planned again for the same records and the same mapping, and stays on the screen
    assert_eq!(*values.plans.lock().unwrap(), planned);
    person.expects("4 records would be held back for it.");
    *person.engine.now.lock().unwrap() = NOW + Duration::from_secs(60);
    person.tell(crate::tui::app::Message::Tick);
    person.sees(Snapshot { revision: 1, ..running() });
    assert_eq!(reads(), first + 1);
    person.expects("1/2!");
}

#[test]
fn values_that_cannot_be_read_are_told_and_the_way_they_pair_stays() {
    let values = Arc::new(FakeValues { broken: true, ..FakeValues::default() });
    let person = at(&config(mapped()), &values);
    person.expects("by label");
    person.expects("The values could not be read: disk I/O error");
}

#[test]
fn turning_to_another_object_forgets_the_numbers() {
    let mut person = at(&config(mapped()), &values());
    person.expects("1/3!");
    person.types("o");
    person.expects("Contacts");
    person.expects_not("1/3!");
    person.press(KeyCode::Char('o'));
    person.expects("1/3!");
}

fn pairs(config: &FakeConfig) -> Vec<(String, String)> {
    let saved = config.saved.lock().unwrap();
    let values = saved.last().unwrap().objects[0].fields[0].values.clone().unwrap();
    values.pairs.into_iter().map(|pair| (pair.hubspot, pair.connectwise)).collect()
}

fn pair(hubspot: &str, connectwise: &str) -> (String, String) {
    (hubspot.to_owned(), connectwise.to_owned())
}

#[test]
fn v_shows_both_sides_and_enter_gives_the_largest_gap_its_partner() {
    let (config, values) = (config(mapped()), values());
    let mut person = at(&config, &values);
    person.types("v");
    person.expects("Companies › kind ↔ types");
    person.expects("pairs by label   without a partner: held");
    let rows = person.rows();
    let gap = rows.iter().find(|row| row.starts_with('▶')).unwrap();
    assert_eq!(gap.split_whitespace().collect::<Vec<_>>(), ["▶", "Customer", "7", "–", "no", "partner"]);
    person.expects("HubSpot's Customer (`CUSTOMER`) leads nowhere. Enter chooses its partner.");
    person.press(KeyCode::Enter);
    person.expects("ConnectWise's value for Customer");
    person.expects("inactive: read, but not to be written");
    person.types("client");
    person.press(KeyCode::Enter);
    assert_eq!(pairs(&config), [pair("CUSTOMER", "1")]);
    person.expects("pair 1");
    let rows = person.rows();
    let here = rows.iter().find(|row| row.starts_with('▶')).unwrap();
    assert!(
        here.contains("Customer") && here.contains("Client") && here.contains("pair 1"),
        "it stays on its row: {here}"
    );
    person.expects("Customer leads to Client now, as a pair of its own.");
    person.types("u");
    person.expects("Go back to the mappings first, with Esc.");
    person.press(KeyCode::Esc);
    person.expects("2/3!");
    person.types("u");
    person.expects("1/3!");
}

#[test]
fn suggestions_are_shown_before_they_are_taken() {
    let config = config(mapped());
    let mut person = at(&config, &values());
    person.types("vs");
    person.expects("Names that are nearly the same");
    let rows = person.rows();
    let told = rows.iter().find(|row| row.contains("has all its words")).unwrap();
    assert!(told.contains("[ ] Partner Inc ↔ Partner"), "{told}");
    person.press(KeyCode::Esc);
    assert!(config.saved.lock().unwrap().is_empty(), "without a yes");
    person.types("s");
    person.expects("nothing is ticked");
    person.press(KeyCode::Enter);
    assert!(config.saved.lock().unwrap().is_empty(), "what only looks alike is not ticked by itself");
    person.types(" ");
    person.expects("take 1 of 1");
    person.press(KeyCode::Enter);
    assert_eq!(pairs(&config), [pair("PARTNER", "3")]);
    person.expects("1 pair is added to the draft.");
    assert!(person.rows().iter().any(|row| row.starts_with('▶') && row.contains("Partner Inc")));
}

#[test]
fn policies_and_the_order_of_pairs_change_in_the_draft() {
    let mut book = mapped();
    let mut deployed = book.deployed.clone().unwrap();
    let field = &mut Arc::make_mut(&mut deployed.config).objects[0].fields[0];
    field.values.as_mut().unwrap().pairs = [("CUSTOMER", "1"), ("OTHER", "1")]
        .map(|(hubspot, connectwise)| crate::mapping::ValuePair {
            hubspot: hubspot.into(),
            connectwise: connectwise.into(),
        })
        .into();
    book.deployed = Some(deployed);
    let config = config(book);
    let mut person = at(&config, &values());
    person.types("v");
    person.press(KeyCode::Home);
    person.types("mskipped");
    person.press(KeyCode::Enter);
    person.expects("without a partner: skipped");
    person.expects("A value without a partner is skipped now.");
    person.types("b");
    person.expects("pairs none by themselves");
    person.types("b");
    person.expects("pairs by label");
    // to the second pair, which leads back elsewhere
    while !person.rows().iter().any(|row| row.starts_with('▶') && row.contains("Other")) {
        person.press(KeyCode::Down);
    }
    person.expects("The way back from Client leads elsewhere");
    person.types("[");
    assert_eq!(pairs(&config), [pair("OTHER", "1"), pair("CUSTOMER", "1")]);
    person.types("-");
    assert_eq!(pairs(&config).len(), 1);
    for size in [(40, 10), (80, 24), (200, 60)] {
        person.size = size;
        assert!(person.rows().iter().all(|row| row.chars().count() <= usize::from(size.0)));
    }
}

#[test]
fn a_count_opens_its_records_and_a_text_field_has_no_value_map() {
    let mut person = at(&config(mapped()), &values());
    person.types("vL");
    person.expects("companies whose Kind in HubSpot is Customer");
    person.press(KeyCode::Esc);
    person.expects("Companies › kind ↔ types");
    person.types("Z");
    person.expects("Z does nothing here; ? shows the keys.");
    person.press(KeyCode::Esc);
    person.press(KeyCode::Down);
    person.types("v");
    person.expects("Its values are no options: they cross as they are.");
}

#[test]
fn the_values_are_searched_and_letters_of_the_search_do_nothing_else() {
    let config = Arc::new(FakeConfig { book: mapped().into(), ..FakeConfig::default() });
    let mut person = at(&config, &values());
    person.types("v");
    person.expects("Customer");
    person.types("/");
    person.types("supp");
    person.press(KeyCode::Enter);
    person.expects("/ supp");
    person.expects("Supplier");
    person.expects_not("Customer");
    assert!(config.saved.lock().unwrap().is_empty(), "nothing was changed");
    person.press(KeyCode::Esc);
    person.expects("Customer");
    person.press(KeyCode::Esc);
    person.expects_not("Esc mappings");
}

#[test]
fn a_pair_whose_option_is_gone_is_shown_first_and_can_be_removed() {
    let mut book = mapped();
    let deployed = book.deployed.as_mut().unwrap();
    let values_of = |config: &mut Config| {
        let pair = ValuePair { hubspot: "OTHER".into(), connectwise: "label:Government".into() };
        config.objects[0].fields[0].values.as_mut().unwrap().pairs.push(pair);
    };
    values_of(Arc::make_mut(&mut deployed.config));
    let config = Arc::new(FakeConfig { book: book.into(), ..FakeConfig::default() });
    let mut person = at(&config, &values());
    person.types("v");
    person.expects("pair 1: dead");
    while !person.rows().iter().any(|row| row.contains('▶') && row.contains("dead")) {
        person.press(KeyCode::Down);
    }
    person.expects("Other and Government never meet: ConnectWise has no such option.");
    person.press(KeyCode::Enter);
    person.expects("- removes the pair");
    person.types("-");
    person.expects_not("dead");
    let saved = config.saved.lock().unwrap().last().unwrap().clone();
    assert!(saved.objects[0].fields[0].values.as_ref().unwrap().pairs.is_empty());
}

#[test]
fn a_default_stands_for_what_has_no_partner_in_the_system_it_was_chosen_for() {
    let config = config(mapped());
    let mut person = at(&config, &values());
    person.types("vm");
    person.expects("held, as now");
    person.types("ConnectWise default");
    person.press(KeyCode::Enter);
    person.expects("Taken for which value of ConnectWise?");
    person.expects_not("Old partner");
    person.types("supplier");
    person.press(KeyCode::Enter);
    person.expects("without a partner: held for HubSpot, Supplier in ConnectWise");
    person.expects("9 records get Supplier.");
    let saved = config.saved.lock().unwrap().last().unwrap().clone();
    let field = &saved.objects[0].fields[0];
    assert_eq!(field.default.connectwise.as_deref(), Some("2"));
    assert_eq!(field.values.as_ref().unwrap().unmapped, crate::mapping::Unmapped::Default);
}

#[test]
fn of_several_options_the_order_is_made_with_the_keys_that_move_pairs() {
    let mut book = mapped();
    let mut schemas = book.schemas.as_deref().unwrap().clone();
    let types = schemas.connectwise.fields.iter_mut().find(|field| field.name.as_str() == "types").unwrap();
    types.kind = FieldKind::MultiChoice;
    book.schemas = Some(Arc::new(schemas));
    let config = config(book);
    let mut person = at(&config, &values());
    person.types("v");
    while !person.rows().iter().any(|row| row.starts_with('▶') && row.contains("Client")) {
        person.press(KeyCode::Down);
    }
    person.types("[");
    person.expects("Values go one way from now on");
    person.expects("of several: the first in order");
    person.expects("Companies › kind ← types");
    assert!(person.rows().iter().any(|row| row.starts_with('▶') && row.contains("1. no partner")));
    let saved = config.saved.lock().unwrap().last().unwrap().clone();
    assert_eq!(saved.objects[0].fields[0].values.as_ref().unwrap().priority, ["1"]);
}

#[test]
fn stages_are_one_map_with_how_each_ends_and_won_is_never_paired_with_lost() {
    use crate::model::StageOutcome::{Lost, Open, Won};
    let mut book = mapped();
    let mut schemas = book.schemas.as_deref().unwrap().clone();
    let ends = |field: &mut FieldDef, outcomes: &[crate::model::StageOutcome]| {
        for (option, outcome) in field.options.iter_mut().zip(outcomes) {
            option.outcome = Some(*outcome);
        }
    };
    for (schema, name, outcomes) in [
        (&mut schemas.hubspot, "kind", [Won, Open, Open, Lost]),
        (&mut schemas.connectwise, "types", [Lost, Open, Won, Open]),
    ] {
        ends(schema.fields.iter_mut().find(|field| field.name.as_str() == name).unwrap(), &outcomes);
    }
    book.schemas = Some(Arc::new(schemas));
    let mut person = at(&config(book), &values());
    person.types("v");
    person.expects("ends");
    let rows = person.rows();
    let won = rows.iter().find(|row| row.contains("Customer") && row.contains("won")).unwrap();
    assert!(won.starts_with('▶'), "{won}");
    person.press(KeyCode::Enter);
    person.types("client");
    person.expects("Customer is won, Client is lost");
    person.press(KeyCode::Enter);
    person.press(KeyCode::Esc);
    person.expects("Customer");
    person.expects_not("pair 1");
}
