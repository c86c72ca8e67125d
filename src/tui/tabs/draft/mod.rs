//! The draft of the configuration while somebody changes it: on the screen at once, in the workspace soon after; together
//! with what others change meanwhile.

pub mod deploy;
pub mod deployer;
mod judged;
pub mod source;
pub mod stored;
mod together;
pub mod trial_page;
pub mod trials;
pub mod versions;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Reading;
use super::desk::Desk;
use super::objects::Mapped;
use crate::engine::driver::deploy::{DeployError, Deployed};
use crate::mapping::lint::Finding;
use crate::mapping::merge::{Clash, Side};
use crate::mapping::{Change, Config, ObjectMapping};
use crate::model::{BySystem, ConfigVersion, ObjectKind, Schema};
use crate::store::{Base, Saved};
use crate::tui::ctx::Ctx;
use crate::tui::overlay::Menu;
use crate::tui::report::Report;
use crate::tui::world::SourceError;
use deployer::Deployer;
use judged::Judged;
use source::{Book, ConfigSource, Current, NotSaved, Version};
use together::{Ours, Together};
use trials::TrialSource;

/// What comes back.
#[derive(Debug)]
pub enum DraftMessage {
    Loaded(ObjectKind, Result<Box<Book>, SourceError>),
    Judged(Result<Box<Judgement>, SourceError>),
    Saved(Result<Saved, NotSaved>),
    /// Both changes in one.
    Together(Result<Box<Together>, SourceError>),
    /// Of what both changed, ours is to be in the draft: a place in the list of choices.
    TakeMine(usize),
    /// Before the deploy, a person wants to see what the draft does: the tab shows it.
    TestFirst,
    /// A person said yes to it, for that state of the draft.
    Deploy(u64),
    /// A moment of a deploy has passed.
    Step,
    Deployed(Result<Deployed, DeployError>),
    /// The same.
    Revert(u64),
    Reverted(Result<(), NotSaved>),
}

/// What was found of a draft, and of which object.
#[derive(Debug)]
pub struct Judgement {
    object: ObjectKind,
    judged: Judged,
}

/// Whether the workspace knows what is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kept {
    #[default]
    Yes,
    /// Being saved.
    Soon,
    /// Being saved, and changed again since.
    Behind,
}

/// What two people changed into something different.
struct Clashing {
    ours: Ours,
    theirs: Arc<Config>,
    who: String,
    clashes: Vec<Clash>,
    /// Where ours was chosen.
    mine: BTreeSet<String>,
}

/// The configuration of one object, as far as it is known, with the changes of this console.
pub struct Draft {
    source: Arc<dyn ConfigSource>,
    deployer: Arc<dyn Deployer>,
    trials: Arc<dyn TrialSource>,
    pub object: ObjectKind,
    book: Option<Book>,
    /// What the workspace held when the screen was last the same, with its number.
    base: Option<(u64, Arc<Config>)>,
    /// What is on its way into the workspace.
    sending: Option<Arc<Config>>,
    judged: Judged,
    judging: Reading,
    kept: Kept,
    /// What others did is to be read as soon as everything is saved.
    owes_reading: bool,
    clashing: Option<Clashing>,
    /// The state of the draft that a deploy was asked for.
    asked: Option<Arc<Config>>,
    /// What the deploy under way is at.
    deploying: Option<String>,
    /// Why the configuration could not be read.
    pub error: Option<String>,
}

impl Draft {
    #[must_use]
    pub fn new(desk: &Desk, object: ObjectKind) -> Self {
        Self {
            source: Arc::clone(&desk.config),
            deployer: Arc::clone(&desk.deployer),
            trials: Arc::clone(&desk.trials),
            object,
            book: None,
            base: None,
            sending: None,
            judged: Judged::default(),
            judging: Reading::No,
            kept: Kept::Yes,
            owes_reading: false,
            clashing: None,
            asked: None,
            deploying: None,
            error: None,
        }
    }

    #[must_use]
    pub fn source(&self) -> Arc<dyn ConfigSource> {
        Arc::clone(&self.source)
    }

    #[must_use]
    pub fn trials(&self) -> Arc<dyn TrialSource> {
        Arc::clone(&self.trials)
    }

    /// The number of the state of the draft that is in the workspace.
    #[must_use]
    pub fn edit(&self) -> Option<u64> {
        self.book.as_ref()?.draft.as_ref().map(|draft| draft.edit)
    }

    #[must_use]
    pub const fn book(&self) -> Option<&Book> {
        self.book.as_ref()
    }

    #[must_use]
    pub fn schemas(&self) -> Option<&BySystem<Schema>> {
        self.book.as_ref()?.schemas.as_deref()
    }

    /// The mapping that changes are made to.
    #[must_use]
    pub fn current(&self) -> Option<&ObjectMapping> {
        self.book.as_ref()?.current()?.object(self.object)
    }

    #[must_use]
    pub fn deployed(&self) -> Option<&ObjectMapping> {
        self.book.as_ref()?.deployed.as_ref()?.config.object(self.object)
    }

    /// The objects of the configuration.
    #[must_use]
    pub fn objects(&self) -> Vec<Mapped> {
        let objects = self.book.as_ref().map(Book::objects).unwrap_or_default();
        objects.into_iter().map(|object| (object, None)).collect()
    }

    /// An object of the configuration that could not be checked, since its fields are not known.
    #[must_use]
    pub fn unchecked(&self) -> Option<ObjectKind> {
        let book = self.book.as_ref()?;
        let known = |object| book.all_schemas().any(|pair| pair.hubspot.object == object);
        book.objects().into_iter().find(|object| !known(*object))
    }

    /// What stands against deploying, or is worth a look, in the other objects and the configuration as a whole.
    #[must_use]
    pub fn elsewhere(&self) -> &[Finding] {
        &self.judged.elsewhere
    }

    /// What stands against deploying, or is worth a look, in this object.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.judged.findings
    }

    /// What differs from what is deployed, besides the field mappings of this object.
    #[must_use]
    pub fn other_changes(&self) -> &[Change] {
        &self.judged.other
    }

    /// What the check says of the draft and not of the deployed version.
    #[must_use]
    pub fn fresh(&self) -> &[Finding] {
        &self.judged.fresh
    }

    /// Everything that differs from what is deployed.
    #[must_use]
    pub fn all_changes(&self) -> &[Change] {
        &self.judged.all
    }

    /// How many settings differ from what is deployed.
    #[must_use]
    pub const fn changes(&self) -> usize {
        self.judged.changes
    }

    /// Whether what is known of the draft is of what is on the screen.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        self.judging == Reading::No
    }

    /// Whether the workspace holds what is on the screen.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.kept == Kept::Yes
    }

    /// What the deploy under way is at, where one is.
    #[must_use]
    pub fn deploying(&self) -> Option<&str> {
        self.deploying.as_deref()
    }

    /// Shows another object. What is on its way into the workspace goes on.
    pub fn turn(&mut self, object: ObjectKind) {
        self.object = object;
        self.judged = Judged::default();
        if self.kept == Kept::Yes {
            self.book = None;
            return;
        }
        if let Some(book) = &mut self.book {
            let all: Vec<_> = book.schemas.take().into_iter().chain(book.elsewhere.drain(..)).collect();
            let (mut own, elsewhere): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|pair| pair.hubspot.object == object);
            (book.schemas, book.elsewhere) = (own.pop(), elsewhere);
            book.watched = BySystem::default();
        }
    }

    /// Reads the configuration again; where a change is on its way there, after that.
    pub fn load<M: Send + 'static>(&mut self, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        self.owes_reading = self.kept != Kept::Yes;
        if self.owes_reading {
            return;
        }
        let (source, object) = (Arc::clone(&self.source), self.object);
        ctx.fetch(
            move || wrap(DraftMessage::Loaded(object, source.book(object).map(Box::new))),
            move |why| wrap(DraftMessage::Loaded(object, Err(SourceError(why)))),
        );
    }

    /// Changes the draft; makes one of the deployed version where there is none.
    pub fn change<M: Send + 'static>(
        &mut self,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(DraftMessage) -> M,
        change: impl FnOnce(&mut ObjectMapping),
    ) {
        let Some(mut config) = self.book.as_ref().and_then(Book::current).cloned() else { return };
        if let Some(object) = config.object_mut(self.object) {
            change(object);
        }
        self.replace(config, ctx, wrap);
    }

    /// Makes `config` the draft.
    pub fn replace<M: Send + 'static>(&mut self, config: Config, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        self.put(config, ctx, wrap);
        if self.kept == Kept::Yes {
            self.save(ctx, wrap);
        } else {
            self.kept = Kept::Behind;
        }
    }

    /// Shows `config` as the draft.
    fn put<M: Send + 'static>(&mut self, config: Config, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        let book = self.book.get_or_insert_default();
        let next = book.deployed.as_ref().map_or(1, |deployed| deployed.version.0 + 1);
        let version = book.draft.as_ref().map_or(ConfigVersion(next), |draft| draft.version);
        book.draft = Some(Version {
            version,
            edit: 0,
            author: String::new(),
            is_tested: false,
            tested: None,
            config: Arc::new(config),
        });
        self.judge(ctx, wrap);
    }

    fn save<M: Send + 'static>(&mut self, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        let Some(config) = self.drafted() else { return };
        self.kept = Kept::Soon;
        self.sending = Some(Arc::clone(&config));
        let base = self.base.as_ref().map_or(Base::Nothing, |(edit, _)| Base::Edit(*edit));
        let (source, now) = (Arc::clone(&self.source), ctx.world.now);
        ctx.fetch(
            move || wrap(DraftMessage::Saved(source.save(&config, base, now))),
            move |why| wrap(DraftMessage::Saved(Err(NotSaved::Failed(SourceError(why))))),
        );
    }

    fn drafted(&self) -> Option<Arc<Config>> {
        self.book.as_ref()?.draft.as_ref().map(|draft| Arc::clone(&draft.config))
    }

    /// Has the draft checked and compared; however fast it changes, there is one check at a time.
    fn judge<M: Send + 'static>(&mut self, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        if !self.judging.begins() {
            return;
        }
        let (book, object) = (self.book.clone().unwrap_or_default(), self.object);
        ctx.fetch(
            move || wrap(DraftMessage::Judged(Ok(Box::new(Judgement { object, judged: Judged::of(&book, object) })))),
            move |why| wrap(DraftMessage::Judged(Err(SourceError(why)))),
        );
    }

    /// Takes in what came back; true when what is on the screen may have changed.
    pub fn receive<M: Send + 'static>(
        &mut self,
        message: DraftMessage,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(DraftMessage) -> M,
    ) -> bool {
        match message {
            DraftMessage::Loaded(object, book) => return self.loaded(object, book, ctx, wrap),
            DraftMessage::Judged(judgement) => {
                self.receive_judgement(judgement, ctx, wrap);
                return false;
            }
            DraftMessage::Saved(saved) => self.saved(saved, ctx, wrap),
            DraftMessage::Together(together) => self.together(together, ctx, wrap),
            DraftMessage::TakeMine(place) => self.take_mine(place, ctx, wrap),
            DraftMessage::TestFirst => {}
            DraftMessage::Deploy(edit) => deploy::deploy(self, edit, ctx, wrap),
            DraftMessage::Step => deploy::step(self, ctx, wrap),
            DraftMessage::Deployed(result) => deploy::deployed(self, result, ctx, wrap),
            DraftMessage::Revert(edit) => deploy::revert(self, edit, ctx, wrap),
            DraftMessage::Reverted(result) => deploy::reverted(self, result, ctx, wrap),
        }
        true
    }

    fn loaded<M: Send + 'static>(
        &mut self,
        object: ObjectKind,
        book: Result<Box<Book>, SourceError>,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(DraftMessage) -> M,
    ) -> bool {
        // older than what is on the screen: a change was made meanwhile, or another object is shown
        if self.kept != Kept::Yes || object != self.object {
            return false;
        }
        match book {
            Ok(book) => {
                let objects = book.objects();
                self.base = book.newest().map(|version| (version.edit, Arc::clone(&version.config)));
                self.book = Some(*book);
                self.error = None;
                self.judge(ctx, wrap);
                // an object that is not mapped has nothing to show: the first that is takes its place
                if let Some(first) = objects.first().filter(|_| !objects.contains(&self.object)) {
                    self.object = *first;
                    self.load(ctx, wrap);
                }
            }
            Err(error) => self.error = Some(error.0),
        }
        true
    }

    fn receive_judgement<M: Send + 'static>(
        &mut self,
        judgement: Result<Box<Judgement>, SourceError>,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(DraftMessage) -> M,
    ) {
        match judgement {
            Ok(judgement) if judgement.object == self.object => self.judged = judgement.judged,
            Ok(_) => {}
            Err(error) => {
                let report =
                    Report::new("The draft could not be checked.", "It is checked again with the next change.");
                ctx.report(report.because(error.0));
            }
        }
        if self.judging.ends() {
            self.judge(ctx, wrap);
        }
    }

    fn saved<M: Send + 'static>(
        &mut self,
        saved: Result<Saved, NotSaved>,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(DraftMessage) -> M,
    ) {
        let behind = self.kept == Kept::Behind;
        match saved {
            Ok(saved) => {
                self.kept = Kept::Yes;
                self.base = self.sending.take().map(|config| (saved.edit, config));
                if let Some(draft) = self.book.as_mut().and_then(|book| book.draft.as_mut()) {
                    draft.version = saved.version;
                    draft.edit = if behind { 0 } else { saved.edit };
                }
                if behind {
                    self.save(ctx, wrap);
                } else if self.owes_reading {
                    self.load(ctx, wrap);
                }
            }
            Err(NotSaved::Stale(current)) => self.merge(*current, ctx, wrap),
            Err(NotSaved::Failed(error)) => self.lost(error, ctx, wrap),
        }
    }

    fn lost<M: Send + 'static>(&mut self, error: SourceError, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        self.kept = Kept::Yes;
        let report = Report::new("The draft could not be saved.", "The screen shows again what is kept.");
        ctx.report(report.because(error.0));
        self.load(ctx, wrap);
    }

    /// Somebody else was first: what is on the screen goes together with what is there now.
    fn merge<M: Send + 'static>(&mut self, current: Current, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        let Some(mine) = self.drafted() else { return };
        self.kept = Kept::Soon;
        let ours = Ours { base: self.base.clone(), mine };
        let (source, now) = (Arc::clone(&self.source), ctx.world.now);
        ctx.fetch(
            move || {
                let together = together::together(source.as_ref(), ours, current, now);
                wrap(DraftMessage::Together(together.map(Box::new)))
            },
            move |why| wrap(DraftMessage::Together(Err(SourceError(why)))),
        );
    }

    fn together<M: Send + 'static>(
        &mut self,
        together: Result<Box<Together>, SourceError>,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(DraftMessage) -> M,
    ) {
        let Together { ours, current, merged, told } = match together {
            Ok(together) => *together,
            Err(error) => return self.lost(error, ctx, wrap),
        };
        if self.kept == Kept::Behind {
            return self.merge(current, ctx, wrap);
        }
        // what else changed is read once this is saved
        self.owes_reading = true;
        self.base = current.version.as_ref().map(|theirs| (theirs.edit, Arc::clone(&theirs.config)));
        self.put(merged.config, ctx, wrap);
        self.save(ctx, wrap);
        ctx.say(told);
        if let Some(theirs) = current.version.filter(|_| !merged.clashes.is_empty()) {
            let (clashes, mine) = (merged.clashes, BTreeSet::new());
            self.clashing = Some(Clashing { ours, theirs: theirs.config, who: theirs.author, clashes, mine });
            self.ask_whose(ctx, wrap);
        }
    }

    /// Offers ours where both changed the same and theirs is in the draft.
    fn ask_whose<M: Send + 'static>(&self, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        let Some(Clashing { clashes, who, .. }) = &self.clashing else { return };
        let title = format!("{who} changed the same: theirs is in the draft");
        let menu = Menu::new(title, together::choices(clashes, who));
        ctx.choose(menu, move |place| wrap(DraftMessage::TakeMine(place)));
    }

    fn take_mine<M: Send + 'static>(&mut self, place: usize, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        let Some(mut clashing) = self.clashing.take() else { return };
        // the first choice is theirs
        let Some(place) = place.checked_sub(1).filter(|place| *place < clashing.clashes.len()) else { return };
        clashing.mine.insert(clashing.clashes.remove(place).path);
        let choose = |path: &str| if clashing.mine.contains(path) { Side::Mine } else { Side::Theirs };
        match together::merge(&clashing.ours, &clashing.theirs, choose) {
            Ok(merged) => {
                self.replace(merged.config, ctx, wrap);
                ctx.say("Yours is in the draft; the history keeps theirs.");
            }
            Err(error) => return self.lost(error, ctx, wrap),
        }
        if !clashing.clashes.is_empty() {
            self.clashing = Some(clashing);
            self.ask_whose(ctx, wrap);
        }
    }
}
