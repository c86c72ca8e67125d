//! Cached records in memory, for the Filters tab.

use std::sync::Arc;

use super::FakeConfig;
use crate::filter::count::{Page, ROWS, Reading, Tally, Which, count_once, which_once};
use crate::model::{Record, RecordRef, System};
use crate::tui::tab::Picked;
use crate::tui::tabs::filters::source::{Counted, FilterSource, Job, Seen};
use crate::tui::world::SourceError;

/// The records of a [`FakeConfig`]; those with an even id are linked.
pub struct FakeFilters(pub Arc<FakeConfig>);

impl FakeFilters {
    fn page(&self, job: &Job) -> Page {
        let fields = job.question.fields();
        let mut reading = Reading::new(&fields);
        for record in self.0.records.iter().take(ROWS) {
            let values = fields.iter().map(|field| record.value(field.as_str()).clone());
            reading.push(record.id, record.archived, record.id.0.is_multiple_of(2), values);
        }
        reading.done()
    }
}

impl FilterSource for FakeFilters {
    fn count(&self, job: Job, wanted: &dyn Fn() -> bool) -> Result<Option<Counted>, SourceError> {
        if self.0.broken {
            return Err(SourceError("disk I/O error".into()));
        }
        if !wanted() {
            return Ok(None);
        }
        let mut tally = Tally::default();
        count_once(self.page(&job), &job.question, &mut tally);
        Ok(Some(Counted { tally, of: self.0.records.len() as u64, rest: None, revision: u64::MAX }))
    }

    fn which(&self, job: Job, which: Which, title: String) -> Result<Picked, SourceError> {
        let ids = which_once(self.page(&job), &job.question, which);
        let records: Vec<_> = ids.into_iter().map(|id| RecordRef::new(job.object, job.from, id)).collect();
        Ok(Picked { object: job.object, title, total: records.len() as u64, records })
    }

    fn record(&self, record: RecordRef, from: System) -> Result<Option<Seen>, SourceError> {
        let found = self.0.records.iter().find(|known| known.id == record.id && record.system == from);
        Ok(found.map(|known: &Record| Seen {
            of: record,
            name: known.value("name").to_plain(),
            record: known.clone(),
            linked: known.id.0.is_multiple_of(2),
        }))
    }
}
