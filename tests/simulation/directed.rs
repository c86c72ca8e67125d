//! Situations worth a test of their own.
