//! Which ConnectWise activities an object mapping is about: their types must be there, and of one kind each.

use super::super::config::Config;
use super::Lint;
use crate::model::{FieldDef, ObjectKind, System};

impl Lint<'_> {
    /// The types and the status that a mapping of activities names.
    pub(super) fn activities(&mut self, config: &Config) {
        if !self.object.object.is_activity() {
            return;
        }
        self.activity_types(config);
        let statuses = self.def(System::ConnectWise, &"status".into());
        if let Some(status) = self.object.activity_status {
            self.activity_row("activity status", status, statuses);
        }
    }

    fn activity_types(&mut self, config: &Config) {
        let kind = self.object.object;
        let named = config.objects.iter().any(|object| !object.activity_types.is_empty());
        if self.object.activity_types.is_empty() && (named || kind != ObjectKind::Task) {
            let message = format!("No ConnectWise activity is a {kind}: no activity type is named for it.");
            self.error(
                None,
                message,
                "Write `activity_types = [id, …]` below its `[[object]]`; `lockstep schema` shows the ids.",
            );
        }
        let types = self.def(System::ConnectWise, &"type".into());
        for id in &self.object.activity_types {
            let others =
                config.objects.iter().filter(|other| other.object != kind && other.activity_types.contains(id));
            for other in others {
                let message = format!("The activity type {id} is named for a {kind} and for a {}.", other.object);
                self.error(None, message, "Keep it in one of the two: an activity is one thing.");
            }
            self.activity_row("activity type", *id, types);
        }
    }

    /// A row of a table of ConnectWise's, which is to be there and in use.
    fn activity_row(&mut self, what: &str, id: u64, of: Option<&FieldDef>) {
        // Where ConnectWise did not tell its rows, the doctor says so.
        let Some(of) = of.filter(|of| !of.options.is_empty()) else { return };
        match of.options.iter().find(|option| option.key == id.to_string()) {
            None => {
                let known: Vec<String> =
                    of.options.iter().map(|option| format!("{} {}", option.key, option.label)).collect();
                let message = format!("ConnectWise has no {what} {id}.");
                self.error(None, message, format!("It has: {}.", known.join(", ")));
            }
            Some(option) if option.inactive => {
                let message = format!("The {what} {id} ({}) is inactive in ConnectWise.", option.label);
                self.warning(None, message, "New records can't be given it: name an active one first.");
            }
            Some(_) => {}
        }
    }
}
