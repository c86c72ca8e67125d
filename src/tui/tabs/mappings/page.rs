//! The page of one object in place of its fields: direction, what is made where, how records find their partners, which
//! are left out, and pauses.

use ratatui::layout::Rect;

use super::{Context, Mappings, Message};
use crate::engine::core::state::Status;
use crate::mapping::lacks::no_match_field;
use crate::mapping::{MatchBy, MatchRule, ObjectMapping};
use crate::model::{FieldDef, FieldKind, FieldName, PauseScope, System};
use crate::tui::action::{Enabled, Reason};
use crate::tui::overlay::{Command, Menu};
use crate::tui::pausing;
use crate::tui::tabs::draft::deploy;
use crate::tui::tabs::finding;
use crate::tui::widgets::paint::{row_of, split_top};
use crate::tui::widgets::{Keyed, List, Paint};
use crate::tui::world::{SourceError, World};
use crate::view::cell::{spread, wrapped};
use crate::view::object_page::{self, COLUMNS, Setting, settings};
use crate::view::{Cell, Line, Role};

/// The page, while it is open.
#[derive(Default)]
pub struct ObjectPage {
    pub list: List<Row>,
}

/// A setting, as a row.
pub struct Row(Setting);

impl Keyed for Row {
    type Key = Setting;
    fn key(&self) -> Setting {
        self.0
    }
}

/// What a person chose.
#[derive(Debug)]
pub enum Edit {
    /// A match rule, or a record to leave out in that system.
    Add(Option<System>),
    RuleFor(FieldName),
    Rule(FieldName, FieldName),
    LeaveOut(System, String),
    Found(System, Result<Vec<Status>, SourceError>),
    Exclude(System, Option<u64>),
}

/// Whether the page is what the person sees.
#[must_use]
pub const fn is_shown(tab: &Mappings) -> bool {
    tab.inside && tab.page.is_some() && tab.trial.is_none() && tab.versions.is_none()
}

/// # Errors
/// Where the page is not on the screen.
pub fn is_open(tab: &Mappings) -> Enabled {
    if is_shown(tab) { Ok(()) } else { Err(Reason::new("O opens the page of the object.")) }
}

fn selected(tab: &Mappings) -> Option<Setting> {
    tab.page.as_ref()?.list.selected_key().copied()
}

/// # Errors
/// Where the draft can't be changed now.
pub fn can_change(tab: &Mappings) -> Enabled {
    is_open(tab)?;
    if tab.draft.current().is_none() {
        return Err(Reason::new("This object is not in the draft any more; Esc goes back."));
    }
    deploy::not_deploying(&tab.draft)
}

/// # Errors
/// Where Enter does nothing to the setting.
pub fn can_turn(tab: &Mappings, world: &World) -> Enabled {
    match selected(tab) {
        Some(Setting::Paused(system)) => {
            is_open(tab)?;
            pausing::can_toggle(PauseScope::new(Some(tab.draft.object), Some(system)), world)
        }
        Some(Setting::Key(_)) => {
            Err(Reason::new("The keys are set in the file: `lockstep config export`, then import."))
        }
        Some(Setting::Excluded(..) | Setting::NoneExcluded) => Err(Reason::new("a adds a record, - removes it.")),
        Some(Setting::NoMatch) => Err(Reason::new("a adds a match rule.")),
        _ => can_change(tab),
    }
}

/// # Errors
/// Where the row is nothing that can be removed.
pub fn can_remove(tab: &Mappings) -> Enabled {
    can_change(tab)?;
    match selected(tab) {
        Some(Setting::Match(_) | Setting::Excluded(..)) => Ok(()),
        _ => Err(Reason::new("Only match rules and records that are left out are removed.")),
    }
}

/// # Errors
/// Where the row is no match rule that has somewhere to go.
pub fn can_shift(tab: &Mappings, later: bool) -> Enabled {
    can_change(tab)?;
    let rules = tab.draft.current().map_or(0, |mapping| mapping.matching.len());
    match selected(tab) {
        Some(Setting::Match(place)) if later && place + 1 < rules || !later && place > 0 => Ok(()),
        Some(Setting::Match(_)) => Err(Reason::new("It is at the end of the match rules already.")),
        _ => Err(Reason::new("Only match rules are moved.")),
    }
}

pub fn open(tab: &mut Mappings) {
    tab.page = Some(ObjectPage::default());
    list(tab);
}

/// Lists the settings anew.
pub fn list(tab: &mut Mappings) {
    let rows = tab.draft.current().map_or_else(Vec::new, |mapping| settings(mapping).into_iter().map(Row).collect());
    if let Some(page) = &mut tab.page {
        page.list.set(rows);
    }
}

fn change(tab: &mut Mappings, ctx: &mut Context<'_>, alter: impl FnOnce(&mut ObjectMapping)) {
    tab.draft.change(ctx, Message::Draft, alter);
    tab.list();
    list(tab);
    tab.meter.look(&tab.draft, ctx, Message::Measured);
}

/// Turns the setting under the cursor.
pub fn turn(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(setting) = selected(tab) else { return };
    if let Setting::Paused(system) = setting {
        return pausing::toggle(ctx, PauseScope::new(Some(tab.draft.object), Some(system)));
    }
    change(tab, ctx, |mapping| match setting {
        Setting::Direction => mapping.direction = object_page::next_direction(mapping.direction),
        Setting::Create(System::HubSpot) => mapping.create.hubspot = !mapping.create.hubspot,
        Setting::Create(System::ConnectWise) => mapping.create.connectwise = !mapping.create.connectwise,
        Setting::Tie => mapping.conflict_tie = object_page::next_tie(mapping.conflict_tie),
        Setting::Match(place) => {
            if let Some(rule) = mapping.matching.get_mut(place) {
                rule.by = object_page::next_by(rule.by);
            }
        }
        Setting::Key(_) | Setting::NoMatch | Setting::Excluded(..) | Setting::NoneExcluded | Setting::Paused(_) => {}
    });
}

pub fn remove(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(setting) = selected(tab) else { return };
    change(tab, ctx, |mapping| match setting {
        Setting::Match(place) if place < mapping.matching.len() => drop(mapping.matching.remove(place)),
        Setting::Excluded(system, id) => excluded(mapping, system).retain(|other| *other != id),
        _ => {}
    });
}

const fn excluded(mapping: &mut ObjectMapping, system: System) -> &mut Vec<u64> {
    match system {
        System::HubSpot => &mut mapping.exclude.hubspot,
        System::ConnectWise => &mut mapping.exclude.connectwise,
    }
}

/// Moves the match rule under the cursor by one place.
pub fn shift(tab: &mut Mappings, ctx: &mut Context<'_>, later: bool) {
    let Some(Setting::Match(place)) = selected(tab) else { return };
    let other = if later { place + 1 } else { place.saturating_sub(1) };
    change(tab, ctx, |mapping| {
        if place.max(other) < mapping.matching.len() {
            mapping.matching.swap(place, other);
        }
    });
    if let Some(page) = &mut tab.page {
        page.list.select(Setting::Match(other));
    }
}

/// Offers what can be added.
pub fn ask_add(tab: &Mappings, ctx: &mut Context<'_>) {
    match selected(tab) {
        Some(Setting::Match(_) | Setting::NoMatch) => return choose_first(tab, ctx),
        Some(Setting::Excluded(system, _)) => return ask_record(system, ctx),
        _ => {}
    }
    let command = |name: &str, doc: &str| Command {
        name: name.to_owned(),
        doc: doc.to_owned(),
        keys: String::new(),
        not_now: None,
    };
    let commands = vec![
        command("Match rule", "how a record without a partner finds one"),
        command("HubSpot record", "one that never takes part"),
        command("ConnectWise record", "one that never takes part, such as the catch-all company"),
    ];
    let what = [None, Some(System::HubSpot), Some(System::ConnectWise)];
    ctx.choose(Menu::new("Add", commands), move |at| Message::Page(Edit::Add(what.get(at).copied().flatten())));
}

pub fn receive(tab: &mut Mappings, edit: Edit, ctx: &mut Context<'_>) {
    match edit {
        Edit::Add(None) => choose_first(tab, ctx),
        Edit::Add(Some(system)) => ask_record(system, ctx),
        Edit::RuleFor(first) => choose_second(tab, first, ctx),
        Edit::Rule(hubspot, connectwise) => add_rule(tab, hubspot, connectwise, ctx),
        Edit::LeaveOut(system, text) => look_for(tab, system, &text, ctx),
        Edit::Found(system, found) => found_some(system, found, ctx),
        Edit::Exclude(system, id) => exclude(tab, system, id, ctx),
    }
}

fn choice(system: System, def: &FieldDef) -> Command {
    Command {
        name: def.name.to_string(),
        doc: format!("{} ({})", def.label, def.kind.word()),
        keys: String::new(),
        not_now: no_match_field(system, MatchBy::Text, def)
            .map(|_| format!("a {} can't be matched by", def.kind.word())),
    }
}

fn menu(tab: &Mappings, system: System, title: String) -> Option<(Menu, Vec<FieldName>)> {
    let schema = &tab.draft.schemas()?[system];
    let mut choices: Vec<(FieldName, Command)> =
        schema.fields.iter().map(|def| (def.name.clone(), choice(system, def))).collect();
    choices.sort_by_key(|(_, command)| command.not_now.is_some());
    let (names, commands): (Vec<_>, Vec<_>) = choices.into_iter().unzip();
    Some((Menu::new(title, commands), names))
}

fn choose_first(tab: &Mappings, ctx: &mut Context<'_>) {
    let title = "Match by: the HubSpot field".to_owned();
    let Some((menu, names)) = menu(tab, System::HubSpot, title) else {
        return ctx.say("The fields are not known yet: connect both systems first.");
    };
    ctx.choose(menu, move |at| Message::Page(Edit::RuleFor(names.get(at).cloned().unwrap_or_else(|| "".into()))));
}

fn choose_second(tab: &Mappings, first: FieldName, ctx: &mut Context<'_>) {
    let title = format!("Match by {first}: the ConnectWise field");
    let Some((menu, names)) = menu(tab, System::ConnectWise, title) else { return };
    ctx.choose(menu, move |at| Message::Page(Edit::Rule(first, names.get(at).cloned().unwrap_or_else(|| "".into()))));
}

fn add_rule(tab: &mut Mappings, hubspot: FieldName, connectwise: FieldName, ctx: &mut Context<'_>) {
    let kinds = tab.draft.schemas().map(|schemas| {
        let kind = |system: System, name: &FieldName| schemas[system].field(name.as_str()).map(|def| def.kind);
        (kind(System::HubSpot, &hubspot), kind(System::ConnectWise, &connectwise))
    });
    let Some((Some(here), Some(there))) = kinds else {
        return ctx.say("The field is gone: the fields were read again meanwhile. Nothing was added.");
    };
    let rules = tab.draft.current().map_or(&[][..], |mapping| &mapping.matching);
    if rules.iter().any(|rule| rule.hubspot == hubspot && rule.connectwise == connectwise) {
        return ctx.say("There is such a match rule already.");
    }
    let (by, place) = (compared(here, there), rules.len());
    let rule = MatchRule { hubspot, connectwise, by };
    ctx.say(format!("Added as the last match rule, by the {}. [ moves it up.", object_page::how(by)));
    change(tab, ctx, |mapping| mapping.matching.push(rule));
    if let Some(page) = &mut tab.page {
        page.list.select(Setting::Match(place));
    }
}

/// How values of two kinds are compared, unless somebody says otherwise.
const fn compared(here: FieldKind, there: FieldKind) -> MatchBy {
    match (here, there) {
        (FieldKind::Domain | FieldKind::Url, _) | (_, FieldKind::Domain | FieldKind::Url) => MatchBy::Host,
        (FieldKind::Phone, _) | (_, FieldKind::Phone) => MatchBy::Digits,
        _ => MatchBy::Text,
    }
}

fn ask_record(system: System, ctx: &mut Context<'_>) {
    let title = format!("Leave out which {system} record?");
    finding::ask(&title, None, ctx, move |text| Message::Page(Edit::LeaveOut(system, text)));
}

fn look_for(tab: &Mappings, system: System, text: &str, ctx: &mut Context<'_>) {
    let records = tab.objects.records();
    finding::look(records, tab.draft.object, text, ctx, move |found| Message::Page(Edit::Found(system, found)));
}

fn found_some(system: System, found: Result<Vec<Status>, SourceError>, ctx: &mut Context<'_>) {
    let side = move |row: &Status| if system == System::HubSpot { row.hubspot } else { row.connectwise };
    let here = found.map(|rows| rows.into_iter().filter(|row| side(row).is_some()).collect());
    finding::choose(here, ctx, move |row| {
        Message::Page(Edit::Exclude(system, row.and_then(|row| side(&row)).map(|id| id.0)))
    });
}

fn exclude(tab: &mut Mappings, system: System, id: Option<u64>, ctx: &mut Context<'_>) {
    let Some(id) = id else { return };
    change(tab, ctx, |mapping| {
        let ids = excluded(mapping, system);
        if !ids.contains(&id) {
            ids.push(id);
        }
    });
    ctx.say(format!("{system} {id} is left out once the draft is deployed; its link rests."));
    if let Some(page) = &mut tab.page {
        page.list.select(Setting::Excluded(system, id));
    }
}

pub fn draw(tab: &Mappings, area: Rect, paint: &mut Paint<'_>) {
    let (head, rest) = split_top(area, 2);
    let width = usize::from(area.width);
    let object = tab.draft.object.plural();
    let left = [Cell::plain(" "), Cell::strong(object), Cell::plain(" › the object"), Cell::muted("   Esc fields")];
    paint.line_at(head, 0, &spread(&left, &tab.standing(), width));
    paint.rule(row_of(head, 1));
    let (Some(page), Some(mapping)) = (&tab.page, tab.draft.current()) else {
        return paint.lines(rest, &[Line::new(), vec![Cell::muted("  This object is not in the draft any more.")]]);
    };
    page.list.draw(rest, paint, &COLUMNS, 1, |row, paint| {
        row.0.cells(mapping, tab.draft.deployed(), &paint.world.snapshot.pauses)
    });
}

pub fn detail(tab: &Mappings, width: usize) -> Vec<Line> {
    let (Some(setting), Some(mapping)) = (selected(tab), tab.draft.current()) else { return Vec::new() };
    let mut lines: Vec<Line> =
        wrapped(&setting.lesson(mapping), width).into_iter().map(|text| vec![Cell::plain(text)]).collect();
    let about = tab.draft.findings().iter().filter(|finding| finding.field.is_none()).take(1);
    for finding in about {
        lines.extend(wrapped(&finding.message, width).into_iter().map(|text| vec![Cell::new(text, Role::Warn)]));
    }
    lines
}
