//! Signing in to HubSpot by OAuth.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Home, Sim, findings, http};

/// A sign-in by OAuth on its way: it has shown its page.
struct SignIn {
    child: std::process::Child,
    stdin: std::process::ChildStdin,
    said: std::io::BufReader<std::process::ChildStderr>,
    /// Where HubSpot leads the browser of somebody who accepts.
    back: String,
}

const APP_SECRET: &str = "simulated-client-secret";

impl SignIn {
    /// Starts the command, and opens the page it shows as a browser would.
    fn begin(home: &Home, url: &str, args: &[&str]) -> Self {
        use std::io::{BufRead, BufReader};
        let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .arg("--home")
            .arg(home.path())
            .args(["--json", "connect", "hubspot", "--oauth", "--client-secret-stdin", "--base-url", url])
            .args(["--client-id", "6f1a2c3e-77aa-4c0d-9d11-000000000001"])
            .args(args)
            .env_remove("LOCKSTEP_WORKSPACE")
            .env_remove("LOCKSTEP_KEY_FILE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{APP_SECRET}").unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let page = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it showed the page");
            if line.trim().starts_with(url) {
                break line.trim().to_owned();
            }
        };
        assert!(!page.contains(APP_SECRET), "{page}");
        let answer = http("GET", url, &format!("{}&approve=true", page.trim_start_matches(url)), "", "");
        let back = answer.lines().find(|line| line.to_lowercase().starts_with("location:"));
        let back = back.map(|line| line["location:".len()..].trim().to_owned());
        Self { child, stdin, said, back: back.unwrap_or_else(|| panic!("{answer}")) }
    }

    /// Waits for the end of the command, which must be a good one that tells no secret.
    fn ends(self) {
        use std::io::Read;
        let Self { child, stdin, mut said, .. } = self;
        drop(stdin);
        let done = child.wait_with_output().unwrap();
        let (out, mut err) = (String::from_utf8(done.stdout).unwrap(), String::new());
        said.read_to_string(&mut err).unwrap();
        assert_eq!(done.status.code(), Some(0), "{out} {err}");
        for secret in [APP_SECRET, "access_token", "refresh"] {
            assert!(!out.contains(secret) && !err.contains(secret), "{secret}: {out} {err}");
        }
    }
}

#[test]
fn hubspot_is_connected_by_oauth_with_a_pasted_address() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let mut sign_in = SignIn::begin(&home, sim.text("hubspot", "url"), &["--paste"]);
    writeln!(sign_in.stdin, "{}", sign_in.back).unwrap();
    sign_in.ends();
    assert!(findings(&home, 0).iter().all(|one| one["severity"] != "problem"));
}

#[test]
fn hubspot_is_connected_by_oauth_when_the_browser_comes_back_by_itself() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    // Any free port: the simulated app takes every address on this machine.
    let sign_in = SignIn::begin(&home, sim.text("hubspot", "url"), &["--port", "0"]);
    let back = sign_in.back.strip_prefix("http://localhost:").unwrap();
    let (port, target) = back.split_once('/').unwrap();
    let here = format!("http://127.0.0.1:{port}");
    let stranger = http("GET", &here, "/oauth/callback?code=stolen&state=none", "", "");
    assert!(stranger.starts_with("HTTP/1.1 400"), "{stranger}");
    let page = http("GET", &here, &format!("/{target}"), "", "");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Go back to Lockstep"), "{page}");
    sign_in.ends();
    assert!(findings(&home, 0).iter().all(|one| one["severity"] != "problem"));
}

/// Each refresh token works once: whoever does not store the next one cannot come in again.
#[test]
fn renewed_tokens_are_stored_for_the_next_start() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let url = sim.text("hubspot", "url");
    let rotating = r#"{"hubspot": {"rotates_refresh_tokens": true}}"#;
    assert!(http("PATCH", url, "/_sim/behaviour", "", rotating).starts_with("HTTP/1.1 200"));
    let mut sign_in = SignIn::begin(&home, url, &["--paste"]);
    writeln!(sign_in.stdin, "{}", sign_in.back).unwrap();
    sign_in.ends();
    let renewals = || {
        let calls = http("GET", url, "/_sim/calls", "", "");
        let calls: Value = serde_json::from_str(calls.split_once("\r\n\r\n").unwrap().1).unwrap();
        let token = calls.as_object().unwrap().iter().filter(|(call, _)| call.ends_with("/token"));
        token.map(|(_, by_status)| by_status["200"].as_u64().unwrap_or(0)).sum::<u64>()
    };
    let before = renewals();
    for round in 1..=3 {
        let hour = r#"{"ms": 3600000}"#;
        assert!(http("POST", url, "/_sim/clock/advance", "", hour).starts_with("HTTP/1.1 200"));
        // The systems' clock is ahead now: that is the only problem.
        let found = findings(&home, 5);
        let problems: Vec<&Value> = found.iter().filter(|one| one["severity"] == "problem").collect();
        let is_clock = |one: &&Value| one["what"].as_str().unwrap().contains("clock");
        assert!(problems.len() == 2 && problems.iter().all(is_clock), "{problems:?}");
        assert_eq!(renewals(), before + round, "one renewal for each start with a token that ended");
    }
}
