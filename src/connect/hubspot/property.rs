//! Properties that Lockstep adds to a portal because a person asked for them, and the groups they are in.

use serde_json::{Value as Json, json};

use super::doctor::{add, named};
use super::paths::{self, Route};
use super::told::{odd, results};
use super::{HubCall, HubSpot};
use crate::connect::address::path_segment;
use crate::connect::error::{ConnectError, ConnectErrorKind, Fault};
use crate::connect::http::Session;
use crate::connect::rights::{Way, scope};
use crate::connect::{FieldPlan, FieldStanding, HttpPreview, MadeField};
use crate::engine::core::request::{Failure, Priority, RejectionKind};
use crate::mapping::new_field::{GROUP, GROUP_LABEL, NewField};
use crate::model::ObjectKind;

impl HubSpot {
    /// What making a property would take, as the portal is now. Asks, and changes nothing.
    pub(super) async fn plan_property(&self, field: &NewField) -> Result<FieldPlan, ConnectError> {
        let mut session = self.session(field.object);
        let standing = self.standing(field, &mut session).await?;
        let mut calls = Vec::new();
        if !matches!(standing, FieldStanding::There(_)) {
            if !self.has_group(field.object, &field.group, &mut session).await? {
                calls.push(group_call(field.object, &field.group));
            }
            calls.push(property_call(field.object, wanted(field)?));
        }
        let preview = |call: HubCall| {
            let call = call.at(self.version.current(call.route));
            let body = call.body.as_ref().map(|body| format!("{body:#}")).unwrap_or_default();
            HttpPreview { method: call.method.to_string(), path: call.path, body }
        };
        Ok(FieldPlan { standing, calls: calls.into_iter().map(preview).collect() })
    }

    /// Makes it. Never twice: where the answer is lost, the portal is asked what became of it.
    pub(super) async fn make_property(&self, field: &NewField) -> Result<MadeField, ConnectError> {
        let mut session = self.session(field.object);
        let body = wanted(field)?;
        if let FieldStanding::There(kind) = self.standing(field, &mut session).await? {
            return Ok(MadeField::There(kind));
        }
        if !self.has_group(field.object, &field.group, &mut session).await? {
            self.add_group(field.object, &field.group, &mut session)
                .await
                .map_err(|fault| refused(field.object, fault))?;
        }
        match self.call(&property_call(field.object, body), &mut session).await {
            Ok(made) => {
                let kind = kind_of(&made)?;
                // an archived property of the same name is restored as it was
                Ok(if Some(kind.as_str()) == kind_wanted(field).as_deref() {
                    MadeField::Created
                } else {
                    MadeField::Restored(kind)
                })
            }
            Err(Fault { failure: Failure::Rejected(rejection), .. })
                if matches!(rejection.kind, RejectionKind::Duplicate { .. }) =>
            {
                match self.property(field.object, &field.name, &mut session).await? {
                    Some(known) => Ok(MadeField::There(kind_of(&known)?)),
                    None => Err(ConnectError::new(ConnectErrorKind::Setup, rejection.message, "Choose another name.")),
                }
            }
            Err(fault) if matches!(fault.failure, Failure::Unknown(_)) => {
                self.look_what_became(field, fault, &mut session).await
            }
            Err(fault) => Err(refused(field.object, fault)),
        }
    }

    /// The answer was lost: the property may be there all the same.
    async fn look_what_became(
        &self,
        field: &NewField,
        lost: Fault,
        session: &mut Session,
    ) -> Result<MadeField, ConnectError> {
        let Ok(found) = self.property(field.object, &field.name, session).await else { return Err(lost.into()) };
        let lost = ConnectError::from(lost);
        let Some(known) = found else {
            let message = format!("The property {} was not made: {}", field.name, lost.message);
            return Err(ConnectError::new(lost.kind, message, "It is not there; try again."));
        };
        let kind = kind_of(&known)?;
        let is_ours = Some(kind.as_str()) == kind_wanted(field).as_deref()
            && known.get("label").and_then(Json::as_str) == Some(field.label.as_str());
        Ok(if is_ours { MadeField::Created } else { MadeField::There(kind) })
    }

    fn session(&self, object: ObjectKind) -> Session {
        let mut session = Session::new(Priority::Interactive).for_task(crate::model::System::HubSpot, "fields");
        session.turn_to(Some(object));
        session
    }

    async fn standing(&self, field: &NewField, session: &mut Session) -> Result<FieldStanding, ConnectError> {
        if let Some(known) = self.property(field.object, &field.name, session).await? {
            return Ok(FieldStanding::There(kind_of(&known)?));
        }
        let rest = format!("/{}/{}?archived=true", paths::object(field.object), path_segment(field.name.as_str()));
        match self.call(&HubCall::get(Route::Properties, rest), session).await {
            Ok(archived) => Ok(FieldStanding::Archived(kind_of(&archived)?)),
            Err(Fault { failure: Failure::Rejected(rejection), .. }) if rejection.kind == RejectionKind::NotFound => {
                Ok(FieldStanding::New)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    async fn has_group(&self, object: ObjectKind, group: &str, session: &mut Session) -> Result<bool, ConnectError> {
        let rest = format!("/{}/groups", paths::object(object));
        let body = self.call(&HubCall::get(Route::Properties, rest), session).await?;
        Ok(results(&body)?.iter().any(|one| one.get("name").and_then(Json::as_str) == Some(group)))
    }

    /// Whether the group was made just now; one that is there is as good.
    pub(super) async fn add_group(
        &self,
        object: ObjectKind,
        group: &str,
        session: &mut Session,
    ) -> Result<bool, Fault> {
        match self.call(&group_call(object, group), session).await {
            Ok(_) => Ok(true),
            Err(Fault { failure: Failure::Rejected(rejection), .. })
                if matches!(rejection.kind, RejectionKind::Duplicate { .. }) =>
            {
                Ok(false)
            }
            Err(fault) => Err(fault),
        }
    }
}

fn group_call(object: ObjectKind, group: &str) -> HubCall {
    let label = if group == GROUP { GROUP_LABEL } else { group };
    let body = json!({ "name": group, "label": label, "displayOrder": -1 });
    HubCall::post(Route::Properties, format!("/{}/groups", paths::object(object)), body)
}

pub(super) fn property_call(object: ObjectKind, body: Json) -> HubCall {
    HubCall::post(Route::Properties, format!("/{}", paths::object(object)), body)
}

fn wanted(field: &NewField) -> Result<Json, ConnectError> {
    let Some((kind, field_type)) = field.types() else {
        let message = format!("A property for a {} can't be made here.", field.kind.word());
        return Err(ConnectError::new(
            ConnectErrorKind::Setup,
            message,
            "Make it in HubSpot, then read the fields again.",
        ));
    };
    let mut body = json!({
        "name": field.name.as_str(),
        "label": field.label,
        "groupName": field.group,
        "type": kind,
        "fieldType": field_type,
    });
    if !field.options.is_empty() {
        let option = |(place, (value, label)): (usize, &(String, String))| json!({ "label": label, "value": value, "displayOrder": place, "hidden": false });
        body["options"] = field.options.iter().enumerate().map(option).collect();
    }
    Ok(body)
}

fn kind_wanted(field: &NewField) -> Option<String> {
    field.types().map(|(kind, field_type)| format!("{kind} ({field_type})"))
}

/// `enumeration (select)`.
fn kind_of(property: &Json) -> Result<String, ConnectError> {
    let word = |name: &str| property.get(name).and_then(Json::as_str);
    match (word("type"), word("fieldType")) {
        (Some(kind), Some(field_type)) => Ok(format!("{kind} ({field_type})")),
        _ => Err(odd("it does not tell of what type the property is".to_owned()).into()),
    }
}

/// The words of the doctor, where a scope is missing.
fn refused(object: ObjectKind, fault: Fault) -> ConnectError {
    let scope = (fault.kind == ConnectErrorKind::Permission).then(|| named(&fault, scope(object, Way::AddFields)));
    let mut error = ConnectError::from(fault);
    if let Some(scope) = scope {
        error.hint = add(&scope);
    }
    error
}
