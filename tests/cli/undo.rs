//! Runs are listed, looked into and taken back; what does not fit is refused.

use serde_json::Value;

use super::{Home, Sim};

/// A workspace in which one edit of a company's city crossed from HubSpot: its run, its write and both records.
fn edited(home: &Home, sim: &Sim) -> (u64, u64, u64, u64) {
    sim.connect(home, |text| text);
    assert_eq!(home.run("sync --once").code, 5);
    let pair = home.run("--json explain company --connectwise 19306").json();
    let (hubspot, connectwise) = (pair["hubspot"].as_u64().unwrap(), 19306);
    let body = r#"{"properties": {"city": "Bonn"}}"#;
    let path = format!("/crm/v3/objects/companies/{hubspot}");
    let answer = super::http("PATCH", sim.text("hubspot", "url"), &path, sim.text("hubspot", "token"), body);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let pushed = home.run(&format!("push company --hubspot {hubspot} --to connectwise"));
    assert_eq!(pushed.code, 0, "{}", pushed.err);
    let runs = home.run("--json runs").json();
    let newest = &runs["runs"][0];
    assert_eq!(newest["kind"], "push");
    let run = newest["run"].as_u64().unwrap();
    let writes = home.run(&format!("--json runs {run}")).json();
    let write = &writes["writes"][0];
    assert_eq!((&write["record"], &write["system"]), (&connectwise.into(), &"connectwise".into()), "{writes}");
    let city = write["fields"].as_array().unwrap().iter().find(|field| field["field"] == "city").unwrap();
    assert_eq!(city["after"], "Bonn");
    (run, write["write"].as_u64().unwrap(), hubspot, connectwise)
}

fn city(home: &Home, connectwise: u64) -> Value {
    let told = home.run(&format!("--json explain company --connectwise {connectwise}")).json();
    let fields = told["fields"].as_array().unwrap();
    fields.iter().find(|field| field["field"].as_str().unwrap().starts_with("city")).unwrap()["connectwise"].clone()
}

#[test]
fn a_write_is_previewed_taken_back_and_done_again_from_the_shell() {
    let home = Home::new();
    let sim = Sim::start(&home);
    let (run, write, _, connectwise) = edited(&home, &sim);
    let listed = home.run("runs");
    assert!(listed.code == 0 && listed.out.contains("push"), "{}", listed.out);
    assert!(home.run(&format!("runs {run}")).out.contains(&format!("write {write}")));

    let preview = home.run(&format!("--json undo write {write} --dry-run"));
    assert_eq!(preview.code, 0, "{} {}", preview.out, preview.err);
    assert_eq!((&preview.json()["run"], &preview.json()["fields"][0]["end"]), (&Value::Null, &"restore".into()));
    assert_eq!(city(&home, connectwise), "Bonn");

    let undone = home.run(&format!("undo write {write}"));
    assert_eq!(undone.code, 0, "{} {}", undone.out, undone.err);
    let fields = preview.json()["fields"].as_array().unwrap().len();
    assert!(undone.out.contains(&format!("undo of run {run}: {fields} field")), "{}", undone.out);
    assert_ne!(city(&home, connectwise), "Bonn");
    let newest = home.run("--json runs --limit 1").json()["runs"][0].clone();
    assert_eq!((&newest["kind"], &newest["undo_of"]), (&"undo".into(), &run.into()));
    assert!(home.run("runs").out.contains(&format!("undo of run {run}")));

    let twice = home.run(&format!("undo write {write}"));
    assert_eq!(twice.code, 0, "{}", twice.err);
    assert!(twice.out.contains("everything holds what it held before"), "{}", twice.out);
    assert_eq!(home.run("--json runs --limit 1").json()["runs"][0]["run"], newest["run"], "nothing was written");

    let redone = home.run(&format!("--json undo record company --connectwise {connectwise}"));
    assert_eq!((redone.code, &redone.json()["restored"]), (0, &fields.into()), "{} {}", redone.out, redone.err);
    assert_eq!((&redone.json()["undo_of"], city(&home, connectwise)), (&newest["run"], "Bonn".into()));
}

#[test]
fn what_was_made_is_told_and_ends_with_5() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let first = home.run("--json sync --once");
    let run = first.json()["run"].as_u64().unwrap();
    let preview = home.run(&format!("--json undo run {run} --dry-run"));
    assert_eq!(preview.code, 5, "{} {}", preview.out, preview.err);
    let json = preview.json();
    let kept = json["kept"].as_array().unwrap();
    assert!(kept.iter().any(|one| one["why"].as_str().unwrap().contains("deletes nothing")), "{json}");
    assert!(kept.iter().any(|one| one["why"].as_str().unwrap().contains("stay linked")), "{json}");
}

#[test]
fn what_does_not_fit_is_refused_with_the_next_step() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    for (args, what) in [
        ("undo run 999", "there is no run 999 in this workspace"),
        ("undo write 999999", "there is no write 999999 in this workspace"),
        ("runs 999", "there is no run 999 in this workspace"),
        ("undo record deal --hubspot 1", "Deals are not mapped"),
        ("undo run 0", "0"),
        ("undo run -1", "-1"),
        ("undo run seven", "seven"),
        ("undo write", "ID"),
        ("undo record company", "hubspot"),
        ("undo", "Usage"),
        ("runs --limit 0", "0"),
        ("undo run 1 --dry-run --approve abc", "approve"),
    ] {
        let refused = home.run(args);
        assert_eq!(refused.code, 2, "{args}: {} {}", refused.out, refused.err);
        assert!(refused.err.contains(what), "{args}: {}", refused.err);
    }
    let unknown = home.run("--json undo run 999").json();
    assert!(unknown["error"]["hint"].as_str().unwrap().contains("lockstep runs"), "{unknown}");
    for dry_run in ["", " --dry-run"] {
        let nobody = home.run(&format!("--json undo record company --hubspot 1{dry_run}"));
        assert_eq!(nobody.code, 2, "{}", nobody.err);
        let error = &nobody.json()["error"];
        assert_eq!(error["what"], "there is no HubSpot company 1 in this workspace");
        assert!(error["hint"].as_str().unwrap().contains("check the id"), "{error}");
    }
    assert!(home.run("runs").out.contains("Nothing ran yet"));
    assert_eq!(home.run("plan").code, 0);
    let planned = home.run("undo run 1");
    assert_eq!(planned.code, 0, "{}", planned.err);
    assert!(planned.out.contains("there is nothing to undo"), "{}", planned.out);
    assert_eq!(home.run("undo run 1 --approve 0000").code, 2, "an unknown plan is not approved");
    let watched = home.run("--read-only undo run 1");
    assert_eq!(watched.code, 2, "{}", watched.err);
}

#[test]
fn a_big_undo_is_held_and_let_through_by_its_hash() {
    let home = Home::new();
    let sim = Sim::start(&home);
    let (run, _, _, connectwise) = edited(&home, &sim);
    let config = home.run("config export -").out;
    let config = config.replace("updates = { count = 500, percent = 20 }", "updates = { count = 0, percent = 0 }");
    assert_eq!(home.run_with("config import -", &config).code, 0);
    assert_eq!(home.run("config deploy --untested").code, 0);
    let held = home.run(&format!("--json undo run {run}"));
    assert_eq!(held.code, 3, "{} {}", held.out, held.err);
    let hash = held.json()["error"]["plan"].as_str().unwrap().to_owned();
    assert_eq!(city(&home, connectwise), "Bonn");
    assert_eq!(home.run(&format!("sync --once --approve {hash}")).code, 2, "it is no plan of a sync");
    let done = home.run(&format!("--json undo run {run} --approve {hash}"));
    assert!(done.code == 0 && done.json()["restored"].as_u64() >= Some(1), "{} {}", done.out, done.err);
    assert_ne!(city(&home, connectwise), "Bonn");
}
