//! What Lockstep wrote is taken back over real HTTP: values, communications, amounts, stages and companies of contacts.

use lockstep::engine::core::state::{IntentKind, Run, RunKind};
use lockstep::engine::core::undo::{Undo, UndoEnd, UndoReport};
use lockstep::model::{IntentId, RunId};

use super::contacts::contact;
use super::*;

impl Bench {
    async fn undo(&self, what: Undo, dry_run: bool) -> UndoReport {
        match self.ask(Ask::Undo { what, dry_run }).await {
            Reply::Undone(report) => *report,
            other => panic!("{other:?}"),
        }
    }

    fn runs(&self) -> Vec<Run> {
        self.workspace.reader().unwrap().runs_page(None, 100).unwrap()
    }

    /// The newest write to that record, and its run.
    fn last_write(&self, record: RecordRef) -> (IntentId, RunId) {
        let writes = self.workspace.reader().unwrap().intents_to(record, None, 10).unwrap();
        let last = writes.iter().find(|write| !write.writes.is_empty()).unwrap();
        (last.id, last.run)
    }

    fn field(&self, side: Side, object: Object, id: u64, field: &str) -> Json {
        self.running.control.record(side, object, id).unwrap()[field].clone()
    }

    fn set(&self, side: Side, object: Object, id: u64, fields: &[(&str, Json)]) {
        self.running.control.edit(side, object, id, &map(fields), None).unwrap();
    }

    /// The next runs leave everything as it is.
    async fn rests(&self) {
        let before = self.now();
        self.settle().await;
        assert_eq!(self.writes_since(before), [], "what was taken back is not written again");
    }
}

fn ends(report: &UndoReport) -> Vec<(&str, &UndoEnd)> {
    report.fields.iter().map(|field| (field.field.as_str(), &field.end)).collect()
}

const RESTORED: &UndoEnd = &UndoEnd::Restored;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_previewed_taken_back_left_alone_and_brought_to_life_by_a_new_edit() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    bench.settle().await;
    let (write, run) = bench.last_write(at(System::ConnectWise, connectwise));
    let (before, runs) = (bench.now(), bench.runs().len());
    let preview = bench.undo(Undo::Write(write), true).await;
    assert_eq!((ends(&preview), preview.run, preview.of), (vec![("city", &UndoEnd::Restore)], None, Some(run)));
    assert_eq!((bench.writes_since(before), bench.runs().len()), (vec![], runs), "a preview leaves no trace");

    let report = bench.undo(Undo::Write(write), false).await;
    assert_eq!(ends(&report), [("city", RESTORED)]);
    assert!(!report.needs_person());
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Ulm");
    assert_eq!(bench.value(HUBSPOT, hubspot, "city"), "Bonn", "the source stays");
    let undo = bench.runs().remove(0);
    assert_eq!((undo.kind, &undo.verdict), (RunKind::Undo { of: run }, &Verdict::Done));
    assert_eq!((Some(undo.id), undo.counts.total().sides.connectwise.updated), (report.run, 1));
    bench.rests().await;
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Ulm");

    let again = bench.undo(Undo::Write(write), false).await;
    assert_eq!((ends(&again), again.run), (vec![("city", &UndoEnd::AsBefore)], None), "there is nothing left to do");
    bench.edit(HUBSPOT, hubspot, "city", "Kiel");
    bench.settle().await;
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Kiel", "a new edit crosses");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taking_back_an_undo_does_once_more_what_was_undone() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.edit(CONNECTWISE, connectwise, "city", "Bonn");
    bench.settle().await;
    let record = at(System::ConnectWise, connectwise);
    let first = bench.undo(Undo::Record(record), false).await;
    assert_eq!((ends(&first), bench.value(HUBSPOT, hubspot, "city")), (vec![("city", RESTORED)], json!("Ulm")));
    bench.rests().await;
    let redo = bench.undo(Undo::Run(first.run.unwrap()), false).await;
    assert_eq!((ends(&redo), bench.value(HUBSPOT, hubspot, "city")), (vec![("city", RESTORED)], json!("Bonn")));
    bench.rests().await;
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Bonn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_since_stays_and_what_was_made_is_told_with_both_ids() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    bench.edit(HUBSPOT, hubspot, "zip", "53111");
    let made = bench.create(HUBSPOT, "Novum");
    bench.settle().await;
    let (_, run) = bench.last_write(at(System::ConnectWise, connectwise));
    bench.edit(CONNECTWISE, connectwise, "city", "Kiel");
    let report = bench.undo(Undo::Run(run), false).await;
    let told: Vec<_> = report.fields.iter().map(|field| (field.field.as_str(), &field.end)).collect();
    assert!(told.contains(&("zip", RESTORED)), "{told:?}");
    let by = |end: &UndoEnd| matches!(end, UndoEnd::Changed { by } if by.starts_with("in ConnectWise"));
    assert!(told.iter().any(|(field, end)| *field == "city" && by(end)), "{told:?}");
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Kiel");
    assert_eq!(bench.value(CONNECTWISE, connectwise, "zip"), Json::Null);
    let copy = bench.only(CONNECTWISE, "Novum");
    let [kept] = report.kept.as_slice() else { panic!("{report:?}") };
    assert_eq!((kept.record, kept.partner), (at(System::ConnectWise, copy), at(System::HubSpot, made)));
    assert!(report.needs_person());
    bench.settle().await;
    assert_eq!(bench.value(HUBSPOT, hubspot, "city"), "Kiel", "what somebody changed crosses like any other change");
    assert_eq!(bench.value(CONNECTWISE, connectwise, "zip"), Json::Null, "and what was taken back stays so");
}

/// What ConnectWise keeps of "+1 555 0100".
const PHONE: &str = "15550100";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn communications_and_the_company_of_a_contact_are_put_back() {
    let bench = Bench::new(Data::Empty).await;
    let (one, one_there) = bench.pair("One").await;
    let (two, two_there) = bench.pair("Two").await;
    let here = bench.hubspot_contact("pat@one.example.com", Some(one));
    bench.settle().await;
    let (there, _) = bench.partner(contact(System::HubSpot, here)).unwrap();
    bench.set(
        HUBSPOT,
        Object::Contact,
        here,
        &[("email", json!("pat@two.example.com")), ("phone", json!("+1 555 0100"))],
    );
    let (from, to) = ((Object::Contact, here), (Object::Company, two));
    bench.running.control.associate(HUBSPOT, from, to, true, None).unwrap();
    bench.settle().await;
    let company = || bench.field(CONNECTWISE, Object::Contact, there, "company")["id"].clone();
    let communication = |kind: u64| bench.field(CONNECTWISE, Object::Contact, there, &format!("communications/{kind}"));
    assert_eq!((company(), communication(1)), (json!(two_there), json!("pat@two.example.com")));
    let phone = (2..=6).find(|kind| communication(*kind) == PHONE);
    let report = bench.undo(Undo::Record(contact(System::HubSpot, here)), false).await;
    assert!(report.fields.iter().all(|field| field.end == UndoEnd::Restored), "{report:?}");
    assert_eq!(report.fields.len(), 3, "{report:?}");
    assert_eq!((company(), communication(1)), (json!(one_there), json!("pat@one.example.com")));
    assert_eq!(communication(phone.unwrap()), Json::Null, "an item that was not there is taken away");
    bench.rests().await;
    let redo = bench.undo(Undo::Run(report.run.unwrap()), false).await;
    assert!(redo.fields.iter().all(|field| field.end == UndoEnd::Restored), "{redo:?}");
    assert_eq!((company(), communication(phone.unwrap())), (json!(two_there), json!(PHONE)));
    bench.rests().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_amount_and_the_stage_of_a_deal_are_put_back() {
    let bench = deals::bench().await;
    let of = bench.customer("Acme").await;
    let here = bench.hubspot_deal(&of, "Forty seats", &[("amount", json!("21500.75"))]);
    bench.settle().await;
    let deal = RecordRef::new(ObjectKind::Deal, System::HubSpot, RecordId(here));
    let there = bench.partner(deal).unwrap().0;
    let seen = |field: &str| bench.field(CONNECTWISE, Object::Deal, there, field);
    let standing = || (seen("stage")["id"].clone(), seen("status")["id"].clone());
    let stood = standing();
    bench.set(HUBSPOT, Object::Deal, here, &[("amount", json!("99")), ("dealstage", json!("closedwon"))]);
    bench.settle().await;
    assert_eq!(seen("amount").as_f64(), Some(99.0));
    assert_ne!(standing(), stood);
    let (_, run) = bench.last_write(RecordRef::new(ObjectKind::Deal, System::ConnectWise, RecordId(there)));
    let report = bench.undo(Undo::Run(run), false).await;
    assert!(report.fields.iter().all(|field| field.end == UndoEnd::Restored), "{report:?}");
    assert_eq!((seen("amount").to_string(), standing()), ("21500.75".to_owned(), stood));
    bench.rests().await;
    let items = bench.running.control.records(CONNECTWISE, Object::LineItem, 0, 100);
    assert_eq!(items.len(), 1, "the one forecast item that Lockstep owns: {items:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amount_that_was_not_there_is_emptied_and_stays_empty() {
    let bench = deals::bench().await;
    let of = bench.customer("Acme").await;
    let here = bench.hubspot_deal(&of, "Forty seats", &[]);
    bench.settle().await;
    let there = bench.partner(RecordRef::new(ObjectKind::Deal, System::HubSpot, RecordId(here))).unwrap().0;
    bench.set(HUBSPOT, Object::Deal, here, &[("amount", json!("99"))]);
    bench.settle().await;
    let deal = RecordRef::new(ObjectKind::Deal, System::ConnectWise, RecordId(there));
    let (write, _) = bench.last_write(deal);
    let report = bench.undo(Undo::Write(write), false).await;
    assert_eq!(ends(&report), [("amount", RESTORED)]);
    bench.rests().await;
    assert_eq!(bench.field(HUBSPOT, Object::Deal, here, "amount"), "99", "the source keeps its own");
    let items = bench.running.control.records(CONNECTWISE, Object::LineItem, 0, 100);
    assert!(items.iter().all(|item| item["revenue"].as_f64().unwrap_or(0.0) == 0.0), "{items:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_records_of_hubspot_are_put_back_in_one_batch() {
    let bench = Bench::new(Data::Empty).await;
    let names = bench.create_many(CONNECTWISE, 12);
    bench.settle().await;
    let ids: Vec<u64> = names.iter().map(|name| bench.only(CONNECTWISE, name)).collect();
    for id in &ids {
        bench.edit(CONNECTWISE, *id, "city", "Bonn");
    }
    bench.settle().await;
    let first = bench.only(HUBSPOT, &names[0]);
    let (_, run) = bench.last_write(at(System::HubSpot, first));
    let calls = || {
        let all = bench.running.control.requests(0);
        all.iter().filter(|request| request.side == HUBSPOT && request.path.contains("batch/update")).count()
    };
    let before = calls();
    let report = bench.undo(Undo::Run(run), false).await;
    assert_eq!(report.fields.iter().filter(|field| field.end == UndoEnd::Restored).count(), 12, "{report:?}");
    assert_eq!(calls() - before, 1);
    assert!(names.iter().all(|name| bench.value(HUBSPOT, bench.only(HUBSPOT, name), "city") == "Ulm"));
    bench.rests().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_looked_up_and_counts_as_what_it_was() {
    for (fault, taken) in [(Fault::DropAfterCommit, true), (Fault::DropBefore, false)] {
        let bench = Bench::new(Data::Empty).await;
        let (hubspot, connectwise) = bench.pair("Acme").await;
        bench.edit(HUBSPOT, hubspot, "city", "Bonn");
        bench.settle().await;
        let (write, _) = bench.last_write(at(System::ConnectWise, connectwise));
        bench.running.control.inject(FaultRule::once(fault).on(CONNECTWISE).method("PATCH"));
        let report = bench.undo(Undo::Write(write), false).await;
        let [(_, UndoEnd::Unconfirmed(_))] = ends(&report)[..] else { panic!("{report:?}") };
        bench.settle().await;
        let held = bench.value(CONNECTWISE, connectwise, "city");
        assert_eq!(held, if taken { "Ulm" } else { "Bonn" });
        assert_eq!(bench.workspace.reader().unwrap().issue_count().unwrap(), 0, "nobody tries it again by itself");
        let again = bench.undo(Undo::Write(write), false).await;
        assert_eq!(ends(&again), [("city", if taken { &UndoEnd::AsBefore } else { RESTORED })]);
        bench.rests().await;
        assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Ulm");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_told_and_the_rest_is_put_back() {
    let bench = Bench::new(Data::Empty).await;
    let names = bench.create_many(HUBSPOT, 3);
    bench.settle().await;
    for name in &names {
        bench.edit(HUBSPOT, bench.only(HUBSPOT, name), "city", "Bonn");
    }
    bench.settle().await;
    let ids: Vec<u64> = names.iter().map(|name| bench.only(CONNECTWISE, name)).collect();
    let (_, run) = bench.last_write(at(System::ConnectWise, ids[0]));
    let no =
        Fault::Status { code: 400, body: Some(r#"{"code":"InvalidObject","message":"no"}"#.into()), retry_after: None };
    let path = format!("company/companies/{}", ids[1]);
    bench.running.control.inject(FaultRule::once(no).on(CONNECTWISE).method("PATCH").path(&path));
    let report = bench.undo(Undo::Run(run), false).await;
    let of =
        |id: u64| report.fields.iter().find(|field| field.record.id.0 == id).map(|field| field.end.clone()).unwrap();
    assert!(matches!(of(ids[1]), UndoEnd::Refused(_)), "{report:?}");
    assert_eq!((of(ids[0]), of(ids[2])), (UndoEnd::Restored, UndoEnd::Restored));
    assert!(report.needs_person());
    bench.rests().await;
    assert_eq!(bench.workspace.reader().unwrap().issue_count().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_big_undo_is_held_until_exactly_its_plan_is_approved() {
    let bench = Bench::new(Data::Empty).await;
    let names = bench.create_many(HUBSPOT, 4);
    bench.settle().await;
    for name in &names {
        bench.edit(HUBSPOT, bench.only(HUBSPOT, name), "city", "Bonn");
    }
    bench.settle().await;
    let (_, run) = bench.last_write(at(System::ConnectWise, bench.only(CONNECTWISE, &names[0])));
    bench.deploy(|config| config.guards.updates = Ceiling { count: 3, percent: 0 });
    let before = bench.now();
    assert!(bench.undo(Undo::Run(run), true).await.held.is_some(), "a preview says so");
    let held = bench.undo(Undo::Run(run), false).await;
    let (reason, hash) = held.held.clone().unwrap();
    assert!(reason.contains("update 4 companies; the limit is 3"), "{reason}");
    assert_eq!((bench.writes_since(before), held.run), (vec![], None));
    assert!(matches!(&bench.runs()[0].verdict, Verdict::Held { plan, .. } if *plan == hash));
    let rows = vec![Row::Approval { plan: hash, used_by: None }];
    bench.workspace.writer().unwrap().commit(Batch { rows, ..Batch::default() }).await.unwrap();
    let done = bench.undo(Undo::Run(run), false).await;
    assert_eq!(done.fields.iter().filter(|field| field.end == UndoEnd::Restored).count(), 4);
    let once = bench.undo(Undo::Run(done.run.unwrap()), false).await;
    assert!(once.held.is_some(), "the approval was for that plan, once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_linked_two_records_leaves_them_linked_and_says_so() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = (bench.create(HUBSPOT, "Acme"), bench.create(CONNECTWISE, "Acme"));
    for (side, id, field) in [(HUBSPOT, hubspot, "domain"), (CONNECTWISE, connectwise, "website")] {
        bench.edit(side, id, field, "acme.example.com");
    }
    bench.edit(HUBSPOT, hubspot, "zip", "89073");
    bench.settle().await;
    let writes = bench.workspace.reader().unwrap().intents_to(at(System::ConnectWise, connectwise), None, 9).unwrap();
    assert!(writes.iter().all(|write| write.kind == IntentKind::Update) && !writes.is_empty(), "{writes:?}");
    let report = bench.undo(Undo::Run(writes[0].run), false).await;
    let [kept] = report.kept.as_slice() else { panic!("{report:?}") };
    assert!(kept.reason.contains("were linked, by") && kept.reason.contains("stay linked"), "{}", kept.reason);
    assert_eq!(bench.value(CONNECTWISE, connectwise, "zip"), Json::Null);
    bench.rests().await;
    bench.assert_pairs(&["Acme".to_owned()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_that_was_cut_off_is_told_and_goes_on_when_it_is_asked_for_again() {
    let bench = Bench::new(Data::Empty).await;
    let names = bench.create_many(HUBSPOT, 6);
    bench.settle().await;
    for name in &names {
        bench.edit(HUBSPOT, bench.only(HUBSPOT, name), "city", "Bonn");
    }
    bench.settle().await;
    let ids: Vec<u64> = names.iter().map(|name| bench.only(CONNECTWISE, name)).collect();
    let (_, run) = bench.last_write(at(System::ConnectWise, ids[0]));
    // the first one takes its time: the engine is stopped while it is on its way
    let slow = Fault::Delay { ms: 400 };
    bench.running.control.inject(FaultRule { count: None, ..FaultRule::once(slow).on(CONNECTWISE).method("PATCH") });
    let engine = bench.engine(Mode::Asks).await;
    let asking = engine.clone();
    let ask = tokio::spawn(async move { asking.ask(Ask::Undo { what: Undo::Run(run), dry_run: false }).await });
    until("it writes", || matches!(bench.runs()[0].kind, RunKind::Undo { .. })).await;
    engine.stop().await;
    assert!(matches!(ask.await.unwrap(), Reply::Refused { .. }));
    bench.running.control.clear_faults();
    bench.settle().await;
    let cut_off = bench.runs().into_iter().find(|run| matches!(run.kind, RunKind::Undo { .. })).unwrap();
    let Verdict::Stopped(why) = cut_off.verdict else { panic!("{cut_off:?}") };
    assert!(why.contains(&format!("undo run {run} again")), "{why}");
    let report = bench.undo(Undo::Run(run), false).await;
    assert!(report.fields.iter().all(|field| matches!(field.end, UndoEnd::Restored | UndoEnd::AsBefore)), "{report:?}");
    assert!(ids.iter().all(|id| bench.value(CONNECTWISE, *id, "city") == "Ulm"));
    bench.rests().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_refused() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, _) = bench.pair("Acme").await;
    for what in [Undo::Write(IntentId(999)), Undo::Run(RunId(999))] {
        let Reply::Refused { reason, hint } = bench.ask(Ask::Undo { what, dry_run: false }).await else { panic!() };
        assert!(reason.contains("999") && hint.contains("lockstep runs"), "{reason} {hint}");
    }
    let nobody = bench.undo(Undo::Record(at(System::HubSpot, hubspot + 1)), false).await;
    assert_eq!((nobody.of, nobody.fields.len()), (None, 0), "nothing was ever written to it");
}
