//! The types of a company or contact. A create takes them inline; afterwards each is an association of its own, added
//! and removed by calls: sent with a change of the record they are refused.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::objects::place;
use super::read::odd;
use super::record::{self, id};
use super::values;
use super::{ConnectWise, refused};
use crate::connect::error::Fault;
use crate::connect::http::{Call, Session};
use crate::engine::core::request::Rejection;
use crate::model::{FieldName, ObjectKind, RecordId, Value};

/// The types a record has, each with the id of its association.
pub(super) struct Associations(Vec<(u64, RecordId)>);

impl Associations {
    /// The calls that bring them to `wanted`: additions first, so that no moment is without a type.
    pub fn calls(
        &self,
        object: ObjectKind,
        of: RecordId,
        name: &FieldName,
        wanted: &Value,
    ) -> Result<Vec<Call>, Rejection> {
        let wanted = values::rows(name, wanted)?;
        let path = format!("{}/{of}/typeAssociations", place(object).path);
        let missing = wanted.iter().filter(|kind| self.0.iter().all(|(held, _)| held != *kind));
        let add = |kind: &u64| {
            let body = json!({ "type": { "id": kind }, place(object).word: { "id": of.0 } });
            Call::send(Method::POST, path.clone(), body)
        };
        let surplus = self.0.iter().filter(|(held, _)| !wanted.contains(held));
        let drop = |(_, association): &(u64, RecordId)| Call {
            method: Method::DELETE,
            ..Call::get(format!("{path}/{association}"))
        };
        Ok(missing.map(add).chain(surplus.map(drop)).collect())
    }
}

impl ConnectWise {
    pub(super) async fn associations(
        &self,
        object: ObjectKind,
        of: RecordId,
        session: &mut Session,
    ) -> Result<Associations, Fault> {
        if !values::has_type_calls(object) {
            return Err(refused("Only companies and contacts have types."));
        }
        let rows = self.rows(&format!("{}/{of}/typeAssociations", place(object).path), session).await?;
        let pair = |row: &Json| Some((record::referred(row, "type")?.0, row.get("id").and_then(id)?));
        let pairs: Option<Vec<_>> = rows.iter().map(pair).collect();
        pairs.map(Associations).ok_or_else(|| odd("an association of a type has no type or no id"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a type that is refused is a failing test")]
    use super::*;

    #[test]
    fn only_the_difference_is_written_and_additions_come_first() {
        let held = Associations(vec![(1, RecordId(50)), (2, RecordId(51))]);
        let name = FieldName::new("types");
        let wanted = Value::Choices(vec!["2".into(), "3".into()]);
        let calls = held.calls(ObjectKind::Company, RecordId(7), &name, &wanted).unwrap();
        let shown: Vec<_> = calls.iter().map(|call| format!("{} {}", call.method, call.path)).collect();
        assert_eq!(
            shown,
            ["POST /company/companies/7/typeAssociations", "DELETE /company/companies/7/typeAssociations/50"]
        );
        assert_eq!(calls[0].body, Some(json!({"type": {"id": 3}, "company": {"id": 7}})));
        let same = Value::Choices(vec!["1".into(), "2".into()]);
        assert_eq!(held.calls(ObjectKind::Company, RecordId(7), &name, &same).unwrap(), []);
        assert!(held.calls(ObjectKind::Company, RecordId(7), &name, &Value::Text("x".into())).is_err());
    }
}
