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
