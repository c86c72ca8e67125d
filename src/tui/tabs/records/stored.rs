//! The rows of the Records tab, read from the workspace file.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::picked::Listed;
use super::source::{Opened, RecordSource, Totals, Wanted};
use crate::engine::core::plan::{PairPlan, PlannedWrite, plan_record};
use crate::engine::core::state::{Exchange, HistoryEntry, RecordState, Status};
use crate::engine::core::view::View;
use crate::mapping::{Config, Rules, toml};
use crate::model::{BySystem, ConfigVersion, ObjectKind, RecordRef, Schema, System, Timestamp};
use crate::store::rows::{Direction, StatusKey, StatusQuery};
use crate::store::{Reader, Settings, StoreError, Workspace};
use crate::tui::tab::Picked;
use crate::tui::widgets::Edge;
use crate::tui::world::SourceError;
use crate::view::push::HttpPreview;
use crate::view::relatives::Relatives;

const NOT_DEPLOYED: &str = "no configuration is deployed: deploy one in the Mappings tab";

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
    config: Option<(ConfigVersion, Config)>,
    deployed: Option<Deployed>,
    listed: Option<Listed>,
}

/// The deployed configuration, ready for planning.
struct Deployed {
    version: ConfigVersion,
    /// When the fields of each object were read.
    read: Vec<BySystem<Timestamp>>,
    rules: Rules,
    schemas: Vec<Arc<BySystem<Schema>>>,
}

impl StoredRecords {
    /// # Errors
    /// When the workspace cannot be opened.
    pub fn new(workspace: &Workspace, preview: Preview) -> Result<Self, StoreError> {
        let (reader, settings) = (workspace.reader()?, workspace.settings()?);
        let handles = Handles { reader, settings, config: None, deployed: None, listed: None };
        Ok(Self { store: Mutex::new(handles), preview })
    }

    fn handles(&self) -> MutexGuard<'_, Handles> {
        // nothing in there is left half-done by a panic: it is only read
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handles {
    /// The deployed configuration, made ready again when it or a schema has changed.
    fn deployed(&mut self) -> Result<&Deployed, SourceError> {
        let (version, config) = self.config()?.ok_or_else(|| lacking(NOT_DEPLOYED))?;
        let (version, config) = (*version, config.clone());
        let (mut read, mut schemas) = (Vec::new(), Vec::new());
        for object in config.objects.iter().map(|mapping| mapping.object) {
            let (hubspot, connectwise) =
                (self.schema(System::HubSpot, object)?, self.schema(System::ConnectWise, object)?);
            read.push(BySystem::new(hubspot.1, connectwise.1));
            schemas.push(BySystem::new(hubspot.0, connectwise.0));
        }
        let known = self.deployed.take().filter(|known| known.version == version && known.read == read);
        let deployed = match known {
            Some(known) => known,
            None => Deployed::new(version, read, config, schemas)?,
        };
        Ok(self.deployed.insert(deployed))
    }

    /// What is deployed, read again when it has changed; none where nothing is.
    fn config(&mut self) -> Result<Option<&(ConfigVersion, Config)>, SourceError> {
        let Some(row) = self.settings.deployed().map_err(failed)? else { return Ok(None) };
        let version = row.info.version;
        let known = self.config.take().filter(|(known, _)| *known == version);
        let config = match known {
            Some(known) => known,
            None => (version, toml::read(&row.body).map_err(|errors| unfit(&errors))?),
        };
        Ok(Some(self.config.insert(config)))
    }

    /// Rows of picked records, looked up again when anything has changed.
    fn listed(&mut self, picked: &Arc<Picked>) -> Result<&Listed, SourceError> {
        let revision = self.reader.revision().map_err(failed)?;
        let listed = match self.listed.take().filter(|known| known.is_of(picked, revision)) {
            Some(known) => known,
            None => {
                let look = |reader: &Reader| Listed::look(reader, picked, revision);
                let looked = self.reader.at_once(look).map_err(failed)?;
                looked.map_err(|error| SourceError(error.to_string()))?
            }
        };
        Ok(self.listed.insert(listed))
    }

    fn schema(&self, system: System, object: ObjectKind) -> Result<(Schema, Timestamp), SourceError> {
        let found = self.settings.schema(system, object).map_err(failed)?;
        found.ok_or_else(|| lacking(&format!("the fields of {system} are not known yet: connect it first")))
    }
}

impl Deployed {
    fn new(
        version: ConfigVersion,
        read: Vec<BySystem<Timestamp>>,
        config: Config,
        schemas: Vec<BySystem<Schema>>,
    ) -> Result<Self, SourceError> {
        let rules = Rules::compile(config, version, &schemas).map_err(|errors| unfit(&errors))?;
        Ok(Self { version, read, rules, schemas: schemas.into_iter().map(Arc::new).collect() })
    }

    fn schemas(&self, object: ObjectKind) -> Option<Arc<BySystem<Schema>>> {
        self.schemas.iter().find(|pair| pair.hubspot.object == object).map(Arc::clone)
    }
}

impl RecordSource for StoredRecords {
    fn page(&self, wanted: &Wanted, edge: &Edge<StatusKey>, limit: usize) -> Result<Vec<Status>, SourceError> {
        let mut handles = self.handles();
        if let Some(picked) = &wanted.these {
            return Ok(handles.listed(picked)?.page(wanted, edge, limit));
        }
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
        let mut handles = self.handles();
        let mapped: Vec<ObjectKind> = handles
            .config()?
            .map(|(_, config)| config.objects.iter().map(|mapping| mapping.object).collect())
            .unwrap_or_default();
        let all = |object| Ok((object, handles.reader.status_count(&StatusQuery::all(object)).map_err(failed)?));
        let objects = mapped.into_iter().map(all).collect::<Result<_, SourceError>>()?;
        if let Some(picked) = &wanted.these {
            let (states, listed) = handles.listed(picked)?.totals(wanted);
            return Ok(Totals { states, listed, objects });
        }
        let count = |state| Ok((state, handles.reader.state_count(wanted.object, state).map_err(failed)?));
        let states = RecordState::ALL.into_iter().map(count).collect::<Result<_, SourceError>>()?;
        let listed = handles.reader.status_count(&query(wanted)).map_err(failed)?;
        Ok(Totals { states, listed, objects })
    }

    fn open(&self, record: RecordRef, now: Timestamp) -> Result<Option<Opened>, SourceError> {
        let mut handles = self.handles();
        handles.deployed()?;
        let Handles { reader, deployed: Some(deployed), .. } = &*handles else {
            return Err(lacking(NOT_DEPLOYED));
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
        let relatives = Relatives::of(view, &deployed.rules, &plan).map_err(unread)?;
        Ok(Some(Opened { plan, link, observations, schemas: deployed.schemas(record.object), relatives }))
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

fn unfit(errors: &[impl ToString]) -> SourceError {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    SourceError(format!("The deployed configuration cannot be used: {}", errors.join("; ")))
}

fn lacking(what: &str) -> SourceError {
    SourceError(what.to_owned())
}
