//! What the store costs: acknowledged commits, point reads, a page out of very many rows.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use lockstep::engine::core::command::{Batch, Durability, Row};
use lockstep::engine::core::state::{Observation, RecordState, Status};
use lockstep::engine::core::view::View;
use lockstep::model::{FieldName, ObjectKind, Record, RecordId, RecordRef, System, Timestamp, Value};
use lockstep::store::rows::{Direction, StatusKey, StatusQuery};
use lockstep::store::{Key, Reader, Workspace, Writer};
use tempfile::TempDir;
use tokio::task::JoinSet;

const COMPANY: ObjectKind = ObjectKind::Company;
/// The size of a large customer; `LOCKSTEP_BENCH_ROWS` makes it larger.
const ROWS: u64 = 200_000;
const COMMITTERS: u64 = 64;
const COMMITS: u64 = 20;

fn main() {
    divan::main();
}

fn rows() -> u64 {
    std::env::var("LOCKSTEP_BENCH_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROWS)
}

fn workspace() -> (TempDir, Workspace) {
    let dir = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(dir.path(), "bench", &Key::throw_away().unwrap()).unwrap();
    (dir, workspace)
}

fn observation(id: u64) -> Row {
    let fields: BTreeMap<_, _> =
        (0..20).map(|n| (FieldName::from(format!("field_{n}")), Value::text(format!("value {n} of {id}")))).collect();
    let id = RecordId(id);
    let record = Record::new(id, Timestamp(1), fields);
    let of = RecordRef::new(COMPANY, System::HubSpot, id);
    let keys = vec![format!("domain:{id}.example")];
    Row::Observation(Observation { of, record, seen: Timestamp(1), keys, gone: false, merged_into: None })
}

fn status(id: u64) -> Row {
    // A large odd factor: neighbours by id are not neighbours by name.
    let name = format!("Company {}", id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20);
    let state = if id.is_multiple_of(50) { RecordState::Held } else { RecordState::InSync };
    let (hubspot, connectwise) = (Some(RecordId(id)), Some(RecordId(id)));
    Row::Status(Status {
        object: COMPANY,
        hubspot,
        connectwise,
        link: None,
        name,
        state,
        why: String::new(),
        since: Timestamp(1),
    })
}

fn batch(durability: Durability, rows: Vec<Row>) -> Batch {
    Batch { durability, rows }
}

/// Many committers, each waiting for its answer before the next batch.
fn commit_from_all(runtime: &tokio::runtime::Runtime, writer: &Writer, durability: Durability) {
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for committer in 0..COMMITTERS {
            let writer = writer.clone();
            tasks.spawn(async move {
                for n in 0..COMMITS {
                    let rows = vec![observation(committer * COMMITS + n)];
                    writer.commit(batch(durability, rows)).await.unwrap();
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    });
}

#[divan::bench(args = [Durability::Power, Durability::Process], sample_count = 10, sample_size = 1)]
fn acknowledged_commits(bencher: Bencher<'_, '_>, durability: Durability) {
    let (_dir, workspace) = workspace();
    let writer = workspace.writer().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    bencher
        .counter(ItemsCount::new(COMMITTERS * COMMITS))
        .bench_local(|| commit_from_all(&runtime, &writer, durability));
}

/// One large workspace for all that only reads.
struct Large {
    _dir: TempDir,
    workspace: Workspace,
}

static LARGE: LazyLock<Large> = LazyLock::new(|| {
    let (dir, workspace) = workspace();
    let writer = workspace.writer().unwrap();
    for first in (0..rows()).step_by(1000) {
        let rows = (first..first + 1000).flat_map(|id| [observation(id), status(id)]).collect();
        writer.commit_blocking(batch(Durability::Process, rows)).unwrap();
    }
    Large { _dir: dir, workspace }
});

fn large() -> Reader {
    LARGE.workspace.reader().unwrap()
}

#[divan::bench(sample_count = 100, sample_size = 100)]
fn point_read(bencher: Bencher<'_, '_>) {
    let reader = large();
    let mut id = 0;
    bencher.bench_local(|| {
        id = (id + 7919) % rows();
        reader.observation(RecordRef::new(COMPANY, System::HubSpot, RecordId(id))).unwrap().unwrap()
    });
}

#[divan::bench(sample_count = 100)]
fn open_a_reader(bencher: Bencher<'_, '_>) {
    LazyLock::force(&LARGE);
    bencher.bench_local(large);
}

fn bench_pages(bencher: Bencher<'_, '_>, query: &StatusQuery) {
    let reader = large();
    let mut from: Option<StatusKey> = None;
    bencher.bench_local(|| {
        let page = reader.status_page(query, from.as_ref(), Direction::Forward, 50).unwrap();
        from = page.last().map(StatusKey::of);
        black_box(page)
    });
}

#[divan::bench(sample_count = 100, sample_size = 10)]
fn status_page(bencher: Bencher<'_, '_>) {
    bench_pages(bencher, &StatusQuery::all(COMPANY));
}

#[divan::bench(sample_count = 100, sample_size = 10)]
fn status_page_of_one_state(bencher: Bencher<'_, '_>) {
    bench_pages(bencher, &StatusQuery { state: Some(RecordState::Held), ..StatusQuery::all(COMPANY) });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn search_that_finds_nothing(bencher: Bencher<'_, '_>) {
    let query = StatusQuery { search: Some("nobody".to_owned()), ..StatusQuery::all(COMPANY) };
    let reader = large();
    bencher.bench_local(|| assert!(reader.status_page(&query, None, Direction::Forward, 50).unwrap().is_empty()));
}

#[divan::bench(sample_count = 100, sample_size = 10)]
fn counts_of_all_states(bencher: Bencher<'_, '_>) {
    let reader = large();
    bencher.bench_local(|| reader.status_count(&StatusQuery::all(COMPANY)).unwrap());
}
