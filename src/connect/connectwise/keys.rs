//! The keys that sign a tenant's call-backs: how long one is believed, and how often others may be asked for. Knows no HTTP.
//!
//! Every message names the address of its key, and anybody can send messages. What is asked for on a stranger's word is
//! little; a key that has signed something genuine is renewed whatever strangers do.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

/// A key is not believed for longer.
const AGE: Duration = Duration::from_secs(24 * 3600);
/// One that does not fit is not asked for again before it is so old: ConnectWise may have another by then.
const ROTATION: Duration = Duration::from_secs(600);
/// Keys that strangers may have asked for within [`SPAN`].
const MOST: usize = 4;
const SPAN: Duration = Duration::from_secs(60);
/// Keys that are kept.
const KEPT: usize = 16;

/// A key as it was fetched.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub key: SecretString,
    pub fetched: Instant,
    /// Asked for last, whatever came of it.
    tried: Instant,
    /// It has signed something genuine.
    proven: bool,
}

impl Held {
    /// Whether the tenant may have another by now.
    pub fn may_be_replaced(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.fetched) >= ROTATION
    }
}

/// By the address they lie at.
#[derive(Debug, Default)]
pub(super) struct Keys {
    held: BTreeMap<String, Held>,
    /// When keys were asked for on a stranger's word, the oldest first.
    asked: VecDeque<Instant>,
}

impl Keys {
    /// The key of that address, if it is young enough to be believed.
    pub fn fresh(&self, place: &str, now: Instant) -> Option<Held> {
        self.held.get(place).filter(|held| now.saturating_duration_since(held.fetched) < AGE).cloned()
    }

    /// Whether that address may be asked now. A yes counts as done.
    pub fn may_fetch(&mut self, place: &str, now: Instant) -> bool {
        if let Some(held) = self.held.get_mut(place).filter(|held| held.proven) {
            let may = now.saturating_duration_since(held.tried) >= ROTATION;
            if may {
                held.tried = now;
            }
            return may;
        }
        while self.asked.front().is_some_and(|at| now.saturating_duration_since(*at) >= SPAN) {
            self.asked.pop_front();
        }
        let may = self.asked.len() < MOST;
        if may {
            self.asked.push_back(now);
        }
        may
    }

    /// Keeps it; where there is no room, the oldest goes, and one that signed something genuine goes last.
    pub fn put(&mut self, place: &str, key: SecretString, now: Instant) -> Held {
        let proven = self.held.get(place).is_some_and(|held| held.proven);
        if self.held.len() >= KEPT && !self.held.contains_key(place) {
            let worst = self.held.iter().min_by_key(|(_, held)| (held.proven, held.fetched));
            if let Some(worst) = worst.map(|(place, _)| place.clone()) {
                self.held.remove(&worst);
            }
        }
        let held = Held { key, fetched: now, tried: now, proven };
        self.held.insert(place.to_owned(), held.clone());
        held
    }

    /// It has signed something genuine.
    pub fn prove(&mut self, place: &str) {
        if let Some(held) = self.held.get_mut(place) {
            held.proven = true;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a key that is not there is a failing test")]
    use super::*;

    fn key() -> SecretString {
        SecretString::from("key".to_owned())
    }

    #[test]
    fn strangers_have_a_few_keys_a_minute_asked_for() {
        let (mut keys, now) = (Keys::default(), Instant::now());
        let yes = |keys: &mut Keys, at| (0..100).filter(|n| keys.may_fetch(&format!("/{n}"), at)).count();
        assert_eq!(yes(&mut keys, now), MOST);
        assert_eq!(yes(&mut keys, now + SPAN - Duration::from_millis(1)), 0);
        assert_eq!(yes(&mut keys, now + SPAN), MOST);
    }

    #[test]
    fn a_key_has_an_age_and_one_that_signed_is_renewed_in_a_flood() {
        let (mut keys, now) = (Keys::default(), Instant::now());
        keys.put("/own", key(), now);
        keys.prove("/own");
        while keys.may_fetch("/strange", now) {}
        assert!(keys.fresh("/own", now + AGE - Duration::from_secs(1)).is_some());
        assert!(keys.fresh("/own", now + AGE).is_none());
        assert!(!keys.may_fetch("/own", now + ROTATION - Duration::from_secs(1)), "it is young");
        let later = now + ROTATION;
        while keys.may_fetch("/strange", later) {}
        assert!(keys.may_fetch("/own", later));
        assert!(!keys.may_fetch("/own", later + Duration::from_secs(1)), "whatever came of it");
        assert!(keys.put("/own", key(), later).proven, "the next one is the tenant's, too");
    }

    #[test]
    fn one_that_does_not_fit_may_be_replaced_once_it_is_not_young_any_more() {
        let (mut keys, now) = (Keys::default(), Instant::now());
        let held = keys.put("/own", key(), now);
        assert!(!held.may_be_replaced(now + ROTATION - Duration::from_millis(1)));
        assert!(held.may_be_replaced(now + ROTATION));
    }

    #[test]
    fn keys_of_strangers_do_not_push_out_the_one_that_signs() {
        let (mut keys, now) = (Keys::default(), Instant::now());
        keys.put("/own", key(), now);
        keys.prove("/own");
        for n in 0..100 {
            keys.put(&format!("/{n}"), key(), now + Duration::from_secs(n));
        }
        assert_eq!(keys.held.len(), KEPT);
        assert!(keys.fresh("/own", now).unwrap().proven);
    }
}
