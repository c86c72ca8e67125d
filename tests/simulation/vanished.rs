//! Ten thousand companies are known, and a list shows none of them: the run is held, nobody is doubted one by one, and when
//! the list is there again everything goes on as if nothing had been.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

use std::collections::BTreeMap;

use lockstep::engine::core::request::{AnswerBody, Request, RequestBody};
use lockstep::engine::core::state::{Agreed, CursorKey, Feed, Link, LinkOrigin, LinkState, Observation, Run, Verdict};
use lockstep::mapping::{Guards, Rules};
use lockstep::model::{BySystem, LinkId, ObjectKind, RecordId, RecordRef, System, Timestamp};

use crate::fields::{self, SPECS, Shape, Spec};
use crate::scenario::Clockwork;
use crate::server::{By, EPOCH, Mutation};
use crate::single::{self, Single};

const CLOCKWORK: Clockwork = Clockwork { poll: 60, index_lag: 600, settled: 120, sweep: 600, flight: 180 };
const KNOWN: u32 = 10_000;
const COMPANY: ObjectKind = ObjectKind::Company;
/// Steps after which a test is lost.
const MOST: u32 = 100_000;

/// Two systems with as many companies, each linked with its partner, and all of it known.
struct World {
    single: Single,
    /// Whose list of companies shows nothing.
    hides: Option<System>,
    /// What was asked about companies, and what became of it.
    asked: Vec<(System, RequestBody)>,
    written: Vec<Mutation>,
}

fn rules() -> Rules {
    fields::rules(0b11, &CLOCKWORK, &Guards::default(), &fields::schemas())
}

fn name() -> &'static Spec {
    SPECS.iter().find(|spec| spec.object == COMPANY && spec.shape == Shape::Name).unwrap()
}

impl World {
    fn new() -> Self {
        let mut world = Self { single: Single::new(), hides: None, asked: Vec::new(), written: Vec::new() };
        assert_eq!(world.run().verdict, Verdict::Done, "both systems are read while they are empty");
        for n in 0..KNOWN {
            world.pair(n);
        }
        world.written.clear();
        world
    }

    fn pair(&mut self, n: u32) {
        let (now, at) = (self.single.now, Timestamp(EPOCH + self.single.now));
        let name = name();
        let mut insert = |system: System, field: &str, stamp: Option<String>| {
            let values = [(field.into(), name.value(system, n))];
            let by = By::User { settled: true };
            self.single.servers[system].insert(now, by, COMPANY, &values, stamp, &mut self.written)
        };
        let connectwise = insert(System::ConnectWise, name.connectwise, None);
        let hubspot = insert(System::HubSpot, name.hubspot, Some(format!("company:{connectwise}")));
        let ids = BySystem::new(hubspot, connectwise);
        for system in System::BOTH {
            let of = RecordRef::new(COMPANY, system, ids[system]);
            let body =
                RequestBody::Read { fields: rules_of_companies().watched[system].clone(), ids: vec![ids[system]] };
            let AnswerBody::Records { mut found } = self.served(system, body) else { panic!("not read") };
            let record = found.pop().unwrap().1.unwrap();
            let seen = Observation { of, record, seen: at, keys: Vec::new(), gone: false, merged_into: None };
            self.single.store.observations.insert(of, seen);
        }
        let agreed = Agreed {
            hubspot: name.value(System::HubSpot, n),
            connectwise: name.value(System::ConnectWise, n),
            at,
            supposed: false,
            beside: BySystem::default(),
        };
        let link = Link {
            id: LinkId(u64::from(n) + 1),
            object: COMPANY,
            hubspot,
            connectwise,
            state: LinkState::Active,
            origin: LinkOrigin::Stamp,
            created: at,
            baseline: BTreeMap::from([(name.key(), agreed)]),
            recent: BTreeMap::new(),
            own: BySystem::default(),
        };
        for system in System::BOTH {
            self.single.store.link_by_record.insert(link.record(system), link.id);
        }
        self.single.store.links.insert(link.id, link);
    }

    fn served(&mut self, system: System, body: RequestBody) -> AnswerBody {
        let priority = lockstep::engine::core::request::Priority::Pull;
        let request = Request { system, object: COMPANY, priority, run: None, body };
        self.single.serve(&request, &mut self.written)
    }

    fn run(&mut self) -> Run {
        self.asked.clear();
        single::run(self, rules(), MOST).unwrap()
    }

    /// The next run reads all records, as it does once a day, or as if for the first time.
    fn is_to_list(&mut self, feed: Feed) {
        match feed {
            Feed::Sweep => self.single.now += 1000 * i64::try_from(CLOCKWORK.sweep).unwrap() + 1,
            _ => self.single.store.cursors.retain(|key, _| (key.object, key.feed) != (COMPANY, Feed::Backfill)),
        }
    }

    fn assert_nobody_doubted(&self, what: &str) {
        assert_eq!(self.written.len(), 0, "{what}: {:?}", self.written.first());
        let active = self.single.store.links.values().filter(|link| link.state == LinkState::Active).count();
        assert_eq!(active, KNOWN as usize, "{what}");
        assert!(self.single.store.observations.values().all(|known| known.is_live() && !known.is_in_doubt()), "{what}");
    }
}

impl single::World for World {
    fn single(&mut self) -> &mut Single {
        &mut self.single
    }

    fn answer(&mut self, request: &Request) -> AnswerBody {
        if request.object == COMPANY && request.body != RequestBody::Identify {
            self.asked.push((request.system, request.body.clone()));
        }
        let is_list = matches!(request.body, RequestBody::List { archived: false, .. });
        if is_list && request.object == COMPANY && self.hides == Some(request.system) {
            return AnswerBody::Page {
                records: Vec::new(),
                last: None,
                more: false,
                unread: Vec::new(),
                others: Vec::new(),
                merged: Vec::new(),
                parents: Vec::new(),
            };
        }
        self.single.serve(request, &mut self.written)
    }
}

fn rules_of_companies() -> std::sync::Arc<lockstep::mapping::ObjectRules> {
    static RULES: std::sync::OnceLock<std::sync::Arc<lockstep::mapping::ObjectRules>> = std::sync::OnceLock::new();
    RULES.get_or_init(|| std::sync::Arc::new(rules().object(COMPANY).unwrap().clone())).clone()
}

#[test]
fn i14_a_list_that_shows_none_of_ten_thousand_holds_the_run_and_doubts_nobody() {
    for feed in [Feed::Backfill, Feed::Sweep] {
        for system in System::BOTH {
            let what = format!("{feed:?} of {system}");
            let mut world = World::new();
            world.is_to_list(feed);
            world.hides = Some(system);
            let Verdict::Held { reason, .. } = world.run().verdict else { panic!("{what}: not held") };
            assert_eq!(reason, format!("{system} shows no companies at all; 10000 were known"));
            let asked: Vec<_> = world.asked.iter().filter(|(of, _)| *of == system).collect();
            assert!(
                matches!(asked.as_slice(), [(_, RequestBody::List { archived: false, after: None, .. })]),
                "{what}: one look, and nobody is read one by one: {asked:?}"
            );
            assert!(!world.single.store.dirty.keys().any(|of| of.system == system), "{what}");
            world.assert_nobody_doubted(&what);
            let cursor = world.single.store.cursors.get(&CursorKey { system, object: COMPANY, feed });
            let passed = cursor.and_then(|cursor| cursor.completed);
            assert!(
                passed.is_none_or(|at| at < Timestamp(EPOCH + world.single.now - 60_000)),
                "{what}: it is not read"
            );

            if feed == Feed::Backfill {
                // that everything is decided on anew then has tests of its own
                continue;
            }
            world.hides = None;
            assert_eq!(world.run().verdict, Verdict::Done, "{what}");
            let shown = world.asked.iter().filter(|(of, body)| {
                *of == system && matches!(body, RequestBody::List { archived: false, after: Some(RecordId(_)), .. })
            });
            assert!(shown.count() > 8, "{what}: the list is read when it is there again");
            world.assert_nobody_doubted(&what);
        }
    }
}
