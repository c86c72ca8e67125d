//! `lockstep config add`: another object in the draft, with the fields that belong together by meaning.

use serde_json::json;

use super::check;
use super::config::{newest, parse};
use super::progress::attend;
use super::runtime;
use super::session::Session;
use crate::engine::driver::ready::make_both_ready;
use crate::engine::driver::steps::Steps;
use crate::engine::driver::{Clock, addition};
use crate::error::{Exit, Outcome, Report};
use crate::mapping::defaults::add::{self, NameChoice, Named, Part, Unnamed};
use crate::mapping::toml;
use crate::model::ObjectKind;
use crate::store::{Base, Settings, Workspace};

/// # Errors
/// Where the object is in the draft already, has no default mapping, or a system does not tell its fields.
pub fn run(
    session: &Session,
    workspace: &Workspace,
    settings: &mut Settings,
    object: ObjectKind,
    named: &Named,
) -> Outcome {
    if named.board.is_some() && object != ObjectKind::Ticket {
        return Err(Report::usage(format!("{} are on no board", plural(object))).hint("leave --board out"));
    }
    let of_activities =
        [("--activity-type", !named.activity_types.is_empty()), ("--assign-to", named.assign_to.is_some())];
    if let Some((option, _)) = of_activities.into_iter().find(|(_, given)| *given && !object.is_activity()) {
        return Err(Report::usage(format!("{} are no activities", plural(object))).hint(format!("leave {option} out")));
    }
    let row = newest(settings)?;
    let mut config = parse(&row.body, &format!("version {}", row.info.version))?;
    if config.objects.iter().any(|mapping| mapping.object == object) {
        return Err(Report::refused(format!("{} are in the configuration already", plural(object)))
            .hint("see them with `lockstep config show`"));
    }
    if let Some(parent) = add::lacking_parent(&config, object) {
        return Err(Report::refused(format!("{} need {}", plural(object), plural(parent)))
            .because("each of them points to one, and the configuration does not have them")
            .hint(format!("add those first: `lockstep config add {parent}`")));
    }
    let steps = Steps::default();
    let work = async {
        let seen = addition::look(workspace, settings, &config, object, Clock::start(), &steps).await?;
        let mapping = add::mapping(&config, object, &seen.connectwise, &seen.owners, named);
        config.objects.push(mapping.map_err(|unnamed| lacking(*unnamed))?);
        config.objects.sort_by_key(|mapping| mapping.object);
        Ok(make_both_ready(workspace, &config, settings, Clock::start(), &steps).await?)
    };
    let told = runtime::start()?.block_on(attend(&steps, "nothing was added; run it again", work))?;
    let findings = check::findings(&config, settings)?;
    let note = format!("{} added", plural(object));
    let base = Base::Edit(row.info.edit);
    let text = toml::update(&row.body, &config);
    let saved = settings.save_draft(&text, &session.author(), &note, base, Clock::start().now())?;
    let version = saved.version;
    let key =
        config.objects.iter().find(|mapping| mapping.object == object).and_then(|one| one.connectwise_stamp.clone());
    let answer = json!({
        "version": version, "object": object, "key_field": key, "created": told.created,
        "errors": findings.errors, "warnings": findings.warnings,
    });
    session.output.result(&answer, |_| {
        let made = told.created.iter().map(|text| format!("made there: {text}\n")).collect::<String>();
        let key = key.map(|key| format!(", the key of the HubSpot record in {key}")).unwrap_or_default();
        let next = "Next: look at it (`lockstep config show`), then lockstep config test";
        format!("{} are in the draft, version {version}{key}.\n{made}{}", object.plural(), check::text(&findings, next))
    })?;
    Ok(Exit::Done)
}

fn plural(object: ObjectKind) -> String {
    object.plural().to_lowercase()
}

/// What is to be named, as the options of the command name it.
fn lacking(unnamed: Unnamed) -> Report {
    let Unnamed { part, what, why, choices, remedy } = unnamed;
    let list = |quoted: bool, between: &str| {
        let label = |choice: &NameChoice| if quoted { format!("\"{}\"", choice.label) } else { choice.label.clone() };
        choices.iter().map(label).collect::<Vec<_>>().join(between)
    };
    let hint = match (part, remedy) {
        (Part::AssignTo, Some(remedy)) => format!("name one by login, e-mail address, full name or id: {remedy}"),
        (_, Some(remedy)) => remedy,
        (Part::KeyField, None) => "name one with --key-field, one that nobody uses".to_owned(),
        (Part::Board, None) => format!("name one with --board: {}", list(true, ", ")),
        (Part::ActivityTypes, None) => {
            format!("name one with --activity-type, or several, the one of new records first: {}", list(true, ", "))
        }
        (Part::AssignTo, None) => format!("name one by login, e-mail address, full name or id: {}", list(false, "; ")),
    };
    Report::refused(what).because(why).hint(hint)
}
