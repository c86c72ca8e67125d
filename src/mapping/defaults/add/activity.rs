//! What is found out about a tenant's activities: which types are notes, tasks, calls and meetings, and who gets what
//! belongs to nobody.

use super::{ASK_THE_DOCTOR, NameChoice, Named, Part, Unnamed, plural};
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
    named: &Named,
    owners: &[ChoiceOption],
    stamp: FieldName,
) -> Result<ActivitySetup, Box<Unnamed>> {
    Ok(ActivitySetup {
        stamp,
        types: types(schema, config, object, &named.activity_types)?,
        status: status(schema, object),
        assign_to: named.assign_to.as_deref().map(|name| member(schema, owners, name)).transpose()?,
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

fn types(schema: &Schema, config: &Config, object: ObjectKind, named: &[String]) -> Result<Vec<u64>, Box<Unnamed>> {
    let all = active(schema, "type");
    let taken_by = |option: &ChoiceOption| {
        let id: Option<u64> = option.key.parse().ok();
        config.objects.iter().find(|other| id.is_some_and(|id| other.activity_types.contains(&id)))
    };
    let unnamed = |what: String, why: &str| {
        let free = all.iter().copied().filter(|option| taken_by(option).is_none());
        let remedy = all.is_empty().then(|| ASK_THE_DOCTOR.to_owned());
        let (choices, why) = (free.map(NameChoice::of).collect(), why.to_owned());
        Box::new(Unnamed { part: Part::ActivityTypes, what, why, choices, remedy })
    };
    if all.is_empty() {
        return Err(unnamed(
            "ConnectWise shows no activity type".to_owned(),
            "none is active, or the API member may see none",
        ));
    }
    let mut found: Vec<&ChoiceOption> = Vec::new();
    for name in named {
        let Some(option) = all.iter().copied().find(|option| is_called(option, name)) else {
            let what = format!("ConnectWise has no active activity type `{name}`");
            return Err(unnamed(what, "new records are to be given one"));
        };
        found.push(option);
    }
    if named.is_empty() {
        found = all.iter().copied().filter(|option| usual(object).iter().any(|name| is_called(option, name))).collect();
    }
    if found.is_empty() {
        let what = format!("it is not known which ConnectWise activities are {}", plural(object));
        return Err(unnamed(what, "no activity type is named for them"));
    }
    let mut ids = Vec::new();
    for option in found {
        if let Some(other) = taken_by(option) {
            let what = format!("the activity type {} is taken for {} already", option.label, plural(other.object));
            return Err(unnamed(what, "an activity is one thing, and its type tells which"));
        }
        let id = number(option, Part::ActivityTypes)?;
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

fn member(schema: &Schema, owners: &[ChoiceOption], name: &str) -> Result<u64, Box<Unnamed>> {
    let all = active(schema, "assignTo");
    let found: Vec<&ChoiceOption> = all.iter().copied().filter(|option| is_called(option, name)).collect();
    if let [one] = found.as_slice() {
        return number(one, Part::AssignTo);
    }
    // HubSpot may know the person by another address: then the name tells who it is
    let owner = owners.iter().find(|owner| is_called(owner, name)).map(|owner| owner.label.trim().to_lowercase());
    let namesakes: Vec<&ChoiceOption> = match &owner {
        Some(owner) => all.iter().copied().filter(|member| member.label.trim().to_lowercase() == *owner).collect(),
        None => Vec::new(),
    };
    if let ([], [one]) = (found.as_slice(), namesakes.as_slice()) {
        return number(one, Part::AssignTo);
    }
    let why = match (found.len(), &owner) {
        (0, None) => "no active member has that login, name, address or id, and no owner in HubSpot has it either",
        (0, Some(_)) => "an owner in HubSpot is called so, and no active member has that owner's address or name",
        _ => "several are called so",
    };
    let meant = if found.is_empty() { close_to(name, &all) } else { found };
    let choice = |member: &ChoiceOption| NameChoice { name: member.key.clone(), label: names(member) };
    Err(Box::new(Unnamed {
        part: Part::AssignTo,
        what: format!("`{name}` is no member of ConnectWise that is sure to be meant"),
        why: why.to_owned(),
        remedy: meant.is_empty().then(|| "`lockstep schema task` shows them".to_owned()),
        choices: meant.into_iter().map(choice).collect(),
    }))
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
pub fn names(member: &ChoiceOption) -> String {
    let names = [member.login.as_deref(), member.email.as_deref(), Some(member.key.as_str())];
    format!("{} ({})", member.label, names.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

pub fn active<'a>(schema: &'a Schema, field: &str) -> Vec<&'a ChoiceOption> {
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

fn number(option: &ChoiceOption, part: Part) -> Result<u64, Box<Unnamed>> {
    option.key.parse().map_err(|_| {
        Box::new(Unnamed {
            part,
            what: format!("`{}` of ConnectWise has no number for an id: {}", option.label, option.key),
            why: "every row of its tables has one".to_owned(),
            choices: Vec::new(),
            remedy: Some("read the schema again, and tell whoever looks after ConnectWise".to_owned()),
        })
    })
}
