//! What an association does to the records that it joins: primary companies, roll-ups, the ledger.

use serde_json::{Value, json};

use super::derive::Sheet;
use super::kinds::{ALL, Kind, KindRef};
use super::portal::{Checked, Portal, SYSTEM, WriteError};
use crate::sim::Side;
use crate::sim::clock::iso_millis;
use crate::sim::ledger::{Actor, Verb};
use crate::sim::object::Object;
use crate::sim::world::{Act, Changes};

/// A record by its kind and id.
pub(crate) type End = (KindRef, u64);
/// What a record is to be associated with, and how.
pub(crate) type Ties = Vec<(End, Vec<u16>)>;
/// Addresses that a ticket shows of its contacts.
const MOST_ADDRESSES: usize = 50;

impl Portal {
    /// Both records must be there, and of a type every id must fit the direction.
    pub fn check_types(&self, from: KindRef, to: KindRef, types: &[(String, u64)]) -> Result<Vec<u16>, WriteError> {
        let mut found = Vec::new();
        for (category, id) in types {
            let known = u16::try_from(*id).ok().and_then(|id| self.links.get_type(id));
            let known = known.filter(|t| category.is_empty() || t.category() == category);
            let Some(known) = known else {
                let message = "One or more associations are invalid".to_owned();
                let context = json!({"type": [id.to_string()]});
                return Err(WriteError::Association { message, code: "INVALID_ASSOCIATION_TYPE", context });
            };
            if (known.from, known.to) != (from.place, to.place) {
                let expected = Kind::at(known.from).map_or("", |k| k.type_id);
                let message = format!(
                    "invalid from object type {} for associations to be created. expected: {expected}",
                    from.type_id
                );
                let context = json!({"type": [id.to_string()]});
                return Err(WriteError::Association { message, code: "INVALID_ASSOCIATION_TYPE", context });
            }
            found.push(known.id);
        }
        Ok(found)
    }

    /// Ids that nobody has cannot be associated.
    pub fn check_end(&self, (kind, id): End) -> Result<End, WriteError> {
        let id = self.resolve(id);
        if self.of(kind).living(id).is_some() {
            return Ok((kind, id));
        }
        let message = "One or more associations are invalid".to_owned();
        let context = json!({"INVALID_OBJECT_IDS": [format!("{}={id} is not valid", kind.legacy)]});
        Err(WriteError::Association { message, code: "INVALID_OBJECT_IDS", context })
    }

    /// Adds types to a pair, beside the plain one. `types` are of the direction `from` → `to`; with `replace` the other
    /// labels of the pair go, the primary mark stays.
    pub fn associate(
        &mut self,
        act: &mut Act<'_>,
        from: End,
        to: End,
        types: &[u16],
        replace: bool,
    ) -> Result<(), WriteError> {
        let before = self.links.of_pair(from.1, to.0, to.1);
        self.check_room(act, from, to, before.is_empty())?;
        if replace {
            for old in before.iter().filter(|id| !types.contains(id)) {
                if self.is_label(*old) {
                    self.links.remove(from, to, *old);
                }
            }
        }
        if let Some(base) = self.links.base(from.0, to.0).map(|t| t.id) {
            self.links.add(from, to, base);
        }
        for id in types {
            if self.links.get_type(*id).is_some_and(|t| t.is_primary()) {
                self.move_primary(from, to);
            } else {
                self.links.add(from, to, *id);
            }
        }
        self.first_becomes_primary(from, to);
        self.note_pair(act, from, to, &before);
        Ok(())
    }

    /// Associates two records as if that had been so for long: no history, no stamp, no ledger. The first company of a
    /// record is its primary one.
    pub fn associate_quietly(&mut self, from: End, to: End) {
        if let Some(base) = self.links.base(from.0, to.0).map(|t| t.id) {
            self.links.add(from, to, base);
        }
        self.first_becomes_primary(from, to);
        for (one, other) in [(from, to), (to, from)] {
            let values = self.rolled_up(one, other.0, None);
            self.of_mut(one.0).set_quietly(one.1, &values);
        }
    }

    /// A label other than the primary mark.
    fn is_label(&self, id: u16) -> bool {
        self.links.get_type(id).is_some_and(|t| t.label.is_some() && !t.is_primary())
    }

    /// Administrators may cap how many records of a kind one record is associated with.
    fn check_room(&self, act: &Act<'_>, from: End, to: End, is_new: bool) -> Result<(), WriteError> {
        let Some(most) = act.behaviour.hubspot.association_cap.filter(|_| is_new) else { return Ok(()) };
        let full = |one: End, other: KindRef| self.links.others(one.1, other, 0).take(most).count() >= most;
        if !full(from, to.0) && !full(to, from.0) {
            return Ok(());
        }
        let message = format!("The association limit of {most} from {} to {} is reached", from.0.legacy, to.0.legacy);
        Err(WriteError::Association { message, code: "ASSOCIATION_LIMIT_EXCEEDED", context: json!({}) })
    }

    /// The end that has one primary company, and that company; none for other pairs.
    fn owner_and_company(&self, from: End, to: End) -> Option<(End, End)> {
        let has_one = |kind: KindRef| matches!(kind.object, Object::Contact | Object::Deal | Object::Ticket);
        match (from.0.object, to.0.object) {
            (_, Object::Company) if has_one(from.0) => Some((from, to)),
            (Object::Company, _) if has_one(to.0) => Some((to, from)),
            _ => None,
        }
    }

    fn move_primary(&mut self, from: End, to: End) {
        let Some((owner, company)) = self.owner_and_company(from, to) else { return };
        let Some(primary) = self.links.primary(owner.0, company.0).map(|t| t.id) else { return };
        while let Some(old) = self.links.with_type(owner.1, company.0, primary).filter(|old| *old != company.1) {
            self.links.remove(owner, (company.0, old), primary);
        }
        self.links.add(owner, company, primary);
    }

    fn first_becomes_primary(&mut self, from: End, to: End) {
        let Some((owner, company)) = self.owner_and_company(from, to) else { return };
        let Some(primary) = self.links.primary(owner.0, company.0).map(|t| t.id) else { return };
        if self.links.with_type(owner.1, company.0, primary).is_none() {
            self.links.add(owner, company, primary);
        }
    }

    /// Takes types from a pair; the plain type, or no list at all, takes the whole pair.
    pub fn dissociate(&mut self, act: &mut Act<'_>, from: End, to: End, types: Option<&[u16]>) {
        let before = self.links.of_pair(from.1, to.0, to.1);
        if before.is_empty() {
            return;
        }
        let base = self.links.base(from.0, to.0).map(|t| t.id);
        let whole = types.is_none_or(|types| base.is_some_and(|base| types.contains(&base)));
        for id in before.iter().filter(|id| whole || types.is_some_and(|types| types.contains(id))) {
            self.links.remove(from, to, *id);
        }
        self.note_pair(act, from, to, &before);
    }

    /// All associations of a record that goes.
    pub fn part_from_all(&mut self, act: &mut Act<'_>, kind: KindRef, id: u64) {
        for (place, other) in self.links.all_of(id) {
            if let Some(other_kind) = Kind::at(place) {
                self.dissociate(act, (kind, id), (other_kind, other), None);
            }
        }
    }

    /// The associations of a record that a merge took away go to the survivor. Who has a primary company keeps it.
    pub fn inherit(&mut self, kind: KindRef, gone: u64, survivor: u64) {
        for (place, other) in self.links.all_of(gone) {
            let Some(other_kind) = Kind::at(place) else { continue };
            for id in self.links.of_pair(gone, other_kind, other) {
                self.links.remove((kind, gone), (other_kind, other), id);
                let is_primary = self.links.get_type(id).is_some_and(|t| t.is_primary());
                let taken = is_primary && self.has_other_primary((kind, survivor), (other_kind, other));
                if !taken && other != survivor {
                    self.links.add((kind, survivor), (other_kind, other), id);
                }
            }
        }
    }

    fn has_other_primary(&self, from: End, to: End) -> bool {
        let Some((owner, company)) = self.owner_and_company(from, to) else { return false };
        let primary = self.links.primary(owner.0, company.0).map(|t| t.id);
        primary.and_then(|id| self.links.with_type(owner.1, company.0, id)).is_some_and(|held| held != company.1)
    }

    /// Writes the change of a pair into the ledger, and what follows into both records.
    fn note_pair(&mut self, act: &mut Act<'_>, from: End, to: End, before: &[u16]) {
        let after = self.links.of_pair(from.1, to.0, to.1);
        if after == before {
            return;
        }
        let told = |types: &[u16]| if types.is_empty() { Value::Null } else { json!(types) };
        let mut changes = Changes::new();
        changes.insert(format!("{}/{}", to.0.plural(), to.1), (told(before), told(&after)));
        act.record(Side::HubSpot, from.0.object, Verb::Associate, from.1, changes);
        self.roll_up_one(act, from, (to.0, before.is_empty()));
        self.roll_up_one(act, to, (from.0, before.is_empty()));
        // A label alone is in no property of either record.
        let label_only = !before.is_empty() && !after.is_empty();
        if label_only && act.behaviour.hubspot.labels_move_modified {
            for (kind, id) in [from, to] {
                self.touch(act, kind, id);
            }
        }
    }

    /// Roll-ups of a record and of everything around it.
    pub fn roll_up_around(&mut self, act: &mut Act<'_>, kind: KindRef, id: u64) {
        let mut touched: Vec<u8> = Vec::new();
        for (place, other) in self.links.all_of(id) {
            let Some(other_kind) = Kind::at(place) else { continue };
            if !touched.contains(&place) {
                touched.push(place);
            }
            self.roll_up_one(act, (other_kind, other), (kind, false));
        }
        for other in ALL.iter().filter(|other| touched.contains(&other.place)) {
            self.roll_up_one(act, (kind, id), (other, false));
        }
    }

    /// Sets what a record tells of its associations with records of `other`.
    fn roll_up_one(&mut self, act: &mut Act<'_>, (kind, id): End, (other, is_new): (KindRef, bool)) {
        let values = self.rolled_up((kind, id), other, is_new.then_some(act.now));
        if !values.is_empty() {
            self.roll_up(act, kind, id, &values);
        }
    }

    fn rolled_up(&self, (kind, id): End, other: KindRef, logged_at: Option<i64>) -> Checked {
        let mut sheet = Sheet::of(self.of(kind));
        let count = || self.links.others(id, other, 0).count().to_string();
        match (kind.object, other.object) {
            (Object::Contact, Object::Company) => sheet.set("associatedcompanyid", self.primary_of((kind, id), other)),
            (Object::Deal, Object::Company) => {
                sheet.set("hs_primary_associated_company", self.primary_of((kind, id), other));
            }
            (Object::Ticket, Object::Company) => self.ticket_company(&mut sheet, (kind, id), other),
            (Object::Ticket, Object::Contact) => {
                let contacts = self.links.others(id, other, 0).take(MOST_ADDRESSES);
                let addresses: Vec<&str> = contacts
                    .filter_map(|id| self.of(other).living(id).and_then(|r| self.of(other).text(r, "email")))
                    .collect();
                sheet.set("hs_all_associated_contact_emails", addresses.join(";"));
            }
            (Object::Company | Object::Deal, Object::Contact) => sheet.set("num_associated_contacts", count()),
            (Object::Company, Object::Deal) => {
                sheet.set("num_associated_deals", count());
                sheet.set("hs_num_open_deals", self.open_deals(id, other).to_string());
            }
            (Object::Contact, Object::Deal) => sheet.set("num_associated_deals", count()),
            (Object::Deal, Object::LineItem) => sheet.set("hs_num_of_associated_line_items", count()),
            (Object::Company, Object::Company) => self.family(&mut sheet, (kind, id)),
            _ if other.is_engagement() => {
                let all = ALL.iter().filter(|k| k.is_engagement());
                let logged: usize = all.map(|k| self.links.others(id, k, 0).count()).sum();
                sheet.set("num_notes", logged.to_string());
                if let Some(at) = logged_at {
                    sheet.set("notes_last_updated", iso_millis(at));
                }
            }
            _ => {}
        }
        sheet.done()
    }

    /// Empty when there is none.
    fn primary_of(&self, (kind, id): End, companies: KindRef) -> String {
        let primary = self.links.primary(kind, companies).map(|t| t.id);
        let company = primary.and_then(|t| self.links.with_type(id, companies, t));
        company.map_or(String::new(), |id| id.to_string())
    }

    fn ticket_company(&self, sheet: &mut Sheet<'_>, ticket: End, companies: KindRef) {
        let primary = self.primary_of(ticket, companies);
        let company = primary.parse().ok().and_then(|id| self.of(companies).living(id));
        let name = company.and_then(|r| self.of(companies).text(r, "name")).unwrap_or_default();
        sheet.set("hs_primary_company_name", name);
        sheet.set("hs_primary_company", name);
        sheet.set("hs_primary_company_id", primary);
        sheet.set("hs_num_associated_companies", self.links.others(ticket.1, companies, 0).count().to_string());
    }

    fn open_deals(&self, company: u64, deals: KindRef) -> usize {
        let is_open = |id: &u64| {
            let deal = self.of(deals).living(*id);
            deal.is_some_and(|r| self.of(deals).text(r, "hs_is_closed") != Some("true"))
        };
        self.links.others(company, deals, 0).filter(is_open).count()
    }

    fn family(&self, sheet: &mut Sheet<'_>, (kind, id): End) {
        let labelled = |label: &str| self.links.types_between(kind, kind).find(|t| t.label.as_deref() == Some(label));
        let parent = labelled("Child to parent").and_then(|t| self.links.with_type(id, kind, t.id));
        sheet.set("hs_parent_company_id", parent.map_or(String::new(), |id| id.to_string()));
        let children = labelled("Parent to child").map(|t| t.id).map_or(0, |t| {
            self.links.others(id, kind, 0).filter(|other| self.links.of_pair(id, kind, *other).contains(&t)).count()
        });
        sheet.set("hs_num_child_companies", children.to_string());
    }

    /// Who does what the portal does by itself.
    pub fn system() -> Actor {
        Actor::Human(SYSTEM.to_owned())
    }
}
