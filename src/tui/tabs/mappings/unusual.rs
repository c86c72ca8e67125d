//! What differs from the usual field mappings, in place of the fields; and the way back, of one or of all.

use ratatui::layout::Rect;

use super::{Context, Mappings, Message};
use crate::mapping::defaults::usual::{Unusual, restore, unusual, usual};
use crate::mapping::{FieldKey, FieldMapping};
use crate::tui::action::{Enabled, Reason};
use crate::tui::overlay::Confirm;
use crate::tui::tabs::draft::deploy;
use crate::tui::tabs::draft::source::Book;
use crate::tui::widgets::paint::{row_of, split_top};
use crate::tui::widgets::{Keyed, List, Paint};
use crate::view::cell::spread;
use crate::view::unusual::{COLUMNS, cells, detail as lines_of};
use crate::view::{Cell, Line, Role, format};

/// A difference, as a row.
pub struct Row(Unusual);

impl Keyed for Row {
    type Key = FieldKey;
    fn key(&self) -> FieldKey {
        self.0.key()
    }
}

/// Whether the list is what the person sees.
#[must_use]
pub const fn is_shown(tab: &Mappings) -> bool {
    tab.inside && tab.unusual.is_some() && tab.trial.is_none() && tab.versions.is_none()
}

/// # Errors
/// Where nothing can be restored now.
pub fn can_restore(tab: &Mappings) -> Enabled {
    if !is_shown(tab) {
        return Err(Reason::new("z shows what differs from the usual mappings."));
    }
    if tab.unusual.as_ref().is_none_or(List::is_empty) {
        return Err(Reason::new("Nothing differs."));
    }
    deploy::not_deploying(&tab.draft)
}

pub fn open(tab: &mut Mappings) {
    tab.unusual = Some(List::default());
    list(tab);
}

fn proposed(tab: &Mappings) -> Option<Vec<FieldMapping>> {
    let config = tab.draft.book().and_then(Book::current)?;
    Some(usual(tab.draft.current()?, config, tab.draft.schemas()))
}

/// Lists the differences anew.
pub fn list(tab: &mut Mappings) {
    if tab.unusual.is_none() {
        return;
    }
    let rows = proposed(tab)
        .zip(tab.draft.current())
        .map_or_else(Vec::new, |(usual, mapping)| unusual(mapping, &usual).into_iter().map(Row).collect());
    if let Some(list) = &mut tab.unusual {
        list.set(rows);
    }
}

/// Makes the mapping under the cursor the usual one.
pub fn restore_one(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(key) = tab.unusual.as_ref().and_then(|list| list.selected_key()).cloned() else { return };
    restore_these(tab, &[key], ctx);
}

/// Asks whether to make all of them the usual ones.
pub fn ask_all(tab: &Mappings, ctx: &mut Context<'_>) {
    let Some(list) = &tab.unusual else { return };
    let count = list.rows().count() as u64;
    let lines = vec![
        vec![Cell::strong(format!("{} become usual again.", format::counted(count, "mapping", "mappings")))],
        vec![Cell::plain("What is mapped here alone leaves the draft, too.")],
    ];
    ctx.confirm(Confirm::new("Restore the usual mappings", lines, "restore"), Message::RestoreAll);
}

/// The person said yes.
pub fn restore_all(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let keys: Vec<FieldKey> = tab.unusual.iter().flat_map(List::rows).map(Row::key).collect();
    restore_these(tab, &keys, ctx);
}

fn restore_these(tab: &mut Mappings, keys: &[FieldKey], ctx: &mut Context<'_>) {
    let Some(usual) = proposed(tab) else { return };
    tab.draft.change(ctx, Message::Draft, |mapping| {
        for key in keys {
            restore(mapping, &usual, key);
        }
    });
    tab.list();
    list(tab);
    tab.meter.look(&tab.draft, ctx, Message::Measured);
}

pub fn draw(tab: &Mappings, area: Rect, paint: &mut Paint<'_>) {
    let (head, rest) = split_top(area, 2);
    let width = usize::from(area.width);
    let left = [
        Cell::plain(" "),
        Cell::strong(tab.draft.object.plural()),
        Cell::plain(" › not as usual"),
        Cell::muted("   Esc fields"),
    ];
    paint.line_at(head, 0, &spread(&left, &tab.standing(), width));
    paint.rule(row_of(head, 1));
    match &tab.unusual {
        Some(list) if !list.is_empty() => list.draw(rest, paint, &COLUMNS, 1, |row, _| cells(&row.0)),
        _ => paint.lines(rest, &[Line::new(), vec![Cell::new("  All field mappings are the usual ones.", Role::Ok)]]),
    }
}

pub fn detail(tab: &Mappings, width: usize) -> Vec<Line> {
    let selected = tab.unusual.as_ref().and_then(List::selected);
    selected.map_or_else(Vec::new, |row| lines_of(&row.0, width))
}
