//! A deal's stage in HubSpot, an opportunity's stage and status in ConnectWise.
//!
//! HubSpot's stage says both how far a deal has come and how it ended. ConnectWise keeps the two apart: the stage is the
//! column of the pipeline, the status alone tells won, lost and closed. Either may be missing in a value: `/2` is "won, at
//! whatever stage".
//!
//! An open deal is told by its stage, a closed one by its status. What a value does not say stays as it is: a deal that
//! is won keeps its stage, one that moves on keeps its status as long as that is an open one.

use std::collections::BTreeMap;

use super::super::ValueMap;
use super::{BETWEEN, MOST_OPTIONS, Pairs, Progress, bare, outcome};
use crate::model::{ChoiceOption, StageOutcome, System};

/// Every stage, every status, and every pair of them.
pub(super) fn options(stages: &[ChoiceOption], statuses: &[ChoiceOption]) -> Vec<ChoiceOption> {
    let make = |stage: Option<&ChoiceOption>, status: Option<&ChoiceOption>| {
        let part = |one: Option<&ChoiceOption>| one.map_or("", |one| one.key.as_str()).to_owned();
        let label = |one: Option<&ChoiceOption>| one.map_or("any stage", |one| one.label.as_str()).to_owned();
        ChoiceOption {
            key: format!("{}/{}", part(stage), part(status)),
            label: match status {
                None => label(stage),
                Some(status) => format!("{}{BETWEEN}{}", label(stage), status.label),
            },
            inactive: stage.is_some_and(|one| one.inactive) || status.is_some_and(|one| one.inactive),
            outcome: status.map_or(Some(StageOutcome::Open), |one| one.outcome),
            ..ChoiceOption::default()
        }
    };
    let halves = stages.iter().map(|one| make(Some(one), None)).chain(statuses.iter().map(|one| make(None, Some(one))));
    let pairs = stages.iter().flat_map(|stage| statuses.iter().map(move |status| make(Some(stage), Some(status))));
    halves.chain(pairs).take(MOST_OPTIONS).collect()
}

/// Which stage of HubSpot stands for which stage and status of ConnectWise.
#[derive(Debug, Clone, Default)]
pub struct Deals {
    /// A ConnectWise value is `3/1`, `3/` or `/2`.
    pairs: Pairs,
    /// What the statuses of ConnectWise mean.
    outcomes: BTreeMap<String, StageOutcome>,
    /// The status that an open deal is given which has none.
    open: String,
    /// The pipelines of HubSpot's stages.
    pipelines: BTreeMap<String, String>,
}

impl Deals {
    /// The pairs of a value map, and beside them, where it pairs by label: stages of the same name, and won with won, lost
    /// with lost.
    pub(super) fn new(
        values: &ValueMap,
        hubspot: &[ChoiceOption],
        stages: &[ChoiceOption],
        statuses: &[ChoiceOption],
    ) -> Self {
        // An inactive status is read, and never given to a deal.
        let first = |wanted: StageOutcome| statuses.iter().find(|one| !one.inactive && outcome(one) == wanted);
        let mut made = Self {
            outcomes: statuses.iter().map(|one| (one.key.clone(), outcome(one))).collect(),
            open: first(StageOutcome::Open).map(|one| one.key.clone()).unwrap_or_default(),
            pipelines: hubspot.iter().filter_map(|one| Some((one.key.clone(), one.parent.clone()?))).collect(),
            ..Self::default()
        };
        for pair in &values.pairs {
            if let Some(there) = named(&pair.connectwise, stages, statuses) {
                made.pairs.add(&pair.hubspot, &there);
            }
        }
        if values.auto.is_none() {
            return made;
        }
        for one in hubspot.iter().filter(|one| !one.inactive) {
            let there = match outcome(one) {
                StageOutcome::Open => {
                    let alike = stages.iter().find(|stage| !stage.inactive && bare(&stage.label) == bare(&one.label));
                    alike.map(|stage| format!("{}/", stage.key))
                }
                ended => {
                    let status = first(ended).or_else(|| instead(ended).and_then(first));
                    status.map(|status| format!("/{}", status.key))
                }
            };
            if let Some(there) = there {
                made.pairs.add(&one.key, &there);
            }
        }
        made.lead_back(statuses);
        made
    }

    /// Every status that means the same leads back to the same stages; closed without being won is as good as lost.
    fn lead_back(&mut self, statuses: &[ChoiceOption]) {
        for status in statuses.iter().filter(|one| outcome(one) != StageOutcome::Open) {
            let half = format!("/{}", status.key);
            let back = |wanted: StageOutcome| {
                let alike = statuses.iter().filter(|other| outcome(other) == wanted);
                let stages = |other: &ChoiceOption| self.pairs.toward(System::HubSpot, &format!("/{}", other.key));
                alike.filter_map(stages).next().map(<[String]>::to_vec)
            };
            if self.pairs.toward(System::HubSpot, &half).is_some() {
                continue;
            }
            let found = back(outcome(status)).or_else(|| instead(outcome(status)).and_then(back));
            for stage in found.into_iter().flatten() {
                self.pairs.lead(System::HubSpot, &half, &stage);
            }
        }
    }

    /// The HubSpot stages that a ConnectWise value may be.
    fn candidates(&self, key: &str) -> Option<&[String]> {
        let Progress { place, status } = Progress::of(key);
        let half = if self.is_open(status) { format!("{place}/") } else { format!("/{status}") };
        self.pairs.toward(System::HubSpot, key).or_else(|| self.pairs.toward(System::HubSpot, &half))
    }

    /// A status that nobody knows ended nothing.
    fn is_open(&self, status: &str) -> bool {
        self.outcomes.get(status).is_none_or(|outcome| *outcome == StageOutcome::Open)
    }

    pub(super) fn nearest(&self, to: System, raw: &str, current: &str) -> Option<String> {
        match to {
            System::ConnectWise => {
                let value = self.pairs.toward(to, raw)?.first()?;
                Some(self.completed(Progress::of(value), Progress::of(current)))
            }
            System::HubSpot => {
                let candidates = self.candidates(raw)?;
                let pipeline = |stage: &str| self.pipelines.get(stage);
                let kept = candidates.iter().find(|one| *one == current);
                let beside =
                    || candidates.iter().find(|one| pipeline(one).is_some() && pipeline(one) == pipeline(current));
                kept.or_else(beside).or_else(|| candidates.first()).cloned()
            }
        }
    }

    /// The first value that may stand for one of the other system.
    pub(super) fn counterpart(&self, to: System, raw: &str) -> Option<&str> {
        let candidates = match to {
            System::ConnectWise => self.pairs.toward(to, raw)?,
            System::HubSpot => self.candidates(raw)?,
        };
        candidates.first().map(String::as_str)
    }

    fn completed(&self, value: Progress<'_>, current: Progress<'_>) -> String {
        let outcome = |status: &str| self.outcomes.get(status).copied().unwrap_or(StageOutcome::Open);
        let alike = !current.status.is_empty() && outcome(value.status) == outcome(current.status);
        let status = match value.status {
            _ if alike => current.status,
            "" => self.open.as_str(),
            status => status,
        };
        let place = if value.place.is_empty() { current.place } else { value.place };
        Progress { place, status }.key()
    }
}

/// What stands for an end that the other system has no stage or status for.
const fn instead(of: StageOutcome) -> Option<StageOutcome> {
    match of {
        StageOutcome::Lost => Some(StageOutcome::Closed),
        StageOutcome::Closed => Some(StageOutcome::Lost),
        StageOutcome::Open | StageOutcome::Won => None,
    }
}

/// The end of a listed pair in ConnectWise: `3/1`, or `label:` and the name of a stage, a status, or both.
fn named(text: &str, stages: &[ChoiceOption], statuses: &[ChoiceOption]) -> Option<String> {
    let Some(label) = text.strip_prefix("label:") else { return Some(Progress::of(text).key()) };
    let wanted = label.trim().to_lowercase();
    let known = options(stages, statuses);
    let by_name = |name: &str| known.iter().find(|one| one.label.to_lowercase() == name);
    by_name(&wanted).or_else(|| by_name(&format!("any stage{BETWEEN}{wanted}"))).map(|one| one.key.clone())
}

#[cfg(test)]
mod tests {
    use super::super::option;
    use super::*;
    use crate::mapping::{AutoPairs, Unmapped, ValuePair};

    /// Two pipelines in HubSpot; two open and two lost statuses in ConnectWise.
    fn stages() -> Deals {
        use StageOutcome::{Lost, Open, Won};
        let hubspot = [
            option("a", "Qualified", Some(Open), Some("one")),
            option("b", "Quote", Some(Open), Some("one")),
            option("won", "Closed won", Some(Won), Some("one")),
            option("lost", "Closed lost", Some(Lost), Some("one")),
            option("b2", "Quote", Some(Open), Some("two")),
            option("won2", "Won", Some(Won), Some("two")),
            option("odd", "Legal", Some(Open), Some("two")),
        ];
        let columns = [option("1", "1.Prospect", None, None), option("3", "3. Quote", None, None)];
        let statuses = [
            option("10", "Open", Some(Open), None),
            option("11", "Open - hot", Some(Open), None),
            option("20", "Won", Some(Won), None),
            option("30", "Lost", Some(Lost), None),
            option("31", "No decision", Some(Lost), None),
            option("40", "Closed", Some(StageOutcome::Closed), None),
        ];
        let values = ValueMap {
            auto: Some(AutoPairs::Label),
            unmapped: Unmapped::Hold,
            pairs: vec![ValuePair { hubspot: "a".into(), connectwise: "label:1.Prospect".into() }],
            priority: Vec::new(),
        };
        Deals::new(&values, &hubspot, &columns, &statuses)
    }

    fn to_connectwise(raw: &str, current: &str) -> Option<String> {
        stages().nearest(System::ConnectWise, raw, current)
    }

    fn to_hubspot(raw: &str, current: &str) -> Option<String> {
        stages().nearest(System::HubSpot, raw, current)
    }

    #[test]
    fn a_stage_moves_on_and_the_rest_stays() {
        let table = [
            ("a", "", Some("1/10")),
            ("b", "1/11", Some("3/11")),
            ("b", "1/20", Some("3/10")),
            ("won", "1/11", Some("1/20")),
            ("won", "", Some("/20")),
            ("won2", "3/20", Some("3/20")),
            ("lost", "3/31", Some("3/31")),
            ("lost", "3/20", Some("3/30")),
            ("odd", "3/10", None),
        ];
        for (raw, current, expected) in table {
            assert_eq!(to_connectwise(raw, current).as_deref(), expected, "{raw} onto {current}");
        }
    }

    #[test]
    fn the_way_back_stays_in_the_pipeline() {
        let table = [
            ("1/10", "", Some("a")),
            ("3/11", "", Some("b")),
            ("3/10", "odd", Some("b2")),
            ("3/10", "b2", Some("b2")),
            ("1/20", "a", Some("won")),
            ("1/20", "b2", Some("won2")),
            ("/31", "b2", Some("lost")),
            ("3/40", "b2", Some("lost")),
            ("9/10", "a", None),
            ("3/99", "a", Some("b")),
            ("", "a", None),
        ];
        for (raw, current, expected) in table {
            assert_eq!(to_hubspot(raw, current).as_deref(), expected, "{raw} onto {current}");
        }
    }

    /// What was written one way leads back to where it came from, whatever stood there before.
    #[test]
    fn there_and_back_is_where_it_was() {
        for hubspot in ["a", "b", "won", "lost", "b2", "won2"] {
            for current in ["", "1/10", "3/11", "1/20", "3/31", "/30"] {
                let there = to_connectwise(hubspot, current).unwrap_or_default();
                assert_eq!(to_hubspot(&there, hubspot).as_deref(), Some(hubspot), "{hubspot} onto {current}: {there}");
                assert_eq!(to_connectwise(hubspot, &there), Some(there.clone()), "{hubspot} again");
            }
        }
    }

    #[test]
    fn options_are_stages_statuses_and_pairs() {
        let columns = [option("1", "Prospect", None, None)];
        let statuses = [option("20", "Won", Some(StageOutcome::Won), None)];
        let told: Vec<(String, String)> =
            options(&columns, &statuses).into_iter().map(|one| (one.key, one.label)).collect();
        let text = |key: &str, label: &str| (key.to_owned(), label.to_owned());
        assert_eq!(told, [text("1/", "Prospect"), text("/20", "any stage · Won"), text("1/20", "Prospect · Won")]);
    }
}
