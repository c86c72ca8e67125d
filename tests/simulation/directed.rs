//! Situations worth a test of their own: each fault at every request, a crash at every command, and the five
//! corrections that the protocol once needed.

use lockstep::engine::core::state::{IntentState, Issue, IssueClass, LinkOrigin, LinkState};
use lockstep::model::{BySystem, ObjectKind, Schema, System};

use crate::clocks::Clocks;
use crate::faults::Fault;
use crate::fields::{self, COMPANY_COUNT, CONTACTS, PRODUCTS, SPECS, Shape, TICKETS};
use crate::scenario::{Clockwork, Crash, MergedKey, Merges, Newborn, Op, Scenario, Temper, What, When};
use crate::simulation::{Simulation, Trace};
use crate::twin::visible;

const ALL_FIELDS: u64 = (1 << COMPANY_COUNT) - 1;
/// Requests and commands until the world is calm, and some more: what lies beyond changes nothing.
const REQUESTS: u32 = 26;
const COMMANDS: u32 = 60;

/// Two records of one company, one that is only in HubSpot, one that is only in ConnectWise; nothing goes wrong.
pub fn calm() -> Scenario {
    let newborn =
        |side, key, value| Newborn { object: ObjectKind::Company, side, key, parent: None, fields: ALL_FIELDS, value };
    Scenario {
        fields: ALL_FIELDS,
        clockwork: Clockwork { poll: 60, index_lag: 660, settled: 120, sweep: 600, flight: 180 },
        rounds: 8,
        setup: vec![
            newborn(System::HubSpot, Some(1), 1),
            newborn(System::ConnectWise, Some(1), 2),
            newborn(System::HubSpot, Some(2), 3),
            newborn(System::ConnectWise, Some(3), 4),
        ],
        ops: Vec::new(),
        crashes: Vec::new(),
        clocks: Clocks::default(),
        hints: crate::hints::Hints::default(),
        server: Temper {
            skew: BySystem::default(),
            page: 3,
            archived_keeps_key: true,
            lag: false,
            steady_lag: None,
            all_or_nothing: false,
            whole_numbers: false,
            belated: 0,
            meddles: false,
            fills: false,
            slowness: 50,
            merges: Merges { make_new: false, key: MergedKey::OfSurvivor, are_quiet: false, purge: false },
        },
        ..Scenario::draw(1).with_faults(Vec::new())
    }
}

fn at(second: i64, what: What) -> Op {
    Op { when: When::At(second * 1000), what }
}

/// Edits on both sides, one after another, of the same pair.
pub fn with_edits() -> Scenario {
    let edit = |side, pick, field, value| What::Edit { side, pick, field, value };
    let ops = vec![
        at(70, edit(System::HubSpot, 0, 4, 11)),
        at(70, edit(System::ConnectWise, 0, 3, 12)),
        at(130, edit(System::ConnectWise, 0, 4, 13)),
        at(131, edit(System::HubSpot, 0, 8, 14)),
    ];
    Scenario { ops, ..calm() }
}

/// Plays a scenario to its end and insists that every promise was kept.
pub fn play<'a>(scenario: &'a Scenario, schemas: &'a [BySystem<Schema>]) -> Simulation<'a> {
    let mut simulation = Simulation::new(scenario, schemas, Trace::Lines);
    simulation.run();
    let (violations, log) = (&simulation.outcome.violations, &simulation.outcome.log);
    assert!(violations.is_empty(), "{violations:?}\n{scenario:?}\n{}", log.join("\n"));
    simulation
}

pub fn copies_in(simulation: &Simulation<'_>, system: System) -> usize {
    simulation.watch.copies.iter().filter(|((at, _), _)| *at == system).map(|(_, copies)| copies.len()).sum()
}

#[test]
fn i1_two_populated_systems_meet_and_every_record_finds_or_gets_its_partner() {
    let (scenario, schemas) = (calm(), fields::schemas());
    let simulation = play(&scenario, &schemas);
    let active = simulation.store.links.values().filter(|link| link.state == LinkState::Active);
    let active: Vec<_> = active.collect();
    assert_eq!(active.len(), 3);
    for link in active {
        let stamp = simulation.servers.hubspot.records[&link.hubspot].stamp.clone();
        assert_eq!(
            stamp,
            Some(format!("company:{}", link.connectwise)),
            "by it they are found again if the workspace is lost"
        );
    }
    assert_eq!(copies_in(&simulation, System::HubSpot), 1);
    assert_eq!(copies_in(&simulation, System::ConnectWise), 1);
}

#[test]
fn i2_every_fault_at_every_request_is_survived() {
    let schemas = fields::schemas();
    for fault in Fault::ALL {
        for number in 1..=REQUESTS {
            play(&with_edits().with_faults(vec![(number, fault)]), &schemas);
        }
    }
}

#[test]
fn i11_a_crash_before_any_command_ends_in_the_same_state() {
    let schemas = fields::schemas();
    let scenario = calm();
    let undisturbed = visible(&play(&scenario, &schemas));
    for at in 1..=COMMANDS {
        for down in [0, 45_000] {
            let crashes = vec![Crash { at, down, takes_the_store: false }];
            let scenario = Scenario { crashes, ..calm() };
            let simulation = play(&scenario, &schemas);
            assert_eq!(visible(&simulation), undisturbed, "crash before command {at}, {down} ms down");
        }
    }
}

#[test]
fn i11_a_second_crash_while_recovering_changes_nothing() {
    let schemas = fields::schemas();
    let undisturbed = visible(&play(&calm(), &schemas));
    for first in (8..=COMMANDS).step_by(3) {
        for second in 1..=6 {
            let crash = |at| Crash { at, down: 500, takes_the_store: false };
            let scenario = Scenario { crashes: vec![crash(first), crash(first + second)], ..calm() };
            assert_eq!(visible(&play(&scenario, &schemas)), undisturbed, "crashes before {first} and {second} later");
        }
    }
}

/// Correction (a) and (e): the answer to a create is lost, and a user deletes the copy before anybody looks.
#[test]
fn i5_a_copy_deleted_before_it_was_known_is_not_made_again() {
    let schemas = fields::schemas();
    for archived_keeps_key in [true, false] {
        for side in System::BOTH {
            for number in 6..=16 {
                for fault in [Fault::AnswerLost, Fault::Late, Fault::ItemsUnknown] {
                    let delete = |second| at(second, What::Delete { side, pick: 0 });
                    let scenario = Scenario {
                        setup: vec![Newborn {
                            object: ObjectKind::Company,
                            parent: None,
                            side: side.other(),
                            key: Some(1),
                            fields: 3,
                            value: 1,
                        }],
                        ops: (1..12).map(|nth| delete(nth * 15)).collect(),
                        server: Temper { archived_keeps_key, ..calm().server },
                        ..calm()
                    };
                    let scenario = scenario.with_faults(vec![(number, fault)]);
                    assert_eq!(copies_in(&play(&scenario, &schemas), side), 1, "request {number}: {fault:?}");
                }
            }
        }
    }
}

/// Correction (c): a user changes the source between two attempts of its create; the copy carries the first payload.
#[test]
fn i2_a_source_changed_between_two_attempts_is_not_taken_for_its_copy() {
    let schemas = fields::schemas();
    for side in System::BOTH {
        for number in 6..=12 {
            for fault in [Fault::AnswerLost, Fault::Late, Fault::Dropped, Fault::ErrorAfter] {
                let edit = |second, side, value| at(second, What::Edit { side, pick: 0, field: 4, value });
                let scenario = Scenario {
                    setup: vec![Newborn {
                        object: ObjectKind::Company,
                        parent: None,
                        side,
                        key: Some(1),
                        fields: ALL_FIELDS,
                        value: 1,
                    }],
                    ops: vec![edit(20, side, 21), edit(100, side, 22), edit(215, side.other(), 23)],
                    ..calm()
                };
                play(&scenario.with_faults(vec![(number, fault)]), &schemas);
            }
        }
    }
}

/// A user enters by chance what a write of unknown fate was to bring: that is no proof that the write has landed.
#[test]
fn i2_the_same_value_from_a_user_is_not_taken_for_a_write_that_may_still_land() {
    const CHOICE: usize = 10;
    let schemas = fields::schemas();
    for side in System::BOTH {
        let edit = |second, side, value| at(second, What::Edit { side, pick: 0, field: CHOICE, value });
        let ops = vec![
            edit(70, side, 5),
            // ConnectWise wins a conflict: both have entered the same
            edit(140, side.other(), 5),
            edit(150, side, 6),
        ];
        let scenario = Scenario { ops, ..calm() };
        for number in 1..=REQUESTS + 10 {
            for fault in [Fault::Late, Fault::Dropped, Fault::ErrorBefore] {
                play(&scenario.clone().with_faults(vec![(number, fault)]), &schemas);
            }
        }
    }
}

/// A conflict that "latest" decides may have to wait: here for the partner of a company, while another field of the
/// contact is written already. That write does not make HubSpot's side the one that was changed last.
#[test]
fn i2_a_write_of_the_engine_does_not_make_a_side_the_later_one() {
    let schemas = fields::schemas();
    let newborn = |object, side, key, parent, value| Newborn { object, side, key, parent, fields: CONTACTS, value };
    let company = |side, key, value| newborn(ObjectKind::Company, side, Some(key), None, value);
    let setup = vec![
        // two of one key, and their match: held, so that their contacts' company has no partner
        company(System::HubSpot, 1, 1),
        company(System::HubSpot, 1, 2),
        newborn(ObjectKind::Contact, System::HubSpot, Some(2), Some(0), 3),
        company(System::ConnectWise, 3, 4),
        company(System::ConnectWise, 1, 5),
        company(System::ConnectWise, 1, 6),
        newborn(ObjectKind::Contact, System::ConnectWise, Some(2), Some(0), 7),
    ];
    let scenario = Scenario { fields: ALL_FIELDS | CONTACTS, setup, ..calm() };
    let simulation = play(&scenario, &schemas);
    let crossed = simulation.store.history.iter().find(|entry| entry.field.as_str() == "associatedcompanyid");
    let why = crossed.map(|entry| entry.why.as_str());
    assert!(why.is_some_and(|why| why.contains("ConnectWise wins, most recently modified")), "{why:?}");
}

/// A ticket that HubSpot moves to another pipeline moves in ConnectWise too, though what ConnectWise has says nothing of
/// that pipeline: whoever moved it is heard.
#[test]
fn i2_a_ticket_moved_to_a_pipeline_of_which_its_status_says_nothing_moves_on() {
    let schemas = fields::schemas();
    let newborn =
        |object, value| Newborn { object, side: System::HubSpot, key: Some(1), parent: Some(0), fields: 0, value };
    let stage = fields::place_of(ObjectKind::Ticket, Shape::Stage).unwrap_or_default();
    // the numbers of "Waiting" in the pipeline of support and of "New" in that of projects
    let (waiting, new) = (6, 18);
    let scenario = Scenario {
        fields: fields::complete(TICKETS),
        setup: vec![newborn(ObjectKind::Company, 1), newborn(ObjectKind::Ticket, waiting)],
        ops: vec![at(70, What::Edit { side: System::HubSpot, pick: 0, field: stage, value: new })],
        ..calm()
    };
    let simulation = play(&scenario, &schemas);
    let tickets = simulation.servers.connectwise.records.values().filter(|entry| entry.object == ObjectKind::Ticket);
    let statuses: Vec<String> = tickets.map(|entry| entry.value(SPECS[stage].connectwise).to_plain()).collect();
    assert_eq!(statuses, ["1/11"]);
}

/// Several on one side that are the same thing by their key: a person decides, and until then nothing is linked or made.
#[test]
fn i4_twins_are_held_and_neither_linked_nor_copied() {
    let schemas = fields::schemas();
    let company = |side, value| Newborn {
        object: ObjectKind::Company,
        side,
        key: Some(1),
        parent: None,
        fields: ALL_FIELDS,
        value,
    };
    for side in System::BOTH {
        let rivals = Scenario { setup: vec![company(side, 1), company(side, 2), company(side.other(), 3)], ..calm() };
        let simulation = play(&rivals, &schemas);
        assert_eq!(simulation.store.links.len(), 0, "which of the two in {side} it is cannot be known");
        assert_eq!(simulation.watch.copies.len(), 0);
        let alone = Scenario { setup: vec![company(side, 1), company(side, 2)], ..calm() };
        let simulation = play(&alone, &schemas);
        assert_eq!(copies_in(&simulation, side.other()), 1, "the younger one of two in {side} waits");
    }
}

/// A record that could not be told apart goes on when the other one is changed or goes: nobody touches what was held.
#[test]
fn i1_a_hold_ends_when_the_other_record_changes_or_goes() {
    let schemas = fields::schemas();
    let key = fields::place_of(ObjectKind::Company, Shape::Key).unwrap_or_default();
    let company = |side, value| Newborn {
        object: ObjectKind::Company,
        side,
        key: Some(1),
        parent: None,
        fields: ALL_FIELDS,
        value,
    };
    let held = |world: &Simulation<'_>| world.store.issues.len();
    let active = |world: &Simulation<'_>| world.store.links.values().filter(|l| l.state == LinkState::Active).count();
    for side in System::BOTH {
        let there = side.other();
        let edit = |side| What::Edit { side, pick: 1, field: key, value: 51 };
        // two of one key, and one over there that could be either
        let rivals = vec![company(side, 1), company(side, 2), company(there, 3)];
        for (what, links) in [(edit(side), 2), (What::Delete { side, pick: 1 }, 1), (What::Purge { side, pick: 1 }, 1)]
        {
            let scenario = Scenario { setup: rivals.clone(), ops: vec![at(130, what.clone())], rounds: 12, ..calm() };
            let world = play(&scenario, &schemas);
            assert_eq!((active(&world), held(&world)), (links, 0), "{side} {what:?}: {:?}", world.store.issues);
        }
        // one of two has its partner already, who loses the key: its system is written to, and then the other one goes on
        for changed in [side, there] {
            let ops = vec![
                at(70, What::Create(company(side, 2))),
                at(200, What::Edit { side: changed, pick: 0, field: key, value: 51 }),
            ];
            let scenario = Scenario { setup: vec![company(side, 1)], ops, rounds: 12, ..calm() };
            let world = play(&scenario, &schemas);
            assert_eq!((active(&world), held(&world)), (2, 0), "{side}, {changed}: {:?}", world.store.issues);
        }
    }
}

/// HubSpot people merge two companies of which each has its partner: one partner stays, and a person is told of the other.
/// Two that were held because they are one to ConnectWise go on once they are one.
#[test]
fn i5_partners_of_what_was_merged_go_along_or_wait_for_a_person() {
    let schemas = fields::schemas();
    let company = |side, key, value| Newborn { object: ObjectKind::Company, side, key, parent: None, fields: 3, value };
    for make_new in [false, true] {
        let server = Temper { merges: Merges { make_new, ..calm().server.merges }, ..calm().server };
        let merge = at(130, What::Merge { side: System::HubSpot, pick: 0, other: 0 });
        let setup = vec![company(System::HubSpot, Some(1), 1), company(System::HubSpot, Some(2), 2)];
        let both = Scenario { setup, ops: vec![merge.clone()], server: server.clone(), ..calm() };
        let simulation = play(&both, &schemas);
        let links = |state| simulation.store.links.values().filter(move |link| link.state == state).count();
        assert_eq!((links(LinkState::Active), links(LinkState::Tomb)), (1, 1), "{make_new}");
        let told = simulation.store.issues.values().filter(|issue| issue.class == IssueClass::Merged);
        assert_eq!(told.count(), 1, "{make_new}: {:?}", simulation.store.issues);
        let rivals = vec![
            company(System::HubSpot, Some(1), 1),
            company(System::HubSpot, Some(1), 2),
            company(System::ConnectWise, Some(1), 3),
        ];
        let rivals = Scenario { setup: rivals, ops: vec![merge], server, ..calm() };
        let simulation = play(&rivals, &schemas);
        let active = simulation.store.links.values().filter(|link| link.state == LinkState::Active).count();
        assert_eq!((active, simulation.store.issues.len()), (1, 0), "{make_new}");
    }
}

/// HubSpot people merge two companies of which each has its partner, and the new record carries the key of one of them: that
/// one is its partner from then on, and of the other a person is told.
#[test]
fn i5_the_partner_that_the_survivor_of_a_merge_names_goes_along() {
    let schemas = fields::schemas();
    let company = |key, value| Newborn {
        object: ObjectKind::Company,
        side: System::HubSpot,
        key: Some(key),
        parent: None,
        fields: 3,
        value,
    };
    // the first one of a merge is the one that wins, whichever is older
    for (pick, key) in
        [(0, MergedKey::OfOther), (1, MergedKey::OfSurvivor), (0, MergedKey::OfSurvivor), (1, MergedKey::OfOther)]
    {
        for told in [0, 1000] {
            let merges = Merges { make_new: true, key, ..calm().server.merges };
            let scenario = Scenario {
                setup: vec![company(1, 1), company(2, 2)],
                ops: vec![at(130, What::Merge { side: System::HubSpot, pick, other: 0 })],
                server: Temper { merges, ..calm().server },
                hints: crate::hints::Hints { told, ..crate::hints::Hints::default() },
                ..calm()
            };
            let simulation = play(&scenario, &schemas);
            let [(survivor, partner)] = simulation.watch.heirs[..] else { panic!("{:?}", simulation.watch.heirs) };
            let links = simulation.store.links.values();
            let (active, rest): (Vec<_>, Vec<_>) = links.partition(|link| link.state == LinkState::Active);
            let ends: Vec<_> = active.iter().map(|link| (link.hubspot, link.connectwise)).collect();
            assert_eq!(ends, [(survivor, partner)], "{pick} {key:?} {told}");
            let told = simulation.store.issues.values().filter(|issue| issue.class == IssueClass::Merged);
            let left: Vec<_> =
                told.map(|issue| issue.message.contains(&rest[0].record(System::ConnectWise).to_string())).collect();
            assert_eq!(left, [true], "{pick} {key:?}: {:?}", simulation.store.issues);
        }
    }
}

/// Only the partner of one of two merged records is changed, and no list shows the new one yet: the other of the two is asked
/// for at once, and its link goes along without waiting for the next sweep.
#[test]
fn i5_who_goes_along_is_read_as_soon_as_the_survivor_names_them() {
    let schemas = fields::schemas();
    let company = |key, value| Newborn {
        object: ObjectKind::Company,
        side: System::HubSpot,
        key: Some(key),
        parent: None,
        fields: ALL_FIELDS,
        value,
    };
    let merges = Merges { make_new: true, key: MergedKey::OfOther, ..calm().server.merges };
    let scenario = Scenario {
        setup: vec![company(1, 1), company(2, 2)],
        ops: vec![
            at(130, What::Merge { side: System::HubSpot, pick: 0, other: 0 }),
            at(131, What::Edit { side: System::ConnectWise, pick: 0, field: 4, value: 31 }),
        ],
        server: Temper { merges, lag: true, steady_lag: Some(600_000), ..calm().server },
        ..calm()
    };
    let mut world = Simulation::new(&scenario, &schemas, Trace::Lines);
    world.run_until(300_000);
    let [(survivor, partner)] = world.watch.heirs[..] else { panic!("{:?}", world.watch.heirs) };
    let link = world.store.link_at(world.servers.hubspot.named(survivor));
    assert_eq!(link.map(|link| link.connectwise), Some(partner), "{}", world.outcome.log.join("\n"));
}

/// ConnectWise people merge tickets: the link of the one that goes goes along to one without a partner, be it new; where both
/// have one a person is told; and two that were held because they are one to HubSpot go on.
#[test]
fn i5_merges_of_connectwise_tickets_are_followed_like_those_of_hubspot() {
    let schemas = fields::schemas();
    let of = |object, side, key, value| Newborn { object, side, key, parent: Some(0), fields: !0, value };
    let company = || of(ObjectKind::Company, System::HubSpot, Some(1), 1);
    let ticket = |side, key, value| of(ObjectKind::Ticket, side, Some(key), value);
    let (hubspot, connectwise) = (System::HubSpot, System::ConnectWise);
    let merge = |second, pick, other| at(second, What::MergeTickets { pick, other, into_newest: false });
    // who is there, what becomes of it: links that go on, links that rest, issues
    let cases = [
        // both have their partners
        (vec![ticket(hubspot, 1, 2), ticket(hubspot, 2, 3)], vec![merge(330, 0, 0)], (1, 1, 1)),
        // the one that stays was made a moment before, and is to get no partner of its own
        (
            vec![ticket(hubspot, 1, 2)],
            vec![at(325, What::Create(ticket(connectwise, 2, 3))), merge(326, 1, 0)],
            (1, 0, 0),
        ),
        // and the other way round nothing is left behind
        (
            vec![ticket(hubspot, 1, 2)],
            vec![at(325, What::Create(ticket(connectwise, 2, 3))), merge(326, 0, 0)],
            (1, 0, 0),
        ),
        // one after another
        (
            vec![ticket(hubspot, 1, 2)],
            vec![
                at(325, What::Create(ticket(connectwise, 2, 3))),
                at(325, What::Create(ticket(connectwise, 3, 4))),
                merge(326, 1, 0),
                merge(326, 1, 0),
            ],
            (1, 0, 0),
        ),
        // nobody could tell which of the two it was
        (
            vec![ticket(hubspot, 1, 2), ticket(connectwise, 1, 3), ticket(connectwise, 1, 4)],
            vec![merge(330, 0, 0)],
            (1, 0, 0),
        ),
    ];
    for (number, (tickets, ops, expected)) in cases.into_iter().enumerate() {
        for (purge, are_quiet) in [(false, false), (true, true)] {
            let merges = Merges { purge, are_quiet, ..calm().server.merges };
            let scenario = Scenario {
                fields: 3 | TICKETS,
                setup: [vec![company()], tickets.clone()].concat(),
                ops: ops.clone(),
                rounds: 14,
                server: Temper { merges, ..calm().server },
                ..calm()
            };
            let world = play(&scenario, &schemas);
            let links = world.store.links.values().filter(|link| link.object == ObjectKind::Ticket);
            let (active, rest): (Vec<_>, Vec<_>) = links.partition(|link| link.state == LinkState::Active);
            let log = || format!("case {number}: {:?}\n{}", world.store.issues, world.outcome.log.join("\n"));
            assert_eq!((active.len(), rest.len(), world.store.issues.len()), expected, "{}", log());
            let told = world.store.issues.values().all(|issue| issue.class == IssueClass::Merged);
            assert!(told && active.iter().all(|link| world.is_live(link.record(connectwise))), "{}", log());
            assert_eq!(copies_in(&world, hubspot), 0, "{}", log());
        }
    }
}

/// Both records of a link are there again: it takes part, though a write to one of the two is refused for now.
#[test]
fn i1_a_restored_company_takes_part_while_its_own_write_rests() {
    let schemas = fields::schemas();
    let newborn = Newborn {
        object: ObjectKind::Company,
        side: System::HubSpot,
        key: Some(1),
        parent: None,
        fields: ALL_FIELDS,
        value: 1,
    };
    let there = System::ConnectWise;
    let ops = vec![
        at(130, What::Delete { side: there, pick: 0 }),
        at(250, What::Restore { side: there, pick: 0 }),
        at(252, What::Edit { side: there, pick: 0, field: 4, value: 31 }),
    ];
    let scenario = Scenario { setup: vec![newborn], ops, rounds: 12, ..calm() };
    let refused = (20..400).map(|number| (number, Fault::Missing)).collect();
    let scenario = scenario.with_faults(refused);
    let simulation = play(&scenario, &schemas);
    let states: Vec<LinkState> = simulation.store.links.values().map(|link| link.state).collect();
    assert_eq!(states, [LinkState::Active]);
    assert!(simulation.store.issues.values().any(|issue| issue.class == IssueClass::Rejected));
}

/// Correction (d): the workspace is lost, keys were changed meanwhile; the stamps bring back who belongs to whom.
#[test]
fn i4_links_come_back_by_their_stamps_when_the_workspace_is_lost() {
    let schemas = fields::schemas();
    let scenario = Scenario {
        setup: vec![
            Newborn {
                object: ObjectKind::Company,
                parent: None,
                side: System::HubSpot,
                key: Some(1),
                fields: 3,
                value: 1,
            },
            Newborn {
                object: ObjectKind::Company,
                parent: None,
                side: System::HubSpot,
                key: Some(2),
                fields: 3,
                value: 2,
            },
            Newborn {
                object: ObjectKind::Company,
                parent: None,
                side: System::ConnectWise,
                key: Some(3),
                fields: 3,
                value: 3,
            },
        ],
        crashes: vec![Crash { at: 70, down: 1000, takes_the_store: true }],
        ..calm()
    };
    let simulation = play(&scenario, &schemas);
    let by_stamp = simulation.store.links.values().filter(|link| link.origin == LinkOrigin::Stamp).count();
    assert_eq!(by_stamp, 3, "{:?}", simulation.store.links);
    assert_eq!(copies_in(&simulation, System::HubSpot), 1);
    assert_eq!(copies_in(&simulation, System::ConnectWise), 2);
}

/// U3: an edit made on top of the engine's own write, whose answer was lost, stays.
#[test]
fn i2_an_edit_on_top_of_an_unanswered_write_stays() {
    let schemas = fields::schemas();
    for number in 1..=60 {
        for (fault, second) in [(Fault::AnswerLost, 66), (Fault::ErrorAfter, 75), (Fault::AnswerLost, 125)] {
            let edit = |second, side, value| at(second, What::Edit { side, pick: 0, field: 4, value });
            let ops = vec![edit(30, System::HubSpot, 31), edit(second, System::ConnectWise, 32)];
            let scenario = Scenario { ops, ..calm() }.with_faults(vec![(number, fault)]);
            play(&scenario, &schemas);
        }
    }
}

/// A system that refuses a change as if the record were not there, and shows the record, is not asked over and over.
#[test]
fn i13_a_record_that_is_there_and_is_said_not_to_be_rests() {
    let schemas = fields::schemas();
    for side in System::BOTH {
        let ops = vec![at(130, What::Edit { side: side.other(), pick: 0, field: 4, value: 31 })];
        let denied = (1..400).map(|number| (number, Fault::Missing)).collect();
        let scenario = Scenario { ops, ..calm() }.with_faults(denied);
        let simulation = play(&scenario, &schemas);
        let refused = simulation.store.intents.values().filter(|intent| intent.state == IntentState::Rejected);
        assert!((1..=8).contains(&refused.count()), "{side}: {:?}", simulation.store.intents);
    }
}

/// Rights that are missing from some moment on, for a while: nothing is lost, what needs them is held, not tried over and
/// over, and all of it goes on by itself.
#[test]
fn i13_what_is_not_allowed_is_held_and_goes_on_when_it_is() {
    let schemas = fields::schemas();
    for from in (5..=REQUESTS).step_by(3) {
        let edits = (0..4).flat_map(|n| {
            let edit = |side, value| at(70 + n * 60, What::Edit { side, pick: 0, field: 4 + n as usize % 2, value });
            [edit(System::HubSpot, 40 + n as u32), edit(System::ConnectWise, 50 + n as u32)]
        });
        let forbidden = (from..from + 60).map(|number| (number, Fault::Forbidden)).collect();
        let scenario = Scenario { ops: edits.collect(), ..calm() }.with_faults(forbidden);
        let mut simulation = Simulation::new(&scenario, &schemas, Trace::Lines);
        simulation.run_until(460_000);
        let told = |issue: &&Issue| issue.class == IssueClass::Permission;
        assert!(simulation.store.issues.values().any(|issue| told(&issue)), "request {from}");
        let tries = simulation.store.intents.values().filter(|intent| intent.state == IntentState::NotApplied);
        assert!(tries.count() <= 8, "request {from}: {:?}", simulation.store.intents);
        let simulation = play(&scenario, &schemas);
        assert!(!simulation.store.issues.values().any(|issue| told(&issue)), "request {from}");
    }
}

/// A copy that only the index can find is waited for as long as the index trails.
#[test]
fn i4_a_copy_that_the_index_shows_late_is_not_made_twice() {
    let schemas = fields::schemas();
    let newborn = Newborn {
        object: ObjectKind::Product,
        parent: None,
        side: System::ConnectWise,
        key: Some(1),
        fields: PRODUCTS,
        value: 1,
    };
    for number in 6..=20 {
        for fault in [Fault::AnswerLost, Fault::ErrorAfter, Fault::ItemsUnknown, Fault::Late] {
            let scenario = Scenario {
                fields: ALL_FIELDS | PRODUCTS,
                setup: vec![newborn.clone()],
                server: Temper { steady_lag: Some(400_000), ..calm().server },
                rounds: 16,
                ..calm()
            };
            let simulation_of = scenario.with_faults(vec![(number, fault)]);
            let simulation = play(&simulation_of, &schemas);
            assert_eq!(copies_in(&simulation, System::HubSpot), 1, "request {number}: {fault:?}");
        }
    }
}

/// A look-up that says nothing of a stamp does not say that no record carries it.
#[test]
fn i4_a_copy_of_which_look_ups_say_nothing_is_not_made_twice() {
    let schemas = fields::schemas();
    for side in System::BOTH {
        for (number, seed) in (6..=13).flat_map(|number| (1..=12).map(move |seed| (number, seed))) {
            let untold = (number + 1..number + 40).map(|later| (later, Fault::Untold));
            let faults = std::iter::once((number, Fault::ErrorAfter)).chain(untold).collect();
            let newborn = |object, parent, value| Newborn {
                object,
                parent,
                side: side.other(),
                key: Some(value),
                fields: ALL_FIELDS | CONTACTS,
                value,
            };
            // a contact too: no ConnectWise refuses a second one for its identifier
            let setup = vec![newborn(ObjectKind::Company, None, 1), newborn(ObjectKind::Contact, Some(0), 2)];
            // so short that few look-ups come before the one that decides, and no poll
            let clockwork = Clockwork { flight: 5, ..calm().clockwork };
            let fields = ALL_FIELDS | CONTACTS;
            let scenario = Scenario { setup, clockwork, fields, rounds: 16, ..calm() };
            // by the seed each of those faults leaves out something else
            let faults = Scenario::draw(seed).with_faults(faults).faults;
            let world = Scenario { faults, ..scenario };
            assert_eq!(copies_in(&play(&world, &schemas), side), 2, "{side}, request {number}, seed {seed}");
        }
    }
}

/// What makes no sense on a page is read again soon: after the calm that ends the faults nothing may be left to write, and
/// all records are read only long after that.
#[test]
fn i22_a_record_that_no_page_could_tell_of_goes_on_by_itself() {
    let schemas = fields::schemas();
    let clockwork = Clockwork { sweep: 20_000, ..calm().clockwork };
    for from in 1..=REQUESTS {
        let faults = (from..from + 6).map(|number| (number, Fault::Untold)).collect();
        let scenario = Scenario { clockwork: clockwork.clone(), ..with_edits() }.with_faults(faults);
        let simulation = play(&scenario, &schemas);
        let active = simulation.store.links.values().filter(|link| link.state == LinkState::Active);
        assert_eq!(active.count(), 3, "from request {from}");
    }
}

/// A record that no answer could tell of, and that is deleted for good before one can, leaves nothing to do.
#[test]
fn i22_a_record_that_went_before_it_could_be_read_is_waited_for_no_more() {
    let schemas = fields::schemas();
    let mut awaited = 0;
    for side in System::BOTH {
        for pick in 0..2 {
            for from in 1..=6 {
                let faults = (from..from + 6).map(|number| (number, Fault::Untold)).collect();
                let ops = vec![at(30, What::Purge { side, pick })];
                let scenario = Scenario { ops, ..calm() }.with_faults(faults);
                let simulation = play(&scenario, &schemas);
                let store = &simulation.store;
                let never_seen = |of| !store.observations.contains_key(of);
                assert!(!store.dirty.keys().any(never_seen), "{side} {pick}, request {from}: {:?}", store.dirty);
                assert!(!store.statuses.keys().any(never_seen), "{side} {pick}, request {from}: {:?}", store.statuses);
                let gone = store.observations.values().any(|seen| seen.of.system == side && seen.gone);
                awaited += u32::from(!gone);
            }
        }
    }
    assert!(awaited > 0, "some went before they were ever read");
}

/// A system that keeps less than it was sent has not changed the value: what it dropped stays where it came from.
#[test]
fn i3_what_a_system_drops_of_a_new_record_is_not_carried_back() {
    let schemas = fields::schemas();
    let server = Temper { whole_numbers: true, ..calm().server };
    let setup = vec![Newborn {
        object: ObjectKind::Company,
        parent: None,
        side: System::HubSpot,
        key: Some(1),
        fields: ALL_FIELDS,
        value: 1,
    }];
    for number in 6..=16 {
        for fault in [None, Some(Fault::AnswerLost), Some(Fault::ErrorAfter)] {
            let faults = fault.map(|fault| (number, fault)).into_iter().collect();
            let scenario = Scenario { setup: setup.clone(), server: server.clone(), ..calm() }.with_faults(faults);
            let simulation = play(&scenario, &schemas);
            let record = simulation.servers[System::HubSpot].records.values().next();
            let number = record.map(|record| record.value("number").to_plain());
            assert_eq!(number.as_deref(), Some("40.50"), "{fault:?}");
        }
    }
}

/// Quarantine: a write that lands late must not land on top of a newer one of the engine itself.
#[test]
fn i2_a_late_landing_never_undoes_a_newer_write() {
    let schemas = fields::schemas();
    for number in 1..=60 {
        let edit = |second, value| at(second, What::Edit { side: System::HubSpot, pick: 0, field: 4, value });
        let scenario = Scenario { ops: vec![edit(30, 31), edit(75, 32), edit(140, 33)], ..calm() };
        play(&scenario.with_faults(vec![(number, Fault::Late)]), &schemas);
    }
}

/// A value that one system refuses stops no other field of the record, whichever way it goes; and it crosses once it is
/// put right.
#[test]
fn i13_one_refused_field_leaves_the_other_fields_alone() {
    let schemas = fields::schemas();
    for (side, poisoned, all_or_nothing) in
        [(System::HubSpot, 2, false), (System::ConnectWise, 3, false), (System::ConnectWise, 3, true)]
    {
        let edit = |second, side, field, value| at(second, What::Edit { side, pick: 0, field, value });
        let mut ops = vec![
            at(70, What::Poison { side, pick: 0, field: poisoned, value: 1 }),
            edit(71, side, 4, 41),
            edit(140, side.other(), 8, 42),
            edit(210, side, 9, 44),
        ];
        let newborn =
            Newborn { object: ObjectKind::Company, parent: None, side, key: Some(1), fields: ALL_FIELDS, value: 1 };
        let scenario = |ops: &[Op]| Scenario {
            ops: ops.to_vec(),
            setup: vec![newborn.clone()],
            server: Temper { all_or_nothing, ..calm().server },
            rounds: 12,
            ..calm()
        };
        let bad = scenario(&ops);
        let simulation = play(&bad, &schemas);
        let issues: Vec<_> = simulation.store.issues.values().collect();
        let [issue] = issues.as_slice() else { panic!("{issues:?}") };
        assert_eq!((issue.class, issue.field.clone()), (IssueClass::Rejected, Some(fields::SPECS[poisoned].key())));
        let (h, c) = (simulation.servers.hubspot.records.values(), simulation.servers.connectwise.records.values());
        for (h, c) in h.zip(c) {
            for at in [4, 8, 9] {
                let spec = &fields::SPECS[at];
                let values = (spec.canon(System::HubSpot, h.value(spec.hubspot)), c.value(spec.connectwise));
                assert_eq!(values.0, spec.canon(System::ConnectWise, values.1), "{}", spec.hubspot);
            }
        }
        ops.push(edit(280, side, poisoned, 45));
        let mended = scenario(&ops);
        assert_eq!(play(&mended, &schemas).store.issues.len(), 0);
    }
}

/// What was refused is tried again by itself now and then, an hour after the first time; other edits do not hasten it.
#[test]
fn i13_a_refused_field_is_tried_again_after_an_hour() {
    let schemas = fields::schemas();
    let poison = What::Poison { side: System::HubSpot, pick: 0, field: 2, value: 1 };
    let edits = (1..60)
        .map(|n| at(70 + n * 60, What::Edit { side: System::HubSpot, pick: 0, field: 4, value: 100 + n as u32 }));
    for (rounds, tries) in [(8, 1), (50, 2)] {
        let scenario = Scenario {
            ops: std::iter::once(at(70, poison.clone())).chain(edits.clone().take(rounds as usize - 2)).collect(),
            rounds,
            clockwork: Clockwork { sweep: 300, ..calm().clockwork },
            ..calm()
        };
        let simulation = play(&scenario, &schemas);
        let refused = simulation.store.intents.values().filter(|intent| intent.state == IntentState::Rejected);
        assert_eq!(refused.count(), tries, "{rounds}");
    }
}

/// The engine dies at every point around a refusal: nothing is lost, and nothing is written twice.
#[test]
fn i11_a_crash_around_a_refused_field_changes_nothing() {
    let schemas = fields::schemas();
    let edit = |second, field, value| at(second, What::Edit { side: System::ConnectWise, pick: 0, field, value });
    let scenario = Scenario {
        ops: vec![
            at(70, What::Poison { side: System::ConnectWise, pick: 0, field: 3, value: 1 }),
            edit(71, 4, 41),
            edit(71, 8, 42),
        ],
        setup: vec![Newborn {
            object: ObjectKind::Company,
            parent: None,
            side: System::ConnectWise,
            key: Some(1),
            fields: ALL_FIELDS,
            value: 1,
        }],
        ..calm()
    };
    let points = play(&scenario, &schemas).points.clone();
    for crash in points {
        let died =
            Scenario { crashes: vec![Crash { at: crash, down: 5_000, takes_the_store: false }], ..scenario.clone() };
        let simulation = play(&died, &schemas);
        let refused = simulation.store.issues.values().filter(|issue| issue.class == IssueClass::Rejected);
        assert_eq!(refused.filter(|issue| issue.field.is_some()).count(), 1, "{crash}: {:?}", simulation.store.issues);
    }
}

/// A bad value in a batch stops neither its batch nor its page.
#[test]
fn i13_one_refused_record_leaves_the_others_alone() {
    let schemas = fields::schemas();
    for all_or_nothing in [false, true] {
        let poison = What::Poison { side: System::ConnectWise, pick: 1, field: 0, value: 1 };
        let edits =
            (0..4).map(|pick| at(71, What::Edit { side: System::ConnectWise, pick, field: 3, value: 40 + pick }));
        let scenario = Scenario {
            ops: std::iter::once(at(70, poison)).chain(edits).collect(),
            setup: (1..5)
                .map(|n| Newborn {
                    object: ObjectKind::Company,
                    parent: None,
                    side: System::ConnectWise,
                    key: Some(n),
                    fields: 3,
                    value: n,
                })
                .collect(),
            server: Temper { all_or_nothing, ..calm().server },
            ..calm()
        };
        let simulation = play(&scenario, &schemas);
        let refused = simulation.store.issues.values().count();
        assert_eq!(refused, 1, "{:?}", simulation.store.issues);
    }
}
