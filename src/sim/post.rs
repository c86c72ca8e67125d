//! Carries webhooks and callbacks to their listeners: time-outs, retries, and what becomes of those that never answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use super::control::ControlHandle;
use super::delivery::{DeliveryEntry, Events, Notice, Notices, Webhook, is_local};
use super::world::World;
use super::{Side, hubspot};

/// Requests that are on their way at the same time.
const CONCURRENT: usize = 10;
/// HubSpot's retries of a request that was not answered with a 2xx.
const WEBHOOK_RETRIES: u32 = 10;
/// ConnectWise's retries of a request that was answered with one of [`CALLBACK_RETRIED`].
const CALLBACK_RETRIES: u32 = 2;
const CALLBACK_RETRIED: [u16; 4] = [404, 409, 419, 429];

/// Delivers until `stop` changes. `site` is the address of the simulated ConnectWise.
///
/// # Errors
/// When no HTTP client can be made.
pub(crate) fn start(handle: ControlHandle, site: String, mut stop: watch::Receiver<bool>) -> io::Result<()> {
    // A second installation is refused and changes nothing: whoever was first chose the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .user_agent("HubSpot Connect 2.0 (simulated)")
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(io::Error::other)?;
    let post = Arc::new(Post { handle, client, site, permits: Semaphore::new(CONCURRENT) });
    tokio::spawn(async move {
        tokio::select! {
            () = post.work() => {}
            _ = stop.wait_for(|stopped| *stopped) => {}
        }
    });
    Ok(())
}

struct Post {
    handle: ControlHandle,
    client: reqwest::Client,
    site: String,
    permits: Semaphore,
}

/// What the changes since the last look give to say.
struct Due {
    epoch: u64,
    webhook: Option<Webhook>,
    batches: Vec<Vec<Value>>,
    notices: Vec<Notice>,
}

impl Post {
    async fn work(self: Arc<Self>) {
        let bell = self.handle.with(|world| world.ledger.bell());
        loop {
            bell.notified().await;
            pause(self.handle.with(|world| world.behaviour.delivery.gather_ms)).await;
            let due = self.handle.with(|world| due(world, &self.site));
            for batch in due.batches {
                if let Some(webhook) = due.webhook.clone() {
                    tokio::spawn(Arc::clone(&self).webhook(due.epoch, webhook, batch));
                }
            }
            for notice in due.notices {
                tokio::spawn(Arc::clone(&self).callback(due.epoch, notice));
            }
        }
    }

    /// Until the listener says 2xx, at most eleven times.
    async fn webhook(self: Arc<Self>, epoch: u64, webhook: Webhook, events: Vec<Value>) {
        for attempt in 0..=WEBHOOK_RETRIES {
            if attempt > 0 {
                pause(self.handle.with(|world| world.behaviour.delivery.webhook_retry_ms) << (attempt - 1)).await;
            }
            if self.is_over(epoch) {
                return;
            }
            let body = numbered(&events, attempt);
            let headers = self.handle.with(|world| {
                let now = world.now(Side::HubSpot);
                hubspot::sign(world.behaviour.hubspot.webhook_signature, &webhook, &body, now)
            });
            let status = self.send(&webhook.url, &headers, body).await;
            self.note(Side::HubSpot, &webhook.url, events.len(), attempt, status);
            if is_success(status) {
                return;
            }
        }
    }

    /// Once, and again only after an answer that asks for it.
    async fn callback(self: Arc<Self>, epoch: u64, notice: Notice) {
        let mut attempt = 0;
        loop {
            if self.is_over(epoch) {
                return;
            }
            let status = self.send(&notice.url, &notice.headers, notice.body.clone()).await;
            self.note(Side::ConnectWise, &notice.url, 1, attempt, status);
            if is_success(status) {
                return;
            }
            if attempt == CALLBACK_RETRIES || !CALLBACK_RETRIED.contains(&status) {
                break;
            }
            pause(self.handle.with(|world| world.behaviour.delivery.callback_retry_ms) << attempt).await;
            attempt += 1;
        }
        self.handle.with(|world| {
            let now = world.now(Side::ConnectWise);
            if world.deliveries.epoch == epoch && world.deliveries.failed(notice.callback, now) {
                world.connectwise.disable(notice.callback);
            }
        });
    }

    fn is_over(&self, epoch: u64) -> bool {
        self.handle.with(|world| world.deliveries.epoch != epoch)
    }

    fn note(&self, side: Side, url: &str, events: usize, attempt: u32, status: u16) {
        let url = url.split('?').next().unwrap_or_default().to_owned();
        self.handle.with(|world| {
            let at_ms = world.clock.now();
            world.deliveries.add(DeliveryEntry { sequence: 0, at_ms, side, url, events, attempt, status });
        });
    }

    /// The status of the answer; 0: none in time, or an address that is not on this machine.
    async fn send(&self, url: &str, headers: &[(&'static str, String)], body: Vec<u8>) -> u16 {
        if !is_local(url) {
            return 0;
        }
        let Ok(_permit) = self.permits.acquire().await else { return 0 };
        let patience = Duration::from_millis(self.handle.with(|world| world.behaviour.delivery.timeout_ms));
        let request = self.client.post(url).timeout(patience).header("content-type", "application/json").body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        request.send().await.map_or(0, |answer| answer.status().as_u16())
    }
}

fn due(world: &mut World, site: &str) -> Due {
    let now = world.now(Side::ConnectWise);
    let (mut events, mut notices) = (Vec::new(), Vec::new());
    for change in world.ledger.after(world.deliveries.seen) {
        match (change.side, &world.deliveries.webhook) {
            (Side::HubSpot, Some(webhook)) => events.extend(world.hubspot.events(webhook, &change)),
            (Side::HubSpot, None) => {}
            (Side::ConnectWise, _) => notices.extend(world.connectwise.notices(&change, site, now)),
        }
    }
    world.deliveries.seen = world.ledger.last();
    events.append(&mut world.deliveries.samples);
    let batches = world.behaviour.delivery.batches(events, &mut world.random);
    Due { epoch: world.deliveries.epoch, webhook: world.deliveries.webhook.clone(), batches, notices }
}

fn numbered(events: &[Value], attempt: u32) -> Vec<u8> {
    let numbered = events.iter().cloned().map(|mut event| {
        if let Some(map) = event.as_object_mut() {
            map.insert("attemptNumber".to_owned(), json!(attempt));
        }
        event
    });
    Value::Array(numbered.collect()).to_string().into_bytes()
}

const fn is_success(status: u16) -> bool {
    status >= 200 && status < 300
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
