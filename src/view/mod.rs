//! Rows and panels per tab: state in, text and roles out. No terminal.
