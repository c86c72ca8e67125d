//! From a configuration to a TOML file that people like to read: one block per field mapping, in the order of the
//! mapping, nothing said that goes without saying.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;

use crate::mapping::config::RECORD;
use crate::mapping::config::{
    Ceiling, Config, CreatePolicy, Exclusions, FieldMapping, FilterScripts, Filters, Guards, MatchRule, ObjectMapping,
    Timing, ValueMap,
};
use crate::mapping::transform::{Join, Split, Step, Transforms};
use crate::model::text::printable;
use crate::model::{BySystem, FieldKind};

/// The whole configuration as a file. The same configuration gives the same bytes.
#[must_use]
pub fn write(config: &Config) -> String {
    let mut page = Page(String::new());
    page.guards(&config.guards);
    page.timing(&config.timing);
    if config.objects.is_empty() {
        page.0.insert_str(0, "object = []\n\n");
    }
    for object in &config.objects {
        page.object(object);
    }
    let text = page.0.trim_end();
    format!("{text}\n")
}

struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        if !self.0.is_empty() && !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
        self.line(heading);
    }

    fn set(&mut self, key: &str, value: &str) {
        self.line(&format!("{key} = {value}"));
    }

    /// A setting, unless it has its usual value.
    fn set_word<T: Serialize + Default + PartialEq>(&mut self, key: &str, value: &T) {
        if *value != T::default() {
            self.set(key, &word(value));
        }
    }

    fn guards(&mut self, guards: &Guards) {
        self.heading("[guards]");
        let Guards { creates, updates, clears, references, same_value, vanished } = guards;
        for (key, Ceiling { count, percent }) in [
            ("creates", creates),
            ("updates", updates),
            ("clears", clears),
            ("references", references),
            ("same_value", same_value),
        ] {
            self.set(key, &format!("{{ count = {count}, percent = {percent} }}"));
        }
        self.set("vanished", &vanished.to_string());
    }

    fn timing(&mut self, timing: &Timing) {
        self.heading("[timing] # seconds");
        let Timing { poll, index_lag, settled, sweep, flight } = timing;
        for (key, seconds) in
            [("poll", poll), ("index_lag", index_lag), ("settled", settled), ("sweep", sweep), ("flight", flight)]
        {
            self.set(key, &seconds.to_string());
        }
    }

    fn object(&mut self, object: &ObjectMapping) {
        self.heading("[[object]]");
        self.set("object", &word(&object.object));
        self.set_word("direction", &object.direction);
        if object.create != CreatePolicy::default() {
            let CreatePolicy { hubspot, connectwise } = object.create;
            self.set("create", &format!("{{ hubspot = {hubspot}, connectwise = {connectwise} }}"));
        }
        self.set_word("conflict_tie", &object.conflict_tie);
        self.set("hubspot_stamp", &quoted(object.hubspot_stamp.as_str()));
        if let Some(stamp) = &object.connectwise_stamp {
            self.set("connectwise_stamp", &quoted(stamp.as_str()));
        }
        if !object.activity_types.is_empty() {
            self.set("activity_types", &numbers(&object.activity_types));
        }
        if let Some(status) = object.activity_status {
            self.set("activity_status", &status.to_string());
        }
        self.filters(&object.filters);
        self.exclude(&object.exclude);
        for rule in &object.matching {
            self.rule(rule);
        }
        for field in &object.fields {
            self.field(field);
        }
    }

    fn filters(&mut self, filters: &Filters) {
        if *filters == Filters::default() {
            return;
        }
        self.heading("[object.filters]");
        for (key, text) in [("to_connectwise", &filters.to_connectwise), ("to_hubspot", &filters.to_hubspot)] {
            if !text.is_empty() {
                self.set(key, &several_lines(text));
            }
        }
        if filters.script == FilterScripts::default() {
            return;
        }
        self.line("[object.filters.script]");
        let FilterScripts { to_connectwise, to_hubspot } = &filters.script;
        for (key, source) in [("to_connectwise", to_connectwise), ("to_hubspot", to_hubspot)] {
            if !source.is_empty() {
                self.set(key, &several_lines(source));
            }
        }
    }

    fn exclude(&mut self, exclude: &Exclusions) {
        if *exclude == Exclusions::default() {
            return;
        }
        self.heading("[object.exclude] # record ids");
        for (key, ids) in [("hubspot", &exclude.hubspot), ("connectwise", &exclude.connectwise)] {
            if !ids.is_empty() {
                self.set(key, &numbers(ids));
            }
        }
    }

    fn rule(&mut self, rule: &MatchRule) {
        self.heading("[[object.match]]");
        self.set("hubspot", &quoted(rule.hubspot.as_str()));
        self.set("connectwise", &quoted(rule.connectwise.as_str()));
        self.set_word("by", &rule.by);
    }

    fn field(&mut self, field: &FieldMapping) {
        self.heading("[[object.field]]");
        self.set("hubspot", &quoted(field.hubspot.as_str()));
        self.set("connectwise", &quoted(field.connectwise.as_str()));
        let kind = match field.kind {
            FieldKind::Reference(object) => quoted(&format!("{RECORD}{}", object.key())),
            kind => word(&kind),
        };
        self.set("kind", &kind);
        self.set_word("direction", &field.direction);
        self.set_word("wins", &field.wins);
        self.set_word("empty", &field.empty);
        self.set_word("overflow", &field.overflow);
        let limits = BySystem::new(field.max_length.hubspot, field.max_length.connectwise);
        self.sides("max_length", limits.map(|_, limit| limit.map(|limit| limit.to_string())));
        let usual = BySystem::new(&field.default.hubspot, &field.default.connectwise);
        self.sides("default", usual.map(|_, text| text.as_ref().map(|text| quoted(text))));
        self.transforms(&field.transform);
        if let Some(values) = &field.values {
            self.values(values);
        }
    }

    /// An inline table with what each system has; nothing where neither has.
    fn sides(&mut self, key: &str, sides: BySystem<Option<String>>) {
        let hubspot = sides.hubspot.map(|value| format!("hubspot = {value}"));
        let connectwise = sides.connectwise.map(|value| format!("connectwise = {value}"));
        let given: Vec<String> = hubspot.into_iter().chain(connectwise).collect();
        if !given.is_empty() {
            self.set(key, &format!("{{ {} }}", given.join(", ")));
        }
    }

    fn transforms(&mut self, transforms: &Transforms) {
        if transforms.is_empty() {
            return;
        }
        self.line("[object.field.transform]");
        for (key, steps) in [("to_connectwise", &transforms.to_connectwise), ("to_hubspot", &transforms.to_hubspot)] {
            match steps.as_slice() {
                [] => {}
                [only] => self.set(key, &format!("[{}]", step(only))),
                several => {
                    self.line(&format!("{key} = ["));
                    several.iter().for_each(|one| self.line(&format!("    {},", step(one))));
                    self.line("]");
                }
            }
        }
    }

    fn values(&mut self, values: &ValueMap) {
        self.line("[object.field.values]");
        if let Some(auto) = &values.auto {
            self.set("auto", &word(auto));
        }
        self.set_word("unmapped", &values.unmapped);
        if !values.priority.is_empty() {
            let keys: Vec<String> = values.priority.iter().map(|key| quoted(key)).collect();
            self.set("priority", &format!("[{}]", keys.join(", ")));
        }
        if values.pairs.is_empty() {
            return;
        }
        self.line("pair = [");
        for pair in &values.pairs {
            let (hubspot, connectwise) = (quoted(&pair.hubspot), quoted(&pair.connectwise));
            self.line(&format!("    {{ hubspot = {hubspot}, connectwise = {connectwise} }},"));
        }
        self.line("]");
    }
}

fn step(step: &Step) -> String {
    let setting = match step {
        Step::Trim | Step::Phone => return quoted(step.word()),
        Step::Case(case) => word(case),
        Step::Number(decimals) => decimals.to_string(),
        Step::Split(Split { at, part }) => format!("{{ at = {}, part = {part} }}", quoted(at)),
        Step::Join(Join { with, fields }) => {
            let names: Vec<String> = fields.iter().map(|name| quoted(name.as_str())).collect();
            format!("{{ with = {}, fields = [{}] }}", quoted(with), names.join(", "))
        }
        Step::Date(text) | Step::Template(text) | Step::Default(text) => quoted(text),
        Step::Script(source) => several_lines(source),
    };
    format!("{{ {} = {setting} }}", step.word())
}

fn numbers(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(", "))
}

/// The word of an enum, in quotes.
fn word<T: Serialize>(value: &T) -> String {
    toml::Value::try_from(value).map_or_else(|_| quoted(""), |value| value.to_string())
}

/// A basic string on one line: whatever could end it or confuse a reader is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        escape(&mut out, c);
    }
    out.push('"');
    out
}

fn escape(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_printable(c) => out.push(c),
        c => {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\U{:08X}", u32::from(c));
        }
    }
}

fn is_printable(c: char) -> bool {
    let mut buffer = [0; 4];
    matches!(printable(c.encode_utf8(&mut buffer)), Cow::Borrowed(_))
}

/// As it was typed, over several lines, where it has several.
fn several_lines(text: &str) -> String {
    if !text.contains('\n') {
        return quoted(text);
    }
    let mut out = String::from("\"\"\"\n");
    for c in text.chars() {
        if c == '\n' { out.push('\n') } else { escape(&mut out, c) }
    }
    out.push_str("\"\"\"");
    out
}
