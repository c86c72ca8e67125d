//! What can be done with a filter, and what keys mean while it is written.

use crossterm::event::KeyCode;

use super::editor::Editor;
use super::proposals::{self, Proposals};
use super::{Check, Context, Filters, Message};
use crate::filter::count::Which;
use crate::filter::{self, Completion};
use crate::model::System;
use crate::tui::action::{Action, Enabled, Info, Key, Reason};
use crate::tui::tab::{Handled, Input, TabId, Target};
use crate::tui::tabs::draft::{deploy, trial_page};
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
            knows_fields(tab)?;
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
            can_leave(tab)?;
            trial_page::can_test(&tab.draft)
        },
        run: Filters::test,
    },
    Action {
        info: Info::new("filters.deploy", "deploy", &[Key::char('D')], "Let the draft drive the engine").changes(),
        enabled: |tab, _| {
            can_leave(tab)?;
            deploy::can_deploy(&tab.draft)
        },
        run: |tab, ctx| deploy::ask_deploy(&mut tab.draft, ctx, Message::Draft),
    },
    Action {
        info: Info::new("filters.revert", "revert", &[Key::char('R')], "Throw the draft away").changes(),
        enabled: |tab, _| {
            can_leave(tab)?;
            deploy::can_revert(&tab.draft)
        },
        run: |tab, ctx| deploy::ask_revert(&tab.draft, ctx, Message::Draft),
    },
    Action {
        info: Info::new("filters.versions", "versions", &[Key::char('V')], "List the versions of the configuration")
            .not_in_footer(),
        enabled: |tab, _| reason(!tab.is_editing, "Stop writing first, with Esc."),
        run: |_, ctx| ctx.goto(TabId::Mappings, Some(Target::Versions)),
    },
    Action {
        info: Info::new("filters.mistake", "mistake", &[Key::ctrl('g')], "Go to the first mistake of the text"),
        enabled: |tab, _| {
            reason(tab.trial.is_none(), "Go back to the filter first, with Esc.")?;
            reason(tab.mistake().is_some(), "There is no mistake.")
        },
        run: go_to_mistake,
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

/// What the draft does is asked of the draft: the text must be in it.
fn can_leave(tab: &Filters) -> Enabled {
    reason(!tab.is_editing, "Stop writing first, with Esc.")?;
    reason(!tab.is_changed(), "The text is not in the draft yet: Ctrl-S saves it.")
}

fn knows_fields(tab: &Filters) -> Enabled {
    let is_known = !matches!(tab.check, Check::Unknown) || tab.draft.current().is_none();
    reason(is_known, "The fields are not known yet: connect both systems first.")
}

fn go_to_mistake(tab: &mut Filters, _: &mut Context<'_>) {
    if let Some(at) = tab.mistake() {
        tab.is_editing = true;
        tab.proposals = None;
        tab.editor.go_to(at);
    }
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
            tab.proposals = None;
            tab.look(false, ctx);
        }
        Err(error) => ctx.say(format!("Not yet: {error}")),
    }
}

/// An input while the filter is written.
pub fn edit(tab: &mut Filters, input: &Input, ctx: &mut Context<'_>) -> Handled {
    let event = match input {
        Input::Paste(text) => {
            tab.editor.paste(text);
            tab.proposals = None;
            tab.look(false, ctx);
            return Handled::Yes;
        }
        Input::Key(event) => *event,
    };
    if Key::ctrl('c').matches(&event) || Key::ctrl('e').matches(&event) {
        tab.proposals = None;
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
    if Key::ctrl('g').matches(&event) {
        match tab.mistake() {
            Some(_) => go_to_mistake(tab, ctx),
            None => ctx.say("There is no mistake."),
        }
        return Handled::Yes;
    }
    if choose(tab, event.code, ctx) {
        return Handled::Yes;
    }
    match event.code {
        KeyCode::Esc => tab.stop_writing(),
        KeyCode::Tab => propose(tab, ctx),
        code => {
            let is_changed = tab.editor.key(event);
            // an open list follows what is typed, and nothing else
            let follows = tab.proposals.is_some() && matches!(code, KeyCode::Char(_) | KeyCode::Backspace);
            tab.proposals = if follows && is_changed { Proposals::open(proposals::at_cursor(tab)) } else { None };
            if is_changed {
                tab.look(false, ctx);
            }
        }
    }
    Handled::Yes
}

/// A key for the open list; false where it is none.
fn choose(tab: &mut Filters, code: KeyCode, ctx: &mut Context<'_>) -> bool {
    let Some(open) = &mut tab.proposals else { return false };
    match code {
        KeyCode::Up | KeyCode::BackTab => open.step(false),
        KeyCode::Down => open.step(true),
        KeyCode::Esc => tab.proposals = None,
        KeyCode::Tab | KeyCode::Enter => {
            let chosen = open.selected().cloned();
            tab.proposals = None;
            if let Some(chosen) = chosen {
                take(tab, &chosen, ctx);
            }
        }
        _ => return false,
    }
    true
}

/// Takes the only proposal there is; of several the person chooses.
fn propose(tab: &mut Filters, ctx: &mut Context<'_>) {
    let all = proposals::at_cursor(tab);
    match all.as_slice() {
        [] => ctx.say("Nothing can be proposed here."),
        [only] => take(tab, &only.clone(), ctx),
        _ => tab.proposals = Proposals::open(all),
    }
}

fn take(tab: &mut Filters, chosen: &Completion, ctx: &mut Context<'_>) {
    tab.editor.complete(&chosen.replace, &chosen.insert);
    tab.look(false, ctx);
}
