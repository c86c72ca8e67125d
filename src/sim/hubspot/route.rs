//! Which endpoint a path names, in both families: `/crm/v3/objects/…` and `/crm/objects/2026-09/…`.

use super::limits::Lane;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Objects,
    Associations,
    Properties,
    Validations,
    Pipelines,
    Owners,
    Lists,
    Limits,
    Account,
    OAuth,
    Meta,
}

/// Versions differ in a few status codes, and in how strict writes are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V3,
    V4,
    Y2026M03,
    Y2026M09,
}

impl Version {
    fn named(text: &str) -> Option<Self> {
        match text {
            "v3" => Some(Self::V3),
            "v4" => Some(Self::V4),
            "2026-03" => Some(Self::Y2026M03),
            "2026-09" => Some(Self::Y2026M09),
            _ => None,
        }
    }

    pub const fn is_numbered(self) -> bool {
        matches!(self, Self::V3 | Self::V4)
    }
}

#[derive(Debug)]
pub(crate) struct Route<'a> {
    pub area: Area,
    pub version: Version,
    /// What follows area and version.
    pub rest: Vec<&'a str>,
}

impl Route<'_> {
    /// Search and associations are counted apart from everything else.
    pub fn lane(&self) -> Lane {
        match (self.area, self.rest.as_slice()) {
            (Area::Objects, [_, "search"]) => Lane::Search,
            (Area::Associations, _) | (Area::Objects, [_, _, "associations", ..]) => Lane::Associations,
            _ => Lane::Burst,
        }
    }
}

pub(crate) fn parse<'a>(parts: &[&'a str]) -> Option<Route<'a>> {
    let (area, version, rest) = match parts {
        ["oauth", rest @ ..] => return Some(Route { area: Area::OAuth, version: Version::V3, rest: rest.to_vec() }),
        ["meta", "network-origins", ..] => {
            return Some(Route { area: Area::Meta, version: Version::V3, rest: Vec::new() });
        }
        ["account-info", version, rest @ ..] => ("account-info", Version::named(version)?, rest),
        // The newer description of label endpoints puts the number behind the area.
        ["crm", "associations", "v4", rest @ ..] => ("associations", Version::V4, rest),
        ["crm", first, second, rest @ ..] => match Version::named(first) {
            Some(version) => (*second, version, rest),
            None => (*first, Version::named(second).filter(|v| !v.is_numbered())?, rest),
        },
        _ => return None,
    };
    let area = match area {
        "objects" => Area::Objects,
        "associations" => Area::Associations,
        "properties" => Area::Properties,
        "property-validations" => Area::Validations,
        "pipelines" => Area::Pipelines,
        "owners" => Area::Owners,
        "lists" => Area::Lists,
        "limits" => Area::Limits,
        "account-info" => Area::Account,
        _ => return None,
    };
    fits(area, version, rest).then(|| Route { area, version, rest: rest.to_vec() })
}

/// Of the numbered versions, associations have four and everything else has three.
fn fits(area: Area, version: Version, rest: &[&str]) -> bool {
    let ties = area == Area::Associations || matches!((area, rest), (Area::Objects, [_, _, "associations", ..]));
    match version {
        Version::V3 => !ties,
        Version::V4 => ties,
        Version::Y2026M03 | Version::Y2026M09 => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_lead_to_the_same_places() {
        let pairs = [
            ("crm/v3/objects/contacts/1", "crm/objects/2026-09/contacts/1"),
            ("crm/v4/objects/deals/1/associations/companies", "crm/objects/2026-03/deals/1/associations/companies"),
            ("crm/v4/associations/0-3/0-2/batch/read", "crm/associations/2026-09/0-3/0-2/batch/read"),
            ("crm/associations/v4/0-3/0-2/labels", "crm/associations/2026-09/0-3/0-2/labels"),
            ("crm/v3/pipelines/deals", "crm/pipelines/2026-09/deals"),
            ("crm/v3/lists/search", "crm/lists/2026-09/search"),
        ];
        for (old, new) in pairs {
            let (old, new): (Vec<&str>, Vec<&str>) = (old.split('/').collect(), new.split('/').collect());
            let (old, new) = (parse(&old).map(|r| (r.area, r.rest)), parse(&new).map(|r| (r.area, r.rest)));
            assert!(old.is_some());
            assert_eq!(old, new);
        }
    }

    #[test]
    fn an_unknown_version_leads_nowhere() {
        assert!(parse(&["crm", "objects", "2025-09", "contacts"]).is_none());
        assert!(parse(&["crm", "v4", "objects", "contacts", "1"]).is_none());
        assert!(parse(&["crm", "objects", "v3", "contacts"]).is_none());
    }
}
