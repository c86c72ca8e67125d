//! Mapping another object, step by step: which, what of the tenant's own it is to name, and the question before it.

use std::sync::Arc;

use super::super::{Context, Mappings, Message};
use super::Objects;
use crate::engine::driver::addition::Seen;
use crate::engine::driver::setup::SetupError;
use crate::mapping::defaults::add::{self, NameChoice, Named, Part, Unnamed};
use crate::mapping::{Config, ObjectMapping};
use crate::model::ObjectKind;
use crate::tui::action::{Enabled, Reason};
use crate::tui::overlay::{Command, Confirm, Menu};
use crate::tui::report::Report;
use crate::tui::tabs::draft::deploy;
use crate::tui::tabs::draft::source::Book;
use crate::view::cell::wrapped;
use crate::view::object_list::{created, in_connectwise, pair};
use crate::view::{Cell, Line, Role, format};

/// Columns that texts in dialogs may take at 80 columns.
const DIALOG: usize = 74;

/// An object on its way into the draft.
pub struct Adding {
    /// Which try it is: what comes back of an earlier one is not wanted any more.
    turn: u64,
    object: ObjectKind,
    named: Named,
    seen: Option<Seen>,
    is_assigned: bool,
    /// Complete, and asked about.
    mapping: Option<ObjectMapping>,
    /// What is waited for, as a sentence.
    pub waits: Option<&'static str>,
}

/// What comes back.
#[derive(Debug)]
pub enum Step {
    Choose(ObjectKind),
    Looked(u64, Result<Seen, SetupError>),
    Name(Part, String),
    /// Who gets what belongs to nobody; none: it waits.
    Assign(Option<String>),
    /// A person said yes to it.
    Add,
    Prepared(u64, Result<Vec<String>, SetupError>),
}

/// # Errors
/// Where the list is not on the screen, there is no configuration yet, or every object is mapped.
pub fn can_add(tab: &Mappings) -> Enabled {
    super::is_listed(tab)?;
    let Some(config) = tab.draft.book().and_then(Book::current) else {
        return Err(Reason::new("There is no configuration yet: n proposes one."));
    };
    deploy::not_deploying(&tab.draft)?;
    if free(config).next().is_none() {
        return Err(Reason::new("Every object is mapped."));
    }
    Ok(())
}

fn free(config: &Config) -> impl Iterator<Item = ObjectKind> {
    ObjectKind::ALL.into_iter().filter(|object| config.object(*object).is_none())
}

/// Offers the pairs that are not mapped yet, and says of each what it needs.
pub fn choose(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(config) = tab.draft.book().and_then(Book::current) else { return };
    let command = |object: ObjectKind| {
        let parent = add::lacking_parent(config, object);
        Command {
            name: object.plural().to_owned(),
            doc: format!("and ConnectWise {}{}", in_connectwise(object).to_lowercase(), needs(object)),
            keys: String::new(),
            not_now: parent.map(|parent| format!("need {}: add those first", parent.plural().to_lowercase())),
        }
    };
    let mut commands: Vec<(ObjectKind, Command)> = free(config).map(|object| (object, command(object))).collect();
    commands.sort_by_key(|(_, command)| command.not_now.is_some());
    let (objects, commands): (Vec<_>, Vec<_>) = commands.into_iter().unzip();
    ctx.choose(Menu::new("Add: which records", commands), move |at| {
        Message::Adding(Step::Choose(objects.get(at).copied().unwrap_or(ObjectKind::Company)))
    });
}

/// What is asked for, where it is not sure.
const fn needs(object: ObjectKind) -> &'static str {
    match object {
        ObjectKind::Deal => "; needs a field for the key",
        ObjectKind::Ticket => "; needs a field for the key and a board",
        ObjectKind::Note | ObjectKind::Task | ObjectKind::Call | ObjectKind::Meeting => {
            "; needs a field for the key and an activity type"
        }
        ObjectKind::Product | ObjectKind::LineItem => ", towards HubSpot only",
        ObjectKind::Company | ObjectKind::Contact => "",
    }
}

pub fn receive(tab: &mut Mappings, step: Step, ctx: &mut Context<'_>) {
    match step {
        Step::Choose(object) => look(tab, object, ctx),
        Step::Looked(turn, seen) => {
            let Some(adding) = tab.objects.adding.as_mut().filter(|adding| adding.turn == turn) else { return };
            match seen {
                Ok(seen) => {
                    (adding.seen, adding.waits) = (Some(seen), None);
                    go_on(tab, ctx);
                }
                Err(error) => stop(&mut tab.objects, &error, ctx),
            }
        }
        Step::Name(part, name) => {
            let Some(adding) = &mut tab.objects.adding else { return };
            match part {
                Part::KeyField => adding.named.key_field = Some(name),
                Part::Board => adding.named.board = Some(name),
                Part::ActivityTypes => adding.named.activity_types = vec![name],
                Part::AssignTo => adding.named.assign_to = Some(name),
            }
            go_on(tab, ctx);
        }
        Step::Assign(name) => {
            let Some(adding) = &mut tab.objects.adding else { return };
            (adding.named.assign_to, adding.is_assigned) = (name, true);
            go_on(tab, ctx);
        }
        Step::Add => prepare(tab, ctx),
        Step::Prepared(turn, made) => {
            let Some(adding) = tab.objects.adding.take_if(|adding| adding.turn == turn) else { return };
            match (made, adding.mapping) {
                (Ok(made), Some(mapping)) => added(tab, mapping, &made, ctx),
                (Ok(_), None) => {}
                (Err(error), _) => stop(&mut tab.objects, &error, ctx),
            }
        }
    }
}

fn look(tab: &mut Mappings, object: ObjectKind, ctx: &mut Context<'_>) {
    let Some(config) = tab.draft.book().and_then(Book::current).cloned() else { return };
    tab.objects.turn += 1;
    let turn = tab.objects.turn;
    let waits = add::asks(object).then_some("Asking ConnectWise for its fields …");
    let (named, is_assigned) = (Named::default(), false);
    tab.objects.adding = Some(Adding { turn, object, named, seen: None, is_assigned, mapping: None, waits });
    let work = tab.objects.adder.look(Arc::new(config), object);
    ctx.spawn(async move { Message::Adding(Step::Looked(turn, work.await)) });
}

/// Asks for what is missing next, or whether to add what is complete.
fn go_on(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(config) = tab.draft.book().and_then(Book::current) else { return };
    let Some(adding) = &mut tab.objects.adding else { return };
    let Some(seen) = &adding.seen else { return };
    match add::mapping(config, adding.object, &seen.connectwise, &seen.owners, &adding.named) {
        Err(unnamed) => ask_for(*unnamed, adding.object, ctx),
        Ok(mapping) => {
            let members = add::assignees(adding.object, &seen.connectwise);
            if !adding.is_assigned && !members.is_empty() {
                return ask_whom(adding.object, members, ctx);
            }
            let lines = summary(&mapping, &seen.connectwise);
            adding.mapping = Some(mapping);
            let title = format!("Add {} to the draft", adding.object.plural().to_lowercase());
            ctx.confirm(Confirm::new(title, lines, "add"), Message::Adding(Step::Add));
        }
    }
}

fn ask_for(unnamed: Unnamed, object: ObjectKind, ctx: &mut Context<'_>) {
    let Unnamed { part, what, why, choices, remedy } = unnamed;
    if choices.is_empty() {
        let hint = remedy.as_deref().map_or_else(|| "Look at what ConnectWise has.".to_owned(), format::sentence);
        let report = Report::new(format!("{} can't be added: {what}.", object.plural()), hint);
        return ctx.report(report.because(format::sentence(&why)));
    }
    let title = match part {
        Part::KeyField => "Which field, one that nobody uses, carries the key?",
        Part::Board => "On which board are new tickets?",
        Part::ActivityTypes => "Which activity type is theirs?",
        Part::AssignTo => "Which member is meant?",
    };
    menu(title, choices, ctx, move |name| Step::Name(part, name));
}

fn menu(title: &str, choices: Vec<NameChoice>, ctx: &mut Context<'_>, step: impl Fn(String) -> Step + Send + 'static) {
    let (names, commands): (Vec<_>, Vec<_>) = choices
        .into_iter()
        .map(|NameChoice { name, label }| {
            let command = Command { name: label, doc: name.clone(), keys: String::new(), not_now: None };
            (name, command)
        })
        .unzip();
    ctx.choose(Menu::new(title, commands), move |at| Message::Adding(step(names.get(at).cloned().unwrap_or_default())));
}

const NOBODY: &str = "Nobody";

fn ask_whom(object: ObjectKind, members: Vec<NameChoice>, ctx: &mut Context<'_>) {
    let title = format!("Who gets {} of nobody?", object.plural().to_lowercase());
    let nobody = NameChoice { name: "such a record waits for a person".to_owned(), label: NOBODY.to_owned() };
    let nobodys = nobody.name.clone();
    let choices = std::iter::once(nobody).chain(members).collect();
    menu(&title, choices, ctx, move |name| Step::Assign((name != nobodys).then_some(name)));
}

fn summary(mapping: &ObjectMapping, connectwise: &crate::model::Schema) -> Vec<Line> {
    let fields = format::counted(mapping.fields.len() as u64, "usual field", "usual fields");
    let mut head = pair(mapping.object, mapping.direction);
    head.push(Cell::plain(format!("   {fields}, {}", created(mapping))));
    let mut texts = Vec::new();
    if let Some(key) = &mapping.connectwise_stamp {
        let label = connectwise.field(key.as_str()).map_or_else(String::new, |def| format!(" “{}”", def.label));
        texts.push(format!("ConnectWise's `{key}`{label} carries the key of the HubSpot record."));
    }
    let stamp = &mapping.hubspot_stamp;
    texts.push(format!("HubSpot's `{stamp}` carries the other key, and is made now if it is missing."));
    let text = |text: String| wrapped(&text, DIALOG).into_iter().map(|line| vec![Cell::plain(line)]);
    let mut lines = vec![head];
    lines.extend(texts.into_iter().flat_map(text));
    lines.push(vec![Cell::muted("No record is touched before the draft is deployed.")]);
    lines
}

fn prepare(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(config) = tab.draft.book().and_then(Book::current).cloned() else { return };
    let Some(adding) = &mut tab.objects.adding else { return };
    let Some(mapping) = adding.mapping.clone() else { return };
    let turn = adding.turn;
    adding.waits = Some("Reading the fields of both systems …");
    let work = tab.objects.adder.prepare(Arc::new(config), mapping);
    ctx.spawn(async move { Message::Adding(Step::Prepared(turn, work.await)) });
}

fn added(tab: &mut Mappings, mapping: ObjectMapping, made: &[String], ctx: &mut Context<'_>) {
    let Some(mut config) = tab.draft.book().and_then(Book::current).cloned() else { return };
    let object = mapping.object;
    if config.object(object).is_some() {
        return ctx.say(format!("{} are in the draft already: somebody added them meanwhile.", object.plural()));
    }
    config.objects.push(mapping);
    config.objects.sort_by_key(|mapping| mapping.object);
    tab.draft.replace(config, ctx, Message::Draft);
    // their fields are in the workspace now
    tab.draft.load(ctx, Message::Draft);
    tab.objects.list.select(object);
    super::list(tab);
    let made = made.first().map_or_else(String::new, |first| format!(" Made there: {first}."));
    ctx.say(format!("{} are in the draft.{made} Enter opens their fields, D deploys.", object.plural()));
}

fn stop(objects: &mut Objects, error: &SetupError, ctx: &mut Context<'_>) {
    objects.adding = None;
    let what = "Nothing was added: a system was asked in vain.";
    let report = match error {
        SetupError::Connect(error) if !error.hint.is_empty() => {
            Report::new(what, error.hint.clone()).because(error.message.clone())
        }
        SetupError::NotConnected(_) => {
            Report::new(what, "Connections (1) says how to connect it.").because(format::sentence(&error.to_string()))
        }
        error => Report::new(what, "Nothing was changed; try again.").because(error.to_string()),
    };
    ctx.report(report);
}

/// What is waited for, in the line below the heading.
pub fn waits(adding: Option<&Adding>) -> Option<Line> {
    let adding = adding?;
    let what = format!(" {} … ", adding.object.plural());
    Some(vec![Cell::new(what, Role::Wait), Cell::plain(adding.waits?), Cell::muted("   Esc gives it up")])
}
