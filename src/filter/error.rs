//! What is wrong with a filter, and where: an editor can underline it.

use std::ops::Range;

use super::ast::Span;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct FilterError {
    pub message: String,
    /// What to write instead. May be empty.
    pub hint: String,
    /// In bytes of the text that was parsed.
    pub span: Range<usize>,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl FilterError {
    pub(super) fn new(span: Span, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), span: span.range(), line: span.line, column: span.column }
    }
}
