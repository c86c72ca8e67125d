//! The one description of what a person can do here: footer, help, palette and the README's key table are made of it.
//!
//! Knows keys and reasons; not what any action does.

use std::borrow::Cow;
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::ctx::Ctx;
use super::world::World;

/// A key with its modifiers. A capital letter is its own key; Shift is not asked for beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

impl Key {
    pub const ENTER: Self = Self::code(KeyCode::Enter);
    pub const ESC: Self = Self::code(KeyCode::Esc);
    pub const TAB: Self = Self::code(KeyCode::Tab);
    pub const BACK_TAB: Self = Self::code(KeyCode::BackTab);

    #[must_use]
    pub const fn char(c: char) -> Self {
        Self::code(KeyCode::Char(c))
    }

    #[must_use]
    pub const fn ctrl(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: true }
    }

    #[must_use]
    pub const fn code(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    /// The key that was pressed.
    #[must_use]
    pub const fn of(event: &KeyEvent) -> Self {
        Self { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) }
    }

    #[must_use]
    pub const fn is_ctrl(self) -> bool {
        self.ctrl
    }

    #[must_use]
    pub fn matches(self, event: &KeyEvent) -> bool {
        let held = event.modifiers - KeyModifiers::SHIFT;
        let wanted = if self.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        self.code == event.code && held == wanted
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// What an action can do to the remote systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Danger {
    /// Looks, moves, or asks the engine to look.
    #[default]
    Safe,
    /// Changes the workspace or a remote system: refused when the console is read-only.
    Changes,
}

/// What there is to know about an action without doing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// Stays the same over releases: `records.push`.
    pub id: &'static str,
    /// One or two words for the footer.
    pub name: &'static str,
    pub keys: &'static [Key],
    /// One sentence without a full stop.
    pub doc: &'static str,
    pub danger: Danger,
    /// Whether the footer shows it; help and palette always do.
    pub in_footer: bool,
    /// Whether the footer shows it, muted, also while it can't be done: where that depends on the row under the
    /// cursor, hints that come and go would move all others.
    pub keeps_place: bool,
}

impl Info {
    #[must_use]
    pub const fn new(id: &'static str, name: &'static str, keys: &'static [Key], doc: &'static str) -> Self {
        Self { id, name, keys, doc, danger: Danger::Safe, in_footer: true, keeps_place: false }
    }

    /// It changes the workspace or a remote system.
    #[must_use]
    pub const fn changes(mut self) -> Self {
        self.danger = Danger::Changes;
        self
    }

    /// Left to help and palette.
    #[must_use]
    pub const fn not_in_footer(mut self) -> Self {
        self.in_footer = false;
        self
    }

    /// Muted in the footer while it can't be done.
    #[must_use]
    pub const fn keeps_place(mut self) -> Self {
        self.keeps_place = true;
        self
    }

    /// `↑ k`: all keys.
    #[must_use]
    pub fn key_text(&self) -> String {
        self.keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// Why an action can't be done now, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(pub Cow<'static, str>);

impl Reason {
    #[must_use]
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub type Enabled = Result<(), Reason>;

/// Something with actions: the shell, or a tab.
pub trait Actor: 'static {
    /// What comes back to it from work done elsewhere.
    type Message: Send + 'static;
}

/// An action of a `T`.
pub struct Action<T: Actor> {
    pub info: Info,
    pub enabled: fn(&T, &World) -> Enabled,
    pub run: fn(&mut T, &mut Ctx<'_, T::Message>),
}

/// For [`Action::enabled`]: nothing stands in the way.
///
/// # Errors
/// Never.
pub fn always<T>(_: &T, _: &World) -> Enabled {
    Ok(())
}

/// An action as it stands now.
#[derive(Debug, Clone)]
pub struct Offer {
    pub info: &'static Info,
    pub enabled: Enabled,
}

/// The actions of `actor` as they stand now, in the order of the table.
#[must_use]
pub fn offers<T: Actor>(table: &'static [Action<T>], actor: &T, world: &World) -> Vec<Offer> {
    table.iter().map(|action| Offer { info: &action.info, enabled: check(action, actor, world) }).collect()
}

fn check<T: Actor>(action: &Action<T>, actor: &T, world: &World) -> Enabled {
    if action.info.danger == Danger::Changes && world.settings.read_only {
        return Err(Reason::new("The console is read-only: start it without --read-only to change anything."));
    }
    (action.enabled)(actor, world)
}
