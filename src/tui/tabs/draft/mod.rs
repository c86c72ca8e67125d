//! The draft of the configuration while somebody changes it: on the screen at once, in the workspace soon after.

pub mod deploy;
pub mod source;
pub mod stored;

use std::sync::Arc;

use super::objects::Mapped;
use crate::mapping::lint::{self, Finding};
use crate::mapping::{Config, ObjectMapping};
use crate::model::{BySystem, ConfigVersion, ObjectKind, Schema};
use crate::tui::ctx::Ctx;
use crate::tui::report::Report;
use crate::tui::world::SourceError;
use source::{Book, ConfigSource, Version};

/// What comes back from the workspace.
#[derive(Debug)]
pub enum DraftMessage {
    Loaded(Result<Box<Book>, SourceError>),
    Saved(Result<ConfigVersion, SourceError>),
    /// A person said yes to it.
    Deploy,
    Deployed(Result<ConfigVersion, SourceError>),
    /// A person said yes to it.
    Revert,
    Reverted(Result<(), SourceError>),
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

/// The configuration of one object, as far as it is known, with the changes of this console.
pub struct Draft {
    source: Arc<dyn ConfigSource>,
    pub object: ObjectKind,
    book: Option<Book>,
    /// Of this object.
    findings: Vec<Finding>,
    /// Of all others.
    elsewhere: Vec<Finding>,
    kept: Kept,
    /// Why the configuration could not be read.
    pub error: Option<String>,
}

impl Draft {
    #[must_use]
    pub fn new(source: Arc<dyn ConfigSource>, object: ObjectKind) -> Self {
        Self { source, object, book: None, findings: Vec::new(), elsewhere: Vec::new(), kept: Kept::Yes, error: None }
    }

    #[must_use]
    pub fn source(&self) -> Arc<dyn ConfigSource> {
        Arc::clone(&self.source)
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

    /// What stands against deploying, or is worth a look, in the other objects.
    #[must_use]
    pub fn elsewhere(&self) -> &[Finding] {
        &self.elsewhere
    }

    /// What stands against deploying, or is worth a look, in this object.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Reads the configuration again, unless a change is on its way there.
    pub fn load<M: Send + 'static>(&self, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        if self.kept != Kept::Yes {
            return;
        }
        let (source, object) = (Arc::clone(&self.source), self.object);
        ctx.fetch(
            move || wrap(DraftMessage::Loaded(source.book(object).map(Box::new))),
            move |why| wrap(DraftMessage::Loaded(Err(SourceError(why)))),
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
        let book = self.book.get_or_insert_default();
        let next = book.deployed.as_ref().map_or(1, |deployed| deployed.version.0 + 1);
        let version = book.draft.as_ref().map_or(ConfigVersion(next), |draft| draft.version);
        book.draft = Some(Version { version, config });
        self.check();
        if self.kept == Kept::Yes {
            self.save(ctx, wrap);
        } else {
            self.kept = Kept::Behind;
        }
    }

    fn save<M: Send + 'static>(&mut self, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        let Some(config) = self.book.as_ref().and_then(|book| book.draft.as_ref()).map(|draft| draft.config.clone())
        else {
            return;
        };
        self.kept = Kept::Soon;
        let (source, now) = (Arc::clone(&self.source), ctx.world.now);
        ctx.fetch(
            move || wrap(DraftMessage::Saved(source.save(&config, now))),
            move |why| wrap(DraftMessage::Saved(Err(SourceError(why)))),
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
            // older than what is on the screen: a change was made meanwhile
            DraftMessage::Loaded(_) if self.kept != Kept::Yes => false,
            DraftMessage::Loaded(Ok(book)) => {
                let objects = book.objects();
                self.book = Some(*book);
                self.error = None;
                self.check();
                // an object that is not mapped has nothing to show: the first that is takes its place
                if let Some(first) = objects.first().filter(|_| !objects.contains(&self.object)) {
                    self.object = *first;
                    self.load(ctx, wrap);
                }
                true
            }
            DraftMessage::Loaded(Err(error)) => {
                self.error = Some(error.0);
                true
            }
            DraftMessage::Saved(saved) => {
                self.saved(saved, ctx, wrap);
                true
            }
            other => {
                self.decided(other, ctx, wrap);
                false
            }
        }
    }

    /// A deploy, or the end of the draft.
    fn decided<M: Send + 'static>(&self, message: DraftMessage, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
        match message {
            DraftMessage::Deploy => deploy::deploy(self, ctx, wrap),
            DraftMessage::Revert => deploy::revert(self, ctx, wrap),
            DraftMessage::Deployed(result) => deploy::deployed(self, result, ctx, wrap),
            DraftMessage::Reverted(result) => deploy::reverted(self, result, ctx, wrap),
            DraftMessage::Loaded(_) | DraftMessage::Saved(_) => {}
        }
    }

    fn saved<M: Send + 'static>(
        &mut self,
        saved: Result<ConfigVersion, SourceError>,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(DraftMessage) -> M,
    ) {
        let behind = self.kept == Kept::Behind;
        self.kept = Kept::Yes;
        match saved {
            Ok(version) => {
                if let Some(draft) = self.book.as_mut().and_then(|book| book.draft.as_mut()) {
                    draft.version = version;
                }
                if behind {
                    self.save(ctx, wrap);
                }
            }
            Err(error) => {
                let report = Report::new("The draft could not be saved.", "The screen shows again what is kept.");
                ctx.report(report.because(error.0));
                self.load(ctx, wrap);
            }
        }
    }

    fn check(&mut self) {
        let Some((book, config)) = self.book.as_ref().and_then(|book| Some((book, book.current()?))) else {
            self.findings.clear();
            self.elsewhere.clear();
            return;
        };
        let findings = book.all_schemas().flat_map(|schemas| lint::check(config, schemas));
        (self.findings, self.elsewhere) = findings.partition(|finding| finding.object == self.object);
    }
}
