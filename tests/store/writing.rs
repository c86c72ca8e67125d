//! Commits: all or nothing, alone or together, and safe when the process dies.

use std::fs;

use lockstep::engine::core::command::{Batch, Durability, Row};
use lockstep::engine::core::state::{IntentState, RecordState};
use lockstep::engine::core::view::View;
use lockstep::model::Timestamp;
use lockstep::store::{Base, LeaseError, StoreError, Workspace};

use crate::samples::*;

#[test]
fn a_record_is_in_one_link_at_most() {
    let (_place, writer, reader) = Place::with(vec![Row::Link(link(1, 10, 20))]);
    for (hub, cw) in [(10, 21), (11, 20)] {
        let rows = vec![Row::Dirty(dirty(hubspot(5), 1, 1)), Row::Link(link(2, hub, cw))];
        let error = writer.commit_blocking(batch(rows)).unwrap_err();
        assert!(matches!(error, StoreError::Contradiction(_)), "{error}");
    }
    assert_eq!(reader.link_of(hubspot(10)).unwrap(), Some(link(1, 10, 20)));
    assert_eq!(reader.dirty(hubspot(5)).unwrap(), None, "a part of a failed batch was kept");
}

#[tokio::test]
async fn a_bad_batch_takes_no_other_of_its_group_down() {
    let (_place, writer, reader) = {
        let place = Place::new();
        let writer = place.workspace.writer().unwrap();
        let reader = place.workspace.reader().unwrap();
        (place, writer, reader)
    };
    writer.commit(batch(vec![Row::Link(link(1, 1, 1))])).await.unwrap();
    let commits = (0..200u64).map(|id| {
        let bad = id % 10 == 3;
        let rows = vec![
            Row::Status(status(id, "x", RecordState::InSync)),
            Row::Link(link(id + 1000, if bad { 1 } else { id + 1000 }, id + 1000)),
        ];
        let writer = writer.clone();
        let durability = if id % 7 == 0 { Durability::Power } else { Durability::Process };
        tokio::spawn(async move { (id, bad, writer.commit(Batch { durability, rows }).await) })
    });
    for commit in commits.collect::<Vec<_>>() {
        let (id, bad, result) = commit.await.unwrap();
        assert_eq!(result.is_err(), bad, "batch {id}: {result:?}");
        assert_eq!(reader.status(hubspot(id)).unwrap().is_some(), !bad, "rows of batch {id}");
    }
    assert_eq!(reader.live_links(COMPANY).unwrap(), 181);
}

#[test]
fn the_revision_grows_with_every_commit_and_readers_see_it() {
    let (place, writer, reader) = Place::with(vec![]);
    let before = reader.revision().unwrap();
    let info = writer.commit_blocking(batch(vec![Row::Dirty(dirty(hubspot(1), 1, 1))])).unwrap();
    assert!(info.revision > before);
    assert_eq!(reader.revision().unwrap(), info.revision);
    assert_eq!(reader.try_clone().unwrap().dirty(hubspot(1)).unwrap(), Some(dirty(hubspot(1), 1, 1)));
    place.workspace.settings().unwrap().save_draft("a = 1", "me", "", Base::Any, Timestamp(1)).unwrap();
    assert_eq!(reader.revision().unwrap(), info.revision + 1);
}

/// What a killed process leaves behind: file and log as they are, nothing closed, nothing folded in.
#[test]
fn acknowledged_commits_survive_a_kill() {
    let (place, writer, reader) = Place::with(vec![]);
    let after = tempfile::tempdir().unwrap();
    for id in 1..=50 {
        let rows = vec![Row::Intent(intent(id, IntentState::Sent)), Row::Observation(observation(hubspot(id)))];
        writer.commit_blocking(Batch { durability: Durability::Power, rows }).unwrap();
    }
    for name in ["acme.db", "acme.db-wal"] {
        std::fs::copy(place.dir.path().join(name), after.path().join(name)).unwrap();
    }
    assert!(std::fs::metadata(after.path().join("acme.db-wal")).unwrap().len() > 0, "the log is empty: nothing tried");
    drop((reader, writer));

    let workspace = Workspace::open(after.path(), "acme", &place.key).unwrap();
    workspace.check().unwrap();
    let reader = workspace.reader().unwrap();
    assert_eq!(reader.open_intents().unwrap().len(), 50);
    assert_eq!(reader.observation(hubspot(50)).unwrap(), Some(observation(hubspot(50))));
}

#[test]
fn a_torn_log_loses_no_more_than_its_torn_end() {
    let (place, writer, _reader) = Place::with(vec![]);
    for id in 1..=20 {
        commit(&writer, vec![Row::Intent(intent(id, IntentState::Sent))]);
    }
    let log = std::fs::read(place.dir.path().join("acme.db-wal")).unwrap();
    let mut last = 0;
    for part in 1..=10 {
        let after = tempfile::tempdir().unwrap();
        std::fs::copy(place.dir.path().join("acme.db"), after.path().join("acme.db")).unwrap();
        std::fs::write(after.path().join("acme.db-wal"), &log[..log.len() * part / 10]).unwrap();
        let Ok(workspace) = Workspace::open(after.path(), "acme", &place.key) else {
            // The tables themselves are still in the log when it is young.
            assert_eq!(last, 0, "an earlier part of the log could be read");
            continue;
        };
        workspace.check().unwrap();
        let ids: Vec<u64> = workspace.reader().unwrap().open_intents().unwrap().iter().map(|i| i.id.0).collect();
        assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>(), "commits are kept in order");
        assert!(ids.len() >= last);
        last = ids.len();
    }
    assert_eq!(last, 20);
}

#[test]
fn only_one_engine_holds_a_workspace() {
    let place = Place::new();
    let other = Workspace::open(place.dir.path(), "acme", &place.key).unwrap();
    let lease = place.workspace.lease(Timestamp(0)).unwrap();
    match other.lease(Timestamp(1)) {
        Err(LeaseError::Held { holder }) => assert_eq!(holder, lease.holder()),
        other => panic!("a second engine got {other:?}"),
    }
    assert_eq!(other.reader().unwrap().holder().unwrap().as_deref(), Some(lease.holder()));
    assert!(lease.holder().contains(&format!("process {}", std::process::id())));
    drop(lease);
    assert_eq!(other.reader().unwrap().holder().unwrap(), None);
    other.lease(Timestamp(2)).unwrap();
}

#[test]
fn an_engine_that_was_taken_over_commits_nothing_and_leaves_the_other_its_lease() {
    let place = Place::new();
    let old = place.workspace.lease(Timestamp(0)).unwrap();
    let writer = place.workspace.engine_writer(&old).unwrap();
    writer.commit_blocking(Batch::default()).unwrap();
    // Somebody removes the file that is locked: the lock says nothing any more.
    fs::remove_file(place.workspace.file().with_extension("db.lock")).unwrap();
    let new = place.workspace.lease(Timestamp(1)).unwrap();
    let refused = writer.commit_blocking(Batch::default());
    assert_eq!(refused, Err(StoreError::TakenOver { by: Some(new.holder().to_owned()) }));
    drop(old);
    assert_eq!(place.workspace.reader().unwrap().holder().unwrap().as_deref(), Some(new.holder()));
    place.workspace.engine_writer(&new).unwrap().commit_blocking(Batch::default()).unwrap();
}
