//! Which records a search finds, and in which order, over what the index knows of each.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use super::collection::{Collection, Record, Version};
use super::kinds::KindRef;
use super::portal::Portal;
use super::schema::PropertyId;
use super::search_filters::{Filter, Groups, Nature, Op, Sort, Subject, number};

pub(crate) struct Query<'a> {
    pub kind: KindRef,
    pub groups: &'a Groups,
    /// In small letters.
    pub words: Option<&'a str>,
    pub sort: Option<Sort>,
}

/// A record, and the version of it that search knows.
pub(crate) type Row<'a> = (&'a Record, &'a Version);

pub(crate) struct Page<'a> {
    pub total: usize,
    pub rows: Vec<Row<'a>>,
}

pub(crate) fn find<'a>(portal: &'a Portal, now: i64, query: &Query<'_>, window: Range<usize>) -> Page<'a> {
    let collection = portal.of(query.kind);
    let matches = |row: &Row<'a>| {
        let fits = |filter: &Filter| holds(portal, collection, *row, filter);
        (query.groups.is_empty() || query.groups.iter().any(|group| group.iter().all(fits)))
            && query.words.is_none_or(|words| mentions(collection, *row, words))
    };
    let rows = candidates(collection, now, query.groups)
        .filter(|record| record.is_living())
        .filter_map(|record| record.indexed(now).map(|version| (record, version)));
    let known = &collection.known;
    let by_id = query.sort.is_some_and(|sort| sort.property == known.object_id && !sort.descending);
    if by_id {
        // Candidates come in the order of their ids: the page needs no sorting, only counting.
        let mut found: Vec<Row<'a>> = rows.filter(matches).collect();
        let total = found.len();
        found.truncate(window.end);
        return Page { total, rows: found.split_off(window.start.min(found.len())) };
    }
    let mut rows: Vec<Row<'a>> = rows.filter(matches).collect();
    match query.sort {
        Some(sort) if sort.property == known.object_id => {
            rows.sort_unstable_by(|a, b| directed(a.0.id.cmp(&b.0.id), sort.descending));
        }
        Some(sort) => sort_rows(collection, &mut rows, sort),
        None => rows.sort_unstable_by_key(|(record, _)| (record.created, record.id)),
    }
    let total = rows.len();
    let rows = rows.into_iter().skip(window.start).take(window.len()).collect();
    Page { total, rows }
}

fn directed(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

fn is_modified(collection: &Collection, property: PropertyId) -> bool {
    property == collection.known.modified || property == collection.known.object_modified
}

fn sort_rows(collection: &Collection, rows: &mut [Row<'_>], sort: Sort) {
    if is_modified(collection, sort.property) {
        rows.sort_by(|a, b| directed(a.1.modified.cmp(&b.1.modified), sort.descending).then(a.0.id.cmp(&b.0.id)));
        return;
    }
    if sort.is_number {
        let key = |row: &Row<'_>| {
            let value = row.1.get(sort.property).and_then(|v| number(Nature::Number, v));
            value.unwrap_or(f64::NEG_INFINITY)
        };
        rows.sort_by(|a, b| directed(key(a).total_cmp(&key(b)), sort.descending).then(a.0.id.cmp(&b.0.id)));
        return;
    }
    let key = |row: &Row<'_>| (collection.value(row.0, row.1, sort.property).map(|v| v.to_lowercase()), row.0.id);
    let mut keyed: Vec<_> = rows.iter().map(|row| (key(row), *row)).collect();
    keyed.sort_by(|((a, x), _), ((b, y), _)| directed(a.cmp(b), sort.descending).then(x.cmp(y)));
    for (slot, (_, row)) in rows.iter_mut().zip(keyed) {
        *slot = row;
    }
}

/// The records that can match at all, in id order: a range of ids or of change times where every group gives one.
fn candidates<'a>(collection: &'a Collection, now: i64, groups: &Groups) -> Box<dyn Iterator<Item = &'a Record> + 'a> {
    let (mut least_id, mut least_modified) = (u64::MAX, i64::MAX);
    for group in groups {
        let id = lower_bound(group, |p| p == collection.known.object_id).and_then(|n| u64::try_from(n).ok());
        least_id = least_id.min(id.unwrap_or(0));
        least_modified = least_modified.min(lower_bound(group, |p| is_modified(collection, p)).unwrap_or(i64::MIN));
    }
    if groups.is_empty() {
        (least_id, least_modified) = (0, i64::MIN);
    }
    if least_modified > i64::MIN {
        // An older version may still be indexed: records that lag are looked at, whatever their last change.
        let recent = collection.by_modified.range((least_modified, 0)..).map(|(_, id)| *id);
        let lagging = collection.lagging.iter().filter(move |(_, until)| **until > now).map(|(id, _)| *id);
        let mut ids: Vec<u64> = recent.chain(lagging).filter(|id| *id >= least_id).collect();
        ids.sort_unstable();
        ids.dedup();
        return Box::new(ids.into_iter().filter_map(|id| collection.records.get(&id)));
    }
    Box::new(collection.records.range(least_id..).map(|(_, record)| record))
}

/// The least value that all filters of a group leave for a numeric property.
#[expect(clippy::cast_possible_truncation, reason = "a bound that saturates still bounds")]
fn lower_bound(group: &[Filter], is_it: impl Fn(PropertyId) -> bool) -> Option<i64> {
    let about = |f: &&Filter| matches!(f.subject, Subject::Property(p) if is_it(p));
    let bounds = group.iter().filter(about).filter(|f| matches!(f.op, Op::Gt | Op::Gte | Op::Eq | Op::Between));
    bounds.filter_map(|f| f.numbers.first()).map(|n| *n as i64).max()
}

#[expect(clippy::cast_precision_loss, reason = "ids and milliseconds stay far below 2^53")]
fn numeric_value(
    collection: &Collection,
    (record, version): Row<'_>,
    property: PropertyId,
    nature: Nature,
) -> Option<f64> {
    if property == collection.known.object_id {
        return Some(record.id as f64);
    }
    if is_modified(collection, property) {
        return Some(version.modified as f64);
    }
    let stored = version.get(property).and_then(|v| number(nature, v));
    let is_created = property == collection.known.created || property == collection.known.object_created;
    stored.or_else(|| is_created.then_some(record.created as f64))
}

fn holds(portal: &Portal, collection: &Collection, row: Row<'_>, filter: &Filter) -> bool {
    let property = match filter.subject {
        Subject::Association(other) => {
            let mut ids = filter.values.iter().filter_map(|id| id.parse::<u64>().ok());
            return ids.any(|id| !portal.links.of_pair(row.0.id, other, portal.resolve(id)).is_empty());
        }
        Subject::Property(property) => property,
    };
    if matches!(filter.nature, Nature::Number | Nature::Time) {
        return compare_numbers(numeric_value(collection, row, property, filter.nature), filter);
    }
    let value: Option<Cow<'_, str>> = collection.value(row.0, row.1, property);
    let Some(value) = value.filter(|v| !v.is_empty()) else {
        // Nothing is not different from anything: NEQ finds records with a value only.
        return matches!(filter.op, Op::HasNot | Op::NotIn | Op::NotToken);
    };
    let is_list = collection.schema.get(property).is_some_and(|p| p.is_multiple());
    if is_list && matches!(filter.op, Op::In | Op::NotIn | Op::Token | Op::NotToken) {
        let found = value.split(';').any(|part| filter.values.iter().any(|v| v == part));
        return found == matches!(filter.op, Op::In | Op::Token);
    }
    let value = if filter.nature == Nature::Text { Cow::Owned(value.to_lowercase()) } else { value };
    compare_texts(&value, filter)
}

fn compare_texts(value: &str, filter: &Filter) -> bool {
    let first = filter.values.first().map_or("", String::as_str);
    match filter.op {
        Op::Eq => value == first,
        Op::Neq => value != first,
        Op::Lt => value < first,
        Op::Lte => value <= first,
        Op::Gt => value > first,
        Op::Gte => value >= first,
        Op::Between => value >= first && filter.values.last().is_some_and(|high| value <= high.as_str()),
        Op::In => filter.values.iter().any(|v| v == value),
        Op::NotIn => filter.values.iter().all(|v| v != value),
        Op::Has => true,
        Op::HasNot => false,
        Op::Token => has_token(value, first),
        Op::NotToken => !has_token(value, first),
    }
}

fn compare_numbers(value: Option<f64>, filter: &Filter) -> bool {
    let Some(value) = value else {
        return matches!(filter.op, Op::HasNot | Op::NotIn | Op::NotToken);
    };
    let first = filter.numbers.first().copied().unwrap_or(f64::NAN);
    let same = |n: &f64| n.total_cmp(&value) == Ordering::Equal;
    match filter.op {
        Op::Eq | Op::Token => same(&first),
        Op::Neq | Op::NotToken => !same(&first),
        Op::Lt => value < first,
        Op::Lte => value <= first,
        Op::Gt => value > first,
        Op::Gte => value >= first,
        Op::Between => value >= first && filter.numbers.last().is_some_and(|high| value <= *high),
        Op::In => filter.numbers.iter().any(same),
        Op::NotIn => !filter.numbers.iter().any(same),
        Op::Has => true,
        Op::HasNot => false,
    }
}

/// Whether all words of `pattern` are words of `value`; `*` stands for any letters.
fn has_token(value: &str, pattern: &str) -> bool {
    let tokens: Vec<&str> = words(value).collect();
    let matches = |word: &str| tokens.iter().any(|token| glob(token, word));
    pattern
        .split_whitespace()
        .all(|part| if part.contains('*') { matches(part) || glob(value, part) } else { words(part).all(matches) })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty())
}

/// Linear in text times pattern: a pattern from outside must not make the simulator hang.
fn glob(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(head) = parts.next() else { return text.is_empty() };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(tail) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(tail)
}

fn mentions(collection: &Collection, (_, version): Row<'_>, query: &str) -> bool {
    let searched = collection.kind.searched.iter().filter_map(|name| collection.schema.any_id(name));
    let all: Vec<String> = searched.filter_map(|id| version.get(id)).map(str::to_lowercase).collect();
    query.split_whitespace().all(|word| all.iter().any(|value| value.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        let table = [
            ("ab*", "abc", true),
            ("*bc", "abc", true),
            ("a*c", "abbbc", true),
            ("a*c", "abd", false),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(glob(text, pattern), expected, "{pattern} on {text}");
        }
    }
}
