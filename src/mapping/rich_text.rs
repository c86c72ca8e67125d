//! Rich text of HubSpot and plain text of ConnectWise: the same words, with and without markup. Pure.
//!
//! The bodies of notes, tasks, calls and meetings are HTML in HubSpot. Compared is what a reader sees, so that the same
//! words with other markup are no change, and a `<` that somebody typed in ConnectWise is one.

/// Elements that end a line.
const BLOCKS: [&str; 20] = [
    "address",
    "blockquote",
    "br",
    "div",
    "dd",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "tr",
    "ul",
];
/// Elements whose content nobody reads.
const UNSEEN: [&str; 3] = ["script", "style", "head"];
/// The longest name of a character that is looked for behind a `&`.
const LONGEST_NAME: usize = 10;

/// The words of an HTML fragment, its blocks as lines. What is no markup stands for itself.
#[must_use]
pub fn text_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        push_words(&mut text, &rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('&') {
            let (c, length) = character(rest).unwrap_or(('&', 1));
            text.push(c);
            rest = &rest[length..];
        } else if let Some(tag) = Tag::at(rest) {
            if tag.ends_line() {
                text.push('\n');
            }
            rest = &rest[tag.length..];
            if tag.is_unseen() {
                rest = behind_end_of(tag.name, rest);
            }
        } else {
            text.push('<');
            rest = &rest[1..];
        }
    }
    push_words(&mut text, rest);
    lines(&text)
}

/// A text as an HTML fragment that shows it as it is.
#[must_use]
pub fn html_of(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\n' => html.push_str("<br>"),
            '\r' => html.push(' '),
            c => html.push(c),
        }
    }
    html
}

/// Line breaks in the source are spaces.
fn push_words(text: &mut String, source: &str) {
    text.extend(source.chars().map(|c| if c.is_ascii_whitespace() { ' ' } else { c }));
}

/// Every line with single spaces, none empty.
fn lines(text: &str) -> String {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split('\n').map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What stands between `<` and `>`.
struct Tag<'a> {
    /// Empty for a comment or a declaration.
    name: &'a str,
    closes: bool,
    length: usize,
}

impl<'a> Tag<'a> {
    /// The tag that `rest` begins with; none where its `<` is a sign like any other.
    fn at(rest: &'a str) -> Option<Self> {
        if let Some(comment) = rest.strip_prefix("<!--") {
            let length = comment.find("-->").map_or(rest.len(), |end| 4 + end + 3);
            return Some(Self { name: "", closes: false, length });
        }
        let inner = &rest[1..];
        let closes = inner.starts_with('/');
        let named = inner.strip_prefix(['/', '!']).unwrap_or(inner);
        let end = named.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(named.len());
        let name = &named[..end];
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let length = rest.find('>')? + 1;
        Some(Self { name, closes, length })
    }

    fn is(&self, names: &[&str]) -> bool {
        names.iter().any(|name| name.eq_ignore_ascii_case(self.name))
    }

    fn ends_line(&self) -> bool {
        self.is(&BLOCKS)
    }

    fn is_unseen(&self) -> bool {
        !self.closes && self.is(&UNSEEN)
    }
}

/// What follows the closing tag of that name; nothing where there is none.
fn behind_end_of<'a>(name: &str, rest: &'a str) -> &'a str {
    let mut from = 0;
    while let Some(at) = rest[from..].find("</") {
        let at = from + at;
        match Tag::at(&rest[at..]) {
            Some(tag) if tag.name.eq_ignore_ascii_case(name) => return &rest[at + tag.length..],
            _ => from = at + 2,
        }
    }
    ""
}

/// The character that a reference such as `&amp;` or `&#39;` stands for, and how long the reference is.
fn character(rest: &str) -> Option<(char, usize)> {
    let end = rest.char_indices().take(LONGEST_NAME + 2).find(|(_, c)| *c == ';')?.0;
    let name = &rest[1..end];
    let number = |digits: &str, base| {
        u32::from_str_radix(digits, base).ok().and_then(char::from_u32).filter(|c| !c.is_control())
    };
    let found = match name.strip_prefix('#') {
        Some(code) => match code.strip_prefix(['x', 'X']) {
            Some(hex) => number(hex, 16),
            None => number(code, 10),
        },
        None => NAMED.iter().find(|(known, _)| *known == name).map(|(_, c)| *c),
    };
    Some((found?, end + 1))
}

/// The characters that editors write by name.
const NAMED: [(&str, char); 34] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("ndash", '–'),
    ("mdash", '\u{2014}'),
    ("hellip", '…'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("euro", '€'),
    ("pound", '£'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("deg", '°'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("agrave", 'à'),
    ("ccedil", 'ç'),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::normalise::one_line;

    #[test]
    fn what_a_reader_sees_is_the_text() {
        let table = [
            ("<p>Wants the <b>seats</b> first.</p>", "Wants the seats first."),
            ("<div>One</div>\n<div>Two &amp; a half</div>", "One\nTwo & a half"),
            ("a<br/>b<BR>c", "a\nb\nc"),
            ("<ul><li>x</li><li>y</li></ul>", "x\ny"),
            ("x &lt;b&gt; y", "x <b> y"),
            ("2 < 3 & 4 > 3", "2 < 3 & 4 > 3"),
            ("&#39;&#x27;&nbsp;&euro;&unknown;&#0;", "'' €&unknown;&#0;"),
            ("<!-- not shown --><style>p { color: red }</style>Shown<script>x</script>", "Shown"),
            ("<a href=\"https://x.test/?a=1&b=2\">link</a>", "link"),
            ("plain\n  text", "plain text"),
            ("<p", "<p"),
            ("<!-- open", ""),
            ("<style>open", ""),
            ("", ""),
        ];
        for (html, text) in table {
            assert_eq!(text_of(html), text, "{html}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_text_comes_back_as_it_was(text in "\\PC{0,40}|[<>&;#a-z0-9\n /!-]{0,40}") {
            proptest::prop_assert_eq!(one_line(&text_of(&html_of(&text))), one_line(&text));
        }

        #[test]
        fn markup_that_was_taken_off_is_no_change(html in "(<p>|</p>|<br>|<b>|&amp;|&lt;|&|<|>|!--|[a-z ;#0-9\n]){0,30}") {
            let text = text_of(&html);
            proptest::prop_assert_eq!(text_of(&html_of(&text)), text);
        }
    }
}
