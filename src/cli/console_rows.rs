//! Rows of the store for the console's tabs, from any edge of a list.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use super::schema::readings;

use crate::connect::Need;
use crate::connect::rights::scopes;
use crate::engine::core::state::{Cursor, Intent, Run};
use crate::engine::core::view::View;
use crate::engine::driver::setup::{Connection, HubSpotConnection, SetupError, working_config};
use crate::engine::driver::steps::Steps;
use crate::engine::driver::{Clock, doctor};
use crate::error::{Outcome, Report};
use crate::mapping::Config;
use crate::model::{BySystem, CallbackTrouble, Checked, Hearing, IntentId, ObjectKind, RunId, System, Timestamp, Verb};
use crate::store::rows::IssueQuery;
use crate::store::{Reader, Settings, StoreError, Workspace};
use crate::tui::widgets::Edge;
use crate::tui::{BoxFuture, Connected, Source, SourceError};
use crate::view::activity::{self, IssueGroup};
use crate::view::objects::{ObjectRow, ObjectSide, Objects};
use crate::view::schema::Reading;

/// Issues that are grouped; beyond that the causes are known.
const MOST_ISSUES: usize = 10_000;
/// Writes of one run that can be paged through.
const MOST_WRITES: usize = 10_000;

/// Reads for one console.
pub struct Rows {
    reader: Mutex<Reader>,
    settings: Mutex<Settings>,
    workspace: Workspace,
    runtime: Handle,
}

impl Rows {
    /// # Errors
    /// When the workspace cannot be opened.
    pub fn open(workspace: &Workspace, runtime: Handle) -> Outcome<Self> {
        let (reader, settings) = (Mutex::new(workspace.reader()?), Mutex::new(workspace.settings()?));
        Ok(Self { reader, settings, workspace: workspace.clone(), runtime })
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        // A reader holds no state of its own: what panicked while reading left nothing half done.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: impl Into<Report>) -> SourceError {
    SourceError(error.into().what)
}

impl Source for Rows {
    fn connections(&self) -> Result<BySystem<Option<Connected>>, SourceError> {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let config = working_config(&settings).map_err(failed)?;
        let one = |system| match Connection::load(&settings, system) {
            Ok(connection) => {
                let schema_read = schema_read(&settings, system, &config).map_err(failed)?;
                let silent = silent(&settings, system).map_err(failed)?;
                Ok(Some(Connected { schema_read, silent, ..connected(&connection, &config) }))
            }
            Err(SetupError::NotConnected(_)) => Ok(None),
            Err(error) => Err(failed(error)),
        };
        Ok(BySystem::new(one(System::HubSpot)?, one(System::ConnectWise)?))
    }

    fn drift(&self) -> Result<Vec<Reading>, SourceError> {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let config = working_config(&settings).map_err(failed)?;
        let since = doctor::made(&settings).map_err(failed)?;
        readings(&settings, &config, since).map_err(failed)
    }

    fn objects(&self) -> Result<Objects, SourceError> {
        let (config, checkup) = {
            let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
            (working_config(&settings).map_err(failed)?, settings.checkup().map_err(failed)?)
        };
        let reader = self.reader();
        let cursors = reader.cursors().map_err(failed)?;
        let wanted = BySystem::from_fn(|system| doctor::needs(&config, system));
        let mut rows = Vec::new();
        for (at, mapping) in config.objects.iter().enumerate() {
            let object = mapping.object;
            let side = |system: System| {
                Ok(ObjectSide {
                    known: reader.live_count(object, system)?,
                    read: read_last(&cursors, system, object),
                    wants: wanted[system].get(at).map_or_else(Vec::new, verbs),
                })
            };
            let (left, right) = (side(System::HubSpot), side(System::ConnectWise));
            let sides =
                BySystem::new(left.map_err(|e: StoreError| failed(e))?, right.map_err(|e: StoreError| failed(e))?);
            rows.push(ObjectRow { object, sides });
        }
        Ok(Objects { rows, checkup })
    }

    fn examine(&self) -> BoxFuture<Result<Vec<Checked>, SourceError>> {
        let workspace = self.workspace.clone();
        let work =
            self.runtime.spawn(async move { doctor::examine(&workspace, Clock::start(), &Steps::default()).await });
        Box::pin(async move {
            match work.await {
                Ok(Ok(items)) => Ok(items.iter().map(doctor::Item::checked).collect()),
                Ok(Err(error)) => Err(failed(error)),
                Err(error) => Err(SourceError(error.to_string())),
            }
        })
    }

    fn runs(&self, from: &Edge<RunId>, limit: usize) -> Result<Vec<Run>, SourceError> {
        let reader = self.reader();
        let newest = reader.high_water().map_err(failed)?.run;
        let window = Window::of(from, |id| id.0, newest, limit);
        let rows = reader.runs_page(Some(RunId(window.below)), limit).map_err(failed)?;
        Ok(rows.into_iter().filter(|run| run.id.0 >= window.at_least).collect())
    }

    fn writes(&self, of: Option<RunId>, from: &Edge<IntentId>, limit: usize) -> Result<Vec<Intent>, SourceError> {
        let reader = self.reader();
        match of {
            Some(run) => {
                let mut rows = reader.intents_of_run(run, None, MOST_WRITES).map_err(failed)?;
                rows.reverse();
                Ok(cut(rows, from, limit))
            }
            None => {
                let newest = reader.high_water().map_err(failed)?.intent;
                let window = Window::of(from, |id| id.0, newest, limit);
                let ids = (window.at_least..window.below).rev().take(limit);
                let rows: Result<Vec<_>, _> = ids.map(|id| reader.intent(IntentId(id))).collect();
                Ok(rows.map_err(failed)?.into_iter().flatten().collect())
            }
        }
    }

    fn hearing(&self) -> Result<Hearing, SourceError> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).hearing().map_err(failed)
    }

    fn issues(&self) -> Result<Vec<IssueGroup>, SourceError> {
        let issues = self.reader().issues_page(&IssueQuery::default(), None, MOST_ISSUES).map_err(failed)?;
        Ok(activity::group(&issues))
    }
}

/// When the changes of an object were last read to their end, in the engine's time.
fn read_last(cursors: &[Cursor], system: System, object: ObjectKind) -> Option<Timestamp> {
    let of = cursors.iter().filter(|cursor| (cursor.key.system, cursor.key.object) == (system, object));
    of.filter_map(|cursor| cursor.completed).max()
}

fn verbs(need: &Need) -> Vec<Verb> {
    let wanted = [(need.reads, Verb::Read), (need.creates, Verb::Create), (need.updates, Verb::Update)];
    wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, verb)| verb).collect()
}

/// Why ConnectWise does not call back for all that it should.
fn silent(settings: &Settings, system: System) -> Result<Option<CallbackTrouble>, StoreError> {
    let callbacks = if system == System::ConnectWise { settings.callbacks()? } else { None };
    Ok(callbacks.and_then(|callbacks| callbacks.trouble))
}

/// When the schemas of a system were read: all of them, so that the oldest counts.
fn schema_read(settings: &Settings, system: System, config: &Config) -> Result<Option<Timestamp>, StoreError> {
    let mut oldest = None;
    for object in &config.objects {
        let read = settings.schema(system, object.object)?.map(|(_, read)| read);
        oldest = [oldest, read].into_iter().flatten().min();
    }
    Ok(oldest)
}

fn connected(connection: &Connection, config: &Config) -> Connected {
    let (mut expires, mut missing_scopes) = (None, Vec::new());
    let (mut address, mut tenant) = (connection.address(), None);
    let account = match connection {
        Connection::HubSpot(HubSpotConnection { oauth: Some(grant), .. }, _) => {
            expires = Some(grant.expires);
            let wanted = scopes(&doctor::needs(config, System::HubSpot)).into_iter().map(str::to_owned);
            missing_scopes = wanted.filter(|scope| !grant.scopes.contains(scope)).collect();
            format!("OAuth app {}", grant.client_id)
        }
        Connection::HubSpot(..) => "service key or app token".to_owned(),
        Connection::ConnectWise(connection, _) => {
            address = connection.site.clone();
            tenant = Some(connection.company.clone());
            format!("public key {}", connection.public_key)
        }
    };
    Connected { schema_read: None, tenant, address, account, expires, missing_scopes, silent: None }
}

/// A range of numbers that are given without gaps from 1 upwards and shown newest first.
#[derive(Debug, PartialEq, Eq)]
struct Window {
    at_least: u64,
    below: u64,
}

impl Window {
    fn of<K>(from: &Edge<K>, number: impl Fn(&K) -> u64, newest: u64, limit: usize) -> Self {
        let limit = limit as u64;
        let down_from = |below: u64| Self { at_least: below.saturating_sub(limit).max(1), below };
        match from {
            Edge::Start => down_from(newest + 1),
            Edge::End => Self { at_least: 1, below: (limit + 1).min(newest + 1) },
            Edge::After(key) => down_from(number(key)),
            Edge::From(key) => down_from(number(key) + 1),
            Edge::Before(key) => {
                let at_least = number(key) + 1;
                Self { at_least, below: (at_least + limit).min(newest + 1).max(at_least) }
            }
        }
    }
}

/// The page of a list that is there as a whole.
fn cut(rows: Vec<Intent>, from: &Edge<IntentId>, limit: usize) -> Vec<Intent> {
    let place = |key: &IntentId| rows.iter().position(|row| row.id <= *key).unwrap_or(rows.len());
    let start = match from {
        Edge::Start => 0,
        Edge::End => rows.len().saturating_sub(limit),
        Edge::From(key) => place(key),
        Edge::After(key) => place(key) + usize::from(rows.iter().any(|row| row.id == *key)),
        Edge::Before(key) => place(key).saturating_sub(limit),
    };
    let end = match from {
        Edge::Before(key) => place(key),
        _ => start.saturating_add(limit),
    };
    rows.into_iter().take(end).skip(start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_found_from_every_edge() {
        let of = |edge: Edge<RunId>| Window::of(&edge, |id| id.0, 100, 10);
        let window = |at_least, below| Window { at_least, below };
        assert_eq!(of(Edge::Start), window(91, 101));
        assert_eq!(of(Edge::End), window(1, 11));
        assert_eq!(of(Edge::After(RunId(50))), window(40, 50));
        assert_eq!(of(Edge::From(RunId(50))), window(41, 51));
        assert_eq!(of(Edge::Before(RunId(50))), window(51, 61));
        assert_eq!(of(Edge::Before(RunId(95))), window(96, 101));
        assert_eq!(of(Edge::After(RunId(4))), window(1, 4));
    }

    #[test]
    fn a_short_list_has_no_more_than_it_has() {
        assert_eq!(Window::of(&Edge::End, |id: &RunId| id.0, 3, 10), Window { at_least: 1, below: 4 });
        assert_eq!(Window::of(&Edge::Start, |id: &RunId| id.0, 0, 10), Window { at_least: 1, below: 1 });
    }
}
