//! Numbers, ages, moments and values as people read them, and texts fitted to a width.

use std::borrow::Cow;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use crate::mapping::normalise::normalise_as;
use crate::model::text::printable;
use crate::model::{FieldDef, FieldKind, Timestamp, Value};

/// Stands for "nothing here".
pub const NONE: &str = "–";

/// `10 s`, `2 min`, `1 h`, `3 d`: one unit, the largest that is not zero.
#[must_use]
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=5399 => format!("{} min", (seconds + 30) / 60),
        5400..=129_599 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} d", grouped((seconds + 43_200) / 86_400)),
    }
}

/// The age of `then`, or `in 5 min` where it lies in the future.
#[must_use]
pub fn age_at(then: Timestamp, now: Timestamp) -> String {
    if then > now { format!("in {}", age(then.since(now))) } else { age(now.since(then)) }
}

/// `0:42`, `12:05`, `1:02:03`: for the lag and for things that tick.
#[must_use]
pub fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `3,012`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 field`, `2 fields`, `3,012 companies`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// The text with its first letter as a capital one.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The text as a sentence: with a capital letter and a full stop, where it has neither.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut sentence = capitalised(text.trim());
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

/// `2026-11-20 09:14`, in UTC.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |t| t.strftime("%Y-%m-%d %H:%M").to_string())
}

/// `2026-11-20`, in UTC.
#[must_use]
pub fn day(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |t| t.strftime("%Y-%m-%d").to_string())
}

/// `09:14:05` today, the whole moment otherwise; in UTC.
#[must_use]
pub fn moment_near(at: Timestamp, now: Timestamp) -> String {
    if day(at) == day(now) {
        jiff::Timestamp::from_millisecond(at.0)
            .map_or_else(|_| at.0.to_string(), |t| t.strftime("%H:%M:%S").to_string())
    } else {
        moment(at)
    }
}

/// A value for people: options by their labels, yes and no, dates; empty as `–`. Safe to show.
#[must_use]
pub fn value(value: &Value, field: Option<&FieldDef>) -> String {
    let text = match value {
        Value::Empty => return NONE.to_owned(),
        Value::Text(text) => observed_text(text.trim(), field),
        Value::Choice(key) => option_label(key, field),
        Value::Choices(keys) => labels(keys.iter().map(String::as_str), field),
        Value::Bool(flag) => yes_no(*flag).to_owned(),
        Value::DateTime(at) => moment(*at),
        Value::Number(_) | Value::Date(_) => value.to_plain(),
    };
    printable(&text).into_owned()
}

/// Text as a system tells it: HubSpot writes everything as text, options and yes/no included.
fn observed_text(text: &str, field: Option<&FieldDef>) -> String {
    match field.map(|def| def.kind) {
        Some(FieldKind::MultiChoice) => labels(text.split(';').map(str::trim).filter(|key| !key.is_empty()), field),
        Some(kind) if kind.has_options() => option_label(text, field),
        Some(FieldKind::Bool) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => yes_no(true).to_owned(),
            "false" => yes_no(false).to_owned(),
            _ => text.to_owned(),
        },
        Some(kind @ (FieldKind::Date | FieldKind::DateTime)) => match normalise_as(kind, &Value::text(text)) {
            Value::Date(day) => day.to_string(),
            Value::DateTime(at) => moment(at),
            _ => text.to_owned(),
        },
        _ => text.to_owned(),
    }
}

fn labels<'a>(keys: impl Iterator<Item = &'a str>, field: Option<&FieldDef>) -> String {
    keys.map(|key| option_label(key, field)).collect::<Vec<_>>().join(", ")
}

fn option_label(key: &str, field: Option<&FieldDef>) -> String {
    field.and_then(|def| def.option_label(key)).map_or_else(|| key.to_owned(), str::to_owned)
}

const fn yes_no(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

/// At most `width` columns; `…` stands for what was cut.
#[must_use]
pub fn truncate(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let Some(room) = width.checked_sub(1) else { return Cow::Borrowed("") };
    // Signs are put together of letters, and have other widths than those: only whole beginnings tell.
    let ends = text.char_indices().map(|(at, letter)| at + letter.len_utf8());
    let kept = ends.take_while(|end| text[..*end].width() <= room).last().unwrap_or(0);
    Cow::Owned(format!("{}…", &text[..kept]))
}

/// Exactly `width` columns, text at the left.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    let text = truncate(text, width);
    let gap = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(gap))
}

/// Exactly `width` columns, text at the right.
#[must_use]
pub fn fit_right(text: &str, width: usize) -> String {
    let text = truncate(text, width);
    let gap = width.saturating_sub(text.width());
    format!("{}{text}", " ".repeat(gap))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]
    use super::*;
    use crate::view::testing::{choice_field, text_field};

    #[test]
    fn a_sentence_begins_with_a_capital_and_ends_once() {
        assert_eq!(sentence("nothing is deployed yet"), "Nothing is deployed yet.");
        assert_eq!(sentence("Deploy it. "), "Deploy it.");
        assert_eq!(sentence("élan!"), "Élan!");
        assert_eq!(sentence("  "), "");
    }

    #[test]
    fn ages_have_one_unit() {
        let cases = [
            (0, "0 s"),
            (10, "10 s"),
            (89, "89 s"),
            (90, "2 min"),
            (119, "2 min"),
            (3600, "60 min"),
            (5400, "2 h"),
            (86_400, "24 h"),
            (259_200, "3 d"),
            (86_400 * 1500, "1,500 d"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(age(Duration::from_secs(seconds)), expected, "{seconds} seconds");
        }
        assert_eq!(age_at(Timestamp(60_000), Timestamp(0)), "in 60 s");
        assert_eq!(age_at(Timestamp(0), Timestamp(60_000)), "60 s");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (61_204, "61,204"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), expected);
        }
        assert_eq!(counted(1, "field", "fields"), "1 field");
        assert_eq!(counted(0, "field", "fields"), "0 fields");
    }

    #[test]
    fn a_clock_shows_hours_only_when_there_are_some() {
        for (seconds, expected) in [(0, "0:00"), (42, "0:42"), (725, "12:05"), (3723, "1:02:03")] {
            assert_eq!(clock(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn moments_near_now_show_the_time_alone() {
        let at = Timestamp::parse_rfc3339("2026-11-20T09:14:05Z").unwrap();
        assert_eq!(moment(at), "2026-11-20 09:14");
        assert_eq!(moment_near(at, at + Duration::from_secs(60)), "09:14:05");
        assert_eq!(moment_near(at, at + Duration::from_secs(86_400)), "2026-11-20 09:14");
    }

    #[test]
    fn values_are_shown_by_the_labels_of_their_options() {
        let industry = choice_field("industry", &[("HOSPITAL", "Hospital"), ("IT", "Managed IT")]);
        let several = FieldDef { kind: FieldKind::MultiChoice, ..industry.clone() };
        let flag = FieldDef { kind: FieldKind::Bool, ..text_field("active") };
        let closes = FieldDef { kind: FieldKind::DateTime, ..text_field("closedate") };
        for (told, shown) in [("2026-12-27T12:00:00Z", "2026-12-27 12:00"), ("soon", "soon")] {
            assert_eq!(value(&Value::Text(told.into()), Some(&closes)), shown);
        }
        let cases = [
            (Value::Choice("IT".into()), Some(&industry), "Managed IT"),
            (Value::Text("IT".into()), Some(&industry), "Managed IT"),
            (Value::Choice("GONE".into()), Some(&industry), "GONE"),
            (Value::Choices(vec!["HOSPITAL".into(), "IT".into()]), Some(&several), "Hospital, Managed IT"),
            (Value::Text("IT;HOSPITAL".into()), Some(&several), "Managed IT, Hospital"),
            (Value::Text("true".into()), Some(&flag), "yes"),
            (Value::Bool(false), None, "no"),
            (Value::Empty, Some(&industry), "–"),
            (Value::Text(" dayton ".into()), None, "dayton"),
            (Value::Number("75001.50".parse().unwrap()), None, "75001.5"),
            (Value::Text("a\u{1b}b".into()), None, "a\u{fffd}b"),
        ];
        for (raw, field, expected) in cases {
            assert_eq!(value(&raw, field), expected, "{raw:?}");
        }
    }

    #[test]
    fn texts_are_cut_by_the_columns_they_take() {
        let cases = [
            ("Acme Dental", 11, "Acme Dental"),
            ("Acme Dental", 6, "Acme …"),
            ("日本語テスト", 7, "日本語…"),
            ("日本語テスト", 6, "日本…"),
            ("x", 0, ""),
            // two letters that are one sign of two columns, though the first alone has one
            ("Printer prints \u{1f5a8}\u{fe0f} instead", 20, "Printer prints \u{1f5a8}\u{fe0f} i…"),
            ("Printer prints \u{1f5a8}\u{fe0f} instead", 17, "Printer prints \u{1f5a8}…"),
        ];
        for (text, width, expected) in cases {
            assert_eq!(truncate(text, width), expected, "{text} at {width}");
            assert_eq!(fit(text, width).width(), width, "{text} fitted to {width}");
            assert_eq!(fit_right(text, width).width(), width, "{text} fitted to {width}");
        }
    }
}
