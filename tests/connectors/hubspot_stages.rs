//! Lifecycle stages that go back: in two steps, of which each may fail. The word for it is what the record holds.

use lockstep::model::RecordId;
use lockstep::sim::{Fault, FaultRule, Object, RetryAfter, Side};

use super::hubspot_records::{applied, calls_to, change, made, names, outcomes, portal};
use super::*;

const LIFECYCLE: &str = "lifecyclestage";

fn to(stage: &str, intent: u64, id: RecordId) -> RequestBody {
    RequestBody::Update { fields: names(&[LIFECYCLE]), items: vec![change(intent, id, &[(LIFECYCLE, stage)])] }
}

/// What the engine is told of the stage; nothing where it is told that nobody knows.
async fn told(hub: &HubSpot, body: RequestBody) -> Option<String> {
    let told = outcomes(hub, ObjectKind::Contact, body).await;
    let outcome = told.values().next().unwrap();
    match outcome {
        ItemOutcome::Unknown(_) => None,
        outcome => Some(applied(outcome).value(LIFECYCLE).to_plain()),
    }
}

fn held(running: &Running, id: RecordId) -> String {
    let record = running.control.record(Side::HubSpot, Object::Contact, id.0).unwrap();
    record[LIFECYCLE].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_stage_goes_back_by_clearing_it_and_forward_without() {
    let (running, hub) = portal(&[ObjectKind::Contact]).await;
    let contact = made(&hub, ObjectKind::Contact, 1, &[("email", "a@x.example.com"), (LIFECYCLE, "customer")]).await;
    for (intent, stage, calls) in [(2, "lead", 3), (3, "customer", 1), (4, "opportunity", 3)] {
        running.control.clear_calls();
        assert_eq!(told(&hub, to(stage, intent, contact.id)).await.as_deref(), Some(stage));
        assert_eq!((held(&running, contact.id).as_str(), calls_to(&running, "batch/update")), (stage, calls));
    }
}

/// From `customer` to `lead`: which step meets the fault, how often, what the engine is told, what the record holds, and
/// how many calls it took.
#[tokio::test]
async fn whatever_happens_to_either_step_the_engine_is_told_what_the_record_holds() {
    const CLEAR: u32 = 1;
    const SET: u32 = 2;
    let (running, hub) = portal(&[ObjectKind::Contact]).await;
    let refused = Fault::Status { code: 400, body: None, retry_after: None };
    let troubled = Fault::Status { code: 500, body: None, retry_after: None };
    let late = Fault::StatusAfterCommit { code: 504, body: None };
    let pause = |seconds| Fault::Limited { retry_after: Some(RetryAfter::Seconds(seconds)) };
    let table = [
        // Set at the second attempt.
        (SET, &refused, 1, Some("lead"), "lead", 4),
        (SET, &troubled, 1, Some("lead"), "lead", 4),
        (SET, &pause(1), 1, Some("lead"), "lead", 4),
        (SET, &Fault::DropBefore, 1, Some("lead"), "lead", 4),
        (SET, &Fault::DropAfterCommit, 1, Some("lead"), "lead", 4),
        (SET, &late, 1, Some("lead"), "lead", 4),
        // What it had before is there again.
        (SET, &refused, 2, Some("customer"), "customer", 5),
        (SET, &troubled, 2, Some("customer"), "customer", 5),
        (SET, &pause(1), 2, Some("customer"), "customer", 5),
        (SET, &Fault::DropBefore, 2, Some("customer"), "customer", 5),
        (SET, &Fault::DropAfterCommit, 2, Some("customer"), "customer", 5),
        // Nothing is to be had any more.
        (SET, &refused, 3, Some(""), "", 5),
        (SET, &Fault::DropBefore, 3, None, "", 5),
        (SET, &Fault::DropAfterCommit, 3, None, "customer", 5),
        // The clearing itself.
        (CLEAR, &refused, 1, Some("customer"), "customer", 2),
        (CLEAR, &pause(1), 1, Some("customer"), "customer", 2),
        (CLEAR, &Fault::DropBefore, 1, None, "customer", 3),
        (CLEAR, &Fault::DropAfterCommit, 1, Some("lead"), "lead", 3),
        (CLEAR, &Fault::DropAfterCommit, 3, None, "customer", 5),
        // A pause that is longer than the write has left, and than the look at the record may wait: last, because it
        // holds from then on.
        (SET, &pause(500), 1, None, "", 3),
    ];
    for (number, (step, fault, times, word, holds, calls)) in (1..).zip(table) {
        let what = format!("{fault:?} {times} times at step {step}");
        let email = format!("a{number}@x.example.com");
        let contact = made(&hub, ObjectKind::Contact, number, &[("email", &email), (LIFECYCLE, "customer")]).await;
        let mut rule = FaultRule::once(fault.clone()).on(Side::HubSpot).path("batch/update").times(times);
        rule.skip = step;
        running.control.inject(rule);
        running.control.clear_calls();
        assert_eq!(told(&hub, to("lead", number, contact.id)).await.as_deref(), word, "{what}");
        assert_eq!(held(&running, contact.id), holds, "{what}");
        assert_eq!(calls_to(&running, "batch/update"), calls, "{what}");
        assert_eq!(running.control.faults(), [], "{what}");
    }
}

/// One goes back and one goes forward: only the first takes more than one step, and both keep what else was written.
#[tokio::test]
async fn records_of_one_batch_go_back_each_for_itself() {
    let (running, hub) = portal(&[ObjectKind::Contact]).await;
    let one = made(&hub, ObjectKind::Contact, 1, &[("email", "a@x.example.com"), (LIFECYCLE, "customer")]).await;
    let two = made(&hub, ObjectKind::Contact, 2, &[("email", "b@x.example.com"), (LIFECYCLE, "lead")]).await;
    let items = vec![
        change(3, one.id, &[(LIFECYCLE, "lead"), ("city", "Ulm")]),
        change(4, two.id, &[(LIFECYCLE, "customer"), ("city", "Bonn")]),
    ];
    let body = RequestBody::Update { fields: names(&[LIFECYCLE, "city"]), items };
    let told = outcomes(&hub, ObjectKind::Contact, body).await;
    let shown = |intent: u64| {
        let record = applied(&told[&intent]);
        (record.value(LIFECYCLE).to_plain(), record.value("city").to_plain())
    };
    assert_eq!((shown(3), shown(4)), (("lead".into(), "Ulm".into()), ("customer".into(), "Bonn".into())));
    assert_eq!((held(&running, one.id).as_str(), held(&running, two.id).as_str()), ("lead", "customer"));
}
