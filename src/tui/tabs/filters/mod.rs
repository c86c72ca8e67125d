//! Filters: which records cross in each direction; written as text, checked and counted while it is typed.

mod actions;
mod draw;
mod editor;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ratatui::layout::Rect;

use super::desk::Desk;
use super::draft::source::Count;
use super::draft::trial_page::{TrialMessage, TrialPage};
use super::draft::{Draft, DraftMessage};
use super::steady;
use crate::filter::{self, Filter, FilterError};
use crate::mapping::ObjectMapping;
use crate::model::{ObjectKind, System};
use crate::tui::action::{Action, Actor};
use crate::tui::ctx::Ctx;
use crate::tui::tab::{Handled, Input, Nav, Page, TabId, Target};
use crate::tui::widgets::Paint;
use crate::tui::world::{SourceError, World};
use crate::view::Line;
use crate::view::filter_panel::{Counting, PassCounts};
use editor::Editor;

/// The tab.
pub struct Filters {
    draft: Draft,
    /// The direction on the screen, by the system written to.
    to: System,
    editor: Editor,
    is_editing: bool,
    check: Check,
    counting: Counting,
    /// Numbers of the deployed filter of this direction.
    deployed: Option<PassCounts>,
    /// Grows with every text to count: who counts for an older one stops.
    turn: Arc<AtomicU64>,
    /// The test of the draft, in place of the filter.
    trial: Option<TrialPage>,
    revision: Option<u64>,
}

/// What the text is.
enum Check {
    /// Nothing to check against: the fields are not known.
    Unknown,
    Wrong(Vec<FilterError>),
    /// None: everything passes.
    Right(Option<Filter>),
}

/// Which text a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    Text,
    Deployed,
}

/// What comes back.
#[derive(Debug)]
pub enum Message {
    Draft(DraftMessage),
    Trial(TrialMessage),
    Counts(Counted, u64, Result<Option<PassCounts>, SourceError>),
    /// The text that the person saved in their own editor.
    Text(String),
    Turn(ObjectKind),
}

impl Actor for Filters {
    type Message = Message;
}

type Context<'a> = Ctx<'a, Message>;

impl Filters {
    #[must_use]
    pub fn new(desk: &Desk) -> Self {
        Self {
            draft: Draft::new(desk, ObjectKind::Company),
            to: System::ConnectWise,
            editor: Editor::new(""),
            is_editing: false,
            check: Check::Unknown,
            counting: Counting::Impossible,
            deployed: None,
            turn: Arc::new(AtomicU64::new(0)),
            trial: None,
            revision: None,
        }
    }

    fn refresh(&mut self, ctx: &mut Context<'_>) {
        self.revision = Some(ctx.world.snapshot.revision);
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
        self.look(ctx);
    }

    /// Checks the text and has it counted.
    fn look(&mut self, ctx: &mut Context<'_>) {
        self.check = self.checked(&self.editor.text());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) + 1;
        let Check::Right(filter) = &self.check else {
            self.counting = Counting::Impossible;
            return;
        };
        let filter = filter.clone();
        self.counting = Counting::Running { before: self.known() };
        self.count(Counted::Text, turn, filter, ctx);
        let was = self.draft.deployed().map(|object| object.filters.toward(self.to).to_owned());
        if let Some(Check::Right(filter)) = was.map(|text| self.checked(&text)) {
            self.count(Counted::Deployed, turn, filter, ctx);
        }
    }

    /// The last numbers, until there are new ones.
    const fn known(&self) -> Option<PassCounts> {
        match self.counting {
            Counting::Done(counts) => Some(counts),
            Counting::Running { before } => before,
            Counting::Impossible | Counting::Failed(_) => None,
        }
    }

    fn checked(&self, text: &str) -> Check {
        let Some(schemas) = self.draft.schemas() else { return Check::Unknown };
        if text.trim().is_empty() {
            return Check::Right(None);
        }
        match filter::parse(text).map_err(|error| vec![error]) {
            Ok(expr) => match filter::bind(&expr, &schemas[self.to.other()]) {
                Ok(filter) => Check::Right(Some(filter)),
                Err(errors) => Check::Wrong(errors),
            },
            Err(errors) => Check::Wrong(errors),
        }
    }

    /// Counts beside the UI; stops as soon as a newer text is there.
    fn count(&self, what: Counted, turn: u64, filter: Option<Filter>, ctx: &mut Context<'_>) {
        let Some(object) = self.draft.current() else { return };
        let count = Count { mapping: object.clone(), to: self.to, filter };
        let (source, newest) = (self.draft.source(), Arc::clone(&self.turn));
        ctx.fetch(
            move || {
                let wanted = || newest.load(Ordering::Relaxed) == turn;
                Message::Counts(what, turn, source.count(&count, &wanted))
            },
            move |why| Message::Counts(what, turn, Err(SourceError(why))),
        );
    }

    fn take_counts(&mut self, what: Counted, turn: u64, counts: Result<Option<PassCounts>, SourceError>) {
        if turn != self.turn.load(Ordering::Relaxed) {
            return;
        }
        match (what, counts) {
            (Counted::Text, Ok(Some(counts))) => self.counting = Counting::Done(counts),
            (Counted::Text, Err(error)) => self.counting = Counting::Failed(error.0),
            (Counted::Deployed, Ok(counts)) => self.deployed = counts,
            // without the deployed numbers the others still stand
            (Counted::Deployed, Err(_)) | (Counted::Text, Ok(None)) => {}
        }
    }

    fn turn_to(&mut self, to: System, ctx: &mut Context<'_>) {
        if self.to == to {
            return;
        }
        if self.is_changed() {
            return ctx.say("The text is not in the draft yet: Ctrl-S saves it, u goes back to the draft's.");
        }
        self.to = to;
        self.deployed = None;
        self.counting = Counting::Impossible;
        self.take_over(ctx);
    }

    fn turn_object(&mut self, object: ObjectKind, ctx: &mut Context<'_>) {
        if self.draft.object == object {
            return;
        }
        if self.is_changed() {
            return ctx.say("The text is not in the draft yet: Ctrl-S saves it, u goes back to the draft's.");
        }
        self.draft.turn(object);
        self.editor = Editor::new(if self.draft.book().is_some() { self.kept() } else { "" });
        self.check = Check::Unknown;
        self.deployed = None;
        self.counting = Counting::Impossible;
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
        self.is_editing = false;
        ctx.say("Saved into the draft. The Mappings tab (2) deploys it with D.");
    }

    /// Whether what is deployed does not fit the fields any more.
    fn is_deployed_unfit(&self) -> bool {
        let deployed = self.draft.deployed().map(|object| object.filters.toward(self.to));
        deployed.is_some_and(|text| matches!(self.checked(text), Check::Wrong(_)))
    }

    /// Fields of the text that are not in the cache yet: for them every record looks empty.
    fn unread(&self) -> Vec<String> {
        let (Check::Right(Some(filter)), Some(book)) = (&self.check, self.draft.book()) else { return Vec::new() };
        let watched = &book.watched[self.to.other()];
        filter.fields().iter().filter(|field| !watched.contains(field)).map(ToString::to_string).collect()
    }
}

impl Page for Filters {
    const ID: TabId = TabId::Filters;
    const ACTIONS: &'static [Action<Self>] = actions::ACTIONS;

    fn receive(&mut self, message: Message, ctx: &mut Context<'_>) {
        match message {
            Message::Draft(message) => {
                let keeps_text = self.is_editing || (self.draft.book().is_some() && self.is_changed());
                if self.draft.receive(message, ctx, Message::Draft) {
                    if keeps_text { self.look(ctx) } else { self.take_over(ctx) }
                }
            }
            Message::Trial(message) => {
                if let Some(trial) = &mut self.trial {
                    trial.receive(message, ctx, Message::Trial);
                }
            }
            Message::Counts(what, turn, counts) => self.take_counts(what, turn, counts),
            Message::Turn(object) => self.turn_object(object, ctx),
            Message::Text(text) => {
                self.editor = Editor::new(&text);
                self.look(ctx);
            }
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
        if let Some(trial) = &mut self.trial {
            return trial.navigate(step);
        }
        match step {
            Nav::Left => self.turn_to(System::ConnectWise, ctx),
            Nav::Right => self.turn_to(System::HubSpot, ctx),
            _ => {}
        }
    }

    fn editing(&self) -> bool {
        self.is_editing
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
        if self.trial.take().is_some() { Handled::Yes } else { Handled::No }
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

/// What most numbers need to say what they count.
const LINES_OF_NUMBER: usize = 3;
