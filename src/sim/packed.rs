//! The fields of a change in few bytes: what is kept of hundreds of thousands of changes, of which hardly any is asked for.
//!
//! A map of fields takes a kilobyte before anything is in it. Here names and texts lie one behind the other in one piece
//! of memory; numbers, lists and the like stay as they are, so that they come back without loss.

use std::collections::BTreeMap;

use serde_json::Value;

/// Per field: the value before and the value after.
pub(crate) type Fields = BTreeMap<String, (Value, Value)>;

const NULL: u8 = 0;
const TEXT: u8 = 1;
const OTHER: u8 = 2;

/// Fields, packed.
#[derive(Debug)]
pub(crate) struct Packed {
    /// Per field its name and two values: a mark each, and behind that of a text its length and itself.
    bytes: Box<[u8]>,
    /// The values that are neither nothing nor text, in order.
    others: Box<[Value]>,
}

impl Packed {
    pub fn new(fields: Fields) -> Self {
        let (mut bytes, mut others) = (Vec::new(), Vec::new());
        for (name, (before, after)) in fields {
            put_text(&mut bytes, &name);
            for value in [before, after] {
                match value {
                    Value::Null => bytes.push(NULL),
                    Value::String(text) => {
                        bytes.push(TEXT);
                        put_text(&mut bytes, &text);
                    }
                    other => {
                        bytes.push(OTHER);
                        others.push(other);
                    }
                }
            }
        }
        Self { bytes: bytes.into_boxed_slice(), others: others.into_boxed_slice() }
    }

    pub fn unpack(&self) -> Fields {
        let (mut rest, mut others) = (&*self.bytes, self.others.iter());
        let mut fields = Fields::new();
        while let Some(name) = take_text(&mut rest) {
            let mut value = || take_value(&mut rest, &mut others);
            let (Some(before), Some(after)) = (value(), value()) else { break };
            fields.insert(name, (before, after));
        }
        fields
    }
}

/// Nothing that fits into a request is longer than four gigabytes.
fn put_text(bytes: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let (length, behind) = rest.split_first_chunk::<4>()?;
    let (text, behind) = behind.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *rest = behind;
    String::from_utf8(text.to_vec()).ok()
}

fn take_value<'a>(rest: &mut &[u8], others: &mut impl Iterator<Item = &'a Value>) -> Option<Value> {
    let (mark, behind) = rest.split_first()?;
    *rest = behind;
    match *mark {
        NULL => Some(Value::Null),
        TEXT => take_text(rest).map(Value::String),
        _ => others.next().cloned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_come_back_as_they_were() {
        let values = [
            json!(null),
            json!(""),
            json!("Ulm"),
            json!("\u{0}\u{1}Straße 数\u{1F600}"),
            json!("x".repeat(70_000)),
            json!(0.1 + 0.2),
            json!(1.797_693_134_862_315_7e308),
            json!(u64::MAX),
            json!(-7),
            json!(true),
            json!([279, 1]),
            json!({"id": 5, "name": null}),
        ];
        let mut fields = Fields::new();
        assert_eq!(Packed::new(fields.clone()).unpack(), fields);
        for (number, before) in values.iter().enumerate() {
            for after in &values {
                fields.insert(format!("field/{number}/é{}", fields.len()), (before.clone(), after.clone()));
            }
        }
        fields.insert(String::new(), (json!("a"), json!(2)));
        assert_eq!(fields.len(), values.len() * values.len() + 1);
        assert_eq!(Packed::new(fields.clone()).unpack(), fields);
    }

    #[test]
    fn texts_take_hardly_more_than_themselves() {
        let fields: Fields = (0..12).map(|n| (format!("property_{n:02}"), (Value::Null, json!("a value")))).collect();
        let packed = Packed::new(fields);
        let texts = 12 * ("property_00".len() + "a value".len());
        assert!(packed.bytes.len() <= texts + 12 * 10 && packed.others.is_empty(), "{}", packed.bytes.len());
    }
}
