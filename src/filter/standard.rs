//! The filters that always apply, before anybody's own, and that are shown like them.
//! They look at one record alone; what depends on other records is the engine's.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ask::{Ask, Check};
use super::eval::{Answer, Leaf, Node, Subject, Unfit};
use crate::mapping::ObjectMapping;
use crate::mapping::needs::retired;
use crate::mapping::references::refers_to;
use crate::model::{FieldKind, FieldName, ObjectKind, Record, RecordId, System, no_such_field};

/// What a standard filter says: its text, whether the record passes, the value it looked at or why it could not.
pub type StandardClause = (String, Answer, String);

/// The fields of a system that are not there any more: what is not there is not empty.
pub type Gone = BTreeSet<FieldName>;

/// One of the filters that always apply.
#[derive(Debug, Clone)]
pub struct Standard {
    pub text: String,
    /// Why it is there, as a sentence.
    pub why: &'static str,
    /// Whether it lets every record pass that has its partner: whom that belongs to is settled.
    pub unless_linked: bool,
    pub(super) node: Node,
    shown: Shown,
    system: System,
}

/// How the value is told that a standard filter looked at.
#[derive(Debug, Clone)]
enum Shown {
    Presence,
    Id,
    /// The first of the fields that holds something; else that word.
    First(Vec<FieldName>, &'static str),
    YesNo(FieldName),
}

/// The standard filters of what goes from `system` to the other one, in a fixed order.
#[must_use]
pub fn all(mapping: &ObjectMapping, system: System, gone: &Gone) -> Vec<Standard> {
    let mut all = vec![not_deleted(system), not_excluded(mapping, system)];
    all.extend(has_company(mapping, system, gone));
    all.extend(in_use(mapping, system, gone));
    all.extend(has_match_key(mapping, system, gone));
    all
}

/// Whether a record can be the partner of another at all. One that belongs to no company may be: its partner tells which.
#[must_use]
pub fn may_be_recognised(mapping: &ObjectMapping, system: System, record: &Record) -> bool {
    !record.archived && !excluded(mapping, system).contains(&record.id.0)
}

impl Standard {
    /// What it says of a record, wherever it applies.
    #[must_use]
    pub fn judge(&self, record: &Record) -> StandardClause {
        let answer = self.node.answer(&Subject::undated(record));
        let value = if answer == Answer::Undecided { self.node.unfit().join(" ") } else { self.shown(record) };
        (self.text.clone(), answer, value)
    }

    fn shown(&self, record: &Record) -> String {
        match &self.shown {
            Shown::Presence if record.archived => format!("deleted in {}", self.system),
            Shown::Presence => format!("present in {}", self.system),
            Shown::Id => format!("id {}", record.id),
            Shown::YesNo(field) => {
                let active = Ask::standard(field, Check::NotTrue).passes(record.value(field.as_str()));
                format!("{field}: {}", if active { "no" } else { "yes" })
            }
            Shown::First(fields, none) => {
                let mut texts = fields.iter().map(|field| record.value(field.as_str()).to_plain().trim().to_owned());
                texts.find(|text| text.chars().any(char::is_alphanumeric)).unwrap_or_else(|| (*none).to_owned())
            }
        }
    }
}

fn excluded(mapping: &ObjectMapping, system: System) -> &[u64] {
    match system {
        System::HubSpot => &mapping.exclude.hubspot,
        System::ConnectWise => &mapping.exclude.connectwise,
    }
}

/// Whether any of the fields answers; those that are not there have no answer.
fn any_of(
    mapping: &ObjectMapping,
    system: System,
    fields: &[&FieldName],
    check: &Check,
    gone: &Gone,
) -> (Node, Vec<FieldName>) {
    let known: Vec<FieldName> =
        fields.iter().filter(|field| !gone.contains(**field)).map(|field| (*field).clone()).collect();
    let mut nodes: Vec<Node> = known.iter().map(|field| Node::standard(field, check.clone())).collect();
    if let Some(field) = fields.iter().copied().find(|field| gone.contains(*field)) {
        let whys = vec![no_such_field(system, mapping.object, field.as_str())];
        nodes.push(Node::Unfit(Box::new(Unfit { text: String::new(), span: 0..0, field: field.clone(), whys })));
    }
    (Node::Any(nodes), known)
}

impl Ask {
    fn standard(field: &FieldName, check: Check) -> Self {
        Self {
            field: field.clone(),
            company: None,
            kind: FieldKind::Text,
            options: Arc::default(),
            check,
            is_dated: false,
        }
    }
}

impl Node {
    fn standard(field: &FieldName, check: Check) -> Self {
        Self::Leaf(Box::new(Leaf {
            text: String::new(),
            span: 0..0,
            ask: Ask::standard(field, check),
            days: Vec::new(),
        }))
    }
}

/// Both systems keep deleted companies for a while, in HubSpot's recycle bin or under ConnectWise's `deletedFlag`.
fn not_deleted(system: System) -> Standard {
    Standard {
        text: "not deleted".to_owned(),
        why: "What was deleted on one side is never written to the other; its partner rests as it is.",
        unless_linked: false,
        node: Node::Present,
        shown: Shown::Presence,
        system,
    }
}

/// The tenant's own company, and the catch-all that e-mail connectors put unknown senders on, are no customers.
/// Neither system marks them, so they are listed by id.
fn not_excluded(mapping: &ObjectMapping, system: System) -> Standard {
    Standard {
        text: "not on the exclusion list".to_owned(),
        why: "Your own company and the catch-all of e-mail connectors are no customers: the mapping lists them by id.",
        unless_linked: false,
        node: Node::NoneOf(excluded(mapping, system).iter().copied().map(RecordId).collect()),
        shown: Shown::Id,
        system,
    }
}

/// What was done with nobody that is known has no place in the other system. A call with a person who belongs to no company
/// is a call all the same.
fn is_about_somebody(mapping: &ObjectMapping, system: System, gone: &Gone) -> Option<Standard> {
    let about = |kind| matches!(refers_to(kind), Some(ObjectKind::Company | ObjectKind::Contact));
    let names: Vec<&FieldName> =
        mapping.fields.iter().filter(|field| about(field.kind)).map(|field| field.field(system)).collect();
    if names.is_empty() {
        return None;
    }
    let (node, known) = any_of(mapping, system, &names, &Check::Filled, gone);
    Some(Standard {
        text: "has a company or a contact".to_owned(),
        why: "What was done with nobody who is known has no place in the other system.",
        unless_linked: false,
        node,
        shown: Shown::First(known, "none"),
        system,
    })
}

/// What belongs to a company has no place in the other system without one.
fn has_company(mapping: &ObjectMapping, system: System, gone: &Gone) -> Option<Standard> {
    if mapping.object.is_activity() {
        return is_about_somebody(mapping, system, gone);
    }
    let company = mapping.fields.iter().find(|field| refers_to(field.kind) == Some(ObjectKind::Company))?;
    let (node, known) = any_of(mapping, system, &[company.field(system)], &Check::Filled, gone);
    Some(Standard {
        text: "has a company".to_owned(),
        why: "What belongs to a company has no place in the other system without one.",
        unless_linked: false,
        node,
        shown: Shown::First(known, "none"),
        system,
    })
}

/// What is sold no more is not offered anew; what was linked before rests as it is.
fn in_use(mapping: &ObjectMapping, system: System, gone: &Gone) -> Option<Standard> {
    let name = FieldName::new(retired(mapping.object, system)?);
    let (node, _) = any_of(mapping, system, &[&name], &Check::NotTrue, gone);
    Some(Standard {
        text: "is active".to_owned(),
        why: "What is sold no more is not offered anew; what was linked before rests as it is.",
        unless_linked: false,
        node,
        shown: Shown::YesNo(name),
        system,
    })
}

/// Without a value to be recognised by, nothing could ever find its partner, and every create would be blind. A line item
/// may go by its product alone, and a call needs no title.
fn has_match_key(mapping: &ObjectMapping, system: System, gone: &Gone) -> Option<Standard> {
    let keys: Vec<&FieldName> = mapping.matching.iter().map(|rule| rule.field(system)).collect();
    if keys.is_empty() || mapping.object == ObjectKind::LineItem || mapping.object.is_activity() {
        return None;
    }
    let names = keys.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(" or ");
    let (node, known) = any_of(mapping, system, &keys, &Check::Telling, gone);
    Some(Standard {
        text: format!("has a value to match by: {names}"),
        why: "Without a value to be recognised by, its partner could never be found, and every create would be blind.",
        unless_linked: true,
        node,
        shown: Shown::First(known, "empty"),
        system,
    })
}
