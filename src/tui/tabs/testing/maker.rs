//! A HubSpot in memory, as far as its properties go.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::{Arc, Mutex};

use super::FakeConfig;
use crate::engine::driver::new_field::{FieldPlan, FieldStanding, HttpPreview, MadeField};
use crate::engine::driver::setup::SetupError;
use crate::mapping::new_field::NewField;
use crate::model::FieldDef;
use crate::tui::tabs::mappings::making::maker::FieldMaker;
use crate::tui::world::BoxFuture;

/// Answers at once; what it makes is among the fields from then on.
pub struct FakeMaker {
    pub config: Arc<FakeConfig>,
    pub standing: Mutex<FieldStanding>,
    pub made: Mutex<Vec<NewField>>,
}

impl FakeMaker {
    #[must_use]
    pub fn of(config: &Arc<FakeConfig>) -> Self {
        Self { config: Arc::clone(config), standing: FieldStanding::New.into(), made: Mutex::default() }
    }
}

impl FieldMaker for FakeMaker {
    fn plan(&self, field: NewField) -> BoxFuture<Result<FieldPlan, SetupError>> {
        let body = format!("{{ \"name\": \"{}\" }}", field.name);
        let call = HttpPreview { method: "POST".into(), path: "/crm/properties/companies".into(), body };
        let plan = FieldPlan { standing: self.standing.lock().unwrap().clone(), calls: vec![call] };
        Box::pin(async move { Ok(plan) })
    }

    fn make(&self, field: NewField) -> BoxFuture<Result<MadeField, SetupError>> {
        let mut book = self.config.book.lock().unwrap();
        let mut schemas = book.schemas.as_deref().unwrap().clone();
        let def = FieldDef {
            name: field.name.clone(),
            label: field.label.clone(),
            kind: field.kind,
            ..schemas.hubspot.fields[0].clone()
        };
        schemas.hubspot.fields.push(def);
        schemas.hubspot.fields.sort_by(|one, other| one.name.cmp(&other.name));
        book.schemas = Some(Arc::new(schemas));
        self.made.lock().unwrap().push(field);
        Box::pin(async move { Ok(MadeField::Created) })
    }
}
