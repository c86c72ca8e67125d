//! What goes wrong on the way, for each system and each kind of request: which word the engine is given, and what the
//! system holds afterwards. A write that took effect must never be called refused or unsent.

use std::time::Duration;

use lockstep::model::{Record, RecordId};
use lockstep::sim::{Fault, FaultRule, Side};

use super::*;

const SLOW: Duration = Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_millis(700);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Read,
    Create,
    Update,
}

/// One system with its simulator; every question asked of it comes from a fresh connector, as after a restart.
struct Bench {
    running: Running,
    system: System,
}

impl Bench {
    async fn new(system: System) -> Self {
        let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
        let bench = Self { running, system };
        bench.connector(Duration::from_secs(30)).prepare(ObjectKind::Company, true).await.unwrap();
        bench
    }

    fn connector(&self, timeout: Duration) -> Box<dyn Connector> {
        let c = &self.running.credentials;
        let with = |base: &str| Options { timeout, ..options(base) };
        match self.system {
            System::HubSpot => Box::new(hub_with(&c.hubspot_token, &with(&self.running.hubspot_url))),
            System::ConnectWise => Box::new(psa_with(c, &c.connectwise_company, &with(&self.running.connectwise_url))),
        }
    }

    const fn side(&self) -> Side {
        match self.system {
            System::HubSpot => Side::HubSpot,
            System::ConnectWise => Side::ConnectWise,
        }
    }

    fn rule(&self, act: Act, fault: Fault) -> FaultRule {
        let rule = FaultRule::once(fault).on(self.side());
        match (self.system, act) {
            (System::HubSpot, Act::Read) => rule.path("batch/read"),
            (System::HubSpot, Act::Create) => rule.path("batch/create"),
            (System::HubSpot, Act::Update) => rule.path("batch/update"),
            (System::ConnectWise, Act::Read) => rule.path("company/companies").method("GET"),
            (System::ConnectWise, Act::Create) => rule.path("company/companies").method("POST"),
            (System::ConnectWise, Act::Update) => rule.path("company/companies").method("PATCH"),
        }
    }

    async fn holders(&self, stamp: u64) -> Vec<Record> {
        let stamps = vec![format!("company:{stamp}")];
        let body = RequestBody::FindStamped { fields: fields(), stamps };
        match ask(&*self.connector(Duration::from_secs(30)), body).await {
            AnswerBody::Stamped { found } => found.into_iter().flat_map(|(_, records)| records).collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn fields() -> Vec<FieldName> {
    vec!["name".into(), "city".into()]
}

fn create(number: u64) -> RequestBody {
    let mut values: Vec<(FieldName, Value)> =
        vec![("name".into(), Value::Text(format!("Acme {number}"))), ("city".into(), Value::Text("Ulm".into()))];
    values.push(("identifier".into(), Value::Text(format!("ACME{number}"))));
    let item = CreateItem { intent: IntentId(number), values, stamp: format!("company:{number}") };
    RequestBody::Create { fields: fields(), items: vec![item] }
}

/// HubSpot has no identifier.
fn fitting(system: System, mut body: RequestBody) -> RequestBody {
    if let (System::HubSpot, RequestBody::Create { items, .. }) = (system, &mut body) {
        items.iter_mut().for_each(|item| item.values.retain(|(name, _)| name.as_str() != "identifier"));
    }
    body
}

fn update(id: RecordId, city: &str) -> RequestBody {
    let values = vec![("city".into(), Value::Text(city.into()))];
    let item = UpdateItem { intent: IntentId(1), id, values, stamp: None };
    RequestBody::Update { fields: fields(), items: vec![item] }
}

/// The end of a request in a word.
pub fn word(body: &AnswerBody) -> String {
    match body {
        AnswerBody::Failed(Failure::Throttled { retry_after, .. }) => format!("throttled {}", retry_after.as_secs()),
        AnswerBody::Failed(Failure::NotSent(_)) => "not sent".into(),
        AnswerBody::Failed(Failure::Denied { .. }) => "denied".into(),
        AnswerBody::Failed(Failure::Forbidden { .. }) => "forbidden".into(),
        AnswerBody::Failed(Failure::Rejected(_)) => "rejected".into(),
        AnswerBody::Failed(Failure::Unknown(_)) => "unknown".into(),
        AnswerBody::Written { items } => match &items[0].1 {
            ItemOutcome::Applied(_) => "applied".into(),
            ItemOutcome::Rejected(_) => "rejected".into(),
            ItemOutcome::Unknown(_) => "unknown".into(),
        },
        AnswerBody::Records { .. } => "read".into(),
        other => format!("{other:?}"),
    }
}

/// The fault, the word for it, and whether a write under it takes effect.
fn table(system: System) -> Vec<(Fault, &'static str, bool)> {
    let status =
        |code, body: Option<&str>, retry_after| Fault::Status { code, body: body.map(str::to_owned), retry_after };
    let pause = match system {
        System::HubSpot => "throttled 10",
        System::ConnectWise => "throttled 30",
    };
    vec![
        (Fault::DropBefore, "unknown", false),
        (Fault::DropAfterCommit, "unknown", true),
        (status(429, None, Some(7)), "throttled 7", false),
        (status(429, Some("{}"), None), pause, false),
        (status(429, Some("<html>slow down</html>"), None), pause, false),
        (status(500, None, None), "unknown", false),
        (status(502, Some("<html><body>Bad gateway</body></html>"), None), "unknown", false),
        (status(503, Some(""), None), "unknown", false),
        (status(401, None, None), "denied", false),
        (status(403, None, None), "forbidden", false),
        (Fault::StatusAfterCommit { code: 504, body: None }, "unknown", true),
        (Fault::Truncate, "unknown", true),
        (Fault::Delay { ms: 1500 }, "unknown", true),
    ]
}

async fn all_faults(system: System) {
    let bench = Bench::new(system).await;
    let mut number = 100;
    for (fault, expected, effective) in table(system) {
        let timeout = if matches!(fault, Fault::Delay { .. }) { PATIENCE } else { Duration::from_secs(30) };
        assert!(PATIENCE < SLOW);
        for act in [Act::Read, Act::Create, Act::Update] {
            number += 1;
            let what = format!("{system} {act:?} under {fault:?}");
            let connector = bench.connector(timeout);
            let body = match act {
                Act::Create => fitting(system, create(number)),
                Act::Read | Act::Update => {
                    let made = ask(&*connector, fitting(system, create(number))).await;
                    assert_eq!(word(&made), "applied", "{what}: {made:?}");
                    let id = bench.holders(number).await[0].id;
                    match act {
                        Act::Read => RequestBody::Read { fields: fields(), ids: vec![id] },
                        _ => update(id, "Bonn"),
                    }
                }
            };
            bench.running.control.inject(bench.rule(act, fault.clone()));
            let answer = ask(&*connector, body).await;
            assert_eq!(word(&answer), expected, "{what}: {answer:?}");
            assert_eq!(bench.running.control.faults(), [], "{what}: it did not strike");
            let holders = bench.holders(number).await;
            match act {
                Act::Create => assert_eq!(holders.len(), usize::from(effective), "{what}"),
                Act::Read => assert_eq!(holders.len(), 1, "{what}"),
                Act::Update => {
                    let city = if effective { "Bonn" } else { "Ulm" };
                    assert_eq!(holders[0].value("city"), &Value::Text(city.into()), "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn hubspot_tells_what_is_known_of_every_fault_and_no_more() {
    all_faults(System::HubSpot).await;
}

#[tokio::test]
async fn connectwise_tells_what_is_known_of_every_fault_and_no_more() {
    all_faults(System::ConnectWise).await;
}

/// A pause longer than a write may wait: it comes back at once, and the system hears nothing of it.
#[tokio::test]
async fn a_write_is_given_back_rather_than_sent_late() {
    for system in System::BOTH {
        let bench = Bench::new(system).await;
        let connector = bench.connector(Duration::from_secs(30));
        let pause = Fault::Status { code: 429, body: None, retry_after: Some(90) };
        bench.running.control.inject(bench.rule(Act::Create, pause));
        assert_eq!(word(&ask(&*connector, fitting(system, create(1))).await), "throttled 90");
        bench.running.control.clear_calls();
        let answer = ask(&*connector, fitting(system, create(2))).await;
        let AnswerBody::Failed(Failure::Throttled { retry_after, message }) = answer else { panic!("{answer:?}") };
        assert!((80..=90).contains(&retry_after.as_secs()), "{retry_after:?}");
        assert!(message.contains("was not sent"), "{message}");
        assert_eq!(bench.running.control.calls().len(), 0, "{system}");
    }
}

/// A request that lands after its time-out is the worst case: the word for it must be "unknown".
#[tokio::test]
async fn a_write_that_lands_late_was_unknown() {
    for system in System::BOTH {
        let bench = Bench::new(system).await;
        let connector = bench.connector(PATIENCE);
        assert!(matches!(ask(&*connector, RequestBody::Identify).await, AnswerBody::Identity { .. }));
        bench.running.control.inject(bench.rule(Act::Create, Fault::LateLanding { ms: 1200 }));
        assert_eq!(word(&ask(&*connector, fitting(system, create(1))).await), "unknown", "{system}");
        assert!(bench.holders(1).await.is_empty(), "{system}: it has not landed yet");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while bench.holders(1).await.is_empty() {
            assert!(tokio::time::Instant::now() < deadline, "{system}: it never landed");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
