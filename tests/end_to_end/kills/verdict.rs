//! What must hold once all is calm, judged by the systems' own ledger and by what the workspace tells a person.

use std::collections::{BTreeMap, BTreeSet};

use super::people::{KINDS, Kind, place, records};
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
        for kind in &KINDS {
            let pairs = self.pairs(kind, &ledger, &mut wrong);
            for (name, pair) in &pairs {
                for names in kind.fields {
                    let mut what = Vec::new();
                    self.judge_field(kind, *names, pair, &ledger, &mut |one| what.push(one));
                    if !what.is_empty() {
                        wrong.push(format!("{name} {}: {}", names[0], what.join("; ")));
                        wrong.extend(self.story(kind, *names, pair, &ledger));
                    }
                }
            }
            self.judge_parents(kind, &pairs, &mut wrong);
        }
        self.judge_journal(&ledger, &mut wrong);
        if wrong.is_empty() { Ok(self.seen) } else { Err(wrong) }
    }

    /// Everything there is is there once, in both systems and linked, unless somebody deleted it.
    fn pairs(&self, kind: &Kind, ledger: &[Mutation], wrong: &mut Vec<String>) -> BTreeMap<String, [u64; 2]> {
        let mut there: BTreeMap<String, [Vec<u64>; 2]> = BTreeMap::new();
        for side in [HUBSPOT, CONNECTWISE] {
            for record in records(&self.bench, side, kind.object) {
                let of = there.entry(kind.name_of(side, &record)).or_default();
                of[place(side)].push(record["id"].as_u64().unwrap());
            }
        }
        let deleted: BTreeSet<(Side, u64)> = ledger
            .iter()
            .filter(|change| change.object == kind.object && change.verb == Verb::Delete)
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
            let link = |side: Side, id| {
                let system = if side == HUBSPOT { System::HubSpot } else { System::ConnectWise };
                reader.link_of(RecordRef::new(kind.known_as, system, RecordId(id))).unwrap()
            };
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
                    if partner.is_none_or(|partner| !deleted.contains(&partner)) {
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
            let record = self.bench.running.control.record(side, kind.object, pair[place(side)]).unwrap();
            plain(&record[names[place(side)]])
        });
        let [value, other] = &end;
        if value != other {
            return wrong(format!("HubSpot ends with {value:?}, ConnectWise with {other:?}"));
        }
        let edits: Vec<Edit> = ledger
            .iter()
            .filter(|change| change.object == kind.object && change.id == pair[place(change.side)])
            .filter_map(|change| {
                let (before, after) = change.fields.get(names[place(change.side)])?;
                let by_person = matches!(change.actor, Actor::Human(_));
                Some(Edit { before: plain(before), after: plain(after), by_person, of: (change.side, change.id) })
            })
            .collect();
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

    /// What happened to a field of a pair, by the systems and by the history.
    fn story(&self, kind: &Kind, names: [&str; 2], pair: &[u64; 2], ledger: &[Mutation]) -> Vec<String> {
        let of_pair =
            ledger.iter().filter(|change| change.object == kind.object && change.id == pair[place(change.side)]);
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
                if names.contains(&row.entry.field.as_str()) {
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
                kept.losers.extend(row.entry.loser.map(|value| value.to_plain()));
                kept.writes.insert((row.entry.before.to_plain(), row.entry.after.to_plain()));
            }
        }
        kept
    }

    /// The parent of a record is the partner of its partner's parent.
    fn judge_parents(&self, kind: &Kind, pairs: &BTreeMap<String, [u64; 2]>, wrong: &mut Vec<String>) {
        let Some(fields) = kind.parent else { return };
        let reader = self.bench.workspace.reader().unwrap();
        for (name, pair) in pairs {
            let record = |side| self.bench.running.control.record(side, kind.object, pair[place(side)]).unwrap();
            let hubspot: u64 = plain(&record(HUBSPOT)[fields[0]]).parse().unwrap();
            let connectwise = record(CONNECTWISE)[fields[1]]["id"].as_u64().unwrap();
            let link = reader.link_of(at(System::HubSpot, hubspot)).unwrap();
            if link.as_ref().map(|link| link.connectwise.0) != Some(connectwise) {
                wrong.push(format!("{name}: its company is {hubspot} and {connectwise}, linked: {link:?}"));
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
            let Some(kind) = KINDS.iter().find(|kind| kind.object == change.object) else { continue };
            let system = if change.side == HUBSPOT { System::HubSpot } else { System::ConnectWise };
            let record = RecordRef::new(kind.known_as, system, RecordId(change.id));
            let told = reader.history_of(record, None, 10_000).unwrap();
            for names in kind.fields {
                let name = names[place(change.side)];
                let Some((_, after)) = change.fields.get(name) else { continue };
                let mut rows = told.iter().filter(|row| row.entry.field.as_str() == name);
                if !rows.any(|row| row.entry.after.to_plain() == plain(after)) {
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

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}
