//! Making values comparable: what a side holds, as the typed value that the mapping's kind says it is.
//!
//! Idempotent for every kind, and the same for `null`, `""`, white space and a missing value.

use jiff::civil::Date;
use rust_decimal::Decimal;
use unicode_normalization::UnicodeNormalization;

use super::rich_text::text_of;
use super::{FieldMapping, MatchBy};
use crate::model::{FieldKind, System, Timestamp, Value};

/// The value, as `system` holds it, as comparisons see it. What does not parse as the kind stays text, and differs from
/// everything that does.
#[must_use]
pub fn normalise(field: &FieldMapping, system: System, raw: &Value) -> Value {
    match (field.kind, system) {
        (FieldKind::RichText, System::HubSpot) => normalise_as(field.kind, &without_markup(raw)),
        (FieldKind::DateTime, _) => in_whole_seconds(normalise_as(field.kind, raw)),
        (FieldKind::Choice, _) if let Some(priority) = priority(field) => first_of(priority, raw),
        (kind, _) => normalise_as(kind, raw),
    }
}

fn priority(field: &FieldMapping) -> Option<&[String]> {
    field.values.as_ref().map(|values| values.priority.as_slice()).filter(|priority| !priority.is_empty())
}

/// Of several options the one that counts; all of them where the order names none.
fn first_of(priority: &[String], raw: &Value) -> Value {
    match normalise_as(FieldKind::MultiChoice, raw) {
        Value::Choices(keys) => match (keys.as_slice(), priority.iter().find(|key| keys.contains(key))) {
            ([only], _) | (_, Some(only)) => Value::Choice(only.clone()),
            _ => Value::Choices(keys),
        },
        other => other,
    }
}

/// ConnectWise knows no smaller ones.
fn in_whole_seconds(value: Value) -> Value {
    match value {
        Value::DateTime(time) => Value::DateTime(time.floor_to_second()),
        other => other,
    }
}

/// What a reader sees of rich text.
#[must_use]
pub fn without_markup(raw: &Value) -> Value {
    Value::text(text_of(&raw.to_plain()))
}

/// [`normalise`] for a bare kind. Rich text is taken without its markup.
#[must_use]
pub fn normalise_as(kind: FieldKind, raw: &Value) -> Value {
    if raw.is_empty() {
        return Value::Empty;
    }
    let text = raw.to_plain();
    match kind {
        FieldKind::Text | FieldKind::LongText | FieldKind::RichText => Value::text(one_line(&text)),
        FieldKind::Phone => Value::text(phone_digits(&text)),
        FieldKind::Url => Value::text(bare_address(&text)),
        FieldKind::Domain => Value::text(host(&text)),
        FieldKind::Email => Value::text(one_line(&text).to_lowercase()),
        FieldKind::Number | FieldKind::Integer => number(raw, &text),
        FieldKind::Bool => boolean(raw, &text),
        FieldKind::Date => date(raw, &text),
        FieldKind::DateTime => date_time(raw, &text),
        FieldKind::Choice | FieldKind::Person | FieldKind::Reference(_) => choice(&text),
        FieldKind::MultiChoice => choices(&text),
    }
}

/// Composed characters, runs of white space as one space, none at the ends. ConnectWise stores no line breaks.
#[must_use]
pub fn one_line(text: &str) -> String {
    if text.is_ascii() {
        // nothing in it can be composed
        return single_spaced(text);
    }
    single_spaced(&text.nfc().collect::<String>())
}

fn single_spaced(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The digits, a leading `+`, and an extension behind `x`. Text without digits is kept as it is.
#[must_use]
pub fn phone_digits(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    if !lower.contains(|c: char| c.is_ascii_digit()) {
        return one_line(text);
    }
    let mut out = String::with_capacity(lower.len());
    for c in lower.chars() {
        match c {
            '0'..='9' => out.push(c),
            '+' if out.is_empty() => out.push(c),
            'x' if !out.is_empty() && !out.contains('x') => out.push(c),
            _ => {}
        }
    }
    out
}

/// A web address without scheme, `www.` and trailing slash; its host in lower case, its characters composed.
#[must_use]
pub fn bare_address(text: &str) -> String {
    until_stable(text, |text| {
        let text = one_line(text);
        let text = text.as_str();
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let (host, rest) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
        let host = host.to_lowercase();
        let host = host.strip_prefix("www.").unwrap_or(&host);
        format!("{host}{}", rest.trim_end_matches('/'))
    })
}

/// The host of a web address, in lower case, without `www.`, user and port.
#[must_use]
pub fn host(text: &str) -> String {
    until_stable(text, |text| {
        let address = bare_address(text);
        let host = address.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        host.split(':').next().unwrap_or_default().trim_end_matches('.').to_owned()
    })
}

/// Applies a shortening step until it changes nothing: what is hidden inside what was stripped is stripped too.
fn until_stable(text: &str, step: impl Fn(&str) -> String) -> String {
    let mut text = text.to_owned();
    loop {
        let next = step(&text);
        if next == text {
            return text;
        }
        text = next;
    }
}

fn number(raw: &Value, text: &str) -> Value {
    match raw {
        Value::Number(number) => Value::Number(number.normalize()),
        _ => text
            .trim()
            .parse::<Decimal>()
            .map_or_else(|_| Value::text(one_line(text)), |n| Value::Number(n.normalize())),
    }
}

fn boolean(raw: &Value, text: &str) -> Value {
    match (raw, text.trim().to_lowercase().as_str()) {
        (Value::Bool(flag), _) => Value::Bool(*flag),
        (_, "true" | "yes" | "1") => Value::Bool(true),
        (_, "false" | "no" | "0") => Value::Bool(false),
        _ => Value::text(one_line(text)),
    }
}

/// A calendar date, whatever time of day is written behind it: dates are never shifted by a time zone.
fn date(raw: &Value, text: &str) -> Value {
    if let Value::Date(date) = raw {
        return Value::Date(*date);
    }
    let text = text.trim();
    let day = text.get(..10).unwrap_or(text);
    if let Ok(date) = day.parse::<Date>() {
        return Value::Date(date);
    }
    epoch_millis(text).and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).map_or_else(
        || Value::text(one_line(text)),
        |instant| Value::Date(instant.to_zoned(jiff::tz::TimeZone::UTC).date()),
    )
}

fn date_time(raw: &Value, text: &str) -> Value {
    if let Value::DateTime(time) = raw {
        return Value::DateTime(*time);
    }
    Timestamp::parse_rfc3339(text.trim())
        .or_else(|| epoch_millis(text).map(Timestamp))
        .map_or_else(|| Value::text(one_line(text)), Value::DateTime)
}

fn epoch_millis(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

fn choice(text: &str) -> Value {
    let key = text.trim();
    if key.is_empty() { Value::Empty } else { Value::Choice(key.to_owned()) }
}

fn choices(text: &str) -> Value {
    let mut keys: Vec<String> =
        text.split(';').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
    keys.sort();
    keys.dedup();
    if keys.is_empty() { Value::Empty } else { Value::Choices(keys) }
}

/// The value as a match rule compares it; none where there is nothing to compare.
#[must_use]
pub fn match_value(by: MatchBy, raw: &Value) -> Option<String> {
    let text = raw.to_plain();
    let key = match by {
        MatchBy::Text | MatchBy::CompanyText => one_line(&text).to_lowercase(),
        MatchBy::Host => host(&text),
        MatchBy::Digits => text.chars().filter(char::is_ascii_digit).collect(),
    };
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn every_kind_of_emptiness_is_one() {
        for kind in [FieldKind::Text, FieldKind::Number, FieldKind::Choice, FieldKind::MultiChoice, FieldKind::Domain] {
            for raw in [Value::Empty, text(""), text("  \n ")] {
                assert_eq!(normalise_as(kind, &raw), Value::Empty, "{kind:?} {raw:?}");
            }
        }
    }

    #[test]
    fn values_that_mean_the_same_become_the_same() {
        let table = [
            (FieldKind::Text, " Acme \n Dental ", "Acme Dental"),
            (FieldKind::Text, "Cafe\u{301}", "Caf\u{e9}"),
            (FieldKind::Phone, "+1 (555) 010-0199", "+1 555 010 0199"),
            (FieldKind::Phone, "555-0100 ext. 12", "5550100x12"),
            (FieldKind::Url, "https://www.Example.com/Company/A/", "example.com/Company/A"),
            (FieldKind::Domain, "https://www.Acme.example/about?x=1", "acme.example"),
            (FieldKind::Domain, "cafe\u{301}.example", "caf\u{e9}.example"),
            (FieldKind::Url, "cafe\u{301}.example/a", "caf\u{e9}.example/a"),
            (FieldKind::Number, "780.00", "780"),
            (FieldKind::Bool, "TRUE", "true"),
            (FieldKind::Date, "2026-01-06T00:00:00Z", "2026-01-06"),
            (FieldKind::Date, "1767657600000", "2026-01-06"),
            (FieldKind::DateTime, "2026-01-06T00:00:00.000Z", "2026-01-06T00:00:00Z"),
            (FieldKind::MultiChoice, "B; A;B", "A;B"),
        ];
        for (kind, one, other) in table {
            assert_eq!(normalise_as(kind, &text(one)), normalise_as(kind, &text(other)), "{kind:?}");
        }
    }

    #[test]
    fn what_two_systems_hold_is_compared_without_markup_and_in_whole_seconds() {
        let mapping = crate::mapping::defaults::activity(
            crate::model::ObjectKind::Task,
            &crate::mapping::defaults::ActivitySetup::new("customFields/71".into()),
        );
        let held = |hubspot: &str, in_hubspot: &str, in_connectwise: &str| {
            let field = mapping.fields.iter().find(|field| field.hubspot.as_str() == hubspot);
            let field = field.unwrap_or_else(|| panic!("{hubspot} is mapped"));
            let of = |system, told: &str| normalise(field, system, &text(told));
            (of(System::HubSpot, in_hubspot), of(System::ConnectWise, in_connectwise))
        };
        let (here, there) = held("hs_task_body", "<p>a &lt;b&gt; <i>c</i></p>", "a <b> c");
        assert_eq!(here, there);
        let (here, there) = held("hs_task_body", "a <b>c</b>", "a <b>c</b>");
        assert_ne!(here, there, "ConnectWise has no markup: that was typed");
        let (here, there) = held("hs_timestamp", "2026-01-06T09:00:00.987Z", "2026-01-06T09:00:00Z");
        assert_eq!(here, there);
        let (here, there) = held("hs_timestamp", "1767690000123", "2026-01-06T09:00:00Z");
        assert_eq!(here, there);
    }

    #[test]
    fn different_pages_of_one_host_differ_as_addresses_and_agree_as_domains() {
        let (one, other) = (text("linkedin.com/company/a"), text("linkedin.com/company/b"));
        assert_ne!(normalise_as(FieldKind::Url, &one), normalise_as(FieldKind::Url, &other));
        assert_eq!(normalise_as(FieldKind::Domain, &one), normalise_as(FieldKind::Domain, &other));
    }

    proptest::proptest! {
        #[test]
        fn n1_normalising_twice_is_normalising_once(raw in "\\PC{0,24}|[0-9 .;+x-]{0,16}") {
            use FieldKind::*;
            for kind in [Text, LongText, RichText, Phone, Url, Domain, Number, Integer, Bool, Date, DateTime, Choice, MultiChoice, Person] {
                let once = normalise_as(kind, &text(&raw));
                proptest::prop_assert_eq!(normalise_as(kind, &once), once.clone(), "{:?}", kind);
            }
        }
    }
}
