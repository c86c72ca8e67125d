//! Where HubSpot's endpoints are, in every version of the API that is spoken: one table.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::ObjectKind;

/// A group of endpoints that share a versioned beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Objects,
    Properties,
    Validations,
    Associations,
    Pipelines,
    Owners,
    Lists,
    Account,
    OAuth,
}

/// Newest first. HubSpot gives each dated version 18 months; the numbered ones lose support in 2027.
const TEMPLATES: [(Route, [&str; VERSIONS]); 9] = [
    (Route::Objects, ["/crm/objects/2026-09", "/crm/objects/2026-03", "/crm/v3/objects"]),
    (Route::Properties, ["/crm/properties/2026-09", "/crm/properties/2026-03", "/crm/v3/properties"]),
    (
        Route::Validations,
        ["/crm/property-validations/2026-09", "/crm/property-validations/2026-03", "/crm/v3/property-validations"],
    ),
    (Route::Associations, ["/crm/associations/2026-09", "/crm/associations/2026-03", "/crm/v4/associations"]),
    (Route::Pipelines, ["/crm/pipelines/2026-09", "/crm/pipelines/2026-03", "/crm/v3/pipelines"]),
    (Route::Owners, ["/crm/owners/2026-09", "/crm/owners/2026-03", "/crm/v3/owners"]),
    (Route::Lists, ["/crm/lists/2026-09", "/crm/lists/2026-03", "/crm/v3/lists"]),
    (Route::Account, ["/account-info/2026-09", "/account-info/2026-03", "/account-info/v3"]),
    (Route::OAuth, ["/oauth/2026-09", "/oauth/2026-03", "/oauth/v3"]),
];
const VERSIONS: usize = 3;

/// Per group the version in use: the newest until the account is found not to route it. Kept apart, because not every
/// group of endpoints follows at the same time.
#[derive(Debug, Default)]
pub(super) struct Version([AtomicUsize; TEMPLATES.len()]);

impl Version {
    /// The versions to try, the one that worked last first.
    pub fn candidates(&self, route: Route) -> [usize; VERSIONS] {
        let first = self.current(route);
        std::array::from_fn(|step| (first + step) % VERSIONS)
    }

    pub fn remember(&self, route: Route, version: usize) {
        self.0[route as usize].store(version % VERSIONS, Ordering::Relaxed);
    }

    pub fn current(&self, route: Route) -> usize {
        self.0[route as usize].load(Ordering::Relaxed)
    }
}

/// `/crm/objects/2026-09` for the objects of the newest version.
pub(super) const fn prefix(route: Route, version: usize) -> &'static str {
    TEMPLATES[route as usize].1[version % VERSIONS]
}

/// The word for an object in paths.
pub(super) const fn object(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Company => "companies",
        ObjectKind::Contact => "contacts",
        ObjectKind::Deal => "deals",
        ObjectKind::Ticket => "tickets",
        ObjectKind::Product => "products",
        ObjectKind::LineItem => "line_items",
        ObjectKind::Note => "notes",
        ObjectKind::Task => "tasks",
        ObjectKind::Call => "calls",
        ObjectKind::Meeting => "meetings",
    }
}

/// The number of an object, which every path takes in the place of its word.
pub(super) const fn type_id(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Contact => "0-1",
        ObjectKind::Company => "0-2",
        ObjectKind::Deal => "0-3",
        ObjectKind::Ticket => "0-5",
        ObjectKind::Product => "0-7",
        ObjectKind::LineItem => "0-8",
        ObjectKind::Task => "0-27",
        ObjectKind::Note => "0-46",
        ObjectKind::Meeting => "0-47",
        ObjectKind::Call => "0-48",
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
    fn the_version_that_worked_is_tried_first_from_then_on_and_only_in_its_group() {
        let version = Version::default();
        assert_eq!(version.candidates(Route::Account), [0, 1, 2]);
        version.remember(Route::Account, 2);
        assert_eq!(version.candidates(Route::Account), [2, 0, 1]);
        assert_eq!(version.candidates(Route::Lists), [0, 1, 2]);
        assert_eq!(prefix(Route::Account, version.current(Route::Account)), "/account-info/v3");
    }

    #[test]
    fn each_group_stands_at_its_own_place_in_the_table() {
        for (at, (route, _)) in TEMPLATES.iter().enumerate() {
            assert_eq!(*route as usize, at, "{route:?}");
        }
    }
}
