//! From characters to words, numbers, texts and signs, each with its place.
//! Knows no grammar.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::ast::{Literal, Span};
use super::error::FilterError;
use crate::model::Timestamp;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A bare word: a field's name or a word of the language.
    Word(String),
    /// A name in backquotes: always a field.
    Name(String),
    Literal(Literal),
    /// One of `( ) , + -` or a comparison.
    Sign(&'static str),
    End,
}

#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub token: Token,
    pub span: Span,
}

/// All tokens, an `End` last.
pub(super) fn lex(text: &str) -> Result<Vec<Placed>, FilterError> {
    let (tokens, error) = lex_leniently(text);
    error.map_or(Ok(tokens), Err)
}

/// The tokens up to the first error, an `End` last, for completion while somebody types.
pub(super) fn lex_leniently(text: &str) -> (Vec<Placed>, Option<FilterError>) {
    let mut lexer = Lexer { text, at: 0, line: 1, line_start: 0 };
    let mut tokens = Vec::new();
    loop {
        match lexer.next() {
            Ok(placed) => {
                let last = placed.token == Token::End;
                tokens.push(placed);
                if last {
                    return (tokens, None);
                }
            }
            Err(error) => {
                tokens.push(Placed { token: Token::End, span: lexer.here() });
                return (tokens, Some(error));
            }
        }
    }
}

pub(super) fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

pub(super) fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '/' | '.')
}

const SIGNS: [&str; 12] = ["!=", "<=", ">=", "<>", "=", "<", ">", "(", ")", ",", "+", "-"];

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn is_before_digit(&self) -> bool {
        self.rest().chars().nth(1).is_some_and(|c| c.is_ascii_digit())
    }

    fn here(&self) -> Span {
        let column = self.text[self.line_start..self.at].chars().count() + 1;
        Span { start: self.at, end: self.at, line: self.line, column }
    }

    fn since(&self, start: Span) -> Span {
        Span { end: self.at, ..start }
    }

    fn next(&mut self) -> Result<Placed, FilterError> {
        self.skip_blank();
        let start = self.here();
        let token = match self.peek() {
            None => Token::End,
            Some('"' | '\'') => Token::Literal(Literal::Text(self.quoted(start)?)),
            Some('`') => Token::Name(self.quoted(start)?),
            Some(c) if c.is_ascii_digit() || (c == '-' && self.is_before_digit()) => {
                Token::Literal(self.bare_value(start)?)
            }
            Some(c) if is_word_start(c) => Token::Word(self.take_while(is_word_part).to_owned()),
            Some(c) => Token::Sign(self.sign(c, start)?),
        };
        Ok(Placed { token, span: self.since(start) })
    }

    fn skip_blank(&mut self) {
        while let Some(c) = self.peek() {
            if c == '#' {
                self.take_while(|c| c != '\n');
            } else if c.is_whitespace() {
                self.at += c.len_utf8();
                if c == '\n' {
                    self.line += 1;
                    self.line_start = self.at;
                }
            } else {
                return;
            }
        }
    }

    fn take_while(&mut self, mut keep: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn sign(&mut self, c: char, start: Span) -> Result<&'static str, FilterError> {
        let rest = self.rest();
        if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            self.at += sign.len();
            return Ok(if sign == "<>" { "!=" } else { sign });
        }
        self.at += c.len_utf8();
        let hint = match c {
            '&' => "Write `and`.",
            '|' => "Write `or`.",
            '!' => "Write `not` in front of the comparison, or `!=` for unequal.",
            '“' | '”' | '‘' | '’' | '„' => "Use plain quotes: \" or '.",
            _ => "A text value stands in quotes, an odd field name in backquotes.",
        };
        Err(FilterError::new(self.since(start), format!("`{}` has no meaning here.", c.escape_default()), hint))
    }

    /// A text up to the same quote again, on one line. A backslash protects the next character.
    fn quoted(&mut self, start: Span) -> Result<String, FilterError> {
        let mut chars = self.rest().char_indices();
        let Some((_, quote)) = chars.next() else { return Ok(String::new()) };
        let mut found = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.at += at + c.len_utf8();
                    return Ok(found);
                }
                '\n' => break,
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => found.push('\n'),
                    Some('r') => found.push('\r'),
                    Some('t') => found.push('\t'),
                    Some(c @ ('\\' | '"' | '\'' | '`')) => found.push(c),
                    _ => {
                        let from = self.at + at;
                        let span = Span { start: from, end: from + 1, ..start };
                        let hint = "Write `\\\\` for a backslash itself.";
                        self.take_while(|c| c != '\n');
                        return Err(FilterError::new(span, "A backslash protects only \\ \" ' ` n r t.", hint));
                    }
                },
                c => found.push(c),
            }
        }
        self.take_while(|c| c != '\n');
        let hint = format!("Close it with {quote} on the same line.");
        Err(FilterError::new(self.since(start), "The quote is not closed.", hint))
    }

    /// A number, a date or an instant.
    fn bare_value(&mut self, start: Span) -> Result<Literal, FilterError> {
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '+' | '-' | '_'));
        read_bare(word).ok_or_else(|| {
            let message = format!("`{word}` is neither a number nor a date.");
            let hint = "Write numbers as 1200.50, dates as 2026-11-23, texts in quotes.";
            FilterError::new(self.since(start), message, hint)
        })
    }
}

fn read_bare(word: &str) -> Option<Literal> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    if digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        let framed = digits.starts_with(|c: char| c.is_ascii_digit()) && digits.ends_with(|c: char| c.is_ascii_digit());
        return if framed { Decimal::from_str_exact(word).ok().map(Literal::Number) } else { None };
    }
    if word.len() == 10 {
        return word.parse::<Date>().ok().map(Literal::Date);
    }
    Timestamp::parse_rfc3339(word).map(Literal::DateTime)
}
