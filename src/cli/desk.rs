//! What the console's tabs Records, Mappings and Filters work on: the workspace, its connectors, its engine.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, json};
use tokio::runtime::Handle;

use crate::connect::Connector;
use crate::engine::core::plan::PlannedWrite;
use crate::engine::core::request::{CreateItem, Priority, Request, RequestBody, UpdateItem};
use crate::engine::core::state::IntentKind;
use crate::engine::driver::Clock;
use crate::engine::driver::addition::{self, Seen};
use crate::engine::driver::deploy::{self, DeployError, Deployed, Order};
use crate::engine::driver::new_field::{self, FieldPlan, MadeField};
use crate::engine::driver::ready::make_both_ready;
use crate::engine::driver::setup::{self, SetupError};
use crate::engine::driver::steps::Steps;
use crate::mapping::new_field::NewField;
use crate::mapping::{Config, ObjectMapping};
use crate::model::{BySystem, FieldName, IntentId, ObjectKind, RecordRef, System, Value};
use crate::sim::{ControlHandle, Object, Side};
use crate::store::{StoreError, Workspace};
use crate::tui::BoxFuture;
use crate::tui::tabs::Desk;
use crate::tui::tabs::draft::deployer::Deployer;
use crate::tui::tabs::mappings::making::maker::FieldMaker;
use crate::tui::tabs::mappings::objects::adder::Adder;
use crate::tui::tabs::records::source::Simulated;
use crate::view::push::HttpPreview;

/// # Errors
/// When the workspace cannot be opened.
pub fn of(
    workspace: &Workspace,
    clock: Clock,
    runtime: Handle,
    author: &str,
    control: Option<ControlHandle>,
) -> Result<Desk, StoreError> {
    // without a connection nothing can be pushed either: there is nothing to preview
    let connectors = setup::connectors(workspace, clock).ok();
    let preview = move |write: &PlannedWrite| connectors.as_ref().map_or_else(Vec::new, |all| describe(write, all));
    let deployer =
        Deploys { workspace: workspace.clone(), clock, runtime, author: author.to_owned(), steps: Arc::default() };
    let adder = Arc::new(Adds { workspace: workspace.clone(), clock, runtime: deployer.runtime.clone() });
    let maker = Arc::clone(&adder) as Arc<dyn FieldMaker>;
    let simulated = control.map(|control| Arc::new(Edits(control)) as Arc<dyn Simulated>);
    Desk::of(workspace, author, Box::new(preview), Arc::new(deployer), adder, maker, simulated)
}

/// Deploys beside the console, on the runtime that speaks to the systems.
struct Deploys {
    workspace: Workspace,
    clock: Clock,
    runtime: Handle,
    author: String,
    /// Of the deploy under way.
    steps: Arc<Mutex<Arc<Steps>>>,
}

impl Deployer for Deploys {
    fn deploy(&self, edit: u64) -> BoxFuture<Result<Deployed, DeployError>> {
        let steps = Arc::new(Steps::default());
        *self.steps.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&steps);
        let order = Order { edit, by: self.author.clone(), note: None };
        let (workspace, clock) = (self.workspace.clone(), self.clock);
        let work = self.runtime.spawn(async move { deploy::deploy(&workspace, &order, clock, &steps).await });
        Box::pin(async move {
            let ended = |error: tokio::task::JoinError| SetupError::from(StoreError::Other(error.to_string()));
            work.await.unwrap_or_else(|error| Err(ended(error).into()))
        })
    }

    fn step(&self) -> Option<String> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).line()
    }
}

/// Asks the systems about another object, or for another property, beside the console, on the runtime that speaks to them.
struct Adds {
    workspace: Workspace,
    clock: Clock,
    runtime: Handle,
}

impl Adds {
    /// On a thread of its own: work that may have to be begun again can't be handed from one to another.
    fn beside<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce() -> Result<T, SetupError> + Send + 'static,
    ) -> BoxFuture<Result<T, SetupError>> {
        let runtime = self.runtime.clone();
        let work = self.runtime.spawn_blocking(move || runtime.block_on(work()));
        Box::pin(async move { work.await.unwrap_or_else(|error| Err(StoreError::Other(error.to_string()).into())) })
    }
}

impl Adder for Adds {
    fn look(&self, config: Arc<Config>, object: ObjectKind) -> BoxFuture<Result<Seen, SetupError>> {
        let (workspace, clock) = (self.workspace.clone(), self.clock);
        self.beside(async move || {
            let mut settings = workspace.settings()?;
            addition::look(&workspace, &mut settings, &config, object, clock, &Steps::default()).await
        })
    }

    fn prepare(&self, config: Arc<Config>, mapping: ObjectMapping) -> BoxFuture<Result<Vec<String>, SetupError>> {
        let (workspace, clock) = (self.workspace.clone(), self.clock);
        self.beside(async move || {
            let mut settings = workspace.settings()?;
            let alone = Config { objects: vec![mapping], ..Config::clone(&config) };
            let told = make_both_ready(&workspace, &alone, &mut settings, clock, &Steps::default()).await?;
            Ok(told.created)
        })
    }
}

impl FieldMaker for Adds {
    fn plan(&self, field: NewField) -> BoxFuture<Result<FieldPlan, SetupError>> {
        let (workspace, clock) = (self.workspace.clone(), self.clock);
        self.beside(async move || new_field::plan(&workspace, &field, clock).await)
    }

    fn make(&self, field: NewField) -> BoxFuture<Result<MadeField, SetupError>> {
        let (workspace, clock) = (self.workspace.clone(), self.clock);
        self.beside(async move || new_field::make(&workspace, &field, clock).await)
    }
}

/// The requests of a planned write. The number of its intent is not known before it is sent, and is in none of them.
#[must_use]
pub fn describe(write: &PlannedWrite, connectors: &BySystem<Arc<dyn Connector>>) -> Vec<HttpPreview> {
    let fields: Vec<FieldName> = write.fields.iter().map(|field| field.field.clone()).collect();
    let values = write.fields.iter().map(|field| (field.field.clone(), field.after.clone()));
    let (intent, stamp) = (IntentId(0), write.stamp.clone());
    let body = match (write.kind, write.target) {
        (IntentKind::Create, _) => {
            let values = values.filter(|(_, value)| *value != Value::Empty).collect();
            let stamp = stamp.unwrap_or_default();
            RequestBody::Create { fields, items: vec![CreateItem { intent, values, stamp }] }
        }
        (IntentKind::Update, Some(id)) => {
            RequestBody::Update { fields, items: vec![UpdateItem { intent, id, values: values.collect(), stamp }] }
        }
        (IntentKind::Update, None) => return Vec::new(),
    };
    let (system, object, priority) = (write.system, write.object, Priority::Interactive);
    let request = Request { system, object, priority, run: None, body };
    let described = connectors[write.system].describe(&request).into_iter();
    described.map(|call| HttpPreview { system, method: call.method, path: call.path, body: call.body }).collect()
}

/// What a simulator calls an object. ConnectWise keeps everything a salesperson does as one kind of record.
const fn object(side: Side, kind: ObjectKind) -> Object {
    match (side, kind) {
        (_, ObjectKind::Company) => Object::Company,
        (_, ObjectKind::Contact) => Object::Contact,
        (_, ObjectKind::Deal) => Object::Deal,
        (_, ObjectKind::Ticket) => Object::Ticket,
        (_, ObjectKind::Product) => Object::Product,
        (_, ObjectKind::LineItem) => Object::LineItem,
        (Side::ConnectWise, ObjectKind::Note | ObjectKind::Task | ObjectKind::Call | ObjectKind::Meeting) => {
            Object::Activity
        }
        (Side::HubSpot, ObjectKind::Note) => Object::Note,
        (Side::HubSpot, ObjectKind::Task) => Object::Task,
        (Side::HubSpot, ObjectKind::Call) => Object::Call,
        (Side::HubSpot, ObjectKind::Meeting) => Object::Meeting,
    }
}

/// Edits in the simulated systems of a demo.
struct Edits(ControlHandle);

impl Simulated for Edits {
    fn edit(&self, record: RecordRef, field: FieldName, value: String) -> BoxFuture<Result<String, String>> {
        let side = match record.system {
            System::HubSpot => Side::HubSpot,
            System::ConnectWise => Side::ConnectWise,
        };
        let mut fields = Map::new();
        fields.insert(field.as_str().to_owned(), json!(value));
        let said = if value.is_empty() { "empty".to_owned() } else { value };
        let done = self.0.edit(side, object(side, record.object), record.id.0, &fields, None);
        let done = done
            .map(|()| format!("In {}, {field} of {} is now {said}.", record.system, record.id))
            .map_err(|error| error.to_string());
        Box::pin(async move { done })
    }
}
