//! Everything that a plan for one pair depends on, looked up once. After this, planning is a pure function.

use std::collections::{BTreeMap, BTreeSet};

use super::PairDecision;
use super::identity::{self, Identity};
use crate::engine::core::state::{Decision, Intent, Issue, IssueClass, Link, LinkState, Observation, RecordState};
use crate::engine::core::view::{View, ViewResult};
use crate::filter::Filter;
use crate::mapping::ObjectRules;
use crate::mapping::keys::{id_of_stamp, identifier_from, identifier_key, merged_key, stamp_of};
use crate::mapping::references::{self, ALL_CONTACTS, Partner, Partners, refers_to};
use crate::model::{BySystem, LinkId, ObjectKind, RecordId, RecordRef, System, Timestamp};

/// The facts about one pair.
#[derive(Debug, Clone)]
pub struct Facts {
    pub asked: RecordRef,
    pub records: BySystem<Option<Observation>>,
    pub link: Option<Link>,
    /// An earlier write to or from this pair whose fate is not known yet.
    pub open: Option<Intent>,
    /// What a record without a link was recognised as.
    pub identity: Identity,
    pub decisions: Vec<Decision>,
    pub issues: Vec<Issue>,
    /// Who stands on the other side for the records that references of the pair point to.
    pub partners: Partners,
    /// The companies that the records belong to, where a filter looks at them; of one that was not read its name alone.
    pub companies: Companies,
    /// What became of a record of the pair that was merged into another, which is linked already.
    pub merged: Option<Merged>,
    /// A record that was merged into the one asked for, and whose link does not lead here yet.
    pub takes_over: Option<RecordRef>,
    /// Another ConnectWise record of which the HubSpot record of the pair carries the key, and which carries that record's
    /// key: two engines made one each, from two copies of a workspace.
    pub rival: Option<RecordRef>,
    /// The company identifier that a create in ConnectWise would use.
    pub identifier: Option<String>,
}

/// Companies, as far as they were read.
pub type Companies = BySystem<Option<(RecordRef, Option<Observation>)>>;

/// A merge of two records that each had a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    pub loser: RecordRef,
    pub survivor: RecordRef,
    /// The survivor's partner.
    pub linked_with: RecordRef,
}

impl Facts {
    /// Looks up everything about the pair that `asked` belongs to. `open` are all open intents of the workspace.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn gather(view: &dyn View, rules: &ObjectRules, asked: RecordRef, open: &[Intent]) -> ViewResult<Self> {
        let mut facts = Self::known(view, asked, open)?;
        facts.see_as(view, rules)?;
        Ok(facts)
    }

    /// What is known of the pair whatever the configuration: the part of [`Facts::gather`] that several of them share.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn known(view: &dyn View, asked: RecordRef, open: &[Intent]) -> ViewResult<Self> {
        let link = view.link_of(asked)?;
        let ids = BySystem::from_fn(|system| match &link {
            Some(link) => Some(link.record(system)),
            None => (system == asked.system).then_some(asked),
        });
        let mut facts = Self {
            asked,
            records: BySystem::new(look_up(view, ids.hubspot)?, look_up(view, ids.connectwise)?),
            open: open.iter().find(|intent| concerns(intent, &ids)).cloned(),
            decisions: match &link {
                Some(link) => view.decisions_of(link.id)?,
                None => Vec::new(),
            },
            issues: issues(view, &ids)?,
            identity: Identity::Alone,
            partners: Partners::default(),
            companies: BySystem::default(),
            merged: None,
            takes_over: None,
            rival: None,
            identifier: None,
            link,
        };
        if facts.link.is_some() {
            facts.merged = merged(view, &facts.records)?;
            facts.rival = rival(view, &facts.records)?;
        } else if let Some(observed) = &facts.records[asked.system] {
            facts.takes_over = takes_over(view, observed)?;
        }
        Ok(facts)
    }

    /// The rest of [`Facts::gather`], which takes the place of what another configuration saw in the same pair: who stands for
    /// the records that references point to, and as what a record without a link is recognised.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn see_as(&mut self, view: &dyn View, rules: &ObjectRules) -> ViewResult<()> {
        self.partners = partners(view, rules, &self.records)?;
        self.companies = companies(view, rules, &self.records)?;
        (self.identity, self.identifier) = (Identity::Alone, None);
        if self.link.is_none()
            && let Some(observed) = &self.records[self.asked.system]
        {
            self.identity = identity::recognise(view, rules, observed)?;
            if self.asked.object == ObjectKind::Company {
                self.identifier = free_identifier(view, observed, &self.issues)?;
            }
        }
        Ok(())
    }

    /// The facts as they would be once the two that `decision` recognised as one are linked.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn as_if_linked(
        &self,
        view: &dyn View,
        rules: &ObjectRules,
        decision: &PairDecision,
        now: Timestamp,
    ) -> ViewResult<Option<Self>> {
        let PairDecision::Link { hubspot, connectwise, origin } = decision else { return Ok(None) };
        let link = Link {
            id: LinkId(0),
            object: self.asked.object,
            hubspot: *hubspot,
            connectwise: *connectwise,
            state: LinkState::Active,
            origin: origin.clone(),
            created: now,
            baseline: BTreeMap::new(),
            recent: BTreeMap::new(),
            own: BySystem::default(),
        };
        let records = BySystem::new(
            view.observation(link.record(System::HubSpot))?,
            view.observation(link.record(System::ConnectWise))?,
        );
        let partners = partners(view, rules, &records)?;
        let companies = companies(view, rules, &records)?;
        Ok(Some(Self { records, partners, companies, link: Some(link), ..self.clone() }))
    }

    /// The record that names the pair: the HubSpot one where there is one.
    #[must_use]
    pub fn anchor(&self) -> RecordRef {
        self.link.as_ref().map_or(self.asked, |link| link.record(System::HubSpot))
    }

    /// The records of the pair, known or not.
    #[must_use]
    pub fn ids(&self) -> BySystem<Option<RecordRef>> {
        BySystem::from_fn(|system| match &self.link {
            Some(link) => Some(link.record(system)),
            None => (system == self.asked.system).then_some(self.asked),
        })
    }

    /// A record of the pair that has to be read before anything is decided about it.
    #[must_use]
    pub fn in_doubt(&self) -> Option<RecordRef> {
        let ids = self.ids();
        let unread = |of: &RecordRef| self.records[of.system].as_ref().is_none_or(Observation::is_in_doubt);
        [ids.hubspot, ids.connectwise].into_iter().flatten().find(unread)
    }

    #[must_use]
    pub fn issue(&self, class: IssueClass) -> Option<&Issue> {
        self.issues.iter().find(|issue| issue.class == class)
    }
}

/// How many merges after each other are followed.
pub const MOST_MERGES: usize = 20;

/// The first record of a pair that was merged into one that has a partner of its own.
fn merged(view: &dyn View, records: &BySystem<Option<Observation>>) -> ViewResult<Option<Merged>> {
    for system in System::BOTH {
        let Some(gone) = records[system].as_ref().filter(|observed| observed.gone) else { continue };
        let (mut survivor, mut next) = (gone.of, gone.merged_into);
        for _ in 0..MOST_MERGES {
            let Some(id) = next else { break };
            survivor = RecordRef { id, ..survivor };
            next = view.observation(survivor)?.filter(|observed| observed.gone).and_then(|gone| gone.merged_into);
        }
        if survivor != gone.of
            && let Some(link) = view.link_of(survivor)?
        {
            let linked_with = link.record(system.other());
            return Ok(Some(Merged { loser: gone.of, survivor, linked_with }));
        }
    }
    Ok(None)
}

/// Who else claims the HubSpot record of a pair.
fn rival(view: &dyn View, records: &BySystem<Option<Observation>>) -> ViewResult<Option<RecordRef>> {
    let (Some(h), Some(c)) = (&records.hubspot, &records.connectwise) else { return Ok(None) };
    let named = h.record.stamp.as_deref().and_then(|stamp| id_of_stamp(h.of.object, stamp));
    let Some(other) = named.filter(|id| *id != c.of.id).map(|id| RecordRef { id, ..c.of }) else { return Ok(None) };
    let claims = |known: &Observation| {
        known.is_live() && known.record.stamp.as_deref() == Some(stamp_of(h.of.object, h.of.id).as_str())
    };
    Ok(view.observation(other)?.filter(claims).map(|known| known.of))
}

/// A linked record that was merged into this one.
fn takes_over(view: &dyn View, survivor: &Observation) -> ViewResult<Option<RecordRef>> {
    let told = survivor.record.merged.iter().filter(|id| **id != survivor.of.id);
    let mut losers: Vec<RecordRef> = told.map(|id| RecordRef { id: *id, ..survivor.of }).collect();
    if survivor.of.system == System::ConnectWise {
        let key = merged_key(survivor.of.id);
        losers.extend(view.by_key(survivor.of.object, survivor.of.system, &key, MOST_MERGES)?);
    }
    for loser in losers {
        if view.link_of(loser)?.is_some() {
            return Ok(Some(loser));
        }
    }
    Ok(None)
}

fn look_up(view: &dyn View, record: Option<RecordRef>) -> ViewResult<Option<Observation>> {
    record.map_or(Ok(None), |record| view.observation(record))
}

/// Looks up the partner of every record that a reference of the pair points to.
fn partners(view: &dyn View, rules: &ObjectRules, records: &BySystem<Option<Observation>>) -> ViewResult<Partners> {
    let mut partners = Partners::default();
    for rule in &rules.fields {
        let Some(parent) = refers_to(rule.mapping.kind) else { continue };
        for system in System::BOTH {
            let Some(observed) = &records[system] else { continue };
            let ids = references::ids(observed.record.value(rule.name(system).as_str()));
            let one_of_several = ids.len() > 1;
            for id in ids {
                let parent = RecordRef::new(parent, system, id);
                partners.insert(parent, partner(view, parent)?);
                if one_of_several
                    && let Some(known) = view.observation(parent)?
                    && (home(view, observed)? == Some(parent) || share_home(view, observed, &known)?)
                {
                    partners.add_kin(parent);
                }
            }
        }
    }
    Ok(partners)
}

/// The companies that filters of the pair look at.
fn companies(view: &dyn View, rules: &ObjectRules, records: &BySystem<Option<Observation>>) -> ViewResult<Companies> {
    let mut found = BySystem::default();
    for system in System::BOTH {
        let filter = rules.filters[system.other()].as_ref();
        let Some(observed) = records[system].as_ref().filter(|_| filter.is_some_and(Filter::looks_at_company)) else {
            continue;
        };
        let company = home(view, observed)?.filter(|home| home.object == ObjectKind::Company);
        if let Some(of) = company {
            found[system] = Some((of, view.observation(of)?));
        }
    }
    Ok(found)
}

/// The one record that an observed one [belongs to](references::home).
///
/// # Errors
/// When the view cannot be read.
pub fn home(view: &dyn View, observed: &Observation) -> ViewResult<Option<RecordRef>> {
    let Some((name, parent)) = references::home(observed.of.object, observed.of.system) else { return Ok(None) };
    let ids = references::ids(observed.record.value(name));
    Ok(match ids.as_slice() {
        [id] => Some(RecordRef::new(parent, observed.of.system, *id)),
        [_, _, ..] if observed.of.object.is_activity() => company_that_counts(view, observed, &ids)?,
        _ => None,
    })
}

/// Of several companies of an activity, none of which HubSpot calls the primary one: the only one that its contacts, deals
/// and tickets belong to.
fn company_that_counts(view: &dyn View, observed: &Observation, ids: &[RecordId]) -> ViewResult<Option<RecordRef>> {
    let about = [
        (ALL_CONTACTS, ObjectKind::Contact),
        (references::DEAL_OF_LINE, ObjectKind::Deal),
        (references::ALL_TICKETS, ObjectKind::Ticket),
    ];
    let mut found = BTreeSet::new();
    for (name, object) in about {
        for id in references::ids(observed.record.value(name)) {
            let Some(known) = view.observation(RecordRef::new(object, observed.of.system, id))? else { continue };
            found.extend(home(view, &known)?.filter(|company| ids.contains(&company.id)));
        }
    }
    let mut found = found.into_iter();
    Ok(found.next().filter(|_| found.next().is_none()))
}

/// The same as `system` knows it.
pub(super) fn home_in(view: &dyn View, observed: &Observation, system: System) -> ViewResult<Option<RecordRef>> {
    let Some(home) = home(view, observed)? else { return Ok(None) };
    if home.system == system {
        return Ok(Some(home));
    }
    let there = view.counterpart(home)?.filter(|(_, state)| *state == LinkState::Active);
    Ok(there.map(|(there, _)| there))
}

/// Whether two records belong to the same company, or line items to the same deal, be it that one system tells it of the
/// one and the other of the other.
pub(super) fn share_home(view: &dyn View, one: &Observation, other: &Observation) -> ViewResult<bool> {
    let Some(there) = home(view, other)? else { return Ok(false) };
    Ok(home_in(view, one, other.of.system)? == Some(there))
}

fn partner(view: &dyn View, parent: RecordRef) -> ViewResult<Partner> {
    if let Some((there, state)) = view.counterpart(parent)? {
        // what was just seen to be gone is nobody's partner, also before its link rests
        let is_gone = |record| view.is_live(record).map(|live| live == Some(false));
        return Ok(match state {
            LinkState::Active if is_gone(there)? => {
                Partner::Kept(format!("{there}, to which it would belong, was deleted"))
            }
            LinkState::Active if is_gone(parent)? => {
                Partner::Kept(format!("{parent}, to which it belongs, was deleted"))
            }
            LinkState::Active => Partner::Linked(there.id),
            LinkState::Tomb => Partner::Kept(format!("{parent}, to which it belongs, or its partner was deleted")),
            LinkState::Unlinked => {
                Partner::Kept(format!("{parent}, to which it belongs, was taken apart from its partner"))
            }
        });
    }
    let Some(status) = view.status(parent)? else {
        return Ok(Partner::Awaited(format!("waits for {parent}, which is not known here: not read yet, or deleted")));
    };
    let called = format!("{} \"{}\"", parent.object, status.name);
    Ok(match status.state {
        RecordState::Excluded => Partner::Kept(format!("its {called} is excluded: {}", status.why)),
        RecordState::Gone => Partner::Kept(format!("its {called} is gone: {}", status.why)),
        RecordState::Held | RecordState::Conflict | RecordState::Failing => {
            Partner::Awaited(format!("waits for its {called}, which is {}: {}", status.state, status.why))
        }
        RecordState::Pending | RecordState::Waiting | RecordState::InSync => {
            Partner::Awaited(format!("waits for its {called}"))
        }
    })
}

fn concerns(intent: &Intent, ids: &BySystem<Option<RecordRef>>) -> bool {
    let touches = |record: RecordRef| ids.hubspot == Some(record) || ids.connectwise == Some(record);
    touches(intent.source_record()) || intent.target_record().is_some_and(touches)
}

fn issues(view: &dyn View, ids: &BySystem<Option<RecordRef>>) -> ViewResult<Vec<Issue>> {
    let mut found = Vec::new();
    for record in [ids.hubspot, ids.connectwise].into_iter().flatten() {
        found.extend(view.issues_of(record)?);
    }
    Ok(found)
}

/// How many identifiers are tried for one company. A system that calls all of them taken means something else.
pub const MOST_IDENTIFIERS: u32 = 20;

/// The first identifier for the record's name that no known company has, counting on from the ones that were refused.
fn free_identifier(view: &dyn View, observed: &Observation, issues: &[Issue]) -> ViewResult<Option<String>> {
    if observed.of.system == System::ConnectWise {
        return Ok(None);
    }
    let name = observed.record.value("name").to_plain();
    let name = if name.trim().is_empty() { observed.record.value("domain").to_plain() } else { name };
    let refused =
        issues.iter().find(|issue| issue.class == IssueClass::IdentifierTaken).map_or(0, |issue| issue.attempts);
    let refused = refused.min(MOST_IDENTIFIERS - 1);
    for number in refused..refused + 100 {
        let identifier = identifier_from(&name, number);
        let taken = view.by_key(observed.of.object, System::ConnectWise, &identifier_key(&identifier), 1)?;
        if taken.is_empty() {
            return Ok(Some(identifier));
        }
    }
    Ok(Some(identifier_from(&name, refused + 100)))
}
