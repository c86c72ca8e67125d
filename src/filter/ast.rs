//! A filter as a tree, with the places of its parts in the text.
//! Knows nothing of fields that exist or of values that records hold.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::relative::Relative;
use crate::model::Timestamp;

/// A place in the text. Two trees that differ in places alone are equal: all spans are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// In bytes.
    pub start: usize,
    /// In bytes, behind the last one.
    pub end: usize,
    /// From 1.
    pub line: usize,
    /// Of the start, in characters, from 1.
    pub column: usize,
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

impl Span {
    /// From the start of `self` to the end of `last`.
    #[must_use]
    pub const fn to(self, last: Self) -> Self {
        Self { end: last.end, ..self }
    }

    #[must_use]
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

/// Something, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    pub node: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub const fn new(node: T, span: Span) -> Self {
        Self { node, span }
    }
}

/// A filter. `All` and `Any` have at least two operands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// The empty text: every record passes. Only ever the whole filter.
    Everything,
    /// `… and … and …`
    All(Vec<Spanned<Expr>>),
    /// `… or … or …`
    Any(Vec<Spanned<Expr>>),
    Not(Box<Spanned<Expr>>),
    Test(Test),
}

/// One field and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    pub field: Spanned<String>,
    pub condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The field's name alone: a yes/no field that says yes.
    IsTrue,
    Is(Compare, Spanned<Literal>),
    In {
        negated: bool,
        values: Vec<Spanned<Literal>>,
    },
    Text(TextMatch, Spanned<Literal>),
    Empty {
        negated: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Compare {
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    #[must_use]
    pub const fn needs_order(self) -> bool {
        !matches!(self, Self::Eq | Self::Ne)
    }

    /// Whether the operator holds for two values that compare like this.
    #[must_use]
    pub const fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextMatch {
    Contains,
    StartsWith,
    EndsWith,
}

impl TextMatch {
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "starts with",
            Self::EndsWith => "ends with",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    Text(String),
    Number(Decimal),
    Bool(bool),
    Date(Date),
    DateTime(Timestamp),
    Relative(Relative),
}
