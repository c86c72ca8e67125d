//! The stamp: the key of the counterpart that a record carries, where it may live, and how it is found again.
//!
//! A company or contact can carry it in one of `userDefinedField1` to `userDefinedField10`, everything in a user-defined
//! text field. The latter is looked up by its caption, because conditions know no ids: captions are not unique and can be
//! renamed, so the caption is read anew each time and the id is compared in the answer.

use serde_json::Value as Json;

use super::address::Address;
use super::conditions::{ADDRESS_CHARS, Condition, fitting};
use super::objects::place;
use super::record::Reader;
use super::{ConnectWise, refused};
use crate::connect::Prepared;
use crate::connect::error::{ConnectError, ConnectErrorKind, Fault};
use crate::connect::flag::flag;
use crate::connect::http::{Call, Session};
use crate::connect::redact::clip_message;
use crate::engine::core::request::{AnswerBody, Priority};
use crate::model::{FieldName, ObjectKind, Record, System};

/// Where the stamp of an object lives.
enum Carrier {
    /// A member of the record.
    Numbered,
    /// A user-defined field, by its id.
    UserDefined(u64),
}

fn carrier(object: ObjectKind, stamp: &FieldName) -> Option<Carrier> {
    let place = place(object);
    if place.screens.is_empty() {
        return None;
    }
    if let Address::Custom(id) = Address::of(object, stamp.as_str()) {
        return Some(Carrier::UserDefined(id));
    }
    let number = stamp.as_str().strip_prefix("userDefinedField").and_then(|number| number.parse::<u8>().ok());
    let is_numbered = place.numbered && number.is_some_and(|number| (1..=10).contains(&number));
    is_numbered.then_some(Carrier::Numbered)
}

impl ConnectWise {
    pub(super) async fn find_stamped(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        stamps: &[String],
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let Some(field) = self.stamps.get(&object) else {
            return Err(refused(&format!(
                "No ConnectWise field is named for the stamp of {}.",
                object.plural().to_lowercase()
            )));
        };
        let plain = |stamp: &String| stamp.chars().all(|c| c.is_ascii_alphanumeric() || ":_-".contains(c));
        if !stamps.iter().all(plain) {
            return Err(refused("A stamp has characters that no stamp has."));
        }
        let records = match carrier(object, field) {
            Some(Carrier::Numbered) => self.by_member(object, fields, field, stamps, session).await?,
            Some(Carrier::UserDefined(id)) => self.by_caption(object, fields, id, stamps, session).await?,
            None => return Err(unfit(object, field)),
        };
        let carried = |stamp: &String| {
            let mut carriers: Vec<Record> =
                records.iter().filter(|one| one.stamp.as_ref() == Some(stamp)).cloned().collect();
            carriers.sort_by_key(|record| record.id);
            carriers.dedup_by_key(|record| record.id);
            carriers
        };
        Ok(AnswerBody::Stamped { found: stamps.iter().map(|stamp| (stamp.clone(), carried(stamp))).collect() })
    }

    async fn by_member(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        field: &FieldName,
        stamps: &[String],
        session: &mut Session,
    ) -> Result<Vec<Record>, Fault> {
        let condition = |stamps: &[String]| Condition::texts(field.as_str(), stamps);
        let length = |stamps: &[String]| condition(stamps).map_or(ADDRESS_CHARS, |condition| condition.escaped().len());
        let taken = self.asked(object, fields).len() + 80;
        let mut records = Vec::new();
        let mut rest = stamps;
        while !rest.is_empty() {
            let take = fitting(rest, taken, length);
            let condition = condition(&rest[..take])
                .map_err(|bad| refused(&format!("A stamp cannot be looked up: {}.", bad.why())))?;
            records.extend(self.matching(object, fields, "conditions", &condition, session).await?);
            rest = &rest[take..];
        }
        Ok(records)
    }

    /// A call for each stamp: `customFieldConditions` know no `in`.
    async fn by_caption(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        id: u64,
        stamps: &[String],
        session: &mut Session,
    ) -> Result<Vec<Record>, Fault> {
        let definition = self.call(&Call::get(format!("/system/userDefinedFields/{id}")), session).await?;
        let caption = caption(&definition, id)?;
        let mut records = Vec::new();
        for stamp in stamps {
            let condition = Condition::captioned(caption, stamp).map_err(|bad| uncaptioned(id, caption, bad.why()))?;
            // The answer carries `customFields`, so that a field of another id with the same caption is told apart.
            records.extend(self.matching(object, fields, "customFieldConditions", &condition, session).await?);
        }
        Ok(records)
    }

    pub(super) async fn prepare_stamp(&self, object: ObjectKind) -> Result<Prepared, ConnectError> {
        let Some(stamp) = self.stamps.get(&object).cloned() else {
            return Err(refused("No ConnectWise field is named for the stamp.").into());
        };
        let mut session = Session::new(Priority::Interactive).for_task(crate::model::System::ConnectWise, "connect");
        session.turn_to(Some(object));
        let mut warnings = Vec::new();
        let condition = match carrier(object, &stamp) {
            None => return Err(unfit(object, &stamp).into()),
            Some(Carrier::Numbered) => Condition::is_set(stamp.as_str()).map(|condition| ("conditions", condition)),
            Some(Carrier::UserDefined(id)) => {
                let call = Call::get(format!("/system/userDefinedFields/{id}"));
                let definition = self.call(&call, &mut session).await?;
                let caption = caption(&definition, id)?.to_owned();
                warnings.extend(misfits(object, id, &caption, &definition)?);
                Condition::captioned_set(&caption).map(|condition| ("customFieldConditions", condition))
            }
        };
        let (parameter, condition) =
            condition.map_err(|bad| ConnectError::from(uncaptioned(0, stamp.as_str(), bad.why())))?;
        let path = format!(
            "{}?pageSize=100{}&{parameter}={}",
            place(object).path,
            self.asked(object, &[]),
            condition.escaped()
        );
        let rows = self.call(&Call::get(path), &mut session).await?;
        let reader = Reader::new(object, &[], Some(&stamp));
        let foreign = |row: &&Json| {
            let record = reader.record_as_of(row, crate::model::RecordId(0), crate::model::Timestamp::EPOCH);
            let stamp = record.ok().and_then(|record| record.stamp);
            stamp.is_some_and(|text| crate::connect::stamped_record(object, System::HubSpot, &text).is_none())
        };
        let foreign = rows.as_array().into_iter().flatten().filter(foreign).count();
        if foreign > 0 {
            let many = object.plural().to_lowercase();
            warnings.push(format!("{stamp} holds other values on {foreign} {many}; choose a field nobody uses."));
        }
        Ok(Prepared { stamp, created: Vec::new(), warnings })
    }
}

fn caption(definition: &Json, id: u64) -> Result<&str, Fault> {
    let caption = definition.get("caption").and_then(Json::as_str).filter(|caption| !caption.trim().is_empty());
    caption.ok_or_else(|| super::read::odd(&format!("user-defined field {id} has no caption")))
}

/// What speaks against a user-defined field as the carrier of a stamp.
fn misfits(object: ObjectKind, id: u64, caption: &str, definition: &Json) -> Result<Vec<String>, ConnectError> {
    let setup = |what: &str| {
        ConnectError::new(
            ConnectErrorKind::Setup,
            format!("The user-defined field {} ({id}) cannot carry the stamp: {what}.", clip_message(caption)),
            "Add a user-defined field of type Text, entry method Entry Field, to the object's screen, and name that one.",
        )
    };
    let word = |name: &str| definition.get(name).and_then(Json::as_str).unwrap_or_default();
    if word("fieldTypeIdentifier") != "Text" || matches!(word("entryTypeIdentifier"), "List" | "Option") {
        return Err(setup("it is no free text"));
    }
    if definition.get("readOnlyFlag").and_then(flag) == Some(true) {
        return Err(setup("it is read-only"));
    }
    let pod = word("podDescription").to_lowercase();
    if !pod.is_empty() && super::user_defined::owner(&pod) != Some(place(object).word) {
        return Err(setup(&format!("it belongs to the screen {}", clip_message(word("podDescription")))));
    }
    let warn = |what: &str| {
        format!(
            "The user-defined field {} is limited to some {what}: records of others cannot carry the stamp.",
            clip_message(caption)
        )
    };
    Ok(super::user_defined::limits(definition).map(warn).collect())
}

fn uncaptioned(id: u64, caption: &str, why: &str) -> Fault {
    let message = format!(
        "The user-defined field {} ({id}) cannot be looked up by its caption: {why}. Rename it in ConnectWise.",
        clip_message(caption)
    );
    refused(&message)
}

fn unfit(object: ObjectKind, stamp: &FieldName) -> Fault {
    let hint = match place(object).numbered {
        _ if place(object).screens.is_empty() => "Forecast items carry no stamp: they are only read.",
        true => "Name one of userDefinedField1 to userDefinedField10, or a user-defined text field as customFields/id.",
        false => "Name a user-defined text field of the object as customFields/id.",
    };
    Fault { hint: hint.to_owned(), ..refused(&format!("The ConnectWise field {stamp} cannot carry the stamp.")) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a field that fits is a failing test otherwise")]
    use serde_json::json;

    use super::*;

    #[test]
    fn each_object_has_its_carriers() {
        let table = [
            (ObjectKind::Company, "userDefinedField10", true),
            (ObjectKind::Contact, "userDefinedField1", true),
            (ObjectKind::Contact, "userDefinedField11", false),
            (ObjectKind::Company, "market", false),
            (ObjectKind::Company, "customFields/4", true),
            (ObjectKind::Deal, "userDefinedField1", false),
            (ObjectKind::Deal, "customFields/4", true),
            (ObjectKind::Task, "customFields/4", true),
            (ObjectKind::LineItem, "customFields/4", false),
        ];
        for (object, field, expected) in table {
            assert_eq!(carrier(object, &FieldName::new(field)).is_some(), expected, "{object} {field}");
        }
    }

    #[test]
    fn a_field_that_cannot_carry_a_key_is_refused_with_the_reason() {
        let good = json!({"id": 4, "caption": "Key", "fieldTypeIdentifier": "Text", "entryTypeIdentifier": "EntryField",
            "podDescription": "Opportunity Overview"});
        assert_eq!(misfits(ObjectKind::Deal, 4, "Key", &good), Ok(Vec::new()));
        let table = [
            ("fieldTypeIdentifier", json!("Number"), "no free text"),
            ("entryTypeIdentifier", json!("List"), "no free text"),
            ("readOnlyFlag", json!(true), "read-only"),
            ("podDescription", json!("Contact Overview"), "Contact Overview"),
        ];
        for (name, value, expected) in table {
            let mut definition = good.clone();
            definition[name] = value;
            let refused = misfits(ObjectKind::Deal, 4, "Key", &definition).unwrap_err();
            assert!(refused.message.contains(expected), "{refused}");
        }
        let mut limited = good;
        limited["locationIds"] = json!([2]);
        assert!(misfits(ObjectKind::Deal, 4, "Key", &limited).unwrap()[0].contains("locations"));
    }
}
