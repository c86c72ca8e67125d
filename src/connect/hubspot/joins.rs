//! The kinds of association that HubSpot defines between the objects that are synced: one table. The number must fit the
//! direction in which it is used.

use crate::model::ObjectKind::{self, Call, Company, Contact, Deal, LineItem, Meeting, Note, Task, Ticket};

/// From, to, the number of the association without a label, and that of the one with the label Primary.
const TYPES: [(ObjectKind, ObjectKind, u32, Option<u32>); 50] = [
    (Contact, Company, 279, Some(1)),
    (Company, Contact, 280, Some(2)),
    (Contact, Deal, 4, None),
    (Deal, Contact, 3, None),
    (Contact, Ticket, 15, None),
    (Ticket, Contact, 16, None),
    (Deal, Company, 341, Some(5)),
    (Company, Deal, 342, Some(6)),
    (Ticket, Company, 339, Some(26)),
    (Company, Ticket, 340, Some(25)),
    (Deal, Ticket, 27, None),
    (Ticket, Deal, 28, None),
    (Company, Company, 450, None),
    (Contact, Contact, 449, None),
    (Deal, Deal, 451, None),
    (Ticket, Ticket, 452, None),
    (Deal, LineItem, 19, None),
    (LineItem, Deal, 20, None),
    (Company, Call, 181, None),
    (Call, Company, 182, None),
    (Company, Meeting, 187, None),
    (Meeting, Company, 188, None),
    (Company, Note, 189, None),
    (Note, Company, 190, None),
    (Company, Task, 191, None),
    (Task, Company, 192, None),
    (Contact, Call, 193, None),
    (Call, Contact, 194, None),
    (Contact, Meeting, 199, None),
    (Meeting, Contact, 200, None),
    (Contact, Note, 201, None),
    (Note, Contact, 202, None),
    (Contact, Task, 203, None),
    (Task, Contact, 204, None),
    (Deal, Call, 205, None),
    (Call, Deal, 206, None),
    (Deal, Meeting, 211, None),
    (Meeting, Deal, 212, None),
    (Deal, Note, 213, None),
    (Note, Deal, 214, None),
    (Deal, Task, 215, None),
    (Task, Deal, 216, None),
    (Ticket, Call, 219, None),
    (Call, Ticket, 220, None),
    (Ticket, Meeting, 225, None),
    (Meeting, Ticket, 226, None),
    (Ticket, Note, 227, None),
    (Note, Ticket, 228, None),
    (Ticket, Task, 229, None),
    (Task, Ticket, 230, None),
];

/// The association without a label; none where HubSpot has no association between the two.
pub(super) fn plain(from: ObjectKind, to: ObjectKind) -> Option<u32> {
    TYPES.iter().find(|one| (one.0, one.1) == (from, to)).map(|one| one.2)
}

/// The label that makes a company the primary one; a record has at most one, and a new one takes it from the old.
pub(super) fn primary(from: ObjectKind, to: ObjectKind) -> Option<u32> {
    TYPES.iter().find(|one| (one.0, one.1) == (from, to)).and_then(|one| one.3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_stands_for_one_direction_and_has_its_way_back() {
        let mut numbers: Vec<u32> = TYPES.iter().flat_map(|one| [Some(one.2), one.3]).flatten().collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
        for (from, to, _, primary_label) in TYPES {
            assert!(plain(to, from).is_some(), "{from} {to}");
            assert_eq!(primary(to, from).is_some(), primary_label.is_some(), "{from} {to}");
        }
        assert_eq!((plain(Contact, Company), primary(Ticket, Company)), (Some(279), Some(26)));
        assert_eq!(plain(ObjectKind::Product, Deal), None);
    }
}
