//! A workspace full of linked pairs, without asking anybody for them; and how much memory a process takes.

use std::collections::BTreeMap;

use lockstep::engine::core::command::{Batch, Durability, Row};
use lockstep::engine::core::state::{Agreed, Link, LinkOrigin, LinkState, Observation, RecordState, Status};
use lockstep::engine::driver::Clock;
use lockstep::mapping::keys::{all_keys, stamp_of};
use lockstep::mapping::needs::name_of;
use lockstep::mapping::{ObjectRules, Rules};
use lockstep::model::{BySystem, FieldKind, LinkId, ObjectKind, Record, RecordId, RecordRef, System, Timestamp, Value};
use lockstep::store::Workspace;

pub const COMPANY: ObjectKind = ObjectKind::Company;
/// Pairs that are committed together while the workspace is filled.
const GROUP: u64 = 1000;
/// The field that pairs may not have agreed on yet.
const NEWS: &str = "zip";

/// What pairs have agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Everything.
    None,
    /// Every pair has a field on which both sides are found to agree for the first time.
    All,
}

/// Pairs in step, as a workspace keeps them once both systems are read: so many of each object, each contact below the company
/// of its number.
pub async fn fill(workspace: &Workspace, rules: &Rules, pairs: u64, news: News) {
    let writer = workspace.writer().unwrap();
    let now = Clock::start().now();
    for (rules, before) in rules.objects().map(|(_, rules)| rules).zip((0..).step_by(usize::try_from(pairs).unwrap())) {
        for first in (0..pairs).step_by(usize::try_from(GROUP).unwrap()) {
            let link = |n| LinkId(1 + before + n);
            let rows = (first..pairs.min(first + GROUP)).flat_map(|n| pair(rules, news, n, link(n), now)).collect();
            writer.commit(Batch { durability: Durability::Process, rows }).await.unwrap();
        }
    }
}

/// The two records of that number, of whatever object.
fn ids(n: u64) -> BySystem<RecordId> {
    BySystem::new(RecordId(18_000_000_000 + n), RecordId(1 + n))
}

fn pair(rules: &ObjectRules, news: News, n: u64, link: LinkId, now: Timestamp) -> Vec<Row> {
    let (object, ids) = (rules.mapping.object, ids(n));
    let mut records = BySystem::from_fn(|system| Record {
        stamp: (system == System::HubSpot).then(|| stamp_of(object, ids.connectwise)),
        ..Record::new(ids[system], now, BTreeMap::new())
    });
    let mut baseline = BTreeMap::new();
    for rule in rules.fields.iter().filter(|rule| rule.stages.is_none()) {
        let values = values(rule.mapping.kind, rule.mapping.hubspot.as_str(), n);
        if news == News::All && rule.mapping.hubspot.as_str() == NEWS {
            continue;
        }
        for system in System::BOTH {
            if !values[system].is_empty() {
                records[system].fields.insert(rule.name(system).clone(), values[system].clone());
            }
        }
        let BySystem { hubspot, connectwise } = values;
        baseline.insert(
            rule.key.clone(),
            Agreed { hubspot, connectwise, at: now, supposed: false, beside: BySystem::default() },
        );
    }
    let link = Link {
        id: link,
        object,
        hubspot: ids.hubspot,
        connectwise: ids.connectwise,
        state: LinkState::Active,
        origin: LinkOrigin::Stamp,
        created: now,
        baseline,
        recent: BTreeMap::new(),
        own: BySystem::default(),
    };
    let status = Status {
        object,
        hubspot: Some(ids.hubspot),
        connectwise: Some(ids.connectwise),
        link: Some(link.id),
        name: name_of(object, System::HubSpot, &records.hubspot).unwrap(),
        state: RecordState::InSync,
        why: String::new(),
        since: now,
    };
    let observed = System::BOTH.map(|system| {
        Row::Observation(Observation {
            of: RecordRef::new(object, system, ids[system]),
            keys: all_keys(rules, system, &records[system]),
            record: records[system].clone(),
            seen: now,
            gone: false,
            merged_into: None,
        })
    });
    observed.into_iter().chain([Row::Link(link), Row::Status(status)]).collect()
}

/// What both sides hold in a field of the default configuration, the same thing in each one's own form.
fn values(kind: FieldKind, field: &str, n: u64) -> BySystem<Value> {
    let same = |text: String| BySystem::new(Value::text(text.clone()), Value::text(text));
    match (kind, field) {
        (FieldKind::Text, "name") => same(format!("Company {n}")),
        (FieldKind::Text, _) => same(format!("{field} of {n}")),
        (FieldKind::Phone, _) => same(format!("+1 512 555 {:04}", n % 10_000)),
        (FieldKind::Domain, _) => same(format!("company{n}.example")),
        (FieldKind::Email, _) => same(format!("contact{n}@company{n}.example")),
        (FieldKind::Reference(COMPANY), _) => ids(n).map(|_, id| Value::text(id.to_string())),
        _ => BySystem::default(),
    }
}

/// The most memory that this process ever had, in megabytes.
pub fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}

/// From now on the peak counts anew.
pub fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}
