//! What can be done with a filter, and what keys mean while it is written.

use crossterm::event::KeyCode;

use super::editor::Editor;
use super::{Check, Context, Filters, Message};
use crate::filter::count::Which;
use crate::filter::{self, Completion, complete};
use crate::model::System;
use crate::tui::action::{Action, Enabled, Info, Key, Reason};
use crate::tui::tab::{Handled, Input, TabId};
use crate::tui::tabs::draft::trial_page;
use crate::tui::tabs::objects;
use crate::tui::world::World;

pub const ACTIONS: &[Action<Filters>] = &[
    Action {
        info: Info::new(
            "filters.open",
            "open",
            &[Key::ENTER],
            "List the records that the selected number counts; of a record, all that is known of it",
        )
        .keeps_place(),
        enabled: |tab, _| match &tab.trial {
            Some(trial) => trial.can_list(),
            None if tab.open_record().is_some() => not_writing(tab),
            None => can_open(tab, tab.selected()),
        },
        run: |tab, ctx| match (&tab.trial, tab.selected()) {
            (Some(trial), _) => trial.list(TabId::Filters, ctx),
            (None, Some(which)) => tab.open(which, ctx),
            (None, None) => tab.visit(ctx),
        },
    },
    Action {
        info: Info::new(
            "filters.alone",
            "it alone",
            &[Key::char('a')],
            "List the records that the selected clause alone keeps out",
        ),
        enabled: |tab, _| can_open(tab, alone(tab)),
        run: |tab, ctx| {
            if let Some(which) = alone(tab) {
                tab.open(which, ctx);
            }
        },
    },
    Action {
        info: Info::new("filters.edit", "edit", &[Key::char('e')], "Write the filter").changes(),
        enabled: |tab, _| can_edit(tab),
        run: |tab, _| tab.is_editing = true,
    },
    Action {
        info: Info::new(
            "filters.record",
            "record",
            &[Key::char('r')],
            "Try the filter on one record, clause by clause",
        ),
        enabled: |tab, _| {
            not_writing(tab)?;
            reason(tab.question.is_some(), "The text is no filter yet.")
        },
        run: |tab, ctx| tab.ask_record(ctx),
    },
    Action {
        info: Info::new("filters.save", "save", &[Key::ctrl('s')], "Save the text into the draft").changes(),
        enabled: can_save,
        run: Filters::save,
    },
    Action {
        info: Info::new("filters.undo", "undo", &[Key::char('u')], "Go back to the text of the draft"),
        enabled: |tab, _| {
            not_writing(tab)?;
            reason(tab.is_changed(), "The text is the draft's already.")
        },
        run: Filters::take_over,
    },
    Action {
        info: Info::new("filters.direction", "other way", &[Key::char('t')], "Show the filter of the other direction"),
        enabled: |tab, _| not_writing(tab),
        run: |tab, ctx| {
            let other = if tab.to == System::ConnectWise { System::HubSpot } else { System::ConnectWise };
            tab.turn_to(other, ctx);
        },
    },
    Action {
        info: Info::new("filters.object", "object", &[Key::char('o')], "Show the filters of another object"),
        enabled: |tab, _| {
            not_writing(tab)?;
            objects::can_turn(tab.draft.object, &tab.draft.objects())
        },
        run: |tab, ctx| {
            if let Some(object) = objects::turn(tab.draft.object, &tab.draft.objects(), ctx, Message::Turn) {
                tab.turn_object(object, ctx);
            }
        },
    },
    Action {
        info: Info::new("filters.test", "test", &[Key::char('T')], "Test the draft: what it would do to every record"),
        enabled: |tab, _| {
            reason(!tab.is_editing, "Stop writing first, with Esc.")?;
            reason(!tab.is_changed(), "The text is not in the draft yet: Ctrl-S saves it.")?;
            trial_page::can_test(&tab.draft)
        },
        run: Filters::test,
    },
    Action {
        info: Info::new("filters.format", "format", &[Key::ctrl('t')], "Lay the text out, an operand a line").changes(),
        enabled: can_format,
        run: format,
    },
    Action {
        info: Info::new("filters.editor", "editor", &[Key::ctrl('e')], "Write the filter in $EDITOR").changes(),
        enabled: |tab, _| {
            reason(tab.trial.is_none(), "Go back to the filter first, with Esc.")?;
            reason(tab.draft.current().is_some(), "There is no configuration yet: 2 proposes one.")
        },
        run: |tab, ctx| ctx.edit(tab.editor.text(), ".filter", Message::Text),
    },
];

fn reason(fine: bool, otherwise: &'static str) -> Enabled {
    if fine { Ok(()) } else { Err(Reason::new(otherwise)) }
}

/// While a filter is written, letters are letters; and what works on it needs it on the screen.
fn not_writing(tab: &Filters) -> Enabled {
    reason(tab.trial.is_none(), "Go back to the filter first, with Esc.")?;
    reason(!tab.is_editing, "Stop writing first, with Esc.")
}

fn can_edit(tab: &Filters) -> Enabled {
    not_writing(tab)?;
    reason(tab.draft.current().is_some(), "There is no configuration yet: 2 proposes one.")
}

/// What the selected clause alone keeps out.
fn alone(tab: &Filters) -> Option<Which> {
    match tab.selected() {
        Some(Which::RemovedBy(place)) => Some(Which::RemovedOnlyBy(place)),
        _ => None,
    }
}

fn can_open(tab: &Filters, which: Option<Which>) -> Enabled {
    not_writing(tab)?;
    let Some(which) = which else { return Err(Reason::new("Select a number first.")) };
    reason(tab.number(which) > 0, "There are none.")
}

fn can_save(tab: &Filters, _: &World) -> Enabled {
    reason(tab.trial.is_none(), "Go back to the filter first, with Esc.")?;
    reason(tab.is_changed(), "The text is in the draft already.")?;
    match &tab.check {
        Check::Right(_) => Ok(()),
        Check::Unknown => Err(Reason::new("The fields are not known yet, so the filter can't be checked.")),
        Check::Wrong(errors) => {
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            Err(Reason::new(format!("Not yet: {first}")))
        }
    }
}

fn can_format(tab: &Filters, _: &World) -> Enabled {
    reason(tab.trial.is_none(), "Go back to the filter first, with Esc.")?;
    match filter::parse(&tab.editor.text()) {
        Ok(_) => Ok(()),
        Err(error) => Err(Reason::new(format!("Not yet: {error}"))),
    }
}

/// Lays the text out.
fn format(tab: &mut Filters, ctx: &mut Context<'_>) {
    let text = tab.editor.text();
    match filter::pretty(&text) {
        Ok(pretty) if pretty == text => ctx.say("It is laid out already."),
        Ok(pretty) => {
            tab.editor = Editor::new(&pretty);
            tab.look(false, ctx);
        }
        Err(error) => ctx.say(format!("Not yet: {error}")),
    }
}

/// What could come next at the cursor.
pub fn proposals(tab: &Filters) -> Vec<Completion> {
    let Some(schemas) = tab.draft.schemas() else { return Vec::new() };
    complete(&tab.editor.text(), tab.editor.cursor(), &schemas[tab.to.other()])
}

/// An input while the filter is written.
pub fn edit(tab: &mut Filters, input: &Input, ctx: &mut Context<'_>) -> Handled {
    let event = match input {
        Input::Paste(text) => {
            tab.editor.paste(text);
            tab.look(false, ctx);
            return Handled::Yes;
        }
        Input::Key(event) => *event,
    };
    if Key::ctrl('c').matches(&event) || Key::ctrl('e').matches(&event) {
        return Handled::No;
    }
    if Key::ctrl('s').matches(&event) {
        match can_save(tab, ctx.world) {
            Ok(()) => tab.save(ctx),
            Err(reason) => ctx.say(reason.to_string()),
        }
        return Handled::Yes;
    }
    if Key::ctrl('t').matches(&event) {
        match can_format(tab, ctx.world) {
            Ok(()) => format(tab, ctx),
            Err(reason) => ctx.say(reason.to_string()),
        }
        return Handled::Yes;
    }
    match event.code {
        KeyCode::Esc => tab.is_editing = false,
        KeyCode::Tab => {
            if let Some(first) = proposals(tab).into_iter().next() {
                tab.editor.complete(&first.replace, &first.insert);
                tab.look(false, ctx);
            }
        }
        _ => {
            if tab.editor.key(event) {
                tab.look(false, ctx);
            }
        }
    }
    Handled::Yes
}
