//! The value map of one field in place of the mappings: both systems' values, and what leads where.

use ratatui::layout::Rect;

use super::super::{Context, Mappings, Message};
use super::meter::question;
use super::source::Holders;
use crate::mapping::called::Called;
use crate::mapping::coverage::{Partners, Standing};
use crate::mapping::pairing::{self, Likeness, Row, Suggestion};
use crate::mapping::stages::Stages;
use crate::mapping::{AutoPairs, FieldKey, FieldMapping, Unmapped, ValueMap};
use crate::model::{BySystem, ChoiceOption, FieldKind, Schema, System};
use crate::tui::action::{Enabled, Reason};
use crate::tui::overlay::{Command, Menu, Ticks};
use crate::tui::report::Report;
use crate::tui::tab::{Picked, TabId, Target};
use crate::tui::tabs::draft::deploy;
use crate::tui::widgets::paint::{row_of, split_top};
use crate::tui::widgets::{Keyed, List, Paint};
use crate::tui::world::SourceError;
use crate::view::cell::{clipped, spread, wrapped};
use crate::view::{Cell, Line, Role, coverage, format, value_map};

/// The editor, while it is open.
pub struct Editor {
    pub field: FieldKey,
    pub list: List<ValueRow>,
    /// What the values are searched for; empty: nothing is.
    pub search: String,
}

/// A row, named by its two ends.
pub struct ValueRow(Row);

impl Keyed for ValueRow {
    type Key = (Option<String>, Option<String>);
    fn key(&self) -> Self::Key {
        let key = |system: System| self.0.ends[system].as_ref().map(|end| end.key.clone());
        (key(System::HubSpot), key(System::ConnectWise))
    }
}

/// What a person chose.
#[derive(Debug)]
pub enum Edit {
    /// The value of a system leads to that one.
    Lead(System, String, String),
    Take(Vec<Suggestion>),
    /// What becomes of a value without a partner.
    Rest(Rest),
    /// In that system, such a value is taken for this one.
    Default(System, String),
}

/// What may become of a value without a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    Hold,
    Skip,
    /// It is taken for a value of that system, which is still to be chosen.
    Default(System),
}

fn field(tab: &Mappings) -> Option<&FieldMapping> {
    let editor = tab.editor.as_ref()?;
    tab.draft.current()?.fields.iter().find(|field| field.key() == editor.field)
}

fn row(tab: &Mappings) -> Option<&Row> {
    tab.editor.as_ref()?.list.selected().map(|row| &row.0)
}

/// # Errors
/// Where the mapping has no options to pair.
pub fn can_open(field: Option<&FieldMapping>) -> Enabled {
    match field {
        Some(field) if field.kind.has_options() => Ok(()),
        _ => Err(Reason::new("Its values are no options: they cross as they are.")),
    }
}

/// # Errors
/// Where the editor is not open, or the draft can't be changed now.
pub fn can_edit(tab: &Mappings) -> Enabled {
    if !is_shown(tab) {
        return Err(Reason::new("v on a mapping with options opens its value map."));
    }
    if field(tab).is_none() {
        return Err(Reason::new("This mapping is not in the draft any more; Esc goes back."));
    }
    deploy::not_deploying(&tab.draft)
}

/// # Errors
/// As [`can_edit`], or where there is no row.
pub fn can_edit_row(tab: &Mappings) -> Enabled {
    can_edit(tab)?;
    row(tab).map(drop).ok_or_else(|| Reason::new("There is no value."))
}

/// # Errors
/// Where the row is none of the listed pairs.
pub fn is_listed(tab: &Mappings) -> Enabled {
    can_edit_row(tab)?;
    if row(tab).is_some_and(|row| row.place.is_some()) {
        return Ok(());
    }
    Err(Reason::new("Only listed pairs are removed or moved; b says how the others are found."))
}

/// # Errors
/// Where no record is counted there.
pub fn has_records(tab: &Mappings) -> Enabled {
    can_edit_row(tab)?;
    let records = row(tab).and_then(Row::end).and_then(|end| end.records).unwrap_or(0);
    if records > 0 { Ok(()) } else { Err(Reason::new("No record that was read holds this value.")) }
}

/// Whether the value map is what the person sees.
pub const fn is_shown(tab: &Mappings) -> bool {
    tab.editor.is_some() && tab.trial.is_none() && tab.versions.is_none()
}

/// Opens the value map of the mapping under the cursor.
pub fn open(tab: &mut Mappings) {
    let Some(key) = tab.rows.selected_key().cloned() else { return };
    tab.editor = Some(Editor { field: key, list: List::default(), search: String::new() });
    list(tab);
}

/// Lists the values anew.
pub fn list(tab: &mut Mappings) {
    let wanted = tab.editor.as_ref().map(|editor| editor.search.to_lowercase()).unwrap_or_default();
    let is_wanted = |row: &Row| {
        let mut ends = System::BOTH.into_iter().filter_map(|system| row.ends[system].as_ref());
        ends.any(|end| [&end.label, &end.key].iter().any(|text| text.to_lowercase().contains(&wanted)))
    };
    let rows = field(tab).zip(tab.draft.schemas()).map(|(field, schemas)| {
        let rows = pairing::rows(field, schemas, tab.meter.coverage(&field.key()));
        rows.into_iter().filter(is_wanted).map(ValueRow).collect()
    });
    if let Some(editor) = &mut tab.editor {
        editor.list.set(rows.unwrap_or_default());
    }
}

fn change(tab: &mut Mappings, ctx: &mut Context<'_>, alter: impl FnOnce(&mut FieldMapping)) {
    let Some(key) = tab.editor.as_ref().map(|editor| editor.field.clone()) else { return };
    tab.draft.change(ctx, Message::Draft, |object| {
        if let Some(field) = object.fields.iter_mut().find(|field| field.key() == key) {
            alter(field);
        }
    });
    tab.list();
    list(tab);
    tab.meter.look(&tab.draft, ctx, Message::Measured);
}

/// Offers the options of the other system.
pub fn choose(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let (Some(field), Some(row), Some(schemas)) = (field(tab), row(tab), tab.draft.schemas()) else { return };
    let (from, Some(end)) = (row.from(), row.end()) else { return };
    if row.is_dead() {
        return ctx.say("A system has no such option: - removes the pair, and each value has a row of its own.");
    }
    let to = from.other();
    let options = schemas[to].field(field.field(to).as_str()).map_or(&[][..], |def| &def.options);
    if options.is_empty() {
        return ctx.say(format!("`{}` of {to} has no options: its texts are the labels.", field.field(to)));
    }
    let refusal = |there: &str| match from {
        System::HubSpot => pairing::refusal(field, schemas, &end.key, there),
        System::ConnectWise => pairing::refusal(field, schemas, there, &end.key),
    };
    let mut commands: Vec<(String, Command)> = options
        .iter()
        .map(|option| {
            let inactive = if option.inactive { "inactive: read, but not to be written" } else { "" };
            let doc = if inactive.is_empty() { option.key.clone() } else { format!("{}   {inactive}", option.key) };
            let not_now = refusal(&option.key);
            (option.key.clone(), Command { name: option.label.clone(), doc, keys: String::new(), not_now })
        })
        .collect();
    commands.sort_by_key(|(_, command)| command.not_now.is_some());
    let (keys, commands): (Vec<_>, Vec<_>) = commands.into_iter().unzip();
    let (title, key) = (format!("{to}'s value for {}", end.label), end.key.clone());
    ctx.choose(Menu::new(title, commands), move |at| {
        Message::Edit(Edit::Lead(from, key, keys.get(at).cloned().unwrap_or_default()))
    });
}

/// Shows what may have been meant, to tick what is; what only looks alike is not ticked from the start.
pub fn suggest(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let (Some(field), Some(schemas)) = (field(tab), tab.draft.schemas()) else { return };
    let rows = pairing::rows(field, schemas, tab.meter.coverage(&field.key()));
    if rows.iter().all(Row::has_partner) {
        return ctx.say(if rows.is_empty() {
            "There is no value to suggest a partner for."
        } else {
            "Every value has a partner."
        });
    }
    let found = pairing::suggestions(field, schemas, &rows);
    if found.is_empty() {
        return ctx.say("No value without a partner has a single near name over there: Enter on it lists all.");
    }
    let (header, lines) = value_map::suggestions(&found);
    let lines = lines.into_iter().zip(&found).map(|(line, one)| (line, one.likeness == Likeness::Signs)).collect();
    ctx.tick(Ticks::new("Names that are nearly the same", header, lines), move |taken| {
        Message::Edit(Edit::Take(taken.into_iter().filter_map(|at| found.get(at).cloned()).collect()))
    });
}

/// Whether an option of that key is there now: it may have gone while the question was on the screen.
fn is_there(field: &FieldMapping, schemas: &BySystem<Schema>, system: System, key: &str) -> bool {
    Partners::new(field, schemas).standing(system, key) != Standing::Unknown
}

pub fn receive(tab: &mut Mappings, edit: Edit, ctx: &mut Context<'_>) {
    let (Some(schemas), Some(field)) = (tab.draft.schemas().cloned(), field(tab)) else { return };
    let partners = Partners::new(field, &schemas);
    let (leads, said) = match edit {
        Edit::Rest(chosen) => return rest(tab, chosen, ctx),
        Edit::Default(to, key) => return set_default(tab, to, key, ctx),
        Edit::Lead(from, key, to) => {
            let (here, there) = (partners.called(from, &key), partners.called(from.other(), &to));
            let way = format!("{here} leads to {there} now, as a pair of its own.");
            (vec![(from, key, to)], way)
        }
        Edit::Take(found) => {
            let said =
                format!("{} to the draft.", format::counted(found.len() as u64, "pair is added", "pairs are added"));
            (found.into_iter().map(|one| (one.from, one.end.key, one.to)).collect(), said)
        }
    };
    if let Some((from, _, to)) = leads.iter().find(|(from, _, to)| !is_there(field, &schemas, from.other(), to)) {
        let what = format!("{} has no such option any more: {to}.", from.other());
        return ctx.report(Report::new(what, "Choose another one; nothing was changed."));
    }
    let refused = leads.iter().find_map(|(from, key, to)| match from {
        System::HubSpot => pairing::refusal(field, &schemas, key, to),
        System::ConnectWise => pairing::refusal(field, &schemas, to, key),
    });
    if let Some(why) = refused {
        return ctx
            .report(Report::new(format!("{why}: they are not paired."), "Choose another one; nothing was changed."));
    }
    change(tab, ctx, |field| {
        for (from, key, to) in &leads {
            pairing::lead(field, &schemas, *from, key, to);
        }
    });
    // the row moves to the pairs, and the cursor with it
    if let (Some((from, key, to)), Some(editor)) = (leads.into_iter().next(), &mut tab.editor) {
        let (hubspot, connectwise) = if from == System::HubSpot { (key, to) } else { (to, key) };
        editor.list.select((Some(hubspot), Some(connectwise)));
    }
    ctx.say(said);
}

pub fn remove(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(place) = row(tab).and_then(|row| row.place) else { return };
    change(tab, ctx, |field| {
        if let Some(values) = field.values.as_mut().filter(|values| place < values.pairs.len()) {
            values.pairs.remove(place);
        }
    });
}

/// The value under the cursor, where it is one of several of which one crosses.
fn ranked(tab: &Mappings) -> Option<(System, String)> {
    let from = pairing::several(field(tab)?, tab.draft.schemas()?)?;
    Some((from, row(tab)?.ends[from].as_ref()?.key.clone()))
}

/// # Errors
/// Where the row has no order.
pub fn can_shift(tab: &Mappings) -> Enabled {
    can_edit_row(tab)?;
    if ranked(tab).is_some() { Ok(()) } else { is_listed(tab) }
}

/// Moves the pair under the cursor by one place; of several options of which one crosses, the option in their order.
pub fn shift(tab: &mut Mappings, ctx: &mut Context<'_>, later: bool) {
    if let Some((from, key)) = ranked(tab) {
        let mut said = "";
        change(tab, ctx, |field| said = pairing::rank(field, from, &key, later));
        if !said.is_empty() {
            ctx.say(said);
        }
        return;
    }
    let Some(place) = row(tab).and_then(|row| row.place) else { return };
    let other = if later { place + 1 } else { place.saturating_sub(1) };
    change(tab, ctx, |field| {
        if let Some(values) = field.values.as_mut().filter(|values| place.max(other) < values.pairs.len()) {
            values.pairs.swap(place, other);
        }
    });
}

/// Offers what may become of a value without a partner.
pub fn choose_unmapped(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let (Some(field), Some(schemas)) = (field(tab), tab.draft.schemas()) else { return };
    let now = field.values.as_ref().map(|values| values.unmapped);
    let stands = Stages::of(field, schemas).is_some();
    let line = |name: String, doc: &str, not_now: Option<String>| Command {
        name,
        doc: doc.to_owned(),
        keys: String::new(),
        not_now,
    };
    let is_now = |policy: Unmapped| if now == Some(policy) { ", as now" } else { "" };
    let mut ways = vec![
        (Rest::Hold, line(format!("held{}", is_now(Unmapped::Hold)), "the field waits for a person", None)),
        (Rest::Skip, line(format!("skipped{}", is_now(Unmapped::Skip)), "the other side keeps what it has", None)),
    ];
    for to in System::BOTH.into_iter().filter(|to| field.direction.writes(*to)) {
        let refusal = if stands {
            Some("Where a record stands has no default.".to_owned())
        } else {
            options(field, schemas, to).is_empty().then(|| format!("`{}` of {to} has no options.", field.field(to)))
        };
        let names = Called::of_field(schemas[to].field(field.field(to).as_str()));
        let known = field.default.of(to).filter(|_| now == Some(Unmapped::Default)).map(|key| names.name(key));
        let doc = known.map_or_else(|| "it is taken for a value to be chosen".to_owned(), |now| format!("now: {now}"));
        ways.push((Rest::Default(to), line(format!("{to} default"), &doc, refusal)));
    }
    let (ways, commands): (Vec<_>, Vec<_>) = ways.into_iter().unzip();
    ctx.choose(Menu::new("A value without a partner is", commands), move |at| {
        Message::Edit(Edit::Rest(ways.get(at).copied().unwrap_or(Rest::Hold)))
    });
}

fn options<'a>(field: &FieldMapping, schemas: &'a BySystem<Schema>, system: System) -> &'a [ChoiceOption] {
    schemas[system].field(field.field(system).as_str()).map_or(&[], |def| &def.options)
}

/// What becomes of a value without a partner was chosen.
fn rest(tab: &mut Mappings, rest: Rest, ctx: &mut Context<'_>) {
    let policy = match rest {
        Rest::Hold => Unmapped::Hold,
        Rest::Skip => Unmapped::Skip,
        Rest::Default(to) => return choose_default(tab, to, ctx),
    };
    change(tab, ctx, |field| field.values.get_or_insert_with(ValueMap::default).unmapped = policy);
    ctx.say(format!("A value without a partner is {} now.", policy.word()));
}

fn choose_default(tab: &mut Mappings, to: System, ctx: &mut Context<'_>) {
    let (Some(field), Some(schemas)) = (field(tab), tab.draft.schemas()) else { return };
    let active: Vec<&ChoiceOption> = options(field, schemas, to).iter().filter(|option| !option.inactive).collect();
    let command = |option: &&ChoiceOption| Command {
        name: option.label.clone(),
        doc: option.email.clone().unwrap_or_else(|| option.key.clone()),
        keys: String::new(),
        not_now: None,
    };
    let commands = active.iter().map(command).collect();
    let keys: Vec<String> = active.iter().map(|option| option.key.clone()).collect();
    ctx.choose(Menu::new(format!("Taken for which value of {to}?"), commands), move |at| {
        Message::Edit(Edit::Default(to, keys.get(at).cloned().unwrap_or_default()))
    });
}

fn set_default(tab: &mut Mappings, to: System, key: String, ctx: &mut Context<'_>) {
    let (Some(field), Some(schemas)) = (field(tab), tab.draft.schemas()) else { return };
    if !is_there(field, schemas, to, &key) {
        let what = format!("{to} has no such option any more: {key}.");
        return ctx.report(Report::new(what, "Choose another one; nothing was changed."));
    }
    let said = format!(
        "{} stands for every value without a partner in {to} now.",
        Partners::new(field, schemas).called(to, &key)
    );
    change(tab, ctx, |field| {
        match to {
            System::HubSpot => field.default.hubspot = Some(key),
            System::ConnectWise => field.default.connectwise = Some(key),
        }
        field.values.get_or_insert_with(ValueMap::default).unmapped = Unmapped::Default;
    });
    ctx.say(said);
}

pub fn turn_auto(tab: &mut Mappings, ctx: &mut Context<'_>) {
    change(tab, ctx, |field| {
        let (person, values) = (field.kind == FieldKind::Person, field.values.get_or_insert_with(ValueMap::default));
        values.auto = match values.auto {
            None => Some(AutoPairs::Label),
            Some(AutoPairs::Label) if person => Some(AutoPairs::Email),
            Some(_) => None,
        };
    });
}

/// From a number to its records.
pub fn open_records(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let (Some(field), Some(row), Some(question)) = (field(tab), row(tab), question(&tab.draft, ctx.world.now)) else {
        return;
    };
    let Some(end) = row.end() else { return };
    let system = row.from();
    let label =
        |system: System| question.schemas[system].field(field.field(system).as_str()).map(|def| def.label.clone());
    let what = label(system).unwrap_or_else(|| field.field(system).to_string());
    let objects = question.mapping.object.plural().to_lowercase();
    let title = format!("{objects} whose {what} in {system} is {}", end.label);
    let holders = Holders { field: field.clone(), system, key: end.key.clone(), title };
    let source = tab.meter.source();
    ctx.fetch(
        move || Message::Holders(source.holders(&question, &holders)),
        |why| Message::Holders(Err(SourceError(why))),
    );
}

pub fn opened(picked: Result<Picked, SourceError>, ctx: &mut Context<'_>) {
    match picked {
        Ok(picked) => {
            ctx.goto(TabId::Records, Some(Target::These(picked.into(), TabId::Mappings)));
            ctx.say("Esc comes back to the value map.");
        }
        Err(error) => {
            ctx.report(Report::new("The records could not be listed.", "Try again.").because(error.0));
        }
    }
}

pub fn draw(tab: &Mappings, area: Rect, paint: &mut Paint<'_>) {
    let Some(editor) = &tab.editor else { return };
    let (head, rest) = split_top(area, 3);
    let width = usize::from(area.width);
    let field = field(tab);
    let names = field.map_or_else(
        || editor.field.to_string(),
        |field| format!("{} {} {}", field.hubspot, field.direction.arrow(), field.connectwise),
    );
    let left = [
        Cell::plain(" "),
        Cell::strong(tab.draft.object.plural()),
        Cell::plain(format!(" › {names}")),
        match editor.search.as_str() {
            "" => Cell::muted("   Esc mappings"),
            searched => Cell::new(format!("   / {searched}   Esc all"), Role::Wait),
        },
    ];
    let policy = value_map::policy(field, tab.draft.schemas());
    paint.line_at(head, 0, &spread(&left, &[], width));
    paint.line_at(head, 1, &clipped(&[Cell::plain(" "), Cell::plain(policy)], width));
    paint.rule(row_of(head, 2));
    if editor.list.is_empty() {
        let text = match field {
            None => "This mapping is not in the draft any more.",
            Some(_) if !editor.search.is_empty() => "No value has that in its name. Esc shows all.",
            Some(_) => "Neither system has options for it, and no record that was read holds a value.",
        };
        return paint.lines(rest, &[Line::new(), vec![Cell::muted(format!("  {text}"))]]);
    }
    let with_outcome = value_map::tells_outcome(editor.list.rows().map(|row| &row.0));
    let columns = if with_outcome { &value_map::WITH_OUTCOME[..] } else { &value_map::COLUMNS[..] };
    editor.list.draw(rest, paint, columns, 0, |row, _| value_map::cells(&row.0, with_outcome));
}

pub fn detail(tab: &Mappings, width: usize) -> Vec<Line> {
    let text = |text: String| wrapped(&text, width).into_iter().map(|line| vec![Cell::plain(line)]);
    let mut lines: Vec<Line> =
        row(tab).map(value_map::meaning).unwrap_or_default().into_iter().flat_map(text).collect();
    if let Some((field, reach)) = field(tab).and_then(|field| Some((field, tab.meter.coverage(&field.key())?))) {
        lines.extend(coverage::lines(field, reach, width));
    }
    lines
}
