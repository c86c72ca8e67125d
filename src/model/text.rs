//! Making text from the outside safe to show.

use std::borrow::Cow;

/// Whether a terminal could take `c` for a command, or a reader could be misled about the order of what they read.
const fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // bidirectional overrides and isolates: they reorder the rest of the line
        | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // invisible: joins words, hides differences
        | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// The text with every control and direction-changing character replaced by `␣` (line breaks, tabs) or `\u{fffd}`.
///
/// Everything that came from a remote system passes through here on its way to a terminal.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|c| match c {
                '\n' | '\r' | '\t' => ' ',
                c if is_unsafe(c) => '\u{fffd}',
                c => c,
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_escape() {
        assert_eq!(printable("a\u{1b}[31mb\u{9b}c"), "a\u{fffd}[31mb\u{fffd}c");
    }

    #[test]
    fn overrides_of_direction_are_shown_as_what_they_are() {
        assert_eq!(printable("abc\u{202e}fed"), "abc\u{fffd}fed");
    }

    #[test]
    fn ordinary_text_of_any_script_is_left_alone() {
        let text = "Ünïcödé שלום 日本語 👩‍🚀";
        assert!(matches!(printable(text), Cow::Borrowed(t) if t == text));
    }
}
