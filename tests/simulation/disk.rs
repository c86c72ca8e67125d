//! The engine's rows in a real, encrypted workspace file: a crash closes it, a start opens it again.

use std::path::Path;

use lockstep::engine::core::command::Batch;
use lockstep::engine::core::state::IssueClass;
use lockstep::engine::core::view::View;
use lockstep::model::{RecordRef, System, Timestamp};
use lockstep::store::{Key, Lease, Reader, StoreError, Workspace, Writer};
use tempfile::TempDir;

use crate::fields::OBJECTS;
use crate::keeper::{Keeper, Look};
use crate::store::MemoryStore;

/// What an engine has open.
struct Open {
    reader: Reader,
    writer: Writer,
    _lease: Lease,
}

/// A workspace file in a folder of its own.
pub struct Disk {
    dir: TempDir,
    key: Key,
    open: Option<Open>,
    /// The newest commit that was acknowledged.
    revision: u64,
    /// A batch whose commit failed: whether it is there nobody knows before the file is opened again.
    in_doubt: Option<Batch>,
    fault: Option<String>,
}

impl Disk {
    /// An empty workspace, in memory where the system has a folder for that.
    ///
    /// `fault`: what `failing_disk.c` is to do once the workspace is there.
    pub fn new(fault: Option<String>) -> Result<Self, String> {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let dir = tempfile::Builder::new().prefix("lockstep-failing-disk").tempdir_in(place);
        let dir = dir.map_err(|error| error.to_string())?;
        let key = Key::throw_away().map_err(|error| error.to_string())?;
        Workspace::create(dir.path(), "world", &key).map_err(|error| tell(&error))?;
        let disk = Self { dir, key, open: None, revision: 0, in_doubt: None, fault };
        disk.arm(disk.fault.as_deref().unwrap_or("off"))?;
        Ok(disk)
    }

    /// Tells the failing disk, if it is there, what to do next.
    fn arm(&self, line: &str) -> Result<(), String> {
        std::fs::write(self.dir.path().join("control"), line).map_err(|error| error.to_string())
    }

    /// How many calls the failing disk counted until it was healed, and how many it let fail.
    pub fn report(dir: &Path) -> Result<(u64, u64), String> {
        let text = std::fs::read_to_string(dir.join("report")).map_err(|error| error.to_string())?;
        let mut numbers = text.split_whitespace().map(|number| number.parse::<u64>().map_err(|e| e.to_string()));
        let mut next = || numbers.next().unwrap_or_else(|| Err(format!("`{text}` is no report")));
        Ok((next()?, next()?))
    }

    /// The folder of the file.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn workspace(&self) -> Result<Workspace, StoreError> {
        Workspace::open(self.dir.path(), "world", &self.key)
    }

    fn open_all(&self) -> Result<Open, String> {
        let workspace = self.workspace().map_err(|error| tell(&error))?;
        let lease = workspace.lease(Timestamp(0)).map_err(|error| format!("{error} {}", error.hint()))?;
        let writer = workspace.writer().map_err(|error| tell(&error))?;
        let reader = workspace.reader().map_err(|error| tell(&error))?;
        Ok(Open { reader, writer, _lease: lease })
    }
}

fn tell(error: &StoreError) -> String {
    format!("{error} {}", error.hint())
}

impl Keeper for Disk {
    fn open(&mut self, mirror: &mut MemoryStore) -> Result<(), String> {
        let open = self.open_all()?;
        let revision = open.reader.revision().map_err(|error| tell(&error))?;
        if let Some(batch) = self.in_doubt.take()
            && revision > self.revision
        {
            mirror.apply(batch);
        }
        self.revision = revision;
        self.open = Some(open);
        Ok(())
    }

    fn look(&mut self, _: &MemoryStore, read: Look<'_>) -> Result<(), String> {
        let Some(open) = &self.open else { return Err("the file is closed".to_owned()) };
        let looked = open.reader.at_once(|view| read(view)).map_err(|error| tell(&error))?;
        looked.map_err(|error| error.to_string())
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), String> {
        let Some(open) = &self.open else { return Err("the file is closed".to_owned()) };
        match open.writer.commit_blocking(batch.clone()) {
            Ok(info) => {
                self.revision = info.revision;
                Ok(())
            }
            Err(error) => {
                self.in_doubt = Some(batch.clone());
                Err(tell(&error))
            }
        }
    }

    fn close(&mut self) {
        self.open = None;
    }

    fn heal(&mut self) {
        if self.fault.is_some() {
            drop(self.arm("off"));
        }
    }

    /// What the disk did must be told as such, with the next step; never as damage, but where it could not be read: SQLite
    /// itself calls that a damaged file; and, if the next read goes well, one of another key.
    fn is_expected(&self, error: &str) -> bool {
        let full = error.contains("the disk is full") && error.contains("Free some space");
        let io = error.contains("failed:") && error.contains("Check that the folder");
        let busy = error.contains("another process is writing") && error.contains("Try again");
        let unread = error.contains("the workspace could not be read") || error.contains("could not be opened");
        let is_read =
            |mode: &str| self.fault.as_ref().is_some_and(|fault| fault.starts_with("read") && fault.ends_with(mode));
        let damaged =
            is_read("") && error.contains("is damaged") || is_read("once") && error.contains("the key does not open");
        self.fault.is_some() && (full || io || busy || unread || damaged)
    }

    /// The file is whole, and holds what the engine committed, row by row.
    fn judge(&mut self, mirror: &MemoryStore) -> Result<(), String> {
        self.close();
        let workspace = self.workspace().map_err(|error| tell(&error))?;
        workspace.check().map_err(|error| tell(&error))?;
        let reader = workspace.reader().map_err(|error| tell(&error))?;
        compare(mirror, &reader).map_err(|error| error.to_string())?
    }
}

/// The first row in which the file is not what was committed.
fn compare(mirror: &MemoryStore, file: &Reader) -> Result<Result<(), String>, lockstep::engine::core::view::ViewError> {
    let differ = |what: &dyn std::fmt::Debug| Ok(Err(format!("the file has another {what:?}")));
    for object in OBJECTS {
        for system in System::BOTH {
            if file.records_after(object, system, None, 10_000)?
                != mirror.records_after(object, system, None, 10_000)?
            {
                return differ(&(object, system));
            }
        }
        if file.state_counts(object)?.into_iter().filter(|(_, n)| *n > 0).ne(mirror.state_counts(object)?) {
            return differ(&object);
        }
    }
    let records: Vec<RecordRef> = mirror.observations.keys().copied().collect();
    for record in records {
        let issues = |view: &dyn View| {
            view.issues_of(record).map(|mut all| {
                let key = |issue: &lockstep::engine::core::state::Issue| (issue.class, issue.field.clone());
                all.sort_by_key(key);
                all.into_iter()
                    .map(|issue| (issue.class, issue.field, issue.message))
                    .collect::<Vec<(IssueClass, _, _)>>()
            })
        };
        let same = file.observation(record)? == mirror.observation(record)?
            && file.dirty(record)? == mirror.dirty(record)?
            && file.status(record)? == mirror.status(record)?
            && issues(file)? == issues(mirror)?;
        if !same {
            return differ(&record);
        }
    }
    for link in mirror.links.keys() {
        if file.link(*link)? != mirror.link(*link)? || file.decisions_of(*link)? != mirror.decisions_of(*link)? {
            return differ(link);
        }
    }
    for intent in mirror.intents.keys() {
        if file.write(*intent)? != mirror.write(*intent)? {
            return differ(intent);
        }
    }
    for run in mirror.runs_by_id.keys() {
        if file.run(*run)? != mirror.run(*run)? {
            return differ(run);
        }
    }
    for key in mirror.cursors.keys() {
        if file.cursor(*key)? != mirror.cursor(*key)? {
            return differ(key);
        }
    }
    if file.high_water()? != mirror.high_water()? || file.open_intents()? != mirror.open_intents()? {
        return differ(&"journal");
    }
    Ok(Ok(()))
}
