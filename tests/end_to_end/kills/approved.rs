//! A load that a person let through, and an engine that dies in the middle of it: nobody is asked twice for it. What the other
//! system puts into the new records by itself belongs to it, also where the answers died; what a person puts there does not.

use super::*;

/// Companies of the load, and those of them whose answers die with the engine.
const LOAD: usize = 14;
const UNANSWERED: u32 = 5;
/// What a guard lets through unasked.
const LIMIT: Ceiling = Ceiling { count: 3, percent: 0 };
/// The longest life of a request, in seconds; how many milliseconds an answer takes that nobody hears.
const FLIGHT: u64 = 2;
const LATE: u64 = 700;

struct Load {
    bench: Bench,
    names: Vec<String>,
    before: u64,
}

impl Load {
    /// A load that was let through, and killed while some of its records were made and not answered.
    async fn killed() -> Self {
        let bench = Bench::with(Data::Empty, |config| {
            (config.guards.creates, config.guards.updates, config.timing.flight) = (LIMIT, LIMIT, FLIGHT);
        })
        .await;
        bench.pair("Acme").await;
        let names = bench.create_many(HUBSPOT, LOAD);
        let before = bench.now();
        let Verdict::Held { plan, .. } = bench.run().await.run.verdict else { panic!("it was not held") };
        let late = on_create(CONNECTWISE, Fault::Delay { ms: LATE });
        bench.running.control.inject(FaultRule { skip: 4, count: Some(UNANSWERED), ..late });
        let mut child = bench.binary(&format!("sync --once --approve {plan}")).spawn().unwrap();
        until("some wait for their answers", || bench.running.control.faults().is_empty()).await;
        // On unix: SIGKILL.
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "it was killed, not finished");
        Self { bench, names, before }
    }

    fn made(&self) -> Vec<u64> {
        let writes = self.bench.writes_since(self.before);
        writes.iter().filter(|made| made.side == CONNECTWISE && made.verb == Verb::Create).map(|made| made.id).collect()
    }

    /// Every company has its partner, and what ConnectWise put into that.
    fn assert_complete(&self) {
        self.bench.assert_pairs(&self.names);
        assert_eq!(self.made().len(), LOAD, "each was made once");
        for name in &self.names {
            let status = self.bench.value(HUBSPOT, self.bench.only(HUBSPOT, name), "hs_lead_status");
            assert_eq!(status, "CONNECTED", "{name}: what ConnectWise put into its new record came back");
        }
    }

    fn held(&self) -> usize {
        self.bench.workspace.reader().unwrap().held_runs(100).unwrap().len()
    }

    /// Nothing of it can take effect any more.
    async fn wait(&self) {
        tokio::time::sleep(Duration::from_secs(FLIGHT) + Duration::from_millis(LATE)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_the_creates_of_an_approved_load_it_goes_on_and_asks_nobody_again() {
    let load = Load::killed().await;
    assert!((1..LOAD).contains(&load.made().len()), "{} of {LOAD} were made by then", load.made().len());
    load.wait().await;
    load.bench.settle().await;
    load.assert_complete();
    assert_eq!(load.held(), 1, "it was asked for once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_the_creates_of_an_approved_load_what_a_person_enters_meanwhile_is_asked_for() {
    let load = Load::killed().await;
    // the last ones were not answered; at once, so mostly within the second in which they were made
    let made = load.made();
    let edited: Vec<u64> = made.iter().rev().take(UNANSWERED as usize).copied().collect();
    for (n, id) in edited.iter().enumerate() {
        load.bench.edit(CONNECTWISE, *id, "phoneNumber", &format!("555010{n}"));
    }
    load.wait().await;
    let Verdict::Held { plan, reason } = load.bench.run().await.run.verdict else { panic!("it was not held") };
    assert!(reason.contains(&format!("update {UNANSWERED} companies")), "{reason}");
    for id in &edited {
        let (partner, _) = load.bench.partner(at(System::ConnectWise, *id)).unwrap();
        let phone = load.bench.value(HUBSPOT, partner, "phone");
        assert!(!phone.to_string().contains("555"), "nobody let {phone} through");
    }
    let (code, said) = load.bench.exit_code(&format!("--json sync --once --approve {plan}")).await;
    assert_eq!(code, 0, "{said}");
    load.bench.settle().await;
    load.assert_complete();
    assert_eq!(load.held(), 2);
}
