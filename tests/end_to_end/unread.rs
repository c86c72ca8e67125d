//! Records that lists and changes show in a form that cannot be read: they wait, and cross by themselves when they can.

use lockstep::engine::core::state::{CursorKey, Feed};

use super::*;

/// Whatever is read of companies shows no name that could be one.
fn nameless(side: Side) -> FaultRule {
    let (method, path, pointer) = match side {
        Side::HubSpot => ("POST", "/batch/read", "/results/*/properties/name"),
        Side::ConnectWise => ("GET", "/company/companies", "/*/name"),
    };
    let fault = Fault::Mangle { pointer: pointer.to_owned(), value: Some(json!(["no", "name"])) };
    FaultRule { count: None, ..FaultRule::once(fault).on(side).path(path).method(method) }
}

impl Bench {
    /// Up to when both change feeds are read.
    fn read_up_to(&self) -> i64 {
        let reader = self.workspace.reader().unwrap();
        let from = |system| {
            let key = CursorKey { system, object: ObjectKind::Company, feed: Feed::Hot };
            reader.cursor(key).unwrap().map_or(0, |cursor| cursor.from.0)
        };
        System::BOTH.into_iter().map(from).min().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_changes_show_in_no_readable_form_waits_and_crosses_without_a_sweep() {
    let bench = Bench::with(Data::Empty, |config| config.timing.poll = 1).await;
    let engine = bench.engine(Mode::Watch).await;
    bench.create(HUBSPOT, "Linked");
    until("it crosses", || bench.named(CONNECTWISE, "Linked").len() == 1).await;
    let (linked, there) = (bench.only(HUBSPOT, "Linked"), bench.only(CONNECTWISE, "Linked"));
    let status = |of| bench.workspace.reader().unwrap().status(of).unwrap();
    let in_step = |of| status(of).is_some_and(|status| status.state == RecordState::InSync);
    until("it is in step", || in_step(at(System::HubSpot, linked))).await;

    for side in [HUBSPOT, CONNECTWISE] {
        bench.running.control.inject(nameless(side));
    }
    let before = bench.now();
    bench.edit(CONNECTWISE, there, "city", "Bonn");
    let news = [
        at(System::HubSpot, bench.create(HUBSPOT, "Here")),
        at(System::ConnectWise, bench.create(CONNECTWISE, "There")),
    ];
    for of in news {
        until("it waits", || status(of).is_some_and(|status| status.state == RecordState::Waiting)).await;
        let why = status(of).unwrap().why;
        assert!(why.starts_with(&format!("{}'s answer for this record makes no sense", of.system)), "{why}");
        assert!(why.ends_with("It is read again by itself."), "{why}");
        let push = Ask::Push { record: of, to: of.system.other(), dry_run: false };
        let Reply::Refused { reason, .. } = engine.ask(push).await else { panic!("{of}") };
        assert!(reason.contains("makes no sense"), "{reason}");
    }
    // no change feed looks back so far
    let read = bench.read_up_to();
    bench.running.control.advance(Duration::from_secs(600));
    until("the feeds go on", || bench.read_up_to() > read + 500_000).await;
    assert_eq!(bench.writes_since(before), []);

    bench.running.control.clear_faults();
    until("both cross", || bench.named(CONNECTWISE, "Here").len() == 1 && bench.named(HUBSPOT, "There").len() == 1)
        .await;
    until("the city crosses", || bench.value(HUBSPOT, linked, "city") == "Bonn").await;
    for name in ["Linked", "Here", "There"] {
        let of = at(System::HubSpot, bench.only(HUBSPOT, name));
        until("it is in step", || in_step(of)).await;
    }
    engine.stop().await;
    bench.assert_pairs(&["Linked", "Here", "There"].map(str::to_owned));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_told_as_waiting_everywhere() {
    let bench = Bench::with(Data::Empty, |config| config.timing.poll = 1).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.running.control.inject(nameless(CONNECTWISE));
    bench.edit(CONNECTWISE, connectwise, "city", "Bonn");
    let run = bench.run().await.run;
    assert_eq!((run.verdict, run.counts.total().waiting), (Verdict::Done, 1));
    for (flag, id) in [("hubspot", hubspot), ("connectwise", connectwise)] {
        let (exit, told) = bench.exit_code(&format!("--json explain company --{flag} {id}")).await;
        assert_eq!(exit, 0, "{told}");
        let told: Json = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["state"], &told["decision"]), (&json!("waiting"), &json!("wait")), "{told}");
        let verdict = told["verdict"].as_str().unwrap();
        assert!(verdict.starts_with("Waits: ConnectWise's answer for this record makes no sense"), "{verdict}");
        assert!(told["issues"][0]["hint"].as_str().unwrap().starts_with("It is read again by itself."), "{told}");
        assert!(!told.to_string().contains("1970"), "{told}");
        let (_, told) = bench.exit_code(&format!("explain company --{flag} {id}")).await;
        assert!(told.contains("to be read again in ConnectWise") && !told.contains("1970"), "{told}");
        assert!(!told.contains("in step") && !told.contains("Both sides agree"), "{told}");
    }
    let (_, plan) = bench.exit_code("--json plan").await;
    let plan: Json = serde_json::from_str(&plan).unwrap();
    assert_eq!((&plan["looked_at"], &plan["waiting"]), (&json!(1), &json!(1)), "{plan}");
    assert_eq!(plan["pairs"][0]["name"], "Acme");
    let (exit, told) = bench.exit_code("--json issues").await;
    let told: Json = serde_json::from_str(&told).unwrap();
    assert_eq!((exit, &told["issues"], &told["need_person"]), (0, &json!(1), &json!(0)), "{told}");
    assert_eq!(told["causes"][0]["class"], "unreadable");
    assert_eq!(told["causes"][0]["records"][0]["name"], "Acme");
    let issues = || bench.workspace.reader().unwrap().issues_of(at(System::HubSpot, hubspot)).unwrap();
    let classes: Vec<IssueClass> = issues().iter().map(|issue| issue.class).collect();
    assert_eq!(classes, [IssueClass::Unreadable]);

    bench.running.control.clear_faults();
    until_in_step(&bench, connectwise).await;
    assert_eq!(bench.value(HUBSPOT, hubspot, "city"), "Bonn");
    assert_eq!(issues(), []);
}

/// Runs until the pair of that company is in step: what could not be read rests for a while.
async fn until_in_step(bench: &Bench, connectwise: u64) {
    let of = at(System::ConnectWise, connectwise);
    let deadline = Instant::now() + PATIENCE;
    loop {
        bench.settle().await;
        let reader = bench.workspace.reader().unwrap();
        let anchor = reader.link_of(of).unwrap().unwrap().record(System::HubSpot);
        if reader.status(anchor).unwrap().is_some_and(|status| status.state == RecordState::InSync) {
            return;
        }
        assert!(Instant::now() < deadline, "it is not read again");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
