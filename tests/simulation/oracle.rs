//! What must hold at every moment, one function each, judged from outside: the servers' ledger, the wire, and the
//! committed rows.

use std::collections::BTreeMap;

use lockstep::engine::core::command::{Batch, Row};
use lockstep::engine::core::request::{Request, RequestBody};
use lockstep::engine::core::state::{Cursor, CursorKey, Feed, Intent, IntentKind, IntentState, LinkState, RunKind};
use lockstep::model::{IntentId, ObjectKind, RecordId, RecordRef, System, Timestamp, Value};
use rust_decimal::Decimal;

use crate::fields::{SPECS, Shape, complete, index_of, place_of, places};
use crate::server::{By, Change, EPOCH, Mutation, ids};
use crate::simulation::Simulation;
use crate::watch::{Blind, Shot, Subject};

/// How long a write of unknown fate must be left alone: the flight time less what clocks may err.
const LEFT_ALONE: i64 = 160_000;

/// The write-ahead journal, the quarantine and the rules of creating, checked as a write leaves.
pub fn before_send(sim: &mut Simulation<'_>, request: &Request, attempts: &[(IntentId, u32)]) {
    for (intent, attempt) in attempts.iter().copied() {
        sim.watch.late_writes.push(intent);
        let Some(row) = sim.store.intents.get(&intent).cloned() else {
            sim.violate("i10_journal_completeness", format!("i{intent} was sent without being committed"));
            continue;
        };
        i10_sent_as_committed(sim, request, &row);
        let subject = match row.kind {
            IntentKind::Create => Subject::CopyOf(request.system, row.source_record()),
            IntentKind::Update => Subject::Target(request.system, row.target.unwrap_or_default()),
        };
        i4_certainty_before_repeat(sim, subject, &row);
        i9_references_are_links(sim, &row);
        if row.kind == IntentKind::Create {
            i5_no_copy_of_the_linked(sim, &row);
            i4_no_create_beside_a_match(sim, &row);
        }
        i7_given_once(sim, &row);
        crate::guarded::i14_guard(sim, &row);
        let shot = Shot { intent, attempt, at: sim.now, off: sim.clock_is_off(), settled: false };
        sim.watch.sent(sim.last_request, subject, shot);
    }
}

/// Ids are asked for as what they are: the same number may name another record of another object.
pub fn asks_for_its_own(sim: &mut Simulation<'_>, request: &Request) {
    let ids: Vec<RecordId> = match &request.body {
        RequestBody::Read { ids, .. } => ids.clone(),
        RequestBody::Update { items, .. } => items.iter().map(|item| item.id).collect(),
        _ => return,
    };
    let server = &sim.servers[request.system];
    let ids = ids.into_iter().filter(|id| id.0 < crate::hints::NOBODY);
    if let Some(other) = ids.map(|id| server.named(id)).find(|record| !may_be(*record, request.object)) {
        sim.violate("wrong_object", format!("{other} was asked for as a {}", request.object));
    }
}

/// Whether a record is of that object, or may have been: an activity of ConnectWise can be given another type.
fn may_be(record: RecordRef, object: ObjectKind) -> bool {
    record.object == object || record.siblings().any(|other| other.object == object)
}

/// What ConnectWise takes with a new record alone is sent with every new one that has it, and never again.
fn i7_given_once(sim: &mut Simulation<'_>, row: &Intent) {
    let once = place_of(row.object, Shape::Once).or(place_of(row.object, Shape::Called));
    let Some(spec) = once.map(|at| &SPECS[at]) else { return };
    if row.system != System::ConnectWise
        || places(row.object, sim.scenario.fields).all(|at| SPECS[at].key() != spec.key())
    {
        return;
    }
    let given =
        row.writes.iter().find(|write| write.field.as_str() == spec.connectwise).map(|write| write.after.to_plain());
    if row.kind == IntentKind::Update {
        if given.is_some() {
            sim.violate("i7_given_once", format!("i{} writes {} once more", row.id, spec.connectwise));
        }
        return;
    }
    let source = sim.store.observations.get(&row.source_record());
    let wanted = source.map(|seen| spec.canon(System::HubSpot, seen.record.value(spec.hubspot)));
    // a repeat sends what it sent before
    if row.attempt == 1 && wanted.is_some_and(|wanted| wanted != given.unwrap_or_default()) {
        sim.violate("i7_given_once", format!("i{} leaves {} out", row.id, spec.connectwise));
    }
}

fn i10_sent_as_committed(sim: &mut Simulation<'_>, request: &Request, row: &Intent) {
    let id = row.id;
    if row.state != IntentState::Sent || row.system != request.system {
        sim.violate("i10_journal_completeness", format!("i{id} was sent while the journal says {:?}", row.state));
    }
    let repeated = sim.watch.shots.values().flatten().any(|shot| shot.intent == id && shot.attempt >= row.attempt);
    if repeated {
        sim.violate("i10_journal_completeness", format!("i{id} attempt {} was sent twice", row.attempt));
    }
    let (values, stamp, target) = match &request.body {
        RequestBody::Create { items, .. } => {
            let Some(item) = items.iter().find(|item| item.intent == id) else { return };
            (&item.values, Some(&item.stamp), None)
        }
        RequestBody::Update { items, .. } => {
            let Some(item) = items.iter().find(|item| item.intent == id) else { return };
            if item.stamp.is_some() && request.system == System::ConnectWise {
                sim.violate("i7_direction", format!("i{id} stamps a ConnectWise record after its creation"));
            }
            (&item.values, item.stamp.as_ref(), Some(item.id))
        }
        _ => return,
    };
    let journaled: BTreeMap<&str, &Value> =
        row.writes.iter().map(|write| (write.field.as_str(), &write.after)).collect();
    let sent: BTreeMap<&str, &Value> = values.iter().map(|(name, value)| (name.as_str(), value)).collect();
    if journaled != sent || row.stamp.as_ref() != stamp || (target.is_some() && target != row.target) {
        let text = format!("i{id} was sent as {sent:?} {stamp:?}, journaled as {journaled:?} {:?}", row.stamp);
        sim.violate("i10_journal_completeness", text);
    }
}

/// No write to a record, and no repeat of a create, while an earlier one may still land.
fn i4_certainty_before_repeat(sim: &mut Simulation<'_>, subject: Subject, row: &Intent) {
    let now = sim.now;
    let open = sim
        .watch
        .shots
        .get(&subject)
        .and_then(|shots| shots.iter().find(|shot| !shot.settled && now - shot.at < LEFT_ALONE))
        .filter(|shot| !were_both_set_forward(sim, row.system, shot));
    if let Some(shot) = open {
        let invariant = match subject {
            Subject::CopyOf(..) => "i4_wait_before_repeat",
            Subject::Target(..) => "i2_quarantine",
        };
        let age = now - shot.at;
        let text = format!(
            "i{} was sent {age} ms after i{} about the same {subject:?}, whose fate was not known",
            row.id, shot.intent
        );
        sim.violate(invariant, text);
    }
}

/// A wait goes by two clocks, of which one may be wrong.
fn were_both_set_forward(sim: &Simulation<'_>, system: System, shot: &Shot) -> bool {
    let clocks = &sim.scenario.clocks;
    sim.clock_is_off() > shot.off && clocks.set_by(system, sim.now) > clocks.set_by(system, shot.at)
}

/// A record that is in a link, of whatever state, has had its copy.
fn i5_no_copy_of_the_linked(sim: &mut Simulation<'_>, row: &Intent) {
    let source = row.source_record();
    if let Some(link) = sim.store.link_at(source) {
        let text = format!("i{} creates a copy of {source}, which is in link {} ({:?})", row.id, link.id, link.state);
        sim.violate("i5_no_resurrection", text);
    }
    let merged = sim.store.observations.get(&source).map_or(&[][..], |seen| seen.record.merged.as_slice());
    // ConnectWise tells it of the one that went alone
    let told = sim.store.observations.values().filter(|seen| {
        (seen.of.object, seen.of.system, seen.merged_into) == (source.object, source.system, Some(source.id))
    });
    let mut merged = merged.iter().copied().chain(told.map(|seen| seen.of.id));
    let linked = merged.find(|id| sim.store.link_at(RecordRef { id: *id, ..source }).is_some());
    if let Some(linked) = linked {
        let text = format!("i{} creates a copy of {source}, into which {linked} was merged, which is linked", row.id);
        sim.violate("i5_no_resurrection", text);
    }
}

/// Never a create where the mirror knows a record with the same key on that side.
fn i4_no_create_beside_a_match(sim: &mut Simulation<'_>, row: &Intent) {
    let by_title = place_of(row.object, Shape::Title);
    let Some(spec) = place_of(row.object, Shape::Key).or(by_title).map(|at| &SPECS[at]) else { return };
    let Some(key) = row.writes.iter().find(|write| write.field.as_str() == spec.name(row.system)) else { return };
    let mut key = spec.canon(row.system, &key.after);
    let source = row.source_record();
    if row.attempt > 1
        && let Some(seen) = sim.store.observations.get(&source)
    {
        // a repeat sends what it sent before; what counts is whom the source would match today
        key = spec.canon(source.system, seen.record.value(spec.name(source.system)));
    }
    if key.is_empty() {
        return;
    }
    let twin = sim.store.observations.values().find(|seen| {
        seen.of.system == row.system
            && seen.of.object == row.object
            && seen.is_live()
            && sim.live(row.system, seen.of.id)
            && spec.canon(row.system, seen.record.value(spec.name(row.system))) == key
            // a title says who it is within its company alone, and only of those that have no partner yet
            && (by_title.is_none() || sim.store.link_at(seen.of).is_none() && are_of_one_company(sim, source, seen.of) && are_of_one_day(sim, source, seen.of))
    });
    if let Some(twin) = twin.map(|twin| twin.of) {
        sim.violate("i4_no_duplicate", format!("i{} creates a copy though {twin} with key {key} is known", row.id));
    }
}

/// Whether two activities happen on the same day; whatever is none does.
fn are_of_one_day(sim: &Simulation<'_>, one: RecordRef, other: RecordRef) -> bool {
    let Some(spec) = place_of(one.object, Shape::Moment).map(|at| &SPECS[at]) else { return true };
    let day = |record: RecordRef| {
        let seen = sim.store.observations.get(&record)?;
        spec.canon(record.system, seen.record.value(spec.name(record.system))).get(..10).map(str::to_owned)
    };
    day(one).is_some_and(|one| day(other) == Some(one))
}

/// Whether two records of two systems belong to the same company, as far as the engine knows.
fn are_of_one_company(sim: &Simulation<'_>, one: RecordRef, other: RecordRef) -> bool {
    let home = place_of(one.object, Shape::Reference).or(place_of(one.object, Shape::Deal));
    let Some(spec) = home.map(|at| &SPECS[at]) else { return false };
    let Some(parent) = spec.parent() else { return false };
    let company = |record: RecordRef| {
        let seen = sim.store.observations.get(&record)?;
        Some(seen.record.value(spec.name(record.system)).to_plain())
    };
    let (Some(one_is_of), Some(other_is_of)) = (company(one), company(other)) else { return false };
    partner_of(sim, parent, one.system, &one_is_of).is_some_and(|id| id.to_string() == other_is_of)
}

/// What a mutation just made by the engine says about I4, I7 and blind overwrites.
pub fn at_landing(sim: &mut Simulation<'_>, at: usize) {
    let mutation = sim.ledger[at].clone();
    let By::Engine { intent, attempt } = mutation.by else { return };
    sim.watch.land(intent, attempt);
    let Some(row) = sim.store.intents.get(&intent).cloned() else {
        return sim.violate("i10_journal_completeness", format!("i{intent} landed and is not in the journal"));
    };
    sim.outcome.counters.writes += 1;
    match mutation.what {
        Change::Created => {
            let key = (mutation.system, row.source_record());
            let earlier = sim.watch.copies.get(&key).cloned().unwrap_or_default();
            sim.watch.copies.entry(key).or_default().push(mutation.record);
            // a copy that was wiped out before anybody could see it leaves no trace to be found
            let traceless = |id: &RecordId| {
                !sim.servers[mutation.system].records.contains_key(id)
                    && !sim.store.observations.contains_key(&sim.servers[mutation.system].named(*id))
            };
            if earlier.iter().all(traceless) {
                if !earlier.is_empty() {
                    sim.outcome.counters.saw("a copy wiped out before it was seen");
                }
            } else {
                let made = sim.servers[mutation.system].named(mutation.record);
                let text = format!("{made} was made from {}: copy {}", row.source_record(), earlier.len() + 1);
                sim.violate("i4_no_duplicate", text);
            }
        }
        _ => note_blind(sim, &mutation, &row),
    }
    if mutation.object == ObjectKind::LineItem {
        sim.outcome.counters.saw("a line item written");
    }
    i7_direction(sim, &mutation);
}

fn i7_direction(sim: &mut Simulation<'_>, mutation: &Mutation) {
    for (name, before, after) in &mutation.fields {
        let Some(at) = index_of(mutation.object, mutation.system, name.as_str()) else { continue };
        if !SPECS[at].writes(mutation.system) || complete(sim.scenario.fields) & (1 << at) == 0 {
            let text = format!(
                "{name} of {} was written: {before} → {after}",
                sim.servers[mutation.system].named(mutation.record)
            );
            sim.violate("i7_direction", text);
        }
    }
}

fn note_blind(sim: &mut Simulation<'_>, mutation: &Mutation, row: &Intent) {
    for (name, before, after) in &mutation.fields {
        let Some(at) = index_of(mutation.object, mutation.system, name.as_str()) else { continue };
        let spec = &SPECS[at];
        *sim.watch.writes.entry((mutation.system, mutation.record, at)).or_default() += 1;
        if spec.canon(mutation.system, before) == spec.canon(mutation.system, after) {
            sim.outcome.counters.saw("a write that changed nothing");
            if spec.shape == Shape::Number && loses_precision(before, after) {
                let record = sim.servers[mutation.system].named(mutation.record);
                sim.violate("i3_no_invention", format!("{name} of {record} lost precision: {before} → {after}"));
            }
        }
        let planned = row.writes.iter().find(|write| write.field == *name);
        if planned
            .is_some_and(|write| spec.canon(mutation.system, &write.before) != spec.canon(mutation.system, before))
        {
            sim.outcome.counters.blind += 1;
            let (system, record) = (mutation.system, mutation.record);
            sim.watch.blind.push(Blind { system, record, field: at, value: before.clone() });
        }
    }
}

/// Whether a number was replaced by what another system kept of it.
fn loses_precision(before: &Value, after: &Value) -> bool {
    let number = |value: &Value| value.to_plain().trim().parse::<Decimal>();
    matches!((number(before), number(after)), (Ok(before), Ok(after)) if before != after && before.trunc() == after)
}

/// The cursors of a batch that promise something.
pub fn cursors_in(batch: &Batch) -> Vec<Cursor> {
    let moved = batch.rows.iter().filter_map(|row| match row {
        Row::Cursor(cursor) if matches!(cursor.key.feed, Feed::Settled | Feed::Hot) => Some(cursor.clone()),
        _ => None,
    });
    moved.collect()
}

/// Every version up to the cursor has been seen, it or a later one.
pub fn i12_cursor_safety(sim: &mut Simulation<'_>, cursor: &Cursor) {
    let system = cursor.key.system;
    let slack = match (cursor.key.feed, system) {
        (Feed::Settled, System::HubSpot) => 0,
        // what shows late with an older time is within the overlap of the next pass
        (Feed::Settled, System::ConnectWise) => 1_000 + sim.scenario.server.belated,
        (_, System::ConnectWise) => 121_000,
        // its index may trail: that is what the settled pass is for
        (_, System::HubSpot) => return,
    };
    // forecast items are listed by opportunity, which does not say that they changed
    if system == System::ConnectWise && cursor.key.object == ObjectKind::LineItem {
        return;
    }
    let backfill = CursorKey { feed: Feed::Backfill, ..cursor.key };
    let is_lied_to = sim.guarded.is_lied_to(system, cursor.key.object);
    let is_out_of_order = sim.scenario.clocks.went_back(system, sim.now);
    if is_lied_to || is_out_of_order || sim.store.cursors.get(&backfill).is_none_or(|pass| pass.completed.is_none()) {
        return;
    }
    let missed = sim.servers[system].records.values().filter(|entry| entry.object == cursor.key.object).find(|entry| {
        let covered = entry.modified.0.saturating_add(slack) <= cursor.from.0;
        let of = sim.servers[system].named(entry.id);
        let seen = sim.store.observations.get(&of);
        // what was deleted before anybody saw it may stay unknown
        let hidden = entry.archived && (system == System::HubSpot || seen.is_none());
        // what a clock that was set forward made older than it is comes with the sweep
        let own = entry.modified.0 - EPOCH - sim.scenario.server.skew[system];
        let lag = sim.scenario.clockwork.index_lag.cast_signed() * 1000;
        let cut_short = sim.scenario.clocks.was_cut_short(system, own, sim.now, lag);
        // what a page could not tell of is read by its id
        let awaited = sim.store.dirty.contains_key(&of) && seen.is_none_or(|seen| seen.seen == Timestamp::EPOCH);
        // of what was merged nothing is wanted but that
        let is_merged = entry.into.is_some() && seen.is_some_and(|seen| seen.gone || seen.merged_into.is_some());
        !hidden
            && !is_merged
            && !cut_short
            && !awaited
            && covered
            && seen.is_none_or(|seen| seen.record.modified < entry.modified)
    });
    if let Some(missed) = missed {
        let text = format!(
            "{:?} of {system} says complete up to {}, and {} of {} was never seen",
            cursor.key.feed, cursor.from, missed.id, missed.modified
        );
        sim.violate("i12_cursor_safety", text);
    }
}

/// A reference is written as the partner of a record that the other side points to, never as a copied id.
fn i9_references_are_links(sim: &mut Simulation<'_>, row: &Intent) {
    // an undo puts back what was there before, whoever stands for whom
    if sim.store.runs_by_id.get(&row.run).is_some_and(|run| matches!(run.kind, RunKind::Undo { .. })) {
        return;
    }
    for spec in SPECS.iter().filter(|spec| spec.object == row.object) {
        let Some(parent) = spec.parent() else { continue };
        let Some(write) = row.writes.iter().find(|write| write.field.as_str() == spec.name(row.system)) else {
            continue;
        };
        if write.after.is_empty() {
            continue;
        }
        let expected: Vec<RecordId> = ids(&write.source)
            .into_iter()
            .filter_map(|id| partner_of(sim, parent, row.system.other(), &id.to_string()))
            .collect();
        // a repeat sends what it sent before
        if row.attempt == 1 && !expected.iter().any(|id| id.to_string() == write.after.to_plain()) {
            let text = format!("i{} points to {}, and {expected:?} stand for {}", row.id, write.after, write.source);
            sim.violate("i9_dependency", text);
        }
    }
}

/// The record that stands for the one with that id, where both are linked and alive.
pub fn partner_of(sim: &Simulation<'_>, object: ObjectKind, system: System, id: &str) -> Option<RecordId> {
    let record = RecordRef::new(object, system, id.parse().ok()?);
    let link = sim.store.link_at(record).filter(|link| link.state == LinkState::Active)?;
    Some(link.id_in(system.other()))
}
