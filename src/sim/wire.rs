//! Requests and replies as plain data: the simulators' handlers are functions from one to the other.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::Value;

/// One request, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub method: Method,
    /// As it was sent, without the query.
    pub path: String,
    /// The path's parts, decoded, empty ones left out.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Length of path and query as sent, in bytes.
    pub uri_length: usize,
}

impl Request {
    pub fn new(method: Method, uri: &axum::http::Uri, headers: HeaderMap, body: Bytes) -> Self {
        let path = uri.path().to_owned();
        let segments = path.split('/').filter(|s| !s.is_empty()).map(|s| decode(s, false)).collect();
        let query = uri.query().map(parse_query).unwrap_or_default();
        let uri_length = path.len() + uri.query().map_or(0, |q| q.len() + 1);
        Self { method, path, segments, query, headers, body, uri_length }
    }

    pub fn parts(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The first query parameter of that name, whatever its case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// A comma-separated parameter, also when it is repeated.
    pub fn list_param(&self, name: &str) -> Vec<String> {
        self.query
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .flat_map(|(_, v)| v.split(','))
            .map(|s| s.trim().to_owned())
            .filter(|s| !s.is_empty())
            .collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    pub fn json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// How the client called this machine, for links in answers.
    pub fn host(&self) -> &str {
        self.header("host").unwrap_or("127.0.0.1")
    }
}

/// What goes back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, value: &Value) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self { status, headers: Vec::new(), content_type: "application/json;charset=utf-8", body }
    }

    pub fn text(status: u16, text: &str) -> Self {
        Self { status, headers: Vec::new(), content_type: "text/plain; charset=utf-8", body: text.as_bytes().to_vec() }
    }

    pub const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), content_type: "", body: Vec::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

pub(crate) fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name, true), decode(value, true))
        })
        .collect()
}

/// Percent-decodes; in a query a plus is a space.
fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&byte) = bytes.get(i) {
        let pair = text.get(i + 1..i + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, pair) {
            (b'%', Some(value)) => {
                out.push(value);
                i += 2;
            }
            (b'+', _) if plus => out.push(b' '),
            _ => out.push(byte),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent-encodes everything that is not a letter, digit or one of `-._~`.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_decodes_to_itself() {
        let text = "name = \"Ünïcödé & sons + 50%\"";
        assert_eq!(parse_query(&format!("conditions={}", encode(text))), [("conditions".to_owned(), text.to_owned())]);
    }
}
