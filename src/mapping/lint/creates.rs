//! What new records must have, and the records that others point to.

use super::super::config::{ClearPolicy, Config, FieldMapping};
use super::super::needs::needs;
use super::super::references::refers_to;
use super::super::stages::BOARD_AND_STATUS;
use super::Lint;
use crate::model::{FieldName, ObjectKind, System};

/// Fields that a create needs and that the connection fills by itself: a company's identifier is made from its name,
/// and its first site comes with it.
const FILLED_BY_CONNECTION: [(ObjectKind, System, &str); 2] =
    [(ObjectKind::Company, System::ConnectWise, "identifier"), (ObjectKind::Company, System::ConnectWise, "site")];

impl Lint<'_> {
    /// What a new record must have needs a mapping that gives it.
    pub(super) fn creates(&mut self) {
        for system in System::BOTH {
            if self.object.creates_in(system) {
                self.needs(system);
                self.required_fields(system);
            }
        }
        if self.object.creates_in(System::ConnectWise) {
            self.board_of_new_tickets();
        }
    }

    /// A status of one name stands on several boards: a new ticket's board is chosen by a person, not by their order.
    fn board_of_new_tickets(&mut self) {
        let fields = &self.object.fields;
        let Some(field) = fields.iter().find(|field| field.connectwise.as_str() == BOARD_AND_STATUS) else { return };
        let boards = self.schemas.connectwise.field("board").map_or(&[][..], |def| &def.options);
        let active: Vec<String> = boards
            .iter()
            .filter(|board| !board.inactive)
            .map(|board| format!("\"{}/\" is {}", board.key, board.label))
            .collect();
        if field.default.connectwise.is_some() || active.len() < 2 {
            return;
        }
        let message = "No board is named for new tickets, and there are several.";
        let hint = format!("Write `default = {{ connectwise = \"ID/\" }}`: {}.", active.join(", "));
        self.error(Some(field), message, hint);
    }

    fn needs(&mut self, system: System) {
        let object = self.object.object;
        for need in needs(object, system) {
            if need.any_of.iter().any(|name| self.is_fed(system, &FieldName::new(name))) {
                continue;
            }
            let message = format!("No {object} is created in {system} without {}, and no mapping gives it.", need.what);
            let fields = need.any_of.join("` or `");
            let hint = format!("Map a field to `{fields}`, give it a default, or create nothing in {system}.");
            self.error(None, message, hint);
        }
    }

    fn required_fields(&mut self, system: System) {
        let object = self.object.object;
        for def in self.schemas[system].fields.iter().filter(|def| def.required && !def.read_only) {
            let by_connection = FILLED_BY_CONNECTION.contains(&(object, system, def.name.as_str()));
            let told = needs(object, system).iter().any(|need| need.any_of == [def.name.as_str()]);
            if by_connection || told || self.is_fed(system, &def.name) {
                continue;
            }
            let message = format!("{system} refuses a new record without `{}`, and nothing feeds it.", def.name);
            let hint = format!("Map a field to it, give it a default, or create nothing in {system}.");
            self.error(None, message, hint);
        }
    }

    /// Whether a mapping gives new records of `system` a value of this field.
    fn is_fed(&self, system: System, name: &FieldName) -> bool {
        let gives = |field: &FieldMapping| self.written(field).contains(&system) || field.default.of(system).is_some();
        self.object.fields.iter().any(|field| field.field(system) == name && gives(field))
    }

    /// A reference crosses as the link of the record that it points to: that record must be synced, and a link that is
    /// there is never taken apart.
    pub(super) fn references(&mut self, config: &Config) {
        for field in &self.object.fields {
            let Some(parent) = refers_to(field.kind) else { continue };
            if config.object(parent).is_none() {
                let plural = parent.plural().to_lowercase();
                let message = format!("`{}` points to a {parent}, and {plural} are not mapped.", field.key());
                let hint = format!("Map {plural} with an `[[object]]` of their own, or remove this mapping.");
                self.error(Some(field), message, hint);
            }
            if field.empty == ClearPolicy::Clear {
                let message =
                    format!("`{}` points to a {parent}: Lockstep takes no record from its {parent}.", field.key());
                self.error(Some(field), message, "Write `empty = \"fill\"`, which is what it is without it.");
            }
        }
    }
}
