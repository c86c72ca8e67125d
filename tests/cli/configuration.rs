//! The life of a configuration: out to a file, back in, checked, deployed.

use std::fs;

use serde_json::Value;

use super::{Home, Sim, http};

#[test]
fn a_draft_goes_out_to_a_file_and_comes_back_the_same() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    let before = home.run("--json config show").json();
    assert_eq!(home.run("config export acme.toml").code, 0);
    assert_eq!(home.run("config export acme.toml").code, 3, "a file that is there is not replaced");
    assert_eq!(home.run("config export acme.toml --force").code, 0);
    assert_eq!(home.run("config import acme.toml").code, 0);
    let after = home.run("--json config show").json();
    assert_eq!(after["config"], before["config"]);
    let stdout = home.run("config export -");
    let file = fs::read_to_string(home.path().join("acme.toml")).unwrap();
    // the first line says what each was made of
    assert_eq!(stdout.out.split_once('\n').unwrap().1, file.split_once('\n').unwrap().1);
    assert!(file.starts_with("# Lockstep configuration 1.1\n"), "{file}");
}

#[test]
fn a_file_that_is_no_configuration_changes_nothing_and_says_where_it_is_wrong() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    let before = home.run("--json config show").json();
    fs::write(home.path().join("bad.toml"), "[timing]\npoll = \"often\"\nnonsense = 1\n").unwrap();
    let refused = home.run("config import bad.toml");
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(refused.err.contains("line 2") && refused.err.contains("nonsense"), "{}", refused.err);
    assert_eq!(home.run("config import nowhere.toml").code, 1);
    assert_eq!(home.run("--json config show").json(), before);
}

#[test]
fn a_draft_that_was_never_checked_against_the_systems_is_not_deployed() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    let refused = home.run("--json config deploy");
    assert_eq!((refused.code, &refused.json()["error"]["kind"]), (3, &Value::from("refused")));
    assert!(refused.err.contains("lockstep connect hubspot"), "{}", refused.err);
    let history = home.run("--json config history").json();
    assert_eq!(history["versions"][0]["state"], "draft");
}

#[test]
fn deals_are_added_with_the_field_that_is_meant_for_their_key() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let added = home.run("--json config add deal");
    assert_eq!(added.code, 0, "{}", added.err);
    assert_eq!(added.json()["key_field"], "customFields/51");
    assert_eq!(added.json()["errors"], serde_json::json!([]));
    let again = home.run("config add deal");
    assert!(again.code == 3 && again.err.contains("already"), "{}", again.err);
    assert_eq!(home.run("config deploy").code, 0);
    let synced = home.run("--json sync --once");
    assert_eq!(synced.code, 5, "{}", synced.err);
    let deal = home.run("--json explain deal --connectwise 4117");
    assert!(deal.json()["hubspot"].is_u64(), "{}", deal.out);
}

/// A busy tenant is waited for, for as long as it asks, and the person is told what is waited for.
#[test]
fn an_object_is_added_though_the_system_asks_for_a_pause_on_the_way() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let faults = |method, body: &str| http(method, sim.text("connectwise", "url"), "/_sim/faults", "", body);
    let rule = |seconds: u32, count: u32| {
        let limited = serde_json::json!({"limited": {"retry_after": {"seconds": seconds}}});
        serde_json::json!({"fault": limited, "side": "connectwise", "count": count}).to_string()
    };
    assert!(faults("POST", &rule(1, 2)).starts_with("HTTP/1.1 2"));
    let added = home.run("--json config add deal");
    assert_eq!(added.code, 0, "{}", added.err);
    assert_eq!(added.json()["key_field"], "customFields/51");
    assert!(added.err.contains("ConnectWise asks for a pause: waiting 1 s."), "{}", added.err);

    // nobody waits longer than five minutes
    assert!(faults("POST", &rule(301, 1)).starts_with("HTTP/1.1 2"));
    let refused = home.run("config add ticket --board alerts");
    assert!(refused.code == 4 && refused.err.contains("301"), "{} {}", refused.code, refused.err);
}

#[test]
fn products_are_added_without_a_key_in_connectwise_and_never_the_other_way() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let added = home.run("--json config add product");
    assert_eq!(added.code, 0, "{}", added.err);
    assert_eq!((&added.json()["key_field"], &added.json()["errors"]), (&Value::Null, &serde_json::json!([])));
    assert!(!added.json()["warnings"].to_string().contains("product "), "{}", added.out);
    assert_eq!(home.run("config deploy").code, 0);
    assert_eq!(home.run("--json sync --once").code, 5);
    let product = home.run("--json explain product --connectwise 601").json();
    assert!(product["hubspot"].is_u64(), "{product}");
    let pushed = home.run("--json push product --connectwise 602 --to hubspot --dry-run");
    assert_eq!(pushed.code, 0, "{} {}", pushed.out, pushed.err);
    assert_eq!(home.run("config export both.toml").code, 0);
    let file = home.path().join("both.toml");
    let text = fs::read_to_string(&file).unwrap();
    let both = text.replace("direction = \"to_hubspot\"\nhubspot_stamp", "hubspot_stamp");
    assert_ne!(both, text);
    fs::write(&file, both).unwrap();
    assert_eq!(home.run("config import both.toml").code, 0);
    let refused = home.run("config deploy");
    assert_eq!(refused.code, 3, "{}", refused.out);
    assert!(refused.err.contains("never written to ConnectWise"), "{}", refused.err);
}

#[test]
fn line_items_are_added_after_the_deals_and_products_that_they_point_to() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    for parent in ["deal", "product"] {
        let refused = home.run("config add line_item");
        assert_eq!(refused.code, 3, "{}", refused.out);
        assert!(refused.err.contains(&format!("lockstep config add {parent}")), "{}", refused.err);
        assert_eq!(home.run(&format!("config add {parent}")).code, 0);
    }
    let added = home.run("--json config add line_item");
    assert_eq!((added.code, &added.json()["errors"]), (0, &serde_json::json!([])), "{} {}", added.out, added.err);
    assert!(!added.json()["warnings"].to_string().contains("line_item "), "{}", added.out);
    assert_eq!(home.run("config deploy").code, 0);
    assert_eq!(home.run("--json sync --once").code, 5);
    // The first ids are those of amounts, which are no line items.
    let told = |id: u64| home.run(&format!("--json explain line_item --connectwise {id}"));
    let item = (12_001..12_030).map(told).find(|told| told.code == 0).unwrap();
    assert!(item.json()["hubspot"].is_u64(), "{}", item.out);
}

#[test]
fn tickets_are_added_with_their_key_and_the_board_that_is_named() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let unnamed = home.run("config add ticket");
    assert_eq!(unnamed.code, 3, "{}", unnamed.err);
    assert!(unnamed.err.contains("\"Help Desk\", \"Alerts\", \"Projects\""), "{}", unnamed.err);
    let unknown = home.run("config add ticket --board Old-Board");
    assert!(unknown.code == 3 && unknown.err.contains("Old-Board"), "{}", unknown.err);
    assert_eq!(home.run("config add contact --board Alerts").code, 2);
    let added = home.run("--json config add ticket --board alerts");
    assert_eq!(added.code, 0, "{}", added.err);
    assert_eq!(added.json()["key_field"], "customFields/61");
    assert_eq!(added.json()["errors"], serde_json::json!([]));
    let warnings = added.json()["warnings"].to_string();
    assert!(!warnings.contains("ticket "), "{warnings}");
    assert!(home.run("config show").out.contains("default = { connectwise = \"21/\" }"));
}

#[test]
fn activities_are_added_with_their_types_their_status_and_who_gets_what_nobody_owns() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    for (line, code, words) in [
        ("config add deal --activity-type Call", 2, "leave --activity-type out"),
        ("config add contact --assign-to mvance", 2, "leave --assign-to out"),
        ("config add call --activity-type Chat", 3, "\"Task\", \"Call\", \"Meeting\", \"Note\""),
        (
            "config add call --assign-to nobody@acme.example.com",
            3,
            "no active member has that login, name, address or id",
        ),
    ] {
        let refused = home.run(line);
        assert_eq!(refused.code, code, "{line}: {}", refused.err);
        assert!(refused.err.contains(words), "{line}: {}", refused.err);
    }
    for object in ["task --assign-to 150", "call", "meeting", "note"] {
        let added = home.run(&format!("--json config add {object}"));
        assert_eq!((added.code, &added.json()["errors"]), (0, &serde_json::json!([])), "{} {}", added.out, added.err);
        assert_eq!(added.json()["key_field"], "customFields/71");
        let kind = object.split(' ').next().unwrap();
        let warnings = added.json()["warnings"].to_string();
        assert!(!warnings.contains(&format!("{kind} ")), "{warnings}");
    }
    let shown = home.run("config show").out;
    for line in ["activity_types = [2]", "activity_status = 2", "default = { connectwise = \"150\" }"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("associations/deals"), "deals are not in the configuration");
    assert_eq!(home.run("config export all.toml").code, 0);
    let file = home.path().join("all.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("activity_types = [2]", "activity_types = [1]", 1)).unwrap();
    assert_eq!(home.run("config import all.toml").code, 0);
    let twice = home.run("config lint");
    assert!(
        twice.code == 3 && (twice.out + &twice.err).contains("The activity type 1 is named for a"),
        "one kind each"
    );
    fs::write(&file, text).unwrap();
    assert_eq!(home.run("config import all.toml").code, 0);
    assert_eq!(home.run("config deploy").code, 0);
    assert_eq!(home.run("--json sync --once").code, 5);
}
