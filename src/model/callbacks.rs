//! How ConnectWise's call-backs to Lockstep stand, as last seen, and when each system last told something.

use serde::{Deserialize, Serialize};

use super::{BySystem, Timestamp};

/// Addresses of before that are remembered.
const FORMER: usize = 8;

/// Of one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Callbacks {
    /// Where they lead: `https://host/path/connectwise`.
    pub address: String,
    /// Where those led that may still have to be removed, the newest last.
    #[serde(default)]
    pub former: Vec<String>,
    /// The types that ConnectWise calls back for, in its own words.
    #[serde(default)]
    pub armed: Vec<String>,
    /// The types that it should call back for and does not.
    #[serde(default)]
    pub missing: Vec<String>,
    /// When ConnectWise was last asked and told.
    #[serde(default)]
    pub looked: Option<Timestamp>,
    #[serde(default)]
    pub trouble: Option<CallbackTrouble>,
}

/// Why some of them are missing, or could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackTrouble {
    /// When it was first met.
    pub since: Timestamp,
    pub what: String,
    /// The next step; empty where there is none.
    #[serde(default)]
    pub remedy: String,
}

impl Callbacks {
    /// They are to lead there from now on.
    pub fn lead_to(&mut self, address: &str) {
        if self.address != address {
            let before = std::mem::replace(&mut self.address, address.to_owned());
            self.former.push(before);
            (self.armed, self.missing, self.looked, self.trouble) = (Vec::new(), Vec::new(), None, None);
        }
        self.former.retain(|former| former != address && !former.is_empty());
        self.former.drain(..self.former.len().saturating_sub(FORMER));
    }

    /// Every address at which there may be some.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let all = std::iter::once(&self.address).chain(&self.former);
        all.filter(|address| !address.is_empty()).cloned().collect()
    }

    /// Takes in what went wrong, or that nothing did. Whether that is news: what is met again is told once.
    pub fn meet(&mut self, trouble: Option<(String, String)>, now: Timestamp) -> bool {
        let before = self.trouble.take();
        self.trouble = trouble.map(|(what, remedy)| {
            let since = before.as_ref().filter(|before| before.what == what).map_or(now, |before| before.since);
            CallbackTrouble { since, what, remedy }
        });
        self.trouble.is_some() && self.trouble != before
    }
}

/// What is known of being told of changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hearing {
    /// None: Lockstep never made any for this workspace.
    pub callbacks: Option<Callbacks>,
    /// When each system last told of a change, and was believed.
    pub last: BySystem<Option<Timestamp>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_before_is_remembered_until_it_is_used_again() {
        let mut callbacks = Callbacks::default();
        callbacks.lead_to("https://a/connectwise");
        assert_eq!(callbacks.former, [] as [&str; 0]);
        callbacks.armed = vec!["company".to_owned()];
        callbacks.lead_to("https://a/connectwise");
        assert_eq!(callbacks.armed, ["company"]);
        callbacks.lead_to("https://b/connectwise");
        assert_eq!(
            (callbacks.armed.len(), callbacks.former.as_slice()),
            (0, &["https://a/connectwise".to_owned()][..])
        );
        assert_eq!(callbacks.addresses(), ["https://b/connectwise", "https://a/connectwise"]);
        callbacks.lead_to("https://a/connectwise");
        assert_eq!(callbacks.former, ["https://b/connectwise"]);
    }

    #[test]
    fn what_is_met_again_is_no_news() {
        let (mut callbacks, trouble) = (Callbacks::default(), || Some(("no".to_owned(), "ask".to_owned())));
        assert!(callbacks.meet(trouble(), Timestamp(1)));
        assert!(!callbacks.meet(trouble(), Timestamp(2)));
        assert_eq!(callbacks.trouble.as_ref().map(|trouble| trouble.since), Some(Timestamp(1)));
        assert!(!callbacks.meet(None, Timestamp(3)) && callbacks.trouble.is_none());
        assert!(callbacks.meet(trouble(), Timestamp(4)));
    }
}
