//! The record whose values stand beside the mappings: chosen with `i`, or the one that was opened last in Records.

use std::collections::BTreeSet;

use super::{Context, Mappings, Message};
use crate::engine::core::state::Status;
use crate::engine::driver::glance::Glance;
use crate::mapping::ObjectMapping;
use crate::model::{BySystem, FieldName, Record, RecordRef, System, Timestamp};
use crate::tui::report::Report;
use crate::tui::tabs::Reading;
use crate::tui::tabs::desk::LastOpened;
use crate::tui::tabs::draft::trials::TrialSource;
use crate::tui::tabs::finding;
use crate::tui::tabs::records::source::RecordSource;
use crate::tui::world::SourceError;
use crate::view::sample::Sample;

/// The chosen record, and what is known of it. What a glance saw is kept here alone.
pub struct Chosen {
    last_opened: LastOpened,
    record: Option<RecordRef>,
    pub sample: Option<Box<Sample>>,
    /// The fields that a glance saw.
    seen: BySystem<BTreeSet<FieldName>>,
    reading: Reading,
    /// Why the record could not be read.
    pub error: Option<String>,
}

/// What comes back.
#[derive(Debug)]
pub enum Step {
    Named(String),
    Found(Result<Vec<Status>, SourceError>),
    Choose(Option<RecordRef>),
    Read(RecordRef, Result<Option<Box<Sample>>, SourceError>),
    Seen(RecordRef, System, Vec<FieldName>, Result<Vec<Record>, String>),
}

impl Chosen {
    #[must_use]
    pub const fn new(last_opened: LastOpened) -> Self {
        Self {
            last_opened,
            record: None,
            sample: None,
            seen: BySystem::new(BTreeSet::new(), BTreeSet::new()),
            reading: Reading::No,
            error: None,
        }
    }

    fn choose(&mut self, record: RecordRef) {
        if self.record != Some(record) {
            (self.record, self.sample, self.seen, self.error) = (Some(record), None, BySystem::default(), None);
        }
    }
}

/// Reads the record again; where none of this object was chosen, the one that was opened last.
pub fn look(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let object = tab.draft.object;
    if tab.chosen.record.is_none_or(|record| record.object != object) {
        (tab.chosen.record, tab.chosen.sample) = (None, None);
        if let Some(last) = tab.chosen.last_opened.get().filter(|last| last.object == object) {
            tab.chosen.choose(last);
        }
    }
    let Some(record) = tab.chosen.record else { return };
    // a draft that is not in the workspace yet is read once it is
    if !tab.draft.is_kept() || !tab.chosen.reading.begins() {
        return;
    }
    let watched = tab.draft.book().map(|book| book.watched.clone()).unwrap_or_default();
    let (records, trials, now) = (tab.objects.records(), tab.draft.trials(), ctx.world.now);
    ctx.fetch(
        move || Message::Sample(Step::Read(record, read(records.as_ref(), trials.as_ref(), record, watched, now))),
        move |why| Message::Sample(Step::Read(record, Err(SourceError(why)))),
    );
}

fn read(
    records: &dyn RecordSource,
    trials: &dyn TrialSource,
    record: RecordRef,
    watched: BySystem<Vec<FieldName>>,
    now: Timestamp,
) -> Result<Option<Box<Sample>>, SourceError> {
    let Some(opened) = records.open(record, now)? else { return Ok(None) };
    // a draft that can't be tested says so elsewhere: what is deployed tells at least what is read
    let drafted = trials.compare(record).ok().flatten().and_then(|compared| compared.difference.draft);
    let name = opened.plan.name.clone();
    let plan = Some(drafted.unwrap_or(opened.plan));
    let cached = opened.observations.map(|_, observation| observation.map(|observation| observation.record));
    Ok(Some(Box::new(Sample { name, plan, cached, watched, ..Sample::default() })))
}

/// Asks which record.
pub fn ask(tab: &Mappings, ctx: &mut Context<'_>) {
    let last = tab.chosen.last_opened.get().filter(|record| record.object == tab.draft.object);
    finding::ask("The values of which record?", last, ctx, |text| Message::Sample(Step::Named(text)));
}

pub fn receive(tab: &mut Mappings, step: Step, ctx: &mut Context<'_>) {
    match step {
        Step::Named(text) => {
            let last = tab.chosen.last_opened.get().filter(|record| record.object == tab.draft.object);
            match last.filter(|_| text.trim().is_empty()) {
                Some(record) => choose(tab, record, ctx),
                None => finding::look(tab.objects.records(), tab.draft.object, &text, ctx, |found| {
                    Message::Sample(Step::Found(found))
                }),
            }
        }
        Step::Found(found) => {
            finding::choose(found, ctx, |row| Message::Sample(Step::Choose(row.as_ref().map(Status::anchor))))
        }
        Step::Choose(Some(record)) => choose(tab, record, ctx),
        Step::Choose(None) => {}
        Step::Read(record, sample) => taken(tab, record, sample, ctx),
        Step::Seen(record, system, fields, seen) => seen_now(tab, record, system, fields, seen),
    }
}

fn choose(tab: &mut Mappings, record: RecordRef, ctx: &mut Context<'_>) {
    if record.object == tab.draft.object {
        tab.chosen.choose(record);
        look(tab, ctx);
    }
}

fn taken(
    tab: &mut Mappings,
    record: RecordRef,
    sample: Result<Option<Box<Sample>>, SourceError>,
    ctx: &mut Context<'_>,
) {
    if tab.chosen.record == Some(record) {
        match sample {
            Ok(Some(mut sample)) => {
                if let Some(before) = tab.chosen.sample.take() {
                    (sample.glanced, sample.unseen) = (before.glanced, before.unseen);
                }
                (tab.chosen.sample, tab.chosen.error) = (Some(sample), None);
                glance(tab, record, ctx);
            }
            Ok(None) => {
                (tab.chosen.record, tab.chosen.sample) = (None, None);
                ctx.say("That record is not read any more; i chooses another one.");
            }
            Err(error) => {
                let report = Report::new("The values of the record could not be read.", "i tries again.");
                if tab.chosen.error.as_ref() != Some(&error.0) {
                    ctx.report(report.because(error.0.clone()));
                }
                tab.chosen.error = Some(error.0);
            }
        }
    }
    if tab.chosen.reading.ends() {
        look(tab, ctx);
    }
}

/// All fields of a system that a mapping names, those that its transforms look at included.
fn named(mapping: &ObjectMapping, system: System) -> BTreeSet<FieldName> {
    let mapped = mapping.fields.iter().map(|field| field.field(system).clone());
    mapped.chain(mapping.fields.iter().flat_map(|field| field.transform.reads(system))).collect()
}

/// Has the engine look at what the draft names and nobody reads.
fn glance(tab: &Mappings, record: RecordRef, ctx: &mut Context<'_>) {
    let (Some(sample), Some(mapping)) = (&tab.chosen.sample, tab.draft.current()) else { return };
    for system in System::BOTH {
        let Some(id) = sample.cached[system].as_ref().map(|record| record.id) else { continue };
        let fields = named(mapping, system);
        let is_known =
            |name: &FieldName| sample.watched[system].contains(name) || tab.chosen.seen[system].contains(name);
        if fields.iter().all(is_known) {
            continue;
        }
        let fields: Vec<FieldName> = fields.into_iter().collect();
        let object = record.object;
        let work = ctx.world.engine.glance(Glance { object, system, fields: fields.clone(), ids: vec![id] });
        ctx.spawn(async move { Message::Sample(Step::Seen(record, system, fields, work.await)) });
    }
}

fn seen_now(
    tab: &mut Mappings,
    record: RecordRef,
    system: System,
    fields: Vec<FieldName>,
    seen: Result<Vec<Record>, String>,
) {
    let Some(sample) = tab.chosen.sample.as_mut().filter(|_| tab.chosen.record == Some(record)) else { return };
    // asked once for each set of fields, whatever came of it
    tab.chosen.seen[system] = fields.into_iter().collect();
    match seen {
        Ok(records) => {
            sample.glanced[system] = records.into_iter().next();
            sample.unseen = None;
        }
        Err(why) => sample.unseen = Some(why),
    }
}
