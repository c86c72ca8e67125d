//! JavaScript expressions of a configuration: checked, sandboxed, and the same on every machine.
//!
//! A script is one expression. It sees `value`, what its field holds, and `record`, the fields of the same record that it
//! names, such as `record.city` or `record["customFields/12"]`. Where more than an expression is needed, it is a function
//! of both: `(value, record) => { …; return … }`. An empty field is `null`; a date is `"2026-11-23"`, an instant
//! `"2026-11-23T09:00:00Z"`, a choice its internal value, several choices a list of them. What it gives is text, a number,
//! yes or no, a list of texts, or `null`, which is empty.
//!
//! There is no file, network, clock, random number or text made into code, and nothing of one call is left for the next.
//! What a script may take is counted, not timed, so that every machine comes to the same answer.

mod sandbox;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::Value;
use sandbox::Sandbox;

/// Longest source, in bytes.
pub const MAX_SOURCE: usize = 65_536;
/// Longest text or list that a script may give, in characters, all items together.
pub const MAX_RESULT: usize = 65_536;
/// What one call may allocate, in bytes.
pub const MAX_MEMORY: usize = 16 * 1024 * 1024;
/// How often the interpreter may ask whether to go on, once every 10,000 jumps and calls: about 50 ms of a slow machine.
pub const MAX_CHECKS: u32 = 64;
/// How deep calls may nest, in bytes of the stack.
const MAX_STACK: usize = 256 * 1024;

/// A script that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    source: Arc<str>,
    fields: Arc<[String]>,
}

/// Why a script gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(*line, *column))]
pub struct ScriptError {
    pub message: String,
    /// From 1; 0 where the interpreter does not say.
    pub line: usize,
    /// In characters, from 1; 0 where the interpreter does not say.
    pub column: usize,
}

fn place(line: usize, column: usize) -> String {
    if line == 0 { String::new() } else { format!("line {line}, column {column}: ") }
}

impl ScriptError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), line: 0, column: 0 }
    }
}

thread_local! {
    /// One interpreter a thread.
    static SANDBOX: RefCell<Option<Sandbox>> = const { RefCell::new(None) };
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// Where and why it is none.
    pub fn compile(source: &str) -> Result<Self, ScriptError> {
        if source.trim().is_empty() {
            return Err(ScriptError::new("there is no script"));
        }
        if source.len() > MAX_SOURCE {
            return Err(ScriptError::new(format!("the script is longer than {MAX_SOURCE} bytes")));
        }
        refuse_big_numbers(source)?;
        SANDBOX.with_borrow_mut(|kept| {
            let mut sandbox = kept.take().map_or_else(Sandbox::new, Ok)?;
            sandbox.compile(source)?;
            // one that failed to read a script is not used again
            *kept = Some(sandbox);
            Ok(())
        })?;
        Ok(Self { source: source.into(), fields: named(source).into_iter().collect() })
    }

    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The fields of the record that it names, in full: `record.city` or `record["city"]`. What it does not name, it cannot
    /// reach.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// What the script makes of a value and of the fields that it names. The same arguments give the same answer, on every
    /// machine and after whatever else was called.
    ///
    /// # Errors
    /// It threw, took too much time or memory, or gave what no field can hold.
    pub fn call<'a>(
        &self,
        value: &Value,
        fields: impl Iterator<Item = (&'a str, &'a Value)> + Clone,
    ) -> Result<Value, ScriptError> {
        SANDBOX.with_borrow_mut(|kept| {
            if let Some(sandbox) = kept
                && let Some(answer) = sandbox.call_lightly(&self.source, value, fields.clone())
            {
                return answer;
            }
            // what took long, or the memory of whatever was called before: counted from the beginning
            let fresh = kept.insert(Sandbox::new()?);
            let answer = fresh.call(&self.source, value, fields);
            if fresh.is_spoiled() {
                *kept = None;
            }
            answer
        })
    }
}

/// Whole numbers without a limit could not be interrupted. The interpreter knows them by an `n` behind the digits.
fn refuse_big_numbers(source: &str) -> Result<(), ScriptError> {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    for (at, line) in source.lines().enumerate() {
        let chars: Vec<char> = line.chars().collect();
        for (column, _) in chars.iter().enumerate().filter(|(_, c)| **c == 'n') {
            let ends = chars.get(column + 1).is_none_or(|next| !word(*next));
            let start = chars[..column].iter().rposition(|c| !word(*c)).map_or(0, |before| before + 1);
            if ends && chars.get(start).is_some_and(char::is_ascii_digit) && start < column {
                let number: String = chars[start..=column].iter().collect();
                return Err(ScriptError {
                    message: format!(
                        "`{number}` is a number without a limit, which scripts don't have; leave out the n"
                    ),
                    line: at + 1,
                    column: start + 1,
                });
            }
        }
    }
    Ok(())
}

/// The fields that a source names, whether or not it can be read.
pub fn fields(source: &str) -> impl Iterator<Item = String> {
    named(source).into_iter()
}

/// The names behind `record.` and in `record["…"]`.
fn named(source: &str) -> BTreeSet<String> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut names = BTreeSet::new();
    for (at, word) in source.match_indices("record") {
        let stands_alone = !source[..at].ends_with(|c: char| part(c) || c == '.');
        let rest = source[at + word.len()..].trim_start();
        let rest = rest.strip_prefix('?').filter(|rest| rest.starts_with('.')).unwrap_or(rest);
        let (is_dotted, rest) = match rest.strip_prefix('.') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, rest),
        };
        let name = match rest.strip_prefix('[') {
            Some(inside) => in_quotes(inside.trim_start()),
            None if is_dotted => Some(rest.chars().take_while(|c| part(*c)).collect()),
            None => None,
        };
        names.extend(name.filter(|name| stands_alone && !name.is_empty()));
    }
    names
}

fn in_quotes(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let (name, rest) = text[1..].split_once(quote)?;
    rest.trim_start().starts_with(']').then(|| name.to_owned())
}
