//! What changed between two configurations, setting by setting, for the person who is about to deploy one.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::Value;

use super::called::Called;
use super::config::{Config, FieldMapping, MatchBy, MatchRule, ObjectMapping};
use super::transform::Step;
use crate::model::{BySystem, Schema};

/// One setting that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `timing.poll`, `company.direction`, `company.name~name.wins`.
    pub path: String,
    /// None when it is new.
    pub before: Option<String>,
    /// None when it is gone.
    pub after: Option<String>,
}

/// Every difference: general settings first, then object by object, fields in the order of the new configuration
/// with removed ones last. A mere change of the order of fields is none, one of the match rules is.
#[must_use]
pub fn diff(before: &Config, after: &Config) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("guards", &tree(&before.guards), &tree(&after.guards), &mut changes);
    compare("timing", &tree(&before.timing), &tree(&after.timing), &mut changes);
    for object in &after.objects {
        let path = object.object.key();
        match before.object(object.object) {
            Some(old) => objects(path, old, object, &mut changes),
            None => changes.push(Change { path: path.into(), before: None, after: Some(describe_object(object)) }),
        }
    }
    for object in before.objects.iter().filter(|old| after.object(old.object).is_none()) {
        let path = object.object.key().to_owned();
        changes.push(Change { path, before: Some(describe_object(object)), after: None });
    }
    changes
}

/// The same for people: values of value maps are called by their labels. `schemas` are those of each object.
#[must_use]
pub fn in_labels(mut changes: Vec<Change>, schemas: &[&BySystem<Schema>]) -> Vec<Change> {
    let mut known: BTreeMap<String, BySystem<Called>> = BTreeMap::new();
    for change in &mut changes {
        let Some((field, key)) = pair_of(&change.path) else { continue };
        let names = known.entry(field.to_owned()).or_insert_with(|| called(field, schemas));
        let connectwise = |ends: &mut String| {
            let named = ends.split(", ").map(|end| names.connectwise.name(end.strip_prefix(LABEL).unwrap_or(end)));
            *ends = named.collect::<Vec<_>>().join(", ");
        };
        let path = format!("{field}.values.pair[{}]", names.hubspot.name(key));
        change.before.as_mut().map(connectwise);
        change.after.as_mut().map(connectwise);
        change.path = path;
    }
    changes
}

/// Stands before a name in a pair of values.
const LABEL: &str = "label:";

/// `company.industry~market` and `BANKING` of `company.industry~market.values.pair[BANKING]`.
fn pair_of(path: &str) -> Option<(&str, &str)> {
    let (field, key) = path.split_once(".values.pair[")?;
    Some((field, key.strip_suffix(']')?))
}

fn called(field: &str, schemas: &[&BySystem<Schema>]) -> BySystem<Called> {
    let named = field.split_once('.').and_then(|(object, key)| {
        let schema = schemas.iter().find(|schema| schema.hubspot.object.key() == object)?;
        let (hubspot, connectwise) = key.split_once('~')?;
        Some((schema, BySystem::new(hubspot, connectwise)))
    });
    named.map_or_else(BySystem::default, |(schema, names)| {
        BySystem::from_fn(|system| Called::of_field(schema[system].field(names[system])))
    })
}

fn objects(path: &str, before: &ObjectMapping, after: &ObjectMapping, changes: &mut Vec<Change>) {
    let head = |object: &ObjectMapping| {
        let mut tree = tree(&ObjectMapping { fields: Vec::new(), matching: Vec::new(), ..object.clone() });
        tree.as_object_mut().map(|map| map.remove("object"));
        tree
    };
    compare(path, &head(before), &head(after), changes);
    let rules = |object: &ObjectMapping| object.matching.iter().map(describe_rule).collect::<Vec<_>>().join(", then ");
    push(format!("{path}.match"), some(rules(before)), some(rules(after)), changes);
    for field in &after.fields {
        let path = format!("{path}.{}", field.key());
        match before.fields.iter().find(|old| old.key() == field.key()) {
            Some(old) => compare(&path, &tree(old), &tree(field), changes),
            None => push(path, None, Some(describe_field(field)), changes),
        }
    }
    for field in &before.fields {
        if after.fields.iter().all(|new| new.key() != field.key()) {
            push(format!("{path}.{}", field.key()), Some(describe_field(field)), None, changes);
        }
    }
}

fn some(text: String) -> Option<String> {
    if text.is_empty() { None } else { Some(text) }
}

fn push(path: String, before: Option<String>, after: Option<String>, changes: &mut Vec<Change>) {
    if before != after {
        changes.push(Change { path, before, after });
    }
}

pub(super) fn describe_object(object: &ObjectMapping) -> String {
    format!("{} {} field mappings", object.direction.arrow(), object.fields.len())
}

fn describe_rule(rule: &MatchRule) -> String {
    let by = match rule.by {
        MatchBy::Text => "text",
        MatchBy::Host => "host",
        MatchBy::Digits => "digits",
        MatchBy::CompanyText => "company_text",
    };
    format!("{}~{} by {by}", rule.hubspot, rule.connectwise)
}

pub(super) fn describe_field(field: &FieldMapping) -> String {
    format!("{} {}, {} wins", field.direction.arrow(), field.kind.word(), field.wins.word())
}

fn tree<T: serde::Serialize>(value: &T) -> Value {
    // The configuration has string keys and plain values only, which JSON always takes.
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// Every leaf that differs, in the order of its path.
fn compare(path: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    flatten(path, before, &mut old);
    flatten(path, after, &mut new);
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for path in paths {
        push(path.clone(), old.get(path).cloned(), new.get(path).cloned(), changes);
    }
}

/// Leaves by path; null, empty text and empty lists are no leaves. A value pair is found by its HubSpot value.
fn flatten(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&format!("{path}.{key}"), value, leaves)),
        Value::Array(items) => {
            for item in items {
                let (path, text) = match (item["hubspot"].as_str(), item["connectwise"].as_str()) {
                    (Some(hubspot), Some(connectwise)) => (format!("{path}[{hubspot}]"), connectwise.to_owned()),
                    _ if is_steps(path) => {
                        (path.to_owned(), Step::deserialize(item).map_or_else(|_| plain(item), |step| step.to_string()))
                    }
                    _ => (path.to_owned(), plain(item)),
                };
                leaves.entry(path).and_modify(|all| all.push_str(&format!(", {text}"))).or_insert(text);
            }
        }
        leaf => {
            let text = plain(leaf);
            if !text.is_empty() {
                leaves.insert(path.to_owned(), text);
            }
        }
    }
}

/// Whether a list is one of steps.
fn is_steps(path: &str) -> bool {
    path.rsplit('.').nth(1) == Some("transform")
}

/// A setting for people; none where it says nothing.
pub(super) fn plain_setting(value: &Value) -> Option<String> {
    let mut leaves = BTreeMap::new();
    flatten("", value, &mut leaves);
    let text =
        leaves.into_iter().map(|(path, text)| match path.strip_prefix('[').and_then(|of| of.strip_suffix(']')) {
            Some(of) => format!("{of} = {text}"),
            None => text,
        });
    some(text.collect::<Vec<_>>().join(", "))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::config::{Direction, SystemOfRecord, ValuePair};
    use crate::mapping::defaults;
    use crate::model::ObjectKind;

    fn change(path: &str, before: &str, after: &str) -> Change {
        Change { path: path.into(), before: some(before.into()), after: some(after.into()) }
    }

    fn changed(edit: impl FnOnce(&mut Config)) -> Vec<Change> {
        let before = defaults::config();
        let mut after = before.clone();
        edit(&mut after);
        diff(&before, &after)
    }

    fn company(config: &mut Config) -> &mut ObjectMapping {
        &mut config.objects[0]
    }

    #[test]
    fn nothing_changed_gives_nothing() {
        assert_eq!(changed(|_| {}), []);
        assert_eq!(changed(|config| company(config).fields.reverse()), []);
    }

    #[test]
    fn each_setting_is_named_with_both_values() {
        assert_eq!(changed(|config| config.timing.poll = 30), [change("timing.poll", "60", "30")]);
        assert_eq!(
            changed(|config| company(config).direction = Direction::ToHubspot),
            [change("company.direction", "both", "to_hubspot")]
        );
        assert_eq!(
            changed(|config| company(config).fields[0].wins = SystemOfRecord::Ask),
            [change("company.name~name.wins", "connectwise", "ask")]
        );
        assert_eq!(
            changed(|config| company(config).filters.to_hubspot = "status = 1".into()),
            [change("company.filters.to_hubspot", "", "status = 1")]
        );
        assert_eq!(
            changed(|config| company(config).exclude.connectwise = vec![2, 250]),
            [change("company.exclude.connectwise", "", "2, 250")]
        );
        assert_eq!(
            changed(|config| company(config).matching.truncate(1)),
            [change("company.match", "domain~website by host, then name~name by text", "domain~website by host")]
        );
    }

    #[test]
    fn a_field_or_pair_that_comes_or_goes_is_one_change() {
        let removed = changed(|config| drop(company(config).fields.remove(0)));
        assert_eq!(removed, [change("company.name~name", "↔ text, ConnectWise wins", "")]);
        let paired = changed(|config| {
            let field = company(config).fields.iter_mut().find(|field| field.hubspot.as_str() == "country");
            if let Some(values) = field.and_then(|field| field.values.as_mut()) {
                values.pairs.push(ValuePair { hubspot: "Deutschland".into(), connectwise: "label:Germany".into() });
            }
        });
        assert_eq!(paired, [change("company.country~country.values.pair[Deutschland]", "", "label:Germany")]);
        let emptied = changed(|config| config.objects.retain(|object| object.object != ObjectKind::Company));
        assert_eq!(emptied, [change("company", "↔ 17 field mappings", "")]);
    }

    #[test]
    fn pairs_are_told_by_their_labels_and_namesakes_by_their_keys_too() {
        let schema = crate::view::testing::schemas();
        let of = |path: &str, before: Option<&str>, after: Option<&str>| Change {
            path: path.into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let changes = vec![
            of("company.type~type.values.pair[CUSTOMER]", Some("1"), Some("label:Other")),
            of("company.type~type.values.pair[X]", None, Some("1")),
            of("timing.poll", None, Some("1")),
        ];
        let told = [
            change("company.type~type.values.pair[Customer]", "Client", "Other"),
            change("company.type~type.values.pair[X]", "", "Client"),
            change("timing.poll", "", "1"),
        ];
        assert_eq!(in_labels(changes, &[&schema]), told);
    }
}
