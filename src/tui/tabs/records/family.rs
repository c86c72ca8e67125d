//! Ways from one record to another: what it belongs to, and what belongs to it.

use super::{Context, Message, Records};
use crate::model::{RecordRef, System};
use crate::tui::action::{Enabled, Reason};
use crate::tui::overlay::{Command, Menu};
use crate::tui::world::World;
use crate::view::relatives::Relative;

/// # Errors
/// Why there is nothing to go to.
pub fn can_visit(tab: &Records, _: &World) -> Enabled {
    let opened = tab.opened().ok_or_else(|| Reason::new("Open a record first, with Enter."))?;
    if opened.relatives.above().is_empty() && opened.relatives.below.is_empty() {
        return Err(Reason::new("No record that is known belongs to this one, or is what it belongs to."));
    }
    Ok(())
}

/// Opens the only related record, or lets the person choose one.
pub fn visit(tab: &mut Records, ctx: &mut Context<'_>) {
    let Some(opened) = tab.opened() else { return };
    let (above, below) = (opened.relatives.above(), &opened.relatives.below);
    let all: Vec<(&Relative, &str)> = above
        .into_iter()
        .map(|one| (one, "it belongs to"))
        .chain(below.iter().map(|one| (one, "belongs to it")))
        .collect();
    if let [(only, _)] = all[..] {
        let record = only.anchor;
        return tab.follow(record, ctx);
    }
    let command = |(relative, how): &(&Relative, &str)| Command {
        name: relative.name.clone(),
        doc: format!("{} · {} · {how}", relative.anchor.object, relative.state.word()),
        keys: String::new(),
        not_now: None,
    };
    let commands = all.iter().map(command).collect();
    let records: Vec<RecordRef> = all.iter().map(|(relative, _)| relative.anchor).collect();
    let title = if opened.relatives.more { "The first of the related records" } else { "Related records" };
    let pick = move |at: usize| Message::Visit(records.get(at).copied());
    ctx.choose(Menu::new(title, commands), pick);
}

/// The record that the field under the cursor points to.
pub fn pointed(tab: &Records) -> Option<RecordRef> {
    let (opened, field) = (tab.opened()?, tab.open.as_ref()?.field()?);
    let schemas = opened.schemas.as_deref()?;
    let of = |system: System| {
        let definition = schemas[system].field(field.names[system].as_str());
        opened.relatives.pointed(definition, system, &field.values[system]).first().map(|relative| relative.anchor)
    };
    of(System::HubSpot).or_else(|| of(System::ConnectWise))
}
