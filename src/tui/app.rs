//! The state of the console, and what a message makes of it. Knows no terminal: what to draw goes into a buffer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyEvent, KeyEventKind};

use super::action::{Enabled, Info, Key, Offer, offers};
use super::ctx::{Ctx, Effect, Owner, Payload, TerminalEffect};
use super::overlay::{Command, Errors, Help, HelpEntry, Outcome, Overlay, Palette};
use super::report::Report;
use super::shell::{self, Answered, Shell, ShellMessage};
use super::tab::{Handled, Input, Tab, TabId, Target};
use super::theme::Theme;
use super::world::{BoxFuture, World};
use crate::engine::driver::snapshot::Snapshot;

/// Something for the console to take note of.
pub enum Message {
    Input(Input),
    /// The window has another size, or must be drawn whole for another reason.
    Resized,
    /// The process goes on after it was stopped.
    Resumed,
    Snapshot(Arc<Snapshot>),
    /// What came of work.
    Deliver(Owner, Payload),
    Report(Report),
    /// An age on the screen may be out of date.
    Tick,
    /// The process is told to end.
    Terminate,
}

/// What the loop has to do after an update.
pub enum Outward {
    Task(Owner, BoxFuture<Payload>),
    Terminal(TerminalEffect),
}

/// How old the time on screen may be when a key is pressed.
const GLANCE: Duration = Duration::from_secs(10);
/// More effects than this from one message are a circle.
const MOST_EFFECTS: usize = 1000;
/// Errors kept for the list.
const MOST_REPORTS: usize = 200;

/// The whole state.
pub struct App {
    pub(super) world: World,
    pub(super) theme: Theme,
    pub(super) shell: Shell,
    pub(super) tabs: Vec<Box<dyn Tab>>,
    pub(super) active: usize,
    pub(super) overlays: Vec<Overlay>,
    /// Whether the key before this one was told what would be lost by quitting, and whether this one was.
    told_unkept: [bool; 2],
}

impl App {
    /// The console with these tabs, the one that the settings name in front. Call [`App::start`] before the first draw.
    #[must_use]
    pub fn new(world: World, theme: Theme, tabs: Vec<Box<dyn Tab>>) -> Self {
        let active = world.settings.front.min(tabs.len().saturating_sub(1));
        Self { world, theme, shell: Shell::default(), tabs, active, overlays: Vec::new(), told_unkept: [false; 2] }
    }

    /// Lets the tab in front fetch what it shows.
    pub fn start(&mut self) -> Vec<Outward> {
        let mut effects = Vec::new();
        self.with_tab(self.active, &mut effects, |tab, ctx| tab.shown(ctx));
        self.settle(effects)
    }

    /// Takes note of a message.
    pub fn update(&mut self, message: Message) -> Vec<Outward> {
        let mut effects = Vec::new();
        match message {
            Message::Input(input) => {
                self.glance_at_the_clock();
                self.input(&input, &mut effects);
            }
            Message::Resized | Message::Resumed => effects.push(Effect::Terminal(TerminalEffect::Redraw)),
            Message::Snapshot(snapshot) => {
                self.world.snapshot = snapshot;
                self.look_at_the_clock();
                self.with_tab(self.active, &mut effects, |tab, ctx| tab.world_changed(ctx));
            }
            Message::Deliver(owner, payload) => {
                self.look_at_the_clock();
                effects.push(Effect::Deliver(owner, payload));
            }
            Message::Report(report) => effects.push(Effect::Report(report)),
            Message::Tick => self.look_at_the_clock(),
            Message::Terminate => effects.push(Effect::Terminal(TerminalEffect::Quit)),
        }
        self.settle(effects)
    }

    /// As if a tab had sent the person there.
    #[cfg(test)]
    pub(super) fn send(&mut self, tab: TabId, target: Target) -> Vec<Outward> {
        self.settle(vec![Effect::Goto(tab, Some(target))])
    }

    /// What a key sets in motion must not be given a time of long ago; but not every step of a cursor changes the ages.
    fn glance_at_the_clock(&mut self) {
        if self.world.engine.now().since(self.world.now) >= GLANCE {
            self.look_at_the_clock();
        }
    }

    fn look_at_the_clock(&mut self) {
        self.world.now = self.world.engine.now();
    }

    fn with_tab<T>(
        &mut self,
        at: usize,
        effects: &mut Vec<Effect>,
        f: impl FnOnce(&mut dyn Tab, &mut Ctx<'_, ()>) -> T,
    ) -> Option<T> {
        let tab = self.tabs.get_mut(at)?;
        let mut ctx = Ctx::new(&self.world, Owner::Tab(tab.id()), effects);
        Some(f(tab.as_mut(), &mut ctx))
    }

    /// Does all effects that concern only the state; gives back the others.
    fn settle(&mut self, effects: Vec<Effect>) -> Vec<Outward> {
        let mut queue = VecDeque::from(effects);
        let mut outward = Vec::new();
        for _ in 0..MOST_EFFECTS {
            let Some(effect) = queue.pop_front() else { break };
            let mut more = Vec::new();
            match effect {
                Effect::Task(owner, work) => outward.push(Outward::Task(owner, work)),
                Effect::Terminal(effect) => outward.push(Outward::Terminal(effect)),
                effect => self.apply(effect, &mut more),
            }
            queue.extend(more);
        }
        self.shell.query = self.tabs.get(self.active).and_then(|tab| tab.query()).map(str::to_owned);
        outward
    }

    fn apply(&mut self, effect: Effect, more: &mut Vec<Effect>) {
        match effect {
            Effect::Task(..) | Effect::Terminal(_) => more.push(effect),
            Effect::Deliver(Owner::Shell, payload) => self.deliver_to_shell(payload, more),
            Effect::Deliver(Owner::Tab(id), payload) => {
                if let Some(at) = self.place_of(id) {
                    self.with_tab(at, more, |tab, ctx| tab.receive(payload, ctx));
                }
            }
            Effect::Goto(id, target) => self.goto(id, target, more),
            Effect::NextTab { back } => self.next_tab(back, more),
            Effect::Navigate(step) => {
                self.with_tab(self.active, more, |tab, ctx| tab.navigate(step, ctx));
            }
            Effect::Back => self.back(more),
            Effect::Open(overlay) => {
                // what was said on the way to it is over
                self.shell.said = None;
                self.overlays.push(*overlay);
            }
            Effect::OpenHelp => self.overlays.push(Overlay::Help(Help::new(self.help()))),
            Effect::OpenPalette => self.overlays.push(Overlay::Palette(Palette::new(self.commands()))),
            Effect::Say(text) => self.shell.said = Some(text),
            Effect::Report(report) => self.note(report),
        }
    }

    fn note(&mut self, report: Report) {
        self.shell.said = Some(format!("! {} {}", report.what, report.hint));
        // The same error again only moves to the end.
        self.shell.reports.retain(|known| *known != report);
        self.shell.reports.push(report);
        let surplus = self.shell.reports.len().saturating_sub(MOST_REPORTS);
        self.shell.reports.drain(..surplus);
    }

    fn deliver_to_shell(&mut self, payload: Payload, more: &mut Vec<Effect>) {
        let payload = match payload.downcast::<Answered>() {
            Ok(answered) => {
                more.push(match Report::of_reply(&answered.reply) {
                    None => Effect::Say(answered.done.to_owned()),
                    Some(report) => Effect::Report(report),
                });
                return;
            }
            Err(payload) => payload,
        };
        match payload.downcast::<ShellMessage>() {
            Ok(message) => {
                let mut ctx = Ctx::new(&self.world, Owner::Shell, more);
                self.shell.receive(*message, &mut ctx);
            }
            Err(_) => tracing::error!("a message of another type was delivered to the shell"),
        }
    }

    fn place_of(&self, id: TabId) -> Option<usize> {
        self.tabs.iter().position(|tab| tab.id() == id)
    }

    fn goto(&mut self, id: TabId, target: Option<Target>, more: &mut Vec<Effect>) {
        let Some(at) = self.place_of(id) else {
            return more.push(Effect::Say(format!("{} is not part of this console.", id.title())));
        };
        let was = std::mem::replace(&mut self.active, at);
        if was != at {
            self.with_tab(at, more, |tab, ctx| tab.shown(ctx));
        }
        if let Some(target) = target {
            self.with_tab(at, more, |tab, ctx| tab.show(target, ctx));
        }
    }

    fn next_tab(&mut self, back: bool, more: &mut Vec<Effect>) {
        let count = self.tabs.len().max(1);
        let step = if back { count - 1 } else { 1 };
        if let Some(tab) = self.tabs.get((self.active + step) % count) {
            more.push(Effect::Goto(tab.id(), None));
        }
    }

    fn back(&mut self, more: &mut Vec<Effect>) {
        let is_searching = self.shell.query.as_deref().is_some_and(|query| !query.is_empty());
        let handled = self.with_tab(self.active, more, |tab, ctx| tab.back(ctx));
        if handled != Some(Handled::Yes) && is_searching {
            self.with_tab(self.active, more, |tab, ctx| tab.search("", ctx));
        }
    }

    fn input(&mut self, input: &Input, effects: &mut Vec<Effect>) {
        if matches!(input, Input::Key(event) if event.kind == KeyEventKind::Release) {
            return;
        }
        self.shell.said = None;
        self.told_unkept = [self.told_unkept[1], false];
        if let Some(overlay) = self.overlays.last_mut() {
            let outcome = overlay.input(input);
            return self.finish(outcome, effects);
        }
        if self.tabs.get(self.active).is_some_and(|tab| tab.editing())
            && self.with_tab(self.active, effects, |tab, ctx| tab.edit(input, ctx)) == Some(Handled::Yes)
        {
            return;
        }
        match input {
            Input::Key(event) => self.key(event, effects),
            Input::Paste(_) => effects.push(Effect::Say(
                "Pasted text goes where text is written: open the search with / or a field first.".to_owned(),
            )),
        }
    }

    fn finish(&mut self, outcome: Outcome, effects: &mut Vec<Effect>) {
        match outcome {
            Outcome::Stay => {}
            Outcome::Search(query) => {
                self.with_tab(self.active, effects, |tab, ctx| tab.search(&query, ctx));
            }
            Outcome::Close => drop(self.overlays.pop()),
            Outcome::Done(effect) => {
                self.overlays.pop();
                effects.push(effect);
            }
            Outcome::Act(place) => {
                self.overlays.pop();
                if let Some(listed) = self.listed().get(place) {
                    self.act(listed, effects);
                }
            }
            Outcome::DismissErrors => {
                self.overlays.pop();
                self.shell.reports.clear();
            }
        }
    }

    /// Does what the key means: the first action of the tab, then of the shell, that it belongs to and that can be done.
    fn key(&mut self, event: &KeyEvent, effects: &mut Vec<Effect>) {
        let listed = self.listed();
        let mut candidates = listed.iter().filter(|listed| listed.offer.info.keys.iter().any(|key| key.matches(event)));
        let Some(first) = candidates.next() else {
            return effects.push(Effect::Say(format!("{} does nothing here; ? shows the keys.", Key::of(event))));
        };
        let chosen = if first.offer.enabled.is_ok() {
            first
        } else {
            candidates.find(|listed| listed.offer.enabled.is_ok()).unwrap_or(first)
        };
        self.act(chosen, effects);
    }

    fn act(&mut self, listed: &Listed, effects: &mut Vec<Effect>) {
        if let Err(reason) = &listed.offer.enabled {
            return effects.push(Effect::Say(format!("{}: {reason}", listed.offer.info.name)));
        }
        match listed.owner {
            Owner::Tab(_) => {
                self.with_tab(self.active, effects, |tab, ctx| tab.act(listed.place, ctx));
            }
            Owner::Shell => {
                if let Some(action) = shell::ACTIONS.get(listed.place) {
                    if action.info.name == shell::QUIT && self.holds_back() {
                        return;
                    }
                    let mut ctx = Ctx::new(&self.world, Owner::Shell, effects);
                    (action.run)(&mut self.shell, &mut ctx);
                }
            }
        }
    }

    /// Whether a quit waits for a second one, since something written would be lost. Says so.
    fn holds_back(&mut self) -> bool {
        let [before, now] = &mut self.told_unkept;
        let Some(unkept) = self.tabs.iter().find_map(|tab| tab.unkept()).filter(|_| !*before) else { return false };
        *now = true;
        self.shell.said = Some(format!("{unkept} The same key once more quits without it."));
        true
    }

    /// Everything that can be done here, the tab in front first.
    pub(super) fn listed(&self) -> Vec<Listed> {
        let tab = self.tabs.get(self.active);
        let of_tab = tab.into_iter().flat_map(|tab| {
            let owner = Owner::Tab(tab.id());
            tab.offers(&self.world).into_iter().enumerate().map(move |(place, offer)| Listed { owner, place, offer })
        });
        let of_shell = offers(shell::ACTIONS, &self.shell, &self.world)
            .into_iter()
            .enumerate()
            .map(|(place, offer)| Listed { owner: Owner::Shell, place, offer });
        of_tab.chain(of_shell.filter(|listed| self.is_there(listed))).collect()
    }

    /// Actions that lead to a tab are there only where the tab is.
    fn is_there(&self, listed: &Listed) -> bool {
        let target = TabId::ALL.into_iter().find(|id| listed.offer.info.keys.contains(&super::Key::char(id.digit())));
        target.is_none_or(|id| self.place_of(id).is_some())
    }

    fn help(&self) -> Vec<HelpEntry> {
        self.listed()
            .into_iter()
            .map(|listed| HelpEntry {
                group: listed.group(),
                keys: listed.offer.info.key_text(),
                doc: listed.offer.info.doc.to_owned(),
                not_now: not_now(&listed.offer.enabled),
            })
            .collect()
    }

    fn commands(&self) -> Vec<Command> {
        let command = |listed: Listed| Command {
            name: listed.offer.info.name.to_owned(),
            doc: listed.offer.info.doc.to_owned(),
            keys: listed.offer.info.key_text(),
            not_now: not_now(&listed.offer.enabled),
        };
        self.listed().into_iter().map(command).collect()
    }

    /// Shows the list of errors, for the start of a console that has some already.
    pub fn open_errors(&mut self) {
        self.overlays.push(Overlay::Errors(Errors::default()));
    }
}

fn not_now(enabled: &Enabled) -> Option<String> {
    enabled.as_ref().err().map(ToString::to_string)
}

/// An offer, and whose it is.
pub(super) struct Listed {
    pub owner: Owner,
    pub place: usize,
    pub offer: Offer,
}

impl Listed {
    fn group(&self) -> &'static str {
        match self.owner {
            Owner::Shell => "Everywhere",
            Owner::Tab(id) => id.title(),
        }
    }
}

/// All actions there are, for the key table: the group, and what is known of them.
#[must_use]
pub fn all_infos() -> Vec<(&'static str, &'static Info)> {
    let everywhere = shell::ACTIONS.iter().map(|action| ("Everywhere", &action.info));
    super::tabs::infos().into_iter().chain(everywhere).collect()
}
