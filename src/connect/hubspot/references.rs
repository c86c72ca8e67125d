//! Fields that stand for associations: the company that a contact, a deal or a ticket belongs to, and all contacts of a
//! deal.
//!
//! A property mirrors the primary company. It can be read like any other, but it trails the association and cannot be
//! written. So under its name the record shows what the associations themselves say, read together with it. Other
//! associations have no property; `associations/contacts` and its like are the names they go by here. What is written under
//! either name becomes an association: made with a new record, added to a record that is there, as the primary one where
//! there is such a thing. Nothing is ever taken apart: who was associated stays so.

use super::ties::{Tie, Ties};
use super::{HubSpot, joins};
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::engine::core::request::{AnswerBody, AssociateItem, ItemOutcome, Rejection, RejectionKind};
use crate::mapping::references::{ALL_CONTACTS, CONTACT_COMPANY, DEAL_COMPANY, DEAL_OF_LINE, TICKET_COMPANY};
use crate::model::{FieldName, IntentId, ObjectKind, Record, RecordId, Value};

/// A field that stands for associations with one kind of record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub name: &'static str,
    pub to: ObjectKind,
    /// A property of that name mirrors the primary one.
    pub mirrored: bool,
}

const fn mirror(name: &'static str) -> Joined {
    Joined { name, to: ObjectKind::Company, mirrored: true }
}

const fn all(name: &'static str, to: ObjectKind) -> Joined {
    Joined { name, to, mirrored: false }
}

const CONTACTS: Joined = all(ALL_CONTACTS, ObjectKind::Contact);
const DEALS: Joined = all(DEAL_OF_LINE, ObjectKind::Deal);
const OF_ACTIVITY: [Joined; 4] = [
    all("associations/companies", ObjectKind::Company),
    CONTACTS,
    DEALS,
    all("associations/tickets", ObjectKind::Ticket),
];

/// The fields of an object that stand for associations.
pub(super) const fn joined(object: ObjectKind) -> &'static [Joined] {
    match object {
        ObjectKind::Contact => const { &[mirror(CONTACT_COMPANY)] },
        ObjectKind::Deal => const { &[mirror(DEAL_COMPANY), CONTACTS] },
        ObjectKind::Ticket => const { &[mirror(TICKET_COMPANY), CONTACTS] },
        ObjectKind::LineItem => const { &[DEALS] },
        ObjectKind::Note | ObjectKind::Task | ObjectKind::Call | ObjectKind::Meeting => &OF_ACTIVITY,
        ObjectKind::Company | ObjectKind::Product => &[],
    }
}

/// What the field of that name stands for; none where it is a property like others.
pub(super) fn of(object: ObjectKind, name: &str) -> Option<&'static Joined> {
    joined(object).iter().find(|one| one.name == name)
}

/// A record that is to be associated, or why it cannot be.
pub(super) type Join = (ObjectKind, Result<RecordId, Rejection>);

/// The end of a write after which the associations of its record cannot be read.
pub(super) const UNREAD: &str = "Written, but its associations could not be read afterwards.";

/// The values of a write, by the way in which they are written.
pub(super) struct Parts {
    pub properties: Vec<(FieldName, Value)>,
    /// An error where the value names no record, or is empty and would take the record away from another.
    pub joins: Vec<Join>,
}

/// Tells the values that are associations from the properties.
pub(super) fn split(object: ObjectKind, values: &[(FieldName, Value)]) -> Parts {
    let mut parts = Parts { properties: Vec::new(), joins: Vec::new() };
    for (name, value) in values {
        let Some(joined) = of(object, name.as_str()) else {
            parts.properties.push((name.clone(), value.clone()));
            continue;
        };
        let id = value.to_plain().trim().parse::<RecordId>().map_err(|_| Rejection {
            kind: RejectionKind::Invalid,
            message: if value.is_empty() {
                format!("Lockstep takes no {object} away from its {}.", joined.to)
            } else {
                format!("\"{value}\" is not the id of a {}.", joined.to)
            },
            fields: vec![name.to_string()],
        });
        parts.joins.push((joined.to, id));
    }
    parts
}

impl HubSpot {
    /// Puts into the records of an answer what their associations say, for the fields asked for that stand for some.
    pub(super) async fn with_associated(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        mut body: AnswerBody,
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        for joined in joined(object) {
            let Some(name) = fields.iter().find(|name| name.as_str() == joined.name) else { continue };
            // A deleted record has no associations any more.
            let mut records: Vec<&mut Record> =
                records(&mut body).into_iter().filter(|record| !record.archived).collect();
            let ids: Vec<RecordId> = records.iter().map(|record| record.id).collect();
            if ids.is_empty() {
                continue;
            }
            let mut ties = self.ties(object, joined.to, &ids, session).await?;
            for record in &mut records {
                let property = record.fields.remove(name.as_str());
                if joined.mirrored && property.is_some_and(|company| !company.is_empty()) {
                    ties.doubt_silence(record.id);
                }
                let held = ties.of(record.id).unwrap_or_default();
                let value = if joined.mirrored { one_that_counts(object, held) } else { everyone(held) };
                if !value.is_empty() {
                    record.fields.insert(name.clone(), value);
                }
            }
            leave_out_unknown(&mut body, &ties);
        }
        Ok(body)
    }

    /// Adds associations to records that are there, before anything else is written to them. What is not `Ok` ends the
    /// item; an item that is left out has an unknown end.
    pub(super) async fn join_to(
        &self,
        object: ObjectKind,
        to: ObjectKind,
        items: &[(IntentId, RecordId, RecordId)],
        session: &mut Session,
    ) -> Result<Vec<(IntentId, Result<(), Rejection>)>, Fault> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let primary = joins::primary(object, to).is_some();
        let item = |(intent, from, to): &(IntentId, RecordId, RecordId)| AssociateItem {
            intent: *intent,
            from: *from,
            to: *to,
            primary,
        };
        let items: Vec<AssociateItem> = items.iter().map(item).collect();
        match self.associate(object, to, &items, session).await? {
            AnswerBody::Joined { items } => Ok(items),
            _ => Err(Fault::unknown("An addition of associations was answered with something else.")),
        }
    }
}

/// The company that counts: the primary one, or the only one. Several of which none is primary are all told.
fn one_that_counts(object: ObjectKind, ties: &[Tie]) -> Value {
    let primary = joins::primary(object, ObjectKind::Company);
    match ties.iter().find(|tie| tie.has(primary)) {
        Some(tie) => Value::Text(tie.to.to_string()),
        None => everyone(ties),
    }
}

fn everyone(ties: &[Tie]) -> Value {
    match ties {
        [] => Value::Empty,
        [one] => Value::Text(one.to.to_string()),
        several => {
            let mut ids: Vec<String> = several.iter().map(|tie| tie.to.to_string()).collect();
            ids.sort();
            Value::Choices(ids)
        }
    }
}

fn records(body: &mut AnswerBody) -> Vec<&mut Record> {
    match body {
        AnswerBody::Page { records, .. } => records.iter_mut().collect(),
        AnswerBody::Records { found } => {
            // a survivor that answers for several merged records is told several times
            found.iter_mut().filter_map(|(_, record)| record.as_mut()).collect()
        }
        AnswerBody::Stamped { found } => found.iter_mut().flat_map(|(_, records)| records.iter_mut()).collect(),
        AnswerBody::Written { items } => items
            .iter_mut()
            .filter_map(|(_, outcome)| match outcome {
                ItemOutcome::Applied(record) => Some(record.as_mut()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// A record whose associations are not known would look like one without any: nothing is said of it at all.
fn leave_out_unknown(body: &mut AnswerBody, ties: &Ties) {
    let known = |record: &Record| ties.of(record.id).is_some();
    match body {
        AnswerBody::Page { records, unread, .. } => {
            unread.extend(records.iter().filter(|record| !known(record)).map(|record| record.id));
            records.retain(known);
        }
        AnswerBody::Records { found } => found.retain(|(_, record)| record.as_ref().is_none_or(known)),
        AnswerBody::Stamped { found } => found.retain(|(_, records)| records.iter().all(known)),
        AnswerBody::Written { items } => {
            for (_, outcome) in items {
                if matches!(outcome, ItemOutcome::Applied(record) if !known(record)) {
                    *outcome = ItemOutcome::Unknown(UNREAD.to_owned());
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::ties::TieType;
    use super::*;
    use crate::mapping::references::holds_all;

    fn tie(to: u64, numbers: &[u64]) -> Tie {
        let kind = |number: &u64| TieType { category: "HUBSPOT_DEFINED".to_owned(), number: *number, label: None };
        Tie { to: RecordId(to), types: numbers.iter().map(kind).collect() }
    }

    #[test]
    fn the_primary_company_counts_or_else_the_only_one() {
        let of = |ties: &[Tie]| one_that_counts(ObjectKind::Contact, ties).to_plain();
        assert_eq!(of(&[]), "");
        assert_eq!(of(&[tie(7, &[279])]), "7");
        assert_eq!(of(&[tie(7, &[279]), tie(9, &[1, 279])]), "9");
        assert_eq!(of(&[tie(7, &[279]), tie(9, &[279])]), "7;9");
        // 1 makes it primary for a contact, not for a deal
        assert_eq!(one_that_counts(ObjectKind::Deal, &[tie(7, &[341]), tie(9, &[1, 341])]).to_plain(), "7;9");
    }

    #[test]
    fn what_names_no_record_is_refused_and_the_rest_stays() {
        let values = |text: &str| {
            vec![("email".into(), Value::text("a@b.test")), ("associatedcompanyid".into(), Value::text(text))]
        };
        let parts = split(ObjectKind::Contact, &values("812"));
        assert_eq!((parts.properties.len(), parts.joins), (1, vec![(ObjectKind::Company, Ok(RecordId(812)))]));
        for wrong in ["", "Acme"] {
            let parts = split(ObjectKind::Contact, &values(wrong));
            let [(ObjectKind::Company, Err(rejection))] = parts.joins.as_slice() else { panic!("{wrong}") };
            assert_eq!(rejection.fields, ["associatedcompanyid"]);
        }
        assert_eq!(split(ObjectKind::Company, &values("812")).properties.len(), 2);
    }

    #[test]
    fn every_association_that_has_a_name_here_has_a_number_there() {
        for object in ObjectKind::ALL {
            for one in joined(object) {
                assert!(joins::plain(object, one.to).is_some(), "{object} {}", one.name);
                assert_eq!(holds_all(one.name), !one.mirrored);
                assert_eq!(one.mirrored, joins::primary(object, one.to).is_some(), "{object} {}", one.name);
            }
        }
    }
}
