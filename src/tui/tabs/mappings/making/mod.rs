//! A new property in HubSpot for a field of ConnectWise: what it is like, the exact request, and then the mapping of the two.

pub mod maker;
#[cfg(test)]
mod tests;

use super::{Context, Mappings, Message};
use crate::engine::driver::new_field::{FieldPlan, FieldStanding, MadeField};
use crate::engine::driver::setup::SetupError;
use crate::mapping::new_field::{BY_HAND, NewField, kinds};
use crate::model::{FieldDef, FieldName, System};
use crate::tui::overlay::{Command, Menu, Preview, Prompt};
use crate::tui::report::Report;
use crate::view::cell::wrapped;
use crate::view::push::{HttpPreview, request_lines};
use crate::view::{Cell, Line, Role, format};

/// Columns that texts in dialogs may take at 80 columns.
const DIALOG: usize = 74;

/// A property on its way, for the field of that name.
#[derive(Debug, Clone)]
pub struct Making {
    pub field: NewField,
    pub connectwise: FieldName,
}

/// A step on that way.
#[derive(Debug)]
pub enum Step {
    /// For which field of ConnectWise.
    For(FieldName),
    /// What is to be changed about it, or that all is well: a place in the form.
    Form(Box<Making>, usize),
    Changed(Box<Making>),
    Planned(Box<Making>, Result<FieldPlan, SetupError>),
    Make(Box<Making>),
    Made(Box<Making>, Result<MadeField, SetupError>),
}

/// Offers the fields of ConnectWise, those that no mapping has before the others.
pub fn begin(tab: &Mappings, ctx: &mut Context<'_>) {
    let (Some(schemas), Some(current)) = (tab.draft.schemas(), tab.draft.current()) else { return };
    let mapped = |field: &FieldDef| current.fields.iter().find(|known| known.connectwise == field.name);
    let mut fields: Vec<&FieldDef> = schemas.connectwise.fields.iter().collect();
    fields.sort_by_key(|field| (kinds(field.kind).is_empty(), mapped(field).is_some()));
    let mut commands: Vec<Command> = fields
        .iter()
        .map(|field| {
            let to = mapped(field).map_or_else(String::new, |known| format!("   mapped to {}", known.hubspot));
            let why = "A person or a record of another object is none that can be copied.";
            Command {
                name: field.label.clone(),
                doc: format!("{} ({}){to}", field.name, field.kind.word()),
                keys: String::new(),
                not_now: kinds(field.kind).is_empty().then(|| why.to_owned()),
            }
        })
        .collect();
    commands.push(Command {
        name: "In ConnectWise".to_owned(),
        doc: String::new(),
        keys: String::new(),
        not_now: Some(BY_HAND.to_owned()),
    });
    let names: Vec<FieldName> = fields.iter().map(|field| field.name.clone()).collect();
    ctx.choose(Menu::new("A new HubSpot property for which ConnectWise field?", commands), move |at| {
        Message::Making(Step::For(names.get(at).cloned().unwrap_or_else(|| "".into())))
    });
}

pub fn receive(tab: &mut Mappings, step: Step, ctx: &mut Context<'_>) {
    match step {
        Step::For(name) => {
            let Some(field) = connectwise(tab, &name) else { return };
            let field = NewField::like(tab.draft.object, field);
            form(tab, Making { field, connectwise: name }, ctx);
        }
        Step::Form(making, 0) => {
            ctx.say("Asking HubSpot what there is of that name …");
            let plan = tab.maker.plan(making.field.clone());
            ctx.spawn(async move { Message::Making(Step::Planned(making, plan.await)) });
        }
        Step::Form(making, at) => change(tab, *making, at, ctx),
        Step::Changed(making) => form(tab, *making, ctx),
        Step::Planned(making, Ok(plan)) => confirm(*making, plan, ctx),
        Step::Make(making) => {
            ctx.say("Making it in HubSpot …");
            let made = tab.maker.make(making.field.clone());
            ctx.spawn(async move { Message::Making(Step::Made(making, made.await)) });
        }
        Step::Made(making, Ok(made)) => {
            let name = &making.field.name;
            ctx.say(match made {
                MadeField::Created => format!("HubSpot has the property {name} now; reading the fields …"),
                MadeField::Restored(kind) => format!("HubSpot brought an archived property {name} back, as {kind}."),
                MadeField::There(kind) => format!("HubSpot had a property {name} already, as {kind}."),
            });
            tab.made = Some((making.field.name.clone(), making.connectwise));
            tab.draft.load(ctx, Message::Draft);
        }
        Step::Planned(making, Err(error)) => refused(&making, &error, "HubSpot was not asked to make it.", ctx),
        Step::Made(making, Err(error)) => {
            refused(&making, &error, "Look at the reason, then try again.", ctx);
            // it may be there all the same
            tab.draft.load(ctx, Message::Draft);
        }
    }
}

fn connectwise<'a>(tab: &'a Mappings, name: &FieldName) -> Option<&'a FieldDef> {
    tab.draft.schemas()?.connectwise.field(name.as_str())
}

/// What it would be like, to be changed line by line.
fn form(tab: &Mappings, making: Making, ctx: &mut Context<'_>) {
    let Some(schemas) = tab.draft.schemas() else { return };
    let field = &making.field;
    let options = match field.options.len() {
        0 => String::new(),
        some => format!(", {} copied from ConnectWise", format::counted(some as u64, "option", "options")),
    };
    let line = |name: &str, doc: String, not_now: Option<String>| Command {
        name: name.to_owned(),
        doc,
        keys: String::new(),
        not_now,
    };
    let commands = vec![
        line("create", "show the request, then send it".to_owned(), field.trouble(&schemas.hubspot)),
        line("label", field.label.clone(), None),
        line("name", field.name.to_string(), None),
        line("type", format!("{}{options}", field.kind.word()), None),
        line("group", field.group.clone(), None),
    ];
    let title = format!("A HubSpot property of {}", making.field.object.plural().to_lowercase());
    ctx.choose(Menu::new(title, commands), move |at| Message::Making(Step::Form(Box::new(making), at)));
}

/// Asks for one of its settings anew.
fn change(tab: &Mappings, making: Making, at: usize, ctx: &mut Context<'_>) {
    if at == 3 {
        return choose_kind(tab, making, ctx);
    }
    let (title, text, hint) = match at {
        1 => ("Label", making.field.label.clone(), "what people read in HubSpot"),
        2 => ("Internal name", making.field.name.to_string(), "can't be changed later: a-z, 0-9 and _"),
        _ => ("Property group", making.field.group.clone(), "its internal name; a new one is made"),
    };
    ctx.prompt(Prompt::new(title, &text, hint), move |text| {
        let mut making = making;
        let text = text.trim();
        match at {
            1 => text.clone_into(&mut making.field.label),
            2 => making.field.name = text.into(),
            _ => text.clone_into(&mut making.field.group),
        }
        Message::Making(Step::Changed(Box::new(making)))
    });
}

fn choose_kind(tab: &Mappings, making: Making, ctx: &mut Context<'_>) {
    let Some(field) = connectwise(tab, &making.connectwise).cloned() else { return };
    let all = kinds(field.kind);
    let command = |kind: &crate::model::FieldKind| {
        let of = NewField { kind: *kind, ..making.field.clone() };
        let doc = of.types().map_or_else(String::new, |(kind, field_type)| format!("{kind} ({field_type})"));
        Command { name: kind.word().to_owned(), doc, keys: String::new(), not_now: None }
    };
    let commands = all.iter().map(command).collect();
    ctx.choose(Menu::new("Type of the property", commands), move |at| {
        let mut making = making;
        if let Some(kind) = all.get(at) {
            making.field.kind = *kind;
            making.field.copy_options(&field);
        }
        Message::Making(Step::Changed(Box::new(making)))
    });
}

/// Shows exactly what would be sent.
fn confirm(making: Making, plan: FieldPlan, ctx: &mut Context<'_>) {
    let mut lines: Vec<Line> = Vec::new();
    let mut say = |text: &str, role: Role| {
        lines.extend(wrapped(text, DIALOG).into_iter().map(|text| vec![Cell::new(text, role)]));
    };
    let name = &making.field.name;
    match &plan.standing {
        FieldStanding::New => say("It can be archived in HubSpot later; its name stays taken.", Role::Muted),
        FieldStanding::Archived(kind) => say(
            &format!("A property {name} was archived: HubSpot brings it back as it was, {kind}, with its old options."),
            Role::Warn,
        ),
        FieldStanding::There(kind) => say(
            &format!(
                "HubSpot has a property {name} already, {kind}. Nothing is made: it is read, and mapped if it fits."
            ),
            Role::Warn,
        ),
    }
    for call in plan.calls {
        lines.push(Line::new());
        let call = HttpPreview { system: System::HubSpot, method: call.method, path: call.path, body: call.body };
        lines.extend(request_lines(&call, DIALOG));
    }
    let verb = if matches!(plan.standing, FieldStanding::There(_)) { "go on" } else { "create" };
    let preview = Preview::new(format!("Create {name} in HubSpot"), lines, verb);
    ctx.preview(preview, Some(Message::Making(Step::Make(Box::new(making)))));
}

fn refused(making: &Making, error: &SetupError, otherwise: &str, ctx: &mut Context<'_>) {
    let hint = match error {
        SetupError::Connect(error) if !error.hint.is_empty() => error.hint.clone(),
        _ => otherwise.to_owned(),
    };
    let what = format!("The property {} was not made.", making.field.name);
    ctx.report(Report::new(what, hint).because(format::sentence(&error.to_string())));
}

/// Goes on with the mapping once the fields show what was made.
pub fn go_on(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let is_there = |name: &FieldName| tab.draft.schemas().is_some_and(|all| all.hubspot.field(name.as_str()).is_some());
    if let Some((hubspot, connectwise)) = tab.made.take_if(|(hubspot, _)| is_there(hubspot)) {
        super::actions::add(tab, &hubspot, &connectwise, ctx);
    }
}
