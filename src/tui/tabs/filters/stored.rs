//! Counts over the cache of a workspace file.
//!
//! The fields that filters look at are read once and kept, page by page, up to a limit of memory; what lies beyond is read
//! again by every count. While pages are read anew because records changed, counts go on with the ones before.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::source::{Counted, FilterSource, Job, Seen};
use crate::engine::core::state::LinkState;
use crate::engine::core::view::{View, ViewError};
use crate::filter::count::{Page, Pages, Question, ROWS, Reading, Tally, Which, count_once, which_once};
use crate::model::{FieldName, ObjectKind, RecordId, RecordRef, System};
use crate::store::{Reader, StoreError, Workspace};
use crate::tui::tab::Picked;
use crate::tui::world::SourceError;

/// Memory for pages.
const MOST_BYTES: usize = 96 << 20;
/// Pages counted at most before the numbers so far are shown.
const LONGEST_STRIDE: usize = 16;

/// A [`FilterSource`] over one workspace.
pub struct StoredFilters {
    desk: Mutex<Desk>,
    /// The most bytes of pages that are kept.
    most_bytes: usize,
}

struct Desk {
    reader: Reader,
    /// What counts go by.
    current: Option<Shelf>,
    /// What takes its place once it is whole.
    next: Option<Shelf>,
    shelves: u64,
}

/// Pages of one object and system.
struct Shelf {
    number: u64,
    object: ObjectKind,
    from: System,
    revision: u64,
    pages: Pages,
    /// Whether there is nothing behind the last page, or it is not kept.
    is_done: bool,
    /// Whether every record is on a page.
    is_whole: bool,
    linked: HashSet<RecordId>,
    /// Records there are, about.
    of: u64,
}

/// How far a count is.
struct Progress {
    tally: Tally,
    shelf: u64,
    /// Kept pages that were looked at.
    place: usize,
    /// The last record looked at beyond them.
    after: Option<RecordId>,
    stride: usize,
}

/// What becomes of the pages that a count goes over.
trait Take {
    fn kept(&mut self, pages: &mut Pages, place: usize, question: &Question);
    fn once(&mut self, page: Page, question: &Question);
}

impl StoredFilters {
    /// # Errors
    /// When the workspace cannot be opened.
    pub fn new(workspace: &Workspace) -> Result<Self, StoreError> {
        Self::keeping(workspace, MOST_BYTES)
    }

    /// One that keeps pages of so many bytes.
    ///
    /// # Errors
    /// When the workspace cannot be opened.
    pub fn keeping(workspace: &Workspace, most_bytes: usize) -> Result<Self, StoreError> {
        let desk = Desk { reader: workspace.reader()?, current: None, next: None, shelves: 0 };
        Ok(Self { desk: Mutex::new(desk), most_bytes })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // a page is added whole or not at all: a panic leaves nothing half-done in there
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// About how much memory the kept pages take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let desk = self.desk();
        desk.current.iter().chain(&desk.next).map(|shelf| shelf.pages.bytes()).sum()
    }
}

impl FilterSource for StoredFilters {
    fn count(&self, mut job: Job, wanted: &dyn Fn() -> bool) -> Result<Option<Counted>, SourceError> {
        let mut desk = self.desk();
        if !wanted() {
            return Ok(None);
        }
        let known = job.at.take().and_then(|at| at.downcast::<Progress>().ok());
        let known = known.filter(|progress| desk.shelf(progress.shelf).is_some());
        let mut progress = match known {
            Some(progress) => progress,
            None => Box::new(desk.begin(&job)?),
        };
        let mut tally = std::mem::take(&mut progress.tally);
        for _ in 0..progress.stride {
            if !wanted() {
                return Ok(None);
            }
            if !desk.advance(&job, &mut progress, self.most_bytes, &mut tally)? {
                let (of, revision) = (tally.looked, desk.finish(progress.shelf));
                return Ok(Some(Counted { tally, of, rest: None, revision }));
            }
        }
        progress.stride = (progress.stride * 2).min(LONGEST_STRIDE);
        progress.tally = tally.clone();
        let (of, revision) = desk.shelf(progress.shelf).map_or((0, 0), |shelf| (shelf.of, shelf.revision));
        job.at = Some(progress);
        Ok(Some(Counted { of: of.max(tally.looked), tally, rest: Some(job), revision }))
    }

    fn which(&self, job: Job, which: Which, title: String) -> Result<Picked, SourceError> {
        let mut picking = Picking { which, ids: Vec::new(), total: 0 };
        let mut progress = self.desk().begin(&job)?;
        // others are let in after every page
        while self.desk().advance(&job, &mut progress, self.most_bytes, &mut picking)? {}
        self.desk().finish(progress.shelf);
        let records = picking.ids.into_iter().map(|id| RecordRef::new(job.object, job.from, id)).collect();
        Ok(Picked { object: job.object, title, records, total: picking.total })
    }

    fn record(&self, record: RecordRef, from: System) -> Result<Option<Seen>, SourceError> {
        let desk = self.desk();
        let link = desk.reader.link_of(record).map_err(unread)?.filter(|link| link.state == LinkState::Active);
        let of = match &link {
            Some(link) if from == System::HubSpot => RecordRef::new(record.object, from, link.hubspot),
            Some(link) => RecordRef::new(record.object, from, link.connectwise),
            None => record,
        };
        let seen = desk.reader.observation(of).map_err(unread)?.filter(|seen| of.system == from && !seen.gone);
        let Some(seen) = seen else { return Ok(None) };
        let anchor = link.as_ref().map_or(of, |link| RecordRef::new(of.object, System::HubSpot, link.hubspot));
        let status = desk.reader.status(anchor).map_err(unread)?;
        let name = status.map(|status| status.name).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| format!("{} {}", of.object, of.id));
        Ok(Some(Seen { of, name, record: seen.record, linked: link.is_some() }))
    }
}

impl Desk {
    fn shelf(&mut self, number: u64) -> Option<&mut Shelf> {
        [&mut self.current, &mut self.next].into_iter().flatten().find(|shelf| shelf.number == number)
    }

    /// Chooses the pages to go by; begins to read them where there are none.
    fn begin(&mut self, job: &Job) -> Result<Progress, SourceError> {
        let revision = self.reader.revision().map_err(failed)?;
        let fits = |shelf: &&mut Shelf| {
            shelf.object == job.object && shelf.from == job.from && shelf.pages.suit(&job.question)
        };
        let current = self.current.as_mut().filter(|shelf| fits(shelf) && (!job.fresh || shelf.revision == revision));
        let number = match current.or_else(|| self.next.as_mut().filter(|shelf| fits(shelf))) {
            Some(shelf) => shelf.number,
            None => self.open(job, revision)?,
        };
        if let Some(shelf) = self.shelf(number) {
            let expected = usize::try_from(shelf.of).unwrap_or(usize::MAX) / ROWS + 1;
            shelf.pages.prepare(&job.question, expected);
        }
        Ok(Progress { tally: Tally::default(), shelf: number, place: 0, after: None, stride: 1 })
    }

    fn open(&mut self, job: &Job, revision: u64) -> Result<u64, SourceError> {
        let mut fields = job.question.fields();
        // what was looked at just before is likely to be looked at again
        let before = self.current.iter().filter(|shelf| shelf.object == job.object && shelf.from == job.from);
        for shelf in before.filter(|shelf| shelf.pages.bytes() < MOST_BYTES / 4) {
            fields.extend(shelf.pages.fields().iter().cloned());
        }
        fields.sort_unstable();
        fields.dedup();
        self.shelves += 1;
        let (object, from) = (job.object, job.from);
        let shelf = Shelf {
            number: self.shelves,
            object,
            from,
            revision,
            pages: Pages::new(fields),
            is_done: false,
            is_whole: false,
            linked: self.reader.linked(object, from).map_err(failed)?,
            of: self.reader.observation_count(object, from).map_err(failed)?,
        };
        self.next = Some(shelf);
        Ok(self.shelves)
    }

    /// Goes over the next page; false where there is none.
    fn advance(
        &mut self,
        job: &Job,
        progress: &mut Progress,
        most_bytes: usize,
        take: &mut impl Take,
    ) -> Result<bool, SourceError> {
        let reader = &self.reader;
        let shelves = [&mut self.current, &mut self.next].into_iter().flatten();
        let Some(shelf) = shelves.into_iter().find(|shelf| shelf.number == progress.shelf) else { return Ok(false) };
        if progress.place == shelf.pages.len() && !shelf.is_done {
            let (page, is_last) = read(reader, shelf, shelf.pages.last())?;
            shelf.is_whole = is_last;
            shelf.pages.add(page);
            shelf.is_done = is_last || shelf.pages.bytes() >= most_bytes;
        }
        if progress.place < shelf.pages.len() {
            take.kept(&mut shelf.pages, progress.place, &job.question);
            progress.place += 1;
            return Ok(progress.place < shelf.pages.len() || !shelf.is_whole);
        }
        let (page, is_last) = read(reader, shelf, progress.after.or(shelf.pages.last()))?;
        progress.after = page.last();
        take.once(page, &job.question);
        Ok(!is_last)
    }

    /// The pages are all there: from now on counts go by them. Tells of which state of the workspace they are.
    fn finish(&mut self, number: u64) -> u64 {
        if self.next.as_ref().is_some_and(|shelf| shelf.number == number && shelf.is_done) {
            self.current = self.next.take();
        }
        self.shelf(number).map_or(0, |shelf| shelf.revision)
    }
}

/// The next page, and whether it is the last one.
fn read(reader: &Reader, shelf: &Shelf, after: Option<RecordId>) -> Result<(Page, bool), SourceError> {
    let fields: &[FieldName] = shelf.pages.fields();
    let rows = reader.cells_after(shelf.object, shelf.from, after, ROWS, fields).map_err(failed)?;
    let is_last = rows.len() < ROWS;
    let mut reading = Reading::new(fields);
    for row in rows {
        reading.push(row.id, row.archived, shelf.linked.contains(&row.id), row.values.into_iter());
    }
    Ok((reading.done(), is_last))
}

impl Take for Tally {
    fn kept(&mut self, pages: &mut Pages, place: usize, question: &Question) {
        pages.count(place, question, self);
    }

    fn once(&mut self, page: Page, question: &Question) {
        count_once(page, question, self);
    }
}

/// Records that a number counts, as far as they are found.
struct Picking {
    which: Which,
    ids: Vec<RecordId>,
    total: u64,
}

impl Picking {
    fn add(&mut self, ids: Vec<RecordId>) {
        self.total += ids.len() as u64;
        let room = Picked::MOST.saturating_sub(self.ids.len());
        self.ids.extend(ids.into_iter().take(room));
    }
}

impl Take for Picking {
    fn kept(&mut self, pages: &mut Pages, place: usize, question: &Question) {
        let ids = pages.which(place, question, self.which);
        self.add(ids);
    }

    fn once(&mut self, page: Page, question: &Question) {
        self.add(which_once(page, question, self.which));
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn failed(error: StoreError) -> SourceError {
    SourceError(format!("{error}. {}", error.hint()))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn unread(error: ViewError) -> SourceError {
    SourceError(error.to_string())
}
