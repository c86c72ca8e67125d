//! From text to tree. Knows the grammar, no fields.

use super::ast::{Compare, Condition, Expr, Literal, Span, Spanned, Test, TextMatch};
use super::error::FilterError;
use super::lex::{Placed, Token, lex};
use super::relative::{MOST_STEPS, Relative, Unit};

/// The longest text that is read.
pub const MAX_BYTES: usize = 64 * 1024;
/// How deep parentheses and `not` may nest: the tree is walked by recursion.
pub const MAX_NESTING: usize = 200;
/// How many comparisons a filter may have.
pub const MAX_COMPARISONS: usize = 1_000;

/// Words that can't be a bare field name.
pub(super) const RESERVED: [&str; 12] =
    ["and", "or", "not", "in", "is", "empty", "contains", "starts", "ends", "with", "true", "false"];

/// Reads a filter. A text of nothing but blanks and comments lets everything pass.
///
/// # Errors
/// The first place where the text can't be understood, or goes beyond a limit.
pub fn parse(text: &str) -> Result<Expr, FilterError> {
    if text.len() > MAX_BYTES {
        let message = format!("The filter has {} bytes; {MAX_BYTES} are allowed.", text.len());
        let span = Span { start: 0, end: text.len(), line: 1, column: 1 };
        return Err(FilterError::new(span, message, "Put long lists of values into a field of the records."));
    }
    let mut parser = Parser { tokens: lex(text)?, at: 0, depth: 0, comparisons: 0 };
    if parser.peek() == &Token::End {
        return Ok(Expr::Everything);
    }
    let expr = parser.any()?;
    if parser.peek() == &Token::End {
        return Ok(expr.node);
    }
    let hint =
        if parser.at_sign(")") { "Drop it, or open it earlier." } else { "Join comparisons with `and` or `or`." };
    Err(parser.unexpected("The filter could end here, but goes on with", hint))
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    comparisons: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].token
    }

    fn span(&self) -> Span {
        self.tokens[self.at].span
    }

    /// Steps over the current token; never over the end.
    fn advance(&mut self) -> Span {
        let span = self.span();
        if self.peek() != &Token::End {
            self.at += 1;
        }
        span
    }

    fn at_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn at_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.advance();
        }
        found
    }

    fn unexpected(&self, expected: &str, hint: &str) -> FilterError {
        let message = match self.peek() {
            Token::End => format!("{expected} nothing: the text ends."),
            token => format!("{expected} {}.", describe(token)),
        };
        FilterError::new(self.span(), message, hint)
    }

    fn expect_sign(&mut self, sign: &'static str, hint: &str) -> Result<Span, FilterError> {
        if self.at_sign(sign) {
            return Ok(self.advance());
        }
        Err(self.unexpected(&format!("`{sign}` is missing; there is"), hint))
    }

    fn any(&mut self) -> Result<Spanned<Expr>, FilterError> {
        self.joined("or", Expr::Any, Self::all)
    }

    fn all(&mut self) -> Result<Spanned<Expr>, FilterError> {
        self.joined("and", Expr::All, Self::unary)
    }

    fn joined(
        &mut self,
        word: &str,
        join: fn(Vec<Spanned<Expr>>) -> Expr,
        operand: fn(&mut Self) -> Result<Spanned<Expr>, FilterError>,
    ) -> Result<Spanned<Expr>, FilterError> {
        let first = operand(self)?;
        if !self.at_word(word) {
            return Ok(first);
        }
        let start = first.span;
        let mut operands = vec![first];
        while self.take_word(word) {
            operands.push(operand(self)?);
        }
        let end = operands.last().map_or(start, |last| last.span);
        Ok(Spanned::new(join(operands), start.to(end)))
    }

    fn unary(&mut self) -> Result<Spanned<Expr>, FilterError> {
        let nests = self.at_word("not") || self.at_sign("(");
        if !nests {
            return self.test();
        }
        self.depth += 1;
        if self.depth > MAX_NESTING {
            let message = format!("Parentheses and `not` are nested more than {MAX_NESTING} deep.");
            return Err(FilterError::new(self.span(), message, "Join the parts side by side with `and` and `or`."));
        }
        let found = if self.at_word("not") { self.negation() } else { self.group() };
        self.depth -= 1;
        found
    }

    fn negation(&mut self) -> Result<Spanned<Expr>, FilterError> {
        let start = self.advance();
        let operand = self.unary()?;
        let span = start.to(operand.span);
        Ok(Spanned::new(Expr::Not(Box::new(operand)), span))
    }

    fn group(&mut self) -> Result<Spanned<Expr>, FilterError> {
        let start = self.advance();
        let inner = self.any()?;
        let end = self.expect_sign(")", "Close the parenthesis, or join with `and` or `or`.")?;
        Ok(Spanned::new(inner.node, start.to(end)))
    }

    fn test(&mut self) -> Result<Spanned<Expr>, FilterError> {
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            let message = format!("The filter has more than {MAX_COMPARISONS} comparisons.");
            return Err(FilterError::new(self.span(), message, "Several values of one field fit into one `in (…)`."));
        }
        let field = self.field()?;
        let condition = self.condition()?;
        let end = self.tokens[self.at.saturating_sub(1)].span;
        let span = field.span.to(end);
        Ok(Spanned::new(Expr::Test(Test { field, condition }), span))
    }

    fn field(&mut self) -> Result<Spanned<String>, FilterError> {
        let name = match self.peek() {
            Token::Name(name) => name.clone(),
            Token::Word(word) if !is_reserved(word) => word.clone(),
            _ => {
                let hint = "A comparison begins with a field, like `name` or `city`; odd names stand in backquotes.";
                return Err(self.unexpected("A field is missing; there is", hint));
            }
        };
        Ok(Spanned::new(name, self.advance()))
    }

    fn condition(&mut self) -> Result<Condition, FilterError> {
        if let Some(compare) = self.compare() {
            self.advance();
            return Ok(Condition::Is(compare, self.literal()?));
        }
        if self.take_word("is") {
            return self.emptiness();
        }
        if self.take_word("in") {
            return self.list(false);
        }
        if self.take_word("not") {
            if self.take_word("in") {
                return self.list(true);
            }
            let hint = "Behind a field `not` goes with `in` alone; write `not` in front of the field instead.";
            return Err(self.unexpected("`in` is missing after `not`; there is", hint));
        }
        if self.take_word("contains") {
            return Ok(Condition::Text(TextMatch::Contains, self.literal()?));
        }
        for (word, wanted) in [("starts", TextMatch::StartsWith), ("ends", TextMatch::EndsWith)] {
            if self.take_word(word) {
                if !self.take_word("with") {
                    return Err(self.unexpected(&format!("`with` is missing after `{word}`; there is"), ""));
                }
                return Ok(Condition::Text(wanted, self.literal()?));
            }
        }
        self.alone()
    }

    /// A field without an operator is a yes/no field, if what follows ends the comparison.
    fn alone(&self) -> Result<Condition, FilterError> {
        let ends = matches!(self.peek(), Token::End) || self.at_word("and") || self.at_word("or") || self.at_sign(")");
        if ends {
            return Ok(Condition::IsTrue);
        }
        let hint = "Use one of = != < <= > >= in, not in, contains, starts with, ends with, is empty, is not empty; \
                    a name with blanks stands in backquotes.";
        Err(self.unexpected("After the field an operator is missing; there is", hint))
    }

    fn compare(&self) -> Option<Compare> {
        let Token::Sign(sign) = self.peek() else { return None };
        [Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge]
            .into_iter()
            .find(|compare| compare.symbol() == *sign)
    }

    fn emptiness(&mut self) -> Result<Condition, FilterError> {
        let negated = self.take_word("not");
        if self.take_word("empty") {
            return Ok(Condition::Empty { negated });
        }
        Err(self.unexpected("`empty` is missing after `is`; there is", "For a value write `=` or `!=`."))
    }

    fn list(&mut self, negated: bool) -> Result<Condition, FilterError> {
        self.expect_sign("(", "A list of values stands in parentheses: in (\"a\", \"b\").")?;
        let mut values = vec![self.literal()?];
        while self.at_sign(",") {
            self.advance();
            values.push(self.literal()?);
        }
        self.expect_sign(")", "Values are separated by commas, and a parenthesis ends the list.")?;
        Ok(Condition::In { negated, values })
    }

    /// `today`, and what is added to it.
    fn day(&mut self) -> Result<Spanned<Literal>, FilterError> {
        let start = self.advance();
        let sign = match self.peek() {
            Token::Sign("+") => 1,
            Token::Sign("-") => -1,
            // without a blank the sign is part of the number
            Token::Literal(Literal::Number(number)) if number.is_sign_negative() => 0,
            _ => return Ok(Spanned::new(Literal::Relative(Relative::TODAY), start)),
        };
        if sign != 0 {
            self.advance();
        }
        let steps = match self.peek() {
            Token::Literal(Literal::Number(number)) if number.is_integer() => {
                i32::try_from(*number).ok().filter(|n| sign == 0 || *n >= 0)
            }
            _ => None,
        };
        let steps = steps.map(|steps| if sign == 0 { steps } else { steps * sign });
        let Some(steps) = steps.filter(|steps| steps.abs() <= MOST_STEPS) else {
            let message = format!("After `today` and a sign a whole number up to {MOST_STEPS} is missing; there is");
            return Err(self.unexpected(&message, "Write today - 30 days, or today + 2 weeks."));
        };
        self.advance();
        let (unit, end) = self.unit(&Unit::ALL, "Write today - 30 days; or weeks, months, quarters, years.")?;
        let relative = if steps == 0 { Relative::TODAY } else { Relative::Day { steps, unit } };
        Ok(Spanned::new(Literal::Relative(relative), start.to(end)))
    }

    /// `this month`.
    fn period(&mut self) -> Result<Spanned<Literal>, FilterError> {
        let steps = if let Token::Word(word) = self.peek() { steps_of(word).unwrap_or(0) } else { 0 };
        let start = self.advance();
        let (unit, end) = self.unit(&Unit::ALL[1..], "Write this month; or week, quarter, year.")?;
        Ok(Spanned::new(Literal::Relative(Relative::Period { steps, unit }), start.to(end)))
    }

    fn unit(&mut self, units: &[Unit], hint: &str) -> Result<(Unit, Span), FilterError> {
        let unit = if let Token::Word(word) = self.peek() { Unit::of_word(word) } else { None };
        match unit.filter(|unit| units.contains(unit)) {
            Some(unit) => Ok((unit, self.advance())),
            None => Err(self.unexpected("A unit of time is missing; there is", hint)),
        }
    }

    fn literal(&mut self) -> Result<Spanned<Literal>, FilterError> {
        let literal = match self.peek() {
            Token::Literal(literal) => literal.clone(),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Literal::Bool(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Literal::Bool(false),
            Token::Word(word) if word.eq_ignore_ascii_case("today") => return self.day(),
            Token::Word(word) if steps_of(word).is_some() => return self.period(),
            Token::Word(word) => {
                let hint = format!("A text stands in quotes: \"{word}\". Fields can't be compared with each other.");
                return Err(self.unexpected("A value is missing; there is", &hint));
            }
            _ => {
                let hint = "Write a text in quotes, a number, true, false, a date like 2026-11-23, or today.";
                return Err(self.unexpected("A value is missing; there is", hint));
            }
        };
        Ok(Spanned::new(literal, self.advance()))
    }
}

/// Which one of several in a row a word means.
fn steps_of(word: &str) -> Option<i32> {
    [("last", -1), ("this", 0), ("next", 1)].into_iter().find(|(w, _)| word.eq_ignore_ascii_case(w)).map(|(_, n)| n)
}

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

fn describe(token: &Token) -> String {
    match token {
        Token::Word(word) => format!("the word `{word}`"),
        Token::Name(name) => format!("the field `{name}`"),
        Token::Literal(Literal::Text(text)) => format!("the text \"{text}\""),
        Token::Literal(literal) => format!("the value {}", super::print::literal(literal)),
        Token::Sign(sign) => format!("`{sign}`"),
        Token::End => "the end".to_owned(),
    }
}
