//! A workspace, its key and its passphrase: made, found and opened.

use std::fs;

use serde_json::Value;

use super::Home;

#[test]
fn init_makes_an_encrypted_file_a_private_key_and_a_draft() {
    let home = Home::new();
    let made = home.run("--json init acme");
    assert_eq!(made.code, 0, "{}", made.err);
    let json = made.json();
    assert_eq!((&json["workspace"], &json["key_made"]), (&Value::from("acme"), &Value::from(true)));
    let file = fs::read(home.path().join("workspaces/acme.db")).unwrap();
    assert!(!file.is_empty() && !file.starts_with(b"SQLite format 3"), "the file is encrypted");
    assert_eq!(fs::read_to_string(home.key_file()).unwrap().trim().len(), 64);
    let shown = home.run("--json config show").json();
    assert_eq!(shown["state"], "draft");
    assert_eq!(shown["config"]["object"][0]["object"], "company");
}

#[cfg(unix)]
#[test]
fn what_init_makes_belongs_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    for path in ["keys/acme.key", "workspaces/acme.db", "keys", "workspaces", "logs"] {
        let mode = fs::metadata(home.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path} has mode {mode:o}");
    }
}

#[test]
fn init_never_touches_a_workspace_that_is_there() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    let before = fs::read(home.key_file()).unwrap();
    let again = home.run("--json init acme");
    assert_eq!((again.code, &again.json()["error"]["kind"]), (3, &Value::from("refused")));
    assert_eq!(fs::read(home.key_file()).unwrap(), before);
}

#[test]
fn an_existing_key_file_is_used_as_it_is() {
    let home = Home::new();
    assert_eq!(home.run("--key-file mine.key init one").code, 0);
    let key = fs::read(home.path().join("mine.key")).unwrap();
    let two = home.run("--key-file mine.key --json init two");
    assert_eq!((two.code, &two.json()["key_made"]), (0, &Value::from(false)));
    assert_eq!(fs::read(home.path().join("mine.key")).unwrap(), key);
    assert_eq!(home.run("--workspace two --key-file mine.key config show").code, 0);
}

#[test]
fn another_key_does_not_open_a_workspace() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    assert_eq!(home.run("--key-file other.key init other").code, 0);
    let wrong = home.run("--workspace acme --key-file other.key config show");
    assert_eq!(wrong.code, 4, "{}", wrong.err);
    assert!(wrong.err.contains("key does not open"), "{}", wrong.err);
    assert_eq!(wrong.out, "");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    fs::set_permissions(home.key_file(), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = home.run("config show");
    assert_eq!(refused.code, 4, "{}", refused.err);
    assert!(refused.err.contains("chmod 600"), "{}", refused.err);
}

#[test]
fn a_missing_key_file_says_how_to_name_it() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    fs::remove_file(home.key_file()).unwrap();
    let locked = home.run("config show");
    assert_eq!(locked.code, 4, "{}", locked.err);
    assert!(locked.err.contains("--key-file"), "{}", locked.err);
}

#[test]
fn a_passphrase_opens_what_it_closed_and_no_other_does() {
    let home = Home::new();
    let made = home.run_with("--passphrase-stdin init acme", "correct horse battery\n");
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(!home.key_file().exists());
    assert_eq!(home.run_with("--passphrase-stdin config show", "correct horse battery\n").code, 0);
    let wrong = home.run_with("--passphrase-stdin config show", "correct horse batteri\n");
    assert_eq!(wrong.code, 4, "{}", wrong.err);
    assert!(!wrong.err.contains("batteri"), "a secret is shown: {}", wrong.err);
    assert_eq!(home.run_with("--passphrase-stdin config show", "\n").code, 2);
}

#[test]
fn a_workspace_that_is_not_there_is_a_usage_error_that_names_those_that_are() {
    let home = Home::new();
    let nothing = home.run("plan");
    assert_eq!(nothing.code, 2);
    assert!(nothing.err.contains("lockstep init"), "{}", nothing.err);
    assert_eq!(home.run("init acme").code, 0);
    let unknown = home.run("--workspace nobody plan");
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("`acme`"), "{}", unknown.err);
    assert_eq!(home.run("--workspace ../acme plan").code, 2);
}

#[test]
fn one_of_two_workspaces_must_be_named() {
    let home = Home::new();
    assert_eq!(home.run("init one").code, 0);
    assert_eq!(home.run("init two").code, 0);
    let unclear = home.run("config show");
    assert_eq!(unclear.code, 2);
    assert!(unclear.err.contains("--workspace"), "{}", unclear.err);
    assert_eq!(home.run("--workspace two config show").code, 0);
}
