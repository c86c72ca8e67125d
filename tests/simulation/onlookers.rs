//! Filters that look at the company that a record belongs to: when the company changes, what belongs to it enters and leaves
//! them by itself.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

use lockstep::engine::core::state::RecordState;
use lockstep::mapping::{Guards, Rules};
use lockstep::model::{ConfigVersion, FieldName, ObjectKind, RecordRef, System, Value};

use crate::days::{CLOCKWORK, MINUTE, World};
use crate::fields::{self, ALWAYS, CONTACTS};
use crate::server::By;

/// The field of companies that the filter looks at. Without a mapping it is read for the filter's sake alone.
const LOOKED_AT: &str = "t_latest";

fn rules(filter: &str, version: u32) -> Rules {
    let mut config = fields::config(ALWAYS | CONTACTS, &CLOCKWORK, &Guards::default());
    filter.clone_into(&mut config.object_mut(ObjectKind::Contact).unwrap().filters.to_connectwise);
    Rules::compile(config, ConfigVersion(version), &fields::schemas()).unwrap()
}

fn make(world: &mut World, object: ObjectKind, values: &[(&str, String)]) -> RecordRef {
    let values: Vec<_> = values.iter().map(|(name, value)| ((*name).into(), Value::text(value))).collect();
    let (now, by) = (world.single.now, By::User { settled: true });
    let id = world.single.servers.hubspot.insert(now, by, object, &values, None, &mut world.written);
    RecordRef::new(object, System::HubSpot, id)
}

fn set(world: &mut World, of: RecordRef, name: &str, value: &str) {
    let values: [(FieldName, Value); 1] = [(name.into(), Value::text(value))];
    let (now, by) = (world.single.now, By::User { settled: true });
    world.single.servers.hubspot.set(now, of.id, by, &values, None, &mut world.written);
}

fn contact_of(world: &mut World, company: RecordRef, n: u32) -> RecordRef {
    let email = format!("k{n}.test");
    let values = [
        ("firstname", format!("Company {n}")),
        ("email", email),
        ("associatedcompanyid", company.id.to_string()),
        ("jobtitle", "first".to_owned()),
    ];
    make(world, ObjectKind::Contact, &values)
}

/// What ConnectWise holds as the title of the contact's partner.
fn title(world: &World, of: RecordRef) -> Option<String> {
    let link = world.single.store.links.values().find(|link| link.object == of.object && link.hubspot == of.id)?;
    let partner = world.single.servers.connectwise.records.get(&link.connectwise)?;
    Some(partner.value("title").to_plain())
}

fn wait(world: &mut World, minutes: i64) {
    world.until(world.single.now + minutes * MINUTE);
}

#[test]
fn i7_a_record_enters_and_leaves_a_filter_with_a_change_of_its_company() {
    use RecordState::{Excluded, InSync};
    let mut world = World::with(rules("company.t_latest = \"gold\"", 1), fields::schemas().to_vec());
    let (gold, tin) = ("gold".to_owned(), "tin".to_owned());
    let one = make(&mut world, ObjectKind::Company, &[("name", "Company 1".into()), (LOOKED_AT, gold)]);
    let two = make(&mut world, ObjectKind::Company, &[("name", "Company 2".into()), (LOOKED_AT, tin)]);
    let [of_one, of_two] = [(one, 1), (two, 2)].map(|(company, n)| contact_of(&mut world, company, n));
    wait(&mut world, 20);
    assert_eq!([of_one, of_two].map(|of| world.state(of)), [InSync, Excluded], "{:?}", world.single.store.statuses);
    assert_eq!([of_one, of_two].map(|of| title(&world, of)), [Some("first".into()), None]);

    // nobody touches the contacts
    set(&mut world, one, LOOKED_AT, "tin");
    set(&mut world, two, LOOKED_AT, "gold");
    wait(&mut world, 20);
    assert_eq!(title(&world, of_two), Some("first".into()), "it came with its company");
    assert_eq!(world.state(of_two), InSync);
    set(&mut world, of_one, "jobtitle", "second");
    wait(&mut world, 20);
    assert_eq!(title(&world, of_one), Some("first".into()), "it left with its company");
    assert_eq!(world.state(of_one), Excluded);

    // what was changed meanwhile crosses when the company is let in again, by itself
    set(&mut world, one, LOOKED_AT, "gold");
    wait(&mut world, 20);
    assert_eq!((world.state(of_one), title(&world, of_one)), (InSync, Some("second".into())));

    // a change of the company that the filter does not look at marks nobody
    let seen = world.single.store.statuses[&of_one].since;
    set(&mut world, one, "name", "Company 7");
    wait(&mut world, 20);
    assert_eq!(world.single.store.statuses[&of_one].since, seen);
}

#[test]
fn i18_a_filter_over_companies_deployed_to_a_world_at_rest_reads_them_before_it_decides() {
    let mut world = World::with(rules("", 1), fields::schemas().to_vec());
    let (gold, tin) = ("gold".to_owned(), "tin".to_owned());
    let one = make(&mut world, ObjectKind::Company, &[("name", "Company 1".into()), (LOOKED_AT, gold)]);
    let two = make(&mut world, ObjectKind::Company, &[("name", "Company 2".into()), (LOOKED_AT, tin)]);
    let of = [(one, 1), (two, 2)].map(|(company, n)| contact_of(&mut world, company, n));
    wait(&mut world, 20);
    assert_eq!(of.map(|of| title(&world, of)), [Some("first".into()), Some("first".into())]);
    world.engine.change_rules(rules("company.t_latest = \"gold\"", 2));
    of.iter().for_each(|of| set(&mut world, *of, "jobtitle", "second"));
    wait(&mut world, 30);
    assert_eq!(of.map(|of| title(&world, of)), [Some("second".into()), Some("first".into())]);
    assert_eq!(of.map(|of| world.state(of)), [RecordState::InSync, RecordState::Excluded]);
}
