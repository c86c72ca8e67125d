//! Records that rest because something like them is there already, or could not be told apart: they are looked at again as
//! soon as what they are like is known, or known to be something else.

use std::collections::BTreeSet;

use super::command::Row;
use super::plan::gather::home;
use super::plan::identity::look_alikes;
use super::pull::dirty;
use super::state::{DirtyReason, Link, Observation};
use super::step::{Engine, Step};
use super::view::{View, ViewResult};
use crate::mapping::ObjectRules;
use crate::mapping::keys::match_key;
use crate::model::{FieldName, ObjectKind, RecordRef, System};

impl Engine {
    /// Wakes the records of both systems that have no partner and that a record is like by what it shows now, or was like by
    /// what it showed before, where that is something else: what could be its partner, what could not be told from it, and
    /// what could not be told from that.
    pub(super) fn wake_counterparts(
        step: &mut Step<'_>,
        rules: &ObjectRules,
        before: Option<&Observation>,
        now: &Observation,
    ) -> ViewResult<()> {
        let before = before.filter(|before| before.is_live());
        let after = Some(now).filter(|now| now.is_live());
        if looks(step.view, rules, before)? == looks(step.view, rules, after)? {
            return Ok(());
        }
        let (mut keys_of, mut like) = (BTreeSet::new(), BTreeSet::new());
        for shown in before.into_iter().chain(after) {
            for key in keys(rules, shown) {
                for system in System::BOTH {
                    like.extend(look_alikes(step.view, shown, &key, system)?);
                }
                keys_of.insert(key);
            }
        }
        // one over there that could have been this one or another may be that other's for sure now, by another key
        let over_there = like.iter().filter(|there| before.is_some() && there.system != now.of.system);
        for there in over_there.copied().collect::<Vec<_>>() {
            if step.view.link_of(there)?.is_none()
                && let Some(there) = step.view.observation(there)?
            {
                for key in keys(rules, &there) {
                    if keys_of.insert(key.clone()) {
                        like.extend(look_alikes(step.view, &there, &key, now.of.system)?);
                    }
                }
            }
        }
        wake_free(step, like, now.of)
    }

    /// Two records are linked now: those that could have been the partner of one of them look elsewhere.
    pub(super) fn wake_rivals(step: &mut Step<'_>, rules: &ObjectRules, link: &Link) -> ViewResult<()> {
        let (mut keys_of, mut like) = (BTreeSet::new(), BTreeSet::new());
        for system in System::BOTH {
            let Some(known) = step.view.observation(link.record(system))? else { continue };
            for key in keys(rules, &known) {
                if keys_of.insert(key.clone()) {
                    for system in System::BOTH {
                        like.extend(look_alikes(step.view, &known, &key, system)?);
                    }
                }
            }
        }
        like.remove(&link.record(System::HubSpot));
        wake_free(step, like, link.record(System::ConnectWise))
    }
}

impl Engine {
    /// A company shows something else in a field that the filters of other objects look at: the records that belong to it are
    /// looked at once more.
    pub(super) fn wake_onlookers(&self, step: &mut Step<'_>, before: Option<&Observation>, now: &Observation) {
        if now.of.object != ObjectKind::Company {
            return;
        }
        let differs = |field: &FieldName| {
            before.is_none_or(|before| before.record.value(field.as_str()) != now.record.value(field.as_str()))
        };
        for onlooker in self.rules.onlookers().iter().filter(|onlooker| onlooker.system == now.of.system) {
            if onlooker.fields.iter().any(differs) {
                step.row(Row::DirtyChildren { object: onlooker.object, parent: now.of, since: step.now });
            }
        }
    }
}

/// Wakes those that have no partner.
fn wake_free(step: &mut Step<'_>, like: BTreeSet<RecordRef>, but: RecordRef) -> ViewResult<()> {
    for other in like.into_iter().filter(|other| *other != but) {
        if step.link_of(other)?.is_none() {
            step.row(dirty(other, DirtyReason::Changed, step.now));
        }
    }
    Ok(())
}

/// By what others are told from a record; nothing where it is not there.
fn looks(
    view: &dyn View,
    rules: &ObjectRules,
    shown: Option<&Observation>,
) -> ViewResult<Option<(Vec<String>, Option<RecordRef>)>> {
    shown.map(|shown| Ok((keys(rules, shown), home(view, shown)?))).transpose()
}

/// The match keys of a record.
fn keys(rules: &ObjectRules, shown: &Observation) -> Vec<String> {
    let of_rule = |rule| match_key(rules, rule, shown.of.system, &shown.record);
    (0..rules.mapping.matching.len()).filter_map(of_rule).collect()
}
