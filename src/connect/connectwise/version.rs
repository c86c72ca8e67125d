//! Which release serves the tenant, and what depends on it: how long some texts may be.

use crate::model::ObjectKind;

/// A release such as 2025.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    year: u16,
    release: u16,
}

impl Version {
    /// Reads `2025.1`, `v2018.6.59996` and `v2025_1/`; none for `v4_6_release/` and everything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.trim().trim_matches('/').trim_start_matches(['v', 'V']);
        let mut parts = bare.split(['.', '_']);
        let year = parts.next()?.parse().ok().filter(|year| (2000..3000).contains(year))?;
        let release = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        Some(Self { year, release })
    }

    const fn new(year: u16, release: u16) -> Self {
        Self { year, release }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.year, self.release)
    }
}

/// Company ID and name: 25 and 50 characters where the release is unknown or old, 30 and 50 from 2025.1, 156 and 156
/// from 2026.4; web addresses 255, and 1,024 from 2026.11.
pub(super) fn max_length(
    object: ObjectKind,
    field: &str,
    version: Option<Version>,
    listed: Option<u32>,
) -> Option<u32> {
    if object != ObjectKind::Company {
        return listed;
    }
    let since = |year, release| version.is_some_and(|version| version >= Version::new(year, release));
    match field {
        "identifier" | "name" if since(2026, 4) => Some(156),
        "identifier" if since(2025, 1) => Some(30),
        "website" if since(2026, 11) => Some(1024),
        _ => listed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_in_every_spelling() {
        let table = [
            ("2025.1", Some("2025.1")),
            ("v2018.6.59996", Some("2018.6")),
            ("v2026_11/", Some("2026.11")),
            ("v4_6_release/", None),
            ("v4.6.38842", None),
            ("", None),
            ("soon", None),
        ];
        for (text, expected) in table {
            assert_eq!(Version::parse(text).map(|version| version.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn lengths_grow_with_the_release() {
        let table = [
            (None, 25, 50, 255),
            (Some("2021.2"), 25, 50, 255),
            (Some("2025.1"), 30, 50, 255),
            (Some("2026.3"), 30, 50, 255),
            (Some("2026.4"), 156, 156, 255),
            (Some("2026.11"), 156, 156, 1024),
            (Some("2027.1"), 156, 156, 1024),
        ];
        for (text, identifier, name, website) in table {
            let version = text.and_then(Version::parse);
            let length = |field, listed| max_length(ObjectKind::Company, field, version, Some(listed));
            assert_eq!(length("identifier", 25), Some(identifier), "{text:?}");
            assert_eq!(length("name", 50), Some(name), "{text:?}");
            assert_eq!(length("website", 255), Some(website), "{text:?}");
        }
        assert_eq!(max_length(ObjectKind::Deal, "name", Version::parse("2026.4"), Some(100)), Some(100));
    }
}
