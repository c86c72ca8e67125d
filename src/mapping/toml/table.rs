//! Walking the tree of a TOML file: every value with its path, every mistake with its place.
//! Knows no configuration.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as WordError, StrDeserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use crate::filter::nearest::did_you_mean;

type Placed<'i> = Spanned<DeValue<'i>>;

/// Collects the mistakes of one file.
pub(super) struct Mistakes<'t> {
    text: &'t str,
    found: RefCell<Vec<(usize, ConfigError)>>,
}

impl<'t> Mistakes<'t> {
    pub const fn new(text: &'t str) -> Self {
        Self { text, found: RefCell::new(Vec::new()) }
    }

    pub fn add(&self, span: Range<usize>, path: &str, message: impl Into<String>, hint: impl Into<String>) {
        let before = self.text.get(..span.start.min(self.text.len())).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let error = ConfigError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            path: path.to_owned(),
            message: message.into(),
            hint: hint.into(),
        };
        self.found.borrow_mut().push((span.start, error));
    }

    /// In the order of the file.
    pub fn sorted(self) -> Vec<ConfigError> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, error)| error).collect()
    }
}

/// One value with where it stands.
pub(super) struct Item<'a, 'i, 't> {
    pub value: &'a Placed<'i>,
    pub path: String,
    pub mistakes: &'a Mistakes<'t>,
}

impl<'a, 'i, 't> Item<'a, 'i, 't> {
    pub fn wrong(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.add(self.value.span(), &self.path, message, hint);
    }

    fn not_a<T>(&self, wanted: &str) -> Option<T> {
        let found = self.value.get_ref().type_str();
        self.wrong(format!("This must be {wanted}; it is a {found}."), "");
        None
    }

    pub fn text(&self) -> Option<String> {
        self.value.get_ref().as_str().map(ToOwned::to_owned).or_else(|| self.not_a("a text in quotes"))
    }

    pub fn bool(&self) -> Option<bool> {
        self.value.get_ref().as_bool().or_else(|| self.not_a("true or false"))
    }

    /// A whole number from 0.
    pub fn number<N: TryFrom<u64>>(&self) -> Option<N> {
        let Some(integer) = self.value.get_ref().as_integer() else { return self.not_a("a whole number") };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok().and_then(|n| N::try_from(n).ok());
        if number.is_none() {
            self.wrong(format!("{integer} is out of range."), "Write a whole number from 0, not that large.");
        }
        number
    }

    /// A whole number, with or without a sign.
    pub fn signed(&self) -> Option<i32> {
        let Some(integer) = self.value.get_ref().as_integer() else { return self.not_a("a whole number") };
        let number = i32::from_str_radix(integer.as_str(), integer.radix()).ok();
        if number.is_none() {
            self.wrong(format!("{integer} is out of range."), "");
        }
        number
    }

    /// One of the words of an enum.
    pub fn word<T: DeserializeOwned>(&self) -> Option<T> {
        let text = self.text()?;
        let deserializer: StrDeserializer<'_, WordError> = text.as_str().into_deserializer();
        match T::deserialize(deserializer) {
            Ok(word) => Some(word),
            Err(error) => {
                let error = error.to_string();
                let expected = error.split_once("expected ").map_or("", |(_, expected)| expected);
                self.wrong(format!("`{text}` is not a value of this setting."), format!("Write {expected}."));
                None
            }
        }
    }

    pub fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    pub fn is_list(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// The elements of a list; none of anything else.
    pub fn length(&self) -> usize {
        self.value.get_ref().as_array().map_or(0, |array| array.len())
    }

    /// What a table has under a key, without a word about what it has not.
    pub fn inside(&self, key: &str) -> Option<Self> {
        let value = self.value.get_ref().as_table()?.get(key)?;
        Some(Item { value, path: format!("{}.{key}", self.path), mistakes: self.mistakes })
    }

    pub fn list(&self) -> Option<Vec<Item<'a, 'i, 't>>> {
        let Some(array) = self.value.get_ref().as_array() else { return self.not_a("a list") };
        let item = |(at, value)| Item { value, path: format!("{}[{}]", self.path, at + 1), mistakes: self.mistakes };
        Some(array.iter().enumerate().map(item).collect())
    }

    /// Every element of a list that can be read; the others are mistakes.
    pub fn each<T>(&self, read: impl Fn(&Item<'a, 'i, 't>) -> Option<T>) -> Option<Vec<T>> {
        Some(self.list()?.iter().filter_map(read).collect())
    }

    pub fn table(&self) -> Option<Table<'a, 'i, 't>> {
        let Some(table) = self.value.get_ref().as_table() else { return self.not_a("a table") };
        Some(Table::new(table, self.value.span(), self.path.clone(), self.mistakes))
    }
}

/// A table that is read key by key; what is left over at the end is a mistake.
pub(super) struct Table<'a, 'i, 't> {
    table: &'a DeTable<'i>,
    span: Range<usize>,
    path: String,
    mistakes: &'a Mistakes<'t>,
    known: BTreeSet<&'static str>,
}

impl<'a, 'i, 't> Table<'a, 'i, 't> {
    pub const fn new(table: &'a DeTable<'i>, span: Range<usize>, path: String, mistakes: &'a Mistakes<'t>) -> Self {
        Self { table, span, path, mistakes, known: BTreeSet::new() }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub fn item(&mut self, key: &'static str) -> Option<Item<'a, 'i, 't>> {
        self.known.insert(key);
        let value = self.table.get(key)?;
        Some(Item { value, path: self.path_of(key), mistakes: self.mistakes })
    }

    /// None when the key is missing, or a mistake that has been noted.
    pub fn optional<T>(&mut self, key: &'static str, read: impl Fn(&Item<'a, 'i, 't>) -> Option<T>) -> Option<T> {
        self.item(key).and_then(|item| read(&item))
    }

    /// As `optional`, but a missing key is a mistake, too.
    pub fn required<T>(&mut self, key: &'static str, read: impl Fn(&Item<'a, 'i, 't>) -> Option<T>) -> Option<T> {
        let item = self.item(key);
        if item.is_none() {
            self.mistakes.add(self.span.clone(), &self.path, format!("`{key}` is missing."), "");
        }
        item.and_then(|item| read(&item))
    }

    /// How many of the keys that were asked for it has.
    pub fn known(&self) -> usize {
        self.known.iter().filter(|key| self.table.contains_key(**key)).count()
    }

    /// Notes every key that nobody asked for.
    pub fn finish(self) {
        for key in self.table.keys() {
            let name: &Cow<'_, str> = key.get_ref();
            if !self.known.contains(name.as_ref()) {
                let all: Vec<String> = self.known.iter().map(|known| format!("`{known}`")).collect();
                let otherwise = format!("The settings here are {}.", all.join(", "));
                let hint = did_you_mean(name, self.known.iter().copied(), &otherwise);
                self.mistakes.add(key.span(), &self.path_of(name), format!("There is no setting `{name}`."), hint);
            }
        }
    }
}
