//! Lockstep keeps HubSpot and ConnectWise PSA in step, both ways, field by field.
//!
//! The rooms, from the ground up; a room uses only those above it in this list:
//! [`model`] the vocabulary · [`script`] expressions of a configuration · [`mapping`] and [`filter`] what belongs together and what takes part ·
//! [`engine::core`] what to do next · [`store`], [`connect`] and [`engine::driver`] doing it ·
//! [`sim`] both systems for demo and tests · [`view`] rows for people · [`tui`] and [`cli`] the two ways in.

pub mod cli;
pub mod connect;
pub mod engine;
pub mod error;
pub mod filter;
pub mod mapping;
pub mod model;
pub mod script;
pub mod sim;
pub mod store;
pub mod telemetry;
pub mod tui;
pub mod view;
pub mod workbook;
