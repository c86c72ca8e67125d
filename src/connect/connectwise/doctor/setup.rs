//! What is set up in the tenant that can surprise a sync: numbering, locks, mandatory fields, e-mail connectors, members
//! and call-backs.

use serde_json::Value as Json;

use super::super::ConnectWise;
use super::super::fields::{BOARDS, MEMBERS};
use super::super::roles::{self, Column};
use super::super::user_defined;
use super::Examining;
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::connect::redact::clip_message;
use crate::connect::{Need, Severity};
use crate::model::ObjectKind;
use crate::model::text::printable;

/// Names told before "and n more".
const NAMES: usize = 5;

impl ConnectWise {
    pub(super) async fn examine_setup(&self, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        let writes = |need: &Need| need.creates || need.updates;
        let (company, deal) = (exam.needs(ObjectKind::Company), exam.needs(ObjectKind::Deal));
        if company.as_ref().is_some_and(writes) || deal.as_ref().is_some_and(writes) {
            self.examine_crm(exam).await?;
        }
        if company.as_ref().is_some_and(writes) {
            self.examine_statuses(exam).await?;
        }
        if exam.needs(ObjectKind::Ticket).is_some() {
            self.examine_boards(exam).await?;
        }
        if exam.needs.iter().any(|need| need.creates) {
            self.examine_mandatory(exam).await?;
        }
        self.examine_members(exam).await?;
        self.examine_callbacks(exam).await
    }

    /// Rows of a table that may be unreadable: that has been told already.
    async fn known_rows(&self, list: &str, exam: &mut Examining<'_>) -> Result<Vec<Json>, ConnectError> {
        match self.rows(list, &mut exam.session).await {
            Ok(rows) => Ok(rows),
            Err(fault) => super::verdict(fault).map(|_| Vec::new()),
        }
    }

    async fn examine_crm(&self, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        let crm = match self.call(&Call::get("/system/myCompany/crm"), &mut exam.session).await {
            Ok(crm) => crm,
            Err(fault) => return super::verdict(fault).map(drop),
        };
        if is(&crm, "companyIdGenerationFlag") && exam.needs(ObjectKind::Company).is_some_and(|need| need.creates) {
            let what = "The tenant makes company IDs from the names by itself, so new companies may get another one than the mapping says.";
            let remedy = "Leave the company ID unmapped, or switch off the generation under System / My Company / CRM.";
            exam.add(Severity::Warning, Some(ObjectKind::Company), what, remedy);
        }
        if is(&crm, "excludeSpacesFlag") && exam.needs(ObjectKind::Company).is_some_and(|need| need.creates) {
            let what = "The tenant leaves spaces out of company IDs.";
            exam.add(Severity::Warning, Some(ObjectKind::Company), what, "Map a company ID without spaces.");
        }
        if is(&crm, "lockProbabilityFlag") && exam.needs(ObjectKind::Deal).is_some() {
            let what =
                "The probability of an opportunity follows its stage, so a probability that is written may be ignored.";
            let remedy = "Map the stage alone, or unlock the probability under System / My Company / CRM.";
            exam.add(Severity::Warning, Some(ObjectKind::Deal), what, remedy);
        }
        Ok(())
    }

    async fn examine_statuses(&self, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        let rows = self.known_rows("/company/companies/statuses", exam).await?;
        let locked = named(rows.iter().filter(|row| is(row, "disallowSavingFlag")));
        if !locked.is_empty() {
            let what = format!("Companies with these statuses cannot be saved: {}.", listed(&locked));
            exam.add(
                Severity::Warning,
                Some(ObjectKind::Company),
                what,
                "Keep companies of these statuses out by a filter.",
            );
        }
        Ok(())
    }

    async fn examine_boards(&self, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        let rows = self.known_rows(BOARDS, exam).await?;
        let open = |row: &&Json| !is(row, "inactiveFlag") && !is(row, "inactive");
        let flags = ["emailConnectorNewTicketNoMatchFlag", "emailConnectorAllowReopenClosedFlag"];
        let connected = named(rows.iter().filter(open).filter(|row| flags.iter().any(|flag| is(row, flag))));
        if !connected.is_empty() {
            let what = format!(
                "E-mail connectors make or reopen tickets on these boards, also for unknown senders: {}.",
                listed(&connected)
            );
            exam.add(Severity::Warning, Some(ObjectKind::Ticket), what, "Keep the catch-all company out by a filter.");
        }
        Ok(())
    }

    async fn examine_mandatory(&self, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        let rows = self.known_rows("/system/userDefinedFields", exam).await?;
        for need in exam.needs.iter().filter(|need| need.creates) {
            let fields = rows.iter().filter_map(|row| user_defined::definition(need.object, row));
            let required: Vec<String> = fields
                .filter(|field| field.required)
                .map(|field| format!("{} ({})", field.label, field.name))
                .collect();
            if !required.is_empty() {
                let what = format!(
                    "New {} need these user-defined fields: {}.",
                    need.object.plural().to_lowercase(),
                    listed(&required)
                );
                exam.add(Severity::Warning, Some(need.object), what, "Map each of them, or give it a default.");
            }
        }
        Ok(())
    }

    async fn examine_members(&self, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        let rows = self.known_rows(&format!("{MEMBERS}?fields=id,identifier,inactiveFlag"), exam).await?;
        let inactive: Vec<String> =
            rows.iter().filter(|row| is(row, "inactiveFlag")).filter_map(|row| word(row, "identifier")).collect();
        if !inactive.is_empty() {
            let what = format!("These members are inactive and cannot be given records: {}.", listed(&inactive));
            exam.add(
                Severity::Warning,
                None,
                what,
                "Map their HubSpot owners to active members, or rely on the fallback.",
            );
        }
        Ok(())
    }

    /// Switched-off call-backs of Lockstep's: told by their description, because the address is not known here.
    async fn examine_callbacks(&self, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        const LIST: &str = "/system/callbacks";
        if let (super::Probe::Denied, Some(row)) = (self.probe(&Call::get(LIST), exam).await?, roles::row(LIST)) {
            let what = "Call-backs cannot be seen, which matters only where they are used.";
            exam.add(Severity::Warning, None, what, row.remedy(Column::Inquire));
        }
        let rows = self.known_rows(LIST, exam).await?;
        let own = |row: &&Json| {
            word(row, "description").as_deref() == Some(super::super::callbacks::DESCRIPTION) && is(row, "inactiveFlag")
        };
        let off: Vec<String> = rows.iter().filter(own).filter_map(|row| word(row, "type")).collect();
        if !off.is_empty() {
            let what = format!(
                "Call-backs are switched off for: {}. ConnectWise does so after failures on three days.",
                listed(&off)
            );
            exam.add(Severity::Warning, None, what, "See that the receiver can be reached from ConnectWise; an engine that listens with --public-url switches them on again. Until then changes are found by polling.");
        }
        Ok(())
    }
}

fn is(row: &Json, flag: &str) -> bool {
    row.get(flag).and_then(crate::connect::flag::flag) == Some(true)
}

fn word(row: &Json, name: &str) -> Option<String> {
    let text = row.get(name).and_then(Json::as_str).filter(|text| !text.trim().is_empty())?;
    Some(clip_message(&printable(text)))
}

fn named<'a>(rows: impl Iterator<Item = &'a Json>) -> Vec<String> {
    rows.filter_map(|row| word(row, "name")).collect()
}

/// The first few, and how many more.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_cleaned_and_then_cut() {
        let row = json!({ "name": format!("a\u{1b}[2Jb\nc{}", "d".repeat(500)), "blank": "\u{1b}\u{7}" });
        let told = word(&row, "name").unwrap_or_default();
        assert!(told.starts_with("a\u{fffd}[2Jb cd") && told.ends_with("d…"), "{told:?}");
        assert_eq!(told.chars().filter(|c| c.is_control()).count(), 0, "{told:?}");
        assert_eq!(word(&row, "blank"), Some("\u{fffd}\u{fffd}".to_owned()));
    }
}
