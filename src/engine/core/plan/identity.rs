//! Who a record is on the other side: stamp first, then match keys. A link, once made, decides alone.

use super::gather::{home_in, share_home};
use crate::engine::core::state::{IntentState, LinkOrigin, Observation};
use crate::engine::core::view::{View, ViewResult};
use crate::filter::standard;
use crate::mapping::keys::{id_of_stamp, match_key, stamp_of, stamps_are_unique};
use crate::mapping::references::{home, ids, listed_below, referring_key};
use crate::mapping::{MatchBy, MatchRule, ObjectRules};
use crate::model::{IntentId, ObjectKind, RecordId, RecordRef, System};

/// As what a record without a link was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Nothing over there is the same thing.
    Alone,
    /// Exactly one record over there is the same thing, and free.
    Partner {
        id: RecordId,
        origin: LinkOrigin,
        /// The create that made one from the other, where that is how they are related.
        made_by: Option<IntentId>,
    },
    /// Several could be, or the one over there could be several here.
    Ambiguous { here: Vec<RecordId>, there: Vec<RecordId>, rule: String },
    /// The one over there is linked already.
    Taken { partner: RecordId, linked_with: RecordId, rule: String },
    /// It had a partner, which was deleted.
    Deleted { reason: String },
    /// Somebody copied a linked record, its key included, into another deal or a quote.
    Copy { of: RecordId },
}

/// Recognises a record that has no link.
///
/// # Errors
/// When the view cannot be read.
pub fn recognise(view: &dyn View, rules: &ObjectRules, observed: &Observation) -> ViewResult<Identity> {
    if let Some(identity) = by_stamp(view, observed)? {
        return Ok(identity);
    }
    by_keys(view, rules, observed)
}

/// By the keys that Lockstep wrote, in the record itself or over there. Deleted copies count: they are not made again.
fn by_stamp(view: &dyn View, observed: &Observation) -> ViewResult<Option<Identity>> {
    let RecordRef { object, system, id } = observed.of;
    let mut named: Vec<RecordRef> = view.by_stamp(object, system.other(), &stamp_of(object, id))?;
    if let Some(partner) = observed.record.stamp.as_deref().and_then(|stamp| id_of_stamp(object, stamp)) {
        named.push(RecordRef::new(object, system.other(), partner));
    }
    if named.is_empty() {
        return Ok(None);
    }
    named.sort_unstable();
    named.dedup();
    let mut deleted = None;
    for partner in named {
        let there = view.observation(partner)?;
        if let Some(link) = view.link_of(partner)? {
            let linked_with = link.id_in(system);
            if is_copy(view, observed, linked_with)? {
                return Ok(Some(Identity::Copy { of: linked_with }));
            }
            return Ok(Some(Identity::Taken {
                partner: partner.id,
                linked_with,
                rule: "key written by Lockstep".to_owned(),
            }));
        }
        if there.is_some_and(|there| there.is_live()) {
            let made_by = maker(view, observed.of, partner)?;
            return Ok(Some(Identity::Partner { id: partner.id, origin: LinkOrigin::Stamp, made_by }));
        }
        deleted.get_or_insert_with(|| format!("its partner, {partner}, was deleted"));
    }
    Ok(deleted.map(|reason| Identity::Deleted { reason }))
}

/// Whether a record with the key of another was copied in its own system to a place where Lockstep never made it: whoever
/// makes a quote of a HubSpot deal, or copies the deal, copies its line items. Beside the other, it may be a twin.
fn is_copy(view: &dyn View, observed: &Observation, original: RecordId) -> ViewResult<bool> {
    let RecordRef { object, system, .. } = observed.of;
    let Some((name, _)) = home(object, system).filter(|_| system == System::HubSpot && !stamps_are_unique(object))
    else {
        return Ok(false);
    };
    let Some(original) = view.observation(RecordRef::new(object, system, original))? else { return Ok(false) };
    // one that was deleted belongs to no deal any more
    let (here, there) = (ids(observed.record.value(name)), ids(original.record.value(name)));
    Ok(!original.is_live() || (!there.is_empty() && here.iter().all(|id| !there.contains(id))))
}

/// The create that made one of two records from the other, if Lockstep did.
fn maker(view: &dyn View, here: RecordRef, there: RecordRef) -> ViewResult<Option<IntentId>> {
    for (source, copy) in [(here, there), (there, here)] {
        let sent = view.creates_from(source)?.into_iter().rev().find(|intent| {
            let refused = matches!(intent.state, IntentState::Rejected | IntentState::NotApplied);
            !refused && intent.target.is_none_or(|target| target == copy.id)
        });
        if let Some(intent) = sent {
            return Ok(Some(intent.id));
        }
    }
    Ok(None)
}

/// By the match rules. Of two records the first rule for which both have a value decides whether they are the same.
fn by_keys(view: &dyn View, rules: &ObjectRules, observed: &Observation) -> ViewResult<Identity> {
    let system = observed.of.system;
    let mut best: Option<(usize, Vec<RecordRef>)> = None;
    for rule in 0..rules.mapping.matching.len() {
        let Some(key) = match_key(rules, rule, system, &observed.record) else { continue };
        let mut same = Vec::new();
        for candidate in look_alikes(view, observed, &key, system.other())? {
            let Some(there) = view.observation(candidate)? else { continue };
            if takes_part(rules, &there)
                && sameness(view, rules, observed, &there)? == Some(rule)
                && !(may_repeat(rules, rule) && view.link_of(candidate)?.is_some())
            {
                same.push(candidate);
            }
        }
        if !same.is_empty() {
            best = Some((rule, same));
            break;
        }
    }
    let Some((rule, candidates)) = best else { return alone_unless_twin(view, rules, observed) };
    decide(view, rules, observed, rule, &candidates)
}

/// How many candidates are looked at: more than a person would ever compare.
const MOST_CANDIDATES: usize = 10;

/// A workflow makes hundreds of tasks of one name on one day, each for another company.
const fn most_candidates(object: ObjectKind) -> usize {
    if object.is_activity() { 1000 } else { MOST_CANDIDATES }
}

/// Line items of one deal that are looked through.
const MOST_OF_ONE_DEAL: usize = 1000;

/// Records of `system` that may be the same thing as an observed one, whose key this is. Of line items all of the same
/// deal: what everybody buys is in hundreds of deals.
///
/// # Errors
/// When the view cannot be read.
pub fn look_alikes(view: &dyn View, observed: &Observation, key: &str, system: System) -> ViewResult<Vec<RecordRef>> {
    let object = observed.of.object;
    if listed_below(object, System::ConnectWise).is_none() {
        return view.by_key(object, system, key, most_candidates(object));
    }
    match home_in(view, observed, system)? {
        Some(home) => view.by_key(object, system, &referring_key(home.object, home.id), MOST_OF_ONE_DEAL),
        None => Ok(Vec::new()),
    }
}

fn decide(
    view: &dyn View,
    rules: &ObjectRules,
    observed: &Observation,
    rule: usize,
    candidates: &[RecordRef],
) -> ViewResult<Identity> {
    let in_words = rule_in_words(rules, rule);
    let ids = |records: &[RecordRef]| records.iter().map(|record| record.id).collect();
    let [candidate] = candidates else {
        return Ok(Identity::Ambiguous { here: vec![observed.of.id], there: ids(candidates), rule: in_words });
    };
    if let Some(link) = view.link_of(*candidate)? {
        let linked_with = link.id_in(observed.of.system);
        return Ok(Identity::Taken { partner: candidate.id, linked_with, rule: in_words });
    }
    let rivals = rivals(view, rules, observed, rule, *candidate)?;
    if rivals.is_empty() {
        let origin = LinkOrigin::Match(in_words);
        return Ok(Identity::Partner { id: candidate.id, origin, made_by: None });
    }
    let mut here: Vec<RecordId> = ids(&rivals);
    here.push(observed.of.id);
    here.sort_unstable();
    Ok(Identity::Ambiguous { here, there: vec![candidate.id], rule: in_words })
}

/// Other records on this side that are the same thing as the candidate, by as strong a rule.
fn rivals(
    view: &dyn View,
    rules: &ObjectRules,
    observed: &Observation,
    rule: usize,
    candidate: RecordRef,
) -> ViewResult<Vec<RecordRef>> {
    let Some(there) = view.observation(candidate)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for stronger in 0..=rule {
        let Some(key) = match_key(rules, stronger, candidate.system, &there.record) else { continue };
        for rival in look_alikes(view, &there, &key, observed.of.system)? {
            if rival == observed.of || found.contains(&rival) {
                continue;
            }
            let Some(other) = view.observation(rival)? else { continue };
            if takes_part(rules, &other)
                && sameness(view, rules, &other, &there)?.is_some_and(|by| by <= rule)
                && !(may_repeat(rules, stronger) && view.link_of(rival)?.is_some())
            {
                found.push(rival);
            }
        }
    }
    Ok(found)
}

/// Two records here that are the same thing would become two records there: only the one with the lowest id may.
fn alone_unless_twin(view: &dyn View, rules: &ObjectRules, observed: &Observation) -> ViewResult<Identity> {
    let RecordRef { object, system, id } = observed.of;
    for rule in (0..rules.mapping.matching.len()).filter(|rule| !may_repeat(rules, *rule)) {
        let Some(key) = match_key(rules, rule, system, &observed.record) else { continue };
        for twin in view.by_key(object, system, &key, MOST_CANDIDATES)? {
            if twin.id >= id {
                continue;
            }
            let Some(other) = view.observation(twin)? else { continue };
            if takes_part(rules, &other) && sameness(view, rules, &other, observed)?.is_some() {
                let rule = rule_in_words(rules, rule);
                return Ok(Identity::Ambiguous { here: vec![twin.id, id], there: Vec::new(), rule });
            }
        }
    }
    Ok(Identity::Alone)
}

fn takes_part(rules: &ObjectRules, observed: &Observation) -> bool {
    observed.is_live() && standard::may_be_recognised(&rules.mapping, observed.of.system, &observed.record)
}

/// Whether one company may well have several records of that value: a customer renews every year. Those that have their
/// partners then say nothing about the next one, and two that have none are two.
fn may_repeat(rules: &ObjectRules, rule: usize) -> bool {
    rules.mapping.matching.get(rule).is_some_and(|rule| rule.by == MatchBy::CompanyText)
}

/// The rule by which two records are the same thing: the first for which both have a value, if the values are equal.
fn sameness(view: &dyn View, rules: &ObjectRules, one: &Observation, other: &Observation) -> ViewResult<Option<usize>> {
    for (at, rule) in rules.mapping.matching.iter().enumerate() {
        let key = |observed: &Observation| match_key(rules, at, observed.of.system, &observed.record);
        let (Some(mine), Some(yours)) = (key(one), key(other)) else { continue };
        let same = mine == yours && (rule.by != MatchBy::CompanyText || share_home(view, one, other)?);
        return Ok(same.then_some(at));
    }
    Ok(None)
}

fn rule_in_words(rules: &ObjectRules, rule: usize) -> String {
    rules.mapping.matching.get(rule).map_or_else(String::new, MatchRule::in_words)
}
