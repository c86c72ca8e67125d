//! One field of the records of a page: each value once, and which record holds which.

use std::collections::HashMap;

use super::bits::Bits;
use crate::model::Value;

/// Codes from here on are of values that are no texts.
const OTHERS: u16 = 1 << 15;

/// A field of a page. Most values are texts, which lie one behind the other.
#[derive(Debug, Default)]
pub struct Column {
    /// For each record the number of its value; 0: empty.
    codes: Vec<u16>,
    text: String,
    /// Where each text ends.
    ends: Vec<u32>,
    others: Vec<Value>,
}

/// A column while its page is read.
#[derive(Debug, Default)]
pub struct Growing {
    column: Column,
    known: HashMap<Value, u16>,
}

impl Growing {
    /// The value of the next record.
    pub fn push(&mut self, value: Value) {
        let code = match self.known.get(&value) {
            Some(code) => *code,
            None => self.add(value),
        };
        self.column.codes.push(code);
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a page has fewer records, and a record fewer bytes, than that"
    )]
    fn add(&mut self, value: Value) -> u16 {
        let column = &mut self.column;
        let code = match &value {
            Value::Empty => 0,
            Value::Text(text) => {
                column.text.push_str(text);
                column.ends.push(column.text.len() as u32);
                column.ends.len() as u16
            }
            other => {
                column.others.push(other.clone());
                OTHERS + (column.others.len() - 1) as u16
            }
        };
        self.known.insert(value, code);
        code
    }

    #[must_use]
    pub fn done(self) -> Column {
        let mut column = self.column;
        column.codes.shrink_to_fit();
        column.text.shrink_to_fit();
        column.ends.shrink_to_fit();
        column.others.shrink_to_fit();
        column
    }
}

impl Column {
    /// The records whose value passes; each value is asked about once.
    pub fn passing(&self, passes: impl Fn(&Value) -> bool) -> Bits {
        let empty = passes(&Value::Empty);
        let texts = self.passing_texts(&passes);
        let others: Vec<bool> = self.others.iter().map(passes).collect();
        let mut bits = Bits::NONE;
        for (row, code) in self.codes.iter().enumerate() {
            let pass = match *code {
                0 => empty,
                code if code < OTHERS => texts[usize::from(code) - 1],
                code => others[usize::from(code - OTHERS)],
            };
            if pass {
                bits.set(row);
            }
        }
        bits
    }

    fn passing_texts(&self, passes: impl Fn(&Value) -> bool) -> Vec<bool> {
        let mut start = 0;
        // one value that holds each text in turn
        let mut value = Value::Text(String::new());
        let each = self.ends.iter().map(|end| {
            let end = *end as usize;
            if let Value::Text(held) = &mut value {
                held.clear();
                held.push_str(&self.text[start..end]);
            }
            start = end;
            passes(&value)
        });
        each.collect()
    }

    /// About how much memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let others: usize = self.others.iter().map(|value| size_of::<Value>() + value.to_plain().len()).sum();
        self.codes.len() * 2 + self.text.len() + self.ends.len() * 4 + others
    }
}
