//! What Lockstep needs of a portal: access, and a property for the stamp, with unique values where HubSpot has those.

use serde_json::{Value as Json, json};

use super::paths::{self, Route};
use super::property::property_call;
use super::schema::gap;
use super::told::odd;
use super::{HubCall, HubSpot, record};
use crate::connect::address::path_segment;
use crate::connect::error::{ConnectError, ConnectErrorKind, Fault};
use crate::connect::flag::is_set;
use crate::connect::http::Session;
use crate::connect::rights::{OWNERS, Way, scope};
use crate::connect::{Check, Finding, Prepared, Severity};
use crate::engine::core::request::{Failure, Priority, RejectionKind};
use crate::mapping::keys::stamps_are_unique;
use crate::mapping::new_field::{GROUP, GROUP_LABEL};
use crate::model::{FieldName, ObjectKind};

impl HubSpot {
    pub(super) async fn check_access(&self) -> Result<Check, ConnectError> {
        let mut session = Session::new(Priority::Interactive).for_task(crate::model::System::HubSpot, "connect");
        let details = self.details(&mut session).await.map_err(not_hubspot)?;
        let Some(tenant) = details.get("portalId").and_then(record::id) else {
            return Err(ConnectError::new(
                ConnectErrorKind::WrongSystem,
                format!("{} answers, but not like HubSpot.", self.base.host()),
                "Check the address of the connection; HubSpot's is https://api.hubapi.com.",
            ));
        };
        let account = details.get("accountType").and_then(Json::as_str).unwrap_or("account");
        let account = crate::connect::redact::clip_message(&self.transport.redactor.clean(account));
        let mut warnings = Vec::new();
        if account != "STANDARD" {
            let what = format!("This is not a standard portal but: {account}.");
            let remedy = "Make sure that this is the portal that is meant, and not a test account.".to_owned();
            warnings.push(Finding { severity: Severity::Warning, object: None, what, remedy, root: None });
        }
        for (what, reading, scope, call) in probes() {
            if let Err(fault) = self.call(&call, &mut session).await {
                warnings.push(gap(None, what, reading, scope, fault));
            }
        }
        let domain = details.get("uiDomain").and_then(Json::as_str).unwrap_or("HubSpot");
        let label = crate::connect::redact::clip_message(
            &self.transport.redactor.clean(&format!("portal {tenant} ({account}, {domain})")),
        );
        Ok(Check { tenant: tenant.to_string(), label, warnings })
    }

    /// A property as the portal has it; none where it is not there, or archived.
    pub(super) async fn property(
        &self,
        object: ObjectKind,
        name: &FieldName,
        session: &mut Session,
    ) -> Result<Option<Json>, Fault> {
        let rest = format!("/{}/{}", paths::object(object), path_segment(name.as_str()));
        match self.call(&HubCall::get(Route::Properties, rest), session).await {
            Ok(property) => {
                let named = property.get("name").and_then(Json::as_str);
                if !named.is_some_and(|named| named.eq_ignore_ascii_case(name.as_str())) {
                    return Err(odd(format!("it is not about the {object} property {name}")));
                }
                match is_set(property.get("archived")) {
                    Some(archived) => Ok((!archived).then_some(property)),
                    None => Err(odd(format!("it does not tell whether the {object} property {name} is archived"))),
                }
            }
            Err(Fault { failure: Failure::Rejected(rejection), .. }) if rejection.kind == RejectionKind::NotFound => {
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn prepare_stamp(&self, object: ObjectKind, create: bool) -> Result<Prepared, ConnectError> {
        let mut session = Session::new(Priority::Interactive).for_task(crate::model::System::HubSpot, "connect");
        session.turn_to(Some(object));
        let Some(stamp) = self.stamps.get(&object).cloned() else {
            return Err(setup(
                format!("No HubSpot property is named for the stamp of {object}."),
                "Name one in the configuration.",
            ));
        };
        if let Some(property) = self.property(object, &stamp, &mut session).await? {
            usable(object, &property, &stamp)?;
            return Ok(Prepared { stamp, created: Vec::new(), warnings: Vec::new() });
        }
        if !create {
            return Err(setup(
                format!("HubSpot has no property {stamp} for {}.", object.plural().to_lowercase()),
                if stamps_are_unique(object) {
                    "Let Lockstep create it (`lockstep connect hubspot`), or create a single-line text property with unique values of that name."
                } else {
                    "Let Lockstep create it (`lockstep connect hubspot`), or create a single-line text property of that name."
                },
            ));
        }
        self.create_stamp(object, &stamp, &mut session).await
    }

    async fn create_stamp(
        &self,
        object: ObjectKind,
        stamp: &FieldName,
        session: &mut Session,
    ) -> Result<Prepared, ConnectError> {
        let mut created = Vec::new();
        if self.add_group(object, GROUP, session).await? {
            created.push(format!("The property group {GROUP_LABEL} for {}.", object.plural().to_lowercase()));
        }
        let mut property = json!({
            "name": stamp.as_str(),
            "label": "Lockstep key",
            "description": "The ConnectWise record that this record is kept in step with. Written by Lockstep; please leave it.",
            "groupName": GROUP,
            "type": "string",
            "fieldType": "text",
        });
        if stamps_are_unique(object) {
            property["hasUniqueValue"] = json!(true);
        }
        let made = self.call(&property_call(object, property), session).await?;
        // An archived property of the same name is restored as it was.
        usable(object, &made, stamp)?;
        created.push(format!("The property {stamp} for {}.", object.plural().to_lowercase()));
        Ok(Prepared { stamp: stamp.clone(), created, warnings: Vec::new() })
    }
}

/// What is read, the beginning of a sentence about reading it, the scope, and the call.
fn probes() -> [(&'static str, &'static str, &'static str, HubCall); 3] {
    let company = |way| scope(ObjectKind::Company, way);
    [
        (
            "Companies",
            "Reading companies is",
            company(Way::ReadRecords),
            HubCall::get(Route::Objects, "/companies?limit=1".to_owned()),
        ),
        (
            "Company properties",
            "Reading the properties of companies is",
            company(Way::ReadFields),
            HubCall::get(Route::Properties, "/companies".to_owned()),
        ),
        ("Owners", "Reading owners is", OWNERS, HubCall::get(Route::Owners, "?limit=1".to_owned())),
    ]
}

/// A stamp must be text, and where HubSpot can see to it, text that no two records share: uniqueness cannot be added later.
pub(super) fn usable(object: ObjectKind, property: &Json, stamp: &FieldName) -> Result<(), ConnectError> {
    let told = property.get("type").and_then(Json::as_str).zip(is_set(property.get("hasUniqueValue")));
    let Some((kind, unique)) = told else {
        return Err(odd(format!("it does not tell of what kind the {object} property {stamp} is")).into());
    };
    let text = kind == "string";
    if text && (unique || !stamps_are_unique(object)) {
        return Ok(());
    }
    let kind = if stamps_are_unique(object) { "a text property with unique values" } else { "a text property" };
    Err(setup(
        format!("The HubSpot property {stamp} of {object} cannot carry the stamp: it is not {kind}."),
        "That cannot be changed of a property. Name another property in the configuration and let Lockstep create it.",
    ))
}

fn setup(message: String, hint: &str) -> ConnectError {
    ConnectError::new(ConnectErrorKind::Setup, message, hint)
}

/// An answer that HubSpot would not give on its first endpoint comes from something else.
pub(super) fn not_hubspot(fault: Fault) -> ConnectError {
    let strange = matches!(&fault.failure, Failure::Rejected(_));
    let mut error = ConnectError::from(fault);
    if strange {
        error.kind = ConnectErrorKind::WrongSystem;
        error.message = format!("The host answers, but not like HubSpot: {}", error.message);
        error.hint = "Check the address of the connection; HubSpot's is https://api.hubapi.com.".to_owned();
    }
    error
}
