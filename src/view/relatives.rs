//! The records around a pair: those that its references point to, and those that point to it.

use std::collections::BTreeMap;

use crate::engine::core::plan::PairPlan;
use crate::engine::core::state::{LinkState, RecordState, Status};
use crate::engine::core::view::{View, ViewResult};
use crate::mapping::Rules;
use crate::mapping::references::{ids, referring_key, refers_to};
use crate::model::{FieldDef, ObjectKind, RecordRef, System, Value};

/// Records below a pair that are told by name, per object and system.
const MOST: usize = 200;

/// A record that is known by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relative {
    /// By which the list knows its pair.
    pub anchor: RecordRef,
    pub name: String,
    pub state: RecordState,
}

impl From<&Status> for Relative {
    fn from(status: &Status) -> Self {
        Self { anchor: status.anchor(), name: status.name.clone(), state: status.state }
    }
}

/// What stands above and below a pair, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relatives {
    /// By the id that a reference holds, in either system.
    above: BTreeMap<RecordRef, Relative>,
    /// By object, then by name.
    pub below: Vec<Relative>,
    /// Whether there are more below than are told.
    pub more: bool,
}

impl Relatives {
    /// Looks up what the references of a pair point to, and what points to the pair.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of(view: &dyn View, rules: &Rules, plan: &PairPlan) -> ViewResult<Self> {
        let mut found = Self::default();
        for field in &plan.fields {
            let rule = rules.object(plan.object).and_then(|object| object.field(&field.key));
            let Some(object) = rule.and_then(|rule| refers_to(rule.mapping.kind)) else { continue };
            for system in System::BOTH {
                let agreed = field.agreed.as_ref().map(|agreed| ids(agreed.of(system))).unwrap_or_default();
                for id in ids(&field.values[system]).into_iter().chain(agreed) {
                    found.look_above(view, RecordRef::new(object, system, id))?;
                }
            }
        }
        for child in rules.children(plan.object) {
            found.look_below(view, plan, *child)?;
        }
        Ok(found)
    }

    fn look_above(&mut self, view: &dyn View, record: RecordRef) -> ViewResult<()> {
        if self.above.contains_key(&record) {
            return Ok(());
        }
        let Some(status) = status_of(view, record)? else { return Ok(()) };
        let relative = Relative::from(&status);
        for (system, id) in [(System::HubSpot, status.hubspot), (System::ConnectWise, status.connectwise)] {
            if let Some(id) = id {
                self.above.insert(RecordRef::new(record.object, system, id), relative.clone());
            }
        }
        self.above.insert(record, relative);
        Ok(())
    }

    fn look_below(&mut self, view: &dyn View, plan: &PairPlan, child: ObjectKind) -> ViewResult<()> {
        let mut found = BTreeMap::new();
        for (system, id) in [(System::HubSpot, plan.hubspot), (System::ConnectWise, plan.connectwise)] {
            let Some(id) = id else { continue };
            let records = view.by_key(child, system, &referring_key(plan.object, id), MOST + 1)?;
            self.more |= records.len() > MOST;
            for record in records.into_iter().take(MOST) {
                if let Some(status) = status_of(view, record)? {
                    found.insert(status.anchor(), Relative::from(&status));
                }
            }
        }
        let mut found: Vec<Relative> = found.into_values().collect();
        found.sort_by_cached_key(|relative| (relative.name.to_lowercase(), relative.anchor));
        self.below.extend(found);
        Ok(())
    }

    /// One more record above.
    #[cfg(test)]
    #[must_use]
    pub fn with_above(mut self, record: RecordRef, name: &str, state: RecordState) -> Self {
        self.above.insert(record, Relative { anchor: record, name: name.to_owned(), state });
        self
    }

    /// What a reference's value in `system` points to, by name; none where the field is no reference, or one of the
    /// records is not known.
    #[must_use]
    pub fn named(&self, field: Option<&FieldDef>, system: System, value: &Value) -> Option<String> {
        let pointed = self.pointed(field, system, value);
        let wanted = ids(value).len();
        let names: Vec<&str> = pointed.iter().map(|relative| relative.name.trim()).collect();
        (wanted > 0 && names.len() == wanted && names.iter().all(|name| !name.is_empty())).then(|| names.join(", "))
    }

    /// The known records that a reference's value in `system` points to.
    #[must_use]
    pub fn pointed(&self, field: Option<&FieldDef>, system: System, value: &Value) -> Vec<&Relative> {
        let Some(object) = field.and_then(|field| refers_to(field.kind)) else { return Vec::new() };
        ids(value).into_iter().filter_map(|id| self.above.get(&RecordRef::new(object, system, id))).collect()
    }

    /// The records above, each once.
    #[must_use]
    pub fn above(&self) -> Vec<&Relative> {
        let by_anchor: BTreeMap<RecordRef, &Relative> =
            self.above.values().map(|relative| (relative.anchor, relative)).collect();
        by_anchor.into_values().collect()
    }

    /// How many there are below, by object: `3 contacts`.
    #[must_use]
    pub fn counts(&self) -> Vec<String> {
        let mut counts: BTreeMap<ObjectKind, u64> = BTreeMap::new();
        for relative in &self.below {
            *counts.entry(relative.anchor.object).or_default() += 1;
        }
        let told = |(object, count): (ObjectKind, u64)| {
            let many = object.plural().to_lowercase();
            if self.more {
                format!("{count}+ {many}")
            } else {
                super::format::counted(count, &object.to_string(), &many)
            }
        };
        counts.into_iter().map(told).collect()
    }
}

/// The state of the pair that a record belongs to.
fn status_of(view: &dyn View, record: RecordRef) -> ViewResult<Option<Status>> {
    let link = view.link_of(record)?.filter(|link| link.state == LinkState::Active);
    let anchor = link.map_or(record, |link| link.record(System::HubSpot));
    view.status(anchor)
}
