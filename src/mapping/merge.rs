//! Two people changed one configuration: what both did, in one, and what can't both be.
//!
//! Works on settings as `diff` names them, whatever they are: a setting that is new tomorrow is merged like the others.
//! Objects and field mappings are found by what they are of, pairs of a value map by HubSpot's value, excluded records one
//! by one. Every other list is one setting.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::config::{Config, FieldMapping, ObjectMapping};
use super::diff;

/// Whose change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Mine,
    Theirs,
}

/// One setting that both changed, each into something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// As in [`super::Change`].
    pub path: String,
    /// None where it is gone.
    pub mine: Option<String>,
    pub theirs: Option<String>,
}

/// What two changes of one configuration come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    pub config: Config,
    /// In the order of their paths. In `config` each is as it was chosen.
    pub clashes: Vec<Clash>,
}

/// What neither side can have written comes of a bug here, and must not become a configuration.
#[derive(Debug, thiserror::Error)]
#[error("the two changes can't be merged: {0}")]
pub struct MergeError(#[from] serde_json::Error);

/// Both changes of `base` in one; of a setting that both changed, the one of the side that `choose` takes for its path.
///
/// The order of field mappings is that of whoever changed it, mine where both did; additions stand where they stood, after
/// their neighbour.
///
/// # Errors
/// Only by a mistake of this module.
pub fn three_way(
    base: &Config,
    mine: &Config,
    theirs: &Config,
    choose: impl Fn(&str) -> Side,
) -> Result<Merged, MergeError> {
    let (base, mine, theirs) =
        (serde_json::to_value(base)?, serde_json::to_value(mine)?, serde_json::to_value(theirs)?);
    let mut merge = Merge { choose: &choose, clashes: BTreeMap::new() };
    let merged = merge.value("", Kind::Plain, Some(&base), Some(&mine), Some(&theirs)).unwrap_or(Value::Null);
    let config = serde_json::from_value(merged)?;
    Ok(Merged { config, clashes: merge.clashes.into_values().collect() })
}

/// How a value is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// A list of things with names.
    Named(Name),
    /// A list in which each element stands for itself.
    Set,
}

/// By what an element of a list is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Object,
    Field,
    Pair,
}

impl Name {
    fn of(self, element: &Value) -> String {
        let text = |key: &str| element[key].as_str().unwrap_or_default().to_owned();
        match self {
            Self::Object => text("object"),
            Self::Field => format!("{}~{}", text("hubspot"), text("connectwise")),
            Self::Pair => text("hubspot"),
        }
    }

    fn path(self, parent: &str, name: &str) -> String {
        match self {
            Self::Object => name.to_owned(),
            Self::Field => format!("{}.{name}", parent.strip_suffix(".field").unwrap_or(parent)),
            Self::Pair => format!("{parent}[{name}]"),
        }
    }
}

struct Merge<'c> {
    choose: &'c dyn Fn(&str) -> Side,
    clashes: BTreeMap<String, Clash>,
}

type Found<'v> = Option<&'v Value>;
type Keys = Map<String, Value>;

impl Merge<'_> {
    fn value(&mut self, path: &str, kind: Kind, base: Found<'_>, mine: Found<'_>, theirs: Found<'_>) -> Option<Value> {
        if mine == theirs || base == theirs {
            return mine.cloned();
        }
        if base == mine {
            return theirs.cloned();
        }
        match (kind, mine, theirs) {
            (Kind::Plain, Some(Value::Object(mine)), Some(Value::Object(theirs))) => {
                Some(Value::Object(self.table(path, base.and_then(Value::as_object), mine, theirs)))
            }
            (Kind::Named(name), mine, theirs) => {
                Some(Value::Array(self.named(path, name, list(base), list(mine), list(theirs))))
            }
            (Kind::Set, mine, theirs) => Some(Value::Array(set(list(base), list(mine), list(theirs)))),
            _ => self.clash(path, mine, theirs),
        }
    }

    fn clash(&mut self, path: &str, mine: Found<'_>, theirs: Found<'_>) -> Option<Value> {
        let clash = Clash { path: path.to_owned(), mine: mine.and_then(shown), theirs: theirs.and_then(shown) };
        self.clashes.insert(path.to_owned(), clash);
        match (self.choose)(path) {
            Side::Mine => mine.cloned(),
            Side::Theirs => theirs.cloned(),
        }
    }

    fn table(&mut self, path: &str, base: Option<&Keys>, mine: &Keys, theirs: &Keys) -> Keys {
        let keys: BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
        let mut merged = Map::new();
        for key in keys {
            let (at, kind) = (join(path, key), kind_of(path, key));
            let was = base.and_then(|base| base.get(key));
            if let Some(value) = self.value(&at, kind, was, mine.get(key), theirs.get(key)) {
                merged.insert(key.clone(), value);
            }
        }
        merged
    }

    /// Elements by their names, in the order of whoever changed it.
    fn named(&mut self, path: &str, name: Name, base: &[Value], mine: &[Value], theirs: &[Value]) -> Vec<Value> {
        let (base, mine, theirs) = (Named::new(name, base), Named::new(name, mine), Named::new(name, theirs));
        let mut merged = Vec::new();
        for key in order(&base.names, &mine.names, &theirs.names) {
            let at = name.path(if name == Name::Object { "" } else { path }, &key);
            let (was, one, other) = (base.get(&key), mine.get(&key), theirs.get(&key));
            if let Some(value) = self.value(&at, Kind::Plain, was.as_ref(), one.as_ref(), other.as_ref()) {
                match (name, value) {
                    // several partners of one value are one setting
                    (Name::Pair, Value::Array(all)) => merged.extend(all),
                    (_, value) => merged.push(value),
                }
            }
        }
        merged
    }
}

/// The elements of a list under their names.
struct Named<'v> {
    names: Vec<String>,
    elements: BTreeMap<String, Vec<&'v Value>>,
    name: Name,
}

impl<'v> Named<'v> {
    fn new(name: Name, list: &'v [Value]) -> Self {
        let (mut names, mut elements) = (Vec::new(), BTreeMap::<String, Vec<&Value>>::new());
        for element in list {
            let key = name.of(element);
            let of_name = elements.entry(key.clone()).or_default();
            if of_name.is_empty() {
                names.push(key);
            }
            of_name.push(element);
        }
        Self { names, elements, name }
    }

    /// One element; of pairs, all that have the value.
    fn get(&self, key: &str) -> Option<Value> {
        let all = self.elements.get(key)?;
        match self.name {
            Name::Pair => Some(Value::Array(all.iter().map(|pair| (*pair).clone()).collect())),
            Name::Object | Name::Field => all.first().map(|one| (*one).clone()),
        }
    }
}

/// The names of both lists: in the order of mine, unless only theirs was changed; what the other one has beside that
/// stands after what it stands after there.
fn order(base: &[String], mine: &[String], theirs: &[String]) -> Vec<String> {
    let of_theirs: BTreeSet<&String> = theirs.iter().collect();
    let both: BTreeSet<&String> = mine.iter().filter(|name| of_theirs.contains(name)).collect();
    let common = |names: &[String]| names.iter().filter(|name| both.contains(name)).cloned().collect::<Vec<_>>();
    let was: Vec<String> = base.iter().filter(|name| both.contains(name)).cloned().collect();
    let is_theirs = common(mine) == was && common(theirs) != was;
    let (first, second) = if is_theirs { (theirs, mine) } else { (mine, theirs) };
    let mut names = first.to_vec();
    let mut known: BTreeSet<&String> = first.iter().collect();
    let mut before: Option<&String> = None;
    for name in second {
        if known.insert(name) {
            let at = before.and_then(|before| names.iter().position(|one| one == before)).map_or(0, |at| at + 1);
            names.insert(at, name.clone());
        }
        before = Some(name);
    }
    names
}

/// What either side added is there, what either side removed is not.
fn set(base: &[Value], mine: &[Value], theirs: &[Value]) -> Vec<Value> {
    let stays = |element: &&Value| {
        let was = base.contains(element);
        if was { mine.contains(element) && theirs.contains(element) } else { true }
    };
    let mut merged: Vec<Value> = Vec::new();
    for element in mine.iter().chain(theirs).filter(stays) {
        if !merged.contains(element) {
            merged.push(element.clone());
        }
    }
    merged
}

fn list<'v>(value: Found<'v>) -> &'v [Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn kind_of(path: &str, key: &str) -> Kind {
    let is_object = !path.is_empty() && !path.contains('.') && path != "guards" && path != "timing";
    match key {
        "object" if path.is_empty() => Kind::Named(Name::Object),
        "field" if is_object => Kind::Named(Name::Field),
        "pair" => Kind::Named(Name::Pair),
        "hubspot" | "connectwise" if path.ends_with(".exclude") => Kind::Set,
        _ => Kind::Plain,
    }
}

/// A setting for people.
fn shown(value: &Value) -> Option<String> {
    if let Ok(field) = FieldMapping::deserialize(value) {
        return Some(diff::describe_field(&field));
    }
    if let Ok(object) = ObjectMapping::deserialize(value) {
        return Some(diff::describe_object(&object));
    }
    diff::plain_setting(value)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;

    use super::*;
    use crate::mapping::config::{Direction, SystemOfRecord, ValueMap, ValuePair};
    use crate::mapping::defaults;
    use crate::model::{FieldKind, ObjectKind};

    fn base() -> Config {
        defaults::config()
    }

    fn edited(edit: impl FnOnce(&mut ObjectMapping)) -> Config {
        let mut config = base();
        edit(&mut config.objects[0]);
        config
    }

    fn field<'c>(object: &'c mut ObjectMapping, hubspot: &str) -> &'c mut FieldMapping {
        object.fields.iter_mut().find(|field| field.hubspot.as_str() == hubspot).unwrap()
    }

    fn new_field(name: &str) -> FieldMapping {
        let mut field = base().objects[0].fields[0].clone();
        (field.hubspot, field.connectwise, field.kind) = (name.into(), name.into(), FieldKind::Text);
        field
    }

    fn names(config: &Config) -> Vec<&str> {
        config.objects[0].fields.iter().map(|field| field.hubspot.as_str()).collect()
    }

    fn merged(mine: &Config, theirs: &Config) -> Merged {
        three_way(&base(), mine, theirs, |_| Side::Theirs).unwrap()
    }

    fn clash(path: &str, mine: Option<&str>, theirs: Option<&str>) -> Clash {
        Clash { path: path.into(), mine: mine.map(Into::into), theirs: theirs.map(Into::into) }
    }

    #[test]
    fn what_two_people_changed_in_different_places_is_all_there() {
        let mine = edited(|object| {
            field(object, "address").direction = Direction::ToHubspot;
            object.exclude.connectwise.push(2);
        });
        let mut theirs = edited(|object| {
            field(object, "address").wins = SystemOfRecord::Ask;
            field(object, "city").direction = Direction::ToConnectwise;
            object.exclude.connectwise.push(250);
            object.filters.to_connectwise = "city = \"Ulm\"".into();
        });
        theirs.timing.poll = 120;
        let Merged { mut config, clashes } = merged(&mine, &theirs);
        assert_eq!(clashes, []);
        assert_eq!((config.timing.poll, &config.objects[0].exclude.connectwise), (120, &vec![2, 250]));
        assert_eq!(config.objects[0].filters, theirs.objects[0].filters);
        let address = field(&mut config.objects[0], "address");
        assert_eq!((address.direction, address.wins), (Direction::ToHubspot, SystemOfRecord::Ask));
        assert_eq!(field(&mut config.objects[0], "city").direction, Direction::ToConnectwise);
    }

    #[test]
    fn what_both_changed_is_named_with_both_values_and_taken_as_chosen() {
        let mine = edited(|object| field(object, "city").direction = Direction::ToHubspot);
        let theirs = edited(|object| field(object, "city").direction = Direction::ToConnectwise);
        let told = [clash("company.city~city.direction", Some("to_hubspot"), Some("to_connectwise"))];
        assert_eq!(merged(&mine, &theirs), Merged { config: theirs.clone(), clashes: told.to_vec() });
        let other = three_way(&base(), &mine, &theirs, |path| {
            assert_eq!(path, "company.city~city.direction");
            Side::Mine
        });
        assert_eq!(other.unwrap(), Merged { config: mine, clashes: told.to_vec() });
    }

    #[test]
    fn a_mapping_that_one_removed_and_the_other_changed_is_a_clash_and_one_that_both_removed_is_not() {
        let mine = edited(|object| object.fields.retain(|field| field.hubspot.as_str() != "city"));
        let theirs = edited(|object| field(object, "city").direction = Direction::ToHubspot);
        let told = merged(&mine, &theirs);
        assert_eq!(told.clashes, [clash("company.city~city", None, Some("← text, latest wins"))]);
        assert_eq!(told.config, theirs);
        assert_eq!(merged(&mine, &mine), Merged { config: mine.clone(), clashes: Vec::new() });
        assert_eq!(merged(&mine, &base()), Merged { config: mine, clashes: Vec::new() });
    }

    #[test]
    fn additions_stand_after_their_neighbours_in_the_order_of_whoever_changed_it() {
        let first = names(&base())[0].to_owned();
        let mine = edited(|object| object.fields.push(new_field("mine")));
        let theirs = edited(|object| {
            object.fields.insert(1, new_field("theirs"));
            object.fields.push(new_field("last"));
        });
        let both = merged(&mine, &theirs).config;
        assert_eq!(&names(&both)[..2], [first.as_str(), "theirs"]);
        assert_eq!(names(&both).len(), names(&base()).len() + 3);
        let turned = edited(|object| object.fields.reverse());
        let both = merged(&mine, &turned).config;
        assert_eq!(names(&both).last(), Some(&first.as_str()), "only theirs has another order");
        assert_eq!(names(&merged(&turned, &theirs).config).last(), Some(&"theirs"));
    }

    #[test]
    fn partners_of_one_value_are_one_setting_and_those_of_others_are_others() {
        let pair =
            |hubspot: &str, connectwise: &str| ValuePair { hubspot: hubspot.into(), connectwise: connectwise.into() };
        let with = |pairs: &[(&str, &str)]| {
            edited(|object| {
                let values = field(object, "country").values.get_or_insert_with(ValueMap::default);
                values.pairs = pairs.iter().map(|(one, other)| pair(one, other)).collect();
            })
        };
        let base = with(&[("DE", "1"), ("FR", "2")]);
        let (mine, theirs) =
            (with(&[("DE", "9"), ("FR", "2"), ("IT", "3")]), with(&[("FR", "2"), ("ES", "4"), ("DE", "1")]));
        let both = three_way(&base, &mine, &theirs, |_| Side::Theirs).unwrap();
        assert_eq!(both.clashes, []);
        let mut config = both.config;
        let pairs = &field(&mut config.objects[0], "country").values.as_ref().unwrap().pairs;
        assert_eq!(pairs.len(), 4);
        assert!([pair("DE", "9"), pair("IT", "3"), pair("ES", "4")].iter().all(|one| pairs.contains(one)), "{pairs:?}");
        let theirs = with(&[("DE", "7"), ("FR", "2")]);
        let told = three_way(&base, &mine, &theirs, |_| Side::Theirs).unwrap().clashes;
        assert_eq!(told, [clash("company.country~country.values.pair[DE]", Some("DE = 9"), Some("DE = 7"))]);
    }

    #[test]
    fn whole_objects_come_and_go() {
        let mut mine = base();
        let contact = mine.objects.iter().position(|object| object.object == ObjectKind::Contact).unwrap();
        let removed = mine.objects.remove(contact);
        assert_eq!(merged(&mine, &base()).config, mine);
        let empty = Config { objects: Vec::new(), ..base() };
        let both = three_way(&empty, &mine, &Config { objects: vec![removed], ..base() }, |_| Side::Theirs).unwrap();
        assert_eq!((both.config.objects.len(), both.clashes.len()), (base().objects.len(), 0));
    }

    /// One thing that somebody does, and the place where they do it.
    #[derive(Debug, Clone)]
    enum Edit {
        Direction(usize, Direction),
        Wins(usize, SystemOfRecord),
        Remove(usize),
        Add(u8),
        Exclude(u64),
        Poll(u64),
        Filter(String),
    }

    impl Edit {
        fn place(&self) -> String {
            match self {
                // a mapping that is gone can't be changed
                Self::Direction(at, _) | Self::Wins(at, _) | Self::Remove(at) => format!("field {at}"),
                Self::Add(name) => format!("new {name}"),
                Self::Exclude(id) => format!("excluded {id}"),
                Self::Poll(_) => "poll".to_owned(),
                Self::Filter(_) => "filter".to_owned(),
            }
        }

        fn done_to(&self, config: &mut Config) {
            let names: Vec<_> = base().objects[0].fields.iter().map(FieldMapping::key).collect();
            let object = &mut config.objects[0];
            let key = |at: &usize| names[at % names.len()].clone();
            let find =
                |object: &mut ObjectMapping, at: &usize| object.fields.iter().position(|field| field.key() == key(at));
            match self {
                Self::Direction(at, way) => {
                    if let Some(at) = find(object, at) {
                        object.fields[at].direction = *way;
                    }
                }
                Self::Wins(at, who) => {
                    if let Some(at) = find(object, at) {
                        object.fields[at].wins = *who;
                    }
                }
                Self::Remove(at) => object.fields.retain(|field| field.key() != key(at)),
                Self::Add(name) => {
                    let added = new_field(&format!("new{name}"));
                    if object.fields.iter().all(|field| field.key() != added.key()) {
                        object.fields.push(added);
                    }
                }
                Self::Exclude(id) if object.exclude.connectwise.contains(id) => {}
                Self::Exclude(id) => object.exclude.connectwise.push(*id),
                Self::Poll(seconds) => config.timing.poll = *seconds,
                Self::Filter(text) => object.filters.to_hubspot.clone_from(text),
            }
        }
    }

    fn edit() -> impl Strategy<Value = Edit> {
        let ways = prop::sample::select(vec![Direction::Both, Direction::ToHubspot, Direction::ToConnectwise]);
        let winners = prop::sample::select(vec![SystemOfRecord::HubSpot, SystemOfRecord::Ask, SystemOfRecord::Latest]);
        prop_oneof![
            (0..17usize, ways).prop_map(|(at, way)| Edit::Direction(at, way)),
            (0..17usize, winners).prop_map(|(at, who)| Edit::Wins(at, who)),
            (0..17usize).prop_map(Edit::Remove),
            (0..6u8).prop_map(Edit::Add),
            (0..6u64).prop_map(Edit::Exclude),
            (10..900u64).prop_map(Edit::Poll),
            "[a-c]{0,2}".prop_map(Edit::Filter),
        ]
    }

    fn after(edits: &[Edit], mut config: Config) -> Config {
        edits.iter().for_each(|edit| edit.done_to(&mut config));
        config
    }

    /// The same but for the order of fields, which `diff` does not count, and of excluded records.
    fn same(one: &Config, other: &Config) -> bool {
        let sorted = |config: &Config| {
            let mut config = config.clone();
            config.objects[0].exclude.connectwise.sort_unstable();
            config
        };
        super::super::diff(&sorted(one), &sorted(other)).is_empty()
    }

    proptest! {
        #[test]
        fn who_changed_nothing_stands_in_nobodys_way(edits in prop::collection::vec(edit(), 0..8)) {
            let (base, changed) = (base(), after(&edits, base()));
            let unasked = |_: &str| panic!("nothing clashes");
            prop_assert_eq!(three_way(&base, &base, &changed, unasked).unwrap().config, changed.clone());
            prop_assert_eq!(three_way(&base, &changed, &base, unasked).unwrap().config, changed.clone());
            prop_assert_eq!(three_way(&base, &changed, &changed, unasked).unwrap().config, changed);
        }

        #[test]
        fn changes_of_different_places_commute(
            mine in prop::collection::vec(edit(), 0..8),
            theirs in prop::collection::vec(edit(), 0..8),
        ) {
            let places: BTreeSet<String> = mine.iter().map(Edit::place).collect();
            let theirs: Vec<Edit> = theirs.into_iter().filter(|edit| !places.contains(&edit.place())).collect();
            let (base, ours, others) = (base(), after(&mine, base()), after(&theirs, base()));
            let both = three_way(&base, &ours, &others, |_| Side::Mine).unwrap();
            let turned = three_way(&base, &others, &ours, |_| Side::Mine).unwrap();
            prop_assert_eq!(both.clashes, vec![]);
            prop_assert!(same(&both.config, &turned.config));
            prop_assert!(same(&both.config, &after(&theirs, ours)));
        }

        #[test]
        fn a_clash_loses_nothing_but_what_was_not_chosen(
            mine in prop::collection::vec(edit(), 0..8),
            theirs in prop::collection::vec(edit(), 0..8),
        ) {
            let (base, ours, others) = (base(), after(&mine, base()), after(&theirs, base()));
            let kept = three_way(&base, &ours, &others, |_| Side::Theirs).unwrap();
            let taken = three_way(&base, &ours, &others, |_| Side::Mine).unwrap();
            prop_assert_eq!(&kept.clashes, &taken.clashes);
            // whoever gets their way everywhere has all of their changes in there
            let again = three_way(&base, &kept.config, &others, |_| Side::Mine).unwrap();
            prop_assert_eq!(again.clashes, vec![]);
            let again = three_way(&base, &taken.config, &ours, |_| Side::Mine).unwrap();
            prop_assert_eq!(again.clashes, vec![]);
        }
    }
}
