//! The one-shot listener that HubSpot's sign-in page leads the browser back to. Takes one answer with the right state,
//! and ends: by that answer, or by its time.
//!
//! Whoever can reach this port is on this machine; nobody is believed before the state fits, and nothing that came in is
//! ever shown.

use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::oauth::Authorization;
use crate::connect::error::{ConnectError, ConnectErrorKind};

/// A browser opens connections it may never use: each has this long.
const ONE_REQUEST: Duration = Duration::from_secs(5);
const HEAD_BYTES: usize = 16 * 1024;
const AT_ONCE: usize = 16;
const PATH: &str = "/oauth/callback";

/// A port of this machine that waits for a sign-in to come back.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    /// Opens the port, on 127.0.0.1 only. 0 takes any that is free; HubSpot, though, knows an app by its redirect
    /// addresses, port included.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn bind(port: u16) -> Result<Self, ConnectError> {
        let taken = |error: std::io::Error| {
            ConnectError::new(
                ConnectErrorKind::Setup,
                format!("Port {port} of this machine cannot be opened: {error}."),
                "Close the program that uses it, choose another port, or paste the code instead.",
            )
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(taken)?;
        let port = listener.local_addr().map_err(taken)?.port();
        Ok(Self { listener, port })
    }

    /// The redirect address to register with the app. HubSpot takes plain http for the name `localhost` only.
    #[must_use]
    pub fn redirect(&self) -> String {
        format!("http://localhost:{}{PATH}", self.port)
    }

    /// Waits for the browser, at most `patience`.
    ///
    /// # Errors
    /// Nobody came in time, or HubSpot says that access was not granted.
    pub async fn wait(self, attempt: &Authorization, patience: Duration) -> Result<SecretString, ConnectError> {
        tokio::time::timeout(patience, self.take(attempt)).await.unwrap_or_else(|_| {
            Err(ConnectError::new(
                ConnectErrorKind::Credentials,
                format!("Nobody came back from HubSpot's page within {} seconds.", patience.as_secs()),
                "Try again; where the browser runs on another machine, paste the code instead.",
            ))
        })
    }

    async fn take(self, attempt: &Authorization) -> Result<SecretString, ConnectError> {
        let mut open: JoinSet<Option<(TcpStream, String)>> = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if open.len() < AT_ONCE => {
                    // A connection that broke before it began is nobody's answer.
                    if let Ok((stream, _)) = accepted {
                        open.spawn(async move { tokio::time::timeout(ONE_REQUEST, target(stream)).await.ok()? });
                    }
                }
                Some(request) = open.join_next() => {
                    let Ok(Some((stream, target))) = request else { continue };
                    if let Some(end) = Self::judge(attempt, stream, &target).await {
                        return end;
                    }
                }
            }
        }
    }

    /// Answers one request; says how the wait ends if it does.
    async fn judge(
        attempt: &Authorization,
        mut stream: TcpStream,
        target: &str,
    ) -> Option<Result<SecretString, ConnectError>> {
        let query = target.split_once('?').filter(|(path, _)| *path == PATH).map(|(_, query)| query);
        let (status, words, end) = match query.map(|query| (query, attempt.answered(query))) {
            None => ("404 Not Found", "There is nothing here.", None),
            Some((_, Ok(code))) => {
                ("200 OK", "HubSpot answered. Go back to Lockstep to see whether it worked.", Some(Ok(code)))
            }
            // Somebody else's answer must not end the wait for the right one.
            Some((query, Err(_))) if !attempt.is_mine(query) => {
                ("400 Bad Request", "This is not the sign-in that Lockstep waits for.", None)
            }
            Some((_, Err(error))) => ("200 OK", "HubSpot did not grant access. Lockstep tells more.", Some(Err(error))),
        };
        let body = format!("<!doctype html><meta charset=utf-8><title>Lockstep</title><p>{words}</p>");
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\
             cache-control: no-store\r\nreferrer-policy: no-referrer\r\ncontent-security-policy: default-src 'none'\r\n\r\n",
            body.len()
        );
        let answer = async {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
            stream.shutdown().await
        };
        // The code is in hand whether or not the browser reads the page.
        let _ = tokio::time::timeout(ONE_REQUEST, answer).await;
        end
    }
}

/// Path and query of one GET; nothing for anything else.
async fn target(mut stream: TcpStream) -> Option<(TcpStream, String)> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut chunk = [0; 2048];
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        head.extend_from_slice(&chunk[..n]);
        if head.len() > HEAD_BYTES {
            return None;
        }
    }
    let text = std::str::from_utf8(&head).ok()?;
    let mut line = text.lines().next()?.split(' ');
    let target = (line.next()? == "GET").then(|| line.next())??.to_owned();
    Some((stream, target))
}
