//! The object mappings: where the tab begins. Which there are, how their records stand, what is wrong with them.

pub mod adder;
pub mod adding;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::layout::Rect;

use super::{Context, Mappings, Message};
use crate::engine::core::state::RecordState;
use crate::mapping::{Finding, ObjectMapping, Severity};
use crate::model::{BySystem, ObjectKind};
use crate::tui::action::{Enabled, Reason};
use crate::tui::overlay::Confirm;
use crate::tui::tab::{TabId, Target};
use crate::tui::tabs::Reading;
use crate::tui::tabs::draft::source::Book;
use crate::tui::tabs::draft::{Draft, deploy};
use crate::tui::tabs::records::source::{RecordSource, Wanted};
use crate::tui::widgets::paint::{row_of, split_top};
use crate::tui::widgets::{Keyed, List, Paint};
use crate::tui::world::{SourceError, World};
use crate::view::cell::{clipped, spread};
use crate::view::mapping_table::Change;
use crate::view::object_list::{COLUMNS, ObjectLine, changes};
use crate::view::objects::Objects as Known;
use crate::view::{Cell, Line, Role, format};
use adder::Adder;
use adding::Adding;

/// The list, and an object on its way into it.
pub struct Objects {
    pub list: List<Row>,
    pub adding: Option<Adding>,
    adder: Arc<dyn Adder>,
    records: Arc<dyn RecordSource>,
    overview: Option<Box<Overview>>,
    reading: Reading,
    /// Why the records could not be counted.
    error: Option<String>,
    turn: u64,
}

/// An object with how it stands to what is deployed.
pub struct Row {
    object: ObjectKind,
    change: Change,
}

impl Keyed for Row {
    type Key = ObjectKind;
    fn key(&self) -> ObjectKind {
        self.object
    }
}

/// How the records of each object stand, and what may be done with them.
#[derive(Debug)]
pub struct Overview {
    counts: BTreeMap<ObjectKind, Vec<(RecordState, u64)>>,
    known: Known,
}

impl Objects {
    #[must_use]
    pub fn new(records: Arc<dyn RecordSource>, adder: Arc<dyn Adder>) -> Self {
        Self {
            list: List::default(),
            adding: None,
            adder,
            records,
            overview: None,
            reading: Reading::No,
            error: None,
            turn: 0,
        }
    }

    #[must_use]
    pub fn records(&self) -> Arc<dyn RecordSource> {
        Arc::clone(&self.records)
    }

    /// Counts the records again.
    pub fn look(&mut self, draft: &Draft, ctx: &mut Context<'_>) {
        let Some(book) = draft.book() else { return };
        if !self.reading.begins() {
            return;
        }
        let mapped: Vec<ObjectKind> = pairs(book).into_iter().map(|(_, mapping, _)| mapping.object).collect();
        let (records, source) = (Arc::clone(&self.records), Arc::clone(&ctx.world.source));
        let read = move || -> Result<Box<Overview>, SourceError> {
            let count = |object| Ok((object, records.totals(&Wanted::all(object))?.states));
            let counts = mapped.into_iter().map(count).collect::<Result<_, SourceError>>()?;
            Ok(Box::new(Overview { counts, known: source.objects()? }))
        };
        ctx.fetch(move || Message::Overview(read()), |why| Message::Overview(Err(SourceError(why))));
    }

    pub fn receive(&mut self, overview: Result<Box<Overview>, SourceError>, draft: &Draft, ctx: &mut Context<'_>) {
        match overview {
            Ok(overview) => (self.overview, self.error) = (Some(overview), None),
            Err(error) => self.error = Some(error.0),
        }
        if self.reading.ends() {
            self.look(draft, ctx);
        }
    }
}

fn pairs(book: &Book) -> Vec<(Change, &ObjectMapping, Option<&ObjectMapping>)> {
    let draft = book.current().map_or(&[][..], |config| &config.objects);
    let deployed = book.deployed.as_ref().map_or(&[][..], |version| &version.config.objects);
    changes(draft, deployed)
}

/// Whether the list is what the person sees.
#[must_use]
pub const fn is_shown(tab: &Mappings) -> bool {
    !tab.inside && tab.trial.is_none() && tab.versions.is_none()
}

/// # Errors
/// Where something else is on the screen.
pub fn is_listed(tab: &Mappings) -> Enabled {
    if is_shown(tab) { Ok(()) } else { Err(Reason::new("Go back to the objects first, with Esc.")) }
}

/// # Errors
/// Where there is nothing to open.
pub fn can_open(tab: &Mappings) -> Enabled {
    is_listed(tab)?;
    match tab.objects.list.selected() {
        None if tab.draft.book().is_none() => Err(Reason::new("The objects are not read yet.")),
        None => Err(Reason::new("There is no object to open.")),
        Some(row) if row.change == Change::Removed => {
            Err(Reason::new("This object is removed in the draft; u brings it back."))
        }
        Some(_) => Ok(()),
    }
}

/// # Errors
/// Where the object can't be taken out of the draft.
pub fn can_remove(tab: &Mappings) -> Enabled {
    can_open(tab)?;
    deploy::not_deploying(&tab.draft)
}

/// # Errors
/// Where the object is as deployed.
pub fn can_undo(tab: &Mappings) -> Enabled {
    is_listed(tab)?;
    deploy::not_deploying(&tab.draft)?;
    match tab.objects.list.selected() {
        Some(row) if row.change != Change::Same => Ok(()),
        _ => Err(Reason::new("This object is as deployed already.")),
    }
}

/// # Errors
/// Where no record of it is known.
pub fn has_records(tab: &Mappings) -> Enabled {
    can_open(tab)?;
    let selected = tab.objects.list.selected_key();
    let counts = selected.and_then(|object| tab.objects.overview.as_ref()?.counts.get(object));
    if counts.is_some_and(|counts| counts.iter().any(|(_, count)| *count > 0)) {
        return Ok(());
    }
    Err(Reason::new("No record of it was decided on yet."))
}

/// The object that is meant: the one under the cursor, or the one that is open.
#[must_use]
pub fn meant(tab: &Mappings) -> ObjectKind {
    let listed = tab.objects.list.selected_key().copied().filter(|_| is_shown(tab));
    listed.unwrap_or(tab.draft.object)
}

/// Lists the objects anew.
pub fn list(tab: &mut Mappings) {
    let rows = tab.draft.book().map_or_else(Vec::new, |book| {
        pairs(book).into_iter().map(|(change, mapping, _)| Row { object: mapping.object, change }).collect()
    });
    tab.objects.list.set(rows);
}

/// Opens the fields of the object under the cursor.
pub fn open(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(object) = tab.objects.list.selected_key().copied() else { return };
    tab.inside = true;
    tab.turn_to(object, ctx);
}

pub fn open_records(tab: &mut Mappings, ctx: &mut Context<'_>) {
    if let Some(object) = tab.objects.list.selected_key().copied() {
        ctx.goto(TabId::Records, Some(Target::Object(object)));
    }
}

pub fn ask_remove(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(object) = tab.objects.list.selected_key().copied() else { return };
    let lines = vec![
        vec![Cell::strong(format!("{} and all their field mappings leave the draft.", object.plural()))],
        vec![Cell::plain("Once it is deployed, nothing of them is read or written. Their links are kept.")],
    ];
    ctx.confirm(Confirm::new("Remove from the draft", lines, "remove"), Message::RemoveObject(object));
}

/// The person said yes.
pub fn remove(tab: &mut Mappings, object: ObjectKind, ctx: &mut Context<'_>) {
    change(tab, ctx, |objects, _| objects.retain(|mapping| mapping.object != object));
}

/// Makes the object under the cursor what is deployed again.
pub fn undo(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(object) = tab.objects.list.selected_key().copied() else { return };
    change(tab, ctx, |objects, deployed| {
        objects.retain(|mapping| mapping.object != object);
        objects.extend(deployed.iter().find(|mapping| mapping.object == object).cloned());
        objects.sort_by_key(|mapping| mapping.object);
    });
}

fn change(tab: &mut Mappings, ctx: &mut Context<'_>, alter: impl FnOnce(&mut Vec<ObjectMapping>, &[ObjectMapping])) {
    let Some(book) = tab.draft.book() else { return };
    let Some(mut config) = book.current().cloned() else { return };
    let deployed = book.deployed.as_ref().map_or(&[][..], |version| &version.config.objects);
    alter(&mut config.objects, deployed);
    tab.draft.replace(config, ctx, Message::Draft);
    list(tab);
}

/// The row of an object as it is drawn.
fn line<'a>(tab: &'a Mappings, row: &Row, world: &World) -> Option<ObjectLine<'a>> {
    let (book, object, change) = (tab.draft.book()?, row.object, row.change);
    let deployed = book.deployed.as_ref().and_then(|version| version.config.object(object));
    let mapping = book.current().and_then(|config| config.object(object)).or(deployed)?;
    let overview = tab.objects.overview.as_ref();
    let rights = BySystem::from_fn(|system| {
        let is_paused = world.snapshot.pauses.stops(object, system).is_some();
        overview.map_or_else(Cell::empty, |overview| overview.known.rights(object, system, is_paused))
    });
    let is_checked = tab.draft.is_judged() && book.all_schemas().any(|pair| pair.hubspot.object == object);
    let counts = overview.and_then(|overview| overview.counts.get(&object)).map(Vec::as_slice);
    let findings = is_checked.then(|| findings(&tab.draft).filter(|one| one.object == Some(object)).collect());
    Some(ObjectLine { change, mapping, deployed, counts, findings, rights })
}

/// Everything that the check of the draft says, about this object and all others.
fn findings(draft: &Draft) -> impl Iterator<Item = &Finding> {
    draft.findings().iter().chain(draft.elsewhere())
}

/// What the check says of the whole draft, in one line.
fn verdict(tab: &Mappings, width: usize, world: &World) -> Line {
    if let Some(line) = adding::waits(tab.objects.adding.as_ref()).or_else(|| tab.news(world)) {
        return clipped(&line, width);
    }
    if let Some(error) = &tab.objects.error {
        return clipped(&[Cell::new(format!(" The records could not be counted: {error}"), Role::Error)], width);
    }
    let count = |severity| findings(&tab.draft).filter(|finding| finding.severity == severity).count() as u64;
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let worst = findings(&tab.draft).min_by_key(|finding| finding.severity);
    let line = match worst {
        Some(first) => {
            let role = if errors > 0 { Role::Error } else { Role::Warn };
            let errors = (errors > 0).then(|| format::counted(errors, "error", "errors"));
            let warnings = (warnings > 0).then(|| format::counted(warnings, "warning", "warnings"));
            let count = errors.into_iter().chain(warnings).collect::<Vec<_>>().join(", ");
            let place = first.object.map_or_else(String::new, |object| format!("{}: ", object.plural()));
            vec![Cell::new(format!(" {count}: "), role), Cell::plain(place), Cell::plain(&first.message)]
        }
        None if tab.draft.book().and_then(Book::current).is_none() => Line::new(),
        None if !tab.draft.is_judged() => vec![Cell::muted(" Being checked …")],
        None => match tab.draft.unchecked() {
            Some(object) => {
                let objects = object.plural().to_lowercase();
                vec![Cell::new(format!(" Not checked: the fields of {objects} are not known yet."), Role::Warn)]
            }
            None => vec![Cell::new(" The draft fits both systems.", Role::Ok)],
        },
    };
    clipped(&line, width)
}

pub fn draw(tab: &Mappings, area: Rect, paint: &mut Paint<'_>) {
    let (head, rest) = split_top(area, 3);
    let width = usize::from(area.width);
    let left = [Cell::plain(" "), Cell::strong("Objects"), Cell::muted("   Enter fields")];
    paint.line_at(head, 0, &spread(&left, &tab.standing(), width));
    paint.line_at(head, 1, &verdict(tab, width, paint.world));
    paint.rule(row_of(head, 2));
    if tab.objects.list.is_empty() {
        return tab.teach(rest, paint);
    }
    tab.objects.list.draw(rest, paint, &COLUMNS, 1, |row, paint| {
        line(tab, row, paint.world).map_or_else(Vec::new, |line| line.cells(&paint.world.snapshot.pauses))
    });
}

pub fn detail(tab: &Mappings, width: usize, world: &World) -> Vec<Line> {
    let selected = tab.objects.list.selected().and_then(|row| line(tab, row, world));
    selected.map_or_else(Vec::new, |line| line.detail(&world.snapshot.pauses, width))
}
