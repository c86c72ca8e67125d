//! From tree to text, in the one canonical way: `parse` reads exactly the same tree back.

use std::fmt::{self, Display, Write as _};

use super::ast::{Condition, Expr, Literal, Spanned, Test};
use super::lex::{is_word_part, is_word_start};
use super::parse::is_reserved;

/// The filter on one line, with the parentheses it needs and no others.
#[must_use]
pub fn print(expr: &Expr) -> String {
    expr.to_string()
}

impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => Ok(()),
            Self::All(operands) => joined(f, operands, " and ", |inner| matches!(inner, Self::All(_) | Self::Any(_))),
            Self::Any(operands) => joined(f, operands, " or ", |inner| matches!(inner, Self::Any(_))),
            Self::Not(operand) => {
                f.write_str("not ")?;
                wrapped(f, &operand.node, matches!(operand.node, Self::All(_) | Self::Any(_)))
            }
            Self::Test(test) => test.fmt(f),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, operands: &[Spanned<Expr>], word: &str, wraps: fn(&Expr) -> bool) -> fmt::Result {
    for (at, operand) in operands.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        wrapped(f, &operand.node, wraps(&operand.node))?;
    }
    Ok(())
}

fn wrapped(f: &mut fmt::Formatter<'_>, expr: &Expr, wrap: bool) -> fmt::Result {
    if wrap { write!(f, "({expr})") } else { expr.fmt(f) }
}

impl Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&name(&self.field.node))?;
        match &self.condition {
            Condition::IsTrue => Ok(()),
            Condition::Is(compare, value) => write!(f, " {} {}", compare.symbol(), literal(&value.node)),
            Condition::Text(wanted, value) => write!(f, " {} {}", wanted.words(), literal(&value.node)),
            Condition::Empty { negated: false } => f.write_str(" is empty"),
            Condition::Empty { negated: true } => f.write_str(" is not empty"),
            Condition::In { negated, values } => {
                f.write_str(if *negated { " not in (" } else { " in (" })?;
                for (at, value) in values.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{}", literal(&value.node))?;
                }
                f.write_char(')')
            }
        }
    }
}

/// A field's name, in backquotes where it would not be read as one word.
pub(super) fn name(name: &str) -> String {
    let bare = name.starts_with(is_word_start) && name.chars().all(is_word_part) && !is_reserved(name);
    if bare { name.to_owned() } else { quoted(name, '`') }
}

pub(super) fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => quoted(text, '"'),
        Literal::Number(number) => number.to_string(),
        Literal::Bool(flag) => flag.to_string(),
        Literal::Date(date) => date.to_string(),
        Literal::DateTime(time) => time.to_rfc3339(),
        Literal::Relative(relative) => relative.to_string(),
    }
}

pub(super) fn quoted(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}
