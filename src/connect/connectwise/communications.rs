//! A contact's phones, faxes and e-mail addresses: communication items, each of a type of the tenant's own.
//!
//! A field `communications/7` is the value of the item of type 7, the default one of the type, else the first. Items are
//! changed one by one below the contact, by their ids: indexes into the array shift under concurrent edits, and replacing
//! the whole array was seen failing. Other items of the same type are never touched.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::ConnectWise;
use super::address::Address;
use super::record::{self, Nonsense, communication_item, id};
use super::values::{self, Values};
use super::write::Beside;
use crate::connect::error::Fault;
use crate::connect::http::{Call, Session};
use crate::engine::core::request::{Rejection, RejectionKind};
use crate::model::{FieldName, ObjectKind, RecordId, Value};

/// What kind of thing a communication type is. One item of each kind is the contact's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Medium {
    Email,
    Phone,
    Fax,
}

impl Medium {
    pub fn of_type(row: &Json) -> Option<Self> {
        let flag = |name: &str| row.get(name).and_then(crate::connect::flag::flag) == Some(true);
        match () {
            () if flag("emailFlag") => Some(Self::Email),
            () if flag("faxFlag") => Some(Self::Fax),
            () if flag("phoneFlag") => Some(Self::Phone),
            () => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::Phone => "Phone",
            Self::Fax => "Fax",
        }
    }
}

/// Communication types by id.
pub(super) type Media = BTreeMap<u64, Medium>;

/// What is to become of the item of one type.
#[derive(Debug, Clone, Default)]
struct Wish<'a> {
    value: Option<(&'a FieldName, &'a Value)>,
    extension: Option<(&'a FieldName, &'a Value)>,
}

impl Wish<'_> {
    fn fields(&self) -> Vec<String> {
        self.value.iter().chain(&self.extension).map(|(name, _)| name.to_string()).collect()
    }
}

fn wishes(values: &Values) -> BTreeMap<u64, Wish<'_>> {
    let mut wishes: BTreeMap<u64, Wish<'_>> = BTreeMap::new();
    for (name, value) in values {
        match Address::of(ObjectKind::Contact, name.as_str()) {
            Address::Communication(kind) => wishes.entry(kind).or_default().value = Some((name, value)),
            Address::Extension(kind) => wishes.entry(kind).or_default().extension = Some((name, value)),
            Address::Member(_)
            | Address::Custom(_)
            | Address::Amount
            | Address::Progress(_)
            | Address::Either { .. }
            | Address::PerUnit(_) => {}
        }
    }
    wishes
}

/// Whether any of the values is about a communication item.
pub(super) fn concerned(values: &Values) -> bool {
    !wishes(values).is_empty()
}

/// A refusal of a new contact that is about its items names them all: of what it says of the array, and of the members of
/// its items, no more is certain than that.
pub(super) fn name_items(refusal: &mut Rejection, values: &Values) {
    let is_items = |field: &String| {
        let array = field.split(['/', '[', '.']).next().unwrap_or_default();
        array.eq_ignore_ascii_case("communicationItems")
    };
    if refusal.fields.iter().any(is_items) {
        refusal.fields.retain(|field| !is_items(field));
        let sent = wishes(values).into_values().flat_map(|wish| wish.fields());
        refusal.fields.extend(sent);
    }
}

/// The items of a new contact. The first of each kind becomes the default.
pub(super) fn inline(values: &Values, media: &Media) -> Result<Vec<Json>, Rejection> {
    let mut items = Vec::new();
    let mut defaults = Vec::new();
    for (kind, wish) in wishes(values) {
        let Some((name, value)) = wish.value.filter(|(_, value)| !value.is_empty()) else {
            if let Some((name, _)) = wish.extension.filter(|(_, value)| !value.is_empty()) {
                return Err(no_number(name));
            }
            continue;
        };
        let medium = media.get(&kind).copied();
        let is_first = medium.is_none_or(|medium| !defaults.contains(&medium));
        defaults.extend(medium);
        let mut item = new_item(kind, values::json(ObjectKind::Contact, name, value)?, is_first, medium);
        if let Some((name, extension)) = wish.extension.filter(|(_, value)| !value.is_empty()) {
            item.insert("extension".to_owned(), values::json(ObjectKind::Contact, name, extension)?);
        }
        items.push(Json::Object(item));
    }
    Ok(items)
}

fn new_item(kind: u64, value: Json, is_default: bool, medium: Option<Medium>) -> Map<String, Json> {
    let mut item = Map::new();
    item.insert("type".to_owned(), json!({ "id": kind }));
    item.insert("value".to_owned(), value);
    item.insert("defaultFlag".to_owned(), json!(is_default));
    if let Some(medium) = medium {
        item.insert("communicationType".to_owned(), json!(medium.word()));
    }
    item
}

/// The calls that bring the items of `contact` to what is wished, each with the fields it is for.
pub(super) fn calls(
    contact: RecordId,
    present: &Json,
    values: &Values,
    media: &Media,
) -> Result<Vec<Beside>, Rejection> {
    let path = format!("/company/contacts/{contact}/communications");
    let mut defaults: Vec<Medium> = defaults(present, media);
    let mut calls = Vec::new();
    for (kind, wish) in wishes(values) {
        let item = communication_item(present, kind).map_err(|Nonsense| unclear(&wish))?;
        let held = item.and_then(|item| item.get("id").and_then(id));
        let clears = wish.value.is_some_and(|(_, value)| value.is_empty());
        let mut add = |call| calls.push(Beside { call, fields: wish.fields() });
        match (held, wish.value) {
            (Some(held), Some(_)) if clears => {
                add(Call { method: Method::DELETE, ..Call::get(format!("{path}/{held}")) });
            }
            (Some(held), _) => {
                let operations = changes(&wish)?;
                add(Call::send(Method::PATCH, format!("{path}/{held}"), Json::Array(operations)));
            }
            (None, Some((name, value))) if !clears => {
                let medium = media.get(&kind).copied();
                let is_default = medium.is_some_and(|medium| !defaults.contains(&medium));
                defaults.extend(medium);
                let mut body = new_item(kind, values::json(ObjectKind::Contact, name, value)?, is_default, medium);
                if let Some((name, extension)) = wish.extension.filter(|(_, value)| !value.is_empty()) {
                    body.insert("extension".to_owned(), values::json(ObjectKind::Contact, name, extension)?);
                }
                add(Call::send(Method::POST, path.clone(), Json::Object(body)));
            }
            (None, None) => match wish.extension {
                Some((name, extension)) if !extension.is_empty() => return Err(no_number(name)),
                _ => {}
            },
            (None, Some(_)) => {}
        }
    }
    Ok(calls)
}

/// The kinds of which the contact has a default item.
fn defaults(present: &Json, media: &Media) -> Vec<Medium> {
    let is_default = |item: &&Json| item.get("defaultFlag").and_then(crate::connect::flag::flag) == Some(true);
    let medium = |item: &Json| record::referred(item, "type").and_then(|kind| media.get(&kind.0).copied());
    record::items(present, "communicationItems").filter(is_default).filter_map(medium).collect()
}

fn changes(wish: &Wish<'_>) -> Result<Vec<Json>, Rejection> {
    let mut operations = Vec::new();
    for (member, wanted) in [("value", wish.value), ("extension", wish.extension)] {
        let Some((name, value)) = wanted else { continue };
        let new = if value.is_empty() { json!("") } else { values::json(ObjectKind::Contact, name, value)? };
        operations.push(json!({ "op": "replace", "path": member, "value": new }));
    }
    Ok(operations)
}

fn unclear(wish: &Wish<'_>) -> Rejection {
    let fields = wish.value.or(wish.extension).into_iter().map(|(name, _)| name.to_string()).collect();
    let message = "The contact's communication items do not tell which one is meant.".to_owned();
    Rejection { kind: RejectionKind::Other, message, fields }
}

fn no_number(name: &FieldName) -> Rejection {
    values::invalid(name, "The contact has no number that the extension could belong to.".to_owned())
}

impl ConnectWise {
    /// The tenant's communication types; read once, and again when one is asked for that is not among them.
    pub(super) async fn media(&self, values: &Values, session: &mut Session) -> Result<Media, Fault> {
        let mut held = self.media.lock().await;
        let known = |media: &Media| wishes(values).keys().all(|kind| media.contains_key(kind));
        if let Some(media) = held.as_ref().filter(|media| known(media)) {
            return Ok(media.clone());
        }
        let rows = self.rows("/company/communicationTypes", session).await?;
        let of_row = |row: &Json| Some((row.get("id").and_then(id)?.0, Medium::of_type(row)?));
        let media: Media = rows.iter().filter_map(of_row).collect();
        *held = Some(media.clone());
        Ok(media)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a wish that is refused is a failing test")]
    use super::*;

    fn media() -> Media {
        Media::from([(1, Medium::Email), (2, Medium::Phone), (4, Medium::Phone), (3, Medium::Fax)])
    }

    fn values(values: &[(&str, &str)]) -> Vec<(FieldName, Value)> {
        values.iter().map(|(name, text)| (FieldName::new(name), Value::text(*text))).collect()
    }

    fn present() -> Json {
        json!({"communicationItems": [
            {"id": 10, "type": {"id": 2}, "value": "111", "defaultFlag": false},
            {"id": 11, "type": {"id": 2}, "value": "222", "defaultFlag": true},
            {"id": 12, "type": {"id": 1}, "value": "a@b.c", "defaultFlag": true},
        ]})
    }

    fn shown(calls: &[Beside]) -> Vec<String> {
        let show = |call: &Call| {
            let body = call.body.as_ref().map(|body| format!(" {body}")).unwrap_or_default();
            format!("{} {}{body}", call.method, call.path.strip_prefix("/company/contacts/7/communications").unwrap())
        };
        calls.iter().map(|beside| show(&beside.call)).collect()
    }

    #[test]
    fn an_item_is_changed_by_its_id_and_its_neighbours_stay() {
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
        let table: [Case<'_>; 8] = [
            (&[("communications/2", "333")], &[r#"PATCH /11 [{"op":"replace","path":"value","value":"333"}]"#]),
            (
                &[("communications/2", "333"), ("communications/2/extension", "9")],
                &[
                    r#"PATCH /11 [{"op":"replace","path":"value","value":"333"},{"op":"replace","path":"extension","value":"9"}]"#,
                ],
            ),
            (&[("communications/2/extension", "")], &[r#"PATCH /11 [{"op":"replace","path":"extension","value":""}]"#]),
            (&[("communications/1", "")], &["DELETE /12"]),
            (
                &[("communications/4", "444")],
                &[r#"POST  {"communicationType":"Phone","defaultFlag":false,"type":{"id":4},"value":"444"}"#],
            ),
            (
                &[("communications/3", "555")],
                &[r#"POST  {"communicationType":"Fax","defaultFlag":true,"type":{"id":3},"value":"555"}"#],
            ),
            (&[("communications/3", "")], &[]),
            (&[("communications/9", "x")], &[r#"POST  {"defaultFlag":false,"type":{"id":9},"value":"x"}"#]),
        ];
        for (wished, expected) in table {
            let calls = calls(RecordId(7), &present(), &values(wished), &media()).unwrap();
            assert_eq!(shown(&calls), expected, "{wished:?}");
        }
    }

    #[test]
    fn a_call_is_for_the_fields_of_its_item_alone() {
        let wished =
            values(&[("communications/1", ""), ("communications/2", "3"), ("communications/2/extension", "9")]);
        let calls = calls(RecordId(7), &present(), &wished, &media()).unwrap();
        let told: Vec<Vec<String>> = calls.into_iter().map(|beside| beside.fields).collect();
        assert_eq!(told, [vec!["communications/1"], vec!["communications/2", "communications/2/extension"]]);
    }

    #[test]
    fn a_refusal_of_the_array_names_all_of_its_fields_and_keeps_the_others() {
        let sent = values(&[("communications/1", "a"), ("firstName", "A"), ("communications/2", "1")]);
        for named in ["communicationItems", "communicationItems/type/id", "CommunicationItems[1].value"] {
            let fields = vec!["firstName".to_owned(), named.to_owned()];
            let mut refusal = Rejection { kind: RejectionKind::Invalid, message: String::new(), fields };
            name_items(&mut refusal, &sent);
            assert_eq!(refusal.fields, ["firstName", "communications/1", "communications/2"], "{named}");
        }
        let fields = vec!["firstName".to_owned()];
        let mut other = Rejection { kind: RejectionKind::Invalid, message: String::new(), fields };
        name_items(&mut other, &sent);
        assert_eq!(other.fields, ["firstName"]);
    }

    #[test]
    fn an_extension_needs_a_number() {
        let lonely = values(&[("communications/4/extension", "12")]);
        let refused = calls(RecordId(7), &present(), &lonely, &media()).unwrap_err();
        assert_eq!(refused.fields, ["communications/4/extension"]);
        assert!(inline(&lonely, &media()).is_err());
    }

    #[test]
    fn a_new_contact_has_one_default_of_each_kind() {
        let wished = values(&[
            ("communications/2", "1"),
            ("communications/4", "2"),
            ("communications/1", "a@b.c"),
            ("firstName", "A"),
        ]);
        let items = inline(&wished, &media()).unwrap();
        let told: Vec<_> = items
            .iter()
            .map(|item| (item["type"]["id"].as_u64().unwrap(), item["defaultFlag"].as_bool().unwrap()))
            .collect();
        assert_eq!(told, [(1, true), (2, true), (4, false)]);
    }
}
