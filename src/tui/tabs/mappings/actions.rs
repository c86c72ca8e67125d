//! What can be done with field mappings, when, and what becomes of it.

use super::{
    Context, FIRST, Mappings, Message, editor, making, objects, page, picker, sample, tuning, unusual, versions,
};
use crate::mapping::references::refers_to;
use crate::mapping::{
    ClearPolicy, Direction, FieldMapping, ObjectMapping, SystemOfRecord, complete, defaults, suggest,
};
use crate::model::{FieldName, Schema};
use crate::tui::action::{Action, Enabled, Info, Key, Reason};
use crate::tui::overlay::Confirm;
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
            "Open the fields of the object; show what the version under the cursor changes; of a test, the records that a number counts; choose the partner of a value; change what the row says",
        ),
        enabled: |tab, world| match &tab.trial {
            Some(trial) => trial.can_list(),
            None if editor::is_shown(tab) => {
                reason(!world.settings.read_only, "The console is read-only.")?;
                editor::can_edit_row(tab)
            }
            None if objects::is_shown(tab) => objects::can_open(tab),
            None if page::is_shown(tab) => {
                reason(!world.settings.read_only, "The console is read-only.")?;
                page::can_turn(tab, world)
            }
            None if unusual::is_shown(tab) => {
                reason(!world.settings.read_only, "The console is read-only.")?;
                unusual::can_restore(tab)
            }
            None if tab.versions.is_none() => {
                Err(Reason::new("A mapping has nothing to open but its value map: v opens that."))
            }
            None => versions::can_compare(tab),
        },
        run: |tab, ctx| match &tab.trial {
            Some(trial) => trial.list(TabId::Mappings, ctx),
            None if editor::is_shown(tab) => editor::choose(tab, ctx),
            None if objects::is_shown(tab) => objects::open(tab, ctx),
            None if page::is_shown(tab) => page::turn(tab, ctx),
            None if unusual::is_shown(tab) => unusual::restore_one(tab, ctx),
            None => versions::compare(tab, ctx),
        },
    },
    Action {
        info: Info::new(
            "mappings.add",
            "add",
            &[Key::char('a')],
            "Map a HubSpot field to a ConnectWise field; in the list of objects, another object; on the page of one, a match rule or a record to leave out",
        )
        .changes(),
        enabled: |tab, _| {
            if objects::is_shown(tab) {
                return objects::adding::can_add(tab);
            }
            if page::is_shown(tab) {
                return page::can_change(tab);
            }
            if unusual::is_shown(tab) {
                return unusual::can_restore(tab);
            }
            shows_mappings(tab)?;
            has_config(tab)?;
            reason(tab.draft.schemas().is_some(), "The fields are not known yet: connect both systems first.")
        },
        run: |tab, ctx| match tab.inside {
            false => objects::adding::choose(tab, ctx),
            true if page::is_shown(tab) => page::ask_add(tab, ctx),
            true if unusual::is_shown(tab) => unusual::ask_all(tab, ctx),
            true => picker::open(tab, ctx),
        },
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
        info: Info::new(
            "mappings.page",
            "object page",
            &[Key::char('O')],
            "Open the page of the object: direction, what is made where, match rules, what is left out, pauses",
        ),
        enabled: |tab, _| {
            if objects::is_shown(tab) {
                return objects::can_open(tab);
            }
            shows_mappings(tab)?;
            has_config(tab)
        },
        run: |tab, ctx| {
            if objects::is_shown(tab) {
                objects::open(tab, ctx);
            }
            page::open(tab);
        },
    },
    Action {
        info: Info::new(
            "mappings.sample",
            "record",
            &[Key::char('i')],
            "Choose the record whose values stand beside the mappings: what each side holds, and what would be written",
        ),
        enabled: |tab, _| {
            shows_mappings(tab)?;
            has_config(tab)
        },
        run: |tab, ctx| sample::ask(tab, ctx),
    },
    Action {
        info: Info::new(
            "mappings.overflow",
            "too long",
            &[Key::char('f')],
            "Change what becomes of a text that is too long for the other side: it is held, or cut",
        )
        .changes()
        .not_in_footer(),
        enabled: tuning::can_be_long,
        run: tuning::turn_overflow,
    },
    Action {
        info: Info::new(
            "mappings.default",
            "default",
            &[Key::char('x')],
            "Set what a new record has where the source has nothing",
        )
        .changes()
        .not_in_footer(),
        enabled: tuning::can_have_default,
        run: |tab, ctx| tuning::ask_default(tab, ctx),
    },
    Action {
        info: Info::new(
            "mappings.kind",
            "compare as",
            &[Key::char('K')],
            "Choose as what the two fields are compared: text, phone, number, date and the like",
        )
        .changes()
        .not_in_footer(),
        enabled: can_change,
        run: |tab, ctx| tuning::ask_kind(tab, ctx),
    },
    Action {
        info: Info::new("mappings.length", "limit", &[Key::char('l')], "Set how many characters fit into the field")
            .changes()
            .not_in_footer(),
        enabled: tuning::can_be_long,
        run: |tab, ctx| tuning::ask_length(tab, ctx),
    },
    Action {
        info: Info::new(
            "mappings.unusual",
            "not as usual",
            &[Key::char('z')],
            "Show what differs from the usual mappings; Enter makes one usual again, a all of them",
        )
        .not_in_footer(),
        enabled: |tab, _| {
            shows_mappings(tab)?;
            has_config(tab)
        },
        run: |tab, _| unusual::open(tab),
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
            "Move the pair up: of several the first one counts for the way back; of several options of one record the first one crosses; of match rules the first one with a candidate decides",
        )
        .changes(),
        enabled: |tab, _| if page::is_shown(tab) { page::can_shift(tab, false) } else { editor::can_shift(tab) },
        run: |tab, ctx| match page::is_shown(tab) {
            true => page::shift(tab, ctx, false),
            false => editor::shift(tab, ctx, false),
        },
    },
    Action {
        info: Info::new("mappings.later", "later", &[Key::char(']')], "Move the pair, or the match rule, down")
            .changes()
            .not_in_footer(),
        enabled: |tab, _| if page::is_shown(tab) { page::can_shift(tab, true) } else { editor::can_shift(tab) },
        run: |tab, ctx| match page::is_shown(tab) {
            true => page::shift(tab, ctx, true),
            false => editor::shift(tab, ctx, true),
        },
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
            "Take the mapping, or the object, out of the draft; in a value map the listed pair, on the page of an object the match rule",
        )
        .changes(),
        enabled: |tab, world| match tab.inside {
            _ if editor::is_shown(tab) => editor::is_listed(tab),
            _ if page::is_shown(tab) => page::can_remove(tab),
            false if objects::is_shown(tab) => objects::can_remove(tab),
            _ => can_change(tab, world),
        },
        run: |tab, ctx| match tab.inside {
            _ if editor::is_shown(tab) => editor::remove(tab, ctx),
            _ if page::is_shown(tab) => page::remove(tab, ctx),
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
    let over = page::is_shown(tab) || unusual::is_shown(tab) || tab.editor.is_some();
    let shown = tab.versions.is_none() && tab.trial.is_none() && !over;
    reason(shown, "Go back to the mappings first, with Esc.")
}

pub fn can_change(tab: &Mappings, _: &World) -> Enabled {
    shows_mappings(tab)?;
    has_config(tab)?;
    deploy::not_deploying(&tab.draft)?;
    let row = tab.rows.selected().ok_or_else(|| Reason::new("There is no mapping to change."))?;
    reason(row.change != Change::Removed, "This mapping is removed in the draft; u brings it back.")
}

pub fn selected(tab: &Mappings) -> Option<&FieldMapping> {
    let key = tab.rows.selected_key()?;
    tab.draft.current()?.fields.iter().find(|field| field.key() == *key)
}

fn change(tab: &mut Mappings, ctx: &mut Context<'_>, change: impl FnOnce(&mut ObjectMapping)) {
    tab.draft.change(ctx, Message::Draft, change);
    tab.list();
    tab.meter.look(&tab.draft, ctx, Message::Measured);
}

pub fn change_field(tab: &mut Mappings, ctx: &mut Context<'_>, alter: impl FnOnce(&mut FieldMapping)) {
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

pub fn add(tab: &mut Mappings, first: &FieldName, second: &FieldName, ctx: &mut Context<'_>) {
    let suggested = tab.draft.schemas().and_then(|schemas| {
        let find = |schema: &Schema, name: &FieldName| schema.field(name.as_str()).cloned();
        find(&schemas[FIRST], first).zip(find(&schemas[FIRST.other()], second))
    });
    let Some((here, there)) = suggested else {
        return ctx.say("One of the two fields is gone: the fields were read again meanwhile. Nothing was added.");
    };
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
        Message::Page(edit) => page::receive(tab, edit, ctx),
        Message::Tune(tune) => tuning::receive(tab, tune, ctx),
        Message::RestoreAll => unusual::restore_all(tab, ctx),
        Message::Seen(seen) => picker::receive(tab, seen, ctx),
        Message::Sample(step) => sample::receive(tab, step, ctx),
        // the tab itself takes these
        Message::Draft(_)
        | Message::Trial(_)
        | Message::Measured(_)
        | Message::Overview(_)
        | Message::Adding(_)
        | Message::Making(_) => {}
    }
}
