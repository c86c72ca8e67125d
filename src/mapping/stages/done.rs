//! Whether a task, a call or a meeting is done: a property of its own in HubSpot, an activity's status in ConnectWise.
//!
//! The two lists have little in common but that each value is open or done. Where the value map says no more, what is open
//! stays at whatever open value it has on the other side, and what is done at its done one: it moves only where it was
//! finished, or taken up again.

use super::super::{FieldMapping, ValueMap};
use super::{Pairs, bare, is_called, outcome};
use crate::model::{BySystem, ChoiceOption, StageOutcome, System};

/// A HubSpot property with its values, the usual ones first.
struct Known {
    property: &'static str,
    open: &'static [&'static str],
    done: &'static [&'static str],
}

const KNOWN: [Known; 3] = [
    Known {
        property: "hs_task_status",
        open: &["NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED"],
        done: &["COMPLETED"],
    },
    Known {
        property: "hs_call_status",
        open: &["QUEUED", "CALLING_CRM_USER", "CONNECTING", "RINGING", "IN_PROGRESS"],
        done: &["COMPLETED", "NO_ANSWER", "BUSY", "FAILED", "CANCELED"],
    },
    Known {
        property: "hs_meeting_outcome",
        open: &["SCHEDULED", "RESCHEDULED"],
        done: &["COMPLETED", "NO_SHOW", "CANCELED"],
    },
];

/// One value of either system.
#[derive(Debug, Clone)]
struct Mark {
    key: String,
    name: String,
    is_done: bool,
    /// It is read, and never given to an activity.
    inactive: bool,
}

/// Which value of HubSpot stands for which status of ConnectWise.
#[derive(Debug, Clone)]
pub struct Done {
    pairs: Pairs,
    marks: BySystem<Vec<Mark>>,
    /// Whether what nobody paired goes by being open or done.
    by_flag: bool,
}

impl Done {
    /// None where the mapping is about something else.
    pub(super) fn of(
        mapping: &FieldMapping,
        values: &ValueMap,
        hubspot: &[ChoiceOption],
        statuses: &[ChoiceOption],
    ) -> Option<Self> {
        let known = KNOWN.iter().find(|known| known.property == mapping.hubspot.as_str())?;
        let here = [(known.open, false), (known.done, true)].into_iter().flat_map(|(keys, is_done)| {
            keys.iter().filter_map(move |key| {
                let told = hubspot.iter().find(|option| option.key == *key);
                let label = told.map_or(*key, |option| option.label.as_str());
                let inactive = told.is_some_and(|option| option.inactive);
                (hubspot.is_empty() || told.is_some()).then(|| Mark {
                    key: (*key).to_owned(),
                    name: bare(label),
                    is_done,
                    inactive,
                })
            })
        });
        let there = statuses.iter().map(|option| Mark {
            key: option.key.clone(),
            name: bare(&option.label),
            is_done: outcome(option) != StageOutcome::Open,
            inactive: option.inactive,
        });
        let marks = BySystem::new(here.collect(), there.collect());
        let mut made = Self { pairs: Pairs::default(), marks, by_flag: values.auto.is_some() };
        for pair in &values.pairs {
            match pair.connectwise.strip_prefix("label:") {
                None => made.pairs.add(&pair.hubspot, &pair.connectwise),
                Some(label) => {
                    for status in statuses.iter().filter(|status| is_called(&status.label, label)) {
                        made.pairs.add(&pair.hubspot, &status.key);
                    }
                }
            }
        }
        if values.auto.is_some() {
            made.same_name();
        }
        Some(made)
    }

    fn same_name(&mut self) {
        for here in &self.marks.hubspot {
            let fits = |there: &&Mark| there.name == here.name && there.is_done == here.is_done && !there.inactive;
            let Some(there) = self.marks.connectwise.iter().find(fits) else { continue };
            let is_listed = self.pairs.toward(System::ConnectWise, &here.key).is_some()
                || self.pairs.toward(System::HubSpot, &there.key).is_some();
            if !is_listed {
                self.pairs.add(&here.key, &there.key);
            }
        }
    }

    fn mark(&self, system: System, key: &str) -> Option<&Mark> {
        self.marks[system].iter().find(|mark| mark.key == key)
    }

    /// What to write to `to`, which holds `current`, where the other side holds `raw`.
    pub(super) fn nearest(&self, to: System, raw: &str, current: &str) -> Option<&str> {
        if let Some(paired) = self.pairs.toward(to, raw) {
            return paired.iter().find(|key| *key == current).or_else(|| paired.first()).map(String::as_str);
        }
        if !self.by_flag {
            return None;
        }
        let is_done = self.mark(to.other(), raw)?.is_done;
        // a value that stands for another one of the other side says more than open or done
        let is_free = |mark: &&Mark| self.pairs.toward(to.other(), &mark.key).is_none();
        if let Some(stays) = self.mark(to, current).filter(|mark| mark.is_done == is_done).filter(is_free) {
            return Some(stays.key.as_str());
        }
        let mut fitting = self.marks[to].iter().filter(|mark| mark.is_done == is_done && !mark.inactive);
        fitting.clone().find(is_free).or_else(|| fitting.next()).map(|mark| mark.key.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a mapping that is none is a failing test")]
    use super::super::option;
    use super::*;
    use crate::mapping::{AutoPairs, Unmapped, ValuePair, defaults};
    use crate::model::{ObjectKind, StageOutcome::*};

    fn task(pairs: &[(&str, &str)], auto: Option<AutoPairs>) -> Done {
        let mapping = defaults::activity(ObjectKind::Task, &defaults::ActivitySetup::new("customFields/71".into()));
        let field = mapping.fields.iter().find(|field| field.hubspot.as_str() == "hs_task_status").unwrap();
        let pairs = pairs
            .iter()
            .map(|(hubspot, connectwise)| ValuePair {
                hubspot: (*hubspot).to_owned(),
                connectwise: (*connectwise).to_owned(),
            })
            .collect();
        let values = ValueMap { auto, unmapped: Unmapped::Hold, pairs, priority: Vec::new() };
        let statuses = [
            ChoiceOption { inactive: true, ..option("9", "Old", Some(Open), None) },
            option("1", "Open", Some(Open), None),
            option("4", "Planned", Some(Open), None),
            option("5", "Waiting", Some(Open), None),
            option("2", "Closed", Some(Closed), None),
            option("3", "Followed Up", Some(Closed), None),
        ];
        let here = ["NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"];
        let here = here.map(|key| option(key, &key.replace('_', " "), None, None));
        Done::of(field, &values, &here, &statuses).unwrap()
    }

    fn check(done: &Done, to: System, table: &[(&str, &str, Option<&str>)]) {
        for (raw, current, expected) in table {
            assert_eq!(done.nearest(to, raw, current), *expected, "{raw} onto {current}");
        }
    }

    #[test]
    fn what_is_open_stays_open_as_it_is_and_what_is_done_stays_done() {
        let done = task(&[], Some(AutoPairs::Label));
        let to_connectwise = [
            ("NOT_STARTED", "", Some("1")),
            ("IN_PROGRESS", "4", Some("4")),
            ("DEFERRED", "2", Some("1")),
            ("COMPLETED", "1", Some("2")),
            ("COMPLETED", "3", Some("3")),
            ("NOT_STARTED", "9", Some("9")),
            ("WAITING", "1", Some("5")),
            ("IN_PROGRESS", "5", Some("1")),
            ("SOMETHING", "1", None),
        ];
        check(&done, System::ConnectWise, &to_connectwise);
        let to_hubspot = [
            ("1", "", Some("NOT_STARTED")),
            ("4", "IN_PROGRESS", Some("IN_PROGRESS")),
            ("9", "", Some("NOT_STARTED")),
            ("5", "IN_PROGRESS", Some("WAITING")),
            ("3", "IN_PROGRESS", Some("COMPLETED")),
            ("1", "COMPLETED", Some("NOT_STARTED")),
            ("77", "", None),
        ];
        check(&done, System::HubSpot, &to_hubspot);
    }

    #[test]
    fn what_is_listed_counts_before_the_flag_and_alone_where_nothing_is_paired_by_itself() {
        let listed = task(&[("DEFERRED", "label:Planned"), ("COMPLETED", "3")], Some(AutoPairs::Label));
        let table = [("DEFERRED", "1", Some("4")), ("COMPLETED", "2", Some("3")), ("NOT_STARTED", "4", Some("1"))];
        check(&listed, System::ConnectWise, &table);
        check(&listed, System::HubSpot, &[("4", "NOT_STARTED", Some("DEFERRED")), ("2", "", Some("COMPLETED"))]);
        let alone = task(&[("COMPLETED", "2")], None);
        check(&alone, System::ConnectWise, &[("COMPLETED", "1", Some("2")), ("NOT_STARTED", "", None)]);
    }

    /// What was written one way leads back to where it came from, whatever stood there before.
    #[test]
    fn there_and_back_is_where_it_was() {
        let done = task(&[], Some(AutoPairs::Label));
        for here in ["NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"] {
            for current in ["", "1", "2", "3", "4", "5", "9"] {
                let there = done.nearest(System::ConnectWise, here, current).unwrap();
                assert_eq!(done.nearest(System::HubSpot, there, here), Some(here), "{here} onto {current}");
                assert_eq!(done.nearest(System::ConnectWise, here, there), Some(there), "{here} again");
            }
        }
    }
}
