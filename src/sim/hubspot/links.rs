//! Association types and the pairs of records that have them. Ids are unique over all objects, so that an id names a
//! record; both directions of a pair are stored. Knows nothing of what the pairs mean for the records.

use std::collections::BTreeSet;

use super::kinds::{Kind, KindRef};

const STANDARD: &str = include_str!("../../../fixtures/hubspot-association-types.tsv");
const PARENT_TO_CHILD: u16 = 13;
const CHILD_TO_PARENT: u16 = 14;
/// Types that people define count from here.
const FIRST_USER_TYPE: u16 = 3_000;
const PRIMARY: &str = "Primary";

/// One direction of one association type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Type {
    pub id: u16,
    pub from: u8,
    pub to: u8,
    /// None for the plain association that labelled ones stand on.
    pub label: Option<String>,
    pub inverse: u16,
    /// Defined by people of the portal.
    pub by_user: bool,
}

impl Type {
    pub fn is_primary(&self) -> bool {
        !self.by_user && self.label.as_deref() == Some(PRIMARY)
    }

    pub const fn category(&self) -> &'static str {
        if self.by_user { "USER_DEFINED" } else { "HUBSPOT_DEFINED" }
    }
}

#[derive(Debug)]
pub(crate) struct Links {
    types: Vec<Type>,
    /// From, kind of the other, other, type.
    pairs: BTreeSet<(u64, u8, u64, u16)>,
    next_type: u16,
}

impl Links {
    pub fn standard() -> Self {
        let mut types: Vec<Type> = Vec::new();
        for line in STANDARD.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let id = columns.next().and_then(|t| t.parse().ok());
            let mut kind = || columns.next().and_then(Kind::named).map(|k| k.place);
            let (Some(id), Some(from), Some(to)) = (id, kind(), kind()) else { continue };
            let label = columns.next().filter(|l| !l.is_empty()).map(str::to_owned);
            types.push(Type { id, from, to, label, inverse: id, by_user: false });
        }
        let all = types.clone();
        for one in &mut types {
            one.inverse = match one.id {
                PARENT_TO_CHILD => CHILD_TO_PARENT,
                CHILD_TO_PARENT => PARENT_TO_CHILD,
                id => {
                    all.iter().find(|t| (t.from, t.to, &t.label) == (one.to, one.from, &one.label)).map_or(id, |t| t.id)
                }
            };
        }
        Self { types, pairs: BTreeSet::new(), next_type: FIRST_USER_TYPE }
    }

    pub fn types_between(&self, from: KindRef, to: KindRef) -> impl Iterator<Item = &Type> {
        let (from, to) = (from.place, to.place);
        self.types.iter().filter(move |t| t.from == from && t.to == to)
    }

    pub fn get_type(&self, id: u16) -> Option<&Type> {
        self.types.iter().find(|t| t.id == id)
    }

    /// The plain type that every association of two kinds has.
    pub fn base(&self, from: KindRef, to: KindRef) -> Option<&Type> {
        self.types_between(from, to).find(|t| t.label.is_none() && !t.by_user)
    }

    pub fn primary(&self, from: KindRef, to: KindRef) -> Option<&Type> {
        self.types_between(from, to).find(|t| t.is_primary())
    }

    /// Defines a label of the portal, one type per direction; of one kind with itself, one for both unless an inverse
    /// label is given. Answers the two ids.
    pub fn define(&mut self, (from, to): (KindRef, KindRef), label: &str, inverse: Option<&str>) -> (u16, u16) {
        let there = self.next_type;
        let single = from == to && inverse.is_none();
        let back = if single { there } else { there + 1 };
        self.next_type += 2;
        let direction = |id, from: KindRef, to: KindRef, label: &str, inverse| Type {
            id,
            from: from.place,
            to: to.place,
            label: Some(label.to_owned()),
            inverse,
            by_user: true,
        };
        self.types.push(direction(there, from, to, label, back));
        if !single {
            self.types.push(direction(back, to, from, inverse.unwrap_or(label), there));
        }
        (there, back)
    }

    /// Gives a label of the portal another text. Both directions that had one text go on having one, unless an inverse
    /// label is given.
    pub fn rename(&mut self, id: u16, label: &str, inverse: Option<&str>) {
        let Some((before, back)) = self.get_type(id).map(|t| (t.label.clone(), t.inverse)) else { return };
        for one in self.types.iter_mut().filter(|t| t.by_user) {
            if one.id == id {
                one.label = Some(label.to_owned());
            } else if one.id == back && (inverse.is_some() || one.label == before) {
                one.label = Some(inverse.unwrap_or(label).to_owned());
            }
        }
    }

    /// Takes a label of the portal away, in both directions, and from every pair that has it.
    pub fn undefine(&mut self, id: u16) {
        let gone: Vec<u16> = self.get_type(id).into_iter().flat_map(|t| [t.id, t.inverse]).collect();
        self.types.retain(|t| !gone.contains(&t.id));
        self.pairs.retain(|(.., id)| !gone.contains(id));
    }

    /// The types of one pair, in the order of their ids.
    pub fn of_pair(&self, from: u64, to_kind: KindRef, to: u64) -> Vec<u16> {
        let start = (from, to_kind.place, to, 0);
        self.pairs.range(start..=(from, to_kind.place, to, u16::MAX)).map(|(.., id)| *id).collect()
    }

    /// The records of a kind that a record is associated with, from the id `after` on, in id order.
    pub fn others(&self, from: u64, to_kind: KindRef, after: u64) -> impl Iterator<Item = u64> {
        let place = to_kind.place;
        let mut last = None;
        self.pairs.range((from, place, after, 0)..=(from, place, u64::MAX, u16::MAX)).filter_map(
            move |(_, _, to, _)| {
                let is_new = last != Some(*to);
                last = Some(*to);
                is_new.then_some(*to)
            },
        )
    }

    /// The first record of a kind that a record has this type of association with.
    pub fn with_type(&self, from: u64, to_kind: KindRef, type_id: u16) -> Option<u64> {
        let place = to_kind.place;
        let mut range = self.pairs.range((from, place, 0, 0)..=(from, place, u64::MAX, u16::MAX));
        range.find(|(.., id)| *id == type_id).map(|(_, _, to, _)| *to)
    }

    /// Everything a record is associated with: kind and id, each once.
    pub fn all_of(&self, from: u64) -> Vec<(u8, u64)> {
        let range = self.pairs.range((from, 0, 0, 0)..=(from, u8::MAX, u64::MAX, u16::MAX));
        let mut all: Vec<(u8, u64)> = range.map(|(_, kind, to, _)| (*kind, *to)).collect();
        all.dedup();
        all
    }

    /// Adds a type in both directions. `type_id` is of the direction `from` → `to`.
    pub fn add(&mut self, (from_kind, from): (KindRef, u64), (to_kind, to): (KindRef, u64), type_id: u16) {
        let inverse = self.get_type(type_id).map_or(type_id, |t| t.inverse);
        self.pairs.insert((from, to_kind.place, to, type_id));
        self.pairs.insert((to, from_kind.place, from, inverse));
    }

    pub fn remove(&mut self, (from_kind, from): (KindRef, u64), (to_kind, to): (KindRef, u64), type_id: u16) {
        let inverse = self.get_type(type_id).map_or(type_id, |t| t.inverse);
        self.pairs.remove(&(from, to_kind.place, to, type_id));
        self.pairs.remove(&(to, from_kind.place, from, inverse));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_counterpart_in_the_other_direction() {
        let links = Links::standard();
        for one in &links.types {
            let back = links.get_type(one.inverse).map(|t| (t.from, t.to, t.inverse));
            assert_eq!(back, Some((one.to, one.from, one.id)), "{one:?}");
        }
    }

    #[test]
    fn the_primary_company_has_the_known_ids() {
        let links = Links::standard();
        let id = |from: &str, to: &str| links.primary(Kind::named(from)?, Kind::named(to)?).map(|t| t.id);
        assert_eq!(
            (id("contact", "company"), id("deal", "company"), id("ticket", "company")),
            (Some(1), Some(5), Some(26))
        );
    }
}
