//! What a server lets the engine write, and why not.

use lockstep::engine::core::request::{
    AnswerBody, CreateItem, Failure, ItemOutcome, Rejection, RejectionKind, UpdateItem,
};
use lockstep::model::{FieldName, IntentId, ObjectKind, RecordId, System, Value};

use super::{Arrival, By, Entry, Mutation, NOT_ACCEPTABLE, POISON, Server, has_unique_keys};
use crate::fields::{self, IDENTIFIER, SPECS, Shape, Spec};

impl Server {
    pub(super) fn write<T: Item>(
        &mut self,
        arrival: &Arrival<'_>,
        items: &[T],
        mut one: impl FnMut(&mut Self, &T) -> (IntentId, ItemOutcome),
    ) -> AnswerBody {
        if self.temper.all_or_nothing
            && let Some(bad) =
                items.iter().find_map(|item| self.reason_to_refuse(arrival.request.object, item.values()))
        {
            return AnswerBody::Failed(Failure::Rejected(bad));
        }
        AnswerBody::Written { items: items.iter().take(arrival.stop_after).map(|item| one(self, item)).collect() }
    }

    /// What is wrong with the values themselves.
    fn reason_to_refuse(&self, object: ObjectKind, values: &[(FieldName, Value)]) -> Option<Rejection> {
        for (name, value) in values {
            if value.to_plain().contains(POISON) {
                return Some(invalid(name, NOT_ACCEPTABLE));
            }
            let known = name.as_str() == IDENTIFIER || fields::index_of(object, self.system, name.as_str()).is_some();
            if !known {
                return Some(invalid(name, "there is no such field"));
            }
        }
        None
    }

    pub(super) fn create(
        &mut self,
        arrival: &Arrival<'_>,
        fields: &[FieldName],
        item: &CreateItem,
        ledger: &mut Vec<Mutation>,
    ) -> ItemOutcome {
        let object = arrival.request.object;
        let reason = self.reason_to_refuse(object, &item.values).or_else(|| self.reason_not_to_create(object, item));
        if let Some(reason) = reason.or_else(|| self.reason_of_others(object, None, &item.values)) {
            return ItemOutcome::Rejected(reason);
        }
        let by = By::Engine { intent: item.intent, attempt: attempt_of(arrival, item.intent) };
        let values: Vec<(FieldName, Value)> = item.values.clone();
        let id = self.insert(arrival.now, by, object, &values, Some(item.stamp.clone()), ledger);
        ItemOutcome::Applied(Box::new(self.records[&id].show(fields)))
    }

    /// What other records say against these values: a company that is not there, an e-mail address that is taken.
    fn reason_of_others(
        &self,
        object: ObjectKind,
        own: Option<RecordId>,
        values: &[(FieldName, Value)],
    ) -> Option<Rejection> {
        for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
            let spec = fields::index_of(object, self.system, name.as_str()).map(|at| &SPECS[at]);
            if let Some(parent) = spec.and_then(Spec::parent) {
                let parent = value.to_plain().parse().ok().and_then(|id| self.get(parent, id));
                if parent.is_none_or(|parent| parent.archived) {
                    return Some(invalid(name, "there is no such record"));
                }
            }
            match spec.map(|spec| (spec.object, spec.shape)) {
                Some((ObjectKind::Contact, Shape::Key)) if self.system == System::HubSpot => {
                    if let Some(owner) = self.owner_of_address(value).filter(|owner| Some(*owner) != own) {
                        return Some(duplicate(owner, "email"));
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Whether HubSpot lets a user not have that value: another contact has that address.
    pub fn is_taken(&self, object: ObjectKind, name: &FieldName, value: &Value, own: Option<RecordId>) -> bool {
        let of_address = self.system == System::HubSpot && object == ObjectKind::Contact && name.as_str() == "email";
        of_address && !value.is_empty() && self.owner_of_address(value).is_some_and(|owner| Some(owner) != own)
    }

    /// The living HubSpot contact with that address: no two have the same.
    fn owner_of_address(&self, value: &Value) -> Option<RecordId> {
        let mut contacts = self.of_object(ObjectKind::Contact).filter(|entry| !entry.archived);
        contacts.find(|entry| entry.value("email").to_plain() == value.to_plain()).map(|entry| entry.id)
    }

    fn reason_not_to_create(&self, object: ObjectKind, item: &CreateItem) -> Option<Rejection> {
        let lacks =
            |wanted: &&&str| item.values.iter().all(|(name, value)| name.as_str() != **wanted || value.is_empty());
        if let Some(name) = required(object, self.system).iter().find(lacks) {
            return Some(invalid(&(*name).into(), "the field is required"));
        }
        match self.system {
            System::HubSpot => self.owner_of_key(object, &item.stamp).map(|id| duplicate(id, "connectwise_key")),
            System::ConnectWise if object != ObjectKind::Company => None,
            System::ConnectWise => {
                let Some((_, identifier)) = item.values.iter().find(|(name, _)| name.as_str() == IDENTIFIER) else {
                    return Some(invalid(&IDENTIFIER.into(), "the field is required"));
                };
                if identifier.to_plain().is_empty() || identifier.to_plain().chars().count() > 25 {
                    return Some(invalid(&IDENTIFIER.into(), "the length must be from 1 to 25"));
                }
                let taken = self.records.values().any(|entry| entry.fields.get(IDENTIFIER) == Some(identifier));
                taken.then(|| Rejection {
                    kind: RejectionKind::Duplicate { existing: None },
                    message: "the company identifier exists already".into(),
                    fields: vec![IDENTIFIER.into()],
                })
            }
        }
    }

    fn owner_of_key(&self, object: ObjectKind, stamp: &str) -> Option<RecordId> {
        if !has_unique_keys(object) {
            return None;
        }
        let owns = |entry: &&Entry| {
            entry.stamp.as_deref() == Some(stamp) && (self.temper.archived_keeps_key || !entry.archived)
        };
        self.records.values().find(owns).map(|entry| entry.id)
    }

    pub(super) fn update(
        &mut self,
        arrival: &Arrival<'_>,
        fields: &[FieldName],
        item: &UpdateItem,
        ledger: &mut Vec<Mutation>,
    ) -> ItemOutcome {
        let object = arrival.request.object;
        let reason = self.reason_to_refuse(object, &item.values);
        if let Some(reason) = reason.or_else(|| self.reason_of_others(object, Some(item.id), &item.values)) {
            return ItemOutcome::Rejected(reason);
        }
        if let Some(stamp) = &item.stamp
            && let Some(owner) = self.owner_of_key(object, stamp)
            && owner != item.id
        {
            return ItemOutcome::Rejected(duplicate(owner, "connectwise_key"));
        }
        // whoever changes an activity of ConnectWise does not say of what kind it is
        let is_it = |entry: &&Entry| {
            let is_activity = self.system == System::ConnectWise && object.is_activity() && entry.object.is_activity();
            !entry.archived && (entry.object == object || is_activity)
        };
        let Some(entry) = self.records.get(&item.id).filter(is_it) else {
            return ItemOutcome::Rejected(Rejection {
                kind: RejectionKind::NotFound,
                message: "the record does not exist".into(),
                fields: Vec::new(),
            });
        };
        if arrival.denies {
            return ItemOutcome::Rejected(Rejection {
                kind: RejectionKind::NotFound,
                message: "the record does not exist".into(),
                fields: Vec::new(),
            });
        }
        if arrival.pretend {
            return ItemOutcome::Applied(Box::new(entry.show(fields)));
        }
        let by = By::Engine { intent: item.intent, attempt: attempt_of(arrival, item.intent) };
        self.set_as(arrival.now, (object, item.id), by, &item.values, item.stamp.clone(), ledger);
        ItemOutcome::Applied(Box::new(self.records[&item.id].show(fields)))
    }
}

/// What creates and updates have in common.
pub(super) trait Item {
    fn values(&self) -> &[(FieldName, Value)];
}

impl Item for CreateItem {
    fn values(&self) -> &[(FieldName, Value)] {
        &self.values
    }
}

impl Item for UpdateItem {
    fn values(&self) -> &[(FieldName, Value)] {
        &self.values
    }
}

/// What a system takes no new record without.
pub const fn required(object: ObjectKind, system: System) -> &'static [&'static str] {
    match (object, system) {
        (ObjectKind::Company, System::ConnectWise) => &["name"],
        (ObjectKind::Contact, System::ConnectWise) => &["firstName", "company"],
        (ObjectKind::Deal, System::HubSpot) => &["dealname", "dealstage"],
        (ObjectKind::Deal, System::ConnectWise) => {
            &["name", "primarySalesRep", "company", "contact", "expectedCloseDate"]
        }
        (ObjectKind::Ticket, System::HubSpot) => &["subject", "hs_pipeline_stage"],
        (ObjectKind::Ticket, System::ConnectWise) => &["summary", "company"],
        (ObjectKind::LineItem, System::HubSpot) => &["associations/deals"],
        (ObjectKind::LineItem, System::ConnectWise) => &["opportunity"],
        (ObjectKind::Meeting, System::HubSpot) => &["hs_meeting_start_time"],
        (ObjectKind::Note | ObjectKind::Task | ObjectKind::Call, System::HubSpot) => &["hs_timestamp"],
        (ObjectKind::Note | ObjectKind::Task | ObjectKind::Call | ObjectKind::Meeting, System::ConnectWise) => {
            &["name", "assignTo"]
        }
        _ => &[],
    }
}

/// ConnectWise makes a note of it and shows it nowhere in the ticket.
pub fn is_given_once(name: &FieldName) -> bool {
    name.as_str() == "initialDescription"
}
fn attempt_of(arrival: &Arrival<'_>, intent: IntentId) -> u32 {
    arrival.attempts.iter().find(|(id, _)| *id == intent).map_or(0, |(_, attempt)| *attempt)
}

fn invalid(name: &FieldName, why: &str) -> Rejection {
    Rejection { kind: RejectionKind::Invalid, message: format!("{name}: {why}"), fields: vec![name.to_string()] }
}

fn duplicate(existing: RecordId, field: &str) -> Rejection {
    Rejection {
        kind: RejectionKind::Duplicate { existing: Some(existing) },
        message: format!("the unique value is taken by {existing}"),
        fields: vec![field.to_owned()],
    }
}
