//! Call-backs: what an entry may say, which changes it hears of, what it is sent and how that is signed.

use base64::Engine;
use ring::{digest, hmac};
use serde_json::{Value, json};

use super::behaviour::{Behaviour, SelfSuppression};
use super::entity::Entity;
use super::fields::{Problem, Stored};
use super::record::Record;
use super::show::Eyes;
use super::tables::Table;
use super::tenant::Tenant;
use crate::sim::Side;
use crate::sim::delivery::{Notice, Notices};
use crate::sim::ledger::{Actor, Mutation, Verb};
use crate::sim::options::CONNECTWISE_API_MEMBER;

const ENTITY: Entity = Entity::Callback;
/// The id under which the signing key is asked for.
pub(crate) const KEY_ID: &str = "6a0f5d0c-3c0e-4b5e-9a53-2d1c5f7e8b90";
pub(crate) const SIGNING_KEY: &str = "c2lt-callback-signing-key";

/// Types, the levels of each, and the kind of record it is about.
const TYPES: [(&str, &[&str], Option<Entity>); 7] = [
    ("company", &["owner", "status", "type", "territory", "company", "integratorTag"], Some(Entity::Company)),
    ("contact", &["owner", "type", "territory", "company", "contact"], Some(Entity::Contact)),
    ("opportunity", &["owner", "statusId", "company", "opportunity"], Some(Entity::Opportunity)),
    ("activity", &["owner", "status", "type", "company", "activity"], Some(Entity::Activity)),
    ("ticket", &["owner", "board", "project", "phase", "status", "ticket", "integratorTag"], Some(Entity::Ticket)),
    ("productcatalog", &["owner", "productcatalog"], Some(Entity::Catalog)),
    // Of these the simulator has no records.
    ("project", &["owner", "project"], None),
];

fn text<'a>(record: &'a Record, name: &str) -> &'a str {
    ENTITY.field(name).map(|(id, _)| record.text(id)).unwrap_or_default()
}

fn flag(record: &Record, name: &str) -> bool {
    ENTITY.field(name).is_some_and(|(id, _)| record.flag(id))
}

fn object_id(record: &Record) -> i64 {
    match ENTITY.field("objectId").and_then(|(id, _)| record.get(id)) {
        Some(Stored::Whole(id)) => *id,
        _ => 0,
    }
}

fn set(record: &mut Record, name: &str, value: Stored) {
    if let Some((id, _)) = ENTITY.field(name) {
        record.set(id, Some(value));
    }
}

/// What an entry gets by itself: its member, its version, and 1 for the object of level `owner`.
pub(super) fn derive(tenant: &Tenant, record: &mut Record, old: Option<&Record>) {
    if text(record, "level").eq_ignore_ascii_case("owner") && object_id(record) == 0 {
        set(record, "objectId", Stored::Whole(1));
    }
    if old.is_none() {
        let member = tenant.tables.named(Table::Member, CONNECTWISE_API_MEMBER).unwrap_or(0);
        set(record, "memberId", Stored::Whole(i64::from(member)));
        if text(record, "payloadVersion").is_empty() {
            set(record, "payloadVersion", Stored::Text("3.0.0".into()));
        }
    }
}

pub(super) fn check(tenant: &Tenant, record: &Record, problems: &mut Vec<Problem>) {
    if !problems.is_empty() {
        return;
    }
    let url = text(record, "url");
    if reqwest::Url::parse(url).map_or(true, |url| !matches!(url.scheme(), "http" | "https")) {
        problems.push(Problem::new("InvalidField", "url", "Invalid URL"));
    }
    let kind = TYPES.iter().find(|(kind, ..)| kind.eq_ignore_ascii_case(text(record, "type")));
    match kind {
        None => problems.push(Problem::new("InvalidObject", "type", "Unrecognized type.")),
        Some((_, levels, _)) if !levels.iter().any(|level| level.eq_ignore_ascii_case(text(record, "level"))) => {
            let message = "Unrecognized level for type, see documentation for supported levels for each type";
            problems.push(Problem::new("InvalidObject", "level", message));
        }
        Some(_) => {}
    }
    let twin = tenant.shelf(ENTITY).after(0).any(|other| {
        other.id != record.id
            && object_id(other) == object_id(record)
            && ["url", "type", "level"].iter().all(|name| text(other, name).eq_ignore_ascii_case(text(record, name)))
    });
    if twin {
        problems.push(Problem::new("ObjectExists", "objectId", "A matching callback entry already exists"));
    }
}

impl Notices for Tenant {
    fn notices(&self, change: &Mutation, site: &str, now_ms: i64) -> Vec<Notice> {
        let _untimed = now_ms;
        let Some(entity) = Entity::of(change.object).filter(|_| change.side == Side::ConnectWise) else {
            return Vec::new();
        };
        if self.hushed.contains(&change.sequence) {
            return Vec::new();
        }
        let entries = self.shelf(ENTITY).after(0).filter(|entry| !flag(entry, "inactiveFlag"));
        let heard = entries.filter(|entry| self.hears(entry, entity, change) && !self.suppresses(entry, change));
        heard.map(|entry| self.notice(entry, entity, change, site)).collect()
    }

    fn disable(&mut self, callback: u64) {
        let entry = u32::try_from(callback).ok().and_then(|id| self.find(ENTITY, id)).cloned();
        if let Some(mut entry) = entry {
            set(&mut entry, "inactiveFlag", Stored::Flag(true));
            self.insert(ENTITY, entry);
        }
    }
}

impl Tenant {
    fn suppresses(&self, entry: &Record, change: &Mutation) -> bool {
        let own = matches!(&change.actor, Actor::Api(name) if name == CONNECTWISE_API_MEMBER);
        flag(entry, "isSelfSuppressedFlag") && own && self.self_suppression == SelfSuppression::OwnChanges
    }

    fn hears(&self, entry: &Record, entity: Entity, change: &Mutation) -> bool {
        let kind = TYPES.iter().find(|(kind, ..)| kind.eq_ignore_ascii_case(text(entry, "type")));
        if kind.and_then(|(.., about)| *about) != Some(entity) {
            return false;
        }
        // What happened before the entry was made is none of its business.
        if self.callbacks_since.get(&entry.id).is_some_and(|since| change.sequence <= *since) {
            return false;
        }
        let (level, wanted) = (text(entry, "level").to_ascii_lowercase(), object_id(entry));
        let is = |id: Option<u32>| id.is_some_and(|id| i64::from(id) == wanted);
        let own = level == entity.about().resource.to_ascii_lowercase() || level == "productcatalog";
        let id = u32::try_from(change.id).ok();
        match level.as_str() {
            "owner" => true,
            _ if own => is(id),
            "type" if matches!(entity, Entity::Company | Entity::Contact) => {
                let record = id.and_then(|id| self.find(entity, id));
                record.is_some_and(|record| record.types.iter().any(|(_, type_id)| is(Some(*type_id))))
            }
            "territory" if entity == Entity::Contact => {
                let company = self.value(entity, change, "company").and_then(|id| self.find(Entity::Company, id));
                is(company.and_then(|c| Entity::Company.field("territory").and_then(|(id, _)| c.reference(id))))
            }
            "statusid" => is(self.value(entity, change, "status")),
            "status" | "type" | "territory" | "company" | "board" => is(self.value(entity, change, &level)),
            _ => false,
        }
    }

    /// A reference of the changed record at the time of the change; of one that is gone, what it was before.
    fn value(&self, entity: Entity, change: &Mutation, name: &str) -> Option<u32> {
        let as_id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
        if let Some((before, after)) = change.fields.get(name) {
            return if change.verb == Verb::Delete { as_id(before) } else { as_id(after) };
        }
        let record = u32::try_from(change.id).ok().and_then(|id| self.find(entity, id));
        entity.field(name).and_then(|(id, _)| record?.reference(id))
    }

    fn notice(&self, entry: &Record, entity: Entity, change: &Mutation, site: &str) -> Notice {
        let action = match change.verb {
            Verb::Create => "added",
            Verb::Delete => "deleted",
            _ => "updated",
        };
        let shown = (action != "deleted").then(|| self.thin(entity, change, site)).flatten();
        let company = &self.login_company;
        let key = format!("{site}/v4_6_release/system/callbackkey/index.rails?companyName={company}&id={KEY_ID}");
        let body = json!({
            "Action": action, "CallbackObjectRecId": entry.id, "CompanyId": company,
            "Entity": shown.map(|entity| entity.to_string()), "FromUrl": site, "ID": change.id,
            "MemberId": change.actor.name(), "MessageId": message_id(change.sequence, entry.id),
            "Metadata": {"key_url": key}, "PartnerId": null, "ProductInstanceId": null, "Type": text(entry, "type"),
        });
        let body = body.to_string().into_bytes();
        Notice {
            callback: u64::from(entry.id),
            url: format!("{}{}&action={action}", text(entry, "url"), change.id),
            headers: vec![("x-content-signature", signature(&body))],
            body,
        }
    }

    /// The record as a call-back shows it: without communication items and without user-defined fields.
    fn thin(&self, entity: Entity, change: &Mutation, site: &str) -> Option<Value> {
        let record = self.find(entity, u32::try_from(change.id).ok()?)?;
        let base = format!("{site}/v4_6_release//apis/3.0/");
        let behaviour = Behaviour::default();
        let model = behaviour.release_number();
        let mut json = Eyes { tenant: self, behaviour: &behaviour, model, base: &base, api: true }.show(entity, record);
        if let Some(map) = json.as_object_mut() {
            map.remove("customFields");
            map.remove("communicationItems");
        }
        Some(json)
    }
}

/// Base64 of HMAC-SHA256 over the raw body; the key is the SHA-256 of the signing key's text.
fn signature(body: &[u8]) -> String {
    let key = digest::digest(&digest::SHA256, SIGNING_KEY.as_bytes());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), body);
    base64::engine::general_purpose::STANDARD.encode(tag.as_ref())
}

/// The same for every attempt to deliver one change to one entry, and for no other.
fn message_id(sequence: u64, entry: u32) -> String {
    let hash = digest::digest(&digest::SHA256, format!("{sequence}/{entry}").as_bytes());
    let hex: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// The answer of `callbackkey/index.rails`; none for another company or another key.
pub(crate) fn signing_key(tenant_company: &str, company: Option<&str>, id: Option<&str>) -> Option<Value> {
    let known = company == Some(tenant_company) && id.is_some_and(|id| id.eq_ignore_ascii_case(KEY_ID));
    known.then(|| json!({ "signing_key": SIGNING_KEY }))
}
