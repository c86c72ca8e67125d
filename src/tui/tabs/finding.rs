//! How a person names one record: by a part of its name or its id, and of several that fit by choosing.

use std::sync::Arc;

use super::records::source::{RecordSource, Wanted};
use crate::engine::core::state::Status;
use crate::model::{ObjectKind, RecordId, RecordRef};
use crate::tui::ctx::Ctx;
use crate::tui::overlay::{Command, Menu, Prompt};
use crate::tui::report::Report;
use crate::tui::widgets::Edge;
use crate::tui::world::SourceError;
use crate::view::format;

/// Records that are offered where a name fits several.
const OFFERED: usize = 50;

/// Asks for a name or an id; `last` is the record that nothing at all stands for.
pub fn ask<M: Send + 'static>(
    title: &str,
    last: Option<RecordRef>,
    ctx: &mut Ctx<'_, M>,
    back: impl FnOnce(String) -> M + Send + 'static,
) {
    let hint = match last {
        Some(_) => "Its name or id; nothing: the one opened last in Records.",
        None => "A part of its name, or its id.",
    };
    ctx.prompt(Prompt::new(title, "", hint), back);
}

/// Looks for the records of that name or id.
pub fn look<M: Send + 'static>(
    records: Arc<dyn RecordSource>,
    object: ObjectKind,
    text: &str,
    ctx: &mut Ctx<'_, M>,
    back: impl Fn(Result<Vec<Status>, SourceError>) -> M + Clone + Send + 'static,
) {
    let text = text.trim().to_owned();
    if text.is_empty() {
        return ctx.say("Write a part of its name, or its id.");
    }
    let wanted = Wanted { search: text, ..Wanted::all(object) };
    let lost = back.clone();
    ctx.fetch(move || back(records.page(&wanted, &Edge::Start, OFFERED)), move |why| lost(Err(SourceError(why))));
}

/// The one that fits, or the one of several that the person chooses.
pub fn choose<M: Send + 'static>(
    found: Result<Vec<Status>, SourceError>,
    ctx: &mut Ctx<'_, M>,
    back: impl FnOnce(Option<Status>) -> M + Send + 'static,
) {
    let mut rows = match found {
        Ok(rows) => rows,
        Err(error) => {
            return ctx.report(Report::new("The records could not be read.", "Try again.").because(error.0));
        }
    };
    if rows.is_empty() {
        return ctx.say("No record there has that in its name or as its id.");
    }
    if rows.len() == 1 {
        let only = rows.pop();
        return ctx.spawn(async move { back(only) });
    }
    let commands = rows.iter().map(command).collect();
    ctx.choose(Menu::new("Which record?", commands), move |at| back(rows.get(at).cloned()));
}

fn command(row: &Status) -> Command {
    let id = |id: Option<RecordId>| id.map_or_else(|| format::NONE.to_owned(), |id| id.to_string());
    let doc = format!("HubSpot {}  ConnectWise {}  {}", id(row.hubspot), id(row.connectwise), row.state.word());
    Command { name: row.name.clone(), doc, keys: String::new(), not_now: None }
}
