//! What the kinds of faults and the switches of the behaviour do, for people who have nothing but the program: their
//! documentation as it stands in the source, with an example of each fault and the value of each switch.

use serde_json::{Map, Value, json};

use super::faults::{Fault, RetryAfter};
use super::options::Behaviour;

const FAULTS: &str = include_str!("faults.rs");
/// Switches by the member of the behaviour that holds them; none for the behaviour itself.
const SWITCHES: [(Option<&str>, &str); 4] = [
    (None, include_str!("options.rs")),
    (Some("hubspot"), include_str!("hubspot/behaviour.rs")),
    (Some("connectwise"), include_str!("connectwise/behaviour.rs")),
    (Some("delivery"), include_str!("delivery.rs")),
];

/// `[{kind, does, example}]`; the example is a body for `POST /_sim/faults`.
pub(crate) fn faults() -> Value {
    let does = documented(FAULTS, "pub enum Fault {");
    let shown = examples().into_iter().map(|fault| {
        let fault = json!(fault);
        let named = fault.as_object().and_then(|members| members.keys().next().cloned());
        let kind = named.unwrap_or_else(|| fault.as_str().unwrap_or_default().to_owned());
        let does = does.iter().find(|(name, _)| snake(name) == kind).map(|(_, does)| does.as_str());
        json!({"kind": kind, "does": does, "example": {"fault": fault, "count": 1}})
    });
    Value::Array(shown.collect())
}

/// The behaviour with `{does, value, default}` in the place of each value.
pub(crate) fn switches(behaviour: &Behaviour) -> Value {
    let (now, default) = (json!(behaviour), json!(Behaviour::default()));
    let mut all = Map::new();
    for (half, source) in SWITCHES {
        let of = |whole: &Value, name: &str| half.map_or(whole, |half| &whole[half])[name].clone();
        let shown = documented(source, "pub struct Behaviour {")
            .into_iter()
            .filter(|(name, _)| half.is_some() || !SWITCHES.iter().any(|(half, _)| *half == Some(name)))
            .map(|(name, does)| {
                let one = json!({"does": does, "value": of(&now, &name), "default": of(&default, &name)});
                (name, one)
            });
        match half {
            None => all.extend(shown),
            Some(half) => drop(all.insert(half.to_owned(), Value::Object(shown.collect()))),
        }
    }
    Value::Object(all)
}

/// One of each kind.
fn examples() -> [Fault; 18] {
    let pointer = || "/results".to_owned();
    [
        Fault::DropBefore,
        Fault::DropAfterCommit,
        Fault::Status { code: 503, body: None, retry_after: Some(2) },
        Fault::StatusAfterCommit { code: 500, body: None },
        Fault::Limited { retry_after: Some(RetryAfter::Seconds(3)) },
        Fault::Expired,
        Fault::Html { commits: false },
        Fault::Delay { ms: 1_500 },
        Fault::LateLanding { ms: 1_500 },
        Fault::Drip { bytes: 3, every_ms: 50 },
        Fault::Truncate,
        Fault::HalfBody,
        Fault::Oversized { megabytes: 64 },
        Fault::Mangle { pointer: "/results/0/id".to_owned(), value: Some(json!(7)) },
        Fault::Header { name: "link".to_owned(), value: None },
        Fault::Reorder { pointer: pointer() },
        Fault::DropItem { pointer: pointer(), index: Some(0) },
        Fault::Skew { ms: 60_000 },
    ]
}

/// The members or variants of the type that begins with this line, and their documentation.
fn documented(source: &str, head: &str) -> Vec<(String, String)> {
    let body = source.lines().skip_while(|line| *line != head).skip(1).take_while(|line| *line != "}");
    let (mut all, mut does) = (Vec::new(), Vec::new());
    for line in body.filter_map(|line| line.strip_prefix("    ")).filter(|line| !line.starts_with(' ')) {
        if let Some(text) = line.strip_prefix("///") {
            does.push(text.trim());
        } else if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let name = line.trim_start_matches("pub ").split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
            all.push((name.unwrap_or_default().to_owned(), std::mem::take(&mut does).join(" ")));
        }
    }
    all
}

/// `DropBefore` as `drop_before`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fault_has_an_example_and_says_what_it_does() {
        let kinds = faults();
        let shown: Vec<&str> = kinds.as_array().into_iter().flatten().filter_map(|one| one["kind"].as_str()).collect();
        let there: Vec<String> = documented(FAULTS, "pub enum Fault {").iter().map(|(name, _)| snake(name)).collect();
        assert_eq!(shown, there);
        for one in kinds.as_array().into_iter().flatten() {
            assert!(one["does"].as_str().is_some_and(|does| !does.is_empty()), "{one}");
            let rule = serde_json::from_value::<crate::sim::FaultRule>(one["example"].clone());
            assert!(rule.is_ok_and(|rule| rule.check().is_ok()), "{one}");
        }
    }

    #[test]
    fn every_switch_says_what_it_does() {
        let (behaviour, all) = (json!(Behaviour::default()), switches(&Behaviour::default()));
        for (half, _) in SWITCHES {
            let of = |whole: &Value| half.map_or(whole, |half| &whole[half]).as_object().cloned().unwrap_or_default();
            let (there, told) = (of(&behaviour), of(&all));
            assert!(there.keys().all(|name| told.contains_key(name)) && there.len() == told.len(), "{half:?}");
            let is_half = |name: &String| half.is_none() && SWITCHES.iter().any(|(half, _)| *half == Some(name));
            for (name, one) in told.iter().filter(|(name, _)| !is_half(name)) {
                assert!(one["does"].as_str().is_some_and(|does| !does.is_empty()), "{name} says nothing");
                assert_eq!(one["value"], there[name], "{name}");
            }
        }
    }
}
