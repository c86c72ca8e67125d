//! What must hold once the world is calm, one function each, judged from outside: what the servers hold, their ledger, and
//! the committed rows.

use std::collections::BTreeSet;

use lockstep::engine::core::command::Ask;
use lockstep::engine::core::state::{Intent, IntentKind, IntentState, Issue, IssueClass, Link, LinkState, RecordState};
use lockstep::mapping::{ClearPolicy, Direction};
use lockstep::model::{FieldName, IntentId, LinkId, ObjectKind, RecordId, RecordRef, System, Value};

use crate::fields::{SPECS, Shape, Spec, place_of, places};
use crate::oracle::partner_of;
use crate::server::{By, Change, Entry, NOT_ACCEPTABLE, POISON, ids};
use crate::simulation::{Simulation, direction};
use crate::standing;
use crate::watch::Subject;

/// A pair that takes part, with both records as their servers hold them.
struct Pair {
    link: LinkId,
    hubspot: Entry,
    connectwise: Entry,
    /// Fields that wait for a person.
    held: BTreeSet<usize>,
    pushed: bool,
}

impl Pair {
    const fn of(&self, system: System) -> &Entry {
        match system {
            System::HubSpot => &self.hubspot,
            System::ConnectWise => &self.connectwise,
        }
    }

    /// A filter keeps it from crossing: one of the two belongs to no company.
    fn is_frozen(&self) -> bool {
        let company = place_of(self.object(), Shape::Reference).map(|at| &SPECS[at]);
        company.is_some_and(|spec| System::BOTH.into_iter().any(|system| self.canon(spec, system).is_empty()))
    }

    const fn object(&self) -> ObjectKind {
        self.hubspot.object
    }

    fn canon(&self, spec: &Spec, system: System) -> String {
        spec.canon(system, self.of(system).value(spec.name(system)))
    }

    /// Whether it holds a value that the other system refuses, over and over.
    fn is_poisoned(&self) -> bool {
        let values = self.hubspot.fields.values().chain(self.connectwise.fields.values());
        values.into_iter().any(|value| value.to_plain().contains(POISON))
    }

    fn says(&self) -> String {
        format!("link {} ({} ~ {})", self.link, self.hubspot.id, self.connectwise.id)
    }
}

/// Everything that must hold once the world is calm.
pub fn judge(sim: &mut Simulation<'_>) {
    sim.watch.refused = refused(sim);
    let pairs = live_pairs(sim);
    for pair in &pairs {
        for at in places(pair.object(), sim.scenario.fields) {
            let spec = &SPECS[at];
            if pair.held.contains(&at) {
                continue;
            }
            if let Some(parent) = spec.parent() {
                i1_same_parent(sim, pair, spec, parent);
                continue;
            }
            if pair.is_frozen() || spec.shape == Shape::Once {
                continue;
            }
            i1_convergence(sim, pair, spec);
            let story = Story::of(sim, pair, spec);
            i3_no_invention(sim, pair, spec, &story);
            let pushed = sim.watch.pushed.iter().any(|(_, of, _)| story.own.contains(&(of.system, of.id)));
            if spec.is_traceable() && !pair.pushed && !pushed && !story.ambiguous {
                i2_no_lost_update(sim, pair, spec, &story);
                i2b_no_silent_loss(sim, pair, spec, &story);
            }
            i6_write_bound(sim, pair, at, &story);
        }
    }
    i13_a_refused_field_rests_alone(sim);
    i1_everything_crosses(sim);
    i5_deletions_are_noticed(sim);
    crate::merging::merges_are_followed(sim);
    i10_journal_completeness(sim);
}

/// Links that are active between two living records, less those that wait for a person as a whole.
fn live_pairs(sim: &Simulation<'_>) -> Vec<Pair> {
    let active = sim.store.links.values().filter(|link| link.state == LinkState::Active);
    let mut pairs = Vec::new();
    for link in active {
        let entry =
            |system: System| sim.servers[system].records.get(&link.id_in(system)).filter(|entry| !entry.archived);
        let (Some(hubspot), Some(connectwise)) = (entry(System::HubSpot), entry(System::ConnectWise)) else { continue };
        let issues =
            || System::BOTH.into_iter().flat_map(|system| sim.store.issues_at(link.record(system))).filter(waits);
        if issues().any(|issue| issue.field.is_none()) {
            continue;
        }
        let held = places(link.object, sim.scenario.fields)
            .filter(|at| issues().any(|issue| issue.field.as_ref() == Some(&SPECS[*at].key())));
        let pushed = sim.watch.pushed.iter().any(|(_, record, _)| link.id_in(record.system) == record.id);
        pairs.push(Pair {
            link: link.id,
            hubspot: hubspot.clone(),
            connectwise: connectwise.clone(),
            held: held.collect(),
            pushed,
        });
    }
    pairs
}

/// A value that a system refuses keeps no other field of a linked record from crossing.
fn i13_a_refused_field_rests_alone(sim: &mut Simulation<'_>) {
    let whole = sim.store.issues.values().find(|issue| {
        issue.class == IssueClass::Rejected
            && issue.field.is_none()
            && issue.message.contains(NOT_ACCEPTABLE)
            && sim.store.link_at(issue.record).is_some_and(|link| link.state == LinkState::Active)
    });
    if let Some(issue) = whole {
        let text = format!("{} rests as a whole for one value: {}", issue.record, issue.message);
        sim.violate("i13_isolation", text);
    }
}

/// Whether an issue is a legal end: a person must act.
fn waits(issue: &&Issue) -> bool {
    issue.class.needs_person()
}

/// What users did to one field of one pair.
struct Story {
    edits: Vec<Edit>,
    /// Some value was written twice: lineage by value would lie.
    ambiguous: bool,
    /// Records whose values may have come here.
    kin: BTreeSet<(System, RecordId)>,
    /// Those of the pair itself, and what was merged into them.
    own: BTreeSet<(System, RecordId)>,
    /// Values that a user's merge left behind.
    dropped: BTreeSet<String>,
    merges: usize,
}

struct Edit {
    at: i64,
    system: System,
    record: RecordId,
    before: String,
    after: String,
    settled: bool,
    change: Change,
}

impl Story {
    fn of(sim: &Simulation<'_>, pair: &Pair, spec: &Spec) -> Self {
        let own = BTreeSet::from([(System::HubSpot, pair.hubspot.id), (System::ConnectWise, pair.connectwise.id)]);
        let own = closure(sim, own, false);
        let kin = closure(sim, own.clone(), true);
        let (mut edits, mut dropped, mut merges) = (Vec::new(), BTreeSet::new(), 0);
        for raw in &sim.ledger {
            let By::User { settled } = raw.by else { continue };
            if !kin.contains(&(raw.system, raw.record)) {
                continue;
            }
            let Some((_, before, after)) = raw.fields.iter().find(|(name, ..)| name.as_str() == spec.name(raw.system))
            else {
                continue;
            };
            let (before, after) = (spec.canon(raw.system, before), spec.canon(raw.system, after));
            if raw.what == Change::Merged {
                dropped.insert(before);
                merges += 1;
                continue;
            }
            let (at, system, record, change) = (raw.at, raw.system, raw.record, raw.what);
            edits.push(Edit { at, system, record, before, after, settled, change });
        }
        let values: Vec<&String> = edits.iter().map(|edit| &edit.after).filter(|value| !value.is_empty()).collect();
        let ambiguous = values.iter().collect::<BTreeSet<_>>().len() < values.len();
        Self { edits, ambiguous, kin, own, dropped, merges }
    }

    /// What users did to the pair itself.
    fn own_edits(&self) -> impl Iterator<Item = &Edit> {
        self.edits.iter().filter(|edit| self.own.contains(&(edit.system, edit.record)))
    }

    /// Whether a user emptied the field on the side of an edit, then or later: the fill policy may bring back anything.
    fn emptied_since(&self, edit: &Edit) -> bool {
        self.edits.iter().any(|later| later.system == edit.system && later.at >= edit.at && later.after.is_empty())
    }
}

/// All that was ever linked with these records or merged into them. `far`: and what was linked with that, and so on.
fn closure(sim: &Simulation<'_>, mut known: BTreeSet<(System, RecordId)>, far: bool) -> BTreeSet<(System, RecordId)> {
    loop {
        let before = known.len();
        for (hubspot, connectwise) in &sim.store.pairs_ever {
            let (here, there) = ((System::HubSpot, *hubspot), (System::ConnectWise, *connectwise));
            if known.contains(&here) || known.contains(&there) {
                known.extend([here, there]);
            }
        }
        // what the engine made of a record and a person merged before it was linked took its values along
        for ((system, source), copies) in sim.watch.copies.iter().filter(|_| far) {
            for copy in copies {
                let (here, there) = ((*system, *copy), (system.other(), *source));
                if known.contains(&here) || known.contains(&there) {
                    known.extend([here, there]);
                }
            }
        }
        for system in System::BOTH {
            for (loser, survivor) in &sim.servers[system].merged {
                // ConnectWise can bring one back, which is a record like any other then
                if known.contains(&(system, *survivor)) && (far || !sim.live(system, *loser)) {
                    known.insert((system, *loser));
                }
            }
        }
        if !far || known.len() == before {
            break;
        }
    }
    known
}

/// Both sides say the same; one-way fields follow their owner.
fn i1_convergence(sim: &mut Simulation<'_>, pair: &Pair, spec: &Spec) {
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
        empty || edited_by_hand(sim, pair, spec, owner.other())
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
/// it was not HubSpot that moved the ticket there afterwards.
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
            raw.system == system && raw.record == pair.of(system).id && raw.fields.iter().any(moved)
        });
        moves.find_map(|raw| match raw.by {
            By::User { settled } => Some((raw.at, settled && raw.what == Change::Updated)),
            By::Engine { .. } => None,
        })
    };
    let (here, there) = (last(System::HubSpot), last(System::ConnectWise));
    let heard = here.is_some_and(|(at, settled)| settled && there.is_none_or(|(before, _)| before + SURELY_KNOWN < at));
    standing::says_nothing_of(spec.object, &stage, &values[1]) && !heard
}

/// Both records belong to the same parent, as far as their parents are linked. Of several contacts in HubSpot one is
/// ConnectWise's.
fn i1_same_parent(sim: &mut Simulation<'_>, pair: &Pair, spec: &Spec, parent: ObjectKind) {
    let values = System::BOTH.map(|system| pair.canon(spec, system));
    let unknown = |system: System| {
        ids(pair.of(system).value(spec.name(system)))
            .into_iter()
            .any(|id| partner_of(sim, parent, system, &id.to_string()).is_none())
    };
    let frozen = parent != ObjectKind::Company && pair.is_frozen();
    if frozen || System::BOTH.into_iter().any(unknown) || are_partners(sim, parent, &values) {
        return;
    }
    let text =
        format!("{}: its {parent} is {:?} in HubSpot and {:?} in ConnectWise", pair.says(), values[0], values[1]);
    sim.violate("i1_convergence", text);
}

/// Whether one of those in HubSpot is the partner of the one in ConnectWise.
fn are_partners(sim: &Simulation<'_>, object: ObjectKind, values: &[String; 2]) -> bool {
    match (values[0].is_empty(), values[1].is_empty()) {
        (false, false) => {
            let mut of_hubspot = values[0].split(';');
            of_hubspot
                .any(|id| partner_of(sim, object, System::HubSpot, id).is_some_and(|id| id.to_string() == values[1]))
        }
        (hubspot, connectwise) => hubspot == connectwise,
    }
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
fn i2_no_lost_update(sim: &mut Simulation<'_>, pair: &Pair, spec: &Spec, story: &Story) {
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
fn i2b_no_silent_loss(sim: &mut Simulation<'_>, pair: &Pair, spec: &Spec, story: &Story) {
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
    let losers =
        of_kin.flat_map(|intent| intent.writes.iter().filter(|w| w.field.as_str() == spec.name(intent.system)));
    if losers
        .filter_map(|write| write.loser.as_ref())
        .any(|loser| System::BOTH.into_iter().any(|system| spec.canon(system, loser) == value))
    {
        return true;
    }
    sim.store.history.iter().any(|entry| {
        story.kin.contains(&(entry.system, entry.record.id))
            && entry.field.as_str() == spec.name(entry.system)
            && entry
                .loser
                .as_ref()
                .is_some_and(|loser| System::BOTH.into_iter().any(|system| spec.canon(system, loser) == value))
    })
}

fn is_blind(sim: &Simulation<'_>, story: &Story, spec: &Spec, value: &str) -> bool {
    sim.watch.blind.iter().any(|blind| {
        story.kin.contains(&(blind.system, blind.record))
            && SPECS[blind.field].hubspot == spec.hubspot
            && spec.canon(blind.system, &blind.value) == value
    })
}

/// Every value came from a user of one of the two records.
fn i3_no_invention(sim: &mut Simulation<'_>, pair: &Pair, spec: &Spec, story: &Story) {
    for system in System::BOTH {
        let value = pair.canon(spec, system);
        if !value.is_empty() && story.edits.iter().all(|edit| edit.after != value) {
            let text = format!("{}: nobody ever wrote {value:?} into {} of {system}", pair.says(), spec.name(system));
            sim.violate("i3_no_invention", text);
        }
    }
}

/// Writes per pair and field never outnumber the users' edits by more than three.
fn i6_write_bound(sim: &mut Simulation<'_>, pair: &Pair, field: usize, story: &Story) {
    let landed = |system: System| sim.watch.writes.get(&(system, pair.of(system).id, field)).copied().unwrap_or(0);
    let writes = landed(System::HubSpot) + landed(System::ConnectWise);
    let pushes = sim.watch.pushed.len();
    let edits = story.edits.len() + story.merges + pushes;
    if writes as usize > edits + 3 {
        let text = format!("{}: {} was written {writes} times after {edits} edits", pair.says(), SPECS[field].hubspot);
        sim.violate("i6_write_bound", text);
    }
}

/// No living record is left behind without a link or a reason.
fn i1_everything_crosses(sim: &mut Simulation<'_>) {
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
                    let both =
                        sim.live(System::HubSpot, link.hubspot) && sim.live(System::ConnectWise, link.connectwise);
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
fn i5_deletions_are_noticed(sim: &mut Simulation<'_>) {
    let dead = |link: &&Link| System::BOTH.into_iter().any(|system| !sim.live(system, link.id_in(system)));
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
    let company = value(Shape::Reference);
    let no_contact =
        |contacts: String| contacts.split(';').any(|id| partner_of(sim, ObjectKind::Contact, system, id).is_none());
    let is_of_deal = matches!(entry.object, ObjectKind::Deal | ObjectKind::Ticket);
    let copies = sim.watch.copies.get(&(system.other(), entry.id));
    let is_deleted = copies.is_some_and(|copies| copies.iter().all(|copy| !sim.live(system.other(), *copy)));
    let cause = is_deleted
        || company.is_some_and(|company| {
            company.is_empty() || partner_of(sim, ObjectKind::Company, system, &company).is_none()
        })
        || (entry.object == ObjectKind::Deal && value(Shape::Contacts).is_some_and(no_contact))
        || (entry.object != ObjectKind::Company && !is_of_deal && value(Shape::Key).is_none_or(|key| key.is_empty()))
        || (entry.object == ObjectKind::Product && system == System::HubSpot);
    let record = RecordRef::new(entry.object, system, entry.id);
    let told = sim.store.statuses.get(&record).is_some_and(|status| {
        matches!(status.state, RecordState::Waiting | RecordState::Excluded | RecordState::Gone)
            && !status.why.is_empty()
    });
    cause && told
}

/// Nothing is open, what is said to be applied is in the history, what is said to be refused never landed.
fn i10_journal_completeness(sim: &mut Simulation<'_>) {
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
fn refused(sim: &Simulation<'_>) -> BTreeSet<RecordRef> {
    let of_values = |class| matches!(class, IssueClass::Rejected | IssueClass::FalseSuccess | IssueClass::UnfitValue);
    let records = sim.store.issues.values().filter(|issue| of_values(issue.class)).map(|issue| issue.record);
    let pair = |record| {
        let link = sim.store.link_at(record);
        let both = link.map(|link| System::BOTH.map(|system| link.record(system)));
        both.map_or_else(|| vec![record], |both| both.to_vec())
    };
    records.flat_map(pair).collect()
}

/// Nobody did anything, so nothing was written; and the engine kept looking.
pub fn i6_quiescence(sim: &mut Simulation<'_>) {
    let writes = std::mem::take(&mut sim.watch.late_writes);
    let excused = |intent: &Intent| is_refused(sim, intent);
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
                None if spec.shape == Shape::Once => true,
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

/// What this seed reached.
pub fn count(sim: &mut Simulation<'_>) {
    let mut counters = std::mem::take(&mut sim.outcome.counters);
    for (fault, object, system) in &sim.struck {
        counters.saw_fault(*fault, *object, *system);
    }
    for step in &sim.scenario.clocks.steps {
        if let Some(system) = step.whose {
            counters.saw(format!("the clock of {system} set {}", direction(step.by)));
        }
    }
    for intent in sim.store.intents.values() {
        let repeated = if intent.attempt > 1 { ", repeated" } else { "" };
        counters.saw(format!("journal: {:?} in {} {:?}{repeated}", intent.kind, intent.system, intent.state));
    }
    for shot in sim.watch.shots.iter().flat_map(|(subject, shots)| shots.iter().map(move |shot| (subject, shot))) {
        if !shot.1.settled {
            let what = match shot.0 {
                Subject::Target(system, _) => format!("recovery: update in {system} of unknown fate"),
                Subject::CopyOf(system, _) => format!("recovery: create in {system} of unknown fate"),
            };
            let state = sim.store.intents.get(&shot.1.intent).map(|intent| intent.state);
            counters.saw(format!("{what}, in the end {state:?}"));
        }
    }
    for issue in sim.store.issues.values() {
        counters.saw(format!("issue: {}", issue.class));
    }
    for link in sim.store.links.values() {
        counters.saw(format!("link: {} {:?} {:?}", link.object, link.state, origin(&link.origin)));
    }
    for status in sim.store.statuses.values() {
        counters.saw(format!("status: {}", status.state));
    }
    for link in sim.store.links.values().filter(|link| link.state == LinkState::Active) {
        for system in System::BOTH {
            match sim.servers[system].records.get(&link.id_in(system)) {
                None => counters.saw(format!("a record of {system} wiped out, and its link still active")),
                Some(entry) if entry.archived => counters.saw(format!("a deletion in {system} not noticed")),
                Some(_) => {}
            }
        }
    }
    if sim.store.statuses.values().any(|status| status.state == RecordState::Pending) {
        counters.saw("a record still pending at the end");
    }
    if counters.crashes > 0 {
        counters.saw("crash");
    }
    if counters.crashes > 1 {
        counters.saw("crash, more than one");
    }
    if counters.late_landings > 0 {
        counters.saw("late landing");
    }
    if !sim.watch.blind.is_empty() {
        counters.saw("overwritten unseen");
    }
    if sim.ledger.iter().any(|mutation| mutation.what == Change::Restored) {
        counters.saw("restore");
    }
    for system in System::BOTH.into_iter().filter(|system| !sim.servers[*system].merged.is_empty()) {
        counters.saw(format!("merge in {system}"));
    }
    sim.outcome.counters = counters;
    sim.count_work();
}

fn origin(origin: &lockstep::engine::core::state::LinkOrigin) -> &'static str {
    use lockstep::engine::core::state::LinkOrigin;
    match origin {
        LinkOrigin::Created(System::HubSpot) => "created in HubSpot",
        LinkOrigin::Created(System::ConnectWise) => "created in ConnectWise",
        LinkOrigin::Stamp => "found by stamp",
        LinkOrigin::Match(_) => "matched",
        LinkOrigin::Person => "by a person",
    }
}
