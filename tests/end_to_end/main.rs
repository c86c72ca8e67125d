//! The whole engine, in process: real driver, real encrypted store, both simulators over real HTTP. What people do in
//! either system, what goes wrong on the way, and what must hold afterwards.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

mod activities;
mod answers;
mod bench;
mod callbacks;
mod clocks;
mod consoles;
mod contacts;
mod deals;
mod desk;
mod endless;
mod glance;
mod hints;
mod kills;
mod line_items;
mod missing;
mod pauses;
mod products;
mod quiet;
mod refused_fields;
mod rights;
mod tickets;
mod two_engines;
mod undo;
mod unread;
mod upheavals;

use std::process::Stdio;
use std::time::Duration;

use lockstep::connect::Severity;
use lockstep::engine::core::Mode;
use lockstep::engine::core::command::{Ask, Batch, Reply, Row};
use lockstep::engine::core::state::{IssueClass, LinkState, RecordState, Verdict};
use lockstep::engine::core::view::View;
use lockstep::engine::driver::doctor::{self, Item};
use lockstep::engine::driver::setup::{self, Connection};
use lockstep::engine::driver::snapshot::Health;
use lockstep::engine::driver::steps::Steps;
use lockstep::engine::driver::{self, Clock, DriverError, EngineHandle};
use lockstep::mapping::{Ceiling, Config, defaults, toml};
use lockstep::model::{ObjectKind, RecordId, RecordRef, Right, RunId, System};
use lockstep::sim::{Actor, Data, Fault, FaultRule, Mutation, Object, Options, Permit, Side, Simulators, Sizes, Verb};
use lockstep::store::{Base, LeaseError};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use bench::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_comes_to_rest_and_stays_there() {
    // Neither system marks the tenant's own company and the catch-all: a consultant lists them, here the first two of the story.
    let bench = Bench::with(Data::Story, |config| config.objects[0].exclude.connectwise = vec![OWN, CATCHALL]).await;
    assert_eq!(bench.value(CONNECTWISE, OWN, "identifier"), "YourCompany");
    assert_eq!(bench.value(CONNECTWISE, CATCHALL, "identifier"), "Catchall");
    bench.settle().await;
    for name in
        ["Velvet Comet Studios", "Ice Ferry Line", "Kestrel Dental Group", "Nameless Ferryman", "Red Barn Dairy"]
    {
        bench.assert_pairs(&[name.to_owned()]);
    }
    for name in ["Brightwater IT Services", "Catchall (unknown senders)"] {
        assert!(bench.named(HUBSPOT, name).is_empty(), "{name} is nobody's customer");
    }
    let holloway = bench.only(CONNECTWISE, "Holloway Vending");
    assert_ne!(bench.value(CONNECTWISE, holloway, "identifier"), "HOLLOWAY", "that one is in the recycle bin");
    let (before, calls) = (bench.now(), bench.running.control.calls());
    assert_eq!(bench.run().await.run.verdict, Verdict::Done);
    assert_eq!(bench.writes_since(before), [], "a quiet system causes no writes");
    assert_ne!(bench.running.control.calls(), calls, "but it was looked at");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_on_each_side_crosses_and_nothing_else_is_touched() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let before = bench.now();
    bench.edit(HUBSPOT, hubspot, "city", "Bonn\u{1b}[2J");
    bench.edit(CONNECTWISE, connectwise, "zip", "89073");
    bench.settle().await;
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Bonn\u{1b}[2J");
    assert_eq!(bench.value(HUBSPOT, hubspot, "zip"), "89073");
    let written: Vec<_> = bench.writes_since(before).iter().map(|m| (m.side, m.id, fields_of(m))).collect();
    let expected = [(HUBSPOT, hubspot, vec!["zip".to_owned()]), (CONNECTWISE, connectwise, vec!["city".to_owned()])];
    assert_eq!(written.len(), 2, "{written:?}");
    assert!(expected.iter().all(|one| written.contains(one)), "{written:?}");
}

/// The fields of a change, without those that the system keeps by itself.
fn fields_of(mutation: &Mutation) -> Vec<String> {
    let own = |name: &&String| !name.starts_with("hs_") && !name.starts_with("_info") && *name != "lastUpdated";
    mutation.fields.keys().filter(own).cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_waits_and_a_decision_ends_it() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.edit(HUBSPOT, hubspot, "phone", "555-0100");
    bench.settle().await;
    bench.edit(HUBSPOT, hubspot, "phone", "555-0101");
    bench.edit(CONNECTWISE, connectwise, "phoneNumber", "555-0199");
    let before = bench.now();
    bench.settle().await;
    assert_eq!(bench.writes_since(before), [], "neither number is thrown away");
    let reader = bench.workspace.reader().unwrap();
    let states = reader.state_counts(ObjectKind::Company).unwrap();
    assert_eq!(states.get(&RecordState::Conflict), Some(&1), "{states:?}");
    let (code, said) = bench.exit_code("plan").await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1 conflict waits for a person: `lockstep issues` lists"), "{said}");
    let (_, said) = bench.exit_code("--json plan").await;
    let told: Json = serde_json::from_str(&said).unwrap();
    assert_eq!((&told["conflicts"], &told["other_issues"]), (&json!(1), &json!(0)), "{said}");
    let link = reader.link_of(at(System::HubSpot, hubspot)).unwrap().unwrap().id;
    let decide = Ask::Decide { link, field: None, winner: System::ConnectWise };
    let Reply::Pushed(report) = bench.ask(decide).await else { panic!("the decision was not taken") };
    assert_eq!(report.outcomes, [(System::HubSpot, Ok(()))]);
    // Nothing but digits: so ConnectWise keeps what was typed there.
    assert_eq!(bench.value(HUBSPOT, hubspot, "phone"), "5550199", "at once, without waiting for a run");
    let after = bench.now();
    bench.settle().await;
    assert_eq!(bench.writes_since(after), [], "and that was all");
    assert_eq!(bench.value(CONNECTWISE, connectwise, "phoneNumber"), "5550199");
    let history = reader.history_of(at(System::HubSpot, hubspot), None, 10).unwrap();
    let loser = history.iter().find_map(|row| row.entry.loser.clone());
    assert_eq!(loser.map(|value| value.to_plain()).as_deref(), Some("555-0101"), "history keeps what lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_does_what_its_preview_shows() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    bench.edit(HUBSPOT, hubspot, "zip", "53111");
    let before = bench.now();
    let record = at(System::HubSpot, hubspot);
    let preview = bench.push(record, System::ConnectWise, true).await;
    assert!(!preview.sent && preview.outcomes.is_empty());
    assert_eq!(bench.writes_since(before), [], "a preview sends nothing");
    let pushed = bench.push(record, System::ConnectWise, false).await;
    assert!(pushed.sent);
    assert_eq!(pushed.outcomes, [(System::ConnectWise, Ok(()))]);
    assert_eq!(pushed.plan.writes(), preview.plan.writes());
    let [sent] = &bench.writes_since(before)[..] else { panic!("{:?}", bench.writes_since(before)) };
    assert_eq!((sent.side, sent.id), (CONNECTWISE, connectwise));
    let [write] = preview.plan.writes() else { panic!("{:?}", preview.plan.writes()) };
    let shown: Vec<_> =
        write.fields.iter().map(|f| (f.field.to_string(), f.before.to_plain(), f.after.to_plain())).collect();
    let plain = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let real = |name: &String| sent.fields.get(name).map(|(before, after)| (plain(before), plain(after)));
    assert_eq!(shown.len(), 2, "{shown:?}");
    for (name, old, new) in &shown {
        assert_eq!(real(name), Some((old.clone(), new.clone())), "{name}");
    }
    assert_eq!(fields_of(sent).len(), 2, "{sent:?}");
    let again = bench.push(record, System::ConnectWise, false).await;
    assert!(!again.sent, "both agree: {again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_a_create_makes_no_second_copy() {
    let lost = [
        Fault::DropAfterCommit,
        Fault::DropBefore,
        Fault::StatusAfterCommit { code: 502, body: Some("<html>".into()) },
        Fault::Truncate,
    ];
    let bench = Bench::new(Data::Empty).await;
    let mut names = Vec::new();
    for (n, fault) in lost.into_iter().enumerate() {
        for (to, from) in [(CONNECTWISE, HUBSPOT), (HUBSPOT, CONNECTWISE)] {
            let name = format!("Lost {n} to {}", to.name());
            bench.create(from, &name);
            bench.running.control.inject(on_create(to, fault.clone()));
            names.push(name);
        }
        bench.run().await;
        assert_eq!(bench.running.control.faults(), [], "{names:?}: it did not strike");
    }
    bench.settle().await;
    bench.assert_pairs(&names);
    let creates = bench.writes_since(0).iter().filter(|m| m.verb == Verb::Create).count();
    assert_eq!(creates, names.len());
}

/// "Already there", and yet nothing there carries our key: a person must see it, and the system is left in peace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_that_nobody_finds_is_shown_and_not_tried_for_ever() {
    let bench = Bench::new(Data::Empty).await;
    let taken = Fault::Status { code: 409, body: None, retry_after: None };
    bench.running.control.inject(FaultRule { count: None, ..on_create(CONNECTWISE, taken) });
    let hubspot = bench.create(HUBSPOT, "Acme");
    bench.settle().await;
    let issues = bench.workspace.reader().unwrap().issues_of(at(System::HubSpot, hubspot)).unwrap();
    assert!(issues.iter().any(|issue| issue.class == IssueClass::Rejected), "{issues:?}");
    let struck = bench.running.control.faults_struck();
    assert!((1..=2).contains(&struck), "{struck}");
    bench.run().await;
    assert_eq!(bench.running.control.faults_struck(), struck, "it rests until something changes");
    bench.running.control.clear_faults();
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    bench.settle().await;
    bench.assert_pairs(&["Acme".to_owned()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn storms_of_refusals_end_well() {
    let bench = Bench::new(Data::Generated(Sizes::companies(25, 25, 10))).await;
    let storm = |seconds| Fault::Status { code: 429, body: None, retry_after: Some(seconds) };
    for side in [HUBSPOT, CONNECTWISE] {
        bench.running.control.inject(FaultRule { skip: 3, ..FaultRule::once(storm(1)).on(side) });
        bench
            .running
            .control
            .inject(FaultRule { count: Some(12), ..FaultRule::once(storm(0)).on(side).with_probability(0.4) });
    }
    bench.settle().await;
    let (hubspot, connectwise) = (bench.live(HUBSPOT).len(), bench.live(CONNECTWISE).len());
    let reader = bench.workspace.reader().unwrap();
    let links = reader.link_count(ObjectKind::Company, LinkState::Active).unwrap();
    assert!(bench.running.control.faults_struck() >= 10, "{}", bench.running.control.faults_struck());
    let creates = |side| {
        let writes = bench.writes_since(0);
        let made = writes.iter().filter(|m| m.side == side && m.verb == Verb::Create);
        made.map(|m| m.fields.get("name").map(|(_, after)| after.to_string())).collect::<Vec<_>>()
    };
    for side in [HUBSPOT, CONNECTWISE] {
        let mut made = creates(side);
        let number = made.len();
        assert!(number >= 10, "{made:?}");
        made.sort();
        made.dedup();
        assert_eq!(made.len(), number, "nothing was made twice in {}", side.name());
    }
    assert!(links >= 30 && hubspot.abs_diff(connectwise) <= 5, "{links} links, {hubspot} and {connectwise} companies");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_of_a_day_ends_a_single_run_with_a_word() {
    let bench = Bench::new(Data::Empty).await;
    bench.pair("Acme").await;
    for (side, pause) in [(HUBSPOT, 500_000), (CONNECTWISE, 500_000)] {
        let full = Fault::Status { code: 429, body: None, retry_after: Some(pause) };
        bench.running.control.inject(FaultRule { count: None, skip: 2, ..FaultRule::once(full).on(side) });
        let run = bench.run().await.run;
        let Verdict::Stopped(why) = &run.verdict else { panic!("{run:?}") };
        assert!(why.contains("asks for a pause"), "{why}");
        bench.running.control.clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_that_begins_the_day_is_told_while_it_lasts() {
    let bench = Bench::new(Data::Empty).await;
    let full = Fault::Status { code: 429, body: None, retry_after: Some(600) };
    bench.running.control.inject(FaultRule { count: None, ..FaultRule::once(full).on(HUBSPOT) });
    let engine = bench.engine(Mode::Watch).await;
    let mut snapshot = engine.snapshot();
    let told = snapshot.wait_for(|seen| {
        let asked = seen.sides[System::HubSpot].wait.is_some_and(|wait| wait.asked);
        asked && seen.sides[System::ConnectWise].health == Health::Ok
    });
    drop(tokio::time::timeout(Duration::from_secs(10), told).await.unwrap().unwrap());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_revoked_mid_run_stops_it_and_a_new_one_goes_on() {
    let bench = Bench::new(Data::Empty).await;
    let names = bench.create_many(HUBSPOT, 20);
    let revoked = Fault::Status { code: 401, body: None, retry_after: None };
    let forever = FaultRule { count: None, skip: 40, ..FaultRule::once(revoked.clone()).on(CONNECTWISE).path("apis") };
    bench.running.control.inject(forever);
    bench.running.control.inject(FaultRule { count: None, skip: 5, ..on_create(CONNECTWISE, revoked.clone()) });
    let mut engine = bench.engine(Mode::Once).await;
    let run = finished(&mut engine).await.run;
    assert!(matches!(run.verdict, Verdict::Stopped(_)), "{run:?}");
    let snapshot = engine.snapshot().borrow().clone();
    let Health::Broken { hint, .. } = &snapshot.sides[System::ConnectWise].health else { panic!("{snapshot:?}") };
    assert!(hint.contains("lockstep connect connectwise"), "{hint}");
    engine.stop().await;
    let made = bench.live(CONNECTWISE).len();
    assert!((1..20).contains(&made), "{made}");
    bench.running.control.clear_faults();
    bench.running.control.inject(FaultRule { count: None, ..FaultRule::once(revoked).on(CONNECTWISE) });
    let (code, out) = bench.exit_code("--json sync --once").await;
    assert_eq!(code, 4, "{out}");
    assert!(out.contains("\"connection\"") || out.contains("\"credentials\""), "{out}");
    bench.running.control.clear_faults();
    bench.settle().await;
    bench.assert_pairs(&names);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watching_engine_resumes_by_itself() {
    let bench = Bench::with(Data::Empty, |config| config.timing.poll = 1).await;
    let revoked = Fault::Status { code: 401, body: None, retry_after: None };
    bench.create(HUBSPOT, "Acme");
    let engine = bench.engine(Mode::Watch).await;
    until("the first company crosses", || bench.named(CONNECTWISE, "Acme").len() == 1).await;
    bench.running.control.inject(FaultRule { count: None, ..FaultRule::once(revoked).on(HUBSPOT) });
    let mut snapshot = engine.snapshot();
    let broken = snapshot.wait_for(|seen| matches!(seen.sides[System::HubSpot].health, Health::Broken { .. }));
    drop(tokio::time::timeout(PATIENCE, broken).await.unwrap().unwrap());
    bench.create(CONNECTWISE, "Later");
    bench.running.control.clear_faults();
    until("the second one crosses", || bench.named(HUBSPOT, "Later").len() == 1).await;
    let well = snapshot.wait_for(|seen| matches!(seen.sides[System::HubSpot].health, Health::Ok));
    drop(tokio::time::timeout(PATIENCE, well).await.unwrap().unwrap());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_company_is_never_made_again() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.running.control.delete(CONNECTWISE, Object::Company, connectwise).unwrap();
    let before = bench.now();
    bench.settle().await;
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
    assert!(bench.named(CONNECTWISE, "Acme").is_empty());
    bench.only(HUBSPOT, "Acme");
    bench.running.control.restore(CONNECTWISE, Object::Company, connectwise).unwrap();
    bench.settle().await;
    assert_eq!(bench.only(CONNECTWISE, "Acme"), connectwise, "the one that came back, and no other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_holds_a_mass_update_until_exactly_that_plan_is_approved() {
    let bench = Bench::with(Data::Empty, |config| config.guards.updates = Ceiling { count: 3, percent: 0 }).await;
    let names = bench.create_many(HUBSPOT, 6);
    bench.settle().await;
    let before = bench.now();
    for name in &names[..5] {
        bench.edit(HUBSPOT, bench.only(HUBSPOT, name), "city", "Bonn");
    }
    let planned = bench.plan().await.run.verdict;
    let Verdict::Held { plan, reason } = bench.run().await.run.verdict else { panic!("it was not held") };
    assert!(reason.contains('5') && reason.contains('3'), "{reason}");
    assert_eq!(planned, Verdict::Held { plan: plan.clone(), reason }, "a plan says so before");
    assert_eq!(bench.ask(Ask::Approve { plan: plan.clone() }).await, Reply::Accepted);
    assert_eq!(bench.plan().await.run.verdict, Verdict::Done, "and nothing once it may go on");
    bench.edit(HUBSPOT, bench.only(HUBSPOT, &names[5]), "city", "Bonn");
    let Verdict::Held { plan: other, .. } = bench.run().await.run.verdict else { panic!("it is another plan now") };
    assert_ne!(plan, other);
    assert_eq!(bench.writes_since(before), []);
    let (code, _) = bench.exit_code("sync --once").await;
    assert_eq!((code, bench.writes_since(before)), (3, Vec::new()));
    let (code, out) = bench.exit_code(&format!("--json sync --once --approve {other}")).await;
    assert_eq!(code, 0, "{out}");
    assert_eq!(bench.writes_since(before).len(), 6);
    for name in &names {
        assert_eq!(bench.value(CONNECTWISE, bench.only(CONNECTWISE, name), "city"), "Bonn");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenant_is_refused_and_not_written_to() {
    let bench = Bench::new(Data::Empty).await;
    bench.pair("Acme").await;
    let mut options = Options::quick(Data::Empty);
    options.credentials.connectwise_company = "someoneelse".into();
    let other = Simulators::start(options).await.unwrap();
    let [_, connection] = connections(&other);
    connection.save(&mut bench.workspace.settings().unwrap()).unwrap();
    bench.create(HUBSPOT, "Second");
    let before = bench.now();
    let run = bench.run().await.run;
    let Verdict::Stopped(reason) = &run.verdict else { panic!("{run:?}") };
    assert!(reason.contains("someoneelse") && reason.contains("brightwater"), "{reason}");
    assert_eq!(other.control.ledger(0), []);
    assert_eq!(bench.writes_since(before), []);
    assert_eq!(bench.exit_code("sync --once").await.0, 4);
    let [_, connection] = connections(&bench.running);
    connection.save(&mut bench.workspace.settings().unwrap()).unwrap();
    bench.settle().await;
    bench.assert_pairs(&["Acme".to_owned(), "Second".to_owned()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_of_that_name_on_another_host_is_another_tenant() {
    let bench = Bench::new(Data::Empty).await;
    bench.pair("Acme").await;
    let [_, Connection::ConnectWise(mut there, key)] = connections(&bench.running) else { panic!("no connection") };
    there.site = there.site.replace("127.0.0.1", "localhost");
    Connection::ConnectWise(there, key).save(&mut bench.workspace.settings().unwrap()).unwrap();
    bench.create(HUBSPOT, "Second");
    let before = bench.now();
    let run = bench.run().await.run;
    let Verdict::Stopped(reason) = &run.verdict else { panic!("{run:?}") };
    assert!(reason.contains("brightwater@localhost") && reason.contains("brightwater@127.0.0.1"), "{reason}");
    assert_eq!(bench.writes_since(before), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_that_knows_the_company_alone_goes_on_and_learns_its_host() {
    let bench = Bench::new(Data::Empty).await;
    bench.pair("Acme").await;
    let known = |tenant: &str| Row::Tenant { system: System::ConnectWise, tenant: tenant.to_owned() };
    let tenant = || bench.workspace.reader().unwrap().tenant(System::ConnectWise).unwrap();
    let whole = tenant();
    assert_eq!(whole.as_deref(), Some("brightwater@127.0.0.1"));
    let write = async |tenant: &str| {
        let batch = Batch { rows: vec![known(tenant)], ..Batch::default() };
        bench.workspace.writer().unwrap().commit(batch).await.unwrap();
    };
    write("Brightwater").await;
    assert_eq!(bench.run().await.run.verdict, Verdict::Done);
    assert_eq!(tenant(), whole, "it is rewritten");
    for other in ["bright", "brightwater@", "@127.0.0.1", ""] {
        write(other).await;
        assert!(matches!(bench.run().await.run.verdict, Verdict::Stopped(_)), "{other}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_engine_on_the_same_workspace_is_refused() {
    let bench = Bench::new(Data::Empty).await;
    let first = bench.engine(Mode::Watch).await;
    let parts = setup::parts(&bench.workspace, Mode::Once, Clock::start(), &Steps::default()).await.unwrap();
    let Err(DriverError::Lease(LeaseError::Held { holder })) = driver::start(&bench.workspace, parts) else {
        panic!("two engines on one workspace")
    };
    assert!(holder.contains(&std::process::id().to_string()), "{holder}");
    first.stop().await;
    assert_eq!(bench.run().await.run.verdict, Verdict::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_stopped_mid_run_is_followed_by_one_that_finishes() {
    let bench = Bench::new(Data::Empty).await;
    let names = bench.create_many(HUBSPOT, 25);
    let slow = FaultRule { count: None, ..on_create(CONNECTWISE, Fault::Delay { ms: 30 }) };
    bench.running.control.inject(slow);
    for wanted in [3, 12] {
        let engine = bench.engine(Mode::Once).await;
        until("some are made", || bench.live(CONNECTWISE).len() >= wanted).await;
        engine.stop().await;
        assert!(bench.live(CONNECTWISE).len() < 25);
    }
    bench.settle().await;
    bench.assert_pairs(&names);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_is_followed_by_one_that_finishes() {
    let bench = Bench::new(Data::Empty).await;
    let names = bench.create_many(HUBSPOT, 30);
    bench.running.control.inject(FaultRule { count: None, ..on_create(CONNECTWISE, Fault::Delay { ms: 60 }) });
    for wanted in [2, 10, 18] {
        let mut child = bench.binary("sync --once").spawn().unwrap();
        until("some are made", || bench.live(CONNECTWISE).len() >= wanted).await;
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), None, "it was killed, not finished: {}", bench.live(CONNECTWISE).len());
    }
    bench.settle().await;
    bench.assert_pairs(&names);
    let runs = bench.workspace.reader().unwrap().runs_page(None, 100).unwrap();
    let cut_off: Vec<_> = runs.iter().filter(|run| run.verdict != Verdict::Done).collect();
    for run in &cut_off {
        let Verdict::Stopped(why) = &run.verdict else { panic!("{run:?}") };
        assert!(why.contains("noticed at 20") && run.ended.is_some(), "{run:?}");
    }
    assert_eq!(cut_off.len(), 3, "{runs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_killed_is_told_with_what_it_wrote() {
    let bench = Bench::new(Data::Empty).await;
    bench.create_many(HUBSPOT, 12);
    let late = FaultRule { skip: 4, count: None, ..on_create(CONNECTWISE, Fault::Delay { ms: 3000 }) };
    bench.running.control.inject(late);
    let links = || bench.workspace.reader().unwrap().link_count(ObjectKind::Company, LinkState::Active).unwrap();
    let mut child = bench.binary("sync --once").spawn().unwrap();
    until("some are made", || links() >= 3).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let known = links();
    bench.running.control.clear_faults();
    let begun = bench.run().await.run;
    let killed = bench.workspace.reader().unwrap().run(RunId(begun.id.0 - 1)).unwrap().unwrap();
    assert!(matches!(killed.verdict, Verdict::Stopped(_)), "{killed:?}");
    assert_eq!(killed.counts.total().sides.connectwise.created, known, "{killed:?}");
    let (_, said) = bench.exit_code(&format!("runs {}", killed.id)).await;
    assert!(
        said.contains("Lockstep was killed") && said.contains("Companies   3 created in ConnectWise") || known > 3,
        "{said}"
    );
}

/// A write that was lost is tried again by itself: that is told, and calls no person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_tried_again_by_itself_needs_no_person() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.edit(CONNECTWISE, connectwise, "city", "Bonn");
    bench.running.control.inject(FaultRule::once(Fault::DropBefore).on(HUBSPOT).path("batch/update"));
    let sync = async || {
        let mut command = bench.binary("sync --once");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let deadline = Instant::now() + PATIENCE;
    let said = loop {
        let (code, said) = sync().await;
        assert!(code == Some(0) && !said.contains("need a person"), "{code:?} {said}");
        if said.contains("tried again") {
            break said;
        }
        // once it can take effect no more, it is certain that it was lost
        assert!(Instant::now() < deadline, "it was never told");
        tokio::time::sleep(Duration::from_millis(400)).await;
    };
    assert_eq!(bench.running.control.faults(), [], "it struck");
    assert!(said.contains("1 write failed and is tried again by the next runs"), "{said}");
    bench.settle().await;
    assert_eq!(bench.value(HUBSPOT, hubspot, "city"), "Bonn");
    assert!(!sync().await.1.contains("tried again"), "it is over");
}

/// The answer to a write is lost, and a person enters something else where it goes one way: it is sent again, and counts as
/// what was written once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_of_which_nobody_knows_counts_once_it_is_confirmed() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let updated = || {
        let runs = bench.workspace.reader().unwrap().runs_page(None, 100).unwrap();
        runs.iter().map(|run| run.counts.total().sides.hubspot.updated).sum::<u64>()
    };
    let before = updated();
    let status = |id: u64| map(&[("status", json!({ "id": id }))]);
    bench.running.control.edit(CONNECTWISE, Object::Company, connectwise, &status(2), None).unwrap();
    bench.running.control.inject(FaultRule::once(Fault::DropAfterCommit).on(HUBSPOT).path("batch/update"));
    bench.run().await;
    assert_eq!(bench.running.control.faults(), [], "it struck");
    let ours = bench.value(HUBSPOT, hubspot, "hs_lead_status");
    bench.edit(HUBSPOT, hubspot, "hs_lead_status", "BAD_TIMING");
    bench.settle().await;
    assert_eq!(bench.value(HUBSPOT, hubspot, "hs_lead_status"), ours, "it goes one way");
    assert_eq!(updated() - before, 1);
}

impl Bench {
    /// What was read of HubSpot's companies before has a field, `zz_gone`, that the portal has no more.
    fn knowing_a_field_that_is_gone(&self) -> lockstep::store::Settings {
        let mut settings = self.workspace.settings().unwrap();
        let (mut schema, _) = settings.schema(System::HubSpot, ObjectKind::Company).unwrap().unwrap();
        let mut extra = schema.field("city").unwrap().clone();
        extra.name = "zz_gone".into();
        schema.fields.push(extra);
        settings.put_schema(&schema, Clock::start().now()).unwrap();
        settings
    }

    async fn examine(&self) -> Vec<Item> {
        doctor::examine(&self.workspace, Clock::start(), &Steps::default()).await.unwrap()
    }
}

fn problems(items: &[Item]) -> Vec<&Item> {
    items.iter().filter(|item| item.severity == Severity::Problem).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_that_is_taken_away_is_named_by_the_doctor_and_its_return_ends_the_complaint() {
    let bench = Bench::new(Data::Empty).await;
    assert_eq!(problems(&bench.examine().await), Vec::<&Item>::new());
    let whole = bench.running.control.behaviour();
    let table = [
        ("crm.objects.companies.read", Severity::Problem),
        ("crm.objects.companies.write", Severity::Problem),
        ("crm.objects.contacts.read", Severity::Problem),
        ("crm.objects.contacts.write", Severity::Problem),
        ("crm.objects.owners.read", Severity::Problem),
        ("crm.lists.read", Severity::Warning),
    ];
    for (scope, severity) in table {
        let mut less = whole.clone();
        less.hubspot.scopes.retain(|granted| granted != scope);
        bench.running.control.set_behaviour(less);
        let items = bench.examine().await;
        let named = items.iter().any(|item| item.severity == severity && item.remedy.contains(scope));
        assert!(named, "{scope}: {items:#?}");
        assert!(!items.iter().any(|item| item.cut_off), "the connection itself works: {items:#?}");
        bench.running.control.set_behaviour(whole.clone());
    }
    assert_eq!(problems(&bench.examine().await), Vec::<&Item>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_doctor_saw_of_each_right_is_kept_in_the_workspace() {
    let bench = Bench::new(Data::Empty).await;
    let settings = bench.workspace.settings().unwrap();
    assert_eq!(settings.checkup().unwrap(), None);
    let mut less = bench.running.control.behaviour();
    less.hubspot.scopes.retain(|granted| granted != "crm.objects.contacts.write");
    less.connectwise.denied = vec!["edit".to_owned()];
    bench.running.control.set_behaviour(less);
    let items = bench.examine().await;
    let kept = settings.checkup().unwrap().unwrap();
    assert_eq!(kept.findings, items.iter().map(Item::checked).collect::<Vec<_>>());
    let rights = |system, object| {
        let access = kept.access(system, object).unwrap();
        [access.read, access.create, access.update]
    };
    let (yes, no) = (Some(Right::Allowed), Some(Right::Denied));
    assert_eq!(rights(System::HubSpot, ObjectKind::Company), [yes, yes, yes]);
    assert_eq!(rights(System::HubSpot, ObjectKind::Contact), [yes, no, no]);
    assert_eq!(rights(System::ConnectWise, ObjectKind::Contact), [yes, yes, no]);
    let revoked = Fault::Status { code: 401, body: None, retry_after: None };
    bench.running.control.inject(FaultRule { count: None, ..FaultRule::once(revoked).on(HUBSPOT) });
    bench.examine().await;
    let later = settings.checkup().unwrap().unwrap();
    assert_eq!(later.access(System::HubSpot, ObjectKind::Company), None, "nothing is known of who does not answer");
    assert!(later.access(System::ConnectWise, ObjectKind::Company).is_some() && later.at >= kept.at);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_of_one_cause_is_told_once_with_all_that_it_hurts() {
    let bench = Bench::new(Data::Empty).await;
    let mut less = bench.running.control.behaviour();
    less.hubspot.scopes.retain(|granted| granted != "crm.objects.owners.read");
    less.connectwise.role = less.connectwise.role.with("System/Table Setup", Permit::NONE);
    bench.running.control.set_behaviour(less);
    let mut settings = bench.workspace.settings().unwrap();
    let mut config = toml::read(&settings.deployed().unwrap().unwrap().body).unwrap();
    config.objects[0].hubspot_stamp = "zz_gone".into();
    // The key was known when the fields were read, and is not there now: the connector, the rules and the change tell of it.
    let (mut schema, _) = settings.schema(System::HubSpot, ObjectKind::Company).unwrap().unwrap();
    let mut key = schema.field("lockstep_cw_key").unwrap().clone();
    key.name = "zz_gone".into();
    schema.fields.push(key);
    settings.put_schema(&schema, Clock::start().now()).unwrap();
    settings.save_draft(&toml::write(&config), "test", "", Base::Any, Clock::start().now()).unwrap();
    settings.deploy_draft(Base::Any, "test", None, Clock::start().now()).unwrap();

    let items = bench.examine().await;
    let wrong: Vec<&Item> = items.iter().filter(|item| item.severity != Severity::Fine).collect();
    let about = |words: &[&str]| {
        let tells = |item: &&&Item| words.iter().any(|word| format!("{item:?}").to_lowercase().contains(word));
        wrong.iter().filter(tells).count()
    };
    assert_eq!(about(&["owners.read", "owners cannot"]), 1, "{wrong:#?}");
    assert_eq!(about(&["zz_gone"]), 1, "{wrong:#?}");
    assert_eq!(about(&["table setup", "options of", "user-defined fields cannot"]), 1, "{wrong:#?}");
    let table = wrong.iter().find(|item| item.what == "System / Table Setup / Inquire is missing.").unwrap();
    for hurt in ["options of Status", "options of Market", "user-defined fields"] {
        assert!(table.hurts.iter().any(|told| told == hurt), "{hurt}: {table:#?}");
    }
    assert!(table.remedy.contains("Companies / Market, "), "{}", table.remedy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_engine_reads_the_schemas_again_and_records_what_changed() {
    let bench = Bench::new(Data::Empty).await;
    let settings = bench.knowing_a_field_that_is_gone();
    let known = settings.drift(lockstep::model::Timestamp::EPOCH).unwrap().len();
    let mut parts = setup::parts(&bench.workspace, Mode::Watch, Clock::start(), &Steps::default()).await.unwrap();
    parts.reread = Duration::from_millis(300);
    let handle = driver::start(&bench.workspace, parts).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while settings.drift(lockstep::model::Timestamp::EPOCH).unwrap().len() == known {
        assert!(Instant::now() < deadline, "nothing was read again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (schema, _) = settings.schema(System::HubSpot, ObjectKind::Company).unwrap().unwrap();
    assert!(schema.field("zz_gone").is_none());
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_that_drips_is_given_up_by_name_and_the_other_one_is_examined() {
    let bench = Bench::new(Data::Empty).await;
    let drip = Fault::Drip { bytes: 1, every_ms: 50 };
    bench.running.control.inject(FaultRule { count: None, ..FaultRule::once(drip).on(HUBSPOT) });
    let steps = Steps::limited(Duration::from_secs(1));
    let (items, line) = tokio::join!(doctor::examine(&bench.workspace, Clock::start(), &steps), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        steps.line()
    });
    let items = items.unwrap();
    let line = line.unwrap();
    assert!(line.starts_with("HubSpot: rights and settings · GET /"), "{line}");
    let cut: Vec<&Item> = items.iter().filter(|item| item.cut_off).collect();
    assert_eq!(cut.len(), 1, "{items:#?}");
    assert_eq!(cut[0].what, "HubSpot answers too slowly: not done within 1 seconds; it was at rights and settings.");
    assert!(items.iter().any(|item| item.what.contains("Companies can be read")), "{items:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_calls_that_ends_while_the_doctor_looks_is_told_and_no_fault_of_the_connection() {
    let bench = Bench::new(Data::Empty).await;
    let body = r#"{"message": "You have reached your daily limit.", "policyName": "DAILY"}"#;
    let spent = Fault::Status { code: 429, body: Some(body.to_owned()), retry_after: None };
    for path in ["/batch/update", "/properties/"] {
        bench.running.control.clear_faults();
        let rule = FaultRule::once(spent.clone()).on(HUBSPOT).path(path);
        bench.running.control.inject(FaultRule { count: None, ..rule });
        let began = Instant::now();
        let items = bench.examine().await;
        assert!(began.elapsed() < Duration::from_secs(30), "{path}: it did not wait for the next day");
        assert!(!items.iter().any(|item| item.cut_off), "{path}: {items:#?}");
        let hubspot = |what: &str| {
            let of = |item: &&Item| item.system == Some(System::HubSpot) && item.what.contains(what);
            items.iter().filter(of).collect::<Vec<_>>()
        };
        let told =
            hubspot("Not everything of HubSpot was looked at: HubSpot's allowance of calls for today is used up");
        assert!(told.len() == 1 && told[0].severity == Severity::Warning, "{path}: {items:#?}");
        assert!(told[0].remedy.contains("midnight"), "{path}: {told:?}");
        assert_eq!(hubspot("calls are left").len(), 1, "{path}: {items:#?}");
        assert_eq!(hubspot("Reading companies is allowed").len(), 1, "{path}: {items:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_tells_of_a_clock_that_is_off() {
    let bench = Bench::new(Data::Empty).await;
    for (skew, severity) in [(0, Severity::Fine), (90_000, Severity::Warning), (-3_600_000, Severity::Problem)] {
        bench.running.control.set_skew(CONNECTWISE, skew);
        let items = bench.examine().await;
        let clock = items.iter().find(|item| item.system == Some(System::ConnectWise) && item.what.contains("clock"));
        assert_eq!(clock.map(|item| item.severity), Some(severity), "{skew}: {clock:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_vanished_is_told_with_the_mapping_that_it_breaks() {
    let bench = Bench::new(Data::Empty).await;
    let mut settings = bench.knowing_a_field_that_is_gone();
    let mut config = toml::read(&settings.deployed().unwrap().unwrap().body).unwrap();
    let city = config.objects[0].fields.iter_mut().find(|field| field.hubspot.as_str() == "city").unwrap();
    city.hubspot = "zz_gone".into();
    settings.save_draft(&toml::write(&config), "test", "", Base::Any, Clock::start().now()).unwrap();
    settings.deploy_draft(Base::Any, "test", None, Clock::start().now()).unwrap();
    let items = bench.examine().await;
    let told = problems(&items).into_iter().any(|item| {
        item.what.contains("A change hurts the company mapping zz_gone~city: HubSpot has no company field `zz_gone`")
    });
    assert!(told, "{items:#?}");
}
