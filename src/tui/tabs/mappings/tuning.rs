//! What is set less often of one field mapping: what becomes of what is too long, the value of a new record that has none,
//! as what the two fields are compared, and how much text fits.

use super::{Context, FIRST, Mappings, Message, actions};
use crate::mapping::compat::{self, comparable};
use crate::mapping::{FieldMapping, Overflow, ValueMap};
use crate::model::{FieldDef, FieldKind, System};
use crate::tui::action::{Enabled, Reason};
use crate::tui::overlay::{Command, Menu, Prompt};
use crate::tui::world::World;

/// What a person chose.
#[derive(Debug)]
pub enum Tune {
    /// Which side's default.
    Default(Option<System>),
    SetDefault(System, Option<String>),
    /// Which side's limit.
    Length(Option<System>),
    SetLength(System, String),
    Kind(Option<FieldKind>),
}

/// # Errors
/// Where the field is no text.
pub fn can_be_long(tab: &Mappings, world: &World) -> Enabled {
    actions::can_change(tab, world)?;
    let is_text = actions::selected(tab).is_some_and(|field| compat::is_text(field.kind));
    if is_text { Ok(()) } else { Err(Reason::new("Only a text can be too long.")) }
}

/// # Errors
/// Where the field takes no default.
pub fn can_have_default(tab: &Mappings, world: &World) -> Enabled {
    actions::can_change(tab, world)?;
    match actions::selected(tab).map(|field| field.kind) {
        Some(FieldKind::Reference(_)) => {
            Err(Reason::new("The field points to a record: a new one waits until its own has a partner."))
        }
        _ => Ok(()),
    }
}

/// Held, or cut.
pub fn turn_overflow(tab: &mut Mappings, ctx: &mut Context<'_>) {
    actions::change_field(tab, ctx, |field| {
        field.overflow = if field.overflow == Overflow::Hold { Overflow::Cut } else { Overflow::Hold };
    });
}

/// The systems that the field mapping writes to.
fn written(field: &FieldMapping) -> Vec<System> {
    System::BOTH.into_iter().filter(|system| field.direction.writes(*system)).collect()
}

/// The one system it writes to, or the one that the person chooses.
fn which(field: &FieldMapping, title: &str, ctx: &mut Context<'_>, wrap: fn(Option<System>) -> Tune) -> Option<System> {
    let systems = written(field);
    if let [only] = systems[..] {
        return Some(only);
    }
    let command = |system: &System| Command {
        name: system.name().to_owned(),
        doc: field.field(*system).to_string(),
        keys: String::new(),
        not_now: None,
    };
    let commands = systems.iter().map(command).collect();
    ctx.choose(Menu::new(title, commands), move |at| Message::Tune(wrap(systems.get(at).copied())));
    None
}

/// Asks what a new record has where the source has nothing.
pub fn ask_default(tab: &Mappings, ctx: &mut Context<'_>) {
    let Some(field) = actions::selected(tab) else { return };
    if let Some(system) = which(field, "The default of which side?", ctx, Tune::Default) {
        ask_default_of(tab, system, ctx);
    }
}

fn definition(tab: &Mappings, system: System) -> Option<&FieldDef> {
    let field = actions::selected(tab)?;
    tab.draft.schemas()?[system].field(field.field(system).as_str())
}

fn ask_default_of(tab: &Mappings, system: System, ctx: &mut Context<'_>) {
    let Some(field) = actions::selected(tab) else { return };
    let current = field.default.of(system).map(str::to_owned);
    let title = format!("{} of a new record in {system}", field.field(system));
    let options = definition(tab, system).map_or(&[][..], |def| &def.options);
    if options.is_empty() {
        let hint = "Where the source has nothing. Empty: no default.";
        let prompt = Prompt::new(title, current.as_deref().unwrap_or_default(), hint);
        return ctx.prompt(prompt, move |text| {
            Message::Tune(Tune::SetDefault(system, Some(text.trim().to_owned()).filter(|text| !text.is_empty())))
        });
    }
    let none = Command {
        name: "No default".to_owned(),
        doc: "the field stays empty in a new record".to_owned(),
        keys: String::new(),
        not_now: current.is_none().then(|| "is so now".to_owned()),
    };
    let option = |option: &crate::model::ChoiceOption| {
        let now = current.as_deref() == Some(option.key.as_str());
        let not_now = now.then(|| "is so now".to_owned());
        let not_now = not_now.or_else(|| option.inactive.then(|| "inactive: not to be written".to_owned()));
        Command { name: option.label.clone(), doc: option.key.clone(), keys: String::new(), not_now }
    };
    let keys: Vec<Option<String>> =
        std::iter::once(None).chain(options.iter().map(|option| Some(option.key.clone()))).collect();
    let commands = std::iter::once(none).chain(options.iter().map(option)).collect();
    ctx.choose(Menu::new(title, commands), move |at| {
        Message::Tune(Tune::SetDefault(system, keys.get(at).cloned().flatten()))
    });
}

/// Asks how much text fits.
pub fn ask_length(tab: &Mappings, ctx: &mut Context<'_>) {
    let Some(field) = actions::selected(tab) else { return };
    if let Some(system) = which(field, "The limit of which side?", ctx, Tune::Length) {
        ask_length_of(tab, system, ctx);
    }
}

fn ask_length_of(tab: &Mappings, system: System, ctx: &mut Context<'_>) {
    let Some(field) = actions::selected(tab) else { return };
    let current = field.max_length[system].map_or_else(String::new, |limit| limit.to_string());
    let known = definition(tab, system).and_then(|def| def.max_length);
    let hint = match known {
        Some(limit) => format!("In characters; {system} takes {limit}. Empty: as the system says."),
        None => "In characters. Empty: no limit is known.".to_owned(),
    };
    let title = format!("The longest {} in {system}", field.field(system));
    ctx.prompt(Prompt::new(title, &current, hint), move |text| Message::Tune(Tune::SetLength(system, text)));
}

/// Offers the kinds as which the two fields can be compared.
pub fn ask_kind(tab: &Mappings, ctx: &mut Context<'_>) {
    let Some(field) = actions::selected(tab) else { return };
    let (Some(here), Some(there)) = (definition(tab, FIRST), definition(tab, FIRST.other())) else {
        return ctx.say("The fields are not known: what they can be compared as is not, either.");
    };
    let kinds = comparable(here.kind, there.kind);
    if kinds.iter().all(|kind| *kind == field.kind) {
        return ctx.say(format!("They can be compared as {} only.", field.kind.word()));
    }
    let command = |kind: &FieldKind| Command {
        name: kind.word().to_owned(),
        doc: compared(*kind).to_owned(),
        keys: String::new(),
        not_now: (*kind == field.kind).then(|| "is so now".to_owned()),
    };
    let title = format!("Compare {} and {} as", field.hubspot, field.connectwise);
    let commands = kinds.iter().map(command).collect();
    ctx.choose(Menu::new(title, commands), move |at| Message::Tune(Tune::Kind(kinds.get(at).copied())));
}

/// What comparing as a kind leaves out of account.
const fn compared(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "in one line",
        FieldKind::LongText => "line by line",
        FieldKind::RichText => "by the words, without markup",
        FieldKind::Phone => "by the digits",
        FieldKind::Url => "as the address of a page",
        FieldKind::Domain => "by the host",
        FieldKind::Email => "whatever the case",
        FieldKind::Number => "by the amount",
        FieldKind::Integer => "by the whole number",
        FieldKind::Bool => "as yes or no",
        FieldKind::Date => "by the day",
        FieldKind::DateTime => "by the moment",
        FieldKind::Choice => "by the value map",
        FieldKind::MultiChoice => "by the value map, several",
        FieldKind::Person => "by the value map, or by e-mail",
        FieldKind::Reference(_) => "by the link",
    }
}

pub fn receive(tab: &mut Mappings, tune: Tune, ctx: &mut Context<'_>) {
    match tune {
        Tune::Default(Some(system)) => ask_default_of(tab, system, ctx),
        Tune::Length(Some(system)) => ask_length_of(tab, system, ctx),
        Tune::SetDefault(system, value) => actions::change_field(tab, ctx, |field| match system {
            System::HubSpot => field.default.hubspot = value,
            System::ConnectWise => field.default.connectwise = value,
        }),
        Tune::SetLength(system, text) => {
            let known = definition(tab, system).and_then(|def| def.max_length);
            match limit(&text, known) {
                Ok(limit) => actions::change_field(tab, ctx, |field| field.max_length[system] = limit),
                Err(why) => ctx.say(why),
            }
        }
        Tune::Kind(Some(kind)) => actions::change_field(tab, ctx, |field| {
            field.kind = kind;
            if kind.has_options() {
                field.values.get_or_insert_with(ValueMap::default);
            }
        }),
        Tune::Default(None) | Tune::Length(None) | Tune::Kind(None) => {}
    }
}

/// What a person wrote as a limit; what the system says where that is nothing.
fn limit(text: &str, known: Option<u32>) -> Result<Option<u32>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(known);
    }
    match text.parse::<u32>() {
        Ok(0) | Err(_) => Err(format!("“{text}” is no number of characters; nothing was changed.")),
        Ok(limit) if known.is_some_and(|known| limit > known) => {
            Err(format!("The system takes {} characters at most; nothing was changed.", known.unwrap_or_default()))
        }
        Ok(limit) => Ok(Some(limit)),
    }
}
