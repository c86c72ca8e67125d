//! The test of a draft, as a person and as a pipeline use it.

use serde_json::Value;

use crate::{Answer, Home, Sim};

/// A filled workspace.
fn filled(home: &Home) -> Sim {
    let sim = Sim::start(home);
    sim.connect(home, |text| text);
    assert_eq!(home.run("sync --once").code, 5);
    sim
}

fn import(home: &Home, edit: impl FnOnce(String) -> String) {
    let text = edit(home.run("config export -").out);
    let done = home.run_with("config import -", &text);
    assert_eq!(done.code, 0, "{}", done.err);
}

/// A number of companies, by what is counted.
fn number<'a>(answer: &'a Value, what: &str, system: &str) -> &'a Value {
    let numbers = answer["objects"]["company"]["numbers"].as_array().unwrap();
    let is_it = |number: &&Value| number["what"] == what && (system.is_empty() || number["system"] == system);
    numbers.iter().find(is_it).unwrap_or(&Value::Null)
}

fn words(answer: &Answer) -> String {
    answer.out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_test_says_what_the_run_after_the_deploy_does_and_which_guard_holds_it() {
    let home = Home::new();
    let _sim = filled(&home);
    let none = home.run("config test");
    assert_eq!(none.code, 3, "{}", none.out);
    assert!(none.err.contains("there is no draft to test"), "{}", none.err);
    // the conflicts about the phone are decided by rule: several updates at once, more than may be
    import(&home, |text| {
        let text = text.replace("updates = { count = 500, percent = 20 }", "updates = { count = 1, percent = 0 }");
        text.replace("wins = \"ask\"", "wins = \"hubspot\"")
    });
    let told = home.run("--json config test");
    assert_eq!(told.code, 3, "{} {}", told.out, told.err);
    let told = told.json();
    let updates = number(&told, "update", "connectwise");
    let n = updates["new"]["total"].as_u64().unwrap();
    assert!(n > 1 && updates["draft"] == n && updates["deployed"] == 0, "{told}");
    assert_eq!(updates["new"]["records"].as_array().unwrap().len() as u64, n);
    assert_eq!(number(&told, "hold", "")["no_longer"]["total"], n, "{told}");
    let fields = told["objects"]["company"]["fields"].as_array().unwrap();
    let field = fields.iter().find(|field| field["what"] == "update").unwrap();
    assert_eq!((&field["field"], &field["draft"]), (&"phone~phoneNumber".into(), &updates["draft"]), "{told}");
    assert_eq!(told["tested"], true);
    let text = words(&home.run("config test"));
    for part in [
        "Test of draft 2 against the deployed version 1".to_owned(),
        format!("The first run would be held: {}", told["guard"].as_str().unwrap()),
        format!("are updated in ConnectWise {n} {n} – –"),
        format!("are held for a person {} – {n} –", number(&told, "hold", "")["draft"]),
        format!("phone → phoneNumber {n} {n} – –"),
    ] {
        assert!(text.contains(&part), "{part:?} is not in {text}");
    }
    // the run itself says and does the same
    assert_eq!(home.run("config deploy").code, 0, "it is tested");
    let held = home.run("--json sync --once");
    assert_eq!(held.code, 3, "{}", held.out);
    let held = held.json();
    assert_eq!(held["error"]["cause"], told["guard"]);
    let approved = home.run(&format!("--json sync --once --approve {}", held["error"]["plan"].as_str().unwrap()));
    let did = &approved.json()["objects"]["company"];
    let sent = did["connectwise"]["updated"].as_u64().unwrap() + did["failed"].as_u64().unwrap();
    assert_eq!(sent, n, "ConnectWise refuses some of it: {}", approved.out);
}

#[test]
fn a_draft_is_deployed_once_it_is_tested_and_a_change_makes_it_untested() {
    let home = Home::new();
    let _sim = filled(&home);
    import(&home, |text| text.replace("wins = \"ask\"", "wins = \"hubspot\""));
    let refused = home.run("config deploy");
    assert_eq!(refused.code, 3, "{}", refused.out);
    assert!(refused.err.contains("not tested") && refused.err.contains("--untested"), "{}", refused.err);
    let part = home.run("--json config test --object company");
    assert_eq!((part.code, part.json()["tested"].as_bool()), (0, Some(false)), "{}", part.out);
    assert_eq!(home.run("config deploy").code, 3, "one object is not all");
    assert_eq!(home.run("config test --object meeting").code, 2);

    let strict = home.run("--json config test --fail-on creates>0,updates>0");
    assert_eq!(strict.code, 3, "{}", strict.out);
    let exceeded = strict.json()["exceeded"][0].as_str().unwrap().to_owned();
    assert!(exceeded.starts_with("updates>0: it is "), "{exceeded}");
    assert_eq!(home.run("config test --fail-on creates>0 --fail-on holds>0").code, 0);
    assert_eq!(home.run("config test --fail-on wonders>0").code, 2);
    let states = |home: &Home| home.run("--json config history").json()["versions"][0]["state"].clone();
    assert_eq!(states(&home), "tested");

    import(&home, |text| text.replace("poll = 60", "poll = 61"));
    assert_eq!(states(&home), "draft");
    assert_eq!(home.run("config deploy").code, 3, "what was tested is another text");
    assert_eq!(home.run("config deploy --untested").code, 0);
    assert_eq!(states(&home), "deployed");
}

#[test]
fn a_test_names_the_fields_that_only_the_draft_reads() {
    let home = Home::new();
    let _sim = filled(&home);
    let filter = "\n[object.filters]\nto_connectwise = \"hs_num_child_companies > 10\"\n\n[[object.";
    import(&home, |text| text.replacen("\n[[object.", filter, 1));
    let told = home.run("--json config test");
    assert_eq!(told.code, 0, "{} {}", told.out, told.err);
    let told = told.json();
    let unread = &told["unread"][0];
    assert_eq!(
        (&unread["system"], &unread["fields"][0]),
        (&"hubspot".into(), &"hs_num_child_companies".into()),
        "{told}"
    );
    assert_eq!(number(&told, "leave", ""), &Value::Null, "an unread field is not an empty one: {told}");
    assert!(number(&told, "unread", "")["draft"].as_u64().unwrap() > 0, "{told}");
    let text = words(&home.run("config test"));
    assert!(text.contains("Companies of HubSpot: hs_num_child_companies is read once this is deployed"), "{text}");
}

#[test]
fn a_workspace_without_records_needs_no_test() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    import(&home, |text| text.replace("poll = 60", "poll = 61"));
    let told = home.run("config test");
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(words(&told).contains("No record was read yet, so there is nothing to test on."), "{}", told.out);
    let limited = home.run("config test --fail-on creates>0");
    assert_eq!(limited.code, 3, "a limit of nothing is none: {}", limited.out);
    assert!(limited.err.contains("no record was read yet"), "{}", limited.err);
    import(&home, |text| text.replace("poll = 61", "poll = 62"));
    assert_eq!(home.run("config deploy").code, 0);
}

#[test]
fn whoever_rolls_back_and_deploys_at_once_is_told_what_it_does_and_what_holds_it() {
    let home = Home::new();
    let _sim = filled(&home);
    import(&home, |text| {
        text.replace("updates = { count = 500, percent = 20 }", "updates = { count = 1, percent = 0 }")
    });
    assert_eq!(home.run("config deploy --untested").code, 0);
    import(&home, |text| text.replace("wins = \"ask\"", "wins = \"hubspot\""));
    assert_eq!(home.run("config deploy --untested").code, 0);
    import(&home, |text| text.replace("wins = \"hubspot\"", "wins = \"ask\""));
    assert_eq!(home.run("config deploy --untested").code, 0);
    let told = home.run("--json config rollback 3 --deploy");
    assert_eq!(told.code, 0, "{}", told.err);
    let told = told.json();
    assert!(told["guard"].as_str().is_some_and(|guard| guard.contains("update")), "{told}");
    assert!(told["looked_at"].as_u64().unwrap() > 0, "{told}");
    let back = home.run("config rollback 4 --deploy");
    assert_eq!(back.code, 0, "{}", back.err);
    let text = words(&back);
    assert!(text.contains("no guard holds the first run.") && text.contains("New (+), no longer (−)"), "{text}");
    let at_once = home.run("--json config rollback 3 --deploy --untested");
    assert_eq!((at_once.code, at_once.json().get("looked_at")), (0, None), "{}", at_once.out);
    assert_eq!(home.run("config rollback 3 --untested").code, 2);
    let tested = &home.run("--json config history").json()["versions"][1]["tested"];
    assert!(tested["by"].is_string(), "{tested}");
}

#[test]
fn a_test_names_the_field_for_which_a_record_is_held() {
    let home = Home::new();
    let _sim = filled(&home);
    import(&home, |text| text.replace("poll = 60", "poll = 61"));
    let told = home.run("--json config test").json();
    let fields = told["objects"]["company"]["fields"].as_array().unwrap();
    let held = fields.iter().find(|field| field["what"] == "hold" && field["field"] == "phone~phoneNumber");
    let held = held.unwrap();
    assert!(held["draft"].as_u64().unwrap() > 0 && held["draft"] == held["deployed"], "{told}");
    assert!(words(&home.run("config test")).contains("phone ~ phoneNumber, held"));
}

#[test]
fn a_limit_is_not_judged_by_records_that_nobody_read() {
    let home = Home::new();
    let _sim = filled(&home);
    let added = home.run("config add product");
    assert_eq!(added.code, 0, "{}", added.err);
    let limited = home.run("config test --fail-on creates>0");
    assert_eq!(limited.code, 3, "{}", limited.out);
    assert!(limited.err.contains("products were not read yet, so no limit can be judged"), "{}", limited.err);
    assert_eq!(home.run("config test --object company --fail-on creates>0").code, 0, "companies were");
}
