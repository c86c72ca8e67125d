//! What of the tenant can hinder the work, found without writing anything.
//!
//! Rights are checked before a request is read, so a change of record 0 and a create whose body is a text tell them
//! apart from everything else. A text becomes a record nowhere, whatever a tenant demands of one.

mod setup;
mod sight;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::ConnectWise;
use super::fields::MEMBERS;
use super::objects::place;
use super::roles::{self, Column};
use super::schema;
use crate::connect::doctor::is_worth_a_wait;
use crate::connect::error::{ConnectError, ConnectErrorKind, Fault};
use crate::connect::http::{Call, Session};
use crate::connect::redact::clip_message;
use crate::connect::trace::DOCTOR;
use crate::connect::{Amount, Check, Examination, Finding, Need, Severity};
use crate::engine::core::request::{Failure, Priority};
use crate::model::{ObjectKind, Right, Verb};

/// How a probe ended.
#[derive(Debug, Clone)]
enum Probe {
    Allowed,
    Denied,
    /// It says nothing about rights; the words.
    Unclear(String),
    /// A probe that must not write did.
    Wrote,
}

impl Probe {
    const fn right(&self) -> Right {
        match self {
            Self::Allowed | Self::Wrote => Right::Allowed,
            Self::Denied => Right::Denied,
            Self::Unclear(_) => Right::Unclear,
        }
    }
}

/// What has been found so far, and what has been asked already.
struct Examining<'a> {
    told: Examination,
    asked: BTreeMap<(String, String), Probe>,
    needs: &'a [Need],
    session: Session,
}

impl Examining<'_> {
    fn add(
        &mut self,
        severity: Severity,
        object: Option<ObjectKind>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.told.findings.push(Finding { severity, object, what: what.into(), remedy: remedy.into(), root: None });
    }

    /// A row of the role is missing for a call: `hurts` says for what, `what` is the sentence before the cause.
    fn lacks(&mut self, severity: Severity, object: ObjectKind, call: &Call, what: &str, hurts: String) {
        let column = Column::of(&call.method);
        let Some(row) = roles::row(&call.path) else {
            self.add(severity, Some(object), format!("{what}: ConnectWise refused access."), "");
            return;
        };
        let (what, remedy) = (format!("{what}: {} is missing.", row.name(column)), row.remedy(column));
        self.told.findings.push(Finding {
            severity,
            object: Some(object),
            what,
            remedy,
            root: Some(row.root(column, hurts)),
        });
    }

    fn needs(&self, object: ObjectKind) -> Option<Need> {
        self.needs.iter().find(|need| need.object == object).copied()
    }
}

impl ConnectWise {
    pub(super) async fn check_access(&self) -> Result<Check, ConnectError> {
        let mut session = Session::new(Priority::Interactive).for_task(crate::model::System::ConnectWise, "connect");
        let label = self.label(&mut session).await?;
        self.call(&Call::get("/company/companies?pageSize=1&fields=id"), &mut session).await?;
        let mut warnings = Vec::new();
        for (label, list) in [
            ("Status", "/company/companies/statuses"),
            ("Types", "/company/companies/types"),
            ("people", MEMBERS),
            ("", schema::CUSTOM_FIELDS),
        ] {
            if let Err(fault) = self.call(&Call::get(format!("{list}?pageSize=1")), &mut session).await {
                warnings.push(schema::gap(ObjectKind::Company, list, label, fault));
            }
        }
        Ok(Check { tenant: self.tenant(), label, warnings })
    }

    /// The name of the tenant and its release. Fails where the connection cannot be used at all.
    async fn label(&self, session: &mut Session) -> Result<String, ConnectError> {
        let tenant = self.discover(session).await?;
        let version = self.running_version(session).await?;
        let place = match tenant.is_cloud {
            Some(true) => ", cloud",
            Some(false) => ", on premises",
            None => "",
        };
        let label = format!("{} ({version}{place})", tenant.name.as_deref().unwrap_or(&self.company));
        // Clean first: a secret cut in two would not be found.
        Ok(clip_message(&self.transport.redactor.clean(&label)))
    }

    pub(super) async fn examine_needs(&self, needs: &[Need]) -> Result<Examination, ConnectError> {
        let session = Session::new(Priority::Interactive).for_task(crate::model::System::ConnectWise, DOCTOR);
        let mut exam = Examining { told: Examination::default(), asked: BTreeMap::new(), needs, session };
        let label = self.label(&mut exam.session).await?;
        exam.add(Severity::Fine, None, format!("{label} answers at {}.", self.api.host()), "");
        let ended = self.examine_all(&mut exam).await.err();
        self.tell_unreadable(&mut exam);
        Ok(Examination { ended, ..exam.told })
    }

    /// # Errors
    /// What keeps the rest from being looked at.
    async fn examine_all(&self, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        for need in exam.needs {
            self.examine_rights(need, exam).await?;
        }
        self.examine_tables(exam).await?;
        self.examine_sight(exam).await?;
        exam.session.turn_to(None);
        self.examine_setup(exam).await?;
        tell_unseen(exam);
        Ok(())
    }

    /// Each direction of one object, and the row of the role that it lacks.
    async fn examine_rights(&self, need: &Need, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        let object = need.object;
        exam.session.turn_to(Some(object));
        let (path, many) = (place(object).path, object.plural());
        let is_line = object == ObjectKind::LineItem;
        let forecast = "/sales/opportunities/0/forecast";
        let mut probes = Vec::new();
        if need.reads {
            probes.push((Verb::Read, "read", Call::get(format!("{path}?pageSize=1&fields=id")), Severity::Problem));
        }
        if need.reads && (is_line || need.amount > Amount::Unmapped) {
            probes.push((Verb::Read, "read", Call::get(forecast), Severity::Problem));
        }
        if need.creates && !is_line {
            probes.push((Verb::Create, "created", Call::send(Method::POST, path, no_record()), Severity::Problem));
        }
        if need.updates {
            let one = if is_line { format!("{forecast}/0") } else { format!("{path}/0") };
            probes.push((Verb::Update, "changed", Call::send(Method::PATCH, one, json!([])), Severity::Problem));
        }
        if need.amount == Amount::Written && (need.creates || need.updates) {
            let amounts = [(Method::POST, no_record()), (Method::PATCH, json!([]))];
            let call = |(method, body)| {
                let call = Call::send(method, format!("{forecast}/0"), body);
                (Verb::Update, "given an amount", call, Severity::Problem)
            };
            probes.extend(amounts.map(call));
        }
        let (mut fine, mut lacking) = (Vec::new(), Vec::new());
        for (verb, done, call, severity) in probes {
            let probe = self.probe(&call, exam).await?;
            if severity == Severity::Problem {
                exam.told.note(object, verb, probe.right());
            }
            match probe {
                Probe::Allowed => fine.push(done),
                Probe::Denied => {
                    lacking.push(done);
                    let hurts = format!("{} {done}", many.to_lowercase());
                    exam.lacks(severity, object, &call, &format!("{many} cannot be {done}"), hurts);
                }
                Probe::Unclear(why) => {
                    exam.add(
                        Severity::Warning,
                        Some(object),
                        format!("Whether {} can be {done} is unclear: {why}", many.to_lowercase()),
                        "Run the doctor again.",
                    );
                }
                Probe::Wrote => {
                    let what = format!(
                        "A text was accepted as a record while looking whether {} can be {done}.",
                        many.to_lowercase()
                    );
                    exam.add(
                        Severity::Problem,
                        Some(object),
                        what,
                        "Look for a record without a name, made just now by the API member, and delete it.",
                    );
                }
            }
        }
        fine.retain(|done| !lacking.contains(done));
        fine.dedup();
        if !fine.is_empty() {
            exam.add(Severity::Fine, Some(object), format!("{many} can be {}.", fine.join(", ")), "");
        }
        if let Some(row) = roles::closed(object) {
            let made = need.creates && object == ObjectKind::Deal;
            let columns = [(need.reads, Column::Inquire), (made, Column::Add), (need.updates, Column::Edit)];
            let rows: Vec<String> =
                columns.iter().filter(|(needed, _)| *needed).map(|(_, column)| row.name(*column)).collect();
            let what = format!(
                "Cannot be seen without changing one: whether closed {} are open to the sync. It takes {} at level All.",
                many.to_lowercase(),
                rows.join(", ")
            );
            exam.add(Severity::Fine, Some(object), what, "");
        }
        Ok(())
    }

    /// What a call says about rights. Each is made once.
    async fn probe(&self, call: &Call, exam: &mut Examining<'_>) -> Result<Probe, ConnectError> {
        let key = (call.method.to_string(), call.path.clone());
        if let Some(known) = exam.asked.get(&key) {
            return Ok(known.clone());
        }
        let mut result = self.call(call, &mut exam.session).await;
        if is_worth_a_wait(&result) {
            result = self.call(call, &mut exam.session).await;
        }
        let probe = match result {
            Ok(_) if call.method == Method::POST => Probe::Wrote,
            Ok(_) => Probe::Allowed,
            Err(fault) => verdict(fault)?,
        };
        exam.asked.insert(key, probe.clone());
        Ok(probe)
    }

    /// Every table whose rows are options of a field, and the lists that fields come from.
    async fn examine_tables(&self, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        let mut tables: BTreeMap<&str, (ObjectKind, &str)> = BTreeMap::new();
        for need in exam.needs {
            for field in place(need.object).fields {
                let Some(list) = schema::source(field.options) else { continue };
                tables.entry(list).or_insert((need.object, field.label));
            }
            if need.object == ObjectKind::Contact {
                tables.entry(schema::COMMUNICATION_TYPES).or_insert((need.object, ""));
            }
            if !place(need.object).screens.is_empty() {
                tables.entry(schema::CUSTOM_FIELDS).or_insert((need.object, ""));
            }
            if place(need.object).numbered {
                tables.entry(schema::NUMBERED_LIST).or_insert((need.object, ""));
            }
        }
        for (list, (object, label)) in tables {
            exam.session.turn_to(Some(object));
            let call = Call::get(if list.ends_with("/crm") { list.to_owned() } else { format!("{list}?pageSize=1") });
            match self.probe(&call, exam).await? {
                Probe::Allowed | Probe::Wrote => {}
                Probe::Denied => {
                    let hurts = schema::content(list, label);
                    exam.lacks(Severity::Problem, object, &call, &format!("The {hurts} cannot be read"), hurts);
                }
                Probe::Unclear(why) => {
                    exam.add(
                        Severity::Warning,
                        Some(object),
                        format!("The {} cannot be read: {why}", schema::content(list, label)),
                        "Run the doctor again.",
                    );
                }
            }
        }
        Ok(())
    }

    fn tell_unreadable(&self, exam: &mut Examining<'_>) {
        let known = self.unreadable.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        for ((object, id), why) in known {
            let what = format!("ConnectWise cannot read {} {id} itself, so it is left out: {why}", place(object).word);
            exam.add(
                Severity::Problem,
                Some(object),
                what,
                "Open the record in ConnectWise and save it with valid values.",
            );
        }
    }
}

/// What no API tells, and may surprise somebody.
fn tell_unseen(exam: &mut Examining<'_>) {
    let money = exam.needs.iter().any(|need| need.amount > Amount::Unmapped || need.object == ObjectKind::LineItem);
    let finance = if money { "Sales / Opportunity Finance, " } else { "" };
    let what = format!(
        "Cannot be seen: whether Inquire of {finance}System / Member Maintenance, System / My Company and System / Table \
         Setup is at level All. Below it, rows are hidden without a word."
    );
    exam.add(Severity::Fine, None, what, "");
    if exam.needs.iter().any(|need| need.creates) {
        let what = "Cannot be seen: which fields the tenant made mandatory, other than user-defined ones. A new record that \
                    lacks one is refused, and its issue names the field.";
        exam.add(Severity::Fine, None, what, "");
    }
}

/// What a create is tried with: nothing that could become a record.
fn no_record() -> Json {
    json!("No record: Lockstep looks whether one could be made.")
}

/// What a failed probe says. Trouble with the connection itself ends the examination.
fn verdict(fault: Fault) -> Result<Probe, ConnectError> {
    match (&fault.kind, &fault.failure) {
        (ConnectErrorKind::Permission, _) => Ok(Probe::Denied),
        // It came as far as validation, or found no record 0: the right is there. No endpoint at all says nothing.
        (_, Failure::Rejected(why)) if why.message.contains(super::outcome::NO_ENDPOINT) => {
            Ok(Probe::Unclear(why.message.clone()))
        }
        (_, Failure::Rejected(_)) => Ok(Probe::Allowed),
        (_, Failure::Unknown(message)) => Ok(Probe::Unclear(message.clone())),
        _ => Err(fault.into()),
    }
}
