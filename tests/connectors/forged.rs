//! A system of our own making: answers what the test says, and keeps what it was sent.

use std::sync::{Arc, Mutex};

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came over the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub body: Json,
}

/// What to answer to a method and path: status and body.
type Script = dyn Fn(&Seen) -> (u16, Vec<u8>) + Send + Sync;

pub struct Forged {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Forged {
    pub async fn start(script: impl Fn(&Seen) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Self {
        Self::with_header("", script).await
    }

    /// Every answer has this line among its headers.
    pub async fn with_header(
        header: &'static str,
        script: impl Fn(&Seen) -> (u16, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, kept): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, header, Arc::clone(&script), Arc::clone(&kept)));
            }
        });
        Self { url, seen, task }
    }

    /// What was sent since the last look.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Drop for Forged {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, header: &str, script: Arc<Script>, seen: Arc<Mutex<Vec<Seen>>>) -> Option<()> {
    let mut bytes = Vec::new();
    let head = loop {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    while bytes.len() < head + length.unwrap_or(0) {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
    }
    let mut first = text.lines().next()?.split(' ');
    let request = Seen {
        method: first.next()?.to_owned(),
        path: first.next()?.to_owned(),
        body: serde_json::from_slice(&bytes[head..]).unwrap_or(Json::Null),
    };
    let (status, body) = script(&request);
    seen.lock().unwrap().push(request);
    let end = if header.is_empty() { "\r\n" } else { "\r\n\r\n" };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{header}{end}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&body).await.ok()?;
    stream.shutdown().await.ok()
}
