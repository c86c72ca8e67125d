//! Types keys and reads how a property that HubSpot lacks is made and mapped.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::Arc;

use crossterm::event::KeyCode;

use super::maker::FieldMaker;
use crate::engine::driver::new_field::FieldStanding;
use crate::model::FieldKind;
use crate::tui::tabs::desk::Desk;
use crate::tui::tabs::mappings::values::tests::{config, mapped};
use crate::tui::tabs::testing::{FakeConfig, FakeMaker, desk_of};
use crate::tui::testing::{FakeSource, Person, running};
use crate::tui::world::Settings;

fn at(config: &Arc<FakeConfig>, maker: &Arc<FakeMaker>) -> Person {
    let desk = Desk { maker: Arc::clone(maker) as Arc<dyn FieldMaker>, ..desk_of(config) };
    let mut person = Person::at(running(), FakeSource::default(), Settings::default(), crate::tui::tabs::all(&desk));
    person.types("2");
    person.press(KeyCode::Enter);
    person
}

#[test]
fn a_property_is_made_after_its_request_was_seen_and_mapped_then() {
    let config = config(mapped());
    let maker = Arc::new(FakeMaker::of(&config));
    let mut person = at(&config, &maker);
    person.types("c");
    person.expects("A new HubSpot property for which ConnectWise field?");
    person.types("company type");
    person.press(KeyCode::Enter);
    person.expects("A HubSpot property of companies");
    person.expects("company_type");
    person.expects("3 options copied from ConnectWise");
    // another name
    person.types("internal");
    person.press(KeyCode::Backspace);
    person.press(KeyCode::Esc);
    person.types("c");
    person.types("company type");
    person.press(KeyCode::Enter);
    person.press(KeyCode::Down);
    person.press(KeyCode::Down);
    person.press(KeyCode::Enter);
    person.expects("Internal name");
    person.types("_2");
    person.press(KeyCode::Enter);
    person.expects("company_type_2");
    person.press(KeyCode::Enter);
    person.expects("Create company_type_2 in HubSpot");
    person.expects("POST /crm/properties/companies");
    assert!(maker.made.lock().unwrap().is_empty(), "without a yes");
    person.press(KeyCode::Enter);
    let made = maker.made.lock().unwrap().clone();
    assert_eq!((made[0].name.as_str(), made[0].kind), ("company_type_2", FieldKind::Choice));
    person.expects("Added to the draft.");
    let saved = config.saved.lock().unwrap().last().unwrap().clone();
    assert!(saved.objects[0].fields.iter().any(|field| field.key().as_str() == "company_type_2~types"));
}

#[test]
fn what_is_archived_is_told_before_it_comes_back_and_connectwise_is_said_to_be_no_place_for_it() {
    let config = config(mapped());
    let maker = Arc::new(FakeMaker::of(&config));
    *maker.standing.lock().unwrap() = FieldStanding::Archived("string (text)".into());
    let mut person = at(&config, &maker);
    person.types("cIn ConnectWise");
    person.expects("ConnectWise's API makes no fields");
    person.press(KeyCode::Esc);
    person.types("ccompany type");
    person.press(KeyCode::Enter);
    person.press(KeyCode::Enter);
    person.expects("A property company_type was archived: HubSpot brings it back as it was,");
    person.expects("string (text), with its old options.");
    person.press(KeyCode::Esc);
    assert!(maker.made.lock().unwrap().is_empty());
}
