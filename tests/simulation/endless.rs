//! A list that names ever more records: it is given up with a word, and nothing that was known suffers.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

use lockstep::engine::core::request::{AnswerBody, Failure, Rejection, RejectionKind, Request, RequestBody};
use lockstep::engine::core::state::{Cursor, CursorKey, Feed, Observation, Run, Verdict};
use lockstep::mapping::Guards;
use lockstep::model::{Fields, ObjectKind, Record, RecordId, RecordRef, System, Timestamp};

use crate::fields;
use crate::scenario::Clockwork;
use crate::server::EPOCH;
use crate::single::{self, Single};

const CLOCKWORK: Clockwork = Clockwork { poll: 60, index_lag: 600, settled: 120, sweep: 600, flight: 180 };
/// Steps after which a test is lost.
const MOST: u32 = 1_200_000;

/// Two systems, one of which has a strange list of companies.
struct World {
    single: Single,
    system: System,
    /// The strange list: how many records it has in all, and on a page.
    length: u64,
    page: u64,
    /// What it is counted as.
    counted: Result<Option<u64>, Failure>,
    pages: u32,
    counts: u32,
    /// So many pages end the run.
    enough: u32,
}

impl World {
    fn new(system: System, length: u64, page: u64, counted: Option<u64>) -> Self {
        let single = Single::new();
        Self { single, system, length, page, counted: Ok(counted), pages: 0, counts: 0, enough: 0 }
    }

    /// One run, or as much of it as `pages` pages of the strange list let it live.
    fn run(&mut self, pages: u32) -> Option<Run> {
        (self.pages, self.counts) = (0, 0);
        self.enough = pages;
        let rules = fields::rules(0b11, &CLOCKWORK, &Guards::default(), &fields::schemas());
        single::run(self, rules, MOST)
    }

    /// Deleted companies, which nothing is to be done about; where the page is to have none, none.
    fn strange(&self, after: u64) -> AnswerBody {
        let last = after.saturating_add(self.page.max(1)).min(self.length);
        let shown = if self.page == 0 { 0..0 } else { after..last };
        let records = shown.map(|before| deleted(before + 1)).collect();
        AnswerBody::Page {
            records,
            last: Some(RecordId(last)),
            more: last < self.length,
            unread: Vec::new(),
            others: Vec::new(),
            merged: Vec::new(),
            parents: Vec::new(),
        }
    }

    fn cursor(&self, feed: Feed) -> Option<&Cursor> {
        self.single.store.cursors.get(&CursorKey { system: self.system, object: ObjectKind::Company, feed })
    }

    fn place(&self, feed: Feed) -> Option<RecordId> {
        self.cursor(feed)?.pass?.after
    }
}

impl single::World for World {
    fn single(&mut self) -> &mut Single {
        &mut self.single
    }

    fn answer(&mut self, request: &Request) -> AnswerBody {
        let is_strange = (request.system, request.object) == (self.system, ObjectKind::Company);
        match &request.body {
            RequestBody::List { archived: false, after, .. } | RequestBody::Changes { after, .. } if is_strange => {
                self.pages += 1;
                self.strange(after.map_or(0, |after| after.0))
            }
            RequestBody::Count { .. } if is_strange => {
                self.counts += 1;
                match self.counted.clone() {
                    Ok(records) => AnswerBody::Counted { records },
                    Err(failure) => AnswerBody::Failed(failure),
                }
            }
            _ => self.single.serve(request, &mut Vec::new()),
        }
    }

    fn has_seen_enough(&self) -> bool {
        self.pages == self.enough
    }
}

fn deleted(id: u64) -> Record {
    Record { archived: true, ..Record::new(RecordId(id), Timestamp(EPOCH - 1000), Fields::new()) }
}

fn stopped(run: Option<Run>) -> String {
    match run.map(|run| run.verdict) {
        Some(Verdict::Stopped(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn is_done(run: Option<Run>) -> bool {
    run.is_some_and(|run| run.verdict == Verdict::Done)
}

#[test]
fn i21_a_list_without_end_is_given_up_by_what_the_system_counts() {
    let mut world = World::new(System::ConnectWise, u64::MAX, 200, Some(37));
    let reason = stopped(world.run(u32::MAX));
    assert!(reason.starts_with("ConnectWise's list of companies has no end: it brought 2000 records and counts 37."));
    assert!(reason.contains("The next run"), "{reason}");
    assert_eq!((world.pages, world.counts), (10, 1));
    // It is not gone on with, nor taken for read.
    let cursor = world.cursor(Feed::Backfill).unwrap();
    assert_eq!((cursor.pass, cursor.completed), (None, None));
    // Once the list has an end, it is read from its beginning.
    (world.length, world.counted) = (500, Ok(Some(500)));
    assert!(is_done(world.run(u32::MAX)));
    assert_eq!((world.pages, world.cursor(Feed::Backfill).unwrap().completed.is_some()), (3, true));
}

#[test]
fn i21_changes_without_end_are_given_up_and_the_feed_stays_where_it_was() {
    for system in System::BOTH {
        let mut world = World::new(system, 0, 200, Some(0));
        assert!(is_done(world.run(u32::MAX)), "{system}");
        // Beyond a small portal, which is read as a whole.
        for id in 1..=1001 {
            let of = RecordRef::new(ObjectKind::Company, system, RecordId(id));
            let record = Record { archived: false, ..deleted(id) };
            let seen =
                Observation { of, record, seen: Timestamp(EPOCH), keys: Vec::new(), gone: false, merged_into: None };
            world.single.store.observations.insert(of, seen);
        }
        let from = world.cursor(Feed::Hot).unwrap().from;
        (world.length, world.counted) = (u64::MAX, Ok(Some(499)));
        let reason = stopped(world.run(u32::MAX));
        assert!(reason.contains("counts 499"), "{system}: {reason}");
        let cursor = world.cursor(Feed::Hot).unwrap();
        assert_eq!((cursor.from, cursor.pass, world.pages), (from, None, 10), "{system}");
    }
}

#[test]
fn a_long_list_is_counted_at_every_doubling_and_read_to_its_end() {
    for counted in [
        Ok(Some(8200)),
        // It grew since, and half of it is of another kind.
        Ok(Some(4000)),
        Ok(None),
        Err(Failure::Denied { message: "no".into(), hint: String::new() }),
        Err(Failure::Rejected(Rejection { kind: RejectionKind::NotFound, message: "no".into(), fields: Vec::new() })),
        Err(Failure::Unknown("500".into())),
        Err(Failure::Throttled { retry_after: std::time::Duration::from_secs(1), message: "no".into() }),
    ] {
        let mut world = World::new(System::ConnectWise, 8200, 200, None);
        world.counted = counted.clone();
        assert!(is_done(world.run(u32::MAX)), "{counted:?}");
        assert_eq!((world.pages, world.counts), (41, 3), "{counted:?}");
    }
}

#[test]
fn i11_a_list_without_end_is_found_out_after_a_crash_too_and_an_honest_one_goes_on() {
    for (length, ends) in [(u64::MAX, false), (3000, true)] {
        for crash in [1, 9, 10, 11] {
            let mut world = World::new(System::ConnectWise, length, 200, Some(500));
            if ends {
                world.counted = Ok(Some(3000));
            }
            assert_eq!(world.run(crash), None);
            let place = world.place(Feed::Backfill);
            assert_eq!(place.is_some(), crash > 1, "the page of the crash was not taken in");
            let run = world.run(u32::MAX);
            let known = u32::try_from(place.map_or(0, |place| place.0)).unwrap() / 200;
            if ends {
                assert!(is_done(run));
                assert_eq!(world.pages, 15 - known, "what was read is not read again");
            } else {
                stopped(run);
                assert_eq!((world.pages, world.place(Feed::Backfill)), (20, None));
            }
        }
    }
}

/// HubSpot's list of all records has no count.
#[test]
fn i21_pages_without_records_or_counts_end_at_the_ceiling() {
    let mut world = World::new(System::HubSpot, u64::MAX, 0, None);
    let reason = stopped(world.run(u32::MAX));
    assert!(reason.contains("it brought 0 records on 500001 pages in one run"), "{reason}");
    assert_eq!((world.pages, world.place(Feed::Backfill)), (500_001, None));
}
