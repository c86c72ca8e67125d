//! A workspace to try things in, and one of every row.

use std::collections::BTreeMap;

use lockstep::engine::core::command::{Batch, Durability, Row};
use lockstep::engine::core::state::*;
use lockstep::mapping::FieldKey;
use lockstep::model::*;
use lockstep::store::{Key, Reader, Workspace, Writer};
use tempfile::TempDir;

pub struct Place {
    pub dir: TempDir,
    pub key: Key,
    pub workspace: Workspace,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::throw_away().unwrap();
        let workspace = Workspace::create(dir.path(), "acme", &key).unwrap();
        Self { dir, key, workspace }
    }

    pub fn with(rows: Vec<Row>) -> (Self, Writer, Reader) {
        let place = Self::new();
        let writer = place.workspace.writer().unwrap();
        commit(&writer, rows);
        let reader = place.workspace.reader().unwrap();
        (place, writer, reader)
    }
}

pub fn commit(writer: &Writer, rows: Vec<Row>) {
    writer.commit_blocking(batch(rows)).unwrap();
}

pub fn batch(rows: Vec<Row>) -> Batch {
    Batch { durability: Durability::Process, rows }
}

pub const COMPANY: ObjectKind = ObjectKind::Company;

pub const fn hubspot(id: u64) -> RecordRef {
    RecordRef::new(COMPANY, System::HubSpot, RecordId(id))
}

pub const fn connectwise(id: u64) -> RecordRef {
    RecordRef::new(COMPANY, System::ConnectWise, RecordId(id))
}

pub fn field(name: &str) -> FieldKey {
    FieldKey::new(&FieldName::new(name), &FieldName::new(name))
}

pub fn observation(of: RecordRef) -> Observation {
    let date = "2026-11-20".parse().unwrap();
    let fields = [
        ("name", Value::Text("Ünï \"Co\"\n".to_owned())),
        ("revenue", Value::Number("12.50".parse().unwrap())),
        ("active", Value::Bool(true)),
        ("founded", Value::Date(date)),
        ("seen", Value::DateTime(Timestamp(1_700_000_000_123))),
        ("type", Value::Choice("Gold".to_owned())),
        ("tags", Value::Choices(vec!["a".to_owned(), "b".to_owned()])),
    ];
    Observation {
        of,
        record: Record {
            id: of.id,
            modified: Timestamp(5),
            archived: false,
            fields: fields.into_iter().map(|(name, value)| (FieldName::new(name), value)).collect(),
            stamp: Some(format!("company:{}", of.id)),
            merged: vec![RecordId(7)],
            modified_by: Some("somebody".to_owned()),
            untouched: false,
        },
        seen: Timestamp(6),
        keys: vec![format!("domain:company-{}.example", of.id), "name:acme".to_owned()],
        gone: false,
        merged_into: None,
    }
}

pub fn link(id: u64, hubspot: u64, connectwise: u64) -> Link {
    let agreed = Agreed {
        hubspot: Value::text("a"),
        connectwise: Value::Empty,
        at: Timestamp(3),
        supposed: false,
        beside: BySystem::default(),
    };
    let recent = RecentWrite { to: System::HubSpot, value: Value::text("x"), at: Timestamp(4) };
    Link {
        id: LinkId(id),
        object: COMPANY,
        hubspot: RecordId(hubspot),
        connectwise: RecordId(connectwise),
        state: LinkState::Active,
        origin: LinkOrigin::Match("domain = website".to_owned()),
        created: Timestamp(2),
        baseline: BTreeMap::from([(field("name"), agreed)]),
        recent: BTreeMap::from([(field("name"), vec![recent])]),
        own: BySystem::new(None, Some(OwnChange { modified: Timestamp(9), before: Timestamp(4) })),
    }
}

pub fn intent(id: u64, state: IntentState) -> Intent {
    Intent {
        id: IntentId(id),
        run: RunId(1),
        object: COMPANY,
        system: System::ConnectWise,
        kind: IntentKind::Create,
        source: RecordId(10),
        target: Some(RecordId(20)),
        link: Some(LinkId(1)),
        writes: vec![FieldWrite {
            key: Some(field("name")),
            field: FieldName::new("name"),
            before: Value::Empty,
            after: Value::text("new"),
            source: Value::text("new"),
            beside: BySystem::default(),
            loser: Some(Value::text("old")),
            why: "HubSpot wins".to_owned(),
        }],
        stamp: Some("company:10".to_owned()),
        state,
        attempt: 2,
        sent: Timestamp(8),
        touched: Timestamp(9),
        waits: true,
        seen_as: Some(RecordId(30)),
        outcome: Some("timed out".to_owned()),
        shown: [(FieldName::new("phone"), Value::text("+1 555"))].into(),
    }
}

pub fn history(intent: u64, record: RecordRef) -> HistoryEntry {
    HistoryEntry {
        run: RunId(1),
        intent: IntentId(intent),
        link: None,
        record,
        system: record.system,
        field: FieldName::new("name"),
        before: Value::Empty,
        after: Value::text("new"),
        loser: None,
        why: "only side with a value".to_owned(),
        at: Timestamp(11),
    }
}

pub fn issue(record: RecordRef, class: IssueClass, first: i64) -> Issue {
    Issue {
        record,
        class,
        field: Some(field("type")),
        link: Some(LinkId(1)),
        message: format!("`{}` has no partner", record.id),
        hint: "Add it to the value map.".to_owned(),
        fingerprint: u64::MAX,
        attempts: 3,
        next_try: Timestamp::MAX,
        first: Timestamp(first),
        last: Timestamp(first + 1),
    }
}

pub const fn dirty(record: RecordRef, since: i64, not_before: i64) -> Dirty {
    Dirty { record, reason: DirtyReason::Changed, since: Timestamp(since), not_before: Timestamp(not_before) }
}

pub fn run(id: u64, verdict: Verdict) -> Run {
    let mut counts = RunCounts::default();
    counts.of(COMPANY).pulled = 4;
    counts.rest.sides.hubspot.calls = 9;
    Run {
        id: RunId(id),
        kind: RunKind::Poll,
        started: Timestamp(1),
        ended: Some(Timestamp(2)),
        config: ConfigVersion(1),
        counts,
        verdict,
    }
}

pub fn status(id: u64, name: &str, state: RecordState) -> Status {
    Status {
        object: COMPANY,
        hubspot: Some(RecordId(id)),
        connectwise: None,
        link: None,
        name: name.to_owned(),
        state,
        why: "because".to_owned(),
        since: Timestamp(1),
    }
}

pub fn exchange(record: RecordRef, path: &str) -> Exchange {
    Exchange {
        record,
        at: Timestamp(1),
        method: "PATCH".to_owned(),
        path: path.to_owned(),
        request: "{}".to_owned(),
        status: None,
        response: "reset".to_owned(),
        took_ms: 12,
    }
}
