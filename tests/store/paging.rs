//! Lists of any length, a page at a time, in both directions, while rows change.

use std::collections::BTreeSet;

use lockstep::engine::core::command::Row;
use lockstep::engine::core::state::{Issue, IssueClass, RecordState, Status};
use lockstep::model::*;
use lockstep::store::Reader;
use lockstep::store::rows::{Direction, IssueKey, IssueQuery, StatusKey, StatusQuery};

use crate::samples::*;

const ROWS: u64 = 10_000;

/// Names repeat, differ in case only, and use several scripts: ties and folding are the hard part.
fn name(id: u64) -> String {
    let word = ["acme", "Acme", "ÄCME", "äcme", "zeta", ""][usize::try_from(id % 6).unwrap()];
    format!("{word} {}", id % 97)
}

fn many() -> Vec<Row> {
    let state = |id| RecordState::ALL[usize::try_from(id / 6 % 3).unwrap()];
    (0..ROWS).map(|id| Row::Status(status(id * 7 % ROWS, &name(id), state(id)))).collect()
}

fn walk(reader: &Reader, query: &StatusQuery, direction: Direction) -> Vec<Status> {
    let mut all: Vec<Status> = Vec::new();
    let mut from = None;
    loop {
        let page = reader.status_page(query, from.as_ref(), direction, 137).unwrap();
        let edge = match direction {
            Direction::Forward => page.last(),
            Direction::Backward => page.first(),
        };
        let Some(edge) = edge else { return all };
        from = Some(StatusKey::of(edge));
        match direction {
            Direction::Forward => all.extend(page),
            Direction::Backward => all = page.into_iter().chain(all).collect(),
        }
    }
}

#[test]
fn paging_visits_every_row_once_in_both_directions() {
    let (_place, _writer, reader) = Place::with(many());
    let all = StatusQuery::all(COMPANY);
    let held = StatusQuery { state: Some(RecordState::Held), ..all.clone() };
    let found = StatusQuery { search: Some(" äCME 9".to_owned()), ..all.clone() };
    let both = StatusQuery { state: Some(RecordState::Held), ..found.clone() };
    for query in [&all, &held, &found, &both] {
        let forward = walk(&reader, query, Direction::Forward);
        assert_eq!(forward, walk(&reader, query, Direction::Backward), "{query:?}");
        assert!(forward.windows(2).all(|pair| StatusKey::of(&pair[0]) < StatusKey::of(&pair[1])), "{query:?}");
        assert_eq!(reader.status_count(query).unwrap(), forward.len() as u64, "{query:?}");
        assert!(query.state.is_none_or(|state| forward.iter().all(|row| row.state == state)));
    }
    assert_eq!(walk(&reader, &all, Direction::Forward).len() as u64, ROWS);
    let expected = (0..ROWS).filter(|id| name(*id).to_lowercase().contains("äcme 9")).count();
    assert_eq!(walk(&reader, &found, Direction::Forward).len(), expected);
    assert!(expected > 100 && walk(&reader, &both, Direction::Forward).len() > 10, "the sample is too thin");
}

#[test]
fn a_page_is_stable_while_other_rows_change() {
    let (_place, writer, reader) = Place::with(many());
    let query = StatusQuery::all(COMPANY);
    let before: BTreeSet<u64> = (0..ROWS).collect();
    let mut visited = Vec::new();
    let mut from = None;
    let mut round = 0;
    loop {
        let page = reader.status_page(&query, from.as_ref(), Direction::Forward, 500).unwrap();
        let Some(last) = page.last() else { break };
        from = Some(StatusKey::of(last));
        visited.extend(page.iter().filter_map(|row| row.hubspot).map(|id| id.0));
        // New rows come before and behind the page, and the rows of the page change their state.
        round += 1;
        let changed = page.iter().take(50).map(|row| Status { state: RecordState::Gone, ..row.clone() });
        let fresh = [("!", 1), ("zz", 2)].map(|(name, n)| status(ROWS + 10 * round + n, name, RecordState::Pending));
        commit(&writer, changed.chain(fresh).map(Row::Status).collect());
    }
    let old: Vec<u64> = visited.iter().copied().filter(|id| *id < ROWS).collect();
    assert_eq!(old.len() as u64, ROWS, "a row was shown twice or not at all");
    assert_eq!(old.into_iter().collect::<BTreeSet<_>>(), before);
}

#[test]
fn records_are_found_by_name_id_and_match_key() {
    let pair = Status { connectwise: Some(RecordId(4711)), ..status(815, "Müller & Sons", RecordState::InSync) };
    let rows = vec![
        Row::Observation(observation(hubspot(815))),
        Row::Status(pair.clone()),
        Row::Status(status(816, "Other", RecordState::InSync)),
    ];
    let (_place, _writer, reader) = Place::with(rows);
    for text in ["MÜLLER", "815", "4711", "company-815.EXAMPLE", "r & s"] {
        let query = StatusQuery { search: Some(text.to_owned()), ..StatusQuery::all(COMPANY) };
        assert_eq!(reader.status_page(&query, None, Direction::Forward, 9).unwrap(), std::slice::from_ref(&pair));
        assert_eq!(reader.status_count(&query).unwrap(), 1, "{text}");
    }
    let query = StatusQuery { search: Some("%".to_owned()), ..StatusQuery::all(COMPANY) };
    assert_eq!(reader.status_page(&query, None, Direction::Forward, 9).unwrap(), []);
}

#[test]
fn issues_are_paged_newest_first_and_grouped_by_cause() {
    let mut rows: Vec<Row> = (0..300)
        .map(|id| issue(hubspot(id), IssueClass::UnmappedValue, 1000 + (id % 7) as i64))
        .map(Row::Issue)
        .collect();
    rows.push(Row::Issue(issue(connectwise(1), IssueClass::Transient, 5)));
    let (_place, _writer, reader) = Place::with(rows);
    let groups = reader.issue_groups().unwrap();
    assert_eq!(groups.len(), 2);
    assert_eq!((groups[0].template.as_str(), groups[0].count), ("`…` has no partner", 300));
    assert_eq!((groups[0].first, groups[0].last), (Timestamp(1000), Timestamp(1007)));
    let cause = IssueQuery { class: Some(groups[0].class), template: Some(groups[0].template.clone()) };
    for (query, expected) in [(IssueQuery::default(), 301), (cause, 300)] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = reader.issues_page(&query, after.as_ref(), 41).unwrap();
            let Some(last) = page.last() else { break };
            after = Some(IssueKey::of(last));
            seen.extend(page);
        }
        assert_eq!(seen.len(), expected);
        assert!(seen.windows(2).all(|pair| pair[0].first >= pair[1].first));
        assert_eq!(seen.iter().map(|issue| issue.record).collect::<BTreeSet<_>>().len(), expected);
    }
    assert_eq!((reader.issue_count().unwrap(), reader.issues_for_people().unwrap()), (301, 300));
}

/// A record that cannot be read is read again by itself; after an hour of that it is counted among what needs a person.
#[test]
fn what_stays_unreadable_for_an_hour_is_counted_for_people() {
    const HOUR: i64 = 3_600_000;
    let lasting = |id, millis| {
        let first = issue(hubspot(id), IssueClass::Unreadable, 1000);
        Row::Issue(Issue { last: Timestamp(1000 + millis), ..first })
    };
    let (_place, _writer, reader) = Place::with(vec![lasting(1, HOUR - 1), lasting(2, HOUR), lasting(3, 9 * HOUR)]);
    assert_eq!((reader.issue_count().unwrap(), reader.issues_for_people().unwrap()), (3, 2));
    let told = reader.issues_page(&IssueQuery::default(), None, 9).unwrap();
    assert_eq!(told.iter().filter(|issue| issue.needs_person()).count(), 2, "both count alike");
    let failing = Issue { last: Timestamp(9 * HOUR), ..issue(hubspot(4), IssueClass::Transient, 0) };
    assert!(!failing.needs_person(), "what is tried again may pass at any time");
}

#[test]
fn observations_are_scanned_by_id() {
    let rows = (0..1000).map(|id| Row::Observation(observation(connectwise(id * 3)))).collect();
    let (_place, _writer, reader) = Place::with(rows);
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = reader.observations_after(COMPANY, System::ConnectWise, after, 99).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.of.id);
        ids.extend(page.iter().map(|observation| observation.of.id.0));
    }
    assert_eq!(ids, (0..1000).map(|id| id * 3).collect::<Vec<_>>());
}
