//! What can be done with field mappings, when, and what becomes of it.

use super::{Context, FIRST, Mappings, Message, editor, making, objects, versions};
use crate::mapping::references::refers_to;
use crate::mapping::{
    ClearPolicy, Direction, FieldKey, FieldMapping, ObjectMapping, SystemOfRecord, complete, defaults, suggest,
};
use crate::model::{FieldDef, FieldName, Schema};
use crate::tui::action::{Action, Enabled, Info, Key, Reason};
use crate::tui::overlay::{Command, Confirm, Menu};
use crate::tui::pausing;
use crate::tui::report::Report;
use crate::tui::tab::TabId;
use crate::tui::tabs::draft::source::Book;
use crate::tui::tabs::draft::{deploy, trial_page};
use crate::tui::tabs::objects as turning;
use crate::tui::world::World;
use crate::view::Cell;
use crate::view::mapping_table::Change;

pub const ACTIONS: &[Action<Mappings>] = &[
    Action {
        info: Info::new(
            "mappings.open",
            "open",
            &[Key::ENTER],
            "Open the fields of the object; show what the version under the cursor changes; of a test, the records that a number counts; choose the partner of a value",
        ),
        enabled: |tab, world| match &tab.trial {
            Some(trial) => trial.can_list(),
            None if editor::is_shown(tab) => {
                reason(!world.settings.read_only, "The console is read-only.")?;
                editor::can_edit_row(tab)
            }
            None if objects::is_shown(tab) => objects::can_open(tab),
            None if tab.versions.is_none() => {
                Err(Reason::new("A mapping has nothing to open but its value map: v opens that."))
            }
            None => versions::can_compare(tab),
        },
        run: |tab, ctx| match &tab.trial {
            Some(trial) => trial.list(TabId::Mappings, ctx),
            None if editor::is_shown(tab) => editor::choose(tab, ctx),
            None if objects::is_shown(tab) => objects::open(tab, ctx),
            None => versions::compare(tab, ctx),
        },
    },
    Action {
        info: Info::new(
            "mappings.add",
            "add",
            &[Key::char('a')],
            "Map a HubSpot field to a ConnectWise field; in the list of objects, another object",
        )
        .changes(),
        enabled: |tab, _| {
            if objects::is_shown(tab) {
                return objects::adding::can_add(tab);
            }
            shows_mappings(tab)?;
            has_config(tab)?;
            reason(tab.draft.schemas().is_some(), "The fields are not known yet: connect both systems first.")
        },
        run: |tab, ctx| if tab.inside { choose_first(tab, ctx) } else { objects::adding::choose(tab, ctx) },
    },
    Action {
        info: Info::new(
            "mappings.create",
            "create",
            &[Key::char('c')],
            "Make a property in HubSpot for a field of ConnectWise, after a look at the exact request, and map the two",
        )
        .changes()
        .not_in_footer(),
        enabled: |tab, _| {
            shows_mappings(tab)?;
            has_config(tab)?;
            deploy::not_deploying(&tab.draft)?;
            reason(tab.inside, "Enter opens an object first: a property is one of companies, contacts, …")?;
            reason(tab.draft.schemas().is_some(), "The fields are not known yet: connect both systems first.")
        },
        run: |tab, ctx| making::begin(tab, ctx),
    },
    Action {
        info: Info::new("mappings.direction", "direction", &[Key::char('d')], "Change which way values go").changes(),
        enabled: can_change,
        run: |tab, ctx| change_field(tab, ctx, |field| field.direction = next_direction(field.direction)),
    },
    Action {
        info: Info::new("mappings.wins", "wins", &[Key::char('w')], "Change who wins where both sides changed")
            .changes(),
        enabled: |tab, world| {
            can_change(tab, world)?;
            let both = selected(tab).is_some_and(|field| field.direction == Direction::Both);
            reason(both, "Values go one way only: nothing can be in conflict.")
        },
        run: |tab, ctx| change_field(tab, ctx, |field| field.wins = next_wins(field.wins)),
    },
    Action {
        info: Info::new(
            "mappings.empty",
            "empty",
            &[Key::char('e')],
            "Change what an empty value does: it is filled, or it empties the other side",
        )
        .changes(),
        enabled: |tab, world| {
            can_change(tab, world)?;
            let points = selected(tab).is_some_and(|field| refers_to(field.kind).is_some());
            reason(!points, "The field points to a record, and Lockstep takes nothing apart: it is only filled.")
        },
        run: |tab, ctx| {
            change_field(tab, ctx, |field| {
                field.empty = if field.empty == ClearPolicy::Fill { ClearPolicy::Clear } else { ClearPolicy::Fill };
            });
        },
    },
    Action {
        info: Info::new(
            "mappings.values",
            "values",
            &[Key::char('v')],
            "Open the value map: which option stands for which",
        ),
        enabled: |tab, _| {
            shows_mappings(tab)?;
            reason(selected(tab).is_some(), "There is no mapping whose values could be shown.")
        },
        run: |tab, ctx| match editor::can_open(selected(tab)) {
            Ok(()) => editor::open(tab),
            Err(why) => ctx.say(why.to_string()),
        },
    },
    Action {
        info: Info::new(
            "mappings.suggest",
            "suggest",
            &[Key::char('s')],
            "Show partners with nearly the same name, to tick those that are meant",
        )
        .changes(),
        enabled: |tab, _| editor::can_edit(tab),
        run: editor::suggest,
    },
    Action {
        info: Info::new(
            "mappings.unmapped",
            "rest",
            &[Key::char('m')],
            "Choose what becomes of a value without a partner: held, skipped, or taken for a default",
        )
        .changes(),
        enabled: |tab, _| editor::can_edit(tab),
        run: editor::choose_unmapped,
    },
    Action {
        info: Info::new(
            "mappings.auto",
            "by",
            &[Key::char('b')],
            "Change how pairs are found by themselves: by label, by e-mail of persons, not at all",
        )
        .changes(),
        enabled: |tab, _| editor::can_edit(tab),
        run: editor::turn_auto,
    },
    Action {
        info: Info::new(
            "mappings.earlier",
            "earlier",
            &[Key::char('[')],
            "Move the pair up: of several the first one counts for the way back; of several options of one record the first one crosses",
        )
        .changes(),
        enabled: |tab, _| editor::can_shift(tab),
        run: |tab, ctx| editor::shift(tab, ctx, false),
    },
    Action {
        info: Info::new("mappings.later", "later", &[Key::char(']')], "Move the pair down").changes().not_in_footer(),
        enabled: |tab, _| editor::can_shift(tab),
        run: |tab, ctx| editor::shift(tab, ctx, true),
    },
    Action {
        info: Info::new(
            "mappings.holders",
            "records",
            &[Key::char('L')],
            "List the records of the object, or those that hold the value under the cursor",
        ),
        enabled: |tab, _| if objects::is_shown(tab) { objects::has_records(tab) } else { editor::has_records(tab) },
        run: |tab, ctx| if tab.inside { editor::open_records(tab, ctx) } else { objects::open_records(tab, ctx) },
    },
    Action {
        info: Info::new("mappings.object", "object", &[Key::char('o')], "Show the mappings of another object"),
        enabled: |tab, _| {
            shows_mappings(tab)?;
            turning::can_turn(tab.draft.object, &tab.draft.objects())
        },
        run: |tab, ctx| {
            if let Some(object) = turning::turn(tab.draft.object, &tab.draft.objects(), ctx, Message::Turn) {
                tab.turn_to(object, ctx);
            }
        },
    },
    Action {
        info: Info::new(
            "mappings.pause",
            "pause/resume",
            &[Key::char('p')],
            "Write nothing of this object to either system, or let it go on",
        )
        .changes(),
        enabled: |tab, world| {
            if objects::is_shown(tab) {
                objects::can_open(tab)?
            } else {
                shows_mappings(tab)?
            }
            pausing::can_toggle(tab.pause_scope(), world)
        },
        run: |tab, ctx| pausing::toggle(ctx, tab.pause_scope()),
    },
    Action {
        info: Info::new(
            "mappings.remove",
            "remove",
            &[Key::char('-')],
            "Take the mapping, or the object, out of the draft; in a value map the listed pair",
        )
        .changes(),
        enabled: |tab, world| match tab.inside {
            _ if editor::is_shown(tab) => editor::is_listed(tab),
            false if objects::is_shown(tab) => objects::can_remove(tab),
            _ => can_change(tab, world),
        },
        run: |tab, ctx| match tab.inside {
            _ if editor::is_shown(tab) => editor::remove(tab, ctx),
            false => objects::ask_remove(tab, ctx),
            true => ask_remove(tab, ctx),
        },
    },
    Action {
        info: Info::new(
            "mappings.undo",
            "undo",
            &[Key::char('u')],
            "Make this mapping, or all of the object, what is deployed again",
        )
        .changes(),
        enabled: |tab, _| {
            if objects::is_shown(tab) {
                return objects::can_undo(tab);
            }
            shows_mappings(tab)?;
            let changed = tab.rows.selected().is_some_and(|row| row.change != Change::Same);
            reason(changed, "This mapping is as deployed already.")
        },
        run: |tab, ctx| if tab.inside { undo(tab, ctx) } else { objects::undo(tab, ctx) },
    },
    Action {
        info: Info::new("mappings.propose", "propose", &[Key::char('n')], "Make the usual mappings the draft")
            .changes(),
        enabled: |tab, _| {
            reason(tab.trial.is_none() && tab.versions.is_none(), "Go back to the objects first, with Esc.")?;
            let loaded = tab.draft.book().is_some();
            reason(loaded, "The configuration is still being read.")?;
            reason(has_config(tab).is_err(), "There is a configuration already.")
        },
        run: propose,
    },
    Action {
        info: Info::new(
            "mappings.versions",
            "versions",
            &[Key::char('V')],
            "List the versions of the configuration: who saved and deployed each, and when",
        ),
        enabled: |tab, _| {
            reason(tab.trial.is_none(), "Leave the test first, with Esc.")?;
            reason(tab.versions.is_none(), "The versions are listed already; Esc goes back.")
        },
        run: Mappings::open_versions,
    },
    Action {
        info: Info::new(
            "mappings.rollback",
            "roll back",
            &[Key::char('r')],
            "Make the text of the version under the cursor the draft",
        )
        .changes(),
        enabled: |tab, _| versions::can_roll_back(tab),
        run: versions::ask_roll_back,
    },
    Action {
        info: Info::new("mappings.test", "test", &[Key::char('T')], "Test the draft: what it would do to every record"),
        enabled: |tab, _| trial_page::can_test(&tab.draft),
        run: Mappings::test,
    },
    Action {
        info: Info::new("mappings.deploy", "deploy", &[Key::char('D')], "Let the draft drive the engine").changes(),
        enabled: |tab, _| deploy::can_deploy(&tab.draft),
        run: |tab, ctx| deploy::ask_deploy(&mut tab.draft, ctx, Message::Draft),
    },
    Action {
        info: Info::new("mappings.revert", "revert", &[Key::char('R')], "Throw the draft away").changes(),
        enabled: |tab, _| deploy::can_revert(&tab.draft),
        run: |tab, ctx| deploy::ask_revert(&tab.draft, ctx, Message::Draft),
    },
];

fn reason(fine: bool, otherwise: &'static str) -> Enabled {
    if fine { Ok(()) } else { Err(Reason::new(otherwise)) }
}

fn has_config(tab: &Mappings) -> Enabled {
    reason(tab.draft.current().is_some(), "There is no configuration yet: n proposes one.")
}

/// What works on a mapping is not done to one that is not on the screen.
fn shows_mappings(tab: &Mappings) -> Enabled {
    if objects::is_shown(tab) {
        return Err(Reason::new("Enter opens the fields of an object first."));
    }
    let shown = tab.versions.is_none() && tab.trial.is_none() && tab.editor.is_none();
    reason(shown, "Go back to the mappings first, with Esc.")
}

fn can_change(tab: &Mappings, _: &World) -> Enabled {
    shows_mappings(tab)?;
    has_config(tab)?;
    deploy::not_deploying(&tab.draft)?;
    let row = tab.rows.selected().ok_or_else(|| Reason::new("There is no mapping to change."))?;
    reason(row.change != Change::Removed, "This mapping is removed in the draft; u brings it back.")
}

fn selected(tab: &Mappings) -> Option<&FieldMapping> {
    let key = tab.rows.selected_key()?;
    tab.draft.current()?.fields.iter().find(|field| field.key() == *key)
}

fn change(tab: &mut Mappings, ctx: &mut Context<'_>, change: impl FnOnce(&mut ObjectMapping)) {
    tab.draft.change(ctx, Message::Draft, change);
    tab.list();
    tab.meter.look(&tab.draft, ctx, Message::Measured);
}

fn change_field(tab: &mut Mappings, ctx: &mut Context<'_>, alter: impl FnOnce(&mut FieldMapping)) {
    let Some(key) = tab.rows.selected_key().cloned() else { return };
    change(tab, ctx, |object| {
        if let Some(field) = object.fields.iter_mut().find(|field| field.key() == key) {
            alter(field);
        }
    });
}

const fn next_direction(direction: Direction) -> Direction {
    match direction {
        Direction::Both => Direction::ToConnectwise,
        Direction::ToConnectwise => Direction::ToHubspot,
        Direction::ToHubspot => Direction::Both,
    }
}

const fn next_wins(wins: SystemOfRecord) -> SystemOfRecord {
    match wins {
        SystemOfRecord::Latest => SystemOfRecord::HubSpot,
        SystemOfRecord::HubSpot => SystemOfRecord::ConnectWise,
        SystemOfRecord::ConnectWise => SystemOfRecord::Ask,
        SystemOfRecord::Ask => SystemOfRecord::Latest,
    }
}

fn choice(field: &FieldDef, not_now: Option<String>) -> Command {
    let custom = if field.custom { ", custom" } else { "" };
    Command {
        name: field.name.to_string(),
        doc: format!("{} ({}{custom})", field.label, field.kind.word()),
        keys: String::new(),
        not_now,
    }
}

fn choose_first(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(schemas) = tab.draft.schemas() else { return };
    let fields = &schemas[FIRST].fields;
    let names: Vec<FieldName> = fields.iter().map(|field| field.name.clone()).collect();
    let commands = fields.iter().map(|field| choice(field, None)).collect();
    let pick = move |index: usize| Message::AddFor(names.get(index).cloned().unwrap_or_else(|| "".into()));
    ctx.choose(Menu::new(format!("Add: the {FIRST} field"), commands), pick);
}

/// The fields of the other side, those that go together with `first` before the others.
fn choose_second(tab: &Mappings, first: &FieldName, ctx: &mut Context<'_>) {
    let (Some(schemas), Some(current)) = (tab.draft.schemas(), tab.draft.current()) else { return };
    let Some(here) = schemas[FIRST].field(first.as_str()) else { return };
    let mut options: Vec<(&FieldDef, Option<String>)> =
        schemas[FIRST.other()].fields.iter().map(|there| (there, obstacle(current, here, there))).collect();
    options.sort_by_key(|(_, obstacle)| obstacle.is_some());
    let names: Vec<FieldName> = options.iter().map(|(field, _)| field.name.clone()).collect();
    let commands = options.into_iter().map(|(field, obstacle)| choice(field, obstacle)).collect();
    let first = first.clone();
    let title = format!("Add: the {} field for {}", FIRST.other(), here.label);
    let pick = move |index: usize| Message::Add(first, names.get(index).cloned().unwrap_or_else(|| "".into()));
    ctx.choose(Menu::new(title, commands), pick);
}

/// Why the two can't be mapped to each other.
fn obstacle(current: &ObjectMapping, here: &FieldDef, there: &FieldDef) -> Option<String> {
    let key = FieldKey::new(&here.name, &there.name);
    if current.fields.iter().any(|field| field.key() == key) {
        return Some("is mapped to it already".to_owned());
    }
    suggest(here, there).err().map(|incompatible| incompatible.reason)
}

pub(super) fn add(tab: &mut Mappings, first: &FieldName, second: &FieldName, ctx: &mut Context<'_>) {
    let suggested = tab.draft.schemas().and_then(|schemas| {
        let find = |schema: &Schema, name: &FieldName| schema.field(name.as_str()).cloned();
        find(&schemas[FIRST], first).zip(find(&schemas[FIRST.other()], second))
    });
    let Some((here, there)) = suggested else { return };
    match suggest(&here, &there) {
        Ok(mapping) => {
            let key = mapping.key();
            change(tab, ctx, |object| object.fields.push(mapping));
            tab.rows.select(key);
            ctx.say("Added to the draft. T tests it, then D deploys it.");
        }
        Err(incompatible) => {
            let what = format!("{} and {} can't be mapped to each other.", here.label, there.label);
            ctx.report(Report::new(what, "Choose two fields of the same kind.").because(incompatible.reason));
        }
    }
}

fn ask_remove(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(key) = tab.rows.selected_key().cloned() else { return };
    let Some(field) = selected(tab) else { return };
    let what = format!("{} {} {}", field.hubspot, field.direction.arrow(), field.connectwise);
    let lines = vec![
        vec![Cell::strong(what)],
        vec![Cell::plain("Its values stay where they are, and stop crossing once the draft is deployed.")],
    ];
    ctx.confirm(Confirm::new("Remove from the draft", lines, "remove"), Message::Remove(key));
}

fn undo(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(key) = tab.rows.selected_key().cloned() else { return };
    let deployed = tab.draft.deployed();
    let place = deployed.and_then(|object| object.fields.iter().position(|field| field.key() == key));
    let old = place.and_then(|place| deployed.map(|object| (place, object.fields[place].clone())));
    change(tab, ctx, |object| {
        let at = object.fields.iter().position(|field| field.key() == key);
        match (at, old) {
            (Some(at), Some((_, old))) => object.fields[at] = old,
            (Some(at), None) => drop(object.fields.remove(at)),
            (None, Some((place, old))) => object.fields.insert(place.min(object.fields.len()), old),
            (None, None) => {}
        }
    });
}

fn propose(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let mut config = defaults::config();
    for schemas in tab.draft.book().into_iter().flat_map(Book::all_schemas) {
        complete(&mut config, schemas);
    }
    tab.draft.replace(config, ctx, Message::Draft);
    tab.list();
    objects::list(tab);
    ctx.say("These are the usual mappings, as a draft. Look through them, then D deploys.");
}

/// What became of an action.
pub fn receive(tab: &mut Mappings, message: Message, ctx: &mut Context<'_>) {
    match message {
        Message::AddFor(first) => choose_second(tab, &first, ctx),
        Message::Add(first, second) => add(tab, &first, &second, ctx),
        Message::Remove(key) => change(tab, ctx, |object| object.fields.retain(|field| field.key() != key)),
        Message::Turn(object) => tab.turn_to(object, ctx),
        Message::Edit(edit) => editor::receive(tab, edit, ctx),
        Message::Holders(picked) => editor::opened(picked, ctx),
        Message::Versions(rows) => {
            if let Some(versions) = &mut tab.versions {
                versions.receive(rows, ctx);
            }
        }
        Message::Compared(comparison) => versions::compared(comparison, ctx),
        Message::RollBack(row) => versions::roll_back(tab, *row, ctx),
        Message::RolledBack(name, saved) => versions::rolled_back(tab, &name, saved, ctx),
        Message::RemoveObject(object) => objects::remove(tab, object, ctx),
        // the tab itself takes these
        Message::Draft(_)
        | Message::Trial(_)
        | Message::Measured(_)
        | Message::Overview(_)
        | Message::Adding(_)
        | Message::Making(_) => {}
    }
}
