//! Configuration versions, connections, schemas.

use lockstep::model::*;
use lockstep::store::StoreError;
use lockstep::store::rows::{ConfigState, ConnectionRow};
use secrecy::{ExposeSecret, SecretString};

use crate::samples::*;

#[test]
fn a_configuration_goes_from_draft_to_tested_to_deployed_to_retired() {
    let place = Place::new();
    let mut settings = place.workspace.settings().unwrap();
    assert_eq!(settings.deploy_draft(), Err(StoreError::NoDraft));
    assert_eq!(settings.mark_tested(), Err(StoreError::NoDraft));
    assert_eq!(settings.draft().unwrap(), None);

    let first = settings.save_draft("a = 1", "ann", "first", Timestamp(1)).unwrap();
    assert_eq!(settings.save_draft("a = 2", "ann", "better", Timestamp(2)).unwrap(), first);
    settings.mark_tested().unwrap();
    assert_eq!(settings.draft().unwrap().unwrap().info.state, ConfigState::Tested);
    settings.save_draft("a = 3", "ann", "best", Timestamp(3)).unwrap();
    assert_eq!(settings.draft().unwrap().unwrap().info.state, ConfigState::Draft);
    assert_eq!(settings.deploy_draft().unwrap(), first);
    assert_eq!(settings.deployed().unwrap().unwrap().body, "a = 3");
    assert_eq!(settings.draft().unwrap(), None);

    let second = settings.save_draft("b = 1", "bob", "", Timestamp(4)).unwrap();
    assert_eq!((first, second), (ConfigVersion(1), ConfigVersion(2)));
    assert_eq!(settings.deployed().unwrap().unwrap().info.version, first);
    settings.deploy_draft().unwrap();
    let states: Vec<_> = settings.history().unwrap().into_iter().map(|info| (info.version.0, info.state)).collect();
    assert_eq!(states, [(2, ConfigState::Deployed), (1, ConfigState::Retired)]);
    assert_eq!(settings.version(first).unwrap().unwrap().info.note, "best");
    assert_eq!(settings.version(ConfigVersion(9)).unwrap(), None);

    assert_eq!(settings.deploy_draft(), Err(StoreError::NoDraft));
    assert_eq!(settings.deployed().unwrap().unwrap().info.version, second, "a failed deploy retired the old one");
    settings.save_draft("c = 1", "bob", "", Timestamp(5)).unwrap();
    assert_eq!((settings.discard_draft().unwrap(), settings.discard_draft().unwrap()), (true, false));
}

#[test]
fn a_connection_is_kept_with_its_secret() {
    let place = Place::new();
    let mut settings = place.workspace.settings().unwrap();
    for secret in ["one", "two"] {
        let secret = SecretString::from(secret.to_owned());
        let row = ConnectionRow { system: System::HubSpot, settings: "{}".to_owned(), secret };
        assert!(!format!("{row:?}").contains("one"), "Debug shows the secret");
        settings.put_connection(&row).unwrap();
    }
    let kept = settings.connection(System::HubSpot).unwrap().unwrap();
    assert_eq!((kept.settings.as_str(), kept.secret.expose_secret()), ("{}", "two"));
    assert!(settings.connection(System::ConnectWise).unwrap().is_none());
    assert!(settings.remove_connection(System::HubSpot).unwrap());
    assert!(settings.connection(System::HubSpot).unwrap().is_none());
}

#[test]
fn a_schema_is_kept_with_the_time_it_was_read() {
    let place = Place::new();
    let mut settings = place.workspace.settings().unwrap();
    let schema = Schema {
        system: System::HubSpot,
        object: COMPANY,
        fields: vec![FieldDef {
            name: FieldName::new("type"),
            label: "Type".to_owned(),
            kind: FieldKind::Choice,
            read_only: false,
            required: true,
            unique: false,
            max_length: Some(30),
            custom: true,
            options: vec![ChoiceOption {
                key: "a".to_owned(),
                label: "A".to_owned(),
                inactive: false,
                ..ChoiceOption::default()
            }],
        }],
    };
    settings.put_schema(&schema, Timestamp(5)).unwrap();
    assert_eq!(settings.schema(System::HubSpot, COMPANY).unwrap(), Some((schema, Timestamp(5))));
    assert_eq!(settings.schema(System::ConnectWise, COMPANY).unwrap(), None);
}

#[test]
fn what_changed_between_two_readings_of_a_schema_is_remembered() {
    let place = Place::new();
    let mut settings = place.workspace.settings().unwrap();
    let read = |fields: &[&str]| Schema {
        system: System::ConnectWise,
        object: ObjectKind::Ticket,
        fields: fields
            .iter()
            .map(|name| FieldDef {
                name: (*name).into(),
                label: (*name).to_owned(),
                kind: FieldKind::Text,
                read_only: false,
                required: false,
                unique: false,
                max_length: None,
                custom: false,
                options: Vec::new(),
            })
            .collect(),
    };
    assert_eq!(settings.put_schema(&read(&["a", "b"]), Timestamp(1)).unwrap(), []);
    assert_eq!(settings.put_schema(&read(&["a", "b"]), Timestamp(2)).unwrap(), []);
    let first = settings.put_schema(&read(&["a"]), Timestamp(3)).unwrap();
    let second = settings.put_schema(&read(&["a", "c"]), Timestamp(4)).unwrap();
    let words = |changes: &[SchemaChange]| changes.iter().map(|change| change.what.word()).collect::<Vec<_>>();
    assert_eq!((words(&first), words(&second)), (vec!["removed"], vec!["added"]));
    let log = settings.drift(Timestamp(0)).unwrap();
    assert_eq!(
        log.iter().map(|row| (row.at.0, row.object)).collect::<Vec<_>>(),
        [(4, ObjectKind::Ticket), (3, ObjectKind::Ticket)]
    );
    assert_eq!(log[1].changes, first);
    assert_eq!(settings.drift(Timestamp(3)).unwrap().len(), 1, "only what came later");
}
