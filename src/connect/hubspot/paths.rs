//! Where HubSpot's endpoints are, in every version of the API that is spoken: one table.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::ObjectKind;

/// A group of endpoints that share a versioned beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Objects,
    Properties,
    Owners,
    Account,
}

/// Newest first. HubSpot gives each dated version 18 months; the numbered ones lose support in 2027.
const TEMPLATES: [(Route, [&str; VERSIONS]); 4] = [
    (Route::Objects, ["/crm/objects/2026-09", "/crm/objects/2026-03", "/crm/v3/objects"]),
    (Route::Properties, ["/crm/properties/2026-09", "/crm/properties/2026-03", "/crm/v3/properties"]),
    (Route::Owners, ["/crm/owners/2026-09", "/crm/owners/2026-03", "/crm/v3/owners"]),
    (Route::Account, ["/account-info/2026-09", "/account-info/2026-03", "/account-info/v3"]),
];
const VERSIONS: usize = 3;

/// The version in use: the newest until the account is found not to route it.
#[derive(Debug, Default)]
pub(super) struct Version(AtomicUsize);

impl Version {
    /// The versions to try, the one that worked last first.
    pub fn candidates(&self) -> [usize; VERSIONS] {
        let first = self.0.load(Ordering::Relaxed);
        std::array::from_fn(|step| (first + step) % VERSIONS)
    }

    pub fn remember(&self, version: usize) {
        self.0.store(version % VERSIONS, Ordering::Relaxed);
    }

    pub fn current(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// `/crm/objects/2026-09` for the objects of the newest version.
pub(super) fn prefix(route: Route, version: usize) -> &'static str {
    TEMPLATES.iter().find(|(of, _)| *of == route).map_or("", |(_, prefixes)| prefixes[version % VERSIONS])
}

/// The word for an object in paths; none where HubSpot spreads it over several objects.
pub(super) const fn object(kind: ObjectKind) -> Option<&'static str> {
    match kind {
        ObjectKind::Company => Some("companies"),
        ObjectKind::Contact => Some("contacts"),
        ObjectKind::Deal => Some("deals"),
        ObjectKind::Ticket => Some("tickets"),
        ObjectKind::Product => Some("products"),
        ObjectKind::LineItem => Some("line_items"),
        ObjectKind::Note => Some("notes"),
        ObjectKind::Task => Some("tasks"),
        ObjectKind::Call => Some("calls"),
        ObjectKind::Meeting => Some("meetings"),
    }
}

/// The property that moves with every change. Contacts have a second one of another name that moves with less noise.
pub(super) const fn modified(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Contact => "lastmodifieddate",
        _ => "hs_lastmodifieddate",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_that_worked_is_tried_first_from_then_on() {
        let version = Version::default();
        assert_eq!(version.candidates(), [0, 1, 2]);
        version.remember(2);
        assert_eq!(version.candidates(), [2, 0, 1]);
        assert_eq!(prefix(Route::Account, version.current()), "/account-info/v3");
    }
}
