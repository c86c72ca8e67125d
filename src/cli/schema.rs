//! `lockstep schema`: the fields of both systems as they were last read, and what changed in them since when.

use serde_json::{Value as Json, json};

use super::args::SchemaArgs;
use super::output::width;
use super::runtime;
use super::session::Session;
use crate::engine::driver::Clock;
use crate::engine::driver::setup::{connectors, refresh_schema, working_config};
use crate::error::{Exit, Outcome};
use crate::mapping::{Config, harm};
use crate::model::{ObjectKind, Schema, System, Timestamp};
use crate::store::{Settings, Workspace};
use crate::view::plain_text;
use crate::view::schema::{Reading, drift_lines, field_lines};

/// # Errors
/// When the workspace cannot be read, or with `--refresh` a system does not answer.
pub fn run(session: &Session, args: &SchemaArgs) -> Outcome {
    let workspace = session.workspace()?;
    let mut settings = workspace.settings()?;
    let config = working_config(&settings)?;
    let wanted: Vec<ObjectKind> = args
        .object
        .map_or_else(|| config.objects.iter().map(|mapping| mapping.object).collect(), |object| vec![object]);
    let mut warnings = Vec::new();
    if args.refresh {
        warnings = runtime::start()?.block_on(refresh(&workspace, &mut settings, &wanted))?;
    }
    let readings: Vec<Reading> = readings(&settings, &config, Timestamp::EPOCH)?
        .into_iter()
        .filter(|reading| args.object.is_none_or(|object| reading.object == object))
        .collect();
    let schemas = if args.drift { Vec::new() } else { stored(&settings, &wanted)? };
    let answer = json!({
        "schemas": schemas.iter().map(|(schema, read)| json!({ "schema": schema, "read": read.to_rfc3339() })).collect::<Vec<_>>(),
        "drift": readings.iter().map(reading_json).collect::<Vec<_>>(),
        "warnings": warnings,
    });
    session.output.result(&answer, |_| text(&schemas, &readings, &warnings, args.drift))?;
    Ok(Exit::Done)
}

async fn refresh(workspace: &Workspace, settings: &mut Settings, objects: &[ObjectKind]) -> Outcome<Vec<String>> {
    let clock = Clock::start();
    let connectors = connectors(workspace, clock)?;
    let mut warnings = Vec::new();
    for object in objects {
        for system in System::BOTH {
            let read = refresh_schema(settings, connectors[system].as_ref(), *object, clock).await?;
            warnings.extend(read.warnings);
        }
    }
    Ok(warnings)
}

fn stored(settings: &Settings, objects: &[ObjectKind]) -> Outcome<Vec<(Schema, Timestamp)>> {
    let mut schemas = Vec::new();
    for object in objects {
        for system in System::BOTH {
            schemas.extend(settings.schema(system, *object)?);
        }
    }
    Ok(schemas)
}

/// What changed after that moment, with what each change breaks in the configuration.
///
/// # Errors
/// When the workspace cannot be read.
pub fn readings(settings: &Settings, config: &Config, after: Timestamp) -> Outcome<Vec<Reading>> {
    let mut readings = Vec::new();
    for row in settings.drift(after)? {
        let now = settings.schema(row.system, row.object)?.map(|(schema, _)| schema);
        let there = settings.schema(row.system.other(), row.object)?.map(|(schema, _)| schema);
        let changes = row.changes.into_iter().map(|change| {
            // What was undone since hurts nobody.
            let holds = now.as_ref().is_none_or(|schema| change.still_holds(schema));
            let harms = if holds { harm(config, row.system, row.object, &change, there.as_ref()) } else { Vec::new() };
            (change, harms)
        });
        readings.push(Reading { at: row.at, system: row.system, object: row.object, changes: changes.collect() });
    }
    Ok(readings)
}

fn reading_json(reading: &Reading) -> Json {
    let changes = reading.changes.iter().map(|(change, harms)| {
        let hurts: Vec<Json> =
            harms.iter().map(|harm| json!({ "part": harm.part, "what": harm.what, "remedy": harm.remedy })).collect();
        json!({ "change": change, "hurts": hurts })
    });
    json!({
        "at": reading.at.to_rfc3339(),
        "system": reading.system,
        "object": reading.object,
        "changes": changes.collect::<Vec<_>>(),
    })
}

fn text(schemas: &[(Schema, Timestamp)], readings: &[Reading], warnings: &[String], only_drift: bool) -> String {
    let mut parts: Vec<String> =
        schemas.iter().map(|(schema, read)| plain_text(&field_lines(schema, *read, width()))).collect();
    if !readings.is_empty() {
        parts.push(plain_text(&drift_lines(readings, width())));
    } else if only_drift {
        parts.push("Nothing changed since the fields were first read.".to_owned());
    }
    if schemas.is_empty() && !only_drift {
        parts.push("No fields were read yet. Next: lockstep connect, or lockstep schema --refresh".to_owned());
    }
    parts.extend(warnings.iter().map(|warning| format!("warning: {}", crate::model::text::printable(warning))));
    parts.join("\n\n")
}
