//! A value map as a person edits it: which value of one system leads to which of the other, there and back.
//!
//! Pairs are an ordered list: of several with the same value the first one counts. What changes one way keeps every other.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::compat::is_one_of_several;
use super::coverage::{Coverage, Partners, Standing, Why};
use super::stages::{Stages, is_called};
use super::{Direction, FieldMapping, FieldRule, ValueMap, ValuePair};
use crate::filter::nearest::is_misspelt;
use crate::model::{BySystem, ChoiceOption, FieldKind, Schema, StageOutcome, System};

/// One value of one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub key: String,
    pub label: String,
    pub standing: Standing,
    /// None where they were not counted.
    pub records: Option<u64>,
    pub outcome: Option<StageOutcome>,
}

/// A value with what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub ends: BySystem<Option<End>>,
    /// By the system written to: whether the value of the other one leads there.
    pub leads: BySystem<bool>,
    pub why: Option<Why>,
    /// Its place in the list of pairs, from 0.
    pub place: Option<usize>,
    /// Its place in the order of several options of which one crosses, from 0.
    pub rank: Option<usize>,
}

impl Row {
    /// The system whose value the row is about.
    #[must_use]
    pub fn from(&self) -> System {
        match &self.ends.hubspot {
            Some(_) if self.leads.connectwise || self.ends.connectwise.is_none() => System::HubSpot,
            _ => System::ConnectWise,
        }
    }

    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.ends[self.from()].as_ref()
    }

    /// Whether it is a listed pair that never applies, since a system has no such option.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.has_partner() && !self.leads.hubspot && !self.leads.connectwise
    }

    #[must_use]
    pub fn has_partner(&self) -> bool {
        self.ends.hubspot.is_some() && self.ends.connectwise.is_some()
    }
}

fn options<'a>(field: &FieldMapping, schema: &'a BySystem<Schema>, system: System) -> &'a [ChoiceOption] {
    schema[system].field(field.field(system).as_str()).map_or(&[], |def| &def.options)
}

/// Every value that records hold and every option, gaps and pairs that never apply first, then the pairs in their order, then what pairs by itself.
#[must_use]
pub fn rows(field: &FieldMapping, schema: &BySystem<Schema>, coverage: Option<&Coverage>) -> Vec<Row> {
    let partners = Partners::new(field, schema);
    let stages = Stages::of(field, schema).is_some();
    let side = |system: System| coverage.and_then(|coverage| coverage.sides[system].as_ref());
    let used = BySystem::from_fn(|system| {
        let values = side(system).map(|side| side.values.iter().map(|value| (value.key.clone(), value.records)));
        values.map(Iterator::collect::<BTreeMap<_, _>>)
    });
    let outcomes = BySystem::from_fn(|system| {
        let options = options(field, schema, system).iter();
        options.map(|option| (option.key.as_str(), option.outcome)).collect::<BTreeMap<_, _>>()
    });
    let end = |system: System, key: &str| End {
        key: key.to_owned(),
        label: partners.called(system, key),
        standing: partners.standing(system, key),
        records: used[system].as_ref().map(|used| used.get(key).copied().unwrap_or(0)),
        outcome: outcomes[system].get(key).copied().flatten(),
    };
    let mut rows = Vec::new();
    for system in System::BOTH {
        // of stage and status together there are thousands of options: of many only those are listed that somebody uses
        let all = options(field, schema, system);
        let is_listed = |option: &&ChoiceOption| {
            !stages || system == System::HubSpot || (all.len() <= MOST_PLACES && is_end(option))
        };
        let mut keys: Vec<&str> = all.iter().filter(is_listed).map(|option| option.key.as_str()).collect();
        keys.extend(used[system].iter().flat_map(BTreeMap::keys).map(String::as_str));
        keys.sort_unstable();
        keys.dedup();
        let to = system.other();
        for key in keys {
            let here = end(system, key);
            let Some(partner) = partners.of(system, key) else {
                if here.records.unwrap_or(0) > 0 || here.standing == Standing::Active {
                    let mut ends = BySystem::default();
                    ends[system] = Some(here);
                    rows.push(Row { ends, leads: BySystem::default(), why: None, place: None, rank: None });
                }
                continue;
            };
            let back = partners.of(to, &partner.key).is_some_and(|back| back.key == key);
            if back && system == System::ConnectWise {
                // is there already, as seen from HubSpot
                continue;
            }
            let there = end(to, &partner.key);
            let place = place(field, schema, system, key, &partner.key);
            let mut leads = BySystem::new(back, back);
            leads[to] = true;
            let ends = match system {
                System::HubSpot => BySystem::new(Some(here), Some(there)),
                System::ConnectWise => BySystem::new(Some(there), Some(here)),
            };
            rows.push(Row { ends, leads, why: Some(partner.why), place, rank: None });
        }
    }
    if !stages {
        rows.extend(dead(field, schema, &end));
    }
    let several = several(field, schema);
    let priority = field.values.as_ref().map_or(&[][..], |values| &values.priority);
    for row in &mut rows {
        let key = several.and_then(|system| row.ends[system].as_ref()).map(|end| &end.key);
        row.rank = key.and_then(|key| priority.iter().position(|known| known == key));
    }
    rows.sort_by_key(|row| {
        let records = row.end().and_then(|end| end.records).unwrap_or(0);
        let group = match (row.has_partner(), row.place) {
            (true, _) if row.rank.is_some() => 1,
            (false, _) if records > 0 => 0,
            _ if row.is_dead() => 0,
            (true, Some(_)) => 1,
            (true, None) => 2,
            (false, _) => 3,
        };
        (group, row.rank, row.place, Reverse(records))
    });
    rows
}

/// The system whose field holds several options, where the other one holds a single one.
#[must_use]
pub fn several(field: &FieldMapping, schema: &BySystem<Schema>) -> Option<System> {
    let kind = |system: System| schema[system].field(field.field(system).as_str()).map(|def| def.kind);
    System::BOTH
        .into_iter()
        .find(|from| kind(*from).zip(kind(from.other())).is_some_and(|(from, to)| is_one_of_several(from, to)))
}

/// Moves a value in the order of several options, or puts it there at the end; behind the last one it leaves the order. From
/// then on values go from the several to the one only. Says what came of it.
pub fn rank(field: &mut FieldMapping, from: System, key: &str, later: bool) -> &'static str {
    let to = from.other();
    let one_way = if to == System::HubSpot { Direction::ToHubspot } else { Direction::ToConnectwise };
    let turned = field.direction != one_way;
    (field.direction, field.kind) = (one_way, FieldKind::Choice);
    let priority = &mut field.values.get_or_insert_with(ValueMap::default).priority;
    let place = priority.iter().position(|known| known == key);
    match place {
        None => priority.push(key.to_owned()),
        Some(place) if later && place + 1 == priority.len() => drop(priority.pop()),
        Some(place) if later => priority.swap(place, place + 1),
        Some(place) => priority.swap(place, place.saturating_sub(1)),
    }
    match (turned, place) {
        (true, _) => "Values go one way from now on: of several options the first one in this order crosses.",
        (false, None) => "It is the last one in the order now.",
        (false, Some(_)) => "",
    }
}

/// So many stages and statuses are listed, used or not.
const MOST_PLACES: usize = 400;

/// Whether it is what a pair names: a status on its board; a stage whatever the status, or a status whatever the stage.
fn is_end(option: &ChoiceOption) -> bool {
    option.parent.is_some() || option.key.starts_with('/') || option.key.ends_with('/') && option.outcome.is_some()
}

/// The listed pairs of which a system that has options lacks the one.
fn dead<'a>(
    field: &'a FieldMapping,
    schema: &'a BySystem<Schema>,
    end: &'a impl Fn(System, &str) -> End,
) -> impl Iterator<Item = Row> + 'a {
    let pairs = field.values.as_ref().map_or(&[][..], |values| &values.pairs).iter().enumerate();
    pairs.filter_map(move |(place, pair)| {
        let lacks = |system: System| {
            let all = options(field, schema, system);
            !all.is_empty() && !all.iter().any(|option| ends_at(field, schema, pair, system, &option.key))
        };
        let is_dead = System::BOTH.into_iter().any(lacks);
        is_dead.then(|| {
            let label = pair.connectwise.strip_prefix("label:").unwrap_or(&pair.connectwise);
            let there = End { label: label.to_owned(), records: None, ..end(System::ConnectWise, &pair.connectwise) };
            let ends = BySystem::new(Some(end(System::HubSpot, &pair.hubspot)), Some(there));
            Row { ends, leads: BySystem::default(), why: Some(Why::Listed), place: Some(place), rank: None }
        })
    })
}

fn place(field: &FieldMapping, schema: &BySystem<Schema>, from: System, key: &str, to: &str) -> Option<usize> {
    let pairs = &field.values.as_ref()?.pairs;
    pairs
        .iter()
        .position(|pair| ends_at(field, schema, pair, from, key) && ends_at(field, schema, pair, from.other(), to))
}

/// Whether the end of a pair in `system` is that value.
fn ends_at(field: &FieldMapping, schema: &BySystem<Schema>, pair: &ValuePair, system: System, key: &str) -> bool {
    let text = match system {
        System::HubSpot => &pair.hubspot,
        System::ConnectWise => &pair.connectwise,
    };
    let folded = |text: &str| text.trim().to_lowercase();
    match text.strip_prefix("label:").filter(|_| system == System::ConnectWise) {
        None => folded(text) == folded(key),
        Some(label) => options(field, schema, system)
            .iter()
            .find(|option| is_called(&option.label, label))
            .is_some_and(|option| option.key == key),
    }
}

/// Makes `key`, which `from` holds, lead to `to`. Every other value leads where it did; `to` keeps its way back.
pub fn lead(field: &mut FieldMapping, schema: &BySystem<Schema>, from: System, key: &str, to: &str) {
    let before = FieldRule::new(field, schema);
    let pair_of = |here: &str, there: &str| match from {
        System::HubSpot => ValuePair { hubspot: here.to_owned(), connectwise: there.to_owned() },
        System::ConnectWise => ValuePair { hubspot: there.to_owned(), connectwise: here.to_owned() },
    };
    // what `to` leads back to, where the two are each other's
    let kept = before.counterpart(from.other(), to).filter(|back| back != key);
    let kept = kept.filter(|back| before.counterpart(from, back).as_deref() == Some(to));
    let mut pairs = field.values.get_or_insert_with(ValueMap::default).pairs.clone();
    if let Some(at) = pairs.iter().position(|pair| ends_at(field, schema, pair, from, key)) {
        pairs.remove(at);
    }
    let is_pair = |pair: &ValuePair, here: &str, there: &str| {
        ends_at(field, schema, pair, from, here) && ends_at(field, schema, pair, from.other(), there)
    };
    pairs.retain(|pair| !is_pair(pair, key, to));
    let next = |pairs: &[ValuePair]| {
        pairs.iter().position(|pair| ends_at(field, schema, pair, from, key)).unwrap_or(pairs.len())
    };
    if let Some(kept) = &kept {
        let at = pairs.iter().position(|pair| is_pair(pair, kept, to));
        if at.is_none_or(|at| at > next(&pairs)) {
            let pair = at.map_or_else(|| pair_of(kept, to), |at| pairs.remove(at));
            let next = next(&pairs);
            pairs.insert(next, pair);
        }
    }
    let next = next(&pairs);
    pairs.insert(next, pair_of(key, to));
    if let Some(values) = &mut field.values {
        values.pairs = pairs;
    }
}

/// How a record ends that holds the value: `won`, `lost`, `closed`; `open` where it does not.
#[must_use]
pub const fn outcome_word(outcome: StageOutcome) -> &'static str {
    match outcome {
        StageOutcome::Won => "won",
        StageOutcome::Lost => "lost",
        StageOutcome::Closed => "closed",
        StageOutcome::Open => "open",
    }
}

/// Why the two must not be paired: one that is won would become one that is lost.
#[must_use]
pub fn refusal(field: &FieldMapping, schema: &BySystem<Schema>, hubspot: &str, connectwise: &str) -> Option<String> {
    let find = |system, key: &str| options(field, schema, system).iter().find(|option| option.key == key);
    let (here, there) = (find(System::HubSpot, hubspot)?, find(System::ConnectWise, connectwise)?);
    use StageOutcome::{Lost, Won};
    let words = |option: &ChoiceOption| option.outcome.filter(|one| matches!(one, Won | Lost)).map(outcome_word);
    let (left, right) = (words(here)?, words(there)?);
    (left != right).then(|| format!("{} is {left}, {} is {right}", here.label, there.label))
}

/// How near two names are, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// They differ in signs and case alone.
    Signs,
    /// One has all words of the other.
    Words,
    /// One may be the other misspelt.
    Spelling,
}

impl Likeness {
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Signs => "but for signs the same",
            Self::Words => "has all its words",
            Self::Spelling => "nearly spelt so",
        }
    }

    fn of(one: &[String], other: &[String]) -> Option<Self> {
        if one.concat() == other.concat() {
            return Some(Self::Signs);
        }
        let (few, many) = if other.len() < one.len() { (other, one) } else { (one, other) };
        if few.concat().chars().count() > 2 && few.iter().all(|word| many.contains(word)) {
            return Some(Self::Words);
        }
        let (one, other) = (one.join(" "), other.join(" "));
        (one.chars().count() > 4 && is_misspelt(&one, &other)).then_some(Self::Spelling)
    }
}

/// A pair that somebody may have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Whose value has no partner.
    pub from: System,
    pub end: End,
    pub to: String,
    pub label: String,
    pub likeness: Likeness,
    /// The other one has no partner either: the pair leads both ways.
    pub both: bool,
}

impl Suggestion {
    /// The label of the end in `system`.
    #[must_use]
    pub fn label(&self, system: System) -> &str {
        if system == self.from { &self.end.label } else { &self.label }
    }

    fn key(&self, system: System) -> &str {
        if system == self.from { &self.end.key } else { &self.to }
    }

    fn is_same_pair(&self, other: &Self) -> bool {
        System::BOTH.into_iter().all(|system| self.key(system) == other.key(system))
    }

    /// Whether the other one pairs a value of this one with something else, and with no less reason.
    fn is_rivalled_by(&self, other: &Self) -> bool {
        !self.is_same_pair(other)
            && other.likeness <= self.likeness
            && System::BOTH.into_iter().any(|system| self.key(system) == other.key(system))
    }
}

/// For each value without a partner the one option over there whose name is nearly the same. Where a value, here or there,
/// has two candidates that are as near, none is.
#[must_use]
pub fn suggestions(field: &FieldMapping, schema: &BySystem<Schema>, rows: &[Row]) -> Vec<Suggestion> {
    let named = BySystem::from_fn(|system| {
        let options = options(field, schema, system).iter().filter(|option| !option.inactive);
        options.map(|option| (words(&option.label), option)).collect::<Vec<_>>()
    });
    let lacking: Vec<(System, &End)> =
        rows.iter().filter(|row| !row.has_partner()).filter_map(|row| Some((row.from(), row.end()?))).collect();
    let mut found: Vec<Suggestion> = Vec::new();
    for (from, end) in &lacking {
        let (to, wanted) = (from.other(), words(&end.label));
        let allowed = |option: &ChoiceOption| {
            let (here, there) = match from {
                System::HubSpot => (end.key.as_str(), option.key.as_str()),
                System::ConnectWise => (option.key.as_str(), end.key.as_str()),
            };
            refusal(field, schema, here, there).is_none()
        };
        for (name, option) in named[to].iter().filter(|_| !wanted.is_empty()) {
            let Some(likeness) = Likeness::of(&wanted, name).filter(|_| allowed(option)) else { continue };
            let both = lacking.iter().any(|(system, other)| *system == to && other.key == option.key);
            let (to, label) = (option.key.clone(), option.label.clone());
            let one = Suggestion { from: *from, end: (*end).clone(), to, label, likeness, both };
            if !found.iter().any(|known| known.is_same_pair(&one)) {
                found.push(one);
            }
        }
    }
    let clear = |one: &&Suggestion| !found.iter().any(|other| one.is_rivalled_by(other));
    let mut clear: Vec<Suggestion> = found.iter().filter(clear).cloned().collect();
    clear.sort_by_key(|one| one.likeness);
    clear
}

fn words(label: &str) -> Vec<String> {
    let words = label.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).filter(|word| word != "and").collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]
    use proptest::prelude::*;

    use super::*;
    use crate::mapping::{AutoPairs, Unmapped, defaults};
    use crate::model::{FieldDef, ObjectKind};
    use crate::view::testing::choice_field;

    fn field(auto: Option<AutoPairs>, pairs: &[(&str, &str)]) -> FieldMapping {
        let pairs =
            pairs.iter().map(|(here, there)| ValuePair { hubspot: (*here).into(), connectwise: (*there).into() });
        let name = defaults::company().fields.iter().find(|field| field.hubspot.as_str() == "name").unwrap().clone();
        FieldMapping {
            hubspot: "type".into(),
            connectwise: "type".into(),
            kind: FieldKind::Choice,
            values: Some(ValueMap { auto, unmapped: Unmapped::Hold, pairs: pairs.collect(), priority: Vec::new() }),
            ..name
        }
    }

    fn schema(here: &[(&str, &str)], there: &[(&str, &str)]) -> BySystem<Schema> {
        let make = |system, field: FieldDef| Schema { system, object: ObjectKind::Company, fields: vec![field] };
        BySystem::new(
            make(System::HubSpot, choice_field("type", here)),
            make(System::ConnectWise, choice_field("type", there)),
        )
    }

    const HERE: [(&str, &str); 4] = [("A", "Bank"), ("B", "Retail"), ("C", "Care"), ("D", "Odd")];
    const THERE: [(&str, &str); 4] = [("1", "Bank"), ("2", "Retail"), ("3", "Health"), ("4", "More")];

    fn told(rows: &[Row]) -> Vec<String> {
        let label = |end: &Option<End>| end.as_ref().map_or_else(|| "-".to_owned(), |end| end.label.clone());
        let arrow = |row: &Row| match (row.leads.connectwise, row.leads.hubspot) {
            (true, true) => "<>",
            (true, false) => ">",
            (false, true) => "<",
            (false, false) => "?",
        };
        let one = |row: &Row| format!("{} {} {}", label(&row.ends.hubspot), arrow(row), label(&row.ends.connectwise));
        rows.iter().map(one).collect()
    }

    #[test]
    fn rows_are_every_value_with_what_it_leads_to_there_and_back() {
        let field = field(Some(AutoPairs::Label), &[("A", "1"), ("C", "1")]);
        let rows = rows(&field, &schema(&HERE, &THERE), None);
        assert_eq!(
            told(&rows),
            ["Bank <> Bank", "Care > Bank", "Retail <> Retail", "Odd ? -", "- ? Health", "- ? More"]
        );
        let places: Vec<_> = rows.iter().map(|row| row.place).collect();
        assert_eq!(places[..3], [Some(0), Some(1), None]);
    }

    #[test]
    fn a_new_partner_keeps_the_way_back_of_the_others() {
        let schema = schema(&HERE, &THERE);
        let mut field = field(Some(AutoPairs::Label), &[]);
        lead(&mut field, &schema, System::HubSpot, "C", "1");
        let pairs: Vec<_> = field.values.as_ref().unwrap().pairs.iter().map(|one| one.hubspot.as_str()).collect();
        assert_eq!(pairs, ["A", "C"], "the pair by label is listed before the new one");
        assert_eq!(FieldRule::new(&field, &schema).partner(System::ConnectWise, "1"), Some("A"));
    }

    #[test]
    fn a_suggestion_is_the_one_near_name_and_none_of_two() {
        let here = [
            ("a", "Health & Care"),
            ("b", "Retial store"),
            ("c", "Bank"),
            ("d", "Public"),
            ("e", "??"),
            ("f", "Biotechnology"),
            ("g", "Law office"),
            ("h", "Law firm"),
            ("i", "Food & drink"),
            ("j", "Food drink shop"),
        ];
        let there = [
            ("1", "Health-care"),
            ("2", "Retail store"),
            ("3", "Bank east"),
            ("4", "Bank west"),
            ("5", "Law"),
            ("6", "Technology"),
            ("7", "Food/Drink"),
        ];
        let (schema, field) = (schema(&here, &there), field(None, &[]));
        let found = suggestions(&field, &schema, &rows(&field, &schema, None));
        let told: Vec<_> = found
            .iter()
            .map(|one| {
                format!("{} = {} {:?}", one.label(System::HubSpot), one.label(System::ConnectWise), one.likeness)
            })
            .collect();
        // two banks over there, two laws here; what is the same but for signs counts before what has more words
        assert_eq!(
            told,
            [
                "Health & Care = Health-care Signs",
                "Food & drink = Food/Drink Signs",
                "Retial store = Retail store Spelling"
            ]
        );
        assert!(found.iter().all(|one| one.both));
    }

    #[test]
    fn a_suggestion_for_what_has_a_partner_already_leads_one_way() {
        let here = [("a", "Bank"), ("b", "Bank house")];
        let there = [("1", "Bank")];
        let (schema, field) = (schema(&here, &there), field(Some(AutoPairs::Label), &[]));
        let found = suggestions(&field, &schema, &rows(&field, &schema, None));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].end.label.as_str(), found[0].label.as_str(), found[0].both),
            ("Bank house", "Bank", false)
        );
    }

    #[test]
    fn won_is_not_paired_with_lost() {
        let mut schema = schema(&[("won", "Closed won"), ("open", "Quote")], &[("/1", "Won"), ("/2", "Lost")]);
        schema.hubspot.fields[0].options[0].outcome = Some(StageOutcome::Won);
        schema.connectwise.fields[0].options[0].outcome = Some(StageOutcome::Won);
        schema.connectwise.fields[0].options[1].outcome = Some(StageOutcome::Lost);
        let field = field(None, &[]);
        assert_eq!(refusal(&field, &schema, "won", "/1"), None);
        assert_eq!(refusal(&field, &schema, "won", "/2").as_deref(), Some("Closed won is won, Lost is lost"));
        assert_eq!(refusal(&field, &schema, "open", "/2"), None);
    }

    #[test]
    fn of_several_options_a_person_says_which_comes_first() {
        let mut schema = schema(&HERE, &THERE);
        schema.connectwise.fields[0].kind = FieldKind::MultiChoice;
        let mut field = field(Some(AutoPairs::Label), &[]);
        assert_eq!(several(&field, &schema), Some(System::ConnectWise));
        let from = System::ConnectWise;
        assert!(rank(&mut field, from, "3", false).contains("one way"));
        rank(&mut field, from, "1", false);
        rank(&mut field, from, "1", false);
        let order = |field: &FieldMapping| field.values.as_ref().unwrap().priority.clone();
        assert_eq!((order(&field), field.direction), (vec!["1".to_owned(), "3".to_owned()], Direction::ToHubspot));
        let ranks: Vec<_> = rows(&field, &schema, None).iter().filter_map(|row| row.rank).collect();
        assert_eq!(ranks, [0, 1]);
        rank(&mut field, from, "3", true);
        assert_eq!(order(&field), ["1"], "behind the last one it leaves the order");
    }

    proptest! {
        #[test]
        fn what_changes_one_way_keeps_every_other(
            auto in prop::option::of(Just(AutoPairs::Label)),
            pairs in prop::collection::vec((0..4usize, 0..4usize), 0..7),
            back in any::<bool>(),
            key in 0..4usize,
            to in 0..4usize,
        ) {
            let schema = schema(&HERE, &THERE);
            let pairs: Vec<_> = pairs.iter().map(|(here, there)| (HERE[*here].0, THERE[*there].0)).collect();
            let mut field = field(auto, &pairs);
            let before = FieldRule::new(&field, &schema);
            let (from, near, far) = if back { (System::ConnectWise, THERE, HERE) } else { (System::HubSpot, HERE, THERE) };
            let (key, to) = (near[key].0, far[to].0);
            lead(&mut field, &schema, from, key, to);
            let after = FieldRule::new(&field, &schema);
            prop_assert_eq!(after.partner(from, key), Some(to));
            for (other, _) in near.iter().filter(|(other, _)| *other != key) {
                prop_assert_eq!(after.partner(from, other), before.partner(from, other), "{}", other);
            }
            let was = before.partner(from.other(), to).filter(|was| *was != key && before.partner(from, was) == Some(to));
            if let Some(was) = was {
                prop_assert_eq!(after.partner(from.other(), to), Some(was), "the way back");
            }
        }
    }
}
