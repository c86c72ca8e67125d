//! The company that a contact, a deal or a ticket belongs to: an association that a property mirrors.
//!
//! The property can be read like any other, but it trails the association and cannot be written. So under its name the
//! record shows what the associations themselves say, read together with it, and what is written under its name becomes
//! an association: made with a new record, added as the primary one to a record that is there. Nothing is ever taken
//! apart: a company that was the primary one stays associated.

use super::associations::Tie;
use super::{HubSpot, joins};
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::engine::core::request::{AnswerBody, AssociateItem, ItemOutcome, Rejection, RejectionKind};
use crate::mapping::references::primary_company;
use crate::model::{FieldName, IntentId, ObjectKind, Record, RecordId, Value};

/// The values of a write, by the way in which they are written.
pub(super) struct Parts {
    pub properties: Vec<(FieldName, Value)>,
    /// The company that is to be the primary one; an error where the value names none, or is empty and would take the
    /// record away from its company.
    pub company: Option<Result<RecordId, Rejection>>,
}

/// Tells the value that is an association from the properties.
pub(super) fn split(object: ObjectKind, values: &[(FieldName, Value)]) -> Parts {
    let of_mirror = |name: &FieldName| primary_company(object) == Some(name.as_str());
    let properties = values.iter().filter(|(name, _)| !of_mirror(name)).cloned().collect();
    let company = values.iter().find(|(name, _)| of_mirror(name));
    let company = company.map(|(name, value)| {
        value.to_plain().trim().parse::<RecordId>().map_err(|_| Rejection {
            kind: RejectionKind::Invalid,
            message: if value.is_empty() {
                format!("Lockstep takes no {object} away from its company.")
            } else {
                format!("\"{value}\" is not the id of a company.")
            },
            field: Some(name.to_string()),
        })
    });
    Parts { properties, company }
}

impl HubSpot {
    /// Puts into the records of an answer what their associations say, where the mirror is among the fields asked for.
    pub(super) async fn with_companies(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        mut body: AnswerBody,
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let Some(name) = primary_company(object).and_then(|mirror| fields.iter().find(|name| name.as_str() == mirror))
        else {
            return Ok(body);
        };
        // A deleted record has no associations any more.
        let mut records: Vec<&mut Record> = records(&mut body).into_iter().filter(|record| !record.archived).collect();
        let ids: Vec<RecordId> = records.iter().map(|record| record.id).collect();
        if ids.is_empty() {
            return Ok(body);
        }
        let ties = self.ties(object, ObjectKind::Company, &ids, session).await?;
        for record in &mut records {
            record.fields.remove(name.as_str());
            let company = company(object, ties.get(&record.id).map_or(&[], Vec::as_slice));
            if !company.is_empty() {
                record.fields.insert(name.clone(), company);
            }
        }
        Ok(body)
    }

    /// Makes companies the primary ones of records that are there, before anything else is written to them. What is not
    /// `Ok` ends the item; an item that is left out has an unknown end.
    pub(super) async fn join_companies(
        &self,
        object: ObjectKind,
        items: &[(IntentId, RecordId, RecordId)],
        session: &mut Session,
    ) -> Result<Vec<(IntentId, Result<(), Rejection>)>, Fault> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let item = |(intent, from, to): &(IntentId, RecordId, RecordId)| AssociateItem {
            intent: *intent,
            from: *from,
            to: *to,
            primary: true,
        };
        let items: Vec<AssociateItem> = items.iter().map(item).collect();
        match self.associate(object, ObjectKind::Company, &items, session).await? {
            AnswerBody::Joined { items } => Ok(items),
            _ => Err(Fault::unknown("An addition of associations was answered with something else.")),
        }
    }
}

/// The company that counts: the primary one, or the only one. Several of which none is primary are all told.
fn company(object: ObjectKind, ties: &[Tie]) -> Value {
    let primary = joins::primary(object, ObjectKind::Company);
    if let Some(tie) = ties.iter().find(|tie| tie.has(primary)) {
        return Value::Text(tie.to.to_string());
    }
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

#[cfg(test)]
mod tests {
    use super::super::associations::TieType;
    use super::*;

    fn tie(to: u64, numbers: &[u64]) -> Tie {
        let kind = |number: &u64| TieType { category: "HUBSPOT_DEFINED".to_owned(), number: *number, label: None };
        Tie { to: RecordId(to), types: numbers.iter().map(kind).collect() }
    }

    #[test]
    fn the_primary_company_counts_or_else_the_only_one() {
        let of = |ties: &[Tie]| company(ObjectKind::Contact, ties).to_plain();
        assert_eq!(of(&[]), "");
        assert_eq!(of(&[tie(7, &[279])]), "7");
        assert_eq!(of(&[tie(7, &[279]), tie(9, &[1, 279])]), "9");
        assert_eq!(of(&[tie(7, &[279]), tie(9, &[279])]), "7;9");
        // 1 makes it primary for a contact, not for a deal
        assert_eq!(company(ObjectKind::Deal, &[tie(7, &[341]), tie(9, &[1, 341])]).to_plain(), "7;9");
    }

    #[test]
    fn what_names_no_company_is_refused_and_the_rest_stays() {
        let values = |text: &str| {
            vec![("email".into(), Value::text("a@b.test")), ("associatedcompanyid".into(), Value::text(text))]
        };
        let parts = split(ObjectKind::Contact, &values("812"));
        assert_eq!((parts.properties.len(), parts.company), (1, Some(Ok(RecordId(812)))));
        for wrong in ["", "Acme"] {
            let company = split(ObjectKind::Contact, &values(wrong)).company;
            assert!(
                matches!(company, Some(Err(rejection)) if rejection.field.as_deref() == Some("associatedcompanyid"))
            );
        }
        assert_eq!(split(ObjectKind::Company, &values("812")).properties.len(), 2);
    }
}
