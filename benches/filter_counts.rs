//! How long a person who types a filter waits for its numbers: over a whole cache, with nothing read yet, and from key to key.
//!
//! `cargo bench --bench filter_counts -- [--records N]`

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockstep::engine::core::command::{Batch, Durability, Row};
use lockstep::engine::core::state::{Link, LinkOrigin, LinkState, Observation};
use lockstep::filter::count::{Criteria, Question, Tally};
use lockstep::filter::{bind, parse, standard};
use lockstep::mapping::defaults;
use lockstep::model::{
    BySystem, FieldDef, FieldKind, Fields, LinkId, ObjectKind, Record, RecordId, RecordRef, Schema, System, Timestamp,
    Value,
};
use lockstep::store::{Key, Workspace};
use lockstep::tui::tabs::filters::source::{FilterSource, Job};
use lockstep::tui::tabs::filters::stored::StoredFilters;

const USAGE: &str = "filter_counts [--records N]";
const NOW: Timestamp = Timestamp(1_795_170_000_000);
/// Records that are committed together while the workspace is filled.
const GROUP: u64 = 5000;
/// So many keys are typed.
const KEYS: u64 = 5;
/// What is promised for so many records.
const PROMISED: u64 = 100_000;
const FIRST: Duration = Duration::from_millis(30);
const WHOLE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let sizes = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => vec![PROMISED, 10 * PROMISED],
        ["--records", number] if number.parse::<u64>().is_ok_and(|n| n > 0) => vec![number.parse().unwrap()],
        _ => {
            eprintln!("usage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    // not `all`, which stops at the first that fails
    let kept = sizes.into_iter().map(bench).filter(|kept| !kept).count() == 0;
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn bench(records: u64) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(folder.path(), "bench", &Key::throw_away().unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let start = Instant::now();
    runtime.block_on(fill(&workspace, records));
    println!("{records} cached records, made in {:.1} s", start.elapsed().as_secs_f64());
    let (few, many) = (Typing::few(), Typing::many());
    let mut kept = true;
    for (title, typing) in [("3 clauses", few), ("1,000 clauses", many)] {
        forget_peak();
        let before = resident();
        let filters = StoredFilters::new(&workspace).unwrap();
        let cold = typing.count(&filters, 0);
        cold.print(&format!("{title}, nothing read yet"));
        let keys: Vec<Waited> = (1..=KEYS).map(|key| typing.count(&filters, key)).collect();
        let worst = Waited {
            first: keys.iter().map(|waited| waited.first).max().unwrap(),
            whole: keys.iter().map(|waited| waited.whole).max().unwrap(),
            tally: keys[0].tally.clone(),
        };
        worst.print(&format!("{title}, the slowest of {KEYS} keys"));
        let (pages, peak) = (filters.bytes() as f64 / 1e6, peak() - before);
        println!("  memory          {pages:.0} MB of pages, {peak:.0} MB more than before at the peak");
        if records <= PROMISED {
            let holds = worst.first <= FIRST && worst.whole <= WHOLE;
            println!(
                "{} the first number within 30 ms of a key, the whole within 100 ms",
                if holds { "yes" } else { "NO " }
            );
            kept &= holds;
        }
        assert_eq!(cold.tally.looked, records);
    }
    kept
}

/// What somebody types, with a number that changes from key to key.
struct Typing {
    text: Box<dyn Fn(u64) -> String>,
    deployed: Arc<Criteria>,
}

/// How long somebody waited.
struct Waited {
    first: Duration,
    whole: Duration,
    tally: Tally,
}

impl Typing {
    fn few() -> Self {
        let text = |key| format!("name contains \"{key}\" and city != \"City 7\" and numberofemployees > {key}");
        Self { text: Box::new(text), deployed: criteria("city = \"City 3\"") }
    }

    fn many() -> Self {
        let text = |key| {
            let clauses = (0..999).map(|n| match n % 3 {
                0 => format!("name != \"Company {n}\""),
                1 => format!("city != \"Place {n}\""),
                _ => format!("numberofemployees != -{n}"),
            });
            format!("{} and name contains \"{key}\"", clauses.collect::<Vec<_>>().join(" and "))
        };
        Self { text: Box::new(text), deployed: criteria("city = \"City 3\"") }
    }

    /// From the key on: reading the text belongs to it.
    fn count(&self, filters: &StoredFilters, key: u64) -> Waited {
        let text = (self.text)(key);
        let start = Instant::now();
        let question = Question { criteria: criteria(&text), deployed: Some(Arc::clone(&self.deployed)) };
        let mut next = Some(Job::new(ObjectKind::Company, System::HubSpot, question, false));
        let mut first = None;
        loop {
            let counted = filters.count(next.take().unwrap(), &|| true).unwrap().unwrap();
            let first = *first.get_or_insert_with(|| start.elapsed());
            match counted.rest {
                Some(rest) => next = Some(rest),
                None => return Waited { first, whole: start.elapsed(), tally: counted.tally },
            }
        }
    }
}

impl Waited {
    fn print(&self, title: &str) {
        let ms = |took: Duration| took.as_secs_f64() * 1e3;
        println!("{title}: pass {}, fail {}", self.tally.pass, self.tally.fail);
        println!("  first number    {:.1} ms", ms(self.first));
        println!("  whole number    {:.1} ms", ms(self.whole));
    }
}

fn criteria(text: &str) -> Arc<Criteria> {
    let field = |name: &str, kind| FieldDef {
        name: name.into(),
        label: name.into(),
        kind,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: Vec::new(),
    };
    let fields = vec![
        field("city", FieldKind::Text),
        field("name", FieldKind::Text),
        field("numberofemployees", FieldKind::Integer),
    ];
    let schema = Schema { system: System::HubSpot, object: ObjectKind::Company, fields };
    let standard = standard::all(&defaults::company(), System::HubSpot, &standard::Gone::new());
    let filter = bind(&parse(text).unwrap(), &schema).unwrap();
    Arc::new(Criteria::new(standard, Some(filter), jiff::civil::Date::MIN, &|_| None))
}

async fn fill(workspace: &Workspace, records: u64) {
    let writer = workspace.writer().unwrap();
    for first in (0..records).step_by(usize::try_from(GROUP).unwrap()) {
        let rows = (first..records.min(first + GROUP)).flat_map(rows).collect();
        writer.commit(Batch { durability: Durability::Process, rows }).await.unwrap();
    }
}

/// A record as a workspace keeps it, with more fields than the filter looks at; two of three are linked.
fn rows(n: u64) -> Vec<Row> {
    let id = RecordId(18_000_000_000 + n);
    let text = |name: &str, text: String| (name.into(), Value::text(text));
    let fields = Fields::from([
        text("name", format!("Company {n}")),
        text("domain", format!("company{n}.example")),
        text("city", format!("City {}", n % 500)),
        text("address", format!("{} Main Street", n % 9000)),
        text("zip", format!("{:05}", n % 100_000)),
        text("phone", format!("+1 512 555 {:04}", n % 10_000)),
        text("state", format!("State {}", n % 50)),
        text("numberofemployees", (n % 800).to_string()),
    ]);
    let record = Record { archived: n.is_multiple_of(100), ..Record::new(id, NOW, fields) };
    let of = RecordRef::new(ObjectKind::Company, System::HubSpot, id);
    let keys = vec![format!("domain:company{n}.example")];
    let mut rows = vec![Row::Observation(Observation { of, record, seen: NOW, keys, gone: false, merged_into: None })];
    if !n.is_multiple_of(3) {
        rows.push(Row::Link(Link {
            id: LinkId(1 + n),
            object: ObjectKind::Company,
            hubspot: id,
            connectwise: RecordId(1 + n),
            state: LinkState::Active,
            origin: LinkOrigin::Stamp,
            created: NOW,
            baseline: BTreeMap::new(),
            recent: BTreeMap::new(),
            own: BySystem::default(),
        }));
    }
    rows
}

fn status(what: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}

/// The memory that this process has, in megabytes.
fn resident() -> f64 {
    status("VmRSS:")
}

/// The most memory that it ever had.
fn peak() -> f64 {
    status("VmHWM:")
}

/// From now on the peak counts anew.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}
