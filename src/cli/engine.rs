//! Runs the engine once for a command, and tells on a terminal what it is doing.

use super::progress::{Progress, attend};
use super::runtime;
use crate::engine::core::Mode;
use crate::engine::driver::snapshot::{Health, Snapshot};
use crate::engine::driver::steps::Steps;
use crate::engine::driver::{self, Clock, EngineHandle, Finished, Parts, setup};
use crate::error::{Outcome, Report};
use crate::model::{System, Timestamp};
use crate::store::Workspace;
use crate::view::format;

/// What one run left behind, and how the connections were when it ended.
pub struct Ended {
    pub finished: Finished,
    pub broken: Option<Report>,
    /// What one of the systems does not allow, with the next step.
    pub missing_rights: Vec<String>,
}

/// Runs the engine of a workspace until it has nothing left to do.
///
/// # Errors
/// When it cannot start, stops by itself, or is interrupted.
pub async fn run_once(workspace: &Workspace, mode: Mode) -> Outcome<Ended> {
    let parts = ready(workspace, mode).await?;
    run_parts(workspace, parts).await
}

/// What an engine is made of; reads the fields of both systems where they are old, and tells so.
///
/// # Errors
/// What is missing, does not answer or answers too slowly; an interruption.
pub async fn ready(workspace: &Workspace, mode: Mode) -> Outcome<Parts> {
    let steps = Steps::default();
    let work = async { Ok(setup::parts(workspace, mode, Clock::start(), &steps).await?) };
    attend(&steps, "nothing was begun; run it again", work).await
}

/// # Errors
/// As [`run_once`].
pub async fn run_parts(workspace: &Workspace, parts: Parts) -> Outcome<Ended> {
    let mut handle = driver::start(workspace, parts)?;
    let progress = Progress::start();
    let ended = wait(&mut handle, &progress).await;
    progress.finish();
    handle.stop().await;
    ended
}

async fn wait(handle: &mut EngineHandle, progress: &Progress) -> Outcome<Ended> {
    let mut snapshot = handle.snapshot();
    let interrupted = runtime::interrupted();
    tokio::pin!(interrupted);
    loop {
        let seen = snapshot.borrow_and_update().clone();
        progress.show(&line(&seen, handle.now()));
        tokio::select! {
            biased;
            finished = handle.finished() => {
                return Ok(ended(finished?, &handle.snapshot().borrow()));
            }
            stopped = &mut interrupted => {
                stopped?;
                return Err(Report::failed("interrupted")
                    .hint("nothing is lost: what was under way is in the journal; run it again to go on"));
            }
            changed = snapshot.changed() => {
                if changed.is_err() {
                    let finished = handle.finished().await?;
                    return Ok(Ended { finished, broken: None, missing_rights: Vec::new() });
                }
            }
        }
    }
}

fn ended(finished: Finished, seen: &Snapshot) -> Ended {
    let rights = System::BOTH.into_iter().flat_map(|system| &seen.sides[system].missing_rights);
    Ended { finished, broken: broken(seen), missing_rights: rights.cloned().collect() }
}

/// The connection that does not work, as a report.
#[must_use]
pub fn broken(snapshot: &Snapshot) -> Option<Report> {
    System::BOTH.into_iter().find_map(|system| match &snapshot.sides[system].health {
        Health::Broken { message, hint } => {
            Some(Report::connection(format!("{system} cannot be used")).because(message).hint(hint))
        }
        Health::Ok | Health::Unknown => None,
    })
}

/// What it is at, in one line; what it waits for comes first.
fn line(snapshot: &Snapshot, now: Timestamp) -> String {
    let calls = |system| snapshot.sides[system].calls;
    let waits = System::BOTH.into_iter().filter_map(|system| {
        let side = &snapshot.sides[system];
        let wait = side.wait.filter(|wait| wait.until > now)?;
        let why = if wait.asked { "asks for a pause" } else { "does not answer" };
        Some(format!("{system} {why}, tried again {} · ", format::age_at(wait.until, now)))
    });
    format!(
        "{}{} · {} to look at · calls: HubSpot {}, ConnectWise {}",
        waits.collect::<String>(),
        snapshot.phase.word(),
        snapshot.queue,
        calls(System::HubSpot),
        calls(System::ConnectWise)
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests of what must be there")]

    use std::time::Duration;

    use super::*;
    use crate::engine::driver::snapshot::Wait;
    use crate::error::Kind;

    #[test]
    fn what_is_waited_for_is_told_before_everything_else() {
        let (mut snapshot, now) = (Snapshot::default(), Timestamp(1_000_000));
        assert!(line(&snapshot, now).starts_with("idle · 0 to look at"), "{}", line(&snapshot, now));
        snapshot.sides.hubspot.wait = Some(Wait { until: now + Duration::from_secs(25), asked: true });
        let told = line(&snapshot, now);
        assert!(told.starts_with("HubSpot asks for a pause, tried again in 25 s · idle"), "{told}");
        assert!(line(&snapshot, now + Duration::from_secs(25)).starts_with("idle"), "the pause is over");
    }

    #[test]
    fn a_broken_connection_is_named_with_its_cause_and_hint() {
        let mut snapshot = Snapshot::default();
        assert_eq!(broken(&snapshot), None);
        snapshot.sides[System::ConnectWise].health = Health::Broken { message: "401".into(), hint: "new keys".into() };
        let report = broken(&snapshot).unwrap();
        assert_eq!(report.kind, Kind::Connection);
        assert_eq!(report.what, "ConnectWise cannot be used");
        assert_eq!((report.cause.as_deref(), report.hint.as_deref()), (Some("401"), Some("new keys")));
    }
}
