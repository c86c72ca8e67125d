//! The values of one record, packed into two allocations, so that a hundred thousand records stay small.

use super::schema::PropertyId;

/// Property values sorted by property. Cloning copies about as many bytes as the values have.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    slots: Box<[Slot]>,
    text: Box<str>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    id: PropertyId,
    end: u32,
}

impl Values {
    /// The last of several values of one property counts. Empty values are kept: in a history they say "cleared".
    pub fn packed(mut pairs: Vec<(PropertyId, &str)>) -> Self {
        pairs.sort_by_key(|(id, _)| *id);
        let mut slots: Vec<Slot> = Vec::with_capacity(pairs.len());
        let mut text = String::with_capacity(pairs.iter().map(|(_, value)| value.len()).sum());
        for (index, (id, value)) in pairs.iter().enumerate() {
            if pairs.get(index + 1).is_some_and(|(next, _)| next == id) {
                continue;
            }
            text.push_str(value);
            slots.push(Slot { id: *id, end: u32::try_from(text.len()).unwrap_or(u32::MAX) });
        }
        Self { slots: slots.into_boxed_slice(), text: text.into_boxed_str() }
    }

    /// These values with `changes` in their place; an empty value takes the property away.
    pub fn with(&self, changes: &[(PropertyId, String)]) -> Self {
        let mut pairs: Vec<(PropertyId, &str)> = self.iter().collect();
        pairs.extend(changes.iter().map(|(id, value)| (*id, value.as_str())));
        pairs.sort_by_key(|(id, _)| *id);
        let ids: Vec<PropertyId> = pairs.iter().map(|(id, _)| *id).collect();
        let is_last = |index: usize, id: PropertyId| ids.get(index + 1) != Some(&id);
        let kept = pairs.iter().enumerate().filter(|(i, (id, value))| is_last(*i, *id) && !value.is_empty());
        Self::packed(kept.map(|(_, pair)| *pair).collect())
    }

    pub fn get(&self, id: PropertyId) -> Option<&str> {
        self.slots.binary_search_by_key(&id, |slot| slot.id).ok().and_then(|at| self.at(at))
    }

    pub fn iter(&self) -> impl Iterator<Item = (PropertyId, &str)> {
        self.slots.iter().enumerate().filter_map(|(at, slot)| self.at(at).map(|value| (slot.id, value)))
    }

    fn at(&self, at: usize) -> Option<&str> {
        let start = at.checked_sub(1).and_then(|before| self.slots.get(before)).map_or(0, |slot| slot.end);
        let end = self.slots.get(at)?.end;
        self.text.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_replace_add_and_take_away() {
        let first = Values::packed(vec![(7, "seven"), (2, "two"), (2, "zwei")]);
        let second = first.with(&[(7, String::new()), (3, "three".to_owned()), (2, "deux".to_owned())]);
        assert_eq!(first.iter().collect::<Vec<_>>(), [(2, "zwei"), (7, "seven")]);
        assert_eq!(second.iter().collect::<Vec<_>>(), [(2, "deux"), (3, "three")]);
        assert_eq!((second.get(7), second.get(3)), (None, Some("three")));
    }

    #[test]
    fn a_cleared_value_stays_in_a_history() {
        assert_eq!(Values::packed(vec![(1, "")]).get(1), Some(""));
    }
}
