//! `lockstep pause` and `resume`: kept in the workspace, obeyed by a running engine, and lost by no kill.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{Home, Sim, http};

/// A `sync --watch` of its own process, killed at the end.
struct Watch(Child);

impl Watch {
    /// Starts it, and waits for its first run.
    fn start(home: &Home) -> Self {
        let before = newest_run(home);
        let child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .arg("--home")
            .arg(home.path())
            .args(["sync", "--watch", "--interval", "1", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let watch = Self(child);
        until(home, "the engine runs", || (newest_run(home) > before).then_some(()));
        watch
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SIGKILL: nothing is put in order before the end
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asks until the answer is what is waited for. Every look at the workspace takes its time, so that none is waited away.
fn until<T>(home: &Home, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..400 {
        if let Some(answer) = ask() {
            return answer;
        }
        newest_run(home);
    }
    panic!("this never came: {what}");
}

fn newest_run(home: &Home) -> Option<u64> {
    home.run("--json runs --limit 1").json()["runs"][0]["run"].as_u64()
}

/// So many more runs have begun.
fn runs_go_by(home: &Home, number: u64) {
    let last = newest_run(home).unwrap() + number;
    until(home, "runs go by", || (newest_run(home)? > last).then_some(()));
}

/// A company that is linked after the first run, by its numbers.
fn some_pair(home: &Home) -> (u64, u64) {
    let pair = home.run("--json explain company --connectwise 19306").json();
    (pair["hubspot"].as_u64().unwrap(), 19306)
}

fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn city(sim: &Sim, connectwise: u64) -> Value {
    let path = format!("/_sim/records/connectwise/companies/{connectwise}");
    body(&http("GET", sim.text("hubspot", "url"), &path, "", ""))["city"].clone()
}

fn set_city(sim: &Sim, hubspot: u64, city: &str) {
    let path = format!("/_sim/records/hubspot/companies/{hubspot}");
    let fields = json!({ "fields": { "city": city } }).to_string();
    let answer = http("PATCH", sim.text("hubspot", "url"), &path, "", &fields);
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
}

fn explained(home: &Home, hubspot: u64) -> Value {
    home.run(&format!("--json explain company --hubspot {hubspot}")).json()
}

#[test]
fn a_pause_outlives_a_kill_and_what_it_kept_crosses_after_the_resume() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    assert_eq!(home.run("sync --once").code, 5);
    let lag = json!({ "hubspot": { "create_lag_ms": 0, "update_lag_ms": 0 } }).to_string();
    http("PATCH", sim.text("hubspot", "url"), "/_sim/behaviour", "", &lag);
    let (hubspot, connectwise) = some_pair(&home);
    let before = city(&sim, connectwise);

    let watch = Watch::start(&home);
    let paused = home.run("pause company --to connectwise --note month-end --json");
    assert_eq!(paused.code, 0, "{}", paused.err);
    let row = &paused.json()["paused"][0];
    assert_eq!(
        (&row["object"], &row["to"], &row["note"]),
        (&json!("company"), &json!("connectwise"), &json!("month-end"))
    );
    set_city(&sim, hubspot, "Bonn");
    let pending = until(&home, "the change is shown as pending", || {
        let told = explained(&home, hubspot);
        (told["decision"] == "paused").then_some(told)
    });
    assert_eq!(pending["state"], "pending");
    let verdict = pending["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("Pending: paused by ") && verdict.ends_with(": month-end"), "{verdict}");
    let trace = pending["trace"].to_string();
    assert!(trace.contains("`lockstep resume company --to connectwise` lets it go on"), "{trace}");

    drop(watch);
    let again = Watch::start(&home);
    // what comes from the other side still crosses, so runs go by
    runs_go_by(&home, 3);
    assert_eq!(city(&sim, connectwise), before, "it was written while it is paused");
    assert_eq!(home.run("pause --list --json").json()["paused"].as_array().unwrap().len(), 1);

    let resumed = home.run("resume company --json");
    assert_eq!(resumed.json()["resumed"].as_array().unwrap().len(), 1, "{}", resumed.err);
    until(&home, "what was kept has crossed", || (city(&sim, connectwise) == "Bonn").then_some(()));
    drop(again);
}

#[test]
fn a_push_of_what_is_paused_is_refused_and_its_preview_is_not() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    assert_eq!(home.run("sync --once").code, 5);
    let (hubspot, connectwise) = some_pair(&home);
    set_city(&sim, hubspot, "Mainz");
    let push = format!("push company --hubspot {hubspot} --to connectwise");
    assert_eq!(home.run(&push).code, 0);
    let run = home.run("--json runs --limit 1").json()["runs"][0]["run"].clone();
    assert_eq!(home.run("pause").code, 0);
    let undone = home.run(&format!("undo run {run}"));
    assert_eq!(undone.code, 3, "{} {}", undone.out, undone.err);
    assert!(undone.err.contains("Everything: paused by "), "{}", undone.err);
    set_city(&sim, hubspot, "Trier");
    let refused = home.run(&push);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(
        refused.err.contains("Everything: paused by ") && refused.err.contains("lockstep resume"),
        "{}",
        refused.err
    );
    let preview = home.run(&format!("{push} --dry-run"));
    assert_eq!(preview.code, 0, "{}", preview.err);
    assert!(preview.out.contains("Trier") && preview.err.contains("Everything: paused by "), "{preview:?}");
    let once = home.run("sync --once --json");
    assert_eq!((&once.json()["connectwise"]["updated"], once.code), (&json!(0), 5), "{}", once.err);
    assert_eq!(city(&sim, connectwise), "Mainz");
    assert_eq!(home.run("resume").code, 0);
    assert_eq!(home.run(&push).code, 0);
    assert_eq!(city(&sim, connectwise), "Trier");
}

#[test]
fn what_is_said_of_pauses_is_plain_and_safe() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    assert_eq!(home.run("pause --list").out, "Nothing is paused.\n");
    assert_eq!(home.run("resume").out, "Nothing is paused.\n");
    let user = [("USER", "ann\u{1b}[2J")];
    let first = home.run_in("pause contact", "", &user);
    assert!(first.out.starts_with("Contacts: paused by ann"), "{}", first.out);
    assert!(!first.out.contains('\u{1b}'), "{:?}", first.out);
    assert!(first.out.ends_with("  lockstep resume contact\n"), "{}", first.out);
    let second = home.run_in("pause contact --note later", "", &[("USER", "bob")]);
    assert!(second.out.contains("paused by ann") && !second.out.contains("later"), "the first stays: {}", second.out);
    assert_eq!(home.run("pause --to hubspot").code, 0);
    let wider = home.run("resume deal --to hubspot");
    assert_eq!(wider.code, 3, "{}", wider.err);
    assert!(wider.err.contains("`lockstep resume --to hubspot` lifts that"), "{}", wider.err);
    let all = home.run("resume");
    assert_eq!((all.code, all.out.lines().count()), (0, 3), "{}", all.out);
    assert!(all.out.ends_with("Nothing is paused.\n"), "{}", all.out);
    let long = "x".repeat(201);
    for (args, code) in
        [("pause unicorn", 2), (&format!("pause --note {long}") as &str, 2), ("pause contact --list", 2)]
    {
        assert_eq!(home.run(args).code, code, "{args}");
    }
}
