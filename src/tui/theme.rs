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

/// The theme that fits the background: `light` or `dark`, as far as the terminal said so in `COLORFGBG` (`0;15`).
#[must_use]
pub fn for_background(env: impl Fn(&str) -> Option<String>) -> &'static str {
    let colors = env("COLORFGBG").unwrap_or_default();
    match colors.rsplit(';').next().and_then(|background| background.parse::<u8>().ok()) {
        Some(7 | 9..=15) => "light",
        _ => "dark",
    }
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
    /// The theme that the settings ask for, or the one named by `background` when they don't.
    ///
    /// # Errors
    /// When there is no such theme, or its file is not valid.
    pub fn load(settings: &Settings, background: &str, depth: Depth, ascii: bool) -> Result<Self, ThemeError> {
        let name = settings.theme.as_deref().unwrap_or(background);
        let text = match EMBEDDED.iter().find(|(embedded, _)| *embedded == name) {
            Some((_, text)) => (*text).to_owned(),
            None => read_own(settings.theme_folder.as_deref(), name)?,
        };
        Self::parse(name, &text, depth, ascii)
    }

    /// No colours and no attributes.
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + Copy + 'a {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn every_embedded_theme_has_every_role_at_every_depth() {
        for (name, text) in EMBEDDED {
            for depth in [Depth::None, Depth::Sixteen, Depth::True] {
                let theme = Theme::parse(name, text, depth, false).unwrap();
                for (at, (key, role)) in ROLES.into_iter().enumerate() {
                    assert_eq!(at, role as usize, "{key} stands at its place");
                    let style = theme.style(role);
                    assert!(depth != Depth::None || style.fg.is_none() && style.bg.is_none(), "{name} {key}");
                    let is_rgb = matches!(style.fg, Some(Color::Rgb(..)));
                    assert!(!is_rgb || depth == Depth::True, "{name} {key} at {depth:?}");
                }
                assert_ne!(theme.style(Role::Focus), Style::new(), "{name}: what is selected is seen");
                assert_ne!(theme.style(Role::Error), Style::new(), "{name}: errors are seen");
            }
        }
    }

    #[test]
    fn colours_follow_the_settings_and_the_environment() {
        let colored = Settings::default();
        let plain = Settings { no_color: true, ..Settings::default() };
        type Environment = [(&'static str, &'static str)];
        let cases: [(&Settings, &Environment, Depth); 7] = [
            (&colored, &[], Depth::Sixteen),
            (&colored, &[("COLORTERM", "truecolor")], Depth::True),
            (&colored, &[("COLORTERM", "24bit")], Depth::True),
            (&colored, &[("COLORTERM", "truecolor"), ("NO_COLOR", "1")], Depth::None),
            (&colored, &[("NO_COLOR", "")], Depth::Sixteen),
            (&colored, &[("TERM", "dumb")], Depth::None),
            (&plain, &[("COLORTERM", "truecolor")], Depth::None),
        ];
        for (settings, pairs, expected) in cases {
            assert_eq!(Depth::detect(settings, env(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn the_locale_and_the_background_are_read_from_the_environment() {
        assert!(locale_is_utf8(env(&[("LANG", "de_AT.UTF-8")])));
        assert!(!locale_is_utf8(env(&[("LANG", "de_AT.UTF-8"), ("LC_ALL", "C")])));
        assert!(locale_is_utf8(env(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")])));
        assert!(!locale_is_utf8(env(&[])));
        assert_eq!(for_background(env(&[("COLORFGBG", "0;15")])), "light");
        assert_eq!(for_background(env(&[("COLORFGBG", "15;0")])), "dark");
        assert_eq!(for_background(env(&[])), "dark");
    }

    #[test]
    fn a_theme_of_ones_own_is_read_and_its_mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("mine.toml"), text).unwrap();
        let settings = Settings {
            theme: Some("mine".into()),
            theme_folder: Some(folder.path().to_owned()),
            ..Settings::default()
        };
        let load = || Theme::load(&settings, "dark", Depth::True, false);
        assert!(load().unwrap_err().to_string().contains("no theme is called `mine`"));
        write(&EMBEDDED[0].1.replace("#87af5f", "#010203"));
        assert_eq!(load().unwrap().style(Role::Ok).fg, Some(Color::Rgb(1, 2, 3)));
        write(&EMBEDDED[0].1.replace("#87af5f", "#nothex"));
        assert!(load().unwrap_err().to_string().contains("ok: `#nothex` is not a colour"));
        write("ok = {}");
        assert!(load().unwrap_err().to_string().contains("the role `text` is missing"));
        write("okay = {}");
        assert!(load().unwrap_err().to_string().contains("`okay` is not a role"));
        let outside = Settings { theme: Some("../mine".into()), ..settings.clone() };
        assert!(Theme::load(&outside, "dark", Depth::True, false).is_err());
    }
}
