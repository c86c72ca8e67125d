//! Listens for HubSpot's webhooks and ConnectWise's call-backs: who may connect and for how long. What a delivery says is
//! for `delivery`; that ConnectWise has call-backs at all is for `keeper`.
//!
//! Plain HTTP: TLS is the business of the proxy before it. Whoever connects is a stranger until a signature says otherwise,
//! so that everything is bounded: connections, their lives, headers and bodies.

mod delivery;
mod keeper;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use self::delivery::Ears;
use self::keeper::Keeper;
use super::clock::Clock;
use super::handle::EngineHandle;
use super::setup::{SetupError, read_config};
use super::snapshot::Snapshot;
use crate::connect::Connector;
use crate::mapping::Config;
use crate::model::{BySystem, Callbacks, System};
use crate::store::Workspace;

/// Connections at the same time; whoever comes then waits in the operating system's queue.
const CONNECTIONS: usize = 32;
/// A connection ends after so long, whatever it is at: both systems give up sooner.
const LIFE: Duration = Duration::from_secs(10);
/// Largest body that is read: a hundred events with long texts.
const BODY: usize = 2 * 1024 * 1024;
/// What is old is forgotten so often.
const PRUNE: Duration = Duration::from_secs(3600);

/// Why nothing can be listened to.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("cannot listen on {address}: {source}")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("the public address `{0}` cannot be used")]
    PublicUrl(String),
}

/// Where the two systems reach the receiver, as they see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// `https://host/path`, without query; `http` to this machine alone.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, ListenError> {
        let wrong = || ListenError::PublicUrl(text.to_owned());
        let uri: Uri = text.trim().parse().map_err(|_| wrong())?;
        let host = uri.host().ok_or_else(wrong)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_local = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let fits = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_local,
            _ => false,
        };
        let plain = uri.query().is_none() && !text.contains('#') && !text.contains('@');
        if fits && plain { Ok(Self(text.trim().trim_end_matches('/').to_owned())) } else { Err(wrong()) }
    }

    /// Where that system delivers.
    #[must_use]
    pub fn of(&self, system: System) -> String {
        format!("{}/{}", self.0, system.key())
    }
}

/// A port that is bound, and nothing is answered on it yet.
#[derive(Debug)]
pub struct Receiver {
    tcp: TcpListener,
    address: SocketAddr,
    public: Option<PublicUrl>,
    look_every: Duration,
}

impl Receiver {
    /// Binds the address. Port 0 takes a free one.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn bind(address: SocketAddr, public: Option<PublicUrl>) -> Result<Self, ListenError> {
        let failed = |source| ListenError::Bind { address, source };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        Ok(Self { tcp, address, public, look_every: keeper::EVERY })
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub const fn public(&self) -> Option<&PublicUrl> {
        self.public.as_ref()
    }

    /// Looks at ConnectWise's call-backs so often.
    #[must_use]
    pub fn looking_every(self, look_every: Duration) -> Self {
        Self { look_every, ..self }
    }

    /// Answers deliveries from now on, and tells the engine of their records; first of those that the last engine left.
    /// With a public address, ConnectWise's call-backs are made and kept, once the engine knows the tenant.
    ///
    /// # Errors
    /// When the workspace cannot be used.
    pub fn serve(
        self,
        workspace: &Workspace,
        connectors: BySystem<Arc<dyn Connector>>,
        engine: EngineHandle,
        config: &Config,
        clock: Clock,
    ) -> Result<Listening, SetupError> {
        let (standing, _) = watch::channel(workspace.settings()?.callbacks()?.unwrap_or_default());
        let (address, psa) = (self.public.as_ref().map(|url| url.of(System::ConnectWise)), &connectors.connectwise);
        let (psa, snapshot, deployed) = (Arc::clone(psa), engine.snapshot(), engine.snapshot());
        let ears = Arc::new(Ears::new(workspace, connectors, engine, self.public, config, clock)?);
        let router = Router::new().fallback(delivery::answer).with_state(Arc::clone(&ears));
        let door = Door { tcp: self.tcp, permits: Arc::new(Semaphore::new(CONNECTIONS)) };
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(door, router).await {
                tracing::error!(%error, "webhooks are not listened to any more");
            }
        });
        let keeper = Arc::clone(&ears);
        let pruning = tokio::spawn(async move {
            loop {
                tokio::time::sleep(PRUNE).await;
                keeper.prune().await;
            }
        });
        let keeper = address.map(|address| Keeper {
            workspace: workspace.clone(),
            psa,
            address,
            engine: snapshot,
            objects: ears.objects(),
            standing: standing.clone(),
            clock,
            every: self.look_every,
        });
        let keeping = keeper.map(|keeper| tokio::spawn(keeper.keep()));
        let following = tokio::spawn(follow(workspace.clone(), ears, deployed));
        Ok(Listening { standing, tasks: [serving, pruning, following].into_iter().chain(keeping).collect() })
    }
}

/// Another configuration that the engine goes by may sync other objects.
async fn follow(workspace: Workspace, ears: Arc<Ears>, mut engine: watch::Receiver<Arc<Snapshot>>) {
    let mut known = None;
    loop {
        let goes_by = engine.borrow_and_update().config;
        if goes_by != known
            && let Some(version) = goes_by
        {
            let workspace = workspace.clone();
            let read = tokio::task::spawn_blocking(move || {
                let row = workspace.settings()?.version(version)?;
                row.map(|row| read_config(&row.body)).transpose()
            });
            match read.await {
                Ok(Ok(Some(config))) => ears.follow(&config, known.is_some()),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => tracing::warn!(%error, "webhooks are listened to for the objects of before"),
                Err(error) => tracing::error!(%error, "the reading of a configuration ended without a word"),
            }
            known = goes_by;
        }
        if engine.changed().await.is_err() {
            return;
        }
    }
}

/// A receiver at work; it ends when this is dropped.
pub struct Listening {
    standing: watch::Sender<Callbacks>,
    tasks: Vec<JoinHandle<()>>,
}

impl Listening {
    /// How ConnectWise's call-backs stand, always the newest.
    #[must_use]
    pub fn callbacks(&self) -> watch::Receiver<Callbacks> {
        self.standing.subscribe()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Accepts so many connections at a time.
struct Door {
    tcp: TcpListener,
    permits: Arc<Semaphore>,
}

/// A connection with an end.
struct Line {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { std::future::pending().await };
            match self.tcp.accept().await {
                Ok((stream, from)) => {
                    return (Line { stream, end: Box::pin(tokio::time::sleep(LIFE)), _permit: permit }, from);
                }
                // out of file descriptors, or the caller hung up: neither lasts
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl Line {
    fn lives(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.lives(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.lives(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_public_address_is_https_or_on_this_machine() {
        let table = [
            ("https://hooks.example.com", Some("https://hooks.example.com/hubspot")),
            ("https://hooks.example.com/acme/", Some("https://hooks.example.com/acme/hubspot")),
            ("http://127.0.0.1:8711", Some("http://127.0.0.1:8711/hubspot")),
            ("http://hooks.example.com", None),
            ("http://127.evil.example.com.", None),
            ("https://hooks.example.com/?a=1", None),
            ("https://a@hooks.example.com/", None),
            ("hooks.example.com", None),
            ("ftp://127.0.0.1/", None),
            ("", None),
        ];
        for (text, expected) in table {
            let url = PublicUrl::parse(text).ok().map(|url| url.of(System::HubSpot));
            assert_eq!(url.as_deref(), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_told() {
        let first = Receiver::bind("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
        let told = Receiver::bind(first.address(), None).await.unwrap_err().to_string();
        assert!(told.starts_with(&format!("cannot listen on {}: ", first.address())), "{told}");
    }
}
