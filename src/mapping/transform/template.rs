//! A text with fields of a record in braces: `{firstname} {lastname}`.

use super::VALUE;
use crate::model::FieldName;

/// A template, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(FieldName),
}

impl Template {
    /// Reads a template; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let (mut pieces, mut plain) = (Vec::new(), String::new());
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '{' | '}' if rest.peek() == Some(&c) => {
                    rest.next();
                    plain.push(c);
                }
                '{' => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Field(field(&mut rest)?));
                }
                '}' => return Err("A `}` closes nothing; write `}}` for a brace.".to_owned()),
                c => plain.push(c),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        if pieces.iter().any(|piece| matches!(piece, Piece::Field(_))) {
            Ok(Self { pieces })
        } else {
            Err("It names no field, such as {value}: it would give every record the same text.".to_owned())
        }
    }

    /// The fields that it names, without `{value}`.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldName> {
        let named = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(name) if name.as_str() != VALUE => Some(name.clone()),
            _ => None,
        });
        named.collect()
    }

    /// The text with what the fields hold; empty where all of them are.
    #[must_use]
    pub fn fill(&self, held: impl Fn(&str) -> String) -> String {
        let (mut out, mut any) = (String::new(), false);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field(name) => {
                    let text = held(name.as_str());
                    any |= !text.trim().is_empty();
                    out.push_str(&text);
                }
            }
        }
        if any { out } else { String::new() }
    }
}

fn field(rest: &mut impl Iterator<Item = char>) -> Result<FieldName, String> {
    let mut name = String::new();
    for c in rest {
        match c {
            '}' if name.trim().is_empty() => return Err("A pair of braces names no field.".to_owned()),
            '}' => return Ok(FieldName::new(name.trim())),
            '{' => break,
            c => name.push(c),
        }
    }
    Err(format!("The brace before `{name}` is not closed; write `{{{{` for a brace."))
}
