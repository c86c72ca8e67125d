//! From a TOML file to a configuration, or to everything that is wrong with it.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::ConfigError;
use super::table::{Item, Mistakes, Table};
use crate::filter::nearest::did_you_mean;
use crate::mapping::config::RECORD;
use crate::mapping::config::{
    Ceiling, Config, CreatePolicy, Defaults, Exclusions, FieldMapping, FilterScripts, Filters, Guards, MatchRule,
    ObjectMapping, Timing, ValueMap, ValuePair,
};
use crate::mapping::transform::{Join, MAX_STEPS, Split, Step, Transforms};
use crate::model::object::UnknownObject;
use crate::model::{BySystem, FieldKind, FieldName, ObjectKind};

/// The largest file that is read.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Field mappings that one object may have. Every change is checked against all of them; portals have some hundreds.
pub const MAX_FIELDS: usize = 2_000;

/// Pairs that the value maps of one object may have in all.
pub const MAX_PAIRS: usize = 5_000;

/// Reads a configuration file.
///
/// # Errors
/// Every mistake in the file, in its order: syntax, unknown and repeated settings, wrong types and words, mappings
/// given twice. Whether fields exist is not looked at: that is `lint`'s, which knows the schemas.
pub fn read(text: &str) -> Result<Config, Vec<ConfigError>> {
    let mistakes = Mistakes::new(text);
    if text.len() > MAX_BYTES {
        mistakes.add(0..0, "", format!("The file has {} bytes; {MAX_BYTES} are allowed.", text.len()), "");
        return Err(mistakes.sorted());
    }
    let (root, syntax) = DeTable::parse_recoverable(text);
    for error in syntax {
        mistakes.add(error.span().unwrap_or(0..0), "", capitalised(error.message()), "");
    }
    let config = config(Table::new(root.get_ref(), 0..0, String::new(), &mistakes));
    let errors = mistakes.sorted();
    match config {
        Some(config) if errors.is_empty() => Ok(config),
        _ => Err(errors),
    }
}

fn capitalised(message: &str) -> String {
    let mut chars = message.lines().next().unwrap_or(message).chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}

fn config(mut table: Table<'_, '_, '_>) -> Option<Config> {
    let guards = table.optional("guards", guards).unwrap_or_default();
    let timing = table.optional("timing", timing).unwrap_or_default();
    let objects = table.required("object", objects);
    table.finish();
    Some(Config { guards, timing, objects: objects? })
}

fn guards(item: &Item<'_, '_, '_>) -> Option<Guards> {
    let mut table = item.table()?;
    let usual = Guards::default();
    let guards = Guards {
        creates: table.optional("creates", ceiling).unwrap_or(usual.creates),
        updates: table.optional("updates", ceiling).unwrap_or(usual.updates),
        clears: table.optional("clears", ceiling).unwrap_or(usual.clears),
        references: table.optional("references", ceiling).unwrap_or(usual.references),
        same_value: table.optional("same_value", ceiling).unwrap_or(usual.same_value),
        vanished: table.optional("vanished", Item::number).unwrap_or(usual.vanished),
    };
    table.finish();
    Some(guards)
}

fn ceiling(item: &Item<'_, '_, '_>) -> Option<Ceiling> {
    let mut table = item.table()?;
    let count = table.required("count", Item::number);
    let percent = table.required("percent", |item| {
        let percent: u64 = item.number()?;
        if percent > 100 {
            item.wrong(format!("{percent} % is more than everything."), "Write a share from 0 to 100.");
        }
        Some(percent)
    });
    table.finish();
    Some(Ceiling { count: count?, percent: percent? })
}

fn timing(item: &Item<'_, '_, '_>) -> Option<Timing> {
    let mut table = item.table()?;
    let usual = Timing::default();
    let timing = Timing {
        poll: table.optional("poll", Item::number).unwrap_or(usual.poll),
        index_lag: table.optional("index_lag", Item::number).unwrap_or(usual.index_lag),
        settled: table.optional("settled", Item::number).unwrap_or(usual.settled),
        sweep: table.optional("sweep", Item::number).unwrap_or(usual.sweep),
        flight: table.optional("flight", Item::number).unwrap_or(usual.flight),
    };
    table.finish();
    Some(timing)
}

fn objects(item: &Item<'_, '_, '_>) -> Option<Vec<ObjectMapping>> {
    distinct(item, object, |object| object.object.to_string(), "The object")
}

/// The elements of a list; one that has the name of an earlier one is a mistake.
fn distinct<'a, 'i, 't, T>(
    item: &Item<'a, 'i, 't>,
    read: impl Fn(&Item<'a, 'i, 't>) -> Option<T>,
    name: impl Fn(&T) -> String,
    what: &str,
) -> Option<Vec<T>> {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (at, element) in item.list()?.iter().enumerate() {
        let Some(value) = read(element) else { continue };
        let name = name(&value);
        if let Some(earlier) = first.get(&name) {
            let hint = format!("It is number {earlier} of the list already; keep one of the two.");
            element.wrong(format!("{what} `{name}` is given twice."), hint);
        } else {
            first.insert(name, at + 1);
        }
        found.push(value);
    }
    Some(found)
}

fn object(item: &Item<'_, '_, '_>) -> Option<ObjectMapping> {
    let mut table = item.table()?;
    if is_too_large(&mut table) {
        return None;
    }
    let object = table.required("object", Item::word);
    let direction = table.optional("direction", Item::word).unwrap_or_default();
    let create = table.optional("create", create).unwrap_or_default();
    let conflict_tie = table.optional("conflict_tie", Item::word).unwrap_or_default();
    let hubspot_stamp = table.required("hubspot_stamp", name);
    let connectwise_stamp = table.optional("connectwise_stamp", name);
    let activity_types = table.optional("activity_types", |item| activity_types(item, object)).unwrap_or_default();
    let activity_status = table.optional("activity_status", |item| {
        is_of_activity(item, object, "activity status").then(|| item.number()).flatten()
    });
    let filters = table.optional("filters", filters).unwrap_or_default();
    let exclude = table.optional("exclude", exclude).unwrap_or_default();
    let matching = table.optional("match", |item| item.each(rule)).unwrap_or_default();
    let fields = table.optional("field", fields).unwrap_or_default();
    table.finish();
    Some(ObjectMapping {
        object: object?,
        direction,
        create,
        conflict_tie,
        hubspot_stamp: hubspot_stamp?,
        connectwise_stamp,
        activity_types,
        activity_status,
        filters,
        exclude,
        matching,
        fields,
    })
}

/// Whether the object has more than is read; says so at the first that is too much.
fn is_too_large(table: &mut Table<'_, '_, '_>) -> bool {
    let Some(list) = table.item("field").filter(|item| item.is_list()).and_then(|item| item.list()) else {
        return false;
    };
    if let Some(first) = list.get(MAX_FIELDS) {
        let message = format!("The object has {} field mappings; {MAX_FIELDS} are read at most.", list.len());
        first.wrong(message, "Leave out what nobody needs.");
        return true;
    }
    let mut pairs = 0;
    for field in &list {
        let Some(values) = field.inside("values") else { continue };
        for list in ["pair", "priority"].into_iter().filter_map(|part| values.inside(part)) {
            pairs += list.length();
            if pairs > MAX_PAIRS {
                let message = format!("The value maps of the object have more than {MAX_PAIRS} pairs up to here.");
                list.wrong(message, "Let `auto` find the pairs of equal names, and list the others.");
                return true;
            }
        }
    }
    false
}

fn activity_types(item: &Item<'_, '_, '_>, object: Option<ObjectKind>) -> Option<Vec<u64>> {
    if is_of_activity(item, object, "activity types") { item.each(Item::number) } else { None }
}

/// Says so where what only activities have is written for another object.
fn is_of_activity(item: &Item<'_, '_, '_>, object: Option<ObjectKind>, what: &str) -> bool {
    let Some(object) = object.filter(|object| !object.is_activity()) else { return true };
    item.wrong(format!("A {object} has no {what}."), "Remove this; it belongs to a note, task, call or meeting.");
    false
}

fn name(item: &Item<'_, '_, '_>) -> Option<FieldName> {
    let text = item.text()?;
    if text.trim().is_empty() {
        item.wrong("A field name can't be empty.", "");
        return None;
    }
    Some(text.into())
}

fn create(item: &Item<'_, '_, '_>) -> Option<CreatePolicy> {
    let mut table = item.table()?;
    let hubspot = table.required("hubspot", Item::bool);
    let connectwise = table.required("connectwise", Item::bool);
    table.finish();
    Some(CreatePolicy { hubspot: hubspot?, connectwise: connectwise? })
}

fn filters(item: &Item<'_, '_, '_>) -> Option<Filters> {
    let mut table = item.table()?;
    let filters = Filters {
        to_connectwise: table.optional("to_connectwise", Item::text).unwrap_or_default(),
        to_hubspot: table.optional("to_hubspot", Item::text).unwrap_or_default(),
        script: table.optional("script", filter_scripts).unwrap_or_default(),
    };
    table.finish();
    Some(filters)
}

fn filter_scripts(item: &Item<'_, '_, '_>) -> Option<FilterScripts> {
    let mut table = item.table()?;
    let scripts = FilterScripts {
        to_connectwise: table.optional("to_connectwise", Item::text).unwrap_or_default(),
        to_hubspot: table.optional("to_hubspot", Item::text).unwrap_or_default(),
    };
    table.finish();
    Some(scripts)
}

fn exclude(item: &Item<'_, '_, '_>) -> Option<Exclusions> {
    let mut table = item.table()?;
    let exclude = Exclusions {
        hubspot: table.optional("hubspot", |ids| ids.each(Item::number)).unwrap_or_default(),
        connectwise: table.optional("connectwise", |ids| ids.each(Item::number)).unwrap_or_default(),
    };
    table.finish();
    Some(exclude)
}

fn rule(item: &Item<'_, '_, '_>) -> Option<MatchRule> {
    let mut table = item.table()?;
    let hubspot = table.required("hubspot", name);
    let connectwise = table.required("connectwise", name);
    let by = table.optional("by", Item::word).unwrap_or_default();
    table.finish();
    Some(MatchRule { hubspot: hubspot?, connectwise: connectwise?, by })
}

fn fields(item: &Item<'_, '_, '_>) -> Option<Vec<FieldMapping>> {
    distinct(item, field, |field| field.key().to_string(), "The field mapping")
}

fn field(item: &Item<'_, '_, '_>) -> Option<FieldMapping> {
    let mut table = item.table()?;
    let hubspot = table.required("hubspot", name);
    let connectwise = table.required("connectwise", name);
    let kind = table.required("kind", kind);
    let direction = table.optional("direction", Item::word).unwrap_or_default();
    let wins = table.optional("wins", Item::word).unwrap_or_default();
    let empty = table.optional("empty", Item::word).unwrap_or_default();
    let overflow = table.optional("overflow", Item::word).unwrap_or_default();
    let max_length = table.optional("max_length", max_length).unwrap_or_default();
    let default = table.optional("default", defaults).unwrap_or_default();
    let transform = table.optional("transform", transforms).unwrap_or_default();
    let values = table.optional("values", values);
    table.finish();
    Some(FieldMapping {
        hubspot: hubspot?,
        connectwise: connectwise?,
        kind: kind?,
        direction,
        wins,
        empty,
        overflow,
        max_length,
        default,
        transform,
        values,
    })
}

/// A word, and for a reference the object that it points to: `record:company`.
fn kind(item: &Item<'_, '_, '_>) -> Option<FieldKind> {
    let text = item.text()?;
    let Some(object) = text.strip_prefix(RECORD) else {
        return if text == "reference" || text == "record" {
            item.wrong(
                format!("`{text}` does not say of which object."),
                "Write record: and the object, such as record:company.",
            );
            None
        } else {
            item.word()
        };
    };
    match object.parse() {
        Ok(object) => Some(FieldKind::Reference(object)),
        Err(unknown) => {
            let unknown: UnknownObject = unknown;
            item.wrong(format!("{unknown}."), "Write record: and the object, such as record:company.");
            None
        }
    }
}

fn max_length(item: &Item<'_, '_, '_>) -> Option<BySystem<Option<u32>>> {
    let mut table = item.table()?;
    let hubspot = table.optional("hubspot", Item::number);
    let connectwise = table.optional("connectwise", Item::number);
    table.finish();
    Some(BySystem::new(hubspot, connectwise))
}

fn defaults(item: &Item<'_, '_, '_>) -> Option<Defaults> {
    let mut table = item.table()?;
    let hubspot = table.optional("hubspot", Item::text);
    let connectwise = table.optional("connectwise", Item::text);
    table.finish();
    Some(Defaults { hubspot, connectwise })
}

fn transforms(item: &Item<'_, '_, '_>) -> Option<Transforms> {
    let mut table = item.table()?;
    let transforms = Transforms {
        to_connectwise: table.optional("to_connectwise", steps).unwrap_or_default(),
        to_hubspot: table.optional("to_hubspot", steps).unwrap_or_default(),
    };
    table.finish();
    Some(transforms)
}

fn steps(item: &Item<'_, '_, '_>) -> Option<Vec<Step>> {
    if let Some(first) = item.list()?.get(MAX_STEPS) {
        first.wrong(format!("There are {} steps; {MAX_STEPS} are read at most.", item.length()), "");
        return None;
    }
    item.each(step)
}

/// `"trim"`, or a table with one key: `{ case = "upper" }`.
fn step(item: &Item<'_, '_, '_>) -> Option<Step> {
    let step = if item.is_table() { settled_step(item)? } else { plain_step(item)? };
    match step.check() {
        Ok(()) => Some(step),
        Err(why) => {
            item.wrong(why, "");
            None
        }
    }
}

fn plain_step(item: &Item<'_, '_, '_>) -> Option<Step> {
    match item.text()?.as_str() {
        "trim" => Some(Step::Trim),
        "phone" => Some(Step::Phone),
        other => {
            let hint = did_you_mean(other, ["trim", "phone"], "Steps with a setting are tables: { case = \"upper\" }.");
            item.wrong(format!("There is no step `{other}` of one word."), hint);
            None
        }
    }
}

fn settled_step(item: &Item<'_, '_, '_>) -> Option<Step> {
    let mut table = item.table()?;
    let steps = [
        table.optional("case", |item| item.word().map(Step::Case)),
        table.optional("date", |item| item.text().map(Step::Date)),
        table.optional("number", |item| item.number().map(Step::Number)),
        table.optional("split", split),
        table.optional("join", join),
        table.optional("template", |item| item.text().map(Step::Template)),
        table.optional("default", |item| item.text().map(Step::Default)),
        table.optional("script", |item| item.text().map(Step::Script)),
    ];
    let given = table.known();
    table.finish();
    if given != 1 {
        item.wrong("A step is one thing: a table with one key.", "Write several steps as several tables.");
        return None;
    }
    steps.into_iter().flatten().next()
}

fn split(item: &Item<'_, '_, '_>) -> Option<Step> {
    let mut table = item.table()?;
    let at = table.required("at", Item::text);
    let part = table.required("part", Item::signed);
    table.finish();
    Some(Step::Split(Split { at: at?, part: part? }))
}

fn join(item: &Item<'_, '_, '_>) -> Option<Step> {
    let mut table = item.table()?;
    let with = table.optional("with", Item::text).unwrap_or_default();
    let fields = table.required("fields", |item| item.each(name));
    table.finish();
    Some(Step::Join(Join { with, fields: fields? }))
}

fn values(item: &Item<'_, '_, '_>) -> Option<ValueMap> {
    let mut table = item.table()?;
    let auto = table.optional("auto", Item::word);
    let unmapped = table.optional("unmapped", Item::word).unwrap_or_default();
    let priority = table.optional("priority", |item| item.each(Item::text)).unwrap_or_default();
    let pairs = table.optional("pair", pairs).unwrap_or_default();
    table.finish();
    Some(ValueMap { auto, unmapped, pairs, priority })
}

fn pairs(item: &Item<'_, '_, '_>) -> Option<Vec<ValuePair>> {
    distinct(item, pair, |pair| format!("{} = {}", pair.hubspot, pair.connectwise), "The pair")
}

fn pair(item: &Item<'_, '_, '_>) -> Option<ValuePair> {
    let mut table = item.table()?;
    let hubspot = table.required("hubspot", Item::text);
    let connectwise = table.required("connectwise", Item::text);
    table.finish();
    Some(ValuePair { hubspot: hubspot?, connectwise: connectwise? })
}
