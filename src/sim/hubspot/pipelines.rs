//! Pipelines and their stages over HTTP: read, add, change, remove, and who changed them.

use axum::http::Method;
use serde_json::{Value, json};

use super::account::MOST_PIPELINES;
use super::kinds::KindRef;
use super::pipeline_store::{Pipeline, Stage};
use super::{Call, Failure, derive};
use crate::sim::clock::iso_millis;
use crate::sim::wire::Reply;

pub(crate) fn serve(mut call: Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let (name, rest) = rest.split_first().ok_or(Failure::NoRoute)?;
    let kind = call.schema_kind(name, call.request.method != Method::GET)?;
    if kind.pipeline.is_none() {
        return Err(Failure::NotFound);
    }
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => {
            let mut all: Vec<&Pipeline> = call.portal().pipelines.of(kind).iter().filter(|p| !p.archived).collect();
            all.sort_by_key(|p| p.order);
            let shown: Vec<Value> = all.into_iter().map(Pipeline::show).collect();
            Ok(Reply::json(200, &json!({ "results": shown })))
        }
        (Method::POST, []) => create(&mut call, kind),
        (Method::GET, [id]) => Ok(Reply::json(200, &pipeline(&call, kind, id)?.show())),
        (Method::PATCH | Method::PUT, [id]) => change(&mut call, kind, id),
        (Method::DELETE, [id]) => remove(&mut call, kind, id),
        (Method::GET, [id, "audit"]) => {
            let audit = &pipeline(&call, kind, id)?.audit;
            Ok(Reply::json(200, &json!({ "results": audit })))
        }
        (Method::GET, [id, "stages"]) => {
            let shown = pipeline(&call, kind, id)?.show();
            Ok(Reply::json(200, &json!({"results": shown.get("stages")})))
        }
        (Method::POST, [id, "stages"]) => create_stage(&mut call, kind, id),
        (Method::GET, [id, "stages", stage]) => {
            let found = pipeline(&call, kind, id)?.stages.iter().find(|s| s.id == *stage && !s.archived);
            found.map(|s| Reply::json(200, &s.show())).ok_or_else(|| missing("stage", stage))
        }
        (Method::GET, [id, "stages", stage, "audit"]) => {
            let about = |entry: &&Value| entry.get("identifier").and_then(Value::as_str) == Some(stage);
            let audit: Vec<&Value> = pipeline(&call, kind, id)?.audit.iter().filter(about).collect();
            Ok(Reply::json(200, &json!({ "results": audit })))
        }
        (Method::PATCH | Method::PUT, [id, "stages", stage]) => change_stage(&mut call, kind, id, stage),
        (Method::DELETE, [id, "stages", stage]) => remove_stage(&mut call, kind, id, stage),
        _ => Err(Failure::NoRoute),
    }
}

fn missing(what: &str, id: &str) -> Failure {
    Failure::Absent { message: format!("No {what} with id {id} exists"), sub: "PipelineError.NOT_FOUND" }
}

fn pipeline<'a>(call: &'a Call<'_>, kind: KindRef, id: &str) -> Result<&'a Pipeline, Failure> {
    call.portal().pipelines.get(kind, id).ok_or_else(|| missing("pipeline", id))
}

fn required(body: &Value, name: &str) -> Result<String, Failure> {
    body.get(name).and_then(Value::as_str).filter(|t| !t.trim().is_empty()).map(str::to_owned).ok_or_else(|| {
        let message = format!("Invalid input JSON on line 1, column 1: Some required fields were not set: [{name}]");
        Failure::invalid(message)
    })
}

fn order(body: &Value, default: i64) -> i64 {
    body.get("displayOrder").and_then(Value::as_i64).unwrap_or(default)
}

/// Deals need a probability in steps of a tenth; tickets are open unless they say otherwise.
fn metadata(kind: KindRef, body: &Value, old: Option<&Stage>) -> Result<(Option<String>, bool), Failure> {
    let given = |name: &str| {
        body.get("metadata").and_then(|m| m.get(name)).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
    };
    let was_closed = old.is_some_and(|s| s.is_closed);
    let is_closed = given("isClosed").map_or(was_closed, |text| text == "true");
    if kind.legacy != "DEAL" {
        return Ok((None, given("ticketState").map_or(is_closed, |state| state == "CLOSED")));
    }
    let probability = given("probability").or_else(|| old.and_then(|s| s.probability.clone()));
    let probability = probability.and_then(|text| text.parse::<f64>().ok()).filter(|p| (0.0..=1.0).contains(p));
    let Some(probability) = probability.filter(|p| ((p * 10.0).round() - p * 10.0).abs() < 1e-9) else {
        let message = "The metadata of a deal stage must have a probability from 0.0 to 1.0 in steps of 0.1";
        return Err(Failure::invalid(message.to_owned()));
    };
    let ends = probability == 0.0 || (probability - 1.0).abs() < 1e-9;
    Ok((Some(format!("{probability:.1}")), given("isClosed").map_or(ends, |text| text == "true")))
}

fn new_stage(call: &mut Call<'_>, kind: KindRef, body: &Value, place: i64) -> Result<Stage, Failure> {
    let label = required(body, "label")?;
    let (probability, is_closed) = metadata(kind, body, None)?;
    let id = match body.get("stageId").and_then(Value::as_str) {
        Some(id) if call.portal().pipelines.stage(kind, id).is_none() => id.to_owned(),
        Some(id) => return Err(Failure::invalid(format!("A stage with id {id} already exists"))),
        None => call.world.hubspot.pipelines.take_id(),
    };
    let now = call.now;
    derive::define_stage_times(call.world.hubspot.of_mut(kind), &id, now);
    let order = order(body, place);
    Ok(Stage { id, label, order, probability, is_closed, archived: false, created: now, updated: now })
}

fn note(pipeline: &mut Pipeline, action: &str, identifier: &str, now: i64) {
    let user = 51_446_676;
    pipeline.audit.push(json!({
        "portalId": super::portal::PORTAL_ID, "identifier": identifier, "action": action,
        "timestamp": iso_millis(now), "fromUserId": user,
    }));
    pipeline.updated = now;
}

fn create(call: &mut Call<'_>, kind: KindRef) -> Result<Reply, Failure> {
    let body = call.body()?;
    let label = required(&body, "label")?;
    let pipelines = &call.portal().pipelines;
    if pipelines.of(kind).iter().any(|p| !p.archived && p.label == label) {
        return Err(Failure::invalid(format!("A pipeline with the label '{label}' already exists")));
    }
    if pipelines.ids(kind).len() >= MOST_PIPELINES {
        return Err(Failure::invalid(format!("At most {MOST_PIPELINES} pipelines are allowed")));
    }
    let place = i64::try_from(pipelines.of(kind).len()).unwrap_or(0);
    let wanted = body.get("stages").and_then(Value::as_array).cloned().unwrap_or_default();
    if wanted.is_empty() {
        return Err(Failure::invalid("A pipeline needs at least one stage".to_owned()));
    }
    let mut stages = Vec::new();
    for (index, stage) in wanted.iter().enumerate() {
        stages.push(new_stage(call, kind, stage, i64::try_from(index).unwrap_or(0))?);
    }
    let (now, id) = (call.now, call.world.hubspot.pipelines.take_id());
    let order = order(&body, place);
    let mut made =
        Pipeline { id, label, order, stages, archived: false, created: now, updated: now, audit: Vec::new() };
    let identifier = made.id.clone();
    note(&mut made, "CREATE", &identifier, now);
    let shown = made.show();
    call.world.hubspot.pipelines.of_mut(kind).ok_or(Failure::NotFound)?.push(made);
    Ok(Reply::json(201, &shown))
}

fn stored<'a>(call: &'a mut Call<'_>, kind: KindRef, id: &str) -> Result<&'a mut Pipeline, Failure> {
    call.world.hubspot.pipelines.get_mut(kind, id).ok_or_else(|| missing("pipeline", id))
}

fn change(call: &mut Call<'_>, kind: KindRef, id: &str) -> Result<Reply, Failure> {
    let (body, now) = (call.body()?, call.now);
    let stored = stored(call, kind, id)?;
    if let Some(label) = body.get("label").and_then(Value::as_str) {
        label.clone_into(&mut stored.label);
    }
    stored.order = order(&body, stored.order);
    note(stored, "UPDATE", id, now);
    Ok(Reply::json(200, &stored.show()))
}

/// How many living records are in one of these stages.
fn used(call: &Call<'_>, kind: KindRef, stages: &[String]) -> usize {
    let Some((_, stage)) = kind.pipeline else { return 0 };
    let collection = call.portal().of(kind);
    let living = collection.records.values().filter(|r| r.is_living());
    living.filter(|r| collection.text(r, stage).is_some_and(|at| stages.iter().any(|s| s == at))).count()
}

fn check_unused(call: &Call<'_>, kind: KindRef, stages: &[String]) -> Result<(), Failure> {
    let asked = call.flag("validateReferencesBeforeDelete")? || call.flag("validateDealStageUsagesBeforeDelete")?;
    let count = if asked { used(call, kind, stages) } else { 0 };
    if count == 0 {
        return Ok(());
    }
    Err(Failure::BadRequest {
        message: format!("Stages {} are used by {count} records and cannot be deleted", stages.join(", ")),
        category: "STAGE_IN_USE",
    })
}

fn remove(call: &mut Call<'_>, kind: KindRef, id: &str) -> Result<Reply, Failure> {
    let stages: Vec<String> = pipeline(call, kind, id)?.stages.iter().map(|s| s.id.clone()).collect();
    check_unused(call, kind, &stages)?;
    if call.portal().pipelines.ids(kind).len() == 1 {
        return Err(Failure::invalid("The last pipeline cannot be deleted".to_owned()));
    }
    let now = call.now;
    let stored = stored(call, kind, id)?;
    stored.archived = true;
    note(stored, "DELETE", id, now);
    Ok(Reply::empty(204))
}

fn create_stage(call: &mut Call<'_>, kind: KindRef, id: &str) -> Result<Reply, Failure> {
    let body = call.body()?;
    let place = i64::try_from(pipeline(call, kind, id)?.stages.len()).unwrap_or(0);
    let stage = new_stage(call, kind, &body, place)?;
    let (shown, stage_id, now) = (stage.show(), stage.id.clone(), call.now);
    let stored = stored(call, kind, id)?;
    stored.stages.push(stage);
    note(stored, "CREATE", &stage_id, now);
    Ok(Reply::json(201, &shown))
}

fn change_stage(call: &mut Call<'_>, kind: KindRef, id: &str, stage_id: &str) -> Result<Reply, Failure> {
    let (body, now) = (call.body()?, call.now);
    let stored = stored(call, kind, id)?;
    let stage = stored.stages.iter_mut().find(|s| s.id == stage_id && !s.archived);
    let stage = stage.ok_or_else(|| missing("stage", stage_id))?;
    (stage.probability, stage.is_closed) = metadata(kind, &body, Some(stage))?;
    if let Some(label) = body.get("label").and_then(Value::as_str) {
        label.clone_into(&mut stage.label);
    }
    stage.order = order(&body, stage.order);
    stage.updated = now;
    let shown = stage.show();
    note(stored, "UPDATE", stage_id, now);
    Ok(Reply::json(200, &shown))
}

fn remove_stage(call: &mut Call<'_>, kind: KindRef, id: &str, stage_id: &str) -> Result<Reply, Failure> {
    check_unused(call, kind, &[stage_id.to_owned()])?;
    let now = call.now;
    let stored = stored(call, kind, id)?;
    let stage = stored.stages.iter_mut().find(|s| s.id == stage_id && !s.archived);
    stage.ok_or_else(|| missing("stage", stage_id))?.archived = true;
    note(stored, "DELETE", stage_id, now);
    Ok(Reply::empty(204))
}
