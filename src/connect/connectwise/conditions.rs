//! ConnectWise's conditions, and the only place where a value becomes part of one.
//!
//! The traps: a string ends at its quote and knows no escape, so a text with both kinds of quote cannot be said at all;
//! `[` opens a date or a character class and is written `[[]`; times carry `Z`, because offsets were once misread; a list
//! of ids beyond what an address may hold answers 414. Nothing that a value contains may change the shape of a condition.

use crate::connect::address::query_value;
use crate::model::{RecordId, Timestamp};

/// What the guide allows for a whole address, less the host and code base.
pub(super) const ADDRESS_CHARS: usize = 1745;
/// Ids in one condition.
pub(super) const IDS: usize = 150;

/// A condition, not yet escaped for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition(String);

/// The text cannot stand in a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unquotable {
    /// It has both kinds of quote.
    Quotes,
    /// It has a control character.
    Control,
    /// It has a backslash, of which nobody says whether it escapes what follows.
    Backslash,
}

impl Unquotable {
    pub const fn why(&self) -> &'static str {
        match self {
            Self::Quotes => "it has double quotes, which a condition cannot hold",
            Self::Control => "it has a control character, which a condition cannot hold",
            Self::Backslash => "it has a backslash, which a condition cannot hold",
        }
    }
}

impl Condition {
    /// Changed in `from..=until`. Whole seconds, because ConnectWise stores no more; inclusive, because several records
    /// share a second. Never a filter beside it: the edit that leaves the filter would be invisible.
    pub fn changed(from: Timestamp, until: Timestamp) -> Self {
        let lower = format!("lastUpdated >= [{}]", instant(from));
        if until == Timestamp::MAX {
            Self(lower)
        } else {
            Self(format!("{lower} and lastUpdated <= [{}]", instant(until)))
        }
    }

    pub fn is_true(field: &'static str) -> Self {
        Self(format!("{field} = True"))
    }

    /// `field` is one of the ids.
    pub fn ids(field: &'static str, ids: &[u64]) -> Self {
        match ids {
            [one] => Self(format!("{field} = {one}")),
            many => {
                let list: Vec<String> = many.iter().map(u64::to_string).collect();
                Self(format!("{field} in ({})", list.join(",")))
            }
        }
    }

    /// `id` is higher than that one.
    pub fn behind(id: RecordId) -> Self {
        Self(format!("id > {id}"))
    }

    /// `id` lies in `above + 1 ..= up_to`.
    pub fn id_range(above: u64, up_to: u64) -> Self {
        Self(format!("id > {above} and id <= {up_to}"))
    }

    /// `field` is one of the texts. `field` is a name of this program or of the configuration.
    pub fn texts(field: &str, texts: &[String]) -> Result<Self, Unquotable> {
        if !is_name(field) {
            return Err(Unquotable::Control);
        }
        let literals: Vec<String> = texts.iter().map(|text| literal(text)).collect::<Result<_, _>>()?;
        Ok(match literals.as_slice() {
            [one] => Self(format!("{field} = {one}")),
            many => Self(format!("{field} in ({})", many.join(","))),
        })
    }

    pub fn contains(field: &'static str, text: &str) -> Result<Self, Unquotable> {
        Ok(Self(format!("{field} contains {}", literal(text)?)))
    }

    pub fn is_set(field: &str) -> Result<Self, Unquotable> {
        if is_name(field) { Ok(Self(format!("{field} != null"))) } else { Err(Unquotable::Control) }
    }

    /// For `customFieldConditions`, which know no `in`: a user-defined field is named by its caption there.
    pub fn captioned(caption: &str, value: &str) -> Result<Self, Unquotable> {
        Ok(Self(format!("caption = {} and value = {}", double_quoted(caption)?, literal(value)?)))
    }

    /// The same for any value.
    pub fn captioned_set(caption: &str) -> Result<Self, Unquotable> {
        Ok(Self(format!("caption = {} and value != null", double_quoted(caption)?)))
    }

    /// Both.
    pub fn and(self, other: &Self) -> Self {
        Self(format!("({}) and ({})", self.0, other.0))
    }

    /// As the value of a query parameter.
    pub fn escaped(&self) -> String {
        query_value(&self.0)
    }
}

/// How many of `values`, from the first, fit into an address that already has `taken` characters.
pub(super) fn fitting<T>(values: &[T], taken: usize, condition: impl Fn(&[T]) -> usize) -> usize {
    let mut take = values.len().min(IDS);
    while take > 1 && taken + condition(&values[..take]) > ADDRESS_CHARS {
        take = take * 4 / 5;
    }
    take.max(1)
}

/// A name as members have it, with `/` between the steps.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '/')
}

/// A time as conditions want it; what lies outside of the calendar ConnectWise knows is taken to its edge.
fn instant(time: Timestamp) -> String {
    const EARLIEST: Timestamp = Timestamp(0);
    const LATEST: Timestamp = Timestamp::from_secs(253_402_128_000); // 9999-12-30T00:00:00Z, as far as our own calendar goes
    time.clamp(EARLIEST, LATEST).floor_to_second().to_rfc3339()
}

fn literal(text: &str) -> Result<String, Unquotable> {
    if text.contains('"') && !text.contains('\'') { quoted(text, '\'') } else { double_quoted(text) }
}

fn double_quoted(text: &str) -> Result<String, Unquotable> {
    quoted(text, '"')
}

fn quoted(text: &str, quote: char) -> Result<String, Unquotable> {
    if text.contains(quote) {
        return Err(Unquotable::Quotes);
    }
    if text.contains(char::is_control) {
        return Err(Unquotable::Control);
    }
    if text.contains('\\') {
        return Err(Unquotable::Backslash);
    }
    Ok(format!("{quote}{}{quote}", text.replace('[', "[[]")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a condition that cannot be made is a failing test")]
    use super::*;

    /// The parts of a condition as a server that knows the grammar takes it apart.
    #[derive(Debug, PartialEq, Eq)]
    enum Part {
        Word(String),
        Text(String),
        Time(String),
    }

    fn parts(condition: &str) -> Vec<Part> {
        let mut found = Vec::new();
        let mut rest = condition;
        while let Some(first) = rest.chars().next() {
            match first {
                ' ' => rest = &rest[1..],
                '"' | '\'' => {
                    let end = rest[1..].find(first).unwrap() + 1;
                    found.push(Part::Text(rest[1..end].replace("[[]", "[")));
                    rest = &rest[end + 1..];
                }
                '[' => {
                    let end = rest.find(']').unwrap();
                    found.push(Part::Time(rest[1..end].to_owned()));
                    rest = &rest[end + 1..];
                }
                '(' | ')' | ',' => {
                    found.push(Part::Word(first.to_string()));
                    rest = &rest[1..];
                }
                _ => {
                    let end = rest.find([' ', '(', ')', ',', '"', '\'', '[']).unwrap_or(rest.len());
                    found.push(Part::Word(rest[..end].to_owned()));
                    rest = &rest[end..];
                }
            }
        }
        found
    }

    fn word(text: &str) -> Part {
        Part::Word(text.to_owned())
    }

    fn decoded(escaped: &str) -> String {
        let bytes = escaped.as_bytes();
        let mut out = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == b'%' {
                out.push(u8::from_str_radix(&escaped[at + 1..at + 3], 16).unwrap());
                at += 3;
            } else {
                out.push(bytes[at]);
                at += 1;
            }
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn conditions_are_written_as_the_grammar_wants_them() {
        let at = |seconds: i64| Timestamp(seconds * 1000 + 999);
        let table = [
            (Condition::changed(at(1_767_225_600), Timestamp::MAX), "lastUpdated >= [2026-01-01T00:00:00Z]"),
            (
                Condition::changed(at(1_767_225_600), at(1_767_225_601)),
                "lastUpdated >= [2026-01-01T00:00:00Z] and lastUpdated <= [2026-01-01T00:00:01Z]",
            ),
            (Condition::is_true("deletedFlag"), "deletedFlag = True"),
            (Condition::ids("id", &[7]), "id = 7"),
            (Condition::ids("id", &[7, 9]), "id in (7,9)"),
            (
                Condition::texts("userDefinedField10", &["a:1".into(), "b".into()]).unwrap(),
                r#"userDefinedField10 in ("a:1","b")"#,
            ),
            (Condition::texts("name", &["a [b] c".into()]).unwrap(), r#"name = "a [[]b] c""#),
            (Condition::texts("name", &["12\" pipe".into()]).unwrap(), "name = '12\" pipe'"),
            (
                Condition::captioned("Lockstep key", "deal:4").unwrap(),
                r#"caption = "Lockstep key" and value = "deal:4""#,
            ),
            (
                Condition::id_range(4, 9).and(&Condition::is_true("deletedFlag")),
                "(id > 4 and id <= 9) and (deletedFlag = True)",
            ),
        ];
        for (condition, expected) in table {
            assert_eq!(condition.0, expected);
        }
    }

    #[test]
    fn times_outside_of_the_calendar_are_taken_to_its_edge() {
        let condition = Condition::changed(Timestamp(i64::MIN), Timestamp(i64::MAX - 1));
        assert_eq!(condition.0, "lastUpdated >= [1970-01-01T00:00:00Z] and lastUpdated <= [9999-12-30T00:00:00Z]");
    }

    #[test]
    fn what_cannot_be_quoted_is_refused() {
        assert_eq!(Condition::texts("name", &["a\"b'c".into()]), Err(Unquotable::Quotes));
        assert_eq!(Condition::texts("name", &["a\u{0}".into()]), Err(Unquotable::Control));
        assert_eq!(Condition::captioned("12\" pipe", "x"), Err(Unquotable::Quotes));
        assert_eq!(Condition::texts("name", &["a\\".into()]), Err(Unquotable::Backslash));
        assert!(Condition::texts("name = 1 or id", &["x".into()]).is_err());
    }

    #[test]
    fn a_list_of_ids_is_cut_to_what_an_address_holds() {
        let ids: Vec<u64> = (0..1000).map(|n| u64::MAX - n).collect();
        let take = fitting(&ids, 300, |ids| Condition::ids("id", ids).escaped().len());
        assert!((1..=IDS).contains(&take), "{take}");
        assert!(300 + Condition::ids("id", &ids[..take]).escaped().len() <= ADDRESS_CHARS);
        let short: Vec<u64> = (1..1000).collect();
        assert_eq!(fitting(&short, 300, |ids| Condition::ids("id", ids).escaped().len()), IDS);
        assert_eq!(fitting(&ids, 5000, |ids| ids.len()), 1, "one always goes, however long the rest is");
    }

    proptest::proptest! {
        #[test]
        fn no_value_changes_the_shape_of_a_condition(text in "\\PC{0,12}|[\\[\\]\"' ()=,*%&#+]{0,12}|(and|or|in|null| |\"|')*") {
            if let Ok(condition) = Condition::texts("name", std::slice::from_ref(&text)) {
                proptest::prop_assert_eq!(parts(&condition.0), [word("name"), word("="), Part::Text(text.clone())]);
            }
            if let Ok(condition) = Condition::captioned(&text, &text) {
                let expected = [word("caption"), word("="), Part::Text(text.clone()), word("and"), word("value"), word("="),
                    Part::Text(text.clone())];
                proptest::prop_assert_eq!(parts(&condition.0), expected);
            }
            if let Ok(condition) = Condition::texts("name", &[text.clone(), text.clone()]) {
                proptest::prop_assert_eq!(parts(&condition.0).len(), 7);
            }
        }

        #[test]
        fn an_escaped_condition_stays_one_parameter_and_decodes_to_itself(text in "\\PC{0,16}") {
            if let Ok(condition) = Condition::contains("url", &text) {
                let escaped = condition.escaped();
                proptest::prop_assert!(!escaped.contains(['&', '#', '+', '"', '\'', '=', ' ', '?']));
                proptest::prop_assert_eq!(decoded(&escaped), condition.0);
            }
        }

        #[test]
        fn every_time_is_a_whole_second_with_z(from in proptest::prelude::any::<i64>(), until in proptest::prelude::any::<i64>()) {
            let condition = Condition::changed(Timestamp(from), Timestamp(until));
            for part in parts(&condition.0) {
                if let Part::Time(time) = part {
                    proptest::prop_assert_eq!(time.len(), 20);
                    proptest::prop_assert!(time.ends_with('Z'), "{}", time);
                }
            }
        }
    }
}
