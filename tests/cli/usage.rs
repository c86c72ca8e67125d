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
        "init", "connect", "config", "doctor", "schema", "plan", "sync", "issues", "explain", "push", "runs", "undo",
        "demo", "sim", "0 done", "5 issues",
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

/// Every command with what it needs, and the options that mean nothing to it.
const COMMANDS: [(&str, &[&str]); 17] = [
    ("", &["--json"]),
    ("init new", &["--workspace acme", "--theme dark", "--ascii", "--no-color", "--read-only"]),
    ("connect hubspot --token-stdin", CONSOLE),
    ("connect connectwise --site x --company c --public-key p --client-id g", CONSOLE),
    ("doctor", CONSOLE),
    ("schema", CONSOLE),
    ("config show", CONSOLE),
    ("config import -", CONSOLE),
    ("config deploy", CONSOLE),
    ("plan", CONSOLE),
    ("issues", CONSOLE),
    ("sync --once", CONSOLE),
    ("sync --watch", CONSOLE),
    ("explain company --hubspot 1", CONSOLE),
    ("push company --hubspot 1 --to connectwise", CONSOLE),
    ("sim", NO_WORKSPACE),
    ("demo --headless", NO_WORKSPACE),
];
const CONSOLE: &[&str] = &["--theme dark", "--ascii", "--no-color", "--read-only"];
const NO_WORKSPACE: &[&str] = &[
    "--workspace acme",
    "--key-file acme.key",
    "--passphrase-stdin",
    "--theme dark",
    "--ascii",
    "--no-color",
    "--read-only",
];

#[test]
fn an_option_that_means_nothing_to_a_command_is_refused_wherever_it_stands() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    for (command, foreign) in COMMANDS {
        for option in foreign {
            let name = option.split(' ').next().unwrap();
            for line in [format!("{option} {command}"), format!("{command} {option}")] {
                let refused = home.run(&line);
                assert_eq!(refused.code, 2, "{line}: {} {}", refused.out, refused.err);
                for word in ["error: ", name, "\n  why:  ", "\n  next: "] {
                    assert!(refused.err.contains(word), "{line}: {word:?} is missing: {}", refused.err);
                }
            }
        }
    }
    assert!(!home.path().join("workspaces/new.db").exists(), "nothing was done");
    let refused = home.run("--json sync --once --read-only");
    assert_eq!((refused.code, &refused.json()["error"]["kind"]), (2, &Value::from("usage")));
}

#[test]
fn an_option_of_the_environment_is_for_the_commands_that_it_means_something_to() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    let env = [("LOCKSTEP_THEME", "dark"), ("LOCKSTEP_WORKSPACE", "acme"), ("LOCKSTEP_KEY_FILE", "keys/acme.key")];
    for line in ["config show", "demo --headless", "--passphrase-stdin init other"] {
        let done = home.run_in(line, "correct horse\n", &env);
        assert_eq!(done.code, 0, "{line}: {}", done.err);
    }
    let done = home.run_in("--workspace other --passphrase-stdin config show", "correct horse\n", &env);
    assert_eq!(done.code, 0, "an option of the command line counts before the environment: {}", done.err);
}

#[test]
fn the_simulators_hold_what_is_asked_for_or_say_why_not() {
    let home = Home::new();
    for line in ["sim --data story --deals 3", "sim --companies 5 --data empty"] {
        let refused = home.run(line);
        assert_eq!(refused.code, 2, "{line}: {}", refused.err);
        assert!(refused.err.contains("--data generated"), "{line}: {}", refused.err);
    }
    for line in ["sim --contacts 18446744073709551615", "sim --deals 1000001", "sim --tickets -1"] {
        let refused = home.run(line);
        assert_eq!(refused.code, 2, "{line}: {}", refused.err);
    }
}

#[test]
fn wrong_input_is_told_with_what_would_be_right_and_cannot_reach_the_terminal() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    let connect = "connect connectwise --site na.myconnectwise.net --company a --public-key";
    let too_public = format!("{connect} \u{1b} --client-id c --private-key-stdin");
    let table = [
        ("pl\u{1b}[2Jan", 2, "unrecognized subcommand"),
        ("init a\u{1b}[2Jb", 2, "  next: "),
        ("explain company --hubspot -1", 2, "whole number above 0"),
        ("push company --connectwise 0 --to hubspot", 2, "whole number above 0"),
        (&too_public, 2, "one word"),
        ("--key-file . plan", 1, "it is no file"),
        ("--key-file acme.txt/x/k init other", 1, "  next: "),
        ("config export nowhere/x.toml", 1, "  next: "),
        ("config import .", 1, "  next: "),
        ("config import binary", 3, "not UTF-8"),
        ("config import huge", 3, "larger than 4 MiB"),
    ];
    fs::write(home.path().join("acme.txt"), "").unwrap();
    fs::write(home.path().join("binary"), [0xff, 0, 0xfe]).unwrap();
    fs::write(home.path().join("huge"), vec![b'#'; 5_000_000]).unwrap();
    for (line, code, words) in table {
        let refused = home.run_with(line, "key\n");
        assert_eq!(refused.code, code, "{line:?}: {}", refused.err);
        assert!(refused.err.contains(words), "{line:?}: {}", refused.err);
        assert!(!refused.err.contains('\u{1b}') && refused.out.is_empty(), "{line:?}: {:?}", refused.err);
    }
    let empty = [("LOCKSTEP_HOME", ""), ("LOCKSTEP_WORKSPACE", ""), ("LOCKSTEP_KEY_FILE", ""), ("LOCKSTEP_THEME", "")];
    assert_eq!(home.run_in("config show", "", &empty).code, 0, "a variable set to nothing is not set");
}

#[cfg(unix)]
#[test]
fn an_answer_that_cannot_be_written_is_a_failure_help_included() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    for args in ["config show", "--help", "--version"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lockstep"));
        let ended = command.arg("--home").arg(home.path()).args(args.split(' ')).stdout(full).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{args}: {said}");
        assert!(said.contains("cannot be written to stdout"), "{args}: {said}");
    }
}

#[test]
fn a_port_that_is_taken_is_named_with_the_option_for_another_one() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (args, system, option) in [
        (format!("sim --hubspot-port {port} --connectwise-port 0"), "HubSpot", "--hubspot-port"),
        (format!("sim --hubspot-port 0 --connectwise-port {port}"), "ConnectWise", "--connectwise-port"),
    ] {
        let refused = home.run(&args);
        assert_eq!(refused.code, 1, "{}", refused.err);
        let named = format!("port {port} cannot be had for {system}");
        assert!(refused.err.contains(&named) && refused.err.contains(option), "{}", refused.err);
    }
}
