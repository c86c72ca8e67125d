//! The values that the cached records of a workspace hold.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::source::{Holders, Question, ValueSource};
use crate::engine::core::state::Observation;
use crate::engine::driver::gaps;
use crate::mapping::FieldKey;
use crate::mapping::coverage::{Held, Tally};
use crate::model::{ObjectKind, RecordId, System};
use crate::store::{Reader, StoreError, Workspace};
use crate::tui::tab::Picked;
use crate::tui::tabs::draft::stored::failed;
use crate::tui::world::SourceError;

/// Records looked at between two looks at whether the answer is still wanted.
const PAGE: usize = 500;

/// A [`ValueSource`] over one workspace.
pub struct StoredValues {
    reader: Mutex<Reader>,
}

impl StoredValues {
    /// # Errors
    /// When the workspace cannot be opened.
    pub fn new(workspace: &Workspace) -> Result<Self, StoreError> {
        Ok(Self { reader: Mutex::new(workspace.reader()?) })
    }

    /// Every live record of one system; false when they are no longer wanted.
    fn each(
        &self,
        object: ObjectKind,
        system: System,
        wanted: &dyn Fn() -> bool,
        mut take: impl FnMut(&Observation),
    ) -> Result<bool, SourceError> {
        let mut after: Option<RecordId> = None;
        loop {
            if !wanted() {
                return Ok(false);
            }
            let page = {
                let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
                reader.observations_after(object, system, after, PAGE).map_err(failed)?
            };
            page.iter().filter(|one| one.is_live()).for_each(&mut take);
            after = page.last().map(|one| one.of.id);
            if page.len() < PAGE {
                return Ok(true);
            }
        }
    }
}

impl ValueSource for StoredValues {
    fn held(&self, question: &Question, wanted: &dyn Fn() -> bool) -> Result<Option<Held>, SourceError> {
        let mut tally = Tally::new(&question.mapping, &question.schemas, &question.cached, question.today);
        for system in System::BOTH {
            if !self.each(question.mapping.object, system, wanted, |one| tally.count(system, &one.record))? {
                return Ok(None);
            }
        }
        Ok(Some(tally.into_held()))
    }

    fn held_back(
        &self,
        question: &Question,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<BTreeMap<FieldKey, u64>>, SourceError> {
        let Question { mapping, schemas, cached, .. } = question;
        // planning takes its time: it has a reader of its own
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).try_clone().map_err(failed)?;
        let found = gaps::held_back(&reader, mapping, schemas, cached, wanted);
        found.map_err(|error| SourceError(error.to_string()))
    }

    fn holders(&self, question: &Question, holders: &Holders) -> Result<Picked, SourceError> {
        let Holders { field, system, key, title } = holders;
        let tally = Tally::new(&question.mapping, &question.schemas, &question.cached, question.today);
        let object = question.mapping.object;
        let mut picked = Picked { object, title: title.clone(), records: Vec::new(), total: 0 };
        self.each(object, *system, &|| true, |one| {
            if tally.holds(field, *system, key, &one.record) {
                picked.total += 1;
                if picked.records.len() < Picked::MOST {
                    picked.records.push(one.of);
                }
            }
        })?;
        Ok(picked)
    }
}
