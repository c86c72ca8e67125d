//! The real binary, as a shell and a script meet it: files, exit codes, messages.

#![expect(clippy::unwrap_used, reason = "a test that cannot run the binary must stop")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// One home directory, thrown away after the test.
struct Home(tempfile::TempDir);

struct Answer {
    code: i32,
    out: String,
    err: String,
}

impl Answer {
    /// The one object on stdout.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("{e}: stdout is {:?}, stderr {:?}", self.out, self.err))
    }
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, args: &str) -> Answer {
        self.run_with(args, "")
    }

    fn run_with(&self, args: &str, stdin: &str) -> Answer {
        self.run_in(args, stdin, &[])
    }

    fn run_in(&self, args: &str, stdin: &str, env: &[(&str, &str)]) -> Answer {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .arg("--home")
            .arg(self.path())
            .args(args.split_whitespace())
            .env_remove("LOCKSTEP_WORKSPACE")
            .env_remove("LOCKSTEP_KEY_FILE")
            .envs(env.iter().copied())
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses at once does not read what it is given.
        drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
        answer(child.wait_with_output().unwrap())
    }

    fn key_file(&self) -> std::path::PathBuf {
        self.path().join("keys/acme.key")
    }
}

fn answer(output: Output) -> Answer {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

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
    assert_eq!(stdout.out, fs::read_to_string(home.path().join("acme.toml")).unwrap());
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

/// Both simulated systems as a process of their own.
struct Sim {
    process: std::process::Child,
    at: Value,
}

impl Sim {
    fn start(home: &Home) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .arg("--home")
            .arg(home.path())
            .args(["sim", "--json", "--hubspot-port", "0", "--connectwise-port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = std::io::BufReader::new(process.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        Self { process, at: serde_json::from_str(&line).unwrap() }
    }

    fn text(&self, system: &str, name: &str) -> &str {
        self.at[system][name].as_str().unwrap()
    }

    /// A workspace connected to these systems, with the default configuration deployed after `edit`.
    fn connect(&self, home: &Home, edit: impl FnOnce(String) -> String) {
        assert_eq!(home.run("init acme").code, 0);
        let args = format!("connect hubspot --base-url {} --token-stdin", self.text("hubspot", "url"));
        let done = home.run_with(&args, self.text("hubspot", "token"));
        assert_eq!(done.code, 0, "{}", done.err);
        let cw = |name| self.text("connectwise", name);
        let args = format!(
            "connect connectwise --site {} --company {} --public-key {} --client-id {} --private-key-stdin",
            cw("url"),
            cw("company"),
            cw("public_key"),
            cw("client_id")
        );
        let done = home.run_with(&args, cw("private_key"));
        assert_eq!(done.code, 0, "{}", done.err);
        let text = edit(home.run("config export -").out);
        let done = home.run_with("config import -", &text);
        assert_eq!(done.code, 0, "{}", done.err);
        let done = home.run("config deploy");
        assert_eq!(done.code, 0, "{}", done.err);
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // Both may fail only when the process is gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_workspace_is_connected_planned_synced_and_then_quiet() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let plan = home.run("--json plan");
    assert_eq!(plan.code, 0, "{}", plan.err);
    let created = plan.json()["connectwise"]["created"].as_u64().unwrap();
    assert!(created > 0, "the story has companies that ConnectWise lacks: {}", plan.out);
    let of = |object: &str| plan.json()["objects"][object]["connectwise"]["created"].as_u64().unwrap();
    assert!(of("contact") > 0 && of("company") + of("contact") == created, "{}", plan.out);

    let first = home.run("--json sync --once");
    assert_eq!(first.code, 5, "the story holds records for a person: {}", first.err);
    assert_eq!(first.out.lines().count(), 1);
    let json = first.json();
    assert_eq!(json["connectwise"]["created"].as_u64(), Some(created), "what was planned is what was done");
    assert!(json["linked"].as_u64().unwrap() > 0 && json["held"].as_u64().unwrap() > 0);

    let second = home.run("--json sync --once");
    assert_eq!(second.code, 5, "{}", second.err);
    for system in ["hubspot", "connectwise"] {
        for what in ["created", "updated"] {
            assert_eq!(second.json()[system][what], 0, "a quiet system was written to: {}", second.out);
        }
    }
}

#[test]
fn a_record_is_explained_by_its_number() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let unread = home.run("explain company --hubspot 999999999999");
    assert_eq!(unread.code, 1);
    assert!(unread.err.contains("lockstep plan"), "{}", unread.err);

    let plan = home.run("--json plan").json();
    let pairs = plan["pairs"].as_array().unwrap();
    let pair = pairs.iter().find(|pair| pair["hubspot"].is_u64() && pair["connectwise"].is_u64()).unwrap();
    let (hubspot, connectwise) = (&pair["hubspot"], &pair["connectwise"]);
    assert_eq!(home.run("sync --once").code, 5);

    let explained = home.run(&format!("--json explain company --hubspot {hubspot}"));
    assert_eq!(explained.code, 0, "{}", explained.err);
    let json = explained.json();
    assert_eq!((&json["connectwise"], &json["name"]), (connectwise, &pair["name"]));
    assert!(!json["trace"].as_array().unwrap().is_empty() && !json["fields"].as_array().unwrap().is_empty());
    assert_eq!(home.run(&format!("explain company --connectwise {connectwise}")).code, 0);

    let undecided = pairs.iter().find(|pair| pair["name"] == "Emberwood Builders").unwrap();
    let explained = home.run(&format!("explain company --hubspot {}", undecided["hubspot"]));
    assert!(explained.out.contains("1 field waits for a person"), "{}", explained.out);
    assert!(!explained.out.contains("both sides are in step"), "{}", explained.out);
    let long = pairs.iter().find(|pair| pair["name"].as_str().unwrap().contains("Lamplighters")).unwrap();
    let explained = home.run(&format!("--json explain company --hubspot {}", long["hubspot"])).json();
    assert!(explained["verdict"].as_str().unwrap().contains("105 characters, ConnectWise takes 50"), "{explained}");
    let contact = pairs.iter().find(|pair| pair["object"] == "contact" && pair["hubspot"].is_u64()).unwrap();
    let explained = home.run(&format!("--json explain contact --hubspot {}", contact["hubspot"]));
    assert_eq!((explained.code, &explained.json()["name"]), (0, &contact["name"]), "{}", explained.err);
    let preview = format!("push contact --hubspot {} --to connectwise --dry-run", contact["hubspot"]);
    assert_eq!(home.run(&preview).code, 0);
    for command in ["explain deal --hubspot 1", "push deal --hubspot 1 --to connectwise"] {
        let unmapped = home.run(command);
        assert_eq!(unmapped.code, 2, "{}", unmapped.err);
        assert!(unmapped.err.contains("maps companies, contacts"), "{}", unmapped.err);
    }
    for dry_run in ["", "--dry-run"] {
        let unknown = home.run(&format!("push company --connectwise 999999 --to hubspot {dry_run}"));
        assert_eq!(unknown.code, 1, "{}", unknown.err);
        assert!(unknown.err.contains("there is no ConnectWise company 999999"), "{}", unknown.err);
    }
}

#[test]
fn a_guard_holds_a_run_until_exactly_its_plan_is_approved() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    // the first run of a workspace fills it: that is what it is for, and no guard stops it
    assert_eq!(home.run("sync --once").code, 5);
    // from now on the conflicts about the phone are decided by rule: several updates at once, more than may be
    let config = home.run("config export -").out;
    let config = config.replace("updates = { count = 500, percent = 20 }", "updates = { count = 1, percent = 0 }");
    let config = config.replace("wins = \"ask\"", "wins = \"hubspot\"");
    assert_eq!(home.run_with("config import -", &config).code, 0);
    assert_eq!(home.run("config deploy").code, 0);
    let held = home.run("--json sync --once");
    assert_eq!(held.code, 3, "{} {}", held.out, held.err);
    let error = &held.json()["error"];
    assert_eq!(error["kind"], "refused");
    let hash = error["plan"].as_str().unwrap();
    assert_eq!(home.run("sync --once --approve 0000").code, 2, "an unknown plan is not approved");
    let approved = home.run(&format!("--json sync --once --approve {hash}"));
    assert_eq!(approved.code, 5, "{} {}", approved.out, approved.err);
    assert!(approved.json()["connectwise"]["updated"].as_u64().unwrap() > 1, "{}", approved.out);
}

#[test]
fn a_system_that_went_away_is_exit_code_4_and_nothing_is_lost() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    drop(sim);
    let away = home.run("--json sync --once");
    assert_eq!((away.code, &away.json()["error"]["kind"]), (4, &Value::from("connection")), "{}", away.err);
}

#[test]
fn the_demo_does_its_job_without_a_terminal_and_comes_to_rest() {
    let home = Home::new();
    let demo = home.run("--json demo");
    assert_eq!(demo.code, 0, "{}", demo.err);
    let json = demo.json();
    let passes = json["passes"].as_array().unwrap();
    assert!(passes.len() >= 2 && passes[0]["hubspot"]["created"].as_u64().unwrap() > 0, "{}", demo.out);
    let last = passes.last().unwrap();
    assert_eq!((&last["hubspot"]["created"], &last["connectwise"]["updated"]), (&Value::from(0), &Value::from(0)));
    for object in ["company", "contact", "deal"] {
        assert!(json["records"][object]["in sync"].as_u64().unwrap() > 0, "{object}: {}", demo.out);
        assert!(json["held"].as_array().unwrap().iter().any(|row| row["object"] == object), "{object}: {}", demo.out);
    }
    let text = home.run("demo").out;
    let records: u64 = json["records"]["contact"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert!(text.contains(&format!(", {records} contacts and ")), "{text}");
    assert!(text.contains("Which contacts wait for a person"), "{text}");
}

#[test]
fn two_linked_records_that_were_merged_are_followed_at_once() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    assert_eq!(home.run("sync --once").code, 5);
    let pairs = |id: u64| home.run(&format!("--json explain company --connectwise {id}")).json()["hubspot"].clone();
    let merged = [pairs(19306), pairs(19308)];
    let api = format!("{}/_sim", sim.text("hubspot", "url"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let survivor: Value = runtime.block_on(async {
        // Refused where another test of this process installed it before.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let lag = serde_json::json!({"hubspot": {"create_lag_ms": 0, "update_lag_ms": 0}});
        http.patch(format!("{api}/behaviour")).body(lag.to_string()).send().await.unwrap();
        let other = serde_json::json!({"other": merged[1]}).to_string();
        let call = http.post(format!("{api}/records/hubspot/companies/{}/merge", merged[0])).body(other);
        serde_json::from_str(&call.send().await.unwrap().text().await.unwrap()).unwrap()
    });
    for _ in 0..2 {
        let run = home.run("--json sync --once");
        assert_eq!(run.code, 5, "{} {}", run.out, run.err);
        assert_eq!((&run.json()["hubspot"]["created"], &run.json()["connectwise"]["created"]), (&0.into(), &0.into()));
    }
    assert!([pairs(19306), pairs(19308)].contains(&survivor["id"]), "{survivor}");
}

/// The findings of a doctor whose exit code is that one, and who said nothing else on stdout.
fn findings(home: &Home, code: i32) -> Vec<Value> {
    let told = home.run("--json doctor");
    assert_eq!(told.code, code, "{} {}", told.out, told.err);
    let json = told.json();
    assert_eq!(json["exit"], code);
    json["findings"].as_array().unwrap().clone()
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

/// One POST with a token; gives the whole answer.
fn post(base: &str, path: &str, token: &str, body: &str) -> String {
    http("POST", base, path, token, body)
}

fn http(method: &str, base: &str, path: &str, token: &str, body: &str) -> String {
    use std::io::Read;
    let host = base.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn deals_are_added_with_the_field_that_is_meant_for_their_key() {
    let home = Home::new();
    let sim = Sim::start(&home);
    sim.connect(&home, |text| text);
    let refused = home.run("config add ticket");
    assert_eq!(refused.code, 3, "{}", refused.err);
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
