//! What a command line may say, and what is never said back.

use std::fs;

use serde_json::Value;

use super::Home;

#[test]
fn what_the_command_line_cannot_mean_is_a_usage_error_in_both_languages() {
    let home = Home::new();
    for args in [
        "nonsense",
        "sync",
        "sync --once --watch",
        "explain company",
        "init",
        "init Bad/Name",
        "explain deal --hubspot 1",
    ] {
        let refused = home.run(args);
        assert_eq!(refused.code, 2, "{args}: {}", refused.err);
        assert!(refused.out.is_empty() && !refused.err.is_empty(), "{args}");
    }
    let refused = home.run("--json sync");
    assert_eq!((refused.code, &refused.json()["error"]["kind"]), (2, &Value::from("usage")));
}

#[test]
fn help_tells_every_command_and_every_exit_code() {
    let help = Home::new().run("--help");
    assert_eq!(help.code, 0);
    for word in [
        "init", "connect", "config", "doctor", "schema", "plan", "sync", "explain", "push", "demo", "sim", "0 done",
        "5 issues",
    ] {
        assert!(help.out.contains(word), "{word} is missing");
    }
}

#[test]
fn the_console_asks_for_a_terminal() {
    let home = Home::new();
    let refused = home.run("");
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(refused.err.contains("terminal"), "{}", refused.err);
}

#[test]
fn a_secret_is_never_an_argument_and_never_repeated() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    assert_eq!(home.run("connect hubspot --token geheim").code, 2);
    let missing = home.run_with("connect hubspot", "pat-geheim\n");
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("--token-stdin"), "{}", missing.err);
    let broken = home.run_with("connect hubspot --token-stdin", "pat geheim\n");
    assert_eq!(broken.code, 2);
    assert!(!broken.err.contains("geheim"), "{}", broken.err);
}

#[test]
fn nothing_secret_is_in_the_log() {
    let home = Home::new();
    let made = home.run_with("--passphrase-stdin init acme", "tremendous secret\n");
    assert_eq!(made.code, 0);
    let stdin = "tremendous secret\npat-na1-geheim\n";
    home.run_with("--passphrase-stdin connect hubspot --base-url http://127.0.0.1:9 --token-stdin", stdin);
    let logs: Vec<_> = fs::read_dir(home.path().join("logs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!logs.is_empty(), "there is a log");
    for log in logs {
        let text = fs::read_to_string(&log).unwrap();
        assert!(!text.contains("geheim") && !text.contains("tremendous"), "{}", log.display());
    }
}
