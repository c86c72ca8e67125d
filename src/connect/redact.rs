//! Keeps secrets out of every text that leaves this room, and texts short.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// The largest request or answer kept for people, in bytes.
pub(crate) const EXCHANGE_BYTES: usize = 4096;
/// The largest message taken from a system, in characters.
pub(crate) const MESSAGE_CHARS: usize = 400;

const MASK: &str = "[redacted]";

/// The secrets of one connection, in every spelling in which they travel.
pub(crate) struct Redactor {
    secrets: Vec<SecretString>,
    /// Tokens that were renewed while the connection lived, the newest last.
    learned: RwLock<VecDeque<SecretString>>,
}

/// A token that was replaced this often can no longer be of use to anybody.
const LEARNED: usize = 16;

impl Redactor {
    pub fn new(secrets: Vec<SecretString>) -> Self {
        // A secret of a letter or two would mask ordinary text and protect nothing.
        let secrets = secrets.into_iter().filter(|secret| secret.expose_secret().len() >= 4).collect();
        Self { secrets, learned: RwLock::default() }
    }

    /// One more secret to keep out, from now on.
    pub fn learn(&self, secret: SecretString) {
        if secret.expose_secret().len() < 4 {
            return;
        }
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        learned.push_back(secret);
        if learned.len() > LEARNED {
            learned.pop_front();
        }
    }

    /// The text without any of the secrets.
    pub fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        for secret in self.secrets.iter().chain(learned.iter()) {
            if clean.contains(secret.expose_secret()) {
                clean = clean.replace(secret.expose_secret(), MASK);
            }
        }
        clean
    }

    /// A text for an exchange: clean, and at most [`EXCHANGE_BYTES`] long.
    pub fn exchange(&self, text: &str) -> String {
        // Clean first: a secret cut in two would not be found.
        clip_bytes(&self.clean(text), EXCHANGE_BYTES)
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

fn clip_bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most - "…".len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// The first [`MESSAGE_CHARS`] characters, in one line. Of a web page, which a proxy may send in place of an answer, the
/// words without the mark-up.
pub(crate) fn clip_message(text: &str) -> String {
    let text = if is_page(text) { Cow::Owned(words_of_page(text)) } else { Cow::Borrowed(text) };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether a text is a page for people.
pub(crate) fn is_page(text: &str) -> bool {
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let begins = |start: &str| text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    ["<!doctype", "<html", "<head", "<body", "<?xml", "<h1"].into_iter().any(begins)
}

/// What of a page people would read. Scripts and styles are no words.
fn words_of_page(page: &str) -> String {
    let (mut words, mut rest) = (String::new(), page);
    while let Some((text, tag)) = rest.split_once('<') {
        words.push_str(text);
        words.push(' ');
        let hidden = ["script", "style"]
            .into_iter()
            .find(|name| tag.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name)));
        let inside = match hidden {
            Some(name) => tag.to_ascii_lowercase().find(&format!("</{name}")).map_or("", |end| &tag[end + 1..]),
            None => tag,
        };
        rest = inside.split_once('>').map_or("", |(_, rest)| rest);
    }
    words.push_str(rest);
    words
}

#[cfg(test)]
mod tests {
    #[test]
    fn of_a_web_page_the_words_are_told_and_not_the_mark_up() {
        let page = "\n<!DOCTYPE html><html><head><STYLE>p { color: red }</style><title>502 Bad Gateway</title></head>\
                    <body><h1>Bad gateway</h1><script>if (a < b) { alert('x') }</script><p>Try later.</body></html>";
        assert_eq!(super::clip_message(page), "502 Bad Gateway Bad gateway Try later.");
        assert_eq!(super::clip_message("<html>never closed <b"), "never closed");
        assert_eq!(super::clip_message("<script>x"), "<script>x", "a name of somebody's, and no page");
        assert_eq!(super::clip_message("a < b"), "a < b");
    }

    use super::*;

    #[test]
    fn no_text_keeps_a_secret_even_where_it_is_cut() {
        let redactor = Redactor::new(vec!["pat-na1-0123456789".into()]);
        let text = format!("{}pat-na1-0123456789 tail", "x".repeat(EXCHANGE_BYTES - 8));
        let clean = redactor.exchange(&text);
        assert!(clean.len() <= EXCHANGE_BYTES, "{} bytes", clean.len());
        assert!(!clean.contains("pat-na1"), "{}", &clean[clean.len() - 40..]);
        assert_eq!(redactor.clean("Bearer pat-na1-0123456789!"), "Bearer [redacted]!");
        assert!(!format!("{redactor:?}").contains("pat-"));
        redactor.learn("CNewToken".into());
        redactor.learn("x".into());
        assert_eq!(redactor.clean("CNewToken xyz"), "[redacted] xyz");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let clipped = clip_bytes(&"é".repeat(5000), EXCHANGE_BYTES);
        assert!(clipped.len() <= EXCHANGE_BYTES && clipped.ends_with('…'));
        assert_eq!(clip_message(&"ä ".repeat(500)).chars().count(), MESSAGE_CHARS + 1);
    }
}
