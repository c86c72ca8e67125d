//! Forms in which systems, and what stands between, tell the same thing.

use serde_json::Value as Json;

/// True or false, as such, as a text or as a number; none where it is neither.
pub(super) fn flag(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(flag) => Some(*flag),
        Json::Number(number) => match number.as_u64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Json::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Whether a flag is set; none where what is told is neither true nor false. What is left out or null is not set.
pub(super) fn is_set(told: Option<&Json>) -> Option<bool> {
    told.filter(|told| !told.is_null()).map_or(Some(false), flag)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_flag_is_told_in_several_forms_and_never_guessed() {
        for json in [json!(true), json!("True"), json!(" TRUE "), json!("1"), json!(1)] {
            assert_eq!((flag(&json), is_set(Some(&json))), (Some(true), Some(true)), "{json}");
        }
        for json in [json!(false), json!("false"), json!("0"), json!(0)] {
            assert_eq!((flag(&json), is_set(Some(&json))), (Some(false), Some(false)), "{json}");
        }
        for json in [json!("no"), json!(""), json!(2), json!(-1), json!(0.5), json!([]), json!({})] {
            assert_eq!((flag(&json), is_set(Some(&json))), (None, None), "{json}");
        }
        assert_eq!((is_set(None), is_set(Some(&Json::Null))), (Some(false), Some(false)));
    }
}
