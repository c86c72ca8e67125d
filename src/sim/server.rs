//! HTTP on the loopback: accepts connections that can be cut, reads requests, logs what was answered.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::http::Response;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::control::ControlHandle;
use super::wire::{Reply, Request};
use super::{Side, control_http, perform};

/// Largest request body that is read, in bytes.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Binds a port of the loopback and serves one system on it until `stop` changes. Port 0 takes a free one.
pub(crate) async fn serve(
    side: Side,
    port: u16,
    handle: ControlHandle,
    mut stop: watch::Receiver<bool>,
) -> io::Result<SocketAddr> {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        io::Error::new(error.kind(), format!("port {port} cannot be had for {}: {error}", side.title()))
    })?;
    let address = tcp.local_addr()?;
    let router = Router::new().fallback(answer).with_state((side, handle));
    let service = router.into_make_service_with_connect_info::<Cut>();
    let until = async move {
        let _gone = stop.wait_for(|stopped| *stopped).await;
    };
    tokio::spawn(async move { axum::serve(Door(tcp), service).with_graceful_shutdown(until).await });
    Ok(address)
}

async fn answer(
    State((side, handle)): State<(Side, ControlHandle)>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: axum::extract::Request,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let controls = parts.uri.path().trim_start_matches('/').split('/').next() == Some("_sim");
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        let reply = if controls { control_http::too_long(BODY_LIMIT) } else { Reply::empty(413) };
        return Ok(perform::respond(reply, handle.now_ms()));
    };
    let request = Request::new(parts.method, &parts.uri, parts.headers, body);
    if controls {
        return Ok(perform::respond(control_http::answer(&handle, &request), handle.now_ms()));
    }
    let (method, path, began) = (request.method.clone(), request.path.clone(), Instant::now());
    let response = perform::perform(side, handle.clone(), request, &cut).await;
    let status = if cut.is_cut() { 0 } else { response.status().as_u16() };
    handle.with(|world| world.log_request(side, method.as_str(), path, status, began.elapsed()));
    Ok(response)
}

/// Cuts the connection that it belongs to: everything written after that fails.
#[derive(Debug, Clone)]
pub(crate) struct Cut(Arc<AtomicBool>);

impl Cut {
    pub fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Accepts connections that can be cut.
struct Door(TcpListener);

struct Line {
    stream: TcpStream,
    cut: Cut,
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    let _best_effort = stream.set_nodelay(true);
                    return (Line { stream, cut: Cut(Arc::default()) }, address);
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Door>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().cut.clone()
    }
}

impl Line {
    fn whole(&self) -> io::Result<()> {
        if self.cut.is_cut() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.whole()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.whole()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
