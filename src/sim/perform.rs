//! Plays one request to its end, with the fault that strikes it. Knows nothing of either API.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use futures_util::{Stream, StreamExt, stream};

use super::control::ControlHandle;
use super::faults::Fault;
use super::server::Cut;
use super::wire::{Reply, Request};
use super::{Side, alter, clock};

const HTML: &str = "<!DOCTYPE html><html><head><title>Please sign in</title></head><body><form></form></body></html>";
/// Bytes of an oversized answer that are sent at a time.
const CHUNK: usize = 64 * 1024;

/// An answer, and what time it is for the system that gives it, in milliseconds since 1970.
type Answered = (Reply, i64);

/// The response to one request; where the connection breaks without one, `cut` is cut.
pub(crate) async fn perform(side: Side, handle: ControlHandle, request: Request, cut: &Cut) -> Response<Body> {
    let played = Played { side, handle, request };
    let fault = played.handle.with(|world| world.faults.strike(side, &played.request, &mut world.random));
    match fault {
        None => whole(played.run()),
        Some(Fault::DropBefore) => {
            played.count(0);
            hang_up(cut)
        }
        Some(Fault::DropAfterCommit) => {
            played.run();
            hang_up(cut)
        }
        Some(
            fault @ (Fault::Status { .. } | Fault::Limited { .. } | Fault::Expired | Fault::Html { commits: false }),
        ) => {
            let refusal = played.instead(&fault);
            played.count(refusal.0.status);
            whole(refusal)
        }
        Some(fault @ (Fault::StatusAfterCommit { .. } | Fault::Html { commits: true })) => {
            // Counted by what it came to, not by what is said of it.
            played.run();
            whole(played.instead(&fault))
        }
        Some(Fault::Delay { ms }) => {
            let done = played.run();
            pause(ms).await;
            whole(done)
        }
        Some(Fault::LateLanding { ms }) => late(played, ms).await,
        Some(Fault::Skew { ms }) => {
            played.handle.with(|world| world.jump(side, ms));
            whole(played.run())
        }
        Some(Fault::Truncate) => broken_off(played.run()),
        Some(Fault::Drip { bytes, every_ms }) => dripping(played.run(), bytes, every_ms),
        Some(Fault::Oversized { megabytes }) => oversized(played.run(), megabytes),
        Some(fault) => {
            let (mut reply, now) = played.run();
            played.handle.with(|world| alter::alter(&mut reply, &fault, &mut world.random));
            whole((reply, now))
        }
    }
}

/// A request that a fault may have struck.
struct Played {
    side: Side,
    handle: ControlHandle,
    request: Request,
}

impl Played {
    fn run(&self) -> Answered {
        self.handle.with(|world| world.answer(self.side, &self.request))
    }

    fn count(&self, status: u16) {
        let (side, request) = (self.side, &self.request);
        self.handle.with(|world| world.calls.count(side, request.method.as_str(), &request.segments, status));
    }

    /// What is said instead of an answer, whether or not the request took effect.
    fn instead(&self, fault: &Fault) -> Answered {
        self.handle.with(|world| {
            let now = world.now(self.side);
            let reply = match fault {
                Fault::Status { code, body: None, .. } | Fault::StatusAfterCommit { code, body: None } => {
                    world.typical_error(self.side, *code)
                }
                Fault::Status { code, body: Some(body), .. } | Fault::StatusAfterCommit { code, body: Some(body) } => {
                    worded(*code, body)
                }
                Fault::Limited { retry_after } => alter::wait(world.typical_error(self.side, 429), *retry_after, now),
                Fault::Expired => world.expired(self.side),
                _ => worded(200, HTML),
            };
            let reply = match fault {
                Fault::Status { retry_after: Some(seconds), .. } => alter::wait_seconds(reply, *seconds),
                _ => reply,
            };
            (reply, now)
        })
    }
}

fn worded(code: u16, body: &str) -> Reply {
    let mut reply = Reply::text(code, body);
    match body.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => reply.content_type = "application/json;charset=utf-8",
        Some(b'<') => reply.content_type = "text/html",
        _ => {}
    }
    reply
}

/// The request goes on by itself: a client that hangs up does not stop it.
async fn late(played: Played, ms: u64) -> Response<Body> {
    let landing = tokio::spawn(async move {
        pause(ms).await;
        played.run()
    });
    whole(landing.await.unwrap_or_else(|_| (Reply::empty(500), 0)))
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

fn hang_up(cut: &Cut) -> Response<Body> {
    cut.cut();
    respond(Reply::empty(500), 0)
}

fn whole((reply, now_ms): Answered) -> Response<Body> {
    respond(reply, now_ms)
}

pub(crate) fn respond(mut reply: Reply, now_ms: i64) -> Response<Body> {
    let body = Body::from(Bytes::from(std::mem::take(&mut reply.body)));
    head(reply, now_ms, body)
}

fn streamed(
    (mut reply, now_ms): Answered,
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Response<Body> {
    reply.body.clear();
    head(reply, now_ms, Body::from_stream(body))
}

fn broken_off((reply, now_ms): Answered) -> Response<Body> {
    let half = Bytes::copy_from_slice(reply.body.get(..reply.body.len() / 2).unwrap_or_default());
    let length = reply.body.len().to_string();
    // The first half must be on its way before the connection breaks, or nothing at all would be sent.
    let breaks = async {
        pause(20).await;
        Err(io::ErrorKind::ConnectionReset.into())
    };
    let parts = stream::iter([Ok(half)]).chain(stream::once(breaks));
    streamed((reply.with("content-length", length), now_ms), parts)
}

fn dripping(answered: Answered, bytes: usize, every_ms: u64) -> Response<Body> {
    let body = Bytes::from(answered.0.body.clone());
    let size = bytes.max(1);
    let drops = stream::unfold(0_usize, move |at| {
        let end = at.saturating_add(size).min(body.len());
        // When the answer is out, blanks follow it: a client that waits for the end waits for ever.
        let drop = if at < end { body.slice(at..end) } else { Bytes::from_static(b" ") };
        async move {
            pause(every_ms).await;
            Some((Ok(drop), end))
        }
    });
    streamed(answered, drops)
}

fn oversized(answered: Answered, megabytes: u32) -> Response<Body> {
    let blanks = Bytes::from(vec![b' '; CHUNK]);
    let chunks = usize::try_from(megabytes).unwrap_or(usize::MAX).saturating_mul(1024 * 1024 / CHUNK);
    let first = Bytes::from(answered.0.body.clone());
    let rest = stream::repeat_with(move || Ok(blanks.clone())).take(chunks);
    streamed(answered, stream::iter([Ok(first)]).chain(rest))
}

fn head(reply: Reply, now_ms: i64, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let map = response.headers_mut();
    let dated = reply.headers.iter().any(|(name, _)| *name == "date");
    let date = (!dated).then(|| ("date", clock::http_date(now_ms)));
    for (name, value) in reply.headers.into_iter().chain(date) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            map.append(HeaderName::from_static(name), value);
        }
    }
    if !reply.content_type.is_empty() {
        map.insert(axum::http::header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    response
}
