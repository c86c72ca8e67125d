//! What a tab can set in motion while it handles a message, and the effects this leaves for the loop.
//!
//! Nothing here performs anything: an update stays a function from state and message to state and effects.

use std::any::Any;
use std::marker::PhantomData;

use super::overlay::{Confirm, Menu, Overlay, Preview, Prompt, Ticks};
use super::report::Report;
use super::tab::{Nav, TabId, Target};
use super::world::{BoxFuture, World};
use crate::engine::core::command::{Ask, Reply};

/// A message on its way to its owner.
pub type Payload = Box<dyn Any + Send>;

/// Whose message, whose work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Shell,
    Tab(TabId),
}

/// Something an update wants done.
pub enum Effect {
    /// Work off the UI thread; its result comes back as a message.
    Task(Owner, BoxFuture<Payload>),
    Deliver(Owner, Payload),
    Goto(TabId, Option<Target>),
    NextTab {
        back: bool,
    },
    Navigate(Nav),
    /// Leave what is open in the tab, or end its search.
    Back,
    OpenHelp,
    OpenPalette,
    Open(Box<Overlay>),
    /// One line for the status line, until the next key.
    Say(String),
    Report(Report),
    Terminal(TerminalEffect),
}

/// Something that only the owner of the terminal can do.
pub enum TerminalEffect {
    Copy(String),
    /// Lets the person edit the text in `$EDITOR`; what they saved goes back to the owner.
    Edit {
        owner: Owner,
        text: String,
        suffix: &'static str,
        back: Box<dyn FnOnce(String) -> Payload + Send>,
    },
    Redraw,
    Suspend,
    Quit,
}

/// What a `receive`, an action or a key may use. `M` is what comes back to the owner.
pub struct Ctx<'a, M> {
    pub world: &'a World,
    owner: Owner,
    out: &'a mut Vec<Effect>,
    message: PhantomData<fn() -> M>,
}

impl<'a, M: Send + 'static> Ctx<'a, M> {
    pub(super) fn new(world: &'a World, owner: Owner, out: &'a mut Vec<Effect>) -> Self {
        Self { world, owner, out, message: PhantomData }
    }

    /// The same for an owner with messages of type `N`.
    pub(super) fn typed<N: Send + 'static>(&mut self) -> Ctx<'_, N> {
        Ctx::new(self.world, self.owner, self.out)
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.out.push(effect);
    }

    /// Runs `work` beside the UI and brings its result back.
    pub fn spawn(&mut self, work: impl Future<Output = M> + Send + 'static) {
        self.out.push(Effect::Task(self.owner, Box::pin(async move { Box::new(work.await) as Payload })));
    }

    /// Runs `work`, which may block (a query, a file), on a thread of its own and brings its result back.
    ///
    /// When `work` panics, `lost` makes the message that comes back instead.
    pub fn fetch(
        &mut self,
        work: impl FnOnce() -> M + Send + 'static,
        lost: impl FnOnce(String) -> M + Send + 'static,
    ) {
        self.spawn(async move {
            match tokio::task::spawn_blocking(work).await {
                Ok(message) => message,
                Err(error) => lost(error.to_string()),
            }
        });
    }

    /// Asks the engine; the reply comes back as the message that `back` makes of it.
    pub fn ask(&mut self, ask: Ask, back: impl FnOnce(Reply) -> M + Send + 'static) {
        let answer = self.world.engine.ask(ask);
        self.spawn(async move { back(answer.await) });
    }

    /// Asks the engine; all that matters is whether it agreed. `done` is said when it did.
    pub fn ask_plainly(&mut self, ask: Ask, done: &'static str) {
        let answer = self.world.engine.ask(ask);
        let work = async move { Box::new(super::shell::Answered { reply: answer.await, done }) as Payload };
        self.out.push(Effect::Task(Owner::Shell, Box::pin(work)));
    }

    /// Shows one line in the status line until the next key.
    pub fn say(&mut self, text: impl Into<String>) {
        self.out.push(Effect::Say(text.into()));
    }

    /// Shows an error: it stays in the list of errors until dismissed.
    pub fn report(&mut self, report: Report) {
        self.out.push(Effect::Report(report));
    }

    pub fn goto(&mut self, tab: TabId, target: Option<Target>) {
        self.out.push(Effect::Goto(tab, target));
    }

    pub fn copy(&mut self, text: impl Into<String>) {
        self.out.push(Effect::Terminal(TerminalEffect::Copy(text.into())));
    }

    /// Lets the person edit `text` in `$EDITOR`, as a file with that suffix (`.toml`).
    pub fn edit(&mut self, text: String, suffix: &'static str, back: impl FnOnce(String) -> M + Send + 'static) {
        let back = Box::new(move |text| Box::new(back(text)) as Payload);
        self.out.push(Effect::Terminal(TerminalEffect::Edit { owner: self.owner, text, suffix, back }));
    }

    /// Asks yes or no; on yes, `message` comes back.
    pub fn confirm(&mut self, question: Confirm, message: M) {
        let yes = Effect::Deliver(self.owner, Box::new(message));
        self.open(Overlay::Confirm(question.then(yes)));
    }

    /// As [`Ctx::confirm`], with another answer under a key of its own, which is called `verb`.
    pub fn confirm_or(&mut self, question: Confirm, message: M, (key, verb, other): (char, &str, M)) {
        let yes = Effect::Deliver(self.owner, Box::new(message));
        let other = Effect::Deliver(self.owner, Box::new(other));
        self.open(Overlay::Confirm(question.then(yes).or(key, verb, other)));
    }

    /// Shows lines to read; with Enter, `accept` comes back, where there is one.
    pub fn preview(&mut self, preview: Preview, accept: Option<M>) {
        let owner = self.owner;
        let accept = accept.map(|message| Effect::Deliver(owner, Box::new(message)));
        self.open(Overlay::Preview(preview.then(accept)));
    }

    /// Asks for a line of text.
    pub fn prompt(&mut self, prompt: Prompt, back: impl FnOnce(String) -> M + Send + 'static) {
        let owner = self.owner;
        let submit = move |text| Effect::Deliver(owner, Box::new(back(text)));
        self.open(Overlay::Prompt(prompt.then(Box::new(submit))));
    }

    /// Lets the person choose one of the items, told by its index.
    pub fn choose(&mut self, menu: Menu, back: impl FnOnce(usize) -> M + Send + 'static) {
        let owner = self.owner;
        let pick = move |index| Effect::Deliver(owner, Box::new(back(index)));
        self.open(Overlay::Menu(menu.then(Box::new(pick))));
    }

    /// Lets the person tick some of the lines, told by their indices.
    pub fn tick(&mut self, ticks: Ticks, back: impl FnOnce(Vec<usize>) -> M + Send + 'static) {
        let owner = self.owner;
        let take = move |taken| Effect::Deliver(owner, Box::new(back(taken)));
        self.open(Overlay::Ticks(ticks.then(Box::new(take))));
    }

    pub(super) fn open(&mut self, overlay: Overlay) {
        self.out.push(Effect::Open(Box::new(overlay)));
    }
}
