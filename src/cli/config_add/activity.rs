//! What `config add` finds out about a tenant's activities: which types are notes, tasks, calls and meetings, and who gets
//! what belongs to nobody.

use super::{Named, plural};
use crate::error::{Outcome, Report};
use crate::filter::nearest::nearest;
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
    owners: &[ChoiceOption],
    stamp: FieldName,
) -> Outcome<ActivitySetup> {
    Ok(ActivitySetup {
        stamp,
        types: types(schema, config, object, named.activity_types)?,
        status: status(schema, object),
        assign_to: named.assign_to.map(|name| member(schema, owners, name)).transpose()?,
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

fn member(schema: &Schema, owners: &[ChoiceOption], name: &str) -> Outcome<u64> {
    let all = active(schema, "assignTo");
    let found: Vec<&ChoiceOption> = all.iter().copied().filter(|option| is_called(option, name)).collect();
    if let [one] = found.as_slice() {
        return number(one);
    }
    // HubSpot may know the person by another address: then the name tells who it is
    let owner = owners.iter().find(|owner| is_called(owner, name)).map(|owner| owner.label.trim().to_lowercase());
    let namesakes: Vec<&ChoiceOption> = match &owner {
        Some(owner) => all.iter().copied().filter(|member| member.label.trim().to_lowercase() == *owner).collect(),
        None => Vec::new(),
    };
    if let ([], [one]) = (found.as_slice(), namesakes.as_slice()) {
        return number(one);
    }
    let why = match (found.len(), &owner) {
        (0, None) => "no active member has that login, name, address or id, and no owner in HubSpot has it either",
        (0, Some(_)) => "an owner in HubSpot is called so, and no active member has that owner's address or name",
        _ => "several are called so",
    };
    let meant = if found.is_empty() { close_to(name, &all) } else { found };
    let meant = meant.into_iter().map(names).collect::<Vec<_>>();
    let all = if meant.is_empty() { "`lockstep schema task` shows them".to_owned() } else { meant.join("; ") };
    Err(Report::refused(format!("`{name}` is no member of ConnectWise that is sure to be meant"))
        .because(why)
        .hint(format!("name one by login, e-mail address, full name or id: {all}")))
}

/// The members whose names, logins or addresses come nearest; none where nothing is near.
fn close_to<'a>(name: &str, members: &[&'a ChoiceOption]) -> Vec<&'a ChoiceOption> {
    let words = |member: &&'a ChoiceOption| {
        let member = *member;
        [Some(member.label.as_str()), member.login.as_deref(), member.email.as_deref()].into_iter().flatten()
    };
    let near = nearest(name, members.iter().flat_map(words));
    members.iter().filter(|member| words(member).any(|word| near.contains(&word))).copied().collect()
}

/// All that a member can be named by.
fn names(member: &ChoiceOption) -> String {
    let names = [member.login.as_deref(), member.email.as_deref(), Some(member.key.as_str())];
    format!("{} ({})", member.label, names.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn active<'a>(schema: &'a Schema, field: &str) -> Vec<&'a ChoiceOption> {
    let options = schema.field(field).map_or(&[][..], |field| &field.options);
    options.iter().filter(|option| !option.inactive).collect()
}

fn is_called(option: &ChoiceOption, name: &str) -> bool {
    let name = name.trim().to_lowercase();
    option.key == name
        || option.label.trim().to_lowercase() == name
        || option.login.as_ref().is_some_and(|login| login.trim().to_lowercase() == name)
        || option.email.as_ref().is_some_and(|email| *email == name)
}

fn number(option: &ChoiceOption) -> Outcome<u64> {
    option.key.parse().map_err(|_| {
        Report::failed(format!("`{}` of ConnectWise has no number for an id: {}", option.label, option.key))
    })
}
