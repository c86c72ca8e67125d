//! Versions of the configuration: what was saved by whom, what differs, the way back, and several people at one draft.

use std::fs;

use serde_json::{Value, json};

use super::{Answer, Home, Sim};

/// A workspace with a draft, of which nothing was ever connected.
fn home() -> Home {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    home
}

/// Exports to a file, changes it, and gives its name.
fn exported(home: &Home, name: &str, change: impl FnOnce(String) -> String) {
    assert_eq!(home.run(&format!("config export {name} --force")).code, 0);
    changed(home, name, change);
}

fn changed(home: &Home, name: &str, change: impl FnOnce(String) -> String) {
    let file = home.path().join(name);
    let text = fs::read_to_string(&file).unwrap();
    let after = change(text.clone());
    assert_ne!(after, text, "nothing was changed in {name}");
    fs::write(file, after).unwrap();
}

fn poll(seconds: u64) -> impl FnOnce(String) -> String {
    move |text| {
        let line = text.lines().find(|line| line.starts_with("poll = ")).unwrap().to_owned();
        text.replace(&line, &format!("poll = {seconds}"))
    }
}

fn vanished(records: u64) -> impl FnOnce(String) -> String {
    move |text| {
        let line = text.lines().find(|line| line.starts_with("vanished = ")).unwrap().to_owned();
        text.replace(&line, &format!("vanished = {records}"))
    }
}

fn done(answer: &Answer) -> Value {
    assert_eq!(answer.code, 0, "{} {}", answer.out, answer.err);
    answer.json()
}

#[test]
fn a_file_is_merged_with_what_others_changed_since_it_was_exported() {
    let home = home();
    exported(&home, "dana.toml", poll(90));
    exported(&home, "mia.toml", vanished(50));
    done(&home.run("--json --author mia config import mia.toml"));
    let told = done(&home.run("--json --author dana config import dana.toml"));
    assert_eq!(told["merged"], json!([{ "path": "guards.vanished", "before": "20", "after": "50" }]));
    assert_eq!(told["replaces"], Value::Null);
    let config = &home.run("--json config show").json()["config"];
    assert_eq!((&config["timing"]["poll"], &config["guards"]["vanished"]), (&json!(90), &json!(50)));
    let drafts = home.run("--json config history --all").json()["drafts"].clone();
    assert_eq!(drafts.as_array().unwrap().len(), 4, "two drafts and two files: {drafts}");
    changed(&home, "dana.toml", poll(91));
    let text = home.run("--author dana config import dana.toml");
    assert!(text.out.contains("Changed meanwhile, and kept: guards.vanished."), "{} {}", text.out, text.err);
    let config = &home.run("--json config show").json()["config"];
    assert_eq!((&config["timing"]["poll"], &config["guards"]["vanished"]), (&json!(91), &json!(50)));
}

#[test]
fn a_file_that_contradicts_what_others_changed_is_refused_with_both_values_and_taken_when_told_to() {
    let home = home();
    exported(&home, "dana.toml", poll(90));
    exported(&home, "mia.toml", poll(120));
    done(&home.run("--json --author mia config import mia.toml"));
    let refused = home.run("--author dana config import dana.toml");
    assert_eq!(refused.code, 3, "{}", refused.out);
    assert!(refused.err.contains("timing.poll: 90 in the file, 120 by now"), "{}", refused.err);
    assert!(refused.err.contains("last by mia"), "{}", refused.err);
    assert_eq!(home.run("--json config show").json()["config"]["timing"]["poll"], 120);
    let taken = done(&home.run("--json --author dana config import dana.toml --replace"));
    assert_eq!((&taken["replaces"]["author"], &taken["replaces"]["version"]), (&json!("mia"), &json!(1)));
    let history = home.run("--json config history").json();
    let drafts = history["drafts"].as_array().unwrap();
    let theirs = drafts.iter().find(|draft| draft["ended"] == "replaced").unwrap();
    assert_eq!((&theirs["author"], &theirs["ended_by"]), (&json!("mia"), &json!("dana")));
    let name = format!("{}.{}", theirs["version"], theirs["edit"]);
    let back = home.run(&format!("config rollback {name}"));
    assert_eq!(back.code, 0, "{}", back.err);
    assert_eq!(home.run("--json config show").json()["config"]["timing"]["poll"], 120, "nothing was lost");
}

#[test]
fn a_file_that_was_not_exported_says_which_draft_it_takes_the_place_of() {
    let home = home();
    exported(&home, "ours.toml", |text| poll(90)(text.split_once('\n').unwrap().1.to_owned()));
    let told = home.run("--author dana config import ours.toml");
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.out.contains("It takes the place of the draft 1.1 by"), "{}", told.out);
    assert!(told.out.contains("1 setting differs (`lockstep config diff 1.1 draft`)"), "{}", told.out);
    let told = home.run("config diff 1.1 draft");
    assert_eq!((told.code, told.out.trim()), (0, "~ timing.poll: 60 → 90"));
}

#[test]
fn a_dry_run_shows_what_a_file_would_change_and_changes_nothing() {
    let home = home();
    exported(&home, "dana.toml", poll(90));
    let before = home.run("--json config show").json();
    let shown = home.run("config import dana.toml --dry-run");
    // nothing is connected yet, so that it could not be deployed
    assert_eq!(shown.code, 3, "{}", shown.err);
    assert!(shown.out.contains("~ timing.poll: 60 → 90"), "{}", shown.out);
    let json = home.run("--json config import dana.toml --dry-run").json();
    assert_eq!(json["changes"][0]["path"], "timing.poll");
    assert!(json.get("version").is_none());
    let strict = home.run("config import dana.toml --strict");
    assert!(strict.code == 3 && strict.err.contains("does not fit the two systems"), "{}", strict.err);
    assert_eq!(home.run("--json config show").json(), before);
    assert_eq!(home.run("config import dana.toml").code, 0, "a draft may have errors");
}

#[test]
fn versions_are_compared_and_a_script_is_told_by_the_exit_code() {
    let home = home();
    exported(&home, "dana.toml", poll(90));
    assert_eq!(home.run("config import dana.toml").code, 0);
    assert_eq!(home.run("config diff 1.1 draft --exit-code").code, 3);
    assert_eq!(home.run("config diff draft draft --exit-code").code, 0);
    assert_eq!(home.run("config diff 1.1").code, 0);
    let unknown = home.run("config diff 9 draft");
    assert!(unknown.code == 2 && unknown.err.contains("there is no version 9"), "{}", unknown.err);
    assert_eq!(home.run("config diff nonsense").code, 2);
    assert_eq!(home.run("config diff 2.1 draft").code, 2, "the draft 1 was never the draft 2");
    assert_eq!(home.run("config diff").code, 3, "nothing is deployed");
}

#[test]
fn a_version_is_rolled_back_and_history_only_grows() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    exported(&home, "dana.toml", poll(90));
    assert_eq!(home.run("--author dana config import dana.toml --strict").code, 0);
    assert_eq!(home.run("--author mia config deploy --note slower").code, 0);
    assert_eq!(home.run("config diff 1 deployed --exit-code").code, 3);
    let back = done(&home.run("--json --author mia config rollback 1"));
    assert_eq!((&back["version"], &back["state"], &back["changed"]), (&json!(3), &json!("draft"), &json!(true)));
    assert_eq!(home.run("config diff 1 draft --exit-code").code, 0);
    let again = done(&home.run("--json config rollback 1"));
    assert_eq!(again["changed"], false);
    assert_eq!(home.run("config deploy").code, 0);
    let forth = home.run("--author dana config rollback 2 --deploy --note again");
    assert_eq!(forth.code, 0, "{}", forth.err);
    assert!(forth.out.contains("Version 4 is deployed"), "{}", forth.out);
    let history = home.run("--json config history").json();
    let rows: Vec<_> =
        history["versions"].as_array().unwrap().iter().map(|row| (&row["version"], &row["note"])).collect();
    let notes = [json!("again"), json!("rolled back to version 1"), json!("slower")];
    assert_eq!(rows[..3].iter().map(|(_, note)| (*note).clone()).collect::<Vec<_>>(), notes);
    assert_eq!(history["versions"][0]["deployed"]["by"], "dana");
    assert_eq!(history["versions"][2]["deployed"]["by"], "mia");
    assert_eq!(history["versions"][2]["author"], "dana");
    let text = home.run("config history").out;
    assert!(text.lines().next().unwrap().contains("deployed"), "{text}");
    assert!(text.contains(" by mia  slower"), "{text}");
    assert_eq!(home.run("config rollback 9").code, 2);
}

#[test]
fn a_name_that_fits_no_table_is_refused() {
    let home = home();
    assert_eq!(home.run("--author=   config show").code, 2);
    let long = "x".repeat(61);
    assert_eq!(home.run(&format!("--author {long} config show")).code, 2);
    let named = home.run_in("config import -", &home.run("config export -").out, &[("LOCKSTEP_AUTHOR", "Dana")]);
    assert_eq!(named.code, 0, "{}", named.err);
    assert_eq!(home.run("--json config history").json()["versions"][0]["author"], "Dana");
}

#[test]
fn a_file_that_was_taken_before_is_not_taken_again_by_itself_once_somebody_went_back() {
    let home = home();
    exported(&home, "dana.toml", poll(90));
    let before = home.run("--json config history").json()["versions"][0].clone();
    let before = format!("{}.{}", before["version"], before["edit"]);
    assert_eq!(done(&home.run("--json config import dana.toml"))["taken"], true);
    done(&home.run(&format!("--json config rollback {before}")));
    let history = home.run("--json config history --all").json();

    let told = home.run("config import dana.toml");
    assert_eq!(told.code, 0, "{}", told.err);
    let words = told.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.starts_with("Nothing of dana.toml was taken: the draft 1."), "{words}");
    assert!(words.contains("`lockstep config import dana.toml --replace` takes it as it is"), "{words}");
    let json = done(&home.run("--json config import dana.toml"));
    assert_eq!((&json["taken"], &json["merged"][0]["path"]), (&json!(false), &json!("timing.poll")));
    let strict = home.run("config import dana.toml --strict");
    assert_eq!(strict.code, 3, "{}", strict.out);
    assert!(strict.err.contains("nothing of dana.toml was taken"), "{}", strict.err);
    assert_eq!(home.run("--json config history --all").json(), history, "nothing was saved");

    done(&home.run("--json config import dana.toml --replace"));
    assert_eq!(home.run("--json config show").json()["config"]["timing"]["poll"], 90);
}
