//! Reads the story: about forty companies of both systems whose differences are worth telling.

use std::io;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::connectwise::Tenant;
use super::hubspot::Portal;
use super::object::Object;

const STORY: &str = include_str!("../../fixtures/story.toml");
const HOUR: i64 = 3_600_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    company: Vec<Entry>,
}

/// One company of the story: what each system knows of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// What the entry is there for; for the reader of the file.
    #[serde(rename = "why")]
    _why: String,
    /// How many hours before the start HubSpot's record last changed.
    #[serde(default = "long_ago")]
    hubspot_hours: i64,
    #[serde(default = "long_ago")]
    connectwise_hours: i64,
    #[serde(default)]
    hubspot: Vec<Map<String, Value>>,
    #[serde(default)]
    connectwise: Vec<Map<String, Value>>,
}

const fn long_ago() -> i64 {
    24 * 30
}

/// Fills both systems. `now` is in milliseconds since 1970.
pub(crate) fn load(portal: &mut Portal, tenant: &mut Tenant, now: i64) -> io::Result<()> {
    let story: Story = toml::from_str(STORY).map_err(io::Error::other)?;
    for (index, entry) in story.company.iter().enumerate() {
        let created = now - (400 - i64::try_from(index).unwrap_or(0)) * 24 * HOUR;
        for fields in &entry.hubspot {
            let values: Vec<(&str, String)> =
                fields.iter().map(|(name, value)| (name.as_str(), plain(value))).collect();
            if let Some((name, _)) = values.iter().find(|(name, _)| !portal.has_property(Object::Company, name)) {
                return Err(io::Error::other(format!("The story names a HubSpot property that is not there: {name}")));
            }
            let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            portal.seed(Object::Company, created, now - entry.hubspot_hours * HOUR - 137, &values);
        }
        for fields in &entry.connectwise {
            // Without the checks of today: old records break today's rules, as they do in life.
            tenant
                .seed(Object::Company, (created, now - entry.connectwise_hours * HOUR), fields)
                .map_err(|e| io::Error::other(format!("The story does not fit ConnectWise: {e}")))?;
        }
    }
    Ok(())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
