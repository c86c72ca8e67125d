//! Types keys and reads the screen.
