//! Mappings: which objects and fields belong together, which way values go, who wins; as a draft beside what is deployed.

mod actions;
pub mod making;
pub mod objects;
mod page;
#[cfg(test)]
mod page_tests;
pub mod picker;
mod sample;
#[cfg(test)]
mod sample_tests;
#[cfg(test)]
pub mod tests;
mod tuning;
mod unusual;
pub mod values;
mod versions;

use std::sync::Arc;

use ratatui::layout::Rect;

use super::desk::Desk;
use super::draft::source::{Book, NotSaved};
use super::draft::trial_page::{TrialMessage, TrialPage};
use super::draft::versions::{Comparison, VersionSource};
use super::draft::{Draft, DraftMessage};
use super::steady;
use crate::mapping::{Direction, FieldKey, FieldMapping, Severity};
use crate::model::{FieldName, ObjectKind, PauseScope, Pauses, System};
use crate::store::Saved;
use crate::tui::action::{Action, Actor};
use crate::tui::ctx::Ctx;
use crate::tui::tab::{Handled, Input, Nav, Page, Picked, TabId, Target};
use crate::tui::widgets::paint::split_top;
use crate::tui::widgets::{Keyed, List, Paint};
use crate::tui::world::{SourceError, World};
use crate::view::cell::{clipped, spread, wrapped};
use crate::view::mapping_table::{self, Change, MappingRow};
use crate::view::versions::VersionRow;
use crate::view::{Cell, Line, Role, format, object_list};
use making::maker::FieldMaker;
use objects::adding::Step;
use objects::{Objects, Overview};
use page::ObjectPage;
use picker::{Known, Picker, Seen};
use sample::Chosen;
use tuning::Tune;
use values::editor::{self, Edit, Editor};
use values::{Measured, Meter};
use versions::Versions;

/// The tab.
pub struct Mappings {
    draft: Draft,
    objects: Objects,
    maker: Arc<dyn FieldMaker>,
    /// A property of HubSpot that was made, and the field of ConnectWise to map it to once the fields show it.
    made: Option<(FieldName, FieldName)>,
    /// Whether the fields of one object are open, in place of the list of objects.
    inside: bool,
    rows: List<Row>,
    meter: Meter,
    /// The value map of one field, in place of the mappings.
    editor: Option<Editor>,
    /// The page of the object, in place of the mappings.
    page: Option<ObjectPage>,
    /// What differs from the usual mappings, in place of them.
    unusual: Option<List<unusual::Row>>,
    /// The fields for a new mapping, in place of the mappings.
    picker: Option<Picker>,
    /// What is known of the values of fields.
    known: Known,
    /// The record whose values stand beside the mappings.
    chosen: Chosen,
    /// The list of versions, in place of the mappings.
    versions: Option<Versions>,
    /// The test of the draft, in place of both.
    trial: Option<TrialPage>,
    source: Arc<dyn VersionSource>,
    search: String,
    revision: Option<u64>,
}

/// One field mapping as it is listed.
struct Row {
    key: FieldKey,
    change: Change,
    cells: Vec<Cell>,
}

impl Keyed for Row {
    type Key = FieldKey;
    fn key(&self) -> FieldKey {
        self.key.clone()
    }
}

/// What comes back.
#[derive(Debug)]
pub enum Message {
    Draft(DraftMessage),
    Trial(TrialMessage),
    /// What was seen of the values of fields.
    Seen(Seen),
    Remove(FieldKey),
    Turn(ObjectKind),
    /// How far the value maps reach.
    Measured(Result<Option<Box<Measured>>, SourceError>),
    /// Values that belong together.
    Edit(Edit),
    Holders(Result<Picked, SourceError>),
    Versions(Result<Vec<VersionRow>, SourceError>),
    Compared(Result<Comparison, SourceError>),
    /// A person said yes to it.
    RollBack(Box<VersionRow>),
    RolledBack(String, Result<Saved, NotSaved>),
    /// How the records of each object stand.
    Overview(Result<Box<Overview>, SourceError>),
    /// A step on the way of a new property into HubSpot.
    Making(making::Step),
    /// A step on the way of another object into the draft.
    Adding(Step),
    RemoveObject(ObjectKind),
    /// What a person chose on the page of the object.
    Page(page::Edit),
    /// What a person chose of a field mapping.
    Tune(Tune),
    /// A person said yes to the usual mappings.
    RestoreAll,
    /// What is seen of the record whose values stand beside the mappings.
    Sample(sample::Step),
}

impl Actor for Mappings {
    type Message = Message;
}

type Context<'a> = Ctx<'a, Message>;

impl Mappings {
    #[must_use]
    pub fn new(desk: &Desk) -> Self {
        Self {
            draft: Draft::new(desk, ObjectKind::Company),
            objects: Objects::new(Arc::clone(&desk.records), Arc::clone(&desk.adder)),
            maker: Arc::clone(&desk.maker),
            made: None,
            inside: false,
            rows: List::default(),
            meter: Meter::new(Arc::clone(&desk.values)),
            editor: None,
            page: None,
            unusual: None,
            picker: None,
            known: Known::new(Arc::clone(&desk.fields)),
            chosen: Chosen::new(desk.last_opened.clone()),
            versions: None,
            trial: None,
            source: Arc::clone(&desk.versions),
            search: String::new(),
            revision: None,
        }
    }

    fn refresh(&mut self, ctx: &mut Context<'_>) {
        self.revision = Some(ctx.world.snapshot.revision);
        self.draft.load(ctx, Message::Draft);
        if let Some(versions) = &mut self.versions {
            versions.load(ctx);
        }
    }

    fn open_versions(&mut self, ctx: &mut Context<'_>) {
        let mut versions = Versions::new(Arc::clone(&self.source));
        versions.load(ctx);
        self.versions = Some(versions);
    }

    /// Tests the draft, or shows what the test of it found.
    fn test(&mut self, ctx: &mut Context<'_>) {
        match &mut self.trial {
            Some(trial) => trial.run(ctx, Message::Trial),
            None => self.trial = Some(TrialPage::open(self.draft.trials(), self.draft.edit(), ctx, Message::Trial)),
        }
    }

    fn turn_to(&mut self, object: ObjectKind, ctx: &mut Context<'_>) {
        self.draft.turn(object);
        (self.editor, self.page, self.unusual, self.picker) = (None, None, None, None);
        self.meter.forget();
        self.rows = List::default();
        self.list();
        self.refresh(ctx);
    }

    /// Lists the mappings anew.
    fn list(&mut self) {
        let Some(current) = self.draft.current() else { return self.rows.set(Vec::new()) };
        let schemas = self.draft.schemas();
        let needle = self.search.to_lowercase();
        let fits =
            |row: &MappingRow<'_>| needle.is_empty() || row.mapping.key().as_str().to_lowercase().contains(&needle);
        let rows = mapping_table::rows(current, self.draft.deployed());
        let listed = rows.iter().filter(|row| fits(row)).map(|row| Row {
            key: row.mapping.key(),
            change: row.change,
            cells: row.cells(schemas, self.meter.coverage(&row.mapping.key())),
        });
        let listed = listed.collect();
        self.rows.set(listed);
    }

    fn pause_scope(&self) -> PauseScope {
        PauseScope::new(Some(objects::meant(self)), None)
    }

    /// `  paused`, or to which system.
    fn paused(&self, pauses: &Pauses) -> Cell {
        let paused = object_list::paused(pauses, self.draft.object);
        Cell::new(paused.map_or_else(String::new, |paused| format!("  {paused}")), Role::Warn)
    }

    /// `draft 7 (deployed 6)   3 changes`.
    fn standing(&self) -> Line {
        let versions = self.draft.book().map_or_else(String::new, Book::versions);
        let changes = format::counted(self.draft.changes() as u64, "change", "changes");
        vec![Cell::plain(versions), Cell::plain("   "), Cell::new(changes, Role::Wait), Cell::plain(" ")]
    }

    fn head(&self, width: usize, world: &World) -> [Line; 2] {
        let way = self.draft.current().map_or(Direction::Both, |object| object.direction);
        let left = [
            Cell::plain(" "),
            Cell::strong(self.draft.object.plural()),
            Cell::plain("  "),
            Cell::new("HubSpot", Role::Left),
            Cell::plain(format!(" {} ", way.arrow())),
            Cell::new("ConnectWise", Role::Right),
            self.paused(&world.snapshot.pauses),
            Cell::muted("   Esc objects"),
        ];
        [spread(&left, &self.standing(), width), self.verdict(width, world)]
    }

    /// What is more urgent than the check: a deploy under way, and one that the engine can't use.
    fn news(&self, world: &World) -> Option<Line> {
        if let Some(step) = self.draft.deploying() {
            return Some(vec![Cell::new(" Deploying … ", Role::Wait), Cell::plain(step)]);
        }
        let (version, why) = world.snapshot.unused.as_ref()?;
        let what = format!(" The engine does not use version {version}: ");
        Some(vec![Cell::new(what, Role::Error), Cell::plain(why)])
    }

    /// What the check of the draft says, in one line.
    fn verdict(&self, width: usize, world: &World) -> Line {
        if let Some(line) = self.news(world) {
            return clipped(&line, width);
        }
        let count = |severity| self.draft.findings().iter().filter(|finding| finding.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let mut line = vec![Cell::plain(" ")];
        let elsewhere = self.draft.elsewhere().iter().find(|finding| finding.severity == Severity::Error);
        let findings = self.draft.findings();
        let worst = findings.iter().find(|finding| finding.severity == Severity::Error).or_else(|| findings.first());
        let Some(first) = worst else {
            if let Some(other) = elsewhere {
                let place = other.object.map_or_else(String::new, |object| format!("{}: ", object.plural()));
                line.push(Cell::new(place, Role::Error));
                line.push(Cell::plain(&other.message));
                return clipped(&line, width);
            }
            line.push(match self.draft.schemas() {
                Some(_) if !self.draft.is_judged() => Cell::muted("Being checked …"),
                Some(_) => Cell::new("The draft fits both systems.", Role::Ok),
                None => Cell::new("Not checked: the fields of both systems are not known yet.", Role::Warn),
            });
            return line;
        };
        let role = if errors > 0 { Role::Error } else { Role::Warn };
        let (errors, warnings) = (
            format::counted(errors as u64, "error", "errors"),
            format::counted(warnings as u64, "warning", "warnings"),
        );
        line.push(Cell::new(format!("{errors}, {warnings}: "), role));
        line.push(Cell::plain(&first.message));
        clipped(&line, width)
    }

    /// The mapping as the draft has it.
    fn mapping(&self, key: &FieldKey) -> Option<&FieldMapping> {
        self.draft.current()?.fields.iter().find(|field| field.key() == *key)
    }

    fn finding_lines(&self, key: &FieldKey, width: usize) -> Vec<Line> {
        let findings = self.draft.findings().iter().filter(|finding| finding.field.as_ref() == Some(key));
        findings
            .flat_map(|finding| {
                let role = if finding.severity == Severity::Error { Role::Error } else { Role::Warn };
                let message = wrapped(&finding.message, width).into_iter().map(move |text| vec![Cell::new(text, role)]);
                let hint = if finding.hint.is_empty() { Vec::new() } else { wrapped(&finding.hint, width) };
                message.chain(hint.into_iter().map(|text| vec![Cell::muted(text)]))
            })
            .collect()
    }

    /// An empty table says why it is empty and what comes next.
    fn teach(&self, area: Rect, paint: &mut Paint<'_>) {
        let (what, next, role) = match (&self.draft.error, self.draft.book()) {
            (Some(error), _) => (error.clone(), "It is read again with the next change.", Role::Error),
            (None, None) => ("Reading …".to_owned(), "", Role::Muted),
            (None, Some(_)) if !self.search.is_empty() => {
                (format!("No mapping contains “{}”.", self.search), "Esc ends the search.", Role::Text)
            }
            (None, Some(book)) if book.current().is_none() => {
                ("There is no configuration yet.".to_owned(), "n proposes mappings as a draft.", Role::Text)
            }
            (None, Some(_)) if !self.inside => ("No objects are mapped.".to_owned(), "a adds one.", Role::Text),
            (None, Some(_)) => ("No fields are mapped.".to_owned(), "a adds a pair of fields.", Role::Text),
        };
        let inside = Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(4), ..area };
        let (_, inside) = split_top(inside, 1);
        let taken = paint.wrapped(inside, &what, role);
        paint.line_at(inside, taken, &[Cell::muted(next)]);
    }
}

impl Page for Mappings {
    const ID: TabId = TabId::Mappings;
    const ACTIONS: &'static [Action<Self>] = actions::ACTIONS;

    fn receive(&mut self, message: Message, ctx: &mut Context<'_>) {
        match message {
            Message::Draft(DraftMessage::TestFirst) => self.test(ctx),
            Message::Draft(message) => {
                if self.draft.receive(message, ctx, Message::Draft) {
                    self.list();
                    objects::list(self);
                    page::list(self);
                    unusual::list(self);
                    picker::follow(self, ctx);
                    if objects::is_shown(self) {
                        self.objects.look(&self.draft, ctx);
                    } else {
                        sample::look(self, ctx);
                    }
                    editor::list(self);
                    self.meter.look(&self.draft, ctx, Message::Measured);
                    making::go_on(self, ctx);
                }
            }
            Message::Measured(measured) => {
                if self.meter.receive(measured, &self.draft, ctx, Message::Measured) {
                    self.list();
                    editor::list(self);
                }
            }
            Message::Trial(message) => {
                if let Some(trial) = &mut self.trial {
                    trial.receive(message, ctx, Message::Trial);
                }
            }
            Message::Overview(overview) => self.objects.receive(overview, &self.draft, ctx),
            Message::Making(step) => making::receive(self, step, ctx),
            Message::Adding(step) => objects::adding::receive(self, step, ctx),
            message => actions::receive(self, message, ctx),
        }
    }

    fn shown(&mut self, ctx: &mut Context<'_>) {
        self.refresh(ctx);
    }

    fn world_changed(&mut self, ctx: &mut Context<'_>) {
        if self.revision != Some(ctx.world.snapshot.revision) {
            self.refresh(ctx);
        } else if self.meter.is_behind(ctx.world.snapshot.revision, ctx.world.now) {
            self.meter.look(&self.draft, ctx, Message::Measured);
        }
    }

    fn navigate(&mut self, step: Nav, _ctx: &mut Context<'_>) {
        if let Some(trial) = &mut self.trial {
            return trial.navigate(step);
        }
        if let Some(versions) = &mut self.versions {
            // all rows are there: there is no page to fetch
            let _ = versions.list.navigate(step);
            return;
        }
        if let Some(editor) = &mut self.editor {
            let _ = editor.list.navigate(step);
            return;
        }
        if !self.inside {
            let _ = self.objects.list.navigate(step);
            return;
        }
        if let Some(page) = &mut self.page {
            let _ = page.list.navigate(step);
            return;
        }
        if let Some(unusual) = &mut self.unusual {
            let _ = unusual.navigate(step);
            return;
        }
        drop(self.rows.navigate(step));
    }

    fn editing(&self) -> bool {
        picker::is_shown(self)
    }

    fn edit(&mut self, input: &Input, ctx: &mut Context<'_>) -> Handled {
        picker::edit(self, input, ctx)
    }

    fn query(&self) -> Option<&str> {
        // the search would change a list that is not on the screen
        let over = self.page.is_some() || self.unusual.is_some() || self.picker.is_some();
        if self.versions.is_some() || self.trial.is_some() || !self.inside || over {
            return None;
        }
        Some(self.editor.as_ref().map_or(self.search.as_str(), |editor| &editor.search))
    }

    fn search(&mut self, query: &str, _ctx: &mut Context<'_>) {
        if let Some(editor) = &mut self.editor {
            query.clone_into(&mut editor.search);
            return editor::list(self);
        }
        query.clone_into(&mut self.search);
        self.list();
    }

    fn show(&mut self, target: Target, ctx: &mut Context<'_>) {
        match target {
            Target::Object(object) => {
                (self.versions, self.trial, self.inside) = (None, None, true);
                self.turn_to(object, ctx);
            }
            Target::Versions => {
                self.trial = None;
                self.open_versions(ctx);
            }
            _ => {}
        }
    }

    fn back(&mut self, ctx: &mut Context<'_>) -> Handled {
        if self.trial.take().is_some() || self.versions.take().is_some() {
            return Handled::Yes;
        }
        if self.editor.as_ref().is_some_and(|editor| !editor.search.is_empty()) {
            self.search("", ctx);
            return Handled::Yes;
        }
        if self.editor.take().is_some() || self.page.take().is_some() || self.unusual.take().is_some() {
            return Handled::Yes;
        }
        if !self.inside {
            return if self.objects.adding.take().is_some() { Handled::Yes } else { Handled::No };
        }
        if self.search.is_empty() {
            self.inside = false;
            self.objects.list.select(self.draft.object);
            objects::list(self);
            self.objects.look(&self.draft, ctx);
            return Handled::Yes;
        }
        self.search("", ctx);
        Handled::Yes
    }

    fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        if let Some(trial) = &self.trial {
            return trial.draw(self.draft.edit(), area, paint);
        }
        if let Some(versions) = &self.versions {
            return versions.draw(area, paint);
        }
        if self.editor.is_some() {
            return editor::draw(self, area, paint);
        }
        if !self.inside {
            return objects::draw(self, area, paint);
        }
        if self.page.is_some() {
            return page::draw(self, area, paint);
        }
        if self.unusual.is_some() {
            return unusual::draw(self, area, paint);
        }
        if self.picker.is_some() {
            return picker::draw(self, area, paint);
        }
        let (head, rest) = split_top(area, 3);
        for (row, line) in (0..).zip(self.head(usize::from(area.width), paint.world)) {
            paint.line_at(head, row, &line);
        }
        paint.rule(split_top(split_top(head, 2).1, 1).0);
        if self.rows.is_empty() {
            return self.teach(rest, paint);
        }
        let Some(sample) = &self.chosen.sample else {
            return self.rows.draw(rest, paint, &mapping_table::COLUMNS, 1, |row, _| row.cells.clone());
        };
        self.rows.draw(rest, paint, &mapping_table::SAMPLED, 1, |row, _| {
            let mapping = self.mapping(&row.key);
            let more = mapping.map_or_else(Vec::new, |mapping| sample.cells(mapping, self.draft.schemas()));
            mapping_table::sampled(row.cells.clone(), more)
        });
    }

    fn detail(&self, width: usize, world: &World) -> Vec<Line> {
        if let Some(trial) = &self.trial {
            return steady(trial.detail(width), LINES_OF_FIELD);
        }
        if let Some(versions) = &self.versions {
            return steady(versions.detail(width), LINES_OF_FIELD);
        }
        if self.editor.is_some() {
            return steady(editor::detail(self, width), LINES_OF_FIELD);
        }
        if !self.inside {
            return steady(objects::detail(self, width, world), LINES_OF_FIELD);
        }
        if self.page.is_some() {
            return steady(page::detail(self, width), LINES_OF_FIELD);
        }
        if self.unusual.is_some() {
            return steady(unusual::detail(self, width), LINES_OF_FIELD);
        }
        if self.picker.is_some() {
            return steady(picker::detail(self, width), LINES_OF_FIELD);
        }
        let (Some(key), Some(current)) = (self.rows.selected_key(), self.draft.current()) else { return Vec::new() };
        let rows = mapping_table::rows(current, self.draft.deployed());
        let Some(row) = rows.iter().find(|row| row.mapping.key() == *key) else { return Vec::new() };
        let mut lines = row.detail(self.draft.schemas(), self.meter.coverage(key), width);
        if let Some(error) = self.meter.error.as_ref().filter(|_| row.mapping.values.is_some()) {
            lines.push(vec![Cell::new(format!("The values could not be read: {error}"), Role::Error)]);
        }
        lines.extend(self.finding_lines(key, width));
        if let (Some(sample), Some(mapping)) = (&self.chosen.sample, self.mapping(key)) {
            for (place, line) in (1..).zip(sample.lines(mapping, self.draft.schemas(), width)) {
                lines.insert(place, line);
            }
        }
        steady(lines, LINES_OF_FIELD)
    }
}

/// What most fields need to say how they are mapped.
const LINES_OF_FIELD: usize = 3;
/// The system whose fields are chosen first.
const FIRST: System = System::HubSpot;
