//! Which pairs are at rest: told from the rows at once by many cores, and the same as by looking each of them up.

use lockstep::engine::core::command::Row;
use lockstep::engine::core::rest::{Rest, RestField, restless};
use lockstep::engine::core::state::{
    Agreed, Decision, Issue, IssueClass, Link, LinkState, Observation, RecordState, Status,
};
use lockstep::engine::core::view::View;
use lockstep::model::*;

use crate::samples::*;

/// So many that every core of a usual machine has a share.
const PAIRS: u64 = 900;

/// A pair at rest, and what is otherwise in those that are not.
struct Pair {
    link: Link,
    here: Observation,
    there: Observation,
    status: Status,
    issues: Vec<Issue>,
    decision: Option<Decision>,
}

impl Pair {
    fn at_rest(n: u64) -> Self {
        let (here, there) = (hubspot(n), connectwise(10_000 - n));
        let mut link = link(n, here.id.0, there.id.0);
        link.baseline.entry(field("name")).and_modify(|agreed| agreed.beside = BySystem::default());
        let observed = |of: RecordRef| Observation { record: record(of, &link), ..observation(of) };
        let (here, there) = (observed(here), observed(there));
        let status = Status {
            connectwise: Some(there.of.id),
            link: Some(link.id),
            why: String::new(),
            ..status(n, &here.record.value("name").to_plain(), RecordState::InSync)
        };
        for name in ["revenue", "city"] {
            let (hubspot, connectwise) = (here.record.value(name).clone(), there.record.value(name).clone());
            let agreed = link.baseline[&field("name")].clone();
            link.baseline.insert(field(name), Agreed { hubspot, connectwise, ..agreed });
        }
        Self { link, here, there, status, issues: Vec::new(), decision: None }
    }

    fn rows(self) -> Vec<Row> {
        let rows = [Row::Link(self.link), Row::Observation(self.here), Row::Observation(self.there)];
        let others = self.issues.into_iter().map(Row::Issue).chain(self.decision.map(Row::Decision));
        rows.into_iter().chain([Row::Status(self.status)]).chain(others).collect()
    }
}

/// The link says "a" of the name in HubSpot, and of the name in ConnectWise that it is empty.
fn record(of: RecordRef, link: &Link) -> Record {
    let mut record = observation(of).record;
    match of.system {
        System::HubSpot => drop(record.fields.insert("name".into(), Value::text("a"))),
        System::ConnectWise => drop(record.fields.remove("name")),
    }
    record.stamp = Some(match of.system {
        System::HubSpot => format!("company:{}", link.connectwise),
        System::ConnectWise => format!("company:{}", link.hubspot),
    });
    record
}

type Change = fn(&mut Pair);

/// Each alone keeps a pair from being at rest.
const CHANGES: [(&str, Change); 23] = [
    ("a value of HubSpot", |pair| drop(pair.here.record.fields.insert("name".into(), Value::text("b")))),
    ("a value of HubSpot taken away", |pair| drop(pair.here.record.fields.remove("revenue"))),
    ("a value of ConnectWise", |pair| drop(pair.there.record.fields.insert("name".into(), Value::text("b")))),
    ("another kind of value", |pair| drop(pair.here.record.fields.insert("revenue".into(), Value::text("12.50")))),
    ("nothing agreed on", |pair| drop(pair.link.baseline.remove(&field("city")))),
    ("agreed on by supposition", |pair| {
        pair.link.baseline.entry(field("name")).and_modify(|agreed| agreed.supposed = true);
    }),
    ("agreed on with another field beside it", |pair| {
        let beside = BySystem::new(Fields::from([("size".into(), Value::Empty)]), Fields::new());
        pair.link.baseline.entry(field("name")).and_modify(|agreed| agreed.beside = beside);
    }),
    ("a resting link", |pair| pair.link.state = LinkState::Tomb),
    ("a link taken apart", |pair| pair.link.state = LinkState::Unlinked),
    ("archived", |pair| pair.here.record.archived = true),
    ("gone", |pair| pair.there.gone = true),
    ("in doubt in HubSpot", |pair| pair.here.seen = Timestamp::EPOCH),
    ("in doubt in ConnectWise", |pair| pair.there.seen = Timestamp::EPOCH),
    ("no key", |pair| pair.here.record.stamp = None),
    ("the key of another", |pair| pair.here.record.stamp = Some("company:77".to_owned())),
    ("another name", |pair| pair.status.name = "b".to_owned()),
    ("another state", |pair| pair.status.state = RecordState::Pending),
    ("a reason", |pair| pair.status.why = "because".to_owned()),
    ("another link shown", |pair| pair.status.link = Some(LinkId(99_999))),
    ("another partner shown", |pair| pair.status.connectwise = None),
    ("an issue of HubSpot", |pair| pair.issues = vec![issue(pair.here.of, IssueClass::Transient, 1)]),
    ("an issue of ConnectWise", |pair| pair.issues = vec![issue(pair.there.of, IssueClass::Conflict, 1)]),
    ("a decision", |pair| {
        let (hubspot, connectwise) = (Value::Empty, Value::text("x"));
        let winner = System::HubSpot;
        let decision =
            Decision { link: pair.link.id, field: field("name"), winner, hubspot, connectwise, at: Timestamp(1) };
        pair.decision = Some(decision);
    }),
];

fn rest() -> Rest {
    let names = |name: &str| BySystem::new(FieldName::new(name), FieldName::new(name));
    let fields = ["name", "revenue", "city"].map(|name| RestField { key: field(name), names: names(name) });
    Rest { fields: fields.into() }
}

#[test]
fn pairs_at_rest_are_left_out_and_nobody_else() {
    let change = |n: u64| CHANGES.get(usize::try_from(n % 40).unwrap());
    let mut rows = Vec::new();
    for n in 1..=PAIRS {
        let mut pair = Pair::at_rest(n);
        if let Some((_, change)) = change(n) {
            change(&mut pair);
        }
        rows.extend(pair.rows());
    }
    // two that have no partner in the cache, and one that was never linked
    rows.push(Row::Observation(observation(connectwise(20_000))));
    rows.push(Row::Link(link(30_001, 30_001, 20_001)));
    rows.push(Row::Observation(observation(connectwise(20_001))));
    rows.push(Row::Observation(observation(hubspot(30_002))));
    let (_place, _writer, reader) = Place::with(rows);
    let (rest, mut restless_of_hubspot) = (rest(), Vec::new());
    for system in System::BOTH {
        for limit in [7, 150, 401, 10_000] {
            let (mut after, mut found, mut one_by_one) = (None, Vec::new(), Vec::new());
            loop {
                let (page, last) = reader.restless_after(COMPANY, system, after, limit, &rest).unwrap();
                let (all, same) = reader.anchors_after(COMPANY, system, after, limit).unwrap();
                assert_eq!(last, same);
                found.extend(page);
                one_by_one.extend(restless(&reader, all, &rest).unwrap());
                after = last;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, one_by_one, "{system}, {limit} at once");
            if system == System::HubSpot {
                restless_of_hubspot = found;
            } else {
                assert_eq!(found, [connectwise(20_000), connectwise(20_001)]);
            }
        }
    }
    for n in 1..=PAIRS {
        let is_restless = restless_of_hubspot.contains(&hubspot(n));
        assert_eq!(is_restless, change(n).is_some(), "{n}: {:?}", change(n).map(|(what, _)| what));
    }
    assert!(restless_of_hubspot.contains(&hubspot(30_002)));
}
