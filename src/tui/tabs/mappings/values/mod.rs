//! The values that records hold, and how far the value maps of the draft reach.

pub mod editor;
mod meter;
pub mod source;
pub mod stored;
#[cfg(test)]
pub mod tests;

pub use meter::{Measured, Meter};
