//! Criteria that decide which records take part: text, tree, verdict with an explanation per clause.
//!
//! The language, in one example:
//!
//! ```text
//! type in ("Prospect", "Partner")            # a choice by its label or its internal value
//! and not is_public                          # a yes/no field may stand alone
//! and (numberofemployees >= 10 or domain ends with ".edu")
//! and `customFields/12` is not empty         # odd names in backquotes
//! ```
//!
//! Operators: `= != < <= > >=`, `in (…)`, `not in (…)`, `contains`, `starts with`, `ends with`, `is empty`,
//! `is not empty`; `not` binds tighter than `and`, `and` tighter than `or`. Texts stand in double or single quotes,
//! numbers, `true`, `false`, dates (`2026-11-23`) and instants (`2026-11-23T09:00:00Z`) without. Words of the language
//! and texts are compared without regard to case. Line breaks and `#` comments are allowed. `company.type` is the field
//! `type` of the company that the record belongs to. Membership in a list is not part of the language yet.
//!
//! Days that move along are written `today`, `today - 30 days` (or `weeks`, `months`, `quarters`, `years`; `+` for later
//! ones), `this month`, `last week`, `next year`. A day is one in UTC, a week begins on Monday. What is compared with a month
//! is compared with all of its days: `=` is in it, `<` before it, `<=` before its end.
//!
//! An empty field differs from every value: `!=` and `not in` hold, every other comparison fails. A value that cannot
//! be read as its field's kind fails every comparison, and the clause says so.
//!
//! A field that is not there any more, or of another kind than the text asks for, is not empty: its test has no answer,
//! and neither has what depends on it. What the rest of the filter decides alone stays decided.

mod ask;
mod ast;
mod bind;
mod complete;
pub mod count;
mod error;
mod eval;
mod fields;
mod lex;
pub mod nearest;
mod parse;
mod pretty;
mod print;
mod relative;
pub mod standard;
#[cfg(test)]
mod tests;

pub use ast::{Compare, Condition, Expr, Literal, Span, Spanned, Test, TextMatch};
pub use bind::{bind, bind_as_far_as_it_fits};
pub use complete::{Completion, complete};
pub use error::FilterError;
pub use eval::{Answer, Clause, Company, Filter, Subject, Verdict};
pub use fields::{Askable, COMPANY, of_company};
pub use parse::{MAX_BYTES, MAX_COMPARISONS, MAX_NESTING, parse};
pub use pretty::pretty;
pub use print::print;
pub use relative::{Relative, Unit, day_of, start_of};
