//! What `config add` finds out about a tenant's activities: which types are notes, tasks, calls and meetings, and who gets
//! what belongs to nobody.

use super::{Named, plural};
use crate::error::{Outcome, Report};
use crate::mapping::Config;
use crate::mapping::defaults::ActivitySetup;
use crate::model::{ChoiceOption, FieldName, ObjectKind, Schema, StageOutcome};

/// # Errors
/// A name is none of ConnectWise's, or none is given where nothing can be told by its name.
pub fn setup(
    schema: &Schema,
    config: &Config,
    object: ObjectKind,
    named: &Named<'_>,
    stamp: FieldName,
) -> Outcome<ActivitySetup> {
    Ok(ActivitySetup {
        stamp,
        types: types(schema, config, object, named.activity_types)?,
        status: status(schema, object),
        assign_to: named.assign_to.map(|name| member(schema, name)).transpose()?,
        beside: config.objects.iter().map(|mapping| mapping.object).collect(),
    })
}

/// What tenants call the types of each kind.
const fn usual(object: ObjectKind) -> &'static [&'static str] {
    match object {
        ObjectKind::Note => &["note", "notes"],
        ObjectKind::Task => &["task", "to-do", "to do", "todo"],
        ObjectKind::Call => &["call", "phone call"],
        ObjectKind::Meeting => &["meeting", "appointment"],
        _ => &[],
    }
}

fn types(schema: &Schema, config: &Config, object: ObjectKind, named: &[String]) -> Outcome<Vec<u64>> {
    let all = active(schema, "type");
    let list = || all.iter().map(|option| format!("\"{}\"", option.label)).collect::<Vec<_>>().join(", ");
    let mut found: Vec<&ChoiceOption> = Vec::new();
    for name in named {
        let Some(option) = all.iter().copied().find(|option| is_called(option, name)) else {
            return Err(Report::refused(format!("ConnectWise has no active activity type `{name}`"))
                .because("new records are to be given one")
                .hint(format!("name one with --activity-type: {}", list())));
        };
        found.push(option);
    }
    if named.is_empty() {
        found = all.iter().copied().filter(|option| usual(object).iter().any(|name| is_called(option, name))).collect();
    }
    if all.is_empty() {
        return Err(Report::refused("ConnectWise shows no activity type")
            .because("none is active, or the API member may see none")
            .hint("run `lockstep doctor`: it says what the API member's role lacks"));
    }
    if found.is_empty() {
        return Err(Report::refused(format!("it is not known which ConnectWise activities are {}", plural(object)))
            .because("no activity type is named for them")
            .hint(format!("name one with --activity-type, or several, the one of new records first: {}", list())));
    }
    let mut ids = Vec::new();
    for option in found {
        let id = number(option)?;
        if let Some(other) = config.objects.iter().find(|other| other.activity_types.contains(&id)) {
            return Err(Report::refused(format!(
                "the activity type {} is taken for {} already",
                option.label,
                plural(other.object)
            ))
            .because("an activity is one thing, and its type tells which")
            .hint("name another type with --activity-type, or take this one out of the configuration"));
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// What happened already is closed when it is told: nobody has anything left to do about it.
fn status(schema: &Schema, object: ObjectKind) -> Option<u64> {
    if !matches!(object, ObjectKind::Note | ObjectKind::Call) {
        return None;
    }
    let closed = |option: &&ChoiceOption| option.outcome.is_some_and(|outcome| outcome != StageOutcome::Open);
    active(schema, "status").into_iter().find(closed)?.key.parse().ok()
}

fn member(schema: &Schema, name: &str) -> Outcome<u64> {
    let all = active(schema, "assignTo");
    let found: Vec<&ChoiceOption> = all.iter().copied().filter(|option| is_called(option, name)).collect();
    if let [one] = found.as_slice() {
        return number(one);
    }
    let why = if found.is_empty() { "no active member has that name or address" } else { "several are called so" };
    Err(Report::refused(format!("`{name}` is no member of ConnectWise that is sure to be meant"))
        .because(why)
        .hint("name one by the e-mail address, the full name or the id; `lockstep schema task` shows them"))
}

fn active<'a>(schema: &'a Schema, field: &str) -> Vec<&'a ChoiceOption> {
    let options = schema.field(field).map_or(&[][..], |field| &field.options);
    options.iter().filter(|option| !option.inactive).collect()
}

fn is_called(option: &ChoiceOption, name: &str) -> bool {
    let name = name.trim().to_lowercase();
    option.key == name
        || option.label.trim().to_lowercase() == name
        || option.email.as_ref().is_some_and(|email| *email == name)
}

fn number(option: &ChoiceOption) -> Outcome<u64> {
    option.key.parse().map_err(|_| {
        Report::failed(format!("`{}` of ConnectWise has no number for an id: {}", option.label, option.key))
    })
}
