//! What the switches of the simulated ConnectWise may name: verbs, fields and rows that are there.

use super::behaviour::{Behaviour, release_number};
use super::entity::Entity;
use super::permits::Verb;
use super::tables::{Table, id_of};
use super::tenant::Tenant;
use crate::sim::control_behaviour::{at_least_one, known, known_ids};

const VERBS: [Verb; 4] = [Verb::Add, Verb::Edit, Verb::Delete, Verb::Inquire];

impl Behaviour {
    pub(crate) fn check(&self, tenant: &Tenant) -> Result<(), String> {
        for verb in &self.denied {
            known("denied", verb, VERBS.map(Verb::word))?;
        }
        let fields = || {
            let of = |entity: Entity| {
                entity.fields().iter().map(move |field| format!("{}/{}", entity.about().resource, field.name))
            };
            Entity::ALL.into_iter().flat_map(of).collect::<Vec<String>>()
        };
        for field in &self.mandatory {
            known("mandatory", field, fields().iter().map(String::as_str))?;
        }
        for path in self.poisoned.keys() {
            known("poisoned", path, Entity::ALL.map(|entity| entity.about().path))?;
        }
        let custom: Vec<u32> = tenant.tables.custom.keys().copied().collect();
        known_ids("required_custom_fields", &self.required_custom_fields, &custom)?;
        let rows = |table: Table| tenant.tables.rows(table).filter_map(id_of).collect::<Vec<u32>>();
        known_ids("deleted_members", &self.deleted_members, &rows(Table::Member))?;
        known_ids("boards_open_to_mail", &self.boards_open_to_mail, &rows(Table::Board))?;
        if release_number(&self.release).is_none() {
            return Err(format!(
                "\"release\" must be a year and a number, such as \"2025.1\"; it is {:?}",
                self.release
            ));
        }
        if !matches!(self.missing_client_id, 400 | 401) {
            return Err(format!("\"missing_client_id\" must be 400 or 401; it is {}", self.missing_client_id));
        }
        at_least_one("uri_limit", self.uri_limit)?;
        at_least_one("per_minute", usize::try_from(self.per_minute).unwrap_or(usize::MAX))
    }
}
