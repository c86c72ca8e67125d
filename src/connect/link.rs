//! The `Link` header of a page (RFC 8288): whether it names a next one. A hint and nothing else: the address in it may lead
//! anywhere, so that it is never followed, nor handed on.

use reqwest::header::{HeaderMap, LINK};

/// Whether one of the links is called `next` and leads somewhere.
pub(super) fn names_next(headers: &HeaderMap) -> bool {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).any(has_next)
}

fn has_next(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, opened)) = rest.split_once('<') {
        let Some((target, closed)) = opened.split_once('>') else { return false };
        let (parameters, others) = up_to_comma(closed);
        if !target.trim().is_empty() && parameters.split(';').any(is_next) {
            return true;
        }
        rest = others;
    }
    false
}

/// `rel=next`, alone or among other relations.
fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let mut relations = value.trim().trim_matches('"').split_whitespace();
    name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

/// The parameters of one link, and the links behind it.
fn up_to_comma(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a header that cannot be made is a failing test")]
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn a_next_page_is_told_by_its_relation_alone() {
        let table = [
            (r#"<https://x.example/a?pageId=7>; rel="next""#, true),
            (r#"<https://x.example/a?page=2>; rel="next", <https://x.example/a?page=9>; rel="last""#, true),
            (r#"<https://x.example/a?page=9>; rel="last", <https://x.example/a?page=2>; rel="next""#, true),
            (r#"<https://x.example/a?page=1>; rel="first", <https://x.example/a?page=8>; rel="prev""#, false),
            ("<https://x.example/a>;rel=next", true),
            (r#"</a>; title="a, b; rel=next"; REL="prev NEXT""#, true),
            (r#"</a?ids=(1,2);rel="next">; rel="last""#, false),
            (r#"</a>; rel="nextish""#, false),
            (r#"<>; rel="next""#, false),
            ("", false),
            ("next", false),
            ("</a; rel=next", false),
            ("<>>><;,;=\"<", false),
        ];
        for (text, expected) in table {
            let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_str(text).unwrap())]);
            assert_eq!(names_next(&headers), expected, "{text}");
        }
        let mut apart = HeaderMap::new();
        apart.append(LINK, HeaderValue::from_static("</a>; rel=last"));
        apart.append(LINK, HeaderValue::from_static("</a>; rel=next"));
        assert!(names_next(&apart));
        assert!(!names_next(&HeaderMap::new()));
    }
}
