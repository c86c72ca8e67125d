//! Connections: tried before they are stored, and looked at by the doctor.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Home, Sim, answer, findings, post};

#[test]
fn a_system_that_does_not_answer_is_exit_code_4_and_is_not_stored() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    // Port 9 of the loopback: nobody listens there.
    let args = "--json connect hubspot --base-url http://127.0.0.1:9 --token-stdin";
    let refused = home.run_with(args, "pat-na1-geheim\n");
    assert_eq!((refused.code, &refused.json()["error"]["kind"]), (4, &Value::from("connection")), "{}", refused.err);
    assert!(!refused.err.contains("geheim") && !refused.out.contains("geheim"));
    let plan = home.run("plan");
    assert_eq!(plan.code, 3, "nothing is deployed: {}", plan.err);
}

#[test]
fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    let hubspot = "connect hubspot --base-url http://example.com --token-stdin";
    let connectwise = "connect connectwise --site http://psa.example.com --company acme --public-key AbCd \
                       --client-id 01234567-89ab-cdef-0123-456789abcdef --private-key-stdin";
    for args in [hubspot, connectwise] {
        let refused = home.run_with(args, "pat-x\n");
        assert_eq!(refused.code, 2, "{}", refused.err);
        assert!(refused.err.contains("without encryption"), "{}", refused.err);
    }
}

fn has(findings: &[Value], severity: &str, what: &str) -> bool {
    findings.iter().any(|one| one["severity"] == severity && one["what"].as_str().unwrap().contains(what))
}

/// A system that takes a call and never answers it; who waits for it can still end.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_doctor_that_waits_and_says_what_was_done() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    let connect = format!("connect hubspot --base-url http://{} --token-stdin --offline", silent.local_addr().unwrap());
    assert_eq!(home.run_with(&connect, "token").code, 0);
    let child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .arg("--home")
        .arg(home.path())
        .arg("doctor")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // When it calls, it listens for signals already.
    let (_call, _) = silent.accept().unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ended = answer(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{}", ended.err);
    assert!(ended.err.contains("interrupted") && ended.err.contains("nothing was changed"), "{}", ended.err);
}

#[test]
fn the_doctor_of_a_new_workspace_says_the_next_steps() {
    let home = Home::new();
    assert_eq!(home.run("init acme").code, 0);
    let findings = findings(&home, 4);
    assert!(has(&findings, "problem", "HubSpot is not connected"), "{findings:?}");
    assert!(has(&findings, "problem", "ConnectWise is not connected"), "{findings:?}");
    assert!(has(&findings, "warning", "Nothing is deployed yet"), "{findings:?}");
    let remedies: Vec<&str> = findings.iter().map(|one| one["remedy"].as_str().unwrap()).collect();
    assert!(remedies.contains(&"Run `lockstep connect hubspot`."), "{remedies:?}");
    let text = home.run("doctor");
    assert_eq!(text.code, 4);
    assert!(text.out.contains("next: Run `lockstep connect connectwise --site URL"), "{}", text.out);
}

#[test]
fn the_doctor_looks_at_one_system_though_the_other_is_gone() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let well = findings(&home, 0);
    assert!(has(&well, "fine", "clock agrees with that of HubSpot"), "{well:?}");
    assert!(has(&well, "fine", "clock agrees with that of ConnectWise"), "{well:?}");
    let args = "connect hubspot --offline --base-url http://127.0.0.1:9 --token-stdin";
    assert_eq!(home.run_with(args, "pat-na1-geheim").code, 0);
    let half = findings(&home, 4);
    assert!(has(&half, "problem", "127.0.0.1 cannot be reached"), "{half:?}");
    assert_eq!(half[0]["system"], "hubspot", "what cuts off comes first: {half:?}");
    assert!(has(&half, "fine", "clock agrees with that of ConnectWise"), "{half:?}");
    assert!(!half.iter().any(|one| one.to_string().contains("geheim")));
}

#[test]
fn a_new_field_is_told_once_and_with_its_time() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let nothing = home.run("--json schema --drift").json();
    assert_eq!(nothing["schemas"], serde_json::json!([]));
    let before = nothing["drift"].as_array().unwrap().len();
    let body = r#"{"name":"favourite_colour","label":"Favourite colour","type":"string","fieldType":"text","groupName":"companyinformation"}"#;
    let status = post(sim.text("hubspot", "url"), "/crm/v3/properties/companies", sim.text("hubspot", "token"), body);
    assert!(status.starts_with("HTTP/1.1 201"), "{status}");
    let changed = home.run("--json schema company --refresh --drift");
    assert_eq!(changed.code, 0, "{}", changed.err);
    let drift = changed.json()["drift"].clone();
    assert_eq!(drift.as_array().unwrap().len(), before + 1, "{drift}");
    let change = &drift[0]["changes"][0];
    assert_eq!(
        (&change["change"]["field"], &change["change"]["change"]),
        (&"favourite_colour".into(), &"added".into())
    );
    assert_eq!(change["hurts"], serde_json::json!([]));
    let again = home.run("--json schema company --refresh --drift").json();
    assert_eq!(again["drift"].as_array().unwrap().len(), before + 1, "{again}");
    let text = home.run("schema company");
    assert!(text.out.contains("favourite_colour") && text.out.contains("option"), "{}", text.out);
}

#[test]
fn without_ca_certificates_the_simulators_work_and_everything_else_says_what_to_install() {
    let home = Home::new();
    let bare = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let well = home.run_in("doctor", "", &bare);
    assert_eq!(well.code, 0, "{} {}", well.out, well.err);
    let args = "connect hubspot --offline --base-url https://127.0.0.1:9 --token-stdin";
    let refused = home.run_in(args, "pat-na1-geheim", &bare);
    assert_eq!(refused.code, 4, "{}", refused.err);
    assert!(refused.err.contains("no CA certificates") && refused.err.contains("ca-certificates"), "{}", refused.err);
}
