//! The last requests that each system answered: what, when, how, and how fast. Never bodies, queries or credentials.

use std::collections::VecDeque;

use serde::Serialize;

use super::Side;

/// How many requests are kept.
const KEPT: usize = 2_000;
/// Characters of a path that are kept.
const PATH: usize = 300;

/// One request that was answered, or whose connection broke.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestEntry {
    /// Counts from 1 over both systems.
    pub sequence: u64,
    /// When the answer began, on the simulators' clock, in milliseconds since 1970.
    pub at_ms: i64,
    pub side: Side,
    pub method: String,
    /// Without its query, which may hold personal data.
    pub path: String,
    /// 0: the connection broke without an answer.
    pub status: u16,
    /// How long it took until the answer began, in real milliseconds.
    pub ms: f64,
}

#[derive(Debug, Default)]
pub(crate) struct Requests {
    entries: VecDeque<RequestEntry>,
    last: u64,
}

impl Requests {
    /// Adds an entry; its sequence number is given here.
    pub fn add(&mut self, mut entry: RequestEntry) {
        self.last += 1;
        entry.sequence = self.last;
        if let Some((end, _)) = entry.path.char_indices().nth(PATH) {
            entry.path.truncate(end);
        }
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The kept requests after the one with that sequence number, oldest first.
    pub fn since(&self, sequence: u64) -> Vec<RequestEntry> {
        let first = self.entries.partition_point(|entry| entry.sequence <= sequence);
        self.entries.iter().skip(first).cloned().collect()
    }
}
