//! The record on the screen: what is known of it, which field is selected, which fields are listed.

use std::sync::Arc;

use super::source::{Opened, RecordSource};
use super::{Context, Message, Stale};
use crate::engine::core::plan::{FieldNext, FieldPlan};
use crate::mapping::FieldKey;
use crate::model::RecordRef;
use crate::tui::widgets::{Keyed, List};
use crate::tui::world::SourceError;
use crate::view::Cell;
use crate::view::diff::{Shown, anchor};

/// One field as it is listed.
pub struct FieldRow {
    key: FieldKey,
    pub cells: Vec<Cell>,
}

impl Keyed for FieldRow {
    type Key = FieldKey;
    fn key(&self) -> FieldKey {
        self.key.clone()
    }
}

/// What is known of the record.
pub enum Found {
    Reading,
    /// Nobody knows it, or its object is not mapped.
    Missing,
    Failed(String),
    Here(Box<Opened>),
}

/// The record on the screen.
pub struct Open {
    pub record: RecordRef,
    pub found: Found,
    pub fields: List<FieldRow>,
    pub shown: Shown,
    pending: Option<Stale>,
}

impl Open {
    pub fn new(record: RecordRef) -> Self {
        Self { record, found: Found::Reading, fields: List::default(), shown: Shown::default(), pending: None }
    }

    /// Reads the record again; what is on the screen stays until the answer comes.
    pub fn refresh(&mut self, source: &Arc<dyn RecordSource>, ctx: &mut Context<'_>) {
        if self.pending.is_some() {
            self.pending = Some(Stale::Yes);
            return;
        }
        self.pending = Some(Stale::No);
        let (source, record, now) = (Arc::clone(source), self.record, ctx.world.now);
        ctx.fetch(
            move || Message::Opened(record, source.open(record, now).map(|found| found.map(Box::new))),
            move |why| Message::Opened(record, Err(SourceError(why))),
        );
    }

    pub fn receive(
        &mut self,
        found: Result<Option<Box<Opened>>, SourceError>,
        source: &Arc<dyn RecordSource>,
        ctx: &mut Context<'_>,
    ) {
        let stale = self.pending.take();
        self.found = match found {
            Ok(Some(opened)) => Found::Here(opened),
            Ok(None) => Found::Missing,
            Err(error) => Found::Failed(error.0),
        };
        self.list_fields(ctx);
        if stale == Some(Stale::Yes) {
            self.refresh(source, ctx);
        }
    }

    /// Lists the fields anew; the cursor begins at what needs a person.
    pub fn list_fields(&mut self, ctx: &Context<'_>) {
        let Found::Here(opened) = &self.found else { return };
        let panel = opened.panel(ctx.world.now);
        let fields = panel.fields(self.shown);
        let first = (!self.fields.is_loaded()).then(|| most_urgent(&fields).map(|field| field.key.clone())).flatten();
        let rows: Vec<_> =
            fields.into_iter().map(|field| FieldRow { key: field.key.clone(), cells: panel.row(field) }).collect();
        self.fields.set(rows);
        if let Some(first) = first {
            self.fields.select(first);
        }
    }

    pub const fn here(&self) -> Option<&Opened> {
        match &self.found {
            Found::Here(opened) => Some(opened),
            Found::Reading | Found::Missing | Found::Failed(_) => None,
        }
    }

    /// The field under the cursor.
    pub fn field(&self) -> Option<&FieldPlan> {
        let key = self.fields.selected_key()?;
        self.here()?.plan.fields.iter().find(|field| field.key == *key)
    }

    /// The record by which the list knows the pair.
    pub fn anchor(&self) -> RecordRef {
        self.here().and_then(|opened| anchor(&opened.plan)).unwrap_or(self.record)
    }
}

fn most_urgent<'a>(fields: &[&'a FieldPlan]) -> Option<&'a FieldPlan> {
    let rank = |next: &FieldNext| match next {
        FieldNext::Decide => 0,
        FieldNext::Stuck => 1,
        FieldNext::Write { .. } => 2,
        _ => 3,
    };
    fields.iter().copied().min_by_key(|field| rank(&field.next))
}
