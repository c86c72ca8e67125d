//! What must hold once all is calm, judged by the systems' own ledger and by what the workspace tells a person.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::{Kind, place, plain, system, words};
use super::world::World;
use super::*;

/// A value that somebody entered into a field of a record.
struct Edit {
    before: String,
    after: String,
    by_person: bool,
    of: (Side, u64),
}

impl World {
    pub fn verdict(mut self) -> Result<Seen, Vec<String>> {
        let mut wrong = Vec::new();
        let ledger = self.bench.running.control.ledger(0);
        for kind in self.kinds.clone() {
            let pairs = self.pairs(kind, &ledger, &mut wrong);
            for (name, pair) in &pairs {
                for (names, _) in kind.fields {
                    let mut what = Vec::new();
                    self.judge_field(kind, *names, pair, &ledger, &mut |one| what.push(one));
                    if !what.is_empty() {
                        wrong.push(format!("{name} {}: {}", names[0], what.join("; ")));
                        wrong.extend(self.story(kind, *names, pair, &ledger));
                    }
                }
            }
            self.judge_parents(kind, &pairs, &ledger, &mut wrong);
        }
        self.judge_journal(&ledger, &mut wrong);
        if wrong.is_empty() { Ok(self.seen) } else { Err(wrong) }
    }

    /// Everything there is is there once, in both systems and linked, unless somebody deleted it.
    fn pairs(&self, kind: &Kind, ledger: &[Mutation], wrong: &mut Vec<String>) -> BTreeMap<String, [u64; 2]> {
        let mut there: BTreeMap<String, [Vec<u64>; 2]> = BTreeMap::new();
        for side in [HUBSPOT, CONNECTWISE] {
            for record in kind.records(&self.bench, side) {
                let of = there.entry(kind.name_of(side, &record)).or_default();
                of[place(side)].push(record["id"].as_u64().unwrap());
            }
        }
        let deleted: BTreeSet<(Side, u64)> = ledger
            .iter()
            .filter(|change| kind.has(change) && change.verb == Verb::Delete)
            .map(|change| (change.side, change.id))
            .collect();
        if let Some(by) =
            ledger.iter().find(|change| change.verb == Verb::Delete && matches!(change.actor, Actor::Api(_)))
        {
            wrong.push(format!("deleted by Lockstep: {by:?}"));
        }
        let reader = self.bench.workspace.reader().unwrap();
        let mut pairs = BTreeMap::new();
        for (name, of) in there {
            let link =
                |side: Side, id| reader.link_of(RecordRef::new(kind.known_as, system(side), RecordId(id))).unwrap();
            match (&of[0][..], &of[1][..]) {
                ([hubspot], [connectwise]) => match link(HUBSPOT, *hubspot) {
                    Some(link) if link.connectwise.0 == *connectwise && link.state == LinkState::Active => {
                        pairs.insert(name, [*hubspot, *connectwise]);
                    }
                    other => wrong.push(format!("{name}: {hubspot} and {connectwise} are not linked but {other:?}")),
                },
                ([one], []) | ([], [one]) => {
                    let side = if of[0].is_empty() { CONNECTWISE } else { HUBSPOT };
                    // Deleted before or after it was linked: there is one record, and its partner is among the deleted.
                    let partner = link(side, *one).map(|link| match side {
                        HUBSPOT => (CONNECTWISE, link.connectwise.0),
                        CONNECTWISE => (HUBSPOT, link.hubspot.0),
                    });
                    let is_gone = match partner {
                        Some(partner) => deleted.contains(&partner),
                        None => kind.is_copy && is_left_alone(kind, &name, ledger, &deleted),
                    };
                    if !is_gone {
                        wrong.push(format!("{name}: {of:?}, nobody deleted its partner {partner:?}"));
                    }
                }
                _ => wrong.push(format!("{name} is there more than once: {of:?}")),
            }
        }
        pairs
    }

    fn judge_field(
        &mut self,
        kind: &Kind,
        names: [&str; 2],
        pair: &[u64; 2],
        ledger: &[Mutation],
        wrong: &mut dyn FnMut(String),
    ) {
        let end = [HUBSPOT, CONNECTWISE].map(|side| {
            let record = self.bench.running.control.record(side, kind.object(side), pair[place(side)]).unwrap();
            plain(&record[names[place(side)]])
        });
        let edits: Vec<Edit> = ledger
            .iter()
            .filter(|change| kind.has(change) && change.id == pair[place(change.side)])
            .filter_map(|change| {
                let (before, after) = change.fields.get(names[place(change.side)])?;
                let by_person = matches!(change.actor, Actor::Human(_));
                Some(Edit { before: plain(before), after: plain(after), by_person, of: (change.side, change.id) })
            })
            .collect();
        if kind.is_copy {
            return self.judge_copy(&end, &edits, &self.kept(kind, pair), wrong);
        }
        let [value, other] = &end;
        if value != other {
            return wrong(format!("HubSpot ends with {value:?}, ConnectWise with {other:?}"));
        }
        let entered: Vec<&Edit> = edits.iter().filter(|edit| edit.by_person && !edit.after.is_empty()).collect();
        if !value.is_empty() && entered.iter().all(|edit| edit.after != *value) {
            wrong(format!("nobody entered {value:?}"));
        }
        if value.is_empty() && !entered.is_empty() {
            wrong("it is empty though somebody filled it".to_owned());
        }
        if let Some(newer) = entered.iter().find(|edit| edit.before == *value) {
            wrong(format!("it ends with {value:?}, which somebody replaced by {:?}", newer.after));
        }
        let kept = self.kept(kind, pair);
        for edit in &entered {
            let replaced = entered.iter().any(|later| later.before == edit.after);
            if edit.after == *value || replaced {
                continue;
            }
            if kept.losers.contains(&edit.after) {
                self.seen.losers += 1;
            } else if is_blind(edit, &edits, &kept) {
                self.seen.blind += 1;
            } else {
                wrong(format!("{:?}, entered in {}, is gone without a trace", edit.after, edit.of.0.name()));
            }
        }
    }

    /// A field that goes to HubSpot alone: it ends as ConnectWise has it, or as somebody left it in HubSpot after that.
    fn judge_copy(&mut self, [here, there]: &[String; 2], edits: &[Edit], kept: &Kept, wrong: &mut dyn FnMut(String)) {
        let of_side = |side| edits.iter().filter(move |edit| edit.of.0 == side);
        let typed = of_side(CONNECTWISE).next_back().map(|edit| &edit.after);
        if of_side(CONNECTWISE).any(|edit| !edit.by_person) || typed != Some(there) {
            wrong(format!("ConnectWise ends with {there:?}, and somebody entered {typed:?}"));
        }
        let since: Vec<&Edit> = of_side(HUBSPOT).skip_while(|edit| edit.after != *there).collect();
        if since.is_empty() {
            wrong(format!("HubSpot never had {there:?}, it ends with {here:?}"));
        }
        let last = since.iter().rposition(|edit| edit.after == *there).unwrap_or(0);
        if let Some(edit) = since.iter().skip(last + 1).find(|edit| !edit.by_person) {
            wrong(format!("{:?} was written over {:?}, which is what ConnectWise has", edit.after, edit.before));
        }
        let typed: BTreeSet<&String> = edits.iter().filter(|edit| edit.by_person).map(|edit| &edit.after).collect();
        for edit in of_side(HUBSPOT).filter(|edit| !typed.contains(&edit.after)) {
            wrong(format!("nobody entered {:?}", edit.after));
        }
        for edit in of_side(HUBSPOT).filter(|edit| edit.by_person && edit.after != *here) {
            let over = |write: &&Edit| write.of == edit.of && write.before == edit.after;
            if edits.iter().filter(over).any(|write| write.by_person) {
                continue;
            }
            if kept.losers.contains(&edit.after) || kept.writes.iter().any(|(before, _)| *before == edit.after) {
                self.seen.losers += 1;
            } else if is_blind(edit, edits, kept) {
                self.seen.blind += 1;
            } else {
                wrong(format!("{:?}, entered in HubSpot, is gone without a trace", edit.after));
            }
        }
    }

    /// What happened to a field of a pair, by the systems and by the history.
    fn story(&self, kind: &Kind, names: [&str; 2], pair: &[u64; 2], ledger: &[Mutation]) -> Vec<String> {
        let of_pair = ledger.iter().filter(|change| kind.has(change) && change.id == pair[place(change.side)]);
        let mut story: Vec<String> = of_pair
            .map(|change| {
                let field = change.fields.get(names[place(change.side)]);
                format!(
                    "    {} {} {:?} by {:?} {field:?}",
                    change.at_ms,
                    change.side.name(),
                    change.verb,
                    change.actor.name()
                )
            })
            .collect();
        let reader = self.bench.workspace.reader().unwrap();
        for (system, id) in System::BOTH.into_iter().zip(pair) {
            let record = RecordRef::new(kind.known_as, system, RecordId(*id));
            for row in reader.history_of(record, None, 10_000).unwrap().into_iter().rev() {
                if names.iter().any(|name| is_of(row.entry.field.as_str(), name)) {
                    story.push(format!("    history: {:?}", row.entry));
                }
            }
            for intent in reader.intents_of(record, None, 100).unwrap().into_iter().rev() {
                story.push(format!("    journal: {intent:?}"));
            }
        }
        story
    }

    /// What the history keeps of a pair.
    fn kept(&self, kind: &Kind, pair: &[u64; 2]) -> Kept {
        let reader = self.bench.workspace.reader().unwrap();
        let mut kept = Kept::default();
        for (system, id) in System::BOTH.into_iter().zip(pair) {
            let record = RecordRef::new(kind.known_as, system, RecordId(*id));
            for row in reader.history_of(record, None, 10_000).unwrap() {
                kept.losers.extend(row.entry.loser.map(|value| words(&value.to_plain())));
                kept.writes.insert((words(&row.entry.before.to_plain()), words(&row.entry.after.to_plain())));
            }
        }
        kept
    }

    /// The parent of a record is the partner of its partner's parent.
    fn judge_parents(
        &self,
        kind: &Kind,
        pairs: &BTreeMap<String, [u64; 2]>,
        ledger: &[Mutation],
        wrong: &mut Vec<String>,
    ) {
        let Some((parent, fields)) = kind.parent else { return };
        let reader = self.bench.workspace.reader().unwrap();
        for (name, pair) in pairs {
            let record = |side| self.bench.running.control.record(side, kind.object(side), pair[place(side)]).unwrap();
            let hubspot = match fields[0].strip_prefix("associations/") {
                Some(objects) => associated(kind, pair[0], objects, ledger),
                None => vec![plain(&record(HUBSPOT)[fields[0]]).parse().unwrap()],
            };
            let connectwise = record(CONNECTWISE)[fields[1]]["id"].as_u64().unwrap();
            let link = reader.link_of(RecordRef::new(parent, System::ConnectWise, RecordId(connectwise))).unwrap();
            let expected: Vec<u64> = link.iter().map(|link| link.hubspot.0).collect();
            if hubspot != expected {
                wrong.push(format!("{name}: its {parent} is {hubspot:?} and {connectwise}, linked: {link:?}"));
            }
        }
    }

    /// Every write that a system knows of is told in the history, and nothing is left open. What became of a write to a
    /// record that somebody deleted before it was looked up, nobody can tell.
    fn judge_journal(&self, ledger: &[Mutation], wrong: &mut Vec<String>) {
        let reader = self.bench.workspace.reader().unwrap();
        let open = reader.open_intents().unwrap();
        if !open.is_empty() {
            wrong.push(format!("still open: {open:?}"));
        }
        let deleted = |change: &Mutation| {
            let is_end = |later: &&Mutation| later.verb == Verb::Delete && later.side == change.side;
            ledger.iter().filter(is_end).any(|later| (later.object, later.id) == (change.object, change.id))
        };
        let ours = ledger.iter().filter(|change| matches!(change.actor, Actor::Api(_)));
        for change in ours.filter(|change| !deleted(change)) {
            let is_of_kind = |kind: &&&Kind| {
                let there = || self.bench.running.control.record(change.side, change.object, change.id).unwrap();
                let is_mine = |of_type| change.side == HUBSPOT || there()["type"]["id"] == of_type;
                kind.has(change) && kind.of_type.is_none_or(is_mine)
            };
            let Some(kind) = self.kinds.iter().find(is_of_kind) else { continue };
            let record = RecordRef::new(kind.known_as, system(change.side), RecordId(change.id));
            let told = reader.history_of(record, None, 10_000).unwrap();
            for (names, _) in kind.fields {
                let name = names[place(change.side)];
                let Some((_, after)) = change.fields.get(name) else { continue };
                let mut rows = told.iter().filter(|row| is_of(row.entry.field.as_str(), name));
                if !rows.any(|row| words(&row.entry.after.to_plain()) == plain(after)) {
                    let intents = reader.intents_of(record, None, 100).unwrap();
                    wrong.push(format!(
                        "{record} {name}: {after} was written and is not in the history: {change:?} {intents:?} {:?}",
                        reader.link_of(record)
                    ));
                }
            }
        }
    }
}

#[derive(Default)]
struct Kept {
    losers: BTreeSet<String>,
    /// What was believed to be there, and what was written over it.
    writes: BTreeSet<(String, String)>,
}

/// Somebody entered it between the read and the write: the write that replaced it did not know of it.
fn is_blind(edit: &Edit, edits: &[Edit], kept: &Kept) -> bool {
    let mut over = edits.iter().filter(|write| !write.by_person && write.of == edit.of && write.before == edit.after);
    over.any(|write| !kept.writes.contains(&(write.before.clone(), write.after.clone())))
}

/// Whether somebody typed this one in HubSpot, and deleted what it would have been linked with before that came to be.
fn is_left_alone(kind: &Kind, name: &str, ledger: &[Mutation], deleted: &BTreeSet<(Side, u64)>) -> bool {
    let made = |side: Side| {
        let is_named = move |change: &&Mutation| {
            let named = change.fields.get(kind.name[place(side)]);
            change.verb == Verb::Create && named.is_some_and(|(_, after)| plain(after) == name)
        };
        ledger.iter().filter(move |change| change.side == side && kind.has(change)).filter(is_named)
    };
    let by_person = |change: &Mutation| matches!(change.actor, Actor::Human(_));
    made(HUBSPOT).all(by_person) && made(CONNECTWISE).any(|change| deleted.contains(&(CONNECTWISE, change.id)))
}

/// Whether the history means this field: some are told with what stands in for them, as `notes/name`.
fn is_of(told: &str, field: &str) -> bool {
    told.split('/').next() == Some(field)
}

/// The records of an object that HubSpot shows with one.
fn associated(kind: &Kind, id: u64, objects: &str, ledger: &[Mutation]) -> Vec<u64> {
    let ties = ledger.iter().filter(|change| {
        change.verb == Verb::Associate && change.side == HUBSPOT && kind.has(change) && change.id == id
    });
    let mut with = BTreeSet::new();
    for (other, (_, after)) in ties.flat_map(|change| &change.fields) {
        let Some((_, other)) = other.split_once('/').filter(|(object, _)| *object == objects) else { continue };
        let other: u64 = other.parse().unwrap();
        if after.is_null() {
            with.remove(&other)
        } else {
            with.insert(other)
        };
    }
    with.into_iter().collect()
}
