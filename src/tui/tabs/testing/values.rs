//! Records in memory, for what they hold.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::mapping::FieldKey;
use crate::mapping::coverage::{Held, Tally};
use crate::model::{BySystem, Record, RecordRef, System};
use crate::tui::tab::Picked;
use crate::tui::tabs::mappings::values::source::{Holders, Question, ValueSource};
use crate::tui::world::SourceError;

/// Records of both systems.
#[derive(Default)]
pub struct FakeValues {
    pub records: Mutex<BySystem<Vec<Record>>>,
    /// How often they were read.
    pub reads: Mutex<usize>,
    /// What planning finds, whatever is asked.
    pub held_back: Mutex<BTreeMap<FieldKey, u64>>,
    /// How often it was asked for.
    pub plans: Mutex<usize>,
    pub broken: bool,
}

impl ValueSource for FakeValues {
    fn held(&self, question: &Question, wanted: &dyn Fn() -> bool) -> Result<Option<Held>, SourceError> {
        if self.broken {
            return Err(SourceError("disk I/O error".into()));
        }
        *self.reads.lock().unwrap() += 1;
        let mut tally = Tally::new(&question.mapping, &question.schemas, &question.cached, question.today);
        for system in System::BOTH {
            self.records.lock().unwrap()[system].iter().for_each(|record| tally.count(system, record));
        }
        Ok(wanted().then(|| tally.into_held()))
    }

    fn held_back(
        &self,
        _: &Question,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<BTreeMap<FieldKey, u64>>, SourceError> {
        *self.plans.lock().unwrap() += 1;
        Ok(wanted().then(|| self.held_back.lock().unwrap().clone()))
    }

    fn holders(&self, question: &Question, holders: &Holders) -> Result<Picked, SourceError> {
        if self.broken {
            return Err(SourceError("disk I/O error".into()));
        }
        let tally = Tally::new(&question.mapping, &question.schemas, &question.cached, question.today);
        let (object, system) = (question.mapping.object, holders.system);
        let all = self.records.lock().unwrap();
        let fits = |record: &&Record| tally.holds(&holders.field, system, &holders.key, record);
        let records: Vec<_> =
            all[system].iter().filter(fits).map(|record| RecordRef::new(object, system, record.id)).collect();
        Ok(Picked { object, title: holders.title.clone(), total: records.len() as u64, records })
    }
}
