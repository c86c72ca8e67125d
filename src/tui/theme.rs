//! Roles to styles: themes as files, for true colours, sixteen colours or none.
//!
//! Meaning is never in a colour alone: every role is also a word or a glyph on the screen.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::world::Settings;
use crate::view::Role;

const EMBEDDED: [(&str, &str); 3] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
];

/// Every role with its name in theme files.
pub const ROLES: [(&str, Role); 11] = [
    ("text", Role::Text),
    ("strong", Role::Strong),
    ("muted", Role::Muted),
    ("ok", Role::Ok),
    ("wait", Role::Wait),
    ("warn", Role::Warn),
    ("error", Role::Error),
    ("left", Role::Left),
    ("right", Role::Right),
    ("key", Role::Key),
    ("focus", Role::Focus),
];

/// How many colours the terminal is taken to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    None,
    Sixteen,
    True,
}

impl Depth {
    /// From settings and environment: `NO_COLOR` (any value that is not empty), `TERM`, `COLORTERM`.
    #[must_use]
    pub fn detect(settings: &Settings, env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        if settings.no_color || set("NO_COLOR") || env("TERM").as_deref() == Some("dumb") {
            return Self::None;
        }
        match env("COLORTERM").as_deref() {
            Some("truecolor" | "24bit") => Self::True,
            _ => Self::Sixteen,
        }
    }
}

/// Whether the locale can show more than ASCII: `LC_ALL`, `LC_CTYPE` or `LANG`, the first that is set, names UTF-8.
#[must_use]
pub fn locale_is_utf8(env: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env).find(|value| !value.is_empty());
    locale.is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    })
}

/// The theme can't be used; the text says which one, where and why.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    #[error("no theme is called `{0}`; there are dark, light and high-contrast, and files in the theme folder")]
    Unknown(String),
    #[error("the theme file {0} could not be read: {1}")]
    Read(String, std::io::Error),
    #[error("the theme `{0}` is not valid: {1}")]
    Invalid(String, String),
}

/// A style for each role, and whether only ASCII may be shown.
#[derive(Debug, Clone)]
pub struct Theme {
    styles: [Style; ROLES.len()],
    pub ascii: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    #[serde(default)]
    rgb: Option<String>,
    #[serde(default)]
    ansi: Option<String>,
    #[serde(default)]
    attr: Vec<String>,
}

impl Theme {
    /// The theme that the settings ask for; `dark` when they don't.
    ///
    /// # Errors
    /// When there is no such theme, or its file is not valid.
    pub fn load(settings: &Settings, depth: Depth, ascii: bool) -> Result<Self, ThemeError> {
        let name = settings.theme.as_deref().unwrap_or("dark");
        let text = match EMBEDDED.iter().find(|(embedded, _)| *embedded == name) {
            Some((_, text)) => (*text).to_owned(),
            None => read_own(settings.theme_folder.as_deref(), name)?,
        };
        Self::parse(name, &text, depth, ascii)
    }

    /// The embedded dark theme.
    #[must_use]
    pub fn plain(ascii: bool) -> Self {
        Self { styles: [Style::new(); ROLES.len()], ascii }
    }

    fn parse(name: &str, text: &str, depth: Depth, ascii: bool) -> Result<Self, ThemeError> {
        let invalid = |why: String| ThemeError::Invalid(name.to_owned(), why);
        let looks: BTreeMap<String, Look> =
            toml::from_str(text).map_err(|error| invalid(error.message().to_owned()))?;
        if let Some(unknown) = looks.keys().find(|key| !ROLES.iter().any(|(role, _)| role == key)) {
            return Err(invalid(format!("`{unknown}` is not a role")));
        }
        let mut theme = Self::plain(ascii);
        for (key, role) in ROLES {
            let look = looks.get(key).ok_or_else(|| invalid(format!("the role `{key}` is missing")))?;
            theme.styles[role as usize] = style(look, depth).map_err(|why| invalid(format!("{key}: {why}")))?;
        }
        Ok(theme)
    }

    #[must_use]
    pub const fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }
}

fn read_own(folder: Option<&Path>, name: &str) -> Result<String, ThemeError> {
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    let Some(folder) = folder.filter(|_| is_plain) else { return Err(ThemeError::Unknown(name.to_owned())) };
    let path = folder.join(format!("{name}.toml"));
    if !path.exists() {
        return Err(ThemeError::Unknown(name.to_owned()));
    }
    std::fs::read_to_string(&path).map_err(|error| ThemeError::Read(path.display().to_string(), error))
}

fn style(look: &Look, depth: Depth) -> Result<Style, String> {
    let mut style = Style::new();
    let color = match depth {
        Depth::None => None,
        Depth::Sixteen => look.ansi.as_deref().map(ansi).transpose()?,
        Depth::True => match &look.rgb {
            Some(text) => Some(rgb(text)?),
            None => look.ansi.as_deref().map(ansi).transpose()?,
        },
    };
    if let Some(color) = color {
        style = style.fg(color);
    }
    for name in &look.attr {
        let attribute = attribute(name)?;
        // With colours, dimming on top of a grey makes text unreadable.
        if attribute != Modifier::DIM || color.is_none() {
            style = style.add_modifier(attribute);
        }
    }
    Ok(style)
}

fn attribute(name: &str) -> Result<Modifier, String> {
    match name {
        "bold" => Ok(Modifier::BOLD),
        "dim" => Ok(Modifier::DIM),
        "italic" => Ok(Modifier::ITALIC),
        "underlined" => Ok(Modifier::UNDERLINED),
        "reversed" => Ok(Modifier::REVERSED),
        other => Err(format!("`{other}` is not an attribute; there are bold, dim, italic, underlined, reversed")),
    }
}

fn ansi(name: &str) -> Result<Color, String> {
    name.parse().map_err(|_| format!("`{name}` is not one of the sixteen colours")).and_then(|color| match color {
        Color::Rgb(..) | Color::Indexed(_) => Err(format!("`{name}` is not one of the sixteen colours")),
        color => Ok(color),
    })
}

fn rgb(text: &str) -> Result<Color, String> {
    match text.parse() {
        Ok(color @ Color::Rgb(..)) => Ok(color),
        _ => Err(format!("`{text}` is not a colour such as #87af5f")),
    }
}
