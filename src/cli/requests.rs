//! The HTTP requests that a planned write would be, for whoever wants to see them before they are sent.

use std::sync::Arc;

use crate::connect::Connector;
use crate::engine::core::plan::PlannedWrite;
use crate::engine::core::request::{CreateItem, Priority, Request, RequestBody, UpdateItem};
use crate::engine::core::state::IntentKind;
use crate::engine::driver::{Clock, setup};
use crate::model::{BySystem, FieldName, IntentId, ObjectKind, Value};
use crate::store::Settings;
use crate::view::push::HttpPreview;

/// Shows requests by the workspace's own connectors; none where it is not connected.
pub fn preview(settings: &Settings) -> Box<dyn Fn(&PlannedWrite) -> Vec<HttpPreview> + Send + Sync> {
    let connectors = setup::connectors(settings, Clock::start());
    Box::new(move |write| connectors.as_ref().map_or_else(|_| Vec::new(), |connectors| of(write, connectors)))
}

fn of(write: &PlannedWrite, connectors: &BySystem<Arc<dyn Connector>>) -> Vec<HttpPreview> {
    let Some(request) = request(write) else { return Vec::new() };
    let calls = connectors[write.system].describe(&request).into_iter();
    calls
        .map(|call| HttpPreview { system: write.system, method: call.method, path: call.path, body: call.body })
        .collect()
}

/// The request as the engine would make it; none for an update without a target, which is never planned.
fn request(write: &PlannedWrite) -> Option<Request> {
    let values: Vec<(FieldName, Value)> = write.fields.iter().map(|f| (f.field.clone(), f.after.clone())).collect();
    let (fields, intent) = (Vec::new(), IntentId(0));
    let body = match write.kind {
        IntentKind::Create => {
            let item = CreateItem { intent, values, stamp: write.stamp.clone().unwrap_or_default() };
            RequestBody::Create { fields, items: vec![item] }
        }
        IntentKind::Update => {
            let item = UpdateItem { intent, id: write.target?, values, stamp: write.stamp.clone() };
            RequestBody::Update { fields, items: vec![item] }
        }
    };
    Some(Request { system: write.system, object: ObjectKind::Company, priority: Priority::Interactive, body })
}
