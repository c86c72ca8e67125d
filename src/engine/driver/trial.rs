//! Runs the test of a draft over the cache of a workspace: for the command and for the console. Asks no system, writes
//! nothing but the mark that the draft was tested.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::clock::Clock;
use super::setup::{self, SetupError};
use crate::engine::core::trial::report::TrialReport;
use crate::engine::core::trial::unread::{as_read, unread};
use crate::engine::core::trial::{Difference, Looked, Trial};
use crate::engine::core::view::{View, ViewError, ViewResult};
use crate::mapping::{Config, Rules, RulesError};
use crate::model::{BySystem, ConfigVersion, ObjectKind, RecordId, RecordRef, Schema, System, Timestamp};
use crate::store::{Base, DraftError, Reader, Settings, StoreError, Workspace};

/// Records that are looked at in one state of the file. Between two of them the engine may clear its log away.
const PAGE: usize = 500;
/// Pages that a worker goes through before what it found is counted.
const PAGES_AT_ONCE: usize = 2;
/// More cores than that wait for the disk.
const MOST_WORKERS: usize = 4;

/// How far a test is, for whoever waits; and a way to end it.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    of: AtomicU64,
    is_cancelled: AtomicBool,
}

impl Progress {
    /// Records looked at, and how many there are.
    #[must_use]
    pub fn so_far(&self) -> (u64, u64) {
        let of = self.of.load(Ordering::Relaxed);
        (self.done.load(Ordering::Relaxed).min(of), of)
    }

    /// Nobody waits for it any more.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    fn goes_on(&self) -> bool {
        !self.is_cancelled()
    }
}

/// A test that came to its end.
#[derive(Debug)]
pub struct Tested {
    pub report: TrialReport,
    /// The draft it is of.
    pub version: ConfigVersion,
    /// The state of that draft.
    pub edit: u64,
    /// What it was compared with.
    pub deployed: Option<ConfigVersion>,
    pub took: Duration,
    /// The draft is known to be tested now: nobody changed it meanwhile, and all objects were looked at.
    pub is_marked: bool,
    trial: Trial,
}

/// What the draft would do to one record, beside what the deployed version would do.
#[derive(Debug)]
pub struct Compared {
    pub version: ConfigVersion,
    pub deployed: Option<ConfigVersion>,
    pub difference: Difference,
}

/// Why a draft could not be tested.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error("there is no draft to test")]
    NoDraft,
    #[error("the draft does not fit the two systems: {}", .0.first().map_or_else(String::new, ToString::to_string))]
    Unfit(Vec<RulesError>),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("a part of the test broke off; the log says where")]
    Broken,
    #[error(transparent)]
    View(#[from] ViewError),
}

impl From<StoreError> for TrialError {
    fn from(error: StoreError) -> Self {
        Self::Setup(error.into())
    }
}

/// Whether there is anything to test a draft on: before the first version was at work nothing is read.
///
/// # Errors
/// When the workspace cannot be read.
pub fn is_anything_read(reader: &Reader) -> Result<bool, ViewError> {
    for object in ObjectKind::ALL {
        for system in System::BOTH {
            if reader.live_records(object, system)? > 0 {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// How much is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent<'a> {
    /// One object alone; of a part of it a draft does not count as tested.
    pub only: Option<ObjectKind>,
    /// The draft counts as tested by them from then on.
    pub marks: Option<&'a str>,
}

/// Tests the draft as it is now. Takes a while, and blocks. None where it was cancelled.
///
/// # Errors
/// Then nothing was marked.
pub fn test(
    workspace: &Workspace,
    extent: Extent<'_>,
    clock: Clock,
    progress: &Progress,
) -> Result<Option<Tested>, TrialError> {
    let began = clock.now();
    let mut settings = workspace.settings()?;
    let draft = settings.draft()?.ok_or(TrialError::NoDraft)?;
    let deployed = settings.deployed()?.map(|row| row.info.version);
    let reader = workspace.reader()?;
    let trial = prepared(&settings, &reader, &setup::read_config(&draft.body)?, draft.info.version, clock)?;
    let Some(trial) = gone_through(&reader, trial, extent.only, progress)? else { return Ok(None) };
    let report = trial.report(&reader)?;
    let ended = clock.now();
    let is_marked = match extent.marks.filter(|_| extent.only.is_none()) {
        Some(by) => mark(&mut settings, draft.info.edit, by, ended)?,
        None => false,
    };
    let took = ended.since(began);
    let (version, edit) = (draft.info.version, draft.info.edit);
    Ok(Some(Tested { report, version, edit, deployed, took, is_marked, trial }))
}

/// Compares both for one record, as it is now. `known` is the last test: if it is of this draft, what it foresaw of the
/// record's parents counts.
///
/// # Errors
/// As for [`test()`].
pub fn compare(
    workspace: &Workspace,
    record: RecordRef,
    clock: Clock,
    known: Option<&Tested>,
) -> Result<Compared, TrialError> {
    let settings = workspace.settings()?;
    let draft = settings.draft()?.ok_or(TrialError::NoDraft)?;
    let (version, deployed) = (draft.info.version, settings.deployed_version()?);
    let reader = workspace.reader()?;
    let look = |trial: &Trial| reader.at_once(|reader| trial.difference(reader, record));
    let difference = match known.filter(|known| known.edit == draft.info.edit && known.deployed == deployed) {
        Some(known) => look(&known.trial)??,
        None => look(&prepared(&settings, &reader, &setup::read_config(&draft.body)?, version, clock)?)??,
    };
    Ok(Compared { version, deployed, difference })
}

/// Both configurations, ready to be compared over what is read.
fn prepared(
    settings: &Settings,
    reader: &Reader,
    draft: &Config,
    version: ConfigVersion,
    clock: Clock,
) -> Result<Trial, TrialError> {
    let schemas = setup::schemas(settings)?;
    let compile =
        |schemas: &[BySystem<Schema>]| Rules::compile(draft.clone(), version, schemas).map_err(TrialError::Unfit);
    let whole = compile(&schemas)?;
    let deployed = match settings.deployed()? {
        Some(_) => Some(setup::rules(settings)?),
        None => None,
    };
    let missing = unread(reader, deployed.as_ref(), &whole)?;
    let draft = if missing.is_empty() { whole } else { compile(&as_read(&schemas, &missing))? };
    Ok(Trial::new(reader, deployed, draft, missing, clock.now())?)
}

/// Looks at every pair and single record, parents first.
fn gone_through(
    reader: &Reader,
    mut trial: Trial,
    only: Option<ObjectKind>,
    progress: &Progress,
) -> Result<Option<Trial>, TrialError> {
    let objects = trial.objects();
    let mut of = 0;
    for object in &objects {
        for system in System::BOTH {
            of += reader.live_records(*object, system)?;
        }
    }
    progress.of.store(of, Ordering::Relaxed);
    let mut workers = workers(reader)?;
    // children are judged by what becomes of their parents: those of one object alone are looked at all the same
    let last =
        only.map_or(objects.len(), |only| objects.iter().position(|object| *object == only).map_or(0, |at| at + 1));
    for object in objects.into_iter().take(last) {
        if trial.prepare(reader, object, &mut || progress.goes_on())?.is_none() {
            return Ok(None);
        }
        for system in System::BOTH {
            let mut after = Some(None);
            while let Some(begin) = after {
                if !progress.goes_on() {
                    return Ok(None);
                }
                let (pages, next) = pages(reader, object, system, begin, workers.len())?;
                for looked in looked_at(&mut workers, &trial, &pages)? {
                    trial.take(looked);
                }
                progress.done.fetch_add((pages.len() * PAGE) as u64, Ordering::Relaxed);
                after = next.map(Some);
            }
        }
    }
    if let Some(only) = only {
        trial.keep_only(only);
    }
    Ok(Some(trial))
}

/// A reader for each core that takes part.
fn workers(reader: &Reader) -> Result<Vec<Reader>, StoreError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (0..cores.clamp(1, MOST_WORKERS)).map(|_| reader.try_clone()).collect()
}

/// The next pages of an object in one system, and where the ones after them begin.
fn pages(
    reader: &Reader,
    object: ObjectKind,
    system: System,
    mut after: Option<RecordId>,
    workers: usize,
) -> Result<(Vec<Vec<RecordRef>>, Option<RecordId>), TrialError> {
    let mut pages = Vec::new();
    for _ in 0..workers * PAGES_AT_ONCE {
        let (anchors, next) = reader.anchors_after(object, system, after, PAGE)?;
        pages.push(anchors);
        after = next;
        if next.is_none() {
            break;
        }
    }
    Ok((pages, after))
}

/// Looks at all of them, every worker at its share; in the order of the pages.
fn looked_at(workers: &mut [Reader], trial: &Trial, pages: &[Vec<RecordRef>]) -> Result<Vec<Looked>, TrialError> {
    let share = pages.len().div_ceil(workers.len()).max(1);
    let found = std::thread::scope(|scope| {
        let begun: Vec<_> = workers
            .iter_mut()
            .zip(pages.chunks(share))
            .map(|(reader, pages)| scope.spawn(move || pages.iter().map(|page| look(reader, trial, page)).collect()))
            .collect();
        begun.into_iter().map(|worker| worker.join().map_err(|_| TrialError::Broken)).collect::<Vec<_>>()
    });
    let mut all = Vec::new();
    for share in found {
        let share: Vec<Result<Vec<Looked>, TrialError>> = share?;
        for page in share {
            all.extend(page?);
        }
    }
    Ok(all)
}

/// One page, in one state of the file.
fn look(reader: &Reader, trial: &Trial, page: &[RecordRef]) -> Result<Vec<Looked>, TrialError> {
    let look = |reader: &Reader| page.iter().map(|record| trial.look(reader, *record)).collect::<ViewResult<_>>();
    Ok(reader.at_once(look)??)
}

/// Whether the draft is still the one that was tested.
fn mark(settings: &mut Settings, edit: u64, by: &str, now: Timestamp) -> Result<bool, StoreError> {
    match settings.mark_tested(Base::Edit(edit), by, now) {
        Ok(()) => Ok(true),
        Err(DraftError::Stale(_)) => Ok(false),
        Err(DraftError::Store(error)) => Err(error),
    }
}
