//! The language of `conditions`: read into a tree, and held against a row. Knows nothing of what a row is.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::sim::clock::parse_instant;

/// A condition: comparisons joined by and, or, not. As read, its fields are names; resolved, they are whatever finds a
/// value without looking at the name again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition<F = String> {
    And(Vec<Condition<F>>),
    Or(Vec<Condition<F>>),
    Not(Box<Condition<F>>),
    Test { field: F, op: Op, values: Vec<Operand<'static>> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Contains,
    Like,
}

/// A literal, or what a row has in a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand<'a> {
    Null,
    Text(Cow<'a, str>),
    Number(f64),
    Flag(bool),
    /// Seconds since 1970.
    Time(i64),
}

/// What a row has in a field.
pub(crate) trait Row<F> {
    fn operand(&self, field: &F) -> Operand<'_>;
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Literal(Operand<'static>),
    Op(Op),
    Open,
    Close,
    Comma,
}

/// Reads the text of a condition; the error says what is wrong with it.
///
/// With `offset_misread`, a timestamp's numeric offset counts as if it were not there.
pub(crate) fn parse(text: &str, offset_misread: bool) -> Result<Condition, String> {
    let mut parser = Parser { tokens: tokens(text, offset_misread)?, at: 0, depth: 0 };
    let condition = parser.any()?;
    match parser.next() {
        None => Ok(condition),
        Some(token) => Err(format!("Unexpected {token:?} in conditions.")),
    }
}

fn tokens(text: &str, offset_misread: bool) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '"' | '\'' => quoted(rest, first)?,
            '[' => bracketed(rest, offset_misread)?,
            '=' => (Token::Op(Op::Equal), if rest.starts_with("==") { 2 } else { 1 }),
            '!' if rest.starts_with("!=") => (Token::Op(Op::Unequal), 2),
            '<' if rest.starts_with("<=") => (Token::Op(Op::LessEqual), 2),
            '<' if rest.starts_with("<>") => (Token::Op(Op::Unequal), 2),
            '<' => (Token::Op(Op::Less), 1),
            '>' if rest.starts_with(">=") => (Token::Op(Op::GreaterEqual), 2),
            '>' => (Token::Op(Op::Greater), 1),
            c if c.is_alphanumeric() || "_-+.".contains(c) => word(rest),
            c => return Err(format!("Unexpected character '{c}' in conditions.")),
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

fn quoted(rest: &str, quote: char) -> Result<(Token, usize), String> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, c)) = letters.next() {
        match c {
            '\\' => match letters.next() {
                Some((_, escaped @ ('"' | '\'' | '\\'))) => text.push(escaped),
                Some((_, other)) => text.extend(['\\', other]),
                None => break,
            },
            c if c == quote => return Ok((Token::Literal(Operand::Text(text.replace("[[]", "[").into())), at + 1)),
            c => text.push(c),
        }
    }
    Err("A text in conditions is not closed.".to_owned())
}

fn bracketed(rest: &str, offset_misread: bool) -> Result<(Token, usize), String> {
    let end = rest.find(']').ok_or("A date in conditions is not closed.")?;
    let inner = rest.get(1..end).unwrap_or_default().trim();
    // Without any offset, the time is UTC.
    let kept = if offset_misread { without_offset(inner) } else { inner };
    let zoned = || parse_instant(&format!("{kept}Z"));
    // As it stands last: a time without an offset would be taken for its day.
    let read = if kept.ends_with('Z') { parse_instant(kept) } else { zoned().or_else(|| parse_instant(kept)) };
    let ms = read.ok_or_else(|| format!("String was not recognized as a valid DateTime: {inner}"))?;
    Ok((Token::Literal(Operand::Time(ms.div_euclid(1000))), end + 1))
}

/// `2026-01-01T00:00:00+02:00` without its last six characters.
fn without_offset(text: &str) -> &str {
    let Some((at, _)) = text.char_indices().rev().nth(5) else { return text };
    let (head, tail) = (text.get(..at).unwrap_or(text), text.get(at..).unwrap_or_default());
    let offset = head.contains('T') && tail.starts_with(['+', '-']) && tail.contains(':');
    if offset { head } else { text }
}

fn word(rest: &str) -> (Token, usize) {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || "_/-+.".contains(c))).unwrap_or(rest.len());
    let word = rest.get(..end).unwrap_or_default();
    let token = match word.to_ascii_lowercase().as_str() {
        "true" => Token::Literal(Operand::Flag(true)),
        "false" => Token::Literal(Operand::Flag(false)),
        "null" => Token::Literal(Operand::Null),
        "contains" => Token::Op(Op::Contains),
        "like" => Token::Op(Op::Like),
        "in" => Token::Op(Op::In),
        _ => word.parse().map_or_else(|_| Token::Word(word.to_owned()), |n| Token::Literal(Operand::Number(n))),
    };
    (token, end)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > 100 { Err("Conditions are nested too deeply.".to_owned()) } else { Ok(()) }
    }

    fn any(&mut self) -> Result<Condition, String> {
        self.deeper()?;
        let mut all = vec![self.every()?];
        while self.keyword("or") {
            all.push(self.every()?);
        }
        self.depth -= 1;
        Ok(joined(all, Condition::Or))
    }

    fn every(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.term()?];
        while self.keyword("and") {
            all.push(self.term()?);
        }
        Ok(joined(all, Condition::And))
    }

    fn term(&mut self) -> Result<Condition, String> {
        if self.keyword("not") {
            self.deeper()?;
            let inner = self.term()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        match self.next() {
            Some(Token::Open) => {
                let inner = self.any()?;
                match self.next() {
                    Some(Token::Close) => Ok(inner),
                    _ => Err("A parenthesis in conditions is not closed.".to_owned()),
                }
            }
            Some(Token::Word(field)) => self.test(field),
            token => Err(format!("Expected a field in conditions, found {token:?}.")),
        }
    }

    fn test(&mut self, field: String) -> Result<Condition, String> {
        let negated = self.keyword("not");
        let Some(Token::Op(op)) = self.next() else { return Err(format!("Expected an operator after {field}.")) };
        let values = if op == Op::In { self.list()? } else { vec![self.value()?] };
        let test = Condition::Test { field, op, values };
        Ok(if negated { Condition::Not(Box::new(test)) } else { test })
    }

    fn list(&mut self) -> Result<Vec<Operand<'static>>, String> {
        if self.next() != Some(Token::Open) {
            return Err("Expected a list in parentheses after in.".to_owned());
        }
        let mut values = vec![self.value()?];
        loop {
            match self.next() {
                Some(Token::Comma) => values.push(self.value()?),
                Some(Token::Close) => return Ok(values),
                _ => return Err("A list in conditions is not closed.".to_owned()),
            }
        }
    }

    fn value(&mut self) -> Result<Operand<'static>, String> {
        match self.next() {
            Some(Token::Literal(operand)) => Ok(operand),
            token => Err(format!("Expected a value in conditions, found {token:?}.")),
        }
    }
}

fn joined(mut all: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            all.push(last);
            join(all)
        }
        (_, None) => join(all),
    }
}

impl Condition {
    /// The same condition on resolved fields; the error is the first name that is not recognised.
    pub fn resolve<F>(self, find: &mut impl FnMut(&str) -> Option<F>) -> Result<Condition<F>, String> {
        Ok(match self {
            Self::And(all) => Condition::And(resolved(all, find)?),
            Self::Or(all) => Condition::Or(resolved(all, find)?),
            Self::Not(inner) => Condition::Not(Box::new(inner.resolve(find)?)),
            Self::Test { field, op, values } => Condition::Test { field: find(&field).ok_or(field)?, op, values },
        })
    }
}

fn resolved<F>(all: Vec<Condition>, find: &mut impl FnMut(&str) -> Option<F>) -> Result<Vec<Condition<F>>, String> {
    all.into_iter().map(|condition| condition.resolve(find)).collect()
}

impl<F> Condition<F> {
    /// Whether the row meets the condition.
    pub fn holds(&self, row: &dyn Row<F>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|condition| condition.holds(row)),
            Self::Or(all) => all.iter().any(|condition| condition.holds(row)),
            Self::Not(inner) => !inner.holds(row),
            Self::Test { field, op, values } => test(&row.operand(field), *op, values),
        }
    }

    /// The operators of all its tests.
    pub fn tests(&self) -> Box<dyn Iterator<Item = Op> + '_> {
        match self {
            Self::And(all) | Self::Or(all) => Box::new(all.iter().flat_map(Self::tests)),
            Self::Not(inner) => inner.tests(),
            Self::Test { op, .. } => Box::new(std::iter::once(*op)),
        }
    }

    /// The tests that must all hold, when the condition is nothing but such.
    pub fn conjuncts(&self) -> Vec<(&F, Op, &[Operand<'static>])> {
        match self {
            Self::And(all) => all.iter().flat_map(Self::conjuncts).collect(),
            Self::Test { field, op, values } => vec![(field, *op, values)],
            Self::Or(_) | Self::Not(_) => Vec::new(),
        }
    }
}

fn test(value: &Operand<'_>, op: Op, wanted: &[Operand<'_>]) -> bool {
    let first = wanted.first().unwrap_or(&Operand::Null);
    let ordered = |f: fn(Ordering) -> bool| compare(value, first).is_some_and(f);
    match op {
        Op::Equal => same(value, first),
        Op::Unequal => !same(value, first),
        Op::Less => ordered(Ordering::is_lt),
        Op::LessEqual => ordered(Ordering::is_le),
        Op::Greater => ordered(Ordering::is_gt),
        Op::GreaterEqual => ordered(Ordering::is_ge),
        Op::In => wanted.iter().any(|w| same(value, w)),
        Op::Contains => text_of(value).contains(&text_of(first)),
        Op::Like => like(&text_of(value), &text_of(first)),
    }
}

fn text_of(operand: &Operand<'_>) -> String {
    match operand {
        Operand::Null => String::new(),
        Operand::Text(text) => text.to_lowercase(),
        Operand::Number(n) => n.to_string(),
        Operand::Flag(flag) => flag.to_string(),
        Operand::Time(seconds) => crate::sim::clock::iso_seconds(*seconds).to_lowercase(),
    }
}

fn same(value: &Operand<'_>, wanted: &Operand<'_>) -> bool {
    match (value, wanted) {
        (Operand::Null, Operand::Null) => true,
        (Operand::Null, Operand::Text(text)) => text.is_empty(),
        _ => compare(value, wanted).is_some_and(Ordering::is_eq),
    }
}

/// The order of two operands of one sort; texts without regard to case.
#[expect(clippy::cast_precision_loss, reason = "seconds stay far below 2^53")]
pub(crate) fn compare(value: &Operand<'_>, wanted: &Operand<'_>) -> Option<Ordering> {
    match (value, wanted) {
        (Operand::Text(a), Operand::Text(b)) => {
            Some(a.chars().flat_map(char::to_lowercase).cmp(b.chars().flat_map(char::to_lowercase)))
        }
        (Operand::Number(a), Operand::Number(b)) => a.partial_cmp(b),
        (Operand::Flag(a), Operand::Flag(b)) => Some(a.cmp(b)),
        (Operand::Time(a), Operand::Time(b)) => Some(a.cmp(b)),
        (Operand::Time(a), Operand::Text(b)) => parse_instant(b).map(|ms| a.cmp(&ms.div_euclid(1000))),
        (Operand::Number(a), Operand::Text(b)) => b.parse().ok().and_then(|b| a.partial_cmp(&b)),
        (Operand::Text(a), Operand::Number(b)) => a.parse::<f64>().ok().and_then(|a| a.partial_cmp(b)),
        (Operand::Time(a), Operand::Number(b)) => (*a as f64).partial_cmp(b),
        _ => None,
    }
}

/// `*` and `%` stand for any text. Goes back to the last star only, so that no pattern takes long.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut t, mut p, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*' | '%') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if text.get(t) == Some(c) => (t, p) = (t + 1, p + 1),
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                (p, t) = (at + 1, from + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|c| matches!(c, '*' | '%'))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed parse is a failed test")]
    use super::*;

    struct One;
    impl Row<String> for One {
        fn operand(&self, name: &String) -> Operand<'_> {
            match name.as_str() {
                "id" => Operand::Number(7.0),
                "name" => Operand::Text("Quiet \"Harbor\" [Ltd]".into()),
                "status/name" => Operand::Text("Active".into()),
                "lastUpdated" => Operand::Time(1_767_225_600),
                "deletedFlag" => Operand::Flag(false),
                _ => Operand::Null,
            }
        }
    }

    fn holds(text: &str) -> bool {
        parse(text, true).unwrap().holds(&One)
    }

    #[test]
    fn the_grammar_of_the_guide_is_understood() {
        let table = [
            ("id = 7", true),
            ("id in (1, 7)", true),
            ("id not in (1,7)", false),
            ("id > 6 and (name contains \"harbor\" or id = 9)", true),
            ("name = \"Quiet \\\"Harbor\\\" [[]Ltd]\"", true),
            ("name like \"Quiet*Ltd]\"", true),
            ("name like '%harbor%'", true),
            ("not name like \"x*\"", true),
            ("status/name = \"active\" AND deletedFlag = False", true),
            ("lastUpdated >= [2026-01-01T00:00:00Z]", true),
            ("lastUpdated > [2026-01-01T00:00:00Z]", false),
            ("lastUpdated >= [2025-12-31]", true),
            ("phone = null", true),
            ("phone != null", false),
            ("id = 1 or id = 7 and name contains 'zzz'", false),
        ];
        for (text, expected) in table {
            assert_eq!(holds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_name_that_is_not_known_is_named() {
        let known = &mut |name: &str| (name == "id").then_some(());
        let condition = parse("id = 1 or (not resources/identifier = 1)", true).unwrap();
        assert_eq!(condition.resolve(known), Err("resources/identifier".to_owned()));
    }

    #[test]
    fn an_offset_is_read_as_if_it_were_not_there() {
        let text = "lastUpdated = [2026-01-01T02:00:00+02:00]";
        assert!(parse(text, false).unwrap().holds(&One));
        assert!(!parse(text, true).unwrap().holds(&One));
        assert!(holds("lastUpdated = [2026-01-01T00:00:00-05:00]"));
    }

    #[test]
    fn a_pattern_of_many_stars_is_soon_decided() {
        let stars = format!("name like \"{}x\"", "*a".repeat(200));
        assert!(!holds(&stars));
        assert!(holds("name like \"*\""));
        assert!(!holds("name like \"quiet\""));
    }

    #[test]
    fn broken_text_is_an_error() {
        for text in ["", "id", "id =", "id = 7 and", "(id = 7", "name = \"x", "id in 7", "id = 7 id"] {
            assert!(parse(text, true).is_err(), "{text}");
        }
    }
}
