//! Filters: which records cross in each direction; written as text, checked and counted while it is typed.

mod actions;
mod draw;
pub mod editor;
mod proposals;
mod record;
pub mod source;
pub mod stored;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::Date;
use ratatui::layout::Rect;

use super::desk::{Desk, LastOpened};
use super::draft::trial_page::{TrialMessage, TrialPage};
use super::draft::{Draft, DraftMessage};
use super::records::source::RecordSource;
use super::steady;
use crate::engine::core::state::Status;
use crate::filter::count::{Criteria, Question, Which};
use crate::filter::standard::{self, Gone};
use crate::filter::{self, Askable, Filter, FilterError};
use crate::mapping::ObjectMapping;
use crate::model::{ConfigVersion, FieldName, ObjectKind, RecordRef, System};
use crate::tui::action::{Action, Actor};
use crate::tui::ctx::Ctx;
use crate::tui::report::Report;
use crate::tui::tab::{Handled, Input, Nav, Page, Picked, TabId, Target};
use crate::tui::widgets::{Keyed, List, Paint};
use crate::tui::world::{SourceError, World};
use crate::view::Line;
use crate::view::filter_panel::{self, CountRow, Counting, Numbers, RowKey, State};
use editor::Editor;
use proposals::Proposals;
use record::Tried;
use source::{Counted, FilterSource, Job, Seen};

/// The tab.
pub struct Filters {
    draft: Draft,
    source: Arc<dyn FilterSource>,
    records: Arc<dyn RecordSource>,
    last_opened: LastOpened,
    /// The direction on the screen, by the system written to.
    to: System,
    editor: Editor,
    is_editing: bool,
    /// What could come next, while the list of it is open.
    proposals: Option<Proposals>,
    check: Check,
    counting: Counting,
    /// The numbers as they are listed.
    rows: List<CountRow>,
    /// What is being counted; none while the text is not a filter.
    question: Option<Question>,
    /// What the deployed version lets through in this direction; none where it does not map the object.
    deployed: Option<Arc<Criteria>>,
    /// Grows with every text to count: who counts for an older one stops.
    turn: Arc<AtomicU64>,
    /// The test of the draft, in place of the filter.
    trial: Option<TrialPage>,
    /// The record that the text is tried on.
    tried: Option<Tried>,
    revision: Option<u64>,
    /// The day that the filter goes by, in UTC.
    today: Date,
}

/// What the text is.
enum Check {
    /// Nothing to check against: the fields are not known.
    Unknown,
    Wrong(Vec<FilterError>),
    /// None: everything passes.
    Right(Option<Filter>),
}

/// What comes back.
#[derive(Debug)]
pub enum Message {
    Draft(DraftMessage),
    Trial(TrialMessage),
    Counted(u64, Result<Option<Counted>, SourceError>),
    /// The records that a number counts are to be listed.
    Open(Which),
    Found(Result<Picked, SourceError>),
    /// The filter is to be tried on a record with that in its name, or with that id.
    Try(String),
    Candidates(Result<Vec<Status>, SourceError>),
    Choose(Option<RecordRef>),
    Seen(Result<Option<Box<Seen>>, SourceError>),
    /// The text that the person saved in their own editor.
    Text(String),
    Turn(ObjectKind),
}

impl Actor for Filters {
    type Message = Message;
}

type Context<'a> = Ctx<'a, Message>;

impl Keyed for CountRow {
    type Key = RowKey;
    fn key(&self) -> RowKey {
        self.key
    }
}

impl Filters {
    #[must_use]
    pub fn new(desk: &Desk) -> Self {
        Self {
            draft: Draft::new(desk, ObjectKind::Company),
            source: Arc::clone(&desk.filters),
            records: Arc::clone(&desk.records),
            last_opened: desk.last_opened.clone(),
            to: System::ConnectWise,
            editor: Editor::new(""),
            is_editing: false,
            proposals: None,
            check: Check::Unknown,
            counting: Counting::Impossible,
            rows: List::default(),
            question: None,
            deployed: None,
            turn: Arc::new(AtomicU64::new(0)),
            trial: None,
            tried: None,
            revision: None,
            today: Date::MIN,
        }
    }

    fn refresh(&mut self, ctx: &mut Context<'_>) {
        self.revision = Some(ctx.world.snapshot.revision);
        self.today = filter::day_of(ctx.world.now);
        if let Some(tried) = &self.tried {
            self.fetch_record(tried.of(), ctx);
        }
        self.draft.load(ctx, Message::Draft);
    }

    /// Tests the draft, or shows what the test of it found.
    fn test(&mut self, ctx: &mut Context<'_>) {
        match &mut self.trial {
            Some(trial) => trial.run(ctx, Message::Trial),
            None => self.trial = Some(TrialPage::open(self.draft.trials(), self.draft.edit(), ctx, Message::Trial)),
        }
    }

    /// The text of this direction in the draft.
    fn kept(&self) -> &str {
        self.draft.current().map_or("", |object| object.filters.toward(self.to))
    }

    fn is_changed(&self) -> bool {
        self.editor.text() != self.kept()
    }

    /// Puts the text of the draft into the editor.
    fn take_over(&mut self, ctx: &mut Context<'_>) {
        self.editor = Editor::new(self.kept());
        self.compare();
        self.look(true, ctx);
    }

    /// Checks the text and has it counted; `fresh`: by the records as they are now, not as they were a moment ago.
    fn look(&mut self, fresh: bool, ctx: &mut Context<'_>) {
        self.check = self.checked(&self.editor.text());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) + 1;
        let (Check::Right(filter), Some(mapping)) = (&self.check, self.draft.current()) else {
            self.forget();
            return;
        };
        let criteria = Arc::new(self.criteria(mapping, filter.clone()));
        let question = Question { criteria, deployed: self.deployed.clone() };
        match &mut self.counting {
            Counting::Known(numbers) => numbers.state = State::Before,
            counting => *counting = Counting::Begun,
        }
        let job = Job::new(self.draft.object, self.to.other(), question.clone(), fresh);
        self.question = Some(question);
        self.judge_record();
        self.count(turn, job, ctx);
    }

    /// There are no numbers, and none are to come.
    fn forget(&mut self) {
        self.counting = Counting::Impossible;
        self.question = None;
        self.rows.set(Vec::new());
    }

    /// What decides about the records of this direction, with that filter.
    fn criteria(&self, mapping: &ObjectMapping, filter: Option<Filter>) -> Criteria {
        let standard = standard::all(mapping, self.to.other(), &self.gone(mapping));
        Criteria::new(standard, filter, self.today, &|field| self.unread(field))
    }

    /// The fields that the mapping names and that are not there any more.
    fn gone(&self, mapping: &ObjectMapping) -> Gone {
        let Some(schemas) = self.draft.schemas() else { return Gone::new() };
        let from = self.to.other();
        let fields = mapping.fields.iter().map(|field| field.field(from));
        let named = fields.chain(mapping.matching.iter().map(|rule| rule.field(from)));
        named.filter(|field| schemas[from].lacks(field.as_str())).cloned().collect()
    }

    /// The fields that the filter of this direction may ask for.
    fn fields(&self) -> Option<Askable<'_>> {
        let (mapping, schemas) = (self.draft.current()?, self.draft.schemas()?);
        let book = self.draft.book()?;
        let is_mapped = book.objects().contains(&ObjectKind::Company);
        let company = book.all_schemas().find(|pair| is_mapped && pair.hubspot.object == ObjectKind::Company);
        let from = self.to.other();
        Some(Askable::of(mapping, from, &schemas[from], company.map(|pair| &pair[from])))
    }

    /// Why a field is not in the cache; none where it is. It is not empty for that.
    fn unread(&self, field: &FieldName) -> Option<String> {
        if filter::of_company(field.as_str()).is_some() {
            return Some(format!("`{field}` is not counted here: T tests the draft with the companies as they are."));
        }
        let watched = &self.draft.book()?.watched[self.to.other()];
        let text = || format!("`{field}` is not read yet: nothing that is deployed names it.");
        (!watched.contains(field)).then(text)
    }

    /// Notes what the deployed version lets through.
    fn compare(&mut self) {
        self.deployed = self.draft.deployed().zip(self.fields()).and_then(|(mapping, fields)| {
            let text = mapping.filters.toward(self.to);
            let expr = filter::parse(text).ok()?;
            let filter = filter::bind_as_far_as_it_fits(&expr, fields);
            Some(Arc::new(self.criteria(mapping, Some(filter))))
        });
    }

    fn deployed_version(&self) -> Option<ConfigVersion> {
        self.draft.book()?.deployed.as_ref().map(|deployed| deployed.version)
    }

    fn checked(&self, text: &str) -> Check {
        let Some(fields) = self.fields() else { return Check::Unknown };
        if text.trim().is_empty() {
            return Check::Right(None);
        }
        match filter::parse(text).map_err(|error| vec![error]) {
            Ok(expr) => match filter::bind(&expr, fields) {
                Ok(filter) => Check::Right(Some(filter)),
                Err(errors) => Check::Wrong(errors),
            },
            Err(errors) => Check::Wrong(errors),
        }
    }

    /// Counts a while beside the UI; stops as soon as a newer text is there.
    fn count(&self, turn: u64, job: Job, ctx: &mut Context<'_>) {
        let (source, newest) = (Arc::clone(&self.source), Arc::clone(&self.turn));
        ctx.fetch(
            move || {
                let wanted = || newest.load(Ordering::Relaxed) == turn;
                Message::Counted(turn, source.count(job, &wanted))
            },
            move |why| Message::Counted(turn, Err(SourceError(why))),
        );
    }

    fn take_counts(&mut self, turn: u64, counted: Result<Option<Counted>, SourceError>, ctx: &mut Context<'_>) {
        if turn != self.turn.load(Ordering::Relaxed) {
            return;
        }
        let (Some(question), counted) = (&self.question, counted) else { return };
        let counted = match counted {
            Ok(Some(counted)) => counted,
            Ok(None) => return,
            Err(error) => {
                self.counting = Counting::Failed(error.0);
                return self.rows.set(Vec::new());
            }
        };
        let state = if counted.rest.is_some() { State::SoFar { of: counted.of } } else { State::Whole };
        let numbers = Numbers { criteria: Arc::clone(&question.criteria), tally: counted.tally, state };
        self.list(&numbers);
        self.counting = Counting::Known(numbers);
        match counted.rest {
            Some(job) => self.count(turn, job, ctx),
            // records changed since they were read
            None if self.revision.is_some_and(|told| told > counted.revision) => self.look(true, ctx),
            None => {}
        }
    }

    fn list(&mut self, numbers: &Numbers) {
        self.rows.set(numbers.rows(self.deployed.as_ref().and(self.deployed_version())));
    }

    /// Moves in the numbers; a row that opens nothing is stepped over.
    fn step(&mut self, step: Nav) {
        // all rows are there: there is no page to fetch
        let _ = self.rows.navigate(step);
        let is_divider = |rows: &List<CountRow>| !matches!(rows.selected_key(), None | Some(RowKey::Records(_)));
        if is_divider(&self.rows) {
            let on = if matches!(step, Nav::Up | Nav::PageUp) { Nav::Up } else { Nav::Down };
            let _ = self.rows.navigate(on);
        }
        if is_divider(&self.rows) {
            let _ = self.rows.navigate(Nav::Up);
        }
    }

    fn selected(&self) -> Option<Which> {
        if self.open_record().is_some() {
            return None;
        }
        match self.rows.selected_key() {
            Some(RowKey::Records(which)) => Some(*which),
            _ => None,
        }
    }

    fn number(&self, which: Which) -> u64 {
        match &self.counting {
            Counting::Known(numbers) => numbers.tally.of(which),
            _ => 0,
        }
    }

    /// Lists the records that a number counts.
    fn open(&self, which: Which, ctx: &mut Context<'_>) {
        let Some(question) = self.question.clone() else { return };
        let title = filter_panel::title(which, &question.criteria, self.draft.object);
        let job = Job::new(self.draft.object, self.to.other(), question, false);
        let source = Arc::clone(&self.source);
        ctx.fetch(move || Message::Found(source.which(job, which, title)), |why| Message::Found(Err(SourceError(why))));
    }

    fn turn_to(&mut self, to: System, ctx: &mut Context<'_>) {
        if self.to == to {
            return;
        }
        if self.is_changed() {
            return ctx.say(NOT_KEPT);
        }
        self.to = to;
        self.tried = None;
        self.forget();
        self.take_over(ctx);
    }

    fn turn_object(&mut self, object: ObjectKind, ctx: &mut Context<'_>) {
        if self.draft.object == object {
            return;
        }
        if self.is_changed() {
            return ctx.say(NOT_KEPT);
        }
        self.draft.turn(object);
        self.tried = None;
        self.editor = Editor::new(if self.draft.book().is_some() { self.kept() } else { "" });
        self.check = Check::Unknown;
        self.deployed = None;
        self.forget();
        // numbers on their way are of the other object
        self.turn.fetch_add(1, Ordering::Relaxed);
        self.refresh(ctx);
    }

    fn save(&mut self, ctx: &mut Context<'_>) {
        let (text, to) = (self.editor.text(), self.to);
        self.draft.change(ctx, Message::Draft, |object: &mut ObjectMapping| match to {
            System::ConnectWise => object.filters.to_connectwise = text,
            System::HubSpot => object.filters.to_hubspot = text,
        });
        self.stop_writing();
        ctx.say("Saved into the draft. T tests it, D deploys it.");
    }

    fn stop_writing(&mut self) {
        self.is_editing = false;
        self.proposals = None;
    }

    /// Where the first mistake begins, in bytes of the text.
    fn mistake(&self) -> Option<usize> {
        let Check::Wrong(errors) = &self.check else { return None };
        errors.iter().map(|error| error.span.start).min()
    }

    /// Whether what is deployed does not fit the fields any more.
    fn is_deployed_unfit(&self) -> bool {
        let deployed = self.draft.deployed().map(|object| object.filters.toward(self.to));
        deployed.is_some_and(|text| matches!(self.checked(text), Check::Wrong(_)))
    }
}

impl Page for Filters {
    const ID: TabId = TabId::Filters;
    const ACTIONS: &'static [Action<Self>] = actions::ACTIONS;

    fn receive(&mut self, message: Message, ctx: &mut Context<'_>) {
        match message {
            Message::Draft(DraftMessage::TestFirst) => self.test(ctx),
            Message::Draft(message) => {
                let is_step = matches!(message, DraftMessage::Step);
                let keeps_text = self.is_editing || (self.draft.book().is_some() && self.is_changed());
                if self.draft.receive(message, ctx, Message::Draft) && !is_step {
                    if keeps_text {
                        self.compare();
                        self.look(true, ctx);
                    } else {
                        self.take_over(ctx);
                    }
                }
            }
            Message::Trial(message) => {
                if let Some(trial) = &mut self.trial {
                    trial.receive(message, ctx, Message::Trial);
                }
            }
            Message::Counted(turn, counted) => self.take_counts(turn, counted, ctx),
            Message::Open(which) => self.open(which, ctx),
            Message::Found(Ok(picked)) => {
                ctx.goto(TabId::Records, Some(Target::These(Arc::new(picked), TabId::Filters)))
            }
            Message::Found(Err(error)) => {
                let report = Report::new("The records could not be read.", "Open the number again.");
                ctx.report(report.because(error.0));
            }
            Message::Try(text) => self.try_on(&text, ctx),
            Message::Candidates(found) => self.choose_record(found, ctx),
            Message::Choose(record) => {
                if let Some(record) = record {
                    self.fetch_record(record, ctx);
                }
            }
            Message::Seen(seen) => self.take_record(seen, ctx),
            Message::Turn(object) => self.turn_object(object, ctx),
            Message::Text(text) => {
                self.editor = Editor::new(&text);
                self.look(false, ctx);
            }
        }
    }

    fn shown(&mut self, ctx: &mut Context<'_>) {
        self.refresh(ctx);
    }

    fn world_changed(&mut self, ctx: &mut Context<'_>) {
        let day_turned = self.today != filter::day_of(ctx.world.now);
        if day_turned || self.revision != Some(ctx.world.snapshot.revision) {
            self.refresh(ctx);
        }
    }

    fn navigate(&mut self, step: Nav, ctx: &mut Context<'_>) {
        if let Some(trial) = &mut self.trial {
            return trial.navigate(step);
        }
        match step {
            Nav::Left => self.turn_to(System::ConnectWise, ctx),
            Nav::Right => self.turn_to(System::HubSpot, ctx),
            step => match &mut self.tried {
                // all rows are there: there is no page to fetch
                Some(tried) if tried.is_open => drop(tried.rows().navigate(step)),
                _ => self.step(step),
            },
        }
    }

    fn editing(&self) -> bool {
        self.is_editing
    }

    fn unkept(&self) -> Option<&'static str> {
        let is_unkept = self.draft.book().is_some() && self.is_changed();
        is_unkept.then_some("The filter's text is not in the draft yet: Ctrl-S in Filters (3) saves it.")
    }

    fn edit(&mut self, input: &Input, ctx: &mut Context<'_>) -> Handled {
        actions::edit(self, input, ctx)
    }

    fn show(&mut self, target: Target, ctx: &mut Context<'_>) {
        if let Target::Object(object) = target {
            self.trial = None;
            self.turn_object(object, ctx);
        }
    }

    fn back(&mut self, _ctx: &mut Context<'_>) -> Handled {
        if self.trial.take().is_some() {
            return Handled::Yes;
        }
        let was_open = self.tried.as_mut().is_some_and(|tried| std::mem::take(&mut tried.is_open));
        if was_open { Handled::Yes } else { Handled::No }
    }

    fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        if let Some(trial) = &self.trial {
            return trial.draw(self.draft.edit(), area, paint);
        }
        draw::body(self, area, paint);
    }

    fn detail(&self, width: usize, _world: &World) -> Vec<Line> {
        if let Some(trial) = &self.trial {
            return steady(trial.detail(width), LINES_OF_NUMBER);
        }
        draw::detail(self, width)
    }
}

/// Why the text on the screen can't be left.
const NOT_KEPT: &str = "The text is not in the draft yet: Ctrl-S saves it, u throws it away.";
/// What most numbers need to say what they count.
const LINES_OF_NUMBER: usize = 3;
