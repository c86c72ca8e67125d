//! What a tab is.
//!
//! A tab implements [`Page`]; [`Tab`] is the same without its types, made from it, and is what the frame holds.

use std::sync::Arc;

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use super::action::{Action, Actor, Offer, offers};
use super::ctx::{Ctx, Payload};
use super::widgets::Paint;
use super::world::World;
use crate::engine::core::state::{IssueClass, RecordState};
use crate::model::{ObjectKind, RecordRef, RunId};
use crate::view::Line;

/// The tabs, by the digit that shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TabId {
    Connections,
    Mappings,
    Filters,
    Records,
    Activity,
}

impl TabId {
    pub const ALL: [Self; 5] = [Self::Connections, Self::Mappings, Self::Filters, Self::Records, Self::Activity];

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Connections => "Connections",
            Self::Mappings => "Mappings",
            Self::Filters => "Filters",
            Self::Records => "Records",
            Self::Activity => "Activity",
        }
    }

    #[must_use]
    pub const fn digit(self) -> char {
        match self {
            Self::Connections => '1',
            Self::Mappings => '2',
            Self::Filters => '3',
            Self::Records => '4',
            Self::Activity => '5',
        }
    }
}

/// What to show when one tab sends the person to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Record(RecordRef),
    /// The records in that state.
    State(RecordState),
    /// The records of that object with an issue of that class.
    Issue(IssueClass, ObjectKind),
    Object(ObjectKind),
    /// The versions of the configuration.
    Versions,
    /// Exactly these records; Esc goes back to that tab.
    These(Arc<Picked>, TabId),
    Run(RunId),
}

/// Records that a number counts, for whoever wants to see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    pub object: ObjectKind,
    /// What they have in common, as a noun: `companies that leave the filter`.
    pub title: String,
    /// [`Picked::MOST`] at most.
    pub records: Vec<RecordRef>,
    /// How many there are in all.
    pub total: u64,
}

impl Picked {
    /// So many records are kept for looking at.
    pub const MOST: usize = 10_000;
}

/// A step of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nav {
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Left,
    Right,
}

/// A key or a paste, before anything is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Key(KeyEvent),
    /// One event, however long; control characters are replaced already, line breaks kept.
    Paste(String),
}

/// Whether an input was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    Yes,
    No,
}

/// A tab: state, what can be done to it, what it looks like. All but the first four have a default.
///
/// Lives on the UI thread and never blocks it: reading goes through [`Ctx::fetch`], asking through [`Ctx::ask`], and
/// what comes of it arrives in [`Page::receive`]. A tab draws what it has, and says so when it has nothing yet.
pub trait Page: Actor + Sized {
    const ID: TabId;
    /// In the order of the footer. The first action whose key matches and that can be done is done; when none can,
    /// the reason of the first is shown.
    const ACTIONS: &'static [Action<Self>];

    /// What came of the work that this tab set in motion.
    fn receive(&mut self, message: Self::Message, ctx: &mut Ctx<'_, Self::Message>);

    /// Draws the body. Must not change what it draws.
    fn draw(&self, area: Rect, paint: &mut Paint<'_>);

    /// The tab came to the front (also at the start): a good moment to fetch.
    fn shown(&mut self, _ctx: &mut Ctx<'_, Self::Message>) {}

    /// The snapshot changed while the tab is in front; compare `revision` to see whether rows did.
    fn world_changed(&mut self, _ctx: &mut Ctx<'_, Self::Message>) {}

    /// A cursor key or its twin.
    fn navigate(&mut self, _step: Nav, _ctx: &mut Ctx<'_, Self::Message>) {}

    /// Every input while [`Page::editing`] is true, before anybody else sees it.
    fn edit(&mut self, _input: &Input, _ctx: &mut Ctx<'_, Self::Message>) -> Handled {
        Handled::No
    }

    /// Whether the person is writing text into the tab: keys are then letters first.
    fn editing(&self) -> bool {
        false
    }

    /// The text searched for, when the tab can be searched; `Some("")` when nothing is.
    fn query(&self) -> Option<&str> {
        None
    }

    /// The person changed the text to search for; empty: no longer searches.
    fn search(&mut self, _query: &str, _ctx: &mut Ctx<'_, Self::Message>) {}

    /// Another tab sends the person here to see something.
    fn show(&mut self, _target: Target, _ctx: &mut Ctx<'_, Self::Message>) {}

    /// What the person wrote and nothing keeps yet, as a sentence with what keeps it: who quits is told of it first.
    fn unkept(&self) -> Option<&'static str> {
        None
    }

    /// Esc, when nothing else wants it: leave a record, a run.
    fn back(&mut self, _ctx: &mut Ctx<'_, Self::Message>) -> Handled {
        Handled::No
    }

    /// Why the selected thing is as it is: the lines under the body, at most seven are shown.
    fn detail(&self, _width: usize, _world: &World) -> Vec<Line> {
        Vec::new()
    }
}

/// A [`Page`] whose types are hidden.
pub trait Tab {
    fn id(&self) -> TabId;
    fn offers(&self, world: &World) -> Vec<Offer>;
    /// Does the action of that place in [`Tab::offers`].
    fn act(&mut self, place: usize, ctx: &mut Ctx<'_, ()>);
    fn receive(&mut self, payload: Payload, ctx: &mut Ctx<'_, ()>);
    fn draw(&self, area: Rect, paint: &mut Paint<'_>);
    fn shown(&mut self, ctx: &mut Ctx<'_, ()>);
    fn world_changed(&mut self, ctx: &mut Ctx<'_, ()>);
    fn navigate(&mut self, step: Nav, ctx: &mut Ctx<'_, ()>);
    fn edit(&mut self, input: &Input, ctx: &mut Ctx<'_, ()>) -> Handled;
    fn editing(&self) -> bool;
    fn query(&self) -> Option<&str>;
    fn search(&mut self, query: &str, ctx: &mut Ctx<'_, ()>);
    fn show(&mut self, target: Target, ctx: &mut Ctx<'_, ()>);
    fn unkept(&self) -> Option<&'static str>;
    fn back(&mut self, ctx: &mut Ctx<'_, ()>) -> Handled;
    fn detail(&self, width: usize, world: &World) -> Vec<Line>;
}

impl<P: Page> Tab for P {
    fn id(&self) -> TabId {
        P::ID
    }

    fn offers(&self, world: &World) -> Vec<Offer> {
        offers(P::ACTIONS, self, world)
    }

    fn act(&mut self, place: usize, ctx: &mut Ctx<'_, ()>) {
        if let Some(action) = P::ACTIONS.get(place) {
            (action.run)(self, &mut ctx.typed());
        }
    }

    fn receive(&mut self, payload: Payload, ctx: &mut Ctx<'_, ()>) {
        match payload.downcast::<P::Message>() {
            Ok(message) => Page::receive(self, *message, &mut ctx.typed()),
            Err(_) => tracing::error!(tab = P::ID.title(), "a message of another type was delivered"),
        }
    }

    fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        Page::draw(self, area, paint);
    }

    fn shown(&mut self, ctx: &mut Ctx<'_, ()>) {
        Page::shown(self, &mut ctx.typed());
    }

    fn world_changed(&mut self, ctx: &mut Ctx<'_, ()>) {
        Page::world_changed(self, &mut ctx.typed());
    }

    fn navigate(&mut self, step: Nav, ctx: &mut Ctx<'_, ()>) {
        Page::navigate(self, step, &mut ctx.typed());
    }

    fn edit(&mut self, input: &Input, ctx: &mut Ctx<'_, ()>) -> Handled {
        Page::edit(self, input, &mut ctx.typed())
    }

    fn editing(&self) -> bool {
        Page::editing(self)
    }

    fn query(&self) -> Option<&str> {
        Page::query(self)
    }

    fn search(&mut self, query: &str, ctx: &mut Ctx<'_, ()>) {
        Page::search(self, query, &mut ctx.typed());
    }

    fn show(&mut self, target: Target, ctx: &mut Ctx<'_, ()>) {
        Page::show(self, target, &mut ctx.typed());
    }

    fn unkept(&self) -> Option<&'static str> {
        Page::unkept(self)
    }

    fn back(&mut self, ctx: &mut Ctx<'_, ()>) -> Handled {
        Page::back(self, &mut ctx.typed())
    }

    fn detail(&self, width: usize, world: &World) -> Vec<Line> {
        Page::detail(self, width, world)
    }
}
