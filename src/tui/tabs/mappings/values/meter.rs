//! How far each value map of the draft reaches: what records hold is read once for each state of the cache, what the map
//! makes of it is asked with every change; both beside the UI.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::civil::Date;

use super::source::{Question, ValueSource};
use crate::filter::day_of;
use crate::mapping::coverage::{Counted, Coverage, Held};
use crate::mapping::{FieldKey, ObjectMapping};
use crate::model::{BySystem, FieldName, ObjectKind, Timestamp};
use crate::tui::ctx::Ctx;
use crate::tui::tabs::Reading;
use crate::tui::tabs::draft::Draft;
use crate::tui::world::SourceError;

/// While the cache fills it changes all the time: it is not read more often than this.
const REST: Duration = Duration::from_secs(10);

/// What records hold, and of which state of the cache.
#[derive(Debug)]
pub struct Known {
    object: ObjectKind,
    revision: u64,
    counted: Counted,
    cached: BySystem<Vec<FieldName>>,
    today: Date,
    held: Held,
}

impl Known {
    /// Whether a change of the draft since then changes none of the numbers.
    fn fits(&self, question: &Question) -> bool {
        self.object == question.mapping.object
            && self.cached == question.cached
            && self.today == question.today
            && self.counted == Counted::of(&question.mapping)
    }
}

/// What came of looking.
#[derive(Debug)]
pub enum Measured {
    Read {
        known: Arc<Known>,
        coverage: BTreeMap<FieldKey, Coverage>,
    },
    /// What planning found that would wait, of the look with that number.
    HeldBack(u64, BTreeMap<FieldKey, u64>),
}

/// The numbers of one object.
pub struct Meter {
    source: Arc<dyn ValueSource>,
    reading: Reading,
    /// Grows when another object is shown: who still reads for the old one stops.
    turn: Arc<AtomicU64>,
    /// Grows with every planning: who still plans for an older one stops.
    looks: Arc<AtomicU64>,
    /// What was planned last, or is just being planned: of that state of the cache, with that mapping.
    planned: Option<(Arc<Known>, ObjectMapping)>,
    known: Option<Arc<Known>>,
    coverage: BTreeMap<FieldKey, Coverage>,
    read_at: Option<Timestamp>,
    /// Why the values could not be read.
    pub error: Option<String>,
}

impl Meter {
    #[must_use]
    pub fn new(source: Arc<dyn ValueSource>) -> Self {
        Self {
            source,
            reading: Reading::No,
            turn: Arc::default(),
            looks: Arc::default(),
            planned: None,
            known: None,
            coverage: BTreeMap::new(),
            read_at: None,
            error: None,
        }
    }

    #[must_use]
    pub fn source(&self) -> Arc<dyn ValueSource> {
        Arc::clone(&self.source)
    }

    #[must_use]
    pub fn coverage(&self, key: &FieldKey) -> Option<&Coverage> {
        self.coverage.get(key)
    }

    #[must_use]
    pub fn all(&self) -> &BTreeMap<FieldKey, Coverage> {
        &self.coverage
    }

    /// What records hold, as far as it was read.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        self.known.as_ref().map(|known| &known.held)
    }

    /// Another object is shown.
    pub fn forget(&mut self) {
        self.turn.fetch_add(1, Ordering::Relaxed);
        self.looks.fetch_add(1, Ordering::Relaxed);
        (self.known, self.read_at, self.error, self.planned) = (None, None, None, None);
        self.coverage.clear();
    }

    /// Looks again: what is known of the cache counts for the draft as it is now.
    pub fn look<M: Send + 'static>(
        &mut self,
        draft: &Draft,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(Result<Option<Box<Measured>>, SourceError>) -> M,
    ) {
        let Some(question) = question(draft, ctx.world.now) else { return };
        if !self.reading.begins() {
            return;
        }
        let revision = ctx.world.snapshot.revision;
        let is_fresh = |known: &&Arc<Known>| known.fits(&question) && !self.is_due(known, revision, ctx.world.now);
        let known = self.known.as_ref().filter(is_fresh).map(Arc::clone);
        if known.is_none() {
            self.read_at = Some(ctx.world.now);
        }
        let (source, newest) = (Arc::clone(&self.source), Arc::clone(&self.turn));
        let turn = newest.load(Ordering::Relaxed);
        ctx.fetch(
            move || {
                let wanted = || newest.load(Ordering::Relaxed) == turn;
                let known =
                    known.map_or_else(|| read(source.as_ref(), &question, revision, &wanted), |one| Ok(Some(one)));
                wrap(known.map(|known| {
                    let coverage =
                        |known: Arc<Known>| Measured::Read { coverage: covered(&question, &known.held), known };
                    known.filter(|_| wanted()).map(coverage).map(Box::new)
                }))
            },
            move |why| wrap(Err(SourceError(why))),
        );
    }

    fn is_due(&self, known: &Known, revision: u64, now: Timestamp) -> bool {
        known.revision != revision && self.read_at.is_none_or(|at| now.since(at) >= REST)
    }

    /// Whether the cache was written to since it was read, long enough ago.
    #[must_use]
    pub fn is_behind(&self, revision: u64, now: Timestamp) -> bool {
        self.known.as_ref().is_none_or(|known| self.is_due(known, revision, now))
    }

    /// Takes in what came back; true when what is on the screen may have changed.
    pub fn receive<M: Send + 'static>(
        &mut self,
        measured: Result<Option<Box<Measured>>, SourceError>,
        draft: &Draft,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(Result<Option<Box<Measured>>, SourceError>) -> M,
    ) -> bool {
        let measured = match measured.map(|measured| measured.map(|one| *one)) {
            Ok(Some(Measured::HeldBack(look, found))) => return self.hold_back(look, &found),
            Ok(Some(Measured::Read { known, coverage })) => Ok(Some((known, coverage))),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let again = self.reading.ends();
        let changed = match measured {
            Ok(Some((known, coverage))) if known.object == draft.object => {
                let before = std::mem::replace(&mut self.coverage, coverage);
                (self.known, self.error) = (Some(known), None);
                if self.is_planned(draft) {
                    for (key, coverage) in &mut self.coverage {
                        coverage.held_back = before.get(key).and_then(|before| before.held_back);
                    }
                } else if !again {
                    self.plan(draft, ctx, wrap);
                }
                true
            }
            Ok(_) => false,
            Err(error) => {
                self.error = Some(error.0);
                true
            }
        };
        if again {
            self.look(draft, ctx, wrap);
        }
        changed
    }
}

impl Meter {
    /// Whether nothing changed since that could make another number of what would wait.
    fn is_planned(&self, draft: &Draft) -> bool {
        let Some((known, mapping)) = &self.planned else { return false };
        self.known.as_ref().is_some_and(|now| Arc::ptr_eq(now, known)) && draft.current() == Some(mapping)
    }

    /// Has what lacks a partner planned, to tell what would wait for it.
    fn plan<M: Send + 'static>(
        &mut self,
        draft: &Draft,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(Result<Option<Box<Measured>>, SourceError>) -> M,
    ) {
        self.planned = None;
        if !self.coverage.values().any(Coverage::may_hold) {
            return;
        }
        let Some(question) = question(draft, ctx.world.now) else { return };
        self.planned = self.known.clone().map(|known| (known, question.mapping.clone()));
        let (source, newest) = (Arc::clone(&self.source), Arc::clone(&self.looks));
        let look = newest.fetch_add(1, Ordering::Relaxed) + 1;
        ctx.fetch(
            move || {
                let wanted = || newest.load(Ordering::Relaxed) == look;
                // what does not fit is told by the check of the draft: there is no number then
                let found = source.held_back(&question, &wanted).ok().flatten().unwrap_or_default();
                wrap(Ok(Some(Box::new(Measured::HeldBack(look, found)))))
            },
            move |why| wrap(Err(SourceError(why))),
        );
    }

    /// Takes in how many would wait, unless something else is being planned since.
    fn hold_back(&mut self, look: u64, found: &BTreeMap<FieldKey, u64>) -> bool {
        if self.looks.load(Ordering::Relaxed) != look {
            return false;
        }
        for (key, coverage) in &mut self.coverage {
            coverage.held_back = found.get(key).copied();
        }
        true
    }
}

fn read(
    source: &dyn ValueSource,
    question: &Question,
    revision: u64,
    wanted: &dyn Fn() -> bool,
) -> Result<Option<Arc<Known>>, SourceError> {
    let held = source.held(question, wanted)?;
    let (object, cached, counted) = (question.mapping.object, question.cached.clone(), Counted::of(&question.mapping));
    Ok(held.map(|held| Arc::new(Known { object, revision, counted, cached, today: question.today, held })))
}

fn covered(question: &Question, held: &Held) -> BTreeMap<FieldKey, Coverage> {
    let Question { mapping, schemas, .. } = question;
    let of = |field: &crate::mapping::FieldMapping| {
        let key = field.key();
        Some((key.clone(), Coverage::of(field, mapping.direction, schemas, held.used.get(&key)?)?))
    };
    mapping.fields.iter().filter_map(of).collect()
}

/// The draft as it is now; none before both systems' fields are known.
#[must_use]
pub fn question(draft: &Draft, now: Timestamp) -> Option<Question> {
    let mapping = draft.current().cloned()?;
    let schemas = draft.schemas().cloned()?;
    Some(Question { mapping, schemas, cached: draft.book()?.watched.clone(), today: day_of(now) })
}
