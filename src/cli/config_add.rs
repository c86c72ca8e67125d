//! `lockstep config add`: another object in the draft, with the fields that belong together by meaning.

mod activity;

use serde_json::json;

use super::check;
use super::config::{newest, parse};
use super::progress::attend;
use super::runtime;
use super::session::Session;
use crate::engine::driver::Clock;
use crate::engine::driver::ready::make_both_ready;
use crate::engine::driver::setup::{Connection, keep_renewals, keep_schema};
use crate::engine::driver::steps::Steps;
use crate::error::{Exit, Outcome, Report};
use crate::mapping::{ObjectMapping, compat, defaults, toml};
use crate::model::{ChoiceOption, FieldDef, FieldName, ObjectKind, Schema, System};
use crate::store::{Base, Settings, Workspace};

/// What a person names of the tenant's own.
#[derive(Clone, Copy)]
pub struct Named<'a> {
    pub key_field: Option<&'a str>,
    pub board: Option<&'a str>,
    pub activity_types: &'a [String],
    pub assign_to: Option<&'a str>,
}

/// # Errors
/// Where the object is in the draft already, has no default mapping, or a system does not tell its fields.
pub fn run(
    session: &Session,
    workspace: &Workspace,
    settings: &mut Settings,
    object: ObjectKind,
    named: Named<'_>,
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
    if let Some(parent) = lacking_parent(&config, object) {
        return Err(Report::refused(format!("{} need {}", plural(object), plural(parent)))
            .because("each of them points to one, and the configuration does not have them")
            .hint(format!("add those first: `lockstep config add {parent}`")));
    }
    let steps = Steps::default();
    let work = async {
        let mapping = mapping(workspace, settings, &config, object, named, &steps).await?;
        config.objects.push(mapping);
        config.objects.sort_by_key(|mapping| mapping.object);
        Ok(make_both_ready(workspace, &config, settings, Clock::start(), &steps).await?)
    };
    let told = runtime::start()?.block_on(attend(&steps, "nothing was added; run it again", work))?;
    let findings = check::findings(&config, settings)?;
    let note = format!("{} added", plural(object));
    let base = Base::Edit(row.info.edit);
    let saved = settings.save_draft(&toml::write(&config), &session.author(), &note, base, Clock::start().now())?;
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
        let next = "Next: look at it (`lockstep config show`), then lockstep config deploy";
        format!("{} are in the draft, version {version}{key}.\n{made}{}", object.plural(), check::text(&findings, next))
    })?;
    Ok(Exit::Done)
}

/// What the records of an object are made with, and the configuration lacks. Deals and tickets say so by `lint`.
fn lacking_parent(config: &crate::mapping::Config, object: ObjectKind) -> Option<ObjectKind> {
    let parents: &[ObjectKind] = match object {
        ObjectKind::LineItem => &[ObjectKind::Deal, ObjectKind::Product],
        activity if activity.is_activity() => &[ObjectKind::Company],
        _ => &[],
    };
    parents.iter().copied().find(|parent| config.object(*parent).is_none())
}

fn plural(object: ObjectKind) -> String {
    object.plural().to_lowercase()
}

async fn mapping(
    workspace: &Workspace,
    settings: &mut Settings,
    config: &crate::mapping::Config,
    object: ObjectKind,
    named: Named<'_>,
    steps: &Steps,
) -> Outcome<ObjectMapping> {
    let mut mapping = match object {
        ObjectKind::Company => defaults::company(),
        ObjectKind::Contact => defaults::contact(),
        ObjectKind::Product => defaults::product(),
        ObjectKind::LineItem => defaults::line_item(),
        ObjectKind::Deal
        | ObjectKind::Ticket
        | ObjectKind::Note
        | ObjectKind::Task
        | ObjectKind::Call
        | ObjectKind::Meeting => {
            let connection = Connection::load(settings, System::ConnectWise)?;
            let clock = Clock::start();
            let connector = connection.connector(config, clock, keep_renewals(workspace, &connection)?)?;
            steps.begin(&connector, format!("the {object} fields"));
            let live = steps.patiently(&connector, async || connector.schema(object).await).await?;
            let live = keep_schema(settings, object, live, clock)?;
            let key = match named.key_field {
                Some(name) => FieldName::new(name),
                None => key_of(&live.schema)?,
            };
            match object {
                ObjectKind::Deal => defaults::deal(key),
                ObjectKind::Ticket => defaults::ticket(key, board_of(&live.schema, named.board)?),
                _ => defaults::activity(
                    object,
                    &activity::setup(&live.schema, config, object, &named, &owners(settings)?, key)?,
                ),
            }
        }
    };
    if let Some(name) = named.key_field {
        mapping.connectwise_stamp = Some(FieldName::new(name));
    }
    Ok(mapping)
}

/// The owners of HubSpot, as far as the workspace knows them.
fn owners(settings: &Settings) -> Outcome<Vec<ChoiceOption>> {
    for object in ObjectKind::ALL {
        let known = settings.schema(System::HubSpot, object)?;
        if let Some(field) = known.as_ref().and_then(|(schema, _)| schema.field("hubspot_owner_id")) {
            return Ok(field.options.clone());
        }
    }
    Ok(Vec::new())
}

/// The id of the board for new tickets: the one that is named, or the only one. Where there are several, nothing is guessed.
fn board_of<'a>(schema: &'a Schema, named: Option<&str>) -> Outcome<&'a str> {
    let all = schema.field("board").map_or(&[][..], |field| &field.options);
    let active: Vec<_> = all.iter().filter(|board| !board.inactive).collect();
    let fits = |board: &&ChoiceOption| match named {
        Some(name) => board.key == name || board.label.to_lowercase() == name.trim().to_lowercase(),
        None => active.len() == 1,
    };
    if let Some(board) = active.iter().copied().find(fits) {
        return Ok(board.key.as_str());
    }
    let (what, why) = match (named, active.len()) {
        (_, 0) => ("ConnectWise shows no service board".to_owned(), "none is active, or the API member may see none"),
        (Some(name), _) => {
            (format!("ConnectWise has no active service board `{name}`"), "new tickets need one to be on")
        }
        (None, _) => ("it is not known on which service board new tickets are to be".to_owned(), "there are several"),
    };
    let boards = active.iter().map(|board| format!("\"{}\"", board.label)).collect::<Vec<_>>().join(", ");
    let hint = match active.len() {
        0 => "run `lockstep doctor`: it says what the API member's role lacks".to_owned(),
        _ => format!("name one with --board: {boards}"),
    };
    Err(Report::refused(what).because(why).hint(hint))
}

/// The user-defined text whose caption says that it is meant for HubSpot's record; nothing is guessed between two.
fn key_of(schema: &Schema) -> Outcome<FieldName> {
    let can_carry = |field: &&FieldDef| field.custom && !field.read_only && compat::is_text(field.kind);
    let meant = |field: &&FieldDef| {
        let caption = field.label.to_lowercase();
        ["hubspot", "lockstep"].iter().any(|word| caption.contains(word))
    };
    let able: Vec<&FieldDef> = schema.fields.iter().filter(can_carry).collect();
    let found: Vec<&FieldDef> = able.iter().copied().filter(|field| meant(field)).collect();
    if let [one] = found.as_slice() {
        return Ok(one.name.clone());
    }
    let list = |fields: &[&FieldDef]| {
        fields.iter().map(|field| format!("{} \"{}\"", field.name, field.label)).collect::<Vec<_>>().join(", ")
    };
    let what = format!("no field of ConnectWise's {} is sure to carry the HubSpot record's key", plural(schema.object));
    let (why, hint) = match (found.is_empty(), able.is_empty()) {
        (true, true) => (
            "there is no user-defined text that can be written".to_owned(),
            "make one in ConnectWise (Setup Tables, Custom Fields: one line of text, caption `HubSpot`), then run this again",
        ),
        (true, false) => (format!("these can: {}", list(&able)), "name one with --key-field, one that nobody uses"),
        (false, _) => (format!("several are named for it: {}", list(&found)), "name one with --key-field"),
    };
    Err(Report::refused(what).because(why).hint(hint))
}
