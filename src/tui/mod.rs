//! The console. All of ratatui lives here.
//!
//! One state ([`app::App`]), one queue of messages, `update`, `draw`: messages come from the keyboard, the engine's
//! snapshot, and work that a tab set in motion. Nothing is drawn unless a message came, and nothing is sent to the
//! terminal unless the drawing differs. A new tab implements [`tab::Page`] and is listed in [`tabs`].

pub mod action;
pub mod app;
#[cfg(test)]
mod bytes_tests;
pub mod ctx;
mod event_loop;
pub mod frame;
mod glyphs;
pub mod overlay;
mod pausing;
mod pen;
#[cfg(test)]
mod probe_tests;
#[cfg(test)]
mod pty_tests;
pub mod report;
mod screen;
mod shell;
pub mod tab;
pub mod tabs;
mod terminal;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod widgets;
pub mod world;

use std::sync::Arc;

pub use action::{Action, Actor, Danger, Enabled, Info, Key, Reason};
use app::App;
pub use ctx::Ctx;
pub use event_loop::Error;
pub use report::Report;
pub use shell::engine_listens;
pub use tab::{Handled, Input, Nav, Page, Tab, TabId, Target};
pub use tabs::{CONNECTIONS, RECORDS};
pub use terminal::columns;
pub use theme::Theme;
pub use world::{BoxFuture, Connected, Demo, Engine, Played, Scene, Settings, Source, SourceError, World};

/// What the console needs of the rest of the program.
pub struct Context {
    pub workspace: String,
    pub settings: Settings,
    pub engine: Arc<dyn Engine>,
    pub source: Arc<dyn Source>,
    /// Only where the systems are simulated ones.
    pub demo: Option<Arc<dyn Demo>>,
    /// What the tabs Records, Mappings and Filters work on.
    pub desk: tabs::Desk,
}

impl Context {
    fn into_world(self) -> World {
        let snapshot = Arc::clone(&self.engine.snapshot().borrow());
        World {
            workspace: self.workspace,
            settings: self.settings,
            snapshot,
            now: self.engine.now(),
            engine: self.engine,
            source: self.source,
            demo: self.demo,
        }
    }
}

/// Shows the console until the person quits. Blocks; the console has a thread and a runtime of its own, so that keys
/// are answered however busy the engine is.
///
/// # Errors
/// When there is no terminal, the theme is not valid, or the terminal goes away.
pub fn run(context: Context) -> Result<(), Error> {
    let desk = context.desk.clone();
    run_with(context, move || tabs::all(&desk))
}

fn run_with(context: Context, tabs: impl FnOnce() -> Vec<Box<dyn Tab>> + Send + 'static) -> Result<(), Error> {
    let console = std::thread::Builder::new().name("console".to_owned()).spawn(move || run_here(context, tabs))?;
    console.join().map_err(|_| Error::Panicked)?
}

fn run_here(context: Context, tabs: impl FnOnce() -> Vec<Box<dyn Tab>>) -> Result<(), Error> {
    let env = |name: &str| std::env::var(name).ok();
    let world = context.into_world();
    let ascii = world.settings.ascii || !theme::locale_is_utf8(env);
    let depth = theme::Depth::detect(&world.settings, env);
    let theme = Theme::load(&world.settings, theme::for_background(env), depth, ascii)?;
    let _guard = terminal::guard_against_panics();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let app = App::new(world, theme, tabs());
    let result = runtime.block_on(async { event_loop::EventLoop::new(app)?.run().await });
    // A query that is still running must not keep the person waiting.
    runtime.shutdown_background();
    result
}

/// The keys of the console as a Markdown table, for the README.
#[must_use]
pub fn key_table() -> String {
    let mut table = String::from("| where | key | what it does |\n|---|---|---|\n");
    for (group, info) in app::all_infos() {
        let keys = info.keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" ");
        let doc = info.doc;
        table.push_str(&format!("| {group} | {keys} | {doc} |\n"));
    }
    table
}
