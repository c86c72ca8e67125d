//! What must hold of all records, of the journal, and of pushes.

use std::collections::BTreeSet;

use lockstep::engine::core::command::Ask;
use lockstep::engine::core::state::{Intent, IntentKind, IntentState, IssueClass, Link, LinkState, RecordState};
use lockstep::mapping::keys::id_of_stamp;
use lockstep::model::{IntentId, ObjectKind, RecordRef, System};

use super::pair::are_partners;
use super::{live_pairs, waits};
use crate::fields::{SPECS, Shape, is_one_way, place_of, places};
use crate::oracle::partner_of;
use crate::server::{By, Entry, ids};
use crate::simulation::Simulation;

/// No living record is left behind without a link or a reason.
pub(super) fn i1_everything_crosses(sim: &mut Simulation<'_>) {
    let mut lost = Vec::new();
    for system in System::BOTH {
        for entry in sim.servers[system].records.values().filter(|entry| !entry.archived) {
            if places(entry.object, sim.scenario.fields).next().is_none() {
                continue;
            }
            let record = sim.servers[system].named(entry.id);
            let link = sim.store.link_at(record);
            let explained = sim.store.issues_at(record).any(|issue| waits(&issue));
            match link {
                None if !explained && !stays_behind(sim, entry) => {
                    lost.push(format!("{record} has neither a partner nor an issue"))
                }
                Some(link) if link.state == LinkState::Tomb => {
                    let both = System::BOTH.into_iter().all(|system| sim.is_live(link.record(system)));
                    let explained = System::BOTH
                        .into_iter()
                        .any(|system| sim.store.issues_at(link.record(system)).any(|issue| waits(&issue)));
                    if both && !explained {
                        lost.push(format!("{record} was restored, and link {} is still a tomb", link.id));
                    }
                }
                _ => {}
            }
        }
    }
    for text in lost {
        sim.violate("i1_convergence", text);
    }
}

/// A link between two records of which one is gone takes part no longer, once everything was read again.
pub(super) fn i5_deletions_are_noticed(sim: &mut Simulation<'_>) {
    let dead = |link: &&Link| System::BOTH.into_iter().any(|system| !sim.is_live(link.record(system)));
    let active = sim.store.links.values().filter(|link| link.state == LinkState::Active);
    let unnoticed = active.filter(|link| places(link.object, sim.scenario.fields).next().is_some()).find(dead);
    if let Some(link) = unnoticed {
        let text =
            format!("link {} ({} ~ {}) is active, and one of the two is gone", link.id, link.hubspot, link.connectwise);
        sim.violate("i5_deletions_are_noticed", text);
    }
}

/// Whether a record stays behind because of its company, for want of a key, because somebody deleted its copy before they
/// were linked, or as the mapping says; and tells so.
fn stays_behind(sim: &Simulation<'_>, entry: &Entry) -> bool {
    let system = if entry.id.0 < 1000 { System::ConnectWise } else { System::HubSpot };
    let value = |shape| place_of(entry.object, shape).map(|at| entry.value(SPECS[at].name(system)).to_plain());
    let record = RecordRef::new(entry.object, system, entry.id);
    let company = value(Shape::Reference);
    let no_contact =
        |contacts: String| contacts.split(';').any(|id| partner_of(sim, ObjectKind::Contact, system, id).is_none());
    let is_later = entry.object.is_activity() || entry.object == ObjectKind::LineItem;
    let is_of_deal = matches!(entry.object, ObjectKind::Deal | ObjectKind::Ticket);
    let copies = sim.watch.copies.get(&(system.other(), record));
    let is_deleted = copies.is_some_and(|copies| copies.iter().all(|copy| !sim.live(system.other(), *copy)));
    // what was made of a record that is gone, or was named as its partner, is nobody's either
    let named = entry.stamp.as_deref().and_then(|stamp| id_of_stamp(entry.object, stamp));
    let names_a_dead_one = named.is_some_and(|id| !sim.live(system.other(), id));
    let cause = is_deleted
        || names_a_dead_one
        || is_later && lacks_somebody(sim, entry, system)
        || !is_later
            && company.is_some_and(|company| {
                company.is_empty() || partner_of(sim, ObjectKind::Company, system, &company).is_none()
            })
        || (entry.object == ObjectKind::Deal && value(Shape::Contacts).is_some_and(no_contact))
        || (entry.object != ObjectKind::Company
            && !is_of_deal
            && !is_later
            && value(Shape::Key).is_none_or(|key| key.is_empty()))
        || (is_one_way(entry.object) && system == System::HubSpot);
    let told = sim.store.statuses.get(&record).is_some_and(|status| {
        matches!(status.state, RecordState::Waiting | RecordState::Excluded | RecordState::Gone)
            && !status.why.is_empty()
    });
    cause && told
}

/// Whether a line item waits for its deal or product, or an activity for its company, or without one for its contact.
fn lacks_somebody(sim: &Simulation<'_>, entry: &Entry, system: System) -> bool {
    let lacks = |shape: Shape| {
        let at = places(entry.object, sim.scenario.fields).find(|at| SPECS[*at].shape == shape)?;
        let spec = &SPECS[at];
        let held = ids(entry.value(spec.name(system)));
        let parent = spec.parent()?;
        let is_unlinked = held.iter().any(|id| partner_of(sim, parent, system, &id.to_string()).is_none());
        Some((held.is_empty(), is_unlinked))
    };
    if entry.object == ObjectKind::LineItem {
        return lacks(Shape::Deal).is_none_or(|(none, unlinked)| none || unlinked)
            || lacks(Shape::Product).is_some_and(|(_, unlinked)| unlinked);
    }
    match lacks(Shape::Reference) {
        Some((false, unlinked)) => unlinked,
        _ => lacks(Shape::Contacts).is_none_or(|(none, unlinked)| none || unlinked),
    }
}

/// Nothing is open, what is said to be applied is in the history, what is said to be refused never landed.
pub(super) fn i10_journal_completeness(sim: &mut Simulation<'_>) {
    let mut wrong = Vec::new();
    let landed: BTreeSet<IntentId> = sim
        .ledger
        .iter()
        .filter_map(|mutation| match mutation.by {
            By::Engine { intent, .. } => Some(intent),
            By::User { .. } => None,
        })
        .collect();
    for intent in sim.store.intents.values() {
        match intent.state {
            IntentState::Sent | IntentState::Unknown if is_refused(sim, intent) => {}
            IntentState::Sent | IntentState::Unknown => wrong.push(format!("i{} is still open", intent.id)),
            IntentState::Applied => {
                let missing = intent.writes.iter().find(|write| {
                    let told = |entry: &&lockstep::engine::core::state::HistoryEntry| {
                        entry.intent == intent.id && entry.field == write.field && entry.after == write.after
                    };
                    !sim.store.history.iter().any(|entry| told(&entry))
                });
                if let Some(write) = missing {
                    wrong.push(format!("i{} was applied, and no history tells of {}", intent.id, write.field));
                }
                if intent.kind == IntentKind::Create && !landed.contains(&intent.id) {
                    wrong.push(format!("i{} is said to be applied and created nothing", intent.id));
                }
            }
            IntentState::Rejected if landed.contains(&intent.id) => {
                wrong.push(format!("i{} is said to be refused and took effect", intent.id));
            }
            _ => {}
        }
    }
    for text in wrong {
        sim.violate("i10_journal_completeness", text);
    }
}

/// Whether one of the two systems refuses what a record holds: then it is tried again now and then.
fn is_refused(sim: &Simulation<'_>, intent: &Intent) -> bool {
    let records = [Some(intent.source_record()), intent.target_record()];
    records.into_iter().flatten().any(|record| sim.watch.refused.contains(&record))
}

/// The records that wait for a change because of what they hold.
pub(super) fn refused(sim: &Simulation<'_>) -> BTreeSet<RecordRef> {
    let of_values = |class| matches!(class, IssueClass::Rejected | IssueClass::FalseSuccess | IssueClass::UnfitValue);
    let records = sim.store.issues.values().filter(|issue| of_values(issue.class)).map(|issue| issue.record);
    let pair = |record| {
        let link = sim.store.link_at(record);
        let both = link.map(|link| System::BOTH.map(|system| link.record(system)));
        both.map_or_else(|| vec![record], |both| both.to_vec())
    };
    records.flat_map(pair).collect()
}

/// Nobody did anything, so nothing was written; and the engine kept looking. What was refused is tried again now and then,
/// and where that succeeds, records go on that could not be told from it.
pub fn i6_quiescence(sim: &mut Simulation<'_>) {
    let writes = std::mem::take(&mut sim.watch.late_writes);
    let of_retry = |intent: &Intent| is_refused(sim, intent);
    let any_retry = writes.iter().filter_map(|id| sim.store.intents.get(id)).any(of_retry);
    let is_held = |record: RecordRef| sim.watch.held.contains(&record);
    let goes_on = |intent: &Intent| is_held(intent.source_record()) || intent.target_record().is_some_and(is_held);
    let excused = |intent: &Intent| of_retry(intent) || (any_retry && goes_on(intent));
    let unexcused = writes.iter().find(|id| !sim.store.intents.get(id).is_some_and(excused)).copied();
    if let Some(intent) = unexcused {
        sim.violate("i6_quiescence", format!("i{intent} was written though nothing had happened"));
    }
    if sim.runs_ended < 3 {
        sim.violate("i6_quiescence", format!("only {} runs ended in the silent phase", sim.runs_ended));
    }
}

/// A push of an agreed pair writes nothing, and a second push of any pair writes nothing.
pub fn i17_idempotent_push(sim: &mut Simulation<'_>) {
    if sim.broken() {
        return;
    }
    let pairs = live_pairs(sim);
    let chosen = pairs.iter().filter(|pair| pair.held.is_empty()).nth(sim.scenario.seed as usize % pairs.len().max(1));
    let Some(pair) = chosen.or(pairs.first()).filter(|pair| !pair.is_poisoned()) else { return };
    let to = System::BOTH[(sim.scenario.seed / 7 % 2) as usize];
    let agreed = pair.held.is_empty()
        && places(pair.object(), sim.scenario.fields).map(|at| &SPECS[at]).all(|spec| {
            let values = System::BOTH.map(|system| pair.canon(spec, system));
            match spec.parent() {
                Some(parent) => are_partners(sim, parent, &values),
                None if spec.is_given_once() => true,
                None => values[0] == values[1],
            }
        });
    let record = sim.servers[to.other()].named(pair.of(to.other()).id);
    for round in 0..2 {
        sim.watch.late_writes.clear();
        let ticket = sim.ask(Ask::Push { record, to, dry_run: false });
        sim.run_until(sim.now + 70_000);
        if !sim.replies.contains_key(&ticket) {
            return sim.violate("i17_idempotent_push", format!("the push of {record} to {to} was never answered"));
        }
        // other records may have their hourly try meanwhile
        let about_it = |id: &IntentId| {
            let intent = sim.store.intents.get(id);
            let is_about = |intent: &Intent| intent.source_record() == record || intent.target_record() == Some(record);
            // what the system refuses is offered to it once more whenever a person asks for it, and changes nothing
            intent.is_none_or(|intent| intent.state != IntentState::Rejected && is_about(intent))
        };
        if sim.watch.late_writes.iter().any(about_it) && (agreed || round > 0) {
            let text = format!("push {} of {record} to {to} wrote, though both sides agreed", round + 1);
            return sim.violate("i17_idempotent_push", text);
        }
    }
}
