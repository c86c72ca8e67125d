//! The store from outside: what is committed is found again, and nothing else can open, tear or leak it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "store/samples.rs"]
mod samples;

#[path = "store/damage.rs"]
mod damage;
#[path = "store/opening.rs"]
mod opening;
#[path = "store/paging.rs"]
mod paging;
#[path = "store/resting.rs"]
mod resting;
#[path = "store/round_trip.rs"]
mod round_trip;
#[path = "store/settings.rs"]
mod settings;
#[path = "store/writing.rs"]
mod writing;
