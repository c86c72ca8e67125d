//! A changed configuration in the text that somebody wrote: what differs is changed, and everything else stays as it stands,
//! comments, order and blank lines included.
//!
//! Knows no setting: two texts of [`write`](super::write()), of what was and of what is to be, say what differs.

use std::collections::BTreeMap;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike, Value};

use super::{read, write};
use crate::mapping::Config;

/// The text of `config`, made of the text of an earlier one. Reads back as `config`; a text that says `config` already is
/// given back as it is, and of one that is no configuration nothing is kept.
#[must_use]
pub fn update(text: &str, config: &Config) -> String {
    let Ok(was) = read(text) else { return write(config) };
    if was == *config {
        return text.to_owned();
    }
    let says = |text: &String| read(text).as_ref() == Ok(config);
    let plain = text.replace("\r\n", "\n");
    let Some(updated) = updated(&plain, &was, config).filter(says) else { return write(config) };
    if plain.len() == text.len() {
        return updated;
    }
    // it was written with line ends of Windows: a text that changes by that is left with the other ones
    Some(updated.replace('\n', "\r\n")).filter(says).unwrap_or(updated)
}

fn updated(text: &str, was: &Config, now: &Config) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let was: DocumentMut = write(was).parse().ok()?;
    let now: DocumentMut = write(now).parse().ok()?;
    let mut update = Update { moves: false };
    update.table(document.as_table_mut(), Some(was.as_table()), now.as_table());
    if update.moves {
        arrange(document.as_table_mut());
    }
    Some(document.to_string())
}

struct Update {
    /// Tables come, or stand in another order: then all stand in the order of the tree.
    moves: bool,
}

impl Update {
    fn table(&mut self, text: &mut dyn TableLike, was: Option<&dyn TableLike>, now: &dyn TableLike) {
        let mut keys: Vec<String> = now.iter().map(|(key, _)| key.to_owned()).collect();
        keys.extend(was.iter().flat_map(|was| was.iter()).map(|(key, _)| key.to_owned()));
        for key in keys {
            let (before, after) = (was.and_then(|was| was.get(&key)), now.get(&key));
            if before.map(plain) == after.map(plain) {
                continue;
            }
            match (text.get_mut(&key).filter(|item| !item.is_none()), after) {
                (_, None) => drop(text.remove(&key)),
                (Some(item), Some(after)) => {
                    if !self.item(item, before, after) {
                        self.put(text, &key, after);
                    }
                }
                (None, Some(after)) => self.put(text, &key, after),
            }
        }
    }

    fn put(&mut self, text: &mut dyn TableLike, key: &str, item: &Item) {
        self.moves |= !item.is_value();
        text.insert(key, item.clone());
    }

    /// Whether it could be changed where it stands.
    fn item(&mut self, text: &mut Item, was: Option<&Item>, now: &Item) -> bool {
        if let (true, Some(now)) = (text.is_table_like(), now.as_table_like()) {
            let was = was.and_then(Item::as_table_like);
            return text.as_table_like_mut().is_some_and(|text| {
                self.table(text, was, now);
                true
            });
        }
        let (before, after) = (was.map(elements).unwrap_or_default(), elements(now));
        // an empty list of tables is no list at all
        let is_list = !after.is_empty() && !elements(text).is_empty();
        match text {
            Item::ArrayOfTables(tables) if is_list => self.tables(tables, &before, &after),
            Item::Value(Value::Array(array)) if is_list => self.array(array, &before, &after),
            Item::Value(value) => {
                let Ok(mut changed) = now.clone().into_value() else { return false };
                *changed.decor_mut() = value.decor().clone();
                *value = changed;
            }
            _ => return false,
        }
        true
    }

    /// Elements by their names, each with what stands around it.
    fn tables(&mut self, text: &mut ArrayOfTables, before: &[Item], after: &[Item]) {
        let old: Vec<Item> = text.iter().cloned().map(Item::Table).collect();
        let mut known: BTreeMap<Name, Item> = names(&old).into_iter().zip(old.iter().cloned()).collect();
        let was: BTreeMap<Name, &Item> = names(before).into_iter().zip(before).collect();
        let order = names(after);
        self.moves |= names(&old) != order;
        text.clear();
        for (name, now) in order.iter().zip(after) {
            let mut element = known.remove(name).unwrap_or_else(|| now.clone());
            if let (Some(table), Some(now)) = (element.as_table_like_mut(), now.as_table_like()) {
                self.table(table, was.get(name).and_then(|was| was.as_table_like()), now);
            }
            if let Ok(table) = element.into_table() {
                text.push(table);
            }
        }
    }

    /// The same of a list in brackets. What stands behind an element on its line stays with it.
    fn array(&mut self, text: &mut Array, before: &[Item], after: &[Item]) {
        let old: Vec<Item> = text.iter().cloned().map(Item::Value).collect();
        let (mut around, end) = around(text);
        let line = around.iter().rev().map(|(head, _)| head).find(|head| head.contains('\n'));
        let begin = line.and_then(|head| head.rfind('\n').map(|at| head[at..].to_owned()));
        let first = around.first().map(|(head, _)| head.clone()).unwrap_or_default();
        let mut known: BTreeMap<Name, (Item, (String, String))> =
            names(&old).into_iter().zip(old.iter().cloned().zip(around.drain(..))).collect();
        let was: BTreeMap<Name, &Item> = names(before).into_iter().zip(before).collect();
        text.clear();
        let mut tail = String::new();
        for (at, (name, now)) in names(after).iter().zip(after).enumerate() {
            let usual = begin.clone().unwrap_or_else(|| if at == 0 { first.clone() } else { " ".to_owned() });
            let (mut element, (head, behind)) = match known.remove(name) {
                // the first of a list on one line has no blank before it
                Some((element, (_, behind))) if begin.is_none() => (element, (usual, behind)),
                Some(known) => known,
                None => (now.clone(), (usual, String::new())),
            };
            let before = was.get(name).copied();
            if before.map(plain) != Some(plain(now)) {
                self.item(&mut element, before, now);
            }
            let Ok(mut value) = element.into_value() else { continue };
            let suffix =
                value.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default().trim().to_owned();
            *value.decor_mut() = toml_edit::Decor::new(format!("{tail}{head}"), suffix);
            text.push_formatted(value);
            tail = behind;
        }
        text.set_trailing(format!("{tail}{end}"));
        text.set_trailing_comma(text.trailing_comma() || begin.is_some());
    }
}

/// What stands before each element, and behind it on its line; and what stands at the end of the list.
fn around(text: &Array) -> (Vec<(String, String)>, String) {
    let mut heads: Vec<String> = text
        .iter()
        .map(|value| value.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().to_owned())
        .collect();
    heads.push(text.trailing().as_str().unwrap_or_default().to_owned());
    let mut around: Vec<(String, String)> = Vec::new();
    for head in heads {
        let (behind, own) = match head.find('\n') {
            Some(at) if !around.is_empty() => head.split_at(at),
            _ => ("", head.as_str()),
        };
        if let Some(last) = around.last_mut() {
            last.1 = behind.to_owned();
        }
        around.push((own.to_owned(), String::new()));
    }
    let end = around.pop().map(|(end, _)| end).unwrap_or_default();
    (around, end)
}

/// An element of a list: by what it is of, and which of several such it is.
type Name = (String, usize);

fn names(elements: &[Item]) -> Vec<Name> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut number = |name: String| {
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        (name, *count)
    };
    let is_field = |table: &dyn TableLike| table.contains_key("kind");
    let name = |element: &Item| {
        let Some(table) = element.as_table_like() else { return plain(element) };
        let text = |key: &str| table.get(key).map(plain).unwrap_or_default();
        match (table.contains_key("object"), is_field(table)) {
            (true, _) => text("object"),
            (_, true) => format!("{}~{}", text("hubspot"), text("connectwise")),
            _ if table.contains_key("hubspot") => text("hubspot"),
            _ => plain(element),
        }
    };
    elements.iter().map(|element| number(name(element))).collect()
}

fn elements(item: &Item) -> Vec<Item> {
    match item {
        Item::ArrayOfTables(tables) => tables.iter().cloned().map(Item::Table).collect(),
        Item::Value(Value::Array(array)) => array.iter().cloned().map(Item::Value).collect(),
        _ => Vec::new(),
    }
}

/// What an item says, however it is written.
fn plain(item: &Item) -> String {
    if let Some(table) = item.as_table_like() {
        let said: BTreeMap<&str, String> = table.iter().map(|(key, item)| (key, plain(item))).collect();
        return format!("{said:?}");
    }
    match item {
        Item::Value(Value::String(text)) => format!("{:?}", text.value()),
        Item::Value(Value::Array(_)) | Item::ArrayOfTables(_) => {
            format!("{:?}", elements(item).iter().map(plain).collect::<Vec<_>>())
        }
        Item::Value(Value::Integer(number)) => number.value().to_string(),
        Item::Value(value) => value.to_string().trim().to_owned(),
        _ => String::new(),
    }
}

/// Has all tables stand in the order of the tree, those of an object in the usual one.
fn arrange(table: &mut Table) {
    table.set_position(None);
    table.sort_values_by(|left, _, right, _| rank(left.get()).cmp(&rank(right.get())));
    for (_, item) in table.iter_mut() {
        match item {
            Item::Table(table) => arrange(table),
            Item::ArrayOfTables(tables) => tables.iter_mut().for_each(arrange),
            Item::None | Item::Value(_) => {}
        }
    }
}

fn rank(key: &str) -> u8 {
    match key {
        "filters" => 1,
        "exclude" => 2,
        "match" => 3,
        "field" => 4,
        "object" => 5,
        _ => 0,
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
