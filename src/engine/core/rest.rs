//! Pairs at rest: both sides hold to the letter what they agreed on, nothing is known about them but that, and people see
//! them in step. Whatever a configuration says of the fields they agreed on, nothing happens to them: whoever goes
//! through all records need not decide on them.

use super::state::{Link, LinkState, Observation, RecordState, Status};
use super::view::{View, ViewResult};
use crate::filter::Filter;
use crate::mapping::keys::stamp_of;
use crate::mapping::needs::{given_once, name_of};
use crate::mapping::{FieldKey, FieldRule, ObjectRules};
use crate::model::{BySystem, FieldName, RecordRef, System};

/// What the pairs of an object have agreed on when they are at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    pub fields: Vec<RestField>,
}

/// One mapped field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestField {
    pub key: FieldKey,
    pub names: BySystem<FieldName>,
}

impl Rest {
    /// None where a mapped field is missing in one of the systems: every pair says so. Nor where transforms look at
    /// other fields than the mapped ones, or filters at the day: what these hold, and when it turns, is noted with every pair.
    #[must_use]
    pub fn of(rules: &ObjectRules) -> Option<Self> {
        let looks_beside = |rule: &FieldRule| System::BOTH.into_iter().any(|to| !rule.transform(to).reads().is_empty());
        let is_dated = System::BOTH.into_iter().any(|to| rules.filters[to].as_ref().is_some_and(Filter::is_dated));
        if is_dated || rules.fields.iter().any(|rule| rule.absent.is_some() || looks_beside(rule)) {
            return None;
        }
        // what a new record takes alone is not compared
        let object = rules.mapping.object;
        let once = |names: &BySystem<FieldName>| {
            System::BOTH.into_iter().any(|system| given_once(object, system, names[system].as_str()).is_some())
        };
        let fields = rules.fields.iter().map(|rule| RestField {
            key: rule.key.clone(),
            names: BySystem::from_fn(|system| rule.name(system).clone()),
        });
        Some(Self { fields: fields.filter(|field| !once(&field.names)).collect() })
    }

    /// Whether the pair that `anchor` names is at rest.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn is_at_rest<V: View + ?Sized>(&self, view: &V, anchor: RecordRef) -> ViewResult<bool> {
        let Some(link) = view.link_of(anchor)? else { return Ok(false) };
        let (here, there) = (link.record(System::HubSpot), link.record(System::ConnectWise));
        let (Some(h), Some(c)) = (view.observation(here)?, view.observation(there)?) else { return Ok(false) };
        let Some(shown) = view.status(here)? else { return Ok(false) };
        let is_quiet = view.issues_of(here)?.is_empty()
            && view.issues_of(there)?.is_empty()
            && view.decisions_of(link.id)?.is_empty();
        Ok(is_quiet && is_shown_in_step(&shown, &link, &h) && self.holds(&link, &h, &c))
    }

    fn holds(&self, link: &Link, h: &Observation, c: &Observation) -> bool {
        let is_known = |observed: &Observation| observed.is_live() && !observed.is_in_doubt();
        link.state == LinkState::Active
            && is_known(h)
            && is_known(c)
            && h.record.stamp.as_ref() == Some(&stamp_of(link.object, link.connectwise))
            && self.fields.iter().all(|field| {
                link.baseline.get(&field.key).is_some_and(|agreed| {
                    !agreed.supposed
                        && agreed.beside == BySystem::default()
                        && agreed.hubspot == *h.record.value(field.names.hubspot.as_str())
                        && agreed.connectwise == *c.record.value(field.names.connectwise.as_str())
                })
            })
    }
}

fn is_shown_in_step(shown: &Status, link: &Link, h: &Observation) -> bool {
    shown.state == RecordState::InSync
        && shown.why.is_empty()
        && shown.link == Some(link.id)
        && shown.hubspot == Some(link.hubspot)
        && shown.connectwise == Some(link.connectwise)
        && name_of(link.object, System::HubSpot, &h.record).as_ref() == Some(&shown.name)
}

/// Those of the records whose pair is not at rest.
///
/// # Errors
/// When the view cannot be read.
pub fn restless<V: View + ?Sized>(view: &V, anchors: Vec<RecordRef>, rest: &Rest) -> ViewResult<Vec<RecordRef>> {
    let mut left = Vec::new();
    for anchor in anchors {
        if !rest.is_at_rest(view, anchor)? {
            left.push(anchor);
        }
    }
    Ok(left)
}
