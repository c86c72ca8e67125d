//! Pipelines and stages, and the properties that move along them.
//!
//! A deal or ticket takes a stage only together with the pipeline it belongs to; stage ids are unique in an account, so
//! that the pipeline of a stage is known. `lifecyclestage` moves forward by itself: a write that goes back is ignored with
//! a 200. To go back it is cleared first, and set by a second request. Should the second one fail, the record is told
//! with the empty stage that it then has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::paths::{self, Route};
use super::read::results;
use super::record::{self, Reader};
use super::write::{Item, Verb, Verdict};
use super::{HubCall, HubSpot};
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::connect::redact::clip_message;
use crate::engine::core::request::{Failure, ItemOutcome, Request, RequestBody};
use crate::model::{ChoiceOption, FieldName, ObjectKind, StageOutcome, Value};

pub(super) const LIFECYCLE: &str = "lifecyclestage";
/// Pipelines change by hand: this old they are read again before they are relied on.
const FRESH: Duration = Duration::from_secs(600);
/// A stage that is not among them may be new; they are not read again for it more often than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// The properties that hold pipeline and stage.
pub(super) const fn properties(object: ObjectKind) -> Option<(&'static str, &'static str)> {
    match object {
        ObjectKind::Deal => Some(("pipeline", "dealstage")),
        ObjectKind::Ticket => Some(("hs_pipeline", "hs_pipeline_stage")),
        _ => None,
    }
}

/// All pipelines of an object, and their stages, as options.
#[derive(Debug, Default)]
pub(super) struct Pipelines {
    pub pipelines: Vec<ChoiceOption>,
    /// The parent of each is its pipeline.
    pub stages: Vec<ChoiceOption>,
}

/// What was read of them last.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<BTreeMap<ObjectKind, (Instant, Arc<Pipelines>)>>);

impl Known {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ObjectKind, (Instant, Arc<Pipelines>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, object: ObjectKind) -> Option<(Instant, Arc<Pipelines>)> {
        self.lock().get(&object).cloned()
    }
}

impl HubSpot {
    /// Reads the pipelines of an object, and remembers them.
    pub(super) async fn pipelines(&self, object: ObjectKind, session: &mut Session) -> Result<Arc<Pipelines>, Fault> {
        let rest = format!("/{}", paths::object(object));
        let body = self.call(&HubCall::get(Route::Pipelines, rest), session).await?;
        let read = Arc::new(parse(object, results(&body)?));
        self.pipelines.lock().insert(object, (Instant::now(), Arc::clone(&read)));
        Ok(read)
    }

    /// Makes sure that the pipeline of every stage in a write is known. A portal that does not show its pipelines gets the
    /// stage alone.
    pub(super) async fn learn_pipelines(&self, request: &Request, session: &mut Session) -> Result<(), Fault> {
        let Some((pipeline, stage)) = properties(request.object) else { return Ok(()) };
        let values: Vec<&[(FieldName, Value)]> = match &request.body {
            RequestBody::Create { items, .. } => items.iter().map(|one| one.values.as_slice()).collect(),
            RequestBody::Update { items, .. } => items.iter().map(|one| one.values.as_slice()).collect(),
            _ => return Ok(()),
        };
        let find = |values: &[(FieldName, Value)], name: &str| {
            let value = values.iter().find(|(field, _)| field.as_str() == name).map(|(_, value)| value.to_plain());
            value.filter(|value| !value.is_empty())
        };
        let mut alone =
            values.iter().filter(|values| find(values, pipeline).is_none()).filter_map(|values| find(values, stage));
        let known = self.pipelines.get(request.object);
        let needed = match &known {
            Some((read, _)) if read.elapsed() < PATIENCE => false,
            Some((read, all)) if read.elapsed() < FRESH => {
                alone.any(|stage| !all.stages.iter().any(|one| one.key == stage))
            }
            _ => alone.next().is_some(),
        };
        if !needed {
            return Ok(());
        }
        match self.pipelines(request.object, session).await {
            Ok(_) => Ok(()),
            Err(Fault { failure: Failure::Denied { .. } | Failure::Rejected(_), .. }) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// The properties of a write, with the pipeline beside a stage that came without it.
    pub(super) fn with_pipeline(&self, object: ObjectKind, mut written: Json) -> Json {
        let Some((pipeline, stage)) = properties(object) else { return written };
        let Some(map) = written.as_object_mut() else { return written };
        let Some(stage) = map.get(stage).and_then(Json::as_str).filter(|stage| !stage.is_empty()) else {
            return written;
        };
        if map.contains_key(pipeline) {
            return written;
        }
        let parent = self
            .pipelines
            .get(object)
            .and_then(|(_, all)| all.stages.iter().find(|one| one.key == stage).and_then(|one| one.parent.clone()));
        if let Some(parent) = parent {
            map.insert(pipeline.to_owned(), Json::String(parent));
        }
        written
    }

    /// Moves lifecycle stages back where HubSpot ignored that.
    pub(super) async fn move_back(
        &self,
        reader: &Reader<'_>,
        items: &[Item<'_>],
        verdicts: &mut [Option<Verdict>],
        session: &mut Session,
    ) {
        let ignored: Vec<usize> = (0..items.len())
            .filter(|at| verdicts[*at].as_ref().is_some_and(|verdict| was_ignored(&items[*at], verdict)))
            .collect();
        if ignored.is_empty() {
            return;
        }
        let steps = |value: &dyn Fn(&Item<'_>) -> String| -> Vec<Item<'_>> {
            ignored.iter().map(|at| lifecycle_step(&items[*at], value(&items[*at]))).collect()
        };
        let (clear, set) = (steps(&|_| String::new()), steps(&wanted));
        let cleared = match self.step(reader, &clear, None, session).await {
            Ok(done) => done,
            // The stage may be empty now, or become so: what the first answer showed is no longer known.
            Err(Fault { failure: Failure::Unknown(why), .. }) => {
                for at in &ignored {
                    let why = format!("The stage was being cleared to set it back, and there was no answer: {why}");
                    verdicts[*at] = Some(Verdict::unknown(&why));
                }
                return;
            }
            // Nothing was done.
            Err(_) => return,
        };
        for (verdict, at) in cleared.iter().zip(&ignored) {
            keep(&mut verdicts[*at], verdict);
        }
        let open = (0..set.len()).filter(|at| matches!(cleared[*at].outcome, ItemOutcome::Applied(_))).collect();
        match self.step(reader, &set, Some(open), session).await {
            Ok(done) => {
                for (verdict, at) in done.iter().zip(&ignored) {
                    keep(&mut verdicts[*at], verdict);
                }
            }
            // The stage was cleared and there is no word about setting it.
            Err(_) => {
                for (at, cleared) in ignored.iter().zip(&cleared) {
                    if matches!(cleared.outcome, ItemOutcome::Applied(_)) {
                        verdicts[*at] = Some(Verdict::unknown(
                            "The stage was cleared to set it back, and then there was no answer.",
                        ));
                    }
                }
            }
        }
    }

    /// One of the two steps.
    ///
    /// # Errors
    /// Where it failed as a whole.
    async fn step(
        &self,
        reader: &Reader<'_>,
        items: &[Item<'_>],
        open: Option<Vec<usize>>,
        session: &mut Session,
    ) -> Result<Vec<Verdict>, Fault> {
        let open = open.unwrap_or_else(|| (0..items.len()).collect());
        let mut verdicts: Vec<Option<Verdict>> = items.iter().map(|_| None).collect();
        self.send_batch(reader, Verb::Update, items, open, &mut verdicts, session).await?;
        let skipped = || Verdict::rejected(super::nothing_sent());
        Ok(verdicts.into_iter().map(|one| one.unwrap_or_else(skipped)).collect())
    }
}

/// The first answer stands where a step was refused: it shows what the record holds.
fn keep(slot: &mut Option<Verdict>, step: &Verdict) {
    if !matches!(step.outcome, ItemOutcome::Rejected(_)) {
        *slot = Some(step.clone());
    }
}

fn wanted(item: &Item<'_>) -> String {
    let value = item.values.iter().find(|(name, _)| name.as_str() == LIFECYCLE);
    value.map(|(_, value)| value.to_plain()).unwrap_or_default()
}

/// Whether the answer shows another stage than the one that was asked for.
fn was_ignored(item: &Item<'_>, verdict: &Verdict) -> bool {
    let wanted = wanted(item);
    let shown = verdict.json.as_ref().and_then(|json| json.get("properties")?.get(LIFECYCLE)).and_then(record::plain);
    matches!(verdict.outcome, ItemOutcome::Applied(_))
        && !wanted.is_empty()
        && shown.is_some_and(|shown| shown != wanted)
}

fn lifecycle_step<'a>(item: &Item<'a>, value: String) -> Item<'a> {
    let id = item.target.map(|id| id.to_string()).unwrap_or_default();
    let input = json!({ "id": id, "objectWriteTraceId": item.intent.to_string(), "properties": { LIFECYCLE: value } });
    Item { intent: item.intent, target: item.target, stamp: None, values: item.values, stranger: None, input }
}

fn parse(object: ObjectKind, list: &[Json]) -> Pipelines {
    let mut all = Pipelines::default();
    for pipeline in list {
        let Some(option) = option(pipeline) else { continue };
        for stage in pipeline.get("stages").and_then(Json::as_array).into_iter().flatten() {
            let Some(mut one) = self::option(stage) else { continue };
            one.inactive |= option.inactive;
            one.parent = Some(option.key.clone());
            one.outcome = Some(outcome(object, stage.get("metadata").unwrap_or(&Json::Null)));
            all.stages.push(one);
        }
        all.pipelines.push(option);
    }
    all
}

fn option(json: &Json) -> Option<ChoiceOption> {
    let key = json.get("id").and_then(record::plain)?;
    let label = json.get("label").and_then(record::plain).map_or_else(|| key.clone(), |label| clip_message(&label));
    let inactive = json.get("archived").and_then(Json::as_bool).unwrap_or(false);
    Some(ChoiceOption { key, label, inactive, ..ChoiceOption::default() })
}

/// The metadata are texts: `"isClosed": "true"`, `"probability": "1.0"`.
fn outcome(object: ObjectKind, metadata: &Json) -> StageOutcome {
    let word = |name: &str| metadata.get(name).and_then(record::plain).unwrap_or_default().to_lowercase();
    let probability = word("probability").parse::<f64>().ok();
    let won = probability.is_some_and(|p| p >= 1.0);
    let lost = probability.is_some_and(|p| p <= 0.0);
    if word("isClosed") != "true" && word("ticketState") != "closed" {
        return StageOutcome::Open;
    }
    match object {
        ObjectKind::Deal if won => StageOutcome::Won,
        ObjectKind::Deal if lost => StageOutcome::Lost,
        _ => StageOutcome::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_know_their_pipeline_and_what_they_mean() {
        let stage = |id: &str, p: &str, closed: &str| json!({"id": id, "label": id, "metadata": {"probability": p, "isClosed": closed}});
        let deals = parse(
            ObjectKind::Deal,
            &[
                json!({"id": "default", "label": "Sales Pipeline", "stages": [stage("a", "0.2", "false"), stage("w", "1.0", "true"),
                stage("l", "0.0", "true"), stage("x", "0.5", "true"), {"label": "no id"}]}),
                json!({"id": 77, "label": "", "archived": true, "stages": [stage("o", "", "")]}),
                json!("odd"),
            ],
        );
        let told: Vec<_> = deals
            .stages
            .iter()
            .map(|one| (one.key.as_str(), one.parent.as_deref(), one.outcome, one.inactive))
            .collect();
        assert_eq!(
            told,
            [
                ("a", Some("default"), Some(StageOutcome::Open), false),
                ("w", Some("default"), Some(StageOutcome::Won), false),
                ("l", Some("default"), Some(StageOutcome::Lost), false),
                ("x", Some("default"), Some(StageOutcome::Closed), false),
                ("o", Some("77"), Some(StageOutcome::Open), true),
            ]
        );
        assert_eq!((deals.pipelines[1].label.as_str(), deals.pipelines[1].inactive), ("77", true));
        let ticket = json!({"ticketState": "CLOSED", "isClosed": "true"});
        assert_eq!(outcome(ObjectKind::Ticket, &ticket), StageOutcome::Closed);
        assert_eq!(outcome(ObjectKind::Ticket, &json!({"ticketState": "CLOSED"})), StageOutcome::Closed);
        assert_eq!(outcome(ObjectKind::Ticket, &json!(null)), StageOutcome::Open);
    }
}
