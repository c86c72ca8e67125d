//! What each object needs of the rights in both systems: HubSpot's scopes, and the rows of a ConnectWise security role.
//! One table for the doctor, for signing in by OAuth and for the README, which a test holds to it.

use super::doctor::Need;
use crate::model::ObjectKind;

/// The rights that one object takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    pub object: ObjectKind,
    /// The scope for reading records, and the one for reading their fields where that is another one.
    pub reads: &'static [&'static str],
    /// The scopes for writing records, beside those for reading; one that does both is in either.
    pub writes: &'static [&'static str],
    /// The scope for adding the property that carries the key; none where HubSpot has no scope of its own for it.
    pub stamps: Option<&'static str>,
    /// Module and permission in ConnectWise. Inquire always at level All; Add and Edit where Lockstep writes there.
    pub rows: &'static [(&'static str, &'static str)],
}

/// The scopes that every app takes: signing in, and the owners.
pub const ALWAYS: [&str; 2] = [SIGN_IN, OWNERS];
/// For apps by OAuth alone: a service key or private app needs no signing in.
pub const SIGN_IN: &str = "oauth";
/// For the people that records belong to.
pub const OWNERS: &str = "crm.objects.owners.read";
/// For filters by the members of a list.
pub const LISTS: &str = "crm.lists.read";

/// The rows that every tenant takes, at level All for Inquire alone.
pub const ROWS_ALWAYS: [(&str, &str); 3] =
    [("System", "Member Maintenance"), ("System", "My Company"), ("System", "Table Setup")];

const CONTACT: (&[&str], &[&str], Option<&str>) = (
    &["crm.objects.contacts.read", "crm.schemas.contacts.read"],
    &["crm.objects.contacts.write"],
    Some("crm.schemas.contacts.write"),
);

/// Every object, in order.
pub const RIGHTS: [Rights; 10] = [
    Rights {
        object: ObjectKind::Company,
        reads: &["crm.objects.companies.read", "crm.schemas.companies.read"],
        writes: &["crm.objects.companies.write"],
        stamps: Some("crm.schemas.companies.write"),
        rows: &[("Companies", "Company Maintenance")],
    },
    Rights {
        object: ObjectKind::Contact,
        reads: CONTACT.0,
        writes: CONTACT.1,
        stamps: CONTACT.2,
        rows: &[("Companies", "Contacts")],
    },
    Rights {
        object: ObjectKind::Deal,
        reads: &["crm.objects.deals.read", "crm.schemas.deals.read"],
        writes: &["crm.objects.deals.write"],
        stamps: Some("crm.schemas.deals.write"),
        rows: &[("Sales", "Opportunity"), ("Sales", "Closed Opportunity"), ("Sales", "Opportunity Finance")],
    },
    Rights {
        object: ObjectKind::Ticket,
        // One scope for both ways; there is none for reading alone.
        reads: &["tickets", "crm.schemas.tickets.read"],
        writes: &["tickets"],
        stamps: Some("crm.schemas.tickets.write"),
        rows: &[("Service Desk", "Service Tickets"), ("Service Desk", "Close Service Tickets")],
    },
    Rights {
        object: ObjectKind::Product,
        reads: &["crm.objects.products.read"],
        writes: &["crm.objects.products.write"],
        stamps: None,
        rows: &[("Procurement", "Product Catalog")],
    },
    Rights {
        object: ObjectKind::LineItem,
        reads: &["crm.objects.line_items.read"],
        writes: &["crm.objects.line_items.write"],
        stamps: None,
        rows: &[("Sales", "Opportunity"), ("Sales", "Opportunity Finance")],
    },
    activity(ObjectKind::Note),
    activity(ObjectKind::Task),
    activity(ObjectKind::Call),
    activity(ObjectKind::Meeting),
];

/// HubSpot lets whoever may see contacts see what was done with them.
const fn activity(object: ObjectKind) -> Rights {
    let (reads, writes, stamps) = CONTACT;
    Rights { object, reads, writes, stamps, rows: &[("Companies", "CRM/Sales Activities")] }
}

/// What somebody wants to do, as HubSpot's scopes tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ReadRecords,
    WriteRecords,
    ReadFields,
    AddFields,
}

/// The one scope for it.
#[must_use]
pub fn scope(object: ObjectKind, way: Way) -> &'static str {
    let rights = RIGHTS.iter().find(|rights| rights.object == object);
    let (reads, writes, stamps) = rights.map_or((&[][..], &[][..], None), |r| (r.reads, r.writes, r.stamps));
    let read = reads.first().copied().unwrap_or(ALWAYS[0]);
    let write = writes.first().copied().unwrap_or(read);
    match way {
        Way::ReadRecords => read,
        Way::WriteRecords => write,
        Way::ReadFields => reads.get(1).copied().unwrap_or(read),
        Way::AddFields => stamps.unwrap_or(write),
    }
}

/// What an app has to ask for so that a configuration can do its work, sorted.
#[must_use]
pub fn scopes(needs: &[Need]) -> Vec<&'static str> {
    let mut scopes: Vec<&str> = ALWAYS.to_vec();
    for need in needs {
        let Some(rights) = RIGHTS.iter().find(|rights| rights.object == need.object) else { continue };
        scopes.extend(rights.reads);
        if need.creates || need.updates {
            scopes.extend(rights.writes);
            scopes.extend(rights.stamps);
        }
    }
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

/// Both tables of the README, as Markdown.
#[must_use]
pub fn markdown() -> String {
    use std::fmt::Write as _;
    let code = |scopes: &[&str]| scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(", ");
    let mut text =
        String::from("| object | HubSpot scopes to read | to write | ConnectWise security role |\n|---|---|---|---|\n");
    for rights in RIGHTS {
        let writes: Vec<&str> = rights.writes.iter().copied().chain(rights.stamps).collect();
        let rows: Vec<String> = rights.rows.iter().map(|(module, row)| format!("{module} / {row}")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            rights.object.plural().to_lowercase(),
            code(rights.reads),
            code(&writes),
            rows.join("; ")
        );
    }
    let always: Vec<String> = ROWS_ALWAYS.iter().map(|(module, row)| format!("{module} / {row}")).collect();
    let _ = writeln!(text, "| always | {} | | {} (Inquire) |", code(&[OWNERS]), always.join("; "));
    let _ = writeln!(text, "| signing in by OAuth | {} | | |", code(&[SIGN_IN]));
    let _ = writeln!(text, "| filters by a list | {} | | |", code(&[LISTS]));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Amount;

    #[test]
    fn every_object_has_its_rights_in_order() {
        assert_eq!(RIGHTS.map(|rights| rights.object), ObjectKind::ALL);
    }

    #[test]
    fn an_app_asks_for_no_more_than_the_configuration_needs() {
        let need = |creates| Need {
            object: ObjectKind::Company,
            reads: true,
            creates,
            updates: false,
            amount: Amount::Unmapped,
        };
        let reads = ["crm.objects.companies.read", "crm.objects.owners.read", "crm.schemas.companies.read", "oauth"];
        assert_eq!(scopes(&[need(false)]), reads);
        let both = scopes(&[need(true), need(false)]);
        assert!(both.contains(&"crm.objects.companies.write") && both.contains(&"crm.schemas.companies.write"));
        assert_eq!(both.len(), 6, "{both:?}");
    }

    #[test]
    fn the_readme_says_what_the_table_says() {
        let readme = include_str!("../../README.md");
        let table = markdown();
        assert!(readme.contains(&table), "put this into the README:\n{table}");
    }
}
