//! What must hold of every field of every pair.

use std::collections::BTreeSet;

use lockstep::engine::core::state::IntentState;
use lockstep::mapping::{ClearPolicy, Direction};
use lockstep::model::{FieldName, IntentId, ObjectKind, RecordRef, System, Value};

use super::Pair;
use super::story::Story;
use crate::fields::{SPECS, Shape, Spec};
use crate::oracle::partner_of;
use crate::server::{By, Change, ids};
use crate::simulation::Simulation;
use crate::standing;

/// Both sides say the same; one-way fields follow their owner, and keep only what a user put there after they did.
pub(super) fn i1_convergence(sim: &mut Simulation<'_>, pair: &Pair, spec: &Spec) {
    let values = System::BOTH.map(|system| pair.canon(spec, system));
    let differ = match spec.shape {
        Shape::Stage => !may_stand_beside(sim, pair, spec, &values),
        _ => values[0] != values[1],
    };
    let owner = match spec.direction {
        Direction::Both => None,
        Direction::ToConnectwise => Some(System::HubSpot),
        Direction::ToHubspot => Some(System::ConnectWise),
    };
    let excused = owner.is_some_and(|owner| {
        let empty = pair.canon(spec, owner).is_empty() && spec.empty == ClearPolicy::Fill;
        empty || edited_by_hand(sim, pair, spec, owner.other()) && was_there(sim, pair, spec, owner)
    });
    if differ && !excused {
        let text = format!(
            "{}: {} is {:?} in HubSpot and {:?} in ConnectWise",
            pair.says(),
            spec.hubspot,
            values[0],
            values[1]
        );
        sim.violate("i1_convergence", text);
    }
}

/// How long after it a user's move in one system is surely known before another in the other system.
const SURELY_KNOWN: i64 = 600_000;

/// Whether two stages mean the same, or the one of ConnectWise says nothing of the pipeline that the ticket is in, and
/// it was not HubSpot that moved the ticket there after that one had come to stand where it does.
fn may_stand_beside(sim: &Simulation<'_>, pair: &Pair, spec: &Spec, values: &[String; 2]) -> bool {
    if values[0] == values[1] {
        return true;
    }
    let stage = pair.hubspot.value(spec.hubspot).to_plain();
    let last = |system: System| {
        let mut moves = sim.ledger.iter().rev().filter(|raw| {
            let moved = |(name, before, after): &(FieldName, Value, Value)| {
                name.as_str() == spec.name(system) && before != after
            };
            // what a ticket of ConnectWise goes up in says where the pair stands from then on
            let took_over =
                system == System::ConnectWise && raw.what == Change::Merged && raw.record != pair.of(system).id;
            let went_up = took_over && sim.servers[system].survivor(raw.record) == pair.of(system).id;
            raw.system == system && (went_up || raw.record == pair.of(system).id && raw.fields.iter().any(moved))
        });
        moves.find_map(|raw| match raw.by {
            By::User { settled } => Some((raw.at, settled && raw.what == Change::Updated)),
            By::Engine { .. } => None,
        })
    };
    let (here, there) = (last(System::HubSpot), last(System::ConnectWise));
    // what was moved while its partner was another record, which went up in this one, was said to that one; and what a person
    // moved later may have been the answer to a hold, for where the merge had brought the pair
    let connectwise = pair.of(System::ConnectWise).id;
    let came_by_a_merge = sim.ledger.iter().any(|raw| {
        (raw.system, raw.what) == (System::ConnectWise, Change::Merged)
            && sim.servers.connectwise.merged.get(&raw.record) == Some(&connectwise)
    });
    let heard = here.is_some_and(|(at, settled)| {
        settled && there.is_none_or(|(before, _)| before + SURELY_KNOWN < at) && !came_by_a_merge
    });
    standing::says_nothing_of(spec.object, &stage, &values[1]) && !heard
}

/// Both records belong to the same parent, as far as their parents are linked. Of several contacts in HubSpot one is
/// ConnectWise's.
pub(super) fn i1_same_parent(sim: &mut Simulation<'_>, pair: &Pair, spec: &Spec, parent: ObjectKind) {
    let values = System::BOTH.map(|system| pair.canon(spec, system));
    let unknown = |system: System| {
        ids(pair.of(system).value(spec.name(system)))
            .into_iter()
            .any(|id| partner_of(sim, parent, system, &id.to_string()).is_none())
    };
    let frozen = parent != ObjectKind::Company && pair.is_frozen();
    // one way: what somebody changes in HubSpot stays
    let is_own_way = spec.direction == Direction::ToHubspot
        && (values[1].is_empty() || edited_by_hand(sim, pair, spec, System::HubSpot));
    if is_own_way || frozen || System::BOTH.into_iter().any(unknown) || are_partners(sim, parent, &values) {
        return;
    }
    let text =
        format!("{}: its {parent} is {:?} in HubSpot and {:?} in ConnectWise", pair.says(), values[0], values[1]);
    sim.violate("i1_convergence", text);
}

/// Whether one of those in HubSpot is the partner of the one in ConnectWise.
pub(super) fn are_partners(sim: &Simulation<'_>, object: ObjectKind, values: &[String; 2]) -> bool {
    match (values[0].is_empty(), values[1].is_empty()) {
        (false, false) => {
            let mut of_hubspot = values[0].split(';');
            of_hubspot
                .any(|id| partner_of(sim, object, System::HubSpot, id).is_some_and(|id| id.to_string() == values[1]))
        }
        (hubspot, connectwise) => hubspot == connectwise,
    }
}

/// Whether the other system ever held what the owner of a one-way field has in the end, or said that it took it, or nobody
/// can tell for a merge.
fn was_there(sim: &Simulation<'_>, pair: &Pair, spec: &Spec, owner: System) -> bool {
    let (value, to) = (pair.canon(spec, owner), owner.other());
    let mut merged = System::BOTH
        .into_iter()
        .flat_map(|system| sim.servers[system].merged.values().map(move |survivor| *survivor == pair.of(system).id));
    merged.any(|is_survivor| is_survivor)
        || sim.ledger.iter().any(|raw| {
            let holds = |(name, _, after): &(FieldName, Value, Value)| {
                name.as_str() == spec.name(to) && spec.canon(to, after) == value
            };
            raw.system == to && raw.record == pair.of(to).id && raw.fields.iter().any(holds)
        })
        || sim.store.history.iter().any(|entry| {
            let is_it = entry.record == RecordRef::new(pair.of(to).object, to, pair.of(to).id)
                && entry.field.as_str() == spec.name(to);
            is_it && spec.canon(to, &entry.after) == value && is_confirmed(sim, entry.intent)
        })
}

/// Whether the answer to a write said that it took effect, be it true or not.
fn is_confirmed(sim: &Simulation<'_>, intent: IntentId) -> bool {
    sim.store.intents.get(&intent).is_some_and(|intent| intent.outcome.as_deref() == Some("confirmed"))
}

/// Whether a user changed the field on that side after the record was made, be it by a merge.
fn edited_by_hand(sim: &Simulation<'_>, pair: &Pair, spec: &Spec, system: System) -> bool {
    let is_survivor = sim.servers[system].merged.values().any(|survivor| *survivor == pair.of(system).id);
    is_survivor
        || sim.ledger.iter().any(|raw| {
            raw.system == system
                && raw.record == pair.of(system).id
                && raw.what == Change::Updated
                && matches!(raw.by, By::User { .. })
                && raw.fields.iter().any(|(name, ..)| name.as_str() == spec.name(system))
        })
}

/// The value that survived is one that nobody knowingly replaced.
pub(super) fn i2_no_lost_update(sim: &mut Simulation<'_>, pair: &Pair, spec: &Spec, story: &Story) {
    if spec.direction != Direction::Both {
        return;
    }
    let last = pair.canon(spec, System::HubSpot);
    if last.is_empty() {
        return;
    }
    let lost = story.own_edits().find(|edit| {
        let protected = if edit.after.is_empty() {
            spec.empty == ClearPolicy::Clear && edit.settled
        } else {
            spec.empty == ClearPolicy::Clear || !story.emptied_since(edit)
        };
        let dropped = story.dropped.contains(&edit.after);
        edit.before == last && edit.after != last && protected && !dropped && edit.change == Change::Updated
    });
    if let Some(edit) = lost {
        let text = format!(
            "{}: {} ended as {last:?}, though a user of {} replaced that by {:?} at {}",
            pair.says(),
            spec.hubspot,
            edit.system,
            edit.after,
            edit.at
        );
        sim.violate("i2_no_lost_update", text);
    }
}

/// A user's newest value is there in the end, or history tells who won over it.
pub(super) fn i2b_no_silent_loss(sim: &mut Simulation<'_>, pair: &Pair, spec: &Spec, story: &Story) {
    if spec.direction != Direction::Both {
        return;
    }
    let last = pair.canon(spec, System::HubSpot);
    let replaced: BTreeSet<&str> = story.edits.iter().map(|edit| edit.before.as_str()).collect();
    let lost = story.own_edits().find(|edit| {
        !edit.after.is_empty()
            && edit.after != last
            && !replaced.contains(edit.after.as_str())
            && !story.dropped.contains(&edit.after)
            && !is_told(sim, story, spec, &edit.after)
            && !is_blind(sim, story, spec, &edit.after)
    });
    if let Some(edit) = lost {
        let text = format!(
            "{}: {:?} of {}, written in {} at {}, is gone without a trace; {last:?} is there",
            pair.says(),
            edit.after,
            spec.hubspot,
            edit.system,
            edit.at
        );
        sim.violate("i2b_no_silent_loss", text);
    }
}

fn is_told(sim: &Simulation<'_>, story: &Story, spec: &Spec, value: &str) -> bool {
    // what became of a write whose record was merged away meanwhile can be told by the journal alone
    let abandoned = sim.store.intents.values().filter(|intent| intent.state == IntentState::Abandoned);
    let of_kin = abandoned.filter(|intent| intent.target.is_some_and(|id| story.kin.contains(&(intent.system, id))));
    let losers = of_kin.flat_map(|intent| {
        intent.writes.iter().filter(|w| spec.is_about(intent.object, intent.system, w.field.as_str()))
    });
    if losers
        .filter_map(|write| write.loser.as_ref())
        .any(|loser| System::BOTH.into_iter().any(|system| spec.canon(system, loser) == value))
    {
        return true;
    }
    sim.store.history.iter().any(|entry| {
        story.kin.contains(&(entry.system, entry.record.id))
            && spec.is_about(entry.record.object, entry.system, entry.field.as_str())
            && entry
                .loser
                .as_ref()
                .is_some_and(|loser| System::BOTH.into_iter().any(|system| spec.canon(system, loser) == value))
    })
}

fn is_blind(sim: &Simulation<'_>, story: &Story, spec: &Spec, value: &str) -> bool {
    sim.watch.blind.iter().any(|blind| {
        story.kin.contains(&(blind.system, blind.record))
            && spec.is_about(SPECS[blind.field].object, System::ConnectWise, SPECS[blind.field].connectwise)
            && spec.canon(blind.system, &blind.value) == value
    })
}

/// Every value came from a user of one of the two records.
pub(super) fn i3_no_invention(sim: &mut Simulation<'_>, pair: &Pair, spec: &Spec, story: &Story) {
    for system in System::BOTH {
        let value = pair.canon(spec, system);
        if !value.is_empty() && story.edits.iter().all(|edit| edit.after != value) && !story.also.contains(&value) {
            let text = format!("{}: nobody ever wrote {value:?} into {} of {system}", pair.says(), spec.name(system));
            sim.violate("i3_no_invention", text);
        }
    }
}

/// Writes per pair and field never outnumber the users' edits by more than three.
pub(super) fn i6_write_bound(sim: &mut Simulation<'_>, pair: &Pair, field: usize, story: &Story) {
    let landed = |system: System| sim.watch.writes.get(&(system, pair.of(system).id, field)).copied().unwrap_or(0);
    let writes = landed(System::HubSpot) + landed(System::ConnectWise);
    let pushes = sim.watch.pushed.len();
    let edits = story.edits.len() + story.merges + pushes;
    if writes as usize > edits + 3 {
        let text = format!("{}: {} was written {writes} times after {edits} edits", pair.says(), SPECS[field].hubspot);
        sim.violate("i6_write_bound", text);
    }
}
