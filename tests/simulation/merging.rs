//! Merges that people make in the two systems, and what must have become of the links of what was merged.

use lockstep::engine::core::command::{Batch, Row};
use lockstep::engine::core::state::{IssueClass, Link, LinkState};
use lockstep::mapping::keys::id_of_stamp;
use lockstep::model::{BySystem, FieldName, ObjectKind, RecordId, RecordRef, System, Value};

use crate::fields::SPECS;
use crate::scenario::MergedKey;
use crate::server::{By, Change, Mutation, Server, everyone, ids};
use crate::simulation::Simulation;

/// A user does not know what was agreed.
const BY: By = By::User { settled: false };

/// The objects that people of a system can merge.
pub const fn can_be_merged(system: System, object: ObjectKind) -> bool {
    match system {
        System::HubSpot => crate::server::has_unique_keys(object),
        System::ConnectWise => matches!(object, ObjectKind::Company | ObjectKind::Ticket),
    }
}

impl Server {
    /// Merges `other` into `first`.
    pub fn merge(&mut self, now: i64, first: RecordId, other: RecordId, ledger: &mut Vec<Mutation>) {
        match self.system {
            System::HubSpot => self.merge_into_one(now, first, other, ledger),
            System::ConnectWise if self.named(first).object == ObjectKind::Ticket => {
                self.merge_tickets(now, first, other, ledger);
            }
            System::ConnectWise => {
                let change = if self.temper.merges.purge { Change::Purged } else { Change::Deleted };
                self.move_children(now, &[other], first, ledger);
                if let Some(entry) = self.records.get(&other) {
                    let lost = entry.fields.iter().map(|(name, value)| (name.clone(), value.clone(), Value::Empty));
                    self.tell(now, other, entry.object, lost.collect(), ledger);
                }
                self.move_record(now, other, change, ledger);
                self.merged.insert(other, first);
            }
        }
    }

    /// ConnectWise keeps the ticket that goes in its lists, closed, where it names the other one. Nothing of its values goes
    /// along. What belonged to it may be left with it: nobody tells.
    fn merge_tickets(&mut self, now: i64, first: RecordId, other: RecordId, ledger: &mut Vec<Mutation>) {
        let Some(one) = self.records.get(&first).cloned() else { return };
        if !self.temper.merges.purge {
            self.move_children(now, &[other], first, ledger);
        }
        let Some(entry) = self.records.get_mut(&other) else { return };
        entry.archived = true;
        entry.into = Some(first);
        let lost = entry.fields.iter().filter(|(name, value)| one.fields.get(*name) != Some(*value));
        let kept = |name: &FieldName| one.fields.get(name).cloned().unwrap_or(Value::Empty);
        let fields = lost.map(|(name, value)| (name.clone(), value.clone(), kept(name))).collect();
        self.merged.insert(other, first);
        self.touch(now, other);
        if !self.temper.merges.are_quiet {
            self.touch(now, first);
        }
        self.tell(now, other, ObjectKind::Ticket, fields, ledger);
    }

    /// HubSpot keeps the values of the first, and those of the other where the first has none.
    fn merge_into_one(&mut self, now: i64, first: RecordId, other: RecordId, ledger: &mut Vec<Mutation>) {
        let merges = self.temper.merges;
        let (Some(one), Some(two)) = (self.records.get(&first).cloned(), self.records.remove(&other)) else { return };
        let object = one.object;
        let makes_new = merges.make_new || object == ObjectKind::Deal;
        let mut whole = one.fields.clone();
        for (name, value) in &two.fields {
            let all_count = crate::fields::index_of(object, self.system, name.as_str())
                .is_some_and(|at| SPECS[at].holds_several(System::HubSpot));
            let both = everyone(ids(whole.get(name).unwrap_or(&Value::Empty)).into_iter().chain(ids(value)));
            let kept = whole.entry(name.clone()).or_insert_with(|| value.clone());
            if all_count {
                *kept = both;
            }
        }
        let stamp = match merges.key {
            MergedKey::OfSurvivor => one.stamp.clone().or(two.stamp),
            MergedKey::OfOther => two.stamp.or(one.stamp.clone()),
            MergedKey::Neither => None,
        };
        let survivor = if makes_new { self.rename(first) } else { first };
        let losers: Vec<RecordId> = if makes_new { vec![first, other] } else { vec![other] };
        for loser in &losers {
            self.merged.insert(*loser, survivor);
            let lost = if *loser == first { &one.fields } else { &two.fields };
            let lost = lost.iter().filter(|(name, value)| whole.get(*name) != Some(*value));
            let fields = lost.map(|(name, value)| (name.clone(), value.clone(), whole[name].clone())).collect();
            self.tell(now, *loser, object, fields, ledger);
        }
        if let Some(entry) = self.records.get_mut(&survivor) {
            let before = |name: &FieldName| if makes_new { Value::Empty } else { entry.value(name.as_str()).clone() };
            let got = whole.iter().filter(|(name, value)| before(name) != **value);
            let fields = got.map(|(name, value)| (name.clone(), before(name), value.clone())).collect();
            entry.fields = whole;
            entry.stamp = stamp;
            entry.merged.extend(two.merged.iter().copied().chain(losers.iter().copied()));
            self.tell(now, survivor, object, fields, ledger);
        }
        self.touch(now, survivor);
        self.move_children(now, &losers, survivor, ledger);
    }

    /// What becomes a new record that is otherwise the same.
    fn rename(&mut self, id: RecordId) -> RecordId {
        let Some(mut entry) = self.records.remove(&id) else { return id };
        self.next += 1;
        entry.id = RecordId(self.next);
        self.kinds.insert(entry.id, entry.object);
        entry.forget_index();
        let new = entry.id;
        self.records.insert(new, entry);
        new
    }

    fn tell(
        &self,
        now: i64,
        record: RecordId,
        object: ObjectKind,
        fields: Vec<(FieldName, Value, Value)>,
        ledger: &mut Vec<Mutation>,
    ) {
        ledger.push(Mutation { at: now, system: self.system, object, record, by: BY, what: Change::Merged, fields });
    }

    /// What belonged to one belongs to the other.
    fn move_children(&mut self, now: i64, from: &[RecordId], to: RecordId, ledger: &mut Vec<Mutation>) {
        let Some(object) = from.first().map(|id| self.named(*id).object) else { return };
        for spec in SPECS.iter().filter(|spec| spec.parent() == Some(object)) {
            let name = FieldName::new(spec.name(self.system));
            let mut moved = Vec::new();
            for entry in self.records.values().filter(|entry| entry.object == spec.object) {
                let held = ids(entry.value(name.as_str()));
                if held.iter().any(|id| from.contains(id)) {
                    let held = held.into_iter().map(|id| if from.contains(&id) { to } else { id });
                    moved.push((entry.id, entry.modified, everyone(held)));
                }
            }
            for (id, modified, value) in moved {
                self.set(now, id, BY, &[(name.clone(), value)], None, ledger);
                if self.temper.merges.are_quiet
                    && let Some(entry) = self.records.get_mut(&id)
                {
                    entry.modified = modified;
                }
            }
        }
    }
}

/// The link of a HubSpot record that is about to be merged, where it takes part.
pub fn link_before(sim: &Simulation<'_>, record: RecordRef) -> Option<Link> {
    sim.store
        .link_at(record)
        .filter(|link| record.system == System::HubSpot && link.state == LinkState::Active)
        .cloned()
}

/// Notes whose partner the survivor of two linked HubSpot records must have: a record that goes on keeps its own, a new one
/// gets the one that its key names.
pub fn note_heir(sim: &mut Simulation<'_>, first: RecordRef, links: [Option<Link>; 2]) {
    let [Some(one), Some(other)] = links else { return };
    let survivor = sim.servers.hubspot.survivor(first.id);
    if survivor == first.id {
        return sim.watch.heirs.push((survivor, one.connectwise));
    }
    let stamp = sim.servers.hubspot.records.get(&survivor).and_then(|entry| entry.stamp.clone());
    let named = stamp.and_then(|stamp| id_of_stamp(first.object, &stamp));
    let lower = if one.hubspot < other.hubspot { one.connectwise } else { other.connectwise };
    if let Some(named) = named.filter(|named| [one.connectwise, other.connectwise].contains(named)) {
        sim.watch.heirs.push((survivor, named));
        if named != lower {
            sim.outcome.counters.saw(KEY_OF_THE_OTHER);
        }
    }
}

/// What the worlds must meet.
pub const KEY_OF_THE_OTHER: &str = "a merge of two linked records into a new one that carries the key of the later one";

/// And this one.
pub const LINK_OF_A_TICKET: &str =
    "a link that went along when its ConnectWise ticket was merged into one that had none";

/// Counts links that went along with a merge of ConnectWise tickets.
pub fn at_commit(sim: &mut Simulation<'_>, batch: &Batch) {
    let along = batch.rows.iter().any(|row| match row {
        Row::Link(link) => sim.store.links.get(&link.id).is_some_and(|before| {
            let [from, to] = [before, link].map(|link| link.record(System::ConnectWise));
            from != to && sim.servers[System::ConnectWise].survivor(from.id) == to.id
        }),
        _ => false,
    });
    if along {
        sim.outcome.counters.saw(LINK_OF_A_TICKET);
    }
}

/// Of two linked records that became one the right link went along.
pub fn the_right_link_went_along(sim: &mut Simulation<'_>) {
    let moved = |system: System, id: RecordId| {
        let is_move = |change| matches!(change, Change::Deleted | Change::Purged | Change::Restored);
        sim.ledger.iter().any(|raw| raw.system == system && raw.record == id && is_move(raw.what))
    };
    let wrong = sim.watch.heirs.iter().find(|(survivor, partner)| {
        let stay = sim.live(System::HubSpot, *survivor) && sim.live(System::ConnectWise, *partner);
        let record = sim.servers.hubspot.named(*survivor);
        let is_followed = sim.store.link_at(record).is_some_and(|link| link.connectwise == *partner);
        stay && !is_followed && !moved(System::HubSpot, *survivor) && !moved(System::ConnectWise, *partner)
    });
    if let Some((survivor, partner)) = wrong.copied() {
        let record = sim.servers.hubspot.named(survivor);
        let link = sim.store.link_at(record).map(|link| link.connectwise);
        let text = format!("{record} came of a merge as the partner of {partner}, and is linked with {link:?}");
        sim.violate("i5_the_right_link_goes_along", text);
    }
}

/// The links of what was merged go along where the survivor has none; where it has one, a person is told.
pub fn merges_are_followed(sim: &mut Simulation<'_>) {
    let mut wrong = Vec::new();
    for (object, hubspot, connectwise) in &sim.store.pairs_ever {
        let pair = BySystem::new(*hubspot, *connectwise);
        for system in System::BOTH {
            let (server, there) = (&sim.servers[system], system.other());
            let loser = RecordRef::new(*object, system, pair[system]);
            let left = RecordRef::new(*object, there, pair[there]);
            if !server.merged.contains_key(&loser.id) || !server.tells_survivors(loser.id) {
                continue;
            }
            let survivor = server.named(server.survivor(loser.id));
            let both = sim.is_live(survivor) && sim.is_live(left);
            let followed = sim.store.link_at(survivor).is_some_and(|link| link.record(there) == left);
            // it was linked with another one since, or a person was told
            let elsewhere = sim.store.link_at(left).is_none_or(|link| link.state == LinkState::Active);
            let told = System::BOTH.into_iter().any(|system| {
                let link = sim.store.link_at(left);
                let issues = link.map(|link| sim.store.issues_at(link.record(system)));
                issues.into_iter().flatten().any(|issue| issue.class == IssueClass::Merged)
            });
            if both && !followed && !elsewhere && !told {
                wrong.push(format!("{loser} was merged into {survivor}, and nothing tells of {left}"));
            }
        }
    }
    for text in wrong {
        sim.violate("i5_merges_are_followed", text);
    }
}
