//! What is wrong with a filter, and where: an editor can underline it.

use std::ops::Range;

use super::ast::Span;
use crate::model::FieldName;

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
    /// The field, where what is wrong is that there is none of that name.
    pub missing: Option<FieldName>,
    /// Whether it is about a field of the record's company.
    pub is_of_company: bool,
}

impl FilterError {
    pub(super) fn new(span: Span, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let (line, column) = (span.line, span.column);
        let (message, hint) = (message.into(), hint.into());
        Self { message, hint, span: span.range(), line, column, missing: None, is_of_company: false }
    }

    pub(super) fn of_company(span: Span, message: impl Into<String>) -> Self {
        Self { is_of_company: true, ..Self::new(span, message, "") }
    }

    pub(super) fn missing(field: FieldName, span: Span, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { missing: Some(field), ..Self::new(span, message, hint) }
    }
}
