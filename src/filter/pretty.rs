//! The text of a filter, laid out for people: an operand a line, what belongs together indented, comments where they were.

use std::ops::Range;

use super::ast::{Condition, Expr, Spanned, Test};
use super::error::FilterError;
use super::lex::lex;
use super::parse::{MAX_BYTES, parse};
use super::print::{literal, name};

/// Columns that a line has at most, where it can be broken.
const WIDTH: usize = 76;
const STEP: usize = 2;
/// No line begins farther to the right, however deep it is nested.
const FARTHEST: usize = 40;
/// A comment that moves may make what it stood in fit on a line; that comes to an end soon.
const MOST_PASSES: usize = 8;

/// The same filter, laid out. A text that would become too long stays as it is.
///
/// # Errors
/// Where the text is no filter.
pub fn pretty(text: &str) -> Result<String, FilterError> {
    let mut text = text.to_owned();
    for _ in 0..MOST_PASSES {
        let next = layout(&text)?;
        if next == text || next.len() > MAX_BYTES {
            break;
        }
        text = next;
    }
    Ok(text)
}

fn layout(text: &str) -> Result<String, FilterError> {
    let expr = parse(text)?;
    let comments = comments(text)?;
    if expr == Expr::Everything {
        return Ok(comments.iter().map(|comment| comment.text).collect::<Vec<_>>().join("\n"));
    }
    let mut layout = Layout { comments: &comments, lines: Vec::new() };
    layout.expr(&expr, 0..text.len(), "", 0);
    Ok(layout.with_comments())
}

struct Comment<'a> {
    at: usize,
    /// From the `#` on.
    text: &'a str,
    /// Nothing stands before it on its line.
    is_alone: bool,
}

/// What stands between the tokens is blank or a comment.
fn comments(text: &str) -> Result<Vec<Comment<'_>>, FilterError> {
    let (mut found, mut after) = (Vec::new(), 0);
    for placed in lex(text)? {
        let mut at = after;
        for line in text[after..placed.span.start].split_inclusive('\n') {
            if let Some(sign) = line.find('#') {
                let is_alone = at + sign == 0 || text[..at + sign].trim_end_matches([' ', '\t']).ends_with('\n');
                let is_first = text[..at + sign].trim().is_empty();
                found.push(Comment { at: at + sign, text: line[sign..].trim_end(), is_alone: is_alone || is_first });
            }
            at += line.len();
        }
        after = placed.span.end;
    }
    Ok(found)
}

/// One line, and which part of the old text is on it.
struct Line {
    indent: usize,
    text: String,
    of: Range<usize>,
}

struct Layout<'a> {
    comments: &'a [Comment<'a>],
    lines: Vec<Line>,
}

impl Layout<'_> {
    fn line(&mut self, indent: usize, text: String, of: Range<usize>) {
        self.lines.push(Line { indent: indent.min(FARTHEST), text, of });
    }

    /// Adds the lines of a part of the filter that stands at `of`; the first one begins with `before`.
    fn expr(&mut self, expr: &Expr, of: Range<usize>, before: &str, indent: usize) {
        if self.fits(expr, before, indent) {
            return self.line(indent, format!("{before}{expr}"), of);
        }
        match expr {
            Expr::Everything => {}
            Expr::All(operands) => {
                self.operands(operands, "and ", |e| matches!(e, Expr::All(_) | Expr::Any(_)), before, indent)
            }
            Expr::Any(operands) => self.operands(operands, "or ", |e| matches!(e, Expr::Any(_)), before, indent),
            Expr::Not(operand) => {
                let before = format!("{before}not ");
                if matches!(operand.node, Expr::All(_) | Expr::Any(_)) {
                    self.group(operand, of.start, &before, indent);
                } else {
                    self.expr(&operand.node, of, &before, indent);
                }
            }
            Expr::Test(test) => self.test(test, of, before, indent),
        }
    }

    /// On one line, as far as its length and comments between its operands let it.
    fn fits(&self, expr: &Expr, before: &str, indent: usize) -> bool {
        let is_whole_filter = before.is_empty() && indent == 0;
        if is_whole_filter && matches!(expr, Expr::All(_) | Expr::Any(_)) {
            return false;
        }
        let width = indent.min(FARTHEST) + before.len() + expr.to_string().chars().count();
        width <= WIDTH && !self.is_commented(expr)
    }

    /// Whether a comment stands between operands, at whatever depth.
    fn is_commented(&self, expr: &Expr) -> bool {
        match expr {
            Expr::All(operands) | Expr::Any(operands) => {
                let ends = operands.windows(2).map(|pair| pair[0].span.range().end..pair[1].span.range().start);
                ends.into_iter().any(|between| self.has_comment(between))
                    || operands.iter().any(|operand| self.is_commented(&operand.node))
            }
            Expr::Not(operand) => self.is_commented(&operand.node),
            Expr::Everything | Expr::Test(_) => false,
        }
    }

    fn has_comment(&self, within: Range<usize>) -> bool {
        self.comments.iter().any(|comment| within.contains(&comment.at))
    }

    fn operands(
        &mut self,
        operands: &[Spanned<Expr>],
        word: &str,
        wraps: fn(&Expr) -> bool,
        before: &str,
        indent: usize,
    ) {
        for (at, operand) in operands.iter().enumerate() {
            let (before, indent) = match (at, before.is_empty()) {
                (0, _) => (before, indent),
                (_, true) => (word, indent),
                // the first one has the word of what is around it
                (_, false) => (word, indent + STEP),
            };
            if wraps(&operand.node) {
                self.group(operand, operand.span.range().start, before, indent);
            } else {
                self.expr(&operand.node, operand.span.range(), before, indent);
            }
        }
    }

    /// A part in parentheses.
    fn group(&mut self, operand: &Spanned<Expr>, start: usize, before: &str, indent: usize) {
        let span = operand.span.range();
        let inline = format!("{before}({})", operand.node);
        if self.fits(&operand.node, &inline[..before.len() + 1], indent + 1) {
            return self.line(indent, inline, start..span.end);
        }
        self.line(indent, format!("{before}("), start..span.start + 1);
        self.expr_within(operand, indent + STEP);
        self.line(indent, ")".to_owned(), span.end - 1..span.end);
    }

    /// The operands of a part in parentheses, each on a line.
    fn expr_within(&mut self, operand: &Spanned<Expr>, indent: usize) {
        match &operand.node {
            Expr::All(operands) => {
                self.operands(operands, "and ", |e| matches!(e, Expr::All(_) | Expr::Any(_)), "", indent);
            }
            Expr::Any(operands) => self.operands(operands, "or ", |e| matches!(e, Expr::Any(_)), "", indent),
            other => self.expr(other, operand.span.range(), "", indent),
        }
    }

    /// A test that is too long for a line: a list of values goes over several.
    fn test(&mut self, test: &Test, of: Range<usize>, before: &str, indent: usize) {
        let Condition::In { negated, values } = &test.condition else {
            return self.line(indent, format!("{before}{test}"), of);
        };
        let Some(first) = values.first() else { return };
        let word = if *negated { "not in (" } else { "in (" };
        self.line(indent, format!("{before}{} {word}", name(&test.field.node)), of.start..first.span.range().start);
        let (mut line, mut place) = (String::new(), first.span.range());
        for (at, value) in values.iter().enumerate() {
            let comma = if at + 1 < values.len() { "," } else { "" };
            let text = format!("{}{comma}", literal(&value.node));
            let taken = indent.min(FARTHEST) + STEP + line.chars().count();
            if !line.is_empty() && taken + 1 + text.chars().count() > WIDTH {
                self.line(indent + STEP, std::mem::take(&mut line), place);
                place = value.span.range();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&text);
            place.end = value.span.range().end;
        }
        self.line(indent + STEP, line, place.clone());
        self.line(indent, ")".to_owned(), place.end.max(of.end - 1)..of.end.max(place.end + 1));
    }

    /// Each comment before or behind the line that it stood at.
    fn with_comments(self) -> String {
        let mut before: Vec<Vec<&str>> = vec![Vec::new(); self.lines.len() + 1];
        let mut behind: Vec<Option<&str>> = vec![None; self.lines.len()];
        for comment in self.comments {
            if comment.is_alone {
                let line = self.lines.iter().position(|line| line.of.end > comment.at).unwrap_or(self.lines.len());
                before[line].push(comment.text);
                continue;
            }
            let line = self.lines.iter().rposition(|line| line.of.start < comment.at).unwrap_or(0);
            match behind.get_mut(line) {
                Some(free @ None) => *free = Some(comment.text),
                _ => before[line].push(comment.text),
            }
        }
        let mut out: Vec<String> = Vec::new();
        for (at, comments) in before.iter().enumerate() {
            let line = self.lines.get(at);
            let indent = " ".repeat(line.map_or(0, |line| line.indent));
            out.extend(comments.iter().map(|comment| format!("{indent}{comment}")));
            if let Some(line) = line {
                let comment = behind[at].map_or_else(String::new, |comment| format!("  {comment}"));
                out.push(format!("{indent}{}{comment}", line.text));
            }
        }
        out.join("\n")
    }
}
