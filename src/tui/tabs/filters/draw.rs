//! What the Filters tab looks like.

use std::ops::Range;

use ratatui::layout::Rect;

use super::{Check, Filters, actions};
use crate::filter::standard;
use crate::model::{Fields, Record, RecordId, Timestamp};
use crate::tui::tabs::objects;
use crate::tui::widgets::Paint;
use crate::tui::widgets::paint::{row_of, split_top};
use crate::view::cell::{clipped, spread, wrapped};
use crate::view::{Cell, Line, Role, filter_panel};

/// Proposals that are shown beside each other.
const PROPOSALS: usize = 8;

pub fn body(tab: &Filters, area: Rect, paint: &mut Paint<'_>) {
    let width = usize::from(area.width).saturating_sub(2);
    let (head, rest) = split_top(area, 2);
    paint.line_at(head, 0, &heading(tab, width));
    paint.rule(row_of(head, 1));
    let standard = filter_panel::standard_lines(&standard_texts(tab), width);
    let (above, rest) = split_top(rest, u16::try_from(standard.len() + 1).unwrap_or(2));
    let indented: Vec<Line> = standard.into_iter().map(indent).collect();
    paint.lines(above, &indented);
    paint.rule(row_of(above, above.height.saturating_sub(1)));
    if let Some((what, role)) = absence(tab) {
        paint.line_at(rest, 0, &[Cell::plain("  "), Cell::new(what, role)]);
        return;
    }
    if !tab.is_editing && tab.editor.text().trim().is_empty() {
        paint.wrapped(inside(rest), &example(tab), Role::Muted);
        return;
    }
    tab.editor.draw(inside(rest), tab.is_editing, &wrong(tab), paint);
}

/// What a filter of this object could look like.
fn example(tab: &Filters) -> String {
    let from = tab.to.other();
    let fields = tab.draft.current().map_or(&[][..], |object| &object.fields);
    let such = match fields {
        [first, second, ..] => {
            format!(", such as: {} is not empty and {} = \"x\"", first.field(from), second.field(from))
        }
        _ => String::new(),
    };
    format!("Everything passes. Enter writes a filter{such}")
}

fn inside(area: Rect) -> Rect {
    Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area }
}

fn indent(mut line: Line) -> Line {
    line.insert(0, Cell::plain(" "));
    line
}

fn heading(tab: &Filters, width: usize) -> Line {
    let mut left = indent(filter_panel::heading(tab.draft.object, tab.to));
    let mut right = Line::new();
    if tab.is_changed() {
        right.push(Cell::new("not in the draft yet   ", Role::Wait));
    } else {
        left.push(Cell::muted("   t other way"));
        left.push(Cell::muted(objects::hint(tab.draft.object, &tab.draft.objects())));
    }
    right.push(Cell::plain(tab.draft.book().map_or_else(String::new, |book| book.versions())));
    spread(&left, &right, width + 1)
}

/// Why there is no filter to show.
fn absence(tab: &Filters) -> Option<(String, Role)> {
    if let Some(error) = &tab.draft.error {
        return Some((error.clone(), Role::Error));
    }
    match tab.draft.book() {
        None => Some(("Reading …".to_owned(), Role::Muted)),
        Some(_) if tab.draft.current().is_none() => {
            Some(("There is no configuration yet: the Mappings tab (2) proposes one.".to_owned(), Role::Text))
        }
        Some(_) => None,
    }
}

/// The filters that always apply. Their texts do not depend on the record.
fn standard_texts(tab: &Filters) -> Vec<String> {
    let nobody = Record {
        id: RecordId(0),
        modified: Timestamp::EPOCH,
        archived: false,
        fields: Fields::new(),
        stamp: None,
        merged: Vec::new(),
        modified_by: None,
    };
    let clauses =
        tab.draft.current().map(|mapping| standard::clauses(mapping, tab.to.other(), &nobody, &standard::Gone::new()));
    clauses.into_iter().flatten().map(|(text, _, _)| text).collect()
}

/// What to underline, in bytes of the text; at least one character each.
fn wrong(tab: &Filters) -> Vec<Range<usize>> {
    let Check::Wrong(errors) = &tab.check else { return Vec::new() };
    errors.iter().map(|error| error.span.start..error.span.end.max(error.span.start + 1)).collect()
}

/// Mistakes with their remedies, numbers, proposals.
pub fn detail(tab: &Filters, width: usize) -> Vec<Line> {
    if absence(tab).is_some() {
        return Vec::new();
    }
    let mut lines = match &tab.check {
        Check::Wrong(errors) => mistakes(errors, width),
        Check::Unknown => vec![vec![Cell::new("Not checked: the fields are not known yet.", Role::Warn)]],
        Check::Right(_) => vec![filter_panel::count_line(&tab.counting, tab.deployed, tab.draft.object)],
    };
    if tab.is_deployed_unfit() {
        let text = "The deployed filter does not fit the fields any more: what it cannot decide is held.";
        lines.extend(wrapped(text, width).into_iter().map(|text| vec![Cell::new(text, Role::Warn)]));
    }
    let unread = tab.unread();
    if !unread.is_empty() {
        let text = format!("Not read yet, counted as empty until deployed: {}", unread.join(", "));
        lines.push(clipped(&[Cell::new(text, Role::Warn)], width));
    }
    if tab.is_editing {
        lines.push(proposed(tab, width));
        lines.push(vec![
            Cell::new("Ctrl-S", Role::Key),
            Cell::muted(" save into the draft   "),
            Cell::new("Ctrl-E", Role::Key),
            Cell::muted(" $EDITOR   "),
            Cell::new("Esc", Role::Key),
            Cell::muted(" stop writing"),
        ]);
    }
    lines
}

fn mistakes(errors: &[crate::filter::FilterError], width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for error in errors.iter().take(2) {
        lines.extend(wrapped(&error.to_string(), width).into_iter().map(|text| vec![Cell::new(text, Role::Error)]));
        if !error.hint.is_empty() {
            lines.extend(wrapped(&error.hint, width).into_iter().map(|text| vec![Cell::muted(text)]));
        }
    }
    lines
}

fn proposed(tab: &Filters, width: usize) -> Line {
    let proposals = actions::proposals(tab);
    let mut line = vec![Cell::new("Tab", Role::Key), Cell::plain(" ")];
    for (at, proposal) in proposals.iter().take(PROPOSALS).enumerate() {
        let role = if at == 0 { Role::Strong } else { Role::Muted };
        line.push(Cell::new(&proposal.insert, role));
        line.push(Cell::plain("  "));
    }
    clipped(&line, width)
}
