//! Answers to creates that cannot be true, and refusals that repeat: one copy, the right link, and an end.

use super::*;

/// Every answer to a create of companies names the record `id`, however often.
fn names(side: Side, id: u64) -> FaultRule {
    let (pointer, value) = match side {
        Side::HubSpot => ("/results/*/id", json!(id.to_string())),
        Side::ConnectWise => ("/id", json!(id)),
    };
    let fault = Fault::Mangle { pointer: pointer.to_owned(), value: Some(value) };
    FaultRule { count: None, ..on_create(side, fault) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_names_the_partner_of_another_makes_no_second_copy() {
    for side in [HUBSPOT, CONNECTWISE] {
        let from = if side == HUBSPOT { CONNECTWISE } else { HUBSPOT };
        let bench = Bench::new(Data::Empty).await;
        let (hubspot, connectwise) = bench.pair("Acme").await;
        bench.running.control.inject(names(side, if side == HUBSPOT { hubspot } else { connectwise }));
        bench.create(from, "Beta");
        bench.create(from, "Gamma");
        bench.settle().await;
        bench.assert_pairs(&["Acme".to_owned(), "Beta".to_owned(), "Gamma".to_owned()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_names_a_record_that_was_there_before_is_not_believed() {
    for side in [HUBSPOT, CONNECTWISE] {
        let from = if side == HUBSPOT { CONNECTWISE } else { HUBSPOT };
        // One that nothing is made of: it has no name yet, or the configuration leaves it out.
        let bench = Bench::with(Data::Empty, |config| {
            if side == CONNECTWISE {
                config.objects[0].exclude.connectwise = vec![OWN];
            }
        })
        .await;
        let alone = match side {
            Side::HubSpot => {
                let fields = map(&[("domain", json!("mystery.example.com"))]);
                bench.running.control.create(HUBSPOT, Object::Company, &fields, None).unwrap()
            }
            Side::ConnectWise => bench.create(CONNECTWISE, "Our own"),
        };
        bench.settle().await;
        bench.running.control.inject(names(side, alone));
        bench.create(from, "Beta");
        bench.settle().await;
        bench.assert_pairs(&["Beta".to_owned()]);
        let system = if side == HUBSPOT { System::HubSpot } else { System::ConnectWise };
        assert!(bench.workspace.reader().unwrap().link_of(at(system, alone)).unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_answers_that_name_one_record_stop_nothing() {
    for (side, id) in [(HUBSPOT, 18_239_999_999), (CONNECTWISE, 999_999)] {
        let from = if side == HUBSPOT { CONNECTWISE } else { HUBSPOT };
        let bench = Bench::new(Data::Empty).await;
        bench.running.control.inject(names(side, id));
        let made = bench.create_many(from, 3);
        let run = bench.run().await.run;
        assert_eq!(run.verdict, Verdict::Done, "{run:?}");
        bench.running.control.clear_faults();
        bench.settle().await;
        for name in &made {
            assert_eq!(bench.named(side, name).len(), 1, "{name} in {}", side.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_identifier_is_tried_a_few_times_and_then_left_to_a_person() {
    let refusal = |code: &str| Fault::Status {
        code: 400,
        body: Some(
            json!({"code": "InvalidObject", "message": "company object is invalid", "errors": [
                {"code": code, "message": "no", "resource": "company", "field": "identifier"}
            ]})
            .to_string(),
        ),
        retry_after: None,
    };
    for (code, attempts) in [("MaxLengthField", 1..=2), ("ObjectExists", 2..=25)] {
        let bench = Bench::new(Data::Empty).await;
        bench.running.control.inject(FaultRule { count: None, ..on_create(CONNECTWISE, refusal(code)) });
        let hubspot = bench.create(HUBSPOT, "Acme");
        bench.settle().await;
        let struck = bench.running.control.faults_struck();
        assert!(attempts.contains(&struck), "{code}: {struck}");
        let issues = bench.workspace.reader().unwrap().issues_of(at(System::HubSpot, hubspot)).unwrap();
        assert!(issues.iter().any(|issue| issue.class == IssueClass::Rejected), "{code}: {issues:?}");
        bench.run().await;
        assert_eq!(bench.running.control.faults_struck(), struck, "{code}: it rests");
        bench.running.control.clear_faults();
        bench.edit(HUBSPOT, hubspot, "city", "Bonn");
        bench.settle().await;
        bench.assert_pairs(&["Acme".to_owned()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_whose_id_is_not_that_of_its_own_record_is_looked_up_and_links_nothing_else() {
    const NOBODY: u64 = 18_239_999_999;
    let bench = Bench::new(Data::Empty).await;
    bench.running.control.inject(FaultRule { count: Some(1), ..names(HUBSPOT, NOBODY) });
    let there = bench.create(CONNECTWISE, "Beta");
    bench.run().await;
    let link = bench.workspace.reader().unwrap().link_of(at(System::ConnectWise, there)).unwrap();
    assert_eq!(link.map(|link| link.hubspot.0), Some(bench.only(HUBSPOT, "Beta")));
    bench.settle().await;
    bench.assert_pairs(&["Beta".to_owned()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_run_against_a_system_that_is_down_promises_no_further_try() {
    let bench = Bench::new(Data::Empty).await;
    for side in [HUBSPOT, CONNECTWISE] {
        bench.running.control.inject(FaultRule { count: None, ..FaultRule::once(Fault::DropBefore).on(side) });
        let (code, out) = bench.exit_code("--json sync --once").await;
        assert_eq!(code, 4, "{out}");
        assert!(out.contains("run it again") && !out.contains("by itself"), "{out}");
        bench.running.control.clear_faults();
    }
}
