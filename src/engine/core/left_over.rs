//! What a merge, or a person who tidied up, left without a counterpart: who takes the place of what is gone, and who is
//! looked at again when that turns.

use super::command::Row;
use super::plan::Facts;
use super::pull::dirty;
use super::state::{DirtyReason, Link, LinkState, Observation};
use super::step::{Engine, Step};
use super::view::ViewResult;
use crate::mapping::ObjectRules;
use crate::mapping::keys::{id_of_stamp, stamp_of};
use crate::model::{RecordRef, System};

/// What became of a link that should lead elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing: it leads where it should, as far as is known.
    Kept,
    Taken,
    /// A write is under way to one of the records.
    Later,
}

impl Engine {
    /// Lets a link go along to where it belongs, where that could not be told when the merge was: to the survivor that
    /// no link reached, or to one whose own partner is gone.
    pub(super) fn take_place(&mut self, step: &mut Step<'_>, rules: &ObjectRules, facts: &Facts) -> ViewResult<Place> {
        if facts.link.is_none() {
            return if facts.takes_over.is_some() { self.take_left_link(step, rules, facts) } else { Ok(Place::Kept) };
        }
        self.take_place_of_dead(step, rules, facts)
    }

    /// A record into which linked ones were merged, of which no link came along: the one goes along whose partner it names,
    /// or else the first that takes part.
    fn take_left_link(&mut self, step: &mut Step<'_>, rules: &ObjectRules, facts: &Facts) -> ViewResult<Place> {
        let Some(survivor) = facts.records[facts.asked.system].as_ref().filter(|seen| seen.is_live()) else {
            return Ok(Place::Kept);
        };
        let (here, there) = (survivor.of.system, survivor.of.system.other());
        let named = survivor.record.stamp.as_deref().and_then(|stamp| id_of_stamp(survivor.of.object, stamp));
        let mut best: Option<((bool, bool, bool), Link)> = None;
        for loser in losers(survivor) {
            let Some(link) = step.view.link_of(loser)? else { continue };
            // what is still to be read goes along, or stays, when it is
            let is_gone = |seen: &Observation| !seen.is_live() && !seen.is_in_doubt();
            if !step.view.observation(loser)?.is_some_and(|seen| is_gone(&seen)) {
                return Ok(Place::Kept);
            }
            let partner = link.record(there);
            let is_there = step.view.is_live(partner)? == Some(true);
            let rank = (is_there, is_there && named == Some(partner.id), link.state == LinkState::Active);
            if link.state != LinkState::Unlinked && best.as_ref().is_none_or(|(before, _)| rank > *before) {
                best = Some((rank, link));
            }
        }
        let Some((_, link)) = best else { return Ok(Place::Kept) };
        let from = link.record(here);
        if self.are_busy(&[from, survivor.of, link.record(there)]) {
            return Ok(Place::Later);
        }
        step.row(Row::ClearStatus(from));
        step.row(dirty(from, DirtyReason::Changed, step.now));
        self.put_along(step, rules, moved(link, survivor.of))?;
        Ok(Place::Taken)
    }

    /// Of two pairs that a merge made one, the one whose partner is gone rests, and the other one goes on.
    fn take_place_of_dead(&mut self, step: &mut Step<'_>, rules: &ObjectRules, facts: &Facts) -> ViewResult<Place> {
        let (Some(left), Some(merged)) = (facts.link.clone(), &facts.merged) else { return Ok(Place::Kept) };
        let (here, there) = (merged.loser.system, merged.loser.system.other());
        let Some(dead) = step.view.link_of(merged.survivor)? else { return Ok(Place::Kept) };
        let partner = left.record(there);
        let is_dead = |seen: &Observation| !seen.is_live() && !seen.is_in_doubt();
        let takes = dead.state != LinkState::Unlinked
            && step.view.is_live(partner)? == Some(true)
            && step.view.observation(merged.linked_with)?.is_some_and(|seen| is_dead(&seen));
        if !takes {
            return Ok(Place::Kept);
        }
        // another one that was left over by it may have taken the place in this very step
        let is_taken = step.links().any(|link| link.record(here) == merged.survivor);
        if is_taken || self.are_busy(&[merged.loser, merged.survivor, merged.linked_with, partner]) {
            return Ok(Place::Later);
        }
        for link in [&left, &dead] {
            step.row(Row::ClearStatus(link.record(System::HubSpot)));
            for record in [link.record(here), link.record(there)] {
                step.row(dirty(record, DirtyReason::Changed, step.now));
            }
        }
        step.row(Row::ClearLink(left.id));
        step.row(Row::Link(Link { state: LinkState::Tomb, ..moved(dead, merged.loser) }));
        self.put_along(step, rules, Link { state: LinkState::Active, ..moved(left, merged.survivor) })?;
        Ok(Place::Taken)
    }

    /// A link that goes along with a merge.
    fn put_along(&mut self, step: &mut Step<'_>, rules: &ObjectRules, link: Link) -> ViewResult<()> {
        self.wake_children(step, &link);
        Self::wake_rivals(step, rules, &link)?;
        for system in System::BOTH {
            wake_losers(step, link.record(system))?;
            step.row(dirty(link.record(system), DirtyReason::Changed, step.now));
        }
        step.row(Row::Link(link));
        self.progressed();
        Ok(())
    }

    fn are_busy(&self, records: &[RecordRef]) -> bool {
        records.iter().any(|record| self.busy.contains(record))
    }

    /// A record went, or is there again: whoever was told what that meant for it is looked at once more.
    pub(super) fn wake_left_over(
        step: &mut Step<'_>,
        rules: &ObjectRules,
        before: Option<&Observation>,
        now: &Observation,
    ) -> ViewResult<()> {
        if before.is_none_or(|before| before.is_live() == now.is_live()) {
            return Ok(());
        }
        let of = now.of;
        for carrier in step.view.by_stamp(of.object, of.system.other(), &stamp_of(of.object, of.id))? {
            if step.link_of(carrier)?.is_none() {
                step.row(dirty(carrier, DirtyReason::Changed, step.now));
            }
        }
        let Some(link) = step.link_of(of)? else { return Ok(()) };
        Self::wake_rivals(step, rules, &link)?;
        for system in System::BOTH {
            wake_losers(step, link.record(system))?;
        }
        // those that carry the key of its partner
        let (other, of_other) = (link.record(of.system.other()), of.system);
        for carrier in step.view.by_stamp(of.object, of_other, &stamp_of(of.object, other.id))? {
            if step.link_of(carrier)?.is_none() {
                step.row(dirty(carrier, DirtyReason::Changed, step.now));
            }
        }
        Ok(())
    }

    /// Takes a link apart of which one record is gone: the other one has found a new partner.
    pub(super) fn replace_dead(&self, step: &mut Step<'_>, record: RecordRef) -> ViewResult<()> {
        let Some(dead) = step.view.link_of(record)? else { return Ok(()) };
        for decision in step.view.decisions_of(dead.id)? {
            step.row(Row::ClearDecision { link: dead.id, field: decision.field });
        }
        wake_losers(step, record)?;
        step.row(Row::ClearStatus(dead.record(System::HubSpot)));
        step.row(Row::ClearLink(dead.id));
        step.row(dirty(dead.record(record.system.other()), DirtyReason::Changed, step.now));
        Ok(())
    }
}

/// The same link for another record.
const fn moved(mut link: Link, to: RecordRef) -> Link {
    match to.system {
        System::HubSpot => link.hubspot = to.id,
        System::ConnectWise => link.connectwise = to.id,
    }
    link
}

/// What went up in a record.
fn losers(survivor: &Observation) -> impl Iterator<Item = RecordRef> {
    let others = survivor.record.merged.iter().filter(|id| **id != survivor.of.id);
    others.map(|id| RecordRef { id: *id, ..survivor.of })
}

/// The pairs of what went up in a record say who stands for them now.
pub(super) fn wake_losers(step: &mut Step<'_>, survivor: RecordRef) -> ViewResult<()> {
    let Some(known) = step.view.observation(survivor)? else { return Ok(()) };
    for loser in losers(&known) {
        if step.link_of(loser)?.is_some() {
            step.row(dirty(loser, DirtyReason::Changed, step.now));
        }
    }
    Ok(())
}
