//! The console. All of ratatui lives here.
