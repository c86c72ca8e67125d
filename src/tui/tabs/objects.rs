//! The object that a tab is about, and how a person turns to another one.

use crate::model::ObjectKind;
use crate::tui::action::{Enabled, Reason};
use crate::tui::ctx::Ctx;
use crate::tui::overlay::{Command, Menu};
use crate::view::format;

/// An object that is mapped, and how many records of it there are where that is known.
pub type Mapped = (ObjectKind, Option<u64>);

/// Turning makes sense where there is another object.
///
/// # Errors
/// Why there is none.
pub fn can_turn(here: ObjectKind, mapped: &[Mapped]) -> Enabled {
    if mapped.iter().any(|(object, _)| *object != here) {
        return Ok(());
    }
    Err(Reason::new(format!("Only {} are mapped.", here.plural().to_lowercase())))
}

/// `   o Contacts 65`: what else there is to turn to.
#[must_use]
pub fn hint(here: ObjectKind, mapped: &[Mapped]) -> String {
    let others: Vec<&Mapped> = mapped.iter().filter(|(object, _)| *object != here).collect();
    match others[..] {
        [] => String::new(),
        [(object, None)] => format!("   o {}", object.plural()),
        [(object, Some(count))] => format!("   o {} {}", object.plural(), format::grouped(*count)),
        _ => "   o other objects".to_owned(),
    }
}

/// The other one of two; of more, the one that the person chooses, which comes back as a message.
pub fn turn<M: Send + 'static>(
    here: ObjectKind,
    mapped: &[Mapped],
    ctx: &mut Ctx<'_, M>,
    wrap: fn(ObjectKind) -> M,
) -> Option<ObjectKind> {
    let others: Vec<Mapped> = mapped.iter().copied().filter(|(object, _)| *object != here).collect();
    if let [(only, _)] = others[..] {
        return Some(only);
    }
    let command = |(object, count): &Mapped| Command {
        name: object.plural().to_owned(),
        doc: count.map_or_else(String::new, |count| format::counted(count, "record", "records")),
        keys: String::new(),
        not_now: (*object == here).then(|| "is on the screen already".to_owned()),
    };
    let (objects, commands): (Vec<_>, Vec<_>) = mapped.iter().map(|of| (of.0, command(of))).unzip();
    ctx.choose(Menu::new("Which object?", commands), move |at| wrap(objects.get(at).copied().unwrap_or(here)));
    None
}
