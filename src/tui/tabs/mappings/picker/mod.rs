//! Choosing the two fields of a new mapping, in place of the mappings: first HubSpot's, then ConnectWise's. Letters narrow
//! the list; what does not fit stays in it, and says why.

pub mod source;
pub mod stored;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossterm::event::{KeyCode, KeyModifiers};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config as MatcherConfig, Matcher, Utf32Str};
use ratatui::layout::{Position, Rect};

use super::{Context, FIRST, Mappings, Message, actions};
use crate::engine::driver::glance::{Glance, MOST};
use crate::model::text::printable;
use crate::model::{BySystem, FieldDef, FieldName, ObjectKind, Record, System};
use crate::tui::tab::{Handled, Input, Nav};
use crate::tui::tabs::draft::Draft;
use crate::tui::widgets::paint::{row_of, split_top};
use crate::tui::widgets::{Keyed, List, Paint};
use crate::tui::world::SourceError;
use crate::view::cell::{line_width, spread};
use crate::view::picker::{COLUMNS, Candidate, Fill, candidates};
use crate::view::{Cell, Line, Role, format};
use source::{FieldSource, Fills};
use stored::count;

/// The picker, while it is open.
pub struct Picker {
    /// HubSpot's field, once it is chosen.
    first: Option<FieldDef>,
    query: String,
    all: Vec<Candidate>,
    list: List<Row>,
}

/// One field that fits what was typed.
struct Row(Candidate);

impl Keyed for Row {
    type Key = FieldName;
    fn key(&self) -> FieldName {
        self.0.def.name.clone()
    }
}

/// What is known of the fields of one object. What a glance saw is kept here alone.
pub struct Known {
    source: Arc<dyn FieldSource>,
    object: Option<ObjectKind>,
    cached: BySystem<Fills>,
    glanced: BySystem<Option<Glanced>>,
    /// Grows with each question: who still reads for an older one stops.
    turn: Arc<AtomicU64>,
    /// Why nobody could look.
    refused: Option<String>,
}

/// What a glance saw.
#[derive(Debug, Clone)]
pub struct Glanced {
    fields: BTreeSet<FieldName>,
    fills: Fills,
}

/// What comes back.
#[derive(Debug)]
pub enum Seen {
    Cached(u64, Result<Option<Box<BySystem<Fills>>>, SourceError>),
    Ids(u64, System, Result<Vec<crate::model::RecordId>, SourceError>),
    Glanced(u64, System, Vec<FieldName>, Result<Vec<Record>, String>),
}

impl Known {
    #[must_use]
    pub fn new(source: Arc<dyn FieldSource>) -> Self {
        Self {
            source,
            object: None,
            cached: BySystem::default(),
            glanced: BySystem::default(),
            turn: Arc::default(),
            refused: None,
        }
    }

    /// How much of a field is filled, as far as anybody looked.
    fn fill(&self, system: System, field: &FieldName) -> Option<Fill> {
        let glanced = || self.glanced[system].as_ref()?.fills.get(field);
        self.cached[system].get(field).filter(|fill| fill.of > 0).or_else(glanced).cloned()
    }

    /// Asks the cache, and has the engine look at what nobody reads.
    fn look(&mut self, draft: &Draft, ctx: &mut Context<'_>) {
        let object = draft.object;
        if self.object != Some(object) {
            (self.object, self.cached, self.glanced) = (Some(object), BySystem::default(), BySystem::default());
        }
        self.refused = None;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) + 1;
        let watched = draft.book().map(|book| book.watched.clone()).unwrap_or_default();
        let (source, newest) = (Arc::clone(&self.source), Arc::clone(&self.turn));
        ctx.fetch(
            move || {
                let wanted = || newest.load(Ordering::Relaxed) == turn;
                let fills = source.fills(object, &watched, &wanted);
                Message::Seen(Seen::Cached(turn, fills.map(|fills| fills.map(Box::new))))
            },
            move |why| Message::Seen(Seen::Cached(turn, Err(SourceError(why)))),
        );
        for system in System::BOTH.into_iter().filter(|system| !self.unread(draft, *system).is_empty()) {
            let source = Arc::clone(&self.source);
            ctx.fetch(
                move || Message::Seen(Seen::Ids(turn, system, source.some(object, system, MOST))),
                move |why| Message::Seen(Seen::Ids(turn, system, Err(SourceError(why)))),
            );
        }
    }

    /// The fields of a system that nobody reads and nobody looked at.
    fn unread(&self, draft: &Draft, system: System) -> Vec<FieldName> {
        let (Some(schemas), Some(book)) = (draft.schemas(), draft.book()) else { return Vec::new() };
        let watched: BTreeSet<&FieldName> = book.watched[system].iter().collect();
        let seen = self.glanced[system].as_ref().map(|glanced| &glanced.fields);
        let is_new = |name: &&FieldName| !watched.contains(name) && seen.is_none_or(|seen| !seen.contains(*name));
        schemas[system].fields.iter().map(|def| &def.name).filter(is_new).cloned().collect()
    }
}

/// Whether the picker is what the person sees.
#[must_use]
pub const fn is_shown(tab: &Mappings) -> bool {
    tab.inside && tab.picker.is_some() && tab.trial.is_none() && tab.versions.is_none()
}

pub fn open(tab: &mut Mappings, ctx: &mut Context<'_>) {
    tab.picker = Some(Picker { first: None, query: String::new(), all: Vec::new(), list: List::default() });
    tab.known.look(&tab.draft, ctx);
    list(tab);
}

/// The system whose field is chosen next.
const fn system(picker: &Picker) -> System {
    if picker.first.is_some() { FIRST.other() } else { FIRST }
}

/// Lists the fields anew; what was chosen may be gone by now.
pub fn list(tab: &mut Mappings) {
    let Some(picker) = &mut tab.picker else { return };
    let (Some(schemas), Some(mapping)) = (tab.draft.schemas(), tab.draft.current()) else {
        picker.all = Vec::new();
        return narrow(picker);
    };
    if let Some(first) = &picker.first {
        // as it is now, or not at all any more
        picker.first = schemas[FIRST].field(first.name.as_str()).cloned();
        if picker.first.is_none() {
            picker.query.clear();
        }
    }
    let system = system(picker);
    picker.all = candidates(mapping, schemas, system, picker.first.as_ref());
    for candidate in &mut picker.all {
        candidate.fill = tab.known.fill(system, &candidate.def.name);
    }
    narrow(picker);
}

/// Says what another reading of the fields changed, where the picker is open.
pub fn follow(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(picker) = &tab.picker else { return };
    let names = |picker: &Picker| picker.all.iter().map(|one| one.def.name.clone()).collect::<BTreeSet<_>>();
    let (before, was_second, first) = (names(picker), picker.first.is_some(), picker.first.clone());
    list(tab);
    let Some(picker) = &tab.picker else { return };
    if let Some(first) = first.filter(|_| was_second && picker.first.is_none()) {
        return ctx.say(format!("`{}` is gone: the fields were read again. Choose another one.", first.name));
    }
    let after = names(picker);
    if !before.is_empty() && before != after {
        let (new, gone) = (after.difference(&before).count(), before.difference(&after).count());
        ctx.say(format!("The fields were read again: {new} new, {gone} gone."));
        tab.known.look(&tab.draft, ctx);
    }
}

fn narrow(picker: &mut Picker) {
    let pattern = Pattern::parse(&picker.query, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(MatcherConfig::DEFAULT);
    let mut buffer = Vec::new();
    let mut fitting: Vec<(bool, u32, &Candidate)> = Vec::new();
    for candidate in &picker.all {
        if let Some(score) = pattern.score(Utf32Str::new(&candidate.words(), &mut buffer), &mut matcher) {
            fitting.push((!candidate.can_be_chosen(), u32::MAX - score, candidate));
        }
    }
    // stable: within the same score, what fits stays before what is mapped
    fitting.sort_by_key(|(unfit, score, _)| (*unfit, *score));
    let rows = fitting.into_iter().map(|(.., candidate)| Row(candidate.clone())).collect();
    picker.list.set(rows);
}

fn typed(picker: &mut Picker, alter: impl FnOnce(&mut String)) {
    alter(&mut picker.query);
    picker.list = List::default();
    narrow(picker);
}

/// A key or a paste: letters narrow the list.
pub fn edit(tab: &mut Mappings, input: &Input, ctx: &mut Context<'_>) -> Handled {
    let Some(picker) = &mut tab.picker else { return Handled::No };
    let event = match input {
        Input::Paste(text) => {
            typed(picker, |query| query.push_str(&printable(text).replace('\n', " ")));
            return Handled::Yes;
        }
        Input::Key(event) => event,
    };
    let is_plain = (event.modifiers - KeyModifiers::SHIFT).is_empty();
    let step = match event.code {
        KeyCode::Up => Some(Nav::Up),
        KeyCode::Down => Some(Nav::Down),
        KeyCode::PageUp => Some(Nav::PageUp),
        KeyCode::PageDown => Some(Nav::PageDown),
        KeyCode::Home => Some(Nav::Home),
        KeyCode::End => Some(Nav::End),
        _ => None,
    };
    match (step, event.code) {
        // all rows are there: there is no page to fetch
        (Some(step), _) => drop(picker.list.navigate(step)),
        (_, KeyCode::Enter) => choose(tab, ctx),
        (_, KeyCode::Esc) => leave(tab),
        (_, KeyCode::Backspace) => typed(picker, |query| {
            query.pop();
        }),
        (_, KeyCode::Char('u')) if event.modifiers == KeyModifiers::CONTROL => typed(picker, String::clear),
        (_, KeyCode::Char(letter)) if is_plain => typed(picker, |query| query.push(letter)),
        _ => return Handled::No,
    }
    Handled::Yes
}

/// A step back: what was typed, the first field, the picker.
fn leave(tab: &mut Mappings) {
    let Some(picker) = &mut tab.picker else { return };
    if !picker.query.is_empty() {
        return typed(picker, String::clear);
    }
    match picker.first.take() {
        Some(first) => {
            picker.list = List::default();
            list(tab);
            if let Some(picker) = &mut tab.picker {
                picker.list.select(first.name);
            }
        }
        None => tab.picker = None,
    }
}

fn choose(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(picker) = &mut tab.picker else { return };
    let Some(Row(candidate)) = picker.list.selected() else { return };
    if !candidate.can_be_chosen() {
        return ctx.say("It does not go with it: the lines below the list say why.");
    }
    let chosen = candidate.def.clone();
    match &picker.first {
        None => {
            (picker.first, picker.list) = (Some(chosen), List::default());
            picker.query.clear();
            list(tab);
        }
        Some(first) => {
            let first = first.name.clone();
            tab.picker = None;
            actions::add(tab, &first, &chosen.name, ctx);
        }
    }
}

pub fn receive(tab: &mut Mappings, seen: Seen, ctx: &mut Context<'_>) {
    let newest = tab.known.turn.load(Ordering::Relaxed);
    match seen {
        Seen::Cached(turn, Ok(Some(fills))) if turn == newest => tab.known.cached = *fills,
        Seen::Cached(turn, Err(error)) if turn == newest => tab.known.refused = Some(error.0),
        Seen::Ids(turn, system, Ok(ids)) if turn == newest => return glance(tab, system, ids, ctx),
        Seen::Ids(turn, _, Err(error)) if turn == newest => tab.known.refused = Some(error.0),
        Seen::Glanced(turn, system, fields, records) if turn == newest => match records {
            Ok(records) => {
                let mut fills = tab.known.glanced[system].take().map_or_else(BTreeMap::new, |glanced| glanced.fills);
                count(&mut fills, &fields, records.iter(), true);
                tab.known.glanced[system] = Some(Glanced { fields: fields.into_iter().collect(), fills });
            }
            Err(why) => tab.known.refused = Some(why),
        },
        Seen::Cached(..) | Seen::Ids(..) | Seen::Glanced(..) => return,
    }
    list(tab);
}

/// Has the engine look at what nobody reads of these records.
fn glance(tab: &Mappings, system: System, ids: Vec<crate::model::RecordId>, ctx: &mut Context<'_>) {
    let (object, fields) = (tab.draft.object, tab.known.unread(&tab.draft, system));
    if fields.is_empty() {
        return;
    }
    let turn = tab.known.turn.load(Ordering::Relaxed);
    let work = ctx.world.engine.glance(Glance { object, system, fields: fields.clone(), ids });
    ctx.spawn(async move { Message::Seen(Seen::Glanced(turn, system, fields, work.await)) });
}

pub fn draw(tab: &Mappings, area: Rect, paint: &mut Paint<'_>) {
    let Some(picker) = &tab.picker else { return };
    let (head, rest) = split_top(area, 3);
    let width = usize::from(area.width);
    let object = tab.draft.object.plural();
    let mut left = vec![Cell::plain(" "), Cell::strong(object), Cell::plain(" › add: ")];
    match &picker.first {
        None => left.push(Cell::new("the HubSpot field", Role::Left)),
        Some(first) => {
            left.push(Cell::new(first.name.as_str(), Role::Left));
            left.push(Cell::plain(" and "));
            left.push(Cell::new("the ConnectWise field", Role::Right));
        }
    }
    let key = |key| Cell::new(key, Role::Key);
    let keys = [key("Enter"), Cell::plain(" choose  "), key("Esc"), Cell::plain(" back ")];
    paint.line_at(head, 0, &spread(&left, &keys, width));
    let fields = picker.list.rows().count();
    let of = format!("{} of {}", format::grouped(fields as u64), format::grouped(picker.all.len() as u64));
    let entry = [Cell::plain(" "), Cell::new("/", Role::Key), Cell::plain(" "), Cell::plain(&picker.query)];
    let hint = if picker.query.is_empty() { "letters narrow the list" } else { "" };
    let mut line = entry.to_vec();
    line.push(Cell::muted(hint));
    paint.line_at(head, 1, &spread(&line, &[Cell::muted(of), Cell::plain(" ")], width));
    let column = u16::try_from(line_width(&entry)).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
    paint.cursor = (head.height > 1).then(|| Position::new(head.x + column, head.y + 1));
    paint.rule(row_of(head, 2));
    if picker.list.is_empty() {
        let text = match (picker.all.is_empty(), tab.draft.schemas()) {
            (_, None) => "The fields are not known yet.",
            (true, _) => "There is no field.",
            (false, _) => "Nothing has that in its label, name or type. Backspace takes a letter away.",
        };
        return paint.lines(rest, &[Line::new(), vec![Cell::muted(format!("  {text}"))]]);
    }
    picker.list.draw(rest, paint, &COLUMNS, 0, |row, _| row.0.cells());
}

pub fn detail(tab: &Mappings, width: usize) -> Vec<Line> {
    let Some(picker) = &tab.picker else { return Vec::new() };
    let mut lines = picker.list.selected().map_or_else(Vec::new, |row| row.0.detail(width));
    let is_unknown = picker.list.selected().is_some_and(|row| row.0.fill.is_none());
    if let Some(why) = tab.known.refused.as_ref().filter(|_| is_unknown) {
        lines.push(vec![Cell::muted(why)]);
    }
    lines
}
