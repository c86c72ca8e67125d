//! Every kind of row is found as it was committed, with what its kind keeps of an older one.

use lockstep::engine::core::command::Row;
use lockstep::engine::core::state::*;
use lockstep::engine::core::view::{HighWater, View};
use lockstep::model::*;

use crate::samples::*;

#[test]
fn an_observation_is_found_by_id_stamp_and_key() {
    let seen = observation(hubspot(1));
    let (_place, _writer, reader) = Place::with(vec![Row::Observation(seen.clone())]);
    assert_eq!(reader.observation(hubspot(1)).unwrap(), Some(seen));
    assert_eq!(reader.observation(connectwise(1)).unwrap(), None);
    assert_eq!(reader.by_stamp(COMPANY, System::HubSpot, "company:1").unwrap(), [hubspot(1)]);
    assert_eq!(reader.by_key(COMPANY, System::HubSpot, "name:acme", 9).unwrap(), [hubspot(1)]);
    assert_eq!(reader.by_key(COMPANY, System::ConnectWise, "name:acme", 9).unwrap(), []);
    assert_eq!(reader.observation_count(COMPANY, System::HubSpot).unwrap(), 1);
}

#[test]
fn keys_follow_the_newest_observation_and_only_live_records_have_any() {
    let rows = (1..=3).map(|id| Row::Observation(observation(hubspot(id)))).collect();
    let (_place, writer, reader) = Place::with(rows);
    let by_name = || reader.by_key(COMPANY, System::HubSpot, "name:acme", 9).unwrap();
    assert_eq!(by_name(), [hubspot(1), hubspot(2), hubspot(3)]);
    assert_eq!(reader.by_key(COMPANY, System::HubSpot, "name:acme", 2).unwrap(), [hubspot(1), hubspot(2)]);

    let mut renamed = observation(hubspot(1));
    renamed.keys = vec!["name:other".to_owned(), "name:other".to_owned()];
    let mut archived = observation(hubspot(2));
    archived.record.archived = true;
    let mut gone = observation(hubspot(3));
    gone.gone = true;
    commit(&writer, [renamed, archived, gone].map(Row::Observation).into());
    assert_eq!(by_name(), []);
    assert_eq!(reader.by_key(COMPANY, System::HubSpot, "name:other", 9).unwrap(), [hubspot(1)]);
    assert_eq!(reader.by_stamp(COMPANY, System::HubSpot, "company:2").unwrap(), [hubspot(2)]);
    assert_eq!(reader.by_stamp(COMPANY, System::HubSpot, "company:3").unwrap(), []);
    assert_eq!(reader.observation_count(COMPANY, System::HubSpot).unwrap(), 3);
    assert_eq!(reader.live_count(COMPANY, System::HubSpot).unwrap(), 1);

    commit(&writer, vec![Row::Observation(observation(hubspot(3)))]);
    assert_eq!(by_name(), [hubspot(3)]);
}

#[test]
fn a_workspace_is_filled_once_a_run_that_writes_came_to_its_end() {
    let broken_off = [
        run(1, Verdict::Running),
        run(2, Verdict::Stopped("no answer".to_owned())),
        run(3, Verdict::Held { reason: "many".to_owned(), plan: "a".to_owned() }),
        Run { kind: RunKind::Push, ..run(4, Verdict::Done) },
        Run { kind: RunKind::Plan, ..run(5, Verdict::Done) },
    ];
    let (_place, writer, reader) = Place::with(broken_off.map(Row::Run).into());
    assert!(!reader.is_filled().unwrap());
    commit(&writer, vec![Row::Run(run(6, Verdict::Done)), Row::Run(run(7, Verdict::Running))]);
    assert!(reader.is_filled().unwrap());
}

#[test]
fn a_link_is_found_from_both_sides_and_counted_by_state() {
    let made = link(1, 10, 20);
    let (_place, writer, reader) = Place::with(vec![Row::Link(made.clone())]);
    assert_eq!(reader.link(LinkId(1)).unwrap(), Some(made.clone()));
    assert_eq!(reader.link_of(hubspot(10)).unwrap(), Some(made.clone()));
    assert_eq!(reader.link_of(connectwise(20)).unwrap(), Some(made.clone()));
    assert_eq!(reader.link_of(connectwise(10)).unwrap(), None);
    assert_eq!(reader.live_links(COMPANY).unwrap(), 1);

    let dead = Link { state: LinkState::Tomb, ..made };
    commit(&writer, vec![Row::Link(dead.clone())]);
    assert_eq!(reader.link_of(hubspot(10)).unwrap(), Some(dead));
    assert_eq!(reader.live_links(COMPANY).unwrap(), 0);
    assert_eq!(reader.link_count(COMPANY, LinkState::Tomb).unwrap(), 1);
}

/// What children ask of a parent is answered from columns: it must be what the rows say.
#[test]
fn what_is_asked_of_parents_is_what_their_rows_say() {
    let mut archived = observation(hubspot(2));
    archived.record.archived = true;
    let mut gone = observation(connectwise(3));
    gone.gone = true;
    let rows = [observation(hubspot(1)), archived, gone].map(Row::Observation);
    let links = [link(1, 10, 20), Link { state: LinkState::Tomb, ..link(2, 11, 21) }].map(Row::Link);
    let (_place, _writer, reader) = Place::with(rows.into_iter().chain(links).collect());
    for (record, live) in
        [(hubspot(1), Some(true)), (hubspot(2), Some(false)), (connectwise(3), Some(false)), (connectwise(1), None)]
    {
        assert_eq!(reader.is_live(record).unwrap(), live, "{record}");
        assert_eq!(reader.observation(record).unwrap().map(|known| known.is_live()), live, "{record}");
    }
    for record in [hubspot(10), connectwise(20), hubspot(11), connectwise(21), hubspot(20)] {
        let told = reader.link_of(record).unwrap().map(|link| (link.record(record.system.other()), link.state));
        assert_eq!(reader.counterpart(record).unwrap(), told, "{record}");
    }
    assert_eq!(reader.counterpart(connectwise(21)).unwrap(), Some((hubspot(11), LinkState::Tomb)));
}

#[test]
fn open_intents_and_creates_are_found_in_order() {
    let states = [IntentState::Unknown, IntentState::Applied, IntentState::Sent, IntentState::Abandoned];
    let intents: Vec<Intent> = (1..).zip(states).map(|(id, state)| intent(id, state)).collect();
    let (_place, writer, reader) = Place::with(intents.iter().cloned().rev().map(Row::Intent).collect());
    assert_eq!(reader.open_intents().unwrap(), [intents[0].clone(), intents[2].clone()]);
    assert_eq!(reader.creates_from(hubspot(10)).unwrap(), intents);
    assert_eq!(reader.creates_from(connectwise(10)).unwrap(), []);

    let update = Intent { kind: IntentKind::Update, state: IntentState::Rejected, ..intents[0].clone() };
    commit(&writer, vec![Row::Intent(update.clone())]);
    assert_eq!(reader.creates_from(hubspot(10)).unwrap(), intents[1..]);
    assert_eq!(reader.open_intents().unwrap(), [intents[2].clone()]);
    assert_eq!(reader.intent(IntentId(1)).unwrap(), Some(update));
    let ids = |page: Vec<Intent>| page.into_iter().map(|intent| intent.id.0).collect::<Vec<_>>();
    assert_eq!(ids(reader.intents_of(connectwise(20), None, 3).unwrap()), [4, 3, 2]);
    assert_eq!(ids(reader.intents_of(hubspot(10), Some(IntentId(2)), 3).unwrap()), [1]);
    assert_eq!(ids(reader.intents_of_run(RunId(1), Some(IntentId(2)), 9).unwrap()), [3, 4]);
}

#[test]
fn history_is_only_added_to_and_joined_with_its_intent() {
    let entry = history(1, connectwise(20));
    let rows = vec![
        Row::Intent(intent(1, IntentState::Applied)),
        Row::History(entry.clone()),
        Row::History(entry.clone()),
        Row::History(history(99, hubspot(10))),
    ];
    let (_place, _writer, reader) = Place::with(rows);
    let of_record = reader.history_of(connectwise(20), None, 9).unwrap();
    assert_eq!(of_record.iter().map(|row| &row.entry).collect::<Vec<_>>(), [&entry, &entry]);
    assert_eq!(reader.history_of_run(RunId(1), None, 9).unwrap().len(), 3);
    assert_eq!(reader.history_of_run(RunId(2), None, 9).unwrap(), []);
    let writes = reader.recent_writes(None, 2).unwrap();
    assert_eq!(writes[0].intent, None);
    assert_eq!(writes[1].intent, Some(intent(1, IntentState::Applied)));
    let older = reader.recent_writes(Some(writes[1].id), 9).unwrap();
    assert_eq!(older.len(), 1);
}

#[test]
fn an_issue_keeps_when_it_was_first_seen() {
    let seen = issue(hubspot(1), IssueClass::UnmappedValue, 100);
    let whole = Issue { field: None, ..seen.clone() };
    let (_place, writer, reader) = Place::with(vec![Row::Issue(seen.clone()), Row::Issue(whole.clone())]);
    assert_eq!(reader.issues_of(hubspot(1)).unwrap(), [whole.clone(), seen.clone()]);

    let again = Issue { first: Timestamp(500), last: Timestamp(501), attempts: 4, ..seen.clone() };
    commit(&writer, vec![Row::Issue(again.clone())]);
    let kept = Issue { first: Timestamp(100), ..again };
    assert_eq!(reader.issues_of(hubspot(1)).unwrap(), [whole, kept.clone()]);

    commit(&writer, vec![Row::ClearIssue { record: hubspot(1), class: IssueClass::UnmappedValue, field: None }]);
    assert_eq!(reader.issues_of(hubspot(1)).unwrap(), [kept]);
    assert_eq!(reader.issue_count().unwrap(), 1);
}

#[test]
fn a_mark_keeps_its_age_and_takes_the_newest_moment() {
    let (_place, writer, reader) = Place::with(vec![Row::Dirty(dirty(hubspot(1), 100, 900))]);
    let again = Dirty { reason: DirtyReason::Person, ..dirty(hubspot(1), 300, 0) };
    commit(&writer, vec![Row::Dirty(again.clone())]);
    assert_eq!(reader.dirty(hubspot(1)).unwrap(), Some(Dirty { since: Timestamp(100), ..again }));
    commit(&writer, vec![Row::ClearDirty(hubspot(1))]);
    assert_eq!(reader.dirty(hubspot(1)).unwrap(), None);
}

#[test]
fn a_mark_that_waits_for_a_day_is_neither_late_nor_old() {
    let day = |due| Dirty { reason: DirtyReason::Day, ..dirty(hubspot(1), 100, due) };
    let far = 40 * 86_400_000;
    let (_place, writer, reader) = Place::with(vec![Row::Dirty(day(far)), Row::Dirty(dirty(hubspot(2), 100, far))]);
    let due = |at| reader.dirty_page(COMPANY, Timestamp(at), None, 9).unwrap();
    assert_eq!(due(200).iter().map(|mark| mark.record).collect::<Vec<_>>(), [hubspot(2)], "no other rests so long");
    assert_eq!(due(far).len(), 2);
    assert_eq!(reader.dirty_totals().unwrap()[&COMPANY].hubspot.count, 1, "nothing is to be done about it before");
    let changed = dirty(hubspot(1), 300, 300);
    commit(&writer, vec![Row::Dirty(changed.clone())]);
    assert_eq!(reader.dirty(hubspot(1)).unwrap(), Some(changed), "a change is as old as it is");
}

#[test]
fn marks_are_paged_by_record_and_only_when_due() {
    let marks = [(connectwise(1), 5), (hubspot(2), 5), (hubspot(1), 50), (hubspot(3), 7), (hubspot(9), 5)];
    let rows = marks.iter().map(|(record, due)| Row::Dirty(dirty(*record, 3, *due))).collect();
    let (_place, _writer, reader) = Place::with(rows);
    let page = |after, limit| -> Vec<RecordRef> {
        let page = reader.dirty_page(COMPANY, Timestamp(7), after, limit).unwrap();
        page.into_iter().map(|mark| mark.record).collect()
    };
    assert_eq!(page(None, 2), [hubspot(2), hubspot(3)]);
    assert_eq!(page(Some(hubspot(3)), 9), [hubspot(9), connectwise(1)]);
    assert_eq!(page(Some(connectwise(1)), 9), []);
    assert_eq!(reader.next_dirty(Timestamp(7)).unwrap(), Some(Timestamp(50)));
    assert_eq!(reader.next_dirty(Timestamp(50)).unwrap(), None);
    let totals = reader.dirty_totals().unwrap();
    assert_eq!(totals.keys().collect::<Vec<_>>(), [&COMPANY]);
    let companies = totals[&COMPANY];
    assert_eq!((companies.hubspot.count, companies.connectwise.count), (4, 1));
    assert_eq!(companies.hubspot.oldest, Some(Timestamp(3)));
}

#[test]
fn a_status_keeps_its_age_while_state_and_reason_stay() {
    let old = status(1, "Acme", RecordState::Held);
    let (_place, writer, reader) = Place::with(vec![Row::Status(old.clone())]);
    let renamed = Status { name: "Acme 2".to_owned(), since: Timestamp(9), ..old.clone() };
    commit(&writer, vec![Row::Status(renamed.clone())]);
    assert_eq!(reader.status(hubspot(1)).unwrap(), Some(Status { since: Timestamp(1), ..renamed.clone() }));

    for changed in [Status { why: "else".to_owned(), ..renamed.clone() }, status(1, "Acme", RecordState::Gone)] {
        let changed = Status { since: Timestamp(20), ..changed };
        commit(&writer, vec![Row::Status(changed.clone())]);
        assert_eq!(reader.status(hubspot(1)).unwrap(), Some(changed));
    }
    assert_eq!(reader.state_count(COMPANY, RecordState::Held).unwrap(), 0);
    assert_eq!(reader.state_count(COMPANY, RecordState::Gone).unwrap(), 1);

    commit(&writer, vec![Row::ClearStatus(hubspot(1))]);
    assert_eq!(reader.status(hubspot(1)).unwrap(), None);
    assert_eq!(reader.state_count(COMPANY, RecordState::Gone).unwrap(), 0);
}

#[test]
fn cursors_decisions_tenants_exchanges_and_approvals_replace_their_like() {
    let key = CursorKey { system: System::HubSpot, object: COMPANY, feed: Feed::Hot };
    let cursor: Cursor = serde_json::from_value(serde_json::json!({
        "key": key, "from": 1, "completed": null, "shape": u64::MAX, "config": 1,
        "pass": { "from": 1, "until": 2, "after": 3, "started": 4 },
    }))
    .unwrap();
    let decision = Decision {
        link: LinkId(1),
        field: field("name"),
        winner: System::ConnectWise,
        hubspot: Value::text("a"),
        connectwise: Value::text("b"),
        at: Timestamp(1),
    };
    let tenant = |name: &str| Row::Tenant { system: System::HubSpot, tenant: name.to_owned() };
    let (_place, writer, reader) = Place::with(vec![
        Row::Cursor(cursor.clone()),
        Row::Decision(decision.clone()),
        tenant("1"),
        Row::Exchange(exchange(hubspot(1), "/old")),
        Row::Approval { plan: "p".to_owned(), used_by: None },
    ]);
    assert_eq!(reader.cursor(key).unwrap(), Some(cursor.clone()));
    assert_eq!(reader.decisions_of(LinkId(1)).unwrap(), std::slice::from_ref(&decision));
    assert_eq!((reader.is_approved("p").unwrap(), reader.is_approved("q").unwrap()), (true, false));

    let moved = Cursor { pass: None, ..cursor };
    commit(
        &writer,
        vec![
            Row::Cursor(moved.clone()),
            Row::ClearDecision { link: LinkId(1), field: decision.field },
            tenant("2"),
            Row::Exchange(exchange(hubspot(1), "/new")),
            Row::Approval { plan: "p".to_owned(), used_by: Some(RunId(1)) },
        ],
    );
    assert_eq!(reader.cursors().unwrap(), [moved]);
    assert_eq!(reader.decisions_of(LinkId(1)).unwrap(), []);
    assert_eq!(reader.tenant(System::HubSpot).unwrap().as_deref(), Some("2"));
    assert_eq!(reader.tenant(System::ConnectWise).unwrap(), None);
    assert_eq!(reader.exchange(hubspot(1)).unwrap(), Some(exchange(hubspot(1), "/new")));
    assert!(!reader.is_approved("p").unwrap());
}

#[test]
fn runs_are_paged_newest_first_and_held_ones_found() {
    let held = Verdict::Held { reason: "too many".to_owned(), plan: "p".to_owned() };
    let runs = [run(1, Verdict::Done), run(2, held), run(3, Verdict::Running)];
    let (_place, writer, reader) = Place::with(runs.iter().cloned().map(Row::Run).collect());
    assert_eq!(reader.runs_page(None, 2).unwrap(), [runs[2].clone(), runs[1].clone()]);
    assert_eq!(reader.runs_page(Some(RunId(2)), 2).unwrap(), [runs[0].clone()]);
    assert_eq!(reader.held_runs(9).unwrap(), [runs[1].clone()]);
    commit(&writer, vec![Row::Run(run(2, Verdict::Done))]);
    assert_eq!(reader.held_runs(9).unwrap(), []);
    assert_eq!(reader.run(RunId(2)).unwrap(), Some(run(2, Verdict::Done)));
}

#[test]
fn numbers_go_on_from_the_highest_in_use() {
    let (_place, writer, reader) = Place::with(vec![]);
    assert_eq!(reader.high_water().unwrap(), HighWater::default());
    let rows =
        vec![Row::Link(link(7, 1, 2)), Row::Intent(intent(8, IntentState::Sent)), Row::Run(run(9, Verdict::Running))];
    commit(&writer, rows);
    assert_eq!(reader.high_water().unwrap(), HighWater { link: 7, intent: 8, run: 9 });
}

#[test]
fn records_are_walked_by_id_and_counted_by_life_and_state() {
    let mut archived = observation(hubspot(5));
    archived.record.archived = true;
    let rows = vec![
        Row::Observation(archived),
        Row::Observation(observation(hubspot(3))),
        Row::Observation(observation(hubspot(9))),
        Row::Observation(observation(connectwise(4))),
        Row::Status(status(3, "a", RecordState::Held)),
        Row::Status(status(9, "b", RecordState::Held)),
    ];
    let (_place, _writer, reader) = Place::with(rows);
    let after = |id| reader.records_after(COMPANY, System::HubSpot, id, 2).unwrap();
    assert_eq!(after(None), [hubspot(3), hubspot(5)]);
    assert_eq!(after(Some(RecordId(5))), [hubspot(9)]);
    assert_eq!(reader.live_records(COMPANY, System::HubSpot).unwrap(), 2);
    let counts = reader.state_counts(COMPANY).unwrap();
    assert_eq!((counts[&RecordState::Held], counts[&RecordState::Gone]), (2, 0));
}

#[test]
fn pauses_are_kept_by_scope_the_first_word_stays_and_a_wider_end_ends_all_within() {
    let pause = |object, to, by: &str| Pause {
        scope: PauseScope::new(object, to),
        by: by.to_owned(),
        since: Timestamp(7),
        note: (by == "ann").then(|| "month-end".to_owned()),
    };
    let contact = Some(ObjectKind::Contact);
    let all = [
        pause(None, None, "ann"),
        pause(None, Some(System::ConnectWise), "bob"),
        pause(contact, None, "cleo"),
        pause(contact, Some(System::HubSpot), "dana"),
    ];
    let (_place, writer, reader) = Place::with(all.iter().cloned().map(Row::Pause).collect());
    assert_eq!(reader.pauses().unwrap(), Pauses::new(all.to_vec()));
    commit(&writer, vec![Row::Pause(pause(None, None, "eve"))]);
    assert_eq!(reader.pauses().unwrap().iter().next(), Some(&all[0]));
    commit(&writer, vec![Row::ClearPauses(PauseScope::new(contact, None))]);
    assert_eq!(reader.pauses().unwrap(), Pauses::new(all[..2].to_vec()));
    commit(&writer, vec![Row::ClearPauses(PauseScope::EVERYTHING)]);
    assert!(reader.pauses().unwrap().is_empty());
}
