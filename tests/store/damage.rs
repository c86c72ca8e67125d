//! Files that are not what they should be, and what a stranger finds in one.

use std::fs;
use std::path::{Path, PathBuf};

use lockstep::engine::core::command::Row;
use lockstep::engine::core::state::RecordState;
use lockstep::engine::core::view::View;
use lockstep::model::System;
use lockstep::store::rows::ConnectionRow;
use lockstep::store::{Key, StoreError, Workspace};
use secrecy::SecretString;

use crate::samples::*;

/// A closed workspace with some content.
fn filled() -> Place {
    let rows = (0..500).flat_map(|id| {
        [Row::Observation(observation(hubspot(id))), Row::Status(status(id, "Visible Inc", RecordState::InSync))]
    });
    let (place, writer, reader) = Place::with(rows.collect());
    drop((writer, reader));
    place
}

fn reopen(place: &Place) -> Result<Workspace, StoreError> {
    Workspace::open(place.dir.path(), "acme", &place.key)
}

#[test]
fn the_wrong_key_is_told_from_everything_else() {
    let place = filled();
    for key in [Key::throw_away().unwrap(), Key::from_passphrase("guess".to_owned().into())] {
        let error = Workspace::open(place.dir.path(), "acme", &key).unwrap_err();
        assert_eq!(error, StoreError::WrongKey { file: place.workspace.file().to_owned() });
    }
    reopen(&place).unwrap();
}

#[test]
fn a_passphrase_opens_what_it_locked() {
    let dir = tempfile::tempdir().unwrap();
    let key = |text: &str| Key::from_passphrase(text.to_owned().into());
    Workspace::create(dir.path(), "p", &key("it's \"mine\"")).unwrap();
    Workspace::open(dir.path(), "p", &key("it's \"mine\"")).unwrap();
    let error = Workspace::open(dir.path(), "p", &key("it's mine")).unwrap_err();
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
}

#[test]
fn what_is_not_a_workspace_is_refused_and_left_alone() {
    let place = Place::new();
    let cases = [
        ("empty", &b""[..], Some("it is empty")),
        ("text", b"hello", Some("it is shorter than any workspace")),
        ("zeros", &[0; 8192], None),
    ];
    for (name, content, why) in cases {
        let file = place.dir.path().join(name).with_extension("db");
        fs::write(&file, content).unwrap();
        let error = Workspace::open(place.dir.path(), name, &place.key).unwrap_err();
        let expected = match why {
            Some(why) => StoreError::NoWorkspace { file: file.clone(), why },
            None => StoreError::WrongKey { file: file.clone() },
        };
        assert_eq!(error, expected, "{name}");
        assert!(error.hint().contains("restore the newest backup"), "{name}: {}", error.hint());
        assert!(fs::read(&file).unwrap() == content, "{name} was changed");
    }
    let missing = Workspace::open(place.dir.path(), "missing", &place.key).unwrap_err();
    assert_eq!(missing, StoreError::Missing("missing".to_owned()));
}

#[test]
fn flipped_bytes_are_noticed_wherever_they_are() {
    let place = filled();
    let file = place.workspace.file();
    let good = fs::read(file).unwrap();
    let pages = good.len() / 4096;
    assert!(pages > 50, "the file is too small to try");
    for page in [1, pages / 3, pages / 2, pages - 1] {
        let mut bad = good.clone();
        bad[page * 4096 + 100] ^= 1;
        fs::write(file, &bad).unwrap();
        let error = reopen(&place).and_then(|workspace| workspace.check()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "page {page}: {error:?}");
    }
    fs::write(file, &good).unwrap();
    reopen(&place).unwrap().check().unwrap();
}

#[test]
fn a_damaged_row_is_an_error_and_not_an_absence() {
    let place = filled();
    let file = place.workspace.file();
    let mut bad = fs::read(file).unwrap();
    for page in bad.chunks_mut(4096).skip(60) {
        page[200] ^= 1;
    }
    fs::write(file, &bad).unwrap();
    let Ok(reader) = reopen(&place).and_then(|workspace| workspace.reader()) else { return };
    let results: Vec<_> = (0..500).map(|id| reader.observation(hubspot(id))).collect();
    assert!(results.iter().any(Result::is_err), "nobody noticed");
    assert!(results.iter().all(|result| !matches!(result, Ok(None))), "a damaged row looked absent");
}

#[test]
fn a_truncated_file_is_damaged() {
    let place = filled();
    let file = place.workspace.file();
    let good = fs::read(file).unwrap();
    for length in [good.len() / 2, good.len() - 4096] {
        fs::write(file, &good[..length]).unwrap();
        let error = reopen(&place).and_then(|workspace| workspace.check()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{length} bytes: {error:?}");
    }
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let place = Place::new();
    let key = fs::read_to_string(key_file(place.dir.path())).unwrap();
    let key_file = key_file(place.dir.path());
    let workspace = Workspace::create(place.dir.path(), "new", &Key::read_file(&key_file).unwrap()).unwrap();
    let connection = rusqlite::Connection::open(workspace.file()).unwrap();
    connection.pragma_update(None, "key", format!("x'{}'", key.trim())).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(connection);
    let error = Workspace::open(place.dir.path(), "new", &Key::read_file(&key_file).unwrap()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 999, .. }), "{error:?}");
}

fn key_file(dir: &Path) -> PathBuf {
    let path = dir.join("key");
    Key::create_file(&path).unwrap();
    path
}

#[test]
fn nothing_readable_is_in_the_files() {
    let place = Place::new();
    let mut settings = place.workspace.settings().unwrap();
    let secret = SecretString::from("pat-na1-very-secret-token".to_owned());
    let connection = ConnectionRow { system: System::HubSpot, settings: "api.hubapi.example".to_owned(), secret };
    settings.put_connection(&connection).unwrap();
    let writer = place.workspace.writer().unwrap();
    commit(&writer, vec![Row::Status(status(1, "Visible Incorporated", RecordState::InSync))]);
    let look = |when: &str| {
        for entry in fs::read_dir(place.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            for text in ["very-secret", "hubapi", "Visible", "CREATE TABLE", "SQLite format"] {
                let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                assert!(!found, "`{text}` stands in {} {when}", path.display());
            }
        }
    };
    look("while open");
    drop((writer, settings));
    look("when closed");
}

#[cfg(unix)]
#[test]
fn folder_and_files_belong_to_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("workspaces");
    let workspace = Workspace::create(&dir, "acme", &Key::throw_away().unwrap()).unwrap();
    let writer = workspace.writer().unwrap();
    let _lease = workspace.lease(lockstep::model::Timestamp(0)).unwrap();
    commit(&writer, vec![Row::Dirty(dirty(hubspot(1), 1, 1))]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(names.len() >= 4, "log, shared memory and lock belong to it: {names:?}");
    for path in names {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn workspaces_are_listed_by_name_and_made_once() {
    let place = Place::new();
    let again = Workspace::create(place.dir.path(), "acme", &place.key).unwrap_err();
    assert_eq!(again, StoreError::Exists("acme".to_owned()));
    for name in ["../acme", "a b", "-a", ""] {
        let error = Workspace::create(place.dir.path(), name, &place.key).unwrap_err();
        assert_eq!(error, StoreError::Name(name.to_owned()));
    }
    Workspace::create(place.dir.path(), "0-first", &place.key).unwrap();
    fs::write(place.dir.path().join("Not A Name.db"), "").unwrap();
    let _writer = place.workspace.writer().unwrap();
    assert_eq!(Workspace::list(place.dir.path()).unwrap(), ["0-first", "acme"]);
    assert_eq!(Workspace::list(&place.dir.path().join("nowhere")).unwrap(), Vec::<String>::new());
}
