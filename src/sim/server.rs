//! HTTP on the loopback: reads requests, applies faults, asks the world, writes replies. Knows nothing of either API.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::control::ControlHandle;
use super::faults::Fault;
use super::wire::{Reply, Request};
use super::world::World;
use super::{Side, clock, control_http};

/// Largest request body that is read, in bytes.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Binds a port of the loopback and serves one system on it until `stop` changes. Port 0 takes a free one.
pub(crate) async fn serve(
    side: Side,
    port: u16,
    handle: ControlHandle,
    mut stop: watch::Receiver<bool>,
) -> io::Result<SocketAddr> {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
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
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return Ok(respond(Reply::empty(413), 0));
    };
    let request = Request::new(parts.method, &parts.uri, parts.headers, body);
    if request.segments.first().is_some_and(|s| s == "_sim") {
        return Ok(respond(control_http::answer(&handle, &request), handle.now_ms()));
    }
    Ok(perform(side, handle, request, &cut).await)
}

async fn perform(side: Side, handle: ControlHandle, request: Request, cut: &Cut) -> Response<Body> {
    let fault = handle.with(|world| world.faults.strike(side, &request, &mut world.random));
    let run = |handle: &ControlHandle, request: &Request| handle.with(|world| world.answer(side, request));
    let (reply, now) = match fault {
        None => run(&handle, &request),
        Some(Fault::DropBefore) => {
            handle.with(|world| world.calls.count(side, request.method.as_str(), &request.segments, 0));
            return hang_up(cut);
        }
        Some(Fault::DropAfterCommit) => {
            run(&handle, &request);
            return hang_up(cut);
        }
        Some(Fault::Status { code, body, retry_after }) => handle.with(|world| {
            let reply = forced(world, side, &request, code, body, retry_after);
            (reply, world.clock.now())
        }),
        Some(Fault::StatusAfterCommit { code, body }) => {
            run(&handle, &request);
            handle.with(|world| (forced(world, side, &request, code, body, None), world.clock.now()))
        }
        Some(Fault::Delay { ms }) => {
            let done = run(&handle, &request);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            done
        }
        Some(Fault::LateLanding { ms }) => {
            let landing = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                handle.with(|world| world.answer(side, &request))
            });
            landing.await.unwrap_or_else(|_| (Reply::empty(500), 0))
        }
        Some(Fault::Truncate) => {
            let (reply, now) = run(&handle, &request);
            return truncated(reply, now);
        }
    };
    respond(reply, now)
}

fn forced(
    world: &mut World,
    side: Side,
    request: &Request,
    code: u16,
    body: Option<String>,
    retry_after: Option<u32>,
) -> Reply {
    world.calls.count(side, request.method.as_str(), &request.segments, code);
    let mut reply = match body {
        Some(body) => {
            let mut reply = Reply::text(code, &body);
            match body.trim_start().as_bytes().first() {
                Some(b'{' | b'[') => reply.content_type = "application/json;charset=utf-8",
                Some(b'<') => reply.content_type = "text/html",
                _ => {}
            }
            reply
        }
        None => world.typical_error(side, code),
    };
    if let Some(seconds) = retry_after {
        reply.headers.retain(|(name, _)| *name != "retry-after");
        reply = reply.with("retry-after", seconds.to_string());
    }
    reply
}

fn hang_up(cut: &Cut) -> Response<Body> {
    cut.0.store(true, Ordering::Release);
    respond(Reply::empty(500), 0)
}

fn respond(reply: Reply, now_ms: i64) -> Response<Body> {
    let body = Body::from(Bytes::from(reply.body));
    head(reply.status, reply.content_type, reply.headers, now_ms, body)
}

fn truncated(reply: Reply, now_ms: i64) -> Response<Body> {
    let mut headers = reply.headers;
    headers.push(("content-length", reply.body.len().to_string()));
    let half = reply.body.get(..reply.body.len() / 2).unwrap_or_default().to_vec();
    let parts: [Result<Vec<u8>, io::Error>; 2] = [Ok(half), Err(io::ErrorKind::ConnectionReset.into())];
    let body = Body::from_stream(futures_util::stream::iter(parts));
    head(reply.status, reply.content_type, headers, now_ms, body)
}

fn head(
    status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    now_ms: i64,
    body: Body,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let map = response.headers_mut();
    let all = headers.into_iter().chain([("date", clock::http_date(now_ms))]);
    for (name, value) in all {
        if let Ok(value) = HeaderValue::from_str(&value) {
            map.append(HeaderName::from_static(name), value);
        }
    }
    if !content_type.is_empty() {
        map.insert(axum::http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// Cuts the connection that it belongs to: everything written after that fails.
#[derive(Debug, Clone)]
struct Cut(Arc<AtomicBool>);

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
        if self.cut.0.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
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
