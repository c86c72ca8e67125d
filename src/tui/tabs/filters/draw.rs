//! What the Filters tab looks like.

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::layout::Rect;

use super::{Check, Filters, proposals};
use crate::tui::tabs::{objects, steady};
use crate::tui::widgets::Paint;
use crate::tui::widgets::paint::{row_of, split_top};
use crate::view::cell::{clipped, line_width, spread, wrapped};
use crate::view::filter_panel::{self, Counting, Numbers, State};
use crate::view::{Cell, Line, Role, format};

/// What most numbers need to say what they are.
const LINES_OF_NUMBER: usize = 2;
/// Proposals that are shown beside each other.
const PROPOSALS: usize = 8;

pub fn body(tab: &Filters, area: Rect, paint: &mut Paint<'_>) {
    let width = usize::from(area.width).saturating_sub(2);
    let (head, rest) = split_top(area, 2);
    paint.line_at(head, 0, &heading(tab, width));
    paint.rule(row_of(head, 1));
    if let Some((what, role)) = absence(tab) {
        paint.line_at(rest, 0, &[Cell::plain("  "), Cell::new(what, role)]);
        return;
    }
    if !tab.is_editing
        && let Some(tried) = tab.open_record()
    {
        return tried.draw(rest, paint);
    }
    match &tab.counting {
        Counting::Known(_) if !tab.is_editing => numbers(tab, rest, paint),
        _ => text(tab, rest, paint),
    }
}

/// What the filter does, number by number.
fn numbers(tab: &Filters, area: Rect, paint: &mut Paint<'_>) {
    let area = Rect { width: area.width.saturating_sub(1), ..area };
    tab.rows.draw(area, paint, &filter_panel::COLUMNS, 0, |row, _| row.cells.clone());
}

/// What always applies, and the text.
fn text(tab: &Filters, area: Rect, paint: &mut Paint<'_>) {
    let width = usize::from(area.width).saturating_sub(2);
    let always = tab.draft.current().map(|mapping| tab.criteria(mapping, None));
    let standard = always.map_or_else(Vec::new, |always| filter_panel::standard_lines(&always, width));
    let (above, rest) = split_top(area, u16::try_from(standard.len() + 1).unwrap_or(2));
    let indented: Vec<Line> = standard.into_iter().map(indent).collect();
    let rest = if indented.is_empty() { area } else { rest };
    paint.lines(above, &indented);
    if !indented.is_empty() {
        paint.rule(row_of(above, above.height.saturating_sub(1)));
    }
    tab.editor.draw(inside(rest), tab.is_editing, &wrong(tab), &removed(tab), paint);
    if let (Some(open), Some(cursor)) = (&tab.proposals, paint.cursor) {
        open.draw(cursor, area, paint);
    }
}

/// What the clauses keep out that begin in each line of the text; nothing while the numbers are of another text.
fn removed(tab: &Filters) -> Vec<(usize, String)> {
    let Counting::Known(numbers) = &tab.counting else { return Vec::new() };
    if numbers.state == State::Before {
        return Vec::new();
    }
    let text = tab.editor.text();
    let mut lines: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (clause, tally) in numbers.criteria.clauses().iter().zip(&numbers.tally.clauses) {
        if clause.why.is_none() {
            let line = text.get(..clause.span.start).map_or(0, |before| before.matches('\n').count());
            lines.entry(line).or_default().push(format::grouped(tally.removes));
        }
    }
    lines.into_iter().map(|(line, counts)| (line, format!("removes {}", counts.join(" · ")))).collect()
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
    format!("e writes a filter{such}")
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
    if tab.draft.current().is_some_and(|object| object.filters.script.toward(tab.to).is_some()) {
        left.push(Cell::new("   and a script, not counted here", Role::Warn));
    }
    let mut right = Line::new();
    let mut hints = Vec::new();
    if let Some(step) = tab.draft.deploying() {
        right.push(Cell::new(format!("Deploying … {step}   "), Role::Wait));
    } else if tab.is_changed() {
        right.push(Cell::new("not in the draft yet   ", Role::Wait));
    } else {
        hints.push("   t other way".to_owned());
        hints.push(objects::hint(tab.draft.object, &tab.draft.objects()));
    }
    if !tab.is_editing
        && let Counting::Known(numbers) = &tab.counting
        && let Some(progress) = numbers.progress()
    {
        right.push(progress);
        right.push(Cell::plain("   "));
    }
    right.push(Cell::plain(tab.draft.book().map_or_else(String::new, |book| book.versions())));
    // hints give way: the footer has their keys as well
    for hint in hints {
        if line_width(&left) + line_width(&right) + Cell::plain(&hint).width() + 2 <= width {
            left.push(Cell::muted(hint));
        }
    }
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
        Check::Right(_) => results(tab, width),
    };
    if tab.is_deployed_unfit() {
        let text = "The deployed filter does not fit the fields any more: what it cannot decide is held.";
        lines.extend(wrapped(text, width).into_iter().map(|text| vec![Cell::new(text, Role::Warn)]));
    }
    if tab.is_editing {
        lines.extend(next(tab, width));
    }
    lines
}

fn results(tab: &Filters, width: usize) -> Vec<Line> {
    if !tab.is_editing
        && let Some(tried) = tab.open_record()
    {
        return steady(tried.detail(width), LINES_OF_NUMBER);
    }
    match &tab.counting {
        Counting::Impossible => Vec::new(),
        Counting::Begun => vec![vec![Cell::new("counting …", Role::Wait)]],
        Counting::Failed(why) => vec![vec![Cell::new(format!("Could not count: {why}"), Role::Error)]],
        Counting::Known(numbers) if tab.is_editing => {
            let mut lines = numbers.summary(tab.deployed_version(), tab.draft.object);
            lines.extend(unread(numbers, width));
            lines.extend(tab.tried.as_ref().map(|tried| tried.line(width)));
            lines
        }
        Counting::Known(numbers) => {
            let mut lines = Vec::new();
            if numbers.tally.looked == 0 {
                lines.extend(numbers.summary(None, tab.draft.object));
            } else if let Some(key) = tab.rows.selected_key() {
                lines.extend(numbers.explain(*key, width));
            }
            if numbers.criteria.clauses().iter().all(|clause| clause.why.is_some()) {
                lines.push(clipped(&[Cell::muted(example(tab))], width));
            }
            steady(lines, LINES_OF_NUMBER)
        }
    }
}

/// Why clauses have no answer, each reason once.
fn unread(numbers: &Numbers, width: usize) -> Vec<Line> {
    let mut whys: Vec<&str> =
        numbers.criteria.clauses().iter().flat_map(|clause| &clause.unfit).map(String::as_str).collect();
    whys.dedup();
    let lines = whys.into_iter().take(2).flat_map(|why| wrapped(why, width));
    lines.map(|line| vec![Cell::new(line, Role::Warn)]).collect()
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

/// What could come next, and the keys for it; the other keys stand in the footer, those that can be pressed.
fn next(tab: &Filters, width: usize) -> [Line; 2] {
    let keys = |keys: &[(&str, &str)]| -> Line {
        let pairs = keys.iter().flat_map(|(key, what)| [Cell::new(key, Role::Key), Cell::muted(format!(" {what}   "))]);
        pairs.collect()
    };
    if tab.proposals.is_some() {
        return [keys(&[("↑ ↓", "choose"), ("Tab Enter", "take it"), ("Esc", "close the list")]), Line::new()];
    }
    let all = proposals::at_cursor(tab);
    let mut line = Line::new();
    for (at, proposal) in all.iter().take(PROPOSALS).enumerate() {
        if at == 0 {
            line.extend([Cell::new("Tab", Role::Key), Cell::plain(" ")]);
        }
        let role = if at == 0 { Role::Strong } else { Role::Muted };
        line.push(Cell::new(proposal.insert.trim_start(), role));
        line.push(Cell::plain("  "));
    }
    [clipped(&line, width), keys(&[("Esc", "stop writing")])]
}
