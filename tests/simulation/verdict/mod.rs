//! What must hold once the world is calm, one function each, judged from outside: what the servers hold, their ledger, and
//! the committed rows.

mod pair;
mod reached;
mod story;
mod whole;

use std::collections::BTreeSet;

use lockstep::engine::core::state::{Issue, IssueClass, LinkState};
use lockstep::model::{LinkId, ObjectKind, System};

use crate::fields::{SPECS, Shape, Spec, place_of, places};
use crate::server::{Entry, NOT_ACCEPTABLE, POISON};
use crate::simulation::Simulation;

use pair::{i1_convergence, i1_same_parent, i2_no_lost_update, i2b_no_silent_loss, i3_no_invention, i6_write_bound};
use story::Story;
use whole::{i1_everything_crosses, i5_deletions_are_noticed, i10_journal_completeness, refused};

pub use reached::count;
pub use whole::{i6_quiescence, i17_idempotent_push};

/// A pair that takes part, with both records as their servers hold them.
struct Pair {
    link: LinkId,
    hubspot: Entry,
    connectwise: Entry,
    /// Fields that wait for a person.
    held: BTreeSet<usize>,
    pushed: bool,
    /// The fields in play.
    fields: u64,
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
        if self.object().is_activity() {
            let about = || places(self.object(), self.fields).map(|at| &SPECS[at]).filter(|spec| is_somebody(spec));
            return System::BOTH.into_iter().any(|system| about().all(|spec| self.canon(spec, system).is_empty()));
        }
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
    sim.watch.held = crate::holds::held(sim);
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
            if pair.is_frozen() || spec.is_given_once() {
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
    crate::merging::the_right_link_went_along(sim);
    crate::holds::i1_holds_end_with_their_cause(sim);
    i10_journal_completeness(sim);
}

/// Links that are active between two living records, less those that wait for a person as a whole.
fn live_pairs(sim: &Simulation<'_>) -> Vec<Pair> {
    let active = sim.store.links.values().filter(|link| link.state == LinkState::Active);
    let mut pairs = Vec::new();
    for link in active {
        let entry = |system: System| {
            sim.servers[system].records.get(&link.id_in(system)).filter(|_| sim.is_live(link.record(system)))
        };
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
            fields: sim.scenario.fields,
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

/// Whether a field tells whom an activity is about.
const fn is_somebody(spec: &Spec) -> bool {
    matches!(spec.shape, Shape::Reference | Shape::Contacts)
}

/// Whether an issue is a legal end: a person must act.
fn waits(issue: &&Issue) -> bool {
    issue.class.needs_person()
}
