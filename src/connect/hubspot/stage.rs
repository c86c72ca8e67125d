//! Pipelines and stages, and the properties that move along them.
//!
//! A deal or ticket takes a stage only together with the pipeline it belongs to; stage ids are unique in an account, so
//! that the pipeline of a stage is known. `lifecyclestage` moves forward by itself: a write that goes back is ignored with
//! a 200. To go back it is cleared first, and set by a second request. Should that one fail, it is sent once more, and after
//! that the stage that the record had: a record is left without a stage only where HubSpot takes none of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::paths::{self, Route};
use super::record::{self, Reader};
use super::told::results;
use super::write::{Item, Verb, Verdict};
use super::{HubCall, HubSpot};
use crate::connect::error::Fault;
use crate::connect::flag::flag;
use crate::connect::http::Session;
use crate::connect::redact::clip_message;
use crate::engine::core::request::{Failure, ItemOutcome, Request, RequestBody};
use crate::model::{ChoiceOption, FieldName, ObjectKind, StageOutcome, Value};

pub(super) const LIFECYCLE: &str = "lifecyclestage";
/// Pipelines change by hand: this old they are read again before they are relied on.
const FRESH: Duration = Duration::from_secs(600);
/// A stage that is not among them may be new; they are not read again for it more often than this.
const PATIENCE: Duration = Duration::from_secs(30);
/// A stage is not cleared with less than this left to send the second step in: the longest usual pause of HubSpot.
const SECOND_STEP: Duration = Duration::from_secs(10);
/// What a write that cleared a stage gets on top of its time, to put one there again: as long as the answer to the clearing
/// may take. The last call still ends before the engine counts the write as over.
const REPAIR: Duration = Duration::from_secs(60);
/// Before a step that failed is followed by another one.
const BREATH: Duration = Duration::from_millis(300);

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
            Err(Fault {
                failure: Failure::Denied { .. } | Failure::Forbidden { .. } | Failure::Rejected(_), ..
            }) => Ok(()),
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

    /// Moves lifecycle stages back where HubSpot ignored that: clears them, and sets them. What cannot be set, although it
    /// is tried twice, gets back the stage it had. Each verdict tells what the record was seen to hold last.
    pub(super) async fn move_back(
        &self,
        reader: &Reader<'_>,
        items: &[Item<'_>],
        verdicts: &mut [Option<Verdict>],
        session: &mut Session,
    ) {
        let mut ignored: Vec<Back> =
            (0..items.len()).filter_map(|at| Back::of(at, &items[at], verdicts[at].as_ref()?)).collect();
        if ignored.is_empty() || !is_time_left(session.latest, Instant::now()) {
            return;
        }
        let ends = self.step(reader, items, &ignored, |_| "", session).await;
        for (back, end) in ignored.iter_mut().zip(ends) {
            match end {
                End::Shown(shown) => verdicts[back.at] = Some(shown),
                End::Doubtful(doubtful) => {
                    verdicts[back.at] = Some(doubtful);
                    back.clearing = Clearing::Doubtful;
                }
                End::Nothing => back.clearing = Clearing::Refused,
            }
        }
        ignored.retain(|back| back.clearing != Clearing::Refused);
        session.latest = session.latest.map(|latest| latest + REPAIR);
        let rounds: [fn(&Back) -> &str; 3] = [|back| &back.wanted, |back| &back.wanted, |back| &back.had];
        for (round, value) in rounds.into_iter().enumerate() {
            if ignored.is_empty() {
                return;
            }
            if round > 0 {
                tokio::time::sleep(BREATH).await;
            }
            let ends = self.step(reader, items, &ignored, value, session).await;
            let mut open = Vec::new();
            for (back, end) in ignored.into_iter().zip(ends) {
                match end {
                    End::Shown(shown) if back.is_settled_by(&shown) => verdicts[back.at] = Some(shown),
                    // The clearing may still come, and what is shown go.
                    End::Shown(_) => {}
                    End::Doubtful(doubtful) => {
                        verdicts[back.at] = Some(doubtful);
                        open.push(back);
                    }
                    End::Nothing => open.push(back),
                }
            }
            ignored = open;
        }
    }

    /// Writes one stage to each record, and tells the ends in their order.
    async fn step(
        &self,
        reader: &Reader<'_>,
        items: &[Item<'_>],
        backs: &[Back],
        value: fn(&Back) -> &str,
        session: &mut Session,
    ) -> Vec<End> {
        let steps: Vec<Item<'_>> = backs.iter().map(|back| lifecycle_step(&items[back.at], value(back))).collect();
        let mut verdicts: Vec<Option<Verdict>> = steps.iter().map(|_| None).collect();
        let all = (0..steps.len()).collect();
        let sent = self.send_batch(reader, Verb::Update, &steps, all, &mut verdicts, session).await;
        if let Err(Fault { failure: Failure::Unknown(why), .. }) = sent {
            let wire = session.last.clone().map(Arc::new);
            let why = format!("The lifecycle stage was on its way back, in two steps, and there was no answer: {why}");
            let doubtful = Verdict { wire, ..Verdict::unknown(why) };
            return steps.iter().map(|_| End::Doubtful(doubtful.clone())).collect();
        }
        verdicts.into_iter().map(End::of).collect()
    }
}

/// A lifecycle stage on its way back.
struct Back {
    /// Which item of the write it is.
    at: usize,
    had: String,
    wanted: String,
    clearing: Clearing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clearing {
    Seen,
    /// Sent, and no word of it.
    Doubtful,
    /// The first answer stands: it shows what the record holds.
    Refused,
}

impl Back {
    /// Where the answer shows another stage than the one that was asked for.
    fn of(at: usize, item: &Item<'_>, verdict: &Verdict) -> Option<Self> {
        if !matches!(verdict.outcome, ItemOutcome::Applied(_)) {
            return None;
        }
        let asked = item.values.iter().find(|(name, _)| name.as_str() == LIFECYCLE);
        let wanted = asked.map(|(_, value)| value.to_plain()).filter(|wanted| !wanted.is_empty())?;
        let had = shown_stage(verdict).filter(|had| !had.is_empty() && *had != wanted)?;
        Some(Self { at, had, wanted, clearing: Clearing::Seen })
    }

    /// Whether what an answer shows is what the record holds from now on. The wanted stage shows that the clearing went
    /// before, even where there was no word of it.
    fn is_settled_by(&self, shown: &Verdict) -> bool {
        self.clearing == Clearing::Seen || shown_stage(shown).as_ref() == Some(&self.wanted)
    }
}

/// How one step ended for one record.
enum End {
    /// The answer shows the record.
    Shown(Verdict),
    /// Nothing was done.
    Nothing,
    Doubtful(Verdict),
}

impl End {
    fn of(verdict: Option<Verdict>) -> Self {
        match verdict {
            None => Self::Nothing,
            Some(verdict) => match verdict.outcome {
                ItemOutcome::Applied(_) => Self::Shown(verdict),
                ItemOutcome::Rejected(_) => Self::Nothing,
                ItemOutcome::Unknown(_) => Self::Doubtful(verdict),
            },
        }
    }
}

/// A stage that was cleared must be set again before the time of the write is over.
fn is_time_left(latest: Option<Instant>, now: Instant) -> bool {
    latest.is_none_or(|latest| latest.saturating_duration_since(now) >= SECOND_STEP)
}

fn shown_stage(verdict: &Verdict) -> Option<String> {
    verdict.json.as_ref().and_then(|json| json.get("properties")?.get(LIFECYCLE)).and_then(record::plain)
}

fn lifecycle_step<'a>(item: &Item<'a>, value: &str) -> Item<'a> {
    let id = item.target.map(|id| id.to_string()).unwrap_or_default();
    let input = json!({ "id": id, "objectWriteTraceId": item.intent.to_string(), "properties": { LIFECYCLE: value } });
    Item {
        intent: item.intent,
        target: item.target,
        stamp: None,
        values: item.values.clone(),
        joins: Vec::new(),
        input,
    }
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
    let inactive = json.get("archived").and_then(flag).unwrap_or(false);
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
#[expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]
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

    /// Nobody listens there: what counts is whether a call was tried.
    #[tokio::test]
    async fn a_stage_is_not_cleared_when_the_time_is_nearly_over() {
        use crate::connect::Options;
        use crate::engine::core::request::Priority;
        use crate::model::{IntentId, RecordId, Timestamp};

        let options = Options {
            base: Some("http://127.0.0.1:1".to_owned()),
            unlimited: true,
            ..Options::new(Arc::new(|| Timestamp::EPOCH))
        };
        let token = crate::connect::hubspot::Credentials::Token("pat-na1-any".into());
        let hub = HubSpot::new(token, BTreeMap::new(), &options).unwrap();
        let reader = hub.reader(ObjectKind::Contact, &[]);
        let values = [(FieldName::from(LIFECYCLE), Value::text("lead"))];
        let item = Item {
            intent: IntentId(1),
            target: Some(RecordId(7)),
            stamp: None,
            values: values.to_vec(),
            joins: Vec::new(),
            input: json!({}),
        };
        let shown = json!({ "id": "7", "updatedAt": "2026-11-20T09:00:00Z", "properties": { LIFECYCLE: "customer" } });
        for (left, calls) in [(SECOND_STEP - Duration::from_secs(1), 0), (SECOND_STEP + Duration::from_secs(1), 1)] {
            let outcome = ItemOutcome::Applied(Box::new(reader.record(&shown).unwrap()));
            let mut verdicts = [Some(Verdict { json: Some(shown.clone()), ..Verdict::new(outcome) })];
            let mut session = Session::new(Priority::Write);
            session.latest = Some(Instant::now() + left);
            hub.move_back(&reader, std::slice::from_ref(&item), &mut verdicts, &mut session).await;
            assert_eq!(session.calls, calls, "{left:?}");
            let told = verdicts[0].as_ref().and_then(shown_stage);
            assert_eq!(told.as_deref(), Some("customer"), "nothing was done, so that the first answer stands");
        }
    }
}
