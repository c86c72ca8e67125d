//! The rows of the Records tab, read from the workspace file.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::source::{Opened, RecordSource, Totals, Wanted};
use crate::engine::core::plan::{PairPlan, PlannedWrite, plan_record};
use crate::engine::core::state::{Exchange, HistoryEntry, RecordState, Status};
use crate::engine::core::view::View;
use crate::mapping::{Rules, toml};
use crate::model::{BySystem, ConfigVersion, ObjectKind, RecordRef, Schema, System, Timestamp};
use crate::store::rows::{Direction, StatusKey, StatusQuery};
use crate::store::{Reader, Settings, StoreError, Workspace};
use crate::tui::widgets::Edge;
use crate::tui::world::SourceError;
use crate::view::push::HttpPreview;

/// Turns a planned write into the requests it would be; the connectors know how.
pub type Preview = Box<dyn Fn(&PlannedWrite) -> Vec<HttpPreview> + Send + Sync>;

/// A [`RecordSource`] over one workspace.
pub struct StoredRecords {
    store: Mutex<Handles>,
    preview: Preview,
}

/// What the file is read through; one at a time, off the UI thread.
struct Handles {
    reader: Reader,
    settings: Settings,
    deployed: Option<Deployed>,
}

/// The deployed configuration, ready for planning.
struct Deployed {
    version: ConfigVersion,
    read: BySystem<Timestamp>,
    rules: Rules,
    schemas: Arc<BySystem<Schema>>,
}

impl StoredRecords {
    /// # Errors
    /// When the workspace cannot be opened.
    pub fn new(workspace: &Workspace, preview: Preview) -> Result<Self, StoreError> {
        let handles = Handles { reader: workspace.reader()?, settings: workspace.settings()?, deployed: None };
        Ok(Self { store: Mutex::new(handles), preview })
    }

    fn handles(&self) -> MutexGuard<'_, Handles> {
        // nothing in there is left half-done by a panic: it is only read
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handles {
    /// The deployed configuration, made ready again when it or a schema has changed.
    fn deployed(&mut self, object: ObjectKind) -> Result<&Deployed, SourceError> {
        let row = self.settings.deployed().map_err(failed)?;
        let row = row.ok_or_else(|| lacking("no configuration is deployed: deploy one in the Mappings tab"))?;
        let (hubspot, connectwise) = (self.schema(System::HubSpot, object)?, self.schema(System::ConnectWise, object)?);
        let read = BySystem::new(hubspot.1, connectwise.1);
        let version = row.info.version;
        let known = self.deployed.take().filter(|known| known.version == version && known.read == read);
        let deployed = match known {
            Some(known) => known,
            None => Deployed::new(version, read, &row.body, BySystem::new(hubspot.0, connectwise.0))?,
        };
        Ok(self.deployed.insert(deployed))
    }

    fn schema(&self, system: System, object: ObjectKind) -> Result<(Schema, Timestamp), SourceError> {
        let found = self.settings.schema(system, object).map_err(failed)?;
        found.ok_or_else(|| lacking(&format!("the fields of {system} are not known yet: connect it first")))
    }
}

impl Deployed {
    fn new(
        version: ConfigVersion,
        read: BySystem<Timestamp>,
        body: &str,
        schemas: BySystem<Schema>,
    ) -> Result<Self, SourceError> {
        let unfit = |why: String| SourceError(format!("The deployed configuration cannot be used: {why}"));
        let config = toml::read(body).map_err(|errors| unfit(listed(&errors)))?;
        let rules =
            Rules::compile(config, version, std::slice::from_ref(&schemas)).map_err(|errors| unfit(listed(&errors)))?;
        Ok(Self { version, read, rules, schemas: Arc::new(schemas) })
    }
}

impl RecordSource for StoredRecords {
    fn page(&self, wanted: &Wanted, edge: &Edge<StatusKey>, limit: usize) -> Result<Vec<Status>, SourceError> {
        let handles = self.handles();
        let query = query(wanted);
        let page = |from: Option<&StatusKey>, direction, most| {
            handles.reader.status_page(&query, from, direction, most).map_err(failed)
        };
        match edge {
            Edge::Start => page(None, Direction::Forward, limit),
            Edge::End => page(None, Direction::Backward, limit),
            Edge::After(key) => page(Some(key), Direction::Forward, limit),
            Edge::Before(key) => page(Some(key), Direction::Backward, limit),
            Edge::From(key) => {
                let before = page(Some(key), Direction::Backward, 1)?;
                page(before.first().map(StatusKey::of).as_ref(), Direction::Forward, limit)
            }
        }
    }

    fn totals(&self, wanted: &Wanted) -> Result<Totals, SourceError> {
        let handles = self.handles();
        let count = |state| Ok((state, handles.reader.state_count(wanted.object, state).map_err(failed)?));
        let states = RecordState::ALL.into_iter().map(count).collect::<Result<_, SourceError>>()?;
        let listed = handles.reader.status_count(&query(wanted)).map_err(failed)?;
        Ok(Totals { states, listed })
    }

    fn open(&self, record: RecordRef, now: Timestamp) -> Result<Option<Opened>, SourceError> {
        let mut handles = self.handles();
        handles.deployed(record.object)?;
        let Handles { reader, deployed: Some(deployed), .. } = &*handles else {
            return Err(lacking("no configuration is deployed"));
        };
        let view: &dyn View = reader;
        let unread = |error: crate::engine::core::view::ViewError| SourceError(error.to_string());
        let Some(plan) = plan_record(view, &deployed.rules, record, now).map_err(unread)? else { return Ok(None) };
        let sides = BySystem::new(plan.hubspot, plan.connectwise);
        let sides = sides.map(|system, id| id.map(|id| RecordRef::new(record.object, system, id)));
        let look = |of: Option<RecordRef>| of.map_or(Ok(None), |of| view.observation(of)).map_err(unread);
        let observations = BySystem::new(look(sides.hubspot)?, look(sides.connectwise)?);
        if observations.hubspot.is_none() && observations.connectwise.is_none() {
            return Ok(None);
        }
        let link = view.link_of(record).map_err(unread)?;
        Ok(Some(Opened { plan, link, observations, schemas: Some(Arc::clone(&deployed.schemas)) }))
    }

    fn history(&self, records: &[RecordRef], limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        let handles = self.handles();
        let mut rows = Vec::new();
        for record in records {
            rows.extend(handles.reader.history_of(*record, None, limit).map_err(failed)?);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        rows.truncate(limit);
        Ok(rows.into_iter().map(|row| row.entry).collect())
    }

    fn exchanges(&self, records: &[RecordRef]) -> Result<Vec<Exchange>, SourceError> {
        let handles = self.handles();
        let found = records.iter().map(|record| handles.reader.exchange(*record).map_err(failed));
        let mut found: Vec<Exchange> = found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        found.sort_by_key(|exchange| std::cmp::Reverse(exchange.at));
        Ok(found)
    }

    fn requests(&self, plan: &PairPlan) -> Vec<HttpPreview> {
        plan.writes().iter().flat_map(|write| (self.preview)(write)).collect()
    }
}

fn query(wanted: &Wanted) -> StatusQuery {
    let search = wanted.search.trim();
    StatusQuery { object: wanted.object, state: wanted.state, search: (!search.is_empty()).then(|| search.to_owned()) }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn failed(error: StoreError) -> SourceError {
    SourceError(format!("{error}. {}", error.hint()))
}

fn listed(errors: &[impl ToString]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn lacking(what: &str) -> SourceError {
    SourceError(what.to_owned())
}
