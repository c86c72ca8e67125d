//! Types keys and reads the screen of the Mappings tab.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::Arc;

use crossterm::event::KeyCode;

use crate::mapping::{Change, Config, Direction, ObjectMapping, SystemOfRecord, ValuePair, defaults};
use crate::model::{BySystem, ConfigVersion, FieldDef, FieldKind, ObjectKind, Schema};
use crate::store::Base;
use crate::tui::tabs::desk::Desk;
use crate::tui::tabs::draft::source::Book;
use crate::tui::tabs::draft::versions::VersionSource;
use crate::tui::tabs::testing::{FakeConfig, FakeVersions, desk_of, version};
use crate::tui::testing::{FakeSource, NOW, Person, running};
use crate::tui::world::Settings;
use crate::view::testing::text_field;
use crate::view::versions::{Standing, VersionRow};

/// Fields for every default mapping, and some that nothing is mapped to.
pub fn fields_of(config: &Config) -> BySystem<Schema> {
    fields_of_object(&config.objects[0])
}

/// The same for one of its objects.
pub fn fields_of_object(object: &ObjectMapping) -> BySystem<Schema> {
    BySystem::from_fn(|system| {
        let mapped = object.fields.iter().map(|field| FieldDef {
            kind: field.kind,
            max_length: field.max_length[system],
            ..text_field(field.field(system).as_str())
        });
        let stamp = object.stamp(system).map(|stamp| FieldDef { unique: true, ..text_field(stamp.as_str()) });
        let mut fields: Vec<_> = mapped.chain(stamp).collect();
        fields.push(FieldDef { label: "Motto".into(), ..text_field("motto") });
        fields.push(FieldDef { kind: FieldKind::Date, label: "Founded".into(), ..text_field("founded") });
        fields.push(FieldDef { kind: FieldKind::Number, label: "Heads".into(), ..text_field("heads") });
        fields.push(text_field("domain"));
        fields.push(text_field("name"));
        fields.push(text_field("city"));
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.dedup_by(|a, b| a.name == b.name);
        Schema { system, object: object.object, fields }
    })
}

/// Version 6 is deployed, with two mappings.
pub fn book() -> Book {
    let mut config = defaults::config();
    let schemas = fields_of(&config);
    config.objects[0].fields.retain(|field| ["name", "city"].contains(&field.hubspot.as_str()));
    assert_eq!(config.objects[0].fields.len(), 2, "the usual mappings have no name or no city any more");
    Book {
        draft: None,
        deployed: Some(version(6, &config)),
        schemas: Some(Arc::new(schemas)),
        elsewhere: vec![Arc::new(fields_of_object(&defaults::contact()))],
        watched: BySystem::default(),
    }
}

fn console(config: &Arc<FakeConfig>) -> Person {
    let tabs = crate::tui::tabs::all(&desk_of(config));
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), tabs);
    person.types("2");
    person.press(KeyCode::Enter);
    person
}

fn config() -> Arc<FakeConfig> {
    Arc::new(FakeConfig { book: book().into(), ..FakeConfig::default() })
}

fn saved(config: &FakeConfig) -> Config {
    config.saved.lock().unwrap().last().unwrap().clone()
}

#[test]
fn the_deployed_mappings_are_shown_until_something_changes() {
    let person = console(&config());
    person.expects("Companies  HubSpot ↔ ConnectWise");
    person.expects("deployed 6   0 changes");
    person.expects("▶   name");
    person.expects("↔");
}

#[test]
fn a_match_rule_or_key_whose_field_is_gone_is_told_above_the_mappings() {
    for (name, told) in [
        ("domain", "HubSpot has no company field `domain`."),
        ("lockstep_cw_key", "HubSpot has no company field `lockstep_cw_key`. It keeps"),
    ] {
        let mut book = book();
        let mut schemas = book.schemas.as_deref().unwrap().clone();
        schemas.hubspot.fields.retain(|field| field.name.as_str() != name);
        book.schemas = Some(Arc::new(schemas));
        let person = console(&Arc::new(FakeConfig { book: book.into(), ..FakeConfig::default() }));
        person.expects(told);
    }
}

#[test]
fn direction_and_winner_change_in_the_draft_and_are_saved() {
    let config = config();
    let mut person = console(&config);
    person.types("d");
    person.expects("draft 7 (deployed 6)   1 change");
    person.expects("▶ ~ name");
    person.expects("Deployed: direction ↔");
    assert_eq!(saved(&config).objects[0].fields[0].direction, Direction::ToConnectwise);
    person.types("w");
    person.expects("Values go one way only");
    person.types("dd");
    assert_eq!(saved(&config).objects[0].fields[0].direction, Direction::Both);
    let before = book().deployed.unwrap().config.objects[0].fields[0].wins;
    person.types("w");
    let after = saved(&config).objects[0].fields[0].wins;
    assert!(before != after && after != SystemOfRecord::default() || before != SystemOfRecord::default());
    person.types("u");
    person.expects("0 changes");
    assert_eq!(saved(&config).objects, book().deployed.unwrap().config.objects);
}

#[test]
fn a_mapping_is_removed_after_a_question_and_can_be_brought_back() {
    let config = config();
    let mut person = console(&config);
    person.types("-");
    person.expects("Remove from the draft");
    person.press(KeyCode::Esc);
    assert!(config.saved.lock().unwrap().is_empty(), "it was removed without a yes");
    person.types("-");
    person.press(KeyCode::Enter);
    assert_eq!(saved(&config).objects[0].fields.len(), 1);
    person.expects("- name");
    person.types("G");
    person.types("d");
    person.expects("This mapping is removed in the draft");
    person.types("u");
    assert_eq!(saved(&config).objects[0].fields, book().deployed.unwrap().config.objects[0].fields);
}

#[test]
fn a_deploy_shows_the_changes_and_the_check_first() {
    let config = config();
    let mut person = console(&config);
    person.types("D");
    person.expects("There is no draft to deploy");
    person.press(KeyCode::Down);
    person.types("d");
    person.types("D");
    person.expects("Deploy the draft");
    person.expects("~ company.city~city.direction: both → to_connectwise");
    person.press(KeyCode::Enter);
    assert_eq!(config.book.lock().unwrap().deployed.as_ref().unwrap().version, ConfigVersion(6), "it was not tested");
    person.expects("Test of the draft");
    person.press(KeyCode::Esc);
    person.types("Du");
    person.expects("Version 7 is deployed.");
    assert_eq!(config.book.lock().unwrap().deployed.as_ref().unwrap().version, ConfigVersion(7));
    person.expects("deployed 7   0 changes");
}

#[test]
fn what_stands_against_a_deploy_is_told_before_what_is_worth_a_look() {
    let config = config();
    {
        let mut book = config.book.lock().unwrap();
        let mut broken = book.deployed.clone().unwrap();
        let fields = &mut Arc::make_mut(&mut broken.config).objects[0].fields;
        fields[0].max_length = BySystem::new(None, None);
        fields[0].direction = Direction::Both;
        fields[1].hubspot = "no_such_field".into();
        book.draft = Some(broken);
    }
    let person = console(&config);
    person.expects("1 error, ");
    person.expects("HubSpot has no company field `no_such_field`");
}

#[test]
fn a_draft_with_errors_is_not_deployed() {
    let config = config();
    {
        let mut book = config.book.lock().unwrap();
        let mut broken = book.deployed.clone().unwrap();
        Arc::make_mut(&mut broken.config).objects[0].fields[1].hubspot = "no_such_field".into();
        book.draft = Some(broken);
    }
    let mut person = console(&config);
    person.expects("error");
    person.types("j");
    person.expects("missing");
    person.types("D");
    person.expects_not("Deploy the draft");
    assert_eq!(config.book.lock().unwrap().deployed.as_ref().unwrap().version, ConfigVersion(6));
}

#[test]
fn a_changed_filter_counts_as_a_change_and_is_shown_before_a_deploy() {
    let config = config();
    {
        let mut book = config.book.lock().unwrap();
        let mut draft = book.deployed.clone().unwrap();
        Arc::make_mut(&mut draft.config).objects[0].filters.to_connectwise = "city = \"Austin\"".into();
        book.draft = Some(draft);
    }
    let mut person = console(&config);
    person.expects("   1 change");
    person.types("D");
    person.expects("+ company.filters.to_connectwise: city = \"Austin\"");
}

#[test]
fn a_draft_is_thrown_away_after_a_question() {
    let config = config();
    let mut person = console(&config);
    person.types("dR");
    person.expects("Throw the draft away");
    person.press(KeyCode::Enter);
    assert_eq!(config.book.lock().unwrap().draft, None);
    person.expects("deployed 6   0 changes");
}

#[test]
fn a_new_workspace_is_offered_the_usual_mappings() {
    let config = Arc::new(FakeConfig {
        book: Book { schemas: book().schemas, ..Book::default() }.into(),
        ..FakeConfig::default()
    });
    let mut person = console(&config);
    person.expects("There is no configuration yet.");
    person.expects("n proposes mappings");
    person.types("n");
    person.expects("(nothing deployed)");
    assert_eq!(saved(&config).objects[0].fields.len(), defaults::config().objects[0].fields.len());
}

#[test]
fn what_cannot_be_read_is_said() {
    let broken = Arc::new(FakeConfig { broken: true, ..FakeConfig::default() });
    let person = console(&broken);
    person.expects("disk I/O error");
}

#[test]
fn every_size_is_drawn() {
    let mut person = console(&config());
    for size in [(60, 16), (80, 24), (200, 60)] {
        person.size = size;
        person.expects("city");
        assert!(person.rows().iter().all(|row| row.chars().count() <= usize::from(size.0)));
    }
}

#[test]
fn o_shows_the_mappings_of_the_other_object_and_a_reference_says_what_it_is() {
    let mut person = console(&config());
    person.expects("Companies  HubSpot ↔ ConnectWise   Esc objects");
    person.types("o");
    person.expects("Contacts  HubSpot ↔ ConnectWise   Esc objects");
    person.types("/company");
    person.press(KeyCode::Enter);
    person.expects("associatedcompanyid");
    person.expects("the link of a company");
    person.expects("never its id");
    person.types("e");
    person.expects("Lockstep takes nothing apart");
}

#[test]
fn what_stands_against_another_object_stands_against_the_draft() {
    let mut broken = book();
    let mut draft = broken.deployed.clone().unwrap();
    let contacts = Arc::make_mut(&mut draft.config).object_mut(ObjectKind::Contact).unwrap();
    contacts.fields.retain(|field| field.connectwise.as_str() != "company");
    broken.draft = Some(draft);
    let mut person = console(&Arc::new(FakeConfig { book: broken.clone().into(), ..FakeConfig::default() }));
    person.expects("Contacts: No contact is created in HubSpot without a company");
    person.types("D");
    person.expects("deploy: Contacts: No contact is created in");
    broken.elsewhere.clear();
    let mut person = console(&Arc::new(FakeConfig { book: broken.into(), ..FakeConfig::default() }));
    person.types("D");
    person.expects("The contact fields are not known yet");
}

#[test]
fn a_change_of_another_object_is_told_before_the_draft_is_deployed() {
    let mut changed = book();
    let mut draft = changed.deployed.clone().unwrap();
    let contacts = Arc::make_mut(&mut draft.config).object_mut(ObjectKind::Contact).unwrap();
    contacts.fields.iter_mut().find(|field| field.hubspot.as_str() == "jobtitle").unwrap().wins = SystemOfRecord::Ask;
    changed.draft = Some(draft);
    let mut person = console(&Arc::new(FakeConfig { book: changed.into(), ..FakeConfig::default() }));
    person.expects("1 change");
    person.types("D");
    person.expects("contact.jobtitle~title.wins");
}

#[test]
fn a_change_of_somebody_else_goes_together_with_mine_and_a_contradiction_is_asked_about() {
    let config = config();
    let mut person = console(&config);
    config.changed_by_another(|draft| draft.timing.poll = 90);
    person.types("d");
    person.expects("dana changed timing.poll meanwhile; both are in the draft.");
    assert_eq!(
        (saved(&config).timing.poll, saved(&config).objects[0].fields[0].direction),
        (90, Direction::ToConnectwise)
    );
    config.changed_by_another(|draft| draft.objects[0].fields[0].direction = Direction::Both);
    person.types("d");
    person.expects("dana changed the same: theirs is in the draft");
    assert_eq!(config.aside.lock().unwrap().last().unwrap().objects[0].fields[0].direction, Direction::ToHubspot);
    assert_eq!(saved(&config).objects[0].fields[0].direction, Direction::Both);
    person.press(KeyCode::Down);
    person.press(KeyCode::Enter);
    person.expects("Yours is in the draft");
    assert_eq!(saved(&config).objects[0].fields[0].direction, Direction::ToHubspot);
}

#[test]
fn a_version_that_the_engine_cannot_use_is_told_before_everything_else() {
    let mut person = console(&config());
    let unused = Some((ConfigVersion(7), "the company fields are not known".to_owned()));
    person.sees(crate::engine::driver::snapshot::Snapshot { unused, ..running() });
    person.expects("The engine does not use version 7: the company fields are not known");
}

fn version_row(version: u32, edit: u64, standing: Standing) -> VersionRow {
    VersionRow {
        version: ConfigVersion(version),
        edit,
        standing,
        author: "dana".into(),
        saved: NOW,
        deployed: (standing == Standing::Deployed).then(|| (NOW, "mia".to_owned())),
        ended_by: matches!(standing, Standing::Ended(_)).then(|| "mia".to_owned()),
        note: format!("note {edit}"),
    }
}

fn at_versions(versions: &Arc<FakeVersions>) -> Person {
    let desk = Desk { versions: Arc::clone(versions) as Arc<dyn VersionSource>, ..desk_of(&config()) };
    let tabs = crate::tui::tabs::all(&desk);
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), tabs);
    person.types("2");
    person.press(KeyCode::Enter);
    person.types("V");
    person
}

fn versions() -> Arc<FakeVersions> {
    let rows = vec![
        version_row(6, 600, Standing::Deployed),
        version_row(6, 599, Standing::Ended("thrown away")),
        version_row(5, 500, Standing::Retired),
    ];
    let change = |path: &str, before: &str, after: &str| Change {
        path: path.into(),
        before: Some(before.into()),
        after: Some(after.into()),
    };
    let changes = vec![change("timing.poll", "60", "90"), change("company.direction", "both", "to_hubspot")];
    Arc::new(FakeVersions { rows, changes, ..FakeVersions::default() })
}

#[test]
fn versions_are_listed_with_who_saved_and_who_deployed_them() {
    let mut person = at_versions(&versions());
    person.expects("Versions of the configuration   Esc mappings");
    person.expects("6        deployed");
    person.expects("6.599    thrown away");
    person.expects("Version 6  deployed   saved");
    person.expects(" by mia");
    person.press(KeyCode::Down);
    person.expects("The draft 6.599  thrown away by mia   saved");
    for key in ["d", "w", "-", "a", "u"] {
        person.types(key);
        person.expects("Go back to the mappings first, with Esc.");
    }
    person.press(KeyCode::Esc);
    person.expects("Companies  HubSpot ↔ ConnectWise");
    for size in [(60, 16), (80, 24), (200, 60)] {
        person.size = size;
        person.types("V");
        person.expects("6.599");
        assert!(person.rows().iter().all(|row| row.chars().count() <= usize::from(size.0)));
        person.press(KeyCode::Esc);
    }
}

#[test]
fn enter_shows_what_a_version_changes_and_r_rolls_back_after_a_question() {
    let versions = versions();
    let mut person = at_versions(&versions);
    person.types("r");
    person.expects("This is deployed, and there is no draft.");
    person.types("G");
    person.press(KeyCode::Enter);
    person.expects("Version 5 against another");
    person.expects("~ company.direction: both → to_hubspot");
    person.press(KeyCode::Esc);
    person.types("r");
    person.expects("The text of version 5 becomes the draft; T tests it, then D deploys it.");
    person.press(KeyCode::Esc);
    assert!(versions.rolled_back.lock().unwrap().is_empty(), "without a yes");
    person.types("r");
    person.press(KeyCode::Enter);
    person.expects("has the text of version 5 now. T tests it.");
    person.expects("Companies  HubSpot ↔ ConnectWise");
    assert_eq!(*versions.rolled_back.lock().unwrap(), [(500, Base::Instead(600))]);
}

#[test]
fn versions_that_cannot_be_read_say_so() {
    let person = at_versions(&Arc::new(FakeVersions { broken: true, ..FakeVersions::default() }));
    person.expects("disk I/O error");
    at_versions(&Arc::new(FakeVersions::default())).expects("There is no version yet.");
}

/// A draft that changes the pairs of a value map, and of which the check says something that it also says of what is
/// deployed.
fn with_new_pairs(pairs: usize) -> Book {
    let mut changed = book();
    let mut deployed = defaults::config();
    deployed.timing.poll = 3;
    changed.deployed = Some(version(6, &deployed));
    changed.schemas = Some(Arc::new(fields_of(&deployed)));
    let country = deployed.objects[0].fields.iter_mut().find(|field| field.hubspot.as_str() == "country").unwrap();
    let more = (0..pairs).map(|n| ValuePair { hubspot: format!("Country {n}"), connectwise: format!("label:C{n}") });
    country.values.get_or_insert_default().pairs.extend(more);
    changed.draft = Some(version(7, &deployed));
    changed
}

#[test]
fn the_question_before_a_deploy_shows_new_pairs_and_keeps_old_warnings_short_at_every_size() {
    let config = Arc::new(FakeConfig { book: with_new_pairs(2).into(), ..FakeConfig::default() });
    for size in [(60, 16), (80, 24), (120, 36)] {
        let mut person = console(&config);
        person.size = size;
        person.types("D");
        person.expects("Not tested");
        person.expects("+ company.country~country.values.pair[Country 0]:");
        person.expects("[Country 1]: C1");
        person.expects("as before, of what is deployed.");
        person.expects("u deploy untested   Enter test it first");
        person.expects_not("Polling every 3 s");
    }
}

#[test]
fn a_question_that_is_longer_than_the_screen_is_scrolled() {
    let config = Arc::new(FakeConfig { book: with_new_pairs(40).into(), ..FakeConfig::default() });
    let mut person = console(&config);
    person.size = (60, 16);
    person.types("D");
    person.expects("↑ ↓ scroll");
    person.expects_not("The engine compares all records with it");
    person.press(KeyCode::End);
    person.expects("The engine compares all records with it");
    person.types("u");
    person.expects("Version 7 is deployed.");
}
