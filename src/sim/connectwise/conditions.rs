//! The language of `conditions`: read into a tree, and held against a row. Knows nothing of what a row is.

use crate::sim::clock::parse_instant;

/// A condition: comparisons joined by and, or, not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Test { field: String, op: Op, values: Vec<Operand> },
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
pub(crate) enum Operand {
    Null,
    Text(String),
    Number(f64),
    Flag(bool),
    /// Seconds since 1970.
    Time(i64),
}

/// What a row has under a name: none when the name is not recognised.
pub(crate) trait Row {
    fn operand(&self, name: &str) -> Option<Operand>;
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Literal(Operand),
    Op(Op),
    Open,
    Close,
    Comma,
}

/// Reads the text of a condition; the error says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Condition, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let condition = parser.any()?;
    match parser.next() {
        None => Ok(condition),
        Some(token) => Err(format!("Unexpected {token:?} in conditions.")),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '"' | '\'' => quoted(rest, first)?,
            '[' => bracketed(rest)?,
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
            c if c == quote => return Ok((Token::Literal(Operand::Text(text.replace("[[]", "["))), at + 1)),
            c => text.push(c),
        }
    }
    Err("A text in conditions is not closed.".to_owned())
}

fn bracketed(rest: &str) -> Result<(Token, usize), String> {
    let end = rest.find(']').ok_or("A date in conditions is not closed.")?;
    let inner = rest.get(1..end).unwrap_or_default().trim();
    // An offset other than Z is not understood; without any, the time is UTC.
    let read = parse_instant(inner).or_else(|| parse_instant(&format!("{inner}Z")));
    let ms = read.ok_or_else(|| format!("String was not recognized as a valid DateTime: {inner}"))?;
    Ok((Token::Literal(Operand::Time(ms.div_euclid(1000))), end + 1))
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

    fn any(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > 100 {
            return Err("Conditions are nested too deeply.".to_owned());
        }
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
            return Ok(Condition::Not(Box::new(self.term()?)));
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

    fn list(&mut self) -> Result<Vec<Operand>, String> {
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

    fn value(&mut self) -> Result<Operand, String> {
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
    /// Whether the row meets the condition; the error is the name that is not recognised.
    pub fn holds(&self, row: &dyn Row) -> Result<bool, String> {
        match self {
            Self::And(all) => {
                for condition in all {
                    if !condition.holds(row)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(all) => {
                for condition in all {
                    if condition.holds(row)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(inner) => Ok(!inner.holds(row)?),
            Self::Test { field, op, values } => {
                let value = row.operand(field).ok_or_else(|| field.clone())?;
                Ok(test(&value, *op, values))
            }
        }
    }

    /// Every field that is named.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Self::fields).collect(),
            Self::Not(inner) => inner.fields(),
            Self::Test { field, .. } => vec![field],
        }
    }

    /// The tests that must all hold, when the condition is nothing but such.
    pub fn conjuncts(&self) -> Vec<(&str, Op, &[Operand])> {
        match self {
            Self::And(all) => all.iter().flat_map(Self::conjuncts).collect(),
            Self::Test { field, op, values } => vec![(field, *op, values)],
            Self::Or(_) | Self::Not(_) => Vec::new(),
        }
    }
}

fn test(value: &Operand, op: Op, wanted: &[Operand]) -> bool {
    let first = wanted.first().unwrap_or(&Operand::Null);
    let ordered = |f: fn(std::cmp::Ordering) -> bool| compare(value, first).is_some_and(f);
    match op {
        Op::Equal => same(value, first),
        Op::Unequal => !same(value, first),
        Op::Less => ordered(std::cmp::Ordering::is_lt),
        Op::LessEqual => ordered(std::cmp::Ordering::is_le),
        Op::Greater => ordered(std::cmp::Ordering::is_gt),
        Op::GreaterEqual => ordered(std::cmp::Ordering::is_ge),
        Op::In => wanted.iter().any(|w| same(value, w)),
        Op::Contains => text_of(value).contains(&text_of(first)),
        Op::Like => like(&text_of(value), &text_of(first)),
    }
}

fn text_of(operand: &Operand) -> String {
    match operand {
        Operand::Null => String::new(),
        Operand::Text(text) => text.to_lowercase(),
        Operand::Number(n) => n.to_string(),
        Operand::Flag(flag) => flag.to_string(),
        Operand::Time(seconds) => crate::sim::clock::iso_seconds(*seconds).to_lowercase(),
    }
}

fn same(value: &Operand, wanted: &Operand) -> bool {
    match (value, wanted) {
        (Operand::Null, Operand::Null) => true,
        (Operand::Null, Operand::Text(text)) => text.is_empty(),
        _ => compare(value, wanted).is_some_and(std::cmp::Ordering::is_eq),
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds stay far below 2^53")]
fn compare(value: &Operand, wanted: &Operand) -> Option<std::cmp::Ordering> {
    match (value, wanted) {
        (Operand::Text(a), Operand::Text(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
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

/// `*` and `%` stand for any text.
fn like(text: &str, pattern: &str) -> bool {
    let Some(star) = pattern.find(['*', '%']) else { return text == pattern };
    let (head, rest) = (pattern.get(..star).unwrap_or_default(), pattern.get(star + 1..).unwrap_or_default());
    let Some(text) = text.strip_prefix(head) else { return false };
    rest.is_empty()
        || text.char_indices().map(|(i, _)| i).chain([text.len()]).any(|i| text.get(i..).is_some_and(|t| like(t, rest)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed parse is a failed test")]
    use super::*;

    struct One;
    impl Row for One {
        fn operand(&self, name: &str) -> Option<Operand> {
            match name {
                "id" => Some(Operand::Number(7.0)),
                "name" => Some(Operand::Text("Quiet \"Harbor\" [Ltd]".to_owned())),
                "status/name" => Some(Operand::Text("Active".to_owned())),
                "lastUpdated" => Some(Operand::Time(1_767_225_600)),
                "deletedFlag" => Some(Operand::Flag(false)),
                "phone" => Some(Operand::Null),
                _ => None,
            }
        }
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
            assert_eq!(parse(text).unwrap().holds(&One), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_name_that_is_not_known_is_named() {
        assert_eq!(parse("resources/identifier = 1").unwrap().holds(&One), Err("resources/identifier".to_owned()));
    }

    #[test]
    fn broken_text_is_an_error() {
        for text in ["", "id", "id =", "id = 7 and", "(id = 7", "name = \"x", "id in 7", "id = 7 id"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
