//! Pauses: a person's word that nothing is written to some part of the two systems until somebody lifts it.
//!
//! Reading goes on meanwhile, so that nothing is lost: what is paused is pending, and crosses afterwards.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ObjectKind, System, Timestamp};

/// What a pause stops: the writes of one object or of all, to one system or to both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct PauseScope {
    /// None: every object.
    pub object: Option<ObjectKind>,
    /// The system that is not written to; none: both.
    pub to: Option<System>,
}

/// One pause: what, by whom, since when, and why where they said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub scope: PauseScope,
    pub by: String,
    pub since: Timestamp,
    pub note: Option<String>,
}

/// Every pause of a workspace, at most one of each scope; the widest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pauses(Vec<Pause>);

impl PauseScope {
    /// Nothing is written at all.
    pub const EVERYTHING: Self = Self { object: None, to: None };

    #[must_use]
    pub const fn new(object: Option<ObjectKind>, to: Option<System>) -> Self {
        Self { object, to }
    }

    /// Whether every write that `other` stops is stopped by this one too.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        (self.object.is_none() || self.object == other.object) && (self.to.is_none() || self.to == other.to)
    }

    /// What follows `lockstep pause` and `lockstep resume`: ` contact --to hubspot`, with its leading blank.
    #[must_use]
    pub fn arguments(self) -> String {
        let object = self.object.map(|object| format!(" {}", object.key())).unwrap_or_default();
        let to = self.to.map(|system| format!(" --to {}", system.key())).unwrap_or_default();
        format!("{object}{to}")
    }
}

impl fmt::Display for PauseScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.object.map_or("Everything", ObjectKind::plural))?;
        self.to.map_or(Ok(()), |system| write!(f, " to {system}"))
    }
}

impl Pause {
    /// Why a record waits: `paused by ann since 2026-11-27 21:04 UTC: month-end`.
    #[must_use]
    pub fn reason(&self) -> String {
        let note = self.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        format!("paused by {} since {}{note}", self.by, self.minute())
    }

    /// `Contacts to HubSpot: paused by ann since …`.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}: {}", self.scope, self.reason())
    }

    /// The command that lifts it.
    #[must_use]
    pub fn way_out(&self) -> String {
        format!("lockstep resume{}", self.scope.arguments())
    }

    /// Whoever reads a list needs no seconds: they would only push the note out of sight.
    fn minute(&self) -> String {
        let full = self.since.to_rfc3339();
        full.get(..16).map_or_else(|| full.clone(), |minute| format!("{} UTC", minute.replace('T', " ")))
    }
}

impl Pauses {
    #[must_use]
    pub fn new(mut pauses: Vec<Pause>) -> Self {
        pauses.sort_by_key(|pause| pause.scope);
        pauses.dedup_by_key(|pause| pause.scope);
        Self(pauses)
    }

    /// The widest pause by which nothing of that object is written to that system.
    #[must_use]
    pub fn stops(&self, object: ObjectKind, to: System) -> Option<&Pause> {
        self.covers(PauseScope::new(Some(object), Some(to)))
    }

    /// The widest pause that stops all of that.
    #[must_use]
    pub fn covers(&self, scope: PauseScope) -> Option<&Pause> {
        self.0.iter().find(|pause| pause.scope.contains(scope))
    }

    /// The pauses that stop nothing outside of that.
    pub fn within(&self, scope: PauseScope) -> impl Iterator<Item = &Pause> {
        self.0.iter().filter(move |pause| scope.contains(pause.scope))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Pause> {
        self.0.iter()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes one in; the one of the same scope that there may be stays, with who began it and when.
    pub fn add(&mut self, pause: Pause) {
        if self.0.iter().all(|known| known.scope != pause.scope) {
            self.0.push(pause);
            self.0.sort_by_key(|pause| pause.scope);
        }
    }

    /// Lifts every pause within `scope`; returns them.
    pub fn lift(&mut self, scope: PauseScope) -> Vec<Pause> {
        let (lifted, kept) = std::mem::take(&mut self.0).into_iter().partition(|pause| scope.contains(pause.scope));
        self.0 = kept;
        lifted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTACTS: PauseScope = PauseScope::new(Some(ObjectKind::Contact), None);
    const TO_HUBSPOT: PauseScope = PauseScope::new(None, Some(System::HubSpot));
    const CONTACTS_TO_HUBSPOT: PauseScope = PauseScope::new(Some(ObjectKind::Contact), Some(System::HubSpot));

    fn pause(scope: PauseScope) -> Pause {
        Pause { scope, by: "ann".into(), since: Timestamp(1_795_813_443_000), note: None }
    }

    #[test]
    fn a_pause_stops_what_lies_within_it_and_nothing_else() {
        let all = [PauseScope::EVERYTHING, CONTACTS, TO_HUBSPOT, CONTACTS_TO_HUBSPOT];
        let expected = [
            [true, true, true, true],
            [false, true, false, true],
            [false, false, true, true],
            [false, false, false, true],
        ];
        for (outer, row) in all.into_iter().zip(expected) {
            assert_eq!(all.map(|inner| outer.contains(inner)), row, "{outer}");
        }
        let pauses = Pauses::new(vec![pause(CONTACTS_TO_HUBSPOT)]);
        assert!(pauses.stops(ObjectKind::Contact, System::HubSpot).is_some());
        assert!(pauses.stops(ObjectKind::Contact, System::ConnectWise).is_none());
        assert!(pauses.stops(ObjectKind::Company, System::HubSpot).is_none());
    }

    #[test]
    fn the_widest_pause_gives_the_reason_and_the_first_word_stays() {
        let mut pauses = Pauses::new(vec![pause(CONTACTS_TO_HUBSPOT), pause(PauseScope::EVERYTHING)]);
        let reason = |pauses: &Pauses| pauses.stops(ObjectKind::Contact, System::HubSpot).map(|pause| pause.scope);
        assert_eq!(reason(&pauses), Some(PauseScope::EVERYTHING));
        pauses.add(Pause { by: "bob".into(), ..pause(CONTACTS_TO_HUBSPOT) });
        assert_eq!(pauses.within(CONTACTS).map(|pause| pause.by.as_str()).collect::<Vec<_>>(), ["ann"]);
        assert_eq!(pauses.lift(CONTACTS).len(), 1);
        assert_eq!(pauses.lift(PauseScope::EVERYTHING).len(), 1);
        assert!(pauses.is_empty());
    }

    #[test]
    fn it_says_who_since_when_why_and_how_it_ends() {
        let noted = Pause { note: Some("month-end".into()), ..pause(CONTACTS_TO_HUBSPOT) };
        let full = noted.since.to_rfc3339();
        let expected = format!("paused by ann since {} {} UTC: month-end", &full[..10], &full[11..16]);
        assert_eq!(noted.reason(), expected);
        assert_eq!(noted.sentence(), format!("Contacts to HubSpot: {expected}"));
        assert_eq!(noted.way_out(), "lockstep resume contact --to hubspot");
        assert_eq!(pause(PauseScope::EVERYTHING).way_out(), "lockstep resume");
        assert_eq!(PauseScope::EVERYTHING.to_string(), "Everything");
    }
}
