//! What the portal does by itself some time after a write: companies made from e-mail domains, enrichment, workflows.

use std::collections::BTreeMap;

use super::kinds::{Kind, KindRef};
use super::portal::{Checked, Portal, Provenance};
use super::rules::Manner;
use crate::sim::ledger::Ledger;
use crate::sim::object::Object;
use crate::sim::options::Behaviour;
use crate::sim::world::Act;

/// Domains of everybody, from which no company is made.
const FREE_MAIL: [&str; 8] =
    ["gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "aol.com", "gmx.de"];

#[derive(Debug, Clone)]
enum Job {
    /// Finds or makes the company of a contact's e-mail domain.
    Company { contact: u64 },
    /// Fills blank fields of a company that has a domain.
    Enrich { company: u64 },
    /// A workflow of the portal sets a property after a write.
    Workflow { kind: KindRef, id: u64, property: String, value: String },
}

/// What is still to be done, by the time it is due.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    due: BTreeMap<(i64, u64), Job>,
    last: u64,
}

impl Jobs {
    fn add(&mut self, at: i64, job: Job) {
        self.last += 1;
        self.due.insert((at, self.last), job);
    }

    fn take(&mut self, now: i64) -> Option<(i64, Job)> {
        let first = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        let at = first.key().0;
        Some((at, first.remove()))
    }
}

impl Portal {
    /// Plans what follows a write of somebody. What the portal does itself has no consequences.
    pub fn plan_after(&mut self, act: &Act<'_>, kind: KindRef, id: u64, who: &Provenance, is_new: bool) {
        let behaviour = &act.behaviour.hubspot;
        if !matches!(who.source, "INTEGRATION" | "CRM_UI") {
            return;
        }
        let at = act.now + behaviour.consequences_after_ms;
        if behaviour.auto_company && kind.object == Object::Contact && is_new {
            self.jobs.add(at, Job::Company { contact: id });
        }
        if behaviour.enriches_companies && kind.object == Object::Company {
            self.jobs.add(at, Job::Enrich { company: id });
        }
        for rule in behaviour.workflows.iter().filter(|rule| rule.object == kind.plural()) {
            let (property, value) = (rule.property.clone(), rule.value.clone());
            self.jobs.add(at, Job::Workflow { kind, id, property, value });
        }
    }

    /// Does everything that is due. Runs before every request, so that a client cannot see it undone.
    pub fn run_due(&mut self, now: i64, behaviour: &Behaviour, ledger: &mut Ledger) {
        while let Some((at, job)) = self.jobs.take(now) {
            let mut act = Act { now: at, actor: Self::system(), behaviour, ledger };
            match job {
                Job::Company { contact } => self.find_company(&mut act, contact),
                Job::Enrich { company } => self.enrich(&mut act, company),
                Job::Workflow { kind, id, property, value } => {
                    let who =
                        Provenance { source: "AUTOMATION_PLATFORM", source_id: "workflow".to_owned(), user: None };
                    self.set_as(&mut act, (kind, id), &[(property, value)], &who);
                }
            }
        }
    }

    /// Sets values by a person or machine whose refusals nobody sees.
    fn set_as(&mut self, act: &mut Act<'_>, (kind, id): (KindRef, u64), values: &[(String, String)], who: &Provenance) {
        let manner = Manner::of_people(&act.behaviour.hubspot);
        if let Ok(checked) = self.check_change(manner, kind, id, values) {
            // A record that is gone by now is nobody's loss.
            let _gone = self.update_as(act, kind, id, &checked, who);
        }
    }

    fn find_company(&mut self, act: &mut Act<'_>, contact: u64) {
        let (Some(contacts), Some(companies)) = (Kind::of(Object::Contact), Kind::of(Object::Company)) else { return };
        let Some(record) = self.of(contacts).living(contact) else { return };
        if self.links.others(contact, companies, 0).next().is_some() {
            return;
        }
        let domain = self.of(contacts).text(record, "hs_email_domain").map(str::to_owned);
        let Some(domain) = domain.filter(|d| !d.is_empty() && !FREE_MAIL.contains(&d.as_str())) else { return };
        let has_domain = |id: &u64| {
            let company = self.of(companies).living(*id);
            let own = company.and_then(|r| self.of(companies).text(r, "domain"));
            own.is_some_and(|own| own.eq_ignore_ascii_case(&domain))
        };
        let found = self.of(companies).records.keys().copied().find(|id| has_domain(id));
        let who = Provenance { source: "CONTACTS", source_id: "CompanyDomainAutomation".to_owned(), user: None };
        let company = found.or_else(|| {
            let values = self.named(companies, &[("domain", &domain), ("name", domain_name(&domain).as_str())]);
            self.create_as(act, companies, &values, &who).ok()
        });
        if let Some(company) = company {
            // Refused only where an administrator caps associations.
            let _refused = self.associate(act, (contacts, contact), (companies, company), &[], false);
            if act.behaviour.hubspot.enriches_companies {
                self.jobs.add(act.now, Job::Enrich { company });
            }
        }
    }

    fn named(&self, kind: KindRef, values: &[(&str, &str)]) -> Checked {
        let schema = &self.of(kind).schema;
        values.iter().filter_map(|(name, value)| schema.any_id(name).map(|id| (id, (*value).to_owned()))).collect()
    }

    /// Blank fields only, as from a directory of companies.
    fn enrich(&mut self, act: &mut Act<'_>, company: u64) {
        let Some(companies) = Kind::of(Object::Company) else { return };
        let Some(record) = self.of(companies).living(company) else { return };
        let text = |name: &str| self.of(companies).text(record, name).unwrap_or_default();
        if text("domain").is_empty() {
            return;
        }
        let name = domain_name(text("domain"));
        let about = format!("{name} is a company.");
        let found = [
            ("name", name.as_str()),
            ("industry", "COMPUTER_SOFTWARE"),
            ("numberofemployees", "50"),
            ("annualrevenue", "10000000"),
            ("description", about.as_str()),
            ("country", "United States"),
        ];
        let blank: Vec<(&str, &str)> = found.into_iter().filter(|(name, _)| text(name).is_empty()).collect();
        let values = self.named(companies, &blank);
        if !values.is_empty() {
            let who = Provenance::system("DATA_ENRICHMENT");
            let _gone = self.update_as(act, companies, company, &values, &who);
        }
    }
}

/// `tin-sail.example.com` is taken for a company called `Tin-sail`.
fn domain_name(domain: &str) -> String {
    let first = domain.split('.').next().unwrap_or(domain);
    let mut letters = first.chars();
    letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
