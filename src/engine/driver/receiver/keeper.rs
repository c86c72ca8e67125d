//! Keeps ConnectWise's call-backs to this receiver: makes those of the objects that are synced, arms what ConnectWise switched
//! off, looks again every hour. It decides nothing of a single call-back; that is the connector's. Whatever fails here, the
//! polls go on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::super::clock::Clock;
use super::super::setup::SetupError;
use super::super::snapshot::{Health, Role, Snapshot};
use crate::connect::{ConnectErrorKind, Connector};
use crate::model::{Callbacks, ObjectKind, PauseScope, System};
use crate::store::Workspace;

/// ConnectWise switches off after three bad days; whoever looks so often loses no more than this.
pub(super) const EVERY: Duration = Duration::from_secs(3600);
/// What went wrong and may pass is tried again so soon.
const SOON: Duration = Duration::from_secs(120);

pub(super) struct Keeper {
    pub workspace: Workspace,
    pub psa: Arc<dyn Connector>,
    /// Where ConnectWise delivers.
    pub address: String,
    pub engine: watch::Receiver<Arc<Snapshot>>,
    /// What the configuration syncs; told anew with each one that is deployed.
    pub objects: watch::Receiver<BTreeSet<ObjectKind>>,
    pub standing: watch::Sender<Callbacks>,
    pub clock: Clock,
    pub every: Duration,
}

impl Keeper {
    /// Until the engine stops.
    pub async fn keep(mut self) {
        while self.may_look().await {
            let again = self.look().await;
            tokio::select! {
                () = tokio::time::sleep(again) => {}
                changed = self.objects.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Waits until the engine knows that both systems are those of the workspace, and may write to ConnectWise.
    async fn may_look(&mut self) -> bool {
        let may = |seen: &Arc<Snapshot>| {
            let is_known = System::BOTH.into_iter().all(|system| seen.sides[system].health == Health::Ok);
            let writes = PauseScope::new(None, Some(System::ConnectWise));
            is_known && seen.role == Role::Holder && seen.pauses.covers(writes).is_none()
        };
        self.engine.wait_for(may).await.is_ok()
    }

    /// One look; how long until the next.
    async fn look(&mut self) -> Duration {
        let objects: Vec<ObjectKind> = self.objects.borrow_and_update().iter().copied().collect();
        let Some(psa) = self.psa.calls_back() else { return self.every };
        // Kept before the first one is made: whoever gives the workspace up finds them, whatever happens here.
        let mut standing = match self.remember(None).await {
            Ok(standing) => standing,
            Err(error) => {
                tracing::warn!(%error, "call-backs are not looked at: the workspace cannot be used");
                return SOON.min(self.every);
            }
        };
        let mut left = Vec::new();
        for former in std::mem::take(&mut standing.former) {
            if let Err(error) = psa.drop_callbacks(&former).await {
                tracing::info!(%error, "call-backs that led elsewhere could not be removed");
                left.push(former);
            }
        }
        standing.former = left;
        let trouble = match psa.keep_callbacks(&self.address, &objects).await {
            Ok(kept) => {
                (standing.armed, standing.missing) = (kept.armed, kept.missing);
                standing.looked = Some(self.clock.now());
                kept.trouble
            }
            Err(error) => Some(error),
        };
        let passes = trouble.as_ref().is_some_and(|error| error.kind != ConnectErrorKind::Permission);
        let told = trouble.map(|error| (error.message, error.hint));
        if standing.meet(told, self.clock.now())
            && let Some(trouble) = &standing.trouble
        {
            tracing::warn!(why = trouble.what, "not every object is called back for; the polls go on");
        }
        self.standing.send_replace(standing.clone());
        if let Err(error) = self.remember(Some(standing)).await {
            tracing::warn!(%error, "how the call-backs stand could not be kept");
        }
        if passes { SOON.min(self.every) } else { self.every }
    }

    /// Keeps how they stand; without news, that they lead here from now on.
    async fn remember(&self, news: Option<Callbacks>) -> Result<Callbacks, SetupError> {
        let (workspace, address) = (self.workspace.clone(), self.address.clone());
        let work = tokio::task::spawn_blocking(move || {
            let mut settings = workspace.settings()?;
            let before = settings.callbacks()?;
            let mut now = news.or_else(|| before.clone()).unwrap_or_default();
            now.lead_to(&address);
            if before.as_ref() != Some(&now) {
                settings.put_callbacks(&now)?;
            }
            Ok(now)
        });
        work.await.unwrap_or_else(|error| Err(SetupError::Unreadable(error.to_string())))
    }
}
