//! `lockstep schema`: the fields of both systems as they were last read, and what changed in them since when.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::args::SchemaArgs;
use super::output::{paragraph, width};
use super::progress::attend;
use super::runtime;
use super::session::Session;
use crate::engine::driver::Clock;
use crate::engine::driver::causes::{Findings, sentences};
use crate::engine::driver::setup::{connectors, refresh_schema, working_config};
use crate::engine::driver::steps::Steps;
use crate::error::{Exit, Outcome};
use crate::mapping::{Config, harm};
use crate::model::{Changed, ObjectKind, Schema, System, Timestamp};
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
        let steps = Steps::default();
        let work = refresh(&workspace, &mut settings, &wanted, &steps);
        let kept = "what was read is kept; run it again for the rest";
        warnings = runtime::start()?.block_on(attend(&steps, kept, work))?;
    }
    let readings: Vec<Reading> = readings(&settings, &config, Timestamp::EPOCH)?
        .into_iter()
        .filter(|reading| args.object.is_none_or(|object| reading.object == object))
        .collect();
    let known = stored(&settings, &wanted)?;
    let unread = known.is_empty();
    let schemas = if args.drift { Vec::new() } else { known };
    let answer = json!({
        "schemas": schemas.iter().map(|(schema, read)| json!({ "schema": schema, "read": read.to_rfc3339() })).collect::<Vec<_>>(),
        "drift": readings.iter().map(reading_json).collect::<Vec<_>>(),
        "warnings": warnings,
    });
    session.output.result(&answer, |_| text(&schemas, &readings, &warnings, unread))?;
    Ok(Exit::Done)
}

async fn refresh(
    workspace: &Workspace,
    settings: &mut Settings,
    objects: &[ObjectKind],
    steps: &Steps,
) -> Outcome<Vec<String>> {
    let clock = Clock::start();
    let connectors = connectors(workspace, clock)?;
    let (mut findings, mut failed) = (Findings::default(), None);
    for system in System::BOTH {
        let connector = &connectors[system];
        let work = async {
            for object in objects {
                steps.begin(connector, format!("the {object} fields"));
                findings.of(system, refresh_schema(settings, connector.as_ref(), *object, clock).await?.warnings);
            }
            Ok(())
        };
        // The other system's fields are worth reading all the same.
        failed = steps.within(connector, work).await.err().or(failed);
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    Ok(sentences(&findings.told()))
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
    let mut told = BTreeSet::new();
    for row in settings.drift(after)? {
        let now = settings.schema(row.system, row.object)?.map(|(schema, _)| schema);
        let there = settings.schema(row.system.other(), row.object)?.map(|(schema, _)| schema);
        let changes = row.changes.into_iter().map(|change| {
            // What was undone since hurts nobody, and what came twice hurts once: newest readings come first.
            let newest = told.insert((row.system, row.object, change.field.clone(), subject(&change.what)));
            let holds = newest && now.as_ref().is_none_or(|schema| change.still_holds(schema));
            let harms = if holds { harm(config, row.system, row.object, &change, there.as_ref()) } else { Vec::new() };
            (change, harms)
        });
        readings.push(Reading { at: row.at, system: row.system, object: row.object, changes: changes.collect() });
    }
    Ok(readings)
}

/// What of a field a change is about: its word, and the option where it is one of many.
fn subject(what: &Changed) -> (&'static str, Option<String>) {
    let option = match what {
        Changed::OptionAdded { key, .. }
        | Changed::OptionRemoved { key, .. }
        | Changed::OptionRenamed { key, .. }
        | Changed::OptionActive { key, .. }
        | Changed::OptionMoved { key, .. } => Some(key.clone()),
        _ => None,
    };
    (what.word(), option)
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

fn text(schemas: &[(Schema, Timestamp)], readings: &[Reading], warnings: &[String], unread: bool) -> String {
    let mut parts: Vec<String> =
        schemas.iter().map(|(schema, read)| plain_text(&field_lines(schema, *read, width()))).collect();
    if !readings.is_empty() {
        parts.push(plain_text(&drift_lines(readings, width())));
    } else if schemas.is_empty() && !unread {
        parts.push("Nothing changed since the fields were first read.".to_owned());
    }
    if unread {
        parts.push("No fields were read yet. Next: lockstep connect, or lockstep schema --refresh".to_owned());
    }
    parts.extend(
        warnings
            .iter()
            .map(|warning| paragraph(&format!("warning: {}", crate::model::text::printable(warning)), width())),
    );
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::mapping::defaults;
    use crate::model::{FieldDef, FieldKind};
    use crate::store::Key;

    fn companies(fields: &[&str]) -> Schema {
        let field = |name: &&str| FieldDef {
            name: (*name).into(),
            label: (*name).to_owned(),
            kind: FieldKind::Text,
            read_only: false,
            required: false,
            unique: false,
            max_length: None,
            custom: false,
            options: Vec::new(),
        };
        Schema { system: System::HubSpot, object: ObjectKind::Company, fields: fields.iter().map(field).collect() }
    }

    #[test]
    fn a_field_that_went_twice_hurts_once_and_in_the_newest_reading() {
        let home = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(home.path(), "acme", &Key::throw_away().unwrap()).unwrap();
        let mut settings = workspace.settings().unwrap();
        for (at, fields) in [&["city", "phone"][..], &["phone"], &["city", "phone"], &["phone"]].iter().enumerate() {
            settings.put_schema(&companies(fields), Timestamp(i64::try_from(at).unwrap() + 1)).unwrap();
        }
        let told = readings(&settings, &defaults::config(), Timestamp::EPOCH).unwrap();
        let harms: Vec<_> =
            told.iter().map(|one| (one.at.0, one.changes[0].0.what.word(), one.changes[0].1.len())).collect();
        assert_eq!(harms, [(4, "removed", 1), (3, "added", 0), (2, "removed", 0)]);
    }

    #[test]
    fn fields_that_were_never_read_are_not_told_as_unchanged() {
        let never = text(&[], &[], &[], true);
        assert!(never.contains("No fields were read yet. Next: lockstep connect"), "{never}");
        assert!(!never.contains("Nothing changed"), "{never}");
        assert_eq!(text(&[], &[], &[], false), "Nothing changed since the fields were first read.");
    }
}
