//! The desk over a real workspace file.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::KeyCode;
use tempfile::TempDir;

use super::desk::Desk;
use super::draft::deployer::Deployer;
use super::draft::source::NotSaved;
use super::filters::source::{FilterSource, Job};
use super::filters::stored::StoredFilters;
use super::mappings::tests::{fields_of, fields_of_object};
use super::records::source::Wanted;
use super::testing::{FakeAdder, FakeMaker};
use crate::engine::core::command::{Batch, Row};
use crate::engine::core::plan::FieldNext;
use crate::engine::core::state::{Link, LinkOrigin, LinkState, Observation, RecordState, Status};
use crate::engine::driver::deploy::{DeployError, Deployed};
use crate::engine::driver::snapshot::Snapshot;
use crate::filter::count::{Criteria, Question, Tally, Which};
use crate::filter::{self, standard};
use crate::mapping::references::referring_key;
use crate::mapping::{Config, Direction, defaults, toml};
use crate::model::{
    BySystem, ConfigVersion, Fields, LinkId, ObjectKind, Record, RecordId, RecordRef, System, Timestamp, Value,
};
use crate::store::rows::{ConfigState, EditEnd, StatusKey};
use crate::store::{Base, Key, Workspace};
use crate::tui::tab::Picked;
use crate::tui::testing::{FakeSource, Person, running};
use crate::tui::widgets::Edge;
use crate::tui::world::{BoxFuture, Settings as Look};
use crate::view::cell::line_text;
use crate::view::diff::Shown;
use crate::view::testing::{NOW, company};

struct Place {
    _dir: TempDir,
    workspace: Workspace,
    desk: Desk,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(dir.path(), "acme", &Key::throw_away().unwrap()).unwrap();
    let mut settings = workspace.settings().unwrap();
    let config = defaults::config();
    for schemas in config.objects.iter().map(fields_of_object) {
        for system in System::BOTH {
            settings.put_schema(&schemas[system], NOW).unwrap();
        }
    }
    settings.save_draft(&toml::write(&config), "test", "", Base::Any, NOW).unwrap();
    settings.deploy_draft(Base::Any, "test", None, NOW).unwrap();
    let desk = console(&workspace, "dana");
    Place { _dir: dir, workspace, desk }
}

/// What one console of a workspace works on; its deploys ask no system.
fn console(workspace: &Workspace, author: &str) -> Desk {
    let deployer = Arc::new(Deploys { workspace: workspace.clone(), author: author.to_owned() });
    let adder = Arc::new(FakeAdder::default());
    let maker = Arc::new(FakeMaker::of(&Arc::default()));
    Desk::of(workspace, author, Box::new(|_| Vec::new()), deployer, adder, maker, None).unwrap()
}

struct Deploys {
    workspace: Workspace,
    author: String,
}

impl Deployer for Deploys {
    fn deploy(&self, edit: u64) -> BoxFuture<Result<Deployed, DeployError>> {
        let deployed = self.workspace.settings().unwrap().deploy_draft(Base::Edit(edit), &self.author, None, NOW);
        let done = deployed.map(|version| Deployed { version, created: Vec::new(), warnings: Vec::new() });
        Box::pin(async move { done.map_err(DeployError::from) })
    }

    fn step(&self) -> Option<String> {
        None
    }
}

fn seen(of: RecordRef, name: &str, city: &str) -> Row {
    let fields = [("name", name), ("city", city)].map(|(field, text)| (field.into(), Value::text(text)));
    Row::Observation(Observation {
        of,
        record: Record::new(of.id, NOW, Fields::from(fields)),
        seen: NOW,
        keys: Vec::new(),
        gone: false,
        merged_into: None,
    })
}

fn status(id: u64, name: &str, state: RecordState) -> Row {
    Row::Status(Status {
        object: ObjectKind::Company,
        hubspot: Some(RecordId(id)),
        connectwise: None,
        link: None,
        name: name.into(),
        state,
        why: String::new(),
        since: NOW,
    })
}

fn commit(place: &Place, rows: Vec<Row>) {
    place.workspace.writer().unwrap().commit_blocking(Batch { rows, ..Batch::default() }).unwrap();
}

fn wanted(state: Option<RecordState>, search: &str) -> Wanted {
    Wanted { state, search: search.into(), ..Wanted::all(ObjectKind::Company) }
}

fn names(rows: &[Status]) -> Vec<&str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

#[test]
fn pages_begin_where_they_are_asked_to() {
    let place = place();
    let rows = [(1, "Alpha"), (2, "Beta"), (3, "Gamma"), (4, "Delta")];
    commit(&place, rows.iter().map(|(id, name)| status(*id, name, RecordState::InSync)).collect());
    let page = |edge: Edge<StatusKey>, limit| place.desk.records.page(&wanted(None, ""), &edge, limit).unwrap();
    let all = page(Edge::Start, 9);
    assert_eq!(names(&all), ["Alpha", "Beta", "Delta", "Gamma"]);
    let key = StatusKey::of(&all[1]);
    assert_eq!(names(&page(Edge::From(key.clone()), 2)), ["Beta", "Delta"]);
    assert_eq!(names(&page(Edge::From(StatusKey::of(&all[0])), 2)), ["Alpha", "Beta"]);
    assert_eq!(names(&page(Edge::After(key.clone()), 9)), ["Delta", "Gamma"]);
    assert_eq!(names(&page(Edge::Before(key), 9)), ["Alpha"]);
    assert_eq!(names(&page(Edge::End, 2)), ["Delta", "Gamma"]);
}

#[test]
fn totals_count_states_and_what_is_searched_for() {
    let place = place();
    let rows = vec![status(1, "Acme", RecordState::Conflict), status(2, "Acme Supply", RecordState::InSync)];
    commit(&place, rows);
    let totals = place.desk.records.totals(&wanted(None, "supply")).unwrap();
    assert_eq!((totals.all(), totals.listed), (2, 1));
    assert!(totals.states.contains(&(RecordState::Conflict, 1)));
    let found = place.desk.records.page(&wanted(Some(RecordState::InSync), "acme"), &Edge::Start, 9).unwrap();
    assert_eq!(names(&found), ["Acme Supply"]);
}

#[test]
fn picked_records_are_listed_by_their_pairs_and_say_where_nothing_is_decided() {
    let place = place();
    let (left, right) = (company(System::HubSpot, 5), company(System::ConnectWise, 6));
    let link = linked(1, left, right);
    let rows = [(5, "Acme"), (7, "Beta"), (8, "Gamma")];
    let rows = rows.into_iter().map(|(id, name)| status(id, name, RecordState::InSync)).chain([Row::Link(link)]);
    commit(&place, rows.collect());
    let records = vec![right, left, company(System::HubSpot, 7), company(System::ConnectWise, 99)];
    let picked = Picked { object: ObjectKind::Company, title: "some".into(), records, total: 4 };
    let wanted = Wanted { these: Some(Arc::new(picked)), ..Wanted::all(ObjectKind::Company) };
    let page = |wanted: &Wanted, edge: Edge<StatusKey>| place.desk.records.page(wanted, &edge, 2).unwrap();
    let first = page(&wanted, Edge::Start);
    assert_eq!(names(&first), ["", "Acme"], "a pair is listed once, and nobody who was not picked");
    assert_eq!((first[0].why.as_str(), first[0].connectwise), ("not decided yet", Some(RecordId(99))));
    assert_eq!(names(&page(&wanted, Edge::After(StatusKey::of(&first[1])))), ["Beta"]);
    assert_eq!(names(&page(&wanted, Edge::End)), ["Acme", "Beta"]);
    let in_sync = Wanted { state: Some(RecordState::InSync), search: "bet".into(), ..wanted.clone() };
    assert_eq!(names(&page(&in_sync, Edge::Start)), ["Beta"]);
    let totals = place.desk.records.totals(&in_sync).unwrap();
    assert_eq!((totals.all(), totals.listed), (3, 1));
    commit(&place, vec![status(7, "Beta", RecordState::Conflict)]);
    assert_eq!(page(&wanted, Edge::End)[1].state, RecordState::Conflict, "rows were kept beyond a change");
}

#[test]
fn an_opened_record_is_planned_with_the_deployed_rules() {
    let place = place();
    let (left, right) = (company(System::HubSpot, 5), company(System::ConnectWise, 6));
    let link = linked(1, left, right);
    commit(&place, vec![seen(left, "Acme", "Austin"), seen(right, "Acme", "Dallas"), Row::Link(link)]);
    let opened = place.desk.records.open(right, NOW).unwrap().unwrap();
    let panel = opened.panel(NOW);
    let city = opened.plan.fields.iter().find(|field| field.names.hubspot.as_str() == "city").unwrap();
    assert_ne!(city.next, FieldNext::Same);
    assert_eq!(BySystem::from_fn(|system| panel.value(city, system)), BySystem::new("Austin".into(), "Dallas".into()));
    assert!(panel.fields(Shown::Differing).iter().any(|field| field.key == city.key));
    assert_eq!(place.desk.records.open(company(System::HubSpot, 99), NOW).unwrap(), None);
}

#[test]
fn a_contact_is_shown_with_its_company_by_name_and_a_company_with_its_contacts() {
    let place = place();
    let contact = |id| RecordRef::new(ObjectKind::Contact, System::HubSpot, RecordId(id));
    let child = |id: u64, parent: &str| {
        let Row::Observation(mut seen) = seen(contact(id), "", "") else { panic!("not an observation") };
        let fields = [("firstname", "Amy"), ("associatedcompanyid", parent)];
        seen.record.fields = Fields::from(fields.map(|(field, text)| (field.into(), Value::text(text))));
        seen.keys = vec![referring_key(ObjectKind::Company, RecordId(5))];
        Row::Observation(seen)
    };
    let of_contact = |id, name: &str| {
        let Row::Status(status) = status(id, name, RecordState::Waiting) else { panic!("not a status") };
        Row::Status(Status { object: ObjectKind::Contact, ..status })
    };
    let company = company(System::HubSpot, 5);
    commit(
        &place,
        vec![
            seen(company, "Kestrel Dental", "Austin"),
            status(5, "Kestrel Dental", RecordState::Conflict),
            child(7, "5"),
            of_contact(7, "Amy Lin"),
        ],
    );
    let opened = place.desk.records.open(contact(7), NOW).unwrap().unwrap();
    let panel = opened.panel(NOW);
    let field = opened.plan.fields.iter().find(|field| field.names.connectwise.as_str() == "company").unwrap();
    assert_eq!(panel.value(field, System::HubSpot), "Kestrel Dental");
    let head = line_text(&panel.header(100)[0]);
    assert!(head.contains(" of Kestrel Dental (conflict)"), "{head}");
    assert_eq!(opened.relatives.above().iter().map(|one| one.anchor).collect::<Vec<_>>(), [company]);
    let opened = place.desk.records.open(company, NOW).unwrap().unwrap();
    assert_eq!(opened.relatives.counts(), ["1 contact"]);
    assert_eq!((opened.relatives.below[0].anchor, opened.relatives.below[0].state), (contact(7), RecordState::Waiting));
    assert!(line_text(&opened.panel(NOW).header(100)[0]).contains(" with 1 contact"));
    let objects = place.desk.records.totals(&wanted(None, "")).unwrap().objects;
    assert_eq!(objects, [(ObjectKind::Company, 1), (ObjectKind::Contact, 1)]);
}

#[test]
fn without_a_deployed_configuration_the_next_step_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(dir.path(), "new", &Key::throw_away().unwrap()).unwrap();
    let desk = console(&workspace, "dana");
    let error = desk.records.open(company(System::HubSpot, 1), NOW).unwrap_err();
    assert!(error.0.contains("deploy one in the Mappings tab"), "{error}");
    let book = desk.config.book(ObjectKind::Company).unwrap();
    assert!(book.current().is_none() && book.schemas.is_none());
}

#[test]
fn a_draft_is_kept_deployed_and_handed_over() {
    let place = place();
    let source = &place.desk.config;
    let seen = source.book(ObjectKind::Company).unwrap().deployed.unwrap();
    let mut config = Config::clone(&seen.config);
    config.objects[0].fields.truncate(2);
    let saved = source.save(&config, Base::Edit(seen.edit), NOW).unwrap();
    assert_eq!(saved.version, ConfigVersion(2));
    let book = source.book(ObjectKind::Company).unwrap();
    assert_eq!(*book.draft.as_ref().unwrap().config, config);
    assert_eq!(book.deployed.unwrap().version, ConfigVersion(1));
    place.workspace.settings().unwrap().deploy_draft(Base::Edit(saved.edit), "dana", None, NOW).unwrap();
    let draft = source.save(&defaults::config(), Base::Edit(saved.edit), NOW).unwrap();
    let Err(NotSaved::Stale(current)) = source.revert(saved.edit) else { panic!("another draft was thrown away") };
    assert!(current.is_draft && current.version.unwrap().edit == draft.edit);
    source.revert(draft.edit).unwrap();
    let book = source.book(ObjectKind::Company).unwrap();
    assert!(book.draft.is_none());
    assert_eq!(*book.deployed.unwrap().config, config);
    assert!(book.watched.hubspot.iter().any(|field| field.as_str() == "name"));
}

fn question(text: &str) -> Question {
    let schemas = fields_of(&defaults::config());
    let bound = |text| filter::bind(&filter::parse(text).unwrap(), &schemas.hubspot).unwrap();
    let mut mapping = defaults::company();
    mapping.exclude.hubspot.push(4);
    let standard = || standard::all(&mapping, System::HubSpot, &standard::Gone::new());
    let criteria = |text| Arc::new(Criteria::new(standard(), Some(bound(text)), jiff::civil::Date::MIN, &|_| None));
    Question { criteria: criteria(text), deployed: Some(criteria("")) }
}

fn towards_connectwise(text: &str, fresh: bool) -> Job {
    Job::new(ObjectKind::Company, System::HubSpot, question(text), fresh)
}

/// All steps of a count: how many records had been looked at after each, and the whole numbers.
fn counted(filters: &dyn FilterSource, job: Job) -> (Vec<u64>, Tally) {
    let (mut looked, mut next) = (Vec::new(), Some(job));
    loop {
        let counted = filters.count(next.take().unwrap(), &|| true).unwrap().unwrap();
        looked.push(counted.tally.looked);
        match counted.rest {
            Some(rest) => next = Some(rest),
            None => return (looked, counted.tally),
        }
    }
}

/// One of four is in Austin, and one of three is linked.
fn many(place: &Place, count: u64) {
    let rows = (1..=count).flat_map(|id| {
        let city = if id % 4 == 0 { "Austin" } else { "Dallas" };
        let (left, right) = (company(System::HubSpot, id), company(System::ConnectWise, 1_000_000 + id));
        let seen = seen(left, &format!("Company {id}"), city);
        let link = (id % 3 == 0).then(|| Row::Link(linked(id, left, right)));
        std::iter::once(seen).chain(link)
    });
    commit(place, rows.collect());
}

/// The link of two companies that never agreed on anything.
fn linked(id: u64, left: RecordRef, right: RecordRef) -> Link {
    Link {
        id: LinkId(id),
        object: ObjectKind::Company,
        hubspot: left.id,
        connectwise: right.id,
        state: LinkState::Active,
        origin: LinkOrigin::Person,
        created: NOW,
        baseline: BTreeMap::new(),
        recent: BTreeMap::new(),
        own: BySystem::default(),
    }
}

#[test]
fn cached_records_are_counted_until_nobody_wants_the_number() {
    let place = place();
    many(&place, 1200);
    let (_, tally) = counted(&*place.desk.filters, towards_connectwise("city = \"Austin\"", true));
    assert_eq!((tally.looked, tally.pass, tally.fail), (1200, 299, 901));
    let against = tally.against.unwrap();
    assert_eq!((against.enter, against.freeze, against.stay_out), (0, 300, 600), "the excluded one never took part");
    let place = self::place();
    many(&place, 3 * 4096);
    let asked = std::cell::Cell::new(0);
    let twice = || asked.replace(asked.get() + 1) < 2;
    let first = place.desk.filters.count(towards_connectwise("city = \"Austin\"", true), &twice).unwrap().unwrap();
    assert_eq!((first.tally.looked, first.of), (4096, 3 * 4096), "the first numbers come after a page");
    assert!(place.desk.filters.count(first.rest.unwrap(), &twice).unwrap().is_none(), "it went on counting for nobody");
}

#[test]
fn numbers_are_the_same_however_many_pages_are_kept() {
    let place = place();
    many(&place, 3 * 4096 + 7);
    let (mut all, mut picked) = (Vec::new(), Vec::new());
    for bytes in [usize::MAX, 100_000, 0] {
        let filters = StoredFilters::keeping(&place.workspace, bytes).unwrap();
        for text in ["city = \"Austin\"", "city = \"Dallas\" and name contains \"7\"", "city = \"Austin\""] {
            all.push((text, counted(&filters, towards_connectwise(text, false)).1));
            picked.push(filters.which(towards_connectwise(text, false), Which::Pass, String::new()).unwrap());
        }
        assert!(filters.bytes() < bytes.saturating_add(200_000), "{} bytes are kept", filters.bytes());
    }
    assert_eq!((&all[0], &all[1], &all[2]), (&all[3], &all[4], &all[5]));
    assert_eq!((&all[0], &all[1], &all[2]), (&all[6], &all[7], &all[8]));
    assert_eq!((&picked[..3], &picked[..3]), (&picked[3..6], &picked[6..]));
    assert_eq!((all[0].1.looked, all[0].1.pass, picked[0].total), (3 * 4096 + 7, 3073 - 1, 3073 - 1));
    assert_eq!(picked[0].records.first(), Some(&company(System::HubSpot, 8)));
}

#[test]
fn who_types_does_not_wait_for_records_that_changed_and_the_next_look_sees_them() {
    let place = place();
    many(&place, 40);
    let filters = StoredFilters::new(&place.workspace).unwrap();
    let pass = |fresh| counted(&filters, towards_connectwise("city = \"Austin\"", fresh)).1.pass;
    assert_eq!(pass(true), 9);
    commit(&place, vec![seen(company(System::HubSpot, 1), "Company 1", "Austin")]);
    assert_eq!((pass(false), pass(true), pass(false)), (9, 10, 10));
}

#[test]
fn moments_of_the_engine_sign_the_draft() {
    let place = place();
    let later = Timestamp(NOW.0 + 5);
    place.desk.config.save(&defaults::config(), Base::Any, later).unwrap();
    let info = place.workspace.settings().unwrap().draft().unwrap().unwrap().info;
    assert_eq!((info.author.as_str(), info.created), ("dana", later));
}

/// Somebody at the Mappings tab of a console of their own.
fn at_mappings(place: &Place, author: &str) -> Person {
    let tabs = crate::tui::tabs::all(&console(&place.workspace, author));
    let mut person = Person::at(running(), FakeSource::default(), Look::default(), tabs);
    person.types("2");
    person.press(KeyCode::Enter);
    person
}

fn drafted(place: &Place) -> Config {
    toml::read(&place.workspace.settings().unwrap().draft().unwrap().unwrap().body).unwrap()
}

fn way(config: &Config, hubspot: &str) -> Direction {
    config.objects[0].fields.iter().find(|field| field.hubspot.as_str() == hubspot).unwrap().direction
}

fn turn(person: &mut Person, field: &str) {
    person.types(&format!("/{field}"));
    person.press(KeyCode::Enter);
    person.types("d");
}

#[test]
fn two_consoles_change_one_draft_and_both_changes_are_kept() {
    let place = place();
    let (mut dana, mut mia) = (at_mappings(&place, "dana"), at_mappings(&place, "mia"));
    turn(&mut dana, "city");
    turn(&mut mia, "state");
    mia.expects("dana changed city meanwhile; both are in the draft.");
    mia.expects("draft 2 (deployed 1)   2 changes");
    let config = drafted(&place);
    assert_eq!((way(&config, "city"), way(&config, "state")), (Direction::ToConnectwise, Direction::ToConnectwise));
    // dana has not seen it yet, and goes on
    dana.types("d");
    dana.expects("mia changed state meanwhile; both are in the draft.");
    let config = drafted(&place);
    assert_eq!((way(&config, "city"), way(&config, "state")), (Direction::ToHubspot, Direction::ToConnectwise));
}

/// Mia turns the city another way, at another console, while dana's is open.
fn dana_after_mia(place: &Place) -> Person {
    let mut dana = at_mappings(place, "dana");
    turn(&mut dana, "city");
    let mut config = drafted(place);
    config.objects[0].fields.iter_mut().find(|field| field.hubspot.as_str() == "city").unwrap().direction =
        Direction::Both;
    let mut settings = place.workspace.settings().unwrap();
    let seen = settings.draft().unwrap().unwrap().info.edit;
    settings.save_draft(&toml::write(&config), "mia", "", Base::Edit(seen), NOW).unwrap();
    dana.types("d");
    dana.expects("mia changed the same: theirs is in the draft");
    dana.expects("▶ keep mia's           yours is in the history, which V lists");
    dana.expects("mine: city direction to_hubspot in place of mia's both");
    dana
}

#[test]
fn what_two_consoles_changed_differently_is_theirs_and_the_history_keeps_mine() {
    let place = place();
    let mut dana = dana_after_mia(&place);
    dana.press(KeyCode::Enter);
    assert_eq!(way(&drafted(&place), "city"), Direction::Both, "nobody chose mine");
    let settings = place.workspace.settings().unwrap();
    let aside = settings.edits().unwrap().into_iter().find(|edit| edit.ended == EditEnd::SetAside).unwrap();
    assert_eq!(aside.author, "dana");
    let (_, text) = settings.edit(aside.edit).unwrap().unwrap();
    assert_eq!(way(&toml::read(&text).unwrap(), "city"), Direction::ToHubspot, "what was not taken is kept");
}

#[test]
fn of_what_two_consoles_changed_differently_mine_can_be_taken() {
    let place = place();
    let mut dana = dana_after_mia(&place);
    dana.press(KeyCode::Down);
    dana.press(KeyCode::Enter);
    dana.expects("Yours is in the draft; the history keeps theirs.");
    assert_eq!(way(&drafted(&place), "city"), Direction::ToHubspot);
    let settings = place.workspace.settings().unwrap();
    let theirs = settings.edits().unwrap().into_iter().find(|edit| edit.author == "mia").unwrap();
    let (_, text) = settings.edit(theirs.edit).unwrap().unwrap();
    assert_eq!(way(&toml::read(&text).unwrap(), "city"), Direction::Both);
}

#[test]
fn a_draft_that_was_deployed_or_thrown_away_meanwhile_is_gone_on_from_in_a_new_one() {
    let place = place();
    let (mut dana, mut mia) = (at_mappings(&place, "dana"), at_mappings(&place, "mia"));
    turn(&mut dana, "city");
    turn(&mut mia, "state");
    mia.types("Du");
    mia.expects("Version 2 is deployed.");
    dana.types("d");
    dana.expects("mia changed state and deployed it; yours is in a new draft.");
    dana.expects("draft 3 (deployed 2)   1 change");
    let info = place.workspace.settings().unwrap().deployed().unwrap().unwrap().info;
    assert_eq!(info.deployed.unwrap().by, "mia");
    mia.types("d");
    dana.types("R");
    dana.press(KeyCode::Enter);
    dana.expects("so that it was not thrown away");
    dana.types("R");
    dana.press(KeyCode::Enter);
    dana.expects("The draft is thrown away; the history keeps it.");
    mia.types("d");
    mia.expects("The draft was thrown away meanwhile; yours is a new one.");
}

#[test]
fn a_deploy_names_the_draft_that_was_asked_about() {
    let place = place();
    let (mut dana, mut mia) = (at_mappings(&place, "dana"), at_mappings(&place, "mia"));
    turn(&mut dana, "city");
    dana.types("D");
    dana.expects("Deploy the draft");
    turn(&mut mia, "state");
    dana.types("u");
    dana.expects("nothing was deployed");
    dana.types("!");
    dana.expects("mia changed state.");
    assert_eq!(place.workspace.settings().unwrap().deployed_version().unwrap(), Some(ConfigVersion(1)));
    dana.press(KeyCode::Esc);
    dana.types("Du");
    dana.expects("Version 2 is deployed.");
    let deployed = place.workspace.settings().unwrap().deployed().unwrap().unwrap();
    let config = toml::read(&deployed.body).unwrap();
    assert_eq!((way(&config, "city"), way(&config, "state")), (Direction::ToConnectwise, Direction::ToConnectwise));
}

#[test]
fn a_console_that_looks_on_shows_what_another_changes() {
    let place = place();
    let (mut dana, mut mia) = (at_mappings(&place, "dana"), at_mappings(&place, "mia"));
    turn(&mut dana, "city");
    mia.expects("deployed 1   0 changes");
    let revision = place.workspace.reader().unwrap().revision().unwrap();
    mia.sees(Snapshot { revision, ..running() });
    mia.expects("draft 2 (deployed 1)   1 change");
}

#[test]
fn a_version_is_rolled_back_to_from_the_list_and_what_ended_is_listed_too() {
    let place = place();
    let mut dana = at_mappings(&place, "dana");
    dana.types("V");
    dana.press(KeyCode::Enter);
    dana.expects("Version 1 is the first one");
    dana.expects("There is nothing to compare it with.");
    dana.press(KeyCode::Esc);
    dana.press(KeyCode::Esc);
    turn(&mut dana, "city");
    dana.types("Du");
    dana.expects("Version 2 is deployed.");
    dana.types("V");
    dana.expects("2        deployed");
    dana.press(KeyCode::Enter);
    dana.expects("Version 2 against version 1 before it");
    dana.expects("~ company.city~city.direction: both → to_connectwise");
    dana.press(KeyCode::Esc);
    dana.types("G");
    dana.press(KeyCode::Enter);
    dana.expects("Version 1 against version 2, which is deployed");
    dana.press(KeyCode::Esc);
    dana.types("r");
    dana.press(KeyCode::Enter);
    dana.expects("The draft 3 has the text of version 1 now. T tests it.");
    dana.expects("draft 3 (deployed 2)   1 change");
    assert_eq!(way(&drafted(&place), "city"), Direction::Both);
    dana.types("V");
    dana.expects("changed city");
    dana.press(KeyCode::Esc);
    dana.types("R");
    dana.press(KeyCode::Enter);
    dana.types("V");
    dana.expects("thrown away");
    dana.expects("rolled back to version 1");
    dana.types("r");
    dana.press(KeyCode::Enter);
    assert_eq!(way(&drafted(&place), "city"), Direction::Both, "what was thrown away comes back");
}

#[test]
fn a_roll_back_takes_the_place_of_nothing_that_was_not_seen() {
    let place = place();
    let (mut dana, mut mia) = (at_mappings(&place, "dana"), at_mappings(&place, "mia"));
    turn(&mut dana, "city");
    dana.types("Du");
    dana.types("VGr");
    mia.sees(Snapshot { revision: place.workspace.reader().unwrap().revision().unwrap(), ..running() });
    turn(&mut mia, "state");
    dana.press(KeyCode::Enter);
    dana.expects("nothing was rolled back");
    assert_eq!(way(&drafted(&place), "state"), Direction::ToConnectwise);
}

/// Two records that are linked, with another city on each side.
fn differing_pair(place: &Place) {
    let (left, right) = (company(System::HubSpot, 5), company(System::ConnectWise, 6));
    let link = linked(1, left, right);
    let shown = status(5, "Acme", RecordState::Pending);
    commit(place, vec![seen(left, "Acme", "Austin"), seen(right, "Acme", "Dallas"), Row::Link(link), shown]);
}

#[test]
fn a_test_of_the_draft_opens_the_records_behind_its_numbers_and_what_changes_for_one() {
    let place = place();
    differing_pair(&place);
    let mut config = defaults::config();
    let city = config.objects[0].fields.iter_mut().find(|field| field.hubspot.as_str() == "city").unwrap();
    city.direction = Direction::ToHubspot;
    place.desk.config.save(&config, Base::Any, NOW).unwrap();
    let mut person = at_mappings(&place, "dana");
    person.expects("draft 2 (deployed 1)");
    person.types("D");
    person.expects("Not tested: nobody knows what it would do to the records.");
    person.expects("u deploy untested   Enter test it first");
    person.press(KeyCode::Enter);
    assert_eq!(place.workspace.settings().unwrap().deployed_version().unwrap(), Some(ConfigVersion(1)), "not deployed");
    person.expects("Test of draft 2 against deployed 1   Enter records  Esc back");
    person.expects("Companies  1 record looked at");
    person.expects("▶   are updated in HubSpot");
    person.expects("city ← city");
    person.expects("Companies that are updated in HubSpot only with the draft: 1");
    let info = place.workspace.settings().unwrap().draft().unwrap().unwrap().info;
    assert_eq!(info.state, ConfigState::Tested);
    person.types("w");
    person.expects("Go back to the mappings first, with Esc.");

    person.press(KeyCode::Enter);
    person.expects("companies that are updated in HubSpot");
    person.expects("Acme");
    person.types("T");
    person.expects("What draft 2 changes");
    person.expects("city ~ city");
    person.expects("draft 2");
    person.expects("“Dallas” is written to HubSpot");
    person.press(KeyCode::Esc);

    person.types("3");
    person.types("T");
    person.expects_not("The draft was changed since");
    person.types("2");
    person.expects("Test of draft 2");
    person.types("D");
    person.expects("ago on 1 record; new (+), no longer (−), otherwise (≠):");
    person.expects("Companies   +1 updated in HubSpot");
    person.expects("~ company.city~city.direction: both → to_hubspot");
    let mut mia = at_mappings(&place, "mia");
    mia.types("D");
    mia.expects("Tested by dana");
    mia.expects("T test again   Enter deploy");
    mia.types("T");
    mia.expects("▶   are updated in HubSpot");
    person.press(KeyCode::Esc);
    person.press(KeyCode::Esc);
    person.types("/city");
    person.press(KeyCode::Enter);
    person.types("e");
    person.types("D");
    person.expects("Not tested");
    person.press(KeyCode::Esc);
    person.types("3");
    person.expects("The draft was changed since: T tests it again.");
    person.types("D");
    person.expects("Not tested");
    person.press(KeyCode::Enter);
    person.expects_not("The draft was changed since");
    person.expects("Companies  1 record looked at");
}

#[test]
fn the_filters_tab_tests_the_draft_too_and_a_reader_does_not_mark_it() {
    let place = place();
    differing_pair(&place);
    let mut config = defaults::config();
    config.objects[0].filters.to_connectwise = "name = \"Nobody\"".into();
    place.desk.config.save(&config, Base::Any, NOW).unwrap();
    let tabs = crate::tui::tabs::all(&console(&place.workspace, "eve"));
    let look = Look { read_only: true, ..Look::default() };
    let mut person = Person::at(running(), FakeSource::default(), look, tabs);
    person.types("3T");
    person.expects("leave the filter towards Connec");
    person.press(KeyCode::Esc);
    person.expects("name = \"Nobody\"");
    let info = place.workspace.settings().unwrap().draft().unwrap().unwrap().info;
    assert_eq!(info.state, ConfigState::Draft);
}

#[test]
fn values_are_counted_over_the_live_records_and_found_again_behind_their_number() {
    use super::mappings::values::source::{Holders, Question};
    use crate::mapping::ValueMap;
    let place = place();
    let of = |id| RecordRef::new(ObjectKind::Company, System::HubSpot, RecordId(id));
    let mut rows = vec![seen(of(1), "One", "Austin"), seen(of(2), "Two", "Austin"), seen(of(3), "Three", "Waco")];
    if let Row::Observation(dead) = &mut rows[1] {
        dead.gone = true;
    }
    commit(&place, rows);
    let mut mapping = defaults::company();
    mapping.fields.retain(|field| field.hubspot.as_str() == "city");
    mapping.fields[0].values = Some(ValueMap::default());
    mapping.fields[0].kind = crate::model::FieldKind::Choice;
    let schemas = fields_of_object(&defaults::company());
    let cached = BySystem::from_fn(|_| vec!["city".into(), "name".into()]);
    let question = Question { mapping: mapping.clone(), schemas, cached, today: jiff::civil::Date::MIN };
    let held = place.desk.values.held(&question, &|| true).unwrap().unwrap();
    assert_eq!((held.records.hubspot, held.filled.hubspot["name"].records), (2, 2));
    let used = held.used[&mapping.fields[0].key()].hubspot.as_ref().unwrap();
    assert_eq!(
        used.values.iter().map(|(value, n)| (value.to_plain(), *n)).collect::<Vec<_>>(),
        [("Austin".into(), 1), ("Waco".into(), 1)]
    );
    let field = mapping.fields[0].clone();
    let holders = Holders { field, system: System::HubSpot, key: "Austin".into(), title: "t".into() };
    let picked = place.desk.values.holders(&question, &holders).unwrap();
    assert_eq!((picked.total, picked.records), (1, vec![of(1)]));
    assert_eq!(place.desk.values.held(&question, &|| false).unwrap(), None, "not wanted any more");
}

#[test]
fn what_a_gap_holds_back_is_what_the_planner_holds() {
    use super::mappings::values::source::Question;
    use crate::engine::core::state::Agreed;
    use crate::mapping::{FieldKey, FieldMapping, Unmapped, ValueMap, ValuePair};
    let place = place();
    // three pairs whose city has no partner: one in step since they agreed, one changed in HubSpot, one that never agreed
    let mut rows = Vec::new();
    for (id, held, agreed) in [(1, "Austin", Some("Austin")), (2, "Waco", Some("Austin")), (3, "Austin", None)] {
        let (left, right) = (company(System::HubSpot, id), company(System::ConnectWise, id + 10));
        let agreed = agreed.map(|city| {
            let (hubspot, connectwise) = (Value::text(city), Value::text("Dallas"));
            let agreed = Agreed { hubspot, connectwise, at: NOW, beside: BySystem::default(), supposed: false };
            (FieldKey::new(&"city".into(), &"city".into()), agreed)
        });
        let link = Link { baseline: agreed.into_iter().collect(), ..linked(id, left, right) };
        rows.extend([seen(left, "Acme", held), seen(right, "Acme", "Dallas"), Row::Link(link)]);
    }
    commit(&place, rows);
    let mut mapping = defaults::company();
    mapping.fields.retain(|field| ["name", "city"].contains(&field.hubspot.as_str()));
    let pairs = vec![ValuePair { hubspot: "Else".into(), connectwise: "Dallas".into() }];
    let city: &mut FieldMapping = mapping.fields.iter_mut().find(|field| field.hubspot.as_str() == "city").unwrap();
    city.values = Some(ValueMap { pairs, ..ValueMap::default() });
    (city.kind, city.direction) = (crate::model::FieldKind::Choice, Direction::ToConnectwise);
    let key = city.key();
    let schemas = fields_of_object(&defaults::company());
    let cached = BySystem::from_fn(|_| vec!["city".into(), "name".into(), "domain".into(), "website".into()]);
    let mut question = Question { mapping, schemas, cached, today: jiff::civil::Date::MIN };
    let held_back = |question: &Question| place.desk.values.held_back(question, &|| true).unwrap().unwrap();
    assert_eq!(held_back(&question).get(&key), Some(&2));
    let city = question.mapping.fields.iter_mut().find(|field| field.key() == key).unwrap();
    city.values.as_mut().unwrap().unmapped = Unmapped::Skip;
    assert_eq!(held_back(&question).get(&key), None, "nothing is held where it is skipped");
    assert_eq!(place.desk.values.held_back(&question, &|| false).unwrap(), None);
}
