//! The built-in fields of each ConnectWise object: ConnectWise has no endpoint that would tell.
//!
//! One table per object. Left out are members that nobody would keep in step: billing set-up, portal log-ins,
//! service-level clocks, and what only says how a write is made (`skipCallback`, `ignoreDuplicates`).

mod activity;
mod catalog_item;
mod company;
mod contact;
mod forecast_item;
mod opportunity;
mod ticket;

use super::objects::place;
use crate::model::{FieldKind, ObjectKind};

pub(super) use activity::ACTIVITY;
pub(super) use catalog_item::CATALOG_ITEM;
pub(super) use company::COMPANY;
pub(super) use contact::CONTACT;
pub(super) use forecast_item::FORECAST_ITEM;
pub(super) use opportunity::OPPORTUNITY;
pub(super) use ticket::TICKET;

/// One built-in field.
#[derive(Debug, Clone, Copy)]
pub(super) struct BuiltIn {
    pub name: &'static str,
    pub label: &'static str,
    pub kind: FieldKind,
    pub max_length: Option<u32>,
    /// ConnectWise makes none without it, and `mapping::needs` does not speak of it: Lockstep fills it by itself, or makes
    /// no such record.
    pub required: bool,
    pub read_only: bool,
    pub options: Options,
    pub shape: Shape,
}

/// Where the options of a choice come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Options {
    None,
    /// The rows of a table.
    Table(&'static str),
    /// The rows of a table of every service board, each with its board as `parent`.
    PerBoard(&'static str),
    /// Fixed words; the word is the key.
    Words(&'static [&'static str]),
}

/// What stands in the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Plain,
    /// `{"id": n, "name": …}`; written whole as `{"id": n}`, because an inner path can answer 200 without effect.
    Reference,
    /// The bare number of a row.
    RowNumber,
    /// An array of references.
    References,
}

pub(super) const MEMBERS: &str = "/system/members";
pub(super) const BOARDS: &str = "/service/boards";

const fn of(name: &'static str, label: &'static str, kind: FieldKind) -> BuiltIn {
    BuiltIn {
        name,
        label,
        kind,
        max_length: None,
        required: false,
        read_only: false,
        options: Options::None,
        shape: Shape::Plain,
    }
}

/// A text of at most `max` characters; 0 where ConnectWise names no length.
const fn text(name: &'static str, label: &'static str, max: u32) -> BuiltIn {
    let max_length = if max == 0 { None } else { Some(max) };
    BuiltIn { max_length, ..of(name, label, FieldKind::Text) }
}

const fn typed(field: BuiltIn, kind: FieldKind) -> BuiltIn {
    BuiltIn { kind, ..field }
}

/// A reference to a row of a table.
const fn choice(name: &'static str, label: &'static str, table: &'static str) -> BuiltIn {
    BuiltIn { options: Options::Table(table), shape: Shape::Reference, ..of(name, label, FieldKind::Choice) }
}

const fn per_board(name: &'static str, label: &'static str, table: &'static str) -> BuiltIn {
    BuiltIn { options: Options::PerBoard(table), shape: Shape::Reference, ..of(name, label, FieldKind::Choice) }
}

const fn words(name: &'static str, label: &'static str, words: &'static [&'static str]) -> BuiltIn {
    BuiltIn { options: Options::Words(words), ..of(name, label, FieldKind::Choice) }
}

const fn row_number(name: &'static str, label: &'static str, table: &'static str) -> BuiltIn {
    BuiltIn { options: Options::Table(table), shape: Shape::RowNumber, ..of(name, label, FieldKind::Choice) }
}

const fn several(name: &'static str, label: &'static str, table: &'static str) -> BuiltIn {
    BuiltIn { options: Options::Table(table), shape: Shape::References, ..of(name, label, FieldKind::MultiChoice) }
}

const fn member(name: &'static str, label: &'static str) -> BuiltIn {
    BuiltIn { options: Options::Table(MEMBERS), shape: Shape::Reference, ..of(name, label, FieldKind::Person) }
}

/// A reference to a record that is synced itself.
const fn record(name: &'static str, label: &'static str, object: ObjectKind) -> BuiltIn {
    BuiltIn { shape: Shape::Reference, ..of(name, label, FieldKind::Reference(object)) }
}

/// A reference to a row that cannot be listed for all records at once, such as a site of the company.
const fn unlisted(name: &'static str, label: &'static str) -> BuiltIn {
    BuiltIn { shape: Shape::Reference, ..of(name, label, FieldKind::Choice) }
}

const fn required(field: BuiltIn) -> BuiltIn {
    BuiltIn { required: true, ..field }
}

const fn read_only(field: BuiltIn) -> BuiltIn {
    BuiltIn { read_only: true, ..field }
}

/// The built-in field of that name; none for what the table does not know.
pub(super) fn find(object: ObjectKind, name: &str) -> Option<&'static BuiltIn> {
    place(object).fields.iter().find(|field| field.name == name)
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::*;
    use crate::mapping::needs::needs;
    use crate::model::System;

    #[test]
    fn every_table_names_each_field_once_and_has_an_id() {
        for object in ObjectKind::ALL {
            let mut names: Vec<_> = place(object).fields.iter().map(|field| field.name).collect();
            assert!(names.contains(&"id"), "{object}");
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{object}");
        }
    }

    #[test]
    fn what_a_new_record_needs_is_a_field_that_can_be_written_and_is_told_in_one_place() {
        for object in ObjectKind::ALL {
            for name in needs(object, System::ConnectWise).iter().flat_map(|need| need.any_of) {
                for name in Address::of(object, name).asked() {
                    let field = find(object, name);
                    assert!(field.is_some_and(|field| !field.read_only && !field.required), "{object} {name}");
                }
            }
        }
    }

    #[test]
    fn what_a_choice_holds_fits_its_kind() {
        for object in ObjectKind::ALL {
            for field in place(object).fields {
                let fits = match field.shape {
                    Shape::Plain => !matches!(field.kind, FieldKind::Person | FieldKind::Reference(_)),
                    Shape::Reference => {
                        matches!(field.kind, FieldKind::Choice | FieldKind::Person | FieldKind::Reference(_))
                    }
                    Shape::RowNumber => field.kind == FieldKind::Choice,
                    Shape::References => field.kind == FieldKind::MultiChoice,
                };
                assert!(fits, "{object} {}", field.name);
                let is_record = matches!(field.kind, FieldKind::Reference(_));
                assert!(
                    !is_record || field.options == Options::None,
                    "{object} {}: a record has no options",
                    field.name
                );
            }
        }
    }
}
