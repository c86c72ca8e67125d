//! The ends of records: recycle bin and back, merges, and the erasure that privacy law asks for.

use super::kinds::KindRef;
use super::portal::{Checked, Portal, Provenance, WriteError};
use crate::sim::Side;
use crate::sim::ledger::Verb;
use crate::sim::object::Object;
use crate::sim::world::{Act, Changes};

/// How many records one contact may have absorbed.
const MOST_IDENTITIES: usize = 250;

impl Portal {
    /// Moves a record to the recycle bin; unknown and archived ones are left as they are.
    pub fn archive(&mut self, act: &mut Act<'_>, kind: KindRef, id: u64) -> bool {
        let collection = self.of_mut(kind);
        let Some(record) = collection.records.get_mut(&id).filter(|record| record.is_living()) else { return false };
        record.archived_at = Some(act.now);
        let modified = record.current.modified;
        collection.by_modified.remove(&(modified, id));
        collection.lagging.remove(&id);
        if !act.behaviour.hubspot.archived_holds_unique
            && let Some(record) = collection.records.get(&id).cloned()
        {
            collection.free(&record);
        }
        act.record(Side::HubSpot, kind.object, Verb::Delete, id, Changes::new());
        self.part_from_all(act, kind, id);
        self.lists.forget(kind, id);
        true
    }

    /// Brings an archived record back with its id; false when there is none. Its associations stay gone.
    pub fn restore(&mut self, act: &mut Act<'_>, kind: KindRef, id: u64) -> bool {
        let collection = self.of_mut(kind);
        let Some(mut record) = collection.records.remove(&id) else { return false };
        if record.archived_at.take().is_none() {
            collection.records.insert(id, record);
            return false;
        }
        record.current.modified = act.now;
        collection.insert(record, act.now);
        act.record(Side::HubSpot, kind.object, Verb::Restore, id, Changes::new());
        true
    }

    /// Takes a record away for good; an e-mail address of a contact cannot come back. False when there is none.
    pub fn erase(&mut self, act: &mut Act<'_>, kind: KindRef, id: u64) -> bool {
        let known = &self.of(kind).known;
        let properties = [known.email, known.additional_emails];
        let Some(record) = self.of(kind).records.get(&id) else { return false };
        let held = properties.iter().filter_map(|property| record.current.get(*property));
        let addresses: Vec<String> = held.flat_map(|v| v.split(';')).map(str::to_owned).collect();
        self.forgotten.extend(addresses.into_iter().filter(|address| !address.is_empty()));
        self.part_from_all(act, kind, id);
        self.lists.forget(kind, id);
        self.of_mut(kind).remove(id);
        act.record(Side::HubSpot, kind.object, Verb::Delete, id, Changes::new());
        true
    }

    /// Merges `other` into `primary`: the primary's values win, gaps are filled, associations are joined. Answers the
    /// survivor's id.
    pub fn merge(&mut self, act: &mut Act<'_>, kind: KindRef, primary: u64, other: u64) -> Result<u64, WriteError> {
        let (primary, other) = (self.resolve(primary), self.resolve(other));
        let living = |id: u64| self.of(kind).living(id).cloned();
        let (Some(first), Some(second)) = (living(primary), living(other)) else { return Err(WriteError::NotFound) };
        if primary == other {
            return Err(WriteError::Refused("Cannot merge a record with itself".to_owned()));
        }
        let merged = self.of(kind).known.merged;
        let mut absorbed: Vec<String> = Vec::new();
        for record in [&first, &second] {
            let before = record.current.get(merged).into_iter().flat_map(|ids| ids.split(';'));
            absorbed.extend(before.filter(|id| !id.is_empty()).map(str::to_owned));
        }
        if absorbed.len() >= MOST_IDENTITIES {
            return Err(WriteError::Refused("Cannot have more than 250 identities on a profile".to_owned()));
        }
        self.of_mut(kind).remove(second.id);
        let survivor = if act.behaviour.hubspot.merge_keeps_id {
            first.id
        } else {
            let id = self.take_id();
            self.of_mut(kind).remove(first.id);
            self.of_mut(kind).insert(first.renamed(id, act.now), act.now);
            self.merged.insert(first.id, id);
            absorbed.push(first.id.to_string());
            self.inherit(kind, first.id, id);
            id
        };
        self.merged.insert(second.id, survivor);
        absorbed.push(second.id.to_string());
        self.inherit(kind, second.id, survivor);
        self.touch(act, kind, survivor);
        let gaps = self.gaps(kind, &first, &second, &absorbed, act.now);
        let by = self.by(&Provenance::system("MERGE_OBJECTS"));
        let changes = self.assign(kind, survivor, &gaps, act.now, by);
        act.record(Side::HubSpot, kind.object, Verb::Merge, survivor, changes);
        self.roll_up_around(act, kind, survivor);
        Ok(survivor)
    }

    /// What the survivor of a merge takes over from the record that goes.
    fn gaps(
        &self,
        kind: KindRef,
        first: &super::collection::Record,
        second: &super::collection::Record,
        absorbed: &[String],
        now: i64,
    ) -> Checked {
        let known = &self.of(kind).known;
        let mut gaps: Checked = second
            .current
            .values
            .iter()
            .filter(|(property, value)| first.current.get(*property).is_none() && !value.is_empty())
            .map(|(property, value)| (property, value.to_owned()))
            .collect();
        gaps.retain(|(property, _)| *property != known.merged && *property != known.additional_emails);
        gaps.push((known.merged, absorbed.join(";")));
        let id = |name: &str| self.of(kind).schema.any_id(name);
        let joined = |name: &str, from: &str, own: &str| {
            let (list, single) = (id(name)?, id(from)?);
            let mut all: Vec<&str> = Vec::new();
            for record in [first, second] {
                all.extend(record.current.get(list).into_iter().flat_map(|v| v.split(';')));
            }
            all.extend(second.current.get(single));
            all.retain(|value| !value.is_empty() && *value != own);
            all.dedup();
            (!all.is_empty()).then(|| (list, all.join(";")))
        };
        match kind.object {
            Object::Contact => {
                let own = first.current.get(known.email).or_else(|| second.current.get(known.email));
                gaps.extend(joined("hs_additional_emails", "email", own.unwrap_or_default()));
                let vids: Vec<String> = absorbed.iter().map(|id| format!("{id}:{now}")).collect();
                gaps.extend(id("hs_calculated_merged_vids").map(|property| (property, vids.join(";"))));
                gaps.extend(id("hs_all_contact_vids").map(|property| (property, absorbed.join(";"))));
            }
            Object::Company => {
                let own = self.of(kind).text(first, "domain").or_else(|| self.of(kind).text(second, "domain"));
                gaps.extend(joined("hs_additional_domains", "domain", own.unwrap_or_default()));
            }
            _ => {}
        }
        gaps
    }
}
