//! What people call the place where a record stands: the label of a stage in HubSpot, those of stage or board and status
//! in ConnectWise.

use std::collections::BTreeMap;

use super::{BETWEEN, Progress};
use crate::model::{ChoiceOption, System};

/// Labels by id. They are made from each part's own options: of the two together not all are listed.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels {
    stages: BTreeMap<String, String>,
    places: BTreeMap<String, String>,
    statuses: BTreeMap<String, String>,
}

impl Labels {
    pub(super) fn new(
        (pipelines, stages): (&[ChoiceOption], &[ChoiceOption]),
        (places, statuses): (&[ChoiceOption], &[ChoiceOption]),
    ) -> Self {
        let named = |options: &[ChoiceOption]| {
            let labelled = options.iter().filter(|one| !one.label.trim().is_empty());
            labelled.map(|one| (one.key.clone(), one.label.clone())).collect::<BTreeMap<_, _>>()
        };
        let mut made = Self { stages: named(stages), places: named(places), statuses: named(statuses) };
        let pipelines = named(pipelines);
        // several pipelines may have a stage of one name
        for stage in stages {
            let is_shared = stages.iter().any(|other| other.key != stage.key && other.label == stage.label);
            let pipeline = stage.parent.as_ref().filter(|_| is_shared).and_then(|parent| pipelines.get(parent));
            if let (Some(pipeline), Some(label)) = (pipeline, made.stages.get_mut(&stage.key)) {
                *label = format!("{pipeline}{BETWEEN}{label}");
            }
        }
        made
    }

    /// The label of a value of `system`; the id of a part that has none.
    pub(super) fn of(&self, system: System, key: &str) -> String {
        let plain = || key.to_owned();
        match system {
            System::HubSpot => self.stages.get(key).cloned().unwrap_or_else(plain),
            System::ConnectWise => {
                let Progress { place, status } = Progress::of(key);
                let parts = [(place, self.places.get(place)), (status, self.statuses.get(status))];
                if parts.iter().all(|(_, label)| label.is_none()) {
                    return plain();
                }
                let told = parts.into_iter().filter(|(id, _)| !id.is_empty());
                told.map(|(id, label)| label.map_or(id, String::as_str)).collect::<Vec<_>>().join(BETWEEN)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::option;
    use super::*;

    #[test]
    fn a_value_is_called_by_its_labels_and_by_its_id_where_it_has_none() {
        let pipelines = [option("one", "Sales", None, None), option("two", "Renewals", None, None)];
        let stages = [
            option("a", "Qualified", None, Some("one")),
            option("won", "Won", None, Some("one")),
            option("won2", "Won", None, Some("two")),
            option("odd", " ", None, Some("two")),
        ];
        let places = [option("3", "Quote", None, None)];
        let statuses = [option("20", "Won", None, None)];
        let labels = Labels::new((&pipelines, &stages), (&places, &statuses));
        let hubspot =
            [("a", "Qualified"), ("won", "Sales · Won"), ("won2", "Renewals · Won"), ("odd", "odd"), ("", "")];
        for (key, told) in hubspot {
            assert_eq!(labels.of(System::HubSpot, key), told, "{key}");
        }
        let connectwise = [
            ("3/20", "Quote · Won"),
            ("3/", "Quote"),
            ("/20", "Won"),
            ("3/21", "Quote · 21"),
            ("9/9", "9/9"),
            ("", ""),
        ];
        for (key, told) in connectwise {
            assert_eq!(labels.of(System::ConnectWise, key), told, "{key}");
        }
    }
}
