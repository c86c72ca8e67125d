//! Records: find one, see both sides of it field by field, decide, push, and read what happened to it.

mod actions;
mod draw;
mod family;
mod open;
mod picked;
pub mod source;
pub mod stored;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ratatui::layout::Rect;

use super::desk::{Desk, LastOpened};
use super::draft::trials::{Compared, TrialSource};
use super::objects::Mapped;
use crate::engine::core::command::Reply;
use crate::engine::core::state::{Exchange, HistoryEntry, RecordState, Status};
use crate::mapping::FieldKey;
use crate::model::{ObjectKind, RecordRef, System};
use crate::store::rows::StatusKey;
use crate::tui::action::{Action, Actor};
use crate::tui::ctx::Ctx;
use crate::tui::report::Report;
use crate::tui::tab::{Handled, Nav, Page, TabId, Target};
use crate::tui::widgets::{List, Paint, Want};
use crate::tui::world::{SourceError, World};
use crate::view::{Line, record_list};
use open::Open;
use source::{Opened, RecordSource, Simulated, Totals, Wanted};

/// The tab.
pub struct Records {
    source: Arc<dyn RecordSource>,
    simulated: Option<Arc<dyn Simulated>>,
    last_opened: LastOpened,
    trials: Arc<dyn TrialSource>,
    wanted: Wanted,
    /// The tab that sent the person to picked records.
    from: TabId,
    list: List<Status>,
    totals: Totals,
    /// The record on the screen, in place of the list.
    open: Option<Open>,
    /// The records from which the person came to the one on the screen, the last one last.
    trail: Vec<RecordRef>,
    /// The revision that the rows were fetched for.
    revision: Option<u64>,
    /// Whether totals are being fetched, and whether they are out of date already.
    totals_pending: Option<Stale>,
}

/// Whether what is being fetched will be old when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stale {
    No,
    Yes,
}

/// What comes back.
#[derive(Debug)]
pub enum Message {
    Page(u64, Result<Vec<Status>, SourceError>),
    Totals(Result<Totals, SourceError>),
    Opened(RecordRef, Result<Option<Box<Opened>>, SourceError>),
    Previewed(RecordRef, System, Reply),
    Send(RecordRef, System),
    Sent(Reply),
    History(Result<Vec<HistoryEntry>, SourceError>),
    Exchanges(Result<Vec<Exchange>, SourceError>),
    Compared(Result<Option<Box<Compared>>, SourceError>),
    EditIn(FieldKey, System),
    Edit(RecordRef, crate::model::FieldName, String),
    Edited(Result<String, String>),
    Turn(ObjectKind),
    Visit(Option<RecordRef>),
}

impl Actor for Records {
    type Message = Message;
}

type Context<'a> = Ctx<'a, Message>;

impl Records {
    #[must_use]
    pub fn new(desk: &Desk) -> Self {
        Self {
            source: Arc::clone(&desk.records),
            simulated: desk.simulated.clone(),
            last_opened: desk.last_opened.clone(),
            trials: Arc::clone(&desk.trials),
            wanted: Wanted::all(ObjectKind::Company),
            from: TabId::Filters,
            list: List::default(),
            totals: Totals::default(),
            open: None,
            trail: Vec::new(),
            revision: None,
            totals_pending: None,
        }
    }

    /// Fetches again what is on the screen.
    fn refresh(&mut self, ctx: &mut Context<'_>) {
        self.revision = Some(ctx.world.snapshot.revision);
        match &mut self.open {
            Some(open) => open.refresh(&self.source, ctx),
            None => {
                let want = self.list.reload();
                self.fetch(want, ctx);
                self.fetch_totals(ctx);
            }
        }
    }

    /// Another state, another search: the list begins anew.
    fn restart(&mut self, ctx: &mut Context<'_>) {
        let want = self.list.restart();
        self.fetch(Some(want), ctx);
        self.fetch_totals(ctx);
    }

    fn fetch(&self, want: Option<Want<StatusKey>>, ctx: &mut Context<'_>) {
        let Some(Want { edge, limit, ticket }) = want else { return };
        let (source, wanted) = (Arc::clone(&self.source), self.wanted.clone());
        ctx.fetch(
            move || Message::Page(ticket, source.page(&wanted, &edge, limit)),
            move |why| Message::Page(ticket, Err(SourceError(why))),
        );
    }

    fn fetch_totals(&mut self, ctx: &mut Context<'_>) {
        if self.totals_pending.is_some() {
            self.totals_pending = Some(Stale::Yes);
            return;
        }
        self.totals_pending = Some(Stale::No);
        let (source, wanted) = (Arc::clone(&self.source), self.wanted.clone());
        ctx.fetch(move || Message::Totals(source.totals(&wanted)), |why| Message::Totals(Err(SourceError(why))));
    }

    fn show_record(&mut self, record: RecordRef, ctx: &mut Context<'_>) {
        self.trail.clear();
        self.put(record, ctx);
    }

    /// Goes from the record on the screen to another; Esc comes back.
    fn follow(&mut self, record: RecordRef, ctx: &mut Context<'_>) {
        self.trail.extend(self.open.as_ref().map(Open::anchor));
        self.put(record, ctx);
    }

    fn put(&mut self, record: RecordRef, ctx: &mut Context<'_>) {
        self.last_opened.set(record);
        let mut open = Open::new(record);
        open.refresh(&self.source, ctx);
        self.open = Some(open);
    }

    fn take_totals(&mut self, totals: Result<Totals, SourceError>, ctx: &mut Context<'_>) {
        let stale = self.totals_pending.take();
        match totals {
            Ok(totals) => {
                self.totals = totals;
                self.leave_unmapped(ctx);
            }
            Err(error) => failed(error, ctx),
        }
        if stale == Some(Stale::Yes) {
            self.fetch_totals(ctx);
        }
    }

    fn take_page(&mut self, ticket: u64, rows: Result<Vec<Status>, SourceError>, ctx: &mut Context<'_>) {
        match rows {
            Ok(rows) => {
                if self.list.receive(ticket, rows) {
                    let want = self.list.more();
                    self.fetch(want, ctx);
                }
            }
            Err(error) => {
                self.list.failed(ticket);
                failed(error, ctx);
            }
        }
    }

    /// Lists another object; what is searched for stays.
    fn turn_to(&mut self, object: ObjectKind, ctx: &mut Context<'_>) {
        if object != self.wanted.object || self.wanted.these.is_some() {
            self.wanted = Wanted { search: std::mem::take(&mut self.wanted.search), ..Wanted::all(object) };
            self.restart(ctx);
        }
    }

    /// An object that is not mapped has no list: the first that is takes its place.
    fn leave_unmapped(&mut self, ctx: &mut Context<'_>) {
        let mapped = |object| self.totals.objects.iter().any(|(of, _)| *of == object);
        let stays = self.wanted.these.is_some() || mapped(self.wanted.object);
        if let Some((first, _)) = self.totals.objects.first().copied().filter(|_| !stays) {
            self.turn_to(first, ctx);
        }
    }

    /// The objects that can be listed, with their numbers.
    fn objects(&self) -> Vec<Mapped> {
        self.totals.objects.iter().map(|(object, count)| (*object, Some(*count))).collect()
    }

    /// Lists all records of the object again where only picked ones are.
    fn show_all(&mut self, ctx: &mut Context<'_>) {
        if self.wanted.these.take().is_some() {
            self.restart(ctx);
        }
    }

    fn choose_state(&mut self, state: Option<RecordState>, ctx: &mut Context<'_>) {
        if state != self.wanted.state {
            self.wanted.state = state;
            self.restart(ctx);
        }
    }
}

fn failed(error: SourceError, ctx: &mut Context<'_>) {
    let report = Report::new("The records could not be read.", "They are read again with the next change.");
    ctx.report(report.because(error.0));
}

impl Page for Records {
    const ID: TabId = TabId::Records;
    const ACTIONS: &'static [Action<Self>] = actions::ACTIONS;

    fn receive(&mut self, message: Message, ctx: &mut Context<'_>) {
        match message {
            Message::Page(ticket, rows) => self.take_page(ticket, rows, ctx),
            Message::Totals(totals) => self.take_totals(totals, ctx),
            Message::Opened(record, found) => {
                if let Some(open) = self.open.as_mut().filter(|open| open.record == record) {
                    open.receive(found, &self.source, ctx);
                }
            }
            message => actions::receive(self, message, ctx),
        }
    }

    fn shown(&mut self, ctx: &mut Context<'_>) {
        self.refresh(ctx);
    }

    fn world_changed(&mut self, ctx: &mut Context<'_>) {
        if self.revision != Some(ctx.world.snapshot.revision) {
            self.refresh(ctx);
        }
    }

    fn navigate(&mut self, step: Nav, ctx: &mut Context<'_>) {
        if let Some(open) = &mut self.open {
            drop(open.fields.navigate(step));
            return;
        }
        if let Nav::Left | Nav::Right = step {
            let state = record_list::next_state(&self.totals.states, self.wanted.state, step == Nav::Right);
            return self.choose_state(state, ctx);
        }
        let want = self.list.navigate(step);
        self.fetch(want, ctx);
    }

    fn query(&self) -> Option<&str> {
        // in a record the search would change a list that is not on the screen
        self.open.is_none().then_some(self.wanted.search.as_str())
    }

    fn search(&mut self, query: &str, ctx: &mut Context<'_>) {
        if query != self.wanted.search {
            self.wanted.search = query.to_owned();
            self.restart(ctx);
        }
    }

    fn show(&mut self, target: Target, ctx: &mut Context<'_>) {
        match target {
            Target::Record(record) => self.show_record(record, ctx),
            Target::State(state) => {
                self.open = None;
                self.show_all(ctx);
                self.choose_state(Some(state), ctx);
            }
            Target::These(picked, from) => {
                self.open = None;
                self.from = from;
                self.wanted = Wanted { these: Some(Arc::clone(&picked)), ..Wanted::all(picked.object) };
                self.restart(ctx);
            }
            Target::Issue(class, object) => {
                self.open = None;
                self.wanted = Wanted { state: Some(state_of(class)), ..Wanted::all(object) };
                self.restart(ctx);
            }
            Target::Object(object) => {
                self.open = None;
                self.turn_to(object, ctx);
            }
            Target::Run(_) | Target::Versions => {}
        }
    }

    fn back(&mut self, ctx: &mut Context<'_>) -> Handled {
        if let Some(record) = self.trail.pop() {
            self.put(record, ctx);
        } else if let Some(open) = self.open.take() {
            self.list.select_record(open.anchor());
            self.refresh(ctx);
        } else if !self.wanted.search.is_empty() {
            self.search("", ctx);
        } else if self.wanted.state.is_some() {
            self.choose_state(None, ctx);
        } else if self.wanted.these.is_some() {
            self.show_all(ctx);
            ctx.goto(self.from, None);
        } else {
            return Handled::No;
        }
        Handled::Yes
    }

    fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        draw::body(self, area, paint);
    }

    fn detail(&self, width: usize, world: &World) -> Vec<Line> {
        draw::detail(self, width, world)
    }
}

/// The state in which records with such an issue are.
const fn state_of(class: crate::engine::core::state::IssueClass) -> RecordState {
    use crate::engine::core::state::IssueClass as Class;
    match class {
        Class::Conflict => RecordState::Conflict,
        Class::Transient | Class::Rejected | Class::FalseSuccess | Class::IdentifierTaken => RecordState::Failing,
        Class::Unreadable => RecordState::Waiting,
        _ => RecordState::Held,
    }
}

impl List<Status> {
    /// Keeps the cursor on a record's row, where that is loaded.
    fn select_record(&mut self, record: RecordRef) {
        let key = self.rows().find(|row| row.anchor() == record).map(StatusKey::of);
        if let Some(key) = key {
            self.select(key);
        }
    }
}
