//! What a write would send, for people. Nothing is called: what depends on the record as it is then is shown in its shape,
//! with braces where an id is not known yet.

use serde_json::{Value as Json, json};

use super::super::ConnectWise;
use super::super::address::Address;
use super::super::communications;
use super::super::values::{self, Values};
use super::{Write, one, place};
use crate::connect::HttpPreview;
use crate::connect::http::Call;
use crate::engine::core::request::Request;
use crate::model::{FieldName, ObjectKind, Value};

impl ConnectWise {
    /// The code base is filled in when the call is made. User-defined fields not in the change are left out, because
    /// they are read just before the write.
    pub(in crate::connect::connectwise) fn previews(&self, request: &Request) -> Vec<HttpPreview> {
        let Ok((item, _)) = one(request) else { return Vec::new() };
        let object = request.object;
        let calls = match &item {
            Write::Create(item) => {
                let media = self.media.try_lock().ok().and_then(|held| held.clone());
                let concerned = object == ObjectKind::Contact && communications::concerned(&item.values);
                let mut calls = Vec::new();
                if concerned && media.is_none() {
                    calls.push(Call::get("/company/communicationTypes?pageSize=1000"));
                }
                calls.extend(self.create_call(object, item, &media.unwrap_or_default()));
                calls.extend(amount(object, "{id}", &item.values));
                calls
            }
            Write::Update(item) => {
                let path = match object {
                    ObjectKind::LineItem => format!("/sales/opportunities/{{opportunity}}/forecast/{}", item.id),
                    _ => format!("{}/{}", place(object).path, item.id),
                };
                let mut calls: Vec<Call> = self.present_path(object, item).map(Call::get).into_iter().collect();
                let operations = values::patch(object, &item.values, None).unwrap_or_default();
                if !operations.is_empty() {
                    calls.push(Call::send(reqwest::Method::PATCH, path.clone(), json!(operations)));
                }
                calls.extend(item.values.iter().filter_map(|(name, value)| beside(object, &path, name, value)));
                calls.extend(amount(object, &item.id.to_string(), &item.values));
                calls
            }
        };
        let base = self.code_base.try_lock().ok().and_then(|held| held.clone());
        let base = base.unwrap_or_else(|| "v4_6_release/".to_owned());
        let preview = |call: Call| HttpPreview {
            method: call.method.to_string(),
            path: format!("/{base}apis/3.0{}", call.path),
            body: call.body.map(|body| format!("{body:#}")).unwrap_or_default(),
        };
        calls.into_iter().map(preview).collect()
    }
}

/// What lives beside the record: changed where it is there, added where it is not.
fn beside(object: ObjectKind, path: &str, name: &FieldName, value: &Value) -> Option<Call> {
    let send = |path: String, body: Json| Some(Call::send(reqwest::Method::PATCH, path, body));
    let replace = |member: &str| json!([{ "op": "replace", "path": member, "value": value.to_plain() }]);
    match Address::of(object, name.as_str()) {
        Address::Communication(kind) => {
            send(format!("{path}/communications/{{item of type {kind}}}"), replace("value"))
        }
        Address::Extension(kind) => {
            send(format!("{path}/communications/{{item of type {kind}}}"), replace("extension"))
        }
        Address::Member("types") if values::has_type_calls(object) => {
            let types: Vec<Json> =
                values::rows(name, value).ok()?.into_iter().map(|id| json!({ "type": { "id": id } })).collect();
            Some(Call::send(reqwest::Method::POST, format!("{path}/typeAssociations"), Json::Array(types)))
        }
        _ => None,
    }
}

fn amount(object: ObjectKind, opportunity: &str, wanted: &Values) -> Option<Call> {
    let amount = |(name, _): &&(FieldName, Value)| Address::of(object, name.as_str()) == Address::Amount;
    let (name, value) = wanted.iter().find(amount)?;
    let revenue = values::json(object, name, value).ok()?;
    let body = json!([{ "op": "replace", "path": "revenue", "value": revenue }]);
    Some(Call::send(reqwest::Method::PATCH, format!("/sales/opportunities/{opportunity}/forecast/{{item}}"), body))
}
