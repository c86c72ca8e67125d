//! What the name of a field stands for: a member, a user-defined field, a communication item, the amount.

use crate::mapping::references::{NOTES_OR_NAME, START_OR_ENTERED};
use crate::mapping::stages::Standing;
use crate::model::{FieldName, ObjectKind};

/// Where the value of a field lives in ConnectWise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// A member of the record itself.
    Member(&'a str),
    /// `customFields/12`: the item of that id in the array of user-defined fields.
    Custom(u64),
    /// `communications/7`: the value of the contact's communication item of type 7.
    Communication(u64),
    /// `communications/7/extension`.
    Extension(u64),
    /// `amount`: the revenue of the opportunity's one forecast item that Lockstep owns.
    Amount,
    /// `stage/status` of an opportunity, `board/status` of a ticket: both members as one value.
    Progress(Standing),
    /// `dateStart/dateEntered` or `notes/name` of an activity: the first member, or where that is empty the other. The first
    /// is written.
    Either { first: &'a str, other: &'a str },
    /// `revenue/quantity` of a forecast item: what one of its units comes to. Only read.
    PerUnit(&'a str),
}

impl<'a> Address<'a> {
    pub fn of(object: ObjectKind, name: &'a str) -> Self {
        if let Some(id) = name.strip_prefix("customFields/").and_then(|id| id.parse().ok()) {
            return Self::Custom(id);
        }
        if let Some(standing) = Standing::of(object).filter(|standing| standing.field() == name) {
            return Self::Progress(standing);
        }
        match object {
            ObjectKind::Contact => communication(name).unwrap_or(Self::Member(name)),
            ObjectKind::Deal if name == "amount" => Self::Amount,
            kind if kind.is_activity() => either(name).unwrap_or(Self::Member(name)),
            ObjectKind::LineItem => name.strip_suffix("/quantity").map_or(Self::Member(name), Self::PerUnit),
            _ => Self::Member(name),
        }
    }

    /// The members of the record that have to be asked for.
    pub fn asked(&self) -> impl Iterator<Item = &'a str> {
        let (one, other) = match self {
            Self::Member(name) => (Some(*name), None),
            Self::Progress(standing) => {
                let [place, status] = standing.members();
                (Some(place), Some(status))
            }
            Self::PerUnit(of) => (Some(*of), Some("quantity")),
            Self::Either { first, other } => (Some(*first), Some(*other)),
            _ => (self.array(), None),
        };
        one.into_iter().chain(other)
    }

    /// The array of the record that the value is an item of. Unlike an empty member, an empty array is shown.
    pub const fn array(&self) -> Option<&'static str> {
        match self {
            Self::Custom(_) => Some("customFields"),
            Self::Communication(_) | Self::Extension(_) => Some("communicationItems"),
            Self::Member(_) | Self::Amount | Self::Progress(_) | Self::Either { .. } | Self::PerUnit(_) => None,
        }
    }
}

fn either(name: &str) -> Option<Address<'_>> {
    match name {
        START_OR_ENTERED => Some(Address::Either { first: "dateStart", other: "_info/dateEntered" }),
        NOTES_OR_NAME => Some(Address::Either { first: "notes", other: "name" }),
        _ => None,
    }
}

fn communication(name: &str) -> Option<Address<'_>> {
    let rest = name.strip_prefix("communications/")?;
    match rest.strip_suffix("/extension") {
        Some(id) => id.parse().ok().map(Address::Extension),
        None => rest.parse().ok().map(Address::Communication),
    }
}

/// Whether any of the fields is the amount of an opportunity, which costs a call for each.
pub(super) fn has_amount(object: ObjectKind, fields: &[FieldName]) -> bool {
    fields.iter().any(|name| Address::of(object, name.as_str()) == Address::Amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_where_values_live() {
        let table = [
            (ObjectKind::Contact, "communications/7", Address::Communication(7)),
            (ObjectKind::Contact, "communications/7/extension", Address::Extension(7)),
            (ObjectKind::Contact, "communications/x", Address::Member("communications/x")),
            (ObjectKind::Company, "communications/7", Address::Member("communications/7")),
            (ObjectKind::Deal, "amount", Address::Amount),
            (ObjectKind::Deal, "stage/status", Address::Progress(Standing::Opportunity)),
            (ObjectKind::Ticket, "board/status", Address::Progress(Standing::Ticket)),
            (ObjectKind::Ticket, "stage/status", Address::Member("stage/status")),
            (ObjectKind::LineItem, "amount", Address::Member("amount")),
            (ObjectKind::LineItem, "revenue/quantity", Address::PerUnit("revenue")),
            (ObjectKind::Deal, "revenue/quantity", Address::Member("revenue/quantity")),
            (ObjectKind::Deal, "customFields/12", Address::Custom(12)),
            (ObjectKind::Deal, "customFields/-1", Address::Member("customFields/-1")),
            (ObjectKind::Note, "notes/name", Address::Either { first: "notes", other: "name" }),
            (ObjectKind::Company, "notes/name", Address::Member("notes/name")),
            (ObjectKind::Company, "city", Address::Member("city")),
        ];
        for (object, name, expected) in table {
            assert_eq!(Address::of(object, name), expected, "{object} {name}");
        }
    }
}
