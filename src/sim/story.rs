//! Reads the story: companies of both systems whose differences are worth telling, and what hangs on them.

use std::collections::{BTreeMap, HashMap};
use std::io;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::clock::{iso_millis, iso_seconds};
use super::connectwise::Tenant;
use super::hubspot::Portal;
use super::object::Object;

const COMPANIES: &str = include_str!("../../fixtures/story.toml");
const OTHERS: [&str; 3] = [
    include_str!("../../fixtures/story-contacts.toml"),
    include_str!("../../fixtures/story-sales.toml"),
    include_str!("../../fixtures/story-activity.toml"),
];
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// One file of the story: entries by object. The companies' file calls its table `company`.
type Chapter = BTreeMap<String, Vec<Entry>>;

/// One record of the story: what each system knows of it. Several in a list are records of their own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// What others call it: `@key`. Companies are also called by their identifiers and HubSpot's name.
    key: Option<String>,
    /// What the entry is there for; for the reader of the file.
    #[serde(rename = "why")]
    _why: String,
    /// What HubSpot's record is associated with; the first company is the primary one.
    #[serde(default)]
    links: Vec<String>,
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
///
/// # Errors
/// When the story names a field, a value or a record that is not there.
pub(crate) fn load(portal: &mut Portal, tenant: &mut Tenant, now: i64) -> io::Result<()> {
    let mut teller = Teller { portal, tenant, now, told: 0, known: HashMap::new() };
    for text in std::iter::once(COMPANIES).chain(OTHERS) {
        let mut chapter: Chapter = toml::from_str(text).map_err(io::Error::other)?;
        if let Some(companies) = chapter.remove("company") {
            chapter.insert(Object::Company.word().to_owned(), companies);
        }
        // Objects in their own order: what is named comes before what names it.
        for object in PARENTS_FIRST {
            for entry in chapter.remove(object.word()).unwrap_or_default() {
                teller.tell(object, &entry)?;
            }
        }
        if let Some(word) = chapter.keys().next() {
            return Err(io::Error::other(format!("The story tells of {word}, which is no object")));
        }
    }
    Ok(())
}

const PARENTS_FIRST: [Object; 10] = [
    Object::Company,
    Object::Contact,
    Object::Product,
    Object::Deal,
    Object::LineItem,
    Object::Ticket,
    Object::Note,
    Object::Task,
    Object::Call,
    Object::Meeting,
];

/// A record of the story by one of its names, in both systems.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    hubspot: Option<(Object, u64)>,
    connectwise: Option<u64>,
}

struct Teller<'a> {
    portal: &'a mut Portal,
    tenant: &'a mut Tenant,
    now: i64,
    told: i64,
    known: HashMap<String, Known>,
}

impl Teller<'_> {
    fn tell(&mut self, object: Object, entry: &Entry) -> io::Result<()> {
        let created = self.now - (400 - self.told) * DAY;
        self.told += 1;
        let mut names: Vec<String> = entry.key.iter().cloned().collect();
        let mut known = Known::default();
        for fields in &entry.hubspot {
            let id = self.in_hubspot(object, entry, fields, created)?;
            known.hubspot = known.hubspot.or(Some((object, id)));
            names.extend(fields.get("name").and_then(Value::as_str).map(str::to_owned));
        }
        for fields in &entry.connectwise {
            let id = self.in_connectwise(object, entry, fields, created)?;
            known.connectwise = known.connectwise.or(Some(id));
            if let Some(identifier) = fields.get("identifier").and_then(Value::as_str) {
                // The second of two companies that share an entry is known by its identifier alone.
                let own = Known { connectwise: Some(id), hubspot: known.hubspot };
                self.known.insert(identifier.to_owned(), own);
            }
        }
        for name in names {
            self.known.entry(name).or_insert(known);
        }
        Ok(())
    }

    fn in_hubspot(
        &mut self,
        object: Object,
        entry: &Entry,
        fields: &Map<String, Value>,
        created: i64,
    ) -> io::Result<u64> {
        let mut values = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            if !self.portal.has_property(object, name) {
                let what = format!("The story names a HubSpot property that {object} do not have: {name}");
                return Err(io::Error::other(what));
            }
            values.push((name.as_str(), self.dated(&plain(value))));
        }
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let modified = self.now - entry.hubspot_hours * HOUR - 137;
        let id = self.portal.seed(object, created, modified, &values);
        let id = id.ok_or_else(|| io::Error::other(format!("HubSpot has no {object}")))?;
        for link in &entry.links {
            let other = self.named(link)?.hubspot;
            let other = other.ok_or_else(|| io::Error::other(format!("{link} is not in HubSpot")))?;
            self.portal.seed_association((object, id), other).map_err(io::Error::other)?;
        }
        Ok(id)
    }

    /// Without the checks of today: old records break today's rules, as they do in life.
    fn in_connectwise(
        &mut self,
        object: Object,
        entry: &Entry,
        fields: &Map<String, Value>,
        created: i64,
    ) -> io::Result<u64> {
        let object = match object {
            Object::Note | Object::Task | Object::Call | Object::Meeting => Object::Activity,
            other => other,
        };
        let mut resolved = Map::new();
        for (name, value) in fields {
            let value = match value.as_str() {
                Some(text) if text.starts_with('@') => {
                    let id = self.named(text)?.connectwise;
                    json!({"id": id.ok_or_else(|| io::Error::other(format!("{text} is not in ConnectWise")))?})
                }
                Some(text) => json!(self.dated(text)),
                None => value.clone(),
            };
            resolved.insert(name.clone(), value);
        }
        let updated = self.now - entry.connectwise_hours * HOUR;
        let done = self.tenant.seed(object, (created, updated), &resolved);
        done.map_err(|e| io::Error::other(format!("The story does not fit ConnectWise ({resolved:?}): {e}")))
    }

    fn named(&self, reference: &str) -> io::Result<Known> {
        let found = reference.strip_prefix('@').and_then(|name| self.known.get(name)).copied();
        found.ok_or_else(|| io::Error::other(format!("The story has no record {reference}")))
    }

    /// `{day:-30}` is midnight thirty days ago, `{time:0.5}` the moment twelve hours from now; other texts stay.
    fn dated(&self, text: &str) -> String {
        let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let Some((kind, Ok(days))) = inside.and_then(|t| t.split_once(':')).map(|(k, d)| (k, d.parse::<f64>())) else {
            return text.to_owned();
        };
        #[expect(clippy::cast_possible_truncation, reason = "the story's days are few")]
        let at = self.now + (days * 86_400_000.0) as i64;
        match kind {
            "day" => iso_seconds(at.div_euclid(DAY) * (DAY / 1000)),
            "time" => iso_millis(at.div_euclid(1000) * 1000),
            _ => text.to_owned(),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
