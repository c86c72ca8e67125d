//! What a portal lets this connection do, tried out: nothing is written.
//!
//! Reads are probed by reading one record, writes by a batch without any input: HubSpot looks at permissions before it
//! looks at the request. A scope that is missing is named by HubSpot's own answer, and by the table here where that names
//! none. Where the credential can be looked at, the scopes it has are compared as well.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;
use serde_json::{Value as Json, json};

use super::paths::{self, Route};
use super::schema::why;
use super::{HubCall, HubSpot, oauth, record, setup};
use crate::connect::doctor::is_worth_a_wait;
use crate::connect::error::{ConnectError, ConnectErrorKind, Fault};
use crate::connect::http::{Call, Session};
use crate::connect::rights::{self, LISTS, OWNERS, SIGN_IN, Way, scope};
use crate::connect::trace::DOCTOR;
use crate::connect::{Cause, Examination, Finding, Need, Root, Severity};
use crate::engine::core::request::{Failure, Priority};
use crate::model::{ObjectKind, Right, Verb};

/// One thing to try.
struct Probe {
    object: Option<ObjectKind>,
    verb: Verb,
    /// What does not work without it, as the beginning of a sentence.
    what: String,
    scope: String,
    call: HubCall,
    severity: Severity,
}

impl HubSpot {
    pub(super) async fn examine_needs(&self, needs: &[Need]) -> Result<Examination, ConnectError> {
        let mut session = Session::new(Priority::Interactive).for_task(crate::model::System::HubSpot, DOCTOR);
        let details = self.details(&mut session).await.map_err(setup::not_hubspot)?;
        let mut exam = Examination { findings: vec![self.account(&details)], ..Examination::default() };
        exam.ended = self.examine_all(needs, &mut exam, &mut session).await.err();
        Ok(exam)
    }

    /// # Errors
    /// What keeps the rest from being looked at.
    async fn examine_all(
        &self,
        needs: &[Need],
        exam: &mut Examination,
        session: &mut Session,
    ) -> Result<(), ConnectError> {
        self.daily(session).await?;
        let granted = self.granted(session).await;
        for probe in probes(needs) {
            session.turn_to(probe.object);
            let (finding, right) = self.try_out(&probe, granted.as_ref(), session).await?;
            exam.findings.push(finding);
            if let Some(object) = probe.object {
                exam.note(object, probe.verb, right);
            }
        }
        for need in needs.iter().filter(|need| need.creates || need.updates) {
            session.turn_to(Some(need.object));
            exam.findings.push(self.stamp_finding(need.object, session).await?);
        }
        session.turn_to(None);
        exam.findings.extend(self.ungranted(needs, granted.as_ref(), &exam.findings));
        exam.findings.extend(unseen(needs));
        Ok(())
    }

    fn account(&self, details: &Json) -> Finding {
        let kind = details.get("accountType").and_then(record::plain);
        let kind = kind.unwrap_or_else(|| "of a kind it does not tell".to_owned());
        let kind = crate::connect::redact::clip_message(&self.transport.redactor.clean(&kind));
        let (severity, remedy) = match kind.as_str() {
            "STANDARD" => (Severity::Fine, ""),
            _ => (Severity::Warning, "Make sure that this is the portal that is meant, and not a test account."),
        };
        let what = format!("The account is {kind}.");
        Finding { severity, object: None, what, remedy: remedy.to_owned(), root: None }
    }

    /// Makes a call, and once more behind a short pause that HubSpot asks for.
    async fn patiently(&self, call: &HubCall, session: &mut Session) -> Result<Json, Fault> {
        let result = self.call(call, session).await;
        if is_worth_a_wait(&result) { self.call(call, session).await } else { result }
    }

    /// # Errors
    /// Trouble with the connection itself: it ends the examination.
    async fn try_out(
        &self,
        probe: &Probe,
        granted: Option<&BTreeSet<String>>,
        session: &mut Session,
    ) -> Result<(Finding, Right), ConnectError> {
        let finding = |severity, what, remedy| Finding { severity, object: probe.object, what, remedy, root: None };
        Ok(match self.patiently(&probe.call, session).await {
            Err(fault) if ends(fault.kind) => return Err(fault.into()),
            Err(fault) if fault.kind == ConnectErrorKind::Permission => {
                let what = format!("{} not allowed: {}", probe.what, why(fault.clone()));
                if theirs(&fault).is_none() && granted.is_some_and(|granted| granted.contains(&probe.scope)) {
                    let remedy = format!(
                        "The connection has the scope {}: something else forbids it, as HubSpot's words may tell, or a proxy on the way.",
                        probe.scope
                    );
                    return Ok((finding(probe.severity, what, remedy), Right::Denied));
                }
                let scope = named(&fault, &probe.scope);
                let root = Some(lacking(&scope, &probe.what));
                (Finding { root, ..finding(probe.severity, what, add(&scope)) }, Right::Denied)
            }
            // Whether or not it was a sensible request: it was allowed.
            Ok(_) | Err(Fault { failure: Failure::Rejected(_), .. }) => {
                (finding(Severity::Fine, format!("{} allowed.", probe.what), String::new()), Right::Allowed)
            }
            Err(fault) => match granted {
                Some(granted) if !granted.contains(&probe.scope) => {
                    let what = format!("{} not allowed: the connection lacks the scope {}.", probe.what, probe.scope);
                    let root = Some(lacking(&probe.scope, &probe.what));
                    (Finding { root, ..finding(probe.severity, what, add(&probe.scope)) }, Right::Denied)
                }
                _ => {
                    let hint = fault.hint.clone();
                    let what = unclear(&probe.what, &why(fault));
                    let hint = if hint.is_empty() { "Try again later.".to_owned() } else { hint };
                    (finding(Severity::Warning, what, hint), Right::Unclear)
                }
            },
        })
    }

    /// Scopes of the table of rights that the connection has not got, though nothing was refused for lack of them.
    fn ungranted(&self, needs: &[Need], granted: Option<&BTreeSet<String>>, told: &[Finding]) -> Vec<Finding> {
        let finding = |severity, what, remedy, root| Finding { severity, object: None, what, remedy, root };
        let Some(granted) = granted else {
            let what = "Cannot be seen: which scopes the credential has. Each way of reading and writing was tried \
                        instead, but not the making of new properties."
                .to_owned();
            return vec![finding(Severity::Fine, what, String::new(), None)];
        };
        let is_told = |cause: &Cause| told.iter().filter_map(|one| one.root.as_ref()).any(|root| root.cause == *cause);
        let wanted = rights::scopes(needs).into_iter().filter(|scope| *scope != SIGN_IN || self.keeper.is_some());
        let lacking =
            wanted.filter(|scope| !granted.contains(*scope)).map(|scope| (scope, lacking(scope, purpose(scope))));
        lacking
            .filter(|(_, root)| !is_told(&root.cause))
            .map(|(scope, root)| {
                let what = format!(
                    "The connection lacks the scope {scope}, which is for {}. Nothing that was tried was refused for it.",
                    purpose(scope)
                );
                finding(Severity::Warning, what, add(scope), Some(root))
            })
            .collect()
    }

    /// The scopes of the credential, where it can be asked for them. Not being able to is no finding.
    async fn granted(&self, session: &mut Session) -> Option<BTreeSet<String>> {
        let scopes = match &self.keeper {
            Some(keeper) => {
                keeper.endpoint.introspect(&keeper.app, &keeper.access().await, session).await.ok().flatten()?
            }
            None => {
                let body = json!({ "tokenKey": self.token.expose_secret().trim() });
                let call = Call::send(reqwest::Method::POST, "/oauth/v2/private-apps/get/access-token-info", body);
                let reply = self.signed(&call, session).await.ok().filter(|reply| reply.status == 200)?;
                oauth::scopes(&reply.json().ok()?)?
            }
        };
        Some(scopes.into_iter().collect())
    }

    /// Learns what is left of the day's calls, which all private apps and keys of the account share. Apps by OAuth have no
    /// such limit, and no answer here.
    async fn daily(&self, session: &mut Session) -> Result<(), ConnectError> {
        let call = HubCall::get(Route::Account, "/api-usage/daily/private-apps".to_owned());
        let body = match self.patiently(&call, session).await {
            Ok(body) => body,
            Err(fault) if fault.kind == ConnectErrorKind::Limited => return Err(fault.into()),
            Err(_) => return Ok(()),
        };
        let rows = body.get("results").and_then(Json::as_array);
        if let Some((used, of)) = rows.into_iter().flatten().find_map(usage) {
            self.transport.budget.daily(used, of);
        }
        Ok(())
    }

    async fn stamp_finding(&self, object: ObjectKind, session: &mut Session) -> Result<Finding, ConnectError> {
        let about = |severity, what, remedy: &str, root| Finding {
            severity,
            object: Some(object),
            what,
            remedy: remedy.to_owned(),
            root,
        };
        let finding = |severity, what, remedy: &str| about(severity, what, remedy, None);
        let Some(stamp) = self.stamps.get(&object) else {
            let what = format!("No property is named for the key of {}.", object.plural().to_lowercase());
            return Ok(finding(Severity::Problem, what, "Name one in the configuration."));
        };
        Ok(match self.property(object, stamp, session).await {
            Ok(Some(property)) => match setup::usable(object, &property, stamp) {
                Ok(()) => finding(
                    Severity::Fine,
                    format!("The property {stamp} carries the keys of {}.", object.plural().to_lowercase()),
                    "",
                ),
                Err(error) => finding(Severity::Problem, error.message, &error.hint),
            },
            Ok(None) => {
                let what = format!("The property {stamp} for {} is missing.", object.plural().to_lowercase());
                let hurts = format!("{object} key of created records");
                let root = Some(Root { cause: Cause::Field(stamp.clone()), hurts });
                let scope = scope(object, Way::AddFields).to_owned();
                let create = HubCall::post(
                    Route::Properties,
                    format!("/{}/batch/create", paths::object(object)),
                    json!({ "inputs": [] }),
                );
                match self.call(&create, session).await {
                    Err(fault) if fault.kind == ConnectErrorKind::Permission => {
                        let remedy = format!(
                            "{} Then let Lockstep create the property: `lockstep connect hubspot`.",
                            add(&named(&fault, &scope))
                        );
                        let what = format!("{what} It may not be created: {}", why(fault));
                        about(Severity::Problem, what, &remedy, root)
                    }
                    _ => about(Severity::Problem, what, "Let Lockstep create it: `lockstep connect hubspot`.", root),
                }
            }
            Err(fault) if ends(fault.kind) => return Err(fault.into()),
            Err(fault) => {
                let hint = fault.hint.clone();
                finding(Severity::Problem, format!("The property {stamp} cannot be looked at: {}", why(fault)), &hint)
            }
        })
    }
}

/// Whether a fault says that nothing else can be looked at either.
const fn ends(kind: ConnectErrorKind) -> bool {
    matches!(kind, ConnectErrorKind::Credentials | ConnectErrorKind::Unreachable | ConnectErrorKind::Limited)
}

/// `what` is the beginning of a sentence: `Reading companies is`.
fn unclear(what: &str, why: &str) -> String {
    format!("Whether {} allowed is unclear: {why}", small(what))
}

fn small(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

fn probes(needs: &[Need]) -> Vec<Probe> {
    let mut probes = Vec::new();
    for need in needs {
        let object = need.object;
        let (path, name) = (paths::object(object), object.plural());
        let mut add = |verb, what: &str, scope: String, call| {
            let what = format!("{what} {} is", name.to_lowercase());
            probes.push(Probe { object: Some(object), verb, what, scope, call, severity: Severity::Problem });
        };
        let batch =
            |verb: &str| HubCall::post(Route::Objects, format!("/{path}/batch/{verb}"), json!({ "inputs": [] }));
        if need.reads {
            add(
                Verb::Read,
                "Reading",
                scope(object, Way::ReadRecords).to_owned(),
                HubCall::get(Route::Objects, format!("/{path}?limit=1")),
            );
            add(
                Verb::Read,
                "Reading the properties of",
                scope(object, Way::ReadFields).to_owned(),
                HubCall::get(Route::Properties, format!("/{path}")),
            );
            if super::stage::properties(object).is_some() {
                add(
                    Verb::Read,
                    "Reading the pipelines of",
                    scope(object, Way::ReadFields).to_owned(),
                    HubCall::get(Route::Pipelines, format!("/{path}")),
                );
            }
        }
        if need.creates {
            add(Verb::Create, "Creating", scope(object, Way::WriteRecords).to_owned(), batch("create"));
        }
        if need.updates {
            add(Verb::Update, "Updating", scope(object, Way::WriteRecords).to_owned(), batch("update"));
        }
    }
    let shared = |what: &str, scope: &str, call, severity| Probe {
        object: None,
        verb: Verb::Read,
        what: what.to_owned(),
        scope: scope.to_owned(),
        call,
        severity,
    };
    let owners = HubCall::get(Route::Owners, "?limit=1".to_owned());
    probes.push(shared("Reading owners is", OWNERS, owners, Severity::Problem));
    let lists = HubCall::post(Route::Lists, "/search".to_owned(), json!({ "query": "", "count": 1, "offset": 0 }));
    probes.push(shared("Reading lists, for filters on them, is", LISTS, lists, Severity::Warning));
    probes
}

/// `what` is the beginning of a sentence: `Reading companies is`.
pub(super) fn lacking(scope: &str, what: &str) -> Root {
    let hurts = small(what).trim_end_matches(" is").trim_end_matches(',').to_owned();
    Root { cause: Cause::Right { name: format!("The scope {scope}"), part: None }, hurts }
}

/// The scope to add: the one from the table where HubSpot's answer agrees or names none, else HubSpot's own.
pub(super) fn named(fault: &Fault, ours: &str) -> String {
    match theirs(fault) {
        Some(list) if !list.split(" or ").any(|scope| scope == ours) => list.to_owned(),
        _ => ours.to_owned(),
    }
}

/// The scopes that HubSpot's own answer names.
fn theirs(fault: &Fault) -> Option<&str> {
    let (_, rest) = fault.hint.split_once("the scope ")?;
    rest.split_once(" to the ").map(|(list, _)| list)
}

pub(super) fn add(scope: &str) -> String {
    format!("Add the scope {scope} to the service key, private app or app in HubSpot.")
}

/// What a scope of the table is for.
fn purpose(scope: &str) -> &'static str {
    match scope {
        SIGN_IN => "signing in",
        OWNERS => "reading owners",
        scope if scope.starts_with("crm.schemas.") && scope.ends_with(".write") => "making the property of the key",
        scope if scope.starts_with("crm.schemas.") => "reading fields and their options",
        _ => "reading and writing records",
    }
}

/// What no API tells, and may surprise somebody.
fn unseen(needs: &[Need]) -> Vec<Finding> {
    let unseen = |object, what: &str| Finding {
        severity: Severity::Fine,
        object,
        what: format!("Cannot be seen: {what}"),
        remedy: String::new(),
        root: None,
    };
    let mut found = Vec::new();
    if needs.iter().any(|need| need.object == ObjectKind::Contact) {
        let what = "whether HubSpot makes a company of its own for every new contact, from the domain of its e-mail address. \
                    It is switched off under Settings, Objects, Companies.";
        found.push(unseen(Some(ObjectKind::Contact), what));
    }
    if needs.iter().any(|need| need.creates) {
        let what = "which properties an administrator made required for new records. A record that lacks one is refused, \
                    and its issue names the property.";
        found.push(unseen(None, what));
    }
    found
}

fn usage(json: &Json) -> Option<(u64, u64)> {
    let number = |name: &str| json.get(name).and_then(record::number);
    Some((number("currentUsage")?, number("usageLimit").filter(|limit| *limit > 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_and_direction_has_its_scope() {
        let table = [
            (ObjectKind::Company, "crm.objects.companies.write", "crm.schemas.companies.read"),
            (ObjectKind::Contact, "crm.objects.contacts.write", "crm.schemas.contacts.read"),
            (ObjectKind::Deal, "crm.objects.deals.write", "crm.schemas.deals.read"),
            (ObjectKind::Ticket, "tickets", "crm.schemas.tickets.read"),
            (ObjectKind::Product, "crm.objects.products.write", "crm.objects.products.read"),
            (ObjectKind::LineItem, "crm.objects.line_items.write", "crm.objects.line_items.read"),
            (ObjectKind::Note, "crm.objects.contacts.write", "crm.schemas.contacts.read"),
        ];
        for (object, write, read) in table {
            assert_eq!((scope(object, Way::WriteRecords), scope(object, Way::ReadFields)), (write, read));
        }
    }

    #[test]
    fn the_scope_named_is_ours_unless_hubspot_knows_better() {
        let fault = |hint: &str| {
            Fault::new(
                ConnectErrorKind::Permission,
                Failure::Forbidden { message: String::new(), hint: String::new() },
                hint,
            )
        };
        let both = fault("Add the scope a.read or b.read to the service key or private app.");
        assert_eq!(named(&both, "b.read"), "b.read");
        assert_eq!(named(&both, "c.read"), "a.read or b.read");
        assert_eq!(named(&fault(""), "c.read"), "c.read");
    }

    #[test]
    fn what_cannot_be_told_is_a_whole_sentence() {
        assert_eq!(unclear("Reading companies is", "busy."), "Whether reading companies is allowed is unclear: busy.");
    }

    #[test]
    fn only_trouble_that_everything_else_meets_too_ends_the_examination() {
        assert!(ends(ConnectErrorKind::Credentials) && ends(ConnectErrorKind::Unreachable));
        assert!(ends(ConnectErrorKind::Limited));
        assert!(!ends(ConnectErrorKind::Permission) && !ends(ConnectErrorKind::Unexpected));
    }

    #[test]
    fn usage_is_read_from_numbers_or_texts_and_never_divided_by_nothing() {
        assert_eq!(usage(&json!({"usageLimit": 250_000, "currentUsage": "12"})), Some((12, 250_000)));
        assert_eq!(usage(&json!({"usageLimit": 0, "currentUsage": 12})), None);
        assert_eq!(usage(&json!({"fetchStatus": "TIMEOUT"})), None);
    }
}
