//! Types keys and reads the screen of the Filters tab.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::Arc;

use crossterm::event::KeyCode;
use ratatui::style::Modifier;

use super::Message;
use super::source::Counted;
use crate::filter::count::Tally;
use crate::model::{BySystem, FieldName, Fields, ObjectKind, Record, RecordId, RecordRef, System, Timestamp, Value};
use crate::tui::ctx::Owner;
use crate::tui::tab::TabId;
use crate::tui::tabs::draft::source::Book;
use crate::tui::tabs::mappings::tests::book as plain_book;
use crate::tui::tabs::testing::{FakeConfig, desk_of};
use crate::tui::testing::{FakeSource, Person, running};
use crate::tui::world::Settings;

fn record(id: u64, city: &str) -> Record {
    Record::new(
        RecordId(id),
        Timestamp::EPOCH,
        Fields::from([("city".into(), Value::text(city)), ("name".into(), Value::text(format!("Company {id}")))]),
    )
}

/// Whose cache has name and city.
fn book() -> Book {
    let named = || ["name", "city", "domain", "website"].map(FieldName::new).to_vec();
    Book { watched: BySystem::new(named(), named()), ..plain_book() }
}

fn config() -> Arc<FakeConfig> {
    let records = vec![record(1, "Austin"), record(2, "Dallas"), record(3, "Austin")];
    Arc::new(FakeConfig { book: book().into(), records, ..FakeConfig::default() })
}

fn console(config: &Arc<FakeConfig>) -> Person {
    let tabs = crate::tui::tabs::all(&desk_of(config));
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), tabs);
    person.types("3");
    person
}

/// The row of the screen that has that text, its blanks in one.
#[track_caller]
fn row(person: &Person, text: &str) -> String {
    let rows = person.rows();
    let row = rows.iter().find(|row| row.contains(text));
    let row = row.unwrap_or_else(|| panic!("`{text}` is not on the screen:\n{}", person.screen()));
    row.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_always_applies_is_counted_like_the_filter() {
    let mut records = vec![record(1, "Austin"), Record { archived: true, ..record(2, "Dallas") }];
    records.push(Record { fields: Fields::new(), ..record(3, "") });
    let config = Arc::new(FakeConfig { book: book().into(), records, ..FakeConfig::default() });
    let mut person = console(&config);
    person.expects("Companies   HubSpot → ConnectWise");
    assert_eq!(row(&person, "pass"), "▶ pass 1");
    assert_eq!(row(&person, "fail"), "fail 2");
    assert_eq!(row(&person, "not deleted"), "not deleted 1 1");
    assert_eq!(row(&person, "has a value to match by"), "has a value to match by: domain or name 1 1");
    person.expects("e writes a filter, such as: name is not empty and city");
    for _ in 0..6 {
        person.press(KeyCode::Down);
    }
    assert_eq!(row(&person, "▶"), "▶ not deleted 1 1");
    person.press(KeyCode::Down);
    assert_eq!(row(&person, "▶"), "▶ not on the exclusion list 0 0");
    person.expects("Your own company and the catch-all");
}

#[test]
fn numbers_follow_every_key_and_the_text_goes_into_the_draft() {
    let config = config();
    let mut person = console(&config);
    person.types("e");
    person.types("city = \"Austin\"");
    person.expects("pass 2   fail 1");
    person.expects("against deployed 6: enter 0   leave 1: 1 linked freeze, 0 stay out");
    person.expects("removes 1");
    person.expects("not in the draft yet");
    person.press_ctrl('s');
    person.expects("Saved into the draft.");
    let saved = config.saved.lock().unwrap().last().unwrap().clone();
    assert_eq!(saved.objects[0].filters.to_connectwise, "city = \"Austin\"");
    assert_eq!(saved.objects[0].filters.to_hubspot, "");
    person.expects("draft 7 (deployed 6)");
    person.expects_not("not in the draft yet");
    assert_eq!(row(&person, "leave, linked"), "leave, linked: they freeze 1");
    assert_eq!(row(&person, "1 city"), "1 city = \"Austin\" 1 1");
}

#[test]
fn a_text_that_is_not_in_the_draft_is_not_lost_by_quitting_once() {
    let config = config();
    for (key, is_writing) in [('q', false), ('c', true)] {
        let mut person = console(&config);
        let quits = |person: &mut Person| if key == 'q' { person.types("q") } else { person.press_ctrl('c') };
        person.types("e");
        person.types("city = \"A\"");
        if !is_writing {
            person.press(KeyCode::Esc);
        }
        quits(&mut person);
        assert!(!person.has_quit, "{key}");
        person.expects("The filter's text is not in the draft yet: Ctrl-S in Filters (3) saves it.");
        person.press(KeyCode::Down);
        quits(&mut person);
        assert!(!person.has_quit, "told again after another key: {key}");
        quits(&mut person);
        assert!(person.has_quit, "{key}");
    }
    let mut person = console(&config);
    person.types("q");
    assert!(person.has_quit, "nothing was written");
}

#[test]
fn ten_that_enter_and_ten_that_leave_are_not_nothing() {
    let mut book = book();
    Arc::make_mut(&mut book.deployed.as_mut().unwrap().config).objects[0].filters.to_connectwise =
        "city = \"Dallas\"".to_owned();
    let records = vec![record(1, "Austin"), record(2, "Dallas")];
    let config = Arc::new(FakeConfig { book: book.into(), records, ..FakeConfig::default() });
    let mut person = console(&config);
    person.types("e");
    person.pastes(" or 1");
    person.expects("line 1");
    person.press(KeyCode::Esc);
    person.types("u");
    person.types("e");
    person.press_ctrl('u');
    for _ in 0.."\"Dallas\"".len() {
        person.press(KeyCode::Backspace);
    }
    person.types("\"Austin\"");
    person.expects("pass 1   fail 1");
    person.expects("enter 1   leave 1: 1 linked freeze, 0 stay out");
}

#[test]
fn a_field_that_is_not_read_is_told_and_counts_for_nothing() {
    let mut person = console(&config());
    person.types("e");
    person.types("state = \"TX\"");
    person.expects("pass 0   fail 0   no answer 3");
    person.expects("`state` is not read yet: nothing that is deployed names it.");
    person.types(" or city = \"Austin\"");
    person.expects("pass 2   fail 0   no answer 1");
}

#[test]
fn a_number_opens_its_records() {
    let mut person = console(&config());
    person.types("e");
    person.types("city = \"Austin\"");
    person.press(KeyCode::Esc);
    person.press(KeyCode::Down);
    assert_eq!(row(&person, "▶"), "▶ fail 1");
    person.press(KeyCode::Enter);
    person.expects("[4 Records]");
    person.expects("companies that fail the filter   Esc back to Filters");
    person.press(KeyCode::Esc);
    person.expects("[3 Filters]");
    person.press(KeyCode::Down);
    person.press(KeyCode::Enter);
    person.expects("There are none.");
    person.press(KeyCode::Down);
    person.press(KeyCode::Down);
    person.press(KeyCode::Down);
    assert_eq!(row(&person, "▶"), "▶ 1 city = \"Austin\" 1 1");
    person.types("a");
    person.expects("companies kept out only by: city");
}

#[test]
fn a_mistake_is_underlined_and_explained_while_it_is_typed() {
    let config = config();
    let mut person = console(&config);
    person.types("e");
    person.types("citi = 1");
    person.expects("line 1, column 1");
    let rows = person.rows();
    let row = rows.iter().position(|row| row.contains(" 1  citi")).unwrap();
    let buffer = person.buffer();
    let underlined: String = (0..80)
        .map(|x| &buffer[(x, u16::try_from(row).unwrap())])
        .filter(|cell| cell.modifier.contains(Modifier::UNDERLINED))
        .map(|cell| cell.symbol().to_owned())
        .collect();
    assert_eq!(underlined, "citi");
    person.press_ctrl('s');
    person.expects("Not yet: line 1");
    assert!(config.saved.lock().unwrap().is_empty(), "a wrong filter was saved");
}

#[test]
fn a_deployed_filter_whose_field_is_gone_is_told_with_what_becomes_of_it() {
    let mut book = book();
    Arc::make_mut(&mut book.deployed.as_mut().unwrap().config).objects[0].filters.to_connectwise =
        "motto = \"Ahead\"".to_owned();
    let told = ["HubSpot has no company field `motto`.", "The deployed filter does not fit the fields any more"];
    let config = |book| Arc::new(FakeConfig { book: std::sync::Mutex::new(book), ..FakeConfig::default() });
    let whole = console(&config(book.clone()));
    told.iter().for_each(|text| whole.expects_not(text));
    let mut schemas = book.schemas.as_deref().unwrap().clone();
    schemas.hubspot.fields.retain(|field| field.name.as_str() != "motto");
    book.schemas = Some(Arc::new(schemas));
    let gone = console(&config(book.clone()));
    told.iter().for_each(|text| gone.expects(text));
    // mended in the draft, it is still what the engine works with
    let mut draft = book.deployed.clone().unwrap();
    Arc::make_mut(&mut draft.config).objects[0].filters.to_connectwise.clear();
    book.draft = Some(draft);
    let mended = console(&config(book));
    mended.expects_not(told[0]);
    mended.expects(told[1]);
}

#[test]
fn tab_completes_and_esc_stops_writing_without_losing_the_text() {
    let mut person = console(&config());
    person.types("e");
    person.types("cit");
    person.press(KeyCode::Tab);
    person.types("= \"Dallas\"");
    person.expects("pass 1   fail 2");
    person.press(KeyCode::Esc);
    person.expects(" 1 city");
    person.types("t");
    person.expects("The text is not in the draft yet");
    person.types("u");
    person.expects("no filter of your own");
    person.types("t");
    person.expects("ConnectWise → HubSpot");
}

#[test]
fn several_proposals_are_a_list_to_choose_from_the_mapped_ones_first() {
    let mut person = console(&config());
    person.types("ecit");
    person.press(KeyCode::Tab);
    person.expects(" 1  city");
    person.expects_not("take it");
    person.types(" = \"x\" and ");
    person.press(KeyCode::Tab);
    person.expects("1 of ");
    assert!(row(&person, "▶").contains("▶ name"), "{}", person.screen());
    person.press(KeyCode::Down);
    assert!(row(&person, "▶").contains("▶ city"), "{}", person.screen());
    person.press(KeyCode::Up);
    person.press(KeyCode::Up);
    assert!(!row(&person, "▶").contains("name"), "beyond an end it goes on at the other: {}", person.screen());
    person.types("d");
    assert!(row(&person, "▶").contains("▶ d"), "{}", person.screen());
    person.press(KeyCode::Esc);
    person.expects_not("▶");
    person.expects("stop writing");
    person.press(KeyCode::Backspace);
    person.press(KeyCode::Tab);
    person.press(KeyCode::Down);
    person.press(KeyCode::Enter);
    person.expects(" 1  city = \"x\" and city");
    person.types(" = \"y");
    person.press(KeyCode::Tab);
    person.expects("Nothing can be proposed here.");
}

#[test]
fn a_mistake_far_to_the_right_is_shown_and_gone_to() {
    let mut person = console(&config());
    person.types("e");
    let long = format!(
        "city in ({}\"z\") and citi = 1 and {}name is empty",
        "\"abc\", ".repeat(2_000),
        "city = \"b\" and ".repeat(40)
    );
    person.pastes(&long);
    person.expects(" 1  …");
    person.expects_not("citi =");
    person.press(KeyCode::Esc);
    person.expects("and citi = 1 and");
    person.press_ctrl('g');
    person.types("X");
    person.expects("and Xciti = 1 and");
}

#[test]
fn several_lines_can_be_pasted_and_control_characters_cannot() {
    let mut person = console(&config());
    person.types("e");
    person.pastes("city = \"Austin\"\nand name is not empty\u{1b}");
    person.expects(" 1  city = \"Austin\"");
    person.expects(" 2  and name is not empty");
    assert!(!person.screen().contains('\u{1b}'));
}

#[test]
fn the_persons_own_editor_is_asked() {
    let mut person = console(&config());
    person.editor = Box::new(|text| format!("{text}city = \"Dallas\"\n"));
    person.press_ctrl('e');
    assert_eq!(row(&person, "pass"), "▶ pass 1");
}

#[test]
fn an_older_number_never_replaces_a_newer_one() {
    let config = config();
    let mut person = console(&config);
    person.types("e");
    person.types("city = \"Austin\"");
    person.expects("pass 2   fail 1");
    let old = Counted { tally: Tally { pass: 9, ..Tally::default() }, of: 9, rest: None, revision: 0 };
    let late = Message::Counted(1, Ok(Some(old)));
    person.tell(crate::tui::app::Message::Deliver(Owner::Tab(TabId::Filters), Box::new(late)));
    person.expects("pass 2   fail 1");
}

#[test]
fn without_a_configuration_the_next_step_is_named() {
    let person = console(&Arc::new(FakeConfig::default()));
    person.expects("There is no configuration yet: the Mappings tab (2) proposes one.");
}

#[test]
fn o_shows_the_filters_of_the_other_object_unless_a_text_would_be_lost() {
    let mut person = console(&config());
    person.types("o");
    person.expects("Contacts   HubSpot → ConnectWise");
    person.expects("has a company");
    person.expects("such as: firstname is not empty and");
    person.types("o");
    person.expects("Companies   HubSpot → ConnectWise");
    person.types("ecity");
    person.press(KeyCode::Esc);
    person.types("o");
    person.expects("The text is not in the draft yet");
    person.expects("Companies   HubSpot → ConnectWise");
}

#[test]
fn one_record_is_tried_clause_by_clause_and_follows_the_text() {
    let config = config();
    let desk = desk_of(&config);
    desk.last_opened.set(RecordRef::new(ObjectKind::Company, System::HubSpot, RecordId(2)));
    let tabs = crate::tui::tabs::all(&desk);
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), tabs);
    person.types("3e");
    person.types("city = \"Austin\" or not (name is empty or city contains \"all\")");
    person.press(KeyCode::Esc);
    person.types("r");
    person.expects("the one opened last in Records");
    person.press(KeyCode::Enter);
    person.expects("Company 2   HubSpot 2   linked");
    assert_eq!(row(&person, "▶"), "▶ fail 1 any of");
    assert_eq!(row(&person, "not deleted"), "pass not deleted present in HubSpot");
    assert_eq!(row(&person, "has a value"), "pass has a value to match by: domain or n… it has its partner");
    assert_eq!(row(&person, "city = \"Austin\"  "), "fail city = \"Austin\" Dallas");
    assert_eq!(row(&person, "  city contains"), "pass city contains \"all\" Dallas");
    person.expects("Company 2   fails at");
    person.types("e");
    person.types(" or true");
    person.press(KeyCode::Esc);
    person.types("u");
    person.expects("Company 2   passes");
    person.press(KeyCode::Esc);
    assert_eq!(row(&person, "pass"), "▶ pass 3");
    person.types("e");
    person.types("city = \"Dallas\"");
    person.expects("Company 2   passes");
    person.press(KeyCode::Backspace);
    person.press(KeyCode::Backspace);
    person.types("x\"");
    person.expects("Company 2   fails at city = \"Dallax\" (Dallas)");
    person.press(KeyCode::Esc);
    person.types("r7");
    person.press(KeyCode::Enter);
    person.expects("No record has that in its name or as its id.");
}

#[test]
fn the_text_is_laid_out_with_its_comments_and_a_wrong_one_stays() {
    let mut person = console(&config());
    person.types("e");
    person.pastes("# who counts\ncity='Austin' and name is not empty # all have one");
    person.press_ctrl('t');
    person.expects(" 1  # who counts");
    person.expects(" 2  city = \"Austin\"");
    person.expects(" 3  and name is not empty  # all have one");
    person.press_ctrl('t');
    person.expects("It is laid out already.");
    person.types(" and");
    person.press_ctrl('t');
    person.expects(" 3  and name is not empty  # all have one and");
}
