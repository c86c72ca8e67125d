//! Configuration versions, connections, schemas.

use lockstep::model::*;
use lockstep::store::rows::{ConfigState, ConnectionRow, Deployment, Tested};
use lockstep::store::{Base, DraftError, StoreError};
use secrecy::{ExposeSecret, SecretString};

use crate::samples::*;

#[test]
fn a_configuration_goes_from_draft_to_tested_to_deployed_to_retired() {
    let place = Place::new();
    let mut settings = place.workspace.settings().unwrap();
    let none = Err(DraftError::Store(StoreError::NoDraft));
    assert_eq!(settings.deploy_draft(Base::Any, "ann", None, Timestamp(1)), none);
    assert_eq!(settings.mark_tested(Base::Any, "ann", Timestamp(1)), Err(DraftError::Store(StoreError::NoDraft)));
    assert_eq!(settings.draft().unwrap(), None);

    let first = settings.save_draft("a = 1", "ann", "first", Base::Nothing, Timestamp(1)).unwrap();
    let second = settings.save_draft("a = 2", "ann", "better", Base::Edit(first.edit), Timestamp(2)).unwrap();
    assert!(second.version == first.version && second.edit > first.edit, "{first:?} {second:?}");
    settings.mark_tested(Base::Any, "mia", Timestamp(4)).unwrap();
    let info = settings.draft().unwrap().unwrap().info;
    assert_eq!(info.tested, Some(Tested { at: Timestamp(4), by: "mia".to_owned() }));
    assert_eq!(info.state, ConfigState::Tested);
    settings.save_draft("a = 3", "ann", "best", Base::Any, Timestamp(5)).unwrap();
    let info = settings.draft().unwrap().unwrap().info;
    assert_eq!((info.state, info.tested), (ConfigState::Draft, None), "a change makes it untested");
    let first = settings.deploy_draft(Base::Any, "mia", None, Timestamp(7)).unwrap();
    let deployed = settings.deployed().unwrap().unwrap();
    assert_eq!((deployed.body.as_str(), deployed.info.author.as_str()), ("a = 3", "ann"));
    assert_eq!(deployed.info.deployed, Some(Deployment { at: Timestamp(7), by: "mia".to_owned() }));
    assert_eq!(settings.draft().unwrap(), None);

    let second = settings.save_draft("b = 1", "bob", "", Base::Edit(deployed.info.edit), Timestamp(4)).unwrap().version;
    assert_eq!((first, second), (ConfigVersion(1), ConfigVersion(2)));
    assert_eq!(settings.deployed_version().unwrap(), Some(first));
    settings.deploy_draft(Base::Any, "bob", Some("why"), Timestamp(8)).unwrap();
    let states: Vec<_> = settings.history().unwrap().into_iter().map(|info| (info.version.0, info.state)).collect();
    assert_eq!(states, [(2, ConfigState::Deployed), (1, ConfigState::Retired)]);
    assert_eq!(settings.version(first).unwrap().unwrap().info.note, "best");
    assert_eq!(settings.version(second).unwrap().unwrap().info.note, "why");
    assert_eq!(settings.version(ConfigVersion(9)).unwrap(), None);

    assert_eq!(settings.deploy_draft(Base::Any, "bob", None, Timestamp(9)), none);
    assert_eq!(settings.deployed().unwrap().unwrap().info.version, second, "a failed deploy retired the old one");
    settings.save_draft("c = 1", "bob", "", Base::Any, Timestamp(5)).unwrap();
    assert!(settings.discard_draft(Base::Any, "bob").unwrap() && !settings.discard_draft(Base::Any, "bob").unwrap());
}

/// The number of the state that stands in the way.
fn stale<T: std::fmt::Debug>(refused: Result<T, DraftError>) -> Option<u64> {
    let Err(DraftError::Stale(stale)) = refused else { panic!("{refused:?}") };
    stale.current.map(|row| row.info.edit)
}

#[test]
fn a_change_of_what_somebody_has_not_seen_is_refused_and_changes_nothing() {
    let place = Place::new();
    let (mut ann, mut bob) = (place.workspace.settings().unwrap(), place.workspace.settings().unwrap());
    assert_eq!(stale(ann.save_draft("a = 1", "ann", "", Base::Edit(1), Timestamp(1))), None);
    let seen = ann.save_draft("a = 1", "ann", "", Base::Nothing, Timestamp(1)).unwrap();
    assert_eq!(stale(bob.save_draft("b = 1", "bob", "", Base::Nothing, Timestamp(2))), Some(seen.edit));
    let theirs = bob.save_draft("a = 1\nb = 1", "bob", "", Base::Edit(seen.edit), Timestamp(2)).unwrap();
    for refused in [
        ann.save_draft("a = 2", "ann", "", Base::Edit(seen.edit), Timestamp(3)).map(drop),
        ann.save_draft("a = 2", "ann", "", Base::Instead(seen.edit), Timestamp(3)).map(drop),
        ann.deploy_draft(Base::Edit(seen.edit), "ann", None, Timestamp(3)).map(drop),
        ann.discard_draft(Base::Edit(seen.edit), "ann").map(drop),
    ] {
        assert_eq!(stale(refused), Some(theirs.edit));
    }
    assert_eq!(ann.draft().unwrap().unwrap().body, "a = 1\nb = 1");
    let version = ann.deploy_draft(Base::Edit(theirs.edit), "ann", None, Timestamp(4)).unwrap();
    assert_eq!(stale(bob.discard_draft(Base::Edit(theirs.edit), "bob")), Some(theirs.edit), "it is no draft any more");
    let next = bob.save_draft("b = 2", "bob", "", Base::Edit(theirs.edit), Timestamp(5)).unwrap();
    assert_eq!(next.version.0, version.0 + 1, "what was deployed is gone on from, in a version of its own");
    bob.discard_draft(Base::Edit(next.edit), "bob").unwrap();
    let again = ann.save_draft("a = 9", "ann", "", Base::Edit(theirs.edit), Timestamp(6)).unwrap();
    assert!(again.version == next.version && again.edit != next.edit, "a number names one state for ever");
    assert_eq!(ann.version(version).unwrap().unwrap().body, "a = 1\nb = 1", "retired ones stay as they are");
}

#[test]
fn what_something_else_took_the_place_of_is_kept_with_how_it_ended() {
    let place = Place::new();
    let mut settings = place.workspace.settings().unwrap();
    let first = settings.save_draft("1", "ann", "one", Base::Any, Timestamp(1)).unwrap();
    let second = settings.save_draft("2", "ann", "two", Base::Edit(first.edit), Timestamp(2)).unwrap();
    let third = settings.save_draft("3", "bob", "three", Base::Edit(second.edit), Timestamp(3)).unwrap();
    let fourth = settings.save_draft("4", "bob", "four", Base::Instead(third.edit), Timestamp(4)).unwrap();
    let aside = settings.set_aside("mine", "ann", "aside", Timestamp(5)).unwrap();
    settings.discard_draft(Base::Edit(fourth.edit), "ann").unwrap();
    let told: Vec<_> = settings
        .edits()
        .unwrap()
        .iter()
        .map(|edit| (edit.edit, edit.note.clone(), edit.ended.word(), edit.ended_by.clone(), edit.is_worth_a_look()))
        .collect();
    let row = |edit: u64, note: &str, end, by: &str, look| (edit, note.to_owned(), end, by.to_owned(), look);
    assert_eq!(
        told,
        [
            row(aside, "aside", "set aside", "ann", true),
            row(fourth.edit, "four", "thrown away", "ann", true),
            row(third.edit, "three", "replaced", "bob", true),
            row(second.edit, "two", "changed", "bob", true),
            row(first.edit, "one", "changed", "ann", false),
        ]
    );
    assert_eq!(settings.edit(second.edit).unwrap(), Some((first.version, "2".to_owned())));
    assert_eq!(settings.edit(aside).unwrap().map(|(_, text)| text), Some("mine".to_owned()));
    assert_eq!(settings.edit(999).unwrap(), None);
    let last = settings.save_draft("5", "ann", "", Base::Any, Timestamp(6)).unwrap();
    settings.deploy_draft(Base::Any, "ann", None, Timestamp(7)).unwrap();
    assert_eq!(settings.edit(last.edit).unwrap().map(|(_, text)| text), Some("5".to_owned()));
}

#[test]
fn of_drafts_that_ended_the_newest_five_hundred_are_kept() {
    let place = Place::new();
    let mut settings = place.workspace.settings().unwrap();
    let mut edit = settings.save_draft("0", "ann", "", Base::Any, Timestamp(0)).unwrap().edit;
    for n in 1..=520 {
        edit = settings.save_draft(&n.to_string(), "ann", "", Base::Edit(edit), Timestamp(n)).unwrap().edit;
    }
    let kept = settings.edits().unwrap();
    assert_eq!((kept.len(), kept[0].edit), (500, edit - 1));
    let large = "x".repeat(20 * 1024 * 1024);
    for _ in 0..3 {
        edit = settings.save_draft(&large, "ann", "", Base::Edit(edit), Timestamp(9)).unwrap().edit;
    }
    assert_eq!(settings.edits().unwrap().len(), 1, "they take no more room than one file may");
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

#[test]
fn how_the_call_backs_stand_is_kept_until_they_are_given_up_and_what_was_told_last() {
    let place = Place::new();
    let mut settings = place.workspace.settings().unwrap();
    assert_eq!(settings.hearing().unwrap(), Hearing::default());
    let mut callbacks = Callbacks { looked: Some(Timestamp(7)), armed: vec!["company".into()], ..Callbacks::default() };
    callbacks.lead_to("https://hooks.example.com/connectwise");
    callbacks.meet(Some(("Refused.".into(), "Ask.".into())), Timestamp(8));
    settings.put_callbacks(&callbacks).unwrap();
    let record = RecordRef::new(ObjectKind::Company, System::ConnectWise, RecordId(1));
    let told = [lockstep::store::Told { event: [1; 32], record }];
    let mut inbox = place.workspace.inbox().unwrap();
    inbox.put(&told, Timestamp(9)).unwrap();
    inbox.put(&told, Timestamp(10)).unwrap();
    let last = BySystem::new(None, Some(Timestamp(10)));
    assert_eq!(settings.hearing().unwrap(), Hearing { callbacks: Some(callbacks), last });
    settings.forget_callbacks().unwrap();
    assert_eq!(settings.hearing().unwrap(), Hearing { callbacks: None, last });
}

#[test]
fn a_draft_that_was_changed_meanwhile_does_not_count_as_tested() {
    let place = Place::new();
    let mut settings = place.workspace.settings().unwrap();
    let seen = settings.save_draft("a = 1", "ann", "", Base::Nothing, Timestamp(1)).unwrap();
    let newer = settings.save_draft("a = 2", "bob", "", Base::Edit(seen.edit), Timestamp(2)).unwrap();
    assert_eq!(stale(settings.mark_tested(Base::Edit(seen.edit), "ann", Timestamp(3))), Some(newer.edit));
    assert_eq!(settings.draft().unwrap().unwrap().info.state, ConfigState::Draft);
    settings.mark_tested(Base::Edit(newer.edit), "bob", Timestamp(3)).unwrap();
    assert_eq!(settings.draft().unwrap().unwrap().info.state, ConfigState::Tested);
}
