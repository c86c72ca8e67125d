//! One delivery: believed or refused, kept, answered, and told to the engine, in this order. Of what it carries only the
//! names of records are used.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use ring::digest;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::clock::Clock;
use super::super::connection::webhook_secret;
use super::super::handle::EngineHandle;
use super::super::setup::SetupError;
use super::{BODY, PublicUrl};
use crate::connect::hubspot::webhook::{self, Delivery};
use crate::connect::{ConnectErrorKind, Connector};
use crate::engine::core::view::View;
use crate::mapping::Config;
use crate::model::{BySystem, ObjectKind, RecordRef, System};
use crate::store::{Inbox, Reader, Told, Workspace};

/// A body is read, and a signing key asked for, no longer: both systems hang up after five seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// The answer does not wait longer for the disk.
const COMMIT: Duration = Duration::from_millis(800);
/// What was refused is logged so often at most.
const SILENCE: Duration = Duration::from_secs(60);

/// Why a delivery is not taken.
enum Refused {
    /// Nobody who may say anything; why is for the log.
    Stranger(String),
    /// It cannot be told now who it is.
    Later(String),
}

/// All that is needed to hear.
pub(super) struct Ears {
    connectors: BySystem<Arc<dyn Connector>>,
    engine: EngineHandle,
    public: Option<PublicUrl>,
    secret: Option<SecretString>,
    /// What the configuration syncs.
    objects: watch::Sender<BTreeSet<ObjectKind>>,
    inbox: Arc<Mutex<Inbox>>,
    /// Not the inbox's: whoever commits may wait for the engine's commits, and who only looks must not wait with it.
    reader: Mutex<Reader>,
    refusals: Mutex<Refusals>,
    clock: Clock,
}

/// How many were refused since the log told of it, and when that was.
#[derive(Default)]
struct Refusals {
    count: u64,
    told: Option<Instant>,
}

impl Ears {
    pub fn new(
        workspace: &Workspace,
        connectors: BySystem<Arc<dyn Connector>>,
        engine: EngineHandle,
        public: Option<PublicUrl>,
        config: &Config,
        clock: Clock,
    ) -> Result<Self, SetupError> {
        let mut inbox = workspace.inbox()?;
        inbox.prune(clock.now())?;
        engine.hint(inbox.waiting()?);
        Ok(Self {
            connectors,
            engine,
            public,
            secret: webhook_secret(&workspace.settings()?)?,
            objects: watch::Sender::new(objects(config)),
            inbox: Arc::new(Mutex::new(inbox)),
            reader: Mutex::new(workspace.reader()?),
            refusals: Mutex::default(),
            clock,
        })
    }

    /// Listens for the objects of that configuration; `is_other`: it is not the one that this began with.
    pub fn follow(&self, config: &Config, is_other: bool) {
        self.objects.send_if_modified(|known| {
            let now = objects(config);
            let changed = is_other || *known != now;
            *known = now;
            changed
        });
    }

    /// What the configuration syncs, always the newest.
    pub fn objects(&self) -> watch::Receiver<BTreeSet<ObjectKind>> {
        self.objects.subscribe()
    }

    pub async fn prune(&self) {
        let (inbox, now) = (Arc::clone(&self.inbox), self.clock.now());
        let pruned = tokio::task::spawn_blocking(move || {
            let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
            inbox.prune(now)
        });
        if let Ok(Err(error)) = pruned.await {
            tracing::warn!(%error, "old webhooks could not be forgotten");
        }
    }

    async fn take(&self, system: System, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> StatusCode {
        let told = match system {
            System::HubSpot => self.hubspot(uri, headers, body),
            System::ConnectWise => self.connectwise(headers, body).await,
        };
        match told {
            Ok(told) => self.keep(told).await,
            Err(Refused::Stranger(why)) => {
                self.refuse(system, &why);
                StatusCode::UNAUTHORIZED
            }
            Err(Refused::Later(why)) => {
                self.refuse(system, &why);
                // ConnectWise repeats few statuses; this is one of them
                StatusCode::TOO_MANY_REQUESTS
            }
        }
    }

    fn hubspot(&self, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Result<Vec<Told>, Refused> {
        let stranger = |why: webhook::Refused| Refused::Stranger(why.to_string());
        let secret = self
            .secret
            .as_ref()
            .ok_or_else(|| Refused::Stranger("no client secret of the app is stored".to_owned()))?;
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let called = self.called(uri, header("host").unwrap_or_default());
        let delivery = Delivery {
            method: "POST",
            uri: &called,
            signature_v3: header("x-hubspot-signature-v3"),
            timestamp: header("x-hubspot-request-timestamp"),
            signature: header("x-hubspot-signature"),
            version: header("x-hubspot-signature-version"),
            body,
        };
        webhook::verify(secret, &delivery, self.clock.now()).map_err(stranger)?;
        let events = webhook::events(body).map_err(stranger)?;
        let portal = self.portal();
        let is_ours = |event: &webhook::Event| portal.is_none() || event.portal == portal;
        if !events.is_empty() && !events.iter().any(is_ours) {
            return Err(Refused::Stranger("it is of another portal".to_owned()));
        }
        let told = events.iter().filter(|event| is_ours(event)).flat_map(|event| {
            let record = |hint: &webhook::Hint| RecordRef::new(hint.object, System::HubSpot, hint.id);
            event.hints.iter().map(move |hint| Told { event: event.digest, record: record(hint) })
        });
        Ok(told.collect())
    }

    /// The address as HubSpot called it: what the proxy made of it before the last part is not known here.
    fn called(&self, uri: &Uri, host: &str) -> String {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        match &self.public {
            Some(public) => format!("{}{query}", public.of(System::HubSpot)),
            None => format!("http://{host}{}{query}", uri.path()),
        }
    }

    /// The portal that the workspace belongs to; none before it was first asked.
    fn portal(&self) -> Option<u64> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.tenant(System::HubSpot).ok().flatten()?.parse().ok()
    }

    async fn connectwise(&self, headers: &HeaderMap, body: &Bytes) -> Result<Vec<Told>, Refused> {
        let stranger = |why: &str| Refused::Stranger(why.to_owned());
        let signature = headers.get("x-content-signature").and_then(|value| value.to_str().ok());
        let signature = signature.ok_or_else(|| stranger("the delivery carries no signature"))?;
        let psa = self.connectors.connectwise.calls_back().ok_or_else(|| stranger("nobody calls back"))?;
        let hints = match tokio::time::timeout(PATIENCE, psa.hints(signature, body)).await {
            Ok(Ok(hints)) => hints,
            Ok(Err(error)) if error.kind == ConnectErrorKind::Unexpected => return Err(stranger(&error.message)),
            Ok(Err(error)) => return Err(Refused::Later(error.message)),
            Err(_) => return Err(Refused::Later("ConnectWise does not tell its signing key in time".to_owned())),
        };
        let told = hints.into_iter().map(|hint| {
            let name = hint.message.as_deref().map_or(&body[..], str::as_bytes);
            let record = RecordRef::new(hint.object, System::ConnectWise, hint.id);
            Told { event: hash(name), record }
        });
        Ok(told.collect())
    }

    /// Commits what is new, then tells the engine. What takes too long is answered first: the polls find it in any case.
    async fn keep(&self, mut told: Vec<Told>) -> StatusCode {
        {
            let objects = self.objects.borrow();
            told.retain(|one| objects.contains(&one.record.object));
        }
        if told.is_empty() {
            return StatusCode::NO_CONTENT;
        }
        let (inbox, engine, now) = (Arc::clone(&self.inbox), self.engine.clone(), self.clock.now());
        let kept = tokio::task::spawn_blocking(move || {
            let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
            inbox.put(&told, now).map(|new| engine.hint(new))
        });
        match tokio::time::timeout(COMMIT, kept).await {
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "a delivery could not be kept");
                StatusCode::SERVICE_UNAVAILABLE
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a delivery was not kept");
                StatusCode::SERVICE_UNAVAILABLE
            }
            Ok(Ok(Ok(()))) | Err(_) => StatusCode::NO_CONTENT,
        }
    }

    fn refuse(&self, system: System, why: &str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.count += 1;
        if refusals.told.is_none_or(|at| at.elapsed() >= SILENCE) {
            tracing::warn!(%system, why, count = refusals.count, "deliveries were refused");
            *refusals = Refusals { count: 0, told: Some(Instant::now()) };
        }
    }
}

fn objects(config: &Config) -> BTreeSet<ObjectKind> {
    config.objects.iter().map(|object| object.object).collect()
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// Answers whoever calls; strangers learn nothing but that they are not believed.
pub(super) async fn answer(State(ears): State<Arc<Ears>>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let last = parts.uri.path().rsplit('/').next().unwrap_or_default();
    let Some(system) = System::BOTH.into_iter().find(|system| system.key() == last) else {
        return StatusCode::NOT_FOUND;
    };
    if parts.method != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    match tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, BODY)).await {
        Ok(Ok(body)) => ears.take(system, &parts.uri, &parts.headers, &body).await,
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => StatusCode::REQUEST_TIMEOUT,
    }
}
